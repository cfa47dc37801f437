"""Labels of any type become the class numbers 0 to K-1, and come back exactly as they were."""

from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError

_LABEL_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool, np.bool_),
    "int": (int, np.integer),
    "float": (float, np.floating),
}


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
    if y.dtype.kind in "OT":
        return _object_classes(y.astype(object))
    if y.dtype.kind not in "UiubfM":
        raise TypeError(f"labels must be texts, numbers, booleans or dates, got {y.dtype}")
    # a NaN and a NaT are what differs from itself
    _check_all_there(y != y)
    return np.unique(y)


def _object_classes(y: npt.NDArray[np.object_]) -> npt.NDArray[Any]:
    values = y.tolist()
    types = set(map(type, values))
    if not all(issubclass(kind, str) for kind in types):
        _check_all_there(np.fromiter(map(_is_missing, values), dtype=bool, count=len(y)))
    kinds = set(map(_label_kind, types))
    if len(kinds) > 1 and kinds != {"int", "float"}:
        raise TypeError(f"labels mix {' and '.join(sorted(kinds))}; make them all one kind")
    distinct = sorted(set(values))
    classes = np.array(distinct)
    # NumPy's texts lose a trailing NUL, and would merge two labels
    return classes if classes.tolist() == distinct else np.array(distinct, dtype=object)


def _is_missing(label: object) -> bool:
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(label, float | np.floating) and bool(np.isnan(label))


def _label_kind(kind: type) -> str:
    for name, kinds in _LABEL_KINDS.items():
        if issubclass(kind, kinds):
            return name
    raise TypeError(f"labels must be texts, numbers or booleans, got {kind.__name__}")


def _check_all_there(missing: npt.NDArray[np.bool_]) -> None:
    if missing.any():
        raise DataError(
            f"every row needs a label, but {int(missing.sum())} are missing, the first in row "
            f"{int(missing.argmax()) + 1}; drop those rows"
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
        If labels are not among the classes; the message gives them, their number and the
        first row.
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
