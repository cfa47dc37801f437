"""What is done for many columns at once, or for few rows, is what each column alone would get."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import encoder_of
from handgrad import MLPClassifier
from handgrad.errors import DataError, TableWarning
from handgrad.optim import PART, SGD, Adam, update
from handgrad.params import Params, count
from handgrad.tables.frames import from_frame
from handgrad.tables.levels import FEW
from handgrad.tables.marks import CSV_MARK, QUOTED_MARK
from handgrad.tables.recognition.column import column_of
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.recognition.wide import plain_columns
from handgrad.tables.recognition.wishes import Wishes
from handgrad.tables.statistics import describe, describe_columns, kept_rows
from handgrad.tables.table import read

# ------------------------------------------------------------------ statistics


def awkward(rng, n):
    """Make columns that overflow, underflow, hardly vary, have holes, or repeat."""
    z = rng.normal(size=n)
    x = [z, z * 1e200, z * 1e-310, 1e9 + z, 0.1 + 1e-17 * z, np.full(n, 0.1), np.zeros(n)]
    x += [np.round(z), np.where(rng.random(n) < 0.3, np.nan, z), np.full(n, np.nan)]
    x += [np.where(z > 0, 1.7e308, -1.7e308), np.where(z > 0, 0.0, -0.0), (z > 0) * 1.0]
    x += [np.where(np.arange(n) == 0, 5e-324, 0), np.where(np.arange(n) == n - 1, np.nan, 3.0)]
    return np.ascontiguousarray(x)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 127, 128, 129, 1000, 4097])
@pytest.mark.parametrize("weighed", ["equally", "some not at all", "each its own way"])
def test_columns_together_are_described_to_the_bit_as_each_alone(rng, n, weighed):
    columns = awkward(rng, n)
    weight = {
        "equally": None,
        "some not at all": np.arange(n) % 3 != 1,
        "each its own way": np.where(np.arange(n) % 4 == 1, 0, rng.gamma(1, size=n)),
    }[weighed]
    kept = kept_rows(weight, n)
    alone = [describe(column, kept) for column in columns]
    together = describe_columns(columns, kept)
    for number, part in enumerate(together[:3]):
        expected = np.array([one[number] for one in alone])
        assert part.tobytes() == expected.tobytes()
    assert together.has_missing.tolist() == [one.has_missing for one in alone]


def test_an_encoder_has_these_statistics_from_tables_and_from_arrays(rng):
    x = rng.normal(size=(50, 30)) * 10.0 ** rng.integers(-5, 5, size=30)
    x[rng.random((50, 30)) < 0.05] = np.nan
    names = [f"c{at}" for at in range(30)]
    table = pa.table([pa.array(column, from_pandas=True) for column in x.T], names=names)
    alone = [describe(np.ascontiguousarray(column), kept_rows(None, 50)) for column in x.T]
    for encoder in (encoder_of(table), encoder_of(x)):
        assert encoder.mean.tolist() == [one.mean for one in alone]
        assert encoder.scale.tolist() == [one.scale for one in alone]
        assert encoder.median.tolist() == [one.median for one in alone]
        assert encoder.indicator.tolist() == [one.has_missing for one in alone]


# ------------------------------------------------------------------ the plan

ODD = [0.0, -0.0, 1.0, 2.0, 0.5, 999.0, -99.0, 20210304.0, 20210305.0, 1e308, -1e308, None]


@st.composite
def columns(draw):
    """Draw a column of which something may be doubtful: few rows, or many of a pattern."""
    n = draw(st.sampled_from([1, 3, 19, 20, 21, 45]))
    some = draw(st.lists(st.sampled_from(ODD), min_size=1, max_size=4))
    start, step = draw(st.sampled_from([0, 7, 20210101])), draw(st.sampled_from([0, 1, 3, 0.25]))
    share = draw(st.sampled_from([0, 1, 3, n]))
    return [some[row % len(some)] if row < share else start + step * row for row in range(n)]


@settings(max_examples=300, deadline=None)
@given(
    cells=columns(),
    name=st.sampled_from(["a", "customer id", "key 3"]),
    missing=st.sampled_from([(), ("999",), ("-99", "none")]),
    is_stream=st.booleans(),
    dtype=st.sampled_from(["float64", "float32", "int64"]),
)
def test_a_column_among_many_is_taken_for_what_it_is_alone(cells, name, missing, is_stream, dtype):
    if dtype == "int64":
        cells = [None if cell is None else int(np.clip(cell, -1e9, 1e9)) for cell in cells]
    elif dtype == "float32":
        cells = [None if cell is None else float(np.clip(cell, -1e9, 1e9)) for cell in cells]
    table = pa.table({name: pa.array(cells, getattr(pa, dtype)())})
    wishes = Wishes(missing={None: missing} if missing else {}, is_stream=is_stream)
    for found in plain_columns(table, wishes).values():
        assert found == column_of(table, name, wishes)


def test_columns_without_a_doubt_need_no_look_at_each(rng):
    frame = {"x": rng.normal(size=40), "yes": rng.integers(0, 2, size=40), "n": np.arange(40)}
    frame |= {"day": 20210301 + np.arange(40) % 28, "same": np.ones(40), "word": ["a", "b"] * 20}
    table = pa.table(frame)
    found = plain_columns(table, Wishes(kinds={"x2": "category"}))
    kinds = {name: column.kind for name, column in found.items()}
    assert kinds == {"x": "number", "yes": "boolean", "same": "left out", "word": "category"}
    found = plain_columns(table, Wishes(kinds={"x": "category"}, missing={"yes": ("1",)}))
    assert set(found) == {"same", "word"}


TEXTS = ["+1.5", "1.", "-.5", "7", "8", "007", "1.500", "2.250", "1e5", "1e-400", " 2 ", "0", "1"]
TEXTS += ["NA", "", None, "-99", "999", "1e400", "inf", "nan", "x", "1,5", "true", "\x1c3", "5 %"]
PLAIN = ["1.5", "-.5", "7", "8", "1.25", "1e5", " 2 ", "NA", "", None, "0.250", "1.500", "1.", "3"]


WORDS = ["a", "A", "red", "Red", "dark  red", "dark red", "yes", "no", "T", "F", "None", "n/a"]
WORDS += [
    "May",
    "mon",
    "inf",
    "Infinity",
    "h",
    "s",
    "e",
    "x-y",
    "a/b",
    "NULL",
    "",
    None,
    "\xe9",
    " a",
]
BASES = [
    ["C", "T"],
    ["T", "y"],
    ["red", "dark red", None],
    ["a"],
    ["a", ""],
    [None, "NA"],
    ["None"],
]
DIGITS = [["0", "1"], ["1"], ["0", "NA", "1"], ["0", "1.0"], ["2"], ["1.500"], ["007"], ["1e300"]]


@settings(max_examples=600, deadline=None)
@given(
    columns=st.lists(
        st.sampled_from([TEXTS, PLAIN, PLAIN[:6], WORDS, *BASES, *DIGITS]).flatmap(
            lambda texts: st.lists(st.sampled_from(texts), min_size=24, max_size=24)
        ),
        min_size=1,
        max_size=3,
    ),
    n=st.sampled_from([1, 3, 9, 10, 24]),
    missing=st.sampled_from([(), ("999",), ("none", "8.0"), ("", "a"), ("red",)]),
    decimal=st.sampled_from([None, ".", ","]),
    marks=st.sampled_from([None, CSV_MARK, CSV_MARK | QUOTED_MARK]),
    takes=st.sampled_from([{}, {"is_stream": True}, {"keeps_constants": True}]),
)
def test_texts_among_many_are_taken_for_what_they_are_alone(
    columns, n, missing, decimal, marks, takes
):
    fields = [pa.field(f"c{at}", pa.string(), metadata=marks) for at in range(len(columns))]
    table = pa.table([column[:n] for column in columns], schema=pa.schema(fields))
    wishes = Wishes(missing={None: missing} if missing else {}, decimal=decimal, **takes)
    for name, found in plain_columns(table, wishes).items():
        assert found == column_of(table, name, wishes)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["0", "1"], "boolean"),
        (["7", "7"], "left out"),
        (["C", "T"], "category"),
        (["red", None], "category"),
        (["same", "same"], "left out"),
        (["NA", None], "left out"),
        (["12", "14"], "number"),
    ],
)
def test_texts_without_a_doubt_need_no_look_at_each(cells, kind):
    field = pa.field("c", pa.string(), metadata=CSV_MARK)
    table = pa.table([cells * 12], schema=pa.schema([field]))
    assert plain_columns(table, Wishes())["c"].kind == kind


@pytest.mark.parametrize("cells", [["inf"], ["Infinity", None], ["-inf"], ["1e999"]])
def test_infinity_is_no_word_among_many(cells):
    field = pa.field("c", pa.string(), metadata=CSV_MARK)
    table = pa.table([cells * 12], schema=pa.schema([field]))
    assert not plain_columns(table, Wishes())
    with pytest.raises(DataError, match=r"row 1: .* (infinite|overflows)"):
        plan_of(table)


def test_levels_are_read_together_as_each_alone(rng, monkeypatch):
    cells = rng.choice(np.array(["C", "T", " C", "None", "NA", "", None], object), size=(40, 30))
    names = [f"c{at}" for at in range(30)]
    table = pa.table([pa.array(column, pa.string()) for column in cells.T], names=names)
    coded = Wishes(kinds=dict.fromkeys(names, "category"), missing={None: ("None",)})
    for wishes in (Wishes(kinds=dict.fromkeys(names[:9], "category")), coded):
        together = encoder_of(table, plan=plan_of(table, wishes))
        with monkeypatch.context() as alone:
            alone.setattr("handgrad.tables.cells.MANY", 1000)
            same = encoder_of(table, plan=together.plan)
            expected = same.transform(table)
        assert (together.levels, together.other) == (same.levels, same.other)
        assert np.array_equal(together.transform(table), expected)


def test_plain_texts_are_read_together_as_each_alone(rng, monkeypatch):
    cells = rng.normal(size=(40, 30)).astype(str).astype(object)
    cells[rng.random(cells.shape) < 0.1] = "NA"
    cells[3, 4], cells[5, 6], cells[7] = "+1.5", "1.", None
    names = [f"c{at}" for at in range(30)]
    table = pa.table([pa.array(column, pa.string()) for column in cells.T], names=names)
    together = encoder_of(table)
    assert together.plan["c0"] in plain_columns(table, Wishes()).values()
    coded = encoder_of(table, plan=plan_of(table, Wishes(missing={None: (cells[0, 0], "1.50")})))
    with monkeypatch.context() as alone:
        alone.setattr("handgrad.tables.cells.MANY", 1000)
        for encoder in (together, coded):
            same = encoder_of(table, plan=encoder.plan)
            assert np.array_equal(encoder.transform(table), same.transform(table))
            assert np.array_equal(encoder.indicator, same.indicator)
    cells[8, 2] = "much"
    odd = pa.table([pa.array(column, pa.string()) for column in cells.T], names=names)
    with pytest.raises(DataError, match="column 'c2', row 9: 'much' is not"):
        together.transform(odd)


def test_a_file_of_more_columns_than_are_read_at_a_time_is_one_table(tmp_path, monkeypatch):
    rows = ["c0,c1,c2,c3,c4,c0", '1,"a,b",,NA,5,6', '2,"c\nd",4,"NA",5,7', "3,e,5,x,5,8"]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(rows) + "\n")
    expected = read(path)
    monkeypatch.setattr("handgrad.tables.files.parsing.COLUMNS_AT_A_TIME", 2)
    assert read(path).equals(expected, check_metadata=True)
    path.write_text("\n".join([*rows, "1,2"]))
    with pytest.raises(DataError, match="line 6: 2 fields, expected 6"):
        read(path)


def test_thousands_of_names_that_are_one_get_names_of_their_own(tmp_path):
    n = 20_000  # one by one from the first would take minutes
    path = tmp_path / "t.csv"
    path.write_text(",".join(["a.1", *["a"] * n]) + "\n" + ",".join(["1"] * (n + 1)) + "\n")
    names = read(path).column_names
    assert names[:4] == ["a.1", "a", "a.2", "a.3"]
    assert len(set(names)) == n + 1


@pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")
def test_a_warning_of_many_columns_names_the_first(rng):
    frame = pd.DataFrame({f"c{at}": np.ones(12) for at in range(30)} | {"x": rng.normal(size=12)})
    with pytest.warns(TableWarning, match="'c19' is left out.*; and 10 more. See columns_"):
        MLPClassifier((2,), max_iter=1).fit(frame, [0, 1] * 6)


# ------------------------------------------------------------------ predicting

quick = pytest.mark.filterwarnings(
    "ignore:max_iter=:sklearn.exceptions.ConvergenceWarning",
    "ignore::handgrad.errors.TableWarning",
)


@pytest.fixture
def mixed(rng):
    n = 120
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    frame.loc[::7, "b"] = np.nan
    frame["yes"] = rng.integers(0, 2, size=n)
    frame["city"] = rng.choice(["Oslo", "Rome", " NA", "1.0"], n)
    frame["word"] = np.where(rng.random(n) < 0.1, "unknown", rng.normal(size=n).astype(str))
    return frame, rng.integers(0, 2, size=n)


@quick
def test_few_rows_are_encoded_to_the_bit_as_many_are(mixed):
    x, y = mixed
    encoder = MLPClassifier((4,), max_iter=1).fit(x, y).model_.encoder
    x.loc[:3, "city"] = ["1", "Paris", None, "rome"]
    table = pa.Table.from_pandas(x, preserve_index=False)
    assert len(x) > FEW
    whole = encoder.encode(table)
    rows = [encoder.encode(table.slice(row, 1)) for row in range(len(x))]
    assert np.array_equal(np.concatenate([row.x for row in rows]), whole.x)
    assert [u.column for u in rows[1].unknown] == ["city"]


def test_a_frame_of_few_rows_becomes_the_table_that_many_rows_become():
    frame = pd.DataFrame(
        {
            "float": [1.5, np.nan],
            "whole": [2**60 + 1, 3],
            "large": np.array([2**64 - 1, 2], np.uint64),
            "single": np.array([0.1, np.nan], np.float32),
            "yes": [True, False],
            "text": ["x", None],
            "object": np.array(["q", None], object),
            "category": pd.Categorical(["u", "v"]),
            "day": pd.to_datetime(["2020-01-01", None]),
            "nullable": pd.array([1, None], dtype="Int64"),
        }
    )
    many = from_frame(pd.concat([frame] * 9, ignore_index=True)).slice(0, 2)
    assert from_frame(frame).equals(many)
    assert from_frame(frame.iloc[1:]).equals(many.slice(1))


@quick
def test_a_frame_with_the_columns_of_the_fit_predicts_as_scikit_learns_checks_let_it(mixed):
    x, y = mixed
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(x, y)
    proba = model.predict_proba(x)
    assert np.array_equal(model.predict_proba(pa.Table.from_pandas(x, preserve_index=False)), proba)
    assert np.array_equal(model.predict_proba(x.iloc[5:6]), proba[5:6])
    with pytest.raises(ValueError, match="same order"):
        model.predict(x[x.columns[::-1]])
    with pytest.raises(ValueError, match="unseen at fit time"):
        model.predict(x.assign(more=1))
    with pytest.raises(ValueError, match="missing"):
        model.predict(x.drop(columns="a"))


@quick
def test_a_wide_frame_with_booleans_and_holes_says_what_is_odd(rng):
    x = pd.DataFrame(rng.integers(0, 2, size=(60, 40)), columns=[f"c{at}" for at in range(40)])
    x["gap"] = np.where(np.arange(60) % 5 == 0, np.nan, rng.normal(size=60))
    encoder = MLPClassifier((4,), max_iter=1).fit(x, rng.integers(0, 2, size=60)).model_.encoder
    x.loc[3, "c7"], x.loc[4, "c9"] = 5, -1
    encoded = encoder.encode(pa.Table.from_pandas(x, preserve_index=False))
    assert [(u.column, u.n, u.n_present, u.examples) for u in encoded.unknown] == [
        ("c7", 1, 60, ("5",)),
        ("c9", 1, 60, ("-1",)),
    ]
    assert np.array_equal(encoded.x[:, -1], np.isnan(x["gap"]))


# ------------------------------------------------------------------ large networks


@pytest.mark.parametrize("rule", [SGD(), SGD(0.9), SGD(0.9, nesterov=True), Adam()], ids=str)
def test_a_step_in_parts_is_the_step(rng, rule):
    units = (PART // 10, 25)
    theta, dtheta = rng.normal(size=(2, count(units)))
    slots = rng.random((rule.n_slots, count(units)))
    expected, expected_slots = theta.copy(), slots.copy()
    rule.step(expected, dtheta, expected_slots, 3, 0.1)
    assert count(units) > 2 * PART
    update(rule, Params.view(theta, units), Params.view(dtheta, units), slots, 3, 0.1)
    assert np.array_equal(theta, expected)
    assert np.array_equal(slots, expected_slots)
