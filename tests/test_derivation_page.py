"""From a card of the page to the derivation of its equation and back, without a network."""

import re
from pathlib import Path

import pytest

from browser import BROWSER
from handgrad.explain.equations import equations
from handgrad.network import Architecture
from handgrad.playground.server import page_files
from handgrad.skip import Linear

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "derivation.md").read_text(encoding="utf-8")
SERVED = page_files()["/page/derivation.html"][0].decode()
EVERY = [
    Architecture((2, 3, 3)),
    Architecture((2, 3, 3), skip=(Linear(),), scales=True),
    Architecture((4, 3, 3, 2)),
    Architecture((2, 3)),
]


@pytest.fixture(scope="module")
def maker():
    """The program that writes the page."""
    path = ROOT / "docs" / "derivation_page.py"
    names = {"__name__": "derivation_page", "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), names)
    return names


def plain(page):
    """Leave the text and the anchors: how a formula is marked up depends on the converter."""
    anchors = re.sub(r'<[^>]* (id|href|src)="([^"]*)"[^>]*>', r" \1=\2 ", page)
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", anchors))


def test_the_page_is_the_one_that_the_program_makes_of_the_derivation(maker):
    assert plain(SERVED) == plain(maker["page"]()), "run python docs/derivation_page.py"


def test_every_equation_has_an_anchor_and_a_link_to_its_numbers():
    numbers = {equation.number for network in EVERY for equation in equations(network)}
    assert numbers == set(range(1, 16))
    for number in numbers:
        assert SERVED.count(f'id="equation-{number}"') == 1
        assert SERVED.count(f'href="#equation-{number}"') == 1
        below = TEXT.split(rf"\tag{{{number}}}")[1].split(r"\tag")[0]
        assert below.count("With numbers of your own: ") == 1
        assert f"[card {number}](play.md#a-card-and-its-derivation)" in below
        assert SERVED.count(f'href="/#card-{number}"') == 1


def test_every_link_within_the_page_leads_somewhere():
    anchors = re.findall(r' id="([^"]+)"', SERVED)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r'href="#([^"]+)"', SERVED)) <= set(anchors)
    assert "\ue000" not in SERVED
    assert SERVED.count("<math") == TEXT.count("```math") + len(re.findall(r"\$`[^`]+`\$", TEXT))


def test_the_page_needs_no_other_host_and_no_style_of_its_own():
    loaded = re.findall(r'<(?!a )[^>]*(?:src|href)="([^"]+)"', SERVED)
    assert loaded
    assert all(f"/page/{name.rpartition('/')[2]}" in page_files() for name in loaded)
    assert not re.findall(r"<style|<script| style=", SERVED)


class TestInABrowser:
    pytestmark = BROWSER

    def test_from_a_card_to_its_derivation_and_back(self, page):
        here = page.driver.current_window_handle
        page.click(".card[data-name='dh'] .why")
        page.wait(lambda: len(page.driver.window_handles) == 2)
        there = next(one for one in page.driver.window_handles if one != here)
        page.driver.switch_to.window(there)
        try:
            page.wait(lambda: page.run("return document.readyState") == "complete")
            assert page.run("return location.pathname + location.hash").endswith(
                "derivation.html#equation-9"
            )
            target = "document.querySelector(':target').getBoundingClientRect().top"
            page.wait(lambda: 0 < page.run(f"return {target}") < 400)
            assert page.run("return document.querySelector(':target math') !== null")
            assert page.complaints() == []
            page.click("a[href='/#card-7']")
            page.driver.switch_to.window(here)
            page.wait(lambda: page.run("return location.hash") == "#card-7")
            page.wait(
                lambda: (
                    page.run("return document.querySelector('.card.pointed')?.dataset.name")
                    == "dW2"
                )
            )
            assert page.run("return shown.frames") > 0
            page.click(".card[data-name='r'] .why")
            page.driver.switch_to.window(there)
            page.wait(lambda: page.run("return location.hash") == "#equation-1")
        finally:
            page.driver.switch_to.window(there)
            page.driver.close()
            page.driver.switch_to.window(here)

    @pytest.mark.parametrize("width", [400, 1280])
    @pytest.mark.parametrize("is_dark", [False, True])
    def test_it_can_be_read(self, page, width, is_dark):
        page.size(width, 900)
        page.dark(is_dark)
        page.driver.get(page.run("return location.origin") + "/page/derivation.html#equation-6")
        assert page.run("return document.documentElement.scrollWidth") <= width
        page.settle()
        page.picture(f"derivation-{width}-{'dark' if is_dark else 'light'}")
        page.dark(False)
        assert page.complaints() == []
