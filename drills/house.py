"""What the drills share: a count with a time limit, children that are always ended, small models.

A child process is a function of one of these files, named "module.function" and given JSON; it
gives JSON back. Whatever a drill starts, it ends; no other process is touched.
"""

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

DRILLS = Path(__file__).parent
HANDGRAD = [sys.executable, "-m", "handgrad"]
MOST_MEMORY = 6 << 30  # bytes of address space that a child may ask for
SHOWN = 5  # failures that are told in words


class Tally:
    """How often a drill struck, until when it may, and what did not hold."""

    def __init__(self, count, seconds):
        self.count, self.seconds = count, seconds
        self.struck, self.failures = 0, []
        self.begin()

    def begin(self):
        """Let the time run from here: what is made ready before does not count."""
        self.deadline = time.monotonic() + self.seconds

    def strikes(self):
        """Give the numbers of the strikes, until there are enough or the time is over."""
        while self.struck < self.count and time.monotonic() < self.deadline:
            self.struck += 1
            yield self.struck - 1

    def fails(self, what):
        self.failures.append(what)

    def expect(self, holds, what):
        if not holds:
            self.fails(what)

    def told(self):
        further = len(self.failures) - SHOWN
        return [*self.failures[:SHOWN], *([f"and {further:,} more"] if further > 0 else [])]


# -- children ----------------------------------------------------------------------------------


def run(command, seconds=60, **options):
    """Run a command to its end; its exit code is -9 where it took too long."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    try:
        return subprocess.run(command, timeout=seconds, check=False, **options)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(command, -9, late.stdout or b"", b"took too long")


def child_command(function, *arguments):
    return [sys.executable, str(DRILLS), "--child", function, json.dumps(arguments)]


def child(function, *arguments, seconds=60):
    """Call a function of a drill in a fresh process; give its exit code, and what it gave back."""
    done = run(child_command(function, *arguments), seconds)
    last = done.stdout.decode(errors="replace").strip().rpartition("\n")[2]
    if done.returncode == 0:
        return 0, json.loads(last)
    return done.returncode, done.stderr.decode(errors="replace").strip().rpartition("\n")[2]


def be_child(name, arguments):
    module, function = name.rsplit(".", 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    print(json.dumps(getattr(__import__(module), function)(*json.loads(arguments))))


@contextlib.contextmanager
def started(command, **options):
    """Start a process, and end it whatever happens."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def load(processes):
    """Keep the cores busy; the busy ones end with their parent, too."""
    busy = f"import os\nwhile os.getppid() == {os.getpid()}: pass"
    with contextlib.ExitStack() as stack:
        for _ in range(processes):
            stack.enter_context(started([sys.executable, "-c", busy]))
        yield


def at_once(threads, strike, numbers):
    """Strike in several threads, each of which takes the next number when it is free."""
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            strike(number)

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work) for _ in range(threads)]:
            done.result()


def cores():
    return len(os.sched_getaffinity(0))


def peak_megabytes():
    """Read how much this process has held at most.

    Not from getrusage: Linux has a child begin there with the peak of its parent.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


# -- models and tables -------------------------------------------------------------------------


def points(rows=60, columns=4, seed=0):
    """Draw rows of three classes that can be learnt."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 3
    x = rng.normal(size=(rows, columns))
    x[:, 0] += 3 * y
    return x, np.array(["ash", "birch", "cedar"])[y]


def classifier(units=(8,), seed=0, **settings):
    import warnings

    from handgrad import MLPClassifier

    settings = {"max_iter": 3, "engine": "numpy", "random_state": seed, **settings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs need not converge
        return MLPClassifier(units, **settings).fit(*points())


TABLE = "height,colour,tree\n" + "".join(
    f"{1 + number % 7}.5,{('red', 'green', '')[number % 3]},{('ash', 'birch')[number % 2]}\n"
    for number in range(40)
)


def table_model(folder):
    """Train by the command line on a small table; give the paths of the model and of the table."""
    table, model = folder / "good.csv", folder / "model.safetensors"
    table.write_text(TABLE)
    trained = run([*HANDGRAD, *fit_arguments(table, model)])
    if trained.returncode:
        raise RuntimeError(trained.stderr.decode())
    return model, table


def fit_arguments(table, model):
    settings = ["--target", "tree", "--epochs", "2", "--hidden", "4"]
    return ["fit", str(table), *settings, "--model", str(model)]
