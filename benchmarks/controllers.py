"""Measure what a model in C takes and loses: in float, and with weights of 8 bits.

    python benchmarks/controllers.py [FOLDER]

FOLDER holds letter.npz and mnist.npz (see racing/matrices.py); without it, the penguins and the
digits are measured alone. Each network is trained in float32, written as a header of C and compiled
for this machine with -Os. Text and data are those of an object file with the one function, as size
prints them; the stack is the sum of what the compiler says of each function (-fstack-usage), which
is more than any chain of calls takes. 500 training rows calibrate the whole numbers; accuracies and
differences are those of the test rows.
"""

import argparse
import re
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from racing.matrices import digits, images_or_table
from racing.results import show
from sklearn.exceptions import ConvergenceWarning

from handgrad import MLPClassifier
from handgrad.export import c_source, quantise
from handgrad.export.quantising import scores_of
from handgrad.tables.frames import from_frame

PENGUINS = Path(__file__).parents[1] / "src" / "handgrad" / "data" / "penguins.csv"
HIDDEN = {"penguins": (32,), "digits": (32,), "letter": (128, 64), "mnist": (128, 64)}
EPOCHS = {"penguins": 100, "digits": 50, "letter": 40, "mnist": 8}
CALIBRATION = 500
USE = '#include "model.h"\nint use(const model_row *row, float *proba);\n'
USE += "int use(const model_row *row, float *proba)\n{\n    return model_predict(row, proba);\n}\n"


def penguins():
    frame = pd.read_csv(PENGUINS)
    return frame, frame.pop("species").to_numpy(), np.arange(len(frame)) % 3 == 2


def rows(X, chosen):
    return X[chosen] if isinstance(X, np.ndarray) else from_frame(X.iloc[np.arange(len(X))[chosen]])


def compiled(header):
    """Compile a header; give its bytes of text and data, and of stack."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.h").write_text(header)
        (Path(folder) / "use.c").write_text(USE)
        command = ["gcc", "-std=c99", "-Os", "-fstack-usage", "-c", "use.c"]
        subprocess.run(command, cwd=folder, check=True)
        listed = subprocess.run(["size", "use.o"], cwd=folder, capture_output=True, check=True)
        usage = (Path(folder) / "use.su").read_text()
    memory = sum(map(int, listed.stdout.split()[6:8]))
    return memory, sum(map(int, re.findall(r"\t(\d+)\t", usage)))


def measured(name, X, y, is_test):
    """Train, write and judge: a line in float, a line in whole numbers."""
    settings = {"batch_size": 32, "max_iter": EPOCHS[name], "dtype": "float32", "random_state": 0}
    estimator = MLPClassifier(HIDDEN[name], **settings)
    estimator.fit(X[~is_test], y[~is_test])
    model = estimator.model_
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(~is_test))[:CALIBRATION]
    quantised = quantise(model, rows(X, chosen))
    inputs = model.encode(rows(X, is_test)).x
    head, score = model.architecture.head, model.scores(rows(X, is_test))
    whole = scores_of(model, quantised.networks, quantised.step, quantised.most, inputs)
    units = "-".join(map(str, model.architecture.layer_units))
    right = [(model.labels_of(one) == y[is_test]).mean() for one in (score, whole)]
    same = (head.decide(score) == head.decide(whole)).mean()
    off = np.abs(head.proba(score) - head.proba(whole)).max()
    for kind, header, accuracy, more in (
        ("float", c_source(model), right[0], ("", "")),
        ("int8", c_source(model, quantised=quantised), right[1], (f"{same:.2%}", f"{off:.3f}")),
    ):
        memory, stack = compiled(header)
        yield (name, units, kind, f"{memory:,}", f"{stack:,}", f"{accuracy:.2%}", *more)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    warnings.simplefilter("ignore", ConvergenceWarning)
    header = (
        "data",
        "network",
        "in",
        "text + data",
        "stack",
        "accuracy",
        "same labels",
        "farthest",
    )
    found = [header]
    sets = {"penguins": penguins, "digits": digits}
    for name in ("letter", "mnist") if folder is not None else ():
        sets[name] = lambda name=name: images_or_table(folder / f"{name}.npz")
    for name, given in sets.items():
        found += measured(name, *given())
    show([(found[0], found[1:])])


if __name__ == "__main__":
    main()
