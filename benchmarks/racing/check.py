"""The check before the race: every contender must compute the same.

From the same parameters and rows, in the same order, each contender gives the mean loss of all
rows, the parameters after one step of SGD (so the gradient is compared), and the parameters after
three steps of each optimiser, the last batch being as short as in the race. The judge is
handgrad's NumPy reference in float64.

A deviation is the length of the difference over the length of the change that the reference
made, so 1e-3 means that a thousandth of the step is wrong. Adam divides by the root of the
squared gradient: where a gradient is nearly 0, float32 leaves its sign to rounding, and a whole
step of lr may differ; hence its wider tolerance in float32.

ReLU has a kink at 0. Where the input of a unit comes as near to it as float32 rounds, the unit
may be on in one library and off in another, and one such unit in one row is a deviation of
3e-3 in the largest net. So starts are drawn until the reference meets no case of this kind.

There are two Adams. "algorithm 1" (Kingma and Ba, 2015) adds epsilon to sqrt(v_hat); "late"
is the reordered form given below it in the paper, which adds epsilon to sqrt(v), before the
bias of v is taken out. scikit-learn and Keras use the latter. Each contender is compared
with the form that it documents.
"""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from handgrad.network import Architecture, backward, forward
from handgrad.network import loss as loss_of
from handgrad.optim import SGD, Adam
from handgrad.params import Params
from racing.crew import Worker
from racing.workloads import OPTIMIZERS, Workload, start

TOLERANCES = {
    "float32": {"loss": 1e-5, "gradient": 1e-3, "sgd": 1e-3, "momentum": 1e-3, "adam": 2e-2},
    "float64": {"loss": 1e-10, "gradient": 1e-8, "sgd": 1e-8, "momentum": 1e-8, "adam": 1e-6},
}
LOSS_ROWS = {"float32": "all", "float64": "three"}  # all rows in float64 would be a copy for each
COMPILE_SECONDS = 180
KINK = 3e-7  # three times the rounding error of a unit's input
STARTS = 50


class LateAdam(Adam):
    """Adam with epsilon added to sqrt(v) instead of sqrt(v_hat)."""

    def step(self, theta, dtheta, slots, t, lr):
        Adam(epsilon=self.epsilon / np.sqrt(1 - self.beta_2**t)).step(theta, dtheta, slots, t, lr)


def rule_of(optimizer: str, adam: str):
    if optimizer == "adam":
        return LateAdam() if adam == "late" else Adam()
    return SGD(momentum=0.9 if optimizer == "momentum" else 0.0)


class Judge:
    """The reference's answers for a workload, and the files that contenders read."""

    def __init__(self, workload: Workload, x, y_t, theta) -> None:
        self.workload, self.theta = workload, theta
        self.architecture = Architecture(workload.layer_units, "relu", "softmax")
        size, short = workload.batch_size, workload.n % workload.batch_size
        three = 2 * size + (short or size)
        # a full batch has no second one: there, three epochs of one step
        self.parts = {
            "all": (x, y_t, 0),
            "one": (x[:size], y_t[:size], 1),
            "three": (x[:three], y_t[:three], 1 if workload.shuffles else 3),
        }
        self.closest = np.inf  # the least |r| that a unit met
        self.results = {
            (optimizer, adam): self.after("three", optimizer, adam)
            for optimizer in OPTIMIZERS
            for adam in ("algorithm 1", "late")
        }
        self.results["gradient", ""] = self.after("one", "sgd", "")

    @cache  # noqa: B019 -- a judge lives as long as its workload
    def loss_of(self, part: str) -> float:
        """Compute the mean loss of a part at the start."""
        x, y_t, _ = self.parts[part]
        params = Params.view(self.theta, self.workload.layer_units)
        tape = forward(self.architecture, params, x.astype(np.float64))
        return float(loss_of(self.architecture, params, tape, y_t))

    def after(self, part: str, optimizer: str, adam: str):
        """Train on a part in the order of its rows; return the parameters."""
        x, y_t, epochs = self.parts[part]
        size, rule, t = self.workload.batch_size, rule_of(optimizer, adam), 0
        params = Params.view(self.theta.copy(), self.workload.layer_units)
        slots = np.zeros((rule.n_slots, self.theta.size))
        for _ in range(epochs):
            for first in range(0, len(x), size):
                rows, t = slice(first, first + size), t + 1
                tape = forward(self.architecture, params, x[rows].astype(np.float64))
                gradients = backward(self.architecture, params, tape, y_t[rows])
                rule.step(params.flat, gradients.flat, slots, t, self.workload.rate(optimizer))
                self.closest = min(self.closest, *(np.abs(r).min() for r in tape.r))
        return params.flat

    def deviation(self, found, what: str, adam: str) -> float:
        """Measure how far parameters are from the reference's, by the change that it made."""
        expected = self.results[what, adam]
        return float(np.linalg.norm(found - expected) / np.linalg.norm(expected - self.theta))


