"""Losses of numbers, smoothed and soft labels: what losses.py adds to the three of kernels.py.

Scores and targets lie as there: of class c and row i, at S[c * s_row + i].
"""

from numba import njit

from handgrad.engines.compiled.called import called_by_name
from handgrad.engines.compiled.kernels import exp, log
from handgrad.engines.compiled.layout import OUTPUT_NAMES
from handgrad.engines.compiled.vectors import (
    at,
    fma,
    highest_exponent,
    lanes,
    load,
    splat,
    store,
    where_greater,
)

compiled = njit(error_model="numpy", nogil=True)

# The losses of the first three stand in kernels.py.
SOFTMAX, BINARY, SQUARED, ABSOLUTE, HUBER, QUANTILE, POISSON = (
    OUTPUT_NAMES.index(name)
    for name in ("softmax", "logistic", "identity", "absolute", "huber", "quantile", "poisson")
)


@compiled
def _absolute(off):
    zero, one = splat(off, 0.0), splat(off, 1.0)
    size = where_greater(off, zero, off, zero - off)
    return size, where_greater(off, zero, one, where_greater(zero, off, zero - one, zero))


@compiled
def _huber(off, delta):
    zero, half = splat(off, 0.0), splat(off, 0.5)
    size = where_greater(off, zero, off, zero - off)
    held = where_greater(size, delta, delta, size)
    return held * (size - half * held), where_greater(off, zero, held, zero - held)


@compiled
def _quantile(off, q):
    zero, one = splat(off, 0.0), splat(off, 1.0)
    slope = where_greater(off, zero, one - q, zero - q)
    return slope * off, slope


@compiled
def _poisson(s, t):
    zero, one, highest = splat(s, 0.0), splat(s, 1.0), highest_exponent(s)
    y = where_greater(s, highest, exp(s) / zero, exp(s))  # infinite, as it must be noticed
    log_t = log(where_greater(t, zero, t, one))
    off = y - t
    return off - t * (s - log_t), off


@called_by_name("piiipipdppidpi")
def number_loss(S, s_row, n, n_outputs, T, t_row, weight, share, loss, hit, kind, delta, Q, n_q):
    """Replace the scores of n rows by dscore; write each row's weighted loss, and no hit.

    Q holds the n_q quantiles; without them n_q is 1. share is 1/n of the batch.
    """
    zero = splat(S, 0.0)
    for start in range(0, n, lanes(S)):
        w = load(at(weight, start))
        row_loss = zero
        for c in range(n_outputs):
            place = at(S, c * s_row + start)
            s, t = load(place), load(at(T, c // n_q * t_row + start))
            if kind == ABSOLUTE:
                part, slope = _absolute(s - t)
            elif kind == HUBER:
                part, slope = _huber(s - t, splat(S, delta))
            elif kind == QUANTILE:
                part, slope = _quantile(s - t, splat(S, Q[c % n_q]))
            else:
                part, slope = _poisson(s, t)
            row_loss = row_loss + part
            store(place, slope * (w * splat(S, share)))
        store(at(loss, start), w * row_loss)
        store(at(hit, start), zero)


@called_by_name("piiikp")
def excess_of_true(S, s_row, n, n_classes, y_t, excess):
    """Write by how much each row's true score exceeds the mean of its scores."""
    width = lanes(S)
    for start in range(0, n, width):
        mean = splat(S, 0.0)
        for c in range(n_classes):
            mean = mean + load(at(S, c * s_row + start))
        store(at(excess, start), mean / splat(S, n_classes))
        for i in range(start, min(n, start + width)):
            excess[i] = S[y_t[i] * s_row + i] - excess[i]


@called_by_name("piiikppddp")
def smooth(S, s_row, n, n_classes, y_t, excess, weight, share, smoothing, loss):
    """Turn loss and dscore of the softmax into those of smoothed labels.

    To the target come ``smoothing`` times 1/K - 1[y_t], and so to the loss comes that part of
    the true score's excess.
    """
    width = lanes(S)
    for start in range(0, n, width):
        w = splat(S, smoothing) * load(at(weight, start))
        part = w * splat(S, share)
        store(at(loss, start), fma(w, load(at(excess, start)), load(at(loss, start))))
        for c in range(n_classes):
            place = at(S, c * s_row + start)
            store(place, load(place) - part / splat(S, n_classes))
        store(at(excess, start), part)
        for i in range(start, min(n, start + width)):
            S[y_t[i] * s_row + i] += excess[i]


@called_by_name("piiipipdppd")
def soft_loss(S, s_row, n, n_classes, T, t_row, weight, share, loss, hit, smoothing):
    """Do what ``softmax_loss`` and ``smooth`` do, for probabilities T as targets of the classes.

    Each operation is that of theirs: a target of 0 and 1 gives the bits of a label.
    """
    zero = splat(S, 0.0)
    for start in range(0, n, lanes(S)):
        top, best = load(at(S, start)), zero
        likeliest, true = load(at(T, start)), zero
        for c in range(1, n_classes):
            s, t = load(at(S, c * s_row + start)), load(at(T, c * t_row + start))
            best = where_greater(s, top, splat(S, c), best)
            top = where_greater(s, top, s, top)
            true = where_greater(t, likeliest, splat(S, c), true)
            likeliest = where_greater(t, likeliest, t, likeliest)
        e_sum, gap, mean, wished = zero, zero, zero, zero
        for c in range(n_classes):
            place = at(S, c * s_row + start)
            s, t = load(place), load(at(T, c * t_row + start))
            e = exp(s - top)
            store(place, e)
            e_sum, gap = e_sum + e, fma(t, top - s, gap)
            mean, wished = mean + s, fma(t, s, wished)
        w = load(at(weight, start))
        row_loss = w * (log(e_sum) + gap)
        scale = w * splat(S, share) / e_sum
        part = zero
        if smoothing > 0:
            w_smooth = splat(S, smoothing) * w
            row_loss = fma(w_smooth, wished - mean / splat(S, n_classes), row_loss)
            part = w_smooth * splat(S, share)
        for c in range(n_classes):  # y - t = (e - t e_sum) / e_sum
            place = at(S, c * s_row + start)
            t = load(at(T, c * t_row + start))
            slope = (load(place) - t * e_sum) * scale
            if smoothing > 0:
                slope = fma(t, part, slope - part / splat(S, n_classes))
            store(place, slope)
        store(at(loss, start), row_loss)
        right = where_greater(best, true, zero, where_greater(true, best, zero, w))
        store(at(hit, start), right)
