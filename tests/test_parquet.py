"""A table in files is fitted as the same rows in memory, and in piles where these do not fit."""

import os
import signal
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from sklearn.exceptions import ConvergenceWarning

from common import ENGINES
from handgrad import (
    DataError,
    MLPClassifier,
    MLPRegressor,
    Parquet,
    TabularClassifier,
    TabularRegressor,
)
from handgrad.estimators import piles
from handgrad.estimators.source import bytes_of
from handgrad.models.file import to_bytes
from handgrad.tables.kinds import KINDS

N = 20_000
SETTINGS = {"hidden_layer_sizes": (6,), "max_iter": 2, "random_state": 0}

pytestmark = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")


def a_table(rng, n=N):
    x = rng.normal(size=(n, 3))
    low = x[:, 0] + x[:, 2] < -0.4
    return pa.table(
        {
            "a": x[:, 0],
            "b": pa.array(np.where(rng.random(n) < 0.1, np.nan, x[:, 1]), from_pandas=True),
            "c": pa.array(np.array(["u", "v", "w", None])[rng.integers(0, 4, n)]),
            "d": x[:, 2].astype(np.float32),
            "e": np.datetime64("2021-01-01") + rng.integers(0, 900, n),
            "weight": rng.integers(0, 3, n),
            "label": np.where(low, "low", np.where(x[:, 2] > 0.5, "high", "mid")),
            "number": np.exp(x[:, 0] + x[:, 2] ** 2).round(3),
        }
    )


def written(table, path, target, *, weight=None):
    """Write the columns to learn from, the target, and the weights."""
    others = {"label", "number", "weight"} - {target, weight}
    parquet.write_table(table.drop_columns(sorted(others)), path, row_group_size=3001)
    return path


@pytest.fixture
def in_piles(monkeypatch):
    """Have tables that would fit into memory trained on in piles: as many as it takes."""

    def set_up(share=0.5):
        monkeypatch.setattr(Parquet, "fits", property(lambda source: False))
        monkeypatch.setattr(piles, "FOR_PILES", share)

    return set_up


