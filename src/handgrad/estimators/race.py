"""The path of a tabular fit: kinds of networks race, and those that are not beaten go on.

prepared     the columns encoded, for all rows at once; a kind takes all inputs, or some
raced        the first fold held back: every kind, and every number of updates, trains once
gone on      whoever is not beaten beyond doubt, on further folds, each from a start of its own
put together in one model, which averages their predictions: see together.py
"""

from __future__ import annotations

from collections.abc import Sequence
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
from handgrad.estimators.rows import TrainingRows, truth_of
from handgrad.estimators.state import Fit
from handgrad.estimators.together import Learnt, Panel, Prepared
from handgrad.models.model import Bounds, Model
from handgrad.network import Architecture, scale_folded
from handgrad.params import Params, initialise
from handgrad.tables.encode import METHODS, Encoder
from handgrad.tables.rows import row_keys
from handgrad.training.ahead import side_by_side
from handgrad.training.held_back import Split, split
from handgrad.training.history import Epoch, History
from handgrad.training.run import Run, Settings, steps_of
from handgrad.training.train import NO_EPOCHS, OnEpoch, train

if TYPE_CHECKING:
    from handgrad.estimators.progress import ShowNetworks
    from handgrad.estimators.task import Job, Outputs, Task

Array = NDArray[Any]

KEYS = 2**64  # of rows
TURN = KEYS // FOLDS  # that brings the rows of the next fold to the front


class Lesson(NamedTuple):
    """How a network trains, and which rows are held back."""

    prepared: Prepared
    parts: Split
    settings: Settings
    epochs: int
    choice: Choice


