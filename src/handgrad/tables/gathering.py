"""An encoder is fitted to a table that comes in portions, to the bit as if memory held it whole.

Blocks of rows are cut where they are cut in memory (``statistics.BLOCK_ROWS``), whatever the
portions. The numbers of each block go to a temporary file, where medians are looked for in a few
passes; levels are counted on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from handgrad.atomic_file import scratch_file
from handgrad.tables import arrow
from handgrad.tables.bins import spread_of
from handgrad.tables.cells import read_cells
from handgrad.tables.encode import ROBUST, STANDARD, Encoder
from handgrad.tables.fitting import check_is_learnable, indicator_of, robust, standard
from handgrad.tables.levels import EVERY_LEVEL, Frequency, chosen_levels
from handgrad.tables.plan import Plan
from handgrad.tables.selection import Selection
from handgrad.tables.statistics import BLOCK_ROWS, Floats, ManyStatistics, Moments, exponent_of

if TYPE_CHECKING:
    import pyarrow as pa

Mask = npt.NDArray[np.bool_]

GATHERED = STANDARD, ROBUST  # what can be done to numbers whose rows come in portions


class Weighing:
    """What must be known of all weights before the first row is weighed.

    Attributes
    ----------
    largest, smallest : float
        Of the weights of rows that count, all above 0.
    """

    def __init__(self, largest: float, smallest: float) -> None:
        self.largest, self.smallest = largest, smallest
        self.exponent = exponent_of(largest)


class NumberColumns:
    """Mean, deviation and median of k columns of numbers whose rows come in portions.

    Use it as a context: it keeps numbers in a temporary file.
    """

    def __init__(self, k: int, weighing: Weighing | None = None) -> None:
        self.k, self._weighing = k, weighing
        self._moments = Moments(k, 0 if weighing is None else weighing.exponent)
        self._block = np.empty((k, BLOCK_ROWS))
        self._counted = np.empty(BLOCK_ROWS, dtype=bool)
        self._weight = np.empty(BLOCK_ROWS)
        self._filled = 0
        self._rows: list[int] = []  # of each block in the file
        self._file = scratch_file()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, numbers: Floats, counted: Mask, weight: Floats | None) -> None:
        """Add rows, shape (n, k), with those that count, and the weight of each."""
        at = 0
        while at < len(numbers):
            n = min(BLOCK_ROWS - self._filled, len(numbers) - at)
            here, there = slice(self._filled, self._filled + n), slice(at, at + n)
            self._block[:, here] = numbers[there].T
            self._counted[here] = counted[there]
            if weight is not None:
                self._weight[here] = weight[there]
            self._filled, at = self._filled + n, at + n
            if self._filled == BLOCK_ROWS:
                self._end_block()

    def _end_block(self) -> None:
        counted = self._counted[: self._filled]
        block = np.compress(counted, self._block[:, : self._filled], axis=1)
        weight = None
        if self._weighing is not None:
            scaled = self._weight[: self._filled][counted]
            weight = np.ldexp(scaled, -self._weighing.exponent)
        self._moments.add(block, weight)
        self._rows.append(block.shape[1])
        self._file.write(block.tobytes())
        if weight is not None:
            self._file.write(weight.tobytes())
        self._filled = 0

    def _blocks(self) -> Iterator[tuple[Floats, Floats | None]]:
        self._file.seek(0)
        for n in self._rows:
            content = self._file.read(8 * n * self.k)
            block = np.frombuffer(content).reshape(self.k, n)
            weight = None if self._weighing is None else np.frombuffer(self._file.read(8 * n))
            yield block, weight

    def described(self) -> ManyStatistics:
        """Give the statistics of all rows, once the last has been added."""
        if self._filled:
            self._end_block()
        pairs = self.quantiles((0.5,))[:, 0]
        scaled = np.ldexp(pairs, -self._moments.exponent[:, None])
        return self._moments.described((scaled[:, 0] + scaled[:, 1]) / 2)

    def spreads(self) -> tuple[Floats, Floats]:
        """Give the medians of all rows, and the spreads for robust scales."""
        pairs = self.quantiles((0.25, 0.5, 0.75))
        lower, median, upper = np.ascontiguousarray((pairs[..., 0] / 2 + pairs[..., 1] / 2).T)
        spread = [
            spread_of(*of_column)
            for of_column in zip(lower, upper, *self._moments.extremes, strict=True)
        ]
        return median, np.array(spread, dtype=np.float64)

    def quantiles(self, shares: tuple[float, ...]) -> Floats:
        """Give the two values whose middle is each quantile, shape (k, shares, 2)."""
        if self._filled:
            self._end_block()
        selection = Selection(self.k, shares)
        while not selection.is_done:
            for block, weight in self._blocks():
                selection.add(block, weight)
            selection.end_pass()
        return selection.pairs()


class Gathering:
    """An encoder in the making; a context, as `NumberColumns` is.

    Parameters
    ----------
    plan : Plan
    weighing : Weighing or None
        None where no row has a weight.
    frequency, has_skip
        As for ``fitting.fit_table``.
    method : str
        What is done to numbers, of `GATHERED`.

    Raises
    ------
    DataError
        If no column is left to learn from.
    """

    def __init__(
        self,
        plan: Plan,
        weighing: Weighing | None = None,
        *,
        frequency: Frequency = EVERY_LEVEL,
        has_skip: bool = False,
        method: str = STANDARD,
    ) -> None:
        check_is_learnable(plan)
        self._method = method
        self._plan, self._weighing = plan, weighing
        self._frequency, self._has_skip = frequency, has_skip
        self._numbers = NumberColumns(len(plan.scaled), weighing)
        self._has_missing = np.zeros(len(plan.firsts), dtype=bool)
        self._counts: list[dict[str, float]] = [{} for _ in plan.with_levels]
        self._n_missing = [0.0 for _ in plan.with_levels]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        self._numbers.__exit__(kind, error, trace)

    def add(self, table: pa.Table, counted: Mask, weight: Floats | None = None) -> None:
        """Add rows, with those that count, and the weight of each.

        Raises
        ------
        DataError
            If a cell of a row that counts cannot be read.
        """
        cells = read_cells(table, self._plan, counted=counted)
        self._numbers.add(cells.numbers, counted, weight)
        missing = cells.missing(self._plan, self._plan.firsts)
        self._has_missing |= missing[counted].any(axis=0)
        relative = None
        if weight is not None and self._weighing is not None:
            relative = weight[counted] / self._weighing.smallest
        for place, texts in enumerate(cells.texts):
            self._count(place, texts, counted, relative)

    def _count(
        self, place: int, texts: pa.LargeStringArray, counted: Mask, weight: Floats | None
    ) -> None:
        counts = self._counts[place]
        at, distinct = arrow.coded(texts)
        # one row after the other, as in memory: sums of weights round by their order
        total = np.array([*(counts.get(text, 0.0) for text in distinct), self._n_missing[place]])
        np.add.at(total, at[counted], 1.0 if weight is None else weight)
        *of_texts, self._n_missing[place] = total.tolist()
        counts.update(zip(distinct, of_texts, strict=True))

    def _of_numbers(self) -> dict[str, Any]:
        if self._method == STANDARD:
            return standard(self._numbers.described(), self._plan.scaled)
        none = np.zeros(self._numbers.k, dtype=bool)
        return robust(*self._numbers.spreads(), none, self._plan.scaled)

    def encoder(self) -> Encoder:
        """Make the encoder, once the last row has been added."""
        found = self._of_numbers()
        found["indicator"] = indicator_of(self._plan, self._has_missing)
        by_column = [
            chosen_levels(
                counts,
                n_missing,
                self._frequency,
                tells_missing=not column.reads.scaled(column),
            )
            for column, counts, n_missing in zip(
                self._plan.with_levels, self._counts, self._n_missing, strict=True
            )
        ]
        levels, other = tuple(part for part, _ in by_column), tuple(rare for _, rare in by_column)
        return Encoder(self._plan, levels=levels, other=other, has_skip=self._has_skip, **found)
