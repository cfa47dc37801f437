"""Rows whose keys lie on the disk are held back as those in memory."""

import numpy as np
import pytest

from handgrad.engines.spool import Stored
from handgrad.tables.rows import row_keys
from handgrad.training import held_stored
from handgrad.training.held_back import split, split_last
from handgrad.training.held_stored import StoredKeys, n_last


@pytest.fixture
def held(monkeypatch):
    monkeypatch.setattr(held_stored, "CHUNK", 1000)
    made = []

    def stored(array):
        made.append(Stored((), array.dtype))
        made[-1].add(array)
        made[-1].end()
        return made[-1]

    def held_back(keys, strata, weight, share):
        keys = StoredKeys(
            stored(keys),
            stored(strata),
            None if weight is None else stored(weight),
            int(strata.max()) + 1,
        )
        return keys.held_back(share)

    yield held_back
    for one in made:
        one.close()


def rows_of(rng, n, n_different, n_classes, p=None):
    x = rng.normal(size=(n_different, 3))[rng.integers(0, n_different, n)]
    return row_keys(x, 7), rng.choice(n_classes, n, p=p)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("n", [1, 2, 9, 100, 5000])
def test_rows_without_repetitions_are_the_same_as_in_memory(rng, held, n, share):
    keys = row_keys(rng.normal(size=(n, 2)), 3)
    strata = np.minimum(rng.geometric(0.5, n) - 1, 5)  # classes from most rows down to a single one
    for weight in (None, rng.integers(1, 4, n) * 1.0, rng.random(n) + 0.01):
        expected = split(keys, strata, share, weight)
        if expected.drawn_singly or (weight is not None and len(expected.held_back) and n < 10):
            continue  # weights of a few rows stand for rows that are drawn one by one
        assert held(keys, strata, weight, share).tolist() == expected.held_back.tolist()


def test_equal_rows_stay_together_whatever_their_labels(rng, held):
    keys, strata = rows_of(rng, 6000, 2000, 3)
    rows = held(keys, strata, None, 0.2)
    assert not set(keys[rows].tolist()) & set(np.delete(keys, rows).tolist())
    assert 0.15 < len(rows) / 6000 < 0.3


def test_equal_rows_of_one_label_are_held_back_as_in_memory(rng, held):
    keys, _ = rows_of(rng, 6000, 3000, 2)
    strata = (keys % np.uint64(2)).astype(np.intp)
    assert held(keys, strata, None, 0.1).tolist() == split(keys, strata, 0.1).held_back.tolist()


def test_a_class_of_equal_rows_is_left_to_learn_from(held):
    keys, strata = np.full(50, 5, np.uint64), np.zeros(50, np.intp)
    assert held(keys, strata, None, 0.9).tolist() == []


@pytest.mark.parametrize("n", [2, 3, 10, 99, 1001])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.35, 0.99])
def test_the_last_rows_are_as_many_as_in_memory(n, share):
    assert n_last(n, share) == len(split_last(n, share).held_back)
