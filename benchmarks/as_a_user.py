"""Fit and predict as the user sees them: handgrad's estimator beside scikit-learn's.

    python benchmarks/as_a_user.py FOLDER [--quick]
    python benchmarks/race.py --report              (writes docs/performance.md)

FOLDER holds letter.npz and mnist.npz (see racing/matrices.py); digits come with scikit-learn,
and race.py has made the environments. Both estimators get the same standardised float32 matrix
and the same settings: one hidden layer, Adam, a fixed number of epochs that nothing cuts short.
Each contender lives in a process of its own, without variables that pin the BLAS to a kernel or
to one thread; it fits once untimed, so that no compilation is in the seconds (footprint.py
measures that), and then they take turns, a seed a round. Printed are the medians of the seconds
and the means of test accuracy and log-loss. ``--quick`` is a trial that leaves no result.

Before anything is timed, all of them start at the same weights, keep the rows in order, and
must record the same training losses.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from racing.matrices import matrices, save_matrices
from racing.processes import contenders, is_worker, libraries_of, serve
from racing.sections import agreement, agreements, publish, verdict
from racing.training import drawn, estimator, estimator_at, log_loss, n_scores

TASKS = {  # settings of the estimators
    "digits": {"hidden_layer_sizes": (64,), "batch_size": 32, "max_iter": 40},
    "letter": {"hidden_layer_sizes": (100,), "batch_size": 128, "max_iter": 30},
    "mnist": {"hidden_layer_sizes": (128,), "batch_size": 128, "max_iter": 8},
}
CONTENDERS = {
    "handgrad, compiled": "compiled",
    "handgrad, numpy": "numpy",
    "handgrad, auto": "auto",
    "scikit-learn": "sklearn",
}
ROUNDS = 3
CHECK_ROWS, CHECK_TOLERANCE = 2000, 1e-4  # of the loss, relative: float32, two epochs


def fit_and_predict(kind, data, seed, **settings):
    x, y, x_test, y_test = matrices(data)
    model = estimator(kind, random_state=seed, **settings)
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


def losses_from(kind, data, units, **settings):
    """Train on the first rows, in order, from given weights; return the loss of each epoch."""
    x, y, *_ = (part[:CHECK_ROWS] for part in matrices(data))
    del settings["hidden_layer_sizes"]
    model = estimator_at(kind, drawn(units), x, y, shuffle=False, **settings)
    return {"losses": [float(v) for v in model.fit(x, y).loss_curve_]}


def answer(kind, task):
    warnings.simplefilter("ignore")
    return (losses_from if "units" in task else fit_and_predict)(kind, **task)


def check(workers, data, settings):
    """Say whether all of them see the same losses from the same start."""
    x, y, *_ = matrices(data)
    units = (x.shape[1], *settings["hidden_layer_sizes"], n_scores(y))
    task = {"data": str(data), "units": units, **settings, "max_iter": 2}
    losses = {name: worker.give(**task)["losses"] for name, worker in workers.items()}
    return agreement(losses, CHECK_TOLERANCE)


def race(workers, data, settings, rounds):
    figures = {name: [] for name in workers}
    for worker in workers.values():  # the untimed fit
        worker.give(data=str(data), seed=0, **settings | {"max_iter": 1})
    for seed in range(rounds):
        for name, worker in workers.items():
            figures[name].append(worker.give(data=str(data), seed=seed, **settings))
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
    data, checks = {}, {}
    with tempfile.TemporaryDirectory() as scratch, contenders(__file__, CONTENDERS) as workers:
        for name, settings in TASKS.items():
            settings = settings | ({"max_iter": 2} if options.quick else {})
            path = save_matrices(options.folder, name, Path(scratch))
            checks[name] = check(workers, path, settings)
            print(f"{name}: training losses from one start: {checks[name]}", flush=True)
            figures = race(workers, path, settings, 1 if options.quick else ROUNDS)
            data[name] = {"settings": settings, "rounds": figures}
    report(data, checks)


def report(data, checks):
    rows, ratios = [], {}
    for name, task in data.items():
        middle = {contender: summary(rounds) for contender, rounds in task["rounds"].items()}
        rows += [line(name, contender, middle.get(contender)) for contender in CONTENDERS]
        ours, theirs = middle["handgrad, compiled"], middle.get("scikit-learn")
        for what in ("fit", "predict") if theirs else ():
            of = ratios.setdefault("scikit-learn", {})
            of[f"{what} of {name}"] = theirs[what] / ours[what]
    epochs = ", ".join(f"{name} {task['max_iter']}" for name, task in TASKS.items())
    sentences = (
        f"{verdict(ratios)}\n\n"
        f"Both estimators get the same standardised matrix and the same settings, {ROUNDS} seeds; "
        f"they run so many epochs: {epochs}. Compilation is not counted. `auto` is what a user "
        "gets who names no engine; the one it chose stands beside it. Before the timing, the "
        f"training losses from the same weights were compared: {agreements(checks)}."
    )
    header = ["data", "contender", "fit, s", "predict, ms", "accuracy", "log-loss"]
    found = {"tasks": data, "checks": checks, "ratios": ratios}
    libraries = libraries_of(CONTENDERS.values())
    title = "Fit and predict, as the user sees them"
    publish("as_a_user", title, 20, sentences, [(header, rows)], found, libraries)


def line(data, contender, m):
    if m is None:
        return [data, contender, "not installed", "", "", ""]
    chosen = f" ({m['engine']})" if contender.endswith("auto") else ""
    times = (f"{m['fit']:.3f}", f"{1000 * m['predict']:.2f}")
    return [data, contender + chosen, *times, f"{m['accuracy']:.4f}", f"{m['log-loss']:.4f}"]


if __name__ == "__main__":
    serve(answer) if is_worker() else main()
