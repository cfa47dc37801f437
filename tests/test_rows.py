"""Equal rows have equal keys wherever they stand, and rows are picked in the order asked for."""

import numpy as np
import pytest
from scipy import sparse

from common import encoder_of
from handgrad.errors import DataError
from handgrad.tables.frames import from_frame
from handgrad.tables.rows import row_keys, take


def test_equal_rows_have_equal_keys_wherever_they_stand(rng, monkeypatch):
    x = rng.integers(0, 3, size=(400, 4)).astype(float)
    table = from_frame({"a": x[:, 0], "b": x[:, 1].astype(str), "c": x[:, 2] > 0, "d": x[:, 3]})
    order = rng.permutation(400)
    for columns in (x, table):
        keys = row_keys(columns, 7)
        assert keys.dtype == np.uint64
        assert np.array_equal(row_keys(take(columns, order), 7), keys[order])
        part = take(columns, order[:9])
        assert np.array_equal(row_keys(part, 7), keys[order[:9]])
    assert len(np.unique(row_keys(x, 7))) == len(np.unique(x, axis=0))
    keys = row_keys(table, 7)
    monkeypatch.setattr("handgrad.tables.rows.BLOCK_CELLS", 48)
    assert np.array_equal(row_keys(table, 7), keys)
    assert np.array_equal(row_keys(table.slice(5, 50), 7), keys[5:55])


def test_keys_look_at_the_value_not_at_its_bits():
    x = np.array([[0.0, np.nan], [-0.0, -np.nan]])
    keys = row_keys(x, 0)
    assert keys[0] == keys[1]
    assert np.array_equal(row_keys(x.astype(np.float32), 0), keys)
    assert np.array_equal(row_keys(sparse.csr_matrix(x), 0), keys)
    assert np.array_equal(row_keys(from_frame({"a": x[:, 0], "b": x[:, 1]}), 0), keys)


def test_keys_tell_columns_texts_and_nothing_apart():
    assert len(set(row_keys(np.array([[1.0, 2.0], [2.0, 1.0]]), 0).tolist())) == 2
    texts = ["", None, "ab", "ba", "a", "b", "abab", "é", "\0", "x" * 1000]
    assert len(set(row_keys(from_frame({"t": texts}), 0).tolist())) == len(texts)


def test_keys_are_spread_and_seeds_independent(rng):
    x = np.arange(20_000.0)[:, np.newaxis]
    first, second = row_keys(x, 1), row_keys(x, 2)
    assert len(np.unique(first)) == 20_000
    bits = np.unpackbits(first.view(np.uint8)).reshape(-1, 64).mean(axis=0)
    np.testing.assert_allclose(bits, 0.5, atol=0.02)
    differing = np.unpackbits((first ^ second).view(np.uint8)).mean()
    np.testing.assert_allclose(differing, 0.5, atol=0.005)
    assert abs(np.corrcoef(first.argsort(), second.argsort())[0, 1]) < 0.03


def test_taken_rows_forget_their_lines(read):
    table = read("a,b\nred,x\n1,y\n")
    taken = take(table, np.array([1, 0]))
    with pytest.raises(DataError, match="row 2: 'red'"):
        encoder_of(table.slice(1)).transform(taken)
