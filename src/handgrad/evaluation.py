"""How good are these predictions? Accuracy, log-loss, calibration, and the confusion matrix."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.calibration import calibration_error

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The judgement on labelled rows.

    Attributes
    ----------
    classes : array of shape (K,)
        The labels, in the order of the matrix.
    confusion : int array of shape (K, K)
        confusion[i, j] rows of true class i were given class j.
    log_loss : float
        Mean of -log(probability of the true class), in nats; never clipped.
    calibration_error : float
        How far the probability of the class given lies from being right, see ``calibration``.
    """

    classes: Array
    confusion: NDArray[np.intp]
    log_loss: float
    calibration_error: float

    @property
    def n(self) -> int:
        """Count the rows."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of rows given their true class."""
        return float(np.trace(self.confusion) / self.n)

    @property
    def support(self) -> NDArray[np.intp]:
        """Rows that truly are of each class, shape (K,)."""
        rows: NDArray[np.intp] = self.confusion.sum(axis=1)
        return rows

    @property
    def precision(self) -> NDArray[np.float64]:
        """Of the rows given a class, the share that truly is of it; NaN where none was."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """Of the rows truly of a class, the share that was given it; NaN where there are none."""
        return _share(np.diag(self.confusion), self.support)


def _share(part: NDArray[np.intp], whole: NDArray[np.intp]) -> NDArray[np.float64]:
    shares = np.full(len(part), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def evaluate(y_t: NDArray[np.intp], log_proba: Array, classes: Array) -> Evaluation:
    """Compare log-probabilities with the truth.

    Parameters
    ----------
    y_t : int array of shape (n,)
        True class numbers, n at least 1.
    log_proba : float array of shape (n, K)
    classes : array of shape (K,)
    """
    K = len(classes)
    given = log_proba.argmax(axis=1)
    confusion = np.bincount(K * y_t + given, minlength=K * K).reshape(K, K)
    true_log_proba = log_proba[np.arange(len(y_t)), y_t]
    log_loss = -float(np.mean(true_log_proba, dtype=np.float64))
    error = calibration_error(given == y_t, np.exp(log_proba.max(axis=1)))
    return Evaluation(classes, confusion, log_loss, error)
