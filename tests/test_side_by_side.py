"""Networks side by side are those that train in turn: to the bit, and for whoever watches them."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn import config_context, get_config
from sklearn.base import clone

from common import needs_compiled
from handgrad import DivergenceError, MLPClassifier, MLPRegressor
from handgrad.batch import Rows
from handgrad.engines import numpy as reference
from handgrad.engines.compiled import backend, engine
from handgrad.engines.compiled import threads as engine_threads
from handgrad.estimators import watching
from handgrad.network import Architecture
from handgrad.params import Params
from handgrad.training import ahead
from handgrad.training.ahead import side_by_side
from handgrad.training.history import History
from handgrad.training.run import Run

pytestmark = [
    needs_compiled,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture
def threads(monkeypatch):
    """Give what says how many threads there are, for networks of any size."""

    def there_are(n):
        monkeypatch.setattr(backend, "threads_given", lambda: n)
        monkeypatch.setattr(backend, "free_threads", lambda: n)
        monkeypatch.setattr(engine_threads, "_most_threads", lambda: 8)

    monkeypatch.setattr(backend, "FLOPS_BESIDE", 0)
    monkeypatch.setattr(backend, "FLOPS_A_LANE", 0)
    there_are(1)
    return there_are


class Trainers(set):
    """The threads that train; a training waits until there are so many."""

    least = 1


@pytest.fixture
def trainers(monkeypatch):
    """Collect the threads that train."""
    seen, run_epoch = Trainers(), engine.Compiled.run_epoch

    def watched(self, *rest):
        seen.add(threading.get_ident())
        while len(seen) < seen.least:
            time.sleep(0.001)
        return run_epoch(self, *rest)

    monkeypatch.setattr(engine.Compiled, "run_epoch", watched)
    return seen


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4))
    return X, (X[:, 0] + 0.5 * rng.normal(size=90) > 0).astype(int)


def state(model):
    """All that a fit leaves, and what the next would begin with; the seconds are its own."""
    fit = model._fit_
    runs = [
        vars(run) | {"slots": run.slots.tobytes(), "bits": run.bits.state} | params_of(run)
        for run in fit.runs
    ]
    networks = [params.flat.tobytes() for params in (fit.model.params, *fit.model.members)]
    histories = [([untimed(epoch) for epoch in h], h.reason) for h in fit.histories]
    return runs, networks, histories, fit.record, fit.explosion, fit.dead_units


def params_of(run):
    best = None if run.best is None else run.best.params.flat.tobytes()
    return {"params": run.params.flat.tobytes(), "best": best}


def untimed(epoch):
    return replace(epoch, seconds=0.0)


class Witness:
    """A callback that notes each epoch and how the estimator stands then; it may do more."""

    def __init__(self, act=lambda number: None):
        self.seen, self.act, self.model = [], act, None

    def watch(self, model):
        self.model = model.set_params(on_epoch=self)
        return model

    def __call__(self, epoch):
        self.seen.append((untimed(epoch), state(self.model)))
        return self.act(len(self.seen))


def classifier(**settings):
    settings = {"n_ensemble": 4, "max_iter": 4, "random_state": 0, "batch_size": 20} | settings
    return MLPClassifier((6,), **settings)


def regressor(**settings):
    settings = {"n_ensemble": 4, "max_iter": 6, "random_state": 0} | settings
    return MLPRegressor(hidden_layer_sizes=(6,), **settings)


WAYS = {
    "plain": classifier,
    "float32": lambda: classifier(dtype="float32"),
    "early stopping": lambda: classifier(
        early_stopping=True, max_iter=30, n_iter_no_change=2, learning_rate_init=0.1
    ),
    "least loss": lambda: classifier(early_stopping=True, class_weight="balanced", max_iter=9),
    "a scorer": lambda: classifier(early_stopping=True, scoring="f1", max_iter=9),
    "r2": lambda: regressor(early_stopping=True),
    "several targets": lambda: regressor(loss="huber"),
    "dropout": lambda: classifier(dropout=0.3),
    "patience": lambda: classifier(
        solver="sgd", learning_rate="adaptive", tol=1.0, n_iter_no_change=2, max_iter=8
    ),
    "no shuffling": lambda: classifier(shuffle=False),
    "two of three": lambda: classifier(n_ensemble=2),
}


def watched_fit(model, X, y, weight, capsys):
    witness = Witness()
    witness.watch(model.set_params(verbose=True)).fit(X, y, weight)
    return state(model), witness.seen, capsys.readouterr().out


@pytest.mark.parametrize("way", WAYS)
def test_the_number_of_threads_changes_nothing(rows, threads, trainers, capsys, way):
    X, y = rows
    weight = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    expected = watched_fit(WAYS[way](), X, y, weight, capsys)
    assert trainers == {threading.get_ident()}
    for n in 2, 3, 5:
        threads(n)
        trainers.clear()
        trainers.least = 2
        assert watched_fit(WAYS[way](), X, y, weight, capsys) == expected


def test_going_on_goes_on_for_each(rows, threads):
    X, y = rows
    whole = classifier(max_iter=8, dropout=0.2).fit(X, y)
    threads(3)
    model = classifier(warm_start=True, dropout=0.2).fit(X, y).fit(X, y)
    assert state(model)[:2] == state(whole)[:2]
    assert [run.epochs for run in model._fit_.runs] == [8] * 4


def test_a_stream_goes_on_for_each(rows, threads):
    X, y = rows

    def streamed():
        model = classifier()
        for start in 0, 30, 60:
            part = slice(start, start + 30)
            model.partial_fit(X[part], y[part], classes=[0, 1])
        return state(model)

    alone = streamed()
    threads(3)
    assert streamed() == alone


def test_a_second_fit_with_one_generator_begins_where_the_first_left_it(rows, threads):
    def twice():
        generator = np.random.default_rng(3)
        return [state(classifier(random_state=generator).fit(*rows)) for _ in range(2)]

    alone = twice()
    threads(3)
    assert twice() == alone


@pytest.mark.parametrize("calls", [1, 3, 4, 5, 7, 9, 16])
def test_a_network_that_is_told_to_stop_stops_there(rows, threads, calls):
    def stopped():
        witness = Witness(lambda number: number == calls)
        model = witness.watch(classifier(early_stopping=True)).fit(*rows)
        return state(model), witness.seen

    alone = stopped()
    for n in 2, 3:
        threads(n)
        assert stopped() == alone
    assert "on_epoch" in [history[1] for history in alone[0][2]]


# -- what breaks off ---------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("calls", [1, 4, 5, 6, 11, 16])
def test_what_breaks_off_leaves_what_a_training_in_turn_leaves(rows, threads, error, calls):
    def break_off(number):
        if number == calls:
            raise error

    def broken_off():
        model = Witness(break_off).watch(classifier(warm_start=True))
        with pytest.raises(error):
            model.fit(*rows)
        then = state(model)
        return then, state(model.set_params(on_epoch=None).fit(*rows))

    alone, before = broken_off(), _thread._count()
    for n in 2, 3:
        threads(n)
        assert broken_off() == alone
        assert_threads_end(before)


def assert_threads_end(n):
    """A thread counts until a moment after its last word."""
    for _ in range(500):
        if _thread._count() <= n:
            return
        time.sleep(0.01)
    raise AssertionError(f"{_thread._count() - n} threads are left")


def test_an_interrupt_in_the_middle_of_an_epoch_stops_all(threads, trainers, request):
    """A timer strikes in an epoch of thousands of small batches, which other threads train, too."""
    threads(3)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200_000, 3)), rng.integers(0, 2, 200_000)
    before, count = signal.signal(signal.SIGINT, signal.default_int_handler), _thread._count()
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    model = classifier(batch_size=1, max_iter=1000, n_iter_no_change=1000)
    ended = []

    def on_epoch(epoch):
        ended.append(epoch)
        return True  # an interrupt that never comes is a failure, but not one without an end

    def strike():
        while len(trainers) < 3:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    striker = threading.Thread(target=strike)
    striker.start()
    with pytest.raises(KeyboardInterrupt):
        model.set_params(on_epoch=on_epoch).fit(X, y)
    striker.join()
    assert_threads_end(count)
    assert not ended
    assert not hasattr(model, "model_")
    assert engine_threads.Lanes.here() is None
    assert not engine_threads._in_use


INTERRUPTED_AGAIN_AND_AGAIN = """
import _thread, signal, time, warnings
import numpy as np
from handgrad import MLPClassifier
from handgrad.engines.compiled import backend, threads

