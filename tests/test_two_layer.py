"""The two-layer network is what its equations say: checked against loops and exact sums.

That its gradients are right to the last digits follows in two steps: network.py's are
(test_network.py, test_golden.py), and at depth two the two are equal to the bit.
"""

import decimal
import math
import runpy
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad import two_layer
from handgrad.gradcheck import central_difference, relative_error
from handgrad.two_layer import Params, backward, forward, initialise, loss, train, update

EXAMPLE = Path(__file__).parents[1] / "examples" / "article_notebook.py"


def problem(n=7, N_x=3, N_h=5, N_y=4, seed=0):
    rng = np.random.default_rng(seed)
    parts = initialise(N_x, N_h, N_y, rng)
    params = Params(*(theta + 0.1 * rng.standard_normal(theta.shape) for theta in parts))
    return params, rng.standard_normal((n, N_x)), rng.integers(N_y, size=n)


def with_scores(score):
    """Make a tape of which only the scores matter."""
    score = np.array(score, dtype=np.float64)
    return two_layer.Tape(score, score, score, score, two_layer.softmax(score))


def exact_loss(score, y_t):
    """-log of the softmax by its definition, in sixty decimal digits."""
    with decimal.localcontext(prec=60, Emin=-(10**9), Emax=10**9):
        rows = []
        for row, k in zip(score, y_t, strict=True):
            powers = [decimal.Decimal(float(s)).exp() for s in row]
            rows.append(-(powers[k] / sum(powers)).ln())
        return float(sum(rows) / len(rows))


def product(row, W, b):
    return [sum(row[i] * W[i, j] for i in range(len(row))) + b[j] for j in range(len(b))]


def test_forward_is_the_equations_one_number_at_a_time():
    params, x, _ = problem()
    tape = forward(params, x)
    for i, row in enumerate(x):
        r = product(row, params.W1, params.b1)
        h = [max(0.0, value) for value in r]
        score = product(h, params.W2, params.b2)
        y = [math.exp(s) / sum(math.exp(t) for t in score) for s in score]
        for name, expected in {"r": r, "h": h, "score": score, "y": y}.items():
            ours = getattr(tape, name)[i]
            np.testing.assert_allclose(ours, expected, rtol=1e-13, atol=1e-15)


def test_loss_is_the_mean_negative_log_probability():
    params, x, y_t = problem()
    tape = forward(params, x)
    expected = -sum(math.log(tape.y[i, k]) for i, k in enumerate(y_t)) / len(y_t)
    assert loss(tape, y_t) == pytest.approx(expected, rel=1e-14)
    assert type(loss(tape, y_t)) is float


@pytest.mark.parametrize("y_t", [[0, 1], [1, 2], [2, 0]])
def test_loss_is_exact_where_probabilities_underflow(y_t):
    score = [[1e4, -1e4, 0.5], [-1e4, 3.0, 1e4]]
    tape = with_scores(score)
    assert (tape.y == 0).any()
    assert loss(tape, np.array(y_t)) == pytest.approx(exact_loss(score, y_t), rel=1e-15)


@given(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), st.integers(0, 2))
def test_loss_is_exact_at_any_scores(row, k):
    expected = exact_loss([row], [k])
    rounding = 1e-15 * max(map(abs, row))
    assert loss(with_scores([row]), np.array([k])) == pytest.approx(
        expected, rel=1e-14, abs=rounding
    )


def test_the_gradients_have_the_names_and_shapes_of_the_parameters():
    params, x, y_t = problem()
    gradients = backward(params, forward(params, x), y_t)
    assert [theta.shape for theta in gradients] == [theta.shape for theta in params]
    assert gradients._fields == params._fields == ("W1", "b1", "W2", "b2")


@pytest.mark.parametrize("name", Params._fields)
def test_each_gradient_is_the_slope_of_the_loss(name):
    params, x, y_t = problem()
    gradient = getattr(backward(params, forward(params, x), y_t), name)

    def loss_at(flat):
        moved = params._replace(**{name: flat.reshape(gradient.shape)})
        return loss(forward(moved, x), y_t)

    expected = central_difference(loss_at, getattr(params, name).ravel())
    assert relative_error(gradient.ravel(), expected) < 1e-7


def test_a_unit_that_receives_exactly_zero_passes_nothing_back():
    params = Params(np.zeros((2, 1)), np.zeros(1), np.array([[1.0, -1.0]]), np.zeros(2))
    gradients = backward(params, forward(params, np.ones((3, 2))), np.array([0, 1, 1]))
    assert not gradients.W1.any()
    assert not gradients.b1.any()


