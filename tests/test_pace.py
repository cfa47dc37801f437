"""How many threads take a step: those that took the least time of late."""

import numpy as np
import pytest

from common import needs_compiled
from handgrad.batch import Rows
from handgrad.engines.compiled.pace import CALLS_BETWEEN, TRIALS, Pace
from handgrad.network import Architecture
from handgrad.optim import SGD, Adam, Steps
from handgrad.params import glorot_uniform


def numbers_of(pace, seconds, calls):
    """List the numbers that are chosen while a call of each takes these seconds."""
    chosen = []
    for _ in range(calls):
        chosen.append(pace.threads())
        pace.note(chosen[-1], seconds[chosen[-1]])
    return chosen


def test_one_thread_is_never_questioned():
    assert set(numbers_of(Pace(1), {1: 1.0}, 100)) == {1}


def test_every_halving_is_tried_in_turns_and_then_the_fastest_is_taken():
    chosen = numbers_of(Pace(8), {8: 3.0, 4: 1.0, 2: 2.0, 1: 4.0}, 16)
    assert chosen == [*[8, 4, 2, 1] * TRIALS, *[4] * 8]


@pytest.mark.parametrize("slower", [1.0, 2.0])
def test_others_are_tried_again_the_later_the_slower_they_were(slower):
    chosen = numbers_of(Pace(2), {2: 1.0, 1: slower}, 400)
    assert chosen[:4] == [2, 1] * TRIALS
    again = [place for place, number in enumerate(chosen) if number == 1][1:]
    assert len(again) > 5
    assert set(np.diff(again).tolist()) == {CALLS_BETWEEN * slower**2 + 2}


def test_a_machine_that_becomes_quiet_is_noticed():
    pace = Pace(2)
    assert numbers_of(pace, {2: 3.0, 1: 1.0}, 50)[-1] == 1
    assert numbers_of(pace, {2: 0.5, 1: 1.0}, 400)[-100:].count(2) > 95


def test_a_slow_first_call_decides_nothing():
    pace = Pace(2)
    pace.note(2, 50.0)
    assert numbers_of(pace, {2: 1.0, 1: 2.0}, 20)[-10:] == [2] * 10


def test_one_slow_call_is_soon_forgotten():
    pace = Pace(2)
    numbers_of(pace, {2: 1.0, 1: 2.0}, 10)
    pace.note(2, 50.0)
    assert numbers_of(pace, {2: 1.0, 1: 2.0}, 200).count(2) > 190


@needs_compiled
@pytest.mark.parametrize("rule", [SGD(), Adam()])
def test_a_call_of_any_number_of_threads_gives_the_same_bits(monkeypatch, rule):
    from handgrad.engines.compiled import engine as compiled
    from handgrad.engines.compiled import threads as engine_threads

    monkeypatch.setattr(engine_threads, "_most_threads", lambda: 4)
    monkeypatch.setattr(compiled, "SECONDS_A_CALL", 0.0)  # a batch a call
    rng = np.random.default_rng(0)
    rows = Rows(rng.normal(size=(200, 20)).astype(np.float32), rng.integers(0, 3, 200))

    def trained(most, numbers):
        engine = compiled.Compiled(Architecture((20, 40, 3)), rows, Steps(rule, 16), threads=most)
        monkeypatch.setattr(engine._pace, "threads", lambda: next(numbers))
        params = glorot_uniform((20, 40, 3), "relu", np.random.PCG64(0), np.float32)
        slots = np.zeros((rule.n_slots, params.flat.size), np.float32)
        for epoch in range(3):
            engine.run_epoch(params, slots, 13 * epoch, 0.01, rng_order(epoch))
        return params.flat

    def rng_order(epoch):
        return np.random.default_rng(epoch).permutation(200)

    mixed = np.random.default_rng(1).integers(1, 5, 100).tolist()
    alone = trained(1, iter([1] * 100))
    assert np.array_equal(alone, trained(4, iter(mixed)))
