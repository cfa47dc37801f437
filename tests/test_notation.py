"""Numbers as people write them are read as what they are, by the whole column."""

import math
import random

import pytest

from handgrad.tables.notation import PLAIN, Notation, find_notation, number_in

NBSP, THIN, NARROW = "\u00a0", "\u2009", "\u202f"


def grouped(value, sign, decimal="."):
    return f"{value:,.2f}".translate(str.maketrans({",": sign, ".": decimal}))


WRITERS = {
    "$1,448.00": lambda v: f"{'-' * (v < 0)}${abs(v):,.2f}",
    "1448 €": lambda v: f"{v:.2f} €",
    "€ 483": lambda v: f"{'-' * (v < 0)}€ {abs(v):.2f}",
    "(1.45)": lambda v: f"({-v:.2f})" if v < 0 else f"{v:.2f}",
    "1.45-": lambda v: f"{-v:.2f}-" if v < 0 else f"{v:.2f}",
    "14.5 kg": lambda v: f"{v:.2f} kg",
    "0.89 USD": lambda v: f"{v:.2f} USD",
    "Rs. 1,500": lambda v: f"Rs. {v:,.2f}",
    "0.5°C": lambda v: f"{v:.2f}°C",
    "2.7/10": lambda v: f"{v:.2f}/10",
    ">0.9": lambda v: f">{v:.2f}",
    "1.2x": lambda v: f"{v:.2f}x",
    "10 %": lambda v: f"{v:.2f} %",
    "500+": lambda v: f"{v:.2f}+",
    "15 480": lambda v: grouped(v, " "),
    "no-break": lambda v: grouped(v, NBSP, ","),
    "thin": lambda v: grouped(v, THIN),
    "narrow": lambda v: grouped(v, NARROW, ","),
    "14'480": lambda v: grouped(v, "'"),
    "14’480": lambda v: grouped(v, "’"),
    "1·450": lambda v: grouped(v, "·"),
    "1_450": lambda v: grouped(v, "_"),
    "1.448,00": lambda v: grouped(v, ".", ","),
    "1,448.00": lambda v: grouped(v, ","),
    "1448,00": lambda v: f"{v:.2f}".replace(".", ","),
    "−1.5": lambda v: f"{v:.2f}".replace("-", "−"),
    "1.5e3": lambda v: f"{v:.6e}",
    "+1.5": lambda v: f"{v:+.2f}",
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_notation_is_found_and_read(name):
    chance = random.Random(0)
    values = [round(chance.gauss(0, 3000), 2) for _ in range(200)]
    cells = {WRITERS[name](value): value for value in values}
    found = find_notation(dict.fromkeys(cells, 1))
    assert found is not None
    read = {text: number_in(text, found.notation) for text in cells}
    assert read == pytest.approx(cells)


@pytest.mark.parametrize(
    ("cells", "text", "value"),
    [
        (["1.500", "2.250", "12.125"], "1.500", 1.5),
        (["1.500", "0.250"], "1.500", 1.5),
        (["950", *(f"{i}.500" for i in range(1, 12))], "1.500", 1500),
        (["1.500", "1.250.000"], "1.500", 1500),
        (["1,500", "12,250"], "1,500", 1500),
        (["1,500", "12,25"], "1,500", 1.5),
        (["1,00,000", "95,000"], "1,00,000", 100_000),
        (["110.5M", "400k", "0"], "110.5M", 110.5e6),
        (["110.5M", "400k", "0"], "400k", 4e5),
        (["€110.5M", "€400K", "€0"], "€400K", 4e5),
        (["$4.99", "0", "$1.50"], "0", 0),
        (["5,000 kms", "45,000 kms", "700"], "700", 700),
        (["2,5", "2.5", "3,75"], "2.5", 2.5),
        (["90 min"] * 3 + [f"{i} min" for i in range(30)], "45 min", 45),
    ],
)
def test_the_whole_column_decides(cells, text, value):
    found = find_notation(dict.fromkeys(cells, 1))
    assert found is not None
    assert number_in(text, found.notation) == value


def test_what_may_be_two_things_is_said():
    assert "1500" in find_notation({"1,500": 1, "2,250": 1}).doubt
    assert "fraction 1.5" in find_notation({"1.500": 1, "2.250": 1}).doubt
    assert find_notation({"1,500": 1, "250": 1}).doubt == ""
    assert find_notation({"1.5": 1}).doubt == ""


def test_the_user_decides_over_the_column():
    as_thousands = find_notation({"1.500": 1, "2.250": 1}, thousands=".")
    assert number_in("1.500", as_thousands.notation) == 1500
    as_fraction = find_notation({"1,500": 1, "2,250": 1}, decimal=",")
    assert number_in("1,500", as_fraction.notation) == 1.5


@pytest.mark.parametrize(
    "cells",
    [
        ["C0001", "C0002", "C0003"],
        ["red", "green", "7 dwarfs", "blue"],
        ["190Nm@ 2000rpm", "250Nm@ 1500rpm", "74Nm@ 4000rpm"],
        ["50-99", "100-500", "10-49"],
        ["A12", "B7", "C9"],
        ["2021-03-04", "2021-03-05", "2020-01-01"],
        ["abc"],
        [],
    ],
)
def test_what_is_no_column_of_numbers_is_none(cells):
    assert find_notation(dict.fromkeys(cells, 1)) is None


@pytest.mark.parametrize("text", ["", "x", "1,2,3", "1.2.3", "12,34,5", "1 2", "--5", "1e999"])
def test_what_is_no_number_is_nan(text):
    assert math.isnan(number_in(text, Notation(thousands=",")))
    assert math.isnan(number_in(text, PLAIN))


@pytest.mark.parametrize(
    ("cells", "text", "value"),
    [
        (["5,-", "5,50", "7,25", "8,10"], "5,-", 5),
        (["$-5.50", "($676.50)", "$3.50"], "($676.50)", -676.5),
        (["12m", "21", "40m", "33m"], "40m", 40),
        (["1B", "2", "3B", "4"], "1B", 1),
        (["1 year", "3 years", "9 years"], "1 year", 1),
        (["1.2k", "950", "3M"], "950", 950),
    ],
)
def test_signs_behind_numbers_mean_what_people_mean(cells, text, value):
    assert number_in(text, find_notation(dict.fromkeys(cells, 1)).notation) == value


def test_numbers_that_letters_multiply_beside_bare_ones_are_said():
    assert "'950' has none" in find_notation({"1.2k": 1, "950": 1, "3M": 1}).doubt


def test_a_date_in_two_orders_is_no_number_with_a_unit():
    cells = [f"{i}/3/2024" for i in range(13, 28)] + [f"3/{i}/2024" for i in range(13, 28)]
    assert find_notation(dict.fromkeys(cells, 1)) is None


def test_a_second_unit_is_kept_apart():
    cells = {f"{i} min": 1 for i in range(60)} | {f"{i} Seasons": 1 for i in range(20)}
    notation = find_notation(cells).notation
    assert (notation.after, notation.units) == ("min", ("season",))
    assert number_in("7 Seasons", notation) == 7
    assert math.isnan(number_in("7 km", notation))


@pytest.mark.parametrize("text", ["5. 10", "5, 10", "1 2.345", "1'2.345", "1 2,345"])
def test_two_signs_that_part_no_thousands_make_no_number(text):
    found = find_notation({text: 1})
    assert found is not None
    assert math.isnan(number_in(text, found.notation))
