"""Which engine runs, with how many threads, where its code is kept, and what a user is told."""

import json
import os
import pickle
import shutil
import stat
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl
from scipy import sparse
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning

from common import ENGINES, CautiousAdam, SignSGD, needs_compiled
from handgrad import MLPClassifier
from handgrad.batch import Rows
from handgrad.engines import cache, machine, processors
from handgrad.engines.choice import choose
from handgrad.engines.compiled import backend
from handgrad.engines.compiled.backend import missing, reference_seconds
from handgrad.engines.numpy import Numpy
from handgrad.engines.processors import threads_given
from handgrad.network import Architecture
from handgrad.optim import SGD, Adam, Steps

PIP = 'pip install "handgrad[fast]"'
OK, USAGE = 0, 2


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


def ask(wanted, *, x=None, epochs=100, optimizer=None):
    x = np.zeros((1000, 20), np.float32) if x is None else x
    architecture = Architecture((x.shape[1], 50, 3))
    rows = Rows(x, np.zeros(x.shape[0], int))
    optimizer = optimizer or SGD()
    return choose(wanted, architecture, rows, Steps(optimizer, batch_size=200), epochs)


@pytest.fixture
def without_numba(monkeypatch):
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    find = backend.find_spec
    monkeypatch.setattr(backend, "find_spec", lambda name: None if name == "numba" else find(name))


@pytest.fixture
def nothing_missing(monkeypatch):
    monkeypatch.setattr(backend, "missing", lambda: [])


# -- the choice --------------------------------------------------------------------------------


def test_the_reference_is_there_whatever_is_installed(without_numba):
    chosen = ask("numpy")
    assert (chosen.name, chosen.reason, chosen.make) == ("numpy", "asked for", Numpy)


@pytest.mark.usefixtures("nothing_missing")
@pytest.mark.parametrize(
    ("seconds", "warm", "name", "reason"),
    [
        (backend.WORTH_LOADING * 0.9, True, "numpy", "not worth loading"),
        (backend.WORTH_LOADING * 0.9, False, "numpy", "not worth loading"),
        (backend.WORTH_LOADING * 1.1, True, "compiled", "s of work for the reference"),
        (backend.WORTH_LOADING * 1.1, False, "numpy", "not worth compiling"),
        (backend.WORTH_COMPILING * 0.9, False, "numpy", "handgrad info --machine --compile"),
        (backend.WORTH_COMPILING * 0.9, True, "compiled", "s of work for the reference"),
        (backend.WORTH_COMPILING * 1.1, False, "compiled", "worth compiling"),
    ],
)
def test_auto_weighs_the_work(monkeypatch, seconds, warm, name, reason):
    asked = []
    monkeypatch.setattr(backend, "reference_seconds", lambda *work: seconds)
    monkeypatch.setattr(cache, "is_warm", lambda dtype: asked.append(dtype) or warm)
    chosen = ask("auto")
    assert chosen.name == name
    assert reason in chosen.reason
    assert (chosen.make is Numpy) == (name == "numpy")
    assert set(asked) <= {"float32"}


def test_the_estimate_follows_the_work():
    network, wide = Architecture((20, 50, 3)), Architecture((20, 5000, 3))
    one = reference_seconds(network, 1000, 200, 1)
    assert 0 < one < 1
    assert reference_seconds(network, 1000, 200, 50) == pytest.approx(50 * one)
    most = reference_seconds(network, 1000, 200, backend.MOST_EPOCHS_COUNTED)
    assert reference_seconds(network, 1000, 200, 10**9) == most
    assert reference_seconds(network, 1000, 1, 1) > 100 * one
    assert reference_seconds(wide, 1000, 200, 1) > 10 * one
    assert reference_seconds(network, 1001, 1000, 1) > reference_seconds(network, 1000, 1000, 1)


