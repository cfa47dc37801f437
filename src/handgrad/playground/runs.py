"""One run, or two from the same start, which are trained in turn.

Two runs share the points, the network's shape and its first weights, and the seed of their
batches; how each learns is its own. Neither runs ahead: an epoch begins where both have ended
the one before.
"""

import copy
from collections.abc import Callable
from typing import Any

from handgrad.playground.recipe import OF_LEARNING, Recipe
from handgrad.playground.session import Session

MOST_RUNS = 2
NAMES = ("A", "B")


class Runs:
    """The run that is shown, and its rival.

    Attributes
    ----------
    all : list of Session
        One or two.
    chosen : int
        Which of them network, equations and what is taken along are of.
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
        """A number that changes with what a layout tells."""
        return self._changes + sum(run.layout for run in self.all)

    @property
    def trouble(self) -> str:
        """Why runs have stopped, or nothing."""
        if len(self.all) == 1:
            return self.session.trouble
        told = [f"Run {NAMES[i]}: {run.trouble}" for i, run in enumerate(self.all) if run.trouble]
        return " ".join(told)

    # -- a rival --------------------------------------------------------------------------------

    def add_rival(self, settings: Any) -> None:
        """Set a second run beside the chosen one, with settings of its own; both begin anew.

        Raises
        ------
        ValueError
            If there are two, or a setting cannot be, or is one that two runs share.
        """
        if len(self.all) == MOST_RUNS:
            raise ValueError("there are two runs; remove one before another is added")
        recipe = _of_rival(self.session.recipe, settings)
        rival = copy.copy(self.session)  # the points and all that is never written to are shared
        rival.recipe = recipe
        self.all.append(rival)
        self.chosen = 1
        self.reset()
        self._changes += 1

    def remove(self, which: int) -> None:
        """Take one of two runs away; the other stays as it stands.

        Raises
        ------
        ValueError
            If there is no such run, or it is the only one.
        """
        if len(self.all) < MOST_RUNS or which not in range(MOST_RUNS):
            raise ValueError("a run that is removed must be one of two")
        removed = self.all.pop(which)
        self.chosen = 0
        self._changes += removed.version + removed.layout + 1

    def choose(self, which: int) -> None:
        """Show another run.

        Raises
        ------
        ValueError
            If there is no such run.
        """
        if which not in range(len(self.all)):
            raise ValueError(f"there is no run {which}")
        self.chosen = which
        self._changes += 1

    def restore(self, settings: Any, rival: Any) -> None:
        """Begin with these settings, and with a rival where there are settings of one.

        Raises
        ------
        ValueError
            If a setting cannot be.
        """
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
        """Make a step in every run that is not ahead; one by equation in the chosen run.

        Raises
        ------
        ValueError
            If there is no such step.
        """
        if kind == "equation":
            self.session.step(kind)
            return
        going = [run for run in self.all if not run.trouble] or self.all
        least = min(run.run.epochs for run in going)
        for run in going:
            if run.run.epochs == least:
                run.step(kind)

    # -- what both do ---------------------------------------------------------------------------

    def change(self, asked: Any) -> None:
        """Change settings: of data and network in both runs, of learning in the chosen one.

        Raises
        ------
        ValueError
            If a setting cannot be.
        """
        self.session.recipe.changed(asked)
        shared = {name: value for name, value in asked.items() if name not in OF_LEARNING}
        if shared:
            self.both(lambda run: run.change(shared))
        own = {name: value for name, value in asked.items() if name in OF_LEARNING}
        if own:
            self.session.change(own)
        self._changes += 1

    def both(self, what: Callable[[Session], None]) -> None:
        """Do the same to every run: what the first refuses, the second is not asked."""
        for run in self.all:
            what(run)

    def reset(self) -> None:
        """Go back to the weights of the beginning."""
        self.both(Session.reset)

    def rewind(self, epoch: int) -> None:
        """Go back to an epoch."""
        self.both(lambda run: run.rewind(epoch))


def _of_rival(recipe: Recipe, settings: Any) -> Recipe:
    changed = recipe.changed(settings)
    shared = sorted(set(settings) - set(OF_LEARNING))
    if shared:
        raise ValueError(f"two runs share {shared}; only how they learn may differ")
    return changed
