"""SIGKILL at random moments of a fit that keeps checkpoints: it goes on, to the same bytes.

A strike is a kill. Each fit writes a checkpoint after every epoch, is killed, goes on and is killed
again, until one comes to its end; the next begins. Each is a process of its own.
"""

import os
import random
import shutil
import signal
import tempfile
import time
import warnings

import numpy as np

COUNT = 500
UNHURRIED = 3600.0  # seconds
STRONG = "strong recipe"
WAYS = {
    "adam": {"solver": "adam"},
    "adaptive rate": {"solver": "sgd", "learning_rate": "adaptive", "early_stopping": True},
    "three networks": {
        "solver": "adamw",
        "dropout": 0.2,
        "learning_rate": "cosine",
        "n_ensemble": 3,
        "max_iter": 40,
    },
    "no seed": {"random_state": None, "early_stopping": True},
    STRONG: {},
}


def drill(tally, folder):
    warnings.simplefilter("ignore")
    estimator("adam").get_params()  # imports, which no child has to do again
    chance = random.Random(0)
    known = {way: unbroken(way, folder / "once") for way in WAYS}
    ended = amid = number = 0
    tally.begin()
    strikes = tally.strikes()
    while tally.struck < tally.count and time.monotonic() < tally.deadline:
        way = list(WAYS)[number % len(WAYS)]
        number += 1
        kept, path = folder / f"kept{number}", folder / "model.safetensors"
        path.unlink(missing_ok=True)
        seconds, content = known[way]
        while not path.exists():
            # where no further kill is due, the last fit may end
            is_due = next(strikes, None) is not None
            code = fit_in_a_process(
                way, kept, path, chance.uniform(0, 0.3 * seconds) if is_due else UNHURRIED
            )
            amid += code is None and any(kept.glob(".handgrad-*.tmp"))
            tally.struck -= is_due and code is not None  # it ended before its kill
            if code:
                tally.fails(f"{way}: the fit that goes on ended with {code}")
                break
        ended += path.exists()
        if path.exists():
            content = unbroken_from(way, kept, folder) if content is None else content
            tally.expect(path.read_bytes() == content, f"{way}: another model")
        shutil.rmtree(kept, ignore_errors=True)
    return (
        f"{tally.struck:,} kills of {ended:,} fits in {len(WAYS)} ways; {amid:,} amid a save; "
        f"{1000 * seconds_of_one(folder):.0f} ms for a checkpoint of 784-128-10"
    )


def seconds_of_one(folder):
    """Time how long a checkpoint of a larger network takes, on its way to the disk included."""
    from handgrad import MLPClassifier
    from handgrad.atomic_file import write_atomically
    from handgrad.models.checkpoint import from_bytes, to_bytes

    X = np.random.default_rng(0).random((1000, 784), dtype=np.float32)
    model = MLPClassifier((128,), max_iter=1, checkpoint=folder / "cost", early_stopping=True)
    model.fit(X, np.arange(1000) % 10)
    (path,) = (folder / "cost").iterdir()
    standing, taken = from_bytes(path.read_bytes()), []
    for _ in range(9):
        started = time.perf_counter()
        write_atomically(path, to_bytes(standing))
        taken.append(time.perf_counter() - started)
    return sorted(taken)[4]


def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 8))
    return X, (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=300) > 0).astype(int)


def estimator(way, **kept):
    from handgrad import MLPClassifier, TabularClassifier

    if way == STRONG:
        return TabularClassifier("fast", random_state=0, updates=(60, 120), **kept)
    usual = {"max_iter": 120, "tol": 0.0, "n_iter_no_change": 50, "random_state": 0}
    return MLPClassifier((32,), batch_size=32, **usual | WAYS[way], **kept)


def unbroken(way, path):
    """Give the seconds of a fit with a checkpoint an epoch, and the file of one without any."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        fit_in_a_process(way, folder, path, UNHURRIED)
    seconds = time.perf_counter() - started
    fit_in_a_process(way, None, path, UNHURRIED)
    has_seed = WAYS[way].get("random_state", 0) is not None
    return seconds, path.read_bytes() if has_seed else None


def unbroken_from(way, kept, folder):
    """Fit without a break from the chance that a fit without a seed has drawn."""
    from handgrad.models.checkpoint import Checkpoint, from_bytes, to_bytes

    last = from_bytes(max(kept.glob("*.safetensors")).read_bytes())
    path = folder / "again"
    with tempfile.TemporaryDirectory() as fresh:
        begun = to_bytes(Checkpoint(last.facts, last.chance, {}))
        with open(f"{fresh}/checkpoint-000001.safetensors", "wb") as file:
            file.write(begun)
        fit_in_a_process(way, fresh, path, UNHURRIED)
    return path.read_bytes()


def fit_in_a_process(way, kept, path, patience):
    """Fit and save in a child; give its exit code, or None if it had to be killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            asked = {} if kept is None else {"checkpoint": kept, "resume": True}
            estimator(way, **asked, checkpoint_every=1).fit(*table()).save(path)
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
