"""Predictions as CSV: columns of the table, unchanged, then the predictions."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from handgrad.cli.columns import check_columns
from handgrad.cli.options import COLUMN, OUTPUT, Option
from handgrad.cli.terminal import listed
from handgrad.errors import DataError
from handgrad.models.model import Model
from handgrad.tables import arrow
from handgrad.tables.encode import Encoded
from handgrad.tables.marks import NUMBER
from handgrad.text import quoted, shown

if TYPE_CHECKING:
    import pyarrow as pa

KEEP = Option(
    "--keep",
    "kept",
    section=OUTPUT,
    type=COLUMN,
    multiple=True,
    help="Write this column of the table, unchanged, before the predictions (repeatable).",
)
SAFE_CSV = Option(
    "--safe-csv",
    section=OUTPUT,
    is_flag=True,
    help="Write an apostrophe before names and texts that a spreadsheet would take for a formula: "
    "those that begin with = + - @, a tab or a line break.",
)
KEEP_ALL = Option(
    "--keep-all",
    section=OUTPUT,
    is_flag=True,
    help="Write all columns of the table, unchanged, before the predictions.",
)
PROBA = Option("--proba", section=OUTPUT, is_flag=True, help="Add the probability of each class.")


_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")  # as OWASP lists them


class Predictions(NamedTuple):
    """Predictions for rows: the names of their columns, and the cells of each row."""

    names: list[str]
    rows: list[list[Any]]


class Kept(NamedTuple):
    """Columns of the table that go with the predictions, as texts; None where a cell is null."""

    names: list[str]
    columns: list[list[str | None]]

    def beside(self, predictions: Predictions, cell: Callable[[Any], str]) -> bytes:
        """Write both as rows of CSV, each cell by ``cell``."""
        kept = zip(*self.columns, strict=True) if self.columns else ([] for _ in predictions.rows)
        pairs = zip(kept, predictions.rows, strict=True)
        return "".join(_line([*before, *row], cell) for before, row in pairs).encode()

    def header(self, names: Sequence[str], cell: Callable[[Any], str]) -> bytes:
        """Write the names of both.

        Raises
        ------
        click.UsageError
            If a column is named as one of the predictions.
        """
        check_beside(self.names, names)
        return _line([*self.names, *names], cell).encode()


def check_beside(kept: Sequence[str], names: Sequence[str]) -> None:
    """Refuse to write two columns of one name.

    Raises
    ------
    click.UsageError
        If a column is named as one of the predictions.
    """
    if twice := [name for name in kept if name in names]:
        raise click.UsageError(
            f"--keep {listed(twice)}: the predictions have a column of this name, too; rename "
            "it in the table, or do not keep it"
        )


def keep(table: "pa.Table", named: Sequence[str]) -> Kept:
    """Take columns along, in the order in which they are named.

    Raises
    ------
    click.UsageError
        If the table lacks the column.
    DataError
        If CSV cannot hold a column.
    """
    check_columns(table, named, "--keep")
    names = list(dict.fromkeys(named))
    return Kept(names, [_as_texts(table, name) for name in names])


def _as_texts(table: "pa.Table", name: str) -> list[str | None]:
    """Write the cells out so that each reads back the same: numbers in their shortest form."""
    import pyarrow as pa

    column = table.column(name)
    try:
        while pa.types.is_dictionary(column.type):
            column = arrow.cast(column, column.type.value_type)
        texts: list[str | None] = arrow.cast(column, pa.large_string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"--keep {shown(name)}: CSV cannot hold cells of the type {quoted(column.type)}; "
            "convert the column, or do not keep it"
        ) from None
    return texts


def _line(cells: Iterable[Any], cell: Callable[[Any], str]) -> str:
    line = ",".join(map(cell, cells))
    return f"{line}\n" if line else '""\n'  # readers of CSV skip an empty line


def plain_cell(value: Any) -> str:
    """Write a cell; a text of no length in quotes, as without them it would be missing."""
    if value is None:
        return ""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if not text or re.search('[",\r\n]', text) else text


def safe_cell(value: Any) -> str:
    """Write a cell so that no spreadsheet takes a text for a formula; numbers stay as they are."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULAS)
    return plain_cell(f"'{value}" if is_formula and not re.match(NUMBER, value) else value)


def prediction_names(model: Model, *, with_probabilities: bool) -> list[str]:
    """Name the columns that `predict_rows` gives."""
    if not len(model.classes):
        return model.target_names
    labels = model.classes.tolist()
    names = [f"prediction {label}" for label in labels] if model.is_multilabel else ["prediction"]
    return names + [f"probability {label}" for label in labels if with_probabilities]


def predict_rows(
    model: Model, columns: "pa.Table | Encoded", *, with_probabilities: bool
) -> Predictions:
    """Predict a label or a number for every row.

    Raises
    ------
    DataError
        If a column is missing or a cell cannot be used.
    """
    names = prediction_names(model, with_probabilities=with_probabilities)
    if not len(model.classes):
        return Predictions(names, model.predict_numbers(columns).tolist())
    return Predictions(names, _predicted_labels(model, columns, with_probabilities))


def _predicted_labels(
    model: Model, columns: "pa.Table | Encoded", with_probabilities: bool
) -> list[list[Any]]:
    scores, head = model.scores(columns), model.architecture.head
    decided = head.decide(scores)
    if model.is_multilabel:  # a column for each label, 1 where a row has it
        rows: list[list[Any]] = decided.tolist()
    else:
        rows = [[label] for label in model.classes[decided].tolist()]
    if with_probabilities:
        shares = head.proba(scores)[:, : len(model.classes)].tolist()
        for row, part in zip(rows, shares, strict=True):
            row += [f"{p:.6g}" for p in part]
    return rows
