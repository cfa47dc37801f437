"""A text whose rows are lines and whose cells are parted by a sign becomes tables of texts."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from handgrad.errors import DataError
from handgrad.tables.files.encodings import check_all_utf8
from handgrad.tables.files.layout import (
    Layout,
    candidates,
    check_title,
    layout_of,
    lines_of,
    quoting_fault,
    records_below,
)
from handgrad.tables.files.names import (
    hint_of_separator,
    is_row_index,
    n_filled,
    named,
    numbered,
    of_empty_rows,
)
from handgrad.tables.files.portions import Portions, portion
from handgrad.tables.files.source import Held
from handgrad.tables.marks import LINES, NUMBER, WORDS_FOR_MISSING, csv_field, with_notes
from handgrad.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from handgrad.tables.files.reading import Reading
    from handgrad.tables.files.source import Source

BLOCK_BYTES = 1 << 23  # pyarrow needs every row to end within the next block
COLUMNS_AT_A_TIME = 10_000  # pyarrow takes 5 KB for each while it reads
STREAMED_BYTES = 1 << 20  # a block of a stream, of which pyarrow reads 32 ahead
_QUOTED_WORD = re.compile(
    rb'"(?:' + b"|".join(re.escape(word.encode()) for word in WORDS_FOR_MISSING) + rb')"'
)
_ROWS_LOOKED_AT = 10_000  # for a cell without quotes


def delimited(source: Source, path: str, reading: Reading) -> Portions:
    """Read text in UTF-8; every cell stays text, an empty cell without quotes is null.

    Raises
    ------
    DataError
        If it is no table; the message gives the line.
    """
    if isinstance(source, Held):
        source = _with_plain_lines(source, reading)
    separators = candidates(path, reading, source.head)
    layout, notes = layout_of(source.head, reading, separators)
    text, seen = _looked_through(source, layout, separators)
    one_line_each = _check_quotes(text, seen.n_rows)
    first, n, of_surplus = _without_surplus(text, seen, separators)
    n_rows = seen.n_filled(first)
    of_rows = of_empty_rows(seen.n_rows - n_rows)
    found = numbered(n)
    if reading.header:
        records = records_below(source.head, layout, layout.separator)
        empty = {p - first for p in seen.empty}
        found = named(layout.names[:n], empty, lambda: _is_index(text, seen, first), records)
    places = [first + p for p in found.positions]
    quoted_words = _quoted_words(text, seen, places)
    fields = [
        csv_field(name, quoted_words=place in quoted_words)
        for name, place in zip(found.names, places, strict=True)
    ]
    chosen = _Chosen(places, fields, quoted_words, n_rows, layout.first_line * one_line_each)
    told = [*notes, *of_surplus, *of_rows, *found.notes, *_hint(text, chosen)]
    return _portions(text, chosen, told)


def goes_in_portions(head: bytes, reading: Reading) -> bool:
    """Tell whether lines are as the parser takes them, without a change to the whole text."""
    return reading.separator != " " and b"\n" in head


def _with_plain_lines(source: Held, reading: Reading) -> Held:
    content = source.head
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    if reading.separator == " ":
        content = _with_single_blanks(content)
    return source if content is source.head else Held(content)


def _with_single_blanks(content: bytes) -> bytes:
    """Make one blank of several, as columns are aligned by them, but not within quotes."""
    content = re.sub(rb"(?m)^[ ]+|[ ]+(?=\r?$)", b"", content)
    return re.sub(rb'("[^"]*")|[ \t]+', lambda found: found[1] or b" ", content)


# ------------------------------------------------------------------ the rows


@dataclass(frozen=True)
class _Text:
    """The rows below a header, and the parser's tables of them."""

    source: Source
    layout: Layout
    block_bytes: int  # of a stream
    _known: dict[tuple[str, ...], pa.Table] = field(init=False, default_factory=dict)

    @property
    def head(self) -> bytes:
        return self.source.head

    @cached_property
    def _counts(self) -> tuple[int, int, int]:
        """Count line ends and quotes, and find the end of the last row."""
        n_lines, n_quotes, at, end, n_after = 0, 0, self.layout.start, self.layout.start, 0
        for chunk in self.source.chunks(at):
            bare = chunk.rstrip(b"\r\n")
            n = chunk.count(b"\n")
            if bare:
                end, n_lines, n_after = at + len(bare), n_lines + n_after, n
                n_after = chunk.count(b"\n", len(bare))
                n_lines += n - n_after
            else:
                n_after += n
            n_quotes += chunk.count(b'"')
            at += len(chunk)
        return n_lines, n_quotes, end

    @property
    def n_lines(self) -> int:
        """Count the lines; those that end behind the last row are none."""
        n, _, end = self._counts
        return n + (end > self.layout.start)

    @property
    def n_quotes(self) -> int:
        return self._counts[1]

    def tables(self, *null_values: str) -> Iterator[pa.Table]:
        """Parse the rows, so that these texts without quotes are null; one table at least.

        What is held in memory is parsed once, into a single table.
        """
        if not isinstance(self.source, Held):
            yield from self._streamed(null_values)
            return
        if null_values not in self._known:
            self._known[null_values] = self._whole(null_values)
        yield self._known[null_values]

    def _whole(self, null_values: tuple[str, ...]) -> pa.Table:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        if self.layout.start >= self._counts[2]:
            return self._empty()
        rows, columns = self._rows(), []
        for first in range(0, len(self._names), COLUMNS_AT_A_TIME):
            some = self._names[first : first + COLUMNS_AT_A_TIME]
            rows.seek(0)
            columns += arrow_csv.read_csv(
                rows, **self._options(null_values, BLOCK_BYTES, some)
            ).columns
        return pa.table(columns, names=self._names)

    def _streamed(self, null_values: tuple[str, ...]) -> Iterator[pa.Table]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        if self.layout.start >= self._counts[2]:
            yield self._empty()
            return
        options = self._options(null_values, self.block_bytes, self._names)
        n_at_once = BLOCK_BYTES // self.block_bytes
        with arrow_csv.open_csv(self._rows(), **options) as batches:
            while some := list(islice(batches, n_at_once)):
                yield pa.Table.from_batches(some)
        self.source.check_unchanged()

    def _rows(self) -> pa.NativeFile:
        return self.source.arrow(self.layout.start, self._counts[2])

    def _empty(self) -> pa.Table:
        import pyarrow as pa

        return pa.schema([(name, pa.string()) for name in self._names]).empty_table()

    @cached_property
    def _names(self) -> list[str]:
        """Number the columns, so that duplicates and quotes in the header never meet the parser."""
        return [str(position) for position in range(len(self.layout.names))]

    def _options(
        self, null_values: tuple[str, ...], block_bytes: int, some: list[str]
    ) -> dict[str, Any]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        names = self._names
        return {
            "read_options": arrow_csv.ReadOptions(column_names=names, block_size=block_bytes),
            "parse_options": arrow_csv.ParseOptions(
                delimiter=self.layout.separator,
                newlines_in_values=self.n_quotes > 0,
                ignore_empty_lines=len(names) > 1,  # of a single column they are missing cells
            ),
            "convert_options": arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(some, pa.string()),
                include_columns=some,
                null_values=["", *null_values],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        }

    def lines(self) -> Iterator[str]:
        for chunk in self.source.chunks(self.layout.start):
            yield from (line.decode() for line in lines_of(chunk))


