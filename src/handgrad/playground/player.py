"""The thread that trains, and the lock around what it trains."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from handgrad.playground import frame as frames
from handgrad.playground.session import KINDS, Session

SLICE = 0.012  # seconds of training between two moments at which a frame may be made
SPEEDS = (1, 3, 10, 30, 0)  # steps a second; 0 for as many as there is time for


State = tuple[int, bool, str]


class Layout(NamedTuple):
    """What the page is told of points and network, and the number that tells whether it is new."""

    number: int
    text: str


class Player:
    """Plays a session. One lock: whoever holds it may look at the session, or move it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lock = threading.Lock()
        self.kind, self.speed = "epoch", 0
        self.playing = threading.Event()
        self.ended = False
        self._last: tuple[State, bytes] | None = None
        self._layout = Layout(-1, "")
        self._slower = frames.Slower()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self.ended = True
        self.playing.set()
        self._thread.join()

    def play(self, kind: str, speed: int) -> None:
        """Make steps of a kind, so many a second.

        Raises
        ------
        ValueError
            If there is no such kind or speed.
        """
        if kind not in KINDS or speed not in SPEEDS or isinstance(speed, bool):
            raise ValueError(f"play needs one of {KINDS} and one of the speeds {SPEEDS}")
        self.kind, self.speed = kind, speed
        self.playing.set()
        self.session.version += 1

    def pause(self) -> None:
        if self.playing.is_set():
            self.playing.clear()
            self.session.version += 1

    def look(self, what: Callable[[Session], Any]) -> Any:
        """Call a function on the session while nothing moves it."""
        with self.lock:
            return what(self.session)

    @property
    def state(self) -> State:
        """What a frame depends on."""
        return self.session.version, self.playing.is_set(), self.kind

    def frame(self) -> tuple[State, Layout, bytes]:
        """Give the latest frame, its state and its layout; made once, whoever asks."""
        with self.lock:
            state, session = self.state, self.session
            if self._layout.number != session.layout:
                self._layout = Layout(session.layout, json.dumps(frames.layout(session)))
            if self._last is None or self._last[0] != state:
                made = frames.frame(
                    session, playing=state[1], kind=state[2], slower=self._slower
                )
                self._last = state, made
            return state, self._layout, self._last[1]

    def _run(self) -> None:
        while True:
            self.playing.wait()
            if self.ended:
                return
            started = time.perf_counter()
            with self.lock:
                self._work(started + SLICE)
            rest = 1 / self.speed if self.speed else 0.003
            time.sleep(max(0.002, rest - (time.perf_counter() - started if self.speed else 0)))

    def _work(self, until: float) -> None:
        """Make one step, or with no speed set as many as there is time for."""
        session = self.session
        while self.playing.is_set() and not self.ended:
            # An epoch may be long: without a set speed it is made batch by batch.
            quick = self.kind == "epoch" and not self.speed
            session.step("batch" if quick else self.kind)
            if session.trouble:
                self.pause()
            if self.speed or time.perf_counter() > until:
                return
            if self.kind in ("sample", "equation"):  # faster than a frame nobody sees them
                return
