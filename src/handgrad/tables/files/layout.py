"""Where the table begins in a text: what precedes its header, and what separates its cells."""

from __future__ import annotations

import csv
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from handgrad.errors import DataError
from handgrad.tables.files.encodings import check_utf8
from handgrad.tables.files.names import check_header, is_like_data
from handgrad.tables.files.reading import is_separator
from handgrad.tables.files.source import lines_of
from handgrad.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handgrad.tables.files.reading import Reading

    Record = tuple[int, list[str]]

_LONGEST = 100_000  # bytes of a line: the csv module refuses longer cells
LOOKED_AT = 40  # records by which a title is recognised
_SEPARATORS = (",", ";", "\t")
_SEP_LINE = re.compile(rb'"?sep=([^\r\n])"?[ \t]*(?:\r\n?|\n)', re.I)
_SIGN = re.compile(rb"\S")
_LINE_END = re.compile(rb"\r\n?|\n")
_BEFORE_HEADER = re.compile(rb"(?:[ \t]*(?:\r\n?|\n)|#[^\r\n]*(?:\r\n?|\n))*")


class Layout(NamedTuple):
    names: list[str]  # one for each cell of a row, "" where the header has none
    n_named: int  # cells of the header
    separator: str
    start: int  # offset of the first byte after the header
    first_line: int  # the line, counted from 1, that byte stands on


class NoHeaderError(DataError):
    """No header is found among the lines that are known so far."""


class _Place(NamedTuple):
    offset: int
    line: int


def candidates(path: str, reading: Reading, content: bytes) -> tuple[str, ...]:
    """Give the characters that may separate the cells, the likeliest first."""
    if reading.separator is not None:
        return (reading.separator,)
    if (line := _SEP_LINE.match(content)) and is_separator(line[1].decode("latin-1")):
        return (line[1].decode("latin-1"),)
    if path.lower().removesuffix(".gz").endswith(".tsv"):
        return ("\t", ",", ";")
    return _SEPARATORS


def layout_of(
    content: bytes, reading: Reading, separators: tuple[str, ...]
) -> tuple[Layout, list[str]]:
    """Find header and separator; give notes on the lines before the header, too.

    Raises
    ------
    DataError
        If no line can be a header, or a title precedes it.
    """
    place, notes = _beginning(content, reading, separators)
    layout = _layout(content, place, separators)
    if not reading.header:
        names = [""] * layout.n_named
        return layout._replace(names=names, start=place.offset, first_line=place.line), notes
    if layout.n_named == 1:
        check_title(content, layout, separators)
    return layout, notes + check_header(layout.names)


# ------------------------------------------------------------------ before the header


def _beginning(
    content: bytes, reading: Reading, separators: tuple[str, ...]
) -> tuple[_Place, list[str]]:
    place = _after_lines(content, reading.skip or 0)
    if place.offset == 0 and (line := _SEP_LINE.match(content)):
        place = _Place(line.end(), 2)
    found = _BEFORE_HEADER.match(content, place.offset)
    assert found is not None  # it may be empty
    lines = found[0].splitlines(keepends=True)
    comments = [i for i, line in enumerate(lines) if line.startswith(b"#")]
    following = b"".join(content[found.end() : found.end() + _LONGEST].splitlines()[:1])
    if comments and reading.header and _is_header(lines[comments[-1]], following, separators):
        lines = lines[: comments.pop()]
    after = _Place(place.offset + sum(map(len, lines)), place.line + len(lines))
    if not _SIGN.search(content, after.offset):
        raise NoHeaderError(
            "no line is left for a header after comments, empty lines and skipped ones"
        )
    return after, _notes_on_comments(len(comments))


def _notes_on_comments(n: int) -> list[str]:
    if not n:
        return []
    lines = "1 line that begins" if n == 1 else f"{n} lines that begin"
    return [f"{lines} with # before the header; left out"]


def _after_lines(content: bytes, n: int) -> _Place:
    offset = 0
    for _ in range(n):
        end = _LINE_END.search(content, offset)
        if end is None:
            n_lines = len(content.splitlines())
            raise NoHeaderError(
                f"the file has {n_lines} lines, and --skip {n} (skip={n}) leaves none"
            )
        offset = end.end()
    return _Place(offset, n + 1)


def _is_header(line: bytes, following: bytes, separators: tuple[str, ...]) -> bool:
    """Tell whether a line that begins with # is a header: data of as many cells follow it."""
    for separator in separators:
        names, row = (_fields(text, separator) for text in (line, following))
        if len(names) == len(row) > 1 and any(map(is_like_data, row)):
            return True
    return line[1:2].strip() != b"" and is_like_data(following.decode("utf-8", "replace").strip())


def _fields(line: bytes, separator: str) -> list[str]:
    text = line[:_LONGEST].decode("utf-8", "replace").strip("\r\n")
    return [field.strip() for field in next(csv.reader([text], delimiter=separator), [])]


