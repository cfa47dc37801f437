"""The container of a model: a .safetensors file with a description, tensors, and a digest of all.

Any program that reads safetensors can read the tensors. The header's metadata has two texts: the
description, a JSON object, and "sha256", the digest of the whole file with the digest's own 64
digits replaced by zeros. The same content always gives the same bytes.

Reading trusts nothing, and each check comes before the next expense: the first bytes and the
file's size allow the header to be read, the header's offsets must add up to the file's size before
the tensors are read, the digest must match before any JSON is parsed, and parsing must fit into
the memory that the size allows. Writing makes the same checks, so every file written can be read.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Collection, Mapping
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ModelFileError

Array = NDArray[Any]

LONGEST_HEADER = 100_000_000  # bytes, the limit of safetensors itself
# A header of more than 1 MiB is allowed only for a wide table: each column and label in use has a
# weight of 4 bytes or more, which pays for its text (up to 14,000 bytes for 1,000 characters) and
# for those of columns that were left out.
FREE_HEADER, HEADER_FOR_A_BYTE = 1 << 20, 1 << 14
# Small JSON values become large Python objects: "[]," takes 64 bytes. Those of real tables, even
# of 100,000 short names, need less than 8 bytes for each byte of the file.
FREE_MEMORY, MEMORY_FOR_A_BYTE = 8 << 20, 8
OBJECT, LIST, ITEM, TEXT, KEY = 192, 64, 40, 20, 350  # bytes; a text is an item, too
MOST_SHARED = 1000  # objects; the columns of a wide table have few different descriptions
LONGEST_NUMBER = 1000  # digits; Python's time grows with their square

NO_DIGEST = "0" * 64
OUR_START = b'{"__metadata__":{"handgrad":'  # the header's; no other writer has it by chance
JUDGED_BY = 8 + len(OUR_START)  # bytes
_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_DESCRIPTION = re.compile(rb'"handgrad":("(?:[^"\\]++|\\["\\])*+")')
_KEY_AND_SPACE = re.compile(r'"[ \t\n\r]+:')  # valid JSON, although handgrad writes no space
_OF_TENSORS = ("dtype", "shape", "data_offsets")
_OFFSETS = re.compile(rb'"data_offsets":\[[0-9]{1,18},([0-9]{1,18})\]')
_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "BOOL": np.dtype("?"),
}

# The first bytes of other kinds of file.
FOREIGN = (
    (b"\x80", "a pickle; handgrad never loads pickles"),
    (b"PK\x03\x04", "a zip archive (.npz, .pt, .keras ...)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PAR1", "a Parquet table"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89PNG", "a picture"),
    (b"\x7fELF", "a program"),
)


# -- writing ----------------------------------------------------------------------------------


def pack(
    description: Mapping[str, Any], tensors: Mapping[str, Array], frequent: Collection[str]
) -> bytes:
    """Make the bytes of a file.

    Parameters
    ----------
    description : mapping
        Values that JSON can hold.
    tensors : mapping of str to numpy.ndarray
        Arrays of float64, float32 or bool, with one axis or two.
    frequent : collection of str
        The keys that may occur very often in the description.

    Raises
    ------
    ModelFileError
        If names and labels need a larger header than the tensors pay for.
    """
    from safetensors.numpy import save

    text = json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)
    content = _with_metadata(save(dict(tensors)), {"handgrad": text, "sha256": NO_DIGEST})
    try:
        _check_start(content[:JUDGED_BY], len(content))
        _check_memory(text, len(content), frequent)
    except ModelFileError:
        raise ModelFileError(
            "the names of columns and labels are too long for a model file; shorten the longest, "
            "or leave columns out"
        ) from None
    digest = hashlib.sha256(content).hexdigest()
    return content.replace(_digest_field(NO_DIGEST), _digest_field(digest), 1)


def _with_metadata(content: bytes, metadata: dict[str, str]) -> bytes:
    """Put metadata into the header; safetensors itself writes them in no fixed order."""
    length = int.from_bytes(content[:8], "little")
    header = {"__metadata__": metadata} | json.loads(content[8 : 8 + length])
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def _digest_field(digest: str) -> bytes:
    # Quotation marks inside the JSON text are escaped, so this cannot occur in a user's name.
    return f'"sha256":"{digest}"'.encode()


# -- reading ----------------------------------------------------------------------------------


def unpack(content: bytes, frequent: Collection[str]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read the description and the tensors from a file's bytes; see `read`."""
    return read(BytesIO(content), frequent)


