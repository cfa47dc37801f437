"""On the command line: predictions beside columns of the table, so that they can be joined."""

import csv
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from handgrad import MLPClassifier
from handgrad.models.file import save_model

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OK, USAGE, DATA = 0, 2, 3
NASTY = ["a,b", 'say "hi"', "zwei\nZeilen", "Zürich 😀", " blank ", "", "007", "1.50", "-", "'"]


@pytest.fixture
def call(call, tmp_path):
    x = pd.DataFrame({"x": np.arange(10.0)})
    model = MLPClassifier((3,), max_iter=2, random_state=0, dtype="float32")
    model.fit(x, ["no", "yes"] * 5)
    save_model(model.model_, tmp_path / "m")
    x.assign(id=NASTY).to_csv("t.csv", index=False, quoting=csv.QUOTE_NONNUMERIC)
    return call


def rows_of(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def test_kept_cells_stand_as_they_are_in_the_order_asked_for(call):
    plain = rows_of(call("predict", "m", "t.csv", "--proba")[1])
    code, out, err = call("predict", "m", "t.csv", "--keep", "id", "--keep", "x", "--proba")
    assert (code, err) == (OK, "")
    rows = rows_of(out)
    assert rows[0] == ["id", "x", "prediction", "probability no", "probability yes"]
    assert [row[0] for row in rows[1:]] == NASTY
    assert [row[1] for row in rows[1:]] == [f"{i}.0" for i in range(10)]
    assert [row[2:] for row in rows] == plain


def test_a_file_gets_what_stdout_gets(call, tmp_path):
    out = call("predict", "m", "t.csv", "--keep", "id")[1]
    assert call("predict", "m", "t.csv", "--keep", "id", "-o", "p.csv")[0] == OK
    assert (tmp_path / "p.csv").read_bytes() == out.encode()


def test_keep_all_keeps_every_column_and_a_column_may_be_named_all(call):
    pd.DataFrame({"all": ["p", "q"], "x": [1, 2]}).to_csv("a.csv", index=False)
    assert rows_of(call("predict", "m", "a.csv", "--keep", "all")[1])[0] == ["all", "prediction"]
    code, out, err = call("predict", "m", "a.csv", "--keep-all")
    assert (code, err) == (OK, "")
    assert rows_of(out)[0] == ["all", "x", "prediction"]
    assert [row[:2] for row in rows_of(out)[1:]] == [["p", "1"], ["q", "2"]]


def test_a_column_kept_twice_stands_once_and_is_no_longer_said_to_be_unused(call):
    assert "columns not used: id" in call("predict", "m", "t.csv")[2]
    _, out, err = call("predict", "m", "t.csv", "--keep", "id", "--keep", "id")
    assert rows_of(out)[0] == ["id", "prediction"]
    assert err == ""


def test_a_missing_cell_and_an_empty_text_stay_two_things(call):
    names = pa.array(["", None, "b"])
    pq.write_table(pa.table({"x": [1.0, 2.0, 3.0], "name": names}), "t.parquet")
    out = call("predict", "m", "t.parquet", "--keep", "name")[1]
    assert [line.partition(",")[0] for line in out.splitlines()[1:]] == ['""', "", "b"]


TYPED = {
    "whole": pa.array([2**63 - 1, None, -1]),
    "unsigned": pa.array([2**64 - 1, 0, None], pa.uint64()),
    "double": pa.array([0.1, 1e300, 5e-324]),
    "single": pa.array([0.1, 16777216, None], pa.float32()),
    "flag": pa.array([True, False, None]),
    "day": pa.array(["2024-02-29", None, "1969-12-31"]).cast(pa.date32()),
    "time": pa.array(["2024-02-29 01:02:03.000004", None, "1969-12-31 00:00:00"]).cast(
        pa.timestamp("us")
    ),
    "price": pa.array(["1.50", None, "-0.01"]).cast(pa.decimal128(5, 2)),
    "level": pa.array(["p,q", None, "r"]).dictionary_encode(),
}


@pytest.mark.parametrize("name", TYPED)
def test_typed_cells_read_back_the_same(call, name):
    pq.write_table(pa.table({"x": [1.0, 2.0, 3.0], name: TYPED[name]}), "t.parquet")
    code, out, _ = call("predict", "m", "t.parquet", "--keep", name)
    assert code == OK
    texts = pa.array([row[0] or None for row in rows_of(out)[1:]])
    kind = TYPED[name].type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    assert texts.cast(kind).to_pylist() == TYPED[name].to_pylist()


def test_cells_that_csv_cannot_hold_are_refused(call):
    lists = pa.array([[1], [2, 3]])
    raw = pa.array([b"\xff", b"a"])
    pq.write_table(pa.table({"x": [1.0, 2.0], "lists": lists, "raw": raw}), "t.parquet")
    for name in ("lists", "raw"):
        code, out, err = call("predict", "m", "t.parquet", "--keep", name)
        assert (code, out) == (DATA, "")
        assert f"--keep {name}: CSV cannot hold" in err


def test_a_column_that_is_not_there_is_guessed(call):
    code, out, err = call("predict", "m", "t.csv", "--keep", "ID")
    assert (code, out) == (USAGE, "")
    assert "--keep ID (did you mean id?): the table has no such column" in err


@pytest.mark.parametrize("option", [("--keep", "prediction"), ("--keep-all",)])
def test_a_column_named_as_the_predictions_is_refused(call, option, tmp_path):
    pd.DataFrame({"x": [1, 2], "prediction": [3, 4]}).to_csv("p.csv", index=False)
    code, out, err = call("predict", "m", "p.csv", *option, "-o", "o.csv")
    assert (code, out) == (USAGE, "")
    assert "--keep prediction: the predictions have a column of this name, too; rename" in err
    assert not (tmp_path / "o.csv").exists()


def test_a_probability_s_name_clashes_only_where_there_are_probabilities(call):
    pd.DataFrame({"x": [1, 2], "probability no": [3, 4]}).to_csv("p.csv", index=False)
    assert call("predict", "m", "p.csv", "--keep", "probability no")[0] == OK
    assert call("predict", "m", "p.csv", "--keep", "probability no", "--proba")[0] == USAGE


FORMULAS = ["=1+1", "+x", "-y", "@SUM(1)", "\tz", "\rz", "\nz", '=a,"b"']
NO_FORMULAS = ["-1.5", "+2e3", "-inf", "a=b", "'", "1-2", ""]


def test_no_spreadsheet_takes_a_safe_text_for_a_formula(call):
    texts = [*FORMULAS, *NO_FORMULAS]
    model = MLPClassifier((3,), max_iter=2, random_state=0)
    labels = (["=cmd|' /C calc'!A0", "@b"] * 8)[: len(texts)]
    x = pd.DataFrame({"x": np.arange(float(len(texts)))})
    save_model(model.fit(x, labels).model_, "f")
    x.assign(**{"=name": texts, "n": -x["x"]}).to_csv("f.csv", index=False, quoting=csv.QUOTE_ALL)
    kept = ["--keep", "=name", "--keep", "n"]
    plain = rows_of(call("predict", "f", "f.csv", *kept)[1])
    assert [row[0] for row in plain] == ["=name", *texts]
    code, out, _ = call("predict", "f", "f.csv", *kept, "--safe-csv")
    assert code == OK
    safe = rows_of(out)
    assert safe[0] == ["'=name", "n", "prediction"]
    assert [row[0] for row in safe[1:]] == [*(f"'{text}" for text in FORMULAS), *NO_FORMULAS]
    assert [row[1] for row in safe] == [row[1] for row in plain], "numbers stay"
    assert all(row[2] == f"'{before[2]}" for row, before in zip(safe[1:], plain[1:], strict=True))


def test_cross_validation_writes_safe_texts_too(call):
    n = 20
    frame = pd.DataFrame({"x": np.arange(n) % 7, "y": ["=a", "@b"] * (n // 2)})
    frame.to_csv("c.csv", index=False)
    options = ["--folds", "2", "--hidden", "2", "--epochs", "2", "-q", "--output", "p.csv"]
    assert call("cv", "c.csv", "--target", "y", *options, "--safe-csv")[0] == OK
    with open("p.csv", newline="") as file:
        assert {row[0] for row in list(csv.reader(file))[1:]} <= {"'=a", "'@b"}
    assert call("cv", "c.csv", "--target", "y", *options[:-2], "--safe-csv")[0] == USAGE
