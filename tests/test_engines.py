"""Both engines do the same: epochs, divergence, interrupts, predictions, at any thread count."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from common import OPTIMIZERS, needs_compiled
from handgrad import DivergenceError, MLPClassifier, MLPRegressor, activations
from handgrad.batch import Rows
from handgrad.dropout import layer_keys, masks
from handgrad.engines.compiled.backend import missing
from handgrad.engines.numpy import Numpy
from handgrad.engines.seam import Diverged
from handgrad.losses import LossSettings
from handgrad.network import Architecture, backward, forward
from handgrad.optim import RATES, SGD, Adam, AdamW, Steps, update
from handgrad.outputs import OUTPUTS as HEADS
from handgrad.params import Params, glorot_uniform
from handgrad.skip import Levels, Linear, Pieces
from handgrad.training.run import Run, Settings
from handgrad.training.train import train

ENGINES = {"numpy": Numpy}
if not missing():
    from handgrad.engines.compiled import asking, library
    from handgrad.engines.compiled import engine as compiled
    from handgrad.engines.compiled import threads as engine_threads
    from handgrad.engines.compiled.engine import Compiled, predict

    ENGINES["compiled"] = Compiled

unconverged = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")
engines = pytest.mark.parametrize("engine", ENGINES)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

OPTIMIZERS = OPTIMIZERS | {"adamw": AdamW(weight_decay=0.5)}
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]  # the older ones, in every combination
OUTPUTS = ["softmax", "logistic", "identity"]
LOSSES = {
    "smooth softmax": ("softmax", LossSettings(label_smoothing=0.1)),
    "smooth logistic": ("logistic", LossSettings(label_smoothing=0.3)),
    "absolute": ("absolute", LossSettings()),
    "huber": ("huber", LossSettings(delta=0.5)),
    "median": ("quantile", LossSettings()),
    "quantiles": ("quantile", LossSettings(quantiles=(0.1, 0.9))),
    "poisson": ("poisson", LossSettings()),
}

# Relative to the largest element of an array. float64: ten updates of some hundred roundings
# each, of 1e-16, stay far below. float32: roundings of 6e-8 in sums of some hundred terms, made
# larger where Adam divides a gradient that is almost zero by its own size.
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


def assert_same(got, expected, what=""):
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    if expected.size:
        limit = TOLERANCE[expected.dtype.name] * max(np.abs(expected).max(), 1e-30)
        np.testing.assert_allclose(got, expected, rtol=0, atol=limit, err_msg=what)


def some_rows(architecture, n=53, dtype="float64", weighted=False, seed=0):
    rng = np.random.default_rng(seed)
    n_in, n_out = architecture.layer_units[0], architecture.layer_units[-1]
    x = rng.normal(size=(n, n_in))
    x = np.column_stack([x, *(some_places(basis, n) for basis in architecture.skip)]).astype(dtype)
    if architecture.output == "softmax":
        y_t = rng.integers(0, n_out, n)
    elif architecture.output == "logistic":
        y_t = rng.integers(0, 2, (n, n_out)).astype(dtype)
    elif architecture.output == "poisson":
        y_t = rng.poisson(1.5, (n, n_out)).astype(dtype)
    else:
        y_t = rng.normal(size=(n, architecture.n_targets)).astype(dtype)
    weight = rng.uniform(0.2, 3, size=n)
    return Rows(x, y_t, (weight / weight.mean()).astype(dtype) if weighted else None)


def some_places(basis, n):
    """Draw the numbers that rows hold for a column of a skip, also outside what it knows."""
    rng = np.random.default_rng(5)
    if isinstance(basis, Linear):
        return rng.normal(size=n)
    if isinstance(basis, Levels):
        return np.where(rng.random(n) < 0.1, 0.5, rng.integers(-1, basis.n + 1, n))
    places = rng.uniform(-1.5, basis.n + 1.5, n)
    return np.where(rng.random(n) < 0.3, np.round(places), places)


class Case:
    """A network, its rows and its rule; runs on any engine, and by the formulas."""

    def __init__(self, units=(3, 17, 6, 4), activation="tanh", output="softmax", **options):
        settings = options.pop("loss", LossSettings())
        beside = options.pop("skip", ()), options.pop("scales", False)
        self.architecture = Architecture(tuple(units), activation, output, settings, *beside)
        self.optimizer = OPTIMIZERS[options.pop("optimizer", "adam")]
        self.dtype = options.pop("dtype", "float64")
        self.batch_size = options.pop("batch_size", 10)
        self.l2 = options.pop("l2", 0.01)
        self.lr = options.pop("lr", 0.001)
        self.epochs = options.pop("epochs", 2)
        self.shuffles = options.pop("shuffles", True)
        self.dropout = options.pop("dropout", ())
        self.clip_norm = options.pop("clip_norm", np.inf)
        n, weighted = options.pop("n", 53), options.pop("weighted", True)
        self.rows = some_rows(self.architecture, n, self.dtype, weighted)
        self.factors = RATES[options.pop("rates", "equal")](self.start()[0], 6000)
        assert not options

    def start(self):
        layers = glorot_uniform(
            self.architecture.layer_units, "tanh", np.random.PCG64(1), self.dtype
        )
        beside = np.random.default_rng(1).normal(size=self.architecture.n_parameters) / 2
        beside[: layers.flat.size] = layers.flat
        params = Params.view(beside.astype(self.dtype), *self.shape)
        return params, np.zeros((self.optimizer.n_slots, params.flat.size), self.dtype)

    @property
    def shape(self):
        return self.architecture.layer_units, self.architecture.beside

    def orders(self):
        rng = np.random.default_rng(2)
        n = len(self.rows)
        return [rng.permutation(n) if self.shuffles else None for _ in range(self.epochs)]

    def make(self, engine, **options):
        settings = self.optimizer, self.batch_size, self.l2, self.clip_norm
        steps = Steps(*settings, dropout=self.dropout, seed=12, factors=self.factors)
        return ENGINES[engine](self.architecture, self.rows, steps, **options)

    def run(self, engine, each=lambda made: None, **options):
        """Give parameters, slots, and loss and accuracy of every epoch."""
        params, slots = self.start()
        made, updates, measured = self.make(engine, **options), 0, []
        for order in self.orders():
            each(made)
            measured.append(made.run_epoch(params, slots, updates, self.lr, order))
            updates += -(-len(self.rows) // self.batch_size)
        return params.flat, slots, measured

    def formulas(self):
        params, slots = self.start()
        n, t, measured = len(self.rows), 0, []
        for order in self.orders():
            order = np.arange(n) if order is None else order
            total_loss = total_right = 0.0
            for start in range(0, n, self.batch_size):
                x, y_t, weight = self.rows.take(order[start : start + self.batch_size])
                t += 1
                masks = self.masks(t, len(x))
                tape = forward(self.architecture, params, x, masks)
                head, of = self.architecture.head, self.architecture.loss
                total_loss += float(head.mean_loss(tape.score, y_t, weight, of)) * len(x)
                right = head.right(tape.score, y_t)
                total_right += float(right.sum() if weight is None else weight @ right)
                gradient = backward(self.architecture, params, tape, y_t, weight, self.l2)
                size = np.linalg.norm(gradient.flat.astype(float))
                gradient.flat[...] *= min(1, self.clip_norm / max(size, 1e-300))
                update(self.optimizer, params, gradient, slots, t, self.rate_of(t), self.factors)
            measured.append((total_loss / n, total_right / n, size))
        return params.flat, slots, measured

    def rate_of(self, t):
        steps = -(-len(self.rows) // self.batch_size)
        return self.lr if np.isscalar(self.lr) else self.lr[(t - 1) % steps]

    def masks(self, t, n):
        if not self.dropout:
            return ()
        (keys,) = layer_keys(12, t, 1, len(self.dropout))
        return masks(self.architecture.layer_units[1:-1], self.dropout, keys, n, self.dtype)

    def check(self, engine, **options):
        flat, slots, measured = self.run(engine, **options)
        expected_flat, expected_slots, expected = self.formulas()
        assert_same(flat, expected_flat, "params")
        for got, slot in zip(slots, expected_slots, strict=True):
            assert_same(got, slot, "slot")
        tolerance = TOLERANCE[self.dtype]
        for got, wanted in zip(measured, expected, strict=True):
            assert got.loss == pytest.approx(wanted[0], rel=tolerance)
            assert got.accuracy == pytest.approx(wanted[1], rel=1e-6, abs=1e-12)
            assert got.gradient_norm == pytest.approx(wanted[2], rel=tolerance, abs=tolerance)


def assert_same_bits(one, other):
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])
    assert one[2] == other[2]


@pytest.fixture
def many_processors(monkeypatch):
    """Let the compiled engine take as many threads as it is asked to."""
    monkeypatch.setattr(engine_threads, "_most_threads", lambda: 8)


# -- an epoch is the formulas, batch by batch --------------------------------------------------


@engines
@dtypes
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_epochs_are_the_formulas(engine, dtype, optimizer, output, activation):
    Case(activation=activation, output=output, optimizer=optimizer, dtype=dtype).check(engine)


@engines
@dtypes
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("activation", sorted(set(activations.ACTIVATIONS) - set(ACTIVATIONS)))
def test_every_activation(engine, dtype, optimizer, activation):
    for units in (3, 17, 6, 4), (3, 5, 4), (2, 9, 16, 33, 3):
        Case(units, activation, optimizer=optimizer, dtype=dtype, lr=1e-4).check(engine)


@engines
@dtypes
@pytest.mark.parametrize(
    "mixed", [("relu", "gelu"), ("gelu", "relu"), ("softplus", "tanh"), ("logistic", "mish")]
)
def test_an_activation_for_each_layer(engine, dtype, mixed):
    for units in (3, 17, 6, 4), (3, 16, 8, 4):
        Case(units, mixed, optimizer="sgd", dtype=dtype).check(engine)


@engines
@dtypes
@pytest.mark.parametrize("activation", sorted(activations.ACTIVATIONS))
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_dropout(engine, dtype, activation, optimizer):
    for units, shares in (
        ((3, 17, 6, 4), (0.5, 0.2)),
        ((3, 5, 4), (0.9,)),
        ((3, 9, 16, 2), (0, 0.3)),
    ):
        Case(units, activation, dropout=shares, optimizer=optimizer, dtype=dtype, lr=1e-4).check(
            engine
        )


@engines
@dtypes
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("clip_norm", [1e-3, 0.2, 1e6])
def test_gradients_are_clipped(engine, dtype, optimizer, clip_norm):
    for units in (3, 17, 6, 4), (3, 16, 8), (9, 5), (8, 33, 40, 1):
        output = "softmax" if units[-1] > 1 else "logistic"
        Case(
            units, "gelu", output, clip_norm=clip_norm, optimizer=optimizer, dtype=dtype, lr=1e-4
        ).check(engine)


@engines
@dtypes
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_update_has_a_rate_of_its_own(engine, dtype, optimizer):
    Case(lr=np.linspace(0, 1e-3, 6), optimizer=optimizer, dtype=dtype).check(engine)


@needs_compiled
def test_there_is_a_rate_for_each_update():
    case = Case(lr=np.ones(7))
    with pytest.raises(ValueError, match=r"there must be 6 learning rates; got \(7,\)"):
        case.run("compiled")


@engines
@dtypes
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighted", [True, False])
def test_every_loss(engine, dtype, loss, weighted):
    output, settings = LOSSES[loss]
    # a small step, or a rounding puts a row on the other side of a kink
    for units in (3, 17, 4), (3, 2), (2, 9, 33, 34), (3, 5, 18):
        Case(
            units, "tanh", output, loss=settings, weighted=weighted, dtype=dtype, optimizer="sgd",
            lr=1e-3, batch_size=19,
        ).check(engine)  # fmt: skip


@needs_compiled
@dtypes
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_every_loss_notices_what_is_not_finite(dtype, loss, bad):
    output, settings = LOSSES[loss]
    case = Case((3, 4, 4), "identity", output, loss=settings, dtype=dtype, optimizer="sgd")
    case.rows.x[31, 1] = bad
    with np.errstate(invalid="ignore"):
        assert divergence("compiled", case) == divergence("numpy", case)


@needs_compiled
@dtypes
def test_poisson_notices_an_exponential_that_overflows(dtype):
    case = Case((2, 1), output="poisson", dtype=dtype, optimizer="sgd")
    case.rows.x[31, :] = 3e4
    assert divergence("compiled", case) == divergence("numpy", case)


@engines
@dtypes
@pytest.mark.parametrize("width", [1, 7, 8, 9, 15, 16, 17, 48, 49, 64, 65, 130])
@pytest.mark.parametrize("place", ["inputs alone", "inputs", "hidden", "both", "classes"])
def test_every_width(engine, dtype, width, place):
    units = {
        "inputs alone": (width, 3),
        "inputs": (width, 5, 3),
        "hidden": (5, width, 3),
        "both": (4, width, width, 3),
        "classes": (4, 6, width),
    }[place]
    for optimizer, activation in ("sgd", "relu"), ("momentum", "logistic"), ("adam", "tanh"):
        output = "softmax" if units[-1] > 1 else "logistic"
        case = Case(units, activation, output, optimizer=optimizer, dtype=dtype, batch_size=9, n=23)
        case.check(engine)


@engines
@dtypes
@pytest.mark.parametrize(
    "units",
    [(1, 2), (6, 4), (2, 20, 3), (5, 3, 20, 4), (5, 20, 3, 20, 4), (3, 9, 17, 5, 33, 2)],
    ids=str,
)
@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 16, 52, 53, 1000])
@pytest.mark.parametrize("shuffles", [True, False])
def test_every_depth_and_batch_size(engine, dtype, units, batch_size, shuffles):
    Case(units, dtype=dtype, batch_size=batch_size, shuffles=shuffles).check(engine)


@engines
@dtypes
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(
    ("units", "batch_size"),
    [
        ((200, 10, 3), 30),  # products go in parts of 192 terms,
        ((385, 200, 3), 400),  # and there are three of them
        ((4, 10, 3), 700),  # sums over rows go in parts of 256
        ((530, 100, 5), 60),  # gradients are made 512 rows at a time
        ((9, 120, 700), 40),
    ],
    ids=str,
)
def test_sizes_beyond_every_block(engine, dtype, optimizer, units, batch_size):
    n = 2 * batch_size + 7  # whole batches and the rest of one
    Case(units, "relu", optimizer=optimizer, dtype=dtype, batch_size=batch_size, n=n).check(engine)


@engines
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_weights_and_penalty(engine, optimizer, output, weighted, l2):
    Case(output=output, optimizer=optimizer, weighted=weighted, l2=l2, shuffles=False).check(engine)


@engines
@pytest.mark.parametrize(
    "rule",
    [
        Adam(beta_1=0.0),
        Adam(beta_2=0.0, epsilon=1e-3),
        Adam(beta_1=0.5, beta_2=0.9, epsilon=0.1),
        SGD(momentum=0.3),
        SGD(momentum=0.99, nesterov=True),
        SGD(momentum=0.0, nesterov=True),
    ],
    ids=repr,
)
def test_every_constant_of_a_rule_counts(engine, rule):
    case = Case()
    case.optimizer = rule
    case.check(engine)


@needs_compiled
def test_a_rule_without_a_kernel_is_refused():
    class Sign:
        n_slots = 0

        def step(self, theta, dtheta, slots, t, lr): ...

    case = Case()
    case.optimizer = Sign()
    with pytest.raises(ValueError, match="no kernel for Sign; train it with engine='numpy'"):
        case.make("compiled")


@needs_compiled
@dtypes
def test_parameters_of_another_precision_are_refused(dtype):
    case = Case(dtype=dtype)
    other = {np.dtype("f4"): "f8", np.dtype("f8"): "f4"}[np.dtype(dtype)]
    params, slots = case.start()
    for flat, memory in ((params.flat.astype(other), slots), (params.flat, slots.astype(other))):
        engine, lent = case.make("compiled"), Params.view(flat, case.architecture.layer_units)
        with pytest.raises(ValueError, match=f"aligned and of {np.dtype(dtype)}"):
            engine.run_epoch(lent, memory, 0, 0.1, None)


@engines
def test_many_epochs(engine):
    Case(optimizer="momentum", epochs=40).check(engine)
    Case(optimizer="adam", epochs=40).check(engine)


@needs_compiled
@settings(max_examples=60)
@given(
    units=st.lists(st.integers(1, 40), min_size=2, max_size=6),
    activation=st.sampled_from(sorted(activations.ACTIVATIONS)),
    output=st.sampled_from(OUTPUTS),
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    dtype=st.sampled_from(["float32", "float64"]),
    n=st.integers(1, 70),
    batch_size=st.integers(1, 80),
    weighted=st.booleans(),
    l2=st.sampled_from([0.0, 0.01]),
    shuffles=st.booleans(),
    skip=st.lists(st.sampled_from([Linear(), Levels(1), Levels(9), Pieces(1), Pieces(20)])),
    scales=st.booleans(),
    rates=st.sampled_from(sorted(RATES)),
)
def test_whatever_the_network(units, activation, output, skip, **options):
    units[-1] += output == "softmax" and units[-1] == 1  # else there is nothing to learn
    # Adam's first steps amplify the rounding of a gradient near zero: small steps keep it small
    options |= {"lr": 1e-4, "epochs": 1, "skip": tuple(skip)}
    Case(units, activation, output, **options).check("compiled")


@needs_compiled
@dtypes
def test_scores_far_apart(dtype):
    """Probabilities that underflow, and losses of hundreds."""
    for output in "softmax", "logistic":
        case = Case((3, 5, 4), "relu", output, dtype=dtype, lr=1e-5, optimizer="sgd")
        case.rows.x[:] *= 300
        case.check("compiled")


@engines
@dtypes
@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_rows_that_are_certain_move_nothing(engine, dtype, output):
    """Not by as much as a rounding, which Adam would make a step of some size."""
    architecture = Architecture((2, 2), output=output)
    y_t = np.array([0, 1, 1, 0, 1, 0, 1])
    x = np.where(y_t[:, None] == [0, 1], 300, -300).astype(dtype)
    weight = np.linspace(0.5, 1.5, 7).astype(dtype)
    for n in 1, 3, 7:
        y = y_t[:n] if output == "softmax" else (y_t[:n, None] == [0, 1]).astype(dtype)
        params, slots = Params.zeros((2, 2), dtype), np.zeros((2, 6), dtype)
        params.W[0][...] = np.eye(2)
        before = params.flat.copy()
        rows = Rows(x[:n], y, weight[:n])
        ENGINES[engine](architecture, rows, Steps(Adam(), n)).run_epoch(
            params, slots, 0, 0.001, None
        )
        np.testing.assert_allclose(params.flat, before, rtol=0, atol=1e-7)
        np.testing.assert_allclose(slots, 0, rtol=0, atol=1e-20)


def test_a_row_counts_as_right_when_the_first_highest_class_is_its_own():
    architecture = Architecture((2, 4))
    rows = Rows(np.ones((12, 2)), np.arange(12) % 4)
    for make in ENGINES.values():
        engine = make(architecture, rows, Steps(SGD(), 12))
        params = Params.zeros((2, 4))  # four equal scores
        accuracy = engine.run_epoch(params, np.zeros((0, 12)), 0, 0.1, None).accuracy
        assert accuracy == pytest.approx(0.25)


@engines
@pytest.mark.parametrize("output", ["logistic", "identity"])
def test_all_outputs_of_a_row_must_be_right(engine, output):
    architecture = Architecture((3, 3), output=output)
    y_t = np.array([[1, 0, 1], [1, 1, 1], [0, 0, 0], [1, 0, 0]], float)
    weight = np.array([0.5, 1, 1, 1.5])
    rows = Rows(np.tile([[1.0, 0, 1]], (4, 1)), y_t, weight)
    params = Params.zeros((3, 3))
    params.W[0][:] = np.eye(3)  # scores 1, 0, 1
    made = ENGINES[engine](architecture, rows, Steps(SGD(), 4))
    accuracy = made.run_epoch(params, np.zeros((0, 12)), 0, 0.1, None).accuracy
    assert accuracy == pytest.approx(0.125)


def test_going_on_is_what_an_unbroken_training_does():
    rows = some_rows(Architecture((3, 5, 3)), 53)
    for make, optimizer in product(ENGINES.values(), [Adam(), SGD(0.9)]):
        flats = []
        for parts in [10], [3, 3, 4]:
            bits = np.random.PCG64(0)
            run = Run.start(glorot_uniform((3, 5, 3), "tanh", bits), bits)
            for epochs in parts:
                setting = Settings(optimizer, batch_size=10, patience=np.inf)
                architecture = Architecture((3, 5, 3))
                train(architecture, run, setting, rows, epochs=epochs, make_engine=make)
            flats.append(run.params.flat)
        assert np.array_equal(*flats)


# -- a skip, a scale of the inputs, rates of single parameters ----------------------------------

SKIP = Linear(), Levels(3), Pieces(4), Pieces(1)
SKIPS = {
    "none": (),
    "all": SKIP,
    "levels": (Levels(7), Levels(1)),
    "one piece": (Pieces(1),),
    "64 pieces": (Pieces(64), Pieces(64)),
    "numbers": (Linear(), Linear()),
}
skips = pytest.mark.parametrize("skip", SKIPS.values(), ids=SKIPS)
scaling = pytest.mark.parametrize("scales", [False, True], ids=["", "scaled"])


@needs_compiled
@dtypes
@skips
@scaling
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("rates", RATES)
def test_a_skip_and_a_scale(dtype, skip, scales, optimizer, rates):
    for units in (5, 17, 6, 4), (5, 3), (3, 9, 2), (5, 8, 26), (18, 33, 1), (5, 1):
        output = "softmax" if units[-1] > 1 else "logistic"
        Case(
            units, "relu", output, skip=skip, scales=scales, optimizer=optimizer, rates=rates,
            dtype=dtype,
        ).check("compiled")  # fmt: skip


@needs_compiled
@dtypes
@scaling
@pytest.mark.parametrize("loss", [*OUTPUTS, *LOSSES])
@pytest.mark.parametrize(
    "more",
    [
        {"dropout": (0.5,)},
        {"clip_norm": 0.01},
        {"clip_norm": 1e6, "l2": 0.0},
        {"weighted": False, "shuffles": False},
        {"n": 1},
        {"batch_size": 1, "n": 7},
        {"batch_size": 600, "n": 700},  # more rows than are summed at a time
        {"lr": np.linspace(0, 1e-3, 6)},
    ],
    ids=str,
)
def test_a_skip_and_a_scale_with_all_the_rest(dtype, scales, loss, more):
    output, settings = LOSSES.get(loss, (loss, LossSettings()))
    options = {"optimizer": "adamw", "rates": "fan_in", "lr": 1e-4} | more
    Case(
        (5, 17, 4), "gelu", output, loss=settings, skip=SKIP, scales=scales, dtype=dtype, **options
    ).check("compiled")


@needs_compiled
@dtypes
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adamw"])
@pytest.mark.parametrize("units", [(530, 100, 5), (9, 4), (4, 700), (400, 3, 2)], ids=str)
def test_a_scale_beyond_every_block(dtype, optimizer, units):
    """Gradients are made 512 rows and three vectors at a time."""
    for clip_norm in np.inf, 0.1:
        case = Case(
            units, "relu", scales=True, optimizer=optimizer, clip_norm=clip_norm, dtype=dtype,
            batch_size=60, n=127,
        )  # fmt: skip
        case.check("compiled")


@needs_compiled
@dtypes
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adamw"])
@pytest.mark.parametrize("units", [(70, 40, 33, 5), (70, 40, 1), (50, 3), (5, 6, 26)], ids=str)
@pytest.mark.parametrize("clip_norm", [np.inf, 0.1])
@pytest.mark.usefixtures("many_processors")
def test_threads_share_a_skip_and_a_scale_to_the_same_bits(dtype, optimizer, units, clip_norm):
    case = Case(
        units, "relu", "softmax" if units[-1] > 1 else "logistic", skip=(*SKIP, Pieces(64)),
        scales=True, rates="fan_in", optimizer=optimizer, clip_norm=clip_norm, dtype=dtype,
        batch_size=37,
    )  # fmt: skip
    alone = case.run("compiled", threads=1)
    for threads in 2, 3, 5:
        assert_same_bits(case.run("compiled", threads=threads), alone)


@needs_compiled
@dtypes
@scaling
def test_batches_a_call_and_another_engine_change_no_bit_of_a_skip(dtype, scales, monkeypatch):
    monkeypatch.setattr(compiled, "SECONDS_A_CALL", 0)
    case = Case(skip=SKIP, scales=scales, rates="fan_in", optimizer="adamw", dtype=dtype, epochs=3)

    def batches_a_call(number, engine):
        engine._batches_a_call = number

    unbroken = case.run("compiled", partial(batches_a_call, 1000))
    for number in 1, 2, 5:
        assert_same_bits(case.run("compiled", partial(batches_a_call, number)), unbroken)
    params, slots = case.start()
    for epoch, order in enumerate(case.orders()):  # each by an engine of its own
        case.make("compiled").run_epoch(params, slots, 6 * epoch, case.lr, order)
    assert np.array_equal(params.flat, unbroken[0])
    assert np.array_equal(slots, unbroken[1])


@engines
@dtypes
def test_factors_of_1_are_none(engine, dtype):
    for optimizer in "sgd", "nesterov", "adam":
        case = Case(skip=SKIP, scales=True, optimizer=optimizer, dtype=dtype)
        plain = case.run(engine)
        case.factors = (1.0,) * 8
        assert_same_bits(case.run(engine), plain)


@needs_compiled
@pytest.mark.parametrize("n", [1, 7, 9])
def test_there_is_a_factor_for_each_parameter(n):
    case = Case(skip=SKIP, scales=True)
    case.factors = (0.5,) * n
    with pytest.raises(ValueError, match="a factor for each of 8 parameters; got"):
        case.make("compiled")


@needs_compiled
@dtypes
@scaling
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("column", [0, 3, 4, 5])
def test_a_bad_cell_of_a_skip_is_noticed_in_the_same_batch(dtype, scales, bad, column):
    case = Case((3, 17, 4), skip=SKIP, scales=scales, dtype=dtype, optimizer="momentum")
    case.rows.x[31, column] = bad
    assert divergence("compiled", case) == divergence("numpy", case)


@needs_compiled
@dtypes
@skips
@scaling
@pytest.mark.parametrize("units", [(1, 1), (17, 30), (5, 3, 2), (40, 17, 26), (9, 8, 1)], ids=str)
@pytest.mark.usefixtures("many_processors")
def test_predictions_with_a_skip_and_a_scale(dtype, skip, scales, units):
    output = "softmax" if units[-1] > 1 else "logistic"
    n = 3 * asking.ROWS_A_THREAD + 77
    case = Case(units, "gelu", output, skip=skip, scales=scales, dtype=dtype, n=n)
    params, x = case.start()[0], case.rows.x
    score = forward(case.architecture, params, x).score
    for probabilities, expected in (False, score), (True, HEADS[output].proba(score)):
        got = predict(case.architecture, params, x, probabilities=probabilities, threads=1)
        assert_same(got, expected)
        for rows in [0], [7, 3], slice(17), slice(255, 258), slice(None, None, -1):
            part = predict(case.architecture, params, x[rows], probabilities=probabilities)
            assert np.array_equal(part, got[rows])


@needs_compiled
@dtypes
@pytest.mark.parametrize("units", [(2, 3), (2, 1)], ids=str)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_skip_does_of_every_number_what_the_reference_does(dtype, units):
    """Also beyond the edges and of no number: nothing is read that is not there."""
    case = Case(units, output="identity", skip=SKIP, dtype=dtype)
    far = [-1e30, -2.5, -1, -0.5, -0.0, 0.2, 1, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 1e30]
    for numbers in far, [np.nan], [np.inf], [-np.inf]:
        x = np.zeros((3 * len(numbers), 2 + len(SKIP)), dtype)
        for place in range(3):  # levels, and both pieces
            rows = slice(place * len(numbers), (place + 1) * len(numbers))
            x[rows, 3 + place] = numbers
        params = case.start()[0]
        got = predict(case.architecture, params, x, probabilities=False)
        np.testing.assert_allclose(
            got, forward(case.architecture, params, x).score, rtol=1e-5, atol=1e-6
        )


# -- the same bits, whoever shares the work ----------------------------------------------------


@needs_compiled
@dtypes
@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam", "adamw"])
@pytest.mark.parametrize(
    "options",
    [
        {"units": (5, 70, 40, 3), "dropout": (0.3, 0.6)},
        {"units": (6, 70, 33, 5), "clip_norm": 0.1},
        {"units": (5, 70, 3), "activation": "relu"},
        {"units": (20, 100, 33, 3), "batch_size": 53},
        {"units": (5, 3), "batch_size": 31, "output": "logistic"},
        {"units": (7, 40, 40, 40, 1), "activation": "logistic", "output": "identity"},
        {"units": (3, 9, 4), "batch_size": 1},
    ],
    ids=lambda options: str(options["units"]),
)
@pytest.mark.usefixtures("many_processors")
def test_the_number_of_threads_changes_no_bit(dtype, optimizer, options):
    case = Case(optimizer=optimizer, dtype=dtype, **options)
    alone = case.run("compiled", threads=1)
    for threads in 1, 2, 3, 5:
        assert_same_bits(case.run("compiled", threads=threads), alone)


@needs_compiled
@dtypes
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_the_number_of_batches_a_call_changes_no_bit(dtype, optimizer, monkeypatch):
    monkeypatch.setattr(compiled, "SECONDS_A_CALL", 0)  # one batch a call, from the second on
    case = Case(optimizer=optimizer, dtype=dtype, batch_size=1, epochs=3, lr=0.01)

    def batches_a_call(number, engine):
        engine._batches_a_call = number

    alone = case.run("compiled", partial(batches_a_call, 1))
    for number in 2, 7, 52, 53, 1000:
        assert_same_bits(case.run("compiled", partial(batches_a_call, number)), alone)


@needs_compiled
def test_a_call_ends_so_often_that_an_interrupt_is_seen(monkeypatch):
    """The clock decides how many batches a call runs, and no epoch forgets one."""
    case = Case(batch_size=1, n=200, epochs=1)
    spans = []
    engine = case.make("compiled")
    run_batches = engine._run_batches

    def watched(first, last, *rest):
        spans.append((first, last))
        run_batches(first, last, *rest)

    monkeypatch.setattr(engine, "_run_batches", watched)
    params, slots = case.start()
    engine.run_epoch(params, slots, 0, 0.01, None)
    assert spans[0] == (0, 1)
    assert spans[-1][1] == 200
    assert [first for first, _ in spans[1:]] == [last for _, last in spans[:-1]]


@needs_compiled
def test_engines_may_take_turns_and_run_at_once():
    cases = [
        Case(units, optimizer=rule) for units in [(4, 33, 3), (4, 8, 8, 3)] for rule in OPTIMIZERS
    ]
    alone = [case.run("compiled", threads=2) for case in cases]
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda case: case.run("compiled", threads=2), cases * 3))
    for got, expected in zip(at_once, alone * 3, strict=True):
        assert_same_bits(got, expected)
    made = [(case.make("compiled"), *case.start()) for case in cases]
    for turn in range(2):
        for case, (engine, params, slots) in zip(cases, made, strict=True):
            engine.run_epoch(params, slots, 6 * turn, case.lr, case.orders()[turn])
    for (_, params, slots), (flat, expected_slots, _) in zip(made, alone, strict=True):
        assert np.array_equal(params.flat, flat)
        assert np.array_equal(slots, expected_slots)


@needs_compiled
@pytest.mark.usefixtures("many_processors")
def test_threads_are_given_back():
    for _ in range(5):
        case = Case()
        with threads_watched() as seen:
            case.run("compiled", threads=3)
        assert seen - {(0, 1)} == {(0, 3), (1, 3), (2, 3)}  # one thread is tried, too: pace.py
        case.rows.x[0] = np.nan
        with pytest.raises(Diverged):
            case.run("compiled", threads=3)


def watch_calls(patch, before, after=lambda thread, threads: None):
    """Call a function before each part of an epoch, in the thread that makes it, and one after."""
    door = library.door

    def watched_door(name, precision):
        real = door(name, precision)

        def call(thread, threads, *rest):
            before(thread, threads)
            status = real(thread, threads, *rest)
            after(thread, threads)
            return status

        return call if name == "run" else real

    patch.setattr(library, "door", watched_door)


@needs_compiled
@pytest.mark.usefixtures("many_processors")
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity")
@pytest.mark.parametrize("forbidden", [False, True])
def test_a_thread_may_run_where_its_process_may(monkeypatch, forbidden):
    allowed, seen = os.sched_getaffinity(0), []

    def watched(thread, threads):
        seen.append(os.sched_getaffinity(0))

    def refused(pid, processors):
        raise PermissionError

    if forbidden:
        monkeypatch.setattr(os, "sched_setaffinity", refused)
    watch_calls(monkeypatch, watched)
    Case().run("compiled", threads=3)
    assert len(seen) >= 3
    assert all(processors == allowed for processors in seen)
    assert os.sched_getaffinity(0) == allowed


@contextmanager
def threads_watched():
    """Collect which threads, of how many, take part in the steps."""
    seen = set()
    with pytest.MonkeyPatch.context() as patch:
        watch_calls(patch, lambda thread, threads: seen.add((thread, threads)))
        yield seen


@needs_compiled
@pytest.mark.usefixtures("many_processors")
def test_engines_at_once_share_the_processors():
    """Eight for five engines that ask for four each: never more than eight threads, or one each."""
    most, running, lock = 0, 0, threading.Lock()

    def begin(thread, threads):
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)

    def end(thread, threads):
        nonlocal running
        with lock:
            running -= 1

    case = Case((4, 8, 3), n=200, batch_size=4, epochs=3)
    expected = case.run("compiled")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(5) as pool:
        watch_calls(patch, begin, end)
        futures = [pool.submit(case.run, "compiled", threads=4) for _ in range(15)]
        for future in futures:
            assert_same_bits(future.result(), expected)
    assert 2 <= most <= 8 + 5


@needs_compiled
def test_threads_that_switch_all_the_time():
    """What engines share must not change under another's hands."""
    case = Case((3, 4, 3), n=4, epochs=200)
    expected = case.run("compiled")
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for got in pool.map(lambda _: case.run("compiled", threads=2), range(40)):
                assert_same_bits(got, expected)
    finally:
        sys.setswitchinterval(before)


