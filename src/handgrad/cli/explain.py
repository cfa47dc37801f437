"""``handgrad explain`` and ``handgrad gradcheck``: a look inside a model, at rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.atomic_file import write_atomically
from handgrad.cli.checks import check_output
from handgrad.cli.columns import check_columns
from handgrad.cli.encoding import encode_some, note_unknown
from handgrad.cli.explanation import print_explanation
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import (
    FILE,
    JSON,
    POSITIVE,
    READING_OPTIONS,
    TABLE,
    TARGETS,
    UNKNOWN,
    Count,
    Option,
)
from handgrad.cli.reading import read
from handgrad.cli.results import finite
from handgrad.cli.terminal import listed, note, print_json, print_table, say
from handgrad.cli.truth import as_classes, n_targets, read_truths, targets_of, true_numbers
from handgrad.errors import DataError
from handgrad.explain import Explanation
from handgrad.explain import explain as explanation_of
from handgrad.explain.page import page as page_of
from handgrad.gradcheck import HEADINGS, GradientCheck, check_gradients
from handgrad.models.file import load_model
from handgrad.tables.columns import labels
from handgrad.tables.rows import one_row
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.models.model import Model

Array = NDArray[Any]


class Truth(NamedTuple):
    """The truth of a row as the network learns it, and in words; or why it is not known."""

    y_t: Array | None
    words: str = ""
    obstacle: str = ""


# -- explain ----------------------------------------------------------------------------------


ROW = Option(
    "--row", metavar="N", type=int, default=1, help="Explain this row; the first one is row 1."
)
LEARNING_RATE = Option(
    "--learning-rate", type=POSITIVE("RATE"), default=0.1, help="Length of the step, equation (13)."
)
PAGE = Option(
    "--html",
    "page",
    type=FILE,
    help="Write the explanation as one HTML page to this file, and print none.",
)
NUMBERS = Option("--json", "as_json", is_flag=True, help="Print every number as JSON.")


@click.command(params=[ROW, TARGETS, LEARNING_RATE, PAGE, UNKNOWN, *READING_OPTIONS, NUMBERS])
@click.argument("model", type=FILE)
@click.argument("table", type=TABLE)
def explain(
    model: Path,
    table: Path,
    row: int,
    targets: tuple[str, ...],
    learning_rate: float,
    page: Path | None,
    unknown: str,
    as_json: bool,
    **reading: Any,
) -> None:
    """Show how MODEL comes to its prediction for one row of TABLE.

    The explanation goes equation by equation, in words, symbols and numbers: forward to the
    prediction and the loss, then backward to every gradient. If the model has a skip, a table
    shows first how much each column adds to the scores past the layers. If the truth is not known,
    the explanation ends with the prediction. If the model predicts several labels or several
    numbers for each row, name the column of each with --target, in the order in which they were
    trained.
    """
    check_output(page, model, table)
    load(*TABLE_LIBRARIES)
    trained = load_model(model)
    columns = read(table, reading)
    title = f"row {row} of {table}"
    explanation = explain_row(trained, columns, row, targets, unknown, learning_rate, title)
    if page is not None:
        write_page(explanation, page)
        note(f"wrote {shown(page)}")
    if as_json:
        print_json(explanation_json(explanation))
    elif page is None:
        print_explanation(explanation)


def explain_row(
    model: Model,
    table: pa.Table,
    row: int,
    targets: Sequence[str],
    unknown: str,
    lr: float,
    title: str,
) -> Explanation:
    """Explain one row of a table, counted from 1; note on stderr what is not known.

    Raises
    ------
    click.UsageError
        If the table lacks the row or a target.
    DataError
        If a cell of the row cannot be used.
    """
    if not 1 <= row <= table.num_rows:
        raise click.UsageError(
            f"--row must be 1 to {table.num_rows}, the rows of the table; got {row}"
            if table.num_rows
            else "--row: the table has no rows, only a header"
        )
    check_columns(table, targets, "--target")
    cells = one_row(table, row - 1)
    truth = _truth(model, cells, targets, row, unknown)
    encoded = encode_some(model, cells, unknown)
    note_unknown(encoded.unknown)
    if truth.y_t is None:
        note(f"{truth.obstacle}: the explanation ends with the prediction")
    return explanation_of(
        model, cells, truth.y_t, title=title, truth=truth.words, lr=lr, encoded=encoded
    )


def write_page(explanation: Explanation, path: Path) -> None:
    """Write the explanation as one HTML file, whole or not at all."""
    write_atomically(path, page_of(explanation).encode())


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Give every number, none left out."""
    return {
        "title": explanation.title,
        **dict(explanation.facts),
        "inputs": dict(
            zip(explanation.input_names, explanation.trace["x"][0].tolist(), strict=True)
        ),
        **_skip_json(explanation),
        "trace": {name: value.tolist() for name, value in explanation.trace.items()},
        "lines": {step.equation.name: step.equation.line for step in explanation.steps},
    }


def _skip_json(explanation: Explanation) -> dict[str, Any]:
    if not explanation.skipped:
        return {}
    return {"skip": [one.as_json(explanation.output_names) for one in explanation.skipped]}


