"""Numbers that others have published, from their inputs and with our code.

Each stands with its source. Their random draws are redone with the generator that they
used, numpy.random.RandomState.
"""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from handgrad.network import Architecture, backward, forward, loss
from handgrad.outputs import SOFTMAX
from handgrad.params import Params
from handgrad.two_layer import spiral


def parameters(*parts):
    """Join [W1, b1, W2, b2, ...] into one flat vector with names."""
    units = (*(len(W) for W in parts[::2]), len(parts[-1]))
    return Params.view(np.concatenate([np.ravel(part) for part in parts]), units)


def descend(architecture, params, x, y_t, *, lr, steps, l2=0.0):
    """Full-batch gradient descent in place; give the loss before every step."""
    record = []
    for _ in range(steps):
        tape = forward(architecture, params, x)
        record.append(loss(architecture, params, tape, y_t, l2=l2))
        params.flat[:] -= lr * backward(architecture, params, tape, y_t, l2=l2).flat
    return record


def accuracy(architecture, params, x, y_t):
    return np.mean(forward(architecture, params, x).score.argmax(axis=1) == y_t)


# CS231n, "Putting it together: Minimal Neural Network Case Study",
# https://cs231n.github.io/neural-networks-case-study/


def test_cs231n_gradient_of_the_scores():
    # "p = [0.2, 0.3, 0.5], and that the correct class was the middle one ... df = [0.2, -0.7, 0.5]"
    df = SOFTMAX.dscore(np.array([[0.2, 0.3, 0.5]]), np.array([1]))
    np.testing.assert_allclose(df, [[0.2, -0.7, 0.5]], rtol=1e-15)


def test_cs231n_linear_classifier_of_the_spiral():
    # "iteration 190: loss 0.786302", "training accuracy: 0.49"
    rng = np.random.RandomState(0)
    x, y_t = spiral(rng)
    architecture = Architecture((2, 3))
    params = parameters(0.01 * rng.randn(2, 3), np.zeros(3))
    record = descend(architecture, params, x, y_t, lr=1.0, steps=200, l2=1e-3)
    assert record[190] == pytest.approx(0.786302, abs=5e-7)
    assert accuracy(architecture, params, x, y_t) == pytest.approx(0.49, abs=0.005)


def test_cs231n_two_layer_network_on_the_spiral():
    # "iteration 0: loss 1.098744", "iteration 9000: loss 0.245292", "training accuracy: 0.98";
    # the page's weights are not seeded, hence bands
    rng = np.random.RandomState(0)
    x, y_t = spiral(rng)
    architecture = Architecture((2, 100, 3))
    W1, W2 = 0.01 * rng.randn(2, 100), 0.01 * rng.randn(100, 3)
    params = parameters(W1, np.zeros(100), W2, np.zeros(3))
    record = descend(architecture, params, x, y_t, lr=1.0, steps=10_000, l2=1e-3)
    assert record[0] == pytest.approx(1.0987, abs=1e-4)
    assert 0.243 <= record[9000] <= 0.246
    assert accuracy(architecture, params, x, y_t) >= 0.975


# CS231n assignment 1, two_layer_net.ipynb: the "correct_loss" of its toy model. Its penalty
# carries the 1/2 of later years, as ours does.


def test_cs231n_toy_network():
    rng = np.random.RandomState(0)
    params = parameters(0.1 * rng.randn(4, 10), np.zeros(10), 0.1 * rng.randn(10, 3), np.zeros(3))
    x = 10 * np.random.RandomState(1).randn(5, 4)
    architecture = Architecture((4, 10, 3))
    tape = forward(architecture, params, x)
    found = loss(architecture, params, tape, np.array([0, 1, 2, 2, 1]), l2=0.1)
    assert found == pytest.approx(1.30378789133, abs=5e-12)


# CS231n assignment FullyConnectedNets.ipynb, "Testing test-time forward pass" and
# "Testing training loss": no random number in it.