@needs_compiled
@unconverged
def test_fits_in_parallel_threads_are_those_that_run_alone():
    X, y = make_blobs(300, 20, centers=4, random_state=0)

    def fitted(seed):
        model = MLPClassifier(
            (64,), engine="compiled", batch_size=100, max_iter=8, random_state=seed
        ).fit(X, y)
        return model.model_.params.flat, model.predict_proba(X), model.loss_curve_

    alone = [fitted(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # filters belong to all threads
        at_once = list(pool.map(fitted, range(4)))
    for one, other in zip(at_once, alone, strict=True):
        assert np.array_equal(one[0], other[0])
        assert np.array_equal(one[1], other[1])
        assert one[2] == other[2]


# -- divergence --------------------------------------------------------------------------------


def divergence(engine, case):
    run = Run.start(case.start()[0], np.random.PCG64(0))
    before = run.params.flat.copy()
    setting = Settings(
        case.optimizer, batch_size=case.batch_size, learning_rate_init=case.lr, l2=case.l2
    )
    seen = []
    with pytest.raises(DivergenceError) as error:
        train(
            case.architecture,
            run,
            setting,
            case.rows,
            epochs=50,
            make_engine=ENGINES[engine],
            on_epoch=lambda epoch: seen.append(run.params.flat.copy()),
        )
    assert np.array_equal(run.params.flat, seen[-1] if seen else before, equal_nan=True)
    assert run.epochs == len(seen)
    assert run.updates == run.epochs * -(-len(case.rows) // case.batch_size)
    return str(error.value)


@needs_compiled
@dtypes
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("activation", ["relu", "identity", "logistic", "elu", "softplus", "gelu"])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("row", [0, 31, 52])
def test_a_bad_cell_is_noticed_in_the_same_batch(dtype, bad, activation, output, row):
    case = Case((3, 17, 4), activation, output, dtype=dtype, optimizer="momentum")
    case.rows.x[row, 1] = bad
    assert divergence("compiled", case) == divergence("numpy", case)


@needs_compiled
@dtypes
@pytest.mark.parametrize("units", [(3, 16, 4), (3, 7, 5, 4)], ids=str)
def test_an_infinite_cell_is_noticed_where_tanh_hides_it(dtype, units):
    # tanh(inf) is 1, and the loss finite: only the inputs tell
    for shuffles in True, False:
        case = Case(units, "tanh", dtype=dtype, optimizer="sgd", shuffles=shuffles)
        case.rows.x[31, 1] = np.inf
        message = divergence("compiled", case)
        assert message == divergence("numpy", case)
        assert "an input was not finite in batch" in message


@engines
@dtypes
@pytest.mark.parametrize("loss", ["softmax", *LOSSES])
def test_a_batch_without_weight_is_harmless(engine, dtype, loss):
    """Its gradient is that of the penalty alone."""
    output, settings = LOSSES.get(loss, (loss, LossSettings()))
    case = Case((3, 5, 4), "gelu", output, loss=settings, dtype=dtype, batch_size=10, n=30)
    case.rows.weight[:20] = 0
    case.shuffles, case.clip_norm = False, 0.5
    case.check(engine)
    case.rows.weight[:] = 0
    case.l2, case.optimizer = 0.0, OPTIMIZERS["adam"]
    flat, _, measured = case.run(engine)
    assert np.array_equal(flat, case.start()[0].flat)
    assert measured[0] == (0, 0, 0)


@engines
def test_a_divergence_names_its_layer(engine):
    case = Case((3, 5, 4, 3), "relu", optimizer="sgd", shuffles=False)
    params, slots = case.start()
    params.W[1][2, 1] = np.inf
    case.start = lambda: (params.copy(), slots)
    with np.errstate(invalid="ignore"):
        message = divergence(engine, case)
    assert (
        "in batch 1 of epoch 1, at learning rate 0.001. The first layer not finite is 2." in message
    )


@needs_compiled
@dtypes
@pytest.mark.parametrize("place", ["weight", "params", "targets"])
def test_other_bad_numbers_are_noticed_in_the_same_batch(dtype, place):
    case = Case(output="identity", dtype=dtype)
    if place == "weight":
        case.rows.weight[40] = np.nan
    elif place == "targets":
        case.rows.y_t[40, 2] = np.inf
    else:
        params, slots = case.start()
        params.W[1][2, 3] = np.nan
        case.start = lambda: (params.copy(), slots)
    assert divergence("compiled", case) == divergence("numpy", case)


@needs_compiled
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_learning_rate_far_too_large_is_noticed_in_the_same_batch(optimizer):
    case = Case((3, 17, 4), "relu", "identity", optimizer=optimizer, lr=1e155, l2=0.0)
    assert divergence("compiled", case) == divergence("numpy", case)


@engines
@dtypes
def test_overflow_after_the_last_batch(engine, dtype):
    """One batch: its loss is finite, and the step is not."""
    largest = float(np.finfo(dtype).max)
    architecture = Architecture((1, 1), output="identity")
    root = np.sqrt(largest) / 4
    rows = Rows(np.full((2, 1), root, dtype), np.full((2, 1), root, dtype))
    params = Params.zeros((1, 1), dtype)
    made = ENGINES[engine](architecture, rows, Steps(SGD(), 2))
    with np.errstate(over="ignore"), pytest.raises(Diverged) as error:
        made.run_epoch(params, np.zeros((0, 2), dtype), 0, 1e3, None)
    assert str(error.value) == "a parameter or its slot was not finite"
    assert error.value.batch is None


@engines
def test_a_slot_that_overflows_is_noticed(engine):
    architecture = Architecture((1, 1), output="identity")
    rows = Rows(np.full((1, 1), 1e100), np.full((1, 1), 1e100))  # gradient -1e200: its square
    params, slots = Params.zeros((1, 1)), np.zeros((2, 2))
    made = ENGINES[engine](architecture, rows, Steps(Adam(), 1))
    with np.errstate(over="ignore"), pytest.raises(Diverged, match="slot was not finite"):
        made.run_epoch(params, slots, 0, 1e-3, None)


@engines
@pytest.mark.parametrize("threads", [1, 2])
def test_after_a_divergence_the_next_epoch_is_as_good_as_new(engine, threads):
    case = Case()
    options = {"threads": threads} if engine == "compiled" else {}
    made = case.make(engine, **options)
    params, slots = case.start()
    params.W[0][0, 0] = np.nan
    with pytest.raises(Diverged):
        made.run_epoch(params, slots, 0, case.lr, None)
    fresh, used = case.start(), case.start()
    made.run_epoch(*used, 0, case.lr, None)
    case.make(engine, **options).run_epoch(*fresh, 0, case.lr, None)
    assert np.array_equal(fresh[0].flat, used[0].flat)
    assert np.array_equal(fresh[1], used[1])


@engines
def test_a_fit_that_diverges_keeps_the_last_finished_epoch(engine):
    X, y = make_blobs(100, 4, centers=3, random_state=0)
    kept = []
    model = MLPClassifier(
        (20,),
        engine=engine,
        solver="sgd",
        random_state=0,
        on_epoch=lambda epoch: kept.append(model.model_.params.flat.copy()),
    )
    model.set_params(max_iter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    model.set_params(learning_rate_init=1e200, warm_start=True)
    with pytest.raises(DivergenceError):
        model.fit(X, y)
    assert np.array_equal(model.model_.params.flat, kept[-1])
    assert np.isfinite(model.predict_proba(X)).all()


@needs_compiled
def test_tiny_numbers_count_again_after_an_epoch():
    """Inside, numbers below the normal range are zero; not outside."""
    Case(optimizer="adam").run("compiled", threads=2)
    assert np.float64(5e-324) * np.float64(1) > 0
    assert np.float32(1e-45) * np.float32(1) > 0


@needs_compiled
@pytest.mark.parametrize(("dtype", "epsilon"), [("float64", 1e-320), ("float32", 1e-40)])
def test_an_epsilon_below_the_normal_range(dtype, epsilon):
    X, y = make_blobs(60, 3, centers=3, random_state=0)
    one, other = (
        fitted(engine, X, y, dtype=dtype, epsilon=epsilon) for engine in ("numpy", "compiled")
    )
    assert "epsilon" in other.engine_reason_
    assert np.array_equal(one.model_.params.flat, other.model_.params.flat)


# -- interrupts --------------------------------------------------------------------------------


@engines
@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_leaves_the_run_at_the_end_of_an_epoch(engine, threads, request):
    """A timer strikes in the middle of an epoch of thousands of small batches."""
    architecture = Architecture((3, 5, 3))
    rows = some_rows(architecture, 30_000)
    bits = np.random.PCG64(0)
    run = Run.start(glorot_uniform((3, 5, 3), "tanh", bits), bits)
    taken = [run.params.flat.copy()]
    make = ENGINES[engine]
    if engine == "compiled":
        make = partial(make, threads=threads)
    # Where the suite runs in the background, the shell has told it to ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    started = time.monotonic()

    def on_epoch(epoch):
        taken.append(run.params.flat.copy())
        return time.monotonic() > started + 60  # an interrupt that never comes is a failure

    with pytest.raises(KeyboardInterrupt):
        train(
            architecture,
            run,
            Settings(Adam(), batch_size=2, patience=np.inf),
            rows,
            epochs=10**6,
            make_engine=make,
            on_epoch=on_epoch,
        )
    timer.join()
    assert np.array_equal(run.params.flat, taken[-1])
    assert run.epochs == len(taken) - 1
    assert run.updates == 15_000 * run.epochs
    history = train(
        architecture, run, Settings(Adam(), batch_size=5000), rows, epochs=1, make_engine=make
    )
    assert np.isfinite(history[0].loss)


INTERRUPTED_AGAIN_AND_AGAIN = """
import signal
import numpy as np
from handgrad.engines.compiled import library, threads
from handgrad.engines.compiled.engine import Compiled
from handgrad.network import Architecture
from handgrad.optim import Adam, Steps
from handgrad.params import glorot_uniform
from handgrad.batch import Rows

threads._most_threads = lambda: 2
rng = np.random.default_rng(0)
rows = Rows(rng.normal(size=(300, 2)), rng.integers(0, 3, 300))
architecture = Architecture((2, 40, 3))
params = glorot_uniform((2, 40, 3), "relu", np.random.PCG64(0))
slots = np.zeros((2, params.flat.size))
engine = Compiled(architecture, rows, Steps(Adam(), 300), threads=2)
engine.run_epoch(params, slots, 0, 1e-3, None)
signal.signal(signal.SIGALRM, signal.default_int_handler)
for _ in range(150):
    engine = Compiled(architecture, rows, Steps(Adam(), 300), threads=2)
    try:
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.0005, 0.003))
        while True:
            engine.run_epoch(params, slots, 0, 1e-3, None)
    except KeyboardInterrupt:
        pass
seen, real = set(), library.door("run", "float64")
engine = Compiled(architecture, rows, Steps(Adam(), 300), threads=2)
engine._door = lambda thread, threads, *rest: (seen.add(threads), real(thread, threads, *rest))[1]
engine.run_epoch(params, slots, 0, 1e-3, None)
assert seen == {2}, "threads were lost"
print("done")
"""


@needs_compiled
def test_no_interrupt_leaves_a_thread_waiting():
    """Whenever it comes, also between two calls of compiled code, nobody waits for ever."""
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AGAIN_AND_AGAIN],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.stdout == "done\n", run.stderr


@needs_compiled
@pytest.mark.usefixtures("many_processors")
def test_a_thread_that_cannot_start_leaves_none_waiting(monkeypatch):
    """The first of a call's threads is the one that starts the others."""
    real = engine_threads.Call.start

    def failing_at(number):
        calls = count(1)
        return lambda call: next(calls) != number and real(call)

    case = Case()
    for number in 2, 3:
        monkeypatch.setattr(engine_threads.Call, "start", failing_at(number))
        with pytest.raises(RuntimeError, match="fewer threads"):
            case.run("compiled", threads=3)
        assert not engine_threads._in_use
    monkeypatch.setattr(engine_threads.Call, "start", failing_at(1))
    alone = case.run("compiled", threads=3)
    monkeypatch.undo()
    assert_same_bits(alone, case.run("compiled", threads=3))
    case.check("compiled", threads=3)


# -- what an engine is given -------------------------------------------------------------------


def unusual(array, how, folder):
    if how == "read-only":
        array = array.copy()
        array.flags.writeable = False
    elif how == "every second":
        array = np.repeat(array, 2, axis=0)[::2]
    elif how == "Fortran":
        array = np.asfortranarray(array)
    elif how == "backwards":
        array = array[::-1].copy()[::-1]
    elif how == "unaligned":
        raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
        view = raw.view(array.dtype).reshape(array.shape)
        view[...] = array
        array = view
    elif how == "memory-mapped":
        path = folder / f"{array.ndim}{array.dtype}{array[0].sum():.9f}.npy"
        np.save(path, array)
        array = np.load(path, mmap_mode="r")
    return array


@engines
@dtypes
@pytest.mark.parametrize(
    "how", ["read-only", "every second", "Fortran", "backwards", "unaligned", "memory-mapped"]
)
@pytest.mark.parametrize("output", ["softmax", "logistic"])
@pytest.mark.parametrize("shuffles", [True, False])
def test_arrays_may_lie_as_they_like(engine, dtype, how, output, shuffles, tmp_path):
    case = Case(output=output, dtype=dtype, shuffles=shuffles)
    plain = case.run(engine)
    case.rows = Rows(*(unusual(array, how, tmp_path) for array in case.rows))
    assert_same_bits(case.run(engine), plain)


@engines
@pytest.mark.parametrize("kind", [np.int8, np.int32, np.uint16, np.uint64])
def test_class_numbers_may_be_of_any_integer_type(engine, kind):
    case = Case()
    plain = case.run(engine)
    x, y_t, weight = case.rows
    case.rows = Rows(x, y_t.astype(kind), weight)
    assert_same_bits(case.run(engine), plain)


@engines
def test_weights_and_targets_may_be_wider_than_the_rows(engine):
    case = Case(output="logistic", dtype="float32")
    expected = case.formulas()
    x, y_t, weight = case.rows
    case.rows = Rows(x, y_t.astype(int), weight.astype(np.float64))
    got = case.run(engine)
    assert_same(got[0], expected[0])


@engines
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_an_order_may_be_of_any_integer_type(engine, kind):
    case = Case()
    plain = case.run(engine)
    orders = [np.repeat(order.astype(kind), 2)[::2] for order in case.orders()]
    case.orders = lambda: orders
    assert_same_bits(case.run(engine), plain)


@needs_compiled
@pytest.mark.parametrize("order", [np.arange(52), np.arange(54), np.zeros((53, 1), int)], ids=len)
def test_an_order_of_the_wrong_length_is_refused(order):
    case = Case()
    params, slots = case.start()
    before = params.flat.copy()
    with pytest.raises(ValueError, match="order must name each of 53 rows"):
        case.make("compiled").run_epoch(params, slots, 0, 0.1, order)
    assert np.array_equal(params.flat, before)


@engines
def test_rows_stay_alive_with_their_engine(engine):
    case = Case(dtype="float32")
    expected = case.run(engine)
    x, y_t, weight = case.rows
    # copies that nobody else holds
    case.rows = Rows(x.astype("float32", order="F"), y_t.astype(np.int32), weight.astype(float))
    made = case.make(engine)
    case.rows = Rows(x, y_t, weight)
    rubbish = [np.full(len(x) * 3, np.nan, np.float32) for _ in range(100)]
    params, slots = case.start()
    measured = [
        made.run_epoch(params, slots, 6 * i, case.lr, order)
        for i, order in enumerate(case.orders())
    ]
    assert len(rubbish) == 100
    np.testing.assert_allclose(params.flat, expected[0], rtol=1e-4, atol=1e-6)
    assert measured[0] == pytest.approx(expected[2][0], rel=1e-5)


@engines
def test_engines_that_come_and_go(engine):
    case = Case(epochs=1)
    expected = case.run(engine)
    for _ in range(200):
        assert_same_bits(case.run(engine), expected)


@needs_compiled
def test_an_engine_leaves_rows_and_order_alone():
    case = Case(output="identity")
    before = [array.copy() for array in case.rows]
    orders = case.orders()
    kept = [order.copy() for order in orders]
    case.orders = lambda: orders
    case.run("compiled")
    for array, expected in zip([*case.rows, *orders], [*before, *kept], strict=True):
        assert np.array_equal(array, expected)


# -- predictions -------------------------------------------------------------------------------


def network(units, activation="relu", output="softmax", dtype="float64", scale=1.0):
    params = glorot_uniform(units, "tanh", np.random.PCG64(3), dtype)
    params.flat[...] *= scale
    return Architecture(units, activation, output), params


def inputs(n, units, dtype):
    return np.random.default_rng(4).normal(size=(n, units[0])).astype(dtype)


PREDICTED = [
    (1, 1),
    (3, 4),
    (16, 3),
    (17, 130),
    (2, 3, 2),
    (5, 16, 3),
    (5, 17, 3),
    (5, 130, 1),
    (9, 3, 40, 2, 7),
    (200, 15, 64, 65),
    (4, 3, 3, 3, 3, 5),
    (400, 200, 3),
]


@needs_compiled
@dtypes
@pytest.mark.parametrize("units", PREDICTED, ids=str)
@pytest.mark.parametrize("activation", sorted(activations.ACTIVATIONS))
def test_scores_are_those_of_the_formulas(dtype, units, activation):
    for output, n in product(OUTPUTS, [0, 1, 2, 5, 33, 300]):
        architecture, params = network(units, activation, output, dtype)
        x = inputs(n, units, dtype)
        score = forward(architecture, params, x).score
        got = predict(architecture, params, x, probabilities=False)
        assert_same(got, score)
        if output == "softmax" or (output == "logistic" and units[-1] == 1):
            got = predict(architecture, params, x, probabilities=True)
            assert_same(got, HEADS[output].proba(score))
            rounding = (4 + units[-1]) * np.finfo(dtype).eps
            np.testing.assert_allclose(got.sum(axis=1), 1, rtol=rounding)


@needs_compiled
@dtypes
@pytest.mark.parametrize("units", PREDICTED, ids=str)
@pytest.mark.parametrize("probabilities", [True, False])
def test_a_row_is_predicted_alone_as_among_others(dtype, units, probabilities):
    architecture, params = network(units, "tanh", "softmax", dtype)
    x = inputs(600, units, dtype)
    whole = predict(architecture, params, x, probabilities=probabilities)
    for rows in [
        [0],
        [7],
        [599],
        [3, 5],
        [1, 2, 3],
        range(17),
        range(255, 258),
        range(599, -1, -1),
    ]:
        rows = list(rows)
        part = predict(architecture, params, x[rows], probabilities=probabilities)
        assert np.array_equal(part, whole[rows])


@needs_compiled
@dtypes
@pytest.mark.parametrize("units", [(3, 4), (5, 7, 3), (20, 33, 2)], ids=str)
@pytest.mark.usefixtures("many_processors")
def test_threads_predict_the_same_bits(dtype, units):
    architecture, params = network(units, dtype=dtype)
    x = inputs(5 * asking.ROWS_A_THREAD + 77, units, dtype)
    alone = predict(architecture, params, x, probabilities=True, threads=1)
    assert_same(alone, HEADS["softmax"].proba(forward(architecture, params, x).score))
    for threads in 2, 3, 5:
        got = predict(architecture, params, x, probabilities=True, threads=threads)
        assert np.array_equal(got, alone)
    assert np.array_equal(predict(architecture, params, x, probabilities=True), alone)


@needs_compiled
@dtypes
@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_probabilities_of_scores_far_apart(dtype, output):
    units = (3, 5, 1 if output == "logistic" else 4)
    architecture, params = network(units, "identity", output, dtype, scale=100.0)
    x = inputs(100, units, dtype)
    score = forward(architecture, params, x).score
    assert np.abs(score).max() > 1000
    got = predict(architecture, params, x, probabilities=True)
    np.testing.assert_allclose(got, HEADS[output].proba(score), rtol=1e-2, atol=1e-30)
    assert ((got >= 0) & (got <= 1)).all()
    np.testing.assert_allclose(got.sum(axis=1), 1, rtol=4 * np.finfo(dtype).eps)


@needs_compiled
@dtypes
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("units", [(3, 4), (3, 5, 4), (3, 16, 17, 1)], ids=str)
@pytest.mark.parametrize("where", ["x", "params"])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_not_finite_is_not_hidden(dtype, bad, activation, units, where):
    output = "logistic" if units[-1] == 1 else "softmax"
    architecture, params = network(units, activation, output, dtype)
    x = inputs(9, units, dtype)
    clean = predict(architecture, params, x, probabilities=True)
    if where == "x":
        x[4, 1] = bad
    else:
        params.W[0][1, 0] = bad
    score = forward(architecture, params, x).score
    got = predict(architecture, params, x, probabilities=False)
    np.testing.assert_allclose(got, score, rtol=1e-4, atol=1e-6)
    got = predict(architecture, params, x, probabilities=True)
    with np.errstate(divide="ignore"):
        expected = np.exp(HEADS[output].log_proba(score))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    if where == "x":  # no other row notices
        others = np.arange(9) != 4
        assert np.array_equal(got[others], clean[others])


@needs_compiled
def test_inputs_of_any_layout_and_type_are_predicted():
    architecture, params = network((6, 9, 3), dtype="float32")
    x = inputs(40, (6,), "float32")
    expected = predict(architecture, params, x, probabilities=True)
    wide = np.repeat(x, 2, axis=1)
    for same in np.asfortranarray(x), wide[:, ::2], x.astype(float), x.astype(">f4"):
        assert np.array_equal(predict(architecture, params, same, probabilities=True), expected)


# -- through the estimator ---------------------------------------------------------------------


@pytest.fixture
def blobs():
    X, y = make_blobs(150, 6, centers=4, cluster_std=4, random_state=0)
    return X, y


def fitted(engine, X, y, **options):
    options = {"max_iter": 5, "random_state": 0, "batch_size": 40} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return MLPClassifier((20,), engine=engine, **options).fit(X, y)


@needs_compiled
@dtypes
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"solver": "sgd", "momentum": 0},
        {"solver": "sgd", "learning_rate": "adaptive", "nesterovs_momentum": False},
        {"early_stopping": True, "activation": "logistic"},
        {"batch_size": 150, "alpha": 0.1},
        {"shuffle": False, "activation": "tanh"},
        {"activation": "identity", "hidden_layer_sizes": ()},
    ],
    ids=str,
)
def test_fits_are_the_same(blobs, dtype, n_classes, options):
    X, y = blobs[0], blobs[1] % n_classes
    one, other = (fitted(engine, X, y, dtype=dtype) for engine in ("numpy", "compiled"))
    assert (one.engine_, other.engine_) == ("numpy", "compiled")
    # some ten updates with Adam's usual rate; see TOLERANCE
    assert_same(other.model_.params.flat, one.model_.params.flat)
    assert other.loss_curve_ == pytest.approx(one.loss_curve_, rel=TOLERANCE[dtype])
    assert other.history_.column("accuracy") == pytest.approx(one.history_.column("accuracy"))
    assert (other.n_iter_, other.t_) == (one.n_iter_, one.t_)
    assert other.validation_scores_ == one.validation_scores_


