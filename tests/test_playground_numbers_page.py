"""The page in a browser where it learns numbers, with a skip, a scale, and as in the article."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from browser import BROWSER, Page, fits_a_screen, fits_a_telephone
from handgrad.network import forward
from handgrad.playground.frame import extent
from handgrad.playground.replay import replay
from handgrad.playground.session import Session
from handgrad.tables.table import read_table
from test_playground_page import downloaded

pytestmark = BROWSER

PENGUINS = Path(__file__).parents[1] / "src/handgrad/data/penguins.csv"


@pytest.fixture
def session():
    return Session(read_table(PENGUINS))


def learn(page, session, settings, epochs=15):
    page.ask("change", settings=settings)
    session.change(settings)
    for _ in range(epochs):
        page.ask("step", by="epoch")
        session.step("epoch")


def colours(page, name):
    """Count the different colours on a canvas."""
    return page.run(
        "const c = document.getElementById(arguments[0]), d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; const seen = new Set();"
        "for (let i = 0; i < d.length; i += 4) seen.add(d.slice(i, i + 4).join());"
        "return seen.size",
        name,
    )


@pytest.mark.parametrize("data", ["sine", "bump"])
def test_numbers_are_shown_in_their_own_way(page, session, data):
    learn(page, session, {"data": data})
    measure = session.history[-1]
    assert page.text("accuracy-of") == "test R²"
    assert page.text("accuracy") == f"{measure.test_accuracy:.3f}"
    assert page.text("loss") == f"{measure.loss:.4f}"
    assert page.text("confusion-title") == "Predicted over true, test points"
    assert page.run("return document.getElementById('confusion').checkVisibility()") is False
    assert page.run("return document.getElementById('point-tools').checkVisibility()") is False
    assert colours(page, "pairs") > 5
    t = session.trace()
    shown = page.run(
        "return [...document.querySelectorAll('.card[data-name=dscore] .numbers span')]"
        ".map((span) => Number(span.exact.split(' = ')[1]))"
    )
    np.testing.assert_allclose(shown, t["dscore"].ravel(), rtol=1e-5)
    assert "dscore = (y - y_t) / n" in page.find(".card[data-name=dscore]").text
    truth = float(re.search(r"y (\S+)$", page.text("which-sample"))[1].replace("−", "-"))
    assert truth == pytest.approx(t.truth[0, 0], abs=0.01)
    page.set("curve", "accuracy")
    assert page.run("return document.getElementById('curves').ariaLabel") == "R² by epoch"
    page.set("curve", "loss")
    fits_a_screen(page, data)
    fits_a_telephone(page, data)
    page.size(1920, 1080)
    page.picture(f"{data}-1920")
    assert page.complaints() == []


def test_predictions_lie_over_their_truth(page, session):
    """A constant prediction is a flat row of dots, off the line wherever the truth is not it."""
    learn(page, session, {"data": "sine", "hidden": []}, 3)
    y_t = session.points.y_t[session.points.test]
    y = forward(session.architecture, session.run.params, session.points.x[session.points.test]).y
    assert np.ptp(y) < np.ptp(y_t) / 2
    spread = page.run(
        "const c = document.getElementById('pairs'), w = c.width;"
        "const d = c.getContext('2d').getImageData(0, 0, w, c.height).data, x = [], y = [];"
        "for (let i = 0; i < d.length; i += 4) if (d[i + 2] > d[i] + 60 && d[i + 3] > 100)"
        " { x.push((i / 4) % w); y.push(Math.floor(i / 4 / w)); }"
        "return [Math.max(...x) - Math.min(...x), Math.max(...y) - Math.min(...y)]"
    )
    assert spread[1] < 0.7 * spread[0]


def test_a_click_on_the_curve_chooses_the_nearest_point(page, session):
    learn(page, session, {"data": "sine"}, 1)
    row, (left, right, low, high) = 23, extent(session)
    x, y = session.points.places[row].tolist()
    page.run(
        "const map = document.getElementById('map'), box = map.getBoundingClientRect();"
        "map.dispatchEvent(new PointerEvent('pointerdown', {"
        "clientX: box.left + arguments[0] * box.width,"
        "clientY: box.top + arguments[1] * box.height}))",
        (x - left) / (right - left),
        (high - y) / (high - low),
    )
    page.wait(lambda: f"point {row + 1}," in page.text("which-sample"), seconds=20)


def test_a_walk_goes_through_the_equations_of_a_number(page, session):
    learn(page, session, {"data": "sine", "optimizer": "sgd", "batch": 1, "rate": 0.01}, 0)
    for _ in session.trace().equations:
        page.step("equation")
        session.step("equation")
    assert "makes exactly" not in page.text("cards")
    assert "The update is what (13) says" in page.text("cards")
    page.step("equation")
    session.step("equation")
    assert page.text("updates") == "1"
    assert page.text("loss") == f"{session.present.loss:.4f}"
    page.click("#check")
    page.wait(lambda: page.run("return document.getElementById('check-result').open"))
    assert page.text("check-words").startswith("Every gradient is right")
    page.click("#check-result button")
    assert page.complaints() == []


def test_two_runs_learn_a_number_side_by_side(page, session):
    learn(page, session, {"data": "sine"}, 0)
    page.ask("rival", settings={"optimizer": "sgd"})
    for _ in range(10):
        page.ask("step", by="epoch")
    assert page.text("accuracy-rival").replace("−", "").replace(".", "").isdigit()
    assert colours(page, "map-rival") > 5
    fits_a_screen(page, "sine-duel")
    page.ask("change", settings={"data": "bump"})
    page.ask("step", by="epoch")
    page.picture("bump-duel")
    assert page.complaints() == []


def test_a_table_of_numbers_is_learnt(page, tmp_path):
    rows = "".join(
        f"{i % 17},{'abcdefgh'[i % 8]},{i % 11},{1000 + 10 * (i % 17) - 3 * (i % 11)}\n"
        for i in range(120)
    )
    file = tmp_path / "own.csv"
    file.write_text(f"age,letter,size,weight\n{rows}")
    page.find("#file").send_keys(str(file))
    page.wait(lambda: page.run("return shown.data") == "table")
    assert page.run("return document.getElementById('set-target').value") == "weight"
    for _ in range(20):
        page.ask("step", by="epoch")
    assert float(page.text("accuracy")) > 0.5
    assert re.match(r"9\d\d|1000", page.find("#legend b").text)
    assert re.search(r"weight (9|1[01])\d\d", page.text("which-sample"))
    page.picture("table-numbers")
    page.set("set-inputs", "all")
    page.ask("step", by="epoch")
    assert "weight" in page.text("inputs-words")
    assert "%" not in page.text("nodes")
    fits_a_screen(page, "table-numbers-all")
    assert page.complaints() == []


def test_a_table_with_nothing_to_predict_is_refused_in_words(page, tmp_path):
    file = tmp_path / "texts.csv"
    file.write_text("a\n" + "".join(f"text {i}\n" for i in range(30)))
    page.find("#file").send_keys(str(file))
    page.wait(lambda: "different numbers, to predict" in page.text("notice"))
    page.complaints()


def test_the_tour_tells_of_numbers(page, session):
    learn(page, session, {"data": "sine"}, 0)
    page.click("#tour-start")
    assert "as height over one input" in page.text("tour-text")
    for _ in range(3):
        page.click("#tour-next")
    assert page.text("tour-text").startswith("Half the squared distance")
    page.click("#tour-end")


def test_the_preset_shows_the_articles_network(page):
    page.set("set-preset", "as in the article")
    page.wait(lambda: page.run("return shown.data") == "article")
    chosen = {
        name: page.run("return document.getElementById(arguments[0]).value", f"set-{name}")
        for name in ("optimizer", "rate", "batch", "test_share", "preset")
    }
    assert chosen == {
        "optimizer": "sgd",
        "rate": "0.01",
        "batch": "all",
        "test_share": "0",
        "preset": "as in the article",
    }
    assert "no row is of class 2" in page.text("note")
    assert len(page.driver.find_elements("css selector", "#nodes button canvas")) == 2
    page.ask("step", by="epoch")
    assert page.text("updates") == "1"
    fits_a_screen(page, "article")
    fits_a_telephone(page, "article")
    page.size(1280, 800)
    page.set("set-rate", "0.1")
    assert page.run("return document.getElementById('set-preset').value") == ""
    page.set("set-data", "moons")
    assert page.text("note") == ""


def test_a_skip_and_a_scale_are_drawn_and_set(page, session):
    page.set("set-beside", "both")
    session.change({"skip": True, "scale": True})
    page.ask("step", by="epoch")
    session.step("epoch")
    assert "Dashed: the skip, V" in page.text("edges-show")
    for name in ("h0", "dV", "dh0", "ds", "V_new", "s_new"):
        shown = page.run(
            "const all = `.card[data-name=${arguments[0]}] .numbers span`;"
            "return [...document.querySelectorAll(all)]"
            ".map((span) => Number(span.exact.split(' = ')[1]))",
            name,
        )
        np.testing.assert_allclose(shown, session.trace()[name].ravel(), rtol=1e-5, atol=1e-30)
    page.run("document.querySelector(\"#nodes button[aria-label='1']\").click()")
    fields = page.driver.find_elements("css selector", "#inspector input")
    assert len(fields) == 1 + 8 + 2
    header, start = session.run.params, session.run.params.flat.size - 2 - 6
    assert float(fields[-1].get_attribute("value")) == pytest.approx(header.V[1, 1], rel=1e-6)
    page.run("arguments[0].value = 2; arguments[0].dispatchEvent(new Event('change'))", fields[-1])
    session.edit(start + 1 * 3 + 1, 2.0)
    page.wait(lambda: page.text("loss") == f"{session.history[-1].loss:.4f}")
    page.run("document.querySelector(\"#nodes button[aria-label='x2']\").click()")
    assert "Scale of x2" in page.text("inspector")
    field = page.find("#inspector input")
    page.run("arguments[0].value = 3; arguments[0].dispatchEvent(new Event('change'))", field)
    session.edit(start + 6 + 1, 3.0)
    page.wait(lambda: page.text("loss") == f"{session.history[-1].loss:.4f}")
    page.click("#inspector button")
    fits_a_screen(page, "skip")
    fits_a_telephone(page, "skip")
    page.size(1280, 800)
    for _ in range(8):
        page.step("equation")
    assert "Dashed" not in page.text("edges-show")
    assert page.complaints() == []


def test_a_pause_leaves_whole_epochs_and_both_programs_follow(page):
    page.set("set-n", "60")
    page.click("#play")
    page.wait(lambda: int(page.text("epoch").split()[0]) > 5)
    page.click("#play")
    page.wait(lambda: page.text("play") == "Play")
    assert "+" not in page.text("epoch")
    found = []
    for what, name in (("python", "train.py"), ("plain", "by_hand.py")):
        page.click(f"[data-take={what}]")
        program = page.driver.downloads / f"run_{name}"
        program.write_bytes(downloaded(page, name))
        done = subprocess.run(
            [sys.executable, program], capture_output=True, text=True, check=True, timeout=120
        )
        pairs = (line.split(" = ") for line in done.stdout.splitlines() if " = " in line)
        found.append({name: np.array(eval(text)) for name, text in pairs})
    exact, by_hand = found
    assert set(exact) == set(by_hand) == {"W1", "b1", "W2", "b2"}
    for name, array in exact.items():
        np.testing.assert_allclose(by_hand[name], array, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(
    "settings",
    [
        {"data": "sine"},
        {"data": "bump", "skip": True},
        {"skip": True, "scale": True, "hidden": [5, 4]},
        {"data": "sine", "scale": True, "hidden": [], "skip": True},
    ],
    ids=str,
)
def test_a_replay_computes_the_librarys_numbers(driver, session, tmp_path, settings):
    session.change(settings)
    for _ in range(4):
        session.step("epoch")
    file = tmp_path / "replay.html"
    file.write_bytes(replay(session))
    page = Page(driver, file.as_uri())
    page.size(1280, 800)
    driver.get(page.address)
    n = session.points.x.shape[1]
    shown = page.run("return run.points.map((x) => forward(4, x.slice(0, arguments[0])))", n)
    rows = session.points.fed(session.points.x)
    y = forward(session.architecture, session.run.params, rows).y
    np.testing.assert_allclose(shown, y, rtol=1e-9, atol=1e-12)
    assert page.complaints() == []
    page.picture(f"replay-{'-'.join(settings)}")
    driver.get("about:blank")
