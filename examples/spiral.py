"""CS231n's spiral: the mathematics line by line, then the estimator, beside the course's figures.

"Putting it together: Minimal Neural Network Case Study" of Stanford's CS231n,
https://cs231n.github.io/neural-networks-case-study/, draws three arms of 100 points from seed 0
and trains two networks by plain descent on all points, rate 1 and penalty 0.001: a linear one,
which gets 49 % of the points right, and one with 100 hidden units, which gets 98 %. The course
prints the loss after 190 and after 9,000 steps, and so do we. Here the first network is equations
(3) to (8) of docs/derivation.md with x in place of h, the second is two_layer.py, and the third is
the same as an MLPClassifier. The course's weights are not seeded, so the digits differ a little.

    python examples/spiral.py
    python examples/spiral.py --steps 500 --picture spiral.png

It prints our loss and share of points right beside the course's, and with --picture draws the
region of each class (needs matplotlib). It takes 8 seconds on one core:

    network                       loss   right   CS231n's
    linear, 191 steps         0.786302   49.3%   0.786302, 49 %
    two layers,  9001 steps   0.244923   98.0%   0.245292, 98 %
    MLPClassifier             0.244920   98.0%
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from handgrad import MLPClassifier, two_layer

LR, PENALTY = 1.0, 1e-3
LINEAR_STEPS, STEPS = 191, 9001  # the loss of the last step is taken before its update
CLASSES = 3


def with_penalty(loss: float, *weights: two_layer.Array) -> float:
    return loss + PENALTY / 2 * sum(float((W**2).sum()) for W in weights)


def linear(
    x: two_layer.Array, y_t: two_layer.Classes, rng: np.random.RandomState, steps: int
) -> tuple[float, float]:
    """Train scores that are linear in x; return the last loss and the share right."""
    W, b = 0.01 * rng.randn(2, CLASSES), np.zeros(CLASSES)
    loss = np.nan
    for _ in range(steps):
        score = x @ W + b  # (3)
        y = two_layer.softmax(score)  # (4)
        loss = with_penalty(float(-np.log(y[np.arange(len(x)), y_t]).mean()), W)  # (5)
        dscore = (y - np.eye(CLASSES)[y_t]) / len(x)  # (6)
        dW, db = x.T @ dscore + PENALTY * W, dscore.sum(axis=0)  # (7) (8)
        W, b = W - LR * dW, b - LR * db  # (13)
    return loss, float(np.mean((x @ W + b).argmax(axis=1) == y_t))


def small_weights(rng: np.random.RandomState) -> two_layer.Params:
    W1, W2 = 0.01 * rng.randn(2, 100), 0.01 * rng.randn(100, CLASSES)
    return two_layer.Params(W1, np.zeros(100), W2, np.zeros(CLASSES))


def two_layers(
    x: two_layer.Array, y_t: two_layer.Classes, params: two_layer.Params, steps: int
) -> tuple[float, float]:
    """Train equations (1) to (13), with the penalty's gradient on top of (7) and (11)."""
    loss = np.nan
    for _ in range(steps):
        tape = two_layer.forward(params, x)
        loss = with_penalty(two_layer.loss(tape, y_t), params.W1, params.W2)
        dW1, db1, dW2, db2 = two_layer.backward(params, tape, y_t)
        gradients = two_layer.Params(dW1 + PENALTY * params.W1, db1, dW2 + PENALTY * params.W2, db2)
        params = two_layer.update(params, gradients, LR)
    return loss, float(np.mean(two_layer.forward(params, x).score.argmax(axis=1) == y_t))


def estimator(
    x: two_layer.Array, y_t: two_layer.Classes, params: two_layer.Params, steps: int
) -> MLPClassifier:
    model = MLPClassifier(
        (100,),
        solver="sgd",
        momentum=0,
        batch_size=len(x),
        learning_rate_init=LR,
        alpha=PENALTY,
        max_iter=steps,
        n_iter_no_change=np.inf,
        preprocess=None,
        initialisation=([params.W1, params.W2], [params.b1, params.b2]),
    )
    return model.fit(x, y_t)


def draw(model: MLPClassifier, x: two_layer.Array, y_t: two_layer.Classes, path: Path) -> None:
    from matplotlib.figure import Figure

    from handgrad.plots import RegionsDisplay

    figure = Figure(figsize=(6, 5), layout="constrained")
    display = RegionsDisplay.from_estimator(model, x, y_t).plot(ax=figure.subplots())
    display.ax_.set_aspect("equal")
    figure.savefig(path, dpi=120)


def main() -> None:
    arguments = argparse.ArgumentParser(description="CS231n's spiral")
    arguments.add_argument("--steps", type=int, default=STEPS, help="steps of two layers")
    arguments.add_argument("--picture", type=Path, help="draw the plane into this file, say a.png")
    given = arguments.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are the course's

    rng = np.random.RandomState(0)  # the generator that the course used
    x, y_t = two_layer.spiral(rng)
    print("network                       loss   right   CS231n's")
    loss, right = linear(x, y_t, rng, LINEAR_STEPS)
    print(f"linear, {LINEAR_STEPS} steps         {loss:.6f}   {right:.1%}   0.786302, 49 %")
    start = small_weights(rng)
    loss, right = two_layers(x, y_t, start, given.steps)
    print(f"two layers, {given.steps:5} steps   {loss:.6f}   {right:.1%}   0.245292, 98 %")
    model = estimator(x, y_t, start, given.steps)
    print(f"MLPClassifier             {model.loss_:.6f}   {model.score(x, y_t):.1%}")
    if given.picture:
        draw(model, x, y_t, given.picture)
        print(f"the plane is drawn in {given.picture}")


if __name__ == "__main__":
    main()
