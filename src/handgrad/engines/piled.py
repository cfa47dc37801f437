"""Any engine, pile by pile: an epoch over more rows than memory holds.

The last rows of a pile, which fill no batch, stay in memory and are shuffled into the next, so that
every batch but the last is full, and each row is visited once. What an engine computes for a batch
does not depend on where its rows lie: if all rows fit into one pile, the result is that of the
engine alone, to the bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.chance import Order, order_for
from handgrad.engines.seam import Diverged, Engine, EngineFactory, Measured
from handgrad.engines.spool import PileOrder, Piles
from handgrad.network import Architecture
from handgrad.optim import Steps
from handgrad.params import Params

Array = NDArray[Any]

ROWS_TO_MEASURE = 4096  # of the engine that measures before the first epoch


class Piled:
    """See ``seam.Engine``."""

    def __init__(
        self, make: EngineFactory, architecture: Architecture, piles: Piles, steps: Steps
    ) -> None:
        self._make, self._architecture, self._steps = make, architecture, steps
        self._piles = piles
        self._engine: Engine = make(architecture, piles.part(0, ROWS_TO_MEASURE), steps)
        self._room: Rows | None = None

    @property
    def uses_blas(self) -> bool:
        return self._engine.uses_blas

    def scores(self, params: Params, x: Any) -> Array:
        return self._engine.scores(params, x)

    def run_epoch(
        self,
        params: Params,
        slots: Array,
        updates: int,
        rates: float | NDArray[np.float64],
        order: Any,
    ) -> Measured:
        n, size = len(self._piles), self._steps.batch_size
        each = np.array(np.broadcast_to(rates, -(-n // size)), dtype=np.float64)
        loss = right = 0.0
        done = head = 0  # batches, and rows at the beginning of the room that have waited
        measured: Measured | None = None
        orders = _Orders(order)
        piles = self._piles.piles(orders.groups)
        is_there = len(piles) == 1 and self._room is not None  # a single pile is read but once
        for number, groups in enumerate(piles):
            filled = n if is_there else self._fill(head, groups)
            last = number == len(piles) - 1
            whole = filled if last else filled - filled % size
            if whole:
                places = orders.within(number, whole)
                steps = each[done : done + -(-whole // size)]
                measured = self._run(params, slots, updates + done, steps, places, whole, done)
                loss, right = loss + measured.loss * whole, right + measured.accuracy * whole
                done += len(steps)
            head = filled - whole
            self._move(whole, filled)
        assert measured is not None  # the last pile has a batch
        if len(piles) == 1:
            return measured
        return Measured(loss / n, right / n, measured.gradient_norm)

    def _run(
        self,
        params: Params,
        slots: Array,
        updates: int,
        rates: NDArray[np.float64],
        places: Order | None,
        whole: int,
        done: int,
    ) -> Measured:
        rows = self._rows(0, whole)
        self._engine = self._make(self._architecture, rows, self._steps)
        try:
            return self._engine.run_epoch(params, slots, updates, rates, places)
        except Diverged as came:
            chosen = np.arange(0)
            if came.batch is not None:
                every = np.arange(whole) if places is None else places
                start = (came.batch - 1) * self._steps.batch_size
                chosen = every[start : start + self._steps.batch_size]
            batch = done + (len(rates) if came.batch is None else came.batch)
            raise Diverged(str(came), batch, came.last_loss, rows.take(chosen)) from None

    # -- the room of a pile -----------------------------------------------------------------------

    def _rows(self, start: int, end: int) -> Rows:
        assert self._room is not None
        return self._room.part(start, end)

    def _fill(self, head: int, groups: Order) -> int:
        """Read groups behind the rows that have waited; count the rows there are."""
        piles = self._piles
        if self._room is None:
            n = piles.most_rows + min(self._steps.batch_size, len(piles)) - 1
            arrays = [np.empty((n, *one.row_shape), one.dtype) for one in piles.stored]
            self._room = Rows(*arrays)
        at = head
        for group in groups.tolist():
            start, stop = piles.bounds(group)
            end = at + stop - start
            for stored, array in zip(piles.stored, self._arrays(), strict=True):
                stored.read_into(array[at:end], start)
            at = end
        return at

    def _move(self, whole: int, filled: int) -> None:
        """Bring the rows that wait to the beginning."""
        for array in self._arrays():
            array[: filled - whole] = array[whole:filled].copy()

    def _arrays(self) -> list[Array]:
        assert self._room is not None
        return [array for array in self._room if array is not None]


class _Orders:
    """The orders of an epoch, whichever form they come in."""

    def __init__(self, order: PileOrder | Order | None) -> None:
        self._order = order
        self.groups = order.groups if isinstance(order, PileOrder) else None

    def within(self, number: int, n: int) -> Order | None:
        """Order the n rows of a pile."""
        if isinstance(self._order, PileOrder):
            return order_for(n, self._order.seed, number)
        return self._order
