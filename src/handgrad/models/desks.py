"""Where one row at a time is predicted: memory and engine are found once, not in each call.

A change of parameters in place counts in the next answer: see ``seam.Backend.prepare``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.engines.seam import Backend, Team

Array = NDArray[Any]


class Desk(NamedTuple):
    """What one call works with: the inputs of a row, and the engine ready to look at them."""

    x: Array  # (1, N_x)
    scores: Callable[[], Array]  # (1, N_y), which the next call changes
    proba: Callable[[], Array]  # (1, K), likewise; the scores of what has no classes


class Desks:
    """Desks for any number of threads, each of which takes one and brings it back.

    Parameters
    ----------
    backend : Backend
    team : Team
    gives_proba : bool
        Whether the backend is asked for probabilities, too.
    """

    def __init__(self, backend: Backend, team: Team, *, gives_proba: bool) -> None:
        self._backend, self._team, self._gives_proba = backend, team, gives_proba
        self._free: list[Desk] = []

    def scores(self, x: Array) -> Array:
        """Compute the scores of one row, from (1, N_x) to (1, N_y)."""
        return self._asked(x, lambda desk: desk.scores())

    def proba(self, x: Array) -> Array:
        """Compute the probabilities of one row, from (1, N_x) to (1, K)."""
        return self._asked(x, lambda desk: desk.proba())

    def _asked(self, x: Array, compute: Callable[[Desk], Array]) -> Array:
        desk = self.take()
        desk.x[...] = x
        found = compute(desk).copy()
        self.give(desk)
        return found

    def take(self) -> Desk:
        """Take a desk that no other call works at; who raises an error does not bring it back."""
        try:
            return self._free.pop()
        except IndexError:
            return self._new()

    def give(self, desk: Desk) -> None:
        self._free.append(desk)

    def _new(self) -> Desk:
        architecture, params = self._team.networks[0]
        x = np.zeros((1, architecture.n_inputs), params.flat.dtype)
        prepare = self._backend.prepare
        scores = prepare(self._team, x, proba=False)
        return Desk(x, scores, prepare(self._team, x, proba=True) if self._gives_proba else scores)
