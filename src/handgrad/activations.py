"""The activations of hidden layers, each with its derivative directly below it.

r enters a unit, h leaves it, and dh is the derivative of the loss in h; all three have shape
(n, N_h). A backward function returns dr = dh * dh/dr. Every function accepts float32, float64
and, for the complex-step check, complex128, where r > 0 compares the real parts first.

No exponent is positive, so no exponential overflows.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def identity(r: Array) -> Array:
    return r


def identity_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r, so now dh/dr = 1
    return dh


def relu(r: Array) -> Array:
    h: Array = np.maximum(0, r)
    return h


def relu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = max(0, r), so now dh/dr = 1 where r > 0, else 0 (at 0 too)
    dr: Array = dh * (r > 0)
    return dr


def tanh(r: Array) -> Array:
    h: Array = np.tanh(r)
    return h


def tanh_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = tanh(r), so now dh/dr = 1 - tanh(r)^2 = 1 - h^2
    dr: Array = dh * (1 - h * h)
    return dr


def logistic(r: Array) -> Array:
    # 1 / (1 + e^-r) for r > 0 and e^r / (1 + e^r) otherwise: exp never overflows.
    positive = r > 0
    e = np.exp(np.where(positive, -r, r))
    h: Array = np.where(positive, 1, e) / (1 + e)
    return h


def logistic_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = 1 / (1 + e^-r), so now dh/dr = e^-r / (1 + e^-r)^2 = h (1 - h)
    dr: Array = dh * (h * (1 - h))
    return dr


def leaky_relu(r: Array) -> Array:
    """Compute max(r, LEAK r) (Maas, Hannun and Ng, 2013)."""
    return np.where(r > 0, r, LEAK * r)


def leaky_relu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r or LEAK r, so now dh/dr = 1 where r > 0, else LEAK
    return np.where(r > 0, dh, LEAK * dh)


LEAK = 0.01


def elu(r: Array) -> Array:
    """Compute r where r > 0, else e^r - 1 (Clevert, Unterthiner and Hochreiter, 2016)."""
    return np.where(r > 0, r, np.expm1(np.where(r > 0, 0, r)))


def elu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r or e^r - 1, so now dh/dr = 1 where r > 0, else e^r = h + 1
    return np.where(r > 0, dh, dh * (h + 1))


def selu(r: Array) -> Array:
    """Compute SELU_LAMBDA r where r > 0, else SELU_LAMBDA SELU_ALPHA (e^r - 1).

    Inputs of mean 0 and variance 1 give outputs of the same (Klambauer et al., 2017).
    """
    negative: Array = SELU_ALPHA * np.expm1(np.where(r > 0, 0, r))
    return SELU_LAMBDA * np.where(r > 0, r, negative)


def selu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = lambda r or lambda alpha (e^r - 1), so now dh/dr = lambda where
    # r > 0, else lambda alpha e^r = h + lambda alpha
    return np.where(r > 0, SELU_LAMBDA * dh, dh * (h + SELU_LAMBDA * SELU_ALPHA))


SELU_LAMBDA = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def softplus(r: Array) -> Array:
    """Compute log(1 + e^r) (Dugas et al., 2001)."""
    positive = r > 0
    tail: Array = np.log1p(np.exp(np.where(positive, -r, r)))
    return np.where(positive, r, 0) + tail


def softplus_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = log(1 + e^r), so now dh/dr = e^r / (1 + e^r) = 1 - e^-h
    dr: Array = dh * -np.expm1(-h)
    return dr


def gelu(r: Array) -> Array:
    """Compute r Phi(r), Phi the normal distribution function (Hendrycks and Gimpel, 2016)."""
    h: Array = r * _normal_distribution(r)
    return h


def gelu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r Phi(r), so now dh/dr = Phi(r) + r phi(r)
    near: Array = np.where(np.abs(r) > 40, 40, r)  # e^(-40^2/2) is 0 already
    density = np.exp(-near * near / 2) / math.sqrt(2 * math.pi)
    dr: Array = dh * (_normal_distribution(r) + r * density)
    return dr


def _normal_distribution(r: Array) -> Array:
    from scipy import special  # importing handgrad must not import scipy

    # SCIPY_ARRAY_API=1 wraps the ufunc, which alone takes a symbol: see export/tracing.py
    erfc = getattr(special.erfc, "__wrapped__", special.erfc)
    # (1 + erf(r / sqrt(2))) / 2, but without its cancellation for negative r
    distribution: Array = erfc(-r / math.sqrt(2)) / 2
    return distribution


def gelu_of_numpy(r: Array) -> Array:
    """Compute gelu of real r number by number, for programs that must do without SciPy."""
    scaled = -r / math.sqrt(2)
    upper = np.array([math.erfc(number) for number in scaled.ravel().tolist()], r.dtype)
    h: Array = r * (upper.reshape(r.shape) / 2)
    return h


def silu(r: Array) -> Array:
    """Compute r / (1 + e^-r) (Elfwing, Uchibe and Doya, 2018; "swish")."""
    h: Array = r * logistic(r)
    return h


def silu_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r s with s = logistic(r), so now dh/dr = s + r s (1 - s)
    s = logistic(r)
    dr: Array = dh * (s + h * (1 - s))
    return dr


def mish(r: Array) -> Array:
    """Compute r tanh(log(1 + e^r)) (Misra, 2020)."""
    h: Array = r * _tanh_of_softplus(r)[0]
    return h


def mish_backward(dh: Array, r: Array, h: Array) -> Array:
    # in the forward pass h = r t with t = tanh(softplus(r)), so now dh/dr = t + r (1 - t^2) s,
    # because the derivative of softplus is s = logistic(r)
    t, rest = _tanh_of_softplus(r)
    dr: Array = dh * (t + r * (rest * (1 + t)) * logistic(r))
    return dr


def _tanh_of_softplus(r: Array) -> tuple[Array, Array]:
    """Compute t = ((1 + e^r)^2 - 1) / ((1 + e^r)^2 + 1) and 1 - t, both to full precision."""
    positive = r > 0
    e = np.exp(np.where(positive, -r, r))
    # for r > 0, both divided by e^2r
    upper = np.where(positive, 1 + 2 * e, e * (e + 2))
    lower = np.where(positive, 2 * e * e, 2)
    return upper / (upper + lower), lower / (upper + lower)


class ActivationText(NamedTuple):
    """An activation written for readers: h from r, and dr from dh, r and h.

    ``explain/equations.py`` shows it.
    """

    formula: str
    line: str
    words: str
    back_formula: str
    back_line: str
    back_words: str


class Activation(NamedTuple):
    """Everything known about an activation, so that no other file compares its name."""

    forward: Callable[[Array], Array]  # r -> h
    backward: Callable[[Array, Array, Array], Array]  # dh, r, h -> dr
    text: ActivationText
    start: str = "glorot_uniform"  # initialises the weights before it, see ``params.initialise``
    glorot_factor: float = 6.0  # in the bound of ``params.glorot_uniform``
    is_0_at_0: bool = True  # whether h = 0 where r = 0
    between: tuple[float, float] | None = None  # the limits of h, where the curve is flat
    cuts_off: bool = False  # whether r <= 0 is cut or shrunk, which makes a kink at r = 0
    dies: bool = False  # whether a unit that gives 0 for every row stops learning
    is_in_sklearn: bool = False
    has_kernel: bool = False  # in engines/compiled/activations.py; else the reference computes it
    keeps_slope: bool = False  # whether that kernel computes dh/dr on the way forward and keeps it
    of_numpy: Callable[[Array], Array] | None = None  # forward in NumPy alone, if it needs more

    @property
    def alone(self) -> Callable[[Array], Array]:
        """The forward function for programs that have NumPy and nothing else."""
        return self.of_numpy or self.forward


SMOOTH = "Little passes back where the curve is flat, and much where it is steep."
STEEP = "Each derivative is multiplied by the slope of the curve at its r."

ACTIVATIONS = {
    "identity": Activation(
        identity,
        identity_backward,
        ActivationText(
            "h = r",
            "h = r",
            "Every value passes unchanged.",
            "dr = dh",
            "dr = dh",
            "Every derivative passes back unchanged.",
        ),
        is_in_sklearn=True,
        has_kernel=True,
    ),
    "logistic": Activation(
        logistic,
        logistic_backward,
        ActivationText(
            r"h = \frac{1}{1 + e^{-r}}",
            "h = 1 / (1 + np.exp(-r))",
            "Large values are bent towards 1, small ones towards 0.",
            r"dr = dh \odot h \odot (1 - h)",
            "dr = dh * (h * (1 - h))",
            SMOOTH,
        ),
        glorot_factor=2.0,  # its slope at 0 is a quarter of tanh's
        is_0_at_0=False,
        between=(0.0, 1.0),
        is_in_sklearn=True,
        has_kernel=True,
    ),
    "tanh": Activation(
        tanh,
        tanh_backward,
        ActivationText(
            r"h = \tanh(r)",
            "h = np.tanh(r)",
            "Large values are bent towards 1, small ones towards -1.",
            r"dr = dh \odot (1 - h^2)",
            "dr = dh * (1 - h * h)",
            SMOOTH,
        ),
        between=(-1.0, 1.0),
        is_in_sklearn=True,
        has_kernel=True,
    ),
    "relu": Activation(
        relu,
        relu_backward,
        ActivationText(
            r"h = \max(0, r)",
            "h = np.maximum(0, r)",
            "Positive values pass; the others are cut off at 0.",
            r"dr = dh \odot [r > 0]",
            "dr = dh * (r > 0)",
            "Nothing passes back where r was cut off.",
        ),
        cuts_off=True,
        dies=True,
        is_in_sklearn=True,
        has_kernel=True,
    ),
    "leaky_relu": Activation(
        leaky_relu,
        leaky_relu_backward,
        ActivationText(
            r"h = \max(r, 0.01 r)",
            "h = np.where(r > 0, r, 0.01 * r)",
            "Positive values pass; the others are divided by 100.",
            r"dr = dh \odot ([r > 0] + 0.01 [r \le 0])",
            "dr = np.where(r > 0, dh, 0.01 * dh)",
            "A hundredth passes back where r was not positive.",
        ),
        start="he_uniform",
        cuts_off=True,
        has_kernel=True,
    ),
    "elu": Activation(
        elu,
        elu_backward,
        ActivationText(
            r"h = \max(0, r) + \min(0, e^r - 1)",
            "h = np.where(r > 0, r, np.expm1(r))",
            "Positive values pass; the others are bent towards -1.",
            r"dr = dh \odot ([r > 0] + (h + 1) [r \le 0])",
            "dr = np.where(r > 0, dh, dh * (h + 1))",
            STEEP,
        ),
        start="he_uniform",
        has_kernel=True,
    ),
    "selu": Activation(
        selu,
        selu_backward,
        ActivationText(
            r"h = \lambda (\max(0, r) + \min(0, \alpha (e^r - 1)))",
            "h = 1.0507009873554805 * np.where(r > 0, r, 1.6732632423543772 * np.expm1(r))",
            "Positive values pass a little enlarged; the others are bent towards -1.76.",
            r"dr = dh \odot (\lambda [r > 0] + (h + \lambda \alpha) [r \le 0])",
            "dr = np.where(r > 0, 1.0507009873554805 * dh, dh * (h + 1.7580993408473768))",
            STEEP,
        ),
        start="lecun_normal",
        has_kernel=True,
    ),
    "softplus": Activation(
        softplus,
        softplus_backward,
        ActivationText(
            r"h = \log(1 + e^r)",
            "h = np.log1p(np.exp(r))",
            "The relu with its corner rounded.",
            r"dr = dh \odot (1 - e^{-h})",
            "dr = dh * (1 - np.exp(-h))",
            STEEP,
        ),
        start="he_uniform",
        is_0_at_0=False,
        has_kernel=True,
    ),
    "gelu": Activation(
        gelu,
        gelu_backward,
        ActivationText(
            r"h = r \Phi(r)",
            "h = r * scipy.stats.norm.cdf(r)",
            "r times the probability that a standard normal number lies below r.",
            r"dr = dh \odot (\Phi(r) + r \varphi(r))",
            "dr = dh * (scipy.stats.norm.cdf(r) + r * scipy.stats.norm.pdf(r))",
            STEEP,
        ),
        start="he_uniform",
        has_kernel=True,
        keeps_slope=True,
        of_numpy=gelu_of_numpy,
    ),
    "silu": Activation(
        silu,
        silu_backward,
        ActivationText(
            r"h = \frac{r}{1 + e^{-r}}",
            "h = r / (1 + np.exp(-r))",
            "Large values pass; values far below 0 are held back.",
            r"dr = dh \odot (s + h (1 - s)) \where s = \logistic(r)",
            "dr = dh * (1 / (1 + np.exp(-r)) + h * (1 - 1 / (1 + np.exp(-r))))",
            STEEP,
        ),
        start="he_uniform",
        has_kernel=True,
        keeps_slope=True,
    ),
    "mish": Activation(
        mish,
        mish_backward,
        ActivationText(
            r"h = r \tanh(\log(1 + e^r))",
            "h = r * np.tanh(np.log1p(np.exp(r)))",
            "Large values pass; values far below 0 are held back.",
            r"dr = dh \odot (\tau + r (1 - \tau^2) \logistic(r))"
            r" \where \tau = \tanh(\log(1 + e^r))",
            "dr = dh * (np.tanh(np.log1p(np.exp(r)))"
            " + r / np.cosh(np.log1p(np.exp(r))) ** 2 / (1 + np.exp(-r)))",
            STEEP,
        ),
        start="he_uniform",
        has_kernel=True,
        keeps_slope=True,
    ),
}
