"""The update rules: how the gradient moves the parameters.

A rule works on whole flat vectors, in place: theta of shape (p,), its gradient dtheta of the
same shape, and slots of shape (n_slots, p), the rule's memory, which starts at zero. t counts
updates from 1. lr is passed to every step, because schedules change it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.params import Params

Array = NDArray[Any]

PART = 1 << 15  # parameters updated at a time, so that a step's temporaries stay in the cache
EPS = float(np.finfo(np.float64).eps)


class Optimizer(Protocol):
    """The interface that training needs of a rule.

    A rule may also have ``kernel``, the name of the compiled engine's kernel that makes the same
    step (without one, the reference trains), and ``for_biases``, the rule that updates biases
    (without one, the same rule updates weights and biases), together with ``decay``, which makes
    the part of the step of weights that ``for_biases`` does not.
    """

    @property
    def n_slots(self) -> int: ...

    def step(self, theta: Array, dtheta: Array, slots: Array, t: int, lr: float) -> None: ...


def kernel_of(rule: Optimizer) -> str | None:
    """Name the kernel that makes a rule's step; a class with its own ``step`` inherits none."""
    for kind in type(rule).__mro__:
        if "kernel" in vars(kind):
            kernel: str | None = rule.kernel  # type: ignore[attr-defined]
            return kernel
        if "step" in vars(kind):
            return None
    return None


@dataclass(frozen=True)
class SGD:
    """Gradient descent, optionally with Polyak's or Nesterov's momentum.

    momentum = 0    theta <- theta - lr dtheta                       (equation 13)
    momentum > 0    v     <- momentum v - lr dtheta
                    theta <- theta + v                               (Polyak, 1964)
    nesterov        theta <- theta + momentum v - lr dtheta          (with the new v)

    The last is Nesterov's step rewritten for the point where the gradient is taken
    (Sutskever et al., 2013; Bengio et al., 2013).
    """

    momentum: float = 0.0
    nesterov: bool = False
    solver: ClassVar[str] = "sgd"
    is_in_sklearn: ClassVar[bool] = True

    @classmethod
    def of(cls, parameters: Any) -> Self:
        return cls(float(parameters.momentum), bool(parameters.nesterovs_momentum))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of an estimator that tell this rule from others of its solver."""
        return {"momentum": self.momentum, "nesterovs_momentum": self.nesterov}

    @property
    def n_slots(self) -> int:
        return 1 if self.momentum else 0

    @property
    def kernel(self) -> str:
        if not self.momentum:
            return "sgd"
        return "nesterov" if self.nesterov else "momentum"

    @property
    def lines(self) -> tuple[str, ...]:
        """Write the step for readers, in NumPy on theta, dtheta, lr, t and the memory."""
        if not self.momentum:
            return ("theta -= lr * dtheta",)
        ahead = f"theta += {self.momentum} * v - lr * dtheta" if self.nesterov else "theta += v"
        return f"v[...] = {self.momentum} * v - lr * dtheta", ahead

    @property
    def memory(self) -> tuple[str, ...]:
        """The names of the slots in these lines."""
        return ("v",) if self.momentum else ()

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
    kernel: ClassVar[str] = "adam"
    solver: ClassVar[str] = "adam"
    is_in_sklearn: ClassVar[bool] = True
    parameters: ClassVar[dict[str, Any]] = {}
    memory: ClassVar[tuple[str, ...]] = ("m", "v")

    @property
    def lines(self) -> tuple[str, ...]:
        """As those of ``SGD``; none of a rule whose biases are updated by another."""
        one, two = self.beta_1, self.beta_2
        return (
            f"m[...] = {one} * m + (1 - {one}) * dtheta",
            f"v[...] = {two} * v + (1 - {two}) * dtheta**2",
            f"m_hat, v_hat = m / (1 - {one}**t), v / (1 - {two}**t)",
            f"theta -= lr * m_hat / (np.sqrt(v_hat) + {self.epsilon})",
        )

    @classmethod
    def of(cls, parameters: Any) -> Self:
        """Make the rule of parameters that have the names of its fields."""
        return cls(*(float(getattr(parameters, field.name)) for field in fields(cls)))

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


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019, algorithm 2).

    theta <- theta - lr (m_hat / (sqrt(v_hat) + epsilon) + weight_decay theta)

    Biases do not decay: plain Adam updates them. As in PyTorch, the learning rate takes the
    place of the paper's schedule multiplier.
    """

    weight_decay: float = 0.01
    solver: ClassVar[str] = "adamw"
    is_in_sklearn: ClassVar[bool] = False
    kernel: ClassVar[str] = "adam"  # which takes the decay of weights as an argument

    @property
    def lines(self) -> tuple[str, ...]:
        return ()

    @property
    def for_biases(self) -> Adam:
        return Adam(self.beta_1, self.beta_2, self.epsilon)

    def decay(self, theta: Array, lr: float) -> None:
        """Make the part of the step that is not Adam's."""
        theta -= lr * self.weight_decay * theta

    def step(self, theta: Array, dtheta: Array, slots: Array, t: int, lr: float) -> None:
        self.decay(theta, lr)
        super().step(theta, dtheta, slots, t, lr)


