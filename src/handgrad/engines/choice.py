"""Which engine trains and predicts, and why: the only place that has a list of them."""

from collections.abc import Callable
from typing import NamedTuple

from handgrad.batch import Rows
from handgrad.engines import numpy as reference
from handgrad.engines.compiled import backend as compiled
from handgrad.engines.seam import Backend, EngineFactory, SteppingFactory
from handgrad.network import Architecture
from handgrad.optim import Steps

BACKENDS: dict[str, Backend] = {one.NAME: one for one in (compiled, reference)}  # fastest first

AUTO = "auto"


class Choice(NamedTuple):
    """An engine, and why this one."""

    name: str  # of ``BACKENDS``
    reason: str
    make: EngineFactory
    at_once: Callable[[Architecture, Rows, int], int]  # of networks, as ``seam.Backend`` says
    make_stepping: SteppingFactory  # for workers


def choose(wanted: str, architecture: Architecture, rows: Rows, steps: Steps) -> Choice:
    """Decide which engine trains.

    Parameters
    ----------
    wanted : "auto" or a name of ``BACKENDS``
        What the user asked for; "auto" is the fastest available. The reference does what that one
        cannot.
    architecture, rows, steps
        The work.

    Raises
    ------
    ImportError
        If the engine that was asked for is not installed.
    """
    if wanted != AUTO:
        require(wanted)
    why = ""
    for backend in _candidates(wanted):
        reason = backend.obstacle(architecture, steps.optimizer, rows) or backend.missing()
        if not reason:
            break
        why = why or reason  # the first says why it is not taken
    fits = "the fastest available" if wanted == AUTO else "asked for"
    made = backend.make, backend.at_once, backend.make_stepping
    return Choice(backend.NAME, why or fits, *made)


def _candidates(wanted: str) -> tuple[Backend, ...]:
    """List the engines that may do the work, the best first; the last can do all of it."""
    return tuple(BACKENDS.values()) if wanted == AUTO else (BACKENDS[wanted], reference)


def require(name: str) -> None:
    """Raise ImportError with what helps, if an engine is missing."""
    missing = BACKENDS[name].missing()
    if missing:
        raise ImportError(f"engine {name!r} is not available: {missing}")


def predictor(wanted: str, architecture: Architecture) -> Backend:
    """Find what gives the scores of a network: a model may travel to where its engine is not."""
    return next(one for one in _candidates(wanted) if one.predicts(architecture))
