"""What the estimators do where scikit-learn's are silent, vague or wrong: a test for each row.

The rows are those of the table in shared/research/reliability.md, section 3, whose behaviour is
an estimator's; a test, or an entry of a table, has the name of its row. What an input of the
corpus (test_corpus.py) shows already, is shown there.
"""
# ruff: noqa: E501 -- the tables keep one entry on one line

import pickle
import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from handgrad import DivergenceError, DivergenceWarning, MLPClassifier, MLPRegressor

X = np.random.default_rng(0).normal(size=(60, 4))
y = np.arange(60) % 2
FRAME = pd.DataFrame(X, columns=list("abcd"))
QUICK: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}
RAW = {"preprocess": None}

pytestmark = pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")


def classifier(**settings):
    return MLPClassifier(**QUICK | settings)


def put(x, place, value):
    changed = np.array(x)
    changed[place] = value
    return changed


def texts(*places):
    labels = np.array(["a", "b"] * 30, dtype=object)
    for place, value in places:
        labels[place] = value
    return labels


# -- refused ------------------------------------------------------------------------------------


class Refused(NamedTuple):
    row: str
    X: Any
    y: Any
    error: type[Exception]
    message: str
    settings: Any = None
    weight: Any = None


OBJECTS = X.astype(object)
MASKED = np.ma.array(X, mask=X > 2)
DAYS = FRAME.assign(t=pd.Timestamp(0))
LONG = X.astype(np.longdouble)
WRONG_UNITS = {"hidden_layer_sizes": (5, 2.5)}
TRUE_UNITS = {"hidden_layer_sizes": (True,)}

