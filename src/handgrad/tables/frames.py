"""Data frames and mappings of columns become tables, as files do in ``table.py``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables import arrow
from handgrad.tables.marks import CSV_MARK
from handgrad.tables.sequences import ArrowColumn, from_sequence, slices
from handgrad.text import listed

if TYPE_CHECKING:
    import pyarrow as pa

FEW = 4  # rows; up to here taking all cells as objects is faster than column by column
MANY = 8  # columns of one type; from here on taking them as one matrix is faster


def is_frame(value: object) -> bool:
    """Tell whether `from_frame` takes the value: a data frame, an Arrow table or a mapping.

    Arrays, sparse matrices, lists and single columns (Series) are not frames.
    """
    if isinstance(value, Mapping) or _is_pandas(value):
        return True
    is_one_column = hasattr(value, "dtype") or hasattr(value, "type")
    return hasattr(value, "__arrow_c_stream__") and not is_one_column


def from_frame(frame: Any) -> pa.Table:
    """Turn a data frame into a table; a row index is dropped.

    Parameters
    ----------
    frame : pandas or polars DataFrame, pyarrow Table, mapping of name to 1-D sequence, or
        any table with ``__arrow_c_stream__``
        n rows; the column names must be different, non-empty strings.

    Returns
    -------
    pyarrow.Table
        The same columns in the same order, n rows. A column with cells of several types, such as
        1 and "a", becomes texts, which count as those of a CSV file.

    Raises
    ------
    DataError
        If names repeat, lengths differ, or a column is not a sequence; the message names it.
    TypeError
        If `frame` is not a frame, or a column name is not a string.
    """
    import pyarrow as pa

    if not is_frame(frame):
        raise TypeError(
            "a table must be a data frame or a mapping of names to columns, "
            f"got {type(frame).__name__}"
        )
    if isinstance(frame, Mapping) or _is_pandas(frame):
        return _from_columns(frame)
    table = frame if isinstance(frame, pa.Table) else _arrow_table(frame)
    check_names(table.column_names)
    return without_views(table)


def _arrow_table(frame: Any) -> pa.Table:
    import pyarrow as pa

    try:
        return pa.table(frame)
    except pa.ArrowException as error:
        raise DataError(
            f"a column of the {type(frame).__name__} has a type that Arrow lacks ({error}); cast "
            "it to one such as Int64, Float64 or String"
        ) from None


def without_views(table: pa.Table) -> pa.Table:
    """Turn string views, which polars gives, into strings: Arrow cannot pick rows of views.

    Extension types are unwrapped, too: UUIDs become texts.
    """
    import pyarrow as pa

    if not any(map(_is_wrapped, table.schema.types)):
        return table
    columns, fields = [], []
    for column, field in zip(table.columns, table.schema, strict=True):
        if _is_wrapped(field.type):
            column = _unwrapped(column)
            field = pa.field(field.name, column.type)
        columns.append(column)
        fields.append(field)
    return pa.table(columns, schema=pa.schema(fields, metadata=table.schema.metadata))


@lru_cache(maxsize=1000)
def _is_wrapped(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return bool(pa.types.is_string_view(kind.value_type))
    return isinstance(kind, pa.BaseExtensionType) or bool(pa.types.is_string_view(kind))


def _unwrapped(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _without_extension(column)
    if pa.types.is_string_view(kind):
        return arrow.cast(column, pa.large_string())
    parts = [
        pa.DictionaryArray.from_arrays(part.indices, arrow.cast(part.dictionary, pa.large_string()))
        for part in column.chunks
    ]
    return pa.chunked_array(parts, pa.dictionary(kind.index_type, pa.large_string()))


def _without_extension(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Spell UUIDs out; take any other extension type as it is stored."""
    import pyarrow as pa

    storage = column.type.storage_type
    if column.type.extension_name == "arrow.uuid":
        cells = [cell if cell is None else str(cell) for cell in column.to_pylist()]
        return pa.chunked_array([arrow.of_texts(cells)])
    return pa.chunked_array([part.storage for part in column.chunks], storage)


def _is_pandas(value: object) -> bool:
    return hasattr(value, "iloc") and hasattr(value, "columns")


