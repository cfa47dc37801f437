"""What the command line prints: lines, tables and JSON, safe for any terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from handgrad.text import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

MOST_IN_A_LIST = 10
LONGEST_NAME = 60  # characters of a name within a list of names
LONGEST_MESSAGE = 600
ANY_WIDTH = 1_000_000  # columns of characters in a file or a pipe
PAGE_WIDTH = 100  # of text that is read as text


def listed(names: Iterable[Any]) -> str:
    """Write names out for a message: the first few, each cut where it is too long."""
    known = [shown(name) for name in names]
    some = [
        name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."
        for name in known[:MOST_IN_A_LIST]
    ]
    more = len(known) - len(some)
    return ", ".join(some) + (f" and {more:,} more" if more else "")


def brief(message: str) -> str:
    """Cut the middle out of a message that is too long; what to do stands at its end."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[: LONGEST_MESSAGE - 205]} ... {message[-200:]}"


def say(text: str) -> None:
    click.echo(text)


def note(text: str) -> None:
    """Say something on stderr; where that cannot be written to, there is nobody to tell."""
    try:
        click.echo(text, err=True)
    except OSError:
        # Python would try once more at its end, and leave with a code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def print_json(content: dict[str, Any]) -> None:
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def print_table(table: Table, *, whole: bool = False) -> None:
    """Print a table, narrowed to a terminal's width; a file or a pipe gets it whole."""
    from rich import box

    table.box = box.SIMPLE_HEAD
    console = _console()
    if whole:
        console.width = ANY_WIDTH
    _print(console, [table])


def print_text(lines: Iterable[Text]) -> None:
    """Print lines of several styles, wrapped at a terminal's width or at PAGE_WIDTH."""
    console = _console()
    console.width = page_width()
    _print(console, lines)


def page_width() -> int:
    """Give the width of text that is read as text: a terminal's, if that is less than a page's."""
    return min(_console().width, PAGE_WIDTH)


def _print(console: Console, pieces: Iterable[Table | Text]) -> None:
    with console.capture() as captured:
        for piece in pieces:
            console.print(piece)
    for line in captured.get().splitlines():
        say(line.rstrip())


def _console() -> Console:
    from rich.console import Console

    # Labels are texts, not rich's markup.
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = ANY_WIDTH
    return console


def fits(table: Table) -> bool:
    console = _console()
    unbounded = console.options.update(width=ANY_WIDTH)
    return console.measure(table, options=unbounded).maximum <= console.width
