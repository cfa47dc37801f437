"""What this machine computes with: BLAS, kernels, threads, engine; and what would be faster."""

import os
import platform
from typing import Any

import numpy as np

from handgrad.engines.blas import blas_in_use
from handgrad.engines.choice import BACKENDS
from handgrad.engines.processors import threads_given
from handgrad.engines.seam import Backend

# Variables that can hold a BLAS to the instructions of an older processor.
PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "BLIS_ARCH_TYPE")


def describe() -> dict[str, Any]:
    """Look at the machine; nothing is changed.

    Returns
    -------
    dict
        python, numpy : versions; blas : a list of name, version, kernel and threads;
        pins : the variables that hold a BLAS back; threads : how many we may use;
        engines : what each engine is like here; advice : what would be faster.
    """
    pins = {name: os.environ[name] for name in PINS if name in os.environ}
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": [_blas(pool) for pool in blas_in_use()],
        "pins": pins,
        "threads": threads_given(),
        "engines": {name: _engine(backend) for name, backend in BACKENDS.items()},
        "advice": _advice(pins),
    }


def _blas(pool: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": pool["internal_api"],
        "version": pool["version"],
        "kernel": pool.get("architecture"),
        "threads": pool["num_threads"],
    }


def _engine(backend: Backend) -> dict[str, Any]:
    missing = backend.missing()
    more = {} if missing else backend.describe()
    return {"installed": not missing, "missing": missing, **more}


def _advice(pins: dict[str, str]) -> list[str]:
    advice = [
        f"{name}={value} holds the BLAS to that kernel; unset it, and NumPy's products may run "
        "at twice the speed (the compiled engine does not care)"
        for name, value in pins.items()
    ]
    for backend in BACKENDS.values():
        missing = backend.missing()
        advice += [missing] if missing else backend.advice()
    return advice
