"""One vector, many names: views that share its memory, and the draw that fills it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.params import INITIALISATIONS, Params, count, glorot_uniform, initialise
from handgrad.params import given as given_arrays

UNITS = (2, 3, 2)


def test_the_names_lie_in_the_vector_one_after_the_other():
    params = Params.view(np.arange(17.0), UNITS)
    assert [(name, part.tolist()) for name, part in params.named()] == [
        ("W1", [[0, 1, 2], [3, 4, 5]]),
        ("b1", [6, 7, 8]),
        ("W2", [[9, 10], [11, 12], [13, 14]]),
        ("b2", [15, 16]),
    ]
    assert params["W2"] is params.W[1]
    assert params["b1"] is params.b[0]


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple))
def test_the_names_cover_the_vector_exactly(units):
    params = Params.view(np.arange(float(count(units))), units)
    assert np.array_equal(np.concatenate([p.ravel() for _, p in params.named()]), params.flat)
    assert [W.shape for W in params.W] == list(pairwise(units))
    assert params.layer_units == units


def test_a_view_and_the_vector_are_the_same_memory():
    params = Params.zeros(UNITS)
    params["W1"][1, 2] = 7
    params.b[1][0] = 8
    assert params.flat[[5, 15]].tolist() == [7, 8]
    params.flat[:] = 1
    assert all((part == 1).all() for _, part in params.named())


def test_a_copy_is_other_memory_and_like_names_the_vector_it_is_given():
    params = Params.zeros(UNITS)
    copy = params.copy()
    copy.flat[:] = 1
    assert not params.flat.any()
    slot = np.full(17, 2.0)
    assert params.like(slot).flat is slot
    assert (params.like(slot)["W2"] == 2).all()


@pytest.mark.parametrize("shape", [(16,), (18,), (17, 1), ()])
def test_a_vector_of_the_wrong_length_is_refused(shape):
    with pytest.raises(ValueError, match=r"units \(2, 3, 2\) has 17 parameters; .*shape"):
        Params.view(np.zeros(shape), UNITS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_the_one_asked_for(dtype):
    assert Params.zeros(UNITS, dtype).flat.dtype == dtype
    assert glorot_uniform(UNITS, "relu", np.random.PCG64(0), dtype)["W1"].dtype == dtype


@pytest.mark.parametrize(
    ("activation", "factor"), [("relu", 6), ("tanh", 6), ("identity", 6), ("logistic", 2)]
)
def test_glorot_draws_fill_their_interval_evenly(activation, factor):
    units = (300, 100, 200)
    params = glorot_uniform(units, activation, np.random.PCG64(0))
    for W, b in zip(params.W, params.b, strict=True):
        bound = np.sqrt(factor / (W.shape[0] + W.shape[1]))
        assert bound * 0.999 < np.abs(W).max() <= bound
        assert bound * 0.9 < np.abs(b).max() <= bound
        assert np.var(W) == pytest.approx(bound**2 / 3, rel=0.02)
        assert np.mean(W) == pytest.approx(0, abs=bound / 50)
        assert np.var(b) == pytest.approx(bound**2 / 3, rel=0.3)


def test_a_seed_means_the_same_weights_in_every_numpy():
    """The numbers are written out: PCG64 keeps its stream, whatever NumPy's version."""
    drawn = [0.6369616873214543, 0.2697867137638703, 0.04097352393619469, 0.016527635528529094]
    expected = [np.sqrt(6 / 3) * (2 * u - 1) for u in drawn]
    params = glorot_uniform((2, 1), "tanh", np.random.PCG64(0))
    np.testing.assert_allclose(params.flat, expected[:3], rtol=1e-15)
    wider = glorot_uniform((1, 2), "tanh", np.random.PCG64(0))
    np.testing.assert_allclose(wider.flat, expected, rtol=1e-15)


def test_draws_are_numpys_own_uniform_numbers():
    params = glorot_uniform((4, 5, 3), "relu", np.random.PCG64(7))
    uniform = np.random.Generator(np.random.PCG64(7)).random(len(params.flat))
    bounds = np.repeat(np.sqrt([6 / 9, 6 / 8]), [4 * 5 + 5, 5 * 3 + 3])
    np.testing.assert_allclose(params.flat, bounds * (2 * uniform - 1), rtol=1e-14, atol=1e-16)


def test_two_draws_from_one_generator_differ():
    bits = np.random.PCG64(0)
    one, other = (glorot_uniform(UNITS, "relu", bits).flat for _ in range(2))
    assert not np.isin(one, other).any()


VARIANCES = {"glorot": 2 / 400, "he": 2 / 300, "lecun": 1 / 300}


