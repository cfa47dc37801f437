"""A skip past the layers: equation 3 becomes score = h W2 + b2 + w V, for wide inputs w.

The wide inputs of a column are many and nearly all 0 or 1, so a row does not hold them. It holds
one number u for each column, behind the N_x numbers of x, and a basis says which part of w this
u stands for:

    linear   w = u
    levels   n numbers: a 1 at place u, and 0 elsewhere; u = -1 is none of the levels
    pieces   u in [0, n] is a place among the edges of n bins, t at edge t; first its hat,
             w_t = max(0, 1 - |u - t|) for t = 0..n, then its steps, w_t = clip(u - t, 0, 1) for
             t = 0..n-1: piecewise linear inputs (Gorishniy et al., 2022, equation 1)

All are linear between whole u: with a table T of what each whole u adds to the scores, u adds
(1 - f) T[t] + f T[t + 1] for t = floor(u), f = u - t. The compiled engine computes that.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Linear:
    """A column that enters w as it is."""

    n: int = 1
    kind: ClassVar[str] = "linear"

    @property
    def width(self) -> int:
        """The number of its inputs in w."""
        return 1

    @property
    def last(self) -> int:
        """A usual u, the largest where there is one."""
        return 1

    def spread(self, u: Array) -> Array:
        """Write out the part of w, shape (rows, width), that u stands for, shape (rows,)."""
        return u[:, None]


@dataclass(frozen=True)
class Levels:
    """A column that is one of n levels, or none of them."""

    n: int
    kind: ClassVar[str] = "levels"

    @property
    def width(self) -> int:
        return self.n

    @property
    def last(self) -> int:
        return self.n - 1

    def spread(self, u: Array) -> Array:
        chosen: Array = (u[:, None] == np.arange(self.n)).astype(u.dtype)
        return chosen


@dataclass(frozen=True)
class Pieces:
    """A column that is a place among the edges of n bins."""

    n: int
    kind: ClassVar[str] = "pieces"

    @property
    def width(self) -> int:
        return 2 * self.n + 1

    @property
    def last(self) -> int:
        return self.n

    def spread(self, u: Array) -> Array:
        edges = np.arange(self.n + 1, dtype=u.dtype)
        hat = np.maximum(0, 1 - np.abs(u[:, None] - edges))
        steps = np.clip(u[:, None] - edges[:-1], 0, 1)
        return np.concatenate([hat, steps], axis=1)


Basis = Linear | Levels | Pieces
BASES: dict[str, type[Basis]] = {basis.kind: basis for basis in (Linear, Levels, Pieces)}


def width(skip: tuple[Basis, ...]) -> int:
    """Count the wide inputs N_w, which are the rows of V."""
    return sum(basis.width for basis in skip)


def spread(skip: tuple[Basis, ...], u: Array) -> Array:
    """Write out w, shape (n, N_w), of rows that hold u, shape (n, columns)."""
    columns = [basis.spread(u[:, place]) for place, basis in enumerate(skip)]
    return np.concatenate(columns, axis=1)
