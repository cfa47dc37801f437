"""A graph of ONNX under way: its nodes, constants and names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import DataError
from handgrad.export.tracing import INPUT, Formula, Number

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

OF_TEXTS = "ai.onnx.ml"
DOMAINS = {"": 19, OF_TEXTS: 3}  # onnxruntime 1.16 reads them, and so does every later one

# Coefficients of Q, the lowest power first, in erfc(z) = e^(-z^2) t Q(2 t - 1) for z >= 0 and
# t = 4 / (4 + z): the polynomial of degree 20 that equals erfcx(z) / t at Chebyshev's points.
ERFC = (
    0.2739989152501222, 0.24413718227022851, 0.19330217556642992, 0.13521345782780503,
    0.08271289696550546, 0.04350273431964559, 0.019095378777158147, 0.006592513249789353,
    0.0015280136083873808, 7.024012705821197e-05, -0.00011376215201082176, -4.420438093129869e-05,
    -9.106456463950869e-07, 4.717305296127929e-06, 1.175122085201383e-06, -3.5832870230203825e-07,
    -2.1122343370040384e-07, 2.034273830414454e-08, 2.9382831715908205e-08,
    -6.763983880536835e-10, -2.7079622115036894e-09,
)  # fmt: skip


def library() -> Any:
    """Give the package onnx.

    Raises
    ------
    DataError
        If it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise DataError(
            'to write a model as ONNX, pip install "handgrad[onnx]" (in a clone, pip install '
            '".[onnx]")'
        ) from None
    return onnx


class Graph:
    """Nodes and constants, named so that no name is one of those that are taken.

    Parameters
    ----------
    taken : collection of str
        The names of what goes into the graph and comes out.
    """

    def __init__(self, taken: Collection[str]) -> None:
        onnx = library()
        self.types, self._make, self._tensor = onnx.TensorProto, onnx.helper, onnx.numpy_helper
        self.nodes: list[Any] = []
        self._constants: dict[tuple[Any, ...], Any] = {}
        self._taken = set(taken)

    @property
    def constants(self) -> list[Any]:
        """All constants, in the order in which they came."""
        return list(self._constants.values())

    def type_of(self, dtype: DTypeLike) -> int:
        """Give ONNX's number for a type of NumPy."""
        return int(self._make.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def node(self, kind: str, *inputs: str, into: str = "", **settings: Any) -> str:
        """Add an operation; give the name of what comes out."""
        into = into or self._name(f"/{kind}", len(self.nodes))
        self.nodes.append(self._make.make_node(kind, inputs, [into], name=into, **settings))
        return into

    def sorted(self, x: str, axis: int, n: int) -> str:
        """Sort along an axis of n numbers, which ascend then."""
        found, places = (self._name(f"/{what}", len(self.nodes)) for what in ("sorted", "places"))
        settings = {"name": found, "axis": axis, "largest": 0}
        given = [x, self.constant([n])]
        self.nodes.append(self._make.make_node("TopK", given, [found, places], **settings))
        return found

    def constant(self, values: Any, dtype: DTypeLike | None = None) -> str:
        """Add an array, whole numbers as int64; one that is there already is used again."""
        array: NDArray[Any] = np.asarray(values, dtype)
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._constants:
            name = self._name("/constant", len(self._constants))
            self._constants[key] = self._tensor.from_array(np.ascontiguousarray(array), name)
            self._constants[key].dims[:] = array.shape  # ascontiguousarray gives scalars an axis
        return str(self._constants[key].name)

    def codes_of(self, x: str, codes: dict[str, int]) -> str:
        """Give the code of each text, int64; 0 where it has none."""
        values: Any = {"keys_strings": [*codes], "values_int64s": [*codes.values()]}
        return self.node("LabelEncoder", x, domain=OF_TEXTS, default_int64=0, **values)

    @property
    def domains(self) -> dict[str, int]:
        """The versions of the sets of operations that are used."""
        used = {node.domain for node in self.nodes}
        return {domain: version for domain, version in DOMAINS.items() if domain in used}

    def texts(self, texts: Sequence[str]) -> str:
        """Add an array of texts."""
        key = ("texts", *texts)
        if key not in self._constants:
            name = self._name("/constant", len(self._constants))
            encoded = [text.encode() for text in texts]
            made = self._make.make_tensor(name, self.types.STRING, [len(texts)], encoded)
            self._constants[key] = made
        return str(self._constants[key].name)

    def cast(self, x: str, dtype: DTypeLike) -> str:
        return self.node("Cast", x, to=self.type_of(dtype))

    def joined(self, parts: Sequence[str], *, axis: int = 1) -> str:
        """Put arrays beside each other; one alone stays as it is."""
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=axis)

    def computed(self, formula: Formula, x: str, dtype: DTypeLike) -> str:
        """Compute what ``tracing.traced`` has found, of numbers of a type.

        Raises
        ------
        DataError
            If it has a step that is not among the ``OPERATIONS``.
        """
        found: list[str] = []

        def operand(one: int | Number) -> str:
            if isinstance(one, Number):
                return self.constant(one.value, dtype)
            return x if one == INPUT else found[one]

        for step in formula.steps:
            if step.name not in OPERATIONS:
                raise DataError(
                    f"a model that computes {step.name!r} cannot be written as ONNX yet; write it "
                    "in another form"
                )
            found.append(OPERATIONS[step.name](self, dtype, *map(operand, step.operands)))
        return operand(formula.result)

    def _name(self, start: str, number: int) -> str:
        name = f"{start}_{number}"
        while name in self._taken:
            name = f"/{name}"
        return name


