"""Recognise what texts are, if not numbers or dates: levels, or free text that is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from handgrad.tables import arrow
from handgrad.tables import columns as raw
from handgrad.tables.kinds import (
    MISSING_IN_TEXTS,
    Column,
    constant_column,
    stripped,
    words_for_missing,
)
from handgrad.tables.levels import meaning
from handgrad.tables.marks import counts_of, n_rows_of, words_are_texts
from handgrad.tables.one_cell import (
    codes_in,
    is_code,
)
from handgrad.text import listed

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.recognition.wishes import Wishes

BY_ITS_TYPE = "a categorical column"

FEWEST_ROWS = 10  # in fewer, it says nothing that all texts differ
NEARLY_ALL = 0.9  # of the texts: where this many differ, they are names of rows
LONG_TEXT = 40  # letters on average: where half of these texts differ, they are free text
MOST_LOOKED_AT = 1000  # levels, among which those that look alike are worth a word


def distinct_texts(
    table: pa.Table, name: str, missing: Collection[str], *, trimmed: bool = True
) -> dict[str, int]:
    """Count the different texts of a column, without those that mean a missing cell.

    Blanks around them do not count, unless they are not to be trimmed.
    """
    texts = stripped(table, name) if trimmed else raw.raw_texts(table, name)
    values, counts = _counted(texts, counts_of(table))
    gone, codes = {"", *missing}, codes_in(tuple(missing))
    return {
        text: n
        for text, n in zip(values, counts, strict=True)
        if text is not None and text.strip() not in gone and not (codes and is_code(text, codes))
    }


def _counted(
    texts: pa.LargeStringArray, weights: npt.NDArray[np.int64] | None
) -> tuple[list[Any], list[int]]:
    if weights is None:
        import pyarrow.compute as pc

        counted = pc.value_counts(texts)
        return counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    codes, values = arrow.coded(texts)
    counts = np.zeros(len(values) + 1, np.int64)
    np.add.at(counts, codes, weights)
    return values, counts[:-1].tolist()


def level_texts(
    table: pa.Table, name: str, wishes: Wishes
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Count the different texts of a column, blanks around them kept; give the words for missing.

    In a typed column, words that stand there as texts do not mean missing.
    """
    words: tuple[str, ...] = MISSING_IN_TEXTS
    if raw.value_kind_of(table, name) != "csv" or words_are_texts(table.schema.field(name)):
        there = set(stripped(table, name).unique().to_pylist())
        words = tuple(word for word in words if word not in there)
    missing = words_for_missing(words, wishes.missing_of(name))
    return distinct_texts(table, name, missing, trimmed=False), missing


def levels_or_left_out(table: pa.Table, name: str, wishes: Wishes) -> Column:
    """Take texts for levels, unless they are all the same, nearly all different, or free text."""
    cells, missing = level_texts(table, name, wishes)
    total = sum(cells.values())
    is_declared = raw.kind_of(table, name) == "category"
    is_constant = len(cells) == 1 and total == n_rows_of(table)
    if is_constant and not is_declared and not wishes.takes_constants:
        return constant_column(name)
    if total >= FEWEST_ROWS and not wishes.is_stream and not is_declared:
        if len(cells) >= NEARLY_ALL * total:
            return Column(name, "left out", f"{len(cells):,} of {total:,} differ")
        if 2 * len(cells) >= total and _are_long(cells):
            return Column(name, "left out", f"free text: {len(cells):,} of {total:,} differ")
    why = BY_ITS_TYPE if is_declared else different_texts(len(cells))
    return category(name, cells, missing, why)


def different_texts(n: int) -> str:
    return f"{n:,} different texts"


def _are_long(cells: Mapping[str, int]) -> bool:
    return sum(map(len, cells)) >= LONG_TEXT * len(cells)


def category(name: str, cells: Mapping[str, int], missing: tuple[str, ...], why: str) -> Column:
    doubts = tuple(_doubts_of_levels(cells))
    return Column(name, "category", why, missing=missing, n_levels=len(cells), doubts=doubts)


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
