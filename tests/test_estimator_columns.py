"""Columns in the estimators: what parameters say of them, what is warned of, and where it lasts."""

import pickle
import warnings
from io import BytesIO

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError

from handgrad import DataError, MLPClassifier, MLPRegressor
from handgrad.errors import DriftWarning, TableWarning
from handgrad.tables.dates import Dating, moment
from handgrad.tables.plan import Plan

N = 120

pytestmark = pytest.mark.filterwarnings(
    "ignore:max_iter=:sklearn.exceptions.ConvergenceWarning",
    "ignore:X does not have valid feature names:UserWarning",
)


def quick(kind=MLPClassifier, **settings):
    return kind(
        hidden_layer_sizes=(4,), **{"max_iter": 3, "random_state": 0, "engine": "numpy"} | settings
    )


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "ok": rng.random(N) < 0.5,
            "level": rng.choice(["red", "green"], N),
            "size": np.round(rng.normal(size=N), 3),
            "day": pd.date_range("2020-01-01", periods=N),
        }
    )


@pytest.fixture
def y(frame):
    return np.where(frame.ok, "yes", "no")


def caught(call):
    """Give what was warned of, the unfinished training left out."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    return [w for w in found if issubclass(w.category, TableWarning | DriftWarning)]


# -- what columns_ says -------------------------------------------------------------------------


def test_columns_after_fit_load_and_partial_fit(frame, y, tmp_path):
    model = quick().fit(frame, y)
    kinds = {column.name: column.kind for column in model.columns_}
    assert kinds == {"ok": "boolean", "level": "category", "size": "number", "day": "date"}
    assert isinstance(model.columns_, Plan)
    model.save(tmp_path / "m")
    loaded = MLPClassifier.load(tmp_path / "m")
    assert loaded.columns_ == model.columns_
    loaded.set_params(engine="numpy").partial_fit(frame, y)
    assert loaded.columns_ == model.columns_
    stream = quick().partial_fit(frame, y, classes=["no", "yes"])
    assert {column.name: column.kind for column in stream.columns_} == kinds
    assert [column.kind for column in quick().fit(frame[["size"]].to_numpy(), y).columns_] == [
        "number"
    ]


def test_columns_of_no_fit_are_not_there():
    with pytest.raises(ValueError, match="not fitted"):
        _ = MLPClassifier().columns_


def test_a_plan_shows_itself_in_a_notebook(frame, y):
    model = quick().fit(frame, y)
    assert repr(model.columns_).splitlines()[1].split()[:2] == ["ok", "boolean"]
    assert "<td>level</td><td>category</td>" in model.columns_._repr_html_()
    assert "4 columns  standardised, one-hot" in model.summary()
    assert "one-hot" in model._repr_html_()
    numbers = quick().fit(frame[["ok", "size"]], y)
    assert "one-hot" not in numbers.summary()


# -- kinds --------------------------------------------------------------------------------------


def test_kinds_are_declared(frame, y):
    model = quick(kinds={"ok": "category", "day": "left out"}).fit(frame, y)
    assert model.columns_["ok"].kind == "category"
    assert model.model_.encoder.input_names == [
        *("size", "ok=false", "ok=true", "level=green", "level=red")
    ]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"kinds": {"level": "colour"}}, DataError, "must be one of 'number'"),
        ({"kinds": {"level": "number"}}, DataError, "'level' cannot be numbers"),
        ({"kinds": {"level": "boolean"}}, DataError, "'level' cannot be booleans"),
        ({"kinds": {"day": "number"}}, DataError, "'day' cannot be numbers: it holds timestamp"),
        ({"kinds": {"hue": "number"}}, DataError, "no columns 'hue'"),
        ({"kinds": "category"}, InvalidParameterError, "kinds"),
        ({"missing_values": {"hue": 1}}, DataError, "no columns 'hue'"),
        ({"missing_values": True}, InvalidParameterError, "must be a text, a number"),
        ({"missing_values": [None]}, InvalidParameterError, "must be a text, a number"),
        ({"missing_values": [[1]]}, InvalidParameterError, "must be a text, a number"),
        ({"missing_values": object()}, InvalidParameterError, "missing_values"),
        ({"decimal": ";"}, InvalidParameterError, "decimal"),
        ({"thousands": "x"}, InvalidParameterError, "thousands"),
        ({"min_frequency": 0}, InvalidParameterError, "min_frequency"),
        ({"max_levels": 1.5}, InvalidParameterError, "max_levels"),
        ({"categorical_features": ["hue"]}, DataError, "no columns 'hue'"),
    ],
)
def test_what_cannot_be_said_of_columns_is_refused(frame, y, settings, error, message):
    with pytest.raises(error, match=message):
        quick(**settings).fit(frame, y)


def test_a_plan_of_another_estimator_is_obeyed(frame, y):
    with_kinds = quick(kinds={"ok": "category"}, missing_values={"level": "red"}).fit(frame, y)
    again = quick(kinds=with_kinds.columns_).fit(frame, y)
    assert again.columns_ == with_kinds.columns_
    assert np.array_equal(again.predict_proba(frame), with_kinds.predict_proba(frame))
    # even where the rows themselves would say otherwise
    few = frame[:20].assign(level="red", ok=True)
    assert quick(kinds=with_kinds.columns_).fit(few, y[:20]).columns_ == with_kinds.columns_
    with pytest.raises(DataError, match=r"the plan is of the columns 'ok'.*the table has 'size'"):
        quick(kinds=with_kinds.columns_).fit(frame[["size"]], y)


def test_a_plan_survives_clones_pickles_and_searches(frame, y):
    plan = quick(kinds={"ok": "category"}).fit(frame, y).columns_
    model = quick(kinds=plan)
    assert clone(model).get_params()["kinds"] == plan
    assert model.set_params(kinds=None).kinds is None
    model.set_params(kinds=plan).fit(frame, y)
    assert pickle.loads(pickle.dumps(model)).columns_ == plan
    file = BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    loaded = joblib.load(file)
    assert loaded.kinds == loaded.columns_ == plan
    assert np.array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    search = GridSearchCV(model, {"alpha": [1e-4, 1e-2], "kinds": [plan, None]}, cv=2)
    assert search.fit(frame, y).best_estimator_.predict(frame).shape == (N,)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_frames_with_dates_and_booleans_are_searched(frame, kind):
    y = frame.ok.to_numpy() if kind is MLPClassifier else frame["size"].to_numpy()
    search = GridSearchCV(quick(kind), {"min_frequency": [1, 80]}, cv=3, error_score="raise")
    search.fit(frame, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("cells", "kind", "doubt"),
    [
        (["soon" if i in (3, 50) else f"{i % 28 + 1}.{i % 12 + 1}.2021" for i in range(N)],
         "date", "'soon' (2) are not dates and count as missing"),
        (["soon" if i % 9 == 0 else f"{i % 28 + 1}.{i % 12 + 1}.2021" for i in range(N)],
         "category", ""),
        ([20211301 + i for i in range(N // 5)] * 5, "number", ""),  # no month 13
        ([f"a rather long answer to a question, number {i % 4} of 4" for i in range(N)],
         "category", ""),
        (["X" if i % 30 == 0 else str(i % 9) for i in range(N)], "category", ""),
        (["X" if i % 30 == 0 else str(i) for i in range(N)], "number with words", "'X' (4)"),
    ],
)  # fmt: skip
def test_most_cells_say_what_a_column_is(y, cells, kind, doubt):
    rows = pd.DataFrame({"c": cells, "x": np.arange(N) % 7})
    model = quick()
    caught(lambda: model.fit(rows, y))
    column = model.columns_["c"]
    assert column.kind == kind
    assert doubt in " ".join(column.doubts)


# -- missing_values, decimal, thousands, rare levels --------------------------------------------


@pytest.mark.parametrize(
    "missing", [-9, "-9", [-9, "gone"], {"size": -9}, {"size": [-9.0]}, np.array([-9.0]), ("-9",)]
)
def test_what_means_missing(frame, y, missing):
    holes = frame.assign(size=frame["size"].where(frame.index % 10 > 0))
    coded = holes.assign(size=holes["size"].fillna(-9))
    known, model = quick().fit(holes, y), quick(missing_values=missing).fit(coded, y)
    assert np.array_equal(model.predict_proba(coded), known.predict_proba(holes))
    assert "size is missing" in model.model_.encoder.input_names
    # whoever reads it, and however the code is spelt
    for cells in (coded["size"].astype(str), coded["size"].map("{:.2f}".format)):
        exact = holes["size"].map("{:.2f}".format).astype(float)
        other = coded.assign(size=cells)
        known_rows = holes if cells.iloc[1] != f"{exact[1]:.2f}" else holes.assign(size=exact)
        assert np.array_equal(model.predict_proba(other), known.predict_proba(known_rows))


def test_codes_of_one_column_are_numbers_of_another(frame, y):
    both = frame.assign(a=[-9 if i % 10 == 0 else i for i in range(N)])
    both["b"] = both.a
    names = quick(missing_values={"a": -9}).fit(both, y).model_.encoder.input_names
    assert "a is missing" in names
    assert "b is missing" not in names


def test_two_signs_in_one_number_part_thousands_beyond_doubt(y):
    rows = pd.DataFrame({"c": [f"{1_000_000 + 1001 * i:,}" for i in range(N)]})
    model = quick()
    assert not caught(lambda: model.fit(rows, y))
    assert model.columns_.doubts == []
    assert model.model_.encoder.mean[0] > 1e6


def test_years_of_two_digits_are_those_of_posix():
    order = Dating("date", "dmy")
    assert moment("01.01.69", order) == -365 * 86400
    assert moment("01.01.68", order) > moment("01.01.1999", order)


def test_a_code_is_no_level_however_it_is_spelt(y):
    rows = pd.DataFrame({"c": ["1.0", "2.0", "9.0"] * (N // 3)})
    model = quick(kinds={"c": "category"}, missing_values={"c": 9}).fit(rows, y)
    assert model.model_.encoder.input_names == ["c=1.0", "c=2.0", "c is missing"]
    for cell in ("9", "9.00", 9, 9.0, None):
        assert model.transform(pd.DataFrame({"c": [cell]}), layer=0).tolist() == [[0, 0, 1]]


def test_signs_within_numbers_are_told(y):
    texts = pd.DataFrame({"v": [f"{1 + i % 7}.{100 + i}" for i in range(N)]})
    plain = quick().fit(texts, y)
    assert "is read as the fraction" in plain.columns_.doubts[0]
    assert plain.model_.encoder.mean[0] < 10
    for settings in ({"thousands": "."}, {"decimal": ","}):
        assert quick(**settings).fit(texts, y).model_.encoder.mean[0] > 1000


def test_rare_levels_share_an_input(frame, y):
    rare = frame.assign(level=["rare" if i % 30 == 0 else "ab"[i % 2] for i in range(N)])
    for settings in ({"min_frequency": 5}, {"max_levels": 2}):
        model = quick(**settings).fit(rare[["level"]], y)
        assert model.model_.encoder.input_names == ["level=a", "level=b", "level: other"]
        new, old = (pd.DataFrame({"level": [v]}) for v in ("new", "rare"))
        assert not caught(lambda model=model, new=new: model.predict(new))
        assert np.array_equal(model.predict_proba(new), model.predict_proba(old))


# -- warnings -----------------------------------------------------------------------------------


def test_what_was_left_out_is_warned_of_once_and_at_the_callers_line(frame, y):
    names = frame.assign(name=[f"N{i}" for i in range(N)], same=1, none=None)
    [warning] = caught(lambda: quick().fit(names, y))
    assert warning.category is TableWarning
    assert warning.filename == __file__
    assert str(warning.message) == (
        "'name' is left out: 120 of 120 differ; 'same' is left out: all cells are the same; "
        "'none' is left out: no cell is filled. See columns_, and kinds to have it otherwise."
    )
    declared = {"name": "left out", "same": "left out", "none": "left out"}
    assert not caught(lambda: quick(kinds=declared).fit(names, y))


def test_words_and_odd_notations_are_warned_of(frame, y):
    odd = frame.assign(
        v=["none" if i % 9 == 0 else str(i / 4) for i in range(N)],
        d=["01/02/2020", "03/04/2021"] * (N // 2),
    )
    [warning] = caught(lambda: quick().fit(odd, y))
    assert "106 of 120 cells are numbers; beside them stand 'none' (14)" in str(warning.message)
    assert "no cell tells day from month" in str(warning.message)


def test_doubts_of_meaning_are_for_who_asks(frame, y):
    ids = frame.assign(id=range(1000, 1000 + N), level=["Male", "male ", "F"] * (N // 3))
    model = quick()
    assert not caught(lambda: model.fit(ids, y))
    assert len(model.columns_.doubts) == 2
    assert "are they ids" in repr(model.columns_)


@pytest.mark.parametrize("call", ["predict", "predict_proba", "score", "transform"])
def test_a_column_of_which_no_cell_is_known_is_warned_of(frame, y, call):
    model = quick().fit(frame, y)
    strange = frame.assign(level=frame.level.str.upper())
    arguments = (strange, y) if call == "score" else (strange,)
    [warning] = caught(lambda: getattr(model, call)(*arguments))
    assert warning.category is DriftWarning
    assert warning.filename == __file__
    assert "column 'level': 120 of 120 cells hold values not seen when the model was fitted" in str(
        warning.message
    )
    assert str(warning.message).endswith("is it the same column?")
    some = frame.assign(level=["new" if i == 3 else v for i, v in enumerate(frame.level)])
    assert not caught(lambda: getattr(model, call)(some, *arguments[1:]))


def test_a_text_among_numbers_is_refused_by_its_row(frame, y):
    model = quick().fit(frame, y)
    with pytest.raises(DataError, match=r"column 'size', row 1: 'oops' is not a plain decimal"):
        model.predict(frame.assign(size="oops"))


# -- one meaning, whoever hands it over ---------------------------------------------------------

BOOLEANS = {
    "numbers": lambda f: f.astype({"ok": int}),
    "floats": lambda f: f.astype({"ok": float}),
    "texts": lambda f: f.assign(ok=f.ok.astype(str)),
    "small texts": lambda f: f.assign(ok=f.ok.map({True: "true", False: "false"})),
    "objects": lambda f: f.astype({"ok": object}),
    "nullable": lambda f: f.astype({"ok": "boolean"}),
    "words": lambda f: f.assign(ok=f.ok.map({True: "yes", False: "no"})),
    "polars": pl.from_pandas,
    "records": lambda f: f.to_dict("records"),
    "columns": lambda f: {name: f[name].tolist() for name in f},
}


@pytest.mark.parametrize("other", BOOLEANS)
def test_a_boolean_is_known_in_every_spelling(frame, y, other):
    frame = frame[["ok", "size"]]
    model = quick(solver="lbfgs", max_iter=50).fit(frame, y)
    assert model.score(frame, y) == 1
    rows = BOOLEANS[other](frame)
    assert not caught(lambda: model.predict(rows))
    assert np.array_equal(model.predict_proba(rows), model.predict_proba(frame))
    fitted_there = quick(solver="lbfgs", max_iter=50).fit(rows, y)
    assert np.array_equal(fitted_there.predict_proba(frame), model.predict_proba(frame))


def test_booleans_that_are_all_alike_are_booleans_whoever_reads_them(y):
    typed = pd.DataFrame({"ok": pd.array([True, None] * (N // 2), dtype="boolean"), "x": range(N)})
    words = typed.assign(ok=["True", ""] * (N // 2))
    for rows in (typed, words, pl.from_pandas(typed)):
        assert quick().fit(rows, y).columns_["ok"].kind == "boolean"


def test_numbers_and_booleans_are_taken_as_an_array(frame, y):
    frame = frame[["ok", "size"]].assign(constant=1)
    with pytest.warns(TableWarning, match="'constant' is left out"):
        model = quick().fit(frame, y)
    assert np.array_equal(model.predict_proba(frame.to_numpy(float)), model.predict_proba(frame))
    with_levels = quick().fit(frame[["ok"]].assign(level=["u", "v"] * (N // 2)), y)
    with pytest.raises(DataError, match=r"the columns \['level'\] are not plain numbers"):
        with_levels.predict(np.ones((2, 2)))


def test_dummies_are_what_the_same_numbers_are(y, frame):
    dummies = pd.get_dummies(frame[["level"]])
    assert dummies.dtypes.eq(bool).all()
    model = quick(solver="lbfgs", max_iter=500).fit(dummies, y)
    for rows in (dummies.astype(int), dummies.astype(float), dummies.to_numpy()):
        assert np.array_equal(model.predict_proba(rows), model.predict_proba(dummies))


def test_booleans_go_to_scikit_learn(frame, y):
    frame = frame[["ok", "size"]]
    model = quick(solver="lbfgs", max_iter=500).fit(frame, y)
    theirs = model.to_sklearn()
    np.testing.assert_allclose(
        theirs.predict_proba(frame.astype(float)), model.predict_proba(frame), rtol=1e-6
    )
    with pytest.raises(ValueError, match="cannot hold"):
        quick().fit(frame.assign(c=["a", "b"] * (N // 2)), y).to_sklearn()


# -- frames with numbers for names --------------------------------------------------------------


@pytest.mark.parametrize("name", [0, "0", np.int64(0)])
@pytest.mark.parametrize("cells", [["x", "z"], [1, 2], [1.5, 2.5]])
def test_columns_named_by_numbers_are_named_by_either(name, cells):
    numbered = pd.DataFrame({0: cells * 20, 1: np.arange(40) % 7})
    y = ["a", "b"] * 20
    for settings in ({"categorical_features": [name]}, {"kinds": {name: "category"}}):
        model = quick(**settings).fit(numbered, y)
        assert model.columns_["0"].kind == "category"
        assert model.predict(numbered).shape == (40,)
    model = quick(missing_values={name: cells[0]}).fit(numbered, y)
    assert str(cells[0]) in model.columns_["0"].missing
    assert clone(model).get_params()["missing_values"] == {name: cells[0]}


def test_a_plan_goes_to_columns_named_by_numbers():
    numbered = pd.DataFrame(np.arange(80).reshape(40, 2) % 7)
    y = ["a", "b"] * 20
    plan = quick(kinds={0: "category"}).fit(numbered, y).columns_
    assert quick(kinds=plan).fit(numbered, y).columns_ == plan


@pytest.mark.parametrize(
    "settings",
    [{"kinds": {0: "category"}}, {"missing_values": -1}, {"categorical_features": [0]}],
)
@pytest.mark.parametrize("preprocess", ["auto", None])
def test_what_is_said_of_the_columns_of_an_array_is_not_ignored(settings, preprocess):
    X, y = np.arange(80.0).reshape(40, 2) % 3, ["a", "b"] * 20
    [name] = settings
    with pytest.raises(DataError, match=f"'{name}' is for a data frame"):
        quick(**settings, preprocess=preprocess).fit(X, y)
    if preprocess:  # the advice works
        assert quick(**settings).fit(pd.DataFrame(X), y).predict(pd.DataFrame(X)).shape == (40,)
    for empty in ({"kinds": {}}, {"missing_values": []}, {"categorical_features": []}):
        quick(**empty, preprocess=preprocess).fit(X, y)


# -- what scorers see ---------------------------------------------------------------------------


def test_scorers_get_rows_that_are_encoded_and_callables_those_given(frame, y, monkeypatch):
    from handgrad.tables.encode import Encoder

    counted = []
    encode = Encoder.encode
    monkeypatch.setattr(Encoder, "encode", lambda *a, **k: (counted.append(1), encode(*a, **k))[1])
    settings = {"early_stopping": True, "max_iter": 6, "n_iter_no_change": 6}
    quick(scoring="loss", **settings).fit(frame, y)
    usual = len(counted)
    counted.clear()
    quick(scoring="balanced_accuracy", **settings).fit(frame, y)
    assert len(counted) == usual
    counted.clear()
    quick(scoring=make_scorer(accuracy_score), **settings).fit(frame, y)
    assert len(counted) == usual
    seen = []

    def mine(model, X, y):
        seen.append(X)
        return model.score(X, y)

    quick(scoring=mine, **settings).fit(frame, y)
    assert all(isinstance(X, pd.DataFrame) and list(X) == list(frame) for X in seen)
    assert len(seen) == 6


def test_other_tools_of_scikit_learn_hand_frames_on(frame, y):
    columns = ColumnTransformer([("all", "passthrough", list(frame))]).set_output(
        transform="pandas"
    )
    model = quick(kinds={"all__ok": "boolean"}).fit(columns.fit_transform(frame), y)
    assert model.columns_["all__day"].kind == "date"
