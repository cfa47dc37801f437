"""The corpus of bad inputs: for each, the class of error wanted and what its message must name.

Each entry has the number that it has in shared/research/reliability.md, Appendix A; those with a
name are of the table in its section 3. Whatever is refused is refused before anything is trained,
in at most 400 characters that can be printed and without a dump of the data; what is accepted is
learnt without a warning of NumPy's, and no input is ever changed.
"""
# ruff: noqa: E501 -- the tables keep one entry on one line

import pickle
import re
import threading
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.pipeline import Pipeline

from handgrad import (
    DivergenceError,
    DivergenceWarning,
    MLPClassifier,
    MLPRegressor,
    VersionError,
    __version__,
)
from handgrad.estimators import fitted

X = np.random.default_rng(0).normal(size=(60, 4))
y = np.arange(60) % 2
FRAME = pd.DataFrame(X, columns=list("abcd"))
QUICK: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}


def put(x, row, column, value):
    changed = x.copy()
    changed[row, column] = value
    return changed


def content(case):
    """Give the bytes of what a case passes in, without what libraries cache beside them."""
    x = case.X
    if sparse.issparse(x):
        x = x.tocoo().data
    elif isinstance(x, pd.DataFrame):
        x = repr(x.to_numpy(dtype=object).tolist())
    return pickle.dumps((x, case.y, case.weight))


class Refused(NamedTuple):
    number: str
    X: Any
    y: Any
    error: Any
    message: str
    settings: Any = None
    weight: Any = None


RAW = {"preprocess": None}
RAGGED = [[1, 2], [3]]
FIELDS = np.zeros(60, dtype=[("a", float), ("b", float)])
NULLABLE = FRAME.assign(b=pd.array([None, *X[1:, 1]], dtype="Float64"))
GAP = FRAME.assign(b=[*X[:3, 1], np.nan, *X[4:, 1]])
HUGE_32 = (X * 1e38).astype(np.float32)
TWICE = pd.DataFrame(X[:, :3], columns=list("aab"))
MIXED = pd.DataFrame(X[:, :2], columns=["a", 1])
SOME = np.array(["a", "b"] * 30, dtype=object)

