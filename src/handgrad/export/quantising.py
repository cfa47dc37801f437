"""Networks in whole numbers: weights of 8 bits, what flows between layers of 16, sums of 32.

Each number is a whole one times a step:

    x = step_x q,    |q| <= most           the inputs, and what leaves a layer, in 16 bits
    W[:, j] = step_W[j] q,    |q| <= 127   a step for each unit, in 8 bits
    sum_j = sum_i q_x q_W + q_b            in 32 bits, and so is the bias; step_x step_W[j]
    r_j = round(sum_j factor_j / 2^shift_j)    in the step of r, held between -most and most

The steps of what flows come from calibration rows: twice the largest number that they give still
fits. No sum can overflow, whatever the row: ``most`` is chosen by the weights that come next.
A bend that is straight on both sides of 0 needs no table; any other is a table of 257 places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.activations import ACTIVATIONS
from handgrad.batch import is_sparse
from handgrad.errors import DataError
from handgrad.network import inputs
from handgrad.skip import Linear, spread
from handgrad.tables.encode import Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handgrad.models.model import Model
    from handgrad.params import Params

Array = Any
WEIGHT, FLOW, SUM = 127, 32767, 2**30  # the largest of each
ROOM = 2.0  # how far beyond calibration rows a number still fits
PLACES = 257  # of a table, 256 apart
UNIT = 256  # of a place among bins, a flag, or a level


class Scaling(NamedTuple):
    """Factors and shifts, one for each unit."""

    factor: NDArray[np.int32]
    shift: NDArray[np.uint8]

    @classmethod
    def by(cls, ratio: Array) -> Scaling:
        """Write ratios, (units,), as factor / 2^shift with 31 bits."""
        mantissa, exponent = np.frexp(ratio)
        factor, shift = np.rint(np.ldexp(mantissa, 31)), 31 - exponent
        shift = np.where(factor >= 2**31, shift - 1, shift)
        factor = np.where(factor >= 2**31, 2**30, factor)
        too_small = shift > 62
        return cls(
            np.where(too_small, 0, factor).astype(np.int32),
            np.where(too_small, 1, shift).clip(1, 62).astype(np.uint8),
        )

    def __call__(self, sums: Array) -> Array:
        """Multiply and round, halves away from 0: whole numbers (n, units)."""
        product = sums.astype(np.int64) * self.factor.astype(np.int64)
        shift = self.shift.astype(np.int64)
        half = np.int64(1) << (shift - 1)
        return np.where(product < 0, -((half - product) >> shift), (half + product) >> shift)


class Bend(NamedTuple):
    """An activation of whole numbers: a table, or a slope below 0 and 1 above."""

    table: NDArray[np.int16] | None
    below: Scaling | None  # None for a slope of 0
    is_identity: bool
    step: float  # of what leaves it

    def __call__(self, r: Array) -> Array:
        """Bend whole numbers (n, units)."""
        if self.table is None:
            if self.is_identity:
                return r
            return np.where(r > 0, r, 0 if self.below is None else self.below(r))
        table = self.table.astype(np.int64)
        place, past = np.divmod(r + 32768, UNIT)
        sums = table[place] * (UNIT - past) + table[place + 1] * past
        return (sums + 32768 * UNIT + UNIT // 2) // UNIT - 32768


class WholeLayer(NamedTuple):
    """A layer: sums, scaled to whole numbers of r or of scores."""

    W: NDArray[np.int8]  # (units, inputs)
    b: NDArray[np.int32]  # (units,)
    scaling: Scaling
    most: int  # of r; 0 for scores, which are not held
    bend: Bend | None  # None for scores

    def __call__(self, x: Array) -> Array:
        """Pass whole numbers, (n, inputs), through the layer: (n, units)."""
        sums = self.scaling(x.astype(np.int64) @ self.W.T.astype(np.int64) + self.b)
        return sums if self.bend is None else self.bend(sums.clip(-self.most, self.most))


class WholeNetwork(NamedTuple):
    """A network in whole numbers."""

    layers: tuple[WholeLayer, ...]
    V: NDArray[np.int8] | None  # (N_w, N_y), the weights of a skip
    V_scaling: Scaling | None
    step: float  # of the scores

    def __call__(self, x: Array, w: Array | None = None) -> Array:
        """Compute whole scores, (n, N_y), of whole inputs (n, N_x) and wide ones (n, N_w)."""
        for layer in self.layers:
            x = layer(x)
        if self.V is None or self.V_scaling is None or w is None:
            return x
        return x + self.V_scaling(w.astype(np.int64) @ self.V.astype(np.int64))


class Loss(NamedTuple):
    """What was lost on the calibration rows."""

    n: int
    same: float | None  # the share of rows with the same label, or labels; None for numbers
    farthest: float  # the largest difference of a probability, or of a number
    before: float | None  # the accuracy, or the mean absolute error, of the model; None if unknown
    after: float | None  # that of the whole numbers

    def told(self) -> str:
        """Tell it in one sentence."""
        what = "number" if self.same is None else "probability"
        parts = [f"the largest difference of a {what} is {self.farthest:.3g}"]
        if self.same is not None:
            parts.insert(0, f"{100 * self.same:.2f} % of the labels are the same")
        if self.before is not None and self.after is not None:
            goes = f"from {100 * self.before:.2f} % to {100 * self.after:.2f} %"
            if self.same is None:
                goes = f"from {self.before:.4g} to {self.after:.4g}"
            what = "mean absolute error" if self.same is None else "accuracy"
            parts.append(f"the {what} goes {goes}")
        return f"on {self.n:,} calibration rows, {', '.join(parts)}"


@dataclass(frozen=True, eq=False)
class Quantised:
    """A model in whole numbers.

    Attributes
    ----------
    networks : tuple of WholeNetwork
    step : float
        Of the inputs.
    most : int
        The largest whole input.
    loss : Loss
    """

    networks: tuple[WholeNetwork, ...]
    step: float
    most: int
    loss: Loss


def quantise(model: Model, rows: Any, y_t: Array | None = None) -> Quantised:
    """Turn a model into whole numbers, by calibration rows.

    Parameters
    ----------
    model : Model
    rows : pyarrow.Table, array of shape (n, n_columns), or Encoded
        Calibration rows, as ``Model.encode`` takes them.
    y_t : array, optional
        Their truth, NaN where it is unknown: class numbers (n,); or numbers, or 0 and 1 for each
        label, of shape (n, targets). It is used to tell the accuracy alone.

    Raises
    ------
    DataError
        If there is no row, or its scores are not finite.
    """
    x = model.encode(rows.toarray() if is_sparse(rows) else rows).x
    if not len(x):
        raise DataError("calibration needs rows, and the table has none; pass some hundreds")
    truth = None if y_t is None else np.asarray(y_t, np.float64)
    score = model.scores(Encoded(x))
    deep, _ = inputs(model.architecture, x.astype(np.float64))
    most = min(_most_for(one) for network in model.networks for one in _takers(model, network))
    step = _step(deep, most)
    networks = tuple(_whole(model, network, deep, step, most) for network in model.networks)
    found = scores_of(model, networks, step, most, x)
    return Quantised(networks, step, most, _loss(model, score, found, truth))


def whole_inputs(
    model: Model, step: float, most: int, x: Array
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Turn inputs into whole ones: those of the layers, (n, N_x), and of a skip, (n, N_w)."""
    deep, u = inputs(model.architecture, x.astype(np.float64))
    q = np.floor(np.clip(deep / step, -most, most) + 0.5).astype(np.int64)
    if not model.architecture.skip:
        return q, None
    if _skips_inputs(model):
        return q, q
    places = np.floor(u * UNIT + 0.5) / UNIT
    return q, (spread(model.architecture.skip, places) * UNIT).astype(np.int64)


