"""The last hidden layer as a plane: where it puts every point.

The axes are two units of a layer of at most three, else the first two principal components of h.
A component's sign means nothing, so each keeps the direction that it had when it was last seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.network import forward

if TYPE_CHECKING:
    from handgrad.playground.runs import Runs
    from handgrad.playground.session import Session

Array = NDArray[Any]

MOST_DIRECT = 3  # units that are axes themselves


class Components(NamedTuple):
    """Two principal components.

    Attributes
    ----------
    directions : array of shape (2, units)
    shares : array of shape (2,)
        Of the variance.
    places : array of shape (n, 2)
    """

    directions: Array
    shares: Array
    places: Array


class HiddenView:
    """Remembers the directions of the components from one look to the next."""

    def __init__(self) -> None:
        self.directions: Array | None = None

    def look(self, runs: Runs, across: int, up: int) -> dict[str, Any]:
        """Describe all points in the last hidden layer; ``across`` and ``up`` choose units.

        Raises
        ------
        ValueError
            If there is no hidden layer, its numbers are not finite, or there is no such unit.
        """
        h = _last_hidden(runs.session)
        units = h.shape[1]
        if units > MOST_DIRECT:
            found = components(h, self.directions)
            self.directions = found.directions
            axes = [[f"component {k + 1}", float(found.shares[k])] for k in (0, 1)]
            places = found.places
        else:
            if not (0 <= across < units and 0 <= up < units):
                raise ValueError(f"an axis must be a unit from 0 to {units - 1}")
            axes = [[f"h of unit {unit + 1}", None] for unit in (across, up)]
            places = h[:, [across, up]]
        return {
            "kind": "hidden",
            "version": runs.version,
            "layout": runs.layout,
            "units": units,
            "axes": axes,
            "places": np.round(places, 5).tolist(),
        }


def _last_hidden(session: Session) -> Array:
    if len(session.architecture.layer_units) < 3:
        raise ValueError("the network has no hidden layer; add one to see its view")
    x = session.points.fed(session.points.x)
    with np.errstate(over="ignore", invalid="ignore"):
        h: Array = forward(session.architecture, session.run.params, x).h[-1]
    if not np.isfinite(h).all():
        raise ValueError("the hidden layer's numbers are not finite; start over")
    return h


def components(h: Array, before: Array | None) -> Components:
    """Find the first two principal components of rows, in the directions nearest to ``before``.

    Without ``before``, the entry of largest size is positive in each.
    """
    centred = h - h.mean(axis=0)
    # of units by units: far quicker than of all rows, and exact enough for a picture
    _, variances, directions = np.linalg.svd(centred.T @ centred, hermitian=True)
    directions = directions[:2]
    if before is None or before.shape != directions.shape:
        largest = np.abs(directions).argmax(axis=1)
        sides = np.take_along_axis(directions, largest[:, np.newaxis], axis=1)[:, 0]
    else:
        sides = (directions * before).sum(axis=1)
    directions = np.where(sides < 0, -1.0, 1.0)[:, np.newaxis] * directions
    shares = variances[:2] / max(float(variances.sum()), 1e-300)
    return Components(directions, shares, centred @ directions.T)
