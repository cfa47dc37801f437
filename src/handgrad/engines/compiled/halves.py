"""A step in two halves: the gradient of some rows, and the update by a gradient that is given.

Workers add their gradients up in between (``engines/sharded.py``). Parameters and slots stay in
``work``, packed, from the begin of an epoch to its end; a gradient goes in and out as the house
lays parameters out. One thread makes each half: the workers are what runs side by side.
"""

import numpy as np
from numba import njit

from handgrad.engines.compiled.epoch import pack, pack_all, pass_rows, power
from handgrad.engines.compiled.kernels import all_finite, sum_rows
from handgrad.engines.compiled.layout import LOSS, NORM, NOT_FINITE, RESULTS, RIGHT
from handgrad.engines.compiled.rules import rule_at
from handgrad.engines.compiled.updates import (
    add_penalty,
    apply_all,
    gradient_of_s,
    whole_gradient,
)
from handgrad.engines.compiled.vectors import (
    at,
    flush_denormals,
    lanes,
    point,
    point_to_integers,
    pointer,
    restore_denormals,
)

compiled = njit(error_model="numpy", nogil=True)


@compiled
def carry_all(back, plan, layers, wides, work, sums):
    """Pack parameters and slots, or unpack them; say then whether all are finite."""
    if back:
        sums[NOT_FINITE] = not all_finite(pointer(work), plan.slots + plan.n_slots * plan.slot)
    pack_all(plan, layers, wides, work, back)


@compiled
def gradient_of_rows(first, n, of, keys, out, plan, layers, wides, rate, picked, work, sums):
    """Write what n rows, from position ``first`` of the order on, add to the gradient of a batch.

    The batch has ``of`` rows, by which the sum is divided. The penalty is no part of it.
    """
    w = pointer(work)
    mode = flush_denormals()
    places = point_to_integers(keys)
    a = pass_rows(plan, layers, wides, rate, first, 0, n, 1.0 / of, places, picked, work)
    sums[LOSS] = sum_rows(at(w, plan.loss), n)
    sums[RIGHT] = sum_rows(at(w, plan.hit), n)
    squares = at(pointer(sums), RESULTS)
    whole_gradient(plan, layers, wides, 0.0, 0, 1, n, a, plan.x_row, work, squares)
    if plan.scales:
        gradient_of_s(plan, 0.0, 0, 1, work, squares)
    pack(plan, point(out, w), at(w, plan.whole), layers, wides, True)
    restore_denormals(mode)


@compiled
def add_penalties(plan, layers, wides, l2, work, squares):
    """Add the gradient of the penalty, and write the sums of squares of the whole gradient."""
    w = pointer(work)
    width = lanes(w)
    for number in range(layers.size):
        layer = layers[number]
        head = number == layers.size - 1
        rows = layer.n_out if head else layer.n_in
        W, G = at(w, layer.W), at(w, plan.whole + layer.W)
        add_penalty(rows, layer.columns, W, layer.columns, G, l2, squares)
        squares = at(squares, layer.columns // width)
        padded = (layer.n_out + width - 1) // width * width
        add_penalty(1, padded, at(w, layer.b), 0, at(w, plan.whole + layer.b), 0.0, squares)
        squares = at(squares, padded // width)
    for k in range(wides.size):
        V, size = wides[k].V, wides[k].size
        add_penalty(1, size, at(w, V), 0, at(w, plan.whole + V), l2, squares)
        squares = at(squares, size // width)
    if plan.scales:
        add_penalty(1, plan.parts_row, at(w, plan.s), 0, at(w, plan.whole + plan.s), l2, squares)


@compiled
def move_by(gradient, batch, t, plan, layers, wides, rate, work, sums):
    """Make update t, that of a batch counted from 0, by its gradient; keep its norm."""
    w, numbers = pointer(work), pointer(sums)
    mode = flush_denormals()
    pack(plan, point(gradient, w), at(w, plan.whole), layers, wides, False)
    squares = at(numbers, RESULTS)
    add_penalties(plan, layers, wides, rate.l2, work, squares)
    square = 0.0
    for i in range(plan.n_squares):
        square += squares[i]
    norm = np.sqrt(square)
    sums[NORM] = norm
    factor = 1.0 if norm <= rate.clip_norm else rate.clip_norm / norm
    lr = point(plan.learning_rates, numbers)[batch]
    rule = rule_at(plan.rule, rate, lr, power(rate.beta_1, t), power(rate.beta_2, t))
    apply_all(plan, layers, wides, rule, point(plan.factors, numbers), 0, 1, factor, work)
    restore_denormals(mode)
