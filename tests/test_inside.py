"""What an estimator shows of itself: ensembles, layers, dead units, calibration, growth, record."""

import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import threadpoolctl
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, load_wine, make_blobs
from sklearn.metrics import log_loss

from handgrad import DivergenceWarning, MLPClassifier, MLPRegressor
from handgrad.engines.compiled.backend import missing
from handgrad.estimators.growth import grow
from handgrad.estimators.labels import Labels
from handgrad.models.calibration import calibration_error, fit_temperature
from handgrad.network import Architecture
from handgrad.params import Params, count
from handgrad.training.run import Run

pytestmark = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture
def noisy():
    return make_blobs(600, 5, centers=3, cluster_std=6, random_state=0)


# -- ensembles --------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_first_network_is_the_single_one_and_probabilities_are_averaged(iris, solver):
    X, y = iris
    settings = {"solver": solver, "max_iter": 4, "random_state": 0, "batch_size": 32}
    single = MLPClassifier((4,), **settings).fit(X, y)
    three = MLPClassifier((4,), n_ensemble=3, **settings).fit(X, y)
    assert all(map(np.array_equal, three.coefs_, single.coefs_))
    assert three.loss_ == single.loss_
    networks = [three.model_.params, *three.model_.members]
    assert len({params.flat.tobytes() for params in networks}) == 3
    alone = clone(single).fit(X, y)
    each = []
    for params in networks:
        alone.model_.params.flat[...] = params.flat
        each.append(alone.predict_proba(X))
    np.testing.assert_allclose(three.predict_proba(X), np.mean(each, axis=0), rtol=1e-12)
    np.testing.assert_array_equal(three.predict(X), np.mean(each, axis=0).argmax(axis=1))


def test_an_ensemble_of_two_classes_of_numbers_and_of_labels_is_averaged(iris):
    X, y = iris
    for target in (y == 1, np.column_stack([y == 0, y == 1]).astype(int)):
        model = MLPClassifier((4,), n_ensemble=2, max_iter=3, random_state=0).fit(X, target)
        first = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, target)
        a = first.predict_proba(X)
        first.model_.params.flat[...] = model.model_.members[0].flat
        b = first.predict_proba(X)
        np.testing.assert_allclose(model.predict_proba(X), (a + b) / 2, rtol=1e-11)
    model = MLPRegressor(n_ensemble=2, max_iter=3, random_state=0).fit(X, y)
    first = MLPRegressor(max_iter=3, random_state=0).fit(X, y)
    a = first.predict(X)
    first.model_.params.flat[...] = model.model_.members[0].flat
    np.testing.assert_allclose(model.predict(X), (a + first.predict(X)) / 2, rtol=1e-12)


def test_an_ensemble_is_kept_in_one_file_and_goes_on(iris, tmp_path):
    X, y = iris
    model = MLPClassifier((4,), n_ensemble=3, max_iter=4, random_state=0, warm_start=True)
    model.fit(X, y).save(tmp_path / "model")
    loaded = MLPClassifier.load(tmp_path / "model")
    assert loaded.n_ensemble == 3
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    loaded.partial_fit(X, y)
    whole = clone(model).set_params(max_iter=8).fit(X, y)
    assert np.array_equal(model.fit(X, y).predict_proba(X), whole.predict_proba(X))
    assert [len(history) for history in model.histories_] == [8, 8, 8]
    with pytest.raises(ValueError, match="n_ensemble=3"):
        model.set_params(n_ensemble=2).fit(X, y)


def test_an_interrupt_leaves_the_networks_that_have_learnt(iris):
    seen = []

    def interrupt(epoch):
        seen.append(epoch)
        if len(seen) == 7:
            raise KeyboardInterrupt

    model = MLPClassifier((4,), n_ensemble=4, max_iter=3, on_epoch=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*iris)
    assert len(model.model_.members) == 2
    assert np.isfinite(model.predict_proba(iris[0])).all()


# -- layers -----------------------------------------------------------------------------------


def test_transform_gives_what_each_layer_makes_of_a_row(iris):
    X, y = iris
    model = MLPClassifier((6, 4), activation="tanh", max_iter=5, random_state=0).fit(X, y)
    inputs = (X - X.mean(axis=0)) / X.std(axis=0)
    first = np.tanh(inputs @ model.coefs_[0] + model.intercepts_[0])
    last = np.tanh(first @ model.coefs_[1] + model.intercepts_[1])
    np.testing.assert_allclose(model.transform(X, layer=0), inputs, atol=1e-12)
    np.testing.assert_allclose(model.transform(X, layer=1), first, atol=1e-12)
    np.testing.assert_allclose(model.transform(X), last, atol=1e-12)
    np.testing.assert_allclose(model.transform(X, layer=2), last, atol=1e-12)
    scores = last @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_allclose(model.decision_function(X), scores, atol=1e-12)
    assert np.array_equal(model.transform(X[7:8])[0], model.transform(X)[7])
    assert list(model.get_feature_names_out()) == [f"mlpclassifier{i}" for i in range(4)]
    for layer in (3, -4, 1.5):
        with pytest.raises(ValueError, match="from -3 to 2"):
            model.transform(X, layer=layer)


