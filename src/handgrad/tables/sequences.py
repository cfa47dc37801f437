"""One column of a frame, in any Python container, becomes an Arrow array."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence, Set
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.text import quoted

if TYPE_CHECKING:
    import pyarrow as pa

_ADVICE = "a column must be one sequence of texts, of numbers or of booleans"
_WITHOUT_TEXT = (bytes, bytearray, complex, np.complexfloating, np.ndarray, Sequence, Set, Mapping)


class ArrowColumn(NamedTuple):
    """Cells, and whether they became texts only because their types were mixed."""

    cells: pa.Array | pa.ChunkedArray
    is_mixed: bool = False


def is_missing(cell: object) -> bool:
    """Tell whether a cell is None, NaN, NaT or NA, of NumPy, pandas and ``decimal``, too."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return bool(np.isnat(cell))
    if isinstance(cell, Decimal):
        return cell.is_nan()
    return isinstance(cell, float | np.floating) and bool(np.isnan(cell))


def slices(block: npt.NDArray[Any]) -> list[pa.Array]:
    """Give the columns of a matrix of numbers, NaN as null, as slices of one array."""
    import pyarrow as pa

    n = len(block)
    whole = pa.array(np.ascontiguousarray(block.T).ravel(), from_pandas=True)
    return [whole.slice(column * n, n) for column in range(block.shape[1])]


def from_sequence(name: str, values: Any) -> ArrowColumn:
    """Turn one column into an Arrow array; NaN and NA are null.

    Cells whose types no Arrow array holds together (1 and "a") become texts, as in a CSV file.
    So do intervals, periods and UUIDs, and categories of them or of dates.

    Raises
    ------
    DataError
        If `values` is not a sequence of cells; the message names the column.
    """
    if isinstance(values, str | bytes):
        raise DataError(f"column {name!r} is {quoted(values)}; {_ADVICE}")
    dtype = getattr(values, "dtype", None)  # pandas is slow to say which attributes it lacks
    if hasattr(dtype, "fill_value"):  # a sparse column of pandas
        values = np.asarray(values)
    try:
        if hasattr(dtype, "categories"):
            held = getattr(values, "cat", values)
            if hasattr(held, "rename_categories"):
                return ArrowColumn(_categories(held, values))
        return _plain(values)
    except _cannot() as error:
        return _mixed(name, values, error)


def _cannot() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowException, TypeError, ValueError, OverflowError)


def _plain(values: Any) -> ArrowColumn:
    import pyarrow as pa

    cells = pa.array(values, from_pandas=True)
    if isinstance(cells.type, pa.BaseExtensionType):
        return ArrowColumn(_texts(list(values)))
    if pa.types.is_date(cells.type) and not hasattr(values, "__arrow_array__"):
        return ArrowColumn(_days_and_times(list(values)))
    return ArrowColumn(cells)


def _categories(held: Any, values: Any) -> pa.Array:
    """Encode categories; those that are neither texts nor numbers become texts."""
    import pyarrow as pa

    is_number = getattr(held.categories.dtype, "kind", "O") in "biuf"
    if not (is_number or all(isinstance(level, str) for level in held.categories)):
        values = held.rename_categories(held.categories.astype(str))
    return pa.array(values, from_pandas=True)


def _days_and_times(listed: list[Any]) -> pa.Array:
    """Keep the time of day, which Arrow drops where the first cell is a plain day."""
    import pyarrow as pa

    if any(isinstance(cell, datetime.datetime) for cell in listed):
        listed = [_at_midnight(cell) if type(cell) is datetime.date else cell for cell in listed]
    return pa.array(listed, from_pandas=True)


def _at_midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time())


def _mixed(name: str, values: Any, error: Exception) -> ArrowColumn:
    listed = list(values) if isinstance(values, Iterable) else []
    kinds = {type(cell) for cell in listed if not is_missing(cell)}
    if kinds and all(issubclass(kind, datetime.date) for kind in kinds):
        return ArrowColumn(_days_and_times(listed))
    if not kinds or not all(map(_has_a_text, kinds)):
        raise DataError(f"column {name!r}: {quoted(error)}; {_ADVICE}") from None
    return ArrowColumn(_texts(listed), is_mixed=True)


def _has_a_text(kind: type) -> bool:
    if issubclass(kind, str):
        return True
    return not issubclass(kind, _WITHOUT_TEXT) and (
        kind.__str__ is not object.__str__ or kind.__repr__ is not object.__repr__
    )


def _texts(listed: list[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if is_missing(cell) else str(cell) for cell in listed], pa.large_string())
