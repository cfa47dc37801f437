"""Dropout: which units of a batch are left out (Srivastava et al., 2014), as pure functions.

A mask is no stream of chance but a hash of where it applies: seed, update, layer, row of the
batch, unit. So it is the same in every engine, at any number of threads, and after a training
has been resumed. The hash is the generator SplitMix64 (Steele, Lea and Flood, 2014), started
anew for each update and layer; row by row, its numbers belong to the units.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from handgrad.chance import GOLDEN, Keys, mixed

Array = NDArray[Any]


def per_layer(dropout: float | tuple[float, ...], n_hidden: int) -> tuple[float, ...]:
    """Give the share of units to leave out of each hidden layer.

    Raises
    ------
    ValueError
        If a share is not at least 0 and below 1, or if there is not one for each layer.
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
    """Compute where each layer's numbers start, shape (n_updates, n_hidden), from update first."""
    start = mixed(np.array([seed % 2**64], np.uint64) + np.uint64(GOLDEN))
    updates = np.arange(first, first + n_updates, dtype=np.uint64)[:, None]
    layers = np.arange(1, n_hidden + 1, dtype=np.uint64)
    keys = mixed(mixed(start + updates * np.uint64(GOLDEN)) + layers * np.uint64(GOLDEN))
    return keys


def threshold(share: float) -> int:
    """Give the number below which a hash, of 64 bits, leaves its unit out."""
    return int(share * 2**64)


def masks(
    hidden_units: tuple[int, ...],
    shares: tuple[float, ...],
    keys: Keys,
    n: int,
    dtype: DTypeLike,
) -> tuple[Array, ...]:
    """Make the mask of each hidden layer, shape (n, N_h): 0, or 1 / (1 - share) to make up for it.

    Inverted: with what is kept made larger, h has its mean, and prediction needs no change.
    """
    made = []
    for units, share, key in zip(hidden_units, shares, keys, strict=True):
        numbers = np.arange(1, n * units + 1, dtype=np.uint64) * np.uint64(GOLDEN)
        kept = mixed(key + numbers) >= np.uint64(threshold(share))
        made.append((kept / (1 - share)).astype(dtype).reshape(n, units))
    return tuple(made)
