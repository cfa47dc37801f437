"""Predictions and losses against SciPy's and exact sums, at scores of any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from handgrad import losses
from handgrad.losses import OUTPUTS, dscore, mean_loss

NAMES = sorted(OUTPUTS)
rows_of_scores = st.lists(
    st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), min_size=1, max_size=5
).map(np.array)


def targets(name, n, N_y=3, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "softmax": rng.integers(N_y, size=n),
        "logistic": rng.integers(2, size=(n, N_y)).astype(float),
        "identity": rng.standard_normal((n, N_y)),
    }[name]


@given(rows_of_scores)
def test_softmax_and_its_logarithm_are_scipys(score):
    size = np.abs(score).max()
    np.testing.assert_allclose(losses.softmax(score), special.softmax(score, axis=1), rtol=1e-11)
    expected = special.log_softmax(score, axis=1)
    np.testing.assert_allclose(losses.log_softmax(score), expected, rtol=1e-14, atol=1e-15 * size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("top", [1e5, 1e8, 1e16])
def test_equal_scores_share_the_probability_however_large_they_are(dtype, top):
    score = np.full((1, 2), top, dtype)
    np.testing.assert_allclose(losses.log_softmax(score), np.log(0.5), rtol=1e-6)
    np.testing.assert_allclose(losses.cross_entropy(score, np.array([1])), np.log(2), rtol=1e-6)


@given(rows_of_scores)
def test_log_logistic_is_scipys(score):
    np.testing.assert_allclose(losses.log_logistic(score), special.log_expit(score), rtol=1e-14)


def test_predictions():
    score = np.random.default_rng(0).normal(scale=3, size=(4, 3))
    expected = {
        "softmax": special.softmax(score, axis=1),
        "logistic": special.expit(score),
        "identity": score,
    }
    for name in NAMES:
        np.testing.assert_allclose(OUTPUTS[name].predict(score), expected[name], rtol=1e-14)


def test_row_losses_by_their_definitions():
    score = np.random.default_rng(1).normal(scale=3, size=(4, 3))
    y_t = {name: targets(name, 4) for name in NAMES}
    p, q = special.softmax(score, axis=1), special.expit(score)
    binary = y_t["logistic"]
    expected = {
        "softmax": [-np.log(p[i, k]) for i, k in enumerate(y_t["softmax"])],
        "logistic": -np.sum(binary * np.log(q) + (1 - binary) * np.log(1 - q), axis=1),
        "identity": np.linalg.norm(score - y_t["identity"], axis=1) ** 2 / 2,
    }
    for name in NAMES:
        rows = OUTPUTS[name].row_losses(score, y_t[name])
        np.testing.assert_allclose(rows, expected[name], rtol=1e-12)


def test_binary_cross_entropy_takes_any_target_between_no_and_yes():
    q = special.expit(0.7)
    expected = -0.25 * np.log(q) - 0.75 * np.log(1 - q)
    rows = losses.binary_cross_entropy(np.array([[0.7]]), np.array([[0.25]]))
    assert rows == pytest.approx([expected], rel=1e-14)


def test_losses_stay_exact_where_probabilities_underflow():
    score = np.array([[1e4, -1e4, 0.0]])
    assert losses.softmax(score)[0, 1] == 0
    assert losses.cross_entropy(score, np.array([1])) == [2e4]
    assert losses.cross_entropy(score, np.array([0])) == [0]
    assert losses.binary_cross_entropy(score, np.array([[0.0, 1, 1]])) == [2e4 + np.log(2)]
    assert losses.binary_cross_entropy(np.array([[40.0]]), np.ones((1, 1))) == pytest.approx(
        [np.exp(-40)], rel=1e-14
    )


@pytest.mark.parametrize("shift", [-1e3, 0.5, 1e3])
def test_a_number_added_to_every_score_changes_nothing(shift):
    score = np.random.default_rng(0).standard_normal((4, 3))
    y_t = targets("softmax", 4)
    np.testing.assert_allclose(losses.softmax(score + shift), losses.softmax(score), rtol=1e-12)
    np.testing.assert_allclose(
        losses.cross_entropy(score + shift, y_t), losses.cross_entropy(score, y_t), rtol=1e-11
    )


def test_the_loss_is_the_weighted_mean_over_rows():
    score, y_t = np.array([[1.0], [2.0], [4.0]]), np.zeros((3, 1))
    assert mean_loss("identity", score, y_t) == (0.5 + 2 + 8) / 3
    weight = np.array([2.0, 0.0, 1.0])
    assert mean_loss("identity", score, y_t, weight) == (2 * 0.5 + 8) / 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weighted", [False, True])
def test_dscore_is_the_slope_of_the_mean_loss(name, weighted):
    rng = np.random.default_rng(2)
    score, y_t = rng.standard_normal((4, 3)), targets(name, 4)
    weight = rng.uniform(0.5, 2, size=4) if weighted else None
    ours = dscore(OUTPUTS[name].predict(score), y_t, weight)
    for place in np.ndindex(score.shape):
        moved = score.astype(complex)
        moved[place] += 1e-200j
        slope = mean_loss(name, moved, y_t, weight).imag / 1e-200
        assert ours[place] == pytest.approx(slope, rel=1e-12, abs=1e-15)


@given(rows_of_scores)
def test_the_gradient_of_each_row_of_a_softmax_sums_to_zero(score):
    d = dscore(losses.softmax(score), targets("softmax", len(score)))
    np.testing.assert_allclose(d.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_dscore_leaves_the_prediction_alone(name):
    y = np.full((2, 3), 0.25)
    dscore(y, targets(name, 2), np.array([2.0, 3.0]))
    assert (y == 0.25).all()


def test_a_row_is_correct_by_the_rule_of_its_output():
    score = np.array([[1.0, 2.0], [2.0, 2.0], [-1.0, 0.0]])
    classes, answers = np.array([1, 1, 1]), np.array([[1.0, 1], [1, 0], [0, 0]])
    assert losses.correct("softmax", score, classes).tolist() == [True, False, True]
    assert losses.correct("softmax", score, np.array([0, 0, 0])).tolist() == [False, True, False]
    assert losses.correct("logistic", score, answers).tolist() == [True, False, True]
    assert losses.correct("identity", score, score.copy()).all()
    assert not losses.correct("identity", score, score + 1e-9).any()


@pytest.mark.parametrize("name", NAMES)
def test_float32_scores_give_float32_rows_and_a_float64_mean(name):
    score = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    y_t = targets(name, 4)
    y_t = y_t if y_t.ndim == 1 else y_t.astype(np.float32)
    y = OUTPUTS[name].predict(score)
    assert y.dtype == dscore(y, y_t).dtype == np.float32
    assert OUTPUTS[name].row_losses(score, y_t).dtype == np.float32
    assert mean_loss(name, score, y_t).dtype == np.float64
