"""How the page looks and is reached: type, room, contrast, names, keys."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from browser import BROWSER
from handgrad.playground.frame import extent
from handgrad.playground.session import Session
from handgrad.tables.columns import numbers
from handgrad.tables.table import read_table

pytestmark = BROWSER

PENGUINS = Path(__file__).parents[1] / "src/handgrad/data/penguins.csv"
NUMBERS = ".numbers span, #confusion:not(.many) td, #layers td, .figures dd, #inputs-table td"

# Elements that hold a text of their own and are seen.
TEXTS = """
const own = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
const texts = [...document.querySelectorAll('body *')].filter((e) =>
  own(e) && e.getClientRects().length && !e.closest('script, noscript, option, math'));
const named = (e) => `${e.tagName} ${e.id} ${e.className} ${e.textContent.slice(0, 30)}`;
"""

CONTRAST = """
const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
  .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  .reduce((sum, part, k) => sum + [0.2126, 0.7152, 0.0722][k] * part, 0);
const parts = (text) => text.match(/[0-9.]+/g).map(Number);
const over = ([r, g, b, a = 1], under) => [r, g, b].map((part, k) => a * part + (1 - a) * under[k]);
const behind = (e) => !e ? [255, 255, 255]
  : over(parts(getComputedStyle(e).backgroundColor), behind(e.parentElement));
const clear = (e) => !e ? 1 : getComputedStyle(e).opacity * clear(e.parentElement);
const contrast = (e) => {
  const paper = behind(e), [r, g, b, a = 1] = parts(getComputedStyle(e).color);
  const both = [light(paper), light(over([r, g, b, a * clear(e)], paper))];
  const [low, high] = both.sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};
