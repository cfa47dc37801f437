"""How a batch's gradients are summed over its rows, and the mean that its update takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handgrad.playground.made import mean_gradient
from handgrad.playground.wide import block

if TYPE_CHECKING:
    from handgrad.params import Params
    from handgrad.playground.session import Session


def tally(session: Session, *, rests: bool) -> dict[str, Any] | None:
    """Describe the sums of gradients over the rows that steps by sample have shown so far.

    At rest after an update, over all rows of its batch, at the weights before it. None at other
    times and during a walk by equation. The "sums" are without the penalty; the "means" with it,
    and None until the last row has come.
    """
    if session.at is not None:
        return None
    if session.seen and session.under_way is not None:
        params, rows = session.run.params, session.points.training[session.under_way.batch()]
        done = session.seen
    elif rests and session.taken is not None:
        params, rows = session.run.params.like(session.last_flat), session.taken
        done = len(rows)
    else:
        return None
    total = mean_gradient(session, params, rows[:done], 0.0)
    total.flat[...] *= done
    is_whole = done == len(rows)
    mean = mean_gradient(session, params, rows, session.recipe.l2) if is_whole else None
    return {
        "done": done,
        "of": len(rows),
        "l2": session.recipe.l2,
        "was_taken": not session.seen,
        "drops": session.recipe.dropout > 0,
        "sums": _blocks(total),
        "means": None if mean is None else _blocks(mean),
    }


def _blocks(gradients: Params) -> dict[str, Any]:
    """List the arrays that fit in their places."""
    found = {f"d{name}": block(value) for name, value in gradients.named()}
    return {name: one for name, one in found.items() if "numbers" in one}
