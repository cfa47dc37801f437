"""The race of a strong training, and the networks that went on after it, in words and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handgrad.estimators.race import Learnt


def learnt_json(learnt: Learnt) -> dict[str, Any]:
    """Describe a network: its place in the race, and how well it did on the rows held back."""
    return {**learnt.entrant._asdict(), "epochs": len(learnt.epochs), "loss": learnt.loss}


def race_line(raced: Sequence[Learnt]) -> str:
    """Say how those who raced came in, the best first."""
    rows = "trained on" if raced[0].epochs[0].validation_loss is None else "held back"
    by_updates = len({one.entrant.updates for one in raced}) > 1
    places = sorted(raced, key=lambda one: one.loss)
    losses = (f"{_name(one, by_updates=by_updates)} {one.loss:.3g}" for one in places)
    return f"race by the loss on rows {rows}: {', '.join(losses)}"


def networks_words(networks: Sequence[Learnt]) -> str:
    """Count the networks that went on, by their kinds."""
    counts = Counter(one.entrant.kind for one in networks)
    if len(networks) == 1:
        return f"{networks[0].entrant.kind} network"
    return " and ".join(f"{n} {kind}" for kind, n in counts.items()) + " networks"


def _name(learnt: Learnt, *, by_updates: bool) -> str:
    kind, updates = learnt.entrant.kind, learnt.entrant.updates
    return f"{kind} with {updates:,} updates" if by_updates else kind
