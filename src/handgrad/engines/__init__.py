"""Engines: the same epoch, run for reading or run for speed.

seam.py        what training asks of an engine
numpy.py       the reference mathematics in that shape, on any machine
compiled/      the same with numba
choice.py      which engine, how many threads, and why
processors.py  how many processors and threads we may use
blas.py        how many threads NumPy's products take
cache.py       where compiled code is kept
machine.py     what of all this this machine has
"""
