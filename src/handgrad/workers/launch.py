"""The launcher that has started this process, and mpiexec started by ourselves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# The variable by which each launcher says how many processes it has started. mpiexec starts its
# daemons by srun, whose variable their processes inherit, so mpiexec's come first.
VARIABLES = {
    "OMPI_COMM_WORLD_SIZE": "Open MPI's mpiexec",
    "PMI_SIZE": "MPICH's or Intel MPI's mpiexec",
    "SLURM_STEP_NUM_TASKS": "srun",
}


class Launched(NamedTuple):
    """A launcher, and the number of processes that it has started."""

    launcher: str
    size: int


def launched() -> Launched | None:
    """Say what has started this process, and with how many others; None for a plain start."""
    for name, launcher in VARIABLES.items():
        text = os.environ.get(name, "")
        if text.isascii() and text.isdigit():
            size = int(text)
            return Launched(launcher, size) if size > 1 or "mpiexec" in launcher else None
    return None


def check_launcher(size: int) -> None:
    """Refuse a launcher that belongs to another MPI: each of its processes would be alone.

    Raises
    ------
    ValueError
        If the communicator has another number of processes than the launcher has started.
    """
    found = launched()
    if found is None or found.size == size:
        return
    from handgrad.workers.mpi import library

    raise ValueError(
        f"{found.launcher} started {found.size} processes, and mpi4py's {library()} sees {size}: "
        "the two belong to different MPIs. Start with the mpiexec of the MPI that mpi4py was made "
        f"for ({mpiexec() or 'none is here'}), or with handgrad fit --workers {found.size}"
    )


def mpiexec() -> str | None:
    """Find mpiexec: that of this environment, or else the first on the path."""
    return shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")


def command(workers: int, arguments: Sequence[str], processors: int) -> list[str]:
    """Make the command that starts handgrad in so many processes.

    Raises
    ------
    ImportError
        If there is no mpiexec.
    """
    program = mpiexec()
    if program is None:
        raise ImportError("workers need mpiexec: pip install 'handgrad[mpi]'")
    ran = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    flags = []
    if "Open MPI" in ran.stdout or "prte" in ran.stdout.lower():
        # Bound to one core, a worker would share it with whatever else runs there.
        flags = ["--bind-to", "none", "--map-by", ":OVERSUBSCRIBE"]
        if workers > processors:  # a worker that waits takes the core of one that works
            flags += ["--mca", "mpi_yield_when_idle", "1"]
    return [program, *flags, "-n", str(workers), sys.executable, "-m", "handgrad", *arguments]


def run(line: Sequence[str]) -> tuple[int, str]:
    """Run a job of workers to its end.

    Returns
    -------
    code : int
        Its exit code, or 128 and the number of the signal that we passed on.
    told : str
        What the launcher itself had to say.
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    allowed = ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM") if root else ()
    environment = dict.fromkeys(allowed, "1") | os.environ
    if not sys.stdout.isatty():  # the job writes to a terminal of mpiexec's; rich asks this
        environment.setdefault("TTY_COMPATIBLE", "0")
    job = subprocess.Popen(
        line, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, process_group=0
    )
    with job, _passing_on(job) as passed:
        told = _sorted_out(job)
        code = job.wait()
    if passed and code:
        return 128 + passed[0], told
    return (128 - code if code < 0 else code), told


def _sorted_out(job: subprocess.Popen[bytes]) -> str:
    """Pass on what workers say, and keep what the launcher says, between lines of dashes."""
    inside, kept = False, []
    for line in job.stderr or ():
        if line.startswith(b"-" * 40):
            inside = not inside
        elif inside or b"PMIX ERROR" in line:
            kept.append(line.decode(errors="replace").strip())
        elif line.strip():
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
    return " ".join(filter(None, kept))


@contextmanager
def _passing_on(job: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Pass signals on to the workers: the first lets them keep how far they are, others end them.

    Open MPI's mpiexec kills its job on Ctrl-C, and only SIGUSR1 reaches the workers.
    """
    heard: list[int] = []

    def hear(number: int, _: object) -> None:
        job.send_signal(signal.SIGTERM if heard else signal.SIGUSR1)
        heard.append(number)

    signals = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, hear) for one in signals}
    try:
        yield heard
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
