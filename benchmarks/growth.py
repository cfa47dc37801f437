"""How the time of a training step grows: with width, depth, batch and rows.

    python benchmarks/growth.py [--quick]

One thing is varied at a time from a table of 4,096 rows and 64 columns, one hidden layer of 128
relu units, 10 classes, batches of 128, Adam, float32. A point is the median over rounds, in
which the contenders take turns, of an epoch's seconds over its steps; each contender lives in
a process of its own, without variables that pin the BLAS to a kernel or to one thread. handgrad
is timed at its engines, with one thread and two; scikit-learn within its fit, from the end of
one epoch to the end of the next; tiny batches make 1,024 steps an epoch. The picture goes to
docs/images/growth.png.

Before anything is timed, all of them train one epoch from the same weights, rows in order, and
must reach the same loss. The end of this file, a section of the report, is borrowed by the other
programs.
"""

import json
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np

BASE = {"width": 128, "depth": 1, "batch": 128, "rows": 4096}
GROWN = {
    "width": (16, 32, 64, 128, 256, 512, 1024),
    "depth": (1, 2, 3, 4, 5, 6),
    "batch": (1, 4, 16, 64, 256, 1024, 4096),
    "rows": (256, 1024, 4096, 16_384, 65_536, 262_144),
}
CONTENDERS = {
    "handgrad, compiled, 1 thread": "compiled-1",
    "handgrad, compiled, 2 threads": "compiled-2",
    "handgrad, numpy": "numpy",
    "scikit-learn": "sklearn",
}
COLUMNS, CLASSES, RATE = 64, 10, 1e-3
ROUNDS, LEAST_SECONDS, MOST_STEPS = 3, 0.05, 1024
CHECK_TOLERANCE = 1e-3  # of the loss, float32
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "growth.png"


# -- the measurement ---------------------------------------------------------------------------


def table(rows):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, COLUMNS), dtype=np.float32)
    return x, np.append(np.arange(CLASSES), np.argmax(x[CLASSES:, :CLASSES], axis=1))


def layers_for(point):
    from as_a_user import drawn

    return drawn((COLUMNS, *[point["width"]] * point["depth"], CLASSES))


def engine_epochs(kind, point, shuffle):
    """Yield a function that runs an epoch in an engine, then one that gives the loss."""
    from handgrad.network import Architecture
    from handgrad.optim import Adam
    from handgrad.params import Params
    from handgrad.rows import Rows

    x, y = table(point["rows"])
    layers = layers_for(point)
    units = (COLUMNS, *(len(b) for _, b in layers))
    flat = np.concatenate([part.ravel() for layer in layers for part in layer])
    params, slots = Params.view(flat, units), np.zeros((2, len(flat)), np.float32)
    what = (Architecture(units), Adam(), Rows(x, y, None))
    engine = made_engine(kind, what, point["batch"])
    rng, steps = np.random.default_rng(0), -(-len(x) // point["batch"])

    def epoch(number):
        order = rng.permutation(len(x)) if shuffle else None
        engine.run_epoch(params, slots, number * steps, RATE, order)

    return epoch, lambda: loss_of(layers_in(params), x, y)


def layers_in(params):
    return list(zip(params.W, params.b, strict=True))


def made_engine(kind, what, batch):
    if kind == "numpy":
        from handgrad.engines.numpy import Numpy

        return Numpy(*what, batch_size=batch, l2=0.0)
    from handgrad.engines.compiled import Compiled

    return Compiled(*what, batch_size=batch, l2=0.0, threads=int(kind.removeprefix("compiled-")))


def loss_of(layers, x, y):
    """Compute the mean loss of all rows, in NumPy, for everyone."""
    from as_a_user import log_loss

    h = x
    for W, b in layers[:-1]:
        h = np.maximum(h @ W + b, 0)
    score = np.float64(h @ layers[-1][0] + layers[-1][1])
    e = np.exp(score - score.max(axis=1, keepdims=True))
    return log_loss(e / e.sum(axis=1, keepdims=True), y)


def time_engine(kind, point, epochs):
    """Time epochs one by one; return their seconds a step."""
    epoch, _ = engine_epochs(kind, point, shuffle=True)
    seconds = []
    for number in range(epochs + 1):
        started = time.perf_counter()
        epoch(number)
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def time_theirs(kind, point, epochs):
    from as_a_user import train_theirs

    moments = []
    x, y = table(point["rows"])
    how = {"batch_size": point["batch"], "learning_rate": RATE, "random_state": 0}

    def on_epoch(predict):
        moments.append(time.perf_counter())

    train_theirs(kind, layers_for(point), x, y, on_epoch, max_iter=epochs + 1, **how)
    return list(np.diff(moments))


def answer(kind, task):
    warnings.simplefilter("ignore")
    point, is_peer = task["point"], kind == "sklearn"
    if task["what"] == "time":
        steps = -(-point["rows"] // point["batch"])
        seconds = (time_theirs if is_peer else time_engine)(kind, point, task["epochs"])
        return {"value": statistics.median(seconds) / steps}
    if not is_peer:
        epoch, loss = engine_epochs(kind, point, shuffle=False)
        epoch(0)
        return {"value": loss()}
    from as_a_user import log_loss, train_theirs

    (x, y), seen = table(point["rows"]), []
    how = {"batch_size": point["batch"], "learning_rate": RATE, "max_iter": 1, "shuffle": False}

    def on_epoch(predict):
        seen.append(log_loss(predict(x), y))

    train_theirs(kind, layers_for(point), x, y, on_epoch, **how)
    return {"value": seen[0]}


def main():
    from prediction import contenders

    rounds = 1 if "--quick" in sys.argv else ROUNDS
    seen = {}
    with contenders(__file__, CONTENDERS) as workers:
        losses = {n: w.ask(what="loss", point=BASE)["value"] for n, w in workers.items()}
        checked = agreement(losses, CHECK_TOLERANCE)
        print(f"loss after an epoch from one start: {checked}", flush=True)
        for what, values in GROWN.items():
            seen[what] = {
                value: measured(workers, BASE | {what: value}, rounds) for value in values
            }
    report(seen, checked)
    if rounds == ROUNDS:
        picture(seen)


def measured(workers, point, rounds):
    """Return the median of rounds of each contender; tiny batches make but so many steps."""
    if point["batch"] * MOST_STEPS < BASE["rows"]:
        point = point | {"rows": MOST_STEPS * point["batch"]}
    figures = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            step = figures[name][-1] if figures[name] else 1e-3
            epochs = LEAST_SECONDS / (step * -(-point["rows"] // point["batch"]))
            task = {"point": point, "epochs": int(np.clip(epochs, 2, 50))}
            figures[name].append(worker.ask(what="time", **task)["value"])
    return {name: statistics.median(values) for name, values in figures.items()}


def picture(seen):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(10, 8), sharey=True, layout="constrained")
    for axis, (what, points) in zip(axes.flat, seen.items(), strict=True):
        for name, mark in zip(CONTENDERS, "osD^", strict=True):
            steps = [1e6 * point[name] for point in points.values() if name in point]
            axis.plot(list(points)[: len(steps)], steps, marker=mark, markersize=5, label=name)
        ticks = list(points)
        axis.set(xscale="log", yscale="log", xlabel=what, ylabel="µs a step")
        axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks], rotation=30)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes.flat[0].legend()
    settings = ", ".join(f"{what} {value:,}" for what, value in BASE.items())
    figure.suptitle(f"An Adam step as one thing grows; the others stay at {settings}", fontsize=12)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=110)


