"""The tables of a report: the evaluation, class by class or column by column, and the epochs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.html import escaped, table
from handgrad.models.evaluation import (
    MEASURES,
    Evaluation,
    LabelsEvaluation,
    NumbersEvaluation,
    support_heading,
    support_shown,
    worsening_words,
)

if TYPE_CHECKING:
    from handgrad.models.evaluation import Judgement
    from handgrad.models.importance import Importance
    from handgrad.training.history import History

MOST_LINES = 100  # of classes, labels or columns
MOST_EPOCHS = 1000


def judgement(evaluation: Judgement, rows: str) -> list[tuple[str, str]]:
    """List a few figures on how good the predictions are."""
    first = ("evaluated on", rows)
    if isinstance(evaluation, NumbersEvaluation):
        overall = evaluation.overall.items()
        return [first, *((MEASURES[name], _figure(value)) for name, value in overall)]
    if isinstance(evaluation, LabelsEvaluation):
        return [
            first,
            ("all labels of a row right", f"{evaluation.accuracy:.4f}"),
            ("each label right", f"{evaluation.label_accuracy:.4f}"),
            ("log-loss", f"{evaluation.log_loss:.4f}"),
        ]
    return [
        first,
        ("accuracy", f"{evaluation.accuracy:.4f}"),
        ("log-loss", f"{evaluation.log_loss:.4f}"),
        ("calibration error", f"{evaluation.calibration_error:.4f}"),
    ]


def details(evaluation: Judgement) -> Iterator[str]:
    """Write the table of classes, of labels, or of the columns of several numbers."""
    if isinstance(evaluation, Evaluation):
        yield _shares("class", evaluation.classes.tolist(), evaluation)
    elif isinstance(evaluation, LabelsEvaluation):
        yield _shares("label", evaluation.names, evaluation)
    elif len(evaluation.names) > 1:
        yield _columns(evaluation)


def _shares(kind: str, names: Iterable[Any], evaluation: Evaluation | LabelsEvaluation) -> str:
    rows = [
        (escaped(name), _share(precision), _share(recall), support_shown(support))
        for name, precision, recall, support in zip(
            names, evaluation.precision, evaluation.recall, evaluation.support, strict=True
        )
    ]
    heading, more = f"{kind.capitalize()} by {kind}", f"{kind}es" if kind == "class" else f"{kind}s"
    return _lines(heading, (kind, "precision", "recall", support_heading(evaluation)), rows, more)


def _columns(evaluation: NumbersEvaluation) -> str:
    measures: dict[str, NDArray[np.float64]] = evaluation.measures
    rows = [
        (escaped(name), *(_figure(values[place]) for values in measures.values()))
        for place, name in enumerate(evaluation.names)
    ]
    headings = ("column", *(MEASURES[name] for name in measures))
    return _lines("Column by column", headings, rows, "columns")


def shuffled(importances: Sequence[Importance]) -> Iterator[str]:
    """Write the table of how much worse the predictions are where a column is shuffled."""
    if not importances:
        return
    rows = [
        (
            escaped(one.column),
            *(f"{_figure(m)} ± {_figure(one.std[n])}" for n, m in one.mean.items()),
        )
        for one in importances
    ]
    headings = ("column", *map(worsening_words, importances[0].mean))
    yield _lines("Importance of the columns", headings, rows, "columns")


def _lines(heading: str, headings: tuple[str, ...], rows: list[Any], more: str) -> str:
    left = len(rows) - MOST_LINES
    written = table(headings, rows[:MOST_LINES], numbers=len(headings) - 1)
    ending = f'<p class="soft">and {left:,} more {more}</p>' if left > 0 else ""
    return f"<h2>{heading}</h2>\n{written}{ending}"


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _figure(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4g}"


def epochs(history: History) -> Iterable[str]:
    """Write the record, folded up."""
    if not len(history):
        return
    columns = ["epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"]
    columns += ["learning_rate", "seconds"]
    if history[0].accuracy is None:  # numbers are predicted
        columns = [name for name in columns if "accuracy" not in name]
    last = history.rows()[-MOST_EPOCHS:]
    rows = [[_cell(row[name]) for name in columns] for row in last]
    heading = "All epochs" if len(last) == len(history) else f"The last {len(last):,} epochs"
    names = [name.replace("_", " ") for name in columns]
    written = table(names, rows, numbers=len(columns))
    yield f"<h2>Epoch by epoch</h2>\n<details><summary>{heading}</summary>{written}</details>"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
