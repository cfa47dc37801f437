"""The two-layer network, derived by hand and written line for line. START HERE.

Nothing in this file is fast and nothing is hidden: NumPy is all it imports. A batch
holds n rows of N_x inputs; the network has N_h hidden units and N_y classes;
y_t[i] is the true class of row i. Forward, a row is mapped to scores and the scores to
probabilities:

    r = x W1 + b1        h = max(0, r)        score = h W2 + b2        y = softmax(score)

and L is the mean of -log y[i, y_t[i]]. Backward, dv stands for dL/dv and has the shape
of v. Every line that computes a numbered equation ends with its shape and its number;
docs/derivation.md derives each equation under the same number.

    python -m handgrad.two_layer        trains it on the spiral and prints the loss
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Classes = NDArray[np.intp]


class Params(NamedTuple):
    """The four parameters; their four gradients have the same type and shapes."""

    W1: Array  # (N_x, N_h)
    b1: Array  # (N_h,)
    W2: Array  # (N_h, N_y)
    b2: Array  # (N_y,)


class Tape(NamedTuple):
    """What the forward pass computed, kept because the backward pass needs it."""

    x: Array  # (n, N_x)
    r: Array  # (n, N_h)
    h: Array  # (n, N_h)
    score: Array  # (n, N_y)
    y: Array  # (n, N_y)


def initialise(N_x: int, N_h: int, N_y: int, rng: np.random.Generator) -> Params:
    """Weights of variance 2 / fan-in, which keeps the scale of h (He et al., 2015); biases 0."""
    W1 = rng.standard_normal((N_x, N_h)) * np.sqrt(2 / N_x)
    W2 = rng.standard_normal((N_h, N_y)) * np.sqrt(2 / N_h)
    return Params(W1, np.zeros(N_h), W2, np.zeros(N_y))


def softmax(score: Array) -> Array:
    # Subtracting the row's maximum changes no quotient and keeps exp from overflowing.
    e = np.exp(score - score.max(axis=1, keepdims=True))
    y: Array = e / e.sum(axis=1, keepdims=True)
    return y


def forward(params: Params, x: Array) -> Tape:
    W1, b1, W2, b2 = params
    r = x @ W1 + b1  # (n, N_h) (1)
    h = np.maximum(0, r)  # (n, N_h) (2)
    score = h @ W2 + b2  # (n, N_y) (3)
    y = softmax(score)  # (n, N_y) (4)
    return Tape(x, r, h, score, y)


def loss(tape: Tape, y_t: Classes) -> float:
    # -log y[i, y_t] = log sum_k exp(score[i, k]) - score[i, y_t], which stays finite
    # where y[i, y_t] underflows to 0 and its logarithm would not.
    shifted = tape.score - tape.score.max(axis=1, keepdims=True)  # (n, N_y)
    log_sum_exp = np.log(np.exp(shifted).sum(axis=1))  # (n,)
    L = np.mean(log_sum_exp - shifted[np.arange(len(y_t)), y_t])  # scalar (5)
    return float(L)


def backward(params: Params, tape: Tape, y_t: Classes) -> Params:
    n, N_y = tape.y.shape
    dscore = (tape.y - np.eye(N_y)[y_t]) / n  # (n, N_y) (6)
    dW2 = tape.h.T @ dscore  # (N_h, N_y) (7)
    db2 = dscore.sum(axis=0)  # (N_y,) (8)
    dh = dscore @ params.W2.T  # (n, N_h) (9)
    dr = dh * (tape.r > 0)  # (n, N_h) (10)
    dW1 = tape.x.T @ dr  # (N_x, N_h) (11)
    db1 = dr.sum(axis=0)  # (N_h,) (12)
    return Params(dW1, db1, dW2, db2)


def update(params: Params, gradients: Params, lr: float) -> Params:
    pairs = zip(params, gradients, strict=True)
    return Params(*(theta - lr * dtheta for theta, dtheta in pairs))  # as theta (13)


def train(
    params: Params,
    x: Array,
    y_t: Classes,
    *,
    lr: float,
    epochs: int,
    N_b: int | None = None,
    seed: int = 0,
) -> tuple[Params, list[float]]:
    """Train for some epochs; return the parameters, and the loss on all rows after each epoch.

    N_b rows make one step: all of them (None) is batch gradient descent, one is stochastic
    gradient descent, anything between is mini-batch gradient descent. Every epoch visits
    every row once, in an order shuffled from the seed.
    """
    rng = np.random.default_rng(seed)
    n = len(x)
    N_b = n if N_b is None else N_b
    losses = []
    for _ in range(epochs):
        order = rng.permutation(n)
        for start in range(0, n, N_b):
            rows = order[start : start + N_b]
            tape = forward(params, x[rows])
            params = update(params, backward(params, tape, y_t[rows]), lr)
        losses.append(loss(forward(params, x), y_t))
    return params, losses


def spiral(
    rng: np.random.Generator | np.random.RandomState, points: int = 100, classes: int = 3
) -> tuple[Array, Classes]:
    """Draw the CS231n spiral: one arm of noisy points a class, x of shape (points * classes, 2)."""
    radius = np.linspace(0, 1, points)
    arms = []
    for k in range(classes):
        angle = np.linspace(4 * k, 4 * (k + 1), points) + 0.2 * rng.standard_normal(points)
        arms.append(np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]))
    return np.concatenate(arms), np.repeat(np.arange(classes), points)


def main() -> None:
    rng = np.random.default_rng(0)
    x, y_t = spiral(rng)
    params = initialise(2, 100, 3, rng)
    print("the spiral: 300 points of 3 classes; 100 hidden units; batch gradient descent, lr = 1")
    print(f"step {0:5d}   loss {loss(forward(params, x), y_t):.6f}")
    params, losses = train(params, x, y_t, lr=1.0, epochs=2000)
    for step in range(200, 2001, 200):
        print(f"step {step:5d}   loss {losses[step - 1]:.6f}")
    right = np.mean(forward(params, x).score.argmax(axis=1) == y_t)
    print(f"{right:.1%} of the points fall on their own side")


if __name__ == "__main__":
    main()
