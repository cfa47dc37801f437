"""A model as one file of Python that needs NumPy alone, with all that comes before the network."""

from __future__ import annotations

import base64
import math
import re
import textwrap
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad import losses
from handgrad.explain.equations import equations
from handgrad.export.layout import MOST_IN_DECIMALS, WIDTH, base64_lines, wrapped
from handgrad.export.parts import Parts, take_apart
from handgrad.export.python import passing, reading
from handgrad.export.python.copying import copied
from handgrad.output import Form
from handgrad.tables.bins import robust
from handgrad.tables.kinds import Boolean, Category, Date, Number, NumberWithWords

if TYPE_CHECKING:
    from handgrad.export.parts import ColumnParts, NetworkParts
    from handgrad.models.model import Model

READERS: dict[str, Callable[..., Any]] = {
    Number.name: reading.number,
    NumberWithWords.name: reading.number_with_words,
    Boolean.name: reading.boolean,
    Category.name: reading.category,
    Date.name: reading.dated,
}


class Expressions(NamedTuple):
    """A form in functions of NumPy and losses.py; SHARES are those of the networks, or None."""

    mean: str  # the scores of the mean, from those of k networks, ``scores``: (k, n, N_y)
    y: str  # numbers (n, N_y) or probabilities (n, K), from ``score``: (n, N_y)
    decide: str = ""  # class numbers (n,), or 0 and 1 (n, K), from ``score``


LOG_SOFTMAX = "np.stack([log_softmax(score) for score in scores])"
LOG_ODDS = (
    "log_mean_exp(log_logistic(scores), SHARES) - log_mean_exp(log_logistic(-scores), SHARES)"
)
FORMS = {
    Form.IDENTITY: Expressions("mean_of(scores, SHARES)", "score"),
    Form.EXPONENTIAL: Expressions("log_mean_exp(scores, SHARES)", "exponential(score)"),
    Form.SOFTMAX: Expressions(
        f"log_mean_exp({LOG_SOFTMAX}, SHARES)",
        "np.exp(held_finite(log_softmax(score)))",
        "score.argmax(axis=1)",
    ),
    Form.PAIR: Expressions(
        LOG_ODDS,
        "np.exp(np.column_stack([log_logistic(sign * score) for sign in (-1, 1)]))",
        "np.where(score[:, 0] > 0, 1, 0)",
    ),
    Form.EACH: Expressions(
        LOG_ODDS,
        "never_certain(np.exp(held_finite(log_logistic(score))))",
        "np.where(score > 0, 1, 0)",
    ),
}


def python_source(model: Model) -> str:
    """Write a model as the text of a Python file that predicts by itself.

    The file has ``predict`` and, for classes, ``predict_proba``. Both take a list of mappings of
    column names to cells, a frame of pandas, polars or Arrow, or, where all columns are numbers,
    a matrix of shape (n, columns). Their answers are those of the model, to rounding. Run as a
    program, the file reads a CSV file.

    Raises
    ------
    DataError
        If the model cannot be written so; the message says why.
    """
    return "".join(_File(model).parts())


