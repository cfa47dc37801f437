"""Training proper: the epochs of each network, or the iterations of L-BFGS, and how they ended."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from sklearn.exceptions import ConvergenceWarning

from handgrad.batch import Rows
from handgrad.engines import numpy as reference
from handgrad.engines.choice import choose
from handgrad.engines.sharded import Sharded
from handgrad.engines.spool import Piles
from handgrad.errors import warn
from handgrad.estimators.parameters import Parameters, settings_of
from handgrad.estimators.progress import progress
from handgrad.estimators.rows import Validation
from handgrad.estimators.state import Fit
from handgrad.estimators.task import Job, Task
from handgrad.estimators.watching import (
    ROWS_FOR_A_WARNING,
    Watch,
    network_name,
    record_of,
    warn_of_explosion,
    warn_of_no_score,
    warn_of_small_batches,
)
from handgrad.network import Architecture
from handgrad.optim import SOLVERS, LBFGSResult
from handgrad.schedules import course
from handgrad.training.ahead import side_by_side
from handgrad.training.history import Epoch, History
from handgrad.training.run import Run, Settings, steps_of
from handgrad.training.train import OnEpoch, train, train_lbfgs

ROWS_FOR_CHANCE = 4096  # where not all rows are in memory


def learnt(job: Job, fit: Fit, rows: Rows | Piles, validation: Validation | None) -> Fit:
    """Train every network: for all epochs, or for the one that a stream brings rows for."""
    if job.estimator.solver in SOLVERS:
        return _descended(job, fit, rows, validation)
    return _minimised(job, fit, rows.part(0, len(rows)))


def _descended(job: Job, fit: Fit, rows: Rows | Piles, validation: Validation | None) -> Fit:
    estimator, architecture = job.estimator, fit.learning
    epochs = 1 if job.is_stream else estimator.max_iter
    settings = _settings(job, fit, len(rows), 0 if validation is None else len(validation.rows))
    steps = steps_of(architecture, fit.runs[0], settings, len(rows))
    choice = choose(estimator.engine, architecture, rows.part(0, 1), steps)
    fit = _on_engine(job, fit, choice.name, choice.reason)
    watched = None if validation is None else validation.rows
    make, crew = choice.make, job.crew
    if crew is not None:
        warn_of_small_batches(crew.size, settings.batch_size)
        make = partial(Sharded, make=choice.make_stepping, crew=crew)
    job.keeper.check(estimator, fit.model, choice.name, rows, watched, crew)
    fit, ended = _gone_on(job, fit)
    says_little = job.is_stream and len(rows) < ROWS_FOR_A_WARNING  # what three single rows lose
    chance = math.inf if says_little else job.task.chance(fit.model, rows.sample(ROWS_FOR_CHANCE))
    left = [number for number in range(len(fit.runs)) if number not in ended]
    runs, reasons = [fit.runs[number].twin() for number in left], list(ended.values())

    def train_one(place: int, run: Run, on_epoch: OnEpoch) -> History:
        before = job.keeper.epochs(network_name(left[place]))
        return train(
            architecture,
            run,
            settings,
            rows,
            epochs=epochs - len(before),
            validation=watched,
            score=watch.scorer(validation, run),
            on_epoch=on_epoch,
            make_engine=make,
            before=before,
            crew=crew,
        )

    at_once = 1
    # networks side by side would each need a pile in memory
    if len(runs) > 1 and crew is None and isinstance(rows, Rows) and not _asks_the_user(estimator):
        at_once = choice.at_once(architecture, rows, epochs)
    with (
        _watched(job, fit, epochs, chance) as watch,
        side_by_side(train_one, runs, at_once) as turn,
    ):
        for place, (number, run) in enumerate(zip(left, runs, strict=True)):
            reason = turn(place, partial(watch.epoch, number, run))
            watch.end(number, run, reason)
            reasons.append(reason)
    warn_of_explosion(fit, watch.fit)
    if validation is not None:
        warn_of_no_score(estimator, watch.fit.record)
    if "max_iter" in reasons and not job.is_stream and not _runs_to_its_end(estimator):
        warn(
            f"max_iter={estimator.max_iter} epochs are done and the training could gain from more",
            ConvergenceWarning,
        )
    return watch.fit


def _gone_on(job: Job, fit: Fit) -> tuple[Fit, dict[int, str]]:
    """Put networks where a checkpoint has them; tell which have ended, and why."""
    ended = {}
    for number, fresh in enumerate(fit.runs):
        if (standing := job.keeper.standing(network_name(number))) is None:
            continue
        run, history = standing.run_like(fresh), standing.history
        fit = fit.with_run(number, run).with_history(number, history)
        fit = replace(fit, explosion=fit.explosion or standing.explosion)
        if number == 0:
            fit = replace(fit, record=record_of(job, history, run.rows_seen))
        if history.reason:
            ended[number] = history.reason
    return fit, ended


def _asks_the_user(estimator: Parameters) -> bool:
    """Tell whether training calls a function of the user's, who counts on one thread."""
    return callable(estimator.learning_rate) or callable(estimator.scoring)


