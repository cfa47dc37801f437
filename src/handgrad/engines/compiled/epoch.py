"""An epoch of the compiled engine: network.py and optim.py over many batches in one call.

One step has two phases. In the first, each thread takes some rows of the batch through
equations 1 to 6 and 9 to 10, down to the derivative dr of every layer; in the second, each
takes some columns of every weight matrix, computes their gradient (equations 7, 8, 11, 12) and
moves them at once, while they are in the cache. Two meetings a step are all that the threads
need, and since no sum is divided between threads, their number changes no bit. A scale of the
inputs, whose gradient is made of the parts that all threads have left, takes one more.

Everything lives in one array, ``work``. What is where stands in the records of ``layout.py``, which
``engine.py`` fills in. The weights of the last layer lie transposed, (N_y, N_h): so its product is
one of rows with rows, and the scores of one class are contiguous over rows.
"""

import numpy as np
from numba import njit

from handgrad.engines.compiled.activations import (
    RELU,
    activate,
    activate_and_slope,
    activate_backward,
    drop,
    keep_slope,
    times_slope,
)
from handgrad.engines.compiled.kernels import (
    all_finite,
    binary_loss,
    softmax_loss,
    squared_loss,
    sum_rows,
)
from handgrad.engines.compiled.layout import (
    BAD_BATCH,
    BAD_LOSS,
    GENERATION,
    KEEPING_SLOPES,
    LAST_LOSS,
    LEAVE,
    LOSS,
    NORM,
    NOT_0_AT_0,
    NOT_FINITE,
    RESULTS,
    RIGHT,
)
from handgrad.engines.compiled.losses import (
    BINARY,
    SOFTMAX,
    SQUARED,
    excess_of_true,
    number_loss,
    smooth,
    soft_loss,
)
from handgrad.engines.compiled.products import BIAS, RELU_BACKWARD, STORE, multiply, row_products
from handgrad.engines.compiled.rules import at_rate, rule_at
from handgrad.engines.compiled.skips import add_columns, by_row, make_tables, pack_V
from handgrad.engines.compiled.updates import (
    apply_all,
    gradient_of_s,
    update,
    update_s,
    whole_gradient,
)
from handgrad.engines.compiled.vectors import (
    at,
    copy,
    count_up,
    flush_denormals,
    give_way,
    lanes,
    load,
    look,
    point,
    point_to_integers,
    pointer,
    publish,
    restore_denormals,
    store,
)

compiled = njit(error_model="numpy", nogil=True)


SPINS = 20_000  # about 20 us of waiting before a thread gives way to whatever else must run


@compiled
def meet(sync, threads):
    """Wait until every thread is here; False if they are to leave, because one is not coming."""
    if threads == 1:
        return True
    p = pointer(sync)
    generation = look(at(p, GENERATION))
    if count_up(p) == threads:
        publish(p, 0)
        publish(at(p, GENERATION), generation + 1)
        return True
    spins = 0
    while look(at(p, GENERATION)) == generation:
        if look(at(p, LEAVE)) != 0:
            return False
        spins += 1
        if spins > SPINS:
            give_way()
    return True


@compiled
def pack(plan, flat, packed, layers, wides, back):
    """Copy a flat vector of the house into padded rows, or ``back``; the last layer transposed."""
    for number in range(layers.size):
        layer = layers[number]
        W, W_packed = at(flat, layer.flat), at(packed, layer.W)
        b, b_packed = at(W, layer.n_in * layer.n_out), at(packed, layer.b)
        if number < layers.size - 1:
            for i in range(layer.n_in):
                row, row_packed = at(W, i * layer.n_out), at(W_packed, i * layer.columns)
                if back:
                    copy(row, row_packed, layer.n_out)
                else:
                    copy(row_packed, row, layer.n_out)
        else:
            for i in range(layer.n_in):
                for c in range(layer.n_out):
                    if back:
                        W[i * layer.n_out + c] = W_packed[c * layer.columns + i]
                    else:
                        W_packed[c * layer.columns + i] = W[i * layer.n_out + c]
        if back:
            copy(b, b_packed, layer.n_out)
        else:
            copy(b_packed, b, layer.n_out)
    pack_V(flat, packed, wides, plan.n_outputs, plan.v_row, back)
    if plan.scales:
        s, s_packed = at(flat, plan.n_parameters - plan.n_deep), at(packed, plan.s)
        if back:
            copy(s, s_packed, plan.n_deep)
        else:
            copy(s_packed, s, plan.n_deep)


