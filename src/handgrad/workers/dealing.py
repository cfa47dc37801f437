"""How the rows of an epoch are dealt to the leaves of the tree (``seam.leaves``).

Row r belongs to shard r mod SHARDS. Each epoch puts the rows of each shard in an order of their
own, and place 8 j + s of the epoch is row j of shard s in that order; batch t has the places from
t B to (t + 1) B - 1, as without workers. So every row comes once, batches have the same sizes, and
two shards of a batch differ by one row at most. Within a batch, rows count shard by shard: that is
the place by which dropout knows a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.chance import Order, order_for
from handgrad.workers.seam import SHARDS


@dataclass(frozen=True)
class Dealt:
    """The order of n rows in an epoch; each process draws the shards that it asks for.

    Attributes
    ----------
    n : int
    seed : int or None
        None leaves the rows as they stand.
    """

    n: int
    seed: int | None = None

    @classmethod
    def draw(cls, n: int, bits: np.random.BitGenerator) -> Dealt:
        """Draw the seed of an epoch, as ``chance.shuffled`` draws an order."""
        return cls(n, int(bits.random_raw()))

    def shard(self, number: int) -> Order:
        """List the rows of a shard in their order."""
        n = len(range(number, self.n, SHARDS))
        order = np.arange(n) if self.seed is None else order_for(n, self.seed, number)
        return number + SHARDS * order

    def __getitem__(self, places: slice) -> Order:
        """List the rows at places of the epoch, such as those of a batch, shard by shard."""
        every = np.arange(self.n)[places]
        shards = [every[every % SHARDS == number] // SHARDS for number in range(SHARDS)]
        return np.concatenate([self.shard(s)[j] for s, j in enumerate(shards)])

    def first_place(self, rows: NDArray[np.intp]) -> int:
        """Find the first place of the epoch at which one of these rows stands."""
        found: list[int] = []
        for shard in np.unique(rows % SHARDS).tolist():
            j = np.flatnonzero(np.isin(self.shard(shard), rows))
            found.append(SHARDS * int(j.min()) + shard)
        return min(found)


class Cuts(NamedTuple):
    """Which rows of its shard a leaf has in each batch; arrays of shape (batches, leaves).

    Attributes
    ----------
    first, n : int arrays
        Its rows are first to first + n - 1 of the shard.
    before : int array
        The rows of the batch that come before those of the leaf.
    """

    first: NDArray[np.intp]
    n: NDArray[np.intp]
    before: NDArray[np.intp]


def shard_of(leaf: int, n_leaves: int) -> int:
    """Name the shard of a leaf. Where there are more leaves, neighbours share a shard's rows."""
    return leaf * SHARDS // n_leaves


def cuts(n: int, batch_size: int, n_leaves: int) -> Cuts:
    """Cut every batch of n rows into leaves."""
    start = np.arange(0, n, batch_size)[:, None]
    leaf = np.arange(n_leaves)
    shard = leaf * SHARDS // n_leaves  # as ``shard_of`` says
    first, last = (
        np.maximum(_divided_up(place - shard, SHARDS), 0)
        for place in (start, np.minimum(start + batch_size, n))
    )
    begin, after = (_divided_up(one * n_leaves, SHARDS) for one in (shard, shard + 1))
    place, among, rows = leaf - begin, after - begin, last - first
    begins, ends = (first + rows * one // among for one in (place, place + 1))
    sizes = ends - begins
    return Cuts(begins, sizes, np.cumsum(sizes, axis=1) - sizes)


def _divided_up(a: NDArray[np.intp], by: int) -> NDArray[np.intp]:
    result: NDArray[np.intp] = -(-a // by)
    return result
