"""The compiled engine's arithmetic: exp and log, sums, and the losses of softmax and logistic.

Vectors go over elements, or over rows where a row has few classes.
"""

import math

from numba import njit

from handgrad.engines.compiled.called import called_by_name
from handgrad.engines.compiled.vectors import (
    at,
    exponent_of,
    fma,
    highest_exponent,
    lanes,
    load,
    lowest_exponent,
    power_of_two,
    rint,
    series,
    splat,
    store,
    total,
    where_greater,
)

compiled = njit(error_model="numpy", nogil=True)

LOG2_E, LN_2, ROOT_2 = math.log2(math.e), math.log(2), math.sqrt(2)
LN_2_HIGH = 45426 / 65536  # so short that k LN_2_HIGH is exact
LN_2_LOW = 1.42860682030941723212e-6  # ln(2) - LN_2_HIGH

# Enough terms that what is left out is below rounding: in float32 and in float64.
# (e^f - 1)/f for |f| <= ln(2)/2
exp_series = series(
    *([1 / math.factorial(k + 1) for k in range(terms)] for terms in (7, 14)),
)
# atanh(s)/s as a series in s^2, for |s| <= 1/3
atanh_series = series(*([1 / (2 * k + 1) for k in range(terms)] for terms in (8, 17)))


@compiled
def _reduced(v):
    """Split e^v = 2^k (1 + q): give 2^k and q. NaN gives NaN."""
    low, high = lowest_exponent(v), highest_exponent(v)
    v = where_greater(low, v, low, v)
    v = where_greater(v, high, high, v)
    k = rint(v * splat(v, LOG2_E))
    f = fma(k, splat(v, -LN_2_LOW), fma(k, splat(v, -LN_2_HIGH), v))  # |f| <= ln(2)/2
    return power_of_two(k), f * exp_series(f)


@compiled
def exp(v):
    scale, q = _reduced(v)
    return fma(scale, q, scale)


@compiled
def log(v):
    """Compute ln v = k ln 2 + 2 atanh((m - 1)/(m + 1)) with v = 2^k m, for normal v > 0."""
    one = splat(v, 1.0)
    k = exponent_of(v)
    m = v * power_of_two(splat(v, 0.0) - k)
    above = splat(v, ROOT_2)
    k = where_greater(m, above, k + one, k)
    m = where_greater(m, above, m * splat(v, 0.5), m)
    s = (m - one) / (m + one)
    return fma(k, splat(v, LN_2), (s + s) * atanh_series(s * s))


@compiled
def log1p(v):
    """Compute ln(1 + v) = 2 atanh(v/(2 + v)) for v in [0, 1]."""
    s = v / (splat(v, 2.0) + v)
    return (s + s) * atanh_series(s * s)


# -- sums over rows ---------------------------------------------------------------------------

ROWS_A_SUM = 256  # so many are added in the network's precision, their sums in float64


@compiled
def sum_rows(v, n):
    """Add n numbers."""
    width, result = lanes(v), 0.0
    for start in range(0, n, ROWS_A_SUM):
        rows = min(ROWS_A_SUM, n - start)
        whole = rows - rows % width
        part = splat(v, 0.0)
        for i in range(start, start + whole, width):
            part = part + load(at(v, i))
        result += total(part)
        for i in range(start + whole, start + rows):
            result += v[i]
    return result


@called_by_name("piiip")
def sum_columns(D, d_row, n, width, result):
    """Add the n rows of D, a width that is a multiple of the lanes, into ``result``.

    Two vectors of columns at a time, and two sums a column: an addition waits for the one before.
    """
    lane = lanes(D)
    j = 0
    while j < width:
        second = lane if j + lane < width else 0
        whole = other_whole = splat(D, 0.0)
        for start in range(0, n, ROWS_A_SUM):
            rows = min(ROWS_A_SUM, n - start)
            even = odd = other_even = other_odd = splat(D, 0.0)
            place = at(D, start * d_row + j)
            other = at(place, second)
            for i in range(0, rows - 1, 2):
                even = even + load(at(place, i * d_row))
                odd = odd + load(at(place, (i + 1) * d_row))
                other_even = other_even + load(at(other, i * d_row))
                other_odd = other_odd + load(at(other, (i + 1) * d_row))
            if rows % 2:
                even = even + load(at(place, (rows - 1) * d_row))
                other_even = other_even + load(at(other, (rows - 1) * d_row))
            whole = whole + (even + odd)
            other_whole = other_whole + (other_even + other_odd)
        store(at(result, j), whole)
        store(at(result, j + second), other_whole)
        j += lane + second


@compiled
def all_finite(v, n):
    """Tell whether n elements are finite: 0 times v is NaN for the others, and stays in a sum."""
    zero = splat(v, 0.0)
    nothing = zero
    for i in range(0, n, lanes(v)):
        nothing = nothing + zero * load(at(v, i))
    return total(nothing) == 0.0


# -- the losses: scores of class c and row i lie at S[c * s_row + i] --------------------------


