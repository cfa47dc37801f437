"""What training asks of an engine: run an epoch."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from handgrad.network import Architecture
from handgrad.optim import Optimizer
from handgrad.params import Params
from handgrad.rows import Rows

Array = NDArray[Any]


class Diverged(ArithmeticError):  # noqa: N818 - a signal to training, which raises the error
    """The loss of a batch, or a parameter, was not finite; the message says which."""


class Engine(Protocol):
    """Updates on every batch of the rows it was made for."""

    @property
    def name(self) -> str: ...

    def run_epoch(
        self,
        params: Params,
        slots: Array,
        updates: int,
        lr: float,
        order: NDArray[np.intp] | None,
    ) -> tuple[float, float]:
        """Run one epoch, in place.

        Parameters
        ----------
        params : Params
            Where the network stands; moved.
        slots : array of shape (n_slots, p)
            The optimiser's memory; moved.
        updates : int
            Updates made before this epoch.
        lr : float
            Learning rate of all its updates.
        order : int array of shape (n,), or None
            The order of the rows; None is the order in which they stand.

        Returns
        -------
        loss, accuracy : float
            Weighted means over the rows, each batch measured just before its update.

        Raises
        ------
        Diverged
            In the batch whose loss is not finite, or after the last one if a parameter or slot
            is not. What params and slots hold then means nothing.
        """
        ...


class EngineFactory(Protocol):
    """Makes the engine for a network, an update rule and rows."""

    def __call__(
        self,
        architecture: Architecture,
        optimizer: Optimizer,
        rows: Rows,
        *,
        batch_size: int,
        l2: float,
    ) -> Engine: ...
