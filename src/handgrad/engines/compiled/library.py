"""The engine as a shared library, compiled when handgrad was installed; loaded by ctypes.

The library holds the kernels for one or more levels of x86-64, or for another processor, and says
itself which of them this machine runs. Its name tells which source it was made of: where the source
has changed since, in an editable installation, the library is as good as not there.
"""

import ctypes
import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = (  # with those that own the numbers and constants which are compiled in
    *("vectors.py", "called.py", "products.py", "kernels.py", "activations.py", "losses.py"),
    *("layout.py", "rules.py", "skips.py", "updates.py", "epoch.py", "halves.py", "prediction.py"),
    *(
        "joining.py",
        "doors.py",
        "build.py",
        "level.c",
        "../../activations.py",
        "../../output.py",
        "../../outputs.py",
    ),
    *("../../optim.py", "../../skip.py", "../../chance.py"),
)
SUFFIXES = {"win32": "dll", "darwin": "dylib"}

LEVEL = "HANDGRAD_LEVEL"  # a variable: the highest level to take, 2 or 3, for equal bits
LEVELS = 4, 3, 2
VECTOR_BYTES = {4: 64, 3: 32}  # by level; 16 elsewhere
# By door; all of them integers or addresses.
ARGUMENTS = {"run": 15, "carry": 11, "gradient": 15, "move": 13, "predict": 13, "join": 11}

WHERE = "with a C compiler at hand, or from a wheel for this system"
AGAIN = "python -m handgrad.engines.compiled.build"


def name_of_library(platform: str) -> str:
    """Name the file that the sources as they stand make."""
    digest = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in SOURCES))
    return f"engine-{digest.hexdigest()[:12]}.{SUFFIXES.get(platform, 'so')}"


@cache
def path() -> Path | None:
    """Find the library; None where there is none, or one of other sources."""
    try:
        found = FOLDER / name_of_library(sys.platform)
    except OSError:  # packed into one file, say: without sources nothing tells whose it is
        return None
    return found if found.exists() else None


@cache
def missing() -> str:
    """Say why none of its kernels can run here, and what helps; "" where some do.

    Raises
    ------
    ValueError
        If HANDGRAD_LEVEL is no level.
    """
    if path() is None:
        if any(FOLDER.glob("engine-*")):
            return f"the engine's sources have changed since; compile again: {AGAIN}"
        return f"handgrad was installed without its compiled engine; reinstall it {WHERE}"
    try:
        fits = _has(_suffix())
    except OSError as error:
        return f"the compiled engine cannot be loaded ({error}); reinstall handgrad {WHERE}"
    if fits:
        return ""
    held = " and ".join(f"x86-64-v{level}" for level in levels()) or "another kind of processor"
    if any(level <= most() for level in levels()):
        return (
            f"the engine was compiled for {held}, above {LEVEL}={_highest_asked()}; unset {LEVEL}"
        )
    return f"the engine was compiled for {held}, not for this processor; reinstall handgrad here"


def is_for_here() -> bool:
    """Tell whether the library is there, of these sources, with the best that this machine runs."""
    return not missing() and level() == most()


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(str(path()))


def levels() -> list[int]:
    """Tell the levels of x86-64 that the library has; none if it is for another processor."""
    return [level for level in LEVELS if _has(f"v{level}")]


def most() -> int:
    """Tell the highest level of x86-64 that this machine runs; 0 on other processors."""
    return int(_library().handgrad_level())


@cache
def level() -> int:
    """Tell the level of x86-64 whose kernels run: 2, 3 or 4; 0 on other processors."""
    highest = min(most(), _highest_asked())
    return next((level for level in levels() if level <= highest), 0)


def _highest_asked() -> int:
    asked = os.environ.get(LEVEL) or str(LEVELS[0])
    if asked not in map(str, LEVELS):
        raise ValueError(f"{LEVEL} must be a level of x86-64: 2, 3 or 4; got {asked!r}")
    return int(asked)


def _suffix() -> str:
    return f"v{level()}" if level() else "base"


def _has(suffix: str) -> bool:
    return hasattr(_library(), f"handgrad_run_float32_{suffix}")


def vector_bytes() -> int:
    """Tell how many bytes a vector of the kernels has."""
    return VECTOR_BYTES.get(level(), 16)


@cache
def door(name: str, precision: str) -> Callable[..., int]:
    """Give a door of ``doors.py`` for a precision; it returns 0, or a status if it failed."""
    function = getattr(_library(), f"handgrad_{name}_{precision}_{_suffix()}")
    function.argtypes, function.restype = [ctypes.c_int64] * ARGUMENTS[name], ctypes.c_int
    return function  # type: ignore[no-any-return]