def judge_of(workload: Workload, x, y_t) -> Judge:
    """Draw starts until nothing comes near the kink."""
    judges = (Judge(workload, x, y_t, start(workload, seed)) for seed in range(STARTS))
    for judge in judges:
        if judge.closest > KINK:
            break
    return judge


def write(folder: Path, judge: Judge) -> None:
    """Lay the rows of each part of the check, and of the race, where contenders find them."""
    for part, (x, y_t, _) in judge.parts.items():
        (folder / part).mkdir(parents=True, exist_ok=True)
        np.save(folder / part / "x.npy", x)
        np.save(folder / part / "y_t.npy", y_t)
        np.save(folder / part / "theta.npy", judge.theta)


def load(worker: Worker, folder: Path, part: str, workload: Workload, dtype: str) -> None:
    worker.ask(
        "load", folder=str(folder / part), dtype=dtype,
        layer_units=workload.layer_units, batch_size=workload.batch_size,
    )  # fmt: skip


def trained(worker: Worker, judge: Judge, optimizer: str, epochs: int):
    """Let a contender train on its loaded rows; return its parameters."""
    lr = judge.workload.rate(optimizer)
    worker.ask("begin", COMPILE_SECONDS, optimizer=optimizer, lr=lr, shuffles=False)
    if epochs:
        worker.ask("epochs", COMPILE_SECONDS, count=epochs)
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        worker.ask("parameters", file=file.name)
        return np.load(file.name)


def deviations(worker: Worker, judge: Judge, folder: Path, dtype: str) -> dict[str, float]:
    """Compare one contender in one precision; every value is a relative deviation."""
    workload, adam = judge.workload, worker.traits["adam"]
    load(worker, folder, "one", workload, dtype)
    parameters = trained(worker, judge, "sgd", 1)
    found = {"gradient": judge.deviation(parameters, "gradient", "")}
    load(worker, folder, "three", workload, dtype)
    epochs = judge.parts["three"][2]
    for optimizer in OPTIMIZERS:
        parameters = trained(worker, judge, optimizer, epochs)
        found[optimizer] = judge.deviation(parameters, optimizer, adam)
    load(worker, folder, LOSS_ROWS[dtype], workload, dtype)
    worker.ask("begin", COMPILE_SECONDS, optimizer="sgd", lr=workload.rate("sgd"), shuffles=False)
    loss = worker.ask("loss", COMPILE_SECONDS)["loss"]
    found["loss"] = abs(loss / judge.loss_of(LOSS_ROWS[dtype]) - 1)
    return found


def check(worker: Worker, judge: Judge, folder: Path) -> dict:
    """Compare one contender in each of its precisions; "fault" names the differences, or is ""."""
    result, faults = {"deviations": {}, "adam": worker.traits["adam"]}, []
    for dtype in reversed(worker.traits["dtypes"]):  # float32 last: the race goes on with it
        found = deviations(worker, judge, folder, dtype)
        result["deviations"][dtype] = found
        wrong = [
            f"{what} {value:.1e} in {dtype}"
            for what, value in found.items()
            if not value <= TOLERANCES[dtype][what]
        ]
        faults += wrong
    return {**result, "fault": ", ".join(faults)}
