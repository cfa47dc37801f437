"""Here columns become the numbers that a network can take in.

Numbers are standardised, texts turn into one input for each level, and a missing cell is
filled with the median and says so in an input of its own. All of it is fitted once, on the
rows that train, and saved with the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables.columns import (
    NumberCounts,
    first_not_number,
    kind_of,
    number_counts,
    numbers,
    place,
    texts,
)

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]

MAX_LEVELS = 1000
MIXED_SHARE = 0.99  # so many numbers in a column of text, and the rest is taken for mistakes
BLOCK_CELLS = 1 << 18  # 2 MB of float64: stays in the cache, bounds the memory


def _in_array(name: str, row: int) -> str:
    return f"column {name!r}, row {row + 1}"


@dataclass(frozen=True, eq=False)
class Encoder:
    """How columns become inputs: d columns, k of them numbers, the others categories.

    The inputs stand in this order: the k standardised numbers, then one 0/1 input for
    each number column that had missing cells, then one 0/1 input for each level of each
    category. The arrays are read, never written.

    Parameters
    ----------
    names : tuple of str, length d
        The columns, in the order in which they were fitted.
    numeric : numpy.ndarray of bool, shape (d,)
        True for a number column, False for a category.
    mean, scale, median : numpy.ndarray of float64, shape (k,)
        Of the present cells; `scale` is the population standard deviation, or 1 where
        the column is constant.
    indicator : numpy.ndarray of bool, shape (k,)
        True where cells were missing when the encoder was fitted.
    levels : tuple of tuples of str or None, length d - k
        The levels of each category, sorted; None, at the end, stands for missing cells.
    is_identity : bool
        Numbers pass through untouched.
    """

    names: tuple[str, ...]
    numeric: npt.NDArray[np.bool_]
    mean: Floats
    scale: Floats
    median: Floats
    indicator: npt.NDArray[np.bool_]
    levels: tuple[tuple[str | None, ...], ...] = ()
    is_identity: bool = False

    # -------------------------------------------------------------- fitting

    @classmethod
    def fit(
        cls,
        columns: pa.Table | npt.NDArray[Any],
        weight: npt.ArrayLike | None = None,
        *,
        names: Sequence[str] | None = None,
        categorical: Collection[str] = (),
    ) -> Encoder:
        """Learn means, scales, medians and levels from the rows that train.

        A column of text is a category, with one exception: text read from a CSV file is
        numbers if all its present cells are. Booleans are categories.

        Parameters
        ----------
        columns : pyarrow.Table or numeric numpy.ndarray, shape (n, d)
            NaN and null are missing cells.
        weight : array-like, shape (n,), optional
            An integer weight counts as so many equal rows; a row of weight 0 as none.
        names : sequence of str, optional
            The columns of a table to use; the names for an array (x0, x1, ... without).
        categorical : collection of str, optional
            Columns of a table that are categories, whatever they hold.

        Raises
        ------
        DataError
            If a cell is infinite, a column mixes numbers and text, a category has more
            than `MAX_LEVELS` levels, or the weights are negative or all zero.
        """
        kept = _kept(weight, len(columns))
        if isinstance(columns, np.ndarray):
            if categorical:
                raise DataError("an array has no categories; pass a table to name some")
            return cls._fit_matrix(_as_matrix(columns), kept, names)
        table = columns if names is None else columns.select(_present(columns, names))
        _present(table, categorical)
        return cls._fit_table(_without_rows(table, kept), kept, categorical)

    @classmethod
    def _fit_matrix(cls, x: npt.NDArray[Any], kept: _Kept, names: Sequence[str] | None) -> Encoder:
        known = _default_names(x.shape[1], names)
        statistics = [_describe(column, kept) for column in _finite_columns(x, known)]
        return cls(known, np.ones(len(known), dtype=bool), *_stacked(statistics))

    @classmethod
    def _fit_table(cls, table: pa.Table, kept: _Kept, categorical: Collection[str]) -> Encoder:
        names = tuple(table.column_names)
        numeric = [name not in categorical and not _is_category(table, name) for name in names]
        statistics, levels = [], []
        for name, is_number in zip(names, numeric, strict=True):
            if is_number:
                statistics.append(_describe(numbers(table, name), kept))
            else:
                levels.append(_levels(table, name, kept))
        return cls(names, np.array(numeric, dtype=bool), *_stacked(statistics), tuple(levels))

    @classmethod
    def identity(cls, n_columns: int, names: Sequence[str] | None = None) -> Encoder:
        """Make an encoder that passes `n_columns` numbers through untouched."""
        known = _default_names(n_columns, names)
        zeros, ones = np.zeros(n_columns), np.ones(n_columns)
        return cls(known, ones > 0, zeros, ones, zeros, zeros > 0, is_identity=True)

    # -------------------------------------------------------------- using

    @cached_property
    def number_names(self) -> list[str]:
        """The names of the k number columns."""
        return [name for name, number in zip(self.names, self.numeric, strict=True) if number]

    @cached_property
    def category_names(self) -> list[str]:
        """The names of the d - k categories."""
        return [name for name, number in zip(self.names, self.numeric, strict=True) if not number]

    @cached_property
    def n_inputs(self) -> int:
        """N_x, the number of inputs of the network."""
        return len(self.mean) + len(self._flagged) + sum(map(len, self.levels))

    @cached_property
    def input_names(self) -> list[str]:
        """What each input stands for: "age", "age is missing", "island=Biscoe"."""
        flags = [f"{self.number_names[column]} is missing" for column in self._flagged]
        ones = [
            f"{name} is missing" if level is None else f"{name}={level}"
            for name, levels in zip(self.category_names, self.levels, strict=True)
            for level in levels
        ]
        return [*self.number_names, *flags, *ones]

    @cached_property
    def _flagged(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero(self.indicator)

    def extra_columns(self, table: pa.Table) -> list[str]:
        """Give the names of the columns of a table that the encoder does not use."""
        used = set(self.names)
        return [name for name in table.column_names if name not in used]

    def transform(
        self,
        columns: pa.Table | npt.NDArray[Any],
        dtype: npt.DTypeLike = np.float64,
    ) -> npt.NDArray[Any]:
        """Turn columns into inputs.

        A level that was not there at fitting is all zeros, and so is a missing cell of a
        category that had none then. The identity looks at no value of an array.

        Parameters
        ----------
        columns : pyarrow.Table or numeric numpy.ndarray, shape (n, d)
            The columns of a table are found by name, those of an array by position.
        dtype : float32 or float64
            Of the result; the arithmetic is done in float64.

        Returns
        -------
        numpy.ndarray of `dtype`, shape (n, N_x), C-contiguous

        Raises
        ------
        DataError
            If columns are lacking, a cell is no number where one must be, or a value is
            infinite or too large for `dtype`.
        """
        if not isinstance(columns, np.ndarray):
            _present(columns, self.names)
            return self._transform_table(columns, np.dtype(dtype))
        x = _as_matrix(columns)
        if self.levels:
            raise DataError(
                f"the columns {self.category_names} are categories, which an array cannot "
                "hold; pass a table"
            )
        if x.shape[1] != len(self.names):
            raise DataError(f"x must have {len(self.names)} columns, got {x.shape[1]}")
        return self._untouched(x, dtype) if self.is_identity else self._transform_matrix(x, dtype)

    def _transform_matrix(self, x: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        out = np.empty((len(x), self.n_inputs), dtype)
        k = len(self.mean)
        n_block = max(1, BLOCK_CELLS // max(1, k))
        for start in range(0, len(x), n_block):
            stop = start + n_block
            self._standardise(x[start:stop], out[start:stop, :k], first_row=start)
        if len(self._flagged):
            out[:, k:] = np.isnan(x[:, self._flagged])
        return out

    def _transform_table(self, table: pa.Table, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        out = np.zeros((table.num_rows, self.n_inputs), dtype)
        at = len(self.mean)
        for column, name in enumerate(self.number_names):
            x = numbers(table, name)[:, np.newaxis]
            if self.is_identity and np.isnan(x).any():
                where = place(table, name, int(np.isnan(x).argmax()))
                raise DataError(f"{where}: the cell is missing; fill it, or fit with preprocessing")
            at_column = slice(column, column + 1)
            self._standardise(x, out[:, at_column], at_column, where=partial(place, table))
            if self.indicator[column]:
                out[:, at] = np.isnan(x[:, 0])
                at += 1
        for name, levels in zip(self.category_names, self.levels, strict=True):
            _put_ones(texts(table, name), levels, out[:, at : at + len(levels)])
            at += len(levels)
        return out

    def _untouched(self, x: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        with np.errstate(over="ignore"):
            out = np.ascontiguousarray(x, dtype)
        if out.dtype.itemsize < x.dtype.itemsize and not np.isfinite(out).all():
            self._check_fits(x, out, slice(None), 0, _in_array)
        return out

    def _standardise(
        self,
        x: npt.NDArray[Any],
        out: npt.NDArray[Any],
        at: slice = slice(None),
        first_row: int = 0,
        where: Callable[[str, int], str] = _in_array,
    ) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            z = np.subtract(x, self.mean[at], dtype=np.float64)
            z /= self.scale[at]
            out[...] = z
        if np.isfinite(out).all():
            return
        with np.errstate(over="ignore", invalid="ignore"):
            middle = (self.median[at] - self.mean[at]) / self.scale[at]
            np.copyto(out, middle, where=np.isnan(x), casting="same_kind")
        self._check_fits(np.where(np.isnan(x), 0, x), out, at, first_row, where)

    def _check_fits(
        self,
        x: npt.NDArray[Any],
        out: npt.NDArray[Any],
        at: slice,
        first_row: int,
        where: Callable[[str, int], str],
    ) -> None:
        wrong = ~np.isfinite(out) & ~np.isnan(x)
        if not wrong.any():
            return
        row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
        it_is_at = where(self.number_names[at][column], first_row + int(row))
        value = x[row, column]
        if np.isinf(value):
            raise DataError(f"{it_is_at}: {value} is not a finite number")
        raise DataError(
            f"{it_is_at}: {value} is too large for {out.dtype} beside what the column held when "
            "the model was fitted; mend the value"
        )

    # -------------------------------------------------------------- saving

    def to_parts(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Take the encoder apart for a file.

        Returns
        -------
        metadata : dict
            What JSON can hold.
        tensors : dict of str to numpy.ndarray
            "mean", "scale", "median" of float64 and "indicator" of bool, shape (k,).
        """
        metadata = {
            "names": list(self.names),
            "numeric": self.numeric.tolist(),
            "levels": [list(levels) for levels in self.levels],
            "identity": self.is_identity,
        }
        return metadata, {part: getattr(self, part) for part in _TENSORS}

    @classmethod
    def from_parts(
        cls, metadata: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]
    ) -> Encoder:
        """Put an encoder together again; nothing in the parts is trusted.

        Raises
        ------
        ValueError
            If a part is lacking, has another type or length, or cannot be.
        """
        _check(set(metadata) == {"names", "numeric", "levels", "identity"}, "metadata keys")
        _check(set(tensors) == set(_TENSORS), "tensor names")
        _check_names(metadata["names"])
        _check_booleans(metadata["numeric"], len(metadata["names"]))
        numeric = np.array(metadata["numeric"], dtype=bool)
        _check_levels(metadata["levels"], int((~numeric).sum()))
        _check_tensors(tensors, int(numeric.sum()))
        identity = metadata["identity"]
        _check(isinstance(identity, bool), "identity (must be true or false)")
        plain = numeric.all() and not tensors["indicator"].any()
        _check(not identity or bool(plain), "identity (must have plain numbers only)")
        levels = tuple(map(tuple, metadata["levels"]))
        mean, scale, median, indicator = (tensors[part].copy() for part in _TENSORS)
        names = tuple(metadata["names"])
        return cls(names, numeric, mean, scale, median, indicator, levels, identity)


