"""Dates, times and durations: found in texts, and turned into the inputs of a network.

A moment is a float64: seconds since 1970 in UTC (a time of day: since midnight; a duration: its
length). Texts without a zone are taken as they stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.tables import arrow

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Formula = Callable[[Any], Any]  # of moments, element by element
Order = Literal["ymd", "dmy", "mdy"]
What = Literal["date", "time", "duration"]

DAY = 86400.0
DIGITS = 2.0**40
TURN = 2 * math.pi
_FIRST_DAY = date(1970, 1, 1).toordinal()

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
CLOCK = (
    r"(?P<hour>[0-9]{1,2})(?P<colon>[:.])(?P<minute>[0-9]{2})"
    r"(?:(?P=colon)(?P<second>[0-9]{2}(?:[.,][0-9]+)?))?(?:\s*(?P<half>[ap])\.?m\.?)?"
)
_ZONE = r"(?:\s*(?P<zone>z|utc|gmt|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}))?"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_TAIL = rf"(?:(?:t|,?\s+|:|\s+at\s+){CLOCK}{_ZONE})?"
FORMS = (
    rf"{_WEEKDAY}(?P<a>[0-9]{{4}})(?P<sign>[-/.])(?P<b>[0-9]{{1,2}})(?P=sign)(?P<c>[0-9]{{1,2}}){_TAIL}",
    rf"{_WEEKDAY}(?P<a>[0-9]{{1,2}})(?P<sign>[-/.])(?P<b>[0-9]{{1,2}})(?P=sign)(?P<c>[0-9]{{4}}|[0-9]{{2}}){_TAIL}",
    rf"{_WEEKDAY}(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?[-\s./]*{_MONTH}[-\s.,/]*(?P<year>[0-9]{{4}}|[0-9]{{2}}){_TAIL}",
    rf"{_WEEKDAY}{_MONTH}\s*(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?\s*,?\s+(?P<year>[0-9]{{4}}){_TAIL}",
    rf"(?P<year>[0-9]{{4}})[-\s.,/]+{_MONTH}(?:[-\s./]+(?P<day>[0-9]{{1,2}}))?{_TAIL}",
    rf"{_MONTH}[-\s.,/]+(?P<year>[0-9]{{4}})",
    r"(?P<year>(?:1[5-9]|20)[0-9]{2})",
    r"(?P<year>[0-9]{4})-(?P<number>[0-9]{2})",
    r"(?P<year>(?:19|20)[0-9]{2})(?P<number>[0-9]{2})(?P<day>[0-9]{2})",
    r"(?P<year>[0-9]{4})-?w(?P<week>[0-9]{2})(?:-?(?P<weekday>[1-7]))?",
)
SPANS = (
    r"(?P<sign>-)?(?:(?P<day>[0-9]+)\s*days?,?\s*)?(?P<plus>\+)?"
    r"(?P<hour>[0-9]+):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}(?:[.,][0-9]+)?))?",
    r"(?P<sign>-)?p?(?:(?P<day>[0-9.]+)\s*d(?:ays?)?)?\s*t?(?:(?P<hour>[0-9.]+)\s*h(?:(?:ou)?rs?)?)?"
    r"\s*(?:(?P<minute>[0-9.]+)\s*m(?:in(?:ute)?s?)?)?\s*(?:(?P<second>[0-9.]+)\s*s(?:ec(?:ond)?s?)?)?",
)


@cache
def _compiled(forms: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Compile when a date is met: that takes longer than reading a small table without one."""
    return tuple(re.compile(form, re.ASCII) for form in forms)


def _first_match(forms: tuple[str, ...], low: str) -> re.Match[str] | None:
    return next((m for form in _compiled(forms) if (m := form.fullmatch(low)) is not None), None)


