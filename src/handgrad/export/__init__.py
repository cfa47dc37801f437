"""Models written in other languages, with all that comes before and after the network."""

from handgrad.export.python import python_source, to_python

__all__ = ["python_source", "to_python"]
