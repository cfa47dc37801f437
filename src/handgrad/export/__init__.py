"""Models written in other languages, with all that comes before and after the network.

In the order of the way from a model to a file:

    parts.py        takes a model apart, for all who write it
    tracing.py      the steps of an activation, found in its own function of NumPy
    layout.py       lays out the long lists of a written file
    quantising.py   networks turned into whole numbers by calibration rows
    python/         one Python file that needs NumPy alone
    javascript/     one module of JavaScript that needs no package
    onnx/           a graph of ONNX
    c/              one header of C99
    formats.py      the list of all forms
"""

from handgrad.export.c import c_source, check_settings, name_from
from handgrad.export.formats import FORMATS, write, written
from handgrad.export.javascript import javascript_source
from handgrad.export.python import python_source
from handgrad.export.quantising import Loss, Quantised, quantise

__all__ = [
    "FORMATS",
    "Loss",
    "Quantised",
    "c_source",
    "check_settings",
    "javascript_source",
    "name_from",
    "python_source",
    "quantise",
    "write",
    "written",
]
