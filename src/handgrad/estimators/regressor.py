"""MLPRegressor: numbers, one a row or several."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.neural_network import MLPRegressor as Theirs
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from handgrad.encode import Encoder
from handgrad.errors import ModelFileError
from handgrad.estimators.base import MLP, Outputs, goes_in_steps
from handgrad.estimators.checks import Given, check_numbers
from handgrad.estimators.parameters import CONSTRAINTS
from handgrad.history import Epoch
from handgrad.losses import mean_loss
from handgrad.model import Model, TargetScale
from handgrad.rows import Rows
from handgrad.training import CLASSIFIERS

Array = NDArray[Any]


class MLPRegressor(RegressorMixin, MLP):
    """Multilayer perceptron regressor with scikit-learn's interface.

    The first 24 parameters are those of ``sklearn.neural_network.MLPRegressor``: same names,
    order, defaults and meaning. All but those described here are also parameters of
    ``MLPClassifier`` and mean the same.

    Parameters
    ----------
    loss : {"squared_error"}, default="squared_error"
        What is minimised: half the squared error, summed over the outputs.
    scoring : "auto", "loss", str or callable, default="auto"
        What early stopping watches on the rows held back: their loss, the name of a scorer of
        scikit-learn, or a callable (estimator, X, y) -> float of which more is better. "auto" is
        "r2"; for a single row, which has no R2, "loss".
    scale_target : bool, default=True
        Whether the network learns y standardised, which ``predict`` takes back. Losses are
        those of the standardised numbers. Without it, numbers far from 0 are learnt slowly.

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
        "loss": [StrOptions({"squared_error"})],
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
        learning_rate: str = "constant",
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
        dtype: str = "auto",
        scoring: str | Callable[..., float] = "auto",
        on_epoch: Callable[[Epoch], bool | None] | None = None,
        engine: str = "auto",
        n_ensemble: int = 1,
        scale_target: bool = True,
    ) -> None:
        self._keep(locals())

    loss: str
    scale_target: bool

    # -- learning -----------------------------------------------------------------------------

    @available_if(goes_in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on these rows, going on from what is there.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``. The first call also fixes the encoding of the columns and the scale
            of y.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, going_on=hasattr(self, "model_"), partial=True)

    def _check_y(self, y: Any, X: Any) -> Array:
        return check_numbers(y, X)

    def _outputs(self, given: Given, learning: Array | None, classes: Array | None) -> Outputs:
        y = given.y.reshape(len(given.y), -1)
        scale = None
        if self.scale_target:
            statistics = Encoder.fit(y, learning)
            scale = TargetScale(statistics.mean, statistics.scale)
        return Outputs("identity", y.shape[1], np.arange(0), scale)

    def _check_same_targets(self, y: Array, *, partial: bool) -> None:
        self._encode_y(y[:1])

    def _encode_y(self, y: Array) -> Array:
        y = y.reshape(len(y), -1)
        if y.shape[1] != self.n_outputs_:
            raise ValueError(f"y must have {self.n_outputs_} numbers a row; got {y.shape[1]}")
        if self.model_.scale is not None:
            y = (y - self.model_.scale.mean) / self.model_.scale.scale
        return y.astype(self.model_.params.flat.dtype)

    def _chance(self, rows: Rows) -> float:
        output, y_t = self.model_.architecture.output, rows.y_t
        mean = np.average(y_t, axis=0, weights=rows.weight)
        losses = [
            float(mean_loss(output, np.broadcast_to(guess, y_t.shape), y_t, rows.weight))
            for guess in (mean, 0 * mean)
        ]
        return max(*losses, 1e-6)  # of a constant, rounding is not to be taken for explosion

    @classmethod
    def _check_kind(cls, model: Model) -> None:
        if model.architecture.output in CLASSIFIERS:
            raise ModelFileError("this model predicts labels; load it with MLPClassifier.load")

    def _watched(self, n: int) -> str | Callable[..., float]:
        if self.scoring != "auto":
            return self.scoring
        return "loss" if n < 2 else "r2"

    # -- predicting ---------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """Predict the numbers of each row, shape (n_samples,) or (n_samples, n_outputs)."""
        columns = self._check_fitted(X)
        numbers = self._predictor.predict_numbers(columns)
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    # -- into scikit-learn and out of it ------------------------------------------------------

    def to_sklearn(self) -> Theirs:
        """Make scikit-learn's own MLPRegressor of it, fitted, with the same predictions.

        The scale of the columns is folded into the first layer, that of y into the last.

        Raises
        ------
        ValueError
            If scikit-learn has no such network; the message says why.
        """
        return self._to(Theirs)

    @classmethod
    def from_sklearn(cls, estimator: Theirs) -> Self:
        """Take scikit-learn's fitted MLPRegressor over, the state of its optimiser included.

        ``alpha`` is divided by the rows of a batch, as scikit-learn does in each step.
        """
        check_is_fitted(estimator)
        return cls._from(estimator, np.arange(0), scale_target=False)
