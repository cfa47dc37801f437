"""A text whose rows are lines and whose cells are parted by a sign becomes a table of texts."""

from __future__ import annotations

import csv
import io
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad.errors import DataError
from handgrad.tables.files.encodings import check_utf8
from handgrad.tables.files.layout import (
    Layout,
    candidates,
    check_title,
    layout_of,
    quoting_fault,
    records_below,
)
from handgrad.tables.files.names import hint_of_separator, named, numbered, without_empty_rows
from handgrad.tables.marks import LINES, NUMBER, WORDS_FOR_MISSING, csv_field, with_notes
from handgrad.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from handgrad.tables.files.reading import Reading

BLOCK_BYTES = 1 << 23  # pyarrow needs every row to end within the next block
COLUMNS_AT_A_TIME = 10_000  # pyarrow takes 5 KB for each while it reads
_QUOTED_WORD = re.compile(
    rb'"(?:' + b"|".join(re.escape(word.encode()) for word in WORDS_FOR_MISSING) + rb')"'
)
_ROWS_LOOKED_AT = 10_000  # for a cell without quotes


class _Text(NamedTuple):
    content: bytes
    layout: Layout
    end: int  # of the last row: line ends behind it are no rows

    @property
    def n_lines(self) -> int:
        inside = self.content.count(b"\n", self.layout.start, self.end)
        return inside + (self.end > self.layout.start)


def delimited(content: bytes, path: str, reading: Reading) -> pa.Table:
    """Read text in UTF-8; every cell stays text, an empty cell without quotes is null.

    Raises
    ------
    DataError
        If it is no table; the message gives the line.
    """
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    if reading.separator == " ":
        content = _with_single_blanks(content)
    separators = candidates(path, reading, content)
    layout, notes = layout_of(content, reading, separators)
    text = _Text(content, layout, _end(content, layout.start))
    columns = _parsed(text, separators)
    one_line_each = _check_quotes(text, columns.num_rows)
    first, n, of_surplus = _without_surplus(text, columns, separators)
    rows, of_rows = without_empty_rows(columns.select(range(first, first + n)))
    records = records_below(content, layout, layout.separator)
    found = named(rows, layout.names[:n], records) if reading.header else numbered(n)
    positions = [first + p for p in found.positions]
    cells, quoted_words = _with_quoted_words(text, rows.select(found.positions), positions)
    table = _table(cells, found.names, quoted_words, layout, one_line_each)
    hint = hint_of_separator(layout.names, table.column(0)[:20].to_pylist())
    return with_notes(table, [*notes, *of_surplus, *of_rows, *found.notes, *hint])


def _table(
    cells: pa.Table, names: list[str], quoted_words: set[int], layout: Layout, one_line_each: bool
) -> pa.Table:
    import pyarrow as pa

    fields = [csv_field(name, quoted_words=p in quoted_words) for p, name in enumerate(names)]
    lines = {LINES: f"{layout.first_line} {cells.num_rows}".encode()} if one_line_each else None
    return pa.table(cells.columns, schema=pa.schema(fields, metadata=lines))


def _with_single_blanks(content: bytes) -> bytes:
    """Make one blank of several, as columns are aligned by them, but not within quotes."""
    content = re.sub(rb"(?m)^[ ]+|[ ]+(?=\r?$)", b"", content)
    return re.sub(rb'("[^"]*")|[ \t]+', lambda found: found[1] or b" ", content)


def _end(content: bytes, start: int) -> int:
    end = len(content)
    while end > start and content[end - 1] in b"\r\n":
        end -= 1
    return end


# ------------------------------------------------------------------ parsing


