"""Arrow's functions and arrays, without what pyarrow imports for them.

``pyarrow.compute`` writes a wrapper for each of 300 functions when it is imported, which takes a
third as long as importing pyarrow and NumPy; the functions are there without it. And pyarrow
imports pandas, where there is one, whenever it makes an array of a list or turns one into NumPy's:
that takes longer than all else a prediction does. What stands here imports neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

_NAMES = {"double": "float64", "float": "float32", "halffloat": "float16"}  # others are NumPy's


@cache
def _compute() -> Any:
    try:
        from pyarrow import _compute as functions
    except ImportError:  # pyarrow promises no name with an underscore
        import pyarrow.compute as functions
    return functions


def _call(name: str, *cells: Any, options: Any = None) -> Any:
    return _compute().call_function(name, list(cells), options)


# ------------------------------------------------------------------ functions of cells


def cast(cells: Any, kind: pa.DataType, *, safe: bool = True) -> Any:
    """Turn cells into another type.

    Raises
    ------
    pyarrow.ArrowException
        If a cell has no value there or, if `safe`, would lose something.
    """
    options = _compute().CastOptions
    return _call("cast", cells, options=options.safe(kind) if safe else options.unsafe(kind))


def trimmed(texts: Any) -> Any:
    """Give texts without the blanks around them."""
    return _call("utf8_trim_whitespace", texts)


def trimmed_of_ascii(texts: Any) -> Any:
    """Give texts without those blanks around them that ASCII knows."""
    return _call("ascii_trim_whitespace", texts)


def are_among(texts: Any, words: tuple[str, ...]) -> Any:
    """Tell which texts are among some words; a null is not."""
    return _call("is_in", texts, options=_lookup(words, texts.type))


@lru_cache(maxsize=100)
def _lookup(words: tuple[str, ...], kind: pa.DataType) -> Any:
    return _compute().SetLookupOptions(of_texts(words, kind), skip_nulls=False)


def match(texts: Any, pattern: str) -> Any:
    """Tell in which texts a regular expression is found; null for a null."""
    return _call("match_substring_regex", texts, options=_compute().MatchSubstringOptions(pattern))


def blanked(cells: Any, gone: Any) -> Any:
    """Make cells null where `gone` is true."""
    import pyarrow as pa

    return _call("if_else", gone, pa.NULL, cells)


def filled(cells: Any, others: Any) -> Any:
    """Take the cell of `others` where a cell is null."""
    return _call("coalesce", cells, others)


def with_zeros(cells: Any) -> Any:
    """Take 0, or false, where a cell is null."""
    import pyarrow as pa

    zero = pa.Array.from_buffers(cells.type, 1, [None, pa.py_buffer(bytes(8))])
    return filled(cells, zero[0])


def without_nulls(cells: Any) -> Any:
    return _call("drop_null", cells)


def take(cells: Any, places: pa.Array) -> Any:
    """Give the cells, or the rows of a table, at some places; null where a place is null."""
    return _call("take", cells, places)


def any_of(flags: Any) -> bool:
    """Tell whether one is true."""
    return bool(_call("any", flags).as_py())


def all_of(flags: Any) -> bool | None:
    """Tell whether all that are not null are true; None where all are null."""
    found: bool | None = _call("all", flags).as_py()
    return found


def n_distinct(cells: Any) -> int:
    """Count the different cells that are not null."""
    return int(_call("count_distinct", cells).as_py())


# ------------------------------------------------------------------ to NumPy


def to_numpy(cells: Any) -> npt.NDArray[Any]:
    """Give numbers or booleans as NumPy holds them, shape (n,); read only if they lie there so.

    A null among floats is NaN; others must not hold one.
    """
    import pyarrow as pa

    if isinstance(cells, pa.ChunkedArray):
        parts = [to_numpy(chunk) for chunk in cells.chunks or [pa.nulls(0, cells.type)]]
        return np.concatenate(parts) if len(parts) > 1 else parts[0]
    values = _flags(cells) if pa.types.is_boolean(cells.type) else _numbers(cells)
    return np.where(are_there(cells), values, np.nan) if cells.null_count else values


def _flags(cells: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    bits = np.frombuffer(cells.buffers()[1] or b"", np.uint8)
    end = cells.offset + len(cells)
    return np.unpackbits(bits, count=end, bitorder="little")[cells.offset :].astype(bool)


def _numbers(cells: pa.Array) -> npt.NDArray[Any]:
    """Give the numbers as they lie there; where a cell is null, any."""
    kind, end = str(cells.type), cells.offset + len(cells)
    return np.frombuffer(cells.buffers()[1] or b"", _NAMES.get(kind, kind))[cells.offset : end]


def are_there(cells: Any) -> npt.NDArray[np.bool_]:
    """Tell which cells are not null, shape (n,)."""
    return to_numpy(_call("is_valid", cells))


def are_gone(cells: Any) -> npt.NDArray[np.bool_]:
    """Tell which cells are null, shape (n,)."""
    return ~are_there(cells)


def coded(texts: pa.Array) -> tuple[npt.NDArray[np.intp], list[Any]]:
    """Give the place of each text among the different ones, shape (n,), and these.

    The place of a null is one beyond the last.
    """
    encoded = _call("dictionary_encode", texts)
    distinct: list[Any] = encoded.dictionary.to_pylist()
    indices = encoded.indices
    places = np.where(are_there(indices), _numbers(indices), len(distinct))
    return places.astype(np.intp), distinct


# ------------------------------------------------------------------ from Python and NumPy


def of_texts(texts: Iterable[str | None], kind: pa.DataType | None = None) -> pa.Array:
    """Make an array of texts, large unless another type is asked for; None becomes a null."""
    import pyarrow as pa

    listed = list(texts)
    pieces = [b"" if text is None else text.encode() for text in listed]
    ends = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    there = None if None not in listed else _bits([text is not None for text in listed])
    buffers = [there, pa.py_buffer(ends), pa.py_buffer(b"".join(pieces))]
    large = pa.Array.from_buffers(pa.large_string(), len(listed), buffers)
    return large if kind is None or kind == pa.large_string() else cast(large, kind)


def of_flags(flags: npt.NDArray[np.bool_]) -> pa.BooleanArray:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, _bits(flags)])


def of_places(places: npt.NDArray[np.intp]) -> pa.Int64Array:
    import pyarrow as pa

    buffer = pa.py_buffer(np.ascontiguousarray(places, dtype=np.int64))
    return pa.Array.from_buffers(pa.int64(), len(places), [None, buffer])


def _bits(flags: Any) -> pa.Buffer:
    import pyarrow as pa

    return pa.py_buffer(np.packbits(np.asarray(flags, dtype=bool), bitorder="little"))


def no_rows(schema: pa.Schema) -> pa.Table:
    """Make a table without a row."""
    import pyarrow as pa

    return pa.Table.from_arrays([pa.nulls(0, kind) for kind in schema.types], schema=schema)
