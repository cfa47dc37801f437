"""A file is written whole or not at all, whatever stops the writer."""

import errno
import os
import resource
import subprocess
import sys
import threading
import time

import pytest

from handgrad.atomic_file import atomic_writer, write_atomically
from handgrad.errors import DurabilityWarning

OLD, NEW = b"old" * 1000, b"new!" * 5000


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def raising(error):
    def call(*arguments, **named):
        raise error

    return call


def nth_call(function, n, error):
    """Make a function that fails at its n-th call."""
    calls = iter(range(1, 1000))

    def call(*arguments, **named):
        if next(calls) == n:
            raise error
        return function(*arguments, **named)

    return call


# -- success -----------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\0", b"\r\n", NEW, bytes(3_000_000)])
def test_the_bytes_arrive_as_they_are(path, content):
    write_atomically(path, content)
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == ["file"]


def test_a_new_file_is_made_from_a_path_or_a_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomically("here", NEW)
    write_atomically(tmp_path / "there", NEW)
    assert sorted(os.listdir(tmp_path)) == ["here", "there"]


@pytest.mark.parametrize("name", [" ", "-rf", "a b", "Übung 猫", ".hidden", "a" * 255])
def test_odd_names_are_names(tmp_path, name):
    write_atomically(tmp_path / name, NEW)
    assert os.listdir(tmp_path) == [name]


def test_a_long_name_of_wide_signs_is_a_name(tmp_path):
    write_atomically(tmp_path / ("😀" * 63), NEW)  # 252 bytes of the 255 allowed
    assert os.listdir(tmp_path) == ["😀" * 63]


@pytest.fixture
def umask():
    before = os.umask(0)
    yield os.umask
    os.umask(before)


def permissions(path):
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_gets_the_permissions_that_any_new_file_gets(tmp_path, umask, mask, mode):
    umask(mask)
    write_atomically(tmp_path / "file", NEW)
    assert permissions(tmp_path / "file") == mode
    assert umask(mask) == mask


def test_the_umask_of_the_process_is_never_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", raising(AssertionError("other threads make files, too")))
    write_atomically(tmp_path / "file", NEW)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_an_old_file_keeps_its_permissions(path, mode):
    path.chmod(mode)
    write_atomically(path, NEW)
    assert permissions(path) == mode


def test_the_content_is_never_readable_to_more_than_the_file(path, monkeypatch):
    """Before the permissions are set, only the owner may read what is being written."""
    seen = []
    fchmod = os.fchmod

    def watched(descriptor, mode):
        seen.append(os.fstat(descriptor).st_mode & 0o777)
        fchmod(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", watched)
    write_atomically(path, NEW)
    assert seen == [0o600]


def test_a_link_is_replaced_and_not_followed(path):
    link = path.parent / "link"
    link.symlink_to(path)
    write_atomically(link, NEW)
    assert not link.is_symlink()
    assert link.read_bytes() == NEW
    assert path.read_bytes() == OLD


def test_a_link_to_nothing_is_replaced(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    write_atomically(link, NEW)
    assert link.read_bytes() == NEW
    assert os.listdir(tmp_path) == ["link"]


def test_another_name_of_the_old_file_keeps_the_old_content(path):
    os.link(path, path.parent / "other")
    write_atomically(path, NEW)
    assert (path.parent / "other").read_bytes() == OLD


# -- failure -----------------------------------------------------------------------------------

FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["fchmod", "fdopen", "fsync", "replace"])
@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["full", "ctrl-c"])
def test_a_failed_call_leaves_the_old_file_and_nothing_else(path, monkeypatch, call, error):
    monkeypatch.setattr(os, call, raising(error))
    with pytest.raises(type(error)):
        write_atomically(path, NEW)
    assert path.read_bytes() == OLD
    assert os.listdir(path.parent) == ["file"]


