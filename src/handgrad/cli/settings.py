"""What the options of ``handgrad fit`` mean to an estimator, and which do not go together."""

from itertools import pairwise
from typing import Any, NamedTuple

import click

from handgrad.errors import DataError
from handgrad.losses import PLAIN
from handgrad.outputs import BY_LOSS, settings_of_losses

Options = dict[str, Any]

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"solver": "adam"},
    "adamw": {"solver": "adamw"},
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "nesterovs_momentum": True},
}

# What an epoch may be kept for, and the task that has it: None for both.
STOP_ON = {
    "loss": None,
    "accuracy": "classification",
    "balanced_accuracy": "classification",
    "r2": "regression",
}


class Only(NamedTuple):
    """An option that means something only where another one has one of these values."""

    option: str
    other: str
    values: tuple[str, ...]
    default: Any


ONLY = (
    Only("weight_decay", "optimizer", ("adamw",), 0.01),
    Only("label_smoothing", "task", ("classification",), 0.0),
    Only("class_weight", "task", ("classification",), None),
    Only("calibrate", "task", ("classification",), False),
    Only("loss", "task", ("regression",), "squared_error"),
    *(
        Only(name, "loss", losses, getattr(PLAIN, name))
        for name, losses in settings_of_losses().items()
    ),
)
NOT_OF_TRAINING = (
    "model_path",
    "report",
    "separator",
    "encoding",
    "skip",
    "no_header",
    "verbose",
)  # the rest is told as JSON


def settle(options: Options) -> Options:
    """Fill in the defaults of options that go with others, and leave out those that have no part.

    Raises
    ------
    click.UsageError
        If options do not go together.
    """
    settled = dict(options)
    for option, other, values, default in ONLY:
        given = settled[option] is not None and settled[option] is not False
        if settled.get(other) in values:
            settled[option] = settled[option] if given else default
        elif given:
            which = " or ".join(values)
            raise click.UsageError(f"{_name(option)} is for {_name(other)} {which}; leave it out")
        else:
            del settled[option]
    _check_layers(settled)
    _check_validation(settled)
    _check_last(settled)
    _check_quantiles(settled.get("quantiles", ()))
    settled["stop_on"] = settled["stop_on"] or "loss"
    return settled


def _name(option: str) -> str:
    return "--" + option.replace("_", "-")


def _check_layers(options: Options) -> None:
    n = len(options["hidden"])
    for name in ("activation", "dropout"):
        if len(options[name]) not in (1, n):
            raise click.UsageError(
                f"--{name} must have one value, or one for each hidden layer, {n} in all; it has "
                f"{len(options[name])}"
            )
    if any(options["dropout"]) and not n:
        raise click.UsageError("--dropout is for hidden layers, and --hidden 0 has none")


def _check_validation(options: Options) -> None:
    stop_on, task = options["stop_on"], options["task"]
    for name in ("calibrate", "stop_on"):
        if options.get(name) and not options["validation"]:
            raise click.UsageError(
                f"{_name(name)} needs validation rows; leave it out, or set --validation above 0"
            )
    if stop_on is not None and STOP_ON[stop_on] not in (None, task):
        raise click.UsageError(f"--stop-on {stop_on} is for --task {STOP_ON[stop_on]}")
    if stop_on == "r2" and BY_LOSS[options["loss"]].predicts_quantiles:
        loss = options["loss"]
        raise click.UsageError(f"--stop-on r2 judges means, not the quantiles of --loss {loss}")


def _check_last(options: Options) -> None:
    """Refuse to hold back the last rows where none are, or where later rows may have trained."""
    test, validation = options.get("test_share", 0), options["validation"]
    if options.get("test_last") and not test:
        raise click.UsageError("--test-last needs test rows; leave it out, or add --test 0.2")
    if options["validation_last"] and not validation:
        raise click.UsageError(
            "--validation-last needs validation rows; leave it out, or set --validation above 0"
        )
    if options["validation_last"] and test and not options.get("test_last"):
        raise click.UsageError(
            "--validation-last is for rows in the order of time, and --test would draw rows from "
            "all times; add --test-last, or leave one of them out"
        )


def _check_quantiles(quantiles: tuple[float, ...]) -> None:
    if not all(low < high for low, high in pairwise(quantiles)):
        raise click.UsageError(f"--quantiles must ascend; got {', '.join(map(str, quantiles))}")


def check_validation_rows(options: Options, n: int) -> None:
    """Refuse, once the rows are set apart, to judge by too few of them.

    Raises
    ------
    DataError
        If --stop-on r2 has a single row, which has no R2.
    """
    if options["stop_on"] == "r2" and n < 2:
        raise DataError(
            f"--stop-on r2 needs two validation rows or more; there are {n}: raise --validation"
        )


def parameters(options: Options, n_rows: int) -> dict[str, Any]:
    """Give the parameters of the estimator for so many training rows."""
    chosen = {
        "hidden_layer_sizes": options["hidden"],
        "activation": _one_or_all(options["activation"]),
        "alpha": options["l2"],
        "batch_size": min(options["batch_size"], n_rows),
        "learning_rate": options["schedule"],
        "learning_rate_init": options["learning_rate"],
        "max_iter": options["epochs"],
        "random_state": options["seed"],
        "early_stopping": options["validation"] > 0,
        "scoring": options["stop_on"],
        "n_iter_no_change": options["patience"],
        "min_frequency": options["min_frequency"],
        "max_levels": options["max_levels"],
        "dtype": "float32",
        "engine": options["engine"],
        "dropout": _one_or_all(options["dropout"]),
        "clip_norm": options["clip_norm"],
        "n_ensemble": options["ensemble"],
        **OPTIMIZERS[options["optimizer"]],
    }
    same = ("weight_decay", "label_smoothing", "class_weight", "loss", *settings_of_losses())
    chosen |= {name: options[name] for name in same if name in options}
    return chosen | ({"calibration": "temperature"} if options.get("calibrate") else {})


def _one_or_all(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else values


def settings_json(options: Options, n_rows: int) -> dict[str, Any]:
    """Tell the settings used, by the names of their options."""
    told = {name: value for name, value in options.items() if name not in NOT_OF_TRAINING}
    told |= {name: _one_or_all(told[name]) for name in ("activation", "dropout")}
    if "test_share" in told:
        told["test"] = told.pop("test_share")
    return dict(sorted((told | {"batch_size": min(options["batch_size"], n_rows)}).items()))
