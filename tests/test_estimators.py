"""MLPClassifier keeps scikit-learn's contract and reads what scikit-learn's own refuses."""

import inspect
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from common import ENGINES
from handgrad import DataError, DivergenceError, MLPClassifier

unconverged = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def blobs():
    return make_blobs(200, 4, centers=3, random_state=0)


@pytest.fixture
def frame():
    n = 120
    rng = np.random.default_rng(0)
    species = np.array(["Adelie", "Gentoo", "Chinstrap"])[rng.integers(0, 3, n)]
    mass = np.where(species == "Gentoo", 5000.0, 3700.0) + rng.normal(0, 100, n)
    mass[::17] = np.nan
    island = np.where(species == "Chinstrap", "Dream", "Biscoe").astype(object)
    island[::23] = None
    return pd.DataFrame({"mass": mass, "island": island, "tagged": species == "Adelie"}), species


# -- the contract -----------------------------------------------------------------------------


def test_the_first_23_parameters_are_those_of_scikit_learn():
    ours = list(inspect.signature(MLPClassifier).parameters.values())
    theirs = list(inspect.signature(Theirs).parameters.values())
    assert len(theirs) == 23
    seen = [(p.name, p.default, p.kind) for p in ours[:23]]
    assert seen == [(p.name, p.default, p.kind) for p in theirs]
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in ours[23:])


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@unconverged
def test_every_fitted_attribute_of_scikit_learn_is_there(blobs, early_stopping):
    settings = {"max_iter": 3, "early_stopping": early_stopping}
    ours, theirs = MLPClassifier(**settings).fit(*blobs), Theirs(**settings).fit(*blobs)
    for name, value in vars(theirs).items():
        if name.endswith("_") and not name.startswith("_"):
            kind = float if isinstance(value, float) else type(value)  # theirs: np.float64
            assert isinstance(getattr(ours, name), kind), name
    assert [W.shape for W in ours.coefs_] == [W.shape for W in theirs.coefs_]
    assert len(ours.loss_curve_) == ours.n_iter_ == 3
    assert early_stopping or ours.t_ == theirs.t_  # classes are rounded one by one, ours
    assert ours.out_activation_ == theirs.out_activation_ == "softmax"


def test_one_full_batch_step_is_the_one_that_scikit_learn_makes(blobs):
    X, y = blobs
    settings = {"solver": "sgd", "max_iter": 1, "batch_size": len(X), "shuffle": False}
    ours = MLPClassifier((7,), **settings, alpha=0.5 / len(X), momentum=0, preprocess=None)
    theirs = Theirs((7,), **settings, alpha=0.5, momentum=0, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours.set_params(warm_start=True).fit(X, y)
        theirs.fit(X, y)
        for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
            other[...] = mine
        for mine, other in zip(ours.intercepts_, theirs.intercepts_, strict=True):
            other[...] = mine
        shrinkage = 0.25 / len(X) * sum((W**2).sum() for W in ours.coefs_)
        ours.fit(X, y)
        theirs.fit(X, y)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-14)
    # Theirs is measured before the step; of ours, only the penalty is measured after it.
    np.testing.assert_allclose(ours.history_[-1].loss + shrinkage, theirs.loss_, rtol=1e-12)


def test_without_hidden_layers_it_is_logistic_regression():
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(0)) / X.std(0)
    ours = MLPClassifier((), solver="lbfgs", alpha=0.01, tol=1e-9, max_iter=10_000).fit(X, y)
    theirs = LogisticRegression(C=1 / (0.01 * len(X)), tol=1e-9, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


@unconverged
def test_it_works_inside_scikit_learn():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((10,), max_iter=60, learning_rate_init=0.02, random_state=0)
    assert cross_val_score(make_pipeline(MinMaxScaler(), model), X, y).mean() > 0.9
    search = GridSearchCV(model, {"alpha": [1e-4, 1e-2]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.9
    assert clone(model.fit(X, y)).get_params() == model.get_params()


# -- learning ---------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@unconverged
def test_it_learns_digits(solver):
    X, y = load_digits(return_X_y=True)
    model = MLPClassifier(
        (50,), solver=solver, max_iter=100, learning_rate_init=0.01, random_state=0
    )
    assert model.fit(X[:1200], y[:1200]).score(X[1200:], y[1200:]) > 0.9


def test_two_classes_have_one_score(blobs):
    X, y = load_breast_cancer(return_X_y=True)
    model = MLPClassifier((5,), random_state=0, early_stopping=True).fit(X, y)
    score, proba = model.decision_function(X), model.predict_proba(X)
    assert model.out_activation_ == "logistic"
    assert model.n_outputs_ == 1
    assert score.shape == (len(X),)
    assert proba.shape == (len(X), 2)
    np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-score)), atol=1e-12)
    np.testing.assert_array_equal(model.predict(X), (score > 0).astype(int))


