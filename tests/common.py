"""What tests import from each other; fixtures are in conftest.py."""

import numpy as np
import pytest

from handgrad.engines.compiled.backend import missing
from handgrad.models.evaluation import Evaluation
from handgrad.optim import SGD, Adam
from handgrad.tables.fitting import fit_matrix, fit_table
from handgrad.tables.recognition.planning import plan_of
from handgrad.tables.recognition.wishes import Wishes
from handgrad.training.history import Epoch, History

needs_compiled = pytest.mark.skipif(bool(missing()), reason="the compiled engine is not there")
ENGINES = ["numpy", pytest.param("compiled", marks=needs_compiled)]
OPTIMIZERS = {
    "sgd": SGD(),
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True),
    "adam": Adam(),
}


class SignSGD:
    """A rule as a user writes it: what the protocol asks for, and no more."""

    n_slots = 0

    def step(self, theta, dtheta, slots, t, lr):
        theta -= lr * np.sign(dtheta)


class CautiousAdam(Adam):
    """A kind of Adam with a step of its own."""

    def step(self, theta, dtheta, slots, t, lr):
        super().step(theta, dtheta, slots, t, lr / 2)


def a_history(n=5, validation=True, start=1):
    epochs = []
    for number in range(start, start + n):
        held_back = (1 / number + 0.1, 1 - 0.6 / number) if validation else (None, None)
        epochs.append(
            Epoch(number, 1 / number, 1 - 0.5 / number, 0.0, *held_back, 1e-3, 0.1 * number)
        )
    return History(tuple(epochs), "max_iter")


def an_evaluation(labels, seed=0):
    K = len(labels)
    confusion = np.random.default_rng(seed).integers(0, 9, size=(K, K)) + 30 * np.eye(K, dtype=int)
    return Evaluation(np.array(list(labels)), confusion, 0.5, 0.1)


def encoder_of(columns, weight=None, *, names=None, categorical=(), plan=None, **how):
    """Fit an encoder to an array, or to a table by the plan of its own columns."""
    if isinstance(columns, np.ndarray):
        return fit_matrix(columns, weight, names=names, **how)
    plan = plan or plan_of(columns, Wishes(kinds=dict.fromkeys(categorical, "category")))
    return fit_table(columns, plan, weight, **how)
