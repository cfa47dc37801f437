"""What checkpoints survive, and what they cost.

    python benchmarks/survival.py [--quick | --tables]

Killed: fits that write a checkpoint after every epoch are killed (SIGKILL) at random moments, gone
on with and killed again, until one comes to its end; its model file must have the bytes of an
unbroken fit's. Each fit is a process of its own, forked from one that has loaded handgrad. A kill
that leaves a temporary file behind has hit a checkpoint while it was written.

Cost: the seconds of writing one checkpoint of the race's W4 (784-128-10, 15,360 rows, Adam), beside
those of an epoch; and their share of the time at the default of one a minute.
"""

import os
import shutil
import signal
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from racing.results import number, run

KILLS, KILLS_OF_TRIAL = 100, 5
WAYS = {
    "adam": {"solver": "adam"},
    "sgd, adaptive rate, early stopping": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "early_stopping": True,
    },
    "adamw, dropout, cosine, three networks": {
        "solver": "adamw",
        "dropout": 0.2,
        "learning_rate": "cosine",
        "n_ensemble": 3,
        "max_iter": 40,
    },
    "adam, no seed given": {"random_state": None, "early_stopping": True},
    "strong recipe, fast": None,
}


def measure(options):
    warnings.simplefilter("ignore")
    kills = KILLS_OF_TRIAL if options.quick else KILLS
    with tempfile.TemporaryDirectory() as folder:
        killed = {way: drill(way, Path(folder), kills) for way in WAYS}
        return {"killed": killed, "cost": cost(Path(folder), 1 if options.quick else 5)}


# -- killed -----------------------------------------------------------------------------------


def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 8))
    return X, (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=300) > 0).astype(int)


def estimator(way, **kept):
    from handgrad import MLPClassifier, TabularClassifier

    if WAYS[way] is None:
        return TabularClassifier(effort="fast", random_state=0, updates=(60, 120), **kept)
    usual = {"max_iter": 120, "tol": 0.0, "n_iter_no_change": 50, "random_state": 0}
    return MLPClassifier((32,), batch_size=32, engine="numpy", **usual | WAYS[way], **kept)


def drill(way, folder, kills):
    """Kill so many fits; count what was hit, and what came out wrong."""
    rng = np.random.default_rng(0)
    kept, path = folder / "kept", folder / "model.safetensors"
    found = {"kills": 0, "amid a save": 0, "fits": 0, "other bytes": 0, "failures": 0}
    seconds, expected = unbroken(way, path)
    while found["kills"] < kills:
        shutil.rmtree(kept, ignore_errors=True)
        path.unlink(missing_ok=True)
        while not path.exists():
            # the last may live: a fit that is always killed in its first epoch never ends
            patience = rng.uniform(0, 0.6 * seconds) if found["kills"] < kills else 1e9
            ended = in_a_process(way, kept, path, patience)
            found["kills"] += ended is None
            found["failures"] += ended not in (None, 0)
            found["amid a save"] += ended is None and any(kept.glob(".handgrad-*.tmp"))
            if ended not in (None, 0):
                break
        found["fits"] += 1
        if WAYS[way] is not None and WAYS[way].get("random_state", 0) is None:
            expected = again(way, kept, path, folder)
        found["other bytes"] += path.read_bytes() != expected
    return found


def unbroken(way, path):
    """Fit without checkpoints; give the seconds of one with a checkpoint an epoch, and the file."""
    estimator(way).fit(*table()).save(path)
    content = path.read_bytes()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        estimator(way, checkpoint=folder, checkpoint_every=1).fit(*table())
    return time.perf_counter() - started, content


def again(way, kept, path, folder):
    """Fit without a break from the chance that a fit without a seed has drawn."""
    from handgrad.models.checkpoint import Checkpoint, from_bytes, to_bytes

    last = from_bytes(max(kept.glob("*.safetensors")).read_bytes())
    fresh = folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    begun = to_bytes(Checkpoint(last.facts, last.chance, {}))
    (fresh / "checkpoint-000001.safetensors").write_bytes(begun)
    estimator(way, checkpoint=fresh, resume=True).fit(*table()).save(folder / "again.safetensors")
    return (folder / "again.safetensors").read_bytes()


def in_a_process(way, kept, path, patience):
    """Fit in a child; give its exit code, or None if it had to be killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            model = estimator(way, checkpoint=kept, checkpoint_every=1, resume=True)
            model.fit(*table()).save(path)
            code = 0
        finally:
            os._exit(code)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


# -- cost -------------------------------------------------------------------------------------


def cost(folder, rounds):
    """Time an epoch of W4, and a checkpoint of it."""
    from handgrad import MLPClassifier

    rng = np.random.default_rng(0)
    X = rng.random((15_360, 784), dtype=np.float32)
    y = rng.integers(10, size=15_360)
    seconds = {"epoch": [], "epoch and checkpoint": []}
    for _ in range(rounds):
        for name, kept in (("epoch", {}), ("epoch and checkpoint", {"checkpoint_every": 1})):
            if kept:
                shutil.rmtree(folder / "cost", ignore_errors=True)
                kept = kept | {"checkpoint": folder / "cost"}
            ends = []
            MLPClassifier(
                (128,),
                batch_size=128,
                max_iter=6,
                dtype="float32",
                random_state=0,
                on_epoch=lambda _, ends=ends: ends.append(time.perf_counter()),
                **kept,
            ).fit(X, y)
            seconds[name] += np.diff(ends).tolist()
    epoch, both = (float(np.median(seconds[name])) for name in seconds)
    size = max(path.stat().st_size for path in (folder / "cost").iterdir())
    save = max(both - epoch, 0.0)
    return {"epoch, s": epoch, "checkpoint, s": save, "bytes": size, "share a minute": save / 60}


def tables(data):
    header = ["", *next(iter(data["killed"].values()))]
    rows = [[way, *(f"{n:,}" for n in found.values())] for way, found in data["killed"].items()]
    total = [sum(found[name] for found in data["killed"].values()) for name in header[1:]]
    rows.append(["all", *(f"{n:,}" for n in total)])
    costs = data["cost"]
    told = [
        number(costs["epoch, s"]),
        number(costs["checkpoint, s"]),
        f"{costs['bytes']:,}",
        f"{costs['share a minute']:.3%}",
    ]
    return [(header, rows), (["W4: an epoch, s", "a checkpoint, s", "bytes", "of a minute"], [told])]


if __name__ == "__main__":
    run(measure, tables, ["handgrad", "numpy"])
