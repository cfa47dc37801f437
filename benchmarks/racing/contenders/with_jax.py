"""JAX: ``step`` compiles one update, ``scan`` a whole epoch with its gathers in one lax.scan.

NumPy draws the order of rows while the epoch before it still runs: JAX does not wait, and its
own permutation takes longer. A full batch needs no order; then ``scan`` runs all epochs of a
call in one compiled loop. Its optimisers are written out here, as lean as they can be.
"""

import os

THREADS = ("--xla_cpu_multi_thread_eigen=false", "intra_op_parallelism_threads=1")


class Contender:
    dtypes = ("float32",)
    adam = "algorithm 1"

    def __init__(self, variant, threads):
        if threads == 1:
            os.environ["XLA_FLAGS"] = " ".join(THREADS)
        os.environ["NPROC"] = str(threads)
        import jax_steps

        self.steps, self.variant = jax_steps, variant
        self.random = jax_steps.np.random.default_rng(0)

    def load(self, x, y_t, layer_units, theta, batch_size):
        self.x, self.y_t = self.steps.to_device(x), self.steps.to_device(y_t.astype("int32"))
        self.layer_units, self.theta, self.batch_size = layer_units, theta, batch_size

    def begin(self, optimizer, lr, shuffles):
        self.rule, self.shuffles = (optimizer, lr), shuffles
        self.state = self.steps.begin(self.theta, self.layer_units)

    def epochs(self, count):
        n = len(self.x)
        if self.batch_size >= n and self.variant == "scan":
            self.state = self.steps.full_batches(self.state, self.x, self.y_t, count, self.rule)
        else:
            for _ in range(count):
                order = self.random.permutation(n) if self.shuffles else range(n)
                self.epoch(self.steps.np.asarray(order, "int32"))
        self.steps.wait(self.state)

    def epoch(self, order):
        x, y_t, rule, size = self.x, self.y_t, self.rule, self.batch_size
        if self.variant == "scan":
            self.state = self.steps.epoch(self.state, x, y_t, order, rule, size)
        elif size >= len(x):
            self.state = self.steps.step(self.state, x, y_t, rule)
        else:
            for first in range(0, len(order), size):
                rows = order[first : first + size]
                self.state = self.steps.step_on(self.state, x, y_t, rows, rule)

    def loss(self):
        return self.steps.loss(self.state[0], self.x, self.y_t)

    def parameters(self):
        return self.steps.join(self.state[0])
