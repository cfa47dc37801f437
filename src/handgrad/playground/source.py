"""Where the points come from: a data set, two columns or all columns of a table, or a hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError
from handgrad.models.model import LARGEST_TARGET, TargetScale
from handgrad.outputs import SOFTMAX
from handgrad.playground.data import data_set, of_plane
from handgrad.playground.points import (
    MOST_CLASSES,
    MOST_POINTS,
    NUMBERS,
    Points,
    training_and_test,
)
from handgrad.playground.recipe import TABLES
from handgrad.tables.columns import kind_of, labels, numbers
from handgrad.tables.encode import Encoder
from handgrad.tables.fitting import fit_matrix, fit_table
from handgrad.tables.labels import classes_of, encode_labels
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.recognition.target import plan_of_target, target_numbers
from handgrad.tables.rows import take

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.playground.points import Drawn
    from handgrad.playground.recipe import Recipe
    from handgrad.tables.kinds import Column

MOST_INPUTS = 256
MOST_TEXTS = 20  # different texts of a column that becomes inputs


@dataclass(frozen=True, eq=False)
class Source:
    """The tables that a recipe may name, and the points that it asks for.

    Anything that cannot be shown raises ValueError; the message says why.

    Attributes
    ----------
    penguins : pyarrow.Table
    table : pyarrow.Table or None
        The user's own.
    target : str or None
        Its column to predict.
    """

    penguins: pa.Table
    table: pa.Table | None = None
    target: str | None = None

    @cached_property
    def targets(self) -> list[str]:
        """The columns of the user's table that can be predicted."""
        return [] if self.table is None else target_columns(self.table)

    def points(self, recipe: Recipe, drawn: Drawn) -> Points:
        """Make the points of a recipe; ``drawn`` are those drawn by hand."""
        return self._points(recipe, drawn).with_skip(recipe.skip)

    def _points(self, recipe: Recipe, drawn: Drawn) -> Points:
        seed, share = recipe.data_seed, recipe.test_share
        if recipe.data in TABLES:
            axes = None if recipe.inputs == "all" else self.axes(recipe)
            return of_table(*self.labelled(recipe.data), axes, seed=seed, test_share=share)
        if recipe.data == "drawn":
            if len(np.unique(drawn.y_t)) < 2:
                raise ValueError("drawn points must be of two classes or more; draw another class")
            first, y_t, n_classes = drawn.first, drawn.y_t, drawn.n_classes
            points = of_plane(first, y_t, seed=seed, test_share=share, n_classes=n_classes)
            return replace(points, x=drawn.x)
        return data_set(
            recipe.data,
            n=recipe.n,
            classes=recipe.classes,
            noise=recipe.noise,
            seed=seed,
            test_share=share,
        )

    def labelled(self, data: str) -> tuple[pa.Table, str]:
        """Give a table and its column to predict."""
        if data == "penguins":
            return self.penguins, "species"
        if self.table is None or self.target is None:
            raise ValueError("there is no table yet; drop a CSV file on the page")
        return self.table, self.target

    def number_columns(self, data: str) -> list[str]:
        """List the columns of a table that can be an axis of the plane; none without a table."""
        return _number_columns(*self.labelled(data)) if data in TABLES else []

    def axes(self, recipe: Recipe) -> tuple[str, str]:
        """Name the two columns of a plane: those of the recipe, or the first two."""
        names = self.number_columns(recipe.data)
        if len(names) < 2:
            raise ValueError(
                "the table must have two columns of numbers besides the one to predict; it has "
                f"{len(names)}; choose all columns"
            )
        x1 = recipe.x1 if recipe.x1 in names else names[0]
        x2 = recipe.x2 if recipe.x2 in names else next(name for name in names if name != x1)
        return x1, x2

    def recipe_of_table(self, recipe: Recipe) -> Recipe:
        """Change a recipe to the user's table: all its columns if no two can be axes."""
        inputs = recipe.inputs if len(self.number_columns("table")) >= 2 else "all"
        return recipe.changed({"data": "table", "inputs": inputs, "x1": "", "x2": ""})


def class_columns(table: pa.Table) -> list[str]:
    """List the columns of few classes, which can be shown as colours."""
    return [
        str(name) for name in table.column_names if 2 <= _n_classes(table, name) <= MOST_CLASSES
    ]


def target_columns(table: pa.Table) -> list[str]:
    """List the columns that can be predicted: of few classes, or of more different numbers."""
    classes = class_columns(table)
    return [name for name in table.column_names if name in classes or is_of_numbers(table, name)]


def usual_target(table: pa.Table) -> str:
    """Choose the column to predict: the last of few classes, or else the last of numbers.

    Raises
    ------
    DataError
        If there is none.
    """
    known = class_columns(table) or target_columns(table)
    if not known:
        raise DataError(
            f"the table must have a column of 2 to {MOST_CLASSES} classes, or of more than "
            f"{MOST_CLASSES} different numbers, to predict; it has none"
        )
    return known[-1]


def is_of_numbers(table: pa.Table, name: str) -> bool:
    """Tell whether a column holds so many different numbers that they are no classes."""
    if _n_classes(table, name) <= MOST_CLASSES or kind_of(table, name) not in ("number", "csv"):
        return False
    try:
        return bool(np.isfinite(_numbers_of(table, name)).any())
    except DataError:
        return False


