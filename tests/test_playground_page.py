"""The page itself, in a headless Chromium: what is shown and done there, against the library."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from browser import BROWSER, Page, ended, fits_a_screen, fits_a_telephone, served
from handgrad.activations import ACTIVATIONS
from handgrad.models.file import load_model
from handgrad.network import forward
from handgrad.playground.frame import extent
from handgrad.playground.replay import replay
from handgrad.playground.session import Session
from handgrad.tables.table import read_table

pytestmark = BROWSER

PENGUINS = Path(__file__).parents[1] / "src/handgrad/data/penguins.csv"


@pytest.fixture
def session():
    return Session(read_table(PENGUINS))


def test_it_loads_without_a_complaint_and_asks_nobody_else(page):
    asked = page.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert len(asked) > 10
    assert all(name.startswith("http://127.0.0.1:") for name in asked)
    assert "token" not in page.run("return location.href")
    assert page.complaints() == []
    page.picture("start")


@pytest.mark.parametrize("kind", ["epoch", "batch", "sample", "equation"])
def test_each_kind_of_step_shows_the_librarys_numbers(page, session, kind):
    page.set("set-batch", "10")
    session.change({"batch": 10})
    for _ in range(3):
        page.step(kind)
        session.step(kind)
    assert page.text("updates") == str(session.run.updates)
    assert page.text("loss") == f"{session.present.loss:.4f}"
    assert page.text("test-loss") == f"{session.present.test_loss:.4f}"
    t = session.trace()
    for equation in t.equations:
        shown = page.run(
            "const all = `.card[data-name='${arguments[0]}'] .numbers span`;"
            "return [...document.querySelectorAll(all)]"
            ".map((span) => Number(span.exact.split(' = ')[1]))",
            equation.name,
        )
        expected = np.atleast_2d(t[equation.name])[:8, :8].ravel()
        np.testing.assert_allclose(shown, expected, rtol=1e-4, atol=1e-30)
    lit = page.run("return [...document.querySelectorAll('.card.at')].map((c) => c.dataset.name)")
    assert lit == ([t.equations[2].name] if kind == "equation" else [])
    if kind == "equation":
        page.picture("equation")


def test_it_plays_and_pauses_and_goes_back(page, session):
    page.click("#play")
    page.wait(lambda: int(page.text("epoch").split()[0]) > 20)
    page.click("#play")
    page.wait(lambda: page.text("play") == "Play")
    epochs = int(page.text("epoch").split()[0])
    for _ in range(5):
        session.step("epoch")
    page.run(
        "const r = document.getElementById('rewind'); r.value = 5;"
        "r.dispatchEvent(new Event('change'))"
    )
    page.wait(lambda: page.text("epoch") == "5")
    assert epochs > 20
    assert page.text("loss") == f"{session.history[-1].loss:.4f}"
    page.click("#reset")
    page.wait(lambda: page.text("epoch") == "0")
    assert page.text("loss") == f"{session.history[0].loss:.4f}"


def test_frames_come_while_it_plays(page):
    page.click("#play")
    page.wait(lambda: int(page.text("epoch").split()[0]) > 5)
    before = page.run("return shown.frames")
    page.wait(lambda: page.run("return shown.frames") >= before + 5)
    page.picture("playing")


def test_a_weight_is_set_by_keyboard(page, session):
    button = page.find("#nodes button[aria-label='unit 3 of layer 1']")
    page.run("arguments[0].focus()", button)
    button.send_keys("\n")
    fields = page.driver.find_elements("css selector", "#inspector input")
    assert len(fields) == 3
    page.run(
        "arguments[0].value = 1.25; arguments[0].dispatchEvent(new Event('change'))", fields[1]
    )
    session.edit(2, 1.25)  # W1[0, 2]
    page.wait(lambda: page.text("loss") == f"{session.history[-1].loss:.4f}")
    page.picture("weight")


def test_the_network_grows_and_shrinks(page):
    page.click("#more-layers")
    page.wait(lambda: len(page.driver.find_elements("css selector", "#nodes button canvas")) == 16)
    page.click("#nodes .column button[aria-label='remove a unit from hidden layer 2']")
    page.wait(lambda: len(page.driver.find_elements("css selector", "#nodes button canvas")) == 15)
    last = "#nodes button[aria-label='unit 8 of layer {}']"
    there = [len(page.driver.find_elements("css selector", last.format(k))) for k in (1, 2)]
    assert there == [1, 0]
    page.step("epoch")
    page.picture("deeper")
    page.click("#less-layers")
    page.wait(lambda: len(page.driver.find_elements("css selector", "#nodes button canvas")) == 8)
    assert page.complaints() == []


def test_points_are_drawn(page):
    from selenium.webdriver import ActionChains

    page.click("#draw")
    page.set("brush", "2")
    ActionChains(page.driver).move_to_element(page.find("#map")).click().perform()
    page.wait(lambda: page.run("return shown.data") == "drawn")
    assert page.run("return shown.points") == 301


def test_a_click_on_the_map_chooses_the_nearest_point(page, session):
    row, (left, right, low, high) = 37, extent(session)
    x1, x2 = session.points.x[row].tolist()
    page.run(
        "const map = document.getElementById('map'), box = map.getBoundingClientRect();"
        "map.dispatchEvent(new PointerEvent('pointerdown', {"
        "clientX: box.left + arguments[0] * box.width,"
        "clientY: box.top + arguments[1] * box.height}))",
        (x1 - left) / (right - left),
        (high - x2) / (high - low),
    )
    page.wait(lambda: f"point {row + 1}," in page.text("which-sample"), seconds=20)


def test_a_refusal_is_told(page):
    page.run("shown.ask('change', {settings: {n: 1000000000}})")
    page.wait(lambda: page.text("notice"), seconds=20)


def test_a_csv_file_is_shown_and_its_names_stay_text(page, tmp_path):
    evil = "<img src=x onerror=document.title='owned'>"
    rows = "".join(f"{i % 7},{i % 5},{'yes' if i % 2 else evil}\n" for i in range(40))
    file = tmp_path / "own.csv"
    file.write_text(f"a,{evil},answer\n{rows}")
    page.find("#file").send_keys(str(file))
    page.wait(lambda: page.run("return shown.data") == "table")
    assert page.text("x2") == evil
    assert evil in page.text("legend")
    page.step("epoch")
    assert page.run("return document.querySelectorAll('img').length") == 0
    assert page.driver.title == "handgrad play"
    assert page.complaints() == []
    page.picture("csv")


def test_a_table_that_is_none_is_refused_in_words(page, tmp_path):
    file = tmp_path / "none.csv"
    file.write_bytes(b"\x00\x01")
    page.find("#file").send_keys(str(file))
    page.wait(lambda: page.text("notice"))
    assert page.run("return shown.data") == "spiral"
    page.complaints()


def downloaded(page, name):
    path = page.driver.downloads / name
    page.wait(path.exists)
    content = path.read_bytes()
    path.rename(path.with_suffix(".taken"))
    return content


def test_what_is_taken_along_trains_to_the_same_weights(page, session, tmp_path):
    for _ in range(2):
        page.step("epoch")
        session.step("epoch")
    page.click("[data-take=python]")
    program = tmp_path / "train.py"
    program.write_bytes(downloaded(page, "train.py"))
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=True, timeout=120
    )
    found = dict(line.split(" = ") for line in done.stdout.splitlines()[1:])
    page.click("[data-take=model]")
    file = tmp_path / "model.safetensors"
    file.write_bytes(downloaded(page, "handgrad.safetensors"))
    for name, array in load_model(file).params.named():
        np.testing.assert_array_equal(array, session.run.params[name])
        assert found[name] == str(array.tolist())
    page.click("[data-take=history]")
    assert len(downloaded(page, "history.csv").splitlines()) == 4


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_replay_computes_the_librarys_numbers(driver, session, tmp_path, activation):
    session.change({"activation": activation, "hidden": [5, 4]})
    for _ in range(4):
        session.step("epoch")
    file = tmp_path / "replay.html"
    file.write_bytes(replay(session))
    page = Page(driver, file.as_uri())
    driver.get(page.address)
    shown = [
        page.run("return run.points.map((x) => forward(arguments[0], x))", at) for at in (0, 4)
    ]
    for at, flat in ((0, session.initial.flat), (1, session.run.params.flat)):
        y = forward(session.architecture, session.run.params.like(flat), session.points.x).y
        np.testing.assert_allclose(shown[at], y, rtol=1e-9, atol=1e-15)
    assert page.text("told").startswith(f"epoch 4   loss {session.history[-1].loss:.4f}")
    page.click("#play")
    page.wait(lambda: page.text("play") == "Play")
    assert page.complaints() == []
    page.size(1280, 800)
    page.picture("replay")
    driver.get("about:blank")


def test_a_picture_of_the_map(page):
    page.click("#picture")
    assert downloaded(page, "map.png").startswith(b"\x89PNG")


def test_a_number_tells_where_it_came_from(page, session):
    from selenium.webdriver import ActionChains

    number = page.find(".card[data-name='dW1'] .numbers span:nth-child(3)")
    page.run("arguments[0].scrollIntoView({block: 'center'})", number)
    ActionChains(page.driver).move_to_element(number).perform()
    page.wait(lambda: "×" in page.text("tip"))
    assert page.text("tip") == session.spelled("dW1", 2)
    page.picture("hover")


def test_a_run_is_held_to_compare_the_next_with(page):
    page.step("epoch")
    page.click("#hold")
    page.set("set-optimizer", "sgd")
    page.click("#reset")
    page.wait(lambda: page.text("epoch") == "0")
    for _ in range(3):
        page.step("epoch")
    page.picture("held")
    both = dots(page, "curves")
    page.click("#hold")
    assert dots(page, "curves") != both
    assert page.complaints() == []


def dots(page, canvas):
    """Give what a canvas shows, to compare it with another."""
    return page.run("return document.getElementById(arguments[0]).toDataURL()", canvas)


def test_two_runs_side_by_side(page, session):
    page.step("epoch")
    page.click("#add-rival")
    page.wait(lambda: page.text("run-figure-rival") == "A" and page.text("epoch") == "0")
    assert page.text("loss") == page.text("loss-rival")
    page.set("set-rate", "0.3")
    assert page.text("runs") == "A adam, rate 0.03×B sgd, rate 0.3×"
    for _ in range(3):
        page.step("epoch")
    rival = Session(session.source.penguins)
    rival.change({"optimizer": "sgd", "rate": 0.3})
    for _ in range(3):
        session.step("epoch")
        rival.step("epoch")
    for name, run in (("", rival), ("-rival", session)):
        measure = run.history[-1]
        assert page.text("epoch" + name) == "3"
        assert page.text("updates" + name) == str(run.run.updates)
        assert page.text("loss" + name) == f"{measure.loss:.4f}"
        assert page.text("test-loss" + name) == f"{measure.test_loss:.4f}"
        assert page.text("accuracy" + name) == f"{100 * measure.test_accuracy:.1f} %"
    assert len(page.driver.find_elements("css selector", "#layers td")) == 8
    maps = dots(page, "map"), dots(page, "map-rival")
    version = page.version()
    page.click("#choose-A")
    page.wait(lambda: page.version() != version)
    assert page.text("loss") == f"{session.history[-1].loss:.4f}"
    assert page.run("return document.getElementById('set-optimizer').value") == "adam"
    assert maps[0] != maps[1] == dots(page, "map")
    page.step("equation")
    assert page.run("return document.querySelectorAll('.card.at').length") == 1
    page.picture("two-runs")
    page.click("#map-rival")
    page.wait(lambda: page.text("run-figure") == "B")
    page.click("[data-take=history]")
    lines = downloaded(page, "history.csv").decode().splitlines()
    assert lines[-1].split(",")[1] == repr(rival.history[-1].loss)
    page.click("[aria-label='remove run A']")
    page.wait(lambda: page.text("runs") == "Add a rival")
    assert page.text("loss") == f"{rival.history[-1].loss:.4f}"
    assert not page.find("#map-rival").is_displayed()
    assert page.complaints() == []


def test_two_runs_play_together(page):
    page.click("#add-rival")
    page.wait(lambda: page.text("run-figure") == "B")
    page.click("#play")
    page.wait(lambda: min(epochs(page)) > 10)
    page.click("#play")
    page.wait(lambda: page.text("play") == "Play")
    assert abs(epochs(page)[0] - epochs(page)[1]) <= 1


def epochs(page):
    return [int(page.text(name).split()[0]) for name in ("epoch", "epoch-rival")]


def test_a_link_restores_two_runs(page):
    page.set("set-activation", "tanh")
    page.click("#add-rival")
    page.wait(lambda: page.text("run-figure") == "B")
    page.set("set-batch", "10")
    page.click("#copy-link")
    page.wait(lambda: "rival" in page.run("return location.hash"))
    link, told = page.run("return location.href"), page.text("runs")
    page.click("[aria-label='remove run B']")
    page.wait(lambda: page.text("runs") == "Add a rival")
    page.set("set-activation", "relu")
    page.open(link)
    page.wait(lambda: page.text("runs") == told)
    assert page.run("return document.getElementById('set-activation').value") == "tanh"


def test_the_link_restores_the_settings(page):
    page.set("set-activation", "tanh")
    page.set("set-data", "moons")
    page.click("#copy-link")
    page.wait(lambda: "moons" in page.run("return location.hash"))
    link = page.run("return location.href")
    assert "token" not in link
    page.set("set-data", "xor")
    page.open(link)
    page.wait(lambda: page.run("return shown.data") == "moons")
    assert page.run("return document.getElementById('set-activation').value") == "tanh"


def test_the_gradient_check(page):
    page.step("epoch")
    page.click("#check")
    page.wait(lambda: page.run("return document.getElementById('check-result').open"))
    assert page.text("check-words").startswith("Every gradient is right")
    assert len(page.driver.find_elements("css selector", "#check-table tr")) == 5
    page.picture("check")
    page.click("#check-result button")


def test_the_gradient_check_of_a_fresh_page_names_the_corners(page, session):
    page.click("#check")
    page.wait(lambda: page.run("return document.getElementById('check-result').open"))
    told, check = page.text("check-words"), session.check()
    assert told.startswith("Every gradient is right wherever there is one")
    assert f"{check.n_at_corners} of {check.n} rows stand there" in told
    assert "at a corner" in page.text("check-table")
    assert "WRONG" not in page.text("check-table")
    page.picture("check-fresh")
    page.click("#check-result button")


def header(page):
    return [page.text(name) for name in ("loss", "test-loss", "accuracy")]


def told_by(session):
    now = session.present
    return [f"{now.loss:.4f}", f"{now.test_loss:.4f}", f"{100 * now.test_accuracy:.1f} %"]


def test_the_header_moves_with_every_change(page, session):
    seen = [header(page)]
    for _ in range(3):
        page.step("batch")
        session.step("batch")
        seen.append(header(page))
        assert seen[-1] == told_by(session)
    page.ask("edit", place=0, value=30)
    session.edit(0, 30)
    seen.append(header(page))
    assert seen[-1] == told_by(session)
    points = [[0.5, 0.5, 0]] * 24
    page.ask("draw", points=points)
    session.draw(points)
    seen.append(header(page))
    assert seen[-1] == told_by(session)
    assert len({loss for loss, *_ in seen}) == len(seen)
    shown = page.run(
        "return [...document.querySelectorAll('#confusion tr')].slice(1)"
        ".map((row) => [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent)))"
    )
    share = sum(row[k] for k, row in enumerate(shown)) / sum(map(sum, shown))
    assert seen[-1][2] == f"{100 * share:.1f} %"
    page.picture("header")


def test_a_walk_by_equation_stays_with_the_chosen_point(page):
    page.ask("sample", row=33)
    for _ in range(3):
        page.step("equation")
        assert page.text("which-sample") == " of point 34, class 0"
    page.step("sample")
    assert "point 34," not in page.text("which-sample")


def last_card(page):
    return page.run(
        "const card = document.querySelector('.card.made');"
        "const find = (css) => card.querySelector(css);"
        "const rows = [...card.querySelectorAll('tr')].slice(1);"
        "const numbers = (row) => [...row.querySelectorAll('td')].map((td) => Number(td.title));"
        "return [!card.hidden && find('p').textContent, !find('button').hidden,"
        "rows.map((row) => [row.querySelector('th').textContent, ...numbers(row)])]"
    )


def test_the_last_card_tells_what_the_optimiser_makes(page, session):
    assert last_card(page)[0] is False
    page.set("by", "equation")
    words, offers, moves = last_card(page)
    assert "made by adam on a batch of 30 rows" in words
    assert (offers, moves) == (True, [])
    page.ask("sample", row=33)
    n_equations = len(session.trace().equations)
    for _ in range(n_equations):
        page.step("equation")
    words, offers, moves = last_card(page)
    assert "made by adam from the mean gradient of the batch's 30 rows; point 34 is" in words
    session.step("batch")
    W1 = {name: values for name, *values in moves if name.startswith("W1")}
    assert len(W1) == 3
    for name, (old, _, new, said) in W1.items():
        i, j = map(int, re.findall(r"\d+", name.split("[")[1]))
        assert abs(old - new) > 0.01
        assert abs(new - session.run.params.W[0][i, j]) < 1e-5
        assert new != said
    page.run("document.querySelector('.card.made').scrollIntoView({block: 'end'})")
    page.picture("made-adam")
    version = page.version()
    page.click(".card.made button")
    page.wait(lambda: page.version() != version and page.text("updates") == "0")
    assert page.run("return document.getElementById('set-optimizer').value") == "sgd"
    for _ in range(n_equations):
        page.step("equation")
    words, offers, moves = last_card(page)
    assert words.startswith("The update is what (13) says: sgd on the batch's one row")
    assert not offers
    assert all(new == said for _, _, _, new, said in moves)
    page.run("document.querySelector('.card.made').scrollIntoView({block: 'end'})")
    page.picture("made-plain")
    page.step("epoch")
    page.set("by", "epoch")
    assert last_card(page)[0] is False
    assert page.complaints() == []


def test_the_tour_can_be_walked_and_left(page):
    page.click("#tour-start")
    titles = []
    while not page.run("return document.getElementById('tour').hidden"):
        titles.append(page.text("tour-title"))
        if len(titles) == 6:
            page.picture("tour")
        page.click("#tour-next")
    assert len(set(titles)) == 10
    page.click("#tour-start")
    page.find("#tour-next").send_keys("\ue00c")
    assert page.run("return document.getElementById('tour').hidden")


POINTED = (
    "const one = document.querySelector('.pointed'), box = (e) => e.getBoundingClientRect();"
    "const panel = box(document.getElementById('tour')), seen = box(one);"
    "const over = document.elementFromPoint(seen.left + 9, seen.top + 9);"
    "const across = Math.min(panel.right, seen.right) - Math.max(panel.left, seen.left);"
    "const down = Math.min(panel.bottom, seen.bottom) - Math.max(panel.top, seen.top);"
    "return [one.dataset.name, one.contains(over), Math.min(across, down) > 0]"
)


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080), (400, 850)])
@pytest.mark.parametrize("hidden", [[], [8], [5, 4]])
def test_the_tour_shows_the_equation_it_speaks_of(page, session, size, hidden):
    page.ask("change", settings={"hidden": hidden})
    session.change({"hidden": hidden})
    equations = session.trace().equations
    for _ in equations:
        page.step("equation")
    page.click("#reset")
    page.size(*size)
    page.click("#tour-start")
    seen = {}
    while not page.run("return document.getElementById('tour').hidden"):
        page.settle()
        if page.text("tour-title").endswith(")") and page.run(POINTED)[0]:
            seen[page.text("tour-title")] = page.run(POINTED)
            page.picture(f"tour-{size[0]}-{len(hidden)}-{len(seen)}")
        page.click("#tour-next")
    first = equations[0].name
    assert seen == {
        "Forward: (1) to (4)": [first, True, False],
        "The loss: (5)": ["L", True, False],
        "Backward: (6) to (12)": ["dscore", True, False],
    }


def test_a_network_in_trouble_says_so(page):
    assert page.text("health") == ""
    page.ask("change", settings={"optimizer": "sgd", "rate": 10})
    for _ in range(3):
        page.step("epoch")
    told = page.text("health")
    dead = len(page.driver.find_elements("css selector", "#nodes button.dead"))
    assert dead >= 4
    assert f"{dead} of 8 units of layer 1 are dead: 0 for every training point" in told
    page.picture("dead")
    page.click("#reset")
    page.wait(lambda: page.text("epoch") == "0")
    assert page.text("health") == ""
    page.ask("edit", place=0, value=30)
    assert page.text("health") == ""  # nothing has been learnt that could have gone wrong
    page.ask("change", settings={"activation": "identity", "rate": 10, "batch": 1})
    page.step("batch")
    assert page.text("health").startswith("The loss is ")
    page.picture("exploded")


def test_it_plays_at_a_speed_that_eyes_can_follow(page):
    page.open()
    assert page.run("return document.getElementById('speed').selectedOptions[0].text") == (
        "30 a second"
    )


def test_keys_alone_do(page):
    from selenium.webdriver import ActionChains

    body = page.find("body")
    body.send_keys("s")
    page.wait(lambda: page.text("epoch") == "1")
    body.send_keys(" ")
    page.wait(lambda: page.text("play") == "Pause")
    body.send_keys(" ")
    page.wait(lambda: page.text("play") == "Play")
    body.send_keys("r")
    page.wait(lambda: page.text("epoch") == "0")
    before = page.text("which-sample")
    page.find("#map").send_keys("\ue014")
    page.wait(lambda: page.text("which-sample") != before)
    seen = set()
    for _ in range(120):  # all the way round
        ActionChains(page.driver).send_keys("\t").perform()
        seen.add(
            page.run(
                "const e = document.activeElement; return e.id || e.getAttribute('aria-label')"
            )
        )
    assert {"play", "step", "by", "speed", "reset", "set-data", "map", "check"} <= seen


@pytest.mark.parametrize("data", ["spiral", "penguins"])
def test_it_fits_a_screen_and_a_telephone(page, data):
    page.set("set-data", data)
    page.step("epoch")
    fits_a_screen(page, data)
    fits_a_telephone(page, data)


def test_two_runs_fit_a_screen_and_a_telephone(page):
    page.click("#add-rival")
    page.wait(lambda: page.text("run-figure") == "B")
    page.set("set-rate", "0.3")
    for _ in range(12):
        page.step("batch")
    page.wait(lambda: not page.text("notice"))
    fits_a_screen(page, "two")
    for name in ("map-name", "map-rival-name"):  # nothing is painted over the runs' names
        above = page.run(
            "const box = document.getElementById(arguments[0]);"
            "box.style.pointerEvents = 'auto';"
            "const { left, top } = box.getBoundingClientRect();"
            "return document.elementFromPoint(left + 4, top + 4).id",
            name,
        )
        assert above == name
    fits_a_telephone(page, "two")


def test_two_tabs_show_the_same_run(page):
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    try:
        page.open()
        page.step("epoch")
        loss = page.text("loss")
        page.driver.switch_to.window(first)
        page.wait(lambda: page.text("loss") == loss)
        page.driver.switch_to.new_window("tab")
        page.open(re.sub("#.*", "", page.address))  # the browser has access, and so have its tabs
        assert page.text("loss") == loss
        page.driver.refresh()
        page.wait(lambda: page.text("loss") == loss)
        page.driver.close()
    finally:
        for handle in page.driver.window_handles:
            if handle != first:
                page.driver.switch_to.window(handle)
                page.driver.close()
        page.driver.switch_to.window(first)
    page.complaints()


def let_out(page):
    """Make the browser one that has never been here."""
    page.run("localStorage.clear()")
    page.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})


def test_the_address_lets_one_browser_in_once(driver):
    process, address = served()
    page = Page(driver, address)
    try:
        page.open()
        cookies = driver.execute_cdp_cmd("Network.getCookies", {"urls": [address]})["cookies"]
        ours = [one for one in cookies if one["name"] == f"handgrad-{urlsplit(address).port}"]
        assert [(one["httpOnly"], one["sameSite"]) for one in ours] == [(True, "Strict")]
        assert page.run("return document.cookie") == ""
        page.open()  # the old address, in the same browser
        assert page.complaints() == []
        let_out(page)
        for where in (address, re.sub("#.*", "", address)):
            driver.get("about:blank")
            driver.get(where)
            page.wait(lambda: "handgrad play" in page.text("notice"))
            told = "already been used" if "#" in where else "has no access yet"
            assert told in page.text("notice")
            assert page.run("return shown.frames") == 0
            page.size(1280, 800)
            page.picture("refused")
    finally:
        ended(process)
        driver.get("about:blank")
    page.complaints()


def test_half_of_the_secrets_lets_nobody_in(driver):
    process, address = served()
    page = Page(driver, address)
    try:
        page.open()
        page.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        driver.get("about:blank")
        driver.get(address)
        page.wait(lambda: "already been used" in page.text("notice"))
        assert page.run("return shown.frames") == 0
    finally:
        ended(process)
        driver.get("about:blank")
    page.complaints()


def test_the_server_may_end_and_start_again(driver):
    process, address = served()
    page = Page(driver, address)
    port = re.search(":([0-9]+)/", address)[1]
    page.open()
    ended(process)
    page.wait(lambda: "has stopped" in page.text("notice"))
    page.complaints()
    tried = []
    while len(tried) < 2:  # it goes on trying, and says the same
        page.settle()
        tried += [told for told in page.complaints() if "/socket" in told]
        assert "has stopped" in page.text("notice")
    process, address = served("--port", port)
    try:
        page.wait(lambda: "does not know this page" in page.text("notice"))
        page.run("location.href = arguments[0]", address)  # typed into the same tab
        page.wait(lambda: page.text("loss") not in ("", "—") and page.text("notice") == "")
        page.step("epoch")
        assert page.text("epoch") == "1"
    finally:
        ended(process)
        driver.get("about:blank")
    page.complaints()


def test_a_table_from_the_command_line(driver):
    process, address = served(str(PENGUINS), "--target", "island")
    try:
        page = Page(driver, address)
        page.open()
        assert "Torgersen" in page.text("legend")
        page.step("epoch")
        assert page.complaints() == []
    finally:
        ended(process)
        driver.get("about:blank")
