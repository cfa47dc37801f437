"""Pictures of a training run and of its outcome, in scikit-learn's manner.

A Display holds its data; ``plot`` draws it on the given axes, or on new ones, and keeps ``ax_`` and
``figure_``. If scikit-learn has a display of the kind, it does the drawing.

    style.py       colours, figures, labels that are safe to draw
    history.py     loss, score, learning rate and gradient norm, epoch by epoch
    judging.py     confusion matrix and calibration
    importance.py  how much worse predictions are where a column is shuffled
    numbers.py     predicted numbers against the truth, shares of rows below quantiles
    network.py     first-layer weights, activations with dead units, gradients by layer
    regions.py     the regions of the classes over two features
"""

from handgrad.plots.history import HistoryDisplay, learning_curve, steps
from handgrad.plots.importance import importance_bars
from handgrad.plots.judging import CalibrationDisplay, confusion_matrix, plot_confusion
from handgrad.plots.network import ActivationsDisplay, GradientsDisplay, WeightsDisplay
from handgrad.plots.numbers import predictions, quantile_shares
from handgrad.plots.regions import RegionsDisplay
from handgrad.plots.style import new_axes, require_matplotlib

__all__ = [
    "ActivationsDisplay",
    "CalibrationDisplay",
    "GradientsDisplay",
    "HistoryDisplay",
    "RegionsDisplay",
    "WeightsDisplay",
    "confusion_matrix",
    "importance_bars",
    "learning_curve",
    "new_axes",
    "plot_confusion",
    "predictions",
    "quantile_shares",
    "require_matplotlib",
    "steps",
]
