"""The border at which a user's input is checked: rows, labels, numbers, weights, units."""

import math
import sys
import warnings
from numbers import Integral, Real
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_array,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from handgrad.batch import is_sparse
from handgrad.errors import DataError
from handgrad.tables.columns import numbers
from handgrad.tables.encode import Encoder
from handgrad.tables.frames import from_frame, is_frame
from handgrad.tables.labels import classes_of
from handgrad.tables.rows import take

Array = NDArray[Any]

LARGE = 1e9  # numbers of which a network without preprocessing learns little
FEW = 20  # rows that may all be of different classes; scikit-learn warns of more, in its own words


class Given(NamedTuple):
    """Rows with what is to be learnt of them, after the checks.

    Every row weighs something: a weight of 0 is a row that is not there.
    """

    columns: Any  # Arrow table, float matrix or CSR matrix
    y: Array  # as the user gave it: (n,) or (n, N_y)
    weight: NDArray[np.float64] | None
    places: NDArray[np.intp]  # of these rows among those of the user

    def take(self, rows: NDArray[np.intp], weight: NDArray[np.float64] | None = None) -> "Given":
        """Pick rows, with other weights where these are given; where all are, none is copied."""
        if weight is None and self.weight is not None:
            weight = self.weight[rows]
        if len(rows) == len(self.y):
            return self._replace(weight=weight)
        return Given(take(self.columns, rows), self.y[rows], weight, self.places[rows])


class HeldOut(NamedTuple):
    """Rows to validate on, as the user gave them."""

    X: Any = None
    y: Any = None
    weight: Any = None


def given_rows(columns: Any, y: Array, weight: NDArray[np.float64] | None) -> Given:
    """Put checked rows together, without those that weigh nothing."""
    given = Given(columns, y, weight, np.arange(len(y)))
    return given if weight is None else given.take(np.flatnonzero(weight))


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called us: the first that is neither handgrad's nor scikit-learn's."""
    frame, level = sys._getframe(0), 1
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("handgrad", "sklearn")


# -- rows -------------------------------------------------------------------------------------


def check_columns(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Turn X into an Arrow table, a float matrix or a CSR matrix that can be encoded."""
    if not reset and _is_as_expected(estimator, X):
        return X
    raw = estimator.preprocess is None
    if is_frame(X) and not isinstance(X, dict):
        _check_names(X)
    if not raw and _is_named_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        table = from_frame(X)
        if reset or hasattr(estimator, "feature_names_in_"):
            return table
        # Fitted on a matrix, it knows columns by position; validate_data has warned.
        return table.rename_columns(list(estimator.model_.encoder.names))
    _check_kind_of_rows(X)
    if isinstance(X, np.ndarray) and X.dtype.kind == "f":  # scikit-learn would widen ">f4"
        X = X.astype(X.dtype.newbyteorder("="), copy=False)
    fills_holes = reset or not estimator.model_.encoder.is_identity
    allow_nan = not raw and not is_sparse(X) and fills_holes
    with np.errstate(over="ignore", invalid="ignore"):  # of sums that only look for infinity
        try:
            return validate_data(
                estimator,
                X,
                reset=reset,
                accept_sparse="csr",
                dtype=[np.float64, np.float32],
                ensure_all_finite="allow-nan" if allow_nan else True,
            )
        except ValueError as error:
            if not str(error).startswith("Input X contains"):
                raise
            raise DataError(_place_of_bad_cell(X, allow_nan=allow_nan)) from None


def _check_kind_of_rows(X: Any) -> None:
    """Refuse what scikit-learn would misread, or refuse without saying what to do."""
    if X is None:
        raise ValueError("X must be rows of numbers or a data frame; X is None")
    if isinstance(X, str | PathLike):
        raise TypeError(
            f"X must be rows of numbers or a data frame; got the path {str(X)!r}. "
            "Read the file first: handgrad.read_table gives a table to fit on."
        )
    if isinstance(X, list | tuple):
        lengths = [len(row) if isinstance(row, list | tuple) else None for row in X]
        for row, length in enumerate(lengths):
            if length != lengths[0]:
                raise ValueError(
                    f"all rows of X must be equally long; row 1 has the length {lengths[0]}, row "
                    f"{row + 1} has {length}"
                )
    dtype = getattr(X, "dtype", None)
    kind = dtype.kind if isinstance(dtype, np.dtype) else ""
    if kind == "c":
        raise ValueError("Complex data not supported: X is complex. Pass X.real, or both parts")
    if kind == "V":
        raise TypeError(
            "X must be rows of numbers; structured arrays are not. Pass a data frame, or "
            "numpy.lib.recfunctions.structured_to_unstructured(X)"
        )
    if kind in "mM" and kind:
        raise TypeError(
            f"X must be numbers; it holds dates ({dtype}). Pass what matters of them, such as "
            "days since a date"
        )
    if (kind in "US" and kind) or _holds_texts(X):
        raise TypeError(
            "X must be numbers; it holds texts. Pass X.astype(float), or a data frame whose text "
            "columns are categories"
        )
    shape = _shape(X)
    if shape is not None and len(shape) < 2:
        raise ValueError(
            f"Expected 2D array, got {'1D' if shape else 'scalar'} array instead, of the shape "
            f"{shape}. Reshape your data: X.reshape(-1, 1) is one column, X.reshape(1, -1) one row"
        )
    if np.ma.is_masked(X):
        raise ValueError("X has masked cells; pass X.filled(numpy.nan), and they count as missing")


