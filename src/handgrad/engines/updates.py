"""The second phase of a step: gradients of parameters (equations 7, 8, 11, 12), and the update."""

from numba import njit

from handgrad.engines.kernels import (
    ADAM,
    SGD,
    adam_step,
    momentum_step,
    sum_columns,
    sum_rows,
)
from handgrad.engines.products import ADD, STORE, multiply
from handgrad.engines.vectors import at, lanes, pointer

compiled = njit(error_model="numpy", nogil=True)

# Gradients are made and used in blocks of 512 x 3 vectors: with the parameters and slots that
# belong to it a block fills about half of the second cache, and Adam need not wait for memory.
BLOCK_ROWS, BLOCK_VECTORS = 512, 3


@compiled
def move(plan, rule, rows, row, place, columns, G, g_row, l2, work):
    """Apply a rule with slots to a block of parameters whose gradient is G."""
    w = pointer(work)
    P, V = at(w, place), at(w, place + plan.slots)
    if rule.kind == ADAM:
        adam_step(rows, columns, P, V, at(V, plan.slot), row, G, g_row, rule, l2)
    else:
        momentum_step(rows, columns, P, V, row, G, g_row, rule, l2)


@compiled
def update_W(
    plan, rule, l2, n, rows, row, place, begin, end, A, a_row, a_column, B, b_row, G, work
):
    """Make the step of columns begin to end of one weight matrix: A B is their gradient."""
    w = pointer(work)
    if rule.kind == SGD:  # the step is the product: no gradient is ever stored
        P, B = at(w, place + begin), at(B, begin)
        multiply(rows, end - begin, n, -rule.lr, A, a_row, a_column, B, b_row, l2, P, row, ADD, P)
        return
    width = lanes(w)
    j = begin
    while j < end:
        # four vectors at the end rather than three and one, which fills registers badly
        columns = end - j if end - j <= (BLOCK_VECTORS + 1) * width else BLOCK_VECTORS * width
        for i in range(0, rows, BLOCK_ROWS):
            tall = min(BLOCK_ROWS, rows - i)
            a, b = at(A, i * a_row), at(B, j)
            multiply(tall, columns, n, 1.0, a, a_row, a_column, b, b_row, 0.0, G, columns, STORE, G)
            move(plan, rule, tall, row, place + i * row + j, columns, G, columns, l2, work)
        j += columns


@compiled
def update_b(plan, rule, columns, place, G, work):
    """Make the step of some biases whose gradient is G."""
    if rule.kind == SGD:
        P = at(pointer(work), place)
        for j in range(columns):
            P[j] -= rule.lr * G[j]
    else:
        move(plan, rule, 1, 0, place, columns, G, 0, 0.0, work)


@compiled
def update(plan, layers, rule, l2, thread, threads, n, a, a_row, work):
    """Make this thread's part of the step: equations 7, 8, 11, 12 and 13."""
    w = pointer(work)
    width = lanes(w)
    G = at(w, plan.gradient + thread * plan.gradient_size)
    for number in range(layers.size):
        layer = layers[number]
        vectors = layer.columns // width
        begin, end = vectors * thread // threads * width, vectors * (thread + 1) // threads * width
        if number < layers.size - 1:
            d = at(w, layer.d)
            if begin < end:
                update_W(
                    plan, rule, l2, n, layer.n_in, layer.columns, layer.W, begin, end,
                    a, 1, a_row, d, layer.columns, G, work,
                )  # fmt: skip
                sum_columns(at(d, begin), layer.columns, n, end - begin, G)
                update_b(plan, rule, end - begin, layer.b + begin, G, work)
            a, a_row = at(w, layer.h), layer.columns
        else:
            score = at(w, plan.score)
            if begin < end:
                update_W(
                    plan, rule, l2, n, layer.n_out, layer.columns, layer.W, begin, end,
                    score, plan.score_row, 1, a, a_row, G, work,
                )  # fmt: skip
            if thread == threads - 1:
                padded = (layer.n_out + width - 1) // width * width
                for c in range(padded):
                    G[c] = sum_rows(at(score, c * plan.score_row), n) if c < layer.n_out else 0.0
                update_b(plan, rule, padded, layer.b, G, work)
