"""What a fit is asked to do: its Job; and all that differs between labels and numbers: its Task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.losses import PLAIN, LossSettings

if TYPE_CHECKING:
    from handgrad.batch import Rows
    from handgrad.estimators.answers import Answers
    from handgrad.estimators.callbacks import Callbacks
    from handgrad.estimators.keeping import Keeper
    from handgrad.estimators.parameters import Parameters
    from handgrad.estimators.rows import TrainingRows, Validation
    from handgrad.estimators.state import Fit
    from handgrad.estimators.underway import UnderWay
    from handgrad.models.model import Model, TargetScale
    from handgrad.workers.crew import Crew

Array = NDArray[Any]
Truth = tuple[Array, NDArray[np.float64] | None]  # y_t, and the weights of the rows


class Outputs(NamedTuple):
    """What a network is to give: the last part of its architecture, and what it stands for."""

    kind: str  # of ``outputs.OUTPUTS``
    n: int
    classes: Array
    scale: TargetScale | None = None
    loss: LossSettings = PLAIN


class Task(Protocol):
    """Labels (``labels.py``) or numbers (``numbers.py``) to learn."""

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """Read off an estimator's parameters what is to be learnt."""

    @staticmethod
    def params_from(model: Model) -> dict[str, Any]:
        """Read the parameters of such an estimator off a model."""

    @staticmethod
    def check_kind(model: Model) -> None:
        """Refuse a model that predicts something else."""

    @property
    def loss(self) -> LossSettings: ...

    @property
    def needs_held_back(self) -> bool:
        """Whether rows are needed that were not trained on, although none are watched."""

    def check_y(self, y: Any, X: Any, classes: Array | None = None) -> Array:
        """Turn y as the user gave it into an array of shape (n,), (n, N_y) or (n, K).

        ``classes`` are those that the user names, in that order.
        """

    def settled(self, y: Array) -> Self:
        """Decide what depends on the form of checked y."""

    def outputs(self, y: Array, weight: Array | None, classes: Array | None) -> Outputs:
        """Decide what the network is to give, by the rows that weigh something."""

    def answers(self, name: str, words: tuple[str, ...]) -> Answers:
        """Make what reads a column of answers portion by portion; some words mean missing."""

    def outputs_of(self, answers: Any) -> Outputs:
        """Decide as `outputs` does, by answers that were read so."""

    def continued(self, fit: Fit, y: Array, classes: Array | None, *, is_stream: bool) -> Fit:
        """Make room for new classes, and refuse to continue with other targets than before."""

    def followed(self, fit: Fit, rows: TrainingRows, *, continuing: bool) -> Fit:
        """Let the scale of the targets move with the rows of a stream."""

    def encode(self, model: Model, y: Array) -> Array:
        """Turn the checked y of rows into what the network learns."""

    def truth(self, model: Model, rows: TrainingRows) -> Truth:
        """Turn the checked y of rows into what the network learns, and weigh them for the loss."""

    def strata(self, y: Array) -> tuple[NDArray[np.intp], Array]:
        """Group the rows, of each group a part is held back; and tell answers apart by numbers."""

    def chance(self, model: Model, rows: Rows) -> float:
        """Compute the loss of the best constant prediction, which ignores the inputs."""

    def watched(self, n: int) -> str | Callable[..., float]:
        """Say what scoring="auto" means for n rows held back."""

    def calibrated(self, model: Model, validation: Validation | None) -> Model:
        """Make probabilities fit the rows held back, if that is asked for."""


class Job(NamedTuple):
    """One fit."""

    estimator: Parameters  # only what a user may set is read off it
    task: Task
    under_way: UnderWay
    callbacks: Callbacks | None
    is_stream: bool  # partial_fit: one epoch of rows that come bit by bit
    keeper: Keeper
    crew: Crew | None = None  # the workers that share it

    @property
    def speaks(self) -> bool:
        """Whether this process prints how the fit goes: of several, one."""
        return bool(self.estimator.verbose) and (self.crew is None or self.crew.is_first)
