"""Runs inside a library's environment: one contender, which obeys line by line.

    python -P worker.py MODULE VARIANT THREADS

Each line on stdin is a JSON object whose "do" names one of the functions below; each answer
is a JSON object on one line, with "error" in it if the library refused. Arrays travel in
files. Whatever the library itself prints goes to stderr.

A contender is a module in ``contenders/`` with a class ``Contender(variant, threads)``:

    dtypes                          the precisions it computes in readily
    adam                            where its Adam adds epsilon: see ``check.py``
    load(x, y_t, layer_units, theta, batch_size)
    begin(optimizer, lr, shuffles)  from theta, with a fresh optimiser
    epochs(count)                   train; the work is done when it returns
    loss()                          mean cross-entropy of all rows
    parameters()                    one flat vector: W1 row by row, b1, W2, b2, ...
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np


def load(contender, request):
    folder = Path(request["folder"])
    x, theta = (np.load(folder / f"{name}.npy") for name in ("x", "theta"))
    y_t = np.load(folder / "y_t.npy")
    dtype = np.dtype(request["dtype"])
    units = tuple(request["layer_units"])
    x, theta = x.astype(dtype, copy=False), theta.astype(dtype)
    contender.load(x, y_t, units, theta, request["batch_size"])
    return {}


def begin(contender, request):
    contender.begin(request["optimizer"], request["lr"], request["shuffles"])
    return {}


def epochs(contender, request):
    started = time.perf_counter()
    contender.epochs(request["count"])
    return {"seconds": time.perf_counter() - started}


def warm_up(contender, request):
    """Train until compiled, then find how many epochs fill the seconds."""
    contender.epochs(1)
    count = 1
    while True:
        seconds = epochs(contender, {"count": count})["seconds"]
        if seconds > request["seconds"] / 4:
            return {"count": max(1, round(count * request["seconds"] / seconds))}
        count = count * 4


def loss(contender, request):
    return {"loss": float(contender.loss())}


def parameters(contender, request):
    np.save(request["file"], contender.parameters())
    return {}


def floor(contender, request):
    """Time the products of a step; an extra of the files ``floor_*.py``."""
    return {"microseconds": contender.floor(request["batch_size"], request["seconds"])}


ACTIONS = {f.__name__: f for f in (load, begin, epochs, warm_up, loss, parameters, floor)}


def main(module, variant, threads):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, str(Path(__file__).parent / "contenders"))

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    contender = importlib.import_module(module).Contender(variant, int(threads))
    answer({"dtypes": contender.dtypes, "adam": contender.adam})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(ACTIONS[request["do"]](contender, request))
        except Exception as error:
            text = str(error).strip().splitlines()
            answer({"error": f"{type(error).__name__}: {text[0] if text else ''}"[:300]})


if __name__ == "__main__":
    main(*sys.argv[1:])
