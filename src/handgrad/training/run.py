"""A run: where a network stands while it learns, and how it is to be trained."""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.dropout import per_layer
from handgrad.network import Architecture
from handgrad.optim import Optimizer, Steps
from handgrad.params import Params, owned
from handgrad.schedules import Schedule, invscaling

Array = NDArray[Any]


@dataclass(frozen=True)
class Settings:
    """How to train. The names are scikit-learn's where it has one.

    Attributes
    ----------
    optimizer : Optimizer
        The update rule.
    learning_rate_init : float
        The learning rate at the start.
    learning_rate : str or callable
        A schedule of ``schedules.py``: "constant", "invscaling", "adaptive" (which divides the
        rate by 5 each time patience runs out and stops once it has fallen to 1e-6), "warmup",
        "cosine", "onecycle", "coslog4", or a function of the epoch's number, from 1.
    power_t : float
        Exponent of invscaling.
    schedule_epochs : int
        How many epochs cosine, onecycle and coslog4 are stretched over, from the run's first.
    warmup_epochs : float
        How many epochs warmup takes to reach the rate.
    batch_size : int
        Rows a step, N_b.
    shuffle : bool
        Whether each epoch visits the rows in a new order.
    l2 : float
        Strength of the penalty l2/2 sum W^2, added to the mean loss.
    dropout : float or tuple of float
        Share of units left out in training, in all hidden layers or in each.
    clip_norm : float
        A gradient longer than this is shortened to it.
    monitor : str
        What has to fall: "loss" (with the penalty); or, where rows are held back,
        "validation_loss", "validation_error" (1 - accuracy) or "validation_score" (which has to
        rise). With one of these three, the parameters of the best epoch are kept; of several
        equally good ones, those of least validation loss.
    tol : float
        An epoch is good if it betters the best so far by more than this.
    patience : float
        Stop after this many epochs in a row that are not good; infinity never stops.
    """

    optimizer: Optimizer
    learning_rate_init: float = 1e-3
    learning_rate: Schedule = "constant"
    power_t: float = 0.5
    schedule_epochs: int = 200
    warmup_epochs: float = 5.0
    batch_size: int = 200
    shuffle: bool = True
    l2: float = 0.0
    dropout: float | tuple[float, ...] = 0.0
    clip_norm: float = math.inf
    monitor: str = "loss"
    tol: float = 1e-4
    patience: float = 10


class Kept(NamedTuple):
    """A run as it was between two epochs."""

    run: "Run"
    chance: Any  # where the run's stream of chance stood

    @property
    def nbytes(self) -> int:
        return int(self.run.params.flat.nbytes + self.run.slots.nbytes)


@dataclass
class Run:
    """The state of a training run; ``train`` moves it on.

    No epoch writes into the arrays that it finds, which may be read-only, or in use elsewhere: it
    works on copies, which are the run's from then on.
    """

    params: Params
    slots: Array  # (n_slots, p): the optimiser's memory
    bits: np.random.BitGenerator
    lr: float = math.nan  # of the next update; NaN before the first
    updates: int = 0
    rows_seen: int = 0
    epochs: int = 0
    dropout_seed: int | None = None  # drawn when dropout is first asked for
    first_loss: float | None = None  # of the parameters it began with, for those who compare
    best: Params | None = None  # of the epochs watched so far, the parameters to keep

    @classmethod
    def start(cls, params: Params, bits: np.random.BitGenerator) -> "Run":
        """Begin with these parameters; all randomness of the run comes from ``bits``."""
        return cls(params, _slots(params, 0), bits)

    def prepare(self, settings: Settings) -> None:
        """Fit slots and learning rate to these settings, keeping what still has a meaning."""
        if len(self.slots) != settings.optimizer.n_slots:
            self.slots = _slots(self.params, settings.optimizer.n_slots)
            self.updates = 0
        if settings.learning_rate != "adaptive" or math.isnan(self.lr):
            self.lr = settings.learning_rate_init
        self.shrink_rate(settings)
        if np.any(settings.dropout) and self.dropout_seed is None:
            self.dropout_seed = int(self.bits.random_raw())

    def shrink_rate(self, settings: Settings) -> None:
        """Fit the learning rate of invscaling to the rows seen."""
        if settings.learning_rate == "invscaling":
            self.lr = invscaling(settings.learning_rate_init, self.rows_seen, settings.power_t)

    def twin(self) -> "Run":
        """Copy it, arrays shared: what this one becomes is not seen there."""
        twin = object.__new__(Run)  # every epoch does so, and ``replace`` takes ten times as long
        twin.__dict__ = vars(self).copy()
        return twin

    def keep(self) -> Kept:
        """Keep all that an epoch changes; from now on the run works on copies."""
        kept = Kept(self.twin(), self.bits.state)
        self.params, self.slots = self.params.copy(), owned(self.slots)
        return kept

    def put_back(self, kept: Kept) -> None:
        """Undo what came since."""
        self.__dict__ = vars(kept.run).copy()
        self.bits.state = kept.chance

    def result(self) -> "Run":
        """Give what is left of it if it ends now."""
        return self if self.best is None else replace(self, params=self.best, best=None)


def _slots(params: Params, n_slots: int) -> Array:
    return np.zeros((n_slots, params.flat.size), params.flat.dtype)


def steps_of(architecture: Architecture, run: Run, settings: Settings) -> Steps:
    """Say what an engine needs to know of the steps of a prepared run."""
    return Steps(
        settings.optimizer,
        settings.batch_size,
        settings.l2,
        per_layer(settings.dropout, len(architecture.layer_units) - 2),
        run.dropout_seed or 0,
        settings.clip_norm,
    )
