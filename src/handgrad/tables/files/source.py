"""The bytes of a file: held in memory, or left in the file if they are too many for that.

Arrow's threads may outlive the interpreter. The memory that they read belongs to Arrow, never to a
Python object: freeing that then would abort the process.
"""

from __future__ import annotations

import io
import os
import stat
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO

from handgrad.atomic_file import scratch_file
from handgrad.errors import DataError
from handgrad.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

MAX_BYTES = 1 << 33  # of a pipe or an unfolded gzip file: neither says its size first
HEAD_BYTES = 1 << 24  # of a file, by which its kind is recognised
_CHUNK = 1 << 22
_LONGEST_LINE = 1 << 26  # bytes; no reader takes a longer row


class Held:
    """Bytes in memory."""

    def __init__(self, content: bytes) -> None:
        self.head, self.size = content, len(content)

    def held(self) -> Held:
        """Return itself: it is in memory already."""
        return self

    def check_unchanged(self) -> None:
        """Do nothing: bytes in memory cannot change."""

    def without(self, n: int) -> Held:
        """Leave out the first bytes."""
        return Held(self.head[n:]) if n else self

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Give the bytes piece by piece, each to the end of a line."""
        while start < self.size:
            stop = start + _CHUNK
            stop = self.size if stop >= self.size else self.head.find(b"\n", stop) + 1 or self.size
            yield self.head[start:stop]
            start = stop

    def arrow(self, start: int = 0, end: int | None = None) -> pa.NativeFile:
        """Copy the bytes into memory of Arrow."""
        import pyarrow as pa

        content = memoryview(self.head)[start:end]
        memory = pa.allocate_buffer(len(content))
        if len(content):
            with pa.FixedSizeBufferWriter(memory) as writer:
                writer.write(content)
        return pa.BufferReader(memory)


class Filed:
    """Bytes that stay in a file; only the head is in memory."""

    def __init__(self, stream: BinaryIO, begin: int = 0) -> None:
        self._stream, self._begin, self._state = stream, begin, _state(stream)
        self.size = self._state[0] - begin
        stream.seek(begin)
        self.head = stream.read(HEAD_BYTES)

    def without(self, n: int) -> Filed:
        """Leave out the first bytes."""
        return Filed(self._stream, self._begin + n) if n else self

    def held(self) -> Held:
        """Read all of it into memory."""
        self._stream.seek(self._begin)
        content = self._stream.read()
        self.check_unchanged()
        return Held(content)

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Give the bytes piece by piece, each to the end of a line."""
        at, rest = self._begin + start, b""
        while True:
            self._stream.seek(at)
            chunk = self._stream.read(_CHUNK)
            at, rest = at + len(chunk), rest + chunk
            stop = rest.rfind(b"\n") + 1 if chunk and len(rest) < _LONGEST_LINE else len(rest)
            if stop:
                yield rest[:stop]
                rest = rest[stop:]
            if not chunk:
                self.check_unchanged()
                return

    def arrow(self, start: int = 0, end: int | None = None) -> pa.NativeFile:
        """Let Arrow open the file once more, even if its name is gone."""
        import pyarrow as pa

        end = self.size if end is None else end
        whole = pa.OSFile(f"/dev/fd/{self._stream.fileno()}")
        if not self._begin + start and end == whole.size():
            return whole
        return whole.get_stream(self._begin + start, end - start)

    def check_unchanged(self) -> None:
        """Refuse a file that is being written to.

        Raises
        ------
        DataError
            If it has changed since it was opened.
        """
        if (now := _state(self._stream)) != self._state:
            sizes = f"{now[0]:,} bytes, {self._state[0]:,} before"
            raise DataError(f"the file changed while it was read ({sizes}); try again")


Source = Held | Filed


def lines_of(content: bytes, start: int = 0) -> Iterator[bytes]:
    """Give the lines from an offset on; CR alone ends a line, too, as it does for the parser."""
    stream = io.BytesIO(content)
    stream.seek(start)
    for line in stream:
        yield from line.splitlines(keepends=True)


def _state(stream: BinaryIO) -> tuple[int, int]:
    found = os.fstat(stream.fileno())
    return found.st_size, found.st_mtime_ns


@contextmanager
def opened(path: str, most: int | None) -> Iterator[Source]:
    """Open a file or a pipe, and unfold gzip.

    Up to `most` bytes (None: all) are held in memory. A larger plain file stays where it is; more
    bytes of a pipe or gzip file go to a temporary file, which has no name and ends with us.

    Raises
    ------
    DataError
        If it is not a file, changes, or cannot be unfolded.
    OSError
        If the system cannot open or read it.
    """
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISDIR(mode)):
        raise DataError("a table must be a file or a pipe, not a device, terminal or socket")
    with open(path, "rb") as stream, ExitStack() as stack:
        source: Source
        if stat.S_ISFIFO(mode):
            source = kept(_pieces(stream), most, stack)
        else:
            source = _of_file(stream, most)
        if source.head.startswith(b"\x1f\x8b"):
            source = kept(_unfolded(source), most, stack)
        yield source


def _of_file(stream: BinaryIO, most: int | None) -> Source:
    expected = os.fstat(stream.fileno()).st_size
    if most is not None and expected > most:
        return Filed(stream)
    content = stream.read()
    if expected and len(content) != expected:
        raise DataError(
            f"the file changed while it was read ({len(content)} of {expected} bytes); try again"
        )
    return Held(content)


def kept(pieces: Iterable[bytes], most: int | None, stack: ExitStack) -> Source:
    """Keep bytes: up to `most` in memory, more in a temporary file.

    Raises
    ------
    DataError
        If there are more than MAX_BYTES.
    """
    held: list[bytes] = []
    size, file = 0, None
    for piece in pieces:
        size += len(piece)
        if size > MAX_BYTES:
            raise DataError(f"holds more than {MAX_BYTES} bytes; write it to a plain file first")
        held.append(piece)
        if most is not None and size > most:
            file = file or stack.enter_context(scratch_file())
            file.writelines(held)
            held.clear()
    if file is None:
        return Held(b"".join(held))
    file.writelines(held)
    file.flush()
    return Filed(file)


def _pieces(stream: BinaryIO | pa.NativeFile) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK):
        yield piece


def _unfolded(source: Source) -> Iterator[bytes]:
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(source.arrow(), "gzip") as stream:
            yield from _pieces(stream)
    except OSError as error:
        raise DataError(f"the gzip data is damaged: {quoted(error)}; copy it again") from None