@called_by_name("piiikpdpp")
def softmax_loss(S, s_row, n, n_classes, y_t, weight, share, loss, hit):
    """Replace the scores of n rows by dscore; write each row's weighted loss and its hit.

    Equations 4 to 6 in one pass over a vector of rows at a time. share is 1/n of the batch.
    """
    width = lanes(S)
    for start in range(0, n, width):
        rows = min(width, n - start)
        top, best = load(at(S, start)), splat(S, 0.0)
        for c in range(1, n_classes):
            s = load(at(S, c * s_row + start))
            best = where_greater(s, top, splat(S, c), best)
            top = where_greater(s, top, s, top)
        store(at(hit, start), best)
        for i in range(start, start + rows):
            loss[i] = S[y_t[i] * s_row + i]
        e_sum = splat(S, 0.0)
        for c in range(n_classes):
            place = at(S, c * s_row + start)
            e = exp(load(place) - top)
            store(place, e)
            e_sum = e_sum + e
        w = load(at(weight, start))
        row_loss = w * (log(e_sum) + (top - load(at(loss, start))))
        store(at(loss, start), e_sum)
        for i in range(start, start + rows):  # y - 1 = (e - e_sum) / e_sum for the true class
            S[y_t[i] * s_row + i] -= loss[i]
            hit[i] = weight[i] if hit[i] == y_t[i] else 0.0
        store(at(loss, start), row_loss)
        scale = w * splat(S, share) / e_sum
        for c in range(n_classes):
            place = at(S, c * s_row + start)
            store(place, load(place) * scale)


@called_by_name("piiipipdppd")
def binary_loss(S, s_row, n, n_outputs, T, t_row, weight, share, loss, hit, smoothing):
    """Do the same for logistic outputs; the targets T lie as the scores do."""
    width = lanes(S)
    keep, spread = splat(S, 1 - smoothing), splat(S, smoothing / 2)
    zero, half, one = splat(S, 0.0), splat(S, 0.5), splat(S, 1.0)
    for start in range(0, n, width):
        w = load(at(weight, start))
        row_loss, right = zero, w
        for c in range(n_outputs):
            s, t = load(at(S, c * s_row + start)), load(at(T, c * t_row + start))
            e = exp(where_greater(s, zero, zero - s, s))  # e^-|s|
            y = where_greater(s, zero, one, e) / (one + e)
            log_y = where_greater(s, zero, zero, s) - log1p(e)
            says, true = where_greater(s, zero, one, zero), where_greater(t, half, one, zero)
            right = where_greater(says, true, zero, where_greater(true, says, zero, right))
            t = fma(keep, t, spread)
            row_loss = row_loss + ((one - t) * s - log_y)
            store(at(S, c * s_row + start), (y - t) * (w * splat(S, share)))
        store(at(loss, start), w * row_loss)
        store(at(hit, start), right)


@called_by_name("piiipipdpp")
def squared_loss(S, s_row, n, n_outputs, T, t_row, weight, share, loss, hit):
    """Do the same for outputs that are numbers."""
    width = lanes(S)
    zero, half = splat(S, 0.0), splat(S, 0.5)
    for start in range(0, n, width):
        w = load(at(weight, start))
        row_loss, right = zero, w
        for c in range(n_outputs):
            s, t = load(at(S, c * s_row + start)), load(at(T, c * t_row + start))
            off = s - t
            row_loss = row_loss + half * off * off
            right = where_greater(off, zero, zero, where_greater(zero, off, zero, right))
            store(at(S, c * s_row + start), off * (w * splat(S, share)))
        store(at(loss, start), w * row_loss)
        store(at(hit, start), right)


@compiled
def softmax_rows(S, s_row, n, n_classes, y):
    """Write the probabilities of n rows, (n, n_classes), from their scores."""
    width = lanes(S)
    for start in range(0, n, width):
        top = load(at(S, start))
        for c in range(1, n_classes):
            s = load(at(S, c * s_row + start))
            top = where_greater(s, top, s, top)
        e_sum = splat(S, 0.0)
        for c in range(n_classes):
            place = at(S, c * s_row + start)
            e = exp(load(place) - top)
            store(place, e)
            e_sum = e_sum + e
        for c in range(n_classes):
            place = at(S, c * s_row + start)
            store(place, load(place) / e_sum)
        for i in range(start, min(n, start + width)):
            for c in range(n_classes):
                y[i * n_classes + c] = S[c * s_row + i]


@compiled
def logistic_rows(S, n, y):
    """Write the probabilities of both classes, (n, 2), from the one score of the second."""
    width = lanes(S)
    one, zero = splat(S, 1.0), splat(S, 0.0)
    for start in range(0, n, width):
        s = load(at(S, start))
        e = exp(where_greater(s, zero, zero - s, s))
        likely, unlikely = one / (one + e), e / (one + e)
        for side in range(2):
            first = side == 1
            chosen = where_greater(
                s, zero, likely if first else unlikely, unlikely if first else likely
            )
            store(at(S, start), chosen)
            for i in range(start, min(n, start + width)):
                y[2 * i + side] = S[i]
