"""The border at which a user's input is checked: rows, weights, units (y: ``targets.py``)."""

import math
from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager
from datetime import date, timedelta
from numbers import Real
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import (
    _check_sample_weight,
    validate_data,
)

from handgrad.batch import is_sparse
from handgrad.errors import DataError, warn
from handgrad.estimators.advice import ways
from handgrad.estimators.source import Parquet
from handgrad.tables import frames
from handgrad.tables.encode import Encoded, Encoder
from handgrad.tables.frames import from_frame, from_rows, is_frame
from handgrad.tables.plan import Plan
from handgrad.tables.values import floats, values_of

Array = NDArray[Any]

LARGE = 1e9  # numbers of which a network without preprocessing learns little


# -- rows -------------------------------------------------------------------------------------


def as_rows(X: Any) -> Any:
    """Give rows that can be counted and picked: mappings and lazy frames become tables."""
    if isinstance(X, Parquet):
        raise TypeError(
            "only MLPClassifier and MLPRegressor take a Parquet, and only in fit; read the table: "
            "handgrad.read_table"
        )
    if hasattr(X, "collect") and type(X).__name__ == "LazyFrame":
        return X.collect()
    if _is_mapping(X):
        _check_columns_of(X)
        return from_frame(X)
    if isinstance(X, list | tuple) and X and _is_mapping(X[0]):
        return from_rows(X)
    # of pandas, polars and Arrow's tables scikit-learn knows the names; other frames become such
    is_known = any(hasattr(X, method) for method in ("iloc", "lazy", "combine_chunks", "tocsr"))
    return from_frame(X) if is_frame(X) and not is_known else X


def _is_sparse_mapping(X: Any) -> bool:
    return hasattr(X, "tocsr")  # DOK matrices are dictionaries


def _is_mapping(X: Any) -> bool:
    return isinstance(X, Mapping) and not _is_sparse_mapping(X)


def _check_columns_of(X: Mapping[Any, Any]) -> None:
    """Tell one row from a table: both are mappings."""
    if X and all(isinstance(cell, str) or not hasattr(cell, "__len__") for cell in X.values()):
        raise TypeError(
            f"X must be a table or a list of rows; this {type(X).__name__} of single cells is one "
            "row. Pass a list of it: [row]"
        )


def check_columns(estimator: Any, X: Any, encoder: Encoder | None) -> Any:
    """Turn X into an Arrow table, a float matrix or a CSR matrix that can be encoded.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        What says how columns are read. Without an encoder it gets what scikit-learn keeps of X,
        ``n_features_in_`` and ``feature_names_in_``; with one, X must have the same.
    X : as for ``fit``
    encoder : Encoder or None
        That of the fit, where there was one.
    """
    reset = encoder is None
    if not reset and (isinstance(X, Encoded) or _is_as_expected(estimator, X)):
        return X
    if reset and _is_plain_matrix(X):
        _keep_shape(estimator, X)
        return X
    if not reset and _has_the_columns_of_the_fit(estimator, X):
        return from_frame(X)
    is_by_name = not reset and (_is_mapping(X) or isinstance(X, list | tuple))
    rows = as_rows(X)
    if is_by_name and rows is not X:
        rows = _in_order(estimator, rows, may_lack=not _is_mapping(X))
    X = rows
    raw = estimator.preprocess is None
    if is_frame(X) and not _is_sparse_mapping(X):
        _check_names(X)
    if not raw and _is_named_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        table = from_frame(X)
        if encoder is None or hasattr(estimator, "feature_names_in_"):
            return table
        # Fitted on a matrix, it knows columns by position; validate_data has warned.
        return table.rename_columns(list(encoder.names))
    if not raw and _is_numbered_table(estimator, X, encoder):
        return _numbered_table(estimator, X, encoder)
    _check_kind_of_rows(X)
    if isinstance(X, np.ndarray) and X.dtype.kind == "f":  # scikit-learn would widen ">f4"
        X = X.astype(X.dtype.newbyteorder("="), copy=False)
    fills_holes = encoder is None or not encoder.is_identity
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
        except OverflowError:
            raise DataError(_place_of_bad_cell(estimator, X, allow_nan=allow_nan)) from None
        except ValueError as error:
            if not str(error).startswith("Input X contains"):
                raise
            raise DataError(_place_of_bad_cell(estimator, X, allow_nan=allow_nan)) from None


