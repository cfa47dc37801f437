"""PyTorch: nn.Sequential and the loop that its tutorials teach, without a DataLoader.

Variants: ``foreach`` and ``fused`` are the two ways in which its optimisers update; ``compile``
compiles forward, loss and backward, and updates fused.
"""

from itertools import pairwise

import torch
from layout import join, split
from torch.nn.functional import cross_entropy


def network(layer_units, dtype):
    """Stack linear layers with ReLU between them."""
    modules = []
    for n_in, n_out in pairwise(layer_units):
        modules += [torch.nn.Linear(n_in, n_out, dtype=dtype), torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def write(model, theta, layer_units):
    """Set the parameters of the linear layers; theirs are stored outputs by inputs."""
    with torch.no_grad():
        for linear, (W, b) in zip(model[::2], split(theta, layer_units), strict=True):
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b))


def read(model):
    return join(
        [(m.weight.detach().numpy().T.copy(), m.bias.detach().numpy().copy()) for m in model[::2]]
    )


class Contender:
    adam = "algorithm 1"

    def __init__(self, variant, threads):
        torch.set_num_threads(threads)
        self.variant, self.shape = variant, None
        self.dtypes = ("float32",) if variant == "compile" else ("float32", "float64")

    def load(self, x, y_t, layer_units, theta, batch_size):
        self.x, self.y_t = torch.from_numpy(x), torch.from_numpy(y_t)
        self.layer_units, self.theta, self.batch_size = layer_units, theta, batch_size
        if self.shape == (layer_units, x.dtype):
            return  # the code compiled for the check serves the race
        self.shape = (layer_units, x.dtype)
        self.model = network(layer_units, self.x.dtype)
        self.batch_loss = lambda x, y_t: cross_entropy(self.model(x), y_t)
        if self.variant == "compile":
            torch._dynamo.reset()
            self.batch_loss = torch.compile(self.batch_loss, dynamic=False)

    def begin(self, optimizer, lr, shuffles):
        write(self.model, self.theta, self.layer_units)
        how = {"foreach": True} if self.variant == "foreach" else {"fused": True}
        if optimizer == "adam":
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr, **how)
        else:
            momentum = 0.9 if optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(
                self.model.parameters(), lr=lr, momentum=momentum, **how
            )
        self.shuffles = shuffles

    def epochs(self, count):
        for _ in range(count):
            if self.shuffles:
                for rows in torch.randperm(len(self.x)).split(self.batch_size):
                    self.step(self.x.index_select(0, rows), self.y_t.index_select(0, rows))
            else:
                for x, y_t in zip(
                    self.x.split(self.batch_size), self.y_t.split(self.batch_size), strict=True
                ):
                    self.step(x, y_t)

    def step(self, x, y_t):
        self.optimizer.zero_grad(set_to_none=True)
        self.batch_loss(x, y_t).backward()
        self.optimizer.step()

    def loss(self):
        with torch.no_grad():
            return cross_entropy(self.model(self.x).double(), self.y_t)

    def parameters(self):
        return read(self.model)