class Dating(NamedTuple):
    """How the moments of a column are written, and which of their parts become inputs.

    Attributes
    ----------
    what : {"date", "time", "duration"}
        A day or a moment in it; a time of day; a length of time.
    order : {"ymd", "dmy", "mdy"}
        The order of year, month and day in texts of numbers alone.
    parts : tuple of str
        The parts that vary besides the time elapsed: "year", "month", "weekday", "hour".
    """

    what: What
    order: Order = "ymd"
    parts: tuple[str, ...] = ()

    def input_names(self, name: str) -> list[str]:
        """Name the inputs that a column becomes."""
        return [f"{name}: {part}" for part in self.features()]

    def features(self) -> list[str]:
        """Name the numbers that a moment becomes, the elapsed time first."""
        first = {"date": "elapsed days", "time": "hours", "duration": "hours"}[self.what]
        names = [first]
        for part in self.parts:
            names += [f"{part} (sine)", f"{part} (cosine)"] if part in _PERIODS else [part]
        return names

    def standardised(self) -> list[bool]:
        """Tell for each feature whether it is standardised; sines and cosines are not."""
        return [not name.endswith("sine)") for name in self.features()]

    def formulas(self) -> list[Formula]:
        """Give the functions from moments to features, of arithmetic alone, in their order."""
        per_unit = DAY if self.what == "date" else 3600.0
        found: list[Formula] = [lambda seconds: seconds / per_unit]
        for part in self.parts:
            found += _formulas_of(part)
        return found

    def numbers(self, seconds: Floats) -> Floats:
        """Turn moments of shape (n,) into features of shape (n, k); NaN stays NaN in all."""
        known = np.isfinite(seconds)
        elapsed, *parts = self.formulas()
        moments = np.where(known, seconds, 0.0)
        found = [np.where(known, part(moments), np.nan) for part in parts]
        return np.column_stack([elapsed(seconds), *found])


def _days(seconds: Any) -> Any:
    return np.floor(seconds / DAY)


def _calendar(seconds: Any) -> tuple[Any, Any]:
    """Give the year, and the month from 0, of the Gregorian calendar.

    Years begin in March here, and 400 of them have 146,097 days (Hinnant, "chrono-compatible
    low-level date algorithms", 2013). Whole numbers as floats, so that export/tracing.py can
    follow.
    """
    day = _days(seconds) + 719468  # since the first of March of the year 0
    era = np.floor(day / 146097)
    day = day - 146097 * era
    leap_days = np.floor(day / 1460) - np.floor(day / 36524) + np.floor(day / 146096)
    year = np.floor((day - leap_days) / 365)
    day = day - (365 * year + np.floor(year / 4) - np.floor(year / 100))
    month = np.floor((5 * day + 2) / 153)
    is_next = month > 9  # January and February
    return (
        400 * era + year + np.where(is_next, 1, 0),
        np.where(is_next, month - 10, month + 2),
    )


def _beyond(numbers: Any, period: float) -> Any:
    return numbers - period * np.floor(numbers / period)


_PARTS: dict[str, Formula] = {
    "year": lambda seconds: _calendar(seconds)[0],
    "month": lambda seconds: _calendar(seconds)[1],
    # 1970 began on a Thursday
    "weekday": lambda seconds: _beyond(_days(seconds) + 3, 7),
    "hour": lambda seconds: _beyond(seconds, DAY),
}
DATE_PARTS = tuple(_PARTS)
_PERIODS = {"month": 12, "weekday": 7, "hour": DAY}


def _formulas_of(part: str) -> tuple[Formula, ...]:
    """Give what a part becomes; one that recurs lies on a circle, so December is beside January."""
    values = _PARTS[part]
    if part not in _PERIODS:
        return (values,)
    period = _PERIODS[part]
    return (
        lambda seconds: _rounded(np.sin(TURN * (values(seconds) / period))),
        lambda seconds: _rounded(np.cos(TURN * (values(seconds) / period))),
    )


