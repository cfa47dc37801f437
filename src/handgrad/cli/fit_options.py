"""The options of ``handgrad fit`` and ``cv``, in the sections in which their help shows them.

An option that sets a parameter of the estimators names it, and says with which other option it
goes: all that there is to write for one more of them stands here.
"""

from functools import partial
from typing import Any

import click

from handgrad.activations import ACTIVATIONS
from handgrad.cli.options import (
    COLUMN,
    EVERY,
    FILE,
    FOLDER,
    JSON,
    MEMORY,
    OUTPUT,
    POSITIVE,
    READING_OPTIONS,
    REPORT,
    SHARE,
    TABLES,
    WEIGHT,
    Count,
    HiddenUnits,
    Listed,
    Number,
    Only,
    Option,
    PerLayer,
)
from handgrad.cli.recipes import PLAIN, RECIPES, STRONG
from handgrad.engines.choice import AUTO, BACKENDS
from handgrad.losses import PLAIN as DEFAULTS
from handgrad.optim import OPTIMIZERS, RATES, with_setting
from handgrad.outputs import BY_LOSS, settings_of_losses
from handgrad.params import INITIALISATIONS
from handgrad.schedules import OF_TIME, SCHEDULES
from handgrad.tables.encode import METHODS, STANDARD
from handgrad.tables.kinds import KINDS
from handgrad.text import shown

# What an epoch may be kept for, and the task that has it: None for both.
STOP_ON = {
    "loss": None,
    "accuracy": "classification",
    "balanced_accuracy": "classification",
    "r2": "regression",
}

NOT_NEGATIVE = partial(Number, min=0, max=1e30)
BETWEEN_0_AND_1 = Number("SHARE", min=0, min_open=True, max=1, max_open=True)

OF_PLAIN = "With --recipe plain:"
rows = partial(Option, section=TABLES)
training = partial(Option, section="Training")
strong = partial(Option, section="With --recipe strong", recipe=STRONG)
network = partial(Option, section="The network of --recipe plain", recipe=PLAIN)
rule = partial(Option, section="The training of --recipe plain", recipe=PLAIN)
stopping = partial(
    Option, section="When --recipe plain stops, and which epoch it keeps", recipe=PLAIN
)
labels = partial(
    Option, section="With --task classification", only=Only("task", ("classification",))
)
numbers = partial(Option, section="With --task regression", only=Only("task", ("regression",)))
output = partial(Option, section=OUTPUT)


def _only_one(_: click.Context, option: click.Parameter, names: tuple[str, ...]) -> str | None:
    """Give the one name there is; of several, none would be used but the last."""
    if len(names) > 1:
        raise click.UsageError(
            f"--{option.name} must name one column, and it names {len(names)}; to predict several, "
            "use MLPRegressor or MLPClassifier in Python"
        )
    return names[0] if names else None