def _in_order(estimator: Any, table: Any, *, may_lack: bool) -> Any:
    """Put the columns of a mapping, whose order means nothing, in the order of the fit.

    Rows that are mappings may lack a name; all of its cells are missing then.
    """
    fitted = list(getattr(estimator, "feature_names_in_", ()))
    there, n = set(table.column_names), table.num_rows
    lacking = {name: [None] * n for name in fitted if name not in there} if may_lack else {}
    for name, cells in lacking.items():
        table = table.append_column(name, [cells])
    known = dict.fromkeys(name for name in fitted if name in there or name in lacking)
    return table.select([*known, *(name for name in table.column_names if name not in known)])


def _is_numbered_table(estimator: Any, X: Any, encoder: Encoder | None) -> bool:
    """Tell a pandas frame with numbers for names that is no matrix of numbers."""
    if not (hasattr(X, "iloc") and hasattr(X, "columns")):
        return False
    if encoder is None:
        if isinstance(estimator.kinds, Plan) and not estimator.kinds.is_plain:
            return True
        return bool(said_of_columns(estimator)) or not _is_matrix(X)
    names = set(encoder.names)
    return names == set(map(str, X.columns)) or not _is_matrix(X)


def said_of_columns(estimator: Any) -> list[str]:
    """Name the parameters by which the user says what columns of a table are."""
    told = {
        "kinds": None if isinstance(estimator.kinds, Plan) else estimator.kinds,
        "missing_values": estimator.missing_values,
        "categorical_features": estimator.categorical_features,
    }
    return [
        name
        for name, value in told.items()
        if value is not None and (not isinstance(value, Sized) or len(value))
    ]


def _is_matrix(frame: Any) -> bool:
    kinds = {kind for kind in map(_kind_of_cells, frame.dtypes) if kind not in "biufc"}
    return not kinds or (kinds == {"O"} and not _among_objects(frame))


def _kind_of_cells(dtype: Any) -> str:
    """Give NumPy's letter for a type, C for categories and E for other types of pandas."""
    if hasattr(dtype, "categories"):
        return "C"
    kind = str(getattr(dtype, "kind", "E"))
    return "E" if kind == "O" and not isinstance(dtype, np.dtype) else kind


