"""Networks of a tabular fit, judged by the rows that they held back and put together in one model.

Networks of one kind and number of updates are a team. Teams get shares of the prediction by the
rows held back, each predicted by the network of a team that has not learnt from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.estimators.recipe import DTYPE, Entrant, Kind
from handgrad.estimators.rows import TrainingRows, truth_of
from handgrad.estimators.state import Fit, OutOfBag, Record
from handgrad.estimators.voting import VOTES, unbeaten, votes
from handgrad.estimators.watching import dead_units
from handgrad.models.model import Model
from handgrad.network import Architecture, scale_folded
from handgrad.params import Params
from handgrad.tables.encode import Encoded
from handgrad.training.held_back import Split
from handgrad.training.history import Epoch, History

if TYPE_CHECKING:
    from handgrad.estimators.task import Task

Array = NDArray[Any]

CELLS_TO_VOTE = 1 << 17  # scores that are looked at, for speed


class Prepared(NamedTuple):
    """A kind of network, ready for the rows."""

    kind: Kind
    model: Model  # without parameters of any use
    learning: Architecture
    rows: Rows  # all of them


@dataclass(frozen=True)
class Learnt:
    """A network of the race, or after it.

    Attributes
    ----------
    entrant : Entrant
        Its ``kind``, the number of ``updates`` it was to make, and the ``fold`` held back.
    params : Params
        The parameters of its best epoch by the rows held back, or of its last; as it learnt them.
    history : History
        Its epochs, and the reason for its end.
    share : float
        Its share of the mean that is predicted; 0 if it only raced.
    """

    entrant: Entrant
    params: Params
    history: History
    share: float = 0.0

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The record of its epochs."""
        return self.history.epochs

    @property
    def loss(self) -> float:
        """The least loss on the rows held back; where there are none, the last on the others."""
        held_back = [e.validation_loss for e in self.epochs if e.validation_loss is not None]
        return min(held_back, default=self.epochs[-1].loss)


