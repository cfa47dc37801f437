"""Where compiled code is kept: a folder of the user's own, one for each version of the kernels.

The folder's name holds a digest of the kernels' source and place, of the versions of Python,
numba and LLVM, and of the processor. So an upgrade never meets stale code, and whether the
kernels have been compiled can be told without importing numba, which reads and writes the code.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

SOURCES = (
    "vectors.py", "called.py", "products.py", "kernels.py", "activations.py", "losses.py",
    "rules.py", "updates.py", "epoch.py", "prediction.py",
)  # fmt: skip
DAYS_KEPT = 90

NOT_KEPT = (
    "compiled code cannot be kept, so every process compiles anew, for some 30 s; set "
    "NUMBA_CACHE_DIR to a folder of your own that can be written"
)
PROCESSOR = Path("/proc/cpuinfo")


@cache
def _digest() -> str:
    """Name all that decides whether numba will find its code again."""
    digest = hashlib.sha256(f"{sys.version} {platform.machine()} {__file__}".encode())
    for package in "numba", "llvmlite":
        digest.update(version(package).encode())
    for name in SOURCES:
        source = Path(__file__).with_name("compiled") / name
        digest.update(source.read_bytes() + str(source.stat().st_mtime_ns).encode())
    with contextlib.suppress(OSError):  # a home folder may serve several kinds of processors
        lines = PROCESSOR.read_text().splitlines()
        digest.update("".join(sorted({line for line in lines if line[:5] == "flags"})).encode())
    return digest.hexdigest()[:16]


def _place() -> Path:
    import platformdirs

    base = os.environ.get("NUMBA_CACHE_DIR")
    parent = Path(base) if base else Path(platformdirs.user_cache_dir("handgrad", False))
    return parent / f"engine-{_digest()}"


def folder(*, make: bool = False) -> Path | None:
    """Give the folder where there is one, or one could be made; None if there is no safe place.

    Compiled code is run as it is read, so the folder must belong to the user alone.
    """
    path = _place()
    try:
        if make:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not path.exists():
            return path if _can_be_made(path) else None
        state = path.stat()
    except OSError:
        return None
    if hasattr(os, "getuid") and (state.st_uid != os.getuid() or state.st_mode & 0o022):
        return None
    return path if os.access(path, os.W_OK | os.X_OK) else None


def _can_be_made(path: Path) -> bool:
    there = next(parent for parent in path.parents if parent.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def can_be_kept() -> bool:
    """Tell whether compiled code can be kept, by making the folder and a file in it."""
    path = folder(make=True)
    if path is None:
        return False
    try:
        with tempfile.TemporaryFile(dir=path):
            return True
    except OSError:  # a full disk, a file system that is read-only for root, too
        return False


def is_warm(dtype: str) -> bool:
    """Tell whether the kernels have been compiled for this precision."""
    path = folder()
    return path is not None and (path / f"{dtype}.compiled").exists()


def mark_warm(dtype: str) -> None:
    """Note that the kernels are there and were used now."""
    path = folder()
    if path is not None:
        mark = path / f"{dtype}.compiled"
        with contextlib.suppress(OSError):
            is_new = not mark.exists()
            mark.touch()
            if is_new:
                _remove_unused(path.parent)


def _remove_unused(parent: Path) -> None:
    """Remove folders that no process has read for long: each upgrade leaves one of some MB."""
    for path in parent.glob("engine-*"):
        used = [mark.stat().st_mtime for mark in path.glob("*.compiled")]
        if used and max(used) < time.time() - DAYS_KEPT * 86_400:
            shutil.rmtree(path, ignore_errors=True)


def forget() -> None:
    """Remove the folder, because what is in it cannot be used."""
    path = folder()
    if path is not None:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def numba_cache() -> Iterator[bool]:
    """Let numba keep what is set up inside in our folder; False if there is none."""
    from numba.core import config

    settings: Any = config  # it makes its names at run time
    path, before = folder(make=True), settings.CACHE_DIR
    if path is None or not can_be_kept():
        yield False
        return
    settings.CACHE_DIR = str(path)
    try:
        yield True
    finally:
        settings.CACHE_DIR = before
