"""On the command line: a column that says how much each row counts."""

import json

import numpy as np
import pandas as pd
import pytest

from handgrad import MLPClassifier, MLPRegressor
from handgrad.models.file import load_model, save_model

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OK, USAGE, DATA = 0, 2, 3
chance = np.random.default_rng(8)
N = 80
X = pd.DataFrame({"a": chance.normal(size=N).round(3), "b": list("uvwx") * 20})
LABELS = np.where(X["a"] + chance.normal(size=N) > 0, "yes", "no")
WEIGHTS = chance.integers(1, 4, size=N)
QUICK = ("-q", "--hidden", "5", "--epochs", "6", "--learning-rate", "0.03", "--validation", "0")
FIT = ("fit", "t.csv", "--target", "y", "--weight", "w", *QUICK)


@pytest.fixture
def call(call):
    X.assign(w=WEIGHTS, y=LABELS).to_csv("t.csv", index=False)
    return call


def write_weights(weights):
    X.assign(w=weights, y=LABELS).to_csv("t.csv", index=False)


def test_fit_is_the_estimator_s_with_sample_weight(call):
    assert call(*FIT, "--model", "m")[0] == OK
    model = load_model("m")
    assert model.encoder.names == ("a", "b")
    settings = {"max_iter": 6, "random_state": 0, "learning_rate_init": 0.03, "batch_size": 32}
    own = MLPClassifier((5,), dtype="float32", **settings)
    own.fit(X, LABELS, sample_weight=WEIGHTS.astype(float))
    assert np.array_equal(own.model_.params.flat, model.params.flat)


def test_validation_rows_are_watched_by_their_weights(call):
    told = json.loads(call(*FIT[:-2], "--validation", "0.3", "--l2", "0", "--json")[1])
    watched = told["history"][told["kept_epoch"] - 1]["validation_loss"]
    assert told["judged_by"] == "validation"
    assert watched == pytest.approx(told["evaluation"]["log_loss"], rel=1e-4)


def test_a_factor_on_all_weights_changes_nothing(call, tmp_path):
    options = (*FIT[:-2], "--validation", "0.2", "--test", "0.2")
    first = json.loads(call(*options, "--json", "--model", "a")[1])
    write_weights(WEIGHTS * 1024)
    second = json.loads(call(*options, "--json", "--model", "b")[1])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert first["evaluation"]["accuracy"] == second["evaluation"]["accuracy"]


def test_figures_of_fit_and_evaluate_are_those_of_rows_repeated(call):
    told = json.loads(call(*FIT, "--model", "m", "--json")[1])
    assert told["settings"]["weight"] == "w"
    judged = json.loads(call("evaluate", "m", "t.csv", "--weight", "w", "--json")[1])
    assert judged.pop("weight") == "w"
    assert judged == told["evaluation"]
    repeated = X.assign(y=LABELS).loc[np.repeat(np.arange(N), WEIGHTS)]
    repeated.to_csv("r.csv", index=False)
    plain = json.loads(call("evaluate", "m", "r.csv", "--json")[1])
    assert (judged.pop("rows"), plain.pop("rows")) == (N, WEIGHTS.sum())
    for name, value in plain.items():
        if name == "classes":
            assert judged[name] == value
        else:
            np.testing.assert_allclose(judged[name], value)


def test_it_says_that_figures_are_by_weight(call, tmp_path):
    code, out, err = call(*FIT, "--model", "m", "--report", "r")
    assert (code, err) == (OK, "")
    assert f"{N} training rows, weighed by w: accuracy" in out
    assert "confusion matrix of weights" in out
    assert "weights" in (tmp_path / "r" / "report.html").read_text()
    code, out, err = call("evaluate", "m", "t.csv", "--weight", "w", "--report", "s")
    assert (code, err) == (OK, "")
    assert f"{N} rows, weighed by w: accuracy" in out
    assert "by weight" in (tmp_path / "s" / "report.html").read_text()


def test_fractions_are_shown_short(call):
    write_weights(WEIGHTS / 7)
    code, out, _ = call(*FIT, "--report", "r")
    assert code == OK
    assert "0000" not in out


