"""Training: epoch after epoch, each recorded and judged; the best is kept. And L-BFGS.

A Run holds everything that changes while a network learns. Training advances it epoch by epoch
and can be called again to continue, because the run includes slots, learning rate and the bit
generator. ``_judge`` decides after each epoch whether to stop, and names the reason.
"""

import itertools
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import ROWS_AT_ONCE, Rows
from handgrad.engines.blas import blas_on_one_thread
from handgrad.engines.numpy import Numpy, right
from handgrad.engines.piled import Piled
from handgrad.engines.seam import Engine, EngineFactory
from handgrad.engines.spool import Piles
from handgrad.errors import DivergenceError
from handgrad.network import Architecture, backward, forward, loss, penalty
from handgrad.optim import LBFGSResult, lbfgs
from handgrad.params import Params
from handgrad.schedules import course
from handgrad.training.epochs import Pass, Task, bad_layer, told_divergence
from handgrad.training.history import Epoch, History
from handgrad.training.run import Run, Settings, steps_of
from handgrad.workers.crew import Crew
from handgrad.workers.dealing import Dealt

Array = NDArray[Any]
OnEpoch = Callable[[Epoch], bool | None]
Score = Callable[[], float]

ROWS_LOOKED_AT = 4096  # for the loss before training
SMALLEST_LEARNING_RATE = 1e-6  # training stops when an adaptive rate has fallen to this
NO_EPOCHS = History(())


@dataclass
class Watch:
    """The yardsticks by which a training judges its epochs, and the best so far."""

    validation: Rows | None
    score: Score | None
    started: float = field(default_factory=time.perf_counter)
    best: float = math.inf  # the best value of the monitored quantity
    best_loss: float = math.inf  # the loss of that epoch, which decides between equally good ones
    bad_epochs: int = 0  # the number of bad epochs in a row
    is_best: bool = False  # whether the last epoch is the best so far
    is_slower: bool = False  # whether the rate falls after it
    reason: str = ""  # why training ends with it, if it does

    @classmethod
    def after(
        cls, before: History, settings: Settings, validation: Rows | None, score: Score | None
    ) -> "Watch":
        """Go on watching a training that was broken off after these epochs."""
        watch = cls(validation, score)
        for epoch in before:
            watch.judge(settings, epoch)
            watch.started = time.perf_counter() - epoch.seconds
        return watch

    def judge(self, settings: Settings, epoch: Epoch) -> None:
        """Count an epoch as good or bad, and draw the conclusions."""
        value = _monitored(settings.monitor, epoch)
        loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        self.bad_epochs = 0 if value < self.best - settings.tol else self.bad_epochs + 1
        self.is_best = (value, loss) < (self.best, self.best_loss)
        if self.is_best:
            self.best, self.best_loss = value, loss
        self.is_slower, self.reason = False, ""
        if self.bad_epochs < settings.patience:
            return
        self.bad_epochs = 0
        if not course(settings.learning_rate).falls_by_patience:
            self.reason = "patience"
        elif epoch.learning_rate <= SMALLEST_LEARNING_RATE:
            self.reason = "learning_rate"
        else:
            self.is_slower = True


