"""The floor's products by the kernels of handgrad's own compiled engine, one core."""

from itertools import pairwise

import numpy as np
from floor_blas import best, drawn, layer_arrays
from numba import njit, types

from handgrad.engines.compiled.called import load_called
from handgrad.engines.compiled.products import ADD, STORE, multiply
from handgrad.engines.compiled.vectors import pointer


@njit(error_model="numpy")
def loop(count, m, n, k, A, a_row, a_column, B, C, end):
    """Make count products C = alpha A B, or C += alpha A B."""
    for _ in range(count):
        multiply(
            m, n, k, np.float32(1e-6), pointer(A), a_row, a_column,
            pointer(B), B.shape[1], np.float32(0), pointer(C), C.shape[1], end, pointer(C),
        )  # fmt: skip


def padded(matrix):
    """Widen rows to whole vectors, as the engine's own arrays are."""
    array = drawn(len(matrix), padded_width(matrix))
    array[:, matrix.shape[1] :] = 0
    return array


def product(A, B, C, turn_A=False, end=STORE):
    """Prepare C = op(A) B, or C += op(A) B, of padded matrices."""
    (m, k), (a_row, a_column) = A.shape, (padded_width(A), 1)
    if turn_A:
        m, k, a_row, a_column = k, m, 1, padded_width(A)
    A, B, C = padded(A), padded(B), padded(C)
    return lambda count: loop(count, m, C.shape[1], k, A, a_row, a_column, B, C, end)


def padded_width(matrix):
    return -(-matrix.shape[1] // 16) * 16


class Contender:
    dtypes = ("float32",)
    adam = ""

    def __init__(self, variant, threads):
        load_called(types.float32)

    def load(self, x, y_t, layer_units, theta, batch_size):
        self.layer_units = layer_units

    def floor(self, batch_size, seconds):
        found = {}
        for layer, (n_in, n_out) in enumerate(pairwise(self.layer_units)):
            h, d, W, W_T, r, dh = layer_arrays(batch_size, n_in, n_out)
            found[f"fwd{layer}"] = best(seconds, product(h, W, r))
            backwards = [product(h, d, W, True, ADD), product(d, h, W_T, True, ADD)]
            found[f"dW{layer}"] = best(seconds, *backwards)
            if layer:
                found[f"dh{layer}"] = best(seconds, product(d, W_T, dh))
        return found
