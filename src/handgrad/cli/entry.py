"""The command ``handgrad``: its commands, and how it is run."""

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from handgrad import __version__
from handgrad.cli.cv import cv
from handgrad.cli.evaluate import evaluate_command
from handgrad.cli.exits import exit_code_of
from handgrad.cli.explain import explain_command, gradcheck
from handgrad.cli.fit import fit
from handgrad.cli.info import info
from handgrad.cli.play import play
from handgrad.cli.predict import predict
from handgrad.cli.terminal import note
from handgrad.errors import DurabilityWarning
from handgrad.text import shown


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
)
@click.version_option(__version__, prog_name="handgrad")
@click.pass_context
def main(context: click.Context) -> None:
    """Train small neural networks on tables, and use them."""
    if context.invoked_subcommand is None:
        note(context.get_help())
        context.exit(2)


for command in (fit, cv, predict, evaluate_command, info, explain_command, gradcheck, play):
    main.add_command(command)


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(exit_code_of(lambda: _run(arguments)))


def _run(arguments: list[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale may lack a label's signs
    with _noted(DurabilityWarning):
        code: int | None = main.main(arguments, prog_name="handgrad", standalone_mode=False)
    if sys.stdout is not None:  # closed by the caller: >&-
        sys.stdout.flush()
    return code or 0


@contextmanager
def _noted(kind: type[Warning]) -> Iterator[None]:
    """Say warnings of one kind as notes, without the place in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", kind)
        shows = warnings.showwarning

        def show(message: Any, category: type[Warning], *place: Any, **named: Any) -> None:
            if issubclass(category, kind):
                note(f"handgrad: {shown(message)}")
            else:
                shows(message, category, *place, **named)

        warnings.showwarning = show
        yield
