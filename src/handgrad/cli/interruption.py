"""Ctrl-C and SIGTERM while a fit keeps checkpoints: the epoch ends first, and is kept."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from handgrad.cli.exits import BrokenOffError
from handgrad.cli.terminal import note

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Asked:
    """What signals have asked for, and whether an epoch has ended that may be kept."""

    def __init__(self) -> None:
        self.number = 0
        self._has_epoch = False

    def hear(self, number: int, _: FrameType | None) -> None:
        self.number = number
        for one in SIGNALS:  # the next leaves at once
            signal.signal(one, signal.SIG_DFL if one == signal.SIGTERM else _interrupt)
        if not self._has_epoch:
            raise KeyboardInterrupt
        note("handgrad: ending this epoch to keep it; press Ctrl-C again to leave at once")

    def end_epoch(self) -> None:
        self._has_epoch = True
        if self.number:
            raise KeyboardInterrupt


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def kept_at_ends_of_epochs(folder: Path | None) -> Iterator[Callable[[], None]]:
    """Let signals wait for the end of an epoch, which the fit inside tells of by a call.

    Without a folder of checkpoints nothing changes.

    Raises
    ------
    BrokenOffError
        In place of an interrupt, with the exit code of the signal.
    """
    asked = _Asked()
    if folder is None or threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {one: signal.signal(one, asked.hear) for one in SIGNALS}
    try:
        yield asked.end_epoch
    except KeyboardInterrupt:
        raise BrokenOffError(
            f"interrupted; the same command with --resume goes on from {str(folder)!r}",
            128 + (asked.number or signal.SIGINT),
        ) from None
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
