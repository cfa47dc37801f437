"""Dates, times and durations mean the same in every spelling and in every typed column."""

import math
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pytest

from handgrad.tables.dates import Dating, find_dates, moment, seconds_of, varying_parts, what_of

FORMATS = [
    *("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m/%d/%y"),
    *("%b %d, %Y", "%B %d, %Y", "%d %B %Y", "%d-%b-%y", "%d-%b-%Y", "%a %b %d %Y", "%Y-%b-%d"),
    *("%A, %d %B %Y", "%d. %B %Y"),
]
TIMED = [
    *("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"),
    *("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00", "%B %d, %Y at %H:%M:%S"),
]


def days():
    return [datetime(2019, 1, 1, tzinfo=UTC) + timedelta(days=7 * i, hours=i) for i in range(150)]


@pytest.mark.parametrize("form", FORMATS)
def test_dates_are_read_in_every_spelling(form):
    cells = {day.strftime(form): day.date() for day in days()}
    found = find_dates(dict.fromkeys(cells, 1), 0.95)
    assert found is not None
    assert found.doubt == ""
    for text, day in cells.items():
        midnight = datetime.combine(day, time(), UTC)
        assert moment(text, found.dating) == midnight.timestamp(), text


@pytest.mark.parametrize("form", TIMED)
def test_times_of_a_day_are_read_with_it(form):
    cells = {day.strftime(form): day for day in days()}
    found = find_dates(dict.fromkeys(cells, 1), 0.95)
    assert found is not None
    for text, day in cells.items():
        assert moment(text, found.dating) == day.timestamp(), text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2021-03-04T12:30:00+02:00", 1614853800),
        ("2021-03-04 12:30:00 -0130", 1614866400),
        ("2021-03-04 12:30:00.25", 1614861000.25),
        ("2021-03", 1614556800),
        ("March 2021", 1614556800),
        ("2021, March", 1614556800),
        ("2021-W10", 1615161600 - 7 * 86400 * 0),
        ("20210304", 1614816000),
        ("1969-12-31", -86400),
    ],
)
def test_rarer_spellings(text, seconds):
    assert moment(text, Dating("date")) == seconds


@pytest.mark.parametrize("text", ["2021-02-30", "2021-13-01", "", "x", "32.1.2020", "12:30", "1.2"])
def test_what_is_no_date_is_nan(text):
    assert math.isnan(moment(text, Dating("date", "dmy")))


def test_day_and_month_are_told_apart_by_the_whole_column():
    assert find_dates({"01/02/2020": 1, "13/02/2020": 1}, 0.9).dating.order == "dmy"
    assert find_dates({"01/02/2020": 1, "02/13/2020": 1}, 0.9).dating.order == "mdy"
    either = find_dates({"01/02/2020": 1, "02/03/2020": 1}, 0.9)
    assert either.dating.order == "mdy"
    assert "month is taken to come first" in either.doubt
    assert find_dates({"01.02.2020": 1, "02.03.2020": 1}, 0.9).dating.order == "dmy"


@pytest.mark.parametrize(
    ("cells", "what", "seconds"),
    [
        (["14:30", "02:15"], "time", [52200, 8100]),
        (["2:30 PM", "12:05 am"], "time", [52200, 300]),
        (["18.00.00", "07.30.15"], "time", [64800, 27015]),
        (["2h 50m", "19h", "5m"], "duration", [10200, 68400, 300]),
        (["1 days 02:03:04", "0 days 00:00:01"], "duration", [93784, 1]),
        (["-1 days +06:00:22", "-1 day, 23:00:00"], "duration", [-64778, -3600]),
        (["25:10:00", "100:00:30"], "duration", [90600, 360030]),
        (["P1DT2H", "PT30M"], "duration", [93600, 1800]),
    ],
)
def test_times_and_durations(cells, what, seconds):
    found = find_dates(dict.fromkeys(cells, 1), 0.95)
    assert found is not None
    assert found.dating.what == what
    assert [moment(text, found.dating) for text in cells] == seconds


