"""Learning rates over time, against their formulas and at their corners."""

import numpy as np
import pytest

from handgrad.schedules import SCHEDULES, epoch_rates


def rates(schedule, epochs=10, batches=4, lr=0.5, schedule_epochs=10, warmup_epochs=2.5):
    return np.concatenate(
        [
            epoch_rates(
                schedule,
                lr,
                epoch=epoch,
                batches=batches,
                schedule_epochs=schedule_epochs,
                warmup_epochs=warmup_epochs,
            )
            for epoch in range(epochs)
        ]
    )


def test_cosine_falls_along_half_a_wave():
    got = rates("cosine")
    expected = [0.5 * (1 + np.cos(np.pi * u / 40)) / 2 for u in range(40)]
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    assert got[0] == 0.5
    assert got[20] == pytest.approx(0.25)


def test_onecycle_rises_and_falls():
    got = rates("onecycle", batches=1000)
    assert got[0] == pytest.approx(0.5 / 25, rel=1e-12)
    assert got[3000] == pytest.approx(0.5, rel=1e-12)
    assert got.argmax() == 3000
    assert got[-1] == pytest.approx(0.5 / 250_000, rel=2e-2)
    assert got[1500] == pytest.approx((0.5 + 0.5 / 25) / 2, rel=1e-12)
    assert got[6500] == pytest.approx((0.5 + 0.5 / 250_000) / 2, rel=1e-12)
    assert (np.diff(got[:3001]) > 0).all()
    assert (np.diff(got[3000:]) < 0).all()


def test_coslog4_has_four_waves_of_doubling_length():
    got = rates("coslog4", batches=1500, schedule_epochs=10)
    ends = [0, 1000, 3000, 7000]  # 15 t = 0, 1, 3, 7
    np.testing.assert_allclose(got[ends], 0, atol=1e-12)
    t = (np.sqrt([2, 8, 32, 128]) - 1) / 15  # half of each wave
    np.testing.assert_allclose(got[np.rint(t * 15_000).astype(int)], 0.5, rtol=1e-5)
    assert got.max() <= 0.5


def test_warmup_rises_in_even_steps_and_stays():
    got = rates("warmup")
    np.testing.assert_allclose(got[:10], 0.5 * np.arange(1, 11) / 10, rtol=1e-14)
    assert (got[10:] == 0.5).all()
    assert (rates("warmup", warmup_epochs=0) == 0.5).all()


@pytest.mark.parametrize("schedule", ["constant", "adaptive", "invscaling"])
def test_some_stay_within_an_epoch(schedule):
    assert (rates(schedule) == 0.5).all()


def test_a_function_is_asked_for_each_epoch():
    asked = []

    def halved(epoch):
        asked.append(epoch)
        return 2.0**-epoch

    got = rates(halved, epochs=3)
    assert asked == [1, 2, 3]
    np.testing.assert_array_equal(got, np.repeat([0.5, 0.25, 0.125], 4))


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_a_function_that_gives_no_rate_is_refused(bad):
    with pytest.raises(ValueError, match=r"a learning_rate function must return .* epoch 1"):
        rates(lambda epoch: bad)


def test_an_unknown_schedule_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"one of .*'coslog4'.* got 'step'"):
        rates("step")


@pytest.mark.parametrize("schedule", ["cosine", "onecycle", "coslog4"])
def test_after_its_end_a_schedule_stays(schedule):
    late = rates(schedule, epochs=20)[40:]
    assert (late == late[0]).all()
    assert late[0] <= 0.5 / 1000


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("batches", [1, 3])
def test_rates_are_finite_and_never_above_lr(schedule, batches):
    got = rates(schedule, epochs=30, batches=batches)
    assert got.dtype == np.float64
    assert got.shape == (30 * batches,)
    assert ((got >= 0) & (got <= 0.5)).all()
