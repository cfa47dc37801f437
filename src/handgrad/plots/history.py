"""The course of a training, epoch by epoch: loss, score, learning rate, gradient norm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from handgrad.plots.style import BLUE, GREY, ORANGE, Display, new_figure, quiet, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from handgrad.training.history import History

LABELS = {
    "loss": "mean cross-entropy (nats)",
    "accuracy": "accuracy",
    "validation_score": "score of the validation rows",
    "learning_rate": "learning rate",
    "gradient_norm": "length of the last batch's gradient",
    "penalty": "penalty",
}
LEAST = 1e-10  # of the largest value: smaller ones tell nothing
LOSS_OF_NUMBERS = "mean loss"


class HistoryDisplay(Display):
    """One quantity, epoch by epoch, on training and validation rows.

    Parameters
    ----------
    history : History
        The epochs to draw; at least one.
    """

    def __init__(self, history: History) -> None:
        self.history = history

    @classmethod
    def from_estimator(cls, estimator: Any) -> Self:
        """Take the record of a fitted estimator."""
        return cls(estimator.history_)

    @classmethod
    def from_history(cls, history: History) -> Self:
        return cls(history)

    def plot(
        self,
        quantity: str = "loss",
        *,
        ax: Axes | None = None,
        best: int | None = None,
        log: bool = False,
    ) -> Self:
        """Draw one quantity over the epochs.

        Parameters
        ----------
        quantity : str
            "loss", "accuracy", "validation_score", "learning_rate", "gradient_norm" or "penalty".
        ax : matplotlib Axes, optional
            Where to draw; new axes by default.
        best : int, optional
            Number of the epoch to mark as the one that was kept.
        log : bool, default=False
            Whether the vertical axis is logarithmic; it leaves out values that are not above 0.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the history is empty, or no epoch recorded the quantity.
        """
        self._check(quantity)
        self._open(ax)
        epochs = self.history.column("epoch")
        marker = "o" if len(epochs) == 1 else ""  # a line of one point shows nothing
        training = self._values(quantity)
        label = "validation" if quantity.startswith("validation") else "training"
        self.ax_.plot(epochs, training, marker=marker, color=BLUE, label=label)
        held_back, line = training, BLUE
        if quantity in ("loss", "accuracy"):
            held_back, line = self._values(f"validation_{quantity}"), ORANGE
            if not np.isnan(held_back).all():
                [drawn] = self.ax_.plot(epochs, held_back, marker=marker, color=ORANGE)
                drawn.set(dashes=(5, 1.5), label="validation")
        if best is not None and best in epochs and not np.isnan(held_back).all():
            self._mark(best, held_back[epochs.index(best)], line)
        self._dress(quantity, log=log)
        return self

    def _check(self, quantity: str) -> None:
        if quantity not in LABELS:
            raise ValueError(f"quantity must be one of {', '.join(LABELS)}; got {quantity!r}")
        if not len(self.history):
            raise ValueError(
                "the history must hold an epoch to draw; it is empty, as after L-BFGS or loading"
            )
        if np.isnan(self._values(quantity)).all():
            raise ValueError(f"the history has no {quantity}: none of its epochs recorded one")

    def _values(self, name: str) -> list[float]:
        return [math.nan if value is None else value for value in self.history.column(name)]

    def _mark(self, epoch: int, value: float, color: str) -> None:
        self.ax_.plot(
            epoch,
            value,
            "o",
            color=color,
            markeredgecolor="white",
            clip_on=False,
            label=f"kept: epoch {epoch}",
        )
        self.ax_.axvline(epoch, color=GREY, linewidth=0.8, linestyle=":")

    def _dress(self, quantity: str, *, log: bool) -> None:
        from matplotlib.ticker import MaxNLocator

        self.ax_.set_xlabel("epoch")
        self.ax_.set_ylabel(self._label(quantity))
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(self.history) == 1:
            self.ax_.set_xticks(self.history.column("epoch"))
        quiet(self.ax_)
        if len(self.ax_.get_lines()) > 1 or quantity in ("loss", "accuracy"):
            self.ax_.legend(edgecolor="none", loc=self._free_corner(quantity))
        if log:
            self.ax_.set_yscale("log", nonpositive="mask")
        elif quantity not in ("accuracy", "validation_score") and not self._is_negative(quantity):
            self.ax_.set_ylim(bottom=0)

    def _label(self, quantity: str) -> str:
        classifies = self.history[0].accuracy is not None
        return LABELS[quantity] if classifies or quantity != "loss" else LOSS_OF_NUMBERS

    def _free_corner(self, quantity: str) -> Literal["lower right", "upper right"]:
        # A fixed place: matplotlib's search for the best one may take long, and then warns.
        return "lower right" if quantity in ("accuracy", "validation_score") else "upper right"

    def _is_negative(self, quantity: str) -> bool:
        return bool(np.nanmin(self._values(quantity)) < 0)


def learning_curve(history: History, best: int | None = None) -> Figure:
    """Draw loss and accuracy side by side; for predicted numbers, the loss at two scales."""
    figure = new_figure(10, 4.2)
    left, right = figure.subplots(1, 2)
    display = HistoryDisplay.from_history(history)
    display.plot("loss", ax=left, best=best)
    title(left, "Loss")
    if len(history) and history[0].accuracy is None:
        display.plot("loss", ax=right, best=best, log=True)
        title(right, "Loss, logarithmic")
        return figure
    display.plot("accuracy", ax=right, best=best)
    title(right, "Accuracy")
    return figure


def constant_rate(history: History) -> float | None:
    """Give the learning rate, if it is the same in every epoch of several; None otherwise."""
    rates = set(history.column("learning_rate"))
    return rates.pop() if len(history) > 1 and len(rates) == 1 else None


def steps(history: History) -> Figure:
    """Draw the steps of training: the loss on a logarithmic axis, the rate, the gradient.

    A rate that stays the same is left out.
    """
    drawn = [("loss", "Loss, logarithmic", True)]
    if not history or constant_rate(history) is None:
        drawn.append(("learning_rate", "Learning rate", False))
    norms = history.column("gradient_norm") if len(history) else []
    if any(norm for norm in norms):
        drawn.append(("gradient_norm", "Gradient", True))
    figure = new_figure(5 * len(drawn), 4.2)
    every = figure.subplots(1, len(drawn), squeeze=False)[0]
    for axes, (quantity, heading, log) in zip(every, drawn, strict=True):
        HistoryDisplay(history).plot(quantity, ax=axes, log=log)
        if log:
            _leave_out_the_least(axes)
        title(axes, heading)
    return figure


def _leave_out_the_least(axes: Axes) -> None:
    """Let a logarithmic axis end where values are lost in rounding, beside the largest."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, high * LEAST), high)
