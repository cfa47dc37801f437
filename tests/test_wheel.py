"""What an installation makes: a wheel with the compiled engine, or one without, never a failure."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from handgrad.engines.compiled import library

pytest.importorskip("hatchling")
ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "src").rglob("*.js"))
ENGINE = "handgrad/engines/compiled"
NEEDED = ["pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"]
VARIABLES = "HANDGRAD_ENGINE", "HANDGRAD_TARGETS", "CC"

spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
hook = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hook)
can_compile = pytest.mark.skipif(
    bool(hook.obstacle()) or importlib.util.find_spec("numba") is None, reason="nothing compiles"
)


@pytest.fixture
def tree(tmp_path):
    """Copy the source tree, without a library but for one of other sources."""
    clone = tmp_path / "clone"
    shutil.copytree(
        ROOT / "src", clone / "src", ignore=shutil.ignore_patterns("__pycache__", "engine-*")
    )
    for name in NEEDED:
        shutil.copy(ROOT / name, clone / name)
    (clone / "src" / ENGINE / "engine-000000000000.so").write_text("of other sources")
    return clone


def make(tree, target="wheel", **environment):
    """Build as pip does, in this environment; give the file and what was said."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    out = tree.parent / "out"
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", out],
        cwd=tree,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr
    (made,) = out.iterdir()
    return made, built.stdout + built.stderr


def engines(wheel):
    return [name for name in zipfile.ZipFile(wheel).namelist() if "/engine-" in name]


def told_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/WHEEL"))
        return archive.read(name).decode()


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"HANDGRAD_ENGINE": "0"}, "HANDGRAD_ENGINE=0"),
        ({"CC": "no-such-compiler -O2"}, "there is no C compiler 'no-such-compiler'"),
        pytest.param(
            {"HANDGRAD_TARGETS": "no-such-processor"},
            "compiling it failed: a target must be one of x86-64-v2, x86-64-v3, x86-64-v4; got no-",
            marks=[
                can_compile,
                pytest.mark.skipif(platform.machine() != "x86_64", reason="not an x86-64"),
            ],
        ),
    ],
    ids=["left out", "no compiler", "a failing build"],
)
def test_where_the_engine_cannot_be_compiled_the_wheel_is_pure(tree, environment, reason):
    there = tree / "src" / ENGINE / library.name_of_library(sys.platform)
    there.write_text("of this machine, and not for all")
    wheel, said = make(tree, **environment)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert engines(wheel) == []
    assert f"handgrad without its compiled engine: {reason}" in " ".join(said.split())
    assert "Root-Is-Purelib: true" in told_of(wheel)
    scripts = [path.relative_to(ROOT / "src").as_posix() for path in SCRIPTS]
    assert set(scripts) <= set(zipfile.ZipFile(wheel).namelist())


FIRST_FIT = """
import sys
sys.modules["numba"] = sys.modules["llvmlite"] = None
import warnings
warnings.simplefilter("ignore")
from handgrad import MLPClassifier
from handgrad.engines.compiled import library
X = [[float(i % 7), float(i % 3)] for i in range(60)]
model = MLPClassifier(max_iter=3).fit(X, [i % 2 for i in range(60)])
print(model.engine_, len(model.predict(X)), library.level() == library.most(), library.path())
"""


@can_compile
def test_an_installation_compiles_the_engine_for_this_machine(tree, tmp_path):
    wheel, said = make(tree)
    assert "without its compiled engine" not in said
    tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert re.fullmatch(rf"handgrad-[\d.]+-py3-none-{tag}\.whl", wheel.name)
    name = library.name_of_library(sys.platform)
    assert engines(wheel) == [f"{ENGINE}/{name}"]
    assert "Root-Is-Purelib: false" in told_of(wheel)
    assert [path.name for path in (tree / "src" / ENGINE).glob("engine-*")] == [name]
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    environment.pop(library.LEVEL, None)
    ran = subprocess.run(
        [sys.executable, "-c", FIRST_FIT],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    path = tmp_path / "site" / ENGINE / name
    assert ran.stdout == f"compiled 60 True {path}\n", ran.stderr
    wheel.unlink()
    wheel, said = make(tree, CC="false")  # which compiles nothing
    assert engines(wheel) == [f"{ENGINE}/{name}"], f"what is there is taken: {said}"


HIDING = """
import sys
sys.path[:] = [folder for folder in sys.path if not folder.endswith("/src")]
"""


@can_compile
@pytest.mark.skipif(platform.machine() != "x86_64", reason="not an x86-64")
def test_the_build_finds_its_sources_where_pip_hides_them(tree, tmp_path):
    """As it does with those of an editable installation, while it installs that anew."""
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    _, said = make(tree, HANDGRAD_TARGETS="no-such-processor", PYTHONPATH=str(tmp_path))
    assert "a target must be one of" in " ".join(said.split())  # found, and called


def test_a_source_distribution_holds_what_compiling_takes_and_no_library(tree):
    packed, _ = make(tree, "sdist")
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tree.parent / "unpacked", filter="data")
    compiled = {f"src/{ENGINE}/{name}" for name in library.SOURCES if not name.startswith("..")}
    assert compiled | {"hatch_build.py", "pyproject.toml", f"src/{ENGINE}/library.py"} <= names
    assert not [name for name in names if "/engine-" in name]
    (unpacked,) = (tree.parent / "unpacked").iterdir()
    packed.unlink()
    wheel, _ = make(unpacked, HANDGRAD_ENGINE="0")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{ENGINE}/level.c", f"{ENGINE}/doors.py", "handgrad/data/penguins.csv"} <= names


