"""Write a file whole or not at all.

The bytes go to a temporary file beside the target, are forced to the disk, and take the
target's name in one step. Whatever stops this on the way, be it a full disk or the power,
leaves the old file as it was.
"""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from os import PathLike
from pathlib import Path


def write_atomically(path: str | PathLike[str], content: bytes | Iterable[bytes]) -> None:
    """Put ``content`` at ``path``, replacing what stands there (a link, not what it points to).

    It may come piece by piece; an error of whoever makes the pieces leaves the old file, too.

    Raises
    ------
    OSError
        If that cannot be done; the path is in the message, the old file untouched, and no
        temporary file left.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"{str(target)!r} is a folder; name a file to write")
    temporary = target.parent / f".handgrad-{secrets.token_hex(8)}.tmp"
    try:
        _write(temporary, content, _mode(target))
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            raise type(error)(error.errno, error.strerror, str(target)) from None
        raise
    _sync_folder(target.parent)


def _write(path: Path, content: bytes | Iterable[bytes], mode: int | None) -> None:
    """Write a new file and force it to the disk; without a mode it gets that of any new file."""
    first_mode = 0o666 if mode is None else 0o600
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, first_mode)
    with os.fdopen(descriptor, "wb") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        for piece in [content] if isinstance(content, bytes) else content:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _mode(target: Path) -> int | None:
    return target.stat().st_mode & 0o777 if target.exists() else None


def _sync_folder(folder: Path) -> None:
    # The new name itself must reach the disk, or a power cut could bring the old file back.
    # Some file systems cannot do that; the new file stands all the same.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
