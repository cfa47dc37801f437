"""A stream: what partial_fit learns of columns and targets as their rows come, bit by bit."""

import copy
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.preprocessing import StandardScaler

from common import ENGINES
from handgrad import DataError, MLPClassifier, MLPRegressor
from handgrad.estimators.stream import SETTLED

N = 400


def far_off(n=N, seed=1):
    """Columns of very different means and scales, and the labels that they tell."""
    z = np.random.default_rng(seed).normal(size=(n, 4))
    X = z * [20000, 0.5, 1, 100] + [50000, 3, 0, -40]
    return X, (z[:, 0] + z[:, 1] * z[:, 2] + 0.3 * z[:, 3] > 0).astype(int)


def classifier(**settings):
    usual = {"random_state": 0, "learning_rate_init": 0.01, "engine": "numpy"}
    return MLPClassifier((8,), **usual | settings)


def regressor(**settings):
    usual = {"random_state": 0, "learning_rate_init": 0.01, "engine": "numpy"}
    return MLPRegressor(hidden_layer_sizes=(8,), **usual | settings)


def feed(model, X, y, size=20, weight=None, **first):
    """Hand rows over in pieces."""
    for start in range(0, len(y), size):
        rows = slice(start, start + size)
        more = first if start == 0 else {}
        w = None if weight is None else weight[rows]
        model.partial_fit(X[rows], y[rows], sample_weight=w, **more)
    return model


