"""One row at a time: the bits of a table of this row, from any thread, and clear refusals."""

import copy
import datetime
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import ENGINES, encoder_of
from handgrad import MLPClassifier, MLPRegressor
from handgrad.engines.choice import BACKENDS
from handgrad.errors import DataError
from handgrad.models.file import load_model
from handgrad.models.model import Model, TargetScale
from handgrad.models.predictor import Predictor
from handgrad.network import Architecture
from handgrad.outputs import OUTPUTS
from handgrad.params import glorot_uniform
from handgrad.tables.encode import Encoder
from handgrad.tables.frames import from_frame
from handgrad.tables.levels import Frequency
from handgrad.tables.one_row import RowEncoder
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.recognition.wishes import Wishes
from handgrad.tables.table import read_table

engines = pytest.mark.parametrize("engine", ENGINES)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

OF_CLASSES = [("softmax", 4), ("logistic", 1), ("logistic", 3)]
OF_NUMBERS = [(name, 3) for name, output in OUTPUTS.items() if not output.classifies]


def params_of(units, seed, dtype):
    params = glorot_uniform(units, "tanh", np.random.PCG64(seed), dtype)
    params.flat[...] += np.random.default_rng(seed).normal(0, 0.1, params.flat.size)
    return params


def a_model(output="softmax", n_scores=4, *, encoder=None, n_networks=1, dtype="float32", **more):
    encoder = encoder or Encoder.identity(5)
    units = (encoder.n_inputs, 20, n_scores)
    networks = [params_of(units, seed, dtype) for seed in range(n_networks)]
    head = OUTPUTS[output]
    n_classes = (2 if head.is_binary(n_scores) else n_scores) if head.classifies else 0
    classes = np.array([f"class {k}" for k in range(n_classes)])
    architecture = Architecture(units, "tanh", output)
    return Model(encoder, architecture, networks[0], classes, members=tuple(networks[1:]), **more)


def answer_of(model, columns):
    if model.architecture.head.classifies:
        return model.predict_proba(columns)
    return model.predict_numbers(columns)


def row_of(n=5, seed=0):
    return np.random.default_rng(seed).normal(size=n)


@pytest.fixture(scope="module")
def penguins():
    return read_table(files("handgrad") / "data" / "penguins.csv").drop_columns("species")


# -- answers ----------------------------------------------------------------------------------


@engines
@dtypes
@pytest.mark.parametrize(("output", "n_scores"), [*OF_CLASSES, *OF_NUMBERS], ids=str)
@pytest.mark.parametrize(("n_networks", "temperature"), [(1, 1.0), (3, 1.0), (1, 1.7), (2, 0.6)])
def test_a_row_has_the_bits_of_an_array_of_it(
    engine, dtype, output, n_scores, n_networks, temperature
):
    more = {"engine": engine, "dtype": dtype, "n_networks": n_networks}
    if OUTPUTS[output].classifies:
        more["temperature"] = temperature
    model = a_model(output, n_scores, **more)
    predict = model.predictor()
    for seed in range(5):
        row = row_of(seed=seed).astype(dtype)
        expected = answer_of(model, row[np.newaxis])[0]
        for given_as in (row, row.astype(np.float64), row.tolist(), tuple(row.tolist())):
            got = predict(given_as)
            assert got.dtype == expected.dtype
            assert np.array_equal(got, expected)
        if OUTPUTS[output].classifies:
            by_scores = OUTPUTS[output].proba(model.scores(row[np.newaxis]))[0]
            np.testing.assert_allclose(expected, by_scores, rtol=1e-4)
            expected = model.predict(row[np.newaxis])[0]
        assert np.array_equal(predict.predict(row), expected)


@engines
def test_numbers_come_in_their_own_scale(engine):
    scale = TargetScale(np.array([10.0]), np.array([100.0]))
    model = a_model("identity", 1, engine=engine, scale=scale)
    row = row_of()
    got = model.predictor()(row)
    assert got.shape == (1,)
    assert np.array_equal(got, model.predict_numbers(row[np.newaxis])[0])


