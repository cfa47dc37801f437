"""Are the probabilities right? Measure it, and correct them with one number."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.losses import LossSettings
from handgrad.outputs import OUTPUTS

Array = NDArray[Any]

COLDEST, HOTTEST = 1e-2, 1e2  # temperatures beyond these make every answer certain, or none


def fit_temperature(output: str, score: Array, y_t: Array, weight: Array | None = None) -> float:
    """Find the T for which score / T has the least cross-entropy (Guo et al., 2017).

    One T for all classes changes no decision, only its confidence. The loss is convex in 1/T.
    A pseudo-row that belongs equally to all classes is added to the truth, as Platt (1999) adds
    two: without it a few rows, all of them right, would make every later answer certain. It
    counts as one of the distinct rows, so neither repeating rows nor scaling weights changes T.

    Parameters
    ----------
    output : str
        "softmax" or "logistic".
    score : float array of shape (n, N_y)
        Scores of rows that were not used for training.
    y_t, weight : arrays
        As for ``outputs.Output.mean_loss``.
    """
    from scipy.optimize import brentq

    wide, head = score.astype(np.float64), OUTPUTS[output]
    spread = LossSettings(label_smoothing=1 / (_count_distinct(wide, y_t, weight) + 1))

    def slope(log_t: float) -> float:  # the derivative of the loss in 1/T
        y = head.predict(wide / math.exp(log_t))
        return float(np.sum(wide * head.dscore(y, y_t, weight, spread)))

    ends = math.log(COLDEST), math.log(HOTTEST)
    at_ends = [slope(end) for end in ends]
    if at_ends[0] * at_ends[1] < 0:
        # The slope's root is exact to the last digits; the loss's minimum only to half of them.
        return math.exp(brentq(slope, *ends, xtol=1e-15))
    if not any(at_ends):  # the scores say nothing
        return 1.0
    return COLDEST if sum(at_ends) < 0 else HOTTEST


def _count_distinct(score: Array, y_t: Array, weight: Array | None) -> int:
    rows = np.column_stack([score, y_t])
    return len(np.unique(rows if weight is None else rows[weight > 0], axis=0))


def calibration_error(
    right: NDArray[np.bool_], confidence: Array, weight: Array | None = None, n_bins: int = 15
) -> float:
    """Compute the expected calibration error, the gap between confidence and accuracy.

    Rows go into bins of equal width by their confidence; the error is the mean over rows of
    |accuracy - mean confidence| in their bin (Guo et al., 2017). 0 is perfect.

    Parameters
    ----------
    right : bool array of shape (n,)
        Whether the most probable class of each row was the true one.
    confidence : float array of shape (n,)
        The probability of the most probable class.
    weight : float array of shape (n,), optional
    n_bins : int
    """
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1; got {n_bins}")
    weight = np.ones(len(right)) if weight is None else weight / weight.max()
    bins = np.clip(np.ceil(confidence * n_bins).astype(np.intp) - 1, 0, n_bins - 1)
    excess = np.bincount(bins, weight * (right - confidence.astype(np.float64)), n_bins)
    return float(np.abs(excess).sum() / weight.sum())
