"""Into scikit-learn's own estimators and out of them, with the same predictions."""

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import LabelBinarizer

from handgrad.activations import ACTIVATIONS
from handgrad.estimators.parameters import bit_generator
from handgrad.estimators.state import Fit, Record
from handgrad.models.model import Model
from handgrad.network import Architecture
from handgrad.optim import SOLVERS
from handgrad.outputs import BY_LOSS, OUTPUTS
from handgrad.params import Params
from handgrad.schedules import SCHEDULES
from handgrad.tables.encode import STANDARD, Encoder
from handgrad.training.history import History
from handgrad.training.run import Run

Array = NDArray[Any]

THEIR_SOLVERS = ("lbfgs", *(name for name, rule in SOLVERS.items() if rule.is_in_sklearn))
THEIR_SCHEDULES = tuple(name for name, course in SCHEDULES.items() if course.is_in_sklearn)
THEIR_OUTPUTS = {head.sklearn_name: name for name, head in OUTPUTS.items() if head.is_in_sklearn}
THEIR_LOSSES = {loss for loss, head in BY_LOSS.items() if head.is_in_sklearn}


def obstacle(model: Model) -> str:
    """Say what keeps a model from being one of scikit-learn's; "" if nothing does."""
    architecture, encoder = model.architecture, model.encoder
    activation = architecture.activation  # one for each layer are several, which it has not
    if not isinstance(activation, str) or not ACTIVATIONS[activation].is_in_sklearn:
        return f"it has no network whose activation is {activation!r}"
    if architecture.n_each > 1:
        return "it cannot predict more than one quantile"
    if architecture.skip:
        return "it has no skip past the layers"
    if encoder.method not in (None, STANDARD):
        return f"it cannot scale columns as preprocess={encoder.method!r} does"
    if model.members:
        return f"it holds one network, and this ensemble has {len(model.networks)}"
    if not encoder.takes_arrays:
        others = [c.name for c in encoder.plan.used if c.kind not in ("number", "boolean")]
        return f"it takes only numbers, and these columns are something else: {others}"
    if encoder.indicator.any():
        places = encoder.plan.with_numbers
        missing = [column.name for column, first, _ in places if encoder.indicator[first]]
        return f"it cannot read missing cells, and these columns had some: {missing}"
    if len(encoder.needed) < len(encoder.names):
        return f"it uses every column, and this network leaves out some of {list(encoder.names)}"
    if len(model.classes) == 1:
        return "it needs two classes or more, and this network knows one"
    return ""


def folded(model: Model) -> Params:
    """Fold the scale of columns into the first layer, and that of what comes out into the last.

    The result is in float64: in float32, a column such as a year, whose mean is far larger than
    its spread, would lose the digits that tell its values apart.
    """
    params = model.params.like(model.params.flat.astype(np.float64))
    if not model.encoder.is_identity:
        params.W[0][...] /= model.encoder.scale[:, None]
        params.b[0][...] -= model.encoder.mean @ params.W[0]
    params.W[-1][...] /= model.temperature
    params.b[-1][...] /= model.temperature
    if model.scale is not None:
        model.architecture.head.fold_scale(params.W[-1], params.b[-1], *model.scale)
    return params


def their_parameters(ours: Any, names: list[str]) -> dict[str, Any]:
    """Translate our settings into scikit-learn's; one that it lacks becomes its nearest equivalent.

    The penalty keeps its strength, which theirs divides by the rows of a batch.
    """
    settings = {name: getattr(ours, name) for name in names}
    settings["activation"] = ours.model_.architecture.activation
    settings["alpha"] = ours.alpha * _batch_rows(ours, len(ours.history_))
    if ours.solver not in THEIR_SOLVERS:
        settings["solver"] = "adam"
    if ours.learning_rate not in THEIR_SCHEDULES:
        settings["learning_rate"] = "constant"
    if isinstance(ours.random_state, np.random.Generator):
        settings["random_state"] = None
    if "loss" in settings and settings["loss"] not in THEIR_LOSSES:
        settings["loss"] = "squared_error"
    return settings


