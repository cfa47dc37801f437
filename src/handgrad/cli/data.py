"""What commands read: a labelled table, looked at closely."""

import re
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.cli.columns import missing_of, wishes_of
from handgrad.cli.reading import name_of, read
from handgrad.cli.terminal import listed, note
from handgrad.cli.weights import read_weights
from handgrad.errors import DataError
from handgrad.models.model import LARGEST_TARGET, Model
from handgrad.outputs import BY_LOSS
from handgrad.tables.columns import (
    MISSING_WORDS,
    labels,
    place,
)
from handgrad.tables.kinds import Column
from handgrad.tables.labels import classes_of, encode_labels
from handgrad.tables.levels import meaning
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.recognition.target import plan_of_target, target_numbers
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
    columns = _features(content, target, options)
    truth = _plan_of_truth(content, target, options)
    y, missing = _truth(content, truth, options)
    weight = _weights(content, target, options["weight"])
    counts = ~missing if weight is None else ~missing & (weight > 0)
    if not counts.any():
        raise DataError(f"no row has both {target!r} and a weight above 0")
    # Every cell is looked at here, while the rows still know their lines in the file.
    plan = plan_of(columns, wishes_of(options, columns))
    if options["task"] == "classification":
        _check_classes(y[counts], target)
    else:
        _check_variety(y[counts], target)
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
    words = missing_of(options, content, told=True)
    wishes = Wishes(missing=words, decimal=options["decimal"], thousands=options["thousands"])
    if options["task"] == "classification":
        return Column(target, "category", missing=wishes.missing_of(target))
    try:
        truth = plan_of_target(content, target, wishes)
    except DataError as error:
        raise DataError(f"{error}; if these are labels, ask for --task classification") from None
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
            f"{head.loss} is for {head.kind_of_y}; mend the cell, or take another --loss"
        )
    return y, missing


def check_size(content: "pa.Table", y: Array, target: str, dtype: str, advice: str) -> None:
    """Refuse numbers that are too large to be learnt or judged by, with their place."""
    largest = LARGEST_TARGET[dtype]
    if (np.abs(y) > largest).any():
        row = int((np.abs(y) > largest).argmax())
        raise DataError(
            f"{place(content, target, row)}: {y[row]:g} must be at most {largest:g}, to compute "
            f"with it in {dtype}; {advice}"
        )


def _features(content: "pa.Table", target: str, options: dict[str, Any]) -> "pa.Table":
    """Give the columns to predict from: all but the target, the weights and those to drop."""
    dropped, categorical = options["drop"], options["categorical"]
    weights = [] if options["weight"] is None else [options["weight"]]
    check_columns(content, weights, "--weight")
    check_columns(content, dropped, "--drop")
    check_columns(content, categorical, "--categorical")
    if target in dropped:
        raise click.UsageError(f"--drop {target} would drop the target")
    others = {target, *weights, *dropped}
    if unused := others & set(categorical):
        raise click.UsageError(f"--categorical {listed(unused)} is not a column to predict from")
    columns = content.drop_columns(list(others))
    if not columns.num_columns:
        raise DataError(f"the table must have columns besides {target!r} to predict it from")
    return columns


def labels_of(
    content: "pa.Table", target: str, truth: Column | None = None
) -> tuple[Array, NDArray[np.bool_]]:
    """Give the labels of a column as they stand, and which of them are missing."""
    y, missing = labels(content, target)
    if truth is not None and truth.missing:
        words = {meaning(word) for word in truth.missing}
        told = [meaning(str(label).strip()) in words for label in y.tolist()]
        missing = missing | np.array(told, dtype=bool)
    if not len(y):
        raise DataError("the table must have rows; it has a header only")
    if missing.all():
        raise DataError(f"column {target!r} must hold labels; all {len(y)} are missing")
    return y, missing


def numbers_of(content: "pa.Table", truth: Column) -> NDArray[np.float64]:
    """Give a column as numbers, NaN where they are missing."""
    if not content.num_rows:
        raise DataError("the table must have rows; it has a header only")
    return target_numbers(content, truth)


def _check_variety(y: Array, target: str) -> None:
    if y.min() == y.max():
        raise DataError(
            f"column {target!r} must hold two numbers or more; every row is {y[0].item()!r}"
        )


