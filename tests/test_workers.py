"""Workers: one training shared among processes, with the bits of one that does all the work."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp

from common import ENGINES
from handgrad import MLPClassifier, MLPRegressor
from handgrad.batch import Rows
from handgrad.cli import main
from handgrad.engines.choice import BACKENDS
from handgrad.engines.sharded import Sharded
from handgrad.errors import DivergenceError, WorkersWarning
from handgrad.losses import LossSettings
from handgrad.network import Architecture, backward, forward
from handgrad.optim import SGD, Adam, AdamW, Steps
from handgrad.outputs import OUTPUTS
from handgrad.params import initialise
from handgrad.skip import Levels, Linear, Pieces
from handgrad.workers import launch
from handgrad.workers.collective import Collective
from handgrad.workers.crew import Crew, alone
from handgrad.workers.dealing import Dealt, cuts, shard_of
from handgrad.workers.mpi import MPIComm
from handgrad.workers.seam import SHARDS, Alone, leaves, tree
from together import Meeting, Ranked, at_once

pytestmark = [
    pytest.mark.filterwarnings("ignore::handgrad.errors.WorkersWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

RNG = np.random.default_rng(5)
X = RNG.normal(size=(203, 5))
Y = np.where(X[:, 0] * X[:, 1] > 0.2, "yes", np.where(X[:, 2] > 0.5, "perhaps", "no"))
WEIGHT = RNG.uniform(0.5, 2.0, len(X))


@pytest.fixture(autouse=True)
def _hook(monkeypatch):
    """Put Python's hook for errors back, which workers replace; and be no launcher's process."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    for name in launch.VARIABLES:
        monkeypatch.delenv(name, raising=False)


def digest(estimator):
    """Take the bits of all networks, and of all that was recorded but the seconds."""
    record = [
        {name: value for name, value in row.items() if name != "seconds"}
        for history in estimator.histories_
        for row in history.rows()
    ]
    flat = b"".join(params.flat.tobytes() for params in estimator.model_.networks)
    return hashlib.sha256(flat + repr(record).encode()).hexdigest()


def a_fit(comm, kind=MLPClassifier, y=Y, X=X, weight=None, **settings):
    given = {"batch_size": 60, "max_iter": 3, "random_state": 1, **settings}
    estimator = kind(hidden_layer_sizes=(6, 4), comm=comm, **given)
    return estimator.fit(X, y, sample_weight=weight)


def check_same(sizes=(2, 4, 8), **settings):
    expected = digest(a_fit(Alone(), **settings))
    for k in sizes:
        found = {digest(one) for one in at_once(k, lambda comm: a_fit(comm, **settings))}
        assert found == {expected}, k


# -- how rows are dealt ---------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 8, 9, 100, 203])
@pytest.mark.parametrize("batch_size", [1, 3, 8, 60, 203])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 11, 24])
def test_every_row_comes_once_in_an_epoch_and_in_batches_as_without_workers(n, batch_size, size):
    batch_size, n_leaves = min(batch_size, n), max(SHARDS, size)
    dealt, cut = Dealt(n, 12), cuts(n, batch_size, n_leaves)
    owned = [leaf for rank in range(size) for leaf in leaves(rank, size)]
    assert owned == list(range(n_leaves))
    seen = []
    for batch, start in enumerate(range(0, n, batch_size)):
        parts = []
        for leaf in owned:
            first, n_rows = cut.first[batch, leaf], cut.n[batch, leaf]
            assert cut.before[batch, leaf] == sum(map(len, parts))
            parts.append(dealt.shard(shard_of(leaf, n_leaves))[first : first + n_rows])
        rows = np.concatenate(parts)
        np.testing.assert_array_equal(rows, dealt[start : start + batch_size])
        assert len(rows) == min(batch_size, n - start)
        in_shards = np.bincount(rows % SHARDS, minlength=SHARDS)
        assert in_shards.max() - in_shards.min() <= 1
        seen += rows.tolist()
    assert sorted(seen) == list(range(n))


