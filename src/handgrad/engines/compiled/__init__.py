"""The reference's mathematics, compiled with numba.

backend.py      the engine as choice.py sees it: needs, abilities, costs
engine.py       the engine: memory and calls
threads.py      shares a call among threads
epoch.py        an epoch without Python between its steps
prediction.py   scores of rows
updates.py      gradients of parameters, and their update
activations.py  r to h and dh to dr, and DROPOUT (``drop``)
losses.py       scores to losses and slopes
rules.py        the update rules
kernels.py      exp, log and sums, and the rows of softmax and logistic
products.py     matrix products in registers
called.py       functions compiled separately and called by name
vectors.py      vectors as a numba type
"""