REFUSED = [
    Refused("NaN in X", put(X, ([3, 7], [1, 2]), np.nan), y, ValueError, "NaN: 2 cells.*row 4, column 2", RAW),
    Refused("NaN in X, by name", FRAME.mask(FRAME > 2), y, ValueError, "NaN: 3 cells.*row 20, column 'd'", RAW),
    Refused("Inf in X", put(X, (3, 1), -np.inf), y, ValueError, "contains infinity: 1 cells.*row 4, column 2"),
    Refused("Inf in X, by name", FRAME.assign(b=np.inf), y, ValueError, "column 'b', row 1: inf"),
    Refused("Inf in X, by a cast", put(LONG, (3, 1), np.longdouble("1e400")), y, ValueError, r"1e\+400, a value too large for float64: 1 cells.*row 4, column 2"),
    Refused("1e200 f64", X * 1e200, y, ValueError, r"column 'x2' .*e\+200.*scale", RAW),
    Refused("huge 1e38 float32", (X * 1e38).astype("f4"), y, ValueError, r"column 'x2' .*e\+38.*scale", RAW),
    Refused("string-numeric X, array", X.astype(str), y, TypeError, "holds texts.*astype"),
    Refused("string-numeric X, objects", X.astype(str).astype(object), y, TypeError, "holds texts.*astype"),
    Refused("string-numeric X, list", X.astype(str).tolist(), y, TypeError, "holds texts.*astype"),
    Refused("string-numeric X, frame", FRAME.astype(str).astype(object), y, TypeError, "holds texts", RAW),
    Refused("object with None", put(OBJECTS, (3, 1), None), y, ValueError, "NaN: 1 cells.*row 4, column 2", RAW),
    Refused("datetime64 X", X.astype("datetime64[s]"), y, TypeError, r"dates \(datetime64"),
    Refused("masked array", MASKED, y, ValueError, r"masked cells.*filled"),
    Refused("X=None", None, y, ValueError, "X is None"),
    Refused("X a path", "data.csv", y, TypeError, "path 'data.csv'.*read_table"),
    Refused("X a dict", {"a": 1}, y, TypeError, "dict"),
    Refused("complex", X + 0j, y, ValueError, "Complex data not supported: X is complex"),
    Refused("np.matrix", np.matrix(X), y, TypeError, "np.matrix is not supported.*np.asarray"),
    Refused("structured", np.zeros(60, dtype=[("a", float)]), y, TypeError, "structured_to_unstructured"),
    Refused("y None", X, texts((4, None)), ValueError, "1 is missing, the first in row 5"),
    Refused("y pd.NA", X, texts((4, pd.NA)), ValueError, "1 is missing, the first in row 5"),
    Refused("y pd.NA, nullable", X, pd.Series([None, *y[1:]], dtype="Int64"), ValueError, "1 is missing.*row 1"),
    Refused("y NaN", X, put(y.astype(float), 4, np.nan), ValueError, "1 is missing.*row 5"),
    Refused("y NaT", X, put(np.array(["2026-01-01", "2026-01-02"] * 30, "M8[D]"), 4, "NaT"), ValueError, "1 is missing.*row 5"),
    Refused("y mixed str+int, array", X, texts((4, 1)), TypeError, "mix int and str"),
    Refused("y mixed str+int, list", X, [1, "a"] * 30, TypeError, "mix int and str"),
    Refused("y bytes", X, np.array([b"a", b"b"] * 30), TypeError, "got bytes.*decode"),
    Refused("y bytes, objects", X, texts((slice(None), b"a")), TypeError, "bytes"),
    Refused("y continuous", X, X[:, 0], ValueError, "Unknown label type: continuous.*0.1257.* in row 1"),
    Refused("y of scores", X, X[:, :3], ValueError, "row 1, column 1.*argmax"),
    Refused("duplicate column names", FRAME.set_axis(list("aabc"), axis=1), y, ValueError, r"\['a'\] occur repeatedly"),
    Refused("mixed int/str column names", FRAME.set_axis(["a", "b", "c", 1], axis=1), y, TypeError, "only supported if all input features have string names"),
    Refused("empty X", X[:0], y[:0], ValueError, r"0 sample\(s\) \(shape=\(0, 4\)\) while a minimum of 1 is required"),
    Refused("0 features", X[:, :0], y, ValueError, r"0 feature\(s\)"),
    Refused("ragged", [[1, 2], [3]], [0, 1], ValueError, "row 1 has the length 2, row 2 has 1"),
    Refused("1-D", X[:, 0], y, ValueError, r"got 1D array instead, of the shape \(60,\)\. Reshape"),
    Refused("1-D list", X[:, 0].tolist(), y, ValueError, r"got 1D array instead, of the shape \(60,\)\. Reshape"),
    Refused("3-D", X[None], y, ValueError, "dim 3"),
    Refused("scalar", 3.0, y, ValueError, "got scalar array instead"),
    Refused("len(X) != len(y)", X, y[:59], ValueError, r"inconsistent numbers of samples: \[60, 59\]"),
    Refused("sample_weight all 0", X, y, ValueError, "at least one non-zero number", weight=np.zeros(60)),
    Refused("negative weights", X, y, ValueError, "negative; got -1 in row 4", weight=put(np.ones(60), 3, -1)),
    Refused("negative weights, all", X, y, ValueError, "negative; got -1 in row 1", weight=-np.ones(60)),
    Refused("weights NaN", X, y, ValueError, "sample_weight contains NaN", weight=put(np.ones(60), 3, np.nan)),
    Refused("weights inf", X, y, ValueError, "sample_weight contains infinity", weight=put(np.ones(60), 3, np.inf)),
    Refused("weights 2-D", X, y, ValueError, "must be 1D array or scalar", weight=np.ones((60, 2))),
    Refused("weights short", X, y, ValueError, r"\(59,\), expected \(60,\)", weight=np.ones(59)),
    Refused("weights str", X, y, ValueError, "'heavy'", weight=["heavy"] * 60),
    Refused("hidden_layer_sizes=(2.5,)", X, y, ValueError, "'hidden_layer_sizes'.*2.5 at position 1", WRONG_UNITS),
    Refused("hidden_layer_sizes=(True,)", X, y, ValueError, "'hidden_layer_sizes'.*True at position 0", TRUE_UNITS),
    Refused("other bad params", X, y, ValueError, "'alpha' parameter of MLPClassifier must be .*Got -1 instead", {"alpha": -1}),
    Refused("validation_fraction 0", X, y, ValueError, "'validation_fraction'", {"early_stopping": True, "validation_fraction": 0.0}),
    Refused("class imbalance, unknown key", X, y, ValueError, "class_weight.*7", {"class_weight": {7: 2}}),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.row)
