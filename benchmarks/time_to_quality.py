"""Time to quality: seconds until the test log-loss is as low as scikit-learn gets it.

    python benchmarks/time_to_quality.py FOLDER [--quick]

FOLDER holds adult.npz, letter.npz and mnist.npz. Every contender trains 100 relu units with
Adam (batches of 128, learning rate 0.001, no penalty) on the same standardised float32 matrix,
from the same Glorot weights, each in its own order of the rows. After every epoch the clock is
stopped, for everyone, and the test log-loss is looked at. scikit-learn goes first and runs all
its epochs; the goal is the lowest loss it shows at the end of one, so that its overfitting is
held against nobody. The others stop at the goal, or after three times as many epochs.
Compilation is done before, by an untimed epoch. torch is eager with fused Adam, jax one jitted
scan an epoch. They take turns, seed by seed; medians are printed.

"At its best settings" is handgrad with the batch size and learning rate that were fastest to
the loss of the settings above in a search on the training rows alone, a fifth of them held out.

Before anything is timed, all of them train one epoch of the first 2,000 rows from one start, in
order, and must reach the same test loss.
"""

import argparse
import functools
import math
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import as_a_user as user
import numpy as np
from growth import agreement, publish, verdict
from prediction import contenders, is_worker, serve

EPOCHS = {"adult": 20, "letter": 100, "mnist": 10}
SAME = {"batch_size": 128, "learning_rate": 1e-3}
SEARCH = [
    {"batch_size": size, "learning_rate": rate}
    for size in (32, 64, 128, 256, 512)
    for rate in (1e-3, 2e-3, 4e-3, 8e-3)
]
HIDDEN, SEEDS, PATIENCE = 100, 3, 3
CONTENDERS = {
    "scikit-learn": "sklearn",
    "handgrad, compiled": "compiled",
    "handgrad, numpy": "numpy",
    "torch, 1 thread": "torch-1",
    "torch, 2 threads": "torch-2",
    "jax": "jax",
}
BEST = "handgrad, at its best settings"
CHECK_ROWS, CHECK_TOLERANCE = 2000, 1e-3  # scikit-learn places epsilon otherwise in Adam


class Clock:
    """Called after each epoch with what predicts: notes seconds and loss, and says when to stop."""

    def __init__(self, x_test, y_test, goal):
        self.x_test, self.y_test, self.goal = x_test, y_test, goal
        self.seconds, self.record = 0.0, []
        self.started = time.perf_counter()

    def __call__(self, predict):
        self.seconds += time.perf_counter() - self.started
        self.record.append((self.seconds, user.log_loss(predict(self.x_test), self.y_test)))
        self.started = time.perf_counter()
        return self.record[-1][1] <= self.goal


# -- the contenders: each trains and calls on_epoch(predict), which says whether to stop --------


def train_torch(kind, layers, x, y, on_epoch, *, max_iter, shuffle, random_state, **how):
    import torch
    from torch.nn import functional

    torch.set_num_threads(int(kind.removeprefix("torch-")))
    torch.manual_seed(random_state)
    W1, b1, W2, b2 = (torch.tensor(part, requires_grad=True) for pair in layers for part in pair)
    adam = torch.optim.Adam([W1, b1, W2, b2], lr=how["learning_rate"], fused=True)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    y = y[:, None].float() if (binary := len(b2) == 1) else y
    loss = functional.binary_cross_entropy_with_logits if binary else functional.cross_entropy

    def score(rows):
        return torch.addmm(b2, torch.relu(torch.addmm(b1, rows, W1)), W2)

    def predict(rows):
        with torch.no_grad():
            return probabilities(score(torch.from_numpy(rows)).numpy())

    for _ in range(max_iter):
        order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
        for rows in order.split(how["batch_size"]):
            adam.zero_grad()
            loss(score(x[rows]), y[rows]).backward()
            adam.step()
        if on_epoch(predict):
            break


