"""Exact medians and quantiles of columns that no memory holds, in a few passes over their rows.

The bits of a float64 sort as it does, once those of negative numbers are turned. A pass counts
the rows by the next bits of their keys, among the rows whose keys begin as that of the wanted one;
when few are left, the next pass collects them (radix selection).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from handgrad.tables.statistics import TIED, Floats

Keys = npt.NDArray[np.uint64]

COUNT_BYTES = 1 << 25  # of all counts of a pass
DIGITS = (16, 12, 8)  # bits that a pass may look at
COLLECTED = 1 << 21  # values of all columns, collected in a pass

_SIGN = np.uint64(1 << 63)


@dataclass
class _Search:
    """The smallest value with so much of the weight at or below it."""

    share: float  # of the weight
    above: bool  # whether more than the share must lie there, or as much is enough
    prefix: int = 0  # the first bits of its key
    depth: int = 0  # how many of them are known
    base: float = 0.0  # the weight of all smaller prefixes
    collects: bool = False
    value: float | None = None

    def place(self, below: Floats, total: float) -> int:
        """Find the first of some cumulated weights that is enough."""
        tied = TIED * total
        wanted = self.share * total + (tied if self.above else -tied)
        at = int(np.searchsorted(below, wanted, "right" if self.above else "left"))
        return min(at, int(np.searchsorted(below, below[-1], "left")))  # rounding ends before


@dataclass
class _Column:
    searches: list[_Search]
    total: float = 0.0
    counts: dict[tuple[int, int], Floats] = field(default_factory=dict)  # (depth, prefix)
    collected: dict[tuple[int, int], list[tuple[Keys, Floats | None]]] = field(default_factory=dict)


class Selection:
    """Quantiles of k columns: of each share the two values whose middle it is.

    Use it as ``while not selection.is_done: (add all blocks); selection.end_pass()``.

    Parameters
    ----------
    k : int
    shares : tuple of float
        Of the weight, between 0 and 1; 0.5 gives medians.
    """

    def __init__(self, k: int, shares: tuple[float, ...] = (0.5,)) -> None:
        self._columns = [
            _Column([_Search(share, above) for share in shares for above in (False, True)])
            for _ in range(k)
        ]
        places = COUNT_BYTES // (8 * max(1, k))
        self._digit = next((bits for bits in DIGITS if 1 << bits <= places), DIGITS[-1])
        self._prepare()

    @property
    def is_done(self) -> bool:
        """Whether all values are found."""
        return all(not column.counts and not column.collected for column in self._columns)

    def add(self, columns: Floats, weight: Floats | None) -> None:
        """Look at rows that count, shape (k, n), and their weights; NaN is a missing cell."""
        for column, values in zip(self._columns, columns, strict=True):
            if not column.counts and not column.collected:
                continue
            there = ~np.isnan(values)
            is_whole = bool(there.all())
            present = values if is_whole else values[there]
            w = weight if weight is None or is_whole else weight[there]
            self._look(column, _keys_of(present), w)

    def _look(self, column: _Column, keys: Keys, weight: Floats | None) -> None:
        for (depth, prefix), counts in column.counts.items():
            some, w = _beginning(keys, weight, depth, prefix)
            bits = min(self._digit, 64 - depth)
            digit = (some >> np.uint64(64 - depth - bits)) & np.uint64((1 << bits) - 1)
            counts += np.bincount(digit.astype(np.intp), w, minlength=1 << bits)
        for (depth, prefix), found in column.collected.items():
            some, w = _beginning(keys, weight, depth, prefix)
            found.append((some, w))

    def end_pass(self) -> None:
        """Draw the conclusions of a pass over all rows."""
        for column in self._columns:
            if not column.total and column.counts:
                column.total = float(next(iter(column.counts.values())).sum())
            for search in column.searches:
                if search.value is None:
                    self._conclude(column, search)
        self._prepare()

    def _conclude(self, column: _Column, search: _Search) -> None:
        at = (search.depth, search.prefix)
        if not column.total:
            search.value = 0.0  # there is no row
        elif search.collects:
            search.value = _picked(column.collected[at], search, column.total)
        elif at in column.counts:
            counts = column.counts[at]
            below = search.base + np.cumsum(counts)
            digit = search.place(below, column.total)
            bits = min(self._digit, 64 - search.depth)
            search.base = float(below[digit] - counts[digit])
            search.prefix, search.depth = search.prefix << bits | digit, search.depth + bits
            search.collects = counts[digit] <= COLLECTED / len(self._columns) / 2
            if search.depth == 64:
                search.value = float(_numbers_of(np.array([search.prefix], np.uint64))[0])

    def _prepare(self) -> None:
        for column in self._columns:
            column.counts, column.collected = {}, {}
            for search in column.searches:
                if search.value is not None:
                    continue
                at = (search.depth, search.prefix)
                if search.collects:
                    column.collected[at] = []
                else:
                    column.counts[at] = np.zeros(1 << min(self._digit, 64 - search.depth))

    def pairs(self) -> Floats:
        """Give the lower and the upper value of each share, shape (k, shares, 2)."""
        values: Any = [[search.value for search in column.searches] for column in self._columns]
        return np.array(values, dtype=np.float64).reshape(len(self._columns), -1, 2)


def _beginning(
    keys: Keys, weight: Floats | None, depth: int, prefix: int
) -> tuple[Keys, Floats | None]:
    """Pick the keys that begin with these bits."""
    if not depth:
        return keys, weight
    chosen = keys >> np.uint64(64 - depth) == np.uint64(prefix)
    return keys[chosen], None if weight is None else weight[chosen]


def _picked(collected: list[tuple[Keys, Floats | None]], search: _Search, total: float) -> float:
    keys = np.concatenate([keys for keys, _ in collected])
    order = np.argsort(keys, kind="stable")
    weights = [np.ones(len(some)) if w is None else w for some, w in collected]
    below = search.base + np.cumsum(np.concatenate(weights)[order])
    return float(_numbers_of(keys[order[[search.place(below, total)]]])[0])


def _keys_of(values: Floats) -> Keys:
    """Turn finite numbers into integers of the same order; -0 is 0."""
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _numbers_of(keys: Keys) -> Floats:
    """Turn integers back into the numbers that they stand for."""
    bits = np.where(keys & _SIGN, keys & ~_SIGN, ~keys)
    return np.ascontiguousarray(bits).view(np.float64)
