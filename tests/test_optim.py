"""Each update rule against its formula in higher precision, and against others' programs."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from common import OPTIMIZERS, CautiousAdam, SignSGD
from handgrad.network import Architecture, backward, forward, loss
from handgrad.optim import SGD, Adam, AdamW, clip, kernel_of, lbfgs, norm, update
from handgrad.params import Params
from handgrad.schedules import invscaling

WIDE = np.longdouble
P = 50


def gradient_at(t):
    """Make a sequence of gradients of all sizes, the same in every test."""
    rng = np.random.default_rng(t)
    return rng.standard_normal(P) * 10.0 ** rng.integers(-4, 3, size=P)


def run(rule, steps, lr=0.01, dtype=np.float64):
    theta, slots = np.linspace(-1, 1, P).astype(dtype), np.zeros((rule.n_slots, P), dtype)
    for t in range(1, steps + 1):
        rule.step(theta, gradient_at(t).astype(dtype), slots, t, lr)
    return theta, slots


def run_wide(rule, steps, lr=0.01):
    """Follow the formula as it stands in the paper; rule(theta, g, memory, t, lr) -> theta."""
    theta, memory = np.linspace(-1, 1, P).astype(WIDE), [WIDE(0), WIDE(0)]
    for t in range(1, steps + 1):
        theta = rule(theta, gradient_at(t).astype(WIDE), memory, WIDE(t), WIDE(lr))
    return theta


def gradient_descent(theta, g, memory, t, lr):
    return theta - lr * g


def heavy_ball(theta, g, memory, t, lr):
    memory[0] = WIDE(0.9) * memory[0] - lr * g
    return theta + memory[0]


def nesterov(theta, g, memory, t, lr):
    memory[0] = WIDE(0.9) * memory[0] - lr * g
    return theta + WIDE(0.9) * memory[0] - lr * g


def adam(theta, g, memory, t, lr):
    beta_1, beta_2, epsilon = WIDE(0.9), WIDE(0.999), WIDE(1e-8)
    memory[0] = beta_1 * memory[0] + (1 - beta_1) * g
    memory[1] = beta_2 * memory[1] + (1 - beta_2) * g**2
    m_hat, v_hat = memory[0] / (1 - beta_1**t), memory[1] / (1 - beta_2**t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + epsilon)


FORMULAS = {"sgd": gradient_descent, "momentum": heavy_ball, "nesterov": nesterov, "adam": adam}


@pytest.mark.parametrize("name", FORMULAS)
def test_steps_follow_the_formula(name):
    """After 1, 2 and 1000 steps; each step may cost a rounding of theta and of its memory."""
    for steps in (1, 2, 1000):
        theta, _ = run(OPTIMIZERS[name], steps)
        expected = run_wide(FORMULAS[name], steps)
        rounding = 4 * steps * np.finfo(np.float64).eps * max(1, np.abs(expected).max())
        np.testing.assert_allclose(theta, expected.astype(float), rtol=0, atol=rounding)


@pytest.mark.parametrize(
    ("rule", "first", "second"),
    [
        (SGD(), 1 - 0.5, 1 - 0.5 - 0.25),
        (SGD(momentum=0.5), 1 - 0.5, 1 - 0.5 - 0.25 - 0.25),
        (SGD(momentum=0.5, nesterov=True), 1 - 0.5 - 0.25, 1 - 0.75 - 0.5 * 0.5 - 0.25),
    ],
)
def test_two_steps_by_hand(rule, first, second):
    """From 1, at lr 1/4, along the gradients 2 and 1."""
    theta, slots = np.ones(1), np.zeros((rule.n_slots, 1))
    rule.step(theta, np.array([2.0]), slots, 1, 0.25)
    assert theta == [first]
    rule.step(theta, np.array([1.0]), slots, 2, 0.25)
    assert theta == [second]


@pytest.mark.parametrize("size", [1e-150, 1e-3, 1e150])
def test_adams_first_step_is_lr_whatever_the_size_of_the_gradient(size):
    theta = np.zeros(2)
    Adam(epsilon=0.0).step(theta, np.array([size, -size]), np.zeros((2, 2)), 1, 0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01], rtol=1e-13)


def test_adams_epsilon_stands_beside_the_corrected_root():
    """Against a gradient as small as epsilon the first step is half of lr."""
    theta = np.zeros(1)
    Adam(epsilon=1e-3).step(theta, np.array([1e-3]), np.zeros((2, 1)), 1, 0.01)
    assert theta[0] == pytest.approx(-0.005, rel=1e-13)


def test_adam_is_scikit_learns_but_for_the_place_of_epsilon():
    ours = np.linspace(-1, 1, P)
    theirs, slots = [ours.copy()], np.zeros((2, P))
    other = AdamOptimizer(theirs, learning_rate_init=1e-3)
    for t in range(1, 1001):
        gradient = np.sign(gradient_at(t)) * (1 + np.abs(gradient_at(t)))
        Adam().step(ours, gradient, slots, t, 1e-3)
        other.update_params(theirs, [gradient])
    np.testing.assert_allclose(ours, theirs[0], rtol=0, atol=1e-6)


def test_the_learning_rate_may_change_from_step_to_step():
    theta, slots = np.zeros(1), np.zeros((1, 1))
    rule = SGD(momentum=0.5)
    rule.step(theta, np.ones(1), slots, 1, 1.0)
    rule.step(theta, np.ones(1), slots, 2, 0.25)
    assert theta == [-1 - 0.5 - 0.25]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_taken_in_place_and_leave_the_gradient_alone(name):
    rule = OPTIMIZERS[name]
    theta, dtheta, slots = np.ones(3), np.full(3, 0.5), np.zeros((rule.n_slots, 3))
    assert rule.step(theta, dtheta, slots, 1, 0.1) is None
    assert (theta < 1).all()
    assert (dtheta == 0.5).all()
    assert slots.all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_stays_float32_and_close_to_float64(name):
    theta, slots = run(OPTIMIZERS[name], 20, dtype=np.float32)
    assert theta.dtype == slots.dtype == np.float32
    expected, _ = run(OPTIMIZERS[name], 20)
    np.testing.assert_allclose(theta, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_finds_the_bottom_of_a_bowl(name):
    theta, slots = np.array([3.0, -2.0]), np.zeros((OPTIMIZERS[name].n_slots, 2))
    bottom = np.array([1.0, 0.5])
    for t in range(1, 2001):
        OPTIMIZERS[name].step(theta, np.array([1.0, 4.0]) * (theta - bottom), slots, t, 0.02)
    np.testing.assert_allclose(theta, bottom, atol=1e-6)


def test_adamw_takes_lr_times_decay_of_each_weight_and_of_no_bias():
    """By hand: after one step Adam has moved by lr against the sign of the gradient."""
    params = Params.view(np.array([2.0, -4.0, 3.0]), (2, 1))
    gradients = params.like(np.array([1.0, 1.0, -1.0]))
    update(AdamW(weight_decay=0.5, epsilon=0.0), params, gradients, np.zeros((2, 3)), 1, 0.1)
    np.testing.assert_allclose(params.flat, [2 - 0.1 - 0.1, -4 - 0.1 + 0.2, 3 + 0.1], rtol=1e-14)


def test_adamw_follows_its_formula():
    units, decay, lr = (7, 5), WIDE(0.3), WIDE(0.01)
    theta = np.linspace(-1, 1, 40)
    params, slots = Params.view(theta.copy(), units), np.zeros((2, 40))
    wide, memory = theta.astype(WIDE), [WIDE(0), WIDE(0)]
    weights = np.arange(40) < 35
    for t in range(1, 301):
        g = gradient_at(t)[:40]
        update(AdamW(weight_decay=0.3), params, params.like(g), slots, t, 0.01)
        wide = adam(wide, g.astype(WIDE), memory, WIDE(t), lr) - lr * decay * weights * wide
    np.testing.assert_allclose(params.flat, wide.astype(float), rtol=0, atol=1e-12)


def test_a_step_of_adamw_is_its_formula():
    """By hand, from 2 and -4: a tenth of half of each, and Adam's own tenth."""
    theta = np.array([2.0, -4.0])
    AdamW(weight_decay=0.5, epsilon=0.0).step(theta, np.ones(2), np.zeros((2, 2)), 1, 0.1)
    np.testing.assert_allclose(theta, [2 - 0.1 - 0.1, -4 + 0.2 - 0.1], rtol=1e-14)


