"""The rows of a delimited text as the parser gives them, and facts about all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from handgrad.tables import arrow
from handgrad.tables.files.names import n_filled
from handgrad.tables.files.source import Held, lines_of
from handgrad.tables.marks import WORDS_FOR_MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from handgrad.tables.files.layout import Layout
    from handgrad.tables.files.source import Source

BLOCK_BYTES = 1 << 23  # pyarrow needs every row to end within the next block
COLUMNS_AT_A_TIME = 10_000  # pyarrow needs 5 KB for each while it reads
STREAMED_BYTES = 1 << 20  # a block of a stream, of which pyarrow reads 32 ahead


@dataclass(frozen=True)
class Text:
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
        """The number of line ends and of quotes, and the end of the last row."""
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
        """The number of lines, without empty ones behind the last row."""
        n, _, end = self._counts
        return n + (end > self.layout.start)

    @property
    def n_quotes(self) -> int:
        return self._counts[1]

    def tables(self, *null_values: str) -> Iterator[pa.Table]:
        """Parse the rows, with these texts null unless quoted; give at least one table.

        Text in memory is parsed once, into a single table.
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

        return arrow.no_rows(pa.schema([(name, pa.string()) for name in self._names]))

    @cached_property
    def _names(self) -> list[str]:
        """Numbers for names: repeated names and quotes in the header never meet the parser."""
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


# ------------------------------------------------------------------ facts about all rows


class RowFacts:
    """Facts about all rows, gathered from one table of the parser after the other.

    Attributes
    ----------
    n_rows : int
    empty : set of int
        The columns without a name and without a cell.
    ascends : tuple of int, or None
        The first and the last cell of the first column, if its cells are ascending whole numbers;
        rows at the end without a cell do not count.
    has_word : bool
        Whether a cell is a word for a missing one; looked for only where there are quotes.
    """

    def __init__(self, layout: Layout, *, looks_for_words: bool) -> None:
        n = len(layout.names)
        self.n_rows = 0
        self.empty = {p for p, name in enumerate(layout.names) if not name}
        self.ascends: tuple[int, int] | None = None
        self.has_word = False
        self._looks_for_words = looks_for_words
        self._width = min(n, layout.n_named)
        # the rows may begin with a name that the header lacks
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
        follows = self._filled[0] == self.n_rows  # no row without a cell lies between
        if self.ascends is None or not follows or self.ascends[1] >= more[0]:
            return None
        return self.ascends[0], more[1]


def _ascending(column: pa.ChunkedArray) -> tuple[int, int] | None:
    import numpy as np
    import pyarrow as pa

    try:
        numbers = arrow.cast(column, pa.int64())
    except pa.ArrowInvalid:
        return None
    if column.null_count or not arrow.cast(numbers, pa.string()).equals(column):
        return None
    values = arrow.to_numpy(numbers)
    return (int(values[0]), int(values[-1])) if (np.diff(values) > 0).all() else None


def _has_word(table: pa.Table) -> bool:
    return any(arrow.any_of(arrow.are_among(column, WORDS_FOR_MISSING)) for column in table.columns)


def looked_through(source: Source, layout: Layout) -> tuple[Text, RowFacts]:
    """Parse all rows once; a stream in small blocks, if no row is too long for that.

    Raises
    ------
    pyarrow.ArrowException
        If the parser cannot read a row.
    """
    import pyarrow as pa

    text = Text(source, layout, STREAMED_BYTES)
    try:
        return text, _facts_of(text)
    except pa.ArrowInvalid as error:
        if isinstance(source, Held) or "straddling" not in str(error):
            raise
    text = Text(source, layout, BLOCK_BYTES)
    return text, _facts_of(text)


def _facts_of(text: Text) -> RowFacts:
    facts = RowFacts(text.layout, looks_for_words=text.n_quotes > 0)
    for table in text.tables():
        facts.add(table)
    return facts


def column_of(text: Text, place: int) -> pa.ChunkedArray:
    """Gather a column of all rows, for the few questions that need it whole."""
    import pyarrow as pa

    chunks = [chunk for table in text.tables() for chunk in table.column(place).chunks]
    return pa.chunked_array(chunks, pa.string())
