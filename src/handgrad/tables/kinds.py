"""The kinds of columns: how each reads its cells, and what its cells become.

Each kind owns all that depends on it. CSV text and typed columns are both read by the kind, so
that a cell means the same in both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables import arrow
from handgrad.tables import columns as raw
from handgrad.tables.columns import place, value_kind_of
from handgrad.tables.dates import Dating, moment, seconds_of, what_of
from handgrad.tables.marks import WORDS_FOR_MISSING
from handgrad.tables.notation import PLAIN, Notation, unit_in
from handgrad.tables.one_cell import (
    Cells,
    One,
    Unusual,
    codes_in,
    is_code,
    number_of,
    truth_of,
)
from handgrad.text import quoted

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MISSING_IN_NUMBERS = ("", *WORDS_FOR_MISSING)
MISSING_IN_TEXTS = raw.MISSING_WORDS  # fewer, for None and n/a are often levels

SHOWN_EXAMPLES = 3  # of unknown cells, in a note
ALL_BY_CHANCE = 100  # cells; up to this many may all be rare by chance
MOST_EXAMPLES = SHOWN_EXAMPLES + 1  # one more tells that there are more


def words_for_missing(usual: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Add the user's words for a missing cell to the usual ones.

    An empty word among them replaces the usual ones: then NA is a level.
    """
    if "" in more:
        return tuple(dict.fromkeys(("", *more)))
    return tuple(dict.fromkeys((*usual, *more)))


class Column(NamedTuple):
    """What one column of a table was taken for, and why.

    Attributes
    ----------
    name : str
    kind : str
        "number", "number with words", "boolean", "category", "date" or "left out".
    why : str
        The reason, in a few words; "as declared" where the user said so.
    missing : tuple of str
        Texts that mean a missing cell, besides an empty one; numbers among them count in any
        spelling.
    notation : Notation
        How the numbers of texts are written.
    dating : Dating or None
        How dates are written, and which of their parts become inputs.
    n_levels : int
        The number of different texts, in a category or as words beside numbers; else 0.
    doubts : tuple of str
        What may be an oversight, one sentence each.
    """

    name: str
    kind: str = "number"
    why: str = ""
    missing: tuple[str, ...] = MISSING_IN_NUMBERS
    notation: Notation = PLAIN
    dating: Dating | None = None
    n_levels: int = 0
    doubts: tuple[str, ...] = ()

    @property
    def is_used(self) -> bool:
        """Whether it becomes inputs."""
        return self.kind != LeftOut.name

    @property
    def reads(self) -> Kind:
        """The kind that knows how to read it."""
        return KINDS[self.kind]


class Reading(NamedTuple):
    """The cells of a column as their kind reads them."""

    numbers: Floats  # (n, k), NaN where there is no number; k may be 0
    missing: Mask  # (n,): nothing stands there, or nothing that could be read
    texts: pa.LargeStringArray | None  # (n,) to be found among levels; null where nothing is
    unknown: Mask  # (n,): present, but not of this kind


class Unknown(NamedTuple):
    """Cells of one column that the model does not know.

    Where rare levels share an input, their names are not kept, so they count as unknown.

    Attributes
    ----------
    column : str
    n, n_present : int
        The number of unknown cells and of all present ones.
    examples : tuple of str
        The first few different ones.
    taken_for : str
        What the network got instead.
    may_be_rare : bool
        Whether they may have occurred in training, too rarely to be kept.
    """

    column: str
    n: int
    n_present: int
    examples: tuple[str, ...]
    taken_for: str
    may_be_rare: bool = False

    @property
    def is_drift(self) -> bool:
        """Whether no present cell of the column is known, beyond what chance could do."""
        return self.n == self.n_present > (ALL_BY_CHANCE if self.may_be_rare else 1)

    def __add__(self, more: object) -> Unknown:
        """Add the unknown cells of the same column in a further part of the table."""
        assert isinstance(more, Unknown)
        examples = tuple(dict.fromkeys((*self.examples, *more.examples)))[:MOST_EXAMPLES]
        n, n_present = self.n + more.n, self.n_present + more.n_present
        which = self if self.n else more
        return which._replace(n=n, n_present=n_present, examples=examples)

    def __str__(self) -> str:
        """Describe them in one sentence."""
        shown = ", ".join(map(quoted, self.examples[:SHOWN_EXAMPLES]))
        if len(self.examples) > SHOWN_EXAMPLES:
            shown += ", ..."
        seen = "that are rare or were not seen" if self.may_be_rare else "not seen"
        return (
            f"column {self.column!r}: {self.n:,} of {self.n_present:,} cells hold values {seen} "
            f"when the model was fitted ({shown}); each counts as {self.taken_for}"
        )


