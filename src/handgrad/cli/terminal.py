"""What the command line prints: lines, tables and JSON, safe for any terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.models.evaluation import (
    MEASURES,
    Evaluation,
    Judgement,
    LabelsEvaluation,
    NumbersEvaluation,
    support_heading,
    support_shown,
)
from handgrad.text import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from handgrad.models.model import Model
    from handgrad.tables.encode import Encoder
    from handgrad.tables.kinds import Column

MOST_CLASSES_IN_A_MATRIX = 12  # a larger confusion matrix is hard to read
MOST_IN_A_LIST = 10
LONGEST_LABEL = 1000  # characters of a label in a table
LONGEST_NAME = 60  # characters of a name within a list of names
LONGEST_MESSAGE = 600
ANY_WIDTH = 1_000_000  # columns of characters in a file or a pipe
PAGE_WIDTH = 100  # of text that is read as text


def listed(names: Iterable[Any]) -> str:
    """Write names out for a message: the first few, each cut where it is too long."""
    known = [shown(name) for name in names]
    some = [
        name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."
        for name in known[:MOST_IN_A_LIST]
    ]
    more = len(known) - len(some)
    return ", ".join(some) + (f" and {more:,} more" if more else "")


def brief(message: str) -> str:
    """Cut the middle out of a message that is too long; what to do stands at its end."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[: LONGEST_MESSAGE - 205]} ... {message[-200:]}"


def say(text: str) -> None:
    click.echo(text)


def note(text: str) -> None:
    """Say something on stderr; where that cannot be written to, there is nobody to tell."""
    try:
        click.echo(text, err=True)
    except OSError:
        # Python would try once more at its end, and leave with a code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def print_json(content: dict[str, Any]) -> None:
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def print_table(table: Table, *, whole: bool = False) -> None:
    """Print a table, narrowed to a terminal's width; a file or a pipe gets it whole."""
    from rich import box

    table.box = box.SIMPLE_HEAD
    console = _console()
    if whole:
        console.width = ANY_WIDTH
    _print(console, [table])


def print_text(lines: Iterable[Text]) -> None:
    """Print lines of several styles, wrapped at a terminal's width or at PAGE_WIDTH."""
    console = _console()
    console.width = page_width()
    _print(console, lines)


def page_width() -> int:
    """Give the width of text that is read as text: a terminal's, if that is less than a page's."""
    return min(_console().width, PAGE_WIDTH)


def _print(console: Console, pieces: Iterable[Table | Text]) -> None:
    with console.capture() as captured:
        for piece in pieces:
            console.print(piece)
    for line in captured.get().splitlines():
        say(line.rstrip())


def _console() -> Console:
    from rich.console import Console

    # Labels are texts, not rich's markup.
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = ANY_WIDTH
    return console


def _fits(table: Table) -> bool:
    console = _console()
    unbounded = console.options.update(width=ANY_WIDTH)
    return console.measure(table, options=unbounded).maximum <= console.width


def network_json(model: Model) -> dict[str, Any]:
    return {
        "layer_units": list(model.architecture.layer_units),
        "activation": model.architecture.activation,
        "output": model.architecture.output,
        "networks": 1 + len(model.members),
        "parameters": int(model.params.flat.size),
        "dtype": str(model.params.flat.dtype),
    }


def network_line(model: Model) -> str:
    units = "-".join(str(n) for n in model.architecture.layer_units)
    named = model.architecture.activation
    activation = named if isinstance(named, str) else " and ".join(named)
    hidden = f"{activation}, " if len(model.params.W) > 1 else ""
    several = f"{1 + len(model.members)} networks, each " if model.members else ""
    return (
        f"{several}{units} units, {hidden}{model.architecture.output}; "
        f"{model.params.flat.size:,} parameters in {model.params.flat.dtype}"
    )


def layer_table(model: Model) -> Table:
    from rich.table import Table

    table = Table(title="layers", title_justify="left")
    for heading in ("parameter", "shape", "numbers", "bytes"):
        justify: Literal["left", "right"] = "left" if heading == "parameter" else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    for name, value in model.params.named():
        table.add_row(name, str(value.shape), f"{value.size:,}", f"{value.nbytes:,}")
    return table


