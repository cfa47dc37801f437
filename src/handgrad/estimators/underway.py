"""A fit under way: what other threads see of its estimator, and what is left if it breaks off.

A fit changes the estimator in the thread that runs it, so that callbacks see the network learn.
Other threads go on predicting with what there was before: they take all attributes at once, and
there is one moment, a single assignment, from which on these are those of the finished fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from handgrad.estimators.state import Fit
    from handgrad.training.run import Run

KEY = "_fitting"  # under this name a fit under way stands among the attributes of its estimator
FIT = "_fit_"  # and under this one what the last has left

Attributes = dict[str, Any]
Streams = dict[int, tuple[np.random.BitGenerator, Any]]  # of each network; where it stood


@dataclass
class UnderWay:
    """One fit of an estimator, in one thread.

    Attributes
    ----------
    before : dict
        The attributes that there were; other threads see these.
    streams : dict
        Where the streams of chance of the networks stand at the end of the last whole epoch.
    last : Fit or None
        What there was at the end of that epoch, once there was one.
    """

    estimator: Any
    before: Attributes
    streams: Streams
    thread: int = field(default_factory=get_ident)
    last: Fit | None = None

    @classmethod
    def of(cls, estimator: Any) -> Self:
        before = _without_key(estimator)
        fit: Fit | None = before.get(FIT)
        return cls(estimator, before, _streams(fit.runs if fit is not None else ()))

    def begin(self) -> None:
        """Claim the estimator for this thread.

        Raises
        ------
        RuntimeError
            If another thread is fitting it.
        """
        other = vars(self.estimator).setdefault(KEY, self)
        if other.thread != self.thread:
            raise RuntimeError(
                f"this {type(self.estimator).__name__} is being fitted by another thread; wait for "
                "that fit, or fit a clone of it (sklearn.base.clone)"
            )
        vars(self.estimator)[KEY] = self

    def train(self, runs: Iterable[Run]) -> None:
        """Note where chance stands as training begins."""
        self.streams = _streams(runs)

    def show(self, fit: Fit) -> None:
        """Let callbacks in this thread see how far the fit has come."""
        vars(self.estimator)[FIT] = fit

    def keep(self, fit: Fit, number: int) -> None:
        """Note the end of an epoch of one of the networks: what an interrupt goes back to."""
        bits = fit.runs[number].bits
        self.last, self.streams = fit, {**self.streams, number: (bits, bits.state)}

    def finish(self, fit: Fit) -> None:
        """Publish what has been fitted."""
        self.estimator.__dict__ = {**_without_key(self.estimator), FIT: fit}

    def break_off(self) -> None:
        """Go back to the end of the last whole epoch; without one, to before the fit."""
        if vars(self.estimator).get(KEY) is not self:
            return  # never begun, or published already
        for bits, state in self.streams.values():
            bits.state = state
        if self.last is None:
            self.estimator.__dict__ = self.before
        else:  # what a callback has added stays
            self.estimator.__dict__ = {**_without_key(self.estimator), FIT: self.last}


@contextmanager
def under_way(estimator: Any) -> Iterator[UnderWay]:
    """Fit inside; where that fails, go back to the last whole epoch, or undo everything."""
    now = UnderWay.of(estimator)
    try:
        now.begin()
        yield now
    except BaseException:
        now.break_off()
        raise


def _without_key(estimator: Any) -> Attributes:
    attributes: Attributes = vars(estimator).copy()
    attributes.pop(KEY, None)
    return attributes


def _streams(runs: Iterable[Run]) -> Streams:
    return {number: (run.bits, run.bits.state) for number, run in enumerate(runs)}


def seen(estimator: Any) -> Any:
    """Take an estimator as this thread sees it, in a copy whose attributes no fit changes."""
    attributes = vars(estimator).copy()
    now = attributes.pop(KEY, None)
    other = now is not None and now.thread != get_ident()
    return _like(estimator, now.before.copy() if other else attributes)


def showing(estimator: Any, fit: Fit) -> Any:
    """Make a copy of an estimator that has been fitted so."""
    return _like(estimator, {**_without_key(estimator), FIT: fit})


def _like(estimator: Any, attributes: Attributes) -> Any:
    copy = object.__new__(type(estimator))
    copy.__dict__ = attributes
    return copy
