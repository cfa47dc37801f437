"""MLPClassifier: labels, one a row or several at once."""

from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from handgrad.batch import Rows
from handgrad.errors import DataError, ModelFileError
from handgrad.estimators.base import MLP, Outputs, goes_in_steps
from handgrad.estimators.checks import Given, as_rows, check_weight, warn
from handgrad.estimators.growth import grow
from handgrad.estimators.parameters import CONSTRAINTS
from handgrad.estimators.record import Validation
from handgrad.estimators.targets import check_classes, check_labels, labels_to_judge
from handgrad.losses import LossSettings
from handgrad.models.calibration import calibration_error, fit_temperature
from handgrad.models.model import Model
from handgrad.outputs import LOGISTIC, for_classes
from handgrad.tables.labels import classes_of, encode_labels
from handgrad.training.history import Epoch

Array = NDArray[Any]


class MLPClassifier(ClassifierMixin, MLP):
    """Multilayer perceptron classifier with scikit-learn's interface.

    The first 23 parameters are those of ``sklearn.neural_network.MLPClassifier``: same names,
    order, defaults and meaning; docs/differences.md lists where the behaviour differs on purpose.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; () is softmax regression.
    activation : str or sequence of str, default="relu"
        Activation of the hidden layers, one for all or one for each: scikit-learn's "identity",
        "logistic", "tanh", "relu", or another of ``handgrad.activations.ACTIVATIONS``.
    solver : {"lbfgs", "sgd", "adam", "adamw"}, default="adam"
        SciPy's L-BFGS on all rows at once; or gradient descent, Adam, or Adam with decoupled
        weight decay on mini-batches.
    alpha : float, default=1e-4
        Strength of the penalty alpha/2 * sum(W**2), added to the mean loss.
    batch_size : int or "auto", default="auto"
        Rows a step; "auto" is min(200, n_samples).
    learning_rate : str or callable, default="constant"
        Schedule of every solver but "lbfgs". invscaling: learning_rate_init / (t_ + 1)**power_t
        after each epoch. adaptive: divide by 5 whenever n_iter_no_change epochs bring no gain.
        "warmup", "cosine", "onecycle", "coslog4": see ``handgrad.schedules``; the last three are
        stretched over max_iter epochs. A callable gives the rate of each epoch, from 1.
    learning_rate_init : float, default=1e-3
        Learning rate at the start.
    power_t : float, default=0.5
        Exponent of invscaling.
    max_iter : int, default=200
        Most epochs ("lbfgs": iterations).
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order. Without it, the rows held back are the
        last ones: so for rows in the order of time.
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
        Part of each class to hold back; without shuffle, of all rows. Equal rows stay together,
        but where few differ or a few are most of the table, they are drawn one by one.
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
    kinds : dict of str to str, Plan or None, default=None
        What columns of a data frame are: "number", "boolean", "category", "date" or "left out";
        those not named are taken for what they look like (docs/tables.md). A whole plan, as
        ``columns_`` of another estimator, is obeyed as it is.
    missing_values : str, number, list of these, dict or None, default=None
        What means missing besides empty cells and, in columns of numbers, the words that pandas
        knows: "unknown", -999. A dict gives {column: values}; no values, as in {"country": []},
        leave empty cells alone missing, so that NA is a level.
    decimal, thousands : str or None, default=None
        The signs within numbers that are texts; by default each column decides.
    min_frequency : int, default=1
        In how many training rows a level of a category must stand to get an input of its own;
        the others share one.
    max_levels : int, default=1000
        How many levels of a category get inputs of their own: the most frequent.
    categorical_features : sequence of str or int, or None, default=None
        Names of data frame columns to one-hot encode although they hold numbers.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Precision of training; "auto" is float32 for float32 X, else float64.
    scoring : "auto", "loss", str or callable, default="auto"
        What early stopping watches on the rows held back: their loss, the name of a scorer of
        scikit-learn, or a callable (estimator, X, y) -> float of which more is better. "auto" is
        "accuracy"; with class_weight, which asks for something else, "loss".
    on_epoch : callable or None, default=None
        Called with each finished ``handgrad.training.Epoch``, of "lbfgs" an iteration; training
        stops if it returns True.
    engine : {"auto", "numpy", "compiled"}, default="auto"
        What runs the epochs, and later the predictions: the reference in NumPy, or the same
        mathematics compiled (``pip install "handgrad[fast]"``). "auto" compiles where the work
        repays it; the two agree to rounding, so for the same bits name one.
    initialisation : str or pair of sequences of arrays, default="auto"
        How the first weights are drawn: "glorot_uniform", "glorot_normal", "he_uniform",
        "he_normal", "lecun_uniform", "lecun_normal"; or "auto", by activation, for
        scikit-learn's four as scikit-learn does. Or the weights and the biases of all layers.
    dropout : float or sequence of float, default=0.0
        Share of units left out at random in training, of all hidden layers or of each.
    weight_decay : float, default=0.01
        Of solver "adamw": how much of each weight an update takes away, times the rate.
    clip_norm : float or None, default=None
        A gradient longer than this is shortened to it.
    warmup_epochs : float, default=5.0
        How long learning_rate="warmup" takes to reach learning_rate_init.
    n_ensemble : int, default=1
        How many networks to train from this seed, one after the other; their probabilities are
        averaged. The first is the one that n_ensemble=1 gives.
    class_weight : "balanced", dict or None, default=None
        Weights of the classes, by which the weights of rows are multiplied, of those watched too;
        the encoding of columns does not see them. "balanced": n_samples / (n_classes * rows of
        the class), rows counted by weight. A dict gives {label: weight}; a class that is not in
        it weighs 1.
    calibration : "temperature" or None, default=None
        "temperature" divides all scores by one number, ``temperature_``, chosen after training so
        that probabilities fit the rows held back (or X_val) best. It changes no prediction.
    label_smoothing : float, default=0.0
        The share of each label that is spread over all classes. It makes probabilities milder.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels, sorted; 0, 1, ... for the columns of y where a row may have several.
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
        Of every epoch, on the rows held back: what scoring says; "loss" counts negative.
        None without early_stopping.
    best_validation_score_ : float or None
        The largest of these.
    history_ : handgrad.training.History
        All that was recorded, one row an epoch; ``history_.rows()`` gives dictionaries.
    histories_ : tuple of History
        That of each network of an ensemble. All else that is recorded tells of the first.
    held_back_ : int array
        The rows of X that were held back, none where this did not happen.
    held_back_singly_ : int
        How many rows were drawn one by one, so that equal rows may be on both sides; 0 where
        equal rows stayed together.
    diverged_ : bool
        Whether the loss stayed above ten times that of chance, and above that before training, for
        three epochs, or a weight grew beyond 1e6. A DivergenceWarning has said so.
    dead_units_ : list of float
        Of each hidden layer, the share of relu units that give 0 for each training row (of the
        first 4,096): they do not learn any more.
    temperature_ : float
        What scores are divided by; 1 without calibration.
    n_iter_ : int
        Epochs (iterations) of the last fit, and of partial_fit since.
    t_ : int
        Training rows seen so far.
    n_features_in_, feature_names_in_ : int, array of str
        The columns of X; the names only where all are strings.
    n_layers_, n_outputs_, out_activation_ : int, int, str
        Layers including input and output; scores a row; "logistic" for two classes, else "softmax".
    model_ : handgrad.models.model.Model
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
        **CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "calibration": [StrOptions({"temperature"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
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
        class_weight: dict[Any, float] | str | None = None,
        calibration: str | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        self._keep(locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags

    # -- learning -----------------------------------------------------------------------------

    @available_if(goes_in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on these rows, going on from what is there.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``. The first call decides what the columns are and which levels have
            inputs; means and deviations are those of all rows so far, unless the network comes
            from ``fit`` or a file: then they stay.
        classes : array-like of shape (n_classes,), optional
            All labels that any call may bring; needed in the first call. A later call may name
            more, with all of the old among them: the output layer grows by their columns, drawn
            as in a fresh network, and the old classes keep their scores.

        Returns
        -------
        self
        """
        first = not hasattr(self, "model_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, and partial_fit sees only some; "
                "pass the weights as a dict (sklearn.utils.class_weight.compute_class_weight)"
            )
        if classes is not None:
            classes = check_classes(classes)
        return self._fit(X, y, sample_weight, going_on=not first, partial=True, classes=classes)

    def _check_y(self, y: Any, X: Any) -> Array:
        return check_labels(y, X)

    def _prepare_going_on(self, classes: Array | None) -> None:
        if classes is None or np.array_equal(classes, self.classes_):
            return
        new, old = classes.tolist(), self.classes_.tolist()
        if self.model_.is_multilabel or not set(old) < set(new):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_}, or these and more; "
                f"got {classes}"
            )
        places = np.array([new.index(label) for label in old], dtype=np.intp)
        architecture = self.model_.architecture
        grown = [grow(architecture, run, places, len(new)) for run in self._runs]
        self._runs = [run for _, run in grown]
        self.model_ = replace(
            self.model_,
            architecture=grown[0][0],
            params=self._runs[0].params,
            members=tuple(run.params for run in self._runs[1:]),
            classes=classes,
        )

    def _needs_rows_apart(self) -> bool:
        return self.calibration is not None

    def _chance(self, rows: Rows) -> float:
        return self.model_.architecture.head.chance(self.n_outputs_)

    def _conclude(self, rows: Rows, validation: Validation | None) -> None:
        super()._conclude(rows, validation)
        if self.calibration is None or validation is None or len(self.classes_) == 1:
            return
        score = self.model_.scores(validation.given.columns)
        _, y_t, weight = validation.rows
        temperature = fit_temperature(self.model_.architecture.output, score, y_t, weight)
        self.model_ = replace(self.model_, temperature=temperature)

    def _loss_settings(self) -> LossSettings:
        return LossSettings(label_smoothing=float(self.label_smoothing))

    def _outputs(self, given: Given, learning: Array | None, classes: Array | None) -> Outputs:
        loss = self._loss_settings()
        if given.y.ndim == 2:
            labels = np.arange(given.y.shape[1])
            if classes is not None and not np.array_equal(classes, labels):
                raise ValueError(
                    f"y has {len(labels)} columns of 0 and 1, so classes must be {labels}, their "
                    f"numbers; got {classes}"
                )
            return Outputs(LOGISTIC.name, len(labels), labels, loss=loss)
        if classes is None:
            classes = classes_of(given.y)
            if len(classes) == 1:
                warn(
                    f"y has one class only, {classes.tolist()[0]!r}: the model can give no other",
                    UserWarning,
                )
        encode_labels(given.y, classes)  # says which label is not among them
        output, n_scores = for_classes(len(classes))
        return Outputs(output.name, n_scores, classes, loss=loss)

    def _check_same_targets(self, y: Array, *, partial: bool) -> None:
        if (y.ndim == 2) != self.model_.is_multilabel or y.shape[1:] not in (
            (),
            (self.n_outputs_,),
        ):
            wanted = (
                f"(n_samples, {self.n_outputs_})" if self.model_.is_multilabel else "(n_samples,)"
            )
            raise ValueError(f"y must have the shape of before, {wanted}; got {y.shape}")
        if partial or y.ndim == 2:
            return
        if not np.array_equal(classes_of(y), self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes_of(y)}"
            )

    def _encode_y(self, y: Array) -> Array:
        if y.ndim == 2:
            if y.shape[1] != self.n_outputs_:
                raise DataError(f"y must have {self.n_outputs_} columns; got {y.shape[1]}")
            return y
        y_t = encode_labels(y, self.classes_)
        return y_t if self.model_.architecture.head.takes_classes else y_t[:, None]

    @classmethod
    def _told_by(cls, model: Model) -> dict[str, Any]:
        return {"label_smoothing": model.architecture.loss.label_smoothing}

    @classmethod
    def _check_kind(cls, model: Model) -> None:
        if not model.architecture.head.classifies:
            raise ModelFileError("this model predicts numbers; load it with MLPRegressor.load")

    def _strata(self, y: Array) -> tuple[NDArray[np.intp], Array]:
        if y.ndim == 2:
            return super()._strata(y)
        classes = np.unique(y, return_inverse=True)[1]
        return classes, classes

    def _row_weight(self, given: Given) -> NDArray[np.float64] | None:
        if self.class_weight is None:
            return given.weight
        if given.y.ndim == 2:
            raise ValueError(
                "class_weight is for one label a row; where a row may have several, weigh the "
                "rows by sample_weight"
            )
        y_t = encode_labels(given.y, self.classes_)
        by_class = self._class_weight(y_t, given.weight)[y_t]
        if not by_class.any():
            raise ValueError("class_weight must leave at least one row a weight above zero")
        if given.weight is None:
            return by_class
        both: NDArray[np.float64] = by_class / by_class.max() * (given.weight / given.weight.max())
        return both

    def _class_weight(
        self, y_t: NDArray[np.intp], weight: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Weigh the classes, shape (K,)."""
        if isinstance(self.class_weight, dict):
            return self._listed_weight(self.class_weight)
        relative = None if weight is None else weight / weight.max()
        rows = np.bincount(y_t, relative, minlength=len(self.classes_))
        balanced: NDArray[np.float64] = np.zeros(len(rows))
        np.divide(rows.sum() / np.count_nonzero(rows), rows, out=balanced, where=rows > 0)
        return balanced

    def _listed_weight(self, listed: dict[Any, float]) -> NDArray[np.float64]:
        known = self.classes_.tolist()
        unknown = [label for label in listed if label not in known]
        if unknown:
            raise ValueError(
                f"class_weight has the class {unknown[0]!r}, which is not in y; the classes are "
                f"{known[:10]}"
            )
        weights = np.array([listed.get(label, 1.0) for label in known], dtype=np.float64)
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError(f"class_weight must hold finite numbers, none below 0; got {listed}")
        return weights

    def _watched(self, n: int) -> str | Callable[..., float]:
        if self.scoring != "auto":
            return self.scoring
        return "accuracy" if self.class_weight is None else "loss"

    # -- predicting ---------------------------------------------------------------------------

    @property
    def classes_(self) -> Array:
        return self.model_.classes

    @property
    def temperature_(self) -> float:
        return self.model_.temperature

    def expected_calibration_error(
        self, X: Any, y: Any, sample_weight: Any = None, n_bins: int = 15
    ) -> float:
        """Measure how far the probability of the predicted class lies from being right.

        See ``handgrad.models.calibration.calibration_error``; 0 is perfect, 0.1 means that answers
        given with 90 % are right 80 % or all of the time.
        """
        model, columns = self._asked(X)
        if model.is_multilabel:
            raise ValueError("the calibration error is that of one label a row; y has several")
        proba = model.predict_proba(columns)
        if not len(proba):
            raise DataError("there are no rows; at least one is needed")
        right = encode_labels(check_labels(y, X), model.classes) == proba.argmax(axis=1)
        return calibration_error(right, proba.max(axis=1), check_weight(sample_weight, X), n_bins)

    def predict(self, X: Any) -> Array:
        """Give the most probable label of each row, shape (n_samples,).

        Where a row may have several: 1 for each more probable than not, (n_samples, n_labels).
        """
        model, columns = self._asked(X)
        return model.predict(columns)

    def predict_proba(self, X: Any) -> Array:
        """Compute the probability of each class, shape (n_samples, n_classes)."""
        model, columns = self._asked(X)
        return model.predict_proba(columns)

    def predict_log_proba(self, X: Any) -> Array:
        """Compute the logarithm of each class's probability, shape (n_samples, n_classes).

        It comes from the scores and stays finite where the probability underflows to 0.
        """
        model, columns = self._asked(X)
        return model.predict_log_proba(columns)

    def decision_function(self, X: Any) -> Array:
        """Compute the scores before softmax, shape (n_samples, n_classes).

        For two classes it is the one score of ``classes_[1]``, shape (n_samples,): positive
        where that class is predicted.
        """
        model, columns = self._asked(X)
        scores = model.scores(columns)
        return scores[:, 0] if model.architecture.head.is_binary(scores.shape[1]) else scores

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the share of rows whose label, or whose labels all, are right."""
        X = as_rows(X)
        return float(super().score(X, labels_to_judge(y), check_weight(sample_weight, X)))

    # -- into scikit-learn and out of it ------------------------------------------------------

    def to_sklearn(self) -> Theirs:
        """Make scikit-learn's own MLPClassifier of it, fitted, with the same predictions.

        The scale of the columns is folded into the first layer, the temperature into the last.
        Settings that it has not become the nearest that it has, for fitting it again.

        Raises
        ------
        ValueError
            If scikit-learn has no such network; the message says why.
        """
        return self._to(Theirs)

    @classmethod
    def from_sklearn(cls, estimator: Theirs) -> Self:
        """Take scikit-learn's fitted MLPClassifier over, the state of its optimiser included.

        ``alpha`` is divided by the rows of a batch, as scikit-learn does in each step; only with
        "lbfgs", which leaves no count of the rows, it is taken as it is.
        """
        check_is_fitted(estimator)
        return cls._from(estimator, estimator.classes_)
