"""``handgrad predict``: a prediction for every row of a table, as CSV."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from handgrad.atomic_file import write_atomically
from handgrad.cli.checks import check_output
from handgrad.cli.data import note_extra_columns
from handgrad.cli.judge import number_names
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import FILE, TABLE, reading_options
from handgrad.cli.reading import read
from handgrad.model import Model, decide, proba
from handgrad.model_file import load_model

if TYPE_CHECKING:
    import pyarrow as pa


@click.command()
@click.argument("model", type=FILE)
@click.argument("tables", metavar="TABLE...", type=TABLE, nargs=-1, required=True)
@click.option("--proba", is_flag=True, help="Add the probability of each class.")
@click.option("--output", "-o", metavar="FILE", type=FILE, help="Write here instead of to stdout.")
@reading_options
def predict(
    model: Path, tables: tuple[Path, ...], proba: bool, output: Path | None, **options: Any
) -> None:
    """Predict labels, or numbers, of every row of TABLE, as CSV.

    Columns are found by name: their order is free, others are ignored. TABLE may be - for the
    standard input, or several files: the rows of the first come first.
    """
    if output == Path("-"):
        output = None
    check_output(output, model, *tables)
    load(*TABLE_LIBRARIES)
    trained = load_model(model)
    if proba and not len(trained.classes):
        raise click.UsageError(f"--proba: {str(model)!r} predicts numbers, which have none")
    columns = read(tables, options)
    content = _predictions(trained, columns, with_probabilities=proba).encode()
    note_extra_columns(trained, columns)
    if output is None:
        click.echo(content, nl=False)  # bytes: UTF-8 whatever the locale, as in a file
    else:
        write_atomically(output, content)


def _predictions(model: Model, columns: "pa.Table", *, with_probabilities: bool) -> str:
    if len(model.classes):
        header, rows = _predicted_labels(model, columns, with_probabilities)
    else:
        header, rows = number_names(model), model.predict_numbers(columns).tolist()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _predicted_labels(
    model: Model, columns: "pa.Table", with_probabilities: bool
) -> tuple[list[str], list[list[Any]]]:
    scores, output = model.scores(columns), model.architecture.output
    if model.is_multilabel:  # a column for each label, 1 where a row has it
        header = [f"prediction {label}" for label in model.classes.tolist()]
        rows: list[list[Any]] = decide(output, scores).tolist()
    else:
        header = ["prediction"]
        rows = [[label] for label in model.classes[decide(output, scores)].tolist()]
    if with_probabilities:
        header += [f"probability {label}" for label in model.classes.tolist()]
        shares = proba(output, scores)[:, : len(model.classes)].tolist()
        for row, part in zip(rows, shares, strict=True):
            row += [f"{p:.6g}" for p in part]
    return header, rows