def test_each_epoch_and_each_shard_has_an_order_of_its_own():
    orders = {(seed, shard): Dealt(400, seed).shard(shard) for seed in (1, 2) for shard in (0, 5)}
    assert len({(order // SHARDS).tobytes() for order in orders.values()}) == 4
    np.testing.assert_array_equal(Dealt(20).shard(3), [3, 11, 19])


def test_the_first_place_of_a_row_is_where_its_batch_has_it():
    dealt = Dealt(50, 3)
    for row in (0, 17, 49):
        place = dealt.first_place(np.array([row]))
        assert row in dealt[place : place + 1]


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 7, 8, 12, 16])
def test_a_sum_is_that_of_one_tree_whoever_adds_up_which_part_of_it(k):
    parts = RNG.normal(size=(max(SHARDS, k), 300)).astype(np.float32) * 10 ** RNG.uniform(
        -6, 6, 300
    )
    parts = parts.astype(np.float32)
    expected = tree(parts)
    np.testing.assert_allclose(expected, parts.astype(float).sum(axis=0), rtol=1e-4, atol=1e-2)

    def summed(comm):
        own = leaves(comm.Get_rank(), k)
        return MPIComm(comm).tree_sum(parts[own.start : own.stop])

    for total in at_once(k, summed):
        np.testing.assert_array_equal(total, expected)


def test_a_plain_sum_would_depend_on_the_number_of_workers():
    parts = RNG.normal(size=(SHARDS, 4000)).astype(np.float32)
    in_turn = parts[0]
    for one in parts[1:]:
        in_turn = in_turn + one
    assert not np.array_equal(tree(parts), in_turn)


# -- the halves of a step -------------------------------------------------------------------------

NESTEROV = SGD(momentum=0.9, nesterov=True)
SKIP = Linear(), Levels(5), Pieces(3)
CASES = {
    "adam": {},
    "dropout, penalty, clipped": {"dropout": (0.1, 0.3), "l2": 0.1, "clip_norm": 0.05},
    "adamw": {"rule": AdamW(weight_decay=0.1), "activations": ("tanh", "gelu")},
    "sgd": {"rule": SGD(), "l2": 0.01, "activations": ("silu", "softplus")},
    "nesterov, one hidden layer": {"rule": NESTEROV, "units": (5, 9, 3), "activations": "elu"},
    "no hidden layer": {"units": (5, 3), "activations": ()},
    "smoothed": {"loss": LossSettings(label_smoothing=0.2)},
    "two classes": {"units": (5, 7, 6, 1), "output": "logistic"},
    "numbers": {"units": (5, 7, 6, 2), "output": "identity"},
    "quantiles": {
        "units": (5, 7, 6, 2),
        "output": "quantile",
        "loss": LossSettings(quantiles=(0.1, 0.9)),
    },
    "skip and scale": {"skip": SKIP, "scales": True, "l2": 0.05, "dropout": (0.2, 0.0)},
    "scale, no hidden layer": {"units": (5, 3), "activations": (), "scales": True, "l2": 0.05},
    "skip of one score": {"units": (5, 7, 6, 1), "output": "logistic", "skip": SKIP},
    "rates of each": {"factors": (0.5, 0.1, 1.0, 0.2, 2.0, 0.3)},
}


def a_case(
    dtype,
    *,
    rule=None,
    units=(5, 7, 6, 3),
    activations="relu",
    output="softmax",
    loss=None,
    skip=(),
    scales=False,
    dropout=(),
    **steps,
):
    settings = {} if loss is None else {"loss": loss}
    architecture = Architecture(units, activations, output, skip=skip, scales=scales, **settings)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(203, units[0] + len(skip))).astype(dtype)
    if skip:
        x[:, 6] = rng.integers(0, 5, len(x))
    head = OUTPUTS[output]
    if head.takes_classes:
        y_t = rng.integers(0, units[-1], len(x))
    elif head.classifies:
        y_t = rng.integers(0, 2, (len(x), 1)).astype(dtype)
    else:
        n_targets = architecture.n_targets
        y_t = rng.normal(size=(len(x), n_targets)).astype(dtype)
    weight = rng.uniform(0.5, 2, len(x)).astype(dtype)
    params = initialise(
        units, architecture.activations, np.random.PCG64(3), dtype, beside=architecture.beside
    )
    made = Steps(rule or Adam(), batch_size=60, dropout=dropout, seed=4, **steps)
    return architecture, Rows(x, y_t, weight), made, params


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_steps_in_halves_are_those_of_the_whole_engine_on_the_same_batches(engine, dtype, name):
    architecture, rows, steps, params = a_case(np.dtype(dtype), **CASES[name])
    backend, dealt = BACKENDS[engine], Dealt(len(rows), 9)
    batches = [dealt[start : start + 60] for start in range(0, len(rows), 60)]
    shared = Sharded(architecture, rows, steps, make=backend.make_stepping, crew=alone())
    found = []
    for one, order in (
        (backend.make(architecture, rows, steps), np.concatenate(batches)),
        (shared, dealt),
    ):
        now, slots = params.copy(), np.zeros((steps.optimizer.n_slots, params.flat.size), dtype)
        told = [one.run_epoch(now, slots, 4 * epoch, 0.01, order) for epoch in range(2)]
        found.append((now.flat, slots, np.array(told)))
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    for whole, halves in zip(*found, strict=True):
        np.testing.assert_allclose(halves, whole, rtol=tolerance, atol=tolerance)
    assert not np.array_equal(found[0][0], params.flat)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_gradients_of_all_parts_add_up_to_that_of_the_batch(engine):
    architecture, rows, steps, params = a_case(np.dtype(float), skip=SKIP, scales=True)
    expected = backward(
        architecture, params, forward(architecture, params, rows.x), rows.y_t, rows.weight
    )
    stepping = BACKENDS[engine].make_stepping(architecture, rows, replace(steps, batch_size=100))
    slots, nothing = np.zeros((2, params.flat.size)), np.zeros(0, np.uint64)
    stepping.begin(params.copy(), slots, np.zeros(1), np.arange(len(rows))[::-1].copy())
    parts = np.zeros((3, params.flat.size))
    for part, (first, n) in zip(parts, ((0, 100), (100, 3), (103, 100)), strict=True):
        stepping.gradient(first, n, len(rows), nothing, part)
    np.testing.assert_allclose(parts.sum(axis=0), expected.flat, rtol=1e-11, atol=1e-13)


