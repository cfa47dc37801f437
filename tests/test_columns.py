"""A column is what its cells are, exactly, or is refused with row, cell and what to do."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from common import encoder_of
from handgrad.errors import DataError
from handgrad.tables.columns import (
    kind_of,
    labels,
    numbers,
    raw_texts,
)
from handgrad.tables.frames import from_frame
from handgrad.tables.table import read_table

# ------------------------------------------------------------------ numbers


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1.0),
        ("+1", 1.0),
        ("-0.5e-3", -0.0005),
        ("1.", 1.0),
        (".5", 0.5),
        ("  7\t", 7.0),
        ("1E5", 1e5),
        ("1e-400", 0.0),
        ("9007199254740993", 9007199254740992.0),
        ("0.1", 0.1),
        *((word, np.nan) for word in ("", " ", "NA", "N/A", "NaN", "nan", "null", "NULL", "?")),
        (" ? ", np.nan),
    ],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_text_cell_parses(read, cell, value, quote):
    table = read(f"a,b\n{quote}{cell}{quote},x\n2,y\n")
    np.testing.assert_array_equal(numbers(table, "a"), [value, 2.0])


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        *((cell, "not a plain decimal") for cell in ["1,5", "1,000", "$1", "10%", "0x10", "1_000"]),
        *((cell, "not a plain decimal") for cell in ["１", "−1", "1e", "-", "NAN", "-nan", "1d5"]),
        *((cell, "not a plain decimal") for cell in ["nan(1)", "1 2", "TRUE", "none", "٣"]),
        *((cell, "infinite") for cell in ["inf", "-Infinity", "INF"]),
        *((cell, "overflows") for cell in ["1e400", "-1e309"]),
    ],
)
def test_what_is_no_number_is_named(read, cell, reason):
    table = read(f'a,b\n1,x\n"{cell}",y\n')
    with pytest.raises(DataError) as refused:
        numbers(table, "a")
    assert f"column 'a', row 2 (line 3): {cell!r}" in str(refused.value)
    assert reason in str(refused.value)


def test_no_line_is_told_where_it_would_be_wrong(read):
    broken = read('a,b\n1,"x\ny"\nz,y\n')
    with pytest.raises(DataError, match="row 2: 'z'"):
        numbers(broken, "a")
    part = read("a,b\n1,x\nz,y\n").slice(1)
    with pytest.raises(DataError, match="row 1: 'z'"):
        numbers(part, "a")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None, 3], pa.int8()),
        pa.array([1, None, 3], pa.uint64()),
        pa.array([1, None, 3], pa.float32()),
        pa.array(np.array([1, np.nan, 3], np.float16)),
        pa.array([Decimal("1.0"), None, Decimal(3)]),
        pa.array([1, None, 3]).dictionary_encode(),
        pa.array(["1", None, "3"]),
        pa.array(["1", "?", "3"]).dictionary_encode(),
        pa.array(["1", "", "3"], pa.large_string()),
        pa.array(pd.array([1, None, 3], dtype="Int64"), from_pandas=True),
    ],
    ids=lambda column: str(column.type),
)
def test_every_type_of_number_becomes_float64(column):
    values = numbers(pa.table({"a": column}), "a")
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [1, np.nan, 3])


def test_booleans_and_nulls_become_numbers():
    table = pa.table({"a": [True, None, False], "b": pa.nulls(3)})
    np.testing.assert_array_equal(numbers(table, "a"), [1, np.nan, 0])
    assert np.isnan(numbers(table, "b")).all()


def test_an_infinite_float_is_named():
    with pytest.raises(DataError, match=r"column 'a', row 2: -inf is not a finite"):
        numbers(pa.table({"a": [1.0, -np.inf]}), "a")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0], pa.timestamp("us")),
        pa.array([0], pa.duration("s")),
        pa.array([0], pa.date32()),
        pa.array([[1]]),
        pa.array([{"x": 1}]),
        pa.array([b"x"]),
        pa.array(pd.Series(pd.period_range("2020", periods=1)), from_pandas=True),
    ],
    ids=lambda column: str(column.type),
)
@pytest.mark.parametrize("reader", [numbers, labels])
def test_other_types_are_refused_by_name(column, reader):
    with pytest.raises(DataError, match="column 'when'") as refused:
        reader(pa.table({"when": column}), "when")
    assert str(column.type) in str(refused.value)


def test_an_absent_column_is_refused_with_those_there():
    with pytest.raises(DataError, match=r"no column 'z'.*'a', 'b'"):
        numbers(pa.table({"a": [1], "b": [2]}), "z")


# ------------------------------------------------------------------ texts and labels


def test_categories_are_categories_whatever_their_values():
    frame = from_frame(pd.DataFrame({"c": pd.Categorical([2, 1, 2]), "d": [2, 1, 2]}))
    assert [kind_of(frame, name) for name in "cd"] == ["category", "number"]
    assert encoder_of(frame).input_names == ["d", "c=1", "c=2"]
    assert labels(frame, "c")[0].tolist() == [2, 1, 2]
    for kind in (pl.Categorical, pl.Enum(["u", "v"])):
        polars = from_frame(
            pl.DataFrame({"c": ["u", None, "v"]}).with_columns(pl.col("c").cast(kind))
        )
        assert raw_texts(polars, "c").to_pylist() == ["u", None, "v"]


def test_integers_beyond_float64_lose_their_last_digits():
    assert numbers(from_frame({"a": [2**53 + 1, 1]}), "a").tolist() == [2.0**53, 1.0]


def test_sparse_pandas_columns_are_filled_out():
    sparse = pd.get_dummies(pd.Series(["a", "b"]), sparse=True)
    assert raw_texts(from_frame(sparse), "a").to_pylist() == ["true", "false"]


def test_labels_are_what_stands_in_the_file(read):
    values, missing = labels(read('a,b\n007,x\n1.0,x\n1,x\nNA,x\n,x\n"",x\nyes ,x\n'), "a")
    assert values[~missing].tolist() == ["007", "1.0", "1", "NA", "yes "]
    assert missing.tolist() == [False] * 4 + [True, True, False]


@pytest.mark.parametrize(
    ("column", "dtype", "values"),
    [
        ([3, None, -1], np.int64, [3, -1]),
        (pa.array([2**64 - 1, None, 1], pa.uint64()), np.uint64, [2**64 - 1, 1]),
        (pa.array([2**63 - 1, None, 1]), np.int64, [2**63 - 1, 1]),
        ([0.5, np.nan, 2.0], np.float64, [0.5, 2.0]),
        ([True, None, False], np.bool_, [True, False]),
        (["b", None, "a"], object, ["b", "a"]),
        (pd.Categorical(["b", None, "a"]), object, ["b", "a"]),
        (pa.array([7, None, 8]).dictionary_encode(), np.int64, [7, 8]),
    ],
)
def test_labels_keep_their_type(column, dtype, values):
    found, missing = labels(from_frame({"y": column}), "y")
    assert found.dtype == dtype
    assert missing.tolist() == [False, True, False]
    assert found[~missing].tolist() == values


def test_a_wide_table_is_no_slower_a_column():
    wide = from_frame({f"c{i}": [i] for i in range(3000)})
    assert sum(numbers(wide, name)[0] for name in wide.column_names) == 2999 * 1500


def test_importing_is_light():
    code = "import sys, handgrad.tables.encode; print('pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_reading_a_path_needs_no_path_object(tmp_path):
    path = Path(tmp_path / "t.csv")
    path.write_text("a\n1\n")
    assert read_table(str(path)).equals(read_table(path))