def test_log_probabilities_stay_finite_where_probabilities_underflow(blobs):
    X, y = blobs
    model = MLPClassifier(solver="lbfgs", alpha=0, random_state=0, engine="numpy").fit(X, y)
    far = 1e6 * X
    assert (model.predict_proba(far) == 0).any()
    assert np.isfinite(model.predict_log_proba(far)).all()


def test_one_class_is_predicted_with_certainty():
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.warns(UserWarning, match="one class only, 'only'"):
        model = MLPClassifier().fit(X, np.full(20, "only"))
    np.testing.assert_array_equal(model.predict_proba(X), np.ones((20, 1)))
    assert set(model.predict(X)) == {"only"}


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@unconverged
def test_going_on_equals_one_longer_fit_to_the_bit(blobs, solver):
    X, y = blobs
    settings = {"solver": solver, "batch_size": 32, "random_state": 3, "tol": 0}
    whole = MLPClassifier((8,), max_iter=10, **settings).fit(X, y)
    warm = MLPClassifier((8,), max_iter=5, warm_start=True, **settings).fit(X, y).fit(X, y)
    bit_by_bit = MLPClassifier((8,), **settings)
    for _ in range(10):
        bit_by_bit.partial_fit(X, y, classes=[0, 1, 2])
    assert (warm.n_iter_, bit_by_bit.n_iter_) == (5, 10)
    for model in (warm, bit_by_bit):
        assert model.loss_curve_ == whole.loss_curve_
        assert all(map(np.array_equal, model.coefs_, whole.coefs_))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "settings",
    [
        {"dropout": 0.3},
        {"solver": "adamw"},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"n_ensemble": 2, "dropout": [0.2]},
        {"clip_norm": 0.1, "shuffle": False},
        {"dtype": "float32", "label_smoothing": 0.1},
    ],
    ids=str,
)
@unconverged
def test_going_on_keeps_every_memory_in_both_engines(blobs, settings, engine):
    X, y = blobs
    settings = {"engine": engine, "batch_size": 32, "random_state": 3, "tol": 0, **settings}
    whole = MLPClassifier((8,), max_iter=6, **settings).fit(X, y)
    warm = MLPClassifier((8,), max_iter=2, warm_start=True, **settings).fit(X, y)
    warm.set_params(max_iter=4).fit(X, y)
    steps = MLPClassifier((8,), **settings)
    for _ in range(6):
        steps.partial_fit(X, y, classes=[0, 1, 2])
    for model in (warm, steps):
        assert model.loss_curve_ == whole.loss_curve_
        assert np.array_equal(model.predict_proba(X), whole.predict_proba(X))


@unconverged
def test_the_penalty_means_the_same_at_every_batch_size(blobs):
    X, y = blobs
    settings = {"alpha": 0.3, "random_state": 0}
    best = MLPClassifier((), solver="lbfgs", tol=1e-8, max_iter=1000, **settings).fit(X, y)
    settings |= {"learning_rate": "cosine", "learning_rate_init": 0.05, "max_iter": 150}
    for batch_size in (20, 200):
        model = MLPClassifier((), batch_size=batch_size, n_iter_no_change=np.inf, **settings)
        np.testing.assert_allclose(model.fit(X, y).coefs_[0], best.coefs_[0], atol=0.02)


@unconverged
def test_dropout_is_exactly_off_at_prediction(blobs):
    X, y = blobs
    model = MLPClassifier((50,), dropout=0.5, max_iter=3, random_state=0).fit(X, y)
    inputs = (X - X.mean(axis=0)) / X.std(axis=0)
    hidden = np.maximum(0, inputs @ model.coefs_[0] + model.intercepts_[0])
    scores = hidden @ model.coefs_[1] + model.intercepts_[1]
    np.testing.assert_allclose(model.decision_function(X), scores, atol=1e-12)


@unconverged
def test_without_shuffling_the_rows_are_taken_as_they_stand(blobs):
    X, y = blobs
    settings = {"batch_size": 50, "shuffle": False, "preprocess": None, "random_state": 0}
    whole = MLPClassifier((8,), max_iter=1, **settings).fit(X, y)
    in_parts = MLPClassifier((8,), **settings)
    for start in range(0, len(X), 50):
        rows = slice(start, start + 50)
        in_parts.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert all(map(np.array_equal, in_parts.coefs_, whole.coefs_))


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize(
    "schedule",
    ["invscaling", "adaptive", "warmup", "cosine", "onecycle", "coslog4", lambda n: 0.1 / n],
)
@unconverged
def test_every_solver_that_goes_in_steps_follows_a_schedule(blobs, solver, schedule):
    settings = {"solver": solver, "max_iter": 8, "random_state": 0, "tol": 1, "n_iter_no_change": 2}
    model = MLPClassifier(learning_rate=schedule, **settings).fit(*blobs)
    rates = model.history_.column("learning_rate")
    assert len(set(rates)) > 1
    if callable(schedule):
        assert rates == [0.1 / n for n in range(1, len(rates) + 1)]
    if schedule == "adaptive":
        assert rates[-1] < rates[0] / 4


