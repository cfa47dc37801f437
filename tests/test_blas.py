"""The BLAS is kept on one thread where bits must not depend on it, and given back."""

import os
import threading

import numpy as np
import pytest
import threadpoolctl

from handgrad import MLPClassifier
from handgrad.engines import blas
from handgrad.engines import numpy as reference
from handgrad.engines.blas import blas_in_use, blas_on_one_thread
from handgrad.network import pass_layers

pytestmark = pytest.mark.skipif(not blas_in_use(), reason="threadpoolctl does not know this BLAS")


@pytest.fixture(autouse=True)
def two_threads():
    with threadpoolctl.threadpool_limits(2, "blas"):
        yield


def threads():
    (n,) = {library["num_threads"] for library in blas_in_use()}
    return n


def test_it_is_on_one_thread_inside_and_on_as_many_as_before_after():
    before = threads()
    with blas_on_one_thread():
        assert threads() == 1
        with blas_on_one_thread():
            assert threads() == 1
        assert threads() == 1
    assert threads() == before


def test_an_error_gives_the_threads_back():
    before = threads()
    with pytest.raises(RuntimeError), blas_on_one_thread():
        raise RuntimeError
    assert threads() == before


def test_the_last_of_several_that_overlap_gives_the_threads_back():
    before, inside, leave = threads(), threading.Event(), threading.Event()
    seen = []

    def stay():
        with blas_on_one_thread():
            inside.set()
            leave.wait()
            seen.append(threads())

    with blas_on_one_thread():
        other = threading.Thread(target=stay)
        other.start()
        inside.wait()
    seen.append(threads())
    leave.set()
    other.join()
    assert seen == [1, 1]
    assert threads() == before


def test_the_limit_of_somebody_else_stays():
    with threadpoolctl.threadpool_limits(1, "blas"):
        with blas_on_one_thread():
            pass
        assert threads() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_process_forked_inside_can_go_in_again():
    with blas_on_one_thread(), blas._lock:
        child = os.fork()
        if not child:
            with blas_on_one_thread():
                os._exit(0 if np.ones((9, 9)).dot(np.ones(9))[0] == 9 else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(("units", "wanted"), [(300, 1), (4, 2)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_wide_networks_predict_on_one_thread(monkeypatch, units, wanted):
    """Whether its number of threads changes a bit depends on the BLAS and its kernel."""
    seen = []

    def watched(*arguments, **product):
        seen.append(threads())
        return pass_layers(*arguments, **product)

    X = np.random.default_rng(0).normal(size=(20, 300))
    fitted = MLPClassifier((units,), max_iter=1, engine="numpy", random_state=0)
    fitted.fit(X, X[:, 0] > 0)
    monkeypatch.setattr(reference, "pass_layers", watched)
    fitted.predict(X)
    assert set(seen) == {wanted}
