"""What the options of ``handgrad fit`` mean to an estimator, and which do not go together."""

from itertools import pairwise
from typing import Any

import click

from handgrad.cli.fit_options import ONE_MODEL, STOP_ON, TRAINING_OPTIONS
from handgrad.cli.options import OUTPUT, READING_OPTIONS
from handgrad.cli.recipes import PLAIN, STRONG
from handgrad.errors import DataError
from handgrad.outputs import BY_LOSS

Options = dict[str, Any]


def settle(given: Options) -> Options:
    """Leave out the options of the command at work that mean nothing beside the others.

    Raises
    ------
    click.UsageError
        If options do not go together.
    """
    recipe, because = _recipe_of(given)
    others = {option.name for option in TRAINING_OPTIONS if option.recipe not in (None, recipe)}
    settled = {name: value for name, value in given.items() if name not in others}
    settled["recipe"], settled["because"] = recipe, because
    for option in TRAINING_OPTIONS:
        name, only = str(option.name), option.only
        if name in others or only is None or settled.get(only.option) in only.values:
            continue
        if _is_given(name):
            values = " or ".join(only.values)
            raise click.UsageError(
                f"{_name(name)} is for {_name(only.option)} {values}; leave it out"
            )
        del settled[name]
    if recipe == PLAIN:
        _check_layers(settled)
        _check_validation(settled)
    _check_last(settled)
    _check_checkpoint(settled)
    _check_quantiles(settled.get("quantiles", ()))
    return settled


def _recipe_of(given: Options) -> tuple[str, str]:
    """Take the recipe that is asked for, and the option that asks: by name, or as its own."""
    asked: dict[str, str] = {}
    for option in (*TRAINING_OPTIONS, *ONE_MODEL):
        if option.recipe is not None and _is_given(str(option.name)):
            asked.setdefault(option.recipe, _name(str(option.name)))
    named = given["recipe"]
    for recipe, option_name in asked.items():
        if named not in (None, recipe):
            raise click.UsageError(
                f"{option_name} is for --recipe {recipe}; leave it out, or say --recipe {recipe}"
            )
    if len(asked) > 1:
        several = ", and ".join(f"{name} is for --recipe {one}" for one, name in asked.items())
        raise click.UsageError(f"{several}; leave one of them out")
    if named:
        return named, ""
    return next(iter(asked.items()), (STRONG, ""))


def _is_given(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE


def _name(option: str) -> str:
    return "--" + option.replace("_", "-")


def _check_layers(options: Options) -> None:
    n = len(options["hidden"])
    for name in ("activation", "dropout"):
        value = options[name]
        if isinstance(value, tuple) and len(value) != n:
            raise click.UsageError(
                f"--{name} must have one value, or one for each hidden layer, {n} in all; it has "
                f"{len(value)}"
            )
    if options["dropout"] and not n:
        raise click.UsageError("--dropout is for hidden layers, and --hidden 0 has none")


def _check_validation(options: Options) -> None:
    stop_on, task = options["stop_on"], options["task"]
    for name in ("calibrate", "stop_on", "validation_last"):
        if _is_given(name) and not options["validation"]:
            raise click.UsageError(
                f"{_name(name)} needs validation rows; leave it out, or set --validation above 0"
            )
    if STOP_ON[stop_on] not in (None, task):
        raise click.UsageError(f"--stop-on {stop_on} is for --task {STOP_ON[stop_on]}")
    if stop_on == "r2" and BY_LOSS[options["loss"]].predicts_quantiles:
        loss = options["loss"]
        raise click.UsageError(f"--stop-on r2 judges means, not the quantiles of --loss {loss}")


def _check_checkpoint(options: Options) -> None:
    for name in ("checkpoint_every", "resume"):
        if name in options and _is_given(name) and options["checkpoint"] is None:
            raise click.UsageError(f"{_name(name)} needs --checkpoint FOLDER; add it")


def _check_last(options: Options) -> None:
    """Refuse to hold back the last rows where none are, or where later rows may have trained."""
    test = options.get("test", 0)
    if options.get("test_last") and not test:
        raise click.UsageError("--test-last needs test rows; leave it out, or add --test 0.2")
    if options.get("validation_last") and test and not options.get("test_last"):
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
            f"--stop-on r2 needs two validation rows or more; there are {n}; raise --validation"
        )


def parameters(options: Options, n_rows: int) -> dict[str, Any]:
    """Give the parameters of the estimator that is to train on this number of rows."""
    limited = _limited(options, n_rows)
    chosen: dict[str, Any] = {}
    for option in TRAINING_OPTIONS:
        if option.name in limited:
            chosen |= option.parameters(limited[option.name])
    return chosen


def settings_json(options: Options, n_rows: int) -> dict[str, Any]:
    """Give the settings of a training on this number of rows, by the names of their options."""
    output = [option for option in ONE_MODEL if option.section == OUTPUT]
    others = {option.name for option in (*READING_OPTIONS, *output)} | {"because"}
    limited = _limited(options, n_rows).items()
    return {name: value for name, value in sorted(limited) if name not in others}


def _limited(options: Options, n_rows: int) -> Options:
    """Limit the size of a batch, if there is an option for it, to the rows that there are."""
    if "batch_size" not in options:
        return options
    return options | {"batch_size": min(options["batch_size"], n_rows)}
