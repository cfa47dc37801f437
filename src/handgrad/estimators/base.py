"""The path of a fit, and what both estimators share.

Here scikit-learn's vocabulary (X, y, coefs_) meets that of the derivation (x, y_t, W1).
"""

import copy
import inspect
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import check_is_fitted

from handgrad.batches import split
from handgrad.encode import Encoder
from handgrad.engines.choice import choose, require_compiled
from handgrad.errors import DataError
from handgrad.estimators.checks import (
    Given,
    HeldOut,
    bit_generator,
    check_columns,
    check_weight,
    given_rows,
    hidden_units,
    learning_weight,
    of_mean_one,
    precision,
)
from handgrad.estimators.inside import Inside
from handgrad.estimators.parameters import Parameters
from handgrad.history import Epoch, History
from handgrad.model import Model, TargetScale
from handgrad.model_file import load_model, save_model
from handgrad.network import Architecture
from handgrad.optim import SGD, Adam, Optimizer
from handgrad.params import glorot_uniform
from handgrad.rows import Rows, is_sparse, row_keys
from handgrad.training import Run, Score, Settings, train, train_lbfgs

Array = NDArray[Any]

NOTHING = HeldOut()


class Outputs(NamedTuple):
    """What a network is to give: the last part of its architecture, and what it stands for."""

    kind: str  # "softmax", "logistic" or "identity"
    n: int
    classes: Array
    scale: TargetScale | None = None


class Validation(NamedTuple):
    """Rows that are only looked at."""

    rows: Rows
    given: Given
    original: HeldOut  # as the user gave them: what a scorer sees