PREDICTIONS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@needs_compiled
@dtypes
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("method", PREDICTIONS)
@pytest.mark.parametrize("form", ["dense", "csr"])
def test_one_model_predicts_the_same_on_both(blobs, dtype, n_classes, method, form):
    X, y = blobs[0], blobs[1] % n_classes
    model = fitted("numpy", X, y, dtype=dtype, preprocess=None)
    rows = sparse.csr_array(X) if form == "csr" else X
    expected = getattr(model, method)(rows)
    got = getattr(model.set_params(engine="compiled"), method)(rows)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    if method == "predict":
        assert np.array_equal(got, expected)
    else:
        assert_same(got, expected)


@needs_compiled
@unconverged
def test_numbers_have_no_probabilities_in_either_engine():
    X = np.arange(20.0)[:, None]
    for engine in "numpy", "compiled":
        model = MLPRegressor(hidden_layer_sizes=(2,), engine=engine, max_iter=1)
        with pytest.raises(ValueError, match="predicts numbers; it has no labels"):
            model.fit(X, X[:, 0]).model_.predict_proba(X)


@needs_compiled
def test_asking_for_an_engine_sets_it_to_predict(blobs, monkeypatch):
    model = fitted("compiled", *blobs)
    asked = []
    real = asking.predict_together
    monkeypatch.setattr(
        asking, "predict_together", lambda *a, **k: asked.append(1) or real(*a, **k)
    )
    for engine, expected in ("compiled", 1), ("numpy", 0), ("auto", 1):
        asked.clear()
        model.set_params(engine=engine).predict_proba(blobs[0])
        assert len(asked) == expected, engine
    model = fitted("numpy", *blobs)
    for engine, expected in ("compiled", 1), ("numpy", 0), ("auto", 1):
        asked.clear()
        model.set_params(engine=engine).predict(blobs[0])
        assert len(asked) == expected, engine


