"""The compiled engine as ``choice.py`` weighs it: what it needs, what it can do, what it costs.

Nothing here imports numba: that costs a third of a second, which a small fit is done in.
"""

import os
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows, is_sparse
from handgrad.engines import cache
from handgrad.engines.processors import threads_given
from handgrad.engines.seam import Engine
from handgrad.network import Architecture
from handgrad.optim import Optimizer, Steps, kernel_of
from handgrad.params import Params, count

Array = NDArray[Any]

NAME = "compiled"
INSTALL = 'pip install "handgrad[fast]"'
PRECISIONS = ("float32", "float64")

# Seconds that the reference would need before the compiled engine is worth its start:
WORTH_LOADING = 1.0  # importing numba and reading the cache take 0.5 to 1 s
WORTH_COMPILING = 30.0  # compiling takes about 10 s, once on a machine

MOST_EPOCHS_COUNTED = 100  # many a training stops early; so many are taken for granted

# A rough model of the reference, which need not be better than to a factor of two.
SECONDS_A_LAYER = 40e-6  # of calls, in each step
FLOPS_A_SECOND = 40e9

FLOPS_A_THREAD = 6_000_000  # of a step: below about 100 us, meeting costs more than a thread brings
FLOPS_A_CALL = 100_000_000  # of an epoch: threads take some 300 us to start, once a call


def missing() -> list[str]:
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return ["numba's compiler (NUMBA_DISABLE_JIT is set)"]
    needed = "numba", "platformdirs"
    return [name for name in needed if name not in sys.modules and find_spec(name) is None]


def describe() -> dict[str, Any]:
    from importlib.metadata import version

    from handgrad.engines.compiled.vectors import VECTOR_BYTES

    folder = cache.folder()
    return {
        "numba": version("numba"),
        "vector_bits": 8 * VECTOR_BYTES,
        "compiled_for": [name for name in PRECISIONS if cache.is_warm(name)],
        "folder": None if folder is None else str(folder),
    }


def advice() -> list[str]:
    if cache.folder() is None:
        return [cache.NOT_KEPT]
    if all(map(cache.is_warm, PRECISIONS)):
        return []
    return ["the engine is not compiled yet: handgrad info --machine --compile does it once"]


def prepare() -> None:
    from handgrad.engines.compiled.engine import load

    for name in PRECISIONS:
        load(np.dtype(name))


def obstacle(architecture: Architecture, rule: Optimizer, rows: Rows) -> str | None:
    if is_sparse(rows.x):
        return "sparse rows are trained on by the reference alone"
    if architecture.without_kernel:
        return f"only the reference knows {' and '.join(architecture.without_kernel)}"
    if kernel_of(rule) is None:
        return f"{type(rule).__name__} is a rule that only the reference engine can train"
    epsilon, dtype = getattr(rule, "epsilon", 1.0), rows.x.dtype
    if epsilon < float(np.finfo(dtype).tiny):
        return f"epsilon={epsilon:g} is below the numbers of {dtype}"
    return None


def worth(architecture: Architecture, rows: Rows, batch_size: int, epochs: int) -> tuple[bool, str]:
    seconds = reference_seconds(architecture, len(rows), batch_size, epochs)
    work = f"about {seconds:.2g} s of work for the reference"
    if seconds < WORTH_LOADING:
        return False, f"{work}: not worth loading the compiled engine"
    if cache.is_warm(rows.x.dtype.name):
        return True, work
    if seconds < WORTH_COMPILING:
        once = "handgrad info --machine --compile does it once"
        how = once if cache.folder() else cache.NOT_KEPT
        return False, f"{work}: not worth compiling for ({how})"
    return True, f"{work}: worth compiling for"


def reference_seconds(architecture: Architecture, n: int, batch_size: int, epochs: int) -> float:
    """Estimate what the reference would take."""
    units = architecture.layer_units
    steps = -(-n // batch_size)
    flops = 6 * count(units) * n  # each weight: multiplied and added forward, twice backward
    an_epoch = steps * (len(units) + 1) * SECONDS_A_LAYER + flops / FLOPS_A_SECOND
    return an_epoch * min(epochs, MOST_EPOCHS_COUNTED)


def make(architecture: Architecture, rows: Rows, steps: Steps) -> Engine:
    from handgrad.engines.compiled.engine import Compiled

    a_row = 6 * count(architecture.layer_units)
    threads = min(threads_given(), a_row * min(steps.batch_size, len(rows)) // FLOPS_A_THREAD)
    if threads < 1 or a_row * len(rows) < FLOPS_A_CALL:
        threads = 1
    return Compiled(architecture, rows, steps, threads=threads)


def predicts(architecture: Architecture) -> bool:
    return not architecture.without_kernel and not missing()


def scores(architecture: Architecture, params: Params, x: Array) -> Array:
    from handgrad.engines.compiled.engine import predict

    return predict(architecture, params, x, probabilities=False)


def probabilities(architecture: Architecture, params: Params, x: Array) -> Array | None:
    from handgrad.engines.compiled.engine import predict

    return predict(architecture, params, x, probabilities=True)
