"""Prediction: how long one row takes, how many rows a second, and how much memory.

    python benchmarks/prediction.py [--quick]

Three networks with the same weights for everyone. One row: the median of some hundred calls a
round. 10,000 rows: rows a second. 500,000 rows of 10 columns through 10-128-10: rows a second,
and by how much the process grows at its highest above what it holds with the input loaded.
handgrad and scikit-learn answer through predict_proba with all its checks; torch runs eagerly
under no_grad, jax a jitted function, both softmax included and with rows that are already
tensors of theirs. Each contender lives in a process of its own without variables that pin the
BLAS to a kernel or to one thread; they take turns for several rounds, and medians are printed.

Before anything is timed, all of them must give the same probabilities. The end of this file, a
contender in a process of its own, is borrowed by the other programs.
"""

import contextlib
import ctypes
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from growth import agreement, publish, verdict
from racing.environments import is_installed, python_of

NETWORKS = {"64-64-10": 10_000, "784-128-10": 10_000, "784-512-512-10": 10_000}
LONG = {"10-128-10": 500_000}
CONTENDERS = {
    "handgrad, compiled": "compiled",
    "handgrad, numpy": "numpy",
    "scikit-learn": "sklearn",
    "torch": "torch",
    "jax": "jax",
}
ROUNDS = 5
TOLERANCE = 1e-5  # of a probability, float32


# -- the measurement ---------------------------------------------------------------------------


class Predictor:
    """One network, ready to predict some rows; kept from one question to the next."""

    def __init__(self, kind, start, rows):
        from as_a_user import layers_of

        layers = layers_of(start)
        self.x = made_rows(rows, len(layers[0][0]))
        self.predict, self.native = PREDICTORS.get(kind, estimator_predictor)(kind, layers)

    def probabilities(self, rows):
        return np.asarray(self.predict(self.native(self.x[:rows])))

    def one_row(self, calls):
        rows = [self.native(self.x[i : i + 1]) for i in range(32)]
        self.predict(rows[0])
        return statistics.median(self._seconds(rows[i % 32]) for i in range(calls))

    def rows_per_second(self):
        x = self.native(self.x)
        self.predict(x)
        return len(x) / self._seconds(x)

    def memory(self):
        """Measure the peak of resident memory above what is held before, in MB."""
        x = self.native(self.x)
        self.predict(x)
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = kilobytes("VmRSS")
        self.predict(x)
        return (kilobytes("VmHWM") - before) / 1000

    def _seconds(self, x):
        started = time.perf_counter()
        self.predict(x)
        return time.perf_counter() - started


def made_rows(n, columns):
    return np.random.default_rng(1).normal(size=(n, columns)).astype(np.float32)


def kilobytes(field, process="self"):
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field))


def estimator_predictor(kind, layers):
    from as_a_user import started_at

    y, hidden = np.arange(len(layers[-1][1])), [len(b) for _, b in layers[:-1]]
    x = made_rows(len(y), len(layers[0][0]))
    model = started_at(kind, layers, x, y, hidden_layer_sizes=hidden, max_iter=1)
    return model.predict_proba, lambda rows: rows


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
    key = (task["start"], task["rows"])
    if key not in standing:
        standing[key] = Predictor(kind, *key)
    value = getattr(standing[key], task["what"])(*task.get("args", ()))
    return {"value": value.tolist() if isinstance(value, np.ndarray) else value}


def main():
    rounds = 1 if "--quick" in sys.argv else ROUNDS
    figures, checks = {}, {}
    with tempfile.TemporaryDirectory() as scratch, contenders(__file__, CONTENDERS) as workers:
        for network, rows in (NETWORKS | LONG).items():
            task = {"start": start_of(network, scratch), "rows": rows}
            seen = asked(workers, what="probabilities", args=[64], **task)
            checks[network] = agreement(seen, TOLERANCE)
            print(f"{network}: probabilities: {checks[network]}", flush=True)
            questions = {"memory": []} if network in LONG else {"one_row": [200]}
            figures[network] = measured(workers, task, questions | {"rows_per_second": []}, rounds)
    report(figures, checks)