def _numbered_table(estimator: Any, X: Any, encoder: Encoder | None) -> Any:
    """Name the columns by their numbers; for scikit-learn they have no names all the same."""
    named = X.set_axis(list(map(str, X.columns)), axis=1)
    # a model out of a file knows no other names than texts
    from_file = encoder is not None and hasattr(estimator, "feature_names_in_")
    reset = encoder is None
    validate_data(estimator, named if from_file else X, reset=reset, skip_check_array=True)
    table = from_frame(named)
    made_up = [f"x{column}" for column in range(table.num_columns)]
    if encoder is not None and list(encoder.names) == made_up:
        return table.rename_columns(made_up)  # fitted on a matrix
    return table


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
                has = f"is of type {type(X[row]).__name__}" if length is None else f"has {length}"
                raise ValueError(
                    f"all rows of X must be equally long; row 1 has the length {lengths[0]}, row "
                    f"{row + 1} {has}"
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
    what = _WHAT_IT_HOLDS.get(kind) or _among_objects(X)
    if what in ("dates", "durations"):
        told = what if kind in "OEC" else f"{what} ({dtype})"
        raise TypeError(
            f"X must be numbers; it holds {told}. Pass a data frame, whose columns may be of such "
            "types, or what matters of them, such as days since a date"
        )
    if what == "texts":
        raise TypeError(
            "X must be numbers; it holds texts. Pass X.astype(float) if they are numbers, or a "
            "data frame, whose columns may be texts"
        )
    if hasattr(X, "type") and hasattr(X, "null_count"):
        raise TypeError(
            f"X must be rows; an Arrow array ({str(X.type)[:80]}) is one column. Pass a table of "
            "plain columns: pyarrow.table({'name': X})"
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


_WHAT_IT_HOLDS = {"U": "texts", "S": "texts", "T": "texts", "M": "dates", "m": "durations"}


def _among_objects(X: Any) -> str:
    """Name what is no number in rows of objects, which NumPy might turn into one; or say ""."""
    if is_sparse(X):
        return ""
    cells = X.to_numpy() if hasattr(X, "to_numpy") else X
    if hasattr(X, "column_names"):
        cells = np.asarray(X)
    if isinstance(cells, list | tuple):
        rows = [row for row in cells if isinstance(row, list | tuple)]
        types = {type(cell) for row in rows for cell in row}
    elif isinstance(cells, np.ndarray) and cells.dtype.kind == "O":
        types = set(map(type, cells.ravel().tolist()))
    else:
        return ""
    names = (("texts", str), ("dates", date), ("durations", timedelta))
    return next((name for name, kind in names for its in types if issubclass(its, kind)), "")


def _place_of_bad_cell(estimator: Any, X: Any, *, allow_nan: bool) -> str:
    """Say which is the first cell that is missing or infinite."""
    names = _names_of(X) if is_frame(X) and not is_sparse(X) else None
    if is_sparse(X):
        cells = X.tocoo()
        bad = ~np.isfinite(cells.data)
        row, column = (int(part[bad][0]) for part in (cells.row, cells.col))
        what = given = cells.data[bad][0]
        count = int(bad.sum())
    else:
        dense = floats(values_of(X))
        bad = np.isinf(dense) if allow_nan else ~np.isfinite(dense)
        row, column = (int(place) for place in np.argwhere(bad)[0])
        what, count = dense[row, column], int(bad.sum())
        given = what if names else _cell(X, row, column)
    name = repr(names[column]) if names else column + 1
    kind = "NaN" if np.isnan(what) else "infinity"
    if kind == "infinity" and not _is_infinite(given):
        kind = f"{given!s:.40}, a value too large for float64"
    known = [("Fill it", ""), ('pass a dense X with preprocess="auto"', "preprocess")]
    known += [("pass X.toarray()", "networks")] if is_sparse(X) else []
    hint = "" if allow_nan else f" {ways(estimator, *known)}."
    return (
        f"Input X contains {kind}: {count} cells cannot be used, the first in row {row + 1}, "
        f"column {name}.{hint}"
    )


def _cell(X: Any, row: int, column: int) -> Any:
    return X[row][column] if isinstance(X, list | tuple) else np.asarray(X)[row, column]


def _is_infinite(number: Any) -> bool:
    return bool(number in (math.inf, -math.inf))


def check_scale(columns: Any, encoder: Encoder) -> None:
    """Refuse numbers whose squares overflow, and warn of large ones: nothing will scale them."""
    if hasattr(columns, "schema") or not columns.shape[0]:
        return
    largest = abs(columns).max(axis=0)
    largest = largest.toarray().ravel() if is_sparse(largest) else np.asarray(largest)
    column = int(largest.argmax())
    limit = 1e-6 * float(np.finfo(columns.dtype).max) ** 0.5
    if not largest[column] > min(limit, LARGE):
        return
    told = f"column {encoder.names[column]!r} of X holds numbers up to {largest[column]:.3g}"
    if largest[column] > limit:
        raise DataError(
            f"{told}, too large to compute with in {columns.dtype}; scale the columns, or pass a "
            'dense X with preprocess="auto"'
        )
    warn(
        f"{told}: a network without preprocessing learns little from such; scale the columns",
        UserWarning,
    )


def _is_as_expected(estimator: Any, X: Any) -> bool:
    """Tell a matrix that scikit-learn's checks, 60 us and more, would let through as it is."""
    if hasattr(estimator, "feature_names_in_") or not _is_plain_matrix(X):
        return False
    return bool(X.shape[1] == estimator.n_features_in_)


def _is_plain_matrix(X: Any) -> bool:
    """Tell a matrix of floats, all finite, that needs no change."""
    if type(X) is not np.ndarray or X.dtype not in (np.float32, np.float64):
        return False
    if X.ndim != 2 or not X.size:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(X.sum())


def _keep_shape(estimator: Any, X: Array) -> None:
    """Note what scikit-learn notes of an array.

    Its own checks would ask all packages of the environment, once, whether X is a frame of
    theirs, which takes as long as 5 epochs of a small table.
    """
    estimator.n_features_in_ = X.shape[1]
    if hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _has_the_columns_of_the_fit(estimator: Any, X: Any) -> bool:
    """Tell a frame of pandas that scikit-learn's checks, 100 us and more, would let through."""
    if estimator.preprocess is None or not hasattr(type(X), "iloc") or not hasattr(X, "columns"):
        return False
    fitted = getattr(estimator, "feature_names_in_", None)
    return fitted is not None and X.columns.tolist() == fitted.tolist()


def cells_of_row(estimator: Any, X: Any) -> list[Any] | None:
    """Give the cells of a frame of one row that is known to be right without a table of it."""
    return frames.cells_of_row(X) if _has_the_columns_of_the_fit(estimator, X) else None


def _check_names(X: Any) -> None:
    kinds = sorted({type(name).__name__ for name in _raw_names(X)} if hasattr(X, "columns") else ())
    if len(kinds) > 1 and "str" in kinds:
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your "
            f"input has {kinds} as feature name types. Make them all texts, or none"
        )
    names = _names_of(X)
    twice = sorted({name for name in names if names.count(name) > 1}) if _repeats(names) else []
    if twice:
        raise ValueError(f"the columns of X must have different names; {twice} occur repeatedly")


def _names_of(frame: Any) -> list[str]:
    return list(map(str, _raw_names(frame)))


def _raw_names(frame: Any) -> list[Any]:
    """List the names of columns as they are, all at once: an index of pandas is slow to walk."""
    names = frame.column_names if hasattr(frame, "column_names") else frame.columns
    listed: list[Any] = names.tolist() if hasattr(names, "tolist") else list(names)
    return listed


def _repeats(names: list[str]) -> bool:
    return len(set(names)) < len(names)


def _is_named_frame(X: Any) -> bool:
    """Tell a data frame with text for column names; one with numbers for names is a matrix."""
    if _is_sparse_mapping(X) or not is_frame(X):
        return False
    return all(isinstance(name, str) for name in _raw_names(X))


# -- weights ------------------------------------------------------------------------------------


def check_weight(
    sample_weight: Any, X: Any, name: str = "sample_weight"
) -> NDArray[np.float64] | None:
    """Turn sample weights into numbers >= 0, of finite sum, of which one at least is above."""
    if sample_weight is None:
        return None
    rows = as_rows(X)
    if hasattr(sample_weight, "__len__") and not isinstance(sample_weight, str):
        sample_weight = _plain_weight(sample_weight)
    try:
        weight: NDArray[np.float64] = _check_sample_weight(sample_weight, rows, dtype=np.float64)
    except OverflowError:
        raise DataError(
            f"{name} holds a number too large for float64; divide all weights by the same number, "
            "for only their ratios count"
        ) from None
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


def _plain_weight(sample_weight: Any) -> Any:
    """Read weights out of any container; what is no number is left to scikit-learn's words."""
    values = values_of(sample_weight)
    return floats(values) if values.cells.dtype.kind in "biuf" else sample_weight


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Put the name of an argument before what is wrong with it, unless it is there."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if str(error).startswith(name):
            raise
        kind = TypeError if isinstance(error, TypeError) else DataError
        raise kind(f"{name}: {error}") from None


def precision(dtype: str, columns: Any) -> np.dtype[Any]:
    """Find the precision of training: the one asked for, or that of the columns."""
    if dtype != "auto":
        return np.dtype(dtype)
    if hasattr(columns, "schema"):
        single = all(str(kind) == "float" for kind in columns.schema.types)
    else:
        single = columns.dtype == np.float32
    return np.dtype(np.float32 if single else np.float64)
