"""An explanation in a terminal: words, symbols, numbers, and the line of NumPy."""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.cli.terminal import page_width, print_table, print_text, say
from handgrad.explain.formula import text
from handgrad.explain.inputs import Column
from handgrad.explain.printed import four_digits
from handgrad.explain.story import Explanation, Step
from handgrad.explain.trace import brief
from handgrad.explain.wide import SKIP_HEADINGS, SKIP_TITLE, Skipped
from handgrad.text import shown

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

LONGEST_LABEL = 40
MOST_ROWS, CELL = 8, 10  # rows of an array that is written out; signs of each number
MARGIN = 6  # the number of an equation stands in it


def print_explanation(explanation: Explanation) -> None:
    """Print all of it to stdout."""
    from rich.text import Text

    print_text([Text(shown(explanation.title), "bold")])
    for name, value in explanation.facts:
        say(f"{name}: {shown(value)}")
    for note in explanation.notes:
        say(note)
    print_table(_columns_table(explanation.columns))
    if explanation.skipped:
        print_table(_skip_table(explanation.skipped, explanation.output_names))
    for title, steps in explanation.sections():
        print_text([Text(title, "bold underline"), Text("")])
        for step in steps:
            print_text(_lines(step))


def _columns_table(columns: list[Column]) -> "Table":
    from rich.table import Table

    table = Table(title="The inputs x", title_justify="left")
    for heading in ("column", "cell", "becomes", "input"):
        table.add_column(heading, overflow="fold")
    for column in columns:
        cell = "(missing)" if column.cell is None else shorter(column.cell)
        inputs = ", ".join(f"{shorter(name)} {value:.4g}" for name, value in column.inputs)
        table.add_row(shorter(column.name), cell, shown(column.becomes), inputs or "none")
    return table


def _skip_table(skipped: list[Skipped], outputs: list[str]) -> "Table":
    from rich.table import Table

    table = Table(title=SKIP_TITLE, title_justify="left")
    for heading in SKIP_HEADINGS:
        table.add_column(heading, overflow="fold")
    for one in skipped:
        listed = (one.told_sums(outputs), one.told_places(), one.told_terms())
        table.add_row(shorter(one.column), *("\n".join(map(shown, lines)) for lines in listed))
    return table


def _lines(step: Step) -> "Iterator[Text]":
    from rich.text import Text

    number = f"({step.equation.number})".ljust(MARGIN)
    shape = f"   {step.shape}" if step.shape else "   scalar"
    yield Text.assemble(
        (number, "bold cyan"), (text(step.equation.formula), "bold"), (shape, "dim")
    )
    yield from _wrapped(step.equation.words, "")
    yield from _wrapped(step.equation.line, "green")
    yield from _operands(step)
    yield from _numbers(step)
    for sentence in (step.example, step.note):
        if sentence:
            yield from _wrapped(shown(sentence), "dim" if sentence == step.example else "")
    yield Text("")


def _wrapped(sentence: str, style: str) -> "Iterator[Text]":
    from rich.text import Text

    for line in textwrap.wrap(sentence, max(20, page_width() - MARGIN)):
        yield Text(" " * MARGIN + line, style)


def _operands(step: Step) -> "Iterator[Text]":
    """Write what the numbers are computed from, columns below columns; of wide arrays the range."""
    from rich.text import Text

    heads = [shorter(laid.head) for laid in step.operands]
    across = max(map(len, heads), default=0)
    for head, laid in zip(heads, step.operands, strict=True):
        lines = _rows_of(laid.operand.numbers, page_width() - MARGIN - across - 2)
        for place, line in enumerate(lines):
            start = head.ljust(across) if place == 0 else " " * across
            yield Text(" " * MARGIN + f"{start}  {line}".rstrip(), "dim")


def _rows_of(value: NDArray[Any], width: int) -> list[str]:
    table = np.atleast_2d(value)
    lines = [
        " ".join(f"{four_digits(number):>{CELL}}" for number in row)
        for row in table[:MOST_ROWS].tolist()
        if table.shape[1] * (CELL + 1) <= width
    ]
    return lines if lines and len(table) <= MOST_ROWS else [f"{value.shape}: {brief(value)}"]


def _numbers(step: Step) -> "Iterator[Text]":
    """Write the entries side by side, as many to a line as fit."""
    from rich.text import Text

    cells = [f"{shorter(entry.label)}  {four_digits(entry.value)}" for entry in step.entries]
    if not step.shape:
        cells = [f"{step.entries[0].value:.6g}"]
    width = max(map(len, cells))
    per_line = max(1, (page_width() - MARGIN + 3) // (width + 3))
    for start in range(0, len(cells), per_line):
        line = "   ".join(cell.ljust(width) for cell in cells[start : start + per_line])
        yield Text(" " * MARGIN + line.rstrip())
    if step.more:
        yield from _wrapped(step.more, "dim")


def shorter(label: str) -> str:
    """Make a label safe to print, and cut its middle out where it is too long."""
    safe = shown(label)
    if len(safe) <= LONGEST_LABEL:
        return safe
    return f"{safe[: LONGEST_LABEL // 2]}…{safe[-LONGEST_LABEL // 2 + 1 :]}"
