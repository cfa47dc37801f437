"""The activations of the compiled engine: activations.py in vectors.

Most derivatives can be written in h, which the next layer's product keeps anyway. Those of gelu,
silu and mish cannot: such a layer keeps its slopes dh/dr too, computed where h is. So does a
layer with dropout, whose h is no longer that of the activation.

Rows are padded to whole vectors with r = 0, and h(0) is 0 but for logistic and softplus.
"""

import math

import numpy as np
from numba import njit

from handgrad.activations import LEAK, SELU_ALPHA, SELU_LAMBDA
from handgrad.chance import FACTOR_1, FACTOR_2, GOLDEN
from handgrad.engines.compiled.called import called_by_name
from handgrad.engines.compiled.kernels import _reduced, exp, log1p
from handgrad.engines.compiled.layout import ACTIVATION_NAMES, KEEPING_SLOPES
from handgrad.engines.compiled.vectors import (
    at,
    fma,
    lanes,
    load,
    series,
    splat,
    store,
    where_greater,
)

compiled = njit(error_model="numpy", nogil=True)

IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, ELU, SELU, SOFTPLUS, GELU, SILU, MISH = (
    ACTIVATION_NAMES.index(name)
    for name in (
        *("identity", "logistic", "tanh", "relu", "leaky_relu", "elu"),
        *("selu", "softplus", "gelu", "silu", "mish"),
    )
)

ROOT_HALF = math.sqrt(0.5)
DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)
LAMBDA_ALPHA = SELU_LAMBDA * SELU_ALPHA

# (1 + 2x) erfcx(x), erfcx(x) = e^(x^2) erfc(x), for v = (x - 3.75) / (x + 3.75): a Chebyshev
# series that was computed with 50 digits and cut off below rounding
erfcx_series = series(
    [
        1.2375126192676999, -0.14024065832138641, 0.0035862703940246181, 0.082278419983470467,
        -0.10881427014905069, 0.092290769591303783, -0.058646858735546143, 0.028409252364127258,
        -0.009844494859674951, 0.0016759122179811312, 0.00039630761298936272,
        -0.00022411674674416021,
    ],
    [
        1.2375126308378275, -0.14024059858554696, 0.0035854154854790256, 0.082276738490145208,
        -0.10880393014244461, 0.092304321160377478, -0.058693398576649338, 0.028362277418956404,
        -0.0097465796832652622, 0.0017556258528952954, 0.00029371437804495803,
        -0.00029015408054084171, 5.1646529741774161e-5, 2.238423915508223e-5,
        -1.1438048033346894e-5, -9.7355989673677493e-7, 1.7419821586224816e-6,
        -5.7218230603224088e-8, -2.4857126248016743e-7, 2.3263508708859124e-8,
        3.1979266716668043e-8, -3.7442100809620186e-9, -2.6231073471334758e-9,
        3.1114333809799252e-10,
    ],
)  # fmt: skip


@compiled
def _exp_less_one(v):
    """Compute e^v - 1 without cancellation near 0."""
    scale, q = _reduced(v)
    return fma(scale, q, scale - splat(v, 1.0))


@compiled
def _below(v, limit):
    """Compute min(v, limit), where NaN stays NaN."""
    bound = splat(v, limit)
    return where_greater(v, bound, bound, v)


@compiled
def _size(v):
    zero = splat(v, 0.0)
    return where_greater(v, zero, v, zero - v)


@compiled
def _gelu(r):
    """Give h = r Phi(r) and its slope Phi(r) + r phi(r).

    For x = |r| / sqrt(2), Phi(-|r|) is e^(-x^2) erfcx(x) / 2, and (1 + 2x) erfcx(x) a polynomial
    in (x - 3.75) / (x + 3.75) (Shepherd and Laframboise, 1981).
    """
    zero, one, middle = splat(r, 0.0), splat(r, 1.0), splat(r, 3.75)
    x = _below(_size(r), 40.0) * splat(r, ROOT_HALF)  # e^(-x^2) is 0 long before
    e = exp(zero - x * x)
    scaled = erfcx_series((x - middle) / (x + middle))
    tail = splat(r, 0.5) * e * scaled / fma(splat(r, 2.0), x, one)
    below = where_greater(r, zero, one - tail, tail)
    return r * below, fma(r, splat(r, DENSITY_AT_0) * e, below)


@compiled
def _silu(r):
    one = splat(r, 1.0)
    s = one / (one + exp(splat(r, 0.0) - r))
    h = r * s
    return h, fma(h, one - s, s)


@compiled
def _mish(r):
    """See ``activations.mish``; rest is 1 - t."""
    zero, one, two = splat(r, 0.0), splat(r, 1.0), splat(r, 2.0)
    e = exp(zero - _size(r))
    upper = where_greater(r, zero, fma(two, e, one), e * (e + two))
    lower = where_greater(r, zero, two * e * e, two)
    t, rest = upper / (upper + lower), lower / (upper + lower)
    s = where_greater(r, zero, one, e) / (one + e)
    return r * t, fma(r, rest * (one + t) * s, t)