@dataclass(frozen=True)
class _Chosen:
    """Which of the parser's columns and rows are the table."""

    places: list[int]
    fields: list[pa.Field]
    quoted_words: set[int]
    n_rows: int
    first_line: int  # 0 where rows are not lines


def _portions(text: _Text, chosen: _Chosen, notes: list[str]) -> Portions:
    import pyarrow as pa

    is_one = isinstance(text.source, Held)
    lines = {LINES: f"{chosen.first_line} {chosen.n_rows}".encode()} if chosen.first_line else None
    schema = pa.schema(chosen.fields, metadata=lines)
    head = with_notes(schema.empty_table(), notes)

    def tables() -> Iterator[pa.Table]:
        for first_row, cells in _chosen_tables(text, chosen):
            table = pa.table(cells.columns, schema=schema)
            first_line = chosen.first_line and chosen.first_line + first_row
            yield with_notes(table, notes) if is_one else portion(table, first_row, first_line)

    return Portions(head, chosen.n_rows, tables, is_one=is_one)


def _chosen_tables(text: _Text, chosen: _Chosen) -> Iterator[tuple[int, pa.Table]]:
    first_row = 0
    for cells in _with_quoted_words(text, chosen.quoted_words):
        rows = cells.slice(0, chosen.n_rows - first_row)
        if rows.num_rows or not first_row:
            yield first_row, rows.select(chosen.places)
        first_row += rows.num_rows


def _hint(text: _Text, chosen: _Chosen) -> list[str]:
    if len(text.layout.names) > 1:
        return []
    _, table = next(_chosen_tables(text, chosen))
    return hint_of_separator(text.layout.names, table.column(0)[:20].to_pylist())


# ------------------------------------------------------------------ what is true of all rows


