"""Workers in one process: threads that exchange what processes would, as mpi4py's communicator."""

import threading
from copy import deepcopy

import numpy as np


class Meeting:
    """Where k threads put what the others take; whoever fails lets nobody wait."""

    def __init__(self, k):
        self.k, self.barrier = k, threading.Barrier(k)
        self.put = [None] * k

    def exchanged(self, rank, value):
        self.put[rank] = value
        self.barrier.wait()
        every = list(self.put)
        self.barrier.wait()
        return every


class Ranked:
    """What ``MPIComm`` uses of a communicator of mpi4py."""

    def __init__(self, meeting, rank):
        self.meeting, self.rank = meeting, rank

    def __deepcopy__(self, _):
        return self

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return self.meeting.k

    def Sendrecv(self, sent, dest, recvbuf, source):
        recvbuf[...] = self.meeting.exchanged(self.rank, np.array(sent))[source]

    def allgather(self, value):
        return self.meeting.exchanged(self.rank, deepcopy(value))


def at_once(k, work):
    """Call work(communicator) in k threads; give the results by rank, or raise the first error."""
    meeting, results, errors = Meeting(k), [None] * k, [None] * k

    def run(rank):
        try:
            results[rank] = work(Ranked(meeting, rank))
        except BaseException as error:
            errors[rank] = error
            if not isinstance(error, threading.BrokenBarrierError):
                meeting.barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(k)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    raised = [one for one in errors if one is not None]
    raised.sort(key=lambda error: isinstance(error, threading.BrokenBarrierError))
    if raised:
        raise raised[0]
    return results
