"""A fit that was broken off goes on from its checkpoint, to the bits of an unbroken one."""

import itertools
import os
import re
import signal
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from common import ENGINES, needs_compiled
from handgrad import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor
from handgrad.errors import CheckpointWarning, ModelFileError
from handgrad.estimators import keeping
from handgrad.models.checkpoint import Standing, from_bytes, to_bytes
from handgrad.models.file import load_model
from handgrad.models.file import to_bytes as model_bytes
from handgrad.optim import SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SCHEDULES = ("constant", "invscaling", "adaptive", "cosine", "warmup")


class BrokenOff(BaseException):
    """What no code of ours expects."""


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4))
    return X, np.where(X[:, 0] * X[:, 1] + 0.5 * rng.normal(size=90) > 0, "yes", "no")


def settings(**changes):
    usual = {
        "hidden_layer_sizes": (6,),
        "max_iter": 9,
        "batch_size": 32,
        "n_iter_no_change": 3,
        "tol": 1e-3,
        "learning_rate_init": 0.01,
        "random_state": 3,
        "engine": "numpy",
    }
    return usual | changes


def broken_off(model, rows, at):
    """Fit until so many epochs are over."""
    ended = itertools.count(1)

    def on_epoch(_):
        if next(ended) == at:
            raise BrokenOff

    with pytest.raises(BrokenOff):
        model.set_params(on_epoch=on_epoch).fit(*rows)


def told(model):
    """All that a fit tells of itself, but its seconds."""
    histories = [network.history for network in getattr(model, "networks_", ())]
    histories = histories or model.histories_
    record = [([replace(epoch, seconds=0) for epoch in h], h.reason) for h in histories]
    return model_bytes(model.model_), record, repr(model._now.record), model._now.explosion


def goes_on(kind, rows, folder, at, every=1, **asked):
    """Break a fit off and go on; give the estimator, and one that was not broken off."""
    broken_off(kind(**asked, checkpoint=folder, checkpoint_every=every), rows, at)
    resumed = kind(**asked, checkpoint=folder, resume=True).fit(*rows)
    return resumed, kind(**asked).fit(*rows)


