"""Docstrings are written to be read beside the code; here they are made ready for a page.

- A module says its first paragraph: what follows are tables of plain text, shown in its listing.
- Signs of reStructuredText that mathematics uses too, |x| and t_, stand for themselves.
- Lines of assignments, theta <- ..., keep their lines and columns.
- What a class has from scikit-learn is documented there.
"""

import re
from typing import Any

LITERAL = re.compile(r"(``.+?``|`.+?`)")


def setup(app: Any) -> dict[str, Any]:
    """Add this to autodoc, after napoleon has read the sections."""
    app.connect("autodoc-process-docstring", prepare, priority=900)
    app.connect("autodoc-skip-member", is_from_elsewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def prepare(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the lines of one docstring, in place."""
    if what == "module" and "" in lines:
        del lines[lines.index("") + 1 :]
    lines[:] = [
        line
        for paragraph in "\n".join(lines).split("\n\n")
        for line in [*_assignments(paragraph.split("\n")), ""]
    ]


def _assignments(lines: list[str]) -> list[str]:
    """Keep a paragraph of assignments as it is; make the lines of any other plain."""
    if all("<-" in line for line in lines):
        return ["::", "", *(f"    {line}" for line in lines)]
    return [_plain(line) for line in lines]


def _plain(line: str) -> str:
    """Escape what would be markup, but not within literals, directives and fields."""
    if line.lstrip().startswith((".. ", ":")):
        return line
    parts = LITERAL.split(line)
    parts[::2] = [re.sub(r"\||(?<=\w)(?<!\\)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def is_from_elsewhere(
    app: Any, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out what scikit-learn and its metadata routing put into our classes."""
    module = getattr(obj, "__module__", None) or ""
    return True if module.startswith("sklearn") or name.endswith("_request") else None
