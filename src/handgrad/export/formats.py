"""The forms in which a model is written: the one list, which estimators and commands ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from handgrad.atomic_file import write_atomically

if TYPE_CHECKING:
    from os import PathLike

    from handgrad.models.model import Model


class Format(NamedTuple):
    """A form in which a model is written."""

    content: Callable[..., bytes]  # of a model, with the settings of the form
    told: str  # what it is, for help, after its name and "is"
    options: tuple[str, ...] = ()  # of the command line, which are for this form
    is_text: bool = True  # whether a terminal can show it


# Each writer is imported when it writes: the help of the command line needs none of them.


def _python(model: Model) -> bytes:
    from handgrad.export.python import python_source

    return python_source(model).encode()


def _javascript(model: Model) -> bytes:
    from handgrad.export.javascript import javascript_source

    return javascript_source(model).encode()


def _onnx(model: Model) -> bytes:
    from handgrad.export.onnx import onnx_bytes

    return onnx_bytes(model)


def _c(model: Model, **settings: Any) -> bytes:
    from handgrad.export.c import c_source

    return c_source(model, **settings).encode()


FORMATS = {
    "python": Format(_python, "one file that needs NumPy alone"),
    "javascript": Format(_javascript, "one ES module that needs no package, for browsers and Node"),
    "onnx": Format(_onnx, "a graph for onnxruntime and its like", is_text=False),
    "c": Format(
        _c,
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
