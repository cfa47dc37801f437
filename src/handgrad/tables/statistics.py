"""Means, deviations and medians of columns, weighted or not, exact to the last digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError

Floats = npt.NDArray[np.float64]

SHORT = 4096  # rows; up to here medians of columns are found together
BLOCK_ROWS = 1 << 14  # whose moments are taken at a time: a column of them stays in the cache
TIED = 1e-12  # of all weight: sums of it that are nearer are the same


class Kept(NamedTuple):
    rows: npt.NDArray[np.bool_] | None  # None: all of them
    weight: Floats | None  # of the kept rows, all above zero; None: all equal

    @property
    def picked(self) -> Any:
        """An index that picks the kept rows."""
        return slice(None) if self.rows is None else self.rows

    @property
    def weight_exponent(self) -> int:
        return 0 if self.weight is None else exponent_of(self.weight.max())

    @property
    def scaled_weight(self) -> Floats | None:
        return None if self.weight is None else scaled_weight(self.weight)


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
    return Statistics(*(part[0].item() for part in describe_columns(column[None], kept)))


def describe_blocks(blocks: Iterable[Floats], kept: Kept) -> ManyStatistics:
    """Describe blocks of columns, one after the other; see `describe_columns`."""
    parts = (describe_columns(block, kept) for block in blocks)
    return ManyStatistics(*map(np.concatenate, zip(ManyStatistics.room(0), *parts, strict=True)))


def describe_columns(columns: Floats, kept: Kept) -> ManyStatistics:
    """Describe each row of a C-ordered block of columns, shape (k, n); NaN is a missing cell."""
    weight = kept.scaled_weight
    moments = Moments(len(columns), kept.weight_exponent)
    for block, weight_of_block in _blocks_that_count(columns, kept, weight):
        moments.add(block, weight_of_block)
    values = columns if kept.rows is None else np.compress(kept.rows, columns, axis=1)
    return moments.described(_medians(values, weight, moments))


def _blocks_that_count(
    columns: Floats, kept: Kept, weight: Floats | None
) -> Iterator[tuple[Floats, Floats | None]]:
    """Give the rows that count of each block of the table, and their weights."""
    at = 0
    for start in range(0, columns.shape[1], BLOCK_ROWS):
        block = columns[:, start : start + BLOCK_ROWS]
        if kept.rows is not None:
            block = np.compress(kept.rows[start : start + BLOCK_ROWS], block, axis=1)
        stop = at + block.shape[1]
        yield block, None if weight is None else weight[at:stop]
        at = stop


class Moments:
    """Means and variances of k columns, block by block in the order of the rows.

    The moments of a block are merged with those of the blocks before (Chan, Golub and LeVeque
    1983, equation 2.1), so that they are the same, to the bit, from memory and from a file that
    is read in portions. Each column is scaled by a power of two, which rounds nothing: squares of
    what is below 1 never overflow.

    Parameters
    ----------
    k : int
    weight_exponent : int
        By which power of two the weights are scaled; 0 without weights.
    """

    def __init__(self, k: int, weight_exponent: int = 0) -> None:
        self.n = np.zeros(k)  # present cells
        self.has_missing = np.zeros(k, dtype=bool)
        self.exponent = np.full(k, -5000)
        self._weight, self._mean, self._variance = np.zeros((3, k))
        self._low, self._high = np.full(k, np.inf), np.full(k, -np.inf)
        self._weight_exponent, self._is_weighted = weight_exponent, False

    def add(self, columns: Floats, weight: Floats | None) -> None:
        """Add the rows of a block that count, shape (k, n), and their weights, scaled below 1."""
        self._is_weighted |= weight is not None
        if not columns.shape[1]:
            return
        low, high = columns.min(axis=1), columns.max(axis=1)  # NaN where one is in it
        has_gaps = np.isnan(low)
        whole = np.flatnonzero(~has_gaps)
        if len(whole):
            some = columns if len(whole) == len(columns) else columns[whole]
            self._merge(whole, some, weight, low[whole], high[whole])
        for place in np.flatnonzero(has_gaps).tolist():
            there = ~np.isnan(columns[place])
            if there.any():
                values = columns[place][there][None]
                of_there = None if weight is None else weight[there]
                self._merge([place], values, of_there, values.min(axis=1), values.max(axis=1))
        self.has_missing |= has_gaps

    def _merge(self, at: Any, v: Floats, w: Floats | None, low: Floats, high: Floats) -> None:
        exponent, mean, variance = _moments(v, w)
        weight = float(v.shape[1]) if w is None else w.sum()
        common = np.maximum(self.exponent[at], exponent)
        before, now = self.exponent[at] - common, exponent - common
        self.exponent[at] = common
        self.n[at] += v.shape[1]
        self._weight[at] += weight
        share = weight / self._weight[at]
        mean_before = np.ldexp(self._mean[at], before)
        variance_before = np.ldexp(self._variance[at], 2 * before)
        apart = np.ldexp(mean, now) - mean_before
        gain = np.ldexp(variance, 2 * now) - variance_before
        self._mean[at] = mean_before + apart * share
        self._variance[at] = variance_before + gain * share + apart * apart * (1 - share) * share
        self._low[at] = np.minimum(self._low[at], low)
        self._high[at] = np.maximum(self._high[at], high)

    def described(self, median: Floats) -> ManyStatistics:
        """Give the statistics of all rows so far; the median is that of scaled values."""
        variance = np.maximum(0.0, self._variance)
        scale = np.ldexp(np.sqrt(variance), self.exponent)
        scale[(scale == 0) | _is_constant(self._mean, variance, self._count)] = 1.0
        mean, median = np.ldexp(self._mean, self.exponent), np.ldexp(median, self.exponent)
        same, empty = self._low == self._high, self.n == 0
        mean[same], scale[same], median[same] = self._low[same], 1.0, self._low[same]
        mean += 0.0  # -0 is 0, whichever of the two comes first
        median += 0.0
        mean[empty], scale[empty], median[empty] = 0.0, 1.0, 0.0
        return ManyStatistics(mean, scale, median, self.has_missing)

    @property
    def extremes(self) -> tuple[Floats, Floats]:
        """The smallest number of each column, and the largest; 0 where there is none."""
        empty = self.n == 0
        return np.where(empty, 0.0, self._low) + 0.0, np.where(empty, 0.0, self._high) + 0.0

    @property
    def _count(self) -> Floats:
        """How many rows the weights count for, within sane bounds."""
        if not self._is_weighted:
            return self.n
        count = np.ldexp(self._weight, min(self._weight_exponent, 60))
        return np.minimum(np.maximum(count, self.n), 2.0**40)


def _moments(columns: Floats, w: Floats | None) -> tuple[npt.NDArray[np.intp], Floats, Floats]:
    """Give exponent, mean and variance of each row of an array, shape (k, n)."""
    exponent = np.frexp(np.abs(columns).max(axis=1))[1]
    v = np.ldexp(columns, -exponent[:, None])
    mean = _averages(v, w)
    centred = v - mean[:, None]
    # what rounding left in the mean is taken out of both moments
    shift = _averages(centred, w)
    variance = np.maximum(0.0, _averages(centred * centred, w) - shift * shift)
    return exponent, mean + shift, variance


def _medians(values: Floats, w: Floats | None, moments: Moments) -> Floats:
    """Find the median of each row of an array, shape (k, n), in the scale of its moments."""
    medians, left = np.zeros(len(values)), moments.n > 0
    if values.shape[1] <= SHORT:
        whole = np.flatnonzero(left & ~moments.has_missing)
        if len(whole):
            some = values if len(whole) == len(values) else values[whole]
            medians[whole] = _medians_of(some, w, moments.exponent[whole])
            left[whole] = False
    for place in np.flatnonzero(left).tolist():
        column, of_there = values[place], w
        if moments.has_missing[place]:
            there = ~np.isnan(column)
            column, of_there = column[there], None if w is None else w[there]
        exponent = moments.exponent[place : place + 1]
        medians[place] = _medians_of(column[None], of_there, exponent)[0]
    return medians


def _medians_of(
    columns: Floats, w: Floats | None, exponent: npt.NDArray[np.integer[Any]]
) -> Floats:
    v = np.ldexp(columns, -exponent[:, None])
    medians: Floats = np.median(v, axis=1) if w is None else _weighted_medians(v, w)
    return medians


def scaled_weight(weight: Floats) -> Floats:
    """Give weights below 1, by a power of two, which rounds nothing."""
    return np.ldexp(weight, -exponent_of(weight.max()))


def exponent_of(weight: float) -> int:
    """Give the power of two that scales a largest weight below 1."""
    return int(np.frexp(weight)[1])


def _averages(v: Floats, w: Floats | None) -> Floats:
    averages: Floats = v.mean(axis=1) if w is None else (v * w).sum(axis=1) / w.sum()
    return averages


def _is_constant(mean: Floats, variance: Floats, count: Floats) -> npt.NDArray[np.bool_]:
    # scikit-learn's rule: the spread that rounding alone gives n equal values
    eps = float(np.finfo(np.float64).eps)
    spread = count * mean * eps
    return variance <= count * eps * variance + spread * spread


def _weighted_medians(v: Floats, w: Floats) -> Floats:
    order = np.argsort(v, axis=1, kind="stable")
    below = np.cumsum(w[order], axis=1)
    half, tied = below[:, -1:] / 2, TIED * below[:, -1:]
    sides = [(below < half - tied).sum(axis=1), (below <= half + tied).sum(axis=1)]
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
