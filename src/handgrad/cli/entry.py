"""The command ``handgrad``: its commands, and how it is run."""

import io
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from handgrad import __version__
from handgrad.cli.exits import exit_code_of
from handgrad.cli.terminal import note
from handgrad.errors import DurabilityWarning
from handgrad.text import shown

SUMMARIES = {  # the first sentence of each command's help
    "cv": "Cross-validate: judge networks by rows they have not seen.",
    "distil": "Make a small model that predicts as TEACHER does.",
    "evaluate": "Judge MODEL by rows of TABLE whose truth is known.",
    "explain": "Show how MODEL comes to its prediction for one row of TABLE.",
    "export": "Write MODEL in a form that predicts without handgrad.",
    "fit": "Train networks on a table.",
    "gradcheck": "Check the gradients of MODEL on rows of TABLE.",
    "info": "Show what MODEL is: columns, layers and predictions.",
    "play": "Watch a network learn, on a page in your browser.",
    "predict": "Predict a label or a number for every row of TABLE, as CSV.",
}
FILES = {"gradcheck": "explain"}  # the others have a file of their own


class Commands(Mapping[str, click.Command]):
    """The commands by name; each is imported when it is asked for, with all that it needs."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in SUMMARIES:
            raise KeyError(name)
        file = import_module(f"handgrad.cli.{FILES.get(name, name)}")
        command: click.Command = getattr(file, name)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)


class Group(click.Group):
    """A group that lists its commands without importing them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        named = [name for name in SUMMARIES if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=SUMMARIES[name]) for name in named]
        return commands + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=Group,
    commands=cast("dict[str, click.Command]", Commands()),  # click only reads it
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


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(exit_code_of(lambda: _run(arguments)))


def _run(arguments: list[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale may lack a label's signs
    with _noted(DurabilityWarning):
        given = sys.argv[1:] if arguments is None else arguments  # for who starts others with them
        code: int | None = main.main(
            given, prog_name="handgrad", standalone_mode=False, obj=list(given)
        )
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