warnings.simplefilter("ignore")
backend.FLOPS_BESIDE = backend.FLOPS_A_LANE = 0
backend.threads_given = backend.free_threads = lambda: 3
rng = np.random.default_rng(0)
X, y = rng.normal(size=(100, 4)), rng.integers(0, 3, 100)
model = MLPClassifier((8,), n_ensemble=5, max_iter=30, random_state=0, engine="compiled")
expected = model.fit(X, y).predict_proba(X)
signal.signal(signal.SIGALRM, signal.default_int_handler)
interrupted = 0
for _ in range(150):
    try:
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.001, 0.04))
        model.fit(X, y)
    except KeyboardInterrupt:
        interrupted += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
assert interrupted > 50, interrupted
assert (model.fit(X, y).predict_proba(X) == expected).all()
for _ in range(500):
    if _thread._count() == 0 and not threads._in_use:
        break
    time.sleep(0.01)
else:
    raise AssertionError("threads are left")
print("done")
"""


def test_no_interrupt_leaves_a_thread_behind():
    """Whenever it comes, also while one thread waits for another."""
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AGAIN_AND_AGAIN],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.stdout == "done\n", run.stderr


@pytest.mark.parametrize("bad", [[0], [1], [2, 3], [3], [1, 2, 3]])
def test_the_first_network_that_diverges_is_told_of(rows, threads, bad):
    """Each of these would diverge, by a loss of its own."""

    def diverged():
        witness, model = Witness(), classifier(warm_start=True).fit(*rows)
        for number in bad:
            params = (model.model_.params, *model.model_.members)[number]
            params.W[0][...] *= 10.0 ** (290 + number)
        with pytest.raises(DivergenceError) as error:
            witness.watch(model).fit(*rows)
        return str(error.value), vars(error.value), witness.seen, state(model)

    alone = diverged()
    for n in 2, 3:
        threads(n)
        assert diverged() == alone


def test_without_threads_of_the_system_networks_train_in_turn(rows, threads, trainers, monkeypatch):
    alone = state(classifier().fit(*rows))
    threads(3)
    monkeypatch.setattr(engine_threads.Call, "start", lambda call: False)
    assert state(classifier().fit(*rows)) == alone
    assert trainers == {threading.get_ident()}


# -- functions of the user's -------------------------------------------------------------------


@pytest.mark.parametrize("parameter", ["learning_rate", "scoring"])
def test_functions_of_the_users_are_called_in_their_own_thread(rows, threads, parameter):
    threads(3)
    seen = set()

    def learning_rate(epoch):
        seen.add(threading.get_ident())
        return 0.01

    def scoring(model, X, y):
        seen.add(threading.get_ident())
        return model.score(X, y)

    given = {"learning_rate": learning_rate, "scoring": scoring}[parameter]
    classifier(early_stopping=True, **{parameter: given}).fit(*rows)
    assert seen == {threading.get_ident()}


def test_scorers_have_the_configuration_of_the_one_who_fits(rows, threads, trainers, monkeypatch):
    threads(3)
    seen, trainers.least = [], 2

    def scorer(model, X, y):
        seen.append((threading.get_ident(), get_config()["assume_finite"]))
        return model.score(X, y)

    monkeypatch.setattr(watching, "get_scorer", lambda name: scorer)
    with config_context(assume_finite=True):
        classifier(early_stopping=True, scoring="f1").fit(*rows)
    assert {thread for thread, _ in seen} == trainers
    assert all(finite for _, finite in seen)


# -- how many at once --------------------------------------------------------------------------

LARGE = Rows(np.zeros((20_000, 100)), np.zeros(20_000, int))
NETWORK = Architecture((100, 100, 10))


def test_networks_train_side_by_side_where_they_are_large_and_threads_are_free(monkeypatch):
    monkeypatch.setattr(backend, "threads_given", lambda: 4)
    monkeypatch.setattr(backend, "free_threads", lambda: 3)
    assert backend.at_once(NETWORK, LARGE, 20) == 3
    monkeypatch.setattr(backend, "threads_given", lambda: 2)
    assert backend.at_once(NETWORK, LARGE, 20) == 2
    assert backend.at_once(NETWORK, LARGE.take(np.arange(100)), 1000) == 1
    assert backend.at_once(Architecture((100, 1, 1)), LARGE.take(np.arange(2)), 10**9) == 1
    monkeypatch.setattr(backend, "free_threads", lambda: -1)
    assert backend.at_once(NETWORK, LARGE, 20) == 1
    assert reference.at_once(NETWORK, LARGE, 20) == 1


def test_a_process_of_joblibs_trains_in_turn(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert backend.at_once(NETWORK, LARGE, 20) == 1


def test_lanes_share_their_threads():
    lanes = engine_threads.Lanes(5)
    assert engine_threads.Lanes.here() is None
    with lanes.lane():
        assert engine_threads.Lanes.here() is lanes
        assert [lanes.most(n) for n in (1, 3, 8)] == [1, 3, 5]
        with another_lane(lanes):
            assert [lanes.most(n) for n in (1, 2, 8)] == [1, 2, 2]
            with lanes.idle():
                assert lanes.most(8) == 5
            with another_lane(lanes), another_lane(lanes):
                assert lanes.most(8) == 1
        assert lanes.most(8) == 5
        lanes.called_off = True
        with pytest.raises(engine_threads.CalledOff):
            engine_threads.share(lambda part, parts: None, 1)
    assert engine_threads.Lanes.here() is None
    engine_threads.share(lambda part, parts: None, 1)


class another_lane:  # noqa: N801 - it is used as a function
    """Hold a lane in a thread of its own."""

    def __init__(self, lanes):
        self.there, self.leave = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.hold, args=[lanes])

    def hold(self, lanes):
        with lanes.lane():
            self.there.set()
            self.leave.wait()

    def __enter__(self):
        self.thread.start()
        self.there.wait()

    def __exit__(self, *error):
        self.leave.set()
        self.thread.join()


def test_lanes_share_the_threads_in_their_steps(threads, trainers, monkeypatch):
    """Three networks, each of which would take six threads, on six."""
    threads(6)
    trainers.least = 3
    monkeypatch.setattr(backend, "FLOPS_A_THREAD", 1)
    monkeypatch.setattr(backend, "FLOPS_A_CALL", 0)
    asked, door = set(), engine.library.door

    def watched_door(name, precision):
        real = door(name, precision)

        def call(thread, threads, *rest):
            asked.add(threads)
            return real(thread, threads, *rest)

        return call if name == "run" else real

    monkeypatch.setattr(engine.library, "door", watched_door)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 10)), rng.integers(0, 2, 400)
    model = classifier(n_ensemble=3, batch_size=100)
    several = clone(model).fit(X, y)
    assert 2 in asked
    threads(1)
    assert state(model.fit(X, y)) == state(several)


# -- the order of things -----------------------------------------------------------------------


def some_runs(n):
    return [Run.start(Params.zeros((1, 1), np.dtype(float)), np.random.PCG64(i)) for i in range(n)]


def test_the_first_trains_here_while_the_second_trains_ahead():
    here, second_is_done, threads = threading.get_ident(), threading.Event(), {}

    def train(number, run, on_epoch):
        threads[number] = threading.get_ident()
        if number == 0:
            assert second_is_done.wait(60)
        for _ in range(3):
            run.keep()
            run.epochs += 1
            on_epoch(run.epochs)
        if number == 1:
            second_is_done.set()
        return History((), str(number))

    told, runs = [], some_runs(2)
    with side_by_side(train, runs, 2) as turn:
        for number, run in enumerate(runs):
            reason = turn(number, lambda epoch, at=(number, run): told.append((at[0], epoch)))
            assert reason == str(number)
    assert told == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert threads[0] == here != threads[1]
    assert [run.epochs for run in runs] == [3, 3]


def test_epochs_that_nobody_looks_at_fill_no_memory(monkeypatch):
    runs, queued, may_go = some_runs(2), [], threading.Event()
    monkeypatch.setattr(ahead, "BYTES_AHEAD", 2 * 3 * runs[0].params.flat.nbytes)
    told = []

    def train(number, run, on_epoch):
        if number == 0:
            assert may_go.wait(60)
            return History((), "")
        for epoch in range(10):
            run.keep()
            queued.append(epoch)
            if len(queued) == 4:
                threading.Timer(0.3, may_go.set).start()
            on_epoch(epoch)
        return History((), "")

    with side_by_side(train, runs, 2) as turn:
        turn(0, told.append)
        assert len(queued) == 4  # three wait, and one more made this run wait
        turn(1, told.append)
    assert told == queued == list(range(10))


def test_whoever_waits_for_room_leaves_when_called_off(monkeypatch):
    monkeypatch.setattr(ahead, "BYTES_AHEAD", 0)
    waits, before = threading.Event(), _thread._count()

    def train(number, run, on_epoch):
        if number == 0:
            assert waits.wait(60)
            raise ValueError
        for epoch in range(10):
            run.keep()
            waits.set()
            on_epoch(epoch)

    with pytest.raises(ValueError), side_by_side(train, some_runs(2), 2) as turn:  # noqa: PT011
        turn(0, lambda epoch: None)
    assert_threads_end(before)


def test_numpys_settings_for_errors_hold_in_every_thread():
    seen = {}

    def train(number, run, on_epoch):
        seen[threading.get_ident()] = np.geterr()
        if number == 0:
            while len(seen) < 2:
                time.sleep(0.001)
        return History((), "")

    with np.errstate(all="raise"), side_by_side(train, some_runs(3), 2) as turn:
        for number in range(3):
            turn(number, lambda epoch: None)
        assert len(seen) >= 2
        assert all(settings == np.geterr() for settings in seen.values())


def test_a_thread_without_a_result_is_told_of():
    def train(number, run, on_epoch):
        if number == 0:
            while not seen:
                time.sleep(0.001)
            return History((), "")
        seen.append(number)
        raise MemoryError("no room")

    seen = []
    with side_by_side(train, some_runs(2), 2) as turn:
        turn(0, lambda epoch: None)
        with pytest.raises(MemoryError, match="no room"):
            turn(1, lambda epoch: None)


def test_one_at_a_time_takes_all_threads_in_its_steps():
    def train(number, run, on_epoch):
        seen.append((threading.get_ident(), engine_threads.Lanes.here()))
        return History((), "")

    seen = []
    with side_by_side(train, some_runs(1), 8) as turn:
        turn(0, lambda epoch: None)
    with side_by_side(train, some_runs(2), 1) as turn:
        turn(0, lambda epoch: None)
        turn(1, lambda epoch: None)
    assert seen == [(threading.get_ident(), None)] * 3


def endless_epoch():
    """Make steps until somebody calls them off."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        engine_threads.share(lambda part, parts: None, 1)


