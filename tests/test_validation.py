"""Validation: which rows are watched, by which score, when it stops and what it keeps."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs, make_regression
from sklearn.metrics import make_scorer, mean_pinball_loss

from handgrad import MLPClassifier, MLPRegressor

unconverged = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def blobs():
    return make_blobs(400, 4, centers=3, cluster_std=6, random_state=0)


def recall_of_class_two(estimator, X, y):
    return float((estimator.predict(X)[y == 2] == 2).mean())


@pytest.mark.parametrize(
    "scoring", ["loss", "accuracy", "f1_macro", "neg_log_loss", recall_of_class_two]
)
def test_the_epoch_of_the_best_score_is_kept(blobs, scoring):
    X, y = blobs
    model = MLPClassifier(
        early_stopping=True,
        scoring=scoring,
        random_state=1,
        n_iter_no_change=5,
        learning_rate_init=0.02,
    )
    model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    scores = model.validation_scores_
    best = int(np.argmax(scores))
    assert model.best_validation_score_ == scores[best]
    assert model.n_iter_ - 1 - best >= 5
    if callable(scoring):
        assert scoring(model, X[300:], y[300:]) == scores[best]
    if scoring == "accuracy":
        assert model.score(X[300:], y[300:]) == scores[best]
    if scoring == "neg_log_loss":  # the same as the loss
        np.testing.assert_allclose(
            scores, [-loss for loss in model.history_.column("validation_loss")]
        )


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_patience_is_exact(blobs, patience):
    X, y = blobs
    model = MLPClassifier(early_stopping=True, tol=1e9, n_iter_no_change=patience).fit(X, y)
    # No gain exceeds such a tol, but the first epoch had nothing to exceed.
    assert model.n_iter_ == patience + 1
    assert model.history_.reason == "patience"


@unconverged
def test_a_scorer_sees_rows_as_the_user_gave_them(blobs):
    X, y = blobs
    frame, names = pd.DataFrame(X, columns=list("abcd")), np.array(["x", "y", "z"])
    seen = []

    def scorer(estimator, X, y, sample_weight=None):
        seen.append((X, y, sample_weight))
        return estimator.score(X, y)

    model = MLPClassifier(scoring=scorer, early_stopping=True, max_iter=2, random_state=0)
    weight = np.arange(400) % 3
    model.fit(frame, pd.Series(names[y]), weight)
    rows, labels, weights = seen[0]
    assert list(rows.columns) == list("abcd")
    assert set(labels) <= set(names)
    assert (weights > 0).all()
    assert len(rows) == len(labels) == len(weights)
    assert (frame.loc[rows.index] == rows).all(axis=None)
    assert (names[y[rows.index]] == labels).all()
    assert (weight[rows.index] == weights).all()


@unconverged
def test_a_score_of_rows_that_are_not_watched_is_recorded(blobs):
    X, y = blobs
    model = MLPClassifier(scoring="f1_macro", max_iter=3, random_state=0)
    model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert model.validation_scores_ is None
    assert 0 < model.history_[-1].validation_score < 1


@unconverged
def test_a_scorer_cannot_reach_into_the_training(blobs):
    X, y = blobs

    def meddle(estimator, X, y):
        estimator.set_params(on_epoch=lambda epoch: True, max_iter=1)
        score = estimator.score(X, y)
        vars(estimator).clear()
        return score

    settings = {"early_stopping": True, "max_iter": 3, "random_state": 0}
    model = MLPClassifier(scoring=meddle, **settings).fit(X, y)
    plain = MLPClassifier(scoring="accuracy", **settings).fit(X, y)
    assert model.on_epoch is None
    assert len(model.history_) == 3
    assert np.array_equal(model.coefs_[0], plain.coefs_[0])


@unconverged
def test_a_score_that_is_never_a_number_is_told_of(blobs):
    X, y = blobs
    model = MLPClassifier(scoring=lambda *_: np.nan, early_stopping=True, max_iter=3)
    with pytest.warns(UserWarning, match="gave NaN in every epoch"):
        model.fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()


def test_a_scorer_that_fails_is_heard_and_costs_no_model(blobs):
    X, y = blobs

    def broken(estimator, X, y):
        if estimator.history_ and len(estimator.history_) == 2:
            raise RuntimeError("the scorer broke")
        return 0.5

    model = MLPClassifier(scoring=broken, early_stopping=True)
    with pytest.raises(RuntimeError, match="the scorer broke"):
        model.fit(X, y)


def test_a_class_of_one_row_is_trained_on_and_never_held_back():
    X = np.random.default_rng(0).normal(size=(41, 2))
    y = np.array(["often"] * 40 + ["rare"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLPClassifier(early_stopping=True, random_state=0).fit(X, y)
    assert list(model.classes_) == ["often", "rare"]


def test_a_regressor_watches_r2_and_the_loss_where_there_is_none():
    X, y = make_regression(200, 5, noise=20, random_state=0)
    model = MLPRegressor(early_stopping=True, learning_rate_init=0.01, random_state=0)
    model.fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
    np.testing.assert_allclose(model.best_validation_score_, model.score(X[150:], y[150:]))
    model.fit(X, y, X_val=X[:1], y_val=y[:1])
    assert model.best_validation_score_ == -min(model.history_.column("validation_loss"))
    pinball = make_scorer(mean_pinball_loss, greater_is_better=False, alpha=0.9)
    model.set_params(scoring=pinball).fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
    assert model.best_validation_score_ == pinball(model, X[150:], y[150:])


@pytest.mark.parametrize("schedule", ["cosine", "onecycle", "coslog4"])
def test_a_schedule_that_ends_with_max_iter_is_no_training_cut_short(schedule):
    X, y = make_blobs(60, 3, centers=3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier((5,), learning_rate=schedule, max_iter=4, random_state=0).fit(X, y)


# -- which rows are held back ---------------------------------------------------------------------


def few_patterns():
    """Two patterns, each with its label in nine rows of ten."""
    X = pd.DataFrame({"g": ["u", "v"] * 90 + ["u", "v"] * 10})
    return X, np.array(["a", "b"] * 90 + ["b", "a"] * 10)


def test_few_patterns_are_learnt_with_early_stopping(capsys):
    X, y = few_patterns()
    watched, settings = [], {"learning_rate_init": 0.05, "batch_size": 20}
    for seed in range(20):
        model = MLPClassifier((), early_stopping=True, random_state=seed, **settings)
        model.fit(X, y)
        assert model.score(X, y) == 0.9
        assert model.held_back_singly_ == 200
        watched.append(model.score(X.iloc[model.held_back_], y[model.held_back_]))
    assert np.mean(watched) == pytest.approx(0.9, abs=0.03)  # of 20 rows each
    assert "Held back" not in capsys.readouterr().out
    model.set_params(verbose=True, max_iter=1)
    with pytest.warns(match="max_iter"):
        model.fit(X, y)
    assert "Held back 20 rows: 200 rows repeat only 2 different ones" in capsys.readouterr().out


def test_counts_are_learnt_as_their_rows():
    """A table of counts and its rows give one network."""
    X, y = few_patterns()
    X, y = pd.concat([X, X[:1]], ignore_index=True), np.append(y, "a")
    pairs = pd.DataFrame({"g": X["g"], "y": y}).value_counts().reset_index()
    settings = {"early_stopping": True, "random_state": 0, "batch_size": 500, "max_iter": 30}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a batch larger than the table, and of max_iter
        rows = MLPClassifier((4,), **settings).fit(X, y)
        counts = MLPClassifier((4,), **settings).fit(pairs[["g"]], pairs["y"], pairs["count"])
    np.testing.assert_allclose(counts.predict_proba(X), rows.predict_proba(X), atol=1e-9)
    np.testing.assert_allclose(counts.validation_scores_, rows.validation_scores_, atol=1e-9)


def test_a_regressor_learns_few_patterns():
    rng = np.random.default_rng(0)
    X = rng.integers(6, size=(300, 1)).astype(float)
    y = X[:, 0] + rng.normal(0, 0.5, size=300)
    model = MLPRegressor(early_stopping=True, learning_rate_init=0.01, random_state=0).fit(X, y)
    assert model.held_back_singly_ == 300
    assert len(model.held_back_) == 30
    assert model.best_validation_score_ > 0.8


def test_rows_held_back_are_told(blobs):
    X, y = blobs
    model = MLPClassifier(early_stopping=True, random_state=0).fit(X, y)
    assert (len(model.held_back_), model.held_back_singly_) == (39, 0)  # 13 of each class
    score = model.score(X[model.held_back_], y[model.held_back_])
    assert score == model.best_validation_score_
    weight = (np.arange(400) % 2).astype(float)
    assert (weight[model.fit(X, y, weight).held_back_] == 1).all()
    model.set_params(early_stopping=False, solver="lbfgs", alpha=1).fit(X, y)
    assert model.held_back_.tolist() == []


@pytest.mark.parametrize("settings", [{}, {"solver": "lbfgs", "calibration": "temperature"}])
def test_without_shuffling_the_last_rows_are_held_back(blobs, settings):
    X, y = blobs
    model = MLPClassifier((), shuffle=False, early_stopping=True, alpha=1, **settings)
    model.fit(X, y)
    assert model.held_back_.tolist() == list(range(360, 400))
    weight = np.r_[np.ones(398), 2, 0]
    model.fit(X, y, weight)
    assert model.held_back_.tolist() == list(range(360, 399))
    regressor = MLPRegressor(shuffle=False, early_stopping=True, random_state=0)
    assert regressor.fit(X, X[:, 0]).held_back_.tolist() == list(range(360, 400))


@unconverged
def test_a_class_of_the_last_rows_only_is_known():
    X = np.arange(60.0)[:, None]
    y = np.repeat([0, 1, 2], [30, 27, 3])
    model = MLPClassifier(shuffle=False, early_stopping=True, max_iter=3, random_state=0)
    model.fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2]
    assert set(y[model.held_back_]) == {1, 2}
