"""The levels of a column: which get an input, and which of them a text means."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.statistics import Kept

Mask = npt.NDArray[np.bool_]

Levels = tuple[str | None, ...]

FEW = 16  # cells, which Python looks up sooner than Arrow encodes them


class Places:
    """Where texts stand among levels: made once, asked for every table."""

    def __init__(self, levels: Levels) -> None:
        self.levels = levels
        self._at = {level: place for place, level in enumerate(levels)}

    @cached_property
    def _same(self) -> dict[Any, int]:
        return _by_meaning(self.levels)

    def of(self, text: str | None) -> int:
        """Find one text, or None for a missing cell; -1 where it is not among the levels."""
        place = self._at.get(text)
        if place is not None:
            return place
        return -1 if text is None else self._same.get(meaning(text), -1)

    def codes_of(self, cells: pa.LargeStringArray) -> tuple[npt.NDArray[np.intp], Mask]:
        """Find each text among the levels.

        A text that is not there is taken for the one level that means the same: 1 for 1.0 or 01,
        True for true, and a letter with its accent in one sign or in two.

        Returns
        -------
        codes : int array, shape (n,)
            The place of each cell among the levels, of null that of None; -1 where there is none.
        unknown : bool array, shape (n,)
            Where a text stands that no level means.
        """
        if len(cells) <= FEW:
            texts = cells.to_pylist()
            codes = np.array([self.of(text) for text in texts], dtype=np.intp)
            return codes, (codes < 0) & np.array([text is not None for text in texts], dtype=bool)
        encoded = cells.dictionary_encode()
        distinct = [*encoded.dictionary.to_pylist(), None]
        places = np.array([self.of(text) for text in distinct], dtype=np.intp)
        index = encoded.indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False)
        codes = places[index]
        return codes, (codes < 0) & (index < len(distinct) - 1)


def _by_meaning(levels: Levels) -> dict[Any, int]:
    """Give the place of each level by what it means; two that mean the same are told apart."""
    found: dict[Any, int] = {}
    for place_of, level in enumerate(levels):
        if level is not None:
            key = meaning(level)
            found[key] = -1 if key in found else place_of
    return found


_WHOLE = re.compile(r"([+-]?[0-9]{1,300})(?:\.0*)?")  # no exponent: 1E5 beside A1 is a code


def meaning(text: str) -> Any:
    """Give what spellings of one whole number, boolean or word have in common."""
    if whole := _WHOLE.fullmatch(text):
        return int(whole[1])
    low = text.casefold()
    return low == "true" if low in ("true", "false") else unicodedata.normalize("NFC", text)


class Frequency(NamedTuple):
    """Which levels of a category get an input of their own; the rest share one.

    Attributes
    ----------
    min_frequency : int
        In how many of the training rows a level must stand.
    max_levels : int
        How many at most; the most frequent are taken.
    """

    min_frequency: int = 1
    max_levels: int = 1000


EVERY_LEVEL = Frequency()


def frequent_levels(
    texts: pa.LargeStringArray, kept: Kept, frequency: Frequency, *, tells_missing: bool
) -> tuple[Levels, bool]:
    """Give the levels that are frequent enough, and whether others share an input.

    A missing cell is a level of its own where nothing else tells of it.
    """
    encoded = texts.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    at = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    at = at[kept.picked]
    weight = None if kept.weight is None else kept.weight / kept.weight.min()
    counts = np.bincount(at, weights=weight, minlength=len(distinct) + 1).tolist()
    there = {text: n for text, n in zip(distinct, counts, strict=False) if n > 0}
    frequent = [text for text, n in there.items() if n >= frequency.min_frequency]
    frequent.sort(key=lambda text: (-there[text], text))
    known = sorted(frequent[: frequency.max_levels])
    missing: Levels = (None,) if tells_missing and counts[-1] > 0 else ()
    return (*known, *missing), len(known) < len(there)


def put_ones(
    texts: pa.LargeStringArray, places: Places, other: bool, out: npt.NDArray[Any]
) -> npt.NDArray[np.bool_]:
    """Set the input of each row's level to 1; tell the rows whose level is not among them."""
    codes, strange = places.codes_of(texts)
    if other:
        codes[strange] = len(places.levels)
    rows = np.flatnonzero(codes >= 0)
    out[rows, codes[rows]] = 1
    return strange