class _Seen:
    """What the parser's tables, looked at one after the other, say together.

    Attributes
    ----------
    n_rows : int
    empty : set of int
        The columns without a name in which no cell stands.
    ascends : tuple of int, or None
        The first and the last cell of the first column, if its cells are whole numbers, each
        larger than the one before; rows at the end without a cell do not count.
    has_word : bool
        Whether a cell is a word for a missing one, looked for where there are quotes.
    """

    def __init__(self, layout: Layout, *, looks_for_words: bool) -> None:
        n = len(layout.names)
        self.n_rows = 0
        self.empty = {p for p, name in enumerate(layout.names) if not name}
        self.ascends: tuple[int, int] | None = None
        self.has_word = False
        self._looks_for_words = looks_for_words
        self._width = min(n, layout.n_named)
        # the rows may begin with a name, of which the header knows nothing
        self._filled = dict.fromkeys(range(2 if n == layout.n_named + 1 else 1), 0)
        self._asks_for_first = not layout.names[0] or n == layout.n_named + 1

    def add(self, table: pa.Table) -> None:
        self.empty -= {p for p in self.empty if table.column(p).null_count < table.num_rows}
        filled = {
            start: n_filled(table.select(range(start, start + self._width)))
            for start in self._filled
        }
        if self._asks_for_first and filled[0]:
            self.ascends = self._further(_ascending(table.column(0).slice(0, filled[0])))
        self._filled |= {start: self.n_rows + n for start, n in filled.items() if n}
        if self._looks_for_words and not self.has_word:
            self.has_word = _has_word(table)
        self.n_rows += table.num_rows

    def n_filled(self, first: int) -> int:
        """Count the rows up to the last that has a cell from the first column on."""
        return self._filled[first]

    def _further(self, more: tuple[int, int] | None) -> tuple[int, int] | None:
        if not self.n_rows or more is None:
            return more
        follows = self._filled[0] == self.n_rows  # no row without a cell stands between
        if self.ascends is None or not follows or self.ascends[1] >= more[0]:
            return None
        return self.ascends[0], more[1]


def _ascending(column: pa.ChunkedArray) -> tuple[int, int] | None:
    import numpy as np
    import pyarrow as pa

    try:
        numbers = column.cast("int64")
    except pa.ArrowInvalid:
        return None
    if column.null_count or not numbers.cast("string").equals(column):
        return None
    values = numbers.to_numpy()
    return (int(values[0]), int(values[-1])) if (np.diff(values) > 0).all() else None


def _has_word(table: pa.Table) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pa.array(WORDS_FOR_MISSING)
    return any(pc.any(pc.is_in(column, value_set=words)).as_py() for column in table.columns)


def _looked_through(
    source: Source, layout: Layout, separators: tuple[str, ...]
) -> tuple[_Text, _Seen]:
    import pyarrow as pa

    text = _Text(source, layout, STREAMED_BYTES)
    try:
        try:
            return text, _seen(text)
        except pa.ArrowInvalid as error:
            if isinstance(source, Held) or "straddling" not in str(error):
                raise
            text = _Text(source, layout, BLOCK_BYTES)
            return text, _seen(text)
    except MemoryError:  # Arrow's own are ArrowExceptions, too
        raise
    except pa.ArrowException as error:
        _refuse(text, separators)
        raise DataError(_unreadable(error)) from None


def _seen(text: _Text) -> _Seen:
    seen = _Seen(text.layout, looks_for_words=text.n_quotes > 0)
    for table in text.tables():
        seen.add(table)
    return seen


def _refuse(text: _Text, separators: tuple[str, ...]) -> None:
    """Say what the parser could not read, if anybody can."""
    check_all_utf8(text.source)
    check_title(text.head, text.layout, separators)
    n = len(text.layout.names)
    _check_records(text, min(n, text.layout.n_named))
    _check_records(text, n)


def _unreadable(error: Exception) -> str:
    if "straddling" in str(error):
        return f"a row is longer than {BLOCK_BYTES} bytes; is a quote left open?"
    return f"cannot be read as delimited text: {quoted(error)}"


def _column(text: _Text, place: int) -> pa.ChunkedArray:
    """Gather a column of all rows, for the few questions that cannot be answered otherwise."""
    import pyarrow as pa

    chunks = [chunk for table in text.tables() for chunk in table.column(place).chunks]
    return pa.chunked_array(chunks, pa.string())


def _is_index(text: _Text, seen: _Seen, first: int) -> bool:
    if first == 0 and seen.ascends is not None:
        return True
    return is_row_index(_column(text, first).slice(0, seen.n_filled(first)))


# ------------------------------------------------------------------ rows at fault


