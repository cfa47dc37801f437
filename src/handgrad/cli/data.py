"""What commands read: a labelled table, looked at closely."""

import re
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.cli.columns import check_columns, missing_of, wishes_of
from handgrad.cli.reading import name_of, read
from handgrad.cli.terminal import listed, note
from handgrad.cli.truth import check_size, labels_of, numbers_of, read_weights
from handgrad.errors import DataError
from handgrad.outputs import BY_LOSS
from handgrad.tables.columns import MISSING_WORDS, place
from handgrad.tables.kinds import Column
from handgrad.tables.labels import classes_of
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.recognition.target import plan_of_target
from handgrad.tables.recognition.wishes import Wishes
from handgrad.tables.rows import take
from handgrad.tables.table import read as read_file
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]

PENGUINS = "penguins.csv"  # what fit trains on when no table is named
PENGUINS_TARGET = {"classification": "species", "regression": "body_mass_g"}


class Labelled(NamedTuple):
    """A table without its target column, and the labels or numbers."""

    name: str
    table: "pa.Table"
    y: Array
    target: str
    n_unlabelled: int
    task: str  # "classification" or "regression"
    weight: Array | None  # (n,), above 0
    n_weightless: int  # rows that have a label, and a weight of 0
    source: "pa.Table"  # all columns and all rows, as read
    places: NDArray[np.intp]  # which of its rows these are
    plan: Plan  # of the columns to predict from
    truth: Column  # how the column to predict is read


def read_labelled(tables: Sequence[Path], target: str | None, options: dict[str, Any]) -> Labelled:
    if not tables:
        with as_file(files("handgrad") / "data" / PENGUINS) as path:
            content, name = read_file(path), "the Palmer penguins"
        target = target or PENGUINS_TARGET[options["task"]]
    elif target is None:
        raise click.UsageError("name the column to predict: --target COLUMN")
    else:
        content, name = read(tables, options), name_of(tables)
    check_columns(content, [target], "--target")
    columns = features_of(content, target, options)
    truth = _plan_of_truth(content, target, options)
    y, missing = _truth(content, truth, options)
    weight = _weights(content, target, options["weight"])
    counts = ~missing if weight is None else ~missing & (weight > 0)
    if not counts.any():
        raise DataError(f"no row has both {target!r} and a weight above 0")
    # Every cell is looked at here, while the rows still know their lines in the file.
    plan = plan_of(columns, wishes_of(options, columns))
    if options["task"] == "classification":
        check_classes(y[counts], int(counts.sum()), target)
    else:
        check_variety(y[counts], target)
    places = np.flatnonzero(counts)
    if not counts.all():
        columns, y = take(columns, places), y[places]
        weight = None if weight is None else weight[places]
    n_unlabelled = int(missing.sum())
    return Labelled(
        name,
        columns,
        y,
        target,
        n_unlabelled,
        options["task"],
        weight,
        len(missing) - n_unlabelled - len(places),
        content,
        places,
        plan,
        truth,
    )


def _weights(content: "pa.Table", target: str, name: str | None) -> Array | None:
    if name is None:
        return None
    if name == target:
        raise click.UsageError(f"--weight {shown(name)} is the target; name another column")
    return read_weights(content, name)


def _plan_of_truth(content: "pa.Table", target: str, options: dict[str, Any]) -> Column:
    """Decide how the column to predict is read, and say what is doubtful about it."""
    words = missing_of(options, content, notes=True)
    wishes = Wishes(missing=words, decimal=options["decimal"], thousands=options["thousands"])
    if options["task"] == "classification":
        return Column(target, "category", missing=wishes.missing_of(target))
    try:
        truth = plan_of_target(content, target, wishes)
    except DataError as error:
        raise DataError(f"{error}; if these are labels, use --task classification") from None
    for doubt in truth.doubts:
        note(f"column {shown(target)}: {shown(doubt)}")
    return truth


