"""How long lists are laid out in a written file."""

from __future__ import annotations

from collections.abc import Iterable

WIDTH = 100
LINE = 84  # of base64
MOST_IN_DECIMALS = 5_000  # parameters; more are written in base64


def wrapped(before: str, items: Iterable[str], after: str) -> str:
    """Write items between two texts, broken into lines where there are many."""
    indent = " " * (len(before) - len(before.lstrip()) + 4)
    lines, listed = [before], list(items)
    for place, item in enumerate(listed, start=1):
        piece = item + (", " if place < len(listed) else "")
        if len(lines[-1]) + len(piece) > WIDTH:
            lines[-1] = lines[-1].rstrip()
            lines.append(indent)
        lines[-1] += piece
    return "\n".join(lines) + after


def base64_lines(text: str) -> list[str]:
    """Divide base64 into lines."""
    return [text[at : at + LINE] for at in range(0, len(text), LINE)] or [""]
