"""Columns become the numbers that a network takes in, as their plan says.

Numbers are standardised or scaled robustly, and perhaps divided into steps (``bins.py``); texts
turn into one input for each frequent level, and a missing cell is filled with the median and
flagged by an input of its own. For a skip, one number for each of its columns stands behind these
inputs (``skip.py``). Means, medians, edges and levels are fitted once, to the training rows
(``fitting.py``), and saved with the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad import skip as bases
from handgrad.errors import DataError
from handgrad.tables.bins import Bins, robust
from handgrad.tables.cells import Cells, read_cells, unknown_cells
from handgrad.tables.columns import part_of, place
from handgrad.tables.kinds import Unknown
from handgrad.tables.levels import Levels, Places, put_ones
from handgrad.tables.plan import Plan

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]

# What is done to numbers, by name.
METHODS = STANDARD, ROBUST, PIECEWISE = "auto", "robust", "piecewise"

BLOCK_CELLS = 1 << 18  # 2 MB of float64: stays in the cache, bounds the memory
TABLE_CELLS = 1 << 22  # of a table, encoded at a time: 32 MB of float64


class Encoded(NamedTuple):
    """Rows as inputs, and the cells that the model did not know.

    Attributes
    ----------
    x : numpy.ndarray, shape (n, N_x)
    unknown : tuple of Unknown
        One for each column that has any.
    """

    x: npt.NDArray[Any]
    unknown: tuple[Unknown, ...] = ()


# what a level that is not known counts as, by whether rare levels share an input
_TAKEN_FOR = {True: "one of its rare levels", False: "none of its levels"}


def in_array(name: str, row: int) -> str:
    return f"column {name!r}, row {row + 1}"


@dataclass(frozen=True, eq=False)
class Encoder:
    """How columns become inputs.

    The deep inputs come in this order: the K numbers of all columns, then their steps if there
    are any, then one 0/1 input for each column of numbers that had missing cells, then one 0/1
    input for each level of each column of levels, rare levels sharing the last one. Behind them
    stands a number u for each column of a skip. The arrays are read, never written.

    Parameters
    ----------
    plan : Plan
        What the columns are.
    mean, scale, median : numpy.ndarray of float64, shape (K,)
        Statistics of the present cells; `scale` is the population standard deviation, or 1 where
        the number is constant or is not to be scaled. With robust scales, `mean` is the median
        and `scale` the spread: the distance of the quartiles, half of the range where they
        meet, or 0 where the number is constant.
    indicator : numpy.ndarray of bool, shape (K,)
        True where cells were missing when the encoder was fitted; where a column becomes several
        numbers, at the first of them.
    levels : tuple of tuples of str or None
        The levels of each column that has any, sorted; None, at the end, stands for missing cells.
    other : tuple of bool
        Whether rare levels share an input, for each column that has levels.
    is_identity : bool
        Whether numbers pass through untouched.
    is_robust : bool
        Whether numbers have robust scales.
    deep : Bins or None
        The bins whose steps are inputs.
    has_skip : bool
        Whether there are columns for a skip: places in bins and levels if there are wide bins,
        else the deep inputs once more.
    wide : Bins or None
        The bins of a skip.
    """

    plan: Plan
    mean: Floats
    scale: Floats
    median: Floats
    indicator: npt.NDArray[np.bool_]
    levels: tuple[Levels, ...] = ()
    other: tuple[bool, ...] = ()
    is_identity: bool = False
    is_robust: bool = False
    deep: Bins | None = None
    has_skip: bool = False
    wide: Bins | None = None

    @classmethod
    def identity(
        cls, n_columns: int, names: Sequence[str] | None = None, *, has_skip: bool = False
    ) -> Encoder:
        """Make an encoder that passes `n_columns` numbers through untouched."""
        zeros, ones = np.zeros(n_columns), np.ones(n_columns)
        plan = Plan.of_matrix(n_columns, names)
        return cls(plan, zeros, ones, zeros, zeros > 0, is_identity=True, has_skip=has_skip)

    @classmethod
    def of_numbers(cls, names: Sequence[str], mean: Floats, scale: Floats) -> Encoder:
        """Make an encoder of numbers that are never missing, from their means and scales."""
        none = np.zeros(len(names), dtype=bool)
        return cls(Plan.of_matrix(len(names), names), mean, scale, np.array(mean), none)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in the order in which they were fitted, including those left out."""
        return self.plan.names

    @cached_property
    def needed(self) -> list[str]:
        """The columns that predicting needs."""
        return [column.name for column in self.plan.used]

    @cached_property
    def is_needed(self) -> npt.NDArray[np.bool_]:
        """Whether predicting needs each column."""
        needed = set(self.needed)  # NumPy would pad all names to the longest
        return np.array([name in needed for name in self.names], dtype=bool)

    @cached_property
    def number_names(self) -> list[str]:
        """The columns that are plain numbers, which can be the axis of a picture."""
        return [column.name for column, _, _ in self.plan.with_numbers if column.kind == "number"]

    @property
    def takes_arrays(self) -> bool:
        """Whether every column can stand in a matrix of numbers."""
        return self.plan.is_plain or all(c.kind in ("number", "boolean") for c in self.plan.used)

    @property
    def method(self) -> str | None:
        """The name of what is done to numbers, of `METHODS`; None if nothing is."""
        if self.is_identity:
            return None
        return STANDARD if not self.is_robust else ROBUST if self.deep is None else PIECEWISE

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Where the deep inputs end: numbers, steps, flags, levels."""
        n_steps = 0 if self.deep is None else int(self.deep.n.sum())
        return tuple(accumulate([len(self.mean), n_steps, len(self._flagged), sum(self._n_levels)]))

    @cached_property
    def _n_levels(self) -> list[int]:
        """The number of inputs of each column with levels."""
        return [len(one) + other for one, other in zip(self.levels, self.other, strict=True)]

    @property
    def places_without_steps(self) -> npt.NDArray[np.intp]:
        """The places of the deep inputs that `without_steps` keeps."""
        numbers, steps, _, end = self.ends
        return np.concatenate([np.arange(numbers), np.arange(steps, end)])

    def without_steps(self) -> Encoder:
        """Give the encoder of the same columns that makes neither steps nor a skip of them."""
        return replace(self, deep=None, has_skip=False, wide=None)

    @property
    def n_deep(self) -> int:
        """N_x, the number of inputs of the first layer."""
        return self.ends[-1]

    @cached_property
    def skip(self) -> tuple[bases.Basis, ...]:
        """What the numbers behind the deep inputs stand for; empty without a skip."""
        if not self.has_skip:
            return ()
        if self.wide is None:
            return (bases.Linear(),) * self.n_deep
        return (
            *map(bases.Pieces, self.wide.n[self.wide.binned].tolist()),
            *(bases.Levels(1) for _ in self._flagged),
            *(bases.Levels(n) for n in self._n_levels if n),
        )

    @cached_property
    def n_inputs(self) -> int:
        """The number of columns of the matrix: N_x, and those of a skip."""
        return self.n_deep + len(self.skip)

    @cached_property
    def _inputs(self) -> list[tuple[str, str]]:
        """The column of each input, and its name."""
        numbers, steps, flags, ones = [], [], [], []
        for column, first, _ in self.plan.with_numbers:
            numbers += [(column.name, number) for number in column.reads.number_names(column)]
            flags += [(column.name, f"{column.name} is missing")] if self.indicator[first] else []
        for column, levels, other in zip(
            self.plan.with_levels, self.levels, self.other, strict=True
        ):
            name = column.name
            ones += [(name, f"{name} is missing" if v is None else f"{name}={v}") for v in levels]
            ones += [(name, f"{name}: other")] if other else []
        for at, low, high in () if self.deep is None else self.deep.steps:
            column_name, name = numbers[at]
            steps.append((column_name, f"{name} {low:.6g}..{high:.6g}"))
        return [*numbers, *steps, *flags, *ones]

    @cached_property
    def input_names(self) -> list[str]:
        """What each deep input stands for.

        They are called "age", "age 25..33", "age is missing", "island=Biscoe", "island: other".
        """
        return [name for _, name in self._inputs]

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """The places of the deep inputs of each column."""
        places: dict[str, list[int]] = {name: [] for name in self.names}
        for place_of, (column, _) in enumerate(self._inputs):
            places[column].append(place_of)
        return places

    @cached_property
    def _flagged(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero(self.indicator)

    @cached_property
    def level_places(self) -> list[Places]:
        return list(map(Places, self.levels))

    def extra_columns(self, table: pa.Table) -> list[str]:
        """Name the columns of a table that the encoder does not know."""
        used = set(self.names)
        return [name for name in table.column_names if name not in used]

    def _check_columns(self, table: pa.Table) -> None:
        there = set(table.column_names)
        if lacking := [name for name in self.needed if name not in there]:
            raise DataError(
                f"the table lacks the columns {lacking[:20]}; it has {table.column_names[:20]}"
            )

    def transform(
        self,
        columns: pa.Table | npt.NDArray[Any],
        dtype: npt.DTypeLike = np.float64,
    ) -> npt.NDArray[Any]:
        """Turn columns into inputs, as `encode` does, without counting unknown cells."""
        return self.encode(columns, dtype).x

    def encode(
        self,
        columns: pa.Table | npt.NDArray[Any],
        dtype: npt.DTypeLike = np.float64,
        *,
        strict: bool = True,
        is_part: bool = False,
    ) -> Encoded:
        """Turn columns into inputs.

        A level that did not occur when the encoder was fitted counts as a rare one, or is all
        zeros where there were none; so is a missing cell of a category that had no missing cells
        then. The identity does not look at the values of an array.

        Parameters
        ----------
        columns : pyarrow.Table or numeric numpy.ndarray, shape (n, d)
            The columns of a table are found by name, those of an array by position.
        dtype : float32 or float64
            The type of the result; the arithmetic is done in float64.
        strict : bool
            Whether to refuse a text in a column that held only numbers, or count it as missing.
        is_part : bool
            Whether the table is part of a longer one. Then columns without unknown cells are
            reported, too, so that `together` counts the cells of all parts.

        Returns
        -------
        Encoded
            `x` has the shape (n, n_inputs), is of `dtype` and C-contiguous.

        Raises
        ------
        DataError
            If columns are lacking, a cell is not a number where it must be, or a value is infinite
            or too large for `dtype`.
        """
        if not isinstance(columns, np.ndarray):
            self._check_columns(columns)
            x, unknown = self._encode_table(columns, np.dtype(dtype), strict, is_part)
            return Encoded(x, unknown if is_part else tuple(one for one in unknown if one.n))
        x = as_matrix(columns)
        if not self.takes_arrays:
            others = [c.name for c in self.plan.used if c.kind not in ("number", "boolean")]
            raise DataError(
                f"the columns {others} are not plain numbers, so an array cannot hold them; pass a "
                "table"
            )
        if x.shape[1] != len(self.plan):
            raise DataError(f"x must have {len(self.plan)} columns, got {x.shape[1]}")
        return Encoded(
            self._untouched(x, dtype) if self.is_identity else self._transform_matrix(x, dtype)
        )

    def numbers(self, columns: pa.Table | npt.NDArray[Any]) -> Floats:
        """Give the numbers of the columns before scaling, shape (n, K); NaN where there is none."""
        if isinstance(columns, np.ndarray):
            chosen = self.is_needed if len(self.mean) < len(self.plan) else ...
            return np.asarray(as_matrix(columns)[:, chosen], dtype=np.float64)
        return read_cells(columns, self.plan).numbers

    def _transform_matrix(self, x: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        out = np.empty((len(x), self.n_inputs), dtype)
        k = len(self.mean)
        if not self.plan.is_plain and k < x.shape[1]:
            x = x[:, self.is_needed]
        n_block = max(1, BLOCK_CELLS // max(1, k))
        for start in range(0, len(x), n_block):
            stop = start + n_block
            self.put_numbers(x[start:stop], out[start:stop], partial(self._place_in_array, start))
        if len(self._flagged):
            self._put_flags(np.isnan(x[:, self._flagged]), out)
        return self.with_copies(out)

    def _encode_table(
        self, table: pa.Table, dtype: np.dtype[Any], strict: bool, is_part: bool
    ) -> Encoded:
        n = table.num_rows
        out = np.zeros((n, self.n_inputs), dtype)
        unknown: list[Unknown] = []
        n_block = max(1, TABLE_CELLS // max(1, self.n_inputs))
        for start in range(0, n, n_block):
            part = table if n <= n_block else part_of(table, start, n_block)
            unknown += self._encode_part(
                part, out[start : start + n_block], strict, is_part or n > n_block
            )
        return Encoded(out, together(unknown))

    def _encode_part(
        self, table: pa.Table, out: npt.NDArray[Any], strict: bool, is_part: bool
    ) -> Iterable[Unknown]:
        cells = read_cells(table, self.plan, strict=strict)
        if self.is_identity:
            self._check_no_holes(table, cells.numbers)
        self.put_numbers(cells.numbers, out, partial(self._place, table))
        if len(self._flagged):
            self._put_flags(cells.missing(self.plan, self._flagged), out)
        at, wide = self.ends[2], self.first_wide_level
        for column, texts, places, other in zip(
            self.plan.with_levels, cells.texts, self.level_places, self.other, strict=True
        ):
            n = len(places.levels) + other
            codes, strange = put_ones(texts, places, other, out[:, at : at + n])
            if self.wide is not None and n:
                out[:, wide], wide = codes, wide + 1
            if strange.any():
                n_present = cells.n_present(self.plan, column, texts)
                found = unknown_cells(table, column, strange, n_present, _TAKEN_FOR[other])
                cells.unknown.append(found._replace(may_be_rare=other))
            at += n
        self.with_copies(out)
        return self._with_known(cells, strict) if is_part else cells.unknown

    def put_numbers(
        self, x: npt.NDArray[Any], out: npt.NDArray[Any], where: Callable[[int, int], str]
    ) -> None:
        """Write K numbers, shape (n, K), their steps, and their places in the bins of a skip."""
        k, end_of_steps, *_ = self.ends
        if not self.is_robust:
            self._standardise(x, out[:, :k], where)
            return
        filled = np.where(np.isnan(x), self.median, x)
        scaled = np.where(np.isinf(filled), filled, robust(filled, self.mean, self.scale))
        with np.errstate(over="ignore"):
            out[:, :k] = np.where(self.plan.scaled, scaled, filled)
        _check_fits(filled, out[:, :k], where)
        if self.deep is not None:
            self.deep.put_steps(filled, out[:, k:end_of_steps])
        if self.wide is not None:
            out[:, self.n_deep : self.n_deep + len(self.wide.binned)] = self.wide.places(filled)

    def _put_flags(self, missing: npt.NDArray[np.bool_], out: npt.NDArray[Any]) -> None:
        out[:, self.ends[1] : self.ends[2]] = missing
        if self.wide is not None:  # one level, or none
            last = self.first_wide_level
            out[:, last - missing.shape[1] : last] = missing - 1.0

    @property
    def first_wide_level(self) -> int:
        """Where the levels of a skip begin: behind places in bins, and flags."""
        n_binned = 0 if self.wide is None else len(self.wide.binned)
        return self.n_deep + n_binned + len(self._flagged)

    def with_copies(self, out: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Repeat the deep inputs for a skip without bins."""
        if self.has_skip and self.wide is None:
            out[:, self.n_deep :] = out[:, : self.n_deep]
        return out

    def _with_known(self, cells: Cells, strict: bool) -> list[Unknown]:
        """Report all columns that may hold unknown cells, in the order in which they are read."""
        found = {one.column: one for one in cells.unknown}
        levels = dict(zip(self.plan.with_levels, cells.texts, strict=True))
        known = [column for column in self.plan.used if not (strict and column.kind == "number")]
        return [
            found.get(column.name)
            or Unknown(
                column.name, 0, cells.n_present(self.plan, column, levels.get(column)), (), ""
            )
            for column in sorted(known, key=lambda column: column in levels)
        ]

    def _place_in_array(self, first_row: int, at: int, row: int) -> str:
        return in_array(self.needed[at], first_row + row)

    def _place(self, table: pa.Table, at: int, row: int) -> str:
        name = next(c.name for c, first, stop in self.plan.with_numbers if first <= at < stop)
        return place(table, name, row)

    def _check_no_holes(self, table: pa.Table, numbers: Floats) -> None:
        holes = np.isnan(numbers)
        if holes.any():
            row, at = np.argwhere(holes)[0].tolist()
            where = self._place(table, at, row)
            raise DataError(f"{where}: the cell is missing; fill it, or fit with preprocessing")

    def _untouched(self, x: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        with np.errstate(over="ignore"):
            out = np.ascontiguousarray(x, dtype)
        if out.dtype.itemsize < x.dtype.itemsize and not np.isfinite(out).all():
            _check_fits(x, out, partial(self._place_in_array, 0))
        return np.hstack([out, out]) if self.has_skip else out

    def _standardise(
        self, x: npt.NDArray[Any], out: npt.NDArray[Any], where: Callable[[int, int], str]
    ) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            z = np.subtract(x, self.mean, dtype=np.float64)
            z /= self.scale
            out[...] = z
        if np.isfinite(out).all():
            return
        with np.errstate(over="ignore", invalid="ignore"):
            middle = (self.median - self.mean) / self.scale
            np.copyto(out, middle, where=np.isnan(x), casting="same_kind")
        _check_fits(np.where(np.isnan(x), 0, x), out, where)


def _check_fits(
    x: npt.NDArray[Any], out: npt.NDArray[Any], where: Callable[[int, int], str]
) -> None:
    wrong = ~np.isfinite(out) & ~np.isnan(x)
    if not wrong.any():
        return
    row, at = np.argwhere(wrong)[0].tolist()
    value = x[row, at]
    if np.isinf(value):
        raise DataError(f"{where(at, row)}: {value} is not a finite number")
    raise DataError(
        f"{where(at, row)}: {value} is too large for {out.dtype} beside what the column held when "
        "the model was fitted; mend the value"
    )


def as_matrix(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if x.ndim != 2:
        raise DataError(f"x must have two axes, rows and columns, got the shape {x.shape}")
    if x.dtype.kind in "fiub":
        return x
    try:
        return x.astype(np.float64, casting="unsafe" if x.dtype == object else "same_kind")
    except (TypeError, ValueError) as error:
        raise DataError(f"x must hold numbers, got {x.dtype}: {error}") from None


def together(unknown: Iterable[Unknown]) -> tuple[Unknown, ...]:
    """Add up the unknown cells that several parts of a table have in the same columns."""
    found: dict[str, Unknown] = {}
    for one in unknown:
        found[one.column] = found[one.column] + one if one.column in found else one
    return tuple(found.values())
