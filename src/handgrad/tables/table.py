"""A file becomes a table: named columns, and nothing decided yet.

The table is a ``pyarrow.Table``. A cell of a CSV file stays the text that it is, so the label 007
stays 007 and 1.0 is not merged with 1; a column is read as numbers, texts or labels later (see
``columns.py``). The fields of CSV columns are marked, because only their text may turn out to be
numbers: in a data frame or a Parquet file a column of strings was meant as strings.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from handgrad.errors import DataError, TableWarning
from handgrad.tables.files.delimited import delimited, goes_in_portions
from handgrad.tables.files.encodings import as_utf8, check_no_nul
from handgrad.tables.files.foreign import check_is_table, check_text_is_table
from handgrad.tables.files.joined import joined
from handgrad.tables.files.layout import NoHeaderError
from handgrad.tables.files.portions import Portions
from handgrad.tables.files.reading import PLAIN, Reading
from handgrad.tables.files.records import is_json, json_records
from handgrad.tables.files.source import Source, kept, opened
from handgrad.tables.files.workbook import WORKBOOK_OPENINGS, is_workbook, workbook
from handgrad.tables.marks import notes_of

if TYPE_CHECKING:
    import pyarrow as pa

    AnyPath = str | os.PathLike[str]

PORTION_BYTES = 1 << 25  # a smaller file is read whole


def read_table(
    path_or_paths: AnyPath | Sequence[AnyPath],
    *,
    separator: str | None = None,
    encoding: str | None = None,
    skip: int | None = None,
    header: bool = True,
) -> pa.Table:
    """Read a table from a file, or from several with the same columns; their kind is recognised.

    The kinds are CSV (also gzipped), Parquet, JSON (one object per line, or a list of objects) and,
    with ``pip install "handgrad[excel]"``, Excel and OpenDocument sheets. Every cell of a CSV file
    is kept as text; an empty cell without quotes is null. Blank lines are skipped, but in a table
    of one column they are missing cells. A `TableWarning` says what is left out or renamed.

    Parameters
    ----------
    path_or_paths : str or path-like, or sequence of them
        Regular files, or pipes, which are read to their end first. The rows of several files
        follow each other; their columns are matched by name.
    separator : str, optional
        The one character between two cells of a CSV file; a blank stands for any number of them.
        By default a first line such as ``sep=;`` decides, or else the header: the first of comma,
        semicolon and tab that occurs in it (tab first in a ``.tsv`` file).
    encoding : str, optional
        Any encoding that Python knows. By default text is UTF-8, or what its byte order mark says.
    skip : int, optional
        The number of lines before the header that are not part of the table, such as a title.
    header : bool, default=True
        Whether the first row names the columns. Without a header they are ``column 1``,
        ``column 2`` and so on.

    Returns
    -------
    pyarrow.Table
        n rows, where n may be 0; the names of the columns differ and are not empty.

    Raises
    ------
    DataError
        If the content is not a table; the message gives the line.
    ValueError
        If `separator`, `encoding` or `skip` is impossible.
    OSError
        If the system cannot open or read the path.

    Warns
    -----
    TableWarning
        For each thing that was left out, renamed or guessed; ``handgrad.tables.marks.notes_of``
        gives these notes, too.
    """
    table = read(path_or_paths, Reading(separator, encoding, skip, header))
    for note in notes_of(table):
        warnings.warn(note, TableWarning, stacklevel=2)
    return table


def read(path_or_paths: AnyPath | Sequence[AnyPath], reading: Reading = PLAIN) -> pa.Table:
    """Read as `read_table` does, but without warnings; `notes_of` gives the notes."""
    with in_portions(path_or_paths, reading, most=None) as portions:
        return portions.whole()


@contextmanager
def in_portions(
    path_or_paths: AnyPath | Sequence[AnyPath],
    reading: Reading = PLAIN,
    *,
    most: int | None = PORTION_BYTES,
) -> Iterator[Portions]:
    """Read as `read` does, but a file of more than `most` bytes in portions, while it is open.

    CSV and Parquet have portions, all else is read whole. What must be known of the whole file to
    read its rows is known from the start: the file has been looked through once.

    Raises
    ------
    DataError
        As in `read_table`; later, too, if a file changes.
    """
    reading.checked()
    if isinstance(path_or_paths, str | os.PathLike):
        path_or_paths = [path_or_paths]
    names = [os.fspath(path) for path in path_or_paths]
    if not names:
        raise ValueError("there must be at least one path, got none")
    with ExitStack() as stack:
        yield joined(names, [_one(name, reading, most, stack) for name in names])


def _one(name: str, reading: Reading, most: int | None, stack: ExitStack) -> Portions:
    with _naming(name):
        source = stack.enter_context(opened(name, most))
        portions = _portions_of(source, name, reading, lambda pieces: kept(pieces, most, stack))
    return portions if portions.is_one else portions._replace(tables=_named(portions, name))


@contextmanager
def _naming(name: str) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{name!r}: {error}") from None


def _named(portions: Portions, name: str) -> Callable[[], Iterator[pa.Table]]:
    def tables() -> Iterator[pa.Table]:
        with _naming(name):
            yield from portions.tables()

    return tables


def _portions_of(
    source: Source, name: str, reading: Reading, keep: Callable[[Iterator[bytes]], Source]
) -> Portions:
    if source.head.startswith(b"PAR1"):
        from handgrad.tables.files.columnar import columnar

        reading.check_only("a Parquet file")
        return columnar(source)
    if source.head.startswith(WORKBOOK_OPENINGS):
        source = source.held()
        if is_workbook(source.head):
            return Portions.of(workbook(source.head, reading))
    check_is_table(source.head)
    text, notes = as_utf8(source, reading.encoding, keep)
    if not goes_in_portions(text.head, reading):
        text = text.held()
    check_text_is_table(text.head)
    check_no_nul(text)
    found = _of_text(text, name, reading)
    return found.noted([*notes, *notes_of(found.head)])


def _of_text(text: Source, name: str, reading: Reading) -> Portions:
    if is_json(text.head, name):
        return Portions.of(json_records(text.held(), reading))
    try:
        return delimited(text, name, reading)
    except NoHeaderError:
        return delimited(text.held(), name, reading)
