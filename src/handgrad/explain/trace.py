"""A trace: every quantity of equations (1) to (15) for some rows, by the article's names.

The numbers are those of ``network.forward``, ``backward`` and ``optim.SGD``, which a trace
calls and whose results it keeps; at depth two they equal ``two_layer.py``'s to the last bit.

    t = trace_two_layer(*params, x, y_t)      t["dW2"], t["r"]; print(t) shows them all
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.explain.equations import Equation, equations, parameter_names, unit_name
from handgrad.explain.formula import mathml
from handgrad.html import plain_table, sentence
from handgrad.network import Architecture, backward, forward, inputs, loss
from handgrad.optim import SGD
from handgrad.params import Params

if TYPE_CHECKING:
    from handgrad.network import Tape

Array = NDArray[Any]

MOST_NUMBERS = 6  # in an array that is written out; a larger one shows its range


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Mapping[str, Array]):
    """The quantities of one pass: ``trace["dW2"]`` is an array, ``list(trace)`` has the names.

    With one hidden layer the names are x, W1, b1, W2, b2; r, h, score, y; L, dscore, dW2, db2,
    dh, dr, dW1, db1; and W1_new, ... after the step (13). With several hidden layers they are
    r1, h1, r2, h2, ..., dh1, dr1, ...; with none there are no r and h. A skip brings u, w, V, dV
    and V_new; a scale of the inputs brings s, h0, dh0, ds and s_new. Without y_t, the trace ends
    with y.

    Attributes
    ----------
    architecture : Architecture
    y_t : array or None
        The truth: class numbers of shape (n,), or targets of shape (n, N_y).
    weight : array of shape (n,) or None
    l2, lr : float
        Strength of the penalty; length of the step.
    arrays : dict of str to array
        The quantities.
    """

    architecture: Architecture
    y_t: Array | None
    weight: Array | None
    l2: float
    lr: float
    arrays: dict[str, Array]

    def __getitem__(self, name: str) -> Array:
        if name not in self.arrays:
            raise KeyError(f"the trace has no {name!r}; it has {', '.join(self.arrays)}")
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self["x"])

    @property
    def rows(self) -> Array:
        """The rows as the network takes them in, x and the u of a skip, shape (n, n_inputs)."""
        return np.hstack([self["x"], self["u"]]) if self.architecture.skip else self["x"]

    @property
    def equations(self) -> list[Equation]:
        """The equations of the quantities, in the order of computing."""
        every = equations(self.architecture, weighted=self.weight is not None, l2=self.l2)
        return [equation for equation in every if equation.name in self.arrays]

    @property
    def params(self) -> Params:
        """The parameters that the rows went through."""
        return self._parameters("{}")

    @property
    def gradients(self) -> Params:
        return self._parameters("d{}")

    @property
    def stepped(self) -> Params:
        """The parameters after the step (13)."""
        return self._parameters("{}_new")

    @property
    def loss_after(self) -> float:
        """The loss of the same rows after the step (13)."""
        stepped = self.stepped
        tape = forward(self.architecture, stepped, self.rows)
        return float(loss(self.architecture, stepped, tape, self.truth, self.weight, self.l2))

    @property
    def promised_change(self) -> float:
        """Give the change of the loss that the gradient promises for (13), -lr |gradient|^2."""
        return -self.lr * float(np.sum(np.square(self.gradients.flat, dtype=np.float64)))

    @property
    def is_smoothed(self) -> bool:
        """Whether the loss spreads a part of each truth over all classes."""
        return self.architecture.loss.label_smoothing > 0

    @property
    def truth(self) -> Array:
        """The truth y_t; a ValueError if the trace has none."""
        if self.y_t is None:
            raise ValueError("a trace without y_t has no loss; pass the truth: trace(..., y_t)")
        return self.y_t

    def _parameters(self, pattern: str) -> Params:
        names = map(pattern.format, parameter_names(self.architecture))
        flat = np.concatenate([self[name].ravel() for name in names])
        return Params.view(flat, self.architecture.layer_units, self.architecture.beside)

    def namespace(self) -> dict[str, Any]:
        """Return the names that the lines of the equations use, NumPy included."""
        known: dict[str, Any] = {
            "n": self.n,
            "N_y": self.architecture.layer_units[-1],
            "y_t": self.y_t,
        }
        known |= {"weight": self.weight, "l2": self.l2, "lr": self.lr, "np": np}
        if any("scipy" in equation.line for equation in self.equations):
            import scipy.stats

            known["scipy"] = scipy
        if self.y_t is not None:
            known |= self.architecture.head.names_in_lines(self.architecture.loss, self.y_t)
        return {**known, **self.arrays}

    # -- text and HTML --------------------------------------------------------------------------

    def __repr__(self) -> str:
        rows = [(*cells, e.line if e else "given") for *cells, e in self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True))
            for row in rows
        ]
        return "\n".join([self._title, *lines])

    def _repr_html_(self) -> str:
        rows = []
        for number, name, shape, values, e in self._rows():
            line = f"<code>{sentence(e.line)}</code>" if e else ""
            rows.append((number, mathml(e.formula if e else name), shape, values, line))
        table = plain_table(("", "equation", "shape", "values", "NumPy"), rows, "text-align:left")
        return f"<div style='overflow-x:auto'><p>{sentence(self._title)}</p>{table}</div>"

    def _rows(self) -> Iterator[tuple[str, str, str, str, Equation | None]]:
        """List the quantities: number, name, shape, values, and the equation unless it is given."""
        by_name = {equation.name: equation for equation in self.equations}
        for name, value in self.arrays.items():
            equation = by_name.get(name)
            number = f"({equation.number})" if equation else ""
            yield number, name, str(np.shape(value) or "scalar"), brief(value), equation

    @property
    def _title(self) -> str:
        rows = "1 row" if self.n == 1 else f"{self.n:,} rows"
        ending = f"; L = {float(self['L']):.4g}" if "L" in self.arrays else ""
        return (
            f"trace of {rows} through {network_words(self.architecture, self['W1'].dtype)}{ending}"
        )


def network_words(architecture: Architecture, dtype: Any) -> str:
    """Describe a network: "2-2-3 units, relu, softmax, a skip from 9 inputs, float64"."""
    units = "-".join(map(str, architecture.layer_units))
    names = architecture.activations
    words = f", {names[0] if len(set(names)) == 1 else ' and '.join(names)}" if names else ""
    skip = f", a skip from {architecture.beside.n_wide:,} inputs" if architecture.skip else ""
    scale = ", a scale of its inputs" if architecture.scales else ""
    return f"{units} units{words}, {architecture.output}{skip}{scale}, {dtype}"


def brief(value: Array) -> str:
    """Write out an array of a few numbers; describe a larger one by its range and its zeros."""
    flat = np.ravel(value)
    if flat.size <= MOST_NUMBERS:
        return ", ".join(f"{number + 0.0:.4g}" for number in flat.tolist())  # no -0
    zeros = int(np.count_nonzero(flat == 0))
    some = f"; {zeros:,} of {flat.size:,} are 0" if zeros else ""
    return f"{flat.min() + 0.0:.4g} to {flat.max() + 0.0:.4g}{some}"


@np.errstate(over="ignore", invalid="ignore")  # the trace shows what is infinite
def trace(
    architecture: Architecture,
    params: Params,
    x: Array,
    y_t: Array | None = None,
    weight: Array | None = None,
    l2: float = 0.0,
    *,
    lr: float = 0.1,
) -> Trace:
    """Run some rows forward, backward and through one step, and keep every quantity.

    Parameters
    ----------
    architecture, params, x, y_t, weight, l2
        As for ``network.forward`` and ``network.loss``; x of shape (n, n_inputs), or (n_inputs,)
        for one row, dense. Without y_t there is no loss and nothing backward.
    lr : float
        Length of the step (13).

    Returns
    -------
    Trace

    Raises
    ------
    ValueError
        If x does not have n_inputs columns, or y_t does not have a truth for each row, or holds
        probabilities in place of labels.
    """
    rows = np.atleast_2d(np.asarray(x, params.flat.dtype))
    n_inputs = architecture.n_inputs
    if rows.ndim != 2 or not len(rows) or rows.shape[1] != n_inputs:
        raise ValueError(f"x must have the shape (n, {n_inputs}), n at least 1; got {rows.shape}")
    tape = forward(architecture, params, rows)
    values = {**_given(architecture, rows, tape), **dict(params.named())}
    if architecture.scales:
        values["h0"] = tape.h[0]
    for layer, (r, h) in enumerate(zip(tape.r, tape.h[1:], strict=True), start=1):
        values[unit_name("r", layer, architecture)] = r
        values[unit_name("h", layer, architecture)] = h
    values |= {"score": tape.score, "y": tape.y}
    if y_t is not None:
        y_t = np.atleast_1d(np.asarray(y_t))
        if len(y_t) != len(rows):
            raise ValueError(f"y_t must have a truth for each of {len(rows)} rows; got {len(y_t)}")
        if architecture.head.is_soft(y_t):
            raise ValueError(
                "a trace tells how a label is learnt, and y holds probabilities of labels, of "
                "which (5) is the mean; pass one label a row, such as the likeliest"
            )
        values |= _backward(architecture, params, tape, y_t, weight, l2, lr)
    return Trace(architecture, y_t, weight, l2, lr, values)


def _given(architecture: Architecture, rows: Array, tape: "Tape") -> dict[str, Array]:
    """Name the inputs: x, and with a skip the u of its columns and the wide inputs w."""
    x, u = inputs(architecture, rows)
    return {"x": x} if tape.w is None else {"x": x, "u": u, "w": tape.w}


def _backward(
    architecture: Architecture,
    params: Params,
    tape: "Tape",
    y_t: Array,
    weight: Array | None,
    l2: float,
    lr: float,
) -> dict[str, Array]:
    kept: dict[str, Array] = {}
    gradients = backward(architecture, params, tape, y_t, weight, l2, kept=kept)
    stepped = params.copy()
    SGD().step(stepped.flat, gradients.flat, np.empty((0, 0)), 1, lr)
    L = np.asarray(loss(architecture, params, tape, y_t, weight, l2))
    values = {"L": L, "dscore": kept["dscore"]}
    for layer in range(len(params.W), 0, -1):
        values |= {f"dW{layer}": gradients.W[layer - 1], f"db{layer}": gradients.b[layer - 1]}
        if layer == len(params.W) and gradients.V is not None:
            values["dV"] = gradients.V
        if layer > 1:
            for kind in ("dh", "dr"):
                name = unit_name(kind, layer - 1, architecture)
                values[name] = kept[f"{kind}{layer - 1}"]
    if gradients.s is not None:
        values |= {"dh0": kept["dh0"], "ds": gradients.s}
    return values | {f"{name}_new": value for name, value in stepped.named()}


def trace_two_layer(
    W1: Array, b1: Array, W2: Array, b2: Array, x: Array, y_t: Array | None = None, lr: float = 0.1
) -> Trace:
    """Trace the article's network: ``trace_two_layer(*params, x, y_t)``, as in two_layer.py.

    Parameters
    ----------
    W1, b1, W2, b2 : arrays of shape (N_x, N_h), (N_h,), (N_h, N_y), (N_y,)
    x : array of shape (n, N_x) or (N_x,)
    y_t : int array of shape (n,), or an int for one row
    lr : float
        Length of the step (13).

    Returns
    -------
    Trace
    """
    units = (*np.shape(W1), len(b2))
    parts = [np.asarray(part) for part in (W1, b1, W2, b2)]
    params = Params.view(np.concatenate([part.ravel() for part in parts]), units)
    return trace(Architecture(units), params, x, y_t, lr=lr)
