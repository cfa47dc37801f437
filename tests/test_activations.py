"""Each activation against SciPy's, each derivative against a complex step."""

import subprocess
import sys
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
    "leaky_relu": lambda r: np.maximum(r, r / 100),
    "elu": lambda r: np.maximum(r, 0) + np.minimum(np.expm1(r), 0),
    "selu": lambda r: (
        1.0507009873554805 * (np.maximum(r, 0) + 1.6732632423543772 * np.expm1(np.minimum(r, 0)))
    ),
    "softplus": lambda r: np.logaddexp(0, r),
    "gelu": lambda r: r * special.ndtr(r),
    "silu": lambda r: r * special.expit(r),
    "mish": lambda r: r * np.tanh(np.log1p(np.exp(r))),
}
NAMES = sorted(ACTIVATIONS)
R = np.linspace(-8, 8, 34).reshape(2, 17)  # 0 is not among them


def test_every_activation_is_checked():
    assert INDEPENDENT.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize(
    ("name", "r", "expected"),
    [
        # computed with 50 digits by mpmath
        ("gelu", -1.0, -0.15865525393145705),
        ("gelu", -6.0, -5.9195258702261888e-09),
        ("silu", -1.0, -0.26894142136999512),
        ("mish", -1.0, -0.30340146137410892),
        ("mish", 1.0, 0.86509838826731035),
        ("softplus", -30.0, 9.3576229688397368e-14),
        ("selu", -1.0, -1.1113307378125628),
        ("elu", -1e-10, -9.9999999995e-11),
    ],
)
def test_known_values(name, r, expected):
    h = ACTIVATIONS[name].forward(np.array([[r]]))
    np.testing.assert_allclose(h, [[expected]], rtol=4e-15)


def test_selu_keeps_mean_0_and_variance_1():
    """That is what its two constants were solved for (Klambauer et al., 2017)."""
    halves = [np.linspace(a, b, 400_001) for a, b in [(-12.0, 0.0), (0.0, 12.0)]]
    mean = square = 0.0
    for r in halves:  # a kink at 0
        density = np.exp(-r * r / 2) / np.sqrt(2 * np.pi)
        h = ACTIVATIONS["selu"].forward(r)
        mean += np.trapezoid(h * density, r)
        square += np.trapezoid(h * h * density, r)
    assert mean == pytest.approx(0, abs=1e-9)
    assert square == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_values(name):
    h = ACTIVATIONS[name].forward(R)
    np.testing.assert_allclose(h, INDEPENDENT[name](R), rtol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name):
    forward, backward = ACTIVATIONS[name].forward, ACTIVATIONS[name].backward
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
    forward, backward = ACTIVATIONS[name].forward, ACTIVATIONS[name].backward
    r = R.astype(dtype)
    h = forward(r)
    assert h.dtype == backward(h, r, h).dtype == dtype


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_inputs_give_finite_numbers_without_a_warning(name, dtype):
    forward, backward = ACTIVATIONS[name].forward, ACTIVATIONS[name].backward
    r = np.array([[-1e30, -1e4, -800.0, 0.0, 800.0, 1e4, 1e30]], dtype)
    with warnings.catch_warnings(action="error"):
        h = forward(r)
        dr = backward(np.ones_like(r), r, h)
    assert np.isfinite(h).all()
    assert np.isfinite(dr).all()


@pytest.mark.parametrize("name", ["gelu", "silu", "mish", "softplus"])
def test_tails_keep_their_digits(name):
    r = np.array([[-30.0, -20.0, -10.0, -1e-8, 1e-8]])
    np.testing.assert_allclose(ACTIVATIONS[name].forward(r), INDEPENDENT[name](r), rtol=4e-13)


def test_importing_handgrad_does_not_import_scipys_functions():
    code = "import sys, handgrad.activations; assert 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_logistic_keeps_its_digits_in_the_tail():
    r = np.array([[-700.0, -40.0, 40.0]])
    h = ACTIVATIONS["logistic"].forward(r)
    np.testing.assert_allclose(h, special.expit(r), rtol=1e-14)
