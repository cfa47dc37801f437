"""A training watched: each epoch recorded, judged, shown, and looked at for what goes wrong."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import config_context, get_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.metrics._scorer import _BaseScorer

from handgrad.activations import ACTIVATIONS
from handgrad.batch import is_sparse
from handgrad.engines.choice import predictor
from handgrad.errors import DivergenceWarning, WorkersWarning, warn
from handgrad.estimators.soft import is_soft
from handgrad.estimators.state import Record
from handgrad.estimators.underway import showing
from handgrad.network import cut_off, inputs
from handgrad.optim import SOLVERS
from handgrad.tables.encode import Encoded
from handgrad.training.history import Epoch, History

if TYPE_CHECKING:
    from handgrad.batch import Rows
    from handgrad.engines.spool import Piles
    from handgrad.estimators.parameters import Parameters
    from handgrad.estimators.progress import Show
    from handgrad.estimators.rows import Validation
    from handgrad.estimators.state import Fit
    from handgrad.estimators.task import Job, Task
    from handgrad.models.model import Model
    from handgrad.training.run import Run
    from handgrad.training.train import Score

# A run that explodes: such a weight, or for so many epochs a loss above that of the untrained
# network and so many times that of chance.
LARGEST_WEIGHT = 1e6
TIMES_CHANCE, EPOCHS_TOO_LARGE = 10, 3

SMALL_BATCH = 512  # rows, of which each shard has 64: fewer cost more than they gain

ROWS_LOOKED_AT = 4096  # for dead units
ROWS_FOR_A_WARNING = 50  # few rows leave many units at 0 that are not dead


class Watch:
    """The networks of one fit while they learn.

    Attributes
    ----------
    fit : Fit
        How far they have come.
    """

    def __init__(self, job: Job, fit: Fit, show: Show, chance: float | None) -> None:
        self.fit = fit
        self._job, self._show, self._config = job, show, get_config()
        self._chance = chance  # without it no explosion is looked for: L-BFGS only ever goes down

    def epoch(self, number: int, run: Run, epoch: Epoch) -> bool:
        """Bring the estimator up to date after an epoch, all of which an interrupt leaves."""
        estimator, callbacks = self._job.estimator, self._job.callbacks
        fit = self.fit.with_run(number, run).with_history(number, History((epoch,), ""))
        if self._chance is not None and not fit.explosion:
            fit = replace(fit, explosion=_explosion(fit, number, self._chance))
        score = _score_of(self._job.task, epoch)
        if number == 0:
            record = _recorded(self._job, fit.record, epoch, score, run.rows_seen)
            fit = replace(fit, record=record)
        self._take(fit, number)
        self._note(number)
        self._show(epoch.epoch, epoch.loss + epoch.penalty, score)
        stop = False
        if callbacks is not None and callbacks.listen:
            stop = callbacks.epoch(replace(fit, model=fit.predicting([run.params])))
        return bool(estimator.on_epoch is not None and estimator.on_epoch(epoch)) or stop

    def end(self, number: int, run: Run, reason: str) -> None:
        """Take over what a network has become, and why it ended."""
        self._take(self.fit.with_run(number, run).with_history(number, History((), reason)), number)
        self._note(number)

    def _note(self, number: int) -> None:
        fit = self.fit
        name = network_name(number)
        self._job.keeper.note(name, fit.runs[number], fit.histories[number], fit.explosion)

    def _take(self, fit: Fit, number: int) -> None:
        whole = fit if fit.runs[number].best is None else fit.of_best_epochs()
        self.fit = fit
        self._job.under_way.show(fit)
        self._job.under_way.keep(whole, number)

    def scorer(self, validation: Validation | None, run: Run) -> Score | None:
        """Make what judges the network after an epoch, where training does not know how."""
        if validation is None:
            return None
        scoring = self._job.task.watched(len(validation.rows))
        if scoring in ("loss", "accuracy"):
            return None
        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
        X, y, weight = validation.seen
        if isinstance(scorer, _BaseScorer) and is_soft(y):
            raise ValueError(
                f"scoring={scoring!r} judges labels, and the rows watched have probabilities; take "
                'scoring="loss", "accuracy" (whether the likeliest class is the same) or a '
                "callable (estimator, X, y) -> float, or pass labels as y_val"
            )
        if isinstance(scorer, _BaseScorer) and not is_sparse(validation.rows.x):
            X = Encoded(validation.rows.x)  # it asks for predictions alone
        weighed = {"sample_weight": weight} if weight is not None and _weighs(scorer) else {}

        def score() -> float:
            # A scorer may do to an estimator what it likes; the one that trains is kept from it.
            now = replace(self.fit, model=self.fit.predicting([run.params]))
            with config_context(**self._config):  # which scikit-learn keeps for each thread
                return float(scorer(showing(self._job.estimator, now), X, y, **weighed))

        return score


def network_name(number: int) -> str:
    """Say what a checkpoint calls a network, counted from 1."""
    return str(number + 1)


def record_of(job: Job, history: History, seen: int) -> Record:
    """Write down the epochs of a network again, after which it has seen so many rows."""
    record = Record.begin(bool(job.estimator.early_stopping))
    for epoch in history:
        record = _recorded(job, record, epoch, _score_of(job.task, epoch), seen)
    return record


def _recorded(job: Job, record: Record, epoch: Epoch, score: float | None, seen: int) -> Record:
    # As in scikit-learn, a curve is of epochs; history_ has the iterations of L-BFGS.
    record = record.after(epoch, seen, in_curve=job.estimator.solver in SOLVERS)
    if score is None or not job.estimator.early_stopping:
        return record
    return record.scored(score)


def _score_of(task: Task, epoch: Epoch) -> float | None:
    """Read off an epoch what ``scoring`` says of it; None where nothing was held back."""
    if epoch.validation_score is not None:
        return epoch.validation_score
    if task.watched(0) == "accuracy":
        return epoch.validation_accuracy
    return None if epoch.validation_loss is None else -epoch.validation_loss


def _weighs(scorer: Any) -> bool:
    """Tell whether a scorer can weigh rows."""
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in inspect.signature(metric).parameters


def _explosion(fit: Fit, number: int, chance: float) -> str:
    """Say what is too large in a run whose numbers are finite; the warning waits for its end."""
    last = fit.histories[number].epochs[-EPOCHS_TOO_LARGE:]
    losses = len(last) == EPOCHS_TOO_LARGE and min(epoch.loss for epoch in last)
    run, what = fit.runs[number], ""
    largest = max(float(np.abs(W).max()) for W in run.params.W)
    if largest > LARGEST_WEIGHT:
        what = f"a weight of {largest:.3g}"
    elif losses > max(TIMES_CHANCE * chance, run.first_loss or 0):
        what = f"a loss of {losses:.3g}, where chance gives {chance:.3g},"
    rate, epoch = last[-1].learning_rate, last[-1].epoch
    return f"{what} in epoch {epoch} at learning rate {rate:g}" if what else ""


def warn_of_explosion(before: Fit, after: Fit) -> None:
    if after.explosion and not before.explosion:
        warn(
            f"training diverges, although its numbers are finite: {after.explosion}. "
            "Lower the learning rate, or scale the inputs.",
            DivergenceWarning,
        )


def warn_of_no_score(estimator: Parameters, record: Record) -> None:
    scores = record.validation_scores
    if scores and all(map(math.isnan, scores)):
        warn(
            f"scoring={estimator.scoring!r} gave NaN in every epoch, so there was no best one, and "
            "the last is kept. Do the rows held back have all classes?",
            UserWarning,
        )


def warn_of_small_batches(workers: int, batch_size: int) -> None:
    """Warn where workers have too little to do between two sums to gain anything."""
    if workers > 1 and batch_size < SMALL_BATCH:
        warn(
            f"a batch of {batch_size} rows is too small to divide among {workers} workers; take "
            f"batches of {SMALL_BATCH} rows or more, or one worker",
            WorkersWarning,
        )


def _share_at_0(model: Model, x: Any, layer: int) -> float:
    """Ask the engine for r of a layer, so that nothing waits for threads of a BLAS."""
    before, params = cut_off(model.architecture, model.params, layer)
    r = predictor(model.engine, before).scores(before, params, x)
    h = ACTIVATIONS[model.architecture.activations[layer - 1]].forward(r)
    return float((h == 0).all(axis=0).mean())


def dead_units(model: Model, rows: Rows | Piles) -> list[float]:
    """Find the share of units of each hidden layer that no row wakes."""
    some: Any = rows.part(0, ROWS_LOOKED_AT).x
    dense = some.toarray() if is_sparse(some) else inputs(model.architecture, some)[0]
    return [
        _share_at_0(model, dense, layer) if ACTIVATIONS[name].dies else 0.0
        for layer, name in enumerate(model.architecture.activations, start=1)
    ]


def warn_of_dead_units(shares: list[float], n_rows: int) -> None:
    """Warn where most units of a layer are dead; few rows leave many at 0 that are not."""
    n = min(n_rows, ROWS_LOOKED_AT)
    for layer, share in enumerate(shares, start=1):
        if share > 0.5 and n >= ROWS_FOR_A_WARNING:
            warn(
                f"{share:.0%} of the units of hidden layer {layer} are dead: they give 0 for "
                f"each of {n} rows, and will not learn any more. Lower the "
                'learning rate, or take the activation "leaky_relu".',
                ConvergenceWarning,
            )
