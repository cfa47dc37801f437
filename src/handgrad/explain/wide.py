"""The wide inputs of a skip, by column: their names, and what a row's columns add to its scores."""

from __future__ import annotations

import math
from itertools import accumulate, groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.explain.largest import largest_entries, remainder_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handgrad.explain.trace import Trace
    from handgrad.tables.encode import Encoder

Array = NDArray[Any]

SKIP_TITLE = "The skip, w V: what each column adds to the scores, past the layers"
SKIP_HEADINGS = ("column", "adds to the score of", "its u", "inputs w that are not 0 × rows of V")
MOST_WEIGHTS = 5  # of a row of V that are written out


class Part(NamedTuple):
    """The wide inputs that one number u of a row stands for."""

    column: str  # of the table
    name: str  # of u: "age", "age is missing, level", "island level"
    names: list[str]  # of its inputs in w: "age at 25", "age 25..33", "island=Biscoe"


class Term(NamedTuple):
    """An input of w that is not 0, and its row of V."""

    name: str
    w: float
    weights: list[float]  # (N_y,)


class Skipped(NamedTuple):
    """What a column adds to the scores of a row, past the layers."""

    column: str
    places: list[tuple[str, float]]  # each u of the column, by name
    terms: list[Term]
    adds: list[float]  # to each score, (N_y,)

    def as_json(self, outputs: list[str]) -> dict[str, Any]:
        """Give every number: names may occur twice, so terms are a list."""
        return {
            "column": self.column,
            "adds": dict(zip(outputs, self.adds, strict=True)),
            "u": dict(self.places),
            "inputs": [{"name": term.name, "w": term.w, "V": term.weights} for term in self.terms],
        }

    def told_terms(self) -> list[str]:
        """Write out the terms that add most to a score, and how many more there are."""
        size = np.array([abs(term.w) * max(map(abs, term.weights)) for term in self.terms])
        chosen = sorted(largest_entries(size))
        told = [self._told(self.terms[at]) for at in chosen]
        more = len(self.terms) - len(chosen)
        return [*told, f"and {more:,} more that are not 0"] if more else told or ["all are 0"]

    def told_places(self) -> list[str]:
        """Write out each u of the column."""
        return [f"{self._short(name)} {u:.4g}".lstrip() for name, u in self.places]

    def _short(self, name: str) -> str:
        """Leave the column out, which stands beside: "25..33" for "age 25..33"."""
        rest = name.removeprefix(self.column)
        sign = next((sign for sign in ("=", ": ", " ") if rest.startswith(sign)), "")
        return rest.removeprefix(sign)

    def _told(self, term: Term) -> str:
        row = [f"{weight:.4g}" for weight in term.weights[:MOST_WEIGHTS]]
        more = ["..."] if len(term.weights) > MOST_WEIGHTS else []
        return f"{self._short(term.name) or term.name}: {term.w:.4g} × ({', '.join(row + more)})"

    def told_sums(self, outputs: list[str]) -> list[str]:
        """Write out what the column adds to the scores, those of most outputs by size."""
        sums = np.array(self.adds)
        chosen = largest_entries(np.abs(sums))
        told = [f"{outputs[at]} {self.adds[at]:+.4g}" for at in chosen]
        more = remainder_text(np.abs(sums), chosen, moved=False)
        return [*told, more] if more else told


def parts_of(encoder: Encoder) -> list[Part]:
    """Name the wide inputs of every u, in the order of a row; none without a skip."""
    if not encoder.has_skip:
        return []
    names, (_, first_flag, first_level, _) = encoder.input_names, encoder.ends
    column_of = {at: column for column, places in encoder.places.items() for at in places}
    if encoder.wide is None:
        return [Part(column_of[at], name, [name]) for at, name in enumerate(names)]
    binned = zip(encoder.wide.binned.tolist(), encoder.wide.by_number, strict=True)
    parts = [Part(column_of[at], names[at], _pieces(names[at], edges)) for at, edges in binned]
    flags = range(first_flag, first_level)
    parts += [Part(column_of[at], f"{names[at]}, level", [names[at]]) for at in flags]
    for column, places in groupby(range(first_level, len(names)), column_of.__getitem__):
        parts.append(Part(column, f"{column} level", [names[at] for at in places]))
    return parts


def _pieces(name: str, edges: Array) -> list[str]:
    hats = [f"{name} at {edge:.6g}" for edge in edges]
    return hats + [f"{name} {low:.6g}..{high:.6g}" for low, high in pairwise(edges)]


def in_order(columns: list[Skipped], encoder: Encoder) -> list[Skipped]:
    """Put columns in the order of the table."""
    order = {name: place for place, name in enumerate(encoder.names)}
    return sorted(columns, key=lambda one: order[one.column])


def skipped(t: Trace, parts: list[Part]) -> list[Skipped]:
    """Find what each column adds to the scores of a trace of one row: w V, column by column."""
    if not parts:
        return []
    places: dict[str, list[tuple[str, float]]] = {part.column: [] for part in parts}
    terms: dict[str, list[Term]] = {part.column: [] for part in parts}
    for part, u, at in zip(parts, t["u"][0].tolist(), _slices(parts), strict=True):
        w, V = t["w"][0, at], t["V"][at]
        places[part.column].append((part.name, u))
        terms[part.column] += [
            Term(part.names[i], float(w[i]), V[i].tolist()) for i in np.flatnonzero(w).tolist()
        ]
    n_scores = t["V"].shape[1]
    return [
        Skipped(column, places[column], found, _sums(found, n_scores))
        for column, found in terms.items()
    ]


def _sums(terms: list[Term], n_scores: int) -> list[float]:
    return [math.fsum(term.w * term.weights[k] for term in terms) for k in range(n_scores)]


def _slices(parts: list[Part]) -> Iterator[slice]:
    ends = accumulate((len(part.names) for part in parts), initial=0)
    return (slice(*pair) for pair in pairwise(ends))
