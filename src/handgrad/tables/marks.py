"""Marks: what a table remembers of its file, on its fields and beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

CSV_MARK = {b"handgrad": b"csv"}
QUOTED_MARK = {b"handgrad.quoted": b"1"}
LINES = b"handgrad.lines"
NOTES = b"handgrad.notes"
COUNTS = b"handgrad.counts"

PLAIN_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NUMBER = rf"^(?:{PLAIN_NUMBER}|[+-]?(?i:inf|infinity))$"

# the words for a missing cell that pandas knows, and the ? of the UCI tables
WORDS_FOR_MISSING = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "?",
)  # fmt: skip


def is_csv(field: pa.Field) -> bool:
    """Tell whether the cells are unparsed text, which may turn out to be numbers."""
    return (field.metadata or {}).get(b"handgrad") == b"csv"


def words_are_texts(field: pa.Field) -> bool:
    """Tell whether quotes mark texts such as "NA", while missing cells are null."""
    return b"handgrad.quoted" in (field.metadata or {})


def csv_field(name: str, *, quoted_words: bool = False) -> pa.Field:
    import pyarrow as pa

    return pa.field(name, pa.string(), metadata=CSV_MARK | (QUOTED_MARK if quoted_words else {}))


def notes_of(table: pa.Table) -> tuple[str, ...]:
    """Give the notes on how the table was read, one sentence each."""
    return tuple(json.loads((table.schema.metadata or {}).get(NOTES, b"[]")))


def with_counts(table: pa.Table, counts: npt.NDArray[np.int64]) -> pa.Table:
    """Let each row stand for so many equal ones of a longer table."""
    return table.replace_schema_metadata({COUNTS: counts.astype(np.int64).tobytes()})


def counts_of(table: pa.Table) -> npt.NDArray[np.int64] | None:
    """Give how many rows each row stands for, shape (n,); None where it is one for all."""
    mark = (table.schema.metadata or {}).get(COUNTS)
    return None if mark is None else np.frombuffer(mark, np.int64)


def n_rows_of(table: pa.Table) -> int:
    """Count the rows that a table stands for."""
    counts = counts_of(table)
    return int(table.num_rows) if counts is None else int(counts.sum())


def with_notes(table: pa.Table, notes: Iterable[str]) -> pa.Table:
    """Replace the notes of a table."""
    known = dict(table.schema.metadata or {})
    known.pop(NOTES, None)
    if listed := list(notes):
        known[NOTES] = json.dumps(listed).encode()
    return table.replace_schema_metadata(known or None)
