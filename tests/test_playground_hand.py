"""What hands do to the network and the map in the browser: drag, draw, rub out, take back."""

import re

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from browser import BROWSER, PENGUINS, fits_a_screen, fits_a_telephone
from handgrad.playground import drawing
from handgrad.playground.along import along
from handgrad.playground.frame import extent
from handgrad.playground.hidden import HiddenView
from handgrad.playground.runs import Runs
from handgrad.playground.session import Session
from handgrad.tables.table import read_table

pytestmark = BROWSER

FIRST_WEIGHT = """
const middle = (name) => {
  const box = document.querySelector(`#nodes button[aria-label='${name}']`).getBoundingClientRect();
  return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
};
document.getElementById('graph').scrollIntoView({block: 'center'});
const [a, b] = [middle('x1'), middle('unit 1 of layer 1')];
return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
"""
FIRST_BIAS = """
document.getElementById('graph').scrollIntoView({block: 'center'});
const unit = document.querySelector("#nodes button[aria-label='unit 1 of layer 1']");
const box = unit.getBoundingClientRect();
return [box.left - 7, box.bottom - 1];
"""
POINTER = """
const [kind, x, y, pointerType = 'mouse'] = arguments, where = document.elementFromPoint(x, y);
where.dispatchEvent(new PointerEvent(kind,
  {clientX: x, clientY: y, button: 0, buttons: 1, bubbles: true, pointerType}));
"""
ESCAPE = "dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))"


@pytest.fixture
def session():
    return Session(read_table(PENGUINS))


def told_of(page):
    return page.text("along-words").replace("−", "-")


# -- the loss along a weight --------------------------------------------------------------------


def test_the_loss_along_a_weight_is_shown_with_its_slope(page, session):
    page.click("#nodes button[aria-label='unit 3 of layer 1']")
    told = along(session, 18)
    page.wait(lambda: page.text("along-title") == "Loss along b1[2]")
    slope = f"{told['slope']:.3f}"
    expected = f"b1[2] = 0: loss {told['loss']:.4f}, slope {slope}, of the 240 training points."
    assert told_of(page) == expected
    assert "tangent" in page.find("#along-curve").get_attribute("aria-label")
    page.driver.switch_to.active_element.send_keys(Keys.TAB)
    page.wait(lambda: page.text("along-title") == "Loss along W1[0, 2]")
    fits_a_screen(page, "along-fields")
    fits_a_telephone(page, "along-fields")
    page.size(1920, 1080)
    page.picture("along-fields-1920")
    page.find("#along-close").send_keys(Keys.ESCAPE)
    assert not page.find("#along").is_displayed()
    assert not page.find("#inspector").is_displayed()
    assert page.complaints() == []


def test_the_curve_follows_an_update_and_rests_while_it_plays(page, session):
    page.click("#nodes button[aria-label='unit 3 of layer 1']")
    page.wait(lambda: "loss 1.2849" in told_of(page))
    page.click("#along-title")
    page.step("batch")
    session.step("batch")
    told = along(session, 18)
    page.wait(lambda: f"loss {told['loss']:.4f}" in told_of(page))
    page.step("equation")
    session.step("equation")
    page.wait(lambda: f"of point {session.sample + 1} alone" in told_of(page))
    assert f"loss {along(session, 18)['loss']:.4f}" in told_of(page)
    page.set("by", "epoch")
    page.click("#play")
    page.wait(lambda: "Pause to renew" in told_of(page))
    shown = told_of(page).split(":")[1][:10]
    page.step("epoch")
    page.wait(lambda: "Pause" not in told_of(page) and shown not in told_of(page))


# -- weights and biases -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "place", "name"), [(FIRST_WEIGHT, 0, "W1[0, 0]"), (FIRST_BIAS, 16, "b1[0]")]
)
def test_what_is_dragged_shows_its_curve_and_escape_gives_the_last_bit_back(
    page, session, what, place, name
):
    page.step("epoch")
    session.step("epoch")
    x, y = page.run(what)
    first, old = page.text("loss"), float(session.run.params.flat[place])
    session.edit(place, round(float(f"{old:.7g}") + 0.8, 4))
    dragged = f"{session.history[-1].loss:.4f}"
    page.run(POINTER, "pointerdown", x, y)
    page.run(POINTER, "pointermove", x, y - 40)
    page.wait(lambda: page.text("loss") == dragged, seconds=10)
    page.wait(lambda: page.text("along-title") == f"Loss along {name}")
    page.wait(lambda: f"loss {dragged}" in told_of(page))
    page.picture(f"dragged-{place}")
    page.run(ESCAPE)
    page.wait(lambda: page.text("loss") == first, seconds=10)
    page.step("epoch")
    session.edit(place, old)
    session.step("epoch")
    assert page.text("loss") == f"{session.history[-1].loss:.4f}"


