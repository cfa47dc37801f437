"""TabularClassifier and TabularRegressor: a race of kinds, and networks that go on."""

import pickle
import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning

from common import needs_compiled
from handgrad import (
    DataError,
    DivergenceError,
    DivergenceWarning,
    MLPClassifier,
    MLPRegressor,
    ModelFileError,
    TabularClassifier,
    TabularRegressor,
)
from handgrad.estimators import race
from handgrad.estimators.advice import ways
from handgrad.estimators.recipe import BATCH_SIZES, EFFORTS, KINDS, UPDATES, lengths
from handgrad.models.file import load_model
from handgrad.params import Params
from handgrad.tables.frames import from_frame

QUICK = {"updates": 60, "n_networks": 2, "random_state": 0}


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.fixture(scope="module")
def table():
    """A table of words, numbers and holes whose label follows from two columns."""
    rng = np.random.default_rng(0)
    n = 400
    size, colour = rng.normal(size=n) * 100, rng.choice(["red", "green", "blue"], n)
    frame = pd.DataFrame({"size": size, "colour": colour, "noise": rng.normal(size=n)})
    frame.loc[::9, "size"] = np.nan
    y = np.where((np.nan_to_num(size) > 20) ^ (colour == "red"), "yes", "no")
    return frame, y


