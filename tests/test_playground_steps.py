"""The column of equations: operands beside results, terms that light up, and further cards."""

from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains

from browser import BROWSER, fits_a_screen, fits_a_telephone
from handgrad.explain.operands import Operand, operands
from handgrad.explain.trace import trace
from handgrad.playground.session import Session
from handgrad.playground.tally import tally
from handgrad.tables.table import read_table
from seen import frame

pytestmark = BROWSER

PENGUINS = Path(__file__).parents[1] / "src/handgrad/data/penguins.csv"


@pytest.fixture
def session():
    return Session(read_table(PENGUINS))


def walk(page, session, n):
    for _ in range(n):
        page.step("equation")
        session.step("equation")


SHOWN = """
return [...document.querySelectorAll(`.card[data-name='${arguments[0]}'] .numbers i`)]
  .map((e) => Number(e.exact.split(' = ')[1]))
"""


def has_every_operand(page, t):
    """See that each card shows the numbers of its operands, as the library computes them."""
    for equation in t.equations:
        expected = [
            part.numbers.ravel()
            for part in operands(t, equation)
            if isinstance(part, Operand) and part.value.ndim
        ]
        found = page.run(SHOWN, equation.name)
        both = [np.sort(np.concatenate(expected)), np.sort(found)]
        np.testing.assert_allclose(both[1], both[0], rtol=1e-6, atol=1e-12, err_msg=equation.name)


def test_a_walk_shows_the_operands_of_every_equation(page, session):
    assert page.run(SHOWN, "r") == []
    walk(page, session, 1)
    has_every_operand(page, session.trace())
    walk(page, session, 12)
    has_every_operand(page, session.trace())
    fits_a_screen(page, "operands")
    fits_a_telephone(page, "operands")


def test_a_chosen_point_shows_operands_at_rest_and_not_while_it_plays(page, session):
    page.ask("sample", row=34)
    session.look_at(34)
    has_every_operand(page, session.trace())
    page.set("speed", "30 a second")
    page.run("document.getElementById('cards').scrollTop = 0")  # only cards in view are renewed
    page.click("#play")
    page.wait(lambda: page.run(SHOWN, "r") == [])
    page.click("#play")
    page.wait(lambda: len(page.run(SHOWN, "r")) == 26)


@pytest.mark.parametrize("hidden", [[], [3, 8], [2, 2, 2, 2]])
@pytest.mark.parametrize("activation", ["gelu", "leaky_relu"])
def test_any_depth_and_activation(page, session, hidden, activation):
    settings = {"hidden": hidden, "activation": activation, "l2": 0.01}
    page.ask("change", settings=settings)
    session.change(settings)
    walk(page, session, 2)
    has_every_operand(page, session.trace())
    assert page.complaints() == []


def test_arrays_that_are_wide_stay_as_they_are(page, session):
    page.ask("change", settings={"hidden": [16]})
    page.step("equation")
    assert page.run(SHOWN, "r") == []
    assert len(page.run(SHOWN, "dscore")) == 6


PLACES = """
const box = document.querySelector(`.card[data-name='${arguments[0]}'] .numbers`);
return [...box.querySelectorAll('i, span')].map((e) => {
  const {left, top} = e.getBoundingClientRect();
  return [e.key, Math.round(left), Math.round(top)];
});
"""


def test_rows_and_columns_line_up(page):
    page.step("equation")
    places = {key: (left, top) for key, left, top in page.run(PLACES, "r")}
    for j in range(8):
        assert len({places[name][0] for name in (f"W1[0, {j}]", f"b1[{j}]", f"r[{j}]")}) == 1
    for i in range(2):
        assert len({places[name][1] for name in (f"x[{i}]", f"W1[{i}, 0]", f"W1[{i}, 7]")}) == 1
    outer = {key: (left, top) for key, left, top in page.run(PLACES, "dW2")}
    assert outer["dscore[2]"][0] == outer["dW2[5, 2]"][0]
    assert outer["h[5]"][1] == outer["dW2[5, 2]"][1]


