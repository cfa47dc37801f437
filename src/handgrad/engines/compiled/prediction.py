"""Scores and probabilities of rows: equations 1 to 4, a block of rows at a time.

The house's flat vector is read as it lies, so nothing has to be packed when it changes; for many
rows, a strip of it at a time is copied. Every row goes through the same operations in the same
order, alone or among others.
"""

import numpy as np
from numba import njit

from handgrad.engines.compiled.activations import RELU, activate
from handgrad.engines.compiled.kernels import logistic_rows, softmax_rows
from handgrad.engines.compiled.layout import MANY, VERY_FEW
from handgrad.engines.compiled.losses import SOFTMAX
from handgrad.engines.compiled.products import BIAS, multiply, multiply_packed, row_products
from handgrad.engines.compiled.skips import (
    add_columns,
    add_columns_of_few,
    is_idle,
    make_tables,
    pack_V,
)
from handgrad.engines.compiled.vectors import at, copy, lanes, point, pointer

compiled = njit(error_model="numpy", nogil=True)


@compiled
def predict_rows(
    begin, end, x_at, flat_at, out_at, layers, rooms, wides, output, probabilities, work
):
    """Write scores (n, N_y), or probabilities, of rows begin to end - 1."""
    w, room = pointer(work), rooms[0]
    x, flat, out = point(x_at, w), point(flat_at, w), point(out_at, w)
    width, n_layers, n_in = lanes(w), layers.size, layers[0].n_in
    n_numbers = n_in + wides.size  # of a row
    head = layers[n_layers - 1]
    scores, s_row = at(w, room.scores), room.s_row
    copied, panel, W_head = at(w, room.copied), at(w, room.panel), at(w, room.W_head)
    b_head = at(flat, head.flat + head.n_in * head.n_out)
    for i in range(head.n_in):
        for c in range(head.n_out):
            W_head[c * head.columns + i] = flat[head.flat + i * head.n_out + c]
    for c in range(head.n_out):
        for i in range(head.n_in, head.columns):
            W_head[c * head.columns + i] = 0.0
    has_tables = end - begin > VERY_FEW
    has_skip = wides.size > 0 and not (has_tables and is_idle(wides, flat, head.n_out))
    if has_skip and has_tables:
        pack_V(flat, w, wides, head.n_out, room.v_row, False)
        make_tables(wides, room.v_row, w)
    for start in range(begin, end, room.block):
        n = min(room.block, end - start)
        a, a_row = at(x, start * n_numbers), n_numbers
        u = at(a, n_in)
        for number in range(n_layers - 1):
            layer = layers[number]
            columns = layer.columns
            floor = 0.0 if layer.activation == RELU else -np.inf
            h = at(w, number % 2 * room.other_h)
            W, W_row = at(flat, layer.flat), layer.n_out
            b = at(W, layer.n_in * layer.n_out)
            if layer.n_out < width:  # vectors would reach beyond the end of the parameters
                for i in range(layer.n_in + 1):
                    copy(at(copied, i * width), at(W, i * layer.n_out), layer.n_out)
                W, W_row, b = copied, width, at(copied, layer.n_in * width)
            k = layer.n_in
            if n >= MANY:
                multiply_packed(n, columns, k, a, a_row, W, W_row, floor, h, columns, b, panel)
            else:
                multiply(n, columns, k, 1.0, a, a_row, 1, W, W_row, floor, h, columns, BIAS, b)
            activate(h, n * columns, layer.activation)
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
        if has_skip and not has_tables:
            add_columns_of_few(
                wides, n, u, 1, n_numbers, scores, s_row, head.n_out, at(w, room.by_row),
                room.v_row, flat, at(w, room.node), at(w, room.node + room.v_row),
            )  # fmt: skip
        elif has_skip:
            add_columns(
                wides, n, u, 1, n_numbers, scores, s_row, head.n_out, at(w, room.by_row),
                room.v_row, w,
            )  # fmt: skip
        if not probabilities:
            for i in range(n):
                for c in range(head.n_out):
                    out[(start + i) * head.n_out + c] = scores[c * s_row + i]
        elif output == SOFTMAX:
            softmax_rows(scores, s_row, n, head.n_out, at(out, start * head.n_out))
        else:
            logistic_rows(scores, n, at(out, start * 2))
