"""How the cells of a row become the inputs of the network, column by column."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.tables.columns import raw_texts, texts
from handgrad.tables.encode import Encoder

if TYPE_CHECKING:
    import pyarrow as pa

Array = NDArray[Any]

MOST_LEVELS = 6  # of a category that are listed


class Column(NamedTuple):
    """One column of the table: what stood in the row, and what became of it."""

    name: str
    cell: str | None  # None where it is missing
    becomes: str  # the rule, with the cell's numbers
    inputs: list[tuple[str, float]]  # the inputs that the column sets, those at 0 left out


def columns_of(encoder: Encoder, row: "pa.Table | Array", x: Array) -> list[Column]:
    """Say of each column how its cell became inputs.

    Parameters
    ----------
    encoder : Encoder
    row : pyarrow.Table of one row, or array of shape (1, n_columns)
    x : array of shape (N_x,)
        What the encoder made of it.
    """
    flagged = np.cumsum(encoder.indicator) * encoder.indicator  # 1, 2, ... where there is a flag
    number = category = 0
    flag, level = len(encoder.mean), len(encoder.mean) + int(encoder.indicator.sum())
    names, numbers = encoder.input_names, x.tolist()
    found = []
    for name, is_number in zip(encoder.names, encoder.numeric.tolist(), strict=True):
        if is_number:
            places = [number]
            if flagged[number]:
                places.append(flag + int(flagged[number]) - 1)
            cell = _number_cell(row, name, number)
            becomes = _scaled(encoder, number, cell, numbers[number])
            number += 1
        else:
            levels = encoder.levels[category]
            places = list(range(level, level + len(levels)))
            cell = _text_cell(row, name)
            becomes = _one_hot(levels, cell)
            level += len(levels)
            category += 1
        inputs = [(names[at], numbers[at]) for at in places if is_number or numbers[at]]
        found.append(Column(name, cell, becomes, inputs))
    return found


def _number_cell(row: "pa.Table | Array", name: str, position: int) -> str | None:
    if isinstance(row, np.ndarray):
        value = float(row[0, position])
        return None if np.isnan(value) else f"{value:.10g}"
    return _text_cell(row, name)


def _text_cell(row: Any, name: str) -> str | None:
    if not texts(row, name)[0].is_valid:
        return None
    cell: str = raw_texts(row, name)[0].as_py()
    return cell


def _scaled(encoder: Encoder, position: int, cell: str | None, x: float) -> str:
    if encoder.is_identity:
        return "as it is"
    mean, scale = float(encoder.mean[position]), float(encoder.scale[position])
    value = f"{float(encoder.median[position]):.6g}" if cell is None else cell.strip()
    told = "missing, so the median stands in: " if cell is None else ""
    return f"{told}({value} - mean {mean:.6g}) / deviation {scale:.6g} = {x:.4g}"


def _one_hot(levels: tuple[str | None, ...], cell: str | None) -> str:
    listed = ", ".join("missing" if level is None else level for level in levels[:MOST_LEVELS])
    more = len(levels) - MOST_LEVELS
    among = f"one of {listed}{f' and {more} more' if more > 0 else ''}"
    if cell is None and None not in levels:
        return f"{among}; missing, so all {len(levels)} are 0"
    if cell not in levels and cell is not None:
        return f"{among}; not seen when the model was fitted, so all {len(levels)} are 0"
    return f"{among}; its own input is 1, the other {len(levels) - 1} are 0"
