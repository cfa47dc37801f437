"""What it costs to notice a divergence at once.

    python benchmarks/guard.py [--quick]
    python benchmarks/race.py --report              (writes docs/performance.md)

The compiled engine looks at the loss of every batch, one comparison of a number that it needs
anyway, and once an epoch at all parameters and slots. Timed is this pass over as many numbers
as the workloads of the race have with Adam, beside an epoch of theirs, one thread, float32.
``--quick`` is a trial that leaves no result.
"""

import sys
import time

import numpy as np
from numba import njit
from racing.contenders.with_handgrad import Contender
from racing.sections import publish
from racing.workloads import LISTED, data, start

from handgrad.engines.compiled.engine import aligned
from handgrad.engines.compiled.kernels import all_finite
from handgrad.engines.compiled.vectors import pointer


@njit(error_model="numpy")
def passes(count, numbers):
    """Make so many passes."""
    found = 0
    for _ in range(count):
        found += all_finite(pointer(numbers), numbers.size)
    return found


def best_seconds(work, seconds):
    """Give the shortest of the calls that fit into so many seconds, at least three."""
    work()
    taken, ends = [], time.perf_counter() + seconds
    while len(taken) < 3 or time.perf_counter() < ends:
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
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


def main():
    seconds = 0.1 if "--quick" in sys.argv else 1.0
    figures = {workload.name: measured(workload, seconds) for workload in LISTED}
    worst = max(figures, key=lambda name: figures[name]["share"])
    sentences = (
        f"At most {100 * figures[worst]['share']:.2f} % of an epoch ({worst}): the engine looks "
        "at the loss of every batch, and once an epoch at all parameters and slots. Shortest "
        "times of Adam on one thread."
    )
    rows = [
        [
            name,
            f"{of['numbers']:,}",
            f"{of['epoch'] * 1e6:,.0f}",
            f"{of['guard'] * 1e6:,.2f}",
            f"{100 * of['share']:.2f}",
        ]
        for name, of in figures.items()
    ]
    header = ["workload", "numbers looked at", "epoch, µs", "the look, µs", "share, %"]
    publish(
        "guard", "Noticing a divergence", 60, sentences, [(header, rows)], figures, ["handgrad"]
    )


if __name__ == "__main__":
    main()
