"""The tables of several files become one: columns by name, rows one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.errors import DataError
from handgrad.tables import arrow
from handgrad.tables.files.portions import Portions, portion
from handgrad.tables.marks import (
    QUOTED_MARK,
    WORDS_FOR_MISSING,
    is_csv,
    notes_of,
    with_notes,
    words_are_texts,
)
from handgrad.text import listed, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa


def joined(paths: Sequence[str], files: Sequence[Portions]) -> Portions:
    """Put the rows of files under each other; the first file gives the order of the columns.

    Raises
    ------
    DataError
        If a file has other columns than the first, or a column of another type; the message names
        the file and all these columns.
    """
    if len(files) == 1:
        return files[0]
    heads = [file.head for file in files]
    for path, head in zip(paths[1:], heads[1:], strict=True):
        _check_names(paths[0], heads[0], path, head)
    names = heads[0].column_names
    ordered = [head.select(names) for head in heads]
    for path, head in zip(paths[1:], ordered[1:], strict=True):
        _check_kinds(paths[0], ordered[0], path, head)
    quoting = {n for head in ordered for n in names if words_are_texts(head.schema.field(n))}
    whole = _under_each_other([_with_words_missing(head, quoting) for head in ordered])

    def tables() -> Iterator[pa.Table]:
        first_row = 0
        for file in files:
            for table in file.tables():
                cells = _with_words_missing(table.select(names), quoting)
                yield portion(_under_each_other([whole, cells]), first_row)
                first_row += table.num_rows

    head = with_notes(whole, _notes(paths, heads))
    return Portions(head, sum(file.n_rows for file in files), tables)


def _under_each_other(tables: Sequence[pa.Table]) -> pa.Table:
    import pyarrow as pa

    bare = [table.replace_schema_metadata(None) for table in tables]
    return pa.concat_tables(bare, promote_options="permissive")


def _check_names(first: str, of_first: pa.Table, path: str, table: pa.Table) -> None:
    ours, theirs = of_first.column_names, table.column_names
    faults = []
    if absent := [name for name in ours if name not in theirs]:
        faults.append(f"it lacks {listed(absent)}")
    if more := [name for name in theirs if name not in ours]:
        faults.append(f"it has {listed(more)} besides")
    if faults:
        raise DataError(
            f"{path!r}: the files of one table must have the same columns as {first!r}, but "
            f"{' and '.join(faults)}; mend the header, or leave the file out"
        )


def _check_kinds(first: str, of_first: pa.Table, path: str, table: pa.Table) -> None:
    differ = [
        f"{ours.name!r} ({_kind(ours)} there, {_kind(theirs)} here)"
        for ours, theirs in zip(of_first.schema, table.schema, strict=True)
        if is_csv(ours) != is_csv(theirs) or not _go_together(ours, theirs)
    ]
    if differ:
        raise DataError(
            f"{path!r}: the files of one table must hold the same in each column as {first!r}, but "
            f"these differ: {', '.join(differ[:10])}; save all files in one format"
        )


def _go_together(ours: pa.Field, theirs: pa.Field) -> bool:
    import pyarrow as pa

    kinds = [ours.type, theirs.type]
    if any(map(pa.types.is_null, kinds)) or kinds[0].equals(kinds[1]):
        return True
    checks = (_is_number, _is_text, pa.types.is_dictionary, pa.types.is_timestamp)
    return any(all(map(check, kinds)) for check in checks)


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _kind(field: pa.Field) -> str:
    return "CSV text" if is_csv(field) else str(field.type)


def _with_words_missing(table: pa.Table, names: set[str]) -> pa.Table:
    """Make words such as "NA" null in columns where another file quotes them to mean texts.

    A file that quotes none of them in a column holds them only without quotes.
    """
    for position, field in enumerate(table.schema):
        if field.name in names and not words_are_texts(field):
            column = table.column(position)
            cells = arrow.blanked(column, arrow.are_among(column, WORDS_FOR_MISSING))
            marked = field.with_metadata({**field.metadata, **QUOTED_MARK})
            table = table.set_column(position, marked, cells)
    return table


def _notes(paths: Sequence[str], tables: Sequence[pa.Table]) -> list[str]:
    """Give notes on all files once, and other notes with the name of their file."""
    of_each = list(map(notes_of, tables))
    shared = [note for note in of_each[0] if all(note in notes for notes in of_each)]
    return shared + [
        f"{quoted(path)}: {note}"
        for path, notes in zip(paths, of_each, strict=True)
        for note in notes
        if note not in shared
    ]
