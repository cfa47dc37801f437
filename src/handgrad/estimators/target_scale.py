"""The scale in which numbers are learnt, as the loss asks for it: see ``outputs.Output``.

A loss that promises not to be moved by a few wild values would break its word if they stretched
the scale. So it has the median for its 0, and for its 1 the distance of the quartiles, divided so
that normally distributed numbers have the same 1 as by their standard deviation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from handgrad.estimators.stream import ENOUGH
from handgrad.models.model import TargetScale
from handgrad.outputs import OUTPUTS
from handgrad.tables.fitting import fit_matrix
from handgrad.tables.statistics import quantile

Floats = NDArray[np.float64]

# Quantiles q, and how many standard deviations of a normal distribution lie between q and 1 - q.
# Where the quartiles coincide, as in counts that are mostly 0, the next pair has a say.
WIDTHS = {0.25: 1.349, 0.1: 2.563, 0.05: 3.290, 0.01: 4.653}
SHARES = (0.5, *(share for q in WIDTHS for share in (q, 1 - q)))

ROUNDING = 1e-15  # of the larger quantile: nearer than this they are the same


def target_scale(y: Floats, weight: Floats | None, output: str, n_each: int = 1) -> TargetScale:
    """Find what the network is to call 0 and 1 in numbers of shape (n, k).

    Parameters
    ----------
    y : array of shape (n, k), n at least 1
    weight : array of shape (n,) or None
        At least 0, one above 0; an integer weight counts as so many equal rows.
    output : str
        Of ``outputs.OUTPUTS``.
    n_each : int
        How many outputs each number has.
    """
    described = Quartiles(y, weight) if OUTPUTS[output].is_robust else fit_matrix(y, weight)
    return scale_by(described.mean, described.scale, output, n_each)


def scale_by(mean: Floats, scale: Floats, output: str, n_each: int) -> TargetScale:
    """Make the scale of statistics of the numbers, shape (k,)."""
    mean, scale = OUTPUTS[output].target_scale(mean, scale)
    return TargetScale(np.repeat(mean, n_each), np.repeat(scale, n_each))


def robust_scale(pairs: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Give what `Quartiles` have for mean and scale, of the quantiles of numbers.

    Parameters
    ----------
    pairs : array of shape (k, len(SHARES), 2)
        The two values whose middle is each of the quantiles `SHARES`.
    deviation : array of shape (k,)
        The scale of numbers whose quantiles coincide.
    """
    middle = pairs[..., 0] / 2 + pairs[..., 1] / 2
    found = [_median_and_unit(dict(zip(SHARES, row, strict=True)).__getitem__) for row in middle]
    median, unit = np.array(found, dtype=np.float64).T
    return median, np.where(unit > 0, unit, deviation)


@dataclass(frozen=True, eq=False)
class Quartiles:
    """Rows of k numbers from the beginning of a stream, and the scale that their quartiles make.

    Quartiles of two parts cannot be put together as means can: so the first rows are kept until
    there are ``ENOUGH``, and what comes later changes nothing.
    """

    rows: Floats  # (n, k)
    weight: Floats | None  # (n,)

    def merged(self, other: "Quartiles") -> "Quartiles":
        """Add the rows that came next, unless there are enough."""
        if len(self.rows) >= ENOUGH:
            return self
        weight = None
        if self.weight is not None or other.weight is not None:
            weight = np.concatenate([self.weights, other.weights])
        return Quartiles(np.concatenate([self.rows, other.rows]), weight)

    @property
    def weights(self) -> Floats:
        return np.ones(len(self.rows)) if self.weight is None else self.weight

    @property
    def n(self) -> Floats:
        """Rows by weight, for each number, shape (k,)."""
        n: Floats = np.full(self.rows.shape[1], self.weights.sum())
        return n

    @property
    def mean(self) -> Floats:
        """What stands in the place of a mean, shape (k,): the median."""
        median: Floats = self._medians_and_units[0]
        return median

    @property
    def scale(self) -> Floats:
        """What stands in the place of a deviation, shape (k,): 1 where nothing varies."""
        unit: Floats = self._medians_and_units[1]
        if unit.all():
            return unit
        return np.where(unit > 0, unit, fit_matrix(self.rows, self.weight).scale)

    @cached_property
    def _medians_and_units(self) -> Floats:
        order = np.argsort(self.rows, axis=0, kind="stable")
        relative = self.weights / self.weights.max()
        found = [
            _median_and_unit(partial(quantile, self.rows[places, at], np.cumsum(relative[places])))
            for at, places in enumerate(order.T)
        ]
        return np.array(found).T


def _median_and_unit(quantile_of: Callable[[float], float]) -> tuple[float, float]:
    """Give the median and the unit of one number; a unit of 0 where all quantiles coincide."""
    median = quantile_of(0.5)
    for q, width in WIDTHS.items():
        low, high = quantile_of(q), quantile_of(1 - q)
        unit = high / width - low / width
        if unit > ROUNDING * max(-low, high):
            return median, unit
    return median, 0.0
