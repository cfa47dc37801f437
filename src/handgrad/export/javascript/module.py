"""A model as one ES module without packages, with all that comes before the network."""

from __future__ import annotations

import base64
import math
import textwrap
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad.errors import DataError
from handgrad.export.javascript.sources import (
    BLANKS,
    BLANKS_OF_ASCII,
    activations,
    array,
    literal,
    needed,
    pattern,
    typed,
)
from handgrad.export.layout import MOST_IN_DECIMALS, WIDTH, base64_lines, wrapped
from handgrad.export.parts import take_apart
from handgrad.output import Form
from handgrad.tables import dates, levels, notation
from handgrad.tables.bins import FARTHEST, LARGEST_INPUT
from handgrad.tables.kinds import Boolean, Category, Date, Number, NumberWithWords
from handgrad.tables.marks import PLAIN_NUMBER
from handgrad.tables.one_cell import FALSE, TRUE

if TYPE_CHECKING:
    from handgrad.export.parts import ColumnParts, NetworkParts
    from handgrad.models.model import Model
    from handgrad.tables.notation import Notation

EXACT = 2**53  # from here on, numbers of JavaScript are not exact

READERS = {
    Number.name: "readNumber",
    NumberWithWords.name: "readNumberOrWord",
    Boolean.name: "readBoolean",
    Category.name: "readCategory",
    Date.name: "readDate",
}
MOMENTS = {"date": "dateIn", "time": "timeIn", "duration": "durationIn"}


class Expressions(NamedTuple):
    """A form in JavaScript; SHARES are those of the networks, or null."""

    mean: str  # the scores of the mean, from those of the networks: ``scores``
    y: str  # the numbers or probabilities, from ``score``, an array
    decide: str = ""  # the number of the class, or 0 and 1 for each label


LOG_ODDS = "meanLogOdds(scores, SHARES)"
FORMS = {
    Form.IDENTITY: Expressions("meanOf(scores, SHARES)", "Array.from(score)"),
    Form.EXPONENTIAL: Expressions("logMeanExp(scores, SHARES)", "Array.from(score, Math.exp)"),
    Form.SOFTMAX: Expressions(
        "logMeanExp(scores.map(logSoftmax), SHARES)",
        "logSoftmax(score).map(Math.exp)",
        "highest(score)",
    ),
    Form.PAIR: Expressions(
        LOG_ODDS,
        "[-1, 1].map((sign) => Math.exp(logLogistic(sign * score[0])))",
        "score[0] > 0 ? 1 : 0",
    ),
    Form.EACH: Expressions(
        LOG_ODDS,
        "Array.from(score, (one) => neverCertain(Math.exp(logLogistic(one))))",
        "Array.from(score, (one) => (one > 0 ? 1 : 0))",
    ),
}


def javascript_source(model: Model) -> str:
    """Write a model as the text of an ES module that predicts by itself.

    The module has ``predict(rows)`` and, for classes, ``predictProba(rows)``. Both take an array
    of objects that have a cell for each column or, where all columns are numbers, of arrays. Their
    answers are those of the model, to rounding.

    Raises
    ------
    DataError
        If the model cannot be written so; the message says why.
    """
    return "".join(_Module(model).parts())


