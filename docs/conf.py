"""How Sphinx makes the site of these pages; `make docs` runs it."""

import sys
from pathlib import Path

from handgrad import __version__

sys.path.append(str(Path(__file__).parent / "extensions"))

project = "handgrad"
author = "The handgrad contributors"
version = release = __version__
html_title = f"handgrad {version}"

# The pages are Markdown as GitHub shows it; what it shows and MyST does not is taught by github.
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "docstrings",
    "formulas",
    "github",
]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_fence_as_directive = ["math"]
html_math_renderer = "mathml"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["handgrad.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
pygments_style = "friendly"
pygments_dark_style = "monokai"

# The docstrings tell types in words (shape, dtype, range), so the signatures need not.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]
