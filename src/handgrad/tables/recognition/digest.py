"""Recognise the columns of a table that comes in portions: what each is, over all rows.

What decides is not the rows but the different cells. So of each column these are kept, with how
often each occurs, and what a short table would be taken for is asked of them. Of numbers, the
extremes and a fraction tell as much as all of them, once there are many. Of texts that are
too many, those are kept whose hashes are small: a fair sample, which is enough to know names of
rows and dates, but not to choose levels.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables import arrow
from handgrad.tables import columns as raw
from handgrad.tables.kinds import (
    MISSING_IN_NUMBERS,
    Column,
    number_cells,
    parsed,
    words_for_missing,
)
from handgrad.tables.marks import NUMBER, with_counts
from handgrad.tables.notation import PLAIN
from handgrad.tables.one_cell import codes_in
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.column import column_of
from handgrad.tables.recognition.numbers import (
    DENSE,
    FIRST_DAY,
    LAST_DAY,
    as_typed,
    by_values,
    doubt_of_ids,
    is_named_like_an_id,
)
from handgrad.tables.recognition.wishes import AS_DECLARED, NO_WISHES, Wishes

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]

MOST_DIFFERENT = 100_000  # cells of a column, which are more than there are days
ALL_DIFFERENT = 2_000_000  # of all columns together
FEWEST_DIFFERENT = 2_000
SOME_NUMBERS = 2_000  # written in texts, which show how all are written


class Digest:
    """What the rows so far tell of the columns.

    Parameters
    ----------
    head : pyarrow.Table
        A table without rows, of the columns to recognise.
    wishes : Wishes

    Raises
    ------
    DataError
        If a wish is about no column, or nothing can be learnt from the type of one.
    """

    def __init__(self, head: pa.Table, wishes: Wishes = NO_WISHES) -> None:
        wishes.check(head.column_names)
        self._wishes, self._head = wishes, head
        most = ALL_DIFFERENT // max(1, head.num_columns)
        self._most = min(MOST_DIFFERENT, max(FEWEST_DIFFERENT, most))
        faults = []
        self._columns: list[_Values | _Numbers | _LeftOut] = []
        for name in head.column_names:
            try:
                self._columns.append(self._digest_of(name))
            except DataError as error:
                faults.append(str(error))
        if faults:
            raise DataError("; ".join(faults))

    def _digest_of(self, name: str) -> _Values | _Numbers | _LeftOut:
        declared = self._wishes.kinds.get(name)
        if declared == "left out":
            return _LeftOut(name)
        kind = raw.value_kind_of(self._head, name)
        is_level = raw.kind_of(self._head, name) == "category"
        if kind in ("number", "boolean") and declared is None and not is_level:
            return _Numbers(self._head, name, self._wishes, self._most)
        return _Values(self._head, name, self._wishes, self._most)

    def add(self, table: pa.Table) -> None:
        """Look at the rows that come next."""
        for column in self._columns:
            column.add(table)

    def plan(self) -> Plan:
        """Decide what each column is.

        Raises
        ------
        DataError
            If a declared kind does not fit, or a column has too many levels to count them.
        """
        plan = Plan(self._decided(self._wishes))
        if not plan.used:  # nothing varies: then that is what is learnt
            plan = Plan(self._decided(self._wishes._replace(keeps_constants=True)))
        return plan

    def _decided(self, wishes: Wishes) -> tuple[Column, ...]:
        columns, faults = [], []
        for column in self._columns:
            try:
                columns.append(column.decided(wishes))
            except DataError as error:
                faults.append(str(error))
        if faults:
            raise DataError("; ".join(faults))
        return tuple(columns)


class _Numbers:
    """The numbers of a column whose type says that they are."""

    def __init__(self, head: pa.Table, name: str, wishes: Wishes, most: int) -> None:
        self._head, self._most = head.select([name]), most
        missing = words_for_missing(MISSING_IN_NUMBERS, wishes.missing_of(name))
        self._column = Column(name, missing=missing)
        self._values: Floats = np.zeros(0)  # different ones, ascending; perhaps not all
        self._counts = np.zeros(0, np.int64)
        self._n, self._has_missing, self._has_more = 0, False, False
        self._fraction: float | None = None
        self._last, self._ascends = -np.inf, True

    def add(self, table: pa.Table) -> None:
        self.take(*number_cells(table, self._column))

    def take(self, values: Floats, present: npt.NDArray[np.bool_]) -> None:
        """Look at cells."""
        self._has_missing |= not present.all()
        v = values[present] + 0.0
        if not len(v):
            return
        self._n += len(v)
        self._ascends = self._ascends and bool(v[0] > self._last and (np.diff(v) > 0).all())
        self._last = float(v[-1])
        if self._fraction is None and (fractions := v[v % 1 != 0]).size:
            self._fraction, self._has_more = float(fractions[0]), True
        found = _extremes(v) if self._has_more else np.unique(v, return_counts=True)
        self._merge(*found)

    def _merge(self, values: Floats, counts: npt.NDArray[np.int64]) -> None:
        both, at = np.unique(np.concatenate([self._values, values]), return_inverse=True)
        total = np.zeros(len(both), np.int64)
        np.add.at(total, at, np.concatenate([self._counts, counts]))
        self._has_more |= len(both) > self._most and not _may_be_dates(both)
        if self._has_more:
            keeps = np.zeros(len(both), dtype=bool)
            keeps[[*range(min(2, len(both))), *range(-min(2, len(both)), 0)]] = True
            both, total = both[keeps], total[keeps]
        self._values, self._counts = both, total

    @property
    def summary(self) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Numbers that stand for all, and of how many cells each."""
        values, counts = self._values, self._counts.copy()
        if self._fraction is not None and self._fraction not in values:
            values, counts = np.append(values, self._fraction), np.append(counts, 1)
        if len(counts) > 1:
            counts[-2 if len(counts) > 2 else 0] += self._n - counts.sum()
        return values, counts

    def decided(self, wishes: Wishes) -> Column:
        values, counts = self.summary
        name = self._column.name
        found = by_values(self._column, values, len(values) + self._has_missing, wishes, counts)
        found = as_typed(found, values, self._head, name)
        if self._has_more and self._fraction is None and self._ascends and found.kind == "number":
            spread = values.max() - values.min()
            if spread < DENSE * self._n or is_named_like_an_id(name):
                found = found._replace(doubts=(*found.doubts, doubt_of_ids(self._n)))
        return found