def fit(estimator, source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(source)


def assert_same(ours, theirs):
    assert to_bytes(ours.model_) == to_bytes(theirs.model_)
    assert ours.loss_curve_ == theirs.loss_curve_
    assert ours.held_back_.tolist() == theirs.held_back_.tolist()
    assert ours.validation_scores_ == theirs.validation_scores_
    assert ours.dead_units_ == theirs.dead_units_


CASES = {
    "labels": (MLPClassifier, "label", {}),
    "labels, watched": (MLPClassifier, "label", {"early_stopping": True}),
    "labels, the last watched": (
        MLPClassifier,
        "label",
        {"early_stopping": True, "shuffle": False},
    ),
    "labels, calibrated": (MLPClassifier, "label", {"calibration": "temperature"}),
    "labels, a scorer": (MLPClassifier, "label", {"early_stopping": True, "scoring": "f1_macro"}),
    "robust scales": (MLPClassifier, "label", {"preprocess": "robust"}),
    "two networks, skip": (MLPClassifier, "label", {"n_ensemble": 2, "skip": True}),
    "momentum": (MLPClassifier, "label", {"solver": "sgd", "dropout": 0.2, "dtype": "float32"}),
    "rare levels": (MLPClassifier, "label", {"max_levels": 2, "kinds": {"d": "left out"}}),
    "numbers": (MLPRegressor, "number", {}),
    "numbers, watched": (MLPRegressor, "number", {"early_stopping": True}),
    "quantiles": (MLPRegressor, "number", {"loss": "quantile", "quantiles": (0.2, 0.9)}),
    "huber": (MLPRegressor, "number", {"loss": "huber", "early_stopping": True}),
    "poisson": (MLPRegressor, "number", {"loss": "poisson"}),
}


@pytest.mark.parametrize("case", CASES)
def test_one_pile_is_fitted_as_memory_to_the_bit(rng, tmp_path, in_piles, case):
    kind, target, settings = CASES[case]
    estimator = kind(**SETTINGS | settings)
    weight = "weight" if case.endswith("watched") and "last" not in case else None
    path = written(a_table(rng), tmp_path / "t.parquet", target, weight=weight)
    source = Parquet(path, target, weight, memory="1GB")
    assert source.fits
    theirs = fit(kind(**SETTINGS | settings), source)
    in_piles()
    assert_same(fit(estimator, source), theirs)


@pytest.mark.filterwarnings("ignore:'empty' is left out:handgrad.errors.TableWarning")
def test_columns_of_every_type_are_read_as_in_memory(rng, tmp_path, in_piles):
    n = 6000
    seconds = rng.integers(0, 10**8, n).astype("timedelta64[s]")
    moments = pa.array(np.datetime64("2020-01-01T00:00:00") + seconds)
    x, level = rng.normal(size=n), np.array(["u", "v", "w", "é"])[rng.integers(0, 4, n)]
    table = pa.table(
        {
            "category": pa.array(level).dictionary_encode(),
            "decimal": pa.array(x.round(2)).cast(pa.decimal128(10, 2)),
            "moment": moments,
            "in a zone": moments.cast(pa.timestamp("us", tz="UTC")),
            "time": moments.cast(pa.time32("s")),
            "duration": pa.array(rng.integers(0, 10**6, n).astype("timedelta64[ms]")),
            "byte": rng.integers(0, 200, n).astype(np.uint8),
            "truth": rng.random(n) < 0.5,
            "large": pa.array(level, pa.large_string()),
            "empty": pa.nulls(n),
            "with words": ["low" if v < -1.5 else f"{v:.3f}" for v in x],
            "text": [f"row number {at}" for at in range(n)],
            "label": x + (level == "v") > 0,
        }
    )
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path, row_group_size=1100)
    settings = SETTINGS | {"early_stopping": True}
    theirs = fit(MLPClassifier(**settings), Parquet(path, "label"))
    assert {column.kind for column in theirs.columns_} == set(KINDS)
    in_piles()
    ours = fit(MLPClassifier(**settings), Parquet(path, "label", memory="1GB"))
    assert ours.columns_ == theirs.columns_
    assert_same(ours, theirs)


@pytest.mark.parametrize("engine", ENGINES)
def test_many_piles_learn_what_memory_learns(rng, tmp_path, in_piles, engine):
    settings = SETTINGS | {"max_iter": 5, "early_stopping": True, "engine": engine}
    path = written(a_table(rng), tmp_path / "t.parquet", "label")
    source, lengths = Parquet(path, "label", memory="17MB"), []
    theirs = fit(MLPClassifier(**settings), Parquet(path, "label"))
    in_piles(0.02)
    ours = MLPClassifier(**settings, on_epoch=lambda epoch: lengths.append(epoch.epoch) and None)
    fit(ours, source)
    assert ours.engine_ == theirs.engine_ == engine
    assert ours.t_ == theirs.t_ == 5 * (N - len(theirs.held_back_))
    assert ours.model_.encoder.mean.tolist() == theirs.model_.encoder.mean.tolist()
    assert ours.held_back_.tolist() == theirs.held_back_.tolist()
    assert ours.loss_curve_ != theirs.loss_curve_  # the rows come in another order
    assert ours.best_validation_score_ > theirs.best_validation_score_ - 0.02
    again = fit(MLPClassifier(**settings), source)
    assert again.loss_curve_ == ours.loss_curve_


def test_csv_is_fitted_as_it_is_from_memory(rng, tmp_path, in_piles):
    table = a_table(rng, 3000).drop_columns(["number", "weight"])
    for number in range(3):
        csv.write_csv(table.slice(number * 1000, 1000), tmp_path / f"part {number}.csv")
    source = Parquet(tmp_path, "label", memory="1GB")
    assert source.names == [str(tmp_path / f"part {number}.csv") for number in range(3)]
    theirs = fit(MLPClassifier(**SETTINGS), source)
    in_piles()
    assert_same(fit(MLPClassifier(**SETTINGS), source), theirs)
    by_pattern = Parquet(str(tmp_path / "*.csv"), "label", memory="1GB")
    assert_same(fit(MLPClassifier(**SETTINGS), by_pattern), theirs)


