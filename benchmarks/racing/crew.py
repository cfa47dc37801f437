"""The contenders as live processes: started, asked, given a time limit, ended.

Each runs in its library's environment, without the variables that steer a BLAS or set a number
of threads, as on a user's machine. One that dies or does not answer in time is
ended and started anew for its next workload; the race never waits for it.
"""

import json
import os
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from racing import environments

WORKER = Path(__file__).with_name("worker.py")
REMOVED = (
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS",
    "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NVPL_*", "GOTO_NUM_THREADS", "XLA_FLAGS",
    "PYTHONPATH",
)  # fmt: skip

START_SECONDS = 120
ANSWER_SECONDS = 60


class WorkerError(Exception):
    """A contender's failure, in one line."""


@dataclass(frozen=True)
class Entry:
    """A line of the starters' list.

    Attributes
    ----------
    name : str
        As printed: library, variant, threads.
    library : str
        Whose environment it runs in.
    module, variant : str
        The file in ``contenders/`` and which of its variants.
    threads : int
        1 or 2.
    workloads : tuple of str
        Where it starts; everywhere if empty.
    """

    name: str
    library: str
    module: str
    variant: str
    threads: int
    workloads: tuple[str, ...] = ()


SMALL, LARGE = ("W1", "W2", "W7"), ("W3", "W4", "W5", "W6")

ROSTER = (
    Entry("handgrad-compiled-1t", "handgrad", "with_handgrad", "compiled", 1),
    Entry("handgrad-compiled-2t", "handgrad", "with_handgrad", "compiled", 2),
    Entry("handgrad-numpy", "handgrad", "with_handgrad", "numpy", 2),
    Entry("sklearn-1t", "sklearn", "with_sklearn", "fit", 1),
    Entry("sklearn-2t", "sklearn", "with_sklearn", "fit", 2),
    Entry("torch-foreach-1t", "torch", "with_torch", "foreach", 1),
    Entry("torch-foreach-2t", "torch", "with_torch", "foreach", 2),
    Entry("torch-fused-1t", "torch", "with_torch", "fused", 1),
    Entry("torch-fused-2t", "torch", "with_torch", "fused", 2),
    # variants that never win start once: with one thread for small steps, with two for large
    Entry("torch-compile-1t", "torch", "with_torch", "compile", 1, SMALL),
    Entry("torch-compile-2t", "torch", "with_torch", "compile", 2, LARGE),
    Entry("jax-step-1t", "jax", "with_jax", "step", 1, SMALL),
    Entry("jax-step-2t", "jax", "with_jax", "step", 2, LARGE),
    Entry("jax-scan-1t", "jax", "with_jax", "scan", 1),
    Entry("jax-scan-2t", "jax", "with_jax", "scan", 2),
    Entry("keras-jax-2t", "keras", "with_keras", "fit", 2),
    Entry("skorch-1t", "skorch", "with_skorch", "fit", 1, SMALL),
    Entry("skorch-2t", "skorch", "with_skorch", "fit", 2, LARGE),
)
FLOORS = (
    Entry("floor-openblas", "floor", "floor_blas", "openblas", 1),
    Entry("floor-mkl", "torch", "floor_torch", "mkl", 1),
    Entry("floor-kernels", "floor", "floor_kernels", "kernels", 1),
)


def is_removed(variable: str) -> bool:
    return variable in REMOVED or variable.startswith("NVPL_")


def clean_environment() -> dict[str, str]:
    """Copy the environment without the variables that users do not have."""
    kept = {name: value for name, value in os.environ.items() if not is_removed(name)}
    kept["TORCHINDUCTOR_CACHE_DIR"] = str(environments.FOLDER / "torch" / "compiled")
    return kept


class Worker:
    """One contender's process."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 -- lives as long as the process
        self.process = subprocess.Popen(
            [str(environments.python_of(entry.library)), "-P", str(WORKER),
             entry.module, entry.variant, str(entry.threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            env=clean_environment(),
        )  # fmt: skip
        self.pending = b""
        self.traits: dict[str, Any] = {}

    def started(self) -> "Worker":
        """Wait until it has imported its library."""
        self.traits = self._answer(START_SECONDS)
        return self

    def ask(self, what: str, limit: float = ANSWER_SECONDS, **details: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises
        ------
        WorkerError
            If the contender refuses, dies, or is silent past the limit; the latter two end it.
        """
        line = json.dumps({"do": what, **details}) + "\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except OSError:
            raise WorkerError(self._last_words()) from None
        return self._answer(limit)

    def _answer(self, limit: float) -> dict[str, Any]:
        deadline = time.monotonic() + limit
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.end()
                raise WorkerError(f"no answer within {limit:g} s")
            read = os.read(self.process.stdout.fileno(), 1 << 16)
            if not read:
                self.end()
                raise WorkerError(self._last_words())
            self.pending += read
        line, self.pending = self.pending.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _last_words(self) -> str:
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read().splitlines() if line.strip()]
        return lines[-1][:300] if lines else f"ended with exit status {self.process.poll()}"

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        if self.is_alive():
            self.process.kill()
        self.process.wait()


class Crew:
    """All workers by name, and why the missing ones are missing."""

    def __init__(self, entries: list[Entry], absent: dict[str, str]) -> None:
        self.entries, self.absent = entries, absent  # absent: {library: why}
        self.workers: dict[str, Worker] = {}

    def members(self, workload: str) -> list[Entry]:
        return [e for e in self.entries if not e.workloads or workload in e.workloads]

    def worker(self, entry: Entry) -> Worker:
        """Give the live process of an entry, started anew if it has ended.

        Raises
        ------
        WorkerError
            If its library is missing or cannot be imported.
        """
        if entry.library in self.absent:
            raise WorkerError(self.absent[entry.library])
        worker = self.workers.get(entry.name)
        if worker is not None and worker.is_alive():
            return worker
        try:
            self.workers[entry.name] = Worker(entry)
        except OSError as error:
            raise WorkerError(f"cannot be started: {error.strerror}") from None
        return self.workers[entry.name].started()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in self.workers.values():
            worker.end()
