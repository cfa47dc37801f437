"""A skip and a scale beside the layers: equations 14 and 15, and the rates of single parameters."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.gradcheck import check_gradients
from handgrad.network import Architecture, forward, inputs, loss, penalty, scale_folded
from handgrad.optim import RATES, SGD, Adam, AdamW, Steps, make_step
from handgrad.outputs import OUTPUTS
from handgrad.params import Beside, Params, count, initialise
from handgrad.schedules import epoch_rates
from handgrad.skip import Levels, Linear, Pieces, spread, width

SKIP = Linear(), Levels(3), Pieces(4), Pieces(1)


def narrow_rows(n, rng, dtype=np.float64):
    """Draw the numbers that rows hold for the columns of SKIP."""
    linear, level = rng.normal(size=n), rng.integers(-1, 3, n)
    return np.column_stack([linear, level, rng.uniform(0, 4, n), rng.uniform(0, 1, n)]).astype(
        dtype
    )


def problem(seed, output="softmax", skip=SKIP, scales=True, hidden=(5, 4), activation="tanh"):
    rng = np.random.default_rng(seed)
    n, N_y = 9, 3
    architecture = Architecture((6, *hidden, N_y), activation, output, skip=skip, scales=scales)
    params = Params.zeros(architecture.layer_units, np.float64, architecture.beside)
    params.flat[:] = rng.normal(size=params.flat.size) / 2
    x = np.hstack([rng.normal(size=(n, 6)), narrow_rows(n, rng)[:, : len(skip)]])
    takes_classes = OUTPUTS[output].takes_classes
    y_t = rng.integers(0, N_y, n) if takes_classes else rng.integers(0, 2, (n, N_y)).astype(float)
    return architecture, params, x, y_t, rng.uniform(0.5, 1.5, n)


class TestWideInputs:
    def test_a_level_is_a_one_and_an_unknown_one_is_nothing(self):
        wide = Levels(3).spread(np.array([2.0, 0.0, -1.0]))
        np.testing.assert_array_equal(wide, [[0, 0, 1], [1, 0, 0], [0, 0, 0]])

    def test_pieces_are_a_hat_and_steps(self):
        wide = Pieces(3).spread(np.array([0.0, 1.25, 3.0]))
        hat = [[1, 0, 0, 0], [0, 0.75, 0.25, 0], [0, 0, 0, 1]]
        steps = [[0, 0, 0], [1, 0.25, 0], [1, 1, 1]]
        np.testing.assert_array_equal(wide, np.hstack([hat, steps]))

    @settings(max_examples=50, deadline=None)
    @given(st.floats(0, 7), st.integers(0, 2**32 - 1))
    def test_pieces_are_linear_between_whole_places(self, u, seed):
        V = np.random.default_rng(seed).normal(size=15)
        table = Pieces(7).spread(np.arange(8.0)) @ V  # what each edge adds to a score
        added = Pieces(7).spread(np.array([u])) @ V
        assert added[0] == pytest.approx(np.interp(u, np.arange(8), table), abs=1e-12)

    def test_the_parts_of_columns_stand_in_order(self):
        u = narrow_rows(20, np.random.default_rng(0))
        w = spread(SKIP, u)
        assert w.shape == (20, width(SKIP)) == (20, 1 + 3 + 9 + 3)
        np.testing.assert_array_equal(w[:, 4:13], Pieces(4).spread(u[:, 2]))

    def test_a_usual_u_is_one_of_the_basis(self):
        assert [basis.last for basis in SKIP] == [1, 2, 4, 1]

    def test_they_keep_the_precision(self):
        assert (
            spread(SKIP, narrow_rows(3, np.random.default_rng(0), np.float32)).dtype == np.float32
        )


class TestNetwork:
    @pytest.mark.parametrize("output", [name for name, one in OUTPUTS.items() if not one.settings])
    @pytest.mark.parametrize("skip", [(), SKIP])
    @pytest.mark.parametrize("scales", [False, True])
    @pytest.mark.parametrize("hidden", [(), (5,), (5, 4)])
    def test_gradients_agree_with_complex_steps(self, output, skip, scales, hidden):
        if output == "absolute":  # its slope jumps, so there is no complex step
            return
        architecture, params, x, y_t, weight = problem(1, output, skip, scales, hidden)
        check = check_gradients(architecture, params, x, y_t, weight, l2=0.3, tolerance=1e-11)
        assert check.passed, str(check)
        assert ("V" in check.errors) == bool(skip)
        assert ("s" in check.errors) == scales

    def test_a_skip_adds_to_the_scores_and_to_nothing_else(self):
        architecture, params, x, *_ = problem(2, scales=False)
        without = replace(architecture, skip=())
        layers = Params.view(params.flat[: count(architecture.layer_units)], params.layer_units)
        deep, u = inputs(architecture, x)
        bare, tape = forward(without, layers, deep), forward(architecture, params, x)
        np.testing.assert_array_equal(bare.score + spread(SKIP, u) @ params.V, tape.score)
        np.testing.assert_array_equal(bare.h[-1], tape.h[-1])

    def test_a_scale_can_be_folded_away(self):
        architecture, params, x, *_ = problem(3)
        folded, smaller = scale_folded(architecture, params)
        assert not folded.scales
        assert smaller.s is None
        before, after = forward(architecture, params, x), forward(folded, smaller, x)
        np.testing.assert_allclose(before.score, after.score, rtol=1e-13, atol=1e-13)

    def test_the_penalty_takes_all_but_the_biases(self):
        architecture, params, x, y_t, _ = problem(4)
        squares = sum(np.sum(part**2) for name, part in params.named() if not name.startswith("b"))
        assert penalty(params, 0.5) == pytest.approx(0.25 * squares)
        tape = forward(architecture, params, x)
        plain, penalised = (loss(architecture, params, tape, y_t, l2=l2) for l2 in (0, 0.5))
        assert penalised - plain == pytest.approx(0.25 * squares)

    def test_a_row_has_a_number_for_each_wide_column(self):
        architecture, params, *_ = problem(5)
        assert architecture.n_inputs == 6 + len(SKIP)
        assert architecture.n_parameters == params.flat.size

    @pytest.mark.parametrize("method", ["auto", "he_normal", "sharp", "smooth"])
    def test_what_is_beside_the_layers_starts_without_effect(self, method):
        units, beside = (6, 8, 3), Beside(n_wide=4, scales=True)
        params = initialise(units, ("relu",), np.random.PCG64(0), np.float64, method, beside)
        assert not params.V.any()
        assert (params.s == 1).all()

    @pytest.mark.parametrize(("method", "reach"), [("sharp", 0), ("smooth", 1)])
    def test_training_starts_at_equal_scores(self, method, reach):
        params = initialise((6, 400, 3), ("relu",), np.random.PCG64(0), np.float64, method)
        assert not params.W[1].any()
        assert not params.b[1].any()
        assert np.abs(params.b[0]).max() == pytest.approx(reach, abs=0.02)
        assert params.W[0].std() == pytest.approx((2 / 6) ** 0.5, rel=0.05)


class TestRates:
    def test_weights_share_by_their_inputs(self):
        params = Params.zeros((100, 25, 3), np.float64, Beside(n_wide=7, scales=True))
        assert RATES["fan_in"](params, 8000) == (0.1, 0.1, 0.2, 0.1, 0.2, 2.0)
        assert RATES["equal"](params, 8000) == ()

    @pytest.mark.parametrize(("n", "rate"), [(10, 0.1), (4000, 0.1), (6000, 0.15), (50_000, 0.3)])
    def test_the_rate_of_a_skip_grows_with_the_rows(self, n, rate):
        params = Params.zeros((4, 3), np.float64, Beside(n_wide=7))
        assert RATES["fan_in"](params, n)[-1] == pytest.approx(rate)

    @pytest.mark.parametrize("rule", [SGD(), SGD(0.9), SGD(0.9, nesterov=True), Adam(), AdamW()])
    def test_a_factor_is_a_rate_of_its_own_and_spares_the_decay(self, rule):
        """Compare with steps of each parameter alone, at its own rate."""
        _, params, *_ = problem(6)
        gradients = params.like(np.random.default_rng(0).normal(size=params.flat.size))
        slots = np.zeros((rule.n_slots, params.flat.size))
        factors = tuple(0.1 + 0.3 * i for i in range(len(list(params.named()))))
        expected = {}
        for factor, (name, value) in zip(factors, params.named(), strict=True):
            alone, memory = value.ravel().copy(), np.zeros((rule.n_slots, value.size))
            for t in (1, 2):
                if isinstance(rule, AdamW) and not name.startswith("b"):
                    alone -= 0.2 * rule.weight_decay * alone
                plain = Adam(rule.beta_1, rule.beta_2, rule.epsilon) if rule.n_slots == 2 else rule
                plain.step(alone, gradients[name].ravel(), memory, t, 0.2 * factor)
            expected[name] = alone.reshape(value.shape)
        steps = Steps(rule, factors=factors)
        for t in (1, 2):
            make_step(steps, params, gradients, slots, t, 0.2, measures=False)
        for name, value in params.named():
            np.testing.assert_allclose(value, expected[name], rtol=1e-14, err_msg=name)

    def test_rise_goes_up_and_comes_down(self):
        rates = epoch_rates("rise", 2.0, epoch=0, batches=100, schedule_epochs=1, warmup_epochs=0)
        assert rates[0] == 0
        assert rates[5] == pytest.approx(1.0)
        assert rates[10] == pytest.approx(2.0)
        assert rates[55] == pytest.approx(1.0)
        assert 0 < rates[-1] < 0.001
