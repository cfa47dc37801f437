"""The command line: one function a command.

Progress goes to stderr, results to stdout, and the exit code says how it went:

    0 done    2 usage    3 data    4 model file    5 input/output    6 diverged    130 interrupted
    1 a gradient is wrong (gradcheck)

Nothing that a user can do ends in a traceback.
"""

import csv
import io
import math
import os
import re
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from handgrad import __version__
from handgrad.atomic_file import write_atomically
from handgrad.cli_data import (
    Labelled,
    Part,
    Parts,
    partition,
    read_labelled,
    separator_of,
)
from handgrad.cli_explain import (
    check_model,
    explain_row,
    explanation_json,
    print_check,
    print_check_json,
    write_page,
)
from handgrad.cli_judge import (
    Judgement,
    Truths,
    judge,
    number_names,
    read_truths,
    targets_of,
)
from handgrad.cli_play import start_playing
from handgrad.errors import DataError, DivergenceError, ModelFileError
from handgrad.evaluation import Evaluation
from handgrad.explain.terminal import print_explanation
from handgrad.history import Epoch, History
from handgrad.labels import encode_labels
from handgrad.model import Model, decide, proba
from handgrad.model_file import load_model, save_model
from handgrad.rows import take
from handgrad.table import read_table
from handgrad.terminal import (
    brief,
    column_table,
    evaluation_json,
    layer_table,
    listed,
    network_json,
    network_line,
    note,
    print_evaluation,
    print_json,
    print_machine,
    print_table,
    say,
    shown,
)

if TYPE_CHECKING:
    import pyarrow as pa

    UnitsType = click.ParamType[tuple[int, ...]]
    TextType = click.ParamType[str]
else:  # click before 8.4 has no types to name
    UnitsType = TextType = click.ParamType

Array = NDArray[Any]

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"solver": "adam"},
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "nesterovs_momentum": True},
}


class HiddenUnits(UnitsType):
    """Units of the hidden layers, as in 64,32; 0 or an empty text for no hidden layer."""

    name = "units"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        if value.strip() in ("", "0"):
            return ()
        parts = value.split(",")
        if not all(re.fullmatch(r"\s*[0-9]+\s*", part, re.ASCII) for part in parts):
            self.fail(f"{value!r} is not a list of whole numbers such as 64,32", param, ctx)
        if not all(len(part.strip()) <= 6 and 1 <= int(part) <= 100_000 for part in parts):
            self.fail(f"each layer needs 1 to 100000 units; got {value!r}", param, ctx)
        return tuple(int(part) for part in parts)


class Number(click.FloatRange):
    """A number within bounds; NaN, which compares with nothing, is none."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class File(click.Path):
    """A path; an empty one would mean the folder we are in."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value == "":
            self.fail("the name of a file is needed, not an empty text", param, ctx)
        return super().convert(value, param, ctx)


class TableFile(File):
    """A path to read rows from; - is the standard input."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return super().convert("/dev/stdin" if value == "-" else value, param, ctx)


class ColumnName(TextType):
    """A column's name: UTF-8, as tables are, in whatever locale we were started."""

    name = "column"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        return os.fsencode(value).decode("utf-8", "surrogateescape")


POSITIVE = Number(min=0, min_open=True, max=1e30)
SHARE = Number(min=0, max=1, max_open=True)
FILE = File(path_type=Path)
TABLE = TableFile(path_type=Path)
COLUMN = ColumnName()
SEPARATOR = click.option(
    "--separator",
    metavar="SIGN",
    help="Between the cells of a CSV file.  [default: from its header]",
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
)
@click.version_option(__version__, prog_name="handgrad")
@click.pass_context
def main(context: click.Context) -> None:
    """Train small neural networks on tables, and use them."""
    if context.invoked_subcommand is None:
        note(context.get_help())
        context.exit(2)


# -- fit --------------------------------------------------------------------------------------


