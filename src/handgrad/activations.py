"""The activations of hidden layers, each with its derivative directly below it.

r is what enters a unit, h what leaves it, dh the loss's derivative in h; all have the shape
(n, N_h). A backward function returns dr = dh * dh/dr. All of them accept float32, float64
and, for the complex-step check, complex128: there, r > 0 asks for the real part first.

Exponentials are taken of numbers that are not positive, so none of them overflows.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def identity(r: Array) -> Array:
    return r


def identity_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r, so now dh/dr = 1
    return dh


def relu(r: Array) -> Array:
    h: Array = np.maximum(0, r)
    return h


def relu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = max(0, r), so now dh/dr = 1 where r > 0, else 0 (at 0 too)
    dr: Array = dh * (r > 0)
    return dr


def tanh(r: Array) -> Array:
    h: Array = np.tanh(r)
    return h


def tanh_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = tanh(r), so now dh/dr = 1 - tanh(r)^2 = 1 - h^2
    dr: Array = dh * (1 - h * h)
    return dr


def logistic(r: Array) -> Array:
    # 1 / (1 + e^-r) for r > 0 and e^r / (1 + e^r) otherwise: exp never overflows.
    positive = r > 0
    e = np.exp(np.where(positive, -r, r))
    h: Array = np.where(positive, 1, e) / (1 + e)
    return h


def logistic_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = 1 / (1 + e^-r), so now dh/dr = e^-r / (1 + e^-r)^2 = h (1 - h)
    dr: Array = dh * (h * (1 - h))
    return dr


def leaky_relu(r: Array) -> Array:
    """Compute max(r, LEAK r) (Maas, Hannun and Ng, 2013)."""
    return np.where(r > 0, r, LEAK * r)


def leaky_relu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r or LEAK r, so now dh/dr = 1 where r > 0, else LEAK
    return np.where(r > 0, dh, LEAK * dh)


LEAK = 0.01


def elu(r: Array) -> Array:
    """Compute r where r > 0, else e^r - 1 (Clevert, Unterthiner and Hochreiter, 2016)."""
    return np.where(r > 0, r, np.expm1(np.where(r > 0, 0, r)))


def elu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r or e^r - 1, so now dh/dr = 1 where r > 0, else e^r = h + 1
    return np.where(r > 0, dh, dh * (h + 1))


def selu(r: Array) -> Array:
    """Scale r where r > 0, else SELU_ALPHA (e^r - 1), by SELU_LAMBDA.

    Klambauer et al. (2017): mean 0 and variance 1 of what enters a layer come out of it.
    """
    negative: Array = SELU_ALPHA * np.expm1(np.where(r > 0, 0, r))
    return SELU_LAMBDA * np.where(r > 0, r, negative)


def selu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = lambda r or lambda alpha (e^r - 1), so now dh/dr = lambda where
    # r > 0, else lambda alpha e^r = h + lambda alpha
    return np.where(r > 0, SELU_LAMBDA * dh, dh * (h + SELU_LAMBDA * SELU_ALPHA))


SELU_LAMBDA = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def softplus(r: Array) -> Array:
    """Compute log(1 + e^r) (Dugas et al., 2001)."""
    positive = r > 0
    tail: Array = np.log1p(np.exp(np.where(positive, -r, r)))
    return np.where(positive, r, 0) + tail


def softplus_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = log(1 + e^r), so now dh/dr = e^r / (1 + e^r) = 1 - e^-h
    dr: Array = dh * -np.expm1(-h)
    return dr


def gelu(r: Array) -> Array:
    """Compute r Phi(r), Phi the normal distribution function (Hendrycks and Gimpel, 2016)."""
    h: Array = r * _normal_distribution(r)
    return h


def gelu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r Phi(r), so now dh/dr = Phi(r) + r phi(r)
    near: Array = np.where(np.abs(r) > 40, 40, r)  # e^(-40^2/2) is 0 already
    density = np.exp(-near * near / 2) / math.sqrt(2 * math.pi)
    dr: Array = dh * (_normal_distribution(r) + r * density)
    return dr


def _normal_distribution(r: Array) -> Array:
    from scipy.special import erfc  # importing handgrad must not import scipy

    # (1 + erf(r / sqrt(2))) / 2, but without its cancellation for negative r
    distribution: Array = erfc(-r / math.sqrt(2)) / 2
    return distribution


def silu(r: Array) -> Array:
    """Compute r / (1 + e^-r) (Elfwing, Uchibe and Doya, 2018; "swish")."""
    h: Array = r * logistic(r)
    return h


def silu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r s with s = logistic(r), so now dh/dr = s + r s (1 - s)
    s = logistic(r)
    dr: Array = dh * (s + h * (1 - s))
    return dr


def mish(r: Array) -> Array:
    """Compute r tanh(log(1 + e^r)) (Misra, 2020)."""
    h: Array = r * _tanh_of_softplus(r)[0]
    return h


def mish_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r t with t = tanh(softplus(r)), so now dh/dr = t + r (1 - t^2) s,
    # for softplus has the derivative s = logistic(r)
    t, rest = _tanh_of_softplus(r)
    dr: Array = dh * (t + r * (rest * (1 + t)) * logistic(r))
    return dr


def _tanh_of_softplus(r: Array) -> tuple[Array, Array]:
    """Give t = ((1 + e^r)^2 - 1) / ((1 + e^r)^2 + 1) and 1 - t, both to all their digits."""
    positive = r > 0
    e = np.exp(np.where(positive, -r, r))
    # for r > 0, both divided by e^2r
    upper = np.where(positive, 1 + 2 * e, e * (e + 2))
    lower = np.where(positive, 2 * e * e, 2)
    return upper / (upper + lower), lower / (upper + lower)


class Activation(NamedTuple):
    forward: Callable[[Array], Array]  # r -> h
    backward: Callable[[Array, Array, Array], Array]  # dh, r, h -> dr


ACTIVATIONS = {
    "identity": Activation(identity, identity_backward),
    "logistic": Activation(logistic, logistic_backward),
    "tanh": Activation(tanh, tanh_backward),
    "relu": Activation(relu, relu_backward),
    "leaky_relu": Activation(leaky_relu, leaky_relu_backward),
    "elu": Activation(elu, elu_backward),
    "selu": Activation(selu, selu_backward),
    "softplus": Activation(softplus, softplus_backward),
    "gelu": Activation(gelu, gelu_backward),
    "silu": Activation(silu, silu_backward),
    "mish": Activation(mish, mish_backward),
}
