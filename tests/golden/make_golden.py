"""Compute what PyTorch makes of our networks, and write it to golden.npz beside this file.

PyTorch 2.13.0 wrote the stored file. It is no dependency of handgrad or of its tests: run
this in a virtual environment of its own, and only to add a case.

    python -m venv torchvenv
    torchvenv/bin/pip install numpy torch==2.13.0
    torchvenv/bin/python tests/golden/make_golden.py

Every loss is written with PyTorch's own functions, every gradient is its autograd's and
every update its optimisers', all in float64.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

N_ROWS = 9
STEPS = 20


class Case(NamedTuple):
    units: tuple[int, ...]
    activation: str
    output: str
    l2: float = 0.0
    weighted: bool = False


CASES = {
    "softmax_regression": Case((4, 3), "relu", "softmax"),
    "logistic_regression": Case((4, 1), "relu", "logistic", l2=0.1),
    "linear_regression": Case((4, 2), "relu", "identity", l2=0.1),
    "relu_softmax": Case((5, 7, 3), "relu", "softmax"),
    "tanh_softmax": Case((5, 6, 4), "tanh", "softmax", l2=0.05),
    "logistic_softmax": Case((3, 5, 3), "logistic", "softmax"),
    "identity_softmax": Case((3, 4, 3), "identity", "softmax", l2=0.05),
    "relu_logistic": Case((4, 6, 3), "relu", "logistic", l2=0.05),
    "tanh_identity": Case((4, 5, 2), "tanh", "identity"),
    "relu_relu_softmax": Case((5, 6, 6, 3), "relu", "softmax", l2=0.05),
    "tanh_tanh_logistic": Case((4, 5, 4, 1), "tanh", "logistic"),
    "logistic_logistic_identity": Case((3, 5, 4, 2), "logistic", "identity", l2=0.05),
    "three_hidden_relu": Case((4, 6, 5, 4, 3), "relu", "softmax", l2=0.01),
    "three_hidden_square": Case((4, 4, 4, 4, 4), "tanh", "softmax", l2=0.05),
    "weighted_softmax": Case((4, 5, 3), "tanh", "softmax", l2=0.05, weighted=True),
    "weighted_logistic": Case((4, 5, 2), "relu", "logistic", weighted=True),
    "weighted_identity": Case((4, 5, 2), "relu", "identity", weighted=True),
}

ACTIVATIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
    "identity": lambda r: r,
}

PREDICTIONS = {
    "softmax": lambda score: torch.softmax(score, dim=1),
    "logistic": torch.sigmoid,
    "identity": lambda score: score,
}

OPTIMIZERS = {
    "sgd": lambda theta: torch.optim.SGD(theta, lr=0.1),
    "momentum": lambda theta: torch.optim.SGD(theta, lr=0.02, momentum=0.9),
    "nesterov": lambda theta: torch.optim.SGD(theta, lr=0.02, momentum=0.9, nesterov=True),
    "adam": lambda theta: torch.optim.Adam(theta, lr=0.01),
}


def row_losses(output, score, y_t):
    if output == "softmax":
        return functional.cross_entropy(score, y_t, reduction="none")
    if output == "logistic":
        rows = functional.binary_cross_entropy_with_logits(score, y_t, reduction="none")
        return rows.sum(dim=1)
    return 0.5 * functional.mse_loss(score, y_t, reduction="none").sum(dim=1)


def run(case, theta, x):
    """Give the scores; theta is [W1, b1, W2, b2, ...]."""
    h = x
    for layer in range(0, len(theta) - 2, 2):
        h = ACTIVATIONS[case.activation](h @ theta[layer] + theta[layer + 1])
    return h @ theta[-2] + theta[-1]


def total_loss(case, theta, x, y_t, weight):
    rows = row_losses(case.output, run(case, theta, x), y_t)
    if weight is not None:
        rows = rows * weight
    return rows.mean() + case.l2 / 2 * sum((W**2).sum() for W in theta[::2])


def flat(tensors):
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).numpy()


def draw(case, generator):
    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    theta = []
    for n_in, n_out in zip(case.units[:-1], case.units[1:], strict=True):
        theta += [normal(n_in, n_out) / n_in**0.5, 0.3 * normal(n_out)]
    x = normal(N_ROWS, case.units[0])
    if case.output == "softmax":
        y_t = torch.randint(case.units[-1], (N_ROWS,), generator=generator)
    elif case.output == "logistic":
        y_t = torch.randint(2, (N_ROWS, case.units[-1]), generator=generator).double()
    else:
        y_t = normal(N_ROWS, case.units[-1])
    weight = None
    if case.weighted:
        weight = 2 * torch.rand(N_ROWS, generator=generator, dtype=torch.float64)
    return theta, x, y_t, weight


def descend(case, start, x, y_t, weight, make_optimizer):
    """Give the parameters after the first and after the last step."""
    theta = [tensor.clone().requires_grad_() for tensor in start]
    optimizer = make_optimizer(theta)
    after = {}
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        total_loss(case, theta, x, y_t, weight).backward()
        optimizer.step()
        after[step] = flat(theta)
    return after[1], after[STEPS]


def compute(case, generator):
    start, x, y_t, weight = draw(case, generator)
    theta = [tensor.clone().requires_grad_() for tensor in start]
    loss = total_loss(case, theta, x, y_t, weight)
    loss.backward()
    score = run(case, start, x)
    answer = {
        "units": np.array(case.units),
        "activation": np.array(case.activation),
        "output": np.array(case.output),
        "l2": np.array(case.l2),
        "x": x.numpy(),
        "y_t": y_t.numpy(),
        "theta": flat(start),
        "score": score.numpy(),
        "y": PREDICTIONS[case.output](score).numpy(),
        "loss": loss.detach().numpy(),
        "dtheta": flat([tensor.grad for tensor in theta]),
    }
    if weight is not None:
        answer["weight"] = weight.numpy()
    for name, make_optimizer in OPTIMIZERS.items():
        first, last = descend(case, start, x, y_t, weight, make_optimizer)
        answer[f"{name}_1"] = first
        answer[f"{name}_{STEPS}"] = last
    return answer


def main():
    generator = torch.Generator().manual_seed(0)
    arrays = {
        f"{name}/{key}": value
        for name, case in CASES.items()
        for key, value in compute(case, generator).items()
    }
    path = Path(__file__).with_name("golden.npz")
    np.savez_compressed(path, torch_version=np.array(torch.__version__), **arrays)
    print(f"{path}: {len(CASES)} cases, {path.stat().st_size} bytes, torch {torch.__version__}")


if __name__ == "__main__":
    main()
