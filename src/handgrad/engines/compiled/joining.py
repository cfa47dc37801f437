"""The mean of several networks' predictions, in scores: ``Output.mean_scores`` of labels.

    score_c = log(sum over networks j of share_j y_jc)                    for the softmax
    score_c = log(sum of share_j y_jc) - log(sum of share_j (1 - y_jc))   for logistic outputs

y_jc is known by its logarithm, and the largest of a sum is taken out before exponentials are.
Vectors go over rows, each as if it were alone.
"""

from numba import njit

from handgrad.engines.compiled.kernels import exp, log, log1p, logistic_rows, softmax_rows
from handgrad.engines.compiled.losses import SOFTMAX
from handgrad.engines.compiled.vectors import (
    at,
    fma,
    lanes,
    load,
    point,
    pointer,
    splat,
    store,
    where_greater,
)

compiled = njit(error_model="numpy", nogil=True)


@compiled
def take_rows(scores, n_rows, start, n, n_networks, n_scores, S):
    """Copy the scores of a vector of rows, so that S holds a vector for each network and score."""
    width = lanes(S)
    for j in range(n_networks):
        for i in range(width):
            row = at(scores, (j * n_rows + start + min(i, n - 1)) * n_scores)
            for c in range(n_scores):
                S[(j * n_scores + c) * width + i] = row[c]


@compiled
def not_finite(S, n_vectors):
    """Give 0 for the rows of which all scores are finite, and NaN for the others."""
    zero = splat(S, 0.0)
    found = zero
    for v in range(n_vectors):
        found = found + zero * load(at(S, v * lanes(S)))
    return found


@compiled
def largest_of(S, step, n):
    """Find the largest, lane by lane, of n vectors that lie ``step`` apart."""
    largest = load(S)
    for j in range(1, n):
        v = load(at(S, j * step))
        largest = where_greater(v, largest, v, largest)
    return largest


@compiled
def to_logarithms(S, n_networks, n_scores):
    """Replace scores by the logarithms of the softmax."""
    width = lanes(S)
    for j in range(n_networks):
        own = at(S, j * n_scores * width)
        top = largest_of(own, width, n_scores)
        e_sum = splat(S, 0.0)
        for c in range(n_scores):
            e_sum = e_sum + exp(load(at(own, c * width)) - top)
        log_sum = log(e_sum)
        for c in range(n_scores):
            store(at(own, c * width), (load(at(own, c * width)) - top) - log_sum)


@compiled
def log_mean(S, step, n_networks, shares):
    """Compute log(sum of share e^v) of the vectors v that lie ``step`` apart, without overflow."""
    largest = largest_of(S, step, n_networks)
    mean = splat(S, 0.0)
    for j in range(n_networks):
        mean = fma(splat(S, shares[j]), exp(load(at(S, j * step)) - largest), mean)
    return largest + log(mean)


@compiled
def log_logistic(s):
    """Compute log(1 / (1 + e^-s)) = min(s, 0) - log(1 + e^-|s|)."""
    zero = splat(s, 0.0)
    e = exp(where_greater(s, zero, zero - s, s))
    return where_greater(s, zero, zero, s) - log1p(e)


@compiled
def log_odds(S, step, n_networks, shares, logarithms):
    """Compute the score of the mean of logistic outputs; there is room for their logarithms."""
    width = lanes(S)
    for j in range(n_networks):
        store(at(logarithms, j * width), log_logistic(load(at(S, j * step))))
    yes = log_mean(logarithms, width, n_networks, shares)
    for j in range(n_networks):
        s = load(at(S, j * step))
        store(at(logarithms, j * width), log_logistic(splat(s, 0.0) - s))
    return yes - log_mean(logarithms, width, n_networks, shares)


@compiled
def join_rows(
    begin, end, scores_at, n_rows, n_networks, n_scores, weights_at, out_at, output, probabilities,
    work,
):  # fmt: skip
    """Write scores (n, N_y) of the mean, or probabilities (n, K), of rows begin to end - 1.

    The scores are (networks, n, N_y); the weights are the shares, and the temperature by which
    scores are divided.
    """
    S = pointer(work)
    scores, weights, out = point(scores_at, S), point(weights_at, S), point(out_at, S)
    width, n_vectors = lanes(S), n_networks * n_scores
    joined, logarithms = at(S, n_vectors * width), at(S, (n_vectors + n_scores) * width)
    for start in range(begin, end, width):
        n = min(width, end - start)
        take_rows(scores, n_rows, start, n, n_networks, n_scores, S)
        nothing = not_finite(S, n_vectors)
        if output == SOFTMAX:
            to_logarithms(S, n_networks, n_scores)
        for c in range(n_scores):
            own, step = at(S, c * width), n_scores * width
            if output == SOFTMAX:
                score = log_mean(own, step, n_networks, weights)
            else:
                score = log_odds(own, step, n_networks, weights, logarithms)
            score = (score + nothing) / splat(S, weights[n_networks])
            store(at(joined, c * width), score)
        if not probabilities:
            for i in range(n):
                for c in range(n_scores):
                    out[(start + i) * n_scores + c] = joined[c * width + i]
        elif output == SOFTMAX:
            softmax_rows(joined, width, n, n_scores, at(out, start * n_scores))
        else:
            logistic_rows(joined, n, at(out, start * 2))
