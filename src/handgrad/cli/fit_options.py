"""The options of ``handgrad fit`` and ``cv``, in the sections in which their help shows them.

An option without a default goes with some other one; ``settings`` knows which, and its default.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from handgrad.activations import ACTIVATIONS
from handgrad.cli.columns import PLAN_OPTIONS
from handgrad.cli.options import (
    COLUMN,
    FILE,
    JSON,
    OUTPUT,
    POSITIVE,
    READING_OPTIONS,
    REPORT,
    SHARE,
    TABLES,
    HiddenUnits,
    Listed,
    Number,
    Option,
)
from handgrad.cli.settings import OPTIMIZERS, STOP_ON
from handgrad.cli.weights import WEIGHT
from handgrad.outputs import BY_LOSS
from handgrad.schedules import NAMES

option = partial(click.option, cls=Option, show_default=True)
rows = partial(option, section=TABLES)
network = partial(option, section="Network")
training = partial(option, section="Training")
stopping = partial(option, section="When to stop, and which epoch to keep")
labels = partial(option, section="With --task classification")
numbers = partial(option, section="With --task regression")
output = partial(option, section=OUTPUT)

Command = Callable[..., Any]

NOT_NEGATIVE = Number(min=0, max=1e30)
BETWEEN_0_AND_1 = Number(min=0, min_open=True, max=1, max_open=True)


def _only_one(_: click.Context, option: click.Parameter, names: tuple[str, ...]) -> str | None:
    """Give the one name there is; of several, none would be used but the last."""
    if len(names) > 1:
        raise click.UsageError(
            f"--{option.name} must name one column, and it is there {len(names)} times; several "
            "targets at once are for Python: MLPRegressor and MLPClassifier"
        )
    return names[0] if names else None


TRAINING_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    rows(
        "--target",
        type=COLUMN,
        multiple=True,
        callback=_only_one,
        help="Column to predict.  [needed with TABLE]",
    ),
    rows(
        "--task",
        type=click.Choice(["classification", "regression"]),
        default="classification",
        help="Predict labels, or numbers.",
    ),
    WEIGHT,
    rows("--drop", type=COLUMN, multiple=True, help="Leave a column out (repeatable)."),
    rows(
        "--categorical",
        type=COLUMN,
        multiple=True,
        help="Treat a column of numbers as categories (repeatable).",
    ),
    *PLAN_OPTIONS,
    *READING_OPTIONS,
    network(
        "--hidden",
        type=HiddenUnits(),
        default="100",
        help="Units of each hidden layer, as in 64,32; 0 for no hidden layer.",
    ),
    network(
        "--activation",
        metavar="NAME[,NAME...]",
        type=Listed(click.Choice(list(ACTIVATIONS))),
        default="relu",
        help="Activation of the hidden layers, one for all or one for each: "
        f"{', '.join(ACTIVATIONS)}.",
    ),
    network(
        "--ensemble",
        metavar="N",
        type=click.IntRange(1, 1000),
        default=1,
        help="Train N networks and average their predictions.",
    ),
    training("--optimizer", type=click.Choice(list(OPTIMIZERS)), default="adam"),
    training(
        "--learning-rate", metavar="RATE", type=POSITIVE, default=1e-3, help="Length of a step."
    ),
    training(
        "--schedule",
        type=click.Choice(NAMES),
        default="constant",
        help="How the learning rate moves: invscaling falls with the rows seen, adaptive when "
        "--patience runs out; warmup rises for 5 epochs; the last three are stretched over "
        "--epochs.",
    ),
    training(
        "--batch-size",
        metavar="N",
        type=click.IntRange(1),
        default=32,
        help="Number of rows in each step.",
    ),
    training(
        "--l2",
        metavar="STRENGTH",
        type=NOT_NEGATIVE,
        default=1e-4,
        help="Penalty on large weights.",
    ),
    training(
        "--weight-decay",
        metavar="SHARE",
        type=NOT_NEGATIVE,
        help="With --optimizer adamw: what a step takes away of each weight, times the rate.  "
        "[default: 0.01]",
    ),
    training(
        "--dropout",
        metavar="SHARE[,SHARE...]",
        type=Listed(SHARE),
        default="0",
        help="Share of hidden units left out at random in each step, of all layers or of each.",
    ),
    training(
        "--clip-norm",
        metavar="NORM",
        type=POSITIVE,
        help="Shorten gradients longer than this.  [default: leave them]",
    ),
    training(
        "--seed",
        metavar="N",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        help="Seed for everything random: initial weights, splits, shuffling, dropout.",
    ),
    training(
        "--engine",
        type=click.Choice(["auto", "numpy", "compiled"]),
        default="auto",
        help="What runs the epochs.",
    ),
    stopping(
        "--epochs",
        metavar="N",
        type=click.IntRange(1, 10**6),
        default=200,
        help="Train for at most N epochs.",
    ),
    stopping(
        "--validation",
        metavar="SHARE",
        type=SHARE,
        default=0.1,
        help="Share of rows to choose the best epoch by; 0 for none.",
    ),
    stopping(
        "--validation-last",
        is_flag=True,
        help="Validate with the last rows of the table (but for those of --test-last), not with "
        "rows drawn at random.",
    ),
    stopping(
        "--patience",
        metavar="N",
        type=click.IntRange(1),
        default=10,
        help="Stop after N epochs without gain.",
    ),
    stopping(
        "--stop-on",
        type=click.Choice(list(STOP_ON)),
        help="What is to gain on the validation rows; accuracies are of labels, r2 of numbers.  "
        "[default: loss]",
    ),
    labels(
        "--label-smoothing",
        metavar="SHARE",
        type=SHARE,
        help="Share of each label that is spread over all, for milder probabilities.  [default: 0]",
    ),
    labels(
        "--class-weight",
        type=click.Choice(["balanced"]),
        help="Let each class count the same, however few its rows are.  "
        "[default: each row counts the same]",
    ),
    labels(
        "--calibrate",
        is_flag=True,
        help="After training, fit one temperature to the validation rows, so that "
        "probabilities are what they say. No prediction changes.",
    ),
    numbers(
        "--loss",
        type=click.Choice(list(BY_LOSS)),
        help="The loss to minimise: "
        f"{', '.join(f'{loss} ({head.aim})' for loss, head in BY_LOSS.items())}.  "
        "[default: squared_error]",
    ),
    numbers(
        "--delta",
        metavar="NUMBER",
        type=POSITIVE,
        help="With --loss huber: from how many standard deviations off an error counts less, of "
        "the target without its wild values.  "
        "[default: 1]",
    ),
    numbers(
        "--quantiles",
        metavar="SHARE[,SHARE...]",
        type=Listed(BETWEEN_0_AND_1),
        help="With --loss quantile: which to predict, ascending, as in 0.1,0.5,0.9.  "
        "[default: 0.5]",
    ),
)
ONE_MODEL = (
    rows(
        "--test",
        "test_share",
        metavar="SHARE",
        type=SHARE,
        default=0,
        help="Share of rows kept out of everything, to judge the result by.",
    ),
    rows(
        "--test-last",
        is_flag=True,
        help="Test with the last rows of the table, not with rows drawn at random: for rows in "
        "the order of time.",
    ),
    rows(
        "--dry-run",
        is_flag=True,
        help="Print what each column is taken for, and train nothing.",
    ),
    output("--model", "model_path", metavar="FILE", type=FILE, help="Save the model to this file."),
    REPORT,
    output("--verbose", "-v", is_flag=True, help="Tell which engine ran, and why."),
)
TOLD = (JSON, output("--quiet", "-q", is_flag=True, help="Show no progress."))
FIT_OPTIONS = (*TRAINING_OPTIONS, *ONE_MODEL, *TOLD)


def fit_options(command: Command) -> Command:
    """Give a command the options of a training, and of the one model that comes of it."""
    return _with(command, *FIT_OPTIONS)


def training_options(command: Command) -> Command:
    """Give a command the options of a training, as often as it may train."""
    return _with(command, *TRAINING_OPTIONS, *TOLD)


def _with(command: Command, *options: Callable[[Any], Any]) -> Command:
    for add in reversed(options):
        command = add(command)
    return command