def _shape(X: Any) -> tuple[int, ...] | None:
    """Tell the shape of X where it has no rows, or has one of its own; None elsewhere."""
    if isinstance(X, Real):
        return ()
    if isinstance(X, list | tuple) and X and all(isinstance(cell, Real) for cell in X):
        return (len(X),)
    shape: tuple[int, ...] | None = getattr(X, "shape", None)
    return shape


def _holds_texts(X: Any) -> bool:
    """Tell rows of objects of which one is a text, which NumPy would turn into a number."""
    if is_sparse(X):
        return False
    cells = X.to_numpy() if hasattr(X, "to_numpy") else X
    if isinstance(cells, list | tuple):
        rows = [row for row in cells if isinstance(row, list | tuple)]
        return any(isinstance(cell, str) for row in rows for cell in row)
    if not (isinstance(cells, np.ndarray) and cells.dtype.kind == "O"):
        return False
    return any(isinstance(cell, str) for cell in cells.ravel().tolist())


def _place_of_bad_cell(X: Any, *, allow_nan: bool) -> str:
    """Say which is the first cell that is missing or infinite."""
    names = [str(name) for name in X.columns] if hasattr(X, "columns") else None
    if is_sparse(X):
        cells = X.tocoo()
        bad = ~np.isfinite(cells.data)
        row, column = (int(part[bad][0]) for part in (cells.row, cells.col))
        what = given = cells.data[bad][0]
        count = int(bad.sum())
    else:
        dense = X.to_numpy(dtype=np.float64, na_value=np.nan) if names else np.asarray(X, float)
        bad = np.isinf(dense) if allow_nan else ~np.isfinite(dense)
        row, column = (int(place) for place in np.argwhere(bad)[0])
        what, count = dense[row, column], int(bad.sum())
        given = what if names else np.asarray(X)[row, column]
    name = repr(names[column]) if names else column + 1
    kind = "NaN" if np.isnan(what) else "infinity"
    if kind == "infinity" and np.isfinite(given):
        kind = f"{given!s}, a value too large for float64"
    hint = "" if allow_nan else ' Fill it, or pass a dense X with preprocess="auto".'
    return (
        f"Input X contains {kind}: {count} cells cannot be used, the first in row {row + 1}, "
        f"column {name}.{hint}"
    )


def check_scale(columns: Any, names: tuple[str, ...]) -> None:
    """Refuse numbers whose squares overflow, and warn of large ones: nothing will scale them."""
    if hasattr(columns, "schema") or not columns.shape[0]:
        return
    largest = abs(columns).max(axis=0)
    largest = largest.toarray().ravel() if is_sparse(largest) else np.asarray(largest)
    column = int(largest.argmax())
    limit = 1e-6 * float(np.finfo(columns.dtype).max) ** 0.5
    told = f"column {names[column]!r} of X holds numbers up to {largest[column]:.3g}"
    if largest[column] > limit:
        raise DataError(
            f"{told}, too large to compute with in {columns.dtype}; scale the columns, or pass a "
            'dense X with preprocess="auto"'
        )
    if largest[column] > LARGE:
        warn(
            f"{told}: a network without preprocessing learns little from such; scale the columns",
            UserWarning,
        )


def _is_as_expected(estimator: Any, X: Any) -> bool:
    """Tell a matrix that scikit-learn's checks, 60 us and more, would let through as it is."""
    if type(X) is not np.ndarray or X.dtype not in (np.float32, np.float64):
        return False
    if X.ndim != 2 or not len(X) or hasattr(estimator, "feature_names_in_"):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return X.shape[1] == estimator.n_features_in_ and math.isfinite(X.sum())


