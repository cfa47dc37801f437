"""All cells of a table, as the kinds of its columns read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables import arrow
from handgrad.tables import columns as raw
from handgrad.tables.blocks import (
    LONGEST,
    Texts,
    in_blocks,
    put_block,
    texts_alike,
    typed_numbers,
)
from handgrad.tables.columns import place
from handgrad.tables.kinds import (
    MOST_EXAMPLES,
    Column,
    Unknown,
)
from handgrad.tables.one_cell import (
    codes_in,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.plan import Plan

MANY = 8  # columns, from which on it is faster to read them together

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Cells(NamedTuple):
    """The cells of a table as numbers and texts, before any statistics.

    Attributes
    ----------
    numbers : numpy.ndarray of float64, shape (n, K)
        NaN where there is none.
    texts : list of pyarrow.LargeStringArray, length n
        The texts of each column with levels; null where there is none.
    unknown : list of Unknown
        The cells that could not be read as the kind of their column.
    """

    numbers: Floats
    texts: list[pa.LargeStringArray]
    unknown: list[Unknown]

    def missing(self, plan: Plan, firsts: npt.NDArray[np.intp]) -> Mask:
        """Tell which cells are missing, in the columns whose numbers begin at the places given.

        Parameters
        ----------
        plan : Plan
        firsts : numpy.ndarray of int, shape (f,)
            Some of `plan.firsts`.

        Returns
        -------
        numpy.ndarray of bool, shape (n, f)
        """
        gone = np.isnan(self.numbers[:, firsts])
        for at, first in enumerate(firsts.tolist() if plan.levels_beside else ()):
            if first in plan.levels_beside:  # a word may stand there instead
                texts = self.texts[plan.levels_beside[first]]
                gone[:, at] &= arrow.are_gone(texts)
        return gone

    def n_present(self, plan: Plan, column: Column, texts: pa.LargeStringArray | None) -> int:
        """Count the cells of a column that are there: texts of its levels, numbers, or either."""
        there = np.zeros(len(self.numbers), dtype=bool)
        if texts is not None:
            there |= arrow.are_there(texts)
        first = plan.first_of.get(column.name)
        if first is not None:
            there |= ~np.isnan(self.numbers[:, first])
        return int(there.sum())


def read_cells(
    table: pa.Table, plan: Plan, *, counted: Mask | None = None, strict: bool = True
) -> Cells:
    """Read all columns that become inputs.

    Parameters
    ----------
    table : pyarrow.Table
    plan : Plan
    counted : numpy.ndarray of bool, shape (n,), optional
        The rows that count; faults in others are passed over.
    strict : bool
        Whether to refuse a text in a column of numbers, or else count it as missing.

    Raises
    ------
    DataError
        If a cell cannot be read and must not count as missing; the message names it.
    """
    # column by column is how cells come, and how statistics are taken
    numbers = np.empty((table.num_rows, len(plan.scaled)), dtype=np.float64, order="F")
    unknown: list[Unknown] = []
    typed = _typed_numbers(table, plan)
    _read_typed(table, typed, numbers, unknown, counted)
    if len(typed) == len(plan.used):
        return Cells(numbers, [], unknown)
    places = {column.name: (first, stop) for column, first, stop in plan.with_numbers}
    texts = _read_categories(table, plan)
    done = {column.name for column, _ in typed} | _read_plain_texts(table, plan, places, numbers)
    for column in plan.used:
        if column.name in done or column.name in texts:
            continue
        reading = column.reads.read(table, column)
        if counted is not None:
            reading.unknown[~counted] = False
        if strict:
            column.reads.check(table, column, reading)
        if column.name in places:
            first, stop = places[column.name]
            numbers[:, first:stop] = reading.numbers
        if column.reads.has_levels:
            texts[column.name] = reading.texts
        if reading.unknown.any():
            n_present = int((reading.unknown | ~reading.missing).sum())
            unknown.append(
                unknown_cells(table, column, reading.unknown, n_present, column.reads.taken_for)
            )
    return Cells(numbers, [texts[column.name] for column in plan.with_levels], unknown)


def unknown_cells(
    table: pa.Table, column: Column, where: Mask, n_present: int, taken_for: str
) -> Unknown:
    """Count the unknown cells of a column, with the first few different ones as examples."""
    rows = np.flatnonzero(where)
    some = arrow.take(table.select([column.name]), arrow.of_places(rows[:1000]))
    cells = raw.raw_texts(some, column.name).to_pylist()
    examples = tuple(dict.fromkeys(cells))[:MOST_EXAMPLES]
    return Unknown(column.name, len(rows), n_present, examples, taken_for)


# ------------------------------------------------------------------ typed numbers, all at once


def _typed_numbers(table: pa.Table, plan: Plan) -> list[tuple[Column, int]]:
    """List the columns that Arrow holds as numbers, and the places of these."""
    is_typed = typed_numbers(table)
    return [
        (column, first)
        for column, first, _ in plan.with_numbers
        if is_typed[column.name] and column.kind in ("number", "boolean")
    ]


def _read_typed(
    table: pa.Table,
    typed: list[tuple[Column, int]],
    numbers: Floats,
    unknown: list[Unknown],
    counted: Mask | None,
) -> None:
    if not typed or not table.num_rows:
        return
    places = _places([first for _, first in typed])
    put_block(table, [column.name for column, _ in typed], numbers, places)
    _blank_codes(typed, numbers)
    _check_finite(table, typed, numbers[:, places], counted)
    _count_odd_booleans(table, typed, numbers, unknown)


def _count_odd_booleans(
    table: pa.Table, typed: list[tuple[Column, int]], numbers: Floats, unknown: list[Unknown]
) -> None:
    booleans = [(column, first) for column, first in typed if column.kind == "boolean"]
    if not booleans:
        return
    x = numbers[:, _places([first for _, first in booleans])]
    present = ~np.isnan(x)
    odd = present & (x != 0) & (x != 1)
    for at in np.flatnonzero(odd.any(axis=0)).tolist():
        column, n_present = booleans[at][0], int(present[:, at].sum())
        unknown.append(unknown_cells(table, column, odd[:, at], n_present, column.reads.taken_for))


def _read_plain_texts(
    table: pa.Table, plan: Plan, places: dict[str, tuple[int, int]], numbers: Floats
) -> set[str]:
    """Read columns of texts in which each cell is a plain number, if there are many; name them."""
    done: set[str] = set()
    columns = [c for c, _, _ in plan.with_numbers if c.kind == "number" and c.notation.is_plain]
    for some, missing in _blocks_of_texts(table, columns):
        x, is_read = Texts(table, some, ("", *missing)).numbers()
        x = np.where(np.isin(x, codes_in(missing)), np.nan, x)
        read = [name for name, well in zip(some, is_read, strict=True) if well]
        numbers[:, [places[name][0] for name in read]] = x[is_read].T
        done.update(read)
    return done


def _read_categories(table: pa.Table, plan: Plan) -> dict[str, pa.LargeStringArray]:
    """Read the columns of levels, by name, if there are many."""
    found: dict[str, pa.LargeStringArray] = {}
    columns = [c for c in plan.with_levels if c.kind == "category" and not codes_in(c.missing)]
    for some, missing in _blocks_of_texts(table, columns):
        texts = Texts(table, some, ("", *missing), trimmed=False)
        found |= zip(some, texts.columns(), strict=True)
    return found


def _blocks_of_texts(
    table: pa.Table, columns: list[Column]
) -> Iterator[tuple[list[str], tuple[str, ...]]]:
    """Group columns of texts by their words for a missing cell, if there are many.

    Gives the names of the columns of each block, and its words.
    """
    if not 0 < table.num_rows <= LONGEST or len(columns) < MANY:
        return
    missing_of = {column.name: column.missing for column in columns}
    for names in texts_alike(table):
        alike: dict[tuple[str, ...], list[str]] = {}
        for name in names:
            if name in missing_of:
                alike.setdefault(missing_of[name], []).append(name)
        for missing, those in alike.items():
            for some in in_blocks(those, table.num_rows):
                yield some, missing


def _places(places: list[int]) -> Any:
    """Index ascending places, by a slice, which copies nothing, where they follow each other."""
    if places and places[-1] - places[0] == len(places) - 1:
        return slice(places[0], places[-1] + 1)
    return np.array(places, dtype=np.intp)


def _blank_codes(typed: list[tuple[Column, int]], numbers: Floats) -> None:
    alike: dict[tuple[float, ...], list[int]] = {}
    for column, first in typed:
        if codes := codes_in(column.missing):
            alike.setdefault(codes, []).append(first)
    for codes, firsts in alike.items():
        at = _places(firsts)
        numbers[:, at] = np.where(np.isin(numbers[:, at], codes), np.nan, numbers[:, at])


def _check_finite(
    table: pa.Table, typed: list[tuple[Column, int]], numbers: Floats, counted: Mask | None
) -> None:
    infinite = np.isinf(numbers)
    if counted is not None:
        infinite &= counted[:, None]
    if infinite.any():
        row, at = np.argwhere(infinite)[0]
        where = place(table, typed[at][0].name, int(row))
        raise DataError(f"{where}: {numbers[row, at]} is not a finite number")