def _truth(model: Model, cells: pa.Table, named: Sequence[str], row: int, unknown: str) -> Truth:
    if not named and model.target is None:
        n = n_targets(model)
        of = "the model does not know its target" if n == 1 else f"the model predicts {n} columns"
        return Truth(None, "", f"{of}, and no --target is named")
    targets = targets_of(model, named)
    if absent := [name for name in targets if name not in cells.column_names]:
        return Truth(None, "", f"the table has no column {shown(repr(absent[0]))}, the truth")
    if len(model.classes) and not model.is_multilabel:
        return _label(model, cells, targets[0], row, unknown)
    y = true_numbers(model, cells, targets)
    if np.isnan(y).any():
        what = "label" if model.is_multilabel else "number"
        return Truth(None, "", f"a true {what} of this row is missing")
    words = _labels_words(model, y[0]) if model.is_multilabel else _number_words(targets, y[0])
    return Truth(model.learnt(y), words)


def _labels_words(model: Model, y: Array) -> str:
    has = [str(label) for label, yes in zip(model.classes.tolist(), y, strict=True) if yes]
    return ", ".join(has) or "none of the labels"


def _number_words(targets: Sequence[str], y: Array) -> str:
    if len(targets) == 1:
        return f"{y[0]:.6g}"
    return ", ".join(f"{name} = {value:.6g}" for name, value in zip(targets, y, strict=True))


def _label(model: Model, cells: pa.Table, target: str, row: int, unknown: str) -> Truth:
    y, missing = labels(cells, target)
    if missing[0]:
        return Truth(None, "", "the true label of this row is missing")
    known = model.classes.tolist()
    label = as_classes(y, model.classes).tolist()[0]
    if label not in known and unknown == "allow":
        return Truth(None, "", f"the model does not know the true label {shown(repr(label))}")
    if label not in known:
        raise DataError(
            f"column {target!r}, row {row}: {label!r} must be one of the labels that the model "
            f"knows, {listed(map(repr, known))}; mend the cell, explain another row, or end "
            "with the prediction: --unknown allow"
        )
    return Truth(model.learnt(np.array([known.index(label)])), str(label))


# -- gradcheck --------------------------------------------------------------------------------


ROWS = Option(
    "--rows", type=Count(1), default=50, help="Check on N rows, evenly spread over the table."
)
ENTRIES = Option(
    "--entries", type=Count(0), default=200, help="Check N entries of each parameter; 0 means all."
)


@click.command(params=[TARGETS, ROWS, ENTRIES, UNKNOWN, *READING_OPTIONS, JSON])
@click.argument("model", type=FILE)
@click.argument("table", type=TABLE)
def gradcheck(
    model: Path,
    table: Path,
    targets: tuple[str, ...],
    rows: int,
    entries: int,
    unknown: str,
    as_json: bool,
    **reading: Any,
) -> None:
    """Check the gradients of MODEL on rows of TABLE.

    They are compared with complex steps. For each parameter a line gives the entry that is
    furthest off, both of its values, the largest relative error and the verdict, which is "at a
    corner" if only rows with an r of exactly 0 differ. The exit code is 1 if a gradient is wrong,
    or every row stands at a corner. If there are several targets, name the column of each with
    --target.
    """
    load(*TABLE_LIBRARIES)
    trained = load_model(model)
    check, n = check_model(trained, read(table, reading), targets, rows, entries, unknown)
    (print_check_json if as_json else print_check)(check, n)
    if not check.passed:
        raise click.exceptions.Exit(1)


def check_model(
    model: Model, table: pa.Table, targets: Sequence[str], rows: int, entries: int, unknown: str
) -> tuple[GradientCheck, int]:
    """Check a model's gradients on some labelled rows, evenly spread; give their number, too.

    Raises
    ------
    click.UsageError
        If the targets are not known, or not as many as the model predicts.
    DataError
        If the rows cannot be used.
    """
    truths = read_truths(model, table, targets_of(model, targets), unknown)
    known = np.flatnonzero(~truths.missing)
    chosen = known[np.linspace(0, len(known) - 1, min(rows, len(known))).astype(np.intp)]
    encoded = [  # one by one: a message tells where in the whole table a cell stands
        encode_some(model, one_row(table, row), unknown, np.float64) for row in chosen.tolist()
    ]
    note_unknown(one for part in encoded for one in part.unknown)
    x = np.concatenate([part.x for part in encoded])
    y_t = model.learnt(truths.y_t[chosen])
    wide = model.params.like(model.params.flat.astype(np.float64))
    check = check_gradients(model.architecture, wide, x, y_t, most_entries=entries or None)
    return check, len(chosen)


def print_check(check: GradientCheck, n: int) -> None:
    from rich.table import Table

    title = f"{n:,} rows, in float64, without a penalty"
    table = Table(title=title, title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=True)
    for row in check.rows():
        table.add_row(*row)
    print_table(table)
    say(f"{check.conclusion}: a relative error of at most {check.tolerance:g} passes")
    if check.note:
        say(check.note)


def print_check_json(check: GradientCheck, n: int) -> None:
    parameters = {
        name: {
            "shape": list(worst.shape),
            "entries_checked": worst.checked,
            "furthest_off": list(worst.entry),
            "analytic": worst.analytic,
            "complex_step": worst.complex_step,
            "largest_relative_error": finite([check.errors[name]])[0],
            "verdict": check.verdict(name),
        }
        for name, worst in check.worst.items()
    }
    print_json(
        {
            "rows": n,
            "passed": check.passed,
            "tolerance": check.tolerance,
            "at_corners": check.kinks,
            "rows_at_corners": check.n_at_corners,
            "parameters": parameters,
        }
    )
