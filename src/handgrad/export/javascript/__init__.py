"""A model as a module of JavaScript, and the forward pass in it.

In the order of the way from a model to a module; the scripts hold what does not depend on it:

    bending.py   writes activations as functions, from their steps
    sources.py   picks the pieces of the scripts that are needed, and writes values
    module.py    writes the module

    reading.js   from cells to numbers and levels, with notation.js and dates.js
    prepare.js   from there to the inputs of a network
    forward.js   from inputs to scores, in the page's replay as well; with erfc.js
    finish.js    from scores to predictions
"""

from handgrad.export.javascript.module import javascript_source
from handgrad.export.javascript.sources import activations, needed

__all__ = ["activations", "javascript_source", "needed"]
