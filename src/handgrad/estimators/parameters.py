"""What a user may set: names, types and the constraints that scikit-learn checks them by."""

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)

from handgrad.activations import ACTIVATIONS
from handgrad.dropout import per_layer
from handgrad.estimators.checks import HeldOut, hidden_units
from handgrad.params import INITIALISATIONS
from handgrad.schedules import NAMES
from handgrad.tables.plan import Plan
from handgrad.training.history import Epoch

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
    "kinds": [Mapping, Plan, None],
    "missing_values": [str, Real, "array-like", Mapping, None],
    "decimal": [StrOptions({".", ","}), None],
    "thousands": [StrOptions({".", ",", "'", "_", "·", " ", ""}), None],
    "min_frequency": [Interval(Integral, 1, None, closed="left")],
    "max_levels": [Interval(Integral, 1, None, closed="left")],
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
    kinds: Any
    missing_values: Any
    decimal: str | None
    thousands: str | None
    min_frequency: int
    max_levels: int
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

    # -- what constraints of single parameters cannot tell -------------------------------------

    def _check_settings(self, held_out: HeldOut) -> None:
        """Refuse settings that no row needs to be seen for."""
        if (held_out.X is None) != (held_out.y is None):
            raise ValueError("X_val and y_val go together; pass both or neither")
        if held_out.X is None and held_out.weight is not None:
            raise ValueError("sample_weight_val weighs the rows of X_val; pass those, too")
        if held_out.X is not None and self.solver == "lbfgs" and not self._needs_rows_apart():
            raise ValueError("solver 'lbfgs' has no epochs to validate; leave X_val and y_val out")
        for name, value in self.get_params(deep=False).items():
            is_number = any(isinstance(one, Interval) for one in self._parameter_constraints[name])
            if is_number and isinstance(value, bool | np.bool_):
                raise InvalidParameterError(
                    f"The {name!r} parameter of {type(self).__name__} must be a number. "
                    f"Got {value!r} instead."
                )
        self._activation()
        if self.solver == "lbfgs" and (np.any(self._dropout()) or self.clip_norm is not None):
            raise ValueError("solver 'lbfgs' has no steps for dropout or clip_norm; leave them out")
        if isinstance(self.scoring, str) and self.scoring not in ("auto", "loss"):
            try:
                get_scorer(self.scoring)
            except ValueError:
                raise InvalidParameterError(
                    f"The 'scoring' parameter of {type(self).__name__} must be 'auto', 'loss', the "
                    "name of a scorer (see sklearn.metrics.get_scorer_names) or a callable "
                    f"(estimator, X, y) -> float. Got {self.scoring!r} instead."
                ) from None

    def _needs_rows_apart(self) -> bool:
        """Tell whether rows are needed that were not trained on, although none are watched."""
        return False

    def _hidden_units(self) -> tuple[int, ...]:
        return hidden_units(self.hidden_layer_sizes, type(self).__name__)

    def _activation(self) -> str | tuple[str, ...]:
        """Give the activation of all hidden layers, or those of each, that there are."""
        if isinstance(self.activation, str):
            return self.activation
        names, n_layers = tuple(self.activation), len(self._hidden_units())
        unknown = [name for name in names if name not in ACTIVATIONS]
        if unknown or len(names) != n_layers:
            raise InvalidParameterError(
                f"The 'activation' parameter of {type(self).__name__} must be one of "
                f"{sorted(ACTIVATIONS)}, or one of them for each of {n_layers} hidden layers. "
                f"Got {self.activation!r} instead."
            )
        return names

    def _dropout(self) -> float | tuple[float, ...]:
        """Give the share of units to leave out of all hidden layers, or of each."""
        if isinstance(self.dropout, Real):
            return float(self.dropout)
        try:
            return per_layer(tuple(self.dropout), len(self._hidden_units()))
        except (TypeError, ValueError) as error:
            raise InvalidParameterError(f"The 'dropout' parameter is wrong: {error}") from None
