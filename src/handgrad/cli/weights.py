"""The column of weights: how much each row counts, in training and in the figures."""

from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.cli.options import COLUMN, TABLES, Option
from handgrad.errors import DataError
from handgrad.tables.columns import numbers, place

if TYPE_CHECKING:
    import pyarrow as pa

WEIGHT = click.option(
    "--weight",
    cls=Option,
    section=TABLES,
    metavar="COLUMN",
    type=COLUMN,
    help="Column that says how much each row counts: 2 as two such rows, 0 not at all. Nothing "
    "is predicted from it.",
)


def read_weights(table: "pa.Table", name: str) -> NDArray[np.float64]:
    """Read a column of weights, shape (n,).

    Raises
    ------
    DataError
        If a cell is no finite number of at least 0, or all are 0, or their sum is infinite.
    """
    weight = numbers(table, name)
    _refuse(np.isnan(weight), weight, table, name)
    _refuse(weight < 0, weight, table, name)
    if not weight.any():
        raise DataError(f"column {name!r} must hold a weight above 0, or no row counts")
    with np.errstate(over="ignore"):
        if np.isinf(weight.sum()):
            raise DataError(f"the weights in column {name!r} have no finite sum; divide them")
    return weight


def _refuse(wrong: NDArray[np.bool_], weight: Any, table: "pa.Table", name: str) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        what = "the cell is missing" if np.isnan(weight[row]) else f"{weight[row]:g} is negative"
        raise DataError(
            f"{place(table, name, row)}: {what}; a weight must be a number of at least 0, and 0 "
            "leaves the row out"
        )
