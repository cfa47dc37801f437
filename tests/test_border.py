"""Whatever container labels, numbers and rows come in: the same, or refused in our own words."""

import datetime as dt
import re
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from handgrad import DataError, MLPClassifier, MLPRegressor
from handgrad.tables.frames import from_frame
from handgrad.tables.labels import classes_of, labels_of
from handgrad.tables.values import floats, values_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 12
X = np.random.default_rng(0).normal(size=(N, 2))
LARGE = 2**53  # whole numbers above are no floats


def classifier(**settings):
    return MLPClassifier((3,), max_iter=2, random_state=0, **settings)


def regressor(**settings):
    return MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0, **settings)


# -- labels ---------------------------------------------------------------------------------------

CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "objects": lambda cells: np.array(cells, dtype=object),
    "column": lambda cells: np.array(cells)[:, None],
    "pandas": pd.Series,
    "pandas objects": lambda cells: pd.Series(cells, dtype=object),
    "pandas nullable": lambda cells: pd.Series(cells).convert_dtypes(),
    "pandas arrow": lambda cells: pd.Series(cells).convert_dtypes(dtype_backend="pyarrow"),
    "pandas category": lambda cells: pd.Series(cells).astype("category"),
    "pandas array": lambda cells: pd.Series(cells).convert_dtypes().array,
    "pandas index": pd.Index,
    "pandas frame": lambda cells: pd.Series(cells, name="y").to_frame(),
    "polars": pl.Series,
    "polars objects": lambda cells: pl.Series(cells, dtype=pl.Object),
    "polars frame": lambda cells: pl.DataFrame({"y": cells}),
    "arrow": pa.array,
    "arrow chunks": lambda cells: pa.chunked_array([cells[:5], cells[5:]]),
    "arrow dictionary": lambda cells: pa.array(cells).dictionary_encode(),
    "arrow table": lambda cells: pa.table({"y": cells}),
}
LABELS = {
    "ids": ([LARGE, LARGE + 1], "i8"),
    "booleans": ([False, True], "?"),
    "texts": (["007", "7"], "<U3"),
    "whole floats": ([0.0, 1.0], "f8"),
    "days": ([dt.date(2026, 1, 1), dt.date(2026, 1, 2)], "M8"),
    "times": ([dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, 5)], "M8"),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_labels_come_back_as_they_were_out_of_every_container(container, kind):
    two, dtype = LABELS[kind]
    y = CONTAINERS[container](two * (N // 2))
    if kind == "whole floats" and getattr(getattr(y, "dtype", None), "kind", "") == "i":
        two, dtype = [0, 1], "i8"  # pandas itself turns them into whole numbers
    model = classifier().fit(X, y)
    if np.dtype(dtype).kind == "M":
        assert model.classes_.dtype.kind == "M"
        assert model.classes_.tolist() == np.array(two, model.classes_.dtype).tolist()
    else:
        assert model.classes_.tolist() == two
        assert model.classes_.dtype.kind == np.dtype(dtype).kind
    assert model.predict(X).dtype == model.classes_.dtype
    plain = np.array(two * (N // 2))
    right = np.mean(model.predict(X) == plain)
    for judged in (y, plain):
        assert model.score(X, judged) == pytest.approx(right)


@pytest.mark.parametrize("dtype", ["Int32", "UInt64", "int8[pyarrow]", "Int8", "category"])
def test_the_width_of_labels_is_kept(dtype):
    y = pd.Series([0, 1] * 6, dtype=dtype)
    expected = {"category": "int64", "int8[pyarrow]": "int8"}.get(dtype, dtype.lower())
    assert classifier().fit(X, y).classes_.dtype == expected
    assert classifier().fit(X, pl.Series([0, 1] * 6, dtype=pl.UInt8)).classes_.dtype == np.uint8


HOLES = {
    "list": [0, None] + [1] * 10,
    "list with NaN": [0, np.nan] + [1] * 10,
    "texts": ["a", None] + ["b"] * 10,
    "NA": [0, pd.NA] + [1] * 10,
    "floats": np.array([0, np.nan] + [1] * 10),
    "dates": np.array(["2026", "NaT"] + ["2027"] * 10, "M8[D]"),
    "masked": np.ma.array([0, 9] + [1] * 10, mask=[0, 1] + [0] * 10),
    "nullable": pd.Series([0, None] + [1] * 10, dtype="Int64"),
    "boolean": pd.Series([True, None] + [False] * 10, dtype="boolean"),
    "string": pd.Series(["a", None] + ["b"] * 10, dtype="string"),
    "arrow in pandas": pd.Series([0, None] + [1] * 10, dtype="int64[pyarrow]"),
    "category": pd.Series([0, None] + [1] * 10, dtype="category"),
    "timestamps": pd.Series(pd.to_datetime(["2026", None] + ["2027"] * 10)),
    "polars": pl.Series([0, None] + [1] * 10),
    "polars texts": pl.Series(["a", None] + ["b"] * 10),
    "polars categories": pl.Series(["a", None] + ["b"] * 10, dtype=pl.Categorical),
    "arrow": pa.array([0, None] + [1] * 10),
    "arrow dictionary": pa.array(["a", None] + ["b"] * 10).dictionary_encode(),
    "frame": pd.DataFrame({"y": pd.Series([0, None] + [1] * 10, dtype="Int64")}),
}


@pytest.mark.parametrize("y", HOLES.values(), ids=HOLES)
def test_a_missing_label_is_refused_by_its_row_in_every_container(y):
    with pytest.raises(DataError, match=r"every row needs a label, but 1 is missing.* row 2"):
        classifier().fit(X, y)
    with pytest.raises(DataError, match="1 is missing"):
        classifier().fit(X, [0, 1] * 6).score(X, y)


def test_nothing_but_missing_labels_is_refused():
    for y in ([None] * N, pa.nulls(N), pl.Series([None] * N), pd.Series([None] * N)):
        with pytest.raises(DataError, match="12 are missing, the first in row 1"):
            classifier().fit(X, y)


@pytest.mark.parametrize(
    "y",
    [
        [["a"], ["a", "b"]] * 6,
        [{"a"}, {"b"}] * 6,
        [("a", "b"), ("b", "c")] * 6,
        [["a"], "b"] * 6,
        pd.Series([["a"], ["a", "b"]] * 6),
        pl.Series([["a"], ["a", "b"]] * 6),
        pa.array([["a"], ["a", "b"]] * 6),
        np.array([["a", "b"], ["b", "c"]] * 6),
    ],
    ids=lambda y: type(y).__module__ + str(y)[:12],
)
def test_sets_of_labels_are_told_of_the_binariser(y):
    with pytest.raises((TypeError, DataError), match="MultiLabelBinarizer"):
        classifier().fit(X, y)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(pd.cut([1, 2] * 6, 2)),
        pd.Series(pd.period_range("2026", periods=2, freq="M").tolist() * 6),
        [dt.timedelta(1), dt.timedelta(2)] * 6,
        pd.Series(pd.to_datetime(["2026-01-01", "2026-01-02"] * 6)).dt.tz_localize("UTC"),
        pl.Series([dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)])
        .repeat_by(6)
        .explode(),
        [2**70, 1] * 6,
        [LARGE + 1, 1.0] * 6,
        np.array(["a", "b"] * 6, dtype="S1"),
        [b"a", b"b"] * 6,
    ],
    ids=lambda y: str(y)[:40],
)
def test_labels_of_other_kinds_are_refused_with_advice_that_works(y):
    with pytest.raises(TypeError, match="pass their texts") as caught:
        classifier().fit(X, y)
    advice = re.search(r"\[label.*\]|list\(.*\)\)", str(caught.value))[0]
    assert len(classifier().fit(X, eval(advice, {"y": y})).classes_) == 2


def test_other_slips_in_labels_are_told_of():
    for y, message in [
        ([1, "a"] * 6, "mix int and str"),
        ([0.0, np.inf] * 6, "infinity. 6 rows have no usable label, the first is row 2"),
        ([0.5, 1] * 6, "continuous"),
        (3, "one value for each row; got the single value '3'"),
        (np.zeros((N, 2, 2)), "dim 3"),
        ([0, 1], "inconsistent numbers of samples"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            classifier().fit(X, y)


@pytest.mark.parametrize(
    "y",
    [np.array([[0], [1]] * 6), pd.DataFrame({"y": [0, 1] * 6}), [[0], [1]] * 6, [["a"], ["b"]] * 6],
)
def test_a_column_of_labels_warns_as_in_scikit_learn(y):
    with pytest.warns(DataConversionWarning):
        classifier().fit(X, y)


def test_frames_of_several_labels_are_indicators():
    wide = {"a": [0, 1] * 6, "b": [1, 1, 0] * 4}
    expected = classifier().fit(X, np.column_stack(list(wide.values())))
    probabilities = expected.predict_proba(X)
    for y in (
        pd.DataFrame(wide),
        pd.DataFrame(wide).astype("boolean"),
        pd.DataFrame({"a": pd.Series(wide["a"], dtype="Int64"), "b": np.array(wide["b"]) > 0}),
        pl.DataFrame(wide),
        pa.table(wide),
        sparse.csr_array(pd.DataFrame(wide).to_numpy()),
    ):
        model = classifier().fit(X, y)
        assert np.array_equal(model.predict_proba(X), probabilities)
        assert model.score(X, y) == expected.score(X, pd.DataFrame(wide).to_numpy())
    with pytest.raises(DataError, match="1 is missing, the first in row 2, column 2"):
        classifier().fit(X, pl.DataFrame(wide | {"b": [1, None] + [0] * 10}))


def test_classes_of_partial_fit_come_in_every_container():
    for classes in (pd.Series([0, 1], dtype="Int64"), pl.Series([0, 1]), pa.array([0, 1]), (0, 1)):
        model = classifier().partial_fit(X, pl.Series([0, 1] * 6), classes=classes)
        assert model.classes_.dtype == np.int64


def test_decimals_and_dates_in_objects_become_plain_labels():
    assert labels_of([Decimal(1), Decimal(2)]).dtype == np.float64
    assert labels_of([dt.date(2026, 1, 1)]).dtype == "M8[D]"
    mixed = labels_of([dt.date(2026, 1, 2), dt.datetime(2026, 1, 1, 5)])
    assert classes_of(mixed).tolist() == [dt.datetime(2026, 1, 1, 5), dt.datetime(2026, 1, 2)]
    assert labels_of(np.array(["a", "b"], np.dtypes.StringDType())).tolist() == ["a", "b"]


# -- numbers --------------------------------------------------------------------------------------

NUMBERS = {
    "list": list,
    "array": np.array,
    "objects": lambda cells: np.array(cells, dtype=object),
    "decimals": lambda cells: list(map(Decimal, cells)),
    "nullable": lambda cells: pd.Series(cells, dtype="Int64"),
    "nullable floats": lambda cells: pd.Series(cells, dtype="Float64"),
    "arrow in pandas": lambda cells: pd.Series(cells, dtype="double[pyarrow]"),
    "decimals in pandas": lambda cells: pd.Series(cells, dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
    "category": lambda cells: pd.Series(cells, dtype="category"),
    "sparse": lambda cells: pd.Series(cells, dtype="Sparse[float]"),
    "frame": lambda cells: pd.DataFrame({"y": cells}),
    "polars": pl.Series,
    "polars decimals": lambda cells: pl.Series(list(map(Decimal, cells))),
    "polars frame": lambda cells: pl.DataFrame({"y": cells}),
    "arrow": pa.array,
    "arrow chunks": lambda cells: pa.chunked_array([cells]),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("container", NUMBERS)
def test_numbers_are_the_same_out_of_every_container(container):
    y = NUMBERS[container](list(range(N)))
    expected = regressor().fit(X, np.arange(N))
    model = regressor().fit(X, y)
    assert np.array_equal(model.predict(X), expected.predict(X))
    assert model.score(X, y) == expected.score(X, np.arange(N))
    quantile = regressor(loss="quantile").fit(X, y)
    assert quantile.score(X, y) == quantile.score(X, np.arange(N))


def test_booleans_and_frames_of_numbers_are_learnt():
    yes = [True, False] * 6
    assert np.array_equal(
        regressor().fit(X, pd.Series(yes, dtype="boolean")).predict(X),
        regressor().fit(X, np.array(yes, float)).predict(X),
    )
    wide = {"a": range(N), "b": [0.5] * N}
    for y in (
        pd.DataFrame(wide),
        pl.DataFrame(wide),
        pa.table({k: list(v) for k, v in wide.items()}),
    ):
        assert regressor().fit(X, y).predict(X).shape == (N, 2)


DATES = [
    np.arange(N).astype("M8[D]"),
    [dt.date(2026, 1, 1)] * N,
    np.array([dt.datetime(2026, 1, 1)] * N, dtype=object),
    pd.Series(pd.to_datetime(["2026-01-01"] * N)),
    pd.Series(pd.to_datetime(["2026-01-01"] * N)).dt.tz_localize("UTC"),
    pd.Series(pd.to_datetime(["2026-01-01"] * N)).astype("category"),
    pl.Series([dt.date(2026, 1, 1)] * N),
    pl.Series([dt.datetime(2026, 1, 1)] * N),
    pa.array([dt.datetime(2026, 1, 1)] * N),
    np.arange(N).astype("m8[D]"),
    [dt.timedelta(1)] * N,
    pd.Series([dt.timedelta(1)] * N),
    pl.Series([dt.timedelta(1)] * N),
]
TEXTS = [
    ["1", "2"] * 6,
    np.array(["1", "2"] * 6),
    pd.Series(["1", "2"] * 6),
    pd.Series(["1", "2"] * 6, dtype="string"),
    pd.Series(["1", "2"] * 6, dtype="category"),
    pl.Series(["1", "2"] * 6),
    pa.array(["1", "2"] * 6),
    [1, "2"] * 6,
]


@pytest.mark.parametrize("y", DATES + TEXTS, ids=lambda y: type(y).__name__ + str(y)[:20])
def test_a_regressor_refuses_dates_and_texts_with_advice_that_works(y):
    refusal = r"y must be numbers; it holds (dates|durations|texts), '"
    with pytest.raises(DataError, match=refusal) as caught:
        regressor().fit(X, y)
    advice = re.search(r"numpy\.asarray\(y.*?(?= if|$)", str(caught.value))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy tells that a time zone is left out
        plain = eval(advice, {"y": y, "numpy": np, "float": float})
    regressor().fit(X, plain)


@pytest.mark.parametrize("hole", [None, np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("container", ["objects", "frame", "polars", "polars frame", "arrow"])
def test_a_number_that_is_missing_or_infinite_is_refused_by_its_place(container, hole):
    y = NUMBERS[container]([1.0, 2.0, hole, 4.0, hole] + [0.0] * 7)
    what = "infinity" if hole in (np.inf, -np.inf) else "NaN"
    with pytest.raises(DataError, match=f"y contains {what}.* 2 rows have no .*first is row 3"):
        regressor().fit(X, y)
    wide = {"a": [1.0] * N, "b": [1.0, hole, hole] + [0.0] * 9}
    for table in (pd.DataFrame(wide), pl.DataFrame(wide, strict=False)):
        with pytest.raises(DataError, match=f"{what}.* 2 rows have .*first is row 2, column 2"):
            regressor().fit(X, table)


def test_other_slips_in_numbers_are_told_of():
    for y, message in [
        ([[1.0], [1.0, 2.0]] * 6, "cells of type list.*equally many in every row"),
        ([{"a": 1}] * N, "cells of type dict"),
        ([dt.time(1)] * N, "cells of type time"),
        ([10**400] * N, "too large for float64. 12 rows"),
        (np.ones(N) * 1j, "Complex data not supported"),
        ([np.timedelta64(1, "D")] * N, "durations"),
        ("text", "one value for each row"),
    ]:
        with pytest.raises(DataError, match=message):
            regressor().fit(X, y)


def test_weights_come_in_every_container():
    weight = [1.0, 2.0] * 6
    expected = classifier().fit(X, [0, 1] * 6, weight).predict_proba(X)
    for given in (pl.Series(weight), pa.array(weight), pd.Series(weight, dtype="Float64")):
        assert np.array_equal(classifier().fit(X, [0, 1] * 6, given).predict_proba(X), expected)
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(X, [0, 1] * 6, pl.Series([None, *weight[1:]]))


def test_values_of_empty_containers_are_empty():
    for y in ([], pd.Series([]), pl.Series([]), pa.array([]), pd.Series([], dtype="category")):
        cells, missing = values_of(y)
        assert cells.shape == missing.shape == (0,)
    assert floats(values_of(pd.DataFrame(index=[0]))).size == 0


# -- rows -----------------------------------------------------------------------------------------

TABLE = {"size": [float(row) for row in range(N)], "kind": ["u", "v", "w"] * 4}
ROWS = [{"size": size, "kind": kind} for size, kind in zip(*TABLE.values(), strict=True)]
Y = [0, 1] * 6

TABLES = {
    "mapping": TABLE,
    "rows": ROWS,
    "rows in other orders": [
        dict(reversed(row.items())) if i else row for i, row in enumerate(ROWS)
    ],
    "lazy": pl.LazyFrame(TABLE),
    "polars": pl.DataFrame(TABLE),
    "arrow": pa.table(TABLE),
    "record batch": pa.record_batch(TABLE),
}


@pytest.mark.parametrize("given", TABLES.values(), ids=TABLES)
def test_rows_are_the_same_out_of_every_container(given):
    frame = pd.DataFrame(TABLE)
    stopping = {"early_stopping": True, "validation_fraction": 0.4, "scoring": "roc_auc"}
    for settings in ({}, stopping):
        expected = classifier(**settings).fit(frame, Y)
        model = classifier(**settings).fit(given, Y, [1.0] * N)
        assert list(model.feature_names_in_) == ["size", "kind"]
        assert np.array_equal(model.predict_proba(given), expected.predict_proba(frame))
        assert model.score(given, Y, [1.0] * N) == expected.score(frame, Y)
    watched = classifier(scoring="roc_auc", early_stopping=True)
    assert watched.fit(given, Y, X_val=given, y_val=Y).n_iter_ == 2
    assert model.gradient_check(given, Y).passed
    assert regressor().fit(given, Y).score(given, Y) == regressor().fit(frame, Y).score(frame, Y)


def test_rows_of_a_service_may_lack_cells_and_have_any_order():
    model = classifier().fit(pd.DataFrame(TABLE), Y)
    frame = pd.DataFrame({"size": [1.0, None], "kind": [None, "u"]})
    expected = model.predict_proba(frame)
    assert np.array_equal(model.predict_proba([{"size": 1.0}, {"kind": "u"}]), expected)
    assert np.array_equal(model.predict_proba([{"size": 1.0}]), expected[:1])
    row = {"kind": "u", "size": 1.0}
    assert np.array_equal(
        model.predict_proba([row]), model.predict_proba([dict(sorted(row.items()))])
    )
    assert np.array_equal(model.predict({"kind": ["u"], "size": [1.0]}), model.predict([row]))


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ({"size": 1.0, "kind": "u"}, TypeError, r"dict of single cells is one row. Pass .*\[row\]"),
        ([{"Size": 1.0, "kind": "u"}], ValueError, "unseen at fit time:\n- Size"),
        ({"size": [1.0]}, ValueError, "now missing:\n- kind"),
        ([{}], DataError, "hold no cells"),
        ([{"size": 1.0}, [1.0, "u"]], DataError, "row 2 is of type list"),
        ([[1.0, 2.0], {"size": 1.0}], ValueError, "row 2 is of type dict"),
        ([{1: 2.0}], TypeError, "must be strings, got 1"),
        ([{"size": 1.0, "kind": {"deep": 1}}], DataError, "column 'kind' has the type 'struct"),
        (pa.array([1.0]), TypeError, "an Arrow array .* is one column"),
        (pa.chunked_array([[1.0]]), TypeError, "an Arrow array .* is one column"),
        (pl.Series([1.0]), ValueError, "Expected 2D array"),
    ],
)
def test_rows_that_are_none_are_answered(rows, error, message):
    model = classifier().fit(pd.DataFrame(TABLE), Y)
    with pytest.raises(error, match=message):
        model.predict(rows)


def test_lazy_labels_and_integers_of_128_bits():
    two = np.array([Y, [0] * 6 + [1] * 6]).T
    model = classifier().fit(TABLE, pl.LazyFrame({"a": two[:, 0], "b": two[:, 1]}))
    assert np.array_equal(model.predict(TABLE), classifier().fit(TABLE, two).predict(TABLE))
    large = pl.Series([2**70, 5] * 6)
    assert regressor().fit(TABLE, large).score(TABLE, large) <= 1
    with pytest.raises(DataError, match=r"a type that Arrow lacks .* cast it"):
        classifier().fit(pl.DataFrame({"a": large}), Y)


def test_sparse_matrices_that_are_dictionaries_are_matrices():
    for kind in (sparse.dok_matrix, sparse.dok_array):
        assert classifier().fit(kind(np.eye(N)), Y).n_features_in_ == N


def test_without_preprocessing_mappings_are_matrices_and_holes_are_placed():
    numbers = {"a": TABLE["size"], "b": TABLE["size"][::-1]}
    frame = pd.DataFrame(numbers)
    expected = classifier(preprocess=None).fit(frame, Y).predict_proba(frame)
    for given in (numbers, frame.to_dict("records"), pl.LazyFrame(numbers)):
        model = classifier(preprocess=None).fit(given, Y)
        assert np.array_equal(model.predict_proba(given), expected)
    holes = numbers | {"b": [0.0, None, *TABLE["size"][2:]]}
    for make in (pl.DataFrame, pa.table, pd.DataFrame):
        with pytest.raises(DataError, match=r"1 cells .* row 2, column 'b'"):
            classifier(preprocess=None).fit(make(holes), Y)
    for given in (TABLE, ROWS, pl.DataFrame(TABLE), pa.table(TABLE)):
        with pytest.raises(TypeError, match="it holds texts"):
            classifier(preprocess=None).fit(given, Y)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((N, 1)).astype("M8[D]"), r"dates \(datetime64"),
        (np.ones((N, 1)).astype("m8[D]"), r"durations \(timedelta64"),
        ([[dt.date(2026, 1, 1)]] * N, "holds dates. Pass a data frame"),
        (np.array([[pd.Timestamp("2026")]] * N), "holds dates"),
        (np.array([[dt.timedelta(1)]] * N), "holds durations"),
        ([["1"]] * N, "texts.* data frame"),
        (np.array([["1"]] * N, np.dtypes.StringDType()), "texts"),
    ],
)
def test_an_array_of_no_numbers_is_told_what_to_do(X, message):
    with pytest.raises(TypeError, match=f"X must be numbers; it .*{message}"):
        classifier().fit(X, Y)


# -- columns that have numbers for names ----------------------------------------------------------

NUMBERED = pd.DataFrame([[kind, size] for size, kind in zip(*TABLE.values(), strict=True)])


def test_texts_below_numbers_for_names_make_a_table(tmp_path):
    named = NUMBERED.set_axis(["0", "1"], axis=1)
    expected = classifier().fit(named, Y).predict_proba(named)
    model = classifier().fit(NUMBERED, Y)
    assert not hasattr(model, "feature_names_in_")
    assert model.model_.encoder.names == ("0", "1")
    model.save(tmp_path / "model")
    for fitted in (model, MLPClassifier.load(tmp_path / "model")):
        assert np.array_equal(fitted.predict_proba(NUMBERED), expected)
        assert np.array_equal(fitted.predict_proba(NUMBERED[:1]), expected[:1])
    assert np.array_equal(model.predict_proba(NUMBERED[[1, 0]]), expected)  # found by name
    with pytest.raises(DataError, match=r"lacks the columns \['1'\]"):
        model.predict(NUMBERED.rename(columns={1: 7}))
    with pytest.raises(ValueError, match="1 features"):
        model.predict(NUMBERED[[0]])


def test_numbers_below_numbers_for_names_stay_a_matrix():
    plain = pd.DataFrame(X)
    expected = classifier().fit(X, Y).predict_proba(X)
    for frame in (
        plain,
        plain.astype(object),
        plain.convert_dtypes(),
        plain.convert_dtypes(dtype_backend="pyarrow"),
    ):
        model = classifier().fit(frame, Y)
        assert model.model_.encoder.names == ("x0", "x1")
        assert np.array_equal(model.predict_proba(frame), expected)
        assert np.array_equal(model.predict_proba(X), expected)


def test_numbers_below_numbers_for_names_can_be_categories():
    for frame, settings in (
        (pd.DataFrame({0: Y}).astype("category"), {}),
        (pd.DataFrame({0: Y}), {"categorical_features": ["0"]}),
    ):
        model = classifier(**settings).fit(frame, Y)
        assert model.model_.encoder.input_names == ["0=0", "0=1"]
        assert np.array_equal(model.predict(frame), model.predict(frame.copy()))


def test_names_that_repeat_or_mix_types_are_refused():
    with pytest.raises(ValueError, match="occur repeatedly"):
        classifier().fit(pd.DataFrame([["x", 1]] * N, columns=[0, 0]), Y)
    with pytest.raises(TypeError, match=r"\['int', 'str'\]"):
        classifier().fit(pd.DataFrame({0: ["x"] * N, "a": 1}), Y)


# -- columns of every kind ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        (pd.cut([1, 5, np.nan], [0, 3, 6]), ["(0, 3]", "(3, 6]", None]),
        (pd.qcut([1, 2], 2), ["(0.999, 1.5]", "(1.5, 2.0]"]),
        (pd.interval_range(0, 2), ["(0, 1]", "(1, 2]"]),
        (pd.period_range("2026", periods=2, freq="M"), ["2026-01", "2026-02"]),
        (pd.Series(pd.to_datetime(["2026-01-01", None])).astype("category"), ["2026-01-01", None]),
        (pd.Categorical([1, "a"], categories=[1, "a"]), ["1", "a"]),
        (pd.Categorical([2, 1]), [2, 1]),
        (pd.Series([1, None], dtype=object), [1, None]),
        ([Decimal("1.5"), None], [Decimal("1.5"), None]),
        ([dt.date(2026, 1, 1), None], [dt.date(2026, 1, 1), None]),
        ([dt.time(5), None], [dt.time(5), None]),
        ([dt.timedelta(1)], [dt.timedelta(1)]),
        (
            [dt.date(2026, 1, 1), dt.datetime(2026, 1, 2, 5)],
            [dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2, 5)],
        ),
        (
            [dt.datetime(2026, 1, 2, 5), dt.date(2026, 1, 1)],
            [dt.datetime(2026, 1, 2, 5), dt.datetime(2026, 1, 1)],
        ),
        (pd.Series(pd.arrays.SparseArray([1.0, 0.0])), [1.0, 0.0]),
    ],
    ids=lambda values: str(values)[:30],
)
def test_columns_of_every_type_are_taken(values, cells):
    for frame in (pd.DataFrame({"a": values}), {"a": pd.Series(values)}):
        table = from_frame(frame)
        assert table.column("a").to_pylist() == cells
        assert table.schema.field("a").metadata is None


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([1, "a", None], ["1", "a", None]),
        ([1.5, "a", np.nan, pd.NA], ["1.5", "a", None, None]),
        ([np.int64(3), "b"], ["3", "b"]),
        ([True, 1, "x"], ["True", "1", "x"]),
        ([Decimal("1.50"), "b"], ["1.50", "b"]),
        ([2**70, 1], [str(2**70), "1"]),
        ([dt.date(2026, 1, 1), "soon"], ["2026-01-01", "soon"]),
    ],
    ids=str,
)
def test_cells_of_several_types_are_read_as_out_of_a_csv_file(values, cells):
    for frame in (pd.DataFrame({"a": pd.Series(values, dtype=object)}), {"a": values}):
        table = from_frame(frame)
        assert table.column("a").to_pylist() == cells
        assert table.schema.field("a").metadata == {b"handgrad": b"csv"}