def test_update_goes_down_the_gradient_and_leaves_its_input_alone():
    params, x, y_t = problem()
    gradients = backward(params, forward(params, x), y_t)
    before = [theta.copy() for theta in params]
    after = update(params, gradients, 0.25)
    for new, theta, old, dtheta in zip(after, params, before, gradients, strict=True):
        assert np.array_equal(theta, old)
        np.testing.assert_allclose(new, old - dtheta / 4, rtol=1e-15)


def test_one_small_step_lowers_the_loss_by_lr_times_the_squared_gradient():
    params, x, y_t = problem()
    lr = 1e-6
    gradients = backward(params, forward(params, x), y_t)
    fall = loss(forward(params, x), y_t) - loss(forward(update(params, gradients, lr), x), y_t)
    assert fall / lr == pytest.approx(sum(np.sum(g**2) for g in gradients), rel=1e-4)


@pytest.mark.parametrize("N_b", [None, 1, 3, 5, 7, 100])
def test_training_is_a_loop_over_shuffled_batches(N_b):
    """Batch, stochastic and mini-batch descent; 3 and 5 leave a shorter last batch."""
    params, x, y_t = problem(n=7)
    trained, losses = train(params, x, y_t, lr=0.3, epochs=4, N_b=N_b, seed=5)

    rng = np.random.default_rng(5)
    expected_losses = []
    for _ in range(4):
        order = [int(i) for i in rng.permutation(7)]
        while order:
            batch, order = order[: N_b or 7], order[N_b or 7 :]
            gradients = backward(params, forward(params, x[batch]), y_t[batch])
            params = Params(*(theta - 0.3 * d for theta, d in zip(params, gradients, strict=True)))
        expected_losses.append(loss(forward(params, x), y_t))
    assert losses == expected_losses
    for ours, expected in zip(trained, params, strict=True):
        assert np.array_equal(ours, expected)


def test_batch_descent_does_not_depend_on_the_order():
    params, x, y_t = problem(n=30)
    one, _ = train(params, x, y_t, lr=0.1, epochs=20, seed=1)
    other, _ = train(params, x, y_t, lr=0.1, epochs=20, seed=2)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_stochastic_descent_depends_on_the_seed_and_on_nothing_else():
    params, x, y_t = problem(n=30)
    runs = [train(params, x, y_t, lr=0.1, epochs=3, N_b=1, seed=seed)[0] for seed in (1, 1, 2)]
    assert all(np.array_equal(a, b) for a, b in zip(runs[0], runs[1], strict=True))
    assert not np.array_equal(runs[0].W1, runs[2].W1)


def test_training_leaves_the_given_parameters_alone():
    params, x, y_t = problem()
    before = [theta.copy() for theta in params]
    train(params, x, y_t, lr=0.1, epochs=2)
    assert all(np.array_equal(a, b) for a, b in zip(params, before, strict=True))


def test_initial_weights_keep_the_scale_and_biases_start_at_zero():
    params = initialise(50, 400, 300, np.random.default_rng(0))
    assert params.W1.shape == (50, 400)
    assert params.W2.shape == (400, 300)
    assert np.var(params.W1) == pytest.approx(2 / 50, rel=0.05)
    assert np.var(params.W2) == pytest.approx(2 / 400, rel=0.05)
    assert not params.b1.any()
    assert not params.b2.any()


def test_the_spiral_has_one_arm_a_class_and_any_number_of_points():
    x, y_t = two_layer.spiral(np.random.default_rng(0), points=40, classes=5)
    assert x.shape == (200, 2)
    assert np.bincount(y_t).tolist() == [40] * 5
    np.testing.assert_allclose(np.hypot(*x.T), np.tile(np.linspace(0, 1, 40), 5), atol=1e-15)


def test_the_module_trains_on_the_spiral(capsys):
    two_layer.main()
    _, *steps, last = capsys.readouterr().out.splitlines()
    losses = [float(line.split()[-1]) for line in steps]
    assert len(losses) == 11
    assert all(after < before for before, after in pairwise(losses))
    assert float(last.split("%")[0]) > 97


@pytest.mark.parametrize("seed", range(5))
def test_the_articles_notebook_learns_from_one_thousandth_step_to_the_next(seed, capsys):
    losses = runpy.run_path(str(EXAMPLE))["main"](seed)
    assert len(losses) == 11
    assert losses[0] == pytest.approx(math.log(3), abs=1e-4)
    assert all(after < before for before, after in pairwise(losses))
    assert capsys.readouterr().out.count("loss") == 11
