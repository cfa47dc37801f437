"""The plan of a table in portions is that of the same table in memory."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from handgrad.errors import DataError
from handgrad.tables.columns import part_of
from handgrad.tables.marks import CSV_MARK
from handgrad.tables.recognition import digest
from handgrad.tables.recognition.digest import Digest
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.recognition.wishes import NO_WISHES, Wishes

N = 3000


@pytest.fixture(params=[None, 100], ids=["all kept", "few kept"])
def most(request, monkeypatch):
    if request.param is not None:
        monkeypatch.setattr(digest, "MOST_DIFFERENT", request.param)
        monkeypatch.setattr(digest, "FEWEST_DIFFERENT", request.param)


def streamed(table, wishes=NO_WISHES, size=251):
    found = Digest(table.slice(0, 0), wishes)
    for start in range(0, table.num_rows, size):
        found.add(part_of(table, start, size))
    return found.plan()


def in_turn(values, n=N):
    return [values[at % len(values)] for at in range(n)]


def columns(rng):
    z = rng.normal(size=N)
    at = np.arange(N)
    yield "fractions", z
    yield "holes", pa.array(np.where(at % 7 == 0, np.nan, z), from_pandas=True)
    yield "whole", rng.integers(-5000, 5000, N)
    yield "far", np.where(at % 5 == 0, -999.0, np.abs(z))
    yield "few", rng.integers(0, 5, N)
    yield "zero and one", at % 2
    yield "zero and one and a half", np.where(at == N - 1, 0.5, at % 2)
    yield "truths", at % 3 == 0
    yield "constant", np.full(N, 2.5)
    yield "constant with holes", pa.array(np.where(at % 7 == 0, None, 2.5).tolist())
    yield "constant with an early hole", pa.array(np.where(at == 7, None, 2.5).tolist())
    yield "row", at
    yield "shuffled_id", rng.permutation(N)
    yield "long", at * 10**15
    yield "unsigned", pa.array(at + 2**60, pa.uint64())
    yield (
        "compact",
        pa.array(in_turn([20210101 + 100 * m + d for m in range(12) for d in range(28)])),
    )
    yield (
        "no day",
        pa.array([*in_turn([20210104, 20210208, *range(20200110, 20200120)], N - 1), 20210199]),
    )
    yield "empty", pa.nulls(N)
    yield "no number", pa.array([None] * N, pa.float64())
    yield "words", in_turn(["a", "b", None, "c"])
    yield "yes", in_turn(["yes", "no"])
    yield "one word", ["same"] * N
    yield "names", [f"row {i}" for i in range(N)]
    yield "free", [f"{'long text of row ' * 4}{i // 2}" for i in range(N)]
    yield "codes", pa.array(in_turn(["x", "y"])).dictionary_encode()
    yield "numbers as levels", pa.array(in_turn([3, 4, 5])).dictionary_encode()
    yield (
        "days",
        pa.array([(datetime(2020, 1, 1) + timedelta(days=i % 900)).date() for i in range(N)]),
    )
    yield "moments", [datetime(2020, 1, 1) + timedelta(hours=7 * i) for i in range(N)]
    yield "one day", [datetime(2020, 1, 1)] * N


def texts(rng):
    z = rng.normal(size=N).round(6)
    yield "numbers", [str(v) for v in z]
    yield "with words", [("n.d." if i % 50 == 3 else str(v)) for i, v in enumerate(z)]
    yield "late word", [*map(str, z[:-20]), *["broken"] * 20]
    yield "missing", [("NA" if i % 9 == 0 else f" {v}") for i, v in enumerate(z)]
    yield "money", [f"${1000 * abs(v):,.2f}" for v in z[:90]] * (N // 90) + ["$1.00"] * (N % 90)
    yield "whole", [str(i % 70) for i in range(N)]
    yield "zeros", [f"{i % 70:03}" for i in range(N)]
    yield "yes", in_turn(["yes", "No", "true"])
    yield "0 and 1", in_turn(["0", "1", ""])
    yield "words", in_turn([" red", "red", "green"])
    yield "dates", in_turn([f"{d:02}.{m:02}.2021" for m in range(1, 13) for d in range(1, 8)])
    yield "long", [f"{10**17 + i % 60}" for i in range(N)]
    yield "constant", ["1.5"] * N
    yield "empty", [None] * N


def csv_table(of):
    fields = [pa.field(name, pa.string(), metadata=CSV_MARK) for name in of]
    return pa.table([pa.array(cells, pa.string()) for cells in of.values()], pa.schema(fields))


def told(plan):
    return [column._replace(doubts=(), why="") for column in plan]


def test_typed_columns_are_what_they_are_in_memory(rng, most):
    table = pa.table(dict(columns(rng)))
    ours, theirs = streamed(table), plan_of(table)
    assert told(ours) == told(theirs)
    for name in set(table.column_names) - {"shuffled_id", "moments", "names", "free"}:
        assert ours[name] == theirs[name]
    if digest.MOST_DIFFERENT > N:
        assert ours == theirs


def test_columns_of_texts_are_what_they_are_in_memory(rng, most):
    table = csv_table(dict(texts(rng)))
    ours, theirs = streamed(table), plan_of(table)
    assert [column[:2] for column in ours] == [column[:2] for column in theirs]
    if digest.MOST_DIFFERENT > N:
        assert ours == theirs


@pytest.mark.parametrize("kind", ["number", "category", "boolean", "date", "left out"])
def test_declared_columns_are_what_they_are_in_memory(rng, kind):
    table = pa.table({"a": in_turn(["1", "0", "2021-03-04", "x"]), "b": rng.normal(size=N)})
    table = table.append_column("c", pa.array(in_turn([1, 2, 20210304, None])))
    for name in table.column_names:
        wishes = Wishes(kinds={name: kind}, missing={None: ("2",)})
        assert outcome(streamed, table, wishes) == outcome(plan_of, table, wishes)


def outcome(make, table, wishes):
    """Give the plan, or the beginning of what is wrong: rows are named in memory alone."""
    try:
        return make(table, wishes)
    except DataError as error:
        return str(error).partition(":")[0]


def test_too_many_levels_are_refused_by_name(monkeypatch):
    monkeypatch.setattr(digest, "MOST_DIFFERENT", 100)
    monkeypatch.setattr(digest, "FEWEST_DIFFERENT", 100)
    table = pa.table({"x": np.arange(N) / 7, "town": [f"town {i % 400}" for i in range(N)]})
    with pytest.raises(
        DataError, match=r"'town' holds more than 100 different texts.*leave it out"
    ):
        streamed(table)
    assert streamed(table, Wishes(kinds={"town": "left out"}))["town"].kind == "left out"


def test_what_cannot_be_learnt_from_is_refused_before_a_row_is_read():
    head = pa.table({"a": pa.array([], pa.list_(pa.int64())), "b": pa.array([], pa.binary())})
    with pytest.raises(DataError, match=r"'a' has the type.*'b' has the type"):
        Digest(head)
    with pytest.raises(DataError, match="no columns 'z'"):
        Digest(head, Wishes(kinds={"z": "number"}))


def test_an_infinite_cell_is_named_by_its_row_in_the_file():
    table = pa.table({"a": [0.5] * 600 + [np.inf]})
    with pytest.raises(DataError, match="column 'a', row 601"):
        streamed(table)
