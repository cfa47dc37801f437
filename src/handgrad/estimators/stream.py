"""Statistics that move with a stream: ``partial_fit`` sees its rows bit by bit.

Means and deviations are those of all rows so far; the quartiles by which a robust loss scales its
targets, as the robust scales and bins of columns, are those of the first rows. Their change is
folded into the first layer (that of the targets into the last), so that a network that has learnt
predicts what it predicted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import warn
from handgrad.models.model import TargetScale

if TYPE_CHECKING:
    from handgrad.estimators.target_scale import Quartiles
    from handgrad.params import Params
    from handgrad.tables.encode import Encoder

Floats = NDArray[np.float64]

SETTLED = 30  # rows, after which any change of scale is folded in; before, the network knows little
GENTLE = 2.0  # times, by which a scale may change to be folded in even so
ENOUGH = 1000  # rows, by which quartiles are known well enough to stay
SAME = 1e-10  # of a deviation: less is what rounding does to the same rows seen again


class Moments(NamedTuple):
    """What is known of k numbers so far.

    Attributes
    ----------
    n, mean, squares : arrays of shape (k,)
        Rows by weight, their mean, and the sum of their squared distances from it.
    """

    n: Floats
    mean: Floats
    squares: Floats

    @classmethod
    def of(cls, x: Floats, weight: Floats | None) -> Moments:
        """Take the moments of rows of shape (n, k); NaN is no row of its number."""
        there = ~np.isnan(x)
        w = there * (1.0 if weight is None else weight[:, None])
        values = np.where(there, x, 0.0)
        n = w.sum(axis=0)
        mean = np.divide((w * values).sum(axis=0), n, out=np.zeros_like(n), where=n > 0)
        return cls(n, mean, (w * (values - mean) ** 2).sum(axis=0))

    def merged(self, other: Moments) -> Moments:
        """Put two parts of a stream together (Chan, Golub and LeVeque 1983, equation 2.1)."""
        n = self.n + other.n
        share = np.divide(other.n, n, out=np.zeros_like(n), where=n > 0)
        apart = other.mean - self.mean
        squares = self.squares + other.squares + apart**2 * self.n * share
        return Moments(n, self.mean + apart * share, squares)

    @property
    def deviation(self) -> Floats:
        """The population standard deviation."""
        variance = np.divide(self.squares, self.n, out=np.zeros_like(self.n), where=self.n > 0)
        deviation: Floats = np.sqrt(variance)
        return deviation

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Whether each number varies by more than what rounding gives equal values."""
        varies: NDArray[np.bool_] = self.deviation > 1e-12 * np.abs(self.mean)
        return varies

    @property
    def scale(self) -> Floats:
        """The deviation, 1 where nothing varies."""
        return np.where(self.varies, self.deviation, 1.0)


def moved_encoder(encoder: Encoder, now: Moments) -> Encoder:
    """Give the encoder the statistics of all rows so far; a hole is filled with the mean."""
    moves = encoder.plan.scaled & _differ(encoder.mean, encoder.scale, now)
    if not moves.any():
        return encoder
    mean = np.where(moves, now.mean, encoder.mean)
    scale = np.where(moves, now.scale, encoder.scale)
    median = np.where(moves, now.mean, encoder.median)
    return replace(encoder, mean=mean, scale=scale, median=median)


def warn_of_first_rows(method: str, n: int) -> None:
    """Warn of robust scales and bins that stay although they come from few rows."""
    if n < ENOUGH:
        warn(
            f"preprocess={method!r} takes its medians, quartiles and bins from the first rows of a "
            f"stream alone, here {n}, and keeps them; begin with {ENOUGH:,} rows or more, or with "
            "fit, or take preprocess='auto', whose means follow the stream",
            UserWarning,
        )


def _differ(mean: Floats, scale: Floats, now: Moments | Quartiles) -> NDArray[np.bool_]:
    """Tell which statistics have changed by more than rounding."""
    differ: NDArray[np.bool_] = (np.abs(now.mean - mean) > SAME * scale) | (
        np.abs(now.scale - scale) > SAME * scale
    )
    return differ


def _is_settled(before: Moments | Quartiles, ratio: Floats) -> NDArray[np.bool_]:
    """Tell which changes of scale are folded in: all but wild ones in the first few rows."""
    gentle = (ratio >= 1 / GENTLE) & (ratio <= GENTLE)
    settled: NDArray[np.bool_] = (before.n >= SETTLED) | gentle
    return settled


def folded_inputs(params: Params, old: Encoder, new: Encoder, before: Moments) -> Params:
    """Change the first layer so that the network says of the new inputs what it said of the old.

    What one input was, x = (v - mean) / scale, is a x' + c of what it is now. A number that has
    not varied so far has taught its weights nothing: they stay as they were drawn, and the bias
    keeps what the network says of that one value. The same holds of a skip, whose columns these
    inputs then are, and the last bias.
    """
    k = len(old.mean)
    moved = params.copy()
    layers = [(moved.W[0][:k], moved.b[0], moved.s)]
    if moved.V is not None:
        layers.append((moved.V[:k], moved.b[-1], None))
    varied = before.varies
    settled = varied & _is_settled(before, new.scale / old.scale)
    a = np.where(settled, new.scale / old.scale, 1.0)
    c = np.where(settled, (new.mean - old.mean) / old.scale, 0.0)
    c = np.where(varied, c, (new.mean - old.mean) / new.scale)
    for W, b, s in layers:
        by_s = c if s is None else c * s[:k]
        b += (by_s @ W.astype(np.float64)).astype(b.dtype)
        W *= a[:, None].astype(W.dtype)
    return moved


def moved_targets(scale: TargetScale, now: Moments | Quartiles) -> TargetScale:
    """Give the scale of the targets the statistics of all rows so far."""
    n_each = len(scale.mean) // len(now.mean)
    if not _differ(scale.mean[::n_each], scale.scale[::n_each], now).any():
        return scale
    return TargetScale(np.repeat(now.mean, n_each), np.repeat(now.scale, n_each))


def folded_targets(
    params: Params, old: TargetScale, new: TargetScale, before: Moments | Quartiles
) -> Params:
    """Change the last layer so that mean + scale * prediction stays what it was."""
    n_each = len(old.scale) // len(before.n)
    if not _is_settled(before, (new.scale / old.scale)[::n_each]).all():
        return params
    moved = params.copy()
    a = old.scale / new.scale
    for W in (moved.W[-1], moved.V):
        if W is not None:
            W *= a.astype(moved.flat.dtype)
    moved.b[-1][...] = moved.b[-1] * a + (old.mean - new.mean) / new.scale
    return moved