@engines
@pytest.mark.parametrize("hidden", [(), (64,), (30, 300)])
def test_networks_of_any_shape(engine, hidden):
    units = (70, *hidden, 10)
    params = params_of(units, 0, "float32")
    model = Model(Encoder.identity(70), Architecture(units), params, np.arange(10), engine=engine)
    row = row_of(70)
    assert np.array_equal(model.predictor()(row), model.predict_proba(row[np.newaxis])[0])
    assert model.predictor().predict(row) == model.predict(row[np.newaxis])[0]


def test_classes_stand_in_the_order_of_the_probabilities():
    model = a_model()
    predict, row = model.predictor(), row_of()
    assert predict.predict(row) == predict.classes[predict(row).argmax()]


@engines
@pytest.mark.parametrize("output", ["softmax", "identity"])
def test_an_answer_stays_as_it_is(engine, output):
    predict = a_model(output, engine=engine).predictor()
    first = predict(row_of(seed=1))
    before = first.copy()
    predict(row_of(seed=2))
    assert np.array_equal(first, before)
    first[...] = 0
    assert np.array_equal(predict(row_of(seed=1)), before)


def test_several_quantiles_ascend():
    X = np.random.default_rng(0).normal(size=(60, 3))
    regressor = MLPRegressor("quantile", (8,), quantiles=(0.1, 0.5, 0.9), max_iter=3)
    with warnings.catch_warnings(action="ignore"):
        fitted = regressor.fit(X, X[:, 0])
    predict = fitted.model_.predictor()
    for row in X[:10]:
        got = predict(row)
        assert np.array_equal(got, fitted.predict(row[np.newaxis])[0])
        assert (np.diff(got) >= 0).all()
        assert np.array_equal(predict.predict(row), got)


@engines
def test_many_threads_get_the_answers_of_one(engine):
    predict = a_model(engine=engine).predictor()
    rows = [row_of(seed=seed) for seed in range(50)]
    alone = [predict(row) for row in rows]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            assert all(map(np.array_equal, pool.map(predict, rows), alone))


@engines
def test_it_is_copied_pickled_and_made_of_a_file(engine, tmp_path, penguins):
    with warnings.catch_warnings(action="ignore"):
        y = np.arange(penguins.num_rows) % 3
        fitted = MLPClassifier((8,), max_iter=2, engine=engine).fit(penguins, y)
    fitted.save(tmp_path / "model")
    predict = fitted.model_.predictor()
    row = penguins.slice(5, 1).to_pylist()[0]
    for other in (
        copy.copy(predict),
        copy.deepcopy(predict),
        pickle.loads(pickle.dumps(predict)),
        pickle.loads(pickle.dumps(fitted)).model_.predictor(),
    ):
        assert isinstance(other, Predictor)
        assert np.array_equal(other(row), predict(row))
    loaded = load_model(tmp_path / "model").predictor()
    np.testing.assert_allclose(loaded(row), predict(row), rtol=1e-4)


def test_without_the_compiled_engine_numpy_answers(monkeypatch):
    model, row = a_model(), row_of()
    expected = a_model(engine="numpy").predict_proba(row[np.newaxis])[0]
    monkeypatch.setattr(BACKENDS["compiled"], "missing", lambda: "not there")
    monkeypatch.setattr(BACKENDS["compiled"], "predicts", lambda architecture: False)
    assert np.array_equal(model.predictor()(row), expected)


# -- cells ------------------------------------------------------------------------------------