def scores_of(
    model: Model, networks: Sequence[WholeNetwork], step: float, most: int, x: Array
) -> Array:
    """Compute the scores of inputs by whole numbers, as a written file does, (n, N_y)."""
    q, w = whole_inputs(model, step, most, x)
    dtype = model.params.flat.dtype
    scores = np.stack([(network(q, w) * network.step).astype(dtype) for network in networks])
    shares = np.array(model.shares, dtype) if model.shares else None
    many = len(scores) > 1
    mean = model.architecture.head.mean_scores(scores, shares) if many else scores[0]
    return np.asarray(mean / dtype.type(model.temperature))


# ------------------------------------------------------------------ from weights to whole numbers


def _skips_inputs(model: Model) -> bool:
    """Tell whether a skip takes the very inputs of the layers."""
    return bool(model.architecture.skip) and isinstance(model.architecture.skip[0], Linear)


def _layers(network: Params) -> list[tuple[Array, Array]]:
    """Give W and b of each layer, the scale of the inputs multiplied into the first W."""
    found = [
        (W.astype(np.float64), b.astype(np.float64))
        for W, b in zip(network.W, network.b, strict=True)
    ]
    if network.s is not None:
        W, b = found[0]
        found[0] = W * network.s[:, None], b
    return found


def _takers(model: Model, network: Params) -> list[Array]:
    """Give the weights that the inputs meet."""
    first = _layers(network)[0][0]
    return [first, network.V] if _skips_inputs(model) and network.V is not None else [first]


def _steps(W: Array) -> Array:
    largest = np.abs(W).max(axis=0, initial=0) / WEIGHT
    return np.where(largest > 0, largest, 1.0)


