"""A model as a graph of ONNX, with all that comes before and after the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from handgrad import losses
from handgrad.activations import logistic
from handgrad.errors import DataError
from handgrad.export.onnx.graph import Graph, library
from handgrad.export.onnx.inputs import Encoded, encoded, inputs_of
from handgrad.export.parts import take_apart
from handgrad.export.tracing import traced
from handgrad.output import Form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handgrad.export.onnx.inputs import Input
    from handgrad.export.parts import ColumnParts, NetworkParts
    from handgrad.models.model import Model

IR = 9  # which belongs to opset 19
ROWS = "N"
TYPES: dict[type, type] = {bool: np.bool_, int: np.int64, float: np.float64}  # of labels
LABEL, PROBABILITIES, NUMBERS = "label", "probabilities", "variable"  # skl2onnx's names


def onnx_bytes(model: Model) -> bytes:
    """Write a model as a graph of ONNX (opset 19), which reads cells and predicts by itself.

    The inputs are of shape (N, 1) and called like the columns: float64, or texts; a matrix of
    numbers without names is one input, ``X``, of shape (N, columns). The outputs are ``label`` (N,)
    and ``probabilities`` (N, K), or ``variable`` (N, N_y) for numbers. The same model gives the
    same bytes.

    Raises
    ------
    DataError
        If the package onnx is not installed, or the model cannot be written so; the message says
        why.
    """
    made = _Writer(model).made()
    library().checker.check_model(made, full_check=True)
    content: bytes = made.SerializeToString(deterministic=True)
    return content


class Nodes(NamedTuple):
    """A form as nodes; each function takes the writer and names."""

    mean: Callable[
        [_Writer, list[str]], str
    ]  # scores (N, N_y) of each network -> those of the mean
    y: Callable[[_Writer, str], str]  # scores (N, N_y) -> numbers (N, N_y), or probabilities (N, K)
    decide: Callable[[_Writer, str], str] | None = None  # -> class numbers (N,), or 0 and 1 (N, K)


class _Writer:
    """One graph under way."""

    def __init__(self, model: Model) -> None:
        self.onnx = library()
        self.model, self.whole = model, take_apart(model)
        self.end, self.dtype = self.whole.end, self.whole.dtype
        self.form = FORMS[self.end.form]
        self.inputs = inputs_of(self.whole)
        taken = {given.name for given in self.inputs}
        names = (LABEL, PROBABILITIES) if self.end.classes else (NUMBERS,)
        self.outputs = [_free(name, taken) for name in names]
        self.graph: Graph = Graph(taken.union(self.outputs))

    def made(self) -> Any:
        helper, ours = self.onnx.helper, version("handgrad")
        score = self.score(encoded(self.graph, self.whole, self.inputs))
        outputs = self.labels(score) if self.end.classes else self.numbers(score)
        graph = helper.make_graph(
            self.graph.nodes,
            "handgrad",
            [self.value(one.name, self.type_of(one), [one.width], one.told) for one in self.inputs],
            outputs,
            self.graph.constants,
        )
        made = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(*used) for used in self.graph.domains.items()],
            ir_version=IR,
            producer_name="handgrad",
            producer_version=ours,
            doc_string=self.told(),
        )
        helper.set_model_props(made, self.properties())
        return made

    # -- what it says about itself --------------------------------------------------------------

    def told(self) -> str:
        target = self.model.target and repr(self.model.target)
        return (
            f"Predicts {target or ('labels' if self.end.classes else 'numbers')}. Each input says "
            "what it takes. A row gives NaN where a number in it is infinite, or too large to "
            "compute with."
        )

    def properties(self) -> dict[str, str]:
        told: dict[str, Any] = {"predicted": self.end.names}
        if self.end.classes:
            told["classes"] = self.end.classes
        if self.model.target:
            told["target"] = self.model.target
        if not self.whole.is_nameless:
            told["columns"] = [*map(self.column_told, self.whole.columns)]
        properties = {name: json.dumps(value, ensure_ascii=False) for name, value in told.items()}
        return dict(sorted((properties | {"handgrad": version("handgrad")}).items()))

    def column_told(self, one: ColumnParts) -> dict[str, Any]:
        column, own = one.column, [g for g in self.inputs if g.column == one.column.name]
        told: dict[str, Any] = {"column": column.name, "kind": column.kind}
        told["inputs"] = [given.name for given in own]
        if any(given.is_text for given in own):
            told["missing"] = list(column.missing)
        if column.dating is not None:
            told["dates"] = column.dating._asdict()
        if not column.notation.is_plain:
            told["written"] = column.notation._asdict()
        return told

    def value(self, name: str, kind: int, shape: list[int], told: str = "") -> Any:
        make: Any = self.onnx.helper.make_tensor_value_info
        return make(name, kind, [ROWS, *shape], doc_string=told)

    def type_of(self, one: Input) -> int:
        return int(self.graph.types.STRING) if one.is_text else self.graph.type_of(np.float64)

    # -- from inputs to scores ------------------------------------------------------------------

    def score(self, rows: Encoded) -> str:
        graph = self.graph
        scores = [self.score_of(network, rows) for network in self.whole.networks]
        score = scores[0] if len(scores) == 1 else self.form.mean(self, scores)
        if self.end.temperature != 1:
            score = graph.node("Div", score, graph.constant(self.end.temperature, self.dtype))
        # 0 times what is not finite is NaN: a row that handgrad refuses shows that here
        nothing = graph.constant(0, self.dtype)
        of_inputs = graph.node("Mul", rows.x, nothing)
        of_inputs = graph.node("ReduceSum", of_inputs, graph.constant([1]), keepdims=1)
        of_scores = [graph.node("Mul", one, nothing) for one in scores]
        return graph.node("Sum", score, of_inputs, *of_scores)

    def score_of(self, network: NetworkParts, rows: Encoded) -> str:
        """Pass rows through one network."""
        graph, params = self.graph, network.params
        h = rows.x
        if params.s is not None:
            h = graph.node("Mul", h, graph.constant(params.s))
        *layers, last = zip(params.W, params.b, strict=True)
        for (W, b), bend in zip(layers, network.bends, strict=True):
            r = graph.node("Gemm", h, graph.constant(W), graph.constant(b))
            h = graph.computed(traced(bend.forward), r, self.dtype)
        score = graph.node("Gemm", h, *map(graph.constant, last))
        if params.V is None or not rows.w:
            return score
        return graph.node("Add", score, graph.node("MatMul", rows.w, graph.constant(params.V)))

    def traced(self, function: Callable[..., Any], x: str) -> str:
        return self.graph.computed(traced(function), x, self.dtype)

    def mean(self, values: list[str]) -> str:
        """Average what several networks give, by their shares."""
        graph, shares = self.graph, self.end.shares
        if not shares:
            total = graph.node("Sum", *values)
            return graph.node("Div", total, graph.constant(len(values), self.dtype))
        parts = [
            graph.node("Mul", value, graph.constant(share, self.dtype))
            for value, share in zip(values, shares, strict=True)
        ]
        return graph.node("Sum", *parts)

    def log_mean_exp(self, logarithms: list[str]) -> str:
        graph = self.graph
        largest = graph.node("Max", *logarithms)
        powers = [graph.node("Exp", graph.node("Sub", one, largest)) for one in logarithms]
        return graph.node("Add", largest, graph.node("Log", self.mean(powers)))

    def log_odds(self, scores: list[str]) -> str:
        signs = scores, [self.graph.node("Neg", score) for score in scores]
        logarithms = [[self.traced(losses.log_logistic, one) for one in sign] for sign in signs]
        return self.graph.node("Sub", *map(self.log_mean_exp, logarithms))

    # -- from scores to predictions -------------------------------------------------------------

    def labels(self, score: str) -> list[Any]:
        graph, end = self.graph, self.end
        label, probabilities = self.outputs
        graph.node("Identity", self.form.y(self, score), into=probabilities)
        assert self.form.decide is not None
        decided = self.form.decide(self, score)
        shape = [len(end.classes)] if end.several else []
        if end.several:
            graph.node("Identity", decided, into=label)
            kind = graph.type_of(np.int64)
        else:
            kind, classes = self.classes()
            graph.node("Gather", classes, decided, into=label)
        return [
            self.value(label, kind, shape),
            self.value(probabilities, graph.type_of(self.dtype), [len(end.classes)]),
        ]

    def classes(self) -> tuple[int, str]:
        """Give the labels as a constant, and their type."""
        graph, classes = self.graph, self.end.classes
        kinds = {type(label) for label in classes}
        if kinds == {str}:
            return int(graph.types.STRING), graph.texts(classes)
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind is None or (kind is int and max(classes) > np.iinfo(np.int64).max):
            raise DataError(
                "the labels of a graph of ONNX must all be texts, booleans, numbers, or integers "
                f"below 2^63; they are {classes[:3]!r}...: fit the model on texts in their place"
            )
        values: NDArray[Any] = np.array(classes, TYPES[kind])
        return graph.type_of(values.dtype), graph.constant(values)

    def numbers(self, score: str) -> list[Any]:
        graph, end = self.graph, self.end
        y = self.form.y(self, score)
        if end.scale is not None:
            wide = graph.cast(y, np.float64)
            wide = graph.node("Mul", wide, graph.constant(end.scale.scale))
            y = graph.cast(graph.node("Add", wide, graph.constant(end.scale.mean)), self.dtype)
        if end.bounds is not None:
            y = graph.node("Max", y, graph.constant(end.bounds.low, self.dtype))
            y = graph.node("Min", y, graph.constant(end.bounds.high, self.dtype))
        if end.n_each > 1:
            by_target = graph.constant([0, end.n_scores // end.n_each, end.n_each])  # 0 is N here
            y = graph.sorted(graph.node("Reshape", y, by_target), axis=2, n=end.n_each)
            y = graph.node("Reshape", y, graph.constant([0, end.n_scores]))
        graph.node("Identity", y, into=self.outputs[0])
        return [self.value(self.outputs[0], graph.type_of(self.dtype), [end.n_scores])]


def _free(name: str, taken: set[str]) -> str:
    """Give an output another name where an input has it."""
    while name in taken:
        name = f"predicted_{name}"
    return name


# ------------------------------------------------------------------ forms


def _softmax_mean(writer: _Writer, scores: list[str]) -> str:
    return writer.log_mean_exp([writer.graph.node("LogSoftmax", s, axis=1) for s in scores])


def _pair(writer: _Writer, score: str) -> str:
    both = [writer.graph.node("Neg", score), score]
    return writer.graph.joined([writer.traced(logistic, one) for one in both])


def _each(writer: _Writer, score: str) -> str:
    """Give probabilities that are never certain: see ``losses.never_certain``."""
    graph, least = writer.graph, np.finfo(writer.dtype).tiny
    most = np.nextafter(writer.dtype.type(1), writer.dtype.type(0))
    y = graph.node("Max", writer.traced(logistic, score), graph.constant(least, writer.dtype))
    return graph.node("Min", y, graph.constant(most, writer.dtype))


def _is_above_0(writer: _Writer, score: str) -> str:
    above = writer.graph.node("Greater", score, writer.graph.constant(0, writer.dtype))
    return writer.graph.cast(above, np.int64)


FORMS = {
    Form.IDENTITY: Nodes(_Writer.mean, lambda writer, score: score),
    Form.EXPONENTIAL: Nodes(
        _Writer.log_mean_exp, lambda writer, score: writer.traced(losses.exponential, score)
    ),
    Form.SOFTMAX: Nodes(
        _softmax_mean,
        lambda writer, score: writer.graph.node("Softmax", score, axis=1),
        lambda writer, score: writer.graph.node("ArgMax", score, axis=1, keepdims=0),
    ),
    Form.PAIR: Nodes(
        _Writer.log_odds,
        _pair,
        lambda writer, score: writer.graph.node(
            "Squeeze", _is_above_0(writer, score), writer.graph.constant([1])
        ),
    ),
    Form.EACH: Nodes(_Writer.log_odds, _each, _is_above_0),
}
