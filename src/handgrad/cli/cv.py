"""``handgrad cv``: trained several times on most rows of a table, judged each time by the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.atomic_file import write_atomically
from handgrad.batch import folds
from handgrad.chance import Order
from handgrad.cli.checks import check_engine, check_output
from handgrad.cli.columns import print_plan
from handgrad.cli.data import read_labelled
from handgrad.cli.fit_options import MESSAGES, TRAINING_OPTIONS
from handgrad.cli.judge import judge
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import FILE, OUTPUT, TABLE, TABLES, Count, InSections, Option
from handgrad.cli.outcome import say_left_out
from handgrad.cli.parts import Part, partition
from handgrad.cli.predictions import (
    KEEP,
    KEEP_ALL,
    PROBA,
    SAFE_CSV,
    Kept,
    Predictions,
    check_beside,
    keep,
    plain_cell,
    predict_rows,
    safe_cell,
)
from handgrad.cli.results import evaluation_json, network_json, network_line, rows_text
from handgrad.cli.settings import settings_json, settle
from handgrad.cli.terminal import print_json, print_table, say
from handgrad.cli.training import train
from handgrad.errors import DataError
from handgrad.models.evaluation import MEASURES, Evaluation, Judgement, LabelsEvaluation
from handgrad.tables.labels import classes_of, encode_labels
from handgrad.text import shown

if TYPE_CHECKING:
    from rich.table import Table

    from handgrad.cli.data import Labelled
    from handgrad.models.model import Model

OF_LABELS = {"accuracy": "accuracy", "log_loss": "log-loss"}
HEADINGS = MEASURES | OF_LABELS

Options = dict[str, Any]


class Fold(NamedTuple):
    """One training of a cross-validation, and how it was judged."""

    rows: Order  # of the rows with a label, those that it was judged by
    n_training: int
    n_validation: int
    epochs: list[int]  # of each network
    model: Model
    engine: str
    seconds: float
    evaluation: Judgement
    predictions: Predictions | None  # of the rows that it was judged by

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": {
                "training": self.n_training,
                "validation": self.n_validation,
                "judged": len(self.rows),
            },
            "network": network_json(self.model),
            "epochs": self.epochs[0],
            **({"ensemble": self.epochs} if len(self.epochs) > 1 else {}),
            "engine": self.engine,
            "seconds": self.seconds,
            "evaluation": evaluation_json(self.evaluation),
        }


FOLDS = Option(
    "--folds",
    section=TABLES,
    type=Count(2, 1000),
    default=5,
    help="Divide the rows into N folds, and train once for each.",
)
OUTPUT_FILE = Option(
    "--output",
    "-o",
    section=OUTPUT,
    type=FILE,
    help="Write a prediction for every row, by the network that has not seen it, as CSV.",
)
OPTIONS = (FOLDS, *TRAINING_OPTIONS, *MESSAGES, OUTPUT_FILE, PROBA, KEEP, KEEP_ALL, SAFE_CSV)


@click.command(cls=InSections, params=[*OPTIONS])
@click.argument("tables", metavar="[TABLE]...", type=TABLE, nargs=-1)
def cv(
    tables: tuple[Path, ...],
    target: str | None,
    output: Path | None,
    proba: bool,
    kept: tuple[str, ...],
    keep_all: bool,
    safe_csv: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Cross-validate: judge networks by rows they have not seen.

    The rows of TABLE, or of the Palmer penguins, are shuffled and divided into folds, class by
    class. For each fold a network trains on the other rows as fit would, validation rows
    included, and is judged by the rows of the fold. The mean of the figures and their spread (the
    standard deviation from fold to fold) say what to expect on new rows. No model is saved: fit,
    with the same options, trains one on all rows.
    """
    options = settle(given)
    _check_usage(options, output, asked=bool(kept) or keep_all or safe_csv, proba=proba)
    check_output(output, *tables)
    check_engine(options["engine"])
    load(*TABLE_LIBRARIES, "handgrad.estimators", "rich.progress")
    data = read_labelled(tables, target, options)
    taken_along = keep(data.source, data.source.column_names if keep_all else kept)
    if not quiet:
        print_plan(data.plan)
    trained = []
    for number, rows in enumerate(_divided(data, options), start=1):
        with _naming(f"fold {number}/{options['folds']}") as which:
            fold = _train(data, rows, options, which, show=not quiet)
        if output is not None:
            fold = fold._replace(predictions=_predicted(data, fold, taken_along, proba))
        trained.append(fold)
    if output is not None:
        cell = safe_cell if safe_csv else plain_cell
        write_atomically(output, _out_of_fold(data, trained, taken_along, cell))
    written = [] if output is None else [output]
    if as_json:
        files = {"files": [str(path) for path in written]}
        print_json(_to_json(data, trained, options) | files)
    else:
        _print(data, trained, options, written)


