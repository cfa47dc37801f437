"""One number of each equation, worked out in full: "unit 3: 0.12 + 1.2 × 0.75 (age) = 1.02".

With the digits that are printed, every calculation is true: see ``printed.py``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.explain.equations import unit_name
from handgrad.explain.printed import DIGITS, printed
from handgrad.explain.wide import skipped
from handgrad.output import Spelled, written
from handgrad.outputs import MOST_TERMS, beside_one

if TYPE_CHECKING:
    from handgrad.explain.equations import Equation
    from handgrad.explain.names import Names
    from handgrad.explain.printed import Calculation
    from handgrad.explain.trace import Trace

Array = NDArray[Any]


class Term(NamedTuple):
    """A product in a sum, or a number alone, and its origin."""

    factors: tuple[float, ...]
    label: str

    @property
    def value(self) -> float:
        return math.prod(map(float, self.factors))


def spelled(t: Trace, equation: Equation, names: Names, at: int) -> str:
    """Work out entry ``at`` of the quantity of an equation, for a trace of one row."""
    names = names.spoken
    value = t[equation.name]
    if equation.number == 13:
        told = _stepped(t, equation.name.removesuffix("_new"), at)
    elif calculation := _calculation(t, equation, names, at):
        told = str(printed(calculation, value.ravel()[at], str(value.dtype)))
    else:
        return ""
    label = names.of(equation.name, value.shape)[at]
    return told if equation.number == 5 else f"{label}: {told}"


def _calculation(t: Trace, equation: Equation, names: Names, at: int) -> Calculation | None:
    number, name = equation.number, equation.name
    if name == "h0":
        return _product(t["x"][0, at], t["s"][at])
    if number in (1, 3):
        return _unit(t, name, names, at)
    if number in (2, 10):
        return _activation(t, name, names, at)
    if number == 4:
        return lambda digits: t.architecture.head.spelled_prediction(t["score"][0], at, digits)
    if number == 5:
        return _loss(t)
    if number == 6:
        return _slope(t, at)
    if number in (7, 11, 14):
        start, end = np.unravel_index(at, t[name].shape)
        h, d = equation.line.split(" = ")[1].split(" @ ")
        return _product(t[h.removesuffix(".T")][0, start], t[d][0, end])
    if number == 9:
        return _back(t, equation, names, at)
    if number == 15:
        return _product(t["x"][0, at], t["dh0"][0, at])
    return None


def _product(*factors: float) -> Calculation:
    def calculation(digits: int) -> Spelled:
        shown = [written(factor, digits) for factor in factors]
        return Spelled(" × ".join(one.text for one in shown), math.prod(one.value for one in shown))

    return calculation


def _sum(terms: list[Term]) -> Calculation:
    """Write a sum out: the largest of many terms, and the sum of the others."""
    if len(terms) > MOST_TERMS + 1:
        terms = [term for term in terms if term.value] or terms[:1]
    shown, rest = terms, 0.0
    if len(terms) > MOST_TERMS + 1:
        ordered = sorted(terms, key=lambda term: -abs(term.value))
        shown, others = ordered[:MOST_TERMS], ordered[MOST_TERMS:]
        rest = sum(term.value for term in others)
        shown = [*shown, Term((rest,), f"{len(others):,} smaller terms")]

    def calculation(digits: int) -> Spelled:
        parts = [_product(*term.factors)(digits) for term in shown]
        texts = [f"{part.text} ({term.label})" for part, term in zip(parts, shown, strict=True)]
        return Spelled(" + ".join(texts), sum(part.value for part in parts))

    return calculation


def _unit(t: Trace, name: str, names: Names, at: int) -> Calculation:
    """Work out what enters a unit: its bias, what it weighs, and for a score what a skip adds."""
    layer = names.places[name]
    below = t[unit_name("h", layer - 1, t.architecture)][0]
    W, labels = t[f"W{layer}"][:, at], names.by_layer[layer - 1]
    weighed = _sum([Term((v, w), label) for v, w, label in zip(below, W, labels, strict=True)])
    sums = [_sum([Term((t[f"b{layer}"][at],), "bias")]), weighed, *_skip(t, name, names, at)]

    def calculation(digits: int) -> Spelled:
        parts = [one(digits) for one in sums]
        return Spelled(" + ".join(part.text for part in parts), sum(part.value for part in parts))

    return calculation


def _skip(t: Trace, name: str, names: Names, at: int) -> list[Calculation]:
    """Work out what the columns of a skip add to a score; nothing without a skip."""
    columns = skipped(t, names.parts) if name == "score" else []
    terms = [Term((one.adds[at],), f"skip: {one.column}") for one in columns]
    return [_sum(terms)] if terms else []


def _activation(t: Trace, name: str, names: Names, at: int) -> Calculation:
    r = name.removeprefix("d").replace("h", "r")
    activation = ACTIVATIONS[t.architecture.activations[names.places[r] - 1]]

    def forward(digits: int) -> Spelled:
        own = written(t[r][0, at], digits)
        h = activation.forward(np.array([[own.value]]))
        return Spelled(f"{r} = {own.text} gives {name}", float(h[0, 0]))

    def backward(digits: int) -> Spelled:
        dh = f"dh{r.removeprefix('r')}"
        slope, own = written(t[dh][0, at], digits), written(t[r][0, at], digits)
        inner = np.array([[own.value]])
        d = activation.backward(np.array([[slope.value]]), inner, activation.forward(inner))
        told = f"{dh} = {slope.text} at {r} = {own.text} gives {name}"
        return Spelled(told, float(d[0, 0]))

    return backward if name.startswith("d") else forward


def _loss(t: Trace) -> Calculation | None:
    head, y, truth = t.architecture.head, t["y"][0], t.truth[0]
    if t.is_smoothed or head.spelled_loss(y, truth, DIGITS) is None:
        return None
    return lambda digits: head.spelled_loss(y, truth, digits) or Spelled("", math.nan)


def _slope(t: Trace, at: int) -> Calculation | None:
    if t.is_smoothed or not t.architecture.head.slope_is_difference:
        return None
    is_class = t.truth.ndim == 1
    truth = float(t.truth[0] == at) if is_class else float(t.truth[0, at])

    def calculation(digits: int) -> Spelled:
        y, true = beside_one(t["y"][0, at], digits), written(truth, digits)
        return Spelled(f"{y.text} - {true.text}", y.value - true.value)

    return calculation


def _back(t: Trace, equation: Equation, names: Names, at: int) -> Calculation:
    layer = names.places[equation.name.removeprefix("d")] + 1
    above = t[equation.line.split(" = ")[1].split(" @ ")[0]][0]
    W, labels = t[f"W{layer}"][at], names.by_layer[layer]
    return _sum([Term((d, w), label) for d, w, label in zip(above, W, labels, strict=True)])


def _stepped(t: Trace, bare: str, at: int) -> str:
    """Work out a step; one that is too short to be seen in four digits, by its length."""
    old, new = float(t[bare].ravel()[at]), t[f"{bare}_new"].ravel()[at]
    slope = float(t[f"d{bare}"].ravel()[at])
    shown, rate = written(old, DIGITS).text, written(t.lr, 6)

    def taken(digits: int) -> Spelled:
        of = written(slope, digits)
        return Spelled(f"{rate.text} × {of.text}", rate.value * of.value)

    def step(digits: int) -> Spelled:
        before, (text, length) = written(old, digits), taken(digits)
        return Spelled(f"{before.text} - {text}", before.value - length)

    if slope and shown == written(new, DIGITS).text:
        text, length = printed(taken, rate.value * slope)
        return f"{shown} - {text} = {shown} {f'- {length}'.replace('- -', '+ ')}"
    return str(printed(step, new, str(t[bare].dtype)))
