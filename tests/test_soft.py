"""Probabilities in place of labels: ``fit(X, P, classes=...)``, in both engines."""

import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from common import ENGINES
from handgrad import MLPClassifier, TabularClassifier
from handgrad.batch import Rows
from handgrad.engines import choice
from handgrad.errors import DataError
from handgrad.estimators.labels import Labels
from handgrad.estimators.soft import OFF
from handgrad.gradcheck import central_difference, check_gradients
from handgrad.losses import LossSettings
from handgrad.models.calibration import fit_temperature
from handgrad.models.file import load_model
from handgrad.models.file import to_bytes as model_bytes
from handgrad.network import Architecture
from handgrad.optim import Adam
from handgrad.outputs import for_classes
from handgrad.params import initialise
from handgrad.training.run import Run, Settings, steps_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N = 120
rng = np.random.default_rng(5)
X = rng.normal(size=(N, 3))
NAMES = ["cat", "ant", "bee"]  # not in the order of the alphabet


def teacher(K=3, seed=0):
    W = np.random.default_rng(seed).normal(size=(3, K))
    return softmax(X @ W, axis=1)


P = teacher()
SORTED = P[:, [1, 2, 0]]  # ant, bee, cat


def settings(**changes):
    usual = {
        "hidden_layer_sizes": (5,),
        "max_iter": 6,
        "batch_size": 32,
        "learning_rate_init": 0.01,
        "random_state": 1,
        "engine": "numpy",
    }
    return usual | changes


def student(**changes):
    return MLPClassifier(**settings(**changes))


def flat(model):
    return model.model_.params.flat


def labels_of(probabilities, names):
    return np.array(names)[probabilities.argmax(axis=1)]


def one_hot(labels, names):
    return (np.asarray(labels)[:, None] == np.array(names)).astype(float)


# -- the rule, against mathematics ---------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0, 0.2])
@pytest.mark.parametrize("K", [2, 3])
def test_the_loss_is_the_cross_entropy_with_the_probabilities(K, smoothing):
    target = teacher(K)
    head, n_scores = for_classes(K)
    score = np.random.default_rng(2).normal(size=(N, n_scores)) * 30
    y_t = head.soft(target, np.float64)
    rows = head.row_losses(score, y_t, LossSettings(label_smoothing=smoothing))
    wide = np.column_stack([np.zeros(N), score]) if K == 2 else score
    mixed = (1 - smoothing) * target + smoothing / K
    np.testing.assert_allclose(rows, -(mixed * log_softmax(wide, axis=1)).sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("smoothing", [0, 0.2])
@pytest.mark.parametrize("K", [2, 3])
def test_its_slope_in_the_scores_is_that_of_central_differences(K, smoothing):
    head, n_scores = for_classes(K)
    score = np.random.default_rng(3).normal(size=(7, n_scores))
    y_t, how = head.soft(teacher(K)[:7], np.float64), LossSettings(label_smoothing=smoothing)
    found = head.dscore(head.predict(score), y_t, None, how)
    expected = central_difference(
        lambda flat: head.mean_loss(flat.reshape(score.shape), y_t, None, how), score.ravel()
    )
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-9)


@pytest.mark.parametrize("smoothing", [0, 0.2])
@pytest.mark.parametrize("K", [2, 3])
def test_gradients_are_those_of_complex_steps(K, smoothing):
    head, n_scores = for_classes(K)
    how = LossSettings(label_smoothing=smoothing)
    architecture = Architecture((3, 4, n_scores), "tanh", head.name, how)
    params = initialise(architecture.layer_units, architecture.activations, np.random.PCG64(0))
    weight = np.random.default_rng(0).random(20)
    y_t = head.soft(teacher(K)[:20], np.float64)
    assert check_gradients(architecture, params, X[:20], y_t, weight, 0.1).agrees


@pytest.mark.parametrize("K", [2, 3])
def test_a_gradient_check_of_an_estimator_takes_probabilities_in_the_order_of_classes_(K):
    names, target = NAMES[:K], teacher(K)
    model = student(engine="auto").fit(X, target, classes=names)
    in_order = target[:, np.argsort(names)]
    assert model.gradient_check(X[:20], in_order[:20]).agrees