_TENSORS = ("mean", "scale", "median", "indicator")


# ------------------------------------------------------------------ statistics


class _Kept(NamedTuple):
    rows: npt.NDArray[np.bool_] | None  # None: all of them
    weight: Floats | None  # of the kept rows, all above zero; None: all equal


class _Statistics(NamedTuple):
    mean: float
    scale: float
    median: float
    has_missing: bool


def _kept(weight: npt.ArrayLike | None, n: int) -> _Kept:
    if n == 0:
        raise DataError("there are no rows; at least one is needed to fit")
    if weight is None:
        return _Kept(None, None)
    weights = np.asarray(weight, dtype=np.float64)
    if weights.shape != (n,):
        raise DataError(f"weight must have the shape ({n},), got {weights.shape}")
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"weights must be finite and not negative, got {weights[row]} in row {row + 1}"
        )
    rows = weights > 0
    if not rows.any():
        raise DataError("all weights are zero; at least one row must count")
    return _Kept(None if rows.all() else rows, weights[rows])


def _describe(column: Floats, kept: _Kept) -> _Statistics:
    values = column if kept.rows is None else column[kept.rows]
    present = ~np.isnan(values)
    has_missing = not present.all()
    weight = kept.weight
    if has_missing:
        values = values[present]
        weight = None if weight is None else weight[present]
    if not len(values):
        return _Statistics(0.0, 1.0, 0.0, has_missing)
    low, high = float(values.min()), float(values.max())
    if low == high:
        return _Statistics(low, 1.0, low, has_missing)
    return _Statistics(*_moments(values, weight), has_missing)


