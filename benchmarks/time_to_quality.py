"""Time to quality: seconds until the test log-loss is as low as scikit-learn gets it.

    python benchmarks/time_to_quality.py FOLDER [--quick]
    python benchmarks/time_to_quality.py --tables

FOLDER holds adult.npz, letter.npz and mnist.npz (see racing/matrices.py). Every contender
trains 100 relu units with Adam (batches of 128, learning rate 0.001, no penalty) on the same
standardised float32 matrix, from the same Glorot weights, each in its own order of the rows.
After every epoch the clock stops, for everyone, and the test log-loss is computed.
scikit-learn goes first and runs all its epochs; the goal is the lowest loss it shows at the end
of one, so that its overfitting helps nobody. The others stop at the goal, or after
twice as many epochs. An untimed epoch compiles everything beforehand. PyTorch is eager with
fused Adam, JAX compiles one scan an epoch, each with one thread and with two. They take turns,
seed by seed; the tables show medians.

"At its best settings" is handgrad's compiled engine with a batch size and a learning rate that
were chosen without the test rows: of all pairs in SEARCH, the one that was fastest, on four
fifths of the training rows, to the lowest log-loss that the settings above reach on the other
fifth. The time of a pair is that of the slower of two seeds. ``--quick`` is a trial, without
the search, that leaves no result.

Before anything is timed, all of them train one epoch of the first 2,000 rows from one start, in
order, and must reach the same test loss.
"""

import math
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from racing.matrices import matrices, save, save_matrices
from racing.processes import contenders, is_worker, libraries_of, serve
from racing.results import compared, must_agree, run
from racing.training import drawn, log_loss, n_scores, train

EPOCHS = {"adult": 8, "letter": 30, "mnist": 3}
SAME = {"batch_size": 128, "learning_rate": 1e-3}
SEARCH = [
    {"batch_size": size, "learning_rate": rate}
    for size in (128, 256, 64)
    for rate in (1e-3, 2e-3, 4e-3, 8e-3)
]
HIDDEN, SEEDS, PATIENCE = 100, 3, 2
SEARCH_SEEDS = (10, 11)
CONTENDERS = {
    "scikit-learn": "sklearn",
    "handgrad, compiled": "compiled",
    "handgrad, numpy": "numpy",
    "PyTorch, 1 thread": "torch-1",
    "PyTorch, 2 threads": "torch-2",
    "JAX, 1 thread": "jax-1",
    "JAX, 2 threads": "jax-2",
}
OURS, BEST = "handgrad, compiled", "handgrad, at its best settings"
CHECK_ROWS, CHECK_TOLERANCE = 2000, 1e-3  # scikit-learn places epsilon otherwise in Adam


class Clock:
    """Called after each epoch: notes the seconds and the test loss; True stops the training."""

    def __init__(self, x_test, y_test, goal, limit):
        self.x_test, self.y_test, self.goal, self.limit = x_test, y_test, goal, limit
        self.seconds, self.record = 0.0, []
        self.started = time.perf_counter()

    def __call__(self, predict):
        self.seconds += time.perf_counter() - self.started
        self.record.append((self.seconds, log_loss(predict(self.x_test), self.y_test)))
        self.started = time.perf_counter()
        if self.limit is not None and self.seconds > self.limit:
            return True
        return self.goal is not None and self.record[-1][1] <= self.goal


def answer(kind, task):
    warnings.simplefilter("ignore")
    x, y, x_test, y_test = matrices(task["data"])
    layers = drawn((x.shape[1], HIDDEN, n_scores(y)), task["how"]["seed"])
    clock = Clock(x_test, y_test, task["goal"], task["limit"])
    train(kind, layers, x, y, clock, **task["how"])
    return {"record": clock.record}


def measure(options):
    data = {}
    with tempfile.TemporaryDirectory() as scratch, contenders(__file__, CONTENDERS) as workers:
        for name, epochs in EPOCHS.items():
            track = Track(save_matrices(options.folder, name, Path(scratch)), Path(scratch))
            track.check(workers)
            seeds, epochs = (1, 2) if options.quick else (SEEDS, epochs)
            tried = [] if options.quick else track.search(workers[OURS], epochs)
            best = min(tried, key=lambda t: t["seconds"])["settings"] if tried else SAME
            rounds = [track.race(workers, epochs, best, seed) for seed in range(seeds)]
            data[name] = {"epochs": epochs, "best": best, "search": tried, "rounds": rounds}
    return {"data": data, "ratios": ratios_of(data)}


