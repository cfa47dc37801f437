"""The page with more than two inputs, in a headless Chromium: digits, the pad, whole tables."""

from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from sklearn.datasets import load_digits

from browser import BROWSER, Page, fits_a_screen, fits_a_telephone
from handgrad.network import forward
from handgrad.playground.replay import replay
from handgrad.playground.session import Session
from handgrad.tables.table import read_table

pytestmark = BROWSER

PENGUINS = Path(__file__).parents[1] / "src/handgrad/data/penguins.csv"
ALL_PENGUINS = {"data": "penguins", "inputs": "all"}
SETS = {"spiral": {"batch": 10}, "digits": {"data": "digits"}, "penguins": ALL_PENGUINS}


@pytest.fixture
def session():
    return Session(read_table(PENGUINS))


def chosen(page, session, settings):
    """Choose settings on the page and in a session of our own."""
    session.change(settings)
    for name, value in settings.items():
        if page.run("return document.getElementById(arguments[0]).value", f"set-{name}") != value:
            page.set(f"set-{name}", value)


def numbers_of(page, name):
    """Read the numbers of an equation as the page tells them: index and value."""
    told = page.run(
        "const all = `.card[data-name='${arguments[0]}'] .numbers span`;"
        "return [...document.querySelectorAll(all)].map((span) => [span.entry.at, span.exact])",
        name,
    )
    return [(at, exact.split(" = ")) for at, exact in told]


def agrees(page, session):
    """Hold every number of the equations, and the figures above them, to the library's."""
    assert page.text("loss") == f"{session.present.loss:.4f}"
    assert page.text("test-loss") == f"{session.present.test_loss:.4f}"
    assert page.text("updates") == str(session.run.updates)
    t = session.trace()
    for equation in t.equations:
        value, told = t[equation.name], numbers_of(page, equation.name)
        assert len(told) >= min(value.size, 10)
        for at, (index, number) in told:
            assert float(number) == pytest.approx(value.ravel()[at], rel=1e-4, abs=1e-30)
            place = index.removeprefix(equation.name).strip("[]")
            if place:
                assert value[tuple(map(int, place.split(", ")))] == value.ravel()[at]


# -- steps, on a screen and on a telephone ------------------------------------------------------


@pytest.mark.parametrize("kind", ["epoch", "batch", "sample", "equation"])
@pytest.mark.parametrize("data", SETS)
def test_every_kind_of_step_shows_the_librarys_numbers(page, session, data, kind):
    chosen(page, session, SETS[data])
    page.click("#play")
    page.wait(lambda: page.text("play") == "Pause")
    page.click("#play")
    page.wait(lambda: page.text("play") == "Play")
    page.click("#reset")
    page.wait(lambda: page.text("updates") == "0")
    for width in (1280, 400):
        page.size(width, 850)
        for _ in range(3):
            page.step(kind)
            session.step(kind)
        agrees(page, session)
        assert page.run("return document.documentElement.scrollWidth") == width
        lit = page.run(
            "return [...document.querySelectorAll('.card.at')].map((c) => c.dataset.name)"
        )
        shown = [session.trace().equations[session.at].name] if kind == "equation" else []
        assert lit == shown
        page.picture(f"step-{data}-{kind}-{width}")
    assert page.complaints() == []


# -- digits -------------------------------------------------------------------------------------


@pytest.fixture
def digits(page, session):
    chosen(page, session, {"data": "digits"})
    for _ in range(2):
        page.step("epoch")
        session.step("epoch")
    return page


def image_of(page, css):
    """Read a canvas: a row of numbers a pixel, red, green, blue."""
    dots = page.run(
        "const from = document.querySelector(arguments[0]), c = document.createElement('canvas');"
        "[c.width, c.height] = [from.width, from.height];"
        "const context = c.getContext('2d', {willReadFrequently: true});"
        "context.drawImage(from, 0, 0);"
        "return [...context.getImageData(0, 0, c.width, c.height).data]",
        css,
    )
    return np.array(dots).reshape(-1, 4)[:, :3]


