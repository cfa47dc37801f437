"""The second phase of a step: gradients of parameters (equations 7, 8, 11, 12), and the update.

As a rule each block of a gradient is used as soon as it is made. Only where the norm of the
whole gradient is asked for, once an epoch, or in each step if gradients are clipped, the whole
is kept; threads then meet between the two halves.
"""

from llvmlite import ir
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from handgrad.engines.compiled.called import called_by_name
from handgrad.engines.compiled.kernels import sum_columns, sum_rows
from handgrad.engines.compiled.layout import BLOCK_ROWS, BLOCK_VECTORS, PIECES
from handgrad.engines.compiled.products import ADD, STORE, multiply
from handgrad.engines.compiled.rules import SGD, at_rate, decay, descend, move, scale
from handgrad.engines.compiled.skips import column_gradient, make_table
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
    total,
)

compiled = njit(error_model="numpy", nogil=True)


@called_by_name("iipipippi")
def rows_scaled(rows, columns, W, row, G, g_row, s, parts, parts_row):
    """Turn x^T dr into dW1 = s (x^T dr), row by row; keep what it adds to ds (equation 15).

    The sum over rows of x dh, dh = dr W1^T, is one over the columns of W1 (x^T dr). Each vector of
    columns gives a part, so that no sum is divided between threads.
    """
    for i in range(rows):
        factor = splat(G, s[i])
        for j in range(0, columns, lanes(G)):
            g = load(at(G, i * g_row + j))
            parts[j // lanes(G) * parts_row + i] = total(g * load(at(W, i * row + j)))
            store(at(G, i * g_row + j), factor * g)


@called_by_name("iipipipp")
def columns_scaled(rows, columns, W, row, G, g_row, s, ds):
    """Do the same where W1 is the head, which lies transposed: add to ds itself."""
    for j in range(0, columns, lanes(G)):
        factor, whole = load(at(s, j)), load(at(ds, j))
        for i in range(rows):
            g = load(at(G, i * g_row + j))
            whole = fma(g, load(at(W, i * row + j)), whole)
            store(at(G, i * g_row + j), factor * g)
        store(at(ds, j), whole)


@compiled
def scale_W1(plan, i, j, rows, columns, row, G, g_row, w):
    """Turn a block of x^T dr from row i and column j on into the gradient of W1, see above."""
    W, parts = at(w, i * row + j), at(w, plan.parts)
    if plan.n_parts > 0:
        part = at(parts, j // lanes(w) * plan.parts_row + i)
        rows_scaled(rows, columns, W, row, G, g_row, at(w, plan.s + i), part, plan.parts_row)
        return
    if i == 0:
        for column in range(columns):
            parts[j + column] = 0.0
    columns_scaled(rows, columns, W, row, G, g_row, at(w, plan.s + j), at(parts, j))


@compiled
def update_W(
    plan, rule, l2, n, rows, row, place, begin, end, A, a_row, a_column, B, b_row, scales, G, work
):
    """Make the step of columns begin to end of one weight matrix: A B is their gradient."""
    w = pointer(work)
    if rule.kind == SGD and not scales:  # the step is the product: no gradient is ever stored
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
            if scales:
                scale_W1(plan, i, j, tall, columns, row, G, columns, w)
            move_weights(plan, rule, tall, row, P, columns, G, columns, l2, work)
        j += columns


@compiled
def move_weights(plan, rule, rows, row, place, columns, G, g_row, l2, work):
    """Make the step of a block of weights whose gradient, without the penalty's, is G."""
    P = at(pointer(work), place)
    if rule.shrink > 0 or (rule.kind == SGD and l2 > 0):
        decay(rows, columns, P, row, G, g_row, l2, rule.shrink)
        l2 = 0.0
    if rule.kind == SGD:
        descend(rows, columns, P, row, G, g_row, rule.lr)
    else:
        move(plan, rule, rows, row, place, columns, G, g_row, l2, work)


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
def gradient_of_V(plan, wides, k, n, dV, dT, w):
    """Compute equation 14 for one column; dT is room that it may need."""
    wide, dscore = wides[k], at(w, plan.by_row if plan.v_row > 1 else plan.score)
    u = at(w, plan.u + k * plan.u_row)
    column_gradient(wide.kind, wide.n, wide.size, n, u, dscore, dT, dV, plan.v_row)


@compiled
def new_table(plan, wide, w):
    """Make the table of a column whose V has changed."""
    if wide.kind == PIECES:
        make_table(wide.n, at(w, wide.V), at(w, wide.table), plan.v_row)


@compiled
def update_V(plan, wides, rule, l2, thread, threads, n, G, work):
    """Make the step of this thread's columns of the skip."""
    w = pointer(work)
    k = thread
    while k < wides.size:  # a range in steps of threads would ask whether they are 0
        wide = wides[k]
        gradient_of_V(plan, wides, k, n, G, at(G, wide.size), w)
        move_weights(plan, rule, 1, 0, wide.V, wide.size, G, 0, l2, work)
        new_table(plan, wide, w)
        k += threads


@compiled
def span_of_s(plan, thread, threads, w):
    """Give the first of this thread's places of s, and how many there are."""
    width = lanes(w)
    vectors = plan.parts_row // width
    begin = vectors * thread // threads * width
    return begin, vectors * (thread + 1) // threads * width - begin


@compiled
def sum_parts(plan, begin, columns, ds, w):
    """Compute equation 15 for some inputs."""
    sum_columns(at(w, plan.parts + begin), plan.parts_row, max(plan.n_parts, 1), columns, ds)


@compiled
def update_s(plan, rule, l2, thread, threads, work):
    """Make this thread's part of the step of the scale, when every thread has moved W1."""
    w = pointer(work)
    begin, columns = span_of_s(plan, thread, threads, w)
    if columns > 0:
        G = at(w, plan.gradient + thread * plan.gradient_size)
        sum_parts(plan, begin, columns, G, w)
        move_weights(plan, rule, 1, 0, plan.s + begin, columns, G, 0, l2, work)


@compiled
def update(plan, layers, wides, base, factors, l2, thread, threads, n, a, a_row, work):
    """Make this thread's part of the step: equations 7, 8, 11, 12, 14 and 13."""
    w = pointer(work)
    width = lanes(w)
    G = at(w, plan.gradient + thread * plan.gradient_size)
    for number in range(layers.size):
        layer = layers[number]
        scales = plan.scales != 0 and number == 0
        rule, rule_b = at_rate(base, factors[2 * number]), at_rate(base, factors[2 * number + 1])
        vectors = layer.columns // width
        begin, end = vectors * thread // threads * width, vectors * (thread + 1) // threads * width
        if number < layers.size - 1:
            d = at(w, layer.d)
            if begin < end:
                update_W(
                    plan, rule, l2, n, layer.n_in, layer.columns, layer.W, begin, end,
                    a, 1, a_row, d, layer.columns, scales, G, work,
                )  # fmt: skip
                sum_columns(at(d, begin), layer.columns, n, end - begin, G)
                update_b(plan, rule_b, end - begin, layer.b + begin, G, work)
            a, a_row = at(w, layer.h), layer.columns
        else:
            score = at(w, plan.score)
            if begin < end:
                update_W(
                    plan, rule, l2, n, layer.n_out, layer.columns, layer.W, begin, end,
                    score, plan.score_row, 1, a, a_row, scales, G, work,
                )  # fmt: skip
            if thread == threads - 1:
                padded = (layer.n_out + width - 1) // width * width
                for c in range(padded):
                    G[c] = sum_rows(at(score, c * plan.score_row), n) if c < layer.n_out else 0.0
                update_b(plan, rule_b, padded, layer.b, G, work)
    if wides.size > 0:
        rule = at_rate(base, factors[2 * layers.size])
        update_V(plan, wides, rule, l2, thread, threads, n, G, work)


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
def gradient_of_s(plan, l2, thread, threads, work, squares):
    """Make this thread's part of the gradient of the scale, when each has made that of W1."""
    w = pointer(work)
    begin, columns = span_of_s(plan, thread, threads, w)
    if columns > 0:
        place, first = plan.s + begin, plan.n_squares - (plan.parts_row - begin) // lanes(w)
        sum_parts(plan, begin, columns, at(w, plan.whole + place), w)
        add_penalty(1, columns, at(w, place), 0, at(w, plan.whole + place), l2, at(squares, first))


@compiled
def whole_gradient_of_V(plan, wides, l2, thread, threads, n, work, squares):
    """Make the gradient of this thread's columns of the skip, and its sums of squares."""
    w = pointer(work)
    k = thread
    while k < wides.size:
        wide = wides[k]
        G, dT = at(w, plan.whole + wide.V), at(w, plan.gradient + thread * plan.gradient_size)
        gradient_of_V(plan, wides, k, n, G, dT, w)
        first = plan.squares_of_V + (wide.V - wides[0].V) // lanes(w)
        add_penalty(1, wide.size, at(w, wide.V), 0, G, l2, at(squares, first))
        k += threads


@compiled
def whole_gradient(plan, layers, wides, l2, thread, threads, n, a, a_row, work, squares):
    """Make this thread's part of the gradient, and the sums of squares of its vectors.

    That of the scale comes later.
    """
    w = pointer(work)
    width = lanes(w)
    whole_gradient_of_V(plan, wides, l2, thread, threads, n, work, squares)
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
            if plan.scales != 0 and number == 0:
                scale_W1(plan, 0, begin, rows, columns, layer.columns, G, layer.columns, w)
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
def apply_beside(plan, n_layers, wides, base, factors, thread, threads, factor, work):
    """Make this thread's part of the step of V and s by the gradient that was kept."""
    w = pointer(work)
    if wides.size > 0:
        rule = at_rate(base, factors[2 * n_layers])
        k = thread
        while k < wides.size:
            apply(plan, rule, 1, wides[k].size, wides[k].V, 0, True, factor, work)
            new_table(plan, wides[k], w)
            k += threads
    if plan.scales:
        rule = at_rate(base, factors[2 * n_layers + (wides.size > 0)])
        begin, columns = span_of_s(plan, thread, threads, w)
        if columns > 0:
            apply(plan, rule, 1, columns, plan.s + begin, 0, True, factor, work)


@compiled
def apply_all(plan, layers, wides, base, factors, thread, threads, factor, work):
    """Make this thread's part of the step by the gradient that was kept."""
    width = lanes(pointer(work))
    apply_beside(plan, layers.size, wides, base, factors, thread, threads, factor, work)
    for number in range(layers.size):
        layer = layers[number]
        rule, rule_b = at_rate(base, factors[2 * number]), at_rate(base, factors[2 * number + 1])
        vectors = layer.columns // width
        begin, end = vectors * thread // threads * width, vectors * (thread + 1) // threads * width
        head = number == layers.size - 1
        rows, row, columns = layer.n_out if head else layer.n_in, layer.columns, end - begin
        if columns > 0:
            apply(plan, rule, rows, columns, layer.W + begin, row, True, factor, work)
            if not head:
                apply(plan, rule_b, 1, columns, layer.b + begin, 0, False, factor, work)
        if head and thread == threads - 1:
            padded = (layer.n_out + width - 1) // width * width
            apply(plan, rule_b, 1, padded, layer.b, 0, False, factor, work)
