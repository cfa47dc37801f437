"""The row of a written C header: a struct, and the function that turns it into inputs.

A mean is taken from a number in two parts, first one of few digits, which float holds exactly,
then the rest. In one part, a standardised year (mean 2008.03, deviation 0.8) would be off by
1e-4. So means, medians and edges are written as their distance from that first part, ``origin``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.errors import DataError
from handgrad.export.c.words import Tables, identifiers, number, remark, remarks
from handgrad.tables.dates import DAY, Dating
from handgrad.tables.kinds import Boolean, Category, Date, Number, NumberWithWords

if TYPE_CHECKING:
    from handgrad.export.parts import ColumnParts, Parts
    from handgrad.tables.kinds import Column

ORIGIN_BITS = 12
DATE = "int64_t "
LONGEST_TIME = "1000000000000"  # seconds either side of 1970: no year beyond


class Cycle(NamedTuple):
    """A part of a date that comes again."""

    moments: Any  # one for each, in seconds since 1970
    place: str  # which one ``seconds`` is of
    only: str = ""  # where the part is one of them; it is between two elsewhere


NAN_IF_MISSING = "; NAN where it is missing"


def _told_number(column: Column) -> str:
    if column.notation.is_plain:
        return "a number" + NAN_IF_MISSING
    multiplied = ", with k, M or B multiplied in" if column.notation.scaled else ""
    return f"a number, without what is around it in {column.notation}{multiplied}{NAN_IF_MISSING}"


def _told_moment(column: Column) -> str:
    assert column.dating is not None
    return {
        "date": "a date: whole seconds since 1970 in UTC, or as if in UTC if it has no zone; "
        "MACRO_NO_DATE where it is missing",
        "time": "a time of day: seconds since midnight" + NAN_IF_MISSING,
        "duration": "a duration: seconds" + NAN_IF_MISSING,
    }[column.dating.what]


TOLD: dict[str, Callable[[Column], str]] = {
    Number.name: _told_number,
    NumberWithWords.name: _told_number,
    Boolean.name: lambda column: "1 for yes, 0 for no" + NAN_IF_MISSING,
    Category.name: lambda column: "a text",
    Date.name: _told_moment,
}

MONTHS = np.arange("1970-01", "1971-01", dtype="datetime64[M]").astype("datetime64[s]")
MONTHS = MONTHS.astype(np.int64).astype(np.float64)
# The parts that recur. Their sines and cosines are tables, since bins may tell 0 from 1e-16.
CYCLES = {
    "month": Cycle(MONTHS, "NAME_months(seconds) % 12"),
    # 1970 began on a Thursday
    "weekday": Cycle(np.arange(4, 11) * DAY, "((NAME_days(seconds) + 3) % 7 + 7) % 7"),
    "hour": Cycle(
        np.arange(24) * 3600.0,
        "(seconds - 86400 * NAME_days(seconds)) / 3600",
        "seconds % 3600 == 0",
    ),
}
SHARE_OF_DAY = "(REAL)(seconds - 86400 * NAME_days(seconds)) / R(86400.0)"
CIRCLES = (("M(sin)", "sin"), ("M(cos)", "cos"))
CIRCLE = "{}(R(6.283185307179586) * ({}))"


def told_apart(values: Any, dtype: str) -> Any:
    """Round numbers to a type so that different ones stay different, and in their order."""
    different, at = np.unique(values, return_inverse=True)
    own = different.astype(dtype)
    for place in range(1, len(own)):
        if own[place] <= own[place - 1]:
            own[place] = np.nextafter(own[place - 1], np.dtype(dtype).type(np.inf))
    return own[at]


class Member(NamedTuple):
    """A member of the struct."""

    kind: str  # of C
    name: str
    told: str


class Row:
    """The columns of a model as a struct, and its inputs.

    Parameters
    ----------
    whole : Parts
    tables : Tables
        Where constants are added.
    """

    def __init__(self, whole: Parts, tables: Tables) -> None:
        self.whole, self.tables, self.real = whole, tables, tables.real
        self.numbers = whole.numbers
        self.n_numbers = len(self.numbers.mean)
        self.is_array, self.n_array = whole.is_nameless, len(whole.is_needed)
        self.members = [] if self.is_array else self._members()
        self.shift, self.origin = self._origins()
        self.circles: dict[str, Any] = {}  # sines and cosines by part, (n, 2)
        self.circle_of: dict[int, Any] = {}  # those of a number, by its place
        self._find_circles()
        self._add_tables()

    # -- the struct ---------------------------------------------------------------------------

    def struct(self) -> str:
        name = self.tables.name
        lines = [f"typedef struct {name}_row {{"]
        if self.is_array:
            lines += ["    /* the columns in the order of training; NAN where one is missing */"]
            lines += [f"    {self.real.name} x[{self.n_array}];"]
        for member in self.members:
            lines += [*remarks(member.told, "    "), f"    {member.kind}{member.name};"]
        return "\n".join([*lines, f"}} {name}_row;"])

    def _members(self) -> list[Member]:
        wanted = []
        for one in self.whole.columns:
            if one.first >= 0:
                is_date = one.column.dating is not None and one.column.dating.what == "date"
                kind = DATE if is_date else f"{self.real.name} "
                wanted.append((kind, one.column.name, self._told(one)))
            if one.place >= 0:
                more = "" if one.first < 0 else " word"
                wanted.append(("const char *", one.column.name + more, self._told_text(one)))
        names = identifiers(name for _, name, _ in wanted)
        return [Member(kind, own, told) for own, (kind, _, told) in zip(names, wanted, strict=True)]

    def _told(self, one: ColumnParts) -> str:
        told = TOLD[one.column.kind](one.column)
        told = told.replace("MACRO_", f"{self.tables.name.upper()}_")
        codes = ", ".join(f"{code:g}" for code in one.codes)
        return remark(f"{one.column.name!r}: {told}{f', or {codes}' if codes else ''}")

    def _told_text(self, one: ColumnParts) -> str:
        what = "a text" if one.first < 0 else "the word in the place of the number, or its unit"
        others = "all others count as one more" if one.other else "any other counts as none of them"
        return remark(
            f"{one.column.name!r}: {what}, spelt as in {self.tables.name}_levels_{one.place + 1} "
            f"({others}); NULL or empty where it is missing"
        )

    # -- what it has learnt -------------------------------------------------------------------

    def _origins(self) -> tuple[Any, Any]:
        """Give what is taken first from each number, and the part of it that a table holds."""
        numbers = self.numbers
        if numbers.is_identity:
            return np.zeros(self.n_numbers), np.zeros(self.n_numbers)
        mantissa, exponent = np.frexp(numbers.mean)
        few = np.ldexp(np.rint(np.ldexp(mantissa, ORIGIN_BITS)), exponent - ORIGIN_BITS)
        shift = np.where(numbers.scaled, few, 0.0)
        for first in self._firsts_of_dates():
            shift[first] = np.rint(numbers.mean[first])
        origin = shift.copy()
        origin[self._firsts_of_dates()] = 0.0  # taken away in whole seconds
        return shift, origin

    def _firsts_of_dates(self) -> list[int]:
        return [
            one.first
            for one in self.whole.columns
            if one.column.dating is not None and one.column.dating.what == "date"
        ]

    def _find_circles(self) -> None:
        for one in self.whole.columns:
            dating, at = one.column.dating, one.first + 1
            for part in dating.parts if dating is not None else ():
                if part not in CYCLES:
                    at += 1
                    continue
                values = Dating("date", parts=(part,)).numbers(CYCLES[part].moments)[:, 1:]
                self.circles[part] = values
                self.circle_of |= {at: values[:, 0], at + 1: values[:, 1]}
                at += 2

    def _own(self, k: int, values: Any) -> Any:
        """Give values of a number in the type that is written, as distances from ``shift``."""
        with np.errstate(over="ignore"):
            own = (values - self.shift[k]).astype(self.real.dtype)
        if (circle := self.circle_of.get(k)) is None:
            return own
        known = dict(zip(circle.tolist(), told_apart(circle, self.real.dtype), strict=True))
        return np.array([known.get(v, o) for v, o in zip(values.tolist(), own, strict=True)])

    def _edges(self, k: int, edges: Any) -> Any:
        """Give the edges of a number in the type that is written, still ascending."""
        own = self._own(k, edges)
        if (np.diff(own) <= 0).any():
            names = [n for c in self.whole.columns for n in c.column.reads.number_names(c.column)]
            raise DataError(
                f"{names[k]!r} has bins that {self.real.dtype} cannot tell apart; write the model "
                "with dtype float64, or fit it without piecewise inputs"
            )
        return own

    def _add_tables(self) -> None:
        numbers, tables = self.numbers, self.tables
        if self.n_numbers and not numbers.is_identity:
            tables.reals("origin", self.origin)
            tables.reals("mean", numbers.mean - self.shift)
            tables.reals("scale", numbers.scale)
            of_each = [self._own(k, numbers.median[k : k + 1])[0] for k in range(self.n_numbers)]
            tables.reals("median", of_each)
            if numbers.is_robust:
                tables.whole("scaled", numbers.scaled.astype(np.uint8))
            self._check_scale()
        for name, edges in (("deep", numbers.deep), ("wide", numbers.wide or {})):
            if edges:
                tables.whole(f"{name}_of", np.array(list(edges), np.uint16))
                if name == "deep":  # those of a skip belong to the networks, too
                    bins = [len(one) - 1 for one in edges.values()]
                    tables.whole("deep_bins", np.array(bins, np.uint8))
                own = [self._edges(k, e) for k, e in edges.items()]
                tables.reals(f"{name}_edges", np.concatenate(own))
        for part, values in self.circles.items():
            for (_, name), column in zip(CIRCLES, values.T, strict=True):
                tables.reals(f"{name}_of_{part}", told_apart(column, self.real.dtype))
        for one in self.whole.columns:
            if levels := self._texts(one):
                tables.texts(f"levels_{one.place + 1}", levels)

    def _check_scale(self) -> None:
        scale = self.numbers.scale
        if ((scale > 0) & (scale < np.finfo(self.real.dtype).tiny)).any():
            raise DataError(
                f"a column varies by {scale[scale > 0].min():.3g}, too little for "
                f"{self.real.dtype}; write the model with dtype float64, or multiply the column by "
                "a power of ten and fit again"
            )

    def _texts(self, one: ColumnParts) -> list[str]:
        return [level for level in one.levels or () if level is not None]

    @property
    def n_wide(self) -> int:
        """The places among the bins of a skip."""
        return len(self.numbers.wide or {})

    @property
    def first_flag(self) -> int:
        """Where the flags begin among the inputs, and behind them the levels."""
        return self.n_numbers + sum(len(edges) - 1 for edges in self.numbers.deep.values())

    @property
    def n_inputs(self) -> int:
        n_levels = sum(one.n_levels for one in self.whole.columns)
        return self.first_flag + int(self.numbers.flagged.sum()) + n_levels

    @property
    def n_buffers(self) -> int:
        """The bytes of buffers while a row is encoded."""
        return self.n_numbers * (self.real.n_bytes + 1)

    # -- from a row to inputs -----------------------------------------------------------------

    def encode(self) -> str:
        """Write the function that turns a row into inputs."""
        wide = ", REAL *u" if self.n_wide else ""
        lines = [
            "/* Turns a row into inputs; gives a status. */",
            f"static int NAME_encode(const NAME_row *row, REAL *x{wide})",
            "{",
        ]
        lines += [f"    {line}" if line else "" for line in self._encoding()]
        return "\n".join([*lines, "    return 0;", "}"])

    def _encoding(self) -> Iterator[str]:
        if self.n_numbers:
            yield f"REAL number[{self.n_numbers}];"
            yield f"unsigned char there[{self.n_numbers}];"
            yield from self._loading()
            yield f"for (int k = 0; k < {self.n_numbers}; k++) {{"
            yield "    const int kind = NAME_kind(number[k]);"
            yield "    if (kind == 1)"
            yield "        return MACRO_UNUSABLE;"
            yield "    there[k] = (unsigned char)(kind == 0);"
            yield "}"
            yield from self._missing()
            yield from self._scaling()
        yield from self._steps()
        yield from self._flags_and_levels()

    def _by_member(self) -> Iterator[tuple[ColumnParts, str, str]]:
        """Give each column, and the expressions of its number and its text, "" for none."""
        expressions = iter([f"row->{member.name}" for member in self.members])
        for one in self.whole.columns:
            of_number = next(expressions) if one.first >= 0 else ""
            yield one, of_number, next(expressions) if one.place >= 0 else ""

    def _loading(self) -> Iterator[str]:
        if self.is_array:
            needed = np.flatnonzero(self.whole.is_needed)
            if len(needed) == self.n_array:
                yield "memcpy(number, row->x, sizeof number);"
            else:
                for k, column in enumerate(needed.tolist()):
                    yield f"number[{k}] = row->x[{column}];"
            return
        for one, cell, _ in self._by_member():
            if one.first < 0:
                continue
            if one.column.dating is None:
                yield f"number[{one.first}] = {cell};"
            elif one.column.dating.what == "date":
                yield from self._date(one, cell)
            else:
                yield from self._time(one, cell)

    def _date(self, one: ColumnParts, cell: str) -> Iterator[str]:
        dating = one.column.dating
        assert dating is not None
        origin = int(self.shift[one.first] * DAY)
        yield "{"
        yield f"    const int64_t seconds = {cell} == MACRO_NO_DATE ? 0 : {cell};"
        yield f"    if (seconds < -{LONGEST_TIME} || seconds > {LONGEST_TIME})"
        yield "        return MACRO_UNUSABLE;"
        yield f"    number[{one.first}] = (REAL)(seconds - {origin}) / R(86400.0);"
        yield from self._parts(one, dating.parts)
        yield "}"

    def _parts(self, one: ColumnParts, parts: tuple[str, ...]) -> Iterator[str]:
        at = one.first + 1
        for part in parts:
            if part not in CYCLES:
                yield f"    number[{at}] = (REAL)(NAME_months(seconds) / 12);  /* the year */"
                at += 1
                continue
            cycle = CYCLES[part]
            for function, name in CIRCLES:
                value = f"NAME_{name}_of_{part}[{cycle.place}]"
                if cycle.only:
                    other = CIRCLE.format(function, SHARE_OF_DAY)
                    value = f"{cycle.only} ? {value} : {other}"
                yield f"    number[{at}] = {value};"
                at += 1

    def _time(self, one: ColumnParts, cell: str) -> Iterator[str]:
        dating = one.column.dating
        assert dating is not None
        yield f"number[{one.first}] = {cell} / R(3600.0);"
        if dating.parts:  # the hour alone
            whole = f"(int)({cell} / R(3600.0))"
            is_known = f"{cell} >= R(0.0) && {cell} < R(86400.0)"
            yield f"const int hour_{one.first} = {is_known} ? {whole} : 0;"
            for at, (function, name) in enumerate(CIRCLES, start=one.first + 1):
                share = f"({cell} - R(86400.0) * M(floor)({cell} / R(86400.0))) / R(86400.0)"
                yield f"number[{at}] = (REAL)hour_{one.first} * R(3600.0) == {cell}"
                yield f"    ? NAME_{name}_of_hour[hour_{one.first}]"
                yield f"    : {CIRCLE.format(function, share)};"

    def _missing(self) -> Iterator[str]:
        """Write what else means a missing cell."""
        for one, cell, _ in self._by_member() if self.members else ():
            if one.first < 0:
                continue
            names = len(one.column.reads.number_names(one.column))
            if one.column.dating is not None and one.column.dating.what == "date":
                yield f"if ({cell} == MACRO_NO_DATE)"
                yield f"    memset(there + {one.first}, 0, {names});"
            elif one.column.dating is None:
                for code in self._codes(one):
                    yield f"if ({cell} == {code})"
                    yield f"    there[{one.first}] = 0;"

    def _codes(self, one: ColumnParts) -> list[str]:
        """Write the numbers that mean a missing cell, those that the type can hold."""
        with np.errstate(over="ignore"):
            own = np.array(one.codes).astype(self.real.dtype)
        held = own[np.isfinite(own)].tolist()
        return list(dict.fromkeys(number(code, self.real) for code in held))

    def _scaling(self) -> Iterator[str]:
        numbers = self.numbers
        yield f"for (int k = 0; k < {self.n_numbers}; k++) {{"
        if numbers.is_identity:
            yield "    if (!there[k])"
            yield "        return MACRO_UNUSABLE;"
            yield "    x[k] = number[k];"
        else:
            yield "    number[k] = there[k] ? number[k] - NAME_origin[k] : NAME_median[k];"
            if numbers.is_robust:
                yield "    x[k] = number[k];"
                yield "    if (NAME_scaled[k])"
                yield "        x[k] = NAME_robust(number[k], NAME_mean[k], NAME_scale[k]);"
            else:
                yield "    x[k] = (number[k] - NAME_mean[k]) / NAME_scale[k];"
            yield "    if (NAME_kind(x[k]) != 0)"
            yield "        return MACRO_UNUSABLE;"
        yield "}"

    def _steps(self) -> Iterator[str]:
        numbers = self.numbers
        if numbers.deep:
            yield f"REAL *step = x + {self.n_numbers};"
            yield "NAME_CONST REAL *edges = NAME_deep_edges;"
            yield f"for (int i = 0; i < {len(numbers.deep)}; i++) {{"
            yield "    const int n = NAME_deep_bins[i];"
            yield "    const REAL found = NAME_place(number[NAME_deep_of[i]], edges, n);"
            yield "    for (int t = 0; t < n; t++)"
            yield "        *step++ = NAME_step(found, t);"
            yield "    edges += n + 1;"
            yield "}"
        if numbers.wide:
            yield "NAME_CONST REAL *wide = NAME_wide_edges;"
            yield f"for (int i = 0; i < {len(numbers.wide)}; i++) {{"
            yield "    u[i] = NAME_place(number[NAME_wide_of[i]], wide, NAME_wide_bins[i]);"
            yield "    wide += NAME_wide_bins[i] + 1;"
            yield "}"

    def _flags_and_levels(self) -> Iterator[str]:
        said = (
            {one.first: word for one, cell, word in self._by_member() if cell and word}
            if (self.members)
            else {}
        )
        at = self.first_flag
        for k in np.flatnonzero(self.numbers.flagged).tolist():
            word = f" && !NAME_said({said[k]})" if k in said else ""
            yield f"x[{at}] = (REAL)(!there[{k}]{word});"
            at += 1
        if at < self.n_inputs:
            yield f"for (int k = {at}; k < {self.n_inputs}; k++)"
            yield "    x[k] = R(0.0);"
            yield "int place;"
        for one, _, cell in self._by_member() if self.members else ():
            if one.n_levels:
                yield from self._level(one, cell, at)
                at += one.n_levels

    def _level(self, one: ColumnParts, cell: str, at: int) -> Iterator[str]:
        levels, texts = one.levels or (), self._texts(one)
        of_missing = levels.index(None) if None in levels else -1
        table = f"NAME_levels_{one.place + 1}"
        found = f"NAME_level({cell}, {table}, {len(texts)})" if texts else "-1"
        yield f"place = NAME_said({cell}) ? {found} : {of_missing};"
        if one.other:
            yield f"if (place < 0 && NAME_said({cell}))"
            yield f"    place = {len(levels)};"
        yield "if (place >= 0)"
        yield f"    x[{at} + place] = R(1.0);"
