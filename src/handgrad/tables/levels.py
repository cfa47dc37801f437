"""The levels of a column: which get an input, and which of them a text means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.tables import arrow

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.statistics import Kept

Mask = npt.NDArray[np.bool_]

Levels = tuple[str | None, ...]

FEW = 16  # cells; up to here Python looks them up faster than Arrow encodes them


class Places:
    """The places of texts among levels: made once, asked for every table."""

    def __init__(self, levels: Levels) -> None:
        self.levels = levels
        self._at = {level: place for place, level in enumerate(levels)}

    @cached_property
    def _same(self) -> dict[Any, int]:
        return _by_meaning(self.levels)

    def of(self, text: str | None) -> int:
        """Give the place of one text, or of None for a missing cell; -1 where it is no level."""
        place = self._at.get(text)
        if place is not None:
            return place
        return -1 if text is None else self._same.get(meaning(text), -1)

    def codes_of(self, cells: pa.LargeStringArray) -> tuple[npt.NDArray[np.intp], Mask]:
        """Find each text among the levels.

        A text that is no level counts as the one level that means the same: 1 is 1.0 or 01, True
        is true, and an accented letter may be one character or two.

        Returns
        -------
        codes : int array, shape (n,)
            The place of each cell among the levels, a null being None; -1 where there is none.
        unknown : bool array, shape (n,)
            True for a text that means none of the levels.
        """
        if len(cells) <= FEW:
            texts = cells.to_pylist()
            codes = np.array([self.of(text) for text in texts], dtype=np.intp)
            return codes, (codes < 0) & np.array([text is not None for text in texts], dtype=bool)
        index, distinct = arrow.coded(cells)
        places = np.array([*map(self.of, distinct), self.of(None)], dtype=np.intp)
        codes = places[index]
        return codes, (codes < 0) & (index < len(distinct))


def _by_meaning(levels: Levels) -> dict[Any, int]:
    """Give the place of each level by its meaning; -1 where several mean the same."""
    found: dict[Any, int] = {}
    for place, level in enumerate(levels):
        if level is not None:
            key = meaning(level)
            found[key] = -1 if key in found else place
    return found


WHOLE = re.compile(r"([+-]?[0-9]{1,300})(?:\.0*)?")  # no exponent: 1E5 beside A1 is a code


def meaning(text: str) -> Any:
    """Give what all spellings of one whole number, boolean or word have in common."""
    if whole := WHOLE.fullmatch(text):
        return int(whole[1])
    low = text.casefold()
    return low == "true" if low in ("true", "false") else unicodedata.normalize("NFC", text)


class Frequency(NamedTuple):
    """Which levels of a category get an input of their own; the rest share one.

    Attributes
    ----------
    min_frequency : int
        The fewest training rows in which a level must occur.
    max_levels : int
        The most levels; the most frequent ones are taken.
    """

    min_frequency: int = 1
    max_levels: int = 1000


EVERY_LEVEL = Frequency()


def frequent_levels(
    texts: pa.LargeStringArray, kept: Kept, frequency: Frequency, *, tells_missing: bool
) -> tuple[Levels, bool]:
    """Give the levels that are frequent enough, and whether others share an input.

    A missing cell is a level of its own if `tells_missing`: where no other input flags it.
    """
    at, distinct = arrow.coded(texts)
    at = at[kept.picked]
    weight = None if kept.weight is None else kept.weight / kept.weight.min()
    counts = np.bincount(at, weights=weight, minlength=len(distinct) + 1).tolist()
    there = dict(zip(distinct, counts, strict=False))
    return chosen_levels(there, counts[-1], frequency, tells_missing=tells_missing)


def chosen_levels(
    counts: Mapping[str, float], n_missing: float, frequency: Frequency, *, tells_missing: bool
) -> tuple[Levels, bool]:
    """Give the levels that are frequent enough, by how often each text occurs."""
    there = {text: n for text, n in counts.items() if n > 0}
    frequent = [text for text, n in there.items() if n >= frequency.min_frequency]
    frequent.sort(key=lambda text: (-there[text], text))
    known = sorted(frequent[: frequency.max_levels])
    missing: Levels = (None,) if tells_missing and n_missing > 0 else ()
    return (*known, *missing), len(known) < len(there)


def put_ones(
    texts: pa.LargeStringArray, places: Places, other: bool, out: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.intp], Mask]:
    """Set the input of each row's level to 1.

    Returns
    -------
    codes : int array, shape (n,)
        Which input that is; -1 for none.
    strange : bool array, shape (n,)
        Which rows have an unknown level.
    """
    codes, strange = places.codes_of(texts)
    if other:
        codes[strange] = len(places.levels)
    rows = np.flatnonzero(codes >= 0)
    out[rows, codes[rows]] = 1
    return codes, strange
