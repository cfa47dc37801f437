"""A Parquet file becomes one table, or several, each of some of its rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handgrad.errors import DataError
from handgrad.tables import arrow
from handgrad.tables.files.names import check_distinct
from handgrad.tables.files.portions import Portions, portion
from handgrad.tables.files.source import Held
from handgrad.tables.frames import without_views
from handgrad.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from handgrad.tables.files.source import Filed, Source

PORTION_CELLS = 1 << 20
_BUFFER = 1 << 18  # bytes of each column that are read at a time


def columnar(source: Source) -> Portions:
    """Read a Parquet file; its columns keep their types.

    Raises
    ------
    DataError
        If it is damaged or has no columns.
    """
    if isinstance(source, Held):
        return Portions.of(_chosen(_whole(source)))
    head = _chosen(arrow.no_rows(_file(source).schema_arrow))
    n_rows = _file(source).metadata.num_rows
    return Portions(head, n_rows, lambda: _portions(source, head))


def _whole(source: Source) -> pa.Table:
    import pyarrow as pa

    try:
        return _file(source).read()
    except MemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise _damaged(error) from None


def _portions(source: Filed, head: pa.Table) -> Iterator[pa.Table]:
    import pyarrow as pa

    n_at_once = max(1, PORTION_CELLS // head.num_columns)
    first_row = 0
    try:
        # threads would each keep memory of their own
        for batch in _file(source).iter_batches(n_at_once, use_threads=False):
            table = without_views(pa.Table.from_batches([batch])).select(head.column_names)
            yield portion(table, first_row)
            first_row += table.num_rows
    except MemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise _damaged(error) from None
    source.check_unchanged()
    if not first_row:
        yield head


def _file(source: Source) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # of a row group only as much is read as is needed
        whole = isinstance(source, Held)
        return parquet.ParquetFile(
            source.arrow(), pre_buffer=whole, buffer_size=0 if whole else _BUFFER
        )
    except MemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise _damaged(error) from None


def _damaged(error: Exception) -> DataError:
    return DataError(f"the Parquet data is damaged: {quoted(error)}; copy it again")


def _chosen(table: pa.Table) -> pa.Table:
    check_distinct(table.column_names, "a Parquet file")
    # pandas writes a row index that is not 0, 1, 2, ... as a column of this name
    kept = [name for name in table.column_names if not re.match(r"__index_level_\d+__$", name)]
    if not kept:
        raise DataError("the table has no columns")
    return without_views(table.select(kept))
