"""One engine shared among workers: each computes its part of every gradient, all make every update.

The parts are those of ``workers/dealing.py``; their sums go through one tree (``workers/seam.py``),
so that the number of workers changes no bit. Every worker has all rows, of which it reads its own.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.chance import GOLDEN, Keys
from handgrad.dropout import layer_keys
from handgrad.engines.seam import Diverged, Measured, Stepping, SteppingFactory, bad_input
from handgrad.network import Architecture
from handgrad.optim import Steps
from handgrad.params import Params
from handgrad.workers.crew import Crew
from handgrad.workers.dealing import Dealt, cuts, shard_of

Array = NDArray[Any]


class Sharded:
    """See ``seam.Engine``; an order of rows is ``Dealt``.

    Parameters
    ----------
    architecture, rows, steps
        As for every engine, the same in all workers.
    make : SteppingFactory
        Makes what computes.
    crew : Crew
    """

    def __init__(
        self,
        architecture: Architecture,
        rows: Rows,
        steps: Steps,
        *,
        make: SteppingFactory,
        crew: Crew,
    ) -> None:
        self._steps, self._crew, self._n = steps, crew, len(rows)
        self._units = np.array(architecture.layer_units[1:-1], np.uint64)
        self._bad_rows = rows.not_finite()
        self._batch_size = min(steps.batch_size, len(rows))
        self._cuts = cuts(len(rows), self._batch_size, crew.n_leaves)
        self._shards = sorted({shard_of(leaf, crew.n_leaves) for leaf in crew.leaves})
        a_part = max(1, int(self._cuts.n.max()))
        self._stepping: Stepping = make(architecture, rows, replace(steps, batch_size=a_part))

    @property
    def uses_blas(self) -> bool:
        return self._stepping.uses_blas

    def scores(self, params: Params, x: Any) -> Array:
        return self._stepping.scores(params, x)

    def run_epoch(
        self,
        params: Params,
        slots: Array,
        updates: int,
        rates: float | NDArray[np.float64],
        order: Any,
    ) -> Measured:
        dealt = Dealt(self._n) if order is None else order
        crew, stepping, size_of = self._crew, self._stepping, self._batch_size
        n_batches, n_leaves, p = len(self._cuts.n), len(crew.leaves), params.flat.size
        self._begin(params, slots, np.broadcast_to(rates, n_batches).astype(np.float64), dealt)
        keys = self._keys(updates, n_batches)
        bad_batch = None
        if self._bad_rows.size:
            bad_batch = dealt.first_place(self._bad_rows) // size_of
        parts = np.zeros((n_leaves, p + 2), params.flat.dtype)  # with the loss, and who has heard
        sums = np.zeros((n_leaves, 2))
        last_loss, norm = None, math.nan
        for batch in range(n_batches):
            if batch == bad_batch:
                raise bad_input(batch + 1, last_loss)
            rows = min(size_of, self._n - batch * size_of)
            self._add_parts(batch, rows, keys, parts, sums)
            parts[0, -1] = crew.heard
            total = crew.tree_sum(parts)
            crew.check(total[-1])
            loss = float(total[-2]) / rows
            if not math.isfinite(loss):
                stepping.end()
                raise Diverged(f"the loss became {loss}", batch + 1, last_loss)
            norm, last_loss = stepping.move(total[:p], batch, updates + batch + 1), loss
        if not stepping.end():
            raise Diverged("a parameter or its slot was not finite", None, last_loss)
        loss, right = crew.tree_sum(sums).tolist()
        return Measured(loss / self._n, right / self._n, norm)

    def _begin(
        self, params: Params, slots: Array, rates: NDArray[np.float64], dealt: Dealt
    ) -> None:
        """Put the rows of our shards in their order, one shard after the other."""
        orders = [dealt.shard(shard) for shard in self._shards]
        begins = np.cumsum([0, *map(len, orders)])
        shards = [
            self._shards.index(shard_of(leaf, self._crew.n_leaves)) for leaf in self._crew.leaves
        ]
        own = slice(self._crew.leaves.start, self._crew.leaves.stop)
        self._first = (self._cuts.first[:, own] + begins[shards]).tolist()
        self._sizes = self._cuts.n[:, own].tolist()
        self._stepping.begin(params, slots, rates, np.concatenate(orders))

    def _keys(self, updates: int, n_batches: int) -> Keys:
        """Say where dropout's hash stands at the first row of each part: (batches, parts, layers).

        A batch has the hash that it has without workers, in which a row's numbers follow those of
        the rows before it.
        """
        leaves = self._crew.leaves
        if not any(self._steps.dropout):
            return np.zeros((n_batches, len(leaves), 0), np.uint64)
        keys = layer_keys(self._steps.seed, updates + 1, n_batches, len(self._units))
        before = self._cuts.before[:, leaves.start : leaves.stop, None].astype(np.uint64)
        return keys[:, None, :] + before * self._units * np.uint64(GOLDEN)

    def _add_parts(self, batch: int, rows: int, keys: Keys, parts: Array, sums: Array) -> None:
        """Compute our parts of a batch's gradient, and add up what they measure."""
        places = zip(self._first[batch], self._sizes[batch], strict=True)
        for leaf, (first, n) in enumerate(places):
            if not n:
                parts[leaf] = 0
                continue
            out = parts[leaf, :-2]
            measured = self._stepping.gradient(first, n, rows, keys[batch, leaf], out)
            parts[leaf, -2] = measured[0]
            sums[leaf] += measured
