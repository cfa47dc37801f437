"""A formula is written once and reads the same in a terminal and on a page."""

from xml.etree import ElementTree

import pytest

from handgrad.explain.formula import mathml, text


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("r1 = x W1 + b1", "r1 = x W1 + b1"),
        (r"h = \max(0, r)", "h = max(0, r)"),
        (r"L = -\frac{1}{n} \sum_i \log y_{i t}", "L = -(1 / n) ∑_i log y_it"),
        (r"y_k = \frac{e^{score_k}}{\sum_j e^{score_j}}", "y_k = (e^score_k) / (∑_j e^score_j)"),
        ("dW2 = h^T dscore", "dW2 = hᵀ dscore"),
        (r"dr = dh \odot (1 - h^2)", "dr = dh ⊙ (1 - h²)"),
        (r"h = \frac{1}{1 + e^{-r}}", "h = 1 / (1 + e^(-r))"),
        ("", ""),
    ],
)
def test_text(source, written):
    assert text(source) == written


def test_an_index_stands_below_its_name():
    assert "<msub><mi>W</mi><mn>12</mn></msub>" in mathml("W12")


def test_factors_stand_a_little_apart():
    assert "</mi><mspace" in mathml("a b")
    assert "<mspace" not in mathml("a + b = c")


def test_signs_of_markup_are_escaped():
    assert "<mo>&lt;</mo>" in mathml("r < 0")
    assert ElementTree.fromstring(mathml(r"a < b > c \cdot \frac{1}{2}")).tag == "math"


@pytest.mark.parametrize(
    "source", ["{a", "a}", "_a", "^2", r"\frac{a}", r"\unknown", "a_", r"\sum_{i", "{}}{"]
)
def test_what_is_no_formula_is_refused(source):
    with pytest.raises(ValueError, match="a formula"):
        text(source)
