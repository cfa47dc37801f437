"""``handgrad predict``: a prediction for every row of a table, as CSV."""

from pathlib import Path
from typing import Any

import click

from handgrad.atomic_file import write_atomically
from handgrad.cli.checks import check_output
from handgrad.cli.columns import UNKNOWN, encode
from handgrad.cli.data import note_extra_columns
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import FILE, TABLE, reading_options
from handgrad.cli.predictions import KEEP, KEEP_ALL, PROBA, keep, predict_rows
from handgrad.cli.reading import read
from handgrad.model_file import load_model


@click.command()
@click.argument("model", type=FILE)
@click.argument("tables", metavar="TABLE...", type=TABLE, nargs=-1, required=True)
@PROBA
@KEEP
@KEEP_ALL
@click.option("--output", "-o", metavar="FILE", type=FILE, help="Write here instead of to stdout.")
@UNKNOWN
@reading_options
def predict(
    model: Path,
    tables: tuple[Path, ...],
    proba: bool,
    kept: tuple[str, ...],
    keep_all: bool,
    output: Path | None,
    unknown: str,
    **options: Any,
) -> None:
    """Predict labels, or numbers, of every row of TABLE, as CSV.

    Columns are found by name: their order is free, others are ignored. TABLE may be - for the
    standard input, or several files: the rows of the first come first. --keep takes columns along,
    so that predictions can be joined by them.
    """
    if output == Path("-"):
        output = None
    check_output(output, model, *tables)
    load(*TABLE_LIBRARIES)
    trained = load_model(model)
    if proba and not len(trained.classes):
        raise click.UsageError(f"--proba: {str(model)!r} predicts numbers, which have none")
    columns = read(tables, options)
    taken_along = keep(columns, kept, every=keep_all)
    encoded = encode(trained, columns, unknown)
    content = taken_along.beside(predict_rows(trained, encoded, with_probabilities=proba))
    note_extra_columns(trained, columns, taken_along.names)
    if output is None:
        click.echo(content, nl=False)  # bytes: UTF-8 whatever the locale, as in a file
    else:
        write_atomically(output, content)
