"""The tester, tested: it refuses a gradient that is wrong in one entry by one in a thousand."""

import numpy as np
import pytest

from handgrad.gradcheck import (
    GradientCheck,
    central_difference,
    check_gradients,
    complex_step,
    relative_error,
)
from handgrad.network import Architecture, backward, forward, loss
from handgrad.params import Params
from handgrad.skip import Levels, Pieces

UNITS = (3, 4, 3, 2)
NAMES = ["W1", "b1", "W2", "b2", "W3", "b3"]
ENTRIES = range(Params.zeros(UNITS).flat.size)


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    params = Params.zeros(UNITS)
    params.flat[:] = 0.7 * rng.standard_normal(params.flat.size)
    architecture = Architecture(UNITS, "tanh")
    return architecture, params, rng.standard_normal((6, 3)), rng.integers(2, size=6)


@pytest.fixture
def gradients(problem):
    architecture, params, x, y_t = problem
    return backward(architecture, params, forward(architecture, params, x), y_t)


def name_of(entry):
    where = Params.view(np.arange(len(ENTRIES)), UNITS)
    return next(name for name, part in where.named() if entry in part)


def wrong_in(check):
    return [name for name, error in check.errors.items() if error > check.tolerance]


def test_the_right_gradient_passes(problem, gradients):
    assert check_gradients(*problem).passed
    assert check_gradients(*problem, gradients=gradients, tolerance=1e-12).passed


def test_it_looks_at_every_parameter(problem):
    assert list(check_gradients(*problem).errors) == NAMES


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("factor", [1.001, 0.999, -1])
def test_one_wrong_entry_fails_and_is_named(problem, gradients, entry, factor):
    gradients.flat[entry] *= factor
    check = check_gradients(*problem, gradients=gradients)
    assert not check.passed
    assert wrong_in(check) == [name_of(entry)]


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_an_entry_that_is_no_number_or_forgotten_fails(problem, gradients, entry, value):
    gradients.flat[entry] = value
    check = check_gradients(*problem, gradients=gradients)
    assert wrong_in(check) == [name_of(entry)]


def test_a_gradient_of_zeros_fails_everywhere(problem):
    check = check_gradients(*problem, gradients=Params.zeros(UNITS))
    assert wrong_in(check) == NAMES


def test_a_gradient_where_there_is_none_fails(problem):
    """With both weights 0 nothing reaches W1, so even the smallest gradient there is wrong."""
    architecture, params, x, y_t = problem
    cut = params.copy()
    cut["W2"][...] = 0
    assert check_gradients(architecture, cut, x, y_t).passed
    gradients = backward(architecture, cut, forward(architecture, cut, x), y_t)
    gradients["W1"][0, 0] = 1e-30
    check = check_gradients(architecture, cut, x, y_t, gradients=gradients)
    assert wrong_in(check) == ["W1"]


class TestBesideTheLayers:
    """V of a skip and s of a scale are parameters like any other."""

    @pytest.fixture
    def wide(self):
        rng = np.random.default_rng(0)
        architecture = Architecture(UNITS, "tanh", skip=(Levels(3), Pieces(2)), scales=True)
        params = Params.zeros(UNITS, np.float64, architecture.beside)
        params.flat[:] = 0.7 * rng.standard_normal(params.flat.size)
        u = np.column_stack([[0, 1, 2, -1, 0, 1], rng.uniform(0, 2, 6)])
        x = np.hstack([rng.standard_normal((6, 3)), u])
        return architecture, params, x, rng.integers(2, size=6)

    def test_all_are_looked_at_and_right(self, wide):
        check = check_gradients(*wide, l2=0.1)
        assert check.passed
        assert list(check.errors) == [*NAMES, "V", "s"]
        assert (check.worst["V"].shape, check.worst["V"].checked) == ((8, 2), 16)
        assert (check.worst["s"].shape, check.worst["s"].checked) == ((3,), 3)

    def test_central_differences_agree(self, wide):
        architecture, params, x, y_t = wide

        def loss_at(theta):
            point = params.like(theta)
            return loss(architecture, point, forward(architecture, point, x), y_t)

        gradients = backward(architecture, params, forward(architecture, params, x), y_t)
        found = params.like(central_difference(loss_at, params.flat))
        for name in ("V", "s"):
            np.testing.assert_allclose(found[name], gradients[name], rtol=1e-6, atol=1e-9)

    @pytest.mark.parametrize("name", ["V", "s"])
    @pytest.mark.parametrize("place", [0, -1])
    def test_a_wrong_entry_is_named(self, wide, name, place):
        architecture, params, x, y_t = wide
        gradients = backward(architecture, params, forward(architecture, params, x), y_t)
        gradients[name].ravel()[place] *= 1.001
        check = check_gradients(*wide, gradients=gradients)
        assert wrong_in(check) == [name]
        entry = tuple(size - 1 if place else 0 for size in gradients[name].shape)
        assert check.worst[name].entry == entry


def test_a_forgotten_penalty_fails_for_the_weights(problem, gradients):
    check = check_gradients(*problem, l2=0.1, gradients=gradients)
    assert wrong_in(check) == ["W1", "W2", "W3"]


def test_forgotten_weights_of_rows_fail(problem, gradients):
    weight = np.array([1.001, 1, 1, 1, 1, 1])
    assert not check_gradients(*problem, weight, gradients=gradients).passed


def test_the_given_parameters_are_not_touched(problem):
    before = problem[1].flat.copy()
    check_gradients(*problem)
    assert np.array_equal(problem[1].flat, before)


