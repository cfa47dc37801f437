"""Each output knows all that depends on it, and what has no kernel is left to the reference."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from handgrad import MLPClassifier, MLPRegressor
from handgrad.activations import ACTIVATIONS
from handgrad.engines.compiled.backend import missing
from handgrad.losses import LossSettings
from handgrad.network import Architecture
from handgrad.outputs import BY_LOSS, LOGISTIC, OUTPUTS, SOFTMAX, Squared, for_classes

RNG = np.random.default_rng(0)
NUMBERS = sorted(BY_LOSS)


def test_each_output_is_found_by_its_name_and_each_loss_of_numbers_by_its_own():
    assert all(output.name == name for name, output in OUTPUTS.items())
    assert {output.name for output in BY_LOSS.values()} | {"softmax", "logistic"} == set(OUTPUTS)
    assert Architecture((2, 3, 1), output="poisson").head is OUTPUTS["poisson"]


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_the_scores_of_several_networks_predict_the_mean_of_their_predictions(name):
    output, scores = OUTPUTS[name], RNG.normal(size=(4, 9, 3))
    expected = np.mean([output.predict(score) for score in scores], axis=0)
    together = output.predict(output.mean_scores(scores))
    np.testing.assert_allclose(together, expected, rtol=1e-13)
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    weighed = sum(share * output.predict(s) for share, s in zip(shares, scores, strict=True))
    together = output.predict(output.mean_scores(scores, shares))
    np.testing.assert_allclose(together, weighed, rtol=1e-13)


@pytest.mark.parametrize("loss", NUMBERS)
def test_a_scale_folded_into_the_last_layer_predicts_the_numbers_themselves(loss):
    output, (mean, scale) = BY_LOSS[loss], (np.array([3.0, -1.0]), np.array([2.0, 5.0]))
    mean, scale = output.target_scale(mean, scale)
    h, W, b = RNG.normal(size=(9, 4)), RNG.normal(size=(4, 2)), RNG.normal(size=2)
    expected = mean + scale * output.predict(h @ W + b)
    output.fold_scale(W, b, mean, scale)
    np.testing.assert_allclose(output.predict(h @ W + b), expected, rtol=1e-13)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_no_other_constant_fits_better_than_the_best(loss):
    output, y = BY_LOSS[loss], RNG.poisson(3.0, (50, 1)).astype(float)
    best = output.best_constant(y.mean(axis=0))
    least = output.mean_loss(np.tile(best, (50, 1)), y)
    for other in best + 1e-3, best - 1e-3:
        assert output.mean_loss(np.tile(other, (50, 1)), y) > least


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_a_network_that_holds_all_classes_for_equal_has_the_loss_of_chance(n):
    output, n_scores = for_classes(n)
    y_t = np.zeros(1, int) if output.takes_classes else np.zeros((1, n_scores))
    loss = output.mean_loss(np.zeros((1, n_scores)), y_t)
    assert output.chance(n_scores) == pytest.approx(max(loss, np.log(2)))
    assert output.fits(n_scores, n, multilabel=False)
    assert output.log_proba(np.zeros((1, n_scores))).shape == (1, n)


def test_several_labels_are_several_logistic_scores():
    assert LOGISTIC.fits(3, 3, multilabel=True)
    assert not LOGISTIC.fits(3, 3, multilabel=False)
    assert not SOFTMAX.fits(3, 3, multilabel=True)
    assert not any(output.fits(2, 2, multilabel=True) for output in BY_LOSS.values())
    assert LOGISTIC.chance(3) == pytest.approx(3 * np.log(2))


def test_quantiles_have_a_score_each_and_all_other_numbers_one():
    settings = LossSettings(quantiles=(0.1, 0.5, 0.9))
    assert {name: output.n_each(settings) for name, output in OUTPUTS.items()} == {
        **dict.fromkeys(OUTPUTS, 1),
        "quantile": 3,
    }


def test_a_row_of_numbers_is_right_where_all_are_exact():
    score, y_t = np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([[1.0, 2.0], [1.0, 2.0]])
    assert OUTPUTS["identity"].right(score, y_t).tolist() == [True, False]


def test_counts_are_not_negative():
    y = np.array([[0.0, -1.0], [2.0, 3.0]])
    assert BY_LOSS["poisson"].impossible(y).tolist() == [[False, True], [False, False]]
    assert not BY_LOSS["squared_error"].impossible(y).any()
    with pytest.raises(ValueError, match=r"loss='poisson' is for counts, .* got -1 in row 2"):
        MLPRegressor("poisson").fit([[1.0], [2.0]], [0.0, -1.0])


@pytest.mark.parametrize("loss", NUMBERS)
def test_numbers_have_no_labels(loss):
    output, score = BY_LOSS[loss], np.zeros((2, 1))
    for asked in output.log_proba, output.proba, output.decide:
        with pytest.raises(ValueError, match=f"{output.name!r} predicts numbers"):
            asked(score)
    with pytest.raises(ValueError, match="it has no labels"):
        output.chance(1)


# -- what has no kernel -------------------------------------------------------------------------


class Cubed(Squared):
    name, loss = "cubed", "cubed_error"
    has_kernel = False
    row_losses = staticmethod(lambda score, y_t, of: (abs(score - y_t) ** 3 / 3).sum(axis=1))
    backward = staticmethod(lambda y, y_t, of: abs(y - y_t) * (y - y_t))


def test_a_loss_of_ones_own_is_learnt_by_the_reference(monkeypatch):
    monkeypatch.setitem(OUTPUTS, "cubed", Cubed())
    monkeypatch.setitem(BY_LOSS, "cubed_error", OUTPUTS["cubed"])
    model = MLPRegressor("squared_error", max_iter=300, random_state=0, engine="auto")
    monkeypatch.setattr(model, "_validate_params", lambda: None)
    X = RNG.normal(size=(80, 2))
    model.set_params(loss="cubed_error").fit(X, X[:, 0])
    assert model.engine_ == "numpy"
    assert "cubed" in model.engine_reason_
    assert model.score(X, X[:, 0]) > 0.8
    assert model.model_.architecture.without_kernel == ("cubed",)


@pytest.mark.skipif(bool(missing()), reason="the compiled engine is not installed")
def test_the_compiled_engine_refuses_what_it_has_no_kernel_for(monkeypatch):
    from handgrad.batch import Rows
    from handgrad.engines.compiled.engine import Compiled
    from handgrad.optim import SGD, Steps

    monkeypatch.setitem(ACTIVATIONS, "cube", ACTIVATIONS["tanh"]._replace(has_kernel=False))
    rows = Rows(np.zeros((4, 2)), np.zeros(4, int))
    with pytest.raises(ValueError, match="no kernel for cube; train with engine='numpy'"):
        Compiled(Architecture((2, 3, 2), "cube"), rows, Steps(SGD(), 2))


def test_a_model_with_an_activation_of_ones_own_predicts_by_the_reference(monkeypatch):
    X = RNG.normal(size=(30, 2))
    y = X[:, 0] > 0
    model = MLPClassifier(activation="tanh", max_iter=5, random_state=0, engine="numpy")
    with pytest.warns(ConvergenceWarning):
        expected = model.fit(X, y).predict_proba(X)
    monkeypatch.setitem(ACTIVATIONS, "tanh", ACTIVATIONS["tanh"]._replace(has_kernel=False))
    model.set_params(engine="auto")
    assert np.array_equal(model.predict_proba(X), expected)


# -- activations --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_what_an_activation_says_of_itself_is_so(name):
    of = ACTIVATIONS[name]
    at_0 = of.forward(np.zeros((1, 1)))
    assert of.is_0_at_0 == (at_0 == 0).item()
    far = np.array([[-1e3, 1e3]])
    ends = of.forward(far)
    flat = not of.backward(np.ones((1, 2)), far, ends).any()
    assert flat == (of.between is not None)
    if of.between:
        assert ends[0].tolist() == pytest.approx(of.between)
    assert of.dies == (not ends[0, 0] and of.cuts_off)
