"""The path of a fit, and what both estimators share.

Here scikit-learn's vocabulary (X, y, coefs_) meets that of the derivation (x, y_t, W1).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import InvalidParameterError

from handgrad.batch import Rows, is_sparse
from handgrad.chance import streams
from handgrad.errors import DataError
from handgrad.estimators.callbacks import Callbacks, CallbackSupportMixin, with_callbacks
from handgrad.estimators.checks import (
    Given,
    HeldOut,
    as_rows,
    bit_generator,
    check_columns,
    check_scale,
    check_weight,
    given_rows,
    learning_weight,
    of_mean_one,
    precision,
    told_of,
    warn,
)
from handgrad.estimators.fitted import Fitted
from handgrad.estimators.fitting import Fitting
from handgrad.estimators.learning import Learning
from handgrad.estimators.planning import (
    check_says_nothing,
    frequency_of,
    plan_of,
    warn_of_lost_digits,
)
from handgrad.estimators.record import Validation
from handgrad.estimators.stream import Moments, folded_inputs, moved_encoder, with_params
from handgrad.losses import PLAIN, LossSettings
from handgrad.models.model import Model, TargetScale
from handgrad.network import Architecture
from handgrad.params import Params, count, initialise
from handgrad.params import given as given_params
from handgrad.tables.encode import Encoder
from handgrad.tables.fitting import fit_matrix, fit_table
from handgrad.tables.rows import row_keys
from handgrad.training.held_back import Split, split, split_last
from handgrad.training.run import Run

Array = NDArray[Any]

NOTHING = HeldOut()

MOST_BYTES = 1 << 40


class Outputs(NamedTuple):
    """What a network is to give: the last part of its architecture, and what it stands for."""

    kind: str  # of ``outputs.OUTPUTS``
    n: int
    classes: Array
    scale: TargetScale | None = None
    loss: LossSettings = PLAIN


def goes_in_steps(estimator: "MLP") -> bool:
    """Tell whether there is a partial_fit, or say why not."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs a solver that goes in steps, such as 'adam'")
    return True


