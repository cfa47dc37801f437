"""An encoder is taken apart for a file, and put together again, trusting nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from handgrad.tables.bins import Bins
from handgrad.tables.dates import DATE_PARTS, Dating, Order, What
from handgrad.tables.encode import METHODS, PIECEWISE, STANDARD, Encoder
from handgrad.tables.kinds import KINDS, MISSING_IN_NUMBERS, MISSING_IN_TEXTS, Column
from handgrad.tables.levels import Levels
from handgrad.tables.notation import PLAIN, Notation
from handgrad.tables.plan import Plan

MOST_LEVELS = 1_000_000
KEYS_OF_COLUMNS = (*Column._fields, *Notation._fields, *Dating._fields)

_TENSORS = ("mean", "scale", "median", "indicator")
_BINS = ("deep", "wide")  # each two tensors more, where there are such bins
_USUAL = Column("")
_LATEST = {"method", "skip"}

Array = npt.NDArray[Any]


def to_parts(encoder: Encoder) -> tuple[dict[str, Any], dict[str, Array]]:
    """Take an encoder apart for a file.

    Returns
    -------
    metadata : dict
        What can be written as JSON.
    tensors : dict of str to numpy.ndarray
        "mean", "scale", "median" of float64 and "indicator" of bool, shape (K,); of bins
        "deep.n" and "deep.edges", of those of a skip "wide.n" and "wide.edges", of float64.
    """
    tensors = {part: getattr(encoder, part) for part in _TENSORS}
    for part in _BINS:
        if (bins := getattr(encoder, part)) is not None:
            tensors |= {f"{part}.n": bins.n.astype(np.float64), f"{part}.edges": bins.edges}
    metadata: dict[str, Any] = {
        "names": list(encoder.names),
        "levels": [list(levels) for levels in encoder.levels],
        "identity": encoder.is_identity,
    }
    if encoder.is_robust:  # files older than these have none
        metadata["method"] = encoder.method
    if encoder.has_skip:
        metadata["skip"] = True
    if encoder.plan.is_plain:
        return metadata | {"numeric": [True] * len(encoder.names)}, tensors
    columns = [column_to_json(column) for column in encoder.plan]
    return metadata | {"columns": columns, "other": list(encoder.other)}, tensors


def version_for(metadata: Mapping[str, Any]) -> int:
    """Say which version of the format the metadata of an encoder need."""
    if _LATEST & set(metadata):
        return 4
    return 3 if "columns" in metadata else 1


def from_parts(metadata: Mapping[str, Any], tensors: Mapping[str, Array]) -> Encoder:
    """Put an encoder together again.

    Raises
    ------
    ValueError
        If a part is lacking, has another type or length, or is impossible.
    """
    shared = {"names", "levels", "identity"}
    later = {"columns", "other"}
    wanted = shared | (later if "columns" in metadata else {"numeric"})
    _check(set(metadata) - _LATEST == wanted, "metadata keys")
    method, has_skip = _method(metadata), metadata.get("skip", False)
    kinds_of_bins = _BINS[: has_skip + 1] if method == PIECEWISE else ()
    _check(set(tensors) == _tensor_names(kinds_of_bins), "tensor names")
    _check_names(metadata["names"])
    groups = _groups(metadata["levels"])
    plan = _plan(metadata, groups)
    levels, other = _levels(groups, metadata.get("other"), plan)
    _check_tensors(tensors, len(plan.scaled), is_robust=method != STANDARD)
    identity = metadata["identity"]
    _check(isinstance(identity, bool), "identity (must be true or false)")
    plain = plan.is_plain and method == STANDARD and not tensors["indicator"].any()
    _check(not identity or plain, "identity (must have plain numbers only)")
    mean, scale, median, indicator = (tensors[part].copy() for part in _TENSORS)
    bins = {part: _bins(part, tensors, len(plan.scaled)) for part in kinds_of_bins}
    return Encoder(
        plan,
        mean,
        scale,
        median,
        indicator,
        levels,
        other,
        is_identity=identity,
        is_robust=method != STANDARD,
        has_skip=has_skip,
        **bins,
    )


def _method(metadata: Mapping[str, Any]) -> str:
    method = metadata.get("method", STANDARD)
    known = "method" not in metadata or method in METHODS[1:]
    _check(isinstance(method, str) and known, f"method (must be one of {METHODS[1:]})")
    _check(metadata.get("skip", True) is True, "skip (must be true or absent)")
    return str(method)


# ------------------------------------------------------------------ bins


def _tensor_names(kinds_of_bins: tuple[str, ...]) -> set[str]:
    return {*_TENSORS, *(f"{part}.{of}" for part in kinds_of_bins for of in ("n", "edges"))}


def _bins(part: str, tensors: Mapping[str, Array], k: int) -> Bins:
    n, edges = tensors[f"{part}.n"], tensors[f"{part}.edges"]
    for name, tensor in ((f"{part}.n", n), (f"{part}.edges", edges)):
        fits = tensor.dtype == np.float64 and tensor.ndim == 1 and np.isfinite(tensor).all()
        _check(bool(fits), f"{name} (must be finite numbers of float64)")
    whole = n.shape == (k,) and bool(((n == np.floor(n)) & (n >= 0) & (n <= edges.size)).all())
    _check(whole, f"{part}.n (must be {k} counts)")
    bins = Bins(n.astype(np.intp), edges.copy())
    _check(bins.is_valid, f"{part}.edges (must be one more than bins, and ascend)")
    return bins


# ------------------------------------------------------------------ columns


def column_to_json(column: Column) -> dict[str, Any]:
    """Describe a column by all that differs from a plain column of numbers."""
    described = {
        name: value
        for name, value in column._asdict().items()
        if name != "name" and value != getattr(_USUAL, name)
    }
    if "notation" in described:
        described["notation"] = column.notation._asdict()
    if column.dating is not None:
        described["dating"] = column.dating._asdict()
    return described


def _plan(metadata: Mapping[str, Any], groups: list[list[str | None]]) -> Plan:
    names = metadata["names"]
    if "numeric" in metadata:
        _check_booleans(metadata["numeric"], len(names), "numeric")
        _check(len(groups) == metadata["numeric"].count(False), "levels (one list a category)")
        if all(metadata["numeric"]):
            return Plan.of_matrix(len(names), names)
        return _plan_of_before(names, metadata["numeric"], groups)
    columns = metadata["columns"]
    _check(isinstance(columns, list) and len(columns) == len(names), "columns (one for each name)")
    return Plan(tuple(_columns(names, columns)))


def _columns(names: list[str], columns: list[Any]) -> Iterator[Column]:
    """Read columns; those described by the same object share all but the name."""
    read: dict[int, Column] = {}
    for name, given in zip(names, columns, strict=True):
        if id(given) not in read:
            read[id(given)] = column_from_json("", given)
        yield read[id(given)]._replace(name=name)


def _plan_of_before(names: list[str], numeric: list[bool], groups: list[list[str | None]]) -> Plan:
    """Read versions 1 and 2: plain numbers, and texts in which even "NA" could be a level."""
    levels = iter(groups)
    columns = []
    for name, is_number in zip(names, numeric, strict=True):
        if is_number:
            columns.append(Column(name))
            continue
        there = set(next(levels))
        missing = tuple(word for word in MISSING_IN_TEXTS if word not in there)
        columns.append(Column(name, "category", missing=missing))
    return Plan(tuple(columns))


def column_from_json(name: str, given: Any) -> Column:
    """Read back what `column_to_json` wrote.

    Raises
    ------
    ValueError
        If the column is impossible.
    """
    _check(isinstance(given, dict), "columns (must be objects)")
    _check(set(given) < set(Column._fields) and "name" not in given, "keys of a column")
    kind = given.get("kind", "number")
    _check(isinstance(kind, str) and kind in KINDS, "kind of a column")
    why, n_levels = given.get("why", ""), given.get("n_levels", 0)
    _check(_is_text(why), "why (must be a text)")
    counted = type(n_levels) is int and 0 <= n_levels < 2**63
    _check(counted, "n_levels (must be a whole number)")
    missing = given.get("missing", list(MISSING_IN_NUMBERS))
    doubts = given.get("doubts", [])
    _check(_are_texts(missing), "missing (must be texts)")
    _check(_are_texts(doubts), "doubts (must be texts)")
    return Column(
        name,
        kind,
        why,
        tuple(missing),
        _notation(given["notation"]) if "notation" in given else PLAIN,
        _dating(given.get("dating"), kind),
        n_levels,
        tuple(doubts),
    )


def _notation(given: Any) -> Notation:
    _check(isinstance(given, dict) and set(given) == set(Notation._fields), "notation")
    scaled = given["scaled"]
    texts = [given[name] for name in ("decimal", "thousands", "before", "after")]
    well = all(map(_is_text, texts)) and isinstance(scaled, bool) and _are_texts(given["units"])
    _check(well, "notation")
    _check(given["decimal"] in (".", ",") and len(given["thousands"]) <= 1, "notation")
    return Notation(**given | {"units": tuple(given["units"])})


def _dating(given: Any, kind: str) -> Dating | None:
    _check((given is None) == (kind != "date"), "dating (a date has one)")
    if given is None:
        return None
    _check(isinstance(given, dict) and set(given) == set(Dating._fields), "dating")
    parts = given["parts"]
    well = isinstance(parts, list) and all(part in DATE_PARTS for part in parts)
    well = well and len(set(parts)) == len(parts)
    known = given["what"] in get_args(What) and given["order"] in get_args(Order)
    _check(well and known, "dating")
    return Dating(given["what"], given["order"], tuple(parts))


# ------------------------------------------------------------------ levels


def _groups(groups: Any) -> list[list[str | None]]:
    well = isinstance(groups, list) and all(isinstance(levels, list) for levels in groups)
    _check(well, "levels (must be lists)")
    return groups  # type: ignore[no-any-return]


def _levels(
    groups: list[list[str | None]], other: Any, plan: Plan
) -> tuple[tuple[Levels, ...], tuple[bool, ...]]:
    n = len(plan.with_levels)
    _check(len(groups) == n, "levels (must be one list for each column that has them)")
    if other is None:
        other = [False] * n
    _check_booleans(other, n, "other")
    for levels in groups:
        texts = levels[:-1] if levels and levels[-1] is None else levels
        _check(len(levels) <= MOST_LEVELS, f"levels (must be at most {MOST_LEVELS})")
        _check(all(map(_is_text, texts)), "levels (must be texts, then perhaps null)")
        _check(len(set(texts)) == len(texts), "levels (must differ)")
    return tuple(map(tuple, groups)), tuple(other)


# ------------------------------------------------------------------ checks


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"the encoder in the file is not valid: {what}")


def _check_names(names: Any) -> None:
    _check(_are_texts(names), "names (must be texts)")
    _check(len(set(names)) == len(names), "names (must differ)")


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(map(_is_text, values))


def _is_text(value: object) -> bool:
    # JSON can spell half of a surrogate pair, which no column of text can hold
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _check_booleans(values: Any, n: int, name: str) -> None:
    well = isinstance(values, list) and all(isinstance(value, bool) for value in values)
    _check(well and len(values) == n, f"{name} (must be {n} of true and false)")


def _check_tensors(tensors: Mapping[str, Array], k: int, *, is_robust: bool) -> None:
    for part in _TENSORS:
        tensor, dtype = tensors[part], bool if part == "indicator" else np.float64
        fits = tensor.dtype == dtype and tensor.shape == (k,)
        _check(fits, f"{part} (must be {np.dtype(dtype)} of shape ({k},))")
        _check(bool(np.isfinite(tensor).all()), f"{part} (must be finite)")
    if is_robust:  # a constant number has the scale 0, and the input 0
        _check(bool((tensors["scale"] >= 0).all()), "scale (must not be below 0)")
        return
    _check(bool((tensors["scale"] > 0).all()), "scale (must be above 0)")
    with np.errstate(over="ignore"):
        middle = (tensors["median"] - tensors["mean"]) / tensors["scale"]
    _check(bool(np.isfinite(middle).all()), "median (must be finite in the scale of its column)")
