"""The communicator of xgboost's collective, which is imported when it is asked for.

It starts wherever xgboost trains: under Dask, Ray and Spark. Its sums have an order of their own,
so each process sends the parts of all with zeros in place of the others', to which adding is exact:
the bits are those of the tree, at 8 times the bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.workers.seam import leaves, tree

Array = NDArray[Any]


class Collective:
    """See ``seam.Comm``; to be made inside ``xgboost.collective.CommunicatorContext``."""

    def __init__(self) -> None:
        from xgboost import collective

        self._collective = collective
        self.rank, self.size = int(collective.get_rank()), int(collective.get_world_size())

    def tree_sum(self, parts: Array) -> Array:
        own = leaves(self.rank, self.size)
        every = np.zeros((leaves(self.size - 1, self.size).stop, parts.shape[1]), parts.dtype)
        every[own.start : own.stop] = parts
        total = self._collective.allreduce(every.ravel(), self._collective.Op.SUM)
        return tree(total.reshape(every.shape))

    def gather(self, value: bytes) -> list[bytes]:
        return [self._collective.broadcast(value, root) for root in range(self.size)]
