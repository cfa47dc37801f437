"""handgrad's two engines, called as ``training`` calls them: a whole epoch at a time.

Variants: ``compiled``, and ``numpy``, the reference.
"""

import numpy as np

from handgrad.batch import Rows
from handgrad.chance import shuffled
from handgrad.network import Architecture, forward
from handgrad.optim import SGD, Adam, Steps
from handgrad.outputs import OUTPUTS
from handgrad.params import Params


class Contender:
    dtypes = ("float32", "float64")
    adam = "algorithm 1"

    def __init__(self, variant, threads):
        self.variant, self.threads = variant, threads

    def load(self, x, y_t, layer_units, theta, batch_size):
        self.rows, self.theta, self.batch_size = Rows(x, y_t), theta, batch_size
        self.architecture = Architecture(layer_units, "relu", "softmax")

    def begin(self, optimizer, lr, shuffles):
        rule = {"sgd": SGD(), "momentum": SGD(momentum=0.9), "adam": Adam()}[optimizer]
        self.engine = self.engine_for(rule)
        self.params = Params.view(self.theta.copy(), self.architecture.layer_units)
        self.slots = np.zeros((rule.n_slots, self.theta.size), self.theta.dtype)
        self.lr, self.shuffles, self.t = lr, shuffles, 0
        self.bits = np.random.PCG64(0)

    def engine_for(self, rule):
        given = self.architecture, self.rows, Steps(rule, self.batch_size)
        if self.variant == "numpy":
            from handgrad.engines.numpy import Numpy

            return Numpy(*given)
        from handgrad.engines.compiled.engine import Compiled

        return Compiled(*given, threads=self.threads)

    def epochs(self, count):
        n = self.rows.x.shape[0]
        for _ in range(count):
            order = shuffled(n, self.bits) if self.shuffles else None
            self.engine.run_epoch(self.params, self.slots, self.t, self.lr, order)
            self.t += -(-n // self.batch_size)

    def loss(self):
        tape = forward(self.architecture, self.params, self.rows.x)
        return OUTPUTS["softmax"].mean_loss(tape.score, self.rows.y_t)

    def parameters(self):
        return self.params.flat
