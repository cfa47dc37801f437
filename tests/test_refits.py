"""A fit is whole: for other threads, after an interrupt at any line, and in read-only memory."""

import copy
import pickle
import sys
import threading

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from common import ENGINES, needs_compiled
from handgrad import MLPClassifier, MLPRegressor
from handgrad.batch import Rows
from handgrad.network import Architecture
from handgrad.optim import Adam, Steps
from handgrad.params import Params, glorot_uniform
from handgrad.training.run import Run, Settings
from handgrad.training.train import train

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    return X, (X[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int)


def a_classifier(**changes):
    settings = {"engine": "numpy", "max_iter": 3, "random_state": 0, "solver": "adam"}
    return MLPClassifier((5,), **settings | changes)


# -- other threads -----------------------------------------------------------------------------


def error_of(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return error


def in_a_thread(function):
    """Call a function in another thread, and give what it gave."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


WAYS = {
    "fit": {},
    "warm": {"warm_start": True},
    "stopping": {"early_stopping": True, "scoring": "f1"},
    "lbfgs": {"solver": "lbfgs"},
    "ensemble": {"n_ensemble": 3},
    "calibration": {"calibration": "temperature"},
    "wider": {},
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("way", WAYS)
def test_another_thread_sees_the_old_model_until_the_new_one_is_done(rows, engine, way):
    X, y = rows
    model = a_classifier(engine=engine, **WAYS[way]).fit(X, y)
    old, saw, own = model.predict_proba(X), [], []

    def look(epoch):
        saw.append(in_a_thread(lambda: (model.predict_proba(X), pickle.loads(pickle.dumps(model)))))
        own.append(model.predict_proba(new_X))

    new_X = np.hstack([X, X]) if way == "wider" else X + 1
    model.set_params(on_epoch=Look(look), random_state=1)
    if way == "lbfgs":
        model.set_params(max_iter=4)
    model.fit(new_X, 1 - y)
    assert len(saw) >= 3
    for seen, pickled in saw:
        np.testing.assert_array_equal(seen, old)
        np.testing.assert_array_equal(pickled.predict_proba(X), old)
    assert not any(map(np.array_equal, own[:-1], own[1:])), "its own thread sees it learn"
    assert not np.array_equal(in_a_thread(lambda: model.predict_proba(new_X)), old)


class Look:
    """A callback that a pickle leaves behind."""

    def __init__(self, function=None):
        self.function = function

    def __call__(self, epoch):
        return self.function(epoch)

    def __reduce__(self):
        return Look, ()


def test_predictions_during_refits_are_of_whole_models(rows):
    X, y = rows
    answers = [a_classifier(max_iter=20).fit(X, labels).predict_proba(X) for labels in (y, 1 - y)]
    model, done, torn = a_classifier(max_iter=20).fit(X, y), threading.Event(), []

    def predict():
        while not done.is_set():
            seen = model.predict_proba(X)
            if not any(np.array_equal(seen, answer) for answer in answers):
                torn.append(seen)

    thread = threading.Thread(target=predict)
    thread.start()
    try:
        for number in range(10):
            model.fit(X, y if number % 2 else 1 - y)
    finally:
        done.set()
        thread.join()
    assert not torn


def test_partial_fit_is_seen_whole(rows):
    X, y = rows
    model = MLPRegressor(hidden_layer_sizes=(5,), engine="numpy", random_state=0).partial_fit(X, y)
    old, saw = model.predict(X), []
    model.on_epoch = lambda epoch: saw.append(in_a_thread(lambda: model.predict(X)))
    new = model.partial_fit(X + 1, 5.0 * y).predict(X)
    np.testing.assert_array_equal(saw[0], old)
    assert not np.array_equal(new, old)


def test_before_its_first_fit_has_ended_an_estimator_is_not_fitted(rows):
    def look(epoch):
        model.predict(rows[0])
        errors.append(in_a_thread(lambda: error_of(model.predict, rows[0])))

    errors, model = [], a_classifier(on_epoch=look)
    model.fit(*rows)
    assert list(map(type, errors)) == 3 * [NotFittedError]


def test_two_threads_cannot_fit_one_estimator_at_once(rows):
    def fit_too(epoch):
        told.append(in_a_thread(lambda: error_of(model.fit, *rows)))

    told, model = [], a_classifier(on_epoch=fit_too)
    model.fit(*rows)
    assert isinstance(told[0], RuntimeError)
    assert "another thread" in str(told[0])
    assert model.n_iter_ == 3
    clone(model).set_params(on_epoch=None).fit(*rows)


def test_copies_and_views_taken_earlier_stay_as_they_were(rows):
    model = a_classifier(warm_start=True).fit(*rows)
    W, before = model.coefs_[0], model.coefs_[0].copy()
    kept = copy.copy(model)
    model.fit(*rows)
    np.testing.assert_array_equal(W, before)
    np.testing.assert_array_equal(kept.coefs_[0], before)


# -- interrupts --------------------------------------------------------------------------------

TRACED = (
    *("train.py", "run.py", "epochs.py"),
    *("base.py", "fitting.py", "learning.py", "state.py", "underway.py", "watching.py"),
)


def interrupt_at(number, call):
    """Raise KeyboardInterrupt at the line of that number, of the files traced; tell if it came."""
    count = 0

    def trace_lines(frame, event, argument):
        nonlocal count
        count += event == "line"
        if event == "line" and count == number:
            raise KeyboardInterrupt
        return trace_lines

    def trace(frame, event, argument):
        name, function = frame.f_code.co_filename, frame.f_code.co_name
        ours = name.endswith(TRACED) and "handgrad" in name and function not in LEFT_OUT
        return trace_lines if ours else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


LEFT_OUT = ("break_off", "put_back")  # the second interrupt of a fit is another matter


def assert_whole(model, by_epoch):
    """Hold an estimator against what it was at the end of the epoch that it says it is at."""
    params, updates, chance = by_epoch[model.n_iter_]
    run = model._fit_.runs[0]
    np.testing.assert_array_equal(model.model_.params.flat, params)
    np.testing.assert_array_equal(run.params.flat, params)
    assert run.updates == updates
    assert run.bits.state == chance
    assert run.epochs == model.n_iter_ == len(model.history_) == len(model.loss_curve_)
    assert model.loss_ == model.history_[-1].loss + model.history_[-1].penalty
    assert model.t_ == run.rows_seen
    assert "_fitting" not in vars(model)


@pytest.mark.parametrize(
    ("settings", "stride"), [({}, 1), ({"learning_rate": "adaptive", "n_iter_no_change": 1}, 3)]
)
def test_an_interrupt_at_any_line_leaves_one_whole_epoch(rows, settings, stride):
    settings = {"max_iter": 2, "batch_size": 30, "warm_start": True, "tol": 10.0} | settings
    X, y = rows
    reference, by_epoch = a_classifier(**settings), {}

    def note(epoch):
        run = reference._fit_.runs[0]
        by_epoch[epoch.epoch] = run.params.flat.copy(), run.updates, run.bits.state

    reference.set_params(on_epoch=note).fit(X, y)
    number, came, trained = 0, True, 0
    while came:
        number += stride
        model = a_classifier(**settings)
        came = interrupt_at(number, lambda model=model: model.fit(X, y))
        if hasattr(model, "model_"):
            trained += 1
            assert_whole(model, by_epoch)
        else:
            assert vars(model).keys() == vars(a_classifier()).keys(), (
                "nothing trained, nothing left"
            )
    assert trained > 50


def test_an_interrupt_in_the_validation_pass_puts_the_count_of_updates_back(rows):
    X, y = rows
    architecture = Architecture((4, 5, 1), output="logistic")
    bits = np.random.PCG64(0)
    run = Run.start(glorot_uniform((4, 5, 1), "relu", bits), bits)
    data, settings = Rows(X, y[:, None]), Settings(Adam(), batch_size=30, dropout=0.5)
    train(architecture, run, settings, data, epochs=1)
    there = (run.updates, run.epochs, run.rows_seen, run.bits.state, run.params.flat.copy())

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(architecture, run, settings, data, epochs=1, score=interrupt)
    assert (run.updates, run.epochs, run.rows_seen, run.bits.state) == there[:4]
    np.testing.assert_array_equal(run.params.flat, there[4])


def test_early_stopping_interrupted_leaves_the_best_epoch(rows):
    def note(epoch):
        losses.append(epoch.validation_loss)
        flats.append(model.model_.params.flat)
        if epoch.epoch == 12:
            raise KeyboardInterrupt

    losses, flats = [], []
    settings = {"early_stopping": True, "scoring": "loss", "learning_rate_init": 0.5}
    model = a_classifier(max_iter=50, n_iter_no_change=50, on_epoch=note, **settings)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*rows)
    best = int(np.argmin(losses))
    assert best < len(losses) - 1
    np.testing.assert_array_equal(model.model_.params.flat, flats[best])
    np.testing.assert_array_equal(model._fit_.runs[0].params.flat, flats[best])


def test_an_interrupted_ensemble_can_be_trained_on(rows):
    def interrupt(epoch):
        calls.append(epoch)
        if len(calls) == 4:
            raise KeyboardInterrupt

    calls, model = [], a_classifier(n_ensemble=3, on_epoch=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*rows)
    assert len(model.model_.members) == 1
    model.set_params(on_epoch=None).partial_fit(*rows)
    assert len(model.model_.members) == 2
    assert [run.epochs for run in model._fit_.runs] == [4, 2, 1]


# -- read-only memory --------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_training_goes_on_from_read_only_memory(rows, engine, solver, tmp_path):
    X, y = rows
    settings = {"engine": engine, "solver": solver, "warm_start": True}
    model = a_classifier(**settings).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    found = [mapped.model_.params.flat, mapped._fit_.runs[0].slots]
    assert not found[0].flags.writeable
    before = [array.copy() for array in found]
    X.flags.writeable = False
    for one in (mapped, model):
        one.fit(X, y)
        if solver != "lbfgs":
            one.partial_fit(X, y)
    np.testing.assert_array_equal(mapped.predict_proba(X), model.predict_proba(X))
    assert all(map(np.array_equal, found, before))


@pytest.mark.parametrize("engine", ENGINES)
def test_arrays_marked_read_only_are_never_written(rows, engine):
    X, y = rows
    weights = [np.full((4, 5), 0.1), np.full((5, 1), 0.2)], [np.zeros(5), np.zeros(1)]
    for array in (X, y, *weights[0], *weights[1]):
        array.flags.writeable = False
    model = a_classifier(engine=engine, initialisation=weights).fit(X, y)
    found = model.model_.params.flat
    found.flags.writeable = False
    before = found.copy()
    model.partial_fit(X, y)
    np.testing.assert_array_equal(found, before)
    assert weights[0][0][0, 0] == 0.1
    loaded = MLPClassifier.from_model(model.model_).set_params(engine=engine)
    loaded.partial_fit(X, y)
    ours = MLPClassifier.from_sklearn(model.to_sklearn())
    ours.set_params(engine=engine).partial_fit(X, y)


def test_parameters_of_foreign_byte_order_become_native():
    foreign = np.arange(4.0).astype(">f8")
    params = Params.view(foreign, (1, 1, 1))
    assert params.flat.dtype == np.float64
    assert params.flat.dtype.isnative
    np.testing.assert_array_equal(params.flat, foreign)


@needs_compiled
@pytest.mark.parametrize("fault", ["read-only", "strided", "single", "swapped", "misaligned"])
@pytest.mark.parametrize("which", [0, 1])
def test_the_compiled_engine_refuses_what_it_cannot_write(rows, fault, which):
    from handgrad.engines.compiled.engine import Compiled

    X, y = rows
    units = (4, 5, 1)
    architecture = Architecture(units, output="logistic")
    engine = Compiled(architecture, Rows(X, y[:, None]), Steps(Adam(), 30))
    params = Params.zeros(units)
    given = [params.flat, np.zeros((2, params.flat.size))]
    engine.run_epoch(params, given[1], 0, 0.1, None)
    good = given[which]
    bad = {
        "read-only": lambda: good.copy(),
        "strided": lambda: np.repeat(good, 2, axis=-1)[..., ::2],
        "single": lambda: good.astype(np.float32),
        "swapped": lambda: good.astype(">f8"),
        "misaligned": lambda: misaligned(good),
    }[fault]()
    bad.flags.writeable = fault != "read-only"
    given[which] = bad
    flat, slots = given
    broken = Params(flat, units, params.W, params.b)
    with pytest.raises(ValueError, match="must be writable, contiguous, aligned and of float64"):
        engine.run_epoch(broken, slots, 2, 0.1, None)


@needs_compiled
def test_rows_that_lie_badly_are_read_right(rows):
    from handgrad.engines.compiled.engine import predict

    X, _ = rows
    params = glorot_uniform((4, 5, 1), "relu", np.random.PCG64(0))
    architecture = Architecture((4, 5, 1), output="logistic")
    wanted = predict(architecture, params, X, probabilities=False)
    for lies in (misaligned(X), np.asfortranarray(X), X.astype(">f8"), np.repeat(X, 2, 0)[::2]):
        found = predict(architecture, params, lies, probabilities=False)
        np.testing.assert_array_equal(found, wanted)


def misaligned(array):
    """Copy an array to an address that is no multiple of its element."""
    raw = np.zeros(array.nbytes + 1, np.uint8)
    moved = raw[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


def test_what_lbfgs_has_published_stays_as_it_was(rows):
    X, y = rows
    seen = []

    def keep(epoch):
        params = model.model_.params
        seen.append((params, params.flat.copy()))

    model = MLPClassifier((3,), solver="lbfgs", max_iter=5, random_state=0, on_epoch=keep)
    model.fit(X, y)
    assert len(seen) > 2
    for params, then in seen:
        assert np.array_equal(params.flat, then)
