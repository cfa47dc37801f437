"""Epochs: run, record, validate, keep the best, stop.

A Run is everything that changes while a network learns. Training moves it forward epoch by
epoch and can be called again to go on: slots, learning rate and the stream of chance are in it.
"""

import itertools
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.batches import ROWS_AT_ONCE, batches
from handgrad.chance import Order, shuffled
from handgrad.dropout import per_layer
from handgrad.engines.blas import blas_on_one_thread
from handgrad.engines.numpy import Numpy, right
from handgrad.engines.seam import Diverged, Engine, EngineFactory, Measured
from handgrad.errors import DivergenceError
from handgrad.history import Epoch, History
from handgrad.network import Architecture, backward, first_bad_layer, forward, loss, penalty
from handgrad.optim import LBFGSResult, Optimizer, Steps, lbfgs
from handgrad.params import Params, owned
from handgrad.schedules import Schedule, epoch_rates, invscaling

Array = NDArray[Any]
OnEpoch = Callable[[Epoch], bool | None]
Score = Callable[[], float]

SMALLEST_LEARNING_RATE = 1e-6  # an adaptive rate that falls to this has done its work


@dataclass(frozen=True)
class Settings:
    """How to train. The names are scikit-learn's where it has one.

    Attributes
    ----------
    optimizer : Optimizer
        The update rule.
    learning_rate_init : float
        The learning rate at the start.
    learning_rate : str or callable
        A schedule of ``schedules.py``: "constant", "invscaling", "adaptive" (which divides the
        rate by 5 each time patience runs out and stops once it has fallen to 1e-6), "warmup",
        "cosine", "onecycle", "coslog4", or a function of the epoch's number, from 1.
    power_t : float
        Exponent of invscaling.
    schedule_epochs : int
        How many epochs cosine, onecycle and coslog4 are stretched over, from the run's first.
    warmup_epochs : float
        How many epochs warmup takes to reach the rate.
    batch_size : int
        Rows a step, N_b.
    shuffle : bool
        Whether each epoch visits the rows in a new order.
    l2 : float
        Strength of the penalty l2/2 sum W^2, added to the mean loss.
    dropout : float or tuple of float
        Share of units left out in training, in all hidden layers or in each.
    clip_norm : float
        A gradient longer than this is shortened to it.
    monitor : str
        What has to fall: "loss" (with the penalty); or, where rows are held back,
        "validation_loss", "validation_error" (1 - accuracy) or "validation_score" (which has to
        rise). With one of these three, the parameters of the best epoch are kept; of several
        equally good ones, those of least validation loss.
    tol : float
        An epoch is good if it betters the best so far by more than this.
    patience : float
        Stop after this many epochs in a row that are not good; infinity never stops.
    """

    optimizer: Optimizer
    learning_rate_init: float = 1e-3
    learning_rate: Schedule = "constant"
    power_t: float = 0.5
    schedule_epochs: int = 200
    warmup_epochs: float = 5.0
    batch_size: int = 200
    shuffle: bool = True
    l2: float = 0.0
    dropout: float | tuple[float, ...] = 0.0
    clip_norm: float = math.inf
    monitor: str = "loss"
    tol: float = 1e-4
    patience: float = 10


class Kept(NamedTuple):
    """A run as it was between two epochs."""

    run: "Run"
    chance: Any  # where the run's stream of chance stood

    @property
    def nbytes(self) -> int:
        return int(self.run.params.flat.nbytes + self.run.slots.nbytes)


