"""What workers gain on one machine, where they stop gaining, and what a network between would do.

    python benchmarks/scale.py [--quick | --tables]

Each row trains one network on the same rows with Adam in float32 by the compiled engine: without
workers, with one thread; and with 1, 2 and 4 workers under mpiexec. A figure is the processor's
time of a step in one of the processes, without the sums, in the best of several epochs and rounds,
in which all take turns: it hardly depends on what else the machine does. A gain compares it with a
fit without workers. Before a figure is kept, all numbers of workers must have ended with the same
bits.

What a sum costs is timed apart, between two processes: a short vector gives the latency, a long one
the bytes a second. The model then says what 2, 4 and 8 workers would reach, each with a core of its
own: the work is divided, and log2(k) exchanges of the whole gradient come on top, over memory as it
was measured here, and over networks of 10 and 25 Gbit/s with a latency of 30 us.
"""

import hashlib
import json
import math
import os
import subprocess
import sys
import time
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from racing.results import run

LAYERS = {"50-64-64-3": (50, 64, 64, 3), "50-256-256-3": (50, 256, 256, 3)}
BATCHES = 512, 2048, 8192
ROWS = 16_384
LONG = 100_000  # numbers of the long vector
WORKERS = 1, 2, 4
ROUNDS, EPOCHS = 3, 4
NETWORKS = {"10 Gbit/s": (30e-6, 1.25e9), "25 Gbit/s": (30e-6, 3.125e9)}  # seconds, bytes a second
SIZES = {"8 thousand": 7_619, "80 thousand": 79_619, "1 million": 1_000_000}


# -- in a worker ----------------------------------------------------------------------------------


class Timed:
    """A communicator that counts the processor's seconds in its sums."""

    def __init__(self, comm):
        self._comm, self.seconds = comm, 0.0
        self.rank, self.size, self.gather = comm.rank, comm.size, comm.gather

    def tree_sum(self, parts):
        started = time.thread_time()
        total = self._comm.tree_sum(parts)
        self.seconds += time.thread_time() - started
        return total


def prepared(units, batch_size):
    from handgrad.batch import Rows
    from handgrad.network import Architecture
    from handgrad.optim import Adam
    from handgrad.params import initialise
    from handgrad.training import Run, Settings
    from handgrad.training.run import steps_of

    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, units[0]), dtype=np.float32)
    rows = Rows(x, np.argmax(x[:, : units[-1]], axis=1))
    architecture = Architecture(units, "relu")
    params = initialise(units, architecture.activations, np.random.PCG64(1), np.dtype("f4"))
    run, settings = Run.start(params, np.random.PCG64(2)), Settings(Adam(), batch_size=batch_size)
    run.prepare(settings)
    return architecture, rows, steps_of(architecture, run, settings, ROWS), params


def timed_epochs(engine, params, order_of, comm=None):
    """Time some epochs; give the best one, without its sums, and the bits of the end."""
    now, slots = params.copy(), np.zeros((2, params.flat.size), np.float32)
    found = []
    for epoch in range(EPOCHS + 1):  # the first one warms up
        order, before = order_of(epoch), 0.0 if comm is None else comm.seconds
        started = time.thread_time()
        engine.run_epoch(now, slots, 1000 * epoch, 1e-3, order)
        seconds = time.thread_time() - started
        found.append(seconds - (0.0 if comm is None else comm.seconds - before))
    return min(found[1:]), hashlib.sha256(now.flat.tobytes()).hexdigest()


def of_workers(batches):
    from handgrad.engines.choice import BACKENDS
    from handgrad.engines.sharded import Sharded
    from handgrad.workers.crew import Crew
    from handgrad.workers.dealing import Dealt
    from handgrad.workers.mpi import world

    comm, make, found = Timed(world()), BACKENDS["compiled"].make_stepping, []
    for layers, batch_size in product(LAYERS.values(), batches):
        architecture, rows, steps, params = prepared(layers, batch_size)
        engine = Sharded(architecture, rows, steps, make=make, crew=Crew(comm))
        found.append(timed_epochs(engine, params, partial(Dealt, ROWS), comm))
    if comm.rank == 0:
        print(json.dumps(found))


def of_nobody(batches):
    from handgrad.chance import shuffled
    from handgrad.engines.compiled.engine import Compiled

    orders, found = [shuffled(ROWS, np.random.PCG64(epoch)) for epoch in range(EPOCHS + 1)], []
    for layers, batch_size in product(LAYERS.values(), batches):
        architecture, rows, steps, params = prepared(layers, batch_size)
        engine = Compiled(architecture, rows, steps)
        found.append(timed_epochs(engine, params, orders.__getitem__))
    print(json.dumps(found))


def exchanges():
    """Time the sum of two processes for a short and a long vector; print what fits: a + bytes/W."""
    from handgrad.workers.mpi import world

    comm, best = world(), []
    for n in (256, LONG):
        parts, taken = np.ones((1, n), np.float32), []
        for _ in range(500):
            comm.gather(b"")
            started = time.perf_counter()
            comm.tree_sum(parts)
            taken.append(time.perf_counter() - started)
        best.append(min(taken))
    if comm.rank == 0:
        print(json.dumps([best[0], 4 * LONG / (best[1] - best[0])]))


