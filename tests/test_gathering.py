"""An encoder is the same to the bit, whether memory holds the table or it comes in portions."""

import numpy as np
import pyarrow as pa
import pytest

from handgrad.errors import DataError
from handgrad.tables.columns import part_of
from handgrad.tables.fitting import fit_matrix, fit_table
from handgrad.tables.gathering import GATHERED, Gathering, NumberColumns, Weighing
from handgrad.tables.levels import EVERY_LEVEL, Frequency
from handgrad.tables.parts import to_parts
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.statistics import BLOCK_ROWS

N = 2 * BLOCK_ROWS + 999


def a_table(rng):
    z = rng.normal(size=(4, N)) * [[1], [1e6], [1e-3], [30]]
    days = np.datetime64("2020-01-01") + rng.integers(0, 2000, N)
    return pa.table(
        {
            "a": z[0],
            "b": pa.array(np.where(rng.random(N) < 0.1, np.nan, z[1] + 1e9), from_pandas=True),
            "c": z[2].astype(np.float32),
            "d": rng.integers(0, 9, N),
            "yes": rng.random(N) < 0.3,
            "seldom": np.where(rng.random(N) < 0.1, z[0], -0.0),
            "day": days.astype("datetime64[D]"),
            "level": pa.array(np.array(["x", "yy", "rare", None])[np.digitize(z[0], [0, 1.5, 2])]),
            "words": [f"{v:.2f}" if v > -40 else ("low", "lower")[int(v) % 2] for v in z[3]],
        }
    )


def gathered(table, plan, weight, size, **how):
    counted = np.ones(N, bool) if weight is None else weight > 0
    weighing = None
    if weight is not None:
        weighing = Weighing(weight[counted].max(), weight[counted].min())
    with Gathering(plan, weighing, **how) as gathering:
        for start in range(0, N, size):
            here = slice(start, start + size)
            rows = None if weight is None else weight[here]
            gathering.add(part_of(table, start, size), counted[here], rows)
        return gathering.encoder()


def assert_same(ours, theirs):
    (metadata, tensors), (expected, of_expected) = to_parts(ours), to_parts(theirs)
    assert metadata == expected
    for name, tensor in tensors.items():
        assert tensor.tobytes() == of_expected[name].tobytes(), name


@pytest.mark.parametrize("weighed", ["equally", "wholly", "each"])
@pytest.mark.parametrize("method", GATHERED)
def test_an_encoder_of_portions_is_that_of_memory_to_the_bit(rng, weighed, method):
    table = a_table(rng)
    plan = plan_of(table)
    assert {column.kind for column in plan} >= {"number", "boolean", "date", "category"}
    weight = {"equally": None, "wholly": rng.integers(0, 3, N) * 1.0, "each": rng.random(N)}[
        weighed
    ]
    for size, frequency in ((7001, EVERY_LEVEL), (BLOCK_ROWS, Frequency(40, 2)), (N, EVERY_LEVEL)):
        how = {"frequency": frequency, "has_skip": True, "method": method}
        theirs = fit_table(table, plan, weight, **how)
        assert_same(gathered(table, plan, weight, size, **how), theirs)


def test_rows_held_back_have_no_say(rng):
    table = a_table(rng)
    weight = np.where(np.isnan(table["b"].to_numpy()), 0.0, 1.0)  # all holes of b
    plan = plan_of(table)
    ours = gathered(table, plan, weight, 5000)
    assert not ours.indicator.any()
    assert_same(ours, fit_table(table, plan, weight))


def test_the_quantiles_of_targets_are_exact(rng):
    y = rng.gamma(1, size=(N, 1)).round(2)
    with NumberColumns(1) as columns:
        for start in range(0, N, 4000):
            part = y[start : start + 4000]
            columns.add(part, np.ones(len(part), bool), None)
        low, median, high = columns.quantiles((0.25, 0.5, 0.75))[0].mean(axis=1)
        described = columns.described()
    ordered = np.sort(y[:, 0])
    assert [low, median, high] == [ordered[N // 4], np.median(y), ordered[N * 3 // 4]]
    assert described.mean.tobytes() == fit_matrix(y).mean.tobytes()


def test_a_cell_that_cannot_be_read_is_named_by_its_row(rng):
    table = pa.table({"a": pa.array(["1.5", "2"] * 400 + ["what"])})
    plan = Plan((plan_of(pa.table({"a": ["1", "2", "3"]}))["a"]._replace(kind="number"),))
    everything = np.ones(801, bool)
    with Gathering(plan) as gathering:
        gathering.add(part_of(table, 0, 800), everything[:800])
        with pytest.raises(DataError, match=r"column 'a', row 801.*'what'"):
            gathering.add(part_of(table, 800, 1), everything[800:])


def test_nothing_to_learn_from_is_refused():
    plan = plan_of(pa.table({"a": [1.0, 2.0]}))
    plan = Plan(tuple(c._replace(kind="left out", why="all cells are the same") for c in plan))
    with pytest.raises(DataError, match=r"no column is left to learn from \(a: all cells are"):
        Gathering(plan)
