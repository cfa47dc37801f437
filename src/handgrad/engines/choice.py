"""Which engine runs a training, with how many threads, and why.

Nothing here imports numba: that costs a third of a second, which a small fit is done in.
"""

import os
import sys
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from handgrad.batch import Rows, is_sparse
from handgrad.engines import cache
from handgrad.engines.numpy import Numpy
from handgrad.engines.processors import threads_given
from handgrad.engines.seam import Engine, EngineFactory
from handgrad.network import Architecture
from handgrad.optim import Optimizer, Steps, kernel_of
from handgrad.params import count

# Seconds that the reference would need before the compiled engine is worth its start:
WORTH_LOADING = 1.0  # importing numba and reading the cache take 0.5 to 1 s
WORTH_COMPILING = 30.0  # compiling takes about 10 s, once on a machine

MOST_EPOCHS_COUNTED = 100  # many a training stops early; so many are taken for granted

# A rough model of the reference, which need not be better than to a factor of two.
SECONDS_A_LAYER = 40e-6  # of calls, in each step
FLOPS_A_SECOND = 40e9

FLOPS_A_THREAD = 6_000_000  # of a step: below about 100 us, meeting costs more than a thread brings
FLOPS_A_CALL = 100_000_000  # of an epoch: threads take some 300 us to start, once a call


class Choice(NamedTuple):
    """An engine, and why this one."""

    name: str  # "numpy" or "compiled"
    reason: str
    make: EngineFactory


def choose(
    wanted: str,
    architecture: Architecture,
    rows: Rows,
    steps: Steps,
    epochs: int,
) -> Choice:
    """Decide which engine trains.

    Parameters
    ----------
    wanted : {"auto", "numpy", "compiled"}
        What the user asked for. "auto" takes the compiled engine where it is installed and the
        work repays its start.
    architecture, rows, steps, epochs
        The work.

    Raises
    ------
    ImportError
        If "compiled" was asked for and is not installed.
    """
    if wanted == "numpy":
        return Choice("numpy", "asked for", Numpy)
    if wanted == "compiled":
        require_compiled()
    if is_sparse(rows.x):
        return Choice("numpy", "sparse rows are trained on by the reference alone", Numpy)
    why = _obstacle(architecture, steps.rule, rows.x.dtype)
    if why is not None:
        return Choice("numpy", why, Numpy)
    if wanted == "compiled":
        return Choice("compiled", "asked for", _compiled)
    missing = missing_packages()
    if missing:
        why = f'{" and ".join(missing)} is not installed: pip install "handgrad[fast]"'
        return Choice("numpy", why, Numpy)
    return _by_work(architecture, rows, steps.batch_size, epochs)


def _obstacle(architecture: Architecture, rule: Optimizer, dtype: np.dtype[Any]) -> str | None:
    """Say why the compiled engine cannot make the steps, if it cannot."""
    if architecture.without_kernel:
        return f"only the reference knows {' and '.join(architecture.without_kernel)}"
    if kernel_of(rule) is None:
        return f"{type(rule).__name__} is a rule that only the reference engine can train"
    epsilon = getattr(rule, "epsilon", 1.0)
    if epsilon < float(np.finfo(dtype).tiny):
        return f"epsilon={epsilon:g} is below the numbers of {dtype}"
    return None


def _by_work(architecture: Architecture, rows: Rows, batch_size: int, epochs: int) -> Choice:
    seconds = reference_seconds(architecture, len(rows), batch_size, epochs)
    work = f"about {seconds:.2g} s of work for the reference"
    if seconds < WORTH_LOADING:
        return Choice("numpy", f"{work}: not worth loading the compiled engine", Numpy)
    if cache.is_warm(rows.x.dtype.name):
        return Choice("compiled", work, _compiled)
    if seconds < WORTH_COMPILING:
        once = "handgrad info --machine --compile does it once"
        why = f"{work}: not worth compiling for ({once if cache.folder() else cache.NOT_KEPT})"
        return Choice("numpy", why, Numpy)
    return Choice("compiled", f"{work}: worth compiling for", _compiled)


def reference_seconds(architecture: Architecture, n: int, batch_size: int, epochs: int) -> float:
    """Estimate what the reference would take."""
    units = architecture.layer_units
    steps = -(-n // batch_size)
    flops = 6 * count(units) * n  # each weight: multiplied and added forward, twice backward
    an_epoch = steps * (len(units) + 1) * SECONDS_A_LAYER + flops / FLOPS_A_SECOND
    return an_epoch * min(epochs, MOST_EPOCHS_COUNTED)


def missing_packages() -> list[str]:
    """Name what the compiled engine lacks."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return ["numba's compiler (NUMBA_DISABLE_JIT is set)"]
    needed = "numba", "platformdirs"
    return [name for name in needed if name not in sys.modules and find_spec(name) is None]


def require_compiled() -> None:
    """Raise ImportError with the command that helps, if the compiled engine is missing."""
    missing = missing_packages()
    if missing:
        raise ImportError(
            f"engine 'compiled' needs {' and '.join(missing)}, which is missing; "
            'run: pip install "handgrad[fast]"'
        )


def _compiled(architecture: Architecture, rows: Rows, steps: Steps) -> Engine:
    from handgrad.engines.compiled.engine import Compiled

    a_row = 6 * count(architecture.layer_units)
    threads = min(threads_given(), a_row * min(steps.batch_size, len(rows)) // FLOPS_A_THREAD)
    if threads < 1 or a_row * len(rows) < FLOPS_A_CALL:
        threads = 1
    return Compiled(architecture, rows, steps, threads=threads)