@dataclass
class Heat:
    """A network that trains: who it is, how it trains, and how far it has come.

    Attributes
    ----------
    place : Place
        Its place among the others, for whoever watches.
    history : History
        With a reason once it has ended.
    """

    entry: Entrant
    lesson: Lesson
    run: Run
    place: Place
    history: History = NO_EPOCHS

    @property
    def name(self) -> str:
        """What a checkpoint calls it."""
        return f"{self.entry.kind}, {self.entry.updates} updates, fold {self.entry.fold}"


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
    job = job._replace(task=job.task.settled(rows.y))
    n_networks = estimator.n_networks or effort.networks_for(len(rows.y))
    bits = bit_generator(estimator.random_state)
    job.keeper.chance(bits, estimator.random_state)
    parts = _folds(job.task, rows, n_networks, bits)
    race = _Race(job, rows, parts, bits, kinds, given.classes)
    first = race.run_race(lengths(updates, len(parts[0].kept)))
    ahead = race.panel.unbeaten(first)
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
        kinds: Sequence[str],
        classes: Array | None,
    ) -> None:
        self._job, self._rows, self._bits, self._kinds = job, rows, bits, kinds
        self._outputs: Outputs = job.task.outputs(rows.y, rows.weight, classes)
        self._prepared: dict[str, Prepared] = {}
        self._n_drawn = 0
        self.diverged: list[DivergenceError] = []
        self._engine: tuple[str, str] | None = None
        self._folds = [self._with_weight(parts) for parts in folds]
        self.panel = Panel(job.task, rows, self._folds, self._kind, kinds[0])

    # -- prepared -----------------------------------------------------------------------------

    @cached_property
    def _encoder(self) -> Encoder:
        """What makes the inputs of every kind."""
        estimator, rows = self._job.estimator, self._rows
        kinds = [KINDS[name] for name in self._kinds]
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
        return Prepared(kind, model, learning, Rows(x, *truth_of(model, task, self._rows)))

    def _part(self, prepared: Prepared, places: NDArray[np.intp], weight: Any) -> Rows:
        """Take encoded rows, and weigh them as if they were all."""
        return Rows(prepared.rows.x[places], *self.panel.truth(places, weight))

    # -- raced, and gone on -------------------------------------------------------------------

    def run_race(self, updates: Sequence[int]) -> list[Learnt]:
        """Train every kind on the first fold, shortly and longer; the longest where that pays."""
        raced = self.run(
            [Entrant(kind, number, 0) for number in updates[:2] for kind in self._kinds]
        )
        for at, number in enumerate(updates[2:], start=2):
            paying = [kind for kind in self._kinds if self._pays(kind, updates[:at], raced)]
            raced += self.run([Entrant(kind, number, 0) for kind in paying])
        if not raced:
            raise self.diverged[0]
        return raced

    def _with_weight(self, parts: Split) -> Split:
        """Hold nothing back where rows held back weigh nothing, by the weights of their classes."""
        weight = self._kind(self._kinds[0]).rows.weight
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
        return self.panel.unbeaten([before, longest]) == [longest]

    def run(self, entries: Sequence[Entrant]) -> list[Learnt]:
        """Train networks side by side; those that diverge are left out."""
        if not entries:
            return []
        runs = [self._start(entry) for entry in entries]
        lessons = [self._lesson(entry, run) for entry, run in zip(entries, runs, strict=True)]
        self._begin(lessons[0])
        later = len(self._folds) - 1 if entries[0].fold == 0 else 0  # at least
        first, total = self._n_drawn - len(runs) + 1, self._n_drawn + later
        heats = [
            self._gone_on(Heat(entry, lesson, run, Place(entry.kind, number, total, lesson.epochs)))
            for number, (entry, lesson, run) in enumerate(
                zip(entries, lessons, runs, strict=True), start=first
            )
        ]
        self._train([heat for heat in heats if not heat.history.reason])
        return [
            Learnt(heat.entry, heat.run.params, heat.history)
            for heat in heats
            if heat.history.reason
        ]

    def _train(self, heats: Sequence[Heat]) -> None:
        """Train networks to their end; that of one that diverges has no reason."""
        if not heats:
            return

        def train_one(number: int, run: Run, on_epoch: OnEpoch) -> History:
            lesson, before = heats[number].lesson, heats[number].history
            rows, held_back = self._divided(lesson)  # here, so that few copies are held at once
            return train(
                lesson.prepared.learning,
                run,
                lesson.settings,
                rows,
                epochs=lesson.epochs - len(before),
                validation=held_back,
                on_epoch=on_epoch,
                make_engine=lesson.choice.make,
                before=before,
            )

        with (
            progress_of_networks(bool(self._job.estimator.verbose)) as show,
            side_by_side(
                train_one, [heat.run for heat in heats], self._at_once(heats[0].lesson)
            ) as turn,
        ):
            for number, heat in enumerate(heats):
                try:
                    reason = turn(number, self._watch(heat, show))
                except DivergenceError as error:  # the others may do better
                    self.diverged.append(error)
                    continue
                heat.history += History((), reason)
                self._note(heat, replace(heat.run, slots=heat.run.slots[:0]))  # never gone on with

    def _begin(self, lesson: Lesson) -> None:
        """Once, before the first network trains."""
        if self._engine is None:
            self._engine = lesson.choice.name, lesson.choice.reason
            prepared = lesson.prepared
            self._job.keeper.check(
                self._job.estimator, prepared.model, lesson.choice.name, prepared.rows, None
            )

    def _gone_on(self, heat: Heat) -> Heat:
        """Put a network where a checkpoint has it."""
        standing = self._job.keeper.standing(heat.name)
        if standing is None:
            return heat
        run, history = standing.run_like(heat.run), standing.history
        return replace(heat, run=run, history=history)

    def _note(self, heat: Heat, run: Run) -> None:
        self._job.keeper.note(heat.name, run, heat.history)

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

    def _watch(self, heat: Heat, show: ShowNetworks) -> OnEpoch:
        on_epoch = self._job.estimator.on_epoch

        def watch(epoch: Epoch) -> bool:
            heat.history += History((epoch,))
            self._note(heat, heat.run)
            told = NetworkEpoch.of(epoch, heat.place)
            show(told)
            return bool(on_epoch is not None and on_epoch(told))

        return watch

    def concluded(self, learnt: Sequence[Learnt], raced: Sequence[Learnt], n_given: int) -> Fit:
        return self.panel.concluded(learnt, raced, n_given, self._engine)

    def warn_of_diverged(self) -> None:
        """Tell of networks that are not in the model because their numbers were infinite."""
        if self.diverged:
            warn(
                f"{len(self.diverged)} of {self._n_drawn} networks diverged and are left out; look "
                f"for extreme numbers in y and sample_weight. The first: {self.diverged[0].what}",
                DivergenceWarning,
            )


def _bounds_of(y: Array, architecture: Architecture) -> Bounds | None:
    """Find the least and the largest number of each target; predictions stay between them."""
    if architecture.head.classifies:
        return None
    columns = y.reshape(len(y), -1).astype(np.float64)
    bounds = (columns.min(axis=0), columns.max(axis=0))
    return Bounds(*(np.repeat(bound, architecture.n_each) for bound in bounds))
