"""NumPy's BLAS: how many threads it has been given, and how to keep it on one.

On one thread and on two a product of large matrices differs in its last digits, so a seed would
not mean the same bits in every program. Whoever needs speed takes the compiled engine, whose
bits do not depend on its threads.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


def blas_in_use() -> list[dict[str, Any]]:
    """Describe the BLAS libraries in this process, as threadpoolctl sees them."""
    return [library.info() for library in _libraries()]


@contextmanager
def blas_on_one_thread() -> Iterator[None]:
    """Keep the BLAS on one thread, and give it back those it had.

    Of most libraries the number is the whole process's: there several fits may be inside at
    once, and the last one to leave gives the threads back.
    """
    own = [library for library in _libraries() if _counts_by_thread(library)]
    before = [library.num_threads for library in own]
    _enter()
    try:
        for library in own:
            library.set_num_threads(1)
        yield
    finally:
        for library, n in zip(own, before, strict=True):
            library.set_num_threads(n)
        _leave()


_lock = threading.Lock()
_inside = 0
_before: list[tuple[Any, int]] = []  # the libraries whose threads were taken, and how many


def _enter() -> None:
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            shared = [library for library in _libraries() if not _counts_by_thread(library)]
            _before[:] = [(library, library.num_threads) for library in shared]
            _set_all([(library, 1) for library in shared])


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            _set_all(_before)


def _set_all(numbers: list[tuple[Any, int]]) -> None:
    for library, n in numbers:
        if library.num_threads != n:
            # The public method listens to one thread of Python only, the first that called it.
            getattr(library, "_real_set_num_threads", library.set_num_threads)(n)


def _counts_by_thread(library: Any) -> bool:
    """Tell libraries that hold a number of threads for each thread of Python."""
    return library.internal_api == "mkl" or getattr(library, "threading_layer", "") == "openmp"


def _libraries() -> list[Any]:
    known = _controller("scipy.linalg" in sys.modules).lib_controllers
    return [library for library in known if library.user_api == "blas"]


@lru_cache
def _controller(with_that_of_scipy: bool) -> Any:
    """Look the libraries up once: that takes some milliseconds, asking them a microsecond."""
    import numpy.linalg  # noqa: F401 - brings NumPy's BLAS, should nothing have used it yet
    import threadpoolctl

    return threadpoolctl.ThreadpoolController()


def _forget() -> None:
    """Start anew in a forked process, where no thread is left that would leave."""
    global _lock, _inside
    _lock, _inside = threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
