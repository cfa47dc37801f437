"""From scores to probabilities and to the loss, and back to dscore.

Three outputs stand here, each a prediction y of the scores with the loss that fits it:

    softmax     y = softmax(score)     cross-entropy           y_t of shape (n,), class numbers
    logistic    y = logistic(score)    binary cross-entropy    y_t of shape (n, N_y), 0 or 1
    identity    y = score              half the squared error  y_t of shape (n, N_y), numbers

The pairs are chosen so that one formula is the derivative of all three, prediction minus
target over n: equation 6 of docs/derivation.md, which proves it for each.

Losses are computed from the scores, never from the logarithm of a probability that may have
underflowed to 0, and their means accumulate in float64.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import identity, logistic

Array = NDArray[Any]


def softmax(score: Array) -> Array:
    # Subtracting the row's maximum changes no quotient and keeps exp from overflowing.
    e = np.exp(score - score.max(axis=1, keepdims=True))
    y: Array = e / e.sum(axis=1, keepdims=True)
    return y


def log_softmax(score: Array) -> Array:
    """Compute log softmax(score), shape (n, N_y): finite where the softmax itself underflows."""
    shifted = score - score.max(axis=1, keepdims=True)
    log_y: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return log_y


def log_logistic(score: Array) -> Array:
    """Compute log(1 / (1 + exp(-score))), finite for every finite score."""
    # min(s, 0) - log(1 + e^-|s|); written with where, so that complex scores keep their sign
    tail: Array = np.log1p(np.exp(np.where(score > 0, -score, score)))
    return np.where(score > 0, 0, score) - tail


def cross_entropy(score: Array, y_t: Array) -> Array:
    """Compute -log softmax(score)[i, y_t[i]] of each row, shape (n,)."""
    shifted = score - score.max(axis=1, keepdims=True)
    log_sum_exp = np.log(np.exp(shifted).sum(axis=1))
    rows: Array = log_sum_exp - shifted[np.arange(len(y_t)), y_t]
    return rows


def binary_cross_entropy(score: Array, y_t: Array) -> Array:
    """Compute -y_t log y - (1 - y_t) log(1 - y), summed over outputs, shape (n,)."""
    # log(1 - y) = log y - score, so the two terms become y_t score - log y
    rows: Array = ((1 - y_t) * score - log_logistic(score)).sum(axis=1)
    return rows


def squared_error(score: Array, y_t: Array) -> Array:
    """Compute half the squared distance of prediction and target, shape (n,)."""
    rows: Array = (0.5 * (score - y_t) ** 2).sum(axis=1)
    return rows


class Output(NamedTuple):
    predict: Callable[[Array], Array]  # score (n, N_y) -> y (n, N_y)
    row_losses: Callable[[Array, Array], Array]  # score, y_t -> (n,)


OUTPUTS = {
    "softmax": Output(softmax, cross_entropy),
    "logistic": Output(logistic, binary_cross_entropy),
    "identity": Output(identity, squared_error),
}


def mean_loss(output: str, score: Array, y_t: Array, weight: Array | None = None) -> Any:
    """Compute equation 5, L = (1/n) sum_i weight_i loss_i, as a scalar of float64 or complex128.

    The weights are used as they come: weights of mean 1 make L a weighted mean.
    """
    rows = OUTPUTS[output].row_losses(score, y_t)  # (n,)
    if weight is not None:
        rows = weight * rows
    return np.mean(rows, dtype=np.result_type(rows, np.float64))


def dscore(y: Array, y_t: Array, weight: Array | None = None) -> Array:
    """Compute equation 6, dscore = weight (y - target) / n, shape (n, N_y), for every output."""
    n = len(y)
    difference = y.copy()
    if y_t.ndim == 1:  # class numbers: the target is 1 in column y_t[i], else 0
        difference[np.arange(n), y_t] -= 1
    else:
        difference -= y_t
    difference /= n
    if weight is not None:
        difference *= weight[:, None]
    return difference


def correct(output: str, score: Array, y_t: Array) -> NDArray[np.bool_]:
    """Tell for each row whether its prediction is right, shape (n,).

    The softmax picks the class of the highest score, the first of several; each logistic
    output says yes above a score of 0, and all outputs of a row must be right. A row of
    numbers counts as right only where it is exact.
    """
    if output == "softmax":
        picked: NDArray[np.bool_] = score.argmax(axis=1) == y_t
        return picked
    decided = (score > 0) if output == "logistic" else score
    right: NDArray[np.bool_] = (decided == y_t).all(axis=1)
    return right