@pytest.mark.usefixtures("nothing_missing")
@pytest.mark.parametrize("wanted", ["auto", "compiled"])
def test_what_the_compiled_engine_does_not_cover_falls_back(wanted):
    chosen = ask(wanted, x=sparse.csr_array(np.eye(30)), epochs=10**6)
    assert (chosen.name, chosen.make) == ("numpy", Numpy)
    assert "sparse" in chosen.reason
    for x, epsilon in (np.ones((5, 2), "f4"), 1e-40), (np.ones((5, 2)), 1e-320):
        chosen = ask(wanted, x=x, optimizer=Adam(epsilon=epsilon), epochs=10**9)
        assert (chosen.name, chosen.make) == ("numpy", Numpy)
        assert f"epsilon={epsilon:g}" in chosen.reason
    assert "epsilon" not in ask(wanted, optimizer=Adam(epsilon=1e-37)).reason
    assert "epsilon" not in ask(wanted, x=np.ones((5, 2)), optimizer=Adam(epsilon=1e-300)).reason


@pytest.mark.usefixtures("nothing_missing")
@pytest.mark.parametrize("wanted", ["auto", "compiled"])
@pytest.mark.parametrize("rule", [SignSGD(), CautiousAdam()], ids=["of its own", "inherited"])
def test_a_rule_without_a_kernel_is_never_run_as_another(wanted, rule):
    chosen = ask(wanted, optimizer=rule, epochs=10**9)
    assert (chosen.name, chosen.make) == ("numpy", Numpy)
    assert (
        chosen.reason == f"{type(rule).__name__} is a rule that only the reference engine can train"
    )


@pytest.mark.usefixtures("without_numba")
def test_without_numba_auto_says_what_to_install():
    chosen = ask("auto", epochs=10**6)
    assert (chosen.name, chosen.make) == ("numpy", Numpy)
    assert "numba is not installed" in chosen.reason
    assert PIP in chosen.reason


@pytest.mark.usefixtures("without_numba")
@pytest.mark.parametrize("x", [np.eye(3), sparse.csr_array(np.eye(3))], ids=["dense", "sparse"])
def test_without_numba_compiled_is_refused(x):
    with pytest.raises(ImportError, match="numba") as error:
        ask("compiled", x=x)
    assert PIP in str(error.value)


def test_every_missing_package_is_named(monkeypatch):
    for name in "numba", "platformdirs":
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    assert missing() == ["numba", "platformdirs"]
    with pytest.raises(ImportError, match="numba and platformdirs"):
        ask("compiled")
    monkeypatch.setattr(backend, "find_spec", lambda name: name)
    assert missing() == []


@pytest.mark.parametrize(("value", "there"), [("1", False), ("0", True), ("", True)])
@needs_compiled
def test_a_compiler_that_is_turned_off_counts_as_missing(monkeypatch, value, there):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", value)
    assert (missing() == []) == there


# -- through the estimator and the command line ------------------------------------------------


@pytest.fixture
def blobs():
    return make_blobs(60, 3, centers=3, random_state=0)


@pytest.mark.usefixtures("without_numba")
def test_a_refused_engine_leaves_the_model_as_it_was(blobs):
    model = MLPClassifier(max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*blobs)
    before = model.predict_proba(blobs[0])
    assert model.engine_ == "numpy"
    with pytest.raises(ImportError, match="handgrad\\[fast\\]"):
        model.set_params(engine="compiled").fit(*blobs)
    with pytest.raises(ImportError, match="handgrad\\[fast\\]"):
        model.predict(blobs[0])
    assert np.array_equal(model.set_params(engine="auto").predict_proba(blobs[0]), before)


def test_a_small_fit_does_not_load_numba():
    out, err = python(
        *WORK,
        "import sys",
        "model = MLPClassifier(max_iter=3).fit(X, y)",
        "model.predict(X)",
        "print(model.engine_, 'numba' in sys.modules)",
        "print(model.engine_reason_)",
    )
    assert out.splitlines()[0] == "numpy False"
    assert "not worth loading" in out or PIP in out
    assert err == ""


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("handgrad", "numba llvmlite scipy sklearn pyarrow platformdirs threadpoolctl"),
        ("handgrad.estimators", "numba llvmlite matplotlib"),
        ("handgrad.engines.choice", "numba llvmlite scipy sklearn platformdirs"),
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


BLOCK_NUMBA = (
    "import sys",
    "class Blocked:",
    "    def find_spec(self, name, path=None, target=None):",
    "        if name.split('.')[0] in ('numba', 'llvmlite'):",
    "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)",
    "sys.meta_path.insert(0, Blocked())",
    "import importlib.util",
    "found = importlib.util.find_spec",
    "hidden = lambda name, *rest: None if name == 'numba' else found(name, *rest)",
    "importlib.util.find_spec = hidden",
)