def _check_classes(y: Array, target: str) -> None:
    if y.dtype.kind == "f" and (y % 1 != 0).any():
        fraction = y[y % 1 != 0].tolist()[0]
        raise DataError(
            f"column {target!r} must hold classes, but holds fractions such as {fraction!r}; "
            "predict them as numbers with --task regression or, if they are labels, write them "
            "as text"
        )
    classes = classes_of(y).tolist()
    if len(classes) == 1:
        raise DataError(
            f"column {target!r} must hold two classes or more; every row is {classes[0]!r}"
        )
    if len(classes) > max(20, len(y) / 2):
        raise DataError(
            f"column {target!r} must hold classes, each in several rows; it has {len(classes)} "
            f"different labels in {len(y)} rows. Is it a name? A quantity needs --task regression"
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
            "but each counts as a class of its own"
        )
    if len(classes) > 20 and sum(map(_is_number, classes)) > len(classes) / 2:
        note(
            f"column {shown(target)}: is it a quantity? Each of its {len(classes)} different "
            "numbers counts as a class of its own; --task regression predicts numbers"
        )


def _gist(label: str) -> str:
    """Give what labels that look alike have in common: 1 and 1.0, yes and Yes."""
    try:
        return str(float(label))
    except ValueError:
        return " ".join(label.split()).casefold()


def _is_number(label: str) -> bool:
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", label) is not None


def as_classes(y: Array, classes: Array) -> Array:
    """Read labels as those that the model was given: the text "1" as 1, or 1 as the text."""
    is_text, wants_text = y.dtype == object, classes.dtype.kind in "UO"
    if is_text == wants_text:
        return y
    if wants_text:
        return np.array([str(label) for label in y.tolist()], dtype=object)
    by_text = {str(label): label for label in classes.tolist()}
    return np.array([by_text.get(label, label) for label in y.tolist()], dtype=object)


def class_numbers(y: Array, missing: NDArray[np.bool_], classes: Array) -> NDArray[np.intp]:
    """Find the class number of every row, 0 where missing; an error names the row."""
    given = as_classes(y, classes).astype(object)
    given[missing] = classes.tolist()[0]
    try:
        return encode_labels(given, classes)
    except DataError as error:
        raise DataError(f"{error}; --unknown allow leaves them out") from None


def strange_labels(
    y: Array, missing: NDArray[np.bool_], classes: Array
) -> tuple[NDArray[np.bool_], list[str]]:
    """Tell which rows have a label that was not there in training, and these labels."""
    given, known = as_classes(y, classes).tolist(), set(classes.tolist())
    strange = ~missing & np.array([label not in known for label in given], dtype=bool)
    return strange, list(dict.fromkeys(str(given[row]) for row in np.flatnonzero(strange)))


def check_columns(table: "pa.Table", wanted: Sequence[str], option: str) -> None:
    """Refuse names that the table does not have, all at once."""
    absent = [name for name in wanted if name not in table.column_names]
    if absent:
        guessed = listed(f"{shown(name)}{_guess(name, table)}" for name in absent)
        column = "column" if len(absent) == 1 else "columns"
        raise click.UsageError(
            f"{option} {guessed}: the table has no such {column}; it has "
            f"{listed(table.column_names)}"
        )


def note_target(model: Model, columns: "pa.Table", kept: Sequence[str]) -> None:
    """Say that the truth stands in the table, unless it is to be written beside the prediction."""
    if model.target in columns.column_names and model.target not in kept:
        note(f"column {shown(model.target)} is what the model predicts; it is not used")


def note_extra_columns(model: Model, columns: "pa.Table", targets: Sequence[str] = ()) -> None:
    known = {*targets, model.target}
    extra = [name for name in model.encoder.extra_columns(columns) if name not in known]
    if extra:
        note(f"columns not used: {listed(extra)}")


def _guess(name: str, table: "pa.Table") -> str:
    from difflib import get_close_matches

    plain = {column.casefold(): column for column in table.column_names}
    near = get_close_matches(name.strip().casefold(), plain, n=1)
    return f" (did you mean {shown(plain[near[0]])}?)" if near else ""
