"""The estimators: scikit-learn's names and contract over handgrad's training.

Only this package, ``plots/`` and the page's digits import scikit-learn. Its files, in the order in
which a fit passes through them:

    classifier.py   MLPClassifier, for labels: one per row, or several at once
    regressor.py    MLPRegressor, for numbers: one per row, or several
    tabular.py      TabularClassifier and TabularRegressor: strong on tables, nothing to tune
    recipe.py       the kinds of networks that they race; race.py, THE PATH OF THEIR FIT
    parameters.py   the parameters, and the constraints on them
    base.py         fit and partial_fit, which both estimators share
    underway.py     the fit as other threads see it, and what is left if it breaks off
    fitting.py      THE PATH OF A FIT, from top to bottom; state.py, the value it makes
    task.py         what differs between labels (labels.py) and numbers (numbers.py)
    checks.py       checks of a user's rows and weights; targets.py, of y, soft.py, of y that
                    holds probabilities; rows.py, the result
    planning.py     the plan of the columns; stream.py, means that move with partial_fit
    target_scale.py the scale in which numbers are learnt
    source.py       Parquet: a table in files; piles.py, THE PATH OF A FIT to more than memory
                    holds; answers.py, the column to predict
    growth.py       an output layer for more classes
    learning.py     the epochs of each network, or L-BFGS, and why they ended
    watching.py     the record of each epoch, and a watch for what goes wrong
    progress.py, callbacks.py    the display of a running fit
    predicting.py   what labels and numbers are predicted, and how they are judged
    fitted.py       the attributes and methods of a fitted estimator; summary.py, its layers
    exporting.py    a fit in the forms that need no handgrad
    exchange.py     conversion into scikit-learn's own estimators and back
"""

import handgrad.engines.compiled.engine  # noqa: F401 -- or the first fit would import it
from handgrad.estimators.classifier import MLPClassifier
from handgrad.estimators.regressor import MLPRegressor
from handgrad.estimators.source import Parquet
from handgrad.estimators.tabular import TabularClassifier, TabularRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "Parquet", "TabularClassifier", "TabularRegressor"]
