"""Engines: the same epoch, run for reading or run for speed.

seam.py         what training asks of an engine
numpy.py        the reference mathematics in that shape, on any machine
compiled.py     the same with numba: memory and calls
  threads.py    how many threads share a call
  epoch.py      an epoch without Python between its steps
  prediction.py scores of rows
  updates.py    gradients of parameters, and their update
  activations.py  r to h, dh to dr
  called.py     functions compiled by themselves, called by name
  products.py   matrix products in registers
  vectors.py    vectors as a numba type
cache.py        where compiled code is kept
processors.py   how many processors and threads we may use
choice.py       which engine, how many threads, and why
"""