class TestRecipe:
    @pytest.mark.parametrize(("n", "size"), [(500, 32), (1500, 64), (5000, 128), (20_000, 256)])
    def test_a_batch_grows_with_the_rows(self, n, size):
        settings, _ = KINDS["smooth"].settings(1500, n)
        assert settings.batch_size == size

    def test_a_batch_is_no_larger_than_the_table(self):
        assert KINDS["sharp"].settings(1500, 7)[0].batch_size == 7
        assert min(size for _, size in BATCH_SIZES) == 32

    @pytest.mark.parametrize(
        ("updates", "n", "epochs"), [(1500, 30_000, 13), (500, 50, 100), (1, 9000, 8)]
    )
    def test_epochs_make_the_updates_within_bounds(self, updates, n, epochs):
        assert KINDS["sharp"].settings(updates, n)[1] == epochs

    @pytest.mark.parametrize("updates", [500, 1500, 4000])
    @pytest.mark.parametrize("n", [5000, 30_000, 5_000_000])
    def test_the_decay_of_a_whole_training_stays_the_same(self, updates, n):
        settings, epochs = KINDS["smooth"].settings(updates, n)
        made = epochs * -(-n // settings.batch_size)  # eight epochs of many rows are many updates
        total = settings.optimizer.weight_decay * max(made, updates)
        assert total == pytest.approx(0.05 * UPDATES)

    @pytest.mark.parametrize(
        ("n", "left"),
        [(50, (500,)), (3000, (500, 1500, 4000)), (100_000, (500, 4000)), (10**6, (500,))],
    )
    def test_updates_that_come_to_the_same_epochs_race_once(self, n, left):
        assert lengths((1500, 500, 4000), n) == left

    def test_more_effort_is_more_networks_and_more_updates(self):
        fast, medium, high = (EFFORTS[name] for name in ("fast", "medium", "high"))
        assert fast.n_networks < medium.n_networks < high.n_networks
        assert max(fast.updates) < max(medium.updates) < max(high.updates)


@pytest.fixture(scope="module")
def mixed():
    """A model of both kinds, of a table too small to tell which is better; and its rows."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"a": rng.normal(size=160), "b": rng.normal(size=160)})
    X.loc[::7, "a"] = np.nan
    X["c"] = rng.choice(["u", "v", "w"], 160)
    y = np.where(X["b"] + 0.5 * rng.normal(size=160) > 0, "yes", "no")
    model = TabularClassifier(updates=100, n_networks=3, random_state=0).fit(X, y)
    return model, X, y


def test_a_regressor_that_goes_on_leaves_the_bounds_of_the_tabular_fit():
    X = np.linspace(-1, 1, 200)[:, None]
    y = 3 * X[:, 0]
    model = TabularRegressor(networks="smooth", **QUICK).fit(X, y)
    assert model.predict(X).max() <= 3
    on = MLPRegressor.from_model(model.model_)
    for _ in range(30):
        on.partial_fit(X, 3 * y)
    assert on.predict(X).max() > 3.5


class TestMixed:
    """Kinds that are not beaten predict together."""

    def test_both_kinds_predict_by_their_shares(self, mixed):
        model, X, _ = mixed
        networks = model.networks_
        assert {one.entrant.kind for one in networks} == {"smooth", "sharp"}
        assert sum(one.share for one in networks) == pytest.approx(1)
        assert {one.share for one in model.race_} == {0}
        whole = model.model_
        assert len(whole.sizes) == 2
        table = from_frame(X)
        mean = 0
        for one, params in zip(networks, whole.networks, strict=True):
            alone = replace(whole, params=params, members=(), shares=())
            alone = replace(alone, architecture=whole.architecture_of(params))
            mean = mean + one.share * alone.predict_proba(table)
        np.testing.assert_allclose(model.predict_proba(X), mean, rtol=1e-5, atol=1e-7)

    def test_a_network_predicts_alone_what_it_does_among_more_inputs(self, mixed):
        model, X, _ = mixed
        whole = model.model_
        place = [one.entrant.kind for one in model.networks_].index("smooth")
        assert place  # what takes all inputs comes first
        params = whole.networks[place]
        encoder, places = whole.encoder.without_steps(), whole.encoder.places_without_steps
        x, fewer = whole.encode(from_frame(X)).x, encoder.transform(from_frame(X), np.float32)
        assert np.array_equal(x[:, places], fewer)
        narrow = Params.zeros((fewer.shape[1], *params.layer_units[1:]), np.float32)
        for mine, own in zip((*narrow.W[1:], *narrow.b), (*params.W[1:], *params.b), strict=True):
            mine[...] = own
        narrow.W[0][...] = params.W[0][places]
        among = replace(whole, params=params, members=(), shares=())
        among = replace(among, architecture=whole.architecture_of(params))
        alone = replace(among.architecture, layer_units=narrow.layer_units, skip=())
        alone = replace(among, encoder=encoder, architecture=alone, params=narrow)
        expected = alone.predict_proba(from_frame(X))
        np.testing.assert_allclose(among.predict_proba(from_frame(X)), expected, rtol=1e-4)
        left = np.setdiff1d(np.arange(whole.encoder.n_deep), places)
        assert not params.W[0][left].any()
        assert not params.V.any()

    def test_rows_held_back_are_predicted_by_networks_that_have_not_seen_them(self, mixed):
        model, X, _ = mixed
        networks = model.networks_
        fold_0 = [k for k, one in enumerate(networks) if one.entrant.fold == 0]
        whole, held = model.model_, model._now.held_back
        mean, sum_of_shares = 0, 0
        for k in fold_0:
            params = whole.networks[k]
            alone = replace(whole, params=params, members=(), shares=())
            alone = replace(alone, architecture=whole.architecture_of(params))
            mean = mean + networks[k].share * alone.predict_proba(from_frame(X))
            sum_of_shares += networks[k].share
        found = model.oob_decision_function_
        np.testing.assert_allclose(found[held], mean[held] / sum_of_shares, rtol=1e-4, atol=1e-6)

    def test_it_is_saved_and_loaded_and_asked_row_by_row(self, mixed, tmp_path):
        model, X, _ = mixed
        model.save(tmp_path / "model")
        loaded = TabularClassifier.load(tmp_path / "model")
        expected = model.predict_proba(X)
        assert np.array_equal(loaded.predict_proba(X), expected)
        assert np.array_equal(loaded.predict_proba(X.iloc[3:4])[0], expected[3])
        row = {name: X.iloc[3][name] for name in X.columns}
        assert np.array_equal(loaded.model_.predictor()(row), expected[3])
        with pytest.raises(ModelFileError, match="load it with TabularClassifier"):
            MLPClassifier.load(tmp_path / "model")

    def test_numpy_gives_the_same_within_rounding(self, mixed):
        model, X, _ = mixed
        reference = replace(model.model_, engine="numpy").predict_proba(from_frame(X))
        np.testing.assert_allclose(model.predict_proba(X), reference, rtol=1e-4, atol=1e-6)

    def test_numbers_are_averaged_by_shares_too(self):
        X, y = load_diabetes(return_X_y=True)
        model = TabularRegressor(updates=150, n_networks=2, random_state=0).fit(X, y)
        assert sum(one.share for one in model.networks_) == pytest.approx(1)
        whole, mean = model.model_, 0
        for one, params in zip(model.networks_, whole.networks, strict=True):
            alone = replace(whole, params=params, members=(), shares=(), bounds=None)
            alone = replace(alone, architecture=whole.architecture_of(params))
            mean = mean + one.share * alone.predict_numbers(X)[:, 0]
        mean = np.clip(mean, y.min(), y.max())
        np.testing.assert_allclose(model.predict(X), mean, rtol=1e-4)


class TestClassifier:
    def test_the_kind_with_the_least_loss_goes_on(self, wine):
        model = TabularClassifier(**QUICK).fit(*wine)
        assert {one.entrant.kind for one in model.race_} == {"smooth", "sharp"}
        best = min(model.race_, key=lambda one: one.loss)
        assert model.networks_[0].params is best.params
        assert {one.entrant.kind for one in model.networks_} == {best.entrant.kind}
        assert [one.entrant.fold for one in model.networks_] == [0, 1]
        assert len(model.histories_) == len(model.networks_) == 1 + len(model.model_.members)

    def test_the_probabilities_are_the_mean_of_the_networks(self, wine):
        X, y = wine
        model = TabularClassifier(**QUICK).fit(X, y)
        whole, (other,) = model.model_, model.model_.members
        single = [replace(whole, params=p, members=()) for p in (whole.params, other)]
        mean = np.mean([one.predict_proba(X) for one in single], axis=0)
        np.testing.assert_allclose(model.predict_proba(X), mean, rtol=2e-6, atol=1e-7)

    def test_each_network_holds_other_rows_back_and_predicts_them(self, wine):
        X, y = wine
        model = TabularClassifier(updates=60, n_networks=8, random_state=0).fit(X, y)
        found = model.oob_decision_function_
        assert found.shape == (len(y), 3)
        is_out = ~np.isnan(found).any(axis=1)
        assert is_out.mean() > 0.8  # of 8 folds, nearly all
        assert (found[is_out].argmax(axis=1) == y[is_out]).mean() > 0.9
        whole, first = model.model_, model._now.held_back
        one = replace(whole, members=())
        np.testing.assert_allclose(found[first], one.predict_proba(X[first]), rtol=1e-5, atol=1e-7)

    def test_rows_of_weight_0_are_in_no_bag(self, wine):
        X, y = wine
        weight = np.where(np.arange(len(y)) % 3 == 0, 0, 1)
        model = TabularClassifier(**QUICK).fit(X, y, weight)
        is_out = ~np.isnan(model.oob_decision_function_).any(axis=1)
        assert len(is_out) == len(y)
        assert is_out.any()
        assert not is_out[::3].any()

    def test_numbers_held_back_are_predicted_in_their_own_units(self):
        X, y = load_diabetes(return_X_y=True)
        model = TabularRegressor(n_networks=8, updates=200, random_state=0).fit(X, y)
        is_out = ~np.isnan(model.oob_prediction_)
        error = y[is_out] - model.oob_prediction_[is_out]
        assert is_out.mean() > 0.8
        assert np.mean(error**2) < 0.7 * y.var()

    @pytest.mark.parametrize("kind", ["smooth", "sharp"])
    def test_one_kind_may_be_asked_for(self, wine, kind):
        model = TabularClassifier(networks=kind, **QUICK).fit(*wine)
        assert {one.entrant.kind for one in (*model.race_, *model.networks_)} == {kind}
        assert bool(model.model_.architecture.skip) == (kind == "sharp")
        assert not model.model_.architecture.scales  # folded away

    def test_updates_race_too(self, wine):
        model = TabularClassifier(updates=(40, 90), n_networks=1, random_state=0).fit(*wine)
        assert sorted({one.entrant.updates for one in model.race_}) == [40, 90]

    def test_longer_trainings_go_on_as_long_as_they_pay(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(1500, 2))
        y = (np.sin(3 * X[:, 0]) + np.sin(3 * X[:, 1]) > 0).astype(int)
        settings = {"updates": (8, 300, 600, 1000), "n_networks": 1, "networks": "smooth"}
        model = TabularClassifier(random_state=0, **settings).fit(X, y)
        assert {one.entrant.updates for one in model.race_} >= {8, 300, 600}
        at_random = TabularClassifier(random_state=0, **settings).fit(X, rng.permutation(y))
        assert {one.entrant.updates for one in at_random.race_} == {8, 300}

    def test_it_learns_a_table_of_words_and_holes(self, table):
        X, y = table
        model = TabularClassifier(updates=300, n_networks=2, random_state=0).fit(X[:300], y[:300])
        assert model.score(X[300:], y[300:]) > 0.85
        assert model.columns_["colour"].kind == "category"

    def test_one_row_gets_the_answer_that_it_gets_among_others(self, table):
        X, y = table
        model = TabularClassifier(**QUICK).fit(X, y)
        whole = model.predict_proba(X[:20])
        singly = [model.predict_proba(X[i : i + 1])[0] for i in range(20)]
        assert np.array_equal(whole, np.array(singly))
        predict = model.model_.predictor()
        row = {name: X.iloc[3][name] for name in X.columns}
        assert np.array_equal(predict(row), whole[3])

    def test_the_same_seed_gives_the_same_bits(self, table):
        first, again = (TabularClassifier(**QUICK).fit(*table) for _ in range(2))
        assert np.array_equal(first.predict_proba(table[0]), again.predict_proba(table[0]))
        other = TabularClassifier(**QUICK | {"random_state": 1}).fit(*table)
        assert not np.array_equal(first.predict_proba(table[0]), other.predict_proba(table[0]))

    @needs_compiled
    def test_the_number_of_threads_changes_no_bit(self, monkeypatch, table):
        from handgrad.engines.compiled import backend, threads

        monkeypatch.setattr(backend, "FLOPS_BESIDE", 0)
        monkeypatch.setattr(backend, "FLOPS_A_LANE", 0)
        monkeypatch.setattr(backend, "threads_given", lambda: 3)
        monkeypatch.setattr(threads, "_most_threads", lambda: 3)
        several = TabularClassifier(**QUICK).fit(*table)
        alone = TabularClassifier(n_jobs=1, **QUICK).fit(*table)
        assert np.array_equal(several.predict_proba(table[0]), alone.predict_proba(table[0]))

    def test_weights_of_rows_and_classes_count(self, wine):
        X, y = wine
        plain = TabularClassifier(**QUICK).fit(X, y).predict_proba(X)
        weight = np.where(y == 0, 5.0, 1.0)
        assert not np.array_equal(
            TabularClassifier(**QUICK).fit(X, y, weight).predict_proba(X), plain
        )
        balanced = TabularClassifier(class_weight="balanced", **QUICK).fit(X, y)
        assert not np.array_equal(balanced.predict_proba(X), plain)

    def test_the_weights_of_rows_move_what_is_likely(self):
        """Where nothing tells the classes apart, their shares by weight are all that is learnt."""
        chance = np.random.default_rng(0)
        X, y = chance.normal(size=(400, 2)), np.arange(400) % 2
        for networks in ("smooth", "sharp"):
            model = TabularClassifier(networks=networks, **QUICK)
            heavy = model.fit(X, y, np.where(y == 1, 9.0, 1.0)).predict_proba(X)[:, 1].mean()
            assert 0.8 < heavy < 0.97
            assert 0.4 < model.fit(X, y).predict_proba(X)[:, 1].mean() < 0.6

    def test_class_weights_may_be_listed(self):
        chance = np.random.default_rng(0)
        X, y = chance.normal(size=(400, 2)), np.where(np.arange(400) % 2, "b", "a")
        model = TabularClassifier(class_weight={"b": 9.0}, **QUICK).fit(X, y)
        assert 0.8 < model.predict_proba(X)[:, 1].mean() < 0.97
        with pytest.raises(ValueError, match="class_weight has the class 'c', which is not in y"):
            TabularClassifier(class_weight={"c": 9.0}, **QUICK).fit(X, y)

    def test_a_row_of_weight_0_is_not_there(self, wine):
        X, y = wine
        weight = np.ones(len(y))
        weight[::5] = 0
        kept = weight > 0
        weighed = TabularClassifier(**QUICK).fit(X, y, weight)
        removed = TabularClassifier(**QUICK).fit(X[kept], y[kept], weight[kept])
        assert np.array_equal(weighed.predict_proba(X), removed.predict_proba(X))

    def test_several_labels_a_row(self, wine):
        X, y = wine
        Y = np.column_stack([y == 0, X[:, 0] > 13]).astype(int)
        model = TabularClassifier(updates=200, n_networks=2, random_state=0).fit(X, Y)
        assert model.predict(X).shape == Y.shape
        assert model.score(X, Y) > 0.8

    def test_a_label_of_a_single_row_and_a_single_label(self, wine):
        X, y = wine
        rare = y.copy()
        rare[3] = 7
        assert 7 in TabularClassifier(**QUICK).fit(X, rare).classes_
        with pytest.warns(UserWarning, match="one class only"):
            assert set(TabularClassifier(**QUICK).fit(X, np.zeros_like(y)).predict(X)) == {0}

    def test_two_rows_are_enough(self):
        model = TabularClassifier(**QUICK).fit([[0.0], [1.0]], ["a", "b"])
        assert set(model.classes_) == {"a", "b"}

    def test_on_epoch_hears_of_every_epoch_and_may_end_a_network(self, wine):
        heard = []
        model = TabularClassifier(on_epoch=heard.append, **QUICK).fit(*wine)
        epochs = sum(len(one.epochs) for one in (*model.race_, *model.networks_[1:]))
        assert len(heard) == epochs
        ended = TabularClassifier(on_epoch=lambda epoch: epoch.epoch == 2, **QUICK).fit(*wine)
        assert {len(one.epochs) for one in ended.networks_} == {2}

    def test_an_interrupt_after_the_race_leaves_the_winner(self, monkeypatch, wine):
        X, y = wine
        run, calls = race._Race.run, []

        def interrupted(self, entries):
            calls.append(entries)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return run(self, entries)

        monkeypatch.setattr(race._Race, "run", interrupted)
        model = TabularClassifier(**QUICK)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
        assert not model.model_.members
        assert len(model.race_) == 2
        assert len(model.networks_) == 1
        assert model.score(X, y) > 0.9

    def test_an_error_before_the_race_ends_leaves_nothing(self, wine):
        model = TabularClassifier(**QUICK)
        with pytest.raises(ValueError, match="infinit"):
            model.fit(np.full((10, 2), np.inf), np.arange(10) % 2)
        assert not hasattr(model, "model_")
        first = clone(model).fit(*wine)
        before = first.predict_proba(wine[0])
        with pytest.raises(DataError):
            first.fit(np.full((10, 2), np.inf), np.arange(10) % 2)
        assert np.array_equal(first.predict_proba(wine[0]), before)

    def test_files_and_pickles_keep_the_bits(self, tmp_path, table):
        X, y = table
        model = TabularClassifier(**QUICK).fit(X, y)
        expected = model.predict_proba(X)
        model.save(tmp_path / "model.safetensors")
        kept = load_model(tmp_path / "model.safetensors")
        assert np.array_equal(kept.predict_proba(from_frame(X)), expected)
        assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), expected)

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"effort": "lazy"}, "effort"),
            ({"n_networks": 0}, "n_networks"),
            ({"updates": 0}, "updates"),
            ({"networks": "round"}, "networks"),
            ({"networks": ["smooth", "round"]}, "'networks' parameter must be 'auto', or one"),
            ({"networks": []}, "networks"),
            (
                {"updates": []},
                "'updates' parameter must be a whole number from 1 to .*, or several",
            ),
            ({"updates": [10**400]}, "'updates' parameter must be a whole number from 1 to"),
            ({"updates": [100, 0]}, "updates"),
            ({"updates": ["many"]}, "updates"),
            ({"updates": [50.5]}, "updates"),
            ({"updates": [True]}, "updates"),
            ({"n_jobs": 0}, "n_jobs"),
        ],
    )
    def test_wrong_parameters_are_refused_by_name(self, wine, wrong, told):
        with pytest.raises(ValueError, match=told):
            TabularClassifier(**QUICK | wrong).fit(*wine)

    def test_sparse_rows_are_refused_with_the_way_out(self, wine):
        X, y = wine
        with pytest.raises(DataError, match=r"takes no sparse rows; pass X\.toarray\(\)"):
            TabularClassifier(**QUICK).fit(scipy.sparse.csr_matrix(X), y)

    def test_a_loaded_model_is_an_estimator_without_a_race(self, tmp_path, wine):
        X, y = wine
        model = TabularClassifier(**QUICK).fit(X, y)
        model.save(tmp_path / "model.safetensors")
        loaded = TabularClassifier.load(tmp_path / "model.safetensors")
        assert loaded.get_params() == model.get_params()
        assert not hasattr(loaded, "oob_decision_function_")
        assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
        assert not hasattr(loaded, "networks_")
        assert not hasattr(loaded, "race_")
        with pytest.raises(ModelFileError, match="load it with a classifier"):
            TabularRegressor.load(tmp_path / "model.safetensors")

    @pytest.fixture
    def diverging(self, monkeypatch):
        """Let trainings fail of which something holds: their architecture and epochs."""
        train = race.train

        def failing(fails):
            def train_or_fail(architecture, *given, **named):
                if fails(bool(architecture.skip), named["epochs"]):
                    raise DivergenceError("it diverged.", "Lower it.", epoch=1)
                return train(architecture, *given, **named)

            monkeypatch.setattr(race, "train", train_or_fail)

        return failing

    def test_a_kind_that_diverges_loses_and_a_warning_tells(self, diverging, wine):
        diverging(lambda is_sharp, _: is_sharp)
        settings = {"updates": (60, 120, 240), "n_networks": 2, "random_state": 0}
        with pytest.warns(DivergenceWarning, match=r"2 of \d+ networks diverged and are left out"):
            model = TabularClassifier(**settings).fit(*wine)
        assert {one.entrant.kind for one in (*model.race_, *model.networks_)} == {"smooth"}

    def test_where_all_diverge_there_is_no_model(self, diverging, wine):
        diverging(lambda *_: True)
        model = TabularClassifier(**QUICK)
        with pytest.raises(DivergenceError, match="it diverged"):
            model.fit(*wine)
        assert not hasattr(model, "model_")

    def test_a_longer_training_that_diverges_costs_no_other(self, diverging):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(1500, 2))
        y = (np.sin(3 * X[:, 0]) + np.sin(3 * X[:, 1]) > 0).astype(int)
        diverging(lambda _, epochs: epochs > 20)  # 600 updates, not 300
        settings = {"updates": (8, 300, 600, 1000), "n_networks": 1, "networks": "smooth"}
        with pytest.warns(DivergenceWarning, match="1 of 3 networks"):
            model = TabularClassifier(random_state=0, **settings).fit(X, y)
        assert {one.entrant.updates for one in model.race_} == {8, 300}

    def test_networks_after_the_race_may_diverge(self, diverging, wine):
        begun = []
        diverging(lambda *_: bool(begun.append(1) or len(begun) > 2))
        settings = {"networks": "smooth", "updates": (60, 120), "n_networks": 3, "n_jobs": 1}
        with pytest.warns(DivergenceWarning, match="networks diverged"):
            model = TabularClassifier(random_state=0, **settings).fit(*wine)
        assert {one.entrant.fold for one in model.networks_} == {0}
        assert model.score(*wine) > 0.9

    def test_more_networks_than_folds_hold_the_same_rows_back_again(self, wine):
        settings = {"networks": "sharp", "updates": 20, "n_networks": 10, "random_state": 0}
        model = TabularClassifier(**settings).fit(*wine)
        assert [one.entrant.fold for one in model.networks_] == list(range(10))
        first, *_, ninth, _ = model.networks_
        assert not np.array_equal(first.params.flat, ninth.params.flat)

    def test_a_class_of_weight_0_may_leave_nothing_to_hold_back(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(103, 2)), np.array(["a"] * 100 + ["b"] * 3)
        model = TabularClassifier(class_weight={"a": 0}, **QUICK).fit(X, y)
        assert (model.predict(X) == "b").all()

    def test_rows_trained_on_are_counted(self, wine):
        X, y = wine
        model = TabularClassifier(networks="smooth", **QUICK).fit(X, y)
        first = model.networks_[0]
        n_kept = len(y) - len(model._now.held_back)
        assert model.t_ == n_kept * len(first.epochs)

    def test_the_record_says_why_a_network_ended(self, wine):
        model = TabularClassifier(on_epoch=lambda epoch: epoch.epoch == 2, **QUICK).fit(*wine)
        assert {history.reason for history in model.histories_} == {"on_epoch"}
        assert {one.history.reason for one in TabularClassifier(**QUICK).fit(*wine).race_} == {
            "max_iter"
        }

    def test_what_it_has_not_is_absent(self):
        model = TabularClassifier()
        assert not hasattr(model, "partial_fit")
        assert "hidden_layer_sizes" not in model.get_params()

    def test_progress_is_shown_by_a_line_for_each_network(self, capsys, wine):
        model = TabularClassifier(verbose=True, **QUICK).fit(*wine)
        lines = capsys.readouterr().out.splitlines()
        for number, (one, line) in enumerate(zip(model.race_, lines[:2], strict=True), start=1):
            epochs, best = one.epochs, min(one.epochs, key=lambda epoch: epoch.validation_loss)
            assert line == (
                f"{one.entrant.kind} network {number}/3: {len(epochs)} epochs, "
                f"loss {epochs[-1].loss:.4g}, held back {one.loss:.4g} in epoch {best.epoch}"
            )
        n = len(lines)
        assert n > 2
        assert re.match(rf"(smooth|sharp) network {n}/{n}: ", lines[-1])

    def test_progress_of_a_table_too_small_to_hold_rows_back(self, capsys):
        TabularClassifier(verbose=True, **QUICK).fit([[1.0], [2.0]], [0, 1])
        assert re.search(r"\d epochs, loss \S+\n", capsys.readouterr().out)

    def test_progress_in_a_terminal_is_a_bar(self, capsys, monkeypatch, wine):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        TabularClassifier(verbose=True, **QUICK).fit(*wine)
        shown = capsys.readouterr().out
        assert re.search(r"network (\d)/\1  epoch (\d+)/\2 .* loss \S+  held back ", shown)

    def test_an_epoch_tells_its_network(self, wine):
        seen = []
        model = TabularClassifier(on_epoch=seen.append, **QUICK).fit(*wine)
        numbers = [epoch.network.number for epoch in seen]
        assert numbers == sorted(numbers)
        for number, one in enumerate(model.race_, start=1):
            own = [epoch for epoch in seen if epoch.network.number == number]
            assert [epoch.loss for epoch in own] == [epoch.loss for epoch in one.epochs]
            assert {epoch.network.kind for epoch in own} == {one.entrant.kind}
            assert {epoch.network.epochs for epoch in own} == {len(own)}
        assert seen[0].network.of == 3, "two race, and one of them goes on, as far as is known"
        assert seen[-1].network.of == numbers[-1]
        assert 0 < seen[0].share_done < seen[-1].share_done == 1


class TestRegressor:
    def test_it_learns_and_stays_within_what_it_has_seen(self):
        X, y = load_diabetes(return_X_y=True)
        model = TabularRegressor(updates=300, n_networks=2, random_state=0).fit(X[:300], y[:300])
        assert model.score(X[300:], y[300:]) > 0.3
        far = model.predict(X[300:] * 1000)
        assert far.min() >= y[:300].min() - 1e-3
        assert far.max() <= y[:300].max() + 1e-3

    def test_several_numbers_a_row(self):
        X, _ = load_iris(return_X_y=True)
        model = TabularRegressor(**QUICK).fit(X[:, :2], X[:, 2:])
        assert model.predict(X[:, :2]).shape == (150, 2)

    def test_quantiles_do_not_cross(self):
        X, y = load_diabetes(return_X_y=True)
        model = TabularRegressor(loss="quantile", quantiles=(0.1, 0.5, 0.9), **QUICK).fit(X, y)
        found = model.predict(X)
        assert (np.diff(found, axis=1) >= 0).all()

    def test_counts(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(300, 3))
        y = rng.poisson(np.exp(X[:, 0]))
        model = TabularRegressor(loss="poisson", updates=200, n_networks=1, random_state=0).fit(
            X, y
        )
        assert (model.predict(X) >= 0).all()
        assert model.score(X, y) > 0.2

    def test_files_keep_the_bounds(self, tmp_path):
        X, y = load_diabetes(return_X_y=True)
        model = TabularRegressor(**QUICK).fit(X, y)
        model.save(tmp_path / "model.safetensors")
        kept = load_model(tmp_path / "model.safetensors")
        assert np.array_equal(kept.predict_numbers(X * 50)[:, 0], model.predict(X * 50))
        assert kept.bounds.low == y.min()
        loaded = TabularRegressor.load(tmp_path / "model.safetensors")
        assert np.array_equal(loaded.predict(X), model.predict(X))


LACKING = {
    name
    for ours in (MLPClassifier(), MLPRegressor())
    for name in ours.get_params()
    if name not in TabularClassifier().get_params() | TabularRegressor().get_params()
}
WORDS_OF_THEM = {"learning rate", "clip", "partial_fit", "warm_start", "leaky_relu", "MLP"}


def says_nothing_of_what_it_lacks(message):
    """Tell whether a text names no parameter or way of the MLP estimators alone."""
    assert {"alpha", "dtype", "scale_target", "preprocess", "max_iter", "solver"} < LACKING
    named = {name for name in LACKING if re.search(rf"\b{name}\b", str(message))}
    return not named and not any(word in str(message) for word in WORDS_OF_THEM)


class TestAdvice:
    """Errors and warnings name what this estimator has."""

    def test_ways_are_those_that_the_estimator_has(self):
        known = ("raise alpha", "alpha"), ("wait", ""), ("take other networks", "networks")
        assert ways(MLPClassifier(), *known) == "raise alpha, or wait"
        assert ways(TabularClassifier(), *known) == "wait, or take other networks"
        assert ways(TabularClassifier(), known[0]) == ""
        assert ways(MLPClassifier(), known[2], ("go on", "partial_fit")) == "go on"

    def test_after_a_divergence(self, monkeypatch, wine):
        def diverging(*given, **named):
            raise DivergenceError("it diverged.", "Lower the learning rate.", epoch=3)

        monkeypatch.setattr(race, "train", diverging)
        with pytest.raises(
            DivergenceError, match=r"it diverged\. Look for extreme numbers"
        ) as told:
            TabularClassifier(**QUICK).fit(*wine)
        assert told.value.epoch == 3
        assert says_nothing_of_what_it_lacks(told.value)

    @pytest.mark.parametrize("largest", [1e39, 1e300])
    def test_of_targets_too_large(self, largest):
        X = np.arange(20.0)[:, None]
        y = np.r_[largest, np.arange(19.0)]
        with pytest.raises(DataError, match=r"y reaches .* divide y by a power of ten$") as told:
            TabularRegressor(**QUICK).fit(X, y)
        assert says_nothing_of_what_it_lacks(told.value)

    def test_of_squares_too_large(self):
        X = np.arange(40.0)[:, None]
        y = np.r_[1e30, np.arange(39.0)]
        with pytest.raises(DataError, match=r"in a scale in .*; leave such rows out$") as told:
            TabularRegressor(loss="absolute_error", **QUICK).fit(X, y)
        assert says_nothing_of_what_it_lacks(told.value)

    def test_of_too_little_memory(self, monkeypatch, wine):
        monkeypatch.setattr("handgrad.estimators.fitting.MOST_BYTES", 1000)
        with pytest.raises(MemoryError, match=r"13 inputs and 3 .*; lower max_levels") as told:
            TabularClassifier(**QUICK).fit(*wine)
        assert says_nothing_of_what_it_lacks(told.value)

    def test_dead_units_are_counted_and_no_reason_to_warn(self, monkeypatch, wine):
        """Nobody could do anything about them: the rows held back have chosen the network."""
        monkeypatch.setattr("handgrad.estimators.watching._share_at_0", lambda *given: 0.7)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            model = TabularClassifier(**QUICK).fit(*wine)
        assert model.dead_units_ == [0.7, 0.7]

    def test_of_what_is_said_of_an_array(self, wine):
        told = r"'kinds' is for a data frame; the columns of other rows are plain numbers"
        with pytest.raises(DataError, match=told) as error:
            TabularClassifier(kinds={"a": "number"}, **QUICK).fit(*wine)
        assert says_nothing_of_what_it_lacks(error.value)

    def test_of_sparse_rows_with_holes(self, wine):
        X, y = wine
        model = TabularClassifier(**QUICK).fit(X, y)
        assert np.array_equal(model.predict(scipy.sparse.csr_matrix(X)), model.predict(X))
        X = X.copy()
        X[3, 2] = np.nan
        with pytest.raises(DataError, match=r"Fill it, or pass X\.toarray\(\)") as told:
            model.predict(scipy.sparse.csr_matrix(X))
        assert says_nothing_of_what_it_lacks(told.value)

    def test_of_what_only_fit_sets(self, tmp_path, wine):
        model = TabularClassifier(**QUICK).fit(*wine)
        model.save(tmp_path / "m")
        with pytest.raises(AttributeError, match=r"and this model was loaded$") as told:
            _ = TabularClassifier.load(tmp_path / "m").race_
        assert says_nothing_of_what_it_lacks(told.value)
        plain = MLPClassifier((3,)).partial_fit(*wine, classes=[0, 1, 2])
        with pytest.raises(AttributeError, match="loaded, converted, or trained by partial_fit"):
            _ = MLPClassifier.from_model(plain.model_).held_back_

    def test_the_command_line_advises_no_parameter(self, tmp_path, call):
        rows = "\n".join(f"{row},{1e30 if row == 3 else row}" for row in range(60))
        (tmp_path / "t.csv").write_text(f"a,y\n{rows}\n")
        code, _, err = call(
            *("fit", "t.csv", "--target", "y", "--task", "regression", "--epochs", "2"),
            *("--loss", "absolute_error", "--validation", "0"),
        )
        assert code == 3
        assert "leave such rows out" in err
        assert "scale_target" not in err