def test_dead_units_are_counted_and_many_are_told_of(iris):
    X, y = iris
    model = MLPClassifier((10,), max_iter=2, warm_start=True, random_state=0).fit(X, y)
    model.intercepts_[0][:3] = -100
    model.fit(X, y)
    assert model.dead_units_ == [0.3]
    model.intercepts_[0][:7] = -100
    with pytest.warns(UserWarning, match="70% of the units of hidden layer 1 are dead"):
        model.fit(X, y)
    assert MLPClassifier((3,), activation="tanh", max_iter=1).fit(X, y).dead_units_ == [0.0]


def test_summary_and_notebooks_show_the_layers(iris):
    X, y = iris
    model = MLPClassifier((6, 4), max_iter=1)
    assert "parameters" not in model._repr_html_()[-200:]
    model.fit(X, y)
    text = model.summary()
    assert "hidden 2" in text
    assert "73 parameters in float64, 584 bytes" in text  # 4 x 6 + 6 + 6 x 4 + 4 + 4 x 3 + 3
    assert "hidden 2" in model._repr_html_()
    assert re.split("  +", text.splitlines()[2])[-2:] == ["30", "240"]  # W and b of hidden 1
    several = MLPClassifier((6, 4), max_iter=1, n_ensemble=3).fit(X, y)
    assert "3 networks of 73 parameters in float64, 1,752 bytes" in several.summary()


@pytest.mark.parametrize(
    ("columns", "computes"),
    [("ab", "standardised"), ("c", "one-hot"), ("abc", "standardised, one-hot")],
)
def test_the_summary_says_what_becomes_of_the_columns(columns, computes):
    table = pd.DataFrame({"a": range(6), "b": [0, 1, 1, 0, 1, 2], "c": list("xyzxyz")})
    model = MLPClassifier((2,), max_iter=1).fit(table[list(columns)], [0, 1] * 3)
    first = model.summary().splitlines()[1]
    assert re.split("  +", first)[:2] == [f"{len(columns)} columns", computes]
    raw = MLPClassifier((2,), max_iter=1, preprocess=None).fit(table[["a", "b"]], [0, 1] * 3)
    assert "as they are" in raw.summary()


# -- probabilities ----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_temperature_mends_probabilities_and_changes_no_prediction(noisy, solver, tmp_path):
    X, y = noisy
    settings = {"solver": solver, "max_iter": 200, "learning_rate_init": 0.02, "random_state": 0}
    sure = MLPClassifier((50,), **settings).fit(X[:200], y[:200])
    mended = MLPClassifier((50,), calibration="temperature", **settings)
    mended.fit(X[:200], y[:200], X_val=X[200:400], y_val=y[200:400])
    rest, truth = X[400:], y[400:]
    assert mended.temperature_ > 1.5
    assert np.array_equal(mended.predict(rest), sure.predict(rest))
    assert log_loss(truth, mended.predict_proba(rest)) < log_loss(truth, sure.predict_proba(rest))
    errors = [model.expected_calibration_error(rest, truth) for model in (mended, sure)]
    assert errors[0] < errors[1] / 2
    np.testing.assert_allclose(
        mended.decision_function(rest) * mended.temperature_, sure.decision_function(rest)
    )
    mended.save(tmp_path / "model")
    loaded = MLPClassifier.load(tmp_path / "model")
    assert np.array_equal(loaded.predict_proba(rest), mended.predict_proba(rest))


def test_calibration_holds_rows_back_of_its_own_accord(noisy):
    X, y = noisy
    model = MLPClassifier((5,), calibration="temperature", max_iter=3, random_state=0).fit(X, y)
    assert model.t_ / model.n_iter_ == 540
    assert model.temperature_ != 1
    with pytest.raises(ValueError, match="'validation_fraction' must be above 0"):
        model.set_params(validation_fraction=0.0).fit(X, y)


def test_a_temperature_ends_with_its_fit(noisy):
    X, y = noisy
    model = MLPClassifier((5,), calibration="temperature", max_iter=3, random_state=0).fit(X, y)
    model.set_params(calibration=None, warm_start=True).fit(X, y)
    assert model.temperature_ == 1


