"""Bytes in any encoding become UTF-8, or are refused, naming the encoding to try."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from handgrad.errors import DataError
from handgrad.tables.files.source import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handgrad.tables.files.source import Source

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (  # the longer ones first: a mark of UTF-32 begins like one of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def as_utf8(
    source: Source, encoding: str | None, keep: Callable[[Iterator[bytes]], Source]
) -> tuple[Source, list[str]]:
    """Give the text in UTF-8 without a byte order mark, and notes on it.

    Text that is, or may be, UTF-8 is not looked at here; other text is converted, and the copy
    handed to `keep`.

    Raises
    ------
    DataError
        If the bytes are not text in that encoding; the message gives line and byte.
    """
    notes = []
    if encoding is None:
        encoding = next(
            (name for mark, name in _WIDE_MARKS if source.head.startswith(mark)), "utf-8"
        )
        if encoding != "utf-8":
            notes.append(f"the text is {encoding.upper()}, as its byte order mark says")
    if codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig"):
        source = keep(_transcoded(source, encoding))
    n_mark = len(_BYTE_ORDER_MARK) if source.head.startswith(_BYTE_ORDER_MARK) else 0
    return source.without(n_mark), notes


def _transcoded(source: Source, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    n_read = 0
    try:
        for chunk in source.chunks():
            n_read += len(chunk)
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError as error:
        line, byte = _position_in(source, n_read - len(error.object) + error.start)
        wrong = f"0x{error.object[error.start]:02X}"
        raise DataError(
            f"line {line}, byte {byte}: the byte {wrong} is not {encoding} text ({error.reason}); "
            "name another encoding, or mend the cell"
        ) from None
    except UnicodeError as error:
        raise DataError(f"the text cannot be read as {encoding}: {error}") from None


def _position_in(source: Source, offset: int) -> tuple[int, int]:
    """Give the line of a byte and its place in that line, both from 1."""
    n_before, n_lines = 0, 0
    for chunk in source.chunks():
        if offset < n_before + len(chunk):
            line, byte = position(chunk, offset - n_before)
            return n_lines + line, byte
        n_before, n_lines = n_before + len(chunk), n_lines + chunk.count(b"\n")
    return n_lines + 1, offset - n_before + 1


def position(content: bytes, offset: int) -> tuple[int, int]:
    """Give the line of a byte and its place in that line, both from 1."""
    line_start = content.rfind(b"\n", 0, offset) + 1
    return content.count(b"\n", 0, offset) + 1, offset - line_start + 1


def check_utf8(content: bytes, n_before: int = 0) -> None:
    """Refuse bytes that are not UTF-8, which `n_before` lines precede.

    Raises
    ------
    DataError
        The message gives the line, the byte, and the encoding to try.
    """
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line, byte = position(content, error.start)
        raise DataError(
            f"line {n_before + line}, byte {byte}: the byte 0x{content[error.start]:02X} is not "
            f"UTF-8; {_advice(content)}"
        ) from None


def check_all_utf8(source: Source) -> None:
    """Refuse a file with bytes that are not UTF-8; see `check_utf8`."""
    n_lines = 0
    for chunk in [source.head] if isinstance(source, Held) else source.chunks():
        check_utf8(chunk, n_lines)
        n_lines += chunk.count(b"\n")


def check_no_nul(source: Source) -> None:
    n_before = 0
    for chunk in source.chunks():
        if (nul := chunk.find(b"\0")) >= 0:
            line, byte = _position_in(source, n_before + nul)
            raise DataError(
                f"line {line}, byte {byte}: a NUL byte, so this is not UTF-8 text; "
                f"{_wide_advice(source.head)}"
            )
        n_before += len(chunk)


def asked_for(encoding: str) -> str:
    return f"read the file with --encoding {encoding} (in Python encoding={encoding!r})"


def _advice(content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    n_bad = text.count("\ufffd")
    if len(re.findall(r"[^\x00-\x7f]", text)) > 2 * n_bad:
        return "as most of the file is, mend the cell"
    try:
        content.decode("cp1252")
    except UnicodeDecodeError:
        return (
            "name the encoding with --encoding, such as cp1251, shift_jis or gb18030 (in Python "
            "encoding=...)"
        )
    return asked_for("cp1252" if re.search(rb"[\x80-\x9f]", content) else "latin-1")


def _wide_advice(content: bytes) -> str:
    """Recognise UTF-16 without a mark, in which every other byte of Latin letters is 0."""
    start = content[:400]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = start[first::2].count(0)
        if zeros > len(start) / 4 and not start[1 - first :: 2].count(0):
            return f"if it is UTF-16, {asked_for(encoding)}"
    return "convert the file to UTF-8, or repair the cell"
