"""What commands read: a labelled table, looked at closely."""

import re
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError
from handgrad.model import Model
from handgrad.tables.columns import (
    MISSING_WORDS,
    first_not_number,
    kind_of,
    labels,
    number_counts,
    numbers,
    place,
)
from handgrad.tables.encode import Encoder
from handgrad.tables.labels import classes_of, encode_labels
from handgrad.tables.rows import take
from handgrad.tables.table import read_table
from handgrad.terminal import listed, note, shown
from handgrad.text import quoted

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


def read_labelled(table: Path | None, target: str | None, options: dict[str, Any]) -> Labelled:
    if table is None:
        with as_file(files("handgrad") / "data" / PENGUINS) as path:
            content, name = read_table(path), "the Palmer penguins"
        target = target or PENGUINS_TARGET[options["task"]]
    elif target is None:
        raise click.UsageError("name the column to predict: --target COLUMN")
    else:
        content, name = read_table(table, separator=separator_of(options)), str(table)
    check_columns(content, [target], "--target")
    columns = _features(content, target, options)
    y, missing = _truth(content, target, options)
    # Every cell is looked at here, while the rows still know their lines in the file.
    Encoder.fit(columns, categorical=options["categorical"])
    if options["task"] == "classification":
        _check_classes(y[~missing], target)
    else:
        _check_variety(y[~missing], target)
    if missing.any():
        columns, y = take(columns, np.flatnonzero(~missing)), y[~missing]
    return Labelled(name, columns, y, target, int(missing.sum()), options["task"])


def _truth(
    content: "pa.Table", target: str, options: dict[str, Any]
) -> tuple[Array, NDArray[np.bool_]]:
    """Give the labels or numbers of a column, and which of them are missing."""
    if options["task"] == "classification":
        return labels_of(content, target)
    _check_no_labels(content, target)
    y = numbers_of(content, target)
    missing = np.isnan(y)
    if missing.all():
        raise DataError(f"column {target!r} must hold numbers; all {len(y)} are missing")
    if options["loss"] == "poisson" and (y < 0).any():
        row = int((y < 0).argmax())
        raise DataError(
            f"{place(content, target, row)}: {y[row]:g} must be at least 0, for --loss poisson is "
            "for counts; mend the cell, or take another --loss"
        )
    return y, missing


def _check_no_labels(content: "pa.Table", target: str) -> None:
    """Refuse a column whose cells do not even look like numbers, most of them."""
    if kind_of(content, target) not in ("text", "csv"):
        return
    counts = number_counts(content, target)
    wrong = first_not_number(content, target)
    if wrong is not None and 2 * counts.like_numbers < counts.cells:
        raise DataError(
            f"{place(content, target, wrong[0])}: {quoted(wrong[1])} is no number, nor are most "
            "others of the column; if these are labels, ask for --task classification"
        )


def _features(content: "pa.Table", target: str, options: dict[str, Any]) -> "pa.Table":
    """Give the columns to predict from: all but the target and those to drop."""
    dropped, categorical = options["drop"], options["categorical"]
    check_columns(content, dropped, "--drop")
    check_columns(content, categorical, "--categorical")
    if target in dropped:
        raise click.UsageError(f"--drop {target} would drop the target")
    if unused := {target, *dropped} & set(categorical):
        raise click.UsageError(f"--categorical {listed(unused)} is not a column to predict from")
    columns = content.drop_columns(list({target, *dropped}))
    if not columns.num_columns:
        raise DataError(f"the table must have columns besides {target!r} to predict it from")
    return columns


def labels_of(content: "pa.Table", target: str) -> tuple[Array, NDArray[np.bool_]]:
    y, missing = labels(content, target)
    if not len(y):
        raise DataError("the table must have rows; it has a header only")
    if missing.all():
        raise DataError(f"column {target!r} must hold labels; all {len(y)} are missing")
    return y, missing


def numbers_of(content: "pa.Table", target: str) -> NDArray[np.float64]:
    """Give a column as numbers, NaN where they are missing."""
    if not content.num_rows:
        raise DataError("the table must have rows; it has a header only")
    return numbers(content, target)


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
    return encode_labels(given, classes)


def check_columns(table: "pa.Table", wanted: Sequence[str], option: str) -> None:
    for name in wanted:
        if name not in table.column_names:
            raise click.UsageError(
                f"{option} {shown(name)}: the table has no such column{_guess(name, table)}; "
                f"it has {listed(table.column_names)}"
            )


def note_extra_columns(model: Model, columns: "pa.Table", targets: Sequence[str] = ()) -> None:
    known = {*targets, model.target}
    extra = [name for name in model.encoder.extra_columns(columns) if name not in known]
    if extra:
        note(f"columns not used: {listed(extra)}")


def _guess(name: str, table: "pa.Table") -> str:
    from difflib import get_close_matches

    if table.num_columns == 1:
        return " (does another sign part its cells? Then name it: --separator ';')"
    plain = {column.casefold(): column for column in table.column_names}
    near = get_close_matches(name.strip().casefold(), plain, n=1)
    return f" (did you mean {shown(plain[near[0]])}?)" if near else ""


def separator_of(options: dict[str, Any]) -> str | None:
    separator: str | None = options["separator"]
    if separator is None:
        return None
    separator = separator.replace("\\t", "\t")
    if not re.fullmatch(r"[\t !#-~]", separator):
        raise click.UsageError("--separator must be one ASCII character, such as ';' or '\\t'")
    return separator