def test_the_temperature_found_is_the_best_there_is(rng):
    score = 5 * rng.normal(size=(300, 4))
    y_t = (score + 5 * rng.normal(size=(300, 4))).argmax(axis=1)
    best = fit_temperature("softmax", score, y_t)

    def loss(t):
        log_y = log_softmax(score / t, axis=1)  # SciPy's
        rows = -log_y[np.arange(300), y_t].sum()
        return rows - log_y.mean()  # the pseudo-row has the scores of the mean row

    found = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9})
    assert best == pytest.approx(found.x, rel=1e-6)


def test_a_few_rows_that_are_all_right_make_nothing_certain():
    """Where nothing was wrong, the plain loss falls for ever as the temperature does."""
    sure = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
    y_t = np.array([0, 1, 0])  # three rows and a pseudo-row: right 3.5 times of 4
    assert fit_temperature("softmax", sure, y_t) == pytest.approx(1 / np.log(7))
    score = sure[:, 1:] - sure[:, :1]
    once = fit_temperature("logistic", score[:2], y_t[:2, None])  # right 2.5 times of 3
    assert once == pytest.approx(1 / np.log(5))
    twice = np.tile(sure, (2, 1))
    assert fit_temperature("softmax", twice, np.tile(y_t, 2)) == pytest.approx(1 / np.log(7))
    weight = np.full(3, 1e300)
    assert fit_temperature("softmax", sure, y_t, weight) == pytest.approx(1 / np.log(7))


def test_a_temperature_stays_in_its_range():
    sure, y_t = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1])
    assert fit_temperature("softmax", 1e-3 * sure, y_t) == 1e-2
    assert fit_temperature("softmax", sure, 1 - y_t) == 1e2
    assert fit_temperature("softmax", np.ones((2, 2)), y_t) == 1


def test_the_calibration_error_of_known_cases():
    right = np.array([True] * 8 + [False] * 2)
    assert calibration_error(right, np.full(10, 0.8)) == pytest.approx(0)
    assert calibration_error(right, np.full(10, 1.0)) == pytest.approx(0.2)
    halves = calibration_error(np.array([True, False]), np.array([0.6, 0.9]), np.array([3.0, 1.0]))
    assert halves == pytest.approx((3 * 0.4 + 0.9) / 4)
    with pytest.raises(ValueError, match="n_bins must be at least 1"):
        calibration_error(right, np.full(10, 0.8), n_bins=0)


# -- more classes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"), [("a", "ab"), ("a", "abc"), ("bc", "abc"), ("ac", "abcd")]
)
@pytest.mark.parametrize("n_ensemble", [1, 2])
def test_the_output_layer_grows_when_more_classes_are_named(noisy, before, after, n_ensemble):
    X, _ = noisy
    y = np.array(list(after))[np.arange(600) % len(after)]
    old = np.isin(y, list(before))
    model = MLPClassifier((8,), random_state=0, learning_rate_init=0.01, n_ensemble=n_ensemble)
    for _ in range(3):
        model.partial_fit(X[old], y[old], classes=list(before))
    known, rows_seen = model.predict_proba(X), model.t_
    model.set_params(learning_rate_init=1e-300)  # looks at the growth alone
    model.partial_fit(X, y, classes=list(after))
    assert list(model.classes_) == list(after)
    assert model.t_ == rows_seen + 600
    columns = [after.index(label) for label in before]
    grown = model.predict_proba(X)[:, columns]
    if n_ensemble == 1:
        np.testing.assert_allclose(grown / grown.sum(axis=1, keepdims=True), known, rtol=1e-9)
    model.set_params(learning_rate_init=0.01).partial_fit(X, y)
    assert model.predict_proba(X).shape == (600, len(after))


def test_growth_keeps_the_memory_of_the_optimiser(iris):
    X, y = iris
    model = MLPClassifier((4,), random_state=0)
    for _ in range(3):
        model.partial_fit(X[:100], y[:100] + 1, classes=[1, 2])
    before = model._fit_.runs[0]
    grown = Labels.of(model).continued(model._fit_, y, np.array([0, 1, 2]), is_stream=True)
    after = grown.runs[0]
    assert after.updates == before.updates == 3
    for old, new in zip(before.slots, after.slots, strict=True):
        old, new = before.params.like(old), after.params.like(new)
        assert np.array_equal(new.W[0], old.W[0])
        assert np.array_equal(new.W[1][:, 2], old.W[1][:, 0])
        assert not new.W[1][:, :2].any()


