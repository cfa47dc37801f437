"""Fit and predict as the user sees them: handgrad's estimator beside scikit-learn's.

    python benchmarks/as_a_user.py FOLDER [--quick]

FOLDER holds letter.npz (X_num, X_cat, y, is_test) and mnist.npz (X_train, y_train, X_test,
y_test); digits come with scikit-learn. Both estimators get the same standardised float32
matrix and the same settings: one hidden layer, Adam, a fixed number of epochs that nothing
cuts short. Each contender lives in a process of its own, without variables that pin the BLAS
to a kernel or to one thread; it fits once untimed, so that no compilation is in the seconds
(footprint.py measures that), and then they take turns, a seed a round. Printed are the medians
of the seconds and the means of test accuracy and log-loss.

Before anything is timed, all of them start at the same weights, keep the rows in order, and
must record the same training losses.

The lower half of this file, estimators and their data, is borrowed by the other programs.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
from growth import agreement, publish, verdict
from prediction import contenders, is_worker, serve

TASKS = {  # settings of the estimators
    "digits": {"hidden_layer_sizes": (64,), "batch_size": 32, "max_iter": 40},
    "letter": {"hidden_layer_sizes": (100,), "batch_size": 128, "max_iter": 30},
    "mnist": {"hidden_layer_sizes": (128,), "batch_size": 128, "max_iter": 10},
}
CONTENDERS = {
    "handgrad, compiled": "compiled",
    "handgrad, numpy": "numpy",
    "handgrad, auto": "auto",
    "scikit-learn": "sklearn",
}
ROUNDS = 3
CHECK_ROWS, CHECK_TOLERANCE = 2000, 1e-4  # of the loss, relative: float32, two epochs


# -- the measurement ---------------------------------------------------------------------------


def fit_and_predict(kind, data, seed, **settings):
    x, y, x_test, y_test = matrices(data)
    model = estimator(kind, x.shape[1], random_state=seed, **settings)
    started = time.perf_counter()
    model.fit(x, y)
    fitted = time.perf_counter()
    labels = model.predict(x_test)
    predicted = time.perf_counter()
    return {
        "fit": fitted - started,
        "predict": predicted - fitted,
        "accuracy": float(np.mean(labels == y_test)),
        "log-loss": log_loss(model.predict_proba(x_test), y_test),
        "engine": str(getattr(model, "engine_", "")),
    }


def losses_from(kind, data, start, **settings):
    """Train on the first rows, in order, from given weights; return the loss of each epoch."""
    x, y, *_ = matrices(data)
    model = started_at(kind, layers_of(start), x, y, shuffle=False, **settings)
    return {"losses": [float(v) for v in model.fit(x[:CHECK_ROWS], y[:CHECK_ROWS]).loss_curve_]}


def answer(kind, task):
    warnings.simplefilter("ignore")
    return (losses_from if "start" in task else fit_and_predict)(kind, **task)


def check(workers, data, folder, settings):
    """Print whether all of them see the same losses from the same start."""
    x, y, *_ = matrices(data)
    units = (x.shape[1], *settings["hidden_layer_sizes"], n_scores(y))
    start = save_start(folder / "start.npz", units)
    task = {"data": str(data), "start": start, **settings, "max_iter": 2}
    losses = {name: worker.ask(**task)["losses"] for name, worker in workers.items()}
    return agreement(losses, CHECK_TOLERANCE)


def race(workers, data, settings, rounds):
    figures = {name: [] for name in workers}
    for worker in workers.values():
        worker.ask(data=str(data), seed=0, **settings | {"max_iter": 1})
    for seed in range(rounds):
        for name, worker in workers.items():
            figures[name].append(worker.ask(data=str(data), seed=seed, **settings))
    return figures


def summary(rounds):
    """Take the median of seconds, the mean of judgements, over the rounds of one contender."""
    middle = {key: statistics.median(r[key] for r in rounds) for key in ("fit", "predict")}
    mean = {key: statistics.mean(r[key] for r in rounds) for key in ("accuracy", "log-loss")}
    return middle | mean | {"engine": rounds[0]["engine"]}


def main():
    parser = argparse.ArgumentParser(description="fit and predict as the user sees them")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="one round, few epochs")
    options = parser.parse_args()
    rows, ratios, data, checks = [], {"scikit-learn": {}}, {}, {}
    with tempfile.TemporaryDirectory() as scratch, contenders(__file__, CONTENDERS) as workers:
        for name, settings in TASKS.items():
            settings = settings | ({"max_iter": 2} if options.quick else {})
            path = save_matrices(options.folder, name, Path(scratch))
            checks[name] = check(workers, path, Path(scratch), settings)
            print(f"{name}: training losses from one start: {checks[name]}", flush=True)
            figures = race(workers, path, settings, 1 if options.quick else ROUNDS)
            data[name] = {"settings": settings, "rounds": figures}
            middle = {contender: summary(rounds) for contender, rounds in figures.items()}
            rows += [line(name, contender, m) for contender, m in middle.items()]
            ours, theirs = middle["handgrad, compiled"], middle["scikit-learn"]
            for what in ("fit", "predict"):
                ratios["scikit-learn"][f"{what} on {name}"] = theirs[what] / ours[what]
    header = ["data", "contender", "fit s", "predict ms", "accuracy", "log-loss"]
    notes = (
        f"Same matrix, same settings, same number of epochs, {ROUNDS} seeds, compilation not "
        f"counted. From the same weights, the training losses are: {distinct(checks)}."
    )
    sentence = f"handgrad's compiled engine: {verdict(ratios)} {notes}"
    data = {"tasks": data, "checks": checks, "ratios": ratios}
    publish("as_a_user", "Fit and predict, as the user sees them", 20, sentence, header, rows, data)


def distinct(checks):
    return "; ".join(dict.fromkeys(checks.values()))


def line(data, contender, m):
    chosen = f" ({m['engine']})" if m["engine"] and contender.endswith("auto") else ""
    times = (f"{m['fit']:.3f}", f"{1000 * m['predict']:.1f}")
    return [data, contender + chosen, *times, f"{m['accuracy']:.4f}", f"{m['log-loss']:.4f}"]


# -- estimators and their data -----------------------------------------------------------------


def estimator(kind, n_inputs, **settings):
    """Make scikit-learn's estimator, or ours with the engine named; all epochs are run."""
    settings = {"tol": 0, "n_iter_no_change": settings.get("max_iter", 200), **settings}
    if kind == "sklearn":
        from sklearn.neural_network import MLPClassifier as Theirs

        return Theirs(**settings)
    from handgrad import MLPClassifier

    try:
        return MLPClassifier(engine=kind, preprocess=None, **settings)
    except TypeError:
        return MLPClassifier(preprocess=None, **settings)


