"""Numbers in print: calculations that are true with the digits shown, and what lies beside 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from handgrad.output import Spelled, written
from handgrad.outputs import beside_one

DIGITS = 4  # of a number, where a calculation is true with them
MOST_DIGITS = 9  # of a number in a calculation; all that single precision has

Calculation = Callable[[int], Spelled]  # written out with so many digits


class Printed(NamedTuple):
    """A calculation and its result, with digits that agree."""

    text: str
    result: str

    def __str__(self) -> str:
        return f"{self.text} = {self.result}"


def four_digits(value: float) -> str:
    """Write a number with four digits; one that they would make 1, by its distance from 1."""
    return beside_one(value, DIGITS).text.strip("()")


def printed(calculation: Calculation, value: float, dtype: str = "float64") -> Printed:
    """Print a calculation so that its numbers, as they stand there, give its result.

    Its numbers have four digits, or as many more as that takes. A result that lost digits when
    nearly equal numbers were subtracted shows fewer; one that lost all shows both values.

    Parameters
    ----------
    calculation : callable
        Writes the calculation out with a given number of digits.
    value : float
        The result that the network has.
    dtype : str
        The precision in which the network has it.

    Returns
    -------
    Printed
    """
    value = float(value)
    for kept in range(DIGITS, 0, -1):
        result = beside_one(value, kept)
        for digits in range(DIGITS, MOST_DIGITS + 1):
            found = calculation(digits)
            if not _last_digit(value, kept) < abs(found.value - result.value):  # nan too
                return Printed(found.text, result.text.strip("()"))
    own = f"{value:.{DIGITS}g}"
    return Printed(found.text, f"{four_digits(found.value)} (the network's {dtype} has {own})")


def _last_digit(value: float, digits: int) -> float:
    """Give what one of the last digit is worth, of a number or of its distance from 1."""
    if written(value, digits).value == 1 and value != 1:
        value = 1 - value
    if not value or not math.isfinite(value):
        return 0.0
    return 1.000001 * float(10 ** (math.floor(math.log10(abs(value))) - digits + 1))


def change(before: float, after: float) -> tuple[str, str, str]:
    """Write two numbers and their difference, with digits enough to see it."""
    difference = f"{after - before:.3g}"
    for digits in range(DIGITS, 18):
        first, last = written(before, digits), written(after, digits)
        if abs(last.value - first.value - float(difference)) <= _last_digit(after - before, 3):
            break
    return first.text, last.text, difference
