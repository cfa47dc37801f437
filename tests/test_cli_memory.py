"""``handgrad fit --memory``: tables that fit are trained on as ever, longer ones in piles."""

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from handgrad.models.file import load_model

N = 30_000


@pytest.fixture
def folder(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    x = rng.normal(size=(N, 12))
    x[::7, 1] = np.nan
    label = np.where(x[:, 0] + x[:, 2] > 0, "yes", "no").astype(object)
    label[[3, 10]] = [None, "?"]
    columns = {f"x{at}": pa.array(column, from_pandas=True) for at, column in enumerate(x.T)}
    columns |= {"row": np.arange(N), "weight": np.arange(N) % 3, "label": pa.array(label)}
    columns["number"] = x[:, 0] * 3 + 100
    columns |= {"same": pa.array(["only"] * N), "still": np.full(N, 5.0)}
    table = pa.table(columns)
    (tmp_path / "long").mkdir()
    for number in range(3):
        part = table.slice(number * N // 3, N // 3)
        parquet.write_table(part, tmp_path / "long" / f"{number}.parquet")
    csv.write_csv(table, tmp_path / "long.csv")
    return tmp_path


@pytest.fixture
def told(call, folder):
    """Run a command that must succeed; give stdout and stderr."""

    def run(*arguments):
        code, out, err = call(*arguments)
        assert code == 0, err
        return out, err

    return run


COMMON = ("--epochs", 3, "--drop", "row", "--missing", "label=?", "--memory", "17MB", "--seed", 1)
LABELS = (*COMMON, "--target", "label", "--drop", "number", "--weight", "weight")


def test_a_folder_longer_than_memory_is_trained_on_in_piles(told):
    out, _ = told("fit", "long", *LABELS, "--model", "m.handgrad", "--json")
    found = json.loads(out)
    assert found["settings"]["recipe"] == "plain"
    assert not {"row", "number"} & {one["name"] for one in found["columns"]}  # as in memory
    assert found["rows"]["without_label"] == 2
    assert found["rows"]["without_weight"] == N // 3 - 1  # row 3 has neither
    learnt = found["rows"]["training"] + found["rows"]["validation"]
    assert learnt == N - 2 - found["rows"]["without_weight"]
    assert found["judged_by"] == "validation"
    assert found["evaluation"]["accuracy"] > 0.9
    assert found["evaluation"]["log_loss"] == pytest.approx(
        min(epoch["validation_loss"] for epoch in found["history"])
    )
    model = load_model("m.handgrad")
    assert model.target == "label"
    out, _ = told(
        "evaluate", "m.handgrad", "long.csv", "--weight", "weight", "--unknown", "allow", "--json"
    )
    assert json.loads(out)["accuracy"] > 0.9


def test_a_fit_that_was_broken_off_goes_on(call, told):
    options = ("long", *LABELS, "--json", "--checkpoint", "kept", "--checkpoint-every", "1")
    whole = json.loads(told("fit", *options)[0])
    assert max(Path("kept").iterdir()).unlink() is None  # the last epoch is lost
    again = json.loads(told("fit", *options, "--resume")[0])
    assert again["evaluation"] == whole["evaluation"]


def test_numbers_are_trained_on_in_piles(told):
    out, _ = told(
        "fit",
        "long",
        *COMMON,
        "--task",
        "regression",
        "--target",
        "number",
        "--drop",
        "label",
        "--verbose",
    )
    assert "target number" in out
    assert "expect a little less on new ones. handgrad evaluate, on other files" in out


def test_a_dry_run_tells_the_columns_and_trains_nothing(told):
    columns = [one for one in LABELS if one not in ("--epochs", 3)]
    out, err = told("fit", "long", *columns, "--dry-run")
    assert "Nothing was trained" in out
    assert "--recipe plain trains on it pile by pile" in err
    assert not any(line.split()[:1] in (["row"], ["number"]) for line in out.splitlines())


def test_a_table_that_fits_is_trained_on_as_ever(told):
    options = ("--target", "label", "--epochs", 2, "--json", "--missing", "label=?")
    asked = [told("fit", "long/0.parquet", *options, *more) for more in (("--memory", "1GB"), ())]
    assert "the table fits into --memory" in asked[0][1]
    found, expected = (json.loads(out) for out, _ in asked)
    for one in (found, expected):
        del one["settings"]["memory"], one["seconds"], one["history"]
    assert found == expected


PLAIN = ("--epochs", 3, "--memory", "17MB")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--memory", "17MB", "--effort", "fast"), "--effort needs all rows in memory"),
        (("--memory", "17MB", "--recipe", "strong"), "--recipe strong needs all rows in memory"),
        ((*PLAIN, "--test", 0.2), "--test needs all rows in memory"),
        ((*PLAIN, "--report", "r"), "--report needs all rows in memory"),
        ((*PLAIN, "--validation-last"), "--validation-last needs all rows in memory"),
        ((*PLAIN, "--validation", 0), "--validation 0 leaves no rows"),
        ((*PLAIN, "--missing", "label=?", "--preprocess", "piecewise"), "preprocess='piecewise'"),
        ((*PLAIN, "--drop", "nothing"), "the table has no such column"),
        (("--memory", "12"), "must be at least 16,777,216 bytes"),
        (("--memory", "much"), 'such as "500MB"'),
    ],
)
def test_what_does_not_go_together_is_refused(call, folder, options, message):
    code, _, err = call("fit", "long", "--target", "label", *options)
    assert code in (1, 2, 3)
    assert message in " ".join(err.split())


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--target", "x0"), 3, "must hold classes, but holds fractions"),
        (("--target", "row"), 3, "must hold classes, each in several rows"),
        (("--target", "same"), 3, "must hold two classes or more; every row is 'only'"),
        (("--target", "still", "--task", "regression"), 3, "must hold two numbers or more"),
        (("--target", "nothing"), 2, "the table has no such column"),
        (("--target", "label", "--weight", "nothing"), 2, "the table has no such column"),
        (("--target", "label", "--drop", "label"), 2, "would leave out the target"),
    ],
)
def test_what_memory_refuses_piles_refuse_alike(call, folder, options, code, message):
    for more in ((), ("--memory", "17MB")):
        found, out, err = call("fit", "long", "--recipe", "plain", *options, *more)
        assert (found, out) == (code, ""), err
        assert message in " ".join(err.split())


def test_a_dropped_column_is_not_looked_at(call, folder):
    table = parquet.read_table("long/0.parquet")
    table = table.append_column("odd", pa.array(np.full(len(table), np.inf)))
    parquet.write_table(pa.concat_tables([table] * 3), "odd.parquet")
    code, _, err = call("fit", "odd.parquet", *LABELS, "--drop", "odd")
    assert code == 0, err


def test_a_pipe_is_refused(call, folder):
    os.mkfifo("pipe")
    code, _, err = call("fit", "pipe", *LABELS)
    assert code == 2
    assert "is a pipe; write it to a file first" in err
