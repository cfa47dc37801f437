"""How far the networks of a fit have come, on disk: what goes on when the machine is back.

A checkpoint is a file as a model's (``container.py``), of a kind of its own. For each network that
has begun, it holds the state of its training at the end of an epoch: parameters, the optimiser's
memory, both of the best epoch too, the stream of chance, the counters and the record of epochs. It
holds no row of the data, only digests of what was trained on.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ModelFileError
from handgrad.models import container
from handgrad.training.history import Epoch, History
from handgrad.training.run import Best, Run

Array = NDArray[Any]

KIND, VERSION = "checkpoint", 1
FREQUENT = ("name", "chance", "state", "inc", "counters", "reason", "explosion", "measured")
COUNTERS = ("updates", "rows_seen", "epochs", "dropout_seed")
MEASURES = ("lr", "first_loss")
OF_EPOCHS = tuple(field.name for field in fields(Epoch))


@dataclass(frozen=True, eq=False)
class Standing:
    """Where the training of one network stands at the end of an epoch.

    Attributes
    ----------
    params, slots : numpy.ndarray, shapes (p,) and (n_slots, p)
        Of that epoch. The arrays are never written to.
    best : tuple or None
        The same of the best epoch, and its number of updates; None if no epoch is kept.
    numbers : dict
        The counters and measures of ``Run`` by name.
    chance : dict
        Where the network's stream of chance stood.
    history : History
        The epochs so far, with a reason if the training has ended.
    explosion : str
        What was found too large in it.
    """

    params: Array
    slots: Array
    best: tuple[Array, Array, int] | None
    numbers: Mapping[str, Any]
    chance: Any
    history: History
    explosion: str = ""

    @classmethod
    def of(cls, run: Run, history: History, explosion: str = "") -> Self:
        """Take down where a run stands, whose last epoch is the history's."""
        best = run.best and (run.best.params.flat, run.best.slots, run.best.updates)
        numbers = {name: getattr(run, name) for name in COUNTERS + MEASURES}
        chance = run.bits.state
        return cls(run.params.flat, run.slots, best, numbers, chance, history, explosion)

    def run_like(self, fresh: Run) -> Run:
        """Make the run again, out of one that has just been drawn for the same network."""
        fresh.bits.state = self.chance
        like = fresh.params.like
        best = None
        if self.best is not None:
            best = Best(like(self.best[0]), self.best[1], self.best[2])
        return replace(fresh, params=like(self.params), slots=self.slots, best=best, **self.numbers)


class Checkpoint(NamedTuple):
    """All of a fit that its data and settings do not say.

    Attributes
    ----------
    facts : dict
        What was trained on and how: texts by group and name, for comparison.
    chance : dict
        Where the stream of chance of the fit began.
    standings : dict
        Where each network stands, by its name.
    is_finished : bool
        Whether the fit has come to its end.
    """

    facts: Mapping[str, Mapping[str, str]]
    chance: Any
    standings: Mapping[str, Standing]
    is_finished: bool = False


# -- to bytes ---------------------------------------------------------------------------------


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """Serialise a checkpoint."""
    tensors: dict[str, Array] = {}
    networks = []
    for number, (name, standing) in enumerate(checkpoint.standings.items()):
        tensors |= {f"{number}.{part}": array for part, array in _tensors_of(standing).items()}
        networks.append({"name": name} | _description_of(standing))
    description = {
        "kind": KIND,
        "checkpoint_version": VERSION,
        "facts": {group: dict(facts) for group, facts in checkpoint.facts.items()},
        "chance": _chance_to_json(checkpoint.chance),
        "networks": networks,
        "is_finished": checkpoint.is_finished,
    }
    return container.pack(description, tensors, FREQUENT)


def _tensors_of(standing: Standing) -> dict[str, Array]:
    epochs = [[_float(getattr(one, name)) for name in OF_EPOCHS] for one in standing.history]
    measures = [_float(standing.numbers[name]) for name in MEASURES]
    found = {
        "params": standing.params,
        "slots": standing.slots,
        "measures": np.array(measures, np.float64),
        "epochs": np.array(epochs, np.float64).reshape(-1, len(OF_EPOCHS)),
    }
    if standing.best is not None:
        found |= {"best.params": standing.best[0], "best.slots": standing.best[1]}
    return {name: np.ascontiguousarray(array) for name, array in found.items() if array.size}


def _float(value: float | None) -> float:
    return math.nan if value is None else value


def _description_of(standing: Standing) -> dict[str, Any]:
    history, numbers = standing.history, standing.numbers
    known = [name for name in OF_EPOCHS if any(v is not None for v in history.column(name))]
    return {
        "counters": {name: numbers[name] for name in COUNTERS},
        "measured": [*known, *(name for name in MEASURES if numbers[name] is not None)],
        "best_updates": None if standing.best is None else standing.best[2],
        "chance": _chance_to_json(standing.chance),
        "reason": history.reason,
        "explosion": standing.explosion,
    }


def _chance_to_json(state: Any) -> dict[str, str]:
    """Write the two numbers of 128 bits of a PCG64 as texts, which no reader of JSON rounds."""
    return {name: str(state["state"][name]) for name in ("state", "inc")}


# -- from bytes -------------------------------------------------------------------------------


def from_bytes(content: bytes) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    ModelFileError
        If it is something else, damaged, or of another version.
    """
    description, tensors = container.unpack(content, FREQUENT)
    if description.get("kind") != KIND:
        raise ModelFileError("a model, not a checkpoint of a training")
    if description.get("checkpoint_version") != VERSION:
        raise ModelFileError(
            f"a checkpoint of version {description.get('checkpoint_version')}, written by another "
            f"handgrad; this one reads version {VERSION}"
        )
    try:
        standings = {
            network["name"]: _standing(network, _part(tensors, f"{number}."))
            for number, network in enumerate(description["networks"])
        }
        chance, is_finished = _chance_from_json(description["chance"]), description["is_finished"]
        return Checkpoint(description["facts"], chance, standings, bool(is_finished))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"not a checkpoint that handgrad writes ({error!r})") from None


def _part(tensors: Mapping[str, Array], start: str) -> dict[str, Array]:
    return {name[len(start) :]: array for name, array in tensors.items() if name.startswith(start)}


def _standing(network: Mapping[str, Any], tensors: Mapping[str, Array]) -> Standing:
    params, known = tensors["params"], set(network["measured"])
    none = np.zeros((0, params.size), params.dtype)
    best = None
    if "best.params" in tensors:
        slots = tensors.get("best.slots", none)
        best = tensors["best.params"], slots, int(network["best_updates"])
    measures = zip(MEASURES, tensors["measures"].tolist(), strict=True)
    numbers = {name: network["counters"][name] for name in COUNTERS}
    return Standing(
        params,
        tensors.get("slots", none),
        best,
        numbers | {name: value if name in known else None for name, value in measures},
        _chance_from_json(network["chance"]),
        History(tuple(_epochs(tensors.get("epochs"), known)), network["reason"]),
        network["explosion"],
    )


def _epochs(table: Array | None, known: set[str]) -> list[Epoch]:
    found = []
    for row in [] if table is None else table.tolist():
        values: dict[str, Any] = dict(zip(OF_EPOCHS, row, strict=True))
        for name in OF_EPOCHS:
            if name not in known:
                values[name] = None
        found.append(Epoch(**values | {"epoch": int(row[0])}))
    return found


def _chance_from_json(texts: Mapping[str, str]) -> dict[str, Any]:
    state = {name: int(texts[name]) for name in ("state", "inc")}
    return {"bit_generator": "PCG64", "state": state, "has_uint32": 0, "uinteger": 0}