def column_table(model: Model) -> Table:
    from rich.table import Table

    table = Table(title="columns", title_justify="left")
    table.add_column("column", overflow="fold")
    table.add_column("read as", overflow="fold")
    for column in model.encoder.plan:
        table.add_row(shown(column.name), shown(_read_as(model.encoder, column)))
    return table


def _read_as(encoder: Encoder, column: Column) -> str:
    """Say what a column was taken for, and what of it the model keeps."""
    told = [column.kind]
    if column.kind == "left out":
        return f"{column.kind}: {column.why}"
    if not column.notation.is_plain:
        told.append(f"written as {column.notation}")
    at = encoder.places[column.name]
    if column.kind in ("number", "number with words"):
        mean, scale = encoder.mean[at[0]], encoder.scale[at[0]]
        told.append(f"mean {mean:.4g}, standard deviation {scale:.4g}")
    if column.reads.has_levels:
        place = encoder.plan.with_levels.index(column)
        n, other = len(encoder.levels[place]), encoder.other[place]
        what = "word" if column.kind == "number with words" else "level"
        told.append(f"{n} {what}{'' if n == 1 else 's'}{' and the rare ones' if other else ''}")
    if column.kind == "date":
        told.append(", ".join(column.dating.features() if column.dating else ()))
    return ", ".join(told)


def evaluation_json(evaluation: Judgement) -> dict[str, Any]:
    if isinstance(evaluation, NumbersEvaluation):
        return _numbers_json(evaluation)
    if isinstance(evaluation, LabelsEvaluation):
        return {
            "rows": evaluation.n,
            "accuracy": evaluation.accuracy,
            "label_accuracy": evaluation.label_accuracy,
            "log_loss": evaluation.log_loss,
            "labels": list(evaluation.names),
            "support": evaluation.support.tolist(),
            "precision": _finite(evaluation.precision),
            "recall": _finite(evaluation.recall),
        }
    return {
        "rows": evaluation.n,
        "accuracy": evaluation.accuracy,
        "log_loss": evaluation.log_loss,
        "calibration_error": evaluation.calibration_error,
        "classes": [str(label) for label in evaluation.classes.tolist()],
        "confusion_matrix": evaluation.confusion.tolist(),
        "precision": _finite(evaluation.precision),
        "recall": _finite(evaluation.recall),
    }


def _numbers_json(evaluation: NumbersEvaluation) -> dict[str, Any]:
    """Give the mean of each measure over the columns and, where there are several, each."""
    measures = evaluation.measures
    overall = evaluation.overall
    figures = _finite(np.array(list(overall.values())))
    content: dict[str, Any] = {"rows": evaluation.n, **dict(zip(overall, figures, strict=True))}
    if len(evaluation.names) > 1:
        content["columns"] = {
            column: {name: _finite(values)[place] for name, values in measures.items()}
            for place, column in enumerate(evaluation.names)
        }
    return content


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    """Make a list for JSON, which has no NaN."""
    return [float(value) if np.isfinite(value) else None for value in values]


def print_evaluation(evaluation: Judgement, rows: str) -> None:
    if isinstance(evaluation, NumbersEvaluation):
        _print_numbers(evaluation, rows)
    elif isinstance(evaluation, LabelsEvaluation):
        say(
            f"{rows}: all labels of a row right {evaluation.accuracy:.4f}, "
            f"each label {evaluation.label_accuracy:.4f}, log-loss {evaluation.log_loss:.4f}"
        )
        print_table(_class_table(evaluation, "label", evaluation.names))
    else:
        _print_classes(evaluation, rows)


def _print_numbers(evaluation: NumbersEvaluation, rows: str) -> None:
    from rich.table import Table

    measures = evaluation.measures
    overall = evaluation.overall.items()
    figures = [f"{MEASURES[name]} {_figure(value)}" for name, value in overall]
    say(f"{rows}: {', '.join(figures)}")
    if len(evaluation.names) == 1:
        return
    table = Table(title="columns; the line above has their means", title_justify="left")
    table.add_column("column", overflow="fold")
    for name in measures:
        table.add_column(MEASURES[name], justify="right", no_wrap=True)
    for place, column in enumerate(evaluation.names):
        table.add_row(column, *(_figure(values[place]) for values in measures.values()))
    print_table(table)


