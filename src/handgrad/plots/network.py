"""The inside of a network: weights as images, activations, gradients layer by layer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.explain.equations import names_beside
from handgrad.explain.trace import trace
from handgrad.network import forward
from handgrad.plots.style import BLUE, GREY, ORANGE, Display, plain, quiet, signs

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes

    from handgrad.explain.trace import Trace
    from handgrad.models.model import Model

Array = NDArray[Any]

MOST_UNITS = 64  # units of the first layer that are drawn
MOST_INPUTS = 40  # inputs that are named
MOST_ROWS = 4096  # rows that pass through the network for activations and gradients
FLAT = 0.01  # nearer than this to its bound, an activation hardly has a slope
SMALLEST_IMAGE = 16  # inputs
USUAL_RATIO = 1e-3  # of update to weight while a network learns (Karpathy's CS231n notes)


class WeightsDisplay(Display):
    """The weights of the first layer: one image a hidden unit, or a row for each input.

    Parameters
    ----------
    W1 : array of shape (N_x, N_h)
    input_names : sequence of str, length N_x
    image_shape : (int, int), optional
        Height and width, where the inputs are the pixels of an image, row by row.
    """

    def __init__(
        self,
        W1: Array,
        input_names: Sequence[str],
        image_shape: tuple[int, int] | None = None,
    ) -> None:
        if image_shape is not None and math.prod(image_shape) != len(W1):
            raise ValueError(
                f"image_shape must have as many pixels as there are inputs, {len(W1)}; "
                f"got {image_shape}"
            )
        self.W1, self.input_names, self.image_shape = W1, list(input_names), image_shape

    @classmethod
    def from_estimator(cls, estimator: Any, image_shape: tuple[int, int] | None = None) -> Self:
        """Take the weights of a fitted estimator; square images of pixels are recognised."""
        return cls.from_model(estimator.model_, image_shape)

    @classmethod
    def from_model(cls, model: Model, image_shape: tuple[int, int] | None = None) -> Self:
        names = model.encoder.input_names
        side = math.isqrt(len(names))
        pixels = all(re.match(r"x\d+$|pixel", name) for name in names)
        if image_shape is None and pixels and side * side == len(names) >= SMALLEST_IMAGE:
            image_shape = (side, side)
        return cls(model.params.W[0], names, image_shape)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw the units of largest weights: blue is above 0, orange below, white is 0."""
        self._open(ax)
        size = np.linalg.norm(self.W1, axis=0)
        units = np.sort(np.argsort(-size, kind="stable")[:MOST_UNITS])
        W1 = self.W1[:, units].astype(np.float64)
        picture = self._matrix(W1) if self.image_shape is None else self._tiles(W1)
        bound = float(np.abs(W1).max(initial=0)) or 1.0
        image = self.ax_.imshow(picture, cmap=signs(), vmin=-bound, vmax=bound, aspect="auto")
        if self.image_shape is not None:
            self.ax_.set_aspect("equal")
        self.figure_.colorbar(image, ax=self.ax_, shrink=0.8, label="weight")
        total = self.W1.shape[1]
        which = f"all {total}" if total == len(units) else f"the {len(units)} largest of {total:,}"
        self.ax_.set_xlabel(f"hidden units: {which}")
        return self

    def _matrix(self, W1: Array) -> Array:
        n = len(W1)
        every = range(0, n, -(-n // MOST_INPUTS))
        self.ax_.set_yticks(every, [plain(self.input_names[at]) for at in every])
        self.ax_.set_xticks([])
        return W1

    def _tiles(self, W1: Array) -> Array:
        """Lay the images out side by side, a pixel apart."""
        height, width = self.image_shape or (1, 1)
        n = W1.shape[1]
        across = math.ceil(math.sqrt(n * height / width))
        down = -(-n // across)
        picture = np.full((down * (height + 1) - 1, across * (width + 1) - 1), np.nan)
        for unit in range(n):
            top, left = unit // across * (height + 1), unit % across * (width + 1)
            picture[top : top + height, left : left + width] = W1[:, unit].reshape(height, width)
        self.ax_.set_xticks([])
        self.ax_.set_yticks([])
        self.ax_.spines[:].set_visible(False)
        return picture


class ActivationsDisplay(Display):
    """The outputs h of each hidden layer's units, and how many units are dead or stuck.

    A unit is dead if its output is 0 for every row (relu), and stuck if its output always stays
    within 0.01 of one bound of the activation (tanh, logistic).

    Parameters
    ----------
    h : sequence of arrays of shape (n, units)
        One for each hidden layer.
    activations : sequence of str
        Their names.
    """

    def __init__(self, h: Sequence[Array], activations: Sequence[str]) -> None:
        self.h, self.activations = list(h), list(activations)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any) -> Self:
        """Pass rows through a fitted estimator."""
        t = estimator.trace(X)
        return cls.from_x(estimator.model_, t.rows)

    @classmethod
    def from_model(cls, model: Model, columns: pa.Table | Array) -> Self:
        return cls.from_x(model, model.encoder.transform(columns, model.params.flat.dtype))

    @classmethod
    def from_x(cls, model: Model, x: Array) -> Self:
        """Pass encoded rows through a model; at most ``MOST_ROWS``, evenly spread."""
        tape = forward(model.architecture, model.params, x[spread(len(x), MOST_ROWS)])
        return cls(tape.h[1:], model.architecture.activations)

    @property
    def idle(self) -> list[int]:
        """Count the dead or stuck units of each layer."""
        return [
            int(np.count_nonzero(_idle(h, name)))
            for h, name in zip(self.h, self.activations, strict=True)
        ]

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw a box for each layer: the middle half of all h, whiskers from 1 % to 99 %.

        Raises
        ------
        ValueError
            If there is no hidden layer.
        """
        if not self.h:
            raise ValueError("activations need a hidden layer; this network has none")
        self._open(ax)
        places = range(len(self.h), 0, -1)  # the first layer on top
        boxes = [_box(h) for h in self.h]
        self.ax_.bxp(boxes, positions=list(places), orientation="horizontal", **BOXES)
        self.ax_.set_yticks(list(places), [self._label(layer) for layer in range(len(self.h))])
        self.ax_.set_xlabel(f"h, over {len(self.h[0]):,} rows and all units of the layer")
        self.ax_.set_ylim(0.4, len(self.h) + 0.6)
        quiet(self.ax_)
        return self

    def _label(self, layer: int) -> str:
        name, units = self.activations[layer], self.h[layer].shape[1]
        state = "stuck" if ACTIVATIONS[name].between else "dead"
        return f"layer {layer + 1}, {name}\n{self.idle[layer]:,} of {units:,} {state}"


def _idle(h: Array, name: str) -> NDArray[np.bool_]:
    low, high = h.min(axis=0), h.max(axis=0)
    activation = ACTIVATIONS[name]
    idle: NDArray[np.bool_] = np.zeros(h.shape[1], np.bool_)
    if activation.dies:
        idle = (low == 0) & (high == 0)
    if activation.between:
        least, most = activation.between
        idle = (low > most - FLAT) | (high < least + FLAT)
    return idle


BOXES: dict[str, Any] = {
    "showfliers": False,
    "widths": 0.5,
    "patch_artist": True,
    "boxprops": {"facecolor": BLUE, "alpha": 0.35, "edgecolor": BLUE},
    "medianprops": {"color": ORANGE, "linewidth": 2},
}


def _box(h: Array) -> dict[str, float]:
    names = ("whislo", "q1", "med", "q3", "whishi")
    return dict(zip(names, np.quantile(h, (0.01, 0.25, 0.5, 0.75, 0.99)).tolist(), strict=True))


class GradientsDisplay(Display):
    """The size of each layer's gradient, and how far a step would move its weights.

    A skip and a scale of the inputs stand beside the layers, if the network has them.

    Parameters
    ----------
    trace : Trace
        A pass of labelled rows, with one step (13) of gradient descent.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        layers = range(1, len(trace.architecture.layer_units))
        beside = names_beside(trace.architecture)
        self.labels = [*(f"W{layer}, b{layer}" for layer in layers), *beside]
        weights = [*(f"W{layer}" for layer in layers), *beside]
        lengths = _lengths(trace, [f"d{name}" for name in weights])
        of_biases = _lengths(trace, [f"db{layer}" for layer in layers])
        self.norms = np.hypot(lengths, np.pad(of_biases, (0, len(beside))))
        self.sizes = [
            np.abs(np.concatenate([trace[f"d{name}"].ravel() for name in label.split(", ")]))
            for label in self.labels
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            self.ratios = trace.lr * lengths / _lengths(trace, weights)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, lr: float | None = None) -> Self:
        """Pass labelled rows forward and backward through a fitted estimator."""
        return cls(estimator.trace(X, y, lr=lr))

    @classmethod
    def from_x(cls, model: Model, x: Array, y_t: Array, *, lr: float) -> Self:
        """Pass encoded rows through a model; at most ``MOST_ROWS``, evenly spread."""
        some = spread(len(x), MOST_ROWS)
        return cls(trace(model.architecture, model.params, x[some], y_t[some], lr=lr))

    def plot(self, quantity: str = "norm", *, ax: Axes | None = None) -> Self:
        """Draw a point or a box for each layer, on a logarithmic axis.

        Parameters
        ----------
        quantity : {"norm", "ratio", "entries"}
            The length of the layer's gradient; or the length of its step over that of its
            weights, usually about 1/1000 while a network learns; or a box of the sizes of the
            gradient's entries: the middle half of those that are not 0, whiskers from 1 % to 99 %.
        ax : matplotlib Axes, optional

        Returns
        -------
        self
        """
        if quantity not in ("norm", "ratio", "entries"):
            raise ValueError(f"quantity must be 'entries', 'norm' or 'ratio'; got {quantity!r}")
        self._open(ax)
        if quantity == "entries":
            self._boxes()
            return self
        values = self.norms if quantity == "norm" else self.ratios
        places = np.arange(1, len(values) + 1)
        seen = np.isfinite(values) & (values > 0)  # a logarithmic axis shows no others
        color = BLUE if quantity == "norm" else ORANGE
        self.ax_.plot(places, np.where(seen, values, np.nan), "o", color=color, markersize=9)
        for place, value in zip(places[seen].tolist(), values[seen].tolist(), strict=True):
            self.ax_.annotate(
                f"{value:.1e}", (place, value), (0, 9), textcoords="offset points", ha="center"
            )
        if quantity == "ratio":
            self.ax_.axhline(USUAL_RATIO, color=GREY, linestyle=":", label="usual while it learns")
            self.ax_.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderpad=0)
        self._dress(quantity, values[seen])
        return self

    def _boxes(self) -> None:
        places = np.arange(1, len(self.sizes) + 1)
        others = [sizes[np.isfinite(sizes) & (sizes > 0)] for sizes in self.sizes]
        drawn = [place for place, some in zip(places.tolist(), others, strict=True) if some.size]
        boxes = [_box(some) for some in others if some.size]
        if boxes:
            self.ax_.bxp(boxes, positions=drawn, **BOXES)
            self.ax_.set_yscale("log")
        zeros = [np.mean(sizes == 0) if sizes.size else 0 for sizes in self.sizes]
        labels = [
            f"{label}\n{share:.0%} are 0" for label, share in zip(self.labels, zeros, strict=True)
        ]
        self.ax_.set_xticks(places, labels)
        self._of_layers("size of a weight's gradient")

    def _of_layers(self, told: str) -> None:
        self.ax_.set_xlim(0.5, len(self.norms) + 0.5)
        self.ax_.set_xlabel(f"layer ({self.trace.n:,} rows)")
        self.ax_.set_ylabel(told)
        quiet(self.ax_)

    def _dress(self, quantity: str, seen: Array) -> None:
        self.ax_.set_xticks(range(1, len(self.norms) + 1), self.labels)
        marks = [*seen.tolist(), *([USUAL_RATIO] if quantity == "ratio" else [])]
        if marks:
            self.ax_.set_yscale("log")
            low, high = math.log10(min(marks)), math.log10(max(marks))
            self.ax_.set_ylim(10 ** math.floor(low - 0.2), 10 ** math.ceil(high + 0.3))
        lr = f"length of a step over that of W, lr = {self.trace.lr:g}"
        self._of_layers("length of the gradient" if quantity == "norm" else lr)


def _lengths(trace: Trace, names: list[str]) -> Array:
    return np.array([np.linalg.norm(trace[name].astype(np.float64)) for name in names])


def spread(n: int, most: int) -> NDArray[np.intp]:
    """Pick at most ``most`` of n rows, evenly spread."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(np.intp)
