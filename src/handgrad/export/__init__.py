"""Models written in other languages, with all that comes before and after the network.

In the order of the way from a model to a file:

    parts.py         takes a model apart, for all who write it
    tracing.py       the steps of an activation, found in its own function of NumPy
    reading.py       the functions of a written Python file that read cells
    passing.py       the functions of a written Python file that compute
    copying.py       copies functions out of handgrad's source
    python.py        writes one Python file that needs NumPy alone
    layout.py        lays out the long lists of a written file
    javascript/      writes one module of JavaScript that needs no package
    onnx_graph.py    a graph of ONNX under way: its nodes, constants and names
    onnx_inputs.py   from the inputs of a graph to what the network takes in
    onnx.py          writes a graph of ONNX
    c_words.py       names, texts and tables of C
    c_functions.py   the functions of a written C header
    c_columns.py     the struct of a row, and how it becomes inputs
    c_layers.py      networks in float or double
    quantising.py    networks turned into whole numbers by calibration rows
    int8.py          such networks in C
    c.py             writes one header of C99
    formats.py       the list of all forms
"""

from handgrad.export.c import c_source, name_from
from handgrad.export.formats import FORMATS, write, written
from handgrad.export.javascript import javascript_source
from handgrad.export.python import python_source
from handgrad.export.quantising import Loss, Quantised, quantise

__all__ = [
    "FORMATS",
    "Loss",
    "Quantised",
    "c_source",
    "javascript_source",
    "name_from",
    "python_source",
    "quantise",
    "write",
    "written",
]