# The rules by scikit-learn's names of solvers: ``of`` makes one of an estimator's parameters.
RULES: tuple[type[SGD] | type[Adam], ...] = (SGD, Adam, AdamW)
SOLVERS = {rule.solver: rule for rule in RULES}

# And by the names they go by elsewhere, on the command line and the page. To add a rule, write its
# class, its place in both tables, and its kernel in engines/compiled/rules.py.
OPTIMIZERS: dict[str, SGD | Adam] = {
    "sgd": SGD(),
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True),
    "adam": Adam(),
    "adamw": AdamW(),
}


def with_setting(name: str) -> tuple[str, ...]:
    """Name the optimisers that have a setting."""
    return tuple(optimizer for optimizer, rule in OPTIMIZERS.items() if hasattr(rule, name))


# -- rates of single parameters -------------------------------------------------------------------

BIAS_RATE, SCALE_RATE = 0.1, 2.0
SKIP_RATE, SKIP_ROWS, LEAST_SKIP_RATE = 0.3, 12_000, 0.1


def equal(params: Params, n: int) -> tuple[float, ...]:
    """Take the learning rate as it is for all."""
    return ()


def fan_in(params: Params, n: int) -> tuple[float, ...]:
    """Take 1 / sqrt(n_in) of it for the weights of a layer with n_in inputs.

    Adam's steps are then as large as those of a network whose products are divided by
    sqrt(n_in) (Jacot et al., 2018; Holzmueller et al., 2024). A bias has a tenth of the rate, the
    scale of the inputs twice the rate. The rate of a skip grows with the n rows trained on, from
    0.1 to 0.3 at 12,000, because its many inputs learn few rows by heart.
    """
    skip = min(max(SKIP_RATE * n / SKIP_ROWS, LEAST_SKIP_RATE), SKIP_RATE)
    layers = (factor for W in params.W for factor in (len(W) ** -0.5, BIAS_RATE))
    beside = (skip,) * (params.V is not None) + (SCALE_RATE,) * (params.s is not None)
    return (*layers, *beside)


# What multiplies the learning rate in W1, b1, W2, ..., V, s, by name; () is 1 in each.
RATES: dict[str, Callable[[Params, int], tuple[float, ...]]] = {"equal": equal, "fan_in": fan_in}


def update(
    rule: Optimizer,
    params: Params,
    gradients: Params,
    slots: Array,
    t: int,
    lr: float,
    factors: tuple[float, ...] = (),
) -> None:
    """Make one step in place: weights by ``rule``, biases by its ``for_biases`` if it has one.

    ``factors`` (see ``RATES``) multiply the rate of the step, not that of a decoupled decay.
    """
    for_biases: Optimizer = getattr(rule, "for_biases", rule)
    if for_biases is rule and not factors:
        _step(rule, params.flat, gradients.flat, slots, t, lr)
        return
    start = 0
    for place, (name, value) in enumerate(params.named()):
        part = slice(start, start := start + value.size)
        theta, dtheta, memory = params.flat[part], gradients.flat[part], slots[:, part]
        if not factors:
            _step(for_biases if name.startswith("b") else rule, theta, dtheta, memory, t, lr)
            continue
        if not name.startswith("b") and hasattr(rule, "decay"):
            rule.decay(theta, lr)
        _step(for_biases, theta, dtheta, memory, t, lr * factors[place])


