"""Numbers as people write them: 1.448,00 €, (1.45), 14.5 kg, 10 %, 12 500, 3.2M.

A column holds numbers if nearly every cell is one number in the same surroundings. What the signs
within the numbers mean is decided by the whole column, since 1.500 alone may be one and a half or
fifteen hundred.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

THOUSANDS = ".,'_· "  # blanks of any width count as one, and so do straight and curly apostrophes
MULTIPLIERS = {"k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "tn": 1e12}
MINUS = "-−–"
MOST_UNITS, FEW_UNITS = 4, 5
MOSTLY = 0.95  # of the numbers must have the same digits around them, as in 2.7/10
FEW_DOTTED = 10  # fewer numbers with a point do not prove that it separates thousands

BLANKS = r"[\s\u00a0\u2007\u2009\u202f]+"
_INSIDE = r"[0-9.,'’_·\s\u00a0\u2007\u2009\u202f]"
NUMBER = rf"[.,]?[0-9](?:{_INSIDE}*[0-9])?(?:[.,](?![0-9]))?(?:[eE][+-]?[0-9]+)?"
_CURRENCY = (
    r"[$€£¥₹₽₩₺]|(?:us|r|a|c|nz|hk|s)\$|rs\.?|inr|usd|eur|gbp|chf|jpy|cny|rub|aud|cad|sek|nok|dkk"
    r"|kr\.?"
)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile when a number is met that is not plain: few tables have one."""
    return re.compile(pattern)


def _is_currency(sign: str) -> bool:
    return _compiled(_CURRENCY).fullmatch(sign) is not None