def _from_columns(frame: Any) -> pa.Table:
    import pyarrow as pa

    names = frame.columns.tolist() if _is_pandas(frame) else list(frame)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"column names must be strings, got {name!r}; rename the column")
    check_names(names)
    columns = _of_pandas(frame, names) if _is_pandas(frame) else _of_mapping(frame)
    _check_lengths(names, [len(column.cells) for column in columns])
    table = pa.table([column.cells for column in columns], names=names)
    if not any(column.is_mixed for column in columns):
        return table
    fields = [
        field.with_metadata(CSV_MARK) if column.is_mixed else field
        for field, column in zip(table.schema, columns, strict=True)
    ]
    return pa.table(table.columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def _of_mapping(columns: Mapping[str, Any]) -> list[ArrowColumn]:
    return [from_sequence(name, values) for name, values in columns.items()]


def _of_pandas(frame: Any, names: list[str]) -> list[ArrowColumn]:
    dtypes = frame.dtypes.tolist()
    if len(set(dtypes)) > 1 and len(frame) <= FEW:
        found = _of_few_rows(frame.to_numpy(dtype=object), dtypes)
    else:
        found = _of_matrices(frame, dtypes)
    return [
        found[position] if position in found else from_sequence(name, _held(frame[name]))
        for position, name in enumerate(names)
    ]


def cells_of_row(frame: Any) -> list[Any] | None:
    """Give the cells of a pandas frame of one row, if its columns are numbers, texts or objects."""
    if len(frame) != 1 or not all(map(_is_usual, set(frame.dtypes.tolist()))):
        return None
    cells: list[Any] = frame.to_numpy(dtype=object)[0].tolist()
    return cells


def _is_usual(dtype: Any) -> bool:
    if isinstance(dtype, np.dtype):
        return dtype.kind in "biufO" and dtype.itemsize <= 8
    return bool(dtype == "str")


def _of_matrices(frame: Any, dtypes: list[Any]) -> dict[int, ArrowColumn]:
    """Give the columns of numbers that can be taken as matrices, by position."""
    found: dict[int, ArrowColumn] = {}
    for positions in _blocks(dtypes, MANY):
        whole = len(positions) == len(dtypes)
        block = (frame if whole else frame.iloc[:, positions]).to_numpy()
        found.update(zip(positions, map(ArrowColumn, slices(block)), strict=True))
    return found


def _of_few_rows(cells: npt.NDArray[np.object_], dtypes: list[Any]) -> dict[int, ArrowColumn]:
    """Give the columns of numbers and of texts, by position."""
    import pyarrow as pa

    found: dict[int, ArrowColumn] = {}
    for positions in _blocks(dtypes, 1):
        block = cells[:, positions].astype(dtypes[positions[0]])
        found.update(zip(positions, map(ArrowColumn, slices(block)), strict=True))
    for position, dtype in enumerate(dtypes):
        if dtype == "str":
            texts = cells[:, position].tolist()
            found[position] = ArrowColumn(pa.array(texts, pa.large_string(), from_pandas=True))
    return found


def _held(column: Any) -> Any:
    """Give the array inside a column of numbers or texts: Arrow takes it faster than the column."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return column.to_numpy() if dtype.kind in "biuf" else column
    return column.array if dtype.name in ("str", "string") else column


def _blocks(dtypes: list[Any], many: int) -> list[list[int]]:
    """Group the positions of columns of numbers that can be taken as one matrix."""
    alike = defaultdict(list)
    for position, dtype in enumerate(dtypes):
        if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
            alike[dtype].append(position)
    fewest = min(many, len(dtypes))  # a whole frame needs no picking
    return [positions for positions in alike.values() if len(positions) >= fewest]


def _check_lengths(names: list[str], lengths: list[int]) -> None:
    if len(set(lengths)) > 1:
        other = next(i for i, length in enumerate(lengths) if length != lengths[0])
        raise DataError(
            f"columns must have the same length, but {names[0]!r} has {lengths[0]} rows "
            f"and {names[other]!r} has {lengths[other]}"
        )


def from_rows(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Turn rows, each a mapping of names to cells, as in JSON, into a table.

    A name that a row lacks is a missing cell; the columns come in the order in which their names
    first occur.

    Raises
    ------
    DataError
        If a row is not a mapping, or no row has a cell.
    TypeError
        If a name is not a string.
    """
    for row, cells in enumerate(rows, start=1):
        if not isinstance(cells, Mapping):
            raise DataError(
                f"rows must all be mappings of names to cells, as the first is; row {row} is of "
                f"type {type(cells).__name__}"
            )
    names = dict.fromkeys(name for cells in rows for name in cells)
    if not names:
        raise DataError("the rows hold no cells; each must map names of columns to cells")
    return _from_columns({name: [cells.get(name) for cells in rows] for name in names})


def check_names(names: list[str]) -> None:
    if not names:
        raise DataError("the table has no columns")
    for position, name in enumerate(names, start=1):
        if not name:
            raise DataError(f"column {position} has no name in the header; give it one")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"column names must differ, but {listed(twice)} occur twice; rename them")
