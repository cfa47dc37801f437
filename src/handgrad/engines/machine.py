"""What this machine computes with: BLAS, kernels, threads, engine; and what would be faster."""

import os
import platform
from typing import Any

import numpy as np

from handgrad.engines import cache
from handgrad.engines.blas import blas_in_use
from handgrad.engines.choice import INSTALL, require
from handgrad.engines.compiled import backend
from handgrad.engines.processors import threads_given

# Variables that can hold a BLAS to the instructions of an older processor.
PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "BLIS_ARCH_TYPE")

PRECISIONS = ("float32", "float64")


def describe() -> dict[str, Any]:
    """Look at the machine; nothing is changed, and nothing compiled.

    Returns
    -------
    dict
        python, numpy : versions; blas : a list of name, version, kernel and threads;
        pins : the variables that hold a BLAS back; threads : how many we may use;
        engine : what the compiled engine is like here; advice : what would be faster.
    """
    missing = backend.missing()
    pins = {name: os.environ[name] for name in PINS if name in os.environ}
    engine: dict[str, Any] = {"installed": not missing, "missing": missing}
    if not missing:
        from importlib.metadata import version

        from handgrad.engines.compiled.vectors import VECTOR_BYTES

        folder = cache.folder()
        engine |= {
            "numba": version("numba"),
            "vector_bits": 8 * VECTOR_BYTES,
            "compiled_for": [name for name in PRECISIONS if cache.is_warm(name)],
            "folder": None if folder is None else str(folder),
        }
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": [_blas(pool) for pool in blas_in_use()],
        "pins": pins,
        "threads": threads_given(),
        "engine": engine,
        "advice": _advice(pins, engine),
    }


def _blas(pool: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": pool["internal_api"],
        "version": pool["version"],
        "kernel": pool.get("architecture"),
        "threads": pool["num_threads"],
    }


def _advice(pins: dict[str, str], engine: dict[str, Any]) -> list[str]:
    advice = [
        f"{name}={value} holds the BLAS to that kernel; unset it, and NumPy's products may run "
        "at twice the speed (the compiled engine does not care)"
        for name, value in pins.items()
    ]
    if engine["missing"]:
        advice.append(
            f"{' and '.join(engine['missing'])} is not installed: "
            f"{INSTALL} brings the compiled engine"
        )
    elif engine["folder"] is None:
        advice.append(cache.NOT_KEPT)
    elif len(engine["compiled_for"]) < len(PRECISIONS):
        advice.append(
            "the engine is not compiled yet: handgrad info --machine --compile does it once"
        )
    return advice


def compile_engine() -> None:
    """Compile the engine for both precisions, or read it from the cache.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    require(backend.NAME)
    from handgrad.engines.compiled.engine import load

    for name in PRECISIONS:
        load(np.dtype(name))
