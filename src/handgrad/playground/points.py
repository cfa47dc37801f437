"""Points with their classes: drawn on a plane from a seed, or two columns of a table.

All chance comes from NumPy's RandomState, whose stream is frozen: a seed means the same points
in ten years, and those of CS231n's spiral are the published ones.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.errors import DataError
from handgrad.tables.columns import kind_of, labels, numbers
from handgrad.tables.encode import Encoder
from handgrad.tables.fitting import fit_matrix
from handgrad.tables.labels import classes_of, encode_labels
from handgrad.tables.rows import row_keys
from handgrad.training.held_back import split

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]

MOST_POINTS = 2000
MOST_CLASSES = 6  # colours that can be told apart


@dataclass(frozen=True, eq=False)
class Points:
    """What to learn from.

    Attributes
    ----------
    x : array of shape (n, N_x)
        As the network sees them; of N_x = 2 they span a plane.
    y_t : int array of shape (n,)
    classes : array of shape (K,)
        The labels.
    encoder : Encoder
        From the columns to x.
    target : str or None
        The column of the labels.
    training, test : int arrays
        Row numbers; of test there may be none.
    picture : (int, int) or None
        Rows and columns of pixels, where the inputs are those of an image.
    left_out : tuple of str
        Columns of the table that say too little to be inputs.
    """

    x: Array
    y_t: NDArray[np.intp]
    classes: Array
    encoder: Encoder
    target: str | None
    training: NDArray[np.intp]
    test: NDArray[np.intp]
    picture: tuple[int, int] | None = None
    left_out: tuple[str, ...] = ()

    @property
    def is_plane(self) -> bool:
        return int(self.x.shape[1]) == 2

    @cached_property
    def training_rows(self) -> Rows:
        return self.rows(self.training)

    def rows(self, chosen: NDArray[np.intp]) -> Rows:
        return Rows(self.x[chosen], self.y_t[chosen])


# -- from a seed --------------------------------------------------------------------------------


def spiral(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Draw one arm a class; with 100 points an arm and noise 0.2 it is CS231n's."""
    per_class = max(1, n // classes)
    radius = np.linspace(0, 1, per_class)
    arms = []
    for k in range(classes):
        angle = np.linspace(4 * k, 4 * (k + 1), per_class)
        angle = angle + noise * random.standard_normal(per_class)
        arms.append(np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]))
    return np.concatenate(arms)


def xor(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Fill four squares; opposite ones share a class."""
    half = max(2, n // 2)
    place = random.uniform(0.08, 1, (2 * half, 2))
    left = np.where(np.arange(2 * half) % 2, -1, 1)
    up = np.where(np.arange(2 * half) < half, left, -left)
    x: Array = place * np.column_stack([left, up])
    return x + noise / 2 * random.standard_normal((2 * half, 2))


def circles(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Put each class on a ring around the one before."""
    per_class = max(1, n // classes)
    rings = []
    for k in range(classes):
        angle = random.uniform(0, 2 * np.pi, per_class)
        radius = k / (classes - 1) + noise / 2 * random.standard_normal(per_class)
        if k == 0:
            radius = 0.35 / (classes - 1) * np.sqrt(random.uniform(0, 1, per_class)) + radius
        rings.append(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))
    return np.concatenate(rings)


def moons(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Draw two half circles, each with its end in the other."""
    half = max(1, n // 2)
    angle = np.linspace(0, np.pi, half)
    upper = np.column_stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25])
    lower = np.column_stack([0.5 - np.cos(angle), 0.25 - np.sin(angle)])
    together = np.concatenate([upper, lower]) / 1.5
    x: Array = together + noise / 2 * random.standard_normal(together.shape)
    return x


def blobs(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Scatter each class around a place of its own on a circle."""
    per_class = max(1, n // classes)
    clouds = []
    for k in range(classes):
        angle = 2 * np.pi * k / classes + 0.4
        centre = 0.65 * np.array([np.cos(angle), np.sin(angle)])
        clouds.append(centre + (0.08 + noise / 2) * random.standard_normal((per_class, 2)))
    return np.concatenate(clouds)


SETS = {"spiral": spiral, "xor": xor, "circles": circles, "moons": moons, "blobs": blobs}
TWO_CLASSES = {"xor", "moons"}


def make_points(
    kind: str, *, n: int, classes: int, noise: float, seed: int
) -> tuple[Array, NDArray[np.intp]]:
    """Draw a set: x of shape (n, 2), about a row for each asked, and the class of each row."""
    n_classes = 2 if kind in TWO_CLASSES else classes
    x = SETS[kind](np.random.RandomState(seed % 2**32), n, n_classes, noise)
    return x, np.repeat(np.arange(n_classes), len(x) // n_classes)


# -- from rows ----------------------------------------------------------------------------------


def apart(x: Array, share: float, y_t: NDArray[np.intp], seed: int) -> tuple[Any, Any]:
    """Set test rows apart, class by class."""
    if share == 0:
        return np.arange(len(x)), np.arange(0)
    parts = split(row_keys(x, seed), y_t, share)
    return parts.kept, parts.held_back


def of_plane(
    x: Array, y_t: NDArray[np.intp], *, share: float, seed: int, n_classes: int | None = None
) -> Points:
    """Take points as they are, their classes numbered; the last ones may have no point."""
    training, test = apart(x, share, y_t, seed)
    encoder = Encoder.identity(2, ["x1", "x2"])
    classes = np.arange(n_classes or int(y_t.max()) + 1)
    return Points(x, y_t, classes, encoder, None, training, test)


def number_columns(table: "pa.Table", target: str) -> list[str]:
    """List the columns that can span the plane."""
    return [
        name
        for name in table.column_names
        if name != target and kind_of(table, name) in ("number", "csv") and _is_number(table, name)
    ]


def class_columns(table: "pa.Table") -> list[str]:
    """List the columns that can be told by colours: those of a few classes."""
    found = []
    for name in table.column_names:
        y, missing = labels(table, name)
        if 2 <= len(classes_of(y[~missing])) <= MOST_CLASSES:
            found.append(str(name))
    return found


def _is_number(table: "pa.Table", name: str) -> bool:
    try:
        return bool(np.isfinite(numbers(table, name)).any())
    except DataError:
        return False


def of_table(
    table: "pa.Table", target: str, names: tuple[str, str], *, share: float, seed: int
) -> Points:
    """Take two columns of a table, standardised; rows with a gap in them are left out.

    Raises
    ------
    DataError
        If there are too few rows, or too few or too many classes or rows to show.
    """
    plane = np.column_stack([numbers(table, name) for name in names])
    y, missing = labels(table, target)
    kept = np.flatnonzero(np.isfinite(plane).all(axis=1) & ~missing)
    if len(kept) > MOST_POINTS:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_POINTS).astype(np.intp)]
    y = y[kept]
    if len(y) < 2:
        raise DataError(f"columns {names[0]!r} and {names[1]!r} must be filled in two rows or more")
    classes = classes_of(y)
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise DataError(
            f"column {target!r} must hold 2 to {MOST_CLASSES} classes to be shown as colours; it "
            f"holds {len(classes)}; name another column"
        )
    encoder = fit_matrix(plane[kept], names=list(names))
    x = encoder.transform(plane[kept], np.float64)
    y_t = encode_labels(y, classes)
    training, test = apart(x, share, y_t, seed)
    return Points(x, y_t, classes, encoder, target, training, test)
