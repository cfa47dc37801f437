"""The networks of a written C header in whole numbers: see ``quantising.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from handgrad.export.c.layers import of_network
from handgrad.export.quantising import UNIT

if TYPE_CHECKING:
    from handgrad.export.c.columns import Row
    from handgrad.export.c.words import Tables
    from handgrad.export.parts import Parts
    from handgrad.export.quantising import Bend, Quantised, WholeNetwork


class WholeLayers:
    """The networks as tables and functions of whole numbers.

    Parameters
    ----------
    whole : Parts
    quantised : Quantised
    row : Row
        Whose inputs they take.
    tables : Tables
        Where weights are added.
    """

    def __init__(self, whole: Parts, quantised: Quantised, row: Row, tables: Tables) -> None:
        self.whole, self.quantised, self.row = whole, quantised, row
        self.functions: list[str] = []
        self.n_buffers = 0  # the bytes of buffers of a network
        for place, network in enumerate(quantised.networks, start=1):
            self._add(of_network(place, len(quantised.networks)), network, tables)

    @property
    def n_inputs(self) -> int:
        """Whole numbers that the networks take: inputs, and places among the bins of a skip."""
        return self.row.n_inputs + self.row.n_wide

    def call(self, place: int, score: str) -> str:
        """Write how a network, from 1, gives its scores."""
        own = of_network(place, len(self.quantised.networks))
        return f"NAME_network{own}(q, {score});"

    def quantise(self) -> str:
        """Write the function that turns a row into whole numbers."""
        step, most = float(self.quantised.step), self.quantised.most
        n_x, n_wide = self.row.n_inputs, self.row.n_wide
        lines = [
            "/* Turns a row into whole inputs; gives a status. */",
            "static inline int NAME_quantise(const NAME_row *row, int16_t *q)",
            "{",
            f"    REAL x[{n_x}];",
            *([f"    REAL u[{n_wide}];"] if n_wide else []),
            f"    if (NAME_encode(row, x{', u' if n_wide else ''}) != 0)",
            "        return MACRO_UNUSABLE;",
            f"    for (int i = 0; i < {n_x}; i++)",
            f"        q[i] = NAME_rounded(x[i], R({step!r}), R({most}.0));",
        ]
        if n_wide:
            lines += [
                f"    for (int i = 0; i < {n_wide}; i++)",
                f"        q[{n_x} + i] = NAME_rounded(u[i], R({1 / UNIT}), R(32767.0));",
            ]
        return "\n".join([*lines, "    return 0;", "}"])

    def _add(self, own: str, network: WholeNetwork, tables: Tables) -> None:
        for number, layer in enumerate(network.layers, start=1):
            at = f"{number}{own}"
            tables.whole(f"W{at}", layer.W)
            tables.whole(f"b{at}", layer.b)
            tables.whole(f"factor{at}", layer.scaling.factor)
            tables.whole(f"shift{at}", layer.scaling.shift)
            if layer.bend is not None and layer.bend.table is not None:
                tables.whole(f"bend{at}", layer.bend.table)
        if network.V is not None and network.V_scaling is not None:
            tables.whole(f"V{own}", network.V)
            tables.whole(f"V_factor{own}", network.V_scaling.factor)
            tables.whole(f"V_shift{own}", network.V_scaling.shift)
        self.functions.append(
            "\n".join(
                [
                    f"static void NAME_network{own}(const int16_t *q, int32_t *score)",
                    "{",
                    *(f"    {line}" for line in self._passing(own, network)),
                    "}",
                ]
            )
        )

    def _passing(self, own: str, network: WholeNetwork) -> Iterator[str]:
        sizes = [layer.b.size for layer in network.layers[:-1]]
        buffers = [max(sizes[at::2]) for at in (0, 1) if sizes[at::2]]
        n_scores = network.layers[-1].b.size
        inside = 2 * sum(buffers) + (4 * n_scores if network.V is not None else 0)
        self.n_buffers = max(self.n_buffers, inside)
        for at, size in enumerate(buffers):
            yield f"int16_t h{at}[{size}];"
        source = "q"
        for number, layer in enumerate(network.layers, start=1):
            units, n = layer.W.shape
            tables = ", ".join(f"NAME_{of}{number}{own}" for of in ("W", "b", "factor", "shift"))
            if layer.bend is None:
                yield f"NAME_whole_scores({tables}, {source}, {n}, score, {units});"
                continue
            target = f"h{(number - 1) % 2}"
            yield (f"NAME_whole_dense({tables}, {source}, {n}, {target}, {units}, {layer.most});")
            if not layer.bend.is_identity:
                yield f"for (int j = 0; j < {units}; j++)"
                yield f"    {target}[j] = {_bent(layer.bend, f'{target}[j]', f'{number}{own}')};"
            source = target
        if network.V is not None:
            yield from self._skip(own, n_scores)

    def _skip(self, own: str, n_scores: int) -> Iterator[str]:
        n_x, n_wide, first = self.row.n_inputs, self.row.n_wide, 0
        yield f"NAME_CONST int8_t *V = NAME_V{own};"
        yield f"int32_t sum[{n_scores}];"
        yield f"for (int j = 0; j < {n_scores}; j++)"
        yield "    sum[j] = 0;"
        weigh = "q[i]"
        if self.whole.numbers.wide is not None:
            first = self.row.first_flag
            weigh = f"q[i] > 0 ? {UNIT} : 0"  # a flag or a level
        if n_wide:
            yield f"for (int i = 0; i < {n_wide}; i++) {{"
            yield f"    const int16_t u = q[{n_x} + i];"
            yield "    for (int t = 0; t <= NAME_wide_bins[i]; t++)"
            yield f"        V = NAME_whole_add(V, NAME_whole_hat(u, t), sum, {n_scores});"
            yield "    for (int t = 0; t < NAME_wide_bins[i]; t++)"
            yield f"        V = NAME_whole_add(V, NAME_whole_step(u, t), sum, {n_scores});"
            yield "}"
        yield f"for (int i = {first}; i < {n_x}; i++)"
        yield f"    V = NAME_whole_add(V, {weigh}, sum, {n_scores});"
        yield f"for (int j = 0; j < {n_scores}; j++)"
        scaling = f"NAME_V_factor{own}[j], NAME_V_shift{own}[j]"
        yield f"    score[j] += NAME_times(sum[j], {scaling});"


def _bent(bend: Bend, r: str, at: str) -> str:
    if bend.table is not None:
        return f"NAME_curve(NAME_bend{at}, {r})"
    if bend.below is None:
        return f"(int16_t)({r} > 0 ? {r} : 0)"
    factor, shift = int(bend.below.factor[0]), int(bend.below.shift[0])
    return f"(int16_t)({r} > 0 ? {r} : NAME_times({r}, {factor}, {shift}))"