LIT = """
const of = (css) => [...document.querySelectorAll(`${css}.term`)];
return [of('.card[data-name=r] .numbers i').map((e) => e.key),
  of('.card[data-name=r] .formula :is(msub, mi)').map((e) => e.textContent),
  of('.card[data-name=r] code i').map((e) => e.textContent),
  [...document.querySelectorAll('#nodes button.lit')].map((e) => e.ariaLabel)];
"""


def test_a_number_lights_its_terms_in_grids_formula_code_and_network(page, session):
    walk(page, session, 1)
    edges = "return document.getElementById('edges').toDataURL()"
    before = page.run(edges)
    number = page.find(".card[data-name='r'] .numbers span:nth-of-type(4)")
    ActionChains(page.driver).move_to_element(number).perform()
    page.wait(lambda: "unit 4" in page.text("tip"))
    grids, symbols, code, units = page.run(LIT)
    assert sorted(grids) == ["W1[0, 3]", "W1[1, 3]", "b1[3]", "x[0]", "x[1]"]
    assert symbols == code == ["r", "x", "W1", "b1"]
    assert units == ["x1", "x2", "unit 4 of layer 1"]
    assert page.run(edges) != before
    page.picture("term")
    ActionChains(page.driver).move_to_element(page.find("h1")).perform()
    page.wait(lambda: page.run(LIT)[:3] == [[], [], []])
    assert page.run(edges) == before
    page.run("arguments[0].focus()", number)
    assert page.run(LIT)[2] == ["r", "x", "W1", "b1"]


def test_operands_are_made_only_for_who_reads_them(session):
    def told(**how):
        return b'"operands":null' not in frame(session, **how)

    assert not told(playing=False, kind="epoch")
    session.look_at(3)
    assert told(playing=False, kind="epoch")
    assert not told(playing=True, kind="epoch")
    session.step("equation")
    assert told(playing=True, kind="equation")


def test_the_code_of_a_card_is_the_equations_and_the_files_line_comes_on_request(page):
    card, text = (
        ".card[data-name='dscore']",
        "return document.querySelector(arguments[0]).innerText",
    )
    assert page.run(text, f"{card} > code") == "dscore = (y - np.eye(N_y)[y_t]) / n"
    assert not page.find(f"{card} .file").is_displayed()
    page.click("#file-lines")
    assert page.find(f"{card} .file").is_displayed()
    assert "dscore = (tape.y - np.eye(N_y)[y_t]) / n" in page.run(text, f"{card} .file")
    page.click("#file-lines")
    page.ask("change", settings={"activation": "tanh"})
    assert page.run("return document.querySelectorAll('.card .file').length") == 0
    assert not page.find("#file-lines").is_displayed()


LINK = """
const card = document.querySelector(`[data-link='${arguments[0]}'] .numbers`);
return [...card.querySelectorAll(arguments[1])].map((e) => Number(e.exact.split(' = ')[1]));
"""


def test_the_softmax_derivatives_are_folded_between_loss_and_slope(page, session):
    page.ask("sample", row=34)
    session.look_at(34)
    fold = page.find(".chain")
    assert page.run(
        "return [arguments[0].previousSibling, arguments[0].nextSibling].map(e => e.dataset.name)",
        fold,
    ) == ["L", "dscore"]
    assert not fold.get_attribute("open")
    page.click(".chain summary")
    t = session.trace()
    y, truth = t["y"][0], np.eye(3)[t.truth[0]]
    J = np.diag(y) - np.outer(y, y)
    expected = {"dy": -truth / y, "J": J, "dscore": t["dscore"]}
    for name, value in expected.items():
        assert page.run(LINK, name, "span") == pytest.approx(np.ravel(value), rel=1e-6, abs=1e-12)
    assert page.run(LINK, "J", "i") == pytest.approx(
        [*np.diag(y).ravel(), *np.outer(y, y).ravel()], rel=1e-6, abs=1e-12
    )
    fits_a_screen(page, "chain")
    fits_a_telephone(page, "chain")


def test_many_classes_have_no_card_of_their_derivatives(page):
    page.set("set-data", "digits")
    assert not page.find(".chain").is_displayed()
    page.set("set-data", "spiral")
    assert page.find(".chain").is_displayed()
    page.set("speed", "30 a second")
    page.click("#play")
    page.wait(lambda: not page.find(".chain").is_displayed())
    assert not page.find(".fall").is_displayed()
    page.click("#play")
    page.wait(lambda: page.find(".fall").is_displayed())


