"""A model taken apart, for those who write it down in another language.

Each part is asked of its owner (the encoder, its plan, the output, the activations), so that all
who write a model agree about what it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.activations import ACTIVATIONS, Activation
from handgrad.errors import DataError
from handgrad.tables.one_cell import codes_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handgrad.models.model import Bounds, Model, TargetScale
    from handgrad.output import Form
    from handgrad.params import Params
    from handgrad.tables.encode import Encoder
    from handgrad.tables.kinds import Column
    from handgrad.tables.levels import Levels

LABELS = (str, bool, int, float)  # of Python, which every language can write


class ColumnParts(NamedTuple):
    """A column that becomes inputs."""

    column: Column  # how its cells are read
    codes: tuple[float, ...]  # numbers that mean a missing cell
    first: int  # the place of its first number among the K; -1 if it has none
    levels: Levels | None  # None if it has no levels
    other: bool  # whether rare levels share an input behind the levels
    place: int  # the place among the columns with levels; -1 if it has none

    @property
    def n_levels(self) -> int:
        """The number of inputs of its levels."""
        return 0 if self.levels is None else len(self.levels) + self.other


class NumberParts(NamedTuple):
    """What becomes of the K numbers, each array of shape (K,)."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    median: NDArray[np.float64]  # in the place of a missing one
    flagged: NDArray[np.bool_]  # whether a missing one has an input
    scaled: NDArray[np.bool_]  # whether a robust scale is used
    is_identity: bool  # untouched, and never missing
    is_robust: bool
    deep: dict[int, Any]  # the edges of the bins of a number, by its place
    wide: dict[int, Any] | None  # the same for a skip; None if a skip takes the inputs themselves


class NetworkParts(NamedTuple):
    """A network, and its share in the mean."""

    params: Params
    bends: tuple[Activation, ...]  # one for each hidden layer


class EndParts(NamedTuple):
    """From scores to predictions."""

    form: Form
    n_scores: int
    n_each: int  # numbers for each target, which ascend
    temperature: float
    shares: tuple[float, ...]  # empty for equal ones
    classes: list[Any]  # empty where numbers are predicted
    several: bool  # whether a row may have several labels
    scale: TargetScale | None
    bounds: Bounds | None
    names: list[str]  # of what is predicted: labels, or numbers


@dataclass(frozen=True)
class Parts:
    """All parts of a model, in the order in which a row passes through them."""

    columns: tuple[ColumnParts, ...]
    takes_arrays: bool
    is_nameless: bool  # whether its columns came in a matrix without names
    is_needed: NDArray[np.bool_]  # of the columns of a matrix
    numbers: NumberParts
    networks: tuple[NetworkParts, ...]
    has_skip: bool
    end: EndParts
    dtype: np.dtype[Any]

    @property
    def missing_words(self) -> list[tuple[str, ...]]:
        """What different columns have as texts for a missing cell, each once."""
        return list(dict.fromkeys(one.column.missing for one in self.columns))

    @property
    def n_parameters(self) -> int:
        """The weights and biases of all networks."""
        return sum(network.params.flat.size for network in self.networks)


def take_apart(model: Model) -> Parts:
    """Take a model apart.

    Raises
    ------
    DataError
        If its classes are neither texts nor numbers nor booleans.
    """
    architectures = map(model.architecture_of, model.networks)
    return Parts(
        tuple(_columns(model.encoder)),
        model.encoder.takes_arrays,
        model.encoder.takes_arrays and model.encoder.plan.is_nameless,
        model.encoder.is_needed,
        _numbers(model.encoder),
        tuple(
            NetworkParts(params, tuple(ACTIVATIONS[name] for name in architecture.activations))
            for params, architecture in zip(model.networks, architectures, strict=True)
        ),
        bool(model.architecture.skip),
        _end(model),
        model.params.flat.dtype,
    )


def _columns(encoder: Encoder) -> list[ColumnParts]:
    plan = encoder.plan
    places = {column.name: place for place, column in enumerate(plan.with_levels)}
    found = []
    for column in plan.used:
        at = places.get(column.name, -1)
        found.append(
            ColumnParts(
                column,
                codes_in(column.missing),
                plan.first_of.get(column.name, -1),
                None if at < 0 else encoder.levels[at],
                at >= 0 and encoder.other[at],
                at,
            )
        )
    return found


def _numbers(encoder: Encoder) -> NumberParts:
    bins = [
        {} if bins is None else dict(zip(bins.binned.tolist(), bins.by_number, strict=True))
        for bins in (encoder.deep, encoder.wide)
    ]
    return NumberParts(
        encoder.mean,
        encoder.scale,
        encoder.median,
        encoder.indicator,
        encoder.plan.scaled,
        encoder.is_identity,
        encoder.is_robust,
        bins[0],
        None if encoder.wide is None else bins[1],
    )


def _end(model: Model) -> EndParts:
    architecture, classes = model.architecture, model.classes.tolist()
    if odd := [label for label in classes if not isinstance(label, LABELS)]:
        raise DataError(
            f"the labels of a written model must be texts, numbers or booleans; {odd[0]!r} is of "
            f"type {type(odd[0]).__name__}: fit the model on texts in their place"
        )
    n_scores = architecture.layer_units[-1]
    return EndParts(
        architecture.head.form(n_scores),
        n_scores,
        architecture.n_each,
        model.temperature,
        model.shares,
        classes,
        model.is_multilabel,
        model.scale,
        model.bounds,
        [str(label) for label in classes] or model.target_names,
    )
