"""From the inputs of a graph of ONNX to what the network takes in."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handgrad.export.tracing import traced
from handgrad.tables.bins import FARTHEST, LARGEST_INPUT
from handgrad.tables.kinds import Boolean, Category, Date, Number, NumberWithWords
from handgrad.tables.levels import meaning
from handgrad.tables.one_cell import FALSE, TRUE

if TYPE_CHECKING:
    from handgrad.export.onnx.graph import Graph
    from handgrad.export.parts import ColumnParts, NumberParts, Parts

MATRIX = "X"  # the input of a model whose columns have no names, as skl2onnx calls it
# what the texts of missing values are where runtimes and frames make texts of them
NOTHING = ("None", "nan", "<NA>", "NaT")


class Input(NamedTuple):
    """An input of a graph, of shape (N, width)."""

    name: str
    column: str  # "" for a whole matrix
    is_text: bool
    width: int
    told: str  # what it takes


class Read(NamedTuple):
    """A column, read: names of arrays of shape (N, 1)."""

    numbers: tuple[str, ...] = ()  # float64, NaN where there is none
    there: str = ""  # a number that is NaN where the cell is missing, if not the first of these
    level: str = ""  # the code of its level


class Encoded(NamedTuple):
    """What the network takes in."""

    x: str  # (N, N_x)
    w: str  # (N, N_w), of a skip; "" if there is nothing in it


def inputs_of(whole: Parts) -> list[Input]:
    """List the inputs: one for each column, two where words stand among numbers."""
    if whole.is_nameless:
        told = "the columns in the order of training; NaN where a cell is missing"
        return [Input(MATRIX, "", False, len(whole.is_needed), told)]
    taken = {one.column.name for one in whole.columns}
    found = []
    for one in whole.columns:
        for ending, is_text, told in _entries(one, whole):
            name = one.column.name + ending
            while ending and name in taken:
                name += "_"
            taken.add(name)
            found.append(Input(name, one.column.name, is_text, 1, told))
    return found


# ------------------------------------------------------------------ what each column takes

TEXT = 'a text; "" where it is missing'


def _number_entries(one: ColumnParts) -> Iterable[tuple[str, bool, str]]:
    notation = one.column.notation
    written = "" if notation.is_plain else f", which tables write like {notation}"
    yield "", False, f"a number{written}; NaN where it is missing"


def _entries_beside_words(one: ColumnParts) -> Iterable[tuple[str, bool, str]]:
    (_, _, told), *_ = _number_entries(one)
    yield "", False, told.replace("it is missing", "it is missing, or a word stands there")
    units = one.column.notation.units
    or_unit = f", or one of the units {', '.join(units)} where a number has it" if units else ""
    yield ": word", True, f'the word in the place of a number{or_unit}; else ""'


def _date_entries(one: ColumnParts) -> Iterable[tuple[str, bool, str]]:
    dating = one.column.dating
    assert dating is not None
    since = {
        "date": "a date: the seconds since 1970 in UTC",
        "time": "a time: the seconds since midnight",
        "duration": "a duration in seconds",
    }
    yield "", False, f"{since[dating.what]}; NaN where it is missing"


def _entries(one: ColumnParts, whole: Parts) -> Iterable[tuple[str, bool, str]]:
    """List the endings of the inputs of a column, whether they are texts, and what they take."""
    if whole.takes_arrays and one.column.kind == Boolean.name:  # as in a matrix
        return [("", False, "1 or 0; NaN where it is missing")]
    return ENTRIES[one.column.kind](one)


ENTRIES: dict[str, Callable[[ColumnParts], Iterable[tuple[str, bool, str]]]] = {
    Number.name: _number_entries,
    NumberWithWords.name: _entries_beside_words,
    Boolean.name: lambda one: [("", True, "true or false, yes or no, 1 or 0, as " + TEXT)],
    Category.name: lambda one: [("", True, TEXT)],
    Date.name: _date_entries,
}


# ------------------------------------------------------------------ texts


def known_texts(one: ColumnParts) -> dict[str, int]:
    """Give each text that a column knows a code: k for its k-th level, 0 for unknown ones.

    Missing ones have a code of their own. Of the spellings of a level, the graph knows the usual
    ones: 7 and 7.0, true and True, and an accented letter as one character or two.
    """
    levels = one.levels or ()
    codes: dict[str, int] = {}
    gone = missing_code(one)
    whole = [spelling for code in one.codes for spelling in _spellings(f"{code:.17g}")]
    for text in ("", *one.column.missing, *whole):
        codes[text] = gone
    same: dict[object, int] = {}
    for code, level in enumerate(levels, start=1):
        if level is not None:
            codes.setdefault(level, code)
            same[meaning(level)] = 0 if meaning(level) in same else code
    for level in filter(None, levels):
        for spelling in _spellings(level):
            codes.setdefault(spelling, same[meaning(level)])
    for text in NOTHING:
        codes.setdefault(text, gone)
    return codes


def missing_code(one: ColumnParts) -> int:
    """Give the code of a missing text, which is that of a level where missing cells are one."""
    levels = one.levels or ()
    return levels.index(None) + 1 if None in levels else len(levels) + 1


def _spellings(level: str) -> tuple[str, ...]:
    same = meaning(level)
    if isinstance(same, bool):
        return _cases(str(same))
    if isinstance(same, int):
        return f"{same}", f"{same}.0"
    return tuple(unicodedata.normalize(form, level) for form in ("NFC", "NFD"))


def _cases(word: str) -> tuple[str, ...]:
    return word.lower(), word.upper(), word.capitalize()


def known_truths(one: ColumnParts) -> dict[str, int]:
    """Give each spelling of true the code 1, each of false 2, and those of missing cells 0."""
    codes = dict.fromkeys(("", *one.column.missing), 0)
    for code, words in ((1, TRUE), (2, FALSE)):
        for word in sorted(words):
            if not any(word == f"{gone:g}" or word == f"{gone:.1f}" for gone in one.codes):
                for spelling in _cases(word):
                    codes.setdefault(spelling, code)
    return codes


# ------------------------------------------------------------------ from texts to numbers


def encoded(graph: Graph, whole: Parts, inputs: list[Input]) -> Encoded:
    """Write the nodes that turn inputs into what the network takes in."""
    numbers, there, levels = _numbers(graph, whole, inputs)
    parts = whole.numbers
    x: list[str] = []
    if numbers:
        filled = numbers
        if not parts.is_identity:
            median = graph.constant(parts.median)
            filled = graph.node("Where", graph.node("IsNaN", numbers), median, numbers)
        x.append(graph.cast(_scaled(graph, parts, filled), whole.dtype))
        if parts.deep:
            x.append(graph.cast(_steps(graph, parts, filled), whole.dtype))
    flags_and_levels = []
    if parts.flagged.any():
        gone = _picked(graph, graph.node("IsNaN", there), parts.flagged)
        flags_and_levels.append(graph.cast(gone, whole.dtype))
    flags_and_levels += [graph.cast(one, whole.dtype) for one in levels]
    x += flags_and_levels
    joined = graph.joined(x)
    if not whole.has_skip:
        return Encoded(joined, "")
    if parts.wide is None:
        return Encoded(joined, joined)
    wide = [_hat_and_steps(graph, filled, k, parts.wide[k], whole) for k in parts.wide]
    beside = [*wide, *flags_and_levels]
    return Encoded(joined, graph.joined(beside) if beside else "")


def _numbers(graph: Graph, whole: Parts, inputs: list[Input]) -> tuple[str, str, list[str]]:
    """Give K numbers, (N, K); the same, NaN where cells are missing; and the ones of levels."""
    if whole.is_nameless:
        numbers = _picked(graph, MATRIX, whole.is_needed)
        return numbers, numbers, []
    names: list[str] = []
    there: list[str] = []
    levels: list[str] = []
    for one in whole.columns:
        own = [given for given in inputs if given.column == one.column.name]
        read = READERS[one.column.kind](graph, one, own)
        names += read.numbers
        there += [read.there or read.numbers[0], *read.numbers[1:]] if read.numbers else []
        if one.n_levels:
            levels.append(_ones(graph, one, read.level))
    if not names:
        return "", "", levels
    joined = graph.joined(names)
    return joined, joined if there == names else graph.joined(there), levels


def _number(graph: Graph, one: ColumnParts, inputs: list[Input]) -> Read:
    found = inputs[0].name
    for code in one.codes:
        if math.isfinite(code):
            is_code = graph.node("Equal", found, graph.constant(code))
            found = graph.node("Where", is_code, graph.constant(math.nan), found)
    return Read((found,))


def _number_with_words(graph: Graph, one: ColumnParts, inputs: list[Input]) -> Read:
    (number,), _, _ = _number(graph, one, inputs)
    level = graph.codes_of(inputs[1].name, known_texts(one))
    is_gone = graph.node("Equal", level, graph.constant(missing_code(one)))
    there = graph.node("Where", is_gone, number, graph.constant(0.0))
    return Read((number,), there, level)


def _boolean(graph: Graph, one: ColumnParts, inputs: list[Input]) -> Read:
    if not inputs[0].is_text:
        return _number(graph, one, inputs)
    code = graph.codes_of(inputs[0].name, known_truths(one))
    return Read((graph.node("Gather", graph.constant([math.nan, 1.0, 0.0]), code),))


def _category(graph: Graph, one: ColumnParts, inputs: list[Input]) -> Read:
    return Read(level=graph.codes_of(inputs[0].name, known_texts(one)))


def _date(graph: Graph, one: ColumnParts, inputs: list[Input]) -> Read:
    assert one.column.dating is not None
    formulas = map(traced, one.column.dating.formulas())
    return Read(tuple(graph.computed(found, inputs[0].name, np.float64) for found in formulas))


READERS: dict[str, Callable[[Graph, ColumnParts, list[Input]], Read]] = {
    Number.name: _number,
    NumberWithWords.name: _number_with_words,
    Boolean.name: _boolean,
    Category.name: _category,
    Date.name: _date,
}


def _ones(graph: Graph, one: ColumnParts, code: str) -> str:
    """Write codes as ones; rare levels, which share the last input, are unknown here."""
    codes = [*range(1, len(one.levels or ()) + 1), *([0] if one.other else [])]
    return graph.node("Equal", code, graph.constant(codes))


def _picked(graph: Graph, x: str, chosen: np.ndarray) -> str:
    """Pick some columns of a matrix."""
    if chosen.all():
        return x
    return graph.node("Gather", x, graph.constant(np.flatnonzero(chosen)), axis=1)


def _scaled(graph: Graph, parts: NumberParts, x: str) -> str:
    """Standardise or scale robustly, in float64: float32 has too few digits for a year."""
    if parts.is_identity:
        return x
    spread = np.where(parts.scale > 0, parts.scale, 1)
    from_middle = graph.node("Sub", x, graph.constant(parts.mean))
    z = graph.node("Div", from_middle, graph.constant(spread))
    if not parts.is_robust:
        return z
    held = [graph.constant(end) for end in (-FARTHEST, FARTHEST)]
    z = graph.node("Min", graph.node("Max", z, held[0]), held[1])
    third = graph.node("Div", z, graph.constant(LARGEST_INPUT))
    root = graph.node("Add", graph.node("Mul", third, third), graph.constant(1.0))
    z = graph.node("Div", z, graph.node("Sqrt", root))
    if not (parts.scale > 0).all():  # which never vary
        z = graph.node("Where", graph.constant(parts.scale > 0), z, graph.constant(0.0))
    z = graph.node("Where", graph.node("IsInf", x), x, z)  # not held: it makes the row NaN
    return graph.node("Where", graph.constant(parts.scaled), z, x)


def _steps(graph: Graph, parts: NumberParts, x: str) -> str:
    """Write numbers as the steps of their bins, (N, all bins)."""
    places = [k for k, edges in parts.deep.items() for _ in edges[1:]]
    half = [edges / 2 for edges in parts.deep.values()]  # which never overflow
    low = np.concatenate([one[:-1] for one in half])
    picked = graph.node("Gather", x, graph.constant(places), axis=1)
    return _between(graph, picked, low, np.concatenate([np.diff(one) for one in half]))


def _between(graph: Graph, x: str, half_low: np.ndarray, half_width: np.ndarray) -> str:
    """Give 0 below each bin, 1 above it, and the share of it in between."""
    from_low = graph.node(
        "Sub", graph.node("Mul", x, graph.constant(0.5)), graph.constant(half_low)
    )
    return _clipped(
        graph, graph.node("Div", from_low, graph.constant(half_width)), x_dtype=np.float64
    )


def _clipped(graph: Graph, x: str, x_dtype: np.dtype | type) -> str:
    return graph.node("Clip", x, graph.constant(0, x_dtype), graph.constant(1, x_dtype))


def _hat_and_steps(graph: Graph, x: str, k: int, edges: np.ndarray, whole: Parts) -> str:
    """Write a number's place among the edges of n bins as a hat and steps, (N, 2 n + 1)."""
    half, n, dtype = edges / 2, len(edges) - 1, whole.dtype
    own = graph.node("Gather", x, graph.constant([k]), axis=1)
    steps = _between(graph, own, half[:-1], np.diff(half))
    place = graph.node("ReduceSum", steps, graph.constant([1]), keepdims=1)
    u = graph.cast(place, dtype)
    far = graph.node("Abs", graph.node("Sub", u, graph.constant(np.arange(n + 1), dtype)))
    near = graph.node("Sub", graph.constant(1, dtype), far)
    hat = graph.node("Max", near, graph.constant(0, dtype))
    beyond = graph.node("Sub", u, graph.constant(np.arange(n), dtype))
    return graph.joined([hat, _clipped(graph, beyond, dtype)])
