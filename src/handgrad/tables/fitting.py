"""An encoder is fitted: means, medians, edges and levels, taken once, from the rows that train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables.bins import DEEP_BINS, Bins, bins_for, spreads_of, without_twins
from handgrad.tables.cells import read_cells
from handgrad.tables.encode import BLOCK_CELLS, PIECEWISE, STANDARD, Encoder
from handgrad.tables.levels import EVERY_LEVEL, Frequency, Levels, frequent_levels
from handgrad.tables.matrix import as_matrix, in_array
from handgrad.tables.plan import Plan
from handgrad.tables.statistics import (
    Floats,
    Kept,
    ManyStatistics,
    describe_blocks,
    kept_rows,
)

if TYPE_CHECKING:
    import pyarrow as pa


def fit_matrix(
    x: npt.NDArray[Any],
    weight: npt.ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    method: str = STANDARD,
    has_skip: bool = False,
) -> Encoder:
    """Fit an encoder to a matrix of numbers.

    Parameters
    ----------
    x : numeric numpy.ndarray, shape (n, d)
        NaN is a missing cell.
    weight : array-like, shape (n,), optional
        An integer weight counts as that many equal rows; a row of weight 0 does not count.
    names : sequence of str, optional
        The names of the columns; x0, x1, ... without.
    method : str
        What is done to numbers, of `encode.METHODS`.
    has_skip : bool
        Whether inputs for a skip are added.

    Raises
    ------
    DataError
        If a cell is infinite, names repeat, or the weights are negative or all zero.
    """
    kept = kept_rows(weight, len(x))
    x = as_matrix(x)
    plan = Plan.of_matrix(x.shape[1], names)
    found = _described(_finite_blocks(x, plan), kept, len(x), plan.scaled, method, has_skip)
    return Encoder(plan, **found)


def fit_table(
    table: pa.Table,
    plan: Plan,
    weight: npt.ArrayLike | None = None,
    *,
    frequency: Frequency = EVERY_LEVEL,
    is_stream: bool = False,
    method: str = STANDARD,
    has_skip: bool = False,
) -> Encoder:
    """Fit an encoder to a table.

    Parameters
    ----------
    table : pyarrow.Table
        n rows; null and NaN are missing cells.
    plan : Plan
        What the columns are.
    weight : array-like, shape (n,), optional
        An integer weight counts as that many equal rows; a row of weight 0 does not count.
    frequency : Frequency
        Which levels become inputs.
    is_stream : bool
        Whether more rows may come; then all levels that a dictionary declares become inputs.
    method, has_skip : str, bool
        As for `fit_matrix`.

    Raises
    ------
    DataError
        If a cell is infinite, no column is left to learn from, or the weights are negative or all
        zero.
    """
    kept = kept_rows(weight, len(table))
    check_is_learnable(plan)
    cells = read_cells(table, plan, counted=kept.rows)
    found = _described(_blocks(cells.numbers), kept, len(table), plan.scaled, method, has_skip)
    missing = cells.missing(plan, plan.firsts)
    found["indicator"] = indicator_of(plan, missing[kept.picked].any(axis=0))
    by_column = [
        (is_stream and _declared_levels(table, column.name))
        or frequent_levels(texts, kept, frequency, tells_missing=not column.reads.scaled(column))
        for column, texts in zip(plan.with_levels, cells.texts, strict=True)
    ]
    levels, other = tuple(part for part, _ in by_column), tuple(rare for _, rare in by_column)
    return Encoder(plan, levels=levels, other=other, **found)


def _described(
    blocks: Iterator[Floats],
    kept: Kept,
    n: int,
    is_scaled: npt.NDArray[np.bool_],
    method: str,
    has_skip: bool,
) -> dict[str, Any]:
    """Take the statistics of all numbers, as an encoder has them."""
    if method == STANDARD:
        return standard(describe_blocks(blocks, kept), is_scaled) | {"has_skip": has_skip}
    n_bins = (DEEP_BINS, bins_for(kept, n))[: (1 + has_skip) * (method == PIECEWISE)]
    median, spread, has_missing, edges = spreads_of(blocks, kept, n_bins)
    bins = {}
    if edges:
        deep = [one if scaled else one[:0] for one, scaled in zip(edges[0], is_scaled, strict=True)]
        wide = [
            [
                one if scaled else without_twins(one)
                for one, scaled in zip(own, is_scaled, strict=True)
            ]
            for own in edges[1:]
        ]
        bins = dict(zip(("deep", "wide"), map(Bins.of, (deep, *wide)), strict=False))
    return robust(median, spread, has_missing, is_scaled) | {"has_skip": has_skip, **bins}


def robust(
    median: Floats,
    spread: Floats,
    has_missing: npt.NDArray[np.bool_],
    is_scaled: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """Give the statistics of numbers as an encoder has them that scales these robustly."""
    return {
        "mean": np.where(is_scaled, median, 0.0),
        "scale": np.where(is_scaled, spread, 1.0),
        "median": median,
        "indicator": has_missing,
        "is_robust": True,
    }


def standard(found: ManyStatistics, is_scaled: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Give the statistics of numbers as an encoder has them that standardises these."""
    mean, scale, median, has_missing = found
    mean[~is_scaled], scale[~is_scaled] = 0.0, 1.0
    return {"mean": mean, "scale": scale, "median": median, "indicator": has_missing}


def indicator_of(plan: Plan, has_missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Mark the first number of each column in which cells were missing."""
    indicator = np.zeros(len(plan.scaled), dtype=bool)
    indicator[plan.firsts] = has_missing
    return indicator


def check_is_learnable(plan: Plan) -> None:
    """Refuse a plan in which no column is used.

    Raises
    ------
    DataError
        The message tells why each is left out.
    """
    if not plan.used:
        left_out = "; ".join(f"{name}: {why}" for name, _, why in plan.rows())
        raise DataError(f"no column is left to learn from ({left_out})")


def _declared_levels(table: pa.Table, name: str) -> tuple[Levels, bool] | None:
    """Give all levels that the dictionary of a column declares, whether they occur or not."""
    import pyarrow as pa

    cells = table.column(name)
    if not pa.types.is_dictionary(cells.type):
        return None
    values = [v for part in cells.chunks for v in part.dictionary.cast("string").to_pylist()]
    return tuple(sorted({value for value in values if value is not None})), False


def _blocks(x: npt.NDArray[Any]) -> Iterator[Floats]:
    """Cut a matrix into blocks of whole columns, shape (k, n), C-ordered."""
    n_block = max(1, 4 * BLOCK_CELLS // max(1, len(x)))
    for start in range(0, x.shape[1], n_block):
        yield np.asarray(x[:, start : start + n_block].T, dtype=np.float64, order="C")


def _finite_blocks(x: npt.NDArray[Any], plan: Plan) -> Iterator[Floats]:
    start = 0
    for block in _blocks(x):
        infinite = np.isinf(block)
        if infinite.any():
            at, row = np.argwhere(infinite)[0].tolist()
            where = in_array(plan.names[start + at], row)
            raise DataError(f"{where}: {block[at, row]} is not a finite number")
        start += len(block)
        yield block
