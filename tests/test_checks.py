"""Every check that scikit-learn has for estimators, in many configurations, none excused."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from handgrad import MLPClassifier, MLPRegressor

CLASSIFIERS = [
    {},
    {"early_stopping": True},
    {"early_stopping": True, "scoring": "loss", "solver": "sgd"},
    {"early_stopping": True, "dtype": "float64", "batch_size": 200, "engine": "numpy"},
    {"early_stopping": True, "preprocess": None},
    {"solver": "sgd", "learning_rate": "adaptive"},
    {"solver": "sgd", "preprocess": None, "momentum": 0.5},
    {"solver": "adamw", "weight_decay": 0.001, "learning_rate": "cosine"},
    {"solver": "lbfgs"},
    {"solver": "lbfgs", "preprocess": None},
    {"solver": "lbfgs", "hidden_layer_sizes": ()},
    {"preprocess": None},
    {"preprocess": None, "dtype": "float64", "engine": "numpy"},
    {"batch_size": 200, "dtype": "float64"},
    {"class_weight": "balanced", "solver": "lbfgs"},
    {"calibration": "temperature"},
    {"n_ensemble": 2},
    {"hidden_layer_sizes": (10, 10), "activation": ["tanh", "relu"]},
    {"activation": "gelu", "clip_norm": 1.0},
    {"label_smoothing": 0.1},
]
REGRESSORS = [
    {},
    {"early_stopping": True},
    {"solver": "lbfgs"},
    {"solver": "sgd", "preprocess": None, "scale_target": False},
    {"loss": "huber", "solver": "adamw", "n_ensemble": 2},
    {"loss": "absolute_error"},
    {"loss": "quantile", "early_stopping": True},
    {"activation": "silu", "learning_rate": "onecycle"},
]


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [MLPClassifier(**settings) for settings in CLASSIFIERS]
    + [MLPRegressor(**settings) for settings in REGRESSORS]
)
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)
