"""The parameters: one flat vector, with W1, b1, W2, b2, ... as named views into it.

Gradients and optimiser slots have the same layout. An optimiser is therefore one expression
over a vector, a copy is one copy, and a file holds one array, while the mathematics reads
``params.W[0]`` and writes into ``gradients.W[0]``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.chance import normal, uniform

Array = NDArray[Any]


class Beside(NamedTuple):
    """The parameters of a network that are in no layer: see equations 14 and 15."""

    n_wide: int = 0  # N_w, the rows of V; 0 for no skip
    scales: bool = False  # whether the inputs are multiplied by s

    def count(self, layer_units: tuple[int, ...]) -> int:
        return self.n_wide * layer_units[-1] + self.scales * layer_units[0]


LAYERS_ALONE = Beside()


@dataclass(frozen=True, eq=False)
class Params:
    """Weights and biases of a network with the given units per layer, and what is beside them.

    Attributes
    ----------
    flat : array of shape (n_parameters,)
        W1 row by row, b1, W2 row by row, b2, ..., V row by row, s; its dtype is the network's
        precision.
    layer_units : tuple of int
        N_x, the units of each hidden layer, N_y.
    W : tuple of arrays of shape (layer_units[l], layer_units[l + 1])
        The weights, views into ``flat``; W[0] is W1.
    b : tuple of arrays of shape (layer_units[l + 1],)
        The biases, views into ``flat``; b[0] is b1.
    V : array of shape (N_w, N_y), or None
        The weights of a skip.
    s : array of shape (N_x,), or None
        The scale of the inputs.
    """

    flat: Array
    layer_units: tuple[int, ...]
    W: tuple[Array, ...]
    b: tuple[Array, ...]
    V: Array | None = None
    s: Array | None = None

    @property
    def beside(self) -> Beside:
        """What there is beside the layers."""
        return Beside(0 if self.V is None else len(self.V), self.s is not None)

    @classmethod
    def view(cls, flat: Array, layer_units: tuple[int, ...], beside: Beside = LAYERS_ALONE) -> Self:
        """Name the parts of a flat vector; it is copied only if its byte order is foreign.

        Raises
        ------
        ValueError
            If the vector does not have the length that the units need.
        """
        if flat.shape != (count(layer_units, beside),):
            raise ValueError(
                f"a network with units {layer_units} has {count(layer_units, beside)} parameters; "
                f"the vector has shape {flat.shape}"
            )
        own = flat if flat.dtype.isnative else owned(flat)
        return cls._named(own, tuple(layer_units), beside)

    @classmethod
    def _named(cls, flat: Array, layer_units: tuple[int, ...], beside: Beside) -> Self:
        W, b, start = [], [], 0
        for n_in, n_out in pairwise(layer_units):
            W.append(flat[start : start + n_in * n_out].reshape(n_in, n_out))
            start += n_in * n_out
            b.append(flat[start : start + n_out])
            start += n_out
        end_of_V = start + beside.n_wide * layer_units[-1]
        V = flat[start:end_of_V].reshape(-1, layer_units[-1]) if beside.n_wide else None
        s = flat[end_of_V:] if beside.scales else None
        return cls(flat, layer_units, tuple(W), tuple(b), V, s)

    @classmethod
    def zeros(
        cls,
        layer_units: tuple[int, ...],
        dtype: DTypeLike = np.float64,
        beside: Beside = LAYERS_ALONE,
    ) -> Self:
        native = np.dtype(dtype).newbyteorder("=")
        return cls._named(np.zeros(count(layer_units, beside), native), tuple(layer_units), beside)

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled one by one, the vector and its views would come back as unrelated arrays.
        return self.view, (self.flat, self.layer_units, self.beside)

    def like(self, flat: Array) -> Self:
        """View another vector under the same names: gradients, a slot, complex parameters."""
        return self.view(flat, self.layer_units, self.beside)

    def copy(self) -> Self:
        # unchecked, because every epoch copies
        return self._named(owned(self.flat), self.layer_units, self.beside)

    def among(self, places: NDArray[np.intp], n_inputs: int, n_wide: int) -> Self:
        """Give a network without a skip more inputs, which it does not look at.

        Parameters
        ----------
        places : int array of shape (N_x,)
            Where its own inputs stand among the ``n_inputs``.
        n_inputs, n_wide : int
            The inputs of the first layer, and those of a skip.

        Returns
        -------
        Params
            The same weights, with 0 for every other input.

        Raises
        ------
        ValueError
            If the network has V or s.
        """
        if self.beside != LAYERS_ALONE:
            raise ValueError("a network with a skip or a scale already takes all of its inputs")
        units = (n_inputs, *self.layer_units[1:])
        wider = self.zeros(units, self.flat.dtype, Beside(n_wide))
        wider.W[0][places] = self.W[0]
        for mine, own in zip((*wider.W[1:], *wider.b), (*self.W[1:], *self.b), strict=True):
            mine[...] = own
        return wider

    def named(self) -> Iterator[tuple[str, Array]]:
        """Yield ("W1", W1), ("b1", b1), ("W2", W2), ... in the order of the flat vector."""
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True), start=1):
            yield f"W{layer}", W
            yield f"b{layer}", b
        if self.V is not None:
            yield "V", self.V
        if self.s is not None:
            yield "s", self.s

    @property
    def weights(self) -> tuple[Array, ...]:
        """What a penalty or a decay shrinks, which is all but the biases."""
        beside = (part for part in (self.V, self.s) if part is not None)
        return (*self.W, *beside)

    def __getitem__(self, name: str) -> Array:
        return dict(self.named())[name]


def owned(array: Array) -> Array:
    """Copy an array into memory of our own: writable, contiguous, in native byte order."""
    if type(array) is np.ndarray and array.dtype.isnative:
        return array.copy()
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def count(layer_units: tuple[int, ...], beside: Beside = LAYERS_ALONE) -> int:
    """Count the parameters of a network with these units."""
    in_layers = sum((n_in + 1) * n_out for n_in, n_out in pairwise(layer_units))
    return in_layers + beside.count(layer_units)


def glorot_uniform(
    layer_units: tuple[int, ...],
    activation: str,
    bits: np.random.BitGenerator,
    dtype: DTypeLike = np.float64,
) -> Params:
    """Draw weights and biases from U(-a, a), a = sqrt(6 / (n_in + n_out)) in each layer.

    See Glorot and Bengio (2010), equation 16. As in scikit-learn, biases are drawn too, and
    logistic units, whose slope at zero is a quarter of tanh's, have 2 in place of 6.
    """
    params = Params.zeros(layer_units, dtype)
    for W, b in zip(params.W, params.b, strict=True):
        _draw_glorot(W, b, activation, bits)
    return params


def _draw_glorot(W: Array, b: Array, activation: str, bits: np.random.BitGenerator) -> None:
    bound = np.sqrt(ACTIVATIONS[activation].glorot_factor / sum(W.shape))
    W[...] = bound * (2 * uniform(W.shape, bits) - 1)
    b[...] = bound * (2 * uniform(b.shape, bits) - 1)


INITIALISATIONS = (
    "auto",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "sharp",
    "smooth",
)


def initialise(
    layer_units: tuple[int, ...],
    activations: tuple[str, ...],
    bits: np.random.BitGenerator,
    dtype: DTypeLike = np.float64,
    method: str = "auto",
    beside: Beside = LAYERS_ALONE,
) -> Params:
    """Draw weights of mean 0; biases are 0, or drawn too if the method is Glorot's uniform.

    The variance of a layer's weights is

        glorot   2 / (n_in + n_out)    Glorot and Bengio (2010), equation 12
        he       2 / n_in              He et al. (2015), equation 10
        lecun    1 / n_in              LeCun et al. (1998), equation 16

    "auto" chooses for each layer by the activation that follows it: LeCun's normal for selu, as
    Klambauer et al. (2017) derived it; Glorot's uniform (see ``glorot_uniform``) for identity,
    logistic, tanh and relu, as scikit-learn does; He's uniform for the others. The last layer
    follows the last hidden one. "sharp" is He's normal with a last layer of 0, so that training
    begins at equal scores; "smooth" is the same with biases of hidden layers from U(-1, 1). The
    weights of a skip begin at 0, the scale of the inputs at 1.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    if method not in INITIALISATIONS:
        raise ValueError(f"init must be one of {sorted(INITIALISATIONS)}; got {method!r}")
    params = _beside_at_start(layer_units, dtype, beside)
    if method in ("sharp", "smooth"):
        for W, b in zip(params.W[:-1], params.b[:-1], strict=True):
            W[...] = _scaled("he_normal", W.shape, bits)
            if method == "smooth":
                b[...] = 2 * uniform(b.shape, bits) - 1
        return params
    followed_by = (*activations, activations[-1]) if activations else ("identity",)
    for W, b, activation in zip(params.W, params.b, followed_by, strict=True):
        chosen = ACTIVATIONS[activation].start if method == "auto" else method
        if chosen == "glorot_uniform":
            _draw_glorot(W, b, activation, bits)
        else:
            W[...] = _scaled(chosen, W.shape, bits)
    return params