@pytest.mark.parametrize(("l2", "published"), [(0, 3.4702243556), (1, 26.5948426952)])
def test_cs231n_fully_connected_network(l2, published):
    n, N_x, N_h, N_y = 3, 5, 50, 7
    params = parameters(
        np.linspace(-0.7, 0.3, N_x * N_h).reshape(N_x, N_h),
        np.linspace(-0.1, 0.9, N_h),
        np.linspace(-0.3, 0.4, N_h * N_y).reshape(N_h, N_y),
        np.linspace(-0.9, 0.1, N_y),
    )
    x = np.linspace(-5.5, 4.5, n * N_x).reshape(N_x, n).T
    architecture = Architecture((N_x, N_h, N_y))
    tape = forward(architecture, params, x)
    assert tape.score[0, 0] == pytest.approx(11.53165108, abs=5e-9)
    found = loss(architecture, params, tape, np.array([0, 5, 1]), l2=l2)
    assert found == pytest.approx(published, abs=5e-11)


# deeplearning.ai, "Planar data classification with one hidden layer": the cost printed each
# thousandth iteration.


def flower():
    """Draw the course's load_planar_dataset()."""
    rng = np.random.RandomState(1)
    petals = []
    for k in range(2):
        angle = np.linspace(k * 3.12, (k + 1) * 3.12, 200) + 0.2 * rng.randn(200)
        radius = 4 * np.sin(4 * angle) + 0.2 * rng.randn(200)
        petals.append(np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]))
    return np.concatenate(petals), np.repeat([[0.0], [1.0]], 200, axis=0)


def test_deeplearning_ai_planar_flower():
    x, y_t = flower()
    rng = np.random.RandomState(2)
    W1, W2 = 0.01 * rng.randn(4, 2).T, 0.01 * rng.randn(1, 4).T  # theirs lie across
    params = parameters(W1, np.zeros(4), W2, np.zeros(1))
    architecture = Architecture((2, 4, 1), "tanh", "logistic")
    record = descend(architecture, params, x, y_t, lr=1.2, steps=7001)
    published = [0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504]
    np.testing.assert_allclose(record[::1000], published, rtol=0, atol=6e-7)
    right = (forward(architecture, params, x).score > 0) == y_t
    assert right.mean() == pytest.approx(0.905, abs=0.005)  # "Accuracy: 90%"


# scikit-learn, whose alpha is our l2 times n and whose C is 1 / (l2 n)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_a_full_batch_step_is_scikit_learns(activation, classes):
    x, y_t = load_iris(return_X_y=True)
    x, y_t = x[y_t < classes], y_t[y_t < classes]
    n, lr, alpha = len(x), 0.1, 3.0
    theirs = MLPClassifier(
        (5, 4), activation, solver="sgd", momentum=0, batch_size=n, alpha=alpha,
        learning_rate_init=lr, random_state=0,
    )  # fmt: skip
    theirs.partial_fit(x, y_t, classes=range(classes))

    pairs = zip(theirs.coefs_, theirs.intercepts_, strict=True)
    params = parameters(*(part.copy() for pair in pairs for part in pair))
    output = "logistic" if classes == 2 else "softmax"
    target = y_t[:, None] if classes == 2 else y_t
    architecture = Architecture(params.layer_units, activation, output)
    record = descend(architecture, params, x, target, lr=lr, steps=1, l2=alpha / n)

    theirs.partial_fit(x, y_t)
    assert record[0] == pytest.approx(theirs.loss_, rel=1e-13)
    for W, b, coefs, intercepts in zip(
        params.W, params.b, theirs.coefs_, theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(W, coefs, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(b, intercepts, rtol=1e-12, atol=1e-15)


def test_trained_to_the_end_softmax_regression_is_scikit_learns():
    x, y_t = load_iris(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    n, l2 = len(x), 1e-2
    architecture, params = Architecture((4, 3)), Params.zeros((4, 3))
    descend(architecture, params, x, y_t, lr=1.0, steps=3000, l2=l2)
    theirs = LogisticRegression(C=1 / (l2 * n), solver="newton-cholesky", tol=1e-12).fit(x, y_t)
    np.testing.assert_allclose(params.W[0].T, theirs.coef_, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(params.b[0], theirs.intercept_, rtol=1e-6, atol=1e-7)
    ours = forward(architecture, params, x).y
    np.testing.assert_allclose(ours, theirs.predict_proba(x), rtol=0, atol=1e-7)
