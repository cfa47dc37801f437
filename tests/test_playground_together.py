"""What a learner may combine on the page: numbers, skip, scale, many layers, classes, a rival."""

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from browser import BROWSER, PENGUINS, fits_a_screen, fits_a_telephone
from handgrad.playground.session import Session
from handgrad.tables.table import read_table

pytestmark = BROWSER

ESCAPE = "dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))"

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


@pytest.mark.parametrize("data", ["sine", "bump"])
def test_the_hidden_view_tells_numbers_by_colours_and_has_their_key(page, data):
    page.set("set-data", data)
    page.click("#view-hidden")
    page.wait(lambda: "component 1" in page.text("hidden-x1"))
    assert page.find("#hidden-legend .numbers-key").size["width"] > 40
    colours = page.run(
        "const canvas = document.getElementById('hidden-map');"
        "const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        "const found = new Set();"
        "for (let i = 0; i < data.length; i += 4) found.add(data.slice(i, i + 3).join());"
        "return [...found].map((text) => text.split(',').map(Number))"
    )
    assert any(red > 200 and blue < 120 for red, _, blue in colours)  # the largest: yellow
    assert any(blue - red > 80 for red, _, blue in colours)  # the least: blue
    page.picture(f"hidden-{data}")
    page.click("#view-inputs")


def test_an_empty_map_given_back_leaves_the_tool_as_it_was(page):
    for back in ("document.getElementById('undo').click()", ESCAPE):
        page.click("#empty")
        assert page.find("#draw").is_selected()
        page.run(back)
        assert page.text("board-words") == ""
        assert not page.find("#draw").is_selected()


@pytest.mark.parametrize(("data", "can_move"), [("spiral", True), ("sine", False), ("bump", False)])
def test_only_points_of_classes_are_changed_by_hand(page, data, can_move):
    if data != "spiral":
        page.set("set-data", data)
    assert ("with Shift" in page.find("#map").get_attribute("aria-label")) == can_move
    for tool in ("draw", "erase", "empty", "undo"):
        assert page.find(f"#{tool}").is_displayed() == can_move
    asked = {
        "move": {"row": 3, "to": [0.1, 0.1], "goes_on": False},
        "draw": {"points": [[0.1, 0.1, 0]]},
        "erase": {"places": [[0.1, 0.1]], "radius": 0.1},
    }
    for what, message in asked.items():
        if can_move:
            page.ask(what, **message)
        else:
            page.run("shown.ask(...arguments)", what, message)
            page.wait(lambda: not page.run("return document.getElementById('notice').hidden"))
            page.run("document.getElementById('notice').hidden = true")
    assert page.run("return shown.data") == ("drawn" if can_move else data)


def test_operands_are_reached_by_arrows(page):
    page.ask("sample", row=34)
    page.run("document.querySelector(\".card[data-name='r'] [tabindex='0']\").focus()")
    seen = []
    for key in (Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_LEFT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN):
        page.driver.switch_to.active_element.send_keys(key)
        seen.append(page.driver.switch_to.active_element.get_attribute("aria-label").split(":")[0])
        assert page.text("tip").startswith(seen[-1])
    assert seen == ["b1[0]", "W1[1, 0]", "x[1]", "W1[1, 0]", "b1[0]"]
    lit = "return [...document.querySelectorAll('.card .term')].map((e) => e.key).filter(Boolean)"
    assert set(page.run(lit)) == {"b1[0]"}
    stops = page.run("return document.querySelectorAll(\".card[data-name='r'] [tabindex='0']\")")
    assert len(stops) == 1


def test_no_tool_stays_in_the_hand_where_there_are_none(page, session):
    page.click("#erase")
    page.set("set-data", "sine")
    session.change({"data": "sine"})
    page.wait(lambda: not page.find("#point-tools").is_displayed())
    assert not page.find("#erase").is_selected()
    page.click("#map")
    page.wait(lambda: "of point" in page.text("which-sample"))
    assert page.complaints() == []
