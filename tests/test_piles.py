"""Rows on the disk train as rows in memory: the same bits in one pile, each row once in many."""

from dataclasses import replace

import numpy as np
import pytest

from common import ENGINES, OPTIMIZERS
from handgrad.batch import Rows
from handgrad.engines import spool
from handgrad.engines.choice import BACKENDS
from handgrad.engines.piled import Piled
from handgrad.engines.seam import Measured
from handgrad.engines.spool import FEWEST_GROUPS, PileOrder, Piles, Stored
from handgrad.errors import DivergenceError
from handgrad.network import Architecture
from handgrad.optim import Adam, Steps
from handgrad.params import initialise
from handgrad.training.run import Run, Settings
from handgrad.training.train import measure, train

N, N_X, K = 1003, 7, 3


def rows_of(rng, dtype=np.float64, weighted=True, n=N):
    x = rng.normal(size=(n, N_X)).astype(dtype)
    y_t = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.intp) + (x[:, 3] > 1)
    return Rows(x, y_t, rng.random(n).astype(dtype) if weighted else None)


@pytest.fixture
def spooled():
    made = []

    def make(rows, pile_bytes):
        stored = [Stored(a.shape[1:], a.dtype) for a in rows if a is not None]
        made.extend(stored)
        for start in range(0, len(rows), 300):
            for one, array in zip(stored, rows, strict=False):
                one.add(array[start : start + 300])
        return Piles(stored[0], stored[1], stored[2] if len(stored) > 2 else None, pile_bytes)

    yield make
    for one in made:
        one.close()


def trained(rows, engine, settings, epochs=3, architecture=None, seed=3):
    architecture = architecture or Architecture((N_X, 8, 5, K))
    x = rows.part(0, 1).x
    bits = np.random.PCG64(seed)
    params = initialise(architecture.layer_units, architecture.activations, bits, x.dtype, "auto")
    run = Run.start(params, bits)
    make = BACKENDS[engine].make
    history = train(architecture, run, settings, rows, epochs=epochs, make_engine=make)
    return run, [(one.loss, one.accuracy, one.gradient_norm) for one in history]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_pile_trains_as_memory_to_the_bit(rng, engine, rule, dtype, spooled):
    rows = rows_of(rng, dtype, weighted=rule != "sgd")
    piles = spooled(rows, 1 << 20)
    assert piles.n_piles == 1
    for size, shuffle, dropout in ((64, True, 0.0), (64, False, 0.3), (N, True, 0.0)):
        settings = Settings(
            optimizer=OPTIMIZERS[rule], batch_size=size, shuffle=shuffle, dropout=dropout
        )
        ours, theirs = (trained(some, engine, settings) for some in (piles, rows))
        assert ours[1] == theirs[1]
        for part in ("params", "slots"):
            one, other = getattr(ours[0], part), getattr(theirs[0], part)
            one, other = (getattr(each, "flat", each) for each in (one, other))
            assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
        assert ours[0].bits.state == theirs[0].bits.state


class Recording:
    """An engine that notes which rows came, and in which batches."""

    uses_blas = False
    seen: list

    def __init__(self, architecture, rows, steps):
        self.rows, self.steps = rows, steps

    def run_epoch(self, params, slots, updates, rates, order):
        every = np.arange(len(self.rows)) if order is None else order
        assert np.array_equal(np.sort(every), np.arange(len(self.rows)))
        size = self.steps.batch_size
        batches = [every[at : at + size] for at in range(0, len(every), size)]
        assert len(rates) == len(batches)
        for number, (batch, rate) in enumerate(zip(batches, rates, strict=True)):
            taken = self.rows.take(batch)
            assert np.array_equal(taken.x[:, 0], taken.y_t)  # rows are moved whole
            assert taken.weight is None or np.array_equal(taken.weight, taken.y_t)
            Recording.seen.append((updates + number, rate, taken.y_t.tolist()))
        return Measured(1.0, 0.5, 2.0)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("size", [1, 7, 64, 500, 1003, 5000])
