"""Values to learn, in any container, become a NumPy array, exactly.

NumPy's own conversion turns whole numbers into floats where a cell may be missing, and so merges
large ids; here each cell keeps its type, and missing cells are marked beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables.frames import is_frame, without_views
from handgrad.tables.sequences import is_missing
from handgrad.text import quoted

if TYPE_CHECKING:
    import pyarrow as pa

Array = npt.NDArray[Any]


class Values(NamedTuple):
    """Cells, and which of them are missing; the value of a missing cell means nothing."""

    cells: Array  # (n,), or (n, k) where they came in k columns
    missing: npt.NDArray[np.bool_]  # as the cells


def values_of(y: Any) -> Values:
    """Give the cells of a list, an array, a column or a frame, each in its own type.

    Parameters
    ----------
    y : array-like, pandas or polars Series or DataFrame, pyarrow Array, ChunkedArray or Table
        Categories are decoded. Decimals of Arrow become floats, dates datetime64, times with a
        zone objects. None, NaN, NaT, NA, null and masked cells are missing.

    Returns
    -------
    Values
        A frame becomes a matrix; a list of rows of different lengths is one column of lists.

    Raises
    ------
    DataError
        If `y` is a single value.
    """
    if type(y).__name__ == "LazyFrame":
        y = y.collect()
    if is_frame(y):
        return _beside([values_of(column) for column in _columns(y)])
    if hasattr(y, "isna") and hasattr(y, "dtype"):
        return _of_pandas(y)
    if hasattr(y, "__arrow_c_stream__") or hasattr(y, "__arrow_c_array__"):
        return _of_other_columns(y)
    if isinstance(y, list | tuple):
        return _of_numpy(_of_list(y))
    return _of_numpy(y.toarray() if hasattr(y, "toarray") else y)


def floats(values: Values) -> npt.NDArray[np.float64]:
    """Turn numbers into floats: NaN where missing, infinity where too large.

    Returns
    -------
    numpy.ndarray of float64, in the shape of the cells
    """
    cells, missing = values
    if cells.dtype == object:
        listed = zip(cells.flat, missing.flat, strict=True)
        each = (math.nan if gone else _float(cell) for cell, gone in listed)
        return np.fromiter(each, np.float64, cells.size).reshape(cells.shape)
    numbers = cells.astype(np.float64)
    numbers[missing] = math.nan
    return numbers


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return math.inf


def _columns(frame: Any) -> list[Any]:
    import pyarrow as pa

    if hasattr(frame, "iloc"):
        return [frame.iloc[:, position] for position in range(frame.shape[1])]
    return list(without_views(pa.table(frame)).columns)


def _beside(columns: list[Values]) -> Values:
    """Join columns to a matrix, of numbers if all are numbers, else of objects."""
    if not columns:
        return Values(np.empty((0, 0)), np.empty((0, 0), dtype=bool))
    plain = all(column.cells.dtype.kind in "biuf" for column in columns)
    alike = len({column.cells.dtype for column in columns}) == 1
    cells = [column.cells if plain or alike else column.cells.astype(object) for column in columns]
    return Values(np.column_stack(cells), np.column_stack([column.missing for column in columns]))


def _of_pandas(y: Any) -> Values:
    import pyarrow as pa

    column = getattr(y, "array", y)
    if hasattr(column, "categories"):
        return _decoded(column, np.asarray(column.isna(), dtype=bool))
    if isinstance(y.dtype, np.dtype) or not hasattr(column, "__arrow_array__"):
        return _of_numpy(np.asarray(y))
    cells = pa.array(column, from_pandas=True)
    if isinstance(cells.type, pa.BaseExtensionType):  # intervals, periods
        return _of_numpy(np.asarray(column, dtype=object))
    return _of_arrow(cells)


def _decoded(column: Any, missing: npt.NDArray[np.bool_]) -> Values:
    categories = values_of(column.categories).cells
    if not len(categories):
        return Values(np.empty(len(missing), dtype=object), missing)
    return Values(categories[np.where(missing, 0, column.codes)], missing)


_NOT_IN_ARROW = ("Object", "Int128", "UInt128")  # types of polars


def _of_other_columns(y: Any) -> Values:
    import pyarrow as pa

    if str(getattr(y, "dtype", "")) in _NOT_IN_ARROW:
        return _of_numpy(_of_list(y.to_list()))
    if hasattr(y, "type") and hasattr(y, "to_numpy"):
        return _of_arrow(y)
    return _of_arrow(pa.chunked_array(y) if hasattr(y, "__arrow_c_stream__") else pa.array(y))


def _of_arrow(column: pa.Array | pa.ChunkedArray) -> Values:
    import pyarrow as pa

    column = without_views(pa.table([column], names=["y"])).column(0)
    while pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    missing = column.is_null().to_numpy()
    present = column.drop_null()
    if pa.types.is_nested(column.type) or getattr(column.type, "tz", None):
        there = _of_list(present.to_pylist())
    else:
        there = present.to_numpy()
    cells = np.zeros(len(missing), dtype=object if pa.types.is_null(column.type) else there.dtype)
    cells[~missing] = there
    if cells.dtype.kind == "f":
        missing = missing | np.isnan(cells)
    return Values(cells, missing)


def _of_list(y: list[Any] | tuple[Any, ...]) -> Array:
    """Make an array of objects, or NumPy would turn 1 and "a" into two texts."""
    if all(isinstance(row, list | tuple | np.ndarray) for row in y) and len(y):
        try:
            rows = np.asarray(y)
        except ValueError:  # of different lengths
            return _objects(y)
        return rows if rows.dtype.kind in "biuf" else np.array(y, dtype=object)
    return _objects(y)


def _objects(y: list[Any] | tuple[Any, ...]) -> Array:
    cells = np.empty(len(y), dtype=object)
    for row, cell in enumerate(y):  # at once, NumPy would look into cells that are sequences
        cells[row] = cell
    return cells


def _of_numpy(y: Any) -> Values:
    cells = np.asarray(y)
    if not cells.ndim:
        raise DataError(f"y must hold one value for each row; got the single value {quoted(y)}")
    if cells.dtype.kind == "T":  # NumPy's texts of any length
        cells = cells.astype(object)
    missing = np.ma.getmaskarray(y) if isinstance(y, np.ma.MaskedArray) else _holes(cells)
    return Values(cells, missing)


def _holes(cells: Array) -> npt.NDArray[np.bool_]:
    if cells.dtype.kind in "fmM":
        return np.asarray(cells != cells)
    if cells.dtype.kind != "O" or all(issubclass(kind, str) for kind in set(map(type, cells.flat))):
        return np.zeros(cells.shape, dtype=bool)
    found = np.fromiter(map(is_missing, cells.flat), dtype=bool, count=cells.size)
    return found.reshape(cells.shape)
