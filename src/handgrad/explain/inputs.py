"""How the cells of a row become the inputs of the network, column by column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.explain.printed import printed
from handgrad.output import Spelled, written
from handgrad.tables.columns import is_plain_number, raw_texts
from handgrad.tables.notation import number_in

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.encode import Encoder
    from handgrad.tables.kinds import Column as Planned

Array = NDArray[Any]

NO_NUMBER = "not a number, so the median replaces it"
MISSING = "missing, so the median replaces it"
ROBUST = "z = ", "median", "spread"
INPUT_DIGITS = 6  # of a mean and a deviation
MOST_LEVELS = 6  # levels of a category that are listed


class Column(NamedTuple):
    """One column of the table: its cell in the row, and the inputs made from it."""

    name: str
    cell: str | None  # None where it is missing
    becomes: str  # the rule, with the cell's numbers
    inputs: list[tuple[str, float]]  # the inputs that the column sets, without those at 0


def columns_of(encoder: Encoder, row: pa.Table | Array, x: Array) -> list[Column]:
    """Describe for each column how its cell became inputs.

    Parameters
    ----------
    encoder : Encoder
    row : pyarrow.Table of one row, or array of shape (1, n_columns)
    x : array of shape (N_x,)
        The inputs that the encoder made from it.
    """
    names, numbers, k = encoder.input_names, x.tolist(), len(encoder.mean)
    found = []
    for position, column in enumerate(encoder.plan):
        at = encoder.places[column.name]
        cell = _cell(row, column, position)
        strange = cell is not None and _is_strange(row, column)
        becomes = _STRANGE[column.kind] if strange else _BECOMES[column.kind]
        rule = becomes(encoder, column, cell, numbers)
        inputs = [(names[i], numbers[i]) for i in at if i < k or numbers[i]]
        found.append(Column(column.name, cell, rule, inputs))
    return found


def _cell(row: pa.Table | Array, column: Planned, position: int) -> str | None:
    """Return the text of a cell, None if it is missing."""
    if isinstance(row, np.ndarray):
        value = float(row[0, position])
        return None if np.isnan(value) else f"{value:.10g}"
    if column.kind == "left out" and column.name not in row.column_names:
        return None
    cell: str | None = raw_texts(row, column.name)[0].as_py()
    return None if cell is None or cell.strip() in ("", *column.missing) else cell


def _is_strange(row: pa.Table | Array, column: Planned) -> bool:
    """Whether the column's kind cannot read the cell."""
    if isinstance(row, np.ndarray) or not column.is_used:
        return False
    return bool(column.reads.read(row, column).unknown[0])


def _scaled(encoder: Encoder, column: Planned, cell: str | None, x: list[float]) -> str:
    if encoder.is_identity:
        return "as it is"
    at = encoder.places[column.name][0]
    mean, scale = float(encoder.mean[at]), float(encoder.scale[at])
    origin, text, value = _read(column, cell)
    if encoder.is_robust and not scale:
        return f"{origin}the same in all training rows: 0"
    number = float(encoder.median[at]) if value is None else value
    start, centre, spread = ROBUST if encoder.is_robust else ("", "mean", "deviation")

    def calculation(digits: int) -> Spelled:
        own, middle, width = (written(v, max(digits, INPUT_DIGITS)) for v in (number, mean, scale))
        own = Spelled(text, number) if text else own
        z = (own.value - middle.value) / width.value if width.value else math.nan
        told = f"{start}({own.text} - {centre} {middle.text}) / {spread} {width.text}"
        if not encoder.is_robust:
            return Spelled(told, z)
        return Spelled(f"{told}; z / sqrt(1 + (z / 3)^2)", z / math.sqrt(1 + (z / 3) ** 2))

    return f"{origin}{printed(calculation, x[at])}"


def _read(column: Planned, cell: str | None) -> tuple[str, str, float | None]:
    """Tell how a cell is read; its text if that is a number; the number, None for the median."""
    if cell is None:
        return f"{MISSING}: ", "", None
    value = cell.strip()
    if is_plain_number(value):
        return "", value, float(value)
    number = number_in(value, column.notation)
    if not np.isfinite(number):
        return f"{value} is {NO_NUMBER}: ", "", None
    return f"{value} is {number:.6g}: ", "", number


def _words(encoder: Encoder, column: Planned, cell: str | None, x: list[float]) -> str:
    scaled = _scaled(encoder, column, cell, x)
    if cell is None or NO_NUMBER not in scaled:
        return scaled
    return f"{scaled}; {_one_hot(encoder, column, cell.strip(), x)}"


def _truth(encoder: Encoder, column: Planned, cell: str | None, x: list[float]) -> str:
    at = encoder.places[column.name][0]
    if cell is None:
        return f"{MISSING}: {x[at]:.4g}"
    return f"yes or no, 1 or 0: {x[at]:.4g}"


def _no_truth(encoder: Encoder, column: Planned, cell: str | None, x: list[float]) -> str:
    at = encoder.places[column.name][0]
    is_number = cell is not None and is_plain_number(cell.strip())
    becomes = "it stays that number" if is_number else "the median replaces it"
    return f"neither yes nor no, so {becomes}: {x[at]:.4g}"


def _dated(encoder: Encoder, column: Planned, cell: str | None, x: list[float]) -> str:
    assert column.dating is not None
    parts = ", ".join(column.dating.features())
    return f"missing, so medians replace {parts}" if cell is None else f"split into {parts}"


def _no_date(encoder: Encoder, column: Planned, cell: str | None, x: list[float]) -> str:
    assert column.dating is not None
    parts = ", ".join(column.dating.features())
    return f"not read as a {column.dating.what}, so medians replace {parts}"


def _one_hot(encoder: Encoder, column: Planned, cell: str | None, x: list[float]) -> str:
    place = encoder.plan.with_levels.index(column)
    levels, other = encoder.levels[place], encoder.other[place]
    listed = ", ".join("missing" if level is None else level for level in levels[:MOST_LEVELS])
    more = len(levels) - MOST_LEVELS
    among = f"one of {listed}{f' and {more} more' if more > 0 else ''}"
    n = len(levels) + other
    own = [i for i in encoder.places[column.name][-n:] if x[i]]
    if own and other and own[0] == encoder.places[column.name][-1]:
        return f"{among}; a rare or new level, whose shared input is 1"
    if own:
        return f"{among}; its input is 1, the other {n - 1} are 0"
    what = "missing" if cell is None else "not seen when the model was fitted"
    return f"{among}; {what}, so all {n} are 0"


def _nothing(encoder: Encoder, column: Planned, cell: str | None, x: list[float]) -> str:
    return f"left out: {column.why}"


_BECOMES = {
    "number": _scaled,
    "number with words": _words,
    "boolean": _truth,
    "category": _one_hot,
    "date": _dated,
    "left out": _nothing,
}
_STRANGE = _BECOMES | {"boolean": _no_truth, "date": _no_date}  # cells that the kind cannot read
