"""Prediction: how long one row takes, how many rows a second, and how much memory.

    python benchmarks/prediction.py [--quick]
    python benchmarks/race.py --report              (writes docs/performance.md)

Networks with the same weights for everyone. One row: the median of some hundred calls a round.
10,000 rows: rows a second. 500,000 rows of 10 columns through 10-128-10: rows a second, and by
how much the process grows at its highest, in the first such call, above what it holds with the
input loaded. handgrad
and scikit-learn answer through predict_proba with all its checks; PyTorch runs eagerly under
no_grad, JAX a jitted function, both softmax included and with rows that are already tensors of
theirs. Each contender lives in a process of its own without variables that pin the BLAS to a
kernel or to one thread; they take turns for several rounds, and medians are printed.
``--quick`` is a trial of one round that leaves no result.

Before anything is timed, all of them must give the same probabilities.
"""

import ctypes
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from racing.processes import contenders, is_worker, libraries_of, megabytes, serve
from racing.sections import agreement, agreements, publish, verdict
from racing.training import drawn, estimator_at

NETWORKS = {"64-64-10": 10_000, "784-128-10": 10_000, "784-512-512-10": 10_000}
LONG = {"10-128-10": 500_000}
CONTENDERS = {
    "handgrad, compiled": "compiled",
    "handgrad, numpy": "numpy",
    "scikit-learn": "sklearn",
    "PyTorch": "torch",
    "JAX": "jax",
}
ROUNDS = 7
TOLERANCE = 1e-5  # of a probability, float32
WHAT = {"one_row": "one row", "rows_per_second": "many rows", "memory": "memory"}


# -- in the process of a contender -------------------------------------------------------------


class Predictor:
    """One network, ready to predict some rows; kept from one question to the next."""

    def __init__(self, kind, units, rows):
        self.x = made_rows(rows, units[0])
        self.predict, self.native = PREDICTORS.get(kind, estimator_predictor)(kind, drawn(units))

    def probabilities(self, rows):
        return np.asarray(self.predict(self.native(self.x[:rows])))

    def one_row(self, calls):
        rows = [self.native(self.x[i : i + 1]) for i in range(32)]
        self.predict(rows[0])
        return statistics.median(self._seconds(rows[i % 32]) for i in range(calls))

    def rows_per_second(self, calls):
        x = self.native(self.x)
        self.predict(x)
        return len(x) / statistics.median(self._seconds(x) for _ in range(calls))

    def memory(self):
        """Measure the peak of the first large call above what is held before, in MB."""
        x = self.native(self.x)
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = megabytes("VmRSS")
        self.predict(x)
        return megabytes("VmHWM") - before

    def _seconds(self, x):
        started = time.perf_counter()
        self.predict(x)
        return time.perf_counter() - started


def made_rows(n, columns):
    return np.random.default_rng(1).normal(size=(n, columns)).astype(np.float32)


def estimator_predictor(kind, layers):
    y = np.arange(len(layers[-1][1]))
    x = made_rows(len(y), len(layers[0][0]))
    return estimator_at(kind, layers, x, y, max_iter=1).predict_proba, lambda rows: rows


def torch_predictor(kind, layers):
    import torch

    tensors = [(torch.from_numpy(W), torch.from_numpy(b)) for W, b in layers]

    def predict(h):
        with torch.no_grad():
            for W, b in tensors[:-1]:
                h = torch.relu(torch.addmm(b, h, W))
            return torch.softmax(torch.addmm(tensors[-1][1], h, tensors[-1][0]), 1)

    return predict, torch.from_numpy


def jax_predictor(kind, layers):
    import jax

    @jax.jit
    def forward(h):
        for W, b in layers[:-1]:
            h = jax.nn.relu(h @ W + b)
        return jax.nn.softmax(h @ layers[-1][0] + layers[-1][1])

    return (lambda x: forward(x).block_until_ready()), jax.numpy.asarray