@needs_compiled
@pytest.mark.parametrize("method", PREDICTIONS)
def test_parameters_changed_in_place_are_seen(blobs, method):
    X, y = blobs
    model = fitted("compiled", X, y)
    getattr(model, method)(X)
    model.coefs_[0][...] *= -1
    model.coefs_[1][...] += np.linspace(0, 1, 4)
    model.intercepts_[1][1] += 3
    got = getattr(model, method)(X)
    expected = getattr(model.set_params(engine="numpy"), method)(X)
    np.testing.assert_allclose(got, expected, rtol=1e-10)


@needs_compiled
@pytest.mark.parametrize("n_classes", [2, 4])
def test_copies_predict_the_same_bits(blobs, n_classes, tmp_path):
    X, y = blobs[0], blobs[1] % n_classes
    model = fitted("compiled", X, y)
    expected = model.predict_proba(X)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)
    assert clone(model).engine == "compiled"
    model.save(tmp_path / "model")
    loaded = MLPClassifier.load(tmp_path / "model")
    np.testing.assert_allclose(loaded.predict_proba(X), expected, rtol=1e-4, atol=1e-7)
    assert np.array_equal(loaded.predict(X), model.predict(X))
    for engine in ENGINES:
        one, other = (m.set_params(engine=engine).predict_proba(X) for m in (loaded, model))
        assert np.array_equal(one, other)


