"""A model as a graph of ONNX.

In the order of the way from a model to a graph:

    graph.py    a graph under way: its nodes, constants and names, and functions that ONNX lacks
    inputs.py   from the inputs of the graph to what the network takes in
    model.py    writes the graph
"""

from handgrad.export.onnx.model import onnx_bytes

__all__ = ["onnx_bytes"]