REFUSED = [
    Refused("E01", GAP, y, ValueError, r"NaN: 1 .*row 4, column 'b'", RAW),
    Refused("E01 array", put(X, 3, 1, np.nan), y, ValueError, "NaN: 1 .*row 4, column 2", RAW),
    Refused("infinity", put(X, 3, 1, np.inf), y, ValueError, "infinity.*row 4, column 2"),
    Refused("infinity frame", FRAME.assign(b=np.inf), y, ValueError, "'b', row 1: inf"),
    Refused("E04 raw", HUGE_32, y, ValueError, r"column 'x\d'.*e\+38.*scale", RAW),
    Refused("E05 raw", X * 1e200, y, ValueError, r"column 'x\d'.*e\+200.*scale", RAW),
    Refused("E01 control", GAP.rename(columns={"b": "b\x1b[31m"}), y, ValueError, r"row 4, column 'b\\x1b\[31m'", RAW),
    Refused("E11", X.astype("datetime64[s]"), y, TypeError, "dates"),
    Refused("E12", None, y, ValueError, "X is None"),
    Refused("E13", "data.csv", y, TypeError, "path 'data.csv'.*Read the file first"),
    Refused("E13 path", Path("data.csv"), y, TypeError, "path 'data.csv'.*Read the file first"),
    Refused("E14", {"a": 1}, y, TypeError, "dict"),
    Refused("E15", RAGGED, [0, 1], ValueError, "row 2 has 1"),
    Refused("E16", put(X.astype(object), 0, 0, {}), y, TypeError, "argument must be .*string.*numb"),
    Refused("E17", FIELDS, y, TypeError, "structured arrays.*structured_to_unstructured"),
    Refused("E20", sparse.csr_array(put(X, 3, 1, np.nan)), y, ValueError, "NaN: 1 .*row 4"),
    Refused("E22", X.astype(complex), y, ValueError, "Complex data not supported"),
    Refused("E23", NULLABLE, y, ValueError, "NaN: 1 .*row 1, column 'b'", RAW),
    Refused("E24", TWICE, y, ValueError, r"\['a'\] occur repeatedly"),
    Refused("E25", MIXED, y, TypeError, "only supported if all input features have string names"),
    Refused("E23 huge", FRAME.assign(b=10**400), y, (ValueError, TypeError), "'b'"),
    Refused("E27", X, put(SOME[:, None], 4, 0, None)[:, 0], ValueError, "1 is missing.*row 5"),
    Refused("mixed labels", X, [1, "a"] * 30, TypeError, "mix int and str"),
    Refused("E29", X, [0.0, 1.0, 1.5] * 20, ValueError, "Unknown label type: .*1.5 in row 3"),
    Refused("NaN label", X, np.where(y, np.nan, 1.0), ValueError, "30 are missing.*row 2"),
    Refused("bytes", X, np.array([b"a", b"b"] * 30), TypeError, "bytes"),
    Refused("E35", X, y, ValueError, "(?i)weight.*zero", weight=np.zeros(60)),
    Refused("NaN weight", X, y, ValueError, "NaN", weight=np.where(y, 1, np.nan)),
    Refused("E37", X, y, ValueError, "negative; got -1 in row 4", weight=1 - 2.0 * (np.arange(60) == 3)),
    Refused("short y", X, y[:59], ValueError, r"inconsistent numbers of samples: \[60, 59\]"),
    Refused("E43 half", X, y, ValueError, "2.5 at position 0", {"hidden_layer_sizes": (2.5,)}),
    Refused("E43 True", X, y, ValueError, "True at position 0", {"hidden_layer_sizes": (True,)}),
    Refused("E43 text", X, y, ValueError, "'64' at position 0", {"hidden_layer_sizes": ("64",)}),
    Refused("E43 zero", X, y, ValueError, "0 at position 0", {"hidden_layer_sizes": (0,)}),
    Refused("E43 less", X, y, ValueError, "-3 at position 0", {"hidden_layer_sizes": (-3,)}),
    Refused("E43 list", X, y, ValueError, r"\[3\] at position 0", {"hidden_layer_sizes": [[3]]}),
    Refused("E43 vast", X, y, MemoryError, "192,000,.*bytes", {"hidden_layer_sizes": (10**12,)}),
    Refused("E46 nan", X, y, ValueError, "'learning_rate_init'.*nan", {"learning_rate_init": np.nan}),
    Refused("E46 inf", X, y, ValueError, "'learning_rate_init'.*inf", {"learning_rate_init": np.inf}),
    Refused("E46 text", X, y, ValueError, "'learning_rate_init'.*'0.1'", {"learning_rate_init": "0.1"}),
    Refused("E46 True", X, y, ValueError, "'learning_rate_init'.*True", {"learning_rate_init": True}),
    Refused("E48 zero", X, y, ValueError, "'validation_fraction'", {"early_stopping": True, "validation_fraction": 0.0}),
    Refused("E48 all", X, y, ValueError, "'validation_fraction'", {"early_stopping": True, "validation_fraction": 1.0}),
    Refused("E49 -1", X, y, ValueError, "'random_state'", {"random_state": -1}),
    Refused("E49 2**32", X, y, ValueError, "'random_state'", {"random_state": 2**32}),
    Refused("E49 text", X, y, ValueError, "'random_state'", {"random_state": "x"}),
    Refused("masked", np.ma.array(X, mask=X > 1), y, ValueError, "masked"),
    Refused("texts", X.astype(str), y, TypeError, "texts.*astype"),
    Refused("class key", X, y, ValueError, "7, which is not in y", {"class_weight": {7: 1.0}}),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.number)
