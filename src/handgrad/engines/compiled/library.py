"""The engine as a shared library, compiled when handgrad was installed; loaded by ctypes.

The library holds the kernels for one or more levels of x86-64, or for another processor, and says
itself which of them this machine runs. Its name tells which source it was made of: where the source
has changed since, in an editable installation, the library is as good as not there.
"""

import ctypes
import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = (
    *("vectors.py", "called.py", "products.py", "kernels.py", "activations.py", "losses.py"),
    *(
        "layout.py",
        "rules.py",
        "updates.py",
        "epoch.py",
        "prediction.py",
        "doors.py",
        "build.py",
        "level.c",
    ),
)
SUFFIXES = {"win32": "dll", "darwin": "dylib"}

LEVEL = "HANDGRAD_LEVEL"  # a variable: a lower level than this machine's, 2 or 3, for equal bits
VECTOR_BYTES = {4: 64, 3: 32}  # by level; 16 elsewhere
ARGUMENTS = {"run": 13, "predict": 11}  # all of them integers or addresses


def name_of_library(platform: str) -> str:
    """Name the file that the sources as they stand make."""
    digest = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in SOURCES))
    return f"engine-{digest.hexdigest()[:12]}.{SUFFIXES.get(platform, 'so')}"


@cache
def path() -> Path | None:
    """Find the library; None where there is none, or one of other sources."""
    import sys

    found = FOLDER / name_of_library(sys.platform)
    return found if found.exists() else None


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(str(path()))


@cache
def level() -> int:
    """Tell the level of x86-64 whose kernels run: 2, 3 or 4; 0 on other processors."""
    asked, most = os.environ.get(LEVEL), int(_library().handgrad_level())
    wanted = min(most, int(asked)) if asked else most
    return next((level for level in range(wanted, 1, -1) if _has(level)), 0)


def _has(level: int) -> bool:
    return hasattr(_library(), f"handgrad_run_float32_v{level}")


def vector_bytes() -> int:
    """Tell how many bytes a vector of the kernels has."""
    return VECTOR_BYTES.get(level(), 16)


@cache
def door(name: str, precision: str) -> Callable[..., int]:
    """Give a door of ``doors.py`` for a precision; it returns 0, or a status if it failed."""
    suffix = f"v{level()}" if level() else "base"
    function = getattr(_library(), f"handgrad_{name}_{precision}_{suffix}")
    function.argtypes, function.restype = [ctypes.c_int64] * ARGUMENTS[name], ctypes.c_int
    return function  # type: ignore[no-any-return]