# -- the rule, against labels --------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0, 0.2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("engine", ENGINES)
def test_probabilities_of_0_and_1_train_as_labels_do_to_the_bit(engine, K, dtype, smoothing):
    names = NAMES[:K]
    labels = labels_of(teacher(K), names)
    how = {"engine": engine, "dtype": dtype, "label_smoothing": smoothing, "dropout": 0.1}
    weight = np.random.default_rng(0).random(N)
    by_label = student(**how).fit(X, labels, weight)
    soft = student(**how).fit(X, one_hot(labels, names), weight, classes=names)
    np.testing.assert_array_equal(flat(soft), flat(by_label))
    assert soft.loss_curve_ == by_label.loss_curve_
    assert [e.accuracy for e in soft.history_] == [e.accuracy for e in by_label.history_]


CLASS_WEIGHTS = [None, "balanced", {"ant": 0.5, "cat": 3.0}, {"ant": 0.0}]


@pytest.mark.parametrize("class_weight", CLASS_WEIGHTS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_row_is_as_many_rows_as_classes_each_weighed_by_its_probability(
    engine, K, weighted, class_weight
):
    names, target = NAMES[:K], teacher(K)
    weight = np.random.default_rng(1).random(N) + 0.1 if weighted else np.ones(N)
    how = {
        "engine": engine,
        "class_weight": class_weight,
        "label_smoothing": 0.1,
        "solver": "sgd",
        "momentum": 0,
        "learning_rate_init": 0.5,
        "shuffle": False,
    }
    soft = student(**how, batch_size=N)
    soft.fit(X, target, weight if weighted else None, classes=names)
    repeated = student(**how, batch_size=K * N)
    repeated.fit(np.repeat(X, K, axis=0), np.tile(names, N), (target * weight[:, None]).ravel())
    np.testing.assert_allclose(flat(soft), flat(repeated), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(soft.loss_curve_, repeated.loss_curve_, rtol=1e-9)


def test_class_weights_that_leave_nothing_are_refused():
    with pytest.raises(ValueError, match="at least one row a weight above zero"):
        student(class_weight=dict.fromkeys(NAMES, 0)).fit(X, P, classes=NAMES)


# -- the engines ---------------------------------------------------------------------------------


def epochs_of(engine, architecture, rows, n=3, batch_size=25):
    dtype = rows.x.dtype
    params = initialise(
        architecture.layer_units, architecture.activations, np.random.PCG64(0), dtype
    )
    run, how = Run.start(params, np.random.PCG64(1)), Settings(Adam(), batch_size=batch_size)
    run.prepare(how)
    make = {backend.NAME: backend.make for backend in choice.BACKENDS.values()}[engine]
    of = make(architecture, rows, steps_of(architecture, run, how, len(rows)))
    order = np.random.default_rng(2).permutation(len(rows))
    measured = [of.run_epoch(run.params, run.slots, 0, 0.01, order) for _ in range(n)]
    return run.params.flat, measured


@pytest.mark.parametrize("hidden", [(), (9,), (40, 7)])
@pytest.mark.parametrize("smoothing", [0, 0.2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [2, 3, 9, 33])
def test_the_engines_agree(K, dtype, smoothing, hidden):
    if len(choice.BACKENDS) < 2 or any(one.missing() for one in choice.BACKENDS.values()):
        pytest.skip("the compiled engine is not there")
    target = np.random.default_rng(0).dirichlet(np.full(K, 0.5), N)
    weight = np.random.default_rng(1).random(N).astype(dtype)
    head, n_scores = for_classes(K)
    architecture = Architecture((3, *hidden, n_scores), "relu", head.name, LossSettings(smoothing))
    rows = Rows(X.astype(dtype), head.soft(target, dtype), weight)
    (flat_1, told_1), (flat_2, told_2) = (
        epochs_of(engine, architecture, rows) for engine in ("numpy", "compiled")
    )
    near = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(flat_1, flat_2, rtol=0, atol=near)
    np.testing.assert_allclose(told_1, told_2, rtol=0, atol=near)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_training_comes_down_to_the_entropy_of_its_teacher(engine):
    model = student(engine=engine, hidden_layer_sizes=(), learning_rate_init=0.1, max_iter=300)
    model.fit(X, P, classes=NAMES)
    entropy = -(P * np.log(P)).sum(axis=1).mean()
    assert entropy < model.loss_ < entropy + 2e-3
    np.testing.assert_allclose(model.predict_proba(X), SORTED, atol=0.02)


@pytest.mark.parametrize("K", [2, 3])
def test_lbfgs_finds_the_least_cross_entropy(K):
    model = student(solver="lbfgs", hidden_layer_sizes=(), alpha=0, max_iter=200, tol=1e-9)
    model.fit(X, teacher(K), classes=range(K))
    np.testing.assert_allclose(model.predict_proba(X), teacher(K), atol=1e-3)


# -- what is read as probabilities ---------------------------------------------------------------


@pytest.mark.parametrize(
    "y",
    [
        P,
        P.tolist(),
        P.astype(np.float32),
        pd.DataFrame(P, columns=["p1", "p2", "p3"]),
        pd.DataFrame(P, columns=NAMES),
        pl.DataFrame(P, schema=NAMES),
        pl.DataFrame(P, schema=NAMES).to_arrow(),
    ],
)
def test_they_come_in_any_container(y):
    model = student().fit(X, y, classes=NAMES)
    assert model.classes_.tolist() == sorted(NAMES)
    np.testing.assert_allclose(flat(model), flat(student().fit(X, P, classes=NAMES)), atol=1e-5)


def test_the_order_in_which_classes_are_named_changes_nothing():
    model = student().fit(X, P, classes=NAMES)
    same = student().fit(X, SORTED, classes=sorted(NAMES))
    np.testing.assert_array_equal(flat(model), flat(same))


@pytest.mark.parametrize("classes", [[2, 10, -1], [True, False], [0.5, 2.0, 1.0], NAMES])
def test_classes_may_be_whatever_labels_are(classes):
    target = teacher(len(classes))
    model = student(max_iter=60, learning_rate_init=0.1).fit(X, target, classes=classes)
    assert model.classes_.tolist() == sorted(classes)
    assert np.mean(model.predict(X) == labels_of(target, classes)) > 0.9


def test_rounded_probabilities_are_divided_by_their_sum():
    rounded = P.round(3)
    exact = rounded / rounded.sum(axis=1, keepdims=True)
    assert not np.array_equal(rounded, exact)
    model, same = student().fit(X, rounded, classes=NAMES), student().fit(X, exact, classes=NAMES)
    np.testing.assert_allclose(flat(model), flat(same), rtol=1e-12)


def changed(row, column, value):
    other = P.copy()
    other[row, column] = value
    return other


@pytest.mark.parametrize(
    ("y", "classes", "words"),
    [
        (changed(4, 1, -0.1), NAMES, "at least 0; got -0.1 in row 5, column 2 of y"),
        (changed(4, 1, np.inf), NAMES, "got inf in row 5, column 2"),
        (changed(4, 1, np.nan), NAMES, "row 5, column 2"),
        (changed(6, 0, P[6, 0] + 2 * OFF), NAMES, "1 of 120 rows do not, the first is row 7 with"),
        (100 * P, NAMES, "the first is row 1 with 100"),
        (P, NAMES[:2], "y has 3 columns of probabilities, so classes must name 3"),
        (P, [*NAMES, "dog"], "y has 3 columns of probabilities"),
        (P, ["ant", "ant", "bee"], "classes must be distinct"),
        (P[:, 0], NAMES, "probabilities need a column for each class"),
        (P[:50], NAMES, "inconsistent"),
        (pd.DataFrame(P, columns=sorted(NAMES)), NAMES, "in their order, which is .'ant'"),
        (P > 0.5, NAMES, "pass floats"),
        ((P > 0.5).astype(int), NAMES, "pass floats"),
    ],
)
@pytest.mark.parametrize("kind", [MLPClassifier, TabularClassifier])
def test_what_cannot_be_is_refused(kind, y, classes, words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows with one label each
        with pytest.raises(ValueError, match=words):
            kind().fit(X, y, classes=classes)


def test_without_classes_floats_are_no_probabilities():
    with pytest.raises(ValueError, match=r"name the class of each column by classes=\["):
        student().fit(X, P)


@pytest.mark.parametrize("dtype", [int, bool, float, np.uint8])
def test_without_classes_0_and_1_are_several_labels_as_ever(dtype):
    several = (P > 0.3).astype(dtype)
    model = student().fit(X, several)
    assert model.model_.is_multilabel


@pytest.mark.parametrize("dtype", [int, bool])
def test_whole_numbers_are_several_labels_in_any_case(dtype):
    several = (P > 0.3).astype(dtype)
    model = student().fit(X, several, classes=[0, 1, 2])
    np.testing.assert_array_equal(flat(model), flat(student().fit(X, several)))


def test_classes_of_labels_may_be_more_than_there_are_in_y():
    labels = np.where(X[:, 0] > 0, "ant", "bee")
    model = student().fit(X, labels, classes=NAMES)
    assert model.classes_.tolist() == sorted(NAMES)
    assert model.predict_proba(X).shape == (N, 3)
    with pytest.raises(ValueError, match="labels must be among 'ant', 'cat'"):
        student().fit(X, labels, classes=["ant", "cat"])


# -- with all that an estimator does -------------------------------------------------------------


def test_early_stopping_watches_the_cross_entropy():
    model = student(early_stopping=True, max_iter=10).fit(X, P, classes=NAMES)
    held = model.held_back_
    assert 0 < len(held) < N / 4
    log_y = np.log(model.predict_proba(X[held]))
    loss = -(SORTED[held] * log_y).sum(axis=1).mean()
    assert model.best_validation_score_ == pytest.approx(-loss)
    likeliest = log_y.argmax(axis=1) == SORTED[held].argmax(axis=1)
    best = int(np.argmax(model.validation_scores_))
    assert model.history_[best].validation_accuracy == pytest.approx(likeliest.mean())


def test_rows_held_back_are_a_part_of_each_likeliest_class():
    model = student(early_stopping=True, validation_fraction=0.25).fit(X, P, classes=NAMES)
    likeliest = P.argmax(axis=1)
    counts, held = np.bincount(likeliest), np.bincount(likeliest[model.held_back_], minlength=3)
    np.testing.assert_array_equal(held, np.rint(counts / 4))


@pytest.mark.parametrize("as_labels", [False, True])
def test_rows_to_validate_on_have_probabilities_or_labels(as_labels):
    y_val = labels_of(P[:40], NAMES) if as_labels else P[:40]
    model = student(early_stopping=True, scoring="loss")
    model.fit(X[40:], P[40:], X_val=X[:40], y_val=y_val, classes=NAMES)
    target = one_hot(y_val, sorted(NAMES)) if as_labels else SORTED[:40]
    loss = -(target * np.log(model.predict_proba(X[:40]))).sum(axis=1).mean()
    assert model.best_validation_score_ == pytest.approx(-loss)


def test_labels_may_be_learnt_and_probabilities_validate():
    model = student(early_stopping=True, scoring="loss")
    labels = labels_of(P[40:], NAMES)
    model.fit(X[40:], labels, X_val=X[:40], y_val=P[:40], classes=NAMES)
    loss = -(SORTED[:40] * np.log(model.predict_proba(X[:40]))).sum(axis=1).mean()
    assert model.best_validation_score_ == pytest.approx(-loss)


def test_a_scorer_of_labels_is_refused_unless_there_are_labels():
    model = student(early_stopping=True, scoring="balanced_accuracy")
    with pytest.raises(ValueError, match="judges labels, and the rows watched have probabilities"):
        model.fit(X, P, classes=NAMES)
    assert not hasattr(model, "model_")
    model.fit(X, P, X_val=X, y_val=labels_of(P, NAMES), classes=NAMES)
    assert 0 <= model.best_validation_score_ <= 1


def test_accuracy_and_callables_may_be_watched():
    model = student(early_stopping=True, scoring="accuracy").fit(X, P, classes=NAMES)
    assert 0 <= model.best_validation_score_ <= 1
    seen = []

    def scoring(estimator, rows, y):
        seen.append((len(rows), y))
        return -float(np.abs(estimator.predict_proba(rows) - y).max())

    model = student(early_stopping=True, scoring=scoring).fit(X, P, classes=NAMES)
    assert len(seen) == model.n_iter_
    np.testing.assert_allclose(seen[0][1], SORTED[model.held_back_])


@pytest.mark.parametrize("K", [2, 3])
def test_calibration_fits_the_temperature_to_probabilities(K):
    target = teacher(K)
    head, n_scores = for_classes(K)
    noise = np.random.default_rng(0).normal(size=(N, n_scores))
    score = 3 * np.log(target)[:, -n_scores:] - 3 * np.log(target)[:, :n_scores][:, :1] + noise
    y_t = head.soft(target, np.float64)
    found = fit_temperature(head.name, score, y_t)
    spread = LossSettings(label_smoothing=1 / (N + 1))
    best = minimize_scalar(
        lambda log_t: head.mean_loss(score / np.exp(log_t), y_t, None, spread), (-3, 3)
    )
    assert found == pytest.approx(np.exp(best.x), rel=1e-5)
    model = student(calibration="temperature").fit(X, target, classes=range(K))
    assert model.temperature_ != 1


@pytest.mark.parametrize("change", [{}, {"n_ensemble": 2}, {"learning_rate": "adaptive"}])
def test_a_fit_that_is_broken_off_goes_on_to_the_bit(tmp_path, change):
    class BrokenOff(BaseException):
        pass

    def on_epoch(epoch):
        if epoch.epoch == 3:
            raise BrokenOff

    how = {"early_stopping": True, "class_weight": "balanced", **change}
    survives = {"checkpoint": tmp_path, "checkpoint_every": 1}
    with pytest.raises(BrokenOff):
        student(**how, **survives, on_epoch=on_epoch).fit(X, P, classes=NAMES)
    other = P[::-1].copy()
    with pytest.raises(ValueError, match="begun with other data"):
        student(**how, checkpoint=tmp_path, resume=True).fit(X, other, classes=NAMES)
    resumed = student(**how, checkpoint=tmp_path, resume=True).fit(X, P, classes=NAMES)
    whole = student(**how).fit(X, P, classes=NAMES)
    assert model_bytes(resumed.model_) == model_bytes(whole.model_)
    assert resumed.loss_curve_ == whole.loss_curve_


def test_a_warm_start_goes_on_from_labels_to_probabilities():
    model = student(warm_start=True).fit(X, labels_of(P, NAMES))
    before = flat(model).copy()
    model.fit(X, P, classes=NAMES)
    assert not np.array_equal(flat(model), before)
    assert model.n_iter_ == 6
    assert model.t_ == 12 * N
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        model.fit(X, P, classes=["ant", "bee", "dog"])
    several = student(warm_start=True).fit(X, (P > 0.3).astype(int))
    with pytest.raises(ValueError, match="has learnt several labels a row"):
        several.fit(X, P, classes=[0, 1, 2])


def test_a_stream_of_probabilities_names_the_columns_in_each_call():
    model = student().partial_fit(X, P, classes=NAMES)
    whole = student(max_iter=1).fit(X, P, classes=NAMES)
    np.testing.assert_allclose(flat(model), flat(whole), rtol=1e-9)
    model.partial_fit(X, SORTED, classes=sorted(NAMES)).partial_fit(X, labels_of(P, NAMES))
    assert model.n_iter_ == 3
    with pytest.raises(ValueError, match="name the class of each column"):
        model.partial_fit(X, P)
    with pytest.raises(ValueError, match="each call has to name the columns by classes"):
        model.partial_fit(X, (P > 0.5).astype(float))
    more = np.column_stack([P, np.zeros(N)])
    model.partial_fit(X, more, classes=[*NAMES, "dog"])
    assert model.predict_proba(X).shape == (N, 4)


def test_a_stream_of_several_labels_stays_one():
    several = (P > 0.3).astype(float)
    model = student().partial_fit(X, several.astype(int), classes=[0, 1, 2])
    assert model.model_.is_multilabel
    assert model.partial_fit(X, several).model_.is_multilabel


@contextmanager
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def cross_entropy(estimator, rows, y):
    return float((y[:, [1, 2, 0]] * estimator.predict_log_proba(rows)).sum(axis=1).mean())


def test_a_search_passes_the_classes_on():
    search = GridSearchCV(student(), {"alpha": [0, 10.0]}, scoring=cross_entropy, cv=3)
    found = search.fit(X, P, classes=NAMES)
    assert found.best_params_ == {"alpha": 0}
    with routing():
        asked = student().set_fit_request(classes=True)
        found = GridSearchCV(asked, {"alpha": [0, 10.0]}, scoring=cross_entropy, cv=3)
        assert found.fit(X, P, classes=NAMES).best_params_ == {"alpha": 0}


def test_a_model_of_them_is_like_any_other(tmp_path):
    model = student(max_iter=60, learning_rate_init=0.05).fit(X, P, classes=NAMES)
    assert clone(model).get_params() == model.get_params()
    model.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m").predict_proba(X)
    np.testing.assert_allclose(loaded, model.predict_proba(X), rtol=1e-12)
    assert model.score(X, labels_of(P, NAMES)) > 0.5
    same = np.random.default_rng(0).permutation(N)
    again = student(shuffle=False, batch_size=N).fit(X, P, classes=NAMES)
    other = student(shuffle=False, batch_size=N).fit(X[same], P[same], classes=NAMES)
    np.testing.assert_allclose(flat(again), flat(other), rtol=1e-8)


def test_a_trace_refuses_probabilities_in_words():
    for K in (2, 3):
        model = student().fit(X, teacher(K), classes=range(K))
        with pytest.raises(ValueError, match="a trace tells how a label is learnt"):
            model.trace(X[:2], teacher(K)[:2])
        assert "dscore" in model.trace(X[:2], [0, 1])


# -- the race of tabular networks ----------------------------------------------------------------


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("K", [2, 3])
def test_tabular_networks_learn_probabilities(K, class_weight):
    names, target = NAMES[:K], teacher(K)
    model = TabularClassifier(
        "fast", n_networks=2, updates=60, random_state=0, class_weight=class_weight
    )
    model.fit(X, target, classes=names)
    in_order = target[:, np.argsort(names)]
    assert model.classes_.tolist() == sorted(names)
    assert model.oob_decision_function_.shape == (N, K)
    if class_weight is None:
        assert np.abs(model.predict_proba(X) - in_order).mean() < 0.1


def test_tabular_networks_learn_ones_and_zeros_as_labels():
    labels = labels_of(P, NAMES)
    model = TabularClassifier("fast", n_networks=1, updates=20, random_state=0, engine="numpy")
    by_label = clone(model).fit(X, labels)
    soft = clone(model).fit(X, one_hot(labels, NAMES), classes=NAMES)
    assert model_bytes(soft.model_) == model_bytes(by_label.model_)


def test_a_teacher_teaches_a_smaller_student():
    """The whole way: an ensemble, rows without labels, a file that is a part of the size."""
    big = MLPClassifier((30,), n_ensemble=3, max_iter=50, random_state=0, learning_rate_init=0.01)
    labels = labels_of(P, NAMES)
    big.fit(X[:60], labels[:60])
    small = student(max_iter=100).fit(X, big.predict_proba(X), classes=big.classes_)
    assert np.mean(small.predict(X) == big.predict(X)) > 0.9
    sizes = [len(model_bytes(model.model_)) for model in (small, big)]
    assert sizes[0] < sizes[1]


def test_the_task_settles_what_is_watched_by_the_form_of_y():
    task = Labels.of(student())
    assert task.settled(SORTED).watched(9) == "loss"
    assert task.settled(np.array(NAMES)).watched(9) == "accuracy"
    assert Labels.of(student(scoring="accuracy")).settled(SORTED).watched(9) == "accuracy"


def test_rows_without_probabilities_are_counted_as_rows(rng):
    P = np.full((9, 3), 1 / 3)
    P[[2, 5]] = np.nan
    with pytest.raises(DataError, match="but 2 are missing, the first in row 3, column 1"):
        MLPClassifier().fit(rng.normal(size=(9, 2)), P, classes=["a", "b", "c"])


def test_a_judgement_advises_what_it_takes(rng):
    X = rng.normal(size=(60, 2))
    model = MLPClassifier((3,), max_iter=2).fit(X, np.arange(60) % 3)
    with pytest.raises(DataError, match=r"scores, pass y.argmax\(axis=1\)") as told:
        model.score(X, np.full((60, 3), 1 / 3))
    assert "classes=" not in str(told.value)


@pytest.mark.parametrize("classes", ["abc", 3, b"ab"])
def test_classes_are_a_list(rng, classes):
    with pytest.raises(ValueError, match=r"classes must list the labels, as in \['a', 'b'\]"):
        MLPClassifier().fit(rng.normal(size=(9, 2)), np.full((9, 3), 1 / 3), classes=classes)
