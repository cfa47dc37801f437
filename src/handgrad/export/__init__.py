"""Models written in other languages, with all that comes before and after the network.

In the order of the way from a model to a file:

    parts.py     takes a model apart, for all who write it
    tracing.py   the steps of an activation, found in its own function of NumPy
    reading.py   the functions of a written Python file that read cells
    passing.py   the functions of a written Python file that compute
    copying.py   copies functions out of handgrad's source
    layout.py    lays out the long lists of a written file
    python.py    writes one Python file that needs NumPy alone
    javascript/  writes one module of JavaScript that needs no package
    formats.py   the list of all forms
"""

from handgrad.export.formats import FORMATS, write, written
from handgrad.export.javascript import javascript_source
from handgrad.export.python import python_source

__all__ = ["FORMATS", "javascript_source", "python_source", "write", "written"]