def _beside_at_start(layer_units: tuple[int, ...], dtype: DTypeLike, beside: Beside) -> Params:
    params = Params.zeros(layer_units, dtype, beside)
    if params.s is not None:
        params.s[...] = 1
    return params


def _scaled(method: str, shape: tuple[int, ...], bits: np.random.BitGenerator) -> Array:
    name, distribution = method.split("_")
    n_in, n_out = shape
    variance = {"glorot": 2 / (n_in + n_out), "he": 2 / n_in, "lecun": 1 / n_in}[name]
    if distribution == "normal":
        return math.sqrt(variance) * normal(shape, bits)
    return math.sqrt(3 * variance) * (2 * uniform(shape, bits) - 1)


def given(
    layer_units: tuple[int, ...],
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    dtype: DTypeLike = np.float64,
    beside: Beside = LAYERS_ALONE,
) -> Params:
    """Copy existing weights and biases; what is beside the layers begins as in ``initialise``.

    Raises
    ------
    ValueError
        If their number or a shape does not fit the units, or a value is not finite.
    """
    params = _beside_at_start(layer_units, dtype, beside)
    if not len(weights) == len(biases) == len(params.W):
        raise ValueError(
            f"there must be weights and biases for {len(params.W)} layers; "
            f"got {len(weights)} and {len(biases)}"
        )
    layers = zip(weights, biases, strict=True)
    for (name, view), part in zip(params.named(), chain(*layers), strict=False):
        array = np.asarray(part)
        if array.shape != view.shape:
            raise ValueError(f"{name} must have shape {view.shape}; got {array.shape}")
        view[...] = array
        if not np.isfinite(view).all():
            raise ValueError(f"{name} must be finite in {view.dtype}; it has values that are not")
    return params
