"""A run: the state of a network while it learns, and the settings of its training."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.dropout import per_layer
from handgrad.network import Architecture
from handgrad.optim import RATES, Steps, StepSettings
from handgrad.params import Params, owned
from handgrad.schedules import Schedule, course, invscaling

Array = NDArray[Any]


@dataclass(frozen=True)
class Settings(StepSettings):
    """How to train: ``optim.StepSettings``, and these. The names are scikit-learn's if it has one.

    Attributes
    ----------
    learning_rate_init : float
        The learning rate at the start.
    learning_rate : str or callable
        A name in ``schedules.SCHEDULES``, or a function of the epoch's number, from 1.
        "adaptive" divides the rate by 5 each time patience runs out, and stops once it has
        fallen to 1e-6.
    rates : str
        How the parameters share the learning rate: a name in ``optim.RATES``.
    power_t : float
        Exponent of invscaling.
    schedule_epochs : int
        The number of epochs that a schedule of time is stretched over, from the run's first.
    warmup_epochs : float
        The number of epochs that warmup takes to reach the rate.
    shuffle : bool
        Whether each epoch visits the rows in a new order.
    dropout : float or tuple of float
        Share of units left out in training, in all hidden layers or in each.
    monitor : str
        The quantity that has to fall: "loss" (with the penalty); or, if rows are held back,
        "validation_loss", "validation_error" (1 - accuracy) or "validation_score" (which has to
        rise). With one of these three, the parameters of the best epoch are kept; among equally
        good epochs, the one of least validation loss.
    tol : float
        An epoch is good if it beats the best so far by more than this.
    patience : float
        Stop after this many epochs in a row that are not good; infinity never stops.
    """

    learning_rate_init: float = 1e-3
    learning_rate: Schedule = "constant"
    rates: str = "equal"
    power_t: float = 0.5
    schedule_epochs: int = 200
    warmup_epochs: float = 5.0
    shuffle: bool = True
    dropout: float | tuple[float, ...] = 0.0
    monitor: str = "loss"
    tol: float = 1e-4
    patience: float = 10


class Kept(NamedTuple):
    """A copy of a run, made between two epochs."""

    run: "Run"
    chance: Any  # the state of the run's bit generator

    @property
    def nbytes(self) -> int:
        return int(self.run.params.flat.nbytes + self.run.slots.nbytes)


class Best(NamedTuple):
    """What a run had at the end of an epoch: a training that goes on from it needs all three."""

    params: Params
    slots: Array
    updates: int


@dataclass
class Run:
    """The state of a training run, which ``train`` advances.

    An epoch never writes into the arrays that it finds, which may be read-only or in use
    elsewhere: it works on copies, which the run keeps from then on.
    """

    params: Params
    slots: Array  # (n_slots, p): the optimiser's memory
    bits: np.random.BitGenerator
    lr: float = math.nan  # the learning rate of the next update; NaN before the first
    updates: int = 0
    rows_seen: int = 0
    epochs: int = 0
    dropout_seed: int | None = None  # drawn when dropout is first used
    first_loss: float | None = None  # the loss of the initial parameters, for comparison
    best: "Best | None" = None  # what to keep, of the best epoch watched so far

    @classmethod
    def start(cls, params: Params, bits: np.random.BitGenerator) -> "Run":
        """Begin with these parameters; all randomness of the run comes from ``bits``."""
        return cls(params, _slots(params, 0), bits)

    def prepare(self, settings: Settings) -> None:
        """Adapt slots and learning rate to these settings, keeping those that still apply."""
        if len(self.slots) != settings.optimizer.n_slots:
            self.slots = _slots(self.params, settings.optimizer.n_slots)
            self.updates = 0
        if not course(settings.learning_rate).falls_by_patience or math.isnan(self.lr):
            self.lr = settings.learning_rate_init
        self.shrink_rate(settings)
        if np.any(settings.dropout) and self.dropout_seed is None:
            self.dropout_seed = int(self.bits.random_raw())

    def shrink_rate(self, settings: Settings) -> None:
        """Set the learning rate of invscaling from the number of rows seen."""
        if course(settings.learning_rate).falls_with_rows:
            self.lr = invscaling(settings.learning_rate_init, self.rows_seen, settings.power_t)

    def twin(self) -> "Run":
        """Copy the run, sharing its arrays; later changes of this run do not show in the copy."""
        twin = object.__new__(Run)  # every epoch does it, and ``replace`` takes ten times as long
        twin.__dict__ = vars(self).copy()
        return twin

    def keep(self) -> Kept:
        """Keep everything that an epoch changes; from now on the run works on copies."""
        kept = Kept(self.twin(), self.bits.state)
        self.params, self.slots = self.params.copy(), owned(self.slots)
        return kept

    def put_back(self, kept: Kept) -> None:
        """Undo everything since the run was kept."""
        self.__dict__ = vars(kept.run).copy()
        self.bits.state = kept.chance

    def keep_best(self) -> None:
        """Keep parameters and slots, which belong together: this epoch is the best so far."""
        self.best = Best(self.params, self.slots, self.updates)

    def take_best(self) -> None:
        """End the training: from now on the network is that of its best epoch."""
        self.__dict__ = vars(self.result()).copy()

    def result(self) -> "Run":
        """Return the run that is left if training ends now: that of the best epoch."""
        if self.best is None:
            return self
        return replace(self, **self.best._asdict(), best=None)


def _slots(params: Params, n_slots: int) -> Array:
    return np.zeros((n_slots, params.flat.size), params.flat.dtype)


def steps_of(architecture: Architecture, run: Run, settings: Settings, n: int) -> Steps:
    """Collect the facts that an engine needs about the steps of a prepared run on n rows."""
    of_each = {field.name: getattr(settings, field.name) for field in fields(StepSettings)}
    dropout = per_layer(settings.dropout, len(architecture.layer_units) - 2)
    factors = RATES[settings.rates](run.params, n)
    return Steps(**of_each, dropout=dropout, seed=run.dropout_seed or 0, factors=factors)
