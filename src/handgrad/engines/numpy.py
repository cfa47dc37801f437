"""The reference engine: network.py and optim.py, batch by batch."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batches import batches
from handgrad.engines.seam import Diverged
from handgrad.losses import correct, mean_loss
from handgrad.network import Architecture, backward, forward
from handgrad.optim import Optimizer
from handgrad.params import Params
from handgrad.rows import Rows

Array = NDArray[Any]


@dataclass(frozen=True)
class Numpy:
    """See ``seam.Engine``."""

    architecture: Architecture
    optimizer: Optimizer
    rows: Rows
    batch_size: int
    l2: float = 0.0
    name: str = "numpy"

    def run_epoch(
        self,
        params: Params,
        slots: Array,
        updates: int,
        lr: float,
        order: NDArray[np.intp] | None,
    ) -> tuple[float, float]:
        n = len(self.rows)
        whole = order is None and self.batch_size >= n  # no row is copied then
        every = np.arange(n) if order is None else order
        total_loss = total_right = 0.0
        for number, chosen in enumerate(batches(every, self.batch_size), start=1):
            batch = self.rows if whole else self.rows.take(chosen)
            batch_loss, right = self._update(params, slots, updates + number, lr, batch)
            if not math.isfinite(batch_loss):
                raise Diverged(f"the loss became {batch_loss} in batch {number}")
            total_loss += batch_loss * len(batch)
            total_right += right
        if not (np.isfinite(params.flat).all() and np.isfinite(slots).all()):
            raise Diverged("a parameter or its slot was not finite after the last batch")
        return total_loss / n, total_right / n

    def _update(
        self, params: Params, slots: Array, t: int, lr: float, batch: Rows
    ) -> tuple[float, float]:
        """Make one step; return the batch's loss before it and its weight of correct rows."""
        tape = forward(self.architecture, params, batch.x)
        output = self.architecture.output
        loss = mean_loss(output, tape.score, batch.y_t, batch.weight, self.architecture.loss)
        batch_loss = float(loss)
        if math.isfinite(batch_loss):
            gradients = backward(self.architecture, params, tape, batch.y_t, batch.weight, self.l2)
            self.optimizer.step(params.flat, gradients.flat, slots, t, lr)
        return batch_loss, right(output, tape.score, batch)


def right(output: str, score: Array, rows: Rows) -> float:
    """Add up the weights of the rows whose prediction is right."""
    hits = correct(output, score, rows.y_t)
    return float(np.sum(hits if rows.weight is None else rows.weight[hits], dtype=np.float64))
