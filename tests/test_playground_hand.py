"""What hands do to the network and the map in the browser: drag, draw, rub out, take back."""

import pytest
from selenium.webdriver.common.keys import Keys

from browser import BROWSER, PENGUINS, fits_a_screen, fits_a_telephone
from handgrad.playground.along import along
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