def test_rows_without_a_label_are_refused_or_dropped(rng, tmp_path, in_piles):
    table = a_table(rng, 4000)
    label = table["label"].to_numpy(zero_copy_only=False).copy()
    label[[7, 8, 3999]] = None
    at = table.column_names.index("label")
    table = table.set_column(at, "label", pa.array(label, pa.string()))
    path = written(table, tmp_path / "t.parquet", "label", weight="weight")
    settings = SETTINGS | {"early_stopping": True}
    source = Parquet(path, "label", "weight", memory="1GB", unlabelled="drop")
    theirs = fit(MLPClassifier(**settings), source)
    for piled in (False, True):
        if piled:
            in_piles()
        with pytest.raises(DataError, match=r"column 'label', row 8: every row needs an answer"):
            MLPClassifier(**settings).fit(Parquet(path, "label", "weight", memory="1GB"))
    ours = fit(MLPClassifier(**settings), source)
    assert to_bytes(ours.model_) == to_bytes(theirs.model_)
    weight = table["weight"].to_numpy()
    assert weight[ours.held_back_].all()
    assert not set(ours.held_back_.tolist()) & {7, 8, 3999}
    counted = np.flatnonzero((weight > 0) & [one is not None for one in label])
    labelled = np.flatnonzero([one is not None for one in label])
    assert set(ours.held_back_.tolist()) <= set(counted.tolist())
    assert labelled[theirs.held_back_].tolist() == ours.held_back_.tolist()


@pytest.mark.parametrize("class_weight", ["balanced", {"low": 5.0}])
def test_classes_weigh_what_they_weigh_in_memory(rng, tmp_path, in_piles, class_weight):
    path = written(a_table(rng, 5000), tmp_path / "t.parquet", "label", weight="weight")
    settings = SETTINGS | {"class_weight": class_weight}
    for weight in (None, "weight"):
        source = Parquet(path, "label", weight, memory="1GB")
        theirs = fit(MLPClassifier(**settings), Parquet(path, "label", weight))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Parquet, "fits", property(lambda source: False))
            ours = fit(MLPClassifier(**settings), source)
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


def test_own_rows_to_validate_on_are_watched(rng, tmp_path, in_piles):
    in_piles()
    table = a_table(rng, 3000)
    path = written(table, tmp_path / "t.parquet", "label")
    X = table.drop_columns(["label", "number", "weight"])
    estimator = MLPClassifier(**SETTINGS, early_stopping=True)
    estimator.fit(Parquet(path, "label", memory="1GB"), X_val=X, y_val=table["label"])
    assert len(estimator.validation_scores_) == 2
    assert not len(estimator.held_back_)


def test_a_fit_in_piles_goes_on_from_a_checkpoint_to_the_bit(rng, tmp_path, in_piles):
    in_piles(0.01)
    path = written(a_table(rng), tmp_path / "t.parquet", "label")
    source = Parquet(path, "label", memory="17MB")
    settings = SETTINGS | {"max_iter": 4, "early_stopping": True}
    whole = fit(MLPClassifier(**settings), source)

    def broken_off(epoch):
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    folder = {"checkpoint": tmp_path / "kept", "checkpoint_every": 1}
    with pytest.raises(KeyboardInterrupt):
        fit(MLPClassifier(**settings, **folder, on_epoch=broken_off), source)
    resumed = fit(MLPClassifier(**settings, **folder, resume=True), source)
    assert resumed.loss_curve_ == whole.loss_curve_
    assert to_bytes(resumed.model_) == to_bytes(whole.model_)
    other = written(a_table(rng), tmp_path / "t.parquet", "label")
    with pytest.raises(KeyboardInterrupt):
        fit(MLPClassifier(**settings, **folder, on_epoch=broken_off), source)
    parquet.write_table(parquet.read_table(other).slice(1), other)
    with pytest.raises(ValueError, match="other data"):
        fit(MLPClassifier(**settings, **folder, resume=True), source)