def _check_quotes(text: _Text, n_rows: int) -> bool:
    """Refuse quotes that do not close; tell whether each row stands on a line of its own."""
    one_line_each = text.n_lines == n_rows
    n_quotes = text.n_quotes
    # a quote that never closes swallows rows without a word from the parser
    if n_quotes % 2 or (n_quotes and not one_line_each):
        _check_records(text, len(text.layout.names))
    return one_line_each


def _check_records(text: _Text, n: int) -> None:
    """Walk the rows one by one, slowly, and raise at the first that is at fault."""
    first_line = text.layout.first_line
    reader = csv.reader(text.lines(), delimiter=text.layout.separator, strict=True)
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


# ------------------------------------------------------------------ cells that the header lacks


def _without_surplus(
    text: _Text, seen: _Seen, separators: tuple[str, ...]
) -> tuple[int, int, list[str]]:
    """Give the first of the columns to keep and their number, where the header has not as many.

    Rows may end in a separator, or begin with a name, of which the header knows nothing.
    """
    layout, n = text.layout, text.layout.n_named
    surplus = set(range(n, len(layout.names)))
    if len(layout.names) < n:
        return 0, len(layout.names), ["the header ends in separators that no row has; left out"]
    if not surplus:
        return 0, n, []
    if surplus <= seen.empty:
        return 0, n, ["the rows end in separators that the header does not have; left out"]
    if len(surplus) == 1 and _are_row_names(text, seen):
        return 1, n, ["the rows begin with a name that the header does not have; left out"]
    check_title(text.head, layout, separators)
    raise DataError(_wrong_width(layout.first_line, len(layout.names), n, layout))


def _are_row_names(text: _Text, seen: _Seen) -> bool:
    """Tell what R writes before each row: its number, or a text of its own."""
    import pyarrow.compute as pc

    if seen.n_rows < 2:
        return False
    if seen.ascends is not None:
        return seen.ascends == (1, seen.n_rows)
    column = _column(text, 0)
    if column.null_count or pc.count_distinct(column).as_py() < len(column):
        return False
    return not pc.any(pc.match_substring_regex(column, "^[-+.0-9]")).as_py()


# ------------------------------------------------------------------ quoted words


def _quoted_words(text: _Text, seen: _Seen, places: list[int]) -> set[int]:
    """Find the columns where "NA", a text, is told from NA, a missing cell, by its quotes.

    Where all is quoted, quotes tell nothing.
    """
    if not seen.has_word or not _has_quoted_word(text) or _all_is_quoted(text):
        return set()
    columns = {place: _Words() for place in places}
    for table in text.tables(*WORDS_FOR_MISSING):
        for place, words in columns.items():
            words.add(table.column(place))
    return {place for place, words in columns.items() if words.are_there and not words.are_numbers}


class _Words:
    """A column in which quoted words are texts, and those without quotes null."""

    def __init__(self) -> None:
        self.are_there = False
        self._n_others, self._all_numbers = 0, True

    def add(self, cells: pa.ChunkedArray) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        is_word = pc.is_in(cells, value_set=pa.array(WORDS_FOR_MISSING))
        self.are_there |= bool(pc.any(is_word).as_py())
        others = cells.filter(pc.invert(is_word)).drop_null()
        self._n_others += len(others)
        if self._all_numbers:
            are_numbers = pc.all(pc.match_substring_regex(others, NUMBER)).as_py()
            self._all_numbers = are_numbers is not False  # None of no cell

    @property
    def are_numbers(self) -> bool:
        """Tell numbers, among which a word means a missing one even in quotes, as pandas has it."""
        return self._n_others > 0 and self._all_numbers


def _with_quoted_words(text: _Text, places: set[int]) -> Iterator[pa.Table]:
    import pyarrow as pa

    if not places:
        yield from text.tables()
        return
    for table, again in zip(text.tables(), text.tables(*WORDS_FOR_MISSING), strict=True):
        columns = table.columns
        for place in places:
            columns[place] = again.column(place)
        yield pa.table(columns, schema=table.schema)


def _has_quoted_word(text: _Text) -> bool:
    return any(_QUOTED_WORD.search(chunk) for chunk in text.source.chunks(text.layout.start))


def _all_is_quoted(text: _Text) -> bool:
    """Look for a cell without quotes: read as a number, or refused as none, unlike a quoted one."""
    sign = text.layout.separator
    reader = csv.reader(text.lines(), delimiter=sign, quoting=csv.QUOTE_NONNUMERIC)
    try:
        return not any(
            isinstance(cell, float) for row in islice(reader, _ROWS_LOOKED_AT) for cell in row
        )
    except (ValueError, csv.Error):
        return False
