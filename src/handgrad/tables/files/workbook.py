"""The first sheet of an Excel or OpenDocument workbook becomes a table, its cells typed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from handgrad.errors import DataError
from handgrad.tables.files.names import (
    check_header,
    is_empty,
    is_row_index,
    n_filled,
    named,
    notes_on_empty_rows,
    numbered,
)
from handgrad.tables.marks import LINES, with_notes
from handgrad.text import quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.files.reading import Reading

    Row = list[Any]

MAX_BYTES = 1 << 31  # of an unfolded workbook
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"
WORKBOOK_OPENINGS = (_OLD_EXCEL, _ZIP)


def is_workbook(content: bytes) -> bool:
    if content.startswith(_OLD_EXCEL):
        return True
    if not content.startswith(_ZIP):
        return False
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if "mimetype" in names:
                return b"opendocument.spreadsheet" in archive.read("mimetype")[:200]
            return any(name.startswith("xl/workbook.") for name in names)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return False


def workbook(content: bytes, reading: Reading) -> pa.Table:
    """Read the first sheet; its first row with a cell names the columns.

    Raises
    ------
    DataError
        If the reader is not installed, or the workbook is damaged or has no table.
    """
    from handgrad.tables.files.typed import as_text

    reading.check_only("a workbook", "skip", "header")
    rows, notes = _first_sheet(content)
    start = _first_filled(rows, reading.skip or 0)
    header = [as_text(cell).strip() for cell in rows[start]] if reading.header else None
    start += header is not None
    columns = _columns(rows[start:], header or [""] * len(rows[0]))
    n = n_filled(columns)
    dropped, columns = notes_on_empty_rows(columns.num_rows - n), columns.slice(0, n)
    if header is None:
        found = numbered(columns.num_columns)
    else:
        notes += check_header(header)
        empty = {p for p in range(len(header)) if is_empty(columns.column(p))}
        records = enumerate(rows[start:], start=start + 1)
        found = named(header, empty, lambda: is_row_index(columns.column(0)), records)
    table = _chosen(columns, found.positions, found.names, first_line=start + 1)
    return with_notes(table, [*notes, *dropped, *found.notes])


def _first_filled(rows: list[Row], n_skipped: int) -> int:
    for place, row in enumerate(rows[n_skipped:], start=n_skipped):
        if any(cell != "" for cell in row):
            return place
    raise DataError("the sheet is empty; it must hold a header row and rows")


def _chosen(columns: pa.Table, positions: list[int], names: list[str], *, first_line: int) -> Any:
    import pyarrow as pa

    chosen = columns.select(positions)
    fields = [field.with_name(name) for field, name in zip(chosen.schema, names, strict=True)]
    lines = {LINES: f"{first_line} {columns.num_rows}".encode()}
    return pa.table(chosen.columns, schema=pa.schema(fields, metadata=lines))


def _columns(rows: list[Row], names: list[str]) -> pa.Table:
    import pyarrow as pa

    from handgrad.tables.files.typed import typed

    cells = [[None if row[p] == "" else row[p] for row in rows] for p in range(len(names))]
    columns = [typed(names[p] or f"column {p + 1}", column) for p, column in enumerate(cells)]
    return pa.table([array for _, array in columns], schema=pa.schema([f for f, _ in columns]))


# ------------------------------------------------------------------ the file


def _first_sheet(content: bytes) -> tuple[list[Row], list[str]]:
    """Give the cells of the first sheet that is not hidden; an empty cell is an empty text."""
    calamine = _reader()
    _check_size(content)
    try:
        book = calamine.load_workbook(io.BytesIO(content))
        visible = calamine.SheetVisibleEnum.Visible
        seen = [sheet.name for sheet in book.sheets_metadata if sheet.visible == visible]
        names = seen or book.sheet_names
        rows = book.get_sheet_by_name(names[0]).to_python(skip_empty_area=False)
    except (calamine.CalamineError, IndexError) as error:
        raise DataError(f"the workbook is damaged: {quoted(error)}; save it again") from None
    if len(names) == 1:
        return rows, []
    return rows, [f"the workbook has {len(names)} sheets; the first, {names[0]!r}, was read"]


def _reader() -> Any:
    try:
        import python_calamine
    except ImportError:
        raise DataError(
            'to read an Excel or OpenDocument workbook, pip install "handgrad[excel]"; '
            "or save the sheet as CSV"
        ) from None
    return python_calamine


def _check_size(content: bytes) -> None:
    if content.startswith(_OLD_EXCEL):
        return
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
            raise DataError(f"the workbook unfolds to more than {MAX_BYTES} bytes; save it as CSV")
