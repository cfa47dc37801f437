"""Training does what its description says, step by step, and leaves good parameters behind."""

import math
import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from common import OPTIMIZERS
from handgrad.batch import ROWS_AT_ONCE, Rows
from handgrad.errors import DivergenceError
from handgrad.network import Architecture, backward, forward, loss, penalty
from handgrad.optim import SGD, Adam
from handgrad.outputs import OUTPUTS
from handgrad.params import Params, glorot_uniform
from handgrad.training.run import Run, Settings
from handgrad.training.train import train, train_lbfgs

NETWORK = Architecture((3, 5, 3), "tanh")
BINARY = Architecture((3, 5, 1), "tanh", "logistic")


def some_rows(n=53, architecture=NETWORK, seed=0, weighted=False, dtype=np.float64):
    """Draw rows whose classes can be learnt, mostly."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    y_t = (x + 0.3 * rng.normal(size=(n, 3))).argmax(axis=1)
    if architecture.output == "logistic":
        y_t = (y_t[:, None] == 0).astype(dtype)
    weight = rng.uniform(0.2, 3, size=n)
    weight = (weight / weight.mean()).astype(dtype) if weighted else None
    return Rows(x.astype(dtype), y_t, weight)


def new_run(architecture=NETWORK, seed=0, dtype=np.float64):
    bits = np.random.PCG64(seed)
    return Run.start(glorot_uniform(architecture.layer_units, "tanh", bits, dtype), bits)


def a_setting(optimizer="sgd", **changes):
    changes = {"batch_size": 10, "learning_rate_init": 0.05, "patience": math.inf} | changes
    return Settings(OPTIMIZERS[optimizer], **changes)


def snapshots(run):
    """Collect the parameters after each epoch; the list fills as training calls the function."""
    taken = []
    return taken, lambda epoch: taken.append(run.params.flat.copy())


# -- the reference: one plain loop -------------------------------------------------------------


def plain_training(architecture, rows, epochs, optimizer, lr, batch_size, shuffle, l2):
    """Train by the formulas, without any of training.py; give parameters, losses, accuracies."""
    bits = np.random.PCG64(0)
    params = glorot_uniform(architecture.layer_units, "tanh", bits, rows.x.dtype)
    theta = params.flat
    m, v, t = np.zeros_like(theta), np.zeros_like(theta), 0
    losses, accuracies = [], []
    n = len(rows.x)
    for _ in range(epochs):
        order = list(range(n))
        if shuffle and batch_size < n:
            raw = bits.random_raw(n).tolist()
            order.sort(key=raw.__getitem__)
        total_loss = total_right = 0.0
        for start in range(0, n, batch_size):
            batch = order[start : start + batch_size]
            x, y_t = rows.x[batch], rows.y_t[batch]
            weight = None if rows.weight is None else rows.weight[batch]
            tape = forward(architecture, params, x)
            total_loss += float(architecture.head.mean_loss(tape.score, y_t, weight)) * len(x)
            right = architecture.head.right(tape.score, y_t)
            total_right += float(right.sum() if weight is None else weight @ right)
            g = backward(architecture, params, tape, y_t, weight, l2).flat
            t += 1
            if optimizer == "sgd":
                theta -= lr * g
            elif optimizer == "adam":
                m = 0.9 * m + (1 - 0.9) * g
                v = 0.999 * v + (1 - 0.999) * (g * g)
                root = np.sqrt(v) / math.sqrt(1 - 0.999**t) + 1e-8
                theta -= lr * (m / (1 - 0.9**t) / root)
            else:
                v = 0.9 * v - lr * g
                theta += v if optimizer == "momentum" else 0.9 * v - lr * g
        losses.append(total_loss / n)
        accuracies.append(total_right / n)
    return params, losses, accuracies


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("batch_size", [1, 10, 53, 1000])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("architecture", [NETWORK, BINARY])
@pytest.mark.parametrize("weighted", [True, False])
def test_training_is_the_plain_loop_to_the_last_bit(
    optimizer, batch_size, shuffle, architecture, weighted
):
    rows = some_rows(53, architecture, weighted=weighted)
    run = new_run(architecture)
    settings = a_setting(optimizer, batch_size=batch_size, shuffle=shuffle, l2=0.01)
    history = train(architecture, run, settings, rows, epochs=4)
    params, losses, accuracies = plain_training(
        architecture, rows, 4, optimizer, 0.05, batch_size, shuffle, 0.01
    )
    assert np.array_equal(run.params.flat, params.flat)
    assert history.column("loss") == losses
    assert history.column("accuracy") == pytest.approx(accuracies, rel=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_float32_stays_float32(optimizer):
    rows = some_rows(dtype=np.float32, weighted=True)
    run = new_run(dtype=np.float32)
    train(NETWORK, run, a_setting(optimizer, l2=0.01), rows, epochs=4, validation=rows)
    assert run.params.flat.dtype == np.float32
    assert run.slots.dtype == np.float32
    params, _, _ = plain_training(NETWORK, rows, 4, optimizer, 0.05, 10, True, 0.01)
    assert params.flat.dtype == np.float32
    assert np.array_equal(run.params.flat, params.flat)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_sparse_rows_train_as_dense_ones_do(kind):
    rows, dense, sparse = some_rows(), new_run(), new_run()
    settings = a_setting("adam")
    train(NETWORK, dense, settings, rows, epochs=5, validation=rows)
    in_csr = Rows(kind(rows.x), rows.y_t)
    train(NETWORK, sparse, settings, in_csr, epochs=5, validation=in_csr)
    np.testing.assert_allclose(sparse.params.flat, dense.params.flat, rtol=1e-9)


def test_training_leaves_the_rows_alone():
    rows = some_rows(weighted=True)
    for part in rows:
        part.flags.writeable = False
    train(NETWORK, new_run(), a_setting(), rows, epochs=2, validation=rows)
    train(NETWORK, new_run(), a_setting(batch_size=99), rows, epochs=2)


def test_a_network_learns_what_can_be_learnt():
    run, rows = new_run(), some_rows(500)
    settings = a_setting("adam", learning_rate_init=0.01, batch_size=20)
    history = train(NETWORK, run, settings, rows, epochs=40, validation=some_rows(500, seed=1))
    assert history[0].loss > 0.7
    assert history[-1].loss < 0.35
    assert history[-1].validation_accuracy > 0.85


# -- what is recorded --------------------------------------------------------------------------


def test_the_record_has_one_row_an_epoch():
    run = new_run()
    settings = a_setting("adam", l2=0.1)
    taken, on_epoch = snapshots(run)
    history = train(NETWORK, run, settings, some_rows(), epochs=6, on_epoch=on_epoch)
    assert history.reason == "max_iter"
    assert history.column("epoch") == [1, 2, 3, 4, 5, 6]
    assert history.column("learning_rate") == [0.05] * 6
    assert history.column("validation_loss") == [None] * 6
    assert history.column("validation_accuracy") == [None] * 6
    expected = [float(penalty(run.params.like(flat), 0.1)) for flat in taken]
    assert history.column("penalty") == expected
    seconds = history.column("seconds")
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert (run.epochs, run.updates, run.rows_seen) == (6, 36, 6 * 53)


def test_the_first_loss_is_that_of_the_first_parameters():
    run, rows = new_run(), some_rows()
    start = loss(NETWORK, run.params, forward(NETWORK, run.params, rows.x), rows.y_t)
    history = train(NETWORK, run, a_setting(batch_size=53, l2=0.5), rows, epochs=1)
    assert history[0].loss == float(start)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("n", [1, 20, ROWS_AT_ONCE + 5])
def test_validation_rows_are_measured_after_the_epoch(n, weighted):
    run = new_run()
    held_out = some_rows(n, seed=1, weighted=weighted)
    taken, on_epoch = snapshots(run)
    history = train(
        NETWORK, run, a_setting(), some_rows(), epochs=3, validation=held_out, on_epoch=on_epoch
    )
    for epoch, flat in zip(history, taken, strict=True):
        score = forward(NETWORK, run.params.like(flat), held_out.x).score
        value = OUTPUTS["softmax"].mean_loss(score, held_out.y_t, held_out.weight)
        hits = OUTPUTS["softmax"].right(score, held_out.y_t)
        assert epoch.validation_loss == pytest.approx(value, rel=1e-12)
        accuracy = np.average(hits, weights=held_out.weight)
        assert epoch.validation_accuracy == pytest.approx(accuracy, rel=1e-12)


def test_looking_at_validation_rows_changes_nothing():
    alone, watched = new_run(), new_run()
    train(NETWORK, alone, a_setting("adam"), some_rows(), epochs=5)
    validation = some_rows(seed=1)
    train(NETWORK, watched, a_setting("adam"), some_rows(), epochs=5, validation=validation)
    assert np.array_equal(alone.params.flat, watched.params.flat)


def test_an_accuracy_is_never_above_one():
    rng = np.random.default_rng(0)
    one = Architecture((1, 1))
    for n in (3, 7, 100, 1000, 3000):
        weight = rng.uniform(0.1, 3, n)
        weight = (weight / weight.mean()).astype(np.float32)
        rows = Rows(np.ones((n, 1), np.float32), np.zeros(n, np.intp), weight)
        run = Run.start(Params.zeros((1, 1), np.float32), np.random.PCG64(0))
        history = train(one, run, a_setting(batch_size=200), rows, epochs=1)
        assert history[0].accuracy == pytest.approx(1, abs=1e-6)


# -- going on ----------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_five_epochs_and_five_more_are_ten(optimizer, learning_rate):
    settings = a_setting(optimizer, learning_rate=learning_rate, l2=0.01)
    rows, at_once, in_parts = some_rows(), new_run(), new_run()
    whole = train(NETWORK, at_once, settings, rows, epochs=10)
    parts = train(NETWORK, in_parts, settings, rows, epochs=5)
    parts += train(NETWORK, in_parts, settings, rows, epochs=5)
    assert np.array_equal(at_once.params.flat, in_parts.params.flat)
    assert np.array_equal(at_once.slots, in_parts.slots)
    for quantity in ("epoch", "loss", "accuracy", "penalty", "learning_rate"):
        assert whole.column(quantity) == parts.column(quantity)
    assert at_once.bits.state == in_parts.bits.state


def test_no_epochs_change_nothing():
    run = new_run()
    before = run.params.flat.copy()
    history = train(NETWORK, run, a_setting(), some_rows(), epochs=0)
    assert len(history) == 0
    assert history.reason == "max_iter"
    assert np.array_equal(run.params.flat, before)


def test_another_optimiser_starts_with_an_empty_memory():
    run, rows = new_run(), some_rows()
    train(NETWORK, run, a_setting("momentum"), rows, epochs=3)
    fresh = Run.start(run.params.copy(), np.random.PCG64())
    fresh.bits.state = run.bits.state
    train(NETWORK, run, a_setting("adam"), rows, epochs=2)
    train(NETWORK, fresh, a_setting("adam"), rows, epochs=2)
    assert np.array_equal(run.params.flat, fresh.params.flat)


def test_another_learning_rate_counts_from_the_next_epoch():
    run = new_run()
    train(NETWORK, run, a_setting(), some_rows(), epochs=2)
    history = train(NETWORK, run, a_setting(learning_rate_init=0.01), some_rows(), epochs=2)
    assert history.column("learning_rate") == [0.01, 0.01]


# -- stopping ----------------------------------------------------------------------------------


def last_epoch(values, tol, patience):
    """Say after how many epochs to stop, by the rule: so many bad ones in a row."""
    best, bad = math.inf, 0
    for number, value in enumerate(values, start=1):
        bad = 0 if value < best - tol else bad + 1
        best = min(best, value)
        if bad == patience:
            return number
    return len(values)


QUANTITIES = {
    "loss": lambda epoch: epoch.loss + epoch.penalty,
    "validation_loss": lambda epoch: epoch.validation_loss,
    "validation_error": lambda epoch: 1 - epoch.validation_accuracy,
}


@pytest.mark.parametrize("monitor", QUANTITIES)
@pytest.mark.parametrize("patience", [1, 2, 5])
@pytest.mark.parametrize("tol", [0, 1e-4, 0.01])
def test_training_stops_after_so_many_bad_epochs_in_a_row(monitor, patience, tol):
    settings = {"optimizer": "adam", "monitor": monitor, "tol": tol, "l2": 0.001}
    rows, validation = some_rows(40), some_rows(30, seed=1)
    whole = train(NETWORK, new_run(), a_setting(**settings), rows, epochs=60, validation=validation)
    values = [QUANTITIES[monitor](epoch) for epoch in whole]
    expected = last_epoch(values, tol, patience)
    run = new_run()
    stopped = train(
        NETWORK,
        run,
        a_setting(**settings, patience=patience),
        rows,
        epochs=60,
        validation=validation,
    )
    assert len(stopped) == run.epochs == expected
    assert stopped.reason == ("patience" if expected < 60 else "max_iter")


def test_without_any_gain_patience_is_counted_from_the_second_epoch():
    settings = a_setting(learning_rate_init=0, patience=3, tol=0, batch_size=99)
    history = train(NETWORK, new_run(), settings, some_rows(), epochs=100)
    assert len(history) == 4
    assert history.reason == "patience"


def test_infinite_patience_never_stops():
    settings = a_setting(learning_rate_init=0)
    assert len(train(NETWORK, new_run(), settings, some_rows(5), epochs=300)) == 300


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_error"])
def test_the_parameters_of_the_best_epoch_are_kept(monitor):
    run = new_run()
    taken, on_epoch = snapshots(run)
    settings = a_setting("adam", learning_rate_init=0.1, monitor=monitor, patience=8)
    history = train(
        NETWORK,
        run,
        settings,
        some_rows(30),
        epochs=100,
        validation=some_rows(30, seed=1),
        on_epoch=on_epoch,
    )
    values = [QUANTITIES[monitor](epoch) for epoch in history]
    best = values.index(min(values))  # the first of several
    assert best < len(history) - 1
    assert np.array_equal(run.params.flat, taken[best])


def test_with_the_training_loss_the_last_parameters_are_kept():
    run = new_run()
    taken, on_epoch = snapshots(run)
    train(NETWORK, run, a_setting(), some_rows(), epochs=5, on_epoch=on_epoch)
    assert np.array_equal(run.params.flat, taken[-1])


def test_no_epoch_writes_into_the_arrays_it_finds():
    run = new_run()
    run.prepare(a_setting("adam"))
    found = run.params.flat, run.slots
    before = [array.copy() for array in found]
    for array in found:
        array.flags.writeable = False
    train(NETWORK, run, a_setting("adam"), some_rows(), epochs=3)
    assert all(map(np.array_equal, found, before))
    assert not np.array_equal(run.params.flat, before[0])
    assert np.shares_memory(run.params.W[0], run.params.flat)


def test_an_adaptive_rate_falls_by_fifths_and_ends_at_a_millionth():
    settings = a_setting(
        learning_rate="adaptive", learning_rate_init=1e-3, tol=math.inf, patience=2
    )
    history = train(NETWORK, new_run(), settings, some_rows(), epochs=100)
    rates = [1e-3, 2e-4, 4e-5, 8e-6, 1.6e-6, 3.2e-7]
    assert history.column("learning_rate") == pytest.approx(np.repeat(rates, 2), rel=1e-12)
    assert history.reason == "learning_rate"


def test_an_adaptive_rate_stays_while_there_is_a_gain():
    settings = a_setting(learning_rate="adaptive", tol=0, patience=1, batch_size=99)
    history = train(NETWORK, new_run(), settings, some_rows(), epochs=10)
    assert history.column("loss") == sorted(history.column("loss"), reverse=True)
    assert set(history.column("learning_rate")) == {0.05}


def test_an_inverse_scaling_rate_falls_with_the_rows_seen():
    settings = a_setting(learning_rate="invscaling", power_t=0.25)
    history = train(NETWORK, new_run(), settings, some_rows(), epochs=4)
    expected = [0.05 / (53 * epoch + 1) ** 0.25 for epoch in range(4)]
    assert history.column("learning_rate") == pytest.approx(expected, rel=1e-12)


# -- on_epoch ----------------------------------------------------------------------------------


def test_on_epoch_sees_every_epoch_and_may_stop():
    seen = []

    def on_epoch(epoch):
        seen.append(epoch)
        return len(seen) == 3

    history = train(NETWORK, new_run(), a_setting(), some_rows(), epochs=10, on_epoch=on_epoch)
    assert list(history) == seen
    assert len(history) == 3
    assert history.reason == "on_epoch"


@pytest.mark.parametrize("answer", [None, False])
def test_other_answers_of_on_epoch_go_on(answer):
    history = train(
        NETWORK, new_run(), a_setting(), some_rows(), epochs=4, on_epoch=lambda epoch: answer
    )
    assert len(history) == 4


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("monitor", ["loss", "validation_loss"])
def test_an_exception_in_on_epoch_passes_and_leaves_good_parameters(error, monitor):
    run = new_run()
    taken, take = snapshots(run)
    losses = []

    def on_epoch(epoch):
        take(epoch)
        losses.append(epoch.validation_loss)
        if epoch.epoch == 30:
            raise error

    with pytest.raises(error):
        train(
            NETWORK,
            run,
            a_setting("adam", learning_rate_init=0.1, monitor=monitor),
            some_rows(30),
            epochs=100,
            validation=some_rows(30, seed=1),
            on_epoch=on_epoch,
        )
    best = losses.index(min(losses))
    assert best < 29
    assert np.array_equal(run.params.flat, taken[-1 if monitor == "loss" else best])
    assert run.epochs == 30
    train(NETWORK, run, a_setting(), some_rows(), epochs=1)
    assert run.epochs == 31


class Interrupted(SGD):
    """An optimiser with a step amid which the user presses Ctrl-C."""

    def step(self, theta, dtheta, slots, t, lr):
        super().step(theta, dtheta, slots, t, lr)
        if t == 15:
            raise KeyboardInterrupt


def test_an_interrupt_amid_an_epoch_leaves_the_parameters_of_whole_epochs():
    run = new_run()
    taken, on_epoch = snapshots(run)
    settings = Settings(Interrupted(), batch_size=10)
    with pytest.raises(KeyboardInterrupt):
        train(NETWORK, run, settings, some_rows(60), epochs=10, on_epoch=on_epoch)
    assert run.epochs == len(taken) == 2
    assert np.array_equal(run.params.flat, taken[-1])


def test_going_on_after_an_interrupt_is_as_if_there_had_been_none():
    whole, interrupted = new_run(), new_run()
    train(NETWORK, whole, Settings(SGD(), batch_size=10), some_rows(60), epochs=4)
    with pytest.raises(KeyboardInterrupt):
        train(NETWORK, interrupted, Settings(Interrupted(), batch_size=10), some_rows(60), epochs=4)
    train(NETWORK, interrupted, Settings(SGD(), batch_size=10), some_rows(60), epochs=2)
    assert np.array_equal(interrupted.params.flat, whole.params.flat)


# -- schedules, dropout, the gradient's norm ----------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": "cosine", "schedule_epochs": 10},
        {"learning_rate": "onecycle", "schedule_epochs": 10},
        {"learning_rate": "coslog4", "schedule_epochs": 10},
        {"learning_rate": "warmup", "warmup_epochs": 7.5},
        {"learning_rate": lambda epoch: 0.1 / epoch},
        {"dropout": 0.5},
        {"clip_norm": 0.05},
    ],
    ids=["cosine", "onecycle", "coslog4", "warmup", "a function", "dropout", "clip"],
)
def test_five_epochs_and_five_more_are_ten_with_every_setting(changes):
    settings, rows = a_setting("adam", **changes), some_rows(64)
    whole, parts = new_run(), new_run()
    record = train(NETWORK, whole, settings, rows, epochs=10)
    both = train(NETWORK, parts, settings, rows, epochs=5)
    both += train(NETWORK, parts, settings, rows, epochs=5)
    assert np.array_equal(whole.params.flat, parts.params.flat)
    assert both.column("loss") == record.column("loss")
    assert both.column("learning_rate") == record.column("learning_rate")
    assert both.column("gradient_norm") == record.column("gradient_norm")


def test_the_rate_of_the_record_is_that_of_the_last_update():
    settings = a_setting(learning_rate="cosine", schedule_epochs=4, batch_size=10)
    history = train(NETWORK, new_run(), settings, some_rows(40), epochs=4)
    expected = [0.05 * (1 + np.cos(np.pi * u / 16)) / 2 for u in (3, 7, 11, 15)]
    np.testing.assert_allclose(history.column("learning_rate"), expected, rtol=1e-12)


def test_the_gradients_norm_is_that_of_the_last_batch():
    run, rows = new_run(), some_rows(40)
    before = run.params.copy()
    history = train(NETWORK, run, a_setting(batch_size=40, l2=0.1), rows, epochs=1)
    tape = forward(NETWORK, before, rows.x)
    gradient = backward(NETWORK, before, tape, rows.y_t, rows.weight, 0.1).flat
    assert history[0].gradient_norm == pytest.approx(np.linalg.norm(gradient), rel=1e-12)


def test_dropout_is_off_where_rows_are_only_looked_at():
    rows, run = some_rows(40), new_run()
    history = train(NETWORK, run, a_setting(dropout=0.5), rows, epochs=3, validation=rows)
    assert history[-1].validation_loss == pytest.approx(full_loss(NETWORK, run.params, rows, 0.0))


def test_dropout_takes_its_masks_from_the_seed():
    flats = []
    for seed, changes in ((0, {}), (0, {}), (None, {"dropout": 0.0})):
        run = new_run()
        train(NETWORK, run, a_setting(**({"dropout": 0.4} | changes)), some_rows(40), epochs=2)
        assert (run.dropout_seed is None) == (seed is None)
        flats.append(run.params.flat)
    assert np.array_equal(flats[0], flats[1])
    assert not np.array_equal(flats[0], flats[2])


def test_an_impossible_dropout_is_refused():
    with pytest.raises(ValueError, match="dropout must be"):
        train(NETWORK, new_run(), a_setting(dropout=1.0), some_rows(40), epochs=1)


# -- divergence --------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_rate_beyond_measure_is_reported_and_leaves_good_parameters(optimizer, dtype):
    run, rows = new_run(dtype=dtype), some_rows(dtype=dtype)
    train(NETWORK, run, a_setting(optimizer), rows, epochs=2)
    taken, on_epoch = snapshots(run)
    on_epoch(None)
    lr = 1e300 if dtype == np.float64 else 1e38
    settings = a_setting(optimizer, learning_rate_init=lr)
    with pytest.raises(DivergenceError) as caught:
        train(NETWORK, run, settings, rows, epochs=10, on_epoch=on_epoch)
    assert np.array_equal(run.params.flat, taken[-1])
    assert np.isfinite(run.params.flat).all()
    assert run.epochs == 1 + len(taken)
    message = str(caught.value)
    place = f"of epoch {run.epochs + 1}, at learning rate {lr:g}"
    for part in ("diverged", place, "Lower the learning rate"):
        assert part in message
    assert len(message) < 400


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_noticed_in_its_batch(bad):
    linear = Architecture((3, 3))
    rows, run = some_rows(), new_run(linear)
    rows.x[27, 1] = bad
    before = run.params.flat.copy()
    with pytest.raises(DivergenceError, match="in batch 3 of epoch 1"):
        train(linear, run, a_setting(shuffle=False), rows, epochs=1)
    assert run.updates == 0  # put back to the start of the epoch, like the rest
    assert np.array_equal(run.params.flat, before)


def test_a_divergence_says_where_it_was_and_how_it_stood_before():
    network = Architecture((3, 5, 3), "relu")
    run, rows = new_run(network), some_rows()
    settings = a_setting(learning_rate=lambda epoch: 0.1 if epoch < 3 else 1e300, shuffle=False)
    history = train(network, run, settings, rows, epochs=2)
    with pytest.raises(DivergenceError, match=r"The loss before was \d") as caught:
        train(network, run, settings, rows, epochs=2)
    error = caught.value
    assert (error.epoch, error.learning_rate) == (3, 1e300)
    assert error.batch > 1
    assert error.layer in (1, 2)
    assert np.isfinite(error.last_loss)
    assert isinstance(error, ValueError)
    assert pickle.loads(pickle.dumps(error)).epoch == 3
    assert len(history) == run.epochs == 2


def test_a_divergence_in_the_first_batch_recalls_the_epoch_before():
    run, rows, losses = new_run(), some_rows(), []

    def spoil(epoch):
        losses.append(epoch.loss)
        run.params.W[1][0, 0] = np.nan if epoch.epoch == 3 else run.params.W[1][0, 0]

    with pytest.raises(DivergenceError) as caught:
        train(NETWORK, run, a_setting(), rows, epochs=9, on_epoch=spoil)
    assert (caught.value.epoch, caught.value.batch, caught.value.layer) == (4, 1, 2)
    assert caught.value.last_loss == losses[-1]


def test_a_parameter_too_large_for_the_penalty_is_in_a_layer():
    run = new_run()
    with pytest.raises(DivergenceError, match="too large") as caught:
        train(
            NETWORK, run, a_setting(learning_rate_init=1e300, batch_size=99), some_rows(), epochs=1
        )
    assert caught.value.layer in (1, 2)


@pytest.mark.parametrize("place", ["inputs", "targets", "layer 2"])
def test_a_divergence_names_what_is_not_finite(place):
    network = Architecture((3, 4, 2), "tanh", "identity")
    run = new_run(network)
    rng = np.random.default_rng(0)
    rows = Rows(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))
    if place == "layer 2":
        run.params.W[1][0, 0] = np.nan
    else:
        (rows.x if place == "inputs" else rows.y_t)[13, 1] = np.inf
    with pytest.raises(DivergenceError) as caught:
        train(network, run, a_setting(shuffle=False), rows, epochs=1)
    error = caught.value
    assert error.layer == {"inputs": 0, "targets": None, "layer 2": 2}[place]
    assert error.batch == (1 if place == "layer 2" else 2)
    words = {"inputs": "Look at its inputs", "targets": "look at targets", "layer 2": "is 2."}
    assert words[place] in str(error)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_rows_that_are_not_finite_are_found(make):
    x = np.arange(12.0).reshape(4, 3)
    assert Rows(make(x), np.zeros(4)).not_finite().tolist() == []
    x[1, 2], x[3, 0], x[3, 1] = np.nan, np.inf, -np.inf
    assert Rows(make(x), np.zeros(4)).not_finite().tolist() == [1, 3]
    large = np.full((2, 2), np.finfo(float).max)  # its sum overflows, and yet it is finite
    assert Rows(make(large), np.zeros(2)).not_finite().tolist() == []


def test_a_parameter_that_is_not_finite_is_noticed_in_its_epoch():
    linear = Architecture((3, 3))
    run, rows = new_run(linear), some_rows()
    rows.x[...] *= 1e10
    run.params.flat[...] = 0
    with pytest.raises(DivergenceError, match="a parameter"):
        train(linear, run, a_setting(batch_size=99, learning_rate_init=1e300), rows, epochs=1)
    assert (run.params.flat == 0).all()


def test_a_bias_that_is_not_finite_is_noticed_in_its_epoch():
    linear = Architecture((1, 3))
    run = new_run(linear)
    run.params.W[0][...] = 0
    run.params.b[0][...] = [-1.5e308, -1.7e308, -1.7e308]
    before = run.params.flat.copy()
    rows = Rows(np.zeros((4, 1)), np.array([1, 2, 1, 2]))
    with pytest.raises(DivergenceError, match="a parameter"):
        train(linear, run, a_setting(batch_size=99, learning_rate_init=1e308), rows, epochs=1)
    assert np.array_equal(run.params.flat, before)


@pytest.mark.parametrize(
    "optimizer",
    [
        "sgd",
        "momentum",
        "nesterov",
        "adam",
    ],
)
def test_after_a_divergence_a_lower_rate_goes_on(optimizer):
    run, rows = new_run(), some_rows()
    with pytest.raises(DivergenceError):
        train(NETWORK, run, a_setting(optimizer, learning_rate_init=1e300), rows, epochs=5)
    history = train(NETWORK, run, a_setting(optimizer, learning_rate_init=1e-3), rows, epochs=20)
    assert history[-1].loss < history[0].loss < 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_validation_loss_that_is_not_finite_stops_nothing(bad):
    rows, held_out = some_rows(), some_rows(seed=1)
    held_out.x[3] = bad
    linear = Architecture((3, 3))
    run = new_run(linear)
    history = train(
        linear, run, a_setting(monitor="validation_loss"), rows, epochs=5, validation=held_out
    )
    assert len(history) == 5
    assert not np.isfinite(history.column("validation_loss")).any()
    assert np.isfinite(run.params.flat).all()


# -- weights -----------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam"])
@pytest.mark.parametrize("architecture", [NETWORK, BINARY])
def test_weights_count_as_repeated_rows(optimizer, architecture):
    rows = some_rows(40, architecture)
    times = np.random.default_rng(1).integers(1, 5, size=40)
    repeated = Rows(rows.x.repeat(times, axis=0), rows.y_t.repeat(times, axis=0))
    weighted = Rows(rows.x, rows.y_t, times / times.mean())
    settings = a_setting(optimizer, batch_size=1000, l2=0.01)
    runs = [new_run(architecture), new_run(architecture)]
    records = [
        train(architecture, run, settings, rows, epochs=20, validation=rows)
        for run, rows in zip(runs, (repeated, weighted), strict=True)
    ]
    np.testing.assert_allclose(runs[0].params.flat, runs[1].params.flat, rtol=0, atol=1e-10)
    for quantity in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        np.testing.assert_allclose(records[0].column(quantity), records[1].column(quantity))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_batch_without_weight_does_no_harm(optimizer):
    rows, run = some_rows(20, weighted=True), new_run()
    rows.weight[:10] = 0
    taken, on_epoch = snapshots(run)
    history = train(
        NETWORK, run, a_setting(optimizer, shuffle=False), rows, epochs=3, on_epoch=on_epoch
    )
    assert np.isfinite(taken).all()
    assert np.isfinite(history.column("loss")).all()


def test_rows_without_weight_move_nothing():
    rows, run = some_rows(20, weighted=True), new_run()
    rows.weight[...] = 0
    before = run.params.flat.copy()
    train(NETWORK, run, a_setting(), rows, epochs=2)
    assert np.array_equal(run.params.flat, before)


# -- L-BFGS ------------------------------------------------------------------------------------


def minimise(architecture, params, rows, **changes):
    changes = {"l2": 0.01, "max_iter": 2000, "max_fun": 5000, "tol": 1e-6} | changes
    return train_lbfgs(architecture, params, rows, **changes)


def full_loss(architecture, params, rows, l2=0.01):
    tape = forward(architecture, params, rows.x)
    return float(loss(architecture, params, tape, rows.y_t, rows.weight, l2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lbfgs_finds_a_lower_loss_than_steps_do(dtype):
    rows, run = some_rows(200, dtype=dtype), new_run(dtype=dtype)
    start = full_loss(NETWORK, run.params, rows)
    params = run.params.copy()
    found = minimise(NETWORK, params, rows, tol=1e-4)
    train(NETWORK, run, a_setting("adam", l2=0.01), rows, epochs=100)
    assert found.converged
    assert found.iterations > 5
    assert found.loss == pytest.approx(full_loss(NETWORK, params, rows), rel=1e-5)
    assert found.loss < full_loss(NETWORK, run.params, rows) < start
    assert params.flat.dtype == dtype


@pytest.mark.parametrize("limit", [{"max_iter": 3}, {"max_fun": 3}])
def test_lbfgs_says_that_it_was_cut_short(limit):
    params = new_run().params
    start = full_loss(NETWORK, params, some_rows())
    found = minimise(NETWORK, params, some_rows(), **limit)
    assert not found.converged
    assert "LIMIT" in found.reason.upper()
    assert full_loss(NETWORK, params, some_rows()) < start


@pytest.mark.parametrize("tol", [1e-2, 1e-5, 1e-7])
@pytest.mark.parametrize("architecture", [NETWORK, Architecture((3, 3))])
def test_lbfgs_has_converged_where_no_entry_of_the_gradient_exceeds_tol(architecture, tol):
    params, rows = new_run(architecture).params, some_rows(200, weighted=True)
    found = minimise(architecture, params, rows, tol=tol)
    tape = forward(architecture, params, rows.x)
    gradient = backward(architecture, params, tape, rows.y_t, rows.weight, 0.01).flat
    assert found.converged
    assert np.abs(gradient).max() <= tol


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_without_hidden_layers_it_is_scikit_learns_logistic_regression(output, weighted):
    n_y = 1 if output == "logistic" else 3
    architecture = Architecture((3, n_y), output=output)
    rows = some_rows(300, architecture, weighted=weighted)
    params = Params.zeros(architecture.layer_units)
    found = minimise(architecture, params, rows, tol=1e-9)
    theirs = LogisticRegression(C=1 / (300 * 0.01), tol=1e-9, max_iter=5000)
    theirs.fit(rows.x, rows.y_t.ravel(), sample_weight=rows.weight)
    expected = params.copy()
    expected.W[0][...] = theirs.coef_.T
    expected.b[0][...] = theirs.intercept_
    assert found.converged
    assert found.loss == pytest.approx(full_loss(architecture, expected, rows), rel=1e-7)
    np.testing.assert_allclose(params.W[0], expected.W[0], atol=2e-3)
    probabilities = forward(architecture, params, rows.x).y
    np.testing.assert_allclose(probabilities, forward(architecture, expected, rows.x).y, atol=1e-3)


def test_lbfgs_that_overflows_is_reported_and_leaves_the_parameters():
    rows, params = some_rows(), new_run().params
    rows.x[5] = np.nan
    before = params.flat.copy()
    with pytest.raises(DivergenceError, match=r"L-BFGS.*iteration 1\. Look at its inputs") as nan:
        minimise(NETWORK, params, rows)
    assert np.array_equal(params.flat, before)
    assert (nan.value.epoch, nan.value.layer, nan.value.last_loss) == (1, 0, None)
    rows.x[5] = 1
    params.W[1][...] = 1e308
    with pytest.raises(DivergenceError, match="The first layer not finite is 2") as caught:
        minimise(NETWORK, params, rows)
    assert caught.value.layer == 2


def test_each_iteration_of_lbfgs_is_told_and_may_be_the_last():
    rows, params = some_rows(weighted=True), new_run().params
    seen = []

    def on_epoch(epoch):
        assert epoch.loss + epoch.penalty == pytest.approx(full_loss(NETWORK, params, rows))
        assert epoch.penalty == pytest.approx(full_loss(NETWORK, params, rows) - epoch.loss)
        assert epoch.loss == pytest.approx(full_loss(NETWORK, params, rows, l2=0))
        seen.append(epoch)
        return epoch.epoch == 14

    found = minimise(NETWORK, params, rows, on_epoch=on_epoch, epochs_before=10)
    assert [epoch.epoch for epoch in seen] == [11, 12, 13, 14]
    assert (found.iterations, found.stopped, found.converged) == (4, True, False)
    assert found.loss == pytest.approx(full_loss(NETWORK, params, rows))
    totals = [epoch.loss + epoch.penalty for epoch in seen]
    assert totals == sorted(totals, reverse=True)
    assert sorted(epoch.seconds for epoch in seen) == [epoch.seconds for epoch in seen]
    assert all(math.isnan(epoch.learning_rate) and epoch.accuracy is None for epoch in seen)


def test_watching_lbfgs_changes_nothing():
    params, watched = new_run().params, new_run().params
    alone = minimise(NETWORK, params, some_rows(), max_iter=20)
    seen = []
    found = minimise(NETWORK, watched, some_rows(), max_iter=20, on_epoch=seen.append)
    assert np.array_equal(params.flat, watched.flat)
    assert len(seen) == found.iterations == alone.iterations == 20


def test_lbfgs_that_is_interrupted_leaves_its_last_iteration():
    rows, params = some_rows(), new_run().params
    taken = []

    def interrupt(epoch):
        taken.append(params.flat.copy())
        if epoch.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        minimise(NETWORK, params, rows, on_epoch=interrupt)
    assert len(taken) == 3
    assert np.array_equal(params.flat, taken[-1])


def test_settings_and_optimisers_are_values():
    assert Settings(Adam()) == Settings(Adam())
    assert hash(SGD(0.9)) == hash(SGD(0.9))
    with pytest.raises(AttributeError):
        Settings(SGD()).tol = 1


def test_a_slot_that_overflows_is_a_divergence():
    """Or Adam would divide by infinity and stand still for ever."""
    linear = Architecture((3, 3))
    rows = some_rows()
    rows = Rows((1e25 * rows.x).astype(np.float32), rows.y_t)
    run = new_run(linear, dtype=np.float32)
    with pytest.raises(DivergenceError, match="slot"):
        train(linear, run, a_setting("adam"), rows, epochs=3)
