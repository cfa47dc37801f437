"""How many processors and threads this process may use."""

import os
from contextlib import suppress
from pathlib import Path

from handgrad.engines.blas import blas_in_use

CONTAINER_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def threads_given() -> int:
    """Count the threads that we may use: what any of those says who may say so.

    The processors this process may run on, a container's quota included; OMP_NUM_THREADS, which
    joblib sets for the processes it starts; and the number that NumPy's BLAS has been given, by
    its own variable or by ``threadpoolctl.threadpool_limits``.
    """
    limits = [processors()]
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if asked.isdecimal() and int(asked) > 0:
        limits.append(int(asked))
    limits += [int(pool["num_threads"]) for pool in blas_in_use()]
    return min(limits)


def processors() -> int:
    """Count the processors that this process may run on."""
    bound = hasattr(os, "sched_getaffinity")
    n = len(os.sched_getaffinity(0)) if bound else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # "150000 100000" is one and a half; "max" is no limit
        quota, period = CONTAINER_QUOTA.read_text().split()
        n = min(n, max(1, int(quota) // int(period)))
    return n