COLUMNS = {
    "number": ([1.5, 2.0, None, 7.0], None),
    "never missing": ([1, 2, 3, 4], "number"),
    "coded": ([1.0, -999.0, 3.0, 5.0], "number"),
    "german": (["1,5", "2.000,25", "3,75", "-999,0"], "number"),
    "words": (["1", "2", "low", "3.5"], "number with words"),
    "boolean": (["yes", "no", None, "yes"], "boolean"),
    "category": (["a", "b", "B ", "é"], "category"),
    "codes": (["1", "2", None, "10"], "category"),
    "date": (["2021-03-04", "2021-04-05 10:30", "2022-12-24", None], "date"),
    "time": (["10:30", "11:45", "23:00", "07:15"], "date"),
    "same": (["x", "x", "x", "x"], None),
}
CELLS = [
    *(None, np.nan, 0, 1, 2, 1.5, -999, -999.0, np.float32(1.5), np.float64(2.5), np.int64(3)),
    *(True, False, 2**53, 2**60, 10**30, -(10**400), 1e300, np.inf, 20210304, Decimal("1.5"), 1j),
    *("", " ", "NA", "None", "null", "nan", "?", "1", "1.0", " 2 ", "01", "2.5", "1,5", "2.000,25"),
    *("1e3", "1e400", "-999", "-999.0", "-999,0", "1_000", "0x10", "inf", "1.", ".5", "+1", "5 km"),
    *(
        "yes",
        "NO",
        "TRUE",
        "low",
        "LOW",
        "a",
        "b",
        "B",
        "B ",
        " a",
        "e\u0301",
        "é",
        "٣",
        "new",
        "x",
    ),
    *("2021-03-04", "20210304", "2021-04-05 10:30", "24 December 2022", "10:30", "11:45 pm"),
    *("2h 5m", np.str_("a"), b"a", [1], pd.NA, pd.NaT, pd.Timestamp("2021-03-04")),
    *(datetime.date(2021, 3, 4), datetime.datetime(2021, 4, 5, 10, 30), datetime.time(10, 30)),
    datetime.timedelta(hours=2),
]


HOW = [("auto", False), ("robust", False), ("piecewise", False)]  # and with a skip:
HOW += [("auto", True), ("robust", True), ("piecewise", True)]


def mixed_encoder(*, rare=1, how=HOW[0]):
    table = from_frame({name: cells for name, (cells, _) in COLUMNS.items()})
    kinds = {name: kind for name, (_, kind) in COLUMNS.items() if kind}
    wishes = Wishes(kinds=kinds, missing={"coded": ("-999",), "german": ("-999",)})
    method, has_skip = how
    plan, frequency = plan_of(table, wishes), Frequency(rare)
    how = {"frequency": frequency, "method": method, "has_skip": has_skip}
    return encoder_of(table, plan=plan, **how)


def encoded(encode):
    """Give inputs, or the error that says why there are none."""
    with warnings.catch_warnings(action="ignore"):
        try:
            return encode()
        except (DataError, TypeError) as error:
            return type(error)


@settings(max_examples=100, deadline=None)
@given(st.data())
@dtypes
@pytest.mark.parametrize("rare", [1, 2])
@pytest.mark.parametrize("how", HOW)
def test_a_row_of_cells_has_the_bits_of_a_table_of_it(dtype, rare, how, data):
    encoder = mixed_encoder(rare=rare, how=how)
    row = {
        name: data.draw(st.sampled_from([*cells, *CELLS])) for name, (cells, _) in COLUMNS.items()
    }
    check_row(encoder, dtype, row)


@dtypes
@pytest.mark.parametrize("rare", [1, 2])
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", COLUMNS)
def test_each_cell_means_the_same_as_in_a_table(dtype, rare, how, name):
    encoder = mixed_encoder(rare=rare, how=how)
    usual = {name: cells[0] for name, (cells, _) in COLUMNS.items()}
    for cell in [*COLUMNS[name][0], *CELLS]:
        check_row(encoder, dtype, usual | {name: cell})


@dtypes
def test_codes_among_numbers_alone(dtype):
    table = from_frame({"a": [1.0, -999.0, 3.0, 4.0], "b": [1.0, 2.0, 3.0, -999.0]})
    plan = plan_of(table, Wishes(missing={"a": ("-999",)}))
    for a in (2.0, -999.0, -999, "-999"):
        check_row(encoder_of(table, plan=plan), dtype, {"a": a, "b": -999.0})


