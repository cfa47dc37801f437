"""The path of a tabular fit: kinds of networks race, and those that are not beaten go on.

prepared     the columns encoded, for all rows at once; a kind takes all inputs, or some
raced        the first fold held back: every kind, and every number of updates, trains once
gone on      whoever is not beaten beyond doubt, on further folds, each from a start of its own
put together networks of one kind and number of updates are a team; teams get shares by the rows
             held back, and one model averages the predictions of all
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _num_samples

from handgrad.batch import Rows, is_sparse
from handgrad.engines.choice import Choice, choose
from handgrad.errors import DataError, DivergenceError, DivergenceWarning, warn
from handgrad.estimators.fitting import Given, checked, encoder_of, memory_for
from handgrad.estimators.parameters import bit_generator
from handgrad.estimators.progress import NetworkEpoch, Place, progress_of_networks
from handgrad.estimators.recipe import (
    DTYPE,
    EFFORTS,
    FOLDS,
    KINDS,
    Entrant,
    Kind,
    kinds_of,
    lengths,
    updates_of,
)
from handgrad.estimators.rows import TrainingRows, loss_weight
from handgrad.estimators.state import Fit, OutOfBag, Record
from handgrad.estimators.voting import VOTES, unbeaten, votes
from handgrad.estimators.watching import dead_units
from handgrad.models.model import Bounds, Model
from handgrad.network import Architecture, scale_folded
from handgrad.output import Output
from handgrad.params import Params, initialise
from handgrad.tables.encode import METHODS, Encoded, Encoder
from handgrad.tables.rows import row_keys
from handgrad.training.ahead import side_by_side
from handgrad.training.held_back import Split, split
from handgrad.training.history import Epoch, History
from handgrad.training.run import Run, Settings, steps_of
from handgrad.training.train import OnEpoch, train

if TYPE_CHECKING:
    from handgrad.estimators.progress import ShowNetworks
    from handgrad.estimators.task import Job, Outputs, Task

Array = NDArray[Any]

CELLS_TO_VOTE = 1 << 17  # scores that are looked at, for speed
KEYS = 2**64  # of rows
TURN = KEYS // FOLDS  # that brings the rows of the next fold to the front


class Prepared(NamedTuple):
    """A kind of network, ready for the rows."""

    kind: Kind
    model: Model  # without parameters of any use
    learning: Architecture
    rows: Rows  # all of them


class Lesson(NamedTuple):
    """How a network trains, and which rows are held back."""

    prepared: Prepared
    parts: Split
    settings: Settings
    epochs: int
    choice: Choice


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


def fitted(job: Job, given: Given) -> Fit:
    """Fit a tabular estimator.

    Raises
    ------
    ValueError, TypeError
        If settings or data cannot be used; nothing has been trained then.
    DivergenceError
        If every network diverges; a warning tells of some.
    """
    estimator: Any = job.estimator
    effort = EFFORTS[estimator.effort]
    kinds, updates = kinds_of(estimator.networks), updates_of(estimator.updates, effort)
    if is_sparse(given.X):
        raise DataError(f"{type(estimator).__name__} takes no sparse rows; pass X.toarray()")
    rows, _ = checked(estimator, job.task, given, None)
    n_networks = estimator.n_networks or effort.networks_for(len(rows.y))
    bits = bit_generator(estimator.random_state)
    parts = _folds(job.task, rows, n_networks, bits)
    race = _Race(job, rows, parts, bits)
    first = race.run_race(kinds, lengths(updates, len(parts[0].kept)))
    ahead = race.unbeaten(first)
    n = _num_samples(given.y)
    job.under_way.last = race.concluded(ahead, first, n)  # what an interrupt leaves
    folds = range(1, n_networks)
    others = race.run([one.entrant._replace(fold=fold) for fold in folds for one in ahead])
    race.warn_of_diverged()
    return race.concluded([*ahead, *others], first, n)


def _folds(task: Task, rows: TrainingRows, n: int, bits: np.random.BitGenerator) -> list[Split]:
    """Hold other rows back for each network, an eighth; from the ninth on, they come again.

    Keys decide, so that the eighths are random, and may overlap a little where rows are few.
    """
    strata, answers = task.strata(rows.y)
    keys = row_keys(rows.columns, int(bits.random_raw()))
    return [
        split(keys - np.uint64(turned), strata, 1 / FOLDS, rows.weight, answers)
        for turned in (number * TURN % KEYS for number in range(n))
    ]


class _Race:
    """The networks of one fit, and what they have in common."""

    def __init__(
        self,
        job: Job,
        rows: TrainingRows,
        folds: Sequence[Split],
        bits: np.random.PCG64,
    ) -> None:
        self._job, self._rows, self._folds, self._bits = job, rows, folds, bits
        self._outputs: Outputs = job.task.outputs(rows.y, rows.weight, None)
        self._prepared: dict[str, Prepared] = {}
        self._n_drawn = 0
        self.diverged: list[DivergenceError] = []
        self._engine: tuple[str, str] | None = None

    # -- prepared -----------------------------------------------------------------------------

    @cached_property
    def _encoder(self) -> Encoder:
        """What makes the inputs of every kind."""
        estimator, rows = self._job.estimator, self._rows
        kinds = [KINDS[name] for name in kinds_of(estimator.networks)]
        method = max((kind.preprocess for kind in kinds), key=METHODS.index)
        has_skip = any(kind.skip for kind in kinds)
        return encoder_of(estimator, rows.columns, rows.weight, method, has_skip=has_skip)

    @cached_property
    def _x(self) -> Array:
        return self._encoder.transform(self._rows.columns, DTYPE)

    def _kind(self, name: str) -> Prepared:
        if name not in self._prepared:
            self._prepared[name] = self._prepare(KINDS[name])
        return self._prepared[name]

    def _prepare(self, kind: Kind) -> Prepared:
        outputs, task, encoder, x = self._outputs, self._job.task, self._encoder, self._x
        if encoder.method != kind.preprocess:
            x = np.take(x, encoder.places_without_steps, axis=1)
            encoder = encoder.without_steps()
        learning = kind.architecture(encoder, outputs)
        with memory_for(self._job.estimator, learning, np.dtype(DTYPE)):
            start = Params.zeros(learning.layer_units, DTYPE, learning.beside)
        plain, params = scale_folded(learning, start)
        scale, bounds = outputs.scale, _bounds_of(self._rows.y, learning)
        model = Model(encoder, plain, params, outputs.classes, scale=scale, bounds=bounds)
        weight = loss_weight(model, task, self._rows)
        return Prepared(kind, model, learning, Rows(x, task.encode(model, self._rows.y), weight))

    def _part(self, prepared: Prepared, places: NDArray[np.intp], weight: Any) -> Rows:
        """Take encoded rows, and weigh them as if they were all."""
        return Rows(prepared.rows.x[places], *self._truth(places, weight))

    def _truth(self, places: NDArray[np.intp], weight: Any) -> tuple[Array, Array | None]:
        """Take what is to be learnt of rows, and their weights in the loss."""
        prepared = next(iter(self._prepared.values()))  # it is the same for every kind
        given = TrainingRows(None, self._rows.y[places], weight, places)
        y_t = prepared.rows.y_t[places]
        return y_t, loss_weight(prepared.model, self._job.task, given)

    # -- raced, and gone on -------------------------------------------------------------------

    def run_race(self, kinds: Sequence[str], updates: Sequence[int]) -> list[Learnt]:
        """Train every kind on the first fold, shortly and longer; the longest where that pays."""
        self._folds = [self._with_weight(parts, kinds[0]) for parts in self._folds]
        raced = self.run([Entrant(kind, number, 0) for number in updates[:2] for kind in kinds])
        for at, number in enumerate(updates[2:], start=2):
            paying = [kind for kind in kinds if self._pays(kind, updates[:at], raced)]
            raced += self.run([Entrant(kind, number, 0) for kind in paying])
        if not raced:
            raise self.diverged[0]
        return raced

    def _with_weight(self, parts: Split, kind: str) -> Split:
        """Hold nothing back where rows held back weigh nothing, by the weights of their classes."""
        weight = self._kind(kind).rows.weight
        if weight is None or weight[parts.held_back].any():
            return parts
        everything, nothing = np.arange(len(weight)), np.arange(0)
        return Split(everything, nothing, self._rows.weight)

    def _pays(self, kind: str, tried: Sequence[int], raced: Sequence[Learnt]) -> bool:
        """Tell whether the longest training of a kind so far beat the one before beyond doubt."""
        mine = {one.entrant.updates: one for one in raced if one.entrant.kind == kind}
        before, longest = (mine.get(number) for number in tried[-2:])
        if before is None or longest is None:  # it diverged, or was not tried
            return False
        return self.unbeaten([before, longest]) == [longest]

    def run(self, entries: Sequence[Entrant]) -> list[Learnt]:
        """Train networks side by side; those that diverge are left out."""
        if not entries:
            return []
        runs = [self._start(entry) for entry in entries]
        lessons = [self._lesson(entry, run) for entry, run in zip(entries, runs, strict=True)]

        def train_one(number: int, run: Run, on_epoch: OnEpoch) -> History:
            lesson = lessons[number]
            rows, held_back = self._divided(lesson)  # here, so that few copies are held at once
            return train(
                lesson.prepared.learning,
                run,
                lesson.settings,
                rows,
                epochs=lesson.epochs,
                validation=held_back,
                on_epoch=on_epoch,
                make_engine=lesson.choice.make,
            )

        later = len(self._folds) - 1 if entries[0].fold == 0 else 0  # at least
        before, total = self._n_drawn - len(runs) + 1, self._n_drawn + later
        learnt = []
        self._engine = lessons[0].choice.name, lessons[0].choice.reason
        with (
            progress_of_networks(bool(self._job.estimator.verbose)) as show,
            side_by_side(train_one, runs, self._at_once(lessons[0])) as turn,
        ):
            for number, (entry, run) in enumerate(zip(entries, runs, strict=True)):
                epochs: list[Epoch] = []
                try:
                    place = Place(entry.kind, before + number, total, lessons[number].epochs)
                    reason = turn(number, self._watch(epochs, place, show))
                except DivergenceError as error:  # the others may do better
                    self.diverged.append(error)
                    continue
                learnt.append(Learnt(entry, run.params, History(tuple(epochs), reason)))
        return learnt

    def _start(self, entry: Entrant) -> Run:
        """Draw a network; each has a stream of chance of its own."""
        learning = self._kind(entry.kind).learning
        self._n_drawn += 1
        stream = self._bits.jumped(self._n_drawn)
        params = initialise(
            learning.layer_units, learning.activations, stream, DTYPE, entry.kind, learning.beside
        )
        return Run.start(params, stream)

    def _lesson(self, entry: Entrant, run: Run) -> Lesson:
        prepared, parts = self._kind(entry.kind), self._folds[entry.fold]
        n = len(parts.kept)
        settings, epochs = prepared.kind.settings(entry.updates, n)
        if not len(parts.held_back):
            settings = replace(settings, monitor="loss")
        steps = steps_of(prepared.learning, run, settings, n)
        choice = choose(self._job.estimator.engine, prepared.learning, prepared.rows, steps)
        return Lesson(prepared, parts, settings, epochs, choice)

    def _divided(self, lesson: Lesson) -> tuple[Rows, Rows | None]:
        """Take the rows to learn from, and those held back, if there are any."""
        prepared, parts = lesson.prepared, lesson.parts
        rows = self._part(prepared, parts.kept, parts.kept_weight)
        if not len(parts.held_back):
            return rows, None
        return rows, self._part(prepared, parts.held_back, parts.held_weight)

    def _at_once(self, lesson: Lesson) -> int:
        estimator: Any = self._job.estimator
        prepared = lesson.prepared
        most = lesson.choice.at_once(prepared.learning, prepared.rows, lesson.epochs)
        return min(most, estimator.n_jobs) if (estimator.n_jobs or 0) > 0 else most

    def _watch(self, epochs: list[Epoch], place: Place, show: ShowNetworks) -> OnEpoch:
        on_epoch = self._job.estimator.on_epoch

        def watch(epoch: Epoch) -> bool:
            epochs.append(epoch)
            told = NetworkEpoch.of(epoch, place)
            show(told)
            return bool(on_epoch is not None and on_epoch(told))

        return watch

    # -- put together -------------------------------------------------------------------------

    def unbeaten(self, raced: Sequence[Learnt]) -> list[Learnt]:
        """Pick the winner of the first fold, and whoever it does not beat; the winner first."""
        parts = self._folds[0]
        if not len(parts.held_back):
            return [min(raced, key=lambda one: one.loss)]
        y_t, given = self._truth(parts.held_back, parts.held_weight)
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

    def concluded(self, learnt: Sequence[Learnt], raced: Sequence[Learnt], n_given: int) -> Fit:
        """Make one model of networks, and judge it by rows that they have not learnt from."""
        teams = _teams(learnt)
        fold_of = self._unseen(teams)
        places = np.flatnonzero(fold_of >= 0)
        scores = [self._scores_of_team(team, fold_of, places) for team in teams]
        counts = self._votes(scores, places)
        chosen = sorted((k for k in range(len(teams)) if counts[k]), key=self._order(teams, counts))
        shares = np.array([counts[k] for k in chosen], DTYPE) / VOTES
        of_teams = np.stack([scores[k] for k in chosen])
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
            engine=self._engine,
            held_back=self._rows.places[parts.held_back],
            n_singly=parts.drawn_singly,
            networks=tuple(networks),
            raced=tuple(raced),
            dead_units=dead_units(self._alone(first), self._kind(first.entrant.kind).rows),
            out_of_bag=OutOfBag(
                n_given, self._rows.places[places], self._head.mean_scores(of_teams, shares)
            ),
        )

    def _order(
        self, teams: Sequence[Sequence[Learnt]], counts: Sequence[int]
    ) -> Callable[[int], tuple[int, int]]:
        """Order teams: who takes all inputs first, because the first network is looked at."""
        n_inputs = [self._kind(team[0].entrant.kind).model.encoder.n_inputs for team in teams]
        return lambda k: (-n_inputs[k], -counts[k])

    @property
    def _head(self) -> Output:
        return next(iter(self._prepared.values())).learning.head

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
        scores = np.empty((len(places), self._outputs.n), DTYPE)
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
        learning = next(iter(self._prepared.values())).learning
        weight = None if self._rows.weight is None else self._rows.weight[places[some]]
        y_t, weight = self._truth(places[some], weight)
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

    def warn_of_diverged(self) -> None:
        """Tell of networks that are not in the model because their numbers were infinite."""
        if self.diverged:
            warn(
                f"{len(self.diverged)} of {self._n_drawn} networks diverged and are left out; look "
                f"for extreme numbers in y and sample_weight. The first: {self.diverged[0].what}",
                DivergenceWarning,
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


def _bounds_of(y: Array, architecture: Architecture) -> Bounds | None:
    """Find the least and the largest number of each target; predictions stay between them."""
    if architecture.head.classifies:
        return None
    columns = y.reshape(len(y), -1).astype(np.float64)
    bounds = (columns.min(axis=0), columns.max(axis=0))
    return Bounds(*(np.repeat(bound, architecture.n_each) for bound in bounds))


def _record(learnt: Learnt, n: int) -> Record:
    """Tell of the first network in scikit-learn's words."""
    losses = [epoch.validation_loss for epoch in learnt.epochs]
    record = Record.begin(losses[0] is not None)
    for epoch, loss in zip(learnt.epochs, losses, strict=True):
        record = record.after(epoch, n * epoch.epoch, in_curve=True)
        record = record if loss is None else record.scored(-loss)
    return record
