"""The exceptions a user may meet. Each states the requirement, what was found, and what to do.

    ValueError
      HandgradError
        DataError          the rows, columns, labels or cells do not fit the task
        ModelFileError     a file is not a handgrad model, or is a damaged one
        DivergenceError    the loss or a parameter stopped being a finite number
        VersionError       a pickle is another version's

They are ValueErrors, so code written for scikit-learn catches them. A parameter of the
wrong type or range raises scikit-learn's own InvalidParameterError, and a path that cannot
be opened raises the system's OSError. The command line has an exit code for each class
(see ``cli/exits.py``).
"""

import sys
import warnings
from collections.abc import Callable


class HandgradError(ValueError):
    """The base of every error that handgrad raises on purpose."""


class DataError(HandgradError):
    """The data cannot be used as asked; the message names the row and the column.

    Parameters
    ----------
    what : str
        What is wrong, and a way to mend it.
    **ways : str
        Further ways, each by the parameter of an estimator that it takes.
    """

    def __init__(self, what: str, **ways: str) -> None:
        self.what, self.ways = what, ways
        super().__init__(self._told())

    def _told(self) -> str:
        return "".join([self.what, *(f", or {way}" for way in self.ways.values())])

    def keep(self, is_known: Callable[[str], bool]) -> None:
        """Drop the ways that take what is not there."""
        self.ways = {name: way for name, way in self.ways.items() if is_known(name)}
        self.args = (self._told(),)


class ModelFileError(HandgradError):
    """The file is not a handgrad model of a known format version, or it is damaged."""


class DivergenceError(HandgradError):
    """A loss or parameter became infinite or NaN; the message says when, and what to try.

    Attributes
    ----------
    what : str
        The message without the advice at its end.
    epoch, batch : int or None
        Where it happened, both from 1; batch is None if it was noticed after the epoch's last.
    layer : int or None
        The first layer, from 1, with a parameter or an activation that was not finite; 0 for the
        inputs; None if all were finite: then the loss itself is to blame, by a target or weight.
    last_loss : float or None
        The last finite loss, of the previous batch or else of the previous epoch.
    learning_rate : float or None
        The learning rate of that batch.
    """

    def __init__(
        self,
        what: str,
        advice: str = "",
        *,
        epoch: int | None = None,
        batch: int | None = None,
        layer: int | None = None,
        last_loss: float | None = None,
        learning_rate: float | None = None,
    ) -> None:
        super().__init__(f"{what} {advice}".rstrip())
        self.what = what
        self.epoch, self.batch, self.layer = epoch, batch, layer
        self.last_loss, self.learning_rate = last_loss, learning_rate


class VersionError(HandgradError):
    """A pickle was written by another version of handgrad; model files work in every version."""


class TableWarning(UserWarning):
    """A file or a column was read with a doubt: left out, renamed, or guessed."""


class DriftWarning(UserWarning):
    """No cell of a column was seen when the model was fitted: it is hardly the same column."""


class DurabilityWarning(UserWarning):
    """A file was written, but the disk did not confirm its name: a power cut may undo it."""


class CheckpointWarning(UserWarning):
    """A fit goes on from a checkpoint with a doubt: one is damaged, or the machine is another."""


class WorkersWarning(UserWarning):
    """Workers share a training, and gain nothing by it."""


class DivergenceWarning(UserWarning):
    """Training explodes, although all numbers are still finite."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the caller's line: the first outside handgrad and scikit-learn."""
    frame, level = sys._getframe(0), 1
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("handgrad", "sklearn")
