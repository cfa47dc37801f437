"""From scores to probabilities and to the loss, and back to dscore.

An output turns scores into a prediction y, and has the loss that fits it:

    softmax     y = softmax(score)     cross-entropy           y_t of shape (n,), class numbers,
                                                               or (n, N_y), their probabilities
    logistic    y = logistic(score)    binary cross-entropy    y_t of shape (n, N_y), 0 to 1
    identity    y = score              half the squared error  y_t of shape (n, N_y), numbers
    poisson     y = exp(score)         half the deviance       y_t of shape (n, N_y), counts >= 0

These pairs are chosen so that one formula is the derivative of all, prediction minus target over
n: equation 6 of docs/derivation.md, which proves it for the first three. (For the last, the
derivative of e^score - y_t score is e^score - y_t.) Three more losses for numbers, with
y = score, are less sensitive to outliers. Their derivative is not prediction minus target, but
a bounded function of it:

    absolute    |y - y_t|                                 its sign
    huber       squared up to delta, linear from there    y - y_t, held between -delta and delta
    quantile    q (y_t - y) or (1 - q) (y - y_t), which   -q below the target, 1 - q above it
                is not negative, for each quantile q

A class number c is the same target as a row of probabilities that is 1 in column c and 0 in the
others, to the bit. Whatever the target, a row's cross-entropy is least where y equals it.

Label smoothing s replaces the target 1[y_t] of a class by (1 - s) 1[y_t] + s/K, where K is N_y
for the softmax and 2 for each logistic output (Szegedy et al., 2016). The loss is then the
cross-entropy with that target, and equation 6 still holds.

Losses are computed from the scores, never from the logarithm of a probability that may have
underflowed to 0, and their means accumulate in float64.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class LossSettings:
    """The settings that some losses have.

    Attributes
    ----------
    label_smoothing : float
        For softmax and logistic: the share of each target that is spread over all classes.
    delta : float
        For huber: the error beyond which the loss grows only linearly.
    quantiles : tuple of float
        For quantile: the quantiles to predict, each between 0 and 1 (both excluded). The
        outputs are all quantiles of the first target, then all of the second, and so on.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    label_smoothing: float = 0.0
    delta: float = 1.0
    quantiles: tuple[float, ...] = (0.5,)

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"label_smoothing must be at least 0 and below 1; got {self.label_smoothing}"
            )
        if not 0 < self.delta < np.inf:
            raise ValueError(f"delta must be above 0 and finite; got {self.delta}")
        if not self.quantiles or not all(0 < q < 1 for q in self.quantiles):
            raise ValueError(
                f"quantiles must be numbers between 0 and 1, at least one; got {self.quantiles}"
            )


PLAIN = LossSettings()


FEW = 32  # scores of a row


def _highest(score: Array) -> Array:
    """Find each row's largest score, (n, 1): of few, in a sixth of the time column by column."""
    if score.shape[1] > FEW:
        return np.asarray(score.max(axis=1, keepdims=True))
    return np.asarray(np.ascontiguousarray(score.T).max(axis=0)[:, np.newaxis])


def softmax(score: Array) -> Array:
    # Subtracting the row's maximum changes no quotient and keeps exp from overflowing.
    e = np.exp(score - _highest(score))
    y: Array = e / e.sum(axis=1, keepdims=True)
    return y


def log_softmax(score: Array) -> Array:
    """Compute log softmax(score), shape (n, N_y): finite where the softmax itself underflows."""
    shifted = score - _highest(score)
    log_y: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return log_y


def log_logistic(score: Array) -> Array:
    """Compute log(1 / (1 + exp(-score))), finite for every finite score."""
    # min(s, 0) - log(1 + e^-|s|); written with where, so that complex scores keep their sign
    tail: Array = np.log1p(np.exp(np.where(score > 0, -score, score)))
    return np.where(score > 0, 0, score) - tail


def never_certain(y: Array) -> Array:
    """Hold probabilities between 0 and 1, both excluded."""
    one = y.dtype.type(1)
    held: Array = np.clip(y, np.finfo(one).tiny, np.nextafter(one, 0 * one))
    return held


def held_finite(log_y: Array) -> Array:
    """Keep logarithms above minus infinity, since differences of huge scores may overflow."""
    finite: Array = np.maximum(log_y, np.finfo(log_y.dtype).min)
    return finite


