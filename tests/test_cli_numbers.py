"""On the command line: models of numbers, and of several labels a row."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    hamming_loss,
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    precision_recall_fscore_support,
    root_mean_squared_error,
)

from handgrad import MLPClassifier, MLPRegressor

X = pd.DataFrame({"a": np.arange(40.0), "b": list("uvwx") * 10})
QUICK = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 2}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def call(call):
    X.to_csv("t.csv", index=False)
    return call


def table_of(text):
    header, *rows = csv.reader(io.StringIO(text))
    return header, np.array(rows, dtype=float)


@pytest.mark.parametrize(
    ("settings", "y", "header"),
    [
        ({}, X["a"] ** 2, ["prediction"]),
        ({}, np.column_stack([X["a"], -X["a"]]), ["prediction 1", "prediction 2"]),
        (
            {"loss": "quantile", "quantiles": (0.1, 0.9)},
            X["a"],
            ["prediction 0.1", "prediction 0.9"],
        ),
        ({"loss": "quantile", "quantiles": (0.9,)}, X["a"], ["prediction"]),
    ],
)
def test_numbers_are_predicted(call, settings, y, header):
    model = MLPRegressor(**QUICK, **settings).fit(X, y)
    model.save("m")
    code, out, _ = call("predict", "m", "t.csv")
    assert code == 0
    named, numbers = table_of(out)
    assert named == header
    np.testing.assert_array_equal(numbers, model.predict(X).reshape(40, -1))
    code, out, _ = call("info", "m")
    assert code == 0
    assert f"predicts numbers: {', '.join(header)}" in out
    assert "classes" not in out
    code, out, err = call("predict", "m", "t.csv", "--proba")
    assert (code, out) == (2, "")
    assert "predicts numbers" in err


@pytest.mark.parametrize("calibration", [None, "temperature"])
def test_several_labels_a_row_are_predicted(call, calibration):
    y = np.column_stack([X["a"] > 20, X["b"] == "u", X["a"] % 2 == 0]).astype(int)
    model = MLPClassifier(**QUICK, calibration=calibration).fit(X, y)
    model.save("m")
    code, out, _ = call("predict", "m", "t.csv", "--proba")
    assert code == 0
    header, numbers = table_of(out)
    assert header == [f"{what} {k}" for what in ("prediction", "probability") for k in range(3)]
    np.testing.assert_array_equal(numbers[:, :3], model.predict(X))
    np.testing.assert_allclose(numbers[:, 3:], model.predict_proba(X), atol=1e-6)
    assert "any of which a row may have" in call("info", "m")[1]


def test_numbers_are_judged_by_any_number_of_columns(call):
    one = MLPRegressor(**QUICK).fit(X, X["a"])
    one.save("m")
    code, out, err = call("evaluate", "m", "t.csv", "--target", "a", "--json")
    assert (code, err) == (0, "")
    seen, y = json.loads(out), X["a"]
    assert seen["rows"] == 40
    assert seen["r2"] == pytest.approx(one.score(X, y))
    assert seen["mean_absolute_error"] == pytest.approx(mean_absolute_error(y, one.predict(X)))
    rmse = root_mean_squared_error(y, one.predict(X))
    assert seen["root_mean_squared_error"] == pytest.approx(rmse)
    out = call("evaluate", "m", "t.csv", "--target", "a")[1]
    assert out.startswith(f"40 rows: R2 {seen['r2']:.4g}, mean absolute error ")
    assert out.count("\n") == 1

    pd.concat([X, X["a"].rename("c") ** 2], axis=1).to_csv("u.csv", index=False)
    MLPRegressor(**QUICK).fit(X, np.column_stack([X["a"], X["a"] ** 2])).save("m")
    code, out, err = call("evaluate", "m", "u.csv", "--target", "a", "--target", "c", "--json")
    assert (code, err) == (0, "")
    seen = json.loads(out)
    assert list(seen["columns"]) == ["prediction 1", "prediction 2"]
    assert seen["r2"] == pytest.approx(np.mean([c["r2"] for c in seen["columns"].values()]))
    out = call("evaluate", "m", "u.csv", "--target", "a", "--target", "c")[1]
    assert "prediction 2" in out


def test_quantiles_are_judged_by_their_own_loss(call):
    model = MLPRegressor(**QUICK, loss="quantile", quantiles=(0.1, 0.9)).fit(X, X["a"])
    model.save("m")
    code, out, _ = call("evaluate", "m", "t.csv", "--target", "a", "--json")
    assert code == 0
    seen, predicted = json.loads(out), model.predict(X)
    assert "share_below" not in seen  # a mean over quantiles would say nothing
    for place, q in enumerate((0.1, 0.9)):
        of_one = seen["columns"][f"prediction {q}"]
        wanted = mean_pinball_loss(X["a"], predicted[:, place], alpha=q)
        assert of_one["pinball_loss"] == pytest.approx(wanted)
        assert of_one["share_below"] == np.mean(X["a"] <= predicted[:, place])


def test_several_labels_a_row_are_judged(call):
    y = np.column_stack([X["a"] > 20, X["b"] == "u", X["a"] % 2 == 0]).astype(int)
    model = MLPClassifier(**QUICK).fit(X, y)
    model.save("m")
    X.assign(p=y[:, 0], q=y[:, 1] > 0, r=y[:, 2]).to_csv("u.csv", index=False)
    named = ["--target", "p", "--target", "q", "--target", "r"]
    X.assign(p=y[:, 0], q=y[:, 1], r=y[:, 2]).to_csv("u.csv", index=False)
    code, out, err = call("evaluate", "m", "u.csv", *named, "--json")
    assert (code, err) == (0, "")
    seen, predicted = json.loads(out), model.predict(X)
    assert seen["accuracy"] == pytest.approx(model.score(X, y))
    assert seen["label_accuracy"] == pytest.approx(1 - hamming_loss(y, predicted))
    precision, recall, _, support = precision_recall_fscore_support(
        y, predicted, zero_division=np.nan
    )
    assert seen["support"] == support.tolist()
    assert seen["recall"] == pytest.approx(recall.tolist())
    assert [p or np.nan for p in seen["precision"]] == pytest.approx(precision, nan_ok=True)
    each = log_loss(y.ravel(), model.predict_proba(X).ravel())
    assert seen["log_loss"] == pytest.approx(3 * each)
    out = call("evaluate", "m", "u.csv", *named)[1]
    assert out.startswith("40 rows: all labels of a row right ")


@pytest.mark.parametrize(
    ("named", "cell", "code", "message"),
    [
        ([], "", 2, "predicts 2 columns, and 0 are named"),
        (["p"], "", 2, "predicts 2 columns, and 1 are named; name the true column of each with"),
        (["p", "no"], "", 2, "--target no: the table has no such column"),
        (
            ["p", "q"],
            "2",
            3,
            "column 'q', row 3 (line 4): 2 must be 1 where the row has this label",
        ),
        (["p", "q"], "x", 3, "column 'q', row 3 (line 4): 'x' is not"),
        (["p", "q"], "x", 3, "a column of labels holds 1 and 0"),
    ],
)
def test_what_is_needed_to_judge_is_said(call, named, cell, code, message):
    y = np.column_stack([X["a"] > 20, X["b"] == "u"]).astype(int)
    MLPClassifier(**QUICK).fit(X, y).save("m")
    column = [*map(str, y[:, 1])]
    column[2] = cell or column[2]
    X.assign(p=y[:, 0], q=column).to_csv("u.csv", index=False)
    options = [option for name in named for option in ("--target", name)]
    got, out, err = call("evaluate", "m", "u.csv", *options)
    assert (got, out) == (code, "")
    assert message in err


def test_rows_without_their_number_are_left_out(call):
    model = MLPRegressor(**QUICK).fit(X, X["a"])
    model.save("m")
    X.assign(c=[None, *X["a"][1:]]).to_csv("u.csv", index=False)
    code, out, err = call("evaluate", "m", "u.csv", "--target", "c", "--json")
    assert code == 0
    assert "left out: 1 rows without a number" in err
    assert json.loads(out)["r2"] == pytest.approx(model.score(X[1:], X["a"][1:]))
    X.assign(c=None).to_csv("u.csv", index=False)
    code, _, err = call("evaluate", "m", "u.csv", "--target", "c")
    assert code == 3
    assert "none has" in err


def test_a_truth_that_does_not_vary_has_no_r2(call):
    MLPRegressor(**QUICK).fit(X, X["a"]).save("m")
    X.assign(c=1.5).to_csv("u.csv", index=False)
    assert json.loads(call("evaluate", "m", "u.csv", "--target", "c", "--json")[1])["r2"] is None
    assert "R2 -," in call("evaluate", "m", "u.csv", "--target", "c")[1]


# -- fit --task regression --------------------------------------------------------------------

FIT = ("fit", "t.csv", "--task", "regression", "--target", "a", "--hidden", "8", "-q")


def test_fit_learns_numbers_and_every_command_takes_the_model(call, tmp_path):
    frame = X.assign(d=np.sin(X["a"]))
    frame.to_csv("t.csv", index=False)
    code, out, err = call(*FIT, "--epochs", "30", "--test", "0.2", "--model", "m")
    assert (code, err) == (0, "")
    assert "8 to test with; target a" in out
    assert "8 test rows: R2 " in out
    model = MLPRegressor.load("m")
    assert model.model_.target == "a"
    code, out, _ = call("predict", "m", "t.csv")
    header, numbers = table_of(out)
    assert header == ["prediction"]
    np.testing.assert_array_equal(numbers[:, 0], model.predict(frame[["b", "d"]]))
    code, out, _ = call("evaluate", "m", "t.csv", "--json")
    assert code == 0
    assert json.loads(out)["r2"] == pytest.approx(model.score(frame[["b", "d"]], X["a"]))
    told = json.loads(call("info", "m", "--json")[1])
    assert told["numbers"] == ["prediction"]
    assert "classes" not in told
    assert call("explain", "m", "t.csv")[0] == call("gradcheck", "m", "t.csv")[0] == 0


def test_fit_learns_numbers_well_and_tells_it_as_json(call):
    X.assign(c=3 * X["a"] + 1000).to_csv("u.csv", index=False)
    options = ["--task", "regression", "--target", "c", "--learning-rate", "0.03", "--json", "-q"]
    code, out, _ = call("fit", "u.csv", *options)
    assert code == 0
    told = json.loads(out)
    assert told["task"] == "regression"
    assert told["evaluation"]["r2"] > 0.9
    assert told["kept_epoch"] <= told["epochs"] == len(told["history"])


def test_fit_without_a_table_learns_the_weight_of_penguins(call):
    code, out, _ = call("fit", "--task", "regression", "--epochs", "2", "-q", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["target"], told["rows"]["without_label"]) == ("body_mass_g", 2)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["x"] * 40, "column 'c', row 1 (line 2)"),
        (["1.5"] * 40, "two numbers or more; every row is 1.5"),
        ([""] * 40, "all 40 are missing"),
    ],
)
def test_what_cannot_be_learnt_as_numbers_is_refused(call, cells, message):
    X.assign(c=cells).to_csv("u.csv", index=False)
    code, out, err = call("fit", "u.csv", "--task", "regression", "--target", "c")
    assert (code, out) == (3, "")
    assert message in err


def test_fractions_point_to_regression(call):
    X.assign(c=X["a"] + 0.5).to_parquet("u.parquet")
    X.assign(c=X["a"] + 0.5).to_csv("u.csv", index=False)
    for table in ("u.parquet", "u.csv"):
        code, out, err = call("fit", table, "--target", "c")
        assert (code, out) == (3, "")
        assert "--task regression" in err


PICTURES = {"weights.png", "activations.png", "gradients.png"}


def test_numbers_have_a_report(call, tmp_path):
    X.assign(d=np.sin(X["a"])).to_csv("t.csv", index=False)
    code, out, err = call(*FIT, "--epochs", "5", "--test", "0.2", "--model", "m", "--report", "r")
    assert (code, err) == (0, "")
    names = PICTURES | {"learning_curve.png", "predictions.png", "steps.png"}
    assert {path.name for path in (tmp_path / "r").iterdir()} == names | {"report.html"}
    r2 = re.search(r"R2 (\S+),", out)[1]
    assert f"<dt>R2</dt><dd>{r2}</dd>" in (tmp_path / "r" / "report.html").read_text()
    assert call("evaluate", "m", "t.csv", "--report", "s")[0] == 0
    names = PICTURES | {"predictions.png"}
    assert {path.name for path in (tmp_path / "s").iterdir()} == names | {"report.html"}


@pytest.mark.parametrize(
    ("n_targets", "settings", "told"),
    [
        (1, {"loss": "quantile", "quantiles": [0.1, 0.9]}, "Column by column"),
        (2, {"loss": "quantile", "quantiles": [0.1, 0.9]}, "prediction 2 0.9"),
        (6, {}, "The first 4 of 6 targets are drawn"),
        (1, {"loss": "poisson"}, "mean absolute error"),
    ],
)
def test_numbers_of_every_kind_have_a_report(call, tmp_path, n_targets, settings, told):
    y = np.column_stack([X["a"] ** power for power in range(1, n_targets + 1)])
    names = [f"y{place}" for place in range(n_targets)]
    X.assign(**dict(zip(names, y.T, strict=True))).to_csv("u.csv", index=False)
    MLPRegressor(**QUICK, **settings).fit(X, y[:, 0] if n_targets == 1 else y).save("m")
    named = [word for name in names for word in ("--target", name)]
    code, _, err = call("evaluate", "m", "u.csv", *named, "--report", "r")
    assert (code, err) == (0, "")
    picture = "quantiles.png" if "quantiles" in settings else "predictions.png"
    assert (tmp_path / "r" / picture).exists()
    assert told in (tmp_path / "r" / "report.html").read_text()


def test_labels_have_a_report(call, tmp_path):
    y = pd.DataFrame({"p": X["a"] > 20, "q": X["b"] == "u"}).astype(int)
    X.assign(p=y["p"], q=y["q"]).to_csv("u.csv", index=False)
    MLPClassifier(**QUICK).fit(X, y.to_numpy()).save("m")
    code, _, err = call("evaluate", "m", "u.csv", "--target", "p", "--target", "q", "--report", "r")
    assert (code, err) == (0, "")
    assert {path.name for path in (tmp_path / "r").iterdir()} == PICTURES | {"report.html"}
    page = (tmp_path / "r" / "report.html").read_text()
    assert "Label by label" in page
    assert "each label right" in page