class MLP(CallbackSupportMixin, Fitted, Learning):
    """What MLPClassifier and MLPRegressor share."""

    _moments: Moments  # of the columns, in a stream

    # -- what a kind of estimator has to say --------------------------------------------------

    def _check_y(self, y: Any, X: Any) -> Array:
        raise NotImplementedError

    def _outputs(self, given: Given, learning: Array | None, classes: Array | None) -> Outputs:
        """Decide what the network is to give, by the rows that weigh something."""
        raise NotImplementedError

    def _loss_settings(self) -> LossSettings:
        raise NotImplementedError

    def _prepare_going_on(self, classes: Array | None) -> None:
        """Make room for what the network has not known so far."""

    def _check_same_targets(self, y: Array, *, partial: bool) -> None:
        """Refuse to go on with other targets than before."""
        raise NotImplementedError

    def _encode_y(self, y: Array) -> Array:
        raise NotImplementedError

    def _strata(self, y: Array) -> tuple[NDArray[np.intp], Array]:
        """Group the rows, of each group a part is held back; and tell answers apart by numbers."""
        return np.zeros(len(y), np.intp), y

    def _row_weight(self, given: Given) -> NDArray[np.float64] | None:
        """Weigh the rows for the loss."""
        return given.weight

    # -- learning -----------------------------------------------------------------------------

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on rows whose answers are known.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or data frame
            Numbers; or, with preprocess="auto", a pandas, polars or Arrow table, a mapping of
            names to columns or a list of rows that are mappings, whose columns may be text,
            categories, booleans and numbers, with missing cells.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            A classifier takes labels of one type (strings, integers, booleans, whole floats or
            dates), or 0 and 1 in a column for each label that a row may have; a regressor takes
            finite numbers.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0: 2 counts as the row twice, 0 as the row removed.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, optional
            Rows to validate on after each epoch. With early_stopping they are watched in place
            of a part of X; without it, what is measured on them is only recorded.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter, X, y or the weights cannot be used; nothing has been trained then.
        DivergenceError
            If the loss or a parameter stops being finite. The weights from the end of the last
            finished epoch are kept; before a first one, the estimator is left as it was.
        """
        going_on = self.warm_start and hasattr(self, "model_")
        held_out = HeldOut(X_val, y_val, sample_weight_val)
        self._validate_params()
        callbacks = Callbacks(self, X, y, self.max_iter * self.n_ensemble)
        self._fit(X, y, sample_weight, going_on=going_on, held_out=held_out, callbacks=callbacks)
        callbacks.end()
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any, **how: Any) -> Self:
        """Fit; where that fails, go back to the last whole epoch, or undo everything."""
        fitting = Fitting.of(self)
        try:
            fitting.begin(self)
            self._fit_or_fail(X, y, sample_weight, **how)
            fitting.finish(self)
        except BaseException:
            fitting.break_off(self)
            raise
        return self

    def _fit_or_fail(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        going_on: bool,
        partial: bool = False,
        classes: Array | None = None,
        held_out: HeldOut = NOTHING,
        callbacks: Callbacks | None = None,
    ) -> None:
        self._validate_params()
        self._check_settings(held_out)
        if not partial:
            for name in ("_moments", "_target_moments", "dead_units_"):
                self.__dict__.pop(name, None)
        X = as_rows(X)
        columns = check_columns(self, X, reset=not going_on)
        warn_of_lost_digits(X)
        given = given_rows(columns, self._check_y(y, X), check_weight(sample_weight, X))
        bits = self._bits(going_on=going_on)
        if going_on:
            self._prepare_going_on(classes)
            self._check_going_on(given.y, partial=partial)
        parts = Split(np.arange(len(given.y)), np.arange(0), given.weight)
        if self._holds_back(held_out, partial=partial):
            parts = self._hold_back(given, bits, going_on=going_on)
        if not going_on:
            learning = learning_weight(parts.kept, parts.kept_weight, len(given.y))
            outputs = self._outputs(given, learning, classes)
            self._start(given, learning, outputs, bits, is_stream=partial)
        if partial:
            self._follow(given, going_on=going_on)
        self.held_back_ = given.places[parts.held_back]
        self.held_back_singly_ = parts.drawn_singly
        rows = self._encode(given.take(parts.kept, parts.kept_weight))
        validation: Validation | None = None
        if held_out.X is not None:
            validation = self._validation(held_out)
        elif len(parts.held_back):
            validation = self._apart(given.take(parts.held_back, parts.held_weight), X)
        if not partial:
            self.n_iter_ = 0
            self.model_ = replace(self.model_, temperature=1.0)
        if self.solver == "lbfgs":
            self._minimise(rows, callbacks)
        else:
            self._descend(rows, validation, callbacks, partial=partial)
        if not partial:
            self._conclude(rows, validation)

    def _check_going_on(self, y: Array, *, partial: bool) -> None:
        """Refuse to go on with other targets or another network than before."""
        self._check_same_targets(y, partial=partial)
        there, asked = self._traits_there(), self._traits_asked()
        for name, value in there.items():
            if asked[name] != value:
                raise ValueError(
                    f"training on continues the existing network, which has {name}={value!r}; "
                    f"got {asked[name]!r}. Fit with warm_start=False to start anew."
                )

    def _traits_there(self) -> dict[str, Any]:
        """Name the settings that a network cannot change while it learns, as it has them."""
        architecture = self.model_.architecture
        return {
            "hidden_layer_sizes": architecture.layer_units[1:-1],
            "activation": architecture.activation,
            "n_ensemble": len(self._runs),  # those that an interrupt came before, too
            "dtype": str(self.model_.params.flat.dtype),
            **asdict(architecture.loss),
        }

    def _traits_asked(self) -> dict[str, Any]:
        units, dtype = self._hidden_units(), str(self.model_.params.flat.dtype)
        return {
            "hidden_layer_sizes": units,
            "activation": Architecture((1, *units, 1), self._activation()).activation,
            "n_ensemble": self.n_ensemble,
            "dtype": dtype if self.dtype == "auto" else self.dtype,
            **asdict(self._loss_settings()),
        }

    def _bits(self, *, going_on: bool) -> Any:
        if not going_on:
            return bit_generator(self.random_state)
        if not hasattr(self, "_runs"):  # after loading
            networks = (self.model_.params, *self.model_.members)
            chances = streams(bit_generator(self.random_state), len(networks))
            self._runs = [Run.start(*pair) for pair in zip(networks, chances, strict=True)]
        return self._runs[0].bits

    def _holds_back(self, held_out: HeldOut, *, partial: bool) -> bool:
        if partial or held_out.X is not None:
            return False
        return self._needs_rows_apart() or (self.early_stopping and self.solver != "lbfgs")

    def _hold_back(self, given: Given, bits: np.random.BitGenerator, *, going_on: bool) -> Split:
        if self.validation_fraction == 0:
            raise InvalidParameterError(
                "early stopping and calibration need held-back rows, so 'validation_fraction' "
                "must be above 0; got 0"
            )
        if not (going_on and hasattr(self, "_split_seed")):  # going on, the same rows stay apart
            self._split_seed = int(bits.random_raw())
        strata, answers = self._strata(given.y)
        n, share = len(given.y), self.validation_fraction
        if self.shuffle:
            keys = row_keys(given.columns, self._split_seed)
            parts = split(keys, strata, share, given.weight, answers)
        else:
            parts = split_last(n, share, given.weight)
        if not len(parts.held_back):
            classes = len(np.unique(strata))
            warn(
                f"validation_fraction={self.validation_fraction} of {n} rows"
                f"{f' in {classes} classes' if classes > 1 else ''} leaves none to hold back "
                "(equal rows stay together); training on all rows and watching their loss instead",
                UserWarning,
            )
        if self.verbose and parts.drawn_singly:
            print(
                f"Held back {len(parts.held_back)} rows: {parts.drawn_singly} rows repeat only "
                f"{parts.patterns} different ones, so they were drawn one by one"
            )
        return parts

    def _start(
        self,
        given: Given,
        learning: Array | None,
        outputs: Outputs,
        bits: np.random.PCG64,
        *,
        is_stream: bool,
    ) -> None:
        """Fix the encoding, by the rows that weigh something, and draw a fresh network."""
        columns = given.columns
        names = getattr(self, "feature_names_in_", None)
        if self.preprocess is None or is_sparse(columns):
            check_says_nothing(self)
            encoder = Encoder.identity(columns.shape[1], names=names)
            check_scale(columns, encoder)
        else:
            if not hasattr(columns, "schema"):
                check_says_nothing(self)
                encoder = fit_matrix(columns, learning, names=names)
            else:
                plan, frequency = plan_of(self, columns, is_stream=is_stream), frequency_of(self)
                encoder = fit_table(
                    columns, plan, learning, frequency=frequency, is_stream=is_stream
                )
        units = (encoder.n_inputs, *self._hidden_units(), outputs.n)
        architecture = Architecture(units, self._activation(), outputs.kind, outputs.loss)
        dtype = precision(self.dtype, columns)
        with _memory_for(units, dtype):
            self._runs = [
                Run.start(self._first_params(architecture, stream, dtype), stream)
                for stream in streams(bits, self.n_ensemble)
            ]
        self.model_ = Model(
            encoder, architecture, self._runs[0].params, outputs.classes, scale=outputs.scale
        )
        self._start_record()

    def _follow(self, given: Given, *, going_on: bool) -> None:
        """Let the statistics of columns and targets move with the rows of a stream."""
        encoder = self.model_.encoder
        if encoder.is_identity or (going_on and not hasattr(self, "_moments")):
            return  # nothing is scaled, or what it is scaled by came from a whole table
        columns = given.columns.toarray() if is_sparse(given.columns) else given.columns
        now = Moments.of(encoder.numbers(columns), given.weight)
        if going_on:
            before = self._moments
            now = before.merged(now)
            moved = moved_encoder(encoder, now)
            if moved is not encoder:
                self._take([folded_inputs(r.params, encoder, moved, before) for r in self._runs])
                self.model_ = replace(self.model_, encoder=moved)
        self._moments = now

    def _take(self, networks: list[Params]) -> None:
        """Go on with other parameters; those there were stay as they are, should this fail."""
        self._runs = [replace(run, params=p) for run, p in zip(self._runs, networks, strict=True)]
        self.model_ = with_params(self.model_, networks)

    def _first_params(
        self, architecture: Architecture, bits: np.random.PCG64, dtype: np.dtype[Any]
    ) -> Params:
        units = architecture.layer_units
        if isinstance(self.initialisation, str):
            return initialise(units, architecture.activations, bits, dtype, self.initialisation)
        try:
            weights, biases = self.initialisation
            return given_params(units, weights, biases, dtype)
        except (TypeError, ValueError) as error:
            raise InvalidParameterError(
                f"The 'initialisation' parameter of {type(self).__name__} must be the name of a "
                f"method, or weights and biases of the layers {units}: {error}"
            ) from None

    def _encode(self, given: Given) -> Rows:
        """Make rows ready to train on or to be measured."""
        columns, encoder = given.columns, self.model_.encoder
        dtype = self.model_.params.flat.dtype
        if is_sparse(columns) and encoder.is_identity:
            x = columns.astype(dtype, copy=False)
        else:
            x = encoder.transform(columns.toarray() if is_sparse(columns) else columns, dtype)
        weight = self._row_weight(given)
        if weight is not None:
            weight = of_mean_one(weight).astype(dtype)
        return Rows(x, self._encode_y(given.y), weight)

    def _validation(self, held_out: HeldOut) -> Validation:
        X = as_rows(held_out.X)
        with told_of("X_val"):
            columns = check_columns(self, X, reset=False)
        with told_of("y_val"):
            y = self._check_y(held_out.y, X)
        if not len(y):
            raise DataError("X_val must have rows; it has none")
        with told_of("sample_weight_val"):
            weight = check_weight(held_out.weight, X, "sample_weight_val")
        with told_of("X_val and y_val"):
            return self._apart(given_rows(columns, y, weight), X)

    def _apart(self, given: Given, X: Any) -> Validation:
        seen = HeldOut(_pick(X, given.places), given.y, given.weight)
        return Validation(self._encode(given), given, seen)


@contextmanager
def _memory_for(units: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[None]:
    """Refuse a network that no memory holds, before the system has to or in better words."""
    needed = 4 * count(units) * dtype.itemsize  # parameters, gradient, two slots
    told = f"hidden_layer_sizes={units[1:-1]} needs {needed:,} bytes to train, more than"
    if needed > MOST_BYTES:
        raise MemoryError(f"{told} {MOST_BYTES:,}; take fewer units")
    try:
        yield
    except MemoryError:
        raise MemoryError(f"{told} there are; take fewer units") from None


def _pick(part: Any, rows: NDArray[np.intp]) -> Any:
    """Pick rows of what a user gave, in the type in which it came."""
    if is_sparse(part):
        return part.tocsr()[rows]
    known = isinstance(part, list | tuple) or hasattr(part, "shape")
    return _safe_indexing(part if known else np.asarray(part), rows)
