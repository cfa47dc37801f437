"""What a user may set: names, types and the constraints that scikit-learn checks them by."""

import math
import os
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)

from handgrad.activations import ACTIVATIONS
from handgrad.dropout import per_layer
from handgrad.engines.choice import AUTO, BACKENDS
from handgrad.errors import DataError
from handgrad.estimators.rows import HeldOut
from handgrad.optim import RATES, SOLVERS
from handgrad.params import INITIALISATIONS
from handgrad.schedules import SCHEDULES
from handgrad.tables.encode import METHODS, STANDARD
from handgrad.tables.plan import Plan
from handgrad.training.history import Epoch
from handgrad.training.run import Settings

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS)), "array-like"],
    "solver": [StrOptions({"lbfgs", *SOLVERS})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(SCHEDULES)), callable],
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
    "preprocess": [StrOptions(set(METHODS)), None],
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
    "engine": [StrOptions({AUTO, *BACKENDS})],
    "initialisation": [StrOptions(set(INITIALISATIONS)), "array-like"],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "warmup_epochs": [Interval(Real, 0, None, closed="left")],
    "n_ensemble": [Interval(Integral, 1, None, closed="left")],
    "skip": ["boolean"],
    "input_scale": ["boolean"],
    "rates": [StrOptions(set(RATES))],
    "checkpoint": [str, os.PathLike, None],
    "checkpoint_every": [Interval(Integral, 1, None, closed="left"), str],
    "resume": ["boolean"],
    "comm": [object, None],  # checked by workers.crew, in words
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
    skip: bool
    input_scale: bool
    rates: str
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: int | str
    resume: bool
    comm: Any


# -- what constraints of single parameters cannot tell ------------------------------------------


def check_settings(estimator: Parameters, held_out: HeldOut, *, needs_held_back: bool) -> None:
    """Refuse settings that no row needs to be seen for.

    Raises
    ------
    ValueError
        If settings contradict each other, or one of them means nothing.
    """
    _check_held_out(estimator, held_out, needs_held_back=needs_held_back)
    name = type(estimator).__name__
    for parameter, value in estimator.get_params(deep=False).items():
        constraints = estimator._parameter_constraints[parameter]
        is_number = any(isinstance(one, Interval) for one in constraints)
        if is_number and isinstance(value, bool | np.bool_):
            raise InvalidParameterError(
                f"The {parameter!r} parameter of {name} must be a number. Got {value!r} instead."
            )
    activation(estimator)
    leaves_out = np.any(dropout(estimator))
    if estimator.solver not in SOLVERS and (leaves_out or estimator.clip_norm is not None):
        raise ValueError("solver 'lbfgs' has no steps for dropout or clip_norm; leave them out")
    if isinstance(estimator.scoring, str) and estimator.scoring not in ("auto", "loss"):
        try:
            get_scorer(estimator.scoring)
        except ValueError:
            raise InvalidParameterError(
                f"The 'scoring' parameter of {name} must be 'auto', 'loss', the "
                "name of a scorer (see sklearn.metrics.get_scorer_names) or a callable "
                f"(estimator, X, y) -> float. Got {estimator.scoring!r} instead."
            ) from None


def _check_held_out(estimator: Parameters, held_out: HeldOut, *, needs_held_back: bool) -> None:
    if (held_out.X is None) != (held_out.y is None):
        raise ValueError("X_val and y_val go together; pass both or neither")
    if held_out.X is None and held_out.weight is not None:
        raise ValueError("sample_weight_val weighs the rows of X_val; pass those, too")
    has_epochs = estimator.solver in SOLVERS
    if held_out.X is not None and not has_epochs and not needs_held_back:
        raise ValueError("solver 'lbfgs' has no epochs to validate; leave X_val and y_val out")


def hidden_units(estimator: Parameters) -> tuple[int, ...]:
    """Turn hidden_layer_sizes into whole numbers, or say which of them is none."""
    sizes = estimator.hidden_layer_sizes
    units = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
    for position, n in enumerate(units):
        if not isinstance(n, Integral) or isinstance(n, bool | np.bool_) or n < 1:
            raise InvalidParameterError(
                f"The 'hidden_layer_sizes' parameter of {type(estimator).__name__} must be whole "
                f"numbers of units, each at least 1. Got {n!r} at position {position} instead."
            )
    return tuple(int(n) for n in units)


def activation(estimator: Parameters) -> str | tuple[str, ...]:
    """Give the activation of all hidden layers, or those of each."""
    if isinstance(estimator.activation, str):
        return estimator.activation
    names, n_layers = tuple(estimator.activation), len(hidden_units(estimator))
    unknown = [name for name in names if name not in ACTIVATIONS]
    if unknown or len(names) != n_layers:
        raise InvalidParameterError(
            f"The 'activation' parameter of {type(estimator).__name__} must be one of "
            f"{sorted(ACTIVATIONS)}, or one of them for each of {n_layers} hidden layers. "
            f"Got {estimator.activation!r} instead."
        )
    return names


def dropout(estimator: Parameters) -> float | tuple[float, ...]:
    """Give the share of units to leave out of all hidden layers, or of each."""
    if isinstance(estimator.dropout, Real):
        return float(estimator.dropout)
    try:
        return per_layer(tuple(estimator.dropout), len(hidden_units(estimator)))
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(f"The 'dropout' parameter is wrong: {error}") from None


def needs_all_rows(estimator: Parameters) -> bool:
    """Tell whether columns are scaled by what no part of a stream knows."""
    return estimator.preprocess not in (None, STANDARD)


def check_sparse(estimator: Parameters) -> None:
    """Refuse to train on sparse rows with what would fill them.

    Raises
    ------
    DataError
        With the parameters that ask for it.
    """
    asked = {
        f"preprocess={estimator.preprocess!r}": needs_all_rows(estimator),
        "skip=True": estimator.skip,
        "input_scale=True": estimator.input_scale,
    }
    if told := [what for what, is_asked in asked.items() if is_asked]:
        raise DataError(
            f"sparse rows cannot be fitted with {' and '.join(told)}; pass X.toarray(), or leave "
            "these parameters out"
        )


# -- what the parameters mean to the training ---------------------------------------------------


def bit_generator(random_state: Any) -> np.random.PCG64:
    """Make the stream of chance that a random_state stands for."""
    if random_state is None:
        return np.random.PCG64()
    if isinstance(random_state, Integral):
        return np.random.PCG64(int(random_state))
    if isinstance(random_state, np.random.Generator):
        return np.random.PCG64(int(random_state.integers(2**63)))
    return np.random.PCG64(check_random_state(random_state).randint(2**31 - 1))


def settings_of(estimator: Parameters, batch_size: int, monitor: str) -> Settings:
    """Say how to train, by batches of so many rows, watching what ``monitor`` names."""
    return Settings(
        optimizer=SOLVERS[estimator.solver].of(estimator),
        learning_rate_init=float(estimator.learning_rate_init),
        learning_rate=estimator.learning_rate,
        power_t=float(estimator.power_t),
        schedule_epochs=estimator.max_iter,
        warmup_epochs=float(estimator.warmup_epochs),
        dropout=dropout(estimator),
        clip_norm=math.inf if estimator.clip_norm is None else float(estimator.clip_norm),
        batch_size=batch_size,
        shuffle=bool(estimator.shuffle),
        l2=float(estimator.alpha),
        rates=estimator.rates,
        monitor=monitor,
        tol=float(estimator.tol),
        patience=float(estimator.n_iter_no_change),
    )
