"""A text with a separator between its cells becomes tables of texts."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from handgrad.errors import DataError
from handgrad.tables import arrow
from handgrad.tables.files.encodings import check_all_utf8
from handgrad.tables.files.layout import (
    Layout,
    candidates,
    check_title,
    layout_of,
    quoting_fault,
    records_below,
)
from handgrad.tables.files.names import (
    hint_of_separator,
    is_row_index,
    named,
    notes_on_empty_rows,
    numbered,
)
from handgrad.tables.files.parsing import (
    BLOCK_BYTES,
    RowFacts,
    Text,
    column_of,
    looked_through,
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

_ROWS_LOOKED_AT = 10_000  # for a cell without quotes


def delimited(source: Source, path: str, reading: Reading) -> Portions:
    """Read text in UTF-8; every cell stays text, and an empty cell without quotes is null.

    Raises
    ------
    DataError
        If it is not a table; the message gives the line.
    """
    if isinstance(source, Held):
        source = _with_plain_lines(source, reading)
    separators = candidates(path, reading, source.head)
    layout, notes = layout_of(source.head, reading, separators)
    text, facts = _looked_through(source, layout, separators)
    one_line_each = _check_quotes(text, facts.n_rows)
    first, n, notes_on_surplus = _without_surplus(text, facts, separators)
    n_rows = facts.n_filled(first)
    of_rows = notes_on_empty_rows(facts.n_rows - n_rows)
    found = numbered(n)
    if reading.header:
        records = records_below(source.head, layout, layout.separator)
        empty = {p - first for p in facts.empty}
        found = named(layout.names[:n], empty, lambda: _is_index(text, facts, first), records)
    places = [first + p for p in found.positions]
    quoted_words = _quoted_words(text, facts, places)
    fields = [
        csv_field(name, quoted_words=place in quoted_words)
        for name, place in zip(found.names, places, strict=True)
    ]
    chosen = _Chosen(places, fields, quoted_words, n_rows, layout.first_line * one_line_each)
    notes = [*notes, *notes_on_surplus, *of_rows, *found.notes, *_hint(text, chosen)]
    return _portions(text, chosen, notes)


def goes_in_portions(head: bytes, reading: Reading) -> bool:
    """Tell whether the parser takes the lines as they are, without a change to the whole text."""
    return reading.separator != " " and b"\n" in head


def _with_plain_lines(source: Held, reading: Reading) -> Held:
    content = source.head
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    if reading.separator == " ":
        content = _with_single_blanks(content)
    return source if content is source.head else Held(content)


def _with_single_blanks(content: bytes) -> bytes:
    """Make several blanks, which align columns, a single one, but not within quotes."""
    content = re.sub(rb"(?m)^[ ]+|[ ]+(?=\r?$)", b"", content)
    return re.sub(rb'("[^"]*")|[ \t]+', lambda found: found[1] or b" ", content)


# ------------------------------------------------------------------ the rows


@dataclass(frozen=True)
class _Chosen:
    """The columns and rows of the parser that make up the table."""

    places: list[int]
    fields: list[pa.Field]
    quoted_words: set[int]
    n_rows: int
    first_line: int  # 0 where rows are not lines


def _portions(text: Text, chosen: _Chosen, notes: list[str]) -> Portions:
    import pyarrow as pa

    is_one = isinstance(text.source, Held)
    lines = {LINES: f"{chosen.first_line} {chosen.n_rows}".encode()} if chosen.first_line else None
    schema = pa.schema(chosen.fields, metadata=lines)
    head = with_notes(arrow.no_rows(schema), notes)

    def tables() -> Iterator[pa.Table]:
        for first_row, cells in _chosen_tables(text, chosen):
            table = pa.table(cells.columns, schema=schema)
            first_line = chosen.first_line and chosen.first_line + first_row
            yield with_notes(table, notes) if is_one else portion(table, first_row, first_line)

    return Portions(head, chosen.n_rows, tables, is_one=is_one)


def _chosen_tables(text: Text, chosen: _Chosen) -> Iterator[tuple[int, pa.Table]]:
    first_row = 0
    for cells in _with_quoted_words(text, chosen.quoted_words):
        rows = cells.slice(0, chosen.n_rows - first_row)
        if rows.num_rows or not first_row:
            yield first_row, rows.select(chosen.places)
        first_row += rows.num_rows


def _hint(text: Text, chosen: _Chosen) -> list[str]:
    if len(text.layout.names) > 1:
        return []
    _, table = next(_chosen_tables(text, chosen))
    return hint_of_separator(text.layout.names, table.column(0)[:20].to_pylist())


def _looked_through(
    source: Source, layout: Layout, separators: tuple[str, ...]
) -> tuple[Text, RowFacts]:
    import pyarrow as pa

    try:
        return looked_through(source, layout)
    except MemoryError:  # Arrow's own are ArrowExceptions, too
        raise
    except pa.ArrowException as error:
        _refuse(Text(source, layout, BLOCK_BYTES), separators)
        raise DataError(_unreadable(error)) from None


def _refuse(text: Text, separators: tuple[str, ...]) -> None:
    """Say what the parser could not read, if that can be found."""
    check_all_utf8(text.source)
    check_title(text.head, text.layout, separators)
    n = len(text.layout.names)
    _check_records(text, min(n, text.layout.n_named))
    _check_records(text, n)


def _unreadable(error: Exception) -> str:
    if "straddling" in str(error):
        return f"a row is longer than {BLOCK_BYTES} bytes; is a quote left open?"
    return f"cannot be read as delimited text: {quoted(error)}"


def _is_index(text: Text, facts: RowFacts, first: int) -> bool:
    if first == 0 and facts.ascends is not None:
        return True
    return is_row_index(column_of(text, first).slice(0, facts.n_filled(first)))


# ------------------------------------------------------------------ rows at fault


def _check_quotes(text: Text, n_rows: int) -> bool:
    """Refuse quotes that do not close; tell whether each row stands on a line of its own."""
    one_line_each = text.n_lines == n_rows
    n_quotes = text.n_quotes
    # a quote that never closes swallows rows, and the parser does not mind
    if n_quotes % 2 or (n_quotes and not one_line_each):
        _check_records(text, len(text.layout.names))
    return one_line_each


def _check_records(text: Text, n: int) -> None:
    """Go through the rows one by one, slowly, and raise at the first fault."""
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
    text: Text, facts: RowFacts, separators: tuple[str, ...]
) -> tuple[int, int, list[str]]:
    """Give the first of the columns to keep, their number, and notes.

    Rows may end in a separator, or begin with a name, that the header lacks.
    """
    layout, n = text.layout, text.layout.n_named
    surplus = set(range(n, len(layout.names)))
    if len(layout.names) < n:
        return 0, len(layout.names), ["the header ends in separators that no row has; left out"]
    if not surplus:
        return 0, n, []
    if surplus <= facts.empty:
        return 0, n, ["the rows end in separators that the header does not have; left out"]
    if len(surplus) == 1 and _are_row_names(text, facts):
        return 1, n, ["the rows begin with a name that the header does not have; left out"]
    check_title(text.head, layout, separators)
    raise DataError(_wrong_width(layout.first_line, len(layout.names), n, layout))


def _are_row_names(text: Text, facts: RowFacts) -> bool:
    """Tell whether the rows begin with names, as R writes them: numbers, or a text for each."""
    if facts.n_rows < 2:
        return False
    if facts.ascends is not None:
        return facts.ascends == (1, facts.n_rows)
    column = column_of(text, 0)
    if column.null_count or arrow.n_distinct(column) < len(column):
        return False
    return not arrow.any_of(arrow.match(column, "^[-+.0-9]"))


# ------------------------------------------------------------------ quoted words


def _quoted_words(text: Text, facts: RowFacts, places: list[int]) -> set[int]:
    """Find the columns in which "NA" is a text because of its quotes, and NA a missing cell.

    Where all cells are quoted, quotes mean nothing.
    """
    if not facts.has_word or not _has_quoted_word(text) or _all_is_quoted(text):
        return set()
    columns = {place: _QuotedWords() for place in places}
    for table in text.tables(*WORDS_FOR_MISSING):
        for place, words in columns.items():
            words.add(table.column(place))
    return {place for place, words in columns.items() if words.are_there and not words.are_numbers}


class _QuotedWords:
    """A column in which quoted words are texts, and words without quotes null."""

    def __init__(self) -> None:
        self.are_there = False
        self._n_others, self._all_numbers = 0, True

    def add(self, cells: pa.ChunkedArray) -> None:
        is_word = arrow.are_among(cells, WORDS_FOR_MISSING)
        self.are_there |= arrow.any_of(is_word)
        others = arrow.without_nulls(arrow.blanked(cells, is_word))
        self._n_others += len(others)
        if self._all_numbers:
            self._all_numbers = arrow.all_of(arrow.match(others, NUMBER)) is not False

    @property
    def are_numbers(self) -> bool:
        """Whether these are numbers, among which even a quoted word is missing, as in pandas."""
        return self._n_others > 0 and self._all_numbers


def _with_quoted_words(text: Text, places: set[int]) -> Iterator[pa.Table]:
    import pyarrow as pa

    if not places:
        yield from text.tables()
        return
    for table, again in zip(text.tables(), text.tables(*WORDS_FOR_MISSING), strict=True):
        columns = table.columns
        for place in places:
            columns[place] = again.column(place)
        yield pa.table(columns, schema=table.schema)


def _has_quoted_word(text: Text) -> bool:
    words = b"|".join(re.escape(word.encode()) for word in WORDS_FOR_MISSING)
    quoted_word = re.compile(rb'"(?:' + words + rb')"')
    return any(quoted_word.search(chunk) for chunk in text.source.chunks(text.layout.start))


def _all_is_quoted(text: Text) -> bool:
    """Look for a cell without quotes: the csv module reads it as a number, or refuses it."""
    sign = text.layout.separator
    reader = csv.reader(text.lines(), delimiter=sign, quoting=csv.QUOTE_NONNUMERIC)
    try:
        return not any(
            isinstance(cell, float) for row in islice(reader, _ROWS_LOOKED_AT) for cell in row
        )
    except (ValueError, csv.Error):
        return False
