"""MLPRegressor: numbers, one a row or several."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score
from sklearn.neural_network import MLPRegressor as Theirs
from sklearn.utils._param_validation import Interval, InvalidParameterError, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from handgrad.batch import Rows
from handgrad.errors import ModelFileError
from handgrad.estimators.base import MLP, Outputs, goes_in_steps
from handgrad.estimators.checks import Given, as_rows, check_weight
from handgrad.estimators.parameters import CONSTRAINTS
from handgrad.estimators.stream import Moments, folded_targets, moved_targets
from handgrad.estimators.target_scale import Quartiles, target_scale
from handgrad.estimators.targets import check_numbers
from handgrad.losses import LossSettings
from handgrad.models.model import Model
from handgrad.outputs import BY_LOSS, Output
from handgrad.training.history import Epoch

Array = NDArray[Any]


LEAST = float(np.finfo(np.float64).min)
LEAST_CHANCE = 0.1  # a fresh network is as far off: no explosion, where y is constant


class MLPRegressor(RegressorMixin, MLP):
    """Multilayer perceptron regressor with scikit-learn's interface.

    The first 24 parameters are those of ``sklearn.neural_network.MLPRegressor``: same names,
    order, defaults and meaning. All but those described here are also parameters of
    ``MLPClassifier`` and mean the same.

    Parameters
    ----------
    loss : str, default="squared_error"
        What is minimised, summed over the outputs: "squared_error", half of it; "poisson", half
        the deviance, for counts >= 0; "absolute_error"; "huber", squared up to delta and linear
        from there; "quantile", the loss whose least value are the quantiles.
    scoring : "auto", "loss", str or callable, default="auto"
        What early stopping watches on the rows held back: their loss, the name of a scorer of
        scikit-learn, or a callable (estimator, X, y) -> float of which more is better. "auto" is
        "r2"; for a single row, which has no R2, and for the losses that a few wild numbers do not
        move ("absolute_error", "huber", "quantile"), as they do R2, "loss".
    scale_target : bool, default=True
        Whether the network learns y standardised, which ``predict`` takes back. Losses are
        those of the standardised numbers. Without it, numbers far from 0 are learnt slowly.
        For "poisson", y is divided by its mean. For "absolute_error", "huber" and "quantile",
        the median is subtracted, and the unit is (q75 - q25) / 1.349, the distance of the
        quartiles that makes it the standard deviation of normally distributed numbers; where
        the quartiles coincide, it comes from wider quantiles or is the standard deviation.
    delta : float, default=1.0
        Of loss "huber", in that unit where y is scaled: about standard deviations of y without
        its few wild values.
    quantiles : float or sequence of float, default=0.5
        Of loss "quantile": what to predict, in ascending order. Several give a column each, which
        never cross.

    Attributes
    ----------
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_, history_, n_iter_, \
    t_, coefs_, intercepts_, n_layers_, n_outputs_, out_activation_, n_features_in_, \
    feature_names_in_, model_, engine_, engine_reason_
        As of ``MLPClassifier``. ``coefs_`` and ``intercepts_`` give the standardised numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from handgrad import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> MLPRegressor(early_stopping=True, random_state=0).fit(X, y).score(X, y) > 0.4
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(BY_LOSS))],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "quantiles": [Interval(Real, 0, 1, closed="neither"), "array-like"],
        "scale_target": ["boolean"],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 1e-4,
        batch_size: int | str = "auto",
        learning_rate: str | Callable[[int], float] = "constant",
        learning_rate_init: float = 1e-3,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        preprocess: str | None = "auto",
        categorical_features: Any = None,
        kinds: Any = None,
        missing_values: Any = None,
        decimal: str | None = None,
        thousands: str | None = None,
        min_frequency: int = 1,
        max_levels: int = 1000,
        dtype: str = "auto",
        scoring: str | Callable[..., float] = "auto",
        on_epoch: Callable[[Epoch], bool | None] | None = None,
        engine: str = "auto",
        initialisation: Any = "auto",
        dropout: Any = 0.0,
        weight_decay: float = 0.01,
        clip_norm: float | None = None,
        warmup_epochs: float = 5.0,
        n_ensemble: int = 1,
        scale_target: bool = True,
        delta: float = 1.0,
        quantiles: Any = 0.5,
    ) -> None:
        self._keep(locals())

    loss: str
    scale_target: bool
    delta: float
    quantiles: Any
    _target_moments: Any  # Moments or Quartiles of y, in a stream

    # -- learning -----------------------------------------------------------------------------

    @available_if(goes_in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on these rows, going on from what is there.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``. The first call decides what the columns are and which levels have
            inputs; means and deviations, of y too, are those of all rows so far, unless the
            network comes from ``fit`` or a file: then they stay. Quartiles of y, by which the
            losses scale it that wild values do not move, are those of the first calls, until
            these have brought 1,000 rows.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, going_on=hasattr(self, "model_"), partial=True)

    def _check_y(self, y: Any, X: Any) -> Array:
        return check_numbers(y, X)

    def _quantiles(self) -> tuple[float, ...]:
        listed = (self.quantiles,) if isinstance(self.quantiles, Real) else self.quantiles
        quantiles = tuple(float(q) if isinstance(q, Real) else math.nan for q in listed)
        ascending = all(0 < a < b < 1 for a, b in pairwise((*quantiles, 1 - 1e-16)))
        if not quantiles or not ascending:
            raise InvalidParameterError(
                "The 'quantiles' parameter of MLPRegressor must be numbers between 0 and 1 in "
                f"ascending order. Got {self.quantiles!r} instead."
            )
        return quantiles

    def _loss_settings(self) -> LossSettings:
        told = {"delta": lambda: float(self.delta), "quantiles": self._quantiles}
        settings: dict[str, Any] = {name: told[name]() for name in self._head.settings}
        return LossSettings(**settings)

    @property
    def _head(self) -> Output:
        """What is known of the loss that was asked for."""
        return BY_LOSS[self.loss]

    def _outputs(self, given: Given, learning: Array | None, classes: Array | None) -> Outputs:
        y = given.y.reshape(len(given.y), -1)
        head, settings = self._head, self._loss_settings()
        self._check_possible(head, y)
        n_each = head.n_each(settings)
        scale = target_scale(y, learning, head.name, n_each) if self.scale_target else None
        return Outputs(head.name, n_each * y.shape[1], np.arange(0), scale, settings)

    def _follow(self, given: Given, *, going_on: bool) -> None:
        super()._follow(given, going_on=going_on)
        scale = self.model_.scale
        if scale is None or not self._head.is_linear:
            return
        if going_on and not hasattr(self, "_target_moments"):
            return
        now = self._statistics(given)
        if going_on:
            before = self._target_moments
            now = before.merged(now)
            moved = scale if now is before else moved_targets(scale, now)
            if moved is not scale:
                self._take([folded_targets(r.params, scale, moved, before) for r in self._runs])
                self.model_ = replace(self.model_, scale=moved)
        self._target_moments = now

    def _statistics(self, given: Given) -> Any:
        """Take what the scale of the targets is made of: ``Moments`` or ``Quartiles``."""
        y = given.y.reshape(len(given.y), -1).astype(np.float64)
        kind = Quartiles if self._head.is_robust else Moments.of
        return kind(y, given.weight)

    def _check_possible(self, head: Output, y: Array) -> None:
        impossible = head.impossible(y)
        if impossible.any():
            row, column = np.argwhere(impossible)[0]
            raise ValueError(
                f"loss={head.loss!r} is for {head.kind_of_y}, so y must be {head.bound_of_y}; "
                f"got {y[row, column]:g} in row {row + 1}"
            )

    def _check_same_targets(self, y: Array, *, partial: bool) -> None:
        loss = self.model_.architecture.head.loss
        if self.loss != loss:
            raise ValueError(
                f"training on continues with the loss of the existing network, {loss!r}; got "
                f"{self.loss!r}. Fit with warm_start=False to start anew."
            )
        if self.scale_target != (self.model_.scale is not None):
            raise ValueError(
                "training on continues with the targets scaled as before, by scale_target="
                f"{not self.scale_target}; got {self.scale_target}. Fit with warm_start=False to "
                "start anew."
            )
        self._encode_y(y)

    def _encode_y(self, y: Array) -> Array:
        y = y.reshape(len(y), -1)
        architecture = self.model_.architecture
        if y.shape[1] != architecture.n_targets:
            raise ValueError(
                f"y must have {architecture.n_targets} numbers a row; got {y.shape[1]}"
            )
        self._check_possible(architecture.head, y)
        return self.model_.learnt(y)

    def _chance(self, rows: Rows) -> float:
        architecture, y_t = self.model_.architecture, rows.y_t
        head = architecture.head
        mean = np.average(y_t, axis=0, weights=rows.weight)
        guess = np.repeat(head.best_constant(mean), architecture.n_each)
        losses = [
            float(head.mean_loss(score, y_t, rows.weight, architecture.loss))
            for score in (np.tile(guess, (len(y_t), 1)), np.zeros((len(y_t), len(guess))))
        ]
        return max(*losses, LEAST_CHANCE)

    @classmethod
    def _told_by(cls, model: Model) -> dict[str, Any]:
        settings = model.architecture.loss
        told: dict[str, Any] = {"scale_target": model.scale is not None}
        told["loss"] = model.architecture.head.loss
        quantiles = settings.quantiles
        return told | {
            "delta": settings.delta,
            "quantiles": quantiles[0] if len(quantiles) == 1 else quantiles,
        }

    @classmethod
    def _check_kind(cls, model: Model) -> None:
        if model.architecture.head.classifies:
            raise ModelFileError("this model predicts labels; load it with MLPClassifier.load")

    def _watched(self, n: int) -> str | Callable[..., float]:
        if self.scoring != "auto":
            return self.scoring
        return "loss" if n < 2 or self._head.is_robust else "r2"

    # -- predicting ---------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """Predict the numbers of each row, shape (n_samples,) or (n_samples, n_outputs).

        Of several quantiles, a column each; of several numbers, all quantiles of the first, then
        all of the second, and so on.
        """
        model, columns = self._asked(X)
        numbers = model.predict_numbers(columns)
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute R2; of quantiles, its likeness by their own loss (``d2_pinball_score``)."""
        X = as_rows(X)
        y = check_numbers(y, X)
        sample_weight = check_weight(sample_weight, X)
        if not self._head.predicts_quantiles:
            with np.errstate(over="ignore"):  # far beyond a y that hardly varies
                return max(float(super().score(X, y, sample_weight)), LEAST)
        quantiles = self._quantiles()
        y = y.reshape(len(y), -1)
        predicted = self.predict(X).reshape(len(y), -1, len(quantiles))
        scores = [
            d2_pinball_score(y, predicted[:, :, k], sample_weight=sample_weight, alpha=q)
            for k, q in enumerate(quantiles)
        ]
        return float(np.mean(scores))

    # -- into scikit-learn and out of it ------------------------------------------------------

    def to_sklearn(self) -> Theirs:
        """Make scikit-learn's own MLPRegressor of it, fitted, with the same predictions.

        The scale of the columns is folded into the first layer, that of y into the last. Settings
        that it has not become the nearest that it has, for fitting it again.

        Raises
        ------
        ValueError
            If scikit-learn has no such network; the message says why.
        """
        return self._to(Theirs)

    @classmethod
    def from_sklearn(cls, estimator: Theirs) -> Self:
        """Take scikit-learn's fitted MLPRegressor over, the state of its optimiser included.

        ``alpha`` is divided by the rows of a batch, as scikit-learn does in each step; only with
        "lbfgs", which leaves no count of the rows, it is taken as it is.
        """
        check_is_fitted(estimator)
        return cls._from(estimator, np.arange(0), scale_target=False)