# -- the same bits, however many share the work ---------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("dtype", "early", "weighs", "dropout"),
    list(product(["float32", "float64"], [False, True], [False, True], [0.0, 0.2])),
)
def test_1_2_4_and_8_workers_give_the_same_bits(engine, dtype, early, weighs, dropout):
    check_same(
        engine=engine,
        dtype=dtype,
        early_stopping=early,
        dropout=dropout,
        weight=WEIGHT if weighs else None,
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": MLPRegressor, "y": X[:, :2] ** 2, "solver": "sgd", "learning_rate": "adaptive"},
        {"kind": MLPRegressor, "y": X[:, 0], "loss": "huber", "early_stopping": True},
        {"n_ensemble": 2, "early_stopping": True, "scoring": "balanced_accuracy"},
        {"X": sp.csr_array(np.where(X > 0, X, 0)), "preprocess": None},
        {"shuffle": False, "clip_norm": 0.1, "solver": "adamw"},
        {"batch_size": 183, "calibration": "temperature", "label_smoothing": 0.1},
        {"preprocess": "piecewise", "skip": True, "input_scale": True, "rates": "fan_in"},
        {"class_weight": "balanced", "learning_rate": "cosine", "batch_size": 7},
    ],
    ids=lambda settings: " ".join(settings),
)
def test_so_they_do_whatever_is_trained(settings):
    check_same(sizes=(2, 3), **settings)


def test_more_workers_than_parts_of_a_batch_agree_to_rounding():
    one = a_fit(Alone(), dtype="float64")
    many = at_once(11, lambda comm: a_fit(comm, dtype="float64"))
    assert len({digest(each) for each in many}) == 1
    np.testing.assert_allclose(many[0].loss_curve_, one.loss_curve_, rtol=1e-12)


def test_a_fit_without_workers_is_another_one_and_learns_as_much():
    settings = {"max_iter": 60, "learning_rate_init": 0.01, "solver": "adam"}
    plain, shared = a_fit(None, **settings), a_fit(Alone(), **settings)
    assert digest(plain) != digest(shared)
    assert abs(plain.loss_ - shared.loss_) < 0.1 < np.log(3) - plain.loss_


