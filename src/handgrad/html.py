"""HTML: a page in one file with its style, lists of facts, and every table.

A page loads nothing from the network and runs no script, and a policy in its head forbids both.
It follows the reader's choice of light or dark, and it can be read on a telephone. Every text
from a table or a model goes through ``escaped`` or ``sentence``.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from handgrad.text import shown

LONGEST_TEXT = 80  # signs of a label; a longer one loses its middle

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1f; --soft: #5c5f66; --line: #d9dce1;
  --card: #f6f7f9; --up: #0072b2; --down: #c4500a; --mark: #e8f1f8; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e8e9ec; --soft: #a5a9b3;
  --line: #363a42; --card: #1f2228; --up: #56b4e9; --down: #f0955c; --mark: #1d2f3c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 60rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
a { color: var(--up); }
p { margin: .4rem 0; }
small, .soft { color: var(--soft); }
code { font: .88em/1.5 ui-monospace, monospace; }
math { font-size: 1.1em; }
img { max-width: 100%; height: auto; background: #fff; border-radius: .3rem; display: block; }
figure { margin: 1rem 0; }
figcaption { color: var(--soft); margin-top: .3rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 0; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; white-space: nowrap; }
@media (max-width: 40rem) { table.stack th { display: none; }
  table.stack tr { display: grid; grid-template-columns: 1fr auto; padding: .4rem 0;
    border-bottom: 1px solid var(--line); }
  table.stack td { border: 0; padding: .1rem 0; }
  table.stack td:first-child { font-weight: 600; }
  table.stack td:nth-child(n+3) { grid-column: 1 / -1; } }
td.number, th.number { text-align: right; white-space: nowrap; }
"""


def escaped(text: Any) -> str:
    """Make a text safe to stand anywhere on a page: no markup, no control signs, not too long."""
    safe = shown(text)
    if len(safe) > LONGEST_TEXT:
        safe = f"{safe[: LONGEST_TEXT // 2]}…{safe[-LONGEST_TEXT // 2 + 1 :]}"
    return escape(safe)


def sentence(text: str) -> str:
    """Make a sentence of any length safe."""
    return escape(shown(text))


def document(title: str, body: str, style: str = "") -> str:
    """Write a whole page."""
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{STYLE}{style}</style></head>\n"
        f"<body>\n<main>\n<h1>{escaped(title)}</h1>\n{body}\n</main>\n</body></html>\n"
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Write a list of names and values."""
    rows = "".join(f"<dt>{escaped(name)}</dt><dd>{sentence(value)}</dd>" for name, value in pairs)
    return f'<dl class="facts">{rows}</dl>'


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0, stack: bool = False
) -> str:
    """Write a table for a page; its cells are markup already.

    The last ``numbers`` columns hold numbers. With ``stack``, a narrow page stacks the cells of a
    row.
    """
    kinds = [""] * (len(headings) - numbers) + [' class="number"'] * numbers
    written = _table(headings, rows, kinds, ' class="stack"' if stack else "")
    return f'<div class="scroll">{written}</div>'


def plain_table(headings: Sequence[str], rows: Iterable[Sequence[str]], style: str = "") -> str:
    """Write a table for a notebook, which brings its own classes; its cells are markup already."""
    return _table(headings, rows, [""] * len(headings), f" style='{style}'" if style else "")


def _table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], kinds: list[str], kind: str
) -> str:
    lines = [_line("th", headings, kinds), *(_line("td", row, kinds) + "\n" for row in rows)]
    return f"<table{kind}>{''.join(lines)}</table>"


def _line(tag: str, cells: Sequence[str], kinds: list[str]) -> str:
    marked = zip(kinds, cells, strict=True)
    return f"<tr>{''.join(f'<{tag}{kind}>{cell}</{tag}>' for kind, cell in marked)}</tr>"
