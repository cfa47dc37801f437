"""Does a row's score depend on its neighbours? Once for each kernel of OpenBLAS.

    python benchmarks/row_independence.py

Every network scores 300 rows together, each row alone, and all of them in another order; the
bits must be the same. OPENBLAS_CORETYPE chooses the kernel of NumPy's OpenBLAS; a kernel that this
machine cannot run is named.
"""

import os
import subprocess
import sys

import numpy as np

from handgrad.models.model import Model
from handgrad.network import Architecture
from handgrad.params import glorot_uniform
from handgrad.tables.encode import Encoder

KERNELS = ("Sandybridge", "Haswell", "Zen", "SkylakeX", "Cooperlake", "Nehalem", "Prescott")
UNITS = ((3, 2), (20, 1), (54, 128, 7), (5, 64, 32, 1), (100, 33, 17, 26), (785, 800, 10))


def is_independent(units, dtype):
    params = glorot_uniform(units, "relu", np.random.PCG64(0), dtype)
    model = Model(Encoder.identity(units[0]), Architecture(units), params, np.arange(units[-1]))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, units[0])).astype(dtype)
    together, order = model.scores(x), rng.permutation(300)
    alone = np.concatenate([model.scores(x[row : row + 1]) for row in range(300)])
    return np.array_equal(alone, together) and np.array_equal(
        model.scores(x[order]), together[order]
    )


def report():
    failed = [
        f"{'-'.join(map(str, units))} in {np.dtype(dtype)}"
        for units in UNITS
        for dtype in (np.float32, np.float64)
        if not is_independent(units, dtype)
    ]
    print("; ".join(failed) or f"the same bits for all {2 * len(UNITS)} networks")


def main():
    for kernel in KERNELS:
        environment = os.environ | {"OPENBLAS_CORETYPE": kernel}
        run = subprocess.run(
            [sys.executable, __file__, "one"], env=environment, capture_output=True, text=True
        )
        print(f"{kernel:12} {run.stdout.strip() or 'cannot run here'}")


if __name__ == "__main__":
    report() if sys.argv[1:] else main()