def _moments(values: Floats, weight: Floats | None) -> tuple[float, float, float]:
    # a power of two scales exactly, and squares of what is below 1 never overflow
    exponent = _exponent(values)
    v = np.ldexp(values, -exponent)
    w, count = (None, float(len(v))) if weight is None else _scaled_weight(weight)
    mean = _average(v, w)
    centred = v - mean
    # what rounding left in the mean is taken out of both moments
    shift = _average(centred, w)
    mean += shift
    variance = max(0.0, _average(centred * centred, w) - shift * shift)
    scale = math.ldexp(math.sqrt(variance), exponent)
    if scale == 0 or _is_constant(mean, variance, count):
        scale = 1.0
    median = float(np.median(v)) if w is None else _weighted_median(v, w)
    return math.ldexp(mean, exponent), scale, math.ldexp(median, exponent)


def _exponent(values: Floats) -> int:
    return int(np.frexp(np.abs(values).max())[1])


def _scaled_weight(weight: Floats) -> tuple[Floats, float]:
    """Give weights below 1, and how many rows they count for, within sane bounds."""
    exponent = _exponent(weight)
    scaled = np.ldexp(weight, -exponent)
    count = math.ldexp(float(scaled.sum()), min(exponent, 60))
    return scaled, min(max(count, float(len(weight))), 2.0**40)