@unconverged
def test_the_seed_decides_everything(blobs):
    def weights(random_state):
        model = MLPClassifier((4,), max_iter=3, batch_size=16, random_state=random_state)
        return model.fit(*blobs).coefs_[0]

    assert np.array_equal(weights(5), weights(np.int64(5)))
    assert not np.array_equal(weights(5), weights(6))
    for kind in (np.random.RandomState, np.random.default_rng):
        assert np.array_equal(weights(kind(0)), weights(kind(0)))
        shared = kind(0)
        assert not np.array_equal(weights(shared), weights(shared))


@unconverged
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_record_of_an_interrupted_fit_is_usable(blobs, solver):
    X, y = blobs

    def interrupt(epoch):
        if epoch.epoch == 3:
            raise KeyboardInterrupt

    model = MLPClassifier(solver=solver, on_epoch=interrupt, n_ensemble=2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_iter_ == len(model.history_) == 3
    assert len(model.loss_curve_) == (0 if solver == "lbfgs" else 3)
    assert model.loss_ == model.history_[-1].loss + model.history_[-1].penalty
    assert model.t_ == 3 * len(y)
    assert model.model_.members == ()
    assert model.predict(X).shape == y.shape


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_on_epoch_may_stop(blobs, solver):
    model = MLPClassifier(solver=solver, on_epoch=lambda epoch: epoch.epoch == 4).fit(*blobs)
    assert model.n_iter_ == len(model.history_) == 4
    assert model.history_.reason == "on_epoch"
    assert not model.diverged_


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({}, "tol"), ({"max_iter": 3}, "max_iter"), ({"max_fun": 3}, "max_fun")],
)
@unconverged
def test_lbfgs_keeps_the_record_of_its_iterations(blobs, settings, reason):
    X, y = blobs
    model = MLPClassifier((4,), solver="lbfgs", random_state=0, n_ensemble=2, **settings)
    if reason == "tol":
        model.fit(X, y)
    else:
        with pytest.warns(ConvergenceWarning, match="lbfgs stopped after"):
            model.fit(X, y)
    last = model.history_[-1]
    assert model.n_iter_ == len(model.history_) == last.epoch
    assert model.history_.reason == reason
    assert model.loss_ == model.best_loss_ == pytest.approx(last.loss + last.penalty)
    assert model.loss_curve_ == []
    assert model.t_ == len(y) * model.n_iter_
    assert len(model.histories_[1]) > 0
    assert len(model.model_.members) == 1


def test_lbfgs_that_has_nothing_to_do_keeps_every_network(blobs):
    model = MLPClassifier((4,), solver="lbfgs", tol=1e9, n_ensemble=3, random_state=0).fit(*blobs)
    assert (model.n_iter_, len(model.history_), model.history_.reason) == (0, 0, "tol")
    assert len(model.model_.members) == 2


