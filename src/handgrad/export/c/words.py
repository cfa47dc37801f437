"""The words of C: names, texts, comments and tables of numbers that every compiler takes."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from handgrad.errors import DataError
from handgrad.text import shown

WIDTH = 100
LONGEST_NAME = 48  # C99 tells names apart by their first 63 characters
MOST_IN_TEXT = 4095  # characters of a text that every compiler of C99 must take

# keywords of C and C++, and small letters that usual headers define as macros
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor
    bool break case catch char char8_t char16_t char32_t class compl complex concept const
    consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default
    delete do double dynamic_cast else enum explicit export extern false far float for friend goto
    if imaginary inline int interface linux long mutable namespace near new noexcept not not_eq
    nullptr operator or or_eq pascal private protected public reflexpr register reinterpret_cast
    requires restrict return short signed sizeof small static static_assert static_cast stderr
    stdin stdout struct switch synchronized template this thread_local throw true try typedef
    typeid typename typeof typeof_unqual union unix unsigned using virtual void volatile wchar_t
    while xor xor_eq errno assert min max abs round isnan isinf
    """,
    )
)


class Real(NamedTuple):
    """A type of C for numbers with a fraction, and what goes with it."""

    name: str
    suffix: str  # of constants and of functions of math.h
    bits: str  # the whole number that holds its bits
    exponent: tuple[str, int]  # of a number that is infinite, and where it stands in the bits
    farthest: str  # whose square is still finite
    largest_below_1: str

    @property
    def n_bytes(self) -> int:
        return int(np.dtype(self.dtype).itemsize)

    @property
    def dtype(self) -> str:
        """NumPy's name for the type."""
        return "float32" if self.suffix else "float64"


REALS = {
    real.dtype: real
    for real in (
        Real("float", "f", "uint32_t", ("0xff", 23), "1e18f", "0.99999994f"),
        Real("double", "", "uint64_t", ("0x7ff", 52), "1e100", "0.99999999999999989"),
    )
}


def identifier(name: str) -> str:
    """Make a name in small letters of ASCII, "" where none are left.

    Small ones, because names of macros are large: NULL, NAN, EOF, or B1 of Arduino.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST_NAME].rstrip("_")
    return f"x{found}" if found[:1].isdigit() else found


def identifiers(names: Iterable[str]) -> list[str]:
    """Make a different name for each of some names, none of them reserved."""
    made: list[str] = []
    taken = set(RESERVED)
    for place, name in enumerate(names, start=1):
        own = base = identifier(name) or f"column_{place}"
        number = 1
        while own in taken:
            number += 1
            own = f"{base}_{number}"
        taken.add(own)
        made.append(own)
    return made


def text(value: str) -> str:
    """Write a text, byte by byte in UTF-8.

    Raises
    ------
    DataError
        If it is longer than every compiler takes, or holds a zero.
    """
    content = value.encode("utf-8", "surrogatepass")
    if len(content) > MOST_IN_TEXT or 0 in content:
        what = "holds a zero character" if 0 in content else f"has {len(content):,} bytes"
        raise DataError(
            f"a text of C holds up to {MOST_IN_TEXT:,} bytes, none of them 0; {shown(value[:40])!r}"
            f" {what}: rename the label or the level before fitting"
        )
    return '"' + "".join(map(_character, content)) + '"'


def _character(byte: int) -> str:
    if byte in b'"\\?':  # ??/ would be a backslash
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def remark(words: object) -> str:
    """Make words safe inside a comment."""
    safe = shown(words).encode("utf-8", "backslashreplace").decode()
    return re.sub(r"(?<=[*/])(?=[*/])|(?<=\?)(?=\?)", " ", safe)


def comment(lines: Iterable[str]) -> str:
    """Write lines as one comment."""
    told = [f" * {line}".rstrip() for line in lines]
    return "\n".join(["/*", *told, " */"])


def wrapped_words(words: str, width: int = WIDTH - 4) -> list[str]:
    """Break words into lines."""
    return textwrap.wrap(words, width, break_on_hyphens=False)


def remarks(words: str, indent: str = "") -> list[str]:
    """Write words as a comment of one line or several."""
    lines = wrapped_words(words, WIDTH - 6 - len(indent))
    opened = [f"{indent}{' * ' if at else '/* '}{line}" for at, line in enumerate(lines)]
    return [*opened[:-1], opened[-1] + " */"]


def number(value: float, real: Real) -> str:
    """Write a number with the fewest digits that give it back: see ``numbers``."""
    return numbers(value, real)[0]


def numbers(values: Any, real: Real) -> list[str]:
    """Write numbers, in the order of memory, each with the fewest digits that give it back.

    Raises
    ------
    DataError
        If one is too large for the type.
    """
    flat = np.asarray(values).ravel()
    with np.errstate(over="ignore"):
        own = flat.astype(real.dtype)
    if (large := ~np.isfinite(own)).any():
        raise DataError(
            f"the model holds the number {flat[large][0]:.6g}, too large for {real.dtype}; write "
            "it with dtype float64, or divide the column by a power of ten and fit again"
        )
    written = map(repr, own.tolist()) if real.dtype == "float64" else map(str, own)
    return [
        (digits if "." in digits or "e" in digits else digits + ".0") + real.suffix
        for digits in written
    ]


def wrapped(items: Iterable[str], indent: str = "    ") -> str:
    """Write items with commas between them, broken into lines."""
    lines, listed = [indent], list(items)
    for place, item in enumerate(listed, start=1):
        piece = item + (", " if place < len(listed) else "")
        if len(lines[-1]) + len(piece) > WIDTH and lines[-1].strip():
            lines.append(indent)
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


class Tables:
    """Tables of constants, and the bytes that they take.

    Parameters
    ----------
    name : str
        What the names of all tables begin with.
    real : Real
        The type of numbers with a fraction.
    """

    POINTER = 4  # bytes, on a controller of 32 bits

    def __init__(self, name: str, real: Real) -> None:
        self.name, self.real = name, real
        self.lines: list[str] = []
        self.n_bytes = 0

    def reals(self, name: str, values: Any) -> None:
        """Add numbers with a fraction, in the order of memory."""
        items = numbers(values, self.real)
        self._add(f"{self.real.name} {self.name}_{name}", items)
        self.n_bytes += len(items) * self.real.n_bytes

    def whole(self, name: str, values: Any) -> None:
        """Add whole numbers, whose type is that of the array."""
        flat = np.asarray(values).ravel()
        self._add(f"{flat.dtype.name}_t {self.name}_{name}", map(_whole, flat.tolist()))
        self.n_bytes += flat.nbytes

    def texts(self, name: str, values: Iterable[str]) -> None:
        """Add texts."""
        values = list(values)
        items = list(map(text, values))
        self.lines.append(
            f"static const char *const {self.name}_{name}[] = {{\n{wrapped(items)}\n}};"
        )
        self.n_bytes += sum(
            len(value.encode("utf-8", "surrogatepass")) + 1 + self.POINTER for value in values
        )

    def _add(self, declared: str, items: Iterable[str]) -> None:
        kind, _, name = declared.partition(" ")
        qualified = f"static {self.name.upper()}_CONST {kind} {name}[]"
        self.lines.append(f"{qualified} = {{\n{wrapped(items)}\n}};")


def _whole(value: int) -> str:
    return "(-2147483647 - 1)" if value == -(2**31) else str(value)
