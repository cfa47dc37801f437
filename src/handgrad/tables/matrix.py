"""Matrices of numbers, as they are given and as they come out."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError


def in_array(name: str, row: int) -> str:
    return f"column {name!r}, row {row + 1}"


def check_fits(x: NDArray[Any], out: NDArray[Any], where: Callable[[int, int], str]) -> None:
    """Refuse numbers that have become infinite, or were; ``where`` names a cell.

    Raises
    ------
    DataError
        With the first of them.
    """
    wrong = ~np.isfinite(out) & ~np.isnan(x)
    if not wrong.any():
        return
    row, at = np.argwhere(wrong)[0].tolist()
    value = x[row, at]
    if np.isinf(value):
        raise DataError(f"{where(at, row)}: {value} is not a finite number")
    raise DataError(
        f"{where(at, row)}: {value} is too large for {out.dtype} beside what the column held when "
        "the model was fitted; mend the value"
    )


def as_matrix(x: NDArray[Any]) -> NDArray[Any]:
    """Take rows and columns of numbers, or of objects that are numbers.

    Raises
    ------
    DataError
        If the shape is another, or something is no number.
    """
    if x.ndim != 2:
        raise DataError(f"x must have two axes, rows and columns, got the shape {x.shape}")
    if x.dtype.kind in "fiub":
        return x
    try:
        return x.astype(np.float64, casting="unsafe" if x.dtype == object else "same_kind")
    except (TypeError, ValueError) as error:
        raise DataError(f"x must hold numbers, got {x.dtype}: {error}") from None