def _pairs(_: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """Take COLUMN=KIND apart; a column's name may have an equals sign, a kind has none."""
    pairs = {}
    for text in texts:
        name, sign, kind = text.rpartition("=")
        if not (name and sign) or kind not in KINDS:
            raise click.UsageError(
                f"--kind must be COLUMN=KIND, with a kind of {', '.join(KINDS)}; got {shown(text)}"
            )
        pairs[name] = kind
    return pairs


def _solver_of(optimizer: str) -> dict[str, Any]:
    rule = OPTIMIZERS[optimizer]
    return {"solver": rule.solver, **rule.parameters}


def _of_loss(name: str) -> dict[str, Any]:
    """Say when a setting of some losses means something, and what it is by default."""
    return {
        "only": Only("loss", settings_of_losses()[name]),
        "default": getattr(DEFAULTS, name),
        "sets": name,
    }


TRAINING_OPTIONS = (
    rows(
        "--target",
        type=COLUMN,
        multiple=True,
        callback=_only_one,
        help="Predict this column.  [needed with TABLE]",
    ),
    rows(
        "--task",
        type=click.Choice(["classification", "regression"]),
        default="classification",
        help="Predict labels (classification) or numbers (regression).",
    ),
    WEIGHT,
    rows("--drop", type=COLUMN, multiple=True, help="Leave this column out (repeatable)."),
    rows(
        "--categorical",
        type=COLUMN,
        multiple=True,
        help="Treat this column of numbers as categories (repeatable).",
    ),
    rows(
        "--kind",
        "kinds",
        metavar="COLUMN=KIND",
        type=COLUMN,
        multiple=True,
        callback=_pairs,
        help=f"Set the kind of a column: {', '.join(KINDS)} (repeatable).  "
        "[default: what it looks like]",
    ),
    rows(
        "--missing",
        metavar="[COLUMN=]TEXT",
        type=COLUMN,
        multiple=True,
        help="Read this text or number as a missing cell, in every column or in one "
        "(repeatable), as in --missing unknown --missing income=-999; --missing country= "
        "leaves only empty cells missing, so that NA is a level.",
    ),
    rows(
        "--decimal",
        type=click.Choice([".", ","]),
        help="Read this sign as the decimal mark of numbers.  [default: found for each column]",
    ),
    rows(
        "--thousands",
        metavar="SIGN",
        type=click.Choice([".", ",", "'", "_", "·", " "]),
        help="Read this sign as the separator of thousands.  [default: found for each column]",
    ),
    rows(
        "--min-frequency",
        type=Count(1),
        default=1,
        sets="min_frequency",
        help="Give a level of a category an input of its own if at least N training rows have it; "
        "rarer levels share one.",
    ),
    rows(
        "--max-levels",
        type=Count(1),
        default=1000,
        sets="max_levels",
        help="Give at most N levels of a category inputs of their own.",
    ),
    *READING_OPTIONS,
    training(
        "--recipe",
        type=click.Choice(list(RECIPES)),
        help="Train several networks with settings that were chosen by measurement (strong), or "
        "what the options of a network say (plain).  [default: strong, or the one whose options "
        "are given]",
    ),
    training(
        "--seed",
        type=Count(0, 2**32 - 1),
        default=0,
        sets="random_state",
        help="Seed for everything random: initial weights, splits, shuffling, dropout.",
    ),
    training(
        "--engine",
        type=click.Choice([AUTO, *BACKENDS]),
        default=AUTO,
        sets="engine",
        help="Engine that runs the epochs; auto is the fastest one that can do the work.",
    ),
    strong(
        "--effort",
        type=click.Choice(["fast", "medium", "high"]),
        default="medium",
        sets="effort",
        help="How much time to spend: fast, medium (a few times as long) or high; more effort "
        "trains more networks, for longer.",
    ),
    strong(
        "--networks",
        type=Count(1, 1000),
        sets="n_networks",
        help="Train N networks of each kind and length of training that goes on after the race, "
        "the one that raced among them.  [default: by --effort]",
    ),
    network(
        "--hidden",
        type=HiddenUnits(),
        default="100",
        sets="hidden_layer_sizes",
        help="Units of each hidden layer, as in 64,32; 0 means no hidden layer.",
    ),
    network(
        "--activation",
        type=PerLayer(click.Choice(list(ACTIVATIONS)), "NAME"),
        default="relu",
        sets="activation",
        help="Activation function of the hidden layers, one for all or one for each: "
        f"{', '.join(ACTIVATIONS)}.",
    ),
    network(
        "--preprocess",
        type=click.Choice(METHODS),
        default=STANDARD,
        sets="preprocess",
        help="Scale numbers: auto standardises them; robust scales them by median and quartiles "
        "and limits them smoothly to -3..3; piecewise also adds inputs that rise from 0 to 1 "
        "between two quantiles.",
    ),
    network(
        "--ensemble",
        type=Count(1, 1000),
        default=1,
        sets="n_ensemble",
        help="Train N networks and average their predictions.",
    ),
    network(
        "--skip-layers",
        is_flag=True,
        sets="skip",
        help="Lead the inputs also past the hidden layers, straight to the scores; with "
        "--preprocess piecewise, finer bins of the numbers take their place.",
    ),
    network(
        "--input-scale",
        is_flag=True,
        sets="input_scale",
        help="Multiply each input by a factor that training learns.",
    ),
    network(
        "--initialisation",
        type=click.Choice(list(INITIALISATIONS)),
        default="auto",
        sets="initialisation",
        help="Draw the first weights by this method: auto chooses by the activation; with sharp "
        "and smooth, all scores are equal at first.",
    ),
    rule(
        "--optimizer",
        type=click.Choice(list(OPTIMIZERS)),
        default="adam",
        sets=_solver_of,
        help="Rule that turns gradients into steps.",
    ),
    rule(
        "--learning-rate",
        type=POSITIVE("RATE"),
        default=1e-3,
        sets="learning_rate_init",
        help="Length of a step; --schedule changes it over time.",
    ),
    rule(
        "--schedule",
        type=click.Choice(list(SCHEDULES)),
        default="constant",
        sets="learning_rate",
        help="Course of the learning rate: invscaling falls with the rows seen, adaptive when "
        f"--patience runs out; warmup rises for 5 epochs; {', '.join(OF_TIME)} are stretched over "
        "--epochs.",
    ),
    rule(
        "--rates",
        type=click.Choice(list(RATES)),
        default="equal",
        sets="rates",
        help="Use the learning rate for all parameters (equal), or divide it by the square root "
        "of a layer's inputs for its weights, and by 10 for biases (fan_in).",
    ),
    rule(
        "--batch-size",
        type=Count(1),
        default=32,
        sets="batch_size",
        help="Number of rows in each step.",
    ),
    rule(
        "--l2",
        type=NOT_NEGATIVE("STRENGTH"),
        default=1e-4,
        sets="alpha",
        help="Strength of the penalty on large weights.",
    ),
    rule(
        "--weight-decay",
        type=NOT_NEGATIVE("SHARE"),
        default=0.01,
        only=Only("optimizer", with_setting("weight_decay")),
        sets="weight_decay",
        help=f"With --optimizer {' or '.join(with_setting('weight_decay'))}: shrink each weight by "
        "this share, times the learning rate, in every step.",
    ),
    rule(
        "--dropout",
        type=PerLayer(SHARE, "SHARE"),
        default="0",
        sets="dropout",
        help="Share of hidden units left out at random in each step, one for all layers or one for "
        "each.",
    ),
    rule(
        "--clip-norm",
        type=POSITIVE("NORM"),
        sets="clip_norm",
        help="Shorten gradients longer than NORM to this length.  [default: leave them]",
    ),
    stopping(
        "--epochs",
        type=Count(1, 10**6),
        default=200,
        sets="max_iter",
        help="Train for at most N epochs.",
    ),
    stopping(
        "--validation",
        type=SHARE,
        default=0.1,
        sets=lambda share: {"early_stopping": share > 0},
        help="Share of rows held back to choose the best epoch by; 0 holds none back.",
    ),
    stopping(
        "--validation-last",
        is_flag=True,
        help="Validate with the last rows of the table, before those of --test-last, not with rows "
        "drawn at random.",
    ),
    stopping(
        "--patience",
        type=Count(1),
        default=10,
        sets="n_iter_no_change",
        help="Stop after N epochs without improvement.",
    ),
    stopping(
        "--stop-on",
        type=click.Choice(list(STOP_ON)),
        default="loss",
        sets="scoring",
        help="Figure of the validation rows that must improve: accuracy and balanced_accuracy are "
        "for labels, r2 for numbers, loss for both.",
    ),
    labels(
        "--label-smoothing",
        recipe=PLAIN,
        type=SHARE,
        default=0,
        sets="label_smoothing",
        help=f"{OF_PLAIN} spread this share of each label over all labels, which makes "
        "probabilities milder.",
    ),
    labels(
        "--class-weight",
        type=click.Choice(["balanced"]),
        sets="class_weight",
        help="Let each class count the same, however few rows it has.  "
        "[default: each row counts the same]",
    ),
    labels(
        "--calibrate",
        recipe=PLAIN,
        is_flag=True,
        sets=lambda asked: {"calibration": "temperature" if asked else None},
        help=f"{OF_PLAIN} fit a temperature to the validation rows after training, so that a "
        "probability says how often the label is right. No predicted label changes.",
    ),
    numbers(
        "--loss",
        type=click.Choice(list(BY_LOSS)),
        default="squared_error",
        sets="loss",
        help="Loss to minimise: "
        f"{', '.join(f'{loss} ({head.aim})' for loss, head in BY_LOSS.items())}.",
    ),
    numbers(
        "--delta",
        type=POSITIVE("NUMBER"),
        **_of_loss("delta"),
        help="With --loss huber: the size from which an error counts less, in standard "
        "deviations of the target without its outliers.",
    ),
    numbers(
        "--quantiles",
        type=Listed(BETWEEN_0_AND_1, "SHARE"),
        **_of_loss("quantiles"),
        help="With --loss quantile: the quantiles to predict, in ascending order, as in "
        "0.1,0.5,0.9.",
    ),
)
ONE_MODEL = (
    rows(
        "--test",
        type=SHARE,
        default=0,
        help="Share of rows kept out of training and validation, to judge the result by.",
    ),
    rows(
        "--test-last",
        is_flag=True,
        help="Test with the last rows of the table, not with rows drawn at random: for rows in "
        "the order of time.",
    ),
    training(
        "--workers",
        type=Count(1),
        recipe=PLAIN,
        help=f"{OF_PLAIN} train in N processes under MPI, each on its part of every "
        "batch. 1, 2, 4 and 8 give the same model, to the bit.  [default: one, without MPI]",
    ),
    rows(
        "--memory",
        type=MEMORY,
        help="Let rows take at most this much memory, as in 500MB or 2GB: a longer table stays in "
        "its files, and --recipe plain trains on it pile by pile.  [default: read all rows]",
    ),
    rows("--dry-run", is_flag=True, help="Print what each column is taken for, and train nothing."),
    output("--model", "model_path", type=FILE, help="Save the model to this file."),
    REPORT,
    output(
        "--checkpoint",
        type=FOLDER,
        help="Keep in this folder how far the training has come, so that --resume can go on from "
        "there, with the same result as without a break.",
    ),
    output(
        "--checkpoint-every",
        type=EVERY,
        default="1min",
        help="Keep a checkpoint every so many epochs, or after a time such as 30s, 5min or 1h.",
    ),
    output(
        "--resume",
        is_flag=True,
        help="Go on from the checkpoint in the folder of --checkpoint; without one, begin.",
    ),
    output("--verbose", "-v", is_flag=True, help="Say which engine ran, and why."),
)
MESSAGES = (
    JSON,
    output("--quiet", "-q", is_flag=True, help="Print neither progress nor notes on the columns."),
)
FIT_OPTIONS = (*TRAINING_OPTIONS, *ONE_MODEL, *MESSAGES)
