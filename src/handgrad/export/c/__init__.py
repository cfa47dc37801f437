"""A model as one header of C99.

In the order of the way from a model to a header:

    words.py       names, texts and tables of C
    functions.py   the functions of a header that do not depend on the model
    columns.py     the struct of a row, and how it becomes inputs
    layers.py      networks in float or double
    int8.py        networks in whole numbers, see quantising.py
    header.py      writes the header
"""

from handgrad.export.c.header import c_source, check_settings, name_from

__all__ = ["c_source", "check_settings", "name_from"]
