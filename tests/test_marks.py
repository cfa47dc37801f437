"""What a table remembers of its file and its cells, at its smallest: marks, blocks, sequences."""

import datetime

import pyarrow as pa
import pytest

from handgrad.tables.blocks import Texts
from handgrad.tables.marks import csv_field, is_csv, words_are_texts
from handgrad.tables.sequences import from_sequence


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