def test_partial_fit_and_warm_start_go_on_together():
    def go_on(comm):
        estimator = MLPClassifier((6,), random_state=1, batch_size=60, comm=comm)
        estimator.partial_fit(X, Y, classes=np.unique(Y)).partial_fit(X, Y)
        estimator.set_params(warm_start=True, max_iter=2).fit(X, Y)
        return digest(estimator)

    assert set(at_once(2, go_on)) == {go_on(Alone())}


# -- the first decides ----------------------------------------------------------------------------


def test_without_a_seed_all_draw_that_of_the_first():
    assert (
        len({digest(one) for one in at_once(3, lambda comm: a_fit(comm, random_state=None))}) == 1
    )


def test_without_a_seed_a_loaded_model_goes_on_with_that_of_the_first():
    model = a_fit(None).model_

    def go_on(comm):
        settings = {"warm_start": True, "max_iter": 2, "batch_size": 60, "random_state": None}
        estimator = MLPClassifier.from_model(model).set_params(comm=comm, **settings)
        estimator.fit(X, Y)
        return estimator._fit_.runs[0].bits.state["state"]["state"]

    assert len(set(at_once(2, go_on))) == 1


@pytest.mark.parametrize(("who", "epochs"), [(0, 2), (1, 5)])
def test_the_answer_of_the_first_workers_callback_counts(who, epochs):
    def stopping(comm):
        asked = comm.Get_rank() == who
        return a_fit(comm, max_iter=5, on_epoch=lambda epoch: asked and epoch.epoch == 2).n_iter_

    assert at_once(3, stopping) == [epochs] * 3


def test_a_signal_to_one_of_them_interrupts_all_in_the_same_step():
    def interrupted(comm):
        crew = Crew(MPIComm(comm))
        architecture, rows, steps, params = a_case(np.dtype(float))
        engine = Sharded(architecture, rows, steps, make=BACKENDS["numpy"].make_stepping, crew=crew)
        crew.heard = signal.SIGTERM if comm.Get_rank() == 1 else 0
        with pytest.raises(KeyboardInterrupt):
            engine.run_epoch(params, np.zeros((2, params.flat.size)), 0, 0.01, None)
        with pytest.raises(KeyboardInterrupt):
            crew.told("news")
        return crew.agreed

    assert at_once(3, interrupted) == [True] * 3


def test_a_signal_in_training_waits_for_the_step_and_leaves_the_last_epoch():
    seen = []

    def stop(epoch):
        seen.append(epoch)
        if epoch.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    estimator = MLPClassifier((4,), max_iter=9, on_epoch=stop, comm=Alone(), random_state=0)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    assert estimator.n_iter_ == len(seen) == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("k", [2, 4])
def test_all_diverge_in_the_same_words(k):
    settings = {"solver": "sgd", "learning_rate_init": 1e200, "max_iter": 9}
    told = []

    def diverged(comm):
        with pytest.raises(DivergenceError) as error:
            a_fit(comm, **settings)
        told.append(str(error.value))

    diverged(Alone())
    at_once(k, diverged)
    assert len(set(told)) == 1
    assert len(told) == k + 1


@pytest.mark.parametrize("engine", ENGINES)
def test_an_input_that_is_not_finite_is_told_of_in_its_batch(engine):
    architecture, rows, steps, params = a_case(np.dtype(np.float32))
    rows.x[77, 1] = np.inf
    dealt = Dealt(len(rows), 9)
    make = BACKENDS[engine].make_stepping
    shared = Sharded(architecture, rows, steps, make=make, crew=alone())
    with pytest.raises(ArithmeticError, match="an input was not finite") as error:
        shared.run_epoch(params, np.zeros((2, params.flat.size), np.float32), 0, 0.01, dealt)
    start = 60 * (error.value.batch - 1)
    assert 77 in dealt[start : start + 60]


# -- going on with another number -----------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 1), (1, 2)])
def test_a_broken_off_fit_goes_on_with_another_number_of_workers(engine, before, after, tmp_path):
    settings = {
        "engine": engine,
        "max_iter": 6,
        "early_stopping": True,
        "dropout": 0.1,
        "n_ensemble": 2,
        "checkpoint": tmp_path / "kept",
        "checkpoint_every": 1,
    }

    def break_off(epoch):
        if epoch.epoch == 4:
            raise OSError("the machine goes down")

    with pytest.raises(OSError, match="goes down"):
        at_once(before, lambda comm: a_fit(comm, on_epoch=break_off, **settings))
    with pytest.raises(ValueError, match="broken off"):
        at_once(after, lambda comm: a_fit(comm, **settings))
    gone_on = at_once(after, lambda comm: a_fit(comm, resume=True, **settings))
    whole = a_fit(Alone(), **settings | {"checkpoint": None})
    assert {digest(one) for one in gone_on} == {digest(whole)}


