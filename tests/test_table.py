"""A table is read as it stands, or refused with the line, the column and what to do."""

import csv
import gzip
import io
import os
import pickle
import threading
from importlib.resources import files

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import DataError
from handgrad.tables.columns import (
    kind_of,
    numbers,
    raw_texts,
)
from handgrad.tables.files.parsing import BLOCK_BYTES
from handgrad.tables.frames import from_frame, is_frame
from handgrad.tables.rows import take
from handgrad.tables.table import read, read_table

# ------------------------------------------------------------------ files that read


def test_the_embedded_penguins_read():
    penguins = read_table(files("handgrad") / "data" / "penguins.csv")
    assert penguins.num_rows == 344
    assert penguins.column_names[0] == "species"
    bill = numbers(penguins, "bill_length_mm")
    assert bill[:3].tolist() == [39.1, 39.5, 40.3]
    assert np.flatnonzero(np.isnan(bill)).tolist() == [3, 271]
    assert raw_texts(penguins, "sex").to_pylist().count("NA") == 11


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        ("a,b\r\n1,2\r\n", {"a": ["1"], "b": ["2"]}),
        ("a,b\r1,2\r", {"a": ["1"], "b": ["2"]}),
        ("a,b\n1,2", {"a": ["1"], "b": ["2"]}),
        ("\ufeffa,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        (" a , b\n 1 ,2\n", {"a": [" 1 "], "b": ["2"]}),
        ("a,b\n007,1.0\n", {"a": ["007"], "b": ["1.0"]}),
        ('a,b\n,""\n', {"a": [None], "b": [""]}),
        ("a,b\n\n1,2\n\n3,4\n\n", {"a": ["1", "3"], "b": ["2", "4"]}),
        ("a;b\n1;2,5\n", {"a": ["1"], "b": ["2,5"]}),
        ("a\tb\n1\t2\n", {"a": ["1"], "b": ["2"]}),
        ("a\n1\n", {"a": ["1"]}),
        ('"a;b"\n1\n', {"a;b": ["1"]}),
        ('a,b\n"1,2","x ""y""\nz"\n', {"a": ["1,2"], "b": ['x "y"\nz']}),
        ('"a\nb",c\n1,2\n', {"a\nb": ["1"], "c": ["2"]}),
        ('a,b\n5" pipe,x\n', {"a": ['5" pipe'], "b": ["x"]}),
        ("a,b\n", {"a": [], "b": []}),
        ("a,b", {"a": [], "b": []}),
        ("a,b\n\n\n", {"a": [], "b": []}),
        ("größe,b\n=cmd|x,é\n", {"größe": ["=cmd|x"], "b": ["é"]}),
    ],
)
def test_cells_stay_as_they_stand(read, content, expected):
    assert read(content).to_pydict() == expected


def test_a_tsv_file_is_parted_at_tabs_first(read):
    assert read("a,b\tc\n1,2\t3\n", "t.tsv").column_names == ["a,b", "c"]
    assert read(gzip.compress(b"a,b\tc\n1,2\t3\n"), "t.tsv.gz").column_names == ["a,b", "c"]


def test_the_given_separator_is_used(read):
    assert read("a|b,c\n1|2\n", separator="|").column_names == ["a", "b,c"]


@pytest.mark.parametrize("separator", ["", "ab", '"', "\n", "é", "\0"])
def test_a_separator_must_be_one_plain_character(read, separator):
    with pytest.raises(ValueError, match="one ASCII character"):
        read("a,b\n1,2\n", separator=separator)


def test_gzip_is_told_by_content(read):
    content = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    assert read(content, "named.csv").to_pydict() == {"a": ["1", "3"], "b": ["2", "4"]}


def test_parquet_is_told_by_content_and_keeps_its_types(read):
    frame = pd.DataFrame({"a": [1, 2], "b": ["1", "2"]}, index=[5, 7])
    stream = io.BytesIO()
    frame.to_parquet(stream)
    table = read(stream.getvalue(), "named.csv")
    assert table.column_names == ["a", "b"]
    assert [kind_of(table, name) for name in "ab"] == ["number", "text"]


