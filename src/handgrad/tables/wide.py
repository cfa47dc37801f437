"""Wide tables: columns of numbers that need no second look, recognised as one matrix.

What `recognition` says of a column after a look at it alone, and nothing else, is said here of
those that are numbers without a doubt, or 0 and 1; all others are left to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from handgrad.tables.blocks import (
    LONGEST,
    Texts,
    in_blocks,
    put_block,
    texts_alike,
    typed_numbers,
)
from handgrad.tables.kinds import MISSING_IN_NUMBERS, Column, codes_in, words_for_missing
from handgrad.tables.recognition import (
    DOTTED,
    DOUBTED_FROM,
    EXACT,
    FIRST_DAY,
    LAST_DAY,
    LOOKED_AT_FIRST,
    WITH_A_ZERO,
    Wishes,
    numbers_column,
    zeros_and_ones,
)

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def plain_columns(table: pa.Table, wishes: Wishes) -> dict[str, Column]:
    """Recognise the columns that are numbers without a doubt, or 0 and 1, by name.

    Parameters
    ----------
    table : pyarrow.Table
    wishes : Wishes
        Columns of which it says something by name are left out here.

    Returns
    -------
    dict of str to Column
        Equal to what `column_of` gives.
    """
    if not 0 < table.num_rows <= LONGEST:
        return {}
    missing = words_for_missing(MISSING_IN_NUMBERS, wishes.missing.get(None, ()))
    found = _typed(table, wishes, missing)
    is_usual = not codes_in(missing) and wishes.decimal in (None, ".") and wishes.thousands != "."
    if is_usual and table.num_rows <= LOOKED_AT_FIRST:
        found |= _texts(table, wishes, missing)
    return found


def _typed(table: pa.Table, wishes: Wishes, missing: tuple[str, ...]) -> dict[str, Column]:
    found: dict[str, Column] = {}
    codes = codes_in(missing)
    of_interest = [name for name, is_typed in typed_numbers(table).items() if is_typed]
    for names in in_blocks(_unnamed(of_interest, wishes), table.num_rows):
        x = np.empty((len(names), table.num_rows)).T
        put_block(table, names, x, slice(None))
        if codes:
            x[np.isin(x, codes)] = np.nan
        for are, make in zip(_sure(x), (numbers_column, zeros_and_ones), strict=True):
            found |= {names[at]: make(names[at], missing) for at in np.flatnonzero(are).tolist()}
    return found


def _texts(table: pa.Table, wishes: Wishes, missing: tuple[str, ...]) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for alike in texts_alike(table):
        for names in in_blocks(_unnamed(alike, wishes), table.num_rows):
            texts = Texts(table, names, missing)
            numbers, is_read = texts.numbers()
            with_point, dotted = texts.match(r"\."), texts.match(DOTTED)
            are_dotted = with_point.any(axis=1) & (dotted | ~with_point).all(axis=1)
            are_sure = is_read & ~are_dotted & ~texts.match(WITH_A_ZERO).any(axis=1)
            are_sure &= _sure(numbers.T)[0]
            sure = [names[at] for at in np.flatnonzero(are_sure).tolist()]
            found |= {name: numbers_column(name, missing) for name in sure}
    return found


def _unnamed(names: list[str], wishes: Wishes) -> list[str]:
    return [name for name in names if name not in wishes.kinds and name not in wishes.missing]


def _sure(x: Floats) -> tuple[Mask, Mask]:
    """Tell which columns are numbers without a doubt, and which are 0 and 1."""
    there = ~np.isnan(x)
    low = np.where(there, x, np.inf).min(axis=0)
    high = np.where(there, x, -np.inf).max(axis=0)
    varies = np.isfinite(low) & np.isfinite(high) & (low < high)
    is_boolean = varies & (low == 0) & (high == 1)
    at = np.flatnonzero(is_boolean)
    is_boolean[at] = ((x[:, at] == 0) | (x[:, at] == 1) | ~there[:, at]).all(axis=0)
    is_exact = np.maximum(-low, high) <= EXACT
    is_number = varies & is_exact & ~is_boolean & ~((low >= FIRST_DAY) & (high <= LAST_DAY))
    at = np.flatnonzero(is_number & (there.sum(axis=0) >= DOUBTED_FROM))
    if len(at):
        y = x[:, at]
        doubted = _has_a_far_extreme(y, low[at], high[at]) | _all_whole_and_different(y)
        is_number[at[doubted]] = False
    return is_number, is_boolean


def _has_a_far_extreme(x: Floats, low: Floats, high: Floats) -> Mask:
    """Tell where the least or the largest number stands several times, far from the rest."""
    far = np.zeros(x.shape[1], dtype=bool)
    for extreme in (low, high):
        several = np.flatnonzero((x == extreme).sum(axis=0) >= 2)
        y, its = x[:, several], extreme[several]
        is_rest = ~np.isnan(y) & (y != its)
        near = np.where(is_rest, y, np.inf).min(axis=0)
        most = np.where(is_rest, y, -np.inf).max(axis=0)
        with np.errstate(over="ignore"):
            gap = near - its if extreme is low else its - most
            far[several] |= (near < most) & (gap > most - near)
    return far


def _all_whole_and_different(x: Floats) -> Mask:
    """Tell where the numbers may be ids."""
    found: Mask = _are_whole(x[:8])  # as a rule these tell
    found[found] = _are_whole(x[:, found])
    ordered = np.sort(x[:, found], axis=0)  # NaN comes last, and equals nothing
    found[found] = (ordered[1:] != ordered[:-1]).all(axis=0)
    return found


def _are_whole(x: Floats) -> Mask:
    whole: Mask = ((x % 1 == 0) | np.isnan(x)).all(axis=0)
    return whole
