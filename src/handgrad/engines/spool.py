"""Encoded rows on the disk: written once, read by groups, in piles of as many as memory may hold.

An epoch visits the groups in a random order and, of each pile of groups, the rows (Xu et al. 2022,
CorgiPile): close to a full shuffle where a pile has several groups, even if the file is sorted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.atomic_file import scratch_file
from handgrad.batch import Rows
from handgrad.chance import Order, shuffled

Array = NDArray[Any]

MOST_GROUPS, FEWEST_GROUPS = 256, 8  # of a pile
GROUP_BYTES = 1 << 16  # read at a time; fewer cost calls
BESIDE = 32  # bytes a row that orders take while they are made
_CHUNK = 1 << 22


class Stored:
    """An array in a file without a name, whose first axis grows as rows are added."""

    def __init__(self, row_shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.row_shape, self.dtype, self.n = row_shape, dtype, 0
        self.row_bytes = int(np.prod(row_shape, dtype=np.int64)) * dtype.itemsize
        self._file = scratch_file()

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n, *self.row_shape)

    @property
    def size(self) -> int:
        return self.n * self.row_bytes

    def add(self, rows: Array) -> None:
        self._file.write(np.ascontiguousarray(rows, self.dtype).data)
        self.n += len(rows)

    def end(self) -> None:
        """Let what was added be read."""
        self._file.flush()

    def read_into(self, out: Array, start: int) -> None:
        """Read as many rows as fit into an array, from row `start` on."""
        view = out.data.cast("B") if out.size else memoryview(b"")
        self._file.seek(start * self.row_bytes)
        for at in range(0, len(view), _CHUNK):
            wanted = min(_CHUNK, len(view) - at)
            piece = self._file.read(wanted)
            if len(piece) < wanted:
                raise OSError("the temporary file of encoded rows ends too early")
            view[at : at + wanted] = piece

    def part(self, start: int, end: int) -> Array:
        """Read the rows from start to end - 1, as far as there are any."""
        end = min(end, self.n)
        out = np.empty((max(0, end - start), *self.row_shape), self.dtype)
        self.read_into(out, start)
        return out

    def pieces(self) -> Iterator[bytes]:
        """Give all bytes, piece by piece."""
        for at in range(0, self.size, _CHUNK):
            self._file.seek(at)
            yield self._file.read(_CHUNK)

    def close(self) -> None:
        self._file.close()


class PileOrder(NamedTuple):
    """The order of the rows of an epoch: of the groups, and the seed of the orders within piles."""

    groups: Order
    seed: int


@dataclass
class Piles:
    """Encoded rows on the disk, in the place of ``batch.Rows`` where these do not fit in memory.

    Parameters
    ----------
    x, y_t, weight : Stored
        As of ``Rows``; weight may be None.
    pile_bytes : int
        What the rows of a pile may take in memory.
    """

    x: Stored
    y_t: Stored
    weight: Stored | None
    pile_bytes: int

    def __post_init__(self) -> None:
        for stored in self.stored:
            stored.end()
        n, most = len(self), max(1, self.pile_bytes // self.row_bytes)
        self.n_piles = -(-n // most)
        pile = -(-n // max(1, self.n_piles))
        groups = min(max(pile * self.row_bytes // GROUP_BYTES, FEWEST_GROUPS), MOST_GROUPS)
        self.group_rows = n if self.n_piles == 1 else max(1, pile // groups)

    def __len__(self) -> int:
        return self.x.n

    @property
    def stored(self) -> list[Stored]:
        return [self.x, self.y_t, *([] if self.weight is None else [self.weight])]

    @property
    def row_bytes(self) -> int:
        """What a row of a pile takes in memory, and its place in an order."""
        return sum(stored.row_bytes for stored in self.stored) + BESIDE

    @property
    def n_groups(self) -> int:
        return -(-len(self) // self.group_rows)

    @property
    def most_rows(self) -> int:
        """The rows of the largest pile."""
        return min(len(self), self.group_rows * -(-self.n_groups // self.n_piles))

    def part(self, start: int, end: int) -> Rows:
        """Read the rows from start to end - 1, as far as there are any."""
        weight = None if self.weight is None else self.weight.part(start, end)
        return Rows(self.x.part(start, end), self.y_t.part(start, end), weight)

    def take(self, rows: Order) -> Rows:
        """Read a few rows, in the order given."""
        parts = [self.part(row, row + 1) for row in rows.tolist()] or [self.part(0, 0)]
        weight = None
        if self.weight is not None:
            weight = np.concatenate([np.asarray(part.weight) for part in parts])
        x, y_t = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
        return Rows(x, y_t, weight)

    def sample(self, most: int) -> Rows:
        """Read at most so many rows, evenly spread over the file; all, if there is one pile."""
        n = len(self)
        if self.n_piles == 1 or n <= most:
            return self.part(0, n)
        return self.take(np.arange(most) * (n - 1) // (most - 1))

    def order(self, bits: np.random.BitGenerator) -> Any:
        """Draw the order of an epoch: of the rows, if there is one pile, or else of the groups."""
        if self.n_piles == 1:
            return shuffled(len(self), bits)
        return PileOrder(shuffled(self.n_groups, bits), int(bits.random_raw()))

    def piles(self, groups: Order | None) -> list[Order]:
        """Give the groups of each pile, in the order of the file."""
        every = np.arange(self.n_groups) if groups is None else groups
        return [np.sort(pile) for pile in np.array_split(every, self.n_piles)]

    def bounds(self, group: int) -> tuple[int, int]:
        """Give the first row of a group, and the row behind its last."""
        start = group * self.group_rows
        return start, min(start + self.group_rows, len(self))

    def close(self) -> None:
        for stored in self.stored:
            stored.close()
