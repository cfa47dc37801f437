"""What a column means is decided once, and does not depend on who reads it."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

from common import encoder_of
from handgrad import DataError, MLPClassifier
from handgrad.errors import TableWarning
from handgrad.tables.frames import from_frame
from handgrad.tables.marks import CSV_MARK
from handgrad.tables.parts import from_parts, to_parts
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.recognition.wishes import Wishes
from handgrad.tables.table import read_table

N = 60
DAYS = [date(2021, 1, 1) + timedelta(days=5 * i) for i in range(N)]

# Of each kind, one column as a program has it.
KINDS = {
    "number": ("number", [0.5 * i * (-1) ** i for i in range(N)]),
    "whole number": ("number", [i * i for i in range(N)]),
    "number with holes": ("number", [None if i % 7 == 0 else i * 1.5 for i in range(N)]),
    "boolean": ("boolean", [i % 3 == 0 for i in range(N)]),
    "boolean with holes": ("boolean", [None if i % 5 == 0 else i % 3 == 0 for i in range(N)]),
    "zero and one": ("boolean", [int(i % 3 == 0) for i in range(N)]),
    "category": ("category", [("red", "green", "blue")[i % 3] for i in range(N)]),
    "category with holes": ("category", [None if i % 4 == 0 else f"c{i % 3}x" for i in range(N)]),
    "category, one word a boolean": ("category", [("true", "no idea")[i % 2] for i in range(N)]),
    "date": ("date", DAYS),
    "date with holes": ("date", [None if i % 6 == 0 else day for i, day in enumerate(DAYS)]),
    "moment": ("date", [datetime(2020, 5, 1) + timedelta(hours=7 * i) for i in range(N)]),
    "number with words": (
        "number with words",
        ["n.d." if i % 9 == 0 else str(0.25 * i) for i in range(N)],
    ),
    "money": ("number", [f"${1000 + 7.5 * i:,.2f}" for i in range(N)]),
    "unit": ("number", [f"{i / 4} kg" for i in range(N)]),
    "names": ("left out", [f"name of {i}" for i in range(N)]),
    "constant": ("left out", ["same"] * N),
    "empty": ("left out", [None] * N),
}


def arrow(values):
    return pa.table({"c": pa.array(values), "x": pa.array(np.linspace(0, 1, len(values)))})


def through(path, write):
    write(path)
    return read_table(path)


READERS = {
    "Arrow": lambda table, path: table,
    "pandas, object": lambda table, path: from_frame(
        pd.DataFrame({name: pd.Series(table[name].to_pylist(), dtype=object) for name in "cx"})
    ),
    "pandas": lambda table, path: from_frame(table.to_pandas()),
    "pandas, nullable": lambda table, path: from_frame(table.to_pandas().convert_dtypes()),
    "pandas, pyarrow": lambda table, path: from_frame(table.to_pandas(types_mapper=pd.ArrowDtype)),
    "polars": lambda table, path: from_frame(pl.from_arrow(table)),
    "dict": lambda table, path: from_frame({name: table[name].to_pylist() for name in "cx"}),
    "CSV by Arrow": lambda table, path: through(
        path / "a.csv", lambda file: csv.write_csv(table, file)
    ),
    "CSV by pandas": lambda table, path: through(
        path / "p.csv", lambda file: table.to_pandas().to_csv(file, index=False)
    ),
    "CSV by polars": lambda table, path: through(
        path / "l.csv", lambda file: pl.from_arrow(table).write_csv(file)
    ),
    "Parquet by Arrow": lambda table, path: through(
        path / "a.parquet", lambda file: parquet.write_table(table, file)
    ),
    "Parquet by pandas": lambda table, path: through(
        path / "p.parquet", lambda file: table.to_pandas().to_parquet(file, index=False)
    ),
    "Parquet by polars": lambda table, path: through(
        path / "l.parquet", lambda file: pl.from_arrow(table).write_parquet(file)
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", KINDS)
def test_a_column_is_the_same_whoever_reads_it(name, reader, tmp_path):
    kind, values = KINDS[name]
    table = arrow(values)
    known = encoder_of(table)
    assert known.plan["c"].kind == kind
    other = READERS[reader](table, tmp_path)
    fitted = encoder_of(other)
    assert fitted.plan["c"].kind == kind
    x = known.transform(table)
    # fitted here, or fitted there and used here, or the reverse: the network gets the same
    for encoder, rows in ((fitted, other), (known, other), (fitted, table)):
        encoded = encoder.encode(rows)
        np.testing.assert_array_equal(encoded.x, x)
        assert encoded.unknown == ()


@pytest.mark.parametrize("name", KINDS)
def test_a_plan_outlives_its_file(name):
    encoder = encoder_of(arrow(KINDS[name][1]))
    metadata, tensors = to_parts(encoder)
    again = from_parts(json.loads(json.dumps(metadata)), tensors)
    assert again.plan == encoder.plan
    assert repr(again.plan) == repr(encoder.plan)
    table = arrow(KINDS[name][1])
    assert np.array_equal(again.transform(table), encoder.transform(table))


# ------------------------------------------------------------------ any table, by anybody

words = st.sampled_from(["a", "b b", "ü", "x,y", 'q"q', "10 apples, 3 pears", "it's"])
columns = {
    "number": st.one_of(st.none(), st.floats(-1e6, 1e6, width=32)),
    "whole": st.integers(-(2**40), 2**40),
    "flag": st.one_of(st.none(), st.booleans()),
    "level": st.one_of(st.none(), words),
    "day": st.one_of(st.none(), st.dates(date(1950, 1, 1), date(2049, 12, 31))),
    "moment": st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
}
tables = st.integers(12, 40).flatmap(
    lambda n: st.fixed_dictionaries(
        {name: st.lists(cell, min_size=n, max_size=n) for name, cell in columns.items()}
    )
)
TYPES = {
    "number": pa.float64(),
    "whole": pa.int64(),
    "flag": pa.bool_(),
    "level": pa.string(),
    "day": pa.date32(),
    "moment": pa.timestamp("us"),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables)
def test_any_table_is_one_plan_and_the_same_inputs(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("tables")
    table = pa.table({name: pa.array(cells[name], kind) for name, kind in TYPES.items()})
    known = encoder_of(table)
    x = known.transform(table)
    readers = {
        "a.csv": lambda file: csv.write_csv(table, file),
        "p.csv": lambda file: table.to_pandas().to_csv(file, index=False),
        "l.csv": lambda file: pl.from_arrow(table).write_csv(file),
        "a.parquet": lambda file: parquet.write_table(table, file),
        "p.parquet": lambda file: table.to_pandas().to_parquet(file, index=False),
        "l.parquet": lambda file: pl.from_arrow(table).write_parquet(file),
    }
    frames = [from_frame(table.to_pandas()), from_frame(pl.from_arrow(table))]
    for other in [*frames, *(through(path / name, write) for name, write in readers.items())]:
        encoder = encoder_of(other)
        assert [(c.name, c.kind, c.dating) for c in encoder.plan] == [
            (c.name, c.kind, c.dating) for c in known.plan
        ]
        np.testing.assert_array_equal(known.transform(other), x)
        np.testing.assert_array_equal(encoder.transform(table), x)


# ------------------------------------------------------------------ kinds, one by one


def recognised(values, **wishes):
    return plan_of(arrow(values), Wishes(**wishes))["c"]


MISSING = [
    *("n/a", "None", "NULL", "NaN", "#N/A", "<NA>", "-nan", "null", "NA", "N/A", "?", " ", "nan"),
    *("-1.#IND", "1.#QNAN", "#NA"),
]


@pytest.mark.parametrize("word", MISSING)
def test_a_word_for_missing_leaves_numbers_numbers(word):
    values = [word if i % 12 == 0 else str(i / 8) for i in range(N)]
    holes = [None if i % 12 == 0 else i / 8 for i in range(N)]
    encoder = encoder_of(arrow(values))
    assert encoder.plan["c"].kind == "number"
    assert encoder.input_names == ["c", "x", "c is missing"]
    np.testing.assert_array_equal(
        encoder.transform(arrow(values)), encoder_of(arrow(holes)).transform(arrow(holes))
    )


@pytest.mark.parametrize("word", ["unknown", "none", "-", ".", "nil", "*", "#DIV/0!", ">100"])
def test_another_word_beside_numbers_is_an_input_and_said(word):
    column = recognised([word if i % 12 == 0 else str(i / 8) for i in range(N)])
    assert column.kind == "number with words"
    assert f"55 of 60 cells are numbers; beside them stand {word!r} (5)" in column.doubts[0]


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        *(("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("yes", "no"), ("Y", "N")),
        *(("t", "f"), ("1", "0"), ("1.0", "0.0"), (1, 0), (1.0, 0.0), (True, False)),
    ],
)
def test_a_boolean_has_one_meaning_in_every_spelling(yes, no):
    other = encoder_of(arrow([i % 3 == 0 for i in range(N)]))
    table = arrow([yes if i % 3 == 0 else no for i in range(N)])
    encoder = encoder_of(table)
    assert encoder.plan["c"].kind == "boolean"
    assert encoder.input_names == ["c", "x"]
    assert encoder.transform(table)[:, 0].tolist() == [float(i % 3 == 0) for i in range(N)]
    np.testing.assert_array_equal(other.transform(table), encoder.transform(table))
    x = np.column_stack([[i % 3 == 0 for i in range(N)], np.linspace(0, 1, N)])
    np.testing.assert_array_equal(encoder.transform(x), encoder.transform(table))


def test_a_number_in_a_boolean_column_stays_that_number_and_is_counted():
    encoder = encoder_of(arrow([i % 2 for i in range(N)]))
    encoded = encoder.encode(arrow([0, 1, 2, None, 5]))
    assert encoded.x[:, 0].tolist()[:3] == [0, 1, 2]
    [unknown] = encoded.unknown
    assert (unknown.n, unknown.n_present, unknown.examples) == (2, 4, ("2", "5"))


@pytest.mark.parametrize(
    ("levels", "cells"),
    [
        (["1.0", "2.0", "3.0"], ["1", "2", "3"]),
        (["1", "2", "3"], ["1.0", "2.0", "3.0"]),
        (["1", "2", "3"], [1.0, 2.0, 3.0]),
        (["01234", "02345", "03456"], ["1234", "2345", "3456"]),
        (["01234", "02345", "03456"], [1234, 2345, 3456]),
        (["100000.0", "200000.0"], [1e5, 2e5]),
        (["Z\u00fcrich", "Gen\u00e8ve"], ["Zu\u0308rich", "Gene\u0300ve"]),
        (["true", "maybe"], ["True", "maybe"]),
    ],
)
def test_a_level_is_known_by_what_it_means(levels, cells):
    encoder = encoder_of(arrow(levels * 10), categorical=["c"])
    known, other = encoder.encode(arrow(levels)), encoder.encode(arrow(cells))
    np.testing.assert_array_equal(other.x[:, 1:], known.x[:, 1:])
    assert other.unknown == ()


def test_levels_that_mean_the_same_stay_apart_where_both_were_there():
    encoder = encoder_of(arrow(["1", "1.0", "2"] * 10), categorical=["c"])
    encoded = encoder.encode(arrow(["01", "1", "1.0"]))
    assert encoded.x[:, 1:].tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert encoded.unknown[0].examples == ("01",)
    assert "look alike" in encoder.plan["c"].doubts[0]


def test_missing_words_are_levels_where_they_were_texts():
    names = pa.table({"c": ["DE", "NA", "FR"] * 10, "x": np.arange(30.0)})
    encoder = encoder_of(names)
    assert encoder.input_names[1:] == ["c=DE", "c=FR", "c=NA"]


def test_the_user_names_what_means_missing():
    values = [-999.0 if i % 10 == 0 else float(i) for i in range(N)]
    column = recognised(values, missing={"c": ("-999",)})
    encoder = encoder_of(
        arrow(values), plan=plan_of(arrow(values), Wishes(missing={"c": ("-999",)}))
    )
    assert encoder.input_names == ["c", "x", "c is missing"]
    assert encoder.mean[0] > 0
    assert "-999" in column.missing
    assert "stands 6 times, far from the rest" in recognised(values).doubts[0]
    texts = ["gone" if i % 10 == 0 else "ab"[i % 2] for i in range(N)]
    everywhere = plan_of(arrow(texts), Wishes(missing={None: ("gone",)}))
    assert encoder_of(arrow(texts), plan=everywhere).input_names[-1] == "c is missing"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([f"C{i:04}" for i in range(N)], "60 of 60 differ"),
        ([f"a rather long review, number {i // 2}, of a thing" for i in range(N)], "free text"),
        (["a"] * N, "the same"),
        ([7.5] * N, "the same"),
        ([DAYS[0]] * N, "the same"),
        ([True] * N, "the same"),
        ([None] * N, "no cell is filled"),
    ],
)
def test_a_column_that_says_nothing_of_a_row_is_left_out(values, why):
    column = recognised(values)
    assert column.kind == "left out"
    assert why in column.why
    assert encoder_of(arrow(values)).input_names == ["x"]


def test_what_is_left_out_can_be_had_all_the_same():
    names = [f"C{i:04}" for i in range(N)]
    assert recognised(names, kinds={"c": "category"}).kind == "category"
    with pytest.raises(DataError, match=r"'c' cannot be dates"):
        recognised(names, kinds={"c": "date"})
    with pytest.raises(DataError, match="cannot be numbers"):
        recognised(["red", "green"] * 20, kinds={"c": "number"})
    with pytest.raises(DataError, match="must be one of"):
        recognised(names, kinds={"c": "colour"})
    with pytest.raises(DataError, match=r"no columns 'd'"):
        recognised(names, kinds={"d": "date"})


def test_a_table_of_constants_alone_is_learnt_as_it_is():
    table = pa.table({"a": [1.0], "b": ["x"]})
    assert encoder_of(table).input_names == ["a", "b=x"]


@pytest.mark.parametrize(
    ("values", "doubt"),
    [
        (list(range(1000, 1000 + N)), "are they ids"),
        ([f"{i:03}" for i in range(0, 2 * N, 2)], "begins with a zero"),
        ([9999 if i % 20 == 0 else i for i in range(N)], "9999 stands 3 times, far from the rest"),
        (["Male", "male ", "Female"] * 20, "look alike"),
        ([f"c{i % 40}" for i in range(N)], "most levels are seen once"),
        (["01/02/2020", "03/04/2021"] * 30, "no cell tells day from month"),
        (["1,500", "2,250", "3,125"] * 20, "is read as 1500"),
    ],
)
def test_what_is_doubtful_is_said(values, doubt):
    assert doubt in " ".join(recognised(values).doubts)


def test_ordinary_columns_raise_no_doubt():
    chance = np.random.default_rng(0)
    for values in (
        chance.normal(size=N),
        chance.integers(0, 100, N),
        chance.exponential(size=N),
        chance.lognormal(sigma=2, size=N),
        chance.choice(["a", "b", "c"], N),
        chance.poisson(1.0, N),
    ):
        assert recognised(values).doubts == ()


def test_dates_as_whole_numbers_are_dates():
    whole = [int(day.strftime("%Y%m%d")) for day in DAYS]
    typed = encoder_of(arrow(DAYS)).transform(arrow(DAYS))
    for values in (whole, [str(value) for value in whole]):
        assert recognised(values).kind == "date"
        np.testing.assert_array_equal(encoder_of(arrow(values)).transform(arrow(values)), typed)
    assert recognised(list(range(20210000, 20210000 + N))).kind == "number"


def test_dates_after_those_of_training_go_on():
    encoder = encoder_of(arrow(DAYS))
    later = encoder.encode(arrow([day + timedelta(days=365) for day in DAYS]))
    assert later.unknown == ()
    assert (later.x[:, 0] > encoder.transform(arrow(DAYS))[:, 0]).all()


def test_what_is_unknown_is_counted_by_column():
    encoder = encoder_of(arrow(["red", "green", "blue"] * 20))
    encoded = encoder.encode(arrow(["Red", "Green", "Blue", None]))
    [unknown] = encoded.unknown
    assert str(unknown) == (
        "column 'c': 3 of 3 cells hold values not seen when the model was fitted ('Red', 'Green', "
        "'Blue'); each counts as none of its levels"
    )
    assert unknown.is_drift
    dates = encoder_of(arrow(DAYS)).encode(arrow(["soon", "2021-01-06", None]))
    [unknown] = dates.unknown
    assert (unknown.n, unknown.n_present, unknown.taken_for) == (1, 2, "missing")


def test_parts_of_a_long_table_are_counted_together(monkeypatch):
    encoder = encoder_of(arrow(["red", "green", "blue"] * 20))
    table = arrow(["red", "pink", "mauve", "blue", "pink"] * 10)
    whole = encoder.encode(table)
    monkeypatch.setattr("handgrad.tables.encode.TABLE_CELLS", 28)
    parts = encoder.encode(table)
    assert np.array_equal(parts.x, whole.x)
    assert parts.unknown == whole.unknown
    assert (whole.unknown[0].n, whole.unknown[0].examples) == (30, ("pink", "mauve"))


def test_the_line_of_a_bad_cell_is_right_in_a_late_part(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i % 7 + 0.5}\n" for i in range(100)))
    encoder = encoder_of(read_table(path))
    path.write_text(path.read_text() + "oops,1\n")
    monkeypatch.setattr("handgrad.tables.encode.TABLE_CELLS", 28)
    with pytest.raises(DataError, match=r"column 'a', row 101 \(line 102\): 'oops'"):
        encoder.transform(read_table(path))
    [unknown] = encoder.encode(read_table(path), strict=False).unknown
    assert unknown.n == 1


def test_a_plan_shows_itself():
    plan = plan_of(pa.table({name.replace(",", ""): values for name, (_, values) in KINDS.items()}))
    shown = repr(plan)
    assert shown.splitlines()[0].split() == ["column", "kind", "why"]
    assert len(shown.splitlines()) >= len(KINDS) + 1
    assert "<td>boolean with holes</td>" in plan._repr_html_()
    assert plan.summary() == (
        "5 numbers, 1 number with words, 3 booleans, 3 categories (category 3, category with holes "
        "3, category one word a boolean 2), 3 dates, left out: names (60 of 60 differ), constant "
        "(all cells are the same), empty (no cell is filled)"
    )


def test_all_columns_at_fault_are_named_at_once():
    table = pa.table({"a": [[1], [2]], "b": [b"x", b"y"], "c": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"column 'a'.*column 'b'"):
        plan_of(table)


def test_a_new_word_beside_numbers_is_no_drift():
    values = ["n.d." if i % 9 == 0 else str(0.25 * i) for i in range(N)]
    encoder = encoder_of(arrow(values))
    [unknown] = encoder.encode(arrow(["1.5", "what", "no", "2", None])).unknown
    assert (unknown.n, unknown.n_present, unknown.is_drift) == (2, 4, False)


@pytest.mark.parametrize(
    ("zero", "one"), [("0%", "1%"), ("$0", "$1"), ("0,0", "1,0"), ("0 kg", "1 kg")]
)
def test_zero_and_one_in_another_notation_are_numbers(zero, one):
    table = arrow([zero if i % 2 else one for i in range(N)])
    encoder = encoder_of(table)
    assert encoder.plan["c"].kind == "number"
    assert encoder.input_names == ["c", "x"]
    assert encoder.mean[0] == 0.5


def test_dates_that_pandas_wrote_as_floats_are_dates():
    whole = [None if i % 7 == 0 else float(day.strftime("%Y%m%d")) for i, day in enumerate(DAYS)]
    texts = [None if value is None else f"{value:.1f}" for value in whole]
    encoder = encoder_of(arrow(whole))
    assert encoder.plan["c"].kind == "date"
    assert not np.isnan(encoder.mean).any()
    assert encoder.scale[0] > 1
    np.testing.assert_array_equal(encoder.transform(arrow(texts)), encoder.transform(arrow(whole)))
    np.testing.assert_array_equal(encoder_of(arrow(texts)).mean, encoder.mean)


def test_large_ids_are_not_merged():
    ids = [2**53 + i % 3 for i in range(N)]
    assert "2**53" in recognised(ids).doubts[0]
    encoder = encoder_of(arrow(ids), categorical=["c"])
    encoded = encoder.encode(arrow([2**53 + 1, 2**53 + 3]))
    assert encoded.x[:, 1:].tolist() == [[0, 1, 0], [0, 0, 0]]
    assert encoder.encode(arrow(["1E5"])).unknown[0].n == 1


def test_a_missing_code_is_known_in_float32():
    plan = plan_of(arrow([0.1, -9.99, 0.7] * 20), Wishes(missing={"c": ("-9.99",)}))
    encoder = encoder_of(arrow([0.1, -9.99, 0.7] * 20), plan=plan)
    narrow = pa.table({"c": pa.array([-9.99, 0.1], pa.float32()), "x": [0.0, 1.0]})
    assert encoder.transform(narrow)[:, 2].tolist() == [1, 0]


def test_a_unit_that_does_not_vary_is_kept_where_cells_are_missing():
    assert recognised(["5 kg" if i % 3 else None for i in range(N)]).kind == "number"
    assert recognised(["5 kg"] * N).kind == "left out"


def test_one_sign_cannot_be_two():
    with pytest.raises(DataError, match="different signs"):
        recognised(["1,5"] * N, decimal=",", thousands=",")


def test_a_number_without_the_sign_of_the_others_is_told_so(tmp_path):
    encoder = encoder_of(arrow([f"{i}%" for i in range(N)]))
    with pytest.raises(DataError, match=r"'75' is not a number such as 1234.5%"):
        encoder.transform(arrow(["75"]))


def test_an_unquoted_word_is_a_level_where_the_user_says_so(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("c,x\n" + "".join(f"{('DE', 'NA', '')[i % 3]},{i}\n" for i in range(30)))
    table = read_table(path)
    assert encoder_of(table).input_names[1:] == ["c=DE", "c is missing"]
    plan = plan_of(table, Wishes(missing={"c": ("",)}))
    encoder = encoder_of(table, plan=plan)
    assert encoder.input_names[1:] == ["c=DE", "c=NA", "c is missing"]
    metadata, tensors = to_parts(encoder)
    again = from_parts(json.loads(json.dumps(metadata)), tensors)
    np.testing.assert_array_equal(again.transform(table), encoder.transform(table))


# ------------------------------------------------------------------ whole numbers beyond 2**53

IDS = [2**53 + row for row in range(24)]  # as float64 these are 12 numbers
LONG_IDS = [99999999999999999999 - 10**6 * row for row in range(24)]


@pytest.mark.parametrize(
    "write",
    [
        str,
        "{}.0".format,
        "{:,}".format,
        "{} kg".format,
        lambda cell: "" if cell % 5 == 0 else str(cell),
        lambda cell: "1.5" if cell % 5 == 0 else str(cell),
        lambda cell: "many" if cell % 23 == 1 else str(cell),
    ],
)
@pytest.mark.parametrize(
    "ids", [IDS, LONG_IDS, [2**53, 2**53 + 1] * 12, [5, 2**53 + 1, *range(60, 82)]]
)
def test_texts_of_whole_numbers_that_lose_digits_are_doubted(write, ids):
    field = pa.field("a", pa.string(), metadata=CSV_MARK)
    plan = plan_of(pa.table([[write(cell) for cell in ids]], schema=pa.schema([field])))
    assert sum("beyond 2**53" in doubt for doubt in plan.doubts) == 1
    assert plan["a"].is_used


@pytest.mark.parametrize(
    "column",
    [
        pa.array(IDS, pa.int64()),
        pa.array([2**53, 2**53 + 1] * 12, pa.int64()),
        pa.array([-(2**53) - 1, None, 3]),
        pa.array([2**64 - 1, 2, 7], pa.uint64()),
        pa.array(map(Decimal, LONG_IDS), pa.decimal128(30, 2)),
        pa.array(map(float, LONG_IDS)),
    ],
)
def test_typed_whole_numbers_that_lose_digits_are_doubted(column):
    assert "beyond 2**53" in plan_of(pa.table({"a": column})).doubts[0]


def as_array(columns):
    return np.array(columns["a"])[:, None]


@pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, dict, as_array])
def test_ids_that_lose_digits_are_warned_of(frame):
    with pytest.warns(TableWarning, match="whole numbers beyond 2"):
        MLPClassifier((2,), max_iter=1).fit(frame({"a": IDS, "b": [0.5, 1.5] * 12}), [0, 1] * 12)


@pytest.mark.parametrize(
    "cells",
    [
        [2**53 - row for row in range(1, 25)],
        [1e300, 2e300, 5e299],
        ["1e300", "2e300", "5e22"],
        ["1.2345678901234567e300", "3.5"],
        ["0.12345678901234567890", "3.5"],
        [9007199254740993.0 * 1e9, 1.5e30],
    ],
)
def test_numbers_that_a_float_holds_are_not_doubted(cells):
    kind = pa.string() if isinstance(cells[0], str) else None
    field = pa.field("a", kind or pa.array(cells).type, metadata=CSV_MARK if kind else None)
    plan = plan_of(pa.table([cells], schema=pa.schema([field])))
    assert not [doubt for doubt in plan.doubts if "2**53" in doubt]
