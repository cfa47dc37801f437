"""Predictions and losses against SciPy's and exact sums, at scores of any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn import _loss

from handgrad import losses
from handgrad.losses import LossSettings
from handgrad.outputs import OUTPUTS

NAMES = sorted(OUTPUTS)
rows_of_scores = st.lists(
    st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), min_size=1, max_size=5
).map(np.array)


def targets(name, n, N_y=3, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "softmax": rng.integers(N_y, size=n),
        "logistic": rng.integers(2, size=(n, N_y)).astype(float),
        "poisson": rng.poisson(2.0, size=(n, N_y)).astype(float),
    }.get(name, rng.standard_normal((n, N_y)))


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
        "poisson": np.exp(score),
    }
    for name in NAMES:
        np.testing.assert_allclose(
            OUTPUTS[name].predict(score), expected.get(name, score), rtol=1e-14
        )


def test_row_losses_by_their_definitions():
    score = np.random.default_rng(1).normal(scale=3, size=(4, 3))
    y_t = {name: targets(name, 4) for name in NAMES}
    p, q = special.softmax(score, axis=1), special.expit(score)
    binary = y_t["logistic"]
    expected = {
        "softmax": [-np.log(p[i, k]) for i, k in enumerate(y_t["softmax"])],
        "logistic": -np.sum(binary * np.log(q) + (1 - binary) * np.log(1 - q), axis=1),
        "identity": np.linalg.norm(score - y_t["identity"], axis=1) ** 2 / 2,
        "absolute": np.linalg.norm(score - y_t["absolute"], ord=1, axis=1),
        "huber": special.huber(1.0, score - y_t["huber"]).sum(axis=1),
        "quantile": np.linalg.norm(score - y_t["quantile"], ord=1, axis=1) / 2,
        "poisson": special.kl_div(y_t["poisson"], np.exp(score)).sum(axis=1),
    }
    for name in NAMES:
        rows = OUTPUTS[name].row_losses(score, y_t[name])
        np.testing.assert_allclose(rows, expected[name], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "theirs", "settings"),
    [
        ("absolute", _loss.AbsoluteError(), LossSettings()),
        ("huber", _loss.HuberLoss(delta=0.7), LossSettings(delta=0.7)),
        ("quantile", _loss.PinballLoss(quantile=0.2), LossSettings(quantiles=(0.2,))),
        ("poisson", _loss.HalfPoissonLoss(), LossSettings()),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_losses_of_numbers_are_scikit_learns(name, theirs, settings):
    score, y_t = np.random.default_rng(3).normal(size=200), targets(name, 200, 1)[:, 0]
    expected = theirs.loss(y_t, score)
    if name == "poisson":  # it leaves out what depends on the target alone
        expected = expected + theirs.constant_to_optimal_zero(y_t)
    rows = OUTPUTS[name].row_losses(score[:, None], y_t[:, None], settings)
    np.testing.assert_allclose(rows, expected, rtol=1e-12, atol=1e-14)
    slope = theirs.gradient(y_t, score)
    ours = OUTPUTS[name].backward(OUTPUTS[name].predict(score[:, None]), y_t[:, None], settings)
    np.testing.assert_allclose(ours[:, 0], slope, rtol=1e-12, atol=1e-14)


def test_a_perfect_prediction_of_counts_costs_nothing():
    y_t = np.array([[0.5, 1.0, 7.0]])
    np.testing.assert_allclose(losses.poisson_deviance(np.log(y_t), y_t), 0, atol=1e-15)
    assert losses.poisson_deviance(np.array([[-40.0]]), np.zeros((1, 1))) == [np.exp(-40)]


def test_several_quantiles_of_several_targets_lie_target_by_target():
    settings = LossSettings(quantiles=(0.1, 0.9))
    y_t, score = np.array([[0.0, 10.0]]), np.array([[-1.0, 1.0, 9.0, 11.0]])
    assert losses.quantile_loss(score, y_t, settings) == pytest.approx([0.4])
    backward = losses.quantile_loss_backward(score, y_t, settings)
    np.testing.assert_allclose(backward, [[-0.1, 0.1, -0.1, 0.1]])


@pytest.mark.parametrize("q", [0.1, 0.5, 0.75])
def test_the_best_constant_is_the_quantile(q):
    y_t = np.random.default_rng(0).exponential(size=(999, 1))
    settings = LossSettings(quantiles=(q,))

    def total(y):
        return losses.quantile_loss(np.full((999, 1), y), y_t, settings).sum()

    best = np.quantile(y_t, q, method="inverted_cdf")
    assert total(best) <= min(total(best - 1e-3), total(best + 1e-3))


def test_smoothed_labels_by_their_definition():
    score, s = np.random.default_rng(1).normal(size=(4, 3)), 0.2
    settings = LossSettings(label_smoothing=s)
    y_t = targets("softmax", 4)
    target = (1 - s) * np.eye(3)[y_t] + s / 3
    expected = -(target * special.log_softmax(score, axis=1)).sum(axis=1)
    np.testing.assert_allclose(losses.cross_entropy(score, y_t, settings), expected, rtol=1e-13)
    binary = targets("logistic", 4)
    target = (1 - s) * binary + s / 2
    log_yes, log_no = special.log_expit(score), special.log_expit(-score)
    expected = -(target * log_yes + (1 - target) * log_no).sum(axis=1)
    rows = losses.binary_cross_entropy(score, binary, settings)
    np.testing.assert_allclose(rows, expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label_smoothing": 1.0}, "label_smoothing must be at least 0 and below 1; got 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing"),
        ({"label_smoothing": np.nan}, "label_smoothing"),
        ({"delta": 0.0}, "delta must be above 0 and finite; got 0.0"),
        ({"delta": np.inf}, "delta"),
        ({"quantiles": ()}, "quantiles must be"),
        ({"quantiles": (0.5, 1.0)}, "quantiles must be numbers between 0 and 1"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        LossSettings(**wrong)


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
    assert OUTPUTS["identity"].mean_loss(score, y_t) == (0.5 + 2 + 8) / 3
    weight = np.array([2.0, 0.0, 1.0])
    assert OUTPUTS["identity"].mean_loss(score, y_t, weight) == (2 * 0.5 + 8) / 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "settings", [LossSettings(), LossSettings(0.1, 0.5, (0.1,)), LossSettings(0.3, 3.0, (0.2, 0.9))]
)
def test_dscore_is_the_slope_of_the_mean_loss(name, weighted, settings):
    rng = np.random.default_rng(2)
    n_quantiles = len(settings.quantiles) if name == "quantile" else 1
    score, y_t = rng.standard_normal((4, 3 * n_quantiles)), targets(name, 4)
    weight = rng.uniform(0.5, 2, size=4) if weighted else None
    ours = OUTPUTS[name].dscore(OUTPUTS[name].predict(score), y_t, weight, settings)
    for place in np.ndindex(score.shape):
        moved = score.astype(complex)
        moved[place] += 1e-200j
        slope = OUTPUTS[name].mean_loss(moved, y_t, weight, settings).imag / 1e-200
        assert ours[place] == pytest.approx(slope, rel=1e-12, abs=1e-15)


@given(rows_of_scores)
def test_the_gradient_of_each_row_of_a_softmax_sums_to_zero(score):
    d = OUTPUTS["softmax"].dscore(losses.softmax(score), targets("softmax", len(score)))
    np.testing.assert_allclose(d.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_dscore_leaves_the_prediction_alone(name):
    y = np.full((2, 3), 0.25)
    OUTPUTS[name].dscore(y, targets(name, 2), np.array([2.0, 3.0]))
    assert (y == 0.25).all()


def test_a_row_is_correct_by_the_rule_of_its_output():
    score = np.array([[1.0, 2.0], [2.0, 2.0], [-1.0, 0.0]])
    classes, answers = np.array([1, 1, 1]), np.array([[1.0, 1], [1, 0], [0, 0]])
    assert OUTPUTS["softmax"].right(score, classes).tolist() == [True, False, True]
    assert OUTPUTS["softmax"].right(score, np.array([0, 0, 0])).tolist() == [False, True, False]
    assert OUTPUTS["logistic"].right(score, answers).tolist() == [True, False, True]
    assert OUTPUTS["identity"].right(score, score.copy()).all()
    assert not OUTPUTS["identity"].right(score, score + 1e-9).any()
    for name in "absolute", "huber", "quantile", "poisson":
        assert not OUTPUTS[name].right(score, score.copy()).any()


@pytest.mark.parametrize("name", NAMES)
def test_float32_scores_give_float32_rows_and_a_float64_mean(name):
    score = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    y_t = targets(name, 4)
    y_t = y_t if y_t.ndim == 1 else y_t.astype(np.float32)
    y = OUTPUTS[name].predict(score)
    assert y.dtype == OUTPUTS[name].dscore(y, y_t).dtype == np.float32
    assert OUTPUTS[name].row_losses(score, y_t).dtype == np.float32
    assert OUTPUTS[name].mean_loss(score, y_t).dtype == np.float64
