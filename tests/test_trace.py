"""A trace has the library's own numbers, and every line that it shows computes them."""

from dataclasses import replace
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_diabetes, load_iris

from handgrad import MLPClassifier, MLPRegressor, two_layer
from handgrad.activations import ACTIVATIONS
from handgrad.explain.equations import equations
from handgrad.explain.formula import mathml, text
from handgrad.explain.trace import trace, trace_two_layer
from handgrad.losses import LossSettings
from handgrad.network import Architecture, backward, forward, loss
from handgrad.outputs import OUTPUTS
from handgrad.params import Params
from handgrad.skip import Levels, Linear, Pieces

pytestmark = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")

N = 5


SKIP = (Linear(), Levels(3), Pieces(2))


def a_network(units=(3, 4, 2), activation="relu", output="softmax", dtype=np.float64, **beside):
    rng = np.random.default_rng(1)
    architecture = Architecture(units, activation, output, **beside)
    params = Params.zeros(units, dtype, architecture.beside)
    params.flat[:] = 0.8 * rng.standard_normal(params.flat.size)
    x = rng.standard_normal((N, units[0])).astype(dtype)
    y_t = truth(output, rng, units[-1])
    if architecture.skip:
        u = np.column_stack([rng.normal(size=N), rng.integers(-1, 3, N), rng.uniform(0, 2, N)])
        x = np.hstack([x, u.astype(dtype)])
    return architecture, params, x, y_t


def truth(output, rng, N_y):
    if output == "softmax":
        return rng.integers(N_y, size=N)
    if output == "logistic":
        return rng.integers(2, size=(N, N_y))
    return rng.integers(5, size=(N, N_y)).astype(float)


# -- the article's network ----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, N])
def test_at_depth_two_it_is_the_derivation_to_the_bit(rng, n):
    params = two_layer.initialise(3, 4, 2, rng)
    x, y_t = rng.standard_normal((n, 3)), rng.integers(2, size=n)
    t = trace_two_layer(*params, x, y_t, lr=0.3)
    tape = two_layer.forward(params, x)
    gradients = two_layer.backward(params, tape, y_t)
    after = two_layer.update(params, gradients, 0.3)
    expected = tape._asdict() | params._asdict()
    expected |= {f"d{name}": value for name, value in gradients._asdict().items()}
    expected |= {f"{name}_new": value for name, value in after._asdict().items()}
    expected |= {"L": two_layer.loss(tape, y_t)}
    expected["dscore"] = (tape.y - np.eye(2)[y_t]) / n
    expected["dh"] = expected["dscore"] @ params.W2.T
    expected["dr"] = expected["dh"] * (tape.r > 0)
    assert set(t) == set(expected)
    for name, value in expected.items():
        assert np.array_equal(t[name], value), name
    assert t.loss_after == two_layer.loss(two_layer.forward(after, x), y_t)


def test_the_equations_are_numbered_and_in_the_order_of_the_article():
    t = trace(*a_network())
    assert [(step.number, step.name) for step in t.equations][:12] == [
        (1, "r"),
        (2, "h"),
        (3, "score"),
        (4, "y"),
        (5, "L"),
        (6, "dscore"),
        (7, "dW2"),
        (8, "db2"),
        (9, "dh"),
        (10, "dr"),
        (11, "dW1"),
        (12, "db1"),
    ]
    assert [step.number for step in t.equations][12:] == [13] * 4


def test_one_row_may_come_without_its_axis():
    architecture, params, x, y_t = a_network()
    one = trace(architecture, params, x[0], y_t[0])
    assert one.n == 1
    assert one["dW1"].shape == (3, 4)


