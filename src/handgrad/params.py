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
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handgrad.activations import ACTIVATIONS
from handgrad.chance import normal, uniform

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Params:
    """Weights and biases of a network with the given units per layer.

    Attributes
    ----------
    flat : array of shape (n_parameters,)
        W1 row by row, b1, W2 row by row, b2, ...; its dtype is the network's precision.
    layer_units : tuple of int
        N_x, the units of each hidden layer, N_y.
    W : tuple of arrays of shape (layer_units[l], layer_units[l + 1])
        The weights, views into ``flat``; W[0] is W1.
    b : tuple of arrays of shape (layer_units[l + 1],)
        The biases, views into ``flat``; b[0] is b1.
    """

    flat: Array
    layer_units: tuple[int, ...]
    W: tuple[Array, ...]
    b: tuple[Array, ...]

    @classmethod
    def view(cls, flat: Array, layer_units: tuple[int, ...]) -> Self:
        """Name the parts of a flat vector; it is copied only if its byte order is foreign.

        Raises
        ------
        ValueError
            If the vector does not have the length that the units need.
        """
        if flat.shape != (count(layer_units),):
            raise ValueError(
                f"a network with units {layer_units} has {count(layer_units)} parameters; "
                f"the vector has shape {flat.shape}"
            )
        return cls._named(flat if flat.dtype.isnative else owned(flat), tuple(layer_units))

    @classmethod
    def _named(cls, flat: Array, layer_units: tuple[int, ...]) -> Self:
        W, b, start = [], [], 0
        for n_in, n_out in pairwise(layer_units):
            W.append(flat[start : start + n_in * n_out].reshape(n_in, n_out))
            start += n_in * n_out
            b.append(flat[start : start + n_out])
            start += n_out
        return cls(flat, layer_units, tuple(W), tuple(b))

    @classmethod
    def zeros(cls, layer_units: tuple[int, ...], dtype: DTypeLike = np.float64) -> Self:
        native = np.dtype(dtype).newbyteorder("=")
        return cls._named(np.zeros(count(layer_units), native), tuple(layer_units))

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled one by one, the vector and its views would come back as unrelated arrays.
        return self.view, (self.flat, self.layer_units)

    def like(self, flat: Array) -> Self:
        """View another vector under the same names: gradients, a slot, complex parameters."""
        return self.view(flat, self.layer_units)

    def copy(self) -> Self:
        return self._named(owned(self.flat), self.layer_units)  # unchecked: every epoch copies

    def named(self) -> Iterator[tuple[str, Array]]:
        """Yield ("W1", W1), ("b1", b1), ("W2", W2), ... in the order of the flat vector."""
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True), start=1):
            yield f"W{layer}", W
            yield f"b{layer}", b

    def __getitem__(self, name: str) -> Array:
        return dict(self.named())[name]


def owned(array: Array) -> Array:
    """Copy an array into memory of our own: writable, contiguous, in native byte order."""
    if type(array) is np.ndarray and array.dtype.isnative:
        return array.copy()
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def count(layer_units: tuple[int, ...]) -> int:
    """Count the weights and biases of a network with these units."""
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(layer_units))


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
)


def initialise(
    layer_units: tuple[int, ...],
    activations: tuple[str, ...],
    bits: np.random.BitGenerator,
    dtype: DTypeLike = np.float64,
    method: str = "auto",
) -> Params:
    """Draw weights of mean 0; biases are 0, or drawn too if the method is Glorot's uniform.

    The variance of a layer's weights is

        glorot   2 / (n_in + n_out)    Glorot and Bengio (2010), equation 12
        he       2 / n_in              He et al. (2015), equation 10
        lecun    1 / n_in              LeCun et al. (1998), equation 16

    "auto" chooses for each layer by the activation that follows it: LeCun's normal for selu, as
    Klambauer et al. (2017) derived it; Glorot's uniform (see ``glorot_uniform``) for identity,
    logistic, tanh and relu, as scikit-learn does; He's uniform for the others. The last layer
    follows the last hidden one.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    if method not in INITIALISATIONS:
        raise ValueError(f"init must be one of {sorted(INITIALISATIONS)}; got {method!r}")
    params = Params.zeros(layer_units, dtype)
    followed_by = (*activations, activations[-1]) if activations else ("identity",)
    for W, b, activation in zip(params.W, params.b, followed_by, strict=True):
        chosen = ACTIVATIONS[activation].start if method == "auto" else method
        if chosen == "glorot_uniform":
            _draw_glorot(W, b, activation, bits)
        else:
            W[...] = _scaled(chosen, W.shape, bits)
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
) -> Params:
    """Copy existing weights and biases.

    Raises
    ------
    ValueError
        If their number or a shape does not fit the units, or a value is not finite.
    """
    params = Params.zeros(layer_units, dtype)
    if not len(weights) == len(biases) == len(params.W):
        raise ValueError(
            f"there must be weights and biases for {len(params.W)} layers; "
            f"got {len(weights)} and {len(biases)}"
        )
    layers = zip(weights, biases, strict=True)
    for (name, view), part in zip(params.named(), chain(*layers), strict=True):
        array = np.asarray(part)
        if array.shape != view.shape:
            raise ValueError(f"{name} must have shape {view.shape}; got {array.shape}")
        view[...] = array
        if not np.isfinite(view).all():
            raise ValueError(f"{name} must be finite in {view.dtype}; it has values that are not")
    return params
