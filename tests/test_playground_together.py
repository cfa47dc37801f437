"""What a learner may combine on the page: numbers, skip, scale, many layers, classes, a rival."""

import numpy as np
import pytest

from browser import BROWSER, PENGUINS, fits_a_screen, fits_a_telephone
from handgrad.playground.session import Session
from handgrad.tables.table import read_table

pytestmark = BROWSER

DEEP = {"hidden": [8, 8, 8, 8]}
BOTH = {"skip": True, "scale": True}
TOGETHER = {
    "spiral": {**DEEP, **BOTH, "classes": 6},
    "sine": {**DEEP, **BOTH},
    "bump": {"hidden": [8, 8], **BOTH},
    "digits": {"hidden": [16, 8], "skip": True},
    "penguins": {"hidden": [8, 8], **BOTH},
}


@pytest.fixture
def session():
    return Session(read_table(PENGUINS))


@pytest.mark.parametrize("has_rival", [False, True])
@pytest.mark.parametrize("data", TOGETHER)
def test_everything_at_once_fits_and_answers(page, data, has_rival):
    page.set("set-data", data)
    page.ask("change", settings=TOGETHER[data])
    if has_rival:
        page.click("#add-rival")
        page.wait(lambda: page.find("#epoch-rival").is_displayed())
    page.ask("sample", row=34)
    for _ in range(14):
        page.step("equation")
    page.click("#view-hidden")
    page.wait(lambda: "component 1" in page.text("hidden-x1"))
    page.click("#nodes button[aria-label='unit 3 of layer 1']")
    page.wait(lambda: "slope" in page.text("along-words"))
    page.find("#along-close").click()
    fits_a_screen(page, f"together-{data}{'-rival' if has_rival else ''}")
    fits_a_telephone(page, f"together-{data}{'-rival' if has_rival else ''}")
    page.click("#view-inputs")
    assert page.complaints() == []


VERDICT = "the network says {} ({:.0f} %), {}"


@pytest.mark.parametrize("row", [34, 35, 200])
def test_the_verdict_on_the_chosen_point_and_the_probabilities_are_told(page, session, row):
    session.step("epoch")
    session.look_at(row)
    page.step("epoch")
    page.ask("sample", row=row)
    y, truth = session.trace()["y"][0], session.points.y_t[row]
    said = int(y.argmax())
    right = "right" if said == truth else "wrong"
    assert page.text("verdict") == VERDICT.format(said, 100 * y[said], right)
    told = page.run(
        "return [...document.querySelectorAll('#nodes .name')].slice(2).map((e) => e.textContent)"
    )
    assert told == [f"{k}\n{100 * share:.0f} %" for k, share in enumerate(y)]


def test_the_number_predicted_for_the_chosen_point_is_told(page, session):
    session.change({"data": "sine"})
    session.look_at(7)
    page.set("set-data", "sine")
    page.ask("sample", row=7)
    name, told = page.text("verdict").replace("−", "-").rsplit(" ", 1)
    assert name == "the network predicts"
    assert float(told) == pytest.approx(session.trace()["y"].item(), rel=0.01, abs=0.001)


CROSSING = """
const boxes = (css) => [...document.querySelectorAll(css)].filter((e) => e.offsetParent)
  .map((e) => [e.textContent, e.getBoundingClientRect()]);
const nodes = boxes('#nodes > button');
return boxes('#nodes .carried').filter(([, a]) => nodes.some(([, b]) =>
  a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom && b.top < a.bottom))
  .map(([text]) => text);
"""


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_numbers_beside_units_lie_on_no_other_unit(page, layers):
    page.ask("change", settings={"hidden": [8] * layers, "classes": 6})
    page.ask("sample", row=34)
    equations = len(page.driver.find_elements("css selector", ".card[data-number]"))
    while "dW1" not in page.text("edges-show"):
        page.step("equation")
        assert page.run("return document.querySelectorAll('.card.later').length") < equations
    assert page.run(CROSSING) == []
    shown = page.run("return document.querySelectorAll('#nodes .carried').length")
    assert (shown > 0) == (layers < 4)


def test_operands_of_eight_units_need_no_scrolling_and_do_not_touch(page):
    page.ask("sample", row=34)
    wide = page.run(
        "return [...document.querySelectorAll('.card .numbers')]"
        ".filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.closest('.card').dataset.name)"
    )
    assert wide == []
    gaps = page.run(
        "const cells = [...document.querySelectorAll(\".card[data-name='dh'] .numbers > span\")]"
        ".map((e) => e.getBoundingClientRect());"
        "return cells.slice(1).map((box, k) => box.left - cells[k].right)"
    )
    assert len(gaps) == 7
    assert min(gaps) >= 2


def test_small_gradients_are_not_written_as_nothing(page):
    page.ask("sample", row=34)
    page.ask("change", settings={"hidden": [8]})
    for _ in range(3):
        page.step("epoch")
    shown = page.run(
        "return [...document.querySelectorAll('.card .numbers')].map((box) =>"
        "[...box.querySelectorAll('span')].map((e) => [e.textContent, e.exact.split(' = ')[1]]))"
    )
    for cells in shown:
        largest = max((abs(float(exact)) for _, exact in cells), default=0.0)
        told = [float(text.replace("−", "-")) for text, _ in cells]
        assert np.any(told) == (largest > 0)
