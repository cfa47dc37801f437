r"""Formulas as MathML, which browsers set by themselves: no script, no font, no other host.

A number that a formula has by ``\tag{6}`` stands at the right margin and is an anchor,
``#equation-6``.
"""

import re
from html import escape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

TAG = re.compile(r"\s*\\tag\{(\w+)\}")
WORD = re.compile(r'(?:<mi mathvariant="italic">\w</mi>){2,}')


def setup(app: Any) -> dict[str, Any]:
    """Offer Sphinx the renderer "mathml"."""
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mathml(formula: str, display: str) -> str:
    r"""Set a formula of TeX.

    Raises
    ------
    ValueError
        If it holds what the converter does not know, which it would write out as it is.
    """
    written = convert(formula, display=display)
    if "\\" in written:
        raise ValueError(f"a formula must be of commands that can be set; got {formula!r}")
    # Names of several letters are words: one element each, so that a page can be searched for them.
    return WORD.sub(lambda letters: _word(re.sub("<[^>]+>", "", letters[0])), written)


def _word(letters: str) -> str:
    return f'<mi class="word">{letters}</mi>'


def inline(translator: Any, node: nodes.math) -> None:
    """Write a formula that stands in a line."""
    translator.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def displayed(translator: Any, node: nodes.math_block) -> None:
    """Write a formula that stands by itself, with its number."""
    formula = node.astext()
    tag = TAG.search(formula)
    number = escape(tag[1]) if tag else ""
    anchor = f' id="equation-{number}"' if number else ""
    shown = f'<span class="number">({number})</span>' if number else ""
    setting = mathml(TAG.sub("", formula), "block")
    translator.body.append(f'<div class="formula"{anchor}>{setting}{shown}</div>\n')
    raise nodes.SkipNode
