"""Files that are not tables are recognised by how they begin."""

from __future__ import annotations

import re

from handgrad.errors import DataError

_OPENINGS = (
    (b"\x89HDF", "an HDF5 file", "save the table as CSV or Parquet"),
    (b"\x93NUMPY", "a NumPy array file", "load it with numpy.load and pass the array"),
    (b"ARROW1", "an Arrow file", "save the table as Parquet"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"BZh", "bzip2 data", "unpack it first"),
    (b"\xfd7zXZ", "xz data", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "unpack it first"),
    (b"PK\x03\x04", "a zip archive (not .xlsx or .ods)", "unpack it first"),
    (b"%PDF", "a PDF file", "export the table as CSV"),
    (b"{\\rtf", "an RTF document", "export the table as CSV"),
    *((bytes([0x80, v]), "a pickle", "save the table as CSV or Parquet") for v in range(2, 6)),
)
_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|table)\b", re.I | re.S
)
_XML = re.compile(rb"\s*<\?xml\b", re.I)


def check_is_table(content: bytes) -> None:
    """Refuse binary files that are not tables.

    Raises
    ------
    DataError
        The message says what the file is, and how to get at the table.
    """
    for opening, what, advice in _OPENINGS:
        if content.startswith(opening):
            raise DataError(f"expected CSV or Parquet, but this looks like {what}; {advice}")


def check_text_is_table(text: bytes) -> None:
    """Refuse texts that are not tables.

    Raises
    ------
    DataError
        The message says what the file is, and how to get at the table.
    """
    if re.fullmatch(rb"\s*", text):
        raise DataError("the file is empty; it must hold a header line and rows")
    if text.startswith(b"version https://git-lfs"):
        raise DataError(_pointer(text))
    if _HTML.match(text):
        raise DataError(
            "this is an HTML page, not a table: a preview, login or error page came in place of "
            "the file; download the file itself (on GitHub by 'Raw')"
        )
    if _XML.match(text):
        raise DataError("this is an XML file, not a table; export the table as CSV")


def _pointer(text: bytes) -> str:
    size = re.search(rb"^size (\d+)", text, re.M)
    of = f" of {int(size[1]):,} bytes" if size else ""
    return (
        f"this is a git-lfs pointer, not the file{of} that it points to; fetch that with "
        "'git lfs pull', or download it from the page of the repository"
    )
