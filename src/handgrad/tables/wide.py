"""Wide tables: columns of typed numbers that need no second look, recognised as one matrix.

What `recognition` says of a column after a look at it alone, and nothing else, is said here of
those that are numbers without a doubt, or 0 and 1; all others are left to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from handgrad.tables.blocks import put_block, typed_numbers
from handgrad.tables.kinds import MISSING_IN_NUMBERS, Column, missing_codes
from handgrad.tables.recognition import (
    DOUBTED_FROM,
    FIRST_DAY,
    LAST_DAY,
    Wishes,
    numbers_column,
    zeros_and_ones,
)

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LONGEST = 4096  # rows; a longer column costs more in arithmetic than in Python
BLOCK_CELLS = 1 << 18


def plain_columns(table: pa.Table, wishes: Wishes) -> dict[str, Column]:
    """Recognise the typed columns that are numbers without a doubt, or 0 and 1, by name.

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
    missing = (*MISSING_IN_NUMBERS, *wishes.missing.get(None, ()))
    found: dict[str, Column] = {}
    for names, columns in _blocks(table, wishes, missing_codes(missing)):
        for are, make in zip(_sure(columns), (numbers_column, zeros_and_ones), strict=True):
            found |= {names[at]: make(names[at], missing) for at in np.flatnonzero(are).tolist()}
    return found


def _blocks(
    table: pa.Table, wishes: Wishes, codes: tuple[float, ...]
) -> Iterator[tuple[list[str], Floats]]:
    """Give the columns in blocks of shape (n, k), NaN where a cell is missing."""
    names = [
        name
        for name, is_typed in typed_numbers(table).items()
        if is_typed and name not in wishes.kinds and name not in wishes.missing
    ]
    n_block = max(1, BLOCK_CELLS // table.num_rows)
    for start in range(0, len(names), n_block):
        some = names[start : start + n_block]
        block = np.empty((len(some), table.num_rows)).T
        put_block(table, some, block, slice(None))
        if codes:
            block[np.isin(block, codes)] = np.nan
        yield some, block


def _sure(x: Floats) -> tuple[Mask, Mask]:
    """Tell which columns are numbers without a doubt, and which are 0 and 1."""
    there = ~np.isnan(x)
    low = np.where(there, x, np.inf).min(axis=0)
    high = np.where(there, x, -np.inf).max(axis=0)
    varies = np.isfinite(low) & np.isfinite(high) & (low < high)
    is_boolean = varies & (low == 0) & (high == 1)
    at = np.flatnonzero(is_boolean)
    is_boolean[at] = ((x[:, at] == 0) | (x[:, at] == 1) | ~there[:, at]).all(axis=0)
    is_number = varies & ~is_boolean & ~((low >= FIRST_DAY) & (high <= LAST_DAY))
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
    found: Mask = ((x % 1 == 0) | np.isnan(x)).all(axis=0)
    ordered = np.sort(x[:, found], axis=0)  # NaN comes last, and equals nothing
    found[found] = (ordered[1:] != ordered[:-1]).all(axis=0)
    return found