def test_rows_of_no_weight_are_left_out(call, tmp_path):
    write_weights(np.where(np.arange(N) < 20, 0, WEIGHTS))
    code, out, _ = call(*FIT, "--model", "a")
    assert code == OK
    assert "60 to train on" in out
    assert "left out: 20 rows of weight 0" in out
    assert json.loads(call(*FIT, "--json")[1])["rows"]["without_weight"] == 20
    X.assign(w=WEIGHTS, y=LABELS).loc[20:].to_csv("u.csv", index=False)
    assert call("fit", "u.csv", *FIT[2:], "--model", "b")[0] == OK
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with_weight = call("evaluate", "a", "t.csv", "--weight", "w", "--json")[1]
    assert with_weight == call("evaluate", "a", "u.csv", "--weight", "w", "--json")[1]
    _, out, err = call("evaluate", "a", "t.csv", "--weight", "w")
    assert "60 rows, weighed by w" in out
    assert "left out: 20 rows of weight 0" in err


def test_numbers_are_judged_by_weight(call):
    X.assign(w=WEIGHTS, y=X["a"] * 2).to_csv("t.csv", index=False)
    assert call(*FIT, "--task", "regression", "--model", "m")[0] == OK
    judged = json.loads(call("evaluate", "m", "t.csv", "--weight", "w", "--json")[1])
    X.assign(y=X["a"] * 2).loc[np.repeat(np.arange(N), WEIGHTS)].to_csv("r.csv", index=False)
    plain = json.loads(call("evaluate", "m", "r.csv", "--json")[1])
    for name in ("r2", "mean_absolute_error", "root_mean_squared_error"):
        assert judged[name] == pytest.approx(plain[name])


@pytest.mark.parametrize("kind", ["labels", "quantiles"])
def test_several_columns_are_judged_by_weight(call, kind):
    if kind == "labels":
        y = np.column_stack([X["a"] > 0, X["b"] == "u"]).astype(int)
        own = MLPClassifier((3,), max_iter=2, random_state=0)
    else:
        y = X["a"].to_numpy()[:, None]
        own = MLPRegressor(
            hidden_layer_sizes=(3,),
            max_iter=2,
            random_state=0,
            loss="quantile",
            quantiles=(0.2, 0.8),
        )
    own.fit(X, y if kind == "labels" else y[:, 0])
    save_model(own.model_, "m")
    names = [f"y{i}" for i in range(y.shape[1])]
    table = X.assign(w=WEIGHTS, **dict(zip(names, y.T, strict=True)))
    table.to_csv("t.csv", index=False)
    table.loc[np.repeat(np.arange(N), WEIGHTS)].to_csv("r.csv", index=False)
    targets = [part for name in names for part in ("--target", name)]
    code, out, _ = call("evaluate", "m", "t.csv", *targets, "--weight", "w", "--json")
    assert code == OK
    judged, plain = (
        json.loads(out),
        json.loads(call("evaluate", "m", "r.csv", *targets, "--json")[1]),
    )
    for name in plain.keys() - {"rows", "labels", "columns"}:
        np.testing.assert_allclose(judged[name], plain[name])
    assert judged.get("columns", {}).keys() == plain.get("columns", {}).keys()


@pytest.mark.parametrize("command", ["fit", "evaluate"])
@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("-1", "column 'w', row 3 (line 4): -1 is negative"),
        ("", "column 'w', row 3 (line 4): the cell is missing"),
        ("heavy", "column 'w', row 3 (line 4): 'heavy' is not a plain decimal number"),
        ("inf", "column 'w', row 3 (line 4): 'inf' is infinite"),
    ],
)
def test_a_cell_that_is_no_weight_is_named(call, command, cell, words):
    assert call(*FIT, "--model", "m")[0] == OK
    cells = [str(weight) for weight in WEIGHTS]
    cells[2] = cell
    write_weights(cells)
    arguments = FIT if command == "fit" else ("evaluate", "m", "t.csv", "--weight", "w")
    code, out, err = call(*arguments)
    assert (code, out) == (DATA, "")
    assert words in err


def test_weights_that_leave_nothing_are_refused(call):
    write_weights(0)
    assert "must hold a weight above 0" in call(*FIT)[2]
    labels = [None, *LABELS[1:]]
    X.assign(w=[1] + [0] * (N - 1), y=labels).to_csv("t.csv", index=False)
    code, _, err = call(*FIT)
    assert code == DATA
    assert "no row has both" in err
    write_weights(1e308)
    assert "no finite sum" in call(*FIT)[2]


def test_what_remains_must_still_vary(call):
    write_weights((LABELS == "yes").astype(int))
    code, _, err = call(*FIT)
    assert code == DATA
    assert "two classes or more" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--weight", "W"), "did you mean w?"),
        (("--weight", "y"), "is the target"),
        (("--weight", "w", "--categorical", "w"), "is not a column to predict from"),
    ],
)
def test_usage(call, options, words):
    code, out, err = call("fit", "t.csv", "--target", "y", *QUICK, *options)
    assert (code, out) == (USAGE, "")
    assert words in err
