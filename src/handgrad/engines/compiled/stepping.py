"""The compiled engine in halves of a step, for workers; see ``seam.Stepping`` and ``halves.py``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.engines.compiled import layout, library
from handgrad.engines.compiled.asking import check_status, readable
from handgrad.engines.compiled.engine import Compiled
from handgrad.network import Architecture
from handgrad.optim import Steps
from handgrad.params import Params

Array = NDArray[Any]


class Stepper(Compiled):
    """See ``seam.Stepping``."""

    def __init__(self, architecture: Architecture, rows: Rows, steps: Steps) -> None:
        super().__init__(architecture, rows, steps)
        names = "carry", "gradient", "move"
        self._doors = [library.door(name, rows.x.dtype.name) for name in names]

    def begin(
        self, params: Params, slots: Array, rates: NDArray[np.float64], order: NDArray[np.intp]
    ) -> None:
        self._learning_rates = np.ascontiguousarray(rates)
        self._set("learning_rates", self._learning_rates.ctypes.data)
        self._set("gathers", 1)
        self._borrow(params.flat, slots, readable(order, np.dtype(np.int64)))
        check_status(self._doors[0](0, *self._addresses))

    def gradient(
        self, first: int, n: int, of: int, keys: NDArray[np.uint64], out: Array
    ) -> tuple[float, float]:
        at = keys.ctypes.data, out.ctypes.data
        check_status(self._doors[1](first, n, of, *at, *self._addresses))
        return float(self._sums[layout.LOSS]), float(self._sums[layout.RIGHT])

    def move(self, gradient: Array, batch: int, t: int) -> float:
        check_status(self._doors[2](gradient.ctypes.data, batch, t, *self._addresses))
        return float(self._sums[layout.NORM])

    def end(self) -> bool:
        check_status(self._doors[0](1, *self._addresses))
        return not self._sums[layout.NOT_FINITE]
