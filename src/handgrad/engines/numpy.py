"""The reference engine: network.py and optim.py, batch by batch; and scores, block by block."""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows, batches
from handgrad.chance import Keys
from handgrad.dropout import layer_keys, masks
from handgrad.engines.blas import blas_on_one_thread
from handgrad.engines.seam import Diverged, Measured, Team, bad_input, first_bad_batch
from handgrad.network import Architecture, backward, forward, pass_layers
from handgrad.optim import Optimizer, Steps, make_step
from handgrad.output import Output
from handgrad.params import Params

Array = NDArray[Any]

NAME = "numpy"

# Rows pass through the products in blocks of this many, the last one filled up with zeros. A
# product rounds differently with the number of rows in it and, in OpenBLAS's larger tiles, with
# a row's place among them; in tiles this small, a row's answer is the same wherever it stands.
# NumPy multiplies a stack of such blocks one by one, without Python in between.
BLOCK = 8

CELLS = 1 << 17  # of the widest layer, computed at a time: they stay in the second cache

# Multiplications of a product that no BLAS divides between threads, which costs more than it.
UNDIVIDED = 1 << 16


@dataclass(frozen=True)
class Numpy:
    """See ``seam.Engine``."""

    architecture: Architecture
    rows: Rows
    steps: Steps
    uses_blas: ClassVar[bool] = True

    @cached_property
    def bad_rows(self) -> NDArray[np.intp]:
        return self.rows.not_finite()

    def run_epoch(
        self,
        params: Params,
        slots: Array,
        updates: int,
        rates: float | NDArray[np.float64],
        order: NDArray[np.intp] | None,
    ) -> Measured:
        n = len(self.rows)
        whole = order is None and self.steps.batch_size >= n  # no row is copied then
        every = np.arange(n) if order is None else order
        lr = np.broadcast_to(rates, -(-n // self.steps.batch_size)).tolist()
        total_loss = total_right = 0.0
        bad_batch, last_loss = first_bad_batch(self.bad_rows, order, self.steps.batch_size), None
        for number, chosen in enumerate(batches(every, self.steps.batch_size), start=1):
            if number == bad_batch:
                raise bad_input(number, last_loss)
            batch = self.rows if whole else self.rows.take(chosen)
            t, last = updates + number, number == len(lr)
            batch_loss, right, size = self._update(params, slots, t, lr[number - 1], batch, last)
            if not math.isfinite(batch_loss):
                raise Diverged(f"the loss became {batch_loss}", number, last_loss)
            last_loss = batch_loss
            total_loss += batch_loss * len(batch)
            total_right += right
        if not (np.isfinite(params.flat).all() and np.isfinite(slots).all()):
            raise Diverged("a parameter or its slot was not finite", None, last_loss)
        return Measured(total_loss / n, total_right / n, size)

    def scores(self, params: Params, x: Any) -> Array:
        with blas_on_one_thread():
            return forward(self.architecture, params, x).score

    def _update(
        self, params: Params, slots: Array, t: int, lr: float, batch: Rows, last: bool
    ) -> tuple[float, float, float]:
        """Make one step; return the loss before it, the weight of right rows, and the norm."""
        architecture, head = self.architecture, self.architecture.head
        steps = self.steps
        tape = forward(architecture, params, batch.x, self._masks(t, len(batch), params))
        loss = head.mean_loss(tape.score, batch.y_t, batch.weight, architecture.loss)
        batch_loss, size = float(loss), math.nan
        if math.isfinite(batch_loss):
            gradients = backward(architecture, params, tape, batch.y_t, batch.weight, steps.l2)
            size = make_step(steps, params, gradients, slots, t, lr, measures=last)
        return batch_loss, right(head, tape.score, batch), size

    def _masks(self, t: int, n: int, params: Params) -> tuple[Array, ...]:
        steps = self.steps
        if not any(steps.dropout):
            return ()
        (keys,) = layer_keys(steps.seed, t, 1, len(steps.dropout))
        return _masks(self.architecture, steps, keys, n, params)


def _masks(
    architecture: Architecture, steps: Steps, keys: Keys, n: int, params: Params
) -> tuple[Array, ...]:
    return masks(architecture.layer_units[1:-1], steps.dropout, keys, n, params.flat.dtype)


class Stepper:
    """See ``seam.Stepping``."""

    uses_blas: ClassVar[bool] = True

    def __init__(self, architecture: Architecture, rows: Rows, steps: Steps) -> None:
        self._whole = Numpy(architecture, rows, steps)
        self._architecture, self._rows, self._steps = architecture, rows, steps

    def begin(
        self, params: Params, slots: Array, rates: NDArray[np.float64], order: NDArray[np.intp]
    ) -> None:
        self._params, self._slots, self._order = params, slots, order
        self._rates: list[float] = rates.tolist()

    def gradient(self, first: int, n: int, of: int, keys: Keys, out: Array) -> tuple[float, float]:
        architecture, params, head = self._architecture, self._params, self._architecture.head
        part = self._rows.take(self._order[first : first + n])
        dropped = _masks(architecture, self._steps, keys, n, params) if len(keys) else ()
        tape = forward(architecture, params, part.x, dropped)
        loss = float(head.mean_loss(tape.score, part.y_t, part.weight, architecture.loss))
        gradients = backward(architecture, params, tape, part.y_t, part.weight)
        np.multiply(gradients.flat, n / of, out=out)
        return loss * n, right(head, tape.score, part)

    def move(self, gradient: Array, batch: int, t: int) -> float:
        params, steps, rate = self._params, self._steps, self._rates[batch]
        gradients = params.like(gradient)
        if steps.l2:
            for dW, W in zip(gradients.weights, params.weights, strict=True):
                dW += steps.l2 * W
        is_last = batch == len(self._rates) - 1
        return make_step(steps, params, gradients, self._slots, t, rate, measures=is_last)

    def end(self) -> bool:
        return bool(np.isfinite(self._params.flat).all() and np.isfinite(self._slots).all())

    def scores(self, params: Params, x: Any) -> Array:
        return self._whole.scores(params, x)


def right(output: Output, score: Array, rows: Rows) -> float:
    """Add up the weights of the rows whose prediction is right."""
    hits = output.right(score, rows.y_t)
    return float(np.sum(hits if rows.weight is None else rows.weight[hits], dtype=np.float64))


# -- as a ``seam.Backend`` ------------------------------------------------------------------------

make = Numpy
make_stepping = Stepper


def missing() -> str:
    return ""


def describe() -> dict[str, Any]:
    return {}


def advice() -> list[str]:
    return []


def obstacle(architecture: Architecture, rule: Optimizer, rows: Rows) -> str | None:
    return None


def at_once(architecture: Architecture, rows: Rows, epochs: int) -> int:
    return 1  # two at once take longer than one after the other: Python's lock is passed on slowly


def predicts(architecture: Architecture) -> bool:
    return True


def scores(architecture: Architecture, params: Params, x: Array) -> Array:
    return predict(Team(((architecture, params),)), x, proba=False)


def predict(team: Team, x: Array, *, proba: bool) -> Array:
    n_scores = team.networks[0][0].layer_units[-1]
    n_outputs = 2 if proba and team.head.is_binary(n_scores) else n_scores

    def compute(rows: Array) -> Array:
        score = team.joined([_pass_blocks(*network, rows)[2] for network in team.networks])
        return team.head.proba(score) if proba else score

    return some_at_a_time([of for of, _ in team.networks], x, n_outputs, compute)


def hidden(architecture: Architecture, params: Params, x: Array, layer: int) -> Array:
    """Compute what enters the product of a layer, shape (n, units), a row as if it were alone."""
    n_units = params.layer_units[:-1][layer]
    return some_at_a_time(
        [architecture], x, n_units, lambda rows: _pass_blocks(architecture, params, rows)[1][layer]
    )


def prepare(team: Team, x: Array, *, proba: bool) -> Callable[[], Array]:
    return partial(predict, team, x, proba=proba)


def some_at_a_time(
    networks: Sequence[Architecture],
    x: Array,
    n_outputs: int,
    compute: Callable[[Array], Array],
) -> Array:
    """Compute what passes give, shape (n, n_outputs), some blocks of rows at a time."""
    outcome = np.empty((len(x), n_outputs), x.dtype)
    widest = max(max(*one.layer_units, one.beside.n_wide) for one in networks)
    n_rows = max(1, CELLS // widest // BLOCK) * BLOCK
    largest = max(n_in * n_out for one in networks for n_in, n_out in pairwise(one.layer_units))
    quietly = np.errstate(over="ignore", invalid="ignore")  # what is infinite is told of later
    with quietly, blas_on_one_thread() if BLOCK * largest > UNDIVIDED else nullcontext():
        for start in range(0, len(x), n_rows):
            rows = x[start : start + n_rows]
            n = len(rows)
            if n % BLOCK:
                rows = np.concatenate([rows, np.zeros((-n % BLOCK, x.shape[1]), x.dtype)])
            outcome[start : start + n] = compute(rows)[:n]
    return outcome


def _pass_blocks(architecture: Architecture, params: Params, rows: Array) -> Any:
    """Do ``network.pass_layers`` with products of BLOCK rows each."""
    return pass_layers(architecture, params, rows, product=_by_blocks)


def _by_blocks(h: Array, W: Array) -> Array:
    n_columns = W.shape[1]
    if n_columns == 1:  # a matrix times a vector rounds by a row's place, in OpenBLAS's Sandybridge
        W = np.concatenate([W, np.zeros_like(W)], axis=1)
    product = h.reshape(-1, BLOCK, h.shape[1]) @ W  # (n/8, 8, N)
    return product.reshape(len(h), -1)[:, :n_columns]
