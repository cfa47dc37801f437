"""The networks of a written C header, in numbers with a fraction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from handgrad.export.c.functions import bend
from handgrad.export.tracing import Formula, traced

if TYPE_CHECKING:
    from handgrad.export.c.columns import Row
    from handgrad.export.c.words import Tables
    from handgrad.export.parts import NetworkParts, Parts


def of_network(place: int, n: int) -> str:
    """Give the end of the names of a network, from 1: none if it is the only one."""
    return f"_{place}" if n > 1 else ""


class RealLayers:
    """The networks as tables and functions of float or double.

    Parameters
    ----------
    whole : Parts
    row : Row
        Whose inputs they take.
    tables : Tables
        Where weights are added.
    """

    def __init__(self, whole: Parts, row: Row, tables: Tables) -> None:
        self.whole, self.row, self.real = whole, row, tables.real
        self.bends: dict[Formula, str] = {}
        self.functions: list[str] = []
        self.n_buffers = 0  # the bytes of buffers of a network
        for place, network in enumerate(whole.networks, start=1):
            self._add(of_network(place, len(whole.networks)), network, tables)

    def call(self, place: int, score: str) -> str:
        """Write how a network, from 1, gives its scores."""
        own, wide = of_network(place, len(self.whole.networks)), ", u" if self.row.n_wide else ""
        return f"NAME_network{own}(x{wide}, {score});"

    def _add(self, own: str, network: NetworkParts, tables: Tables) -> None:
        params = network.params
        for layer, (W, b) in enumerate(zip(params.W, params.b, strict=True), start=1):
            tables.reals(f"W{layer}{own}", W.T)
            tables.reals(f"b{layer}{own}", b)
        if params.V is not None:
            tables.reals(f"V{own}", params.V)
        if params.s is not None:
            tables.reals(f"s{own}", params.s)
        wide = ", const REAL *u" if self.row.n_wide else ""
        self.functions.append(
            "\n".join(
                [
                    f"static void NAME_network{own}(const REAL *x{wide}, REAL *score)",
                    "{",
                    *(f"    {line}" for line in self._passing(own, network)),
                    "}",
                ]
            )
        )

    def _passing(self, own: str, network: NetworkParts) -> Iterator[str]:
        params, n_x = network.params, self.row.n_inputs
        sizes = [b.size for b in params.b[:-1]]
        buffers = [max(sizes[at::2]) for at in (0, 1) if sizes[at::2]]
        inside = sum(buffers) + (n_x if params.s is not None else 0)
        self.n_buffers = max(self.n_buffers, inside * self.real.n_bytes)
        for at, size in enumerate(buffers):
            yield f"REAL h{at}[{size}];"
        source = "x"
        if params.s is not None:
            source = "scaled"
            yield f"REAL scaled[{n_x}];"
            yield f"for (int i = 0; i < {n_x}; i++)"
            yield f"    scaled[i] = x[i] * NAME_s{own}[i];"
        for layer, (b, activation) in enumerate(
            zip(params.b[:-1], network.bends, strict=True), start=1
        ):
            n, target = params.W[layer - 1].shape[0], f"h{(layer - 1) % 2}"
            yield self._dense(own, layer, source, n, target, b.size)
            name = self._bend(traced(activation.forward))
            if name:
                yield f"for (int j = 0; j < {b.size}; j++)"
                yield f"    {target}[j] = {name}({target}[j]);"
            source = target
        last = len(params.b)
        yield self._dense(own, last, source, params.W[-1].shape[0], "score", params.b[-1].size)
        if params.V is not None:
            yield from self._skip(own, "NAME_CONST REAL", "NAME_add", params.b[-1].size)

    def _dense(self, own: str, layer: int, x: str, n: int, r: str, units: int) -> str:
        return f"NAME_dense(NAME_W{layer}{own}, NAME_b{layer}{own}, {x}, {n}, {r}, {units});"

    def _bend(self, formula: Formula) -> str:
        """Name the function of an activation, and write it once; "" for none."""
        if not formula.steps:
            return ""
        if formula not in self.bends:
            self.bends[formula] = f"NAME_bend_{len(self.bends) + 1}"
            self.functions.append(bend(formula, len(self.bends), self.real))
        return self.bends[formula]

    def _skip(self, own: str, kind: str, add: str, n_scores: int) -> Iterator[str]:
        yield f"{kind} *V = NAME_V{own};"
        n_x, first = self.row.n_inputs, 0
        if self.row.n_wide:
            first = self.row.first_flag
            yield f"for (int i = 0; i < {self.row.n_wide}; i++) {{"
            yield "    for (int t = 0; t <= NAME_wide_bins[i]; t++)"
            yield f"        V = {add}(V, NAME_hat(u[i], t), score, {n_scores});"
            yield "    for (int t = 0; t < NAME_wide_bins[i]; t++)"
            yield f"        V = {add}(V, NAME_step(u[i], t), score, {n_scores});"
            yield "}"
        elif self.whole.numbers.wide is not None:
            first = self.row.first_flag
        yield f"for (int i = {first}; i < {n_x}; i++)"
        yield f"    V = {add}(V, x[i], score, {n_scores});"