def test_the_only_class_there_was_is_weighed_against_the_new_one(rng):
    units = (3, 4, 1)
    architecture = Architecture(units, "relu", output="softmax")

    def grown(params):
        run = Run.start(params, np.random.PCG64(0))
        return grow(architecture, run, np.array([0]), 2)[1].params

    params = Params.view(rng.standard_normal(count(units)), units)
    scoreless = params.copy()
    scoreless.W[-1][:], scoreless.b[-1][:] = 0, 0
    np.testing.assert_allclose(grown(params).W[-1], grown(scoreless).W[-1] - params.W[-1])
    np.testing.assert_allclose(grown(params).b[-1], grown(scoreless).b[-1] - params.b[-1])


def test_classes_that_do_not_hold_the_old_ones_are_refused(iris):
    X, y = iris
    model = MLPClassifier((4,)).partial_fit(X[:100], y[:100], classes=[0, 1])
    before = model.predict_proba(X)
    for classes in ([1, 2], [0, 2, 3], [0]):
        with pytest.raises(ValueError, match="or these and more"):
            model.partial_fit(X[:100], y[:100], classes=classes)
    assert np.array_equal(model.predict_proba(X), before)


# -- the record -------------------------------------------------------------------------------


def test_the_record_reads_as_one_dictionary_an_epoch(iris):
    X, y = iris
    model = MLPClassifier((4,), max_iter=3, scoring="f1_macro").fit(X, y, X_val=X, y_val=y)
    rows = model.history_.rows()
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    wanted = {"loss", "accuracy", "penalty", "validation_loss", "validation_score", "seconds"}
    assert wanted | {"learning_rate"} <= set(rows[0])


