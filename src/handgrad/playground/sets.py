"""Points drawn from a seed: classes on a plane, or a number to predict from one input or two.

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


def sine(x: Array) -> Array:
    """Go up and down once and a half over the width of the map."""
    return np.asarray(np.sin(1.5 * np.pi * x[:, 0]))


def plane(x: Array) -> Array:
    """Rise evenly towards one corner: a network without hidden layers can learn it."""
    return np.asarray((x[:, 0] + 2 * x[:, 1]) / 3)


def bump(x: Array) -> Array:
    """Rise to a hill in the middle, which no plane can follow."""
    return np.asarray(2 * np.exp(-4 * (x**2).sum(axis=1)) - 1)


# A number to predict, by the function that it follows, and how many inputs that takes.
NUMBER_SETS = {"sine": (sine, 1), "plane": (plane, 2), "bump": (bump, 2)}


def make_numbers(kind: str, *, n: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Draw a set: x of shape (n, 1) or (n, 2) between -1 and 1, and y of shape (n, 1)."""
    follow, n_inputs = NUMBER_SETS[kind]
    random = np.random.RandomState(seed % 2**32)
    x = random.uniform(-1, 1, (n, n_inputs))
    y = follow(x) + noise / 2 * random.standard_normal(n)
    return x, y[:, np.newaxis]


CLASSES_TO_CHOOSE = tuple(name for name in SETS if name not in TWO_CLASSES)
DRAWN = (*SETS, *NUMBER_SETS)  # as many points as are asked for
