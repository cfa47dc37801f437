"""The contenders of the user-level programs, each in a process and environment of its own.

The program that measures also runs in that process, with ``--worker KIND``: there it serves
``answer(kind, task)``, here it asks. A kind is a library and its variant: "sklearn", "torch-2"
(two threads), "numpy" or "compiled-1" (engines of handgrad). ``race.py`` makes the environments;
a library without one is left out.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import traceback

from racing import crew, environments
from racing.measuring import seconds_of

ANSWER_SECONDS = 150


def library_of(kind):
    """Name the environment that a kind runs in: handgrad's, unless it begins with a peer's name."""
    return kind.split("-")[0] if kind.split("-")[0] in environments.PINS else "handgrad"


def libraries_of(kinds):
    return list(dict.fromkeys(map(library_of, kinds)))


def interpreter(kind):
    """Name the Python that has this contender, or None; handgrad runs here if nowhere else."""
    library = library_of(kind)
    if environments.is_installed(library):
        return str(environments.python_of(library))
    return sys.executable if library == "handgrad" else None


class Worker(crew.Worker):
    """The race's worker, but running a program of its own."""

    def __init__(self, program, kind):
        self.kind, self.pending = kind, b""
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 -- lives as long as the process
        self.process = subprocess.Popen(
            [interpreter(kind), program, "--worker", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=crew.clean_environment(),
        )

    def give(self, **task):
        """Send a task to ``answer``; return its reply."""
        try:
            return self.ask("answer", ANSWER_SECONDS, task=task)
        except crew.WorkerError as error:
            raise RuntimeError(f"{self.kind}: {error}") from None


@contextlib.contextmanager
def contenders(program, kinds):
    """Start a worker for each {name: kind} whose library is installed; end them all."""
    workers = {n: Worker(program, kind) for n, kind in kinds.items() if interpreter(kind)}
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.end()


def is_worker():
    return "--worker" in sys.argv


def serve(answer):
    """Answer tasks from stdin until there are no more; only answers go to stdout."""
    kind, replies = sys.argv[-1], os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            reply = answer(kind, json.loads(line)["task"])
        except Exception as error:
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


def fresh(python, *arguments, limit=120, **variables):
    """Run Python in a process of its own; return its seconds and its output."""
    environment = {**crew.clean_environment(), **variables}
    how = {"env": environment, "timeout": limit, "stdout": subprocess.PIPE, "check": True}
    seconds, run = seconds_of(lambda: subprocess.run([python, *arguments], text=True, **how))
    return seconds, run.stdout