def train(
    architecture: Architecture,
    run: Run,
    settings: Settings,
    rows: Rows | Piles,
    *,
    epochs: int,
    validation: Rows | None = None,
    score: Score | None = None,
    on_epoch: OnEpoch | None = None,
    make_engine: EngineFactory = Numpy,
    before: History = NO_EPOCHS,
    crew: Crew | None = None,
) -> History:
    """Train for at most ``epochs`` more epochs; the run holds the result.

    Parameters
    ----------
    architecture, run, settings : Architecture, Run, Settings
        The network, its state (which is advanced), and how to train it.
    rows : Rows or Piles
        The training rows; those of piles are on the disk.
    epochs : int
        Maximum number of epochs to add.
    validation : Rows, optional
        Rows held back, measured after each epoch.
    score : callable, optional
        Scores the network after each epoch; the record keeps the score as ``validation_score``.
    on_epoch : callable, optional
        Called with each finished ``Epoch``; training stops if it returns True.
    make_engine : callable
        Makes the engine that runs the epochs (see ``engines``); the reference by default.
    before : History
        The epochs of a training that was broken off, whose run this is: it goes on as if nothing
        had happened, to the bit.
    crew : Crew, optional
        The workers that share the training, for which the engine is made, too
        (``engines.sharded``); all of them call this with the same arguments.

    Returns
    -------
    History
        The new epochs, and the reason for the end: "max_iter" if no other came earlier.

    Raises
    ------
    DivergenceError
        As soon as a batch's loss or a parameter is not finite. The run is restored to the start
        of that epoch.
    """
    run.prepare(settings)
    task = Task(architecture, settings, rows, None if crew is None else Dealt.draw)
    steps = steps_of(architecture, run, settings, len(rows))
    engine: Engine
    if isinstance(rows, Piles):
        engine = Piled(make_engine, architecture, rows, steps)
    else:
        engine = make_engine(architecture, rows, steps)
    if run.first_loss is None:
        run.first_loss = _loss_before(architecture, engine, run.params, rows)
    watch = Watch.after(before, settings, validation, score)
    last_loss = before[-1].loss if before.epochs else None
    record: list[Epoch] = []
    reason = watch.reason or "max_iter"
    alone = blas_on_one_thread() if engine.uses_blas else nullcontext()
    try:
        with alone, nullcontext() if crew is None else crew.together():
            for _ in range(0 if watch.reason else epochs):
                kept = run.keep()
                try:
                    now = Pass.begin(task, kept, record[-1].loss if record else last_loss)
                    epoch = _run_epoch(now, run, engine, watch, crew)
                    ended = _judge(watch, run, settings, epoch)
                except BaseException:  # interrupts too: a run is always at the end of an epoch
                    run.put_back(kept)
                    raise
                record.append(epoch)
                stops = on_epoch is not None and bool(on_epoch(epoch))
                if stops if crew is None else crew.told(stops):
                    ended = "on_epoch"
                if ended:
                    reason = ended
                    break
    finally:
        run.take_best()
    return History(tuple(record), reason)


def _loss_before(
    architecture: Architecture, engine: Engine, params: Params, rows: Rows | Piles
) -> float | None:
    some = rows.part(0, ROWS_LOOKED_AT)
    with np.errstate(over="ignore", invalid="ignore"):
        return measure(architecture, engine, params, some)[0]


def _run_epoch(now: Pass, run: Run, engine: Engine, watch: Watch, crew: Crew | None) -> Epoch:
    architecture = now.task.architecture
    # Overflow is not warned about, because its results are caught as a divergence.
    with np.errstate(over="ignore", invalid="ignore"):
        measured = now.run_all(run, engine)
        shrinkage = now.end(run)
        validation_loss, validation_accuracy = measure(
            architecture, engine, run.params, watch.validation, crew
        )
    validation_score = None if watch.score is None else float(watch.score())
    classifies = architecture.head.classifies
    epoch = Epoch(
        epoch=run.epochs,
        loss=measured.loss,
        accuracy=measured.accuracy if classifies else None,
        penalty=shrinkage,
        validation_loss=validation_loss,
        validation_accuracy=validation_accuracy if classifies else None,
        learning_rate=float(now.rates[-1]),
        seconds=time.perf_counter() - watch.started,
        gradient_norm=measured.gradient_norm,
        validation_score=validation_score,
    )
    return epoch if crew is None else Epoch(**crew.told(vars(epoch)))


def measure(
    architecture: Architecture,
    engine: Engine,
    params: Params,
    rows: Rows | None,
    crew: Crew | None = None,
) -> tuple[float | None, float | None]:
    """Compute loss and accuracy on rows that are not trained on; workers share them."""
    if rows is None:
        return None, None
    if crew is None:
        loss, right = _sums_of(architecture, engine, params, rows)
    else:
        parts = [rows.take(part) for part in crew.shared(len(rows))]
        sums = [_sums_of(architecture, engine, params, part) for part in parts]
        loss, right = crew.tree_sum(np.array(sums)).tolist()
    return loss / len(rows), right / len(rows)


def _sums_of(
    architecture: Architecture, engine: Engine, params: Params, rows: Rows
) -> tuple[float, float]:
    """Add up the losses of rows, and the weights of those that are right."""
    total_loss = total_right = 0.0
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows.part(start, start + ROWS_AT_ONCE)
        score = engine.scores(params, part.x)
        head, settings = architecture.head, architecture.loss
        part_loss = head.mean_loss(score, part.y_t, part.weight, settings)
        total_loss += len(part) * float(part_loss)
        total_right += right(head, score, part)
    return total_loss, total_right


