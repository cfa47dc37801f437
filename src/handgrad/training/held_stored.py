"""Hold rows back whose keys lie on the disk: the rows that ``held_back.split`` would choose.

A few passes over keys, classes and weights do, for in each class the rows with the lowest keys are
held back, and keys are evenly spread hashes: those below a known bound suffice. Equal rows stay on
one side here, however many they are; in memory they are drawn one by one where they weigh much.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.spool import Stored
from handgrad.training.held_back import ROUNDING, Rows

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]

CHUNK = 1 << 18  # rows looked at at a time
SPREADS = 8.0  # standard deviations of a count of hashes, beyond which none is looked for


class StoredKeys:
    """Keys, classes and weights of n rows.

    Parameters
    ----------
    keys : Stored of uint64
    strata : Stored of intp
        The class of each row, from 0.
    weight : Stored of float64 or None
    n_strata : int
    """

    def __init__(self, keys: Stored, strata: Stored, weight: Stored | None, n_strata: int) -> None:
        self._keys, self._strata, self._weight, self._n_strata = keys, strata, weight, n_strata

    def chunks(self) -> Iterator[tuple[int, Keys, Rows, Floats]]:
        """Give the first row of each chunk, and what is known of its rows."""
        for start in range(0, self._keys.n, CHUNK):
            keys = self._keys.part(start, start + CHUNK)
            weight = np.ones(len(keys))
            if self._weight is not None:
                weight = self._weight.part(start, start + CHUNK)
            yield start, keys, self._strata.part(start, start + CHUNK), weight

    def held_back(self, share: float) -> Rows:
        """Choose the rows to hold back, ascending; a class keeps at least one of its rows.

        Parameters
        ----------
        share : float
            Part of each class, between 0 and 1 (both excluded).
        """
        n, total = np.zeros(self._n_strata), np.zeros(self._n_strata)
        for _, _, strata, weight in self.chunks():
            n += np.bincount(strata, minlength=self._n_strata)
            total += np.bincount(strata, weight, minlength=self._n_strata)
        wanted, slack = share * total * ROUNDING, SPREADS
        while True:
            with np.errstate(divide="ignore", invalid="ignore"):
                below = share + slack * np.sqrt(share / n) + slack / n
            below = np.where(n > 0, np.minimum(below, 1.0), 1.0)
            gathered = self._gathered(below)
            enough = np.bincount(gathered[1], gathered[2], minlength=self._n_strata) > wanted
            if (enough | (below >= 1)).all():
                break
            slack *= 4
        return self._rows_of(self._chosen(gathered, below, wanted, n))

    def _gathered(self, below: Floats) -> tuple[Keys, Rows, Floats]:
        """Gather the rows of each class whose keys are below a share of all keys."""
        return self._where(lambda keys, strata, weight: keys * 2.0**-64 < below[strata])

    def _where(self, is_wanted: object) -> tuple[Keys, Rows, Floats]:
        assert callable(is_wanted)
        found: list[list[NDArray[np.generic]]] = [[], [], []]
        for _, *parts in self.chunks():
            chosen = is_wanted(*parts)
            for some, part in zip(found, parts, strict=True):
                some.append(part[chosen])
        keys, strata, weight = (np.concatenate(parts) for parts in found)
        return keys, strata, weight

    def _chosen(
        self, gathered: tuple[Keys, Rows, Floats], below: Floats, wanted: Floats, n: Floats
    ) -> Keys:
        """Choose the keys of each class, ascending, while they fit; light rows may come late."""
        chosen, gap = [], np.zeros(self._n_strata)
        for k in range(self._n_strata):
            of_class = gathered[1] == k
            keys, gap[k] = _lowest(gathered[0][of_class], gathered[2][of_class], wanted[k])
            if int(of_class.sum()) == n[k] and len(keys) == len(np.unique(gathered[0][of_class])):
                keys = keys[:-1]  # one group is left to learn from
            chosen.append(keys)
        if self._weight is None:
            return np.concatenate(chosen)
        light = self._where(
            lambda keys, strata, weight: (
                (keys * 2.0**-64 >= below[strata]) & (weight / 2 <= gap[strata])
            )
        )
        for k in range(self._n_strata):
            of_class = light[1] == k
            chosen.append(_lowest(light[0][of_class], light[2][of_class], gap[k])[0])
        return np.concatenate(chosen)

    def _rows_of(self, chosen: Keys) -> Rows:
        """Find all rows with one of these keys, ascending."""
        ordered = np.unique(chosen)
        if not len(ordered):
            return np.zeros(0, np.intp)
        rows = []
        for start, keys, _, _ in self.chunks():
            at = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
            rows.append(start + np.flatnonzero(ordered[at] == keys))
        return np.concatenate(rows)


def _lowest(keys: Keys, weight: Floats, wanted: float) -> tuple[Keys, float]:
    """Choose groups of equal keys, ascending, while they fit; say what is still wanted."""
    different, group = np.unique(keys, return_inverse=True)
    chosen, held = [], 0.0
    for number, heavy in enumerate(np.bincount(group, weight).tolist()):
        if held + heavy / 2 <= wanted:
            chosen.append(number)
            held += heavy
    return different[np.array(chosen, dtype=np.intp)], wanted - held


def n_last(n: int, share: float) -> int:
    """Say how many of n rows ``held_back.split_last`` holds back."""
    return min(max(1, math.floor(share * n * ROUNDING + 0.5)), n - 1)
