"""Every column of a file gets a name of its own; columns that say nothing are left out.

Notes say what is left out or renamed; only what cannot be guessed is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from handgrad.errors import DataError
from handgrad.tables import arrow
from handgrad.tables.marks import PLAIN_NUMBER
from handgrad.text import listed, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    import pyarrow as pa

    Record = tuple[int, Sequence[object]]  # a line and its cells

NO_HEADER = "--no-header (in Python header=False)"


class Named(NamedTuple):
    positions: list[int]  # of the columns that are kept
    names: list[str]  # theirs
    notes: list[str]


# ------------------------------------------------------------------ the header


def check_header(names: Sequence[str]) -> list[str]:
    """Check that a row can be a header; give notes on it.

    Raises
    ------
    DataError
        If the row can only be data.
    """
    there = [name for name in names if name]
    data_like = [name for name in there if is_like_data(name)]
    twice = _repeated(data_like)
    if not data_like or (not twice and _counts_up(data_like)):
        return []
    if len(data_like) == len(there):
        raise DataError(
            f"the first row must name the columns, but it holds only numbers ({listed(there)}); "
            f"if the file has no header row, read it with {NO_HEADER}; otherwise name the columns"
        )
    if twice:
        raise DataError(
            f"the first row seems to be data, since {listed(twice)} cannot name several columns; "
            f"if the file has no header row, read it with {NO_HEADER}"
        )
    return [
        f"the first row looks like data ({listed(data_like)}) and was taken as the header; if the "
        f"file has none, read it with {NO_HEADER}"
    ]


def is_like_data(name: str) -> bool:
    return name == "?" or re.fullmatch(PLAIN_NUMBER, name) is not None


def _counts_up(names: list[str]) -> bool:
    """Tell whether names count up, as years do, or the names that pandas gives to columns."""
    if len(names) < 3 or not all(re.fullmatch(r"0|[1-9][0-9]{0,8}", name) for name in names):
        return False
    return all(int(b) - int(a) == 1 for a, b in pairwise(names))


# ------------------------------------------------------------------ the columns


def named(
    names: Sequence[str],
    empty: Collection[int],
    is_index: Callable[[], bool],
    records: Iterable[Record],
) -> Named:
    """Name each column of a table by its header, in which "" is no name.

    `empty` are the places of the columns without a cell; `is_index` tells whether the first column
    numbers the rows. Records below the header, each with its line, may turn out to be the header.

    Raises
    ------
    DataError
        If no column is left.
    """
    dropped = [p for p, name in enumerate(names) if not name and p in empty]
    left_out = set(dropped)
    kept = [p for p in range(len(names)) if p not in left_out]
    notes = _notes_on_empty(dropped)
    if kept[:1] == [0] and not names[0] and len(kept) > 1 and is_index():
        kept = kept[1:]
        notes.append("the first column has no name and numbers the rows; it was left out")
    if not kept:
        raise DataError("the table has no columns: its header holds no name, its rows no cell")
    nameless = [p for p in kept if not names[p]]
    _check_names_suffice(nameless, kept, records)
    called = _called([names[p] for p in kept], kept)
    if nameless:
        new = [name for name, p in zip(called, kept, strict=True) if not names[p]]
        notes.append(f"{_numbered(nameless)} no name in the header; the name is now {listed(new)}")
    return _distinct(Named(kept, called, notes))


def numbered(n: int) -> Named:
    """Name the columns of a file without a header."""
    return Named(list(range(n)), [f"column {p + 1}" for p in range(n)], [])


def is_empty(column: pa.ChunkedArray) -> bool:
    return int(column.null_count) == len(column)


def _notes_on_empty(empty: list[int]) -> list[str]:
    if not empty:
        return []
    return [f"{_numbered(empty)} neither a name nor a cell; left out"]


def is_row_index(column: pa.ChunkedArray) -> bool:
    """Tell whether a column holds whole numbers that all differ, as a row index does."""
    import pyarrow as pa

    if column.null_count or arrow.n_distinct(column) < len(column):
        return False
    if not pa.types.is_string(column.type):
        return pa.types.is_integer(column.type)  # type: ignore[no-any-return]
    return bool(arrow.all_of(arrow.match(column, r"^[+-]?[0-9]+$")))


def _check_names_suffice(nameless: list[int], kept: list[int], records: Iterable[Record]) -> None:
    n_named = len(kept) - len(nameless)
    if len(nameless) < 2 or n_named > len(nameless) or kept[0] in nameless:
        return
    lines = (line for line, cells in records if sum(cell != "" for cell in cells) > n_named)
    n_lines = next(lines, 2) - 1
    raise DataError(
        f"the first row names only {n_named} of {len(kept)} columns; if it is a title, skip what "
        f"precedes the header with --skip {n_lines} (in Python skip={n_lines}); if the file has no "
        f"header row, read it with {NO_HEADER}"
    )


def _called(names: list[str], positions: list[int]) -> list[str]:
    taken = set(names)
    return [
        name or _free(f"column {p + 1}", taken) for name, p in zip(names, positions, strict=True)
    ]


def _free(name: str, taken: set[str], start: int = 1) -> str:
    """Take the name, or the first of name.1, name.2 and so on that is free."""
    free = name
    while free in taken:
        free, start = f"{name}.{start}", start + 1
    taken.add(free)
    return free


def _distinct(found: Named) -> Named:
    """Rename the second and later columns of one name, as pandas does."""
    twice = _repeated(found.names)
    if not twice:
        return found
    taken, seen, names, new = set(found.names), Counter[str](), [], []
    for name in found.names:
        names.append(_free(name, taken, seen[name]) if name in seen else name)
        seen[name] += 1
        new += names[-1:] if names[-1] != name else []
    notes = [f"{listed(twice)} {_occurs(twice)} in the header more than once"]
    notes[0] += f"; the later ones are now {listed(new)}"
    return Named(found.positions, names, found.notes + notes)


def check_distinct(names: Sequence[str], kind: str) -> None:
    """Refuse absent and repeated names in a kind of file that should have neither.

    Raises
    ------
    DataError
        The message gives all of them.
    """
    faults = []
    if nameless := [p for p, name in enumerate(names) if not name]:
        faults.append(f"{_numbered(nameless)} no name")
    if twice := _repeated(names):
        faults.append(f"{listed(twice)} {_occurs(twice)} twice or more")
    if faults:
        raise DataError(
            f"the columns of {kind} must have different names, but {' and '.join(faults)}; rename "
            "the columns and write the file again"
        )


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1 and name]


def _occurs(names: list[str]) -> str:
    return "occurs" if len(names) == 1 else "occur"


def _numbered(positions: list[int]) -> str:
    """Begin a sentence: column 2 has; columns 2, 3 have."""
    if len(positions) == 1:
        return f"column {positions[0] + 1} has"
    shown = ", ".join(str(p + 1) for p in positions[:10])
    more = f" and {len(positions) - 10} more" if len(positions) > 10 else ""
    return f"columns {shown}{more} have"


# ------------------------------------------------------------------ the rows


def n_filled(columns: pa.Table) -> int:
    """Count the rows up to the last that has a cell; all rows of a single column count."""
    n = int(columns.num_rows)
    if columns.num_columns < 2 or not n or _has_cell(columns.slice(n - 1)):
        return n
    import numpy as np

    filled = np.zeros(n, dtype=bool)
    for column in columns.columns:
        filled |= arrow.are_there(column)
    return n - int(filled[::-1].argmax()) if filled.any() else 0


def notes_on_empty_rows(n: int) -> list[str]:
    if not n:
        return []
    rows = "1 row" if n == 1 else f"{n:,} rows"
    return [f"{rows} at the end of the file held no cell; left out"]


def _has_cell(row: pa.Table) -> bool:
    return any(column.null_count < len(column) for column in row.columns)


# ------------------------------------------------------------------ a single column


def hint_of_separator(names: Sequence[str], cells: Iterable[str | None]) -> list[str]:
    """Suggest a separator for the cells of a table that came out as a single column."""
    if len(names) != 1:
        return []
    rows = [cell for cell in cells if cell]
    for sign in ",;\t|: ^~/":
        n = names[0].count(sign)
        if sign == " " and not any(is_like_data(part) for row in rows for part in row.split()):
            continue  # a text of several words
        if n and rows and all(_n_parts(row, sign) == _n_parts(names[0], sign) for row in rows):
            shown = "'\\t'" if sign == "\t" else repr(sign)
            return [
                f"the table has a single column, {quoted(names[0])}; if {shown} separates its "
                f"cells, read it with --separator {shown} (in Python separator={shown})"
            ]
    return []


def _n_parts(text: str, sign: str) -> int:
    return len(text.split()) if sign == " " else text.count(sign) + 1