PREDICTORS = {"torch": torch_predictor, "jax": jax_predictor}
standing = {}  # the worker's networks


def answer(kind, task):
    warnings.simplefilter("ignore")
    key = (tuple(task["units"]), task["rows"])
    if key not in standing:
        standing.clear()
        standing[key] = Predictor(kind, *key)
    value = getattr(standing[key], task["what"])(*task["args"])
    return {"value": value.tolist() if isinstance(value, np.ndarray) else value}


# -- the measurement ---------------------------------------------------------------------------


def main():
    rounds = 1 if "--quick" in sys.argv else ROUNDS
    figures, checks = {}, {}
    with contenders(__file__, CONTENDERS) as workers:
        for network, rows in (NETWORKS | LONG).items():
            task = {"units": [int(units) for units in network.split("-")], "rows": rows}
            checks[network] = agreement(given(workers, "probabilities", [64], task), TOLERANCE)
            print(f"{network}: probabilities: {checks[network]}", flush=True)
            if network in LONG:
                memory = given(workers, "memory", [], task)
                seen = measured(workers, task, {"rows_per_second": [1]}, rounds)
                figures[network] = {"memory": memory, **seen}
            else:
                questions = {"one_row": [300], "rows_per_second": [5]}
                figures[network] = measured(workers, task, questions, rounds)
    report(figures, checks)


def given(workers, what, args, task):
    return {n: worker.give(what=what, args=args, **task)["value"] for n, worker in workers.items()}


def measured(workers, task, questions, rounds):
    """Ask every question in every round; return its median for each contender."""
    seen = {what: {name: [] for name in workers} for what in questions}
    for _ in range(rounds):
        for what, args in questions.items():
            for name, value in given(workers, what, args, task).items():
                seen[what][name].append(value)
    return {
        what: {name: statistics.median(values) for name, values in by_name.items()}
        for what, by_name in seen.items()
    }


def report(figures, checks):
    rows, long_rows = [], []
    for network, seen in figures.items():
        for name in CONTENDERS:
            figure = {what: values.get(name) for what, values in seen.items()}
            speed = shown(figure["rows_per_second"], 1e-6, 2)
            if network in LONG:
                long_rows.append([network, name, speed, shown(figure["memory"], 1, 0)])
            else:
                rows.append([network, name, shown(figure["one_row"], 1e6, 1), speed])
    ratios = ratios_of(figures)
    sentences = (
        f"{verdict(ratios)}\n\n"
        "handgrad and scikit-learn are asked through `predict_proba`, all its checks included; "
        "PyTorch (eager, under `no_grad`) and JAX (jitted) are called directly with tensors of "
        "their own, checks and conversions left out. Memory is the most that the first call "
        "on so many rows adds, the probabilities that it returns included (20 MB in float32), and "
        "for JAX what compiles it. Before the timing, the "
        f"probabilities were compared: {agreements(checks)}."
    )
    tables = [
        (["network", "contender", "one row, µs", "10,000 rows: million a second"], rows),
        (["network", "contender", "500,000 rows: million a second", "memory, MB"], long_rows),
    ]
    data = {"figures": figures, "checks": checks, "ratios": ratios}
    libraries = libraries_of(CONTENDERS.values())
    publish("prediction", "Prediction", 30, sentences, tables, data, libraries)


def ratios_of(figures):
    """Compare each peer with the compiled engine: {peer: {what: times better we are}}."""
    ratios = {}
    for network, seen in figures.items():
        for what, of in seen.items():
            for peer in of:
                if peer.startswith("handgrad") or what == "memory":
                    continue
                ratio = of[peer] / of["handgrad, compiled"]
                ratio = 1 / ratio if what == "rows_per_second" else ratio
                ratios.setdefault(peer, {})[f"{WHAT[what]} of {network}"] = ratio
    return ratios


def shown(value, scale, digits):
    return "not installed" if value is None else f"{value * scale:,.{digits}f}"


if __name__ == "__main__":
    serve(answer) if is_worker() else main()
