"""What is asked of a communicator, and the one tree in which everything is added up.

Every batch is cut into SHARDS parts, however many workers there are. Floating-point addition is not
associative, so the parts are added up pair by pair, as the leaves of one tree: the sum has the same
bits whoever computes which part of it.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SHARDS = 8  # part of the algorithm: another number gives other bits


class Comm(Protocol):
    """A group of processes that run the same program. Every call is made by all of them.

    Attributes
    ----------
    rank, size : int
        The number of this process, from 0, and how many there are.
    """

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def tree_sum(self, parts: Array) -> Array:
        """Add up the rows of all processes, shape (m, p) in each, as ``tree`` does.

        The rows of process 0 come first, then those of process 1, and so on.

        Returns
        -------
        array of shape (p,)
            The same bits in every process.
        """

    def gather(self, value: bytes) -> list[bytes]:
        """Give the value of every process, by rank."""


class Alone:
    """One process that does the work of all workers, and gets their bits."""

    rank, size = 0, 1

    def tree_sum(self, parts: Array) -> Array:
        return tree(parts)

    def gather(self, value: bytes) -> list[bytes]:
        return [value]


def tree(parts: Array) -> Array:
    """Add up rows, neighbour by neighbour, until one is left; the last of an odd number waits."""
    while len(parts) > 1:
        pairs = parts[: len(parts) // 2 * 2]
        sums = pairs[::2] + pairs[1::2]
        parts = np.concatenate([sums, parts[-1:]]) if len(parts) % 2 else sums
    total: Array = parts[0]
    return total


def is_power_of_two(n: int) -> bool:
    return n & (n - 1) == 0


def leaves(rank: int, size: int) -> range:
    """Name the leaves of the tree that a process computes: neighbours, so that it adds them first.

    There are SHARDS of them; or as many as processes, if these are more.
    """
    n = max(SHARDS, size)
    return range(-(-rank * n // size), -(-(rank + 1) * n // size))
