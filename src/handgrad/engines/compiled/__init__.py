"""The reference's mathematics, compiled when handgrad was installed.

What runs:

backend.py      the engine as choice.py sees it: needs and abilities
engine.py       the engine: memory and calls; stepping.py, in halves of a step
threads.py      shares a call among threads; pace.py, among how many
library.py      the compiled library: whether it fits the sources and the machine; its doors
layout.py       what engine and kernels agree on: records, numbers, places

What is compiled, with numba:

build.py        compiles the rest into the library
doors.py        the functions that can be called from outside
epoch.py        an epoch without Python between its steps
halves.py       the gradient of some rows, and the update, apart: for workers
prediction.py   scores of rows
updates.py      gradients of parameters, and their update
skips.py        the columns of a skip: what they add to scores, and their gradient
activations.py  r to h and dh to dr, and DROPOUT (``drop``)
losses.py       scores to losses and slopes
rules.py        the update rules
kernels.py      exp, log and sums, and the rows of softmax and logistic
products.py     matrix products in registers
called.py       functions compiled separately and called by name
vectors.py      vectors as a numba type
level.c         which vectors this machine has
"""