def test_the_loss_before_and_after_the_step_is_told_beside_what_the_gradient_promised(
    page, session
):
    page.ask("change", settings={"rate": 0.3, "l2": 0.01})
    page.ask("sample", row=34)
    session.change({"rate": 0.3, "l2": 0.01})
    session.look_at(34)
    walk(page, session, 16)
    t = session.trace()
    told = page.run("return document.querySelector('.fall').textContent")
    assert f"loss {float(t['L']):.4f} → {t.loss_after:.4f}; " in told
    assert f"the gradient promised −{-t.promised_change:.4f}" in told
    after = session.trace().stepped
    session.run.params.flat[:] = after.flat
    assert float(session.trace()["L"]) == pytest.approx(t.loss_after, rel=1e-12)


SUMMED = """
const box = document.querySelector(`.card[data-name='${arguments[0]}'] .tally`);
return [box.querySelector('p').textContent,
  [...box.querySelectorAll('i')].map((e) => Number(e.exact.split(' = ')[1]))];
"""


def gradients_of(session, flat, rows, l2=0.0):
    """Compute each row's gradients by a trace of its own."""
    params = session.run.params.like(flat)
    points = session.points
    return [
        trace(session.architecture, params, points.x[[row]], points.y_t[[row]], l2=l2)
        for row in rows
    ]


GRADIENTS = ("dW2", "db2", "dW1", "db1")


def test_by_sample_the_sums_over_the_rows_accumulate(page, session):
    settings = {"batch": 10, "l2": 0.01}
    page.ask("change", settings=settings)
    session.change(settings)
    for _ in range(7):
        page.step("sample")
        session.step("sample")
    rows = session.points.training[session.under_way.batch()]
    traces = gradients_of(session, session.run.params.flat, rows)
    for name in GRADIENTS:
        words, numbers = page.run(SUMMED, name)
        assert words == "Summed over 7 of the batch's 10 rows so far:"
        expected = sum(t[name] for t in traces[:7])
        assert numbers == pytest.approx(np.ravel(expected), rel=1e-5, abs=1e-9)
    page.picture("tally-so-far")
    for _ in range(3):
        page.step("sample")
        session.step("sample")
    shrunk = gradients_of(session, session.run.params.flat, rows, 0.01)
    for name in GRADIENTS:
        words, numbers = page.run(SUMMED, name)
        assert words.endswith("divided by 10, the mean, which the next update takes:")
        expected = [sum(t[name] for t in traces), sum(t[name] for t in shrunk) / 10]
        assert numbers == pytest.approx(np.concatenate(list(map(np.ravel, expected))), rel=1e-5)
    fits_a_screen(page, "tally")
    fits_a_telephone(page, "tally")


def test_by_batch_the_mean_is_what_the_update_took(page, session):
    settings = {"optimizer": "sgd", "rate": 0.1}
    page.ask("change", settings=settings)
    session.change(settings)
    before = session.run.params.copy()
    page.step("batch")
    session.step("batch")
    moved = session.run.params
    for name in GRADIENTS:
        words, numbers = page.run(SUMMED, name)
        assert words.startswith("Summed over the batch's 30 rows;")
        assert words.endswith("the mean, which the last update took:")
        mean = (before[name[1:]] - moved[name[1:]]) / 0.1
        assert numbers[mean.size :] == pytest.approx(mean.ravel(), rel=1e-4, abs=1e-7)
        assert numbers[: mean.size] == pytest.approx(30 * mean.ravel(), rel=1e-4, abs=1e-6)
    page.set("by", "epoch")
    assert not page.find(".tally").is_displayed()
    page.set("by", "batch")
    assert page.find(".tally").is_displayed()


def test_a_change_by_hand_ends_the_tale_of_the_last_update(session):
    for change in (
        lambda: session.edit(0, 1.0),
        lambda: session.draw([(0.1, 0.1, 0)]),
        lambda: session.rewind(0),
        session.reset,
    ):
        session.step("batch")
        assert tally(session, rests=True)["done"] == 30
        assert tally(session, rests=False) is None
        change()
        assert tally(session, rests=True) is None
    session.step("batch")
    session.step("equation")
    assert tally(session, rests=True) is None
