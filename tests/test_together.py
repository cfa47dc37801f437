"""Networks that predict together: the mean of their predictions, row by row and in tables."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from common import ENGINES
from handgrad.engines.choice import BACKENDS
from handgrad.engines.seam import Team
from handgrad.errors import DataError
from handgrad.losses import LossSettings
from handgrad.models.model import Bounds, Model, TargetScale
from handgrad.network import Architecture
from handgrad.outputs import OUTPUTS
from handgrad.params import Params, initialise
from handgrad.skip import Levels, Linear, Pieces
from handgrad.tables.encode import Encoded, Encoder

engines = pytest.mark.parametrize("engine", ENGINES)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
heads = pytest.mark.parametrize(
    ("output", "n_scores"),
    [("softmax", 3), ("softmax", 40), ("logistic", 1), ("logistic", 3), ("identity", 2)],
)
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
SHARES = (0.5, 0.3, 0.2)
SKIP = (Pieces(9), Pieces(40), Levels(4), Linear())
N_X = 6


def network(output, n_scores, hidden, seed=0, skip=SKIP, dtype="float32"):
    architecture = Architecture((N_X, *hidden, n_scores), "relu", output, skip=skip)
    units, beside = architecture.layer_units, architecture.beside
    params = initialise(
        units, architecture.activations, np.random.PCG64(seed), dtype, beside=beside
    )
    params.flat[...] += np.random.default_rng(seed).normal(0, 0.3, params.flat.size)
    return architecture, params


def team(output, n_scores, *, dtype="float32", k=3, skip=SKIP, **more):
    hidden = [(20,), (33, 16), (20,)]
    networks = [network(output, n_scores, hidden[i % 3], i, skip, dtype) for i in range(k)]
    return Team(tuple(networks), **more)


def rows(n, dtype="float32", skip=SKIP, seed=0):
    rng = np.random.default_rng(seed)
    u = [np.floor(rng.random(n) * (basis.last * 4 + 1)) / 4 for basis in skip]
    u = [
        np.floor(one) if basis.kind == "levels" else one for one, basis in zip(u, skip, strict=True)
    ]
    return np.column_stack([rng.normal(size=(n, N_X)), *u]).astype(dtype)


def a_model(output="softmax", n_scores=3, *, k=3, dtype="float32", **more):
    """Make a model of networks of two sizes, over columns that nobody touches."""
    hidden = [(20,), (33, 16), (20,)]
    networks = [network(output, n_scores, hidden[i % 3], i, (), dtype) for i in range(k)]
    architecture = networks[0][0]
    head = architecture.head
    n_classes = (2 if head.is_binary(n_scores) else n_scores) if head.classifies else 0
    params = [params for _, params in networks]
    return Model(
        Encoder.identity(N_X), architecture, params[0], np.arange(n_classes),
        members=tuple(params[1:]), **more,
    )  # fmt: skip


def answer(model, x):
    if model.architecture.head.classifies:
        return model.predict_proba(x)
    return model.predict_numbers(x)


# -- the mean -----------------------------------------------------------------------------------


@engines
@dtypes
@heads
@pytest.mark.parametrize("shares", [None, SHARES])
@pytest.mark.parametrize("temperature", [1.0, 1.7])
def test_the_mean_is_that_of_the_predictions(engine, dtype, output, n_scores, shares, temperature):
    shares = None if shares is None else np.array(shares, dtype)
    asked = team(output, n_scores, dtype=dtype, shares=shares, temperature=temperature)
    x, backend, head = rows(50, dtype), BACKENDS[engine], OUTPUTS[output]
    exact = [score.astype(float) for score in (backend.scores(*one, x) for one in asked.networks)]
    weights = np.full(3, 1 / 3) if shares is None else shares.astype(float)
    expected = head.mean_scores(np.stack(exact), weights) / temperature
    found = backend.predict(asked, x, proba=False)
    assert found.dtype == np.dtype(dtype)
    tolerance = TOLERANCE[dtype] * max(1, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    if head.classifies and not head.is_multilabel(n_scores):
        mean = backend.predict(asked, x, proba=True)
        np.testing.assert_allclose(mean, head.proba(expected), rtol=0, atol=tolerance)
        np.testing.assert_allclose(mean.sum(axis=1), 1, rtol=1e-5)


@engines
@dtypes
@pytest.mark.parametrize(("output", "n_scores"), [("softmax", 3), ("logistic", 1)])
def test_no_probability_is_lost_where_networks_are_sure(engine, dtype, output, n_scores):
    """Scores so far apart that a probability is 0 in float32 keep their logarithm."""
    asked = team(output, n_scores, dtype=dtype, shares=np.array(SHARES, dtype), skip=())
    for _, params in asked.networks:
        params.W[-1][...] *= 100
    x = rows(200, dtype, ())
    of_each = [BACKENDS["numpy"].scores(*one, x).astype(float) for one in asked.networks]
    expected = OUTPUTS[output].mean_scores(np.stack(of_each), np.array(SHARES))
    assert np.abs(expected).max() > 150
    found = BACKENDS[engine].predict(asked, x, proba=False)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@engines
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("output", "n_scores"), [("softmax", 3), ("logistic", 1)])
def test_a_network_whose_scores_overflow_is_told_of(engine, place, output, n_scores):
    model = a_model(output, n_scores, engine=engine)
    bad = model.networks[place]
    bad.W[-1][...], bad.b[0][...] = 3e38, 5
    for n in (1, 3, 80):
        for ask in (model.predict_proba, model.predict, model.scores):
            with pytest.raises(DataError, match="too large"), np.errstate(all="ignore"):
                ask(rows(n, skip=()))


# -- bits ---------------------------------------------------------------------------------------


@engines
@dtypes
@heads
@pytest.mark.parametrize("proba", [False, True])
def test_a_row_is_predicted_as_if_it_were_alone(engine, dtype, output, n_scores, proba):
    """From one row, for which no table is made of a skip, to many, which threads share."""
    if proba and (output, n_scores) in [("logistic", 3), ("identity", 2)]:
        return
    asked = team(output, n_scores, dtype=dtype, shares=np.array(SHARES, dtype))
    x, backend = rows(9000, dtype), BACKENDS[engine]
    together = backend.predict(asked, x, proba=proba)
    ready = backend.prepare(asked, one := np.zeros((1, x.shape[1]), x.dtype), proba=proba)
    for i in (0, 1, 4095, 4096, 4500, 8999):
        one[...] = x[i]
        assert np.array_equal(ready()[0], together[i])
    for n in (1, 2, 4, 5, 16, 17, 63, 64, 300):
        assert np.array_equal(
            backend.predict(asked, x[50 : 50 + n], proba=proba), together[50:][:n]
        )
    order = np.random.default_rng(0).permutation(len(x))
    assert np.array_equal(backend.predict(asked, x[order], proba=proba), together[order])


@engines
@dtypes
@pytest.mark.parametrize("n_scores", [1, 3, 40])
@pytest.mark.parametrize("skip", [(one,) for one in SKIP] + [(Pieces(1), Pieces(64))])
def test_few_rows_of_a_skip_have_the_bits_of_many(engine, dtype, n_scores, skip):
    """At every edge, between them, and beyond the first and last."""
    asked = Team((network("identity", n_scores, (8,), 1, skip, dtype),))
    u = np.arange(-2, max(basis.last for basis in skip) + 2, 0.25)
    x = np.column_stack([np.ones((len(u), N_X)), *[u] * len(skip)]).astype(dtype)
    together = BACKENDS[engine].predict(asked, x, proba=False)
    for i in range(len(x)):
        assert np.array_equal(
            BACKENDS[engine].predict(asked, x[i : i + 1], proba=False)[0], together[i]
        )


@dtypes
@pytest.mark.parametrize("n", [1, 3, 100])
@pytest.mark.parametrize("n_scores", [1, 5])
@engines
def test_a_skip_of_zeros_changes_no_bit(engine, dtype, n, n_scores):
    """As a smooth network has one, among sharp ones."""
    architecture, params = network("identity", n_scores, (20,), 0, SKIP, dtype)
    params.V[...] = 0
    alone = replace(architecture, skip=())
    plain = Params.view(params.flat[: alone.n_parameters].copy(), alone.layer_units)
    x = rows(n, dtype)
    scores = BACKENDS[engine].scores
    without = scores(alone, plain, np.ascontiguousarray(x[:, :N_X]))
    assert np.array_equal(scores(architecture, params, x), without)


@engines
def test_a_skip_that_begins_with_zeros_counts(engine):
    architecture, params = network("identity", 2, (20,))
    before = params.like(params.flat.copy())
    params.V[:-1] = before.V[:-1] = before.V[-1] = 0
    x, scores = rows(100), BACKENDS[engine].scores
    assert np.abs(scores(architecture, params, x) - scores(architecture, before, x)).max() > 0.01


# -- a model ------------------------------------------------------------------------------------


MODELS = {
    "classes": {"shares": SHARES},
    "two classes": {"output": "logistic", "n_scores": 1, "temperature": 1.4},
    "labels": {"output": "logistic", "n_scores": 3, "shares": SHARES},
    "numbers": {
        "output": "identity",
        "n_scores": 2,
        "shares": SHARES,
        "scale": TargetScale(np.array([5.0, 1.0]), np.array([9.0, 2.0])),
        "bounds": Bounds(np.array([11.0, -1.0]), np.array([20.0, 2.0])),
    },
    "quantiles": {"output": "quantile", "n_scores": 3},
}


def model_of(name, **more):
    model = a_model(**MODELS[name], **more)
    if name == "quantiles":
        loss = LossSettings(quantiles=(0.1, 0.5, 0.9))
        model = replace(model, architecture=replace(model.architecture, loss=loss))
    return model


@engines
@pytest.mark.parametrize("name", MODELS)
def test_a_row_has_the_bits_of_a_table(engine, name):
    model, x = model_of(name, engine=engine), rows(40, skip=())
    expected, labels, predict = answer(model, x), model.scores(x), model.predictor()
    if name == "quantiles":
        assert (np.diff(expected, axis=1) >= 0).all()
    if name == "numbers":
        assert (expected.min(axis=0) == [11, -1]).all()
        assert (expected.max(axis=0) == [20, 2]).all()
    for i in range(40):
        assert np.array_equal(answer(model, x[i : i + 1])[0], expected[i])
        assert np.array_equal(predict(x[i]), expected[i])
        assert np.array_equal(model.scores(x[i : i + 1])[0], labels[i])


@engines
@pytest.mark.parametrize("name", MODELS)
def test_a_change_in_place_counts_in_the_next_answer(engine, name):
    model, x = model_of(name, engine=engine), rows(1, skip=())
    predict = model.predictor()
    before = [answer(model, x), predict(x[0])]
    for params in model.networks:
        params.flat[...] = np.random.default_rng(9).normal(0, 0.2, params.flat.size)
    fresh = answer(replace(model), x)
    assert not np.array_equal(fresh, before[0])
    assert np.array_equal(answer(model, x), fresh)
    assert np.array_equal(predict(x[0]), fresh[0])


@engines
def test_so_does_one_of_parameters_that_kernels_cannot_read(engine):
    """They lie askew in memory, as a file may have them, or have a scale of the inputs."""
    architecture, params = network("softmax", 3, (20,), 0, ())
    raw = np.zeros(params.flat.nbytes + 1, np.uint8)
    askew = raw[1:].view(np.float32)
    askew[...] = params.flat
    scaled = replace(architecture, scales=True)
    s = Params.view(np.r_[params.flat, np.ones(N_X, np.float32)], scaled.layer_units, scaled.beside)
    asked = Team(((architecture, Params.view(askew, params.layer_units)), (scaled, s)))
    x = rows(1, skip=())
    ready = BACKENDS[engine].prepare(asked, x, proba=True)
    ready()
    askew[...] *= 0.5
    s.s[...] = 3
    assert np.array_equal(ready(), BACKENDS[engine].predict(asked, x, proba=True))


@engines
def test_other_networks_give_other_answers_at_once(engine):
    model, x = a_model(engine=engine), rows(1, skip=())
    model.predict_proba(x)
    others = [params.like(params.flat * 0.5) for params in model.networks]
    other = model.with_networks(others)
    expected = replace(model, params=others[0], members=tuple(others[1:])).predict_proba(x)
    assert np.array_equal(other.predict_proba(x), expected)
    assert not np.array_equal(model.predict_proba(x), expected)


@engines
def test_a_model_is_copied_and_pickled_after_an_answer(engine):
    model, x = a_model(engine=engine), rows(1, skip=())
    expected = model.predict_proba(x)
    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.predict_proba(x), expected)
    apart = copy.deepcopy(model)
    apart.params.flat[...] = 0
    assert np.array_equal(model.predict_proba(x), expected)


@engines
def test_an_answer_stays_as_it_is(engine):
    for name in MODELS:
        model, x = model_of(name, engine=engine), rows(2, skip=())
        for ask in (model.scores, lambda x, model=model: answer(model, x)):
            first = ask(x[:1])
            kept = first.copy()
            ask(x[1:])
            assert np.array_equal(first, kept)


@engines
@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_threads_share_a_model_and_its_predictor(engine, name):
    model, x = model_of(name, engine=engine), rows(60, skip=())
    expected, predict = answer(model, x), model.predictor()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            by_model = list(pool.map(lambda i: answer(model, x[i : i + 1])[0], range(60)))
            by_row = list(pool.map(predict, x))
            assert np.array_equal(by_model, expected)
            assert np.array_equal(by_row, expected)


def test_encoded_rows_are_predicted_alike():
    model, x = a_model(), rows(3, skip=())
    assert np.array_equal(model.predict_proba(Encoded(x[:1])), model.predict_proba(x)[:1])
