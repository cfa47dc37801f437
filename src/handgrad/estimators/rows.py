"""Rows of a user: what was given, what is left of it after the checks, and what is learnt from."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from handgrad.batch import Rows, is_sparse
from handgrad.errors import DataError
from handgrad.tables.rows import take
from handgrad.tables.statistics import BLOCK_ROWS

if TYPE_CHECKING:
    from handgrad.estimators.task import Task
    from handgrad.models.model import Model

Array = NDArray[Any]


class HeldOut(NamedTuple):
    """Rows to validate on, as the user gave them."""

    X: Any = None
    y: Any = None
    weight: Any = None


NOTHING = HeldOut()


class TrainingRows(NamedTuple):
    """Rows with what is to be learnt of them, after the checks.

    Every row weighs something: a weight of 0 is a row that is not there.
    """

    columns: Any  # Arrow table, float matrix or CSR matrix
    y: Array  # as the user gave it: (n,) or (n, N_y)
    weight: NDArray[np.float64] | None
    places: NDArray[np.intp]  # of these rows among those of the user

    @classmethod
    def of(cls, columns: Any, y: Array, weight: NDArray[np.float64] | None) -> "TrainingRows":
        """Put checked rows together, without those that weigh nothing.

        Raises
        ------
        DataError
            If there are none: some containers let that pass.
        """
        if not len(y):
            raise DataError("there are no rows; at least one is needed")
        rows = cls(columns, y, weight, np.arange(len(y)))
        return rows if weight is None else rows.take(np.flatnonzero(weight))

    def take(
        self, rows: NDArray[np.intp], weight: NDArray[np.float64] | None = None
    ) -> "TrainingRows":
        """Pick rows, with other weights where these are given; where all are, none is copied."""
        if weight is None and self.weight is not None:
            weight = self.weight[rows]
        if len(rows) == len(self.y):
            return self._replace(weight=weight)
        return TrainingRows(take(self.columns, rows), self.y[rows], weight, self.places[rows])


class Validation(NamedTuple):
    """Rows that are only looked at."""

    rows: Rows
    given: TrainingRows
    seen: HeldOut  # what a scorer sees: X as the user gave it

    @classmethod
    def of(cls, model: "Model", task: "Task", given: TrainingRows, X: Any) -> "Validation":
        seen = HeldOut(_pick(X, given.places), given.y, given.weight)
        return cls(encoded(model, task, given), given, seen)


def encoded(model: "Model", task: "Task", given: TrainingRows) -> Rows:
    """Make rows ready to train on or to be measured."""
    columns, dtype = given.columns, model.params.flat.dtype
    if is_sparse(columns) and model.encoder.is_identity and not model.encoder.has_skip:
        x = columns.astype(dtype, copy=False)
    else:
        dense = columns.toarray() if is_sparse(columns) else columns
        x = model.encoder.transform(dense, dtype)
    return Rows(x, *truth_of(model, task, given))


def truth_of(model: "Model", task: "Task", given: TrainingRows) -> tuple[Array, Array | None]:
    """Give what is to be learnt of rows; and their weights in the loss, which are 1 on average.

    The weights have the precision of the network.
    """
    y_t, weight = task.truth(model, given)
    if weight is None:
        return y_t, None
    return y_t, of_mean_one(weight).astype(model.params.flat.dtype)


def of_mean_one(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide weights by their mean; those of 1e308 have no finite sum, so first by the largest."""
    relative = weight / weight.max()
    blocks = range(0, len(relative), BLOCK_ROWS)  # as they come from a file
    total = sum(float(relative[start : start + BLOCK_ROWS].sum()) for start in blocks)
    scaled: NDArray[np.float64] = relative / (total / len(relative))
    return scaled


def learning_weight(
    kept: NDArray[np.intp], kept_weight: NDArray[np.float64] | None, n: int
) -> NDArray[np.float64] | None:
    """Weigh rows that are held back with 0: the encoding must not learn from them."""
    if kept_weight is None and len(kept) == n:
        return None
    learning = np.zeros(n)
    learning[kept] = 1 if kept_weight is None else kept_weight
    return learning


def _pick(part: Any, rows: NDArray[np.intp]) -> Any:
    """Pick rows of what a user gave, in the type in which it came."""
    if is_sparse(part):
        return part.tocsr()[rows]
    known = isinstance(part, list | tuple) or hasattr(part, "shape")
    return _safe_indexing(part if known else np.asarray(part), rows)