def train_jax(kind, layers, x, y, on_epoch, *, batch_size, max_iter, shuffle, random_state, **how):
    import jax.numpy as jnp

    run, score = jax_functions()
    rng = np.random.default_rng(random_state)
    params = [tuple(map(jnp.array, layer)) for layer in layers]
    zeros = [tuple(map(jnp.zeros_like, layer)) for layer in params]
    state = (params, zeros, zeros, 0.0)
    x, y = jnp.asarray(x), jnp.asarray(y)
    whole = len(x) // batch_size * batch_size
    for _ in range(max_iter):
        order = rng.permutation(len(x)) if shuffle else np.arange(len(x))
        state = run(state, x, y, order[:whole].reshape(-1, batch_size), how["learning_rate"])
        if whole < len(x):
            state = run(state, x, y, order[None, whole:], how["learning_rate"])
        state[0][0][0].block_until_ready()
        if on_epoch(lambda rows: probabilities(np.asarray(score(state[0], rows)))):  # noqa: B023
            break


@functools.cache
def jax_functions():
    """Make the functions that are compiled once: a scan over batches, and the scores."""
    import jax
    import jax.numpy as jnp

    def score(params, x):
        (W1, b1), (W2, b2) = params
        return jax.nn.relu(x @ W1 + b1) @ W2 + b2

    def loss(params, x, y):
        s = score(params, x)
        if s.shape[1] == 1:
            return jnp.mean(jax.nn.softplus(s[:, 0]) - s[:, 0] * y)
        return -jnp.mean(jax.nn.log_softmax(s)[jnp.arange(len(y)), y])

    def run(state, x, y, batches, rate):
        def step(state, rows):
            params, m, v, t = state
            g, t = jax.grad(loss)(params, x[rows], y[rows]), t + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)

            def moved(w, m, v):
                return w - rate * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)

            return (jax.tree.map(moved, params, m, v), m, v, t), None

        return jax.lax.scan(step, state, batches)[0]

    return jax.jit(run), jax.jit(score)


