"""The column to predict: how its numbers are written, and what they are."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables import columns as raw
from handgrad.tables.columns import place
from handgrad.tables.kinds import (
    MISSING_IN_NUMBERS,
    Column,
    number_cells,
    stripped,
    words_for_missing,
)
from handgrad.tables.notation import find_notation
from handgrad.tables.recognition.categories import distinct_texts
from handgrad.tables.recognition.wishes import NO_WISHES, Wishes
from handgrad.text import quoted

if TYPE_CHECKING:
    import pyarrow as pa


def plan_of_target(table: pa.Table, name: str, wishes: Wishes = NO_WISHES) -> Column:
    """Decide how the numbers of a column to predict are written.

    Raises
    ------
    DataError
        If most cells are not numbers.
    """
    column = Column(name, missing=words_for_missing(MISSING_IN_NUMBERS, wishes.missing_of(name)))
    cells = distinct_texts(table, name, column.missing) if raw.has_texts(table, name) else {}
    if not cells:
        return column
    found = find_notation(cells, wishes.decimal, wishes.thousands)
    if found is None:
        row, cell = _first_not_a_number(table, column)
        raise DataError(
            f"{place(table, name, row)}: {quoted(cell)} is not a number, nor are most other cells "
            "of the column"
        )
    notation = found.notation._replace(units=())
    return column._replace(notation=notation, doubts=(found.doubt,) if found.doubt else ())


def _first_not_a_number(table: pa.Table, column: Column) -> tuple[int, str]:
    values, present = number_cells(table, column)
    row = int((present & np.isnan(values)).argmax())
    return row, stripped(table, column.name)[row].as_py()


def target_numbers(table: pa.Table, column: Column) -> npt.NDArray[np.float64]:
    """Read the numbers to predict, shape (n,); NaN where they are missing.

    Raises
    ------
    DataError
        If a cell is neither a number nor missing; the message names it.
    """
    if raw.value_kind_of(table, column.name) == "moment":
        raw.numbers(table, column.name)  # says what to do instead
    reading = column.reads.read(table, column)
    if reading.unknown.any():
        cell = stripped(table, column.name)[int(reading.unknown.argmax())].as_py()
        try:
            column.reads.check(table, column, reading)
        except DataError as error:
            raise DataError(
                f"{error}; if {quoted(cell)} means missing, say so (--missing "
                f"{shlex.quote(f'{column.name}={cell}')})"
            ) from None
    return reading.numbers[:, 0]
