"""What a user may set: names, types and the constraints that scikit-learn checks them by."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, Options, StrOptions

from handgrad.activations import ACTIVATIONS
from handgrad.history import Epoch
from handgrad.params import INITIALISATIONS
from handgrad.schedules import NAMES

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS)), "array-like"],
    "solver": [StrOptions({"lbfgs", "sgd", "adam", "adamw"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(NAMES)), callable],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state", np.random.Generator],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "preprocess": [StrOptions({"auto"}), None],
    "categorical_features": ["array-like", None],
    "dtype": [StrOptions({"auto", "float32", "float64"})],
    "scoring": [str, callable],
    "on_epoch": [callable, None],
    "engine": [StrOptions({"auto", "numpy", "compiled"})],
    "initialisation": [StrOptions(set(INITIALISATIONS)), "array-like"],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "warmup_epochs": [Interval(Real, 0, None, closed="left")],
    "n_ensemble": [Interval(Integral, 1, None, closed="left")],
}


class Parameters(BaseEstimator):
    """The parameters that both estimators have."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    hidden_layer_sizes: Any
    activation: Any
    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: str | Callable[[int], float]
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    preprocess: str | None
    categorical_features: Any
    dtype: str
    scoring: str | Callable[..., float]
    on_epoch: Callable[[Epoch], bool | None] | None
    engine: str
    initialisation: Any
    dropout: Any
    weight_decay: float
    clip_norm: float | None
    warmup_epochs: float
    n_ensemble: int

    def _keep(self, given: dict[str, Any]) -> None:
        """Keep what a constructor was given, from its ``locals()``: a line for thirty."""
        for name in self._get_param_names():
            setattr(self, name, given[name])
