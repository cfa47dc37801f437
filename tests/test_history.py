"""The record of a run: rows in order, columns by name, and nothing changes it afterwards."""

import json
from dataclasses import FrozenInstanceError, asdict

import pandas as pd
import pytest

from handgrad.training.history import Epoch, History


def an_epoch(number, validation_loss=None):
    return Epoch(number, 1 / number, 0.5, 0.01, validation_loss, None, 1e-3, 0.1 * number)


@pytest.fixture
def history():
    return History((an_epoch(1), an_epoch(2), an_epoch(3)), "patience")


def test_it_is_a_sequence_of_epochs(history):
    assert len(history) == 3
    assert [epoch.epoch for epoch in history] == [1, 2, 3]
    assert history[0] is history.epochs[0]
    assert history[-1].epoch == 3
    with pytest.raises(IndexError):
        history[3]


def test_a_column_is_found_by_name(history):
    assert history.column("loss") == [1, 1 / 2, 1 / 3]
    assert history.column("validation_loss") == [None] * 3
    assert History(()).column("loss") == []


def test_an_unknown_column_is_answered_with_the_known_ones(history):
    with pytest.raises(KeyError, match=r"no 'los'; it has epoch, loss, accuracy, penalty"):
        history.column("los")
    with pytest.raises(KeyError):
        History(()).column("__class__")


def test_rows_go_into_json_and_into_a_data_frame(history):
    rows = history.rows()
    assert rows[1] == asdict(history[1])
    assert json.loads(json.dumps(rows)) == rows
    frame = pd.DataFrame(rows)
    assert frame["loss"].tolist() == history.column("loss")
    assert list(frame)[:3] == ["epoch", "loss", "accuracy"]


def test_a_later_run_continues_it(history):
    longer = history + History((an_epoch(4),), "max_iter")
    assert longer.column("epoch") == [1, 2, 3, 4]
    assert longer.reason == "max_iter"
    assert len(history) == 3


def test_it_is_a_value(history):
    same = History((an_epoch(1), an_epoch(2), an_epoch(3)), "patience")
    assert history == same
    assert hash(history) == hash(same)
    with pytest.raises(FrozenInstanceError):
        history.reason = "on_epoch"
    with pytest.raises(FrozenInstanceError):
        history[0].loss = 0