def _rounded(numbers: Any) -> Any:
    """Round to 12 digits: about more of a sine, programs and processors disagree.

    So February and June have one sine, too, and no bin lies between theirs.
    """
    return np.floor(numbers * DIGITS + 0.5) / DIGITS


def varying_parts(what: What, seconds: Floats) -> tuple[str, ...]:
    """Name the parts that vary among moments; NaN are left out."""
    moments = seconds[np.isfinite(seconds)]
    if what == "duration" or not len(moments):
        return ()
    names = ("hour",) if what == "time" else DATE_PARTS
    return tuple(name for name in names if np.ptp(_PARTS[name](moments)) > 0)


# ------------------------------------------------------------------ texts


class FoundDates(NamedTuple):
    """How the moments of a column are written, and what is doubtful about it ("" if nothing)."""

    dating: Dating
    doubt: str


def find_dates(cells: Mapping[str, int], share: float) -> FoundDates | None:
    """Find how dates, times or durations are written, if they are at least a share of the cells.

    Parameters
    ----------
    cells : mapping of str to int
        The different texts of a column, and how often each stands there.
    share : float
        The share of the cells that must be moments.
    """
    total = sum(cells.values())
    matches = {text: match for text in cells if (match := _match(text)) is not None}
    are_years = 2 * sum(len(text.strip()) == 4 for text in matches) > len(matches)
    if matches and not are_years and sum(cells[text] for text in matches) >= share * total:
        order, doubt = _order(list(matches.values()))
        dating = Dating("date", order)
        read = sum(n for text, n in cells.items() if math.isfinite(moment(text, dating)))
        if read >= share * total:
            return FoundDates(dating, doubt)
    whats: list[What] = ["time", "duration"] if any(map(_has_two_units, cells)) else ["time"]
    for dating in map(Dating, whats):
        read = sum(n for text, n in cells.items() if math.isfinite(moment(text, dating)))
        if read >= share * total:
            return FoundDates(dating, "")
    return None


def _has_two_units(text: str) -> bool:
    """Tell whether a text is like 2h 50m; 50m alone may be metres or millions."""
    found = _first_match(SPANS, text.strip().lower())
    return found is not None and sum(bool(found[unit]) for unit in _UNITS) > 1


def _match(text: str) -> re.Match[str] | None:
    low = text.strip().lower()
    if not low[:1].isalnum():
        return None
    return _first_match(FORMS, low)


def _order(matches: list[re.Match[str]]) -> tuple[Order, str]:
    """Decide by all texts whether the day or the month comes first."""
    numeric = [m for m in matches if "a" in m.re.groupindex and len(m["a"]) < 4]
    if 2 * len(numeric) < len(matches):
        return "ymd", ""
    day_first = sum(int(m["a"]) > 12 for m in numeric)
    month_first = sum(int(m["b"]) > 12 for m in numeric)
    if day_first or month_first:
        return ("dmy" if day_first >= month_first else "mdy"), ""
    order: Order = "mdy" if numeric[0]["sign"] == "/" else "dmy"
    first = "the month" if order == "mdy" else "the day"
    return order, f"no cell tells day from month; {first} is taken to come first"


def moment(text: str, dating: Dating) -> float:
    """Read one cell, in seconds; NaN where it is not such a moment."""
    low = text.strip().lower()
    if dating.what == "time":
        found = _first_match((CLOCK,), low)
        is_number = found is not None and found["colon"] == "." and not found["second"]
        return math.nan if found is None or is_number else _clock(found)
    if dating.what == "duration":
        return _span(low)
    found = _match(re.sub(r"^([0-9]{8})\.0+$", r"\1", low))  # 20210304.0, beside a hole
    return math.nan if found is None else _date(found, dating.order)


def _clock(found: re.Match[str]) -> float:
    hour, minute = int(found["hour"]), int(found["minute"])
    second = float((found["second"] or "0").replace(",", "."))
    if found["half"]:
        if not 1 <= hour <= 12:
            return math.nan
        hour = hour % 12 + 12 * (found["half"] == "p")
    if hour > 23 or minute > 59 or second >= 61:
        return math.nan
    return 3600.0 * hour + 60.0 * minute + second


