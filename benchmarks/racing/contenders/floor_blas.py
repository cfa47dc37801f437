"""The floor's products by SciPy's OpenBLAS, one thread, and its passes over batch and parameters.

The sgemm behind SciPy is called by its address from compiled loops, so that no interpreter is
in the figure: at batch 1 a call from Python costs more than the product. Weights may lie either
way round; the faster way counts. For batch 1, where OpenBLAS has no kernel of its own, plain
loops run as well.
"""

import ctypes
import os
import time
from itertools import pairwise

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from numba import njit
from numba.extending import get_cython_function_address

F, I32 = np.float32, np.int32
sgemm = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)(
    get_cython_function_address("scipy.linalg.cython_blas", "sgemm")
)
fast = njit(error_model="numpy", fastmath=True)


@fast
def blas(count, letters, sizes, scales, A, B, C):
    """Make count products C = A B + C of column-major matrices; sizes is m, n, k, lda, ldb, ldc."""
    for _ in range(count):
        sgemm(
            letters.ctypes.data, letters.ctypes.data + 1,
            sizes.ctypes.data, sizes.ctypes.data + 4, sizes.ctypes.data + 8,
            scales.ctypes.data, A.ctypes.data, sizes.ctypes.data + 12,
            B.ctypes.data, sizes.ctypes.data + 16,
            scales.ctypes.data + 4, C.ctypes.data, sizes.ctypes.data + 20,
        )  # fmt: skip


def product(turn_A, turn_B, A, B, C, beta):
    """Prepare row-major C (m, n) = op(A) op(B) + beta C; BLAS sees all of them transposed."""
    (m, n), k = C.shape, A.shape[0] if turn_A else A.shape[1]
    letters = np.frombuffer(
        bytearray(("T" if turn_B else "N") + ("T" if turn_A else "N"), "ascii"), np.uint8
    )
    sizes = np.array([n, m, k, B.shape[1], A.shape[1], n], I32)
    scales = np.array([1e-6, beta], F)
    return lambda count: blas(count, letters, sizes, scales, B, A, C)


@fast
def forward_row(count, h, W, r):
    for _ in range(count):
        r[0] = 0
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                r[0, j] += h[0, i] * W[i, j]


@fast
def dW_row(count, h, d, W):
    for _ in range(count):
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                W[i, j] += h[0, i] * d[0, j]


@fast
def gather(count, x, order, batch_size, batch):
    for _ in range(count):
        for first in range(0, len(order), batch_size):
            for i in range(first, min(first + batch_size, len(order))):
                batch[i - first] = x[order[i]]


@fast
def momentum_pass(count, theta, dtheta, v):
    for _ in range(count):
        for i in range(len(theta)):
            v[i] = F(0.9) * v[i] - F(1e-6) * dtheta[i]
            theta[i] += v[i]


@fast
def adam_pass(count, theta, dtheta, m, v):
    for _ in range(count):
        for i in range(len(theta)):
            m[i] = F(0.9) * m[i] + F(0.1) * dtheta[i]
            v[i] = F(0.999) * v[i] + F(0.001) * dtheta[i] * dtheta[i]
            theta[i] -= F(1e-6) * m[i] / (np.sqrt(v[i]) + F(1e-8))


def best(seconds, *calls):
    """Time each call in loops that fill the seconds; the fastest, in microseconds."""
    return min(timed(seconds, call) for call in calls)


def timed(seconds, call):
    count = 1
    call(1)
    while True:
        started = time.perf_counter()
        call(count)
        spent = time.perf_counter() - started
        if spent > seconds / 2:
            return spent / count * 1e6
        count *= 2


def drawn(*shape):
    """Draw an array that starts on a cache line; off it, the Adam pass took 3.5 times as long."""
    size = int(np.prod(shape))
    room = np.empty(size + 16, F)
    start = -room.ctypes.data % 64 // 4
    array = room[start : start + size].reshape(shape)
    array[...] = np.random.default_rng(size).random(shape, F)
    return array


def layer_arrays(batch_size, n_in, n_out):
    """Draw h, d, W, W transposed, r and dh of a layer."""
    h, d = (batch_size, n_in), (batch_size, n_out)
    return [drawn(*shape) for shape in (h, d, (n_in, n_out), (n_out, n_in), d, h)]


def products(batch_size, n_in, n_out, seconds):
    """Time forward, dW (added to W: the update of SGD is in it) and dh of a layer."""
    h, d, W, W_T, r, dh = layer_arrays(batch_size, n_in, n_out)
    forwards = [product(False, False, h, W, r, 0), product(False, True, h, W_T, r, 0)]
    backwards = [product(True, False, h, d, W, 1), product(True, False, d, h, W_T, 1)]
    downwards = [product(False, True, d, W, dh, 0), product(False, False, d, W_T, dh, 0)]
    if batch_size == 1:
        forwards.append(lambda count: forward_row(count, h, W, r))
        backwards += [
            lambda count: dW_row(count, h, d, W),
            lambda count: dW_row(count, d, h, W_T),
        ]
        downwards.append(lambda count: forward_row(count, d, W_T, dh))
    return best(seconds, *forwards), best(seconds, *backwards), best(seconds, *downwards)


class Contender:
    dtypes = ("float32",)
    adam = ""

    def __init__(self, variant, threads):
        pass

    def load(self, x, y_t, layer_units, theta, batch_size):
        self.x, self.layer_units = x, layer_units
        self.order = np.random.default_rng(0).permutation(len(x))

    def floor(self, batch_size, seconds):
        found = {}
        for layer, (n_in, n_out) in enumerate(pairwise(self.layer_units)):
            forward, dW, dh = products(batch_size, n_in, n_out, seconds)
            found |= {f"fwd{layer}": forward, f"dW{layer}": dW}
            found |= {f"dh{layer}": dh} if layer else {}
        return found | self.passes(batch_size, seconds)

    def passes(self, batch_size, seconds):
        steps = -(-len(self.x) // batch_size)
        batch = drawn(batch_size, self.x.shape[1])
        p = sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.layer_units))
        theta, dtheta, m, v = (drawn(p) for _ in range(4))
        all_rows = best(seconds, lambda count: gather(count, self.x, self.order, batch_size, batch))
        return {
            "gather": all_rows / steps if steps > 1 else 0.0,
            "momentum": best(seconds, lambda count: momentum_pass(count, theta, dtheta, m)),
            "adam": best(seconds, lambda count: adam_pass(count, theta, dtheta, m, v)),
        }