class Kind:
    """One kind of column. The methods take the `Column`, which says how its cells are written."""

    name: ClassVar[str]
    plural: ClassVar[str]
    has_levels: ClassVar[bool] = False
    says_its_doubts: ClassVar[bool] = False  # whether they are about how cells are read
    taken_for: ClassVar[str] = "missing"  # what an unknown cell counts as

    def number_names(self, column: Column) -> list[str]:
        """Name the numbers that a cell becomes."""
        return [column.name]

    def scaled(self, column: Column) -> list[bool]:
        """Tell for each of these numbers whether it is standardised."""
        return [True]

    def read(self, table: pa.Table, column: Column) -> Reading:
        """Read all cells of the column."""
        raise NotImplementedError

    def read_one(self, column: Column, cells: Cells, cell: Any) -> One:
        """Read one cell of Python, to the same as ``read`` does.

        Raises
        ------
        Unusual
            If only ``read`` can tell what the cell means.
        """
        raise Unusual

    def check(self, table: pa.Table, column: Column, reading: Reading) -> None:
        """Refuse cells that cannot be read as this kind; most kinds only count them.

        Raises
        ------
        DataError
            The message names the cell.
        """


class Number(Kind):
    """A quantity: one standardised number."""

    name, plural = "number", "numbers"

    def read(self, table: pa.Table, column: Column) -> Reading:
        values, present = number_cells(table, column)
        missing = np.isnan(values)
        return Reading(values[:, None], missing, None, missing & present)

    def read_one(self, column: Column, cells: Cells, cell: Any) -> One:
        value, word = cells.number(cell)
        if word is not None:
            raise Unusual
        return One((value,))

    def check(self, table: pa.Table, column: Column, reading: Reading) -> None:
        if reading.unknown.any():
            raise DataError(_not_a_number(table, column, int(reading.unknown.argmax())))


class NumberWithWords(Kind):
    """A quantity where a word stands now and then: the number, and an input for each word."""

    name, plural = "number with words", "numbers with words"
    has_levels = True
    says_its_doubts = True

    def read(self, table: pa.Table, column: Column) -> Reading:
        values, present = number_cells(table, column)
        is_number = arrow.of_flags(~(np.isnan(values) & present))
        texts = arrow.blanked(stripped(table, column.name), is_number)
        if column.notation.units:
            texts = _with_units(texts, stripped(table, column.name), column.notation)
        return Reading(values[:, None], ~present, texts, np.zeros(len(values), dtype=bool))

    def read_one(self, column: Column, cells: Cells, cell: Any) -> One:
        if column.notation.units:
            raise Unusual
        value, word = cells.number(cell)
        return One((value,), word)