# -- any network --------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [(3, 2), (3, 4, 2), (3, 4, 5, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_the_numbers_are_the_networks_own(units, dtype, l2):
    architecture, params, x, y_t = a_network(units, "tanh", dtype=dtype)
    weight = np.linspace(0.5, 1.5, N).astype(dtype)
    t = trace(architecture, params, x, y_t, weight, l2)
    tape = forward(architecture, params, x)
    assert np.array_equal(t["y"], tape.y)
    assert t["L"] == loss(architecture, params, tape, y_t, weight, l2)
    gradients = backward(architecture, params, tape, y_t, weight, l2)
    assert np.array_equal(t.gradients.flat, gradients.flat)
    assert np.array_equal(t.params.flat, params.flat)
    assert t["W1"].dtype == t["dW1"].dtype == t["W1_new"].dtype == dtype


def test_several_hidden_layers_are_numbered():
    assert {"r1", "h1", "r2", "h2", "dr1", "dh2"} <= set(trace(*a_network((3, 4, 5, 2))))


@pytest.mark.parametrize(("activation", "output"), list(product(ACTIVATIONS, OUTPUTS)))
@pytest.mark.parametrize("weighted", [False, True])
def test_every_line_that_is_shown_computes_its_number(activation, output, weighted):
    check_lines(*a_network((3, 4, 5, 2), activation, output), weighted=weighted)


@pytest.mark.parametrize("output", ["softmax", "logistic"])
def test_the_lines_of_smoothed_labels_compute_their_numbers(output):
    architecture, *rest = a_network((3, 4, 2), "relu", output)
    check_lines(replace(architecture, loss=LossSettings(label_smoothing=0.2)), *rest)


