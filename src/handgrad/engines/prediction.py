"""Scores and probabilities of rows: equations 1 to 4, a block of rows at a time.

The house's flat vector is read as it lies, so nothing has to be packed when it changes. Every
row goes through the same operations in the same order, alone or among others.
"""

import numpy as np
from numba import njit

from handgrad.engines.epoch import LAYER
from handgrad.engines.kernels import (
    LOGISTIC,
    RELU,
    SOFTMAX,
    activate,
    logistic_rows,
    softmax_rows,
)
from handgrad.engines.products import BIAS, multiply, row_products
from handgrad.engines.vectors import at, copy, lanes, point, pointer

BLOCK = 256  # rows: with 800 units, half a second cache; a block's tape is all the memory used

compiled = njit(error_model="numpy", nogil=True)


@compiled
def predict_rows(
    begin, end, x_at, flat_at, out_at, layers, activation, output, probabilities, work
):  # type: ignore[no-untyped-def]  # noqa: E501
    """Write scores (n, N_y), or probabilities, of rows begin to end - 1.

    ``work`` holds, in this order: two blocks of h, one block of scores, the padded copy of a
    narrow layer, and the transposed head; see ``work_size``.
    """
    w = pointer(work)
    x, flat, out = point(x_at, w), point(flat_at, w), point(out_at, w)
    width, n_layers = lanes(w), layers.size
    n_in = layers[0].n_in
    head = layers[n_layers - 1]
    widest, narrow = 0, 0
    for l in range(n_layers):
        widest = max(widest, layers[l].columns)
        if layers[l].n_out < width:
            narrow = max(narrow, (layers[l].n_in + 1) * width)
    scores = at(w, 2 * BLOCK * widest)
    s_row = BLOCK + width
    copied = at(scores, head.n_out * s_row)
    W_head = at(copied, narrow)
    b_head = at(flat, head.flat + head.n_in * head.n_out)
    for i in range(head.n_in):
        for c in range(head.n_out):
            W_head[c * head.columns + i] = flat[head.flat + i * head.n_out + c]
    floor = 0.0 if activation == RELU else -np.inf
    for start in range(begin, end, BLOCK):
        n = min(BLOCK, end - start)
        a, a_row = at(x, start * n_in), n_in
        for l in range(n_layers - 1):
            layer = layers[l]
            columns = layer.columns
            h = at(w, l % 2 * BLOCK * widest)
            W, W_row = at(flat, layer.flat), layer.n_out
            b = at(W, layer.n_in * layer.n_out)
            if layer.n_out < width:  # vectors would reach beyond the end of the parameters
                for i in range(layer.n_in + 1):
                    copy(at(copied, i * width), at(W, i * layer.n_out), layer.n_out)
                W, W_row, b = copied, width, at(copied, layer.n_in * width)
            multiply(n, columns, layer.n_in, 1.0, a, a_row, 1, W, W_row, floor, h, columns, BIAS, b)
            activate(h, n * columns, activation)
            a, a_row = h, columns
        if n_layers == 1:
            for i in range(n):
                copy(at(w, i * head.columns), at(a, i * a_row), n_in)
            a, a_row = w, head.columns
        # what lies beside the last h is not 0: columns of the next row of W, or logistic(0)
        for i in range(n):
            for j in range(head.n_in, head.columns):
                a[i * a_row + j] = 0.0
        row_products(
            n, head.n_out, head.columns, a, a_row, W_head, head.columns, b_head, scores, 1, s_row
        )
        if not probabilities:
            for i in range(n):
                for c in range(head.n_out):
                    out[(start + i) * head.n_out + c] = scores[c * s_row + i]
        elif output == SOFTMAX:
            softmax_rows(scores, s_row, n, head.n_out, at(out, start * head.n_out))
        else:
            logistic_rows(scores, n, at(out, start * 2))


def lay_out(layer_units: tuple[int, ...], lanes: int) -> tuple[np.ndarray, int]:
    """Describe the layers, and count the elements of ``work``."""
    layers = np.zeros(len(layer_units) - 1, LAYER)
    flat = narrow = 0
    for number, (n_in, n_out) in enumerate(zip(layer_units[:-1], layer_units[1:], strict=True)):
        last = number == len(layers) - 1
        layers[number]["n_in"], layers[number]["n_out"], layers[number]["flat"] = n_in, n_out, flat
        layers[number]["columns"] = -(-(n_in if last else n_out) // lanes) * lanes
        flat += (n_in + 1) * n_out
        if n_out < lanes:
            narrow = max(narrow, (n_in + 1) * lanes)
    head = layers[-1]
    size = 2 * BLOCK * int(layers["columns"].max()) + int(head["n_out"]) * (BLOCK + lanes)
    return layers, size + narrow + int(head["n_out"]) * int(head["columns"])
