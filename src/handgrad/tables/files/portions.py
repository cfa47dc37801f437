"""A file as a sequence of tables of the same columns, so that none need hold all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from handgrad.tables.marks import LINES, notes_of, with_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa


class Portions(NamedTuple):
    """The rows of a file, in one table or in several.

    Attributes
    ----------
    head : pyarrow.Table
        No rows, but what all tables share: names, types, marks and notes.
    n_rows : int
    tables : callable
        Gives the tables, at least one, from the first row on, each time it is called.
    is_one : bool
        Whether there is a single table.
    """

    head: pa.Table
    n_rows: int
    tables: Callable[[], Iterator[pa.Table]]
    is_one: bool = False

    @classmethod
    def of(cls, table: pa.Table) -> Portions:
        """Make a table the only portion."""
        return cls(table.slice(0, 0), table.num_rows, lambda: iter([table]), is_one=True)

    def noted(self, notes: Sequence[str]) -> Portions:
        """Replace the notes."""
        if tuple(notes) == notes_of(self.head):
            return self
        head = with_notes(self.head, notes)
        if not self.is_one:
            return self._replace(head=head)
        return Portions.of(with_notes(self.whole(), notes))

    def whole(self, names: list[str] | None = None) -> pa.Table:
        """Put all rows into one table, with all columns or those named."""
        import pyarrow as pa

        names = self.head.column_names if names is None else names
        tables = [table.select(names) for table in self.tables()]
        if self.is_one:
            return tables[0]
        bare = [table.replace_schema_metadata(None) for table in tables]
        return pa.concat_tables(bare).replace_schema_metadata(self.head.schema.metadata)


def portion(table: pa.Table, first_row: int, first_line: int = 0) -> pa.Table:
    """Mark rows with their place in the whole file: the first row, from 0, and its line, or 0."""
    place = f"{first_line} {table.num_rows} {first_row}".encode()
    return table.replace_schema_metadata({LINES: place})