@pytest.mark.filterwarnings("ignore:lbfgs stopped:sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_counts_on_where_it_goes_on(blobs):
    model = MLPClassifier((4,), solver="lbfgs", max_iter=3, warm_start=True, random_state=0)
    model.fit(*blobs).fit(*blobs)
    assert model.history_.column("epoch") == [1, 2, 3, 4, 5, 6]
    assert model.n_iter_ == 3
    assert model.t_ == 6 * len(blobs[1])


def test_divergence_is_an_error_and_keeps_finite_weights(blobs):
    model = MLPClassifier(solver="sgd", learning_rate_init=1e30)
    with pytest.raises(DivergenceError, match="Lower the learning rate"):
        model.fit(*blobs)
    assert all(np.isfinite(W).all() for W in model.coefs_)


def test_verbose_prints_a_line_an_epoch(blobs, capsys):
    MLPClassifier(verbose=True, on_epoch=lambda epoch: epoch.epoch == 2).fit(*blobs)
    assert capsys.readouterr().out.count("Iteration") == 2
    two = {"on_epoch": lambda epoch: epoch.epoch == 2, "verbose": True}
    MLPClassifier(early_stopping=True, **two).fit(*blobs)
    assert capsys.readouterr().out.count("Validation score: ") == 2


@unconverged
def test_the_best_loss_is_the_smallest_and_the_last_is_the_last(blobs):
    model = MLPClassifier(
        learning_rate=lambda n: 0.01 if n < 4 else 10.0, max_iter=5, random_state=0
    )
    losses = model.fit(*blobs).loss_curve_
    assert model.loss_ == losses[-1] > model.best_loss_ == min(losses)


@unconverged
def test_a_fit_that_could_gain_from_more_epochs_says_so(blobs):
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        MLPClassifier(max_iter=2).fit(*blobs)


@unconverged
def test_dropout_and_smoothing_and_decay_and_clipping_reach_the_training(blobs):
    X, y = blobs
    settings = {"max_iter": 4, "random_state": 0, "batch_size": 32}
    plain = MLPClassifier((6, 6), **settings).fit(X, y)
    changes = [
        {"dropout": 0.5},
        {"dropout": [0.0, 0.5]},
        {"label_smoothing": 0.1},
        {"solver": "adamw"},
        {"clip_norm": 0.01},
        {"activation": ["relu", "gelu"]},
    ]
    seen = [plain] + [MLPClassifier((6, 6), **settings, **change).fit(X, y) for change in changes]
    assert len({model.coefs_[0].tobytes() for model in seen}) == len(seen)
    assert np.array_equal(seen[1].predict_proba(X), seen[1].predict_proba(X))  # off at prediction
    assert plain.history_[-1].gradient_norm > 0
    heavy = MLPClassifier((6, 6), solver="adamw", weight_decay=100.0, **settings).fit(X, y)
    assert np.abs(heavy.coefs_[0]).max() < np.abs(plain.coefs_[0]).max()


MOMENTUM = {"solver": "sgd", "learning_rate_init": 0.01}


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ({}, "learning_rate_init", 0.002),
        ({}, "alpha", 0.1),
        ({}, "batch_size", 16),
        ({}, "shuffle", False),
        ({}, "beta_1", 0.8),
        ({}, "beta_2", 0.9),
        ({}, "epsilon", 0.1),
        ({"solver": "adamw"}, "weight_decay", 0.1),
        (MOMENTUM, "momentum", 0.5),
        (MOMENTUM, "nesterovs_momentum", False),
        (MOMENTUM | {"learning_rate": "invscaling"}, "power_t", 0.2),
        ({"learning_rate": "warmup"}, "warmup_epochs", 2.0),
        ({"learning_rate": "cosine"}, "max_iter", 4),
        ({}, "initialisation", "he_normal"),
        ({}, "activation", "tanh"),
        ({}, "label_smoothing", 0.1),
        ({}, "class_weight", {0: 3.0}),
        ({}, "dropout", 0.2),
        ({}, "clip_norm", 0.1),
        ({"solver": "lbfgs"}, "alpha", 0.1),
        ({"solver": "lbfgs"}, "max_fun", 2),
        ({"solver": "lbfgs"}, "tol", 1.0),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_no_setting_is_ignored(blobs, settings, name, value):
    X, y = blobs
    settings = {"max_iter": 3, "batch_size": 32, "random_state": 0} | settings
    one, other = (
        MLPClassifier((6,), **settings | change).fit(X, y).coefs_[0]
        for change in ({}, {name: value})
    )
    assert not np.array_equal(one, other)


@unconverged
def test_the_first_weights_are_drawn_as_asked_or_given(blobs):
    X, y = blobs
    rare = {"learning_rate_init": 1e-300, "max_iter": 1, "random_state": 0}
    wide = MLPClassifier((500,), initialisation="he_normal", **rare).fit(X, y)
    assert wide.coefs_[0].std() == pytest.approx(np.sqrt(2 / 4), rel=0.05)
    assert np.abs(wide.intercepts_[0]).max() < 1e-200  # but for one tiny step, 0
    plain = MLPClassifier((500,), **rare).fit(X, y)
    assert plain.coefs_[0].std() == pytest.approx(np.sqrt(2 / 504), rel=0.05)
    again = MLPClassifier((500,), initialisation=(plain.coefs_, plain.intercepts_), **rare)
    assert np.array_equal(again.fit(X, y).predict_proba(X), plain.predict_proba(X))
    with pytest.raises(ValueError, match=r"'initialisation' parameter.*W1 must have shape"):
        MLPClassifier((7,), initialisation=(plain.coefs_, plain.intercepts_)).fit(X, y)
    with pytest.raises(ValueError, match="'initialisation' parameter"):
        MLPClassifier(initialisation="zeros").fit(X, y)


# -- validation -------------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", ["accuracy", "loss"])
def test_early_stopping_keeps_the_best_epoch(scoring):
    X, y = make_blobs(400, 4, centers=3, cluster_std=6, random_state=0)
    best = {}

    def remember(epoch):
        score = epoch.validation_accuracy if scoring == "accuracy" else -epoch.validation_loss
        rank = (score, -epoch.validation_loss)
        if rank > best.get("rank", (-np.inf, -np.inf)):
            best.update(rank=rank, W=model.coefs_[0].copy())

    model = MLPClassifier(
        early_stopping=True,
        scoring=scoring,
        random_state=1,
        n_iter_no_change=5,
        learning_rate_init=0.02,
        on_epoch=remember,
    )
    model.fit(X, y)
    assert model.history_.reason == "patience"
    assert np.array_equal(model.coefs_[0], best["W"])
    assert model.best_validation_score_ == best["rank"][0] == max(model.validation_scores_)
    assert model.best_loss_ is None


def test_own_validation_rows_are_watched(blobs):
    X, y = blobs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLPClassifier(max_iter=4, random_state=0)
        recorded = model.fit(X[:150], y[:150], X_val=X[150:], y_val=y[150:])
        alone = clone(model).fit(X[:150], y[:150])
    assert recorded.history_.column("validation_accuracy")[-1] == recorded.score(X[150:], y[150:])
    assert np.array_equal(recorded.coefs_[0], alone.coefs_[0])  # recorded only, not watched


def test_a_validation_label_that_was_never_trained_is_refused(blobs):
    X, y = blobs
    with pytest.raises(DataError, match="7"):
        MLPClassifier().fit(X, y, X_val=X[:3], y_val=[0, 1, 7])


def test_every_class_is_held_back_by_its_share_and_none_vanishes():
    X = np.random.default_rng(0).normal(size=(101, 3))
    y = np.array(["common"] * 90 + ["seldom"] * 10 + ["once"])
    model = MLPClassifier(early_stopping=True, random_state=0).fit(X, y)
    assert list(model.classes_) == ["common", "once", "seldom"]
    assert model.t_ / model.n_iter_ == 101 - 9 - 1


@unconverged
def test_the_encoding_learns_nothing_from_rows_held_back():
    frame = pd.DataFrame({"another": [f"r{i}" for i in range(100)]})
    kinds = {"another": "category"}
    model = MLPClassifier(early_stopping=True, max_iter=1, kinds=kinds)
    model.fit(frame, np.arange(100) % 2)
    assert model.t_ == len(model.model_.encoder.levels[0]) == 90


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_too_few_rows_to_hold_back_are_all_trained_on():
    with pytest.warns(UserWarning, match="validation_fraction=0.1 of 3 rows"):
        model = MLPClassifier(early_stopping=True).fit([[0.0], [1.0], [2.0]], [0, 1, 1])
    assert model.t_ == 3 * model.n_iter_
    with pytest.raises(ValueError, match="'validation_fraction' must be above 0"):
        MLPClassifier(early_stopping=True, validation_fraction=0).fit([[0.0], [1.0]], [0, 1])


# -- raw tables -------------------------------------------------------------------------------


@pytest.mark.parametrize("convert", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
def test_a_raw_table_is_learnt_and_kept_by_name(frame, convert, tmp_path):
    X, y = frame
    table = convert(X)
    model = MLPClassifier((16,), solver="lbfgs", random_state=0, max_iter=500, alpha=1e-2).fit(
        table, y
    )
    assert model.score(table, y) > 0.9
    assert list(model.feature_names_in_) == ["mass", "island", "tagged"]
    assert model.model_.encoder.input_names[:3] == ["mass", "tagged", "mass is missing"]
    model.save(tmp_path / "model.safetensors")
    loaded = MLPClassifier.load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict_proba(table), model.predict_proba(table))
    assert loaded.predict(table).tolist() == model.predict(table).tolist()
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.predict(X[["island", "mass", "tagged"]])


def test_numbers_can_be_declared_categories(frame):
    X, y = frame
    X = X.assign(code=np.arange(len(X)) % 3)
    model = MLPClassifier(max_iter=1, categorical_features=["code"])
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert {"code=0", "code=1", "code=2"} <= set(model.model_.encoder.input_names)


def test_without_preprocessing_the_network_sees_the_numbers_themselves(blobs):
    X, y = blobs
    model = MLPClassifier((5,), preprocess=None, solver="lbfgs", random_state=0).fit(X, y)
    hidden = np.maximum(0, X @ model.coefs_[0] + model.intercepts_[0])
    scores = hidden @ model.coefs_[1] + model.intercepts_[1]
    np.testing.assert_allclose(model.decision_function(X), scores, rtol=1e-10)
    with pytest.raises(ValueError, match="NaN"):
        model.predict(np.full((1, 4), np.nan))


def test_with_preprocessing_scale_and_missing_cells_do_not_matter(blobs):
    X, y = blobs
    scaled = X * [1e-9, 1.0, 1e12, 1e100] + [0, 1e6, 0, 0]
    scaled[5, 2] = np.nan
    model = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(scaled, y)
    assert model.score(scaled, y) > 0.9


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.coo_matrix, sparse.csc_array])
def test_sparse_rows_equal_dense_ones(blobs, kind):
    X, y = blobs
    X = np.where(X > 1, X, 0)
    settings = {"solver": "lbfgs", "random_state": 0, "preprocess": None, "max_iter": 50}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        dense = MLPClassifier((6,), **settings).fit(X, y)
        thin = MLPClassifier((6,), **settings).fit(kind(X), y)
    np.testing.assert_allclose(thin.predict_proba(kind(X)), dense.predict_proba(X), atol=1e-12)
    assert np.array_equal(thin.predict_proba(kind(X)), thin.predict_proba(X))


