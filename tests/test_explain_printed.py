"""Every calculation that is printed is true with the digits that are printed."""

import math
import re

import numpy as np
import pytest

from handgrad import MLPClassifier, MLPRegressor
from handgrad.activations import ACTIVATIONS
from handgrad.explain import explain
from handgrad.explain.names import Names
from handgrad.explain.printed import change, four_digits, printed
from handgrad.explain.spelled import spelled
from handgrad.explain.trace import brief, trace
from handgrad.models.model import Model
from handgrad.network import Architecture
from handgrad.output import Spelled, written
from handgrad.outputs import OUTPUTS
from handgrad.params import Params
from handgrad.tables.encode import Encoder

pytestmark = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")

LABELS = re.compile(
    r" \((?:bias|x\d+|(?:unit|class|output) \d+|the prediction|[\d,]+ smaller terms)\)"
)
OWN = re.compile(r" \(the network's float(?:32|64) has \S+\)$")
GIVES = re.compile(r"(?:dh\d* = (\S+) at )?r\d* = (\S+) gives d?[hr]\d* = (\S+)")


def last_digit(number):
    """What one of the last digit of a number in print is worth: 1e-09 of 3.422e-06."""
    digits, _, power = number.partition("e")
    return 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))


def arithmetic(told):
    """Turn a calculation into Python, with logarithms and powers that do not overflow."""
    told = LABELS.sub("", told).replace("×", "*").replace("²", "**2").removeprefix("score ")
    told = re.sub(r"-log (.+)$", r"-np.log(\1)", told)
    told = re.sub(r"e\^-\((\S+)\)\)", r"np.exp(-(\1)))", told)
    return re.sub(r"e\^(-?[\d.]+(?:e[-+]\d+)?)", r"np.exp(np.longdouble(\1))", told)


def assert_true(text, activation):
    """Evaluate what is printed, and hold it to the result that is printed."""
    text = OWN.sub("", text.split(": ", 1)[-1])
    if found := GIVES.search(text):
        dh, r, result = found.groups()
        inner = np.array([[float(r)]])
        h = ACTIVATIONS[activation].forward(inner)
        back = ACTIVATIONS[activation].backward
        value = h[0, 0] if dh is None else back(np.array([[float(dh)]]), inner, h)[0, 0]
    else:
        told, result = text.rsplit(" = ", 1)
        with np.errstate(all="ignore"):
            value = eval(arithmetic(told), {"np": np, "inf": np.inf, "nan": np.nan})
    if result.strip("-") in ("inf", "nan"):
        np.testing.assert_equal(float(value), float(result))
        return
    given, worth = eval(result), last_digit(result.split(" ")[-1])
    assert abs(value - given) <= 1.001 * worth, text


def assert_all_true(model, x, y_t, rng, activation="relu", lr=0.1):
    """Work out some numbers of every equation; return the number of those lost to rounding."""
    t, names, texts = trace(model.architecture, model.params, x, y_t, lr=lr), Names(model), []
    for equation in t.equations:
        places = rng.integers(t[equation.name].size, size=3) if t[equation.name].size else []
        for at in {*places, int(np.argmax(np.abs(t[equation.name]))), 0}:
            if text := spelled(t, equation, names, int(at)):
                assert_true(text, activation)
                texts.append(text)
    assert len(texts) >= 5
    return sum(OWN.search(text) is not None for text in texts) / len(texts)


def a_network(rng, units, activation, output, dtype, size):
    params = Params.zeros(units, dtype)
    params.flat[:] = size * rng.standard_normal(params.flat.size)
    classes = np.arange(max(2, units[-1]) if OUTPUTS[output].classifies else 0)
    return Model(
        Encoder.identity(units[0]), Architecture(units, activation, output), params, classes
    )