class Notation(NamedTuple):
    """How the numbers of a column are written.

    Attributes
    ----------
    decimal : str
        The sign before the fraction, "." or ",".
    thousands : str
        The sign between groups of digits; "" where there is none.
    before, after : str
        What surrounds each number, in lower case and without blanks and signs: "$", "kg".
    scaled : bool
        Whether k, M or B behind a number multiplies it.
    units : tuple of str
        Units behind many other numbers: "seasons" beside "min".
    """

    decimal: str = "."
    thousands: str = ""
    before: str = ""
    after: str = ""
    scaled: bool = False
    units: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as programs write them: -1.5 or 2e3."""
        return self == PLAIN

    def __str__(self) -> str:
        digits = f"1{self.thousands}234{self.decimal}5"
        before = f"{self.before} " if self.before[-1:].isalpha() else self.before
        after = f" {self.after}" if self.after[:1].isalpha() else self.after
        return f"{before}{digits}{'M' if self.scaled else ''}{after}"


PLAIN = Notation()


class FoundNotation(NamedTuple):
    """A notation, and what is doubtful about it ("" if nothing)."""

    notation: Notation
    doubt: str


class _Parts(NamedTuple):
    """A text taken apart around its first number."""

    number: str
    negative: bool
    before: str
    after: str


def _taken_apart(text: str) -> _Parts | None:
    found = _compiled(NUMBER).search(text)
    if found is None:
        return None
    before, after = (
        _compiled(BLANKS).sub("", s).lower() for s in (text[: found.start()], text[found.end() :])
    )
    number = _compiled(BLANKS).sub(" ", found.group()).replace("’", "'")
    after = after[:-1] if len(after) > 2 and after[-1] == "s" and after[-2].isalpha() else after
    if "(" in (before[:1], before[-1:]) and ")" in (after[:1], after[-1:]):
        return _Parts(number, True, before.strip("("), after.strip(")"))
    if number[-1] in ".,":  # 5,- has no cents; the sign is no minus
        after = after.lstrip(MINUS + "—")
    negative = False
    if before[:1] in MINUS and before:
        negative, before = True, before[1:]
    elif before[-1:] in MINUS and before and not before[-2:-1].isalpha():
        negative, before = True, before[:-1]
    elif after and after[-1:] in MINUS and not after[:-1]:
        negative, after = True, ""
    elif before[:1] == "+":
        before = before[1:]
    return _Parts(number, negative, before, after)


def number_in(text: str, notation: Notation) -> float:
    """Read one cell; NaN where it is not a finite number in this notation."""
    parts = _taken_apart(text)
    if parts is None or not _fits(parts, notation):
        return math.nan
    value = _value(parts.number, notation)
    if notation.scaled:
        value *= MULTIPLIERS.get(parts.after.removesuffix(notation.after), 1.0)
    if not math.isfinite(value):
        return math.nan
    return -value if parts.negative else value


def _fits(parts: _Parts, notation: Notation) -> bool:
    after = parts.after
    if notation.scaled:
        ending = after.removesuffix(notation.after) if notation.after else after
        after = notation.after if ending in MULTIPLIERS or ending == "" else after
    if parts.before == notation.before and after in (notation.after, *notation.units):
        return True
    bare = not parts.before and not after
    is_zero = not parts.number.strip("0.,")
    return bare and (is_zero or _is_left_out_at_times((notation.before, notation.after)))


def _is_left_out_at_times(around: tuple[str, str]) -> bool:
    """Tell whether a bare number may have the same unit; percent, > or 0x are never left out."""
    return around != ("", "") and not re.search(r"[%0-9<>≤≥~≈+]", "".join(around))


def unit_in(text: str, notation: Notation) -> str | None:
    """Give the unit of a number, where it is not that of most."""
    if not notation.units:
        return None
    parts = _taken_apart(text)
    return parts.after if parts is not None and parts.after in notation.units else None


def _value(number: str, notation: Notation) -> float:
    mantissa, power = number, ""
    if found := re.search(r"[eE][+-]?[0-9]+$", number):
        mantissa, power = number[: found.start()], found.group()
    decimal = notation.decimal
    if decimal == "," and not notation.thousands and _has_point(mantissa):
        decimal = "."  # people who write 2,5 sometimes write 2.5
    whole, _, fraction = mantissa.partition(decimal)
    if notation.thousands and notation.thousands in whole:
        if not _is_grouped(whole, notation.thousands):
            return math.nan
        whole = whole.replace(notation.thousands, "")
    if not re.fullmatch(r"[0-9]*", whole) or not re.fullmatch(r"[0-9]*", fraction):
        return math.nan
    return float(f"{whole or '0'}.{fraction or '0'}{power}") if whole or fraction else math.nan


def _has_point(mantissa: str) -> bool:
    """Tell whether a point precedes a fraction; three digits may as well be thousands."""
    return re.fullmatch(r"[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,})", mantissa) is not None


def _is_grouped(whole: str, sign: str) -> bool:
    """Tell whether digits are grouped: 1,234,567, or 12,34,567 as in India."""
    first, *groups = whole.split(sign)
    if not all(map(str.isdigit, (first, *groups))):  # 5. 10 has a blank: it is no 5010
        return False
    if len(first) > 3 or len(groups[-1]) != 3:
        return False
    inner = {len(group) for group in groups[:-1]}
    return inner <= {3} or (sign == "," and inner <= {2} and len(first) <= 2)


def find_notation(
    cells: Mapping[str, int], decimal: str | None = None, thousands: str | None = None
) -> FoundNotation | None:
    """Find how most cells of a column write their numbers.

    Parameters
    ----------
    cells : mapping of str to int
        The different texts of a column, and how often each occurs.
    decimal, thousands : str, optional
        These signs, where the user gives them.

    Returns
    -------
    FoundNotation or None
        None where fewer than half of the cells have a number in the same surroundings.
    """
    parts = {text: _taken_apart(text) for text in cells}
    known = {text: part for text, part in parts.items() if part is not None}
    around: Counter[tuple[str, str]] = Counter()
    for text, part in known.items():
        around[part.before, part.after] += cells[text]
    if not around:
        return None
    before, after, scaled = _surroundings(around)
    units = () if scaled else tuple(_other_units(around, before, after))
    shell = Notation(before=before, after=after, scaled=scaled, units=units)
    inner = {text: part for text, part in known.items() if _fits(part, shell)}
    if 2 * sum(cells[text] for text in inner) < sum(cells.values()):
        return None
    if _looks_like_codes(before, [part.number for part in inner.values()]):
        return None
    numbers = [part.number for part in inner.values()]
    point, group, doubt = _signs(numbers, decimal, thousands)
    if scaled and not doubt:
        bare = [text for text, part in inner.items() if not part.after and part.number.strip("0")]
        if bare:
            doubt = f"k, M and B multiply the numbers before them, but {bare[0]!r} has none of them"
    return FoundNotation(Notation(point, group, before, after, scaled, units), doubt)


def _surroundings(around: Counter[tuple[str, str]]) -> tuple[str, str, bool]:
    """Give what surrounds most numbers, and whether multipliers follow them."""
    total = sum(around.values())
    befores: Counter[str] = Counter()
    multiplied = 0
    for (before, after), n in around.items():
        if after in MULTIPLIERS or not after:
            befores[before] += n
            multiplied += n * (after in MULTIPLIERS)
    letters = {after for _, after in around if after in MULTIPLIERS}
    before = befores.most_common(1)[0][0] if befores else ""
    # m alone may be metres, and B a house: thousands, two kinds of them or money tell
    are_factors = "k" in letters or len(letters) > 1 or _is_currency(before)
    if are_factors and 20 * multiplied >= total and 2 * befores.total() >= total:
        return before, "", True
    (before, after), n = around.most_common(1)[0]
    if re.search("[0-9]", before + after) and n < MOSTLY * total:
        return "", "", False  # 13/3/2024 is no number 13
    if not before and not after:  # a sign or unit is often left out: 0 for $0, 5000 for 5000 kms
        units = [(pair, m) for pair, m in around.most_common(3) if _is_left_out_at_times(pair)]
        if units and 10 * units[0][1] >= n:
            before, after = units[0][0]
    return before, after, False


def _other_units(around: Counter[tuple[str, str]], before: str, after: str) -> Iterator[str]:
    """Find the few units of many other numbers; letters alone, so no 12/10 or 7-9."""
    total = sum(around.values())
    for (ahead, unit), n in around.most_common(MOST_UNITS + 1):
        is_unit = unit.isalpha() or unit.replace("/", "").isalpha()
        if ahead == before and unit != after and is_unit and 100 * n >= total and n >= FEW_UNITS:
            yield unit


def _looks_like_codes(before: str, numbers: Sequence[str]) -> bool:
    """Tell whether letters precede whole numbers that all differ: C0001, C0002, but not USD 5."""
    if not any(letter.isalpha() for letter in before) or _is_currency(before):
        return False
    numbers = [number.strip(".,") for number in numbers]
    if not all(number.isdigit() for number in numbers):
        return False
    return len(set(numbers)) == len(numbers) or any(n[0] == "0" and len(n) > 1 for n in numbers)


def _signs(
    numbers: Sequence[str], decimal: str | None, thousands: str | None
) -> tuple[str, str, str]:
    """Decide by all numbers of a column what separates the thousands, and what the fraction."""
    if decimal is not None or thousands is not None:
        group = thousands if thousands is not None else _other_sign(numbers, decimal or ".")
        return decimal or ("," if group == "." else "."), group, ""
    mantissas = [re.sub(r"[eE][+-]?[0-9]+$", "", number) for number in numbers]
    plain_groups = [sign for sign in "'_· " if any(sign in m for m in mantissas)]
    both = [m for m in mantissas if "," in m and "." in m]
    if both:
        point = Counter(max(",.", key=m.rfind) for m in both).most_common(1)[0][0]
        return point, "." if point == "," else ",", ""
    doubt = ""
    point, group = ".", ""
    if any("," in m for m in mantissas):
        point, group, doubt = _comma(mantissas)
    elif any("." in m for m in mantissas):
        point, group, doubt = _dot(mantissas)
    return point, plain_groups[0] if plain_groups else group, "" if plain_groups else doubt


def _other_sign(numbers: Sequence[str], decimal: str) -> str:
    found = [sign for sign in THOUSANDS if sign != decimal and any(sign in n for n in numbers)]
    return found[0] if found else ""


def _comma(mantissas: Sequence[str]) -> tuple[str, str, str]:
    """Tell 1,234 from 1,5."""
    with_comma = [m for m in mantissas if "," in m]
    if any(m.count(",") > 1 for m in with_comma):
        return ".", ",", ""
    grouped = sum(_is_grouped(m, ",") and not m.startswith("0") for m in with_comma)
    if grouped < len(with_comma):  # 1,234 beside 12,5: a fraction has any length
        return ",", "", ""
    if len(with_comma) < len(mantissas):  # 950 beside 1,234: no group where there is no thousand
        return ".", ",", ""
    return ".", ",", f"{with_comma[0]!r} is read as {with_comma[0].replace(',', '')}"


def _dot(mantissas: Sequence[str]) -> tuple[str, str, str]:
    """Tell 1.234, more than a thousand, from 1.234, little more than one."""
    dotted = [m for m in mantissas if "." in m]
    if any(m.count(".") > 1 for m in dotted):
        return ",", ".", ""
    if not all(_is_grouped(m, ".") and not m.startswith("0") for m in dotted):
        return ".", "", ""
    bare = [m for m in mantissas if "." not in m]
    if bare and len(dotted) >= FEW_DOTTED and all(len(m) <= 3 for m in bare):
        return ",", ".", f"{dotted[0]!r} is read as {dotted[0].replace('.', '')}"
    return ".", "", f"{dotted[0]!r} is read as the fraction {float(dotted[0]):g}"
