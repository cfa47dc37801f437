"""Masks: what is left out, how often, and that it depends on nothing else."""

import numpy as np
import pytest

from handgrad.dropout import layer_keys, masks, per_layer
from handgrad.gradcheck import check_gradients
from handgrad.network import Architecture, backward, forward
from handgrad.params import glorot_uniform


def drawn(units=(300, 200), shares=(0.25, 0.7), seed=0, t=1, n=500, dtype=np.float64):
    (keys,) = layer_keys(seed, t, 1, len(units))
    return masks(units, shares, keys, n, dtype)


def test_splitmix64_is_that_of_its_authors():
    """Its first numbers from the seed 1234567, as published with the reference in C."""
    key = np.uint64(1234567)
    numbers = [0x599ED017FB08FC85, 0x2C73F08458540FA5, 0x883EBCE5A3F27C77]
    for share, kept in ((0.2, [1, 0, 1]), (0.34, [1, 0, 1]), (0.36, [0, 0, 1]), (0.54, [0, 0, 0])):
        (mask,) = masks((3,), (share,), np.array([key]), 1, np.float64)
        assert (mask[0] > 0).tolist() == [bool(k) for k in kept]
        assert [number >= share * 2**64 for number in numbers] == [bool(k) for k in kept]


def test_a_unit_is_left_out_as_often_as_asked():
    for mask, share in zip(drawn(), (0.25, 0.7), strict=True):
        n = mask.size
        left_out = np.mean(mask == 0)
        assert left_out == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / n))
        assert set(np.unique(mask)) == {0, 1 / (1 - share)}
        for axis in 0, 1:  # no row and no unit is treated better than the others
            rates = (mask == 0).mean(axis=axis)
            spread = np.sqrt(share * (1 - share) / mask.shape[axis])
            assert np.std(rates) == pytest.approx(spread, rel=0.2)


def test_neighbours_are_independent():
    out = [mask == 0 for mask in drawn(shares=(0.5, 0.5))]
    again = [mask == 0 for mask in drawn(shares=(0.5, 0.5), t=2)]
    other = [mask == 0 for mask in drawn(shares=(0.5, 0.5), seed=1)]
    for one, two in [
        (out[0][:, 1:], out[0][:, :-1]),
        (out[0][1:], out[0][:-1]),
        (out[0][:, :200], out[1]),
        (out[0], again[0]),
        (out[0], other[0]),
    ]:
        assert np.mean(one == two) == pytest.approx(0.5, abs=2.5 / np.sqrt(one.size))


def test_masks_are_a_function_of_where_they_apply():
    assert np.array_equal(drawn()[0], drawn()[0])
    assert np.array_equal(drawn(n=7)[1], drawn(n=500)[1][:7])
    every = layer_keys(5, 1, 20, 2)
    for t in 1, 13, 20:
        assert np.array_equal(layer_keys(5, t, 1, 2)[0], every[t - 1])
    assert len(np.unique(layer_keys(0, 0, 1000, 3))) == 3000


def test_no_share_leaves_all_in():
    (mask,) = drawn((4,), (0.0,))
    assert (mask == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_mean_of_h_is_kept(dtype):
    (mask,) = drawn((1000,), (0.4,), dtype=dtype)
    assert mask.dtype == dtype
    assert mask.mean() == pytest.approx(1, abs=0.01)


def test_one_share_for_all_layers_or_one_for_each():
    assert per_layer(0.5, 3) == (0.5, 0.5, 0.5)
    assert per_layer((0.1, 0), 2) == (0.1, 0.0)
    assert per_layer(0.5, 0) == ()


@pytest.mark.parametrize(("dropout", "n"), [(1.0, 1), (-0.1, 2), (np.nan, 1), ((0.1, 0.2), 3)])
def test_impossible_shares_are_refused(dropout, n):
    with pytest.raises(ValueError, match=r"dropout must be one number, or one for each of"):
        per_layer(dropout, n)


@pytest.mark.parametrize("activation", ["tanh", "logistic", "softplus", "gelu", "elu"])
def test_gradients_with_a_fixed_mask_agree_with_complex_steps(activation):
    rng = np.random.default_rng(0)
    units = (3, 7, 6, 4)
    architecture = Architecture(units, activation)
    params = glorot_uniform(units, "tanh", np.random.PCG64(1))
    x, y_t = rng.normal(size=(9, 3)), rng.integers(4, size=9)
    fixed = drawn(units[1:-1], (0.5, 0.3), n=9)
    check = check_gradients(architecture, params, x, y_t, l2=0.1, masks=fixed, tolerance=1e-12)
    assert check.passed, check


def test_what_is_left_out_has_no_gradient_and_what_is_kept_counts_more():
    units = (3, 5, 2)
    architecture = Architecture(units, "tanh")
    params = glorot_uniform(units, "tanh", np.random.PCG64(1))
    mask = np.tile([2.0, 0, 2, 0, 0], (4, 1))
    x, y_t = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 1, 0, 1])
    tape = forward(architecture, params, x, (mask,))
    gradients = backward(architecture, params, tape, y_t)
    for part in (
        gradients["W1"][:, [1, 3, 4]],
        gradients["b1"][[1, 3, 4]],
        gradients["W2"][[1, 3, 4]],
    ):
        assert not part.any()
    plain = forward(architecture, params, x)
    np.testing.assert_allclose(tape.h[1], mask * plain.h[1])
    assert gradients["W1"][:, [0, 2]].all()