# -- equal to the bit -----------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_resumed_fit_has_the_bits_of_an_unbroken_one(rows, tmp_path, engine, dtype, schedule):
    ways = itertools.product(SOLVERS, [False, True], [1, 2])
    for number, (solver, stopping, networks) in enumerate(ways):
        dropout = (0.0, 0.3)[(number + number // 4) % 2]
        asked = settings(
            solver=solver,
            learning_rate=schedule,
            dropout=dropout,
            early_stopping=stopping,
            n_ensemble=networks,
            engine=engine,
            dtype=dtype,
        )
        epochs = sum(map(len, MLPClassifier(**asked).fit(*rows).histories_))
        at, every = 1 + (7 * number) % epochs, 2 if number % 6 == 0 else "1h"  # a disk is slow
        folder = tmp_path / str(number)
        resumed, unbroken = goes_on(MLPClassifier, rows, folder, at, every, **asked)
        assert told(resumed) == told(unbroken), (solver, dropout, stopping, networks, at)


@pytest.mark.parametrize("at", range(1, 10))
def test_every_epoch_is_one_to_go_on_from(rows, tmp_path, at):
    asked = settings(
        early_stopping=True, n_iter_no_change=4, learning_rate_init=0.3, scoring="loss"
    )
    losses = MLPClassifier(**asked).fit(*rows).history_.column("validation_loss")
    epochs = len(losses)
    assert np.argmin(losses) + 1 < epochs  # the best epoch is put back
    resumed, unbroken = goes_on(MLPClassifier, rows, tmp_path, min(at, epochs), **asked)
    assert told(resumed) == told(unbroken)


def test_a_fit_goes_on_after_several_breaks(rows, tmp_path):
    asked = settings(max_iter=12, tol=0.0, n_ensemble=2)
    kept = asked | {"checkpoint": tmp_path, "checkpoint_every": 2}
    broken_off(MLPClassifier(**kept), rows, 5)
    for at in (3, 4, 5):
        broken_off(MLPClassifier(**kept, resume=True), rows, at)
    resumed = MLPClassifier(**kept, resume=True).fit(*rows)
    assert told(resumed) == told(MLPClassifier(**asked).fit(*rows))


def test_the_seed_that_was_drawn_is_kept(rows, tmp_path):
    asked = settings(random_state=None, early_stopping=True)
    broken_off(MLPClassifier(**asked, checkpoint=tmp_path, checkpoint_every=1), rows, 4)
    first = from_bytes(next(iter(sorted(tmp_path.iterdir()))).read_bytes())
    resumed = MLPClassifier(**asked, checkpoint=tmp_path, resume=True).fit(*rows)
    again = MLPClassifier(**asked, checkpoint=tmp_path, resume=True).fit(*rows)
    assert told(resumed) == told(again)
    assert resumed.history_[0].loss == first.standings["1"].history[0].loss


def test_numbers_weights_validation_and_sparse_rows(rows, tmp_path):
    X, y = rows[0], rows[0][:, 0] ** 2
    weight = np.linspace(0.5, 2, len(y))
    asked = settings(early_stopping=True)

    def fit(model, X):
        return model.fit(X, y, weight, X_val=X[:20], y_val=y[:20], sample_weight_val=weight[:20])

    for name, X_ in (("dense", X), ("sparse", csr_array(X))):
        kept = asked | {"checkpoint": tmp_path / name, "checkpoint_every": 1, "preprocess": None}
        ended = itertools.count(1)

        def on_epoch(_, ended=ended):
            if next(ended) == 4:
                raise BrokenOff

        with pytest.raises(BrokenOff):
            fit(MLPRegressor(**kept, on_epoch=on_epoch), X_)
        resumed = fit(MLPRegressor(**kept, resume=True), X_)
        assert told(resumed) == told(fit(MLPRegressor(**asked, preprocess=None), X_))


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
@pytest.mark.parametrize("at", [1, 30, 77])
def test_a_race_goes_on(rows, tmp_path, kind, at):
    X, y = rows
    y = y if kind is TabularClassifier else X[:, 0] ** 2
    asked = {"effort": "fast", "n_networks": 2, "random_state": 0, "updates": (40, 80)}
    resumed, unbroken = goes_on(kind, (X, y), tmp_path, at, **asked)
    assert told(resumed) == told(unbroken)
    assert [n.share for n in resumed.networks_] == [n.share for n in unbroken.networks_]
    np.testing.assert_array_equal(
        *(model._now.out_of_bag.scores for model in (resumed, unbroken)), strict=True
    )


@needs_compiled
def test_networks_that_trained_ahead_are_as_in_turn(rows, tmp_path):
    asked = settings(n_ensemble=4, engine="compiled", max_iter=40, tol=0.0)
    resumed, unbroken = goes_on(MLPClassifier, rows, tmp_path, 61, 7, **asked)
    assert told(resumed) == told(unbroken)


def test_warm_start_goes_on_from_the_best_epoch_with_its_own_memory(rows):
    """The optimiser's memory is that of the epoch that was put back, not of the last."""
    asked = settings(early_stopping=True, max_iter=30, warm_start=True, learning_rate_init=0.05)
    model = MLPClassifier(**asked).fit(*rows)
    best = int(np.argmin(model.history_.column("validation_loss"))) + 1
    assert best < len(model.history_)
    there = MLPClassifier(**asked, on_epoch=lambda epoch: epoch.epoch == best).fit(*rows)
    run, reference = model._fit_.runs[0], there._fit_.runs[0]
    np.testing.assert_array_equal(run.slots, reference.slots)
    np.testing.assert_array_equal(run.params.flat, reference.params.flat)
    batches = -(-(len(rows[1]) - len(model.held_back_)) // 32)
    assert run.updates == reference.updates == best * batches


# -- what is refused, and said ------------------------------------------------------------------


@pytest.fixture
def kept(rows, tmp_path):
    """A folder with a fit that was broken off, and its settings."""
    asked = settings(checkpoint=tmp_path / "kept", checkpoint_every=1)
    broken_off(MLPClassifier(**asked), rows, 4)
    return asked | {"resume": True}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"alpha": 0.5}, "alpha was 0.0001 and is 0.5"),
        ({"max_iter": 10}, "max_iter was 9 and is 10"),
        ({"random_state": 4}, "random_state was 3 and is 4"),
        ({"learning_rate": lambda epoch: 0.1}, "learning_rate was 'constant' and is "),
        ({"dtype": "float32"}, "dtype was 'auto' and is 'float32'"),
        ({"class_weight": "balanced"}, "the rows differ"),
    ],
)
def test_other_settings_are_refused_by_name(rows, kept, changes, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        MLPClassifier(**kept | changes).fit(*rows)


def test_another_estimator_is_refused(rows, kept):
    here = {name: kept[name] for name in ("checkpoint", "checkpoint_every", "resume")}
    with pytest.raises(ValueError, match="the estimator was MLPClassifier and is TabularClass"):
        TabularClassifier(**here, random_state=3).fit(*rows)


def test_other_data_is_refused(rows, kept):
    X, y = rows
    other = X.copy()
    other[5, 2] += 1e-9
    with pytest.raises(ValueError, match="the rows"):
        MLPClassifier(**kept).fit(other, y)
    with pytest.raises(ValueError, match="the rows"):
        MLPClassifier(**kept).fit(X[:-1], y[:-1])
    swapped = y.copy()
    swapped[:2] = swapped[1::-1] if swapped[0] != swapped[1] else ["no", "yes"]
    with pytest.raises(ValueError, match="the rows"):
        MLPClassifier(**kept).fit(X, swapped)
    renamed = np.where(y == "yes", "yeah", "no")
    with pytest.raises(ValueError, match="columns, classes or first parameters differ"):
        MLPClassifier(**kept).fit(X, renamed)
    assert told(MLPClassifier(**kept).fit(*rows))  # and nothing was lost


def test_another_machine_is_told(rows, kept, monkeypatch):
    from handgrad.engines import machine

    monkeypatch.setattr(machine, "describe", lambda: {**here, "numpy": "9.9"})
    here = {"numpy": "", "blas": [], "engines": {"numpy": {}}}
    with pytest.warns(
        CheckpointWarning, match=r"another machine: .*the version of NumPy was .* and is 9\.9"
    ):
        MLPClassifier(**kept).fit(*rows)


def test_other_libraries_may_be_loaded(rows, tmp_path, monkeypatch):
    from handgrad.engines import machine

    pools = [{"name": name, "version": "1", "kernel": "x", "threads": 1} for name in "ab"]
    here = machine.describe()
    monkeypatch.setattr(machine, "describe", lambda: {**here, "blas": pools})
    asked = settings(checkpoint=tmp_path)
    broken_off(MLPClassifier(**asked), rows, 4)
    monkeypatch.setattr(machine, "describe", lambda: {**here, "blas": pools[:1]})
    MLPClassifier(**asked, resume=True).fit(*rows)  # a warning would be an error


def test_a_fit_that_was_broken_off_is_not_written_over(rows, kept):
    with pytest.raises(
        ValueError, match=r"broken off \(network 1, epoch 4\); set resume \(--resume\) to go on"
    ):
        MLPClassifier(**kept | {"resume": False}).fit(*rows)
    assert len(list(kept["checkpoint"].iterdir())) == 2


def test_a_finished_fit_gives_way_to_the_next(rows, kept):
    first = MLPClassifier(**kept).fit(*rows)
    other = kept | {"resume": False, "random_state": 8, "checkpoint_every": "1h"}

    def on_epoch(_):
        assert not list(kept["checkpoint"].iterdir())  # nothing to take for this fit's own

    assert told(MLPClassifier(**other, on_epoch=on_epoch).fit(*rows)) != told(first)


def test_a_finished_fit_is_there_at_once(rows, kept):
    first = MLPClassifier(**kept).fit(*rows)
    names, epochs = {path.name for path in kept["checkpoint"].iterdir()}, []
    again = MLPClassifier(**kept | {"on_epoch": epochs.append}).fit(*rows)
    assert (told(again), epochs) == (told(first), [])
    assert {path.name for path in kept["checkpoint"].iterdir()} == names


def test_without_a_checkpoint_to_go_on_from_a_fit_begins(rows, tmp_path):
    asked = settings()
    model = MLPClassifier(**asked, checkpoint=tmp_path / "a" / "b", resume=True).fit(*rows)
    assert told(model) == told(MLPClassifier(**asked).fit(*rows))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"solver": "lbfgs"}, "SciPy keeps its memory of the curvature to itself"),
        ({"checkpoint_every": "soon"}, "'checkpoint_every' parameter must be a number of epochs"),
        ({"checkpoint_every": "0s"}, "'checkpoint_every' parameter must be a number of epochs"),
        ({"checkpoint_every": 0}, "'checkpoint_every' parameter"),
        ({"checkpoint": None, "resume": True}, "name its folder by checkpoint"),
        ({"checkpoint": 3}, "'checkpoint' parameter"),
    ],
)
def test_what_means_nothing_is_refused(rows, tmp_path, changes, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        MLPClassifier(**settings(checkpoint=tmp_path) | changes).fit(*rows)


def test_streams_and_warm_starts_have_no_checkpoints(rows, tmp_path):
    model = MLPClassifier(**settings(warm_start=True)).fit(*rows)
    with pytest.raises(ValueError, match="warm_start=True goes on from another one"):
        model.set_params(checkpoint=tmp_path).fit(*rows)
    with pytest.raises(ValueError, match="partial_fit makes no checkpoints"):
        model.partial_fit(*rows)


def test_two_fits_do_not_share_a_folder(rows, tmp_path):
    asked = settings(checkpoint=tmp_path)

    def on_epoch(_):
        with pytest.raises(ValueError, match="another fit writes its checkpoints"):
            MLPClassifier(**asked).fit(*rows)
        return True

    MLPClassifier(**asked, on_epoch=on_epoch).fit(*rows)


# -- the files ----------------------------------------------------------------------------------


def test_two_files_are_kept(rows, kept):
    names = sorted(path.name for path in kept["checkpoint"].iterdir())
    assert names == ["checkpoint-000003.safetensors", "checkpoint-000004.safetensors"]


def test_times_decide_too(rows, tmp_path):
    asked = settings(checkpoint=tmp_path)
    MLPClassifier(**asked | {"checkpoint_every": "1h"}).fit(*rows)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000001.safetensors"]


def test_a_full_disk_does_not_end_the_fit(rows, kept, monkeypatch):
    def full(path, _):
        raise OSError(28, "No space left on device", str(path))

    there = {path: path.read_bytes() for path in kept["checkpoint"].iterdir()}
    monkeypatch.setattr(keeping, "write_atomically", full)
    with pytest.warns(CheckpointWarning, match=r"could not be written.*No space left"):
        model = MLPClassifier(**kept).fit(*rows)
    assert told(model) == told(MLPClassifier(**settings()).fit(*rows))
    assert {path: path.read_bytes() for path in kept["checkpoint"].iterdir()} == there


def test_a_damaged_file_is_passed_over_with_a_warning(rows, kept):
    unbroken = MLPClassifier(**settings()).fit(*rows)
    last = max(kept["checkpoint"].iterdir())
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    with pytest.warns(CheckpointWarning, match="cannot be read and is passed over"):
        assert told(MLPClassifier(**kept).fit(*rows)) == told(unbroken)


def test_no_file_that_is_whole_is_an_error(rows, kept):
    for path in kept["checkpoint"].iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        with pytest.raises(ModelFileError, match=r"no checkpoint in .* can be read"):
            MLPClassifier(**kept).fit(*rows)


def test_every_flip_is_seen(kept):
    content = max(kept["checkpoint"].iterdir()).read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(len(content), size=150):
        flipped = bytearray(content)
        flipped[place] ^= 1 << rng.integers(8)
        with pytest.raises(ModelFileError):
            from_bytes(bytes(flipped))


def test_models_and_checkpoints_are_not_taken_for_each_other(rows, kept, tmp_path):
    path = max(kept["checkpoint"].iterdir())
    with pytest.raises(ModelFileError, match="a checkpoint of a training, not a model"):
        load_model(path)
    model = MLPClassifier(**settings()).fit(*rows)
    with pytest.raises(ModelFileError, match="a model, not a checkpoint of a training"):
        from_bytes(model_bytes(model.model_))


def test_a_checkpoint_comes_back_as_it_was(kept):
    content = max(kept["checkpoint"].iterdir()).read_bytes()
    found = from_bytes(content)
    assert isinstance(found.standings["1"], Standing)
    assert found.standings["1"].numbers["epochs"] == 4
    assert to_bytes(found) == content


def test_a_checkpoint_holds_no_row(tmp_path):
    X = np.array([[123.456789, 1.0], [2.0, 3.0]] * 20)
    MLPClassifier(**settings(checkpoint=tmp_path)).fit(X, ["a secret label", "b"] * 20)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"secret" not in content
    for dtype in ("f4", "f8"):
        assert np.array(123.456789, dtype).tobytes() not in content


# -- killed ---------------------------------------------------------------------------------------

KILLED = """
import sys, numpy as np, time, os
from handgrad import MLPClassifier
rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4))
y = X[:, 0] > 0
model = MLPClassifier((6,), max_iter=200, tol=0, n_iter_no_change=np.inf, random_state=0,
    engine="numpy", early_stopping=True, checkpoint=sys.argv[1], checkpoint_every=1, resume=True)
print("ready", flush=True)
model.fit(X, y).save(sys.argv[2])
"""


def test_a_killed_fit_goes_on(tmp_path):
    """The full drill is benchmarks/survival.py."""
    rng = np.random.default_rng(0)
    command = [sys.executable, "-c", KILLED]
    unbroken = [tmp_path / "once", tmp_path / "once.safetensors"]
    subprocess.run([*command, *unbroken], check=True, capture_output=True)
    killed = [tmp_path / "often", tmp_path / "often.safetensors"]
    for _ in range(4):
        with subprocess.Popen([*command, *killed], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            try:
                process.wait(0.02 + rng.random() / 2)
            except subprocess.TimeoutExpired:
                process.kill()
    subprocess.run([*command, *killed], check=True, capture_output=True)
    assert killed[1].read_bytes() == unbroken[1].read_bytes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_the_epoch_and_keep_it(tmp_path, number, code):
    fit = [sys.executable, "-m", "handgrad", "fit", "--recipe", "plain", "--patience", "100000"]
    fit += ["--epochs", "3000", "--hidden", "8"]
    kept = ["--checkpoint", str(tmp_path / "kept"), "--checkpoint-every", "1"]
    with subprocess.Popen(
        [*fit, *kept],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        while len(list(tmp_path.glob("kept/*.safetensors"))) < 2 and process.poll() is None:
            pass
        os.kill(process.pid, number)
        noted = process.stderr.read().decode()
    assert process.returncode == code, noted
    assert "ending this epoch to keep it" in noted
    assert "the same command with --resume goes on from" in noted
    models = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    resumed = [*fit, *kept, "--resume", "--model", str(models[0]), "-q"]
    subprocess.run(resumed, check=True, capture_output=True)
    subprocess.run([*fit, "--model", str(models[1]), "-q"], check=True, capture_output=True)
    assert models[0].read_bytes() == models[1].read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--resume"], "--resume needs --checkpoint FOLDER"),
        (["--checkpoint-every", "5"], "--checkpoint-every needs --checkpoint FOLDER"),
        (["--checkpoint", "x", "--checkpoint-every", "5 days"], "a time such as 30s, 5min or 1h"),
        (["--checkpoint", "x", "--checkpoint-every", "0"], "a time such as 30s, 5min or 1h"),
    ],
)
def test_options_that_mean_nothing_are_refused(call, options, message):
    code, _, noted = call("fit", *options)
    assert code == 2
    assert message in noted
