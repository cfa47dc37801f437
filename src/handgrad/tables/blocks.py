"""Columns that Arrow holds as numbers, many of them as one matrix."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]


def typed_numbers(table: pa.Table) -> dict[str, bool]:
    """Tell of each column, by name, whether its cells are floats or integers as they stand."""
    return dict(zip(table.column_names, map(_is_number, table.schema.types), strict=True))


@lru_cache(maxsize=1000)
def _is_number(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    return bool(types.is_floating(kind) or types.is_integer(kind))


def put_block(table: pa.Table, names: list[str], out: Floats, places: Any) -> None:
    """Write columns that are typed numbers into the places of a matrix; NaN stands for null."""
    row = 0
    for batch in table.select(names).combine_chunks().to_batches():
        block = np.asarray(batch.to_tensor(null_to_nan=True, row_major=False))
        out[row : row + len(block), places] = block
        row += len(block)
