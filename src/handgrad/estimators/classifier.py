"""MLPClassifier: labels, one a row or several at once."""

from collections.abc import Callable
from numbers import Real
from os import PathLike
from typing import Any, ClassVar, Self

from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from handgrad.estimators.base import MLP, goes_in_steps
from handgrad.estimators.callbacks import with_callbacks
from handgrad.estimators.fitting import Given
from handgrad.estimators.labels import Labels
from handgrad.estimators.parameters import CONSTRAINTS
from handgrad.estimators.predicting import PredictsLabels
from handgrad.estimators.rows import HeldOut
from handgrad.estimators.targets import check_classes
from handgrad.training.history import Epoch

Array = NDArray[Any]


class MLPClassifier(PredictsLabels, MLP):
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
    solver : str, default="adam"
        "lbfgs", SciPy's L-BFGS on all rows at once; or a rule for mini-batches: "sgd", "adam", or
        another of ``handgrad.optim.SOLVERS``, such as "adamw", Adam with decoupled weight decay.
    alpha : float, default=1e-4
        Strength of the penalty alpha/2 * sum(W**2), added to the mean loss.
    batch_size : int or "auto", default="auto"
        Rows a step; "auto" is min(200, n_samples).
    learning_rate : str or callable, default="constant"
        Schedule of every solver but "lbfgs". "invscaling": learning_rate_init / (t_ + 1)**power_t
        after each epoch. "adaptive": divide by 5 whenever n_iter_no_change epochs bring no gain.
        ``handgrad.schedules`` describes the others; those of time, such as "cosine", are stretched
        over max_iter epochs. A callable gives the rate of each epoch, from 1.
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
    preprocess : {"auto", "robust", "piecewise"} or None, default="auto"
        "auto": numeric columns are standardised, text, categorical and boolean columns one-hot
        encoded, missing cells imputed by the median with an indicator input. "robust": numbers
        are scaled by median and quartiles instead and clipped smoothly, so that no input is
        beyond 3. "piecewise": besides, each number has up to 8 inputs more, each of which rises
        from 0 to 1 between two quantiles (piecewise linear inputs). None: X goes into the network
        as it is, and must be numeric and complete. Sparse X is never changed, and refused by
        "robust" and "piecewise", which keep what the first call of ``partial_fit`` has told them.
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
        "accuracy"; with class_weight or probabilities for y, which ask for something else, "loss".
    on_epoch : callable or None, default=None
        Called with each finished ``handgrad.training.Epoch``, of "lbfgs" an iteration; training
        stops if it returns True.
    engine : {"auto", "numpy", "compiled"}, default="auto"
        What runs the epochs, and later the predictions: the reference in NumPy, or the same
        mathematics compiled, as it is when handgrad was installed where a C compiler is. "auto"
        takes the compiled one wherever it is there and can do the work; the two agree to
        rounding, so for the same bits name one.
    initialisation : str or pair of sequences of arrays, default="auto"
        How the first weights are drawn: "glorot_uniform", "glorot_normal", "he_uniform",
        "he_normal", "lecun_uniform", "lecun_normal"; or "auto", by activation, for
        scikit-learn's four as scikit-learn does. "sharp" is "he_normal" with a last layer of 0,
        "smooth" the same with the biases of hidden layers drawn from U(-1, 1). Or the weights and
        the biases of all layers.
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
    skip : bool, default=False
        Whether the inputs also lead to the scores past the hidden layers, by weights of their
        own. With preprocess="piecewise" these inputs are finer: up to 64 bins a number, the more
        the more rows there are, each with a step and a hat.
    input_scale : bool, default=False
        Whether each input is multiplied by a number that is learnt. Once the network predicts,
        this number is multiplied into ``coefs_[0]``.
    rates : {"equal", "fan_in"}, default="equal"
        How the parameters share the learning rate, of every solver but "lbfgs": "fan_in" divides
        it by the square root of a layer's inputs for the weights of that layer, by 10 for biases,
        doubles it for the scale of inputs, and lets that of a skip grow with the rows.
    checkpoint : str or path, optional
        A folder in which the fit keeps how far it has come, so that one that is broken off can go
        on with the same bits. A function given as ``learning_rate``, ``scoring`` or ``on_epoch``
        must keep nothing of its own.
    checkpoint_every : int or str, default="1min"
        How often: a number of epochs, or a time such as "30s", "5min" or "1h". Whatever breaks the
        fit off, short of killing it, leaves a checkpoint in any case.
    resume : bool, default=False
        Whether to go on from the checkpoint in this folder, if there is one; without it, a folder
        with a fit that was broken off is refused.
    comm : mpi4py communicator, such as MPI.COMM_WORLD, or None, default=None
        The processes that train together, each on its part of every batch, in steps whose sums are
        those of 8 parts however many share them: 1, 2, 4 and 8 processes end with the same bits,
        which are not those of a fit without ``comm``. All of them call ``fit`` with the same
        arguments. Or any object with the members of ``handgrad.workers.seam.Comm``.
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

    _kind = Labels

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
        skip: bool = False,
        input_scale: bool = False,
        rates: str = "equal",
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every: int | str = "1min",
        resume: bool = False,
        comm: Any = None,
        class_weight: dict[Any, float] | str | None = None,
        calibration: str | None = None,
        label_smoothing: float = 0.0,
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
        self.class_weight = class_weight
        self.calibration = calibration
        self.label_smoothing = label_smoothing

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags

    # -- learning -----------------------------------------------------------------------------

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        classes: Any = None,
    ) -> Self:
        """Train on rows whose labels, or their probabilities, are known.

        Parameters
        ----------
        X, sample_weight
            As for ``MLPRegressor``.
        y : array-like of shape (n_samples,), (n_samples, n_labels) or (n_samples, n_classes)
            Labels of one type (strings, integers, booleans, whole floats or dates); whole numbers
            or booleans in a column for each label that a row may have, 1 where it has it; or, with
            ``classes``, floats: the probability of each class, as ``predict_proba`` of a teacher
            gives them. Those of a row must sum to 1 within 0.01, and are divided by their sum.
        X_val, y_val, sample_weight_val
            As for ``MLPRegressor``; y_val may hold labels where y holds probabilities.
        classes : array-like of shape (n_classes,), optional
            All labels that there may be. Of probabilities, the label of each column, in any order;
            those of ``classes_`` and ``predict_proba`` are sorted as ever.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError, DivergenceError
            As for ``MLPRegressor``.

        Notes
        -----
        A row with probabilities is as many rows as there are classes, each with its probability as
        weight: the cross-entropy is the same, and a class weight counts for each of these rows.
        Early stopping watches the loss by default. scoring="accuracy" says how often the likeliest
        class is the same; other scorers of scikit-learn need labels as y_val.
        """
        held_out = HeldOut(X_val, y_val, sample_weight_val)
        named = None if classes is None else check_classes(classes)
        return self._fit_whole(Given(X, y, sample_weight, held_out, named))

    @available_if(goes_in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on these rows, going on from what is there.

        Parameters
        ----------
        X, y, sample_weight
            As for ``fit``; for probabilities, each call names ``classes``. The first call decides
            what the columns are and which levels have inputs; means and deviations are those of
            all rows so far, unless the network comes from ``fit`` or a file: then they stay.
        classes : array-like of shape (n_classes,), optional
            All labels that any call may bring, in any order; needed in the first call. A later call
            may name more, with all of the old among them: the output layer grows by their columns,
            drawn as in a fresh network, and the old classes keep their scores.

        Returns
        -------
        self
        """
        if classes is None and not self.__sklearn_is_fitted__():
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, and partial_fit sees only some; "
                "pass the weights as a dict (sklearn.utils.class_weight.compute_class_weight)"
            )
        if classes is not None:
            classes = check_classes(classes)
        self._validate_params()
        given = Given(X, y, sample_weight, classes=classes)
        return self._fit(given, None, continuing=True, is_stream=True)

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
