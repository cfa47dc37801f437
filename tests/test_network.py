"""The network of any depth: equal to two_layer.py at depth two, and right at every other.

Right means that each gradient agrees with complex steps through the forward pass and the
loss to twelve digits, for hundreds of networks of every kind.
"""

from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from handgrad import two_layer
from handgrad.activations import ACTIVATIONS
from handgrad.gradcheck import central_difference, check_gradients
from handgrad.losses import LossSettings
from handgrad.network import Architecture, backward, forward, loss, penalty
from handgrad.outputs import OUTPUTS
from handgrad.params import Params


class Problem(NamedTuple):
    architecture: Architecture
    params: Params
    x: np.ndarray
    y_t: np.ndarray
    weight: np.ndarray | None
    l2: float

    def gradients(self):
        tape = forward(self.architecture, self.params, self.x)
        return backward(self.architecture, self.params, tape, self.y_t, self.weight, self.l2)

    def loss(self):
        tape = forward(self.architecture, self.params, self.x)
        return loss(self.architecture, self.params, tape, self.y_t, self.weight, self.l2)

    def distance_to_a_kink(self):
        """Tell how near a relu comes to 0, where the slope of the loss jumps."""
        r = forward(self.architecture, self.params, self.x).r
        kinked = {"relu", "leaky_relu", "selu"}  # elu too, in its second derivative
        layers = zip(self.architecture.activations, r, strict=True)
        sizes = [np.abs(layer).min() for name, layer in layers if name in kinked]
        return min([*sizes, self.distance_to_a_kink_of_the_loss()])

    def distance_to_a_kink_of_the_loss(self):
        name, settings = self.architecture.output, self.architecture.loss
        if name not in ("absolute", "quantile", "huber"):
            return np.inf
        score = forward(self.architecture, self.params, self.x).score
        off = score - np.repeat(self.y_t, score.shape[1] // self.y_t.shape[1], axis=1)
        return np.abs(np.abs(off) - settings.delta if name == "huber" else off).min()

    def smallest_gradient(self):
        """Find the parameter of smallest gradient: how large its largest entry is."""
        sizes = (np.abs(gradient).max() for _, gradient in self.gradients().named())
        return min((size for size in sizes if size > 0), default=np.inf)


def draw_problem(architecture, n, seed, weighted=False, l2=0.0):
    """Draw weights that keep the scale of what passes, so that no unit saturates."""
    rng = np.random.default_rng(seed)
    params = Params.zeros(architecture.layer_units)
    for W, b in zip(params.W, params.b, strict=True):
        W[...] = rng.standard_normal(W.shape) / np.sqrt(len(W))
        b[...] = 0.3 * rng.standard_normal(b.shape)
    N_y = architecture.layer_units[-1]
    x = rng.standard_normal((n, architecture.layer_units[0]))
    y_t = {
        "softmax": rng.integers(N_y, size=n),
        "logistic": rng.integers(2, size=(n, N_y)).astype(float),
        "poisson": rng.poisson(2.0, size=(n, N_y)).astype(float),
    }.get(architecture.output, rng.standard_normal((n, architecture.n_targets)))
    weight = rng.uniform(0.2, 2, size=n) if weighted else None
    return Problem(architecture, params, x, y_t, weight, l2)


sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def problems(draw):
    output = draw(st.sampled_from(sorted(OUTPUTS)))
    N_y = draw(st.integers(2 if output == "softmax" else 1, 5))
    hidden = draw(st.lists(sizes, max_size=4))
    names = st.sampled_from(sorted(ACTIVATIONS))
    activation = draw(st.one_of(names, st.tuples(*[names] * len(hidden))))
    settings = draw(
        st.builds(
            LossSettings,
            label_smoothing=st.sampled_from([0.0, 0.2]),
            delta=st.sampled_from([0.5, 1.0]),
            quantiles=st.sampled_from([(0.5,), (0.2,), (0.1, 0.5, 0.9)]),
        )
    )
    N_y *= len(settings.quantiles) if output == "quantile" else 1
    architecture = Architecture((draw(sizes), *hidden, N_y), activation, output, settings)
    n, seed = draw(st.integers(1, 8)), draw(seeds)
    return draw_problem(architecture, n, seed, draw(st.booleans()), draw(st.sampled_from([0, 0.1])))


@settings(max_examples=1000)
@given(problems())
def test_gradients_agree_with_complex_steps_to_twelve_digits(problem):
    assume(problem.distance_to_a_kink() > 1e-6)
    assume(problem.smallest_gradient() > 1e-3)  # below, a sum has cancelled and its digits with it
    check = check_gradients(*problem, tolerance=1e-12)
    assert check.passed, check


@given(problems())
def test_gradients_agree_with_central_differences(problem):
    assume(problem.distance_to_a_kink() > 1e-3)  # no step of 1e-5 may cross a kink

    def loss_at(theta):
        return problem._replace(params=problem.params.like(theta)).loss()

    expected = central_difference(loss_at, problem.params.flat)
    np.testing.assert_allclose(problem.gradients().flat, expected, rtol=1e-6, atol=1e-8)


@given(problems())
def test_float32_gradients_are_the_float64_gradients_to_five_digits(problem):
    """A float32 has seven digits; up to five layers of sums of up to six products cost two.

    Where the gradient is small itself, a millionth is lost of the numbers near 1 behind it.
    """
    assume(problem.distance_to_a_kink() > 1e-4)
    units = problem.architecture.layer_units
    narrow = problem._replace(
        params=Params.view(problem.params.flat.astype(np.float32), units),
        x=problem.x.astype(np.float32),
    )
    gradients, expected = narrow.gradients().flat, problem.gradients().flat
    assert gradients.dtype == np.float32
    rounding = 1e-6 + 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(gradients, expected, rtol=0, atol=rounding)


@settings(max_examples=300)
@given(sizes, sizes, st.integers(1, 5), st.integers(1, 40), seeds)
def test_at_depth_two_it_is_two_layer_to_the_last_bit(N_x, N_h, N_y, n, seed):
    architecture = Architecture((N_x, N_h, N_y))
    problem = draw_problem(architecture, n, seed)
    _, params, x, y_t, *_ = problem
    theirs = two_layer.Params(params.W[0], params.b[0], params.W[1], params.b[1])
    tape, their_tape = forward(architecture, params, x), two_layer.forward(theirs, x)
    assert np.array_equal(tape.score, their_tape.score)
    assert np.array_equal(tape.y, their_tape.y)
    assert problem.loss() == two_layer.loss(their_tape, y_t)
    expected = two_layer.backward(theirs, their_tape, y_t)
    for name, gradient in problem.gradients().named():
        assert np.array_equal(gradient, getattr(expected, name)), name


def test_without_a_hidden_layer_it_is_softmax_regression():
    problem = draw_problem(Architecture((3, 4)), n=6, seed=0)
    _, params, x, y_t, *_ = problem
    e = np.exp(x @ params["W1"] + params["b1"])
    difference = e / e.sum(axis=1, keepdims=True)
    difference[range(6), y_t] -= 1
    gradients = problem.gradients()
    np.testing.assert_allclose(gradients["W1"], x.T @ difference / 6, rtol=1e-13)
    np.testing.assert_allclose(gradients["b1"], difference.mean(axis=0), rtol=1e-13)


def test_the_tape_holds_every_layer():
    problem = draw_problem(Architecture((3, 4, 5, 2), "tanh"), n=6, seed=0)
    tape = forward(problem.architecture, problem.params, problem.x)
    assert [r.shape for r in tape.r] == [(6, 4), (6, 5)]
    assert [h.shape for h in tape.h] == [(6, 3), (6, 4), (6, 5)]
    assert tape.score.shape == tape.y.shape == (6, 2)
    assert tape.h[0] is problem.x
    assert np.array_equal(tape.h[2], np.tanh(tape.r[1]))


@given(problems())
def test_forward_and_backward_change_nothing_they_are_given(problem):
    weight = np.ones(0) if problem.weight is None else problem.weight
    given_arrays = problem.params.flat, problem.x, problem.y_t, weight
    before = [array.copy() for array in given_arrays]
    problem.gradients()
    assert all(np.array_equal(a, b) for a, b in zip(given_arrays, before, strict=True))


def test_sparse_rows_give_what_dense_rows_give():
    problem = draw_problem(Architecture((6, 4, 3), "tanh"), n=9, seed=0, l2=0.1)
    problem.x[problem.x < 0.5] = 0
    sparse = problem._replace(x=scipy.sparse.csr_array(problem.x))
    assert sparse.loss() == pytest.approx(problem.loss(), rel=1e-14)
    np.testing.assert_allclose(
        sparse.gradients().flat, problem.gradients().flat, rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("output", sorted(OUTPUTS))
def test_a_row_of_weight_two_is_the_row_twice(output):
    problem = draw_problem(Architecture((3, 4, 2), "tanh", output), n=5, seed=0, l2=0.1)
    times = np.array([1, 2, 1, 3, 1])
    weighted = problem._replace(weight=times / times.mean())
    repeated = problem._replace(x=problem.x.repeat(times, 0), y_t=problem.y_t.repeat(times, 0))
    assert weighted.loss() == pytest.approx(repeated.loss(), rel=1e-14)
    np.testing.assert_allclose(weighted.gradients().flat, repeated.gradients().flat, rtol=1e-12)


def test_the_penalty_counts_weights_and_not_biases():
    params = Params.view(np.arange(1.0, 10.0), (2, 2, 1))
    assert penalty(params, 0.5) == 0.25 * (1 + 4 + 9 + 16 + 49 + 64)


def test_the_penalty_pulls_on_weights_and_not_on_biases():
    problem = draw_problem(Architecture((3, 4, 2), "tanh"), n=5, seed=0)
    free, pulled = problem.gradients(), problem._replace(l2=0.5).gradients()
    for layer in range(2):
        extra = pulled.W[layer] - free.W[layer]
        np.testing.assert_allclose(extra, 0.5 * problem.params.W[layer], rtol=1e-12, atol=1e-15)
        assert np.array_equal(pulled.b[layer], free.b[layer])


def test_float32_sums_over_a_million_rows_keep_their_digits():
    n = 1_000_000
    params = Params.view(np.zeros(4, np.float32), (1, 2))
    x, y_t = np.zeros((n, 1), np.float32), np.full((n, 2), -0.1, np.float32)
    architecture = Architecture((1, 2), output="identity")
    tape = forward(architecture, params, x)
    b1 = backward(architecture, params, tape, y_t)["b1"]
    np.testing.assert_allclose(b1, 0.1, rtol=1e-6)
    total = loss(architecture, params, tape, y_t)
    assert total == pytest.approx(0.01, rel=1e-6)
    assert total.dtype == np.float64


def test_the_penalty_of_a_million_float32_weights_keeps_its_digits():
    params = Params.view(np.full(1_001_000, 0.1, np.float32), (1000, 1000))
    exact = 0.5 * 1e6 * float(np.float32(0.1) ** 2)
    assert penalty(params, 1.0) == pytest.approx(exact, rel=1e-7)
    assert penalty(params, 1.0).dtype == np.float64


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layer_units": (3,)}, r"layer_units must be .* got \(3,\)"),
        ({"layer_units": (3, 0, 2)}, r"layer_units must be .* got \(3, 0, 2\)"),
        ({"activation": "swish"}, "activation must be one of .*'relu'.* got 'swish'"),
        ({"activation": ("relu", "tanh")}, "one for each of 0 hidden layers; got"),
        (
            {"output": "quantile", "loss": LossSettings(quantiles=(0.1, 0.5, 0.9))},
            "N_y must be a multiple of 3 quantiles; got 2",
        ),
        ({"output": "hinge"}, "output must be one of .*'softmax'.* got 'hinge'"),
    ],
)
def test_an_impossible_architecture_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**{"layer_units": (3, 2), **wrong})


def test_each_layer_may_have_an_activation_of_its_own():
    mixed = Architecture((3, 4, 5, 2), ("tanh", "elu"))
    assert mixed.activations == ("tanh", "elu")
    problem = draw_problem(mixed, n=6, seed=0)
    tape = forward(mixed, problem.params, problem.x)
    np.testing.assert_allclose(tape.h[1], np.tanh(tape.r[0]))
    assert (tape.h[2][tape.r[1] > 0] == tape.r[1][tape.r[1] > 0]).all()


def test_one_name_for_all_layers_is_that_name():
    assert Architecture((3, 4, 5, 2), ("tanh", "tanh")) == Architecture((3, 4, 5, 2), "tanh")
    assert Architecture((3, 2), ()) == Architecture((3, 2))
    assert Architecture((3, 4, 5, 2), "gelu").activations == ("gelu", "gelu")