# ------------------------------------------------------------------ the header


def _layout(content: bytes, place: _Place, separators: tuple[str, ...]) -> Layout:
    layouts, faults = [], []
    for separator in separators:
        try:
            layouts.append(_layout_by(content, place, separator))
        except _QuotingError as error:  # "a";"b" is not separated by commas
            faults.append(_QuotingError(str(error)))  # the one raised holds on to the line
            continue
        if layouts[-1].n_named > 1:
            return layouts[-1]
    if faults:
        raise faults[0]
    return layouts[0]


class _QuotingError(DataError):
    """Quotes stand where they cannot with this separator."""


def _layout_by(content: bytes, place: _Place, separator: str) -> Layout:
    start = place.offset

    def texts() -> Iterator[str]:
        nonlocal start
        for line in lines_of(content, place.offset):
            start += len(line)
            yield line.decode()

    reader = csv.reader(texts(), delimiter=separator, strict=True)
    try:
        fields = next(filter(_has_text, reader))
    except UnicodeDecodeError:
        check_utf8(content)
        raise
    except csv.Error as error:
        raise _QuotingError(quoting_fault(place.line, error)) from None
    except StopIteration:
        raise DataError("the file holds no header line: no line has a cell") from None
    names = [field.strip() for field in fields]
    end, line = start, place.line + reader.line_num
    return Layout(_fitted(names, _first_row(content, reader)), len(names), separator, end, line)


def _has_text(fields: list[str]) -> bool:
    return any(field.strip() for field in fields)


def _first_row(content: bytes, reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(filter(None, reader), [])
    except UnicodeDecodeError:
        check_utf8(content)
        raise
    except csv.Error:  # reported, with the line, where the rows are read
        return []


def _fitted(names: list[str], row: list[str]) -> list[str]:
    """Give as many names as the first row has cells, unless a name would be lost."""
    n = len(row)
    if n > len(names):
        return names + [""] * (n - len(names))
    return names[:n] if n and not any(names[n:]) else names


# ------------------------------------------------------------------ a title before it


def check_title(content: bytes, layout: Layout, separators: tuple[str, ...]) -> None:
    """Refuse a header that is a title: it has fewer cells than all rows below it.

    Raises
    ------
    DataError
        The message gives the number of lines to skip.
    """
    for separator in separators:
        if (found := _header_below(content, layout, separator)) is None:
            continue
        n_lines, n = found
        cells = "1 cell" if layout.n_named == 1 else f"{layout.n_named} cells"
        raise DataError(
            f"the first row has {cells}, but from line {n_lines + 1} on each has {n}: is it a "
            f"title? Skip what precedes the header with --skip {n_lines} (in Python "
            f"skip={n_lines}){_if_single(content, layout)}"
        )


def _if_single(content: bytes, layout: Layout) -> str:
    """Say how to read a first row that is not a title, but the name of a single column."""
    sample = content[: layout.start + 100_000]
    sign = next((sign for sign in ",;|~^" if sign.encode() not in sample), None)
    if layout.n_named > 1 or sign is None:
        return ""
    return f"; if it names a single column, read it with --separator {sign!r}"


def _header_below(content: bytes, layout: Layout, separator: str) -> tuple[int, int] | None:
    """Find the first of the many records that have the same width and are wider than the first."""
    try:
        records = list(records_below(content, layout, separator))
    except csv.Error:
        return None
    return _first_of_table(records, layout.n_named)


def records_below(content: bytes, layout: Layout, separator: str) -> Iterator[Record]:
    """Give the first few rows below the header, each with its line."""
    lines = lines_of(content, layout.start)
    reader = csv.reader((line.decode("utf-8", "replace") for line in lines), delimiter=separator)
    line = layout.first_line
    for fields in islice(reader, LOOKED_AT):
        if fields:
            yield line, fields
        line = layout.first_line + reader.line_num


def _first_of_table(records: list[Record], n_title: int) -> tuple[int, int] | None:
    n = len(records[-1][1]) if records else 0
    others = [i for i, (_, fields) in enumerate(records) if len(fields) != n]
    table = records[others[-1] + 1 if others else 0 :]
    if n <= n_title or len(table) < 2:
        return None
    line, header = table[0]
    is_data = n_title > 1 and any(map(is_like_data, header))
    return None if is_data or sum(map(bool, header)) < 2 else (line - 1, n)


def quoting_fault(line: int, error: csv.Error) -> str:
    reason = str(error)
    if "end of data" in reason:
        return f"line {line}: a quote is opened in this row and never closed; close or remove it"
    if "field limit" in reason:
        limit = csv.field_size_limit()
        return f"line {line}: a cell is longer than {limit} characters, or a quote never closes"
    if "expected after" in reason:
        return f"line {line}: text follows a closing quote; double the quotes within a cell"
    return f"line {line}: {quoted(error)}"