def _parsed(text: _Text, separators: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa

    try:
        return _columns(text, [""])
    except pa.ArrowException as error:
        check_utf8(text.content)
        check_title(text.content, text.layout, separators)
        n = len(text.layout.names)
        _check_records(text, min(n, text.layout.n_named))
        _check_records(text, n)
        raise DataError(_unreadable(error)) from None


def _columns(text: _Text, null_values: list[str]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    content, layout, end = text
    # numbered names, so that duplicates and quotes in the header never meet the parser
    names = [str(position) for position in range(len(layout.names))]
    if layout.start >= end:
        return pa.schema([(name, pa.string()) for name in names]).empty_table()
    rows = pa.py_buffer(content)[layout.start : end]
    options = arrow_csv.ParseOptions(
        delimiter=layout.separator,
        newlines_in_values=content.find(b'"', layout.start) >= 0,
        ignore_empty_lines=len(names) > 1,  # of a single column they are missing cells
    )
    columns = []
    for first in range(0, len(names), COLUMNS_AT_A_TIME):
        some = names[first : first + COLUMNS_AT_A_TIME]
        part = arrow_csv.read_csv(
            pa.BufferReader(rows),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=BLOCK_BYTES),
            parse_options=options,
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(some, pa.string()),
                include_columns=some,
                null_values=null_values,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        columns += part.columns
    return pa.table(columns, names=names)


def _unreadable(error: Exception) -> str:
    if "straddling" in str(error):
        return f"a row is longer than {BLOCK_BYTES} bytes; is a quote left open?"
    return f"cannot be read as delimited text: {quoted(error)}"


# ------------------------------------------------------------------ rows at fault


def _check_quotes(text: _Text, n_rows: int) -> bool:
    """Refuse quotes that do not close; tell whether each row stands on a line of its own."""
    one_line_each = text.n_lines == n_rows
    n_quotes = text.content.count(b'"', text.layout.start)
    # a quote that never closes swallows rows without a word from the parser
    if n_quotes % 2 or (n_quotes and not one_line_each):
        _check_records(text, len(text.layout.names))
    return one_line_each


def _check_records(text: _Text, n: int) -> None:
    """Walk the rows one by one, slowly, and raise at the first that is at fault."""
    first_line = text.layout.first_line
    reader = csv.reader(_lines(text), delimiter=text.layout.separator, strict=True)
    line = first_line
    try:
        for fields in reader:
            if fields and len(fields) != n:
                raise DataError(_wrong_width(line, len(fields), n, text.layout))
            line = first_line + reader.line_num
    except csv.Error as error:
        raise DataError(quoting_fault(line, error)) from None


def _wrong_width(line: int, found: int, n: int, layout: Layout) -> str:
    like = "in the header" if n == layout.n_named and any(layout.names) else "in the first row"
    return (
        f"line {line}: {found} fields, expected {n} as {like}; quote cells that hold the "
        "separator, or mend the row"
    )


def _lines(text: _Text) -> Iterator[str]:
    stream = io.BytesIO(text.content)
    stream.seek(text.layout.start)
    return (line.decode() for line in stream)


# ------------------------------------------------------------------ cells that the header lacks


def _without_surplus(
    text: _Text, columns: pa.Table, separators: tuple[str, ...]
) -> tuple[int, int, list[str]]:
    """Give the first of the columns to keep and their number, where the header has not as many.

    Rows may end in a separator, or begin with a name, of which the header knows nothing.
    """
    layout, n = text.layout, text.layout.n_named
    surplus = [columns.column(p) for p in range(n, len(layout.names))]
    if len(layout.names) < n:
        return 0, len(layout.names), ["the header ends in separators that no row has; left out"]
    if not surplus:
        return 0, n, []
    if all(column.null_count == len(column) for column in surplus):
        return 0, n, ["the rows end in separators that the header does not have; left out"]
    if len(surplus) == 1 and _are_row_names(columns.column(0)):
        return 1, n, ["the rows begin with a name that the header does not have; left out"]
    check_title(text.content, layout, separators)
    raise DataError(_wrong_width(layout.first_line, len(layout.names), n, layout))


def _are_row_names(column: Any) -> bool:
    """Tell what R writes before each row: its number, or a text of its own."""
    import pyarrow.compute as pc

    if len(column) < 2 or column.null_count or pc.count_distinct(column).as_py() < len(column):
        return False
    if column[0].as_py() == "1":
        return bool(column.to_pylist() == [str(row + 1) for row in range(len(column))])
    return not pc.any(pc.match_substring_regex(column, "^[-+.0-9]")).as_py()


# ------------------------------------------------------------------ quoted words


def _with_quoted_words(
    text: _Text, cells: pa.Table, positions: list[int]
) -> tuple[pa.Table, set[int]]:
    """Tell "NA", a text, from NA, a missing cell, in columns where such a word is quoted.

    Where all is quoted, quotes tell nothing.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pa.array(WORDS_FOR_MISSING)
    if not _has_quoted_words(text, cells, words):
        return cells, set()
    again = _columns(text, ["", *WORDS_FOR_MISSING]).slice(0, cells.num_rows)
    quoted_words, columns = set(), cells.columns
    for place, position in enumerate(positions):
        column = again.column(position)
        is_word = pc.is_in(column, value_set=words)
        if pc.any(is_word).as_py() and not _are_numbers(column.filter(pc.invert(is_word))):
            quoted_words.add(place)
            columns[place] = column
    return pa.table(columns, schema=cells.schema), quoted_words


def _has_quoted_words(text: _Text, cells: pa.Table, words: pa.Array) -> bool:
    import pyarrow.compute as pc

    if text.content.find(b'"', text.layout.start) < 0:
        return False
    # the cells are looked at first: of most files that is faster than their bytes
    if not any(pc.any(pc.is_in(column, value_set=words)).as_py() for column in cells.columns):
        return False
    found = _QUOTED_WORD.search(text.content, text.layout.start)
    return found is not None and not _all_is_quoted(text)


def _are_numbers(cells: Any) -> bool:
    """Tell numbers, among which a word means a missing one even in quotes, as pandas writes it."""
    import pyarrow.compute as pc

    present = cells.drop_null()
    return len(present) > 0 and pc.all(pc.match_substring_regex(present, NUMBER)).as_py()


def _all_is_quoted(text: _Text) -> bool:
    """Look for a cell without quotes: read as a number, or refused as none, unlike a quoted one."""
    sign = text.layout.separator
    reader = csv.reader(_lines(text), delimiter=sign, quoting=csv.QUOTE_NONNUMERIC)
    try:
        return not any(
            isinstance(cell, float) for row in islice(reader, _ROWS_LOOKED_AT) for cell in row
        )
    except (ValueError, csv.Error):
        return False