def _judge(watch: Watch, run: Run, settings: Settings, epoch: Epoch) -> str:
    """Keep the best epoch, slow down, and return the reason to stop, or ""."""
    watch.judge(settings, epoch)
    if watch.is_best and settings.monitor != "loss":
        run.keep_best()
    if watch.is_slower:
        run.lr /= 5
    return watch.reason


def _monitored(monitor: str, epoch: Epoch) -> float:
    if monitor == "validation_loss" and epoch.validation_loss is not None:
        return epoch.validation_loss
    if monitor == "validation_error" and epoch.validation_accuracy is not None:
        return 1 - epoch.validation_accuracy
    if monitor == "validation_score" and epoch.validation_score is not None:
        return -epoch.validation_score
    return epoch.loss + epoch.penalty


def train_lbfgs(
    architecture: Architecture,
    params: Params,
    rows: Rows,
    *,
    l2: float,
    max_iter: int,
    max_fun: int,
    tol: float,
    on_epoch: OnEpoch | None = None,
    epochs_before: int = 0,
) -> LBFGSResult:
    """Minimise loss and penalty over all rows at once; ``params`` holds the result.

    Parameters
    ----------
    architecture, params, rows : Architecture, Params, Rows
    l2, max_iter, max_fun, tol : float, int, int, float
        As in ``Settings`` and ``optim.lbfgs``.
    on_epoch : callable, optional
        Called with an ``Epoch`` after each iteration, whose result ``params`` then holds;
        returning True stops. The learning rate is NaN, because there is none.
    epochs_before : int
        The number of iterations before this call, from which counting continues.

    Raises
    ------
    DivergenceError
        If the loss stops being finite; ``params`` keeps the result of the last iteration.
    """
    import scipy.optimize  # noqa: F401 - loads SciPy's BLAS, which must run on one thread, too

    def loss_and_gradient(theta: Array) -> tuple[float, Array]:
        point = params.like(theta.astype(params.flat.dtype))
        with np.errstate(over="ignore", invalid="ignore"):
            tape = forward(architecture, point, rows.x)
            value = float(loss(architecture, point, tape, rows.y_t, rows.weight, l2))
            gradients = backward(architecture, point, tape, rows.y_t, rows.weight, l2)
        return value, gradients.flat.astype(np.float64)

    started, iterations = time.perf_counter(), itertools.count(epochs_before + 1)
    last_loss: float | None = None

    def end_iteration(theta: Array, value: float) -> bool:
        nonlocal last_loss
        if not math.isfinite(value):
            return False
        last_loss = value
        if on_epoch is None:
            return False
        params.flat[...] = theta
        shrinkage = float(penalty(params, l2))
        seconds = time.perf_counter() - started
        epoch = _iteration(next(iterations), value - shrinkage, shrinkage, seconds)
        return bool(on_epoch(epoch))

    with blas_on_one_thread():
        found = lbfgs(
            loss_and_gradient,
            params.flat.astype(np.float64),
            max_iter=max_iter,
            max_fun=max_fun,
            tol=tol,
            on_iteration=end_iteration,
        )
    if not (math.isfinite(found.loss) and np.isfinite(found.theta).all()):
        number = epochs_before + found.iterations + 1
        layer = bad_layer(architecture, params, rows)  # at the point before
        what = f"L-BFGS reached a loss of {found.loss} in iteration {number}"
        raise DivergenceError(
            told_divergence(what, layer, last_loss),
            "Scale the inputs, or raise alpha.",
            epoch=number,
            layer=layer,
            last_loss=last_loss,
        )
    params.flat[...] = found.theta
    return found


def _iteration(number: int, value: float, shrinkage: float, seconds: float) -> Epoch:
    """Record an iteration of L-BFGS, which measures nothing but the loss."""
    return Epoch(
        epoch=number,
        loss=value,
        accuracy=None,
        penalty=shrinkage,
        validation_loss=None,
        validation_accuracy=None,
        learning_rate=math.nan,
        seconds=seconds,
    )
