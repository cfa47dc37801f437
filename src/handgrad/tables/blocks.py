"""Blocks: many columns of numbers or of texts, read as one matrix."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from handgrad.tables.marks import NUMBER

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LONGEST = 4096  # rows; reading longer columns together saves nothing
BLOCK_CELLS = 1 << 18


def typed_numbers(table: pa.Table) -> dict[str, bool]:
    """Tell, by name, whether the type of each column is float or integer."""
    return dict(zip(table.column_names, map(_is_number, table.schema.types), strict=True))


@lru_cache(maxsize=1000)
def _is_number(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_floating(kind) or types.is_integer(kind))


def put_block(table: pa.Table, names: list[str], out: Floats, places: Any) -> None:
    """Write columns of typed numbers into the places of a matrix; a null becomes NaN."""
    row = 0
    for batch in table.select(names).combine_chunks().to_batches():
        block = np.asarray(batch.to_tensor(null_to_nan=True, row_major=False))
        out[row : row + len(block), places] = block
        row += len(block)


def in_blocks(names: list[str], n_rows: int) -> Iterator[list[str]]:
    """Group columns of `n_rows` rows so that a group fits the cache."""
    n_block = max(1, BLOCK_CELLS // max(1, n_rows))
    for start in range(0, len(names), n_block):
        yield names[start : start + n_block]


def texts_alike(table: pa.Table) -> list[list[str]]:
    """List the columns of texts, grouped by their Arrow type."""
    import pyarrow as pa

    kinds = (pa.string(), pa.large_string())
    found: dict[pa.DataType, list[str]] = {kind: [] for kind in kinds}
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        if kind in kinds:
            found[kind].append(name)
    return [names for names in found.values() if names]


class Texts:
    """k columns of texts of one type and n rows, one after the other in one array.

    Parameters
    ----------
    table : pyarrow.Table
    names : list of str
    missing : tuple of str
        Texts that mean a missing cell, whatever blanks surround them.
    trimmed : bool
        Whether the blanks around cells are dropped.
    """

    def __init__(
        self,
        table: pa.Table,
        names: list[str],
        missing: tuple[str, ...],
        *,
        trimmed: bool = True,
    ) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self.shape = len(names), table.num_rows
        chunks = [chunk for name in names for chunk in table.column(name).chunks]
        cells = pa.chunked_array(chunks).combine_chunks()
        self._bare = pc.utf8_trim_whitespace(cells)
        cells = self._bare if trimmed else cells
        self.cells = pc.if_else(self._is_one_of(missing), None, cells)

    def _is_one_of(self, words: tuple[str, ...]) -> pa.BooleanArray:
        import pyarrow as pa
        import pyarrow.compute as pc

        return pc.is_in(self._bare, value_set=pa.array(words, self._bare.type))

    def are(self, words: tuple[str, ...]) -> Mask:
        """Tell which cells are one of some words, shape (k, n), whatever blanks surround them."""
        found: Mask = self._is_one_of(words).to_numpy(zero_copy_only=False).reshape(self.shape)
        return found

    def there(self) -> Mask:
        """Tell which cells are present, shape (k, n)."""
        found: Mask = self.cells.is_valid().to_numpy(zero_copy_only=False).reshape(self.shape)
        return found

    def columns(self) -> Iterator[pa.LargeStringArray]:
        """Give each column by itself, n cells; a missing one is null."""
        import pyarrow as pa

        (k, n), cells = self.shape, self.cells.cast(pa.large_string())
        return (cells.slice(column * n, n) for column in range(k))

    def coded(self) -> tuple[npt.NDArray[np.intp], list[str]]:
        """Give a number for each text, shape (k, n), -1 for a missing one; and the texts."""
        encoded = self.cells.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return codes.reshape(self.shape), encoded.dictionary.to_pylist()

    def match(self, pattern: str) -> Mask:
        """Tell which cells match a regular expression, shape (k, n); a missing one does not."""
        import pyarrow.compute as pc

        found = pc.match_substring_regex(self.cells, pattern).fill_null(False)
        matching: Mask = found.to_numpy(zero_copy_only=False).reshape(self.shape)
        return matching

    def numbers(self) -> tuple[Floats, Mask]:
        """Read the cells, shape (k, n), NaN where one is missing; tell which columns can be read.

        In these columns each cell is missing or a finite number.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        there = self.there()
        is_read: Mask = np.asarray((self.match(NUMBER) | ~there).all(axis=1))
        mask = pa.array(np.repeat(is_read, self.shape[1]))
        try:
            values = pc.cast(pc.if_else(mask, self.cells, None), "float64")
        except pa.ArrowInvalid:  # as Python writes numbers, which Arrow does not all read
            return np.full(self.shape, np.nan), np.zeros(len(is_read), dtype=bool)
        numbers = values.to_numpy(zero_copy_only=False).reshape(self.shape)
        return numbers, is_read & (np.isfinite(numbers) | ~there).all(axis=1)
