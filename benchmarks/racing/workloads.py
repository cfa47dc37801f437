"""The workloads: seven nets on their data, three update rules, and the starts.

Labels can be learnt: the spiral's arms, real digits, or the largest of a few random linear
maps of the row. So the nets really train, units die and gradients shrink as they do in life.
W4 to W6 have 15,360 rows, 48 MB: too many for most caches, few enough for short epochs.
"""

from dataclasses import dataclass

import numpy as np

from handgrad.params import glorot_uniform

OPTIMIZERS = ("sgd", "momentum", "adam")
TITLES = {"sgd": "SGD", "momentum": "momentum 0.9", "adam": "Adam"}


@dataclass(frozen=True)
class Workload:
    """A net, its rows and its batches.

    Attributes
    ----------
    rates : tuple of float
        The learning rates of SGD, momentum and Adam.
    cores : int
        How many cores its floor counts on: two where a step is worth splitting.
    """

    name: str
    title: str
    layer_units: tuple[int, ...]
    n: int
    batch_size: int
    rates: tuple[float, float, float]
    cores: int

    @property
    def steps(self) -> int:
        """Count the updates of an epoch; the last batch may be shorter."""
        return -(-self.n // self.batch_size)

    @property
    def shuffles(self) -> bool:
        """With the whole table in a batch, its order means nothing."""
        return self.batch_size < self.n

    def rate(self, optimizer: str) -> float:
        return self.rates[OPTIMIZERS.index(optimizer)]


USUAL = (0.05, 0.005, 1e-3)
LISTED = (
    Workload("W1", "spiral, full batch", (2, 100, 3), 300, 300, (0.5, 0.05, 1e-3), 1),
    Workload("W2", "digits, batch 32", (64, 64, 10), 1437, 32, USUAL, 1),
    Workload("W3", "table, batch 256", (54, 128, 7), 50_000, 256, USUAL, 2),
    Workload("W4", "784-128-10, batch 128", (784, 128, 10), 15_360, 128, USUAL, 2),
    Workload("W5", "784-800-10, batch 256", (784, 800, 10), 15_360, 256, USUAL, 2),
    Workload("W6", "784-512-512-10, batch 256", (784, 512, 512, 10), 15_360, 256, USUAL, 2),
    Workload("W7", "digits, batch 1", (64, 64, 10), 1437, 1, (0.01, 0.001, 1e-3), 1),
)
WORKLOADS = {workload.name: workload for workload in LISTED}


def data(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Make the rows: x float32 of shape (n, N_x), y_t int64 of shape (n,)."""
    if workload.name == "W1":
        x, y_t = spiral()
    elif workload.name in ("W2", "W7"):
        x, y_t = digits(workload.n)
    else:
        x, y_t = synthetic(workload)
    return np.ascontiguousarray(x, np.float32), y_t.astype(np.int64)


def spiral(rows_per_arm: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Wind three noisy arms around the origin."""
    random = np.random.default_rng(0)
    radius = np.tile(np.linspace(0, 1, rows_per_arm), 3)
    y_t = np.repeat(np.arange(3), rows_per_arm)
    angle = 4 * (y_t + radius) + 0.2 * random.standard_normal(len(radius))
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)]), y_t


def digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the digits that scikit-learn carries, pixels scaled to 0 to 1."""
    from sklearn.datasets import load_digits

    x, y_t = load_digits(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(x))[:n]
    return x[chosen] / 16, y_t[chosen]


def synthetic(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Draw normal rows of squared length about 64, labelled by the largest of linear maps."""
    random = np.random.default_rng(0)
    N_x, N_y = workload.layer_units[0], workload.layer_units[-1]
    x = random.standard_normal((workload.n, N_x), dtype=np.float32) * np.float32((64 / N_x) ** 0.5)
    return x, np.argmax(x @ random.standard_normal((N_x, N_y), dtype=np.float32), axis=1)


def start(workload: Workload, seed: int) -> np.ndarray:
    """Draw the parameters that every contender starts from: one flat float64 vector."""
    return glorot_uniform(workload.layer_units, "relu", np.random.PCG64(seed)).flat
