"""One column of a table, as numbers, as texts or as labels."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables import arrow
from handgrad.tables.marks import LINES, NUMBER, PLAIN_NUMBER, counts_of, is_csv
from handgrad.text import listed, quoted

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["number", "boolean", "category", "text", "csv", "moment", "empty"]

MISSING_WORDS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "?")

_PLAIN = re.compile(PLAIN_NUMBER)
_NUMBER = re.compile(NUMBER)


def kind_of(table: pa.Table, name: str) -> Kind:
    """Give the kind of a column: number, boolean, category, text, csv, moment or empty.

    A column of CSV text may turn out to be anything; a moment is a date, a time or a duration.

    Raises
    ------
    DataError
        If there is no such column, or it holds lists, bytes or the like.
    """
    import pyarrow.types as types

    kind = _column(table, name).type
    return "category" if types.is_dictionary(kind) else value_kind_of(table, name)


def value_kind_of(table: pa.Table, name: str) -> Kind:
    """Give the kind of the cells of a column, whether or not it is a dictionary of them."""
    field = table.schema.field(_place_of(table, name))
    kind = _kind_of_type(field.type)
    if kind is None:
        raise DataError(
            f"column {name!r} has the type {quoted(_value_type(field.type))}, which is not a "
            "number, text, date or boolean; convert it, or drop the column"
        )
    return "csv" if kind == "text" and is_csv(field) else kind


@lru_cache(maxsize=1000)
def _kind_of_type(kind: pa.DataType) -> Kind | None:
    import pyarrow.types as types

    kind = _value_type(kind)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_boolean(kind):
        return "boolean"
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    if types.is_null(kind):
        return "empty"
    return "moment" if types.is_temporal(kind) else None


def _value_type(kind: pa.DataType) -> pa.DataType:
    import pyarrow.types as types

    while types.is_dictionary(kind):
        kind = kind.value_type
    return kind


def numbers(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """Give a column as numbers.

    Among texts, the cells "", NA, N/A, NaN, nan, null, NULL and ? are missing, blanks around a
    cell do not count, and every other cell must be a plain decimal number; 1e-400 is 0. Booleans
    are 0 and 1. Integers beyond 2**53 lose their last digits.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Finite, or NaN where the cell is missing.

    Raises
    ------
    DataError
        If a cell is not a number or is infinite; the message gives row, column and value.
    """
    import pyarrow as pa

    if value_kind_of(table, name) in ("text", "csv"):
        return _parsed(table, name)
    _check_no_moments(table, name)
    values = arrow.to_numpy(arrow.cast(decoded(table, name), pa.float64(), safe=False))
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise DataError(f"{place(table, name, row)}: {values[row]} is not a finite number")
    return values


def has_texts(table: pa.Table, name: str) -> bool:
    """Tell whether the cells of a column are texts, categories of texts included."""
    return value_kind_of(table, name) in ("text", "csv")


def are_exact(table: pa.Table, name: str) -> bool:
    """Tell whether the numbers of a column are of a type that keeps each digit."""
    return _is_exact(_value_type(_column(table, name).type))


@lru_cache(maxsize=1000)
def _is_exact(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(kind) or types.is_decimal(kind))


def decoded(table: pa.Table, name: str) -> pa.ChunkedArray:
    """Give a column without its dictionary."""
    import pyarrow as pa

    column = _column(table, name)
    while pa.types.is_dictionary(column.type):
        column = arrow.cast(column, column.type.value_type)
    return column


def raw_texts(table: pa.Table, name: str) -> pa.LargeStringArray:
    """Give a column as texts, exactly as they stand; only a null is missing."""
    import pyarrow as pa

    value_kind_of(table, name)
    cells = decoded(table, name)
    if cells.type != pa.large_string():
        cells = arrow.cast(cells, pa.large_string())
    return cells.combine_chunks()


def labels(table: pa.Table, name: str) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.bool_]]:
    """Give a column as labels, exactly as they stand: nothing is parsed or merged.

    Returns
    -------
    values : numpy.ndarray, shape (n,)
        object (of str), int64, uint64, float64 or bool; categories are decoded. The value of a
        missing label means nothing.
    missing : numpy.ndarray of bool, shape (n,)
        True for a null, a NaN and an empty cell of a CSV file. The text NA is a label.

    Raises
    ------
    DataError
        If there is no such column, or it holds lists, bytes or the like.
    """
    import pyarrow as pa

    kind = value_kind_of(table, name)
    if kind in ("text", "csv", "empty"):
        cells = raw_texts(table, name)
        values = _shared_objects(cells)
        missing = arrow.are_gone(cells)
        return values, missing | (values == "") if kind == "csv" else missing
    _check_no_moments(table, name)
    column = decoded(table, name)
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        values = arrow.to_numpy(arrow.cast(column, pa.float64()))
        return values, np.isnan(values)
    wide = arrow.cast(column, _widest(column.type))
    return arrow.to_numpy(arrow.with_zeros(wide)), arrow.are_gone(column)


def is_plain_number(text: str) -> bool:
    """Tell whether a text is a number as programs write it, such as -1.5 or 2e3."""
    return _PLAIN.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Tell whether a text is a number as programs write it, or infinity."""
    return _NUMBER.match(text) is not None


