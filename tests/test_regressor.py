"""MLPRegressor keeps scikit-learn's contract and learns numbers of any size."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, make_regression
from sklearn.linear_model import Ridge
from sklearn.metrics import d2_pinball_score
from sklearn.neural_network import MLPRegressor as Theirs

from handgrad import DivergenceError, MLPClassifier, MLPRegressor, ModelFileError

unconverged = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def diabetes():
    return load_diabetes(return_X_y=True)


def test_the_first_24_parameters_are_those_of_scikit_learn():
    ours = list(inspect.signature(MLPRegressor).parameters.values())
    theirs = list(inspect.signature(Theirs).parameters.values())
    seen = [(p.name, p.default, p.kind) for p in ours[: len(theirs)]]
    assert seen == [(p.name, p.default, p.kind) for p in theirs]
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in ours[len(theirs) :])


def test_without_hidden_layers_it_is_ridge_regression(diabetes):
    X, y = diabetes
    X = (X - X.mean(0)) / X.std(0)
    standard = (y - y.mean()) / y.std()
    ours = MLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", alpha=0.1, tol=1e-10, max_iter=10_000
    ).fit(X, y)
    theirs = Ridge(alpha=0.1 * len(X)).fit(X, standard)
    np.testing.assert_allclose(ours.predict(X), y.mean() + y.std() * theirs.predict(X), rtol=1e-6)


@unconverged
@pytest.mark.parametrize(("centre", "width"), [(1000, 100), (1e12, 1e9), (0, 1e-9)])
def test_where_the_numbers_lie_does_not_matter(centre, width):
    X, y = make_regression(200, 5, noise=5, random_state=0)
    y = (y - y.mean()) / y.std()
    plain = MLPRegressor(max_iter=100, learning_rate_init=0.01, random_state=0).fit(X, y)
    moved = MLPRegressor(max_iter=100, learning_rate_init=0.01, random_state=0)
    moved.fit(X, centre + width * y)
    assert moved.score(X, centre + width * y) > 0.95
    np.testing.assert_allclose(moved.predict(X), centre + width * plain.predict(X), rtol=1e-4)


@unconverged
def test_several_numbers_a_row_are_learnt_at_once(diabetes):
    X, y = diabetes
    both = np.column_stack([y, 1e6 - 1000 * y])
    model = MLPRegressor(max_iter=50, learning_rate_init=0.01, random_state=0).fit(X, both)
    assert model.predict(X).shape == both.shape
    assert model.n_outputs_ == 2
    assert model.score(X, both) > 0.5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_raw_network_gives_the_numbers_themselves(diabetes):
    X, y = diabetes
    model = MLPRegressor(
        hidden_layer_sizes=(5,), preprocess=None, scale_target=False, solver="lbfgs"
    ).fit(X, y / 100)
    hidden = np.maximum(0, X @ model.coefs_[0] + model.intercepts_[0])
    by_hand = (hidden @ model.coefs_[1] + model.intercepts_[1])[:, 0]
    np.testing.assert_allclose(model.predict(X), by_hand, rtol=1e-10)
    assert model.out_activation_ == "identity"
    errors = 0.5 * np.mean((model.predict(X) - y / 100) ** 2)
    shrinkage = model.alpha / 2 * sum((W**2).sum() for W in model.coefs_)
    np.testing.assert_allclose(model.loss_, errors + shrinkage, rtol=1e-8)


@unconverged
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_going_on_equals_one_longer_fit_to_the_bit(diabetes, solver):
    X, y = diabetes
    settings = {"solver": solver, "random_state": 0, "tol": 0}
    whole = MLPRegressor(hidden_layer_sizes=(6,), max_iter=8, **settings).fit(X, y)
    warm = (
        MLPRegressor(hidden_layer_sizes=(6,), max_iter=4, warm_start=True, **settings)
        .fit(X, y)
        .fit(X, y)
    )
    steps = MLPRegressor(hidden_layer_sizes=(6,), **settings)
    for _ in range(8):
        steps.partial_fit(X, y)
    for model in (warm, steps):
        assert np.array_equal(model.predict(X), whole.predict(X))


@unconverged
def test_a_saved_regressor_predicts_the_same_bits(diabetes, tmp_path):
    X, y = diabetes
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(10)]).assign(kind=list("ab") * 221)
    model = MLPRegressor(hidden_layer_sizes=(6,), max_iter=5, dtype="float32").fit(
        frame, np.c_[y, -y]
    )
    model.save(tmp_path / "model")
    loaded = MLPRegressor.load(tmp_path / "model")
    assert np.array_equal(loaded.predict(frame), model.predict(frame))
    loaded.partial_fit(frame, np.c_[y, -y])
    with pytest.raises(ModelFileError, match="load it with a regressor"):
        MLPClassifier.load(tmp_path / "model")
    MLPClassifier((2,), max_iter=2).fit(X, y > 100).save(tmp_path / "other")
    with pytest.raises(ModelFileError, match="load it with a classifier"):
        MLPRegressor.load(tmp_path / "other")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y is None"),
        ([1.0, np.nan, 2.0], "NaN"),
        ([1.0, np.inf, 2.0], "inf"),
        ([1.0, 2.0], "inconsistent"),
        (["a", "b", "c"], "a"),
    ],
)
def test_targets_that_cannot_be_learnt_are_refused(y, message):
    model = MLPRegressor()
    with pytest.raises(ValueError, match=message):
        model.fit([[0.0], [1.0], [2.0]], y)
    assert not hasattr(model, "model_")


@unconverged
def test_going_on_with_other_targets_is_refused(diabetes):
    X, y = diabetes
    model = MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="1 numbers a row; got 2"):
        model.fit(X, np.c_[y, y])
    with pytest.raises(ValueError, match="1 numbers a row; got 2"):
        model.partial_fit(X, np.c_[y, y])


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson"]
)
@pytest.mark.parametrize("scale_target", [True, False])
@unconverged
def test_every_loss_learns_is_kept_and_goes_on(loss, scale_target, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = rng.poisson(np.exp(0.5 * X[:, 0] + 1)).astype(float)
    settings = {"loss": loss, "scale_target": scale_target, "random_state": 0, "tol": 0}
    settings |= {"learning_rate_init": 0.01, "batch_size": 50}
    model = MLPRegressor(max_iter=30, **settings).fit(X, y)
    assert model.score(X, y) > 0.1
    assert model.predict(X).shape == (300,)
    assert model.out_activation_ == ("exp" if loss == "poisson" else "identity")
    model.save(tmp_path / "model")
    loaded = MLPRegressor.load(tmp_path / "model")
    assert np.array_equal(loaded.predict(X), model.predict(X))
    assert loaded.loss == loss
    warm = MLPRegressor(max_iter=15, warm_start=True, **settings).fit(X, y).fit(X, y)
    assert np.array_equal(warm.predict(X), model.predict(X))
    theirs = model.to_sklearn()
    np.testing.assert_allclose(theirs.predict(X), model.predict(X), rtol=1e-9)
    if loss in ("squared_error", "poisson"):
        back = MLPRegressor.from_sklearn(theirs)
        np.testing.assert_allclose(back.predict(X), model.predict(X), rtol=1e-9)
    huge = MLPRegressor(max_iter=30, **settings | {"scale_target": True}).fit(X, 1e6 * y)
    scaled = MLPRegressor(max_iter=30, **settings | {"scale_target": True}).fit(X, y)
    np.testing.assert_allclose(huge.predict(X), 1e6 * scaled.predict(X), rtol=1e-6)


@unconverged
def test_quantiles_hold_their_share_of_the_rows_and_never_cross(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(1500, 1))
    y = X[:, 0] + (1 + X[:, 0] ** 2) * rng.normal(size=1500)
    model = MLPRegressor(
        loss="quantile",
        quantiles=[0.1, 0.5, 0.9],
        hidden_layer_sizes=(30,),
        learning_rate_init=0.01,
        max_iter=100,
        random_state=0,
    ).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == (1500, 3)
    assert (np.diff(predicted, axis=1) >= 0).all()
    below = (y[:, None] < predicted).mean(axis=0)
    np.testing.assert_allclose(below, [0.1, 0.5, 0.9], atol=0.03)
    assert 0 < model.score(X, y) < 1
    model.save(tmp_path / "model")
    loaded = MLPRegressor.load(tmp_path / "model")
    assert loaded.quantiles == (0.1, 0.5, 0.9)
    assert np.array_equal(loaded.predict(X), predicted)
    two = MLPRegressor(loss="quantile", quantiles=[0.2, 0.8], max_iter=2).fit(X, np.c_[y, -y])
    two.coefs_[-1][...], two.intercepts_[-1][...] = 0, [2, 1, 5, 4]  # a network whose cross
    first, second = np.split(two.predict(X[:1]), 2, axis=1)
    assert first[0, 0] < first[0, 1]
    assert second[0, 0] < second[0, 1]
    with pytest.raises(ValueError, match="more than one quantile"):
        model.to_sklearn()
    for wrong in ([0.9, 0.1], [0.5, 0.5], [0, 0.5], [0.5, 1], [], [[0.1, 0.9]], ["a"]):
        with pytest.raises(ValueError, match="ascending"):
            MLPRegressor(loss="quantile", quantiles=wrong).fit(X, y)


def test_an_outlier_moves_robust_losses_less():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1))
    y = 3 * X[:, 0]
    y[:10] += 1000
    off = {}
    for loss in ("squared_error", "huber", "absolute_error"):
        model = MLPRegressor(loss=loss, hidden_layer_sizes=(), delta=0.1, solver="lbfgs", alpha=0)
        off[loss] = np.abs(model.fit(X, y).predict(X) - 3 * X[:, 0]).mean()
    assert off["huber"] < off["squared_error"] / 3
    assert off["absolute_error"] < off["squared_error"] / 3


def test_counts_below_zero_and_another_loss_are_refused():
    X, y = np.arange(6.0)[:, None], np.array([0, 1, 2, -3, 4, 5.0])
    with pytest.raises(ValueError, match="at least 0; got -3 in row 4"):
        MLPRegressor(loss="poisson").fit(X, y)
    model = MLPRegressor(warm_start=True, max_iter=1000, tol=1).fit(X, y)
    with pytest.raises(ValueError, match="the loss of the existing network, 'squared_error'"):
        model.set_params(loss="huber").fit(X, y)


@unconverged
@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({"loss": "huber"}, {"delta": 2.0}),
        ({"loss": "quantile", "quantiles": [0.1, 0.9]}, {"quantiles": [0.2, 0.8]}),
        ({"loss": "quantile", "quantiles": [0.1, 0.9]}, {"quantiles": [0.1, 0.5, 0.9]}),
        ({}, {"scale_target": False}),
        ({"scale_target": False}, {"scale_target": True}),
    ],
)
def test_going_on_with_another_meaning_of_the_numbers_is_refused(diabetes, settings, change):
    X, y = diabetes
    model = MLPRegressor(max_iter=1, warm_start=True, **settings).fit(X, y)
    (name,) = change
    with pytest.raises(ValueError, match=f"{name}=.*warm_start=False"):
        model.set_params(**change).fit(X, y)
    plain = MLPRegressor(max_iter=1, warm_start=True).fit(X, y)
    plain.set_params(delta=2.0, quantiles=[0.1, 0.9]).fit(X, y)  # which it does not use


def test_a_constant_is_learnt_as_one():
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=500, random_state=0)
    model.fit(X, np.full(30, 7.5))
    np.testing.assert_allclose(model.predict(X), 7.5, atol=1e-2)


def test_divergence_is_an_error(diabetes):
    with pytest.raises(DivergenceError):
        MLPRegressor(solver="sgd", learning_rate_init=1e30).fit(*diabetes)


@unconverged
def test_a_score_of_quantiles_is_the_mean_of_each(rng):
    X, y = rng.standard_normal((40, 2)), rng.standard_normal(40)
    model = MLPRegressor("quantile", (3,), quantiles=(0.1, 0.5, 0.9), max_iter=2).fit(X, y)
    each = [
        d2_pinball_score(y, model.predict(X)[:, k], alpha=q) for k, q in enumerate((0.1, 0.5, 0.9))
    ]
    assert model.score(X, y) == pytest.approx(np.mean(each))


def test_counts_below_zero_are_not_validated_on():
    X, y = np.arange(20.0)[:, None], np.arange(20.0)
    model = MLPRegressor("poisson", (2,), max_iter=1, random_state=0)
    with pytest.raises(ValueError, match=r"^X_val and y_val: loss='poisson' .* got -1 in row 3"):
        model.fit(X, y, X_val=X, y_val=np.where(y == 2, -1.0, y))