@pytest.mark.parametrize("method", [name for name in INITIALISATIONS if "_" in name])
def test_each_method_has_its_variance_and_distribution(method):
    name, distribution = method.split("_")
    params = initialise((300, 100), (), np.random.PCG64(0), method=method)
    W = params["W1"]
    assert np.mean(W) == pytest.approx(0, abs=4 * np.sqrt(VARIANCES[name] / W.size))
    assert np.var(W) == pytest.approx(VARIANCES[name], rel=0.03)
    kurtosis = np.mean(W**4) / np.var(W) ** 2
    assert kurtosis == pytest.approx(3 if distribution == "normal" else 1.8, rel=0.05)
    assert params["b1"].any() == (method == "glorot_uniform")


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_auto_is_todays_glorot_to_the_bit(activation):
    units = (4, 5, 6, 3)
    drawn = initialise(units, (activation,) * 2, np.random.PCG64(7))
    assert np.array_equal(drawn.flat, glorot_uniform(units, activation, np.random.PCG64(7)).flat)
    plain = initialise((4, 3), (), np.random.PCG64(7))
    assert np.array_equal(plain.flat, glorot_uniform((4, 3), "relu", np.random.PCG64(7)).flat)


def test_auto_chooses_by_the_activation_that_follows():
    params = initialise((300, 200, 100, 50), ("selu", "gelu"), np.random.PCG64(0))
    assert np.var(params["W1"]) == pytest.approx(1 / 300, rel=0.05)
    for W in params.W[1:]:
        bound = np.sqrt(6 / len(W))
        assert bound * 0.99 < np.abs(W).max() <= bound
    assert not any(b.any() for b in params.b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", INITIALISATIONS)
def test_draws_have_the_dtype_asked_for_and_follow_the_seed(dtype, method):
    one, same, other = (
        initialise(UNITS, ("silu",), np.random.PCG64(seed), dtype, method) for seed in (0, 0, 1)
    )
    assert one.flat.dtype == dtype
    assert np.array_equal(one.flat, same.flat)
    assert not np.array_equal(one.flat, other.flat)


def test_an_unknown_method_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"init must be one of .*'he_normal'.* got 'xavier'"):
        initialise(UNITS, ("relu",), np.random.PCG64(0), method="xavier")


def test_given_arrays_are_copied():
    W, b = [np.ones((2, 3)), np.full((3, 2), 2.0)], [[1, 2, 3], [4, 5]]
    params = given_arrays(UNITS, W, b, np.float32)
    assert params.flat.tolist() == [1] * 6 + [1, 2, 3] + [2] * 6 + [4, 5]
    assert params.flat.dtype == np.float32
    W[0][:] = 7
    assert (params["W1"] == 1).all()


@pytest.mark.parametrize(
    ("W", "b", "message"),
    [
        ([np.ones((2, 3))], [[1, 2, 3]], "weights and biases for 2 layers; got 1 and 1"),
        ([np.ones((3, 2)), np.ones((3, 2))], [[1] * 3, [1] * 2], r"W1 must have shape \(2, 3\)"),
        ([np.ones((2, 3)), np.ones((3, 2))], [[1] * 3, [1]], r"b2 must have shape \(2,\)"),
        ([np.ones((2, 3)), np.full((3, 2), np.nan)], [[1] * 3, [1] * 2], "W2 must be finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(W, b, message):
    with pytest.raises(ValueError, match=message):
        given_arrays(UNITS, W, b)


def test_numbers_of_foreign_byte_order_are_turned():
    foreign = np.arange(3.0).astype(np.dtype(np.float64).newbyteorder())
    params = Params.view(foreign, (2, 1))
    assert params.flat.dtype == params.copy().flat.dtype == np.float64
    assert params.flat.tolist() == [0, 1, 2]


def test_a_network_among_more_inputs_looks_at_its_own():
    rng = np.random.default_rng(0)
    params = Params.zeros((3, 4, 2))
    params.flat[...] = rng.normal(size=params.flat.size)
    places = np.array([4, 0, 2])
    wider = params.among(places, 6, 5)
    assert wider.layer_units == (6, 4, 2)
    assert wider.V.shape == (5, 2)
    x = rng.normal(size=(8, 6))
    h = np.maximum(x[:, places] @ params.W[0] + params.b[0], 0)
    mine = np.maximum(x @ wider.W[0] + wider.b[0], 0)
    np.testing.assert_allclose(mine, h, rtol=1e-12)
    assert np.array_equal(wider.W[1], params.W[1])
    assert np.array_equal(wider.b[1], params.b[1])
    assert not wider.V.any()
    with pytest.raises(ValueError, match="already takes all"):
        wider.among(places, 9, 5)