def _n_classes(table: pa.Table, name: str) -> int:
    y, missing = labels(table, name)
    return len(classes_of(y[~missing]))


def _numbers_of(table: pa.Table, name: str) -> NDArray[np.float64]:
    return target_numbers(table, plan_of_target(table, name))


def _number_columns(table: pa.Table, target: str) -> list[str]:
    return [name for name in table.column_names if name != target and _is_axis(table, name)]


def _is_axis(table: pa.Table, name: str) -> bool:
    if kind_of(table, name) not in ("number", "csv"):
        return False
    try:
        return bool(np.isfinite(numbers(table, name)).any())
    except DataError:
        return False


class Truth(NamedTuple):
    """What a column of a table says that is to be learnt, as ``Points`` has it."""

    y_t: NDArray[Any]
    classes: NDArray[Any]
    output: str
    scale: TargetScale | None = None


def of_table(
    table: pa.Table, target: str, axes: tuple[str, str] | None, *, seed: int, test_share: float
) -> Points:
    """Take two columns of a table, or without axes all but the one to predict.

    Two columns are standardised, and rows with a gap in them are left out. All columns become
    inputs as in ``fit`` of the command line: numbers are standardised, texts become an input for
    each level, gaps are filled and flagged; columns of more than ``MOST_TEXTS`` different texts
    are left out, and named. A target of more than ``MOST_CLASSES`` different numbers is predicted
    as a number, and learnt in a scale of mean 0 and deviation 1.
    """
    y = _numbers_of(table, target) if is_of_numbers(table, target) else None
    missing = labels(table, target)[1] if y is None else np.isnan(y)
    plane = None if axes is None else np.column_stack([numbers(table, name) for name in axes])
    usable = ~missing if plane is None else ~missing & np.isfinite(plane).all(axis=1)
    kept = np.flatnonzero(usable)
    if len(kept) > MOST_POINTS:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_POINTS).astype(np.intp)]
    if axes is not None and len(kept) < 2:
        raise DataError(f"columns {axes[0]!r} and {axes[1]!r} must be filled in two rows or more")
    truth = _classes(table, target, kept) if y is None else _scaled(target, y[kept])
    left_out: tuple[str, ...] = ()
    if axes is None or plane is None:
        encoder, columns, left_out = _all_columns(table, target, kept)
    else:
        encoder, columns = fit_matrix(plane[kept], names=list(axes)), plane[kept]
    x = encoder.transform(columns, np.float64)
    training, test = training_and_test(x, truth.y_t, test_share, seed)
    points = Points(x, truth.y_t, truth.classes, encoder, target, training, test)
    return replace(points, left_out=left_out, output=truth.output, scale=truth.scale)


def _classes(table: pa.Table, target: str, kept: NDArray[np.intp]) -> Truth:
    y = labels(table, target)[0][kept]
    classes = classes_of(y)
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise DataError(
            f"column {target!r} must hold 2 to {MOST_CLASSES} classes to be shown as colours, or "
            f"more than {MOST_CLASSES} different numbers; it holds {len(classes)} classes; name "
            "another column"
        )
    return Truth(encode_labels(y, classes), classes, SOFTMAX.name)


def _scaled(target: str, y: NDArray[np.float64]) -> Truth:
    """Put numbers into the scale in which they are learnt."""
    if len(y) < 2 or np.abs(y).max() > LARGEST_TARGET["float64"]:
        raise DataError(
            f"column {target!r} must hold two numbers or more, up to "
            f"{LARGEST_TARGET['float64']:g}; name another column"
        )
    described = fit_matrix(y[:, np.newaxis])
    scale = TargetScale(described.mean, described.scale)
    learnt = (y[:, np.newaxis] - scale.mean) / scale.scale
    return Truth(learnt, np.arange(0), NUMBERS, scale)


def _all_columns(
    table: pa.Table, target: str, kept: NDArray[np.intp]
) -> tuple[Encoder, pa.Table, tuple[str, ...]]:
    """Fit an encoder to some rows; give it, their columns, and the names of those left out."""
    rest = table.drop_columns([target])
    plan = plan_of(rest)
    left_out = tuple(column.name for column in plan if _says_little(column))
    rest = take(rest.drop_columns(list(left_out)), kept)
    plan = Plan(tuple(column for column in plan if column.name not in left_out))
    if not rest.num_columns:
        raise DataError(
            f"the table must have a column of numbers, or of at most {MOST_TEXTS} different "
            f"texts, besides {target!r}"
        )
    encoder = fit_table(rest, plan)
    if encoder.n_inputs > MOST_INPUTS:
        raise DataError(
            f"all columns together must be at most {MOST_INPUTS} inputs, a column of texts being "
            f"as many as it has levels; they are {encoder.n_inputs}; show two columns, or leave "
            "columns out of the file"
        )
    return encoder, rest, left_out


def _says_little(column: Column) -> bool:
    """Tell a column that is left out anyway, or has so many levels that each says little."""
    return not column.is_used or (column.reads.has_levels and column.n_levels > MOST_TEXTS)
