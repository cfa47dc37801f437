"""The update rules of the compiled engine: optim.py in one pass over parameters and slots.

Rows of weights, biases and slots are padded to whole vectors with zeros, which every rule here
keeps zero.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from handgrad.engines.compiled.called import called_by_name
from handgrad.engines.compiled.layout import RULE_NAMES
from handgrad.engines.compiled.vectors import at, fma, lanes, load, pointer, splat, sqrt, store

compiled = njit(error_model="numpy", nogil=True)

SGD, MOMENTUM, NESTEROV, ADAM = (
    RULE_NAMES.index(name) for name in ("sgd", "momentum", "nesterov", "adam")
)


class Rule(NamedTuple):
    """An update rule and its rates at one step."""

    kind: int
    lr: float
    momentum: float
    beta_1: float
    beta_2: float
    epsilon: float
    alpha: float  # lr / (1 - beta_1^t)
    root: float  # 1 / sqrt(1 - beta_2^t)
    shrink: float = 0.0  # lr * weight_decay


@compiled
def rule_at(kind, rate, lr, power_1, power_2):
    """Make the rule of one step; the powers are beta_1^t and beta_2^t."""
    return Rule(
        kind, lr, rate.momentum, rate.beta_1, rate.beta_2, rate.epsilon,
        lr / (1 - power_1), 1 / np.sqrt(1 - power_2), lr * rate.weight_decay,
    )  # fmt: skip


@compiled
def at_rate(rule, factor):
    """Give the rule of a parameter whose rate is another; its decay stays."""
    return Rule(
        rule.kind, rule.lr * factor, rule.momentum, rule.beta_1, rule.beta_2, rule.epsilon,
        rule.alpha * factor, rule.root, rule.shrink,
    )  # fmt: skip


@called_by_name("iippipidddi")
def _move_by_momentum(rows, width, P, V, row, G, g_row, lr, momentum, l2, nesterov):
    lane = lanes(P)
    descent, mu = splat(P, -lr), splat(P, momentum)
    decay = splat(P, l2)
    for i in range(rows):
        for j in range(0, width, lane):
            p, v = load(at(P, i * row + j)), load(at(V, i * row + j))
            down = descent * fma(decay, p, load(at(G, i * g_row + j)))
            v = fma(mu, v, down)
            store(at(V, i * row + j), v)
            store(at(P, i * row + j), p + (fma(mu, v, down) if nesterov else v))


@compiled
def momentum_step(rows, width, P, V, row, G, g_row, rule, l2):
    """Move ``width`` columns of so many rows of parameters P and velocities V by the gradient G."""
    _move_by_momentum(
        rows, width, P, V, row, G, g_row, rule.lr, rule.momentum, l2, rule.kind == NESTEROV
    )


@called_by_name("iipppipidddddd")
def _move_by_adam(
    rows, width, P, M, V, row, G, g_row, of_m, of_v, corrected_lr, correction, least, l2
):
    lane = lanes(P)
    beta_1, rest_1 = splat(P, of_m), splat(P, 1 - of_m)
    beta_2, rest_2 = splat(P, of_v), splat(P, 1 - of_v)
    alpha, root, epsilon = splat(P, corrected_lr), splat(P, correction), splat(P, least)
    decay = splat(P, l2)
    for i in range(rows):
        for j in range(0, width, lane):
            p = load(at(P, i * row + j))
            g = fma(decay, p, load(at(G, i * g_row + j)))
            m = fma(beta_1, load(at(M, i * row + j)), rest_1 * g)
            v = fma(beta_2, load(at(V, i * row + j)), rest_2 * (g * g))
            store(at(M, i * row + j), m)
            store(at(V, i * row + j), v)
            store(at(P, i * row + j), p - alpha * m / fma(root, sqrt(v), epsilon))


@compiled
def adam_step(rows, width, P, M, V, row, G, g_row, rule, l2):
    """Move parameters P and both moments M, V; rule.alpha and rule.root correct their bias."""
    _move_by_adam(
        rows, width, P, M, V, row, G, g_row,
        rule.beta_1, rule.beta_2, rule.alpha, rule.root, rule.epsilon, l2,
    )  # fmt: skip


@compiled
def move(plan, rule, rows, row, place, columns, G, g_row, l2, work):
    """Apply a rule with slots to a block of parameters whose gradient is G."""
    w = pointer(work)
    P, V = at(w, place), at(w, place + plan.slots)
    if rule.kind == ADAM:
        adam_step(rows, columns, P, V, at(V, plan.slot), row, G, g_row, rule, l2)
    else:
        momentum_step(rows, columns, P, V, row, G, g_row, rule, l2)


@called_by_name("iipipid")
def descend(rows, width, P, row, G, g_row, lr):
    """Move parameters P against the gradient G."""
    down = splat(P, -lr)
    for i in range(rows):
        for j in range(0, width, lanes(P)):
            place = at(P, i * row + j)
            store(place, fma(down, load(at(G, i * g_row + j)), load(place)))


@called_by_name("iipipidd")
def decay(rows, width, P, row, G, g_row, l2, shrink):
    """Add the penalty's gradient to G, then take the part ``shrink`` from the weights P."""
    l2_here, less = splat(P, l2), splat(P, -shrink)
    for i in range(rows):
        for j in range(0, width, lanes(P)):
            place, g_place = at(P, i * row + j), at(G, i * g_row + j)
            p = load(place)
            store(g_place, fma(l2_here, p, load(g_place)))
            store(place, fma(less, p, p))


@called_by_name("iipid")
def scale(rows, width, G, g_row, factor):
    """Multiply a gradient by a factor."""
    times = splat(G, factor)
    for i in range(rows):
        for j in range(0, width, lanes(G)):
            place = at(G, i * g_row + j)
            store(place, times * load(place))