def test_a_pipe_is_read_to_its_end(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"a,b\n1,2\n",))
    writer.start()
    assert read_table(path).to_pydict() == {"a": ["1"], "b": ["2"]}
    writer.join()


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(cells, cells), max_size=12), st.booleans())
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows, quoted):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        style = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
        writer = csv.writer(stream, quoting=style, lineterminator="\n")
        writer.writerows([("left", "right"), *rows])
    back = read(path).to_pylist()  # without a warning of empty rows at the end
    while rows and not quoted and rows[-1] == ("", ""):
        rows = rows[:-1]
    assert [(row["left"] or "", row["right"] or "") for row in back] == rows


# ------------------------------------------------------------------ files that do not

CORPUS = [
    ("C02 empty", b"", ["empty"]),
    ("C02 byte order mark only", b"\xef\xbb\xbf\n \n", ["empty"]),
    ("C04 no header", b"1,2.5\n3,4\n", ["first row", "only numbers", "header"]),
    ("C06 UTF-16", "a,b\n1,2\n".encode("utf-16-le"), ["--encoding utf-16-le"]),
    ("C06 half UTF-16", "a,b\n1,2\n".encode("utf-16")[:-1], ["line 2", "utf-16"]),
    ("C07 latin-1", b"a,b\n1,2\n3,x\xe9\n", ["line 3, byte 4", "0xE9", "UTF-8"]),
    ("C07 latin-1 header", b"a,\xe9\n1,2\n", ["line 1, byte 3", "0xE9"]),
    ("C08 NUL", b"a,b\n1,\x002\n", ["line 2, byte 3", "NUL"]),
    ("C10 one too many", b"a,b,c\n1,2,3\n1,2,3,4\n", ["line 3: 4 fields, expected 3"]),
    ("C11 one too few", b'a,b,c\n"x\ny",2,3\n1,2\n', ["line 4: 2 fields, expected 3"]),
    ("C10 blank lines count", b"a,b\n\n\n1\n", ["line 4: 1 fields, expected 2"]),
    ("C15 no names", b",,\n,,\n", ["no header line"]),
    ("C15 names of nothing", b"\n \n# a,b\n", ["no line is left"]),
    ("C18 open quote", b'a,b\n1,2\n3,"4\n5,6\n', ["line 3", "never closed"]),
    ("C18 open quote, last cell", b'a,b\n1,2\n3,"4', ["line 3", "never closed"]),
    ("C18 open quote, first cell", b'a,b\n"1,2\n3,4\n', ["line 2", "never closed"]),
    ("C18 open quote in header", b'a,"b\n1,2\n', ["line 1", "never closed"]),
    ("C18 two stray quotes", b'a,b\n1,"x\n2,"y\n', ["line 2", "closing quote"]),
    ("C18 long open quote", b'a,b\n1,"' + b"x,y\n" * 50_000, ["line 2", "never closes"]),
    ("C34 damaged gzip", gzip.compress(b"a,b\n1,2\n" * 99)[:-20], ["gzip", "damaged"]),
    ("C34 zip", b"PK\x03\x04rest", ["zip", "xlsx"]),
    ("C34 old Excel", b"\xd0\xcf\x11\xe0rest", ["workbook"]),
    ("C34 pickle", pickle.dumps({"a": [1]}), ["pickle"]),
    ("C34 HDF5", b"\x89HDF\r\n\x1a\n", ["HDF5"]),
    ("C34 NumPy", b"\x93NUMPY\x01\x00", ["NumPy"]),
    ("C34 zip in gzip", gzip.compress(b"PK\x03\x04rest"), ["zip"]),
    ("C35 damaged Parquet", b"PAR1 and then nothing", ["Parquet", "damaged"]),
    ("a row beyond the block", b"a,b\n1," + b"x" * 2 * BLOCK_BYTES + b"\n", ["longer than"]),
    ("control characters", b"a,b\n1,2,\x1b[31m\n", ["line 2: 3 fields"]),
]


