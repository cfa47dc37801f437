"""Rows held back: a fair sample from the seed alone, equal rows together where rows differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.chance import shuffled
from handgrad.tables.rows import row_keys
from handgrad.training.held_back import split, split_last

seeds = st.integers(0, 2**32 - 1)


def distinct_keys(n, seed=0):
    return np.random.PCG64(seed).random_raw(n)


def few(times=1):
    """Two patterns, each with its label in nine rows of ten."""
    x = np.repeat([0, 1, 0, 1], np.array([90, 90, 10, 10]) * times)
    y_t = np.repeat([0, 1, 1, 0], np.array([90, 90, 10, 10]) * times)
    return x, y_t


def held_of(parts, n):
    """Tell which part of each row is held back, where every row weighs 1."""
    held = np.zeros(n)
    held[parts.held_back] = 1 if parts.held_weight is None else parts.held_weight
    return held


@st.composite
def tables(draw):
    """Draw keys with repetitions, classes and a share."""
    rng = np.random.default_rng(draw(seeds))
    n, distinct, classes = (
        draw(st.integers(1, 60)),
        draw(st.integers(1, 60)),
        draw(st.integers(1, 4)),
    )
    keys = rng.integers(2**64, size=distinct, dtype=np.uint64)[rng.integers(distinct, size=n)]
    return keys, rng.integers(classes, size=n), draw(st.floats(0.01, 0.99))


# -- equal rows -----------------------------------------------------------------------------------


@given(tables())
def test_a_split_has_every_row_once_in_ascending_order(table):
    parts = split(*table)
    every = np.sort(np.concatenate([parts.kept, parts.held_back]))
    assert np.array_equal(every, np.arange(len(table[0])))
    assert (np.diff(parts.kept) > 0).all()
    assert (np.diff(parts.held_back) > 0).all()


@given(tables())
def test_equal_rows_stay_on_one_side_but_for_those_that_are_told_of(table):
    keys, y_t, share = table
    parts = split(keys, y_t, share)
    on_both = np.intersect1d(keys[parts.kept], keys[parts.held_back])
    assert len(on_both) <= parts.patterns
    assert np.isin(keys, on_both).sum() <= parts.drawn_singly


@given(tables())
def test_no_class_is_held_back_as_a_whole(table):
    keys, y_t, share = table
    assert set(y_t[split(keys, y_t, share).kept]) == set(y_t)


def test_repeated_rows_stay_together_whatever_their_labels():
    """Of 2,000 rows 400 are there twice or thrice, half of these with two labels."""
    keys, rng = distinct_keys(1500), np.random.default_rng(0)
    keys = np.concatenate([keys, keys[:400], keys[300:400]])
    y_t = rng.integers(2, size=len(keys))
    parts = split(keys, y_t, 0.1)
    assert not np.intersect1d(keys[parts.kept], keys[parts.held_back]).size
    assert parts.drawn_singly == parts.patterns == 0
    assert np.bincount(y_t[parts.held_back]) == pytest.approx([100, 100], abs=10)


def test_where_all_rows_differ_those_of_lowest_key_are_held_back():
    keys, y_t = distinct_keys(300), np.arange(300) % 3
    lowest = [np.flatnonzero(y_t == k)[keys[y_t == k].argsort()[:20]] for k in range(3)]
    assert split(keys, y_t, 0.2).held_back.tolist() == sorted(np.concatenate(lowest).tolist())


def test_an_oversampled_class_does_not_validate_itself():
    """50 rows are there 19 times each: as copies, as weights, as both."""
    keys = distinct_keys(1000)
    y_t = np.repeat([0, 1], [950, 50])
    times = np.where(y_t, 19, 1)
    parts = split(keys.repeat(times), y_t.repeat(times), 0.1)
    assert parts.drawn_singly == 0
    assert len(parts.held_back) == 95 + 5 * 19
    by_weight = split(keys, y_t, 0.1, times.astype(float))
    assert not np.intersect1d(by_weight.kept, by_weight.held_back).size
    assert len(by_weight.held_back) == 100


def test_few_patterns_are_drawn_from_row_by_row():
    x, y_t = few()
    kinds = []
    for seed in range(200):
        parts = split(row_keys(x[:, None], seed), y_t, 0.1)
        assert (parts.drawn_singly, parts.patterns) == (200, 2)
        assert len(np.intersect1d(parts.kept, parts.held_back)) == 0
        assert np.bincount(y_t[parts.held_back]).tolist() == [10, 10]
        kinds.append((x == y_t)[parts.held_back].mean())
    # The deviation of one draw of 20 is 0.064; a fair sample has all of it.
    assert np.mean(kinds) == pytest.approx(0.9, abs=0.013)
    assert 0.05 < np.std(kinds) < 0.08


def test_every_row_of_a_table_of_patterns_is_as_often_held_back():
    rng = np.random.default_rng(0)
    x = rng.integers(0, [2, 2, 3], size=(600, 3))
    y_t = rng.integers(3, size=600)
    held = np.zeros(600)
    for seed in range(400):
        held[split(row_keys(x, seed), y_t, 0.25).held_back] += 1
    for k in range(3):  # the deviation of a row is 8.7 of 100
        assert held[y_t == k].mean() == pytest.approx(100, abs=1)
    assert 8 < held.std() < 9.5


def test_the_announced_accuracy_of_fourteen_patterns_is_true():
    """A look-up table is learnt from the rows kept, and judged by those held back."""
    rng = np.random.default_rng(0)
    frequency, chance = np.arange(1, 15) / 105, np.tile([0.9, 0.15, 0.3, 0.75, 0.2, 0.8, 0.05], 2)
    truth = frequency @ np.maximum(chance, 1 - chance)
    announced = []
    for seed in range(100):
        x = rng.choice(14, 2000, p=frequency)
        y_t = (rng.random(2000) < chance[x]).astype(int)
        parts = split(row_keys(x[:, None], seed), y_t, 0.1)
        ones = np.bincount(x[parts.kept], y_t[parts.kept], minlength=14)
        looked_up = 2 * ones > np.bincount(x[parts.kept], minlength=14)
        announced.append((looked_up[x] == y_t)[parts.held_back].mean())
    # The deviation of 200 rows is .029, and so that of the mean .003.
    assert np.mean(announced) == pytest.approx(truth, abs=0.01)
    assert min(announced) > truth - 0.1


def test_a_heavy_pattern_amid_rows_that_differ_is_drawn_from_row_by_row():
    keys = np.array([1] * 60 + list(range(100, 140)), dtype=np.uint64)
    parts = split(keys, np.zeros(100, dtype=np.intp), 0.1)
    assert (parts.drawn_singly, parts.patterns, len(parts.held_back)) == (60, 1, 10)
    four = split(np.repeat(np.arange(4, dtype=np.uint64), 25), np.zeros(100, np.intp), 0.1)
    assert (four.patterns, len(four.held_back)) == (4, 10)


def test_numbers_that_differ_tell_equal_rows_apart():
    """Of six patterns of numbers, each takes part, in any order of the rows."""
    x = np.arange(300) % 6
    keys, none = row_keys(x[:, None], 0), np.zeros(300, np.intp)
    y = np.random.default_rng(0).normal(size=300)
    parts = split(keys, none, 0.2, y=y)
    assert (parts.drawn_singly, parts.patterns, len(parts.held_back)) == (300, 6, 60)
    assert np.bincount(x[parts.held_back]).min() > 3
    order = shuffled(300, np.random.PCG64(1))
    moved = split(keys[order], none, 0.2, y=y[order])
    assert sorted(order[moved.held_back]) == parts.held_back.tolist()


# -- classes and shares ---------------------------------------------------------------------------


@given(seeds, st.floats(0.01, 0.99))
def test_every_class_gives_its_share(seed, share):
    y_t = np.repeat([0, 1, 2], [100, 40, 10])
    given_up = np.bincount(y_t[split(distinct_keys(150, seed), y_t, share).held_back], minlength=3)
    at_most = [99, 39, 9]  # one row stays to learn from
    for found, size, limit in zip(given_up, [100, 40, 10], at_most, strict=True):
        assert abs(found - min(share * size, limit)) <= 0.5 + 1e-6


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_the_only_row_of_a_class_is_learnt_from(share):
    parts = split(distinct_keys(3), np.array([0, 1, 2]), share)
    assert parts.kept.tolist() == [0, 1, 2]
    assert parts.held_back.tolist() == []


def test_a_class_that_hides_in_the_groups_of_another_is_kept():
    """The one row of class 1 equals two rows of class 0, which would be held back."""
    keys = np.array([0, 0, 0, *range(10, 20)], dtype=np.uint64)
    y_t = np.array([0, 0, 1] + [0] * 10)
    parts = split(keys, y_t, 0.3)
    assert {0, 1, 2} <= set(parts.kept.tolist())
    assert len(parts.held_back) == 1


def test_the_order_of_the_rows_decides_nothing():
    for keys in distinct_keys(50), distinct_keys(5).repeat(10):
        y_t = np.arange(50) % 3
        order = shuffled(50, np.random.PCG64(1))
        weight = np.ones(50)
        there, moved = split(keys, y_t, 0.2), split(keys[order], y_t[order], 0.2, weight)
        cells = [
            sorted(zip(keys[rows].tolist(), y_t[rows].tolist(), strict=True))
            for rows in (there.held_back, order[moved.held_back])
        ]
        assert cells[0] == cells[1]


def test_no_rows_have_no_parts():
    parts = split(distinct_keys(0), np.zeros(0, np.intp), 0.1)
    assert len(parts.kept) == len(parts.held_back) == 0


# -- weights --------------------------------------------------------------------------------------


@st.composite
def weighted(draw):
    """Draw keys and classes, how often each row is there, and a share."""
    keys, y_t, share = draw(tables())
    times = np.random.default_rng(draw(seeds)).integers(1, 30, size=len(keys))
    times[0] = 1  # a common factor would be none
    return keys, y_t, share, times


@given(weighted())
def test_a_weight_counts_as_that_many_equal_rows(table):
    keys, y_t, share, times = table
    parts = split(keys, y_t, share, times.astype(float))
    row = np.arange(len(keys)).repeat(times)
    of_repeated = split(keys[row], y_t[row], share)
    cell = np.unique(np.column_stack([keys, y_t.astype(np.uint64)]), axis=0, return_inverse=True)[1]
    cell = cell.ravel()
    by_cell = np.bincount(cell[parts.held_back], parts.held_weight, minlength=len(keys))
    again = np.bincount(cell[row[of_repeated.held_back]], minlength=len(keys))
    np.testing.assert_allclose(by_cell, again, atol=1e-9)
    kept = np.bincount(cell[parts.kept], parts.kept_weight, minlength=len(keys))
    np.testing.assert_allclose(kept + by_cell, np.bincount(cell, times, len(keys)), atol=1e-9)
    assert (parts.drawn_singly, parts.patterns) == (of_repeated.drawn_singly, of_repeated.patterns)


@pytest.mark.parametrize("factor", [1e-3, 7, 1e300, 1e-310, np.pi])
@given(table=weighted())
def test_a_factor_on_all_weights_changes_nothing(factor, table):
    keys, y_t, share, times = table
    parts = split(keys, y_t, share, times.astype(float))
    scaled = split(keys, y_t, share, times * factor)
    assert np.array_equal(scaled.held_back, parts.held_back)
    assert np.array_equal(scaled.kept, parts.kept)
    np.testing.assert_allclose(scaled.held_weight / factor, parts.held_weight, rtol=1e-6)


def test_weights_decide_and_not_the_number_of_rows():
    keys, y_t = np.arange(4, dtype=np.uint64), np.zeros(4, int)
    weight = np.array([np.pi, 1, 1, 1])  # no common measure: none is divided
    assert split(keys, y_t, 0.5).held_back.tolist() == [0, 1]
    assert split(keys, y_t, 0.5, weight).held_back.tolist() == [0]
    assert split(keys, y_t, 0.5, weight[::-1]).held_back.tolist() == [0, 1, 2]


def test_a_table_of_counts_is_split_as_its_rows():
    """Four rows with their counts: each is divided."""
    x, y_t = np.array([0, 1, 0, 1]), np.array([0, 1, 1, 0])
    parts = split(row_keys(x[:, None], 3), y_t, 0.1, np.array([90.0, 90, 11, 10]))
    assert parts.held_weight.sum() == pytest.approx(20)
    assert (parts.kept.tolist(), parts.drawn_singly) == ([0, 1, 2, 3], 201)
    assert (parts.held_weight == parts.held_weight.round()).all()


def test_more_rows_than_a_million_stay_whole_where_only_weights_say_so():
    weight = np.array([1e9, 1, 2, 3, 5e8])
    parts = split(distinct_keys(5), np.zeros(5, np.intp), 0.3, weight)
    assert not np.intersect1d(parts.kept, parts.held_back).size


# -- the last rows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "share", "first"),
    [(10, 0.2, 8), (15, 0.1, 13), (14, 0.1, 13), (10, 0.01, 9), (10, 0.99, 1), (2, 0.5, 1)],
)
def test_the_last_rows_are_those_nearest_to_the_share(n, share, first):
    parts = split_last(n, share)
    assert parts.held_back.tolist() == list(range(first, n))
    assert parts.kept.tolist() == list(range(first))


def test_a_single_row_is_no_last_one():
    assert split_last(1, 0.5).held_back.tolist() == []


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.floats(0.01, 0.99))
def test_last_rows_are_counted_by_weight(times, share):
    times = np.array([1, *times])
    parts = split_last(len(times), share, times * 0.1)
    row = np.arange(len(times)).repeat(times)
    of_repeated = split_last(len(row), share)
    again = np.bincount(row[of_repeated.held_back], minlength=len(times))
    held = np.zeros(len(times))
    held[parts.held_back] = parts.held_weight
    np.testing.assert_allclose(held * 10, again, atol=1e-6)


def test_weights_without_a_common_measure_are_held_back_whole():
    parts = split_last(4, 0.4, np.array([np.pi, 1, 1, np.e]))
    assert parts.held_back.tolist() == [3]
