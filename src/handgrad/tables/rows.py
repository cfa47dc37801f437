"""Rows of tables, arrays and sparse matrices: picked, and compared by their content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from handgrad.chance import GOLDEN, Keys, mixed
from handgrad.tables import arrow
from handgrad.tables.columns import numbers, part_of, raw_texts, value_kind_of

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_CELLS = 1 << 15  # hashed at a time: stays in the cache, bounds the memory


def take(columns: Any, rows: npt.NDArray[np.intp]) -> Any:
    """Pick rows, in the order given, from a table, an array or a CSR matrix.

    A table forgets the lines of its file, since its rows no longer follow them.
    """
    if not hasattr(columns, "column_names"):
        return columns[rows]
    return columns.take(rows).replace_schema_metadata(None)


def one_row(table: pa.Table, row: int) -> pa.Table:
    """Cut one row out of a table; messages still give its place in the whole table."""
    return part_of(table, row, 1)


_NAN_BITS = np.uint64(0x7FF8000000000000)
_NULL_HASH = np.uint64(0xD1B54A32D192ED03)


def row_keys(columns: pa.Table | npt.NDArray[Any], seed: int) -> Keys:
    """Hash each row by its content, so that equal rows can be kept together.

    A key depends on the row and the seed alone, not on other rows. 0 and -0 are equal, and so
    are all NaN. Texts are compared exactly; as texts, 1 and 1.0 differ.

    Parameters
    ----------
    columns : pyarrow.Table, or numeric numpy.ndarray or CSR matrix, shape (n, d)
    seed : int
        Different seeds give independent keys.

    Returns
    -------
    numpy.ndarray of uint64, shape (n,)
    """
    start = np.array([seed & (2**64 - 1)], dtype=np.uint64)
    by_column = _column_keys(start, columns.shape[1])
    if hasattr(columns, "column_names"):
        total = _table_keys(columns, by_column)
    else:
        total = _matrix_keys(columns, by_column)
    keys: Keys = mixed(total + mixed(start))
    return keys


def _column_keys(start: Keys, n_columns: int) -> Keys:
    steps = np.arange(1, n_columns + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    return mixed(mixed(start) + steps)


def _table_keys(table: pa.Table, by_column: Keys) -> Keys:
    total = np.zeros(table.num_rows, dtype=np.uint64)
    for column, name in enumerate(table.column_names):
        total += mixed(_content_bits(table, name) + by_column[column])
    return total


def _matrix_keys(x: Any, by_column: Keys) -> Keys:
    total = np.empty(x.shape[0], dtype=np.uint64)
    n_block = max(1, BLOCK_CELLS // max(1, x.shape[1]))
    for start in range(0, x.shape[0], n_block):
        block = x[start : start + n_block]
        dense = block.toarray() if hasattr(block, "toarray") else block
        bits = _number_bits(dense)
        bits += by_column
        total[start : start + n_block] = mixed(bits).sum(axis=1, dtype=np.uint64)
    return total


def _number_bits(x: npt.NDArray[Any]) -> Keys:
    # adding 0 turns -0 into 0
    values = np.add(x, 0.0, dtype=np.float64)
    bits: Keys = values.view(np.uint64)
    np.copyto(bits, _NAN_BITS, where=np.isnan(values))
    return bits


def _content_bits(table: pa.Table, name: str) -> Keys:
    if value_kind_of(table, name) in ("text", "csv", "moment"):
        return _text_bits(raw_texts(table, name))
    return _number_bits(numbers(table, name))


def _text_bits(cells: pa.LargeStringArray) -> Keys:
    """Hash each text: the sum over its bytes of a hash of byte and position."""
    _, offset_buffer, byte_buffer = cells.buffers()
    hashes = np.empty(len(cells), dtype=np.uint64)
    if not len(cells):
        return hashes
    offsets = np.frombuffer(offset_buffer, np.int64)[cells.offset :][: len(cells) + 1]
    signs = np.frombuffer(byte_buffer or b"", np.uint8)
    for start in range(0, len(cells), BLOCK_CELLS // 2):
        ends = offsets[start : start + BLOCK_CELLS // 2 + 1]
        block = signs[ends[0] : ends[-1]]
        hashes[start : start + len(ends) - 1] = _byte_sums(block, ends - ends[0])
    hashes[arrow.are_gone(cells)] = _NULL_HASH
    return hashes


def _byte_sums(signs: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> Keys:
    lengths = np.diff(ends)
    position = np.arange(len(signs)) - np.repeat(ends[:-1], lengths)
    hashes = mixed((position << 8 | signs).astype(np.uint64) + np.uint64(GOLDEN))
    running = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(hashes, dtype=np.uint64)])
    sums: Keys = running[ends[1:]] - running[ends[:-1]] + lengths.astype(np.uint64)
    return sums
