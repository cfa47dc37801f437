"""TabularClassifier and TabularRegressor: strong on tables, and nothing to tune."""

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, Options, StrOptions

from handgrad.estimators.advice import advising
from handgrad.estimators.fitted import Fitted, there
from handgrad.estimators.fitting import Given
from handgrad.estimators.keeping import keeping
from handgrad.estimators.labels import Labels
from handgrad.estimators.numbers import Numbers
from handgrad.estimators.parameters import CONSTRAINTS
from handgrad.estimators.predicting import PredictsLabels, PredictsNumbers
from handgrad.estimators.race import fitted
from handgrad.estimators.recipe import ALL, DTYPE, EFFORTS, KINDS, LEARNING_RATE
from handgrad.estimators.remembered import warn_of_lost
from handgrad.estimators.targets import check_classes
from handgrad.estimators.task import Job
from handgrad.estimators.together import Learnt
from handgrad.estimators.underway import FIT, under_way
from handgrad.models.model import Model
from handgrad.outputs import BY_LOSS
from handgrad.tables.encode import PIECEWISE
from handgrad.training.history import Epoch

Array = NDArray[Any]

SHARED = (
    "categorical_features",
    "kinds",
    "missing_values",
    "decimal",
    "thousands",
    "min_frequency",
    "max_levels",
    "random_state",
    "verbose",
    "on_epoch",
    "engine",
    "checkpoint",
    "checkpoint_every",
    "resume",
)
TABULAR: dict[str, list[Any]] = {
    "effort": [StrOptions(set(EFFORTS))],
    "n_networks": [Interval(Integral, 1, None, closed="left"), None],
    "updates": [Interval(Integral, 1, None, closed="left"), "array-like", None],
    "networks": [StrOptions({ALL, *KINDS}), "array-like"],
    "n_jobs": [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1}), None],
    **{name: CONSTRAINTS[name] for name in SHARED},
}


class Tabular(Fitted):
    """What both have in common.

    Some parameters of the MLP estimators are facts here.
    """

    preprocess = PIECEWISE  # a number may be missing, and a column may be text
    dtype = DTYPE
    learning_rate_init, alpha, scoring = LEARNING_RATE, 0.0, "loss"
    label_smoothing, calibration = 0.0, None

    networks: Any
    updates: int | Sequence[int] | None
    n_jobs: int | None

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Train on rows whose answers are known.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or data frame
            As for ``MLPClassifier``: numbers, or a table whose columns may be text, categories,
            booleans, dates and numbers, with missing cells.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            As for ``MLPRegressor``.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0: 2 counts as the row twice, 0 as the row removed.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter, X, y or the weights cannot be used; nothing has been trained then.
        DivergenceError
            If the loss or a parameter stops being finite.
        """
        return self._fit(Given(X, y, sample_weight))

    def _fit(self, given: Given) -> Self:
        self._validate_params()
        warn_of_lost(vars(self).get(FIT))
        with advising(self), under_way(self) as now, keeping(self) as keeper:
            job = Job(self, self._task, now, None, False, keeper)
            fit = fitted(job, given)
            keeper.finish()
            now.finish(fit)
        return self

    def _out_of_bag(self, compute: Callable[[Array], Array], name: str) -> Array:
        """Compute something of the scores of rows held back; NaN for the other rows."""
        rows = there(self, self._now.out_of_bag, name)
        computed = compute(rows.scores)
        found = np.full((rows.n, *computed.shape[1:]), np.nan, computed.dtype)
        found[rows.places] = computed
        return found

    @property
    def networks_(self) -> tuple[Learnt, ...]:
        return there(self, self._now.networks or None, "networks_")

    @property
    def race_(self) -> tuple[Learnt, ...]:
        return there(self, self._now.raced or None, "race_")

    @classmethod
    def _parameters_of(cls, model: Model) -> dict[str, Any]:
        known = cls._get_param_names()
        of_task = {n: v for n, v in cls._kind.params_from(model).items() if n in known}
        return of_task


class TabularClassifier(PredictsLabels, Tabular):
    """Labels from tables: networks that need no tuning.

    Two kinds of networks, smooth and sharp, race on rows held back, with several lengths of
    training. Whoever is not beaten beyond doubt goes on, with further networks, each of which holds
    other rows back. The prediction is a mean of all of them, by shares that the rows held back vote
    on.

    Parameters
    ----------
    effort : {"fast", "medium", "high"}, default="medium"
        How much time it may take: the number of networks, and how long they train.
    n_networks : int, optional
        The number of networks of each kind and length that goes on, the one that raced among them;
        by ``effort`` if not given.
    updates : int or sequence of int, optional
        The updates that a network makes, within 8 to 100 epochs; of several numbers the first two
        race, and larger ones as long as that pays. By ``effort`` if not given.
    networks : "auto", or one or several of {"smooth", "sharp"}, default="auto"
        The kinds that race; "auto" is all.
    class_weight : dict, "balanced" or None, default=None
        As in ``MLPClassifier``; likewise the following.
    categorical_features, kinds, missing_values, decimal, thousands, min_frequency, max_levels
        How the columns are read.
    random_state : int, RandomState, Generator or None, default=None
    n_jobs : int or None, default=None
        The largest number of networks that train at once, which also bounds the memory; None and -1
        are one for each core that we may use. The result does not depend on it.
    verbose : bool, default=False
        Show how far the networks have come: a bar in a terminal, elsewhere a line for each.
    on_epoch : callable or None, default=None
        Called with each epoch of each network; a network whose call returns True ends there. The
        epoch also has a ``network``: its ``kind``, its ``number`` from 1, ``of`` how many it is
        one (during the race, if one goes on), and the ``epochs`` it is to train for.
    engine : "auto", "compiled" or "numpy", default="auto"
    checkpoint, checkpoint_every, resume
        As in ``MLPClassifier``.

    Attributes
    ----------
    networks_ : tuple of Learnt
        The networks of the model, each with its ``entrant`` (kind, updates, fold), ``share``,
        ``epochs`` and ``loss`` on the rows held back. Where both kinds predict, sharp ones come
        first, because they take all inputs; else those with the larger share.
    race_ : tuple of Learnt
        Those that raced.
    oob_decision_function_ : array of shape (n_samples, n_classes)
        The probabilities of training rows by networks that have not learnt from them; NaN for
        rows that every network has learnt from. Of several labels, (n_samples, n_labels). Judged by
        these rows, a model looks somewhat too good: they chose its epochs, kinds and shares.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from handgrad import TabularClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> TabularClassifier(effort="fast", random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TABULAR,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    _kind = Labels

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, classes: Any = None) -> Self:
        """Train on rows whose labels, or their probabilities, are known.

        Parameters
        ----------
        X, sample_weight
            As for ``TabularRegressor``.
        y, classes
            As for ``MLPClassifier``: labels; or probabilities, whose columns ``classes`` names.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError, DivergenceError
            As for ``TabularRegressor``.
        """
        named = None if classes is None else check_classes(classes)
        return self._fit(Given(X, y, sample_weight, classes=named))

    @property
    def oob_decision_function_(self) -> Array:
        return self._out_of_bag(self.model_.architecture.head.proba, "oob_decision_function_")

    def __init__(
        self,
        effort: str = "medium",
        *,
        n_networks: int | None = None,
        updates: int | Sequence[int] | None = None,
        networks: Any = ALL,
        class_weight: dict[Any, float] | str | None = None,
        categorical_features: Any = None,
        kinds: Any = None,
        missing_values: Any = None,
        decimal: str | None = None,
        thousands: str | None = None,
        min_frequency: int = 1,
        max_levels: int = 1000,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        on_epoch: Callable[[Epoch], bool | None] | None = None,
        engine: str = "auto",
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every: int | str = "1min",
        resume: bool = False,
    ) -> None:
        self.effort = effort
        self.n_networks = n_networks
        self.updates = updates
        self.networks = networks
        self.class_weight = class_weight
        self.categorical_features = categorical_features
        self.kinds = kinds
        self.missing_values = missing_values
        self.decimal = decimal
        self.thousands = thousands
        self.min_frequency = min_frequency
        self.max_levels = max_levels
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.on_epoch = on_epoch
        self.engine = engine
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.resume = resume


