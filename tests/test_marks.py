"""Tables and words at their smallest: marks, blocks, cells, lines, what is told of them."""

import datetime
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from handgrad.errors import DataError
from handgrad.explain.trace import brief
from handgrad.report.tables import MOST_LINES, _lines
from handgrad.tables import table as tables
from handgrad.tables.blocks import Texts
from handgrad.tables.files import workbook as workbooks
from handgrad.tables.files.typed import as_text
from handgrad.tables.marks import csv_field, is_csv, words_are_texts
from handgrad.tables.sequences import from_sequence
from handgrad.tables.values import Values, floats
from handgrad.text import quoted as shortened


@pytest.mark.parametrize("quoted", [False, True])
def test_a_field_remembers_whether_quotes_set_words_apart(quoted):
    field = csv_field("a", quoted_words=quoted)
    assert is_csv(field)
    assert words_are_texts(field) == quoted


def test_a_column_with_a_number_beyond_all_bounds_is_not_read():
    table = pa.table({"a": ["1", "2"], "b": ["1", "1e400"]})
    assert Texts(table, ["a", "b"], ()).numbers()[1].tolist() == [True, False]


def test_a_day_among_times_is_its_midnight():
    day, noon = datetime.date(2024, 5, 1), datetime.datetime(2024, 5, 1, 12)
    cells = from_sequence("a", [day, noon])[0].to_pylist()
    assert cells == [datetime.datetime(2024, 5, 1), noon]


def test_a_file_that_changes_while_it_is_read_is_refused(read, monkeypatch):
    monkeypatch.setattr(tables.os, "fstat", lambda _: SimpleNamespace(st_size=3))
    with pytest.raises(DataError, match="the file changed while it was read"):
        read("a,b\n1,2\n")


def test_no_lines_are_skipped_backwards(read):
    with pytest.raises(ValueError, match="skip must be 0 or more lines, got -1"):
        read("a,b\n1,2\n", skip=-1)


def test_the_line_of_a_record_that_is_none_is_named(read):
    with pytest.raises(DataError, match="line 2: not a JSON object"):
        read('{"a": 1}\n[2]\n', name="table.jsonl")


@pytest.mark.parametrize(("cell", "text"), [(5.0, "5"), (0.5, "0.5"), (True, "true"), ("a", "a")])
def test_a_value_is_written_as_in_a_csv_file(cell, text):
    assert as_text(cell) == text


def test_a_hidden_sheet_is_passed_over(monkeypatch):
    reader = pytest.importorskip("python_calamine")
    visible, hidden = reader.SheetVisibleEnum.Visible, reader.SheetVisibleEnum.Hidden
    sheets = {"secret": ([["no"]], hidden), "open": ([["yes"]], visible)}
    book = SimpleNamespace(
        sheet_names=list(sheets),
        sheets_metadata=[SimpleNamespace(name=n, visible=kind) for n, (_, kind) in sheets.items()],
        get_sheet_by_name=lambda name: SimpleNamespace(to_python=lambda **_: sheets[name][0]),
    )
    monkeypatch.setattr(reader, "load_workbook", lambda _: book)
    monkeypatch.setattr(workbooks, "_check_size", lambda _: None)
    assert workbooks._first_sheet(b"") == ([["yes"]], [])


def test_a_missing_number_is_none_whatever_stands_there():
    numbers = floats(Values(np.array([1, 2]), np.array([False, True])))
    np.testing.assert_array_equal(numbers, [1, np.nan])


def test_a_long_text_is_cut():
    assert shortened("x" * 80) == repr("x" * 80)
    assert shortened("x" * 81) == repr("x" * 77) + "..."


def test_how_much_of_an_array_is_0_is_told():
    assert brief(np.repeat([0.0, 2.0], [30, 70])) == "0 to 2; 30 of 100 are 0"


def test_a_long_table_of_a_report_ends_with_how_many_more_there_are():
    written = _lines("By class", ("class", "n"), [("a", "1")] * (MOST_LINES + 5), "classes")
    assert written.count("<td>a</td>") == MOST_LINES
    assert "and 5 more classes" in written
