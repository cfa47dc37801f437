"""The path of a fit, and what both estimators share.

Here scikit-learn's vocabulary (X, y, coefs_) meets that of the derivation (x, y_t, W1).
"""

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial as partially
from numbers import Integral, Real
from os import PathLike
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import Interval, InvalidParameterError
from sklearn.utils.validation import check_is_fitted

from handgrad import __version__
from handgrad.activations import ACTIVATIONS
from handgrad.batches import split
from handgrad.dropout import per_layer
from handgrad.encode import Encoder
from handgrad.engines.choice import choose, require_compiled
from handgrad.errors import DataError, DivergenceWarning, VersionError
from handgrad.estimators import exchange
from handgrad.estimators.callbacks import Callbacks, CallbackSupportMixin, with_callbacks
from handgrad.estimators.checks import (
    Given,
    HeldOut,
    bit_generator,
    check_columns,
    check_scale,
    check_weight,
    given_rows,
    hidden_units,
    learning_weight,
    of_mean_one,
    precision,
    warn,
    warn_of_constants,
)
from handgrad.estimators.inside import Inside
from handgrad.estimators.parameters import Parameters
from handgrad.estimators.progress import Show, progress
from handgrad.estimators.summary import html, summary
from handgrad.history import Epoch, History
from handgrad.losses import PLAIN, LossSettings
from handgrad.model import Model, TargetScale
from handgrad.model_file import load_model, save_model
from handgrad.network import Architecture, forward
from handgrad.optim import SGD, Adam, AdamW, Optimizer
from handgrad.params import Params, count, initialise
from handgrad.params import given as given_params
from handgrad.rows import Rows, is_sparse, row_keys
from handgrad.schedules import OF_TIME
from handgrad.training import CLASSIFIERS, Run, Score, Settings, train, train_lbfgs

Array = NDArray[Any]

NOTHING = HeldOut()

RECORD = ("n_iter_", "t_", "loss_", "best_loss_", "loss_curve_")  # what both libraries keep

# A run that explodes: such a weight, or a loss so many times that of chance for so many epochs.
LARGEST_WEIGHT = 1e6
TIMES_CHANCE, EPOCHS_TOO_LARGE = 10, 3

ROWS_LOOKED_AT = 4096  # for dead units
ROWS_FOR_A_WARNING = 50  # few rows leave many units at 0 that are not dead
MOST_BYTES = 1 << 40


class Outputs(NamedTuple):
    """What a network is to give: the last part of its architecture, and what it stands for."""

    kind: str  # of ``losses.OUTPUTS``
    n: int
    classes: Array
    scale: TargetScale | None = None
    loss: LossSettings = PLAIN


class Validation(NamedTuple):
    """Rows that are only looked at."""

    rows: Rows
    given: Given
    seen: HeldOut  # what a scorer sees: X as the user gave it


