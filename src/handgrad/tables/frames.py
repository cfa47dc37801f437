"""Data frames and mappings of columns become tables, as files do in ``table.py``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handgrad.errors import DataError
from handgrad.text import listed, quoted

if TYPE_CHECKING:
    import pyarrow as pa


def is_frame(value: object) -> bool:
    """Tell whether `from_frame` takes the value: a data frame, an Arrow table or a mapping.

    Arrays, sparse matrices, lists and single columns (Series) are no frames.
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
        The same columns in the same order, n rows.

    Raises
    ------
    DataError
        If names repeat, lengths differ, or a column mixes types; it names the column.
    TypeError
        If `frame` is no frame, or a column name is not a string.
    """
    import pyarrow as pa

    if not is_frame(frame):
        raise TypeError(
            "a table must be a data frame or a mapping of names to columns, "
            f"got {type(frame).__name__}"
        )
    if isinstance(frame, Mapping) or _is_pandas(frame):
        return _from_columns(frame)
    table = frame if isinstance(frame, pa.Table) else pa.table(frame)
    check_names(table.column_names)
    return without_views(table)


def without_views(table: pa.Table) -> pa.Table:
    """Turn string views, as polars gives them, into strings: Arrow cannot pick rows of views."""
    import pyarrow as pa

    for position, field in enumerate(table.schema):
        column, kind = table.column(position), field.type
        if pa.types.is_dictionary(kind) and pa.types.is_string_view(kind.value_type):
            parts = [
                part.dictionary.cast("large_string").take(part.indices) for part in column.chunks
            ]
            column = pa.chunked_array(parts, pa.large_string())
        elif pa.types.is_string_view(kind):
            column = column.cast(pa.large_string())
        else:
            continue
        table = table.set_column(position, field.name, column)
    return table


def _is_pandas(value: object) -> bool:
    return hasattr(value, "iloc") and hasattr(value, "columns")


def _from_columns(frame: Any) -> pa.Table:
    import pyarrow as pa

    names = list(frame.columns if _is_pandas(frame) else frame)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"column names must be strings, got {name!r}; rename the column")
    check_names(names)
    arrays = [_from_sequence(name, frame[name]) for name in names]
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        other = next(i for i, length in enumerate(lengths) if length != lengths[0])
        raise DataError(
            f"columns must have the same length, but {names[0]!r} has {lengths[0]} rows "
            f"and {names[other]!r} has {lengths[other]}"
        )
    return pa.table(arrays, names=names)


def _from_sequence(name: str, values: Any) -> pa.Array:
    import pyarrow as pa

    advice = "a column must be one sequence of texts, of numbers or of booleans"
    if isinstance(values, str | bytes):
        raise DataError(f"column {name!r} is {quoted(values)}; {advice}")
    if hasattr(values, "sparse"):  # a sparse pandas column
        values = values.sparse.to_dense()
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"column {name!r}: {quoted(error)}; {advice}") from None


def check_names(names: list[str]) -> None:
    if not names:
        raise DataError("the table has no columns")
    for position, name in enumerate(names, start=1):
        if not name:
            raise DataError(f"column {position} has no name in the header; give it one")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"column names must differ, but {listed(twice)} stand twice; rename them")
