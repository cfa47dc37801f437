"""The parameters: one flat vector, with W1, b1, W2, b2, ... as named views into it.

Gradients and optimiser slots have the same layout. So an optimiser is one expression over
a vector, a copy is one copy, and a file holds one array; while the mathematics reads
``params.W[0]`` and writes into ``gradients.W[0]``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

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
        """Name the parts of a flat vector; nothing is copied.

        Raises
        ------
        ValueError
            If the length of the vector is not what the units need.
        """
        if flat.shape != (count(layer_units),):
            raise ValueError(
                f"a network with units {layer_units} has {count(layer_units)} parameters; "
                f"the vector has shape {flat.shape}"
            )
        W, b, start = [], [], 0
        for n_in, n_out in pairwise(layer_units):
            W.append(flat[start : start + n_in * n_out].reshape(n_in, n_out))
            start += n_in * n_out
            b.append(flat[start : start + n_out])
            start += n_out
        return cls(flat, tuple(layer_units), tuple(W), tuple(b))

    @classmethod
    def zeros(cls, layer_units: tuple[int, ...], dtype: DTypeLike = np.float64) -> Self:
        return cls.view(np.zeros(count(layer_units), dtype), layer_units)

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled one by one, vector and views would come back as unrelated arrays.
        return self.view, (self.flat, self.layer_units)

    def like(self, flat: Array) -> Self:
        """View another vector under the same names: gradients, a slot, complex parameters."""
        return self.view(flat, self.layer_units)

    def copy(self) -> Self:
        return self.like(self.flat.copy())

    def named(self) -> Iterator[tuple[str, Array]]:
        """Yield ("W1", W1), ("b1", b1), ("W2", W2), ... in the order of the flat vector."""
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True), start=1):
            yield f"W{layer}", W
            yield f"b{layer}", b

    def __getitem__(self, name: str) -> Array:
        return dict(self.named())[name]


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

    Glorot and Bengio (2010), equation 16. As in scikit-learn, biases are drawn too, and the 6
    is a 2 for logistic units, whose slope at zero is a quarter of tanh's.
    """
    factor = 2.0 if activation == "logistic" else 6.0
    params = Params.zeros(layer_units, dtype)
    for W, b in zip(params.W, params.b, strict=True):
        bound = np.sqrt(factor / sum(W.shape))
        W[...] = bound * (2 * _uniform(W.shape, bits) - 1)
        b[...] = bound * (2 * _uniform(b.shape, bits) - 1)
    return params


def _uniform(shape: tuple[int, ...], bits: np.random.BitGenerator) -> NDArray[np.float64]:
    """Turn the top 53 of each 64 raw bits into a number in [0, 1): all a double can hold."""
    raw = bits.random_raw(int(np.prod(shape)))
    numbers: NDArray[np.float64] = (raw >> np.uint64(11)) * np.float64(2.0**-53)
    return numbers.reshape(shape)
