"""Rows into batches and into parts: every row once, from the seed alone, no row on both sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.batches import batches, shuffled, split

seeds = st.integers(0, 2**32 - 1)


@given(st.integers(0, 200), seeds)
def test_a_shuffle_has_every_row_once(n, seed):
    order = shuffled(n, np.random.PCG64(seed))
    assert sorted(order.tolist()) == list(range(n))


def test_a_seed_means_the_same_order_in_every_numpy():
    """Written out, and once by hand from the generator's raw numbers."""
    order = shuffled(12, np.random.PCG64(0))
    assert order.tolist() == [11, 3, 2, 1, 8, 6, 0, 7, 4, 10, 5, 9]
    raw = [int(number) for number in np.random.PCG64(0).random_raw(12)]
    assert order.tolist() == sorted(range(12), key=raw.__getitem__)


def test_each_epoch_has_another_order():
    bits = np.random.PCG64(0)
    assert shuffled(50, bits).tolist() != shuffled(50, bits).tolist()


def test_every_order_is_equally_likely():
    bits = np.random.PCG64(0)
    seen = [tuple(shuffled(3, bits).tolist()) for _ in range(6000)]
    counts = [seen.count(order) for order in set(seen)]
    assert len(counts) == 6
    assert min(counts) > 880  # 1000 expected, standard deviation 29
    assert max(counts) < 1120


@given(st.integers(0, 100), st.integers(1, 110))
def test_batches_hold_every_row_once_and_only_the_last_is_short(n, batch_size):
    order = np.arange(n)[::-1]
    cut = list(batches(order, batch_size))
    assert np.array_equal(np.concatenate([order[:0], *cut]), order)
    assert all(len(batch) == batch_size for batch in cut[:-1])
    assert all(1 <= len(batch) <= batch_size for batch in cut)


@st.composite
def tables(draw):
    """Draw keys with repetitions, classes and weights."""
    rng = np.random.default_rng(draw(seeds))
    n, distinct, classes = (
        draw(st.integers(1, 60)),
        draw(st.integers(1, 60)),
        draw(st.integers(1, 4)),
    )
    keys = rng.integers(2**64, size=distinct, dtype=np.uint64)[rng.integers(distinct, size=n)]
    return keys, rng.integers(classes, size=n), draw(st.floats(0.01, 0.99))


def distinct_keys(n, seed=0):
    return np.random.PCG64(seed).random_raw(n)


@given(tables())
def test_a_split_has_every_row_once_in_ascending_order(table):
    kept, held_back = split(*table)
    assert np.array_equal(np.sort(np.concatenate([kept, held_back])), np.arange(len(table[0])))
    assert (np.diff(kept) > 0).all()
    assert (np.diff(held_back) > 0).all()


@given(tables())
def test_equal_rows_of_a_class_stay_on_one_side(table):
    keys, y_t, share = table
    kept, held_back = split(keys, y_t, share)
    sides = [set(zip(keys[side], y_t[side], strict=True)) for side in (kept, held_back)]
    assert not sides[0] & sides[1]


@given(tables())
def test_no_class_is_held_back_as_a_whole(table):
    keys, y_t, share = table
    kept, _ = split(keys, y_t, share)
    assert set(y_t[kept]) == set(y_t)


@given(seeds, st.floats(0.01, 0.99))
def test_every_class_gives_its_share(seed, share):
    y_t = np.repeat([0, 1, 2], [100, 40, 10])
    _, held_back = split(distinct_keys(150, seed), y_t, share)
    given_up = np.bincount(y_t[held_back], minlength=3)
    at_most = [99, 39, 9]  # one row stays to learn from
    for found, size, limit in zip(given_up, [100, 40, 10], at_most, strict=True):
        assert abs(found - min(share * size, limit)) <= 0.5


def test_a_weight_counts_as_that_many_equal_rows():
    rng = np.random.default_rng(0)
    keys, y_t, times = distinct_keys(40), rng.integers(3, size=40), rng.integers(1, 5, size=40)
    _, held_back = split(keys, y_t, 0.3, times.astype(float))
    _, of_repeated = split(keys.repeat(times), y_t.repeat(times), 0.3)
    assert np.array_equal(np.isin(np.arange(40), held_back).repeat(times).nonzero()[0], of_repeated)


def test_weights_decide_and_not_the_number_of_rows():
    keys, y_t = np.arange(4, dtype=np.uint64), np.zeros(4, int)
    assert split(keys, y_t, 0.5)[1].tolist() == [0, 1]
    assert split(keys, y_t, 0.5, np.array([1.0, 1, 1, 9]))[1].tolist() == [0, 1, 2]
    assert split(keys, y_t, 0.5, np.array([9.0, 1, 1, 1]))[1].tolist() == [0]


def test_the_order_of_the_rows_decides_nothing():
    keys, y_t = distinct_keys(50), np.arange(50) % 3
    order = shuffled(50, np.random.PCG64(1))
    _, held_back = split(keys, y_t, 0.2)
    _, moved = split(keys[order], y_t[order], 0.2)
    assert sorted(order[moved]) == held_back.tolist()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_the_only_row_of_a_class_is_learnt_from(share):
    kept, held_back = split(distinct_keys(3), np.array([0, 1, 2]), share)
    assert kept.tolist() == [0, 1, 2]
    assert held_back.tolist() == []


def test_a_group_of_equal_rows_too_heavy_to_hold_back_is_passed_over():
    keys = np.array([1] * 60 + list(range(100, 140)), dtype=np.uint64)
    kept, held_back = split(keys, np.zeros(100, dtype=np.intp), 0.1)
    assert len(held_back) == 10
    assert set(range(60)) <= set(kept.tolist())
    kept, held_back = split(
        np.repeat(np.arange(4, dtype=np.uint64), 25), np.zeros(100, np.intp), 0.1
    )
    assert len(held_back) == 0
