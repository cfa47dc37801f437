"""What GitHub's Markdown has and MyST has not, so that one text serves both.

- A formula in a line is written $`x`$.
- The list of pages on index.md is the table of contents, too.
- A link to a module's file leads to its listing on the site.
- An entry of a list that is a page of benchmarks/results has that page's tables below a fold.
- Two comments, which GitHub does not show, stand for what is made from the source:
  ``<!-- commands -->`` for the help of each command, ``<!-- examples -->`` for the programs.
"""

import ast
import re
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

from handgrad.cli import main

ROOT = Path(__file__).parents[2]
RESULTS = "../benchmarks/results"
RESULT = re.compile(rf"^- \[(\w+)\]\({RESULTS}/\w+\.md\): (.*(?:\n  .*)*)", re.MULTILINE)
PAGE = re.compile(r"^- \[([^\]]+)\]\((\w+)\.md\)", re.MULTILINE)
HELP_WIDTH = 86  # what a code block holds on a page 1280 pixels wide


def setup(app: Any) -> dict[str, Any]:
    """Teach it to Sphinx."""
    app.connect("source-read", as_myst)
    app.add_transform(Listings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def as_myst(app: Any, page: str, source: list[str]) -> None:
    """Rewrite a page as MyST reads it."""
    text = re.sub(r"\$`([^`]+)`\$", r"{math}`\1`", source[0])
    text = RESULT.sub(_with_tables, text)
    text = text.replace("<!-- commands -->", commands())
    text = text.replace("<!-- examples -->", examples())
    if page == "index":
        pages = "\n".join(f"{title} <{name}>" for title, name in PAGE.findall(text))
        text = f"{text}\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
    source[0] = text


def _with_tables(entry: re.Match[str]) -> str:
    name, sentences = entry.groups()
    page = (ROOT / "docs" / RESULTS / f"{name}.md").read_text(encoding="utf-8")
    _, tables = page.replace(f"]({name}.png)", f"]({RESULTS}/{name}.png)").split("\n\n", 1)
    fold = f"<details>\n<summary>{name}</summary>\n\n{tables}\n</details>"
    return f"{sentences}\n\n{fold}\n"


def commands() -> str:
    """Give a section for each command: what its --help prints."""
    return "\n".join(
        f"## handgrad {name}\n\n```text\n{_help(name, main.commands[name])}\n```\n"
        for name in sorted(main.commands)
    )


def _help(name: str, command: click.Command) -> str:
    above = click.Context(main, info_name="handgrad", terminal_width=HELP_WIDTH)
    with click.Context(command, above, info_name=name) as context:
        return command.get_help(context)


def examples() -> str:
    """Give a section for each program of examples/: what it says of itself, and its text."""
    return "\n".join(map(_program, sorted((ROOT / "examples").glob("*.py"))))


def _program(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    told = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
    return f"## {path.name}\n\n{told}\n\n````python\n{text}````\n"


class Listings(SphinxTransform):
    """Links to src/handgrad/*.py lead to the listings that sphinx.ext.viewcode makes."""

    default_priority = 100  # before Sphinx collects the files to download

    def apply(self, **_: Any) -> None:
        """Replace the links of one page."""
        for link in list(self.document.findall(addnodes.download_reference)):
            inside = re.fullmatch(r".*\bsrc/(handgrad/\w+)\.py", link["reftarget"])
            if inside:
                to = nodes.reference("", "", *link.children, refuri=f"_modules/{inside[1]}.html")
                link.replace_self(to)
