"""Points of a plane, drawn from a seed: spiral, xor, circles, moons, blobs.

All randomness comes from NumPy's RandomState, whose stream is frozen: a seed means the same points
in ten years, and those of CS231n's spiral are the published ones.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def spiral(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Draw one arm a class; with 100 points an arm and noise 0.2 it is CS231n's."""
    per_class = max(1, n // classes)
    radius = np.linspace(0, 1, per_class)
    arms = []
    for k in range(classes):
        angle = np.linspace(4 * k, 4 * (k + 1), per_class)
        angle = angle + noise * random.standard_normal(per_class)
        arms.append(np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]))
    return np.concatenate(arms)


def xor(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Fill four squares; opposite ones share a class."""
    half = max(2, n // 2)
    place = random.uniform(0.08, 1, (2 * half, 2))
    left = np.where(np.arange(2 * half) % 2, -1, 1)
    up = np.where(np.arange(2 * half) < half, left, -left)
    x: Array = place * np.column_stack([left, up])
    return x + noise / 2 * random.standard_normal((2 * half, 2))


def circles(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Put each class on a ring around the one before."""
    per_class = max(1, n // classes)
    rings = []
    for k in range(classes):
        angle = random.uniform(0, 2 * np.pi, per_class)
        radius = k / (classes - 1) + noise / 2 * random.standard_normal(per_class)
        if k == 0:
            radius = 0.35 / (classes - 1) * np.sqrt(random.uniform(0, 1, per_class)) + radius
        rings.append(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))
    return np.concatenate(rings)


def moons(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Draw two half circles, each with its end in the other."""
    half = max(1, n // 2)
    angle = np.linspace(0, np.pi, half)
    upper = np.column_stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25])
    lower = np.column_stack([0.5 - np.cos(angle), 0.25 - np.sin(angle)])
    together = np.concatenate([upper, lower]) / 1.5
    x: Array = together + noise / 2 * random.standard_normal(together.shape)
    return x


def blobs(random: np.random.RandomState, n: int, classes: int, noise: float) -> Array:
    """Scatter each class around a place of its own on a circle."""
    per_class = max(1, n // classes)
    clouds = []
    for k in range(classes):
        angle = 2 * np.pi * k / classes + 0.4
        centre = 0.65 * np.array([np.cos(angle), np.sin(angle)])
        clouds.append(centre + (0.08 + noise / 2) * random.standard_normal((per_class, 2)))
    return np.concatenate(clouds)


SETS = {"spiral": spiral, "xor": xor, "circles": circles, "moons": moons, "blobs": blobs}
TWO_CLASSES = {"xor", "moons"}


def make_points(
    kind: str, *, n: int, classes: int, noise: float, seed: int
) -> tuple[Array, NDArray[np.intp]]:
    """Draw a set: x of shape (n, 2), about a row for each asked, and the class of each row."""
    n_classes = 2 if kind in TWO_CLASSES else classes
    x = SETS[kind](np.random.RandomState(seed % 2**32), n, n_classes, noise)
    return x, np.repeat(np.arange(n_classes), len(x) // n_classes)
