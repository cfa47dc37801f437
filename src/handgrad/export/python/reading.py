"""The functions of a written Python file that read cells: ``file.py`` copies what it needs.

They read a cell as ``tables/kinds.py`` does, one by one and without Arrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np

from handgrad.tables.dates import Dating, moment
from handgrad.tables.levels import meaning
from handgrad.tables.notation import PLAIN, unit_in
from handgrad.tables.one_cell import is_code, number_of, truth_of


class Column(NamedTuple):
    """How the cells of a column are read, and where they go."""

    name: str
    read: Callable[[Any, Any], tuple[tuple[float, ...], str | None]]
    words: frozenset[str]  # texts for a missing cell
    codes: tuple[float, ...]  # numbers for one
    first: int  # the place of its first number, or -1
    place: int = -1  # the place among the columns with levels
    levels: tuple[str | None, ...] = ()
    other: bool = False  # whether rare levels share an input, behind the levels
    writing: Any = PLAIN  # how its numbers or dates are written


def value_of(cell: Any) -> Any:
    """Give a cell as a value of Python, None where nothing stands there."""
    if isinstance(cell, np.datetime64 | np.timedelta64):
        cell = cell.astype(f"{cell.dtype.name.partition('[')[0]}[us]")
    if isinstance(cell, np.generic):
        cell = cell.item()
    if cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell:
        return None
    return cell


def text_in(column: Column, text: str) -> str | None:
    """Give a text, None where it means a missing cell."""
    bare = text.strip()
    gone = bare in column.words or (column.codes and is_code(bare, column.codes))
    return None if gone else text


def known(column: Column, cell: Any) -> float:
    """Give a number, NaN where it means a missing cell."""
    try:
        value = float(cell)
    except (TypeError, OverflowError):
        value = math.inf
    if math.isinf(value):
        raise ValueError(f"column {column.name!r}: {cell!r} is not a finite number")
    return math.nan if value in column.codes else value


def number_or_word(column: Column, cell: Any) -> tuple[tuple[float, ...], str | None]:
    value = value_of(cell)
    if isinstance(value, str):
        text = text_in(column, value.strip())
        if text is None:
            return (math.nan,), None
        number = number_of(text, column.writing)
        return (known(column, number),), text if math.isnan(number) else None
    return (math.nan if value is None else known(column, value),), None


def number(column: Column, cell: Any) -> tuple[tuple[float, ...], str | None]:
    """Read a number, plain or missing."""
    return without_words(column, number_or_word(column, cell))


def without_words(
    column: Column, found: tuple[tuple[float, ...], str | None]
) -> tuple[tuple[float, ...], str | None]:
    """Refuse a word in a column of numbers."""
    if found[1] is not None:
        raise ValueError(
            f"column {column.name!r}: {found[1]!r} is not a number; mend the cell, or leave it "
            "empty if the value is missing"
        )
    return found[0], None


def number_with_words(column: Column, cell: Any) -> tuple[tuple[float, ...], str | None]:
    """Read a number, or the word that stands in its place; a rarer unit is a word, too."""
    numbers, text = number_or_word(column, cell)
    if text is None and isinstance(cell, str):
        text = unit_in(cell, column.writing)
    return numbers, text


def boolean(column: Column, cell: Any) -> tuple[tuple[float, ...], str | None]:
    """Read yes or no in any spelling; a number stays the number that it is."""
    value = value_of(cell)
    if isinstance(value, str):
        text = text_in(column, value.strip())
        return (math.nan if text is None else truth_of(text),), None
    return (math.nan if value is None else known(column, value),), None


def category(column: Column, cell: Any) -> tuple[tuple[float, ...], str | None]:
    """Read a text, None where it is missing."""
    value = value_of(cell)
    if value is None:
        return (), None
    if isinstance(value, str):
        return (), text_in(column, value)
    if isinstance(value, bool):
        value = str(value).lower()
    return (), None if is_code(str(value), column.codes) else str(value)


def dated(column: Column, cell: Any) -> tuple[tuple[float, ...], str | None]:
    """Read a date, a time or a duration, as a text or as a value of Python or NumPy."""
    value, writing = value_of(cell), column.writing
    assert isinstance(writing, Dating)
    seconds = math.nan
    if isinstance(value, bool | int | float):
        value = f"{known(column, value):.0f}"  # 20210304
    if isinstance(value, str):
        text = text_in(column, value.strip())
        seconds = math.nan if text is None else moment(text, writing)
    elif value is not None and kind_of_moment(value) == writing.what:
        seconds = seconds_in(value)
    return tuple(writing.numbers(np.array([seconds]))[0].tolist()), None


def kind_of_moment(value: Any) -> str:
    if isinstance(value, date):
        return "date"
    return "time" if isinstance(value, time) else "duration"


def seconds_in(value: Any) -> float:
    """Count the seconds since 1970 in UTC, since midnight, or of a duration."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, time):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    aware: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
    elapsed: timedelta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return elapsed.total_seconds()