class NamedAdam(Adam):
    """A kind of Adam without a step of its own."""


def test_a_rule_names_the_kernel_of_its_own_step():
    rules = SGD(), SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True), Adam(), AdamW(), NamedAdam()
    kernels = "sgd", "momentum", "nesterov", "adam", "adam", "adam"
    assert tuple(map(kernel_of, rules)) == kernels
    assert kernel_of(SignSGD()) is None
    assert kernel_of(CautiousAdam()) is None


def test_a_rule_of_ones_own_moves_weights_and_biases():
    params = Params.view(np.zeros(3), (2, 1))
    update(SignSGD(), params, params.like(np.array([5.0, -2.0, 0.5])), np.zeros((0, 3)), 1, 0.1)
    np.testing.assert_array_equal(params.flat, [-0.1, 0.1, -0.1])


def test_without_decay_adamw_is_adam_to_the_bit():
    params = [Params.view(np.linspace(-1, 1, 40), (7, 5)) for _ in range(2)]
    for rule, one in zip((Adam(), AdamW(weight_decay=0.0)), params, strict=True):
        slots = np.zeros((2, 40))
        for t in range(1, 10):
            update(rule, one, one.like(gradient_at(t)[:40]), slots, t, 0.01)
    assert np.array_equal(params[0].flat, params[1].flat)