def part_of(table: pa.Table, start: int, n: int) -> pa.Table:
    """Cut rows out of a table; messages still give their places in the whole table."""
    first_line, first_row = origin(table)
    part = table.slice(start, n)
    line = first_line + start if first_line else 0
    place_of = {LINES: f"{line} {part.num_rows} {first_row + start}".encode()}
    return part.replace_schema_metadata(place_of)


def _check_no_moments(table: pa.Table, name: str) -> None:
    if value_kind_of(table, name) == "moment":
        raise DataError(
            f"column {name!r} holds {_column(table, name).type}, which can be an input but cannot "
            "be predicted; turn it into numbers, such as days since a date, or into texts"
        )


def place(table: pa.Table, name: str, row: int) -> str:
    """Say where a cell stands, for a message: "column 'age', row 5 (line 6)".

    `row` counts from 0, the message from 1. The line of the file is given where each row is one
    line and the table still has all its rows; a row cut out by `part_of` knows which it was.
    """
    if counts_of(table) is not None:  # its rows are none of the file's
        return f"column {name!r}"
    first_line, first_row = origin(table)
    line = f" (line {first_line + row})" if first_line else ""
    return f"column {name!r}, row {first_row + row + 1}{line}"


def origin(table: pa.Table) -> tuple[int, int]:
    """Give the line of its file in which a table begins, 0 where that is unknown, and the row."""
    mark = (table.schema.metadata or {}).get(LINES, b"0 0 0")
    first_line, n_rows, first_row = [*map(int, mark.split()), 0][:3]
    return (first_line if n_rows == table.num_rows else 0), first_row


def _parsed(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    import pyarrow as pa

    cells = _without_missing(raw_texts(table, name))
    try:
        values = arrow.to_numpy(arrow.cast(cells, pa.float64()))
    except pa.ArrowInvalid:
        are_numbers = arrow.match(cells, NUMBER).to_pylist()
        row = are_numbers.index(False)
        cell = cells[row].as_py()
        raise DataError(not_a_number(place(table, name, row), cell)) from None
    if np.isfinite(values).sum() + cells.null_count < len(values):
        present = arrow.are_there(cells)
        row = int((present & ~np.isfinite(values)).argmax())
        raise DataError(not_a_number(place(table, name, row), cells[row].as_py()))
    return values


def not_a_number(where: str, cell: str) -> str:
    """Say why a text cannot be used as a number."""
    if is_plain_number(cell):
        return f"{where}: {quoted(cell)} overflows; the largest number is about 1.8e308"
    if is_number(cell):
        return f"{where}: {quoted(cell)} is infinite; write a finite number or leave it empty"
    return (
        f"{where}: {quoted(cell)} is not a plain decimal number such as -1.5 or 2e3; "
        "mend the cell, or leave it empty if the value is missing"
    )


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    return table.column(_place_of(table, name))


def _place_of(table: pa.Table, name: str) -> int:
    places: list[int] = table.schema.get_all_field_indices(name)
    if len(places) != 1:
        raise DataError(f"there is no column {name!r}; there are {listed(table.column_names)}")
    return places[0]


def _without_missing(cells: pa.LargeStringArray) -> pa.LargeStringArray:
    bare = arrow.trimmed_of_ascii(cells)
    return arrow.blanked(bare, arrow.are_among(bare, MISSING_WORDS))


def _shared_objects(cells: pa.LargeStringArray) -> npt.NDArray[np.object_]:
    places, distinct = arrow.coded(cells)
    shared: npt.NDArray[np.object_] = np.array([*distinct, None], dtype=object)[places]
    return shared


def _widest(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return kind
    return pa.uint64() if pa.types.is_unsigned_integer(kind) else pa.int64()
