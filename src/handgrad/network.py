"""The network of any depth: forward to a tape, backward to the gradients. THE REFERENCE.

It is two_layer.py with a loop over layers, and at depth two it equals two_layer.py to the
last bit. With no hidden layer it is softmax regression. The functions are pure: a network
is an Architecture (its shape) and Params (its learnt numbers), both passed in, so one network
serves several threads, and tests may look at every quantity on the tape. Dropout is applied
here by the masks that ``forward`` and ``backward`` multiply by (dropout.py makes them).

Everything runs in the dtype of the parameters: float32, float64, or complex128 for the
complex-step check.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from operator import matmul
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.errors import DataError
from handgrad.losses import PLAIN, LossSettings
from handgrad.output import Output
from handgrad.outputs import OUTPUTS
from handgrad.params import Beside, Params, count, owned
from handgrad.skip import Basis, spread
from handgrad.skip import width as skip_width

Array = NDArray[Any]


@dataclass(frozen=True)
class Architecture:
    """The shape of a network, before it has learnt anything.

    Attributes
    ----------
    layer_units : tuple of int
        N_x, the units of each hidden layer, N_y.
    activation : str or tuple of str
        The activation of the hidden layers, one name for all or one for each: see
        ``activations.ACTIVATIONS``. A tuple of one name, repeated, becomes that name.
    output : str
        "softmax", "logistic", "identity", "absolute", "huber", "quantile" or "poisson"; each
        implies its loss (see ``outputs.py``).
    loss : LossSettings
        The settings of that loss.
    skip : tuple of Basis
        For a skip, the basis of each wide column, whose numbers stand behind the N_x numbers of a
        row (see ``skip.py``); empty for none.
    scales : bool
        Whether each input is multiplied by a scale s that is learnt.

    Raises
    ------
    ValueError
        If a name is unknown or a layer has no unit.
    """

    layer_units: tuple[int, ...]
    activation: str | tuple[str, ...] = "relu"
    output: str = "softmax"
    loss: LossSettings = PLAIN
    skip: tuple[Basis, ...] = ()
    scales: bool = False

    def __post_init__(self) -> None:
        if len(self.layer_units) < 2 or min(self.layer_units) < 1:
            raise ValueError(
                f"layer_units must be N_x, hidden units ..., N_y, each at least 1; "
                f"got {self.layer_units}"
            )
        self._check_activation()
        if self.output not in OUTPUTS:
            raise ValueError(f"output must be one of {sorted(OUTPUTS)}; got {self.output!r}")
        if self.layer_units[-1] % self.n_each:
            raise ValueError(
                f"N_y must be a multiple of {self.n_each} quantiles; got {self.layer_units[-1]}"
            )

    def _check_activation(self) -> None:
        for name in [self.activation] if isinstance(self.activation, str) else self.activation:
            if name not in ACTIVATIONS:
                raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}; got {name!r}")
        if isinstance(self.activation, str):
            return
        if len(self.activation) != len(self.layer_units) - 2:
            raise ValueError(
                f"activation must be one name, or one for each of {len(self.layer_units) - 2} "
                f"hidden layers; got {self.activation}"
            )
        if len(set(self.activation)) < 2:  # so that equal networks are equal values
            object.__setattr__(self, "activation", next(iter(self.activation), "relu"))

    @property
    def n_inputs(self) -> int:
        """How many numbers a row has, which are N_x and one for each wide column."""
        return self.layer_units[0] + len(self.skip)

    @property
    def beside(self) -> Beside:
        """What the parameters hold beside the layers."""
        return Beside(skip_width(self.skip), self.scales)

    @property
    def n_parameters(self) -> int:
        return count(self.layer_units, self.beside)

    @property
    def head(self) -> Output:
        """The output, which owns the prediction, the loss and everything that depends on them."""
        return OUTPUTS[self.output]

    @property
    def without_kernel(self) -> tuple[str, ...]:
        """The activations and the output that only the reference engine knows."""
        bends = [name for name in self.activations if not ACTIVATIONS[name].has_kernel]
        return (*dict.fromkeys(bends), *([] if self.head.has_kernel else [self.output]))

    @property
    def n_each(self) -> int:
        """The number of scores for each target."""
        return self.head.n_each(self.loss)

    @property
    def n_targets(self) -> int:
        """The number of targets in a row of y_t, unless y_t holds class numbers."""
        return self.layer_units[-1] // self.n_each

    @property
    def activations(self) -> tuple[str, ...]:
        """The activation of each hidden layer."""
        if isinstance(self.activation, str):
            return (self.activation,) * (len(self.layer_units) - 2)
        return self.activation


class Tape(NamedTuple):
    """What the forward pass computed, kept because the backward pass needs it."""

    r: tuple[Array, ...]  # the input of each activation: r[0] is (n, N_h)
    h: tuple[Array, ...]  # the input of each layer's product: h[0] is x or x s, h[1] is (n, N_h)
    score: Array  # (n, N_y)
    y: Array  # (n, N_y)
    masks: tuple[Array, ...] = ()  # with dropout, the factors of h in each hidden layer
    w: Array | None = None  # (n, N_w): with a skip, the wide inputs
    x: Array | None = None  # (n, N_x): with a scale, what it multiplies


def forward(
    architecture: Architecture, params: Params, x: Array, masks: tuple[Array, ...] = ()
) -> Tape:
    """Compute equations 1 to 4, once for every layer; x has shape (n, n_inputs), dense or CSR.

    With ``masks`` (see ``dropout.masks``), each h is multiplied by the mask of its layer. With a
    skip, score = h W2 + b2 + w V; with a scale, x s stands in the place of x.
    """
    r, h, score, w = pass_layers(architecture, params, x, masks)
    scaled = None if params.s is None else inputs(architecture, x)[0]
    return Tape(r, h, score, architecture.head.predict(score), masks, w, scaled)


def pass_layers(
    architecture: Architecture,
    params: Params,
    x: Array,
    masks: tuple[Array, ...] = (),
    product: Callable[[Array, Array], Array] = matmul,
) -> tuple[tuple[Array, ...], tuple[Array, ...], Array, Array | None]:
    """Compute equations 1 to 3: r, h, score and w of ``Tape``, by any product of h and W."""
    x, u = inputs(architecture, x)
    r, h = [], [x if params.s is None else x * params.s]
    for W, b, name in zip(params.W[:-1], params.b[:-1], architecture.activations, strict=True):
        r.append(product(h[-1], W) + b)
        h.append(ACTIVATIONS[name].forward(r[-1]))
        if masks:
            h[-1] = masks[len(r) - 1] * h[-1]
    score = product(h[-1], params.W[-1]) + params.b[-1]
    w = None if params.V is None else spread(architecture.skip, u)
    if w is not None and params.V is not None:
        score = score + product(w, params.V)
    return tuple(r), tuple(h), score, w


def inputs(architecture: Architecture, x: Array) -> tuple[Array, Array]:
    """Divide rows into the x of the layers, (n, N_x), and the u of a skip, (n, wide columns)."""
    if not architecture.skip:
        return x, x[:, :0]
    N_x = architecture.layer_units[0]
    return x[:, :N_x], x[:, N_x:]


def cut_off(architecture: Architecture, params: Params, layer: int) -> tuple[Architecture, Params]:
    """Cut a network off before the activation of a hidden layer, from 1: its score is that r.

    The network has no scale of its inputs; `scale_folded` gives one without.
    """
    units = architecture.layer_units[: layer + 1]
    before = Architecture(units, architecture.activations[: layer - 1], "identity")
    return before, Params.view(params.flat[: count(units)], units)


WEIGHTS_TO_BLAME = 1e6  # no healthy training has a weight larger than this


def check_finite(values: Array, networks: Iterable[Params], what: str = "scores") -> None:
    """Refuse results of networks, shape (n, k), that are not finite.

    Raises
    ------
    DataError
        If one is not; the message blames the weights or names the row whose input is too large.
    """
    is_finite = np.isfinite(values)
    if is_finite.all():
        return
    largest = max(float(np.abs(params.flat).max()) for params in networks)
    if largest > WEIGHTS_TO_BLAME:
        raise DataError(
            f"{what} of the network are too large for {values.dtype}, because it has weights up "
            f"to {largest:.3g}: its training exploded or its file is damaged; fit it again"
        )
    raise DataError(
        f"{what} of row {is_finite.all(axis=1).argmin() + 1} are too large for {values.dtype}: "
        "its cells lie too far from those of the training rows; check the row"
    )


def first_bad_layer(architecture: Architecture, params: Params, x: Array) -> int | None:
    """Find the first layer, from 1, that is not finite; None if all are.

    A layer is finite if its parameters, its inputs and its outputs for these rows are.
    """
    h: Any = inputs(architecture, x)[0]
    if params.s is not None:
        h = h * params.s
    activations = (*architecture.activations, "identity")
    layers = zip(params.W, params.b, activations, strict=True)
    for number, (W, b, name) in enumerate(layers, start=1):
        r = h @ W + b
        h = ACTIVATIONS[name].forward(r)
        if not all(np.isfinite(part).all() for part in (W, b, r, h)):
            return number
    return None


def loss(
    architecture: Architecture,
    params: Params,
    tape: Tape,
    y_t: Array,
    weight: Array | None = None,
    l2: float = 0.0,
) -> Any:
    """Compute equation 5 plus the penalty l2/2 (|W1|^2 + |W2|^2 + ...), which skips biases."""
    rows = architecture.head.mean_loss(tape.score, y_t, weight, architecture.loss)
    return rows + penalty(params, l2)


def penalty(params: Params, l2: float) -> Any:
    """Compute l2/2 sum W^2 over all weights, V and s too, accumulated in float64 (complex128)."""
    wide = np.promote_types(params.flat.dtype, np.float64)
    return l2 / 2 * sum(np.add.reduce(np.multiply(W, W, dtype=wide), None) for W in params.weights)


def backward(
    architecture: Architecture,
    params: Params,
    tape: Tape,
    y_t: Array,
    weight: Array | None = None,
    l2: float = 0.0,
    *,
    kept: dict[str, Array] | None = None,
) -> Params:
    """Compute equations 6 to 12, 14 and 15: the gradient of ``loss`` in every parameter.

    The loop walks from the last layer to the first; d is dscore there and dr below it. If
    ``kept`` is given, it receives the intermediate results: dscore, then dh2, dr2, dh1, dr1.
    """
    gradients = Params.zeros(params.layer_units, params.flat.dtype, params.beside)
    wide = np.result_type(params.flat, np.float64)  # sums over rows accumulate in float64
    d = architecture.head.dscore(tape.y, y_t, weight, architecture.loss)
    if kept is not None:
        kept["dscore"] = d
    if gradients.V is not None and params.V is not None and tape.w is not None:
        gradients.V[...] = tape.w.T @ d  # (N_w, N_y) (14)
        if l2:
            gradients.V[...] += l2 * params.V
    for layer in reversed(range(len(params.W))):
        # in the forward pass r = h W + b, so now dW = h^T d, db = sum of d, dh = d W^T
        gradients.W[layer][...] = tape.h[layer].T @ d
        gradients.b[layer][...] = d.sum(axis=0, dtype=wide)
        if l2:
            gradients.W[layer][...] += l2 * params.W[layer]
        if layer > 0:
            dh = d @ params.W[layer].T
            activation = ACTIVATIONS[architecture.activations[layer - 1]]
            if tape.masks:
                # in the forward pass h = mask a with a = activation(r), so now da = mask dh
                da, a = tape.masks[layer - 1] * dh, activation.forward(tape.r[layer - 1])
                d = activation.backward(da, tape.r[layer - 1], a)
            else:
                d = activation.backward(dh, tape.r[layer - 1], tape.h[layer])
            if kept is not None:
                kept.update({f"dh{layer}": dh, f"dr{layer}": d})
    if gradients.s is not None and params.s is not None and tape.x is not None:
        dh = d @ params.W[0].T
        gradients.s[...] = (tape.x * dh).sum(axis=0, dtype=wide)  # (N_x,) (15)
        if l2:
            gradients.s[...] += l2 * params.s
        if kept is not None:
            kept["dh0"] = dh
    return gradients


def scale_folded(architecture: Architecture, params: Params) -> tuple[Architecture, Params]:
    """Multiply the scale of the inputs into W1, so that (x s) W1 becomes x (diag(s) W1)."""
    if params.s is None:
        return architecture, params
    rest = params.beside._replace(scales=False)
    folded = Params.view(owned(params.flat[: -params.s.size]), params.layer_units, rest)
    folded.W[0][...] *= params.s[:, None]
    return replace(architecture, scales=False), folded