def test_verbose_draws_a_bar_in_a_terminal(iris, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    MLPClassifier((4,), max_iter=3, verbose=True, early_stopping=True).fit(*iris)
    out = capsys.readouterr().out
    assert "Iteration" not in out
    assert "3/3" in out


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_of_scikit_learn_see_every_epoch_and_may_stop(iris, solver):
    pytest.importorskip("sklearn.callback")
    X, y = iris

    class Watch:
        def __init__(self):
            self.tasks, self.down = [], 0

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            self.down += 1

        def on_fit_task_begin(self, estimator, context, **_):
            pass

        def on_fit_task_end(self, estimator, context, **given):
            self.tasks.append((context.task_name, estimator.n_iter_))
            return context.task_name == "epoch" and estimator.n_iter_ == 4

    watch = Watch()
    model = MLPClassifier((4,), solver=solver, max_iter=9).set_callbacks(watch).fit(X, y)
    assert model.n_iter_ == 4
    assert watch.tasks == [("epoch", 1), ("epoch", 2), ("epoch", 3), ("epoch", 4), ("fit", 4)]
    assert watch.down == 1


def test_a_callback_may_keep_the_network_of_each_epoch(iris):
    pytest.importorskip("sklearn.callback")
    X, y = iris
    kept = []

    class Keep:
        def setup(self, estimator, context):
            pass

        teardown = on_fit_task_begin = lambda self, estimator, context, **_: None

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            kept.append(fitted_estimator)

    model = MLPClassifier((4,), max_iter=3, random_state=0).set_callbacks(Keep()).fit(X, y)
    flats = [one.model_.params.flat for one in kept]
    assert not np.array_equal(flats[0], flats[1])
    assert not np.array_equal(flats[1], flats[2])
    assert np.array_equal(flats[2], model.model_.params.flat)


def test_the_scores_that_scikit_learns_monitor_logs_are_those_of_each_epoch(iris):
    callback = pytest.importorskip("sklearn.callback")
    X, y = iris
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = MLPClassifier((4,), max_iter=3, random_state=0).set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs()
    assert model.score(X, y) == list(_scores(log))[-1]


def _scores(log):
    frame = log.data if hasattr(log, "data") else log
    for row in frame if isinstance(frame, list) else frame.to_dict("records"):
        yield from (value for key, value in row.items() if "accuracy" in str(key) or key == "score")


# -- explosions -------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1e3, 1e6])
def test_a_finite_explosion_is_told_of_and_flagged(iris, rate):
    model = MLPClassifier(solver="sgd", learning_rate_init=rate, max_iter=50, random_state=0)
    with pytest.warns(DivergenceWarning, match="Lower the learning rate"):
        model.fit(*iris)
    assert model.diverged_


def test_ordinary_fits_raise_no_alarm():
    X, y = load_diabetes(return_X_y=True)
    iris = load_iris(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DivergenceWarning)
        for seed in range(25):  # 200 fits
            settings = {"max_iter": 15, "random_state": seed, "batch_size": 32}
            for solver in ("adam", "sgd"):
                for rate in (1e-3, 1e-2):
                    chosen = settings | {"solver": solver, "learning_rate_init": rate}
                    assert not MLPClassifier((20,), **chosen).fit(*iris).diverged_
                    assert not MLPRegressor(**chosen).fit(X, y).diverged_
        raw = MLPRegressor(scale_target=False, max_iter=15, random_state=0)
        assert not raw.fit(X, 1000 + y).diverged_


def test_a_loss_that_falls_from_far_above_chance_is_no_explosion():
    X, y = load_wine(return_X_y=True)  # a column near 1000, and nothing scales it
    counts = np.abs(X[:, 0] - 13).round()
    with warnings.catch_warnings():
        warnings.simplefilter("error", DivergenceWarning)
        model = MLPClassifier(preprocess=None, random_state=0, max_iter=20).fit(X, y)
        assert min(model.loss_curve_[:3]) > 10 * np.log(3)
        assert not model.diverged_
        model = MLPRegressor(loss="poisson", preprocess=None, random_state=0, max_iter=3)
        assert not model.fit(X / 100, counts).diverged_
    with pytest.warns(DivergenceWarning):
        MLPClassifier((), solver="sgd", learning_rate_init=1e3, preprocess=None).fit(X, y)


# -- the same bits ----------------------------------------------------------------------------

FIT = """
import hashlib, warnings
import pandas as pd
from sklearn.datasets import load_iris
from handgrad import MLPClassifier, MLPRegressor
warnings.simplefilter("ignore")
X, y = load_iris(return_X_y=True, as_frame=True)
X = X.assign(kind=[f"k{i % 7}" for i in range(150)])
settings = dict(max_iter=5, random_state=0, batch_size=16, dropout=0.2, early_stopping=True)
model = MLPClassifier((20,), n_ensemble=2, calibration="temperature", **settings).fit(X, y)
numbers = MLPRegressor(loss="huber", **settings).fit(X, y * 1000.0)
answers = model.predict_proba(X).tobytes() + numbers.predict(X).tobytes()
print(hashlib.sha256(answers).hexdigest())
"""


def test_a_seed_gives_the_same_bits_in_every_process():
    digests = set()
    for hash_seed, threads in (("0", "1"), ("1", "2"), ("77", "2")):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        environment |= {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        run = subprocess.run(
            [sys.executable, "-c", FIT], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(run.stdout)
    assert len(digests) == 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", [{}, {"solver": "lbfgs"}, {"engine": "compiled"}], ids=str)
def test_threads_of_the_surrounding_program_change_no_bit(settings, dtype, rng):
    """Of products so large that a BLAS divides them."""
    if settings.get("engine") == "compiled" and missing():
        pytest.skip("numba is not installed")
    X = rng.normal(size=(600, 300))
    y = (X[:, 0] > 0).astype(int)
    settings = {"max_iter": 2, "batch_size": 500, "engine": "numpy", **settings}
    seen = []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads, "blas"):
            model = MLPClassifier((300, 40), dtype=dtype, random_state=0, **settings)
            if model.solver != "lbfgs":
                model.fit(X, y, X_val=X[:500], y_val=y[:500])
            model.fit(X, y)
            answers = model.predict_proba(X), model.transform(X, layer=1)
            losses = [(one.loss, one.validation_loss) for one in model.history_]
        seen.append((model.model_.params.flat.tobytes(), *map(bytes, answers), losses))
    assert seen[0] == seen[1]


def test_a_row_is_answered_the_same_in_any_company(noisy):
    X, y = noisy
    settings = {"hidden_layer_sizes": (30, 10), "max_iter": 3, "random_state": 0}
    order = np.random.default_rng(0).permutation(len(X))
    for model in (
        MLPClassifier(n_ensemble=2, **settings).fit(X, y),
        MLPClassifier(**settings).fit(X, np.column_stack([y == 0, y > 0, X[:, 0] > 0]).astype(int)),
    ):
        whole = model.predict_proba(X)
        assert np.array_equal(model.predict_proba(X[order]), whole[order])
        parts = [model.predict_proba(X[start : start + 37]) for start in range(0, len(X), 37)]
        assert np.array_equal(np.concatenate(parts), whole)
    for loss in ("squared_error", "poisson"):
        model = MLPRegressor(loss=loss, **settings).fit(X, y)
        whole, hidden = model.predict(X), model.transform(X)
        assert np.array_equal(model.predict(X[order]), whole[order])
        assert np.array_equal(model.transform(X[order]), hidden[order])
