"""A fit that survives: its networks are kept in files of a folder, from which it can go on.

Everything that data and settings say is made again when a fit goes on: the columns' encoding, the
rows held back, the first parameters. Only what the training has made of these comes from the
checkpoint (``models/checkpoint.py``). So a fit that goes on ends with the bits of one that was
never broken off, provided that data and settings are the same; this is checked, name by name.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import InvalidParameterError

from handgrad.atomic_file import check_folder, write_atomically
from handgrad.batch import Rows, is_sparse
from handgrad.engines import machine
from handgrad.engines.spool import Piles, Stored
from handgrad.errors import CheckpointWarning, ModelFileError, warn
from handgrad.models import file as model_file
from handgrad.models.checkpoint import Checkpoint, Standing, from_bytes, to_bytes
from handgrad.models.model import Model
from handgrad.text import seconds_of
from handgrad.training.history import History
from handgrad.training.run import Run
from handgrad.training.train import NO_EPOCHS
from handgrad.workers.seam import SHARDS

if TYPE_CHECKING:
    from handgrad.workers.crew import Crew

KEPT = 2  # files: should the last one be damaged, there is the one before
NAME = re.compile(r"checkpoint-(\d{6,9})\.safetensors")

ESTIMATOR = "the estimator"
MOST_NAMED = 5  # differences in a message

# What changes no bit of the result; and what the encoded rows tell better than its own text does.
NO_SETTINGS = ("checkpoint", "checkpoint_every", "resume", "verbose", "on_epoch", "n_jobs", "comm")
SEEN_IN_ROWS = ("kinds", "categorical_features", "missing_values", "class_weight")


class Keeper:
    """Keeps how far the networks of one fit have come; without a folder it does nothing.

    Parameters
    ----------
    folder : pathlib.Path or None
    every : Interval
        How often.
    found : Checkpoint or None
        What there is to go on from.
    writes : bool
        Whether it writes files: of several workers, one does.
    """

    def __init__(
        self,
        folder: Path | None,
        every: Interval,
        found: Checkpoint | None,
        *,
        writes: bool = True,
    ) -> None:
        self._folder, self._every, self._found = folder, every, found
        self._writes = writes
        self._chance: Any = None
        self._facts: dict[str, dict[str, str]] = {}
        self._standings: dict[str, Standing] = {} if found is None else dict(found.standings)
        self._is_new = False  # whether something is to be written

    # -- going on -----------------------------------------------------------------------------

    def chance(self, bits: np.random.PCG64, random_state: Any) -> None:
        """Let a fit begin with the chance that it began with before, if no number fixes it."""
        if self._found is not None and not isinstance(random_state, int | np.integer):
            bits.state = self._found.chance
        self._chance = bits.state

    def check(
        self,
        estimator: Any,
        model: Model,
        engine: str,
        rows: Rows | Piles,
        validation: Rows | None,
        crew: Crew | None = None,
    ) -> None:
        """Make sure that all workers do the same fit, and that it is the one that was broken off.

        Parameters
        ----------
        estimator, model
            How to train, and what: as it is before the first epoch.
        engine : str
        rows, validation : Rows
            The rows to learn from, and those that are watched.
        crew : Crew, optional
            The workers.

        Raises
        ------
        ValueError
            If settings or data are others; the message names them.

        Warns
        -----
        CheckpointWarning
            If the machine computes with something else, so that bits may differ.
        """
        if self._folder is None and crew is None:
            return
        self._facts = _facts(estimator, model, engine, rows, validation)
        if crew is not None:
            crew.check_same({n: fact for of in self._facts.values() for n, fact in of.items()})
        if self._folder is None:
            return
        if self._found is None:
            if self._writes:  # a finished fit gives way to this one
                for _, old in _files(self._folder):
                    old.unlink()
            return
        known = self._found.facts
        if told := _differences(known["settings"], self._facts["settings"]):
            raise ValueError(
                f"the fit in {str(self._folder)!r} was begun with other settings: {told}. Set "
                "these as they were, or name another folder"
            )
        if told := _differences(known["data"], self._facts["data"], shown=False):
            raise ValueError(
                f"the fit in {str(self._folder)!r} was begun with other data: {told} differ. Give "
                "the same rows in the same order, or name another folder"
            )
        if told := _differences(known["machine"], self._facts["machine"]):
            warn(
                f"the fit in {str(self._folder)!r} was begun on another machine: {told}. It goes "
                "on, but its last digits may differ from those of an unbroken fit",
                CheckpointWarning,
            )

    def standing(self, name: str) -> Standing | None:
        """Give where a checkpoint has a network."""
        return None if self._found is None else self._found.standings.get(name)

    def epochs(self, name: str) -> History:
        """Give the epochs of a network that this fit need not train; none for most."""
        found = self.standing(name)
        return NO_EPOCHS if found is None else found.history

    # -- keeping ------------------------------------------------------------------------------

    def note(self, name: str, run: Run, history: History, explosion: str = "") -> None:
        """Take down where a network stands after an epoch; write it where it is time."""
        if self._folder is None:
            return
        self._standings[name] = Standing.of(run, history, explosion)
        self._is_new = True
        if self._every.is_over():
            self.save()

    def finish(self) -> None:
        """Write that the fit has come to its end."""
        if self._is_new or self._found is None or not self._found.is_finished:
            self._is_new = True
            self.save(is_finished=True)

    def save(self, *, is_finished: bool = False) -> None:
        """Write a file if there is news, and remove all but the last two.

        Warns
        -----
        CheckpointWarning
            If it cannot be written; those there are stay.
        """
        if self._folder is None or not (self._is_new and self._writes):
            return
        self._is_new = False
        files = _files(self._folder)
        number = files[-1][0] + 1 if files else 1
        checkpoint = Checkpoint(self._facts, self._chance, self._standings, is_finished)
        path = self._folder / f"checkpoint-{number:06}.safetensors"
        try:
            write_atomically(path, to_bytes(checkpoint))
        except OSError as error:  # the disk may have room again when the next is due
            warn(
                f"a checkpoint could not be written, and the fit goes on: {error}",
                CheckpointWarning,
            )
            return
        for _, old in files[: len(files) + 1 - KEPT]:
            with suppress(OSError):
                old.unlink()
        self._every.begin()


class Interval:
    """How much lies between two checkpoints: a number of epochs, or of seconds."""

    def __init__(self, asked: int | str) -> None:
        self._epochs, self._seconds = 0, 0.0
        if isinstance(asked, str):
            self._seconds = _time(asked)
        else:
            self._epochs = int(asked)
        self.begin()

    def begin(self) -> None:
        self._done, self._since = 0, time.monotonic()

    def is_over(self) -> bool:
        """Count an epoch, and tell whether it is time."""
        self._done += 1
        if self._epochs:
            return self._done >= self._epochs
        return time.monotonic() - self._since >= self._seconds


def _time(text: str) -> float:
    seconds = seconds_of(text)
    if seconds is None:
        raise InvalidParameterError(
            "The 'checkpoint_every' parameter must be a number of epochs, or a time such as '30s', "
            f"'5min' or '1h'. Got {text!r} instead."
        )
    return seconds


# -- a folder ------------------------------------------------------------------------------------


@contextmanager
def keeping(estimator: Any, crew: Crew | None = None) -> Iterator[Keeper]:
    """Keep a fit, in the folder that its estimator names; what breaks it off leaves a checkpoint.

    Of several workers the first alone reads the folder and writes to it.

    Raises
    ------
    ValueError
        If the folder holds a fit that was broken off, and this one is not to go on with it; or if
        another fit is writing there.
    OSError
        If the folder cannot be made or written to.
    ModelFileError
        If there are checkpoints to go on from, and none of them can be read.
    """
    if estimator.checkpoint is None:
        if estimator.resume:
            raise ValueError("resume goes on from a checkpoint; name its folder by checkpoint, too")
        yield Keeper(None, Interval(estimator.checkpoint_every), None)
        return
    every, folder = Interval(estimator.checkpoint_every), Path(estimator.checkpoint)
    with ExitStack() as stack:

        def begin() -> Checkpoint | None:
            folder.mkdir(parents=True, exist_ok=True)
            check_folder(folder)
            stack.enter_context(_alone_in(folder))
            return _to_go_on_from(folder, resume=estimator.resume)

        found = begin() if crew is None else _from_first(crew, begin)
        keeper = Keeper(folder, every, found, writes=crew is None or crew.is_first)
        try:
            yield keeper
        except BaseException:
            keeper.save()
            if crew is not None:  # a launcher ends the others as soon as one has ended
                crew.wait()
            raise


def _from_first(crew: Crew, begin: Callable[[], Checkpoint | None]) -> Checkpoint | None:
    """Let all workers go on from what the first of them has read."""

    def read() -> bytes:
        found = begin()
        return b"" if found is None else to_bytes(found)

    content = crew.from_first(read)
    return from_bytes(content) if content else None


def _to_go_on_from(folder: Path, *, resume: bool) -> Checkpoint | None:
    """Read the fit that is to go on; refuse to begin another one where it was broken off."""
    found = _last(folder)
    if found is None or resume:
        return found
    if not found.is_finished:
        raise ValueError(
            f"{str(folder)!r} holds a fit that was broken off ({_told(found)}); set "
            "resume (--resume) to go on with it, or name another folder"
        )
    return None


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Lock a folder against a second fit; the system frees the lock when this process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"another fit writes its checkpoints to {str(folder)!r}; name another folder"
            ) from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(descriptor)


def _files(folder: Path) -> list[tuple[int, Path]]:
    """List the checkpoints of a folder by number."""
    found = ((NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(name[1]), path) for name, path in found if name)


def _last(folder: Path) -> Checkpoint | None:
    """Read the last checkpoint that is whole."""
    broken = []
    for _, path in reversed(_files(folder)):
        try:
            return from_bytes(path.read_bytes())
        except ModelFileError as error:
            broken.append(f"{str(path)!r}: {error}")
            warn(f"a checkpoint cannot be read and is passed over: {broken[-1]}", CheckpointWarning)
    if broken:
        raise ModelFileError(
            f"no checkpoint in {str(folder)!r} can be read ({broken[0]}); remove the "
            "files to begin anew"
        )
    return None


def _told(found: Checkpoint) -> str:
    """Say how far a fit has come."""
    name, last = list(found.standings.items())[-1] if found.standings else ("", None)
    if last is None:
        return "before its first epoch"
    return f"network {name}, epoch {last.numbers['epochs']}"


# -- what must agree -----------------------------------------------------------------------------


def _facts(
    estimator: Any, model: Model, engine: str, rows: Rows | Piles, validation: Rows | None
) -> dict[str, dict[str, str]]:
    return {
        "settings": _settings(estimator) | {"engine": engine},
        "data": _data(model, rows, validation),
        "machine": _machine(engine),
    }


def _settings(estimator: Any) -> dict[str, str]:
    """Write down the parameters that decide a result, as texts."""
    left_out = NO_SETTINGS + SEEN_IN_ROWS
    given = estimator.get_params(deep=False)
    texts = {name: _text(value) for name, value in given.items() if name not in left_out}
    if given.get("comm") is not None:  # however many workers there are
        texts["the parts of a batch"] = str(SHARDS)
    return {ESTIMATOR: type(estimator).__name__} | texts


def _text(value: Any) -> str:
    if callable(value):  # what it computes cannot be compared
        return str(getattr(value, "__qualname__", type(value).__qualname__))
    if isinstance(value, np.random.RandomState | np.random.Generator):
        return type(value).__name__
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, np.ndarray):
        return f"array {_digest(value)[:16]}"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_text, value))})"
    return repr(value)


def _data(model: Model, rows: Rows | Piles, validation: Rows | None) -> dict[str, str]:
    """Take digests of the rows as they are encoded, and of what there is before the training."""
    watched = {} if validation is None else {"the rows watched": _digest(*_arrays(validation))}
    return {
        "the rows": _digest(*_arrays(rows)),
        **watched,
        "columns, classes or first parameters": hashlib.sha256(
            model_file.to_bytes(model)
        ).hexdigest(),
    }


def _arrays(rows: Rows | Piles) -> Iterator[Any]:
    if isinstance(rows, Piles):
        yield from rows.stored
        return
    x: Any = rows.x
    yield from (x.data, x.indices, x.indptr) if is_sparse(x) else (x,)
    yield rows.y_t
    yield rows.weight


def _digest(*arrays: NDArray[Any] | Stored | None) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        if array is None:
            continue
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        if isinstance(array, Stored):
            for piece in array.pieces():
                digest.update(piece)
        elif array.size:
            digest.update(np.ascontiguousarray(array).data.cast("B"))
    return digest.hexdigest()


def _machine(engine: str) -> dict[str, str]:
    """Say what the last digits depend on beside data and settings."""
    found = machine.describe()
    kernels = sorted({str(one["kernel"]) for one in found["blas"] if one["kernel"]})
    return {
        "handgrad": version("handgrad"),
        "the version of NumPy": found["numpy"],
        "kernels of the BLAS": ", ".join(kernels),  # which libraries are loaded is chance
        "engine": repr(found["engines"][engine].get("level", "")),
    }


def _differences(known: Mapping[str, str], now: Mapping[str, str], *, shown: bool = True) -> str:
    """Name what differs: "alpha was 0.1 and is 0.2"."""
    names = [name for name in {**known, **now} if known.get(name) != now.get(name)]
    if not shown:
        return " and ".join(names)
    some = [ESTIMATOR] if ESTIMATOR in names else names[:MOST_NAMED]
    told = [f"{n} was {known.get(n, 'not set')} and is {now.get(n, 'not set')}" for n in some]
    return "; ".join(told) + ("; and more" if len(names) > len(some) else "")
