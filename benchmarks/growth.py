"""How the time of a training step grows: with width, depth, batch and rows.

    python benchmarks/growth.py [--quick | --tables]

One thing is varied at a time from a table of 4,096 rows and 64 columns, one hidden layer of 128
relu units, 10 classes, batches of 128, Adam, float32. A point is the median over rounds, in
which the contenders take turns, of an epoch's seconds over its steps; each contender lives in
a process of its own, without variables that pin the BLAS to a kernel or to one thread. handgrad
is timed at its engines, with one thread and two, of which the better is compared; scikit-learn
within its fit, from the end of one epoch to the end of the next; tiny batches make 1,024 steps an
epoch. The picture goes to benchmarks/results/growth.png.

Before anything is timed, all of them train one epoch from the same weights, rows in order, and
must reach the same loss. ``--quick`` is a trial of one round that leaves no result.
"""

import statistics
import time
import warnings

import numpy as np
from racing.measuring import in_turns, medians, seconds_of
from racing.processes import contenders, is_worker, libraries_of, serve
from racing.results import RESULTS, must_agree, number, run
from racing.training import drawn, join, log_loss, probabilities, train, units_of

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


# -- the measurement ---------------------------------------------------------------------------


def table(rows):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, COLUMNS), dtype=np.float32)
    return x, np.append(np.arange(CLASSES), np.argmax(x[CLASSES:, :CLASSES], axis=1))


def layers_for(point):
    return drawn((COLUMNS, *[point["width"]] * point["depth"], CLASSES))


