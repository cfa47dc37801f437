"""Means, deviations and medians of columns, weighted or not, exact to the last digits."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError

Floats = npt.NDArray[np.float64]

SHORT = 4096  # rows; up to here columns are described together
TIED = 1e-12  # of all weight: sums of it that are nearer are the same


class Kept(NamedTuple):
    rows: npt.NDArray[np.bool_] | None  # None: all of them
    weight: Floats | None  # of the kept rows, all above zero; None: all equal

    @property
    def picked(self) -> Any:
        """An index that picks the kept rows."""
        return slice(None) if self.rows is None else self.rows


class Statistics(NamedTuple):
    mean: float
    scale: float
    median: float
    has_missing: bool


class ManyStatistics(NamedTuple):
    """The statistics of k columns."""

    mean: Floats
    scale: Floats
    median: Floats
    has_missing: npt.NDArray[np.bool_]

    @classmethod
    def room(cls, k: int) -> ManyStatistics:
        """Make room for the statistics of k columns."""
        mean, scale, median = np.zeros((3, k))
        return cls(mean, scale, median, np.zeros(k, dtype=bool))

    def put(self, places: Any, statistics: Iterable[Any]) -> None:
        """Write the statistics of some columns, in the order of the fields."""
        for part, values in zip(self, statistics, strict=False):
            part[places] = values


def kept_rows(weight: npt.ArrayLike | None, n: int) -> Kept:
    if n == 0:
        raise DataError("there are no rows; at least one is needed to fit")
    if weight is None:
        return Kept(None, None)
    weights = np.asarray(weight, dtype=np.float64)
    if weights.shape != (n,):
        raise DataError(f"weight must have the shape ({n},), got {weights.shape}")
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"weights must be finite and not negative, got {weights[row]} in row {row + 1}"
        )
    rows = weights > 0
    if not rows.any():
        raise DataError("all weights are zero; at least one row must count")
    return Kept(None if rows.all() else rows, weights[rows])


def describe(column: Floats, kept: Kept) -> Statistics:
    values = column if kept.rows is None else column[kept.rows]
    present = ~np.isnan(values)
    has_missing = not present.all()
    weight = kept.weight
    if has_missing:
        values = values[present]
        weight = None if weight is None else weight[present]
    if not len(values):
        return Statistics(0.0, 1.0, 0.0, has_missing)
    low, high = float(values.min()), float(values.max())
    if low == high:
        return Statistics(low, 1.0, low, has_missing)
    mean, scale, median = (float(part[0]) for part in _moments(values[None], weight))
    return Statistics(mean, scale, median, has_missing)


def describe_blocks(blocks: Iterable[Floats], kept: Kept) -> ManyStatistics:
    """Describe blocks of columns, one after the other; see `describe_columns`."""
    parts = (describe_columns(block, kept) for block in blocks)
    return ManyStatistics(*map(np.concatenate, zip(ManyStatistics.room(0), *parts, strict=True)))


def describe_columns(columns: Floats, kept: Kept) -> ManyStatistics:
    """Describe each row of a C-ordered block of columns, shape (k, n), as `describe` does.

    Short columns without missing cells are done together: for thousands of them Python would
    cost more than arithmetic.
    """
    described = ManyStatistics.room(len(columns))
    alone = np.ones(len(columns), dtype=bool)
    if columns.shape[1] <= SHORT:
        values = columns if kept.rows is None else np.compress(kept.rows, columns, axis=1)
        low, high = values.min(axis=1), values.max(axis=1)  # NaN where one is in it
        alone = ~(low < high)
        together = np.flatnonzero(~alone)
        if len(together):
            some = values if len(together) == len(values) else values[together]
            described.put(together, _moments(some, kept.weight))
    for place in np.flatnonzero(alone).tolist():
        described.put(place, describe(columns[place], kept))
    return described


def _moments(columns: Floats, weight: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Give mean, scale and median of each row of an array, shape (k, n); none is constant."""
    # a power of two scales exactly, and squares of what is below 1 never overflow
    exponent = np.frexp(np.abs(columns).max(axis=1))[1]
    v = np.ldexp(columns, -exponent[:, None])
    w, count = (None, float(v.shape[1])) if weight is None else scaled_weight(weight)
    mean = _averages(v, w)
    centred = v - mean[:, None]
    # what rounding left in the mean is taken out of both moments
    shift = _averages(centred, w)
    mean = mean + shift
    variance = np.maximum(0.0, _averages(centred * centred, w) - shift * shift)
    scale = np.ldexp(np.sqrt(variance), exponent)
    scale = np.where((scale == 0) | _is_constant(mean, variance, count), 1.0, scale)
    median = np.median(v, axis=1) if w is None else _weighted_medians(v, w)
    return np.ldexp(mean, exponent), scale, np.ldexp(median, exponent)


def scaled_weight(weight: Floats) -> tuple[Floats, float]:
    """Give weights below 1, and how many rows they count for, within sane bounds."""
    exponent = int(np.frexp(weight.max())[1])
    scaled = np.ldexp(weight, -exponent)
    count = math.ldexp(float(scaled.sum()), min(exponent, 60))
    return scaled, min(max(count, float(len(weight))), 2.0**40)


def _averages(v: Floats, w: Floats | None) -> Floats:
    averages: Floats = v.mean(axis=1) if w is None else (v * w).sum(axis=1) / w.sum()
    return averages


def _is_constant(mean: Floats, variance: Floats, count: float) -> npt.NDArray[np.bool_]:
    # scikit-learn's rule: the spread that rounding alone gives n equal values
    eps = float(np.finfo(np.float64).eps)
    spread = count * mean * eps
    return variance <= count * eps * variance + spread * spread


def _weighted_medians(v: Floats, w: Floats) -> Floats:
    order = np.argsort(v, axis=1, kind="stable")
    below = np.cumsum(w[order], axis=1)
    half = below[:, -1:] / 2
    sides = [(below < half).sum(axis=1), (below <= half).sum(axis=1)]
    lower, upper = (np.take_along_axis(order, side[:, None], axis=1) for side in sides)
    both: Floats = np.take_along_axis(v, lower, axis=1) + np.take_along_axis(v, upper, axis=1)
    return both[:, 0] / 2


def quantile(ascending: Floats, below: Floats, q: float) -> float:
    """Find the value with a share q of the weight below it; between two of them, their middle.

    ``below`` is the weight up to each value, and its own; values may repeat or not.
    """
    share = q * below[-1]
    lower = np.searchsorted(below, share - TIED * below[-1], "left")
    upper = np.searchsorted(below, share + TIED * below[-1], "right")
    return float(ascending[lower] / 2 + ascending[upper] / 2)