def test_refused(case):
    model = classifier(**case.settings or {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(case.error, match=f"(?s){case.message}") as caught:
            model.fit(case.X, case.y, case.weight)
    assert not hasattr(model, "model_")
    assert "array(" not in str(caught.value)
    assert len(str(caught.value)) <= 400


@pytest.mark.parametrize("hole", [None, np.nan, pd.NA], ids=str)
def test_y_with_a_hole_names_the_row_for_numbers_too(hole):
    numbers = pd.Series(X[:, 0], dtype="Float64" if hole is pd.NA else object)
    numbers[4] = hole
    with pytest.raises(ValueError, match=r"NaN. 1 row has no usable number, the first is row 5"):
        MLPRegressor(**QUICK).fit(X, numbers)
    with pytest.raises(ValueError, match=r"infinity.* 1 row has no usable number.*row 3"):
        MLPRegressor(**QUICK).fit(X, put(X[:, :2], (2, 1), np.inf))


# -- told of ------------------------------------------------------------------------------------


class Warned(NamedTuple):
    row: str
    X: Any
    y: Any
    message: str
    settings: Any = None


RARE = np.array(["often"] * 59 + ["rare"])

WARNED = [
    Warned("huge 1e38 float64", X * 1e38, y, r"column 'x2' of X holds numbers up to .*e\+38", RAW),
    Warned("constant column", FRAME.assign(k=0.1, z=0.0), y, "'k' is left out: all cells are the same; 'z'"),
    Warned("y one-hot 2-D", X, np.eye(3, dtype=int)[np.arange(60) % 3], r"one-hot.*argmax"),
    Warned("y (n,1)", X, y[:, None], "column-vector y was passed"),
    Warned("one class only", X, np.zeros(60), "one class only, 0.0"),
    Warned("N classes = N rows", X, np.arange(60), "60 classes for 60 rows: is it an identifier"),
    Warned("N classes = N rows, texts", X, [f"id{i}" for i in range(60)], "60 classes for 60 rows"),
    Warned("batch_size > n", X, y, "batch_size=100 is more than the 60 training rows", {"batch_size": 100}),
    Warned("validation_fraction .001", X, y, "validation_fraction=0.001 of 60 rows", {"early_stopping": True, "validation_fraction": 0.001}),
]  # fmt: skip


@pytest.mark.parametrize("case", WARNED, ids=lambda case: case.row)
@pytest.mark.filterwarnings("ignore::handgrad.DivergenceWarning")
def test_warned(case):
    with pytest.warns(UserWarning, match=case.message) as seen:
        model = classifier(**case.settings or {}).fit(case.X, case.y)
    assert len([w for w in seen if "max_iter" not in str(w.message)]) <= 2
    assert not any(issubclass(w.category, RuntimeWarning) for w in seen)
    assert np.isfinite(model.loss_)


# -- accepted -----------------------------------------------------------------------------------


def as_read_only(x):
    copy = x.copy()
    copy.flags.writeable = False
    return copy


def as_memmap(x, path):
    mapped = np.memmap(path, x.dtype, "w+", shape=x.shape)
    mapped[:] = x
    return mapped


def test_int_bool_f16_longdouble_big_endian_and_object_numbers_are_cast():
    whole = np.round(4 * X)
    wanted = {"i1": "f8", "?": "f8", "f2": "f8", "g": "f8", "O": "f8", ">f4": "f4", "f4": "f4"}
    for kind, network in wanted.items():
        given = whole > 0 if kind == "?" else whole.astype(kind)
        before = given.tobytes() if kind != "O" else pickle.dumps(given)
        model = classifier(**RAW).fit(given, y)
        assert model.coefs_[0].dtype == np.dtype(network)
        plain = given.astype(network)
        assert np.array_equal(model.predict_proba(given), model.predict_proba(plain))
        assert before == (given.tobytes() if kind != "O" else pickle.dumps(given))


def test_non_contiguous_negative_stride_f_order_read_only_memmap_broadcast(tmp_path):
    forms = [X[::2], X[::-1, ::-1], np.asfortranarray(X), as_read_only(X)]
    forms += [as_memmap(X, tmp_path / "x"), np.broadcast_to(X[0], (60, 4))]
    for given in forms:
        labels, before = y[: len(given)], given.tobytes()
        plain = np.ascontiguousarray(given)
        seen = [classifier().fit(x, labels).predict_proba(x) for x in (given, plain)]
        assert np.array_equal(*seen)
        assert given.tobytes() == before


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.coo_array])
def test_csr_coo_sparse_equal_dense(kind):
    thin = np.where(X > 0.3, X, 0)
    dense = classifier(**RAW).fit(thin, y).predict_proba(thin)
    model = classifier(**RAW).fit(kind(thin), y)
    np.testing.assert_allclose(model.predict_proba(kind(thin)), dense, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "labels",
    [
        y.astype(float),
        np.array([-(2**62), 2**62])[y],
        np.array([0, 2**64 - 1], np.uint64)[y],
        y > 0,
        np.array(["2026-01-01", "2026-11-22"], "M8[D]")[y],
    ],
    ids=["float", "huge ints", "uint64 max", "bool", "datetime"],
)
def test_y_of_any_kind_keeps_its_dtype(labels):
    model = classifier().fit(X, labels)
    assert model.classes_.dtype == model.predict(X).dtype == labels.dtype
    assert set(model.classes_) == set(labels)