def _most_for(W: Array) -> int:
    """Find how large whole numbers before a layer may be, so that no sum overflows."""
    largest = np.abs(np.rint(W / _steps(W))).sum(axis=0).max()
    return int(min(FLOW, SUM // max(1, largest)))


def _weights(W: Array, b: Array, step: float, most: int) -> tuple[Array, Array, Array]:
    """Turn W, (inputs, units), and b into whole numbers; give the step of each unit, too."""
    steps = np.maximum(_steps(W), np.abs(b) / (step * SUM))
    steps = np.maximum(steps, np.abs(W).sum(axis=0) * most / SUM)
    return (
        np.rint(W / steps).astype(np.int8),
        np.rint(b / (steps * step)).astype(np.int32),
        steps,
    )


def _step(values: Array, most: int) -> float:
    largest = float(np.abs(values).max(initial=0))
    return ROOM * largest / most if largest > 0 else 1.0


def _whole(
    model: Model, network: Params, x: Array, first_step: float, first_most: int
) -> WholeNetwork:
    layers = _layers(network)
    done, h, step, most = [], x, first_step, first_most
    bends = [ACTIVATIONS[name] for name in model.architecture_of(network).activations]
    for place, activation in enumerate(bends):
        W, b, steps = _weights(*layers[place], step, most)
        r = h @ layers[place][0] + layers[place][1]
        next_most = _most_for(layers[place + 1][0])
        own, held, bend = _bend(activation.forward, r, next_most, (step * steps).max())
        done.append(WholeLayer(W.T.copy(), b, Scaling.by(step * steps / own), held, bend))
        h, step, most = activation.forward(r), bend.step, next_most
    W, b, steps = _weights(*layers[-1], step, most)
    own_steps, V, beside = step * steps, None, np.zeros(1)
    if network.V is not None:
        step_w, most_w = (first_step, first_most) if _skips_inputs(model) else (1 / UNIT, UNIT)
        none = np.zeros(network.V.shape[1])
        V, _, steps = _weights(network.V.astype(np.float64), none, step_w, most_w)
        beside = step_w * steps
    largest = 2 * max(own_steps.max(), beside.max())  # so that the sum of both fits
    done.append(WholeLayer(W.T.copy(), b, Scaling.by(own_steps / largest), 0, None))
    scaling = None if V is None else Scaling.by(beside / largest)
    return WholeNetwork(tuple(done), V, scaling, float(largest))


def _bend(
    forward: Callable[[Array], Array], r: Array, most: int, finest: float
) -> tuple[float, int, Bend]:
    """Give the step of r, the largest whole r, and the bend that gives up to ``most``.

    The step is no finer than that of the sums, so that scaling makes none of them larger.
    """
    samples = np.linspace(-8, 8, 65)
    below = -float(forward(np.array([-1.0]))[0])
    straight = np.where(samples > 0, samples, below * samples)
    if 0 <= below <= 1 and np.allclose(forward(samples), straight, rtol=1e-12, atol=0):
        step = max(_step(r, most), finest)
        scaling = Scaling.by(np.array([below])) if 0 < below < 1 else None
        return step, most, Bend(None, scaling, below == 1, step)
    step = max(_step(r, FLOW), finest)
    values = forward((np.arange(PLACES) * UNIT - 32768.0) * step)
    step_h = float(np.abs(values).max()) / most
    step_h = step_h if step_h > 0 else 1.0
    table = np.rint(values / step_h).astype(np.int16)
    return step, FLOW, Bend(table, None, False, step_h)


# ------------------------------------------------------------------ what is lost


def _loss(model: Model, score: Array, found: Array, y_t: Array | None) -> Loss:
    if not len(model.classes):
        before, after = model.numbers_of(score), model.numbers_of(found)
        farthest = float(np.abs(after - before).max())
        errors = [None if y_t is None else _error(model, y, y_t) for y in (before, after)]
        return Loss(len(score), None, farthest, *errors)
    head = model.architecture.head
    farthest = float(np.abs(head.proba(found) - head.proba(score)).max())
    before, after = head.decide(score), head.decide(found)
    same = float((before == after).mean())
    if y_t is None:
        return Loss(len(score), same, farthest, None, None)
    known = ~np.isnan(y_t)
    right = [float((y == y_t)[known].mean()) if known.any() else None for y in (before, after)]
    return Loss(len(score), same, farthest, *right)


def _error(model: Model, y: Array, y_t: Array) -> float | None:
    truth = np.repeat(y_t.reshape(len(y), -1), model.architecture.n_each, axis=1)
    errors = np.abs(y - truth)
    return None if np.isnan(errors).all() else float(np.nanmean(errors))