def started_at(kind, layers, x, y, theirs=None, **settings):
    """Make an estimator that stands at the given weights, its optimiser fresh."""
    model = estimator(kind, x.shape[1], warm_start=True, **settings) if theirs is None else theirs
    classes, first = np.unique(y, return_index=True)
    model.alpha = 0.0
    if kind == "sklearn":
        model.partial_fit(x[first], y[first], classes=classes)
        model.coefs_, model.intercepts_ = [W for W, _ in layers], [b for _, b in layers]
        model.loss_curve_, model.best_loss_ = [], np.inf
        return model
    from handgrad.encode import Encoder
    from handgrad.model import Model
    from handgrad.network import Architecture
    from handgrad.params import Params

    units = (len(layers[0][0]), *(len(b) for _, b in layers))
    flat = np.concatenate([part.ravel() for layer in layers for part in layer])
    output = "logistic" if units[-1] == 1 else "softmax"
    network = Architecture(units, model.activation, output)
    ready = Model(Encoder.identity(units[0]), network, Params.view(flat, units), classes)
    return type(model).from_model(ready).set_params(**model.get_params())


# -- an estimator with a word after each epoch -------------------------------------------------
# on_epoch(predict_proba) is called when an epoch has ended; training stops if it returns True.


def train_ours(kind, layers, x, y, on_epoch, *, batch_size, learning_rate, **how):
    how |= {"batch_size": batch_size, "learning_rate_init": learning_rate}
    model = started_at(
        kind, layers, x, y, hidden_layer_sizes=[len(b) for _, b in layers[:-1]], **how
    )
    model.on_epoch = lambda epoch: on_epoch(model.predict_proba)
    model.fit(x, y)


