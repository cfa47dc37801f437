"""Prediction: how long one row takes, how many rows a second, and how much memory.

    python benchmarks/prediction.py [--quick | --tables]

Everyone gets networks of the same weights. One row: the median of some hundred calls a round; also
to what handgrad makes for single rows, ``predictor()``: a row of an array, and a dictionary; and
as a data frame of pandas, to estimators fitted on one, for which handgrad also scales the columns.
10,000 rows: rows a second. 500,000 rows of 10 columns through 10-128-10: rows a second, and by
how much the first call makes the process grow at its highest, the probabilities that it returns
included, above its size with the input loaded. handgrad and scikit-learn answer through
predict_proba with all its checks; PyTorch runs eagerly under no_grad, JAX a jitted function, both
softmax included and with rows that are already their own tensors; JAX's memory includes its
compiler's. Each contender lives in a process of its own without variables that pin the BLAS to a
kernel or to one thread; they take turns for several rounds, and the tables show medians.
``--quick`` is a trial of one round that leaves no result.

TabularClassifier, of 1, 3 and 5 networks, and HistGradientBoosting take turns as well: see
racing/tabular.py.

Before anything is timed, all of them must give the same probabilities.
"""

import ctypes
import itertools
import statistics
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from racing import tabular
from racing.measuring import in_turns, median_seconds, medians, megabytes, seconds_of
from racing.processes import contenders, is_worker, libraries_of, serve
from racing.results import compared, must_agree, run
from racing.training import drawn, estimator, estimator_at

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
WHAT = {"one_row": "one row", "rows_per_second": "many rows"}
CALLS = {"one_row": 300, "rows_per_second": 5}  # in a round
LONG_CALLS = {"rows_per_second": 1}
OURS = tuple(name for name in CONTENDERS if name.startswith("handgrad"))
PREPARED = "prepared", "dictionary"  # ways to ask ``predictor()``
FRAMED = (*OURS, "scikit-learn")


# -- in the process of a contender -------------------------------------------------------------


class Predictor:
    """One network, ready to predict some rows; kept from one question to the next."""

    def __init__(self, kind, units, rows):
        self.kind, self.x = kind, made_rows(rows, units[0])
        self.predict, self.native = PREDICTORS.get(kind, estimator_predictor)(kind, drawn(units))

    def probabilities(self, rows):
        return np.asarray(self.predict(self.native(self.x[:rows])))

    def one_row(self, calls):
        rows = [self.native(self.x[i : i + 1]) for i in range(32)]
        return seconds_a_row(self.predict, rows, calls)

    def prepared(self, calls):
        return seconds_a_row(self.of_rows(), list(self.x[:32]), calls)

    def dictionary(self, calls):
        names = [f"x{i}" for i in range(self.x.shape[1])]
        rows = [dict(zip(names, row, strict=True)) for row in self.x[:32].tolist()]
        return seconds_a_row(self.of_rows(), rows, calls)

    def of_rows(self):
        return replace(self.predict.__self__.model_, engine=self.kind).predictor()

    def rows_per_second(self, calls):
        x = self.native(self.x)
        return len(x) / median_seconds(lambda: self.predict(x), calls)

    def memory(self):
        """Measure the peak of the first large call above what is held before, in MB."""
        x = self.native(self.x)
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = megabytes("VmRSS")
        self.predict(x)
        return megabytes("VmHWM") - before


def seconds_a_row(predict, rows, calls):
    predict(rows[0])
    ordered = itertools.islice(itertools.cycle(rows), calls)
    return statistics.median(seconds_of(lambda row=row: predict(row))[0] for row in ordered)


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


# -- frames, in this process: the environments of the contenders have no pandas -----------------


def framed(units):
    """Fit estimators on a data frame: {name: (predict_proba, frames of one row)}."""
    import pandas

    from handgrad import MLPClassifier

    x = made_rows(32, units[0])
    frame = pandas.DataFrame(x, columns=[f"column {i}" for i in range(units[0])])
    y, settings = np.arange(32) % units[-1], {"hidden_layer_sizes": units[1:-1], "max_iter": 1}
    estimators = [
        *(MLPClassifier(engine=CONTENDERS[name], dtype="float32", **settings) for name in OURS),
        estimator(CONTENDERS["scikit-learn"], **settings),
    ]
    rows = [frame.iloc[i : i + 1] for i in range(32)]
    fitted = [one.fit(frame, y) for one in estimators]
    return {name: (one.predict_proba, rows) for name, one in zip(FRAMED, fitted, strict=True)}


