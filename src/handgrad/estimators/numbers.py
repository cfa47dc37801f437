"""Numbers to learn, one a row or several: the Task of MLPRegressor."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import InvalidParameterError

from handgrad.batch import Rows
from handgrad.errors import ModelFileError
from handgrad.estimators.rows import TrainingRows, Validation
from handgrad.estimators.state import Fit
from handgrad.estimators.stream import Moments, folded_targets, moved_targets
from handgrad.estimators.target_scale import Quartiles, robust_scale, scale_by, target_scale
from handgrad.estimators.targets import check_numbers
from handgrad.estimators.task import Outputs, Truth
from handgrad.losses import LossSettings
from handgrad.models.model import Model
from handgrad.output import Output
from handgrad.outputs import BY_LOSS

if TYPE_CHECKING:
    from handgrad.estimators.answers import NumberAnswers

Array = NDArray[Any]

LEAST_CHANCE = 0.1  # a fresh network is as far off: no explosion, where y is constant


@dataclass(frozen=True)
class Numbers:
    """See ``task.Task``. The fields are parameters of MLPRegressor."""

    loss_name: str
    scale_target: bool
    delta: float
    quantiles: Any
    scoring: str | Callable[..., float]

    @classmethod
    def of(cls, estimator: Any) -> Self:
        return cls(
            estimator.loss,
            estimator.scale_target,
            estimator.delta,
            estimator.quantiles,
            estimator.scoring,
        )

    @property
    def head(self) -> Output:
        """What is known of the loss that was asked for."""
        return BY_LOSS[self.loss_name]

    @property
    def loss(self) -> LossSettings:
        values = {"delta": lambda: float(self.delta), "quantiles": self.ascending_quantiles}
        settings: dict[str, Any] = {name: values[name]() for name in self.head.settings}
        return LossSettings(**settings)

    def ascending_quantiles(self) -> tuple[float, ...]:
        """Give the quantiles to predict, or say why these are none."""
        listed = (self.quantiles,) if isinstance(self.quantiles, Real) else self.quantiles
        quantiles = tuple(float(q) if isinstance(q, Real) else math.nan for q in listed)
        ascending = all(0 < a < b < 1 for a, b in pairwise((*quantiles, 1 - 1e-16)))
        if not quantiles or not ascending:
            raise InvalidParameterError(
                "The 'quantiles' parameter must be numbers between 0 and 1 in "
                f"ascending order. Got {self.quantiles!r} instead."
            )
        return quantiles

    @property
    def needs_held_back(self) -> bool:
        return False

    def check_y(self, y: Any, X: Any, classes: Array | None = None) -> Array:
        return check_numbers(y, X)

    def settled(self, y: Array) -> Self:
        return self

    def outputs(self, y: Array, weight: Array | None, classes: Array | None) -> Outputs:
        y, loss = y.reshape(len(y), -1), self.loss
        _check_possible(self.head, y)
        n_each = self.head.n_each(loss)
        scale = target_scale(y, weight, self.head.name, n_each) if self.scale_target else None
        return Outputs(self.head.name, n_each * y.shape[1], np.arange(0), scale, loss)

    def answers(self, name: str, words: tuple[str, ...]) -> "NumberAnswers":
        from handgrad.estimators.answers import NumberAnswers

        return NumberAnswers(name, self.head, words)

    def outputs_of(self, answers: "NumberAnswers") -> Outputs:
        head, loss = self.head, self.loss
        mean, scale = answers.mean, answers.scale
        if head.is_robust:
            mean, scale = robust_scale(answers.pairs, scale)
        n_each = head.n_each(loss)
        scaled = scale_by(mean, scale, head.name, n_each) if self.scale_target else None
        return Outputs(head.name, n_each, np.arange(0), scaled, loss)

    def continued(self, fit: Fit, y: Array, classes: Array | None, *, is_stream: bool) -> Fit:
        loss = fit.model.architecture.head.loss
        if self.loss_name != loss:
            raise ValueError(
                f"training on continues with the loss of the existing network, {loss!r}; got "
                f"{self.loss_name!r}. Fit with warm_start=False to start anew."
            )
        if self.scale_target != (fit.model.scale is not None):
            raise ValueError(
                "training on continues with the targets scaled as before, by scale_target="
                f"{not self.scale_target}; got {self.scale_target}. Fit with warm_start=False to "
                "start anew."
            )
        self.encode(fit.model, y)
        return fit

    def followed(self, fit: Fit, rows: TrainingRows, *, continuing: bool) -> Fit:
        scale, before = fit.model.scale, fit.target_moments
        if scale is None or not self.head.is_linear or (continuing and before is None):
            return fit
        now = self._statistics(rows)
        if continuing:
            now = before.merged(now)
            moved = scale if now is before else moved_targets(scale, now)
            if moved is not scale:
                networks = [folded_targets(run.params, scale, moved, before) for run in fit.runs]
                fit = fit.with_networks(networks).with_model(scale=moved)
        return replace(fit, target_moments=now)

    def _statistics(self, rows: TrainingRows) -> Moments | Quartiles:
        """Take what the scale of the targets is made of."""
        y = rows.y.reshape(len(rows.y), -1).astype(np.float64)
        return Quartiles(y, rows.weight) if self.head.is_robust else Moments.of(y, rows.weight)

    def truth(self, model: Model, rows: TrainingRows) -> Truth:
        return self.encode(model, rows.y), rows.weight

    def encode(self, model: Model, y: Array) -> Array:
        y, architecture = y.reshape(len(y), -1), model.architecture
        if y.shape[1] != architecture.n_targets:
            raise ValueError(
                f"y must have {architecture.n_targets} numbers a row; got {y.shape[1]}"
            )
        _check_possible(architecture.head, y)
        return model.learnt(y)

    def strata(self, y: Array) -> tuple[NDArray[np.intp], Array]:
        return np.zeros(len(y), np.intp), y

    def chance(self, model: Model, rows: Rows) -> float:
        architecture, y_t = model.architecture, rows.y_t
        head = architecture.head
        mean = np.average(y_t, axis=0, weights=rows.weight)
        guess = np.repeat(head.best_constant(mean), architecture.n_each)
        losses = [
            float(head.mean_loss(score, y_t, rows.weight, architecture.loss))
            for score in (np.tile(guess, (len(y_t), 1)), np.zeros((len(y_t), len(guess))))
        ]
        return max(*losses, LEAST_CHANCE)

    def watched(self, n: int) -> str | Callable[..., float]:
        if self.scoring != "auto":
            return self.scoring
        return "loss" if n < 2 or self.head.is_robust else "r2"

    def calibrated(self, model: Model, validation: Validation | None) -> Model:
        return model  # numbers have no probabilities

    @staticmethod
    def params_from(model: Model) -> dict[str, Any]:
        settings = model.architecture.loss
        quantiles = settings.quantiles
        return {
            "loss": model.architecture.head.loss,
            "scale_target": model.scale is not None,
            "delta": settings.delta,
            "quantiles": quantiles[0] if len(quantiles) == 1 else quantiles,
        }

    @staticmethod
    def check_kind(model: Model) -> None:
        if model.architecture.head.classifies:
            raise ModelFileError("this model predicts labels; load it with a classifier")


def _check_possible(head: Output, y: Array) -> None:
    impossible = head.impossible(y)
    if impossible.any():
        row, column = np.argwhere(impossible)[0]
        raise ValueError(
            f"loss={head.loss!r} is for {head.kind_of_y}, so y must be {head.bound_of_y}; "
            f"got {y[row, column]:g} in row {row + 1}"
        )