@needs_compiled
def test_a_model_travels_to_where_numba_is_not(blobs, tmp_path):
    model = MLPClassifier(engine="compiled", max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*blobs)
    (tmp_path / "compiled").write_bytes(pickle.dumps(model))
    expected = model.set_params(engine="numpy").predict_proba(blobs[0])
    (tmp_path / "auto").write_bytes(pickle.dumps(model.set_params(engine="auto")))
    out, _ = python(
        *BLOCK_NUMBA,
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
    assert all(PIP in line for line in lines[1:])


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


def test_auto_is_what_fit_does_unasked(call):
    code, out, _ = call(*FIT, "--json")
    assert code == OK
    engine = json.loads(out)["engine"]
    assert engine["name"] == "numpy"
    assert "not worth" in engine["reason"] or PIP in engine["reason"]


@needs_compiled
def test_both_engines_tell_the_same_story(call):
    told = []
    for engine in "numpy", "compiled":
        _, out, _ = call(*FIT, "--engine", engine, "--json")
        told.append(json.loads(out)["history"])
    for one, other in zip(*told, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
        assert one["accuracy"] == pytest.approx(other["accuracy"])


@pytest.mark.usefixtures("without_numba")
def test_without_numba_the_command_line_says_what_to_install(call):
    for arguments in (
        (*FIT, "--engine", "compiled"),
        ("fit", "no.csv", "--target", "y", "--engine", "compiled"),  # before any file is read
        ("info", "--machine", "--compile"),
    ):
        code, out, err = call(*arguments)
        assert code == USAGE
        assert out == ""
        assert PIP in err
        assert "numba" in err
    code, out, _ = call(*FIT, "--verbose")
    assert code == OK
    assert "engine: numpy (numba is not installed" in " ".join(out.split())


@pytest.mark.usefixtures("without_numba")
def test_a_machine_without_numba(call, monkeypatch):
    monkeypatch.setattr(backend, "missing", missing)
    code, out, _ = call("info", "--machine")
    assert code == OK
    assert "compiled engine: not installed" in out
    assert PIP in " ".join(out.split())
    code, out, _ = call("info", "--machine", "--json")
    engines = json.loads(out)["engines"]
    assert engines["compiled"] == {"installed": False, "missing": ["numba"]}
    assert engines["numpy"] == {"installed": True, "missing": []}
    with pytest.raises(ImportError, match="handgrad\\[fast\\]"):
        machine.compile_engine()


def test_an_engine_that_is_none_is_refused(call, blobs):
    code, _, err = call(*FIT, "--engine", "fast")
    assert code == USAGE
    assert "auto" in err
    with pytest.raises(ValueError, match="engine"):
        MLPClassifier(engine="fast").fit(*blobs)


# -- the machine -------------------------------------------------------------------------------


@needs_compiled
def test_a_machine_is_described(call, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    code, out, _ = call("info", "--machine", "--json")
    assert code == OK
    told = json.loads(out)
    assert told["numpy"] == np.__version__
    assert told["threads"] == threads_given()
    assert told["engines"]["compiled"]["installed"]
    assert told["engines"]["compiled"]["compiled_for"] == []
    assert told["engines"]["compiled"]["vector_bits"] in (128, 256, 512)
    assert Path(told["engines"]["compiled"]["folder"]).parent == tmp_path / "cache"
    assert "handgrad info --machine --compile" in " ".join(told["advice"])
    assert not (tmp_path / "cache").exists(), "looking changes nothing"
    code, out, _ = call("info", "--machine")
    assert "compiled for nothing yet" in " ".join(out.split())
    assert "threads that handgrad may use" in out


@needs_compiled
def test_a_pinned_blas_is_told(call, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    _, out, _ = call("info", "--machine")
    assert "OPENBLAS_CORETYPE=Haswell" in out
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    assert "OPENBLAS_CORETYPE" not in machine.describe()["pins"]


@needs_compiled
def test_compiling_is_asked_for_and_done(call, monkeypatch):
    from handgrad.engines.compiled import engine as compiled

    asked = []
    monkeypatch.setattr(compiled, "load", lambda dtype: asked.append(dtype.name))
    code, _, _ = call("info", "--machine", "--compile")
    assert code == OK
    assert asked == ["float32", "float64"]


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


# -- where compiled code is kept ---------------------------------------------------------------


@pytest.fixture
def base(tmp_path, monkeypatch):
    """A folder for compiled code that nobody has used yet."""
    pytest.importorskip("numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "base"))
    return tmp_path / "base"


def test_the_folder_is_the_users_own(base):
    where = cache.folder(make=True)
    assert where.parent == base
    assert where.name.startswith("engine-")
    assert stat.S_IMODE(where.stat().st_mode) & 0o077 == 0
    assert cache.folder(make=True) == cache.folder() == where


def test_without_a_variable_it_lies_among_the_users_caches(monkeypatch, tmp_path):
    pytest.importorskip("platformdirs")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *names: str(tmp_path / names[0]))
    assert cache.folder().parent == tmp_path / "handgrad"


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702])
def test_a_folder_that_others_may_write_is_not_used(base, mode):
    where = cache.folder(make=True)
    where.chmod(mode)
    assert cache.folder() is None
    assert cache.folder(make=True) is None
    assert not cache.is_warm("float32")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners")
def test_a_folder_of_somebody_else_is_not_used(base, monkeypatch):
    where = cache.folder(make=True)
    (where / "float32.compiled").touch()
    assert cache.is_warm("float32")
    owner = where.stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    assert cache.folder(make=True) is None
    assert not cache.is_warm("float32")
    cache.forget()
    assert (where / "float32.compiled").exists(), "what is not ours is left alone"


def test_a_folder_that_cannot_be_made_or_written(base, monkeypatch):
    base.write_text("a file is in the way")
    assert cache.folder(make=True) is None
    base.unlink()
    where = cache.folder(make=True)
    monkeypatch.setattr(os, "access", lambda *a, **k: False)
    assert cache.folder(make=True) is None
    cache.mark_warm("float32")
    assert list(where.iterdir()) == []


@needs_compiled
@needs_compiled
@pytest.mark.parametrize("way", ["a file is in the way", "others may write", "nothing fits"])
def test_a_cache_that_cannot_be_written_is_told_of_before_compiling(
    call, base, monkeypatch, capsys, way
):
    from handgrad.engines.compiled.engine import _announce

    if way == "a file is in the way":
        base.write_text(way)
    elif way == "others may write":
        cache.folder(make=True).chmod(0o777)
    else:
        full = OSError(28, "No space left on device")
        monkeypatch.setattr(cache.tempfile, "TemporaryFile", lambda **k: raise_it(full))
        with cache.numba_cache() as keeps:
            assert not keeps
    assert not cache.can_be_kept()
    _announce(np.dtype("float64"))
    told = capsys.readouterr().err
    assert "once on this machine" not in told
    assert "every process compiles anew" in told
    assert "set NUMBA_CACHE_DIR" in told
    if way != "nothing fits":  # which looking, that changes nothing, cannot know
        code, out, _ = call("info", "--machine")
        assert code == OK
        assert "--compile" not in out
        assert "every process compiles anew" in " ".join(out.split())


def raise_it(error):
    raise error


@needs_compiled
def test_a_cache_that_can_be_written_is_filled_once(base, capsys):
    from handgrad.engines.compiled.engine import _announce

    _announce(np.dtype("float64"))
    told = capsys.readouterr().err
    assert "once on this machine" in told
    assert "NUMBA_CACHE_DIR" not in told


def test_without_a_folder_numba_keeps_nothing(base):
    from numba.core import config

    before = config.CACHE_DIR
    with cache.numba_cache() as keeps:
        assert keeps
        assert str(cache.folder()) == config.CACHE_DIR
    assert before == config.CACHE_DIR
    cache.folder().chmod(0o777)
    with cache.numba_cache() as keeps:
        assert not keeps
        assert before == config.CACHE_DIR
    assert machine.describe()["engines"]["compiled"]["folder"] is None
    assert "NUMBA_CACHE_DIR" in " ".join(machine.describe()["advice"])


def test_what_nobody_has_used_for_long_is_removed(base):
    def kept_since(name, days, mark="float32.compiled"):
        path = base / name
        path.mkdir(parents=True)
        (path / mark).touch()
        os.utime(path / mark, (time.time() - 86_400 * days,) * 2)
        return path

    old = kept_since("engine-0123456789abcdef", 91)
    young = kept_since("engine-fedcba9876543210", 89)
    foreign = kept_since("engine-of-a-train", 1000, "driver.txt")
    here = cache.folder(make=True)
    cache.mark_warm("float32")
    assert not old.exists()
    assert young.exists()
    assert foreign.exists(), "without a mark it is not ours"
    os.utime(here / "float32.compiled", (0, 0))
    cache.mark_warm("float32")
    assert cache.is_warm("float32"), "what is used counts as new"


def test_a_mark_tells_what_has_been_compiled(base):
    assert not cache.is_warm("float32")
    cache.folder(make=True)
    cache.mark_warm("float32")
    assert cache.is_warm("float32")
    assert not cache.is_warm("float64")
    cache.forget()
    assert not cache.is_warm("float32")
    assert not cache.folder().exists()
    cache.forget()  # also where there is nothing


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """The digest of a copy of the kernels, which may be changed."""
    pytest.importorskip("numba")
    copies = tmp_path / "compiled"
    copies.mkdir()
    for name in cache.SOURCES:
        shutil.copy2(Path(cache.__file__).parent / "compiled" / name, copies)
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "cache.py"))
    return copies, cache._digest.__wrapped__