# -- statistics ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("engine", ENGINES)
def test_statistics_are_those_of_all_rows_so_far(size, engine):
    X, y = far_off()
    model = feed(classifier(engine=engine), X, y, size, classes=[0, 1])
    encoder = model.model_.encoder
    np.testing.assert_allclose(encoder.mean, X.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(encoder.scale, X.std(axis=0), rtol=1e-9)


def test_statistics_count_weights_and_pass_over_holes(rng):
    X, y = far_off()
    X[rng.random(X.shape) < 0.2] = np.nan
    w = rng.random(N)
    w[::9] = 0
    model = feed(classifier(), X, y, 20, w, classes=[0, 1])
    there = np.where(np.isnan(X), 0, w[:, None])
    values = np.nan_to_num(X)
    mean = (there * values).sum(0) / there.sum(0)
    scale = np.sqrt((there * (values - mean) ** 2).sum(0) / there.sum(0))
    encoder = model.model_.encoder
    np.testing.assert_allclose(encoder.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(encoder.scale, scale, rtol=1e-9)
    np.testing.assert_allclose(encoder.median, mean, rtol=1e-9)  # what stands in for a hole


def test_statistics_of_a_frame_are_those_of_its_numbers():
    X, y = far_off()
    frame = pd.DataFrame(X, columns=list("abcd")).assign(
        flag=y == 1, when=pd.date_range("2020-01-01", periods=N), level=["u", "v"] * (N // 2)
    )
    model = classifier()
    for start in range(0, N, 40):
        model.partial_fit(frame[start : start + 40], y[start : start + 40], classes=[0, 1])
    encoder = model.model_.encoder
    at = encoder.places
    np.testing.assert_allclose(encoder.mean[:4], X.mean(axis=0), rtol=1e-9)
    assert (encoder.mean[at["flag"]], encoder.scale[at["flag"]]) == (0, 1)  # it stays 0 and 1
    days = (frame.when - pd.Timestamp("1970-01-01")).dt.days
    assert encoder.mean[at["when"][0]] == pytest.approx(days.mean())
    assert encoder.scale[at["when"][0]] == pytest.approx(days.std(ddof=0))
    sines = [at["when"][i] for i in (-2, -1)]
    assert encoder.mean[sines].tolist() == [0, 0]


def test_equal_rows_again_change_no_statistics():
    X, y = far_off()
    model = classifier().partial_fit(X, y, classes=[0, 1])
    before = model.model_.encoder
    after = model.partial_fit(X, y).model_.encoder
    np.testing.assert_allclose(after.mean, before.mean, rtol=1e-12)
    np.testing.assert_allclose(after.scale, before.scale, rtol=1e-9)


# -- what has been learnt stays -----------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n_ensemble", [1, 2])
def test_predictions_do_not_jump_when_the_scale_changes(engine, n_ensemble):
    X, y = far_off()
    model = classifier(engine=engine, n_ensemble=n_ensemble)
    for _ in range(5):
        model.partial_fit(X, y, classes=[0, 1])
    before = model.predict_proba(X)
    far = X * 5 + 1e5
    model.set_params(learning_rate_init=1e-13).partial_fit(far, y)
    assert model.model_.encoder.mean[0] > X[:, 0].mean() + 4e4  # it did change
    np.testing.assert_allclose(model.predict_proba(X), before, rtol=0, atol=1e-7)
    assert len(model.model_.members) == n_ensemble - 1


def test_predicted_numbers_do_not_jump_when_the_scale_of_the_target_changes():
    X, _ = far_off()
    y = X[:, 0] * 2 + 1e5
    model = regressor()
    for _ in range(5):
        model.partial_fit(X, y)
    before = model.predict(X)
    model.set_params(learning_rate_init=1e-13).partial_fit(X * 3, y * 10)
    both = np.concatenate([y] * 5 + [y * 10])
    np.testing.assert_allclose(model.model_.scale.mean, [both.mean()], rtol=1e-9)
    np.testing.assert_allclose(model.model_.scale.scale, [both.std()], rtol=1e-9)
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-6)


def test_nor_do_they_when_the_quartiles_of_a_robust_loss_do():
    X, _ = far_off()
    y = X[:, 0] * 2 + 1e5
    model = regressor(loss="absolute_error")
    for _ in range(5):
        model.partial_fit(X[:100], y[:100])
    before, scale = model.predict(X), model.model_.scale
    np.testing.assert_allclose(scale.mean, [np.median(y[:100])], rtol=1e-12)
    model.set_params(learning_rate_init=1e-13).partial_fit(X[100:200] * 3, y[100:200] * 10)
    assert model.model_.scale.scale[0] > 1.01 * scale.scale[0]  # it did change
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-6)


def test_the_first_thousand_rows_of_a_stream_settle_its_quartiles():
    X, _ = far_off(2000)
    y = X[:, 0] * 2 + 1e5
    model = regressor(loss="huber")
    feed(model, X[:1000], y[:1000], 50)
    scale = model.model_.scale
    np.testing.assert_allclose(scale.mean, [np.median(y[:1000])], rtol=1e-12)
    feed(model, X[1000:], y[1000:] * 1000, 50)
    assert model.model_.scale is scale


def test_several_targets_move_each_by_its_own_scale():
    X, _ = far_off()
    y = np.column_stack([X[:, 0], X[:, 1]])
    model = feed(regressor(), X, y, 50)
    np.testing.assert_allclose(model.model_.scale.mean, y.mean(axis=0), rtol=1e-9)
    before = model.predict(X)
    model.set_params(learning_rate_init=1e-13).partial_fit(X, y * [1, 100])
    np.testing.assert_allclose(model.predict(X), before, rtol=1e-5, atol=1e-5)


def test_a_regressor_learns_row_by_row():
    X, _ = far_off(800)
    y = X[:, 0] * 0.1 + 1e5
    assert feed(regressor(), X, y, 1).score(X, y) > 0.9


def test_targets_that_are_not_scaled_stay_so():
    X, _ = far_off()
    y = X[:, 1]
    model = feed(regressor(scale_target=False), X, y, 50)
    assert model.model_.scale is None


def test_few_rows_settle_nothing():
    assert 10 <= SETTLED <= 100


# -- levels -------------------------------------------------------------------------------------


def enumerated(kind, cells):
    declared = ["A", "B", "C"]
    if kind == "pandas":
        return pd.DataFrame({"s": pd.Categorical(cells, categories=declared)})
    return pl.DataFrame({"s": pl.Series(cells, dtype=pl.Enum(declared))})


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_declared_levels_are_inputs_from_the_first_call(kind):
    model = classifier(learning_rate_init=0.1).partial_fit(
        enumerated(kind, ["A"]), [0], classes=[0, 1]
    )
    assert model.model_.encoder.input_names == ["s=A", "s=B", "s=C"]
    for _ in range(60):
        model.partial_fit(enumerated(kind, ["A", "B", "C"]), [0, 1, 0])
    assert model.predict(enumerated(kind, ["A", "B", "C"])).tolist() == [0, 1, 0]


def test_a_column_that_is_empty_or_does_not_vary_at_first_is_kept():
    first = pd.DataFrame({"h": [np.nan, np.nan], "k": [1, 1], "b": [True, True], "g": ["u", "u"]})
    model = classifier().partial_fit(first, [0, 1], classes=[0, 1])
    assert [c.kind for c in model.columns_] == ["number", "number", "boolean", "category"]
    later = pd.DataFrame({"h": [1.0, 3.0], "k": [1, 2], "b": [False, True], "g": ["u", "u"]})
    model.partial_fit(later, [0, 1])
    assert model.model_.encoder.mean.tolist()[:2] == [2, 1.25]


def test_a_stream_warns_once(recwarn):
    warnings.simplefilter("always")
    rows = pd.DataFrame({"n": ["1,234", "2,345"], "w": ["01/02/2020", "03/04/2020"]})
    model = classifier()
    for _ in range(5):
        model.partial_fit(rows, [0, 1], classes=[0, 1])
        model.partial_fit(rows.assign(w="05/06/2020"), [0, 1])
    assert len(recwarn) == 1
    assert "no cell tells day from month" in str(recwarn[0].message)


# -- failures and files -------------------------------------------------------------------------


def test_a_call_that_fails_leaves_everything_as_it_was():
    X, y = far_off(40)
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = classifier().partial_fit(frame, y, classes=[0, 1])
    twin = copy.deepcopy(model)
    for bad, labels in (
        (frame.assign(c="oops"), y),
        (frame.assign(c=np.inf), y),
        (frame, y + 7),
        (frame[["a"]], y),
    ):
        with pytest.raises(ValueError, match=r".+"):
            model.partial_fit(bad, labels)
    assert np.array_equal(model.predict_proba(frame), twin.predict_proba(frame))
    for one in (model, twin):
        one.partial_fit(frame * 2, y)
    assert np.array_equal(model.predict_proba(frame), twin.predict_proba(frame))
    assert np.array_equal(model.model_.encoder.mean, twin.model_.encoder.mean)


def test_a_first_call_that_fails_leaves_nothing():
    model = classifier()
    with pytest.raises(DataError):
        model.partial_fit(pd.DataFrame({"a": [np.inf, 1]}), [0, 1], classes=[0, 1])
    assert not hasattr(model, "model_")


def test_the_model_of_before_is_not_changed_by_later_rows():
    X, y = far_off()
    model = classifier().partial_fit(X[:200], y[:200], classes=[0, 1])
    kept = model.model_
    before = kept.predict_proba(X)
    model.partial_fit(X[200:] * 9, y[200:])
    assert np.array_equal(kept.predict_proba(X), before)


def test_a_pickle_goes_on_and_a_file_keeps_its_statistics(tmp_path):
    import pickle

    X, y = far_off()
    model = classifier().partial_fit(X[:200], y[:200], classes=[0, 1])
    model.save(tmp_path / "m")
    twin = pickle.loads(pickle.dumps(model))
    for one in (model, twin):
        one.partial_fit(X[200:], y[200:])
    np.testing.assert_allclose(twin.model_.encoder.mean, X.mean(axis=0), rtol=1e-9)
    assert np.array_equal(twin.predict_proba(X), model.predict_proba(X))
    # A file knows the statistics, and not of how many rows they are.
    loaded = MLPClassifier.load(tmp_path / "m").set_params(engine="numpy")
    encoder = loaded.model_.encoder
    loaded.partial_fit(X[200:], y[200:])
    assert np.array_equal(loaded.model_.encoder.mean, encoder.mean)


def test_after_a_whole_table_the_statistics_stay():
    X, y = far_off()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = classifier(max_iter=2).fit(X, y)
    encoder = model.model_.encoder
    model.partial_fit(X * 5, y)
    assert model.model_.encoder is encoder


def test_a_fit_after_a_stream_forgets_it():
    X, y = far_off()
    model = classifier(max_iter=2).partial_fit(X * 5, y, classes=[0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    encoder = model.model_.encoder
    np.testing.assert_allclose(encoder.mean, X.mean(axis=0), rtol=1e-9)
    assert model.partial_fit(X * 5, y).model_.encoder is encoder


# -- other containers ---------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", [sparse.csr_matrix, np.asarray])
def test_rows_that_nobody_scales_are_left_untouched(form, engine):
    X, y = far_off()
    X = X / X.std(axis=0) * (X > 0)
    settings = {"preprocess": None, "engine": engine}
    model = feed(classifier(**settings), form(X), y, 50, classes=[0, 1])
    assert model.model_.encoder.is_identity
    dense = feed(classifier(**settings), X, y, 50, classes=[0, 1])
    np.testing.assert_allclose(model.predict_proba(X), dense.predict_proba(X), rtol=1e-9)


def test_sparse_rows_are_never_scaled():
    X, y = far_off()
    model = feed(classifier(), sparse.csr_matrix(X / X.std(axis=0)), y, 50, classes=[0, 1])
    assert model.model_.encoder.is_identity


def test_sparse_rows_after_dense_ones_count_as_such():
    X, y = far_off()
    model = classifier().partial_fit(X[:200], y[:200], classes=[0, 1])
    model.partial_fit(sparse.csr_matrix(X[200:]), y[200:])
    twin = classifier().partial_fit(X[:200], y[:200], classes=[0, 1]).partial_fit(X[200:], y[200:])
    np.testing.assert_allclose(model.model_.encoder.mean, X.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(model.predict_proba(X), twin.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame, np.float32])
def test_frames_and_float32_are_streams_too(form):
    X, y = far_off()
    names = {} if form is np.float32 else {"abcd"[i]: X[:, i] for i in range(4)}
    rows = np.float32(X) if form is np.float32 else form(names)
    model = feed(classifier(), rows, y, 50, classes=[0, 1])
    np.testing.assert_allclose(model.model_.encoder.mean, X.mean(axis=0), rtol=1e-5)


# -- row by row ---------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_one_by_one_teach_as_much_as_to_scikit_learn_behind_a_scaler(engine):
    X, y = far_off(1000)
    model = MLPClassifier((16,), random_state=0, learning_rate_init=0.01, engine=engine)
    feed(model, X, y, 1, classes=[0, 1])  # a warning would be an error
    scaler, theirs = StandardScaler(), Theirs((16,), random_state=0, learning_rate_init=0.01)
    for row in range(len(y)):
        x = scaler.partial_fit(X[row : row + 1]).transform(X[row : row + 1])
        theirs.partial_fit(x, y[row : row + 1], classes=[0, 1])
    assert model.score(X, y) > theirs.score(scaler.transform(X), y) - 0.02
    assert model.score(X, y) > 0.9


def test_a_first_piece_in_which_a_column_does_not_vary():
    X, y = far_off(600)
    X[:50, 0] = X[0, 0]
    model = feed(classifier(), X, y, 50, classes=[0, 1])
    for _ in range(15):
        feed(model, X, y, 50)
    whole = classifier()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole.set_params(max_iter=20).fit(X, y)
    assert model.score(X, y) > whole.score(X, y) - 0.05


@pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")
def test_a_fit_that_goes_on_with_a_stream_ends_it():
    """From then on the scale is what the table was encoded by, and stays."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    model = MLPRegressor(hidden_layer_sizes=(3,), max_iter=1, warm_start=True, random_state=0)
    model.partial_fit(X, y).fit(X, y)
    encoder, scale = model.model_.encoder, model.model_.scale
    model.partial_fit(5 * X + 1, 5 * y)
    assert model.model_.encoder is encoder
    assert model.model_.scale is scale
