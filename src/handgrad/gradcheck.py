"""Is this gradient right? Two independent ways to differentiate, and a verdict.

Complex step (Squire and Trapp, 1998): df/dtheta = Im f(theta + i e) / e. Nothing is
subtracted, so e may be 1e-200 and the result is exact to the last digits; it needs an f that
computes in complex numbers, as ours does. Central differences, (f(theta + e) - f(theta - e)) / 2e,
work for every f and keep about ten digits of sixteen.

Both cost one or two evaluations of f per parameter, so they suit small networks.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.errors import DataError
from handgrad.html import escaped, plain_table, sentence
from handgrad.network import Architecture, Tape, backward, check_finite, forward, loss
from handgrad.params import Params

Array = NDArray[Any]

# Entries below this part of the largest are measured against that part, not against themselves:
# after a sum has cancelled, what remains of them is rounding, for which no formula is to blame.
SMALLEST_PART = 1e-2


def complex_step(
    f: Callable[[Array], Any], theta: Array, entries: NDArray[np.intp] | None = None
) -> Array:
    """Differentiate a scalar function of a vector by complex steps.

    Parameters
    ----------
    f : callable
        Maps a complex128 array of shape (p,) to a complex scalar; must be analytic at theta.
    theta : float array of shape (p,)
    entries : int array of shape (k,), optional
        The entries of theta to differentiate in; all by default.

    Returns
    -------
    float64 array of shape (k,), or (p,)
        The gradient, exact to about the precision of f itself.
    """
    step = 1e-200
    point = theta.astype(np.complex128)
    entries = np.arange(len(point)) if entries is None else entries
    gradient = np.empty(len(entries))
    for place, i in enumerate(entries):
        point[i] += 1j * step
        gradient[place] = f(point).imag / step
        point[i] = theta[i]
    return gradient


def central_difference(f: Callable[[Array], Any], theta: Array, step: float = 1e-5) -> Array:
    """Differentiate a scalar function of a float64 vector by central differences.

    The error is about 1e-16 / step from rounding plus step^2 from curvature. It is smallest
    near step = 1e-5, where about ten digits are right.
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
    If all of ``expected`` is 0, any other value gives infinity; so does NaN.
    """
    return float(relative_errors(gradient, expected).max(initial=0.0))


def relative_errors(gradient: Array, expected: Array) -> Array:
    """Compute the relative error of each entry, defined as in ``relative_error``."""
    size = np.abs(expected)
    scale = np.maximum(size, SMALLEST_PART * size.max(initial=0.0))
    difference = np.abs(gradient - expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(difference == 0, 0.0, difference / scale)
    found: Array = np.nan_to_num(error, nan=np.inf, posinf=np.inf)
    return found


class Worst(NamedTuple):
    """The entry of one parameter's gradient that is furthest off."""

    shape: tuple[int, ...]
    checked: int  # the number of entries compared
    entry: tuple[int, ...]
    analytic: float
    complex_step: float


OK, CORNER, WRONG = "ok", "at a corner", "WRONG"  # the verdicts