@dataclass
class Run:
    """The state of a training run; ``train`` moves it on.

    No epoch writes into the arrays that it finds, which may be read-only, or in use elsewhere: it
    works on copies, which are the run's from then on.
    """

    params: Params
    slots: Array  # (n_slots, p): the optimiser's memory
    bits: np.random.BitGenerator
    lr: float = math.nan  # of the next update; NaN before the first
    updates: int = 0
    rows_seen: int = 0
    epochs: int = 0
    dropout_seed: int | None = None  # drawn when dropout is first asked for
    first_loss: float | None = None  # of the parameters it began with, for those who compare
    best: Params | None = None  # of the epochs watched so far, the parameters to keep

    @classmethod
    def start(cls, params: Params, bits: np.random.BitGenerator) -> "Run":
        return cls(params, _slots(params, 0), bits)

    def prepare(self, settings: Settings) -> None:
        """Fit slots and learning rate to these settings, keeping what still has a meaning."""
        if len(self.slots) != settings.optimizer.n_slots:
            self.slots = _slots(self.params, settings.optimizer.n_slots)
            self.updates = 0
        if settings.learning_rate != "adaptive" or math.isnan(self.lr):
            self.lr = settings.learning_rate_init
        self.shrink_rate(settings)
        if np.any(settings.dropout) and self.dropout_seed is None:
            self.dropout_seed = int(self.bits.random_raw())

    def shrink_rate(self, settings: Settings) -> None:
        """Fit the learning rate of invscaling to the rows seen."""
        if settings.learning_rate == "invscaling":
            self.lr = invscaling(settings.learning_rate_init, self.rows_seen, settings.power_t)

    def twin(self) -> "Run":
        """Copy it, arrays shared: what this one becomes is not seen there."""
        twin = object.__new__(Run)  # every epoch does so, and ``replace`` takes ten times as long
        twin.__dict__ = vars(self).copy()
        return twin

    def keep(self) -> Kept:
        """Keep all that an epoch changes; from now on the run works on copies."""
        kept = Kept(self.twin(), self.bits.state)
        self.params, self.slots = self.params.copy(), owned(self.slots)
        return kept

    def put_back(self, kept: Kept) -> None:
        """Undo what came since."""
        self.__dict__ = vars(kept.run).copy()
        self.bits.state = kept.chance

    def result(self) -> "Run":
        """Give what is left of it if it ends now."""
        return self if self.best is None else replace(self, params=self.best, best=None)


def _slots(params: Params, n_slots: int) -> Array:
    return np.zeros((n_slots, params.flat.size), params.flat.dtype)


@dataclass(frozen=True)
class Task:
    """A network, how it is trained, and on which rows."""

    architecture: Architecture
    settings: Settings
    rows: Rows


