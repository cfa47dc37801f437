"""``handgrad distil``: a large model made small, with the help of rows that need no label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.cli.checks import check_engine, check_output
from handgrad.cli.columns import check_columns
from handgrad.cli.distilled import Comparison, Outcome
from handgrad.cli.encoding import encode_whole
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import (
    COLUMN,
    FILE,
    JSON,
    OUTPUT,
    READING_OPTIONS,
    SHARE,
    TABLE,
    TABLES,
    UNKNOWN,
    Count,
    HiddenUnits,
    InSections,
    Option,
)
from handgrad.cli.parts import Part, Parts, note_drawn_singly
from handgrad.cli.reading import name_of, read
from handgrad.cli.recipes import PLAIN
from handgrad.cli.results import rows_text
from handgrad.cli.terminal import note, print_json, say
from handgrad.cli.training import train
from handgrad.cli.truth import Truths, read_truths
from handgrad.engines.choice import AUTO, BACKENDS
from handgrad.errors import DataError, ModelFileError
from handgrad.models.file import load_model, save_model
from handgrad.tables.columns import labels
from handgrad.tables.encode import PIECEWISE
from handgrad.tables.plan import Plan
from handgrad.tables.rows import row_keys, take
from handgrad.text import shown
from handgrad.training.held_back import split

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.models.model import Model

Array = NDArray[Any]

# How a student trains, by the names of options of fit: benchmarks/distil.py measures it.
STUDENT = {
    "recipe": PLAIN,
    "task": "classification",
    "activation": "silu",
    "preprocess": PIECEWISE,
    "ensemble": 1,
    "schedule": "cosine",
    "learning_rate": 1e-2,
    "batch_size": 200,
    "validation": 0.1,
    "stop_on": "loss",
}

OPTIONS = (
    Option(
        "--target",
        section=TABLES,
        type=COLUMN,
        help="Column of the truth, to judge both models by; it may have gaps, and nothing is "
        "learnt from it.  [default: the teacher's, if TABLE has it]",
    ),
    Option(
        "--test",
        section=TABLES,
        type=SHARE,
        default=0.2,
        help="Share of rows kept out of the training, to compare the two models by.",
    ),
    UNKNOWN,
    *READING_OPTIONS,
    Option(
        "--hidden",
        section="Student",
        type=HiddenUnits(),
        default="32",
        help="Units of each hidden layer, as in 64,32; 0 means no hidden layer.",
    ),
    Option(
        "--epochs",
        section="Student",
        type=Count(1, 10**6),
        default=60,
        help="Train for N epochs, and keep the one that does best on a tenth of the rows.",
    ),
    Option(
        "--seed",
        section="Student",
        type=Count(0, 2**32 - 1),
        default=0,
        help="Seed for everything random: initial weights, splits, shuffling.",
    ),
    Option(
        "--engine",
        section="Student",
        type=click.Choice([AUTO, *BACKENDS]),
        default=AUTO,
        help="Engine that runs the epochs; auto is the fastest one that can do the work.",
    ),
    Option(
        "--model",
        "model_path",
        section=OUTPUT,
        type=FILE,
        required=True,
        help="Save the student to this file.",
    ),
    JSON,
    Option("--quiet", "-q", section=OUTPUT, is_flag=True, help="Print no progress."),
)


@click.command(cls=InSections, params=[*OPTIONS])
@click.argument("teacher", type=FILE)
@click.argument("tables", metavar="TABLE...", type=TABLE, nargs=-1, required=True)
def distil(
    teacher: Path,
    tables: tuple[Path, ...],
    target: str | None,
    model_path: Path,
    as_json: bool,
    quiet: bool,
    test: float,
    unknown: str,
    **options: Any,
) -> None:
    """Make a small model that predicts as TEACHER does.

    TEACHER is a model file that predicts labels, such as the many networks of fit --recipe strong.
    The student, one network, learns from the probabilities that the teacher gives the rows of
    TABLE, which need no label. More rows make a better student; rows that the teacher has learnt
    from tell it less than others. Any other model with predict_proba can teach in Python:
    MLPClassifier.fit(X, P, classes=...).
    """
    check_output(model_path, teacher, *tables)
    check_engine(options["engine"])
    load(*TABLE_LIBRARIES, "handgrad.estimators", "rich.progress")
    trained = load_model(teacher)
    _check_teacher(trained, teacher)
    plan = Plan(tuple(trained.encoder.plan.used))  # what the teacher leaves out need not be there
    rows = _read(trained, plan, tables, target, unknown, options)
    learnt, judged = _set_apart(rows, test, options["seed"])
    training = Part("training", learnt.table, np.exp(learnt.log_proba))
    estimator, seconds = train(
        Parts(training, None, None),
        plan,
        {**STUDENT, **options, "patience": options["epochs"]},
        show=not quiet,
        classes=trained.classes,
    )
    student = replace(
        estimator.model_with_settings(), target=trained.target or target, truth=trained.truth
    )
    save_model(student, model_path)
    predicted = student.predict_log_proba(judged.table), judged.log_proba
    outcome = Outcome(
        name_of(tables),
        trained,
        student,
        (teacher.stat().st_size, model_path.stat().st_size),
        len(learnt.table),
        Comparison.of(predicted, student.classes, judged.truths, is_test=judged is not learnt),
        target or trained.target,
        len(estimator.history_),
        seconds,
    )
    if as_json:
        print_json(outcome.to_json() | {"files": [str(model_path)]})
        return
    outcome.print()
    say(f"wrote {shown(model_path)}")


def _check_teacher(model: Model, path: Path) -> None:
    if not len(model.classes) or model.is_multilabel:
        what = "several labels a row" if model.is_multilabel else "numbers"
        raise ModelFileError(
            f"{str(path)!r} predicts {what}; a teacher must predict one label a row. Write its "
            "predictions with handgrad predict, and fit on them"
        )


# -- the rows -------------------------------------------------------------------------------------


class Rows(NamedTuple):
    """Rows of the table as both models read them, with what the teacher says of them."""

    table: pa.Table  # the columns that the teacher knows
    log_proba: Array  # (n, K), the teacher's
    truths: Truths | None

    def of(self, places: NDArray[np.intp]) -> Rows:
        """Pick rows."""
        truths = None if self.truths is None else self.truths.of(places)
        return Rows(take(self.table, places), self.log_proba[places], truths)


def _read(
    teacher: Model,
    plan: Plan,
    tables: Sequence[Path],
    target: str | None,
    unknown: str,
    options: dict[str, Any],
) -> Rows:
    """Read the table, and ask the teacher."""
    content = read(tables, options)
    if not content.num_rows:
        raise DataError("the table must have rows; it has a header only")
    truths = _truths(teacher, content, target)
    encoded = encode_whole(teacher, content, unknown)
    return Rows(content.select(list(plan.names)), teacher.predict_log_proba(encoded), truths)


def _truths(teacher: Model, table: pa.Table, named: str | None) -> Truths | None:
    """Read the truth, where the table has it; none of it may be there."""
    if named is not None:
        check_columns(table, [named], "--target")
    target = named or teacher.target
    if target is None or target not in table.column_names:
        return None
    if labels(table, target)[1].all():
        note(f"column {shown(target)} is empty; the two models are only compared with each other")
        return None
    return read_truths(teacher, table, [target], "allow")


def _set_apart(rows: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """Divide rows to learn from and rows to judge by; without a share, all are both."""
    if not share:
        return rows, rows
    likeliest = rows.log_proba.argmax(axis=1)
    parts = split(row_keys(rows.table, seed), likeliest, share)
    if not len(parts.held_back):
        raise DataError(
            f"--test {share:g} of {len(likeliest)} rows leaves none for it, as equal rows stay "
            "together; raise --test, or set it to 0"
        )
    note_drawn_singly(parts, "test", rows_text(len(likeliest), "", None))
    return rows.of(parts.kept), rows.of(parts.held_back)
