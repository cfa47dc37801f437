"""The gradients of random networks against complex steps, which subtract nothing.

Depths 0 to 5, every activation and output, row weights and penalties. A network of which a unit
stands within 1e-6 of the corner of a relu is drawn anew: there is no derivative.
"""

import numpy as np

COUNT = 300
MOST = 1e-12  # relative error
NEAREST = 1e-6  # to a corner


def drill(tally, folder):
    from handgrad.gradcheck import check_gradients

    worst = 0.0
    for number in tally.strikes():
        problem = drawn(np.random.default_rng(number))
        error = max(check_gradients(*problem).errors.values())
        worst = max(worst, error)
        tally.expect(error <= MOST, f"network {number}, {problem[0]}: off by {error:.1e}")
    return f"{tally.struck} random networks, relative error at most {worst:.1e}"


def drawn(rng):
    """Draw a network and rows until none stands at a corner."""
    from handgrad.network import forward

    while True:
        problem = drawn_once(rng)
        architecture, params, x, y_t, *_ = problem
        tape = forward(architecture, params, x)
        layers = zip(architecture.activations, tape.r, strict=True)
        kinked = [np.abs(r).min() for name, r in layers if name in ("relu", "leaky_relu", "selu")]
        if min([*kinked, off_the_corner(architecture, tape.score, y_t)]) > NEAREST:
            return problem


def off_the_corner(architecture, score, y_t):
    if architecture.output not in ("absolute", "quantile", "huber"):
        return np.inf
    off = np.abs(score - np.repeat(y_t, score.shape[1] // y_t.shape[1], axis=1))
    return np.abs(off - architecture.loss.delta if architecture.output == "huber" else off).min()


def drawn_once(rng):
    from handgrad.activations import ACTIVATIONS
    from handgrad.network import Architecture
    from handgrad.outputs import OUTPUTS
    from handgrad.params import Params

    output = str(rng.choice(sorted(OUTPUTS)))
    hidden = rng.integers(1, 7, size=rng.integers(6))
    activation = tuple(map(str, rng.choice(sorted(ACTIVATIONS), size=len(hidden))))
    N_x, N_y = rng.integers(1, 7), rng.integers(2, 6)
    units = (int(N_x), *map(int, hidden), int(N_y))
    architecture = Architecture(units, activation or "relu", output)
    params, n = Params.zeros(units), int(rng.integers(1, 9))
    for W, b in zip(params.W, params.b, strict=True):
        W[...] = rng.standard_normal(W.shape) / np.sqrt(len(W))
        b[...] = 0.3 * rng.standard_normal(b.shape)
    x = rng.standard_normal((n, units[0]))
    weight = rng.uniform(0.2, 2, size=n) if rng.integers(2) else None
    return architecture, params, x, truth(architecture, n, rng), weight, float(rng.choice([0, 0.1]))


def truth(architecture, n, rng):
    N_y = architecture.layer_units[-1]
    if architecture.output == "softmax":
        return rng.integers(N_y, size=n)
    if architecture.output == "logistic":
        return rng.integers(2, size=(n, N_y)).astype(float)
    if architecture.output == "poisson":
        return rng.poisson(2.0, size=(n, N_y)).astype(float)
    return rng.standard_normal((n, architecture.n_targets))
