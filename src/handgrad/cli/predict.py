"""``handgrad predict``: a prediction for every row of a table, as CSV."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from handgrad.atomic_file import write_atomically
from handgrad.cli.checks import check_output
from handgrad.cli.columns import UNKNOWN, encoded_portions
from handgrad.cli.data import note_extra_columns, note_target
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import FILE, TABLE, reading_options
from handgrad.cli.predictions import (
    KEEP,
    KEEP_ALL,
    PROBA,
    SAFE_CSV,
    keep,
    plain_cell,
    predict_rows,
    prediction_names,
    safe_cell,
)
from handgrad.cli.reading import in_portions
from handgrad.models.file import load_model
from handgrad.models.model import Model
from handgrad.tables.encode import Encoded
from handgrad.tables.files.portions import Portions

LINES = 1 << 13  # written at a time: as objects of Python, cells take many times their bytes


@click.command()
@click.argument("model", type=FILE)
@click.argument("tables", metavar="TABLE...", type=TABLE, nargs=-1, required=True)
@PROBA
@KEEP
@KEEP_ALL
@click.option("--output", "-o", metavar="FILE", type=FILE, help="Write here instead of to stdout.")
@SAFE_CSV
@UNKNOWN
@reading_options
def predict(
    model: Path,
    tables: tuple[Path, ...],
    proba: bool,
    kept: tuple[str, ...],
    keep_all: bool,
    output: Path | None,
    safe_csv: bool,
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
    with in_portions(tables, options) as portions:
        names = portions.head.column_names if keep_all else list(kept)
        cell = safe_cell if safe_csv else plain_cell
        content = _lines(trained, portions, names, unknown, proba, cell)
        if output is None:
            for lines in content:
                click.echo(lines, nl=False)  # bytes: UTF-8 whatever the locale, as in a file
        else:
            write_atomically(output, content)


def _lines(
    model: Model,
    portions: Portions,
    kept: Sequence[str],
    unknown: str,
    proba: bool,
    cell: Callable[[Any], str],
) -> Iterator[bytes]:
    """Give the predictions, portion by portion; the header comes with the first rows."""
    none = keep(portions.head, kept)
    header = none.header(prediction_names(model, with_probabilities=proba), cell)
    note_target(model, portions.head, kept)
    for columns, encoded in encoded_portions(model, portions, unknown):
        for start in range(0, max(1, columns.num_rows), LINES):
            x = Encoded(encoded.x[start : start + LINES])
            rows = predict_rows(model, x, with_probabilities=proba)
            yield header + keep(columns.slice(start, LINES), kept).beside(rows, cell)
            header = b""
    note_extra_columns(model, portions.head, kept)
