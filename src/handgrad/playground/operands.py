"""What the page shows of an equation's operands: "x @ W1 + b1" beside the numbers of r."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handgrad.explain.operands import Operand, operands
from handgrad.playground.wide import block

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


def _shown(t: Trace, equation: Equation) -> list[Any]:
    if "numbers" not in block(t[equation.name]):
        return []
    parts = [_part(part) for part in operands(t, equation)]
    return parts if all(isinstance(part, str) or "numbers" in part for part in parts) else []


def _part(part: Part) -> str | dict[str, Any]:
    return {"name": part.name, **block(part.numbers)} if isinstance(part, Operand) else part
