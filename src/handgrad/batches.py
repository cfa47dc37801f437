"""Rows into batches. The only place that shuffles.

All chance comes from the raw 64-bit output of a bit generator that the caller passes in:
NumPy keeps that stream unchanged between versions, which it does not promise for
``Generator.permutation``. So a seed means the same rows in ten years.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.intp]

ROWS_AT_ONCE = 4096  # where all rows are only looked at, this many at a time bound the memory


def shuffled(n: int, bits: np.random.BitGenerator) -> Order:
    """Put the rows 0 to n - 1 in a random order, each of the n! orders equally likely.

    Sorting random keys costs n log n where a swap per row would cost n, but runs without a
    Python loop; with the row's number in the lowest bits of its key, in half the time of
    ``argsort``. Two rows whose random bits are equal stay in order: among a million rows, with
    44 such bits, that happens to one pair in about thirty epochs.
    """
    places = (n - 1).bit_length() if n > 1 else 1
    keys = bits.random_raw(n)
    keys >>= np.uint64(places)
    keys <<= np.uint64(places)
    keys |= np.arange(n, dtype=np.uint64)
    keys.sort()
    keys &= np.uint64((1 << places) - 1)
    return keys.astype(np.intp)


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
