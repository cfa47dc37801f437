"""Weights of rows and of classes mean what they say, in every place where there are some."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_classification, make_multilabel_classification
from sklearn.utils.class_weight import compute_class_weight

from common import ENGINES
from handgrad import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {"hidden_layer_sizes": (5,), "random_state": 0, "max_iter": 15, "tol": 0}


@pytest.fixture
def uneven():
    return make_classification(
        120, 5, n_informative=4, n_redundant=0, n_classes=3, weights=[0.7, 0.2, 0.1], random_state=0
    )


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 0.5, 2: 4.0}])
def test_class_weights_are_weights_of_the_rows(uneven, solver, class_weight):
    X, y = uneven
    known = class_weight if class_weight == "balanced" else {0: 0.5, 1: 1.0, 2: 4.0}
    by_class = compute_class_weight(known, classes=np.unique(y), y=y)
    # Standardised columns would follow the weights of rows, but not those of classes.
    settings = SETTINGS | {"solver": solver, "preprocess": None}
    weighted = MLPClassifier(class_weight=class_weight, **settings).fit(X, y)
    by_row = MLPClassifier(**settings).fit(X, y, by_class[y])
    np.testing.assert_allclose(
        weighted.predict_proba(X), by_row.predict_proba(X), rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(weighted.loss_, by_row.loss_, rtol=1e-12)


def test_balanced_weights_find_the_rare_class(uneven):
    X, y = uneven
    rare = {}
    for weight in (None, "balanced"):
        model = MLPClassifier((), solver="lbfgs", class_weight=weight, max_iter=500)
        rare[weight] = (model.fit(X, y).predict(X) == 2).sum()
    assert rare["balanced"] > rare[None]


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_integer_weight_is_so_many_equal_rows(estimator, solver, early_stopping):
    X, y = make_blobs(60, 4, centers=3, cluster_std=4, random_state=0)
    counts = np.random.default_rng(0).integers(0, 4, 60)
    settings = SETTINGS | {"solver": solver, "early_stopping": early_stopping}
    if estimator is MLPClassifier:
        settings["class_weight"] = "balanced"
    weighted = estimator(**settings).fit(X, y, counts)
    repeated = estimator(**settings).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    if estimator is MLPClassifier:
        X_answers = weighted.predict_proba(X), repeated.predict_proba(X)
    else:
        X_answers = weighted.predict(X), repeated.predict(X)
    np.testing.assert_allclose(*X_answers, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(weighted.loss_, repeated.loss_, rtol=1e-10)


KINDS = {
    "two classes": (MLPClassifier, {"label_smoothing": 0.1}),
    "several labels": (MLPClassifier, {"n_ensemble": 2}),
    "calibrated": (MLPClassifier, {"calibration": "temperature", "class_weight": "balanced"}),
    "squared_error": (MLPRegressor, {}),
    "absolute_error": (MLPRegressor, {"solver": "adamw"}),
    "huber": (MLPRegressor, {"solver": "sgd"}),
    "poisson": (MLPRegressor, {"learning_rate": "cosine"}),
    "quantile": (MLPRegressor, {"quantiles": [0.2, 0.8], "clip_norm": 1.0}),
}


@pytest.fixture(params=KINDS)
def kind(request):
    """Give an estimator, its settings, rows and targets."""
    name, (estimator, settings) = request.param, KINDS[request.param]
    X, y = make_blobs(60, 4, centers=3, cluster_std=4, random_state=0)
    if name == "several labels":
        X, y = make_multilabel_classification(60, 4, n_classes=3, random_state=0)
    if name == "two classes":
        y = y > 0
    if estimator is MLPRegressor:
        y, settings = np.abs(y + np.round(X[:, 0])), {"loss": name, **settings}
    return estimator, SETTINGS | settings, X, y


def assert_same(one, other, X):
    answers = [
        model.predict(X) if isinstance(model, MLPRegressor) else model.predict_proba(X)
        for model in (one, other)
    ]
    np.testing.assert_allclose(*answers, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(one.loss_, other.loss_, rtol=1e-10)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_with_every_loss_weights_are_repeats_gaps_and_have_no_scale(kind, engine, early_stopping):
    estimator, settings, X, y = kind
    settings = settings | {"engine": engine, "early_stopping": early_stopping}
    counts = np.random.default_rng(0).integers(0, 4, 60)
    there = counts > 0
    repeated = estimator(**settings).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts, axis=0))
    assert_same(estimator(**settings).fit(X, y, counts), repeated, X)
    assert_same(estimator(**settings).fit(X, y, 2.0**1021 * counts), repeated, X)
    without = estimator(**settings).fit(X[there], y[there])
    assert_same(estimator(**settings).fit(X, y, there), without, X)
    plain = estimator(**settings).fit(X, y)
    assert_same(estimator(**settings).fit(X, y, np.full(60, 1e308)), plain, X)


def test_a_score_weighs_rows_as_training_does(kind):
    estimator, settings, X, y = kind
    model = estimator(**settings).fit(X, y)
    counts = np.random.default_rng(0).integers(0, 4, 60)
    repeated = model.score(np.repeat(X, counts, axis=0), np.repeat(y, counts, axis=0))
    assert model.score(X, y, counts) == pytest.approx(repeated, rel=1e-12)
    assert model.score(X, y, np.full(60, 1e308)) == pytest.approx(model.score(X, y), rel=1e-12)
    for weight, message in [
        (-1.0, "not be negative"),
        (np.nan, "NaN"),
        (np.inf, "inf"),
        (0, "zero"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.score(X, y, np.full(60, weight))


@pytest.mark.parametrize("scoring", ["neg_log_loss", "f1_macro", "roc_auc_ovr"])
def test_scorers_take_weights_as_large_as_numbers_go(uneven, scoring):
    X, y = uneven
    settings = SETTINGS | {"early_stopping": True, "scoring": scoring}
    plain = MLPClassifier(**settings).fit(X, y, np.ones(120))
    huge = MLPClassifier(**settings).fit(X, y, np.full(120, 1e308))
    np.testing.assert_allclose(huge.validation_scores_, plain.validation_scores_, rtol=1e-12)


def test_the_weighted_loss_is_reported_for_validation_rows_too(uneven):
    X, y = uneven
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    model = MLPClassifier(**SETTINGS)
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:], sample_weight_val=weight[80:])
    true = model.predict_log_proba(X[80:])[np.arange(40), y[80:]]
    last = model.history_[-1]
    np.testing.assert_allclose(
        last.validation_loss, -np.average(true, weights=weight[80:]), rtol=1e-12
    )
    np.testing.assert_allclose(
        last.validation_accuracy, model.score(X[80:], y[80:], weight[80:]), rtol=1e-12
    )


def test_weights_as_large_as_numbers_go_are_as_good_as_one(uneven):
    X, y = uneven
    plain = MLPClassifier(**SETTINGS).fit(X, y)
    huge = MLPClassifier(**SETTINGS, class_weight=dict.fromkeys(range(3), 1e308))
    huge.fit(X, y, np.full(len(y), 1e308))
    np.testing.assert_allclose(huge.predict_proba(X), plain.predict_proba(X), rtol=1e-12)


def test_a_batch_of_weightless_rows_is_harmless(uneven):
    X, y = uneven
    settings = SETTINGS | {"batch_size": 10, "shuffle": False, "preprocess": None}
    model = MLPClassifier(**settings, class_weight={0: 0.0})
    order = np.argsort(y, kind="stable")
    model.fit(X[order], y[order])
    assert np.isfinite(model.loss_curve_).all()
    assert list(model.classes_) == [0, 1, 2]


def test_partial_fit_weighs_classes_and_rows(uneven):
    X, y = uneven
    listed = {0: 1.0, 1: 2.0, 2: 5.0}
    by_class = MLPClassifier(**SETTINGS, preprocess=None, class_weight=listed)
    by_row = MLPClassifier(**SETTINGS, preprocess=None)
    for _ in range(3):
        by_class.partial_fit(X, y, classes=[0, 1, 2])
        by_row.partial_fit(X, y, [listed[label] for label in y], classes=[0, 1, 2])
    np.testing.assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({7: 2.0}, "7, which is not in y"),
        ({0: -1.0}, "none below 0"),
        ({0: np.nan}, "finite"),
        ({0: 0, 1: 0, 2: 0}, "above zero"),
        ("even", "'class_weight' parameter"),
    ],
)
def test_class_weights_without_meaning_are_refused(uneven, class_weight, message):
    model = MLPClassifier(class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        model.fit(*uneven)
    assert not hasattr(model, "model_")


def test_weights_of_validation_rows_are_checked_as_all_others(uneven):
    X, y = uneven
    with pytest.raises(ValueError, match="sample_weight_val must not be negative"):
        MLPClassifier().fit(X, y, X_val=X, y_val=y, sample_weight_val=-np.ones(len(y)))
    with pytest.raises(ValueError, match="X_val"):
        MLPClassifier().fit(X, y, sample_weight_val=np.ones(len(y)))
    with pytest.raises(ValueError, match="all rows at once"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
