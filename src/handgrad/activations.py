"""The activations of hidden layers, each with its derivative directly below it.

r is what enters a unit, h what leaves it, dh the loss's derivative in h; all have the shape
(n, N_h). A backward function returns dr = dh * dh/dr. All of them accept float32, float64
and, for the complex-step check, complex128: there, r > 0 asks for the real part first.
"""

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


class Activation(NamedTuple):
    forward: Callable[[Array], Array]  # r -> h
    backward: Callable[[Array, Array, Array], Array]  # dh, r, h -> dr


ACTIVATIONS = {
    "identity": Activation(identity, identity_backward),
    "logistic": Activation(logistic, logistic_backward),
    "tanh": Activation(tanh, tanh_backward),
    "relu": Activation(relu, relu_backward),
}