def engine_epochs(kind, point, shuffle):
    """Yield a function that runs an epoch in an engine, then one that gives the loss."""
    from handgrad.batch import Rows
    from handgrad.network import Architecture
    from handgrad.optim import Adam, Steps
    from handgrad.params import Params

    x, y = table(point["rows"])
    layers = layers_for(point)
    units, flat = units_of(layers), join(layers)
    params, slots = Params.view(flat, units), np.zeros((2, len(flat)), np.float32)
    given = Architecture(units), Rows(x, y, None), Steps(Adam(), point["batch"])
    engine = made_engine(kind, given)
    rng, steps = np.random.default_rng(0), -(-len(x) // point["batch"])

    def epoch(number):
        order = rng.permutation(len(x)) if shuffle else None
        engine.run_epoch(params, slots, number * steps, RATE, order)

    return epoch, lambda: log_loss(probabilities(list(zip(params.W, params.b, strict=True)), x), y)


def made_engine(kind, given):
    if kind == "numpy":
        from handgrad.engines.numpy import Numpy

        return Numpy(*given)
    from handgrad.engines.compiled.engine import Compiled

    return Compiled(*given, threads=int(kind.removeprefix("compiled-")))


def time_engine(kind, point, epochs):
    """Time epochs one by one; return their seconds a step."""
    epoch, _ = engine_epochs(kind, point, shuffle=True)
    return [seconds_of(lambda n=n: epoch(n))[0] for n in range(epochs + 1)][1:]


def time_theirs(kind, point, epochs):
    """Time epochs within one fit, from the end of one to the end of the next."""
    moments = []
    train_theirs(point, lambda predict: moments.append(time.perf_counter()), max_iter=epochs + 1)
    return list(np.diff(moments))


def loss_theirs(point):
    (x, y), seen = table(point["rows"]), []

    def on_epoch(predict):
        seen.append(log_loss(predict(x), y))

    train_theirs(point, on_epoch, max_iter=1, shuffle=False)
    return seen[0]


def train_theirs(point, on_epoch, **how):
    how |= {"batch_size": point["batch"], "learning_rate": RATE}
    train("sklearn", layers_for(point), *table(point["rows"]), on_epoch, **how)


def answer(kind, task):
    warnings.simplefilter("ignore")
    point, is_peer = task["point"], kind == "sklearn"
    if "epochs" in task:
        steps = -(-point["rows"] // point["batch"])
        seconds = (time_theirs if is_peer else time_engine)(kind, point, task["epochs"])
        return {"value": statistics.median(seconds) / steps}
    if is_peer:
        return {"value": loss_theirs(point)}
    epoch, loss = engine_epochs(kind, point, shuffle=False)
    epoch(0)
    return {"value": loss()}


def measure(options):
    rounds, seen = 1 if options.quick else ROUNDS, {}
    with contenders(__file__, CONTENDERS) as workers:
        losses = {n: worker.give(point=BASE)["value"] for n, worker in workers.items()}
        must_agree(losses, CHECK_TOLERANCE)
        for what, values in GROWN.items():
            seen[what] = {
                value: measured(workers, BASE | {what: value}, rounds) for value in values
            }
    if not options.quick:
        picture(seen)
    return {"base": BASE, "seconds a step": seen, "ratios": ratios_of(seen)}


def measured(workers, point, rounds):
    """Return the median of rounds of each contender; tiny batches make at most MOST_STEPS."""
    if point["batch"] * MOST_STEPS < BASE["rows"]:
        point = point | {"rows": MOST_STEPS * point["batch"]}
    last = dict.fromkeys(workers, 1e-3)  # the seconds of a step

    def one_round(name, _):
        epochs = LEAST_SECONDS / (last[name] * -(-point["rows"] // point["batch"]))
        task = {"point": point, "epochs": int(np.clip(epochs, 2, 50))}
        last[name] = workers[name].give(**task)["value"]
        return last[name]

    return medians(in_turns(workers, rounds, one_round))


def ratios_of(seen):
    ratios = {}
    for what, points in seen.items():
        for value, point in points.items():
            ours = min(point[n] for n in point if n.startswith("handgrad, compiled"))
            if "scikit-learn" in point:
                of = ratios.setdefault("scikit-learn", {})
                of[f"{what} {value:,}"] = point["scikit-learn"] / ours
    return ratios


def tables(data):
    cases = [
        (f"{what} {int(value):,}", point)
        for what, points in data["seconds a step"].items()
        for value, point in points.items()
    ]
    names, ratios = list(cases[0][1]), data["ratios"].get("scikit-learn", {})
    rows = [
        [case, *(f"{1e6 * point[n]:,.1f}" for n in names), number(ratios.get(case))]
        for case, point in cases
    ]
    return [(["µs a step", *names, "times faster than scikit-learn"], rows)]


LOOKS = {  # colour and mark of each line
    "handgrad, compiled, 1 thread": ("#e76f51", "o"),
    "handgrad, compiled, 2 threads": ("#c1121f", "s"),
    "handgrad, numpy": ("#8d99ae", "D"),
    "scikit-learn": ("#f4a261", "^"),
}
LABELS = {
    "width": "units in the hidden layer",
    "depth": "hidden layers",
    "batch": "rows in a batch",
    "rows": "rows in the table",
}


def picture(seen):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(10, 8), sharey=True, layout="constrained")
    for axis, (what, points) in zip(axes.flat, seen.items(), strict=True):
        for name, (colour, mark) in LOOKS.items():
            steps = [1e6 * point[name] for point in points.values() if name in point]
            axis.plot(list(points)[: len(steps)], steps, mark + "-", color=colour, label=name)
        ticks = list(points)
        axis.set(xscale="linear" if what == "depth" else "log", yscale="log", xlabel=LABELS[what])
        axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axis.minorticks_off()
        axis.yaxis.set_major_formatter("{x:,.0f}")
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("µs a step")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    rest = (
        f"{BASE['width']} units, {BASE['depth']} hidden layer, batches of {BASE['batch']}, "
        f"{BASE['rows']:,} rows"
    )
    figure.suptitle(f"One Adam step as one thing grows; the rest stays at {rest}", fontsize=12)
    figure.savefig(RESULTS / "growth.png", dpi=110)


if __name__ == "__main__":
    serve(answer) if is_worker() else run(measure, tables, libraries_of(CONTENDERS.values()))
