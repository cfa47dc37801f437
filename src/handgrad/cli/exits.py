"""How errors and interrupts become messages on stderr and exit codes."""

import os
import sys
from collections.abc import Callable

import click

from handgrad.cli.terminal import brief, note
from handgrad.errors import DataError, DivergenceError, ModelFileError
from handgrad.text import shown

EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (DivergenceError, 6),
    (ModelFileError, 4),
    (DataError, 3),
    (TypeError, 3),
    (ValueError, 3),
    (MemoryError, 5),
    (OSError, 5),
)


class BrokenOffError(Exception):
    """An interrupt that left something to go on from."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.message, self.code = message, code


def exit_code_of(work: Callable[[], int]) -> int:
    """Do the work; give its exit code, or that of the error it ended with, having said why."""
    try:
        return work()
    except click.ClickException as error:
        _complain(error)
        return error.exit_code
    except BrokenOffError as error:
        note(f"handgrad: {shown(error.message)}")
        return error.code
    except (KeyboardInterrupt, click.Abort):
        note("handgrad: interrupted; nothing more was written")
        return 130
    except (BrokenPipeError, SystemExit):  # click turns the one into the other
        # The reader has gone. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except tuple(kind for kind, _ in EXIT_CODES) as error:
        note(f"handgrad: {brief(_message(error))}")
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def _complain(error: click.ClickException) -> None:
    note(f"handgrad: {brief(shown(error.format_message()))}")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        note(f"Try '{error.ctx.command_path} --help'.")


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f"{os.fsdecode(error.filename)!r}: " if error.filename is not None else ""
        return f"{place}{error.strerror}"
    if isinstance(error, MemoryError):
        detail = f" ({error})" if str(error) else ""
        return f"there is not enough memory{detail}; use fewer rows or smaller layers"
    if isinstance(error, DataError):
        error.keep(lambda parameter: False)  # there are options here
    return shown(error)
