"""Pictures of a training run and of what came out of it, in scikit-learn's manner.

A Display holds what it draws; ``plot`` draws it on the axes it is given, or on new ones, and
keeps ``ax_`` and ``figure_``. Colours are those of Okabe and Ito, which people with any of the
common kinds of colour blindness can tell apart; lines differ in their dashes as well.
"""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from handgrad.atomic_file import write_atomically
from handgrad.evaluation import Evaluation
from handgrad.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, PALE = "#0072B2", "#D55E00", "#595959", "#B0B0B0"

MOST_CELLS_WITH_TEXT = 30  # classes; a larger matrix shows colours only

LABELS = {"loss": "mean cross-entropy (nats)", "accuracy": "accuracy"}


def new_axes() -> "Axes":
    """Open a figure with one set of axes, or say how to install matplotlib."""
    require_matplotlib()
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]


def require_matplotlib() -> None:
    """Raise ImportError with the command that helps, if matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401 - asked for its presence only
    except ImportError:
        raise ImportError(
            "pictures need matplotlib, which is not installed; run: pip install matplotlib"
        ) from None


class HistoryDisplay:
    """How loss or accuracy went, epoch by epoch, on training and validation rows.

    Parameters
    ----------
    history : History
        The epochs to draw; at least one.
    """

    ax_: "Axes"
    figure_: Any

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
        self, quantity: str = "loss", *, ax: "Axes | None" = None, best: int | None = None
    ) -> Self:
        """Draw one quantity over the epochs.

        Parameters
        ----------
        quantity : {"loss", "accuracy"}
        ax : matplotlib Axes, optional
            Where to draw; new axes by default.
        best : int, optional
            Number of the epoch to mark as the one that was kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the history is empty.
        """
        if not len(self.history):
            raise ValueError(
                "the history must hold an epoch to draw; it is empty, as after L-BFGS or loading"
            )
        self.ax_ = new_axes() if ax is None else ax
        self.figure_ = self.ax_.figure
        epochs = self.history.column("epoch")
        marker = "o" if len(epochs) == 1 else ""  # a line of one point shows nothing
        training = self.history.column(quantity)
        self.ax_.plot(epochs, training, marker=marker, color=BLUE, label="training")
        held_back = self._held_back(quantity)
        if not np.isnan(held_back).all():
            [line] = self.ax_.plot(epochs, held_back, marker=marker, color=ORANGE)
            line.set(dashes=(5, 1.5), label="validation")
            if best is not None and best in epochs:
                self._mark(best, held_back[epochs.index(best)])
        self._dress(quantity)
        return self

    def _held_back(self, quantity: str) -> list[float]:
        values = self.history.column(f"validation_{quantity}")
        return [math.nan if value is None else value for value in values]

    def _mark(self, epoch: int, value: float) -> None:
        self.ax_.plot(
            epoch,
            value,
            "o",
            color=ORANGE,
            markeredgecolor="white",
            clip_on=False,
            label=f"kept: epoch {epoch}",
        )
        self.ax_.axvline(epoch, color=GREY, linewidth=0.8, linestyle=":")

    def _dress(self, quantity: str) -> None:
        from matplotlib.ticker import MaxNLocator

        self.ax_.set_xlabel("epoch")
        self.ax_.set_ylabel(LABELS[quantity])
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(self.history) == 1:
            self.ax_.set_xticks(self.history.column("epoch"))
        self.ax_.grid(color="#E5E5E5", linewidth=0.8)
        self.ax_.set_axisbelow(True)
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.legend(frameon=False)
        if quantity == "loss":
            self.ax_.set_ylim(bottom=0)


def plot_confusion(evaluation: Evaluation, ax: "Axes") -> Any:
    """Draw a confusion matrix: counts in the cells, the share of each true class as colour.

    Returns
    -------
    sklearn.metrics.ConfusionMatrixDisplay
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    counts = evaluation.confusion
    share = counts / np.maximum(evaluation.support[:, None], 1)
    small = len(counts) <= MOST_CELLS_WITH_TEXT
    names = [_plain(label) for label in evaluation.classes.tolist()]
    display = ConfusionMatrixDisplay(counts, display_labels=names)
    display.plot(ax=ax, cmap="Blues", colorbar=False, include_values=small, values_format="d")
    display.im_.set_data(share)
    display.im_.set_clim(0, 1)
    if small:
        for cell, part in zip(display.text_.ravel(), share.ravel(), strict=True):
            dark = PALE if not int(cell.get_text()) else "black"
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


def _plain(label: Any) -> str:
    # A dollar sign would start matplotlib's mathematics.
    text = "".join(c if c.isprintable() else "?" for c in str(label))
    if len(text) > 24:  # labels may differ at either end
        text = f"{text[:11]}…{text[-12:]}"
    return text.replace("$", r"\$")


def write_report(
    folder: Path, history: History, evaluation: Evaluation, *, rows: str, best: int | None
) -> list[Path]:
    """Write learning_curve.png and confusion_matrix.png into an existing folder.

    Parameters
    ----------
    folder : Path
    history : History
    evaluation : Evaluation
        Of the rows that ``rows`` names in the title: "86 test rows", say.
    best : int or None
        The epoch that was kept.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    figures = {
        "learning_curve.png": learning_curve(history, best),
        "confusion_matrix.png": confusion_matrix(evaluation, rows),
    }
    for name, figure in figures.items():
        picture = io.BytesIO()
        figure.savefig(picture, dpi=150, format="png")
        write_atomically(folder / name, picture.getvalue())
    return [folder / name for name in figures]


def learning_curve(history: History, best: int | None = None) -> "Figure":
    """Draw loss and accuracy side by side."""
    figure = _figure(10, 4.2)
    left, right = figure.subplots(1, 2)
    display = HistoryDisplay.from_history(history)
    display.plot("loss", ax=left, best=best)
    display.plot("accuracy", ax=right, best=best)
    left.set_title("Loss", loc="left", fontweight="bold")
    right.set_title("Accuracy", loc="left", fontweight="bold")
    return figure


def confusion_matrix(evaluation: Evaluation, rows: str) -> "Figure":
    """Draw the confusion matrix with its accuracy in the title."""
    side = min(14.0, 4.2 + 0.35 * len(evaluation.classes))
    figure = _figure(side + 1, side)
    axes = figure.subplots()
    plot_confusion(evaluation, axes)
    accuracy = evaluation.accuracy
    shown = accuracy if accuracy == 1 else min(accuracy, 0.999)  # 100.0% says all, and means it
    axes.set_title(f"{shown:.1%} of {rows} right", loc="left", fontweight="bold")
    return figure


def _figure(width: float, height: float) -> "Figure":
    """Make a figure of so many inches that no window shows and pyplot does not count."""
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