@main.command()
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
@click.option(
    "--report",
    metavar="FOLDER",
    type=FILE,
    help="Write report.html and its pictures here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--verbose", "-v", is_flag=True, help="Tell which engine ran, and why.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def fit(table: Path | None, target: str | None, as_json: bool, quiet: bool, **options: Any) -> None:
    """Train a network on a table.

    TABLE is a CSV file (also gzipped) or a Parquet file, or - for the standard input. Numbers
    are standardised, texts and booleans one-hot encoded, missing cells filled in. Without TABLE
    it trains on the 344 Palmer penguins that come with handgrad: on their species, or with --task
    regression on their weight.
    """
    _check_output(options["model_path"], table)
    if options["report"] is not None and options["task"] == "regression":
        raise click.UsageError("--report is for --task classification; leave it out")
    _check_report(options["report"])
    _check_engine(options["engine"])
    _load(*TABLE_LIBRARIES, "handgrad.estimators", "rich.progress")
    data = read_labelled(table, target, options)
    parts = partition(data, options)
    estimator, seconds = _train(parts, options, show=not quiet)
    model = replace(estimator.model_, target=data.target)
    judged = parts.judged()
    evaluation = judge(model, judged.table, _truths(judged, model))
    engine = {"name": estimator.engine_, "reason": estimator.engine_reason_}
    history = estimator.history_
    outcome = Outcome(data, parts, model, history, evaluation, judged.name, seconds, engine)
    written = _write_outcome(outcome, options)
    if as_json:
        print_json(outcome.to_json() | {"files": [str(path) for path in written]})
    else:
        _print_outcome(outcome, written, verbose=options["verbose"])


@dataclass(frozen=True)
class Outcome:
    """All that a fit has to tell."""

    data: Labelled
    parts: Parts
    model: Model
    history: History
    evaluation: Judgement
    judged_by: str
    seconds: float
    engine: dict[str, str]

    @property
    def kept_epoch(self) -> int:
        """The epoch whose parameters the model has."""
        if self.parts.validation is None:
            return self.history[-1].epoch
        losses = self.history.column("validation_loss")
        return self.history[int(np.argmin(losses))].epoch

    @property
    def judged_rows(self) -> str:
        return f"{self.evaluation.n} {self.judged_by} rows"

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.data.name,
            "target": self.data.target,
            "task": self.data.task,
            "rows": {
                "training": len(self.parts.training.y),
                "validation": len(self.parts.validation.y) if self.parts.validation else 0,
                "test": len(self.parts.test.y) if self.parts.test else 0,
                "without_label": self.data.n_unlabelled,
            },
            "network": network_json(self.model),
            "epochs": len(self.history),
            "kept_epoch": self.kept_epoch,
            "stopped_by": self.history.reason,
            "seconds": self.seconds,
            "engine": self.engine,
            "judged_by": self.judged_by,
            "evaluation": evaluation_json(self.evaluation),
            "history": self.history.rows(),
        }


def _train(parts: Parts, options: dict[str, Any], *, show: bool) -> tuple[Any, float]:
    from handgrad.estimators import MLPClassifier, MLPRegressor

    validation = parts.validation
    kind = MLPRegressor if options["task"] == "regression" else MLPClassifier
    estimator = kind(
        hidden_layer_sizes=options["hidden"],
        activation=options["activation"],
        alpha=options["l2"],
        batch_size=min(options["batch_size"], len(parts.training.y)),
        learning_rate_init=options["learning_rate"],
        max_iter=options["epochs"],
        random_state=options["seed"],
        early_stopping=validation is not None,
        scoring="loss",
        n_iter_no_change=options["patience"],
        categorical_features=list(options["categorical"]),
        dtype="float32",
        engine=options["engine"],
        **OPTIMIZERS[options["optimizer"]],
    )
    held_out = {} if validation is None else {"X_val": validation.table, "y_val": validation.y}
    started = time.perf_counter()
    with warnings.catch_warnings(), _progress(options["epochs"], show=show) as on_epoch:
        warnings.simplefilter("ignore")  # what they would say, the outcome says
        estimator.set_params(on_epoch=on_epoch)
        estimator.fit(parts.training.table, parts.training.y, **held_out)
    estimator.set_params(on_epoch=None)
    return estimator, time.perf_counter() - started


@contextmanager
def _progress(epochs: int, *, show: bool) -> Iterator[Callable[[Epoch], None] | None]:
    """Show on stderr how the loss falls; a file or a pipe gets the last line only."""
    if not show:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = Console(stderr=True)
    bars = [BarColumn(bar_width=12)] if console.width >= 80 else []  # the figures come first
    whole = Column(no_wrap=True)  # where all is too long for a line, the figures wrap
    lines: list[str] = []
    with Progress(
        TextColumn("epoch {task.completed}/{task.total}", table_column=whole),
        *bars,
        TextColumn("{task.fields[figures]}", table_column=Column()),
        TimeElapsedColumn(table_column=whole.copy()),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=epochs, figures="")

        def on_epoch(epoch: Epoch) -> None:
            bar.update(task, completed=epoch.epoch, figures=_figures(epoch))
            lines[:] = [f"epoch {epoch.epoch}/{epochs}  {_figures(epoch)}"]

        yield on_epoch
    if lines and not console.is_terminal:
        note(lines[0])