@compiled
def pack_all(plan, layers, wides, work, back):
    """Do so with the parameters and every slot."""
    w = pointer(work)
    flat, slots = point(plan.flat, w), point(plan.slot_vectors, w)
    pack(plan, flat, w, layers, wides, back)
    make_tables(wides, plan.v_row, w)
    for k in range(plan.n_slots):
        slot, packed = at(slots, k * plan.n_parameters), at(w, plan.slots + k * plan.slot)
        pack(plan, slot, packed, layers, wides, back)


@compiled
def gather(plan, first, begin, end, picked, work):
    """Copy rows begin to end of the batch that starts at position ``first`` of the order."""
    w = pointer(work)
    order, labels = point_to_integers(plan.order), point_to_integers(plan.labels)
    rows, targets, weights = point(plan.rows, w), point(plan.targets, w), point(plan.weights, w)
    x, target, weight = at(w, plan.x), at(w, plan.target), at(w, plan.weight)
    u = at(w, plan.u)
    for i in range(begin, end):
        row = order[first + i] if plan.order != 0 else first + i
        if plan.gathers:
            numbers = at(rows, row * plan.n_inputs)
            copy(at(x, i * plan.x_row), numbers, plan.n_deep)
            for k in range(plan.n_inputs - plan.n_deep):
                u[k * plan.u_row + i] = numbers[plan.n_deep + k]
        if plan.labels != 0:
            picked[i] = labels[row]
        else:
            for c in range(plan.n_targets):
                target[c * plan.score_row + i] = targets[row * plan.n_targets + c]
        if plan.weighted:
            weight[i] = weights[row]


@compiled
def scaled(plan, begin, rows, work):
    """Multiply the x of some rows by s; give where x s is."""
    w = pointer(work)
    x, result, s = at(w, plan.x), at(w, plan.scaled + begin * plan.x_row), at(w, plan.s)
    for i in range(rows):
        for j in range(0, plan.x_row, lanes(w)):
            scale, number = load(at(s, j)), load(at(x, (begin + i) * plan.x_row + j))
            store(at(result, i * plan.x_row + j), scale * number)
    return result


@compiled
def to_scores(plan, layers, a, a_row, begin, rows, keys, work):
    """Compute equations 1 to 3 for some rows; the tape is left in ``work``."""
    w = pointer(work)
    for number in range(layers.size - 1):
        layer = layers[number]
        columns = layer.columns
        floor = 0.0 if layer.activation == RELU else -np.inf
        h = at(w, layer.h + begin * columns)
        W, b = at(w, layer.W), at(w, layer.b)
        multiply(
            rows, columns, layer.n_in, 1.0, a, a_row, 1, W, columns, floor, h, columns, BIAS, b
        )
        slope = at(w, layer.slope + begin * columns)
        if layer.activation in KEEPING_SLOPES:
            activate_and_slope(h, slope, rows * columns, layer.activation)
        else:
            activate(h, rows * columns, layer.activation)
        if layer.activation in NOT_0_AT_0:
            for i in range(rows):
                for j in range(layer.n_out, columns):
                    h[i * columns + j] = 0.0
        if layer.drops != 0:
            if layer.activation not in KEEPING_SLOPES:
                keep_slope(slope, h, rows * columns, layer.activation)
            drop(h, slope, begin, rows, layer.n_out, columns, keys[number], layer.drops)
        a, a_row = h, columns
    head = layers[layers.size - 1]
    W, b, score = at(w, head.W), at(w, head.b), at(w, plan.score + begin)
    row_products(
        rows, head.n_out, head.columns, a, a_row, W, head.columns, b, score, 1, plan.score_row
    )


@compiled
def add_skip(plan, wides, begin, rows, work):
    """Add the skip's part of equation 3 for some rows."""
    w = pointer(work)
    add_columns(
        wides, rows, at(w, plan.u + begin), plan.u_row, 1, at(w, plan.score + begin),
        plan.score_row, plan.n_outputs, at(w, plan.by_row + begin * plan.v_row), plan.v_row, w,
    )  # fmt: skip


