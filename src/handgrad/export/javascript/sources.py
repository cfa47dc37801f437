"""The pieces of JavaScript that lie beside this file, and those that a script needs.

A piece is a function or a constant with the comment above it; blank lines divide the pieces.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from handgrad.activations import Activation
from handgrad.export.javascript.bending import bend_source
from handgrad.export.layout import wrapped

FILES = ("forward", "erfc", "notation", "dates", "reading", "prepare", "finish")

BLANKS = r"\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # of Python
BLANKS_OF_ASCII = r"\t-\r "

_NAME = re.compile(r"^(?:function|const) (\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)


def activations(bends: Iterable[Activation]) -> dict[str, str]:
    """Write activations as pieces, by the names of their functions."""
    return {bend.forward.__name__: bend_source(bend) for bend in bends}


def needed(text: str, more: Mapping[str, str]) -> str:
    """Give the pieces that a text names, and all those that they name.

    Parameters
    ----------
    text : str
        JavaScript.
    more : mapping of str to str
        Further pieces by their names.
    """
    known = {**more, **_pieces()}
    found: dict[str, None] = {}
    names = _names_in(text)
    while names:
        name = names.pop(0)
        if name in known and name not in found:
            found[name] = None
            names += _names_in(known[name])
    return "\n\n".join(piece for name, piece in known.items() if name in found)


def _names_in(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", _COMMENT.sub("", text))


@cache
def _pieces() -> dict[str, str]:
    """Read all pieces, by the name of what they declare."""
    folder = files("handgrad") / "export" / "javascript"
    texts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in FILES]
    pieces = [piece.strip() for text in texts for piece in text.split("\n\n")]
    return {found[1]: piece for piece in pieces if (found := _NAME.search(piece))}


# ------------------------------------------------------------------ values


def literal(value: Any) -> str:
    """Write a text, number, boolean or None; texts hold no markup and end no comment."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        for sign in "<\u2028\u2029\x7f":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        return text.replace("*/", "*\\/")
    return json.dumps(value)


def array(before: str, values: Iterable[Any], after: str = "]") -> str:
    """Write values behind "[", broken into lines where there are many."""
    return wrapped(f"{before}[", map(literal, values), after)


def typed(values: Any, indent: str = "") -> str:
    """Write numbers as an array of float32 or float64."""
    name = f"Float{8 * values.dtype.itemsize}Array"
    return wrapped(f"{indent}new {name}([", map(digits, values.ravel()), "])").lstrip()


def digits(value: Any) -> str:
    """Write a number with the fewest digits that give it back, read in double precision."""
    text = str(value) if value.dtype == np.float32 else repr(float(value))
    text = text if value.dtype.type(float(text)) == value else repr(float(value))
    return text.removesuffix(".0")


def pattern(source: str, blanks: str = BLANKS, *, whole: bool = False, flags: str = "") -> str:
    r"""Write a pattern of Python as one of JavaScript.

    Parameters
    ----------
    source : str
        It may name groups, refer to them, and use ``\s``.
    blanks : str
        What ``\s`` stands for, within brackets.
    whole : bool
        Whether it must match the whole text.
    flags : str
        Flags of JavaScript.
    """
    text = source.replace("(?P<", "(?<")
    text = re.sub(r"\(\?P=(\w+)\)", r"\\k<\1>", text)
    text = re.sub(r"\[(?:\\.|[^\]])*\]|\\s", lambda found: _with_blanks(found[0], blanks), text)
    text = text.replace("/", "\\/")
    return f"/^(?:{text})$/{flags}" if whole else f"/{text}/{flags}"


def _with_blanks(text: str, blanks: str) -> str:
    return f"[{blanks}]" if text == r"\s" else text.replace(r"\s", blanks)
