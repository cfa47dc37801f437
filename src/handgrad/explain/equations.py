r"""Equations (1) to (15) for any network: in words, in symbols, and as one line of NumPy each.

For reading, not for computing: the numbers come from ``network.py``. A test runs every line on
the numbers of a trace and finds them equal to rounding. The lines are those of the derivation,
without the care that ``losses.py`` takes of overflow. A network with one hidden layer has the
article's names r, h, dh, dr; with several they are numbered r1, h1, r2, ...; and t in a formula
is y_t, the truth. With a scale of the inputs, h0 = x s stands in the place of x. The formulas are
in the small language of ``formula.py``.
"""

import re
from typing import NamedTuple

from handgrad.activations import ACTIVATIONS
from handgrad.network import Architecture


class Equation(NamedTuple):
    """The equation of one quantity."""

    number: int  # 1 to 15
    name: str  # of the quantity that it computes, as in "dW2"
    formula: str
    line: str
    words: str


def equations(
    architecture: Architecture, *, weighted: bool = False, l2: float = 0.0
) -> list[Equation]:
    """List the equations of every quantity of a pass, in the order of computing.

    Parameters
    ----------
    architecture : Architecture
    weighted : bool
        Whether the rows have weights.
    l2 : float
        Strength of the penalty; if it is 0, no line mentions it.
    """
    last = len(architecture.layer_units) - 1
    steps = [_scaled()] if architecture.scales else []
    for layer in range(1, last):
        steps += _hidden(architecture, layer)
    steps += _output(architecture, weighted=weighted, l2=l2)
    for layer in range(last, 0, -1):
        steps += _back(architecture, layer, l2=l2)
    return steps + [_update(name) for name in parameter_names(architecture)]


def parameter_names(architecture: Architecture) -> list[str]:
    """Name the parameters in the order of the flat vector: W1, b1, ..., V, s."""
    layers = range(1, len(architecture.layer_units))
    return [f"{kind}{layer}" for layer in layers for kind in "Wb"] + names_beside(architecture)


def names_beside(architecture: Architecture) -> list[str]:
    """Name the parameters that are in no layer: V with a skip, s with a scale of the inputs."""
    return [*(["V"] if architecture.skip else []), *(["s"] if architecture.scales else [])]


def unit_name(name: str, layer: int, architecture: Architecture) -> str:
    """Name a quantity of a hidden layer: r with one such layer, r1 and r2 with several.

    Below them stands x; with a scale of the inputs, h0 and dh0.
    """
    if layer == 0:
        return f"{name}0" if architecture.scales else "x"
    return name if len(architecture.layer_units) == 3 else f"{name}{layer}"


def _scaled() -> Equation:
    words = "Each input is multiplied by a scale of its own, which is learnt."
    return Equation(1, "h0", r"h0 = x \odot s", "h0 = x * s", words)


def _hidden(architecture: Architecture, layer: int) -> list[Equation]:
    below = unit_name("h", layer - 1, architecture)
    r, h = (unit_name(name, layer, architecture) for name in "rh")
    text = ACTIVATIONS[architecture.activations[layer - 1]].text
    what = "inputs" if layer == 1 else f"units of layer {layer - 1}"
    return [
        Equation(
            1,
            r,
            f"{r} = {below} W{layer} + b{layer}",
            f"{r} = {below} @ W{layer} + b{layer}",
            f"Each hidden unit weighs the {what} and adds its bias.",
        ),
        Equation(2, h, _renamed(text.formula, r=r, h=h), _renamed(text.line, r=r, h=h), text.words),
    ]


