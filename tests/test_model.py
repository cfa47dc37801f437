"""A row's prediction is its own: the same bits alone, in any company, in any order."""

import os
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from common import encoder_of
from handgrad.activations import ACTIVATIONS
from handgrad.batch import ROWS_AT_ONCE
from handgrad.errors import DataError
from handgrad.losses import softmax
from handgrad.models.model import Model
from handgrad.network import Architecture, forward
from handgrad.params import Params
from handgrad.tables.encode import Encoder
from handgrad.tables.frames import from_frame
from handgrad.tables.table import read_table


def random_model(units, activation="relu", output="softmax", dtype=np.float64, encoder=None):
    params = Params.zeros(units, dtype)
    params.flat[...] = np.random.default_rng(0).normal(size=params.flat.size)
    classes = np.array([f"class {k}" for k in range(2 if output == "logistic" else units[-1])])
    encoder = encoder or Encoder.identity(units[0])
    architecture = Architecture(units, activation, output)
    return Model(encoder, architecture, params, classes, engine="numpy")  # the other: test_engines


@pytest.fixture
def penguins():
    return read_table(files("handgrad") / "data" / "penguins.csv").drop_columns("species")


ANSWERS = ("scores", "predict_log_proba", "predict_proba", "predict")

# Widths around the sizes of the tiles that a product is cut into.
widths = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 64, 65, 100, 128])


@st.composite
def models(draw):
    output = draw(st.sampled_from(["softmax", "logistic"]))
    n_y = 1 if output == "logistic" else draw(st.integers(1, 40))
    hidden = draw(st.lists(widths, max_size=3))
    activation = draw(st.sampled_from(sorted(ACTIVATIONS)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return random_model((draw(widths), *hidden, n_y), activation, output, dtype)


@settings(max_examples=200)
@given(models(), st.integers(1, 40), st.data())
def test_a_row_has_the_same_answer_alone_in_any_batch_and_in_any_order(model, n, data):
    x = np.random.default_rng(n).normal(size=(n, len(model.encoder.names)))
    x = x.astype(model.params.flat.dtype)
    subsets = [[data.draw(st.integers(0, n - 1))] for _ in range(3)]
    subsets += [data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=20))]
    subsets += [data.draw(st.permutations(range(n)))]
    for answer in ANSWERS:
        of_all = getattr(model, answer)(x)
        for rows in subsets:
            assert np.array_equal(getattr(model, answer)(x[rows]), of_all[rows]), answer


def test_a_row_of_a_table_has_the_same_answer_alone(penguins):
    encoder = encoder_of(penguins)
    model = random_model((encoder.n_inputs, 20, 3), encoder=encoder)
    of_all = model.predict_proba(penguins)
    for row in range(0, penguins.num_rows, 7):
        assert np.array_equal(model.predict_proba(penguins.slice(row, 1))[0], of_all[row])