@dtypes
def test_units_beside_words(dtype):
    weights = [*(f"{i} kg" for i in range(30)), *(f"{i} lb" for i in range(10))]
    table = from_frame({"weight": weights})
    plan = plan_of(table, Wishes())
    assert plan["weight"].notation.units == ("lb",)
    for cell in ("5 kg", "9 lb", "low", "3", "7kg", None, 5.0, "lb"):
        check_row(encoder_of(table, plan=plan), dtype, {"weight": cell})


def check_row(encoder, dtype, row):
    x = np.full(encoder.n_inputs, 7, dtype)
    rows = RowEncoder(encoder, dtype)
    table = {name: [cell] for name, cell in row.items() if name in encoder.needed}
    expected = encoded(lambda: encoder.transform(from_frame(table), dtype)[0])
    for given_as in (row, list(row.values())):
        got = encoded(lambda row=given_as: (rows.put(row, x), x.copy())[1])
        if isinstance(expected, type) or isinstance(got, type):
            assert got is expected, row
        else:
            assert np.array_equal(got, expected), row


def test_a_table_of_penguins_row_by_row(penguins):
    encoder = encoder_of(penguins)
    model = a_model(encoder=encoder, n_scores=3)
    predict, of_all = model.predictor(), model.predict_proba(penguins)
    for row, cells in enumerate(penguins.to_pylist()):
        assert np.array_equal(predict(cells), of_all[row])
        assert np.array_equal(predict(list(cells.values())), of_all[row])
    assert np.array_equal(predict(pd.Series(cells)), of_all[-1])


@dtypes
def test_missing_numbers_become_the_median_in_arrays_too(dtype, rng):
    X = rng.normal(size=(30, 4))
    X[3, 1] = np.nan
    model = a_model(encoder=encoder_of(X), dtype=dtype)
    predict, of_all = model.predictor(), model.predict_proba(X)
    for row in (3, 4, 3):
        assert np.array_equal(predict(X[row]), of_all[row])
        assert np.array_equal(predict(X[row].tolist()), of_all[row])
    cells = [None if np.isnan(cell) else cell for cell in X[3].tolist()]
    assert np.array_equal(predict(cells), of_all[3])


def test_columns_left_out_may_be_absent_and_hold_anything(rng):
    table = from_frame({"a": rng.normal(size=20), "same": ["x"] * 20, "b": rng.normal(size=20)})
    model = a_model(encoder=encoder_of(table))
    predict = model.predictor()
    expected = predict({"a": 0.5, "b": 1.5})
    assert np.array_equal(predict({"b": 1.5, "a": 0.5, "same": "other"}), expected)
    assert np.array_equal(predict([0.5, None, 1.5]), expected)


def test_an_array_skips_columns_left_out(rng):
    X = rng.normal(size=(30, 4))
    X[:, 2] = 7
    encoder = encoder_of(from_frame({f"c{i}": X[:, i] for i in range(4)}))
    assert encoder.needed == ["c0", "c1", "c3"]
    model = a_model(encoder=encoder)
    assert np.array_equal(model.predictor()(X[5]), model.predict_proba(X)[5])