def train_theirs(kind, layers, x, y, on_epoch, *, batch_size, learning_rate, **how):
    from sklearn.neural_network import MLPClassifier

    class EnoughError(Exception):
        pass

    class Watched(MLPClassifier):
        """scikit-learn's, with a word where it judges its progress: once an epoch."""

        watched = False

        def _update_no_improvement_count(self, *arguments):
            if self.watched and on_epoch(self.predict_proba):
                raise EnoughError

    how |= {"batch_size": batch_size, "learning_rate_init": learning_rate, "warm_start": True}
    model = Watched(hidden_layer_sizes=[len(b) for _, b in layers[:-1]], **how)
    started_at(kind, layers, x, y, theirs=model).watched = True
    with contextlib.suppress(EnoughError):
        model.fit(x, y)


def n_scores(y):
    classes = len(np.unique(y))
    return 1 if classes == 2 else classes


def save_start(path, units, seed=0):
    np.savez(path, *(part for layer in drawn(units, seed) for part in layer))
    return str(path)


def drawn(units, seed=0):
    """Draw Glorot's uniform weights, biases zero, for all contenders to start from."""
    rng, layers = np.random.default_rng(seed), []
    for n_in, n_out in pairwise(units):
        bound = np.sqrt(6 / (n_in + n_out))
        W = rng.uniform(-bound, bound, (n_in, n_out)).astype(np.float32)
        layers.append((W, np.zeros(n_out, np.float32)))
    return layers


def layers_of(path):
    with np.load(path) as file:
        parts = [file[f"arr_{number}"] for number in range(len(file.files))]
    return list(zip(parts[::2], parts[1::2], strict=True))


def log_loss(probabilities, y):
    """Compute the mean loss in nats; a probability counts as 1e-7 at the least, for everyone."""
    p = np.asarray(probabilities, np.float64)
    return float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-7)).mean())


def save_matrices(folder, name, scratch):
    """Write one data set as standardised float32 matrices, official test rows apart."""
    x, y, is_test = (digits if name == "digits" else images_or_table)(Path(folder), name)
    parts = {"x": x[~is_test], "y": y[~is_test], "x_test": x[is_test], "y_test": y[is_test]}
    np.savez(scratch / f"{name}.npz", **parts)
    return scratch / f"{name}.npz"


def matrices(path):
    with np.load(path) as file:
        return [file[name] for name in ("x", "y", "x_test", "y_test")]


def digits(folder, name):
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    is_test = np.random.default_rng(0).permutation(len(y)) < len(y) // 5
    return standardised(x, is_test), y, is_test


def images_or_table(folder, name):
    with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file if key not in ("cat_levels", "classes")}
    if "X_train" in arrays:  # one mean and deviation for all pixels
        x = np.concatenate([arrays["X_train"], arrays["X_test"]])
        is_test = np.arange(len(x)) >= len(arrays["X_train"])
        y = np.concatenate([arrays["y_train"], arrays["y_test"]]).astype(np.int64)
        return standardised(x.reshape(-1, 1), np.repeat(is_test, 784)).reshape(-1, 784), y, is_test
    is_test, codes = arrays["is_test"], arrays["X_cat"]
    levels = [np.unique(column[~is_test]) for column in codes.T]
    one_hot = [column[:, None] == seen for column, seen in zip(codes.T, levels, strict=True)]
    x = np.hstack([standardised(arrays["X_num"], is_test), *one_hot]).astype(np.float32)
    return x, arrays["y"].astype(np.int64), is_test


def standardised(x, is_test):
    x = np.asarray(x, np.float32)
    mean, deviation = np.nanmean(x[~is_test], 0), np.nanstd(x[~is_test], 0)
    return np.nan_to_num((x - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)


if __name__ == "__main__":
    serve(answer) if is_worker() else main()
