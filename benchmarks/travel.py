"""A model in every form it travels in: bytes, one row, and the first answer of a fresh process.

    python benchmarks/travel.py [--quick | --tables]

Two models: the Palmer penguins (15-32-3, raw cells with texts and holes, float64) and 784-800-10
(636,010 parameters of float32, numbers alone). handgrad's forms are the model file, Python with
NumPy alone, ONNX in onnxruntime, JavaScript in Node, C with floats and C with 8-bit integers;
beside them stand the estimator pickled by joblib and scikit-learn's pipeline of imputers, one-hot
encoder, scaler and MLPClassifier of the same size, by joblib and by skops.

Bytes: the file that is shipped; of C also text and data of the compiled model at -Os. One row: the
median of some hundred calls a round, from a cell's own type to probabilities, all in one process
each; they take turns, and the table shows medians of the rounds. The first answer: seconds of a
fresh process from its start to its end, which reads the model and predicts one row; the median of
the rounds. A form whose program is not here (Node, gcc) is left out.

Before anything is timed, all forms of handgrad must give the same probabilities: to 2e-6, 8-bit
integers apart, whose largest difference is shown.
"""

import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
from racing import environments
from racing.crew import clean_environment
from racing.forms import FORMS, ours, theirs
from racing.measuring import in_turns, medians, seconds_of
from racing.processes import contenders, is_worker, libraries_of, serve
from racing.results import run

MODELS = ("penguins", "784-800-10")
ROUNDS, CALLS = 5, 200
KIND = "travel"
TOLERANCE = 2e-6  # of a probability


# -- in the process of the contender -------------------------------------------------------------

standing = {}  # the worker's form


def answer(kind, task):
    warnings.simplefilter("ignore")
    name, form, folder = task["model"], FORMS[task["form"]], task["folder"]
    if (name, task["form"]) not in standing:
        standing.clear()
        path = Path(folder) / f"{name} {task['form']}".replace(",", "").replace(" ", "_")
        path.mkdir(exist_ok=True)
        made = (ours if form.is_ours else theirs)(name)
        standing[name, task["form"]] = form(made, name, path)
    value = getattr(standing[name, task["form"]], task["what"])(*task["args"])
    return {"value": np.asarray(value).tolist() if isinstance(value, np.ndarray) else value}


# -- the measurement -----------------------------------------------------------------------------


def measure(options):
    rounds = 1 if options.quick else ROUNDS
    if reason := environments.install(KIND):
        raise RuntimeError(reason)
    there = [name for name, form in FORMS.items() if getattr(form, "program", "") is not None]
    with (
        tempfile.TemporaryDirectory() as folder,
        contenders(__file__, dict.fromkeys(there, KIND)) as workers,
    ):
        return {model: measured(workers, model, folder, rounds) for model in MODELS}


def measured(workers, model, folder, rounds):
    def ask(form, what, *args):
        task = {"model": model, "form": form, "folder": folder, "what": what, "args": args}
        return workers[form].give(**task)["value"]

    proba = {name: np.array(ask(name, "proba")) for name in workers if FORMS[name].is_ours}
    first = proba[next(iter(proba))]
    apart = {name: float(np.abs(found - first).max()) for name, found in proba.items()}
    for name, gap in apart.items():
        if FORMS[name].is_exact and not gap <= TOLERANCE:
            raise RuntimeError(f"{name} differs from the model by {gap:.1g} in a probability")
    commands = {name: ask(name, "command") for name in workers}
    return {
        "bytes": {name: ask(name, "bytes") for name in workers},
        "compiled": {name: ask(name, "compiled") for name in workers},
        "apart": apart,
        "one_row": medians(in_turns(workers, rounds, lambda name, _: ask(name, "one_row", CALLS))),
        "first": medians(in_turns(workers, rounds, lambda name, _: first_answer(commands[name]))),
    }


def first_answer(command):
    """Time a fresh process, which must end well."""
    how = {"env": clean_environment(), "check": True, "stdout": subprocess.DEVNULL}
    return seconds_of(lambda: subprocess.run(command, **how))[0]


def tables(data):
    header = ["form", "bytes", "compiled", "one row, µs", "first answer, ms", "apart"]
    return [
        (
            [model, *header[1:]],
            [
                [
                    name,
                    f"{seen['bytes'][name]:,}",
                    "" if seen["compiled"][name] is None else f"{seen['compiled'][name]:,}",
                    f"{1e6 * seen['one_row'][name]:.1f}",
                    f"{1e3 * seen['first'][name]:.0f}",
                    f"{seen['apart'][name]:.1g}" if name in seen["apart"] else "–",
                ]
                for name in seen["bytes"]
            ],
        )
        for model, seen in data.items()
    ]


if __name__ == "__main__":
    serve(answer) if is_worker() else run(measure, tables, libraries_of([KIND]))