def test_a_plain_fit_does_not_go_on_with_workers(tmp_path):
    settings = {"checkpoint": tmp_path, "max_iter": 2}
    a_fit(None, **settings)
    with pytest.raises(ValueError, match="the parts of a batch was not set and is 8"):
        a_fit(Alone(), resume=True, **settings)


# -- another communicator -------------------------------------------------------------------------


class OfThreads:
    """What ``Collective`` uses of xgboost's module, for threads in place of processes."""

    Op = SimpleNamespace(SUM="sum")

    def __init__(self):
        self.here = threading.local()

    def get_rank(self):
        return self.here.comm.rank

    def get_world_size(self):
        return self.here.comm.meeting.k

    def allreduce(self, data, op):
        assert (data.ndim, op) == (1, self.Op.SUM)
        return np.sum(self.here.comm.allgather(data)[::-1], axis=0)  # an order of its own

    def broadcast(self, data, root):
        return self.here.comm.allgather(data)[root]


@pytest.mark.parametrize("k", [2, 3])
def test_a_collective_that_adds_up_in_its_own_order_gives_the_same_bits(k, monkeypatch):
    module = OfThreads()
    monkeypatch.setitem(sys.modules, "xgboost", SimpleNamespace(collective=module))
    expected = digest(a_fit(Alone(), dropout=0.1, early_stopping=True, dtype="float32"))

    def shared(comm):
        module.here.comm = comm
        settings = {"dropout": 0.1, "early_stopping": True, "dtype": "float32"}
        return digest(a_fit(Collective(), **settings))

    assert set(at_once(k, shared)) == {expected}


OF_XGBOOST = """
import json, sys
sys.path.insert(0, {tests!r})
import test_workers
from handgrad.workers.collective import Collective
from xgboost.collective import CommunicatorContext

with CommunicatorContext(**json.loads(sys.argv[1])):
    print(test_workers.digest(test_workers.a_fit(Collective(), dropout=0.1, early_stopping=True)))
"""


def test_the_collective_of_xgboost_gives_the_same_bits():
    tracker = pytest.importorskip("xgboost.tracker").RabitTracker(n_workers=2, host_ip="127.0.0.1")
    tracker.start()
    program = OF_XGBOOST.format(tests=str(Path(__file__).parent))
    line = [sys.executable, "-W", "ignore", "-c", program, json.dumps(tracker.worker_args())]
    jobs = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [job.communicate(timeout=120)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0]
    expected = digest(a_fit(Alone(), dropout=0.1, early_stopping=True))
    assert all(expected in one for one in said)


# -- what is refused ------------------------------------------------------------------------------


def test_workers_refuse_lbfgs_and_what_is_no_communicator():
    with pytest.raises(ValueError, match="solver 'lbfgs' is one call of SciPy's"):
        a_fit(Alone(), solver="lbfgs")
    with pytest.raises(TypeError, match="comm must be a communicator of mpi4py"):
        a_fit(4)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"X": X + 1e-9}, "the rows"), ({"alpha": 0.5}, r"alpha \(0.5, not 0.0001\)")],
)
def test_workers_with_other_data_or_settings_are_refused_by_all(change, words):
    def differing(comm):
        other = change if comm.Get_rank() == 1 else {}
        with pytest.raises(ValueError, match=f"worker 1 differs from worker 0 in .*{words}"):
            a_fit(comm, preprocess=None, **other)

    at_once(2, differing)


@pytest.mark.parametrize("name", launch.VARIABLES)
def test_a_launcher_of_another_mpi_is_refused_by_name(name, monkeypatch):
    pytest.importorskip("mpi4py")
    monkeypatch.setenv(name, "4")
    words = f"{launch.VARIABLES[name]} started 4 processes, and mpi4py's .* sees 1"
    with pytest.raises(ValueError, match=words):
        a_fit(Ranked(Meeting(1), 0))