def probabilities(score):
    if score.shape[1] == 1:
        p = 1 / (1 + np.exp(-np.float64(score[:, 0])))
        return np.stack([1 - p, p], axis=1)
    e = np.exp(np.float64(score) - score.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


TRAINERS = {"sklearn": user.train_theirs, "torch": train_torch, "jax": train_jax}


def train(kind, *arguments, **how):
    TRAINERS.get(kind.split("-")[0], user.train_ours)(kind, *arguments, **how)


def answer(kind, task):
    warnings.simplefilter("ignore")
    x, y, x_test, y_test = user.matrices(task["data"])
    clock = Clock(x_test, y_test, task["goal"])
    train(kind, user.layers_of(task["start"]), x, y, clock, **task["how"])
    return {"record": clock.record}


# -- the measurement ---------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description="seconds to scikit-learn's test log-loss")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="one seed, few epochs, no search")
    options = parser.parse_args()
    data, checks = {}, {}
    with tempfile.TemporaryDirectory() as scratch, contenders(__file__, CONTENDERS) as workers:
        for name, epochs in EPOCHS.items():
            track = Track(user.save_matrices(options.folder, name, Path(scratch)), Path(scratch))
            checks[name] = track.check(workers)
            print(f"{name}: test loss from one start: {checks[name]}", flush=True)
            seeds, epochs = (1, 2) if options.quick else (SEEDS, epochs)
            best = SAME if options.quick else track.search(workers, epochs)
            rounds = [track.race(workers, epochs, best, seed) for seed in range(seeds)]
            data[name] = {"best": best, "epochs": epochs, "rounds": rounds}
    report(data, checks)


class Track:
    """One data set, with all the weights to start from."""

    def __init__(self, data, scratch):
        x, y, *_ = user.matrices(data)
        self.data, self.scratch = data, scratch
        self.units = (x.shape[1], HIDDEN, user.n_scores(y))

    def run(self, worker, epochs, settings, *, seed=0, goal=-math.inf, data=None, shuffle=True):
        start = user.save_start(self.scratch / f"start{seed}.npz", self.units, seed)
        how = {**settings, "max_iter": epochs, "shuffle": shuffle, "random_state": seed}
        return worker.ask(data=str(data or self.data), start=start, goal=goal, how=how)["record"]

    def part(self, name, x, y, x_test, y_test):
        path = self.scratch / f"{name}.npz"
        np.savez(path, x=x, y=y, x_test=x_test, y_test=y_test)
        return path

    def check(self, workers):
        x, y, x_test, y_test = user.matrices(self.data)
        data = self.part("check", x[:CHECK_ROWS], y[:CHECK_ROWS], x_test, y_test)
        records = {n: self.run(w, 1, SAME, data=data, shuffle=False) for n, w in workers.items()}
        for worker in workers.values():  # compiles for all rows, too
            self.run(worker, 1, SAME)
        return agreement({n: record[-1][1] for n, record in records.items()}, CHECK_TOLERANCE)

    def race(self, workers, epochs, best, seed):
        """Let scikit-learn set the goal, then the others reach it; {name: (seconds, epochs)}."""
        record = self.run(workers["scikit-learn"], epochs, SAME, seed=seed)
        goal = min(loss for _, loss in record)
        records = {"scikit-learn": record}
        others = {n: (w, SAME) for n, w in workers.items() if n != "scikit-learn"}
        for name, (worker, how) in (others | {BEST: (workers["handgrad, compiled"], best)}).items():
            records[name] = self.run(worker, PATIENCE * epochs, how, seed=seed, goal=goal)
        return {"goal": goal, "reached": {n: reached(r, goal) for n, r in records.items()}}

    def search(self, workers, epochs):
        """Find the settings that are fastest on the training rows, a fifth of them held out."""
        x, y, *_ = user.matrices(self.data)
        held = np.random.default_rng(0).permutation(len(y)) < len(y) // 5
        data = self.part("search", x[~held], y[~held], x[held], y[held])
        worker = workers["handgrad, compiled"]
        goal = min(loss for _, loss in self.run(worker, epochs, SAME, data=data))
        tried = [
            (reached(self.run(worker, epochs, how, goal=goal, data=data), goal)[0], number)
            for number, how in enumerate(SEARCH)
        ]
        return SEARCH[min(tried)[1]]


def reached(record, goal):
    """Give seconds and epochs at the first loss that is no higher than the goal."""
    for epoch, (seconds, loss) in enumerate(record, start=1):
        if loss <= goal:
            return seconds, epoch
    return math.inf, len(record)


def report(data, checks):
    rows, ratios = [], {}
    for name, seen in data.items():
        goal = statistics.median(r["goal"] for r in seen["rounds"])
        middle = {n: median_of(seen["rounds"], n) for n in seen["rounds"][0]["reached"]}
        ours = middle["handgrad, compiled"][0]
        theirs = middle["scikit-learn"][0]
        for n in [*CONTENDERS, BEST]:
            rows.append([f"{name} ({goal:.4f})", n, *cells(middle.get(n), theirs)])
            if n in middle and not n.startswith("handgrad") and middle[n][0] < math.inf > ours:
                ratios.setdefault(n, {})[name] = middle[n][0] / ours
    best = ", ".join(
        f"{n} in batches of {s['best']['batch_size']} at {s['best']['learning_rate']:g}"
        for n, s in data.items()
    )
    epochs = ", ".join(f"{n} {s['epochs']}" for n, s in data.items())
    missed = ", ".join(row[0] for row in rows if row[1:3] == ["handgrad, compiled", "not reached"])
    sentence = f"Goals that handgrad missed: {missed}. " if missed else ""
    sentence += (
        f"At the same settings, handgrad's compiled engine: {verdict(ratios)} scikit-learn had "
        f"so many epochs: {epochs}; the goal is its best loss. Our best settings: {best}. "
        f"From one start, the test losses are: {'; '.join(dict.fromkeys(checks.values()))}."
    )
    header = ["data (goal)", "contender", "seconds", "epochs", "times scikit-learn's speed"]
    section = {"data": data, "checks": checks, "ratios": ratios}
    publish("time_to_quality", "Time to quality", 25, sentence, header, rows, section)


def median_of(rounds, name):
    return [statistics.median(r["reached"][name][k] for r in rounds) for k in (0, 1)]


def cells(middle, theirs):
    if middle is None:
        return ["not installed", "", ""]
    seconds, epochs = middle
    if seconds == math.inf:
        return ["not reached", f"{epochs:.0f}", ""]
    return [f"{seconds:.3f}", f"{epochs:.0f}", f"{theirs / seconds:.1f}"]


if __name__ == "__main__":
    serve(answer) if is_worker() else main()
