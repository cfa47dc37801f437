"""A table's rows set apart on the command line: which ones go where."""

import numpy as np
import pyarrow as pa
import pytest

from handgrad.cli.data import Labelled
from handgrad.cli.parts import partition
from handgrad.errors import DataError
from handgrad.tables.kinds import Column
from handgrad.tables.recognition.planning import plan_of

OPTIONS = {
    "seed": 0,
    "test": 0.2,
    "validation": 0.1,
    "test_last": False,
    "validation_last": False,
}


def data(y, task="classification"):
    table = pa.table({"t": np.arange(len(y))})
    y, places, plan = np.asarray(y), np.arange(len(y)), plan_of(table)
    return Labelled("t.csv", table, y, "y", 0, task, None, 0, table, places, plan, Column("y"))


def times(part):
    return part.table["t"].to_pylist()


def test_the_last_rows_in_the_order_of_the_file():
    last = OPTIONS | {"test_last": True, "validation_last": True}
    parts = partition(data(np.arange(100) % 2), last)
    assert times(parts.training) == list(range(72))
    assert times(parts.validation) == list(range(72, 80))
    assert times(parts.test) == list(range(80, 100))
    assert parts.test.y.tolist() == [0, 1] * 10


def test_validation_rows_are_drawn_from_before_the_last_ones():
    parts = partition(data(np.arange(100) % 2), OPTIONS | {"test_last": True})
    assert max(times(parts.validation)) < 80
    assert len(parts.validation.y) == 8
    assert times(parts.validation) != list(range(72, 80))


def test_every_row_keeps_its_answer():
    parts = partition(data(np.arange(100) * 2.0, "regression"), OPTIONS)
    for part in parts:
        assert part.y.tolist() == [2.0 * t for t in times(part)]
    assert sorted(t for part in parts for t in times(part)) == list(range(100))


@pytest.mark.parametrize("share", ["test", "validation"])
def test_classes_that_only_the_last_rows_have_are_refused(share):
    chosen = OPTIONS | {"test": 0.2 * (share == "test"), f"{share}_last": True}
    y = ["a", "b"] * 49 + ["c", "d"]
    with pytest.raises(DataError, match=rf"'c', 'd' is in .* --{share}-last"):
        partition(data(np.array(y, dtype=object)), chosen)