@dataclass(frozen=True)
class GradientCheck:
    """The outcome: the largest relative error of every parameter, by name.

    Attributes
    ----------
    errors : dict of str to float
    tolerance : float
        The largest error that passes.
    worst : dict of str to Worst
        The entry with that error, by name.
    kinks : int
        The number of r that lie exactly on the corner of a relu, where there is no derivative.
    n, n_at_corners : int
        The number of rows, and of those with such an r.
    away : dict of str to float
        The errors once the rows at a corner have been left out on both sides; empty if there are
        none, or nothing failed.
    """

    errors: dict[str, float]
    tolerance: float
    worst: dict[str, Worst] = field(default_factory=dict)
    kinks: int = 0
    n: int = 0
    n_at_corners: int = 0
    away: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every gradient is right wherever there is one, and some row was compared."""
        return self.agrees or (not self.is_wrong and self.n_at_corners < self.n)

    @property
    def agrees(self) -> bool:
        """Whether every error passes, with the rows at a corner."""
        return all(error <= self.tolerance for error in self.errors.values())

    @property
    def is_wrong(self) -> bool:
        """Whether a gradient differs, and no corner explains it."""
        return any(self.verdict(name) == WRONG for name in self.errors)

    def verdict(self, name: str) -> str:
        """Judge one parameter: "ok", "at a corner" if that explains the difference, or "WRONG"."""
        if self.errors[name] <= self.tolerance:
            return OK
        return CORNER if self.away.get(name, np.inf) <= self.tolerance else WRONG

    @property
    def conclusion(self) -> str:
        """State what was found, in the words that the command line and the page share."""
        if self.is_wrong:
            return "the gradients are WRONG"
        if self.agrees:
            return "the gradients are right"
        where = "wherever there are any" if self.passed else "not compared"
        return f"the gradients are {'right ' if self.passed else ''}{where}"

    @property
    def note(self) -> str:
        """State what a corner explains of a failure, or ""."""
        if self.agrees or not self.kinks:
            return ""
        at = (
            f"{self.kinks:,} r are exactly 0, where a relu has a corner and no derivative: "
            f"{self.n_at_corners:,} of {self.n:,} rows stand there"
        )
        if self.n_at_corners == self.n:
            return f"{at}, and no row is left to compare"
        return f"{at}; {'even ' if self.is_wrong else ''}without them the gradients " + (
            "differ" if self.is_wrong else "agree"
        )

    def rows(self) -> list[tuple[str, ...]]:
        """List the cells of a table with the columns ``HEADINGS``, one row per parameter."""
        listed = []
        for name, error in self.errors.items():
            cells: tuple[str, ...] = ("", "", "", "", "")
            if name in self.worst:
                worst = self.worst[name]
                size = int(np.prod(worst.shape))
                looked_at = "all" if worst.checked == size else f"{worst.checked:,}"
                entry = f"{name}[{', '.join(map(str, worst.entry))}]"
                values = (f"{worst.analytic: .10e}", f"{worst.complex_step: .10e}")
                cells = (str(worst.shape), f"{looked_at} of {size:,}", entry, *values)
            listed.append((name, *cells, f"{error:.1e}", self.verdict(name)))
        return listed

    def __str__(self) -> str:
        lines = [
            f"{name:>4}  {error:8.1e}  {self.verdict(name)}" for name, error in self.errors.items()
        ]
        heading = f"relative error of each gradient (at most {self.tolerance:g})"
        return "\n".join([heading, *lines, *([self.note] if self.note else [])])

    def _repr_html_(self) -> str:
        table = plain_table(HEADINGS, ([*map(escaped, row)] for row in self.rows()))
        return f"{table}<p>Errors up to {self.tolerance:g} pass. {sentence(self.note)}</p>"


HEADINGS = (
    "parameter",
    "shape",
    "entries",
    "furthest off",
    "analytic",
    "complex step",
    "largest relative error",
    "verdict",
)


@np.errstate(over="ignore", invalid="ignore")  # check_finite reports what is infinite
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
    most_entries: int | None = None,
) -> GradientCheck:
    """Compare gradients with complex steps through the forward pass and the loss.

    Parameters
    ----------
    architecture, params, x, y_t, weight, l2
        As for ``network.forward`` and ``network.loss``; params in float64.
    masks : tuple of arrays
        The dropout masks, held fixed; none by default.
    gradients : Params, optional
        The gradients to check; those of ``network.backward`` by default.
    tolerance : float
        The largest relative error (see ``relative_error``) that passes.
    most_entries : int, optional
        The most entries of a parameter to check, evenly spread, because each costs a forward
        pass. All by default.

    Returns
    -------
    GradientCheck

    Raises
    ------
    DataError
        If there are no rows, or the scores of a row are not finite.
    """
    if not len(x):
        raise DataError("there are no rows; at least one is needed to check a gradient")
    tape = forward(architecture, params, x, masks)
    check_finite(tape.score, [params])
    if gradients is None:
        gradients = backward(architecture, params, tape, y_t, weight, l2)

    def loss_at(theta: Array) -> Any:
        point = params.like(theta)
        return loss(architecture, point, forward(architecture, point, x, masks), y_t, weight, l2)

    errors, worst = {}, {}
    named = [
        (name, places, _spread(places.ravel(), most_entries))
        for name, places in params.like(np.arange(params.flat.size)).named()
    ]
    for name, places, entries in named:
        analytic = gradients.flat[entries]
        expected = complex_step(loss_at, params.flat, entries)
        found = relative_errors(analytic, expected)
        at = int(found.argmax())
        entry = tuple(map(int, np.unravel_index(entries[at] - places.flat[0], places.shape)))
        errors[name] = float(found[at])
        worst[name] = Worst(
            places.shape, len(entries), entry, float(analytic[at]), float(expected[at])
        )
    kinks = _kinks(architecture, tape)
    is_at = kinks > 0
    check = GradientCheck(errors, tolerance, worst, int(kinks.sum()), len(kinks), int(is_at.sum()))
    if check.agrees or not check.kinks:
        return check
    every = np.ones(len(kinks), params.flat.dtype) if weight is None else weight
    weight = np.where(is_at, 0, every)  # from here on loss_at leaves them out
    theirs = backward(architecture, params, tape, y_t, np.where(is_at, every, 0))
    rest = gradients.flat - theirs.flat
    away = {
        name: relative_error(rest[entries], complex_step(loss_at, params.flat, entries))
        for name, _, entries in named
    }
    return replace(check, away=away)


def _kinks(architecture: Architecture, tape: Tape) -> NDArray[np.intp]:
    """Count the r of each row that lie on the corner of a relu."""
    kinks = np.zeros(len(tape.score), np.intp)
    for r, name in zip(tape.r, architecture.activations, strict=True):
        if ACTIVATIONS[name].cuts_off:
            kinks += np.count_nonzero(r == 0, axis=1)
    return kinks


def _spread(places: NDArray[np.intp], most: int | None) -> NDArray[np.intp]:
    if most is None or len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).round().astype(np.intp)]