# -- the measurement ------------------------------------------------------------------------------


def told(arguments, workers=None):
    """Run this program as a worker, or in so many of them, and read the line that it prints."""
    from handgrad.engines.processors import processors
    from handgrad.workers.launch import mpiexec

    line = [sys.executable, __file__, "--worker", json.dumps(arguments)]
    environment = dict(os.environ)
    if workers is not None:
        flags = ["--bind-to", "none", "--map-by", ":OVERSUBSCRIBE", "-n", str(workers)]
        if workers > processors():
            flags += ["--mca", "mpi_yield_when_idle", "1"]
        line = [mpiexec(), *flags, *line]
        environment |= dict.fromkeys(
            ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"), "1"
        )
    environment["PYTHONPATH"] = os.pathsep.join(map(str, filter(None, sys.path)))
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(options):
    rounds, batches = (1, BATCHES[:1]) if options.quick else (ROUNDS, BATCHES)
    load = os.getloadavg()[0]
    wires, start_up, best, bits = [], [], {}, {}
    asked = [("none", ["none", batches], None)]
    asked += [(str(k), ["workers", batches], k) for k in WORKERS]
    for _ in range(rounds):
        started = time.perf_counter()
        wires.append(told(["exchanges"], 2))
        start_up.append(time.perf_counter() - started)
        for name, arguments, workers in asked:
            settings = product(LAYERS, map(str, batches))
            for setting, found in zip(settings, told(arguments, workers), strict=True):
                seconds, digest = found
                of = best.setdefault(setting, {})
                of[name] = min(seconds, of.get(name, math.inf))
                if workers is not None:
                    bits.setdefault(setting, set()).add(digest)
    if differing := [setting for setting, found in bits.items() if len(found) > 1]:
        raise RuntimeError(f"the number of workers changed bits: {differing}")
    steps = {layers: {} for layers in LAYERS}
    for (layers, size), of in best.items():
        n = math.ceil(ROWS / int(size))
        steps[layers][size] = {name: seconds / n for name, seconds in of.items()}
    size = str(batches[-1])
    flops = 6 * SIZES["80 thousand"] * int(size) / steps["50-256-256-3"][size]["none"]
    return {
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
        "start_up": min(start_up),
        "memory": [min(one[0] for one in wires), max(one[1] for one in wires)],
        "flops": flops,
        "steps": steps,
    }


# -- the tables -----------------------------------------------------------------------------------


def reached(n_parameters, batch_size, k, flops, latency, rate):
    """Say how many times as fast as one worker k of them are, by the model."""
    alone = 6 * n_parameters * batch_size / flops
    between = math.log2(k) * (latency + 4 * n_parameters / rate)
    return alone / (alone / k + between)


def tables(figures):
    columns = ["none", *map(str, WORKERS)]
    shown = ["no workers", "1 worker", *(f"each of {k}" for k in WORKERS[1:])]
    header = ["network", "batch", *(f"{name}, µs" for name in shown), "gain of 2", "gain of 4"]
    rows = [
        [
            layers,
            size,
            *(f"{of[name] * 1e6:,.0f}" for name in columns),
            *(f"{of['none'] / of[str(k)]:.2f}" for k in WORKERS[1:]),
        ]
        for layers, sizes in figures["steps"].items()
        for size, of in sizes.items()
    ]
    wires = {"memory of this machine": figures["memory"], **NETWORKS}
    modelled = [
        [
            f"{name} ({n:,})",
            wire,
            *(
                f"{reached(n, batch, k, figures['flops'], *of):.1f}"
                for batch in (1024, 8192)
                for k in (2, 4, 8)
            ),
        ]
        for name, n in SIZES.items()
        for wire, of in wires.items()
    ]
    batches = [f"{batch:,} rows, {k}" for batch in (1024, 8192) for k in (2, 4, 8)]
    latency, rate = figures["memory"]
    facts = [
        ["load of the machine before and after", " and ".join(map(str, figures["load"]))],
        ["starting and ending two workers, s", f"{figures['start_up']:.1f}"],
        ["a sum of two workers over memory: latency, µs", f"{latency * 1e6:.0f}"],
        ["the same: GB a second", f"{rate / 1e9:.1f}"],
        ["one core: GFLOP a second", f"{figures['flops'] / 1e9:.0f}"],
    ]
    return [
        (header, rows),
        (["parameters", "between workers", *batches], modelled),
        (["measured", "figure"], facts),
    ]


WORK = {"workers": of_workers, "none": of_nobody, "exchanges": exchanges}

if __name__ == "__main__":
    if "--worker" in sys.argv:
        name, *arguments = json.loads(sys.argv[-1])
        WORK[name](*arguments)
    else:
        sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
        run(measure, tables, ["handgrad"])
