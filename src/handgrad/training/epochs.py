"""One pass over the rows: in one call of an engine, or batch by batch for the page."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.chance import Order
from handgrad.engines.numpy import Numpy
from handgrad.engines.seam import Diverged, Engine, Measured
from handgrad.engines.spool import Piles
from handgrad.errors import DivergenceError
from handgrad.network import Architecture, first_bad_layer, penalty
from handgrad.params import Params
from handgrad.schedules import epoch_rates
from handgrad.training.run import Kept, Run, Settings, steps_of

Array = NDArray[Any]


@dataclass(frozen=True)
class Task:
    """A network, its training settings, and its training rows."""

    architecture: Architecture
    settings: Settings
    rows: Rows | Piles
    draw: Callable[[int, np.random.BitGenerator], Any] | None = None  # an order for workers


@dataclass
class Pass:
    """An epoch under way: one pass over the rows, in one call of an engine or batch by batch."""

    task: Task
    before: Kept  # the run before this epoch; a caller that breaks the epoch off restores it
    rates: Array  # (batches,): the learning rate of each batch
    order: Any  # the order of the rows, as ``Task.draw`` gives it; None for that of the table
    last_loss: float | None  # the loss of the previous batch, or else of the previous epoch
    done: int = 0  # batches finished

    @classmethod
    def begin(cls, task: Task, before: Kept, last_loss: float | None = None) -> "Pass":
        """Begin an epoch of a prepared run that has just been kept; draw the order of rows."""
        run, settings, n = before.run, task.settings, len(task.rows)
        rates = epoch_rates(
            settings.learning_rate,
            run.lr,
            epoch=run.epochs,
            batches=-(-n // settings.batch_size),
            schedule_epochs=settings.schedule_epochs,
            warmup_epochs=settings.warmup_epochs,
        )
        # In a single batch of all rows, their order does not matter.
        shuffles = settings.shuffle and settings.batch_size < n
        draw = task.rows.order if task.draw is None else partial(task.draw, n)
        order = draw(run.bits) if shuffles else None
        return cls(task, before, rates, order, last_loss)

    def batch(self, number: int | None = None) -> Order:
        """Return the rows of the next batch, or of batch ``number``, from 1."""
        every = np.arange(len(self.task.rows)) if self.order is None else self.order
        size = self.task.settings.batch_size
        start = (self.done if number is None else number - 1) * size
        chosen: Order = every[start : start + size]
        return chosen

    def run_all(self, run: Run, engine: Engine) -> Measured:
        """Make one update for every batch, with an engine made for all rows."""
        return self._run(run, engine, self.order, len(self.rates))

    def step(self, run: Run) -> bool:
        """Make the update of the next batch; after the last one end the epoch and return True.

        Raises
        ------
        DivergenceError
            If something is not finite; the caller restores the run.
        """
        architecture, rows = self.task.architecture, self.task.rows.take(self.batch())
        steps = replace(
            steps_of(architecture, run, self.task.settings, len(self.task.rows)),
            batch_size=len(rows),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            self._run(run, Numpy(architecture, rows, steps), None, 1)
            is_over = self.done == len(self.rates)
            if is_over:
                self.end(run)
        return is_over

    def _run(self, run: Run, engine: Engine, order: Any, n_batches: int) -> Measured:
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
        """Describe a divergence: when and where it came, the loss before, and what to try."""
        number = last if came.batch is None else self.done + came.batch
        lr = float(self.rates[number - 1])
        batch = came.rows
        if batch is None:
            chosen = np.arange(0) if came.batch is None else self.batch(number)
            batch = self.task.rows.take(chosen)
        layer = bad_layer(self.task.architecture, run.params, batch)
        last_loss = self.last_loss if came.last_loss is None else came.last_loss
        when = f"{'after' if came.batch is None else 'in'} batch {number} of epoch {run.epochs + 1}"
        return DivergenceError(
            told_divergence(f"{came} {when}, at learning rate {lr:g}", layer, last_loss),
            "Lower the learning rate, clip gradients, or scale the inputs.",
            epoch=run.epochs + 1,
            batch=None if came.batch is None else number,
            layer=layer,
            last_loss=last_loss,
            learning_rate=lr,
        )


def bad_layer(architecture: Architecture, params: Params, batch: Rows) -> int | None:
    """Find the first layer that is not finite or, without rows, too large for the penalty."""
    if batch.not_finite().size:
        return 0
    with np.errstate(over="ignore", invalid="ignore"):
        layer = first_bad_layer(architecture, params, batch.x)
        if layer is None and not len(batch):
            sizes = [np.sum(np.square(W, dtype=np.float64)) for W in params.W]
            layer = next((i for i, size in enumerate(sizes, 1) if not np.isfinite(size)), None)
    return layer


def told_divergence(what: str, layer: int | None, last_loss: float | None) -> str:
    """Word a divergence: what happened, where to look, and the loss before."""
    where = f"The first layer not finite is {layer}." if layer else "Look at its inputs."
    if layer is None:
        where = "Every layer is finite: look at targets, weights and the optimiser's memory."
    before = "" if last_loss is None else f" The loss before was {last_loss:.3g}."
    return f"training diverged: {what}. {where}{before}"