def _figure(value: float) -> str:
    # R2 of numbers that do not vary is none.
    return "-" if np.isnan(value) else f"{value:.4g}"


def _print_classes(evaluation: Evaluation, rows: str) -> None:
    say(f"{rows}: accuracy {evaluation.accuracy:.4f}, log-loss {evaluation.log_loss:.4f}")
    matrix = _confusion_table(evaluation)
    if matrix is not None and _fits(matrix):
        print_table(matrix)
    elif evaluation.accuracy < 1:
        print_table(_confusions_table(evaluation))
    print_table(_class_table(evaluation, "class", evaluation.classes.tolist()))


def _label(label: Any) -> str:
    """Give a label as a table shows it: of a whole text, the beginning."""
    name = shown(label)
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 3]}..."


def _confusion_table(evaluation: Evaluation) -> Table | None:
    from rich.table import Table

    names = list(map(_label, evaluation.classes.tolist()))
    if len(names) > MOST_CLASSES_IN_A_MATRIX:
        return None
    weights = " of weights" if support_heading(evaluation) == "weight" else ""
    table = Table(title=f"confusion matrix{weights}", title_justify="left")
    table.add_column("true \\ predicted")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for name, counts in zip(names, evaluation.confusion, strict=True):
        table.add_row(name, *map(support_shown, counts))
    return table


def _confusions_table(evaluation: Evaluation) -> Table:
    """List the ten most frequent confusions, where the whole matrix would not fit."""
    from rich.table import Table

    names = list(map(_label, evaluation.classes.tolist()))
    wrong = evaluation.confusion * (1 - np.eye(len(names), dtype=int))
    table = Table(title="most frequent confusions", title_justify="left")
    table.add_column("true", overflow="fold")
    table.add_column("predicted", overflow="fold")
    table.add_column(support_heading(evaluation), justify="right", no_wrap=True)
    for cell in np.argsort(-wrong, axis=None, kind="stable")[:10]:
        true, predicted = divmod(int(cell), len(names))
        if wrong[true, predicted]:
            table.add_row(names[true], names[predicted], support_shown(wrong[true, predicted]))
    return table


def _class_table(
    evaluation: Evaluation | LabelsEvaluation, kind: str, names: Iterable[Any]
) -> Table:
    from rich.table import Table

    table = Table(title={"class": "classes", "label": "labels"}[kind], title_justify="left")
    table.add_column(kind, overflow="fold")
    for heading in ("precision", "recall", support_heading(evaluation)):
        table.add_column(heading, justify="right", no_wrap=True)
    for label, precision, recall, support in zip(
        names,
        evaluation.precision,
        evaluation.recall,
        evaluation.support,
        strict=True,
    ):
        table.add_row(_label(label), _share(precision), _share(recall), support_shown(support))
    return table


def _share(value: float) -> str:
    # No row was given the class, or none is of it: there is nothing to take a share of.
    return "-" if np.isnan(value) else f"{value:.3f}"


def print_machine(found: dict[str, Any]) -> None:
    """Print what ``machine.describe`` found."""
    say(f"python {found['python']}, numpy {found['numpy']}")
    for blas in found["blas"]:
        kernel = f", kernel {blas['kernel']}" if blas["kernel"] else ""
        say(f"blas: {blas['name']} {blas['version']}{kernel}, {blas['threads']} threads")
    say(f"threads that handgrad may use: {found['threads']}")
    engine = found["engine"]
    if engine["installed"]:
        done = " and ".join(engine["compiled_for"]) or "nothing yet"
        bits = f"vectors of {engine['vector_bits']} bits"
        say(f"compiled engine: numba {engine['numba']}, {bits}, compiled for {done}")
        say(f"compiled code: {shown(engine['folder'] or 'cannot be kept')}")
    else:
        say("compiled engine: not installed")
    for line in found["advice"]:
        say(f"faster: {shown(line)}")