"""


def stepped(page, times):
    for _ in range(times):
        page.step("equation")


def with_rival(page):
    page.click("#add-rival")
    page.wait(lambda: page.text("run-figure") == "B")


# -- type and room ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{}, {"data": "penguins"}, {"data": "penguins", "inputs": "all"}, {"data": "digits"}],
)
@pytest.mark.parametrize("width", [400, 1280])
def test_type_is_large_enough_to_read(page, settings, width):
    for name, value in settings.items():
        page.set(f"set-{name}", value)
    page.size(width, 800)
    size = "Math.round(10 * parseFloat(getComputedStyle(e).fontSize)) / 10"
    small = page.run(
        f"{TEXTS} return texts.map((e) => [{size}, named(e)]).filter(([size]) => size < 12)"
    )
    assert small == []
    read = page.run(
        "return [...document.querySelectorAll(arguments[0])]"
        f".filter((e) => e.getClientRects().length).map((e) => {size})",
        NUMBERS,
    )
    assert len(read) > 40
    assert min(read) >= 14


LEAST_BLANK = """
const share = (section) => {
  const box = section.getBoundingClientRect();
  const ends = [...section.querySelectorAll('*')].filter((e) => e.getClientRects().length)
    .map((e) => e.getBoundingClientRect().bottom);
  return (box.bottom - Math.max(...ends)) / box.height;
};
return [...document.querySelectorAll('main > section')].map(share)
"""


@pytest.mark.parametrize("is_duel", [False, True])
def test_the_layout_grows_with_the_window(page, is_duel):
    if is_duel:
        with_rival(page)
    boxes = "#map", "#graph", "#curves", ".numbers span"
    area = (
        "return arguments[0].map((css) => document.querySelector(css).getBoundingClientRect())"
        ".map(({ width, height }) => width * height)"
    )
    before = page.run(area, boxes)
    page.size(1920, 1080)
    after = page.run(area, boxes)
    assert (np.array(after) > 1.25 * np.array(before)).all()
    assert max(page.run(LEAST_BLANK)) < 1 / 3
    assert page.run("return document.documentElement.scrollWidth") == 1920


@pytest.mark.parametrize("settings", [{"classes": k} for k in range(2, 7)] + [{"data": "penguins"}])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_confusion_is_whole(page, settings, width):
    for name, value in settings.items():
        page.set(f"set-{name}", value)
    page.size(width, 800)
    cut = page.run(
        "return [...document.querySelectorAll('.tables, #confusion th, #confusion td')]"
        ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"
    )
    assert cut == []
    assert page.run("return document.documentElement.scrollWidth") == width


def test_a_notice_lies_over_the_page(page):
    top = "return document.querySelector('main').getBoundingClientRect().top"
    before = page.run(top)
    page.run("shown.ask('change', {settings: {n: 1000000000}})")
    page.wait(lambda: page.text("notice"))
    assert page.find("#notice").is_displayed()
    assert page.run(top) == before


def test_long_names_are_cut_and_told(page, tmp_path):
    names = [f"{letter} name of a class that is rather long" for letter in "abcdef"]
    rows = "".join(f"{i % 7},{i % 5},{i % 3},{names[i % 6]}\n" for i in range(120))
    file = tmp_path / "own.csv"
    file.write_text(f"an input whose name is long,b,c,answer\n{rows}")
    page.find("#file").send_keys(str(file))
    page.wait(lambda: page.run("return shown.data") == "table")
    page.set("set-inputs", "all")
    page.step("epoch")
    shown = page.run(
        "return [...document.querySelectorAll('#nodes .name')].map((e) =>"
        "[e.title, e.getBoundingClientRect().top, e.getBoundingClientRect().bottom])"
    )
    assert [title for title, _, _ in shown[3:]] == names
    assert shown[0][0] == "an input whose name is long"
    classes = shown[3:]
    assert all(above[2] <= below[1] + 1 for above, below in pairwise(classes))
    beside = page.run(
        "return document.querySelector('#nodes .name').getBoundingClientRect().right <="
        "document.querySelector('#nodes button').getBoundingClientRect().left"
    )
    assert beside
    cut = "const e = document.querySelector('.tables'); return e.scrollWidth > e.clientWidth"
    assert not page.run(cut)
    assert page.run("return document.documentElement.scrollWidth") == 1280
    page.picture("long-names")


def test_the_legend_of_the_curves_is_clear_of_them(page):
    page.click("#hold")
    boxes = "#curves", ".key"
    below = page.run(
        "const [curves, key] = arguments[0].map((css) =>"
        "document.querySelector(css).getBoundingClientRect()); return key.bottom <= curves.top",
        boxes,
    )
    assert below
    assert page.text("held").startswith("held: adam")
    page.click("#hold")
    assert page.text("held") == ""


def test_an_array_of_many_rows_says_how_many_are_left(page):
    page.ask("change", settings={"hidden": [12]})
    card = ".card[data-name='dW2'] .numbers"
    assert len(page.driver.find_elements("css selector", f"{card} span")) == 24
    assert page.find(f"{card} .rows").text == "and 4 more rows"
    widths = page.run(
        "return [...document.querySelectorAll(`${arguments[0]} span`)].slice(0, 3)"
        ".map((e) => e.offsetWidth)",
        card,
    )
    assert max(widths) < 80  # that line stretches no column


@pytest.mark.parametrize("data", ["spiral", "penguins"])
def test_the_map_has_numbers_on_its_axes(page, data):
    session = Session(read_table(PENGUINS))
    session.change({"data": data})
    page.set("set-data", data)
    ends = np.array(extent(session)).reshape(2, 2)
    if data == "penguins":
        names = session.points.encoder.input_names
        raw = np.column_stack([numbers(session.source.penguins, name) for name in names])
        raw = raw[np.isfinite(raw).all(axis=1)]
        x, middle = session.points.x, raw.mean(axis=0)
        spread = np.ptp(raw, axis=0) / np.ptp(x, axis=0)
        start = raw.min(axis=0) - spread * x.min(axis=0)
        assert middle == pytest.approx(start, abs=0.5)
        ends = start[:, None] + spread[:, None] * ends
    for axis, (least, most) in enumerate(ends):
        told = page.run(
            "return [...document.querySelectorAll(`#x${arguments[0] + 1}-ticks span`)].map((e) =>"
            "[e.textContent.replace('−', '-'), parseFloat(e.style.left || e.style.top) / 100])",
            axis,
        )
        assert len(told) >= 2
        for text, share in told:
            along = 1 - share if axis else share
            assert float(text) == pytest.approx(least + along * (most - least), rel=1e-5)


def test_each_layers_equations_have_its_number(page):
    page.click("#more-layers")
    page.wait(lambda: len(page.driver.find_elements("css selector", "#nodes canvas")) == 16)
    told = page.run("return [...document.querySelectorAll('.card b')].map((e) => e.textContent)")
    assert told[:7] == ["(1.1)", "(2.1)", "(1.2)", "(2.2)", "(3)", "(4)", "(5)"]
    assert "two_layer.py" not in page.text("cards")
    page.click("#less-layers")
    page.wait(lambda: "two_layer.py" in page.text("cards"))


# -- contrast, names, keys ----------------------------------------------------------------------


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("view", ["rest", "equation", "rival"])
def test_texts_stand_out(page, view, is_dark):
    if view == "equation":
        stepped(page, 6)
    if view == "rival":
        with_rival(page)
    page.dark(is_dark)
    try:
        faint = page.run(
            f"{TEXTS} {CONTRAST} return texts.filter((e) => !e.closest(':disabled') &&"
            "contrast(e) < 4.5).map((e) => [contrast(e), named(e)])"
        )
    finally:
        page.dark(False)
    assert faint == []


def test_what_is_pressed_is_large_enough(page):
    with_rival(page)
    small = page.run(
        "return [...document.querySelectorAll('button, select, input')].filter((e) =>"
        "e.getClientRects().length && e.id !== 'file')"
        ".map((e) => [e, (e.type === 'checkbox' ? e.closest('label') : e).getBoundingClientRect()])"
        ".filter(([, { width, height }]) => Math.min(width, height) < 23.9)"
        ".map(([e, { width, height }]) => [e.id, e.className, e.textContent, width, height])"
    )
    assert small == []


def test_the_source_of_a_number_is_reached_by_keys(page):
    session = Session(read_table(PENGUINS))
    page.run("document.querySelector(\".card[data-name='dW1'] [tabindex='0']\").focus()")
    page.wait(lambda: page.text("tip") == session.spelled("dW1", 0))
    active = page.driver.switch_to.active_element
    assert active.get_attribute("aria-label").startswith("x1 → unit 1: ")
    active.send_keys(Keys.ARROW_DOWN)
    page.wait(lambda: page.text("tip") == session.spelled("dW1", 8))
    active = page.driver.switch_to.active_element
    assert active.get_attribute("aria-label").startswith("x2 → unit 1: ")
    active.send_keys(Keys.ESCAPE)
    assert not page.find("#tip").is_displayed()
    active.send_keys(Keys.ENTER)
    page.wait(lambda: page.text("tip") == session.spelled("dW1", 8))
    stops = page.run("return document.querySelectorAll(\".card[data-name='dW1'] [tabindex='0']\")")
    assert len(stops) == 1


@pytest.mark.parametrize("width", [400, 1280])
def test_a_tooltip_lies_beside_its_number_within_the_window(page, width):
    page.size(width, 800)
    clear = """
    const tip = document.getElementById('tip').getBoundingClientRect();
    const of = arguments[0].getBoundingClientRect();
    return [tip.left >= 0, tip.right <= innerWidth, tip.top >= 0, tip.bottom <= innerHeight,
      tip.top >= of.bottom || tip.bottom <= of.top];
    """
    for block in ("start", "end"):
        number = page.find(".card[data-name='dh'] .numbers span:nth-child(8)")
        page.run("arguments[0].scrollIntoView({block: arguments[1]})", number, block)
        ActionChains(page.driver).move_to_element(page.find("#play")).perform()
        ActionChains(page.driver).move_to_element(number).perform()
        page.wait(lambda: "×" in page.text("tip"))
        assert page.run(clear, number) == [True] * 5


def test_the_list_beside_step_is_no_trap(page):
    by = page.find("#by")
    page.set("by", "equation")
    page.run("arguments[0].focus()", by)
    version = page.version()
    by.send_keys("s")
    page.wait(lambda: page.version() != version)
    assert page.run("return document.getElementById('by').value") == "equation"
    assert page.run("return document.querySelectorAll('.card.at').length") == 1


def test_a_question_mark_shows_the_keys(page):
    page.find("body").send_keys("?")
    assert page.find("#keys").is_displayed()
    assert "makes a step" in page.text("keys")
    page.find("#keys button").click()
    assert not page.find("#keys").is_displayed()
    page.find("#keys-start").click()
    assert page.find("#keys").is_displayed()
    page.find("#keys button").click()


def test_the_tour_is_a_dialog_that_takes_the_focus(page):
    page.click("#tour-start")
    told = page.run(
        "const tour = document.getElementById('tour');"
        "return [tour.tagName, tour.role, tour.contains(document.activeElement)]"
    )
    assert told == ["DIV", "dialog", True]
    page.click("#tour-end")
    assert page.run("return document.activeElement.id") == "tour-start"