def touched(page, kind, *points):
    touches = [{"x": x, "y": y} for x, y in points]
    page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def test_a_weight_is_dragged_with_a_finger(page, session):
    page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    page.size(400, 850)
    x, y = page.run(FIRST_WEIGHT)
    first, top = page.text("loss"), page.run("return scrollY")
    touched(page, "touchStart", (x, y))
    for step in range(1, 9):
        touched(page, "touchMove", (x, y - 5 * step))
    old = float(f"{session.run.params.flat[0]:.7g}")
    session.edit(0, round(old + 0.8, 4))
    page.wait(lambda: page.text("loss") == f"{session.history[-1].loss:.4f}", seconds=10)
    touched(page, "touchEnd")
    assert page.text("loss") != first
    assert page.run("return scrollY") == top
    page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


# -- points on the map --------------------------------------------------------------------------

ON_MAP = """
document.getElementById('map').scrollIntoView({block: 'center'});
const box = document.getElementById('map').getBoundingClientRect();
return arguments[0].map(([x, y]) => [box.left + x * box.width, box.top + y * box.height]);
"""


def on_map(page, session, *places):
    """Say where in the window some places of the plane are."""
    left, right, low, high = extent(session)
    shares = [((x1 - left) / (right - left), (high - x2) / (high - low)) for x1, x2 in places]
    return page.run(ON_MAP, shares)


def x_shown(page):
    return page.run(
        "return [...document.querySelectorAll('#cards .card')][0].querySelector('.numbers')"
        ".textContent"
    ).replace("−", "-")


def stroke(page, *places):
    page.run(POINTER, "pointerdown", *places[0])
    for place in places[1:]:
        page.run(POINTER, "pointermove", *place)


def lift(page, place):
    page.run(POINTER, "pointerup", *place)


def far_point(session):
    """Return the row of a point that stands alone."""
    away = np.linalg.norm(session.points.x[:, None] - session.points.x[None], axis=2)
    return int((away + 9 * np.eye(len(away))).min(axis=1).argmax())


def test_a_point_is_dragged_and_every_number_follows(page, session):
    row = far_point(session)
    start, *way = on_map(page, session, session.points.x[row], (0.4, 0.4), (0.5, 0.25))
    first = page.text("loss")
    stroke(page, start, *way)
    page.wait(lambda: x_shown(page) == "0.500.25" or x_shown(page).startswith("0.5"))
    page.wait(lambda: page.run("return shown.data") == "drawn")
    page.wait(lambda: page.text("loss") != first)
    assert page.text("which-sample").strip().startswith(f"of point {row + 1}")
    page.picture("point-dragged")
    page.run(ESCAPE)
    page.wait(lambda: page.run("return shown.data") == "spiral")
    page.wait(lambda: page.text("loss") == first)
    stroke(page, start, *way)
    lift(page, way[-1])
    drawing.move(session, row, 0.5, 0.25, goes_on=False)
    page.wait(lambda: page.text("loss") == f"{session.history[-1].loss:.4f}")
    page.click("#undo")
    page.wait(lambda: page.run("return shown.data") == "spiral")
    assert page.run("return document.getElementById('undo').disabled")
    assert page.complaints() == []


def test_a_point_is_moved_by_keys_and_escape_puts_it_back(page, session):
    found, first = page.find("#map"), page.text("loss")
    before = x_shown(page)
    for _ in range(3):
        found.send_keys(Keys.SHIFT + Keys.ARROW_RIGHT)
    x1, x2 = session.points.x[session.sample]
    drawing.move(
        session, session.sample, round(x1, 4) + 3 * 0.02 * 2.3, round(x2, 4), goes_on=False
    )
    page.wait(lambda: page.text("loss") == f"{session.history[-1].loss:.4f}")
    assert x_shown(page) != before
    found.send_keys(Keys.ESCAPE)
    page.wait(lambda: x_shown(page) == before)
    assert page.text("loss") == first
    assert page.run("return shown.data") == "spiral"


def test_points_are_rubbed_out_and_come_back(page, session):
    page.click("#erase")
    (at,) = on_map(page, session, session.points.x[far_point(session)])
    stroke(page, at)
    lift(page, at)
    page.wait(lambda: page.run("return shown.points") == 299)
    page.click("#undo")
    page.wait(lambda: page.run("return shown.points") == 300)
    page.click("#draw")
    assert not page.find("#erase").is_selected()
    page.click("#draw")


