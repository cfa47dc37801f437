"""``handgrad play``: the table for the page, and its server's start."""

from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import click

from handgrad.cli.columns import check_columns
from handgrad.cli.data import PENGUINS
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import COLUMN, READING_OPTIONS, TABLE, Count, Option
from handgrad.cli.reading import read
from handgrad.cli.terminal import say
from handgrad.tables.table import read as read_file

TARGET = Option(
    "--target", type=COLUMN, help="Column of TABLE to predict: a few classes, or numbers."
)
PORT = Option("--port", type=Count(1, 65535), help="Serve the page on this port.  [default: 8642]")
NO_BROWSER = Option(
    "--no-browser", is_flag=True, help="Print the page's address, and open no browser."
)


@click.command(params=[TARGET, PORT, NO_BROWSER, *READING_OPTIONS])
@click.argument("table", type=TABLE, required=False)
def play(
    table: Path | None, target: str | None, port: int | None, no_browser: bool, **options: Any
) -> None:
    """Watch a network learn, on a page in your browser.

    It learns classes from a spiral or other points, the penguins, digits, points that you draw, or
    two or all columns of TABLE; or numbers, from a curve, a hill or TABLE. It shows every number of
    every equation. The page is served to this machine only.
    """
    from handgrad.playground import require_server

    try:
        require_server()
    except ImportError as error:
        raise click.UsageError(str(error)) from None
    load(*TABLE_LIBRARIES)
    start_playing(table, target, options, port=port, opens=not no_browser, say=say)


def start_playing(
    table: Path | None,
    target: str | None,
    options: dict[str, Any],
    *,
    port: int | None,
    opens: bool,
    say: Callable[[str], None],
) -> None:
    """Read the table, if there is one, and serve the page until it is interrupted.

    Raises
    ------
    click.UsageError
        If target and table do not go together.
    DataError
        If neither two columns nor all, with the target, can be shown.
    OSError
        If the port cannot be listened on.
    """
    from handgrad.playground.server import serve
    from handgrad.playground.session import Session

    if table is None and target is not None:
        raise click.UsageError("--target names a column of a table; name the table too")
    if table is not None and target is None:
        raise click.UsageError("name the column to predict: --target COLUMN")
    with as_file(files("handgrad") / "data" / PENGUINS) as path:
        penguins = read_file(path)
    content = None if table is None else read(table, options)
    if content is not None and target is not None:
        check_columns(content, [target], "--target")
    session = Session(penguins, content, target)
    serve(session, port=port, opens=opens, say=lambda address: _tell(address, say))


def _tell(address: str, say: Callable[[str], None]) -> None:
    say(f"watch at {address}")
    say("the address is for this machine and this run only; Ctrl-C ends it")
