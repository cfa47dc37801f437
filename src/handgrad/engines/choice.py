"""Which engine trains and predicts, and why: the only place that has a list of them."""

from typing import NamedTuple

from handgrad.batch import Rows
from handgrad.engines import numpy as reference
from handgrad.engines.compiled import backend as compiled
from handgrad.engines.seam import Backend, EngineFactory
from handgrad.network import Architecture
from handgrad.optim import Steps

BACKENDS: dict[str, Backend] = {one.NAME: one for one in (compiled, reference)}  # fastest first

AUTO = "auto"


class Choice(NamedTuple):
    """An engine, and why this one."""

    name: str  # of ``BACKENDS``
    reason: str
    make: EngineFactory


def choose(wanted: str, architecture: Architecture, rows: Rows, steps: Steps) -> Choice:
    """Decide which engine trains.

    Parameters
    ----------
    wanted : "auto" or a name of ``BACKENDS``
        What the user asked for; "auto" is the fastest that is there. The reference does what that
        one cannot.
    architecture, rows, steps
        The work.

    Raises
    ------
    ImportError
        If the engine that was asked for is not installed.
    """
    if wanted == reference.NAME:
        return Choice(wanted, "asked for", reference.make)
    if wanted != AUTO:
        require(wanted)
        why = BACKENDS[wanted].obstacle(architecture, steps.optimizer, rows)
        if why is None:
            return Choice(wanted, "asked for", BACKENDS[wanted].make)
        return Choice(reference.NAME, why, reference.make)
    why = None
    for backend in BACKENDS.values():
        reason = backend.obstacle(architecture, steps.optimizer, rows) or backend.missing()
        if not reason:
            break
        why = why or reason  # the fastest says why it is not taken
    return Choice(backend.NAME, why or "the fastest there is", backend.make)


def require(name: str) -> None:
    """Raise ImportError with what helps, if an engine is missing."""
    missing = BACKENDS[name].missing()
    if missing:
        raise ImportError(f"engine {name!r} is not there: {missing}")


def predictor(wanted: str, architecture: Architecture) -> Backend:
    """Find what gives the scores of a network: a model may travel to where its engine is not."""
    wished = BACKENDS.values() if wanted == AUTO else (BACKENDS[wanted],)
    return next((one for one in wished if one.predicts(architecture)), reference)