def test_other_source_has_another_digest(digest):
    copies, compute = digest
    seen = {compute()}
    assert seen == {compute()}
    for number, name in enumerate(cache.SOURCES, start=2):
        before = (copies / name).stat()
        (copies / name).write_text((copies / name).read_text().replace("e", "E", 1))
        os.utime(copies / name, ns=(before.st_atime_ns, before.st_mtime_ns))
        seen.add(compute())
        assert len(seen) == number


def test_every_file_that_is_compiled_counts():
    """All that imports numba, but for what only calls."""
    folder = Path(cache.__file__).parent / "compiled"
    compiled = {path.name for path in folder.glob("*.py") if "@intrinsic" in path.read_text()}
    for maker in "njit(", "cfunc(":
        compiled |= {path.name for path in folder.glob("*.py") if maker in path.read_text()}
    assert compiled == set(cache.SOURCES)


def test_other_versions_have_another_digest(digest, monkeypatch):
    _, compute = digest
    seen = {compute()}
    monkeypatch.setattr(cache, "version", lambda package: f"1.{package}")
    seen.add(compute())
    monkeypatch.setattr(sys, "version", "4.0")
    seen.add(compute())
    assert len(seen) == 3


def test_a_reinstallation_is_not_taken_for_what_was_compiled(digest):
    """Numba checks when a source changed; the digest must, or "warm" would be a lie."""
    copies, compute = digest
    before = compute()
    os.utime(copies / "epoch.py", ns=(1, 1))
    assert compute() != before


