"""Rows into batches, and into folds."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from handgrad.chance import Order, shuffled

ROWS_AT_ONCE = 4096  # where all rows are only looked at, this many at a time bound the memory


def batches(order: Order, batch_size: int) -> Iterator[Order]:
    """Cut an order of rows into consecutive batches; the last one may be shorter."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def folds(y_t: NDArray[np.intp], n_folds: int, bits: np.random.BitGenerator) -> list[Order]:
    """Divide rows into folds, each the rows to judge by while the others train.

    The shuffled rows are sorted by class and dealt out in turn, so that neither the sizes of two
    folds nor their rows of one class differ by more than one. Rows are dealt singly, equal ones
    too: a fold is a fair sample of the table, with its repeats.

    Parameters
    ----------
    y_t : int array of shape (n,)
        The class of each row; all the same where there are none.
    n_folds : int
        At least 2; some folds are empty if n is less.

    Returns
    -------
    list of int arrays
        Ascending row numbers; together every row once.
    """
    order = shuffled(len(y_t), bits)
    dealt = order[np.argsort(y_t[order], kind="stable")]
    return [np.sort(dealt[number::n_folds]) for number in range(n_folds)]
