"""preprocess, skip, input_scale and rates: what learns with them, what predicts, what is kept."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from handgrad import MLPClassifier, MLPRegressor, ModelFileError
from handgrad.errors import DataError
from handgrad.estimators.exchange import obstacle
from handgrad.models.file import from_bytes, to_bytes
from handgrad.network import Architecture, forward, scale_folded
from handgrad.skip import Levels, Linear, Pieces
from test_model_file import described, with_tensors

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:.*from the first rows of a stream"
)

ALL = {"preprocess": "piecewise", "skip": True, "input_scale": True, "rates": "fan_in"}
USUAL = {"hidden_layer_sizes": (6,), "max_iter": 4, "random_state": 0, "learning_rate_init": 0.02}


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 160
    number = rng.normal(size=n)
    number[::9] = np.nan
    return pd.DataFrame(
        {"number": number, "heavy": rng.lognormal(size=n), "level": list("uvwx") * (n // 4)}
    )


@pytest.fixture
def labels(frame):
    high = frame["heavy"] + (frame["level"] == "u") > 1.3
    return np.where(high, "high", np.where(frame["number"] > 0, "up", "down")).astype(object)


@pytest.fixture
def numbers():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 3))
    return X, (X[:, 0] > 0.2).astype(int)


def a_classifier(**changes):
    return MLPClassifier(**USUAL | ALL | changes)


def scale_of(estimator):
    return estimator._fit_.runs[0].params.s


# -- what learns and what predicts -------------------------------------------------------------


def test_all_of_them_learn_what_a_plain_network_learns_worse(frame, labels):
    settings = {"max_iter": 40, "batch_size": 32}
    plain = MLPClassifier(**USUAL | settings).fit(frame, labels)
    tricks = a_classifier(**settings, initialisation="sharp").fit(frame, labels)
    assert tricks.loss_ < plain.loss_ / 2


def test_the_defaults_are_off():
    for estimator in (MLPClassifier(), MLPRegressor()):
        asked = estimator.get_params()
        assert not asked["skip"]
        assert not asked["input_scale"]
        assert asked["rates"] == "equal"
        assert asked["preprocess"] == "auto"


@pytest.mark.parametrize(
    ("preprocess", "kinds"), [("piecewise", {Pieces, Levels}), ("robust", {Linear})]
)
def test_a_skip_has_the_columns_that_the_encoder_makes(frame, labels, preprocess, kinds):
    model = a_classifier(preprocess=preprocess).fit(frame, labels).model_
    assert model.architecture.skip == model.encoder.skip
    assert {type(basis) for basis in model.architecture.skip} == kinds
    assert model.params.V.shape == (model.architecture.beside.n_wide, 3)
    assert model.params.V.any()
    assert model.encode(pa_of(frame)).x.shape[1] == model.architecture.n_inputs


def pa_of(frame):
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_what_predicts_has_the_scale_folded_away_and_what_learns_has_it(kind, solver, numbers):
    X, y = numbers
    fitted = kind(**USUAL | ALL | {"solver": solver, "n_ensemble": 2}).fit(X, y)
    model, fit = fitted.model_, fitted._fit_
    assert not model.architecture.scales
    assert fit.learning.scales
    x = model.encoder.transform(X)
    for run, params in zip(fit.runs, (model.params, *model.members), strict=True):
        assert (run.params.s != 1).any()
        assert params.s is None
        learnt, predicts = (
            forward(architecture, some, x).score
            for architecture, some in ((fit.learning, run.params), (model.architecture, params))
        )
        np.testing.assert_allclose(predicts, learnt, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(fitted.coefs_[0], model.params.W[0])


def test_the_best_epoch_is_kept_with_its_scale(frame, labels):
    fitted = a_classifier(early_stopping=True, scoring="loss", max_iter=12).fit(frame, labels)
    epochs = fitted.history_.epochs
    best = min(epoch.validation_loss for epoch in epochs)
    rows = fitted.held_back_
    proba = fitted.predict_proba(frame.iloc[rows])
    at = np.searchsorted(fitted.classes_, labels[rows])
    assert -np.log(proba[np.arange(len(rows)), at]).mean() == pytest.approx(best, rel=1e-9)


def test_an_estimator_predicts_right_in_the_middle_of_a_fit(numbers):
    X, y = numbers
    seen = []

    def look(epoch):
        now = estimator.model_
        assert not now.architecture.scales
        seen.append((epoch.epoch, estimator.predict_proba(X), pickle.dumps(estimator._fit_)))

    estimator = a_classifier(on_epoch=look, random_state=3, batch_size=40)
    estimator.fit(X, y)
    alone = [
        a_classifier(random_state=3, batch_size=40, max_iter=n).fit(X, y).predict_proba(X)
        for n in (1, 2, 3, 4)
    ]
    assert [number for number, _, _ in seen] == [1, 2, 3, 4]
    for (_, proba, _), expected in zip(seen, alone, strict=True):
        np.testing.assert_array_equal(proba, expected)


def test_a_scorer_sees_the_network_as_it_predicts(numbers):
    X, y = numbers

    def score(estimator, X, y):
        assert estimator.model_.params.s is None
        return estimator.score(X, y)

    fitted = a_classifier(early_stopping=True, scoring=score).fit(X, y)
    named = a_classifier(early_stopping=True, scoring="accuracy").fit(X, y)
    assert fitted.validation_scores_ == named.validation_scores_


def test_rates_reach_the_steps(numbers):
    X, y = numbers
    equal = a_classifier(rates="equal", max_iter=1).fit(X, y)
    fan_in = a_classifier(max_iter=1).fit(X, y)
    assert not np.array_equal(equal.coefs_[0], fan_in.coefs_[0])
    start = a_classifier(rates="fan_in", max_iter=1, learning_rate_init=1e-12).fit(X, y)
    moved = [
        np.abs(fitted.intercepts_[0] - start.intercepts_[0]).max() for fitted in (fan_in, equal)
    ]
    assert moved[0] < 0.2 * moved[1]


@pytest.mark.parametrize("hidden", [(40,), (30, 20)])
def test_dead_units_are_those_that_no_row_wakes(numbers, hidden):
    X, y = numbers
    fitted = a_classifier(hidden_layer_sizes=hidden, initialisation="smooth", max_iter=30)
    fitted.set_params(learning_rate_init=0.3).fit(X, y)
    shares = [
        (fitted.transform(X, layer) == 0).all(axis=0).mean() for layer in range(1, len(hidden) + 1)
    ]
    assert max(shares) > 0
    assert fitted.dead_units_ == pytest.approx(shares)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_is_predicted_alone_as_among_others(frame, labels, dtype):
    fitted = a_classifier(dtype=dtype).fit(frame, labels)
    every = fitted.predict_proba(frame)
    assert every.dtype == dtype
    for row in (0, 9, 100):
        assert np.array_equal(fitted.predict_proba(frame.iloc[[row]])[0], every[row])


def test_initial_weights_may_be_given(numbers):
    X, y = numbers
    weights = [np.full((3, 2), 0.1), np.full((2, 1), 0.2)], [np.zeros(2), np.zeros(1)]
    fitted = a_classifier(
        hidden_layer_sizes=(2,), preprocess="robust", initialisation=weights, max_iter=1
    ).fit(X, y)
    assert fitted.model_.params.V.shape == (3, 1)


# -- going on ----------------------------------------------------------------------------------


def test_two_fits_that_go_on_are_one(numbers):
    X, y = numbers
    whole = a_classifier(max_iter=6).fit(X, y)
    parts = a_classifier(max_iter=3, warm_start=True).fit(X, y).fit(X, y)
    np.testing.assert_array_equal(parts.predict_proba(X), whole.predict_proba(X))
    np.testing.assert_array_equal(scale_of(parts), scale_of(whole))


@pytest.mark.parametrize("change", ["skip", "input_scale"])
def test_a_network_does_not_change_what_it_has(numbers, change):
    fitted = a_classifier(warm_start=True).fit(*numbers)
    with pytest.raises(ValueError, match=rf"which has {change}=True; got False"):
        fitted.set_params(**{change: False}).fit(*numbers)


def test_columns_stay_scaled_as_they_were(numbers):
    fitted = a_classifier(warm_start=True).fit(*numbers)
    with pytest.raises(ValueError, match="preprocess='piecewise'; got 'robust'"):
        fitted.set_params(preprocess="robust").fit(*numbers)


def test_a_copy_goes_on_as_the_original(numbers):
    X, y = numbers
    fitted = a_classifier(warm_start=True, n_ensemble=2).fit(X, y)
    copied = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(fitted.fit(X, y).coefs_[0], copied.fit(X, y).coefs_[0])
    assert clone(fitted).get_params() == fitted.get_params()


def test_a_loaded_network_goes_on_without_the_scale_that_is_folded(numbers, tmp_path):
    X, y = numbers
    a_classifier().fit(X, y).save(tmp_path / "m")
    loaded = MLPClassifier.load(tmp_path / "m")
    assert (loaded.preprocess, loaded.skip, loaded.input_scale) == ("piecewise", True, False)
    before = loaded.predict_proba(X)
    loaded.set_params(warm_start=True, max_iter=2).fit(X, y)
    assert not np.array_equal(loaded.predict_proba(X), before)
    with pytest.raises(ValueError, match="has input_scale=False; got True"):
        loaded.set_params(input_scale=True).fit(X, y)


# -- in a stream -------------------------------------------------------------------------------


def test_the_first_rows_of_a_stream_say_how_columns_are_scaled(numbers):
    X, y = numbers
    stream = a_classifier()
    with pytest.warns(UserWarning, match=r"first rows of a stream alone, here 100, and keeps"):
        stream.partial_fit(X[:100], y[:100], classes=[0, 1])
    encoder = stream.model_.encoder
    stream.partial_fit(X[100:] + 5, y[100:])
    assert stream.model_.encoder is encoder
    assert np.array_equal(encoder.median, np.median(X[:100], axis=0))


@pytest.mark.parametrize("input_scale", [False, True])
def test_a_skip_says_the_same_when_the_scales_of_a_stream_move(numbers, input_scale):
    X, y = numbers
    stream = a_classifier(preprocess="auto", input_scale=input_scale, learning_rate_init=0.05)
    for _ in range(5):
        stream.partial_fit(X[:60], y[:60], classes=[0, 1])
    before = stream.decision_function(X)
    stream.set_params(learning_rate_init=1e-12).partial_fit(3 * X[60:] + 1, y[60:])
    assert not np.array_equal(stream.model_.encoder.mean, X[:60].mean(axis=0))
    np.testing.assert_allclose(stream.decision_function(X), before, rtol=1e-6, atol=1e-7)


def test_the_skip_of_a_regressor_moves_with_its_targets(numbers):
    X, _ = numbers
    stream = MLPRegressor(**USUAL | {"skip": True, "input_scale": True, "learning_rate_init": 0.05})
    for _ in range(5):
        stream.partial_fit(X[:60], X[:60, 0])
    before = stream.predict(X)
    stream.set_params(learning_rate_init=1e-12).partial_fit(X[:60], 3 * X[:60, 1] + 4)
    np.testing.assert_allclose(stream.predict(X), before, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("first", [[0, 1], [0, 1, 2]])
def test_a_skip_grows_with_the_classes(numbers, first):
    X, y = numbers
    stream = a_classifier(preprocess="auto")
    for _ in range(5):
        stream.partial_fit(X, y, classes=first)
    before = stream.predict_log_proba(X)
    stream.set_params(learning_rate_init=1e-12)
    stream.partial_fit(X[:1], y[:1], classes=[0, 1, 2, 3])
    after = stream.predict_log_proba(X)
    assert stream.model_.params.V.shape == (3, 4)
    # the odds of the classes there were stay as they were
    np.testing.assert_allclose(
        after[:, 1] - after[:, 0], before[:, 1] - before[:, 0], rtol=1e-6, atol=1e-7
    )
    assert scale_of(stream).shape == (3,)


# -- what cannot be ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"preprocess": "robust"}, "preprocess='robust'"),
        ({"preprocess": "piecewise", "skip": True}, "preprocess='piecewise' and skip=True"),
        ({"input_scale": True}, "input_scale=True"),
        ({"preprocess": None, "skip": True}, "skip=True"),
    ],
)
def test_sparse_rows_are_refused_by_name(numbers, asked, named):
    X, y = numbers
    with pytest.raises(DataError, match=f"sparse rows cannot be fitted with {named}; pass X.to"):
        MLPClassifier(**USUAL | asked).fit(sparse.csr_matrix(X), y)


@pytest.mark.parametrize("preprocess", ["piecewise", "robust", "auto", None])
def test_sparse_rows_are_predicted_as_dense_ones(numbers, preprocess):
    X, y = numbers
    fitted = a_classifier(preprocess=preprocess).fit(X, y)
    found = fitted.predict_proba(sparse.csr_matrix(X))
    np.testing.assert_array_equal(found, fitted.predict_proba(X))
    assert fitted.gradient_check(sparse.csr_matrix(X[:9]), y[:9]).passed


def test_scikit_learn_has_neither_a_skip_nor_bins_and_needs_no_scale(numbers):
    X, y = numbers
    with pytest.raises(ValueError, match="it has no skip past the layers"):
        a_classifier().fit(X, y).to_sklearn()
    with pytest.raises(ValueError, match="cannot scale columns as preprocess='robust' does"):
        a_classifier(preprocess="robust", skip=False).fit(X, y).to_sklearn()
    scaled = a_classifier(preprocess="auto", skip=False).fit(X, y)
    assert obstacle(scaled.model_) == ""
    np.testing.assert_allclose(scaled.to_sklearn().predict_proba(X), scaled.predict_proba(X))


def test_gradients_of_all_of_them_are_right(frame, labels):
    fitted = a_classifier(activation="tanh").fit(frame, labels)
    check = fitted.gradient_check(frame.iloc[:12], labels[:12])
    assert check.passed, str(check)
    assert {"V", "s"} <= check.errors.keys()
    loaded = MLPClassifier.from_model(from_bytes(to_bytes(fitted.model_)))
    check = loaded.gradient_check(frame.iloc[:12], labels[:12], most_entries=None)
    assert check.passed, str(check)
    assert "V" in check.errors
    assert "s" not in check.errors  # a file has it in W1


def test_a_trace_has_the_scale_as_it_learnt_and_the_skip(frame, labels):
    fitted = a_classifier(n_ensemble=2).fit(frame, labels)
    t = fitted.trace(frame.iloc[:9], labels[:9])
    np.testing.assert_array_equal(t["s"], scale_of(fitted))
    np.testing.assert_array_equal(t["s"][:, None] * t["W1"], fitted.coefs_[0])
    np.testing.assert_array_equal(t["V"], fitted.model_.params.V)
    alone = MLPClassifier.from_model(replace(fitted.model_, members=()))
    np.testing.assert_allclose(t["y"], alone.predict_proba(frame.iloc[:9]), rtol=1e-5, atol=1e-7)
    assert "s" not in alone.trace(frame.iloc[:9])


def test_a_trace_during_training_is_of_the_network_that_predicts(frame, labels):
    """An estimator between two networks of an ensemble, or changed by hand, has other runs."""
    fitted = a_classifier().fit(frame, labels)
    fitted.coefs_[0][...] = 0
    t = fitted.trace(frame.iloc[:9])
    assert "s" not in t
    assert not t["W1"].any()


@pytest.mark.parametrize(
    ("asked", "named"),
    [({"rates": "ntk"}, "rates"), ({"skip": 1.5}, "skip"), ({"preprocess": "rank"}, "preprocess")],
)
def test_a_bad_parameter_is_named(numbers, asked, named):
    with pytest.raises(ValueError, match=f"The '{named}' parameter"):
        MLPClassifier(**USUAL | asked).fit(*numbers)


def test_a_summary_counts_the_skip(numbers):
    text = a_classifier().fit(*numbers).summary()
    assert "robust, piecewise" in text
    assert "skip" in text
    assert "51 x 1" in text


# -- on the command line ------------------------------------------------------------------------


def a_fit(call, frame, labels, *options):
    frame.assign(y=labels).to_csv("t.csv", index=False)
    code, _, err = call("fit", "t.csv", "--target", "y", "--epochs", "3", *options)
    assert code == 0, err


def test_the_command_line_shows_checks_and_explains_a_skip(call, frame, labels):
    options = ["--preprocess", "piecewise", "--skip-layers", "--input-scale", "--rates", "fan_in"]
    a_fit(call, frame, labels, *options, "--model", "m")
    shown = " ".join(call("info", "m")[1].split())
    for words in ("a skip from", "8 bins, 8 bins of the skip", "spread"):
        assert words in shown
    assert json.loads(call("info", "m", "--json")[1])["network"]["skip"] > 30
    assert call("gradcheck", "m", "t.csv")[0] == 0
    assert call("predict", "m", "t.csv", "--proba")[0] == 0
    told = json.loads(call("gradcheck", "m", "t.csv", "--json")[1])
    assert told["parameters"]["V"]["verdict"] == "ok"
    code, out, err = call("explain", "m", "t.csv", "--row", "1")
    assert (code, err) == (0, "")
    assert "score = h @ W2 + b2 + w @ V" in out
    assert "\n(14)" in out


def test_a_row_is_explained_with_its_bins(call, frame, labels):
    a_fit(call, frame, labels, "--preprocess", "piecewise", "--input-scale", "--model", "m")
    told = " ".join(call("explain", "m", "t.csv", "--row", "2")[1].split())
    assert "z / sqrt(1 + (z / 3)^2) = " in told
    numbers = json.loads(call("explain", "m", "t.csv", "--row", "2", "--json")[1])["inputs"]
    steps = [value for name, value in numbers.items() if ".." in name and "heavy" in name]
    assert len(steps) == 8
    assert steps == sorted(steps, reverse=True)


@pytest.mark.filterwarnings("ignore")
def test_a_report_of_a_skip_has_all_pictures(call, frame, labels):
    a_fit(call, frame, labels, "--skip-layers", "--report", "r")
    page = Path("r", "report.html").read_text(encoding="utf-8")
    assert "What the first layer looks at" in page
    assert "What it would learn next" in page
    assert Path("r", "gradients.png").exists()


# -- the model file ----------------------------------------------------------------------------


@pytest.fixture
def content(numbers):
    return to_bytes(a_classifier(n_ensemble=2).fit(*numbers).model_)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("preprocess", ["piecewise", "robust", "auto"])
def test_a_file_predicts_the_same(frame, labels, tmp_path, dtype, preprocess):
    fitted = a_classifier(dtype=dtype, n_ensemble=2, preprocess=preprocess).fit(frame, labels)
    fitted.save(tmp_path / "m")
    loaded = MLPClassifier.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(frame), fitted.predict_proba(frame))
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()
    assert loaded.get_params()["preprocess"] == preprocess


def test_the_bases_of_a_skip_are_told(content):
    assert len(from_bytes(content).architecture.skip) == 3
    assert from_bytes(described(content)).architecture.skip == (Pieces(8),) * 3


@pytest.mark.parametrize(
    "skip",
    [
        [],
        None,
        {},
        [["pieces", 8]],
        [["pieces", 8], ["pieces", 8], ["pieces", 9]],
        [["pieces", 8], ["pieces", 8], ["levels", 17]],  # as many wide inputs
        [["pieces", 8], ["pieces", 8], ["hats", 8]],
        [["pieces", 8], ["pieces", 8], ["pieces", 0]],
        [["pieces", 8], ["pieces", 8], ["pieces", -8]],
        [["pieces", 8], ["pieces", 8], ["pieces", 8.0]],
        [["pieces", 8], ["pieces", 8], ["pieces", True]],
        [["pieces", 8], ["pieces", 8], ["pieces", 10**400]],
        [["pieces", 8], ["pieces", 8], ["pieces"]],
        [["pieces", 8], ["pieces", 8], "pieces"],
        [["pieces", 8], ["pieces", 8], [["pieces"], 8]],
        [["pieces", 8], ["pieces", 8], ["pieces", 8, 1]],
    ],
)
def test_a_skip_that_cannot_be_is_refused(content, skip):
    with pytest.raises(ModelFileError):
        from_bytes(described(content, architecture__skip=skip))


def test_parts_of_a_skip_that_do_not_fit_are_refused(content):
    V = from_bytes(content).params.V
    for changes in (
        {"V": None},
        {"V": V[:-1].copy()},
        {"V": np.full_like(V, np.nan)},
        {"s": np.ones(27)},
        {"network2__V": None},
    ):
        with pytest.raises(ModelFileError):
            from_bytes(with_tensors(content, **changes))
    for version in (1, 2, 3):
        with pytest.raises(ModelFileError):
            from_bytes(described(content, format_version=version))
    for key in ("scales", "input_scale", "n_wide"):
        with pytest.raises(ModelFileError, match="keys must be"):
            from_bytes(described(content, **{f"architecture__{key}": True}))


def test_a_scale_is_not_written_but_folded(numbers):
    fit = a_classifier().fit(*numbers)._fit_
    raw = fit.with_model(architecture=fit.learning, params=fit.runs[0].params).model
    with pytest.raises(ModelFileError, match="holds no scale"):
        to_bytes(raw)
    assert scale_folded(fit.learning, fit.runs[0].params)[0] == fit.model.architecture
    assert isinstance(fit.learning, Architecture)
