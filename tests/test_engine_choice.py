"""Which engine runs, with how many threads, and what a user is told."""

import json
import os
import pickle
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import threadpoolctl
from scipy import sparse
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning

from common import ENGINES, CautiousAdam, SignSGD, needs_compiled
from handgrad import MLPClassifier
from handgrad.activations import ACTIVATIONS
from handgrad.batch import Rows
from handgrad.engines import machine, processors
from handgrad.engines import numpy as reference
from handgrad.engines.choice import choose, predictor
from handgrad.engines.compiled import backend, library
from handgrad.engines.numpy import Numpy
from handgrad.engines.processors import threads_given
from handgrad.network import Architecture
from handgrad.optim import SGD, Adam, Steps

OK, USAGE, DATA = 0, 2, 3
MISSING = "installed without its compiled engine"
HELP = "reinstall it with a C compiler at hand, or from a wheel for this system"


def python(*lines, **environment):
    """Run lines of Python in a process of their own; give what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=150,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


WORK = (
    "import warnings",
    "warnings.simplefilter('ignore')",
    "from sklearn.datasets import make_blobs",
    "from handgrad import MLPClassifier",
    "X, y = make_blobs(60, 3, centers=3, random_state=0)",
)


def ask(wanted, *, x=None, optimizer=None):
    x = np.zeros((1000, 20), np.float32) if x is None else x
    architecture = Architecture((x.shape[1], 50, 3))
    rows = Rows(x, np.zeros(x.shape[0], int))
    return choose(wanted, architecture, rows, Steps(optimizer or SGD(), batch_size=200))


@pytest.fixture
def nothing_missing(monkeypatch):
    monkeypatch.setattr(backend, "missing", lambda: "")


# -- the choice --------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_library")
def test_the_reference_is_there_whatever_is_installed():
    chosen = ask("numpy")
    assert (chosen.name, chosen.reason, chosen.make) == ("numpy", "asked for", Numpy)


@pytest.mark.usefixtures("nothing_missing")
@pytest.mark.parametrize(("wanted", "why"), [("auto", "the fastest"), ("compiled", "asked for")])
def test_the_compiled_engine_is_taken_for_the_smallest_work(wanted, why):
    chosen = ask(wanted, x=np.zeros((2, 1)))
    assert (chosen.name, chosen.make) == ("compiled", backend.make)
    assert why in chosen.reason


@pytest.mark.usefixtures("nothing_missing")
@pytest.mark.parametrize("wanted", ["auto", "compiled"])
def test_what_the_compiled_engine_does_not_cover_falls_back(wanted):
    chosen = ask(wanted, x=sparse.csr_array(np.eye(30)))
    assert (chosen.name, chosen.make) == ("numpy", Numpy)
    assert "sparse" in chosen.reason
    for x, epsilon in (np.ones((5, 2), "f4"), 1e-40), (np.ones((5, 2)), 1e-320):
        chosen = ask(wanted, x=x, optimizer=Adam(epsilon=epsilon))
        assert (chosen.name, chosen.make) == ("numpy", Numpy)
        assert f"epsilon={epsilon:g}" in chosen.reason
    assert ask(wanted, optimizer=Adam(epsilon=1e-37)).name == "compiled"
    assert ask(wanted, x=np.ones((5, 2)), optimizer=Adam(epsilon=1e-300)).name == "compiled"


@pytest.mark.usefixtures("nothing_missing")
@pytest.mark.parametrize("wanted", ["auto", "compiled"])
@pytest.mark.parametrize("rule", [SignSGD(), CautiousAdam()], ids=["of its own", "inherited"])
def test_a_rule_without_a_kernel_is_never_run_as_another(wanted, rule):
    chosen = ask(wanted, optimizer=rule)
    assert (chosen.name, chosen.make) == ("numpy", Numpy)
    assert (
        chosen.reason == f"{type(rule).__name__} is a rule that only the reference engine can train"
    )


@pytest.mark.usefixtures("without_library")
def test_without_a_library_auto_says_what_helps():
    chosen = ask("auto")
    assert (chosen.name, chosen.make) == ("numpy", Numpy)
    assert MISSING in chosen.reason
    assert HELP in chosen.reason


@pytest.mark.usefixtures("without_library")
@pytest.mark.parametrize("x", [np.eye(3), sparse.csr_array(np.eye(3))], ids=["dense", "sparse"])
def test_without_a_library_compiled_is_refused(x):
    with pytest.raises(ImportError, match="engine 'compiled' is not available") as error:
        ask("compiled", x=x)
    assert HELP in str(error.value)


@pytest.fixture
def unknown_activation(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "relu", ACTIVATIONS["relu"]._replace(has_kernel=False))


@pytest.mark.usefixtures("nothing_missing", "unknown_activation")
@pytest.mark.parametrize("wanted", ["auto", "compiled"])
def test_what_has_no_kernel_is_trained_and_predicted_by_the_reference(wanted):
    assert ask(wanted).name == "numpy"
    assert "relu" in ask(wanted).reason
    assert predictor(wanted, Architecture((3, 4, 2))) is reference
    assert predictor(wanted, Architecture((3, 4, 2), activation="tanh")) is backend


@pytest.mark.usefixtures("nothing_missing")
def test_a_network_predicts_on_the_fastest_engine_there_is():
    network = Architecture((3, 4, 2))
    assert predictor("numpy", network) is reference
    assert predictor("auto", network) is predictor("compiled", network) is backend


@pytest.mark.usefixtures("without_library")
def test_without_a_library_the_reference_predicts():
    network = Architecture((3, 4, 2))
    assert predictor("auto", network) is predictor("compiled", network) is reference


# -- through the estimator and the command line ------------------------------------------------


@pytest.fixture
def blobs():
    return make_blobs(60, 3, centers=3, random_state=0)


@pytest.fixture
def trained(blobs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return MLPClassifier(engine="numpy", max_iter=2, random_state=0).fit(*blobs)


@pytest.mark.usefixtures("without_library")
def test_a_refused_engine_leaves_the_model_as_it_was(trained, blobs):
    before = trained.predict_proba(blobs[0])
    with pytest.raises(ImportError, match=HELP):
        trained.set_params(engine="compiled").fit(*blobs)
    with pytest.raises(ImportError, match=HELP):
        trained.predict(blobs[0])
    assert trained.engine_ == "numpy"
    assert np.array_equal(trained.set_params(engine="auto").predict_proba(blobs[0]), before)


@needs_compiled
def test_predicting_obeys_the_engine(trained, blobs, monkeypatch):
    used = []
    for one in backend, reference:
        for method in "scores", "predict":
            compute = getattr(one, method)

            def record(*given, name=one.NAME, do=compute, **how):
                used.append(name)
                return do(*given, **how)

            monkeypatch.setattr(one, method, record)
    for engine, expected in ("numpy", "numpy"), ("auto", "compiled"), ("compiled", "compiled"):
        used.clear()
        trained.set_params(engine=engine).predict_proba(blobs[0])
        trained.predict(blobs[0])
        assert set(used) == {expected}


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("handgrad", "numba llvmlite scipy sklearn pyarrow threadpoolctl"),
        ("handgrad.estimators", "numba llvmlite matplotlib"),
        ("handgrad.engines.choice", "numba llvmlite scipy sklearn"),
        ("handgrad.cli", "numba llvmlite scipy sklearn"),
        ("handgrad.engines.machine", "numba llvmlite scipy sklearn"),
    ],
)
def test_importing_is_light(module, heavy):
    out, _ = python(
        f"import sys, {module}",
        f"print([name for name in {heavy.split()} if name in sys.modules])",
    )
    assert out == "[]\n"


@pytest.mark.parametrize("targets", ["arange(200) % 3", "array(['a', 'b'] * 100)", "arange(200.0)"])
def test_the_first_fit_of_arrays_imports_nothing(targets):
    """Nor does it ask what packages there are, as scikit-learn does to know frames."""
    kind = "Regressor" if targets == "arange(200.0)" else "Classifier"
    out, _ = python(
        "import importlib.metadata, sys, numpy as np",
        f"from handgrad import MLP{kind}",
        "importlib.metadata.entry_points = None",
        "before = {*sys.modules}",
        "X = np.random.default_rng(0).normal(size=(200, 4))",
        f"y = np.{targets}",
        f"model = MLP{kind}(max_iter=2, n_iter_no_change=2).fit(X, y)",
        "print(*(name for name in {*sys.modules} - before if not name.startswith('numpy.')))",
        "assert model.n_features_in_ == 4 and not hasattr(model, 'feature_names_in_')",
    )
    assert out == "\n"


@needs_compiled
def test_a_model_travels_to_where_no_library_is(blobs, tmp_path):
    model = MLPClassifier(engine="compiled", max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*blobs)
    (tmp_path / "compiled").write_bytes(pickle.dumps(model))
    expected = model.set_params(engine="numpy").predict_proba(blobs[0])
    (tmp_path / "auto").write_bytes(pickle.dumps(model.set_params(engine="auto")))
    out, _ = python(
        "import pathlib",
        "from handgrad.engines.compiled import library",
        f"library.FOLDER = pathlib.Path({str(tmp_path / 'empty')!r})",
        *WORK,
        "import pickle, numpy as np",
        f"model = pickle.load(open({str(tmp_path / 'auto')!r}, 'rb'))",
        f"np.save({str(tmp_path / 'got.npy')!r}, model.predict_proba(X))",
        "model.predict(X), model.decision_function(X), model.model_.predict(X)",
        "model.fit(X, y).predict(X)",
        "print(model.engine_)",
        f"model = pickle.load(open({str(tmp_path / 'compiled')!r}, 'rb'))",
        "for method in model.predict, model.predict_proba, lambda X: model.fit(X, y):",
        "    try:",
        "        method(X)",
        "    except ImportError as error:",
        "        print(error)",
    )
    assert np.array_equal(np.load(tmp_path / "got.npy"), expected)
    lines = out.splitlines()
    assert lines[0] == "numpy"
    assert len(lines) == 4
    assert all(HELP in line for line in lines[1:])


@pytest.fixture
def call(call, tmp_path):
    rows = (f"{i % 7},{i % 3},{'ab'[i % 2]}" for i in range(60))
    (tmp_path / "t.csv").write_text("\n".join(["u,v,y", *rows]) + "\n")
    return call


FIT = ("fit", "t.csv", "--target", "y", "--epochs", "3", "--quiet")


@pytest.mark.parametrize("engine", ENGINES)
def test_fit_tells_which_engine_ran_and_why(call, engine):
    code, out, _ = call(*FIT, "--engine", engine, "--verbose")
    assert code == OK
    assert f"engine: {engine} (asked for)" in out
    code, out, _ = call(*FIT, "--engine", engine)
    assert "engine:" not in out
    code, out, _ = call(*FIT, "--engine", engine, "--json")
    assert json.loads(out)["engine"] == {"name": engine, "reason": "asked for"}


@needs_compiled
def test_auto_is_what_fit_does_unasked(call):
    code, out, _ = call(*FIT, "--json")
    assert code == OK
    assert json.loads(out)["engine"] == {"name": "compiled", "reason": "the fastest available"}


@needs_compiled
def test_both_engines_tell_the_same_story(call):
    told = []
    for engine in "numpy", "compiled":
        _, out, _ = call(*FIT, "--engine", engine, "--json")
        told.append(json.loads(out)["history"])
    for one, other in zip(*told, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
        assert one["accuracy"] == pytest.approx(other["accuracy"])


@pytest.mark.usefixtures("without_library")
def test_without_a_library_the_command_line_says_what_helps(call):
    for arguments in (
        (*FIT, "--engine", "compiled"),
        ("fit", "no.csv", "--target", "y", "--engine", "compiled"),  # before any file is read
        ("cv", "t.csv", "--target", "y", "--engine", "compiled"),
    ):
        code, out, err = call(*arguments)
        assert code == USAGE
        assert out == ""
        assert HELP in " ".join(err.split())
    code, out, _ = call(*FIT, "--verbose")
    assert code == OK
    assert f"engine: numpy (handgrad was {MISSING}" in " ".join(out.split())


def test_an_engine_that_is_none_is_refused(call, blobs):
    code, _, err = call(*FIT, "--engine", "fast")
    assert code == USAGE
    assert "auto" in err
    with pytest.raises(ValueError, match="engine"):
        MLPClassifier(engine="fast").fit(*blobs)


# -- the machine -------------------------------------------------------------------------------


@needs_compiled
def test_a_machine_is_described(call):
    code, out, _ = call("info", "--machine", "--json")
    assert code == OK
    told = json.loads(out)
    assert told["numpy"] == np.__version__
    assert told["threads"] == threads_given()
    engine = told["engines"]["compiled"]
    assert engine["installed"]
    assert re.fullmatch(r"x86-64-v[234]|\w+", engine["level"])
    assert engine["vector_bits"] == {"x86-64-v4": 512, "x86-64-v3": 256}.get(engine["level"], 128)
    assert engine["library"] == str(library.path())
    assert engine["bytes"] == library.path().stat().st_size
    code, out, _ = call("info", "--machine")
    told = " ".join(out.split())
    assert "threads that handgrad may use" in told
    assert f"level {engine['level']}, vector bits {engine['vector_bits']}" in told
    assert f"{library.path().name}, bytes {engine['bytes']}" in told


@pytest.mark.usefixtures("without_library")
def test_a_machine_without_the_library_says_how_to_get_it(call):
    code, out, _ = call("info", "--machine")
    assert code == OK
    assert "compiled engine: not installed" in out
    assert HELP in " ".join(out.split())
    code, out, _ = call("info", "--machine", "--json")
    told = json.loads(out)
    assert told["engines"]["compiled"]["installed"] is False
    assert HELP in told["advice"][-1]


@needs_compiled
def test_a_pinned_blas_is_told(call, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    _, out, _ = call("info", "--machine")
    assert "OPENBLAS_CORETYPE=Haswell" in out
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    assert "OPENBLAS_CORETYPE" not in machine.describe()["pins"]


def test_info_wants_a_model_or_the_machine(call):
    for arguments in ["info"], ["info", "--compile"], ["info", "t.csv", "--machine"]:
        code, _, err = call(*arguments)
        assert code == USAGE
        assert err


# -- threads -----------------------------------------------------------------------------------


@pytest.fixture
def eight_processors(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(processors, "CONTAINER_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(processors, "blas_in_use", lambda: [{"num_threads": 16}])
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return tmp_path / "cpu.max"


@pytest.mark.usefixtures("eight_processors")
@pytest.mark.parametrize(
    ("value", "expected"),
    [("3", 3), ("1", 1), ("64", 8), ("2,4", 2), ("", 8), ("0", 8), ("-1", 8), ("many", 8)],
)
def test_omp_num_threads_is_obeyed(monkeypatch, value, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert threads_given() == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 1),
        ("50000 100000", 1),
        ("9900000 100000", 8),
        ("", 8),
        ("nonsense", 8),
    ],
)
def test_the_quota_of_a_container_is_obeyed(eight_processors, content, expected):
    eight_processors.write_text(content + "\n")
    assert processors.processors() == threads_given() == expected


@pytest.mark.usefixtures("eight_processors")
def test_affinity_is_obeyed(monkeypatch):
    assert threads_given() == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 5, 6}, raising=False)
    assert processors.processors() == threads_given() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert processors.processors() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors.processors() == 1


def test_a_limit_on_the_blas_is_obeyed():
    with threadpoolctl.threadpool_limits(1):
        assert threads_given() == 1
    assert threads_given() >= 1


@pytest.mark.usefixtures("eight_processors")
@needs_compiled
@pytest.mark.parametrize(
    ("units", "batch_size", "call", "expected"),
    [
        ((10, 10, 2), 32, 0, 1),
        ((784, 800, 10), 256, 10**9, 8),
        ((100, 100, 10), 55, 0, 1),
        ((2, 3), 10**6, 13 * 10**6, 6),
        ((2, 3), 10**6, 14 * 10**6, 1),
    ],
)
def test_a_step_gets_the_threads_that_it_is_worth(monkeypatch, units, batch_size, call, expected):
    from handgrad.engines.compiled import engine as compiled

    made = {}
    monkeypatch.setattr(
        compiled, "Compiled", lambda *given, threads: made.update(given=given, threads=threads)
    )
    monkeypatch.setattr(backend, "FLOPS_A_THREAD", 2_000_000)
    monkeypatch.setattr(backend, "FLOPS_A_CALL", call)
    rows = Rows(np.zeros((250_000, units[0]), np.float32), np.zeros(250_000, int))
    steps = Steps(SGD(), batch_size, l2=0.5, dropout=(0.1,), seed=3, clip_norm=2.0)
    given = Architecture(units), rows, steps
    ask("compiled").make(*given)
    assert made == {"given": given, "threads": expected}
