"""What a network of the page learns from: rows and their truth, some of them for the test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.outputs import BY_LOSS, OUTPUTS, SOFTMAX
from handgrad.tables.rows import row_keys
from handgrad.training.held_back import split

if TYPE_CHECKING:
    from handgrad.models.model import TargetScale
    from handgrad.output import Output
    from handgrad.tables.encode import Encoder

Array = NDArray[Any]
RowNumbers = NDArray[np.intp]

MOST_POINTS = 2000
MOST_CLASSES = 6  # colours that can be told apart


class Drawn(NamedTuple):
    """Points put on the plane by hand.

    Attributes
    ----------
    x : array of shape (n, 2)
    y_t : int array of shape (n,)
        The class numbers.
    first : array of shape (n, 2)
        Where each was first put, which decides whether it is a test row.
    n_classes : int
        The last classes may have no point.
    """

    x: Array
    y_t: RowNumbers
    first: Array
    n_classes: int

    @classmethod
    def none(cls) -> Drawn:
        """Begin without a point."""
        return cls(np.zeros((0, 2)), np.zeros(0, np.intp), np.zeros((0, 2)), 0)


@dataclass(frozen=True, eq=False)
class Points:
    """The rows to learn from.

    Attributes
    ----------
    x : array of shape (n, N_x)
        The inputs of the network's layers.
    y_t : int array of shape (n,), or array of shape (n, 1)
        The class numbers; or the numbers to predict, in the scale in which they are learnt.
    classes : array of shape (K,)
        The labels; none where numbers are predicted.
    encoder : Encoder
        From the columns to x, and to what a skip takes in.
    target : str or None
        The column of the truth.
    training, test : int arrays
        Row numbers; there may be no test rows.
    picture : (int, int) or None
        Rows and columns of pixels, where the inputs are those of an image.
    black : int
        The ink of a black pixel, whose input is 1.
    left_out : tuple of str
        Columns of the table that say too little to be inputs.
    output : str
        The name of the output that learns such a truth.
    scale : TargetScale or None
        What y_t calls 0 and 1, where numbers are predicted.
    note : str
        A fact about these points that the page tells, or "".
    """

    x: Array
    y_t: Array
    classes: Array
    encoder: Encoder
    target: str | None
    training: RowNumbers
    test: RowNumbers
    picture: tuple[int, int] | None = None
    black: int = 0
    left_out: tuple[str, ...] = ()
    output: str = SOFTMAX.name
    scale: TargetScale | None = None
    note: str = ""

    @property
    def head(self) -> Output:
        """The output, which owns everything that depends on the kind of truth."""
        return OUTPUTS[self.output]

    @property
    def outputs(self) -> list[str]:
        """The name of each score: a class, or the number to predict."""
        if self.head.classifies:
            return [str(label) for label in self.classes.tolist()]
        return [self.target or "y"]

    @property
    def is_curve(self) -> bool:
        """Whether a number is predicted from one other, so that the rows lie along a curve."""
        return int(self.x.shape[1]) == 1 and not self.head.classifies

    @property
    def is_plane(self) -> bool:
        """Whether the rows have places on the map: see ``places``."""
        return int(self.x.shape[1]) == 2 or self.is_curve

    @property
    def places(self) -> Array:
        """Where the rows lie on the map, (n, 2): by two inputs, or by one and the number."""
        return np.hstack([self.x, self.y_t]) if self.is_curve else self.x

    @property
    def axes(self) -> list[str]:
        """What the two directions of the map stand for."""
        return [*self.encoder.input_names, *(self.outputs if self.is_curve else [])]

    def in_units(self, y: Array) -> Array:
        """Turn numbers as they are learnt into those of the table."""
        mean, scale = self.unit
        return np.asarray(mean + scale * y)

    @property
    def unit(self) -> tuple[float, float]:
        """The mean and scale of the numbers that are learnt, in those of the table."""
        if self.scale is None:
            return 0.0, 1.0
        return float(self.scale.mean[0]), float(self.scale.scale[0])

    def with_skip(self, has_skip: bool = True) -> Points:
        """Give the same points for a network with a skip past its layers, or without one."""
        if has_skip == self.encoder.has_skip:
            return self
        return replace(self, encoder=replace(self.encoder, has_skip=has_skip))

    def fed(self, x: Array) -> Array:
        """Give inputs as the network takes them: a skip takes each of them once more."""
        return np.hstack([x, x]) if self.encoder.has_skip else x

    @property
    def judging(self) -> RowNumbers:
        """The rows that judge the network: test rows, or training rows if there are none."""
        return self.test if len(self.test) else self.training

    @cached_property
    def training_rows(self) -> Rows:
        """The rows that train."""
        return self.rows(self.training)

    def rows(self, chosen: RowNumbers) -> Rows:
        return Rows(self.fed(self.x[chosen]), self.y_t[chosen])


# Numbers are learnt by their squared error.
NUMBERS = BY_LOSS["squared_error"].name


def training_and_test(
    x: Array, y_t: Array, test_share: float, seed: int
) -> tuple[RowNumbers, RowNumbers]:
    """Divide rows into training and test rows, class by class where there are classes."""
    if test_share == 0:
        return np.arange(len(x)), np.arange(0)
    is_classes = y_t.ndim == 1
    strata = y_t if is_classes else np.zeros(len(x), np.intp)
    parts = split(row_keys(x, seed), strata, test_share, y=None if is_classes else y_t)
    return parts.kept, parts.held_back