BESIDE = [{"skip": SKIP}, {"scales": True}, {"skip": SKIP, "scales": True}]


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("units", [(3, 2), (3, 4, 2), (3, 4, 5, 2)])
@pytest.mark.parametrize("output", list(OUTPUTS))
@pytest.mark.parametrize("weighted", [False, True])
def test_the_lines_of_a_skip_and_a_scale_compute_their_numbers(units, output, beside, weighted):
    check_lines(*a_network(units, "tanh", output, **beside), weighted=weighted)


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("units", [(3, 2), (3, 4, 2), (3, 4, 5, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_the_numbers_of_a_skip_and_a_scale_are_the_networks_own(units, dtype, l2, beside):
    architecture, params, x, y_t = a_network(units, "tanh", dtype=dtype, **beside)
    weight = np.linspace(0.5, 1.5, N).astype(dtype)
    t = trace(architecture, params, x, y_t, weight, l2, lr=0.3)
    tape, kept = forward(architecture, params, x), {}
    gradients = backward(architecture, params, tape, y_t, weight, l2, kept=kept)
    assert np.array_equal(t.rows, x)
    assert np.array_equal(t["y"], tape.y)
    assert t["L"] == loss(architecture, params, tape, y_t, weight, l2)
    assert np.array_equal(t.params.flat, params.flat)
    assert np.array_equal(t.gradients.flat, gradients.flat)
    stepped = params.like(params.flat - dtype(0.3) * gradients.flat)
    after = loss(architecture, stepped, forward(architecture, stepped, x), y_t, weight, l2)
    assert t.loss_after == pytest.approx(float(after), rel=1e-6)
    if architecture.skip:
        assert np.array_equal(t["w"], tape.w)
        assert np.array_equal(t["dV"], gradients.V)
        np.testing.assert_array_equal(t["V_new"], stepped.V)
    if architecture.scales:
        assert np.array_equal(t["h0"], x[:, :3] * params.s)
        assert np.array_equal(t["dh0"], kept["dh0"])
        assert np.array_equal(t["ds"], gradients.s)
        np.testing.assert_array_equal(t["s_new"], stepped.s)


def test_the_equations_of_a_skip_and_a_scale_have_numbers_of_their_own():
    t = trace(*a_network(skip=SKIP, scales=True))
    numbers = [(step.number, step.name) for step in t.equations]
    assert numbers[0] == (1, "h0")
    assert numbers[numbers.index((6, "dscore")) :] == [
        (6, "dscore"),
        (7, "dW2"),
        (8, "db2"),
        (14, "dV"),
        (9, "dh"),
        (10, "dr"),
        (11, "dW1"),
        (12, "db1"),
        (9, "dh0"),
        (15, "ds"),
        *((13, f"{name}_new") for name in ("W1", "b1", "W2", "b2", "V", "s")),
    ]
    assert "a skip from 9 inputs, a scale of its inputs, float64" in repr(t)
    for step in t.equations:
        assert text(step.formula).isprintable()
        assert ElementTree.fromstring(mathml(step.formula)).tag == "math"


def test_a_row_of_a_skip_has_a_number_for_each_wide_column():
    architecture, params, x, _ = a_network(skip=SKIP)
    with pytest.raises(ValueError, match=r"x must have the shape \(n, 6\).*got \(5, 3\)"):
        trace(architecture, params, x[:, :3])
    assert list(trace(architecture, params, x))[:3] == ["x", "u", "w"]


def check_lines(architecture, params, x, y_t, *, weighted=False):
    weight = np.linspace(0.5, 1.5, N) if weighted else None
    t = trace(architecture, params, x, y_t, weight, 0.1 if weighted else 0.0)
    for step in t.equations:
        names = t.namespace()
        del names[step.name]
        exec(step.line, names)
        np.testing.assert_allclose(names[step.name], t[step.name], 1e-9, 1e-12, err_msg=step.line)


@pytest.mark.parametrize(("activation", "output"), list(product(ACTIVATIONS, OUTPUTS)))
def test_every_formula_can_be_written(activation, output):
    for step in equations(Architecture((3, 4, 2), activation, output), weighted=True, l2=0.1):
        assert text(step.formula).isprintable()
        assert ElementTree.fromstring(mathml(step.formula)).tag == "math"


# -- what is missing or wrong -------------------------------------------------------------------


def test_without_the_truth_it_ends_with_the_prediction():
    architecture, params, x, _ = a_network()
    t = trace(architecture, params, x)
    assert list(t) == ["x", "W1", "b1", "W2", "b2", "r", "h", "score", "y"]
    assert "dscore" not in repr(t)
    with pytest.raises(ValueError, match="y_t"):
        _ = t["score"], t.truth


def test_an_unknown_name_is_told_from_the_known():
    with pytest.raises(KeyError, match=r"no 'dW7'; it has x, W1"):
        trace(*a_network())["dW7"]


@pytest.mark.parametrize("shape", [(2, 4), (0, 3), (1, 1, 3), (2,)])
def test_a_matrix_of_another_shape_is_refused(shape):
    architecture, params, _, _ = a_network()
    with pytest.raises(ValueError, match=r"x must have the shape \(n, 3\)"):
        trace(architecture, params, np.ones(shape))


def test_each_row_needs_its_truth():
    architecture, params, x, y_t = a_network()
    with pytest.raises(ValueError, match="a truth for each of 5 rows; got 2"):
        trace(architecture, params, x, y_t[:2])


def test_the_parameters_are_left_alone():
    architecture, params, x, y_t = a_network()
    before = params.flat.copy()
    trace(architecture, params, x, y_t)
    assert np.array_equal(params.flat, before)


# -- to be read ---------------------------------------------------------------------------------


def test_it_reads_as_a_table():
    t = trace_two_layer([[1.0]], [0.5], [[2.0, -2.0]], [0.0, 0.0], [3.0], 0)
    lines = repr(t).splitlines()
    assert lines[0].startswith("trace of 1 row through 1-1-2 units, relu, softmax, float64; L = ")
    assert len(lines) == 1 + len(t)
    assert "(1)   r       (1, 1)  3.5" in repr(t)
    assert "r = x @ W1 + b1" in repr(t)


def test_a_large_array_shows_its_range_and_its_zeros():
    lines = repr(trace(*a_network((3, 40, 2)))).splitlines()
    [h] = [line for line in lines if line.startswith("(2)")]
    assert "0 to " in h
    assert " of 200 are 0" in h


def test_a_notebook_shows_formulas():
    page = trace(*a_network())._repr_html_()
    assert page.count("<math ") == len(trace(*a_network()))
    assert "<code>dr = dh * (r &gt; 0)</code>" in page
    ElementTree.fromstring(page.replace("&#8289;", ""))


# -- on an estimator ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_estimator_traces_what_it_trains_on(iris, dtype):
    X, y = iris
    model = MLPClassifier((5,), max_iter=3, dtype=dtype, random_state=0).fit(X, y)
    t = model.trace(X[:7], y[:7])
    assert t["W1"].dtype == dtype
    assert t.lr == model.learning_rate_init
    np.testing.assert_allclose(t["y"], model.predict_proba(X[:7]), 1e-6)
    assert np.array_equal(t["W1"], model.coefs_[0])
    assert model.trace(X[:1], y[:1], lr=0.25).lr == 0.25
    assert "L" not in model.trace(X[:7])


def test_class_weights_weigh_as_in_training(iris):
    X, y = iris
    model = MLPClassifier((5,), max_iter=3, class_weight={0: 3}, random_state=0).fit(X, y)
    t = model.trace(X[[0, 60]], y[[0, 60]])
    assert t.weight.tolist() == [1.5, 0.5]
    assert "weight[:, None]" in repr(t)


def test_other_estimators_trace_too():
    X, y = load_diabetes(return_X_y=True)
    numbers = MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0).fit(X, y)
    assert numbers.trace(X[:4], y[:4])["dscore"].shape == (4, 1)
    several = np.column_stack([y > 100, y > 200]).astype(int)
    labels = MLPClassifier((3, 3), max_iter=2, random_state=0).fit(X, several)
    assert labels.trace(X[:4], several[:4])["dr2"].shape == (4, 3)
    two = MLPClassifier((), max_iter=2, random_state=0).fit(X, y > 100)
    assert two.trace(X[:4], y[:4] > 100)["dW1"].shape == (10, 1)


def test_sparse_rows_are_filled_out(iris):
    X, y = iris
    model = MLPClassifier((5,), max_iter=3, random_state=0).fit(csr_matrix(X), y)
    dense = model.trace(csr_matrix(X[:3]), y[:3])
    assert isinstance(dense["x"], np.ndarray)
    assert np.array_equal(model.trace(csr_matrix(X[:3]))["x"], X[:3])


def test_an_unfitted_estimator_has_nothing_to_trace(iris):
    from sklearn.exceptions import NotFittedError

    for look in (MLPClassifier().trace, MLPClassifier().gradient_check):
        with pytest.raises(NotFittedError):
            look(*iris)


# -- gradient checks on an estimator --------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_estimator_checks_its_gradients(iris, dtype):
    X, y = iris
    model = MLPClassifier((5,), max_iter=3, dtype=dtype, random_state=0).fit(X, y)
    check = model.gradient_check(X[::10], y[::10])
    assert check.passed
    assert list(check.errors) == ["W1", "b1", "W2", "b2"]
    assert max(check.errors.values()) < 1e-12


def test_what_is_looked_at_counts_weights_and_the_penalty(iris):
    X, y = iris
    weight = np.linspace(0.1, 2, len(y))
    model = MLPClassifier((5,), max_iter=3, random_state=0).fit(X, y)
    assert model.trace(X, y, weight)["L"] != model.trace(X, y)["L"]

    def slope(weight=None, **settings):
        worst = model.set_params(**settings).gradient_check(X[::10], y[::10], weight).worst["W2"]
        return worst.analytic, worst.complex_step

    plain, weighted, penalised = slope(), slope(weight[::10]), slope(alpha=100.0)
    assert not set(plain) & set(weighted)
    assert not set(plain) & set(penalised)


def test_other_estimators_check_theirs():
    X, y = load_diabetes(return_X_y=True)
    assert (
        MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
        .fit(X, y)
        .gradient_check(X, y)
        .passed
    )
    several = np.column_stack([y > 100, y > 200]).astype(int)
    labels = MLPClassifier((3, 3), "tanh", max_iter=2, random_state=0).fit(X, several)
    assert labels.gradient_check(X[:9], several[:9], np.linspace(1, 2, 9)).passed