@pytest.mark.parametrize(
    ("dtype", "given", "expected"),
    [
        ("auto", np.float32, np.float32),
        ("auto", np.float64, np.float64),
        ("auto", np.int64, np.float64),
        ("float32", np.float64, np.float32),
        ("float64", np.float32, np.float64),
    ],
)
@unconverged
def test_the_precision_is_that_of_the_input_or_the_one_asked_for(blobs, dtype, given, expected):
    X, y = blobs
    model = MLPClassifier(max_iter=2, dtype=dtype).fit((100 * X).astype(given), y)
    assert {W.dtype for W in model.coefs_} == {np.dtype(expected)}
    assert model.predict_proba((100 * X).astype(given)).dtype == expected


# -- labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        ["007", "7"],
        [-(2**62), 2**62],
        [True, False],
        [0.0, 1.0],
        np.array(["2026-01-01", "2026-11-22"], dtype="datetime64[D]"),
        np.array([1, 2], dtype=np.uint8),
    ],
)
@unconverged
def test_labels_come_back_exactly(labels, tmp_path):
    y = np.array(labels)[np.arange(20) % 2]
    model = MLPClassifier((3,), max_iter=2).fit(np.arange(20.0)[:, None], y)
    assert model.classes_.dtype == y.dtype
    assert set(model.predict(np.arange(20.0)[:, None]).tolist()) <= set(y.tolist())
    model.save(tmp_path / "model")
    loaded = MLPClassifier.load(tmp_path / "model")
    assert loaded.classes_.dtype == y.dtype
    assert loaded.classes_.tolist() == model.classes_.tolist()


