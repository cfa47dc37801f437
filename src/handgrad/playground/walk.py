"""What the network's drawing shows while a walk by equation goes back: gradients, h and dh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handgrad.explain.equations import unit_name
from handgrad.playground.wide import MOST_UNITS, listed

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
    architecture = session.architecture
    known = {equation.name for equation in t.equations[: session.at + 1]}
    layers = range(1, len(architecture.layer_units))

    def drawn(name: str) -> Any:
        return listed(t[name][..., :MOST_UNITS][:MOST_UNITS]) if name in known else None

    def of_units(kind: str, layer: int) -> Any:
        name = unit_name(kind, layer, architecture)
        is_written = name in known and architecture.layer_units[layer] <= MOST_WRITTEN
        return listed(t[name][0]) if is_written else None

    return {
        "dW": [drawn(f"dW{layer}") for layer in layers],
        "db": [drawn(f"db{layer}") for layer in layers],
        "h": [of_units("h", layer) for layer in layers[:-1]],
        "dh": [of_units("dh", layer) for layer in layers[:-1]],
    }
