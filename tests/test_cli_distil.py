"""``handgrad distil``: a small model learns from a large one, on rows that need no label."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from handgrad import MLPClassifier, MLPRegressor
from handgrad.cli.distil import STUDENT
from handgrad.cli.fit_options import TRAINING_OPTIONS
from handgrad.models.file import load_model, save_model

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
OK, USAGE, DATA, MODEL, IO = 0, 2, 3, 4, 5
chance = np.random.default_rng(3)
N = 200
X = pd.DataFrame({"a": chance.normal(size=N).round(3), "b": list("uvwx") * (N // 4)})
Y = pd.Series(np.where(X["a"] + (X["b"] == "u") > 0.3, "yes", "no"), name="y")
DISTIL = ("distil", "teacher", "t.csv", "--model", "s", "-q", "--epochs", "8")


@pytest.fixture(scope="module")
def teacher():
    model = MLPClassifier((40, 40), max_iter=30, random_state=0, tol=0, dtype="float32")
    model.set_params(n_iter_no_change=100, learning_rate="cosine", learning_rate_init=0.01)
    return model.fit(X, Y).model_


@pytest.fixture
def call(call, teacher, tmp_path):
    save_model(replace(teacher, target="y"), tmp_path / "teacher")
    X.to_csv("t.csv", index=False)
    X.assign(y=Y).to_csv("labelled.csv", index=False)
    return call


def told(call, *arguments):
    code, out, err = call(*arguments, "--json")
    assert (code, err) == (OK, "")
    return json.loads(out)


def log_proba(path, rows=X):
    return load_model(path).predict_log_proba(table_of(rows))


def table_of(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


def test_the_student_is_smaller_and_predicts_as_its_teacher(call, tmp_path):
    told_of = told(call, *DISTIL[:-1], "40")
    student, teacher = (load_model(tmp_path / name) for name in ("s", "teacher"))
    assert len(student.networks) == 1
    assert student.params.flat.size < teacher.params.flat.size
    assert student.classes.tolist() == ["no", "yes"]
    assert student.target == "y"
    sizes = [told_of[who]["bytes"] for who in ("student", "teacher")]
    assert sizes == [(tmp_path / name).stat().st_size for name in ("s", "teacher")]
    assert sizes[0] < sizes[1]
    same = log_proba("s").argmax(axis=1) == log_proba("teacher").argmax(axis=1)
    assert same.mean() > 0.95
    assert told_of["training_rows"] + told_of["comparison"]["rows"] == N
    assert told_of["comparison"]["rows_are"] == "test"
    assert told_of["files"] == ["s"]


def test_figures_of_all_rows_are_those_of_the_two_models(call):
    found = told(call, *DISTIL, "--test", "0")["comparison"]
    ours, theirs = log_proba("s").astype(float), log_proba("teacher").astype(float)
    p = np.exp(theirs)
    assert (found["rows"], found["rows_are"]) == (N, "training")
    assert found["cross_entropy"] == pytest.approx(-(p * ours).sum(axis=1).mean(), rel=1e-5)
    assert found["teacher_entropy"] == pytest.approx(-(p * theirs).sum(axis=1).mean(), rel=1e-5)
    same = ours.argmax(axis=1) == theirs.argmax(axis=1)
    assert found["agreement"] == pytest.approx(same.mean())
    assert "truth" not in found


def test_where_the_table_has_the_truth_both_are_judged_by_it_and_neither_learns_it(call, tmp_path):
    plain = told(call, *DISTIL)
    without = (tmp_path / "s").read_bytes()
    given = told(call, DISTIL[0], "teacher", "labelled.csv", *DISTIL[3:])
    assert (tmp_path / "s").read_bytes() == without
    truth = given["comparison"].pop("truth")
    assert given["comparison"] == plain["comparison"]
    assert (truth["target"], truth["rows"]) == ("y", given["comparison"]["rows"])
    all_rows = told(call, DISTIL[0], "teacher", "labelled.csv", *DISTIL[3:], "--test", "0")
    of_true = log_proba("teacher")[np.arange(N), (Y == "yes").to_numpy().astype(int)]
    figures = all_rows["comparison"]["truth"]["teacher"]
    assert figures["log_loss"] == pytest.approx(-of_true.mean(), rel=1e-5)


def test_the_truth_may_have_gaps_another_name_and_strange_labels(call):
    some = Y.where(np.arange(N) % 4 > 0, "")
    some.iloc[1] = "perhaps"
    X.assign(other=some).to_csv("gaps.csv", index=False)
    code, out, err = call("distil", "teacher", "gaps.csv", *DISTIL[3:], "--target", "other")
    assert code == OK
    assert "perhaps" in err
    assert "log-loss of other" in out
    X.assign(y="").to_csv("empty.csv", index=False)
    code, out, err = call("distil", "teacher", "empty.csv", *DISTIL[3:])
    assert code == OK
    assert "column y is empty" in err
    assert "log-loss" not in out


def test_what_the_teacher_leaves_out_need_not_be_there(call):
    named = X.assign(y=Y, id=[f"k{row}" for row in range(N)])
    named.to_csv("id.csv", index=False)
    assert call("fit", "id.csv", "--target", "y", "--epochs", "2", "-q", "--model", "big")[0] == OK
    assert call("distil", "big", "t.csv", *DISTIL[3:])[0] == OK
    assert load_model("s").encoder.names == ("a", "b")


def test_cells_mean_to_the_student_what_they_mean_to_the_teacher(call):
    codes = X.assign(a=np.arange(N) % 3, y=Y)
    codes.to_csv("codes.csv", index=False)
    fit = ("fit", "codes.csv", "--target", "y", "--categorical", "a", "--epochs", "2", "-q")
    assert call(*fit, "--missing", "w", "--model", "big")[0] == OK
    assert call("distil", "big", "codes.csv", *DISTIL[3:])[0] == OK
    ours, theirs = (load_model(name).encoder.plan for name in ("s", "big"))
    assert list(ours) == list(theirs)


def test_the_same_seed_makes_the_same_student(call, tmp_path):
    files = []
    for seed in ("1", "1", "2"):
        assert call(*DISTIL, "--seed", seed)[0] == OK
        files.append((tmp_path / "s").read_bytes())
    assert files[0] == files[1] != files[2]


def test_in_words_it_tells_the_same(call):
    code, out, err = call("distil", "teacher", "labelled.csv", *DISTIL[3:])
    assert (code, err) == (OK, "")
    for words in (
        "160 rows to train on, 40 to test with",
        "teacher: 5-40-40-1 units",
        "student: ",
        "8 epochs in",
        "on 40 test rows",
        "cross-entropy with the teacher",
        "agreement with the teacher",
        "accuracy of y, 40 rows",
        "wrote s",
    ):
        assert words in out
    out = call(*DISTIL, "--test", "0")[1]
    assert "200 rows to train on\n" in out
    assert "expect less on new ones" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["teacher", "t.csv"], USAGE, ["--model"]),
        (["teacher", "--model", "s"], USAGE, ["TABLE"]),
        (["none", "t.csv", "--model", "s"], IO, ["none"]),
        (["t.csv", "t.csv", "--model", "s"], MODEL, ["t.csv"]),
        (["teacher", "no.csv", "--model", "s"], IO, ["no.csv"]),
        (["teacher", "t.csv", "--model", "teacher"], USAGE, ["read by this command"]),
        (["teacher", "t.csv", "--model", "no/s"], IO, ["no folder"]),
        (["teacher", "t.csv", "--model", "s", "--target", "z"], USAGE, ["--target z"]),
        (["teacher", "t.csv", "--model", "s", "--test", "0.001"], DATA, ["leaves none for it"]),
        (["teacher", "other.csv", "--model", "s"], DATA, ["'b'"]),
        (["teacher", "strange.csv", "--model", "s"], DATA, ["--unknown allow"]),
        (["teacher", "header.csv", "--model", "s"], DATA, ["rows"]),
        (["numbers", "t.csv", "--model", "s"], MODEL, ["predicts numbers"]),
        (["several", "t.csv", "--model", "s"], MODEL, ["predicts several labels a row"]),
    ],
)
def test_what_cannot_be_is_refused_before_any_training(call, tmp_path, arguments, code, words):
    X[["a"]].to_csv("other.csv", index=False)
    X.assign(b="strange").to_csv("strange.csv", index=False)
    X[:0].to_csv("header.csv", index=False)
    small = {"max_iter": 1, "dtype": "float32"}
    MLPRegressor(hidden_layer_sizes=(2,), **small).fit(X, X["a"]).save(tmp_path / "numbers")
    several = np.column_stack([X["a"] > 0, X["a"] > 1])
    MLPClassifier((2,), **small).fit(X, several).save(tmp_path / "several")
    found, out, err = call("distil", *arguments)
    assert (found, out) == (code, "")
    for word in words:
        assert word in err
    assert not (tmp_path / "s").exists()


def test_a_student_trains_by_options_that_fit_has():
    known = {option.name for option in TRAINING_OPTIONS}
    assert STUDENT.keys() <= known
