"""The network's drawing and the folds over the map."""

from pathlib import Path

import numpy as np
import pytest

from browser import BROWSER, fits_a_screen, fits_a_telephone
from handgrad.playground.session import Session
from handgrad.playground.walk import walk
from handgrad.tables.table import read_table

pytestmark = BROWSER

PENGUINS = Path(__file__).parents[1] / "src/handgrad/data/penguins.csv"


@pytest.fixture
def session():
    return Session(read_table(PENGUINS))


def test_a_walk_back_shows_gradients_and_the_numbers_at_units(page, session):
    assert page.text("edges-show").startswith("Lines show the weights")
    for _ in range(7):
        page.step("equation")
        session.step("equation")
    assert "gradients dW2 of this point, and still the weights W1" in page.text("edges-show")
    for _ in range(4):
        page.step("equation")
        session.step("equation")
    assert page.text("edges-show") == "Lines show the gradients dW1, dW2 of this point."
    t = session.trace()
    shown = page.run(
        "return [...document.querySelectorAll('#nodes .carried')].map((e) => e.textContent)"
    )
    assert len(shown) == 8
    for text, h, dh in zip(shown, t["h"][0], t["dh"][0], strict=True):
        first, second = text.replace("−", "-").split("\n")
        assert float(first.removeprefix("h ")) == pytest.approx(h, abs=0.005, rel=0.01)
        assert float(second.removeprefix("dh ")) == pytest.approx(dh, abs=0.005, rel=0.01)
    fits_a_screen(page, "walk-back")
    fits_a_telephone(page, "walk-back")


# Each line and bar of the drawing as it is drawn, the last drawing alone.
WATCH = """
const lines = (shown.lines = []), bars = (shown.bars = []);
const { prototype } = CanvasRenderingContext2D;
const { stroke, fillRect, clearRect } = prototype;
const isIt = ({ canvas }) => canvas.id === 'edges';
prototype.clearRect = function (...box) {
  if (isIt(this)) lines.length = bars.length = 0;
  clearRect.apply(this, box);
};
prototype.stroke = function () {
  if (isIt(this)) lines.push([this.strokeStyle, this.lineWidth, this.globalAlpha]);
  stroke.apply(this);
};
prototype.fillRect = function (...box) {
  if (isIt(this)) bars.push(this.fillStyle);
  fillRect.apply(this, box);
};
"""
UP, DOWN = "#0072b2", "#c4500a"


def drawn_as(numbers, largest):
    """Colour and width of the lines of these numbers."""
    return [(DOWN if w < 0 else UP, 0.4 + 5 * abs(w) / largest) for w in np.ravel(numbers).tolist()]


def test_lines_have_the_colours_of_weights_and_while_walking_back_of_gradients(page, session):
    page.run(WATCH)
    for _ in range(7):  # (7): the gradients of the second layer, which is lit
        page.step("equation")
        session.step("equation")
    t = session.trace()
    lines = page.run("return shown.lines")
    first, second = lines[: t["W1"].size], lines[t["W1"].size :]
    assert {alpha for *_, alpha in first} == {0.25}
    assert {alpha for *_, alpha in second} == {1}
    sizes = max(2, np.abs(t["W1"]).max()), np.abs(t["dW2"]).max()
    for found, numbers, largest, more in zip(
        (first, second), (t["W1"], t["dW2"]), sizes, (0, 0.8), strict=True
    ):
        expected = drawn_as(numbers, largest)
        assert [color for color, *_ in found] == [color for color, _ in expected]
        widths = [width - more for _, width, _ in found]
        assert widths == pytest.approx([width for _, width in expected], rel=1e-3)
    for _ in range(5):  # (12): all of them
        page.step("equation")
        session.step("equation")
    t = session.trace()
    largest = max(np.abs(t[name]).max() for name in ("dW1", "dW2"))
    expected = drawn_as(t["dW1"], largest) + drawn_as(t["dW2"], largest)
    lines = page.run("return shown.lines")
    assert [color for color, *_ in lines] == [color for color, _ in expected]
    assert {color for color, *_ in lines} == {UP, DOWN}
    bars = [DOWN if b < 0 else UP for name in ("db1", "db2") for b in t[name]]
    assert page.run("return shown.bars") == bars


def test_a_walk_shows_only_the_units_that_are_drawn_of_wide_layers(page, session):
    session.change({"hidden": [16]})
    assert walk(session, session.trace()) is None
    for _ in range(12):
        session.step("equation")
    found = walk(session, session.trace())
    sizes = [
        (len(dW), len(dW[0]), len(db)) for dW, db in zip(found["dW"], found["db"], strict=True)
    ]
    assert sizes == [(2, 10, 10), (10, 3, 3)]
    assert found["h"] == found["dh"] == [None]
    page.ask("change", settings={"hidden": [16]})
    for _ in range(12):
        page.step("equation")
    assert page.text("edges-show") == "Lines show the gradients dW1, dW2 of this point."
    assert page.complaints() == []


def test_the_lines_out_of_a_block_of_inputs_are_no_weights(page):
    page.set("set-data", "digits")
    for _ in range(11):
        page.step("equation")
    assert page.text("edges-show") == "Lines show the gradients dW2 of this point."


def test_folds_are_drawn_where_an_activation_bends(page, session):
    picture = "return document.getElementById('map').toDataURL()"
    before = page.run(picture)
    page.find("#folds").send_keys(" ")
    page.wait(lambda: page.run(picture) != before)
    page.picture("folds")
    ends = page.driver.execute_async_script(
        "const done = arguments[0];"
        "import('/page/folds.js').then((m) => done(m.foldOf([3, 4], 5, [-1, 1, -1, 1])))"
    )
    assert [3 * x1 + 4 * x2 + 5 for x1, x2 in ends] == pytest.approx([0, 0])
    page.find("#folds").send_keys(" ")
    page.wait(lambda: page.run(picture) == before)
    page.set("set-activation", "tanh")
    assert not page.find("#folds").is_displayed()


DRAG = """
const [kind, x, y] = arguments, graph = document.getElementById('graph');
graph.dispatchEvent(new PointerEvent(kind, {clientX: x, clientY: y, button: 0, bubbles: true}));
"""
MIDDLE = """
const middle = (name) => {
  const box = document.querySelector(`#nodes button[aria-label='${name}']`).getBoundingClientRect();
  return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
};
const [a, b] = [middle('x1'), middle('unit 1 of layer 1')];
return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
"""


def test_a_weight_is_dragged_and_escape_puts_it_back(page, session):
    x, y = page.run(MIDDLE)
    first = page.text("loss")
    old = float(session.run.params.W[0][0, 0])
    session.edit(0, round(float(f"{old:.7g}") + 0.8, 4))
    dragged = f"{session.history[-1].loss:.4f}"
    page.run(DRAG, "pointerdown", x, y)
    page.run(DRAG, "pointermove", x, y - 40)
    page.wait(lambda: page.text("loss") == dragged, seconds=10)
    page.run(
        "dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))",
    )
    page.wait(lambda: page.text("loss") == first, seconds=10)
    page.run(DRAG, "pointerdown", x, y)
    page.run(DRAG, "pointermove", x, y - 40)
    page.run(DRAG, "pointerup", x, y - 40)
    page.wait(lambda: page.text("loss") == dragged, seconds=10)
    assert not page.find("#inspector").is_displayed()
