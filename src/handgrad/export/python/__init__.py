"""A model as one file of Python that needs NumPy alone.

In the order of the way from a model to a file:

    reading.py   the functions of a written file that read cells
    passing.py   the functions of a written file that compute
    copying.py   copies functions out of handgrad's source
    file.py      writes the file
"""

from handgrad.export.python.file import python_source

__all__ = ["python_source"]