def _of(kind: str) -> Callable[..., str]:
    return lambda graph, dtype, *operands: graph.node(kind, *operands)


def _expm1(graph: Graph, dtype: DTypeLike, x: str) -> str:
    """Compute e^x - 1 with the absolute precision of the type, which is what predictions need."""
    return graph.node("Sub", graph.node("Exp", x), graph.constant(1, dtype))


def _log1p(graph: Graph, dtype: DTypeLike, x: str) -> str:
    """Compute log(u) x / (u - 1) for u = 1 + x, where the rounding of u cancels; x if u = 1.

    Of two networks, one as sure of a label as the other is of its absence, such a trifle decides.
    """
    one = graph.constant(1, dtype)
    u = graph.node("Add", x, one)
    slope = graph.node("Div", x, graph.node("Sub", u, one))
    is_small = graph.node("Equal", u, one)
    return graph.node("Where", is_small, x, graph.node("Mul", graph.node("Log", u), slope))


def _erfc(graph: Graph, dtype: DTypeLike, x: str) -> str:
    """Compute erfc in float64, to 1e-14: onnxruntime has no Erf of it."""
    wide = x if dtype == np.float64 else graph.cast(x, np.float64)
    z = graph.node("Abs", wide)
    four = graph.constant(4.0)
    t = graph.node("Div", four, graph.node("Add", z, four))
    s = graph.node("Sub", graph.node("Add", t, t), graph.constant(1.0))
    q = graph.constant(ERFC[-1])
    for coefficient in ERFC[-2::-1]:
        q = graph.node("Add", graph.node("Mul", q, s), graph.constant(coefficient))
    bell = graph.node("Exp", graph.node("Neg", graph.node("Mul", z, z)))
    tail = graph.node("Mul", graph.node("Mul", bell, t), q)
    is_right = graph.node("Greater", wide, graph.constant(0.0))
    rest = graph.node("Sub", graph.constant(2.0), tail)
    found = graph.node("Where", is_right, tail, rest)
    return found if dtype == np.float64 else graph.cast(found, dtype)


# The steps of traced functions, by NumPy's names. Only kernels that onnxruntime has for float64,
# too: it lacks Elu, Selu, LeakyRelu, Softplus, Erf, Gelu and Mish of these.
OPERATIONS: dict[str, Callable[..., str]] = {
    "add": _of("Add"),
    "subtract": _of("Sub"),
    "multiply": _of("Mul"),
    "divide": _of("Div"),
    "negative": _of("Neg"),
    "floor": _of("Floor"),
    "greater": _of("Greater"),
    "where": _of("Where"),
    "maximum": _of("Max"),
    "exp": _of("Exp"),
    "expm1": _expm1,
    "log1p": _log1p,
    "tanh": _of("Tanh"),
    "sin": _of("Sin"),
    "cos": _of("Cos"),
    "erfc": _erfc,
}
