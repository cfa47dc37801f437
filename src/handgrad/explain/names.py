"""A name for every entry of every quantity: "age → unit 3" in W1, "age at 25 → Adelie" in V."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from handgrad.explain.equations import unit_name
from handgrad.explain.wide import parts_of

if TYPE_CHECKING:
    from handgrad.models.model import Model


class Names:
    """The names of a model's inputs, units and outputs, by layer, and of its wide inputs."""

    def __init__(self, model: Model) -> None:
        units = model.architecture.layer_units
        hidden = [[f"unit {q}" for q in range(1, n + 1)] for n in units[1:-1]]
        self.by_layer = [model.encoder.input_names, *hidden, _outputs(model)]
        self.parts = parts_of(model.encoder)
        self.wide = [name for part in self.parts for name in part.names]
        last = len(units) - 1
        self.places = {"x": 0, "h0": 0, "s": 0, "score": last, "y": last}
        for layer in range(1, last):
            self.places |= {unit_name(kind, layer, model.architecture): layer for kind in "rh"}

    @property
    def spoken(self) -> Names:
        """The same names for sums, where a class named 1 is "class 1", not the number 1."""
        spoken = copy(self)
        spoken.by_layer = [*self.by_layer[:-1], list(map(_spoken, self.by_layer[-1]))]
        return spoken

    def of(self, name: str, shape: tuple[int, ...]) -> list[str]:
        """Name every entry of a quantity, in the order of its flat array."""
        if not shape:
            return [name]
        bare = name.removesuffix("_new").removeprefix("d")
        if bare == "V":
            return [f"{start} → {end}" for start in self.wide for end in self.by_layer[-1]]
        if bare[0] not in "Wb":
            return self.by_layer[self.places[bare]]
        layer = int(bare[1:])
        into = self.by_layer[layer]
        if bare[0] == "b":
            return into
        return [f"{start} → {end}" for start in self.by_layer[layer - 1] for end in into]


def _spoken(output: str) -> str:
    return output if any(map(str.isalpha, output)) else f"class {output}"


def _outputs(model: Model) -> list[str]:
    n, labels = model.architecture.layer_units[-1], [str(label) for label in model.classes.tolist()]
    if not labels:
        return (
            [model.target or "the prediction"] if n == 1 else [f"output {k + 1}" for k in range(n)]
        )
    return [labels[1]] if n == 1 else labels
