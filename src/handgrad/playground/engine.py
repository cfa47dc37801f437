"""The seam between the page and what trains its network.

A session asks an ``Engine`` for a ``Learner``, which holds the weights, and for one ``Epoch`` after
the other, which moves them. No other file of the page trains: runs and player ask sessions, frames
look at the weights. So another engine needs the three protocols below and nothing else; in the
browser, where link.js alone knows where messages go, it needs the messages of ``commands.py`` and
the frames of ``frame.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from handgrad.params import initialise
from handgrad.training.epochs import Pass, Task
from handgrad.training.run import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handgrad.batch import Rows
    from handgrad.network import Architecture
    from handgrad.params import Params
    from handgrad.playground.recipe import Recipe
    from handgrad.training.run import Kept


class Learner(Protocol):
    """A network while it learns."""

    params: Params
    lr: float  # the learning rate of the next epoch; NaN before the first
    updates: int
    epochs: int

    def keep(self) -> Kept:
        """Copy the state between two updates."""

    def put_back(self, kept: Kept) -> None:
        """Go back to a copied state."""


class Epoch(Protocol):
    """One pass over the rows, batch by batch."""

    task: Task  # network, settings and rows
    before: Kept  # the learner before it
    rates: NDArray[Any]  # the learning rate of each batch
    done: int  # batches finished

    def batch(self) -> NDArray[np.intp]:
        """Give the rows of the next batch."""

    def step(self, run: Any) -> bool:
        """Make the update of the next batch; tell whether it was the last.

        Raises
        ------
        DivergenceError
            If something is not finite; the caller puts the learner back.
        """


class Engine(Protocol):
    """What trains."""

    def start(self, architecture: Architecture, recipe: Recipe) -> Learner:
        """Draw the first weights."""

    def begin(self, learner: Any, architecture: Architecture, recipe: Recipe, rows: Rows) -> Epoch:
        """Begin an epoch by the settings of the recipe."""


class Library:
    """The library's own training: its epochs are those of ``training.train`` to the last bit."""

    def start(self, architecture: Architecture, recipe: Recipe) -> Run:
        bits = np.random.PCG64(recipe.init_seed)
        params = initialise(
            architecture.layer_units,
            architecture.activations,
            bits,
            np.float64,
            recipe.init,
            architecture.beside,
        )
        return Run.start(params, bits)

    def begin(self, learner: Run, architecture: Architecture, recipe: Recipe, rows: Rows) -> Pass:
        task = Task(architecture, recipe.settings(len(rows)), rows)
        learner.prepare(task.settings)
        return Pass.begin(task, learner.keep())