# -- keeping ----------------------------------------------------------------------------------


@unconverged
def test_a_loaded_model_can_train_on_and_be_pickled(blobs, tmp_path):
    X, y = blobs
    model = MLPClassifier((4,), max_iter=2, random_state=0).fit(X, y)
    model.save(tmp_path / "model")
    loaded = MLPClassifier.load(tmp_path / "model")
    before = loaded.coefs_[0].copy()
    loaded.partial_fit(X, y)
    assert not np.array_equal(loaded.coefs_[0], before)
    again = pickle.loads(pickle.dumps(loaded))
    assert np.array_equal(again.predict_proba(X), loaded.predict_proba(X))
    again.partial_fit(X, y)
    assert not np.array_equal(again.coefs_[0], loaded.coefs_[0])


def test_an_unfitted_estimator_neither_predicts_nor_saves(tmp_path):
    with pytest.raises(NotFittedError):
        MLPClassifier().predict([[1.0]])
    with pytest.raises(NotFittedError):
        MLPClassifier().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


# -- what is refused --------------------------------------------------------------------------

X = np.arange(12.0).reshape(6, 2)
y = np.array([0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": (2.5,)}, "2.5 at position 0"),
        ({"hidden_layer_sizes": (4, True)}, "True at position 1"),
        ({"hidden_layer_sizes": (0,)}, "0 at position 0"),
        ({"hidden_layer_sizes": ("64",)}, "'64' at position 0"),
        ({"activation": "swish"}, "'activation' parameter"),
        ({"solver": "lion"}, "'solver' parameter"),
        ({"alpha": -1}, "'alpha' parameter"),
        ({"learning_rate_init": np.nan}, "'learning_rate_init' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"preprocess": "standard"}, "'preprocess' parameter"),
        ({"dtype": "float16"}, "'dtype' parameter"),
        ({"scoring": "auc"}, "'scoring' parameter"),
        ({"class_weight": "even"}, "'class_weight' parameter"),
        ({"on_epoch": 3}, "'on_epoch' parameter"),
        ({"learning_rate": "cyclic"}, "'learning_rate' parameter"),
        ({"activation": ["relu", "tanh"]}, "'activation' parameter"),
        ({"activation": ["swish"]}, "'activation' parameter"),
        ({"dropout": 1.0}, "'dropout' parameter"),
        ({"dropout": [0.1, 0.2]}, "'dropout' parameter"),
        ({"clip_norm": 0}, "'clip_norm' parameter"),
        ({"label_smoothing": 1}, "'label_smoothing' parameter"),
        ({"weight_decay": -1}, "'weight_decay' parameter"),
        ({"n_ensemble": 0}, "'n_ensemble' parameter"),
        ({"calibration": "isotonic"}, "'calibration' parameter"),
        ({"learning_rate_init": True}, "'learning_rate_init' parameter"),
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout"),
        ({"solver": "lbfgs", "clip_norm": 1.0}, "clip_norm"),
        ({"random_state": "x"}, "'random_state' parameter"),
    ],
)
def test_a_bad_parameter_is_named_before_anything_is_trained(parameters, message):
    model = MLPClassifier(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "model_")


@pytest.mark.parametrize(
    ("X", "y", "weight", "error", "message"),
    [
        ("table.csv", y, None, TypeError, "handgrad.read_table"),
        ({"a": 1.0}, y, None, TypeError, r"dict of single cells is one row. Pass .*\[row\]"),
        (None, y, None, ValueError, "None"),
        (X, None, None, ValueError, "y is None"),
        (np.where(X == 7, np.inf, X), y, None, ValueError, "infinity|finite"),
        (X.astype(complex), y, None, ValueError, "Complex data not supported"),
        (X, y[:5], None, ValueError, "inconsistent numbers of samples"),
        (X, np.eye(6) / 3, None, ValueError, "row 1, column 1.*argmax"),
        (X, np.linspace(0, 1, 6), None, ValueError, "continuous"),
        (X, np.array(["a", None] * 3, dtype=object), None, ValueError, "row 2"),
        (X, np.array(["a", 1] * 3, dtype=object), None, (TypeError, ValueError), "mix"),
        (X, y, [1, 1, 1, -1, 1, 1], ValueError, "must not be negative; got -1 in row 4"),
        (X, y, np.zeros(6), ValueError, "(?i)weight.*zero"),
        (X, y, [1, np.nan, 1, 1, 1, 1], ValueError, "NaN"),
        (X, y, np.ones(5), ValueError, "sample_weight"),
        (sparse.csr_array(np.where(X == 7, np.nan, X)), y, None, ValueError, "NaN"),
    ],
)
def test_data_that_cannot_be_used_is_refused_before_anything_is_trained(
    X, y, weight, error, message
):
    model = MLPClassifier()
    with pytest.raises(error, match=message):
        model.fit(X, y, sample_weight=weight)
    assert not hasattr(model, "model_")


def test_partial_fit_says_what_it_needs():
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match="distinct"):
        MLPClassifier().partial_fit(X, y, classes=[0, 1, 1])
    model = MLPClassifier().partial_fit(X, y, classes=[0, 1])
    before = model.coefs_[0].copy()
    with pytest.raises(DataError, match="7"):
        model.partial_fit(X, [0, 1, 0, 1, 0, 7])
    with pytest.raises(ValueError, match="first call"):
        model.partial_fit(X, y, classes=[0, 2])
    assert np.array_equal(model.coefs_[0], before)
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")


