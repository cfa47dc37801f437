"""A fit under way: what other threads see of its estimator, and what is left if it breaks off.

A fit changes the estimator in the thread that runs it, so that callbacks see the network learn.
Other threads go on predicting with what there was before: they take all attributes at once, and
there is one moment, a single assignment, from which on these are those of the finished fit.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any, NamedTuple, Self

import numpy as np

from handgrad.training.run import Run

KEY = "_fitting"  # under this name a fit stands among the attributes of its estimator

Attributes = dict[str, Any]
Chances = dict[int, tuple[np.random.BitGenerator, Any]]  # of each network; where it stood


class Whole(NamedTuple):
    """An estimator at a moment where all that it holds belongs together."""

    attributes: Attributes
    chances: Chances


@dataclass
class Fitting:
    """One fit of an estimator, in one thread.

    Attributes
    ----------
    before : Whole
        What there was; other threads see these attributes.
    last : Whole or None
        The end of the last whole epoch, once there was one.
    chances : dict
        Where the streams of chance of the networks stood when the training began.
    """

    before: Whole
    thread: int = field(default_factory=get_ident)
    last: Whole | None = None
    chances: Chances = field(default_factory=dict)

    @classmethod
    def of(cls, estimator: Any) -> Self:
        before = _without_key(estimator)
        return cls(Whole(before, _chances(before.get("_runs", ()))))

    def begin(self, estimator: Any) -> None:
        """Claim the estimator for this thread.

        Raises
        ------
        RuntimeError
            If another thread is fitting it.
        """
        other = vars(estimator).setdefault(KEY, self)
        if other.thread != self.thread:
            raise RuntimeError(
                f"this {type(estimator).__name__} is being fitted by another thread; wait for "
                "that fit, or fit a clone of it (sklearn.base.clone)"
            )
        vars(estimator)[KEY] = self

    def train(self, runs: list[Run]) -> None:
        """Note where training begins."""
        self.chances = _chances(runs)

    def keep(self, attributes: Attributes, number: int) -> None:
        """Note the end of an epoch of one of the networks."""
        attributes.pop(KEY)
        bits = attributes["_runs"][number].bits
        there = self.chances if self.last is None else self.last.chances
        self.last = Whole(attributes, {**there, number: (bits, bits.state)})

    def finish(self, estimator: Any) -> None:
        """Publish what has been fitted."""
        estimator.__dict__ = _without_key(estimator)

    def break_off(self, estimator: Any) -> None:
        """Go back to the end of the last whole epoch; without one, to before the fit."""
        if vars(estimator).get(KEY) is not self:
            return  # never begun, or published already
        attributes, chances = self.last or self.before
        for bits, chance in chances.values():
            bits.state = chance
        if self.last is not None:  # what a callback has added stays
            attributes = {**_without_key(estimator), **attributes}
        estimator.__dict__ = attributes


def _without_key(estimator: Any) -> Attributes:
    attributes: Attributes = vars(estimator).copy()
    attributes.pop(KEY, None)
    return attributes


def _chances(runs: Iterable[Run]) -> Chances:
    return {number: (run.bits, run.bits.state) for number, run in enumerate(runs)}


def fitting_of(estimator: Any) -> Fitting | None:
    """Give the fit under way, if there is one."""
    fitting: Fitting | None = vars(estimator).get(KEY)
    return fitting


def seen(estimator: Any) -> Any:
    """Take an estimator as this thread sees it, in a copy whose attributes no fit changes."""
    attributes = vars(estimator).copy()
    fitting = attributes.pop(KEY, None)
    view = object.__new__(type(estimator))
    other = fitting is not None and fitting.thread != get_ident()
    view.__dict__ = fitting.before.attributes.copy() if other else attributes
    return view
