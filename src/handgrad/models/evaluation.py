"""How good are these predictions? For labels, several labels per row, and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.losses import log_logistic
from handgrad.models.calibration import calibration_error

Array = NDArray[Any]

MEASURES = {  # for numbers, in words
    "r2": "R2",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
    "pinball_loss": "pinball loss",
    "share_below": "share of rows below",
}


RISE, DROP = 1, -1
WORSE = {  # how each figure changes where predictions get worse
    "log_loss": RISE,
    "accuracy": DROP,
    "r2": DROP,
    "root_mean_squared_error": RISE,
    "pinball_loss": RISE,
}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The evaluation of labelled rows.

    Attributes
    ----------
    classes : array of shape (K,)
        The labels, in the order of the matrix.
    confusion : int array of shape (K, K), or float where rows have weights
        confusion[i, j] is the number of rows of true class i given class j, or their weight.
    log_loss : float
        Mean of -log(probability of the true class), in nats; never clipped.
    calibration_error : float
        The expected calibration error of the predicted class, see ``calibration``.
    n_weighted : int, optional
        The number of rows, where the matrix holds weights instead of counts.
    """

    classes: Array
    confusion: NDArray[Any]
    log_loss: float
    calibration_error: float
    n_weighted: int | None = None

    @property
    def n(self) -> int:
        """Count the rows."""
        return int(self.confusion.sum()) if self.n_weighted is None else self.n_weighted

    @property
    def accuracy(self) -> float:
        """The share of rows given their true class."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def figures(self) -> dict[str, float]:
        """The figures that tell good predictions from bad ones, the most telling first."""
        return {"log_loss": self.log_loss, "accuracy": self.accuracy}

    @property
    def support(self) -> NDArray[Any]:
        """The number of rows truly of each class, or their weight, shape (K,)."""
        rows: NDArray[Any] = self.confusion.sum(axis=1)
        return rows

    @property
    def precision(self) -> NDArray[np.float64]:
        """The share of the rows given a class that truly are of it; NaN where none were."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """The share of the rows truly of a class that were given it; NaN where none are."""
        return _share(np.diag(self.confusion), self.support)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    shares = np.full(len(part), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _mean(values: Array, weight: Array | None) -> Any:
    """Compute the mean over rows, column by column, weighted if there are weights."""
    if weight is None:
        return np.mean(values, axis=0, dtype=np.float64)
    relative = weight / weight.max()  # so that the sum is finite for any weights
    return np.average(values.astype(np.float64), axis=0, weights=relative)


def evaluate(
    y_t: NDArray[np.intp], log_proba: Array, classes: Array, weight: Array | None = None
) -> Evaluation:
    """Compare log-probabilities with the truth.

    Parameters
    ----------
    y_t : int array of shape (n,)
        True class numbers, n at least 1.
    log_proba : float array of shape (n, K)
    classes : array of shape (K,)
    weight : float array of shape (n,), optional
        How much each row counts: all at least 0, one above 0, with a finite sum.
    """
    K = len(classes)
    given = log_proba.argmax(axis=1)
    confusion = np.bincount(K * y_t + given, weight, minlength=K * K).reshape(K, K)
    log_loss = -float(_mean(log_proba[np.arange(len(y_t)), y_t], weight))
    error = calibration_error(given == y_t, np.exp(log_proba.max(axis=1)), weight)
    n_weighted = None if weight is None else len(y_t)
    return Evaluation(classes, confusion, log_loss, error, n_weighted)


@dataclass(frozen=True, eq=False)
class LabelsEvaluation:
    """The evaluation of rows that may have several labels at once.

    Attributes
    ----------
    names : tuple of str
        The K labels.
    n : int
        The number of rows.
    accuracy : float
        The share of rows whose labels are all right.
    label_accuracy : float
        The share of all answers, yes and no, that are right.
    log_loss : float
        Mean over rows of the sum of -log(probability of the truth), in nats; never clipped.
    precision, recall : float arrays of shape (K,)
        The share of right answers among the rows given a label, and among the rows that truly
        have it; NaN where there are none.
    support : int array of shape (K,), or float where rows have weights
        The number of rows that truly have each label, or their weight.
    """

    names: tuple[str, ...]
    n: int
    accuracy: float
    label_accuracy: float
    log_loss: float
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    support: NDArray[Any]

    @property
    def figures(self) -> dict[str, float]:
        """As those of ``Evaluation``."""
        return {"log_loss": self.log_loss, "accuracy": self.accuracy}


def evaluate_labels(
    y_t: Array, score: Array, names: Sequence[str], weight: Array | None = None
) -> LabelsEvaluation:
    """Compare the scores of several labels per row with the truth.

    Parameters
    ----------
    y_t : array of 0 and 1 of shape (n, K), n at least 1
    score : float array of shape (n, K)
        The scores before the logistic function: above 0 for yes.
    names : sequence of str
        The K labels.
    weight : float array of shape (n,), optional
        As for ``evaluate``.
    """
    true, given = y_t > 0, score > 0
    both = _total(true & given, weight)
    right = true == given
    loss = -log_logistic(np.where(true, score, -score).astype(np.float64))
    return LabelsEvaluation(
        tuple(names),
        len(y_t),
        accuracy=float(_mean(right.all(axis=1), weight)),
        label_accuracy=float(_mean(right.mean(axis=1), weight)),
        log_loss=float(_mean(loss.sum(axis=1), weight)),
        precision=_share(both, _total(given, weight)),
        recall=_share(both, _total(true, weight)),
        support=_total(true, weight),
    )


def _total(has: NDArray[np.bool_], weight: Array | None) -> NDArray[Any]:
    """Add up the rows that have each label, or their weights, shape (K,)."""
    total: NDArray[Any] = has.sum(axis=0) if weight is None else weight @ has
    return total


@dataclass(frozen=True, eq=False)
class NumbersEvaluation:
    """The evaluation of predicted numbers.

    Attributes
    ----------
    names : tuple of str
        The columns of predictions: one per target, or one for each of its quantiles.
    n : int
        The number of rows.
    measures : dict of str to float array of shape (columns,)
        "r2", "mean_absolute_error" and "root_mean_squared_error"; for quantiles "pinball_loss"
        and "share_below", the share of rows whose number is at most the quantile. R2 is NaN
        where the truth does not vary.
    """

    names: tuple[str, ...]
    n: int
    measures: dict[str, NDArray[np.float64]]

    @property
    def overall(self) -> dict[str, float]:
        """The mean of each measure over the columns; "share_below" only if there is one column."""
        measures = dict(self.measures)
        if len(self.names) > 1:
            measures.pop("share_below", None)
        return {name: float(values.mean()) for name, values in measures.items()}

    @property
    def figures(self) -> dict[str, float]:
        """As those of ``Evaluation``: the means over the columns."""
        return {name: value for name, value in self.overall.items() if name in WORSE}


Judgement = Evaluation | LabelsEvaluation | NumbersEvaluation


def worsening(before: Judgement, after: Judgement) -> dict[str, float]:
    """Tell how much worse each figure is afterwards: "log_loss_rise", "accuracy_drop" and so on."""
    later = after.figures
    with np.errstate(over="ignore"):
        return {
            f"{name}_{'rise' if WORSE[name] == RISE else 'drop'}": WORSE[name]
            * (later[name] - value)
            for name, value in before.figures.items()
        }


def worsening_words(name: str) -> str:
    """Name a figure of ``worsening`` for readers: "log-loss rise"."""
    figure, _, way = name.rpartition("_")
    return f"{MEASURES.get(figure, figure.replace('_', '-'))} {way}"


def evaluate_numbers(
    y_t: Array, prediction: Array, names: Sequence[str], weight: Array | None = None
) -> NumbersEvaluation:
    """Compare predicted numbers with the truth, both of shape (n, N_y), n at least 1.

    Weights are as for ``evaluate``.
    """
    y, off = y_t.astype(np.float64), prediction - y_t.astype(np.float64)
    counts = y if weight is None else y[weight > 0]
    varies = counts.max(axis=0) > counts.min(axis=0)
    spread = np.where(varies, _root_mean_square(y - _mean(y, weight), weight), np.nan)
    size = _root_mean_square(off, weight)
    with np.errstate(over="ignore"):  # errors far larger than the spread of the truth
        unexplained = np.minimum((size / spread) ** 2, np.finfo(np.float64).max)
    measures = {
        "r2": 1 - unexplained,
        "mean_absolute_error": _mean(np.abs(off), weight),
        "root_mean_squared_error": size,
    }
    return NumbersEvaluation(tuple(names), len(y), measures)


def evaluate_quantiles(
    y_t: Array,
    prediction: Array,
    quantiles: Sequence[float],
    names: Sequence[str],
    weight: Array | None = None,
) -> NumbersEvaluation:
    """Compare quantiles (n, N_y Q), target by target, with the truth (n, N_y), n at least 1.

    Weights are as for ``evaluate``.
    """
    q = np.tile(quantiles, y_t.shape[1])
    off = np.repeat(y_t.astype(np.float64), len(quantiles), axis=1) - prediction
    measures = {
        "pinball_loss": _mean(np.maximum(q * off, (q - 1) * off), weight),
        "share_below": _mean(off <= 0, weight),
    }
    return NumbersEvaluation(tuple(names), len(y_t), measures)


def _root_mean_square(x: NDArray[np.float64], weight: Array | None) -> NDArray[np.float64]:
    """Compute the root mean square of each column without overflow, shape (columns,)."""
    largest = np.abs(x).max(axis=0)
    scale = np.where(largest > 0, largest, 1)
    root: NDArray[np.float64] = scale * np.sqrt(_mean(np.square(x / scale), weight))
    return root


def support_heading(evaluation: Evaluation | LabelsEvaluation) -> str:
    """Name the unit of a support: rows, or their weight."""
    return "weight" if evaluation.support.dtype.kind == "f" else "rows"


def support_shown(value: float) -> str:
    """Write a count of rows, or their weight."""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.4g}"
