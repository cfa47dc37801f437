"""All randomness: orders, numbers and streams from the raw bits of a generator, and hashes.

Callers pass in a bit generator, of which only the raw 64-bit output is used: NumPy keeps that
stream unchanged between versions, which it does not promise for ``Generator.permutation``. So a
seed means the same rows and weights in ten years. Where a random number must not depend on the
order of the calls, it is a hash of the place it is for: SplitMix64 (Steele, Lea and Flood, 2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.intp]
Keys = NDArray[np.uint64]

# SplitMix64: the increment of its state, and the factors that spread the bits of a number.
GOLDEN = 0x9E3779B97F4A7C15
FACTOR_1, FACTOR_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def shuffled(n: int, bits: np.random.BitGenerator) -> Order:
    """Put the rows 0 to n - 1 in a random order, each of the n! orders equally likely.

    Sorting random keys costs n log n, where a swap per row would cost n, but it runs without a
    Python loop; with the row's number in the lowest bits of its key it takes half the time of
    ``argsort``. Two rows whose random bits are equal stay in order: among a million rows, with
    44 random bits each, that happens to one pair in about thirty epochs.
    """
    places = (n - 1).bit_length() if n > 1 else 1
    keys = bits.random_raw(n)
    keys >>= np.uint64(places)
    keys <<= np.uint64(places)
    keys |= np.arange(n, dtype=np.uint64)
    keys.sort()
    keys &= np.uint64((1 << places) - 1)
    return keys.astype(np.intp)


def order_for(n: int, *place: int) -> Order:
    """Put the rows 0 to n - 1 in a random order that depends on nothing but the place it is for.

    Parameters
    ----------
    n : int
    *place : int
        A seed and, say, the number of a column; each is taken modulo 2^64.
    """
    return np.argsort(_keys_for(n, place), kind="stable")


def share_for(*place: int) -> float:
    """Draw a number in [0, 1) that depends on nothing but the place it is for."""
    return float(_keys_for(1, place)[0] >> np.uint64(11)) * 2.0**-53


def _keys_for(n: int, place: tuple[int, ...]) -> Keys:
    key = np.zeros(1, dtype=np.uint64)
    for part in place:
        key = mixed(key + np.uint64((part + GOLDEN) % 2**64))
    return mixed(key + np.arange(n, dtype=np.uint64) * np.uint64(GOLDEN))


def uniform(shape: tuple[int, ...], bits: np.random.BitGenerator) -> NDArray[np.float64]:
    """Turn the top 53 of each 64 raw bits, all that a double can hold, into a number in [0, 1)."""
    raw = bits.random_raw(int(np.prod(shape)))
    numbers: NDArray[np.float64] = (raw >> np.uint64(11)) * np.float64(2.0**-53)
    return numbers.reshape(shape)


def normal(shape: tuple[int, ...], bits: np.random.BitGenerator) -> NDArray[np.float64]:
    """Draw normal numbers, each from two uniform ones (Box and Muller, 1958)."""
    u, v = uniform((2, *shape), bits)
    numbers: NDArray[np.float64] = np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * v)
    return numbers


def streams(bits: np.random.PCG64, n: int) -> list[np.random.PCG64]:
    """Make independent streams for n networks; the first is the generator passed in."""
    return [bits, *(bits.jumped(number) for number in range(1, n))]


def mixed(z: Keys) -> Keys:
    """Spread every bit over all 64, as the last step of SplitMix64 does."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(FACTOR_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(FACTOR_2)
    return z ^ (z >> np.uint64(31))
