"""``handgrad explain`` and ``handgrad gradcheck``: a look inside a model, at rows of a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.atomic_file import write_atomically
from handgrad.cli.checks import check_output
from handgrad.cli.data import as_classes, check_columns, class_numbers, labels_of, separator_of
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import COLUMN, FILE, JSON, POSITIVE, SEPARATOR, TABLE
from handgrad.columns import labels, numbers
from handgrad.errors import DataError
from handgrad.explain import Explanation, explain
from handgrad.explain.page import page as page_of
from handgrad.explain.terminal import print_explanation
from handgrad.gradcheck import HEADINGS, GradientCheck, check_gradients
from handgrad.model import Model
from handgrad.model_file import load_model
from handgrad.rows import one_row, take
from handgrad.table import read_table
from handgrad.terminal import listed, note, print_json, print_table, say, shown

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]


class Truth(NamedTuple):
    """What is true of a row: as the network sees it, and in words; or why nothing is known."""

    y_t: Array | None
    words: str = ""
    why_not: str = ""


# -- explain ----------------------------------------------------------------------------------


@click.command("explain")
@click.argument("model", type=FILE)
@click.argument("table", type=TABLE)
@click.option(
    "--row", metavar="N", type=int, default=1, show_default=True, help="Which row, from 1."
)
@click.option("--target", type=COLUMN, help="Column of true labels.  [default: as trained]")
@click.option(
    "--learning-rate",
    metavar="RATE",
    type=POSITIVE,
    default=0.1,
    show_default=True,
    help="Length of the step (13).",
)
@click.option(
    "--html", "page", metavar="FILE", type=FILE, help="Write it as one page instead of text."
)
@SEPARATOR
@click.option("--json", "as_json", is_flag=True, help="Print every number as JSON.")
def explain_command(
    model: Path, table: Path, page: Path | None, as_json: bool, **options: Any
) -> None:
    """Show what MODEL makes of one row of TABLE.

    Equation by equation: forward to the prediction, the loss, and backward to every gradient, in
    words, symbols and numbers. Without the true label it ends with the prediction.
    """
    check_output(page, model, table)
    load(*TABLE_LIBRARIES)
    trained = load_model(model)
    columns = read_table(table, separator=separator_of(options))
    explanation = explain_row(
        trained,
        columns,
        name=str(table),
        row=options["row"],
        target=options["target"],
        lr=options["learning_rate"],
    )
    if page is not None:
        write_page(explanation, page)
        note(f"wrote {shown(page)}")
    if as_json:
        print_json(explanation_json(explanation))
    elif page is None:
        print_explanation(explanation)


def explain_row(
    model: Model, table: "pa.Table", *, name: str, row: int, target: str | None, lr: float
) -> Explanation:
    """Explain one row of a table, counted from 1; say on stderr what is left out.

    Raises
    ------
    click.UsageError
        If the table has no such row or no such target.
    DataError
        If a cell of the row cannot be used.
    """
    if not 1 <= row <= table.num_rows:
        raise click.UsageError(
            f"--row must be 1 to {table.num_rows}, the rows of the table; got {row}"
            if table.num_rows
            else "--row: the table has no rows, only a header"
        )
    if target is not None:
        check_columns(table, [target], "--target")
    cells = one_row(table, row - 1)
    truth = _truth(model, cells, target or model.target, row)
    if truth.y_t is None:
        note(f"{truth.why_not}: the explanation ends with the prediction")
    title = f"row {row} of {name}"
    return explain(model, cells, truth.y_t, title=title, truth=truth.words, lr=lr)


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
        "trace": {name: value.tolist() for name, value in explanation.trace.items()},
        "lines": {step.equation.name: step.equation.line for step in explanation.steps},
    }


def _truth(model: Model, cells: "pa.Table", target: str | None, row: int) -> Truth:
    if not _has_one_target(model):
        return Truth(None, "", "this model has several targets, which no one column can tell")
    if target is None:
        return Truth(None, "", "the model does not know its target, and no --target is named")
    if target not in cells.column_names:
        return Truth(None, "", f"the table has no column {shown(repr(target))}, the truth")
    if len(model.classes):
        return _label(model, cells, target, row)
    return _number(model, cells, target)


def _has_one_target(model: Model) -> bool:
    if len(model.classes):
        return not model.is_multilabel
    return model.architecture.n_targets == 1


def _number(model: Model, cells: "pa.Table", target: str) -> Truth:
    value = float(numbers(cells, target)[0])
    if np.isnan(value):
        return Truth(None, "", "the true number of this row is missing")
    y_t = np.array([[value]])
    if model.scale is not None:
        y_t = (y_t - model.scale.mean[0]) / model.scale.scale[0]
    return Truth(y_t.astype(model.params.flat.dtype), f"{value:.6g}")


def _label(model: Model, cells: "pa.Table", target: str, row: int) -> Truth:
    y, missing = labels(cells, target)
    if missing[0]:
        return Truth(None, "", "the true label of this row is missing")
    known = model.classes.tolist()
    label = as_classes(y, model.classes).tolist()[0]
    if label not in known:
        raise DataError(
            f"column {target!r}, row {row}: {label!r} must be one of the labels that the model "
            f"knows, {listed(map(repr, known))}; mend the cell, or explain another row"
        )
    number = known.index(label)
    y_t = np.array([[number]]) if model.architecture.output == "logistic" else np.array([number])
    return Truth(y_t, str(label))


# -- gradcheck --------------------------------------------------------------------------------


@click.command()
@click.argument("model", type=FILE)
@click.argument("table", type=TABLE)
@click.option("--target", type=COLUMN, help="Column of true labels.  [default: as trained]")
@click.option(
    "--rows",
    metavar="N",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="On how many rows, evenly spread.",
)
@click.option(
    "--entries",
    metavar="N",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Of each parameter; 0 for all.",
)
@SEPARATOR
@JSON
def gradcheck(model: Path, table: Path, as_json: bool, **options: Any) -> None:
    """Check the gradients of MODEL on rows of TABLE.

    They are compared with complex steps. A row for each parameter tells the entry that is furthest
    off, both values, the largest relative error, the verdict. The exit code is 1 if one is wrong.
    """
    load(*TABLE_LIBRARIES)
    trained = load_model(model)
    columns = read_table(table, separator=separator_of(options))
    check, n = check_model(
        trained,
        columns,
        target=options["target"],
        rows=options["rows"],
        entries=options["entries"],
    )
    (print_check_json if as_json else print_check)(check, n)
    if not check.passed:
        raise click.exceptions.Exit(1)


def check_model(
    model: Model, table: "pa.Table", *, target: str | None, rows: int, entries: int
) -> tuple[GradientCheck, int]:
    """Check a model's gradients on some labelled rows, evenly spread; give their number, too.

    Raises
    ------
    click.UsageError
        If the target is not known, or is not one column.
    DataError
        If the rows cannot be used.
    """
    target = target or model.target
    if target is None:
        raise click.UsageError("the model does not know its target; name it: --target COLUMN")
    if not _has_one_target(model):
        raise click.UsageError(
            "this model has several targets, which no one column can tell; check it from Python: "
            "model.gradient_check(X, y)"
        )
    check_columns(table, [target], "--target")
    y_t, missing = _truths(model, table, target)
    labelled = np.flatnonzero(~missing)
    chosen = labelled[np.linspace(0, len(labelled) - 1, min(rows, len(labelled))).astype(np.intp)]
    x = model.encoder.transform(take(table, chosen), np.float64)
    wide = model.params.like(model.params.flat.astype(np.float64))
    check = check_gradients(model.architecture, wide, x, y_t[chosen], most_entries=entries or None)
    return check, len(chosen)


def _truths(model: Model, table: "pa.Table", target: str) -> tuple[Array, NDArray[np.bool_]]:
    if not len(model.classes):
        values = numbers(table, target)
        missing = np.isnan(values)
        if missing.all():
            raise DataError(f"column {target!r} must hold numbers; there are none")
        scale = model.scale
        y_t = values if scale is None else (values - scale.mean[0]) / scale.scale[0]
        return y_t[:, None], missing
    y, missing = labels_of(table, target)
    classes = class_numbers(y, missing, model.classes)
    return (classes[:, None] if model.architecture.output == "logistic" else classes), missing


def print_check(check: GradientCheck, n: int) -> None:
    from rich.table import Table

    title = f"{n:,} rows, in float64, without a penalty"
    table = Table(title=title, title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=True)
    for row in check.rows():
        table.add_row(*row)
    print_table(table)
    verdict = "right" if check.passed else "WRONG"
    say(f"the gradients are {verdict}: a relative error of at most {check.tolerance:g} passes")
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
            "largest_relative_error": _finite(check.errors[name]),
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
            "parameters": parameters,
        }
    )


def _finite(error: float) -> float | None:
    return error if np.isfinite(error) else None
