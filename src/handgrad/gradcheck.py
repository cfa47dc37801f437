"""Is this gradient right? Two independent ways to differentiate, and a verdict.

Complex step (Squire and Trapp, 1998): df/dtheta = Im f(theta + i e) / e. Nothing is
subtracted, so e may be 1e-200 and the result is exact to the last digits; it needs an f that
computes in complex numbers, as ours does. Central differences, (f(theta + e) - f(theta - e)) / 2e,
work for every f and keep some ten digits of sixteen.

Both cost one or two evaluations of f for each parameter: a check for small networks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.network import Architecture, backward, forward, loss
from handgrad.params import Params

Array = NDArray[Any]

# Entries below this part of the largest are compared with the largest: what is left of them
# after a sum has cancelled is rounding, which no formula can be blamed for.
SMALLEST_PART = 1e-2


def complex_step(f: Callable[[Array], Any], theta: Array) -> Array:
    """Differentiate a scalar function of a vector by complex steps.

    Parameters
    ----------
    f : callable
        Takes a complex128 array of shape (p,), gives a complex scalar; must be analytic at theta.
    theta : float array of shape (p,)

    Returns
    -------
    float64 array of shape (p,)
        The gradient, exact to about the precision of f itself.
    """
    step = 1e-200
    point = theta.astype(np.complex128)
    gradient = np.empty(len(point))
    for i in range(len(point)):
        point[i] += 1j * step
        gradient[i] = f(point).imag / step
        point[i] = theta[i]
    return gradient


def central_difference(f: Callable[[Array], Any], theta: Array, step: float = 1e-5) -> Array:
    """Differentiate a scalar function of a float64 vector by central differences.

    The error is about 1e-16 / step from rounding plus step^2 from curvature, best near
    step = 1e-5, where some ten digits are right.
    """
    point = theta.astype(np.float64)
    gradient = np.empty(len(point))
    for i in range(len(point)):
        point[i] = theta[i] + step
        above = f(point)
        point[i] = theta[i] - step
        gradient[i] = (above - f(point)) / (2 * step)
        point[i] = theta[i]
    return gradient


def relative_error(gradient: Array, expected: Array) -> float:
    """Find the largest |gradient - expected| relative to |expected|, over all entries.

    Entries smaller than a hundredth of the largest are measured against that hundredth.
    Where all of ``expected`` is 0, any other value gives infinity; so does NaN.
    """
    size = np.abs(expected)
    scale = np.maximum(size, SMALLEST_PART * size.max(initial=0.0))
    difference = np.abs(gradient - expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(difference == 0, 0.0, difference / scale)
    return float(np.nan_to_num(error, nan=np.inf, posinf=np.inf).max(initial=0.0))


@dataclass(frozen=True)
class GradientCheck:
    """The outcome: for every parameter by name, its largest relative error."""

    errors: dict[str, float]
    tolerance: float

    @property
    def passed(self) -> bool:
        return all(error <= self.tolerance for error in self.errors.values())

    def __str__(self) -> str:
        lines = [
            f"{name:>4}  {error:8.1e}  {'ok' if error <= self.tolerance else 'WRONG'}"
            for name, error in self.errors.items()
        ]
        return "\n".join([f"relative error of each gradient (at most {self.tolerance:g})", *lines])


def check_gradients(
    architecture: Architecture,
    params: Params,
    x: Array,
    y_t: Array,
    weight: Array | None = None,
    l2: float = 0.0,
    *,
    masks: tuple[Array, ...] = (),
    gradients: Params | None = None,
    tolerance: float = 1e-9,
) -> GradientCheck:
    """Compare gradients with complex steps through the forward pass and the loss.

    Parameters
    ----------
    architecture, params, x, y_t, weight, l2
        As for ``network.forward`` and ``network.loss``; params in float64.
    masks : tuple of arrays
        Those of dropout, held fixed; none by default.
    gradients : Params, optional
        What to check; those of ``network.backward`` by default.
    tolerance : float
        Largest relative error (see ``relative_error``) that passes.

    Returns
    -------
    GradientCheck
    """
    if gradients is None:
        tape = forward(architecture, params, x, masks)
        gradients = backward(architecture, params, tape, y_t, weight, l2)

    def loss_at(theta: Array) -> Any:
        point = params.like(theta)
        return loss(architecture, point, forward(architecture, point, x, masks), y_t, weight, l2)

    expected = params.like(complex_step(loss_at, params.flat))
    errors = {name: relative_error(gradients[name], value) for name, value in expected.named()}
    return GradientCheck(errors, tolerance)