@needs_compiled
def test_the_engine_may_change_between_fits(blobs):
    X, y = blobs
    settings = {"max_iter": 3, "warm_start": True, "dtype": "float64"}
    models = []
    for sequence in ["numpy"] * 4, ["compiled"] * 4, ["numpy", "compiled", "numpy", "compiled"]:
        model = fitted(sequence[0], X, y, **settings)
        for engine in sequence[1:]:
            model.set_params(engine=engine)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X, y)
            assert model.engine_ == engine
        models.append(model)
    for model in models[1:]:
        assert len(model.loss_curve_) == 12
        assert_same(model.model_.params.flat, models[0].model_.params.flat)
        assert model.loss_curve_ == pytest.approx(models[0].loss_curve_, rel=1e-10)


@needs_compiled
@dtypes
def test_partial_fits_are_the_same(blobs, dtype):
    X, y = blobs
    models = {}
    for engine in ENGINES:
        model = MLPClassifier((20,), engine=engine, random_state=0, dtype=dtype)
        for start in range(0, 150, 30):
            part = slice(start, start + 30)
            model.partial_fit(X[part], y[part], classes=[0, 1, 2, 3])
        assert model.engine_ == engine
        models[engine] = model.model_.params.flat
    assert_same(models["compiled"], models["numpy"])


