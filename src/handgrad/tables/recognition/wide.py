"""Wide tables: columns that need no second look are recognised as one matrix.

These are clear numbers, 0 and 1, words that repeat, and columns that are empty or all the same.
Each is described exactly as ``column.py`` does; all other columns are left to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from handgrad.tables.kinds import (
    MISSING_IN_NUMBERS,
    MISSING_IN_TEXTS,
    Column,
    constant_column,
    empty_column,
    words_for_missing,
)
from handgrad.tables.marks import NUMBER as NUMBER_PATTERN
from handgrad.tables.marks import is_csv, words_are_texts
from handgrad.tables.one_cell import (
    FALSE,
    TRUE,
    codes_in,
)
from handgrad.tables.recognition.categories import FEWEST_ROWS, different_texts, gist
from handgrad.tables.recognition.numbers import (
    DENSE,
    DOTTED,
    DOUBTED_FROM,
    EXACT,
    FIRST_DAY,
    LAST_DAY,
    LOOKED_AT_FIRST,
    WITH_A_ZERO,
    is_named_like_an_id,
    quantity,
    zeros_and_ones,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.recognition.wishes import Wishes

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]


def plain_columns(table: pa.Table, wishes: Wishes) -> dict[str, Column]:
    """Recognise the columns that need no second look, by name.

    Parameters
    ----------
    table : pyarrow.Table
    wishes : Wishes
        Columns that it names are passed over.

    Returns
    -------
    dict of str to Column
        Each equal to what `column_of` gives.
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
        found |= _columns(_sure(x, names, wishes), names, missing)
    return found


def _texts(table: pa.Table, wishes: Wishes, missing: tuple[str, ...]) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for alike in texts_alike(table):
        for names in in_blocks(_unnamed(alike, wishes), table.num_rows):
            texts = Texts(table, names, missing)
            numbers, is_read = texts.numbers()
            sure = _sure(numbers.T, names, wishes)
            sure &= is_read & ~_may_be_codes(texts)
            sure[BOOLEAN] &= (texts.match("^[01]$") | ~texts.there()).all(axis=1)
            found |= _columns(sure, names, missing)
            others = ~is_read | ~texts.there().any(axis=1)
            found |= _words(table, _picked(names, others), wishes)
    return found


def _may_be_codes(texts: Texts) -> Mask:
    """Tell which columns have only fractions such as 1.500, or a number such as 007."""
    with_point, dotted = texts.match(r"\."), texts.match(DOTTED)
    are_dotted = with_point.any(axis=1) & (dotted | ~with_point).all(axis=1)
    return np.asarray(are_dotted | texts.match(WITH_A_ZERO).any(axis=1))


def _columns(sure: Mask, names: list[str], missing: tuple[str, ...]) -> dict[str, Column]:
    found = {name: constant_column(name) for name in _picked(names, sure[CONSTANT])}
    for kind, describe in ((NUMBER, quantity), (BOOLEAN, zeros_and_ones)):
        for name in _picked(names, sure[kind]):
            found[name] = describe(Column(name, missing=missing))
    return found


def _picked(names: list[str], are: Mask) -> list[str]:
    return [names[at] for at in np.flatnonzero(are).tolist()]


def _unnamed(names: list[str], wishes: Wishes) -> list[str]:
    return [name for name in names if name not in wishes.kinds and name not in wishes.missing]


# ------------------------------------------------------------------ numbers


NUMBER, BOOLEAN, CONSTANT = range(3)


def _sure(x: Floats, names: list[str], wishes: Wishes) -> Mask:
    """Tell which columns are clear numbers, 0 and 1, or the same in all rows, shape (3, k)."""
    there = ~np.isnan(x)
    low = np.where(there, x, np.inf).min(axis=0)
    high = np.where(there, x, -np.inf).max(axis=0)
    is_finite = np.isfinite(low) & np.isfinite(high)
    is_exact = is_finite & (np.maximum(-low, high) < EXACT)
    varies = is_finite & (low < high)
    is_boolean = varies & (low == 0) & (high == 1)
    at = np.flatnonzero(is_boolean)
    is_boolean[at] = ((x[:, at] == 0) | (x[:, at] == 1) | ~there[:, at]).all(axis=0)
    is_number = varies & is_exact & ~is_boolean & ~((low >= FIRST_DAY) & (high <= LAST_DAY))
    at = np.flatnonzero(is_number & (there.sum(axis=0) >= DOUBTED_FROM))
    if len(at):
        y = x[:, at]
        doubted = _has_a_far_extreme(y, low[at], high[at])
        doubted |= _may_be_ids(y, high[at] - low[at], [names[place] for place in at.tolist()])
        is_number[at[doubted]] = False
    is_constant = is_exact & (low == high) & there.all(axis=0) & (not wishes.takes_constants)
    return np.array([is_number, is_boolean, is_constant])


