"""The functions that JAX compiles; imported once the number of threads has been set.

A state is (layers, m, v, t); SGD leaves m and v alone, momentum uses m.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from layout import join, split

__all__ = ["join", "np"]

to_device = jnp.asarray
wait = jax.block_until_ready


def begin(theta, layer_units):
    layers = [(jnp.array(W), jnp.array(b)) for W, b in split(theta, layer_units)]
    m, v = (jax.tree.map(jnp.zeros_like, layers) for _ in range(2))
    return layers, m, v, jnp.zeros((), jnp.float32)


def mean_loss(layers, x, y_t):
    h = x
    for W, b in layers[:-1]:
        h = jnp.maximum(h @ W + b, 0)
    W, b = layers[-1]
    score = h @ W + b
    right = jnp.sum(score * jax.nn.one_hot(y_t, score.shape[1], dtype=score.dtype), axis=1)
    return jnp.mean(jax.nn.logsumexp(score, axis=1) - right)


loss = jax.jit(mean_loss)


def update(state, x, y_t, rule):
    """Make one step; rule is (optimizer, lr)."""
    layers, m, v, t = state
    optimizer, lr = rule
    gradients = jax.grad(mean_loss)(layers, x, y_t)
    if optimizer == "sgd":
        return jax.tree.map(lambda p, g: p - lr * g, layers, gradients), m, v, t
    if optimizer == "momentum":
        m = jax.tree.map(lambda m, g: 0.9 * m - lr * g, m, gradients)
        return jax.tree.map(jnp.add, layers, m), m, v, t
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
    rate, root = lr / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
    layers = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + 1e-8), layers, m, v)
    return layers, m, v, t


@partial(jax.jit, static_argnums=3, donate_argnums=0)
def step(state, x, y_t, rule):
    return update(state, x, y_t, rule)


@partial(jax.jit, static_argnums=4, donate_argnums=0)
def step_on(state, x, y_t, rows, rule):
    return update(state, x[rows], y_t[rows], rule)


@partial(jax.jit, static_argnums=(4, 5), donate_argnums=0)
def epoch(state, x, y_t, order, rule, batch_size):
    """Scan over the whole batches, then make the step of the shorter last one."""
    whole = len(order) // batch_size * batch_size

    def one(state, rows):
        return update(state, x[rows], y_t[rows], rule), None

    unroll = 4 if batch_size == 1 else 1  # of 1 and 4, the faster one there
    state, _ = lax.scan(one, state, order[:whole].reshape(-1, batch_size), unroll=unroll)
    return state if whole == len(order) else one(state, order[whole:])[0]


@partial(jax.jit, static_argnums=4, donate_argnums=0)
def full_batches(state, x, y_t, count, rule):
    return lax.fori_loop(0, count, lambda _, state: update(state, x, y_t, rule), state)
