"""Rows into batches. The only place that shuffles, and the only one that splits rows.

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


def split(
    keys: NDArray[np.uint64],
    y_t: NDArray[np.intp],
    share: float,
    weight: NDArray[np.float64] | None = None,
) -> tuple[Order, Order]:
    """Divide rows into a part to learn from and a part to hold back, class by class.

    A row's key alone decides: in each class the rows of lowest key are held back until they
    weigh the share of the class. Equal rows have equal keys and stay on one side, so that a
    repeated row never validates itself, and a row of weight 2 is split as two equal rows. Where
    so many rows are equal that a group of them outweighs the share, less is held back, or none.

    Parameters
    ----------
    keys : uint64 array of shape (n,)
        Random keys of the rows, equal for equal rows (``rows.row_keys``).
    y_t : int array of shape (n,)
        The class of each row.
    share : float
        Part of each class to hold back, between 0 and 1 (both excluded).
    weight : float array of shape (n,), optional
        Weight of each row; 1 by default.

    Returns
    -------
    kept, held_back : int arrays
        Ascending row numbers; together every row once. A class keeps at least one distinct
        row to learn from, so a class of one row is never held back.
    """
    weight = np.ones(len(y_t)) if weight is None else weight
    held_back = np.zeros(len(y_t), dtype=bool)
    for k in np.unique(y_t):
        rows = np.flatnonzero(y_t == k)
        held_back[rows] = _lowest_share(keys[rows], weight[rows], share)
    return np.flatnonzero(~held_back), np.flatnonzero(held_back)


def _lowest_share(
    keys: NDArray[np.uint64], weight: NDArray[np.float64], share: float
) -> NDArray[np.bool_]:
    """Choose groups of equal rows by ascending key, passing over a group that is too heavy."""
    group = np.unique(keys, return_inverse=True)[1]  # (n,) numbers equal keys, in ascending order
    heaviness = np.bincount(group, weights=weight).tolist()  # (groups,)
    wanted = share * sum(heaviness)
    chosen, held = [], 0.0
    for number, heavy in enumerate(heaviness):
        if held + heavy / 2 <= wanted:
            chosen.append(number)
            held += heavy
    if len(chosen) == len(heaviness):
        chosen.pop()
    held_back: NDArray[np.bool_] = np.isin(group, chosen)
    return held_back
