"""What the page shows of an equation's operands: "x @ W1 + b1" beside the numbers of r."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handgrad.explain.operands import Operand, chain, operands
from handgrad.playground.wide import block, rounded

if TYPE_CHECKING:
    from handgrad.explain.equations import Equation
    from handgrad.explain.operands import Part
    from handgrad.explain.trace import Trace
    from handgrad.playground.session import Session


def shown_operands(session: Session, t: Trace, *, rests: bool) -> dict[str, Any] | None:
    """Give the parts of every equation whose arrays fit; None while nobody reads them.

    They are read during a walk by equation, and at rest once a point has been chosen.
    """
    if session.at is None and not (rests and session.is_chosen):
        return None
    parts = {equation.name: _shown(t, equation) for equation in t.equations}
    return {name: found for name, found in parts.items() if found}


def shown_chain(session: Session, t: Trace, *, rests: bool) -> list[Any] | None:
    """Give the derivatives between loss and scores, as ``chain`` lists them; None while it plays.

    None, too, where an array of theirs would not fit.
    """
    linked = chain(t) if rests or session.at is not None else []
    found = [
        {"value": block(one.value), "parts": [_part(part) for part in one.operands]}
        for one in linked
    ]
    fits = all("numbers" in one["value"] for one in found)
    return found if found and fits else None


def shown_fall(session: Session, t: Trace, *, rests: bool) -> list[Any] | None:
    """Give the point's loss before and after the step (13), and the promised change."""
    if session.at is None and not rests:
        return None
    return [rounded(number) for number in (float(t["L"]), t.loss_after, t.promised_change)]


def _shown(t: Trace, equation: Equation) -> list[Any]:
    if "numbers" not in block(t[equation.name]):
        return []
    parts = [_part(part) for part in operands(t, equation)]
    return parts if all(isinstance(part, str) or "numbers" in part for part in parts) else []


def _part(part: Part) -> str | dict[str, Any]:
    return {"name": part.name, **block(part.numbers)} if isinstance(part, Operand) else part