def test_the_norm_is_that_of_all_parameters_in_float64():
    gradients = Params.view(np.array([3.0, 0.0, 4.0], np.float32), (2, 1))
    assert norm(gradients) == 5
    assert norm(Params.view(np.full(3, 1e30, np.float32), (2, 1))) == pytest.approx(3**0.5 * 1e30)


def test_clipping_keeps_the_direction():
    for size, expected in ((5.0, [0.6, 0.0, 0.8]), (10.0, [0.3, 0.0, 0.4]), (0.5, [3, 0, 4])):
        gradients = Params.view(np.array([3.0, 0.0, 4.0]), (2, 1))
        clip(gradients, size, 1.0)
        np.testing.assert_allclose(gradients.flat, expected, rtol=1e-15)


def test_inverse_scaling():
    assert invscaling(0.5, 0, 0.5) == 0.5
    assert invscaling(0.5, 3, 0.5) == 0.25
    assert invscaling(0.5, 7, 1.0) == 0.0625
    assert type(invscaling(0.5, 3, 0.5)) is float


A = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])
TARGET = np.array([1.0, -2, 3])


def bowl(theta):
    return float(theta @ A @ theta / 2 - TARGET @ theta), A @ theta - TARGET


def test_lbfgs_solves_a_linear_system():
    start = np.zeros(3)
    found = lbfgs(bowl, start, max_iter=100, max_fun=1000, tol=1e-5)
    assert found.converged
    assert 1 < found.iterations < 20
    solution = np.linalg.solve(A, TARGET)
    np.testing.assert_allclose(found.theta, solution, atol=1e-5)
    assert found.loss == pytest.approx(bowl(solution)[0], rel=1e-9)
    assert found.loss == bowl(found.theta)[0]
    assert np.abs(bowl(found.theta)[1]).max() <= 1e-5
    assert not start.any()


def test_lbfgs_stops_where_no_entry_of_the_gradient_exceeds_tol():
    iterations = []
    for tol in (5.0, 1.0, 1e-2, 1e-4):
        found = lbfgs(bowl, np.zeros(3), max_iter=100, max_fun=1000, tol=tol)
        assert found.converged
        assert np.abs(bowl(found.theta)[1]).max() <= tol
        iterations.append(found.iterations)
    assert iterations == sorted(iterations)
    assert iterations[0] < iterations[1] < iterations[3]


@pytest.mark.parametrize(
    ("limits", "word"),
    [({"max_iter": 2, "max_fun": 1000}, "ITERATIONS"), ({"max_iter": 1000, "max_fun": 2}, "EVAL")],
)
def test_lbfgs_says_which_limit_stopped_it(limits, word):
    found = lbfgs(bowl, np.full(3, 100.0), tol=1e-12, **limits)
    assert not found.converged
    assert found.iterations <= 2
    assert word in found.reason


def test_lbfgs_finds_scikit_learns_logistic_regression():
    x, y_t = load_iris(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    architecture, l2 = Architecture((4, 3)), 1e-2

    def loss_and_gradient(theta):
        params = Params.view(theta, (4, 3))
        tape = forward(architecture, params, x)
        gradient = backward(architecture, params, tape, y_t, l2=l2).flat
        return float(loss(architecture, params, tape, y_t, l2=l2)), gradient

    found = lbfgs(loss_and_gradient, np.zeros(15), max_iter=500, max_fun=5000, tol=1e-6)
    assert found.converged
    params = Params.view(found.theta, (4, 3))
    theirs = LogisticRegression(C=1 / (l2 * 150), solver="newton-cholesky", tol=1e-12).fit(x, y_t)
    ours = softmax(x @ params["W1"] + params["b1"], axis=1)
    np.testing.assert_allclose(ours, theirs.predict_proba(x), atol=1e-3)
    np.testing.assert_allclose(params["W1"].T, theirs.coef_, atol=1e-2)