def _runs_to_its_end(estimator: Parameters) -> bool:
    """Tell a schedule that is stretched over max_iter epochs."""
    return course(estimator.learning_rate).of_time is not None


def _settings(job: Job, fit: Fit, n: int, n_watched: int) -> Settings:
    estimator = job.estimator
    auto = isinstance(estimator.batch_size, str)
    batch_size = min(200, n) if auto else int(estimator.batch_size)
    if batch_size > n and not (job.is_stream and fit.record.t):  # of a stream, once
        warn(f"batch_size={batch_size} is more than the {n} training rows; taking all", UserWarning)
    watches = n_watched and estimator.early_stopping
    return settings_of(estimator, batch_size, _monitor(job.task, n_watched) if watches else "loss")


def _monitor(task: Task, n: int) -> str:
    """Name what early stopping watches on n rows."""
    scoring = task.watched(n)
    if scoring == "loss":
        return "validation_loss"
    return "validation_error" if scoring == "accuracy" else "validation_score"


def _on_engine(job: Job, fit: Fit, engine: str, reason: str) -> Fit:
    if job.speaks:
        print(f"Engine: {engine} ({reason})")
    return replace(fit, engine=(engine, reason))


@contextmanager
def _watched(job: Job, fit: Fit, epochs: int, chance: float | None) -> Iterator[Watch]:
    """Note where chance stands, and show how the networks go through their epochs."""
    job.under_way.train(fit.runs)
    with progress(job.speaks, epochs * len(fit.runs)) as show:
        yield Watch(job, fit, show, chance)


def _minimised(job: Job, fit: Fit, rows: Rows) -> Fit:
    estimator = job.estimator
    fit = _on_engine(job, fit, reference.NAME, "lbfgs runs on the reference")
    results = []
    with _watched(job, fit, estimator.max_iter, None) as watch:
        for number, run in enumerate([run.twin() for run in fit.runs]):
            on_epoch = partial(watch.epoch, number, run)
            found = _minimise_one(estimator, fit.learning, run, rows, on_epoch)
            watch.end(number, run, _end_of(found, estimator.max_iter))
            results.append(found)
    fit, loss = watch.fit, results[0].loss
    # One that has converged at once has no iteration.
    model = fit.predicting([run.params for run in fit.runs])
    fit = replace(fit, model=model, record=replace(fit.record, loss=loss, best_loss=loss))
    job.under_way.keep(fit, 0)
    for found in results:
        if not (found.converged or found.stopped):
            warn(
                f"lbfgs stopped after {found.iterations} iterations: {found.reason}. "
                "Raise max_iter or max_fun, or scale the data.",
                ConvergenceWarning,
            )
            break
    return fit


def _minimise_one(
    estimator: Parameters, architecture: Architecture, run: Run, rows: Rows, on_epoch: OnEpoch
) -> LBFGSResult:
    params = run.params.copy()

    def count_and_tell(epoch: Epoch) -> bool:
        run.params = params.copy()
        run.epochs, run.rows_seen = epoch.epoch, run.rows_seen + len(rows)
        return bool(on_epoch(epoch))

    found = train_lbfgs(
        architecture,
        params,
        rows,
        l2=float(estimator.alpha),
        max_iter=estimator.max_iter,
        max_fun=estimator.max_fun,
        tol=float(estimator.tol),
        on_epoch=count_and_tell,
        epochs_before=run.epochs,
    )
    run.params = params
    return found


def _end_of(found: LBFGSResult, max_iter: int) -> str:
    """Name what ended L-BFGS, in the words of a history."""
    if found.stopped:
        return "on_epoch"
    if found.converged:
        return "tol"
    return "max_iter" if found.iterations >= max_iter else "max_fun"
