"""Here a file becomes a table: named columns, and nothing decided yet.

The value is a ``pyarrow.Table``. A cell of a CSV file stays the text that stands in the
file, so the label 007 stays 007 and 1.0 is not merged with 1; whoever knows what a column
means asks for it as numbers, texts or labels (see ``columns.py``). The fields of such columns
are marked, because only text out of a CSV file may turn out to be numbers: in a data frame
or a Parquet file a column of strings was meant as strings.
"""

from __future__ import annotations

import os
import re
import stat
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from handgrad.errors import DataError, TableWarning
from handgrad.tables.files.delimited import BLOCK_BYTES, delimited
from handgrad.tables.files.encodings import as_utf8, check_no_nul
from handgrad.tables.files.foreign import check_is_table, check_text_is_table
from handgrad.tables.files.joined import joined
from handgrad.tables.files.names import check_distinct
from handgrad.tables.files.reading import PLAIN, Reading
from handgrad.tables.files.records import is_json, json_records
from handgrad.tables.files.workbook import is_workbook, workbook
from handgrad.tables.frames import without_views
from handgrad.tables.marks import (
    CSV_MARK,
    LINES,
    NUMBER,
    PLAIN_NUMBER,
    WORDS_FOR_MISSING,
    is_csv,
    notes_of,
    with_notes,
    words_are_texts,
)
from handgrad.text import quoted

if TYPE_CHECKING:
    import pyarrow as pa

    AnyPath = str | os.PathLike[str]

__all__ = [
    "BLOCK_BYTES",
    "CSV_MARK",
    "LINES",
    "NUMBER",
    "PLAIN_NUMBER",
    "WORDS_FOR_MISSING",
    "is_csv",
    "notes_of",
    "read",
    "read_table",
    "words_are_texts",
]

MAX_BYTES = 1 << 33  # of a pipe or of what a gzip file unfolds to: neither says its size first


def read_table(
    path_or_paths: AnyPath | Sequence[AnyPath],
    *,
    separator: str | None = None,
    encoding: str | None = None,
    skip: int | None = None,
    header: bool = True,
) -> pa.Table:
    """Read a table from a file, or from several with the same columns; the content tells its kind.

    The kinds are CSV (also gzipped), Parquet, JSON (an object a line, or a list of them) and, with
    ``pip install "handgrad[excel]"``, Excel and OpenDocument sheets. Every cell of a CSV file is
    kept as text; an empty cell without quotes is null. Blank lines are skipped, but in a table of
    one column they are missing cells. What is left out or renamed is told in a `TableWarning`.

    Parameters
    ----------
    path_or_paths : str or path-like, or sequence of them
        Regular files, or pipes, which are read to their end first. The rows of several files
        follow each other; their columns are matched by name.
    separator : str, optional
        The one character between two cells of a CSV file; a blank stands for any number of them.
        Without it the first line ``sep=;`` decides or else the header: the first of comma,
        semicolon and tab that parts it (tab first in a ``.tsv`` file).
    encoding : str, optional
        Any that Python knows. Without it text is UTF-8, or what its byte order mark says.
    skip : int, optional
        Lines before the header that are no part of the table: a title, for example.
    header : bool, default=True
        Whether the first row names the columns. Without a header they are ``column 1``,
        ``column 2`` and so on.

    Returns
    -------
    pyarrow.Table
        Unique, non-empty column names; n rows, where n may be 0.

    Raises
    ------
    DataError
        If the content is no such table; the message gives the line.
    ValueError
        If `separator`, `encoding` or `skip` can mean nothing.
    OSError
        If the system cannot open or read the path.

    Warns
    -----
    TableWarning
        For each thing that was taken with a grain of salt; ``handgrad.tables.table.notes_of`` gives
        them, too.
    """
    table = read(path_or_paths, Reading(separator, encoding, skip, header))
    for note in notes_of(table):
        warnings.warn(note, TableWarning, stacklevel=2)
    return table


def read(path_or_paths: AnyPath | Sequence[AnyPath], reading: Reading = PLAIN) -> pa.Table:
    """Read as `read_table` does, but warn of nothing: ask `notes_of` for what is to be told."""
    reading.checked()
    if isinstance(path_or_paths, str | os.PathLike):
        return _one(os.fspath(path_or_paths), reading)
    names = [os.fspath(path) for path in path_or_paths]
    if not names:
        raise ValueError("there must be one path or more, got none")
    return joined(names, [_one(name, reading) for name in names])


def _one(name: str, reading: Reading) -> pa.Table:
    try:
        return _table_of(_unfolded(_content(name)), name, reading)
    except DataError as error:
        raise DataError(f"{name!r}: {error}") from None


def _table_of(content: bytes, name: str, reading: Reading) -> pa.Table:
    if content.startswith(b"PAR1"):
        reading.check_only("a Parquet file")
        return _parquet(content)
    if is_workbook(content):
        return workbook(content, reading)
    check_is_table(content)
    text, notes = as_utf8(content, reading.encoding)
    check_text_is_table(text)
    check_no_nul(text)
    table = (json_records if is_json(text, name) else delimited)(text, name, reading)
    return with_notes(table, [*notes, *notes_of(table)])


def _content(path: str) -> bytes:
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISDIR(mode)):
        raise DataError("a table must be a file or a pipe, not a device, terminal or socket")
    with open(path, "rb") as stream:
        if stat.S_ISFIFO(mode):
            return _bounded(stream)
        content = stream.read()
        expected = os.fstat(stream.fileno()).st_size
    if expected and len(content) != expected:
        raise DataError(
            f"the file changed while it was read ({len(content)} of {expected} bytes); try again"
        )
    return content


def _bounded(stream: BinaryIO | pa.NativeFile) -> bytes:
    chunks, size = [], 0
    while chunk := stream.read(1 << 24):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BYTES:
            raise DataError(f"holds more than {MAX_BYTES} bytes; write it to a plain file first")
    return b"".join(chunks)


def _unfolded(content: bytes) -> bytes:
    import pyarrow as pa

    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with pa.CompressedInputStream(pa.BufferReader(content), "gzip") as stream:
            return _bounded(stream)
    except OSError as error:
        raise DataError(f"the gzip data is damaged: {quoted(error)}; copy it again") from None


def _parquet(content: bytes) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(pa.BufferReader(content)).read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"the Parquet data is damaged: {quoted(error)}; copy it again") from None
    check_distinct(table.column_names, "a Parquet file")
    # pandas writes a row index that is not 0, 1, 2, ... as a column of this name
    kept = [name for name in table.column_names if not re.match(r"__index_level_\d+__$", name)]
    if not kept:
        raise DataError("the table has no columns")
    return without_views(table.select(kept))