def test_a_batch_larger_than_the_data_is_all_of_it():
    with pytest.warns(UserWarning, match="batch_size=50 is more than the 6"):
        MLPClassifier(batch_size=50, on_epoch=lambda _: True).fit(X, y)


def test_zero_weights_equal_missing_rows_and_huge_weights_are_harmless(blobs):
    X, y = blobs
    weight = np.tile([0.0, 1.0, 2.0, 1.0], 50)
    settings = {"random_state": 0, "on_epoch": lambda epoch: epoch.epoch == 20}
    weighted = MLPClassifier((5,), **settings).fit(X, y, weight)
    repeated = MLPClassifier((5,), **settings).fit(
        np.repeat(X, weight.astype(int), axis=0), np.repeat(y, weight.astype(int))
    )
    huge = MLPClassifier((5,), **settings).fit(X, y, 1e307 * weight)
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-9)
    np.testing.assert_allclose(weighted.predict_proba(X), huge.predict_proba(X), rtol=1e-9)


@unconverged
def test_a_row_of_weight_zero_fills_no_batch_and_makes_no_class(blobs):
    X, y = blobs
    there = np.arange(200) % 4 > 0
    settings = {"batch_size": 32, "max_iter": 3, "random_state": 0}
    weighted = MLPClassifier((5,), **settings).fit(X, np.where(there, y, 7), there)
    without = MLPClassifier((5,), **settings).fit(X[there], y[there])
    assert list(weighted.classes_) == [0, 1, 2]
    assert weighted.t_ == without.t_
    np.testing.assert_allclose(weighted.predict_proba(X), without.predict_proba(X), rtol=1e-12)