def goes_in_steps(estimator: "MLP") -> bool:
    """Tell whether there is a partial_fit, or say why not."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs a solver that goes in steps, such as 'adam'")
    return True


class MLP(
    Inside, TransformerMixin, ClassNamePrefixFeaturesOutMixin, CallbackSupportMixin, Parameters
):
    """What MLPClassifier and MLPRegressor share."""

    model_: Model
    _runs: list[Run]

    # -- what a kind of estimator has to say --------------------------------------------------

    def _check_y(self, y: Any, X: Any) -> Array:
        raise NotImplementedError

    def _outputs(self, given: Given, learning: Array | None, classes: Array | None) -> Outputs:
        """Decide what the network is to give, by the rows that weigh something."""
        raise NotImplementedError

    def _prepare_going_on(self, classes: Array | None) -> None:
        """Make room for what the network has not known so far."""

    def _check_same_targets(self, y: Array, *, partial: bool) -> None:
        """Refuse to go on with other targets than before."""
        raise NotImplementedError

    def _encode_y(self, y: Array) -> Array:
        raise NotImplementedError

    @classmethod
    def _told_by(cls, model: Model) -> dict[str, Any]:
        """Read the parameters of this kind of estimator off a model."""
        raise NotImplementedError

    @classmethod
    def _check_kind(cls, model: Model) -> None:
        """Refuse a model that predicts something else."""
        raise NotImplementedError

    def _strata(self, y: Array) -> NDArray[np.intp]:
        """Group the rows: of each group a part is held back."""
        return np.zeros(len(y), np.intp)

    def _watched(self, n: int) -> str | Callable[..., float]:
        """Say what "auto" means for n rows held back."""
        raise NotImplementedError

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
            Numbers; or, with preprocess="auto", a pandas, polars or Arrow table with string
            column names, whose columns may be text, categories, booleans and numbers, with
            missing cells.
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
        """Fit, and undo everything where that fails before a first epoch has ended."""
        before = self.__dict__.copy()
        try:
            return self._fit_or_fail(X, y, sample_weight, **how)
        except BaseException:
            now = self.__dict__.get("histories_")
            if now is before.get("histories_") or not (now and now[0]):
                self.__dict__ = before
            raise

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
    ) -> Self:
        self._validate_params()
        self._check_settings(held_out)
        columns = check_columns(self, X, reset=not going_on)
        given = given_rows(columns, self._check_y(y, X), check_weight(sample_weight, X))
        bits = self._bits(going_on=going_on)
        if going_on:
            self._prepare_going_on(classes)
            self._check_going_on(given.y, partial=partial)
        kept, apart = np.arange(len(given.y)), np.arange(0)
        if self._holds_back(held_out, partial=partial):
            kept, apart = self._hold_back(given, bits, going_on=going_on)
        if not going_on:
            learning = learning_weight(given.weight, kept, len(given.y))
            self._start(given, learning, self._outputs(given, learning, classes), bits)
        rows = self._encode(given.take(kept))
        validation: Validation | None = None
        if held_out.X is not None:
            validation = self._validation(held_out)
        elif len(apart):
            validation = self._apart(given.take(apart), X)
        if not partial:
            self.n_iter_ = 0
            self.model_ = replace(self.model_, temperature=1.0)
        if self.solver == "lbfgs":
            self._minimise(rows)
        else:
            self._descend(rows, validation, callbacks, partial=partial)
        if not partial:
            self._conclude(rows, validation)
        return self

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

    def _check_going_on(self, y: Array, *, partial: bool) -> None:
        """Refuse to go on with other targets or another network than before."""
        self._check_same_targets(y, partial=partial)
        architecture = self.model_.architecture
        units = (architecture.layer_units[0], *self._hidden_units(), self.n_outputs_)
        wanted = replace(architecture, layer_units=units, activation=self._activation())
        if wanted != architecture or self.n_ensemble != 1 + len(self.model_.members):
            raise ValueError(
                "going on needs the network there is, with hidden_layer_sizes="
                f"{architecture.layer_units[1:-1]}, activation={architecture.activation!r} and "
                f"n_ensemble={1 + len(self.model_.members)}; got {wanted.layer_units[1:-1]}, "
                f"{wanted.activation!r} and {self.n_ensemble}. Fit with warm_start=False to start "
                "anew."
            )

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

    def _bits(self, *, going_on: bool) -> Any:
        if not going_on:
            return bit_generator(self.random_state)
        if not hasattr(self, "_runs"):  # after loading
            networks = (self.model_.params, *self.model_.members)
            streams = _streams(bit_generator(self.random_state), len(networks))
            self._runs = [Run.start(*pair) for pair in zip(networks, streams, strict=True)]
        return self._runs[0].bits

    def _holds_back(self, held_out: HeldOut, *, partial: bool) -> bool:
        if partial or held_out.X is not None:
            return False
        return self._needs_rows_apart() or (self.early_stopping and self.solver != "lbfgs")

    def _needs_rows_apart(self) -> bool:
        """Tell whether rows are needed that were not trained on, although none are watched."""
        return False

    def _hold_back(
        self, given: Given, bits: np.random.BitGenerator, *, going_on: bool
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if self.validation_fraction == 0:
            raise InvalidParameterError(
                "rows are to be held back: 'validation_fraction' must be above 0; got 0"
            )
        if not (going_on and hasattr(self, "_split_seed")):  # going on, the same rows stay apart
            self._split_seed = int(bits.random_raw())
        strata, n = self._strata(given.y), len(given.y)
        keys = row_keys(given.columns, self._split_seed)
        kept, held_back = split(keys, strata, self.validation_fraction, given.weight)
        if not len(held_back):
            classes = len(np.unique(strata))
            warn(
                f"validation_fraction={self.validation_fraction} of {n} rows"
                f"{f' in {classes} classes' if classes > 1 else ''} leaves none to hold back "
                "(equal rows stay together); training on all rows and watching their loss instead",
                UserWarning,
            )
        return kept, held_back

    def _start(
        self, given: Given, learning: Array | None, outputs: Outputs, bits: np.random.PCG64
    ) -> None:
        """Fix the encoding, by the rows that weigh something, and draw a fresh network."""
        columns = given.columns
        names = getattr(self, "feature_names_in_", None)
        if self.preprocess is None or is_sparse(columns):
            encoder = Encoder.identity(columns.shape[1], names=names)
            check_scale(columns, encoder.names)
        else:
            categorical = () if self.categorical_features is None else self.categorical_features
            encoder = Encoder.fit(columns, learning, names=names, categorical=tuple(categorical))
            if hasattr(columns, "schema"):
                warn_of_constants(columns, encoder)
        units = (encoder.n_inputs, *self._hidden_units(), outputs.n)
        architecture = Architecture(units, self._activation(), outputs.kind, outputs.loss)
        dtype = precision(self.dtype, columns)
        _check_memory(units, dtype)
        self._runs = [
            Run.start(self._first_params(architecture, stream, dtype), stream)
            for stream in _streams(bits, self.n_ensemble)
        ]
        self.model_ = Model(
            encoder, architecture, self._runs[0].params, outputs.classes, scale=outputs.scale
        )
        self._start_record()

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

    def _start_record(self) -> None:
        self.histories_: tuple[History, ...] = (History(()),) * self.n_ensemble
        self.diverged_, self._explosion = False, ""
        self.n_iter_, self.t_ = 0, 0
        self.loss_ = math.inf
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = None if self.early_stopping else math.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -math.inf if self.early_stopping else None

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
        columns = check_columns(self, held_out.X, reset=False)
        y = self._check_y(held_out.y, held_out.X)
        if not len(y):
            raise DataError("X_val must have rows; it has none")
        weight = check_weight(held_out.weight, held_out.X, "sample_weight_val")
        return self._apart(given_rows(columns, y, weight), held_out.X)

    def _apart(self, given: Given, X: Any) -> Validation:
        seen = HeldOut(_pick(X, given.places), given.y, given.weight)
        return Validation(self._encode(given), given, seen)

    def _use(self, engine: str, reason: str) -> None:
        self.engine_, self.engine_reason_ = engine, reason
        self.model_ = replace(self.model_, engine=engine)
        if self.verbose:
            print(f"Engine: {engine} ({reason})")

    def _minimise(self, rows: Rows) -> None:
        self._use("numpy", "lbfgs runs on the reference")
        results = [
            train_lbfgs(
                self.model_.architecture,
                run.params,
                rows,
                l2=float(self.alpha),
                max_iter=self.max_iter,
                max_fun=self.max_fun,
                tol=float(self.tol),
            )
            for run in self._runs
        ]
        self._keep_members(self._runs[1:])
        found = next((result for result in results if not result.converged), results[0])
        self.n_iter_, self.t_ = found.iterations, len(rows) * found.iterations
        self.loss_ = found.loss
        self.best_loss_ = found.loss
        if not found.converged:
            warn(
                f"lbfgs stopped after {found.iterations} iterations: {found.reason}. "
                "Raise max_iter or max_fun, or scale the data.",
                ConvergenceWarning,
            )

    def _keep_members(self, runs: list[Run]) -> None:
        self.model_ = replace(self.model_, members=tuple(run.params for run in runs))

    def _descend(
        self,
        rows: Rows,
        validation: Validation | None,
        callbacks: Callbacks | None,
        *,
        partial: bool,
    ) -> None:
        architecture, epochs = self.model_.architecture, 1 if partial else self.max_iter
        settings = self._settings(len(rows), 0 if validation is None else len(validation.rows))
        choice = choose(
            self.engine,
            architecture,
            settings.optimizer,
            rows,
            batch_size=settings.batch_size,
            epochs=epochs,
        )
        self._use(choice.name, choice.reason)
        chance = self._chance(rows)
        reasons = []
        try:
            with progress(bool(self.verbose), epochs * len(self._runs)) as show:
                for number, run in enumerate(self._runs):
                    history = train(
                        architecture,
                        run,
                        settings,
                        rows,
                        epochs=epochs,
                        validation=None if validation is None else validation.rows,
                        score=None if validation is None else self._scorer(validation, run),
                        on_epoch=partially(self._record, number, show, chance, callbacks),
                        make_engine=choice.make,
                    )
                    self._add_history(number, (), history.reason)
                    reasons.append(history.reason)
        finally:  # an interrupt leaves networks without an epoch: they are not to predict
            self._keep_members([run for run in self._runs[1:] if run.epochs])
        if self.diverged_:
            warn(
                f"training diverges, although its numbers are finite: {self._explosion}. "
                "Lower the learning rate, or scale the inputs.",
                DivergenceWarning,
            )
        runs_to_its_end = isinstance(self.learning_rate, str) and self.learning_rate in OF_TIME
        if "max_iter" in reasons and not partial and not runs_to_its_end:
            warn(
                f"max_iter={self.max_iter} epochs are done and the training could gain from more",
                ConvergenceWarning,
            )

    def _optimizer(self) -> Optimizer:
        if self.solver == "sgd":
            return SGD(float(self.momentum), bool(self.nesterovs_momentum))
        adam = float(self.beta_1), float(self.beta_2), float(self.epsilon)
        return Adam(*adam) if self.solver == "adam" else AdamW(*adam, float(self.weight_decay))

    def _dropout(self) -> float | tuple[float, ...]:
        """Give the share of units to leave out of all hidden layers, or of each."""
        if isinstance(self.dropout, Real):
            return float(self.dropout)
        try:
            return per_layer(tuple(self.dropout), len(self._hidden_units()))
        except (TypeError, ValueError) as error:
            raise InvalidParameterError(f"The 'dropout' parameter is wrong: {error}") from None

    def _settings(self, n: int, n_watched: int) -> Settings:
        batch_size = min(200, n) if isinstance(self.batch_size, str) else int(self.batch_size)
        if batch_size > n:
            warn(
                f"batch_size={batch_size} is more than the {n} training rows; taking all",
                UserWarning,
            )
        return Settings(
            optimizer=self._optimizer(),
            learning_rate_init=float(self.learning_rate_init),
            learning_rate=self.learning_rate,
            power_t=float(self.power_t),
            schedule_epochs=self.max_iter,
            warmup_epochs=float(self.warmup_epochs),
            dropout=self._dropout(),
            clip_norm=math.inf if self.clip_norm is None else float(self.clip_norm),
            batch_size=batch_size,
            shuffle=bool(self.shuffle),
            l2=float(self.alpha),
            monitor=self._monitor(n_watched) if n_watched and self.early_stopping else "loss",
            tol=float(self.tol),
            patience=float(self.n_iter_no_change),
        )

    # -- judging ------------------------------------------------------------------------------

    def _monitor(self, n: int) -> str:
        """Name what early stopping watches on n rows."""
        scoring = self._watched(n)
        if scoring == "loss":
            return "validation_loss"
        return "validation_error" if scoring == "accuracy" else "validation_score"

    def _scorer(self, validation: Validation, run: Run) -> Score | None:
        """Make what judges the network after an epoch, where training does not know how."""
        scoring = self._watched(len(validation.rows))
        if scoring in ("loss", "accuracy"):
            return None
        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
        X, y, weight = validation.seen
        weighed = {"sample_weight": weight} if weight is not None and _weighs(scorer) else {}

        def score() -> float:
            # A scorer may do to an estimator what it likes; the one that trains is kept from it.
            judged = copy.copy(self)
            judged.model_ = replace(self.model_, params=run.params, members=())
            return float(scorer(judged, X, y, **weighed))

        return score

    def _record(
        self, number: int, show: Show, chance: float, callbacks: Callbacks | None, epoch: Epoch
    ) -> bool:
        """Bring the attributes up to date after an epoch, so that an interrupt leaves them true."""
        run = self._runs[number]
        self._add_history(number, (epoch,), "")
        self._watch_for_divergence(number, chance)
        score = self._score_of(epoch)
        if number == 0:
            self._record_first(epoch, score)
        show(epoch.epoch, epoch.loss + epoch.penalty, score)
        stop = False
        if callbacks is not None:
            now = replace(self.model_, params=run.params.copy(), members=())
            stop = callbacks.epoch(now)
        return bool(self.on_epoch is not None and self.on_epoch(epoch)) or stop

    def _record_first(self, epoch: Epoch, score: float | None) -> None:
        """Bring up to date what scikit-learn's users look for: it tells of the first network."""
        self.n_iter_, self.t_ = self.n_iter_ + 1, self._runs[0].rows_seen
        self.loss_ = epoch.loss + epoch.penalty
        self.loss_curve_.append(self.loss_)
        if self.best_loss_ is not None:
            self.best_loss_ = min(self.best_loss_, self.loss_)
        if score is not None and self.early_stopping:
            self.validation_scores_ = [*(self.validation_scores_ or []), score]
            self.best_validation_score_ = max(self.validation_scores_)

    def _add_history(self, number: int, epochs: tuple[Epoch, ...], reason: str) -> None:
        histories = list(self.histories_)
        histories[number] += History(epochs, reason)
        self.histories_ = tuple(histories)

    def _watch_for_divergence(self, number: int, chance: float) -> None:
        """Flag a run that explodes without becoming infinite; the warning waits for its end."""
        last = self.histories_[number].epochs[-EPOCHS_TOO_LARGE:]
        losses = len(last) == EPOCHS_TOO_LARGE and min(epoch.loss for epoch in last)
        largest = max(float(np.abs(W).max()) for W in self._runs[number].params.W)
        what = ""
        if largest > LARGEST_WEIGHT:
            what = f"a weight of {largest:.3g}"
        elif losses > TIMES_CHANCE * chance:
            what = f"a loss of {losses:.3g}, where chance gives {chance:.3g},"
        if what and not self.diverged_:
            rate = last[-1].learning_rate
            self._explosion = f"{what} in epoch {last[-1].epoch} at learning rate {rate:g}"
            self.diverged_ = True

    def _conclude(self, rows: Rows, validation: Validation | None) -> None:
        """Do what takes the trained network: find its dead units."""
        some: Any = rows.x[:ROWS_LOOKED_AT]
        if is_sparse(some):
            some = some.toarray()
        model = self.model_
        hidden = forward(model.architecture, model.params, some).h[1:]
        self.dead_units_ = [
            float((h == 0).all(axis=0).mean()) if name == "relu" else 0.0
            for h, name in zip(hidden, model.architecture.activations, strict=True)
        ]
        for layer, share in enumerate(self.dead_units_, start=1):
            if share > 0.5 and len(some) >= ROWS_FOR_A_WARNING:
                warn(
                    f"{share:.0%} of the units of hidden layer {layer} are dead: they give 0 for "
                    f"each of {len(some)} rows, and will not learn any more. Lower the learning "
                    'rate, or take the activation "leaky_relu".',
                    ConvergenceWarning,
                )

    def _chance(self, rows: Rows) -> float:
        """Compute the loss of one who does not look at the inputs."""
        raise NotImplementedError

    def _score_of(self, epoch: Epoch) -> float | None:
        """Read off an epoch what ``scoring`` says of it; None where nothing was held back."""
        if epoch.validation_score is not None:
            return epoch.validation_score
        if self._watched(0) == "accuracy":
            return epoch.validation_accuracy
        return None if epoch.validation_loss is None else -epoch.validation_loss

    # -- what scikit-learn's users look for, read off the model -------------------------------

    @property
    def history_(self) -> History:
        return self.histories_[0]

    @property
    def coefs_(self) -> list[Array]:
        return list(self.model_.params.W)

    @property
    def intercepts_(self) -> list[Array]:
        return list(self.model_.params.b)

    @property
    def n_layers_(self) -> int:
        return len(self.model_.architecture.layer_units)

    @property
    def n_outputs_(self) -> int:
        return self.model_.architecture.layer_units[-1]

    @property
    def out_activation_(self) -> str:
        output = self.model_.architecture.output
        if output in CLASSIFIERS:
            return output
        return "exp" if output == "poisson" else "identity"

    def summary(self) -> str:
        """Describe the network layer by layer: what it computes, shapes, parameters, bytes."""
        check_is_fitted(self)
        return summary(self.model_)

    def _html_repr(self) -> str:
        """Show the diagram of scikit-learn in notebooks and, once fitted, the layers below it."""
        diagram: str = super()._html_repr()
        return diagram + html(self.model_) if hasattr(self, "model_") else diagram

    # -- predicting ---------------------------------------------------------------------------

    def transform(self, X: Any, layer: int = -1) -> Array:
        """Compute what a layer makes of each row, shape (n_samples, units).

        Parameters
        ----------
        X : as for ``fit``
        layer : int, default=-1
            Which: 1 is the first hidden layer, -1 the last one, 0 the encoded inputs. Of an
            ensemble it is the first network's.
        """
        columns = self._check_fitted(X)
        n_layers = len(self.model_.architecture.layer_units) - 1
        if not isinstance(layer, Integral) or not -n_layers <= layer < n_layers:
            raise ValueError(
                f"layer must be a whole number from {-n_layers} to {n_layers - 1}, 0 being the "
                f"inputs and -1 the last hidden layer; got {layer!r}"
            )
        return self._predictor.hidden(columns, int(layer))

    @property
    def _n_features_out(self) -> int:
        return self.model_.architecture.layer_units[-2]

    @property
    def _predictor(self) -> Model:
        """The model on the engine that was asked for; with "auto", on the one that trained it."""
        if self.engine == "compiled":
            require_compiled()
        if self.engine in ("auto", self.model_.engine):
            return self.model_
        return replace(self.model_, engine=self.engine)

    def _check_fitted(self, X: Any) -> Any:
        check_is_fitted(self)
        return check_columns(self, X, reset=False)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_handgrad_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Refuse the pickle of another version, whose attributes may mean something else."""
        state = dict(state)
        version = state.pop("_handgrad_version", "before 0.1.0")
        if version != __version__:
            raise VersionError(
                f"this {type(self).__name__} was pickled by handgrad {version}, and this is "
                f"{__version__}: pickles hold for one version. Fit again, and keep models with "
                "save(), whose files are read by every later version."
            )
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        kept = ["float64", "float32"] if self.dtype == "auto" else [self.dtype]
        tags.transformer_tags.preserves_dtype = kept
        tags.input_tags.allow_nan = self.preprocess == "auto"
        return tags

    # -- keeping ------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model, encoding included, to one file (see ``model_file.save_model``).

        Raises
        ------
        OSError
            If the file cannot be written; a file that stood there before is left as it was.
        """
        check_is_fitted(self)
        save_model(self.model_, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a model file back into a fitted estimator.

        On the engine that predicted before, it predicts the same bits. It begins with the
        reference; ``set_params(engine="compiled")`` sets the other to work.

        Raises
        ------
        OSError
            If the file cannot be read.
        ModelFileError
            If it is not an undamaged handgrad model, or is one of the other kind.
        """
        return cls.from_model(load_model(path))

    def _to(self, theirs: type) -> Any:
        check_is_fitted(self)
        reason = exchange.why_not(self.model_)
        if reason:
            raise ValueError(f"scikit-learn cannot hold this network: {reason}")
        names = theirs._get_param_names()  # type: ignore[attr-defined]
        shared = {name: getattr(self, name) for name in names}
        if shared.get("loss", "poisson") != "poisson":  # the only other one that it minimises
            shared["loss"] = "squared_error"
        return exchange.fill(theirs(**shared), self)

    @classmethod
    def _from(cls, theirs: Any, classes: Array, **settings: Any) -> Self:
        estimator = cls(**exchange.parameters(theirs), **settings)
        estimator.model_ = exchange.model_of(theirs, classes)
        bits = bit_generator(theirs.random_state)
        estimator._runs = [exchange.run_of(theirs, estimator.model_.params, bits)]
        estimator._start_record()
        for name in ("n_features_in_", "feature_names_in_", *RECORD):
            if hasattr(theirs, name):
                setattr(estimator, name, getattr(theirs, name))
        return estimator

    @classmethod
    def from_model(cls, model: Model) -> Self:
        """Wrap a model as a fitted estimator; training it further starts with a fresh optimiser."""
        architecture, encoder = model.architecture, model.encoder
        cls._check_kind(model)
        estimator = cls(
            hidden_layer_sizes=architecture.layer_units[1:-1],
            activation=architecture.activation,
            preprocess=None if encoder.is_identity else "auto",
            dtype=str(model.params.flat.dtype),
            n_ensemble=1 + len(model.members),
            **cls._told_by(model),
        )
        estimator.model_ = model
        estimator.n_features_in_ = len(encoder.names)
        if encoder.names != tuple(f"x{column}" for column in range(len(encoder.names))):
            estimator.feature_names_in_ = np.array(encoder.names, dtype=object)
        estimator._start_record()
        return estimator


def _streams(bits: np.random.PCG64, n: int) -> list[np.random.PCG64]:
    """Make streams of chance for n networks; the first is the one that a single network has."""
    return [bits, *(bits.jumped(number) for number in range(1, n))]


def _check_memory(units: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse a network that no memory holds, before the system has to."""
    needed = 4 * count(units) * dtype.itemsize  # parameters, gradient, two slots
    if needed > MOST_BYTES:
        raise MemoryError(
            f"hidden_layer_sizes={units[1:-1]} needs {needed:,} bytes to train, more than "
            f"{MOST_BYTES:,}; take fewer units"
        )


def _pick(part: Any, rows: NDArray[np.intp]) -> Any:
    """Pick rows of what a user gave, in the type in which it came."""
    if is_sparse(part):
        return part.tocsr()[rows]
    known = isinstance(part, list | tuple) or hasattr(part, "shape")
    return _safe_indexing(part if known else np.asarray(part), rows)


def _weighs(scorer: Any) -> bool:
    """Tell whether a scorer can weigh rows."""
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in inspect.signature(metric).parameters
