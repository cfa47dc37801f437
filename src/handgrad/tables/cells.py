"""All cells of a table, as the kinds of its columns read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables import columns as raw
from handgrad.tables.columns import place
from handgrad.tables.kinds import MOST_EXAMPLES, Column, Unknown, codes_in
from handgrad.tables.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Cells(NamedTuple):
    """What the columns of a table say, before any statistics.

    Attributes
    ----------
    numbers : numpy.ndarray of float64, shape (n, K)
        NaN where there is none.
    texts : list of pyarrow.LargeStringArray, length n
        Of each column with levels; null where there is none.
    unknown : list of Unknown
        What no kind could read.
    """

    numbers: Floats
    texts: list[pa.LargeStringArray]
    unknown: list[Unknown]

    def missing(self, plan: Plan) -> list[Mask]:
        """Tell for each column with numbers in which rows nothing stands at all."""
        texts = dict(zip((c.name for c in plan.with_levels), self.texts, strict=True))
        masks = []
        for column, first, _ in plan.with_numbers:
            no_number = np.isnan(self.numbers[:, first])
            if column.name in texts:  # a word may stand there instead
                no_number &= texts[column.name].is_null().to_numpy(zero_copy_only=False)
            masks.append(no_number)
        return masks

    def n_present(self, plan: Plan, column: Column, texts: pa.LargeStringArray) -> int:
        """Count the cells of a column with levels that are there, numbers among them."""
        there = texts.is_valid().to_numpy(zero_copy_only=False)
        first = _where_number(plan, column)
        if first is not None:
            there = there | ~np.isnan(self.numbers[:, first])
        return int(there.sum())


def _where_number(plan: Plan, column: Column) -> int | None:
    return next((first for c, first, _ in plan.with_numbers if c.name == column.name), None)


def read_cells(
    table: pa.Table, plan: Plan, *, counted: Mask | None = None, strict: bool = True
) -> Cells:
    """Read all columns that become inputs.

    Parameters
    ----------
    table : pyarrow.Table
    plan : Plan
    counted : numpy.ndarray of bool, shape (n,), optional
        The rows that count: what is wrong in others is not told.
    strict : bool
        Whether a text in a column of numbers is refused, or else taken for missing.

    Raises
    ------
    DataError
        If a cell can be taken for nothing.
    """
    wanted = sum(stop - first for _, first, stop in plan.with_numbers)
    numbers = np.empty((table.num_rows, wanted), dtype=np.float64)
    unknown: list[Unknown] = []
    texts = {}
    typed = _typed_numbers(table, plan)
    _read_typed(table, typed, numbers, unknown, counted)
    done = {column.name for column, _ in typed}
    places = {column.name: (first, stop) for column, first, stop in plan.with_numbers}
    for column in plan.used:
        if column.name in done:
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
    """Describe the cells of a column that are not known, by the first few that differ."""
    rows = np.flatnonzero(where)
    cells = raw.raw_texts(table.take(rows[:1000]), column.name).to_pylist()
    examples = tuple(dict.fromkeys(cells))[:MOST_EXAMPLES]
    return Unknown(column.name, len(rows), n_present, examples, taken_for)


# ------------------------------------------------------------------ typed numbers, all at once


def _typed_numbers(table: pa.Table, plan: Plan) -> list[tuple[Column, int]]:
    """List the columns that Arrow hands over as numbers, and where these belong."""
    import pyarrow.types as types

    kinds = dict(zip(table.column_names, table.schema.types, strict=True))
    return [
        (column, first)
        for column, first, _ in plan.with_numbers
        if column.kind in ("number", "boolean")
        and (types.is_floating(kinds[column.name]) or types.is_integer(kinds[column.name]))
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
    names = [column.name for column, _ in typed]
    places = np.array([first for _, first in typed])
    row = 0
    for batch in table.select(names).combine_chunks().to_batches():
        block = np.asarray(batch.to_tensor(null_to_nan=True, row_major=False))
        numbers[row : row + len(block), places] = block
        row += len(block)
    _blank_codes(typed, numbers)
    _check_finite(table, typed, numbers, counted)
    for column, first in typed:
        if column.kind != "boolean":
            continue
        x = numbers[:, first]
        odd = ~np.isnan(x) & (x != 0) & (x != 1)
        if odd.any():
            n_present = int((~np.isnan(x)).sum())
            unknown.append(unknown_cells(table, column, odd, n_present, column.reads.taken_for))


def _blank_codes(typed: list[tuple[Column, int]], numbers: Floats) -> None:
    for column, first in typed:
        if codes := codes_in(column.missing):
            numbers[np.isin(numbers[:, first], list(codes)), first] = np.nan


def _check_finite(
    table: pa.Table, typed: list[tuple[Column, int]], numbers: Floats, counted: Mask | None
) -> None:
    infinite = np.isinf(numbers[:, [first for _, first in typed]])
    if counted is not None:
        infinite &= counted[:, None]
    if infinite.any():
        row, at = np.argwhere(infinite)[0]
        column, first = typed[at]
        where = place(table, column.name, int(row))
        raise DataError(f"{where}: {numbers[row, first]} is not a finite number")