class TabularRegressor(PredictsNumbers, Tabular):
    """Numbers from tables: networks that need no tuning.

    Parameters
    ----------
    effort : {"fast", "medium", "high"}, default="medium"
        As in ``TabularClassifier``.
    loss : str, default="squared_error"
        As in ``MLPRegressor``; likewise ``delta`` and ``quantiles``.
    n_networks, updates, networks, categorical_features, kinds, missing_values, decimal, \
    thousands, min_frequency, max_levels, random_state, n_jobs, verbose, on_epoch, engine, \
    checkpoint, checkpoint_every, resume
        As in ``TabularClassifier``.

    Attributes
    ----------
    networks_, race_
        As in ``TabularClassifier``.
    oob_prediction_ : array of shape (n_samples,) or (n_samples, n_outputs)
        The predictions of training rows by networks that have not learnt from them, as ``predict``
        gives them; NaN for rows that every network has learnt from.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from handgrad import TabularRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> TabularRegressor(effort="fast", random_state=0).fit(X, y).score(X, y) > 0.4
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TABULAR,
        "loss": [StrOptions(set(BY_LOSS))],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "quantiles": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }
    _kind = Numbers
    scale_target = True

    @property
    def oob_prediction_(self) -> Array:
        numbers = self._out_of_bag(self.model_.numbers_of, "oob_prediction_")
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def __init__(
        self,
        effort: str = "medium",
        *,
        loss: str = "squared_error",
        n_networks: int | None = None,
        updates: int | Sequence[int] | None = None,
        networks: Any = ALL,
        categorical_features: Any = None,
        kinds: Any = None,
        missing_values: Any = None,
        decimal: str | None = None,
        thousands: str | None = None,
        min_frequency: int = 1,
        max_levels: int = 1000,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        on_epoch: Callable[[Epoch], bool | None] | None = None,
        engine: str = "auto",
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every: int | str = "1min",
        resume: bool = False,
        delta: float = 1.0,
        quantiles: Any = 0.5,
    ) -> None:
        self.effort = effort
        self.loss = loss
        self.n_networks = n_networks
        self.updates = updates
        self.networks = networks
        self.categorical_features = categorical_features
        self.kinds = kinds
        self.missing_values = missing_values
        self.decimal = decimal
        self.thousands = thousands
        self.min_frequency = min_frequency
        self.max_levels = max_levels
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.on_epoch = on_epoch
        self.engine = engine
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.resume = resume
        self.delta = delta
        self.quantiles = quantiles
