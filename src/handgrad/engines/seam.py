"""What training asks of an engine: run an epoch."""

import math
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from handgrad.network import Architecture
from handgrad.optim import Optimizer
from handgrad.params import Params
from handgrad.rows import Rows

Array = NDArray[Any]


class Diverged(ArithmeticError):  # noqa: N818 - a signal to training, which raises the error
    """The loss of a batch, or a parameter, was not finite; the message says which."""


class Measured(NamedTuple):
    """What an epoch tells: of a network with dropout, with its units left out."""

    loss: float  # weighted mean over the rows, each batch measured just before its update
    accuracy: float  # likewise
    gradient_norm: float  # of the last batch, penalty included, before it was clipped


class Engine(Protocol):
    """Updates on every batch of the rows it was made for."""

    @property
    def name(self) -> str: ...

    def run_epoch(
        self,
        params: Params,
        slots: Array,
        updates: int,
        rates: float | NDArray[np.float64],
        order: NDArray[np.intp] | None,
    ) -> Measured:
        """Run one epoch, in place.

        Parameters
        ----------
        params : Params
            Where the network stands; moved.
        slots : array of shape (n_slots, p)
            The optimiser's memory; moved.
        updates : int
            Updates made before this epoch.
        rates : float64 array of shape (batches,), or float
            Learning rate of each of its updates, or of all.
        order : int array of shape (n,), or None
            The order of the rows; None is the order in which they stand.

        Returns
        -------
        Measured

        Raises
        ------
        Diverged
            In the batch whose loss is not finite, or after the last one if a parameter or slot
            is not. What params and slots hold then means nothing.
        """
        ...


class EngineFactory(Protocol):
    """Makes the engine for a network, an update rule and rows.

    dropout holds the share of each hidden layer, or nothing; its masks come from the seed.
    Gradients of a norm above clip_norm are shortened to it.
    """

    def __call__(
        self,
        architecture: Architecture,
        optimizer: Optimizer,
        rows: Rows,
        *,
        batch_size: int,
        l2: float,
        dropout: tuple[float, ...] = (),
        seed: int = 0,
        clip_norm: float = math.inf,
    ) -> Engine: ...
