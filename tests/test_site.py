"""The documentation as a site: built without a warning, whole, and asking nobody for anything."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest

import handgrad
import handgrad.plots
from handgrad.cli import main

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


class Links(HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        if tag in LOADED and given.get(LOADED[tag]):
            self.loaded.add(given[LOADED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build it as `make docs` does; a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    options = ["-q", "-W", "--keep-going", "-n", "-b", "html", "-d", folder / "doctrees"]
    command = [sys.executable, "-m", "sphinx", *options, ROOT / "docs", folder / "html"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return {path: Links(path) for path in (folder / "html").rglob("*.html")}


def page_of(site, name):
    return next(path for path in site if path.name == name)


def test_every_page_is_there_and_listed(site):
    listed = site[page_of(site, "index.html")].links
    for page in PAGES:
        assert page_of(site, f"{page.stem}.html").stat().st_size > 2000
        assert page.stem == "index" or f"{page.stem}.html" in listed


def test_every_link_and_anchor_leads_somewhere(site):
    for path, found in site.items():
        for link in found.links | found.loaded:
            to = urlsplit(link)
            if to.scheme:
                continue
            target = (path.parent / unquote(to.path)).resolve() if to.path else path
            assert target.exists(), f"{path.name}: {link}"
            if to.fragment and target.suffix == ".html":
                assert unquote(to.fragment) in site[target].anchors, f"{path.name}: {link}"


def test_nothing_is_asked_of_another_host(site):
    for path, found in site.items():
        for loaded in found.loaded:
            assert not urlsplit(loaded).netloc, f"{path.name}: {loaded}"
    for style in page_of(site, "index.html").parent.rglob("*.css"):
        for loaded in re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")\s]+)", style.read_text()):
            assert loaded.startswith("data:") or not urlsplit(loaded).netloc, style.name


def test_every_command_and_option_is_told(site):
    told = page_of(site, "command_line.html").read_text(encoding="utf-8")
    for name, command in main.commands.items():
        assert f"handgrad {name}" in told
        section = told.split(f'id="handgrad-{name}"')[1].split("</section>")[0]
        for option in command.params:
            if isinstance(option, click.Option):
                assert any(form in section for form in option.opts), f"{name} {option.opts}"


def test_every_public_name_is_told(site):
    anchors = site[page_of(site, "api.html")].anchors
    last = {anchor.rpartition(".")[2] for anchor in anchors if anchor.startswith("handgrad.")}
    assert {*handgrad.__all__, *handgrad.plots.__all__} <= last
    for method in ("fit", "partial_fit", "predict", "predict_proba", "save", "load", "trace"):
        assert f"handgrad.MLPClassifier.{method}" in anchors


def test_every_formula_is_set_and_every_equation_is_an_anchor(site):
    path = page_of(site, "derivation.html")
    text = (ROOT / "docs" / "derivation.md").read_text(encoding="utf-8")
    written = len(re.findall(r"\$`[^`]+`\$", text)) + len(re.findall(r"^```math$", text, re.M))
    formulas = re.findall(r"<math.*?</math>", path.read_text(encoding="utf-8"), re.DOTALL)
    assert len(formulas) == written
    assert not any("\\" in formula or "merror" in formula for formula in formulas)
    assert {f"equation-{number}" for number in range(1, 16)} <= site[path].anchors
