"""Downloads: the model, a Python program that trains the same model, the history.

Programs are kept by their users, so they import public names only: those of docs/api.md.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from handgrad.errors import DataError
from handgrad.models.file import to_bytes
from handgrad.network import scale_folded
from handgrad.optim import OPTIMIZERS
from handgrad.playground.judging import judge_of
from handgrad.playground.recipe import TABLES
from handgrad.playground.sets import DRAWN

if TYPE_CHECKING:
    from handgrad.network import Architecture
    from handgrad.playground.session import Journal, Session
    from handgrad.training import Settings


def model_file(session: Session) -> bytes:
    """Write the present model; ``load_model`` and the estimators' ``load`` read it.

    A scale of the inputs is multiplied into W1.
    """
    model = session.model()
    architecture, params = scale_folded(model.architecture, model.params)
    return to_bytes(replace(model, architecture=architecture, params=params))


def javascript(session: Session) -> bytes:
    """Write the present model as a module of JavaScript."""
    from handgrad.export import javascript_source  # few need it

    return javascript_source(session.model()).encode()


def history_csv(session: Session) -> bytes:
    """Write a line for each epoch; without test rows, their cells are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    column = judge_of(session.points.head).column
    names = [name.replace("accuracy", column) for name in session.history[0]._fields]
    writer.writerow(names)
    for measure in session.history:
        writer.writerow(["" if math.isnan(value) else repr(value) for value in measure])
    return text.getvalue().encode()


def python(session: Session) -> bytes:
    """Write a program that makes the same network and trains it to the same weights.

    Raises
    ------
    DataError
        If the run is not one of whole epochs from the initial weights.
    """
    journal = repeatable(session)
    recipe, architecture = session.recipe, session.architecture
    kinds = {type(rule).__name__ for rule in OPTIMIZERS.values()}
    lines = [
        '"""Trains the network of the page to the same weights: handgrad play wrote this."""',
        "",
        "import math",
        "",
        "import numpy as np",
        "",
        "from handgrad.network import Architecture, forward, loss",
        f"from handgrad.optim import {', '.join(sorted(kinds))}",
        "from handgrad.params import initialise",
        *_rows(session),
        f"architecture = {_written(architecture)}",
        f"bits = np.random.PCG64({recipe.init_seed})",
        "params = initialise(",
        "    architecture.layer_units, architecture.activations, bits, np.float64, "
        f"{recipe.init!r}, architecture.beside,",
        ")",
        "run = Run.start(params, bits)",
        *[line for entry in journal for line in _repeated(entry)],
        "",
        "params = run.params",
        "tape = forward(architecture, params, rows.x)",
        'print(f"loss {float(loss(architecture, params, tape, rows.y_t)):.6f}")',
        "for name, array in params.named():",
        '    print(name, "=", array.tolist())',
    ]
    return ("\n".join(lines) + "\n").encode()


def repeatable(session: Session) -> Journal:
    """Give the changes of a run that a program can repeat.

    Raises
    ------
    DataError
        If the run is not one of whole epochs from the initial weights.
    """
    if session.journal is None:
        raise DataError(
            "the points, or a weight within an epoch, changed while the network learnt; start "
            "over, train again, then download the program"
        )
    if session.under_way is not None:
        raise DataError("a program repeats whole epochs; step to the end of this epoch first")
    return session.journal


def _written(architecture: Architecture) -> str:
    """Write a network out, as far as it is not the usual one."""
    parts = [f"{architecture.layer_units}, {architecture.activation!r}"]
    for field in fields(architecture)[2:]:
        value = getattr(architecture, field.name)
        if value != field.default:  # of a skip, every column is the same
            is_skip = value is architecture.skip
            text = f"(Linear(),) * {len(value)}" if is_skip else repr(value)
            parts.append(f"{field.name}={text}")
    return f"Architecture({', '.join(parts)})"


def _rows(session: Session) -> list[str]:
    """Import the last names, and make the rows: by their data set, else written out."""
    recipe = session.recipe
    training = "from handgrad.training import Run, Settings, train"
    skip = ["from handgrad.skip import Linear"] if session.architecture.skip else []
    if recipe.data in (*TABLES, "drawn"):
        rows = session.points.training_rows
        return [
            "from handgrad.batch import Rows",
            *skip,
            training,
            "",
            f"x = np.array({rows.x.tolist()})",
            f"y_t = np.array({rows.y_t.tolist()})",
            "rows = Rows(x, y_t)",
        ]
    drawn = f"n={recipe.n}, classes={recipe.classes}, noise={recipe.noise}, "
    fed = ".with_skip()" if skip else ""
    return [
        "from handgrad.playground.data import data_set",
        *skip,
        training,
        "",
        "points = data_set(",
        f"    {recipe.data!r}, {drawn if recipe.data in DRAWN else ''}"
        f"seed={recipe.data_seed}, test_share={recipe.test_share}",
        ")",
        f"rows = points{fed}.training_rows",
    ]


def _repeated(entry: tuple[Any, ...]) -> list[str]:
    if entry[0] == "weight":
        return [f"run.params.flat[{entry[1]}] = {entry[2]!r}  # typed in"]
    settings: Settings = entry[1]
    written = repr(settings).replace("inf", "math.inf")
    return [f"settings = {written}", f"train(architecture, run, settings, rows, epochs={entry[2]})"]
