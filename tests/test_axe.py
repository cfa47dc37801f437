"""The page under axe-core, where it is installed: HANDGRAD_AXE names its axe.min.js.

Without that variable the copy of the package axe-playwright-python is taken (its browser is not).
"""

import importlib.util
import os
from pathlib import Path

import pytest

from browser import BROWSER
from handgrad.playground.recipe import PRESETS


def axe():
    """Find axe.min.js; None where there is none."""
    if given := os.environ.get("HANDGRAD_AXE"):
        return Path(given)
    found = importlib.util.find_spec("axe_playwright_python")
    return found and Path(found.origin).parent / "axe.min.js"


pytestmark = [*BROWSER, pytest.mark.skipif(axe() is None, reason="axe-core is not installed")]

RUN = "axe.run().then(({ violations }) => arguments[0](violations), (e) => arguments[0](String(e)))"
VIEWS = {
    "rest": lambda page: None,
    "played": lambda page: [page.step("epoch") for _ in range(3)],
    "forward": lambda page: [page.step("equation") for _ in range(3)],
    "backward": lambda page: [page.step("equation") for _ in range(12)],
    "made": lambda page: [page.step("equation") for _ in range(16)],
    "rival": lambda page: page.click("#add-rival"),
    "inspector": lambda page: page.click("#nodes button[aria-label='unit 1 of layer 1']"),
    "tour": lambda page: page.click("#tour-start"),
    "keys": lambda page: page.click("#keys-start"),
    "check": lambda page: page.click("#check"),
    "digits": lambda page: page.set("set-data", "digits"),
    "table": lambda page: [page.set("set-data", "penguins"), page.set("set-inputs", "all")],
    "chain": lambda page: [page.ask("sample", row=34), page.click(".chain summary")],
    "sums": lambda page: [page.step("sample") for _ in range(3)],
    "hidden": lambda page: opened(page, "#view-hidden", "#hidden-x1"),
    "hidden units": lambda page: [
        page.ask("change", settings={"hidden": [3, 3]}),
        opened(page, "#view-hidden", "#hidden-x1"),
    ],
    "empty map": lambda page: page.click("#empty"),
    "folds": lambda page: page.click("#folds"),
    "along": lambda page: opened(
        page, "#nodes button[aria-label='unit 3 of layer 1']", "#along-words"
    ),
    "numbers": lambda page: [page.set("set-data", "sine"), page.step("equation")],
    "bump": lambda page: [page.set("set-data", "bump"), page.step("equation")],
    "skip and scale": lambda page: [
        page.ask("change", settings={"skip": True, "scale": True}),
        *[page.step("equation") for _ in range(18)],
    ],
    "layers": lambda page: [
        page.ask("change", settings={"hidden": [4, 3, 3], "classes": 6}),
        *[page.step("equation") for _ in range(12)],
    ],
    "preset": lambda page: [
        page.ask("change", settings=PRESETS["as in the article"]),
        page.step("equation"),
    ],
    "file lines": lambda page: page.click("#file-lines"),
    "tip": lambda page: page.run(
        "document.querySelector(\".card[data-name='r'] .numbers span\").focus()"
    ),
    "derivation": lambda page: page.driver.get(
        page.run("return location.origin") + "/page/derivation.html"
    ),
}


def opened(page, css, told):
    """Open a view that asks the server for what it shows, and wait for that."""
    page.click(css)
    page.wait(lambda: page.find(told).text)


def violations(page):
    page.run(axe().read_text(encoding="utf-8"))
    return [
        f"{found['id']} ({found['impact']}): "
        + "; ".join(f"{node['html'][:120]}: {node['failureSummary']}" for node in found["nodes"])
        for found in page.driver.execute_async_script(RUN)
    ]


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(page, view, is_dark):
    VIEWS[view](page)
    page.dark(is_dark)
    try:
        page.settle()
        page.picture(f"axe-{view}-{'dark' if is_dark else 'light'}")
        assert violations(page) == []
    finally:
        page.dark(False)
