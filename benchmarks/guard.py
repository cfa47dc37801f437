"""The cost of noticing a divergence at once.

    python benchmarks/guard.py [--quick | --tables]

The compiled engine checks the loss of every batch, one comparison of a number that it needs
anyway, and once an epoch all parameters and slots. Timed is this pass over as many numbers
as the workloads of the race have with Adam, beside an epoch of theirs, one thread, float32; the
shortest of the calls counts. ``--quick`` is a trial that leaves no result.
"""

import time

import numpy as np
from numba import njit
from racing.contenders.with_handgrad import Contender
from racing.measuring import seconds_of
from racing.results import run
from racing.workloads import LISTED, data, start

from handgrad.engines.compiled.engine import aligned
from handgrad.engines.compiled.kernels import all_finite
from handgrad.engines.compiled.vectors import pointer


@njit(error_model="numpy")
def passes(count, numbers):
    """Make ``count`` passes."""
    found = 0
    for _ in range(count):
        found += all_finite(pointer(numbers), numbers.size)
    return found


def best_seconds(work, seconds):
    """Give the shortest of the calls that fit into the seconds, at least three."""
    work()
    taken, end = [], time.perf_counter() + seconds
    while len(taken) < 3 or time.perf_counter() < end:
        taken.append(seconds_of(work)[0])
    return min(taken)


def measured(workload, seconds):
    x, y_t = data(workload)
    theta = start(workload, 0).astype(np.float32)
    contender = Contender("compiled", 1)
    contender.load(x, y_t, workload.layer_units, theta, workload.batch_size)
    contender.begin("adam", workload.rate("adam"), workload.shuffles)
    epoch = best_seconds(lambda: contender.epochs(1), seconds)
    numbers = aligned(-(-3 * theta.size // 16) * 16, theta.dtype)
    guard = best_seconds(lambda: passes(100, numbers), seconds) / 100
    return {"numbers": 3 * theta.size, "epoch": epoch, "guard": guard, "share": guard / epoch}


def measure(options):
    seconds = 0.1 if options.quick else 1.0
    return {workload.name: measured(workload, seconds) for workload in LISTED}


def tables(figures):
    header = ["workload", "numbers checked", "epoch, µs", "check, µs", "share, %"]
    rows = [
        [
            name, f"{of['numbers']:,}", f"{of['epoch'] * 1e6:,.0f}", f"{of['guard'] * 1e6:,.2f}",
            f"{100 * of['share']:.2f}",
        ]
        for name, of in figures.items()
    ]  # fmt: skip
    return [(header, rows)]


if __name__ == "__main__":
    run(measure, tables, ["handgrad"])
