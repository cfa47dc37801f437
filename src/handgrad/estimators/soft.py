"""Probabilities of classes to learn, in place of labels: checked, and weighed by class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError
from handgrad.tables.labels import classes_of, encode_labels

Array = NDArray[Any]

OFF = 1e-2  # how far a sum of probabilities may be from 1: they may have come rounded in a file


def is_soft(y: Array) -> bool:
    """Tell probabilities of classes, (n, K), from several labels a row, which are whole numbers."""
    return y.ndim == 2 and y.dtype.kind == "f"


def check_probabilities(y: Array, classes: Array) -> NDArray[np.float64]:
    """Turn floats into probabilities that sum to 1, with a column for each class, sorted.

    Parameters
    ----------
    y : float array of shape (n, K)
    classes : array of shape (K,)
        The class of each column.

    Raises
    ------
    DataError
        If a cell is no probability, or a row does not sum to 1; the message gives the row.
    ValueError
        If there are more or fewer columns than classes.
    """
    if y.shape[1] != len(classes):
        raise ValueError(
            f"y has {y.shape[1]} columns of probabilities, so classes must name {y.shape[1]} "
            f"classes in their order; got {len(classes)}"
        )
    wide = y.astype(np.float64, copy=False)
    bad = ~((wide >= 0) & np.isfinite(wide))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"probabilities must be finite and at least 0; got {wide[row, column]:g} in row "
            f"{row + 1}, column {column + 1} of y. Of scores, take the softmax; of labels, pass "
            "whole numbers"
        )
    wide = wide[:, np.argsort(encode_labels(classes, classes_of(classes)))]
    sums = wide.sum(axis=1)
    bad_rows = np.abs(sums - 1) > OFF
    if bad_rows.any():
        row = int(bad_rows.argmax())
        raise DataError(
            f"the probabilities of a row must sum to 1, within {OFF:g}; {int(bad_rows.sum())} of "
            f"{len(y)} rows do not, the first is row {row + 1} with {sums[row]:.6g}. Divide each "
            "row by its sum; where a row may have several labels, pass whole numbers, y.astype(int)"
        )
    wide /= sums[:, None]  # the index above has copied
    return wide


def check_names(y: Any, classes: Array) -> None:
    """Refuse a frame whose columns bear the names of the classes in another order."""
    names = getattr(y, "column_names", getattr(y, "columns", None))
    if names is None:
        return
    there, told = list(map(str, names)), list(map(str, classes.tolist()))
    if there != told and sorted(there) == sorted(told):
        raise ValueError(
            f"classes must name the columns of y in their order, which is {there[:10]}; got "
            f"{told[:10]}"
        )


def tilted(probabilities: Array, of_classes: Array) -> tuple[Array, NDArray[np.float64]]:
    """Multiply probabilities by weights of their classes; split the rows' weights off.

    A row is as many rows as there are classes, each with its probability as weight. So class
    weights change what the row is to be, and how much it weighs: their product's sum.

    Returns
    -------
    float arrays of shape (n, K) and (n,)
        Probabilities that sum to 1, and the factor of each row's weight, 0 or more.
    """
    weighed = probabilities * of_classes
    sums = weighed.sum(axis=1)
    divided = np.divide(weighed, sums[:, None], out=probabilities.copy(), where=sums[:, None] > 0)
    return divided, sums