@pytest.fixture
def small_files():
    """Let files grow to 10 kB only, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_else(path, small_files):
    with pytest.raises(OSError, match="large"):
        write_atomically(path, NEW)
    assert path.read_bytes() == OLD
    assert os.listdir(path.parent) == ["file"]


def test_an_error_of_what_is_written_keeps_its_own_name(path):
    def pieces():
        yield b"new"
        raise OSError(errno.EIO, "Input/output error", "table.csv")

    before = path.read_bytes() if path.exists() else None
    with pytest.raises(OSError, match=r"table\.csv"):
        write_atomically(path, pieces())
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("call", ["fsync", "fchmod"])
def test_the_path_is_in_every_message(path, monkeypatch, call):
    monkeypatch.setattr(os, call, raising(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="folder/file"):
        write_atomically(path, NEW)


def test_an_error_means_that_the_old_file_stands(path, monkeypatch):
    """Some file systems cannot force a folder to the disk."""
    monkeypatch.setattr(os, "fsync", nth_call(os.fsync, 2, OSError(22, "Invalid argument")))
    try:
        write_atomically(path, NEW)
    except OSError:
        assert path.read_bytes() == OLD
    else:
        assert path.read_bytes() == NEW


def test_a_folder_is_not_a_file_to_write(tmp_path):
    with pytest.raises(IsADirectoryError, match=f"{tmp_path.name}.*name a file"):
        write_atomically(tmp_path, NEW)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "link", NEW)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_atomically(tmp_path / "nowhere" / "file", NEW)
    assert os.listdir(tmp_path) == []


def test_a_file_is_not_a_folder(path):
    with pytest.raises(OSError, match="folder/file"):
        write_atomically(path / "inside", NEW)
    assert path.read_bytes() == OLD


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_named(path):
    path.parent.chmod(0o555)
    with pytest.raises(PermissionError, match="folder"):
        write_atomically(path, NEW)
    path.parent.chmod(0o755)
    assert path.read_bytes() == OLD


# -- sudden death ------------------------------------------------------------------------------

KILL = """
import os, sys
from handgrad.atomic_file import write_atomically

path, new, call, when = sys.argv[1:]
call, n = call.split()
real, calls = getattr(os, call), iter(range(1, 100))

class Torn:
    def __init__(self, file):
        self.file = file
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self.file.close()
    def write(self, content):
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        os._exit(9)
    def __getattr__(self, name):
        return getattr(self.file, name)

def deadly(*arguments, **named):
    if next(calls) != int(n):
        return real(*arguments, **named)
    if when == "after":
        real(*arguments, **named)
    if when == "within":
        return Torn(real(*arguments, **named))
    os._exit(9)

