"""Statistics of columns are the same to the bit, whether memory holds all rows or one block."""

from itertools import product

import numpy as np
import pytest

from handgrad.tables import selection
from handgrad.tables.selection import Selection
from handgrad.tables.statistics import (
    BLOCK_ROWS,
    Moments,
    describe_columns,
    exponent_of,
    kept_rows,
    quantile,
)


def columns_of(rng, n):
    x = rng.normal(size=(6, n)) * 10.0 ** np.array([[0], [150], [-150], [3], [1], [0]])
    x[1] += np.where(np.arange(n) < n / 2, 0, 1e155)  # the later blocks are far larger
    x[3] = np.round(x[3] / 500)
    x[4, rng.random(n) < 0.2] = np.nan
    x[5, : BLOCK_ROWS + 3] = np.nan  # a block without a cell
    return x


def weights(rng, n, weighed):
    return {"equally": None, "wholly": rng.integers(0, 4, n) * 1.0, "each": rng.random(n)}[weighed]


WEIGHED = ["equally", "wholly", "each"]


@pytest.mark.parametrize("weighed", WEIGHED)
def test_many_blocks_have_the_moments_of_all_rows(rng, weighed):
    n = 3 * BLOCK_ROWS + 1001
    x, weight = columns_of(rng, n), weights(rng, n, weighed)
    found = describe_columns(x, kept_rows(weight, n))
    w = np.ones(n) if weight is None else weight
    for at, column in enumerate(x):
        there = ~np.isnan(column)
        v, of_there = column[there] / np.abs(column[there]).max(), w[there]
        mean = np.average(v, weights=of_there)
        scale = np.sqrt(np.average((v - mean) ** 2, weights=of_there))
        size = np.abs(column[there]).max()
        assert found.mean[at] == pytest.approx(mean * size, rel=1e-9, abs=1e-13 * scale * size)
        assert found.scale[at] == pytest.approx(scale * size, rel=1e-12)
        assert found.has_missing[at] == (not there.all())
    if weight is None:
        assert found.median.tolist() == np.nanmedian(x, axis=1).tolist()


def in_portions(x, weight, size):
    """Give the blocks of a table that comes in portions of some size."""
    n, counted = x.shape[1], np.ones(x.shape[1], bool) if weight is None else weight > 0
    scaled = None if weight is None else np.ldexp(weight, -exponent_of(weight.max()))
    for start in range(0, n, size):
        rows = start + np.flatnonzero(counted[start : start + size])
        yield x.take(rows, axis=1), None if scaled is None else scaled[rows]


def medians_of(x, weight, size, shares=(0.5,)):
    selected, passes = Selection(len(x), shares), 0
    while not selected.is_done:
        for block, w in in_portions(x, weight, size):
            selected.add(block, w)
        selected.end_pass()
        passes += 1
    return selected.pairs(), passes


@pytest.mark.parametrize("weighed", WEIGHED)
def test_blocks_of_a_file_have_the_statistics_of_memory_to_the_bit(rng, weighed, monkeypatch):
    monkeypatch.setattr(selection, "COLLECTED", 60)
    n = 2 * BLOCK_ROWS + 77
    x, weight = columns_of(rng, n), weights(rng, n, weighed)
    kept = kept_rows(weight, n)
    whole = describe_columns(x, kept)
    moments = Moments(len(x), kept.weight_exponent)
    for block, w in in_portions(x, weight, BLOCK_ROWS):
        moments.add(block, w)
    pairs, passes = medians_of(x, weight, 1000)
    assert 2 <= passes <= 5
    scaled = np.ldexp(pairs[:, 0], -moments.exponent[:, None])
    streamed = moments.described((scaled[:, 0] + scaled[:, 1]) / 2)
    for ours, theirs in zip(streamed, whole, strict=True):
        assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize(("digit", "collected"), [*product([16, 12, 8], [1, 1 << 20])])
def test_a_selection_finds_the_quantiles_of_sorted_rows(rng, monkeypatch, digit, collected):
    monkeypatch.setattr(selection, "COUNT_BYTES", 4 * 8 << digit)
    monkeypatch.setattr(selection, "COLLECTED", collected)
    x = np.array([rng.normal(size=999), rng.integers(-2, 3, 999), -np.exp(rng.normal(size=999))])
    x = np.vstack([x, np.full(999, np.nan)])
    weight, shares = rng.random(999), (0.01, 0.25, 0.5, 1.0)
    pairs, _ = medians_of(x, weight, 100, shares)
    for column, found in zip(x[:3], pairs, strict=False):
        order = np.argsort(column)
        below = np.cumsum(weight[order])
        for share, (low, high) in zip(shares[:3], found, strict=False):
            assert low / 2 + high / 2 == quantile(column[order], below, share)
        assert found[3, 0] == column.max()
    assert (pairs[3] == 0).all()


def test_negative_zero_is_zero():
    pairs, _ = medians_of(np.array([[-0.0, 0.0, -0.0, 1.0]]), None, 2)
    assert pairs.tolist() == [[[0.0, 0.0]]]
    assert not np.signbit(pairs).any()
