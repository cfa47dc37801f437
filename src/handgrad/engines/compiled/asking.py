"""Predicting with the compiled engine: what the kernels are asked, and where everything lies.

Parameters are read where they are at each call, so that no change in place is missed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled import layout, library
from handgrad.engines.compiled.threads import share
from handgrad.engines.processors import threads_given
from handgrad.engines.seam import Team
from handgrad.network import scale_folded

if TYPE_CHECKING:
    from handgrad.network import Architecture
    from handgrad.params import Params

Array = NDArray[Any]

ROWS_A_THREAD = 2048  # fewer rows to predict are not worth a second thread
ROWS_A_TURN = 4096  # of each of several networks, which find them in the cache then


def predict(
    architecture: Architecture,
    params: Params,
    x: Array,
    *,
    probabilities: bool,
    threads: int | None = None,
) -> Array:
    """Compute scores (n, N_y), or probabilities (n, K), of encoded rows, on all cores we have."""
    team = Team(((architecture, params),))
    return predict_together(team, x, probabilities=probabilities, threads=threads)


def predict_together(
    team: Team, x: Array, *, probabilities: bool, threads: int | None = None
) -> Array:
    """Do the same for a team that ``can_answer``."""
    asked, n = Asked(team, x, probabilities=probabilities), len(x)

    def run(part: int, parts: int) -> None:
        begin, end = n * part // parts, n * (part + 1) // parts
        work = asked.room()
        turn = ROWS_A_TURN if len(team.networks) > 1 else max(1, n)
        for start in range(begin, end, turn):
            for door in asked.doors(start, min(start + turn, end), work):
                check_status(door())

    if n < 2 * ROWS_A_THREAD:
        run(0, 1)
    else:
        share(run, min(n // ROWS_A_THREAD, threads_given() if threads is None else threads))
    return asked.answer()


def gives_probabilities(team: Team) -> bool:
    """Tell whether kernels give the probabilities of a team, or scores alone."""
    return len(team.networks) > 1 or team.temperature == 1


class Asked:
    """Rows, networks and where their answers go, with all addresses."""

    def __init__(self, team: Team, x: Array, *, probabilities: bool) -> None:
        architecture, params = team.networks[0]
        n, k, n_scores = len(x), len(team.networks), params.layer_units[-1]
        head, dtype = architecture.head, params.flat.dtype
        classes = 2 if probabilities and head.is_binary(n_scores) else n_scores
        self._team, self._joins = team, k > 1 and head.classifies
        self._out = np.empty((n, classes), dtype)
        self._scores = np.empty((k, n, n_scores), dtype) if k > 1 else self._out[np.newaxis]
        self._x = readable(x, dtype)
        self._lanes = library.vector_bytes() // dtype.itemsize
        self._asks = layout.OUTPUT_NAMES.index(architecture.output), int(probabilities)
        self._laid: list[layout.Laid] = []
        self._flat: list[Array] = []
        self._door = library.door("predict", dtype.name)
        asks = self._asks if k == 1 else (self._asks[0], 0)
        self._arguments = [
            self._arguments_of(*network, scores, asks)
            for network, scores in zip(team.networks, self._scores, strict=True)
        ]
        self._size = max(laid.size for laid in self._laid)
        if self._joins:
            self._prepare_to_join(n_scores)

    def _arguments_of(
        self, architecture: Architecture, params: Params, scores: Array, asks: tuple[int, int]
    ) -> tuple[int, ...]:
        plain, folded = scale_folded(architecture, params)
        block = layout.FEW if len(scores) <= layout.FEW else layout.BLOCK
        units, activations = plain.layer_units, plain.activations
        laid = layout.lay_out(units, activations, self._lanes, block, plain.skip)
        flat = readable(folded.flat, scores.dtype)
        self._laid.append(laid)
        self._flat.append(flat)
        places = (array.ctypes.data for array in (self._x, flat, scores))
        return (*places, *laid.addresses, *asks)

    def _prepare_to_join(self, n_scores: int) -> None:
        k, n, _ = self._scores.shape
        shares = np.full(k, 1 / k) if self._team.shares is None else self._team.shares
        self._weights = np.array([*shares, self._team.temperature], self._out.dtype)
        self._joining = (
            *(self._scores.ctypes.data, n, k, n_scores, self._weights.ctypes.data),
            *(self._out.ctypes.data, *self._asks),
        )
        self._door_that_joins = library.door("join", self._out.dtype.name)
        self._size = max(self._size, (k * n_scores + n_scores + k) * self._lanes)

    def room(self) -> Array:
        """Make the array that one thread works in."""
        return aligned(self._size, self._out.dtype)

    def doors(self, begin: int, end: int, work: Array) -> list[partial[int]]:
        """Give what is to be called, in this order, for these rows."""
        address = work.ctypes.data
        doors = [partial(self._door, begin, end, *one, address) for one in self._arguments]
        if self._joins:
            doors.append(partial(self._door_that_joins, begin, end, *self._joining, address))
        return doors

    def renew(self) -> None:
        """Copy parameters anew that the kernels cannot read where they are."""
        for (architecture, params), flat in zip(self._team.networks, self._flat, strict=True):
            if flat is not params.flat:
                flat[...] = scale_folded(architecture, params)[1].flat

    def answer(self) -> Array:
        """Give what was asked for, once all has been called."""
        return self._out if self._joins else self._team.joined(self._scores)


class Prepared:
    """Predicts what stands in the same few rows, again and again: see ``seam.Backend.prepare``."""

    def __init__(self, team: Team, x: Array, *, proba: bool) -> None:
        dtype = team.networks[0][1].flat.dtype
        if not x.flags.carray or x.dtype != dtype:
            raise ValueError(f"x must be C-contiguous and of {dtype}; got {x.dtype}")
        self._asked = Asked(team, x, probabilities=proba)
        self._work = self._asked.room()
        self._doors = self._asked.doors(0, len(x), self._work)

    def __call__(self) -> Array:
        self._asked.renew()
        for door in self._doors:
            check_status(door())
        return self._asked.answer()


def readable(array: Array, dtype: np.dtype[Any]) -> Array:
    """Give an array as the kernels read it, which know its address alone; copied if need be."""
    found: Array = np.require(array, dtype.newbyteorder("="), ["C", "A"])
    return found


def aligned(n: int, dtype: np.dtype[Any]) -> Array:
    """Make an array of n numbers that begins on a cache line; zeros, where it is large."""
    raw = np.zeros(n * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    zeros: Array = raw[start : start + n * dtype.itemsize].view(dtype)
    return zeros


def check_status(status: int) -> None:
    """Tell of an exception in compiled code, of which only its number comes out."""
    if status:
        raise RuntimeError(f"the compiled engine failed with status {status}; please report it")
