"""``handgrad export``: a model as a program that needs no handgrad."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from handgrad.atomic_file import write_atomically
from handgrad.cli.checks import check_output
from handgrad.cli.options import FILE, Option
from handgrad.export import python_source
from handgrad.models.file import load_model

if TYPE_CHECKING:
    from handgrad.models.model import Model

FORMATS: dict[str, Callable[[Model], str]] = {"python": python_source}

FORMAT = Option(
    "--format",
    "to",
    type=click.Choice(list(FORMATS)),
    default="python",
    help="Write the model in this form: python is one file that needs NumPy alone.",
)
OUTPUT_FILE = Option(
    "--output", "-o", type=FILE, help="Write to this file, not to standard output."
)


@click.command(params=[FORMAT, OUTPUT_FILE])
@click.argument("model", type=FILE)
def export(model: Path, to: str, output: Path | None) -> None:
    """Write MODEL as a program that predicts without handgrad.

    The program reads cells as handgrad does, and gives the same labels, probabilities and numbers,
    to rounding.
    """
    if output == Path("-"):
        output = None
    check_output(output, model)
    content = FORMATS[to](load_model(model)).encode()
    if output is None:
        click.echo(content, nl=False)  # bytes: UTF-8 whatever the locale, as in a file
    else:
        write_atomically(output, content)
