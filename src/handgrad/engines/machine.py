"""What this machine computes with: BLAS, kernels, threads, engine; and what would be faster."""

import os
import platform
from typing import Any

import numpy as np

from handgrad.engines.blas import blas_in_use
from handgrad.engines.compiled import library
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
    pins = {name: os.environ[name] for name in PINS if name in os.environ}
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": [_blas(pool) for pool in blas_in_use()],
        "pins": pins,
        "threads": threads_given(),
        "engine": _engine(),
        "advice": _advice(pins),
    }


def _blas(pool: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": pool["internal_api"],
        "version": pool["version"],
        "kernel": pool.get("architecture"),
        "threads": pool["num_threads"],
    }


def _engine() -> dict[str, Any]:
    path = library.path()
    if path is None or library.missing():
        return {"installed": False}
    return {
        "installed": True,
        "level": f"x86-64-v{library.level()}" if library.level() else platform.machine(),
        "vector_bits": 8 * library.vector_bytes(),
        "library": str(path),
        "bytes": path.stat().st_size,
    }


def _advice(pins: dict[str, str]) -> list[str]:
    advice = [
        f"{name}={value} holds the BLAS to that kernel; unset it, and NumPy's products may run "
        "at twice the speed (the compiled engine does not care)"
        for name, value in pins.items()
    ]
    if missing := library.missing():
        return [*advice, missing]
    if library.level() < library.most():
        pinned = any(library.level() < one <= library.most() for one in library.levels())
        cure = f"unset {library.LEVEL}" if pinned else f"compile anew: {library.ANEW}"
        advice.append(f"this machine runs x86-64-v{library.most()}; for kernels of it, {cure}")
    return advice