class _Module:
    """One module under way."""

    def __init__(self, model: Model) -> None:
        self.model, self.whole = model, take_apart(model)
        self.end, self.dtype = self.whole.end, self.whole.dtype
        self.form = FORMS[self.end.form]
        self.floats = f"Float{8 * self.dtype.itemsize}Array"
        self.words = self.whole.missing_words

    def parts(self) -> Iterator[str]:
        data, computing = "\n".join(self.data()), "\n".join(self.computing())
        bends = activations(bend for network in self.whole.networks for bend in network.bends)
        yield self.opening()
        yield needed(data + computing, {**constants(self.dtype), **bends})
        yield f"\n\n// {'-' * 20} what the model has learnt\n\n{data}\n"
        yield f"\n// {'-' * 20} how it predicts\n{computing}\n"

    def opening(self) -> str:
        target = "labels" if self.end.classes else "numbers"
        target = literal(self.model.target) if self.model.target else target
        calls = "predict(rows)" + (" or predictProba(rows)" if self.end.classes else "")
        arrays = ", or of arrays of numbers in the order of training"
        told = [
            f"Predicts {target} from {len(self.whole.columns)} columns; handgrad "
            f"{version('handgrad')} wrote this module.",
            "",
            f"Call {calls} with an array of objects that have a cell for each column"
            + (arrays if self.whole.takes_arrays else "")
            + ". A cell is a text, a number, a boolean, a Date or null; properties that the model "
            "does not know are passed over. What cannot be used throws an Error.",
        ]
        lines = [line for text in told for line in textwrap.wrap(text, WIDTH - 3) or [""]]
        text = "\n".join(f" * {line}".rstrip() for line in lines)
        cell = "/** @typedef {string | number | bigint | boolean | Date | null | undefined} Cell */"
        return f"/**\n{text}\n */\n\n{cell}\n\n"

    # -- what the model has learnt --------------------------------------------------------------

    def data(self) -> Iterator[str]:
        numbers = self.whole.numbers
        for place, words in enumerate(self.words, start=1):
            told = array(f"const WORDS_{place} = new Set(", sorted({"", *words}), "]);")
            yield f"{told} // for a missing cell"
        yield "const COLUMNS = ["
        yield from map(self.column, self.whole.columns)
        yield "];"
        if self.whole.takes_arrays:
            places = np.flatnonzero(self.whole.is_needed).tolist()
            yield array("const NEEDED = ", places, "];")
        for name in () if numbers.is_identity else ("mean", "scale", "median"):
            yield f"const {name.upper()} = {typed(getattr(numbers, name))};"
        if numbers.flagged.any():
            yield array("const FLAGGED = ", np.flatnonzero(numbers.flagged).tolist(), "];")
        if numbers.is_robust:
            yield array("const SCALED = ", numbers.scaled.tolist(), "];")
        for name, bins in (("DEEP", numbers.deep), ("WIDE", numbers.wide)):
            if bins:
                yield f"const {name} = [ // the place of a number, and the edges of its bins"
                for at, edges in bins.items():
                    yield f"  [{at}, {typed(edges, '  ')}],"
                yield "];"
        for place, network in enumerate(self.whole.networks, start=1):
            yield from self.network(place, network)
        if len(self.whole.networks) > 1:
            every = [f"NETWORK_{place + 1}" for place in range(len(self.whole.networks))]
            yield wrapped("const NETWORKS = [", every, "];")
            shares = np.array(self.end.shares, self.dtype)
            yield f"const SHARES = {typed(shares) if self.end.shares else 'null'};"
        for name, pair in (("TARGET", self.end.scale), ("BOUNDS", self.end.bounds)):
            if pair is not None:
                for field, values in zip(pair._fields, pair, strict=True):
                    kept = values if name == "TARGET" else values.astype(self.dtype)
                    yield f"const {name}_{field.upper()} = {typed(kept)};"
        yield from self.names()

    def names(self) -> Iterator[str]:
        end = self.end
        if not end.classes:
            yield "\n/** What is predicted. */"
            yield array("export const NAMES = ", end.names, "];")
            return
        if odd := [label for label in end.classes if is_inexact(label)]:
            raise DataError(
                f"the labels of a JavaScript module must lie below 2**53; {odd[0]} does not: fit "
                "the model on texts in their place"
            )
        yield "\n/** The labels, in the order of the probabilities. */"
        yield array("export const CLASSES = ", end.classes, "];")

    def column(self, one: ColumnParts) -> str:
        column = one.column
        reader = READERS[column.kind]
        if reader == READERS[NumberWithWords.name] and column.notation.units:
            reader = "readNumberWithUnits"
        given = [
            f"name: {literal(column.name)}",
            f"read: {reader}",
            f"words: WORDS_{self.words.index(column.missing) + 1}",
            f"codes: [{', '.join(literal(code) for code in one.codes if math.isfinite(code))}]",
            f"first: {one.first}",
        ]
        if column.dating is not None:
            what, order, parts = column.dating
            given.append(
                f"writing: {{ what: {literal(what)}, order: {literal(order)}, "
                f"parts: {array('', parts)}, momentIn: {MOMENTS[what]} }}"
            )
        elif reader.startswith("readNumber"):
            is_plain = column.notation.is_plain
            given.append(f"writing: {'PLAIN' if is_plain else writing_of(column.notation)}")
        if one.levels is not None:
            given += [array("levels: levelsOf(", one.levels, "])"), f"other: {literal(one.other)}"]
        return wrapped("  { ", given, " },")

    def network(self, place: int, network: NetworkParts) -> Iterator[str]:
        params = network.params
        yield f"const NETWORK_{place} = {{"
        yield "  layers: [ // W, row by row, and b"
        for W, b in zip(params.W, params.b, strict=True):
            yield f"    [{self.weights(W)}, {self.weights(b)}],"
        yield "  ],"
        yield wrapped("  bends: [", [bend.forward.__name__ for bend in network.bends], "],")
        for name, beside in (("V", params.V), ("s", params.s)):
            if beside is not None:
                yield f"  {name}: {self.weights(beside)},"
        yield "};"

    def weights(self, values: Any) -> str:
        if self.whole.n_parameters <= MOST_IN_DECIMALS:
            return typed(values, "  ")
        content = np.ascontiguousarray(values, self.dtype.newbyteorder("<")).tobytes()
        lines = "\n".join(base64_lines(base64.b64encode(content).decode()))
        return f"unpacked(`\n{lines}`, {self.floats})"

    # -- how it predicts ------------------------------------------------------------------------

    def computing(self) -> Iterator[str]:
        yield from _function("inputs", "row", self.inputs())
        yield from _function("scoresOfRow", "row", self.scores())
        row = "Object<string, Cell>"
        rows = f"Array<{row} | ArrayLike<number>>" if self.whole.takes_arrays else f"Array<{row}>"
        if not self.end.classes:
            told = "Predict the number of each row."
            if self.end.n_scores > 1:
                told = "Predict the NAMES of each row."
            yield from _exported("predict", told, rows, self.answer, self.numbers())
            return
        told = "Give the most probable label of each row."
        if self.end.several:
            told = "Give 1 for each label of a row that is more probable than not, else 0."
        yield from _exported("predict", told, rows, self.answer, iter([self.decided()]))
        told = "Give the probability of each of CLASSES for each row."
        probabilities = iter([f"return {self.form.y};"])
        yield from _exported("predictProba", told, rows, "number[]", probabilities)

    @property
    def answer(self) -> str:
        """The type of what is predicted for a row."""
        end = self.end
        if not end.classes or end.several:
            return "number[]" if end.several or end.n_scores > 1 else "number"
        kinds = {str: "string", bool: "boolean"}
        return " | ".join(dict.fromkeys(kinds.get(type(one), "number") for one in end.classes))

    def decided(self) -> str:
        place = self.form.decide
        return f"return {place};" if self.end.several else f"return CLASSES[{place}];"

    def inputs(self) -> Iterator[str]:
        numbers = self.whole.numbers
        read = f"readRow(row, COLUMNS, {len(numbers.mean)})"
        if self.whole.takes_arrays:
            of_array = f"readArray(row, NEEDED, {len(self.whole.is_needed)})"
            is_array = "Array.isArray(row) || ArrayBuffer.isView(row)"
            read = f"{is_array}\n    ? {of_array}\n    : {read}"
        yield f"const {{ numbers, missing, places }} = {read};"
        if numbers.is_identity:
            yield "const filled = numbers, scaled = numbers;"
        else:
            yield "const filled = numbers.map((one, k) => (Number.isNaN(one) ? MEDIAN[k] : one));"
            one = "(one - MEAN[k]) / SCALE[k]"
            if numbers.is_robust:
                one = "(SCALED[k] ? robust(one, MEAN[k], SCALE[k]) : one)"
            yield f"const scaled = filled.map((one, k) => {one});"
        yield "const x = fitting(["
        yield "  ...scaled,"
        if numbers.deep:
            of_bins = "steps(placeAmong(filled[k], edges), edges.length - 1)"
            yield f"  ...DEEP.flatMap(([k, edges]) => {of_bins}),"
        if numbers.flagged.any():
            yield "  ...FLAGGED.map((k) => missing[k]),"
        if sizes := [one.n_levels for one in self.whole.columns if one.levels is not None]:
            yield f"  ...{array('', sizes)}.flatMap((n, at) => ones(places[at], n)),"
        yield f"], {self.floats});"
        if not self.whole.has_skip:
            yield "return { x, wide: null };"
        elif numbers.wide is None:
            yield "return { x, wide: x }; // a skip takes the same"
        else:
            yield from self.wide()

    def wide(self) -> Iterator[str]:
        """Write what a skip takes."""
        rest = f"...x.subarray({self.model.encoder.ends[1]})"
        if self.whole.numbers.wide:
            place = "placeAmong(filled[k], edges)"
            u = f"Math.fround({place})" if self.dtype == np.float32 else place
            yield f"const wide = WIDE.flatMap(([k, edges]) => hatAndSteps({u}, edges.length - 1));"
            rest = f"...wide, {rest}"
        yield f"return {{ x, wide: new {self.floats}([{rest}]) }};"

    def scores(self) -> Iterator[str]:
        yield "const { x, wide } = inputs(row);"
        if len(self.whole.networks) == 1:
            yield "const score = scoresOf(x, wide, NETWORK_1);"
        else:
            yield "const scores = NETWORKS.map((network) => scoresOf(x, wide, network));"
            yield f"const score = new {self.floats}({self.form.mean});"
        divided = ""
        if self.end.temperature != 1:
            temperature = float(self.dtype.type(self.end.temperature))
            divided = f".map((one) => one / {literal(temperature)})"
        yield f"return finite(score{divided});"

    def numbers(self) -> Iterator[str]:
        y = self.form.y
        if self.end.scale is not None:
            y = f"{y}.map((one, k) => TARGET_MEAN[k] + TARGET_SCALE[k] * one)"
        yield f"const y = finite(new {self.floats}({y}));"
        found = "Array.from(y)"
        if self.end.bounds is not None:
            held = "Math.max(BOUNDS_LOW[k], Math.min(BOUNDS_HIGH[k], one))"
            found = f"Array.from(y, (one, k) => {held})"
        if self.end.n_each > 1:
            found = f"ascending({found}, {self.end.n_each})"
        yield f"return {found}{'[0]' if self.end.n_scores == 1 else ''};"


