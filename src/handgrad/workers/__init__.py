"""Workers: processes that train one network together, each on its part of every batch.

seam.py      what is asked of a communicator, and the fixed tree in which all sums are added up
crew.py      the workers of one fit: what they tell each other, and what ends all of them at once
mpi.py       the communicator of MPI (mpi4py)
launch.py    the launcher that started this process, and mpiexec started by ourselves

A second communicator is one file beside ``mpi.py``: it needs nothing but the four members of
``seam.Comm``. xgboost's collective lacks one of them: it broadcasts and adds up, and so has no
``gather`` of bytes of different lengths, and no sum whose order is fixed.
"""