class Panel:
    """The rows of a fit, the folds held back, and the kinds of networks that are ready for them."""

    def __init__(
        self,
        task: Task,
        rows: TrainingRows,
        folds: Sequence[Split],
        kind: Callable[[str], Prepared],
        first_kind: str,
    ) -> None:
        self._task, self._rows, self._folds, self._kind = task, rows, folds, kind
        self._any_kind = kind(first_kind)  # all learn the same of the same rows

    def truth(self, places: NDArray[np.intp], weight: Any) -> tuple[Array, Array | None]:
        """Take what is to be learnt of rows, and their weights in the loss."""
        given = TrainingRows(None, self._rows.y[places], weight, places)
        return truth_of(self._any_kind.model, self._task, given)

    def unbeaten(self, raced: Sequence[Learnt]) -> list[Learnt]:
        """Pick the winner of the first fold, and whoever it does not beat; the winner first."""
        parts = self._folds[0]
        if not len(parts.held_back):
            return [min(raced, key=lambda one: one.loss)]
        y_t, given = self.truth(parts.held_back, parts.held_weight)
        weight = np.ones(len(y_t)) if given is None else given.astype(np.float64)
        losses = [self._losses(one, parts.held_back, y_t) for one in raced]
        return [raced[k] for k in unbeaten(losses, weight / weight.sum())]

    def _losses(self, learnt: Learnt, places: NDArray[np.intp], y_t: Array) -> Array:
        """Compute the loss of each of these rows, (m,)."""
        learning = self._kind(learnt.entrant.kind).learning
        score = self._scores(learnt, places)
        return learning.head.row_losses(score, y_t, learning.loss).astype(np.float64)

    def _scores(self, learnt: Learnt, places: NDArray[np.intp]) -> Array:
        x = self._kind(learnt.entrant.kind).rows.x
        return self._alone(learnt).scores(Encoded(x[places]))

    def _alone(self, learnt: Learnt) -> Model:
        """Make a model of one network."""
        prepared = self._kind(learnt.entrant.kind)
        return replace(prepared.model, params=scale_folded(prepared.learning, learnt.params)[1])

    def concluded(
        self,
        learnt: Sequence[Learnt],
        raced: Sequence[Learnt],
        n_given: int,
        engine: tuple[str, str] | None,
    ) -> Fit:
        """Make one model of networks, and judge it by rows that they have not learnt from."""
        teams = _teams(learnt)
        fold_of = self._unseen(teams)
        places = np.flatnonzero(fold_of >= 0)
        scores = [self._scores_of_team(team, fold_of, places) for team in teams]
        counts = self._votes(scores, places)
        chosen = sorted((k for k in range(len(teams)) if counts[k]), key=self._order(teams, counts))
        shares = np.array([counts[k] for k in chosen], DTYPE) / VOTES
        of_teams = np.stack([scores[k] for k in chosen])
        mean = self._any_kind.learning.head.mean_scores(of_teams, shares)
        networks = [
            replace(one, share=counts[k] / VOTES / len(teams[k]))
            for k in chosen
            for one in teams[k]
        ]
        parts, first = self._folds[0], networks[0]
        return Fit(
            self._together(networks),
            tuple(one.history for one in networks),
            record=_record(first, len(self._folds[first.entrant.fold].kept)),
            engine=engine,
            held_back=self._rows.places[parts.held_back],
            n_singly=parts.drawn_singly,
            networks=tuple(networks),
            raced=tuple(raced),
            dead_units=dead_units(self._alone(first), self._kind(first.entrant.kind).rows),
            out_of_bag=OutOfBag(n_given, self._rows.places[places], mean),
        )

    def _order(
        self, teams: Sequence[Sequence[Learnt]], counts: Sequence[int]
    ) -> Callable[[int], tuple[int, int]]:
        """Order teams: who takes all inputs first, because the first network is looked at."""
        n_inputs = [self._kind(team[0].entrant.kind).model.encoder.n_inputs for team in teams]
        return lambda k: (-n_inputs[k], -counts[k])

    def _unseen(self, teams: Sequence[Sequence[Learnt]]) -> NDArray[np.intp]:
        """Find for each row a fold whose networks, one of each team, have not learnt from it."""
        fold_of = np.full(len(self._rows.y), -1)
        folds = set.intersection(*({one.entrant.fold for one in team} for team in teams))
        for fold in sorted(folds, reverse=True):
            parts = self._folds[fold]
            fold_of[np.setdiff1d(parts.held_back, parts.kept)] = fold  # some are divided
        return fold_of

    def _scores_of_team(
        self, team: Sequence[Learnt], fold_of: NDArray[np.intp], places: NDArray[np.intp]
    ) -> Array:
        """Predict each of these rows by the network that has not learnt from it."""
        scores = np.empty((len(places), self._any_kind.learning.layer_units[-1]), DTYPE)
        for one in team:
            mine = fold_of[places] == one.entrant.fold
            if mine.any():
                scores[mine] = self._scores(one, places[mine])
        return scores

    def _votes(self, scores: Sequence[Array], places: NDArray[np.intp]) -> list[int]:
        """Give each team its votes, by some of the rows where they are many."""
        if not len(places):  # nobody is judged by rows that it has not learnt from
            return [VOTES, *(0 for _ in scores[1:])]
        some = slice(None, None, -(-scores[0].size // CELLS_TO_VOTE))
        learning = self._any_kind.learning
        weight = None if self._rows.weight is None else self._rows.weight[places[some]]
        y_t, weight = self.truth(places[some], weight)
        head, settings = learning.head, learning.loss

        def mean_loss(score: Array) -> float:
            return float(head.mean_loss(score, y_t, weight, settings))

        return votes([score[some] for score in scores], head.mean_scores, mean_loss)

    def _together(self, networks: Sequence[Learnt]) -> Model:
        """Make one model of networks; those that take fewer inputs get the others, too."""
        models = [self._alone(one) for one in networks]
        widest = max(models, key=lambda model: model.encoder.n_inputs)
        first, *others = (_among(widest, model) for model in models)
        shares = tuple(one.share for one in networks)
        return replace(
            widest,
            architecture=replace(widest.architecture, layer_units=first.layer_units),
            params=first,
            members=tuple(others),
            shares=shares if len(set(shares)) > 1 else (),
        )


def _teams(learnt: Sequence[Learnt]) -> list[list[Learnt]]:
    """Put together networks of one kind and number of updates."""
    teams: dict[tuple[str, int], list[Learnt]] = {}
    for one in learnt:
        teams.setdefault((one.entrant.kind, one.entrant.updates), []).append(one)
    return list(teams.values())


def _among(widest: Model, model: Model) -> Params:
    """Give a network the inputs of the widest."""
    if model.encoder is widest.encoder:
        return model.params
    places, wide = widest.encoder.places_without_steps, widest.architecture.beside.n_wide
    return model.params.among(places, widest.encoder.n_deep, wide)


def _record(learnt: Learnt, n: int) -> Record:
    """Tell of the first network in scikit-learn's words."""
    losses = [epoch.validation_loss for epoch in learnt.epochs]
    record = Record.begin(losses[0] is not None)
    for epoch, loss in zip(learnt.epochs, losses, strict=True):
        record = record.after(epoch, n * epoch.epoch, in_curve=True)
        record = record if loss is None else record.scored(-loss)
    return record
