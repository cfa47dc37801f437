"""Encoded rows, on which a network is trained or measured; batches and folds of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.chance import Order, shuffled


def is_sparse(columns: Any) -> bool:
    """Tell whether this is a SciPy sparse matrix or array."""
    return hasattr(columns, "tocsr")


class Rows(NamedTuple):
    """Encoded rows, on which a network is trained or measured."""

    x: npt.NDArray[Any]  # (n, N_x), dense or CSR
    y_t: npt.NDArray[Any]  # (n,) class numbers, or (n, N_y) targets or probabilities
    weight: npt.NDArray[Any] | None = None  # (n,), of mean 1

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def not_finite(self) -> npt.NDArray[np.intp]:
        """List the rows of x that hold a NaN or an infinity."""
        x: Any = self.x
        values = x.data if is_sparse(x) else x
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(np.sum(values)):  # a sum takes no memory, and usually settles it
                return np.zeros(0, np.intp)
        bad = np.flatnonzero(~np.isfinite(values))
        if is_sparse(x):
            return np.unique(np.searchsorted(x.indptr, bad, side="right") - 1)
        return np.unique(bad // x.shape[1])

    def order(self, bits: np.random.BitGenerator) -> Order:
        """Draw the order of an epoch."""
        return shuffled(len(self), bits)

    def sample(self, most: int) -> Rows:
        """Give rows that stand for all: these are in memory, so all of them."""
        return self

    def take(self, rows: npt.NDArray[np.intp]) -> Rows:
        weight = None if self.weight is None else self.weight[rows]
        return Rows(self.x[rows], self.y_t[rows], weight)

    def part(self, start: int, end: int) -> Rows:
        """Give the rows from start to end - 1, as far as there are any, without a copy."""
        weight = None if self.weight is None else self.weight[start:end]
        return Rows(self.x[start:end], self.y_t[start:end], weight)


ROWS_AT_ONCE = 4096  # rows measured at a time, which bounds the memory


def batches(order: Order, batch_size: int) -> Iterator[Order]:
    """Cut an order of rows into consecutive batches; the last one may be shorter."""
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def folds(y_t: npt.NDArray[np.intp], n_folds: int, bits: np.random.BitGenerator) -> list[Order]:
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
