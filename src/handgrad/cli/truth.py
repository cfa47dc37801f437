"""The truth of a table's rows: the labels or numbers to learn, and to judge a model by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.cli.columns import check_columns
from handgrad.cli.terminal import listed, note
from handgrad.errors import DataError
from handgrad.models.model import LARGEST_TARGET
from handgrad.tables.columns import labels, numbers, place
from handgrad.tables.labels import encode_labels
from handgrad.tables.levels import meaning
from handgrad.tables.recognition.target import plan_of_target, target_numbers
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.models.model import Model
    from handgrad.tables.kinds import Column

Array = NDArray[Any]


class Truths(NamedTuple):
    """The truth of rows, as far as it is known."""

    y_t: Array  # class numbers (n,); or numbers, or 0 and 1, of shape (n, targets)
    missing: NDArray[np.bool_]  # (n,)
    weight: Array | None = None  # (n,)
    n_strange: int = 0  # of the missing: how many have a label that the model does not know

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Mark the rows that a model can be judged by, shape (n,)."""
        return ~self.missing if self.weight is None else ~self.missing & (self.weight > 0)

    def of(self, rows: NDArray[Any]) -> Truths:
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
    """Count the columns that hold the truth."""
    if model.is_multilabel:
        return len(model.classes)
    return 1 if len(model.classes) else model.architecture.n_targets


def read_truths(
    model: Model, table: pa.Table, targets: Sequence[str], unknown: str = "refuse"
) -> Truths:
    """Read the truth of every row; a row that lacks one of its targets counts as missing.

    If unknown labels are allowed, so does a row with one; a note names these labels.

    Raises
    ------
    click.UsageError
        If the table lacks the column.
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
    strange = f"labels that the model does not know: {listed(map(repr, labels))}"
    if nothing_left:
        raise DataError(f"column {target!r} must hold labels to judge by; it has only {strange}")
    note(f"left out: {n:,} rows with {shown(strange)}")


def weighed(truths: Truths, table: pa.Table, name: str | None) -> Truths:
    """Let rows count by a column of weights, where one is named.

    Raises
    ------
    click.UsageError
        If the table lacks the column.
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


def read_weights(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Read a column of weights, shape (n,).

    Raises
    ------
    DataError
        If a cell is no finite number of at least 0, or all are 0, or their sum is infinite.
    """
    weight = numbers(table, name)
    _refuse_weights(np.isnan(weight), weight, table, name)
    _refuse_weights(weight < 0, weight, table, name)
    if not weight.any():
        raise DataError(f"column {name!r} must hold a weight above 0, or no row counts")
    with np.errstate(over="ignore"):
        if np.isinf(weight.sum()):
            raise DataError(f"the weights in column {name!r} have no finite sum; scale them down")
    return weight


def _refuse_weights(wrong: NDArray[np.bool_], weight: Any, table: pa.Table, name: str) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        what = "the cell is missing" if np.isnan(weight[row]) else f"{weight[row]:g} is negative"
        raise DataError(
            f"{place(table, name, row)}: {what}; a weight must be a number of at least 0, and 0 "
            "leaves the row out"
        )


def true_numbers(model: Model, table: pa.Table, targets: Sequence[str]) -> Array:
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


def _truth(model: Model, table: pa.Table, name: str) -> Column:
    """Decide how a column of the truth is read: as in training, if the model knows that."""
    if model.truth is not None and len(model.classes) == 0:
        return model.truth._replace(name=name)
    return plan_of_target(table, name)


def _check_yes_or_no(y: Array, table: pa.Table, targets: Sequence[str]) -> None:
    wrong = ~(np.isnan(y) | (y == 0) | (y == 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise DataError(
            f"{place(table, targets[column], row)}: {y[row, column]:g} must be 1 where the row has "
            "this label, and 0 where it has not"
        )


def labels_of(
    content: pa.Table, target: str, truth: Column | None = None
) -> tuple[Array, NDArray[np.bool_]]:
    """Give the labels of a column as they stand, and which of them are missing."""
    y, missing = labels(content, target)
    if truth is not None and truth.missing:
        words = {meaning(word) for word in truth.missing}
        means_missing = [meaning(str(label).strip()) in words for label in y.tolist()]
        missing = missing | np.array(means_missing, dtype=bool)
    if not len(y):
        raise DataError("the table must have rows; it has a header only")
    if missing.all():
        raise DataError(f"column {target!r} must hold labels; all {len(y)} are missing")
    return y, missing


def numbers_of(content: pa.Table, truth: Column) -> NDArray[np.float64]:
    """Give a column as numbers, NaN where they are missing."""
    if not content.num_rows:
        raise DataError("the table must have rows; it has a header only")
    return target_numbers(content, truth)


def check_size(content: pa.Table, y: Array, target: str, dtype: str, advice: str) -> None:
    """Refuse numbers that are too large to be learnt or judged by, with their place."""
    largest = LARGEST_TARGET[dtype]
    if (np.abs(y) > largest).any():
        row = int((np.abs(y) > largest).argmax())
        raise DataError(
            f"{place(content, target, row)}: {y[row]:g} must be at most {largest:g}, to compute "
            f"with it in {dtype}; {advice}"
        )


def as_classes(y: Array, classes: Array) -> Array:
    """Read labels as those that the model was given: the text "1" as 1, or 1 as the text."""
    is_text, wants_text = y.dtype == object, classes.dtype.kind in "UO"
    if is_text == wants_text:
        return y
    if wants_text:
        return np.array([str(label) for label in y.tolist()], dtype=object)
    by_text = {str(label): label for label in classes.tolist()}
    return np.array([by_text.get(label, label) for label in y.tolist()], dtype=object)


def class_numbers(y: Array, missing: NDArray[np.bool_], classes: Array) -> NDArray[np.intp]:
    """Find the class number of every row, 0 where missing; an error names the row."""
    given = as_classes(y, classes).astype(object)
    given[missing] = classes.tolist()[0]
    try:
        return encode_labels(given, classes)
    except DataError as error:
        raise DataError(f"{error}; --unknown allow leaves these rows out") from None


def strange_labels(
    y: Array, missing: NDArray[np.bool_], classes: Array
) -> tuple[NDArray[np.bool_], list[str]]:
    """Mark the rows whose label was not there in training, and name these labels."""
    given, known = as_classes(y, classes).tolist(), set(classes.tolist())
    strange = ~missing & np.array([label not in known for label in given], dtype=bool)
    return strange, list(dict.fromkeys(str(given[row]) for row in np.flatnonzero(strange)))