@compiled
def keep_dscore_by_row(plan, begin, rows, work):
    """Copy dscore of some rows to where equation 14 reads it."""
    w = pointer(work)
    by_row(
        at(w, plan.score + begin), plan.score_row, rows, plan.n_outputs,
        at(w, plan.by_row + begin * plan.v_row), plan.v_row, 0,
    )  # fmt: skip


@compiled
def to_dscore(plan, layers, rate, begin, rows, share, picked, work):
    """Compute equations 4 to 6 for some rows: dscore takes the place of the scores."""
    w = pointer(work)
    n_out, s_row = layers[layers.size - 1].n_out, plan.score_row
    score, target = at(w, plan.score + begin), at(w, plan.target + begin)
    weight = at(w, plan.weight + begin)
    loss, hit = at(w, plan.loss + begin), at(w, plan.hit + begin)
    if plan.output == SOFTMAX and plan.labels == 0:
        soft_loss(
            score, s_row, rows, n_out, target, s_row, weight, share, loss, hit, rate.smoothing
        )
    elif plan.output == SOFTMAX:
        y_t = at(pointer(picked), begin)
        if rate.smoothing > 0:
            excess_of_true(score, s_row, rows, n_out, y_t, target)
        softmax_loss(score, s_row, rows, n_out, y_t, weight, share, loss, hit)
        if rate.smoothing > 0:
            smooth(score, s_row, rows, n_out, y_t, target, weight, share, rate.smoothing, loss)
    elif plan.output == BINARY:
        binary_loss(
            score, s_row, rows, n_out, target, s_row, weight, share, loss, hit, rate.smoothing
        )
    elif plan.output == SQUARED:
        squared_loss(score, s_row, rows, n_out, target, s_row, weight, share, loss, hit)
    else:
        number_loss(
            score, s_row, rows, n_out, target, s_row, weight, share, loss, hit,
            plan.output, rate.delta, at(w, plan.quantiles), plan.n_quantiles,
        )  # fmt: skip


@compiled
def to_dr(plan, layers, begin, rows, work):
    """Compute equations 9 and 10 for some rows, from the last hidden layer to the first."""
    w = pointer(work)
    for number in range(layers.size - 2, -1, -1):
        layer, above = layers[number], layers[number + 1]
        columns, up = layer.columns, above.columns
        h, d = at(w, layer.h + begin * columns), at(w, layer.d + begin * columns)
        W = at(w, above.W)
        if number == layers.size - 2:
            score = at(w, plan.score + begin)
            end = RELU_BACKWARD if layer.activation == RELU else STORE
            multiply(
                rows, columns, above.n_out, 1.0, score, 1, plan.score_row, W, up, 0.0,
                d, columns, end, h,
            )  # fmt: skip
        else:
            d_above, zeros = at(w, above.d + begin * up), at(w, plan.zeros)
            row_products(rows, layer.n_out, up, d_above, up, W, up, zeros, d, columns, 1)
        if layer.keeps:
            times_slope(d, at(w, layer.slope + begin * columns), rows * columns)
        elif number < layers.size - 2 or layer.activation != RELU:
            activate_backward(d, h, rows * columns, layer.activation)


@compiled
def pass_rows(plan, layers, wides, rate, first, begin, end, share, keys, picked, work):
    """Take rows begin to end of a batch through both passes; give x, as the first layer has it."""
    w = pointer(work)
    gather(plan, first, begin, end, picked, work)
    a = at(w, plan.x) if plan.gathers else at(point(plan.rows, w), first * plan.n_inputs)
    if begin < end:
        x = at(a, begin * plan.x_row)
        if plan.scales:
            x = scaled(plan, begin, end - begin, work)
        to_scores(plan, layers, x, plan.x_row, begin, end - begin, keys, work)
        if wides.size > 0:
            add_skip(plan, wides, begin, end - begin, work)
        to_dscore(plan, layers, rate, begin, end - begin, share, picked, work)
        if plan.v_row > 1:
            keep_dscore_by_row(plan, begin, end - begin, work)
        to_dr(plan, layers, begin, end - begin, work)
    return a


