"""What one column of a table is, by what most of its cells are."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables import columns as raw
from handgrad.tables.columns import is_plain_number, place
from handgrad.tables.dates import Dating, FoundDates, find_dates, moment, varying_parts, what_of
from handgrad.tables.kinds import (
    FALSE,
    MISSING_IN_NUMBERS,
    MISSING_IN_TEXTS,
    TRUE,
    Column,
    codes_in,
    is_code,
    moments,
    number_cells,
    stripped,
    words_for_missing,
)
from handgrad.tables.levels import meaning
from handgrad.tables.marks import NUMBER, words_are_texts
from handgrad.tables.notation import PLAIN, Notation, find_notation, number_in, unit_in
from handgrad.text import listed, quoted

if TYPE_CHECKING:
    import pyarrow as pa

AS_DECLARED = "as declared"  # the reason that a user gave

EXACT = 2.0**53  # below which a float64 tells whole numbers apart
WRITTEN_OUT = 1e21  # floats up to which may have been whole numbers, with every digit written
MOSTLY = 0.95  # of the cells: so many are dates
NEARLY_ALL = 0.9  # of the texts: so many differ
LONG_TEXT = 40  # letters on average: then that half of the texts differ tells free text
FEWEST_ROWS = 10  # in fewer, that all texts differ says nothing
DOUBTED_FROM = 2 * FEWEST_ROWS  # numbers, of which ids and codes may be told
DENSE = 1.5  # so much wider than their number may ids be spread
FIRST_DAY, LAST_DAY = 19000101, 21001231  # that a number may be
MANY_NUMBERS = 10  # different ones; fewer beside words are levels
FEW_WORDS = 20
MOST_LOOKED_AT = 1000  # levels, among which those that look alike are worth a word
LOOKED_AT_FIRST = 1000  # different texts that tell whether the rest is worth reading


class Wishes(NamedTuple):
    """What the user knows better.

    Attributes
    ----------
    kinds : mapping of str to str
        The kind of some columns.
    missing : mapping of str or None to sequence of str
        More texts that mean missing, of one column or (None) of all.
    decimal, thousands : str or None
        The signs within numbers.
    is_stream : bool
        Whether more rows may come: then nothing is left out because it does not vary yet.
    keeps_constants : bool
        Whether columns are kept that are the same in every row.
    """

    kinds: Mapping[str, str] = {}
    missing: Mapping[str | None, tuple[str, ...]] = {}
    decimal: str | None = None
    thousands: str | None = None
    is_stream: bool = False
    keeps_constants: bool = False

    @property
    def takes_constants(self) -> bool:
        """Whether a column may be used that does not vary."""
        return self.is_stream or self.keeps_constants

    def missing_of(self, name: str) -> tuple[str, ...]:
        """Give the additional words of one column."""
        return (*self.missing.get(None, ()), *self.missing.get(name, ()))


NO_WISHES = Wishes()


# ------------------------------------------------------------------ one column


def column_of(table: pa.Table, name: str, wishes: Wishes) -> Column:
    declared = wishes.kinds.get(name)
    if declared == "left out":
        return Column(name, declared, AS_DECLARED)
    kind = raw.value_kind_of(table, name)
    more = wishes.missing_of(name)
    if kind == "moment":
        return _declared(table, name, declared, more, wishes) or _typed_dates(
            table, name, more, wishes
        )
    if kind == "empty":
        return empty_column(name, wishes)
    if kind in ("number", "boolean"):
        is_level = raw.kind_of(table, name) == "category" and kind == "number"
        wanted = declared or ("category" if is_level else None)
        return _declared(table, name, wanted, more, wishes) or _numbers(table, name, more, wishes)
    return _declared(table, name, declared, more, wishes) or _texts(table, name, more, wishes)


def empty_column(name: str, wishes: Wishes) -> Column:
    if wishes.is_stream:
        return Column(name, "number", "nothing there yet")
    return Column(name, "left out", "no cell is filled")


def _declared(
    table: pa.Table, name: str, kind: str | None, more: tuple[str, ...], wishes: Wishes
) -> Column | None:
    """Make the column that the user, or the type of the column, declares it to be."""
    if kind is None:
        return None
    why = AS_DECLARED if name in wishes.kinds else "a categorical column"
    if kind == "category":
        cells = _cells(table, name, _missing_in_texts(table, name, more), trimmed=False)
        return _category(table, name, cells, more, why)
    column = Column(name, kind, why, missing=words_for_missing(MISSING_IN_NUMBERS, more))
    if kind == "boolean":
        return _declared_boolean(table, column)
    if kind == "date":
        return _declared_dates(table, column, wishes)
    return _declared_numbers(table, column, wishes)


def plan_of_target(table: pa.Table, name: str, wishes: Wishes = NO_WISHES) -> Column:
    """Decide how the numbers of a column to predict are written.

    Raises
    ------
    DataError
        If most cells are no numbers.
    """
    column = Column(name, missing=words_for_missing(MISSING_IN_NUMBERS, wishes.missing_of(name)))
    if not raw.has_texts(table, name):
        return column
    cells = _cells(table, name, column.missing)
    found = find_notation(cells, wishes.decimal, wishes.thousands) if cells else None
    if cells and found is None:
        row, cell = _first_not_a_number(table, column)
        raise DataError(
            f"{place(table, name, row)}: {quoted(cell)} is no number, nor are most others of the "
            "column"
        )
    if found is None:
        return column
    notation = found.notation._replace(units=())
    return column._replace(notation=notation, doubts=(found.doubt,) if found.doubt else ())


def _first_not_a_number(table: pa.Table, column: Column) -> tuple[int, str]:
    values, present = number_cells(table, column)
    row = int((present & np.isnan(values)).argmax())
    return row, stripped(table, column.name)[row].as_py()


def target_numbers(table: pa.Table, column: Column) -> npt.NDArray[np.float64]:
    """Read the numbers to predict, shape (n,); NaN where they are missing.

    Raises
    ------
    DataError
        If a cell is neither a number nor missing; the message names it.
    """
    if raw.value_kind_of(table, column.name) == "moment":
        raw.numbers(table, column.name)  # says what to do instead
    reading = column.reads.read(table, column)
    if reading.unknown.any():
        row = int(reading.unknown.argmax())
        cell = stripped(table, column.name)[row].as_py()
        try:
            column.reads.check(table, column, reading)
        except DataError as error:
            raise DataError(
                f"{error}; if {quoted(cell)} means missing, say so (--missing "
                f"{shlex.quote(f'{column.name}={cell}')})"
            ) from None
    return reading.numbers[:, 0]


def _declared_boolean(table: pa.Table, column: Column) -> Column:
    reading = column.reads.read(table, column)
    odd = reading.unknown
    if not odd.any():
        return column
    alone = table.select([column.name])
    words = Counter(stripped(alone.take(np.flatnonzero(odd)), column.name).to_pylist())
    if 2 * words.total() >= (odd | ~reading.missing).sum():
        raise DataError(
            f"column {column.name!r} cannot be booleans: most cells are neither yes nor no, such "
            f"as {quoted(next(iter(words)))}"
        )
    doubt = f"{_counted(words)} are neither yes nor no: taken for {column.reads.taken_for}"
    return column._replace(doubts=(doubt,))


def _declared_numbers(table: pa.Table, column: Column, wishes: Wishes) -> Column:
    if raw.value_kind_of(table, column.name) == "moment":
        what = raw.decoded(table, column.name).type
        raise DataError(f"column {column.name!r} cannot be numbers: it holds {what}; take date")
    if not raw.has_texts(table, column.name):
        return column._replace(kind="number")
    cells = _cells(table, column.name, column.missing)
    found = find_notation(cells, wishes.decimal, wishes.thousands) if cells else None
    notation = found.notation if found else PLAIN
    words = [text for text in cells if np.isnan(_value(text, notation))]
    if words and len(words) == len(cells):
        raise DataError(f"column {column.name!r} cannot be numbers: {quoted(words[0])} is none")
    return column._replace(
        kind="number with words" if words else "number", notation=notation, n_levels=len(words)
    )


def _declared_dates(table: pa.Table, column: Column, wishes: Wishes) -> Column:
    name = column.name
    if raw.value_kind_of(table, name) == "moment":
        return _typed_dates(table, name, column.missing, wishes)._replace(why=column.why)
    cells = _cells(table, name, column.missing)
    found = find_dates(cells, 0.5) if cells else None
    if found is None:
        raise DataError(f"column {name!r} cannot be dates: most cells are none that is known")
    doubts = tuple(_doubts_of_dates(cells, found))
    return _with_parts(table, column._replace(dating=found.dating, doubts=doubts), wishes)


# ------------------------------------------------------------------ typed columns


def _typed_dates(table: pa.Table, name: str, more: tuple[str, ...], wishes: Wishes) -> Column:
    what = what_of(raw.decoded(table, name).type)
    if what is None:
        raise DataError(
            f"column {name!r} has the type {table.column(name).type}, which is no date, time or "
            "duration that can be learnt from; convert it, or drop the column"
        )
    column = Column(
        name,
        "date",
        _WHAT[what],
        missing=words_for_missing(MISSING_IN_NUMBERS, more),
        dating=Dating(what),
    )
    return _with_parts(table, column, wishes)


_WHAT = {"date": "dates", "time": "times of day", "duration": "durations"}


def _with_parts(table: pa.Table, column: Column, wishes: Wishes) -> Column:
    assert column.dating is not None
    seconds, _ = moments(table, column, column.dating)
    known = seconds[np.isfinite(seconds)]
    if not len(known) and not wishes.is_stream:
        return empty_column(column.name, wishes)
    is_constant = len(known) == len(seconds) and len(known) > 0 and np.ptp(known) == 0
    if is_constant and not wishes.takes_constants:
        return constant_column(column.name)
    parts = varying_parts(column.dating.what, seconds)
    return column._replace(dating=column.dating._replace(parts=parts))


def _numbers(table: pa.Table, name: str, more: tuple[str, ...], wishes: Wishes) -> Column:
    """Take a typed column of numbers or booleans for what its values are."""
    missing = words_for_missing(MISSING_IN_NUMBERS, more)
    values, present = number_cells(table, Column(name, missing=missing))
    column = _by_values(name, values[present], len(values), missing, wishes)
    if column.kind == "number" and raw.value_kind_of(table, name) == "boolean":
        return column._replace(kind="boolean", why="true and false", doubts=())
    if column.kind == "number" and _lose_digits(values[present], raw.are_exact(table, name)):
        return column._replace(doubts=(LOST_DIGITS, *column.doubts))
    return column


LOST_DIGITS = (
    "whole numbers beyond 2**53 are read to about 16 digits, so that some that differ may become "
    "equal: are they ids? Then leave the column out, or declare it a category"
)


def _lose_digits(values: Any, are_exact: bool) -> bool:
    """Tell whole numbers too long for a float64; a float as large as 1e300 was never one."""
    largest = np.abs(values).max(initial=0)
    if largest < EXACT or (largest > WRITTEN_OUT and not are_exact):
        return False
    return are_exact or not (values % 1).any()


def _doubt_of_digits(cells: Mapping[str, int], notation: Notation = PLAIN) -> Iterator[str]:
    long = (text for text in cells if len(text) >= LONG_NUMBER and not _EXPONENT.search(text))
    if any(abs(_value(text, notation)) >= EXACT for text in long):
        yield LOST_DIGITS


LONG_NUMBER = 16  # digits
_EXPONENT = re.compile(r"[0-9.][eE][+-]?[0-9]")


def _by_values(
    name: str,
    values: Any,
    n: int,
    missing: tuple[str, ...],
    wishes: Wishes,
    notation: Notation = PLAIN,
) -> Column:
    """Take numbers for what they are: 0 and 1 a boolean, one alone nothing, else a number."""
    if not len(values):
        return empty_column(name, wishes)
    low, high = values.min(), values.max()
    is_exact = max(-low, high) < EXACT
    if low == high and len(values) == n and is_exact and not wishes.takes_constants:
        return constant_column(name)
    is_plain = notation.is_plain
    if is_plain and low == 0 and high == 1 and bool(((values == 0) | (values == 1)).all()):
        return zeros_and_ones(name, missing)
    if is_plain and _are_compact_dates(values, low, high):
        return _compact_dates(name, values, missing)
    with np.errstate(over="ignore"):  # numbers of 1e308 may be infinitely far apart
        doubts = tuple(_doubts_of_numbers(name, values, low, high))
    return numbers_column(name, missing, notation)._replace(doubts=doubts)


def constant_column(name: str) -> Column:
    return Column(name, "left out", "all cells are the same")


def zeros_and_ones(name: str, missing: tuple[str, ...]) -> Column:
    return Column(name, "boolean", "0 and 1", missing=missing)


def numbers_column(name: str, missing: tuple[str, ...], notation: Notation = PLAIN) -> Column:
    return Column(name, why=f"numbers{_such_as(notation)}", missing=missing, notation=notation)


def _such_as(notation: Notation) -> str:
    return "" if notation.is_plain else f" such as {notation}"


def _are_compact_dates(values: Any, low: float, high: float) -> bool:
    """Tell 20210304: whole numbers each of which is a date, many of them."""
    if not (FIRST_DAY <= low < high <= LAST_DAY) or (values % 1).any():
        return False
    distinct = np.unique(values)
    if len(distinct) < FEWEST_ROWS:
        return False
    month, day = distinct // 100 % 100, distinct % 100
    return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


def _compact_dates(name: str, values: Any, missing: tuple[str, ...]) -> Column:
    dating = Dating("date")
    distinct = np.unique(values)
    seconds = np.array([moment(f"{value:.0f}", dating) for value in distinct])
    parts = varying_parts("date", seconds)
    return Column(
        name,
        "date",
        "dates such as 20210304",
        missing=missing,
        dating=dating._replace(parts=parts),
    )


def _doubts_of_numbers(name: str, values: Any, low: float, high: float) -> Iterator[str]:
    n = len(values)
    if n >= DOUBTED_FROM and _may_be_an_id(name, values, low, high):
        yield f"all {n:,} whole numbers differ: are they ids? Then leave the column out"
    for extreme in (low, high) if low < high else ():
        share = (values == extreme).sum()
        if share < 2 or n < DOUBTED_FROM:
            continue
        rest = values[values != extreme]
        near, far = rest.min(), rest.max()
        gap = near - low if extreme == low else high - far
        if near < far and gap > far - near:
            yield (
                f"{extreme:g} stands {share:,} times, far from the rest ({near:g} to {far:g}): "
                "does it mean missing? Then declare it so"
            )


_LIKE_AN_ID = re.compile(
    r"(?i)(?:^|[^a-z])(?:id|nr|no|index|key|code|number)(?:$|[^a-z])|(?<=[a-z])I[Dd]$"
)


def is_named_like_an_id(name: str) -> bool:
    return _LIKE_AN_ID.search(name) is not None


def _may_be_an_id(name: str, values: Any, low: float, high: float) -> bool:
    n = len(values)
    if not (high - low < DENSE * n or is_named_like_an_id(name)) or (values[:1000] % 1).any():
        return False
    some = values[:1000]
    return (
        len(np.unique(some)) == len(some) and not (values % 1).any() and len(np.unique(values)) == n
    )


# ------------------------------------------------------------------ texts


def _cells(
    table: pa.Table, name: str, missing: Collection[str], *, trimmed: bool = True
) -> dict[str, int]:
    """Count the different texts of a column that are not missing, blanks around them left out."""
    import pyarrow.compute as pc

    texts = stripped(table, name) if trimmed else raw.raw_texts(table, name)
    counted = pc.value_counts(texts)
    values, counts = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    gone, codes = {"", *missing}, codes_in(tuple(missing))
    return {
        text: n
        for text, n in zip(values, counts, strict=True)
        if text is not None and text.strip() not in gone and not (codes and is_code(text, codes))
    }


def _texts(table: pa.Table, name: str, more: tuple[str, ...], wishes: Wishes) -> Column:
    """Take a column of texts for what most of its cells are."""
    in_numbers = words_for_missing(MISSING_IN_NUMBERS, more)
    cells = _cells(table, name, in_numbers)
    if not cells:
        return _only_missing_words(table, name, more, wishes)
    is_full = sum(cells.values()) == table.num_rows
    is_constant = is_full and not wishes.takes_constants
    boolean = _boolean(name, cells, in_numbers, is_constant=is_constant)
    if raw.kind_of(table, name) == "category":
        return boolean or _level_column(table, name, more, wishes)
    return (
        boolean
        or _plain_numbers(table, name, cells, in_numbers, wishes)
        or _dates(table, name, cells, in_numbers, wishes)
        or _other_numbers(name, cells, in_numbers, wishes, table.num_rows)
        or _level_column(table, name, more, wishes)
    )


def _only_missing_words(
    table: pa.Table, name: str, more: tuple[str, ...], wishes: Wishes
) -> Column:
    """Take a column of which each cell could mean missing for texts, where these words may be."""
    if _cells(table, name, _missing_in_texts(table, name, more)):
        return _level_column(table, name, more, wishes)
    return empty_column(name, wishes)


def _boolean(
    name: str, cells: Mapping[str, int], missing: tuple[str, ...], *, is_constant: bool
) -> Column | None:
    words = {text.casefold() for text in cells}
    if not words <= TRUE | FALSE:
        return None
    is_one_sided = not (words & TRUE and words & FALSE)
    if is_one_sided and (is_constant or any(map(is_plain_number, words))):
        return None
    return Column(name, "boolean", " and ".join(sorted(cells)[:2]), missing=missing)


def _plain_numbers(
    table: pa.Table,
    name: str,
    cells: Mapping[str, int],
    missing: tuple[str, ...],
    wishes: Wishes,
) -> Column | None:
    if wishes.decimal not in (None, ".") or wishes.thousands == ".":
        return None
    if not all(map(_is_number, cells)) or _are_dotted(cells):
        return None
    column = Column(name, missing=missing)
    values, present = number_cells(table, column)
    if (endless := present & np.isnan(values)).any():
        where = place(table, name, int(endless.argmax()))
        cell = stripped(table, name)[int(endless.argmax())].as_py()
        raise DataError(raw.not_a_number(where, cell))
    found = _by_values(name, values[present], len(values), missing, wishes)
    doubts = (*_doubt_of_digits(cells), *found.doubts, *_doubt_of_zeros(cells))
    return found._replace(doubts=doubts)


def _is_number(text: str) -> bool:
    """Tell a number as programs write it, infinite ones too."""
    return _NUMBER.match(text) is not None


_NUMBER = re.compile(NUMBER)
DOTTED = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"  # 1.500, which may be 1500
WITH_A_ZERO = r"^0[0-9]+$"


def _are_dotted(cells: Mapping[str, int]) -> bool:
    """Tell texts such as 1.500, of which a plain reading need not be the right one."""
    dotted = [text for text in list(cells)[:LOOKED_AT_FIRST] if "." in text]
    return bool(dotted) and all(re.search(DOTTED, text) for text in dotted)


def _doubt_of_zeros(cells: Mapping[str, int]) -> Iterator[str]:
    with_zero = [text for text in cells if re.search(WITH_A_ZERO, text)]
    if with_zero:
        yield (
            f"{quoted(with_zero[0])} begins with a zero: are these codes? Then declare the column "
            "a category"
        )


def _dates(
    table: pa.Table,
    name: str,
    cells: Mapping[str, int],
    missing: tuple[str, ...],
    wishes: Wishes,
) -> Column | None:
    some = dict(list(cells.items())[:LOOKED_AT_FIRST])
    found = find_dates(some, 0.8) and find_dates(cells, MOSTLY)
    if not found:
        return None
    dating = found.dating
    column = Column(name, "date", _WHAT[dating.what], missing=missing, dating=dating)
    column = column._replace(doubts=tuple(_doubts_of_dates(cells, found)))
    return _with_parts(table, column, wishes)


def _doubts_of_dates(cells: Mapping[str, int], found: FoundDates) -> Iterator[str]:
    if found.doubt:
        yield f"{found.doubt}, as in {quoted(next(iter(cells)))}"
    odd = {t: n for t, n in cells.items() if np.isnan(moment(t, found.dating))}
    if odd:
        yield f"{_counted(odd)} are no {_WHAT[found.dating.what]} and count as missing"


def _other_numbers(
    name: str,
    cells: Mapping[str, int],
    missing: tuple[str, ...],
    wishes: Wishes,
    n_rows: int,
) -> Column | None:
    """Take texts for numbers in one notation, or numbers with a few words among them."""
    some = dict(list(cells.items())[:LOOKED_AT_FIRST])
    if find_notation(some, wishes.decimal, wishes.thousands) is None:
        return None
    found = find_notation(cells, wishes.decimal, wishes.thousands)
    if found is None:
        return None
    notation = found.notation
    values = {text: _value(text, notation) for text in cells}
    words = {text: n for text, n in cells.items() if np.isnan(values[text])}
    numbers = np.array([value for value in values.values() if not np.isnan(value)])
    if not _are_numbers_with_words(cells, words, numbers):
        return None
    for text, n in cells.items():
        if (unit := unit_in(text, notation)) is not None:
            words[unit] = words.get(unit, 0) + n
    doubts = [found.doubt] if found.doubt else []
    doubts += _doubt_of_digits(cells, notation)
    if not words:
        n = len(numbers) if sum(cells.values()) == n_rows else len(numbers) + 1
        column = _by_values(name, numbers, n, missing, wishes, notation)
        # The different values alone were looked at: how often each stands is not known here.
        return column._replace(doubts=(*doubts, *_doubt_of_zeros(cells)))
    total, n_plain = sum(cells.values()), sum(cells.values()) - sum(words.values())
    doubts.append(
        f"{n_plain:,} of {total:,} cells are numbers{_such_as(notation)}; beside them stand "
        f"{_counted(words)}, each an input of its own where it is frequent enough"
    )
    return Column(
        name,
        "number with words",
        f"numbers{_such_as(notation)}, and {_counted(words, 3)}",
        missing=missing,
        notation=notation,
        n_levels=len(words),
        doubts=tuple(doubts),
    )


def _value(text: str, notation: Notation) -> float:
    if notation.is_plain and is_plain_number(text):
        return float(text) if np.isfinite(float(text)) else np.nan
    return number_in(text, notation)


def _are_numbers_with_words(
    cells: Mapping[str, int], words: Mapping[str, int], numbers: Any
) -> bool:
    total, n_words = sum(cells.values()), sum(words.values())
    if not words:
        return True
    if 2 * n_words > total or len(np.unique(numbers)) < MANY_NUMBERS:
        return False
    is_slip = n_words <= 0.1 * total
    return is_slip or len(words) <= FEW_WORDS or 5 * len(words) <= n_words


def _counted(words: Mapping[str, int], most: int = 5) -> str:
    ordered = sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))
    some = ", ".join(f"{quoted(word)} ({n:,})" for word, n in ordered[:most])
    return some + (f" and {len(words) - most:,} more" if len(words) > most else "")


# ------------------------------------------------------------------ levels


def _missing_in_texts(table: pa.Table, name: str, more: tuple[str, ...]) -> tuple[str, ...]:
    """Give the words that mean missing, without those that stand as texts in a typed column."""
    words: tuple[str, ...] = MISSING_IN_TEXTS
    if raw.value_kind_of(table, name) != "csv" or words_are_texts(table.schema.field(name)):
        there = set(stripped(table, name).unique().to_pylist())
        words = tuple(word for word in words if word not in there)
    return words_for_missing(words, more)


def _level_column(table: pa.Table, name: str, more: tuple[str, ...], wishes: Wishes) -> Column:
    cells = _cells(table, name, _missing_in_texts(table, name, more), trimmed=False)
    total, n_rows = sum(cells.values()), table.num_rows
    is_declared = raw.kind_of(table, name) == "category"
    is_constant = len(cells) == 1 and total == n_rows
    if is_constant and not is_declared and not wishes.takes_constants:
        return constant_column(name)
    if not wishes.is_stream and not is_declared:
        if total >= FEWEST_ROWS and len(cells) >= NEARLY_ALL * total:
            return Column(name, "left out", f"{len(cells):,} of {total:,} differ")
        if total >= FEWEST_ROWS and 2 * len(cells) >= total and _are_long(cells):
            return Column(name, "left out", f"free text: {len(cells):,} of {total:,} differ")
    why = "a categorical column" if is_declared else different_texts(len(cells))
    return _category(table, name, cells, more, why)


def different_texts(n: int) -> str:
    return f"{n:,} different texts"


def _are_long(cells: Mapping[str, int]) -> bool:
    return sum(map(len, cells)) >= LONG_TEXT * len(cells)


def _category(
    table: pa.Table, name: str, cells: Mapping[str, int], more: tuple[str, ...], why: str
) -> Column:
    missing = _missing_in_texts(table, name, more)
    doubts = list(_doubts_of_levels(cells))
    return Column(name, "category", why, missing=missing, n_levels=len(cells), doubts=tuple(doubts))


def _doubts_of_levels(cells: Mapping[str, int]) -> Iterator[str]:
    alike: dict[Any, list[str]] = {}
    for text in cells:
        alike.setdefault(gist(text), []).append(text)
    groups = [group for group in alike.values() if len(group) > 1]
    if groups and len(cells) <= MOST_LOOKED_AT:
        yield f"{listed(groups[0])} look alike, but each counts as a level of its own"
    total = sum(cells.values())
    if total >= FEWEST_ROWS and 2 * len(cells) > total:
        yield f"{len(cells):,} different texts in {total:,} cells: most levels are seen once"


def gist(text: str) -> Any:
    """Give what levels that look alike have in common: 1 and 1.0, yes and Yes."""
    same = meaning(text)
    return " ".join(same.split()).casefold() if isinstance(same, str) else same
