"""All that a fit leaves, as one value: nothing of it changes, and the next fit makes another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.network import scale_folded

if TYPE_CHECKING:
    from handgrad.estimators.together import Learnt
    from handgrad.models.model import Model
    from handgrad.network import Architecture
    from handgrad.params import Params
    from handgrad.training.history import Epoch, History
    from handgrad.training.run import Run


@dataclass(frozen=True)
class Record:
    """What scikit-learn's users look for, all of the first network: names as there, without _."""

    n_iter: int = 0
    t: int = 0
    loss: float = math.inf
    loss_curve: list[float] = field(default_factory=list)
    best_loss: float | None = math.inf
    validation_scores: list[float] | None = None
    best_validation_score: float | None = None

    @classmethod
    def begin(cls, early_stopping: bool) -> Self:
        """Begin a record; with early stopping it keeps scores in place of the best loss."""
        if not early_stopping:
            return cls()
        return cls(best_loss=None, validation_scores=[], best_validation_score=-math.inf)

    def after(self, epoch: Epoch, rows_seen: int, *, in_curve: bool) -> Self:
        """Add an epoch; lists are made anew, for a reader may hold the old ones."""
        loss = epoch.loss + epoch.penalty
        return replace(
            self,
            n_iter=self.n_iter + 1,
            t=rows_seen,
            loss=loss,
            loss_curve=[*self.loss_curve, loss] if in_curve else self.loss_curve,
            best_loss=None if self.best_loss is None else min(self.best_loss, loss),
        )

    def scored(self, score: float) -> Self:
        """Add the score of an epoch on the rows held back."""
        scores = [*(self.validation_scores or []), score]
        return replace(self, validation_scores=scores, best_validation_score=max(scores))


class OutOfBag(NamedTuple):
    """Training rows, predicted by networks that have not learnt from them."""

    n: int  # rows of X
    places: NDArray[np.intp]  # of the m rows in X, ascending
    scores: NDArray[Any]  # (m, N_y)


@dataclass(frozen=True, eq=False)
class Fit:
    """A network and its training, at the end of an epoch.

    Attributes
    ----------
    model : Model
        What predicts: of an ensemble, the networks that have learnt so far. A scale of the inputs
        is folded into their first layers.
    runs : tuple of Run
        Where the training of each network stands, the scale of its inputs included; none after
        loading.
    histories : tuple of History
        The record of each network.
    record : Record
        The same in scikit-learn's words.
    engine : tuple of str, or None
        The name of the engine that trained, and why it was chosen.
    held_back, n_singly : int array, int
        The rows of X held back, and how many of these were drawn one by one.
    split_seed : int or None
        What chose them, so that a further fit holds back the same.
    explosion : str
        What was too large in a run that explodes without becoming infinite; "" in a sane one.
    dead_units : list of float or None
        For each hidden layer, the share of units that no row wakes.
    moments, target_moments
        Statistics of columns and targets that move with a stream.
    networks, raced : tuple of Learnt
        Of a tabular fit, the networks of the model, and those that raced.
    out_of_bag : OutOfBag or None
        Of a tabular fit, the rows held back.
    """

    model: Model
    histories: tuple[History, ...]
    runs: tuple[Run, ...] = ()
    record: Record = field(default_factory=Record)
    engine: tuple[str, str] | None = None
    held_back: NDArray[np.intp] | None = None
    n_singly: int = 0
    split_seed: int | None = None
    explosion: str = ""
    dead_units: list[float] | None = None
    moments: Any = None
    target_moments: Any = None
    networks: tuple[Learnt, ...] = ()
    raced: tuple[Learnt, ...] = ()
    out_of_bag: OutOfBag | None = None

    @property
    def learning(self) -> Architecture:
        """The network as its runs learn it: with a scale of the inputs, which the model lacks."""
        scales = any(run.params.s is not None for run in self.runs)
        return replace(self.model.architecture, scales=scales)

    @property
    def first(self) -> tuple[Architecture, Params]:
        """The first network: as it learns where its run is known, else as it predicts."""
        for run in self.runs[:1]:
            _, folded = scale_folded(self.learning, run.params)
            if np.array_equal(folded.flat, self.model.params.flat):
                return self.learning, run.params
        return self.model.architecture, self.model.params

    def with_model(self, **changes: Any) -> Fit:
        return replace(self, model=replace(self.model, **changes))

    def predicting(self, networks: Sequence[Params]) -> Model:
        """Give the model these networks, as they learn; a scale of the inputs is folded away."""
        folded = [scale_folded(self.model.architecture, params)[1] for params in networks]
        return self.model.with_networks(folded)

    def with_networks(self, networks: Sequence[Params]) -> Fit:
        """Go on with other parameters; those there were stay as they are, should this fail."""
        runs = [replace(run, params=p) for run, p in zip(self.runs, networks, strict=True)]
        return replace(self, runs=tuple(runs), model=self.predicting(networks))

    def with_runs(self, runs: Sequence[Run]) -> Fit:
        """Put every network where its training stands; those predict that have learnt."""
        first, *others = runs
        known = self.model.members
        learnt = [run.params for run in others if run.epochs or _is_among(run.params, known)]
        return replace(self, runs=tuple(runs), model=self.predicting([first.params, *learnt]))

    def with_run(self, number: int, run: Run) -> Fit:
        """Put one network where its training stands."""
        return self.with_runs([*self.runs[:number], run.twin(), *self.runs[number + 1 :]])

    def with_history(self, number: int, history: History) -> Fit:
        """Add to the record of one network."""
        histories = list(self.histories)
        histories[number] += history
        return replace(self, histories=tuple(histories))

    def of_best_epochs(self) -> Fit:
        """Put every network where it would stand if its training ended now."""
        return self.with_runs([run.result() for run in self.runs])


def _is_among(params: Params, known: tuple[Params, ...]) -> bool:
    return any(params is one for one in known)
