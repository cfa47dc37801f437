"""What is to be learnt, checked: labels, one a row or several, and numbers."""

from datetime import date, timedelta
from decimal import Decimal
from numbers import Complex, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from handgrad.errors import DataError, warn
from handgrad.estimators.checks import as_rows
from handgrad.estimators.soft import check_names, check_probabilities
from handgrad.models.model import check_targets
from handgrad.tables.labels import SEVERAL_LABELS, classes_of, labels_of
from handgrad.tables.values import Values, floats, values_of
from handgrad.text import quoted

Array = NDArray[Any]

FEW = 20  # rows that may all be of different classes; scikit-learn warns of more, in its own words


def check_labels(y: Any, X: Any, classes: Array | None = None) -> Array:
    """Turn y into one label a row, shape (n,); into 0 and 1, shape (n, K); or into probabilities.

    Probabilities are floats, shape (n, K), with a column for each class that ``classes`` names;
    their columns are sorted by class. Whole numbers and booleans are 0 and 1 in any case.
    """
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None")
    labels = labels_of(y)
    check_consistent_length(as_rows(X), labels)
    if labels.ndim == 2 and labels.shape[1] > 1:
        if classes is not None and labels.dtype.kind == "f":
            check_names(y, classes)
            return check_probabilities(labels, classes)
        several = _check_indicator(labels)
        _doubt_one_hot(several)
        return several
    labels = _one_column(labels)
    check_whole(labels)
    if labels.dtype.kind not in "biuU" or not len(labels):  # see `_one_column`
        check_classification_targets(labels[:FEW])
    doubt_classes(labels, len(labels))
    return labels


def labels_to_judge(y: Any) -> Array:
    """Turn y into labels as `check_labels` does, where nothing is learnt: without a doubt."""
    labels = labels_of(y)
    if labels.ndim == 2 and labels.shape[1] > 1:
        return _check_indicator(labels, "Of probabilities and scores, pass y.argmax(axis=1).")
    return labels


def check_whole(labels: Array, *, are_rows: bool = True) -> None:
    """Refuse floats that are no labels; the row is told where ``labels`` are those of all rows."""
    if labels.dtype.kind != "f":
        return
    infinite = np.isinf(labels)
    if infinite.any():
        raise DataError(
            f"Input y contains infinity. {_rows(infinite.sum())} no usable label, the first is "
            f"row {infinite.argmax() + 1}; drop them"
        )
    if (labels % 1).any():
        row = int((labels % 1 != 0).argmax())
        where = f" in row {row + 1}" if are_rows else ""
        raise ValueError(
            f"Unknown label type: continuous. Labels must be texts or whole numbers; got "
            f"{labels[row]:g}{where}. For numbers there are MLPRegressor and TabularRegressor; "
            "probabilities need a column for each class."
        )


def _rows(count: int) -> str:
    return "1 row has" if count == 1 else f"{count} rows have"


def doubt_classes(labels: Array, n: int) -> None:
    """Warn where the labels of n rows may be a slip: more classes than half the rows."""
    n_classes = len(classes_of(labels))
    if n > FEW and n_classes > n / 2:
        warn(
            f"y has {n_classes} classes for {n} rows: is it an identifier, or a number? For "
            "numbers there are MLPRegressor and TabularRegressor",
            UserWarning,
        )


TO_LEARN = (
    "If it holds probabilities to learn, name the class of each column by classes=[...]; if "
    "scores, pass y.argmax(axis=1)."
)