@compiled
def step(plan, layers, wides, rule, rate, thread, threads, first, n, picked, work, sums, sync):
    """Make this thread's part of one step; False if the loss of the batch is not finite."""
    w, factors = pointer(work), point(plan.factors, pointer(sums))
    width = lanes(w)
    blocks = (n + width - 1) // width
    begin, end = (
        min(n, blocks * thread // threads * width),
        min(n, blocks * (thread + 1) // threads * width),
    )
    hidden = layers.size - 1
    keys = at(point_to_integers(plan.keys), first // plan.batch_size * hidden)
    a = pass_rows(plan, layers, wides, rate, first, begin, end, 1.0 / n, keys, picked, work)
    if not meet(sync, threads):
        return False
    loss = sum_rows(at(w, plan.loss), n)  # each thread adds it up: so all stop at the same batch
    if thread == 0:
        sums[LOSS] += loss
        sums[RIGHT] += sum_rows(at(w, plan.hit), n)
        sums[LAST_LOSS], sums[BAD_LOSS] = sums[BAD_LOSS], loss / n
    if not np.isfinite(loss):
        if thread == 0:
            sums[BAD_BATCH] = 1 + first // plan.batch_size
        return False
    if first + n < plan.n_rows and rate.clip_norm == np.inf:
        update(plan, layers, wides, rule, factors, rate.l2, thread, threads, n, a, plan.x_row, work)
        if not meet(sync, threads):
            return False
        if not plan.scales:
            return True
        rule_s = at_rate(rule, factors[2 * layers.size + (wides.size > 0)])
        update_s(plan, rule_s, rate.l2, thread, threads, work)
        return meet(sync, threads)
    squares = at(pointer(sums), RESULTS)
    whole_gradient(plan, layers, wides, rate.l2, thread, threads, n, a, plan.x_row, work, squares)
    if not meet(sync, threads):
        return False
    if plan.scales:
        gradient_of_s(plan, rate.l2, thread, threads, work, squares)
        if not meet(sync, threads):
            return False
    square = 0.0  # each thread adds up all, in one order
    for i in range(plan.n_squares):
        square += squares[i]
    norm = np.sqrt(square)
    if thread == 0:
        sums[NORM] = norm
    factor = 1.0 if norm <= rate.clip_norm else rate.clip_norm / norm
    apply_all(plan, layers, wides, rule, factors, thread, threads, factor, work)
    return meet(sync, threads)


@compiled
def power(base, t):
    """Compute base^t by squaring; beyond t = 65,536 numba's own asks the C library for pow."""
    result = 1.0
    while t > 0:
        if t & 1:
            result *= base
        t >>= 1
        base *= base
    return result


@compiled
def run_batches(
    thread, threads, first, last, t, plans, layers, wides, rates, picked, work, sums, sync
):
    """Make this thread's part of the steps of batches first to last - 1 of an epoch.

    The first of an epoch begins by packing parameters and slots; the last ends by unpacking
    them, and so does one whose loss is not finite. t counts the updates made before the epoch.
    """
    plan, rate = plans[0], rates[0]
    rates_of_updates = point(plan.learning_rates, pointer(sums))
    mode = flush_denormals()
    if thread == 0 and first == 0:
        sums[:] = 0.0
        pack_all(plan, layers, wides, work, False)
    good = meet(sync, threads)
    power_1, power_2 = power(rate.beta_1, t), power(rate.beta_2, t)
    for batch in range(last if good else 0):
        # from the epoch's first batch on, so that the number of batches a call changes no bit
        power_1, power_2 = power_1 * rate.beta_1, power_2 * rate.beta_2
        if batch < first:
            continue
        lr = rates_of_updates[batch]
        rule = rule_at(plan.rule, rate, lr, power_1, power_2)
        start = batch * plan.batch_size
        n = min(plan.batch_size, plan.n_rows - start)
        good = step(
            plan, layers, wides, rule, rate, thread, threads, start, n,
            picked, work, sums, sync,
        )  # fmt: skip
        if not good:
            break
    if thread == 0 and good and last * plan.batch_size >= plan.n_rows:
        sums[NOT_FINITE] = not all_finite(pointer(work), plan.slots + plan.n_slots * plan.slot)
        pack_all(plan, layers, wides, work, True)
    elif thread == 0 and sums[BAD_BATCH] != 0:  # training asks which layer it was
        pack_all(plan, layers, wides, work, True)
    restore_denormals(mode)
