"""Arguments that hold nothing, or more than float64 can, are refused by name."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from handgrad import MLPClassifier, MLPRegressor
from handgrad.errors import DataError
from handgrad.gradcheck import check_gradients

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::handgrad.errors.TableWarning"
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
FRAME = pd.DataFrame(X, columns=["a", "b"])
QUICK = {"max_iter": 3, "random_state": 0}
TARGETS = {MLPClassifier: X[:, 0] > 0, MLPRegressor: X[:, 0]}
CONTAINERS = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "mapping": lambda frame: frame.to_dict("list"),
    "array": lambda frame: frame.to_numpy(),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("kind", TARGETS)
def test_no_rows_are_nothing_to_learn_or_to_judge_by(container, kind):
    make, y = CONTAINERS[container], TARGETS[kind]
    rows, none = make(FRAME), make(FRAME[:0])
    model = kind(**QUICK).fit(rows, y)
    look = model.predict_proba if kind is MLPClassifier else model.predict
    before, seen = look(rows), model.t_
    asked = [model.partial_fit, kind(**QUICK).fit, model.gradient_check, model.trace, model.score]
    if kind is MLPClassifier:
        asked.append(model.expected_calibration_error)
    for ask in asked:
        with pytest.raises(ValueError, match=r"0 sample|no rows|[Ee]mpty"):
            ask(none, y[:0])
    np.testing.assert_array_equal(look(rows), before)
    assert model.t_ == seen


@pytest.mark.parametrize("container", ["pandas", "polars", "arrow", "mapping"])
@pytest.mark.parametrize("kind", TARGETS)
def test_of_an_empty_table_nothing_is_predicted(container, kind):
    model = kind(**QUICK).fit(FRAME, TARGETS[kind])
    assert len(model.predict(CONTAINERS[container](FRAME[:0]))) == 0


def test_gradients_on_no_rows_are_not_wrong():
    model = MLPRegressor(**QUICK).fit(X, X[:, 0]).model_
    with pytest.raises(DataError, match="no rows"):
        check_gradients(model.architecture, model.params, X[:0], np.zeros((0, 1)))


# -- masks, whole numbers without end -------------------------------------------------------------


@pytest.mark.parametrize("kind", TARGETS)
def test_masked_targets_and_weights_are_refused(kind):
    y, mask = TARGETS[kind], np.arange(60) == 7
    model = kind(**QUICK).fit(X, y)
    for ask in (model.fit, model.partial_fit, model.score):
        with pytest.raises(ValueError, match="row 8"):
            ask(X, np.ma.array(y, mask=mask))
        with pytest.raises(ValueError, match="sample_weight"):
            ask(X, y, np.ma.array(np.ones(60), mask=mask))


@pytest.mark.parametrize("preprocess", ["auto", None])
@pytest.mark.parametrize("make", [list, lambda rows: np.array(rows, dtype=object)])
def test_whole_numbers_beyond_float64_are_refused_with_their_place(preprocess, make):
    rows = X.tolist()
    rows[3][1] = 10**400
    model = MLPRegressor(preprocess=preprocess, **QUICK).fit(X, X[:, 0])
    for ask in (lambda: model.predict(make(rows)), lambda: model.fit(make(rows), X[:, 0])):
        with pytest.raises(DataError, match=r"too large for float64.*row 4, column 2"):
            ask()


@pytest.mark.parametrize("make", [list, lambda weight: np.array(weight, dtype=object)])
def test_so_is_such_a_weight(make):
    with pytest.raises(DataError, match="sample_weight holds a number too large for float64"):
        MLPRegressor(**QUICK).fit(X, X[:, 0], make([10**400] + [1] * 59))


# -- rows to validate on --------------------------------------------------------------------------


def bad(values, at, value):
    values = np.array(values, dtype=float)
    values[at] = value
    return values


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("X_val", {"X_val": bad(X, (3, 1), np.inf)}),
        ("X_val", {"X_val": X[:, :1]}),
        ("X_val", {"X_val": FRAME.assign(b="x")[["b"]].to_numpy()}),
        ("y_val", {"y_val": bad(X[:, 0], 2, np.nan)}),
        ("y_val", {"y_val": ["a"] * 60}),
        ("y_val", {"y_val": X[:5, 0]}),
        ("sample_weight_val", {"sample_weight_val": bad(np.ones(60), 2, np.nan)}),
        ("sample_weight_val", {"sample_weight_val": -np.ones(60)}),
        ("sample_weight_val", {"sample_weight_val": [1, 2]}),
    ],
)
def test_what_is_wrong_with_rows_to_validate_on_is_told_by_their_name(name, more):
    with pytest.raises((ValueError, TypeError), match=f"^{name}"):
        MLPRegressor(**QUICK).fit(X, X[:, 0], **{"X_val": X, "y_val": X[:, 0], **more})


def test_labels_to_validate_on_that_training_does_not_know_are_told_so():
    with pytest.raises(DataError, match=r"^X_val and y_val: labels must be among"):
        MLPClassifier(**QUICK).fit(X, X[:, 0] > 0, X_val=X, y_val=np.full(60, 7))


def test_more_units_than_memory_holds_are_refused_in_our_words(monkeypatch):
    def none_left(*_):
        raise MemoryError("Unable to allocate 29.8 GiB for an array")

    monkeypatch.setattr("handgrad.estimators.fitting.initialise", none_left)
    told = r"hidden_layer_sizes=\(1000000000,\) needs 128,000,000,032 bytes .*take fewer units"
    with pytest.raises(MemoryError, match=told):
        MLPRegressor(hidden_layer_sizes=(10**9,), **QUICK).fit(X, X[:, 0])