def goes_in_steps(estimator: "MLP") -> bool:
    """Tell whether there is a partial_fit, or say why not."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs a solver that goes in steps: 'sgd' or 'adam'")
    return True


class MLP(Inside, Parameters):
    """What MLPClassifier and MLPRegressor share."""

    model_: Model
    _runs: list[Run]

    # -- what a kind of estimator has to say --------------------------------------------------

    def _check_y(self, y: Any, X: Any) -> Array:
        raise NotImplementedError

    def _outputs(self, given: Given, learning: Array | None, classes: Array | None) -> Outputs:
        """Decide what the network is to give, by the rows that weigh something."""
        raise NotImplementedError

    def _check_same_targets(self, y: Array, *, partial: bool) -> None:
        """Refuse to go on with other targets than before."""
        raise NotImplementedError

    def _encode_y(self, y: Array) -> Array:
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
        return self._fit(X, y, sample_weight, going_on=going_on, held_out=held_out)

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
    ) -> Self:
        self._validate_params()
        self._check_settings(held_out)
        columns = check_columns(self, X, reset=not going_on)
        given = given_rows(columns, self._check_y(y, X), check_weight(sample_weight, X))
        if going_on:
            self._check_going_on(given.y, partial=partial)
        bits = self._bits(going_on=going_on)
        kept, held_back = np.arange(len(given.y)), np.arange(0)
        if self._holds_back(held_out, partial=partial):
            kept, held_back = self._hold_back(given, bits, going_on=going_on)
        if not going_on:
            learning = learning_weight(given.weight, kept, len(given.y))
            self._start(given, learning, self._outputs(given, learning, classes), bits)
        rows = self._encode(given.take(kept))
        validation = None
        if held_out.X is not None:
            validation = self._validation(held_out)
        elif len(held_back):
            apart = given.take(held_back)
            original = HeldOut(*(_pick(part, apart.places) for part in (X, y, sample_weight)))
            validation = Validation(self._encode(apart), apart, original)
        if not partial:
            self.n_iter_ = 0
        if self.solver == "lbfgs":
            self._minimise(rows)
        else:
            self._descend(rows, validation, partial=partial)
        return self

    def _check_settings(self, held_out: HeldOut) -> None:
        """Refuse settings that no row needs to be seen for."""
        if (held_out.X is None) != (held_out.y is None):
            raise ValueError("X_val and y_val go together; pass both or neither")
        if held_out.X is None and held_out.weight is not None:
            raise ValueError("sample_weight_val weighs the rows of X_val; pass those, too")
        if held_out.X is not None and self.solver == "lbfgs":
            raise ValueError("solver 'lbfgs' has no epochs to validate; leave X_val and y_val out")
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
        wanted = (self._hidden_units(), self.activation)
        if wanted != (architecture.layer_units[1:-1], architecture.activation):
            raise ValueError(
                "going on needs the network there is, with hidden_layer_sizes="
                f"{architecture.layer_units[1:-1]} and activation={architecture.activation!r}; "
                f"got {wanted[0]} and {wanted[1]!r}. Fit with warm_start=False to start anew."
            )

    def _hidden_units(self) -> tuple[int, ...]:
        return hidden_units(self.hidden_layer_sizes, type(self).__name__)

    def _bits(self, *, going_on: bool) -> np.random.BitGenerator:
        if not going_on:
            return bit_generator(self.random_state)
        if not hasattr(self, "_runs"):  # after loading
            self._runs = [Run.start(self.model_.params, bit_generator(self.random_state))]
        return self._runs[0].bits

    def _holds_back(self, held_out: HeldOut, *, partial: bool) -> bool:
        if partial or held_out.X is not None or self.solver == "lbfgs":
            return False
        return self.early_stopping

    def _hold_back(
        self, given: Given, bits: np.random.BitGenerator, *, going_on: bool
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if self.validation_fraction == 0:
            raise InvalidParameterError(
                "early_stopping needs rows to watch: 'validation_fraction' must be above 0; got 0"
            )
        if not (going_on and hasattr(self, "_split_seed")):  # going on, the same rows stay apart
            self._split_seed = int(bits.random_raw())
        strata, n = self._strata(given.y), len(given.y)
        keys = row_keys(given.columns, self._split_seed)
        kept, held_back = split(keys, strata, self.validation_fraction, given.weight)
        if not len(held_back):
            classes = len(np.unique(strata))
            warnings.warn(
                f"early_stopping: validation_fraction={self.validation_fraction} of {n} rows"
                f"{f' in {classes} classes' if classes > 1 else ''} leaves none to hold back "
                "(equal rows stay together); training on all rows and watching their loss instead",
                UserWarning,
                stacklevel=5,
            )
        return kept, held_back

    def _start(
        self, given: Given, learning: Array | None, outputs: Outputs, bits: np.random.BitGenerator
    ) -> None:
        """Fix the encoding, by the rows that weigh something, and draw a fresh network."""
        columns = given.columns
        names = getattr(self, "feature_names_in_", None)
        if self.preprocess is None or is_sparse(columns):
            encoder = Encoder.identity(columns.shape[1], names=names)
        else:
            categorical = () if self.categorical_features is None else self.categorical_features
            encoder = Encoder.fit(columns, learning, names=names, categorical=tuple(categorical))
        units = (encoder.n_inputs, *self._hidden_units(), outputs.n)
        architecture = Architecture(units, self.activation, outputs.kind)
        params = glorot_uniform(units, self.activation, bits, precision(self.dtype, columns))
        self._runs = [Run.start(params, bits)]
        self.model_ = Model(encoder, architecture, params, outputs.classes, scale=outputs.scale)
        self._start_record()

    def _start_record(self) -> None:
        self.histories_: tuple[History, ...] = (History(()),)
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
        given = given_rows(columns, y, weight)
        return Validation(self._encode(given), given, held_out)

    def _use(self, engine: str, reason: str) -> None:
        self.engine_, self.engine_reason_ = engine, reason
        self.model_ = replace(self.model_, engine=engine)
        if self.verbose:
            print(f"Engine: {engine} ({reason})")

    def _minimise(self, rows: Rows) -> None:
        self._use("numpy", "lbfgs runs on the reference")
        found = train_lbfgs(
            self.model_.architecture,
            self.model_.params,
            rows,
            l2=float(self.alpha),
            max_iter=self.max_iter,
            max_fun=self.max_fun,
            tol=float(self.tol),
        )
        self.n_iter_, self.t_ = found.iterations, len(rows) * found.iterations
        self.loss_ = found.loss
        self.best_loss_ = found.loss
        if not found.converged:
            warnings.warn(
                f"lbfgs stopped after {found.iterations} iterations: {found.reason}. "
                "Raise max_iter or max_fun, or scale the data.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _descend(self, rows: Rows, validation: Validation | None, *, partial: bool) -> None:
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
        history = train(
            architecture,
            self._runs[0],
            settings,
            rows,
            epochs=epochs,
            validation=None if validation is None else validation.rows,
            score=None if validation is None else self._scorer(validation),
            on_epoch=self._record,
            make_engine=choice.make,
        )
        self.histories_ = (History(self.history_.epochs, history.reason),)
        if history.reason == "max_iter" and not partial:
            warnings.warn(
                f"max_iter={self.max_iter} epochs are done and the training could gain from more",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _settings(self, n: int, n_watched: int) -> Settings:
        if self.solver == "sgd":
            optimizer: Optimizer = SGD(float(self.momentum), bool(self.nesterovs_momentum))
        else:
            optimizer = Adam(float(self.beta_1), float(self.beta_2), float(self.epsilon))
        batch_size = min(200, n) if isinstance(self.batch_size, str) else int(self.batch_size)
        if batch_size > n:
            warnings.warn(
                f"batch_size={batch_size} is more than the {n} training rows; taking all",
                UserWarning,
                stacklevel=6,
            )
        return Settings(
            optimizer=optimizer,
            learning_rate_init=float(self.learning_rate_init),
            learning_rate=self.learning_rate if self.solver == "sgd" else "constant",
            power_t=float(self.power_t),
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

    def _scorer(self, validation: Validation) -> Score | None:
        """Make what judges the network after an epoch, where training does not know how."""
        scoring = self._watched(len(validation.rows))
        if scoring in ("loss", "accuracy"):
            return None
        scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
        X, y, weight = validation.original
        weighed = {"sample_weight": weight} if weight is not None and _weighs(scorer) else {}
        # A scorer may do to an estimator what it likes; the one that trains is kept from it.
        return lambda: scorer(copy.copy(self), X, y, **weighed)

    def _record(self, epoch: Epoch) -> bool | None:
        """Bring the attributes up to date after an epoch, so that an interrupt leaves them true."""
        run = self._runs[0]
        self.histories_ = (self.history_ + History((epoch,)),)
        self.n_iter_, self.t_ = self.n_iter_ + 1, run.rows_seen
        self.loss_ = epoch.loss + epoch.penalty
        self.loss_curve_.append(self.loss_)
        if self.best_loss_ is not None:
            self.best_loss_ = min(self.best_loss_, self.loss_)
        score = self._score_of(epoch)
        if score is not None and self.early_stopping:
            self.validation_scores_ = [*(self.validation_scores_ or []), score]
            self.best_validation_score_ = max(self.validation_scores_)
        if self.verbose:
            print(f"Iteration {epoch.epoch}, loss = {self.loss_:.8f}")
            if score is not None:
                print(f"Validation score: {score:.6f}")
        return None if self.on_epoch is None else self.on_epoch(epoch)

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
        return self.model_.architecture.output

    # -- predicting ---------------------------------------------------------------------------

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
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
        )
        estimator.model_ = model
        estimator.n_features_in_ = len(encoder.names)
        if encoder.names != tuple(f"x{column}" for column in range(len(encoder.names))):
            estimator.feature_names_in_ = np.array(encoder.names, dtype=object)
        estimator._start_record()
        return estimator


def _pick(part: Any, rows: NDArray[np.intp]) -> Any:
    """Pick rows of what a user gave, in the type in which it came."""
    if part is None:
        return None
    if is_sparse(part):
        return part.tocsr()[rows]
    known = isinstance(part, list | tuple) or hasattr(part, "shape")
    return _safe_indexing(part if known else np.asarray(part), rows)


def _weighs(scorer: Any) -> bool:
    """Tell whether a scorer can weigh rows."""
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in inspect.signature(metric).parameters