class Track:
    """One data set, on which the contenders are run."""

    def __init__(self, data, scratch):
        self.data, self.scratch = data, scratch

    def run(self, worker, epochs, settings, *, data=None, goal=None, limit=None, **how):
        """Train; return seconds and test loss after each epoch."""
        how = {"seed": 0, "max_iter": epochs, **settings, **how}
        task = {"data": str(data or self.data), "goal": goal, "limit": limit}
        return worker.give(**task, how=how)["record"]

    def check(self, workers):
        x, y, *test = matrices(self.data)
        data = save(self.scratch / "check.npz", x[:CHECK_ROWS], y[:CHECK_ROWS], *test)
        records = {n: self.run(w, 1, SAME, data=data, shuffle=False) for n, w in workers.items()}
        for worker in workers.values():  # compiles for all rows, too
            self.run(worker, 1, SAME)
        must_agree({n: record[-1][1] for n, record in records.items()}, CHECK_TOLERANCE)

    def race(self, workers, epochs, best, seed):
        """Let scikit-learn set the goal, then the others reach it."""
        record = self.run(workers["scikit-learn"], epochs, SAME, seed=seed)
        goal = min(loss for _, loss in record)
        records = {"scikit-learn": record}
        others = {n: (w, SAME) for n, w in workers.items() if n != "scikit-learn"}
        for name, (worker, how) in (others | {BEST: (workers[OURS], best)}).items():
            records[name] = self.run(worker, PATIENCE * epochs, how, seed=seed, goal=goal)
        return {"goal": goal, "reached": {n: reached(r, goal) for n, r in records.items()}}

    def search(self, worker, epochs):
        """Time each pair of settings on the training rows, a fifth of them held back.

        A pair that is slower than the best so far is given up, its seconds infinite.
        """
        x, y, *_ = matrices(self.data)
        held = np.random.default_rng(0).permutation(len(y)) < len(y) // 5
        data = save(self.scratch / "search.npz", x[~held], y[~held], x[held], y[held])
        goals, tried, best = {}, [], None
        for seed in SEARCH_SEEDS:
            record = self.run(worker, epochs, SAME, seed=seed, data=data)
            goals[seed] = min(loss for _, loss in record)
        for pair in SEARCH:
            slowest = 0.0
            for seed, goal in goals.items():
                how = {"data": data, "seed": seed, "goal": goal, "limit": best}
                record = self.run(worker, PATIENCE * epochs, pair, **how)
                slowest = max(slowest, reached(record, goal)[0])
                if slowest == math.inf:
                    break
            tried.append({"settings": pair, "seconds": slowest})
            best = min(slowest, best or math.inf) if slowest < math.inf else best
        return tried


def reached(record, goal):
    """Give seconds and epochs at the first loss that is no higher than the goal."""
    for epoch, (seconds, loss) in enumerate(record, start=1):
        if loss <= goal:
            return seconds, epoch
    return math.inf, len(record)


def ratios_of(data):
    """Compare each library, at its better number of threads, where it reached the goal."""
    ratios = {}
    for name, seen in data.items():
        middle = medians_of(seen["rounds"])
        ours, _ = middle.pop(OURS)
        for contender, (seconds, _) in middle.items():
            peer = contender.split(",")[0]
            if peer != "handgrad" and max(seconds, ours) < math.inf:
                of = ratios.setdefault(peer, {})
                of[name] = min(seconds / ours, of.get(name, math.inf))
    return ratios


def medians_of(rounds):
    """Take the medians of each contender's seconds and epochs; JSON has None for inf."""
    return {
        name: [
            statistics.median(
                math.inf if r["reached"][name][k] is None else r["reached"][name][k] for r in rounds
            )
            for k in (0, 1)
        ]
        for name in rounds[0]["reached"]
    }


def tables(data):
    rows = []
    for name, seen in data["data"].items():
        goal = statistics.median(r["goal"] for r in seen["rounds"])
        middle, best = medians_of(seen["rounds"]), seen["best"]
        theirs = middle["scikit-learn"][0]
        for n, found in middle.items():
            size, rate = (best if n == BEST else SAME).values()
            settings = f"{size} at {rate:g}"
            rows.append([f"{name} ({goal:.4f})", n, settings, *cells(*found, theirs)])
    times = "times scikit-learn's speed"
    header = ["data (goal)", "contender", "batch at rate", "seconds", "epochs", times]
    return [compared(data["ratios"], "times faster than"), (header, rows)]


def cells(seconds, epochs, theirs):
    if seconds == math.inf:
        return ["not reached", f"{epochs:.0f}", ""]
    return [f"{seconds:.3f}", f"{epochs:.0f}", f"{theirs / seconds:.1f}"]


if __name__ == "__main__":
    if is_worker():
        serve(answer)
    else:
        run(measure, tables, libraries_of(CONTENDERS.values()), has_folder=True)
