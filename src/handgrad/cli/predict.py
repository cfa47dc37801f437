"""``handgrad predict``: a prediction for every row of a table, as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from handgrad.atomic_file import write_atomically
from handgrad.cli.checks import check_output
from handgrad.cli.encoding import encoded_portions, note_extra_columns, note_target
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import FILE, READING_OPTIONS, TABLE, UNKNOWN, Option
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
from handgrad.tables.encode import Encoded

if TYPE_CHECKING:
    from handgrad.models.model import Model
    from handgrad.tables.files.portions import Portions

LINES = 1 << 13  # written at a time: as objects of Python, cells take many times their bytes


OUTPUT_FILE = Option(
    "--output", "-o", type=FILE, help="Write the predictions to this file, not to standard output."
)


@click.command(params=[PROBA, KEEP, KEEP_ALL, OUTPUT_FILE, SAFE_CSV, UNKNOWN, *READING_OPTIONS])
@click.argument("model", type=FILE)
@click.argument("tables", metavar="TABLE...", type=TABLE, nargs=-1, required=True)
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
    """Predict a label or a number for every row of TABLE, as CSV.

    Columns are found by name: their order does not matter, and others are ignored. TABLE may be -
    for the standard input, or several files, whose rows follow each other. --keep writes columns
    of the table, too, so that predictions can be joined by them.
    """
    if output == Path("-"):
        output = None
    check_output(output, model, *tables)
    load(*TABLE_LIBRARIES)
    trained = load_model(model)
    if proba and not len(trained.classes):
        raise click.UsageError(f"--proba: {str(model)!r} predicts numbers; leave it out")
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