def _extremes(v: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Give the two smallest and the two largest different numbers, and how often each occurs."""
    some = {float(v.min()), float(v.max())}
    inner = v[(v > min(some)) & (v < max(some))]
    if len(inner):
        some |= {float(inner.min()), float(inner.max())}
    return np.array(sorted(some)), np.array([(v == one).sum() for one in sorted(some)], np.int64)


def _may_be_dates(values: Floats) -> bool:
    """Tell whether all are whole numbers such as 20210304, of which there are not many."""
    if values[0] < FIRST_DAY or values[-1] > LAST_DAY or (values % 1).any():
        return False
    month, day = values // 100 % 100, values % 100
    return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


class _Values:
    """The different cells of a column of texts, dates or levels."""

    def __init__(self, head: pa.Table, name: str, wishes: Wishes, most: int) -> None:
        import pyarrow as pa

        self._name, self._most = name, most
        self._kind = raw.value_kind_of(head, name)
        self._room = min(most, 2 * SOME_NUMBERS) if self._kind == "csv" else most
        self._type = raw.decoded(head, name).type
        field = head.schema.field(name)
        if raw.kind_of(head, name) == "category":
            self._field = field.with_type(pa.dictionary(pa.int32(), self._type))
        else:
            self._field = field.with_type(self._type)
        self._counts: dict[Any, int] = {}
        self._n_missing = 0
        self._below = 1 << 32  # hashes of cells that are kept
        self._numbers: _Numbers | None = None  # of texts, once these are too many
        self._wishes = wishes

    @property
    def _is_sample(self) -> bool:
        return self._below < 1 << 32

    def add(self, table: pa.Table) -> None:
        cells = raw.decoded(table, self._name)
        if self._numbers is not None:
            cells = self._without_numbers(self._numbers, cells)
        self._count_texts(self._plain(cells))
        if len(self._counts) > self._room:
            self._make_room(table)

    def _count_texts(self, cells: Any) -> None:
        found = cells.value_counts()
        values, counts = found.field("values").to_pylist(), found.field("counts").to_pylist()
        for value, n in zip(values, counts, strict=True):
            if value is None or value != value:
                self._n_missing += n
            elif value in self._counts:
                self._counts[value] += n
            elif not self._is_sample or _hash_of(value) < self._below:
                self._counts[value] = n

    def _plain(self, cells: Any) -> Any:
        """Give cells that Python can tell apart: moments as whole numbers."""
        import pyarrow as pa

        if self._kind != "moment":
            return cells
        narrow = pa.int32() if self._type.bit_width == 32 else pa.int64()
        return arrow.cast(cells, narrow)

    def _make_room(self, table: pa.Table) -> None:
        if self._numbers is None and self._kind == "csv":
            are_numbers = arrow.match(arrow.trimmed(arrow.of_texts(self._counts)), NUMBER)
            flags = arrow.to_numpy(are_numbers)
            if 2 * flags.sum() > len(self._counts):
                self._numbers = _Numbers(table.slice(0, 0), self._name, self._wishes, self._most)
                self._summarise(flags)
                return
            self._room = self._most
            if len(self._counts) <= self._room:
                return
        while len(self._counts) > self._room / 2:
            self._below //= 2
            kept = {v: n for v, n in self._counts.items() if _hash_of(v) < self._below}
            self._counts = kept

    def _summarise(self, are_numbers: npt.NDArray[np.bool_]) -> None:
        """Keep some of the numbers, as texts, and of the others what matters of their values."""
        kept: dict[Any, int] = {}
        others: dict[Any, int] = {}
        for (text, n), is_number in zip(self._counts.items(), are_numbers, strict=True):
            (others if is_number and len(kept) >= SOME_NUMBERS else kept)[text] = n
        self._counts, self._room = kept, len(kept) + self._most
        if others:
            texts = arrow.of_texts(others)
            repeated = arrow.take(texts, arrow.of_places(np.repeat(*_places_of(others))))
            self._count_texts(self._without_numbers(self._numbers, repeated))

    def _without_numbers(self, numbers: _Numbers | None, cells: Any) -> Any:
        """Leave plain numbers out, of which there are too many to count each."""
        import pyarrow as pa

        texts = arrow.cast(cells, pa.large_string())
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        bare = arrow.trimmed(texts)
        values = parsed(arrow.blanked(bare, arrow.are_among(bare, MISSING_IN_NUMBERS)), PLAIN)
        are_numbers = np.isfinite(values)
        codes = codes_in(self._wishes.missing_of(self._name))
        assert numbers is not None
        numbers.take(values[are_numbers], ~np.isin(values[are_numbers], codes))
        return arrow.take(texts, arrow.of_places(np.flatnonzero(~are_numbers)))

    def decided(self, wishes: Wishes) -> Column:
        found = column_of(self._reduced(), self._name, wishes)
        if found.reads.has_levels and self._is_sample:
            raise DataError(
                f"column {self._name!r} holds more than {self._most:,} different texts, too many "
                "to choose levels among them while the table is read in portions; declare it as "
                "what it is, or leave it out"
            )
        if not found.is_used and self._is_sample:
            return found._replace(why="nearly all texts differ")
        return found

    def _reduced(self) -> pa.Table:
        """Make the table of the different cells, each of which stands for as many as there were."""
        import pyarrow as pa

        values, counts = list(self._counts), list(self._counts.values())
        if self._numbers is not None:
            numbers, n_each = self._numbers.summary
            values += [repr(number) for number in numbers.tolist()]
            counts += n_each.tolist()
        if self._n_missing or not values:
            values, counts = [*values, None], [*counts, self._n_missing]
        if self._kind == "moment":
            narrow = pa.int32() if self._type.bit_width == 32 else pa.int64()
            cells = arrow.cast(pa.array(values, narrow), self._type)
        elif self._kind in ("text", "csv"):
            cells = arrow.of_texts(values, self._type)
        else:
            cells = pa.array(values, self._type)
        if pa.types.is_dictionary(self._field.type):
            cells = cells.dictionary_encode()
        table = pa.table([cells], schema=pa.schema([self._field]))
        return with_counts(table, np.array(counts, np.int64))


class _LeftOut:
    """A column that is declared to be left out, of whatever type."""

    def __init__(self, name: str) -> None:
        self._name = name

    def add(self, table: pa.Table) -> None:
        """Look at nothing."""

    def decided(self, wishes: Wishes) -> Column:
        return Column(self._name, "left out", AS_DECLARED)


def _places_of(counts: dict[Any, int]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.arange(len(counts)), np.array(list(counts.values()), dtype=np.intp)


def _hash_of(value: Any) -> int:
    return zlib.crc32(str(value).encode())
