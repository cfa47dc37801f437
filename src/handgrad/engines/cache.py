"""Where compiled code is kept: a folder of the user's own, one for each version of the kernels.

The folder's name holds a digest of the kernels' source and of the versions of Python, numba
and LLVM, so an upgrade never meets stale code, and whether it has been compiled can be told
without importing numba. The machine code itself is written, read and checked against the
processor by numba.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

SOURCES = ("vectors.py", "products.py", "kernels.py", "epoch.py", "prediction.py")


@cache
def _digest() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for package in "numba", "llvmlite":
        digest.update(version(package).encode())
    for name in SOURCES:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()[:16]


def folder() -> Path | None:
    """Make the folder, or return None where there is no safe place for it.

    Compiled code is run as it is read, so the folder must belong to the user alone.
    """
    import platformdirs

    base = os.environ.get("NUMBA_CACHE_DIR")
    parent = Path(base) if base else Path(platformdirs.user_cache_dir("handgrad", False))
    path = parent / f"engine-{_digest()}"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = path.stat()
    except OSError:
        return None
    if hasattr(os, "getuid") and (state.st_uid != os.getuid() or state.st_mode & 0o022):
        return None
    return path if os.access(path, os.W_OK | os.X_OK) else None


def is_warm(dtype: str) -> bool:
    """Tell whether the kernels have been compiled for this precision."""
    path = folder()
    return path is not None and (path / f"{dtype}.compiled").exists()


def mark_warm(dtype: str) -> None:
    path = folder()
    if path is not None:
        with contextlib.suppress(OSError):
            (path / f"{dtype}.compiled").touch()


@contextlib.contextmanager
def numba_cache() -> Iterator[bool]:
    """Let numba keep what is set up inside in our folder; False if there is none."""
    from numba.core import config

    settings: Any = config  # it makes its names at run time
    path, before = folder(), settings.CACHE_DIR
    if path is None:
        yield False
        return
    settings.CACHE_DIR = str(path)
    try:
        yield True
    finally:
        settings.CACHE_DIR = before
