"""A loaded estimator has the parameters that it was fitted with."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from handgrad import (
    MLPClassifier,
    MLPRegressor,
    ModelFileError,
    TabularClassifier,
    TabularRegressor,
)
from handgrad.models.file import load_model, save_model, to_bytes

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
TEN = {
    "dtype": "float64",
    "solver": "sgd",
    "alpha": 0.003,
    "batch_size": 16,
    "learning_rate": "adaptive",
    "learning_rate_init": 0.02,
    "momentum": 0.8,
    "max_iter": 7,
    "early_stopping": True,
    "n_iter_no_change": np.inf,
    "dropout": 0.1,
    "random_state": 5,
    "initialisation": "he_normal",
    "min_frequency": 2,
    "clip_norm": 3.0,
}


@pytest.fixture(scope="module")
def rows():
    X = np.random.default_rng(0).normal(size=(80, 3))
    return X, X[:, 0] > 0


def again(model, path):
    model.save(path)
    return type(model).load(path)


def test_what_a_fit_was_asked_for_comes_back(rows, tmp_path):
    model = MLPClassifier((7, 4), activation="tanh", **TEN).fit(*rows)
    loaded = again(model, tmp_path / "m")
    assert loaded.get_params() == model.get_params()
    assert clone(loaded).fit(*rows).score(*rows) == model.score(*rows)


def test_a_loaded_model_trains_on_as_it_was_fitted(rows, tmp_path):
    model = MLPClassifier((5,), **TEN).fit(*rows)
    loaded = again(model, tmp_path / "m").set_params(warm_start=True)
    asked = MLPClassifier((5,), **TEN, warm_start=True)
    asked = asked.from_model(load_model(tmp_path / "m")).set_params(**TEN, warm_start=True)
    assert to_bytes(loaded.fit(*rows).model_) == to_bytes(asked.fit(*rows).model_)
    assert len(loaded.history_) == 7


def test_every_estimator_keeps_its_own(rows, tmp_path):
    X, y = rows
    for model in (
        MLPRegressor(
            max_iter=3, loss="quantile", quantiles=(0.1, 0.9), random_state=1, dtype="float32"
        ),
        TabularClassifier("fast", updates=(20, 40), n_networks=2, random_state=1),
        TabularRegressor("fast", updates=20, loss="absolute_error", random_state=1),
    ):
        known = model.fit(X, y.astype(float) + X[:, 1] if "Reg" in type(model).__name__ else y)
        loaded = again(known, tmp_path / "m")
        assert loaded.get_params() == known.get_params()


def test_what_is_of_the_machine_or_the_process_is_left_out(rows, tmp_path):
    asked = {"engine": "numpy", "verbose": True, "on_epoch": lambda _: None, "max_iter": 2}
    model = MLPClassifier((3,), **asked, checkpoint=tmp_path / "kept").fit(*rows)
    loaded = again(model, tmp_path / "m")
    assert (loaded.engine, loaded.verbose, loaded.on_epoch) == ("auto", False, None)
    assert (loaded.checkpoint, loaded.max_iter) == (None, 2)
    assert load_model(tmp_path / "m").settings == {"max_iter": 2}


def test_defaults_need_no_newer_file(rows, tmp_path):
    model = MLPClassifier().fit(*rows)
    model.save(tmp_path / "m")
    assert load_model(tmp_path / "m").settings == {}
    assert (tmp_path / "m").read_bytes() == to_bytes(model.model_)


def test_what_cannot_be_written_is_named_once_it_matters(rows, tmp_path):
    def rate(epoch):
        return 0.1 / epoch

    model = MLPClassifier(
        (3,),
        max_iter=2,
        learning_rate=rate,
        class_weight={True: 2.0},
        random_state=np.random.default_rng(0),
    ).fit(*rows)
    loaded = again(model, tmp_path / "m")
    assert np.array_equal(loaded.predict_proba(rows[0]), model.predict_proba(rows[0]))
    for warm in (True, False):
        loaded = MLPClassifier.load(tmp_path / "m").set_params(warm_start=warm)
        with pytest.warns(UserWarning, match="not keep class_weight, learning_rate, random_state"):
            loaded.fit(*rows)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            loaded.fit(*rows)  # once is enough


@pytest.mark.parametrize("words", [[-999, np.nan], ["inf", "-"], [-np.inf], "inf"])
def test_numbers_and_texts_are_not_taken_for_each_other(rows, tmp_path, words):
    frame = pd.DataFrame(rows[0], columns=list("abc"))
    asked = {"max_iter": 2, "missing_values": words, "preprocess": "auto"}
    model = MLPClassifier((3,), **asked).fit(frame, rows[1])
    loaded = again(model, tmp_path / "m")
    assert loaded.missing_values is None
    assert load_model(tmp_path / "m").settings["not_kept"] == ["missing_values"]


def test_a_file_does_not_say_where_to_write(rows, tmp_path):
    from dataclasses import replace

    model = MLPClassifier((3,), max_iter=2).fit(*rows).model_
    foreign = {"checkpoint": str(tmp_path / "there"), "resume": True, "engine": "numpy"}
    save_model(replace(model, settings=foreign), tmp_path / "m")
    loaded = MLPClassifier.load(tmp_path / "m")
    assert (loaded.checkpoint, loaded.resume, loaded.engine) == (None, False, "auto")


def test_settings_of_another_estimator_are_passed_over(rows, tmp_path):
    TabularClassifier("fast", networks="smooth", updates=20, n_networks=1, random_state=1).fit(
        *rows
    ).save(tmp_path / "m")
    assert MLPClassifier.load(tmp_path / "m").random_state == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"max_iter": {"a": 1}},
        {"max_iter": [[1]]},
        {"a b": 1},
        {"": 1},
        {"x" * 51: 1},
        {f"a{n}": 1 for n in range(101)},
        [],
        {},
        None,
    ],
)
def test_what_is_no_setting_is_refused(rows, tmp_path, settings):
    from dataclasses import replace

    from handgrad.models import container
    from handgrad.tables.parts import KEYS_OF_COLUMNS

    model = MLPClassifier((3,), max_iter=2, random_state=0).fit(*rows).model_
    content = to_bytes(replace(model, settings={"max_iter": 2}))
    description, tensors = container.unpack(content, KEYS_OF_COLUMNS)
    description = dict(description) | {"settings": settings}
    path = tmp_path / "m"
    path.write_bytes(container.pack(description, tensors, KEYS_OF_COLUMNS))
    with pytest.raises(ModelFileError, match="settings"):
        load_model(path)


def test_a_setting_that_means_nothing_is_refused_before_it_trains(rows, tmp_path):
    from dataclasses import replace

    model = MLPClassifier((3,), max_iter=2, random_state=0).fit(*rows).model_
    save_model(replace(model, settings={"max_iter": "__import__('os')"}), tmp_path / "m")
    loaded = MLPClassifier.load(tmp_path / "m")
    assert np.array_equal(loaded.predict(rows[0]), loaded.predict(rows[0]))
    with pytest.raises(ValueError, match="'max_iter' parameter"):
        loaded.set_params(warm_start=True).fit(*rows)


def test_the_command_line_keeps_them_too(call, tmp_path):
    call("fit", "--recipe", "plain", "--epochs", "3", "--l2", "0.5", "--model", "m", "-q")
    content = (tmp_path / "m").read_bytes()
    length = int.from_bytes(content[:8], "little")
    told = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["handgrad"])
    assert told["settings"]["alpha"] == 0.5
    assert MLPClassifier.load(tmp_path / "m").max_iter == 3
