"""Write a file whole or not at all.

The bytes go to a temporary file beside the target, are forced to the disk, and take the
target's name in one step. Whatever interrupts this, be it a full disk or a power cut, leaves
the old file as it was. The next writer removes the temporary files of writers that were killed.
"""

import errno
import fcntl
import hashlib
import os
import re
import stat
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from handgrad.errors import DurabilityWarning

# The errors of a file system that does not support the call, as on some network and FUSE mounts.
_CANNOT = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EACCES)
_TEMPORARY = re.compile(r"\.handgrad-(?:([0-9a-f]{8})-)?[0-9a-f]{16}\.tmp")
DAY = 86400.0


def write_atomically(path: str | PathLike[str], content: bytes | Iterable[bytes]) -> None:
    """Write ``content`` to ``path``, replacing a file there (a link itself, not its target).

    The content may be an iterable of pieces; an error while they are made leaves the old file.

    Raises
    ------
    OSError
        If the file cannot be written; the message names the path, the old file is untouched,
        and no temporary file is left.

    Warns
    -----
    DurabilityWarning
        If the file is written, but may not survive a power cut.
    """
    with atomic_writer(path) as file:
        for piece in [content] if isinstance(content, bytes) else content:
            with _named(Path(path)):
                file.write(piece)


@contextmanager
def atomic_writer(path: str | PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that takes the name ``path`` when the block ends without an error.

    Raises
    ------
    OSError
        As `write_atomically`. Any error raised inside the block also leaves the old file
        untouched.

    Warns
    -----
    DurabilityWarning
        If the file is written, but may not survive a power cut.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"{str(target)!r} is a folder; name a file to write")
    mode = _mode(target)
    with _named(target):
        temporary, descriptor = _new_file(target.parent, 0o666 if mode is None else 0o600)
    try:
        with _opened(descriptor) as file:
            with _named(target):
                _remove_orphans(target.parent, os.fstat(descriptor).st_mtime)
                if mode is not None:
                    _set_mode(descriptor, mode)
            yield file
            with _named(target):
                file.flush()
                os.fsync(file.fileno())
                os.replace(temporary, target)  # while its lock is held
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(target)


def check_folder(folder: Path) -> None:
    """Refuse a folder in which no file can be created, before the work whose outcome goes there.

    Raises
    ------
    OSError
        If it cannot be written to.
    """
    path, descriptor = _new_file(folder, 0o600)
    os.unlink(path)
    os.close(descriptor)


@contextmanager
def _opened(descriptor: int) -> Iterator[BinaryIO]:
    try:
        file = os.fdopen(descriptor, "wb")
    except BaseException:
        os.close(descriptor)
        raise
    with file:
        yield file


@contextmanager
def _named(target: Path) -> Iterator[None]:
    """Make errors of the system name the target."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise type(error)(error.errno, error.strerror, str(target)) from None


def _mode(target: Path) -> int | None:
    return target.stat().st_mode & 0o777 if target.exists() else None


def _set_mode(descriptor: int, mode: int) -> None:
    """Copy the old file's permissions to the new one, which stays private if that is refused."""
    try:
        os.fchmod(descriptor, mode)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def _sync_folder(target: Path) -> None:
    # The new name itself must reach the disk, or a power cut could bring the old file back.
    # File systems that cannot do that are passed over in silence; a failing disk is reported.
    try:
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:
            warnings.warn(
                f"{str(target)!r} is written, but it may not survive a power cut: its folder "
                f"could not be forced to the disk ({error.strerror}); check the disk",
                DurabilityWarning,
                stacklevel=5,
            )


# -- temporary files ----------------------------------------------------------------------------
#
# A writer holds a lock on its temporary file until the file has its final name; the system frees
# the lock when the writer dies, however it dies. So on one machine a file without a lock is an
# orphan. Machines that share a folder may not see each other's locks, as on NFS mounted with
# nolock; there, age decides, by the clock of the folder's own file system: a writer that has
# written nothing for a day is taken for dead. The file name holds a hash of the machine's boot id.


def _new_file(folder: Path, mode: int) -> tuple[Path, int]:
    """Create a file and lock it."""
    while True:
        path = folder / f".handgrad-{_this_machine()}{os.urandom(8).hex()}.tmp"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with suppress(OSError):  # without locks, age protects it
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink > 0:
                return path, descriptor
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                os.unlink(path)
            raise
        os.close(descriptor)  # another writer removed it as an orphan before it was locked


@cache
def _this_machine() -> str:
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        return ""
    return f"{hashlib.sha256(start).hexdigest()[:8]}-"


def _remove_orphans(folder: Path, now: float) -> None:
    """Remove the files of killed writers from a folder; a failure to do so is not an error."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if found := _TEMPORARY.fullmatch(entry.name):
                is_ours = found[1] is not None and f"{found[1]}-" == _this_machine()
                with suppress(OSError):
                    _remove_orphan(entry.path, before=None if is_ours else now - DAY)


def _remove_orphan(path: str, before: float | None) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        is_old = before is None or found.st_mtime < before
        if is_old and stat.S_ISREG(found.st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    finally:
        os.close(descriptor)


def scratch_file() -> BinaryIO:
    """Open a temporary file that has no name: whatever ends this process, nothing is left of it.

    It lies in the folder for temporary files, which the variable TMPDIR names.
    """
    import tempfile

    file: BinaryIO = tempfile.TemporaryFile(prefix="handgrad-")  # noqa: SIM115 - the caller closes
    return file


def check_scratch_room(n_bytes: int) -> None:
    """Refuse to begin what the folder for temporary files has no room for.

    Raises
    ------
    OSError
        The message names the folder.
    """
    import shutil
    import tempfile

    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise OSError(
            errno.ENOSPC,
            f"{n_bytes:,} bytes are needed for temporary files, and {folder!r} has {free:,}; make "
            "room there, or let TMPDIR name another folder",
        )
