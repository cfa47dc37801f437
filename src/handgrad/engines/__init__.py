"""Engines: the same epoch, run for reading or run for speed.

seam.py        the interface that training needs of an engine
numpy.py       the reference mathematics (network.py, dropout.py) behind it, on any machine
compiled/      the same mathematics, compiled when handgrad was installed
sharded.py     either of them, shared among workers
choice.py      which engine runs, and why
piled.py       any engine, pile by pile, over rows that memory does not hold
spool.py       these rows on the disk
processors.py  the number of processors and threads that we may use
blas.py        the number of threads that NumPy's products use
machine.py     which of these this machine has
"""
