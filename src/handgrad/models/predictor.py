"""A model prepared for services, which predict one row at a time.

``Model.predict_proba`` finds engine, memory and addresses anew in each call, and makes a table of
cells that are no array. Here all of that is done once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from handgrad.models.model import Model

Array = NDArray[Any]


class Predictor:
    """Predicts one row at a time; any number of threads may call it at once.

    Calling it gives probabilities of shape (K,), or numbers of shape (N_y,): the same bits as
    ``predict_proba`` or ``predict_numbers`` of the model give for a table, or array, of this one
    row. Pickled or copied, it is prepared anew from its model.

    Parameters
    ----------
    model : Model

    Attributes
    ----------
    classes : array of shape (K,)
        The labels, in the order of the probabilities; none where numbers are predicted.
    """

    def __init__(self, model: Model) -> None:
        self.classes = model.classes
        self._model = model
        self._rows, self._desks = model.rows, model.desks
        self._desks.give(self._desks.take())  # the first is there before the first row is

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
        desk, model = self._desks.take(), self._model
        self._rows.put(row, desk.x[0])
        if not model.architecture.head.classifies:
            found: Array = model.numbers_of(model.checked_scores(desk.scores()))[0].copy()
        elif model.is_multilabel:
            found = model.architecture.head.proba(model.checked_scores(desk.scores()))[0]
        else:
            found = model.checked_proba(desk.proba(), desk.x)[0].copy()
        self._desks.give(desk)
        return found

    def predict(self, row: Any) -> Any:
        """Predict the label of a row; where it may have several, 1 for each and 0, shape (K,).

        Of numbers it gives the same as a call. The row, and what is raised, are as for a call.
        """
        if not self._model.architecture.head.classifies:
            return self(row)
        desk = self._desks.take()
        self._rows.put(row, desk.x[0])
        found = self._model.labels_of(self._model.checked_scores(desk.scores()))[0]
        self._desks.give(desk)
        return found

    def __reduce__(self) -> tuple[type[Predictor], tuple[Model]]:
        return type(self), (self._model,)
