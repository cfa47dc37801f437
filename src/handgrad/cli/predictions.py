"""Predictions as CSV: columns of the table as they stand there, then what the model says."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from handgrad.cli.data import check_columns
from handgrad.cli.judge import number_names
from handgrad.cli.options import COLUMN, OUTPUT, Option
from handgrad.errors import DataError
from handgrad.model import Model, decide, proba
from handgrad.tables.encode import Encoded
from handgrad.terminal import listed, shown
from handgrad.text import quoted

if TYPE_CHECKING:
    import pyarrow as pa

KEEP = click.option(
    "--keep",
    "kept",
    cls=Option,
    section=OUTPUT,
    metavar="COLUMN",
    type=COLUMN,
    multiple=True,
    help="Write this column of the table, as it stands there, before the predictions (repeatable).",
)
KEEP_ALL = click.option(
    "--keep-all",
    cls=Option,
    section=OUTPUT,
    is_flag=True,
    help="Write every column of the table before the predictions.",
)
PROBA = click.option(
    "--proba",
    cls=Option,
    section=OUTPUT,
    is_flag=True,
    help="Add the probability of each class.",
)


class Predictions(NamedTuple):
    """What a model says of rows: the names of the columns, and the cells of each row."""

    names: list[str]
    rows: list[list[Any]]


class Kept(NamedTuple):
    """Columns of the table that go with the predictions, as texts; None where a cell is null."""

    names: list[str]
    columns: list[list[str | None]]

    def beside(self, predictions: Predictions) -> bytes:
        """Write both as CSV.

        Raises
        ------
        click.UsageError
            If a column is named as one of the predictions.
        """
        self.check_beside(predictions.names)
        kept = zip(*self.columns, strict=True) if self.columns else ([] for _ in predictions.rows)
        lines = (_line([*before, *row]) for before, row in zip(kept, predictions.rows, strict=True))
        return "".join([_line([*self.names, *predictions.names]), *lines]).encode()

    def check_beside(self, names: Sequence[str]) -> None:
        """Refuse to write two columns of one name.

        Raises
        ------
        click.UsageError
            If a column is named as one of the predictions.
        """
        if twice := [name for name in self.names if name in names]:
            raise click.UsageError(
                f"--keep {listed(twice)}: the predictions have a column of this name, too; rename "
                "it in the table, or do not keep it"
            )


def keep(table: "pa.Table", named: Sequence[str], *, every: bool) -> Kept:
    """Take columns along: those named, in this order, or every one.

    Raises
    ------
    click.UsageError
        If the table has no such column.
    DataError
        If CSV cannot hold a column.
    """
    check_columns(table, named, "--keep")
    names = table.column_names if every else list(dict.fromkeys(named))
    return Kept(names, [_as_texts(table, name) for name in names])


def _as_texts(table: "pa.Table", name: str) -> list[str | None]:
    """Write the cells out so that each reads back the same: numbers in their shortest form."""
    import pyarrow as pa

    column = table.column(name)
    try:
        while pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        texts: list[str | None] = column.cast(pa.large_string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"--keep {shown(name)}: CSV cannot hold cells of the type {quoted(column.type)}; "
            "convert the column, or do not keep it"
        ) from None
    return texts


def _line(cells: Iterable[Any]) -> str:
    line = ",".join(map(_cell, cells))
    return f"{line}\n" if line else '""\n'  # who reads it skips a line that is empty


def _cell(value: Any) -> str:
    """Write a cell; a text of no length in quotes, as without them it would be missing."""
    if value is None:
        return ""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if not text or re.search('[",\r\n]', text) else text


def predict_rows(
    model: Model, columns: "pa.Table | Encoded", *, with_probabilities: bool
) -> Predictions:
    """Predict labels or numbers of every row.

    Raises
    ------
    DataError
        If a column is missing or a cell cannot be used.
    """
    if len(model.classes):
        return _predicted_labels(model, columns, with_probabilities)
    return Predictions(number_names(model), model.predict_numbers(columns).tolist())


def _predicted_labels(model: Model, columns: "pa.Table", with_probabilities: bool) -> Predictions:
    scores, output = model.scores(columns), model.architecture.output
    if model.is_multilabel:  # a column for each label, 1 where a row has it
        names = [f"prediction {label}" for label in model.classes.tolist()]
        rows: list[list[Any]] = decide(output, scores).tolist()
    else:
        names = ["prediction"]
        rows = [[label] for label in model.classes[decide(output, scores)].tolist()]
    if with_probabilities:
        names += [f"probability {label}" for label in model.classes.tolist()]
        shares = proba(output, scores)[:, : len(model.classes)].tolist()
        for row, part in zip(rows, shares, strict=True):
            row += [f"{p:.6g}" for p in part]
    return Predictions(names, rows)
