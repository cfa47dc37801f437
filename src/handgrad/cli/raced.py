"""The race of a strong training, and the networks that went on after it, in words and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handgrad.estimators.together import Learnt


def learnt_json(learnt: Learnt) -> dict[str, Any]:
    """Describe a network: its place in the race, and how well it did on the rows held back."""
    return {**learnt.entrant._asdict(), "epochs": len(learnt.epochs), "loss": learnt.loss}


def race_line(raced: Sequence[Learnt]) -> str:
    """Say how those who raced came in, the best first."""
    rows = "training" if raced[0].epochs[0].validation_loss is None else "held-back"
    by_updates = len({one.entrant.updates for one in raced}) > 1
    places = sorted(raced, key=lambda one: one.loss)
    losses = (f"{_name(one, by_updates=by_updates)} {one.loss:.3g}" for one in places)
    return f"race, by loss on {rows} rows: {'; '.join(losses)}"


def networks_words(networks: Sequence[Learnt]) -> str:
    """Count the networks that went on, by their kinds."""
    counts = Counter(one.entrant.kind for one in networks)
    if len(networks) == 1:
        return f"1 {networks[0].entrant.kind} network"
    if len(counts) == 1:
        return f"{len(networks)} {networks[0].entrant.kind} networks"
    shares = {
        kind: sum(one.share for one in networks if one.entrant.kind == kind) for kind in counts
    }
    of_kinds = (f"{n} {kind} with a share of {shares[kind]:.0%}" for kind, n in counts.items())
    return f"{len(networks)} networks, {' and '.join(of_kinds)},"


def _name(learnt: Learnt, *, by_updates: bool) -> str:
    kind, updates = learnt.entrant.kind, learnt.entrant.updates
    return f"{kind}, {updates:,} updates:" if by_updates else f"{kind}:"
