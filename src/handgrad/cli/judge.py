"""What ``fit`` and ``evaluate`` judge a model by: the truth of a table's rows, of every kind."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.cli.data import (
    check_columns,
    check_size,
    class_numbers,
    labels_of,
    numbers_of,
    strange_labels,
)
from handgrad.cli.parts import Part
from handgrad.cli.terminal import listed, note
from handgrad.cli.weights import read_weights
from handgrad.errors import DataError
from handgrad.models.evaluation import (
    Judgement,
    NumbersEvaluation,
    evaluate,
    evaluate_labels,
    evaluate_numbers,
    evaluate_quantiles,
)
from handgrad.models.model import Model
from handgrad.tables.columns import place
from handgrad.tables.encode import Encoded
from handgrad.tables.kinds import Column
from handgrad.tables.labels import encode_labels
from handgrad.tables.recognition.target import plan_of_target
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]


class Truths(NamedTuple):
    """What is true of rows, as far as it is known."""

    y_t: Array  # class numbers (n,); or numbers, or 0 and 1, of shape (n, targets)
    missing: NDArray[np.bool_]  # (n,)
    weight: Array | None = None  # (n,)
    n_strange: int = 0  # of the missing: how many have a label that the model does not know

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Tell which rows there is something to judge by, shape (n,)."""
        return ~self.missing if self.weight is None else ~self.missing & (self.weight > 0)

    def of(self, rows: NDArray[np.bool_]) -> "Truths":
        """Pick rows."""
        weight = None if self.weight is None else self.weight[rows]
        return self._replace(y_t=self.y_t[rows], missing=self.missing[rows], weight=weight)


def targets_of(model: Model, named: Sequence[str]) -> list[str]:
    """Name the columns of the truth: those that the user did, or the one that the model knows.

    Raises
    ------
    click.UsageError
        If they are not as many as the model predicts.
    """
    n = n_targets(model)
    targets = list(named) or ([] if model.target is None else [model.target])
    if len(targets) == n:
        return targets
    if n == 1 and not targets:
        raise click.UsageError("the model does not know its target; name it: --target COLUMN")
    raise click.UsageError(
        f"the model predicts {n} columns, and {len(targets)} are named; name the true column of "
        "each with --target COLUMN, in the order in which they were trained"
    )


def n_targets(model: Model) -> int:
    """Count the columns that tell the truth of a row."""
    if model.is_multilabel:
        return len(model.classes)
    return 1 if len(model.classes) else model.architecture.n_targets


def read_truths(
    model: Model, table: "pa.Table", targets: Sequence[str], unknown: str = "refuse"
) -> Truths:
    """Read what is true of every row; a row of which something is missing counts as missing.

    So does, where unknown labels are allowed, a row with one: a note tells which there are.

    Raises
    ------
    click.UsageError
        If the table has no such column.
    DataError
        If a cell cannot be true, or no row has its truth.
    """
    check_columns(table, targets, "--target")
    if len(model.classes) and not model.is_multilabel:
        y, missing = labels_of(table, targets[0], model.truth)
        n_strange = 0
        if unknown == "allow":
            strange, labels = strange_labels(y, missing, model.classes)
            missing, n_strange = missing | strange, int(strange.sum())
            _note_strange(n_strange, labels, targets[0], nothing_left=bool(missing.all()))
        numbers = class_numbers(y, missing, model.classes)
        return Truths(numbers, missing, n_strange=n_strange)
    y = true_numbers(model, table, targets)
    missing = np.asarray(np.isnan(y).any(axis=1))
    if missing.all():
        raise DataError(f"a row must have all of {targets} to be judged by; none has")
    return Truths(y, missing)


def _note_strange(n: int, labels: Sequence[str], target: str, *, nothing_left: bool) -> None:
    if not n:
        return
    told = f"labels that the model does not know: {listed(map(repr, labels))}"
    if nothing_left:
        raise DataError(f"column {target!r} must hold labels to judge by; it has only {told}")
    note(f"left out: {n:,} rows with {shown(told)}")