def _has_a_far_extreme(x: Floats, low: Floats, high: Floats) -> Mask:
    """Tell where the smallest or largest number occurs several times, far from the rest."""
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


def _may_be_ids(x: Floats, spread: Floats, names: list[str]) -> Mask:
    """Tell where whole numbers all differ, and lie close together or are named like ids."""
    found: Mask = _are_whole(x[:8])  # mostly these suffice
    found[found] = _are_whole(x[:, found])
    ordered = np.sort(x[:, found], axis=0)  # NaN comes last, and equals nothing
    found[found] = (ordered[1:] != ordered[:-1]).all(axis=0)
    for at in np.flatnonzero(found & (spread >= DENSE * (~np.isnan(x)).sum(axis=0))).tolist():
        found[at] = is_named_like_an_id(names[at])
    return found


def _are_whole(x: Floats) -> Mask:
    return np.asarray(((x % 1 == 0) | np.isnan(x)).all(axis=0))


# ------------------------------------------------------------------ words


WORD = r"^[A-Za-z](?:[A-Za-z /|._-]*[A-Za-z])?$"  # no digit, so neither a number nor a date


def _words(table: pa.Table, names: list[str], wishes: Wishes) -> dict[str, Column]:
    """Recognise the columns of words that repeat and do not look alike, and those without a cell.

    Columns are passed over if a cell means missing among numbers only, or may have been quoted.
    """
    if not names:
        return {}
    more = wishes.missing.get(None, ())
    missing = words_for_missing(MISSING_IN_TEXTS, more)
    texts = Texts(table, names, ("", *missing), trimmed=False)
    there = texts.there()
    odd = there & (texts.are(words_for_missing(MISSING_IN_NUMBERS, more)) | ~texts.match(WORD))
    odd |= texts.match(NUMBER_PATTERN)  # infinity has letters alone
    odd |= texts.are(("", *missing)) & ~_are_unquoted(table, names)[:, None]
    codes, distinct = texts.coded()
    n, total = _n_different(codes), there.sum(axis=1)
    are_sure = ~odd.any(axis=1) & ((total < FEWEST_ROWS) | (2 * n < total))
    are_sure &= (n == 0) | ~_are_truths(codes, distinct)
    are_sure &= n == _n_different(_gists(codes, distinct))
    full = total == table.num_rows
    return {
        names[at]: _of_words(names[at], int(n[at]), bool(full[at]), missing, wishes)
        for at in np.flatnonzero(are_sure).tolist()
    }


def _of_words(name: str, n: int, is_full: bool, missing: tuple[str, ...], wishes: Wishes) -> Column:
    if not n:
        return empty_column(name, is_stream=wishes.is_stream)
    if n == 1 and is_full and not wishes.takes_constants:
        return constant_column(name)
    return Column(name, "category", different_texts(n), missing=missing, n_levels=n)


def _are_unquoted(table: pa.Table, names: list[str]) -> Mask:
    """Tell which columns come from a CSV file in which quotes mark no words."""
    fields = map(table.schema.field, names)
    return np.array([is_csv(field) and not words_are_texts(field) for field in fields])


def _are_truths(codes: Codes, distinct: list[str]) -> Mask:
    """Tell in which columns all cells are yes or no."""
    are = np.array([*(text.casefold() in TRUE | FALSE for text in distinct), True])
    return np.asarray(are[codes].all(axis=1))


def _gists(codes: Codes, distinct: list[str]) -> Codes:
    """Give the same number to texts that look alike."""
    known: dict[Any, int] = {}
    places = [known.setdefault(gist(text), len(known)) for text in distinct]
    found: Codes = np.array([*places, -1])[codes]
    return found


def _n_different(codes: Codes) -> Codes:
    """Count the different numbers in each row, without -1."""
    ordered = np.sort(codes, axis=1)
    n: Codes = (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) + (ordered[:, 0] >= 0)
    return n
