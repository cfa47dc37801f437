"""Fit and predict as a user sees them: handgrad's estimator beside scikit-learn's.

    python benchmarks/as_a_user.py FOLDER [--quick]
    python benchmarks/as_a_user.py --tables

FOLDER holds letter.npz and mnist.npz (see racing/matrices.py); the digits come with scikit-learn,
and race.py has made the environments. Both estimators get the same standardised matrix, in
float32 and again in float64, and the same settings: one hidden layer, Adam, a fixed number of
epochs that nothing cuts short. handgrad's engine is the one that it takes where none is named;
the NumPy reference shows what a machine without the compiled library gets.
Each contender lives in a process of its own, without variables that pin the BLAS to a kernel or
to one thread; it fits once untimed, so that what is loaded first is not in the seconds
(footprint.py measures that), and then they take turns, a seed a round. The tables show the medians
of the seconds and the means of test accuracy and log-loss. ``--quick`` is a trial that leaves no
result.

Before anything is timed, all of them start at the same weights, keep the rows in order, and
must record the same training losses.
"""

import statistics
import tempfile
import warnings
from pathlib import Path

import numpy as np
from racing.matrices import matrices, save_matrices
from racing.measuring import in_turns, seconds_of
from racing.processes import contenders, is_worker, libraries_of, serve
from racing.results import compared, must_agree, run
from racing.training import drawn, estimator, estimator_at, log_loss, n_scores

TASKS = {  # settings of the estimators
    "digits": {"hidden_layer_sizes": (64,), "batch_size": 32, "max_iter": 40},
    "letter": {"hidden_layer_sizes": (100,), "batch_size": 128, "max_iter": 30},
    "mnist": {"hidden_layer_sizes": (128,), "batch_size": 128, "max_iter": 8},
}
PRECISIONS = ("float32", "float64")
CONTENDERS = {"handgrad": "auto", "handgrad, numpy": "numpy", "scikit-learn": "sklearn"}
ROUNDS = 3
CHECK_ROWS, CHECK_TOLERANCE = 2000, 1e-4  # of the loss, relative: float32, two epochs


def fit_and_predict(kind, data, precision, seed, **settings):
    x, y, x_test, y_test = matrices(data)
    x, x_test = x.astype(precision), x_test.astype(precision)
    model = estimator(kind, random_state=seed, **settings)
    fit, _ = seconds_of(lambda: model.fit(x, y))
    predict, labels = seconds_of(lambda: model.predict(x_test))
    return {
        "fit": fit,
        "predict": predict,
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
    """Refuse to go on unless all of them see the same losses from the same start."""
    x, y, *_ = matrices(data)
    units = (x.shape[1], *settings["hidden_layer_sizes"], n_scores(y))
    task = {"data": str(data), "units": units, **settings, "max_iter": 2}
    losses = {name: worker.give(**task)["losses"] for name, worker in workers.items()}
    must_agree(losses, CHECK_TOLERANCE)


def race(workers, data, precision, settings, rounds):
    def one_round(name, seed):
        return workers[name].give(data=str(data), precision=precision, seed=seed, **settings)

    for worker in workers.values():  # the untimed fit
        worker.give(data=str(data), precision=precision, seed=0, **settings | {"max_iter": 1})
    return in_turns(workers, rounds, one_round)


def measure(options):
    tasks, ratios = {}, {}
    with tempfile.TemporaryDirectory() as scratch, contenders(__file__, CONTENDERS) as workers:
        for name, settings in TASKS.items():
            settings = settings | ({"max_iter": 2} if options.quick else {})
            path = save_matrices(options.folder, name, Path(scratch))
            check(workers, path, settings)
            for precision in PRECISIONS:
                rounds = 1 if options.quick else ROUNDS
                figures = race(workers, path, precision, settings, rounds)
                title = f"{name}, {precision}"
                tasks[title] = {"settings": settings, "rounds": figures}
                middle = {contender: summary(found) for contender, found in figures.items()}
                for what in ("fit", "predict") if "scikit-learn" in middle else ():
                    times = middle["scikit-learn"][what] / middle["handgrad"][what]
                    ratios.setdefault("scikit-learn", {})[f"{what} of {title}"] = times
    return {"tasks": tasks, "ratios": ratios}


def summary(rounds):
    """Take the median of seconds, the mean of judgements, over the rounds of one contender."""
    middle = {key: statistics.median(r[key] for r in rounds) for key in ("fit", "predict")}
    mean = {key: statistics.mean(r[key] for r in rounds) for key in ("accuracy", "log-loss")}
    return middle | mean | {"engine": rounds[0]["engine"]}


def tables(data):
    header = ["data", "epochs", "contender", "fit, s", "predict, ms", "accuracy", "log-loss"]
    rows = [
        [name, str(task["settings"]["max_iter"]), *line(contender, summary(rounds))]
        for name, task in data["tasks"].items()
        for contender, rounds in task["rounds"].items()
    ]
    return [compared(data["ratios"], "times faster than"), (header, rows)]


def line(contender, m):
    chosen = f" ({m['engine']})" if contender == "handgrad" else ""
    times = (f"{m['fit']:.3f}", f"{1000 * m['predict']:.2f}")
    return [contender + chosen, *times, f"{m['accuracy']:.4f}", f"{m['log-loss']:.4f}"]


if __name__ == "__main__":
    if is_worker():
        serve(answer)
    else:
        run(measure, tables, libraries_of(CONTENDERS.values()), has_folder=True)
