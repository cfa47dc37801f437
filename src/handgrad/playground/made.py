"""What the optimiser makes of (13): the batch's own update, beside the step of one row's trace.

Equation (13) of a trace is plain gradient descent on the row that is shown. The update that
follows is that of the chosen rule on the whole batch, with what it remembers of earlier ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.network import backward, forward
from handgrad.playground.wide import rounded

if TYPE_CHECKING:
    from handgrad.params import Params
    from handgrad.playground.session import Session

Array = NDArray[Any]

MOST_OF_EACH = 3  # entries of an array


def made(session: Session) -> dict[str, Any] | None:
    """Describe the next update, while a walk by equation leads to it; None at other times.

    Its "moves" are the entries of every array that move furthest, a list for each: the entry's
    name, its old value, its gradient on the batch, its new value, and the one that (13) names.
    They are empty if the update diverges.
    """
    if session.at is None or session.under_way is None:
        return None
    rows = session.points.training[session.under_way.batch()]
    old, new, promised = session.run.params, session.ahead(), session.promised()
    return {
        "rule": session.recipe.optimizer,
        "n": len(rows),
        "first": int(rows[0]),
        "has_sample": session.sample in rows,
        "drops": session.recipe.dropout > 0,
        "is_promised": new is not None and np.allclose(new.flat, promised.flat, 1e-12, 0),
        "moves": [] if new is None else _moves(old, batch_gradient(session, rows), new, promised),
    }


def batch_gradient(session: Session, rows: NDArray[np.intp]) -> Params:
    """Compute the mean gradient of some rows, penalty included, without dropout."""
    return mean_gradient(session, session.run.params, rows, session.recipe.l2)


def mean_gradient(session: Session, params: Params, rows: NDArray[np.intp], l2: float) -> Params:
    """Compute the mean gradient of some rows at some parameters, without dropout."""
    batch = session.points.rows(rows)
    tape = forward(session.architecture, params, batch.x)
    return backward(session.architecture, params, tape, batch.y_t, None, l2)


def _moves(old: Params, gradient: Params, new: Params, promised: Params) -> list[list[Any]]:
    listed = []
    for name, array in old.named():
        moved = np.abs(new[name] - array).ravel()
        for at in sorted(np.argsort(-moved, kind="stable")[:MOST_OF_EACH].tolist()):
            place = ", ".join(map(str, np.unravel_index(at, array.shape)))
            values = [part[name].flat[at] for part in (old, gradient, new, promised)]
            listed.append([f"{name}[{place}]", *(rounded(float(value)) for value in values)])
    return listed
