"""A table that stays in its files: opened anew for each look through it, CSV parsed but once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from handgrad.atomic_file import scratch_file
from handgrad.errors import DataError
from handgrad.tables.files.joined import joined
from handgrad.tables.files.portions import Portions
from handgrad.tables.files.reading import PLAIN, Reading
from handgrad.tables.marks import is_csv
from handgrad.tables.table import in_portions

if TYPE_CHECKING:
    import pyarrow as pa

HELD_BYTES = 1 << 22  # of a file, which are read at once


def reopened(names: Sequence[str], reading: Reading = PLAIN) -> Portions:
    """Read files as one table, each open only while its rows are looked at.

    Raises
    ------
    DataError
        If they hold no table; later, too, if a file changes.
    OSError
        If the system cannot open or read one.
    """
    return joined(names, [_reopened(name, reading) for name in names])


def _reopened(name: str, reading: Reading) -> Portions:
    with in_portions(name, reading, most=HELD_BYTES) as found:
        head, n_rows = found.head, found.n_rows
    state = _state(name)

    def tables() -> Iterator[pa.Table]:
        with in_portions(name, reading, most=HELD_BYTES) as again:
            if _state(name) != state or not again.head.schema.equals(head.schema):
                raise DataError(f"{name!r} has changed since it was first read; fit again")
            yield from again.tables()

    return Portions(head, n_rows, tables)


def _state(name: str) -> tuple[int, int]:
    found = os.stat(name)
    return found.st_size, found.st_mtime_ns


def spooled(portions: Portions, stack: ExitStack) -> Portions:
    """Copy CSV, on the first look, to a temporary Parquet file; leave all else where it is.

    The file lives as long as the stack.
    """
    if not any(map(is_csv, portions.head.schema)):
        return portions
    return portions._replace(tables=_Spool(portions, stack).tables)


class _Spool:
    """The copy of a table, made while the table is looked at for the first time."""

    def __init__(self, portions: Portions, stack: ExitStack) -> None:
        self._portions, self._stack = portions, stack
        self._metadata: list[Any] = []  # of each portion: where it stands in its file
        self._file: Any = None  # once it is whole

    def tables(self) -> Iterator[pa.Table]:
        return self._first() if self._file is None else self._again()

    def _first(self) -> Iterator[pa.Table]:
        from pyarrow import parquet

        file = self._stack.enter_context(scratch_file())
        metadata = []
        schema = self._portions.head.schema.remove_metadata()
        with parquet.ParquetWriter(file, schema) as writer:
            for table in self._portions.tables():
                writer.write_table(table.cast(schema), row_group_size=max(1, table.num_rows))
                metadata.append(table.schema.metadata)
                yield table
        file.flush()
        self._file, self._metadata = file, metadata

    def _again(self) -> Iterator[pa.Table]:
        from pyarrow import parquet

        self._file.seek(0)
        found = parquet.ParquetFile(self._file, pre_buffer=False)
        schema = self._portions.head.schema
        for group, metadata in enumerate(self._metadata):
            table = found.read_row_group(group, use_threads=False)
            yield table.cast(schema).replace_schema_metadata(metadata)
