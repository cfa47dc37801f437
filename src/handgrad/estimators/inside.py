"""What an estimator shows of its mathematics: every quantity of a pass, and whether it is right."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.batch import Rows, is_sparse
from handgrad.estimators.checks import check_weight, given_rows
from handgrad.estimators.fitting import seen
from handgrad.explain.trace import Trace, trace
from handgrad.gradcheck import GradientCheck, check_gradients
from handgrad.models.model import Model
from handgrad.network import check_finite

Array = NDArray[Any]


class Inside:
    """The part of an estimator that looks inside."""

    model_: Model
    alpha: float
    learning_rate_init: float
    _check_fitted: Callable[[Any], Any]
    _check_y: Callable[[Any, Any], Array]
    _encode: Callable[[Any], Rows]

    def trace(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, lr: float | None = None
    ) -> Trace:
        """Follow rows through equations (1) to (13), every quantity by the article's name.

        Parameters
        ----------
        X : as for fit
            One row or more; a data frame's columns are encoded as for ``predict``.
        y : as for fit, optional
            Without it the trace ends with the prediction.
        sample_weight : array-like of shape (n_samples,), optional
            They multiply the weights of classes, if there are any.
        lr : float, optional
            How far the step (13) goes; ``learning_rate_init`` by default.

        Returns
        -------
        handgrad.explain.trace.Trace
            Of the network itself, without the penalty alpha: of an ensemble, of its first
            network; a temperature of the probabilities comes after it. Dropout leaves out no unit.
        """
        lr = float(self.learning_rate_init if lr is None else lr)
        now = seen(self)
        if y is None:
            x, y_t, weight = now._dense_inputs(X), None, None
        else:
            x, y_t, weight = now._inside(X, y, sample_weight)
        params = now.model_.params
        traced = trace(now.model_.architecture, params, x, y_t, weight, lr=lr)
        check_finite(traced["score"], [params])
        return traced

    def gradient_check(
        self, X: Any, y: Any, sample_weight: Any = None, *, most_entries: int | None = 200
    ) -> GradientCheck:
        """Compare the gradients on these rows, penalty included, with complex steps.

        It computes in float64, whatever the precision of the network. A step costs a forward
        pass: a few dozen rows are enough.

        Parameters
        ----------
        X, y, sample_weight : as for fit
        most_entries : int or None, default=200
            Look at no more entries of W1, of b1, ... than so many; None for all.

        Returns
        -------
        handgrad.gradcheck.GradientCheck
        """
        now = seen(self)
        rows = now._inside(X, y, sample_weight)
        params = now.model_.params
        wide = params.like(params.flat.astype(np.float64))
        return check_gradients(
            now.model_.architecture,
            wide,
            rows.x.astype(np.float64),
            rows.y_t,
            None if rows.weight is None else rows.weight.astype(np.float64),
            float(self.alpha),
            most_entries=most_entries,
        )

    def _dense_inputs(self, X: Any) -> Array:
        """Encode rows as predicting does, to a dense matrix."""
        columns = self._check_fitted(X)
        dense = columns.toarray() if is_sparse(columns) else columns
        return self.model_.encoder.transform(dense, self.model_.params.flat.dtype)

    def _inside(self, X: Any, y: Any, sample_weight: Any) -> Rows:
        """Encode rows as training does, to a dense matrix."""
        columns = self._check_fitted(X)
        weight = check_weight(sample_weight, X)
        rows = self._encode(given_rows(columns, self._check_y(y, X), weight))
        x: Any = rows.x
        return rows._replace(x=x.toarray()) if is_sparse(x) else rows