# ------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "lbfgs"}, r"solver='lbfgs' \(take 'adam'\) needs all rows in memory"),
        (
            {"preprocess": "piecewise"},
            r"preprocess='piecewise' \(take 'auto' or 'robust'\) needs all",
        ),
        ({"preprocess": None}, r"preprocess=None \(take 'auto' or 'robust'\) needs all rows"),
        ({"batch_size": 10**7}, r"batch_size=10000000 takes .* take smaller batches"),
    ],
)
def test_what_needs_all_rows_is_refused(rng, tmp_path, in_piles, settings, message):
    in_piles()
    path = written(a_table(rng, 500), tmp_path / "t.parquet", "label")
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**SETTINGS | settings).fit(Parquet(path, "label", memory="17MB"))


def test_a_table_in_files_is_for_fit_alone(rng, tmp_path, in_piles):
    path = written(a_table(rng, 500), tmp_path / "t.parquet", "label")
    source = Parquet(path, "label", memory="1GB")
    with pytest.raises(TypeError, match="pass neither y nor sample_weight"):
        MLPClassifier().fit(source, ["low"])
    with pytest.raises(TypeError, match="partial_fit takes rows"):
        MLPClassifier().partial_fit(source, None, classes=["low", "mid", "high"])
    with pytest.raises(TypeError, match="only MLPClassifier and MLPRegressor"):
        TabularClassifier().fit(source, None)
    estimator = fit(MLPClassifier(**SETTINGS, warm_start=True), source)
    with pytest.raises(TypeError, match="only MLPClassifier and MLPRegressor"):
        estimator.predict(source)
    in_piles()
    with pytest.raises(ValueError, match="warm_start=True goes on with rows in memory"):
        estimator.fit(source)


@pytest.mark.parametrize("piled", [False, True])
def test_columns_and_cells_at_fault_are_named(rng, tmp_path, in_piles, piled):
    if piled:
        in_piles()
    table = a_table(rng, 4000)
    path = written(table, tmp_path / "t.parquet", "label", weight="weight")

    def refused(match, *source, kind=MLPClassifier):
        with pytest.raises(DataError, match=match):
            kind(**SETTINGS).fit(Parquet(path, *source, memory="1GB"))

    refused("there is no column 'nothing'", "nothing")
    refused("there is no column 'much'", "label", "much")
    refused("'label' is the target", "label", "label")
    refused("column 'label', row 1: ", "label", kind=MLPRegressor)
    parquet.write_table(pa.table({"x": [1.0, 2.0], "number": [1, -1]}), tmp_path / "n.parquet")
    place = "column 'number', row 2: -1 must be" if piled else "got -1 in row 2"
    with pytest.raises(ValueError, match=place):
        MLPRegressor(loss="poisson").fit(Parquet(tmp_path / "n.parquet", "number", memory="1GB"))
    at = table.column_names.index("weight")
    weight = table["weight"].to_pylist()
    for wrong in (-2, None):
        weight = [*weight[:3500], wrong, *weight[3501:]]
        written(table.set_column(at, "weight", pa.array(weight)), path, "label", weight="weight")
        refused("column 'weight', row 3501: a weight must be", "label", "weight")
    a = table["a"].to_numpy().copy()
    a[3210] = np.inf
    written(table.set_column(0, "a", pa.array(a)), path, "label")
    refused("column 'a', row 3211: inf is not a finite number", "label")
    parquet.write_table(pa.table({"label": ["a", "b"]}), path)
    refused("must have columns besides 'label'", "label")
    parquet.write_table(a_table(rng, 0), path)
    refused("no rows", "label")


