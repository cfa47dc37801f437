"""``handgrad export``: a model in a form that needs no handgrad."""

from __future__ import annotations

from pathlib import Path

import click

from handgrad.atomic_file import write_atomically
from handgrad.cli.checks import check_output
from handgrad.cli.options import FILE, Option
from handgrad.export import FORMATS, written
from handgrad.models.file import load_model

FORMAT = Option(
    "--format",
    "to",
    type=click.Choice(list(FORMATS)),
    default="python",
    help="Write the model in this form: "
    + "; ".join(f"{name} is {form.told}" for name, form in FORMATS.items())
    + ".",
)
OUTPUT_FILE = Option(
    "--output", "-o", type=FILE, help="Write to this file, not to standard output."
)


@click.command(params=[FORMAT, OUTPUT_FILE])
@click.argument("model", type=FILE)
def export(model: Path, to: str, output: Path | None) -> None:
    """Write MODEL in a form that predicts without handgrad.

    All preparation is inside, and labels, probabilities and numbers are the same, to rounding.
    """
    if output == Path("-"):
        output = None
    check_output(output, model)
    content = written(load_model(model), to)
    if output is None:
        click.echo(content, nl=False)  # bytes: UTF-8 whatever the locale, as in a file
    else:
        write_atomically(output, content)
