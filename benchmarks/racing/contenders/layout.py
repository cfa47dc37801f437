"""The flat vector of parameters, cut into layers and put together again."""

from itertools import pairwise

import numpy as np


def split(theta, layer_units):
    """Cut W1 row by row, b1, W2, b2, ... into [(W1, b1), (W2, b2), ...]."""
    layers, start = [], 0
    for n_in, n_out in pairwise(layer_units):
        middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
        layers.append((theta[start:middle].reshape(n_in, n_out).copy(), theta[middle:end].copy()))
        start = end
    return layers


def join(layers):
    return np.concatenate([np.asarray(part).ravel() for layer in layers for part in layer])