def test_y_categorical_ignores_categories_that_are_not_used():
    labels = pd.Categorical(["a", "b"] * 30, categories=["a", "b", "c"])
    assert classifier().fit(X, labels).classes_.tolist() == ["a", "b"]


def test_hidden_layer_sizes_empty_is_logistic_regression():
    ours = MLPClassifier((), solver="lbfgs", alpha=1 / 60, tol=1e-9, max_iter=1000, **RAW)
    theirs = LogisticRegression(tol=1e-9, max_iter=1000).fit(X, y)
    probabilities = ours.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(probabilities, theirs.predict_proba(X), atol=1e-5)


def test_random_state_takes_a_generator_too():
    first, second = (classifier(random_state=np.random.default_rng(3)).fit(X, y) for _ in range(2))
    assert np.array_equal(first.coefs_[0], second.coefs_[0])


def test_weights_1e308_just_work():
    plain = classifier().fit(X, y).predict_proba(X)
    heavy = classifier().fit(X, y, np.full(60, 1e308)).predict_proba(X)
    np.testing.assert_allclose(heavy, plain, rtol=0, atol=1e-12)


def test_weight_0_for_one_whole_batch_equals_removing_the_rows():
    weight = np.r_[np.zeros(20), np.ones(40)]
    settings = {"batch_size": 20, "shuffle": False}
    weighed = classifier(**settings).fit(X, y, weight).predict_proba(X)
    removed = classifier(**settings).fit(X[20:], y[20:]).predict_proba(X)
    assert np.array_equal(weighed, removed)


def test_one_class_only_has_one_column_of_ones():
    with pytest.warns(UserWarning, match="one class only"):
        model = classifier().fit(X, np.zeros(60))
    assert model.classes_.tolist() == [0]
    assert np.array_equal(model.predict_proba(X), np.ones((60, 1)))


