"""Pictures of a training run and of what came out of it, in scikit-learn's manner.

A Display holds what it draws; ``plot`` draws it on the axes it is given, or on new ones, and
keeps ``ax_`` and ``figure_``. Where scikit-learn has a display, that is what draws.

    style.py       colours, figures, labels that are safe to draw
    history.py     loss, score, learning rate and gradient norm, epoch by epoch
    judging.py     confusion matrix and calibration
    numbers.py     predicted numbers against the truth, and whether quantiles hold
    network.py     first-layer weights, activations with dead units, gradients by layer
    regions.py     which class is given where, over two features
"""

from handgrad.plots.history import HistoryDisplay, learning_curve, steps
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
    "learning_curve",
    "new_axes",
    "plot_confusion",
    "predictions",
    "quantile_shares",
    "require_matplotlib",
    "steps",
]
