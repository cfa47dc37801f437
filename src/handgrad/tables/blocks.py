"""Blocks: many columns of numbers or of texts, read as one matrix."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from handgrad.tables import arrow
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

        self.shape = len(names), table.num_rows
        chunks = [chunk for name in names for chunk in table.column(name).chunks]
        cells = pa.chunked_array(chunks).combine_chunks()
        self._bare = arrow.trimmed(cells)
        cells = self._bare if trimmed else cells
        self.cells = arrow.blanked(cells, self._is_one_of(missing))

    def _is_one_of(self, words: tuple[str, ...]) -> pa.BooleanArray:
        return arrow.are_among(self._bare, words)

    def are(self, words: tuple[str, ...]) -> Mask:
        """Tell which cells are one of some words, shape (k, n), whatever blanks surround them."""
        found: Mask = arrow.to_numpy(self._is_one_of(words)).reshape(self.shape)
        return found

    def there(self) -> Mask:
        """Tell which cells are present, shape (k, n)."""
        found: Mask = arrow.are_there(self.cells).reshape(self.shape)
        return found

    def columns(self) -> Iterator[pa.LargeStringArray]:
        """Give each column by itself, n cells; a missing one is null."""
        import pyarrow as pa

        (k, n), cells = self.shape, arrow.cast(self.cells, pa.large_string())
        return (cells.slice(column * n, n) for column in range(k))

    def coded(self) -> tuple[npt.NDArray[np.intp], list[str]]:
        """Give a number for each text, shape (k, n), -1 for a missing one; and the texts."""
        codes, distinct = arrow.coded(self.cells)
        codes[codes == len(distinct)] = -1
        return codes.reshape(self.shape), distinct

    def match(self, pattern: str) -> Mask:
        """Tell which cells match a regular expression, shape (k, n); a missing one does not."""
        found = arrow.match(self.cells, pattern)
        matching: Mask = arrow.to_numpy(arrow.with_zeros(found)).reshape(self.shape)
        return matching

    def numbers(self) -> tuple[Floats, Mask]:
        """Read the cells, shape (k, n), NaN where one is missing; tell which columns can be read.

        In these columns each cell is missing or a finite number.
        """
        import pyarrow as pa

        there = self.there()
        is_read: Mask = np.asarray((self.match(NUMBER) | ~there).all(axis=1))
        gone = arrow.of_flags(np.repeat(~is_read, self.shape[1]))
        try:
            values = arrow.cast(arrow.blanked(self.cells, gone), pa.float64())
        except pa.ArrowInvalid:  # as Python writes numbers, which Arrow does not all read
            return np.full(self.shape, np.nan), np.zeros(len(is_read), dtype=bool)
        numbers = arrow.to_numpy(values).reshape(self.shape)
        return numbers, is_read & (np.isfinite(numbers) | ~there).all(axis=1)
