"""The path of a tabular fit: kinds of networks race, and networks of the one that wins go on.

prepared     for each kind: the columns encoded, for all rows at once
raced        the first fold held back: every kind, and every number of updates, trains once
gone on      the winner, on further folds, each network from a start of its own
put together all networks of the winner, in one model: their probabilities are averaged
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.chance import streams
from handgrad.engines.choice import Choice, choose
from handgrad.estimators.fitting import Given, checked, encoder_of, memory_for
from handgrad.estimators.parameters import bit_generator
from handgrad.estimators.progress import progress
from handgrad.estimators.recipe import DTYPE, EFFORTS, FOLDS, KINDS, Entrant, Kind, entrants
from handgrad.estimators.rows import TrainingRows, encoded, loss_weight
from handgrad.estimators.state import Fit, Record
from handgrad.estimators.watching import dead_units
from handgrad.models.model import Bounds, Model
from handgrad.network import Architecture, scale_folded
from handgrad.params import Params, initialise
from handgrad.tables.rows import row_keys
from handgrad.training.ahead import side_by_side
from handgrad.training.held_back import Split, split
from handgrad.training.history import Epoch, History
from handgrad.training.run import Run, Settings, steps_of
from handgrad.training.train import OnEpoch, train

if TYPE_CHECKING:
    from handgrad.estimators.progress import Show
    from handgrad.estimators.task import Job, Outputs, Task

Array = NDArray[Any]


class Prepared(NamedTuple):
    """A kind of network, ready for the rows."""

    kind: Kind
    model: Model  # without parameters of any use
    learning: Architecture
    rows: Rows  # all of them


@dataclass
class Learnt:
    """A network of the race, or after it.

    Attributes
    ----------
    entrant : Entrant
        Its ``kind``, the number of ``updates`` it was to make, and the ``fold`` held back.
    params : Params
        The parameters of its best epoch, as it learnt them.
    epochs : tuple of Epoch
        Its record.
    """

    entrant: Entrant
    params: Params
    epochs: tuple[Epoch, ...]

    @property
    def loss(self) -> float:
        """The least loss on the rows held back, or on those trained on where there are none."""
        return min(
            epoch.loss if epoch.validation_loss is None else epoch.validation_loss
            for epoch in self.epochs
        )


def fitted(job: Job, given: Given) -> Fit:
    """Fit a tabular estimator.

    Raises
    ------
    ValueError, TypeError
        If settings or data cannot be used; nothing has been trained then.
    DivergenceError
        If the loss or a parameter stops being finite.
    """
    estimator: Any = job.estimator
    effort = EFFORTS[estimator.effort]
    n_networks = estimator.n_networks or effort.n_networks
    updates = _listed(estimator.updates) or effort.updates
    names = tuple(KINDS) if estimator.networks == "auto" else _listed(estimator.networks)
    rows, _ = checked(estimator, job.task, given, None)
    bits = bit_generator(estimator.random_state)
    race = _Race(job, rows, _folds(job.task, rows, n_networks, bits), bits)
    first = race.run(entrants(names, updates), n_networks)
    winner = min(first, key=lambda one: one.loss)
    race.keep([winner])
    others = race.run(
        [winner.entrant._replace(fold=fold) for fold in range(1, n_networks)], n_networks
    )
    return race.concluded([winner, *others], first)


def _listed(given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str | int) else tuple(given)


def _folds(task: Task, rows: TrainingRows, n: int, bits: np.random.BitGenerator) -> list[Split]:
    """Hold other rows back for each network."""
    strata, answers = task.strata(rows.y)
    return [
        split(
            row_keys(rows.columns, int(bits.random_raw())), strata, 1 / FOLDS, rows.weight, answers
        )
        for _ in range(n)
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
        self._choice: Choice | None = None

    # -- prepared -----------------------------------------------------------------------------

    def _kind(self, name: str) -> Prepared:
        if name not in self._prepared:
            self._prepared[name] = self._prepare(KINDS[name])
        return self._prepared[name]

    def _prepare(self, kind: Kind) -> Prepared:
        rows, outputs, task = self._rows, self._outputs, self._job.task
        encoder = encoder_of(
            self._job.estimator, rows.columns, rows.weight, kind.preprocess, has_skip=kind.skip
        )
        learning = kind.architecture(encoder, outputs)
        with memory_for(learning, np.dtype(DTYPE)):
            start = Params.zeros(learning.layer_units, DTYPE, learning.beside)
        plain, params = scale_folded(learning, start)
        scale, bounds = outputs.scale, _seen(rows.y, learning)
        model = Model(encoder, plain, params, outputs.classes, scale=scale, bounds=bounds)
        return Prepared(kind, model, learning, encoded(model, task, rows))

    def _part(self, prepared: Prepared, places: NDArray[np.intp], weight: Any) -> Rows:
        """Take encoded rows, and weigh them as if they were all."""
        rows = self._rows
        if weight is None and rows.weight is not None:
            weight = rows.weight[places]
        given = TrainingRows(None, rows.y[places], weight, places)
        x, y_t, _ = prepared.rows
        return Rows(x[places], y_t[places], loss_weight(prepared.model, self._job.task, given))

    # -- raced, and gone on -------------------------------------------------------------------

    def run(self, entries: Sequence[Entrant], n_networks: int) -> list[Learnt]:
        """Train networks side by side."""
        if not entries:
            return []
        tasks = [self._task(entry) for entry in entries]
        runs = [self._start(entry) for entry in entries]
        total = sum(epochs for _, epochs, *_ in tasks)

        def train_one(number: int, run: Run, on_epoch: OnEpoch) -> History:
            settings, epochs, learning, held_back = tasks[number]
            return train(
                self._kind(entries[number].kind).learning,
                run,
                settings,
                learning,
                epochs=epochs,
                validation=held_back,
                on_epoch=on_epoch,
                make_engine=self._choose(entries[number].kind, run, settings, learning).make,
            )

        at_once = self._at_once(entries, tasks, runs)
        learnt = []
        with (
            progress(bool(self._job.estimator.verbose), total) as show,
            side_by_side(train_one, runs, at_once) as turn,
        ):
            for number, (entry, run) in enumerate(zip(entries, runs, strict=True)):
                epochs: list[Epoch] = []
                turn(number, self._watch(epochs, show))
                learnt.append(Learnt(entry, run.params, tuple(epochs)))
        return learnt

    def _task(self, entry: Entrant) -> tuple[Settings, int, Rows, Rows | None]:
        prepared, parts = self._kind(entry.kind), self._folds[entry.fold]
        settings, epochs = prepared.kind.settings(entry.updates, len(parts.kept))
        learning = self._part(prepared, parts.kept, parts.kept_weight)
        if not len(parts.held_back):
            return replace(settings, monitor="loss"), epochs, learning, None
        held_back = self._part(prepared, parts.held_back, parts.held_weight)
        return settings, epochs, learning, held_back

    def _start(self, entry: Entrant) -> Run:
        """Draw a network; each has a stream of chance of its own."""
        learning = self._kind(entry.kind).learning
        self._n_drawn += 1
        stream = streams(self._bits, self._n_drawn + 1)[-1]
        params = initialise(
            learning.layer_units, learning.activations, stream, DTYPE, entry.kind, learning.beside
        )
        return Run.start(params, stream)

    def _choose(self, kind: str, run: Run, settings: Settings, rows: Rows) -> Choice:
        learning = self._kind(kind).learning
        steps = steps_of(learning, run, settings, len(rows))
        self._choice = choose(self._job.estimator.engine, learning, rows, steps)
        return self._choice

    def _at_once(self, entries: Any, tasks: Any, runs: Any) -> int:
        estimator: Any = self._job.estimator
        n_jobs = estimator.n_jobs
        settings, epochs, rows, _ = tasks[0]
        choice = self._choose(entries[0].kind, runs[0], settings, rows)
        most = choice.at_once(self._kind(entries[0].kind).learning, rows, epochs)
        return most if n_jobs is None or n_jobs < 0 else min(most, n_jobs)

    def _watch(self, epochs: list[Epoch], show: Show) -> OnEpoch:
        on_epoch = self._job.estimator.on_epoch

        def watch(epoch: Epoch) -> bool:
            epochs.append(epoch)
            score = None if epoch.validation_loss is None else -epoch.validation_loss
            show(epoch.epoch, epoch.loss, score)
            return bool(on_epoch is not None and on_epoch(epoch))

        return watch

    # -- put together -------------------------------------------------------------------------

    def keep(self, learnt: Sequence[Learnt]) -> None:
        """Note what an interrupt leaves."""
        self._job.under_way.last = self._fit(learnt)

    def concluded(self, learnt: Sequence[Learnt], raced: Sequence[Learnt]) -> Fit:
        fit = self._fit(learnt)
        parts = self._folds[0]
        prepared = self._kind(learnt[0].entrant.kind)
        return replace(
            fit,
            networks=tuple(learnt),
            raced=tuple(raced),
            held_back=self._rows.places[parts.held_back],
            n_singly=parts.drawn_singly,
            dead_units=dead_units(fit.model, prepared.rows),
        )

    def _fit(self, learnt: Sequence[Learnt]) -> Fit:
        prepared = self._kind(learnt[0].entrant.kind)
        first, *others = (scale_folded(prepared.learning, one.params)[1] for one in learnt)
        model = replace(prepared.model, params=first, members=tuple(others))
        histories = tuple(History(one.epochs, "max_iter") for one in learnt)
        engine = None if self._choice is None else (self._choice.name, self._choice.reason)
        return Fit(model, histories, (), _record(learnt[0], len(self._rows.y)), engine)


def _seen(y: Array, architecture: Architecture) -> Bounds | None:
    """Find the least and the largest number of each target; predictions stay between them."""
    if architecture.head.classifies:
        return None
    columns = y.reshape(len(y), -1).astype(np.float64)
    bounds = (columns.min(axis=0), columns.max(axis=0))
    return Bounds(*(np.repeat(bound, architecture.n_each) for bound in bounds))


def _record(learnt: Learnt, n: int) -> Record:
    """Tell of the first network in scikit-learn's words."""
    losses = [epoch.loss for epoch in learnt.epochs]
    scores = [
        -epoch.validation_loss for epoch in learnt.epochs if epoch.validation_loss is not None
    ]
    return Record(
        n_iter=len(losses),
        t=len(losses) * n,
        loss=losses[-1],
        loss_curve=losses,
        best_loss=None if scores else min(losses),
        validation_scores=scores or None,
        best_validation_score=max(scores) if scores else None,
    )
