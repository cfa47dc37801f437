"""One number of each equation, worked out in full: "unit 3: 0.12 + 1.2 x 0.75 (age) = 1.02"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from handgrad.explain.equations import unit_name
from handgrad.explain.wide import skipped
from handgrad.outputs import MOST_TERMS

if TYPE_CHECKING:
    from handgrad.explain.equations import Equation
    from handgrad.explain.names import Names
    from handgrad.explain.trace import Trace


def spelled(t: Trace, equation: Equation, names: Names, at: int) -> str:
    """Work out entry ``at`` of the quantity of an equation, for a trace of one row."""
    number, name, value = equation.number, equation.name, t[equation.name]
    label = names.of(name, value.shape)[at]
    result = _number(value.ravel()[at])
    if name == "h0":
        return f"{label}: {_number(t['x'][0, at])} × {_number(t['s'][at])} = {result}"
    if number == 3:
        return f"{label}: {_product(t, name, names, at)}{_skip(t, names, at)} = {result}"
    if number == 1:
        return f"{label}: {_product(t, name, names, at)} = {result}"
    if number in (2, 10):
        return f"{label}: {_activation(t, name, at)} {result}"
    if number == 4:
        return f"{label}: {t.architecture.head.spelled_prediction(t['score'][0], at)} = {result}"
    if number == 5:
        return _loss(t)
    if number == 6:
        return _slope(t, label, at)
    if number in (7, 11, 14):
        start, end = np.unravel_index(at, value.shape)
        h, d = equation.line.split(" = ")[1].split(" @ ")
        factors = t[h.removesuffix(".T")][0, start], t[d][0, end]
        return f"{label}: {_number(factors[0])} × {_number(factors[1])} = {result}"
    if number == 9:
        return f"{label}: {_back(t, equation, names, at)} = {result}"
    if number == 15:
        return f"{label}: {_number(t['x'][0, at])} × {_number(t['dh0'][0, at])} = {result}"
    if number == 13:
        bare = name.removesuffix("_new")
        old, slope = t[bare].ravel()[at], t[f"d{bare}"].ravel()[at]
        return f"{label}: {_number(old)} - {t.lr:g} × {_number(slope)} = {result}"
    return ""


def _number(value: float) -> str:
    return f"{value:.4g}"


def _sum(terms: Iterator[tuple[float, str]], first: str = "") -> str:
    """Write a sum out: its largest terms, and the sum of the others."""
    ordered = sorted(terms, key=lambda term: -abs(term[0]))
    ordered = [term for term in ordered if term[0]] or ordered[:1]
    written = [first] if first else []
    shown = ordered if len(ordered) <= MOST_TERMS + 1 else ordered[:MOST_TERMS]
    written += [term for _, term in shown]
    rest = [value for value, _ in ordered[len(shown) :]]
    if rest:
        written.append(f"{_number(sum(rest))} ({len(rest):,} smaller terms)")
    return " + ".join(written)


def _product(t: Trace, name: str, names: Names, at: int) -> str:
    layer = names.places[name]
    below = t[unit_name("h", layer - 1, t.architecture)][0]
    W, b, labels = t[f"W{layer}"][:, at], t[f"b{layer}"][at], names.by_layer[layer - 1]
    terms = (
        (float(v * w), f"{_number(v)} × {_number(w)} ({label})")
        for v, w, label in zip(below, W, labels, strict=True)
    )
    return _sum(terms, f"{_number(b)} (bias)")


def _skip(t: Trace, names: Names, at: int) -> str:
    """Write out what the columns of a skip add to a score; "" without a skip."""
    columns = skipped(t, names.parts)
    terms = ((one.adds[at], f"{_number(one.adds[at])} (skip: {one.column})") for one in columns)
    return f" + {_sum(terms)}" if columns else ""


def _activation(t: Trace, name: str, at: int) -> str:
    if name.startswith("d"):
        r = name.removeprefix("d")
        dh = f"dh{r.removeprefix('r')}"
        return f"{dh} = {_number(t[dh][0, at])} at {r} = {_number(t[r][0, at])} gives {name} ="
    r = name.replace("h", "r")
    return f"{r} = {_number(t[r][0, at])} gives {name} ="


def _loss(t: Trace) -> str:
    if t.is_smoothed:
        return ""
    written = t.architecture.head.spelled_loss(t["y"][0], t.truth[0])
    return f"{written} = {_number(float(t['L']))}" if written else ""


def _slope(t: Trace, label: str, at: int) -> str:
    y, result = t["y"][0, at], _number(t["dscore"][0, at])
    if t.is_smoothed or not t.architecture.head.slope_is_difference:
        return ""
    is_class = t.truth.ndim == 1
    truth = float(t.truth[0] == at) if is_class else float(t.truth[0, at])
    return f"{label}: {_number(y)} - {_number(truth)} = {result}"


def _back(t: Trace, equation: Equation, names: Names, at: int) -> str:
    layer = names.places[equation.name.removeprefix("d")] + 1
    above = t[equation.line.split(" = ")[1].split(" @ ")[0]][0]
    terms = (
        (float(d * w), f"{_number(d)} × {_number(w)} ({label})")
        for d, w, label in zip(above, t[f"W{layer}"][at], names.by_layer[layer], strict=True)
    )
    return _sum(terms)
