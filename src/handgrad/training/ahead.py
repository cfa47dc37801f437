"""Networks that train side by side: later ones ahead of their turn, each in a thread of its own.

Whoever watches them sees them in turn, as if one had waited for the other: the first trains in the
thread of the watcher; the epochs of the others wait until their turn comes, and each brings the run
as it stood then. So whatever stops a network, an interrupt included, leaves the runs that a
training in turn would have left; what was trained beyond is forgotten.
"""

import _thread
import contextvars
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import NamedTuple

from handgrad.engines.compiled.threads import Call, CalledOff, Lanes, begin_on_processor
from handgrad.training.history import Epoch, History
from handgrad.training.run import Kept, Run

OnEpoch = Callable[[Epoch], bool | None]
Train = Callable[[int, Run, OnEpoch], History]
Turn = Callable[[int, OnEpoch], str]

BYTES_AHEAD = 1 << 28  # of runs whose epochs nobody has looked at yet; where they are more, wait


@contextmanager
def side_by_side(train: Train, runs: Sequence[Run], at_once: int) -> Iterator[Turn]:
    """Train runs in turn, while others train ahead.

    Parameters
    ----------
    train : callable
        ``train(number, run, on_epoch)`` trains one of them and gives its history. It is called in
        several threads, with copies of the runs.
    runs : sequence of Run
        Each has a stream of chance of its own.
    at_once : int
        Most threads, of all runs together; with one they are trained in turn, here.

    Yields
    ------
    turn : callable
        ``turn(number, on_epoch)`` is to be called once for each run, in order: it brings the run to
        the end of its training, calls ``on_epoch`` in this thread after each of its epochs, and
        gives the reason for its end. Outside, nothing trains any more.
    """
    crew = _Crew(train, runs, at_once)
    try:
        yield crew.turn
    finally:
        try:
            crew.dismiss()
        finally:  # an interrupt may have come before it had begun
            crew.dismiss()


class _Crew:
    """The threads that train ahead."""

    def __init__(self, train: Train, runs: Sequence[Run], at_once: int) -> None:
        self._train, self._runs, self._lanes = train, runs, Lanes(at_once)
        self._at_once = min(at_once, len(runs))
        self._ahead = [_Ahead(run, self._lanes, BYTES_AHEAD // self._at_once) for run in runs]
        self._taken: dict[int, object] = {}
        self._calls: list[Call] = []

    def turn(self, number: int, on_epoch: OnEpoch) -> str:
        """Train a run, or follow it if it trains already."""
        if self._at_once == 1:
            return self._train(number, self._runs[number], on_epoch).reason
        if self._take(number):
            self._hire(self._at_once - 1)
            with self._lanes.lane():
                return self._train(number, self._runs[number], on_epoch).reason
        self._hire(self._at_once)  # this thread only waits
        return self._ahead[number].follow(on_epoch)

    def _take(self, number: int) -> bool:
        """Tell whether nobody has taken a run before."""
        me = object()
        return self._taken.setdefault(number, me) is me

    def _hire(self, n: int) -> None:
        while len(self._calls) < n and len(self._taken) < len(self._runs):
            context = contextvars.copy_context()  # with NumPy's settings for errors
            call = Call(partial(context.run, self._work, len(self._calls) + 1))
            self._calls.append(call)
            if not call.start():
                return

    def _work(self, place: int) -> None:
        begin_on_processor(place)
        with self._lanes.lane():
            for number, ahead in enumerate(self._ahead):
                if not self._lanes.called_off and self._take(number):
                    ahead.train(partial(self._train, number))

    def dismiss(self) -> None:
        """Call off what nobody will follow, and wait until no thread trains."""
        self._lanes.called_off = True
        for ahead in self._ahead:
            ahead.forget()
        for call in self._calls:
            call.wait()


class _End(NamedTuple):
    """How a training ended: where the run stands and why, or the error."""

    kept: Kept | None = None
    reason: str = ""
    error: BaseException | None = None


class _Ahead:
    """A run that trains ahead, and its epochs that wait to be looked at.

    The thread that trains and the one that watches share a queue and take no lock of each other:
    each is told that there is something new by a lock that only the other one releases.
    """

    def __init__(self, run: Run, lanes: Lanes, most_bytes: int) -> None:
        self._run, self._lanes, self._most_bytes = run, lanes, most_bytes
        self._epochs: deque[tuple[Epoch, Kept]] = deque()
        self._end: _End | None = None
        self._wanted = True
        self._news, self._room = _Signal(), _Signal()

    # -- in the thread that trains ----------------------------------------------------------------

    def train(self, train: Callable[[Run, OnEpoch], History]) -> None:
        """Train a copy of the run."""
        try:
            run = self._run.twin()
            run.bits = deepcopy(run.bits)
            history = train(run, partial(self._queue, run))
            self._end = _End(self._handed(run), history.reason)
        except CalledOff:
            return
        except BaseException as error:
            self._end = _End(error=error)
        self._news.give()

    def _queue(self, run: Run, epoch: Epoch) -> bool:
        kept = self._handed(run)
        self._epochs.append((epoch, kept))
        self._news.give()
        if self._is_full(kept):
            with self._lanes.idle():
                while self._is_full(kept):
                    self._room.take()
        self._lanes.check()
        return not self._wanted

    def _is_full(self, kept: Kept) -> bool:
        waits = self._wanted and not self._lanes.called_off
        return waits and len(self._epochs) * kept.nbytes > self._most_bytes

    def _handed(self, run: Run) -> Kept:
        """Copy a run for the one who watches, whose stream of chance is another object."""
        twin = run.twin()
        twin.bits = self._run.bits
        return Kept(twin, run.bits.state)

    # -- in the thread that watches ---------------------------------------------------------------

    def follow(self, on_epoch: OnEpoch) -> str:
        """Go through the epochs as they come, and give the reason for the end."""
        run = self._run
        while True:
            end = self._end  # before the queue: after the end nothing comes into it
            if self._epochs:
                epoch, kept = self._epochs.popleft()
                self._room.give()
                run.put_back(kept)
                if on_epoch(epoch):
                    self.forget()
                    run.take_best()
                    return "on_epoch"
            elif end is None:
                self._news.take()
            elif end.kept is None:
                raise end.error or RuntimeError("a training ended without a result")
            else:
                run.put_back(end.kept)
                return end.reason

    def forget(self) -> None:
        self._wanted = False
        self._epochs.clear()
        self._room.give()


class _Signal:
    """A word from one thread to another, which looks every tenth of a second in any case.

    An interrupt may make it miss a word, so it must look for itself whether there is something new.
    """

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def give(self) -> None:
        if self._lock.locked():
            self._lock.release()

    def take(self) -> None:
        self._lock.acquire(timeout=0.1)
