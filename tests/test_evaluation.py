"""The figures of an evaluation are those of scikit-learn, and NaN where there is nothing to say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from handgrad.losses import log_softmax
from handgrad.models.evaluation import (
    evaluate,
    evaluate_labels,
    evaluate_numbers,
    evaluate_quantiles,
)


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


# -- numbers, and several labels a row --------------------------------------------------------


@given(st.integers(2, 50), st.integers(1, 3), st.integers(0, 1000), st.sampled_from([1, 1e150]))
def test_figures_of_numbers_are_those_of_scikit_learn(n, n_y, seed, scale):
    y, off = np.random.default_rng(seed).normal(size=(2, n, n_y))
    found = evaluate_numbers(scale * y, scale * (y + off), [str(i) for i in range(n_y)])
    raw = {"multioutput": "raw_values"}
    expected = {
        "r2": metrics.r2_score(y, y + off, **raw),
        "mean_absolute_error": scale * metrics.mean_absolute_error(y, y + off, **raw),
        "root_mean_squared_error": scale * metrics.root_mean_squared_error(y, y + off, **raw),
    }
    assert (found.n, found.names) == (n, tuple(str(i) for i in range(n_y)))
    assert found.measures.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found.measures[name], values, rtol=1e-9)
        assert found.overall[name] == pytest.approx(values.mean())


def test_squares_do_not_overflow():
    y = np.array([[1e300], [-1e300]])
    found = evaluate_numbers(y, y / 2, ["y"])
    assert found.overall["root_mean_squared_error"] == pytest.approx(5e299)
    assert found.overall["r2"] == pytest.approx(0.75)


@given(st.integers(1, 50), st.integers(1, 2), st.integers(0, 1000))
def test_figures_of_quantiles_are_those_of_scikit_learn(n, n_y, seed):
    rng, quantiles = np.random.default_rng(seed), (0.2, 0.5, 0.9)
    y, guess = rng.normal(size=(n, n_y)), rng.normal(size=(n, 3 * n_y))
    found = evaluate_quantiles(y, guess, quantiles, list(map(str, range(3 * n_y))))
    for column in range(3 * n_y):
        true, q = y[:, column // 3], quantiles[column % 3]
        loss = metrics.mean_pinball_loss(true, guess[:, column], alpha=q)
        assert found.measures["pinball_loss"][column] == pytest.approx(loss)
        assert found.measures["share_below"][column] == np.mean(true <= guess[:, column])
    assert found.overall.keys() == {"pinball_loss"}


@given(st.integers(1, 50), st.integers(0, 1000))
def test_figures_of_several_labels_are_those_of_scikit_learn(n, seed):
    rng = np.random.default_rng(seed)
    y, score = rng.integers(2, size=(n, 3)), 3 * rng.normal(size=(n, 3))
    found = evaluate_labels(y, score, "abc")
    given_to = (score > 0).astype(int)
    precision, recall, _, support = metrics.precision_recall_fscore_support(
        y, given_to, zero_division=np.nan
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    assert np.array_equal(found.support, support)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(y, given_to))
    assert found.label_accuracy == pytest.approx(1 - metrics.hamming_loss(y, given_to))
    probability = 1 / (1 + np.exp(-score))
    each = metrics.log_loss(y.ravel(), probability.ravel(), labels=[0, 1])
    assert found.log_loss == pytest.approx(3 * each)


def test_the_log_loss_of_several_labels_is_not_clipped():
    assert evaluate_labels(np.array([[0, 1]]), np.array([[1e4, 1e4]]), "ab").log_loss == 1e4


# -- by weight --------------------------------------------------------------------------------


def some_weights(n, seed):
    weight = np.random.default_rng(seed).integers(0, 5, size=n) / 4
    weight[0] = 0.5
    return weight


@given(st.integers(1, 60), st.integers(2, 5), st.integers(0, 1000))
def test_weighted_figures_are_those_of_scikit_learn(n, K, seed):
    y_t, log_proba = some_predictions(n, K, seed)
    weight = some_weights(n, seed)
    found = evaluate(y_t, log_proba, np.arange(K), weight)
    given_to, by = log_proba.argmax(axis=1), {"sample_weight": weight}
    np.testing.assert_allclose(
        found.confusion, metrics.confusion_matrix(y_t, given_to, labels=range(K), **by)
    )
    assert found.n == n
    assert found.accuracy == pytest.approx(metrics.accuracy_score(y_t, given_to, **by))
    precision, recall, _, support = metrics.precision_recall_fscore_support(
        y_t, given_to, labels=range(K), zero_division=np.nan, **by
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.support, support)
    expected = metrics.log_loss(y_t, np.exp(log_proba), labels=range(K), **by)
    assert found.log_loss == pytest.approx(expected, rel=1e-9)


def test_a_whole_weight_counts_as_so_many_rows():
    y_t, log_proba = some_predictions(50, 3, 1)
    weight = np.random.default_rng(0).integers(1, 4, size=50)
    rows = np.repeat(np.arange(50), weight)
    found = evaluate(y_t, log_proba, np.arange(3), weight.astype(float))
    repeated = evaluate(y_t[rows], log_proba[rows], np.arange(3))
    assert np.array_equal(found.confusion, repeated.confusion)
    assert found.log_loss == pytest.approx(repeated.log_loss)
    assert found.calibration_error == pytest.approx(repeated.calibration_error)


@given(st.integers(2, 50), st.integers(1, 3), st.integers(0, 1000), st.sampled_from([1, 1e300]))
def test_weighted_figures_of_numbers_are_those_of_scikit_learn(n, n_y, seed, factor):
    y, off = np.random.default_rng(seed).normal(size=(2, n, n_y))
    weight = some_weights(n, seed)
    weight[1] = 1
    found = evaluate_numbers(y, y + off, list("abc"[:n_y]), factor * weight)
    by = {"multioutput": "raw_values", "sample_weight": weight}
    for name, metric in (
        ("r2", metrics.r2_score),
        ("mean_absolute_error", metrics.mean_absolute_error),
        ("root_mean_squared_error", metrics.root_mean_squared_error),
    ):
        np.testing.assert_allclose(found.measures[name], metric(y, y + off, **by), rtol=1e-9)
    assert found.n == n


def test_rows_of_no_weight_do_not_vary():
    y = np.array([[1.0], [1.0], [5.0]])
    found = evaluate_numbers(y, y, ["y"], np.array([1.0, 2.0, 0.0]))
    assert np.isnan(found.measures["r2"]).all()


@given(st.integers(1, 50), st.integers(0, 1000))
def test_weighted_figures_of_quantiles_are_those_of_scikit_learn(n, seed):
    rng, quantiles = np.random.default_rng(seed), (0.2, 0.9)
    y, guess, weight = rng.normal(size=(n, 1)), rng.normal(size=(n, 2)), some_weights(n, seed)
    found = evaluate_quantiles(y, guess, quantiles, ["a", "b"], weight)
    for column, q in enumerate(quantiles):
        loss = metrics.mean_pinball_loss(y[:, 0], guess[:, column], alpha=q, sample_weight=weight)
        assert found.measures["pinball_loss"][column] == pytest.approx(loss)
        below = np.average(y[:, 0] <= guess[:, column], weights=weight)
        assert found.measures["share_below"][column] == pytest.approx(below)


@given(st.integers(1, 50), st.integers(0, 1000))
def test_weighted_figures_of_several_labels_are_those_of_scikit_learn(n, seed):
    rng = np.random.default_rng(seed)
    y, score, weight = rng.integers(2, size=(n, 3)), rng.normal(size=(n, 3)), some_weights(n, seed)
    found, given_to = evaluate_labels(y, score, "abc", weight), (score > 0).astype(int)
    precision, recall, _, support = metrics.precision_recall_fscore_support(
        y, given_to, zero_division=np.nan, sample_weight=weight
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(found.support, support)
    accuracy = metrics.accuracy_score(y, given_to, sample_weight=weight)
    assert found.accuracy == pytest.approx(accuracy)
    wrong = metrics.hamming_loss(y, given_to, sample_weight=weight)
    assert found.label_accuracy == pytest.approx(1 - wrong)
