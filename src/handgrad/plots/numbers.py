"""How good predicted numbers are: against the truth, and the share of rows below quantiles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.plots.style import BLUE, GREY, MARKERS, PALETTE, new_figure, plain, quiet, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]

MOST_TARGETS = 4  # that are drawn
MOST_POINTS = 2000  # for each target


def predictions(y: Array, prediction: Array, names: Sequence[str]) -> "Figure":
    """Draw the truth and the error over the prediction, for the first few targets.

    Parameters
    ----------
    y, prediction : arrays of shape (n, N_y)
        At most ``MOST_POINTS`` rows are drawn, evenly spread.
    names : sequence of str
        The names of the targets.
    """
    from sklearn.metrics import PredictionErrorDisplay

    some = np.linspace(0, len(y) - 1, min(len(y), MOST_POINTS)).astype(np.intp)
    names = names[:MOST_TARGETS]
    figure = new_figure(10, 4.6 * len(names))
    axes = figure.subplots(len(names), 2, squeeze=False)
    points = {"color": BLUE, "alpha": 0.5, "s": 16, "edgecolors": "none"}
    for place, name in enumerate(names):
        display = PredictionErrorDisplay(
            y_true=y[some, place].astype(np.float64),
            y_pred=prediction[some, place].astype(np.float64),
        )
        for ax, kind in zip(
            axes[place], ("actual_vs_predicted", "residual_vs_predicted"), strict=True
        ):
            display.plot(ax=ax, kind=kind, scatter_kwargs=points, line_kwargs={"color": GREY})
            quiet(ax)
        axes[place][0].set(xlabel="predicted", ylabel="true")
        axes[place][1].set(xlabel="predicted", ylabel="true - predicted")
        title(axes[place][0], plain(name))
    return figure


def quantile_shares(quantiles: Sequence[float], shares: Array, names: Sequence[str]) -> "Figure":
    """Draw the share of rows below each quantile; on the diagonal, it equals the quantile.

    Parameters
    ----------
    quantiles : sequence of float, length Q
    shares : array of shape (N_y, Q)
    names : sequence of str, length N_y
    """
    figure = new_figure(5.5, 5)
    ax = figure.subplots()
    ax.plot([0, 1], [0, 1], ":", color=GREY)
    for place, name in enumerate(names[:MOST_TARGETS]):
        color, marker = PALETTE[place], MARKERS[place]
        ax.plot(
            quantiles, shares[place], color=color, marker=marker, label=plain(name), clip_on=False
        )
    ax.set(xlabel="quantile", ylabel="share of rows below", xlim=(0, 1), ylim=(0, 1))
    ax.set_aspect("equal")
    quiet(ax)
    if len(names) > 1:
        ax.legend(frameon=False, loc="upper left")
    title(ax, "Quantiles")
    return figure