def test_early_stopping_rare_class_is_trained_on_and_never_held_back():
    model = classifier(early_stopping=True).fit(X, RARE)
    assert model.classes_.tolist() == ["often", "rare"]
    assert len(model.validation_scores_) == model.n_iter_


def test_class_imbalance_has_class_weight():
    rare = (np.arange(60) % 10 == 0).astype(int)
    settings = {"max_iter": 20, "learning_rate_init": 0.05}
    plain = classifier(**settings).fit(X, rare).predict_proba(X)[:, 1].mean()
    fair = classifier(**settings, class_weight="balanced").fit(X, rare)
    assert fair.predict_proba(X)[:, 1].mean() > plain + 0.2


# -- going on, and using ------------------------------------------------------------------------


def test_label_in_partial_fit_not_in_classes():
    model = classifier().partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"among 0, 1; 1 rows have others: 7, the first in row 4"):
        model.partial_fit(X, put(y, 3, 7))


def test_label_in_validation_not_in_classes_is_refused_before_training():
    seen = []
    model = classifier(on_epoch=seen.append)
    with pytest.raises(ValueError, match=r"among 0, 1; 1 rows have others: 7, the first in row 4"):
        model.fit(X, y, X_val=X, y_val=put(y, 3, 7))
    assert seen == []


def test_partial_fit_classes_duplicates():
    with pytest.raises(ValueError, match=r"classes must be distinct"):
        classifier().partial_fit(X, y, classes=[0, 0, 1])


def test_first_partial_fit_without_classes():
    with pytest.raises(
        ValueError, match=r"classes must be passed on the first call to partial_fit"
    ):
        classifier().partial_fit(X, y)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAME[list("dcba")], "must be in the same order"),
        (FRAME.rename(columns={"d": "e"}), "unseen at fit time:\n- e"),
        (FRAME[list("abc")], "yet now missing:\n- d"),
        (FRAME.assign(z=1), "unseen at fit time:\n- z"),
    ],
    ids=["reorder", "rename", "missing", "extra"],
)
def test_feature_names_should_match(frame, message):
    model = classifier().fit(FRAME, y)
    with pytest.raises(ValueError, match=f"feature names should match those(?s:.*){message}"):
        model.predict(frame)


