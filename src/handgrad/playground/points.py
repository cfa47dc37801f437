"""What a network of the page learns from: rows with their classes, some of them for the test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows
from handgrad.tables.rows import row_keys
from handgrad.training.held_back import split

if TYPE_CHECKING:
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
        The inputs of the network; with N_x = 2 they lie on a plane.
    y_t : int array of shape (n,)
        The class numbers.
    classes : array of shape (K,)
        The labels.
    encoder : Encoder
        From the columns to x.
    target : str or None
        The column of the labels.
    training, test : int arrays
        Row numbers; there may be no test rows.
    picture : (int, int) or None
        Rows and columns of pixels, where the inputs are those of an image.
    black : int
        The ink of a black pixel, whose input is 1.
    left_out : tuple of str
        Columns of the table that say too little to be inputs.
    """

    x: Array
    y_t: RowNumbers
    classes: Array
    encoder: Encoder
    target: str | None
    training: RowNumbers
    test: RowNumbers
    picture: tuple[int, int] | None = None
    black: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def is_plane(self) -> bool:
        return int(self.x.shape[1]) == 2

    @property
    def judging(self) -> RowNumbers:
        """The rows that judge the network: test rows, or training rows if there are none."""
        return self.test if len(self.test) else self.training

    @cached_property
    def training_rows(self) -> Rows:
        """The rows that train."""
        return self.rows(self.training)

    def rows(self, chosen: RowNumbers) -> Rows:
        return Rows(self.x[chosen], self.y_t[chosen])


def training_and_test(
    x: Array, y_t: RowNumbers, test_share: float, seed: int
) -> tuple[RowNumbers, RowNumbers]:
    """Divide rows into training and test rows, class by class."""
    if test_share == 0:
        return np.arange(len(x)), np.arange(0)
    parts = split(row_keys(x, seed), y_t, test_share)
    return parts.kept, parts.held_back
