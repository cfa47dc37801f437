"""Labels of any type become the class numbers 0 to K-1, and can be decoded exactly."""

import datetime
from collections.abc import Mapping, Set
from decimal import Decimal
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables.sequences import is_missing
from handgrad.tables.values import values_of

_LABEL_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool, np.bool_),
    "int": (int, np.integer),
    "float": (float, np.floating, Decimal),
    "date": (datetime.date, np.datetime64),
}
_SEVERAL = (list, tuple, Set, Mapping, np.ndarray)
SEVERAL_LABELS = (
    "if a row may have several, sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y) "
    "turns them into a column of 0 and 1 for each label"
)

# NumPy pads all texts of an array to the longest. Longer labels than this stay objects, or one
# long label would take its length in memory for every row.
LONGEST_PADDED_LABEL = 1000


def labels_of(y: Any) -> npt.NDArray[Any]:
    """Give labels exactly as they are, in an array of their one type.

    Parameters
    ----------
    y : array-like, pandas or polars Series or DataFrame, pyarrow Array, ChunkedArray or Table

    Returns
    -------
    numpy.ndarray, shape (n,) or, of a matrix or frame, (n, k)
        Objects only where a type of NumPy would lose something, or pad every text to more than
        1,000 characters.

    Raises
    ------
    DataError
        If a label is missing; the message gives the row.
    TypeError
        If the labels mix kinds, or are of a kind that cannot be a label.
    """
    cells, missing = values_of(y)
    _check_all_there(missing)
    if cells.dtype != object and not _is_padded_widely(cells.dtype):
        _check_type(cells.dtype)
        return cells
    cells = cells.astype(object)
    flat = cells.ravel()
    return flat.astype(_object_classes(flat).dtype).reshape(cells.shape) if len(flat) else cells


def classes_of(y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Find the classes among labels.

    Parameters
    ----------
    y : numpy.ndarray, shape (n,)
        Texts, integers, floats, booleans or dates; objects must be of one such kind.

    Returns
    -------
    numpy.ndarray, shape (K,)
        The different labels, sorted, of the dtype of `y` (objects: of the kind they are).

    Raises
    ------
    DataError
        If a label is missing; the message gives the row.
    TypeError
        If the labels mix kinds, or are of a kind that cannot be a label.
    """
    if y.ndim != 1:
        raise DataError(f"labels must have one axis, got the shape {y.shape}")
    if y.dtype.kind in "OT" or _is_padded_widely(y.dtype):
        return _object_classes(y.astype(object))
    _check_type(y.dtype)
    # a NaN and a NaT are what differs from itself
    _check_all_there(y != y)
    return np.unique(y)


def _is_padded_widely(dtype: np.dtype[Any]) -> bool:
    """Tell whether texts may be longer than those that NumPy should pad."""
    return dtype.kind == "U" and dtype.itemsize > 4 * LONGEST_PADDED_LABEL


def _check_type(dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "UiubfM":
        raise _not_a_label("bytes" if dtype.kind == "S" else str(dtype))


def _object_classes(y: npt.NDArray[np.object_]) -> npt.NDArray[Any]:
    values = y.tolist()
    types = set(map(type, values))
    if not all(issubclass(kind, str) for kind in types):
        _check_all_there(np.fromiter(map(is_missing, values), dtype=bool, count=len(y)))
    kinds = set(map(_label_kind, types))
    if len(kinds) > 1 and kinds != {"int", "float"}:
        raise TypeError(f"labels mix {' and '.join(sorted(kinds))}; make them all one kind")
    if kinds == {"date"}:
        return _dates(values)
    distinct = sorted(set(values))
    if kinds == {"str"} and max(map(len, distinct), default=0) > LONGEST_PADDED_LABEL:
        return _objects(distinct)
    classes = np.array(distinct, dtype=float if "float" in kinds else None)
    if classes.dtype != object and classes.tolist() == distinct:
        return classes
    if kinds != {"str"}:
        raise TypeError(
            "labels are numbers too long for 64 bits; pass their texts, list(map(str, y))"
        )
    # NumPy drops a NUL at the end of a text, which could merge two labels
    return _objects(distinct)


def _objects(values: list[Any]) -> npt.NDArray[np.object_]:
    return np.array(values, dtype=object)


def _dates(values: list[Any]) -> npt.NDArray[Any]:
    if any(getattr(label, "tzinfo", None) for label in values):
        raise TypeError(
            "labels are times with a zone, which would be lost; pass their texts, "
            "list(map(str, y)), or remove the zone"
        )
    return np.unique(np.array(values, dtype="datetime64"))


def _label_kind(kind: type) -> str:
    if issubclass(kind, _SEVERAL):
        raise TypeError(f"each row must have one label, got {kind.__name__}; {SEVERAL_LABELS}")
    for name, kinds in _LABEL_KINDS.items():
        # NumPy counts its durations among whole numbers
        if issubclass(kind, kinds) and not issubclass(kind, np.timedelta64):
            return name
    raise _not_a_label(kind.__name__)


def _not_a_label(what: str) -> TypeError:
    texts = "[label.decode() for label in y]" if what == "bytes" else "list(map(str, y))"
    return TypeError(
        f"labels must be texts, numbers, booleans or dates, got {what}; pass their texts, {texts}"
    )


def _check_all_there(missing: npt.NDArray[np.bool_]) -> None:
    if not missing.any():
        return
    rows = int(missing.any(axis=-1).sum() if missing.ndim == 2 else missing.sum())
    row = int(np.argwhere(missing)[0][0]) + 1
    column = f", column {int(np.argwhere(missing)[0][1]) + 1}" if missing.ndim == 2 else ""
    raise DataError(
        f"every row needs a label, but {rows} {'is' if rows == 1 else 'are'} missing, the first "
        f"in row {row}{column}; drop those rows"
    )


def encode_labels(y: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Give each label its place among the classes; ``classes[y_t]`` decodes it.

    Parameters
    ----------
    y : numpy.ndarray, shape (n,)
    classes : numpy.ndarray, shape (K,)
        What `classes_of` gave.

    Returns
    -------
    y_t : numpy.ndarray of intp, shape (n,)
        0 to K-1.

    Raises
    ------
    DataError
        If labels are not among the classes; the message gives them, their number and the first
        row.
    """
    given = y.astype(classes.dtype) if classes.dtype.kind == y.dtype.kind == "M" else y
    place = {label: position for position, label in enumerate(classes.tolist())}
    y_t = np.fromiter(map(place.get, given.tolist(), repeat(-1)), dtype=np.intp, count=len(y))
    unknown = y_t < 0
    if unknown.any():
        labels = list(dict.fromkeys(given[unknown].tolist()))
        raise DataError(
            f"labels must be among {_listed(classes.tolist())}; {int(unknown.sum())} rows have "
            f"others: {_listed(labels)}, the first in row {int(unknown.argmax()) + 1}; fit on all "
            "labels, or drop those rows"
        )
    return y_t


def _listed(values: list[Any]) -> str:
    shown = ", ".join(repr(value)[:80] for value in values[:10])
    return shown if len(values) <= 10 else f"{shown} and {len(values) - 10} more"