def test_names_at_fit_array_at_predict():
    model = classifier().fit(FRAME, y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        answer = model.predict(X)
    assert np.array_equal(answer, model.predict(FRAME))


def test_n_features_differ():
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        classifier().fit(X, y).predict(X[:, :3])


def test_predict_0_rows():
    with pytest.raises(ValueError, match=r"0 sample\(s\) \(shape=\(0, 4\)\)"):
        classifier().fit(X, y).predict(X[:0])


# -- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e38, 1e200, 1e300, 1e-310])
def test_huge_and_tiny_numbers_are_standardised_and_learnt(scale):
    model = classifier(max_iter=30, learning_rate_init=0.05).fit(X * scale, X[:, 0] > 0)
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]
    assert np.isfinite(model.predict_log_proba(X * scale)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_lse_overflow_the_loss_is_exact(dtype):
    """A loss of 69.08 was reported as 36.04 and as 15.94 where probabilities were clipped."""
    far = np.array([[1.0], [-1.0]], dtype)
    one = {"hidden_layer_sizes": (), "solver": "sgd", "learning_rate_init": 1e-30, "max_iter": 1}
    settings = one | {"alpha": 0, "dtype": dtype, "initialisation": ([[[69.08]]], [[0.0]])}
    model = MLPClassifier(**settings, **RAW).fit(far, [0, 1])
    assert model.loss_ == pytest.approx(69.08, rel=1e-7 if dtype == "float32" else 1e-15)


def test_minus_log_0_is_finite_by_construction():
    one = {"hidden_layer_sizes": (), "solver": "sgd", "learning_rate_init": 1e-30, "max_iter": 1}
    start = ([[[1e4, 0.0, -1e4]]], [[0.0, 0.0, 0.0]])
    model = MLPClassifier(**one, alpha=0, initialisation=start, engine="numpy", **RAW)
    model.fit([[1.0], [1.0], [1.0]], [0, 1, 2])
    assert model.predict_log_proba([[1.0]]).tolist() == [[0, -1e4, -2e4]]
    assert model.predict_proba([[1.0]]).tolist() == [[1, 0, 0]]


def test_nan_during_training_stops_at_the_batch_with_the_last_good_weights():
    def explode(epoch):
        return 1e-2 if epoch < 3 else 1e200

    settings = {"solver": "sgd", "learning_rate": explode, "batch_size": 20, "max_iter": 9}
    model = classifier(**settings, alpha=1)
    with pytest.raises(DivergenceError, match="Lower the learning rate") as caught:
        model.fit(X, y)
    error = caught.value
    assert (error.epoch, len(model.history_)) == (3, 2)
    assert error.batch in (1, 2, 3)
    assert error.last_loss == pytest.approx(model.history_[-1].loss, rel=0.5)
    assert error.learning_rate == 1e200
    assert np.isfinite(model.predict_proba(X)).all()
    good = classifier(**settings | {"max_iter": 2}, alpha=1).fit(X, y)
    assert np.array_equal(good.coefs_[0], model.coefs_[0])


def test_exploding_but_finite_is_flagged():
    model = classifier(solver="sgd", learning_rate_init=1e6, max_iter=20)
    with pytest.warns(DivergenceWarning, match="Lower the learning rate"):
        model.fit(X, y)
    assert model.diverged_


@pytest.mark.parametrize(("weight", "flagged"), [(0.9e6, False), (1.1e6, True)])
def test_exploding_weights_are_flagged_where_the_loss_is_small(weight, flagged):
    start = ([[[weight]]], [[0.0]])
    settings = {"hidden_layer_sizes": (), "alpha": 0, "initialisation": start, **RAW}
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = classifier(**settings).fit([[-1.0], [1.0]], [0, 1])
    told = [str(w.message) for w in seen if w.category is DivergenceWarning]
    assert model.loss_ == 0
    assert model.diverged_ == flagged == bool(told)
    assert all("a weight of 1.1e+06 in epoch 1" in message for message in told)


def test_keyboard_interrupt_is_raised_and_leaves_a_usable_fitted_state():
    def interrupt(epoch):
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    model = classifier(on_epoch=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert len(model.history_) == 2
    assert model.predict(X).shape == (60,)


def test_float32_accumulation_std_of_offset_data():
    offset = (1e4 + np.random.default_rng(0).normal(size=(200_000, 1))).astype(np.float32)
    encoder = classifier(max_iter=1).fit(offset, np.arange(200_000) % 2).model_.encoder
    assert encoder.mean[0] == pytest.approx(offset.mean(dtype=np.float64), rel=1e-12)
    assert encoder.scale[0] == pytest.approx(offset.std(dtype=np.float64), rel=1e-9)


def test_constant_column_of_0_1_is_no_number_near_0():
    frame = FRAME.assign(k=0.1)
    with pytest.warns(UserWarning, match="'k' is left out: all cells are the same"):
        model = classifier().fit(frame, y)
    assert model.model_.encoder.input_names == list(FRAME.columns)
    constant = classifier().fit(frame[["k"]], y).model_.encoder
    assert constant.scale.tolist() == [1]
    assert constant.transform(frame[["k"]].to_numpy()).tolist() == [[0.0]] * 60


def test_dead_relus_are_counted_and_warned_of():
    dead = ([np.zeros((4, 5)), np.ones((5, 1))], [np.full(5, -1.0), np.zeros(1)])
    with pytest.warns(UserWarning, match="100% of the units of hidden layer 1 are dead"):
        model = classifier(initialisation=dead, solver="sgd").fit(X, y)
    assert model.dead_units_ == [1.0]
