"""Numbers that a precision cannot hold are refused by name: no nan, no inf, no raw warning."""

from dataclasses import replace

import numpy as np
import pytest

from common import ENGINES
from handgrad import MLPClassifier, MLPRegressor
from handgrad.errors import DataError
from handgrad.explain.trace import trace
from handgrad.gradcheck import check_gradients
from handgrad.models.evaluation import evaluate_numbers
from handgrad.models.file import save_model
from handgrad.outputs import OUTPUTS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = X[:, 0] + X[:, 1]
QUICK = {"max_iter": 3, "random_state": 0}
TARGETS = {
    "two": (MLPClassifier, Y > 0, {}),
    "three": (MLPClassifier, np.digitize(Y, [-1, 1]), {}),
    "labels": (MLPClassifier, np.column_stack([Y > 0, Y > 1]).astype(int), {}),
    "numbers": (MLPRegressor, Y, {}),
    "counts": (MLPRegressor, abs(Y), {"loss": "poisson"}),
    "quantiles": (MLPRegressor, Y, {"loss": "quantile", "quantiles": [0.1, 0.9]}),
}


@pytest.fixture
def call(call):
    def call_with(*arguments):
        code, out, err = call(*arguments)
        return code, out, " ".join(err.split())

    return call_with


# -- targets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "poisson"])
@pytest.mark.parametrize("scale_target", [True, False])
@pytest.mark.parametrize(
    ("dtype", "size"),
    [("float32", 1e38), ("float32", 1e39), ("float64", 1e141), ("float64", 1e307)],
)
def test_targets_that_are_too_large_are_refused_before_the_first_step(
    loss, scale_target, dtype, size
):
    model = MLPRegressor(loss, dtype=dtype, scale_target=scale_target, **QUICK)
    with pytest.raises(DataError, match=rf"y reaches .*too large to learn in {dtype}.*divide"):
        model.fit(X, np.r_[size, np.ones(59)])
    assert not hasattr(model, "model_")


def test_float64_is_advised_where_float32_is_too_narrow():
    y = Y * 1e39
    with pytest.raises(DataError, match="dtype='float64'"):
        MLPRegressor(dtype="float32", **QUICK).fit(X, y)
    predicted = MLPRegressor(**QUICK).fit(X, y).predict(X)
    assert np.isfinite(predicted).all()


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e36), ("float64", 1e139)])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson"])
def test_the_largest_that_are_taken_are_learnt_predicted_and_scored(dtype, size, loss):
    y = abs(Y) / abs(Y).max() * size
    model = MLPRegressor(loss, dtype=dtype, early_stopping=True, **QUICK).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite([*model.validation_scores_, model.score(X, y)]).all()


def test_targets_whose_squares_overflow_unscaled_are_refused():
    with pytest.raises(DataError, match=r"reaches 1e\+20, whose square .*scale_target=True"):
        MLPRegressor(dtype="float32", scale_target=False, **QUICK).fit(X, np.r_[1e20, np.ones(59)])


def test_going_on_refuses_targets_that_are_too_large_too():
    model = MLPRegressor(dtype="float32", **QUICK).partial_fit(X, Y)
    before = model.predict(X)
    for call_again in (model.partial_fit, model.gradient_check):
        with pytest.raises(DataError, match="y reaches"):
            call_again(X, Y * 1e39)
    np.testing.assert_array_equal(model.predict(X), before)


def test_r2_of_predictions_far_beyond_a_truth_that_hardly_varies_is_finite():
    model = MLPRegressor(**QUICK).fit(X, Y * 1e139)
    least = np.finfo(float).min
    assert model.score(X, np.r_[np.zeros(59), 1e-20]) == least
    found = evaluate_numbers(np.array([[1.0], [2.0]]), np.full((2, 1), 1e200), ["y"])
    assert found.overall["r2"] == least


def test_the_command_line_says_where_such_a_target_stands(tmp_path, call):
    table, model = tmp_path / "t.csv", tmp_path / "m"
    rows = [f"{a},{b},{y}" for (a, b), y in zip(X, Y, strict=True)]
    table.write_text("\n".join(["a,b,y", *rows]))
    options = ("--task", "regression", "--target", "y", "--epochs", 3)
    assert call("fit", table, *options, "--model", model)[0] == 0
    rows[6] = "1,1,1e39"
    table.write_text("\n".join(["a,b,y", *rows]))
    code, out, err = call("fit", table, *options)
    assert (code, out) == (3, "")
    assert "column 'y', row 7 (line 8): 1e+39 must be at most 1e+37, to compute" in err
    rows[6] = "1,1,1e200"
    table.write_text("\n".join(["a,b,y", *rows]))
    code, out, err = call("evaluate", model, table)
    assert (code, out) == (3, "")
    assert "row 7 (line 8): 1e+200 must be at most 1e+140" in err


