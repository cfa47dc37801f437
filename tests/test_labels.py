"""Labels come back exactly as they were, and what is no label is refused by name."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from handgrad import MLPClassifier
from handgrad.errors import DataError
from handgrad.estimators.targets import check_classes, check_labels
from handgrad.tables.labels import LONGEST_PADDED_LABEL, classes_of, encode_labels, labels_of


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array(["b", "a", "b"]), np.array(["a", "b"])),
        (np.array(["b", "a", "b"], dtype=object), np.array(["a", "b"])),
        (np.array([3, -1, 3]), np.array([-1, 3])),
        (np.array([2**64 - 1, 2**64 - 2], np.uint64), np.array([2**64 - 2, 2**64 - 1], np.uint64)),
        (np.array([0.5, 2.0]), np.array([0.5, 2.0])),
        (np.array([True, False]), np.array([False, True])),
        (np.array([True, False], dtype=object), np.array([False, True])),
        (np.array([2, 1], dtype=object), np.array([1, 2])),
        (np.array([2, 0.5], dtype=object), np.array([0.5, 2.0])),
        (
            np.array(["2020-01-02", "2020-01-01"], "M8[ns]"),
            np.array(["2020-01-01", "2020-01-02"], "M8[ns]"),
        ),
        (np.array(["a\0", "a"], dtype=object), np.array(["a", "a\0"], dtype=object)),
        (np.array(["yes ", "yes", "Yes"]), np.array(["Yes", "yes", "yes "])),
    ],
)
def test_labels_come_back(y, classes):
    found = classes_of(y)
    assert found.dtype == classes.dtype
    assert found.tolist() == classes.tolist()
    y_t = encode_labels(y, found)
    assert y_t.dtype == np.intp
    assert found[y_t].tolist() == y.tolist()


@pytest.mark.parametrize(
    "missing", [None, np.nan, pd.NA, pd.NaT, float("nan")], ids=lambda value: type(value).__name__
)
def test_a_missing_label_is_refused_with_its_row(missing):
    with pytest.raises(DataError, match="1 is missing, the first in row 2"):
        classes_of(np.array(["a", missing, "b"], dtype=object))


@pytest.mark.parametrize("y", [np.array([1.0, np.nan]), np.array(["2020", "NaT"], "M8[D]")])
def test_a_typed_missing_label_is_refused_with_its_row(y):
    with pytest.raises(DataError, match="row 2"):
        classes_of(y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["a", 1], dtype=object), "mix int and str"),
        (np.array([True, 1], dtype=object), "mix bool and int"),
        (np.array([True, 0.5, 1], dtype=object), "mix bool and float and int"),
        (np.array([b"a"]), "got"),
        (np.array([b"a"], dtype=object), "got bytes"),
        (np.array([1j]), "got complex"),
        (np.array([(1, 2), None], dtype=object)[:1], "got tuple"),
    ],
)
def test_what_cannot_be_a_label_is_refused(y, message):
    with pytest.raises(TypeError, match=message):
        classes_of(y)


def test_labels_of_two_axes_are_refused():
    with pytest.raises(DataError, match="one axis"):
        classes_of(np.zeros((2, 2)))


def test_unknown_labels_are_named_and_counted():
    with pytest.raises(DataError, match=r"among 'a', 'b'; 3 rows have others: 'z', 'A'.*row 2"):
        encode_labels(np.array(["a", "z", "A", "z"]), np.array(["a", "b"]))
    with pytest.raises(DataError, match="1 rows have others: '1'"):
        encode_labels(np.array(["1"]), np.array([0, 1]))


# -- long labels ----------------------------------------------------------------------------------

LONG = "L" * (LONGEST_PADDED_LABEL + 1)


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, pl.Series, pa.array])
def test_a_long_label_is_kept_as_an_object_which_no_array_pads(kind):
    y = labels_of(kind(["a", "b", LONG]))
    assert y.dtype == classes_of(y).dtype == object
    assert classes_of(y).tolist() == [LONG, "a", "b"]
    assert classes_of(np.array(["a", LONG])).dtype == object


def test_labels_up_to_the_limit_are_padded_as_ever():
    y = np.array(["a", LONG[1:]])
    assert labels_of(y).dtype == classes_of(y).dtype == y.dtype
    padded = np.array(["a", "b"], dtype="U2000")  # for more than there is
    assert classes_of(padded).dtype == np.dtype("U1")


def test_a_classifier_with_a_long_label_takes_no_memory_for_each_row():
    y = np.array(["a", "b"] * 1000, dtype=object)
    y[3] = "L" * 100_000
    X = np.random.default_rng(0).normal(size=(2000, 2))
    settings = {"max_iter": 2, "random_state": 0, "engine": "numpy", "hidden_layer_sizes": (2,)}
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier(**settings, class_weight={"a": 2.0}, early_stopping=True).fit(X, y)
        going_on = MLPClassifier(**settings).partial_fit(X, y, classes=["a", "b", y[3]])
        predicted = model.predict(X)
        model.score(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert predicted.dtype == model.classes_.dtype == going_on.classes_.dtype == object
    assert set(predicted) <= {"a", "b", y[3]}


def test_numbers_between_whole_ones_are_no_labels():
    with pytest.raises(ValueError, match=r"continuous.* got 1\.5 in row 2"):
        MLPClassifier().fit([[0.0], [1.0]], [1.0, 1.5])


def test_one_hot_classes_are_doubted_and_labels_of_their_own_are_not():
    several = np.eye(3, dtype=int)[np.arange(30) % 3]
    with pytest.warns(UserWarning, match="exactly one of several labels"):
        check_labels(several, several)
    several[0] = 1
    check_labels(several, several)


def test_a_class_told_twice_is_refused():
    with pytest.raises(ValueError, match="classes must be distinct"):
        check_classes(["a", "b", "a"])
