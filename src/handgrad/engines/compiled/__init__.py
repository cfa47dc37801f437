"""The reference's mathematics, compiled with numba.

engine.py       the engine: memory and calls
threads.py      how many threads share a call
epoch.py        an epoch without Python between its steps
prediction.py   scores of rows
updates.py      gradients of parameters, and their update
activations.py  r to h, dh to dr
losses.py       scores to losses and slopes
kernels.py      rows of softmax and logistic, rules of update
products.py     matrix products in registers
called.py       functions compiled by themselves, called by name
vectors.py      vectors as a numba type
"""
