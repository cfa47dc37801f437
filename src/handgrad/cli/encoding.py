"""A table turned into what a model takes, and notes on what the model does not know of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from handgrad.cli.terminal import listed, note
from handgrad.errors import DataError
from handgrad.tables.encode import together
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import DTypeLike

    from handgrad.models.model import Model
    from handgrad.tables.encode import Encoded
    from handgrad.tables.files.portions import Portions
    from handgrad.tables.kinds import Unknown


def encoded_portions(
    model: Model, portions: Portions, unknown: str
) -> Iterator[tuple[pa.Table, Encoded]]:
    """Turn a table into inputs, portion by portion; with the last say what is not known in any.

    Raises
    ------
    DataError
        If a text stands where only numbers did, or no cell of a column is known (which is found
        out before the first portion), unless unknown cells are allowed.
    """
    if not portions.is_one and unknown != "allow":
        _check_for_drift(model, portions, unknown)
    found: tuple[Unknown, ...] = ()
    for table, is_last in _telling_the_last(portions.tables()):
        encoded = encode_some(model, table, unknown, is_part=not portions.is_one)
        found = together((*found, *encoded.unknown))
        if is_last:
            _account_for(found, unknown)
        yield table, encoded


def encode_whole(model: Model, table: pa.Table, unknown: str) -> Encoded:
    """Turn a whole table into inputs, and say what is not known in it.

    Raises
    ------
    DataError
        As for ``encoded_portions``.
    """
    encoded = encode_some(model, table, unknown)
    _account_for(encoded.unknown, unknown)
    return encoded


def _check_for_drift(model: Model, portions: Portions, unknown: str) -> None:
    """Look ahead until some cell of each column is known: seldom beyond one portion."""
    found: tuple[Unknown, ...] = ()
    for table in portions.tables():
        encoded = encode_some(model, table, unknown, is_part=True)
        found = together((*found, *encoded.unknown))
        if not any(one.is_drift for one in found):
            return
    _account_for(found, unknown)


def _telling_the_last(tables: Iterator[pa.Table]) -> Iterator[tuple[pa.Table, bool]]:
    ahead = next(tables)
    for table in tables:
        yield ahead, False
        ahead = table
    yield ahead, True


def _account_for(found: Sequence[Unknown], unknown: str) -> None:
    note_unknown(found)
    drifted = [one.column for one in found if one.is_drift]
    if drifted and unknown != "allow":
        raise DataError(
            f"the model knows no cell of {', '.join(map(repr, drifted))}; check that this is the "
            "right table, or read these cells as missing: --unknown allow"
        )


def encode_some(
    model: Model,
    rows: pa.Table,
    unknown: str,
    dtype: DTypeLike | None = None,
    *,
    is_part: bool = False,
) -> Encoded:
    """Turn a few rows into inputs; they are too few to say that a column has drifted.

    Raises
    ------
    DataError
        If a text stands where only numbers did, unless unknown cells are allowed.
    """
    try:
        dtype = model.params.flat.dtype if dtype is None else dtype
        return model.encoder.encode(rows, dtype, strict=unknown != "allow", is_part=is_part)
    except DataError as error:
        if "is not a" not in str(error):
            raise
        raise DataError(f"{error}; --unknown allow reads these cells as missing") from None


def note_unknown(unknown: Iterable[Unknown]) -> None:
    """Say on stderr which cells the model does not know, a line for each column."""
    for one in together(unknown):
        if one.n:
            note(shown(str(one)))


def note_target(model: Model, columns: pa.Table, kept: Sequence[str]) -> None:
    """Note that the table holds the truth, unless it is written beside the prediction."""
    if model.target in columns.column_names and model.target not in kept:
        note(f"column {shown(model.target)} is what the model predicts; it is not used")


def note_extra_columns(model: Model, columns: pa.Table, targets: Sequence[str] = ()) -> None:
    known = {*targets, model.target}
    extra = [name for name in model.encoder.extra_columns(columns) if name not in known]
    if extra:
        note(f"columns not used: {listed(extra)}")
