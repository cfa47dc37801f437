"""scikit-learn's checks of estimators: all of them, or all that depend on settings.

None is excused but one of the tabular estimators, which train in batches far smaller than a table.

Most checks (of tags, names, clones, errors of input) run the same lines whatever the settings, so
a few configurations that go different ways pass all of them. The others pass those that look at
what a fit learns and what it predicts.
"""

import pytest
import sklearn
from sklearn.utils.estimator_checks import estimator_checks_generator

from common import needs_compiled
from handgrad import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor

IN_FULL = [
    MLPClassifier(),
    MLPClassifier(early_stopping=True),
    MLPClassifier(solver="lbfgs"),
    MLPClassifier(solver="sgd", preprocess=None, momentum=0.5),
    MLPClassifier(preprocess="piecewise", skip=True, input_scale=True, rates="fan_in"),
    MLPRegressor(),
    MLPRegressor(solver="sgd", preprocess=None, scale_target=False),
]
TABULAR = [
    TabularClassifier(updates=200, n_networks=2),
    TabularRegressor(updates=200, n_networks=2),
]
EXCUSED = {  # of these
    "check_sample_weight_equivalence_on_dense_data": "batches and dropout are drawn row by row, so "
    "a row that is there twice meets others than one of weight 2",
}
FITTING = {  # what depends on settings
    "check_classifiers_train": "learns blobs, from labels of any kind, with and without preprocess",
    "check_classifiers_classes": "learns labels that are texts, and two that are numbers",
    "check_classifiers_one_label": "a single class leaves nothing to learn or hold back",
    "check_classifiers_one_label_sample_weights": "nor do weights that leave a single class",
    "check_class_weight_classifiers": "weights of classes reach every loss and solver",
    "check_decision_proba_consistency": "scores rank as probabilities do, calibrated or not",
    "check_regressors_train": "learns numbers with each loss",
    "check_regressors_int": "whole numbers are learnt as others are",
    "check_sample_weight_equivalence_on_dense_data": "a weight of 2 is a row twice, held back too",
    "check_estimators_dtypes": "fits and predicts columns of any dtype",
    "check_estimators_partial_fit_n_features": "partial_fit with each solver that has it",
    "check_fit_idempotent": "a second fit is the first, whatever the first left behind",
    "check_fit2d_1sample": "a single row, in whatever batches",
    "check_methods_subset_invariance": "a row's prediction does not depend on the other rows",
    "check_estimators_pickle": "a copy predicts the same",
}
FITTING_ALONE = [
    MLPClassifier(early_stopping=True, scoring="loss", solver="sgd"),
    MLPClassifier(early_stopping=True, dtype="float64", batch_size=200, engine="numpy"),
    MLPClassifier(early_stopping=True, preprocess=None),
    MLPClassifier(solver="sgd", learning_rate="adaptive"),
    MLPClassifier(solver="adamw", weight_decay=0.001, learning_rate="cosine"),
    MLPClassifier(solver="lbfgs", preprocess=None),
    MLPClassifier(solver="lbfgs", hidden_layer_sizes=()),
    MLPClassifier(preprocess=None),
    MLPClassifier(preprocess=None, dtype="float64", engine="numpy"),
    MLPClassifier(batch_size=200, dtype="float64"),
    MLPClassifier(class_weight="balanced", solver="lbfgs"),
    MLPClassifier(calibration="temperature"),
    MLPClassifier(n_ensemble=2),
    MLPClassifier(hidden_layer_sizes=(10, 10), activation=["tanh", "relu"]),
    MLPClassifier(activation="gelu", clip_norm=1.0),
    MLPClassifier(label_smoothing=0.1),
    MLPClassifier(engine="compiled"),
    MLPRegressor(early_stopping=True),
    MLPRegressor(solver="lbfgs"),
    MLPRegressor("huber", solver="adamw", n_ensemble=2),
    MLPRegressor("absolute_error"),
    MLPRegressor("quantile", early_stopping=True),
    MLPRegressor(activation="silu", learning_rate="onecycle"),
    MLPRegressor(preprocess="piecewise", skip=True, input_scale=True, rates="fan_in"),
    MLPClassifier(preprocess="robust", skip=True, solver="lbfgs", input_scale=True),
    MLPClassifier(preprocess=None, skip=True, early_stopping=True, initialisation="smooth"),
]


def cases(estimators, names=None):
    """List each check of each estimator, or those of these names, from ordinary memory."""
    for estimator in estimators:
        marks = [needs_compiled] if estimator.engine == "compiled" else []
        for _, check in estimator_checks_generator(estimator):
            if names is None or (check.func.__name__ in names and not check.keywords):
                yield pytest.param(estimator, check, marks=marks, id=words(estimator, check))


def words(estimator, check):
    with sklearn.config_context(print_changed_only=True):
        settings = "".join(str(estimator).split())
    how = ",".join(f"{name}={value}" for name, value in check.keywords.items())
    return f"{settings}-{check.func.__name__}({how})"


def tabular_cases():
    return [case for case in cases(TABULAR) if case.values[1].func.__name__ not in EXCUSED]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), tabular_cases())
def test_every_check_of_the_tabular_estimators_passes_but_one(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"), [*cases(IN_FULL), *cases(FITTING_ALONE, FITTING.keys())]
)
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


def test_the_checks_that_are_named_are_there():
    seen = {check.func.__name__ for one in IN_FULL for _, check in estimator_checks_generator(one)}
    assert seen >= FITTING.keys()
