"""The loss along one weight: its curve around the present value, and the slope there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.network import forward, loss
from handgrad.playground.made import batch_gradient
from handgrad.playground.wide import finite

if TYPE_CHECKING:
    from handgrad.params import Params
    from handgrad.playground.session import Session

BESIDE = 20  # values on each side of the present one
LEAST_WIDTH = 1.0  # from the present value to the ends of the curve
MOST_PRODUCTS = 2e8  # of weights and rows, for a whole curve; some 100 ms
FEWEST_ROWS = 50  # that are measured however large the network is


def along(session: Session, place: int) -> dict[str, Any]:
    """Measure the loss, penalty included, at values of one parameter around the present one.

    While a walk by equation goes on, it is the loss of the point that is shown; else the mean loss
    of the training rows, or, in a large network, of some that are evenly spread.

    Raises
    ------
    ValueError
        If there is no parameter at that place of the flat vector.
    """
    params = session.run.params
    if not 0 <= place < params.flat.size:
        raise ValueError(f"a place must be from 0 to {params.flat.size - 1}; got {place}")
    rows, value = _rows(session), float(params.flat[place])
    beside = np.arange(-BESIDE, BESIDE + 1) / BESIDE
    values = value + max(LEAST_WIDTH, abs(value)) * beside
    with np.errstate(over="ignore", invalid="ignore"):
        losses = _losses(session, rows, place, values)
        slope = float(batch_gradient(session, rows).flat[place])
    return {
        "kind": "along",
        "place": place,
        "name": _name(params, place),
        "rows": len(rows),
        "of": len(session.points.training),
        "point": None if session.at is None else session.sample,
        "l2": session.recipe.l2,
        "values": values.tolist(),
        "losses": [finite(measured) for measured in losses],
        "value": value,
        "loss": finite(losses[BESIDE]),
        "slope": finite(slope),
    }


def _rows(session: Session) -> NDArray[np.intp]:
    if session.at is not None:
        return np.array([session.sample], np.intp)
    training = session.points.training
    each = session.run.params.flat.size * (2 * BESIDE + 1)
    most = min(len(training), max(FEWEST_ROWS, int(MOST_PRODUCTS / each)))
    return training[np.linspace(0, len(training) - 1, most).astype(np.intp)]


def _losses(
    session: Session, rows: NDArray[np.intp], place: int, values: NDArray[Any]
) -> list[float]:
    architecture, tried = session.architecture, session.run.params.copy()
    batch, losses = session.points.rows(rows), []
    for value in values:
        tried.flat[place] = value
        tape = forward(architecture, tried, batch.x)
        losses.append(float(loss(architecture, tried, tape, batch.y_t, None, session.recipe.l2)))
    return losses


def _name(params: Params, place: int) -> str:
    """Name a parameter as its array's entry."""
    for name, array in params.named():
        if place < array.size:
            at = ", ".join(map(str, np.unravel_index(place, array.shape)))
            return f"{name}[{at}]"
        place -= array.size
    raise IndexError(place)
