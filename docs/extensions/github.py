"""What GitHub's Markdown has and MyST has not, so that one text serves both.

- A formula in a line is written $`x`$.
- The list of pages on index.md is the table of contents, too.
- A link to a module's file leads to its listing on the site.
- ``{examples}`` stands for the programs of examples/, which GitHub shows as a folder.
"""

import ast
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
PAGE = re.compile(r"^- \[[^\]]+\]\((\w+)\.md\)", re.MULTILINE)


def setup(app: Any) -> dict[str, Any]:
    """Add the three to Sphinx."""
    app.connect("source-read", as_myst)
    app.add_transform(Listings)
    app.add_directive("examples", Examples)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def as_myst(app: Any, page: str, source: list[str]) -> None:
    """Rewrite a page as MyST reads it; no line moves."""
    text = re.sub(r"\$`([^`]+)`\$", r"{math}`\1`", source[0])
    if page == "index":
        pages = "\n".join(PAGE.findall(text))
        text = f"{text}\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
    source[0] = text


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


class Examples(SphinxDirective):
    """Each program of examples/: its name, what it says of itself, and its text."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        paths = sorted((ROOT / "examples").glob("*.py"))
        return [section for path in paths for section in self.parse_text_to_nodes(_section(path))]


def _section(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    told = ast.get_docstring(ast.parse(text)) or ""
    return f"## {path.name}\n\n{told}\n\n````python\n{text}\n````\n"