@pytest.mark.parametrize(("content", "parts"), [c[1:] for c in CORPUS], ids=[c[0] for c in CORPUS])
def test_a_bad_file_is_refused_in_words(read, content, parts):
    with pytest.raises(DataError) as refused:
        read(content)
    message = str(refused.value)
    assert "table.csv" in message
    assert [part for part in parts if part not in message] == []
    assert message.isprintable()


def test_truncated_parquet_never_reads(read):
    stream = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(100)), "b": ["x"] * 100}), stream)
    content = stream.getvalue()
    for size in range(4, len(content), 37):
        with pytest.raises(DataError):
            read(content[:size])


def test_what_the_system_refuses_stays_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(IsADirectoryError):
        read_table(tmp_path)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(device):
    with pytest.raises(DataError, match="file or a pipe"):
        read_table(device)


def test_unfolding_is_bounded(read, monkeypatch):
    monkeypatch.setattr("handgrad.tables.files.source.MAX_BYTES", 1000)
    with pytest.raises(DataError, match="more than 1000 bytes"):
        read(gzip.compress(b"a,b\n" + b"1,2\n" * 1000))


# ------------------------------------------------------------------ data frames


def test_every_kind_of_frame_gives_the_same_table():
    columns = {"a": [1, 2], "b": ["x", None]}
    expected = from_frame(columns).to_pydict()
    for frame in (
        pd.DataFrame(columns, index=["p", "q"]),
        pl.DataFrame(columns),
        pa.table(columns),
        pa.record_batch(columns),
        {"a": np.array([1, 2]), "b": pd.Series(["x", None])},
    ):
        assert is_frame(frame)
        assert from_frame(frame).to_pydict() == expected


@pytest.mark.parametrize(
    "value",
    [np.zeros((2, 2)), [[1]], "a", None, pd.Series([1]), pl.Series([1]), pa.array([1])],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_frame_is_refused(value):
    assert not is_frame(value)
    with pytest.raises(TypeError, match="data frame"):
        from_frame(value)


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (pd.DataFrame({"a": [1], 0: [2]}), TypeError, "must be strings, got 0"),
        ({1: [2]}, TypeError, "must be strings, got 1"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), DataError, "'a' occur twice"),
        (pa.table([[1], [2]], names=["a", "a"]), DataError, "'a' occur twice"),
        ({"": [1]}, DataError, "no name"),
        ({}, DataError, "no columns"),
        ({"a": [1, b"x"]}, DataError, "column 'a'"),
        (pd.DataFrame({"a": [1, [2]]}, dtype=object), DataError, "column 'a'"),
        ({"a": [1], "b": [1, 2]}, DataError, "same length"),
        ({"a": np.zeros((2, 2))}, DataError, "column 'a'"),
        ({"a": "text"}, DataError, "column 'a'"),
        ({"a": 5}, DataError, "column 'a'"),
        ({"a": np.array([1j])}, DataError, "column 'a'"),
        ({"a": [object()]}, DataError, "column 'a'"),
    ],
)
def test_a_bad_frame_is_refused(frame, error, message):
    with pytest.raises(error, match=message):
        from_frame(frame)


def test_string_views_of_a_parquet_file_can_be_picked_by_row(tmp_path):
    table = pa.table({"a": pa.array(["x", None, "yy"], pa.string_view()), "b": [1, 2, 3]})
    try:
        pq.write_table(table, tmp_path / "t.parquet")
    except pa.ArrowNotImplementedError:
        pytest.skip("this pyarrow writes no string views")
    read = read_table(tmp_path / "t.parquet")
    assert take(read, np.array([2, 1])).column("a").to_pylist() == ["yy", None]