class Boolean(Kind):
    """Yes or no in any spelling: one input, 1 or 0."""

    name, plural = "boolean", "booleans"
    taken_for = "missing, or as the number that it is"

    def scaled(self, column: Column) -> list[bool]:
        return [False]

    def read(self, table: pa.Table, column: Column) -> Reading:
        if raw.has_texts(table, column.name):
            cells, present = _present_texts(table, column)
            values = _by_text(cells, truth_of)
        else:
            values, present = number_cells(table, column)
        # A number other than 0 and 1 stays the number that it is, but is counted.
        unknown = present & (values != 0) & (values != 1)
        return Reading(values[:, None], np.isnan(values), None, unknown)

    def read_one(self, column: Column, cells: Cells, cell: Any) -> One:
        if type(cell) is str:
            cell = cells.text(cell)
            value = math.nan if cell is None else truth_of(cell)
        else:
            value = cells.typed(int(cell) if type(cell) is bool else cell)
        return One((value,))


class Category(Kind):
    """One of several levels: an input for each level that is frequent enough."""

    name, plural = "category", "categories"
    has_levels = True

    def number_names(self, column: Column) -> list[str]:
        return []

    def scaled(self, column: Column) -> list[bool]:
        return []

    def read(self, table: pa.Table, column: Column) -> Reading:
        cells, present = _present_texts(table, column, trimmed=False)
        n = len(present)
        return Reading(np.empty((n, 0)), ~present, cells, np.zeros(n, dtype=bool))

    def read_one(self, column: Column, cells: Cells, cell: Any) -> One:
        if type(cell) is str:
            return One((), cells.text(cell))
        is_missing = math.isnan(cells.typed(cell))
        if not is_missing and type(cell) is not int:
            raise Unusual
        return One((), None if is_missing else str(cell))


class Date(Kind):
    """A date, a time of day or a duration: the time elapsed, and the parts that vary."""

    name, plural = "date", "dates"
    says_its_doubts = True

    def number_names(self, column: Column) -> list[str]:
        assert column.dating is not None
        return column.dating.input_names(column.name)

    def scaled(self, column: Column) -> list[bool]:
        assert column.dating is not None
        return column.dating.standardised()

    def read(self, table: pa.Table, column: Column) -> Reading:
        assert column.dating is not None
        seconds, present = moments(table, column, column.dating)
        missing = np.isnan(seconds)
        return Reading(column.dating.numbers(seconds), missing, None, missing & present)

    def read_one(self, column: Column, cells: Cells, cell: Any) -> One:
        assert column.dating is not None
        if type(cell) is not str and cell is not None:
            raise Unusual
        text = None if cell is None else cells.text(cell)
        seconds = math.nan if text is None else moment(text, column.dating)
        return One(tuple(column.dating.numbers(np.array([seconds]))[0].tolist()))


class LeftOut(Kind):
    """A column that is the same in all rows, or different in each: no input."""

    name = "left out"

    def number_names(self, column: Column) -> list[str]:
        return []

    def scaled(self, column: Column) -> list[bool]:
        return []


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (Number(), NumberWithWords(), Boolean(), Category(), Date(), LeftOut())
}


def constant_column(name: str) -> Column:
    return Column(name, LeftOut.name, "all cells are the same")


def empty_column(name: str, *, is_stream: bool) -> Column:
    """Describe a column without a cell; of a stream, numbers may still come."""
    if is_stream:
        return Column(name, why="nothing there yet")
    return Column(name, LeftOut.name, "no cell is filled")


# ------------------------------------------------------------------ cells


def stripped(table: pa.Table, name: str) -> pa.LargeStringArray:
    """Give a column as texts without the blanks around them; a null stays null."""
    return arrow.trimmed(raw.raw_texts(table, name))


def number_cells(table: pa.Table, column: Column) -> tuple[Floats, Mask]:
    """Read a column as numbers, shape (n,), NaN where there is none; tell which are present."""
    kind = value_kind_of(table, column.name)
    if kind in ("number", "boolean", "empty"):
        values = raw.numbers(table, column.name)
        if codes := codes_in(column.missing):
            values = np.where(np.isin(values, codes), np.nan, values)
        return values, ~np.isnan(values)
    if kind == "moment":
        there = arrow.are_there(table.column(column.name))
        return np.full(len(there), np.nan), there
    cells, present = _present_texts(table, column)
    values = parsed(cells, column.notation)
    if codes := codes_in(column.missing):
        gone = np.isin(values, list(codes))
        return np.where(gone, np.nan, values), present & ~gone
    return values, present


