"""``handgrad fit`` in several processes, started by --workers or by a launcher.

The first of them alone writes files and prints. The others end with the exit code that it would
have; where only one of them fails, it says so, and the whole job ends.
"""

from __future__ import annotations

import io
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import click

from handgrad.cli.exits import exit_code_of
from handgrad.cli.recipes import PLAIN
from handgrad.cli.terminal import note
from handgrad.engines.processors import processors
from handgrad.workers import launch, mpi
from handgrad.workers.crew import PASSED_ON
from handgrad.workers.mpi import MPIComm
from handgrad.workers.seam import Alone, Comm

# How long a worker that has failed waits, because the first may be about to say the same.
GRACE = 2.0

STANDARD_INPUT = Path("/dev/stdin")
OUR_CODES = range(2, 7)  # of an error of which a worker has told
INTERRUPTED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def check_workers(options: dict[str, Any], tables: tuple[Path, ...]) -> None:
    """Refuse what several processes cannot do.

    Raises
    ------
    click.UsageError
    """
    found, asked = launch.launched(), options["workers"]
    if found is not None and asked not in (None, found.size):
        raise click.UsageError(
            f"--workers {asked} differs from the {found.size} processes that {found.launcher} has "
            "started; leave --workers out"
        )
    if found is None and (asked or 1) == 1:
        return
    if options["recipe"] != PLAIN:
        raise click.UsageError(
            f"{found.launcher if found else '--workers'} trains one network in several processes, "
            "and --recipe strong trains several networks; add --recipe plain"
        )
    if STANDARD_INPUT in tables:
        raise click.UsageError(
            "each worker reads the table, and the standard input can be read but once; name a file"
        )


def check_in_memory(comm: Comm | None) -> None:
    """Refuse a table larger than memory, which workers cannot share.

    Raises
    ------
    click.UsageError
    """
    if comm is not None:
        raise click.UsageError(
            "workers share a table in memory, and this one does not fit into --memory; raise "
            "--memory, or train in one process without --workers"
        )


def start(asked: int | None, folder: Path | None) -> int | None:
    """Start the workers that are asked for, and give their exit code; None if this is one."""
    if asked in (None, 1) or launch.launched() is not None:
        return None
    n_processors = processors()
    if asked > n_processors:
        note(
            f"handgrad: {asked} workers share {n_processors} processors; more workers than "
            "processors gain nothing"
        )
    try:
        line = launch.command(asked, click.get_current_context().find_root().obj, n_processors)
    except ImportError as error:
        raise click.UsageError(str(error)) from None
    code, told = launch.run(line)
    if code and code not in OUR_CODES and code not in INTERRUPTED:
        goes_on = "" if folder is None else f"; with --resume it goes on from {str(folder)!r}"
        why = f" ({told})" if told else ""
        note(f"handgrad: a worker was killed or has failed, so all have ended{why}{goes_on}")
    return code


def joined(asked: int | None) -> Comm | None:
    """Give the communicator of the workers of which this process is one; None for a plain fit."""
    if launch.launched() is None:
        return None if asked is None else Alone()
    try:
        comm = mpi.world()
        launch.check_launcher(comm.size)
    except (ImportError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    return comm


def in_one_voice(comm: Comm | None, work: Callable[[], None]) -> int:
    """Do the work; where several do it, let the first speak, and end all if one fails."""
    if not isinstance(comm, MPIComm) or comm.size == 1:
        work()
        return 0
    signal.signal(PASSED_ON, _interrupt)

    def done() -> int:
        work()
        return 0

    with ExitStack() as silence:
        if comm.rank:
            silence.enter_context(redirect_stdout(io.StringIO()))
            said = silence.enter_context(redirect_stderr(io.StringIO()))
        code = exit_code_of(done)
    if not code:
        return 0
    if comm.rank:
        time.sleep(GRACE)
        sys.stderr.write(f"worker {comm.rank}: {said.getvalue()}")
    sys.stdout.flush()
    sys.stderr.flush()
    comm.end_all(code)
    return code


def _interrupt(_: int, __: object) -> None:
    raise KeyboardInterrupt