def fill(theirs: Any, ours: Any) -> Any:
    """Give a fresh estimator of scikit-learn all that its fit would have given it."""
    model, params = ours.model_, folded(ours.model_)
    is_plain = model.encoder.is_identity and model.scale is None  # nothing is folded in
    dtype = model.params.flat.dtype if is_plain else np.float64
    theirs.coefs_ = [W.astype(dtype) for W in params.W]
    theirs.intercepts_ = [b.astype(dtype) for b in params.b]
    names = ("n_layers_", "n_outputs_", "n_features_in_", "feature_names_in_", "n_iter_", "t_")
    record = ("loss_", "best_loss_", "validation_scores_", "best_validation_score_")
    for name in (*names, *record):
        if hasattr(ours, name):
            setattr(theirs, name, getattr(ours, name))
    theirs.loss_curve_ = list(ours.loss_curve_)
    theirs.out_activation_ = ours.out_activation_
    theirs._no_improvement_count = 0
    theirs._random_state = np.random.RandomState()
    if len(model.classes):
        several = np.eye(len(model.classes), dtype=int)
        theirs._label_binarizer = LabelBinarizer().fit(
            np.vstack([several, several.sum(axis=0)]) if model.is_multilabel else model.classes
        )
        theirs.classes_ = theirs._label_binarizer.classes_
    return theirs


def parameters(theirs: Any) -> dict[str, Any]:
    """Translate scikit-learn's settings into ours, the strength of the penalty included."""
    settings: dict[str, Any] = theirs.get_params()
    settings |= {"preprocess": None, "dtype": str(theirs.coefs_[0].dtype)}
    epochs = len(getattr(theirs, "loss_curve_", ()))  # n_iter_ knows only the last call's
    settings["alpha"] = theirs.alpha / _batch_rows(theirs, epochs or theirs.n_iter_)
    return settings


def _batch_rows(estimator: Any, epochs: int) -> int:
    """Count the rows of a batch by those seen in so many epochs; 1 where none were counted."""
    if not (epochs and estimator.t_):  # as of scikit-learn's "lbfgs", and of a model from a file
        return 1
    n = max(1, int(estimator.t_ / epochs + 0.5))
    if estimator.solver == "lbfgs":
        return n
    return min(n, 200 if estimator.batch_size == "auto" else int(estimator.batch_size))


def fit_of(theirs: Any, classes: Array) -> Fit:
    """Take the network over, with its record and where its training stands."""
    model = _model_of(theirs, classes)
    run = _run_of(theirs, model.params, bit_generator(theirs.random_state))
    names = {field.name: f"{field.name}_" for field in fields(Record)}
    kept = {
        name: getattr(theirs, theirs_)
        for name, theirs_ in names.items()
        if hasattr(theirs, theirs_)
    }
    return Fit(model, (History(()),), (run,), Record(**kept))


def _model_of(theirs: Any, classes: Array) -> Model:
    """Take the parameters over."""
    units = (theirs.n_features_in_, *(W.shape[1] for W in theirs.coefs_))
    params = Params.zeros(units, theirs.coefs_[0].dtype)
    params.flat[...] = _flat(theirs.coefs_, theirs.intercepts_)
    names = getattr(theirs, "feature_names_in_", None)
    output = THEIR_OUTPUTS[theirs.out_activation_]
    architecture = Architecture(units, theirs.activation, output)
    encoder = Encoder.identity(theirs.n_features_in_, names)
    return Model(encoder, architecture, params, classes)


def _run_of(theirs: Any, params: Params, bits: np.random.BitGenerator) -> Run:
    """Take over where training stands: the moments of Adam with their count, or the velocity."""
    run = Run.start(params, bits)
    run.epochs, run.rows_seen = len(getattr(theirs, "loss_curve_", ())), theirs.t_
    optimizer = getattr(theirs, "_optimizer", None)
    if optimizer is None:
        return run
    half = len(theirs.coefs_)
    memory = [optimizer.ms, optimizer.vs] if theirs.solver == "adam" else [optimizer.velocities]
    if theirs.solver == "sgd" and theirs.momentum == 0:
        memory = []
    slots = [_flat(parts[:half], parts[half:]) for parts in memory]
    run.slots = np.array(slots, params.flat.dtype).reshape(len(slots), params.flat.size)
    run.updates = getattr(optimizer, "t", 0)
    if theirs.solver == "sgd":
        run.lr = optimizer.learning_rate
    return run


def _flat(W: Any, b: Any) -> Array:
    parts = [part.ravel() for pair in zip(W, b, strict=True) for part in pair]
    return np.concatenate(parts)