@pytest.mark.parametrize("pile_rows", [40, 128, 333, 1002])
def test_an_epoch_visits_each_row_once_in_full_batches(size, pile_rows, weighted, spooled):
    number = np.arange(N, dtype=np.intp)
    rows = Rows(number[:, None].astype(np.float64), number, number * 1.0 if weighted else None)
    piles = spooled(rows, 1 << 20)
    piles = replace(piles, pile_bytes=pile_rows * piles.row_bytes)
    assert piles.n_piles > 1
    assert piles.most_rows <= pile_rows + piles.group_rows
    assert piles.group_rows * FEWEST_GROUPS <= max(pile_rows, FEWEST_GROUPS)
    engine = Piled(Recording, None, piles, Steps(Adam(), batch_size=size))
    n_batches = -(-N // size)
    rates = np.linspace(1, 2, n_batches)
    bits, orders = np.random.PCG64(1), []
    for shuffles in (True, True, False):
        order = piles.order(bits) if shuffles else None
        assert order is None or isinstance(order, PileOrder)
        Recording.seen = []
        assert engine.run_epoch(None, None, 10, rates, order) == Measured(1.0, 0.5, 2.0)
        assert [t for t, _, _ in Recording.seen] == list(range(10, 10 + n_batches))
        assert [rate for _, rate, _ in Recording.seen] == rates.tolist()
        sizes = [len(batch) for _, _, batch in Recording.seen]
        assert sizes == [size] * (N // size) + ([N % size] if N % size else [])
        orders.append([row for _, _, batch in Recording.seen for row in batch])
        assert sorted(orders[-1]) == number.tolist()
    assert orders[0] != orders[1]
    assert orders[2] == number.tolist()


def test_a_sorted_file_is_learnt_as_well_as_a_shuffled_one(rng, spooled, monkeypatch):
    monkeypatch.setattr(spool, "GROUP_BYTES", 1 << 10)  # of a far longer file they are as many
    rows, test = rows_of(rng, n=6000, weighted=False), rows_of(rng, n=4000, weighted=False)
    in_order = rows.take(np.argsort(rows.y_t, kind="stable"))
    settings = Settings(optimizer=Adam(), batch_size=32)
    architecture = Architecture((N_X, 32, K))
    right = {}
    for name, some in {"memory": rows, "piles": spooled(in_order, 6000 * 104 // 5)}.items():
        run, _ = trained(some, "numpy", settings, 8, architecture)
        engine = BACKENDS["numpy"].make(architecture, test, Steps(Adam()))
        right[name] = measure(architecture, engine, run.params, test)[1]
    assert right["piles"] >= 0.99 * right["memory"] > 0.85


@pytest.mark.parametrize("engine", ENGINES)
def test_many_piles_weigh_what_they_measure_by_their_rows(rng, engine, spooled):
    rows = rows_of(rng)
    settings = Settings(optimizer=OPTIMIZERS["sgd"], learning_rate_init=1e-12, batch_size=50)
    (_, [(loss, right, _)]) = trained(rows, engine, settings, 1)
    piles = spooled(rows, N * 100 // 4)
    assert piles.n_piles > 2
    (_, [(in_piles, right_in_piles, _)]) = trained(piles, engine, settings, 1)
    assert in_piles == pytest.approx(loss, rel=1e-9)
    assert right_in_piles == pytest.approx(right, rel=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_divergence_in_a_later_pile_is_told_as_in_memory(rng, engine, spooled):
    rows = rows_of(rng)
    rows.x[N - 3, 2] = np.nan
    settings = Settings(optimizer=Adam(), batch_size=50, shuffle=False)
    told = []
    for some in (rows, spooled(rows, N * 100 // 4)):
        with pytest.raises(DivergenceError) as error:
            trained(some, engine, settings, 1)
        told.append((error.value.epoch, error.value.batch, error.value.layer))
    assert told[0] == told[1] == (1, 21, 0)


def test_rows_of_a_sample_are_spread_over_the_file(rng, spooled):
    piles = spooled(rows_of(rng), 20_000)
    assert piles.n_piles > 1
    assert len(piles.sample(5)) == 5
    assert np.array_equal(piles.sample(2).x, piles.take(np.array([0, N - 1])).x)
    assert np.array_equal(piles.sample(10 * N).x, piles.part(0, N).x)
    assert len(piles.take(np.arange(0))) == 0
