"""What a quantity is computed from: [x] @ [W1] + [b1] = [r], each with its numbers.

An equation's parts are read off its line of NumPy, so that this file names no equation, output or
activation. A factor in brackets, and what a function is applied to, are one operand with a value
of its own: the line "dr = dh * (r > 0)" has the operands "dh" and "r > 0".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from handgrad.explain.equations import Equation
    from handgrad.explain.trace import Trace
    from handgrad.output import Link

Array = NDArray[Any]

SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.MatMult: "@", ast.Div: "/"}
READ = {"*": "×", "@": "·", "sum": "∑"}
SUMS = (ast.Add, ast.Sub)
SHORTER = {  # what the lines write out, as a reader says it
    "np.": "",
    "scipy.stats.": "",
    "eye(N_y)[y_t]": "one-hot y_t",
    "[arange(n), y_t]": "[y_t]",
    "[:, None]": "",
    ", keepdims=True": "",
    "(axis=1)": "()",
    "y[0]": "y",
}


class Operand(NamedTuple):
    """A part of an equation that has numbers."""

    name: str  # as in "W1", "h.T", "one-hot y_t"
    value: Array

    @property
    def numbers(self) -> Array:
        """The value, with 1 for what holds and 0 for what does not."""
        return self.value.astype(np.float64) if self.value.dtype == np.bool_ else self.value


Part = str | Operand


class Named(NamedTuple):
    """An operand before its numbers are known."""

    name: str
    code: Any  # compiled


def operands(t: Trace, equation: Equation) -> list[Part]:
    """Take an equation of a trace apart.

    Parameters
    ----------
    t : Trace
    equation : Equation

    Returns
    -------
    list of str or Operand
        In the order of the line: operands, signs (``+ - * @ / ( ) ,``), numbers, and the names of
        functions, where "sum" is over the rows and "mean" over all. Empty if an operand is not
        finite though the quantity is, since the lines do without the care that a network takes.
    """
    parts = _taken_apart(equation.line, t.namespace())
    is_sound = all(np.isfinite(part.value).all() for part in parts if isinstance(part, Operand))
    return parts if is_sound or not np.isfinite(t[equation.name]).all() else []


class Laid(NamedTuple):
    """An array with the signs and single numbers before and after it: "- 0.1 ×", dW1, ""."""

    before: str
    operand: Operand
    after: str

    @property
    def head(self) -> str:
        is_close = self.after.startswith(")") or not self.after
        return _joined([self.before, f"{self.operand.name}{'' if is_close else ' '}{self.after}"])


def laid_out(parts: list[Part]) -> list[Laid]:
    """Put the parts of an equation in lines, one for each array."""
    found: list[Laid] = []
    before: list[str] = []
    for part in parts:
        if isinstance(part, Operand) and part.value.ndim:
            found.append(Laid(_joined(before), part, ""))
            before = []
        elif part == ")" and found and not before:
            found[-1] = found[-1]._replace(after=f"{found[-1].after})")
        else:
            before.append(_read(part))
    if found and before:
        found[-1] = found[-1]._replace(after=_joined([found[-1].after, *before]))
    return found


def _read(part: Part) -> str:
    if isinstance(part, Operand):
        return f"{float(part.value):.4g}"
    return READ.get(part, part)


def _joined(texts: list[str]) -> str:
    text = " ".join(filter(None, texts))
    return re.sub(r" (?=[,)])", "", re.sub(r"(?<=[a-z∑]) \(", "(", text)).replace("( ", "(")


class Linked(NamedTuple):
    """A derivative between the loss and the scores, with its numbers and operands."""

    link: Link
    value: Array
    operands: list[Part]


def chain(t: Trace) -> list[Linked]:
    """Give the derivatives that an output's slope is the product of, for a trace of one row.

    There are none where the slope is no product, without a truth, or with a weight of the row.
    """
    if t.n != 1 or t.y_t is None or t.weight is not None:
        return []
    found, known = [], t.namespace()
    for link in t.architecture.head.chain(t.architecture.loss):
        parts = _taken_apart(link.line, known)
        with np.errstate(all="ignore"):
            known[link.name] = np.asarray(eval(link.line.split(" = ", 1)[1], known))
        found.append(Linked(link, known[link.name], parts))
    return found


@np.errstate(all="ignore")
def _taken_apart(line: str, known: dict[str, Any]) -> list[Part]:
    return [_valued(part, known) for part in named_parts(line)]


@cache
def named_parts(line: str) -> list[str | Named]:
    """Take a line apart, without numbers."""
    tree = ast.parse(line.split(" = ", 1)[1], mode="eval").body
    if isinstance(tree, ast.Call) and not _is_over_rows(tree):
        return list(_applied(tree))
    return list(_parts(tree))


def _valued(part: str | Named, known: dict[str, Any]) -> Part:
    if isinstance(part, str):
        return part
    return Operand(part.name, np.asarray(eval(part.code, known)))


def _parts(node: ast.expr) -> Iterator[str | Named]:
    if isinstance(node, ast.BinOp) and type(node.op) in SIGNS:
        yield from _sides(node)
    elif isinstance(node, ast.Call) and _is_over_rows(node):
        yield from _over_rows(node)
    else:
        yield _one(node)


def _sides(node: ast.BinOp) -> Iterator[str | Named]:
    is_product = type(node.op) not in SUMS
    in_brackets = is_product and isinstance(node.left, ast.BinOp) and type(node.left.op) in SUMS
    yield from (["("] if in_brackets else [])
    yield from _parts(node.left)
    yield from ([")"] if in_brackets else [])
    yield SIGNS[type(node.op)]
    right = node.right
    stays_whole = is_product or (isinstance(node.op, ast.Sub) and _is_sum(right))
    yield from [_one(right)] if stays_whole else _parts(right)


def _is_sum(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and type(node.op) in SUMS


def _is_over_rows(call: ast.Call) -> bool:
    """Tell whether a call sums or averages over the rows: v.sum(axis=0), np.mean(v)."""
    text = ast.unparse(call)
    return text.endswith(".sum(axis=0)") or text.startswith("np.mean(")


def _over_rows(call: ast.Call) -> Iterator[str | Named]:
    assert isinstance(call.func, ast.Attribute)
    yield from [call.func.attr, "("]
    yield from _parts(call.args[0] if call.args else call.func.value)
    yield ")"


def _applied(call: ast.Call) -> Iterator[str | Named]:
    yield from [_shorter(ast.unparse(call.func)), "("]
    for place, argument in enumerate(call.args):
        yield from [","] if place else []
        yield _one(argument)
    yield ")"


def _one(node: ast.expr) -> str | Named:
    """Take a node as one number or one operand."""
    text = ast.unparse(node)
    if isinstance(node, ast.Constant):
        return text
    return Named(_shorter(text), compile(ast.Expression(node), "<equation>", "eval"))


def _shorter(text: str) -> str:
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    return text