def _check_indicator(indicator: Array, advice: str = TO_LEARN) -> Array:
    wrong = np.asarray((indicator != 0) & (indicator != 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        cell = indicator[row : row + 1, column].tolist()[0]
        if isinstance(cell, str):
            advice = SEVERAL_LABELS[0].upper() + SEVERAL_LABELS[1:]
        raise DataError(
            "y must hold one label a row, shape (n_samples,); or, where a row may have several, "
            f"only 0 and 1, shape (n_samples, n_labels). Got {cell!r:.40} in row "
            f"{row + 1}, column {column + 1}. {advice}"
        )
    several: Array = indicator.astype(np.int64)
    return several


def _doubt_one_hot(several: Array) -> None:
    if (several.sum(axis=1) == 1).all():
        warn(
            "every row of y has exactly one of several labels; if these are one-hot classes, pass "
            "y.argmax(axis=1), whose probabilities sum to 1, or y.astype(float) with classes=[...]",
            UserWarning,
        )


def check_numbers(y: Any, X: Any) -> NDArray[np.float64]:
    """Turn y into finite numbers, shape (n,) or (n, N_y), whose squares can be summed."""
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None")
    cells, missing = values_of(y)
    check_consistent_length(as_rows(X), cells)
    _check_are_numbers(cells, missing)
    numbers = floats(Values(cells, missing))
    _check_finite(numbers)
    if numbers.ndim != 1 or not len(numbers):  # see `_one_column`
        numbers = check_array(numbers, ensure_2d=False, input_name="y", ensure_min_features=0)
    check_targets(numbers, np.float64)
    is_one = numbers.ndim == 2 and numbers.shape[1] == 1
    return _one_column(numbers) if is_one else numbers


def _one_column(y: Array) -> Array:
    """Make a column an array of shape (n,), with scikit-learn's words where it had another.

    Of one that has this shape, scikit-learn would find out whether it is a frame: see
    ``checks._keep_shape``.
    """
    return np.ascontiguousarray(y) if y.ndim == 1 else np.asarray(column_or_1d(y, warn=True))


_NO_NUMBERS = {
    "texts": "Pass numpy.asarray(y, dtype=float) if they are numbers; for labels there are "
    "MLPClassifier and TabularClassifier",
    "dates": "Pass numbers, such as days since a date: "
    "numpy.asarray(y, 'datetime64[s]').astype(float) / 86400",
    "durations": "Pass numbers, such as hours: "
    "numpy.asarray(y, 'timedelta64[s]').astype(float) / 3600",
    "complex numbers": "Complex data not supported: pass y.real, or both parts in a column each",
}
_KINDS = {"U": "texts", "S": "texts", "M": "dates", "m": "durations", "c": "complex numbers"}


def _check_are_numbers(cells: Array, missing: NDArray[np.bool_]) -> None:
    if cells.dtype.kind in "biuf":
        return
    is_wrong = ~missing
    if cells.dtype.kind == "O":
        listed = zip(cells.flat, missing.flat, strict=True)
        fine = [gone or _is_number(cell) for cell, gone in listed]
        is_wrong = ~np.array(fine, dtype=bool).reshape(cells.shape)
    if not is_wrong.any():
        return
    place = tuple(np.argwhere(is_wrong)[0])
    what = _KINDS.get(cells.dtype.kind) or _what_it_is(cells[place])
    advice = _NO_NUMBERS.get(what, "Pass one number a row, or equally many in every row")
    cell = quoted(str(cells[place]))
    raise DataError(f"y must be numbers; it holds {what}, {cell} in {_cell(place)}. {advice}")


def _is_number(cell: object) -> bool:
    # NumPy's durations are whole numbers, too
    return isinstance(cell, Real | Decimal | np.bool_) and not isinstance(cell, np.timedelta64)


def _what_it_is(cell: object) -> str:
    if isinstance(cell, str | bytes):
        return "texts"
    if isinstance(cell, date | np.datetime64):
        return "dates"
    if isinstance(cell, timedelta | np.timedelta64):
        return "durations"
    if isinstance(cell, Complex):
        return "complex numbers"
    return f"cells of type {type(cell).__name__}"


def _cell(place: tuple[int, ...]) -> str:
    return f"row {place[0] + 1}" + (f", column {place[1] + 1}" if len(place) > 1 else "")


def _check_finite(numbers: NDArray[np.float64]) -> None:
    bad = ~np.isfinite(numbers)
    if not bad.any():
        return
    place = tuple(np.argwhere(bad)[0])
    count = int(bad.any(axis=1).sum() if bad.ndim == 2 else bad.sum())
    what = "NaN" if np.isnan(numbers[place]) else "infinity or a value too large for float64"
    raise DataError(
        f"Input y contains {what}. {_rows(count)} no usable number, the first is {_cell(place)}; "
        "drop them"
    )


def check_classes(classes: Any) -> Array:
    """Turn the classes that a fit is told of into distinct labels, in the order named."""
    if isinstance(classes, str | bytes) or not np.iterable(classes):
        raise ValueError(f"classes must list the labels, as in ['a', 'b']; got {classes!r:.40}")
    given: Array = column_or_1d(labels_of(classes))
    if len(classes_of(given)) < len(given):
        raise ValueError(f"classes must be distinct; got {given.tolist()}")
    return given