def _average(v: Floats, w: Floats | None) -> float:
    return float(v.mean() if w is None else (v * w).sum() / w.sum())


def _is_constant(mean: float, variance: float, count: float) -> bool:
    # scikit-learn's rule: the spread that rounding alone gives n equal values
    eps = float(np.finfo(np.float64).eps)
    return variance <= count * eps * variance + (count * mean * eps) ** 2


def _weighted_median(v: Floats, w: Floats) -> float:
    order = np.argsort(v, kind="stable")
    below = np.cumsum(w[order])
    half = below[-1] / 2
    lower, upper = (int(np.searchsorted(below, half, side)) for side in ("left", "right"))
    return float((v[order[lower]] + v[order[upper]]) / 2)


def _stacked(
    statistics: list[_Statistics],
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.bool_]]:
    numbers = np.array([s[:3] for s in statistics], dtype=np.float64).reshape(-1, 3)
    mean, scale, median = np.ascontiguousarray(numbers.T)
    return mean, scale, median, np.array([s.has_missing for s in statistics], dtype=bool)


# ------------------------------------------------------------------ columns


def _as_matrix(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if x.ndim != 2:
        raise DataError(f"x must have two axes, rows and columns, got the shape {x.shape}")
    if x.dtype.kind in "fiub":
        return x
    try:
        return x.astype(np.float64, casting="unsafe" if x.dtype == object else "same_kind")
    except (TypeError, ValueError) as error:
        raise DataError(f"x must hold numbers, got {x.dtype}: {error}") from None


def _default_names(n_columns: int, names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return tuple(f"x{column}" for column in range(n_columns))
    if len(names) != n_columns or len(set(names)) != n_columns:
        raise DataError(f"names must be {n_columns} different names, got {len(names)}: {names!r}")
    return tuple(map(str, names))


def _finite_columns(x: npt.NDArray[Any], names: Sequence[str]) -> Iterator[Floats]:
    n_block = max(1, 4 * BLOCK_CELLS // max(1, len(x)))
    for start in range(0, x.shape[1], n_block):
        block = np.array(x[:, start : start + n_block].T, dtype=np.float64, order="C")
        infinite = np.isinf(block)
        if infinite.any():
            column, row = np.unravel_index(int(infinite.argmax()), infinite.shape)
            raise DataError(
                f"column {names[start + int(column)]!r}, row {row + 1}: "
                f"{block[column, row]} is not a finite number"
            )
        yield from block


def _present(table: pa.Table, names: Collection[str]) -> list[str]:
    there = set(table.column_names)
    if lacking := [name for name in names if name not in there]:
        raise DataError(
            f"the table lacks the columns {lacking[:20]}; it has {table.column_names[:20]}"
        )
    return list(names)


def _without_rows(table: pa.Table, kept: _Kept) -> pa.Table:
    """Blank the rows that weigh nothing: none is used, and each keeps its number."""
    import pyarrow as pa

    if kept.rows is None:
        return table
    return table.take(pa.array(np.arange(table.num_rows), mask=~kept.rows))


def _is_category(table: pa.Table, name: str) -> bool:
    kind = kind_of(table, name)
    counts = number_counts(table, name)
    if kind in ("number", "empty") or counts.cells == 0:
        return False
    if kind != "csv":
        return True
    if counts.numbers < counts.cells and counts.like_numbers >= MIXED_SHARE * counts.cells:
        raise DataError(_mixed(table, name, counts))
    return counts.numbers < counts.cells


def _mixed(table: pa.Table, name: str, counts: NumberCounts) -> str:
    row, cell = first_not_number(table, name) or (0, "")
    return (
        f"{place(table, name, row)}: {cell[:80]!r} is not a plain decimal number such as "
        f"-1.5 or 2e3, yet {counts.like_numbers} of {counts.cells} cells look like numbers; mend "
        f"the cells, or declare the column a category (categorical=[{name!r}], "
        f"--categorical {name!r})"
    )


def _levels(table: pa.Table, name: str, kept: _Kept) -> tuple[str | None, ...]:
    cells = texts(table, name)
    known = cells.unique().drop_null()
    if len(known) > MAX_LEVELS:
        raise DataError(
            f"column {name!r} has {len(known)} different texts, more than {MAX_LEVELS}: is it a "
            f"name or a number of each row? Drop it (--drop {name!r})"
        )
    missing = cells.is_null().to_numpy(zero_copy_only=False)
    has_missing = missing.any() if kept.rows is None else missing[kept.rows].any()
    return (*sorted(known.to_pylist()), *([None] if has_missing else []))


def _put_ones(
    cells: pa.LargeStringArray, levels: tuple[str | None, ...], out: npt.NDArray[Any]
) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pa.array([level for level in levels if level is not None], pa.large_string())
    codes = pc.fill_null(pc.index_in(cells, value_set=known), -1).to_numpy().copy()
    if None in levels:
        codes[cells.is_null().to_numpy(zero_copy_only=False)] = len(known)
    rows = np.flatnonzero(codes >= 0)
    out[rows, codes[rows]] = 1


# ------------------------------------------------------------------ checking parts


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"the encoder in the file is not valid: {what}")


def _check_names(names: Any) -> None:
    _check(isinstance(names, list) and all(map(_is_text, names)), "names (must be texts)")
    _check(len(set(names)) == len(names), "names (must differ)")


def _is_text(value: object) -> bool:
    # JSON can spell half of a surrogate pair, which no column of text can hold
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _check_booleans(numeric: Any, n_columns: int) -> None:
    well = isinstance(numeric, list) and all(isinstance(value, bool) for value in numeric)
    _check(well and len(numeric) == n_columns, "numeric (must be one true or false a column)")


def _check_levels(groups: Any, n_categories: int) -> None:
    well = isinstance(groups, list) and all(isinstance(levels, list) for levels in groups)
    _check(well and len(groups) == n_categories, "levels (must be one list a category)")
    for levels in groups:
        texts = levels[:-1] if levels and levels[-1] is None else levels
        _check(0 < len(levels) <= MAX_LEVELS + 1, f"levels (must be 1 to {MAX_LEVELS})")
        _check(all(map(_is_text, texts)), "levels (must be texts, then perhaps null)")
        _check(len(set(texts)) == len(texts), "levels (must differ)")


def _check_tensors(tensors: Mapping[str, npt.NDArray[Any]], k: int) -> None:
    for part in _TENSORS:
        tensor, dtype = tensors[part], bool if part == "indicator" else np.float64
        fits = tensor.dtype == dtype and tensor.shape == (k,)
        _check(fits, f"{part} (must be {np.dtype(dtype)} of shape ({k},))")
        _check(bool(np.isfinite(tensor).all()), f"{part} (must be finite)")
    _check(bool((tensors["scale"] > 0).all()), "scale (must be above 0)")