@pytest.mark.parametrize("output", list(OUTPUTS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_calculation_is_true_with_the_digits_printed(output, dtype):
    rng, lost = np.random.default_rng(7), []
    for trial in range(40):
        activation = list(ACTIVATIONS)[trial % len(ACTIVATIONS)]
        N_y = 1 if output != "softmax" and trial % 3 else int(rng.integers(2, 9))
        units = (3, *[int(rng.integers(1, 9)) for _ in range(trial % 3)], N_y)
        size = (0.01, 0.5, 2.0, 5.0)[trial % 4]
        model = a_network(rng, units, activation, output, dtype, size)
        x = rng.standard_normal((1, 3))
        y_t = rng.integers(N_y, size=1) if output == "softmax" else rng.integers(2, size=(1, N_y))
        lost.append(assert_all_true(model, x, y_t, rng, activation, lr=10.0 ** rng.integers(-6, 2)))
    assert np.mean(lost) < 0.01


@pytest.mark.parametrize("epochs", [3, 300])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_true_of_trained_networks(epochs, n_classes):
    rng = np.random.default_rng(1)
    y = np.arange(90) % n_classes
    X = rng.standard_normal((90, 4)) + 3 * y[:, None]
    model = MLPClassifier((8,), max_iter=epochs, random_state=0, tol=0).fit(X, y).model_
    regressor = (
        MLPRegressor(hidden_layer_sizes=(8,), max_iter=epochs, random_state=0, tol=0)
        .fit(X, X[:, 0])
        .model_
    )
    for row in range(0, 90, 3):
        x = model.encode(X[row : row + 1]).x
        y_t = y[row : row + 1] if n_classes == 3 else y[row : row + 1, None]
        assert assert_all_true(model, x, y_t, rng) < 0.3
        x = regressor.encode(X[row : row + 1]).x
        assert assert_all_true(regressor, x, x[:, :1], rng) < 0.3


def certain(gap):
    """Make a network whose first class has the probability 1 - gap, and explain it."""
    model = a_network(np.random.default_rng(0), (1, 2), "relu", "softmax", np.float64, 0)
    model.params.b[0][0] = math.log(1 / gap - 1)
    return explain(model, np.zeros((1, 1)), np.array([0]))


def test_a_probability_near_1_is_written_by_its_distance_from_1():
    found = certain(3.422e-06)
    told = {step.equation.name: step.example for step in found.steps}
    assert told["L"] == "-log (1 - 3.422e-06) = 3.422e-06"
    assert told["dscore"] == "class 0: (1 - 3.422e-06) - 1 = -3.422e-06"
    assert told["y"].endswith(" = 1 - 3.422e-06")
    assert dict(found.facts)["predicted"] == "0, with a probability of 1 - 3.422e-06"


def test_a_small_change_is_seen():
    found = certain(3.422e-06)
    note = next(step.note for step in found.steps if "With lr" in step.note)
    first, last, difference = re.search(r"from (\S+) to (\S+), a change of (\S+)\.$", note).groups()
    assert first != last
    worth = 1.001 * last_digit(difference)
    assert float(last) - float(first) == pytest.approx(float(difference), rel=0, abs=worth)


def test_a_step_too_short_to_be_seen_is_shown_by_its_length():
    found = certain(3.422e-06).trace
    equation = next(equation for equation in found.equations if equation.name == "b1_new")
    model = a_network(np.random.default_rng(0), (1, 2), "relu", "softmax", np.float64, 0)
    told = spelled(found, equation, Names(model), 0)
    assert told == "class 0: 12.59 - 0.1 × -3.422e-06 = 12.59 + 3.422e-07"


def test_a_loss_that_stays_says_so():
    found = certain(1e-300)
    assert any("the loss of this row stays 0." in step.note for step in found.steps)


@pytest.mark.parametrize("is_robust", [False, True])
def test_how_a_cell_became_an_input_is_true_too(is_robust):
    rng = np.random.default_rng(0)
    X = np.column_stack([2007 + rng.random(60), rng.standard_normal(60), 1e9 + rng.random(60)])
    y = np.arange(60) % 2
    preprocess = "robust" if is_robust else "auto"
    model = MLPClassifier((2,), max_iter=2, preprocess=preprocess).fit(X, y).model_
    for row in range(20):
        for column in explain(model, X[row : row + 1]).columns:
            z, _, rest = OWN.sub("", column.becomes).partition("; ")
            told, _, result = z.removeprefix("z = ").partition(" = ")
            value = eval(re.sub(r"mean |deviation |median |spread ", "", told))
            if is_robust:
                result, value = rest.split(" = ")[1], value / math.sqrt(1 + (value / 3) ** 2)
            assert abs(value - float(result)) <= 1.001 * last_digit(result), column.becomes


def test_up_to_five_terms_keep_their_order_and_classes_are_no_numbers_of_equations():
    model = a_network(np.random.default_rng(0), (5, 4, 3), "tanh", "softmax", np.float64, 1)
    t = trace(model.architecture, model.params, np.array([[0.1, 5, 0, -9, 2]]), np.array([1]))
    by_name = {equation.name: equation for equation in t.equations}
    told = {name: spelled(t, by_name[name], Names(model), 2) for name in ("r", "score")}
    assert re.findall(r"\((x\d)\)", told["r"]) == ["x0", "x1", "x2", "x3", "x4"]
    assert told["score"].startswith("class 2: ")
    back = spelled(t, by_name["dh"], Names(model), 0)
    assert re.findall(r"\((.*?)\)", back) == ["class 0", "class 1", "class 2"]


def test_digits_lost_in_a_subtraction_are_not_shown():
    def taken(digits):
        return Spelled("1.0000001 - 1", 1.0000001 - 1)

    assert printed(taken, np.float32(1.0000001) - np.float32(1), "float32").result == "1e-07"
    told = printed(taken, 0.0, "float32")
    assert str(told) == "1.0000001 - 1 = 1e-07 (the network's float32 has 0)"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.99999, "1 - 1e-05"),
        (1.0, "1"),
        (0.9999, "0.9999"),
        (0.0, "0"),
        (-1.0, "-1"),
        (1.00000001, "1 + 1e-08"),
    ],
)
def test_four_digits(value, told):
    assert four_digits(value) == told


def test_a_change_has_digits_enough():
    assert change(1.4076, 0.8925) == ("1.408", "0.8925", "-0.515")
    assert change(3.147e-05, 3.146e-05) == ("3.147e-05", "3.146e-05", "-1e-08")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_zero_has_no_sign(dtype):
    zero = dtype(-0.0)
    assert four_digits(zero) == "0"
    assert str(printed(lambda digits: written(zero, digits), zero)) == "0 = 0"
    assert brief(np.array([zero, 1, -2], dtype)) == "0, 1, -2"
    assert brief(np.full(100, zero)) == "0 to 0; 100 of 100 are 0"
