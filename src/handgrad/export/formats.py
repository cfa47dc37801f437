"""The forms in which a model is written: the one list, which estimators and commands ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad.atomic_file import write_atomically
from handgrad.export.c.header import c_source
from handgrad.export.javascript.module import javascript_source
from handgrad.export.onnx.model import onnx_bytes
from handgrad.export.python.file import python_source

if TYPE_CHECKING:
    from os import PathLike

    from handgrad.models.model import Model


class Format(NamedTuple):
    """A form in which a model is written."""

    content: Callable[..., bytes]  # of a model, with the settings of the form
    told: str  # what it is, for help, after its name and "is"
    options: tuple[str, ...] = ()  # of the command line, which are for this form
    is_text: bool = True  # whether a terminal can show it


FORMATS = {
    "python": Format(
        lambda model: python_source(model).encode(), "one file that needs NumPy alone"
    ),
    "javascript": Format(
        lambda model: javascript_source(model).encode(),
        "one ES module that needs no package, for browsers and Node",
    ),
    "onnx": Format(onnx_bytes, "a graph for onnxruntime and its like", is_text=False),
    "c": Format(
        lambda model, **settings: c_source(model, **settings).encode(),
        "one header of C99 that allocates nothing, for microcontrollers",
        ("name", "dtype", "int8"),
    ),
}


def written(model: Model, form: str, **settings: Any) -> bytes:
    """Write a model in one of the ``FORMATS``.

    Raises
    ------
    DataError
        If the model cannot be written so; the message says why.
    """
    return FORMATS[form].content(model, **settings)


def write(model: Model, form: str, path: str | PathLike[str], **settings: Any) -> None:
    """Write a model into a file; one that stood there before is replaced as a whole.

    Raises
    ------
    DataError
        If the model cannot be written so; the message says why.
    OSError
        If the file cannot be written; a file that stood there before is left as it was.
    """
    write_atomically(path, written(model, form, **settings))
