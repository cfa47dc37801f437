"""The steps of an activation, carried out one by one, are the activation."""

import numpy as np
import pytest
from scipy.special import erfc

from handgrad.activations import ACTIVATIONS
from handgrad.export.tracing import INPUT, Number, Step, traced


def carried_out(formula, r):
    values = []

    def value_of(operand):
        if isinstance(operand, Number):
            return operand.value
        return r if operand == INPUT else values[operand]

    for name, operands in formula.steps:
        function = erfc if name == "erfc" else getattr(np, name)
        values.append(function(*map(value_of, operands)))
    return value_of(formula.result)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_steps_give_the_same_bits(activation, dtype):
    r = np.concatenate([np.linspace(-45, 45, 2001), [-1e30, 1e30, 0.0, -0.0]]).astype(dtype)
    formula = traced(activation.forward)
    np.testing.assert_array_equal(carried_out(formula, r), activation.forward(r))
    assert len(set(formula.steps)) == len(formula.steps)


def test_a_constant_is_no_place():
    formula = traced(lambda r: (r + 1) * (r + 1.0) + (r * 2) / np.exp(r))
    assert formula.steps[:2] == (Step("add", (INPUT, Number(1.0))), Step("multiply", (0, 0)))
    np.testing.assert_allclose(carried_out(formula, np.array([2.0])), 9 + 4 / np.exp(2.0))


@pytest.mark.parametrize(
    "function",
    [np.sum, np.sort, lambda r: np.maximum(r, np.ones(3)), lambda r: np.add(r, 1, out=np.ones(3))],
)
def test_a_function_that_no_steps_tell_is_refused(function):
    with pytest.raises(TypeError):
        traced(function)
