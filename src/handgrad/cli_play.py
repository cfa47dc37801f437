"""What ``handgrad play`` does: the table, and the server."""

from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

import click

from handgrad.cli_data import PENGUINS, check_columns
from handgrad.table import read_table


def start_playing(
    table: Path | None,
    target: str | None,
    separator: str | None,
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
        If neither two columns nor all, with the classes, can be shown.
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
        penguins = read_table(path)
    content = None if table is None else read_table(table, separator=separator)
    if content is not None and target is not None:
        check_columns(content, [target], "--target")
    session = Session(penguins, content, target)
    serve(session, port=port, opens=opens, say=lambda address: _tell(address, say))


def _tell(address: str, say: Callable[[str], None]) -> None:
    say(f"watch at {address}")
    say("the address is for this machine and this run only; Ctrl-C ends it")
