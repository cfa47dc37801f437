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


def choose(
    wanted: str, architecture: Architecture, rows: Rows, steps: Steps, epochs: int
) -> Choice:
    """Decide which engine trains.

    Parameters
    ----------
    wanted : "auto" or a name of ``BACKENDS``
        What the user asked for. "auto" takes the fastest that is installed and whose start the
        work repays. What an engine cannot do, the reference does.
    architecture, rows, steps, epochs
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
    reasons = []
    for backend in BACKENDS.values():
        fits, why = _fits(backend, architecture, rows, steps, epochs)
        reasons.append(why)
        if fits:
            break
    return Choice(backend.NAME, reasons[0], backend.make)  # the fastest says why it is not taken


def _fits(
    backend: Backend, architecture: Architecture, rows: Rows, steps: Steps, epochs: int
) -> tuple[bool, str]:
    why = backend.obstacle(architecture, steps.optimizer, rows)
    if why is not None:
        return False, why
    missing = backend.missing()
    if missing:
        return False, f"{' and '.join(missing)} is not installed: {backend.INSTALL}"
    return backend.worth(architecture, rows, steps.batch_size, epochs)


def require(name: str) -> None:
    """Raise ImportError with the command that helps, if an engine is missing."""
    missing = BACKENDS[name].missing()
    if missing:
        raise ImportError(
            f"engine {name!r} needs {' and '.join(missing)}, which is missing; run: "
            f"{BACKENDS[name].INSTALL}"
        )


def predictor(wanted: str, architecture: Architecture) -> Backend:
    """Find what gives the scores of a network: a model may travel to where its engine is not."""
    backend = BACKENDS[wanted]
    return backend if backend.predicts(architecture) else reference
