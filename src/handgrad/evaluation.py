"""How good are these predictions? Of labels, of several labels a row, and of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.calibration import calibration_error
from handgrad.losses import log_logistic

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


@dataclass(frozen=True, eq=False)
class LabelsEvaluation:
    """The judgement on rows that may have several labels at once.

    Attributes
    ----------
    names : tuple of str
        The K labels.
    n : int
        Rows.
    accuracy : float
        Share of rows whose labels are all right.
    label_accuracy : float
        Share of all answers that are right, yes and no.
    log_loss : float
        Mean of a row's sum of -log(probability of the truth), in nats; never clipped.
    precision, recall : float arrays of shape (K,)
        Of the rows given a label, and of those that truly have it; NaN where there are none.
    support : int array of shape (K,)
        Rows that truly have each label.
    """

    names: tuple[str, ...]
    n: int
    accuracy: float
    label_accuracy: float
    log_loss: float
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    support: NDArray[np.intp]


def evaluate_labels(y_t: Array, score: Array, names: Sequence[str]) -> LabelsEvaluation:
    """Compare the scores of several labels a row with the truth.

    Parameters
    ----------
    y_t : array of 0 and 1 of shape (n, K), n at least 1
    score : float array of shape (n, K)
        Above 0 for yes, before the logistic function.
    names : sequence of str
        The K labels.
    """
    true, given = y_t > 0, score > 0
    both = (true & given).sum(axis=0)
    right = true == given
    loss = -log_logistic(np.where(true, score, -score).astype(np.float64))
    return LabelsEvaluation(
        tuple(names),
        len(y_t),
        accuracy=float(right.all(axis=1).mean()),
        label_accuracy=float(right.mean()),
        log_loss=float(loss.sum(axis=1).mean()),
        precision=_share(both, given.sum(axis=0)),
        recall=_share(both, true.sum(axis=0)),
        support=true.sum(axis=0),
    )


@dataclass(frozen=True, eq=False)
class NumbersEvaluation:
    """The judgement on predicted numbers.

    Attributes
    ----------
    names : tuple of str
        The columns of predictions: one a target, or one for each of its quantiles.
    n : int
        Rows.
    measures : dict of str to float array of shape (columns,)
        "r2", "mean_absolute_error", "root_mean_squared_error"; of quantiles "pinball_loss", and
        "share_below", the part of the rows whose number is at most the quantile. R2 is NaN where
        the truth does not vary.
    """

    names: tuple[str, ...]
    n: int
    measures: dict[str, NDArray[np.float64]]

    @property
    def overall(self) -> dict[str, float]:
        """Mean of each measure over the columns; shares below several quantiles have none."""
        measures = dict(self.measures)
        if len(self.names) > 1:
            measures.pop("share_below", None)
        return {name: float(values.mean()) for name, values in measures.items()}


Judgement = Evaluation | LabelsEvaluation | NumbersEvaluation


def evaluate_numbers(y_t: Array, prediction: Array, names: Sequence[str]) -> NumbersEvaluation:
    """Compare predicted numbers with the truth, both of shape (n, N_y), n at least 1."""
    y, off = y_t.astype(np.float64), prediction - y_t.astype(np.float64)
    varies = y.max(axis=0) > y.min(axis=0)
    spread = np.where(varies, _root_mean_square(y - y.mean(axis=0)), np.nan)
    size = _root_mean_square(off)
    measures = {
        "r2": 1 - (size / spread) ** 2,
        "mean_absolute_error": np.abs(off).mean(axis=0),
        "root_mean_squared_error": size,
    }
    return NumbersEvaluation(tuple(names), len(y), measures)


def evaluate_quantiles(
    y_t: Array, prediction: Array, quantiles: Sequence[float], names: Sequence[str]
) -> NumbersEvaluation:
    """Compare quantiles (n, N_y Q), target by target, with the truth (n, N_y), n at least 1."""
    q = np.tile(quantiles, y_t.shape[1])
    off = np.repeat(y_t.astype(np.float64), len(quantiles), axis=1) - prediction
    measures = {
        "pinball_loss": np.maximum(q * off, (q - 1) * off).mean(axis=0),
        "share_below": (off <= 0).mean(axis=0),
    }
    return NumbersEvaluation(tuple(names), len(y_t), measures)


def _root_mean_square(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute it column by column without overflow, shape (columns,)."""
    largest = np.abs(x).max(axis=0)
    scale = np.where(largest > 0, largest, 1)
    root: NDArray[np.float64] = scale * np.sqrt(np.square(x / scale).mean(axis=0))
    return root
