"""The library of the compiled engine: which one is taken, which level runs, what it computes."""

import ast
import ctypes
import inspect
import json
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import compiled_cases
from common import needs_compiled
from handgrad.batch import Rows
from handgrad.engines import machine
from handgrad.engines.choice import choose, require
from handgrad.engines.compiled import build, library
from handgrad.network import Architecture
from handgrad.optim import SGD, Steps

PACKAGE = Path(library.__file__).parents[2]
BUILD = "handgrad.engines.compiled.build"
DATA = 3

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
needs_nm = pytest.mark.skipif(shutil.which("nm") is None, reason="there is no nm")


def run(*command, **environment):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **environment}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=300, env=environment
    )


# -- what is in it -----------------------------------------------------------------------------


def symbols(path, *options):
    listed = subprocess.run(["nm", "-D", *options, path], capture_output=True, text=True)
    return {line.split()[-1] for line in listed.stdout.splitlines()}


@needs_nm
@needs_compiled
def test_it_exports_our_doors_and_asks_for_three_functions_of_any_c_library():
    exported = symbols(library.path(), "--defined-only")
    doors = {
        f"handgrad_{name}_{precision}_{library._suffix()}"
        for name in library.ARGUMENTS
        for precision in build.PRECISIONS
    }
    assert doors | {"handgrad_level"} <= exported
    assert all(name.startswith("handgrad_") for name in exported)
    wanted = symbols(library.path(), "--undefined-only")
    assert wanted <= {"memcpy", "memset", "sched_yield"}, "unversioned, too"


@pytest.mark.skipif(shutil.which("readelf") is None, reason="there is no readelf")
@needs_compiled
def test_it_needs_no_other_library():
    command = ["readelf", "--dynamic", "--program-headers", "--wide", library.path()]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "NEEDED" not in told
    (stack,) = (line for line in told.splitlines() if "GNU_STACK" in line)
    assert "RWE" not in stack, "newer systems refuse a library whose stack can be run"


@needs_compiled
def test_a_door_takes_as_many_arguments_as_are_passed():
    """Nothing else checks them: a wrong number would be a crash."""
    types = pytest.importorskip("numba.core.types")
    from handgrad.engines.compiled import doors

    for element in types.float32, types.float64:
        signatures = doors.signatures(element)
        assert {door.__name__ for door in signatures} == set(library.ARGUMENTS)
        for door, signature in signatures.items():
            n = library.ARGUMENTS[door.__name__]
            assert n == len(signature.args) == len(inspect.signature(door).parameters)
            assert len(library.door(door.__name__, str(element)).argtypes) == n
            for kind in signature.args:
                assert kind == types.int64 or isinstance(kind, types.CPointer)


# -- without a compiler ------------------------------------------------------------------------

BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('numba', 'llvmlite'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
sys.meta_path.insert(0, Blocked())
"""


@needs_compiled
def test_it_fits_and_predicts_where_numba_cannot_be_imported():
    lines = """
from handgrad import MLPClassifier
X = [[float(i % 7), float(i % 3)] for i in range(60)]
model = MLPClassifier(engine='compiled', max_iter=3, tol=0, early_stopping=False)
import warnings
warnings.simplefilter('ignore')
model.fit(X, [i % 2 for i in range(60)])
print(model.engine_, model.predict_proba(X).shape)
print([name for name in sys.modules if name.startswith(('numba', 'llvmlite'))])
"""
    ran = run("-c", BLOCKED + lines)
    assert ran.stdout == "compiled (60, 2)\n[]\n", ran.stderr


@needs_compiled
def test_loading_imports_nothing():
    lines = """
import sys
from handgrad.engines.compiled import engine, library
before = set(sys.modules)
assert library.door('run', 'float32') and library.door('predict', 'float64')
print(set(sys.modules) - before)
"""
    assert run("-c", lines).stdout == "set()\n"


# -- which library is taken --------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path, monkeypatch, other_library):
    """A folder with copies of the sources, and a library made of them."""
    folder = tmp_path / "handgrad" / "engines" / "compiled"
    folder.mkdir(parents=True)
    for name in library.SOURCES:
        shutil.copy(library.FOLDER / name, folder / name)
    if library.path() is not None:
        shutil.copy(library.path(), folder)
    else:
        (folder / library.name_of_library(sys.platform)).touch()
    monkeypatch.setattr(library, "FOLDER", folder)
    library.path.cache_clear()
    library.missing.cache_clear()
    return folder


def test_a_library_of_the_same_sources_is_taken(elsewhere):
    assert library.path().parent == elsewhere


@pytest.mark.parametrize("name", library.SOURCES)
def test_a_library_of_other_sources_is_as_good_as_none(elsewhere, name):
    source = (elsewhere / name).read_bytes()
    (elsewhere / name).write_bytes(source.replace(b"e", b"E", 1))
    assert library.path() is None
    rows = Rows(np.zeros((5, 2)), np.zeros(5, int))
    chosen = choose("auto", Architecture((2, 3)), rows, Steps(SGD(), 5))
    assert chosen.name == "numpy"
    assert "sources have changed" in chosen.reason
    with pytest.raises(ImportError, match=f"compile again: python -m {BUILD}"):
        require("compiled")


def test_the_name_tells_the_system():
    ends = {name: library.name_of_library(name) for name in ("linux", "darwin", "win32")}
    assert [name.rpartition(".")[2] for name in ends.values()] == ["so", "dylib", "dll"]


def test_every_file_that_is_compiled_counts():
    """What the kernels import is compiled into them."""
    for name in library.SOURCES:
        if not name.endswith(".py") or name.startswith(".."):
            continue
        for node in ast.walk(ast.parse((library.FOLDER / name).read_text())):
            if not isinstance(node, ast.ImportFrom) or not node.module.startswith("handgrad"):
                continue
            of_package = node.module == "handgrad.engines.compiled"
            modules = [a.name for a in node.names] if of_package else [node.module]
            for module in modules:
                file = module.removeprefix("handgrad.engines.compiled.").split(".")[-1] + ".py"
                assert {file, f"../../{file}"} & {*library.SOURCES, "library.py"}, (name, module)


def test_without_its_sources_no_library_is_taken(elsewhere):
    (elsewhere / "vectors.py").unlink()
    assert library.path() is None
    assert library.missing() != ""


def test_a_library_that_cannot_be_loaded_is_told_of(elsewhere, call):
    library.path().write_bytes(b"no library")
    assert "cannot be loaded" in library.missing()
    assert machine.describe()["engines"]["compiled"]["installed"] is False
    code, out, _ = call("info", "--machine")
    assert code == 0
    assert "cannot be loaded" in " ".join(out.split())


# -- levels of x86-64 --------------------------------------------------------------------------


@pytest.fixture
def stub(tmp_path, monkeypatch, other_library):
    """Make a library whose doors do nothing but say their level, for a machine of any level."""

    def make(held, runs=None):
        doors = [f"int handgrad_run_float32_{name}(void) {{ return {n}; }}" for n, name in held]
        told = f"int handgrad_level(void) {{ return {runs}; }}"
        (tmp_path / "stub.c").write_text("\n".join([*doors, told]))
        made = tmp_path / "stub.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", made, tmp_path / "stub.c"], check=True)
        monkeypatch.setattr(library, "path", lambda: made)

    return make


V2, V3, V4, BASE = (2, "v2"), (3, "v3"), (4, "v4"), (0, "base")


@needs_cc
@pytest.mark.parametrize(
    ("held", "runs", "asked", "level"),
    [
        ([V2, V3, V4], 4, None, 4),
        ([V2, V3, V4], 4, "", 4),
        ([V2, V3, V4], 4, "4", 4),
        ([V2, V3, V4], 4, "3", 3),
        ([V2, V3, V4], 4, "2", 2),
        ([V2, V3, V4], 3, None, 3),
        ([V2, V3, V4], 3, "4", 3),
        ([V2, V3, V4], 2, "3", 2),
        ([V2, V4], 3, None, 2),
        ([V2, V4], 4, "3", 2),
        ([V3], 4, None, 3),
        ([BASE], 0, None, 0),
        ([BASE], 0, "3", 0),
    ],
)
def test_the_highest_level_that_is_held_and_allowed_runs(
    stub, monkeypatch, held, runs, asked, level
):
    stub(held, runs)
    if asked is not None:
        monkeypatch.setenv(library.LEVEL, asked)
    assert library.missing() == ""
    assert library.level() == level
    assert library.door("run", "float32")(*range(library.ARGUMENTS["run"])) == level
    assert library.vector_bytes() == {4: 64, 3: 32}.get(level, 16)


@needs_cc
@pytest.mark.parametrize(
    ("held", "runs", "asked", "words"),
    [
        (
            [V4],
            4,
            "3",
            "compiled for x86-64-v4, above HANDGRAD_LEVEL=3; unset HANDGRAD_LEVEL",
        ),
        ([V4, V3], 4, "2", "compiled for x86-64-v4 and x86-64-v3, above HANDGRAD_LEVEL=2"),
        ([V4], 3, None, "compiled for x86-64-v4, not for this processor; reinstall handgrad"),
        ([V4], 3, "2", "not for this processor"),
        ([V2], 0, None, "not for this processor"),
    ],
)
def test_a_level_that_the_machine_or_the_library_lacks_is_never_chosen(
    stub, monkeypatch, held, runs, asked, words
):
    stub(held, runs)
    monkeypatch.setenv(library.LEVEL, asked or "")
    assert words in library.missing()
    with pytest.raises(ImportError, match="engine 'compiled' is not available"):
        require("compiled")
    assert words in machine.describe()["advice"][-1]


@needs_compiled
@pytest.mark.parametrize("asked", ["1", "5", "v3", "x86-64-v3", "fast", " "])
def test_nonsense_for_a_level_is_refused_with_words(call, monkeypatch, other_library, asked):
    monkeypatch.setenv(library.LEVEL, asked)
    with pytest.raises(ValueError, match="HANDGRAD_LEVEL must be a level of x86-64: 2, 3 or 4"):
        library.level()
    code, _, err = call("info", "--machine")
    assert code == DATA
    assert f"got {asked!r}" in err


@needs_cc
def test_a_machine_that_could_run_a_higher_level_is_told(stub):
    stub([V3], 4)
    assert "this machine runs x86-64-v4" in machine.describe()["advice"][-1]
    assert library.AGAIN in machine.describe()["advice"][-1]


@needs_cc
def test_a_level_that_is_held_back_is_told(stub, monkeypatch):
    monkeypatch.setenv(library.LEVEL, "2")
    stub([V4, V3, V2], 3)
    told = machine.describe()
    assert told["engines"]["compiled"]["level"] == "x86-64-v2"
    assert told["engines"]["compiled"]["vector_bits"] == 128
    assert "unset HANDGRAD_LEVEL" in told["advice"][-1]


@needs_compiled
@pytest.mark.skipif(platform.machine() != "x86_64", reason="not an x86-64")
def test_the_library_knows_the_processor_as_llvm_does():
    vectors = pytest.importorskip("handgrad.engines.compiled.vectors")
    assert f"x86-64-v{library.most()}" == vectors.host()


# -- what it computes, and how it is made ------------------------------------------------------


def computed(precision, *path, **environment):
    ran = run(compiled_cases.__file__, precision, *path, **environment)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@needs_compiled
@pytest.mark.parametrize("precision", build.PRECISIONS)
def test_it_computes_what_numba_compiles_here_to_the_last_bit(precision):
    pytest.importorskip("numba")
    target = f"x86-64-v{library.level()}" if library.level() else platform.machine()
    jit = computed(precision, **build.for_target(target))
    assert jit == compiled_cases.results(precision)


@needs_cc
@needs_compiled
def test_a_build_gives_the_same_bytes_again_and_a_level_the_same_results(tmp_path):
    vectors = pytest.importorskip("handgrad.engines.compiled.vectors")
    lower = {"x86-64-v4": "x86-64-v3", "x86-64-v3": "x86-64-v2"}
    target = lower.get(vectors.host(), vectors.host())

    def compile_with(seed):
        made = tmp_path / f"{seed}.o"
        environment = {**build.for_target(target), "NUMBA_OPT": "0", "PYTHONHASHSEED": seed}
        ran = run(build.__file__, "--object", made, target, "float32", **environment)
        assert ran.returncode == 0, ran.stderr
        return made

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(compile_with, ["1", "2"])
    assert one.read_bytes() == other.read_bytes()
    build.link(tmp_path / "engine.so", [one])
    there, here = computed("float32", tmp_path / "engine.so"), compiled_cases.results("float32")
    for case, (loss, _) in here.items():
        assert there[case][0] == pytest.approx(loss, rel=1e-4), case
    is_lower = library.level() > 0 and target != f"x86-64-v{library.level()}"
    assert (there != here) == is_lower, "each level rounds in its own way"


@needs_compiled
@pytest.mark.parametrize("compiler", ["cc", "cc -O0", "g++", "clang", ""])
def test_any_compiler_of_c_links(tmp_path, monkeypatch, compiler):
    if shutil.which((compiler.split() or ["cc"])[0]) is None:
        pytest.skip(f"there is no {compiler}")
    monkeypatch.setenv("CC", compiler)
    made = tmp_path / "engine.so"
    made.write_text("the old one")
    with made.open() as old:
        build.link(made, [])
        assert old.read() == "the old one", "as who has it loaded needs"
    assert ctypes.CDLL(str(made)).handgrad_level() == library.most()


@needs_cc
def test_linking_that_fails_leaves_what_was_there(tmp_path, capfd):
    made = tmp_path / "engine-0.so"
    made.write_text("the old one")
    with pytest.raises(subprocess.CalledProcessError):
        build.link(made, [tmp_path / "no.o"])
    assert [path.name for path in tmp_path.iterdir()] == ["engine-0.so"]
    assert made.read_text() == "the old one"
    assert "no.o" in capfd.readouterr().err


@needs_compiled
def test_what_is_there_is_not_compiled_again(monkeypatch, other_library):
    monkeypatch.setattr(build, "build", None)
    if library.level() == library.most():
        build.main([])


def test_building_without_numba_says_what_helps(monkeypatch, without_library):
    monkeypatch.setattr(build, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install numba"):
        build.main([])


@pytest.mark.skipif(platform.machine() != "x86_64", reason="not an x86-64")
def test_a_target_that_is_none_is_refused_with_words():
    pytest.importorskip("numba")
    with pytest.raises(SystemExit, match="x86-64-v2, x86-64-v3, x86-64-v4; got x86-64-v3 fast"):
        build.main(["x86-64-v3", "fast"])


def test_what_is_stale_is_removed_once_the_new_one_is_there(elsewhere, monkeypatch):
    pytest.importorskip("numba")
    asked = []
    monkeypatch.setattr(build, "build", lambda out, targets: asked.append((out, targets)))
    (elsewhere / "engine-000000000000.so").touch()
    build.main(["x86-64-v2", "x86-64-v3", "x86-64-v2"])
    assert asked == [(library.path(), ["x86-64-v2", "x86-64-v3"])]
    assert list(elsewhere.glob("engine-*")) == [library.path()]