def _check_names(X: Any) -> None:
    kinds = sorted({type(name).__name__ for name in getattr(X, "columns", ())})
    if len(kinds) > 1 and "str" in kinds:
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your "
            f"input has {kinds} as feature name types. Make them all texts, or none"
        )
    names = [str(name) for name in (X.column_names if hasattr(X, "column_names") else X.columns)]
    twice = sorted({name for name in names if names.count(name) > 1}) if _repeats(names) else []
    if twice:
        raise ValueError(f"the columns of X must have different names; {twice} occur repeatedly")


def _repeats(names: list[str]) -> bool:
    return len(set(names)) < len(names)


def _is_named_frame(X: Any) -> bool:
    """Tell a data frame with text for column names; one with numbers for names is a matrix."""
    if isinstance(X, dict) or not is_frame(X):  # DOK matrices are dictionaries, too
        return False
    names = X.column_names if hasattr(X, "column_names") else X.columns
    return all(isinstance(name, str) for name in names)


def warn_of_constants(table: Any, encoder: Encoder) -> None:
    """Name the columns of a data frame that are the same in every row."""
    constant = []
    for name, scale in zip(encoder.number_names, encoder.scale, strict=True):
        if scale == 1:  # so it is where a column does not vary, and seldom elsewhere
            cells = numbers(table, name)
            if len(cells) > 1 and cells.min() == cells.max():  # never where one is missing
                constant.append(name)
    if constant:
        warn(
            f"the columns {constant} are the same in every row, so nothing is learnt from them; "
            "leave them out",
            UserWarning,
        )


# -- what is to be learnt -----------------------------------------------------------------------


def check_labels(y: Any, X: Any) -> Array:
    """Turn y into one label a row, shape (n,); or into 0 and 1, shape (n, K)."""
    if y is None:
        raise ValueError("MLPClassifier requires y to be passed, but the target y is None")
    if is_indicator(y):
        return _check_indicator(y, X)
    if isinstance(y, list | tuple) and len(np.shape(y)) == 1:
        y = np.array(y, dtype=object)  # or NumPy would turn 1 and "a" into two texts
    labels: Array = column_or_1d(y, warn=True)
    if labels.dtype == object:  # of one kind, which scikit-learn wants to see in the dtype
        labels = labels.astype(classes_of(labels).dtype)
    try:
        assert_all_finite(labels, input_name="y")
    except ValueError as error:
        missing = np.flatnonzero(~np.isfinite(np.asarray(labels, dtype=np.float64)))
        raise DataError(
            f"{str(error).splitlines()[0]} {len(missing)} rows have no usable label, the first is "
            f"row {missing[0] + 1}; drop them"
        ) from None
    if labels.dtype.kind == "f" and (labels % 1).any():
        row = int((labels % 1 != 0).argmax())
        raise ValueError(
            f"Unknown label type: continuous. Labels must be texts or whole numbers; got "
            f"{labels[row]:g} in row {row + 1}. For numbers there is MLPRegressor."
        )
    check_classification_targets(labels[:FEW])
    check_consistent_length(X, labels)
    _doubt_classes(labels)
    return labels


def _doubt_classes(labels: Array) -> None:
    """Warn where labels may be a slip: more classes than half the rows."""
    n_classes, n = len(classes_of(labels)), len(labels)
    if n > FEW and n_classes > n / 2:
        warn(
            f"y has {n_classes} classes for {n} rows: is it an identifier, or a number? For "
            "numbers there is MLPRegressor",
            UserWarning,
        )


def is_indicator(y: Any) -> bool:
    """Tell labels of which a row may have several: a matrix of more than one column."""
    if isinstance(y, list | tuple) and y and isinstance(y[0], list | tuple | np.ndarray):
        y = np.asarray(y)
    shape: tuple[int, ...] = getattr(y, "shape", ())
    return len(shape) == 2 and shape[1] > 1


def _check_indicator(y: Any, X: Any) -> Array:
    indicator = check_array(y, accept_sparse="csr", input_name="y", dtype=None)
    if is_sparse(indicator):
        indicator = indicator.toarray()
    check_consistent_length(X, indicator)
    wrong = (indicator != 0) & (indicator != 1)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            "y must hold one label a row, shape (n_samples,); or, where a row may have several, "
            f"only 0 and 1, shape (n_samples, n_labels). Got {indicator[row, column]!r:.40} in row "
            f"{row + 1}, column {column + 1}. If it holds scores, pass y.argmax(axis=1)."
        )
    several: Array = indicator.astype(np.int64)
    if (several.sum(axis=1) == 1).all():
        warn(
            "every row of y has exactly one of several labels; if these are one-hot classes, pass "
            "y.argmax(axis=1), whose probabilities sum to 1",
            UserWarning,
        )
    return several


