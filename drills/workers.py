"""Jobs of workers, one of which is killed at a random moment: all end, and the job goes on.

A strike is a kill, of one worker of 2 or of 4 in turn. The job then goes on with another number of
workers, and once it has come to its end its model file must have the bytes of the unbroken one.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec

import house
import numpy as np

COUNT = 12
SECONDS_TO_END = 5.0  # as promised
KILLED = 128 + signal.SIGKILL
NUMBERS = 2, 4, 1
ROWS, EPOCHS = 2000, 150


def drill(tally, folder):
    from handgrad.workers.launch import mpiexec

    if find_spec("mpi4py") is None or mpiexec() is None:
        tally.fails("it takes mpi4py and mpiexec: pip install '.[mpi]'")
        return "not begun"
    chance, table = random.Random(0), table_in(folder)
    whole, kept, path = folder / "whole.safetensors", folder / "kept", folder / "model.safetensors"
    done = house.run(command(table, whole, 1), seconds=300)
    tally.expect(done.returncode == 0, f"an unbroken fit ended with {done.returncode}")
    expected, ended, slowest = whole.read_bytes(), 0, 0.0
    tally.begin()
    for number in tally.strikes():
        workers = NUMBERS[number % 2]
        seconds = killed(command(table, path, workers, kept), kept, workers, chance, tally)
        if seconds is not None:
            slowest = max(slowest, seconds)
            late = f"{workers} workers took {seconds:.1f} s to end"
            tally.expect(seconds <= SECONDS_TO_END, late)
            tally.expect(not path.exists(), "a job that was killed left a model")
        if number % 3 == 2 or path.exists() or tally.struck == tally.count:
            line = command(table, path, NUMBERS[number // 3 % 3], kept)
            ended += goes_on(line, path, expected, tally)
            shutil.rmtree(kept, ignore_errors=True)
            path.unlink(missing_ok=True)
    return f"{tally.struck} kills of one worker; {ended} jobs went on; all ended in {slowest:.1f} s"


def table_in(folder):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, 6)).round(4)
    y = np.where(x[:, 0] * x[:, 1] > 0, "yes", "no")
    cells = [",".join([*map(str, row), label]) for row, label in zip(x.tolist(), y, strict=True)]
    path = folder / "rows.csv"
    path.write_text("\n".join(["a,b,c,d,e,f,y", *cells]))
    return path


def command(table, path, workers, kept=None):
    asked = [*house.HANDGRAD, "fit", table, "--target", "y", "--batch-size", "512", "--quiet"]
    asked += ["--epochs", EPOCHS, "--patience", EPOCHS, "--dropout", "0.1", "--model", path]
    asked += ["--workers", workers]
    if kept is not None:
        asked += ["--checkpoint", kept, "--checkpoint-every", "2", "--resume"]
    return list(map(str, asked))


def killed(line, kept, workers, chance, tally):
    """Start a job, kill one of its workers once there is news, and give the seconds to its end."""
    known = newest(kept)
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as job:
        while newest(kept) == known and job.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.3))
        victim = a_worker(job.pid, workers, chance)
        if victim is None:
            job.wait()
            return None  # it came to its end before
        os.kill(victim, signal.SIGKILL)
        started = time.monotonic()
        try:
            code = job.wait(timeout=60)
        except subprocess.TimeoutExpired:
            job.kill()
            tally.fails(f"{workers} workers hang, one of which was killed")
            return None
        tally.expect(code in (0, KILLED), f"a job with a killed worker ended with {code}")
        return None if code == 0 else time.monotonic() - started


def newest(kept):
    return max(kept.glob("checkpoint-*"), default=None) if kept.is_dir() else None


def a_worker(pid, workers, chance):
    """Choose one of the workers of a job; None where they are not there, or not any more."""
    try:
        launched = [child for one in children(pid) for child in children(one)]
    except OSError:
        return None
    return chance.choice(launched) if len(launched) == workers else None


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return list(map(int, file.read().split()))


def goes_on(line, path, expected, tally):
    done = house.run(line, seconds=300)
    tally.expect(done.returncode == 0, f"a job that goes on ended with {done.returncode}")
    if path.exists():
        tally.expect(path.read_bytes() == expected, "a job that went on has other bytes")
    return done.returncode == 0