def _check_usage(options: Options, output: Path | None, *, asked: bool, proba: bool) -> None:
    if output is None and (asked or proba):
        raise click.UsageError("--keep, --keep-all, --proba and --safe-csv go with --output FILE")
    if output == Path("-"):
        raise click.UsageError("--output must name a file; the figures go to the standard output")
    if proba and options["task"] == "regression":
        raise click.UsageError("--proba is for --task classification; numbers have none")


def _divided(data: Labelled, options: Options) -> list[Order]:
    """Divide the rows into folds, class by class.

    Raises
    ------
    DataError
        If a fold would have no row, or none of some class.
    """
    n, n_folds, bits = len(data.y), options["folds"], np.random.PCG64((options["seed"], 1))
    if data.task == "regression":
        if n < n_folds:
            raise DataError(f"{n} rows cannot fill {n_folds} folds; ask for --folds {n}")
        return folds(np.zeros(n, np.intp), n_folds, bits)
    classes = classes_of(data.y)
    numbers = encode_labels(data.y, classes)
    _check_rarest(classes, np.bincount(numbers), n_folds)
    return folds(numbers, n_folds, bits)


def _check_rarest(classes: NDArray[Any], counts: NDArray[np.intp], n_folds: int) -> None:
    rarest = int(counts.argmin())
    n = int(counts[rarest])
    if n < n_folds:
        fewer = f"ask for --folds {n}, or " if n > 1 else ""
        raise DataError(
            f"the class {classes.tolist()[rarest]!r} has {n} row{'s' if n > 1 else ''}, and each "
            f"of {n_folds} folds needs one; {fewer}join it to another class, or empty its "
            "labels to leave these rows out"
        )


@contextmanager
def _naming(fold: str) -> Iterator[str]:
    """Let messages begin with the fold; the value does so for progress."""
    try:
        yield f"{fold}  "
    except ValueError as error:
        error.args = (f"{fold}: {error}",)
        raise


def _train(data: Labelled, rows: Order, options: Options, which: str, *, show: bool) -> Fold:
    whole = Part("training", data.table, data.y, data.weight)
    others = whole.take(np.setdiff1d(np.arange(len(data.y)), rows), "training")
    rest = data._replace(table=others.table, y=others.y, weight=others.weight)
    parts = partition(rest, options | {"test": 0})
    estimator, seconds = train(parts, data.plan, options, show=show, which=which)
    judged, model = whole.take(rows, "fold"), estimator.model_
    return Fold(
        rows,
        len(parts.training.y),
        len(parts.validation.y) if parts.validation else 0,
        [len(history) for history in estimator.histories_],
        model,
        estimator.engine_,
        seconds,
        judge(model, judged),
        None,
    )


def _predicted(data: Labelled, fold: Fold, taken_along: Kept, proba: bool) -> Predictions:
    table = data.table.take(fold.rows)
    predictions = predict_rows(fold.model, table, with_probabilities=proba)
    check_beside(taken_along.names, predictions.names)
    return predictions


def _out_of_fold(
    data: Labelled, trained: Sequence[Fold], taken_along: Kept, cell: Callable[[Any], str]
) -> bytes:
    """Put the predictions into the order of the table; rows of no fold have empty cells."""
    known = [fold.predictions for fold in trained if fold.predictions is not None]
    names = known[0].names
    cells: list[list[Any]] = [[None] * len(names)] * data.source.num_rows
    for fold, predictions in zip(trained, known, strict=True):
        for place, row in zip(data.places[fold.rows].tolist(), predictions.rows, strict=True):
            cells[place] = row
    rows = taken_along.beside(Predictions(names, cells), cell)
    return taken_along.header(names, cell) + rows