def test_an_empty_map_takes_a_drawing(page, session):
    page.click("#empty")
    assert "at least 10 points of two classes or more: 0 of 0" in page.text("board-words")
    first = page.run("return shown.points")
    for brush, height in (("0", 0.6), ("1", -0.6)):
        page.set("brush", brush)
        way = on_map(page, session, *[(-0.8 + 0.2 * k, height) for k in range(6)])
        stroke(page, *way)
        if brush == "0":
            assert "6 of 1 so far" in page.text("board-words")
            assert page.run("return shown.points") == first
            fits_a_screen(page, "empty-map")
        lift(page, way[-1])
    page.wait(lambda: page.run("return shown.points") == 12)
    assert page.text("board-words") == ""
    page.picture("own-points")
    page.click("#undo")
    page.wait(lambda: page.run("return shown.points") == 300)
    page.click("#empty")
    page.run(ESCAPE)
    assert page.text("board-words") == ""
    page.click("#draw")


def test_too_few_points_are_told(page, session):
    page.ask("draw", points=[[k / 10, 0, k % 2] for k in range(10)], wipe=True)
    page.click("#erase")
    (at,) = on_map(page, session, (0.5, 0.0))
    stroke(page, at)
    lift(page, at)
    page.wait(lambda: "at least 10 points of two classes or more must stay" in page.text("notice"))
    assert page.run("return shown.points") == 10
    page.click("#erase")


def test_a_chosen_point_is_dragged_with_a_finger(page, session):
    page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    page.size(400, 850)
    row = far_point(session)
    page.ask("sample", row=row)
    start, *way = on_map(page, session, session.points.x[row], (0.3, 0.2), (0.5, 0.25))
    top = page.run("return scrollY")
    stands = page.run("return document.getElementById('map').getBoundingClientRect().top")
    page.settle()
    touched(page, "touchStart", start)
    for place in way:
        touched(page, "touchMove", place)
        page.settle()
    touched(page, "touchEnd")
    assert page.run("return document.getElementById('map').getBoundingClientRect().top") == stands
    page.wait(lambda: re.match(r"0\.(49|50)\d?0\.2[456]", x_shown(page)), seconds=10)
    assert page.run("return scrollY") == top
    page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


# -- the hidden layer ---------------------------------------------------------------------------


def hidden_shown(page):
    return page.run("return document.getElementById('hidden-map').toDataURL()")


def test_the_hidden_layer_is_shown_as_it_learns(page, session):
    page.click("#view-hidden")
    told = HiddenView().look(Runs(session), 0, 1)
    expected = [f"{name}, {100 * share:.0f} % of variance" for name, share in told["axes"]]
    page.wait(lambda: page.text("hidden-x1") == expected[0])
    assert page.text("hidden-x2") == expected[1]
    first = hidden_shown(page)
    page.step("epoch")
    page.wait(lambda: hidden_shown(page) != first)
    page.click("#play")
    second = hidden_shown(page)
    page.wait(lambda: hidden_shown(page) != second)
    page.wait(lambda: int(page.text("updates")) > 300)
    page.click("#play")
    fits_a_screen(page, "hidden")
    fits_a_telephone(page, "hidden")
    page.size(1920, 1080)
    page.picture("hidden-1920")
    page.click("#view-inputs")
    assert page.complaints() == []


def test_units_are_the_axes_of_a_narrow_layer(page):
    page.click("#view-hidden")
    page.ask("change", settings={"hidden": [3]})
    page.wait(lambda: page.text("hidden-x1") == "h of unit 1")
    page.set("hidden-up", "unit 3")
    page.wait(lambda: page.text("hidden-x2") == "h of unit 3")
    fits_a_screen(page, "hidden-units")
    page.ask("change", settings={"hidden": []})
    assert not page.find("#view-hidden").is_enabled()
    assert page.find("#map").is_displayed()
    assert page.complaints() == []


def test_a_closed_view_asks_nothing(page):
    page.run(
        "window.sent = []; const own = WebSocket.prototype.send;"
        "WebSocket.prototype.send = function (text) { sent.push(text); own.call(this, text); }"
    )
    page.step("epoch")
    assert not any('"hidden"' in text for text in page.run("return sent"))
    page.click("#view-hidden")
    page.wait(lambda: any('"hidden"' in text for text in page.run("return sent")))
    page.click("#view-inputs")


def test_more_classes_than_colours_bear_their_names(page):
    page.set("set-data", "digits")
    page.click("#view-hidden")
    page.wait(lambda: "component 1" in page.text("hidden-x1"))
    page.wait(lambda: not page.find("#hidden-legend").is_displayed())
    fits_a_screen(page, "hidden-digits")
    page.click("#view-inputs")
    assert page.complaints() == []
