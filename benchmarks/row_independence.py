"""Does a row's prediction depend on its neighbours? Once for each kernel of OpenBLAS.

    python benchmarks/row_independence.py

Every network scores 300 rows together, each row alone, and all of them in another order, and turns
the scores into probabilities; the bits must be the same, with NumPy's products and, where it is
there, with the compiled engine. OPENBLAS_CORETYPE chooses the kernel of NumPy's OpenBLAS; a kernel
that this machine cannot run is named.
"""

import os
import subprocess
import sys
from itertools import product

import numpy as np

from handgrad.engines.choice import BACKENDS
from handgrad.models.model import Model
from handgrad.network import Architecture
from handgrad.params import glorot_uniform
from handgrad.tables.encode import Encoder

KERNELS = ("Sandybridge", "Haswell", "Zen", "SkylakeX", "Cooperlake", "Nehalem", "Prescott")
UNITS = ((3, 2), (20, 1), (54, 128, 7), (5, 64, 32, 1), (100, 33, 17, 26), (785, 800, 10))
ACTIVATIONS = ("relu", "gelu", "tanh")
ENGINES = [name for name, backend in BACKENDS.items() if not backend.missing()]
NETWORKS = list(product(ENGINES, UNITS, ACTIVATIONS, ("float32", "float64")))


def is_independent(engine, units, activation, dtype):
    params = glorot_uniform(units, "relu", np.random.PCG64(0), dtype)
    output = "logistic" if units[-1] == 1 else "softmax"
    architecture, classes = Architecture(units, activation, output), np.arange(max(2, units[-1]))
    model = Model(Encoder.identity(units[0]), architecture, params, classes, engine=engine)
    rng = np.random.default_rng(0)
    x, order = rng.normal(size=(300, units[0])).astype(dtype), rng.permutation(300)
    return all(same_bits(ask, x, order) for ask in (model.scores, model.predict_proba))


def same_bits(ask, x, order):
    together = ask(x)
    alone = np.concatenate([ask(x[row : row + 1]) for row in range(len(x))])
    return np.array_equal(alone, together) and np.array_equal(ask(x[order]), together[order])


def report():
    failed = [" ".join(map(str, network)) for network in NETWORKS if not is_independent(*network)]
    print("; ".join(failed) or f"the same bits for all {len(NETWORKS)} networks")


def main():
    for kernel in KERNELS:
        environment = os.environ | {"OPENBLAS_CORETYPE": kernel}
        run = subprocess.run(
            [sys.executable, __file__, "one"], env=environment, capture_output=True, text=True
        )
        print(f"{kernel:12} {run.stdout.strip() or 'cannot run here'}")


if __name__ == "__main__":
    report() if sys.argv[1:] else main()
