"""The communicator of MPI, by mpi4py (the extra ``mpi``), imported when it is asked for."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.workers.seam import is_power_of_two, tree

Array = NDArray[Any]


class MPIComm:
    """See ``seam.Comm``.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
        Such as ``MPI.COMM_WORLD``.
    """

    def __init__(self, comm: Any) -> None:
        self._comm = comm
        self.rank, self.size = int(comm.Get_rank()), int(comm.Get_size())
        if self.size > 1 and not isinstance(sys.excepthook, _EndOfAll):
            sys.excepthook = _EndOfAll(comm)

    def tree_sum(self, parts: Array) -> Array:
        if not is_power_of_two(self.size):  # one process gets other subtrees than its neighbour
            every = self._comm.allgather(parts)
            return tree(np.concatenate(every))
        total = tree(parts)
        other, distance = np.empty_like(total), 1
        while distance < self.size:  # a + b and b + a have the same bits
            friend = self.rank ^ distance
            self._comm.Sendrecv(total, friend, recvbuf=other, source=friend)
            total = total + other
            distance *= 2
        return total

    def gather(self, value: bytes) -> list[bytes]:
        found: list[bytes] = self._comm.allgather(value)
        return found

    def end_all(self, code: int) -> None:
        """End every process of the job with this exit code: the others may wait for this one."""
        self._comm.Abort(code)


class _EndOfAll:
    """What Python does with an error that nobody has caught: say it, and end the whole job."""

    def __init__(self, comm: Any) -> None:
        self._comm = comm

    def __call__(self, kind: Any, error: BaseException, where: Any) -> None:
        traceback.print_exception(kind, error, where)
        sys.stderr.flush()
        self._comm.Abort(130 if issubclass(kind, KeyboardInterrupt) else 1)


def world() -> MPIComm:
    """Give the communicator of all processes that the launcher has started.

    Raises
    ------
    ImportError
        If mpi4py is not installed, or finds no MPI.
    """
    try:
        from mpi4py import MPI  # initialises MPI
    except (ImportError, RuntimeError) as error:
        raise ImportError(
            f"workers need mpi4py and an MPI ({error}): pip install 'handgrad[mpi]'"
        ) from None
    return MPIComm(MPI.COMM_WORLD)


def library() -> str:
    """Name the MPI that mpi4py has loaded."""
    from mpi4py import MPI

    return str(MPI.Get_library_version()).split("\n")[0].split(",")[0].strip("\0 ")
