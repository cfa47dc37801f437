"""On the command line: models of numbers, and of several labels a row."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from handgrad import MLPClassifier, MLPRegressor
from handgrad.cli import run

X = pd.DataFrame({"a": np.arange(40.0), "b": list("uvwx") * 10})
QUICK = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 2}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    X.to_csv("t.csv", index=False)

    def call_with(*arguments):
        with pytest.raises(SystemExit) as left:
            run(list(arguments))
        out, err = capsys.readouterr()
        return left.value.code, out, err

    return call_with


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


@pytest.mark.parametrize("kind", ["numbers", "labels"])
def test_evaluate_says_who_judges_them(call, kind):
    if kind == "numbers":
        MLPRegressor(**QUICK).fit(X, X["a"]).save("m")
    else:
        MLPClassifier(**QUICK).fit(X, np.arange(80).reshape(40, 2) // 3 % 2).save("m")
    code, out, err = call("evaluate", "m", "t.csv", "--target", "a")
    assert (code, out) == (4, "")
    assert "score() judges it" in err