class _File:
    """One file under way."""

    def __init__(self, model: Model) -> None:
        self.model, self.whole = model, take_apart(model)
        self.end = self.whole.end
        self.form = FORMS[self.end.form]
        self.words = self.whole.missing_words

    def parts(self) -> Iterator[str]:
        data, computing = "\n".join(self.data()), "\n".join(self.computing())
        needed = _functions(data + computing, self.whole)
        source = copied(needed, more=["import numpy as np"])
        yield self.opening()
        yield "\n".join(["from __future__ import annotations", "", *source.imports]).rstrip() + "\n"
        yield source.definitions
        yield f"\n\n# {'-' * 20} what the model has learnt\n\n{data}\n"
        yield f"\n\n# {'-' * 20} how it predicts\n{computing}\n"

    # -- the opening --------------------------------------------------------------------------

    def opening(self) -> str:
        target = "labels" if self.end.classes else "numbers"
        target = repr(self.model.target) if self.model.target else target
        n_columns, ours = len(self.whole.columns), version("handgrad")
        told = [
            f"Predicts {target} from {n_columns} columns; handgrad {ours} wrote this file.",
            "",
            "It needs Python 3.11 or newer and NumPy. Call predict(rows)"
            + (" or predict_proba(rows)" if self.end.classes else "")
            + " with a list of mappings of column names to cells"
            + (", or with a matrix" if self.whole.takes_arrays else "")
            + "; a cell is a text, a number or None, and columns that the model does not know are"
            " passed over. Or run it as a program on a CSV file with commas, in UTF-8, or on its"
            " standard input.",
        ]
        wrapped = [line for text in told for line in textwrap.wrap(text, WIDTH) or [""]]
        text = "\n".join(wrapped).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        return f'"""{text}\n"""\n\n{self.formulas()}'

    def formulas(self) -> str:
        """Give the equations of the forward pass as comments, where the network is small."""
        if self.whole.n_parameters > MOST_IN_DECIMALS or len(self.whole.networks) > 1:
            return ""
        forward = [one for one in equations(self.model.architecture) if one.number <= 4]
        return "".join(f"# ({one.number})  {one.line}\n" for one in forward) + "\n"

    # -- what the model has learnt --------------------------------------------------------------

    def data(self) -> Iterator[str]:
        yield from self.preparation()
        yield f'DTYPE = "{self.whole.dtype}"'
        if self.end.shares:
            yield _array("SHARES", np.array(self.end.shares, self.whole.dtype), "DTYPE")
        else:
            yield "SHARES = None"
        for place, network in enumerate(self.whole.networks, start=1):
            yield from self.network(place, network)
        every = [f"NETWORK_{place + 1}" for place in range(len(self.whole.networks))]
        yield wrapped("NETWORKS = [", every, "]")
        if self.end.classes:
            dtype = self.model.classes.dtype
            kind = "object" if dtype.kind == "O" else repr(str(dtype))
            yield wrapped("CLASSES = np.array([", map(repr, self.end.classes), f"], dtype={kind})")
        for name, pair in (("TARGET", self.end.scale), ("BOUNDS", self.end.bounds)):
            if pair is not None:
                for field, values in zip(pair._fields, pair, strict=True):
                    yield _array(f"{name}_{field.upper()}", values)
        yield wrapped("NAMES = [", map(repr, self.end.names), "]  # of what is predicted")

    def preparation(self) -> Iterator[str]:
        """Write what becomes of cells before the network."""
        numbers = self.whole.numbers
        for place, words in enumerate(self.words, start=1):
            texts = map(repr, sorted({"", *words}))
            yield wrapped(f"WORDS_{place} = frozenset([", texts, "])  # for a missing cell")
        yield "COLUMNS = [  # how each is read, and where its numbers and levels go"
        yield from map(self.column, self.whole.columns)
        yield "]"
        if self.whole.takes_arrays:
            yield _array("NEEDED", np.flatnonzero(self.whole.is_needed), "np.intp")
            yield f"N_COLUMNS = {len(self.whole.is_needed)}"
        for name in ("mean", "scale", "median"):
            yield _array(name.upper(), getattr(numbers, name))
        if numbers.flagged.any():
            yield _array("FLAGGED", np.flatnonzero(numbers.flagged), "np.intp")
        if numbers.is_robust:
            yield _array("SCALED", numbers.scaled, "bool")
        for name, edges in (("DEEP", numbers.deep), ("WIDE", numbers.wide)):
            if edges:
                yield f"{name} = {{  # the edges of the bins of a number, by its place"
                for at, one in edges.items():
                    yield wrapped(f"    {at}: np.array([", _digits(one), "]),")
                yield "}"

    def column(self, one: ColumnParts) -> str:
        column = one.column
        is_plain = column.notation.is_plain and column.dating is None
        codes = [repr(code) for code in one.codes if math.isfinite(code)]
        given = [
            repr(column.name),
            READERS[column.kind].__name__,
            f"WORDS_{self.words.index(column.missing) + 1}",
            *_tuple(codes),
            repr(one.first),
        ]
        if one.levels is not None:
            levels = [repr(level) for level in one.levels]
            given += [repr(one.place), *_tuple(levels), repr(one.other)]
        if not is_plain:
            given.append(f"writing={column.dating or column.notation!r}")
        return wrapped("    Column(", given, "),")

    def network(self, place: int, network: NetworkParts) -> Iterator[str]:
        params = network.params
        yield f"NETWORK_{place} = ("
        yield "    [  # W and b of each layer"
        for W, b in zip(params.W, params.b, strict=True):
            yield f"        ({self.weights(W)}, {self.weights(b)}),"
        yield "    ],"
        yield wrapped("    [", [bend.alone.__name__ for bend in network.bends], "],")
        for name, beside in (("V", params.V), ("s", params.s)):
            yield f"    {'None' if beside is None else self.weights(beside)},  # {name}"
        yield ")"

    def weights(self, array: Any) -> str:
        if self.whole.n_parameters > MOST_IN_DECIMALS:
            dtype = array.dtype.newbyteorder("<")
            text = base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode()
            told = "\n".join(f'            "{line}"' for line in base64_lines(text))
            shape = ", ".join(map(str, array.shape))
            return f'unpacked(\n{told},\n            "<f{dtype.itemsize}", {shape})'
        if array.ndim == 1 or not array.size:
            shape = f".reshape({array.shape})" if array.ndim > 1 else ""
            return wrapped("np.array([", _digits(array.ravel()), f"], DTYPE){shape}")
        rows = [wrapped("            [", _digits(row), "],") for row in array]
        return "\n".join(["np.array([", *rows, "        ], DTYPE)"])

    # -- how it predicts ------------------------------------------------------------------------

    def computing(self) -> Iterator[str]:
        end, several = self.end, self.end.several
        yield from _function("inputs", "Turn rows into what the network takes in.", self.inputs())
        yield from _function("scores_of", "Compute the scores of rows, (n, N_y).", self.scores())
        if not end.classes:
            yield from _function("predict", "Predict the numbers of each row.", self.numbers())
        else:
            told = "Give the probability of each of CLASSES, (n, K)."
            yield from _function("predict_proba", told, self.probabilities())
            told = "Give the most probable label of each row, (n,)."
            if several:
                told = "Give 1 for each label that is more probable than not, else 0, (n, K)."
            decided = self.form.decide if several else f"CLASSES[{self.form.decide}]"
            lines = ["score = scores_of(rows)", f"return {decided}"]
            yield from _function("predict", told, iter(lines))
        proba = "predict_proba" if end.classes else "None"
        target = (end.classes and self.model.target) or "prediction"
        yield '\n\nif __name__ == "__main__":'
        yield f"    main(predict, {proba}, NAMES, {target!r})"

    def inputs(self) -> Iterator[str]:
        numbers, columns = self.whole.numbers, self.whole.columns
        if self.whole.takes_arrays:
            yield "if isinstance(rows, np.ndarray) and rows.dtype != object:"
            yield "    numbers, missing, places = read_matrix(rows, NEEDED, N_COLUMNS)"
            yield "else:"
            yield "    numbers, missing, places = read_rows(rows, COLUMNS, len(MEAN))"
        else:
            yield "numbers, missing, places = read_rows(rows, COLUMNS, len(MEAN))"
        if numbers.is_identity:
            yield "parts = [numbers]"
        else:
            yield "numbers = np.where(np.isnan(numbers), MEDIAN, numbers)"
            scaled = "np.where(SCALED, robust(numbers, MEAN, SCALE), numbers)"
            yield f"parts = [{scaled if numbers.is_robust else '(numbers - MEAN) / SCALE'}]"
        if numbers.deep:
            yield "for k, edges in DEEP.items():"
            yield "    parts.append(steps(places_in(numbers[:, k], edges), len(edges) - 1))"
        if numbers.flagged.any():
            yield "parts.append(missing[:, FLAGGED])"
        if any(one.levels is not None for one in columns):
            yield "for column in COLUMNS:"
            yield "    if column.place >= 0:"
            yield "        n_levels = len(column.levels) + column.other"
            yield "        parts.append(ones(places[:, column.place], n_levels))"
        yield "x = fitting(np.hstack(parts), DTYPE)"
        if not self.whole.has_skip:
            yield "return x, None"
        elif numbers.wide is None:
            yield "return x, x  # the skip takes the same"
        else:
            yield "wide = []  # what the skip takes"
            if numbers.wide:
                yield "for k, edges in WIDE.items():"
                yield "    u = places_in(numbers[:, k], edges).astype(DTYPE)"
                yield "    wide.append(hat_and_steps(u, len(edges) - 1))"
            yield f"return x, np.hstack([*wide, x[:, {self.first_flag()}:]])"

    def first_flag(self) -> int:
        """Find where the flags and the levels begin, which a skip takes as they are."""
        return self.model.encoder.ends[1]

    def scores(self) -> Iterator[str]:
        yield "x, w = inputs(rows)"
        yield 'with np.errstate(over="ignore", invalid="ignore"):  # what is infinite is told of'
        if len(self.whole.networks) == 1:
            yield "    score = score_of(x, w, *NETWORK_1)"
        else:
            yield "    scores = np.stack([score_of(x, w, *network) for network in NETWORKS])"
            yield f"    score = {self.form.mean}"
        if self.end.temperature != 1:
            yield f"    score = score / score.dtype.type({self.end.temperature!r})"
        yield "return finite(score)"

    def probabilities(self) -> Iterator[str]:
        yield "score = scores_of(rows)"
        yield 'with np.errstate(over="ignore", under="ignore"):'
        yield f"    return {self.form.y}"

    def numbers(self) -> Iterator[str]:
        yield "score = scores_of(rows)"
        yield 'with np.errstate(over="ignore"):'
        yield f"    y = {self.form.y}"
        if self.end.scale is not None:
            yield "    y = (TARGET_MEAN + TARGET_SCALE * y).astype(DTYPE)"
        yield "y = finite(y)"
        if self.end.bounds is not None:
            yield "y = np.clip(y, BOUNDS_LOW.astype(DTYPE), BOUNDS_HIGH.astype(DTYPE))"
        if self.end.n_each > 1:
            yield f"y = np.sort(y.reshape(len(y), -1, {self.end.n_each}), axis=2).reshape(y.shape)"
        yield "return y[:, 0]" if self.end.n_scores == 1 else "return y"