# -- the measurement ---------------------------------------------------------------------------


def measure(options):
    rounds = 1 if options.quick else ROUNDS
    with contenders(__file__, CONTENDERS) as workers:
        figures = {name: measured(workers, name, rounds) for name in (*NETWORKS, *LONG)}
    of_tables = tabular.measured(rounds, CALLS["one_row"])
    return {"figures": figures, "ratios": ratios_of(figures), "tabular": of_tables}


def measured(workers, network, rounds):
    """Check that a network predicts the same everywhere; then put the questions in turns."""
    units, is_long = [int(units) for units in network.split("-")], network in LONG
    given = {"units": units, "rows": (NETWORKS | LONG)[network]}

    def ask(name, what, *args):
        return workers[name].give(what=what, args=args, **given)["value"]

    must_agree({name: ask(name, "probabilities", 64) for name in workers}, TOLERANCE)
    seen = {"memory": {name: ask(name, "memory") for name in workers}} if is_long else {}
    for what, calls in (LONG_CALLS if is_long else CALLS).items():
        found = in_turns(workers, rounds, lambda name, _, of=(what, calls): ask(name, *of))
        seen[what] = medians(found)
    return seen if is_long else seen | one_row_otherwise(ask, units, rounds)


def one_row_otherwise(ask, units, rounds):
    """Time the other ways in which one row comes."""
    calls, seen = CALLS["one_row"], {}
    for what in PREPARED:
        seen[what] = medians(in_turns(OURS, rounds, lambda name, _, of=what: ask(name, of, calls)))
    with warnings.catch_warnings(action="ignore"):
        asked = framed(units)
    found = in_turns(FRAMED, rounds, lambda name, _: seconds_a_row(*asked[name], calls))
    return seen | {"frame": medians(found)}


def ratios_of(figures):
    """Compare each peer with the compiled engine: {peer: {what: times faster we are}}."""
    ratios = {}
    for network, seen in figures.items():
        for what in filter(seen.get, WHAT):
            ours = seen[what]["handgrad, compiled"]
            for peer, theirs in seen[what].items():
                if not peer.startswith("handgrad"):
                    times = theirs / ours if what == "one_row" else ours / theirs
                    ratios.setdefault(peer, {})[f"{WHAT[what]} of {network}"] = times
        if "frame" in seen:
            times = seen["frame"]["scikit-learn"] / seen["frame"]["handgrad, compiled"]
            of = f"one row of {network}, a data frame"
            ratios.setdefault("scikit-learn", {})[of] = times
    return ratios


def tables(data):
    rows, long_rows, single = [], [], []
    for network, seen in data["figures"].items():
        for name, speed in seen["rows_per_second"].items():
            million = f"{speed / 1e6:.2f}"
            if "memory" in seen:
                long_rows.append([network, name, million, f"{seen['memory'][name]:,.0f}"])
            else:
                rows.append([network, name, f"{1e6 * seen['one_row'][name]:.1f}", million])
        for name in FRAMED if "frame" in seen else ():
            times = [seen[what].get(name) for what in ("frame", *PREPARED)]
            single.append([network, name, *("" if t is None else f"{1e6 * t:.1f}" for t in times)])
    ways = ["a data frame, µs", "predictor(), an array's row, µs", "predictor(), a dictionary, µs"]
    return [
        compared(data["ratios"], "times faster than"),
        (["network", "contender", "one row, µs", "10,000 rows: million a second"], rows),
        (["network", "contender", "500,000 rows: million a second", "memory, MB"], long_rows),
        *([(["one row of", "contender", *ways], single)] if single else []),
        *([tabular.table(data["tabular"])] if "tabular" in data else []),  # results from before
    ]


if __name__ == "__main__":
    serve(answer) if is_worker() else run(measure, tables, libraries_of(CONTENDERS.values()))
