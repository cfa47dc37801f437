"""The update rules: given the gradient, where the parameters go.

A rule works on whole flat vectors, in place: theta of shape (p,), its gradient dtheta of the
same shape, and slots of shape (n_slots, p), the memory of the rule, zero at the start. t
counts updates from 1. lr is passed at every step, because schedules change it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

EPS = float(np.finfo(np.float64).eps)


class Optimizer(Protocol):
    """What training needs of a rule."""

    @property
    def n_slots(self) -> int: ...

    def step(self, theta: Array, dtheta: Array, slots: Array, t: int, lr: float) -> None: ...


@dataclass(frozen=True)
class SGD:
    """Gradient descent; with momentum, the moving average of Polyak or of Nesterov.

    momentum = 0    theta <- theta - lr dtheta                       (equation 13)
    momentum > 0    v     <- momentum v - lr dtheta
                    theta <- theta + v                               (Polyak, 1964)
    nesterov        theta <- theta + momentum v - lr dtheta          (with the new v)

    The last is Nesterov's step seen from the point where the gradient is taken
    (Sutskever et al., 2013; Bengio et al., 2013).
    """

    momentum: float = 0.0
    nesterov: bool = False

    @property
    def n_slots(self) -> int:
        return 1 if self.momentum else 0

    def step(self, theta: Array, dtheta: Array, slots: Array, t: int, lr: float) -> None:
        descent = lr * dtheta
        if not self.momentum:
            theta -= descent
            return
        v = slots[0]
        v *= self.momentum
        v -= descent
        theta += self.momentum * v - descent if self.nesterov else v


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba, 2015, algorithm 1).

    m     <- beta_1 m + (1 - beta_1) dtheta          m_hat = m / (1 - beta_1^t)
    v     <- beta_2 v + (1 - beta_2) dtheta^2        v_hat = v / (1 - beta_2^t)
    theta <- theta - lr m_hat / (sqrt(v_hat) + epsilon)
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_slots: ClassVar[int] = 2

    def step(self, theta: Array, dtheta: Array, slots: Array, t: int, lr: float) -> None:
        m, v = slots
        m *= self.beta_1
        m += (1 - self.beta_1) * dtheta
        v *= self.beta_2
        v += (1 - self.beta_2) * (dtheta * dtheta)
        root_v_hat = np.sqrt(v)
        root_v_hat /= math.sqrt(1 - self.beta_2**t)
        root_v_hat += self.epsilon
        m_hat = m / (1 - self.beta_1**t)
        m_hat /= root_v_hat
        theta -= lr * m_hat


def invscaling(lr: float, t: int, power_t: float) -> float:
    """Shrink the learning rate with the rows seen so far: lr / (t + 1)^power_t."""
    return float(lr / (t + 1) ** power_t)


@dataclass(frozen=True)
class LBFGSResult:
    theta: Array  # (p,)
    loss: float
    iterations: int
    converged: bool
    reason: str


def lbfgs(
    loss_and_gradient: Callable[[Array], tuple[float, Array]],
    theta: Array,
    *,
    max_iter: int,
    max_fun: int,
    tol: float,
) -> LBFGSResult:
    """Minimise a full-batch loss by L-BFGS (Liu and Nocedal, 1989), as SciPy implements it.

    Parameters
    ----------
    loss_and_gradient : callable
        theta of shape (p,) -> the loss and its gradient of shape (p,), both float64.
    theta : array of shape (p,)
        Where to start.
    max_iter, max_fun : int
        Most iterations and most evaluations of the loss.
    tol : float
        Converged when no entry of the gradient exceeds this, or when the loss stops falling
        beyond rounding; the latter can come first where relu units have a kink.
    """
    from scipy.optimize import minimize

    found = minimize(
        loss_and_gradient,
        theta,
        method="L-BFGS-B",
        jac=True,
        # ftol at rounding level: only the gradient decides, as tol promises
        options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol, "ftol": 64 * EPS},
    )
    reason = str(found.message)
    return LBFGSResult(found.x, float(found.fun), int(found.nit), found.status == 0, reason)
