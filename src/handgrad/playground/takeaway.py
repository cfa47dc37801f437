"""What can be taken along: the model file, the Python that trains the same model, the history."""

import csv
import io
import math
from typing import Any

from handgrad.errors import DataError
from handgrad.models.file import to_bytes
from handgrad.playground.data import KNOWN
from handgrad.playground.recipe import TABLES
from handgrad.playground.session import Measure, Session
from handgrad.training.run import Settings


def model_file(session: Session) -> bytes:
    """Write the model as it stands; ``load_model`` and ``MLPClassifier.load`` read it."""
    return to_bytes(session.model())


def history_csv(session: Session) -> bytes:
    """Write an epoch a line; cells of test rows are empty where there are none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Measure._fields)
    for measure in session.history:
        writer.writerow(["" if math.isnan(value) else repr(value) for value in measure])
    return text.getvalue().encode()


def python(session: Session) -> bytes:
    """Write a program that makes the same network and trains it to the same weights.

    Raises
    ------
    DataError
        If what was done cannot be told in whole epochs from the weights of the beginning.
    """
    if session.journal is None:
        raise DataError(
            "the points, or a weight amid an epoch, changed while the network learnt; go back to "
            "the start, train again, then take the program along"
        )
    if session.under_way is not None:
        raise DataError("the program tells whole epochs; step to the end of this epoch first")
    recipe, architecture = session.recipe, session.architecture
    lines = [
        '"""Trains the network of the page to the same weights: handgrad play wrote this."""',
        "",
        "import math",
        "",
        "import numpy as np",
        "",
        "from handgrad.network import Architecture, forward, loss",
        "from handgrad.optim import SGD, Adam, AdamW",
        "from handgrad.params import initialise",
        "from handgrad.batch import Rows",
        "from handgrad.training import Run, Settings, train",
        "",
        *_rows(session),
        f"architecture = Architecture({architecture.layer_units}, {architecture.activation!r})",
        f"bits = np.random.PCG64({recipe.init_seed})",
        "params = initialise(",
        "    architecture.layer_units, architecture.activations, bits, np.float64, "
        f"{recipe.init!r}",
        ")",
        "run = Run.start(params, bits)",
        *[line for entry in session.journal for line in _done(entry)],
        "",
        "params = run.params",
        "tape = forward(architecture, params, rows.x)",
        'print(f"loss {float(loss(architecture, params, tape, rows.y_t)):.6f}")',
        "for name, array in params.named():",
        '    print(name, "=", array.tolist())',
    ]
    return ("\n".join(lines) + "\n").encode()


def _rows(session: Session) -> list[str]:
    """Draw the points again where a seed tells them; else write the rows out."""
    recipe, points = session.recipe, session.points
    if recipe.data in KNOWN:
        return [
            f"from handgrad.playground.data import {recipe.data}",
            "",
            f"points = {recipe.data}(share={recipe.test_share}, seed={recipe.data_seed})",
            "rows = points.training_rows",
        ]
    if recipe.data in (*TABLES, "drawn"):
        rows = points.training_rows
        return [
            f"x = np.array({rows.x.tolist()})",
            f"y_t = np.array({rows.y_t.tolist()})",
            "rows = Rows(x, y_t)",
        ]
    return [
        "from handgrad.playground.points import make_points, of_plane",
        "",
        f"x, y_t = make_points({recipe.data!r}, n={recipe.n}, classes={recipe.classes}, "
        f"noise={recipe.noise}, seed={recipe.data_seed})",
        f"points = of_plane(x, y_t, share={recipe.test_share}, seed={recipe.data_seed})",
        "rows = points.training_rows",
    ]


def _done(entry: tuple[Any, ...]) -> list[str]:
    if entry[0] == "weight":
        return [f"run.params.flat[{entry[1]}] = {entry[2]!r}  # typed in"]
    settings: Settings = entry[1]
    written = repr(settings).replace("inf", "math.inf")
    return [f"settings = {written}", f"train(architecture, run, settings, rows, epochs={entry[2]})"]