def _step(rule: Optimizer, theta: Array, dtheta: Array, slots: Array, t: int, lr: float) -> None:
    for start in range(0, theta.size, PART):
        part = slice(start, start + PART)
        rule.step(theta[part], dtheta[part], slots[:, part], t, lr)


@dataclass(frozen=True)
class StepSettings:
    """The settings of a training that each of its steps goes by.

    Attributes
    ----------
    optimizer : Optimizer
        The update rule.
    batch_size : int
        Rows per step, N_b.
    l2 : float
        Strength of the penalty l2/2 sum W^2, added to the mean loss.
    clip_norm : float
        A gradient whose norm exceeds this is scaled down to it.
    """

    optimizer: Optimizer
    batch_size: int = 200
    l2: float = 0.0
    clip_norm: float = math.inf


@dataclass(frozen=True)
class Steps(StepSettings):
    """Everything an engine needs to know about the steps that it makes.

    Attributes
    ----------
    dropout : tuple of float
        Share of units left out of each hidden layer; empty for no dropout.
    seed : int
        The seed of the dropout masks.
    factors : tuple of float
        What multiplies the learning rate in each parameter, see ``RATES``; empty for 1 in each.
    """

    dropout: tuple[float, ...] = ()
    seed: int = 0
    factors: tuple[float, ...] = ()


def norm(gradients: Params) -> float:
    """Compute the Euclidean norm of all gradients together, in float64."""
    return float(np.sqrt(np.sum(np.square(gradients.flat, dtype=np.float64))))


def clip(gradients: Params, size: float, clip_norm: float) -> None:
    """Scale gradients of norm ``size`` down to clip_norm, in place (Pascanu et al., 2013)."""
    if not size <= clip_norm:
        gradients.flat[...] *= clip_norm / size


def make_step(
    steps: Steps,
    params: Params,
    gradients: Params,
    slots: Array,
    t: int,
    lr: float,
    *,
    measures: bool,
) -> float:
    """Clip the gradients and make one step, in place.

    Return the norm of the gradients before they were clipped; NaN if clipping did not need it and
    it was not to be measured.
    """
    size = math.nan
    if measures or steps.clip_norm < math.inf:
        size = norm(gradients)
        clip(gradients, size, steps.clip_norm)
    update(steps.optimizer, params, gradients, slots, t, lr, steps.factors)
    return size


@dataclass(frozen=True)
class LBFGSResult:
    theta: Array  # (p,)
    loss: float
    iterations: int
    converged: bool
    reason: str
    stopped: bool = False  # whether on_iteration stopped it


def lbfgs(
    loss_and_gradient: Callable[[Array], tuple[float, Array]],
    theta: Array,
    *,
    max_iter: int,
    max_fun: int,
    tol: float,
    on_iteration: Callable[[Array, float], bool] | None = None,
) -> LBFGSResult:
    """Minimise a full-batch loss by L-BFGS (Liu and Nocedal, 1989), as SciPy implements it.

    Parameters
    ----------
    loss_and_gradient : callable
        theta of shape (p,) -> the loss and its gradient of shape (p,), both float64.
    theta : array of shape (p,)
        The starting point.
    max_iter, max_fun : int
        Maximum number of iterations, and of evaluations of the loss.
    tol : float
        The search has converged when no entry of the gradient exceeds this, or when the loss
        falls by no more than rounding; the latter can come first where relu units have a kink.
    on_iteration : callable, optional
        Called with theta and the loss after each iteration; returning True stops.
    """
    from scipy.optimize import OptimizeResult, minimize

    stopped = False

    def after(intermediate_result: OptimizeResult) -> None:  # SciPy goes by this name
        nonlocal stopped
        if on_iteration is not None:
            stopped = on_iteration(intermediate_result.x, float(intermediate_result.fun))
        if stopped:
            raise StopIteration

    found = minimize(
        loss_and_gradient,
        theta,
        method="L-BFGS-B",
        jac=True,
        callback=after,
        # ftol at rounding level: only the gradient decides, as tol promises
        options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol, "ftol": 64 * EPS},
    )
    reason = str(found.message)
    converged = found.status == 0
    return LBFGSResult(found.x, float(found.fun), int(found.nit), converged, reason, stopped)
