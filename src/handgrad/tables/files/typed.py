"""Columns of Python values, from sheets and JSON, become columns of one type each."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from handgrad.errors import DataError
from handgrad.tables.marks import csv_field
from handgrad.text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_DATES = {datetime.date, datetime.datetime}


def typed(name: str, cells: Sequence[Any]) -> tuple[pa.Field, pa.Array]:
    """Give a column the type of its cells; mixed types become text, as in a CSV file.

    Numbers that are all whole become integers; None is a missing cell.

    Raises
    ------
    DataError
        If a number does not fit into 64 bits.
    """
    import pyarrow as pa

    kinds = {type(cell) for cell in cells if cell is not None}
    if len(kinds) > 1 and not (kinds <= {int, float} or kinds <= _DATES):
        texts = [None if cell is None else as_text(cell) for cell in cells]
        return csv_field(name), pa.array(texts, pa.string())
    try:
        array = pa.array(_alike(cells, kinds))
    except (pa.ArrowException, OverflowError) as error:
        raise DataError(f"column {name!r}: {quoted(error)}; write these numbers as texts") from None
    return pa.field(name, array.type), array


def _alike(cells: Sequence[Any], kinds: set[type]) -> Sequence[Any]:
    if kinds and kinds <= {int, float}:
        whole = all(cell is None or float(cell).is_integer() for cell in cells)
        kind: type = int if whole else float
        return [None if cell is None else kind(cell) for cell in cells]
    if kinds == _DATES:
        return [_with_time(cell) for cell in cells]
    return cells


def _with_time(cell: datetime.date | None) -> datetime.datetime | None:
    if cell is None or isinstance(cell, datetime.datetime):
        return cell
    return datetime.datetime.combine(cell, datetime.time())


def as_text(cell: Any) -> str:
    """Write a value as a CSV file would: 5.0 as 5."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)
