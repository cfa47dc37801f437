"""Workers: processes that train one network together, each on its part of every batch.

seam.py        what is asked of a communicator, and the fixed tree in which all sums are added up
dealing.py     which rows of a batch belong to which leaf of the tree
mpi.py         the communicator of MPI (mpi4py)
collective.py  that of xgboost's collective
launch.py      the launcher that started this process, and mpiexec started by ourselves
crew.py        the workers of one fit: what they tell each other, and what ends all of them at once

A further communicator is one file more: it needs nothing but the four members of ``seam.Comm``.
"""