def cross_entropy(score: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    """Compute -sum target log softmax(score) for each row, shape (n,).

    The target of row i is 1 in column y_t[i] and 0 elsewhere, or y_t[i] itself.
    """
    shifted = score - _highest(score)
    log_sum_exp = np.log(np.exp(shifted).sum(axis=1))
    true = (y_t * shifted).sum(axis=1) if y_t.ndim == 2 else shifted[np.arange(len(y_t)), y_t]
    smoothing = settings.label_smoothing
    if smoothing:
        true = (1 - smoothing) * true + smoothing * shifted.mean(axis=1)
    rows: Array = log_sum_exp - true
    return rows


def cross_entropy_backward(y: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    # y - target, whose rows sum to 1: so log_sum_exp has the slope y, and true the target
    n, N_y = y.shape
    smoothing = settings.label_smoothing
    difference = y - smoothing / N_y if smoothing else y.copy()
    if y_t.ndim == 2:
        difference -= (1 - smoothing) * y_t
    else:
        difference[np.arange(n), y_t] -= 1 - smoothing
    return difference


def binary_cross_entropy(score: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    """Compute -y_t log y - (1 - y_t) log(1 - y), summed over outputs, shape (n,)."""
    # log(1 - y) = log y - score, so the two terms become y_t score - log y
    rows: Array = ((1 - _smoothed(y_t, settings)) * score - log_logistic(score)).sum(axis=1)
    return rows


def binary_cross_entropy_backward(y: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    difference: Array = np.subtract(y, _smoothed(y_t, settings), dtype=y.dtype)
    return difference


def _smoothed(y_t: Array, settings: LossSettings) -> Array:
    smoothing = settings.label_smoothing
    return (1 - smoothing) * y_t + smoothing / 2 if smoothing else y_t


def squared_error(score: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    """Compute half the squared distance between prediction and target, shape (n,)."""
    rows: Array = (0.5 * (score - y_t) ** 2).sum(axis=1)
    return rows


def squared_error_backward(y: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    difference: Array = np.subtract(y, y_t, dtype=y.dtype)
    return difference


def poisson_deviance(score: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    """Compute y - y_t - y_t log(y / y_t) for y = exp(score), summed over outputs, shape (n,).

    This is half the deviance of the Poisson distribution (McCullagh and Nelder, 1989). It is
    y - y_t score plus a term in y_t alone, which makes the loss of a perfect prediction 0.
    """
    log_y_t = np.log(np.where(y_t > 0, y_t, 1))
    rows: Array = (np.exp(score) - y_t - y_t * (score - log_y_t)).sum(axis=1)
    return rows


def absolute_error(score: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    """Compute |y - y_t|, summed over outputs, shape (n,)."""
    rows: Array = _size(score - y_t).sum(axis=1)
    return rows


def absolute_error_backward(y: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    # 0 where the prediction is exact: between the slopes -1 and 1 on either side
    slope: Array = np.sign(y - y_t)
    return slope


def _size(difference: Array) -> Array:
    # an absolute value that keeps a complex step
    return np.where(difference > 0, difference, -difference)


def huber_loss(score: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    """Compute d^2/2 for d = |y - y_t| <= delta, else delta (d - delta/2), shape (n,).

    It is summed over outputs (Huber, 1964).
    """
    off = _size(score - y_t)
    held = np.where(off > settings.delta, settings.delta, off)
    rows: Array = (held * (off - held / 2)).sum(axis=1)
    return rows


def huber_loss_backward(y: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    slope: Array = np.clip(y - y_t, -settings.delta, settings.delta)
    return slope


def quantile_loss(score: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    """Compute q (y_t - y) for y <= y_t, else (1 - q) (y - y_t), summed over outputs, shape (n,).

    The expected loss is smallest where a share q of the targets lies below y (Koenker and
    Bassett, 1978). y_t has shape (n, targets), score (n, targets * quantiles).
    """
    off, q = _off_by_quantile(score, y_t, settings)
    rows: Array = np.where(off > 0, (1 - q) * off, -q * off).sum(axis=1)
    return rows


def quantile_loss_backward(y: Array, y_t: Array, settings: LossSettings = PLAIN) -> Array:
    off, q = _off_by_quantile(y, y_t, settings)
    return np.where(off > 0, 1 - q, -q)


def _off_by_quantile(y: Array, y_t: Array, settings: LossSettings) -> tuple[Array, Array]:
    count = len(settings.quantiles)
    off = y - np.repeat(y_t, count, axis=1)
    return off, np.tile(np.asarray(settings.quantiles, off.real.dtype), y_t.shape[1])


def exponential(score: Array) -> Array:
    y: Array = np.exp(score)
    return y


def mean_of(values: Array, shares: Array | None = None) -> Array:
    """Average (k, n, N_y) over the first axis; k shares sum to 1, and none are equal ones."""
    if shares is None:
        return np.asarray(values.mean(axis=0))
    return np.asarray((shares[:, None, None] * values).sum(axis=0))


def log_mean_exp(logarithms: Array, shares: Array | None = None) -> Array:
    """Compute log mean exp over the first axis, without overflow: see ``mean_of``."""
    largest = logarithms.max(axis=0)
    mean: Array = largest + np.log(mean_of(np.exp(logarithms - largest), shares))
    return mean


def mean_loss(rows: Array, weight: Array | None = None) -> Any:
    """Compute equation 5, L = (1/n) sum_i weight_i loss_i, as a scalar of float64 or complex128.

    The weights are used as given: weights of mean 1 make L a weighted mean. ``rows`` holds the
    loss of each row, (n,); outputs.py says which function above computes it.
    """
    if weight is not None:
        rows = weight * rows
    return np.mean(rows, dtype=np.result_type(rows, np.float64))


def dscore(difference: Array, weight: Array | None = None) -> Array:
    """Compute equation 6, dscore = weight (y - target) / n, in place, shape (n, N_y).

    ``difference`` is y - target, or the slope that the loss has in its place, as listed above.
    """
    difference /= len(difference)
    if weight is not None:
        difference *= weight[:, None]
    return difference
