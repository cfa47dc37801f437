"""Divide rows into batches, and into folds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from handgrad.chance import Order, shuffled

ROWS_AT_ONCE = 4096  # rows measured at a time, which bounds the memory


def batches(order: Order, batch_size: int) -> Iterator[Order]:
    """Cut an order of rows into consecutive batches; the last one may be shorter."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def folds(y_t: NDArray[np.intp], n_folds: int, bits: np.random.BitGenerator) -> list[Order]:
    """Divide rows into folds, each of which judges a network trained on the others.

    The shuffled rows are sorted by class and dealt out in turn, so the sizes of two folds differ
    by at most one, and so do their numbers of rows of one class. Equal rows are dealt one by one,
    too: a fold is a fair sample of the table, repeats included.

    Parameters
    ----------
    y_t : int array of shape (n,)
        The class of each row; all the same if there are no classes.
    n_folds : int
        At least 2; some folds are empty if n is less.

    Returns
    -------
    list of int arrays
        Ascending row numbers; every row is in exactly one fold.
    """
    order = shuffled(len(y_t), bits)
    dealt = order[np.argsort(y_t[order], kind="stable")]
    return [np.sort(dealt[number::n_folds]) for number in range(n_folds)]
