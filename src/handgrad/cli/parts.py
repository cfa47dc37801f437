"""A table's rows set apart: to train on, to validate with, to test with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.cli.terminal import listed, note
from handgrad.cli.truth import Truths
from handgrad.errors import DataError
from handgrad.tables.labels import classes_of, encode_labels
from handgrad.tables.rows import row_keys, take
from handgrad.training.held_back import Split, split, split_last

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.cli.data import Labelled
    from handgrad.models.model import Model

Array = NDArray[Any]


class Part(NamedTuple):
    name: str
    table: pa.Table
    y: Array
    weight: Array | None = None  # (n,), above 0

    def take(self, rows: NDArray[np.intp], name: str, weight: Array | None = None) -> Part:
        """Pick rows, in the order given; they keep their weights unless given others."""
        if weight is None and self.weight is not None:
            weight = self.weight[rows]
        return Part(name, take(self.table, rows), self.y[rows], weight)

    def truths(self, model: Model) -> Truths:
        """Give the labels or numbers as the model learns them; no row is without."""
        y_t = encode_labels(self.y, model.classes) if len(model.classes) else self.y[:, None]
        return Truths(y_t, np.zeros(len(y_t), dtype=bool), self.weight)


class Parts(NamedTuple):
    training: Part
    validation: Part | None
    test: Part | None

    def judged(self) -> Part:
        """Give the rows to judge the model by: those it knows least."""
        return self.test or self.validation or self.training


class Wanted(NamedTuple):
    """What to set apart."""

    name: str  # "test" or "validation", and so the option
    share: float
    seed: int
    last: bool


def partition(data: Labelled, options: dict[str, Any]) -> Parts:
    """Set rows apart: test rows first, then validation rows from what is left.

    Raises
    ------
    DataError
        If there are too few rows for it, or rows at the end have classes that only they have.
    """
    test_seed, validation_seed = np.random.PCG64(options["seed"]).random_raw(2).tolist()
    by_class = data.task == "classification"
    whole = Part("training", data.table, data.y, data.weight)
    test = Wanted("test", options["test"], test_seed, options.get("test_last", False))
    rest, test_part = _set_apart(whole, test, by_class=by_class)
    validation = Wanted(
        "validation",
        options.get("validation", 0),  # a recipe without this option holds rows back itself
        validation_seed,
        options.get("validation_last", False),
    )
    training, validation_part = _set_apart(rest, validation, by_class=by_class)
    if by_class:
        _check_classes(training, [part for part in (validation_part, test_part) if part])
    return Parts(training, validation_part, test_part)


def note_drawn_singly(parts: Split, name: str, counted: str) -> None:
    """Say where rows repeat so few patterns that equal ones could not be kept together."""
    if parts.drawn_singly:
        note(
            f"{name} rows: {parts.drawn_singly:,} of {counted} repeat only {parts.patterns:,} "
            "different ones, so they were drawn one by one, and equal rows may be on both sides"
        )


def _set_apart(part: Part, wanted: Wanted, *, by_class: bool) -> tuple[Part, Part | None]:
    if wanted.share == 0:
        return part, None
    parts = _split(part, wanted, by_class=by_class)
    if not len(parts.held_back):
        and_classes = " and each class keeps a row to train on" if by_class else ""
        why = "" if wanted.last else f", as equal rows stay together{and_classes}"
        raise DataError(
            f"--{wanted.name} {wanted.share:g} of {len(part.y)} rows leaves none for it{why}; "
            f"raise --{wanted.name}, or set it to 0"
        )
    note_drawn_singly(parts, wanted.name, _counted(part))
    return (
        part.take(parts.kept, part.name, parts.kept_weight),
        part.take(parts.held_back, wanted.name, parts.held_weight),
    )


def _counted(part: Part) -> str:
    """Say how many rows there are; a weight of 2 counts as two."""
    if part.weight is None:
        return f"{len(part.y):,} rows"
    return f"{part.weight.sum():,.6g} rows by weight"


def _split(part: Part, wanted: Wanted, *, by_class: bool) -> Split:
    n = len(part.y)
    if wanted.last:
        return split_last(n, wanted.share, part.weight)
    keys = row_keys(part.table, wanted.seed)
    if by_class:
        return split(keys, encode_labels(part.y, classes_of(part.y)), wanted.share, part.weight)
    return split(keys, np.zeros(n, np.intp), wanted.share, part.weight, part.y)


def _check_classes(training: Part, others: list[Part]) -> None:
    """Refuse classes that the last rows have and those before them lack."""
    known = set(training.y.tolist())
    for part in others:
        if unknown := [label for label in classes_of(part.y).tolist() if label not in known]:
            raise DataError(
                f"the training rows must have every class; {listed(map(repr, unknown))} is in the "
                f"last rows only, held back by --{part.name}-last: set fewer rows apart, or leave "
                f"--{part.name}-last out to draw them at random"
            )