def test_it_is_refused_by_name_and_nothing_is_trained(case):
    before = content(case)
    model = MLPClassifier(**QUICK | (case.settings or {}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(case.error, match=f"(?s){case.message}") as caught:
            model.fit(case.X, case.y, case.weight)
    message = str(caught.value)
    assert len(message) <= 400
    assert message.replace("\n", "").isprintable()
    assert "array(" not in message
    assert not hasattr(model, "model_")
    assert content(case) == before


class Accepted(NamedTuple):
    number: str
    X: Any
    y: Any = y
    settings: Any = None
    weight: Any = None


VIEW = np.random.default_rng(1).normal(size=(120, 8)).astype(">f4")[::2, ::2]
VIEW.flags.writeable = False
DATES = np.array(["2026-01-01", "2026-11-22"], "datetime64[D]")[y]

ACCEPTED = [
    Accepted("E04", HUGE_32),
    Accepted("E05", X * 1e200),
    Accepted("E06", np.random.default_rng(0).uniform(size=(60, 4)) * np.finfo(float).max),
    Accepted("E07", X * 1e-310),
    Accepted("E07 raw", X * 1e-310, settings=RAW),
    Accepted("E08 array", np.column_stack([X, np.full(60, 0.1), np.zeros(60)])),
    Accepted("E18", VIEW),
    Accepted("E19 reversed", X[::-1, ::-1]),
    Accepted("E19 broadcast", np.broadcast_to(X[0], (60, 4))),
    Accepted("E21 int64", sparse.coo_array(X).tocsr()),
    Accepted("E33 large", X, np.array([-(2**62), 2**62])[y]),
    Accepted("E33 unsigned", X, np.array([0, 2**64 - 1], np.uint64)[y]),
    Accepted("E33 bool", X, y > 0),
    Accepted("E33 text", X, np.array(["a", "b"])[y]),
    Accepted("E33 dates", X, DATES),
    Accepted("huge weights", X, weight=np.full(60, 1e308)),
    Accepted("E39", X, weight=(y == 0) * 1.0),
    Accepted("E46 float32", X, settings={"learning_rate_init": np.float32(0.1)}),
    Accepted("E47", X, np.array(["often"] * 59 + ["rare"]), {"early_stopping": True}),
    Accepted("E48 most", X, settings={"early_stopping": True, "validation_fraction": 0.999}),
    Accepted("E49 generator", X, settings={"random_state": np.random.default_rng(0)}),
    Accepted("E49 legacy", X, settings={"random_state": np.random.RandomState(0)}),
    Accepted("E49 int64", X, settings={"random_state": np.int64(3)}),
    Accepted("E49 None", X, settings={"random_state": None}),
    Accepted("one class", X, np.zeros(60)),
    Accepted("no hidden layer", X, settings={"hidden_layer_sizes": ()}),
]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.number)
@pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:y has one class only:UserWarning")
def test_it_is_learnt_without_a_warning_of_numpy(case):
    before = content(case)
    model = MLPClassifier(**QUICK | (case.settings or {})).fit(case.X, case.y, case.weight)
    assert np.isfinite(model.loss_curve_).all()
    assert not model.diverged_
    proba = model.predict_proba(case.X)
    assert proba.shape == (60, len(model.classes_))
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    assert model.predict(case.X).dtype == model.classes_.dtype == np.asarray(case.y).dtype
    assert content(case) == before


@pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning")
class TestWhatTakesMoreThanOneCall:
    def test_e03_infinity_at_predict(self):
        model = MLPClassifier(**QUICK).fit(X, y)
        before = model.coefs_[0].copy()
        with pytest.raises(ValueError, match=r"infinity.*row 8, column 3"):
            model.predict(put(X[:10], 7, 2, -np.inf))
        assert np.array_equal(model.coefs_[0], before)

    def test_e04_the_loss_of_huge_numbers_falls(self):
        for huge in (HUGE_32, X * 1e200):
            model = MLPClassifier(**QUICK | {"max_iter": 30}).fit(huge, y)
            assert model.loss_curve_[-1] < model.loss_curve_[0]

    def test_e07_denormal_numbers_take_no_longer(self):
        def seconds(x):
            started = time.process_time()  # however busy the machine is with others
            MLPClassifier(**QUICK | {"max_iter": 40}, preprocess=None).fit(x, y)
            return time.process_time() - started

        seconds(X)
        fastest = min(seconds(X) for _ in range(3))
        assert min(seconds(X * 1e-310) for _ in range(3)) < 20 * fastest + 0.5

    def test_e08_constant_columns_are_named_once_and_do_not_matter(self):
        frame = FRAME.assign(k=0.1, z=0.0)
        with pytest.warns(
            UserWarning, match="'k' is left out: all cells are the same; 'z'"
        ) as caught:
            model = MLPClassifier(**QUICK).fit(frame, y)
        assert len([w for w in caught if "the same" in str(w.message)]) == 1
        assert all(np.isfinite(W).all() for W in model.coefs_)
        assert model.transform(frame, layer=0).shape == (len(frame), len(FRAME.columns))

    def test_e18_the_layout_of_x_does_not_matter(self):
        for given in (VIEW, X[::-1, ::-1], np.asfortranarray(X)):
            plain = np.ascontiguousarray(given, given.dtype.newbyteorder("="))
            settings = QUICK | {"dtype": "float64"}
            seen = [MLPClassifier(**settings).fit(x, y).predict_proba(x) for x in (given, plain)]
            assert np.array_equal(*seen)

    def test_e21_every_sparse_format_equals_the_dense_one(self):
        thin = np.where(X > 0.5, X, 0)
        dense = MLPClassifier(**QUICK, preprocess=None).fit(thin, y).predict_proba(thin)
        wide = sparse.csr_array(thin)
        wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
        others = [sparse.csr_array(thin).asformat(kind) for kind in ("coo", "bsr", "dia", "csc")]
        for given in (wide, *others):
            got = MLPClassifier(**QUICK, preprocess=None).fit(given, y).predict_proba(given)
            np.testing.assert_allclose(got, dense, atol=1e-12)

    def test_e26_columns_in_another_order_are_refused(self):
        model = MLPClassifier(**QUICK).fit(FRAME, y)
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(FRAME[list("dcba")])

    def test_e31_a_label_for_each_row_is_doubted(self):
        with pytest.warns(UserWarning, match="60 classes for 60 rows"):
            MLPClassifier(**QUICK).fit(X, np.arange(60))

    def test_e32_one_hot_rows_are_doubted(self):
        with pytest.warns(UserWarning, match=r"one-hot.*argmax"):
            MLPClassifier(**QUICK).fit(X, np.eye(3, dtype=int)[np.arange(60) % 3])

    def test_e40_a_label_of_no_class_leaves_the_weights_alone(self):
        model = MLPClassifier(**QUICK).partial_fit(X, y, classes=[0, 1])
        before = model.model_.params.flat.copy()
        with pytest.raises(ValueError, match=r"among 0, 1; 30 rows have others: 7"):
            model.partial_fit(X, np.where(y, 7, 0))
        assert np.array_equal(model.model_.params.flat, before)

    def test_e41_classes_that_are_named_twice_are_refused(self):
        with pytest.raises(ValueError, match="distinct"):
            MLPClassifier(**QUICK).partial_fit(X, y, classes=[0, 0, 1])

    def test_e44_a_finite_explosion_is_flagged(self):
        model = MLPClassifier(**QUICK | {"max_iter": 50}, solver="sgd", learning_rate_init=1e6)
        with pytest.warns(DivergenceWarning):
            model.fit(X, y)
        assert model.diverged_

    def test_e45_an_infinite_one_stops_in_its_batch(self):
        model = MLPClassifier(**QUICK, solver="sgd", learning_rate_init=1e300, alpha=1)
        with pytest.raises(DivergenceError, match=r"epoch 1.*Lower the learning rate"):
            model.fit(X, y)
        assert not hasattr(model, "model_")

    @pytest.mark.filterwarnings("ignore:y has one class only:UserWarning")
    @pytest.mark.parametrize("rows", [1, 2])
    def test_e48_too_few_rows_to_hold_back_are_told_of(self, rows):
        model = MLPClassifier(**QUICK, early_stopping=True)
        with pytest.warns(UserWarning, match=f"validation_fraction=0.1 of {rows} rows"):
            model.fit(X[:rows], y[:rows])
        assert model.predict(X).shape == (60,)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
    def test_e51_an_error_in_a_callback_leaves_the_epochs_before_it(self, error):
        def fail(epoch):
            if epoch.epoch == 3:
                raise error

        model = MLPClassifier(**QUICK | {"max_iter": 9}, on_epoch=fail)
        with pytest.raises(error):
            model.fit(X, y)
        assert len(model.history_) == 3
        assert model.predict(X).shape == (60,)

    def test_e52_a_model_may_predict_in_another_thread_while_one_is_fitted(self):
        old = MLPClassifier(**QUICK).fit(X, y)
        model, answers = old.model_, []
        expected = old.predict_proba(X)
        worker = threading.Thread(
            target=lambda: answers.extend(model.predict_proba(X) for _ in range(20))
        )
        worker.start()
        old.set_params(random_state=1).fit(X, y)
        worker.join()
        assert all(np.array_equal(answer, expected) for answer in answers)

    def test_e53_a_pickle_that_an_older_handgrad_wrote_is_refused(self, monkeypatch):
        with monkeypatch.context() as older:
            older.setattr(fitted, "__version__", "0.0.9")
            written = pickle.dumps(Pipeline([("network", MLPClassifier(**QUICK))]).fit(X, y))
        with pytest.raises(VersionError, match=rf"handgrad 0\.0\.9, and this is {__version__}"):
            pickle.loads(written)

    @pytest.mark.parametrize("older", ["0.0.9", None])
    def test_e53_a_pickle_of_another_version_is_refused_by_name(self, older):
        model = MLPClassifier(**QUICK).fit(X, y)
        again = pickle.loads(pickle.dumps(model))
        assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
        assert not hasattr(again, "_handgrad_version")
        state = model.__getstate__()
        assert state.pop("_handgrad_version") == __version__
        if older:
            state["_handgrad_version"] = older
        fresh = MLPClassifier()
        with pytest.raises(VersionError, match=rf"{older or 'before'}.*{__version__}.*save\(\)"):
            fresh.__setstate__(state)
        assert not hasattr(fresh, "model_")

    def test_every_entry_of_the_appendix_is_here(self):
        names = [case.number for case in (*REFUSED, *ACCEPTED)] + list(vars(type(self)))
        here = {int(n) for name in names for n in re.findall(r"(?:^E|^test_e)(\d\d)", name)}
        ranges = [(1, 1), (3, 8), (11, 27), (29, 29), (31, 33), (35, 35), (37, 37)]
        ranges += [(39, 41), (43, 49), (51, 53)]
        assert here == {n for first, last in ranges for n in range(first, last + 1)}

    def test_a_warning_points_at_the_users_line(self):
        for fit in (
            MLPClassifier(**QUICK, batch_size=100).fit,
            Pipeline([("network", MLPClassifier(**QUICK, batch_size=100))]).fit,
            partial(MLPClassifier(**QUICK, batch_size=100).partial_fit, classes=[0, 1]),
        ):
            with pytest.warns(UserWarning, match="batch_size=100 is more than") as seen:
                fit(X, y)
            assert {warning.filename for warning in seen} == {__file__}

    @pytest.mark.filterwarnings("ignore::handgrad.DivergenceWarning")
    def test_a_large_scale_without_preprocessing_is_told_of(self):
        with pytest.warns(UserWarning, match=r"column 'x2' of X holds numbers up to .*e\+1"):
            MLPRegressor(**QUICK, preprocess=None).fit(X * [1, 1, 1e11, 1], X[:, 0])
