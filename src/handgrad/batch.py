"""Encoded rows, on which a network is trained or measured."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


def is_sparse(columns: Any) -> bool:
    """Tell whether this is a SciPy sparse matrix or array."""
    return hasattr(columns, "tocsr")


class Rows(NamedTuple):
    """Encoded rows, on which a network is trained or measured."""

    x: npt.NDArray[Any]  # (n, N_x), dense or CSR
    y_t: npt.NDArray[Any]  # (n,) class numbers, or (n, N_y) targets
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

    def take(self, rows: npt.NDArray[np.intp]) -> Rows:
        weight = None if self.weight is None else self.weight[rows]
        return Rows(self.x[rows], self.y_t[rows], weight)

    def part(self, start: int, end: int) -> Rows:
        """Give the rows from start to end - 1, as far as there are any, without a copy."""
        weight = None if self.weight is None else self.weight[start:end]
        return Rows(self.x[start:end], self.y_t[start:end], weight)
