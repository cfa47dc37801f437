"""The equations with one row's own numbers: an Explanation, which a terminal or a page shows.

Arrays too wide to show are cut to their largest entries; the number left out is given. Units are
numbered from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.explain.equations import parameter_names, unit_name
from handgrad.explain.inputs import columns_of
from handgrad.explain.largest import largest_entries, remainder_text
from handgrad.explain.names import Names
from handgrad.explain.operands import laid_out, operands
from handgrad.explain.printed import change, four_digits
from handgrad.explain.spelled import spelled
from handgrad.explain.trace import network_words, trace
from handgrad.explain.wide import in_order, skipped
from handgrad.network import check_finite

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.explain.equations import Equation
    from handgrad.explain.inputs import Column
    from handgrad.explain.operands import Laid
    from handgrad.explain.trace import Trace
    from handgrad.explain.wide import Skipped
    from handgrad.models.model import Model
    from handgrad.tables.encode import Encoded

Array = NDArray[Any]

SECTIONS = {
    "Forward": (1, 2, 3, 4),
    "The loss": (5,),
    "Backward": (*range(6, 13), 14, 15),
    "The step": (13,),
}


class Entry(NamedTuple):
    label: str
    value: float


class Step(NamedTuple):
    """One equation with the row's numbers."""

    equation: Equation
    shape: tuple[int, ...]
    entries: list[Entry]
    more: str  # on the entries that are not shown, or ""
    note: str  # a comment on these numbers, or ""
    example: str  # one of them worked out, or ""
    operands: list[Laid]  # what they are computed from


@dataclass(frozen=True, eq=False)
class Explanation:
    """A row's way through the network and back.

    Attributes
    ----------
    title : str
    facts : list of (str, str)
        The network, the prediction, the truth.
    notes : list of str
        The parts of the model that the equations do not show.
    columns : list of Column
        How the cells became the inputs.
    steps : list of Step
    trace : Trace
        All numbers, none left out.
    input_names : list of str
    skipped : list of Skipped
        What each column adds to the scores by a skip; none without one.
    output_names : list of str
    """

    title: str
    facts: list[tuple[str, str]]
    notes: list[str]
    columns: list[Column]
    steps: list[Step]
    trace: Trace
    input_names: list[str]
    skipped: list[Skipped]
    output_names: list[str]

    def sections(self) -> list[tuple[str, list[Step]]]:
        """Group the steps under the headings of the article."""
        grouped = [
            (title, [step for step in self.steps if step.equation.number in numbers])
            for title, numbers in SECTIONS.items()
        ]
        return [(title, steps) for title, steps in grouped if steps]


def explain(
    model: Model,
    row: pa.Table | Array,
    y_t: Array | None = None,
    *,
    title: str = "a row",
    truth: str = "",
    lr: float = 0.1,
    encoded: Encoded | None = None,
) -> Explanation:
    """Follow one row through a model.

    Parameters
    ----------
    model : Model
    row : pyarrow.Table of one row, or array of shape (1, n_columns)
    y_t : array, optional
        The truth as the network sees it: a class number, shape (1,), or targets, shape (1, N_y).
        Without it the explanation ends with the prediction.
    title : str
        A name for the row.
    truth : str
        The truth in words.
    lr : float
        Length of the step (13).
    encoded : Encoded, optional
        The row as inputs, if it has been encoded already.

    Returns
    -------
    Explanation

    Raises
    ------
    DataError
        If a column is missing or a cell cannot be used.
    """
    encoded = model.encode(row) if encoded is None else encoded
    x = encoded.x
    t = trace(model.architecture, model.params, x, y_t, lr=lr)
    check_finite(t["score"], [model.params])
    names = Names(model)
    steps = [_step(t, equation, names) for equation in t.equations]
    facts = [
        ("network", network_words(model.architecture, model.params.flat.dtype)),
        ("predicted", _predicted(model, encoded, names)),
    ]
    if y_t is not None:
        facts += [("true", truth), ("loss", f"{float(t['L']):.4g}")]
    return Explanation(
        title,
        facts,
        _notes(model),
        columns_of(model.encoder, row, x[0]),
        steps,
        t,
        names.by_layer[0],
        in_order(skipped(t, names.parts), model.encoder),
        names.by_layer[-1],
    )


