"""The scale of the targets: by mean and deviation, or by median and quartiles where asked."""

import numpy as np
import pytest

from handgrad import MLPRegressor
from handgrad.estimators.target_scale import Quartiles, target_scale
from handgrad.outputs import BY_LOSS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROBUST = ["absolute_error", "huber", "quantile"]
RNG = np.random.default_rng(0)


def scale_of(y, weight=None):
    found = target_scale(np.reshape(y, (len(y), -1)).astype(float), weight, "absolute")
    return found.mean[0], found.scale[0]


def prices(n=600):
    X = RNG.normal(size=(n, 4))
    return X, 1e5 + 3e4 * np.tanh(X[:, 0] + X[:, 1] * X[:, 2]) + RNG.normal(size=n) * 1e3


@pytest.mark.parametrize("loss", ROBUST)
def test_three_typos_among_600_cost_a_robust_loss_next_to_nothing(loss):
    X, y = prices()
    wild = y.copy()
    wild[[10, 200, 400]] *= 1000
    good = wild == y

    def error(target):
        model = MLPRegressor(loss, max_iter=60, random_state=0).fit(X, target)
        return np.abs(model.predict(X) - y)[good].mean()

    assert error(wild) < 1.2 * error(y) < 1e4


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_early_stopping_with_a_robust_loss_does_not_watch_what_wild_numbers_decide(loss):
    X, y = prices()
    y[::20] *= 1000
    settings = {"max_iter": 30, "random_state": 0, "early_stopping": True}
    watched = MLPRegressor(loss, **settings).fit(X, y)
    told = MLPRegressor(loss, **settings, scoring="loss").fit(X, y)
    assert watched.validation_scores_ == told.validation_scores_
    assert watched.n_iter_ == 30


def test_each_loss_says_itself_what_scales_its_numbers():
    mean, deviation = np.array([3.0, 0.0]), np.array([2.0, 1.0])
    for loss, output in BY_LOSS.items():
        assert output.is_robust == (loss in ROBUST)
        if loss != "poisson":  # the others are told what stands for mean and deviation
            assert output.target_scale(mean, deviation) == (mean, deviation)
    of_counts = BY_LOSS["poisson"].target_scale(mean, deviation)
    assert [part.tolist() for part in of_counts] == [[0, 0], [3, 1]]


def test_normal_numbers_have_about_the_scale_that_their_deviation_gives():
    y = np.random.default_rng(1).normal(7, 3, 100_001)
    assert scale_of(y) == pytest.approx((7, 3), rel=0.01)


def test_a_whole_weight_counts_as_so_many_rows_and_a_factor_on_all_as_nothing():
    y, weight = RNG.normal(size=101), RNG.integers(0, 4, 101)
    repeated = scale_of(np.repeat(y, weight))
    for factor in (1, 3.7, 1e300, 1e-300):
        assert scale_of(y, weight * factor) == pytest.approx(repeated, rel=1e-14)


def test_equal_quartiles_give_way_to_wider_ones_then_to_the_deviation_then_to_1():
    y = np.zeros(1000)
    y[:150] = 1  # beyond the quartiles, within the tenths
    assert scale_of(y) == pytest.approx((0, 1 / 2.563))
    y = np.zeros(1000)
    y[:5] = 100  # beyond all
    assert scale_of(y) == pytest.approx((0, y.std()))
    assert scale_of(np.full(10, 0.1)) == (0.1, 1)
    assert scale_of([5.0]) == (5, 1)


def test_what_rounding_leaves_between_equal_numbers_is_no_spread():
    y = 1e9 + np.repeat([0, 1e-7], 50)  # one unit in the last place
    assert scale_of(y)[1] == 1


def test_numbers_whose_difference_overflows_have_a_scale():
    median, unit = scale_of(np.repeat([-1.7e308, 1.7e308], 50))
    assert (median, unit) == (0, pytest.approx(1.7e308 / 1.349 * 2))


def test_columns_are_scaled_each_by_itself_and_each_quantile_like_its_column():
    y = RNG.normal(size=(99, 2)) * [1, 1000]
    found = target_scale(y, None, "quantile", 3)
    for column in (0, 1):
        expected = scale_of(y[:, column])
        for at in range(3 * column, 3 * column + 3):
            assert (found.mean[at], found.scale[at]) == expected


def test_rows_of_a_stream_are_kept_up_to_a_thousand():
    first = Quartiles(RNG.normal(size=(600, 1)), None)
    both = first.merged(Quartiles(RNG.normal(size=(600, 1)), np.full(600, 2.0)))
    assert len(both.rows) == 1200
    assert both.n == [1800]
    assert both.merged(first) is both


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", [*ROBUST, "poisson", "squared_error"])
@pytest.mark.parametrize("y", [np.full(40, 3.0), np.r_[np.zeros(38), 1, 1e6]])
def test_predictions_stay_in_the_range_that_the_loss_allows(loss, dtype, y):
    X = np.random.default_rng(0).normal(size=(40, 2))
    quantiles = [0.1, 0.5, 0.9] if loss == "quantile" else 0.5
    model = MLPRegressor(loss, max_iter=20, dtype=dtype, random_state=0, quantiles=quantiles)
    predicted = model.fit(X, y).predict(X * 3)
    assert np.isfinite(predicted).all()
    assert not (np.signbit(predicted) & (predicted == 0)).any()
    if loss == "poisson":
        assert (predicted >= 0).all()
    if loss == "quantile":
        assert (np.diff(predicted) >= 0).all()
