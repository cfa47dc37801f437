"""What the network's drawing shows while a walk by equation goes back: gradients, h and dh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handgrad.explain.equations import unit_name
from handgrad.playground.wide import MOST_UNITS, rounded

if TYPE_CHECKING:
    from handgrad.explain.trace import Trace
    from handgrad.playground.session import Session

MOST_WRITTEN = 8  # units of a layer that have their numbers beside them


def walk(session: Session, t: Trace) -> dict[str, Any] | None:
    """Describe what the walk has computed for the chosen point; None outside a walk.

    A layer's gradients "dW" and "db", and its "h" and "dh", are None until they are computed.
    """
    if session.at is None:
        return None
    known = {equation.name for equation in t.equations[: session.at + 1]}
    sizes = session.architecture.layer_units
    hidden = range(1, len(sizes) - 1)

    def listed(name: str) -> Any:
        return _rounded(t[name].tolist()) if name in known else None

    def of_units(name: str, layer: int) -> Any:
        row = listed(unit_name(name, layer, session.architecture))
        return row[0] if row and sizes[layer] <= MOST_WRITTEN else None

    def drawn(name: str) -> Any:
        rows = listed(name)
        return rows and [row[:MOST_UNITS] for row in rows[:MOST_UNITS]]

    return {
        "dW": [drawn(f"dW{layer}") for layer in range(1, len(sizes))],
        "db": [listed(f"db{layer}") for layer in range(1, len(sizes))],
        "h": [of_units("h", layer) for layer in hidden],
        "dh": [of_units("dh", layer) for layer in hidden],
    }


def _rounded(numbers: Any) -> Any:
    return [_rounded(one) for one in numbers] if isinstance(numbers, list) else rounded(numbers)
