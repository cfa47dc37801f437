"""Inside scikit-learn's machinery: searches, pipelines, votes, routing, other processes."""

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - it enables the import below
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from handgrad import MLPClassifier, MLPRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore:max_iter=:sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:max_iter=:UserWarning"),
]


@pytest.fixture
def iris():
    return load_iris(return_X_y=True, as_frame=True)


def quick(**settings):
    known = {"hidden_layer_sizes": (8,), "max_iter": 40, "learning_rate_init": 0.03}
    return MLPClassifier(**known | {"random_state": 0} | settings)


GRID = {"hidden_layer_sizes": [4, 8], "n_ensemble": [1, 2]}


@pytest.fixture(scope="module")
def search_alone():
    return GridSearchCV(quick(), GRID, cv=3).fit(*load_iris(return_X_y=True, as_frame=True))


def assert_the_same_search(search, alone, X):
    for key in ("mean_test_score", "std_test_score", "rank_test_score"):
        np.testing.assert_array_equal(search.cv_results_[key], alone.cv_results_[key])
    assert search.best_params_ == alone.best_params_
    np.testing.assert_array_equal(search.predict_proba(X), alone.predict_proba(X))


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_a_search_gives_the_same_bits_under_each_backend_of_joblib(iris, search_alone, backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        search = GridSearchCV(quick(), GRID, cv=3).fit(*iris)
    assert_the_same_search(search, search_alone, iris[0])


def test_a_search_gives_the_same_bits_on_the_workers_of_dask(iris, search_alone, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        search = GridSearchCV(quick(), GRID, cv=3).fit(*iris)
    assert_the_same_search(search, search_alone, iris[0])


def test_halving_search_gives_epochs_as_a_resource(iris):
    search = HalvingGridSearchCV(
        quick(), {"alpha": [1e-4, 1e-2]}, resource="max_iter", max_resources=40, cv=3
    )
    assert search.fit(*iris).best_score_ > 0.8


def test_a_pipeline_and_a_column_transformer_take_it(iris):
    X, y = iris
    names = list(X.columns)
    model = make_pipeline(
        ColumnTransformer([("two", MinMaxScaler(), names[:2])], remainder="passthrough"), quick()
    )
    assert model.fit(X, y).score(X, y) > 0.9
    hidden = ColumnTransformer([("net", quick(), names)], verbose_feature_names_out=False)
    assert hidden.fit_transform(X, y).shape == (150, 8)
    assert list(hidden.get_feature_names_out()) == [f"mlpclassifier{i}" for i in range(8)]
    stacked = make_pipeline(quick(), LogisticRegression())
    assert stacked.fit(X, y).score(X, y) > 0.9


def test_a_vote_and_a_calibration_take_it(iris):
    vote = VotingClassifier([("a", quick()), ("b", quick(random_state=1))], voting="soft")
    assert vote.fit(*iris).score(*iris) > 0.9
    calibrated = CalibratedClassifierCV(quick(), cv=3).fit(*iris)
    assert calibrated.score(*iris) > 0.9


def test_importance_and_cross_validation_take_it(iris):
    X, y = iris
    importance = permutation_importance(quick().fit(X, y), X, y, n_repeats=3, random_state=0)
    assert importance.importances_mean[2:].max() > importance.importances_mean[:2].max()
    scores = cross_validate(quick(), X, y, cv=3, scoring=["accuracy", "neg_log_loss"])
    assert scores["test_accuracy"].mean() > 0.9
    regressor = MLPRegressor(max_iter=30, learning_rate_init=0.01, random_state=0)
    assert cross_validate(regressor, X, X.iloc[:, 0] * 1000, cv=3)["test_score"].min() > 0.5


def test_transform_gives_data_frames_where_asked(iris):
    X, y = iris
    hidden = quick().set_output(transform="pandas").fit_transform(X, y)
    assert isinstance(hidden, pd.DataFrame)
    assert list(hidden.columns) == [f"mlpclassifier{i}" for i in range(8)]
    assert (hidden.index == X.index).all()


def test_weights_are_routed(iris):
    X, y = iris
    weight = np.random.default_rng(0).integers(0, 3, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        model = quick().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        routed = cross_validate(model, X, y, cv=3, params={"sample_weight": weight})
        plain = cross_validate(quick(), X, y, cv=3)
    assert not np.array_equal(routed["test_score"], plain["test_score"])