# -- weights and cells --------------------------------------------------------------------------


def exploded(name, dtype="float64", engine="numpy", largest=None, **settings):
    kind, y, more = TARGETS[name]
    model = kind(dtype=dtype, engine=engine, **more, **QUICK, **settings).fit(X, y)
    largest = largest or float(np.finfo(dtype).max) * 0.9
    for params in (model.model_.params, *model.model_.members):
        for W in params.W:
            W[...] = np.where(np.random.default_rng(1).random(W.shape) < 0.5, largest, -largest)
    return model, y


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", [{}, {"n_ensemble": 2, "activation": "tanh"}])
def test_weights_that_overflow_are_an_error_that_names_them(name, engine, dtype, settings):
    model, y = exploded(name, dtype, engine, **settings)
    asked = [
        getattr(model, method)
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function")
        if hasattr(model, method)
    ]
    asked += [model.trace, lambda rows: model.score(rows, y)]
    asked += [model.transform] if not settings else []  # that of tanh is right
    for ask in asked:
        with pytest.raises(DataError, match=rf"too large for {dtype}, because it has weights"):
            ask(X)


def test_inside_such_a_network_a_trace_shows_what_is_infinite_and_no_gradient_is_checked():
    model, y = exploded("three")
    inside = model.model_
    x = inside.encode(X).x
    assert not np.isfinite(trace(inside.architecture, inside.params, x, y)["score"]).all()
    with pytest.raises(DataError, match="weights up to"):
        check_gradients(inside.architecture, inside.params, x, y)
    with pytest.raises(DataError, match="weights up to"):
        model.trace(X)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_probability_of_0_is_no_error_where_the_score_is_finite(engine):
    model = MLPClassifier((), engine=engine, **QUICK).fit(X, Y > 0)
    model.model_.params.W[0][...] = 1e4
    assert (model.predict_proba(X) < 1e-300).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_further_apart_than_any_number_give_finite_logarithms(dtype):
    largest = np.finfo(dtype).max
    score = np.array([[largest, -largest, 0.0]], dtype)
    assert OUTPUTS["softmax"].proba(score).tolist() == [[1.0, 0.0, 0.0]]
    assert OUTPUTS["softmax"].log_proba(score).tolist() == [[0.0, -largest, -largest]]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_infinite_score_of_two_classes_is_told_of_although_its_probability_is_finite(engine):
    model = MLPClassifier((), engine=engine, preprocess=None, **QUICK).fit(X, Y > 0)
    model.model_.params.W[0][...] = 1.7e308
    with pytest.raises(DataError, match="weights up to"):
        model.predict_proba(np.array([[0.0, 0.0], [1.0, 1.0]]))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cell_far_from_the_others_is_named_by_its_row_where_it_overflows(engine):
    model = MLPRegressor("poisson", (), dtype="float32", engine=engine, **QUICK).fit(X, abs(Y))
    model.model_.params.W[0][...] = 1
    far = X.copy()
    far[3] = 1e6
    with pytest.raises(DataError, match="predictions of row 4 are too large for float32: its cell"):
        model.predict(far)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_good_answer_beside_an_overflow_comes_without_a_warning(engine):
    model = MLPClassifier(activation="tanh", dtype="float32", engine=engine, **QUICK)
    predicted = model.fit(X, Y > 0).predict_proba(np.array([[3e38, 1.0], [-3e38, 1.0]]))
    assert np.isfinite(predicted).all()


@pytest.mark.parametrize(
    "command", ["predict", "predict --proba", "evaluate", "explain", "gradcheck"]
)
def test_commands_refuse_a_model_that_overflows(command, tmp_path, call):
    model, y = exploded("two", largest=1e150)  # the scores of usual rows are finite
    save_model(replace(model.model_, target="y"), tmp_path / "m")
    rows = [f"{a * 1e200},{b},{truth}" for (a, b), truth in zip(X, y, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["x0,x1,y", *rows]))
    name, *options = command.split()
    code, out, err = call(name, tmp_path / "m", tmp_path / "t.csv", *options)
    assert (code, out) == (3, "")
    assert "weights up to 1e+150: its training exploded or its file is damaged" in err
