"""Recognise what numbers are: quantities, 0 and 1, dates such as 20210304; doubt ids and codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from handgrad.tables import columns as raw
from handgrad.tables.dates import Dating, moment, varying_parts
from handgrad.tables.kinds import (
    MISSING_IN_NUMBERS,
    Column,
    constant_column,
    empty_column,
    number_cells,
    words_for_missing,
)
from handgrad.tables.notation import PLAIN, Notation
from handgrad.tables.one_cell import (
    number_of,
)
from handgrad.text import quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.recognition.wishes import Wishes

EXACT = 2.0**53  # below which a float64 tells whole numbers apart
WRITTEN_OUT = 1e21  # floats up to here may have been whole numbers with every digit written
LONG_NUMBER = 16  # digits
FEWEST_DATES = 10  # different numbers; fewer that look like 20210304 prove nothing
DOUBTED_FROM = 20  # numbers; fewer say nothing about ids and codes
DENSE = 1.5  # ids may be spread over up to this many times their number
FIRST_DAY, LAST_DAY = 19000101, 21001231  # that a number may be
LOOKED_AT_FIRST = 1000  # different texts that show whether the rest is worth reading

LOST_DIGITS = (
    "whole numbers beyond 2**53 are read to about 16 digits, so some that differ may become "
    "equal: are they ids? Then leave the column out, or declare it a category"
)

DOTTED = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"  # 1.500, which may be 1500
WITH_A_ZERO = r"^0[0-9]+$"
_EXPONENT = re.compile(r"[0-9.][eE][+-]?[0-9]")
_LIKE_AN_ID = re.compile(
    r"(?i)(?:^|[^a-z])(?:id|nr|no|index|key|code|number)(?:$|[^a-z])|(?<=[a-z])I[Dd]$"
)


def column_of_numbers(table: pa.Table, name: str, wishes: Wishes) -> Column:
    """Recognise a column whose type is a number or a boolean, by its values."""
    column = Column(name, missing=words_for_missing(MISSING_IN_NUMBERS, wishes.missing_of(name)))
    values, present = number_cells(table, column)
    return as_typed(
        by_values(column, values[present], len(values), wishes), values[present], table, name
    )


def as_typed(found: Column, values: Any, table: pa.Table, name: str) -> Column:
    """Let the type of a column have its say in what its numbers were taken for."""
    if found.kind == "number" and raw.value_kind_of(table, name) == "boolean":
        return found._replace(kind="boolean", why="true and false", doubts=())
    if found.kind == "number" and _lose_digits(values, raw.are_exact(table, name)):
        return found._replace(doubts=(LOST_DIGITS, *found.doubts))
    return found


def by_values(
    column: Column,
    values: Any,
    n: int,
    wishes: Wishes,
    counts: npt.NDArray[np.int64] | None = None,
) -> Column:
    """Recognise a column of n rows by its numbers, those of the cells that are there.

    0 and 1 are a boolean, one number alone says nothing, all else is a quantity or a date. Each
    number may stand for several equal ones.
    """
    if not len(values):
        return empty_column(column.name, is_stream=wishes.is_stream)
    low, high = values.min(), values.max()
    is_exact = max(-low, high) < EXACT
    if low == high and len(values) == n and is_exact and not wishes.takes_constants:
        return constant_column(column.name)
    is_plain = column.notation.is_plain
    if is_plain and low == 0 and high == 1 and bool(((values == 0) | (values == 1)).all()):
        return zeros_and_ones(column)
    if is_plain and _are_compact_dates(values, low, high):
        return _compact_dates(column, values)
    with np.errstate(over="ignore"):  # numbers of 1e308 may be infinitely far apart
        doubts = tuple(_doubts_of_numbers(column.name, values, low, high, counts))
    return quantity(column)._replace(doubts=doubts)


def quantity(column: Column) -> Column:
    return column._replace(why=f"numbers{such_as(column.notation)}")


def zeros_and_ones(column: Column) -> Column:
    return column._replace(kind="boolean", why="0 and 1")


def such_as(notation: Notation) -> str:
    return "" if notation.is_plain else f" such as {notation}"


# ------------------------------------------------------------------ dates


def _are_compact_dates(values: Any, low: float, high: float) -> bool:
    """Tell whether these are many different whole numbers, each a date such as 20210304."""
    if not (FIRST_DAY <= low < high <= LAST_DAY) or (values % 1).any():
        return False
    distinct = np.unique(values)
    if len(distinct) < FEWEST_DATES:
        return False
    month, day = distinct // 100 % 100, distinct % 100
    return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


def _compact_dates(column: Column, values: Any) -> Column:
    seconds = np.array([moment(f"{value:.0f}", Dating("date")) for value in np.unique(values)])
    dating = Dating("date", parts=varying_parts("date", seconds))
    return column._replace(kind="date", why="dates such as 20210304", dating=dating)


# ------------------------------------------------------------------ doubts


def _lose_digits(values: Any, are_exact: bool) -> bool:
    """Tell whether whole numbers are too long for a float64; one like 1e300 was never whole."""
    largest = np.abs(values).max(initial=0)
    if largest < EXACT or (largest > WRITTEN_OUT and not are_exact):
        return False
    return are_exact or not (values % 1).any()


def doubts_of_spelling(cells: Iterable[str], notation: Notation = PLAIN) -> Iterator[str]:
    """Doubt numbers written with more digits than a float64 holds."""
    long = (text for text in cells if len(text) >= LONG_NUMBER and not _EXPONENT.search(text))
    if any(abs(number_of(text, notation)) >= EXACT for text in long):
        yield LOST_DIGITS


def doubts_of_zeros(cells: Iterable[str]) -> Iterator[str]:
    """Doubt numbers such as 007."""
    if with_zero := [text for text in cells if re.search(WITH_A_ZERO, text)]:
        yield (
            f"{quoted(with_zero[0])} begins with a zero: are these codes? Then declare the column "
            "a category"
        )


def are_dotted(cells: Iterable[str]) -> bool:
    """Tell whether all fractions are like 1.500, which may mean fifteen hundred."""
    dotted = [text for text in list(cells)[:LOOKED_AT_FIRST] if "." in text]
    return bool(dotted) and all(re.search(DOTTED, text) for text in dotted)


def doubt_of_ids(n: int) -> str:
    return f"all {n:,} whole numbers differ: are they ids? Then leave the column out"


def _doubts_of_numbers(
    name: str, values: Any, low: float, high: float, counts: npt.NDArray[np.int64] | None
) -> Iterator[str]:
    counts = np.ones(len(values), np.int64) if counts is None else counts
    n = int(counts.sum())
    if n >= DOUBTED_FROM and n == len(values) and _may_be_an_id(name, values, low, high):
        yield doubt_of_ids(n)
    for extreme in (low, high) if low < high else ():
        share = counts[values == extreme].sum()
        if share < 2 or n < DOUBTED_FROM:
            continue
        rest = values[values != extreme]
        near, far = rest.min(), rest.max()
        gap = near - low if extreme == low else high - far
        if near < far and gap > far - near:
            yield (
                f"{extreme:g} stands {share:,} times, far from the rest ({near:g} to {far:g}): "
                "does it mean missing? Then declare it so"
            )


def is_named_like_an_id(name: str) -> bool:
    return _LIKE_AN_ID.search(name) is not None


def _may_be_an_id(name: str, values: Any, low: float, high: float) -> bool:
    n, some = len(values), values[:1000]
    if not (high - low < DENSE * n or is_named_like_an_id(name)) or (some % 1).any():
        return False
    return (
        len(np.unique(some)) == len(some) and not (values % 1).any() and len(np.unique(values)) == n
    )