# -- what must not go wrong again -------------------------------------------------------------


def test_a_fit_that_fails_leaves_the_model_as_it_was(blobs):
    X, y = blobs
    model = MLPClassifier((5,), solver="lbfgs", random_state=0).fit(X, y)
    model.set_params(solver="adam")
    before = model.predict_proba(X)
    for arguments in ({"X_val": X[:, :2], "y_val": y}, {"sample_weight": -np.ones(len(y))}):
        with pytest.raises(ValueError):  # noqa: PT011 - which error is another test's matter
            model.fit(X, y, **arguments)
        assert np.array_equal(model.predict_proba(X), before)
    with pytest.raises(DivergenceError):
        model.set_params(solver="sgd", learning_rate_init=1e300).fit(X[:, :2], y)
    assert np.array_equal(model.predict_proba(X), before)


@unconverged
def test_a_matrix_at_fit_and_a_frame_at_predict_go_by_position(blobs):
    X, y = blobs
    model = MLPClassifier((5,), max_iter=2, random_state=0).fit(X, y)
    frame = pd.DataFrame(X, columns=["x3", "x2", "x1", "x0"])
    with pytest.warns(UserWarning, match="fitted without feature names"):
        assert np.array_equal(model.predict_proba(frame), model.predict_proba(X))


@unconverged
def test_a_model_of_sparse_rows_refuses_holes_in_dense_ones(blobs):
    X, y = blobs
    model = MLPClassifier((5,), max_iter=2).fit(sparse.csr_array(X), y)
    with pytest.raises(ValueError, match="NaN"):
        model.predict(np.where(np.arange(4) == 1, np.nan, X))


@unconverged
def test_going_on_holds_back_the_same_rows(blobs):
    X, y = blobs
    model = MLPClassifier((5,), max_iter=1, early_stopping=True, warm_start=True, random_state=0)
    first = model.fit(X, y).held_back_
    assert np.array_equal(first, model.fit(X, y).held_back_)
    assert len(first)


@unconverged
def test_going_on_with_another_network_is_refused(blobs):
    model = MLPClassifier((5,), max_iter=1, warm_start=True).fit(*blobs)
    for change in ({"hidden_layer_sizes": (6,)}, {"activation": "tanh"}):
        with pytest.raises(ValueError, match="warm_start=False"):
            model.set_params(**change).fit(*blobs)
        model.set_params(hidden_layer_sizes=(5,), activation="relu")
    for change in ({"dtype": "float32"}, {"label_smoothing": 0.1}):
        (name,) = change
        with pytest.raises(ValueError, match=f"{name}=.*warm_start=False"):
            clone(model).fit(*blobs).set_params(**change).partial_fit(*blobs)
    model.set_params(activation=["relu"], dtype="float64").fit(*blobs)


@unconverged
def test_training_after_loading_follows_the_seed(blobs, tmp_path):
    X, y = blobs
    MLPClassifier((5,), max_iter=1, random_state=0).fit(X, y).save(tmp_path / "model")

    def trained():
        model = MLPClassifier.load(tmp_path / "model").set_params(random_state=1, batch_size=10)
        return model.partial_fit(X, y).coefs_[0]

    assert np.array_equal(trained(), trained())


def test_validation_rows_are_refused_where_they_mean_nothing(blobs, frame):
    X, y = blobs
    with pytest.raises(ValueError, match="go together"):
        MLPClassifier().fit(X, y, y_val=y)
    with pytest.raises(ValueError, match="lbfgs"):
        MLPClassifier(solver="lbfgs").fit(X, y, X_val=X, y_val=y)
    table, species = frame
    with pytest.raises(ValueError, match=r"must have rows|0 sample"):
        MLPClassifier().fit(table, species, X_val=table[:0], y_val=species[:0])


@pytest.mark.parametrize(
    "labels", [[2**40, 1], [True, False], ["a", "a\0"]], ids=["whole", "yes or no", "NUL"]
)
@unconverged
def test_labels_in_lists_and_in_objects_are_exact(labels):
    X = np.arange(4.0)[:, None]
    for y in (labels * 2, np.array(labels * 2, dtype=object)):
        model = MLPClassifier((2,), max_iter=1).fit(X, y)
        assert model.classes_.tolist() == sorted(labels)
