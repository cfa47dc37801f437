"""Activations as functions of JavaScript, from the steps of their own functions of NumPy."""

from __future__ import annotations

from collections import Counter

from handgrad.activations import Activation
from handgrad.errors import DataError
from handgrad.export.tracing import INPUT, Formula, Number, traced

OPERATIONS = {
    "add": "({} + {})",
    "multiply": "({} * {})",
    "divide": "({} / {})",
    "negative": "(-{})",
    "greater": "({} > {})",
    "where": "({} ? {} : {})",
    "maximum": "Math.max({}, {})",
    "exp": "Math.exp({})",
    "expm1": "Math.expm1({})",
    "log1p": "Math.log1p({})",
    "tanh": "Math.tanh({})",
    "erfc": "erfc({})",
}


def bend_source(bend: Activation) -> str:
    """Write the function of one number that an activation is.

    Raises
    ------
    DataError
        If there is no expression for one of its steps.
    """
    name = bend.forward.__name__
    formula = traced(bend.forward)
    if odd := [step.name for step in formula.steps if step.name not in OPERATIONS]:
        raise DataError(
            f"the activation {name!r} uses {odd[0]!r}, for which there is no JavaScript; choose "
            "another activation"
        )
    return f"function {name}(r) {{\n{_body(formula)}\n}}"


def _body(formula: Formula) -> str:
    """Compute what is used several times once, the rest where it is used."""
    uses = Counter(one for step in formula.steps for one in step.operands)
    written: dict[int | Number, str] = {INPUT: "r"}
    lines = []
    for place, (name, operands) in enumerate(formula.steps):
        texts = [
            repr(one.value).removesuffix(".0") if isinstance(one, Number) else written[one]
            for one in operands
        ]
        written[place] = OPERATIONS[name].format(*texts)
        if uses[place] > 1:
            lines.append(f"  const t{place} = {written[place]};")
            written[place] = f"t{place}"
    return "\n".join([*lines, f"  return {written[formula.result]};"])