@dataclass
class Pass:
    """An epoch under way: one pass over the rows, in one call of an engine or batch by batch."""

    task: Task
    before: Kept  # the run as it was; whoever breaks the epoch off puts it back
    rates: Array  # (batches,): the learning rate of each
    order: Order | None  # of the rows; None is as they stand
    last_loss: float | None  # of the batch before, or else of the epoch before
    done: int = 0  # batches

    @classmethod
    def begin(cls, task: Task, before: Kept, last_loss: float | None = None) -> "Pass":
        """Begin an epoch of a prepared run that has just been kept; draws the order of rows."""
        run, settings, n = before.run, task.settings, len(task.rows)
        rates = epoch_rates(
            settings.learning_rate,
            run.lr,
            epoch=run.epochs,
            batches=-(-n // settings.batch_size),
            schedule_epochs=settings.schedule_epochs,
            warmup_epochs=settings.warmup_epochs,
        )
        # In one batch of all rows their order means nothing.
        order = shuffled(n, run.bits) if settings.shuffle and settings.batch_size < n else None
        return cls(task, before, rates, order, last_loss)

    def batch(self, number: int | None = None) -> Order:
        """Name the rows of the next batch, or of that number, from 1."""
        every = np.arange(len(self.task.rows)) if self.order is None else self.order
        size = self.task.settings.batch_size
        start = (self.done if number is None else number - 1) * size
        return every[start : start + size]

    def run_all(self, run: Run, engine: Engine) -> Measured:
        """Update on every batch once, with an engine made for all rows."""
        return self._run(run, engine, self.order, len(self.rates))

    def step(self, run: Run) -> bool:
        """Update on the next batch alone; end the epoch after its last, and say whether it was.

        Raises
        ------
        DivergenceError
            If something is not finite; the caller puts the run back.
        """
        architecture, rows = self.task.architecture, self.task.rows.take(self.batch())
        steps = replace(steps_of(architecture, run, self.task.settings), batch_size=len(rows))
        with np.errstate(over="ignore", invalid="ignore"):
            self._run(run, Numpy(architecture, rows, steps), None, 1)
            is_over = self.done == len(self.rates)
            if is_over:
                self.end(run)
        return is_over

    def _run(self, run: Run, engine: Engine, order: Order | None, n_batches: int) -> Measured:
        last = self.done + n_batches
        rates = self.rates[self.done : last]
        try:
            measured = engine.run_epoch(run.params, run.slots, run.updates, rates, order)
        except Diverged as came:
            raise self._divergence(run, came, last) from None
        run.updates += n_batches
        self.done, self.last_loss = last, measured.loss
        return measured

    def end(self, run: Run) -> float:
        """Count the finished epoch; return the penalty.

        Raises
        ------
        DivergenceError
            If the penalty is not finite.
        """
        shrinkage = float(penalty(run.params, self.task.settings.l2))
        if not math.isfinite(shrinkage):
            came = Diverged("a parameter was too large", None, None)
            raise self._divergence(run, came, self.done)
        run.epochs += 1
        run.rows_seen += len(self.task.rows)
        run.shrink_rate(self.task.settings)
        return shrinkage

    def _divergence(self, run: Run, came: Diverged, last: int) -> DivergenceError:
        """Say when it was, where, how it stood before, and what to try."""
        number = last if came.batch is None else self.done + came.batch
        lr = float(self.rates[number - 1])
        chosen = np.arange(0) if came.batch is None else self.batch(number)
        layer = _bad_layer(self.task.architecture, run.params, self.task.rows.take(chosen))
        last_loss = self.last_loss if came.last_loss is None else came.last_loss
        when = f"{'after' if came.batch is None else 'in'} batch {number} of epoch {run.epochs + 1}"
        return DivergenceError(
            _told(f"{came} {when}, at learning rate {lr:g}", layer, last_loss),
            "Lower the learning rate, clip gradients, or scale the inputs.",
            epoch=run.epochs + 1,
            batch=None if came.batch is None else number,
            layer=layer,
            last_loss=last_loss,
            learning_rate=lr,
        )


def _bad_layer(architecture: Architecture, params: Params, batch: Rows) -> int | None:
    """Find the first layer not finite; without rows, one too large for the penalty, too."""
    if batch.not_finite().size:
        return 0
    with np.errstate(over="ignore", invalid="ignore"):
        layer = first_bad_layer(architecture, params, batch.x)
        if layer is None and not len(batch):
            sizes = [np.sum(np.square(W, dtype=np.float64)) for W in params.W]
            layer = next((i for i, size in enumerate(sizes, 1) if not np.isfinite(size)), None)
    return layer


def _told(what: str, layer: int | None, last_loss: float | None) -> str:
    """Word a divergence: what happened, where to look, and how it stood before."""
    where = f"The first layer not finite is {layer}." if layer else "Look at its inputs."
    if layer is None:
        where = "Every layer is finite: look at targets, weights and the optimiser's memory."
    before = "" if last_loss is None else f" The loss before was {last_loss:.3g}."
    return f"training diverged: {what}. {where}{before}"


@dataclass
class Watch:
    """What one call of ``train`` judges its epochs by, and what it has seen of them."""

    validation: Rows | None
    score: Score | None
    started: float = field(default_factory=time.perf_counter)
    best: float = math.inf  # of the monitored quantity
    best_loss: float = math.inf  # of that epoch; decides between equally good ones
    bad_epochs: int = 0  # in a row


def train(
    architecture: Architecture,
    run: Run,
    settings: Settings,
    rows: Rows,
    *,
    epochs: int,
    validation: Rows | None = None,
    score: Score | None = None,
    on_epoch: OnEpoch | None = None,
    make_engine: EngineFactory = Numpy,
) -> History:
    """Train for at most so many epochs more; the run holds the result.

    Parameters
    ----------
    architecture, run, settings : Architecture, Run, Settings
        What to train, where it stands (moved on), and how.
    rows : Rows
        The training rows.
    epochs : int
        Most epochs to add.
    validation : Rows, optional
        Rows held back, measured after each epoch.
    score : callable, optional
        Judges the network after each epoch; the record keeps it as ``validation_score``.
    on_epoch : callable, optional
        Called with each finished ``Epoch``; training stops if it returns True.
    make_engine : callable
        Makes the engine that runs the epochs (see ``engines``); the reference by default.

    Returns
    -------
    History
        The new epochs, and the reason for the end: "max_iter" if none came earlier.

    Raises
    ------
    DivergenceError
        As soon as a batch's loss, or a parameter, is not finite. The run is put back to
        the start of that epoch.
    """
    run.prepare(settings)
    task = Task(architecture, settings, rows)
    engine = make_engine(architecture, rows, steps_of(architecture, run, settings))
    watch = Watch(validation, score)
    record: list[Epoch] = []
    reason = "max_iter"
    alone = blas_on_one_thread() if engine.uses_blas else nullcontext()
    try:
        with alone:
            for _ in range(epochs):
                before = run.keep()
                try:
                    now = Pass.begin(task, before, record[-1].loss if record else None)
                    epoch = _run_epoch(now, run, engine, watch)
                    ended = _judge(watch, run, settings, epoch)
                except BaseException:  # an interrupt, too: the run stays at the end of an epoch
                    run.put_back(before)
                    raise
                record.append(epoch)
                if on_epoch is not None and on_epoch(epoch):
                    ended = "on_epoch"
                if ended:
                    reason = ended
                    break
    finally:
        run.params, run.best = run.best or run.params, None
    return History(tuple(record), reason)


def _run_epoch(now: Pass, run: Run, engine: Engine, watch: Watch) -> Epoch:
    architecture = now.task.architecture
    # Overflow is not warned about: what it leaves behind is caught as a divergence.
    with np.errstate(over="ignore", invalid="ignore"):
        measured = now.run_all(run, engine)
        shrinkage = now.end(run)
        validation_loss, validation_accuracy = measure(architecture, run.params, watch.validation)
    validation_score = None if watch.score is None else float(watch.score())
    classifies = architecture.head.classifies
    return Epoch(
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


def steps_of(architecture: Architecture, run: Run, settings: Settings) -> Steps:
    """Say what an engine needs to know of the steps of a prepared run."""
    return Steps(
        settings.optimizer,
        settings.batch_size,
        settings.l2,
        per_layer(settings.dropout, len(architecture.layer_units) - 2),
        run.dropout_seed or 0,
        settings.clip_norm,
    )


def measure(
    architecture: Architecture, params: Params, rows: Rows | None
) -> tuple[float | None, float | None]:
    """Compute loss and accuracy of rows that are only looked at."""
    if rows is None:
        return None, None
    total_loss = total_right = 0.0
    for chosen in batches(np.arange(len(rows)), ROWS_AT_ONCE):
        part = rows.take(chosen)
        with blas_on_one_thread():
            score = forward(architecture, params, part.x).score
        head, settings = architecture.head, architecture.loss
        part_loss = head.mean_loss(score, part.y_t, part.weight, settings)
        total_loss += len(part) * float(part_loss)
        total_right += right(head, score, part)
    return total_loss / len(rows), total_right / len(rows)


def _judge(watch: Watch, run: Run, settings: Settings, epoch: Epoch) -> str:
    """Count good and bad epochs, keep the best parameters, and say why to stop, or ""."""
    value = _monitored(settings.monitor, epoch)
    loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
    watch.bad_epochs = 0 if value < watch.best - settings.tol else watch.bad_epochs + 1
    if (value, loss) < (watch.best, watch.best_loss):
        watch.best, watch.best_loss = value, loss
        if settings.monitor != "loss":
            run.best = run.params
    if watch.bad_epochs < settings.patience:
        return ""
    if settings.learning_rate != "adaptive":
        return "patience"
    if run.lr <= SMALLEST_LEARNING_RATE:
        return "learning_rate"
    run.lr /= 5
    watch.bad_epochs = 0
    return ""


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
        As of ``Settings`` and ``optim.lbfgs``.
    on_epoch : callable, optional
        Called with an ``Epoch`` after each iteration, of which ``params`` then holds the
        result; it stops if it returns True. The learning rate is NaN: there is none.
    epochs_before : int
        Iterations are counted on from here.

    Raises
    ------
    DivergenceError
        If the loss stops being finite; ``params`` is left as the last iteration made it.
    """
    import scipy.optimize  # noqa: F401 - brings SciPy's BLAS, to be kept on one thread, too

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
        layer = _bad_layer(architecture, params, rows)  # at the point before
        what = f"L-BFGS reached a loss of {found.loss} in iteration {number}"
        raise DivergenceError(
            _told(what, layer, last_loss),
            "Scale the inputs, or raise alpha.",
            epoch=number,
            layer=layer,
            last_loss=last_loss,
        )
    params.flat[...] = found.theta
    return found


def _iteration(number: int, value: float, shrinkage: float, seconds: float) -> Epoch:
    """Put down an iteration of L-BFGS, which measures no more than the loss."""
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
