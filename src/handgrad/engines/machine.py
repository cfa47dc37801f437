"""What this machine computes with: BLAS, kernels, threads, engine; and what would be faster."""

import os
import platform
from typing import Any

import numpy as np

from handgrad.engines.blas import blas_in_use
from handgrad.engines.compiled import backend, library
from handgrad.engines.processors import threads_given

# Variables that can hold a BLAS to the instructions of an older processor.
PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "BLIS_ARCH_TYPE")


def describe() -> dict[str, Any]:
    """Look at the machine; nothing is changed.

    Returns
    -------
    dict
        python, numpy : versions; blas : a list of name, version, kernel and threads;
        pins : the variables that hold a BLAS back; threads : how many we may use;
        engine : what the compiled engine is like here; advice : what would be faster.
    """
    missing = backend.missing()
    pins = {name: os.environ[name] for name in PINS if name in os.environ}
    engine: dict[str, Any] = {"installed": not missing}
    found = library.path()
    if found is not None:
        engine |= {
            "level": f"x86-64-v{library.level()}" if library.level() else platform.machine(),
            "vector_bits": 8 * library.vector_bytes(),
            "library": str(found),
            "bytes": found.stat().st_size,
        }
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": [_blas(pool) for pool in blas_in_use()],
        "pins": pins,
        "threads": threads_given(),
        "engine": engine,
        "advice": _advice(pins),
    }


def _blas(pool: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": pool["internal_api"],
        "version": pool["version"],
        "kernel": pool.get("architecture"),
        "threads": pool["num_threads"],
    }


def _advice(pins: dict[str, str]) -> list[str]:
    advice = [
        f"{name}={value} holds the BLAS to that kernel; unset it, and NumPy's products may run "
        "at twice the speed (the compiled engine does not care)"
        for name, value in pins.items()
    ]
    if missing := backend.missing():
        advice.append(missing)
    return advice
