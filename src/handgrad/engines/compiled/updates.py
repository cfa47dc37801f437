"""The second phase of a step: gradients of parameters (equations 7, 8, 11, 12), and the update.

As a rule each block of a gradient is used as soon as it is made. Only where the norm of the
whole gradient is asked for, once an epoch, or in each step if gradients are clipped, the whole
is kept; threads then meet between the two halves.
"""

from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from handgrad.engines.compiled.kernels import sum_columns, sum_rows
from handgrad.engines.compiled.layout import BLOCK_ROWS, BLOCK_VECTORS
from handgrad.engines.compiled.products import ADD, STORE, multiply
from handgrad.engines.compiled.rules import SGD, decay, descend, move, scale
from handgrad.engines.compiled.vectors import (
    INT,
    add_lanes,
    at,
    fma,
    lanes,
    load,
    pointer,
    splat,
    store,
)

compiled = njit(error_model="numpy", nogil=True)


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
            P = place + i * row + j
            if rule.shrink > 0:
                decay(tall, columns, at(w, P), row, G, columns, l2, rule.shrink)
                move(plan, rule, tall, row, P, columns, G, columns, 0.0, work)
            else:
                move(plan, rule, tall, row, P, columns, G, columns, l2, work)
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


@intrinsic
def sum_of_squares(typingctx, v):
    """Add the squares of a vector's elements in float64, always in the same order."""

    def codegen(context, builder, signature, args):
        wide = args[0]
        if isinstance(wide.type.element, ir.FloatType):
            wide = builder.fpext(wide, ir.VectorType(ir.DoubleType(), wide.type.count))
        (sums,) = add_lanes(builder, [builder.fmul(wide, wide)])
        return builder.extract_element(sums, INT(0))

    return types.float64(v), codegen


@compiled
def add_penalty(rows, width, P, row, G, l2, squares):
    """Add l2 P to the gradient G; write the sum of squares of each vector of its columns."""
    l2_here, lane = splat(P, l2), lanes(P)
    for j in range(0, width, lane):
        total_here = 0.0
        for i in range(rows):
            place = at(G, i * row + j)
            g = fma(l2_here, load(at(P, i * row + j)), load(place))
            store(place, g)
            total_here += sum_of_squares(g)
        squares[j // lane] = total_here


@compiled
def whole_gradient(plan, layers, l2, thread, threads, n, a, a_row, work, squares):
    """Make this thread's part of the gradient, and the sums of squares of its vectors."""
    w = pointer(work)
    width = lanes(w)
    for number in range(layers.size):
        layer = layers[number]
        vectors = layer.columns // width
        first, last = vectors * thread // threads, vectors * (thread + 1) // threads
        begin, columns = first * width, (last - first) * width
        head = number == layers.size - 1
        if head:
            rows, A, step, other = layer.n_out, at(w, plan.score), plan.score_row, 1
            B, b_row = a, a_row
        else:
            rows, A, step, other = layer.n_in, a, 1, a_row
            B, b_row = at(w, layer.d), layer.columns
        if columns > 0:
            P, G = at(w, layer.W + begin), at(w, plan.whole + layer.W + begin)
            multiply(
                rows, columns, n, 1.0, A, step, other, at(B, begin), b_row, 0.0,
                G, layer.columns, STORE, G,
            )  # fmt: skip
            add_penalty(rows, columns, P, layer.columns, G, l2, at(squares, first))
        squares = at(squares, vectors)
        P, G = at(w, layer.b), at(w, plan.whole + layer.b)
        if not head:
            if columns > 0:
                sum_columns(at(B, begin), b_row, n, columns, at(G, begin))
                add_penalty(1, columns, at(P, begin), 0, at(G, begin), 0.0, at(squares, first))
            squares = at(squares, vectors)
            a, a_row = at(w, layer.h), layer.columns
        elif thread == threads - 1:
            padded = (layer.n_out + width - 1) // width * width
            for c in range(padded):
                G[c] = sum_rows(at(A, c * plan.score_row), n) if c < layer.n_out else 0.0
            add_penalty(1, padded, P, 0, G, 0.0, squares)


@compiled
def apply(plan, rule, rows, columns, place, row, decays, factor, work):
    """Move a block of parameters by the gradient that was kept, times a factor."""
    w = pointer(work)
    P, G = at(w, place), at(w, plan.whole + place)
    if factor != 1.0:
        scale(rows, columns, G, row, factor)
    if decays and rule.shrink > 0:
        decay(rows, columns, P, row, G, row, 0.0, rule.shrink)
    if rule.kind == SGD:
        descend(rows, columns, P, row, G, row, rule.lr)
    else:
        move(plan, rule, rows, row, place, columns, G, row, 0.0, work)


@compiled
def apply_all(plan, layers, rule, thread, threads, factor, work):
    """Make this thread's part of the step by the gradient that was kept."""
    width = lanes(pointer(work))
    for number in range(layers.size):
        layer = layers[number]
        vectors = layer.columns // width
        begin, end = vectors * thread // threads * width, vectors * (thread + 1) // threads * width
        head = number == layers.size - 1
        rows, row, columns = layer.n_out if head else layer.n_in, layer.columns, end - begin
        if columns > 0:
            apply(plan, rule, rows, columns, layer.W + begin, row, True, factor, work)
            if not head:
                apply(plan, rule, 1, columns, layer.b + begin, 0, False, factor, work)
        if head and thread == threads - 1:
            padded = (layer.n_out + width - 1) // width * width
            apply(plan, rule, 1, padded, layer.b, 0, False, factor, work)