def _predicted(model: Model, row: Encoded, names: Names) -> str:
    """Write the prediction of the whole model: all its networks, in the target's own scale."""
    outputs = names.by_layer[-1]
    if not len(model.classes):
        found = model.predict_numbers(row)[0].tolist()
        return ", ".join(f"{name} = {x:.6g}" for name, x in zip(outputs, found, strict=True))
    shares = model.predict_proba(row)[0]
    if model.is_multilabel:
        yes = [name for name, p in zip(outputs, shares, strict=True) if p > 0.5]
        return ", ".join(yes) or "none of the labels"
    best = int(shares.argmax())
    return f"{model.classes.tolist()[best]}, with a probability of {four_digits(shares[best])}"


def _notes(model: Model) -> list[str]:
    notes = []
    if model.members:
        share = f", with a share of {model.shares[0]:.0%}" if model.shares else ""
        notes.append(
            f"The model averages {len(model.networks)} networks; this is the first of them{share}."
        )
    if model.temperature != 1:
        notes.append(
            f"The model divides its scores by a temperature of {model.temperature:.4g} before it "
            "computes probabilities; these are the network's own."
        )
    if model.bounds is not None:
        notes.append(
            "The model keeps its predictions between the least and the largest number that it saw "
            "in training; the equations do not."
        )
    if model.scale is not None:
        notes.append(
            f"The network learns the target {model.architecture.head.scaled_y}; score, y and the "
            "loss here are in that scale."
        )
    return notes


# -- one equation -------------------------------------------------------------------------------


def _step(t: Trace, equation: Equation, names: Names) -> Step:
    value = t[equation.name]
    shape = value.shape
    flat = value.ravel().tolist()
    labels = names.of(equation.name, shape)
    size = np.abs(value.ravel())
    if equation.number == 13:  # a step shows the entries that moved most
        size = np.abs(value - t[equation.name.removesuffix("_new")]).ravel()
    shown = largest_entries(size)
    entries = [Entry(labels[at], flat[at]) for at in shown]
    more = remainder_text(size, shown, moved=equation.number == 13)
    example = spelled(t, equation, names, int(size.argmax()) if size.size else 0)
    note, parts = _note(t, equation, names), laid_out(operands(t, equation))
    return Step(equation, shape, entries, more, note, example, parts)


def _note(t: Trace, equation: Equation, names: Names) -> str:
    number, value = equation.number, t[equation.name]
    layer = names.places.get(equation.name.removeprefix("d"), 0)
    if number in (2, 10) and ACTIVATIONS[t.architecture.activations[layer - 1]].cuts_off:
        r = t[unit_name("r", layer, t.architecture)]
        cut = int(np.count_nonzero(r <= 0))
        what = "are cut off: their r is not above 0" if number == 2 else "were cut off"
        return f"{cut:,} of {r.size:,} units {what}."
    if number == 5:
        return t.architecture.head.told_of_chance(t.architecture.layer_units[-1])
    if number == 13 and equation.name == f"{parameter_names(t.architecture)[-1]}_new":
        return _fall(t)
    if number in (7, 11, 14) and value.size > 1:
        zeros = int(np.count_nonzero(value == 0))
        if zeros:
            end = "score" if number == 14 else "unit"
            return f"{zeros:,} of {value.size:,} are 0: the input or the {end}'s gradient is 0."
    return ""


def _fall(t: Trace) -> str:
    """Tell the loss before and after the step, and the difference, however small."""
    before, after = float(t["L"]), t.loss_after
    if before == after:
        return f"With lr = {t.lr:g}, the loss of this row stays {before:.4g}."
    first, last, difference = change(before, after)
    return (
        f"With lr = {t.lr:g}, the loss of this row goes from {first} to {last}, "
        f"a change of {difference}."
    )
