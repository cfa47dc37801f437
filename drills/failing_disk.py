"""A disk that fails at the k-th call of a write: the file is the old one or the new, always.

Every call that atomic_file.py makes of the system fails in turn, once or from then on, with each
of the errors that disks have; nothing may be left beside the file.
"""

import errno
import io
import os
import warnings
from itertools import count, product

import house

COUNT = 2000
ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EPERM)
STAYS = {"open", "write", "writelines", "flush", "fsync", "fchmod", "replace", "rename"}


class Fault:
    """The k-th call fails; where it lasts, so does every later one that changes the disk."""

    def __init__(self, k, number, lasts):
        self.k, self.number, self.lasts = k, number, lasts
        self.calls, self.name = 0, None

    def strike(self, name):
        self.calls += 1
        lasting = self.lasts and self.calls > self.k and name in STAYS
        if self.calls == self.k or lasting:
            self.name = self.name or name
            raise OSError(self.number, os.strerror(self.number))


class Struck:
    """An object, a module or an open file, of which every call may fail."""

    def __init__(self, inner, fault):
        self._inner, self._fault = inner, fault

    def __getattr__(self, name):
        found = getattr(self._inner, name)
        if not callable(found) or isinstance(found, type):
            return found

        def call(*arguments, **named):
            if name not in ("fileno", "fspath", "getpid", "strerror"):
                self._fault.strike(name)
            outcome = found(*arguments, **named)
            return Struck(outcome, self._fault) if isinstance(outcome, io.IOBase) else outcome

        return call

    def __enter__(self):
        self._inner.__enter__()
        return self

    def __exit__(self, *raised):
        return self._inner.__exit__(*raised)


def drill(tally, folder):
    from handgrad.models.file import to_bytes

    models = [house.classifier(seed=seed).model_ for seed in (0, 1)]
    old, new = map(to_bytes, models)
    places = set()
    ways = product(((old, "an old file"), (None, "no file")), ERRORS, (False, True))
    strikes = tally.strikes()
    for (before, what), number, lasts in ways:
        for k in count(1):
            if next(strikes, None) is None:
                break
            fault = Fault(k, number, lasts)
            told = struck_save(models[1], folder / "model.safetensors", before, fault, new)
            places.add(fault.name)
            if told:
                kind = errno.errorcode[number]
                tally.fails(f"{kind} at call {k} ({fault.name}), over {what}: {told}")
            if fault.name is None:
                break
    named = ", ".join(sorted(filter(None, places)))
    return f"{tally.struck:,} saves with ENOSPC, EIO, EROFS, EDQUOT, EPERM at {named}"


def struck_save(model, path, before, fault, new):
    """Save on the failing disk; say what is wrong afterwards, or nothing."""
    from handgrad import atomic_file
    from handgrad.models.file import save_model

    clear(path, before)
    atomic_file.os = Struck(os, fault)
    raised = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a whole file may not survive a power cut
            save_model(model, path)
    except OSError as error:
        raised = error
    finally:
        atomic_file.os = os
    now = path.read_bytes() if path.exists() else None
    left = [other.name for other in path.parent.iterdir() if other != path]
    if left and fault.name != "unlink":
        return f"{left[0]} is left"
    if raised is None:
        return None if now == new else "no error, but not the new file"
    return None if now in (before, new) else "neither the old file nor the new one"


def clear(path, before):
    for other in path.parent.iterdir():
        other.unlink()
    if before is not None:
        path.write_bytes(before)
