"""MLPClassifier: scikit-learn's names and contract over handgrad's training.

The one file that imports scikit-learn, and the border at which a user's input is checked.
Here its vocabulary (X, y, coefs_) meets that of the derivation (x, y_t, W1).
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from handgrad.batches import split
from handgrad.encode import Encoder
from handgrad.engines.choice import choose, require_compiled
from handgrad.errors import DataError
from handgrad.history import Epoch, History
from handgrad.labels import classes_of, encode_labels
from handgrad.model import Model
from handgrad.model_file import load_model, save_model
from handgrad.network import Architecture
from handgrad.optim import SGD, Adam, Optimizer
from handgrad.params import glorot_uniform
from handgrad.rows import Rows, is_sparse, row_keys, take
from handgrad.table import from_frame, is_frame
from handgrad.training import Run, Settings, train, train_lbfgs

Array = NDArray[Any]

MONITORS = {"accuracy": "validation_error", "loss": "validation_loss"}  # by scoring


def _goes_in_steps(estimator: "MLPClassifier") -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs a solver that goes in steps: 'sgd' or 'adam'")
    return True


class MLPClassifier(ClassifierMixin, BaseEstimator):
    """Multilayer perceptron classifier with scikit-learn's interface.

    The first 23 parameters are those of ``sklearn.neural_network.MLPClassifier``: same names,
    order, defaults and meaning; docs/differences.md lists where the behaviour differs on purpose.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; () is softmax regression.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation of the hidden layers.
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
        SciPy's L-BFGS on all rows at once, or gradient descent or Adam on mini-batches.
    alpha : float, default=1e-4
        Strength of the penalty alpha/2 * sum(W**2), added to the mean loss.
    batch_size : int or "auto", default="auto"
        Rows a step; "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of solver "sgd". invscaling: learning_rate_init / (t_ + 1)**power_t after each
        epoch. adaptive: divide by 5 whenever n_iter_no_change epochs bring no gain.
    learning_rate_init : float, default=1e-3
        Learning rate at the start.
    power_t : float, default=0.5
        Exponent of invscaling.
    max_iter : int, default=200
        Most epochs ("lbfgs": iterations).
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the initial weights, of the rows held back and of shuffling.
    tol : float, default=1e-4
        Least gain that counts as one.
    verbose : bool, default=False
        Print a line an epoch.
    warm_start : bool, default=False
        Whether fit goes on from where the last one ended, optimiser state included.
    momentum : float, default=0.9
        Momentum of solver "sgd".
    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's.
    early_stopping : bool, default=False
        Hold back rows, stop when they stop gaining, and keep the best epoch.
    validation_fraction : float, default=0.1
        Part of each class to hold back.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        Decay rates and guard of Adam.
    n_iter_no_change : int or inf, default=10
        Stop after this many epochs in a row without a gain.
    max_fun : int, default=15000
        Most evaluations of the loss by "lbfgs".
    preprocess : "auto" or None, default="auto"
        "auto": numeric columns are standardised, text, categorical and boolean columns one-hot
        encoded, missing cells imputed by the median with an indicator input. None: X goes into
        the network as it is, and must be numeric and complete. Sparse X is never changed.
    categorical_features : sequence of str or None, default=None
        Names of data frame columns to one-hot encode although they hold numbers.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Precision of training; "auto" is float32 for float32 X, else float64.
    scoring : {"accuracy", "loss"}, default="accuracy"
        What early stopping watches on the rows held back.
    on_epoch : callable or None, default=None
        Called with each finished ``handgrad.history.Epoch``; training stops if it returns True.
    engine : {"auto", "numpy", "compiled"}, default="auto"
        What runs the epochs, and later the predictions: the reference in NumPy, or the same
        mathematics compiled (``pip install "handgrad[fast]"``). "auto" compiles where the work
        repays it; the two agree to rounding, so for the same bits name one.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels, sorted.
    coefs_ : list of arrays of shape (n_in, n_out)
        W1, W2, ...: views, in the precision of training. They act on the encoded columns.
    intercepts_ : list of arrays of shape (n_out,)
        b1, b2, ...
    loss_ : float
        Mean loss plus penalty of the last epoch, in nats.
    best_loss_ : float or None
        The smallest such loss; None with early_stopping.
    loss_curve_ : list of float
        loss_ of every epoch; empty with "lbfgs".
    validation_scores_ : list of float or None
        Of every epoch, on the rows held back: accuracy, or minus the loss with scoring="loss".
        None without early_stopping.
    best_validation_score_ : float or None
        The largest of these.
    history_ : handgrad.history.History
        All that was recorded, one row an epoch.
    n_iter_ : int
        Epochs (iterations) so far.
    t_ : int
        Training rows seen so far.
    n_features_in_, feature_names_in_ : int, array of str
        The columns of X; the names only where all are strings.
    n_layers_, n_outputs_, out_activation_ : int, int, str
        Layers including input and output; scores a row; "logistic" for two classes, else "softmax".
    model_ : handgrad.model.Model
        What predicts, and what ``save`` writes.
    engine_, engine_reason_ : str
        The engine that trained, "numpy" or "compiled", and why it was chosen.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from handgrad import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> MLPClassifier(max_iter=300, random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
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
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "preprocess": [StrOptions({"auto"}), None],
        "categorical_features": ["array-like", None],
        "dtype": [StrOptions({"auto", "float32", "float64"})],
        "scoring": [StrOptions(set(MONITORS))],
        "on_epoch": [callable, None],
        "engine": [StrOptions({"auto", "numpy", "compiled"})],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
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
        scoring: str = "accuracy",
        on_epoch: Callable[[Epoch], bool | None] | None = None,
        engine: str = "auto",
    ) -> None:
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
        self.dtype = dtype
        self.scoring = scoring
        self.on_epoch = on_epoch
        self.engine = engine

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.preprocess == "auto"
        return tags

    # -- learning ---------------------------------------------------------------------------

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None
    ) -> Self:
        """Train on labelled rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), or data frame
            Numbers; or, with preprocess="auto", a pandas, polars or Arrow table with string
            column names, whose columns may be text, categories, booleans and numbers, with
            missing cells.
        y : array-like of shape (n_samples,)
            Labels of one type: strings, integers, booleans, whole floats or dates.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0: 2 counts as the row twice, 0 as the row removed.
        X_val, y_val : as X and y, optional
            Rows to validate on after each epoch. With early_stopping they are watched in place
            of a part of X; without it, their loss and accuracy are only recorded.

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
        return self._fit(X, y, sample_weight, going_on=going_on, held_out=(X_val, y_val))

    @available_if(_goes_in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on these rows, going on from what is there.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``. The first call also fixes the encoding of the columns.
        classes : array-like of shape (n_classes,), optional
            All labels that any call may bring; needed in the first call.

        Returns
        -------
        self
        """
        first = not hasattr(self, "model_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None:
            classes = _check_classes(classes)
            if not first and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes must be those of the first call, {self.classes_}; got {classes}"
                )
        return self._fit(X, y, sample_weight, going_on=not first, partial=True, classes=classes)

    def _fit(self, X: Any, y: Any, sample_weight: Any, **how: Any) -> Self:
        """Fit, and undo everything where that fails before a first epoch has ended."""
        before = self.__dict__.copy()
        try:
            return self._fit_or_fail(X, y, sample_weight, **how)
        except BaseException:
            now = self.__dict__.get("history_")
            if now is before.get("history_") or not now:
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
        held_out: tuple[Any, Any] = (None, None),
    ) -> Self:
        self._validate_params()
        self._check_held_out(*held_out)
        columns = self._check_columns(X, reset=not going_on)
        y = _check_labels(y, X)
        weight = _check_weight(sample_weight, X)
        if weight is not None:  # a weight of 0 is a row that is not there
            there = np.flatnonzero(weight)
            columns, y, weight = take(columns, there), y[there], weight[there]
        if going_on:
            classes = self.classes_
            self._check_going_on(y, partial=partial)
        elif classes is None:
            classes = classes_of(y)
        y_t = encode_labels(y, classes)

        if going_on and not hasattr(self, "_run"):  # after loading
            self._run = Run.start(self.model_.params, _bit_generator(self.random_state))
        bits = self._run.bits if going_on else _bit_generator(self.random_state)
        kept, held_back = np.arange(len(y_t)), np.arange(0)
        if self.early_stopping and held_out[0] is None and not partial and self.solver != "lbfgs":
            kept, held_back = self._hold_back(columns, y_t, weight, bits, going_on=going_on)
        if not going_on:
            self._start(columns, _learning_weight(weight, kept, len(y_t)), classes, bits)
        rows = self._encode(columns, y_t, weight, kept)
        if self.solver == "lbfgs":
            self._minimise(rows)
            return self
        validation = None
        if held_out[0] is not None:
            validation = self._encode_held_out(*held_out)
        elif len(held_back):
            validation = self._encode(columns, y_t, weight, held_back)
        self._descend(rows, validation, partial=partial)
        return self

    def _check_held_out(self, X_val: Any, y_val: Any) -> None:
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val go together; pass both or neither")
        if X_val is not None and self.solver == "lbfgs":
            raise ValueError("solver 'lbfgs' has no epochs to validate; leave X_val and y_val out")

    def _encode_held_out(self, X_val: Any, y_val: Any) -> Rows:
        columns = self._check_columns(X_val, reset=False)
        y_t = encode_labels(_check_labels(y_val, X_val), self.classes_)
        if not len(y_t):
            raise DataError("X_val must have rows; it has none")
        return self._encode(columns, y_t, None, np.arange(len(y_t)))

    def _check_columns(self, X: Any, *, reset: bool) -> Any:
        """Turn X into an Arrow table, a float matrix or a CSR matrix that can be encoded."""
        if not reset and self._is_as_expected(X):
            return X
        if self.preprocess == "auto" and _is_named_frame(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            table = from_frame(X)
            if reset or hasattr(self, "feature_names_in_"):
                return table
            # Fitted on a matrix, it knows columns by position; validate_data has warned.
            return table.rename_columns(list(self.model_.encoder.names))
        if X is None:
            raise ValueError("X must be rows of numbers or a data frame; X is None")
        if isinstance(X, str | PathLike):
            raise TypeError(
                f"X must be rows of numbers or a data frame; got the path {str(X)!r}. "
                "Read the file first: handgrad.read_table gives a table to fit on."
            )
        fills_holes = reset or not self.model_.encoder.is_identity
        allow_nan = self.preprocess == "auto" and not is_sparse(X) and fills_holes
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan" if allow_nan else True,
        )

    def _is_as_expected(self, X: Any) -> bool:
        """Tell a matrix that scikit-learn's checks, 60 us and more, would let through as it is."""
        if type(X) is not np.ndarray or X.dtype not in (np.float32, np.float64):
            return False
        if X.ndim != 2 or not len(X) or hasattr(self, "feature_names_in_"):
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            return X.shape[1] == self.n_features_in_ and math.isfinite(X.sum())

    def _check_going_on(self, y: Array, *, partial: bool) -> None:
        """Refuse to go on with other classes or another network than before."""
        if not partial and not np.array_equal(classes_of(y), self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes_of(y)}"
            )
        architecture = self.model_.architecture
        wanted = (_hidden_units(self.hidden_layer_sizes), self.activation)
        if wanted != (architecture.layer_units[1:-1], architecture.activation):
            raise ValueError(
                "going on needs the network there is, with hidden_layer_sizes="
                f"{architecture.layer_units[1:-1]} and activation={architecture.activation!r}; "
                f"got {wanted[0]} and {wanted[1]!r}. Fit with warm_start=False to start anew."
            )

    def _hold_back(
        self,
        columns: Any,
        y_t: NDArray[np.intp],
        weight: Array | None,
        bits: np.random.BitGenerator,
        *,
        going_on: bool,
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if self.validation_fraction == 0:
            raise InvalidParameterError(
                "early_stopping needs rows to watch: 'validation_fraction' must be above 0; got 0"
            )
        if not (going_on and hasattr(self, "_split_seed")):  # going on, the same rows stay apart
            self._split_seed = int(bits.random_raw())
        keys = row_keys(columns, self._split_seed)
        kept, held_back = split(keys, y_t, self.validation_fraction, weight)
        if not len(held_back):
            warnings.warn(
                f"early_stopping: validation_fraction={self.validation_fraction} of {len(y_t)} "
                f"rows in {len(np.unique(y_t))} classes leaves none to hold back "
                "(equal rows stay together); training on all rows and watching their loss instead",
                UserWarning,
                stacklevel=5,
            )
        return kept, held_back

    def _start(
        self, columns: Any, weight: Array | None, classes: Array, bits: np.random.BitGenerator
    ) -> None:
        """Fix the encoding, by the rows that weigh something, and draw a fresh network."""
        names = getattr(self, "feature_names_in_", None)
        if self.preprocess is None or is_sparse(columns):
            encoder = Encoder.identity(columns.shape[1], names=names)
        else:
            categorical = () if self.categorical_features is None else self.categorical_features
            encoder = Encoder.fit(columns, weight, names=names, categorical=tuple(categorical))
        output, n_outputs = ("logistic", 1) if len(classes) == 2 else ("softmax", len(classes))
        units = (encoder.n_inputs, *_hidden_units(self.hidden_layer_sizes), n_outputs)
        params = glorot_uniform(units, self.activation, bits, _precision(self.dtype, columns))
        self.model_ = Model(encoder, Architecture(units, self.activation, output), params, classes)
        self._run = Run.start(params, bits)
        self._start_record()

    def _start_record(self) -> None:
        self.history_ = History(())
        self.n_iter_, self.t_ = 0, 0
        self.loss_ = math.inf
        self.loss_curve_: list[float] = []
        self.best_loss_: float | None = None if self.early_stopping else math.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: float | None = -math.inf if self.early_stopping else None

    def _encode(
        self,
        columns: Any,
        y_t: NDArray[np.intp],
        weight: Array | None,
        chosen: NDArray[np.intp],
    ) -> Rows:
        """Make the chosen rows ready to train on; nothing is copied where they are all."""
        if len(chosen) < len(y_t):
            columns, y_t = take(columns, chosen), y_t[chosen]
            weight = None if weight is None else weight[chosen]
        encoder, dtype = self.model_.encoder, self.model_.params.flat.dtype
        if is_sparse(columns) and encoder.is_identity:
            x = columns.astype(dtype, copy=False)
        else:
            x = encoder.transform(columns.toarray() if is_sparse(columns) else columns, dtype)
        if weight is not None:
            weight = weight / weight.max()  # so that weights of 1e308 have a finite sum
            weight = (weight / weight.mean()).astype(dtype)
        target = y_t[:, None] if self.model_.architecture.output == "logistic" else y_t
        return Rows(x, target, weight)

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

    def _descend(self, rows: Rows, validation: Rows | None, *, partial: bool) -> None:
        architecture, epochs = self.model_.architecture, 1 if partial else self.max_iter
        settings = self._settings(len(rows), validation=validation is not None)
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
            self._run,
            settings,
            rows,
            epochs=epochs,
            validation=validation,
            on_epoch=self._record,
            make_engine=choice.make,
        )
        self.history_ = History(self.history_.epochs, history.reason)
        if history.reason == "max_iter" and not partial:
            warnings.warn(
                f"max_iter={self.max_iter} epochs are done and the training could gain from more",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _settings(self, n: int, *, validation: bool) -> Settings:
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
            monitor=MONITORS[self.scoring] if validation and self.early_stopping else "loss",
            tol=float(self.tol),
            patience=float(self.n_iter_no_change),
        )

    def _record(self, epoch: Epoch) -> bool | None:
        """Bring the attributes up to date after an epoch, so that an interrupt leaves them true."""
        self.history_ = self.history_ + History((epoch,))
        self.n_iter_, self.t_ = self._run.epochs, self._run.rows_seen
        self.loss_ = epoch.loss + epoch.penalty
        self.loss_curve_.append(self.loss_)
        if self.best_loss_ is not None:
            self.best_loss_ = min(self.best_loss_, self.loss_)
        score = epoch.validation_accuracy
        if self.scoring == "loss" and epoch.validation_loss is not None:
            score = -epoch.validation_loss
        if score is not None and self.early_stopping:
            self.validation_scores_ = [*(self.validation_scores_ or []), score]
            self.best_validation_score_ = max(self.validation_scores_)
        if self.verbose:
            print(f"Iteration {epoch.epoch}, loss = {self.loss_:.8f}")
            if score is not None:
                print(f"Validation score: {score:.6f}")
        return None if self.on_epoch is None else self.on_epoch(epoch)

    # -- what scikit-learn's users look for, read off the model ------------------------------

    @property
    def classes_(self) -> Array:
        return self.model_.classes

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

    # -- predicting -------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """Give the most probable label of each row, shape (n_samples,)."""
        columns = self._check_fitted(X)
        return self._predictor.predict(columns)

    def predict_proba(self, X: Any) -> Array:
        """Compute the probability of each class, shape (n_samples, n_classes)."""
        columns = self._check_fitted(X)
        return self._predictor.predict_proba(columns)

    def predict_log_proba(self, X: Any) -> Array:
        """Compute the logarithm of each class's probability, shape (n_samples, n_classes).

        It comes from the scores and stays finite where the probability underflows to 0.
        """
        columns = self._check_fitted(X)
        return self._predictor.predict_log_proba(columns)

    def decision_function(self, X: Any) -> Array:
        """Compute the scores before softmax, shape (n_samples, n_classes).

        For two classes it is the one score of ``classes_[1]``, shape (n_samples,): positive
        where that class is predicted.
        """
        columns = self._check_fitted(X)
        scores = self._predictor.scores(columns)
        return scores[:, 0] if self.out_activation_ == "logistic" else scores

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
        return self._check_columns(X, reset=False)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    # -- keeping ----------------------------------------------------------------------------

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
            If it is not an undamaged handgrad model.
        """
        return cls.from_model(load_model(path))

    @classmethod
    def from_model(cls, model: Model) -> Self:
        """Wrap a model as a fitted estimator; training it further starts with a fresh optimiser."""
        architecture, encoder = model.architecture, model.encoder
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


def _learning_weight(
    weight: Array | None, kept: NDArray[np.intp], n: int
) -> NDArray[np.float64] | None:
    """Weigh rows that are held back with 0: the encoding must not learn from them."""
    if weight is None and len(kept) == n:
        return None
    learning = np.zeros(n)
    learning[kept] = 1 if weight is None else weight[kept]
    return learning


def _is_named_frame(X: Any) -> bool:
    """Tell a data frame with text for column names; one with numbers for names is a matrix."""
    if isinstance(X, dict) or not is_frame(X):  # DOK matrices are dictionaries, too
        return False
    names = X.column_names if hasattr(X, "column_names") else X.columns
    return all(isinstance(name, str) for name in names)


def _check_labels(y: Any, X: Any) -> Array:
    if y is None:
        raise ValueError("MLPClassifier requires y to be passed, but the target y is None")
    shape: tuple[int, ...] = getattr(y, "shape", ())
    if len(shape) == 2 and shape[1] > 1:
        raise DataError(
            f"y must hold one label a row, shape (n_samples,); got shape {shape}. "
            "If it is one-hot, pass y.argmax(axis=1)."
        )
    if isinstance(y, list | tuple) and len(np.shape(y)) == 1:
        y = np.array(y, dtype=object)  # or NumPy would turn 1 and "a" into two texts
    labels: Array = column_or_1d(y, warn=True)
    assert_all_finite(labels, input_name="y")
    if labels.dtype == object:  # of one kind, which scikit-learn wants to see in the dtype
        labels = labels.astype(classes_of(labels).dtype)
    check_classification_targets(labels)
    check_consistent_length(X, labels)
    return labels


def _check_classes(classes: Any) -> Array:
    given = column_or_1d(classes)
    distinct = classes_of(given)
    if len(distinct) < len(given):
        raise ValueError(f"classes must be distinct; got {list(given)}")
    return distinct


def _check_weight(sample_weight: Any, X: Any) -> Array | None:
    if sample_weight is None:
        return None
    weight: Array = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise ValueError(
            f"sample_weight must not be negative; got {weight[row]:g} in row {row + 1}. "
            "A weight of 0 leaves a row out."
        )
    if not weight.any():
        raise ValueError("sample_weight must hold at least one weight above zero; all are zero")
    return weight


def _hidden_units(sizes: Any) -> tuple[int, ...]:
    units = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
    for position, n in enumerate(units):
        if not isinstance(n, Integral) or isinstance(n, bool | np.bool_) or n < 1:
            raise InvalidParameterError(
                "The 'hidden_layer_sizes' parameter of MLPClassifier must be whole numbers of "
                f"units, each at least 1. Got {n!r} at position {position} instead."
            )
    return tuple(int(n) for n in units)


def _precision(dtype: str, columns: Any) -> np.dtype[Any]:
    if dtype != "auto":
        return np.dtype(dtype)
    if hasattr(columns, "schema"):
        single = all(str(kind) == "float" for kind in columns.schema.types)
    else:
        single = columns.dtype == np.float32
    return np.dtype(np.float32 if single else np.float64)


def _bit_generator(random_state: Any) -> np.random.BitGenerator:
    if random_state is None:
        return np.random.PCG64()
    if isinstance(random_state, Integral):
        return np.random.PCG64(int(random_state))
    if isinstance(random_state, np.random.Generator):
        return np.random.PCG64(int(random_state.integers(2**63)))
    return np.random.PCG64(check_random_state(random_state).randint(2**31 - 1))
