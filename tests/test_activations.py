"""Each activation against SciPy's, each derivative against a complex step."""

import warnings

import numpy as np
import pytest
from scipy import special

from handgrad.activations import ACTIVATIONS

INDEPENDENT = {
    "identity": lambda r: 1.0 * r,
    "logistic": special.expit,
    "tanh": lambda r: np.expm1(2 * r) / (np.exp(2 * r) + 1),
    "relu": lambda r: (np.abs(r) + r) / 2,
}
NAMES = sorted(ACTIVATIONS)
R = np.linspace(-8, 8, 34).reshape(2, 17)  # 0 is not among them


def test_every_activation_is_checked():
    assert INDEPENDENT.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("name", NAMES)
def test_values(name):
    h = ACTIVATIONS[name].forward(R)
    np.testing.assert_allclose(h, INDEPENDENT[name](R), rtol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name):
    forward, backward = ACTIVATIONS[name]
    dh = np.random.default_rng(0).standard_normal(R.shape)
    expected = dh * forward(R + 1e-200j).imag / 1e-200
    dr = backward(dh, R, forward(R))
    np.testing.assert_allclose(dr, expected, rtol=1e-12, atol=1e-15)  # 1 - h^2 cancels near h = 1


def test_relu_has_slope_zero_at_zero():
    r = np.array([[-1.0, 0.0, 1.0]])
    assert ACTIVATIONS["relu"].backward(np.ones((1, 3)), r, r).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_precision_is_kept(name, dtype):
    forward, backward = ACTIVATIONS[name]
    r = R.astype(dtype)
    h = forward(r)
    assert h.dtype == backward(h, r, h).dtype == dtype


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_inputs_give_finite_numbers_without_a_warning(name, dtype):
    forward, backward = ACTIVATIONS[name]
    r = np.array([[-1e30, -1e4, -800.0, 0.0, 800.0, 1e4, 1e30]], dtype)
    with warnings.catch_warnings(action="error"):
        h = forward(r)
        dr = backward(np.ones_like(r), r, h)
    assert np.isfinite(h).all()
    assert np.isfinite(dr).all()


def test_logistic_keeps_its_digits_in_the_tail():
    r = np.array([[-700.0, -40.0, 40.0]])
    h = ACTIVATIONS["logistic"].forward(r)
    np.testing.assert_allclose(h, special.expit(r), rtol=1e-14)