def _span(low: str) -> float:
    for form in _compiled(SPANS):
        found = form.fullmatch(low)
        if found is not None and any(found[u] for u in ("day", "hour", "minute", "second")):
            try:
                units = [float((found[u] or "0").replace(",", ".")) for u in _UNITS]
            except ValueError:
                return math.nan
            parts = [n * u for n, u in zip(units, _UNITS.values(), strict=True)]
            if found["sign"] and ("+" in low or "," in low):  # -1 days +06:00:00 is -18 hours
                return sum(parts[1:]) - parts[0]
            return (-1 if found["sign"] else 1) * sum(parts)
    return math.nan


_UNITS = {"day": DAY, "hour": 3600.0, "minute": 60.0, "second": 1.0}


def _date(found: re.Match[str], order: Order) -> float:
    groups = found.groupdict()
    if groups.get("week"):
        return _week(int(groups["year"]), int(groups["week"]), int(groups["weekday"] or 1))
    if "a" in groups:
        a, b, c = groups["a"], groups["b"], groups["c"]
        if len(a) == 4:
            year, month, day = a, int(b), int(c)
        else:
            year = c
            month, day = (int(a), int(b)) if order == "mdy" else (int(b), int(a))
    else:
        year, day = groups["year"], int(groups.get("day") or 1)
        name = groups.get("month")
        month = MONTHS.index(name[:3]) + 1 if name else int(groups.get("number") or 1)
    days = _days_since_1970(_full_year(year), month, day)
    clock = _clock(found) if groups.get("hour") else 0.0
    return days * DAY + clock - _offset(groups.get("zone"))


def _full_year(year: str) -> int:
    """Read 68 as 2068 and 69 as 1969, as POSIX does."""
    number = int(year)
    return number if len(year) == 4 else number + (1900 if number > 68 else 2000)


def _days_since_1970(year: int, month: int, day: int) -> float:
    """Count the days; NaN where the date does not exist."""
    try:
        return float(date(year, month, day).toordinal() - _FIRST_DAY)
    except ValueError:
        return math.nan


def _week(year: int, week: int, weekday: int) -> float:
    """Find a day by its ISO week: week 1 has the fourth of January."""
    fourth = _days_since_1970(year, 1, 4)
    monday = fourth - (fourth + 3) % 7
    return (monday + 7 * (week - 1) + weekday - 1) * DAY if 1 <= week <= 53 else math.nan


def _offset(zone: str | None) -> float:
    if zone is None or zone in ("z", "utc", "gmt"):
        return 0.0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (3600.0 * int(digits[:2]) + 60.0 * int(digits[2:]))


# ------------------------------------------------------------------ typed columns

_BY_UNIT = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def what_of(kind: pa.DataType) -> What | None:
    """Give the kind of moments that an Arrow type holds; None where it holds none."""
    import pyarrow.types as types

    if types.is_timestamp(kind) or types.is_date(kind):
        return "date"
    if types.is_time(kind):
        return "time"
    return "duration" if types.is_duration(kind) else None


def seconds_of(column: pa.ChunkedArray) -> Floats:
    """Turn an Arrow column of moments into seconds, shape (n,); NaN where a cell is null."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_date32(kind):
        per_unit, whole = 1 / DAY, arrow.cast(column, pa.int32())
    elif pa.types.is_date64(kind):
        per_unit, whole = 1e3, arrow.cast(column, pa.int64())
    else:
        narrow = pa.int32() if pa.types.is_time32(kind) else pa.int64()
        per_unit, whole = _BY_UNIT[kind.unit], arrow.cast(column, narrow)
    seconds: Floats = arrow.to_numpy(arrow.cast(whole, pa.float64(), safe=False))
    return seconds / per_unit
