"""``handgrad cv``: each fold as fit would train it, judged by rows that it has not seen."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from handgrad.batch import folds

OK, USAGE, DATA, IO, DIVERGED = 0, 2, 3, 5, 6
chance = np.random.default_rng(3)
N = 90
X = pd.DataFrame(
    {
        "id": [f"r,{i} ü" for i in range(N)],
        "a": chance.normal(size=N).round(3),
        "b": list("uvw") * 30,
    }
)
SIGNAL = X["a"] + (X["b"] == "u")
LABELS = pd.Series(np.where(SIGNAL + chance.normal(size=N) / 2 > 0.4, "yes", "no"))
QUICK = ("-q", "--hidden", "5", "--epochs", "8", "--learning-rate", "0.03", "--drop", "id")
CV = ("cv", "t.csv", "--target", "y", *QUICK)


@pytest.fixture
def call(call):
    X.assign(y=LABELS).to_csv("t.csv", index=False)
    X.assign(y=(3 * SIGNAL).round(3)).to_csv("n.csv", index=False)
    return call


def told(call, *arguments):
    code, out, err = call(*arguments, "--json")
    assert (code, err) == (OK, "")
    return json.loads(out)


# -- the folds --------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "K", "n_folds"), [(100, 3, 5), (17, 2, 4), (7, 1, 7), (1000, 9, 10)])
def test_folds_are_stratified_and_hold_every_row_once(n, K, n_folds):
    y = np.random.default_rng(n).integers(K, size=n)
    parts = folds(y, n_folds, np.random.PCG64(1))
    assert len(parts) == n_folds
    assert sorted(np.concatenate(parts)) == list(range(n))
    assert np.ptp([len(part) for part in parts]) <= 1
    counts = np.array([np.bincount(y[part], minlength=K) for part in parts])
    assert np.ptp(counts, axis=0).max() <= 1
    assert all((np.diff(part) > 0).all() for part in parts)


def test_folds_differ_by_seed_and_are_the_same_for_one():
    y = np.zeros(50, np.intp)
    first, again, other = (folds(y, 5, np.random.PCG64(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(first, other, strict=True))


# -- success ----------------------------------------------------------------------------------


def test_figures_are_those_of_the_out_of_fold_predictions(call):
    content = told(call, *CV, "--folds", "4", "-o", "o.csv", "--proba")
    predicted = pd.read_csv("o.csv")
    assert list(predicted) == ["prediction", "probability no", "probability yes"]
    assert len(predicted) == N
    counts = [fold["rows"]["judged"] for fold in content["folds"]]
    assert sorted(counts) == [22, 22, 23, 23]
    accuracies = [fold["evaluation"]["accuracy"] for fold in content["folds"]]
    right = (predicted["prediction"] == LABELS).mean()
    assert np.average(accuracies, weights=counts) == pytest.approx(right)
    losses = [fold["evaluation"]["log_loss"] for fold in content["folds"]]
    true_class = np.where(
        LABELS == "yes", predicted["probability yes"], predicted["probability no"]
    )
    loss = -np.log(true_class).mean()
    assert np.average(losses, weights=counts) == pytest.approx(loss, rel=1e-4)
    assert content["mean"]["accuracy"] == pytest.approx(np.mean(accuracies))
    assert content["spread"]["accuracy"] == pytest.approx(np.std(accuracies, ddof=1))
    assert content["mean"]["log_loss"] == pytest.approx(np.mean(losses))
    assert content["files"] == ["o.csv"]
    assert content["settings"]["folds"] == 4
    assert content["settings"]["hidden"] == [5]
    assert "test" not in content["settings"]


def test_a_fold_is_trained_as_fit_would_on_the_other_rows(call):
    content = told(call, *CV, "--folds", "3", "-o", "o.csv", "--proba", "--seed", "5")
    y = np.unique(LABELS, return_inverse=True)[1]
    own = pd.read_csv("o.csv")
    for fold, rows in zip(content["folds"], folds(y, 3, np.random.PCG64((5, 1))), strict=True):
        table = X.assign(y=LABELS)
        table.drop(index=rows).to_csv("rest.csv", index=False)
        table.loc[rows].to_csv("fold.csv", index=False)
        arguments = ("--target", "y", *QUICK, "--seed", "5", "--model", "m")
        fit = told(call, "fit", "rest.csv", *arguments)
        assert fit["rows"]["training"] == fold["rows"]["training"]
        assert fit["rows"]["validation"] == fold["rows"]["validation"] > 0
        assert call("predict", "m", "fold.csv", "--proba", "-o", "p.csv")[0] == OK
        pd.testing.assert_frame_equal(pd.read_csv("p.csv"), own.loc[rows].reset_index(drop=True))
        judged = json.loads(call("evaluate", "m", "fold.csv", "--json")[1])
        assert judged == fold["evaluation"]


def test_text_and_json_agree(call):
    content = told(call, *CV)
    code, text, err = call(*CV)
    assert (code, err) == (OK, "")
    mean, spread = content["mean"], content["spread"]
    for name, heading in (("accuracy", "accuracy"), ("log_loss", "log-loss")):
        assert f"{heading} {mean[name]:.4f} +- {spread[name]:.4f}" in text
    for number, fold in enumerate(content["folds"], start=1):
        accuracy = fold["evaluation"]["accuracy"]
        assert re.search(rf"^\s+{number} .* {accuracy:.4f} ", text, re.MULTILINE)
    assert "t.csv: 90 rows, in 5 folds; target y" in text


def test_the_same_seed_gives_the_same_and_another_does_not(call, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert call(*CV, "--seed", seed, "-o", name, "--proba")[0] == OK
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_csv_and_parquet_give_the_same_folds_and_figures(call):
    X.assign(y=LABELS).to_parquet("t.parquet", index=False)
    options = ("--target", "y", *QUICK, "--validation", "0", "--folds", "3")
    csv_told = told(call, "cv", "t.csv", *options)
    parquet = told(call, "cv", "t.parquet", *options)
    assert csv_told["mean"] == parquet["mean"]


def test_kept_columns_stand_beside_predictions_and_rows_without_label_have_none(call):
    y = LABELS.copy()
    y[[0, 4, N - 1]] = None
    X.assign(y=y).to_csv("t.csv", index=False)
    code, out, _ = call(*CV, "-o", "o.csv", "--keep", "id", "--keep", "y")
    assert code == OK
    assert "left out: 3 rows without a label" in out
    assert "wrote o.csv" in out
    rows = list(csv.DictReader(io.StringIO(Path("o.csv").read_text(encoding="utf-8"))))
    assert [row["id"] for row in rows] == X["id"].tolist()
    assert [i for i, row in enumerate(rows) if not row["prediction"]] == [0, 4, N - 1]
    assert [row["y"] for row in rows] == y.fillna("").tolist()


def test_rows_without_label_keep_their_lines_where_nothing_is_kept(call):
    y = LABELS.copy()
    y[[0, 4]] = None
    X.assign(y=y).to_csv("t.csv", index=False)
    assert call(*CV, "-o", "o.csv")[0] == OK
    lines = Path("o.csv").read_text().splitlines()
    assert len(lines) == N + 1
    assert lines[1] == lines[5] == '""'


def test_numbers(call):
    options = ("cv", "n.csv", "--target", "y", *QUICK, "--task", "regression", "--folds", "3")
    content = told(call, *options, "-o", "o.csv")
    predicted = pd.read_csv("o.csv")["prediction"]
    parts = folds(np.zeros(N, np.intp), 3, np.random.PCG64((0, 1)))
    truth = (3 * SIGNAL).round(3)
    found = [metrics.r2_score(truth[rows], predicted[rows]) for rows in parts]
    assert content["mean"]["r2"] == pytest.approx(np.mean(found), rel=1e-3)
    assert set(content["mean"]) == {"r2", "mean_absolute_error", "root_mean_squared_error"}
    text = call(*options)[1]
    assert f"R2 {content['mean']['r2']:.4g} +- {content['spread']['r2']:.4g}" in text


def test_several_quantiles(call):
    options = ("--task", "regression", "--loss", "quantile", "--quantiles", "0.1,0.9")
    arguments = ("cv", "n.csv", "--target", "y", *QUICK, *options)
    content = told(call, *arguments, "-o", "o.csv")
    assert list(pd.read_csv("o.csv")) == ["prediction 0.1", "prediction 0.9"]
    assert set(content["mean"]) == {"pinball_loss", "share_below 0.1", "share_below 0.9"}
    assert "quantile 0.9: rows below" in call(*arguments)[1]


def test_a_fold_of_one_number_has_no_r2(call):
    pd.DataFrame({"x": range(6), "y": [3, 1, 4, 1, 5, 9]}).to_csv("s.csv", index=False)
    options = ("--task", "regression", "--folds", "6", "--epochs", "2", "-q", "--validation", "0")
    arguments = ("cv", "s.csv", "--target", "y", *options)
    content = told(call, *arguments)
    assert content["mean"]["r2"] is content["spread"]["r2"] is None
    assert content["mean"]["mean_absolute_error"] > 0
    assert "R2 - +- -" in call(*arguments)[1]


def test_an_ensemble(call):
    content = told(call, *CV, "--folds", "2", "--ensemble", "3", "--calibrate")
    assert [len(fold["ensemble"]) for fold in content["folds"]] == [3, 3]
    text = call(*CV, "--folds", "2", "--ensemble", "3")[1]
    assert "8, 8" not in text  # epochs that several have in common stand once
    assert re.search(r"\n +1 +\d+ +\d+ +8 ", text)


def test_without_a_table_it_takes_the_penguins(call):
    code, out, _ = call("cv", "--epochs", "3", "-q", "--folds", "2")
    assert code == OK
    assert out.startswith("the Palmer penguins: 344 rows, in 2 folds; target species")


def test_progress_names_the_fold(call):
    loud = [argument for argument in CV if argument != "-q"]
    code, _, err = call(*loud, "--folds", "3", "--json")
    assert code == OK
    lines = err.splitlines()
    assert [line[:8] for line in lines[-3:]] == ["fold 1/3", "fold 2/3", "fold 3/3"]
    assert all("epoch 8/8  loss" in line for line in lines[-3:])
    assert lines[0].startswith("columns: ")


def test_weights_count_in_each_fold(call):
    heavy = X.assign(y=LABELS, w=np.where(np.arange(N) % 10 == 7, 0, 1 + np.arange(N) % 3))
    heavy.to_csv("w.csv", index=False)
    arguments = ("cv", "w.csv", "--target", "y", *QUICK, "--weight", "w", "--folds", "3")
    content = json.loads(call(*arguments, "--json", "-o", "o.csv", "--keep", "w")[1])
    assert content["rows"] == {"judged": 81, "without_label": 0, "without_weight": 9}
    assert content["settings"]["weight"] == "w"
    predicted = pd.read_csv("o.csv")
    assert predicted["prediction"].isna().tolist() == (heavy["w"] == 0).tolist()
    kept = heavy[heavy["w"] > 0].reset_index()
    y = np.unique(kept["y"], return_inverse=True)[1]
    right = (predicted["prediction"] == heavy["y"])[heavy["w"] > 0].to_numpy()
    parts = folds(y, 3, np.random.PCG64((0, 1)))
    expected = [np.average(right[rows], weights=kept["w"][rows]) for rows in parts]
    found = [fold["evaluation"]["accuracy"] for fold in content["folds"]]
    assert found == pytest.approx(expected)
    assert "81 rows, weighed by w" in call(*arguments)[1]


# -- failure ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_rare", "advice"), [(3, "ask for --folds 3, or join"), (1, "has 1 row, and each of 5 folds")]
)
def test_a_class_with_too_few_rows(call, n_rare, advice):
    y = LABELS.copy()
    y[:n_rare] = "rare"
    X.assign(y=y).to_csv("t.csv", index=False)
    code, out, err = call(*CV)
    assert (code, out) == (DATA, "")
    assert "the class 'rare' has" in err
    assert advice in err
    if n_rare > 1:  # the advice, followed
        assert call(*CV, "--folds", n_rare)[0] == OK


def test_more_folds_than_numbers(call):
    X.assign(y=SIGNAL).head(4).to_csv("s.csv", index=False)
    arguments = ("cv", "s.csv", "--target", "y", *QUICK, "--task", "regression")
    code, _, err = call(*arguments)
    assert code == DATA
    assert "4 rows cannot fill 5 folds; ask for --folds 4" in err
    assert call(*arguments, "--folds", "4", "--validation", "0")[0] == OK


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--keep", "id"), "go with --output"),
        (("--keep-all",), "go with --output"),
        (("--proba",), "go with --output"),
        (("-o", "-"), "must name a file"),
        (("-o", "t.csv"), "is read by this command"),
        (("--proba", "-o", "o.csv", "--task", "regression"), "numbers have none"),
        (("--keep", "nothing", "-o", "o.csv"), "the table has no such column"),
        (("--folds", "1"), "--folds"),
        (("--model", "m"), "No such option"),
        (("--report", "r"), "No such option"),
        (("--test", "0.2"), "No such option"),
        (("--stop-on", "r2"), "--task regression"),
    ],
)
def test_usage(call, options, words):
    code, out, err = call(*CV, *options)
    assert (code, out) == (USAGE, "")
    assert words in err


def test_a_clash_of_names_is_told_before_all_is_trained(call, tmp_path):
    X.assign(y=LABELS, prediction=1).to_csv("t.csv", index=False)
    loud = [argument for argument in CV if argument != "-q"]
    code, _, err = call(*loud, "-o", "o.csv", "--keep", "prediction")
    assert code == USAGE
    assert "too; rename" in err
    assert "fold 2/5" not in err
    assert not (tmp_path / "o.csv").exists()


def test_what_goes_wrong_names_its_fold_and_writes_nothing(call, tmp_path):
    options = ("--task", "regression", "--optimizer", "sgd", "--learning-rate", "1e20")
    code, out, err = call("cv", "n.csv", "--target", "y", *QUICK, *options, "-o", "o.csv")
    assert (code, out) == (DIVERGED, "")
    assert "handgrad: fold 1/5: " in err
    assert not (tmp_path / "o.csv").exists()


def test_an_output_that_cannot_be_written_is_told_before_training(call):
    code, _, err = call(*CV, "-o", "nowhere/o.csv")
    assert code == IO
    assert "no folder 'nowhere'" in err