def check_numbers(y: Any, X: Any) -> NDArray[np.float64]:
    """Turn y into finite numbers, shape (n,) or (n, N_y)."""
    if y is None:
        raise ValueError("MLPRegressor requires y to be passed, but the target y is None")
    try:
        numbers: NDArray[np.float64] = check_array(
            y, ensure_2d=False, dtype=np.float64, input_name="y", ensure_min_features=0
        )
    except ValueError as error:
        raise _with_place(error, y) from None
    if numbers.ndim == 2 and numbers.shape[1] == 1:
        numbers = column_or_1d(numbers, warn=True)
    check_consistent_length(X, numbers)
    return numbers


def _with_place(error: ValueError, y: Any) -> ValueError:
    """Add to a complaint of scikit-learn's the first row of y that has no finite number."""
    first_line = str(error).splitlines()[0]
    if not first_line.startswith("Input y contains"):
        return error
    cells = y.to_numpy(dtype=np.float64, na_value=np.nan) if hasattr(y, "to_numpy") else y
    bad = ~np.isfinite(np.asarray(cells, dtype=np.float64))
    rows = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
    return DataError(
        f"{first_line} {len(rows)} rows have no usable number, the first is row {rows[0] + 1}; "
        "drop them"
    )


def check_classes(classes: Any) -> Array:
    """Sort the labels that partial_fit is told of, or say which stands there twice."""
    given = column_or_1d(classes)
    distinct = classes_of(given)
    if len(distinct) < len(given):
        raise ValueError(f"classes must be distinct; got {list(given)}")
    return distinct


# -- weights ------------------------------------------------------------------------------------


def check_weight(
    sample_weight: Any, X: Any, name: str = "sample_weight"
) -> NDArray[np.float64] | None:
    """Turn sample weights into numbers >= 0, of finite sum, of which one at least is above."""
    if sample_weight is None:
        return None
    weight: NDArray[np.float64] = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise ValueError(
            f"{name} must not be negative; got {weight[row]:g} in row {row + 1}. "
            "A weight of 0 leaves a row out."
        )
    if not weight.any():
        raise ValueError(f"{name} must hold at least one weight above zero; all are zero")
    with np.errstate(over="ignore"):
        too_large = not math.isfinite(weight.sum())
    if too_large:  # sums of weights are taken here and in scorers; a power of two rounds nothing
        weight = np.ldexp(weight, -math.frexp(weight.max())[1])
    return weight


def of_mean_one(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide weights by their mean; those of 1e308 have no finite sum, so first by the largest."""
    relative = weight / weight.max()
    scaled: NDArray[np.float64] = relative / relative.mean()
    return scaled


def learning_weight(
    kept: NDArray[np.intp], kept_weight: NDArray[np.float64] | None, n: int
) -> NDArray[np.float64] | None:
    """Weigh rows that are held back with 0: the encoding must not learn from them."""
    if kept_weight is None and len(kept) == n:
        return None
    learning = np.zeros(n)
    learning[kept] = 1 if kept_weight is None else kept_weight
    return learning


# -- settings -----------------------------------------------------------------------------------


def hidden_units(sizes: Any, name: str) -> tuple[int, ...]:
    """Turn hidden_layer_sizes into whole numbers, or say which of them is none."""
    units = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
    for position, n in enumerate(units):
        if not isinstance(n, Integral) or isinstance(n, bool | np.bool_) or n < 1:
            raise InvalidParameterError(
                f"The 'hidden_layer_sizes' parameter of {name} must be whole numbers of "
                f"units, each at least 1. Got {n!r} at position {position} instead."
            )
    return tuple(int(n) for n in units)


def precision(dtype: str, columns: Any) -> np.dtype[Any]:
    """Find the precision of training: the one asked for, or that of the columns."""
    if dtype != "auto":
        return np.dtype(dtype)
    if hasattr(columns, "schema"):
        single = all(str(kind) == "float" for kind in columns.schema.types)
    else:
        single = columns.dtype == np.float32
    return np.dtype(np.float32 if single else np.float64)


def bit_generator(random_state: Any) -> np.random.PCG64:
    """Make the stream of chance that a random_state stands for."""
    if random_state is None:
        return np.random.PCG64()
    if isinstance(random_state, Integral):
        return np.random.PCG64(int(random_state))
    if isinstance(random_state, np.random.Generator):
        return np.random.PCG64(int(random_state.integers(2**63)))
    return np.random.PCG64(check_random_state(random_state).randint(2**31 - 1))
