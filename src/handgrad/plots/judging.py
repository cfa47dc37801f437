"""How good the predictions are: the confusion matrix, and the calibration of probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from handgrad.plots.style import BLUE, PALE, Display, new_figure, plain, quiet, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from handgrad.models.evaluation import Evaluation

Array = NDArray[Any]

MOST_CELLS_WITH_TEXT = 30  # classes; a larger matrix shows colours only
FEWEST_BINS, MOST_BINS = 3, 10


def plot_confusion(evaluation: Evaluation, ax: Axes) -> Any:
    """Draw a confusion matrix: counts in the cells, the share of each true class as colour.

    Returns
    -------
    sklearn.metrics.ConfusionMatrixDisplay
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    counts = evaluation.confusion
    whole = evaluation.support[:, None]
    share = counts / np.where(whole > 0, whole, 1)
    small = len(counts) <= MOST_CELLS_WITH_TEXT
    names = [plain(label) for label in evaluation.classes.tolist()]
    display = ConfusionMatrixDisplay(counts, display_labels=names)
    written = "d" if counts.dtype.kind == "i" else ".4g"  # rows, or their weight
    display.plot(ax=ax, cmap="Blues", colorbar=False, include_values=small, values_format=written)
    display.im_.set_data(share)
    display.im_.set_clim(0, 1)
    if small:
        for cell, part in zip(display.text_.ravel(), share.ravel(), strict=True):
            dark = PALE if not float(cell.get_text()) else "black"
            cell.set_color("white" if part > 0.5 else dark)
            cell.set_fontsize(min(12, 220 / len(counts)))
    if max(map(len, names)) * len(names) > 40:
        ax.tick_params(axis="x", rotation=90)
    if not small:
        every = range(0, len(names), -(-len(names) // MOST_CELLS_WITH_TEXT))
        ax.set_xticks(every, [names[k] for k in every])
        ax.set_yticks(every, [names[k] for k in every])
    bar = ax.figure.colorbar(display.im_, ax=ax, shrink=0.8)
    bar.set_label("share of the true class")
    ax.set(xlabel="predicted class", ylabel="true class")
    return display


def confusion_matrix(evaluation: Evaluation, rows: str) -> Figure:
    """Draw the confusion matrix with its accuracy in the title."""
    side = min(14.0, 4.2 + 0.35 * len(evaluation.classes))
    figure = new_figure(side + 1, side)
    axes = figure.subplots()
    plot_confusion(evaluation, axes)
    accuracy = evaluation.accuracy
    shown = accuracy if accuracy == 1 else min(accuracy, 0.999)  # 100.0% must mean all rows
    title(axes, f"{shown:.1%} of {rows} right")
    return figure


class CalibrationDisplay(Display):
    """Whether the predicted class is right as often as its probability says.

    The rows are sorted into bins of equal size by the probability of their predicted class; on the
    diagonal, the share that is right equals the probability.

    Parameters
    ----------
    right : bool array of shape (n,)
        Whether each row's predicted class is its true one.
    confidence : float array of shape (n,)
        The probability of the predicted class.
    """

    calibration_: Any  # scikit-learn's display, which draws the line

    def __init__(self, right: NDArray[np.bool_], confidence: Array) -> None:
        self.right = right
        self.confidence = np.clip(confidence, 0, 1)
        n_bins = max(FEWEST_BINS, min(MOST_BINS, len(right) // 10))
        inner = np.quantile(self.confidence, np.linspace(0, 1, n_bins + 1))[1:-1]
        bins = np.searchsorted(inner, self.confidence)
        _, bins, self.counts = np.unique(bins, return_inverse=True, return_counts=True)
        self.means = np.bincount(bins, self.confidence) / self.counts
        self.shares = np.bincount(bins, right) / self.counts

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any) -> Self:
        """Judge a fitted classifier by labelled rows."""
        probabilities = estimator.predict_proba(X)
        given = estimator.classes_[probabilities.argmax(axis=1)]
        return cls(given == np.asarray(y), probabilities.max(axis=1))

    @classmethod
    def from_predictions(cls, y_t: Array, probabilities: Array) -> Self:
        """Judge probabilities, shape (n, K), by true class numbers, shape (n,)."""
        return cls(probabilities.argmax(axis=1) == y_t, probabilities.max(axis=1))

    @property
    def n_apart(self) -> int:
        """Count the bins that can be told apart, few where most probabilities are near 1."""
        return len(np.unique(self.means.round(2)))

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw the share that is right over the probability, with 95 % intervals (Wilson's)."""
        from sklearn.calibration import CalibrationDisplay as Theirs

        self._open(ax)
        self.calibration_ = Theirs(self.shares, self.means, self.confidence)
        self.calibration_.plot(ax=self.ax_, name="the class given", color=BLUE, linestyle="")
        low, high = _interval(self.shares, self.counts)
        self.ax_.vlines(self.means, low, high, color=BLUE, alpha=0.5, linewidth=2)
        least = max(0.0, np.floor(10 * min(self.means.min(), low.min())) / 10 - 0.02)
        self.ax_.set(
            xlabel="its probability, mean of the bin",
            ylabel="share that is right",
            xlim=(least, 1.02),
            ylim=(least, 1.02),
            aspect="equal",
        )
        quiet(self.ax_)
        self.ax_.legend(frameon=False, loc="upper left")
        return self


def _interval(share: Array, n: NDArray[np.intp]) -> tuple[Array, Array]:
    """Give Wilson's 95 % interval of a share that was found in n rows."""
    z = 1.96
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half
