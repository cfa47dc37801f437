"""One row becomes inputs without a table: what does not change from row to row is prepared.

The inputs are those that ``Encoder.encode`` gives for a table of this one row, to the bit; rows
with a cell of which only it can say what the cell means, or what is wrong with it, are left to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables.frames import from_frame
from handgrad.tables.levels import Places
from handgrad.tables.one_cell import Cells, One, Unusual, codes_in
from handgrad.text import quoted

if TYPE_CHECKING:
    from handgrad.tables.encode import Encoder

Array = npt.NDArray[Any]


class _Ones(NamedTuple):
    """Where the inputs of the levels of a column are."""

    first: int
    places: Places | None
    other: int  # the place that rare levels share, counted from the first; -1 where they share none
    wide: int = -1  # where the number of the level stands for a skip; -1 where there is none

    def of(self, text: str | None) -> int:
        """Give the input that is 1 for a text; -1 where none is."""
        if self.places is None:
            return -1
        place = self.places.of(text)
        if place < 0 and text is not None:
            place = self.other
        return self.first + place if place >= 0 else -1


_NO_LEVELS = _Ones(0, None, -1)
_PLAIN = {float, int}


class _Part(NamedTuple):
    """A column: how a cell is read, and where its inputs are."""

    name: str
    read: Callable[[Any], One]
    levels: _Ones
    flag: int  # the input that tells of a missing number; -1 where there is none
    wide_flag: int  # and the number that tells a skip of it


class RowEncoder:
    """Encodes one row at a time; it keeps nothing of a row, so one serves several threads.

    Parameters
    ----------
    encoder : Encoder
    dtype : float32 or float64
        The type of the inputs.
    """

    def __init__(self, encoder: Encoder, dtype: npt.DTypeLike) -> None:
        self._encoder, self._dtype = encoder, np.dtype(dtype)
        self._shape, self._n_numbers = (len(encoder.names),), len(encoder.mean)
        self._takes_arrays = encoder.takes_arrays
        self._is_short = not (encoder.is_robust or encoder.has_skip)  # scaled numbers and levels
        self._picked = None if encoder.is_needed.all() else np.flatnonzero(encoder.is_needed)
        self._mean, self._scale = encoder.mean, encoder.scale
        with np.errstate(over="ignore", invalid="ignore"):
            self._middle = (encoder.median - encoder.mean) / encoder.scale

    @cached_property
    def _parts(self) -> list[_Part]:
        return _parts_of(self._encoder)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._encoder.names)

    @cached_property
    def _is_plain(self) -> bool:
        """Whether numbers of Python mean the same in an array, where no code is looked for."""
        codes = any(codes_in(column.missing) for column in self._encoder.plan.used)
        return self._is_short and self._takes_arrays and not codes

    def put(self, row: Any, x: Array) -> None:
        """Write the inputs of a row into x, shape (N_x,).

        Parameters
        ----------
        row : array of shape (d,), sequence of d cells, or mapping of column names to cells
            An array of numbers, or the cells as a table has them, in the order of the encoder's
            names; of a mapping, columns that do not become inputs may be absent.

        Raises
        ------
        DataError
            If a column is absent or unknown, or a cell cannot be used; the message names it.
        TypeError
            If the row is not a row.
        """
        if not isinstance(row, np.ndarray) or row.dtype == object:
            self._put_named(self._by_name(row), x)
        elif not self._is_short or not (
            self._is_usual(row) and self._put_numbers(self._needed_of(row), x)
        ):
            self._put_array(row, x)

    def _is_usual(self, row: Array) -> bool:
        return row.dtype.kind == "f" and row.shape == self._shape and self._takes_arrays

    def _needed_of(self, row: Array) -> Array:
        return row if self._picked is None else row[self._picked]

    def _put_numbers(self, numbers: Array, x: Array) -> bool:
        """Write the inputs of numbers, shape (K,); tell if none is missing and none overflows."""
        inputs = x[: self._n_numbers]
        with np.errstate(over="ignore", invalid="ignore"):
            if self._encoder.is_identity:
                inputs[...] = numbers
            else:
                z = np.subtract(numbers, self._mean, dtype=np.float64)
                z /= self._scale
                inputs[...] = z
            x[self._n_numbers :] = 0
            return math.isfinite(np.dot(inputs, inputs))

    def _put_array(self, row: Array, x: Array) -> None:
        """Let the encoder say what it has to say of an array."""
        if row.shape != self._shape:
            raise DataError(
                f"a row must have {self._shape[0]} cells, one for each column; got an array of "
                f"the shape {row.shape}"
            )
        x[...] = self._encoder.transform(row[np.newaxis], self._dtype)[0]
        if self._encoder.is_identity and not np.isfinite(x).all():  # a table's cells have names
            self._put_table(dict(zip(self._encoder.names, row.tolist(), strict=True)), x)

    def _by_name(self, row: Any) -> Mapping[str, Any]:
        if hasattr(row, "keys"):  # a mapping, or a row of pandas
            named = row if isinstance(row, Mapping) else dict(row)
            self._check_names(named)
            return named
        if isinstance(row, str | bytes) or not isinstance(row, Sequence | np.ndarray):
            raise TypeError(
                "a row must be an array, a sequence of cells, or a mapping of column names to "
                f"cells; got {quoted(row)} of type {type(row).__name__}"
            )
        if len(row) != self._shape[0]:
            raise DataError(
                f"a row must have {self._shape[0]} cells, one for each column; got {len(row)}"
            )
        return dict(zip(self._encoder.names, row, strict=True))

    def _check_names(self, row: Mapping[str, Any]) -> None:
        if lacking := [name for name in self._encoder.needed if name not in row]:
            raise DataError(
                f"the row lacks the columns {lacking[:20]}; where a cell is missing, pass None"
            )
        if not row.keys() <= self._known:
            strange = [name for name in row if name not in self._known]
            raise DataError(
                f"the row has columns {strange[:20]} that the model does not know; it was fitted "
                f"on {list(self._encoder.names[:20])}"
            )

    def _put_named(self, row: Mapping[str, Any], x: Array) -> None:
        if self._is_plain and self._put_plain(row, x):
            return
        try:
            self._put_cells(row, x)
        except Unusual:
            self._put_table(row, x)

    def _put_plain(self, row: Mapping[str, Any], x: Array) -> bool:
        """Write the inputs of a row of nothing but usual numbers; tell whether it is one."""
        cells = [row[name] for name in self._encoder.needed]
        if not _PLAIN.issuperset(map(type, cells)):
            return False
        try:
            numbers = np.array(cells, np.float64)
        except OverflowError:  # of a whole number
            return False
        return self._put_numbers(numbers, x)

    def _put_table(self, row: Mapping[str, Any], x: Array) -> None:
        table = from_frame({name: [row[name]] for name in self._encoder.needed})
        x[...] = self._encoder.transform(table, self._dtype)[0]

    def _put_cells(self, row: Mapping[str, Any], x: Array) -> None:
        numbers: list[float] = []
        x[self._n_numbers : self._encoder.n_deep] = 0
        x[self._encoder.n_deep :] = -1  # no level of a skip
        for name, read, ones, flag, wide_flag in self._parts:
            own, text = read(row[name])
            numbers += own
            place = ones.of(text)
            if place >= 0:
                x[place] = 1
                if ones.wide >= 0:
                    x[ones.wide] = place - ones.first
            if flag >= 0 and text is None and math.isnan(own[0]):
                x[flag] = 1
                if wide_flag >= 0:
                    x[wide_flag] = 0
        if self._is_short:
            self._put_scaled(np.array(numbers), x[: self._n_numbers])
        else:
            self._put_binned(np.array(numbers), x)

    def _put_binned(self, numbers: npt.NDArray[np.float64], x: Array) -> None:
        """Let the encoder write robust numbers, steps, places in bins and copies for a skip."""
        if self._encoder.is_identity and np.isnan(numbers).any():
            raise Unusual
        self._encoder.put_numbers(numbers[np.newaxis], x[np.newaxis], _raise_unusual)
        self._encoder.with_copies(x[np.newaxis])

    def _put_scaled(self, numbers: npt.NDArray[np.float64], inputs: Array) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            z = (numbers - self._mean) / self._scale
            missing = np.isnan(numbers)
            if missing.any():
                if self._encoder.is_identity:
                    raise Unusual
                np.copyto(z, self._middle, where=missing)
            inputs[...] = z
            if not math.isfinite(np.dot(inputs, inputs)):
                raise Unusual


def _raise_unusual(at: int, row: int) -> str:
    raise Unusual


def _parts_of(encoder: Encoder) -> list[_Part]:
    """Say of each column that becomes inputs how it is read, and where its inputs are."""
    plan, (_, first_flag, at, _) = encoder.plan, encoder.ends
    flagged = np.flatnonzero(encoder.indicator).tolist()
    flags = {first: first_flag + place for place, first in enumerate(flagged)}
    has_wide, wide = encoder.wide is not None, encoder.first_wide_level
    levels = dict[str, _Ones]()
    for column, places, other in zip(
        plan.with_levels, encoder.level_places, encoder.other, strict=True
    ):
        n = len(places.levels)
        is_wide = has_wide and n + other > 0
        levels[column.name] = _Ones(at, places, n if other else -1, wide if is_wide else -1)
        at, wide = at + n + other, wide + is_wide
    to_wide = encoder.first_wide_level - first_flag - len(flagged)
    placed = [flags.get(plan.first_of.get(column.name, -1), -1) for column in plan.used]
    return [
        _Part(
            column.name,
            partial(column.reads.read_one, column, Cells(column.missing, column.notation)),
            levels.get(column.name, _NO_LEVELS),
            flag,
            flag + to_wide if has_wide and flag >= 0 else -1,
        )
        for column, flag in zip(plan.used, placed, strict=True)
    ]
