"""Rows into batches: every row once, from the seed alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handgrad.batch import batches
from handgrad.chance import shuffled

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