def _functions(text: str, whole: Parts) -> list[Any]:
    """List the functions and classes that a text names."""
    known = [value for module in (reading, passing, losses) for value in vars(module).values()]
    known += [robust, *(bend.alone for network in whole.networks for bend in network.bends)]
    named = set(re.findall(r"[A-Za-z_]\w*", text))
    return [
        one
        for one in known
        if callable(one)
        and getattr(one, "__name__", "") in named
        and str(getattr(one, "__module__", "")).startswith("handgrad.")
    ]


def _function(name: str, told: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"\n\ndef {name}(rows):"
    yield f'    """{told}"""'
    for line in lines:
        yield f"    {line}"


def _tuple(items: list[str]) -> list[str]:
    """Put brackets before the first and behind the last."""
    if len(items) < 2:
        return [f"({items[0]},)" if items else "()"]
    return [f"({items[0]}", *items[1:-1], f"{items[-1]})"]


def _array(name: str, values: Any, dtype: str = "") -> str:
    return wrapped(f"{name} = np.array([", _digits(values), f"], {dtype})" if dtype else "])")


def _digits(values: Any) -> list[str]:
    """Write numbers with the fewest digits that give them back."""
    if values.dtype == np.float32:
        return [str(value) for value in values]
    return [repr(value) for value in values.tolist()]
