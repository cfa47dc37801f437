"""What estimators of labels, and of numbers, predict and how they are judged."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import d2_pinball_score
from sklearn.utils.validation import check_consistent_length

from handgrad.errors import DataError
from handgrad.estimators.checks import as_rows, check_weight
from handgrad.estimators.fitted import Fitted
from handgrad.estimators.targets import check_labels, check_numbers, labels_to_judge
from handgrad.models.calibration import calibration_error
from handgrad.tables.labels import encode_labels

Array = NDArray[Any]

LEAST = float(np.finfo(np.float64).min)


class PredictsLabels(ClassifierMixin, Fitted):
    """One label a row, or several."""

    @property
    def classes_(self) -> Array:
        return self.model_.classes

    @property
    def temperature_(self) -> float:
        return self.model_.temperature

    def expected_calibration_error(
        self, X: Any, y: Any, sample_weight: Any = None, n_bins: int = 15
    ) -> float:
        """Measure how far the probability of the predicted class lies from being right.

        See ``handgrad.models.calibration.calibration_error``; 0 is perfect, 0.1 means that answers
        given with 90 % are right 80 % or all of the time.
        """
        model, columns = self._asked(X)
        if model.is_multilabel:
            raise ValueError("the calibration error is that of one label a row; y has several")
        proba = model.predict_proba(columns)
        if not len(proba):
            raise DataError("there are no rows; at least one is needed")
        right = encode_labels(check_labels(y, X), model.classes) == proba.argmax(axis=1)
        return calibration_error(right, proba.max(axis=1), check_weight(sample_weight, X), n_bins)

    def predict(self, X: Any) -> Array:
        """Give the most probable label of each row, shape (n_samples,).

        Where a row may have several: 1 for each more probable than not, (n_samples, n_labels).
        """
        model, columns = self._asked(X)
        return model.predict(columns)

    def predict_proba(self, X: Any) -> Array:
        """Compute the probability of each class, shape (n_samples, n_classes)."""
        model, columns = self._asked(X)
        return model.predict_proba(columns)

    def predict_log_proba(self, X: Any) -> Array:
        """Compute the logarithm of each class's probability, shape (n_samples, n_classes).

        It comes from the scores and stays finite where the probability underflows to 0.
        """
        model, columns = self._asked(X)
        return model.predict_log_proba(columns)

    def decision_function(self, X: Any) -> Array:
        """Compute the scores before softmax, shape (n_samples, n_classes).

        For two classes it is the one score of ``classes_[1]``, shape (n_samples,): positive
        where that class is predicted.
        """
        model, columns = self._asked(X)
        scores = model.scores(columns)
        return scores[:, 0] if model.architecture.head.is_binary(scores.shape[1]) else scores

    def _truth(self, y: Any, X: Any) -> Array:
        labels = labels_to_judge(y)
        check_consistent_length(as_rows(X), labels)
        return labels if labels.ndim > 1 else encode_labels(labels, self.classes_)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the share of rows whose label, or whose labels all, are right."""
        X = as_rows(X)
        return float(super().score(X, labels_to_judge(y), check_weight(sample_weight, X)))


class PredictsNumbers(RegressorMixin, Fitted):
    """One number a row, or several."""

    def predict(self, X: Any) -> Array:
        """Predict the numbers of each row, shape (n_samples,) or (n_samples, n_outputs).

        Of several quantiles, a column each; of several numbers, all quantiles of the first, then
        all of the second, and so on.
        """
        model, columns = self._asked(X)
        numbers = model.predict_numbers(columns)
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def _truth(self, y: Any, X: Any) -> Array:
        return check_numbers(y, X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute R2; of quantiles, its likeness by their own loss (``d2_pinball_score``)."""
        X = as_rows(X)
        y = check_numbers(y, X)
        sample_weight = check_weight(sample_weight, X)
        task: Any = self._task
        if not task.head.predicts_quantiles:
            with np.errstate(over="ignore"):  # far beyond a y that hardly varies
                return max(float(super().score(X, y, sample_weight)), LEAST)
        quantiles = task.ascending_quantiles()
        y = y.reshape(len(y), -1)
        predicted = self.predict(X).reshape(len(y), -1, len(quantiles))
        scores = [
            d2_pinball_score(y, predicted[:, :, k], sample_weight=sample_weight, alpha=q)
            for k, q in enumerate(quantiles)
        ]
        return float(np.mean(scores))