def test_an_error_calls_off_the_epochs_of_the_others_and_waits_for_them():
    begun, ends = threading.Event(), []

    def train(number, run, on_epoch):
        if number == 0:
            assert begun.wait(60)
            raise ValueError
        begun.set()
        try:
            endless_epoch()
        except engine_threads.CalledOff:
            time.sleep(0.2)
            ends.append("called off")
            raise

    with pytest.raises(ValueError), side_by_side(train, some_runs(3), 2) as turn:  # noqa: PT011
        turn(0, lambda epoch: None)
    assert ends == ["called off"]


def test_a_network_told_to_stop_while_it_trains_ahead_stops_soon():
    stopped, others = threading.Event(), []

    def train(number, run, on_epoch):
        if number == 1:
            until = time.monotonic() + 60
            while not on_epoch(run.epochs) and time.monotonic() < until:
                run.keep()
                run.epochs += 1
            if time.monotonic() < until:
                stopped.set()
        elif number == 0:
            while not others:  # so that another thread takes the second
                others.extend(crew[0]._taken.keys() - {0})
        else:
            assert stopped.wait(60)
        return History((), "")

    crew, runs = [], some_runs(3)
    with side_by_side(train, runs, 2) as turn:
        crew.append(turn.__self__)
        turn(0, lambda epoch: None)
        assert turn(1, lambda epoch: epoch == 3) == "on_epoch"
        assert runs[1].epochs == 3
        assert stopped.wait(60)
        assert turn(2, lambda epoch: None) == ""