def weighed(truths: Truths, table: "pa.Table", name: str | None) -> Truths:
    """Let rows count by a column of weights, where one is named.

    Raises
    ------
    click.UsageError
        If the table has no such column.
    DataError
        If a cell is no weight, or no row has both a truth and a weight above 0.
    """
    if name is None:
        return truths
    check_columns(table, [name], "--weight")
    whole = truths._replace(weight=read_weights(table, name))
    if not whole.counted.any():
        raise DataError(f"no row has both its truth and a weight above 0 in {name!r}")
    return whole


def true_numbers(model: Model, table: "pa.Table", targets: Sequence[str]) -> Array:
    """Read numbers, or the 0 and 1 of labels, of shape (n, targets); NaN where one is missing.

    Raises
    ------
    DataError
        If a cell cannot be true.
    """
    try:
        columns = [numbers_of(table, _truth(model, table, name)) for name in targets]
    except DataError as error:
        if model.is_multilabel:
            raise DataError(f"{error}; a column of labels holds 1 and 0") from None
        raise
    for name, column in zip(targets, columns, strict=True):
        check_size(table, column, name, "float64", "mend the cell")
    y = np.column_stack(columns)
    if model.is_multilabel:
        _check_yes_or_no(y, table, targets)
    return y


def _truth(model: Model, table: "pa.Table", name: str) -> Column:
    """Say how a true column is read: as in training, where the model knows that."""
    if model.truth is not None and len(model.classes) == 0:
        return model.truth._replace(name=name)
    return plan_of_target(table, name)


def _check_yes_or_no(y: Array, table: "pa.Table", targets: Sequence[str]) -> None:
    wrong = ~(np.isnan(y) | (y == 0) | (y == 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise DataError(
            f"{place(table, targets[column], row)}: {y[row, column]:g} must be 1 where the row has "
            "this label, and 0 where it has not"
        )


def truths_of(part: Part, model: Model) -> Truths:
    """Give the truth of rows none of which is without it."""
    y_t = encode_labels(part.y, model.classes) if len(model.classes) else part.y[:, None]
    return Truths(y_t, np.zeros(len(y_t), dtype=bool), part.weight)


def judge(model: Model, table: "pa.Table | Encoded", truths: Truths) -> Judgement:
    """Compare what the model predicts of a table's rows with their truth.

    Raises
    ------
    DataError
        If a column is missing or a cell cannot be used.
    """
    return judged(model, outcome(model, table), truths)


def outcome(model: Model, table: "pa.Table | Encoded") -> Array:
    """Compute what a model is judged by, a row of numbers for each row of the table.

    Raises
    ------
    DataError
        If a column is missing or a cell cannot be used.
    """
    if not len(model.classes):
        return model.predict_numbers(table)
    return model.scores(table) if model.is_multilabel else model.predict_log_proba(table)


def judged(model: Model, predicted: Array, truths: Truths) -> Judgement:
    """Compare the outcome of rows with their truth."""
    known = truths.counted
    if not known.all():
        predicted, truths = predicted[known], truths.of(known)
    if not len(model.classes):
        return _judge_numbers(model, truths.y_t, predicted, truths.weight)
    if model.is_multilabel:
        names = [str(label) for label in model.classes.tolist()]
        return evaluate_labels(truths.y_t, predicted, names, truths.weight)
    return evaluate(truths.y_t, predicted, model.classes, truths.weight)


def _judge_numbers(
    model: Model, y_t: Array, prediction: Array, weight: Array | None
) -> NumbersEvaluation:
    names, architecture = number_names(model), model.architecture
    if quantiles := architecture.head.quantiles(architecture.loss):
        return evaluate_quantiles(y_t, prediction, quantiles, names, weight)
    return evaluate_numbers(y_t, prediction, names, weight)


def told_rows(n: int, what: str, weight: str | None) -> str:
    """Say what figures are of: how many rows of what kind, and whether by weight."""
    rows = f"{n:,} {what} rows" if what else f"{n:,} rows"
    return rows if weight is None else f"{rows}, weighed by {shown(weight)}"


def number_names(model: Model) -> list[str]:
    """Name the columns of predicted numbers: by target where there are several, and quantile."""
    architecture = model.architecture
    n_targets = architecture.n_targets
    targets = (
        ["prediction"] if n_targets == 1 else [f"prediction {i + 1}" for i in range(n_targets)]
    )
    quantiles = architecture.head.quantiles(architecture.loss)
    return [f"{name} {q:g}" for name in targets for q in quantiles] if quantiles[1:] else targets
