"""Here a file becomes a table: named columns, and nothing decided yet.

The value is a ``pyarrow.Table``. A cell of a CSV file stays the text that stands in the
file, so the label 007 stays 007 and 1.0 is not merged with 1; whoever knows what a column
means asks for it as numbers, texts or labels (see ``columns.py``). The fields of such columns
are marked, because only text out of a CSV file may turn out to be numbers: in a data frame
or a Parquet file a column of strings was meant as strings.
"""

from __future__ import annotations

import csv
import io
import os
import re
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from handgrad.errors import DataError
from handgrad.tables.frames import CSV_MARK, check_names, without_views
from handgrad.text import listed, quoted

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BYTES = 1 << 33  # of a pipe or of what a gzip file unfolds to: neither says its size first
BLOCK_BYTES = 1 << 23  # pyarrow needs every row to end within the next block

LINES = b"handgrad.lines"
_SEPARATORS = (",", ";", "\t")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

PLAIN_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NUMBER = rf"^(?:{PLAIN_NUMBER}|[+-]?(?i:inf|infinity))$"

_NOT_TEXT = (
    (b"PK\x03\x04", "a zip archive (.xlsx, .npz, .zip)", "save the table as CSV or Parquet"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "save the table as CSV"),
    (b"\xff\xfe", "UTF-16 text", "convert it to UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "convert it to UTF-8"),
    (b"\x89HDF", "an HDF5 file", "save the table as CSV or Parquet"),
    (b"\x93NUMPY", "a NumPy array file", "load it with numpy.load and pass the array"),
    (b"ARROW1", "an Arrow file", "save the table as Parquet"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"BZh", "bzip2 data", "unpack it first"),
    (b"\xfd7zXZ", "xz data", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "unpack it first"),
    (b"%PDF", "a PDF file", "export the table as CSV"),
    *((bytes([0x80, v]), "a pickle", "save the table as CSV or Parquet") for v in range(2, 6)),
)


# ------------------------------------------------------------------ reading a file


def read_table(path: str | os.PathLike[str], *, separator: str | None = None) -> pa.Table:
    """Read a CSV file, plain or gzipped, or a Parquet file; the content tells which.

    Every cell of a CSV file is kept as text; an empty cell without quotes is null, and
    blank lines are skipped. Blanks around the names in the header are dropped.

    Parameters
    ----------
    path : str or path-like
        A regular file, or a pipe, which is read to its end first.
    separator : str, optional
        The one character between two cells. Without it the header line decides: the
        first of comma, semicolon and tab that parts it (tab first in a ``.tsv`` file).

    Returns
    -------
    pyarrow.Table
        Unique, non-empty column names; n rows, where n may be 0.

    Raises
    ------
    DataError
        If the content is no such table; the message gives the line.
    ValueError
        If `separator` is not one plain ASCII character.
    OSError
        If the system cannot open or read the path.
    """
    if separator is not None and not re.fullmatch(r"[\t !#-~]", separator):
        raise ValueError(
            f"separator must be one ASCII character other than a quote, got {separator!r}"
        )
    name = os.fspath(path)
    try:
        content = _unfolded(_content(name))
        if content.startswith(b"PAR1"):
            return _parquet(content)
        return _delimited(content, _candidates(name, separator))
    except DataError as error:
        raise DataError(f"{name!r}: {error}") from None


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
    # pandas writes a row index that is not 0, 1, 2, ... as a column of this name
    kept = [name for name in table.column_names if not re.match(r"__index_level_\d+__$", name)]
    check_names(table.column_names)
    return without_views(table.select(kept))


def _candidates(path: str, separator: str | None) -> tuple[str, ...]:
    if separator is not None:
        return (separator,)
    if path.lower().removesuffix(".gz").endswith(".tsv"):
        return ("\t", ",", ";")
    return _SEPARATORS


# ------------------------------------------------------------------ delimited text


class _Layout(NamedTuple):
    names: list[str]
    separator: str
    start: int  # offset of the first byte after the header
    first_line: int  # the line, counted from 1, that byte stands on


def _delimited(content: bytes, separators: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa

    _check_is_text(content)
    content = content.removeprefix(_BYTE_ORDER_MARK)
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    layout = _layout(content, separators)
    check_names(layout.names)
    _check_is_header(layout.names)
    try:
        columns = _columns(content, layout)
    except pa.ArrowException as error:
        _check_utf8(content)
        _check_records(content, layout)
        raise DataError(_unreadable(error)) from None
    return _marked(columns, content, layout)


def _check_is_text(content: bytes) -> None:
    if re.fullmatch(rb"(?:\xef\xbb\xbf)?\s*", content):
        raise DataError("the file is empty; it must hold a header line and rows")
    for opening, what, advice in _NOT_TEXT:
        if content.startswith(opening):
            raise DataError(f"expected CSV or Parquet, but this looks like {what}; {advice}")
    if (nul := content.find(b"\0")) >= 0:
        line, byte = _position(content, nul)
        raise DataError(
            f"line {line}, byte {byte}: a NUL byte, so this is not UTF-8 text; "
            "convert the file to UTF-8, or repair the cell"
        )


def _position(content: bytes, offset: int) -> tuple[int, int]:
    line_start = content.rfind(b"\n", 0, offset) + 1
    return content.count(b"\n", 0, offset) + 1, offset - line_start + 1


def _check_utf8(content: bytes) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line, byte = _position(content, error.start)
        raise DataError(
            f"line {line}, byte {byte}: the byte 0x{content[error.start]:02X} is not UTF-8; "
            "convert the file to UTF-8 (iconv -f LATIN1 -t UTF-8)"
        ) from None


def _layout(content: bytes, separators: tuple[str, ...]) -> _Layout:
    layouts = []
    for separator in separators:
        layouts.append(_layout_by(content, separator))
        if len(layouts[-1].names) > 1:
            return layouts[-1]
    return layouts[0]


def _layout_by(content: bytes, separator: str) -> _Layout:
    stream = io.BytesIO(content)
    try:
        reader = csv.reader((line.decode() for line in stream), delimiter=separator, strict=True)
        fields = next(filter(None, reader))
    except UnicodeDecodeError:
        _check_utf8(content)
        raise
    except csv.Error as error:
        raise DataError(_quoting_fault(1, error)) from None
    line = reader.line_num + 1
    return _Layout([field.strip() for field in fields], separator, stream.tell(), line)


def _check_is_header(names: list[str]) -> None:
    if all(re.match(NUMBER, name) for name in names):
        raise DataError(
            f"the first row must name the columns, but it holds only numbers ({listed(names)}); "
            "add a header row"
        )


def _columns(content: bytes, layout: _Layout) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    # numbered names, so that duplicates and quotes in the header never meet the parser
    types = {str(position): pa.string() for position in range(len(layout.names))}
    if not re.compile(rb"[\r\n]*\Z").match(content, layout.start):
        return arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(content)[layout.start :]),
            read_options=arrow_csv.ReadOptions(column_names=list(types), block_size=BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(
                delimiter=layout.separator,
                newlines_in_values=content.find(b'"', layout.start) >= 0,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    return pa.schema(list(types.items())).empty_table()


def _marked(columns: pa.Table, content: bytes, layout: _Layout) -> pa.Table:
    import pyarrow as pa

    n_lines = content.count(b"\n", layout.start) + (not content.endswith(b"\n"))
    one_line_each = n_lines == columns.num_rows
    n_quotes = content.count(b'"', layout.start)
    # a quote that never closes swallows rows without a word from the parser
    if n_quotes % 2 or (n_quotes and not one_line_each):
        _check_records(content, layout)
    fields = [pa.field(name, pa.string(), metadata=CSV_MARK) for name in layout.names]
    lines = {LINES: f"{layout.first_line} {columns.num_rows}".encode()} if one_line_each else None
    return pa.table(columns.columns, schema=pa.schema(fields, metadata=lines))


def _check_records(content: bytes, layout: _Layout) -> None:
    """Walk the rows one by one, slowly, and raise at the first that is at fault."""
    reader = csv.reader(_lines(content, layout.start), delimiter=layout.separator, strict=True)
    line = layout.first_line
    try:
        for fields in reader:
            if fields and len(fields) != len(layout.names):
                raise DataError(
                    f"line {line}: {len(fields)} fields, expected {len(layout.names)} as in the "
                    "header; quote cells that hold the separator, or mend the row"
                )
            line = layout.first_line + reader.line_num
    except csv.Error as error:
        raise DataError(_quoting_fault(line, error)) from None


def _lines(content: bytes, start: int) -> Iterator[str]:
    stream = io.BytesIO(content)
    stream.seek(start)
    return (line.decode() for line in stream)


def _quoting_fault(line: int, error: csv.Error) -> str:
    told = str(error)
    if "end of data" in told:
        return f"line {line}: a quote is opened in this row and never closed; close or remove it"
    if "field limit" in told:
        limit = csv.field_size_limit()
        return f"line {line}: a cell is longer than {limit} characters, or a quote never closes"
    if "expected after" in told:
        return f"line {line}: text stands after a closing quote; double the quotes within a cell"
    return f"line {line}: {quoted(error)}"


def _unreadable(error: Exception) -> str:
    if "straddling" in str(error):
        return f"a row is longer than {BLOCK_BYTES} bytes; is a quote left open?"
    return f"cannot be read as delimited text: {quoted(error)}"