def test_a_file_that_changes_is_noticed(rng, tmp_path, in_piles, monkeypatch):
    in_piles()
    path = written(a_table(rng, 4000), tmp_path / "t.parquet", "label")
    gathered = piles._Table.gathered

    def and_changed(table, held):
        written(a_table(rng, 4000), path, "label")
        return gathered(table, held)

    monkeypatch.setattr(piles._Table, "gathered", and_changed)
    with pytest.raises(DataError, match="has changed since it was first read"):
        MLPClassifier(**SETTINGS).fit(Parquet(path, "label", memory="1GB"))


def test_fractions_are_no_labels_in_a_file_either(tmp_path, in_piles):
    table = pa.table({"x": np.arange(40.0), "y": np.arange(40) % 2 + 0.5})
    parquet.write_table(table, tmp_path / "t.parquet")
    for prepare in (lambda: None, in_piles):
        prepare()
        with pytest.raises(ValueError, match="Unknown label type: continuous"):
            MLPClassifier(**SETTINGS).fit(Parquet(tmp_path / "t.parquet", "y", memory="1GB"))


def test_a_recipe_of_all_rows_takes_no_parquet(tmp_path):
    for kind in (TabularClassifier, TabularRegressor):
        with pytest.raises(TypeError, match="only MLPClassifier and MLPRegressor take a Parquet"):
            kind().fit(Parquet(tmp_path / "t.parquet", "y"))


def test_files_that_are_not_there_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    for path, message in {
        "*.parquet": "no file fits the pattern",
        "empty": "there are no files in the folder",
        "none.parquet": "No such file",
    }.items():
        with pytest.raises(FileNotFoundError, match=message):
            MLPClassifier().fit(Parquet(str(tmp_path / path), "y", memory="1GB"))
    with pytest.raises(ValueError, match="at least one path"):
        MLPClassifier().fit(Parquet([], "y"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (5, 5),
        ("12", 12),
        ("1.5GiB", 3 << 29),
        ("500 MB", 500_000_000),
        ("2gb", 2 * 10**9),
        ("1t", 10**12),
    ],
)
def test_memory_is_read_as_people_write_it(text, expected):
    assert bytes_of(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1,5GB", "2 cores", True, None])
def test_what_is_no_memory_is_refused(text):
    with pytest.raises(ValueError, match='such as "500MB"'):
        bytes_of(text)
    with pytest.raises(ValueError, match="at least 16,777,216 bytes"):
        Parquet("x", "y", memory="1MB")
    with pytest.raises(ValueError, match="unlabelled must be one of"):
        Parquet("x", "y", unlabelled="maybe")


# ------------------------------------------------------------------ in a process of its own

FIT = """
    import os, signal, sys, warnings
    warnings.simplefilter("ignore")
    from handgrad import MLPClassifier, Parquet
    def on_epoch(epoch):
        # not ru_maxrss, which begins with that of the process that has started this one
        status = open("/proc/self/status").read().split()
        print(int(status[status.index("VmHWM:") + 1]) // 1024, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    estimator = MLPClassifier((8,), max_iter=1, batch_size=1000, dtype="float32", random_state=0,
                              on_epoch=on_epoch, early_stopping=True)
    source = Parquet(sys.argv[1], "y", memory="32MiB")
    assert not source.fits
    estimator.fit(source)
"""


def a_long_file(path, rng, n):
    group = 50_000
    schema = pa.schema(
        [*[pa.field(f"x{i}", pa.float32()) for i in range(20)], pa.field("y", pa.int8())]
    )
    with parquet.ParquetWriter(path, schema, compression="none") as writer:
        for _ in range(n // group):
            x = rng.random((20, group), dtype=np.float32)
            columns = [*x, (x[0] > x[1]).astype(np.int8)]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=group)


def test_memory_is_bounded_and_nothing_is_left_behind_even_by_a_kill(rng, tmp_path):
    path, folder = tmp_path / "long.parquet", tmp_path / "scratch"
    folder.mkdir()
    a_long_file(path, rng, 250_000)  # 25 MB as they are learnt from, 160 MB as they are read
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FIT), str(path)],
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == -signal.SIGKILL, found.stderr
    assert int(found.stdout) < 32 + 300
    assert not list(folder.iterdir())
