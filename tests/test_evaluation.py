"""The figures of an evaluation are those of scikit-learn, and NaN where there is nothing to say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from handgrad.evaluation import evaluate
from handgrad.losses import log_softmax


def some_predictions(n, K, seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    y_t = rng.integers(K, size=n)
    score = (2 * rng.normal(size=(n, K))).astype(dtype)
    score[np.arange(n), y_t] += 1
    return y_t, log_softmax(score)


@given(st.integers(1, 100), st.integers(2, 8), st.integers(0, 1000))
def test_figures_are_those_of_scikit_learn(n, K, seed):
    y_t, log_proba = some_predictions(n, K, seed)
    labels = np.array([f"class {k}" for k in range(K)])
    found = evaluate(y_t, log_proba, labels)
    y, given_to = labels[y_t], labels[log_proba.argmax(axis=1)]
    matrix = metrics.confusion_matrix(y, given_to, labels=labels)
    assert np.array_equal(found.confusion, matrix)
    assert found.classes is labels
    assert found.n == n
    assert found.accuracy == pytest.approx(metrics.accuracy_score(y, given_to))
    precision, recall, _, support = metrics.precision_recall_fscore_support(
        y, given_to, labels=labels, zero_division=np.nan
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    assert np.array_equal(found.support, support)
    expected = metrics.log_loss(y_t, np.exp(log_proba), labels=range(K))
    assert found.log_loss == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_log_loss_is_a_float64_mean(dtype):
    y_t, log_proba = some_predictions(5000, 3, 0, dtype)
    rows = [float(log_proba[i, k]) for i, k in enumerate(y_t)]
    assert evaluate(y_t, log_proba, np.arange(3)).log_loss == pytest.approx(-sum(rows) / 5000)


def test_what_was_never_given_has_no_precision_and_what_never_came_no_recall():
    log_proba = np.log([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1]])
    found = evaluate(np.array([0, 1]), log_proba, np.array(["a", "b", "c"]))
    assert found.confusion.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert found.accuracy == 0.5
    np.testing.assert_array_equal(found.precision, [0.5, np.nan, np.nan])
    np.testing.assert_array_equal(found.recall, [1, 0, np.nan])
    assert found.support.tolist() == [1, 1, 0]


def test_a_sure_mistake_costs_what_it_costs_and_is_not_clipped():
    found = evaluate(np.array([1]), np.array([[0.0, -5000.0]]), np.arange(2))
    assert found.log_loss == 5000


def test_one_class_is_always_right():
    found = evaluate(np.zeros(4, np.intp), np.zeros((4, 1)), np.array(["only"]))
    assert (found.accuracy, found.log_loss) == (1, 0)
    assert found.precision.tolist() == found.recall.tolist() == [1]


def test_of_equal_probabilities_the_first_class_is_given():
    found = evaluate(np.array([1]), np.log([[0.5, 0.5]]), np.arange(2))
    assert found.confusion.tolist() == [[0, 0], [1, 0]]


def test_many_classes_keep_their_places():
    y_t = np.arange(500)
    log_proba = np.full((500, 500), -10.0)
    log_proba[y_t, (y_t + 1) % 500] = 0
    found = evaluate(y_t, log_proba, np.arange(500))
    assert np.array_equal(found.confusion, np.roll(np.eye(500, dtype=int), 1, axis=1))
    assert found.accuracy == 0


def test_the_calibration_error_tells_how_far_confidence_lies_from_being_right():
    log_proba = np.log(np.tile([0.8, 0.2], (10, 1)))
    fitting = evaluate(np.array([0] * 8 + [1] * 2), log_proba, np.arange(2))
    assert fitting.calibration_error == pytest.approx(0)
    boasting = evaluate(np.array([0] * 5 + [1] * 5), log_proba, np.arange(2))
    assert boasting.calibration_error == pytest.approx(0.3)