def _figures(epoch: Epoch) -> str:
    text = f"loss {epoch.loss:.4f}"
    if epoch.accuracy is not None:
        text += f"  accuracy {epoch.accuracy:.3f}"
    if epoch.validation_loss is not None:
        text += f"  validation {epoch.validation_loss:.4f}"
    return text


def _write_outcome(outcome: Outcome, options: dict[str, Any]) -> list[Path]:
    model_path, report = options["model_path"], options["report"]
    written = []
    if model_path is not None:
        save_model(outcome.model, model_path)
        written.append(model_path)
    if report is not None:
        try:
            written += _write_report(outcome, report, options["learning_rate"])
        except BaseException:
            if model_path is not None:
                note(f"wrote {shown(model_path)}")
            raise
    return written


def _truths(part: Part, model: Model) -> Truths:
    """Give the truth of rows none of which is without it."""
    y_t = encode_labels(part.y, model.classes) if len(model.classes) else part.y[:, None]
    return Truths(y_t, np.zeros(len(y_t), dtype=bool))


def _write_report(outcome: Outcome, folder: Path, lr: float) -> list[Path]:
    from handgrad.report import Judged, write_report

    assert isinstance(outcome.evaluation, Evaluation)  # of labels: fit has seen to it

    part = outcome.parts.judged()
    y_t = encode_labels(part.y, outcome.model.classes)
    known = [
        ("table", outcome.data.name),
        ("target", outcome.data.target),
        ("network", network_line(outcome.model)),
        ("training", f"{len(outcome.history)} epochs in {outcome.seconds:.1f} s"),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with _no_warnings():
        return write_report(
            folder,
            outcome.history,
            outcome.evaluation,
            rows=outcome.judged_rows,
            best=outcome.kept_epoch if outcome.parts.validation else None,
            judged=Judged(outcome.model, part.table, y_t, lr),
            known=known,
        )


@contextmanager
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of signs that the font lacks
        yield


def _print_outcome(outcome: Outcome, written: list[Path], *, verbose: bool) -> None:
    counts = [
        f"{len(part.y):,} to {verb}"
        for part, verb in zip(
            outcome.parts, ("train on", "validate with", "test with"), strict=True
        )
        if part is not None
    ]
    say(f"{shown(outcome.data.name)}: {', '.join(counts)}; target {shown(outcome.data.target)}")
    if outcome.data.n_unlabelled:
        what = "number" if outcome.data.task == "regression" else "label"
        say(f"left out: {outcome.data.n_unlabelled:,} rows without a {what}")
    say(f"network: {network_line(outcome.model)}")
    kept = "" if outcome.parts.validation is None else f"; kept epoch {outcome.kept_epoch}"
    ended = _reason(outcome.history.reason)
    say(f"{len(outcome.history)} epochs in {outcome.seconds:.1f} s, ended by {ended}{kept}")
    if verbose:
        say(f"engine: {outcome.engine['name']} ({outcome.engine['reason']})")
    say("")
    print_evaluation(outcome.evaluation, f"{outcome.evaluation.n:,} {outcome.judged_by} rows")
    if outcome.judged_by == "training":
        say("These rows trained the model: on new rows expect less. Ask for --test 0.2.")
    if outcome.judged_by == "validation":
        say("These rows chose the epoch: on new rows expect a little less. Or ask for --test 0.2.")
    for path in written:
        say(f"wrote {shown(path)}")
    if not written:
        say("Nothing was saved; --model FILE keeps the model.")


def _reason(reason: str) -> str:
    return {"max_iter": "--epochs", "patience": "--patience"}.get(reason, reason)


# -- predict, evaluate, info ------------------------------------------------------------------


@main.command()
@click.argument("model", type=FILE)
@click.argument("table", type=TABLE)
@click.option("--proba", is_flag=True, help="Add the probability of each class.")
@click.option("--output", "-o", metavar="FILE", type=FILE, help="Write here instead of to stdout.")
@SEPARATOR
def predict(model: Path, table: Path, proba: bool, output: Path | None, **options: Any) -> None:
    """Predict labels, or numbers, of every row of TABLE, as CSV.

    Columns are found by name: their order is free, others are ignored. TABLE may be - for the
    standard input.
    """
    if output == Path("-"):
        output = None
    _check_output(output, model, table)
    _load(*TABLE_LIBRARIES)
    trained = load_model(model)
    if proba and not len(trained.classes):
        raise click.UsageError(f"--proba: {str(model)!r} predicts numbers, which have none")
    columns = read_table(table, separator=separator_of(options))
    content = _predictions(trained, columns, with_probabilities=proba).encode()
    _report_extra(trained, columns)
    if output is None:
        click.echo(content, nl=False)  # bytes: UTF-8 whatever the locale, as in a file
    else:
        write_atomically(output, content)


def _predictions(model: Model, columns: "pa.Table", *, with_probabilities: bool) -> str:
    if len(model.classes):
        header, rows = _predicted_labels(model, columns, with_probabilities)
    else:
        header, rows = number_names(model), model.predict_numbers(columns).tolist()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _predicted_labels(
    model: Model, columns: "pa.Table", with_probabilities: bool
) -> tuple[list[str], list[list[Any]]]:
    scores, output = model.scores(columns), model.architecture.output
    if model.is_multilabel:  # a column for each label, 1 where a row has it
        header = [f"prediction {label}" for label in model.classes.tolist()]
        rows: list[list[Any]] = decide(output, scores).tolist()
    else:
        header = ["prediction"]
        rows = [[label] for label in model.classes[decide(output, scores)].tolist()]
    if with_probabilities:
        header += [f"probability {label}" for label in model.classes.tolist()]
        shares = proba(output, scores)[:, : len(model.classes)].tolist()
        for row, part in zip(rows, shares, strict=True):
            row += [f"{p:.6g}" for p in part]
    return header, rows


@main.command("evaluate")
@click.argument("model", type=FILE)
@click.argument("table", type=TABLE)
@click.option(
    "--target",
    "targets",
    type=COLUMN,
    multiple=True,
    help="Column of the truth; one for each that is predicted.  [default: as trained]",
)
@SEPARATOR
@click.option(
    "--report",
    metavar="FOLDER",
    type=FILE,
    help="Write report.html and its pictures here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def evaluate_command(
    model: Path,
    table: Path,
    targets: tuple[str, ...],
    report: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Judge MODEL by rows of TABLE whose truth is known.

    Where a row may have several labels, or several numbers are predicted, name the column of each
    with --target, in the order in which they were trained.
    """
    _check_report(report)
    _load(*TABLE_LIBRARIES)
    trained = load_model(model)
    if report is not None and (trained.is_multilabel or not len(trained.classes)):
        raise click.UsageError("--report is for models that give each row one label; leave it out")
    columns = read_table(table, separator=separator_of(options))
    known = targets_of(trained, targets)
    truths = read_truths(trained, columns, known)
    evaluation = judge(trained, columns, truths)
    _report_extra(trained, columns, known)
    if truths.missing.any():
        what = "label" if len(trained.classes) else "number"
        note(f"left out: {int(truths.missing.sum()):,} rows without a {what}")
    written = []
    if report is not None and isinstance(evaluation, Evaluation):
        labelled = np.flatnonzero(~truths.missing)
        rows, y_t = take(columns, labelled), truths.y_t[labelled]
        written = _report_of(trained, rows, y_t, evaluation, report, str(table))
    if as_json:
        files = {"files": [str(path) for path in written]} if written else {}
        print_json(evaluation_json(evaluation) | files)
        return
    print_evaluation(evaluation, f"{evaluation.n:,} rows")
    for path in written:
        say(f"wrote {shown(path)}")


def _report_of(
    model: Model,
    columns: "pa.Table",
    y_t: NDArray[np.intp],
    evaluation: Evaluation,
    folder: Path,
    name: str,
) -> list[Path]:
    from handgrad.report import Judged, write_report

    known = [("table", name), ("network", network_line(model))]
    folder.mkdir(parents=True, exist_ok=True)
    with _no_warnings():
        return write_report(
            folder,
            History(()),
            evaluation,
            rows=f"{evaluation.n:,} rows",
            best=None,
            judged=Judged(model, columns, y_t),
            known=known,
        )


@main.command()
@click.argument("model", type=FILE, required=False)
@click.option(
    "--machine", is_flag=True, help="Tell what this machine computes with, and what is faster."
)
@click.option(
    "--compile", "compiles", is_flag=True, help="With --machine: compile the fast engine now."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def info(model: Path | None, machine: bool, compiles: bool, as_json: bool) -> None:
    """Tell what MODEL is: columns, layers and predictions.

    With --machine, tell what computes here instead, and what would be faster.
    """
    if machine == (model is not None):
        raise click.UsageError("name a model, or ask for --machine")
    if compiles and not machine:
        raise click.UsageError("--compile goes with --machine")
    if model is not None:
        _print_model(load_model(model), as_json=as_json)
        return
    from handgrad.machine import compile_engine, describe

    if compiles:
        try:
            compile_engine()
        except ImportError as error:
            raise click.UsageError(f"--compile: {error}") from None
    found = describe()
    if as_json:
        print_json(found)
    else:
        print_machine(found)


def _print_model(trained: Model, *, as_json: bool) -> None:
    if as_json:
        print_json(_info_json(trained))
        return
    say(f"target: {shown(trained.target) if trained.target else 'not known'}")
    if len(trained.classes):
        several = ", any of which a row may have" if trained.is_multilabel else ""
        say(f"classes: {', '.join(shown(label) for label in trained.classes.tolist())}{several}")
    else:
        say(f"predicts numbers: {', '.join(number_names(trained))}")
    say(f"network: {network_line(trained)}")
    print_table(layer_table(trained), whole=True)
    print_table(column_table(trained))


def _info_json(model: Model) -> dict[str, Any]:
    predicts: dict[str, Any] = {"numbers": number_names(model)}
    if len(model.classes):
        predicts = {"classes": [str(label) for label in model.classes.tolist()]}
    return {
        "target": model.target,
        **predicts,
        "network": network_json(model),
        "numeric_columns": model.encoder.number_names,
        "categorical_columns": {
            name: list(levels)
            for name, levels in zip(model.encoder.category_names, model.encoder.levels, strict=True)
        },
    }


# -- explain, gradcheck -----------------------------------------------------------------------


@main.command("explain")
@click.argument("model", type=FILE)
@click.argument("table", type=TABLE)
@click.option(
    "--row", metavar="N", type=int, default=1, show_default=True, help="Which row, from 1."
)
@click.option("--target", type=COLUMN, help="Column of true labels.  [default: as trained]")
@click.option(
    "--learning-rate",
    metavar="RATE",
    type=POSITIVE,
    default=0.1,
    show_default=True,
    help="Length of the step (13).",
)
@click.option(
    "--html", "page", metavar="FILE", type=FILE, help="Write it as one page instead of text."
)
@SEPARATOR
@click.option("--json", "as_json", is_flag=True, help="Print every number as JSON.")
def explain_command(
    model: Path, table: Path, page: Path | None, as_json: bool, **options: Any
) -> None:
    """Show what MODEL makes of one row of TABLE.

    Equation by equation: forward to the prediction, the loss, and backward to every gradient, in
    words, symbols and numbers. Without the true label it ends with the prediction.
    """
    _check_output(page, model, table)
    _load(*TABLE_LIBRARIES)
    trained = load_model(model)
    columns = read_table(table, separator=separator_of(options))
    explanation = explain_row(
        trained,
        columns,
        name=str(table),
        row=options["row"],
        target=options["target"],
        lr=options["learning_rate"],
    )
    if page is not None:
        write_page(explanation, page)
        note(f"wrote {shown(page)}")
    if as_json:
        print_json(explanation_json(explanation))
    elif page is None:
        print_explanation(explanation)


@main.command()
@click.argument("model", type=FILE)
@click.argument("table", type=TABLE)
@click.option("--target", type=COLUMN, help="Column of true labels.  [default: as trained]")
@click.option(
    "--rows",
    metavar="N",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="On how many rows, evenly spread.",
)
@click.option(
    "--entries",
    metavar="N",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Of each parameter; 0 for all.",
)
@SEPARATOR
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def gradcheck(model: Path, table: Path, as_json: bool, **options: Any) -> None:
    """Check the gradients of MODEL on rows of TABLE.

    They are compared with complex steps. A row for each parameter tells the entry that is furthest
    off, both values, the largest relative error, the verdict. The exit code is 1 if one is wrong.
    """
    _load(*TABLE_LIBRARIES)
    trained = load_model(model)
    columns = read_table(table, separator=separator_of(options))
    check, n = check_model(
        trained,
        columns,
        target=options["target"],
        rows=options["rows"],
        entries=options["entries"],
    )
    (print_check_json if as_json else print_check)(check, n)
    if not check.passed:
        raise click.exceptions.Exit(1)


# -- play -------------------------------------------------------------------------------------


@main.command()
@click.argument("table", type=TABLE, required=False)
@click.option("--target", type=COLUMN, help="Column of TABLE that holds the classes.")
@click.option(
    "--port", metavar="N", type=click.IntRange(1, 65535), help="Where to listen.  [default: 8642]"
)
@click.option("--no-browser", is_flag=True, help="Print the address, open nothing.")
@SEPARATOR
def play(
    table: Path | None, target: str | None, port: int | None, no_browser: bool, **options: Any
) -> None:
    """Watch a network learn, on a page of your browser.

    It learns from a spiral, other points, the penguins, digits, points that you draw, or two or
    all columns of TABLE, and shows every number of every equation. The page is served to this
    machine only.
    """
    from handgrad.playground import require_server

    try:
        require_server()
    except ImportError as error:
        raise click.UsageError(str(error)) from None
    _load(*TABLE_LIBRARIES)
    start_playing(table, target, separator_of(options), port=port, opens=not no_browser, say=say)


# -- what commands share ----------------------------------------------------------------------

# pyarrow itself loads pandas where there is one.
TABLE_LIBRARIES = ("pyarrow.compute", "pyarrow.csv", "pyarrow.parquet", "pandas")


def _load(*libraries: str) -> None:
    """Load libraries with Ctrl-C held back: amid one it may be swallowed, or break the library."""
    came: list[int] = []
    in_charge = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if in_charge and callable(before):
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        for library in libraries:
            with suppress(ImportError):  # who cannot do without it will say so
                import_module(library)
    finally:
        if in_charge and callable(before):
            signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _report_extra(model: Model, columns: "pa.Table", targets: Sequence[str] = ()) -> None:
    known = {*targets, model.target}
    extra = [name for name in model.encoder.extra_columns(columns) if name not in known]
    if extra:
        note(f"columns not used: {listed(extra)}")


def _check_output(path: Path | None, *inputs: Path | None) -> None:
    """Refuse, before any work is done, a file that could not be written or must not be."""
    if path is None:
        return
    for given in inputs:
        if given is not None and path.exists() and given.exists() and path.samefile(given):
            raise click.UsageError(f"{str(path)!r} is read by this command; name another output")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder; name a file to write")
    if path.exists() and not path.is_file():
        raise OSError(f"{str(path)!r} is a device or a pipe; name a file to write")
    _check_folder(path.parent)


def _check_folder(folder: Path) -> None:
    """Write a nameless file, so that what would fail after the training fails before."""
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {str(folder)!r} to write into")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(
            f"the folder {str(folder)!r} cannot be written to: {error.strerror}"
        ) from None


def _check_engine(engine: str) -> None:
    """Refuse, before any work is done, an engine that is not there."""
    from handgrad.engines.choice import require_compiled

    if engine == "compiled":
        try:
            require_compiled()
        except ImportError as error:
            raise click.UsageError(f"--engine: {error}") from None


def _check_report(folder: Path | None) -> None:
    if folder is None:
        return
    from handgrad.plots import require_matplotlib

    try:
        require_matplotlib()
    except ImportError as error:
        raise click.UsageError(f"--report: {error}") from None
    # The folder itself is made when there are pictures to put into it.
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"{str(there)!r} is a file; --report needs a folder")
    _check_folder(there)


# -- from exceptions to exit codes ------------------------------------------------------------

EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (DivergenceError, 6),
    (ModelFileError, 4),
    (DataError, 3),
    (TypeError, 3),
    (ValueError, 3),
    (MemoryError, 5),
    (OSError, 5),
)


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    try:
        code = _run(arguments)
    except click.ClickException as error:
        _complain(error)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        note("handgrad: interrupted; nothing more was written")
        code = 130
    except (BrokenPipeError, SystemExit):  # click turns the one into the other
        # The reader has gone. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except tuple(kind for kind, _ in EXIT_CODES) as error:
        note(f"handgrad: {brief(_message(error))}")
        code = next(code for kind, code in EXIT_CODES if isinstance(error, kind))
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale may lack a label's signs
    code: int | None = main.main(arguments, prog_name="handgrad", standalone_mode=False)
    if sys.stdout is not None:  # closed by the caller: >&-
        sys.stdout.flush()
    return code or 0


def _complain(error: click.ClickException) -> None:
    note(f"handgrad: {brief(shown(error.format_message()))}")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        note(f"Try '{error.ctx.command_path} --help'.")


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f"{os.fsdecode(error.filename)!r}: " if error.filename is not None else ""
        return f"{place}{error.strerror}"
    if isinstance(error, MemoryError):
        return f"there is not enough memory ({error}); take fewer rows or smaller layers"
    return shown(error)
