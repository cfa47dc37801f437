"""Robust scales and bins of numbers: medians, quartiles and edges, taken from training rows.

A number x of median m and quartiles q25, q75 enters a network between -3 and 3, as

    z = (x - m) / (q75 - q25),    z / sqrt(1 + (z / 3)^2)

with half the range in the place of q75 - q25 where the quartiles meet, and as 0 where it never
varied. Bins divide its values at edges e_0 < ... < e_B, so that x has a place u in [0, B] among
them, linear between two edges. Its steps are clip(u - t, 0, 1), t = 0..B-1: the piecewise linear
inputs of Gorishniy et al. (2022), equation 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from handgrad.tables.statistics import Floats, Kept, quantile, scaled_weight

LARGEST_INPUT = 3.0
FARTHEST = 1e100  # spreads from the median: what lies farther gives the largest input, too

DEEP_BINS = 8
ROWS_A_BIN, FEWEST_BINS, MOST_BINS = 150, 8, 64  # of a skip
FEW_EDGES = 16  # of a number; more rows find their bins by a search
FEW_ROWS = 64  # are compared with all edges at once; a search column by column costs Python's time

TWINS = 1e-12  # between numbers of size 1

NO_EDGES: Floats = np.zeros(0)


def robust(x: Floats, median: Floats, spread: Floats) -> Floats:
    """Scale finite numbers, shape (n, k), and clip them smoothly; a spread of 0 gives 0."""
    with np.errstate(over="ignore"):
        z = np.divide(x - median, spread, out=np.zeros(x.shape), where=spread > 0)
    np.maximum(z, -FARTHEST, out=z)
    np.minimum(z, FARTHEST, out=z)
    root = z / LARGEST_INPUT
    root *= root
    root += 1
    z /= np.sqrt(root, out=root)
    return z


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of K numbers.

    Attributes
    ----------
    n : int array of shape (K,)
        How many bins each number has; 0 for none.
    edges : array of float64
        The edges of the numbers that have bins, n + 1 each, one number after the other.
    """

    n: npt.NDArray[np.intp]
    edges: Floats

    @classmethod
    def of(cls, edges: Sequence[Floats]) -> Self:
        """Put the edges of K numbers together; one without bins has none."""
        n = [max(0, len(one) - 1) for one in edges]
        return cls(np.array(n, dtype=np.intp), np.concatenate([*edges, NO_EDGES]))

    @property
    def is_valid(self) -> bool:
        """Whether there are as many edges as the bins need, and they ascend."""
        if (self.n < 0).any() or len(self.edges) != int((self.n + (self.n > 0)).sum()):
            return False
        return all((np.diff(one / 2) > 0).all() for one in self.by_number)

    @cached_property
    def binned(self) -> npt.NDArray[np.intp]:
        """Which of the K numbers have bins."""
        return np.flatnonzero(self.n)

    @cached_property
    def by_number(self) -> list[Floats]:
        """The edges of each number that has bins."""
        return np.split(self.edges, np.cumsum(self.n[self.binned] + 1)[:-1])[: len(self.binned)]

    @cached_property
    def steps(self) -> list[tuple[int, float, float]]:
        """The bins in order, which are the steps: a number, and two edges."""
        pairs = zip(self.binned.tolist(), self.by_number, strict=True)
        return [(k, *pair) for k, one in pairs for pair in pairwise(one)]

    @cached_property
    def _padded(self) -> Floats:
        """The edges as a matrix, shape (numbers with bins, most edges); infinity fills it up."""
        longest = int(self.n.max(initial=0)) + 1
        padded = np.full((len(self.binned), longest), np.inf)
        for row, one in zip(padded, self.by_number, strict=True):
            row[: len(one)] = one
        return padded

    @cached_property
    def _halves(self) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
        """Half the lower edge of each bin, half its width, and where those of a number begin.

        A number with fewer bins than others has one more behind its last edge, without an end.
        """
        half = self._padded / 2  # which never overflow
        with np.errstate(invalid="ignore"):  # behind the last edge
            widths = np.diff(half, axis=1)
        starts = np.arange(len(half)) * widths.shape[1]
        return half[:, :-1].ravel(), widths.ravel(), starts

    @cached_property
    def _ends(self) -> tuple[Floats, Floats]:
        ends = np.array([(one[0], one[-1]) for one in self.by_number]).reshape(-1, 2)
        return ends[:, 0].copy(), ends[:, 1].copy()

    def places(self, x: Floats) -> Floats:
        """Find u in [0, B] for the numbers that have bins, from all K, shape (n, K)."""
        lowest, highest = self._ends
        x = np.minimum(np.maximum(x[:, self.binned], lowest), highest)
        low, width, starts = self._halves
        t = self._bins_of(x)
        at = t + starts
        x /= 2
        x -= low.take(at)
        x /= width.take(at)
        x += t
        return x

    def _bins_of(self, x: Floats) -> npt.NDArray[np.intp]:
        if len(x) <= FEW_ROWS:
            inner = self._padded[:, 1:-1]
            below: npt.NDArray[np.intp] = np.add.reduce(x[:, :, None] >= inner, 2, np.intp)
            return below
        t = np.empty(x.shape, dtype=np.intp)
        for column, one in enumerate(self.by_number):
            t[:, column] = _search(one[1:-1], x[:, column])
        return t

    @cached_property
    def _steps_of(self) -> tuple[npt.NDArray[np.intp], Floats]:
        """Which of the binned numbers each step belongs to, and the edge t where it begins."""
        n = self.n[self.binned]
        begin = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        return np.repeat(np.arange(len(n)), n), begin.astype(np.float64)

    def put_steps(self, x: Floats, out: npt.NDArray[np.floating]) -> None:
        """Write the steps of K numbers, shape (n, K), into as many columns as there are bins."""
        of_number, begin = self._steps_of
        steps = self.places(x).take(of_number, axis=1)
        steps -= begin
        np.maximum(steps, 0, out=steps)
        np.minimum(steps, 1, out=steps)
        out[...] = steps