@needs_compiled
def test_sample_weights_are_the_same(blobs):
    X, y = blobs
    weight = np.random.default_rng(0).uniform(0, 2, len(y))
    weight[:20] = 0
    flats = []
    for engine in ENGINES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = MLPClassifier((20,), engine=engine, max_iter=5, random_state=0)
            flats.append(model.fit(X, y, sample_weight=weight).model_.params.flat)
    assert_same(flats[1], flats[0])


@needs_compiled
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix])
def test_sparse_rows_fall_back_to_the_reference(blobs, kind):
    X, y = blobs
    X = kind(np.where(X > 0, X, 0))
    model = fitted("compiled", X, y, preprocess=None)
    assert model.engine_ == "numpy"
    assert "sparse" in model.engine_reason_
    expected = fitted("numpy", X, y, preprocess=None)
    assert np.array_equal(model.model_.params.flat, expected.model_.params.flat)
    assert_same(model.predict_proba(X), expected.predict_proba(X))


@needs_compiled
def test_lbfgs_runs_on_the_reference_and_says_so(blobs):
    model = fitted("compiled", *blobs, solver="lbfgs")
    assert model.engine_ == "numpy"
    assert "lbfgs" in model.engine_reason_
    expected = fitted("numpy", *blobs, solver="lbfgs")
    assert np.array_equal(model.model_.params.flat, expected.model_.params.flat)


