"""Recognise what one column of a table is, by what most of its cells are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import DataError
from handgrad.tables import columns as raw
from handgrad.tables.columns import is_number, is_plain_number, place
from handgrad.tables.dates import Dating, FoundDates, find_dates, moment, varying_parts, what_of
from handgrad.tables.kinds import (
    MISSING_IN_NUMBERS,
    Column,
    constant_column,
    empty_column,
    moments,
    number_cells,
    stripped,
    words_for_missing,
)
from handgrad.tables.marks import counts_of, n_rows_of
from handgrad.tables.notation import PLAIN, find_notation, unit_in
from handgrad.tables.one_cell import (
    FALSE,
    TRUE,
    number_of,
)
from handgrad.tables.recognition.categories import (
    BY_ITS_TYPE,
    category,
    distinct_texts,
    level_texts,
    levels_or_left_out,
)
from handgrad.tables.recognition.numbers import (
    LOOKED_AT_FIRST,
    are_dotted,
    by_values,
    column_of_numbers,
    doubts_of_spelling,
    doubts_of_zeros,
    such_as,
)
from handgrad.tables.recognition.wishes import AS_DECLARED, Wishes
from handgrad.text import quoted

if TYPE_CHECKING:
    import pyarrow as pa

    Cells = Mapping[str, int]  # the different texts of a column, and how often each stands there

MOSTLY = 0.95  # of the cells: where this many are dates, the column is
MANY_NUMBERS = 10  # different ones; fewer beside words are levels
FEW_WORDS = 20
_MOMENTS = {"date": "dates", "time": "times of day", "duration": "durations"}


def column_of(table: pa.Table, name: str, wishes: Wishes) -> Column:
    """Decide what a column is: what it is declared to be, or else what most of its cells are.

    Raises
    ------
    DataError
        If nothing can be learnt from its type, or it cannot be what it is declared to be.
    """
    declared = wishes.kinds.get(name)
    if declared == "left out":
        return Column(name, declared, AS_DECLARED)
    kind = raw.value_kind_of(table, name)
    if kind == "empty":
        return empty_column(name, is_stream=wishes.is_stream)
    is_level = kind == "number" and raw.kind_of(table, name) == "category"
    if wanted := declared or ("category" if is_level else None):
        return _declared(table, name, wanted, wishes)
    if kind == "moment":
        return _typed_moments(table, _numeric(name, wishes), wishes)
    if kind in ("number", "boolean"):
        return column_of_numbers(table, name, wishes)
    return _of_texts(table, name, wishes)


def _numeric(name: str, wishes: Wishes) -> Column:
    """Begin the description of a column of numbers, dates or booleans."""
    return Column(name, missing=words_for_missing(MISSING_IN_NUMBERS, wishes.missing_of(name)))


# ------------------------------------------------------------------ declared columns


def _declared(table: pa.Table, name: str, kind: str, wishes: Wishes) -> Column:
    """Describe the column as what the user, or the type of the column, declares it to be."""
    why = AS_DECLARED if name in wishes.kinds else BY_ITS_TYPE
    if kind == "category":
        return category(name, *level_texts(table, name, wishes), why)
    column = _numeric(name, wishes)._replace(kind=kind, why=why)
    if kind == "boolean":
        return _declared_boolean(table, column)
    if kind == "date":
        return _declared_dates(table, column, wishes)
    return _declared_numbers(table, column, wishes)


def _declared_boolean(table: pa.Table, column: Column) -> Column:
    reading = column.reads.read(table, column)
    odd = reading.unknown
    if not odd.any():
        return column
    alone = table.select([column.name])
    words, counts = Counter[str](), counts_of(table)
    each = np.ones(len(odd), np.int64) if counts is None else counts
    texts = stripped(alone.take(np.flatnonzero(odd)), column.name).to_pylist()
    for text, n in zip(texts, each[odd].tolist(), strict=True):
        words[text] += n
    if 2 * words.total() >= each[odd | ~reading.missing].sum():
        raise DataError(
            f"column {column.name!r} cannot be booleans: most cells are neither yes nor no, such "
            f"as {quoted(next(iter(words)))}"
        )
    doubt = f"{_counted(words)} are neither yes nor no; each counts as {column.reads.taken_for}"
    return column._replace(doubts=(doubt,))


def _declared_numbers(table: pa.Table, column: Column, wishes: Wishes) -> Column:
    if raw.value_kind_of(table, column.name) == "moment":
        kind = raw.decoded(table, column.name).type
        raise DataError(
            f"column {column.name!r} cannot be numbers: it holds {kind}; declare it a date"
        )
    if not raw.has_texts(table, column.name):
        return column._replace(kind="number")
    cells = distinct_texts(table, column.name, column.missing)
    found = find_notation(cells, wishes.decimal, wishes.thousands)
    notation = found.notation if found else PLAIN
    words = [text for text in cells if np.isnan(number_of(text, notation))]
    if words and len(words) == len(cells):
        raise DataError(f"column {column.name!r} cannot be numbers: {quoted(words[0])} is not one")
    return column._replace(
        kind="number with words" if words else "number", notation=notation, n_levels=len(words)
    )


def _declared_dates(table: pa.Table, column: Column, wishes: Wishes) -> Column:
    name = column.name
    if raw.value_kind_of(table, name) == "moment":
        return _typed_moments(table, column, wishes)._replace(why=column.why)
    cells = distinct_texts(table, name, column.missing)
    found = find_dates(cells, 0.5) if cells else None
    if found is None:
        raise DataError(
            f"column {name!r} cannot be dates: most cells are in no known format of dates"
        )
    doubts = tuple(_doubts_of_dates(cells, found))
    return _with_parts(table, column._replace(dating=found.dating, doubts=doubts), wishes)


# ------------------------------------------------------------------ dates


def _typed_moments(table: pa.Table, column: Column, wishes: Wishes) -> Column:
    name = column.name
    what = what_of(raw.decoded(table, name).type)
    if what is None:
        raise DataError(
            f"column {name!r} has the type {table.column(name).type}, which is not a date, "
            "time or duration that can be learnt from; convert it, or drop the column"
        )
    column = column._replace(kind="date", why=_MOMENTS[what], dating=Dating(what))
    return _with_parts(table, column, wishes)


def _with_parts(table: pa.Table, column: Column, wishes: Wishes) -> Column:
    assert column.dating is not None
    seconds, _ = moments(table, column, column.dating)
    known = seconds[np.isfinite(seconds)]
    if not len(known) and not wishes.is_stream:
        return empty_column(column.name, is_stream=False)
    is_constant = len(known) == len(seconds) and len(known) > 0 and np.ptp(known) == 0
    if is_constant and not wishes.takes_constants:
        return constant_column(column.name)
    parts = varying_parts(column.dating.what, seconds)
    return column._replace(dating=column.dating._replace(parts=parts))


def _doubts_of_dates(cells: Cells, found: FoundDates) -> Iterator[str]:
    if found.doubt:
        yield f"{found.doubt}, as in {quoted(next(iter(cells)))}"
    odd = {t: n for t, n in cells.items() if np.isnan(moment(t, found.dating))}
    if odd:
        yield f"{_counted(odd)} are not {_MOMENTS[found.dating.what]} and count as missing"


# ------------------------------------------------------------------ texts


def _of_texts(table: pa.Table, name: str, wishes: Wishes) -> Column:
    """Recognise a column of texts by what most of its cells are."""
    column = _numeric(name, wishes)
    cells = distinct_texts(table, name, column.missing)
    if not cells:  # all words mean missing among numbers; some may be levels among texts
        if level_texts(table, name, wishes)[0]:
            return levels_or_left_out(table, name, wishes)
        return empty_column(name, is_stream=wishes.is_stream)
    is_constant = sum(cells.values()) == n_rows_of(table) and not wishes.takes_constants
    boolean = _boolean(column, cells, is_constant=is_constant)
    if raw.kind_of(table, name) == "category":
        return boolean or levels_or_left_out(table, name, wishes)
    return (
        boolean
        or _plain_numbers(table, column, cells, wishes)
        or _dates(table, column, cells, wishes)
        or _other_numbers(column, cells, wishes, n_rows_of(table))
        or levels_or_left_out(table, name, wishes)
    )


def _boolean(column: Column, cells: Cells, *, is_constant: bool) -> Column | None:
    words = {text.casefold() for text in cells}
    if not words <= TRUE | FALSE:
        return None
    is_one_sided = not (words & TRUE and words & FALSE)
    if is_one_sided and (is_constant or any(map(is_plain_number, words))):
        return None
    return column._replace(kind="boolean", why=" and ".join(sorted(cells)[:2]))


def _plain_numbers(table: pa.Table, column: Column, cells: Cells, wishes: Wishes) -> Column | None:
    if wishes.decimal not in (None, ".") or wishes.thousands == ".":
        return None
    if not all(map(is_number, cells)) or are_dotted(cells):
        return None
    values, present = number_cells(table, column)
    if (endless := present & np.isnan(values)).any():
        row = int(endless.argmax())
        cell = stripped(table, column.name)[row].as_py()
        raise DataError(raw.not_a_number(place(table, column.name, row), cell))
    counts = counts_of(table)
    found = by_values(
        column, values[present], len(values), wishes, None if counts is None else counts[present]
    )
    doubts = (*doubts_of_spelling(cells), *found.doubts, *doubts_of_zeros(cells))
    return found._replace(doubts=doubts)


def _dates(table: pa.Table, column: Column, cells: Cells, wishes: Wishes) -> Column | None:
    found = find_dates(_first_few(cells), 0.8) and find_dates(cells, MOSTLY)
    if not found:
        return None
    doubts = tuple(_doubts_of_dates(cells, found))
    why = _MOMENTS[found.dating.what]
    column = column._replace(kind="date", why=why, dating=found.dating, doubts=doubts)
    return _with_parts(table, column, wishes)


def _first_few(cells: Cells) -> Cells:
    return dict(list(cells.items())[:LOOKED_AT_FIRST])


def _other_numbers(column: Column, cells: Cells, wishes: Wishes, n_rows: int) -> Column | None:
    """Recognise numbers in one notation, or numbers with a few words among them."""
    if find_notation(_first_few(cells), wishes.decimal, wishes.thousands) is None:
        return None
    found = find_notation(cells, wishes.decimal, wishes.thousands)
    if found is None:
        return None
    notation = found.notation
    values = {text: number_of(text, notation) for text in cells}
    words = {text: n for text, n in cells.items() if np.isnan(values[text])}
    numbers = np.array([value for value in values.values() if not np.isnan(value)])
    if not _are_numbers_with_words(cells, words, numbers):
        return None
    for text, n in cells.items():
        if (unit := unit_in(text, notation)) is not None:
            words[unit] = words.get(unit, 0) + n
    column = column._replace(notation=notation)
    doubts = [found.doubt] if found.doubt else []
    doubts += doubts_of_spelling(cells, notation)
    total = sum(cells.values())
    if not words:
        # The different values alone are looked at: how often each stands is not known here.
        n = len(numbers) if total == n_rows else len(numbers) + 1
        doubts += doubts_of_zeros(cells)
        return by_values(column, numbers, n, wishes)._replace(doubts=tuple(doubts))
    doubts.append(
        f"{total - sum(words.values()):,} of {total:,} cells are numbers{such_as(notation)}; "
        f"beside them stand {_counted(words)}, each an input of its own where it is frequent enough"
    )
    return column._replace(
        kind="number with words",
        why=f"numbers{such_as(notation)}, and {_counted(words, 3)}",
        n_levels=len(words),
        doubts=tuple(doubts),
    )


def _are_numbers_with_words(cells: Cells, words: Cells, numbers: Any) -> bool:
    total, n_words = sum(cells.values()), sum(words.values())
    if not words:
        return True
    if 2 * n_words > total or len(np.unique(numbers)) < MANY_NUMBERS:
        return False
    is_slip = n_words <= 0.1 * total
    return is_slip or len(words) <= FEW_WORDS or 5 * len(words) <= n_words


def _counted(words: Cells, most: int = 5) -> str:
    ordered = sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))
    some = ", ".join(f"{quoted(word)} ({n:,})" for word, n in ordered[:most])
    return some + (f" and {len(words) - most:,} more" if len(words) > most else "")