# -- what stands in the way of compiling -------------------------------------------------------


def asked():
    return hook.CustomBuildHook.dependencies(None)


@pytest.fixture
def able(monkeypatch):
    """Be on a machine where nothing does."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    cpython = SimpleNamespace(name="cpython")
    system = SimpleNamespace(
        platform="linux", version_info=(*hook.NEWEST, 0), implementation=cpython
    )
    monkeypatch.setattr(hook, "sys", system)
    monkeypatch.setattr(hook, "sysconfig", SimpleNamespace(get_config_var=lambda name: None))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(hook, "is_there", lambda: False)
    assert hook.obstacle() == ""
    assert any(need.startswith("numba") for need in asked())


@pytest.mark.usefixtures("able")
@pytest.mark.parametrize(
    ("owner", "name", "value", "words"),
    [
        ("sys", "platform", "win32", "not tried on"),
        ("sys", "version_info", (hook.NEWEST[0], hook.NEWEST[1] + 1, 0), "numba is not for"),
        ("sys", "implementation", SimpleNamespace(name="pypy"), "numba is not for"),
        ("platform", "machine", lambda: "riscv64", "not tried on"),
        ("platform", "libc_ver", lambda: ("", ""), "not tried on"),
        ("sysconfig", "get_config_var", lambda name: 1, "global lock"),
    ],
    ids=["system", "version", "Python", "processor", "C library", "free threading"],
)
def test_numba_is_asked_for_only_where_it_can_compile(monkeypatch, owner, name, value, words):
    """An installation fails where pip finds no numba."""
    monkeypatch.setattr(getattr(hook, owner), name, value)
    assert words in hook.obstacle()
    assert asked() == []


@pytest.mark.usefixtures("able")
@pytest.mark.parametrize("value", ["", " ", "clang", "ccache gcc -O2"])
def test_the_compiler_is_the_one_that_a_variable_names(monkeypatch, value):
    looked_for = []
    monkeypatch.setattr(shutil, "which", lambda name: looked_for.append(name) or name)
    monkeypatch.setenv("CC", value)
    assert hook.obstacle() == ""
    assert looked_for == value.split()[:1]  # without one there is ziglang
    assert not any(need.startswith("ziglang") for need in asked())


@pytest.mark.usefixtures("able")
def test_a_compiler_is_fetched_only_where_there_is_none(monkeypatch):
    for there in ("cc", "gcc", "clang"):
        monkeypatch.setattr(shutil, "which", lambda name, there=there: name == there or None)
        assert not any(need.startswith("ziglang") for need in asked())
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert [need for need in asked() if need.startswith("ziglang")] == ["ziglang"]
    monkeypatch.setenv("CC", "cc")  # who names one wants that one
    assert hook.obstacle() == "there is no C compiler 'cc'"
    assert asked() == []


@pytest.mark.usefixtures("able")
def test_nothing_is_fetched_where_the_engine_is_there(monkeypatch):
    monkeypatch.setattr(hook, "is_there", lambda: True)
    assert asked() == []
    monkeypatch.setenv("HANDGRAD_TARGETS", "x86-64-v2")  # may be another one
    assert any(need.startswith("numba") for need in asked())


@pytest.mark.skipif(bool(library.missing()), reason="no library is there")
def test_the_engine_is_there_if_it_is_of_these_sources_and_for_this_machine(monkeypatch):
    monkeypatch.setenv(library.LEVEL, "nonsense")
    assert hook.is_there() == (library.level() == library.most())
    elsewhere = SimpleNamespace(LEVEL=library.LEVEL, is_for_here=lambda: False)
    monkeypatch.setattr(hook, "library", lambda: elsewhere)
    assert not hook.is_there()


ZIG = """
import os, subprocess, sys
assert sys.argv[1] == "cc"
os.environ["PATH"] = {path!r}
sys.exit(subprocess.call(["cc", *sys.argv[2:]]))
"""


@can_compile
def test_the_compiler_of_ziglang_links_where_there_is_no_other(tree, tmp_path):
    (tmp_path / "ziglang").mkdir()
    (tmp_path / "ziglang" / "__main__.py").write_text(ZIG.format(path=os.environ["PATH"]))
    (tmp_path / "empty").mkdir()
    hidden = {"PATH": str(tmp_path / "empty"), "PYTHONPATH": str(tmp_path)}
    wheel, said = make(tree, **hidden)
    assert engines(wheel) == [f"{ENGINE}/{library.name_of_library(sys.platform)}"], said
