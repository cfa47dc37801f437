"""MLPRegressor: numbers, one a row or several."""

from collections.abc import Callable
from numbers import Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPRegressor as Theirs
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from handgrad.estimators.base import MLP, goes_in_steps
from handgrad.estimators.fitting import Given
from handgrad.estimators.numbers import Numbers
from handgrad.estimators.parameters import CONSTRAINTS
from handgrad.estimators.predicting import PredictsNumbers
from handgrad.outputs import BY_LOSS
from handgrad.training.history import Epoch

Array = NDArray[Any]


class MLPRegressor(PredictsNumbers, MLP):
    """Multilayer perceptron regressor with scikit-learn's interface.

    The first 24 parameters are those of ``sklearn.neural_network.MLPRegressor``: same names,
    order, defaults and meaning. All but those described here are also parameters of
    ``MLPClassifier`` and mean the same.

    Parameters
    ----------
    loss : str, default="squared_error"
        What is minimised, summed over the outputs, by its name in ``handgrad.outputs.BY_LOSS``:
        "squared_error", half of it; "poisson", half the deviance, for counts >= 0;
        "absolute_error"; "huber", squared up to delta and linear from there; "quantile", the loss
        whose least value are the quantiles.
    scoring : "auto", "loss", str or callable, default="auto"
        What early stopping watches on the rows held back: their loss, the name of a scorer of
        scikit-learn, or a callable (estimator, X, y) -> float of which more is better. "auto" is
        "r2"; for a single row, which has no R2, and for losses such as "huber", which a few wild
        numbers do not move as they do R2, "loss".
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

    _kind = Numbers

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
        skip: bool = False,
        input_scale: bool = False,
        rates: str = "equal",
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every: int | str = "1min",
        resume: bool = False,
        comm: Any = None,
        scale_target: bool = True,
        delta: float = 1.0,
        quantiles: Any = 0.5,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.preprocess = preprocess
        self.categorical_features = categorical_features
        self.kinds = kinds
        self.missing_values = missing_values
        self.decimal = decimal
        self.thousands = thousands
        self.min_frequency = min_frequency
        self.max_levels = max_levels
        self.dtype = dtype
        self.scoring = scoring
        self.on_epoch = on_epoch
        self.engine = engine
        self.initialisation = initialisation
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.warmup_epochs = warmup_epochs
        self.n_ensemble = n_ensemble
        self.skip = skip
        self.input_scale = input_scale
        self.rates = rates
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.resume = resume
        self.comm = comm
        self.scale_target = scale_target
        self.delta = delta
        self.quantiles = quantiles

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
        self._validate_params()
        return self._fit(Given(X, y, sample_weight), None, continuing=True, is_stream=True)

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
