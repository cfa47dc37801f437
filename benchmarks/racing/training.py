"""Contenders of the user-level programs: from the same weights, with a call after each epoch.

handgrad and scikit-learn are trained through their estimators, PyTorch and JAX as in the race
(``contenders/``, fused Adam and one scan an epoch). Each library is imported where it is used.
"""

import contextlib
import functools
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from racing.contenders.layout import join, split


def drawn(units, seed=0):
    """Draw Glorot's uniform weights, biases zero: [(W1, b1), ...]; a seed is a start."""
    rng, layers = np.random.default_rng(seed), []
    for n_in, n_out in pairwise(units):
        bound = np.sqrt(6 / (n_in + n_out))
        W = rng.uniform(-bound, bound, (n_in, n_out)).astype(np.float32)
        layers.append((W, np.zeros(n_out, np.float32)))
    return layers


def units_of(layers):
    return (len(layers[0][0]), *(len(b) for _, b in layers))


def n_scores(y):
    """Count the outputs: one for two classes."""
    classes = len(np.unique(y))
    return 1 if classes == 2 else classes


def probabilities(layers, x):
    """Predict in NumPy."""
    for W, b in layers[:-1]:
        x = np.maximum(x @ W + b, 0)
    score = np.float64(x @ layers[-1][0] + layers[-1][1])
    if score.shape[1] == 1:
        p = 1 / (1 + np.exp(-score[:, 0]))
        return np.stack([1 - p, p], axis=1)
    e = np.exp(score - score.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_loss(probabilities, y):
    """Compute the mean loss in nats; a probability counts as 1e-7 at the least, for everyone."""
    p = np.asarray(probabilities, np.float64)
    return float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-7)).mean())


# -- estimators --------------------------------------------------------------------------------


def estimator(kind, **settings):
    """Make scikit-learn's estimator, or ours with its engine named; it runs all its epochs."""
    settings = {"tol": 0, "n_iter_no_change": settings.get("max_iter", 200), **settings}
    if kind == "sklearn":
        from sklearn.neural_network import MLPClassifier as Theirs

        return Theirs(**settings)
    from handgrad import MLPClassifier

    return MLPClassifier(engine=kind, preprocess=None, **settings)


def theirs_at(layers, x, y, model):
    """Put scikit-learn's estimator at the given weights, its optimiser fresh at the next fit."""
    classes, first = np.unique(y, return_index=True)
    model.partial_fit(x[first], y[first], classes=classes)
    model.coefs_, model.intercepts_ = [W for W, _ in layers], [b for _, b in layers]
    model.loss_curve_, model.best_loss_ = [], np.inf
    return model


def ours_at(layers, classes, model):
    """Make our estimator of the same settings, at the given weights."""
    from handgrad.models.model import Model
    from handgrad.network import Architecture
    from handgrad.params import Params
    from handgrad.tables.encode import Encoder

    units = units_of(layers)
    output = "logistic" if units[-1] == 1 else "softmax"
    network = Architecture(units, model.activation, output)
    ready = Model(Encoder.identity(units[0]), network, Params.view(join(layers), units), classes)
    return type(model).from_model(ready).set_params(**model.get_params())


def estimator_at(kind, layers, x, y, **settings):
    """Make an estimator that continues from the given weights; no penalty."""
    settings |= {"hidden_layer_sizes": units_of(layers)[1:-1], "warm_start": True, "alpha": 0.0}
    model = estimator(kind, **settings)
    if kind == "sklearn":
        return theirs_at(layers, x, y, model)
    return ours_at(layers, np.unique(y), model)


# -- training, with a call after each epoch ----------------------------------------------------


def train(kind, layers, x, y, on_epoch, **how):
    """Train with Adam, no penalty; ``how`` is batch_size, learning_rate, max_iter, shuffle, seed.

    ``on_epoch(predict_proba)`` is called when an epoch has ended; training stops if it returns
    True.
    """
    trainers = {"sklearn": train_theirs, "torch": train_racer, "jax": train_racer}
    trainers.get(kind.split("-")[0], train_ours)(kind, layers, x, y, on_epoch, **how)


def train_ours(kind, layers, x, y, on_epoch, *, learning_rate, seed=0, **how):
    how |= {"learning_rate_init": learning_rate, "random_state": seed}
    model = estimator_at(kind, layers, x, y, **how)
    model.on_epoch = lambda epoch: on_epoch(model.predict_proba)
    model.fit(x, y)


def train_theirs(kind, layers, x, y, on_epoch, *, learning_rate, seed=0, **how):
    from sklearn.neural_network import MLPClassifier

    class EnoughError(Exception):
        pass

    class Watched(MLPClassifier):
        """scikit-learn's, with a call where it judges its progress: once an epoch."""

        watched = False

        def _update_no_improvement_count(self, *arguments):
            if self.watched and on_epoch(self.predict_proba):
                raise EnoughError

    how |= {"learning_rate_init": learning_rate, "random_state": seed, "alpha": 0.0}
    model = Watched(hidden_layer_sizes=units_of(layers)[1:-1], warm_start=True, **how)
    theirs_at(layers, x, y, model).watched = True
    with contextlib.suppress(EnoughError):
        model.fit(x, y)


def train_racer(
    kind, layers, x, y, on_epoch, *, batch_size, learning_rate, max_iter, shuffle=True, seed=0
):
    racer, units = racer_of(kind), units_of(layers)
    racer.load(x, y, units, join(layers), batch_size)
    seed_racer(kind, racer, seed)
    if units[-1] == 1 and kind.startswith("torch"):
        racer.batch_loss = functools.partial(torch_loss_of_one, racer)
    racer.begin("adam", learning_rate, shuffle)
    for _ in range(max_iter):
        racer.epochs(1)
        if on_epoch(functools.partial(racer_predicts, racer, units)):
            break


def racer_predicts(racer, units, x):
    return probabilities(split(np.asarray(racer.parameters()), units), x)


@functools.cache
def racer_of(kind):
    """Make the race's contender of "torch-1", "jax-2" and so on; one a process."""
    sys.path.insert(0, str(Path(__file__).parent / "contenders"))
    library, threads = kind.split("-")
    if library == "torch":
        from racing.contenders.with_torch import Contender

        return Contender("fused", int(threads))
    from racing.contenders.with_jax import Contender

    racer = Contender("scan", int(threads))
    racer.steps.mean_loss = functools.partial(jax_loss, racer.steps.mean_loss)
    return racer


def seed_racer(kind, racer, seed):
    if kind.startswith("torch"):
        import torch

        torch.manual_seed(seed)
    else:
        racer.random = np.random.default_rng(seed)


def torch_loss_of_one(racer, x, y):
    """Compute the loss of a net with one output, which the race does not have."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    return binary_cross_entropy_with_logits(racer.model(x)[:, 0], y.float())


def jax_loss(loss_of_many, layers, x, y):
    """Compute the race's loss, or that of a net with one output."""
    import jax

    *hidden, (W, b) = layers
    if len(b) > 1:
        return loss_of_many(layers, x, y)
    for W_h, b_h in hidden:
        x = jax.numpy.maximum(x @ W_h + b_h, 0)
    score = (x @ W + b)[:, 0]
    return jax.numpy.mean(jax.nn.softplus(score) - score * y)
