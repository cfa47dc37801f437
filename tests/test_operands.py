"""The operands of an equation, put together again by its signs, give the equation's quantity."""

import re
from itertools import product

import numpy as np
import pytest

from handgrad.activations import ACTIVATIONS
from handgrad.explain.operands import Operand, chain, laid_out, operands
from handgrad.explain.trace import trace, trace_two_layer
from handgrad.losses import LossSettings
from handgrad.network import Architecture
from handgrad.outputs import OUTPUTS
from handgrad.params import Params
from test_trace import SKIP, N, a_network


def put_together(parts):
    """Compute what the parts say, knowing nothing of the line."""
    text, known = "", {"sum": lambda v: v.sum(axis=0), "mean": np.mean}
    for place, part in enumerate(parts):
        if isinstance(part, Operand):
            known[f"operand{place}"] = part.value
            text += f" operand{place}"
        else:
            if re.fullmatch("[a-z][a-z0-9]+", part) and part not in known:
                known[part] = getattr(np, part)
            text += f" {part}"
    return eval(text.strip(), {}, known)


def agree(t):
    for equation in t.equations:
        parts = operands(t, equation)
        assert any(isinstance(part, Operand) for part in parts), equation.line
        found = put_together(parts)
        assert np.shape(found) == t[equation.name].shape, equation.line
        np.testing.assert_allclose(found, t[equation.name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("activation", "output"), list(product(ACTIVATIONS, OUTPUTS)))
def test_any_activation_and_output(activation, output):
    units = (3, 4, 2)
    if output == "quantile":
        settings = LossSettings(quantiles=(0.1, 0.9))
        architecture, params, x, y_t = a_network(units, activation, output)
        architecture = Architecture(units, activation, output, settings)
        return agree(trace(architecture, params, x, y_t[:, :1]))
    return agree(trace(*a_network(units, activation, output)))


@pytest.mark.parametrize("units", [(3, 2), (3, 4, 2), (2, 5, 4, 3), (2, 3, 3, 3, 3, 4)])
@pytest.mark.parametrize("l2", [0.0, 0.5])
@pytest.mark.parametrize("beside", [{}, {"skip": SKIP}, {"scales": True}])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_any_depth_with_or_without_skip_scale_weights_and_penalty(units, l2, beside, is_weighted):
    network = a_network(units, **beside)
    weight = np.linspace(0.5, 1.5, N) if is_weighted else None
    agree(trace(*network, weight, l2, lr=0.3))


@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_smoothed_labels(output):
    _, params, x, y_t = a_network(output=output)
    smooth = Architecture((3, 4, 2), "relu", output, LossSettings(label_smoothing=0.2))
    agree(trace(smooth, params, x, y_t))


def told(t):
    """Write the parts of each equation by name, with a cross for each operand's shape."""
    return {
        equation.name: " ".join(
            part
            if isinstance(part, str)
            else f"[{part.name}]" + "x".join(map(str, part.value.shape)) * bool(part.value.ndim)
            for part in operands(t, equation)
        )
        for equation in t.equations
    }


def test_the_articles_equations_are_told_by_their_operands(rng):
    units = (2, 8, 3)
    params = Params.zeros(units)
    params.flat[:] = rng.standard_normal(params.flat.size)
    t = trace_two_layer(*(params[name] for name in ("W1", "b1", "W2", "b2")), [0.5, -1], 2, lr=0.2)
    assert told(t) == {
        "r": "[x]1x2 @ [W1]2x8 + [b1]8",
        "h": "maximum ( 0 , [r]1x8 )",
        "score": "[h]1x8 @ [W2]8x3 + [b2]3",
        "y": "[exp(score)]1x3 / [exp(score).sum()]1x1",
        "L": "mean ( [log(exp(score).sum())]1 - [score[y_t]]1 )",
        "dscore": "( [y]1x3 - [one-hot y_t]1x3 ) / [n]",
        "dW2": "[h.T]8x1 @ [dscore]1x3",
        "db2": "sum ( [dscore]1x3 )",
        "dh": "[dscore]1x3 @ [W2.T]3x8",
        "dr": "[dh]1x8 * [r > 0]1x8",
        "dW1": "[x.T]2x1 @ [dr]1x8",
        "db1": "sum ( [dr]1x8 )",
        "W1_new": "[W1]2x8 - [lr] * [dW1]2x8",
        "b1_new": "[b1]8 - [lr] * [db1]8",
        "W2_new": "[W2]8x3 - [lr] * [dW2]8x3",
        "b2_new": "[b2]3 - [lr] * [db2]3",
    }
    parts = {equation.name: operands(t, equation) for equation in t.equations}
    assert parts["W1_new"][2].value == 0.2
    assert parts["dscore"][3].value.tolist() == [[0, 0, 1]]
    assert np.array_equal(parts["dr"][2].numbers, t["r"] > 0)
    assert parts["dr"][2].numbers.dtype == np.float64
    assert np.array_equal(parts["dW2"][0].value, t["h"].T)


def test_a_line_that_overflows_where_the_network_does_not_is_left_whole():
    architecture, params, x, y_t = a_network()
    params["b2"][:] = 1e4, 0
    t = trace(architecture, params, x, y_t)
    parts = {equation.name: operands(t, equation) for equation in t.equations}
    assert np.isfinite(t["y"]).all()
    assert parts["y"] == parts["L"] == []
    assert parts["score"]


# -- between the loss and the scores --------------------------------------------------------------


def linked(t):
    return {one.link.name: one for one in chain(t)}


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_derivatives_of_a_softmax_make_the_slope_in_the_scores(smoothing):
    architecture, params, x, y_t = a_network((3, 4, 5))
    smooth = Architecture((3, 4, 5), "relu", "softmax", LossSettings(label_smoothing=smoothing))
    assert chain(trace(architecture, params, x, y_t)) == []  # several rows
    assert chain(trace(architecture, params, x[:1])) == []  # no truth
    t = trace(smooth, params, x[:1], y_t[:1])
    found = linked(t)
    np.testing.assert_allclose(found["dscore"].value, t["dscore"], rtol=1e-12, atol=1e-15)
    head, score = smooth.head, t["score"]
    for k in range(5):
        moved = score + 1e-30j * np.eye(5)[[k]]
        e = np.exp(moved)
        slope = (e / e.sum()).imag[0] / 1e-30
        np.testing.assert_allclose(found["J"].value[:, k], slope, rtol=1e-12, atol=1e-16)
    truth = (1 - smoothing) * np.eye(5)[t.truth] + smoothing / 5
    np.testing.assert_allclose(found["dy"].value, -truth / head.predict(score), rtol=1e-12)
    for one in found.values():
        np.testing.assert_allclose(put_together(one.operands), one.value, rtol=1e-12)


def test_the_articles_derivatives_are_told_by_their_operands(rng):
    t = trace(*(part[:1] if place > 1 else part for place, part in enumerate(a_network((2, 3, 3)))))
    found = {
        name: [part if isinstance(part, str) else part.name for part in one.operands]
        for name, one in linked(t).items()
    }
    assert found == {
        "dy": ["-one-hot y_t", "/", "y"],
        "J": ["diag(y)", "-", "outer(y, y)"],
        "dscore": ["dy", "@", "J"],
    }


@pytest.mark.parametrize("output", [name for name in OUTPUTS if OUTPUTS[name].name != "softmax"])
def test_other_outputs_have_one_slope_alone(output):
    assert OUTPUTS[output].chain(LossSettings()) == ()


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_the_promised_change_is_that_of_a_short_step(l2):
    network = a_network(activation="tanh")
    t = trace(*network, None, l2, lr=1e-6)
    assert t.loss_after - float(t["L"]) == pytest.approx(t.promised_change, rel=1e-4)
    assert trace(*network, None, l2, lr=0.5).promised_change == pytest.approx(
        5e5 * t.promised_change
    )


def test_arrays_are_laid_out_with_the_signs_around_them():
    t = trace(*(part[:1] if place > 1 else part for place, part in enumerate(a_network((2, 3, 3)))))
    heads = {e.name: [laid.head for laid in laid_out(operands(t, e))] for e in t.equations}
    assert heads["r"] == ["x", "· W1", "+ b1"]
    assert heads["h"] == ["maximum(0, r)"]
    assert heads["L"] == ["mean(log(exp(score).sum())", "- score[y_t])"]
    assert heads["dscore"] == ["(y", "- one-hot y_t) / 1"]
    assert heads["db2"] == ["∑(dscore)"]
    assert heads["W1_new"] == ["W1", "- 0.1 × dW1"]