def place_of(text: str | None, column: Column, exact: dict[Any, int], alike: Any) -> int:
    """Find the input of a level: the same text, one that means the same, or the rare ones'."""
    place = exact.get(text, -1)
    if text is None or place >= 0:
        return place
    place = alike.get(meaning(text), -1)
    return len(column.levels) if place < 0 and column.other else place


def places_of(column: Column) -> tuple[dict[Any, int], dict[Any, int]]:
    """Give the place of each level by its text, and by its meaning: -1 if several mean the same."""
    exact = {level: place for place, level in enumerate(column.levels)}
    alike: dict[Any, int] = {}
    for level, place in exact.items():
        if level is not None:
            alike[meaning(level)] = -1 if meaning(level) in alike else place
    return exact, alike


def mappings(rows: Any, columns: list[Column]) -> list[Any]:
    """Give rows as mappings of column names to cells; frames are divided into rows."""
    for method, given in (("to_dicts", []), ("to_pylist", []), ("to_dict", ["records"])):
        if hasattr(rows, method):
            rows = getattr(rows, method)(*given)
            break
    listed: list[Any] = list(rows)
    for row in listed:
        if lacking := [column.name for column in columns if column.name not in row]:
            raise ValueError(f"a row lacks the columns {lacking}; pass None for a missing cell")
    return listed


def read_rows(rows: Any, columns: list[Column], n_numbers: int) -> tuple[Any, Any, Any]:
    """Read rows, a matrix or mappings of column names to cells.

    Gives the numbers, (n, K), whether the cell of each is missing, (n, K), and the place of the
    level of each column that has levels, (n, columns), -1 for none.
    """
    listed = mappings(rows, columns)
    numbers = np.full((len(listed), n_numbers), math.nan)
    missing = np.zeros(numbers.shape, bool)
    places = np.full((len(listed), 1 + max([-1, *(one.place for one in columns)])), -1)
    for column in columns:
        levels = places_of(column)
        read: dict[str, Any] = {}  # each text once
        for i, row in enumerate(listed):
            cell = row[column.name]
            known_before = read.get(cell) if isinstance(cell, str) else None
            own, text = known_before or column.read(column, cell)
            if isinstance(cell, str):
                read[cell] = own, text
            if own:
                numbers[i, column.first : column.first + len(own)] = own
                missing[i, column.first] = text is None and math.isnan(own[0])
            if column.place >= 0:
                places[i, column.place] = place_of(text, column, *levels)
    return numbers, missing, places


def read_matrix(rows: Any, needed: Any, n_columns: int) -> tuple[Any, Any, Any]:
    """Read a matrix of numbers, whose columns stand in the order of training."""
    if rows.ndim != 2 or rows.shape[1] != n_columns:
        raise ValueError(f"a matrix must have {n_columns} columns; its shape is {rows.shape}")
    numbers = rows[:, needed].astype(np.float64)
    if np.isinf(numbers).any():
        raise ValueError("a number of the matrix is infinite")
    return numbers, np.isnan(numbers), np.full((len(rows), 0), -1)