def report(seen, checked):
    rows, ratios = [], {"scikit-learn": {}}
    for what, points in seen.items():
        for value, point in points.items():
            steps = [
                f"{1e6 * point[n]:,.1f}" if n in point else "not installed" for n in CONTENDERS
            ]
            rows.append([what, f"{value:,}", *steps])
            ours = min(point[n] for n in CONTENDERS if n.startswith("handgrad, compiled"))
            if "scikit-learn" in point:
                ratios["scikit-learn"][f"{what} {value:,}"] = point["scikit-learn"] / ours
    sentence = (
        f"A step as one thing grows. handgrad's compiled engine, at the better of 1 and 2 "
        f"threads: {verdict(ratios)} Loss after an epoch: {checked}.\n\n"
        "![Step time against width, depth, batch and rows](images/growth.png)"
    )
    header = ["what grows", "to", *(f"{name}, µs a step" for name in CONTENDERS)]
    data = {"base": BASE, "seconds a step": seen, "check": checked, "ratios": ratios}
    publish("growth", "How a step grows", 40, sentence, header, rows, data)


# -- a section of the report -------------------------------------------------------------------

RESULTS = Path(__file__).parent / "results"
TIE = 1.15  # on a shared machine, less is no difference


def agreement(values, tolerance):
    """Say "all equal (...)" where arrays agree with the first relative to its largest entry."""
    arrays = {name: np.asarray(value) for name, value in values.items()}
    first = next(iter(arrays.values()))
    apart = {n: float(np.abs(a - first).max() / np.abs(first).max()) for n, a in arrays.items()}
    differing = [f"{n} differs by {gap:.1g}" for n, gap in apart.items() if not gap <= tolerance]
    return ", ".join(differing) or f"all {len(arrays)} equal within {tolerance:g}"


def verdict(ratios):
    """Say where a peer wins, where it is a tie, and how the rest is won; {peer: {what: ratio}}."""
    every = [(peer, what, r) for peer, of in ratios.items() for what, r in of.items()]
    lost = ", ".join(
        f"{peer} at {what} ({1 / r:.1f} times)" for peer, what, r in every if r < 1 / TIE
    )
    ties = ", ".join(f"{peer} at {what}" for peer, what, r in every if 1 / TIE <= r <= TIE)
    parts = [f"faster than it are {lost}." if lost else "no peer is faster."]
    parts += [f"A tie: {ties}."] if ties else []
    for peer, of in ratios.items():
        won = [r for r in of.values() if r > TIE]
        if won:
            parts.append(
                f"It is {min(won):.1f} to {max(won):.1f} times as fast as {peer}"
                f" in {len(won)} of {len(of)} cases."
            )
    return " ".join(parts)


def publish(name, title, order, sentence, header, rows, data, *more_tables):
    """Print the tables and write the section to benchmarks/results, but for a quick trial."""
    from rich.console import Console
    from rich.table import Table

    tables = [(header, rows), *more_tables]
    print(sentence)
    for heads, lines in tables:
        table = Table(*heads, title=title)
        for line in lines:
            table.add_row(*line)
        Console().print(table)
    if "--quick" in sys.argv:  # a trial, not a result
        return
    markdown = "\n\n".join([sentence, *(pipes(*table) for table in tables)])
    section = {"title": title, "order": order, "markdown": markdown, "data": data}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.section.json"
    path.write_text(json.dumps(section, indent=1, ensure_ascii=False) + "\n")


def pipes(header, rows):
    marks = ["---", "---", *["---:"] * (len(header) - 2)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, marks, *rows))


if __name__ == "__main__":
    from prediction import is_worker, serve

    serve(answer) if is_worker() else main()