def test_one_score_does_not_depend_on_its_place_on_an_old_kernel():
    """OpenBLAS's kernel for Sandybridge rounds a matrix times a vector by the place of a row."""
    asked = "import test_model; print(test_model.has_one_answer((20, 1), 9))"
    kernel = {"OPENBLAS_CORETYPE": "Sandybridge", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", asked]
    ran = subprocess.run(command, env=os.environ | kernel, capture_output=True, text=True)
    assert ran.stdout.strip() == "True", ran.stderr


def has_one_answer(units, n):
    model = random_model(units, output="logistic", dtype=np.float32)
    rows = np.random.default_rng(0).normal(size=(100, units[0])).astype(np.float32)
    same = [model.scores(np.tile(row, (n, 1))) for row in rows]
    return all((scores == scores[0]).all() for scores in same)


def test_neighbours_that_overflow_change_nothing():
    model = random_model((3, 4, 2), dtype=np.float32)
    x = np.ones((3, 3), np.float32)
    beside = x.copy()
    beside[1] = 1e30
    with np.errstate(all="ignore"):
        assert np.array_equal(model.scores(beside)[[0, 2]], model.scores(x)[[0, 2]])


def test_the_layout_in_memory_changes_nothing(rng):
    model = random_model((9, 7, 3))
    x = rng.normal(size=(50, 9))
    expected = model.scores(x)
    assert np.array_equal(model.scores(np.asfortranarray(x)), expected)
    assert np.array_equal(model.scores(x.repeat(2, axis=0)[::2]), expected)
    assert np.array_equal(model.scores(np.ascontiguousarray(x[:, ::-1])[:, ::-1]), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_are_those_of_the_network(rng, dtype):
    model = random_model((5, 8, 6, 3), "tanh", dtype=dtype)
    x = rng.normal(size=(100, 5)).astype(dtype)
    scores = model.scores(x)
    assert scores.dtype == dtype
    whole = forward(model.architecture, model.params, x).score
    np.testing.assert_allclose(scores, whole, rtol=1e-4 if dtype == np.float32 else 1e-12)


def test_predicting_changes_nothing(rng):
    model = random_model((5, 8, 3))
    x, before = rng.normal(size=(20, 5)), model.params.flat.copy()
    x.flags.writeable = False
    model.params.flat.flags.writeable = False
    model.predict_proba(x)
    assert np.array_equal(model.params.flat, before)


# -- probabilities and labels ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "output"), [((4, 3), "softmax"), ((4, 5, 1), "logistic"), ((4, 1), "softmax")]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_labels_probabilities_and_their_logarithms_agree(rng, units, output, dtype):
    model = random_model(units, output=output, dtype=dtype)
    x = 3 * rng.normal(size=(200, 4))
    proba = model.predict_proba(x)
    assert proba.shape == (200, len(model.classes))
    assert proba.dtype == dtype
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=10 * np.finfo(dtype).eps)
    assert np.array_equal(np.exp(model.predict_log_proba(x)), proba)
    assert np.array_equal(model.predict(x), model.classes[proba.argmax(axis=1)])
    assert ((proba >= 0) & (proba <= 1)).all()


def test_probabilities_are_the_softmax_of_the_scores(rng):
    model = random_model((4, 6, 3))
    x = rng.normal(size=(50, 4))
    np.testing.assert_allclose(model.predict_proba(x), softmax(model.scores(x)), rtol=1e-13)


def test_one_score_means_two_classes(rng):
    model = random_model((4, 1), output="logistic")
    x = rng.normal(size=(50, 4))
    score = model.scores(x)
    assert score.shape == (50, 1)
    np.testing.assert_allclose(model.predict_proba(x)[:, [1]], 1 / (1 + np.exp(-score)))
    assert np.array_equal(model.predict(x) == "class 1", score[:, 0] > 0)


@pytest.mark.parametrize("units", [(1, 2), (1, 1)])
def test_log_probabilities_are_finite_where_probabilities_are_zero(units):
    model = random_model(units, output="softmax" if units[1] == 2 else "logistic")
    model.params.flat[...] = 0
    model.params.W[0][:, -1] = 1
    x = np.array([[1e4], [-1e4], [1e300]])
    log_proba = model.predict_log_proba(x)
    assert (model.predict_proba(x) == [[0, 1], [1, 0], [0, 1]]).all()
    assert log_proba[:2].tolist() == [[-1e4, 0], [0, -1e4]]
    assert np.isfinite(log_proba).all()


def test_of_equal_scores_the_first_class_wins():
    for units, output in (((2, 3), "softmax"), ((2, 1), "logistic")):
        model = random_model(units, output=output)
        model.params.flat[...] = 0
        assert model.predict(np.ones((2, 2))).tolist() == ["class 0", "class 0"]


@pytest.mark.parametrize(
    "classes", [np.array([3, 5], np.int8), np.array([False, True]), np.array(["a", "b\0"], object)]
)
def test_predictions_have_the_type_of_the_labels(classes):
    model = random_model((2, 1), output="logistic")
    model.params.flat[...] = [1, 1, 0]
    model = Model(model.encoder, model.architecture, model.params, classes)
    predicted = model.predict(np.array([[5.0, 5], [-5, -5]]))
    assert predicted.dtype == classes.dtype
    assert predicted.tolist() == classes.tolist()[::-1]


# -- what goes in ------------------------------------------------------------------------------


def test_columns_of_a_table_are_found_by_name(penguins):
    encoder = encoder_of(penguins)
    model = random_model((encoder.n_inputs, 3), encoder=encoder)
    expected = model.scores(penguins)
    turned = penguins.select(penguins.column_names[::-1])
    assert np.array_equal(model.scores(turned), expected)
    wider = penguins.append_column("weather", penguins["island"])
    assert np.array_equal(model.scores(wider), expected)
    with pytest.raises(DataError, match="island"):
        model.scores(penguins.drop_columns("island"))


def test_a_table_and_its_matrix_have_the_same_answer(rng):
    x = rng.normal(size=(30, 3))
    table = from_frame({"c": x[:, 2], "a": x[:, 0], "b": x[:, 1]})
    model = random_model((3, 2), encoder=encoder_of(x, names=["a", "b", "c"]))
    assert np.array_equal(model.scores(table), model.scores(x))


def test_a_matrix_of_another_width_is_refused():
    model = random_model((3, 2))
    for width in (0, 2, 4):
        with pytest.raises(DataError, match=f"3 columns, got {width}"):
            model.scores(np.ones((5, width)))
    with pytest.raises(DataError):
        model.scores(np.ones(3))


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("n", [0, 1, 100, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 5])
def test_sparse_rows_have_the_answer_of_dense_rows(rng, kind, n):
    x = rng.normal(size=(n, 4)) * (rng.random((n, 4)) < 0.3)
    fitted = encoder_of(np.vstack([x, np.eye(4)]))
    for encoder in (Encoder.identity(4), fitted):
        model = random_model((4, 5, 3), encoder=encoder)
        for answer in ANSWERS:
            dense, sparse = getattr(model, answer)(x), getattr(model, answer)(kind(x))
            assert sparse.dtype == dense.dtype
            assert np.array_equal(sparse, dense)


@pytest.mark.parametrize("units", [(4, 3), (4, 2, 1)])
def test_no_rows_give_no_answers(units):
    model = random_model(units, output="softmax" if units[-1] == 3 else "logistic")
    names = model.encoder.names
    for empty in (np.empty((0, 4)), from_frame({name: np.empty(0) for name in names})):
        assert model.scores(empty).shape == (0, units[-1])
        assert model.predict_proba(empty).shape == (0, len(model.classes))
        assert model.predict_log_proba(empty).shape == (0, len(model.classes))
        assert model.predict(empty).shape == (0,)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.bool_, np.float16])
def test_numbers_of_any_type_are_numbers(rng, dtype):
    x = (5 * rng.normal(size=(20, 3))).astype(np.int64).clip(0).astype(dtype)
    model = random_model((3, 2))
    assert np.array_equal(model.scores(x), model.scores(x.astype(float)))
