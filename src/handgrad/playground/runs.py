"""One run, or two from the same start, which are trained in turn.

Two runs share the points, the network's shape, its initial weights and the seed of its batches;
each learns in its own way. Neither runs ahead: an epoch begins once both have ended the one before.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from handgrad.playground.recipe import OF_LEARNING, PLAIN

if TYPE_CHECKING:
    from handgrad.playground.recipe import Recipe
    from handgrad.playground.session import Session

MOST_RUNS = 2
NAMES = ("A", "B")


class Runs:
    """The run that is shown, and its rival.

    Anything impossible raises ValueError, whose message the page shows, and changes nothing.

    Attributes
    ----------
    all : list of Session
        One or two.
    chosen : int
        Which of them network, equations and downloads belong to.
    """

    def __init__(self, session: Session) -> None:
        self.all = [session]
        self.chosen = 0
        self._changes = 0

    @property
    def session(self) -> Session:
        """The chosen run."""
        return self.all[self.chosen]

    @property
    def rival(self) -> Session | None:
        """The run that is not chosen."""
        return self.all[1 - self.chosen] if len(self.all) == MOST_RUNS else None

    @property
    def version(self) -> int:
        """A number that grows with every change."""
        return self._changes + sum(run.version for run in self.all)

    @property
    def layout(self) -> int:
        """A number that grows with every change of the layout."""
        return self._changes + sum(run.layout for run in self.all)

    @property
    def trouble(self) -> str:
        """Why runs have stopped, or ""."""
        if len(self.all) == 1:
            return self.session.trouble
        named = zip(NAMES, self.all, strict=True)
        return " ".join(f"Run {name}: {run.trouble}" for name, run in named if run.trouble)

    # -- a rival --------------------------------------------------------------------------------

    def add_rival(self, settings: Any) -> None:
        """Start a second run beside the chosen one, with settings of its own; both begin anew."""
        if len(self.all) == MOST_RUNS:
            raise ValueError("there are two runs; remove one before another is added")
        recipe = _of_rival(self.session.recipe, settings)
        rival = copy.copy(self.session)  # they share the points, which nobody writes to
        rival.recipe = recipe
        self.all.append(rival)
        self.chosen = 1
        self.reset()
        self._changes += 1

    def remove(self, which: int) -> None:
        """Remove one of two runs; the other stays as it is."""
        if len(self.all) < MOST_RUNS or which not in range(MOST_RUNS):
            raise ValueError("the run to remove must be one of two, 0 or 1")
        removed = self.all.pop(which)
        self.chosen = 0
        self._changes += removed.version + removed.layout + 1

    def choose(self, which: int) -> None:
        """Show another run."""
        if which not in range(len(self.all)):
            raise ValueError(f"there is no run {which}")
        self.chosen = which
        self._changes += 1

    def restore(self, settings: Any, rival: Any) -> None:
        """Begin with these settings, and with a rival if it has settings."""
        recipe = self.session.recipe.changed(settings)
        if rival is not None:
            _of_rival(recipe, rival)
        if len(self.all) == MOST_RUNS:
            self.remove(1)
        self.change(settings)
        if rival is not None:
            self.add_rival(rival)
            self.choose(0)

    # -- steps ----------------------------------------------------------------------------------

    def step(self, kind: str) -> None:
        """Make a step in every run that is not ahead; by equation, in the chosen run only."""
        if kind == "equation":
            self.session.step(kind)
            return
        going = [run for run in self.all if not run.trouble] or self.all
        least = min(run.run.epochs for run in going)
        for run in going:
            if run.run.epochs == least:
                run.step(kind)

    # -- both runs ------------------------------------------------------------------------------

    def change(self, asked: Any) -> None:
        """Change settings: the data's and the network's in both runs, others in the chosen one."""
        self.session.recipe.changed(asked)
        shared = {name: value for name, value in asked.items() if name not in OF_LEARNING}
        if shared:
            self.both(lambda run: run.change(shared))
        own = {name: value for name, value in asked.items() if name in OF_LEARNING}
        if own:
            self.session.change(own)
        self._changes += 1

    def both(self, change: Callable[[Session], None]) -> None:
        """Make the same change to every run; if the first refuses it, the second stays as it is."""
        for run in self.all:
            change(run)

    def reset(self) -> None:
        """Go back to the initial weights."""
        self.both(lambda run: run.reset())

    def plain(self) -> None:
        """Begin anew in the way of ``PLAIN``; a walk by equation then takes the batch's row."""
        self.change(PLAIN)
        self.both(lambda run: run.release())
        self.reset()

    def rewind(self, epoch: int) -> None:
        """Go back to an epoch, or to the latest snapshot before it."""
        self.both(lambda run: run.rewind(epoch))


def _of_rival(recipe: Recipe, settings: Any) -> Recipe:
    changed = recipe.changed(settings)
    shared = sorted(set(settings) - set(OF_LEARNING))
    if shared:
        raise ValueError(f"two runs share {shared}; only how they learn may differ")
    return changed
