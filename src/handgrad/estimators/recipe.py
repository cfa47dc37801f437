"""The recipe of the tabular estimators: the kinds of networks that race, how long, and who goes on.

Every number here was chosen by measuring on open tables; none of them depends on what is learnt.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError

from handgrad.estimators.task import Outputs
from handgrad.network import Architecture
from handgrad.optim import AdamW
from handgrad.tables.encode import PIECEWISE, ROBUST, Encoder
from handgrad.training.run import Settings

ALL = "auto"  # kinds
WHOLE = int | np.integer
DTYPE = "float32"
LEARNING_RATE = 0.06
MOST_UPDATES = 10**9
SMALL = 3000  # rows
FOLDS = 8  # of which each network is watched on one
UPDATES = 1500  # that the weight decay was measured with; more of them decay less each
FEWEST_EPOCHS, MOST_EPOCHS = 8, 100
BATCH_SIZES = ((8000, 256), (2000, 128), (800, 64), (0, 32))  # above so many rows


class Effort(NamedTuple):
    """How much time a fit may take."""

    n_networks: int
    n_networks_of_small: int  # of tables of up to ``SMALL`` rows, whose networks differ more
    updates: tuple[int, ...]  # the first two race; longer ones as long as that pays

    def networks_for(self, n: int) -> int:
        return self.n_networks_of_small if n <= SMALL else self.n_networks


EFFORTS = {
    "fast": Effort(1, 1, (500,)),
    "medium": Effort(3, 5, (500, 1500, 4000)),
    "high": Effort(5, 8, (500, 1500, 4000, 10_000)),
}


def batch_size_of(n: int) -> int:
    """Choose the rows of a batch of n."""
    return min(n, next(size for least, size in BATCH_SIZES if n > least or not least))


def epochs_of(updates: int, n: int) -> int:
    """Turn updates into passes over n rows."""
    return min(max(round(updates * batch_size_of(n) / n), FEWEST_EPOCHS), MOST_EPOCHS)


@dataclass(frozen=True)
class Kind:
    """A kind of network: the parameters of an MLP estimator that tell it from others.

    Attributes
    ----------
    name : str
        Also that of its initialisation.
    preprocess : str
        What becomes of numbers.
    skip, input_scale : bool
        What it has beside its layers.
    hidden_layer_sizes : tuple of int
    dropout : float
    """

    name: str
    preprocess: str
    skip: bool
    input_scale: bool
    hidden_layer_sizes: tuple[int, ...]
    dropout: float

    def architecture(self, encoder: Encoder, outputs: Outputs) -> Architecture:
        units = (encoder.n_deep, *self.hidden_layer_sizes, outputs.n)
        kind, loss = outputs.kind, outputs.loss
        return Architecture(units, "relu", kind, loss, encoder.skip, self.input_scale)

    def settings(self, updates: int, n: int) -> tuple[Settings, int]:
        """Say how a network of this kind trains on n rows, and for how many epochs."""
        batch_size, epochs = batch_size_of(n), epochs_of(updates, n)
        made = epochs * -(-n // batch_size)
        settings = Settings(
            optimizer=AdamW(beta_2=0.95, weight_decay=0.05 * UPDATES / max(made, updates)),
            batch_size=batch_size,
            rates="fan_in",
            learning_rate="rise",
            learning_rate_init=LEARNING_RATE,
            schedule_epochs=epochs,
            dropout=self.dropout,
            monitor="validation_loss",
            tol=0.0,
            patience=math.inf,
        )
        return settings, epochs


# Smooth functions of scaled numbers; or steps and bends at the edges of bins, with a skip.
KINDS = {
    kind.name: kind
    for kind in (
        Kind("smooth", ROBUST, False, True, (256, 256), 0.1),
        Kind("sharp", PIECEWISE, True, False, (128, 128), 0.2),
    )
}


class Entrant(NamedTuple):
    """A network in the race, or one that goes on after it."""

    kind: str  # of ``KINDS``
    updates: int
    fold: int


def lengths(updates: tuple[int, ...], n: int) -> tuple[int, ...]:
    """Sort numbers of updates; those that come to the same epochs of n rows count as one."""
    epochs = {number: epochs_of(number, n) for number in sorted(updates)}
    return tuple(
        number
        for number, shorter in zip(epochs, (0, *epochs), strict=False)
        if not shorter or epochs[number] > epochs[shorter]
    )


# -- what a user asks for ------------------------------------------------------------------------


def kinds_of(networks: str | Iterable[str]) -> tuple[str, ...]:
    """List the kinds that are to race.

    Raises
    ------
    InvalidParameterError
        If one is unknown, or there is none.
    """
    if isinstance(networks, str) and networks == ALL:
        return tuple(KINDS)
    kinds = (networks,) if isinstance(networks, str) else tuple(networks)
    if not kinds or not all(isinstance(kind, str) and kind in KINDS for kind in kinds):
        raise InvalidParameterError(
            f"The 'networks' parameter must be {ALL!r}, or one or several of {sorted(KINDS)}. Got "
            f"{networks!r} instead."
        )
    return tuple(dict.fromkeys(kinds))


def _is_count(number: Any) -> bool:
    is_whole = isinstance(number, WHOLE) and not isinstance(number, bool)
    return is_whole and bool(0 < number <= MOST_UPDATES)


def updates_of(updates: Any, effort: Effort) -> tuple[int, ...]:
    """List the numbers of updates that are to race.

    Raises
    ------
    InvalidParameterError
        If one is no whole number from 1 to a thousand million, or there is none.
    """
    if updates is None:
        return effort.updates
    numbers: tuple[Any, ...] = (updates,) if isinstance(updates, WHOLE) else tuple(updates)
    if not numbers or not all(_is_count(one) for one in numbers):
        raise InvalidParameterError(
            f"The 'updates' parameter must be a whole number from 1 to {MOST_UPDATES:,}, or "
            f"several. Got {updates!r:.200} instead."
        )
    return tuple(int(one) for one in dict.fromkeys(numbers))
