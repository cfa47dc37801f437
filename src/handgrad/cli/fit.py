"""``handgrad fit``: from a table to a trained model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from handgrad.cli.checks import check_engine, check_output, check_report
from handgrad.cli.data import Part, partition, read_labelled
from handgrad.cli.judge import Truths, judge
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import (
    COLUMN,
    FILE,
    JSON,
    POSITIVE,
    REPORT,
    SEPARATOR,
    SHARE,
    TABLE,
    HiddenUnits,
    Number,
)
from handgrad.cli.outcome import Outcome, print_outcome, write_outcome
from handgrad.cli.training import OPTIMIZERS, train
from handgrad.labels import encode_labels
from handgrad.model import Model
from handgrad.terminal import print_json


@click.command()
@click.argument("table", type=TABLE, required=False)
@click.option("--target", type=COLUMN, help="Column to predict.  [needed with TABLE]")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    default="classification",
    show_default=True,
    help="Predict labels, or numbers.",
)
@click.option(
    "--model", "model_path", metavar="FILE", type=FILE, help="Save the model to this file."
)
@click.option(
    "--hidden",
    type=HiddenUnits(),
    default="100",
    show_default=True,
    help="As in 64,32; 0 for none.",
)
@click.option(
    "--activation",
    type=click.Choice(["relu", "tanh", "logistic", "identity"]),
    default="relu",
    show_default=True,
    help="Of the hidden layers.",
)
@click.option(
    "--epochs",
    metavar="N",
    type=click.IntRange(1, 10**6),
    default=200,
    show_default=True,
    help="At most.",
)
@click.option(
    "--batch-size",
    metavar="N",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Rows a step.",
)
@click.option(
    "--learning-rate",
    metavar="RATE",
    type=POSITIVE,
    default=1e-3,
    show_default=True,
    help="Length of a step.",
)
@click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), default="adam", show_default=True)
@click.option(
    "--l2",
    metavar="STRENGTH",
    type=Number(0, 1e30),
    default=1e-4,
    show_default=True,
    help="Penalty on large weights.",
)
@click.option(
    "--validation",
    metavar="SHARE",
    type=SHARE,
    default=0.1,
    show_default=True,
    help="Share of rows to choose the best epoch by; 0 for none.",
)
@click.option(
    "--patience",
    metavar="N",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Stop after so many epochs without gain.",
)
@click.option(
    "--test",
    "test_share",
    metavar="SHARE",
    type=SHARE,
    default=0,
    show_default=True,
    help="Share of rows kept out of everything, to judge the result by.",
)
@click.option("--drop", type=COLUMN, multiple=True, help="Leave a column out (repeatable).")
@click.option(
    "--categorical",
    type=COLUMN,
    multiple=True,
    help="Treat a column of numbers as categories (repeatable).",
)
@SEPARATOR
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Of all chance.",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "numpy", "compiled"]),
    default="auto",
    show_default=True,
    help="What runs the epochs.",
)
@REPORT
@JSON
@click.option("--verbose", "-v", is_flag=True, help="Tell which engine ran, and why.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def fit(table: Path | None, target: str | None, as_json: bool, quiet: bool, **options: Any) -> None:
    """Train a network on a table.

    TABLE is a CSV file (also gzipped) or a Parquet file, or - for the standard input. Numbers
    are standardised, texts and booleans one-hot encoded, missing cells filled in. Without TABLE
    it trains on the 344 Palmer penguins that come with handgrad: on their species, or with --task
    regression on their weight.
    """
    check_output(options["model_path"], table)
    if options["report"] is not None and options["task"] == "regression":
        raise click.UsageError("--report is for --task classification; leave it out")
    check_report(options["report"])
    check_engine(options["engine"])
    load(*TABLE_LIBRARIES, "handgrad.estimators", "rich.progress")
    data = read_labelled(table, target, options)
    parts = partition(data, options)
    estimator, seconds = train(parts, options, show=not quiet)
    model = replace(estimator.model_, target=data.target)
    judged = parts.judged()
    evaluation = judge(model, judged.table, _truths(judged, model))
    engine = {"name": estimator.engine_, "reason": estimator.engine_reason_}
    history = estimator.history_
    outcome = Outcome(data, parts, model, history, evaluation, judged.name, seconds, engine)
    written = write_outcome(outcome, options)
    if as_json:
        print_json(outcome.to_json() | {"files": [str(path) for path in written]})
    else:
        print_outcome(outcome, written, verbose=options["verbose"])


def _truths(part: Part, model: Model) -> Truths:
    """Give the truth of rows none of which is without it."""
    y_t = encode_labels(part.y, model.classes) if len(model.classes) else part.y[:, None]
    return Truths(y_t, np.zeros(len(y_t), dtype=bool))