def test_a_single_task_of_slurm_is_a_plain_start(monkeypatch):
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    assert launch.launched() is None
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "1")
    assert launch.launched() == ("Open MPI's mpiexec", 1)


def test_small_batches_are_warned_of():
    with pytest.warns(WorkersWarning, match="a batch of 60 rows is too small to divide among 2"):
        at_once(2, a_fit)


# -- on the command line --------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rows.parquet"
    columns = {f"c{number}": column for number, column in enumerate(X.T)}
    pq.write_table(pa.table(columns | {"y": Y}), path)
    return str(path)


def ran(*arguments, **settings):
    line = [sys.executable, "-m", "handgrad", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False, **settings)


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (["--workers", "2", "--recipe", "strong"], {}, "--workers is for --recipe plain"),
        (["--recipe", "strong"], {"PMI_SIZE": "3"}, "trains one network in several processes"),
        (["--workers", "2"], {"PMI_SIZE": "3"}, "--workers 2 differs from the 3 processes"),
        (["--workers", "0"], {}, "0 is not in the range"),
    ],
)
def test_the_command_line_refuses_what_workers_cannot_do(
    table, arguments, variables, words, monkeypatch, capsys
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Exception, match=words):
        main(["fit", table, "--target", "y", *arguments], standalone_mode=False)


def test_workers_cannot_share_the_standard_input(monkeypatch):
    with pytest.raises(Exception, match="can be read but once"):
        main(["fit", "-", "--target", "y", "--workers", "2"], standalone_mode=False)


def test_workers_cannot_share_a_table_larger_than_memory(table, monkeypatch):
    monkeypatch.setattr("handgrad.cli.fit.source_beyond_memory", lambda *_: object())
    with pytest.raises(Exception, match="does not fit into --memory"):
        main(["fit", table, "--target", "y", "--workers", "1"], standalone_mode=False)


needs_mpi = pytest.mark.skipif(
    find_spec("mpi4py") is None or launch.mpiexec() is None, reason="takes mpi4py and mpiexec"
)
SETTINGS = ["--target", "y", "--batch-size", "60", "--hidden", "6", "--validation", "0.2"]


@needs_mpi
def test_two_processes_write_the_file_that_one_writes_and_say_the_same(table, tmp_path, capfd):
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    asked = ["fit", table, *SETTINGS, "--epochs", "5", "--json", "--model"]
    main([*asked, str(one), "--workers", "1"], standalone_mode=False)
    expected = capfd.readouterr().out
    done = ran(*asked, two, "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert "a batch of 60 rows is too small" in done.stderr
    assert two.read_bytes() == one.read_bytes()
    plain = tmp_path / "plain.safetensors"
    main([*asked, str(plain)], standalone_mode=False)
    assert plain.read_bytes() != one.read_bytes()  # whose sums have another order
    assert json.loads(done.stdout)["evaluation"] == json.loads(expected)["evaluation"]


@needs_mpi
def test_a_killed_worker_ends_the_job_and_the_same_command_goes_on(table, tmp_path):
    folder, path = tmp_path / "kept", tmp_path / "model.safetensors"
    asked = ["fit", table, *SETTINGS, "--epochs", "600", "--patience", "600", "--model", str(path)]
    kept = ["--checkpoint", str(folder), "--checkpoint-every", "5"]
    line = [sys.executable, "-m", "handgrad", *asked, *kept, "--workers", "2"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as job:
        while not (folder.is_dir() and any(folder.glob("checkpoint-*"))):
            assert job.poll() is None
            time.sleep(0.05)
        os.kill(_a_worker_of(job.pid), signal.SIGKILL)
        said = job.communicate(timeout=60)[1]
    assert job.returncode == 128 + signal.SIGKILL
    assert "a worker was killed" in said
    assert not path.exists()
    main([*asked, *kept, "--workers", "1", "--resume"], standalone_mode=False)
    gone_on = path.read_bytes()
    main([*asked, "--workers", "1"], standalone_mode=False)
    assert path.read_bytes() == gone_on


def _a_worker_of(pid):
    """Find the last process that the launcher of a job has started."""
    return _children(_children(pid)[-1])[-1]


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return list(map(int, file.read().split()))