# -- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "error", "words"),
    [
        ({"a": 1.0}, DataError, r"lacks the columns \['b'\].*None"),
        ({"a": 1.0, "b": 2.0, "c": 3.0}, DataError, r"columns \['c'\].*\['a', 'b'\]"),
        ({"a": 1.0, "b": "high"}, DataError, "column 'b'.*'high'"),
        ({"a": 1.0, "b": np.inf}, DataError, "column 'b'.*inf"),
        ({"a": 1.0, "b": [1.0]}, DataError, "column 'b'"),
        ({"a": 1.0, "b": 1e300}, DataError, "column 'b'.*too large for float32"),
        ([1.0], DataError, "2 cells.*got 1"),
        ([1.0, 2.0, 3.0], DataError, "2 cells.*got 3"),
        (np.ones(3), DataError, r"2 cells.*shape \(3,\)"),
        (np.ones((1, 2)), DataError, r"2 cells.*shape \(1, 2\)"),
        (np.array([1.0, np.inf]), DataError, "column 'b'.*inf"),
        (np.array([1.0, 1e300]), DataError, "column 'b'.*too large for float32"),
        (np.array(["1", "x"]), DataError, "numbers"),
        (5.0, TypeError, "row.*float"),
        ("a,b", TypeError, "row.*'a,b'"),
        (None, TypeError, "row.*None"),
    ],
    ids=str,
)
@pytest.mark.parametrize("scaled", [True, False])
def test_a_bad_row_is_refused_by_name_and_the_next_is_answered(row, error, words, scaled):
    X = np.random.default_rng(0).normal(size=(20, 2))
    encoder = encoder_of(X, names=["a", "b"]) if scaled else Encoder.identity(2, ["a", "b"])
    predict = a_model(encoder=encoder).predictor()
    expected = predict([1.0, 2.0])
    for ask in (predict, predict.predict):
        with pytest.raises(error, match=words):
            ask(row)
    assert np.array_equal(predict([1.0, 2.0]), expected)


@pytest.mark.parametrize("row", [[1.0, None], [1.0, np.nan], np.array([1.0, np.nan])], ids=str)
def test_without_preprocessing_no_cell_may_be_missing(row):
    predict = a_model(encoder=Encoder.identity(2, ["a", "b"])).predictor()
    with pytest.raises(DataError, match=r"column 'b'.*missing"):
        predict(row)


@engines
@pytest.mark.parametrize(
    ("n_networks", "output"), [(1, "softmax"), (2, "softmax"), (1, "identity")]
)
def test_scores_that_overflow_are_told(engine, n_networks, output):
    model = a_model(output, engine=engine, n_networks=n_networks)
    for params in (model.params, *model.members):
        params.W[0][...], params.b[0][...], params.W[-1][...] = 0, 5, 3e38
    with pytest.raises(DataError, match="too large"), np.errstate(all="ignore"):
        model.predictor()(row_of())


# -- frames of one row ------------------------------------------------------------------------


def frames():
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(40, 5)), columns=list("abcde"))
    holes = numbers.mask(rng.random(numbers.shape) < 0.1)
    return {
        "numbers": numbers,
        "single": numbers.astype(np.float32),
        "holes": holes,
        "whole": (10 * numbers).astype(int),
        "texts": numbers.assign(f=np.where(numbers["a"] > 0, "x", "y"), g=["u", None] * 20),
        "objects": numbers.assign(f=pd.Series([1, "two", None, 4.0] * 10, dtype=object)),
        "category": numbers.assign(f=pd.Categorical(["p", "q"] * 20)),
        "dates": numbers.assign(f=pd.date_range("2021-01-01", periods=40, freq="13D")),
        "booleans": numbers.assign(f=numbers["a"] > 0),
        "nullable": numbers.assign(f=pd.array([1, None] * 20, dtype="Int64")),
    }


@pytest.mark.parametrize("name", frames())
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_frame_of_one_row_has_the_bits_of_its_row(name):
    X = frames()[name]
    fitted = MLPClassifier((8,), max_iter=2, random_state=0).fit(X, X["a"] > 0)
    of_all = fitted.predict_proba(X)
    predict = fitted.model_.predictor()
    for row in range(len(X)):
        assert np.array_equal(fitted.predict_proba(X.iloc[row : row + 1])[0], of_all[row])
        assert np.array_equal(predict(X.iloc[row].to_dict()), of_all[row])


def test_a_frame_of_one_row_with_a_bad_cell_is_refused():
    X = frames()["numbers"]
    with warnings.catch_warnings(action="ignore"):
        fitted = MLPClassifier((8,), max_iter=2).fit(X, X["a"] > 0)
    for cell in ("high", np.inf):
        bad = X.iloc[:1].astype(object)
        bad.loc[0, "c"] = cell
        with pytest.raises(DataError, match="column 'c'"):
            fitted.predict(bad)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(X.iloc[:1, :4])
