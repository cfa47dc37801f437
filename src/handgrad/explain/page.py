"""An explanation as one HTML file: formulas typeset, numbers as bars, no network, no script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.explain.equations import names_beside, unit_name
from handgrad.explain.formula import mathml
from handgrad.explain.printed import four_digits
from handgrad.explain.trace import brief
from handgrad.explain.wide import SKIP_HEADINGS, SKIP_TITLE
from handgrad.html import document, escaped, facts, sentence, table

if TYPE_CHECKING:
    from handgrad.explain.inputs import Column
    from handgrad.explain.story import Entry, Explanation, Step

Array = NDArray[Any]

MOST_ACROSS = 8  # rows and columns of an array that is written out

STYLE = """
nav { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin: .5rem 0; }
nav a { display: inline-block; padding: .15rem .6rem; border: 1px solid var(--line);
  border-radius: 1rem; text-decoration: none; background: var(--card); }
nav a:hover, nav a:focus { border-color: var(--up); }
nav span { color: var(--soft); }
section.step { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .8rem 1rem; margin: .8rem 0; scroll-margin-top: 1rem; }
section.step:target { border-color: var(--up); background: var(--mark); }
.formula { display: flex; flex-wrap: wrap; gap: .3rem 1rem; align-items: baseline; }
.formula .scroll { flex: 1 1 12rem; padding: .2rem 0; }
.formula b { color: var(--up); }
.line { border-left: 3px solid var(--line); padding-left: .7rem; }
.bars { display: grid; grid-template-columns: fit-content(18rem) 1fr max-content;
  gap: .15rem .8rem; align-items: center; margin: .7rem 0 .4rem;
  font-variant-numeric: tabular-nums; }
.bars .value { text-align: right; }
.bar { position: relative; height: .85rem; min-width: 4rem; }
.bar::before { content: ""; position: absolute; left: 50%; top: -.1rem; bottom: -.1rem;
  border-left: 1px solid var(--line); }
.bar i { position: absolute; top: 0; bottom: 0; border-radius: .15rem; }
.bar i.up { left: 50%; background: var(--up); }
.bar i.down { right: 50%; background: var(--down); }
.operands { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: end; margin: .5rem 0; }
.operands figure { margin: 0; max-width: 100%; } .operands figcaption { margin: 0; }
.matrix { border-left: 2px solid var(--soft); border-right: 2px solid var(--soft); }
.matrix td { border: 0; padding: 0 .45rem; text-align: right; white-space: nowrap; }
.example { color: var(--soft); }
@media (max-width: 32rem) {
  .bars { grid-template-columns: fit-content(9rem) 1fr max-content; gap: .15rem .5rem; }
  .bar { min-width: 2.5rem; } }
