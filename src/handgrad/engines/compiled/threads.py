"""Threads of the compiled engine: how many work at once, in calls that no interrupt tears apart.

An epoch is shared among threads (``share``), and so are networks that train side by side: each is
a lane, in which engines take only the threads that the other lanes leave (``Lanes``).

Python lets an interrupt into its main thread between any two steps, also in the middle of the
standard library's pools and futures, which then keep a lock for ever. So the main thread only
waits here, and takes no lock that anybody waits for. A thread made for the call, which no
interrupt reaches, counts and starts the others, works with them and waits for them.
"""

from __future__ import annotations

import _thread
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from threading import get_ident

from handgrad.engines.processors import processors

Work = Callable[[int, int], None]  # of a part and the number of parts


def share(work: Work, wanted: int, leave: Callable[[], None] = lambda: None) -> None:
    """Do every part of the work at once, in up to so many threads.

    Parameters
    ----------
    work : callable
        ``work(part, parts)`` does one part; it is called once for each, or once in all where
        other engines of this process, or the system, leave no more than one thread.
    wanted : int
        Most threads.
    leave : callable
        Tells parts that wait for one that will not come to leave.

    Raises
    ------
    BaseException
        What a part raised, or the interrupt that came meanwhile; no part runs any more then.
    CalledOff
        If this thread is a lane that has been called off.
    """
    lanes = Lanes.here()
    if lanes is not None:
        wanted = lanes.most(wanted)
    if wanted == 1:
        _work_alone(work)
        return
    call = Call(partial(_work_together, work, wanted, leave))
    try:
        if call.start():
            call.wait()
        else:
            _work_alone(work)
    except BaseException:
        leave()
        call.wait()
        raise
    if call.error is not None:
        raise call.error


class CalledOff(BaseException):
    """Nobody wants any more what this lane computes."""


class Lanes:
    """Networks that train side by side, each in a lane, which is a thread; and their processors.

    Parameters
    ----------
    threads : int
        Most threads, of all lanes together.
    """

    _here = threading.local()

    def __init__(self, threads: int) -> None:
        self.called_off = False
        self._threads = threads
        self._at_work: set[int] = set()

    @classmethod
    def here(cls) -> Lanes | None:
        """Find the lanes of which this thread is one."""
        return getattr(cls._here, "lanes", None)

    @contextmanager
    def lane(self) -> Iterator[None]:
        """Make this thread a lane."""
        before, self._here.lanes = self.here(), self
        self._at_work.add(get_ident())
        try:
            yield
        finally:
            self._at_work.discard(get_ident())
            self._here.lanes = before

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Leave the processor of this lane to the others."""
        self._at_work.discard(get_ident())
        try:
            yield
        finally:
            self._at_work.add(get_ident())

    def check(self) -> None:
        if self.called_off:
            raise CalledOff

    def most(self, wanted: int) -> int:
        """Tell how many threads a lane may take that wants so many."""
        self.check()
        return max(1, min(wanted, self._threads // max(1, len(self._at_work))))


class Call:
    """A function called in a thread of its own, 60 us later: as soon as one of a pool would."""

    def __init__(self, function: Callable[[], None]) -> None:
        self.error: BaseException | None = None
        self._function = function
        self._running = False
        self._ended = _thread.allocate_lock()
        self._ended.acquire()

    def start(self) -> bool:
        """Start it; False if the system has no thread for it."""
        self._running = True
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError:
            self._running = False
            return False
        return True

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as error:
            self.error = error
        finally:
            self._running = False
            self._ended.release()

    def wait(self) -> None:
        # An interrupt may come just after the lock was taken, and nobody releases it again.
        while self._running:
            self._ended.acquire(timeout=0.1)


def _work_together(work: Work, wanted: int, leave: Callable[[], None]) -> None:
    owner = object()
    others: list[Call] = []
    try:
        parts = _take(owner, wanted)
        first = os.getpid() + sum(_in_use.values())  # so that calls at once begin apart

        def do(part: int) -> None:
            begin_on_processor(first + part)
            work(part, parts)

        for part in range(1, parts):
            other = Call(partial(do, part))
            if not other.start():
                raise RuntimeError("handgrad got fewer threads from the system than it had begun")
            others.append(other)
        do(0)
    except BaseException:
        leave()
        raise
    finally:
        for other in others:
            other.wait()
        _in_use.pop(owner, None)
    for other in others:
        if other.error is not None:
            raise other.error


def begin_on_processor(number: int) -> None:
    """Move this thread to a processor of its own, from which the system may move it again.

    Left alone, a new thread often begins where the one runs that made it, and they wait for each
    other in turns until the system moves one: W3 took 120 us a step, and 64 with this.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    with suppress(OSError):  # not allowed everywhere, and only a matter of speed
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {sorted(allowed)[number % len(allowed)]})
        os.sched_setaffinity(0, allowed)


def _work_alone(work: Work) -> None:
    owner = object()
    try:
        _in_use[owner] = 1
        work(0, 1)
    finally:
        _in_use.pop(owner, None)


# Threads in use, by who uses them. sum() adds the values up without making an object on its
# way, which is when another thread could come in and change the dictionary.
_in_use: dict[object, int] = {}
_take_lock = threading.Lock()


def _take(owner: object, wanted: int) -> int:
    """Take up to so many threads of those that no other engine in this process uses; at least 1."""
    with _take_lock:
        taken = max(1, min(wanted, free_threads()))
        _in_use[owner] = taken
    return taken


def free_threads() -> int:
    """Count the processors that no engine of this process uses at this moment."""
    return _most_threads() - sum(_in_use.values())


_most_threads = lru_cache(processors)  # asking the system takes longer than a small epoch


def _forget_threads() -> None:
    """Start anew in a forked process, where no thread but its own is left."""
    global _take_lock
    _take_lock = threading.Lock()
    _in_use.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