COMPILED_FIT = (
    *WORK,
    "model = MLPClassifier(engine='compiled', dtype='float64', max_iter=2, random_state=0)",
    "print(model.fit(X, y).engine_, model.predict_proba(X).sum().round(6))",
)


@needs_compiled
def test_a_second_process_does_not_compile():
    from handgrad.engines.compiled.engine import load

    load(np.dtype("float64"))
    assert cache.is_warm("float64")
    out, err = python(
        "import numba.core.caching as caching",
        "def save(*arguments): raise AssertionError('compiled again')",
        "caching.Cache.save_overload = save",
        *COMPILED_FIT,
    )
    assert out == "compiled 60.0\n"
    assert err == ""


@needs_compiled
def test_a_damaged_cache_is_done_without(tmp_path):
    """Empty, torn and alien files: the next process compiles anew."""
    from handgrad.engines.compiled.engine import load

    load(np.dtype("float64"))
    kept = cache.folder()
    if kept is None or not cache.is_warm("float64"):
        pytest.skip("no code is kept on this machine")
    where = tmp_path / kept.name
    shutil.copytree(kept, where)
    files = sorted(where.rglob("*.nb*"))
    assert files
    for number, path in enumerate(files):
        content = path.read_bytes()
        path.write_bytes([b"", content[: len(content) // 2], b"x" * len(content)][number % 3])
    out, _ = python(*COMPILED_FIT, NUMBA_CACHE_DIR=str(tmp_path))
    assert out == "compiled 60.0\n"