@called_by_name("pii")
def activate(H, n, activation):
    """Turn n elements of r into h, in place; the product has done relu already."""
    width = lanes(H)
    zero, one, two = splat(H, 0.0), splat(H, 1.0), splat(H, 2.0)
    if activation == TANH:
        for i in range(0, n, width):
            r = load(at(H, i))
            e = _exp_less_one(r + r)  # so h is good near 0
            store(at(H, i), e / (e + two))
    elif activation == LOGISTIC:
        for i in range(0, n, width):
            r = load(at(H, i))
            store(at(H, i), one / (one + exp(zero - r)))
    elif activation == LEAKY_RELU:
        for i in range(0, n, width):
            r = load(at(H, i))
            store(at(H, i), where_greater(r, zero, r, splat(H, LEAK) * r))
    elif activation in (ELU, SELU):
        up = splat(H, SELU_LAMBDA if activation == SELU else 1.0)
        down = splat(H, LAMBDA_ALPHA if activation == SELU else 1.0)
        for i in range(0, n, width):
            r = load(at(H, i))
            negative = down * _exp_less_one(_below(r, 0.0))
            store(at(H, i), where_greater(r, zero, up * r, negative))
    elif activation == SOFTPLUS:
        for i in range(0, n, width):
            r = load(at(H, i))
            tail = log1p(exp(zero - _size(r)))
            store(at(H, i), where_greater(r, zero, r, zero) + tail)
    elif activation in KEEPING_SLOPES:
        for i in range(0, n, width):
            store(at(H, i), _with_slope(load(at(H, i)), activation)[0])


@compiled
def _with_slope(r, activation):
    if activation == GELU:
        return _gelu(r)
    return _silu(r) if activation == SILU else _mish(r)


@called_by_name("ppii")
def activate_and_slope(H, S, n, activation):
    """Turn r into h, in place, for gelu, silu and mish, and keep dh/dr in S."""
    for i in range(0, n, lanes(H)):
        h, slope = _with_slope(load(at(H, i)), activation)
        store(at(S, i), slope)
        store(at(H, i), h)


@called_by_name("ppii")
def activate_backward(D, H, n, activation):
    """Turn n elements of dh into dr, in place, by the derivative written in h."""
    width = lanes(D)
    one, zero = splat(D, 1.0), splat(D, 0.0)
    if activation in (RELU, LEAKY_RELU):
        leak = splat(D, LEAK if activation == LEAKY_RELU else 0.0)
        for i in range(0, n, width):
            d = load(at(D, i))
            store(at(D, i), where_greater(load(at(H, i)), zero, d, leak * d))
    elif activation == TANH:
        for i in range(0, n, width):
            h = load(at(H, i))
            store(at(D, i), load(at(D, i)) * (one - h * h))
    elif activation == LOGISTIC:
        for i in range(0, n, width):
            h = load(at(H, i))
            store(at(D, i), load(at(D, i)) * (h * (one - h)))
    elif activation in (ELU, SELU):
        up = splat(D, SELU_LAMBDA if activation == SELU else 1.0)
        down = splat(D, LAMBDA_ALPHA if activation == SELU else 1.0)
        for i in range(0, n, width):
            h = load(at(H, i))
            store(at(D, i), load(at(D, i)) * where_greater(h, zero, up, h + down))
    elif activation == SOFTPLUS:
        for i in range(0, n, width):
            lost = _exp_less_one(zero - load(at(H, i)))  # e^-h - 1
            store(at(D, i), load(at(D, i)) * (zero - lost))


@called_by_name("ppii")
def keep_slope(S, H, n, activation):
    """Write the slope in n places, where it can be told by h."""
    one = splat(H, 1.0)
    for i in range(0, n, lanes(H)):
        store(at(S, i), one)
    activate_backward(S, H, n, activation)


U27, U30, U31 = np.uint64(27), np.uint64(30), np.uint64(31)
ODD, ODD_1, ODD_2 = np.uint64(GOLDEN), np.uint64(FACTOR_1), np.uint64(FACTOR_2)


@called_by_name("ppiiiiii")
def drop(H, S, first, rows, units, columns, key, threshold):
    """Leave units of rows first, first + 1, ... out, and make the others larger.

    See ``dropout.masks``. H and S, h and its slope, are multiplied by the mask.
    """
    limit = np.uint64(threshold)
    factor = 1.0 / (1.0 - np.float64(limit) * 2.0**-64)
    state = np.uint64(key) + np.uint64(first * units) * ODD
    for i in range(rows):
        for j in range(i * columns, i * columns + units):
            state += ODD
            z = (state ^ (state >> U30)) * ODD_1
            z = (z ^ (z >> U27)) * ODD_2
            kept = factor if z ^ (z >> U31) >= limit else 0.0
            H[j] *= kept
            S[j] *= kept


@compiled
def times_slope(D, S, n):
    """Turn n elements of dh into dr, in place, by slopes that were kept."""
    for i in range(0, n, lanes(D)):
        store(at(D, i), load(at(D, i)) * load(at(S, i)))
