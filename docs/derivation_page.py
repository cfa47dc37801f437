"""Write the derivation as a page of `handgrad play`, which serves it without a network.

    python docs/derivation_page.py [--into FILE]

The page is made of derivation.md and of the pictures in equations/, and is kept in the package; a
test holds it to them. It has no script and no style of its own: derivation.css beside it has both
the look of the text and that of the pictures.
"""

import argparse
import re
import sys
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

HERE = Path(__file__).parent
sys.path.append(str(HERE / "extensions"))
from formulas import TAG, mathml  # noqa: E402 - it is beside Sphinx's configuration

PAGE = HERE.parent / "src" / "handgrad" / "playground" / "page" / "derivation.html"
IN_LINE = re.compile(r"\$`([^`]+)`\$")
KEPT = re.compile("\ue000(\\d+)\ue001")  # where a formula stood
FILE = re.compile(r"\[([^\]]+)\]\(\.\./src/handgrad/\w+\.py\)")
CARD = re.compile(r"\[card (\d+)\]\(play\.md#[\w-]+\)")
STYLE = re.compile(r"<style>.*?</style>\n", re.DOTALL)
NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'  # which HTML does not need
NUMBERS = range(1, 16)


def page() -> str:
    """Write the whole page."""
    text = (HERE / "derivation.md").read_text(encoding="utf-8")
    links = " ".join(f'<a href="#equation-{number}">{number}</a>' for number in NUMBERS)
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>The derivation: handgrad</title>\n"
        '<link rel="icon" href="/page/icon.svg">\n'
        '<link rel="stylesheet" href="/page/style.css">\n'
        '<link rel="stylesheet" href="/page/derivation.css">\n'
        "</head>\n<body>\n<header>\n"
        '  <a href="/" target="handgrad-play">handgrad play</a>\n'
        f'  <nav aria-label="Equations">Equations {links}</nav>\n'
        f'</header>\n<main class="derivation">\n{body(text)}</main>\n</body>\n</html>\n'
    )


def body(text: str) -> str:
    """Turn the Markdown into HTML, its formulas into MathML."""
    text = FILE.sub(r"`\1`", text)  # the page has no listings to lead to
    text = CARD.sub(r"[card \1](/#card-\1)", text).replace("(play.md)", "(/)")
    formulas: list[str] = []

    def keep(formula: re.Match[str]) -> str:
        formulas.append(mathml(formula[1], "inline").replace(NAMESPACE, ""))
        return f"\ue000{len(formulas) - 1}\ue001"

    reader = MarkdownIt("commonmark").enable("table")
    reader.renderer.rules.update(fence=_fence, image=_image)  # type: ignore[attr-defined]
    tokens = reader.parse(IN_LINE.sub(keep, text))
    for opening, inside in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slug(inside.content))
    for link in (child for token in tokens for child in token.children or []):
        if link.type == "link_open" and str(link.attrGet("href")).startswith("/"):
            link.attrSet("target", "handgrad-play")
    written = str(reader.renderer.render(tokens, reader.options, {}))
    return KEPT.sub(lambda place: formulas[int(place[1])], written)


def slug(heading: str) -> str:
    """Name the anchor of a heading as GitHub does."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _fence(tokens: Any, at: int, options: Any, env: Any) -> str:
    """Write a formula that stands by itself, or lines of code."""
    token = tokens[at]
    if token.info != "math":
        return f"<pre><code>{escape(token.content, quote=False)}</code></pre>\n"
    tag = TAG.search(token.content)
    anchor = f' id="equation-{tag[1]}"' if tag else ""
    number = f'<span class="number">({tag[1]})</span>' if tag else ""
    formula = mathml(TAG.sub("", token.content.strip()), "block").replace(NAMESPACE, "")
    return f'<div class="equation"{anchor}>{formula}{number}</div>\n'


def _image(tokens: Any, at: int, options: Any, env: Any) -> str:
    """Write a picture out, since one that is loaded would not follow the page's style."""
    token = tokens[at]
    drawn = STYLE.sub("", (HERE / token.attrGet("src")).read_text(encoding="utf-8")).strip()
    return drawn.replace(' xmlns="http://www.w3.org/2000/svg"', ' class="picture"', 1).replace(
        ' role="img"', f' role="img" aria-label="{escape(token.content)}"', 1
    )


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description="Write the derivation as a page of handgrad play.")
    parser.add_argument("--into", type=Path, default=PAGE, help="file to write to")
    parser.parse_args().into.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
