"""Into scikit-learn's own estimators and out of them: the same predictions, the same next step."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from handgrad import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def targets():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    several = make_multilabel_classification(150, 4, n_classes=3, random_state=0)
    return {"three": (X, names[y]), "two": (X[:100], y[:100]), "several": several}


@pytest.mark.parametrize("kind", ["three", "two", "several"])
@pytest.mark.parametrize("preprocess", ["auto", None])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_classifier_of_scikit_learn_predicts_the_same(kind, preprocess, dtype, activation):
    X, y = targets()[kind]
    settings = {"preprocess": preprocess, "dtype": dtype, "activation": activation}
    ours = MLPClassifier((6, 5), solver="lbfgs", max_iter=20, random_state=0, **settings).fit(X, y)
    theirs = ours.to_sklearn()
    assert type(theirs) is TheirClassifier
    tolerance = 1e-12 if dtype == "float64" else 2e-6
    np.testing.assert_allclose(
        theirs.predict_proba(X), ours.predict_proba(X), rtol=tolerance, atol=tolerance
    )
    np.testing.assert_array_equal(theirs.predict(X), ours.predict(X))
    assert theirs.score(X, y) == pytest.approx(ours.score(X, y), abs=0.02)
    again = pickle.loads(pickle.dumps(theirs))
    np.testing.assert_array_equal(again.predict(X), theirs.predict(X))
    assert clone(theirs).fit(X, y).coefs_[0].shape == theirs.coefs_[0].shape


@pytest.mark.parametrize("regression", [False, True])
def test_a_scale_is_folded_without_loss_in_float32(regression, rng):
    X = np.column_stack([rng.integers(2007, 2010, 400), rng.normal(1e5, 1, 400)])
    y = X[:, 0] + X[:, 1] if regression else (X[:, 0] % 2 + (X[:, 1] > 1e5)).astype(int)
    settings = {"dtype": "float32", "learning_rate_init": 0.02, "max_iter": 60, "random_state": 0}
    ours = (MLPRegressor if regression else MLPClassifier)(hidden_layer_sizes=(16,), **settings)
    theirs = ours.fit(X, y).to_sklearn()
    if regression:
        np.testing.assert_allclose(theirs.predict(X), ours.predict(X), rtol=2e-6)
    else:
        found, expected = theirs.predict_proba(X), ours.predict_proba(X)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    theirs.partial_fit(X.astype(np.float32), y)
    assert ours.from_sklearn(theirs).predict(X).shape == y.shape


def test_the_scale_of_a_target_is_folded_without_loss_in_float32(rng):
    X = rng.normal(size=(300, 2)).astype(np.float32)
    y = 1e5 + X[:, 0].astype(np.float64)
    settings = {"preprocess": None, "dtype": "float32", "max_iter": 20, "random_state": 0}
    ours = MLPRegressor(hidden_layer_sizes=(8,), **settings).fit(X, y)
    theirs = ours.to_sklearn()
    assert theirs.coefs_[0].dtype == np.float64
    scale = ours.model_.scale.scale[0]  # what float32 leaves of y is a share of its size
    np.testing.assert_allclose(theirs.predict(X), ours.predict(X), rtol=1e-7, atol=2e-6 * scale)


@pytest.mark.parametrize("scale_target", [True, False])
def test_a_regressor_of_scikit_learn_predicts_the_same(scale_target):
    X, y = load_diabetes(return_X_y=True)
    for target in (y, np.column_stack([y, -10 * y])):
        ours = MLPRegressor(max_iter=20, random_state=0, scale_target=scale_target).fit(X, target)
        theirs = ours.to_sklearn()
        assert type(theirs) is TheirRegressor
        np.testing.assert_allclose(theirs.predict(X), ours.predict(X), rtol=1e-10)
        back = MLPRegressor.from_sklearn(theirs)
        np.testing.assert_allclose(back.predict(X), ours.predict(X), rtol=1e-10)


def test_the_temperature_goes_along():
    X, y = targets()["three"]
    ours = MLPClassifier((6,), calibration="temperature", solver="lbfgs", random_state=0).fit(X, y)
    np.testing.assert_allclose(ours.to_sklearn().predict_proba(X), ours.predict_proba(X), atol=1e-9)


@pytest.mark.filterwarnings("ignore:y has one class only:UserWarning")
@pytest.mark.parametrize(
    ("settings", "columns", "message"),
    [
        ({"activation": "gelu"}, {}, "'gelu'"),
        ({"activation": ["relu", "tanh"], "hidden_layer_sizes": (3, 3)}, {}, "activation"),
        ({"n_ensemble": 2}, {}, "ensemble"),
        ({}, {"text": list("ab") * 75}, "something else"),
        ({}, {"holes": [np.nan, 1.0] * 75}, "missing cells"),
    ],
)
def test_what_scikit_learn_has_not_is_said(settings, columns, message):
    X, y = targets()["three"]
    frame = pd.DataFrame(X, columns=list("abcd")).assign(**columns)
    model = MLPClassifier(max_iter=2, **settings).fit(frame, y)
    with pytest.raises(ValueError, match=message):
        model.to_sklearn()
    with pytest.raises(ValueError, match="two classes or more, and this network knows one"):
        MLPClassifier(max_iter=2).fit(X, np.ones(150)).to_sklearn()
    with pytest.raises(NotFittedError):
        MLPClassifier().to_sklearn()


@pytest.mark.parametrize("kind", ["three", "two", "several"])
def test_a_classifier_is_taken_over(kind, tmp_path):
    X, y = targets()[kind]
    theirs = TheirClassifier((6,), max_iter=20, random_state=0).fit(X, y)
    ours = MLPClassifier.from_sklearn(theirs)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.n_iter_ == theirs.n_iter_
    ours.save(tmp_path / "model")
    loaded = MLPClassifier.load(tmp_path / "model")
    assert np.array_equal(loaded.predict_proba(X), ours.predict_proba(X))


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam", "epsilon": 1e-30},  # so small that it matters not where it stands
        {"solver": "sgd", "momentum": 0.9},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "momentum": 0.0},
    ],
)
@pytest.mark.parametrize("regression", [True, False])
def test_training_goes_on_where_scikit_learn_stopped(settings, regression):
    X, y = targets()["three"]
    if regression:
        y = X[:, 0] - X[:, 1]
    pair = (TheirRegressor, MLPRegressor) if regression else (TheirClassifier, MLPClassifier)
    theirs = pair[0](hidden_layer_sizes=(6,), shuffle=False, random_state=0, **settings)
    classes = {} if regression else {"classes": np.unique(y)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(5):
            theirs.partial_fit(X, y, **classes)
        ours = pair[1].from_sklearn(theirs)
        for _ in range(5):
            theirs.partial_fit(X, y)
            ours.partial_fit(X, y)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


def test_what_comes_of_it_can_be_fitted_again_and_taken_back():
    X, y = targets()["three"]
    settings = {"solver": "adamw", "learning_rate": "onecycle", "activation": ["tanh", "tanh"]}
    ours = MLPClassifier((6, 5), random_state=np.random.default_rng(0), max_iter=4, **settings)
    theirs = ours.fit(X, y).to_sklearn()
    np.testing.assert_allclose(theirs.predict_proba(X), ours.predict_proba(X), rtol=1e-12)
    assert clone(theirs).fit(X, y).n_iter_ <= 4
    theirs.partial_fit(X, y)
    numbers = MLPRegressor(loss="huber", max_iter=4, solver="adamw").fit(X, X[:, 0])
    assert clone(numbers.to_sklearn()).fit(X, X[:, 0]).loss == "squared_error"


@pytest.mark.parametrize("batch_size", ["auto", 30])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_penalty_keeps_its_strength_both_ways(solver, batch_size):
    X, y = targets()["three"]
    settings = {"batch_size": batch_size, "solver": solver, "preprocess": None, "alpha": 0.02}
    ours = MLPClassifier((6,), max_iter=4, random_state=0, **settings).fit(X, y)
    theirs = ours.to_sklearn()
    n = 150 if solver == "lbfgs" or batch_size == "auto" else 30
    assert theirs.alpha == pytest.approx(0.02 * n)
    assert MLPClassifier.from_sklearn(theirs).alpha == pytest.approx(0.02)


def test_the_record_of_early_stopping_comes_along():
    X, y = targets()["three"]
    theirs = TheirClassifier((6,), max_iter=5, early_stopping=True, random_state=0).fit(X, y)
    ours = MLPClassifier.from_sklearn(theirs)
    for name in ("validation_scores_", "best_validation_score_", "loss_", "loss_curve_", "t_"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.best_loss_ is theirs.best_loss_ is None