def test_the_rest_of_a_frame_is_not_marked():
    table = from_frame(pd.DataFrame({"a": [1, "x"], "b": ["y", "z"]}))
    assert [field.metadata for field in table.schema] == [{b"handgrad": b"csv"}, None]


def test_extension_types_of_arrow_lose_their_wrapping():
    number = b"\x00" * 15 + b"\x01"
    table = pa.table({"id": pa.array([number, None], pa.uuid())})
    assert from_frame(table).column("id").to_pylist() == [
        "00000000-0000-0000-0000-000000000001",
        None,
    ]
    truth = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8()))
    assert from_frame(pa.table({"b": truth})).column("b").to_pylist() == [1, 0]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "bool"])
def test_many_columns_of_numbers_are_the_same_as_one_by_one(dtype):
    numbers = np.random.default_rng(1).integers(0, 2, (7, 40)).astype(dtype)
    frame = pd.DataFrame(numbers, columns=[f"c{column}" for column in range(40)])
    if numbers.dtype.kind == "f":
        frame.iloc[3, 5] = np.nan
    expected = pa.table({name: pa.array(frame[name], from_pandas=True) for name in frame})
    assert from_frame(frame).equals(expected)
    frame.insert(3, "text", "x")
    mixed = from_frame(frame)
    assert mixed.column_names == list(frame)
    assert mixed.drop_columns("text").equals(expected)
    assert from_frame(frame[2:4]).equals(mixed.slice(2, 2))
