"""An output layer that grows when new classes are named.

The old classes keep their scores, and the optimiser its memory of them. New columns are drawn
as in a fresh network, their memory is empty.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.network import Architecture
from handgrad.outputs import for_classes
from handgrad.params import Params, count, glorot_uniform
from handgrad.training.run import Run

Array = NDArray[Any]


def grow(
    architecture: Architecture, run: Run, places: NDArray[np.intp], n_classes: int
) -> tuple[Architecture, Run]:
    """Make a network for more classes out of one for fewer.

    Parameters
    ----------
    architecture, run : Architecture, Run
        The network there is; neither is changed.
    places : int array of shape (K,)
        Where the classes there are stand among the new ones.
    n_classes : int
        How many there are to be, more than K.
    """
    output, n_scores = for_classes(n_classes)
    two = output.is_binary(n_scores)  # the one score is that of class 1 over class 0
    units = (*architecture.layer_units[:-1], n_scores)
    grown = replace(architecture, layer_units=units, output=output.name)
    fresh_units = (*architecture.layer_units[:-1], n_classes)
    # The output layer's bound depends on its own units alone.
    fresh = glorot_uniform(fresh_units, "relu", run.bits, run.params.flat.dtype)

    def widened(params: Params, last: tuple[Array, Array, Array]) -> Array:
        columns = [np.array(part) for part in last]
        V = np.zeros((0, params.layer_units[-1])) if params.V is None else params.V
        for new, old in zip(columns, (params.W[-1], params.b[-1], V), strict=True):
            is_score_of_one = architecture.head.is_binary(architecture.layer_units[-1])
            new[..., places] = (
                np.stack([0 * old[..., 0], old[..., 0]], -1) if is_score_of_one else old
            )
        last_parts = [part[..., 1:] - part[..., :1] if two else part for part in columns]
        end = count(params.layer_units) - params.W[-1].size - params.b[-1].size
        beside = [] if params.s is None else [params.s]
        return np.concatenate([params.flat[:end], *map(np.ravel, last_parts), *beside])

    n_wide = run.params.beside.n_wide
    zeros = (np.zeros_like(fresh.W[-1]), np.zeros_like(fresh.b[-1]))
    V = np.zeros((n_wide, n_classes), fresh.flat.dtype)
    flat = widened(run.params, (fresh.W[-1], fresh.b[-1], V))
    params = Params.view(flat, units, run.params.beside)
    slots = np.zeros((len(run.slots), flat.size), flat.dtype)
    for slot, old in zip(slots, run.slots, strict=True):
        slot[:] = widened(run.params.like(old), (*zeros, V))
    return grown, replace(run, params=params, slots=slots)
