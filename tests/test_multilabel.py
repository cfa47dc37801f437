"""A row may have several labels at once: independent logistic outputs."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_multilabel_classification

from handgrad import DataError, MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def several():
    return make_multilabel_classification(150, 8, n_classes=4, random_state=0)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_each_label_has_its_own_probability(several, solver, tmp_path):
    X, y = several
    model = MLPClassifier((20,), solver=solver, learning_rate_init=0.02, random_state=0).fit(X, y)
    proba = model.predict_proba(X)
    assert proba.shape == y.shape
    assert list(model.classes_) == [0, 1, 2, 3]
    assert model.score(X, y) > 0.6
    np.testing.assert_array_equal(model.predict(X), proba > 0.5)
    np.testing.assert_allclose(proba, 1 / (1 + np.exp(-model.decision_function(X))), rtol=1e-12)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), proba, rtol=1e-12)
    model.save(tmp_path / "model")
    assert np.array_equal(MLPClassifier.load(tmp_path / "model").predict_proba(X), proba)


def test_its_loss_is_the_sum_of_those_of_single_labels(several):
    X, y = several
    model = MLPClassifier((), solver="lbfgs", alpha=0, max_iter=500, tol=1e-6).fit(X, y)
    alone = MLPClassifier((), solver="lbfgs", alpha=0, max_iter=500, tol=1e-6)
    each = [alone.fit(X, y[:, label]).loss_ for label in range(4)]
    np.testing.assert_allclose(model.loss_, sum(each), rtol=1e-4)


def test_indicators_of_every_kind_are_the_same(several):
    X, y = several
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    expected = MLPClassifier(**settings).fit(X, y).predict_proba(X)
    for given in (y.tolist(), y.astype(bool), y.astype(float), sparse.csr_array(y)):
        assert np.array_equal(MLPClassifier(**settings).fit(X, given).predict_proba(X), expected)


def test_early_stopping_and_going_on_work(several):
    X, y = several
    model = MLPClassifier((4,), early_stopping=True, random_state=0, max_iter=5).fit(X, y)
    assert len(model.validation_scores_) == model.n_iter_
    model = MLPClassifier((4,), random_state=0)
    for _ in range(2):
        model.partial_fit(X, y, classes=range(4))
    whole = MLPClassifier((4,), random_state=0, max_iter=2).fit(X, y)
    assert np.array_equal(model.predict_proba(X), whole.predict_proba(X))


def test_what_has_no_meaning_is_refused(several):
    X, y = several
    with pytest.raises(DataError, match=r"only 0 and 1.*row 3, column 2"):
        MLPClassifier().fit(X, np.where(np.arange(600).reshape(150, 4) == 9, 5, y))
    with pytest.raises(ValueError, match="one label a row"):
        MLPClassifier(class_weight="balanced").fit(X, y)
    with pytest.raises(ValueError, match="4 columns"):
        MLPClassifier().partial_fit(X, y, classes=[0, 1])
    model = MLPClassifier((4,), max_iter=1, warm_start=True).fit(X, y)
    for other in (y[:, 0], y[:, :3]):
        with pytest.raises(ValueError, match="shape of before"):
            model.fit(X, other)
