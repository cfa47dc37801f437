"""The exceptions a user may meet. Each says what must hold, what came, and what to do.

    ValueError
      HandgradError
        DataError          the rows, columns, labels or cells do not fit the task
        ModelFileError     a file is not a handgrad model, or is a damaged one
        DivergenceError    the loss or a parameter stopped being a finite number

They are ValueErrors, so code written for scikit-learn catches them. A parameter of
the wrong type or range raises scikit-learn's own InvalidParameterError, and a path
that cannot be opened raises the OSError of the system. The command line gives each
class its own exit code (see ``cli.py``).
"""


class HandgradError(ValueError):
    """The base of every error that handgrad raises on purpose."""


class DataError(HandgradError):
    """The data cannot be used as asked; the message names the row and the column."""


class ModelFileError(HandgradError):
    """The file is not a handgrad model of a known format version, or it is damaged."""


class DivergenceError(HandgradError):
    """Training left the finite numbers; the message says when, and what to try."""


class DivergenceWarning(UserWarning):
    """Training explodes, although its numbers are still finite."""
