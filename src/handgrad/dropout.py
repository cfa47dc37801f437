"""Dropout: which units of a batch are left out (Srivastava et al., 2014), as pure functions.

A mask is not drawn from a random stream; it is a hash of its place: seed, update, layer, row of
the batch, unit. It is therefore the same in every engine, with any number of threads, and after
training is resumed. The hash is the generator SplitMix64 (Steele, Lea and Flood, 2014),
restarted for each update and layer; its numbers belong to the units, row by row.

The reference applies the masks in ``network.forward`` and ``network.backward``, the compiled
engine the same numbers in ``engines/compiled/activations.py``, function ``drop``.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from handgrad.chance import GOLDEN, Keys, mixed

Array = NDArray[Any]


def per_layer(dropout: float | tuple[float, ...], n_hidden: int) -> tuple[float, ...]:
    """Return the share of units to leave out of each hidden layer.

    Raises
    ------
    ValueError
        If a share is below 0 or not below 1, or their number is not that of the layers.
    """
    shares = dropout if isinstance(dropout, tuple) else (dropout,) * n_hidden
    given = shares if isinstance(dropout, tuple) else (dropout,)
    if not all(0 <= share < 1 for share in given) or len(shares) != n_hidden:
        raise ValueError(
            f"dropout must be one number, or one for each of {n_hidden} hidden layers, at least "
            f"0 and below 1; got {dropout}"
        )
    return tuple(float(share) for share in shares)


def layer_keys(seed: int, first: int, n_updates: int, n_hidden: int) -> Keys:
    """Compute the start of each layer's hash, shape (n_updates, n_hidden), from update first."""
    start = mixed(np.array([seed % 2**64], np.uint64) + np.uint64(GOLDEN))
    updates = np.arange(first, first + n_updates, dtype=np.uint64)[:, None]
    layers = np.arange(1, n_hidden + 1, dtype=np.uint64)
    keys = mixed(mixed(start + updates * np.uint64(GOLDEN)) + layers * np.uint64(GOLDEN))
    return keys


def threshold(share: float) -> int:
    """Return the number below which a 64-bit hash leaves its unit out."""
    return int(share * 2**64)


def masks(
    hidden_units: tuple[int, ...],
    shares: tuple[float, ...],
    keys: Keys,
    n: int,
    dtype: DTypeLike,
) -> tuple[Array, ...]:
    """Make the mask of each hidden layer, shape (n, N_h), of 0 and 1 / (1 - share).

    This is inverted dropout: the units kept are enlarged, so the mean of h stays the same and
    prediction needs no change.
    """
    made = []
    for units, share, key in zip(hidden_units, shares, keys, strict=True):
        numbers = np.arange(1, n * units + 1, dtype=np.uint64) * np.uint64(GOLDEN)
        kept = mixed(key + numbers) >= np.uint64(threshold(share))
        made.append((kept / (1 - share)).astype(dtype).reshape(n, units))
    return tuple(made)