def test_the_sample_is_shown_as_its_image(digits, session):
    pixels = session.points.x[session.sample]
    for css in ("#sample-image", "#nodes .block canvas", ".card canvas.image"):
        shown = image_of(digits, css)[:, 0]
        np.testing.assert_allclose(shown, 255 + pixels * (20 - 255), atol=1)
    y = forward(session.architecture, session.run.params, pixels[None]).y[0]
    assert f": says {session.points.classes[y.argmax()]}," in digits.text("sample-words")


def test_a_unit_shows_its_weights_as_an_image(digits, session):
    w = session.run.params.W[0][:, 2]
    shown = image_of(digits, "#nodes button[aria-label='unit 3 of layer 1'] canvas")
    share = np.abs(w) / np.abs(w).max()
    red = np.where(w < 0, 255 + share * (196 - 255), 255 + share * (0 - 255))
    np.testing.assert_allclose(shown[:, 0], red, atol=1)


def test_arrows_and_clicks_choose_an_image(digits, session):
    digits.find("#sample-image").send_keys(Keys.ARROW_RIGHT)
    digits.wait(lambda: f"point {session.sample + 2}," in digits.text("which-sample"))
    strip = digits.find("#strip")
    digits.run("arguments[0].scrollIntoView({block: 'center'})", strip)
    corner = (8 - strip.size["width"] // 2, 8 - strip.size["height"] // 2)
    digits.click("#images-after")
    digits.wait(lambda: digits.text("images-count").startswith("45 to 88"))
    ActionChains(digits.driver).move_to_element_with_offset(strip, *corner).click().perform()
    row = session.points.test[44]
    digits.wait(lambda: digits.text("which-sample").startswith(f" of point {row + 1},"))
    session.look_at(row)
    y = session.trace()["y"][0]
    assert f"says {y.argmax()}, " in digits.text("sample-words")
    agrees(digits, session)


def test_misread_images_are_listed(digits, session):
    digits.run(
        "const e = document.getElementById('which-images'); e.value = 'misread';"
        "e.dispatchEvent(new Event('change'))"
    )
    points = session.points
    score = forward(session.architecture, session.run.params, points.x[points.test]).score
    wrong = points.test[score.argmax(axis=1) != points.y_t[points.test]]
    digits.wait(lambda: digits.text("images-count").endswith(f" of {len(wrong)}"))
    digits.wait(lambda: digits.text("which-sample").startswith(f" of point {wrong[0] + 1},"))
    digits.picture("misread")


def test_a_weight_of_a_pixel_is_set_by_keys(digits, session):
    digits.click("#nodes button[aria-label='unit 2 of layer 1']")
    image = digits.find("#inspector canvas")
    image.send_keys(Keys.ARROW_UP * 8 + Keys.ARROW_LEFT * 8 + Keys.ARROW_DOWN + Keys.ARROW_RIGHT)
    assert "from pixel_1_1" in digits.text("inspector")
    field = digits.driver.find_elements("css selector", "#inspector input")[1]
    shown = float(field.get_attribute("value"))
    assert shown == pytest.approx(session.run.params.W[0][9, 1], rel=1e-5)
    digits.run("arguments[0].value = 2.5; arguments[0].dispatchEvent(new Event('change'))", field)
    session.edit(9 * 8 + 1, 2.5)  # W1[9, 1]
    digits.wait(lambda: digits.text("loss") == f"{session.present.loss:.4f}")
    digits.picture("weights-of-a-unit")
    field.send_keys(Keys.ESCAPE)
    assert not digits.find("#inspector").is_displayed()


# -- the pad ------------------------------------------------------------------------------------


def seen(page, session):
    """Say what the library makes of the image that the page says it sees."""
    pixels = image_of(page, "#pad-seen")[:, 0]
    x = np.round((255 - pixels) / (255 - 20) * 16) / 16
    return x, forward(session.architecture, session.run.params, x[np.newaxis]).y[0]


def test_a_digit_is_drawn_with_the_pointer(digits, session):
    pad = digits.find("#pad")
    digits.run("arguments[0].scrollIntoView({block: 'center'})", pad)
    hand = ActionChains(digits.driver).move_to_element_with_offset(pad, 0, -45).click_and_hold()
    for down in range(-30, 46, 15):
        hand = hand.move_to_element_with_offset(pad, 0, down)
    hand.release().perform()
    digits.wait(lambda: "says" in digits.text("pad-words"))
    digits.wait(lambda: seen(digits, session)[0].reshape(8, 8)[:, 3:5].min() > 0)
    x, y = seen(digits, session)
    assert x.reshape(8, 8)[:, [0, 1, 6, 7]].max() == 0
    assert digits.text("pad-words").startswith(f"says {y.argmax()}, ")
    digits.picture("pad")
    digits.step("epoch")  # what it says changes as the network learns
    session.step("epoch")
    y = seen(digits, session)[1]
    assert digits.text("pad-words").startswith(f"says {y.argmax()}, ")
    told = digits.run("return document.getElementById('bars').getAttribute('aria-label')")
    assert "Of your drawing: 0 " in told
    digits.click("#wipe")
    digits.wait(lambda: digits.text("pad-words") == "draw a digit above")


def test_a_digit_is_drawn_with_keys(digits, session):
    pad, image = digits.find("#pad"), load_digits().images[1] > 7
    pad.send_keys(Keys.ARROW_UP * 8 + Keys.ARROW_LEFT * 8)
    for row in image:
        pad.send_keys("".join((" " if ink else "") + Keys.ARROW_RIGHT for ink in row))
        pad.send_keys(Keys.ARROW_DOWN + Keys.ARROW_LEFT * 8)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert len(rows) == 8  # it fills the sheet from top to bottom, so only its middle moves
    middle = (8 - (columns[0] + columns[-1] + 1)) / 2
    digits.wait(lambda: "says" in digits.text("pad-words"))
    digits.wait(lambda: seen(digits, session)[0].sum() == image.sum())
    x, y = seen(digits, session)
    found = x.reshape(8, 8).sum(axis=0) @ (np.arange(8) + 0.5) / x.sum()
    drawn = image.sum(axis=0) @ (np.arange(8) + 0.5) / image.sum()
    assert found == pytest.approx(drawn + middle)
    assert digits.text("pad-words").startswith(f"says {y.argmax()}, ")
    assert digits.text("epoch") == "2"  # space filled pixels, and nothing else
    pad.send_keys(Keys.DELETE)
    digits.wait(lambda: digits.text("pad-words") == "draw a digit above")


def test_another_tab_sees_the_drawing(digits):
    pixels = load_digits().data[3].astype(int).tolist()
    digits.run("shown.ask('pad', {pixels: arguments[0]})", pixels)
    digits.wait(lambda: "says" in digits.text("pad-words"))
    words = digits.text("pad-words")
    digits.open()
    digits.wait(lambda: digits.text("pad-words") == words)


# -- tables -------------------------------------------------------------------------------------


def test_the_inputs_of_a_table_are_listed_by_name(page, session):
    chosen(page, session, ALL_PENGUINS)
    page.step("epoch")
    session.step("epoch")
    page.set("inputs-unit", "unit 4 of layer 1")
    rows = page.run(
        "return [...document.querySelectorAll('#inputs-table tr')].slice(1)"
        ".map((row) => [...row.children].map((cell) => cell.textContent.replaceAll('−', '-')))"
    )
    assert [row[0] for row in rows] == session.points.encoder.input_names
    x, w = session.points.x[session.sample], session.run.params.W[0][:, 3]
    np.testing.assert_allclose([float(row[1]) for row in rows], x, rtol=0.06, atol=6e-4)
    np.testing.assert_allclose([float(row[2]) for row in rows], w, rtol=0.06, atol=6e-4)
    page.set("inputs-sample", 12)
    page.wait(lambda: page.text("which-sample").startswith(" of point 12,"))
    page.find("#inputs-scroll").send_keys(Keys.ARROW_RIGHT)
    page.wait(lambda: page.text("which-sample").startswith(" of point 13,"))
    page.click("#nodes button[aria-label='unit 2 of layer 1']")
    assert len(page.driver.find_elements("css selector", "#inspector input")) == 16
    page.picture("inputs")


def test_a_table_of_few_inputs_is_drawn_input_by_input(page, tmp_path):
    evil = "<b>fat</b>"
    file = tmp_path / "own.csv"
    rows = "".join(f"{i % 7},{i % 5},{i % 3},{'yes' if i % 2 else evil}\n" for i in range(60))
    file.write_text(f"a,{evil},note,answer\n{rows}")
    page.find("#file").send_keys(str(file))
    page.wait(lambda: page.run("return shown.data") == "table")
    page.set("set-inputs", "all")
    page.step("epoch")
    nodes = page.run(
        "return [...document.querySelectorAll('#nodes button')].map((b) => b.ariaLabel)"
    )
    assert nodes[:3] == ["a", evil, "note"]
    assert evil in page.text("inputs-table")
    assert page.run("return document.querySelectorAll('b b, td b, th b').length") == 0
    assert page.complaints() == []
    page.picture("own-table")
    page.set("set-inputs", "two")
    page.wait(lambda: page.find("#map").is_displayed())


# -- whatever the data --------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["digits", "penguins"])
def test_it_fits_a_screen_and_a_telephone(page, session, data):
    chosen(page, session, SETS[data])
    page.step("epoch")
    fits_a_screen(page, f"wide-{data}")
    fits_a_telephone(page, f"wide-{data}")


def test_a_window_may_be_resized_while_the_data_change(page):
    page.run("window.resizing = setInterval(() => dispatchEvent(new Event('resize')), 0)")
    page.set("set-data", "digits")
    page.step("equation")
    page.set("set-data", "moons")
    page.set("set-data", "penguins")
    page.set("set-inputs", "all")
    page.set("set-data", "digits")
    page.run("clearInterval(window.resizing)")
    assert page.complaints() == []


@pytest.mark.parametrize("hidden", [0, 3])
def test_no_layer_and_three_layers(digits, session, hidden):
    for _ in range(max(1, hidden - 1)):
        version = digits.version()
        digits.click("#less-layers" if hidden == 0 else "#more-layers")
        digits.wait(lambda version=version: digits.version() != version)
    digits.wait(lambda: digits.text("updates") == "0")
    session.change({"hidden": [8] * hidden})
    digits.step("epoch")
    session.step("epoch")
    digits.wait(lambda: digits.text("loss") == f"{session.present.loss:.4f}")
    agrees(digits, session)
    assert digits.complaints() == []
    digits.picture(f"digits-{hidden}-layers")


@pytest.mark.parametrize("data", ["digits", "penguins"])
def test_a_replay_computes_the_librarys_numbers(driver, session, tmp_path, data):
    session.change({**SETS[data], "hidden": [5, 4]})
    for _ in range(2):
        session.step("epoch")
    file = tmp_path / "replay.html"
    file.write_bytes(replay(session))
    page = Page(driver, file.as_uri())
    driver.get(page.address)
    shown = page.run("return run.points.map((x) => forward(2, x))")
    y = forward(session.architecture, session.run.params, session.points.x[:50]).y
    np.testing.assert_allclose(shown, y, rtol=1e-9, atol=1e-15)
    assert page.complaints() == []
    page.picture(f"replay-{data}")
    driver.get("about:blank")


def test_a_picture_of_the_weights(digits):
    digits.click("#picture")
    path = digits.driver.downloads / "weights.png"
    digits.wait(path.exists)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_tour_speaks_of_images(digits):
    digits.click("#tour-start")
    assert "draw a digit of your own" in digits.text("tour-text")
    digits.picture("tour-digits")
    digits.click("#tour-end")
