"""The compiled engine as ``choice.py`` sees it: what it needs, and what it can do."""

import platform
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows, is_sparse
from handgrad.engines.compiled import library
from handgrad.engines.compiled.library import missing
from handgrad.engines.compiled.threads import free_threads
from handgrad.engines.processors import threads_given
from handgrad.engines.seam import Engine, Stepping, Team
from handgrad.network import Architecture
from handgrad.optim import Optimizer, Steps, kernel_of
from handgrad.params import Params, count

Array = NDArray[Any]

NAME = "compiled"

FLOPS_A_WEIGHT = 6  # of a row in training: multiplied and added thrice
FLOPS_A_THREAD = 1_600_000  # of a step, some 15 us: fewer are not worth a thread, see ``pace.py``
FLOPS_A_CALL = 100_000_000  # of an epoch: threads take some 300 us to start, once a call

# Networks side by side wait for each other between epochs, where Python runs; and starting is slow.
FLOPS_BESIDE = 20_000_000  # of an epoch: from here on it pays
FLOPS_A_LANE = 500_000_000  # of all epochs of a network


def describe() -> dict[str, Any]:
    found = library.path()
    return {
        "level": f"x86-64-v{library.level()}" if library.level() else platform.machine(),
        "vector_bits": 8 * library.vector_bytes(),
        "library": str(found),
        "bytes": 0 if found is None else found.stat().st_size,
    }


def advice() -> list[str]:
    if library.level() >= library.most():
        return []
    pinned = any(library.level() < one <= library.most() for one in library.levels())
    cure = f"unset {library.LEVEL}" if pinned else f"compile again: {library.AGAIN}"
    return [f"this machine runs x86-64-v{library.most()}; for kernels of it, {cure}"]


def obstacle(architecture: Architecture, rule: Optimizer, rows: Rows) -> str | None:
    if is_sparse(rows.x):
        return "only the reference trains on sparse rows"
    if architecture.without_kernel:
        return f"only the reference knows {' and '.join(architecture.without_kernel)}"
    if kernel_of(rule) is None:
        return f"{type(rule).__name__} is a rule that only the reference engine can train"
    epsilon, dtype = getattr(rule, "epsilon", 1.0), rows.x.dtype
    if epsilon < float(np.finfo(dtype).tiny):
        return f"epsilon={epsilon:g} is below the numbers of {dtype}"
    return None


def make(architecture: Architecture, rows: Rows, steps: Steps) -> Engine:
    from handgrad.engines.compiled.engine import Compiled

    a_row = _flops_a_row(architecture)
    wanted = a_row * min(steps.batch_size, len(rows)) // FLOPS_A_THREAD
    is_small = wanted <= 1 or a_row * len(rows) < FLOPS_A_CALL
    threads = 1 if is_small else min(threads_given(), wanted)  # asking takes 20 ms, once
    return Compiled(architecture, rows, steps, threads=threads)


def make_stepping(architecture: Architecture, rows: Rows, steps: Steps) -> Stepping:
    from handgrad.engines.compiled.stepping import Stepper

    return Stepper(architecture, rows, steps)


def at_once(architecture: Architecture, rows: Rows, epochs: int) -> int:
    an_epoch = _flops_a_row(architecture) * len(rows)
    if an_epoch < FLOPS_BESIDE or an_epoch * epochs < FLOPS_A_LANE:
        return 1
    return max(1, min(threads_given(), free_threads()))


def _flops_a_row(architecture: Architecture) -> int:
    return FLOPS_A_WEIGHT * count(architecture.layer_units)


def predicts(architecture: Architecture) -> bool:
    return not architecture.without_kernel and not missing()


def scores(architecture: Architecture, params: Params, x: Array) -> Array:
    return predict(Team(((architecture, params),)), x, proba=False)


def predict(team: Team, x: Array, *, proba: bool) -> Array:
    from handgrad.engines.compiled.asking import gives_probabilities, predict_together

    if proba and not gives_probabilities(team):
        return team.head.proba(predict(team, x, proba=False))
    return predict_together(team, x, probabilities=proba)


def prepare(team: Team, x: Array, *, proba: bool) -> Callable[[], Array]:
    from handgrad.engines.compiled.asking import Prepared, gives_probabilities

    if proba and not gives_probabilities(team):
        ready = Prepared(team, x, proba=False)
        return lambda: team.head.proba(ready())
    return Prepared(team, x, proba=proba)