# -- what it tells --------------------------------------------------------------------------------


def _figures(evaluation: Judgement) -> dict[str, float]:
    """Give the figures by their names in JSON; several quantiles have a share below each."""
    if isinstance(evaluation, Evaluation | LabelsEvaluation):
        return {"accuracy": evaluation.accuracy, "log_loss": evaluation.log_loss}
    figures = evaluation.overall
    if "share_below" in evaluation.measures and "share_below" not in figures:
        quantiles = [name.removeprefix("prediction ") for name in evaluation.names]
        shares = evaluation.measures["share_below"].tolist()
        figures |= {f"share_below {q}": s for q, s in zip(quantiles, shares, strict=True)}
    return figures


def _mean_and_spread(trained: Sequence[Fold]) -> tuple[dict[str, float], dict[str, float]]:
    """Give the mean of each figure over the folds, and its standard deviation (n - 1)."""
    each = [_figures(fold.evaluation) for fold in trained]
    values = {name: np.array([figures[name] for figures in each]) for name in each[0]}
    return (
        {name: float(value.mean()) for name, value in values.items()},
        {name: float(value.std(ddof=1)) for name, value in values.items()},
    )


def _to_json(data: Labelled, trained: Sequence[Fold], options: Options) -> dict[str, Any]:
    mean, spread = _mean_and_spread(trained)
    return {
        "table": data.name,
        "target": data.target,
        "task": data.task,
        "rows": {
            "judged": len(data.y),
            "without_label": data.n_unlabelled,
            "without_weight": data.n_weightless,
        },
        "settings": settings_json(options, max(fold.n_training for fold in trained)),
        "folds": [fold.to_json() for fold in trained],
        "mean": _without_nan(mean),
        "spread": _without_nan(spread),
    }


def _without_nan(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in figures.items()}


def _print(
    data: Labelled, trained: Sequence[Fold], options: Options, written: Sequence[Path]
) -> None:
    rows = rows_text(len(data.y), "", options["weight"])
    say(f"{shown(data.name)}: {rows}, in {len(trained)} folds; target {shown(data.target)}")
    say_left_out(data)
    networks = dict.fromkeys(network_line(fold.model) for fold in trained)
    which = "network" if len(networks) == 1 else "network of fold 1"
    say(f"{which}: {next(iter(networks))}")
    seconds = sum(fold.seconds for fold in trained)
    say(f"trained {len(trained)} times, in {seconds:.1f} s")
    say("")
    mean, spread = _mean_and_spread(trained)
    each = zip(map(_heading, mean), _written(mean), _written(spread), strict=True)
    figures = [f"{heading} {value} +- {off}" for heading, value, off in each]
    say(f"mean of {len(trained)} folds +- spread: {', '.join(figures)}")
    print_table(_fold_table(trained, mean, spread))
    for path in written:
        say(f"wrote {shown(path)}")


def _fold_table(trained: Sequence[Fold], mean: dict[str, float], spread: dict[str, float]) -> Table:
    from rich.table import Table

    table = Table(title="fold by fold", title_justify="left")
    for heading in ("fold", "trained on", "judged by", "epochs", *map(_heading, mean)):
        table.add_column(heading, justify="right", overflow="fold")
    for number, fold in enumerate(trained, start=1):
        counts = [
            f"{fold.n_training:,}",
            f"{len(fold.rows):,}",
            ", ".join(map(str, dict.fromkeys(fold.epochs))),
        ]
        table.add_row(str(number), *counts, *_written(_figures(fold.evaluation)))
    table.add_section()
    table.add_row("mean", "", "", "", *_written(mean))
    table.add_row("spread", "", "", "", *_written(spread))
    return table


def _heading(name: str) -> str:
    """Name a figure; a share of rows below has the quantile in its name."""
    _, _, quantile = name.partition(" ")
    return f"quantile {quantile}: rows below" if quantile else HEADINGS[name]


def _written(figures: dict[str, float]) -> list[str]:
    # Numbers that do not vary have no R2, and a fold without one leaves no mean.
    return [
        "-" if np.isnan(value) else f"{value:{'.4f' if name in OF_LABELS else '.4g'}}"
        for name, value in figures.items()
    ]