"""


def page(explanation: Explanation) -> str:
    """Write the whole page."""
    parts = [facts(explanation.facts)]
    parts += [f'<p class="soft">{sentence(note)}</p>' for note in explanation.notes]
    parts += [_paths(explanation), '<h2 id="x">The inputs</h2>', _columns(explanation.columns)]
    if explanation.skipped:
        parts += [f'<h2 id="w">{SKIP_TITLE}</h2>', _skip(explanation)]
    for title, steps in explanation.sections():
        parts.append(f"<h2>{title}</h2>")
        parts += [_step(step) for step in steps]
    parts.append(
        '<p class="soft">Bars to the right are above 0, bars to the left below 0; within a box, '
        "the longest bar is the largest number. All numbers are the network's own, rounded to "
        "four digits, or to as many as a calculation needs to be true.</p>"
    )
    return document(explanation.title, "\n".join(parts), STYLE)


def _paths(explanation: Explanation) -> str:
    """Write the way forward and the way back, each quantity a link to its equation."""
    architecture = explanation.trace.architecture
    last = len(architecture.layer_units) - 1
    hidden = [unit_name(kind, layer, architecture) for layer in range(1, last) for kind in "rh"]
    scaled = ["h0"] if architecture.scales else []
    forward = ["x", *scaled, *hidden, "score", "y", *(["L"] if "L" in explanation.trace else [])]
    lines = [_path("forward", forward, "→")]
    if architecture.skip:
        lines.append(_path("skip", ["w", "score"], "→"))
    if "L" in explanation.trace:
        back = ["dscore", *(f"d{name}" for name in reversed(scaled + hidden))]
        lines.append(_path("backward", back, "→"))
        gradients = [f"d{kind}{layer}" for layer in range(last, 0, -1) for kind in "Wb"]
        gradients += [f"d{name}" for name in names_beside(architecture)]
        lines.append(_path("gradients", gradients, ""))
    return "\n".join(lines)


def _path(word: str, names: list[str], arrow: str) -> str:
    links = [f'<a href="#{name}">{mathml(name)}</a>' for name in names]
    between = f" <span>{arrow}</span> " if arrow else " "
    return f'<nav aria-label="{word}"><span>{word}</span> {between.join(links)}</nav>'


def _columns(columns: list[Column]) -> str:
    rows = [
        (
            escaped(column.name),
            "<i>missing</i>" if column.cell is None else escaped(column.cell),
            sentence(column.becomes),
            "<br>".join(f"{escaped(name)} = {value:.4g}" for name, value in column.inputs)
            or "none",
        )
        for column in columns
    ]
    return table(("column", "cell", "becomes", "input"), rows, stack=True)


def _skip(explanation: Explanation) -> str:
    outputs = explanation.output_names
    rows = [
        (
            escaped(one.column),
            _in_lines(one.told_sums(outputs)),
            _in_lines(one.told_places()),
            _in_lines(one.told_terms()),
        )
        for one in explanation.skipped
    ]
    return table(SKIP_HEADINGS, rows, stack=True)


def _in_lines(lines: list[str]) -> str:
    return "<br>".join(map(sentence, lines))


def _step(step: Step) -> str:
    equation = step.equation
    shape = str(step.shape) if step.shape else "scalar"
    parts = [
        f'<div class="formula"><b>({equation.number})</b>'
        f'<div class="scroll">{mathml(equation.formula)}</div><small>{shape}</small></div>',
        f"<p>{sentence(equation.words)}</p>",
        f'<p class="line"><code>{sentence(equation.line)}</code></p>',
        _operands(step),
        _bars(step.entries) if step.shape else f"<p><b>{step.entries[0].value:.6g}</b></p>",
    ]
    if step.more:
        parts.append(f'<p class="soft">{step.more}</p>')
    if step.example:
        parts.append(f'<p class="example">{sentence(step.example)}</p>')
    if step.note:
        parts.append(f"<p>{sentence(step.note)}</p>")
    return f'<section class="step" id="{equation.name}">' + "\n".join(parts) + "</section>"


def _operands(step: Step) -> str:
    """Write what the numbers are computed from, side by side."""
    parts = [
        f"<figure><figcaption><code>{sentence(laid.head)}</code></figcaption>"
        f"{_matrix(laid.operand.numbers)}</figure>"
        for laid in step.operands
    ]
    return f'<div class="operands">{"".join(parts)}</div>' if parts else ""


def _matrix(value: Array) -> str:
    table = np.atleast_2d(value)
    if max(table.shape) > MOST_ACROSS:
        return f'<p class="soft">{value.shape}: {brief(value)}</p>'
    rows = "".join(
        f"<tr>{''.join(f'<td>{four_digits(number)}</td>' for number in row)}</tr>"
        for row in table.tolist()
    )
    return f'<div class="scroll"><table class="matrix">{rows}</table></div>'


def _bars(entries: list[Entry]) -> str:
    longest = max((abs(entry.value) for entry in entries), default=0) or 1
    rows = []
    for entry in entries:
        side, width = ("down" if entry.value < 0 else "up"), 50 * abs(entry.value) / longest
        rows.append(
            f"<span>{escaped(entry.label)}</span>"
            f'<span class="bar"><i class="{side}" style="width:{width:.2f}%"></i></span>'
            f'<span class="value">{four_digits(entry.value)}</span>'
        )
    return f'<div class="bars">{"".join(rows)}</div>'
