"""The floor's products by PyTorch: its MKL, one thread, results written into place."""

import time
from itertools import pairwise

import torch


class Contender:
    dtypes = ("float32",)
    adam = ""

    def __init__(self, variant, threads):
        torch.set_num_threads(threads)

    def load(self, x, y_t, layer_units, theta, batch_size):
        self.layer_units = layer_units

    def floor(self, batch_size, seconds):
        found = {}
        for layer, (n_in, n_out) in enumerate(pairwise(self.layer_units)):
            h, d, W = (
                torch.rand(s) for s in ((batch_size, n_in), (batch_size, n_out), (n_in, n_out))
            )
            r, dh = torch.empty_like(d), torch.empty_like(h)
            found[f"fwd{layer}"] = best(seconds, torch.mm, h, W, out=r)
            found[f"dW{layer}"] = best(seconds, W.addmm_, h.T, d, beta=1, alpha=-1e-9)
            if layer:
                found[f"dh{layer}"] = best(seconds, torch.mm, d, W.T, out=dh)
        return found


def best(seconds, call, *operands, **how):
    """Time a call in loops that fill the seconds; microseconds a call."""
    count = 1
    while True:
        started = time.perf_counter()
        for _ in range(count):
            call(*operands, **how)
        spent = time.perf_counter() - started
        if spent > seconds / 2:
            return spent / count * 1e6
        count *= 2
