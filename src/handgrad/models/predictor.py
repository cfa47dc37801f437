"""A model prepared for services, which predict one row at a time.

``Model.predict_proba`` finds engine, memory and addresses anew in each call, and makes a table of
cells that are no array. Here all of that is done once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.models.model import Model

Array = NDArray[Any]


class _Desk(NamedTuple):
    """What one call works with: the inputs of a row, and the engine ready to look at them."""

    x: Array  # (1, N_x)
    scores: tuple[Callable[[], Array], ...]  # of each network
    proba: Callable[[], Array] | None  # if the probabilities take no detour by scores


class Predictor:
    """Predicts one row at a time; any number of threads may call it at once.

    Calling it gives probabilities of shape (K,), or numbers of shape (N_y,): the same bits as
    ``predict_proba`` or ``predict_numbers`` of the model give for a table, or array, of this one
    row. Pickled or copied, it is prepared anew from its model.

    Parameters
    ----------
    model : Model
        Its arrays must not change any more.

    Attributes
    ----------
    classes : array of shape (K,)
        The labels, in the order of the probabilities; none where numbers are predicted.
    """

    def __init__(self, model: Model) -> None:
        self.classes = model.classes
        self._model = model
        self._rows = model.rows
        self._desks = [self._new_desk()]

    def __call__(self, row: Any) -> Array:
        """Predict the probabilities of a row, shape (K,), or its numbers, shape (N_y,).

        Parameters
        ----------
        row : array of shape (d,), sequence of d cells, or mapping of column names to cells
            An array of numbers, or cells as a table has them, in the order in which the columns
            were fitted; or by name. A missing cell is None or NaN. Columns of a mapping that do
            not become inputs may be absent.

        Raises
        ------
        DataError
            If a column is absent or unknown, or a cell cannot be used; the message names it.
        TypeError
            If it is none of these.
        """
        desk = self._take()
        self._rows.put(row, desk.x[0])
        model = self._model
        if not model.architecture.head.classifies:
            found: Array = model.numbers_of(self._scores(desk))[0].copy()
        elif desk.proba is not None:
            found = model.checked_proba(desk.proba(), desk.x)[0].copy()
        else:
            found = model.architecture.head.proba(self._scores(desk))[0]
        self._desks.append(desk)
        return found

    def predict(self, row: Any) -> Any:
        """Predict the label of a row; where it may have several, 1 for each and 0, shape (K,).

        Of numbers it gives the same as a call. The row, and what is raised, are as for a call.
        """
        if not self._model.architecture.head.classifies:
            return self(row)
        desk = self._take()
        self._rows.put(row, desk.x[0])
        found = self._model.labels_of(self._scores(desk))[0]
        self._desks.append(desk)
        return found

    def _take(self) -> _Desk:
        """Take a desk that no other call works at; who raises an error does not bring it back."""
        try:
            return self._desks.pop()
        except IndexError:
            return self._new_desk()

    def _new_desk(self) -> _Desk:
        model = self._model
        x = np.zeros((1, model.architecture.n_inputs), model.params.flat.dtype)
        return _Desk(x, *model.prepared(x))

    def _scores(self, desk: _Desk) -> Array:
        return self._model.checked_scores([score() for score in desk.scores])

    def __reduce__(self) -> tuple[type[Predictor], tuple[Model]]:
        return type(self), (self._model,)