def test_the_report_names_what_is_wrong():
    report = str(GradientCheck({"W1": 3e-16, "b1": 0.25}, tolerance=1e-9))
    assert report.splitlines() == [
        "relative error of each gradient (at most 1e-09)",
        "  W1   3.0e-16  ok",
        "  b1   2.5e-01  WRONG",
    ]


def polynomial_and_sine(theta):
    return theta[0] ** 3 * theta[1] + np.sin(theta[2])


THETA = np.array([1.5, -2.0, 0.3])
SLOPES = np.array([3 * 1.5**2 * -2.0, 1.5**3, np.cos(0.3)])


def test_complex_steps_are_exact():
    np.testing.assert_allclose(complex_step(polynomial_and_sine, THETA), SLOPES, rtol=1e-15)


def test_central_differences_are_right_to_ten_digits():
    slopes = central_difference(polynomial_and_sine, THETA)
    np.testing.assert_allclose(slopes, SLOPES, rtol=1e-9)
    np.testing.assert_allclose(
        central_difference(polynomial_and_sine, THETA, 1e-2), SLOPES, rtol=1e-4
    )


@pytest.mark.parametrize("differentiate", [complex_step, central_difference])
def test_differentiation_leaves_its_point_alone(differentiate):
    theta = THETA.copy()
    differentiate(polynomial_and_sine, theta)
    assert np.array_equal(theta, THETA)


@pytest.mark.parametrize(
    ("gradient", "expected", "error"),
    [
        ([1, 2], [1, 2], 0),
        ([1.1, 2], [1, 2], 0.1),
        ([1, 1.8], [1, 2], 0.1),
        ([-1], [1], 2),
        ([0, 100.1], [0.5, 100], 0.5),  # 0.5 is measured against 1, a hundredth of 100
        ([0, 0], [0, 0], 0),
        ([0, 1e-300], [0, 0], np.inf),
        ([np.nan, 1], [1, 1], np.inf),
        ([1, 1], [np.nan, 1], np.inf),
        ([np.inf, 1], [1, 1], np.inf),
        ([], [], 0),
    ],
)
def test_relative_error(gradient, expected, error):
    found = relative_error(np.array(gradient, float), np.array(expected, float))
    assert found == pytest.approx(error, rel=1e-12)


def test_the_entry_furthest_off_is_shown_with_both_values(problem, gradients):
    right = gradients["W2"][3, 1]
    gradients["W2"][3, 1] *= 1.5
    check = check_gradients(*problem, gradients=gradients)
    worst = check.worst["W2"]
    assert (worst.shape, worst.checked, worst.entry) == ((4, 3), 12, (3, 1))
    assert worst.analytic == pytest.approx(1.5 * right)
    assert worst.complex_step == pytest.approx(right)
    row = check.rows()[NAMES.index("W2")]
    assert (row[0], row[2], row[3], row[-1]) == ("W2", "all of 12", "W2[3, 1]", "WRONG")
    assert "W2[3, 1]" in check._repr_html_()


def test_a_large_parameter_is_looked_at_in_part(problem, gradients):
    check = check_gradients(*problem, most_entries=5)
    assert check.passed
    assert [worst.checked for worst in check.worst.values()] == [5, 4, 5, 3, 5, 2]
    assert check.rows()[0][2] == "5 of 12"
    gradients["W1"][0, 0] *= 2  # the first and the last entry are among them
    gradients["W3"][2, 1] *= 2
    check = check_gradients(*problem, gradients=gradients, most_entries=2)
    assert wrong_in(check) == ["W1", "W3"]


def on_a_corner(problem, rows):
    """Give a network of relu whose first unit has r = 0 in some rows, and those rows."""
    _, params, x, y_t = problem
    corner, x = params.copy(), x.copy()
    corner["b1"][0] = 0
    x[:rows] = 0
    return Architecture(UNITS, "relu"), corner, x, y_t


def test_a_corner_may_excuse_a_failure(problem):
    _, params, x, y_t = problem
    relu = Architecture(UNITS, "relu")
    corner = params.copy()
    corner["W1"][:, 0] = corner["b1"][0] = 0
    check = check_gradients(relu, corner, x, y_t)
    assert not check.passed
    assert check.kinks == 6
    assert "6 r are exactly 0" in str(check)
    assert (check.n, check.n_at_corners) == (6, 6)
    assert not check.is_wrong
    assert "6 of 6 rows stand there, and no row is left to compare" in check.note
    assert check.conclusion == "the gradients are not compared"
    assert check_gradients(relu, params, x, y_t).note == ""


@pytest.mark.parametrize("weight", [None, np.array([2.0, 1, 0.5, 1, 3, 1])])
def test_rows_at_a_corner_are_left_out_and_the_others_judge(problem, weight):
    check = check_gradients(*on_a_corner(problem, 2), weight, 0.1)
    assert not check.agrees
    assert check.passed
    assert {check.verdict(name) for name in NAMES} == {"ok", "at a corner"}
    assert check.verdict("b1") == "at a corner"
    assert "2 of 6 rows stand there; without them the gradients agree" in str(check)
    assert check.conclusion == "the gradients are right wherever there are any"


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_corner_excuses_no_other_fault(problem, entry):
    corner = on_a_corner(problem, 2)
    architecture, params, x, y_t = corner
    gradients = backward(architecture, params, forward(architecture, params, x), y_t)
    gradients.flat[entry] += 0.01
    check = check_gradients(*corner, gradients=gradients)
    assert check.is_wrong
    assert not check.passed
    assert [name for name in NAMES if check.verdict(name) == "WRONG"] == [name_of(entry)]
    assert check.note.endswith("; even without them the gradients differ")
    assert check.conclusion == "the gradients are WRONG"