def start_of(network, scratch):
    from as_a_user import save_start

    return save_start(Path(scratch) / f"{network}.npz", tuple(map(int, network.split("-"))))


def asked(workers, **task):
    return {name: worker.ask(**task)["value"] for name, worker in workers.items()}


def measured(workers, task, questions, rounds):
    """Ask every question in every round; return its median for each contender."""
    seen = {what: {name: [] for name in workers} for what in questions}
    for _ in range(rounds):
        for what, args in questions.items():
            for name, value in asked(workers, what=what, args=args, **task).items():
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
                long_rows.append([network, name, speed, shown(figure["memory"], 1, 1)])
            else:
                rows.append([network, name, shown(figure["one_row"], 1e6, 1), speed])
    ratios, agreed = ratios_of(figures), "; ".join(dict.fromkeys(checks.values()))
    sentence = f"handgrad's compiled engine: {verdict(ratios)} Probabilities: {agreed}."
    data = {"figures": figures, "checks": checks, "ratios": ratios}
    header = ["network", "contender", "one row, µs", "10,000 rows, million rows/s"]
    long_header = ["network", "contender", "500,000 rows, million rows/s", "peak above input, MB"]
    publish("prediction", "Prediction", 30, sentence, header, rows, data, (long_header, long_rows))


def ratios_of(figures):
    """Compare each peer with the compiled engine: {peer: {what: times as fast we are}}."""
    ratios = {}
    for network, seen in figures.items():
        for what, of in seen.items():
            for peer in [
                name for name in of if not name.startswith("handgrad") and what != "memory"
            ]:
                ratio = of[peer] / of["handgrad, compiled"]
                ratio, rows = (ratio, "one row") if what == "one_row" else (1 / ratio, "many rows")
                ratios.setdefault(peer, {})[f"{rows} of {network}"] = ratio
    return ratios


def shown(value, scale, digits):
    return "not installed" if value is None else f"{value * scale:,.{digits}f}"


# -- a contender in a process of its own -------------------------------------------------------

PINNED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS")
LIBRARIES = ("sklearn", "torch", "jax", "keras")  # each with an environment of its own
ANSWER_SECONDS = 120


def user_environment(**more):
    """Give the variables of this process but for those that pin the BLAS."""
    return {name: value for name, value in os.environ.items() if name not in PINNED} | more


def interpreter(kind):
    """Name the Python that has this contender, or None."""
    library = kind.split("-")[0]
    if library not in LIBRARIES:
        return sys.executable
    if is_installed(library):
        return str(python_of(library))
    return sys.executable if importlib.util.find_spec(library) else None


class Worker:
    """A process that answers one line of JSON for each that it is sent, within a time limit."""

    def __init__(self, program, kind, **environment):
        self.process = subprocess.Popen(
            [interpreter(kind), program, "--worker", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=user_environment(**environment),
        )
        self.kind = kind

    def ask(self, **task):
        limit = threading.Timer(ANSWER_SECONDS, self.process.kill)
        limit.start()
        try:
            print(json.dumps(task), file=self.process.stdin, flush=True)
            reply = json.loads(self.process.stdout.readline() or '{"error": "no answer in time"}')
        finally:
            limit.cancel()
        if "error" in reply:
            raise RuntimeError(f"{self.kind}: {reply['error']}")
        return reply


@contextlib.contextmanager
def contenders(program, kinds):
    """Start a worker for each of {name: kind} that is installed; end them all."""
    workers = {n: Worker(program, kind) for n, kind in kinds.items() if interpreter(kind)}
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.process.kill()
            worker.process.wait()


def is_worker():
    return "--worker" in sys.argv


def serve(answer):
    """Answer tasks from stdin until there are no more; only answers go to stdout."""
    kind, replies = sys.argv[-1], os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            reply = answer(kind, json.loads(line))
        except Exception as error:
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    serve(answer) if is_worker() else main()