def _truth(
    content: "pa.Table", truth: Column, options: dict[str, Any]
) -> tuple[Array, NDArray[np.bool_]]:
    """Give the labels or numbers of a column, and which of them are missing."""
    target = truth.name
    if options["task"] == "classification":
        y, missing = labels_of(content, target, truth)
        return y, missing
    y = numbers_of(content, truth)
    missing = np.isnan(y)
    if missing.all():
        raise DataError(f"column {target!r} must hold numbers; all {len(y)} are missing")
    check_size(content, y, target, "float32", "divide the column by a power of ten")
    head = BY_LOSS[options["loss"]]
    impossible = head.impossible(y)
    if impossible.any():
        row = int(impossible.argmax())
        raise DataError(
            f"{place(content, target, row)}: {y[row]:g} must be {head.bound_of_y}, for --loss "
            f"{head.loss} is for {head.kind_of_y}; mend the cell, or choose another --loss"
        )
    return y, missing


def features_of(content: "pa.Table", target: str, options: dict[str, Any]) -> "pa.Table":
    """Give the columns to predict from: all but the target, the weights and those to drop."""
    dropped, categorical = options["drop"], options["categorical"]
    weights = [] if options["weight"] is None else [options["weight"]]
    check_columns(content, weights, "--weight")
    check_columns(content, dropped, "--drop")
    check_columns(content, categorical, "--categorical")
    if target in dropped:
        raise click.UsageError(f"--drop {target} would leave out the target; choose another column")
    others = {target, *weights, *dropped}
    if unused := others & set(categorical):
        raise click.UsageError(f"--categorical {listed(unused)} is not a column to predict from")
    columns = content.drop_columns(list(others))
    if not columns.num_columns:
        raise DataError(f"the table must have columns besides {target!r} to predict it from")
    return columns


def check_variety(y: Array, target: str) -> None:
    """Refuse numbers that are all the same; those of y may be the least and the largest."""
    if y.min() == y.max():
        raise DataError(
            f"column {target!r} must hold two numbers or more; every row is {y[0].item()!r}"
        )


def check_no_fractions(y: Array, target: str) -> None:
    """Refuse labels that are quantities."""
    if y.dtype.kind == "f" and (y % 1 != 0).any():
        fraction = y[y % 1 != 0].tolist()[0]
        raise DataError(
            f"column {target!r} must hold classes, but holds fractions such as {fraction!r}; "
            "predict them as numbers with --task regression or, if they are labels, write them "
            "as text"
        )


def check_classes(y: Array, n: int, target: str) -> None:
    """Refuse what is no choice of classes: the labels of n rows, or the different ones of these."""
    check_no_fractions(y, target)
    classes = classes_of(y).tolist()
    if len(classes) == 1:
        raise DataError(
            f"column {target!r} must hold two classes or more; every row is {classes[0]!r}"
        )
    if len(classes) > max(20, n / 2):
        raise DataError(
            f"column {target!r} must hold classes, each in several rows; it has {len(classes)} "
            f"different labels in {n} rows. If it is a quantity, use --task regression"
        )
    _note_doubts([str(label) for label in classes], target)


def _note_doubts(classes: list[str], target: str) -> None:
    """Say what may be an oversight; the labels are used as they stand all the same."""
    if words := [label for label in classes if label.strip() in MISSING_WORDS]:
        note(
            f"column {shown(target)}: {listed(map(repr, words))} counts as a class; "
            "leave the cell empty where a label is missing"
        )
    alike: dict[str, list[str]] = {}
    for label in classes:
        alike.setdefault(_gist(label), []).append(label)
    if groups := [group for group in alike.values() if len(group) > 1]:
        note(
            f"column {shown(target)}: {listed(map(repr, groups[0]))} look alike, "
            "but count as different classes"
        )
    if len(classes) > 20 and sum(map(_is_number, classes)) > len(classes) / 2:
        note(
            f"column {shown(target)}: each of its {len(classes)} different numbers counts as "
            "a class; if it is a quantity, use --task regression"
        )


def _gist(label: str) -> str:
    """Give what labels that look alike have in common: 1 and 1.0, yes and Yes."""
    try:
        return str(float(label))
    except ValueError:
        return " ".join(label.split()).casefold()


def _is_number(label: str) -> bool:
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", label) is not None
