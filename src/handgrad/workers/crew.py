"""The workers of one fit: what they tell each other, and what ends all of them at once.

All of them take the same branches, or some wait for ever. So what one process alone knows, such as
the time, a callback's answer or an interrupt, is told to the others before anyone acts on it.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DivergenceError
from handgrad.workers.seam import Alone, Comm, leaves

Array = NDArray[Any]
T = TypeVar("T")

# What a launcher passes on from whoever wants the job to end: Open MPI's mpiexec kills its job on
# the first two, and hands on the third.
PASSED_ON = getattr(signal, "SIGUSR1", signal.SIGTERM)
SIGNALS = (signal.SIGINT, signal.SIGTERM, PASSED_ON)


class Crew:
    """The processes of a communicator, at work on one fit.

    Attributes
    ----------
    leaves : range
        The leaves of the tree that this process computes.
    n_leaves : int
        All leaves.
    agreed : bool
        Whether all have agreed to end: then all of them are on their way out.
    heard : int
        The number of the signal that this process has got; 0 for none.
    """

    def __init__(self, comm: Comm) -> None:
        self._comm = comm
        self.rank, self.size = comm.rank, comm.size
        self.leaves = leaves(self.rank, self.size)
        self.n_leaves = leaves(self.size - 1, self.size).stop
        self.agreed, self.heard = False, 0

    @classmethod
    def of(cls, comm: Any) -> Self:
        """Take a communicator of ours, or one of mpi4py.

        Raises
        ------
        TypeError
            If it is something else.
        ValueError
            If the launcher has started another number of processes.
        """
        if hasattr(comm, "Sendrecv"):
            from handgrad.workers.launch import check_launcher
            from handgrad.workers.mpi import MPIComm

            check_launcher(comm.Get_size())
            return cls(MPIComm(comm))
        if not all(hasattr(comm, name) for name in ("rank", "size", "tree_sum", "gather")):
            raise TypeError(
                "comm must be a communicator of mpi4py, such as MPI.COMM_WORLD, or have rank, "
                f"size, tree_sum and gather (handgrad.workers.seam.Comm); got {comm!r}"
            )
        return cls(comm)

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and prints."""
        return self.rank == 0

    def tree_sum(self, parts: Array) -> Array:
        """See ``seam.Comm``."""
        return self._comm.tree_sum(parts)

    def shared(self, n: int) -> list[NDArray[np.intp]]:
        """List which of n rows belong to each of our leaves."""
        return [np.arange(leaf, n, self.n_leaves) for leaf in self.leaves]

    def told(self, value: T) -> T:
        """Give everyone the value of the first process, which JSON can hold, NaN included.

        Raises
        ------
        KeyboardInterrupt
            In all of them, if one has got a signal.
        """
        told = self._gathered([self.heard, value])
        self.check(sum(heard for heard, _ in told))
        first: T = told[0][1]
        return first

    def check(self, heard: float) -> None:
        """End all, if one has got a signal."""
        if heard:
            self.agreed = True
            raise KeyboardInterrupt

    def from_first(self, work: Callable[[], bytes]) -> bytes:
        """Let the first process do a work, and give everyone its result.

        Raises
        ------
        ValueError
            In the others with the words of the error that the first has met, whatever its type.
        """
        result, error = b"", None
        if self.is_first:
            try:
                result = work()
            except Exception as came:
                error = came
        words = self.told("" if error is None else str(error) or repr(error))
        if words:
            self.agreed = True
            raise error or ValueError(words)
        return self._comm.gather(result)[0]

    def check_same(self, facts: dict[str, str]) -> None:
        """Make sure that all processes do the same work.

        Raises
        ------
        ValueError
            In all of them, with the names of what differs.
        """
        first, *others = self._gathered(facts)
        for rank, one in enumerate(others, start=1):
            names = [name for name in first if one.get(name) != first[name]]
            if names:
                told = ", ".join(
                    f"{name} ({one.get(name, 'none')[:40]}, not {first[name][:40]})"
                    for name in names
                )
                self.agreed = True
                raise ValueError(
                    "all workers must have the same data, settings and software; worker "
                    f"{rank} differs from worker 0 in {told}"
                )

    def _gathered(self, value: Any) -> list[Any]:
        return [json.loads(one) for one in self._comm.gather(json.dumps(value).encode())]

    def wait(self) -> None:
        """Wait until all are here, if all are on their way out together."""
        if self.agreed:
            self._comm.gather(b"")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Note signals inside, in place of being interrupted: all processes end at one place."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self._hear) for one in SIGNALS}
        try:
            yield
        except DivergenceError:  # all have the same numbers
            self.agreed = True
            raise
        finally:
            heard, self.heard = self.heard, 0
            for one, handler in before.items():
                signal.signal(one, handler)
            if self.agreed:  # the others' signal may still be on its way to this process
                signal.signal(PASSED_ON, signal.SIG_IGN)
            elif heard:
                signal.raise_signal(heard)

    def _hear(self, number: int, _: FrameType | None) -> None:
        self.heard = number


def alone() -> Crew:
    """Make a crew of this process, which does all the work."""
    return Crew(Alone())
