"""A network and the judgement on it, as JSON and in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.cli.terminal import fits, print_table, say
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
    from rich.table import Table

    from handgrad.models.model import Model

MOST_CLASSES_IN_A_MATRIX = 12  # a larger confusion matrix is hard to read
LONGEST_LABEL = 1000  # characters of a label in a table


def network_json(model: Model) -> dict[str, Any]:
    return {
        "layer_units": list(model.architecture.layer_units),
        "activation": model.architecture.activation,
        "output": model.architecture.output,
        "networks": len(model.networks),
        **_sizes_json(model),
        **({"shares": list(model.shares)} if model.shares else {}),
        "skip": model.architecture.beside.n_wide,
        "parameters": int(model.params.flat.size),
        "dtype": str(model.params.flat.dtype),
    }


def _sizes_json(model: Model) -> dict[str, Any]:
    """Tell the units of every network, if they differ; the other entries are the first's."""
    if len(model.sizes) == 1:
        return {}
    return {"units_of_networks": [list(network.layer_units) for network in model.networks]}


def _sizes_text(model: Model) -> str:
    """Tell how many networks have which units."""
    counts = {"-".join(map(str, units)): n for units, n in model.sizes.items()}
    if len(counts) == 1:
        several = f"{len(model.networks)} networks, each " if model.members else ""
        return f"{several}{next(iter(counts))} units"
    each = " and ".join(f"{n} of {units}" for units, n in counts.items())
    return f"{len(model.networks)} networks, {each} units"


def network_line(model: Model) -> str:
    named = model.architecture.activation
    activation = named if isinstance(named, str) else " and ".join(named)
    hidden = f"{activation}, " if len(model.params.W) > 1 else ""
    wide = model.architecture.beside.n_wide
    skip = f", a skip from {wide:,} inputs" if wide else ""
    return (
        f"{_sizes_text(model)}, {hidden}{model.architecture.output}{skip}; "
        f"{_n_parameters(model)} parameters in {model.params.flat.dtype}"
    )


def _n_parameters(model: Model) -> str:
    """Count the parameters of each network; of different sizes, of the first of each."""
    counts = dict.fromkeys(f"{network.flat.size:,}" for network in model.networks)
    return " and ".join(counts)


def rows_text(n: int, kind: str, weight: str | None) -> str:
    """Name the rows that figures belong to: how many, of which part, and the column of weights."""
    rows = " ".join([f"{n:,}", *([kind] if kind else []), "row" if n == 1 else "rows"])
    return rows if weight is None else f"{rows}, weighed by {shown(weight)}"


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
            "precision": finite(evaluation.precision),
            "recall": finite(evaluation.recall),
        }
    return {
        "rows": evaluation.n,
        "accuracy": evaluation.accuracy,
        "log_loss": evaluation.log_loss,
        "calibration_error": evaluation.calibration_error,
        "classes": [str(label) for label in evaluation.classes.tolist()],
        "confusion_matrix": evaluation.confusion.tolist(),
        "precision": finite(evaluation.precision),
        "recall": finite(evaluation.recall),
    }


def _numbers_json(evaluation: NumbersEvaluation) -> dict[str, Any]:
    """Give the mean of each measure over the columns and, where there are several, each."""
    measures = evaluation.measures
    overall = evaluation.overall
    figures = finite(np.array(list(overall.values())))
    content: dict[str, Any] = {"rows": evaluation.n, **dict(zip(overall, figures, strict=True))}
    if len(evaluation.names) > 1:
        content["columns"] = {
            column: {name: finite(values)[place] for name, values in measures.items()}
            for place, column in enumerate(evaluation.names)
        }
    return content


def finite(values: Iterable[float]) -> list[float | None]:
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
    if matrix is not None and fits(matrix):
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