@pytest.mark.parametrize(
    "cells", [["1.5", "2.25"], ["14M", "201M"], ["5m", "7m"], ["red"], ["1999", "2001"], ["1-2-3"]]
)
def test_what_is_no_column_of_dates_is_none(cells):
    assert find_dates(dict.fromkeys(cells, 1), 0.95) is None


@pytest.mark.parametrize(
    ("values", "kind", "what"),
    [
        (days(), pa.timestamp("us", "Europe/Berlin"), "date"),
        (days(), pa.timestamp("s", "UTC"), "date"),
        ([day.replace(tzinfo=None) for day in days()], pa.timestamp("ns"), "date"),
        ([day.date() for day in days()], pa.date32(), "date"),
        ([day.date() for day in days()], pa.date64(), "date"),
        ([day.time() for day in days()], pa.time64("us"), "time"),
        ([day.time() for day in days()], pa.time32("s"), "time"),
        ([timedelta(hours=i) for i in range(5)], pa.duration("ms"), "duration"),
    ],
)
def test_typed_columns_are_the_same_seconds(values, kind, what):
    column = pa.chunked_array([pa.array([*values, None], kind)])
    assert what_of(kind) == what
    seconds = seconds_of(column)
    assert math.isnan(seconds[-1])
    assert seconds[:-1].tolist() == pytest.approx([expected(value) for value in values])


def expected(value):
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).timestamp()
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC).timestamp()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.hour * 3600 + value.minute * 60 + value.second


def test_parts_are_those_of_the_calendar():
    moments = [datetime(2021, 3, 4, 6, tzinfo=UTC), datetime(2022, 12, 25, 18, tzinfo=UTC)]
    seconds = np.array([day.timestamp() for day in moments])
    dating = Dating("date", parts=varying_parts("date", seconds))
    assert dating.parts == ("year", "month", "weekday", "hour")
    x = dating.numbers(np.array([*seconds, np.nan]))
    assert x.shape == (3, len(dating.features())) == (3, 8)
    assert np.isnan(x[2]).all()
    for row, day in zip(x, moments, strict=False):
        assert row[0] == pytest.approx(day.timestamp() / 86400)
        assert row[1] == day.year
        for at, share in ((2, (day.month - 1) / 12), (4, day.weekday() / 7), (6, day.hour / 24)):
            angle = 2 * math.pi * share
            assert row[at : at + 2].tolist() == pytest.approx([math.sin(angle), math.cos(angle)])


def test_only_what_varies_becomes_an_input():
    day = 86400.0
    assert varying_parts("date", np.arange(5) * day) == ("weekday",)
    assert varying_parts("date", np.arange(5) * day / 24) == ("hour",)
    assert varying_parts("time", np.arange(5) * 60.0) == ("hour",)
    assert varying_parts("duration", np.arange(5) * 60.0) == ()
    assert varying_parts("date", np.full(3, np.nan)) == ()


def test_parts_are_those_of_the_calendar_over_a_thousand_years():
    seconds = np.arange(-250_000, 250_000, 7) * 86400.0 + 5000.5
    days = np.floor(seconds / 86400).astype(np.int64).astype("datetime64[D]")
    months = days.astype("datetime64[M]").astype(np.int64)
    dating = Dating("date", "ymd", ("year", "month", "weekday"))
    found = dict(zip(dating.features(), dating.numbers(seconds).T, strict=True))
    np.testing.assert_array_equal(found["year"], months // 12 + 1970)
    for part, turn in (("month", months % 12 / 12), ("weekday", (days.astype(int) + 3) % 7 / 7)):
        for wave, function in (("sine", np.sin), ("cosine", np.cos)):
            expected = function(2 * np.pi * turn)
            np.testing.assert_allclose(found[f"{part} ({wave})"], expected, rtol=0, atol=1e-12)


def test_the_same_sine_is_one_number():
    """Else a bin may lie between two sines that differ by rounding, elsewhere in another way."""
    months = np.array([datetime(2020, month, 1, tzinfo=UTC).timestamp() for month in range(1, 13)])
    sines = Dating("date", "ymd", ("month",)).numbers(months)[:, 1]
    assert len(np.unique(sines)) == 7
    assert sines[0] == sines[6] == 0
