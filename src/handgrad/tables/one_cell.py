"""What one cell says, by itself: as a text, or as a value of Python.

A service predicts from such cells one row at a time; making a table of them takes longer than all
the rest. What the cells of usual types say is told here; for others there is ``Kind.read``.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from handgrad.tables.columns import is_plain_number
from handgrad.tables.notation import Notation, number_in

TRUE, FALSE = {"true", "t", "yes", "y", "1", "1.0"}, {"false", "f", "no", "n", "0", "0.0"}

NUMBERS = frozenset({float, int, np.float64, np.float32, np.int64, np.int32})
EXACT = 2.0**53  # from here on, whole numbers of different types round differently


class Unusual(Exception):  # noqa: N818 - a signal to the caller, who makes a table of the row
    """A cell of which only ``Kind.read`` can say what it means, or what is wrong with it."""


class One(NamedTuple):
    """One cell as its kind reads it; see ``kinds.Reading``."""

    numbers: tuple[float, ...]  # NaN where there is none
    text: str | None = None  # to be found among levels


class Cells:
    """Reads the cells of one column by their types: text, number or nothing.

    Parameters
    ----------
    missing : tuple of str
        The words that mean a missing cell; see ``kinds.Column``.
    notation : Notation
        How the numbers of texts are written.
    """

    def __init__(self, missing: tuple[str, ...], notation: Notation) -> None:
        self._words, self._codes = frozenset(("", *missing)), frozenset(codes_in(missing))
        self._notation = notation

    def text(self, cell: str) -> str | None:
        """Give a text, or None where it means a missing cell."""
        if cell != cell.strip():
            raise Unusual
        gone = cell in self._words or (self._codes and is_code(cell, self._codes))
        return None if gone else cell

    def number(self, cell: Any) -> tuple[float, str | None]:
        """Give a number, NaN where there is none; and the text that stands there instead."""
        if type(cell) is str:
            text = self.text(cell)
            if text is None:
                return math.nan, None
            value = number_of(text, self._notation)
            return self._known(value), (text if math.isnan(value) else None)
        return self.typed(cell), None

    def typed(self, cell: Any) -> float:
        """Give what is a number already, or NaN for None."""
        if cell is None:
            return math.nan
        if type(cell) not in NUMBERS or abs(cell) >= EXACT:
            raise Unusual
        return self._known(float(cell))

    def _known(self, value: float) -> float:
        return math.nan if value in self._codes else value


@lru_cache(maxsize=1000)
def codes_in(missing: tuple[str, ...]) -> tuple[float, ...]:
    """Give the numbers among the words for a missing cell, as they are and rounded to float32."""
    exact = [float(word) for word in missing if is_plain_number(word)]
    with np.errstate(over="ignore"):
        return tuple(dict.fromkeys([*exact, *(float(np.float32(code)) for code in exact)]))


def is_code(text: str, codes: Collection[float]) -> bool:
    """Tell whether a text is one of some numbers, as -999.0 is -999."""
    bare = text.strip()
    return is_plain_number(bare) and float(bare) in codes


def number_of(text: str, notation: Notation) -> float:
    """Read one cell as a number; NaN where it is no finite number in this notation."""
    if notation.is_plain and is_plain_number(text):
        value = float(text)
        return value if math.isfinite(value) else math.nan
    return number_in(text, notation)


def truth_of(text: str) -> float:
    low = text.casefold()
    if low in TRUE:
        return 1.0
    if low in FALSE:
        return 0.0
    return float(text) if is_plain_number(text) else math.nan