def is_inexact(label: Any) -> bool:
    """Tell whether a label is a whole number that JavaScript would round."""
    return isinstance(label, int) and abs(label) >= EXACT


def writing_of(notation: Notation) -> str:
    """Write how numbers are written."""
    values = notation._asdict()
    units = array("", values.pop("units"))
    told = "".join(f"{name}: {literal(value)}, " for name, value in values.items())
    return f"{{ {told}units: {units} }}"


def constants(dtype: np.dtype[Any]) -> dict[str, str]:
    """Write the constants of the scripts, which other files own, by name."""
    one = dtype.type(1)

    def ascii_pattern(source: str) -> str:
        return pattern(source, BLANKS_OF_ASCII, whole=True)

    values = {
        "BLANK": f"/[{BLANKS}]/",
        "BLANKS": pattern(notation.BLANKS, flags="g"),
        "NUMBER": pattern(notation.NUMBER),
        "PLAIN_NUMBER": pattern(PLAIN_NUMBER, whole=True),
        "PLAIN": writing_of(notation.PLAIN),
        "MULTIPLIERS": f"new Map(Object.entries({literal(notation.MULTIPLIERS)}))",
        "WHOLE": pattern(levels.WHOLE.pattern, whole=True),
        "TRUE": array("new Set(", sorted(TRUE), "])"),
        "FALSE": array("new Set(", sorted(FALSE), "])"),
        "DAY": literal(dates.DAY),
        "MONTHS": literal(dates.MONTHS),
        "CLOCK": ascii_pattern(dates.CLOCK),
        "DATES": "[\n  " + ",\n  ".join(map(ascii_pattern, dates.FORMS)) + ",\n]",
        "SPANS": "[\n  " + ",\n  ".join(map(ascii_pattern, dates.SPANS)) + ",\n]",
        "FARTHEST": literal(FARTHEST),
        "LARGEST_INPUT": literal(LARGEST_INPUT),
        "LEAST": literal(float(np.finfo(dtype).tiny)),
        "MOST": literal(float(np.nextafter(one, 0 * one))),
    }
    return {name: f"const {name} = {value};" for name, value in values.items()}


def _function(name: str, parameter: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"\nfunction {name}({parameter}) {{"
    yield from _indented(lines, "  ")
    yield "}"


def _exported(name: str, told: str, rows: str, answer: str, lines: Iterator[str]) -> Iterator[str]:
    """Write a function that predicts rows, with its types for editors."""
    yield f"\n/**\n * {told}\n *\n * @param {{{rows}}} rows\n * @returns {{Array<{answer}>}}\n */"
    yield f"export function {name}(rows) {{"
    yield "  return each(rows, (row) => {"
    yield "    const score = scoresOfRow(row);"
    yield from _indented(lines, "    ")
    yield "  });\n}"


def _indented(lines: Iterator[str], indent: str) -> Iterator[str]:
    for line in lines:
        yield f"{indent}{line}"
