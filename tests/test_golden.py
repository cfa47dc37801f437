"""PyTorch's answers, stored: its scores, losses, gradients and updates are ours.

golden/make_golden.py wrote them, in float64. The tolerances leave room for sums in another
order and for no other formula.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from common import OPTIMIZERS
from handgrad.network import Architecture, backward, forward, loss
from handgrad.params import Params

GOLDEN = Path(__file__).parent / "golden" / "golden.npz"
LEARNING_RATES = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02, "adam": 0.01}

with np.load(GOLDEN) as stored:
    ARRAYS = {key: stored[key] for key in stored.files}
CASES = sorted({key.split("/")[0] for key in ARRAYS if "/" in key})


@pytest.fixture(params=CASES)
def case(request):
    start = f"{request.param}/"
    values = {key.removeprefix(start): a for key, a in ARRAYS.items() if key.startswith(start)}
    units = tuple(int(n) for n in values.pop("units"))
    names = str(values.pop("activation")), str(values.pop("output"))
    return SimpleNamespace(
        architecture=Architecture(units, *names),
        params=Params.view(values.pop("theta").copy(), units),
        weight=values.pop("weight", None),
        l2=float(values.pop("l2")),
        **values,
    )


def gradients_of(case, params):
    tape = forward(case.architecture, params, case.x)
    return backward(case.architecture, params, tape, case.y_t, case.weight, case.l2)


def close(ours, theirs, rtol):
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max())


def test_the_stored_cases_cover_depths_zero_to_three():
    assert {len(ARRAYS[f"{name}/units"]) - 2 for name in CASES} == {0, 1, 2, 3}


def test_scores_and_predictions(case):
    tape = forward(case.architecture, case.params, case.x)
    close(tape.score, case.score, 1e-13)
    close(tape.y, case.y, 1e-13)


def test_loss(case):
    tape = forward(case.architecture, case.params, case.x)
    ours = loss(case.architecture, case.params, tape, case.y_t, case.weight, case.l2)
    close(ours, case.loss, 1e-13)


def test_gradients(case):
    expected = case.params.like(case.dtheta)
    for name, gradient in gradients_of(case, case.params).named():
        close(gradient, expected[name], 1e-12)


@pytest.mark.parametrize("name", LEARNING_RATES)
def test_parameters_after_one_and_after_twenty_steps(case, name):
    rule, lr = OPTIMIZERS[name], LEARNING_RATES[name]
    params = case.params.copy()
    slots = np.zeros((rule.n_slots, len(params.flat)))
    after = {}
    for t in range(1, 21):
        rule.step(params.flat, gradients_of(case, params).flat, slots, t, lr)
        after[t] = params.flat.copy()
    close(after[1], getattr(case, f"{name}_1"), 1e-12)
    close(after[20], getattr(case, f"{name}_20"), 1e-10)
