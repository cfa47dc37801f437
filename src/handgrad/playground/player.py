"""The thread that trains, and the lock around the runs that it trains."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad.engines.blas import blas_on_one_thread
from handgrad.playground import frame as frames
from handgrad.playground.hidden import HiddenView
from handgrad.playground.runs import Runs

if TYPE_CHECKING:
    from handgrad.playground.session import Session

SLICE = 0.008  # seconds of training between two moments at which a frame may be made
LONGEST_END = 0.1  # seconds that a pause may take to end an epoch
LATE = 1 / 30  # seconds between two frames, beyond which training waits while the next is made
LONGEST_WAIT = 0.1  # seconds that it waits
SPEEDS = (1, 3, 10, 30, 0)  # steps a second; 0 for as many as possible


State = tuple[int, bool, str]


class Layout(NamedTuple):
    """Points and network as the page needs them, and a number that changes with them."""

    number: int
    text: str


class Player:
    """Plays runs. Whoever holds its lock may look at them, or move them."""

    def __init__(self, session: Session) -> None:
        self.runs = Runs(session)
        self.lock = threading.Lock()
        self._making = threading.Lock()  # held while a frame is made, the other only to look
        self.kind, self.speed = "epoch", 0
        self.playing = threading.Event()
        self.ended = False
        self._on_time = threading.Event()  # set while no frame is late
        self._on_time.set()
        self._made_at = 0.0
        self._last: tuple[State, bytes] | None = None
        self._layout = Layout(-1, "")
        self._slower = frames.Slower()
        self.hidden = HiddenView()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self._thread.start()

    @property
    def session(self) -> Session:
        """The chosen run."""
        return self.runs.session

    def close(self) -> None:
        """End the thread."""
        self.ended = True
        self.playing.set()
        self._thread.join()

    def play(self, kind: str, speed: int) -> None:
        """Make steps of a kind, ``speed`` of them a second."""
        kinds = self.session.KINDS
        if kind not in kinds or speed not in SPEEDS or isinstance(speed, bool):
            raise ValueError(f"play needs one of {kinds} and one of the speeds {SPEEDS}")
        self.kind, self.speed = kind, speed
        self.playing.set()
        self.session.version += 1

    def pause(self) -> None:
        if self.playing.is_set():
            self.playing.clear()
            self.session.version += 1

    def rest(self) -> None:
        """Pause; where it plays epochs, end the one under way, unless that would take long.

        Whoever calls holds the lock.
        """
        was_playing, until = self.playing.is_set(), time.perf_counter() + LONGEST_END
        self.pause()
        while was_playing and self.kind == "epoch" and time.perf_counter() < until:
            if not any(run.under_way and not run.trouble for run in self.runs.all):
                return
            self.runs.step("batch")

    def look(self, read: Callable[[Session], Any]) -> Any:
        """Call a function on the chosen run while nothing moves it."""
        with self.lock:
            return read(self.session)

    @property
    def state(self) -> State:
        """Changes whenever the next frame would differ."""
        return self.runs.version, self.playing.is_set(), self.kind

    def frame(self) -> tuple[State, Layout, bytes]:
        """Return the latest frame, its state and its layout; a frame is made only once."""
        with self._making:
            with self.lock:
                state, runs = self.state, self.runs
                if self._layout.number != runs.layout:
                    self._layout = Layout(runs.layout, json.dumps(frames.layout(runs)))
                layout = self._layout
                if self._last is not None and self._last[0] == state:
                    return state, layout, self._last[1]
                seen = frames.look(runs, playing=state[1], kind=state[2], slower=self._slower)
                if time.perf_counter() - self._made_at > LATE:
                    self._on_time.clear()
            try:
                made = seen.packed()
            finally:
                self._on_time.set()
            self._last, self._made_at = (state, made), time.perf_counter()
            return state, layout, made

    def _run(self) -> None:
        with blas_on_one_thread():
            self._train()

    def _train(self) -> None:
        started = 0.0
        while True:
            self.playing.wait()
            if self.ended:
                return
            self._on_time.wait(LONGEST_WAIT)
            started = started or time.perf_counter()
            with self.lock:
                is_whole = self._work(time.perf_counter() + SLICE)
            rest = 0.003
            if self.speed and is_whole:
                rest, started = 1 / self.speed - (time.perf_counter() - started), 0.0
            time.sleep(max(0.002, rest))

    def _work(self, until: float) -> bool:
        """Make a step, or at full speed as many as there is time for; tell whether it is whole."""
        runs = self.runs
        while self.playing.is_set() and not self.ended:
            # An epoch may be long: it is made batch by batch, so that a pause never waits for it.
            is_epoch = self.kind == "epoch"
            runs.step("batch" if is_epoch else self.kind)
            if all(run.trouble for run in runs.all):
                self.pause()
            if self.speed and not (is_epoch and any(run.under_way for run in runs.all)):
                return True
            if time.perf_counter() > until:
                return False
            if self.kind in ("sample", "equation"):  # faster than a frame nobody sees them
                return False
        return True