def _search(edges: Floats, x: Floats) -> npt.NDArray[np.integer]:
    """Count the edges that are not above each number; few are quicker compared than searched."""
    x = np.ascontiguousarray(x)
    if len(edges) > FEW_EDGES:
        return np.searchsorted(edges, x, side="right")
    below = np.zeros(len(x), np.uint8)
    for edge in edges:
        below += x >= edge
    return below


# ------------------------------------------------------------------ fitted


class Spreads(NamedTuple):
    """What robust scales and bins are made of, for K numbers."""

    median: Floats
    spread: Floats  # 0 where a number never varies
    has_missing: npt.NDArray[np.bool_]
    edges: tuple[tuple[Floats, ...], ...]  # K edges for each number of bins


def spreads_of(blocks: Iterable[Floats], kept: Kept, n_bins: tuple[int, ...]) -> Spreads:
    """Describe blocks of columns, shape (k, n), by the rows that count.

    Each number has edges for each of these numbers of bins.
    """
    if kept.weight is not None:
        kept = kept._replace(weight=scaled_weight(kept.weight))
    found = [_described(column, kept, n_bins) for block in blocks for column in block]
    median, spread, missing, *of_bins = zip(*found, strict=True) if found else [()] * 3
    return Spreads(
        np.array(median, dtype=np.float64),
        np.array(spread, dtype=np.float64),
        np.array(missing, dtype=bool),
        tuple(of_bins) or ((),) * len(n_bins),
    )


def bins_for(kept: Kept, n: int) -> int:
    """Say how many bins a skip has for n rows, of which the lightest counts as one."""
    rows = float(n)
    if kept.weight is not None:
        with np.errstate(over="ignore"):
            rows = float((kept.weight / kept.weight.min()).sum())
    return int(min(max(rows / ROWS_A_BIN, FEWEST_BINS), MOST_BINS))


def _described(column: Floats, kept: Kept, n_bins: tuple[int, ...]) -> tuple[Any, ...]:
    values, counts, has_missing = _counted(column, kept)
    if not len(values):
        return 0.0, 0.0, has_missing, *(NO_EDGES for _ in n_bins)
    below = np.cumsum(counts)
    lower, median, upper = (quantile(values, below, q) for q in (0.25, 0.5, 0.75))
    spread = spread_of(lower, upper, values[0], values[-1])
    return median, spread, has_missing, *(edges(values, counts, n) for n in n_bins)


def spread_of(lower: float, upper: float, low: float, high: float) -> float:
    """Give the distance of the quartiles or, where they meet, half of the range."""
    spread = upper - lower if upper > lower else high / 2 - low / 2
    return min(float(spread), float(np.finfo(np.float64).max))


def _counted(column: Floats, kept: Kept) -> tuple[Floats, Floats, bool]:
    """Give the different numbers, ascending, and by weight how many rows have each."""
    values = column if kept.rows is None else column[kept.rows]
    there = ~np.isnan(values)
    different, at = np.unique(values[there] + 0.0, return_inverse=True)  # -0 is 0
    of_there = None if kept.weight is None else kept.weight[there]
    counts = np.bincount(at, of_there, minlength=len(different)).astype(np.float64)
    return different, counts, not bool(there.all())


def edges(values: Floats, counts: Floats, n_bins: int) -> Floats:
    """Choose the edges of at most so many bins.

    Few values are edges themselves. Of many, the edges are quantiles in which no value counts as
    more rows than a bin has, so that a frequent value takes one bin and leaves the others to the
    rest.

    Parameters
    ----------
    values : array of shape (m,)
        The different values of a number, ascending, m at least 1.
    counts : array of shape (m,)
        How many rows have each, above 0.
    n_bins : int

    Returns
    -------
    array
        Two edges or more, or none where the number never varies.
    """
    found = values
    if len(values) > n_bins + 1:
        counted = np.minimum(counts, counts.sum() / n_bins)
        places = np.cumsum(counted)
        places = (places - counted / 2) / places[-1]
        exponent = _exponent(np.abs(values))  # slopes between scaled numbers never overflow
        shares = np.linspace(0, 1, n_bins + 1)[1:-1]
        inner = np.interp(shares, places, np.ldexp(values, -exponent))
        found = np.unique(np.r_[values[0], np.ldexp(inner, exponent), values[-1]])
    apart = np.diff(found / 2, prepend=-np.inf) > 0
    return found[apart] if apart.sum() > 1 else NO_EDGES


def without_twins(edges: Floats) -> Floats:
    """Drop edges that differ by rounding alone, as the sines of 30 and 150 degrees do.

    A bin between them would turn the last bit of a sine, about which machines and programs
    disagree, into an input.
    """
    apart = np.diff(edges, prepend=-np.inf) > TWINS
    return edges[apart] if apart.sum() > 1 else NO_EDGES


def _exponent(numbers: Floats) -> int:
    return int(np.frexp(numbers.max())[1])