def read(file: BinaryIO, frequent: Collection[str]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read the description and the tensors of a file, after checking its digest.

    Parameters
    ----------
    file : binary file that can seek
    frequent : collection of str
        The keys that may occur very often in the description.

    Returns
    -------
    description : dict
    tensors : dict of str to numpy.ndarray
        Read-only arrays.

    Raises
    ------
    ModelFileError
        If it is another kind of file, damaged, or would take far more memory than its size.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = _check_start(file.read(JUDGED_BY), size)
    file.seek(8)
    header = _read_all(file, length)
    field = _digest_in(header)
    n_body = _end_of_tensors(header)
    if 8 + length + n_body != size:
        told = f"{8 + length + n_body:,} bytes, but the file has {size:,}"
        raise ModelFileError(f"damaged: its header describes {told}. Take another copy")
    body = _read_all(file, n_body)
    _check_digest(header, field, body)
    quoted, rest = _parted(header)
    del header  # from here on the text takes its place in memory
    entries = _entries(strict_json(rest, size, _OF_TENSORS), field[1].decode())
    tensors = _tensors(entries, body)
    text = _unquoted(quoted)
    del quoted
    return strict_json(text, size, frequent), tensors


def _check_start(start: bytes, size: int) -> int:
    """Judge a file by its first bytes and its size; return the length of its header."""
    for magic, what in FOREIGN:
        if start.startswith(magic) and not start[8:9] == b"{":
            raise ModelFileError(f"not a handgrad model: it looks like {what}")
    if start[8:9] != b"{":
        raise ModelFileError("not a handgrad model, or cut off in its first bytes")
    length = int.from_bytes(start[:8], "little")
    if length > LONGEST_HEADER:
        raise ModelFileError("not a handgrad model: its header would be too large")
    if size < 8 + length:
        raise ModelFileError("cut off: the file ends within its header. Take another copy")
    if length > FREE_HEADER + HEADER_FOR_A_BYTE * (size - 8 - length):
        raise ModelFileError("not a handgrad model: its header is too large for its tensors")
    if length > FREE_HEADER and start[8:] != OUR_START:
        raise ModelFileError("not a handgrad model, although its start is that of safetensors")
    return length


def _read_all(file: BinaryIO, n: int) -> bytes:
    content = file.read(n)
    if len(content) < n:
        raise ModelFileError("cut off while it was being read. Take another copy")
    return content


def _digest_in(header: bytes) -> re.Match[bytes]:
    """Find the digest, which must occur exactly once."""
    if b'"handgrad":' not in header:
        raise ModelFileError("not a handgrad model, although its start is that of safetensors")
    field = _DIGEST.search(header)
    if field is None or _DIGEST.search(header, field.end()) is not None:
        raise ModelFileError("damaged: its checksum cannot be found. Take another copy")
    return field


def _end_of_tensors(header: bytes) -> int:
    return max((int(found[1]) for found in _OFFSETS.finditer(header)), default=0)


def _check_digest(header: bytes, field: re.Match[bytes], body: bytes) -> None:
    digest = hashlib.sha256(len(header).to_bytes(8, "little"))
    view = memoryview(header)  # so that nothing is copied
    for part in (view[: field.start(1)], NO_DIGEST.encode(), view[field.end(1) :], body):
        digest.update(part)
    if digest.hexdigest() != field[1].decode():
        raise ModelFileError("damaged: its checksum does not match its content. Take another copy")


def _parted(header: bytes) -> tuple[str, str]:
    """Split the description, still quoted, from the header, where an empty text replaces it."""
    found = _DESCRIPTION.search(header)
    if found is None:
        raise ModelFileError("damaged: its description is not written as handgrad writes it")
    start, stop = found.span(1)
    view = memoryview(header)
    try:
        rest = b"".join((view[:start], b'""', view[stop:]))
        return str(view[start:stop], "ascii"), str(rest, "ascii")
    except UnicodeDecodeError:
        raise ModelFileError("damaged: its header is not plain ASCII text") from None


def _unquoted(text: str) -> str:
    try:
        unquoted: str = json.loads(text)
    except ValueError as error:
        raise ModelFileError(f"damaged: its description is not text ({error})") from None
    return unquoted


def _entries(header: dict[str, Any], digest: str) -> dict[str, Any]:
    """Return the header's entries for its tensors."""
    if header.pop("__metadata__", None) != {"handgrad": "", "sha256": digest}:
        raise ModelFileError("a safetensors file, but not a handgrad model")
    return header


def _tensors(entries: dict[str, Any], body: bytes) -> dict[str, Array]:
    """View the tensors in the bytes after the header, which they must fill without a gap."""
    for name, entry in entries.items():
        _require(_is_entry(entry), name)
    tensors: dict[str, Array] = {}
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape = _DTYPES[entry["dtype"]], tuple(entry["shape"])
        start, stop = entry["data_offsets"]
        n = math.prod(shape)
        _require(start == end and stop - start == n * dtype.itemsize, name)
        if dtype.kind == "b":  # a byte that is neither 0 nor 1 would be neither true nor false
            _require(np.frombuffer(body, np.uint8, n, start).max(initial=0) <= 1, name)
        tensors[name] = np.frombuffer(body, dtype, n, start).reshape(shape)
        end = stop
    return tensors


def _is_entry(entry: Any) -> bool:
    if not (isinstance(entry, dict) and set(entry) == set(_OF_TENSORS)):
        return False
    shape, offsets = entry["shape"], entry["data_offsets"]
    lists = isinstance(shape, list) and isinstance(offsets, list)
    if not (lists and 1 <= len(shape) <= 2 and len(offsets) == 2):
        return False
    sizes = all(type(n) is int and 0 <= n < 2**63 for n in (*shape, *offsets))
    return sizes and isinstance(entry["dtype"], str) and entry["dtype"] in _DTYPES


def _require(holds: bool, name: str) -> None:
    if not holds:
        raise ModelFileError(f"its tensor {name[:80]!r} is not one that handgrad writes")


# -- JSON -------------------------------------------------------------------------------------


def strict_json(text: str, size: int, frequent: Collection[str]) -> dict[str, Any]:
    """Parse a JSON object without repeated keys, whose numbers float64 holds.

    Parameters
    ----------
    text : str
    size : int
        The file's size in bytes, which bounds the memory.
    frequent : collection of str
        The keys that may occur very often.

    Raises
    ------
    ModelFileError
        If the text is anything else.
    """
    _check_memory(text, size, frequent)
    try:
        parsed = json.loads(
            text,
            object_pairs_hook=_Objects(),
            parse_constant=_refused,
            parse_float=_finite,
            parse_int=_whole,
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise ModelFileError(f"damaged: its header is not valid JSON ({error})") from None
    if not isinstance(parsed, dict):
        raise ModelFileError("damaged: its header is not a JSON object")
    return parsed


def _check_memory(text: str, size: int, frequent: Collection[str]) -> None:
    """Bound the memory that parsing takes, by counting the characters that start objects."""
    n_frequent = sum(text.count(f'"{key}":') for key in frequent)
    keys = text.count('":') - n_frequent + sum(1 for _ in _KEY_AND_SPACE.finditer(text))
    lists = LIST * text.count("[")  # a column has three or four, along with many bytes
    needed = OBJECT * text.count("{") + lists + ITEM * text.count(",")
    needed += TEXT * (text.count('"') // 2 - n_frequent) + KEY * keys
    if needed > FREE_MEMORY + MEMORY_FOR_A_BYTE * size or lists > FREE_MEMORY + size:
        raise ModelFileError("not a handgrad model: its header has far too many parts")


class _Objects:
    """Make read-only objects without repeated keys; equal small ones are shared."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("a key is repeated")
        made = dict(pairs)
        if len(self._known) > MOST_SHARED or not all(map(_is_short, made.values())):
            return made
        return self._known.setdefault(repr(pairs), made)  # repr keeps 1, 1.0 and true apart


def _is_short(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) < 32 and all(isinstance(v, str) and len(v) < 100 for v in value)
    return not isinstance(value, dict | str) or (isinstance(value, str) and len(value) < 1000)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")


def _whole(digits: str) -> int:
    _check_digits(digits)
    return int(digits)


def _finite(digits: str) -> float:
    """Read a number that float64 can hold, which is neither 1e999 nor 1e-999, a 0 there."""
    _check_digits(digits)
    number = float(digits)
    vanished = number == 0 and digits.lower().partition("e")[0].strip("-0.") != ""
    if vanished or math.isinf(number):
        raise ValueError(f"no float64 holds the number {digits[:40]}")
    return number


def _check_digits(digits: str) -> None:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number has {len(digits):,} digits")