@needs_compiled
@pytest.mark.parametrize("kind", [">f4", ">f8", "i2", "i8", "bool"])
def test_matrices_of_every_number_type(blobs, kind):
    X = (blobs[0] > 0 if kind == "bool" else blobs[0] * 4).astype(kind)
    one, other = (fitted(engine, X, blobs[1], dtype="float64") for engine in ENGINES)
    assert_same(other.predict_proba(X), one.predict_proba(X))


# -- other processes ---------------------------------------------------------------------------

FORKED = """
import multiprocessing, sys, warnings
import numpy as np
from handgrad import MLPClassifier
from handgrad.engines import processors
from handgrad.engines.compiled import backend, threads

warnings.simplefilter("ignore")
threads._most_threads = backend.threads_given = processors.threads_given = lambda: 2
rng = np.random.default_rng(0)
X, y = rng.normal(size=(2000, 60)), rng.integers(0, 3, 2000)

def fit(_=None):
    model = MLPClassifier((100,), engine="compiled", batch_size=500, max_iter=3, random_state=0)
    model.fit(X, y)
    return model.model_.params.flat, model.predict_proba(np.tile(X, (5, 1)))

if __name__ == "__main__":
    alone = fit()
    context = multiprocessing.get_context("fork")
    for _ in range(2):
        with context.Pool(2) as pool:
            for got in pool.map(fit, range(4)):
                assert all(map(np.array_equal, got, alone))
        assert all(map(np.array_equal, fit(), alone))
    print("done")
"""


@needs_compiled
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_has_threads_of_its_own(tmp_path):
    (tmp_path / "forked.py").write_text(FORKED)
    run = subprocess.run(
        [sys.executable, tmp_path / "forked.py"], capture_output=True, text=True, timeout=120
    )
    assert run.stdout == "done\n", run.stderr


@needs_compiled
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_counts_only_its_own_threads(monkeypatch):
    monkeypatch.setitem(engine_threads._in_use, "a fit of the parent", 5)
    child = os.fork()
    if child == 0:
        os._exit(len(engine_threads._in_use))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@needs_compiled
@pytest.mark.filterwarnings("ignore")
def test_a_grid_search_in_several_processes(blobs):
    X, y = blobs
    model = MLPClassifier((20,), engine="compiled", max_iter=3, random_state=0)
    grid = {"alpha": [0.0, 0.1]}
    one, two = (GridSearchCV(model, grid, cv=2, n_jobs=jobs).fit(X, y) for jobs in (1, 2))
    scores = "mean_test_score"
    assert np.array_equal(one.cv_results_[scores], two.cv_results_[scores])
    assert np.array_equal(one.predict_proba(X), two.predict_proba(X))