def _output(architecture: Architecture, *, weighted: bool, l2: float) -> list[Equation]:
    last = len(architecture.layer_units) - 1
    h = unit_name("h", last - 1, architecture)
    head = architecture.head.told(architecture.loss)
    what = "inputs" if last == 1 else "hidden units" if last == 2 else f"units of layer {last - 1}"
    weight, times = (r"w_i ", "weight * ") if weighted else ("", "")
    rows = f"{times}({head.loss_line})" if weighted else head.loss_line
    L = rf"L = {head.sign}\frac{{1}}{{n}} \sum_i {weight}{head.loss_formula}"
    L_line = f"L = np.mean({rows})"
    if l2:
        names = [name for name in parameter_names(architecture) if name[0] != "b"]
        all_weights = " + ".join(f"|{name}|^2" for name in names)
        L += rf" + \frac{{l2}}{{2}} ({all_weights})"
        squares = " + ".join(f"({name} ** 2).sum()" for name in names)
        L_line += f" + l2 / 2 * ({squares})"
    of_row = f"{weight}({head.slope_formula})" if weighted else head.slope_formula
    slope = rf"dscore = \frac{{{of_row}}}{{n}}"
    slope_line = f"dscore = ({head.slope_line}) / n" + (" * weight[:, None]" if weighted else "")
    score_words = f"Each output weighs the {what} and adds its bias"
    skip, skip_line = (" + w V", " + w @ V") if architecture.skip else ("", "")
    score_words += "; the skip adds what the wide inputs weigh." if skip else "."
    return [
        Equation(
            3,
            "score",
            f"score = {h} W{last} + b{last}{skip}",
            f"score = {h} @ W{last} + b{last}{skip_line}",
            score_words,
        ),
        Equation(4, "y", head.formula, head.line, head.words),
        Equation(5, "L", L, L_line, f"{head.loss_words} L is the mean over the rows."),
        Equation(6, "dscore", slope, slope_line, head.slope_words),
    ]


def _back(architecture: Architecture, layer: int, *, l2: float) -> list[Equation]:
    last = len(architecture.layer_units) - 1
    is_last = layer == last
    h = unit_name("h", layer - 1, architecture)
    d = "dscore" if is_last else unit_name("dr", layer, architecture)
    shrink, shrink_line = _shrink(f"W{layer}", l2)
    steps = [
        Equation(
            7 if is_last else 11,
            f"dW{layer}",
            f"dW{layer} = {h}^T {d}{shrink}",
            f"dW{layer} = {h}.T @ {d}{shrink_line}",
            "A weight's gradient: its input times the gradient of the unit that it leads to.",
        ),
        Equation(
            8 if is_last else 12,
            f"db{layer}",
            rf"db{layer} = \sum_i {d}_i",
            f"db{layer} = {d}.sum(axis=0)",
            "A bias is added to every row, so its gradient is the sum over the rows.",
        ),
    ]
    if is_last and architecture.skip:
        steps.append(_skipped(l2))
    if layer > 1:
        return [*steps, _carried(h, d, layer), _bent(architecture, layer - 1)]
    return [*steps, _carried(h, d, layer), _scale(l2)] if architecture.scales else steps


def _shrink(name: str, l2: float) -> tuple[str, str]:
    return (f" + l2 {name}", f" + l2 * {name}") if l2 else ("", "")


def _skipped(l2: float) -> Equation:
    shrink, shrink_line = _shrink("V", l2)
    return Equation(
        14,
        "dV",
        f"dV = w^T dscore{shrink}",
        f"dV = w.T @ dscore{shrink_line}",
        "A weight of the skip: its wide input times the gradient of the score that it leads to.",
    )


def _carried(h: str, d: str, layer: int) -> Equation:
    return Equation(
        9,
        f"d{h}",
        f"d{h} = {d} W{layer}^T",
        f"d{h} = {d} @ W{layer}.T",
        "The same weights carry the gradients of the next layer back to each "
        + ("unit." if layer > 1 else "input."),
    )


def _bent(architecture: Architecture, layer: int) -> Equation:
    text = ACTIVATIONS[architecture.activations[layer - 1]].text
    r, h = (unit_name(name, layer, architecture) for name in "rh")
    names = {"r": r, "h": h, "dr": f"d{r}", "dh": f"d{h}"}
    return Equation(
        10,
        f"d{r}",
        _renamed(text.back_formula, **names),
        _renamed(text.back_line, **names),
        text.back_words,
    )


def _scale(l2: float) -> Equation:
    shrink, shrink_line = _shrink("s", l2)
    return Equation(
        15,
        "ds",
        rf"ds = \sum_i x_i \odot dh0_i{shrink}",
        f"ds = (x * dh0).sum(axis=0){shrink_line}",
        "A scale multiplies its input in every row: the input times its gradient, summed over "
        "the rows.",
    )


def _update(name: str) -> Equation:
    return Equation(
        13,
        f"{name}_new",
        rf"{name} \gets {name} - lr \cdot d{name}",
        f"{name}_new = {name} - lr * d{name}",
        "A step against the gradient, so that the loss falls; lr is its length.",
    )


def _renamed(source: str, **names: str) -> str:
    return re.sub(r"\b(r|h|dr|dh)\b", lambda found: names.get(found[0], found[0]), source)