setattr(os, call, deadly)
write_atomically(path, new.encode())
"""

MOMENTS = [
    ("open 1", "before", OLD),
    ("open 1", "after", OLD),
    ("fchmod 1", "before", OLD),
    ("fdopen 1", "within", OLD),  # half of the bytes are written
    ("fsync 1", "before", OLD),
    ("fsync 1", "after", OLD),
    ("replace 1", "before", OLD),
    ("replace 1", "after", NEW),
    ("fsync 2", "before", NEW),
    ("fsync 2", "after", NEW),
]


@pytest.mark.parametrize(("call", "when", "left"), MOMENTS)
def test_a_killed_writer_leaves_the_old_or_the_new_content(path, call, when, left):
    command = [sys.executable, "-c", KILL, path, NEW.decode(), call, when]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 9, done.stderr
    assert path.read_bytes() == left
    write_atomically(path, b"next")  # what the dead left behind is in nobody's way, and goes
    assert path.read_bytes() == b"next"
    assert os.listdir(path.parent) == ["file"]


def test_a_reader_sees_one_content_or_another_and_never_a_mix(path):
    contents = [bytes([i]) * 100_000 for i in range(4)]
    write_atomically(path, contents[0])
    errors = []

    def write(content):
        try:
            for _ in range(30):
                write_atomically(path, content)
        except Exception as error:
            errors.append(error)

    writers = [threading.Thread(target=write, args=[content]) for content in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_bytes() in contents
    assert errors == []
    assert os.listdir(path.parent) == ["file"]


# -- in parts ----------------------------------------------------------------------------------


def test_a_file_is_written_in_parts(path):
    with atomic_writer(path) as file:
        for _ in range(3):
            file.write(NEW)
            assert path.read_bytes() == OLD
    assert path.read_bytes() == 3 * NEW
    assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), GeneratorExit()])
def test_an_error_between_the_parts_leaves_the_old_file(path, error):
    def write_and_fail(file):
        file.write(NEW)
        raise error

    with pytest.raises(type(error)), atomic_writer(path) as file:
        write_and_fail(file)
    assert path.read_bytes() == OLD
    assert os.listdir(path.parent) == ["file"]


def test_an_error_of_another_file_keeps_its_name(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), atomic_writer(path):
        (tmp_path / "nowhere").read_bytes()


# -- orphans -----------------------------------------------------------------------------------

HALF = """
import os, sys
from handgrad.atomic_file import atomic_writer
with atomic_writer(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("written", flush=True)
    sys.stdin.readline()
    file.write(b" and half")
"""


@pytest.fixture
def writer(path):
    """Start another process that is in the middle of writing."""
    command = [sys.executable, "-c", HALF, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"written\n"
    yield process
    process.kill()
    process.communicate()


def orphans(path):
    return [name for name in os.listdir(path.parent) if name.startswith(".handgrad-")]


def aged(path, days):
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def test_the_next_save_removes_what_a_killed_one_left(path, writer):
    writer.kill()
    writer.wait()
    assert len(orphans(path)) == 1
    write_atomically(path.parent / "other", NEW)
    assert sorted(os.listdir(path.parent)) == ["file", "other"]


def test_a_save_that_is_running_elsewhere_is_left_alone_however_slow(path, writer):
    aged(path.parent / orphans(path)[0], days=9)
    write_atomically(path, NEW)
    assert len(orphans(path)) == 1
    writer.communicate(b"\n")
    assert writer.returncode == 0
    assert path.read_bytes() == b"half and half"
    assert os.listdir(path.parent) == ["file"]


def test_two_saves_of_one_process_leave_each_other_alone(path):
    with atomic_writer(path) as slow:
        slow.write(OLD)
        slow.flush()
        write_atomically(path.parent / "other", NEW)
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("machine", ["", "0123abcd-"])
def test_orphans_of_other_machines_are_removed_after_a_day(path, machine):
    old, young = (path.parent / f".handgrad-{machine}{n}{'0' * 15}.tmp" for n in "12")
    for orphan, days in ((old, 1.1), (young, 0.9)):
        orphan.write_bytes(b"half")
        aged(orphan, days)
    write_atomically(path, NEW)
    assert orphans(path) == [young.name]


def test_files_that_only_look_like_orphans_are_left(path):
    names = [".handgrad-1.tmp", "x.handgrad-" + "0" * 16 + ".tmp", ".handgrad-" + "0" * 16]
    for name in names:
        (path.parent / name).write_bytes(b"mine")
        aged(path.parent / name, days=9)
    link = path.parent / f".handgrad-{'1' * 16}.tmp"
    link.symlink_to(path)
    os.mkfifo(path.parent / f".handgrad-{'2' * 16}.tmp")
    (path.parent / f".handgrad-{'3' * 16}.tmp").mkdir()
    before = sorted(os.listdir(path.parent))
    write_atomically(path, NEW)
    assert sorted(os.listdir(path.parent)) == before
    assert link.is_symlink()


def test_without_locks_a_save_goes_on(path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", raising(OSError(errno.ENOLCK, "No locks available")))
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW


def test_a_temporary_file_that_was_taken_for_an_orphan_is_made_anew(path, monkeypatch):
    """Between making a file and locking it, another writer may have found it without a lock."""
    import fcntl

    real = fcntl.flock
    taken = []

    def late(descriptor, how):
        if not taken:
            taken.extend(orphans(path))
            os.unlink(path.parent / taken[0])
        real(descriptor, how)

    monkeypatch.setattr("fcntl.flock", late)
    write_atomically(path, NEW)
    assert len(taken) == 1
    assert path.read_bytes() == NEW


# -- systems that cannot do all ------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_where_permissions_cannot_be_set_the_file_stays_private(path, monkeypatch, number):
    path.chmod(0o644)
    monkeypatch.setattr(os, "fchmod", raising(OSError(number, "no")))
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW
    assert permissions(path) == 0o600


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EACCES])
def test_a_folder_that_cannot_be_forced_to_the_disk_is_no_news(path, monkeypatch, number):
    monkeypatch.setattr(os, "fsync", nth_call(os.fsync, 2, OSError(number, "no")))
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW


def test_a_disk_that_fails_at_the_folder_is_told_of(path, monkeypatch):
    monkeypatch.setattr(os, "fsync", nth_call(os.fsync, 2, OSError(errno.EIO, "I/O error")))
    with pytest.warns(DurabilityWarning, match=r"file' is written, .*power cut.*I/O error"):
        write_atomically(path, NEW)
    assert path.read_bytes() == NEW
    assert os.listdir(path.parent) == ["file"]


def test_the_command_line_tells_of_it_in_a_line(call, tmp_path, monkeypatch):
    rows = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("x,y\n" + rows)
    monkeypatch.setattr(os, "fsync", nth_call(os.fsync, 2, OSError(errno.EIO, "I/O error")))
    code, _, err = call("fit", "t.csv", "--target", "y", "--epochs", "2", "--model", "m")
    assert code == 0
    lines = err.splitlines()
    assert len([line for line in lines if "power cut" in line]) == 1
    assert not any("Warning" in line for line in lines)
    assert "m" in os.listdir(tmp_path)
