"""MLPClassifier and MLPRegressor: scikit-learn's names and contract over handgrad's training.

This package and ``plots/`` are all that imports scikit-learn. Its files, in the order in
which a fit passes through them:

    parameters.py   what a user may set, and the constraints on it
    checks.py       the border at which a user's input is checked
    base.py         the path of a fit, and what both estimators share
    learning.py     its training proper: settings, epochs, and how they ended
    record.py       what is written down of it and how it is judged
    fitted.py       what is read off the trained model, files included
    inside.py       traces and gradient checks: what a fitted estimator shows of itself
    classifier.py   labels: one a row, or several at once
    regressor.py    numbers: one a row, or several
    progress.py, callbacks.py, summary.py    what is shown and told of a fit
    growth.py       an output layer for more classes
    exchange.py     into scikit-learn's own estimators and out of them
"""

from handgrad.estimators.classifier import MLPClassifier
from handgrad.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
