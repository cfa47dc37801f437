"""What the compiled engine computes in many ways, down to the last bit.

    python tests/compiled_cases.py PRECISION [LIBRARY]

prints it in JSON as this library has it; without one, as numba's JIT compiles the doors here: for
the processor that variables name, as those of ``build.py`` do.
"""

import ctypes
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from handgrad.batch import Rows
from handgrad.engines.compiled import library
from handgrad.engines.compiled.engine import Compiled, predict
from handgrad.losses import LossSettings
from handgrad.network import Architecture
from handgrad.optim import SGD, Adam, AdamW, Steps
from handgrad.outputs import OUTPUTS
from handgrad.params import Params
from handgrad.skip import Levels, Linear, Pieces

SKIP = Linear(), Levels(5), Pieces(3), Pieces(40)
NESTEROV = SGD(momentum=0.9, nesterov=True)
CASES = {
    "relu": {},
    "dropout, AdamW": {
        "units": (20, 50, 33, 10),
        "activation": ("tanh", "gelu"),
        "rule": AdamW(weight_decay=0.1),
        "dropout": (0.1, 0.2),
    },
    "yes or no": {"units": (20, 9, 1), "output": "logistic", "rule": SGD(momentum=0.9)},
    "numbers": {"units": (20, 9, 3), "output": "identity", "rule": NESTEROV, "rate": 0.001},
    "counts": {"units": (20, 9, 2), "output": "poisson", "activation": "silu", "rate": 1e-4},
    "quantiles": {
        "units": (20, 9, 2),
        "output": "quantile",
        "activation": "mish",
        "loss": LossSettings(quantiles=(0.1, 0.9)),
    },
    "clipped": {
        "units": (20, 9, 2),
        "output": "huber",
        "activation": "selu",
        "rule": SGD(),
        "clip_norm": 0.1,
    },
    "smoothed": {"activation": "elu", "loss": LossSettings(label_smoothing=0.1)},
    "soft": {"loss": LossSettings(label_smoothing=0.1), "soft": True},
    "no hidden layer": {"units": (20, 10), "activation": "logistic"},
    "two threads": {
        "units": (20, 300, 130, 10),
        "activation": ("relu", "softplus"),
        "batch_size": 128,
        "threads": 2,
    },
    "weights": {"units": (20, 31, 1), "activation": "leaky_relu", "output": "absolute"},
    "linear": {"units": (20, 3, 10), "activation": "identity"},
    "skip, one score": {
        "units": (20, 33, 1),
        "output": "logistic",
        "skip": SKIP,
        "rule": AdamW(weight_decay=0.7),
        "factors": (0.2, 0.1, 0.17, 0.1, 0.3),
    },
    "skip and scale": {
        "units": (20, 70, 26),
        "skip": SKIP,
        "scales": True,
        "threads": 3,
        "factors": (0.2, 0.1, 0.12, 0.1, 0.3, 2.0),
    },
    "scale, clipped": {
        "units": (20, 4),
        "scales": True,
        "rule": SGD(momentum=0.9),
        "clip_norm": 0.1,
    },
}


def results(precision):
    """Give the last loss of each case; and a digest of measures, parameters and predictions."""
    return {name: _result(name, np.dtype(precision), **case) for name, case in CASES.items()}


def _result(
    name,
    dtype,
    *,
    units=(20, 40, 10),
    activation="relu",
    output="softmax",
    loss=None,
    rule=None,
    rate=0.01,
    batch_size=32,
    threads=1,
    skip=(),
    scales=False,
    soft=False,
    **more,
):
    rng = np.random.default_rng(0)
    rule = rule or Adam()
    network = Architecture(units, activation, output, loss or LossSettings(), skip, scales)
    n, x = 400, rng.normal(size=(400, units[0])).astype(dtype)
    if skip:
        places = (np.floor(rng.random(n) * basis.n * 4) / 4 for basis in skip)
        x = np.column_stack([x, *places]).astype(dtype)
    y = rng.integers(0, units[-1], n)
    if not OUTPUTS[output].takes_classes:
        y = rng.integers(0, 2, (n, network.n_targets)).astype(dtype)
    if soft:
        y = rng.dirichlet(np.ones(units[-1]), n).astype(dtype)
    weight = rng.random(n).astype(dtype) if name == "weights" else None
    steps = Steps(rule, batch_size=batch_size, l2=1e-4, seed=3, **more)
    engine = Compiled(network, Rows(x, y, weight), steps, threads=threads)
    params = Params.zeros(units, dtype, network.beside)
    params.flat[:] = rng.normal(size=network.n_parameters) * 0.1
    slots = np.zeros((rule.n_slots, network.n_parameters), dtype)
    digest = hashlib.sha256()
    for epoch in range(3):
        order = rng.permutation(n)
        measured = engine.run_epoch(params, slots, epoch * -(-n // batch_size), rate, order)
        digest.update(np.array(measured).tobytes())
    for part in params.flat, slots:
        digest.update(part.tobytes())
    for probabilities in (False, True) if output in ("softmax", "logistic") else (False,):
        for rows in x, x[:3]:
            found = predict(network, params, rows, probabilities=probabilities)
            digest.update(found.tobytes())
    return [measured.loss, digest.hexdigest()]


def compile_doors(precision):
    """Let this process go through doors that numba's JIT compiles."""
    from numba import cfunc
    from numba.core import types

    from handgrad.engines.compiled import doors, vectors
    from handgrad.engines.compiled.called import load_called

    element = getattr(types, precision)
    load_called(element)
    opened = {}
    for function, signature in doors.signatures(element).items():
        native = cfunc(signature, error_model="numpy")(function)
        kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(signature.args))
        opened[function.__name__] = native, kind(native.address)
    library.door = lambda name, _: lambda *given: opened[name][1](*given) or 0
    library.vector_bytes = lambda: vectors.VECTOR_BYTES


if __name__ == "__main__":
    if len(sys.argv) > 2:
        library.path = lambda: Path(sys.argv[2])
    else:
        compile_doors(sys.argv[1])
    print(json.dumps(results(sys.argv[1])))