def moments(table: pa.Table, column: Column, dating: Dating) -> tuple[Floats, Mask]:
    """Read a column as seconds, shape (n,), NaN where there are none; tell which are present."""
    kind = value_kind_of(table, column.name)
    if kind == "moment":
        values = raw.decoded(table, column.name)
        seconds = seconds_of(values)
        there = ~np.isnan(seconds)
        return (seconds if what_of(values.type) == dating.what else seconds * np.nan), there
    if kind == "number":  # 20210304, as whole numbers or as floats
        values, present = number_cells(table, column)
        known = {v: moment(f"{v:.0f}", dating) for v in np.unique(values[present]).tolist()}
        return np.array([known.get(v, math.nan) for v in values.tolist()]), present
    cells, present = _present_texts(table, column)
    return _by_text(cells, lambda text: moment(text, dating)), present


def _present_texts(
    table: pa.Table, column: Column, *, trimmed: bool = True
) -> tuple[pa.LargeStringArray, Mask]:
    """Give the cells as texts, null where they are missing; and which are present."""
    cells = raw.raw_texts(table, column.name)
    bare = arrow.trimmed(cells)
    if raw.has_texts(table, column.name):
        gone = arrow.are_among(bare, ("", *column.missing))
        cells = bare if trimmed else cells
        cells = arrow.blanked(cells, gone) if gone.true_count else cells
    cells = _without_codes(cells, column.missing)
    return cells, arrow.are_there(cells)


def _without_codes(cells: pa.LargeStringArray, missing: tuple[str, ...]) -> pa.LargeStringArray:
    """Make numbers that mean a missing cell null, however they are spelt."""
    codes = codes_in(missing)
    if not codes:
        return cells
    gone = _by_text(cells, lambda text: float(is_code(text, codes))) == 1
    return arrow.blanked(cells, arrow.of_flags(gone))


def _with_units(
    words: pa.LargeStringArray, cells: pa.LargeStringArray, notation: Notation
) -> pa.LargeStringArray:
    """Add to the words the units of those numbers whose unit is not that of most."""
    places, distinct = arrow.coded(cells)
    units = arrow.of_texts([*(unit_in(text, notation) for text in distinct), None])
    return arrow.filled(words, arrow.take(units, arrow.of_places(places)))


def parsed(cells: pa.LargeStringArray, notation: Notation) -> Floats:
    """Turn texts into numbers, shape (n,); NaN where a cell is null or not a finite number."""
    import pyarrow as pa

    if notation.is_plain:
        try:
            values: Floats = arrow.to_numpy(arrow.cast(cells, pa.float64()))
        except pa.ArrowInvalid:
            values = np.full(len(cells), np.inf)
        if np.isfinite(values).sum() + cells.null_count == len(values):
            return values
    return _by_text(cells, lambda text: number_of(text, notation))


def _by_text(cells: pa.LargeStringArray, value_of: Callable[[str], float]) -> Floats:
    """Give the value of each text, asked for once; NaN for a null."""
    places, distinct = arrow.coded(cells)
    values = np.array([*map(value_of, distinct), math.nan], dtype=np.float64)
    found: Floats = values[places]
    return found


def _not_a_number(table: pa.Table, column: Column, row: int) -> str:
    where = place(table, column.name, row)
    if not raw.has_texts(table, column.name):
        return f"{where}: {quoted(table.column(column.name)[row])} is not a number"
    cell = stripped(table, column.name)[row].as_py()
    if column.notation.is_plain:
        return raw.not_a_number(where, cell)
    return (
        f"{where}: {quoted(cell)} is not a number such as {column.notation}, as the others of the "
        "column are; mend the cell, or leave it empty if the value is missing"
    )
