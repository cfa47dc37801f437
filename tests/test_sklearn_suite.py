"""scikit-learn's own tests of its multilayer perceptrons, run against ours by swapping names.

What is left out is listed here with its reason, and in docs/differences.md.
"""

import inspect
import warnings
from functools import partial

import pytest
from sklearn.neural_network.tests import test_mlp as theirs

from handgrad import MLPClassifier, MLPRegressor

PRIVATE = {  # tests that look at, or set, what scikit-learn does not promise
    "test_fit": "sets weights and counters of an estimator that was never fitted",
    "test_gradient": "calls _loss_grad_lbfgs",
    "test_learning_rate_warmstart": "reads _optimizer",
    "test_adaptive_learning_rate": "reads _optimizer",
    "test_n_iter_no_change": "reads _no_improvement_count",
    "test_n_iter_no_change_inf": "reads _no_improvement_count",
}
BETTER = {  # tests of a rule that is another here on purpose
    "test_early_stopping_stratified": "a class of one row is trained on, not refused",
    "test_minimum_input_sample_size": "too few rows to hold back are trained on, with a warning",
    "test_mlp_partial_fit_after_fit": "partial_fit ignores early_stopping",
    "test_nonfinite_params": "numbers near the largest there are are standardised, and learnt",
    "test_predict_proba_multilabel": "predict_log_proba has more digits than log(predict_proba)",
    "test_preserve_feature_names": "its y has one class only, which is warned of",
    "test_mlp_diverging_loss": "a loss that is not finite is an error, not a score of NaN",
}

RAW = {  # tests whose figures are those of a network without preprocessing
    "test_lbfgs_classification_maxfun": "standardised, it converges before max_fun",
    "test_mlp_loading_from_joblib_partial_fit": "a standardised single row is all zeros",
}

ONLY_OF_CLASSIFIERS = {"test_preserve_feature_names"}  # are left out; those of regressors run


def cases(*, left_out=False):
    """List each test of theirs with each of its parametrisations."""
    for name, test in inspect.getmembers(theirs, inspect.isfunction):
        if not name.startswith("test_"):
            continue
        marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
        for number, arguments in enumerate(_products(marks)):
            excused = name in PRIVATE | BETTER and not (
                name in ONLY_OF_CLASSIFIERS and theirs.MLPRegressor in arguments.values()
            )
            if excused == left_out:
                yield pytest.param(test, arguments, id=f"{name}-{number}")


def _products(marks):
    if not marks:
        yield {}
        return
    names = marks[0].args[0]
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    for values in marks[0].args[1]:
        values = getattr(values, "values", values) if len(names) > 1 else [values]
        for rest in _products(marks[1:]):
            yield dict(zip(names, values, strict=True)) | rest


OURS = {theirs.MLPClassifier: MLPClassifier, theirs.MLPRegressor: MLPRegressor}


def run(test, arguments, monkeypatch, request):
    raw = {"preprocess": None} if test.__name__ in RAW else {}
    for name, ours in (("MLPClassifier", MLPClassifier), ("MLPRegressor", MLPRegressor)):
        monkeypatch.setattr(theirs, name, partial(ours, **raw) if raw else ours)
    known = {"global_random_seed": 42}
    for name in inspect.signature(test).parameters:
        if name not in arguments:
            arguments = arguments | {
                name: known[name] if name in known else request.getfixturevalue(name)
            }
    swapped = {
        name: OURS.get(value, value) if isinstance(value, type) else value
        for name, value in arguments.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        test(**swapped)


@pytest.mark.parametrize(("test", "arguments"), list(cases()))
def test_it_passes(test, arguments, monkeypatch, request):
    run(test, arguments, monkeypatch, request)


@pytest.mark.parametrize(("test", "arguments"), list(cases(left_out=True)))
def test_what_is_left_out_would_fail(test, arguments, monkeypatch, request):
    failures = Exception, pytest.fail.Exception
    with warnings.catch_warnings(record=True), pytest.raises(failures):
        run(test, arguments, monkeypatch, request)


def test_the_list_of_exclusions_is_not_longer_than_it_must_be():
    names = {name for name, _ in inspect.getmembers(theirs, inspect.isfunction)}
    known = (PRIVATE | BETTER).keys()
    missing = known - names
    assert not missing or missing < known  # an older scikit-learn may lack some
