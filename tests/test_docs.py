"""Nothing stands in the docs that a machine has not run."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from handgrad.cli import main

ROOT = Path(__file__).parent.parent
FOLDERS = (ROOT, ROOT / "docs", ROOT / "dev", ROOT / "examples")
PAGES = sorted(page for folder in FOLDERS for page in folder.glob("*.md"))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Targets of make that would run this very test, or the drill: make shows what it would do.
ONLY_SHOWN = {"make test", "make check", "make mutants"}


def blocks(page):
    return FENCE.findall(page.read_text(encoding="utf-8"))


def with_blocks(language):
    return [page for page in PAGES if any(kind == language for kind, _ in blocks(page))]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Stand in a folder that looks like a clone, in which a command may write."""
    for name in ("src", "examples", "tests", "Makefile", "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_of_a_kind_that_is_run_or_read(page):
    assert {kind for kind, _ in blocks(page)} <= {"python", "sh", "text", "math"}


@pytest.mark.parametrize("page", with_blocks("python"), ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page, clone):
    code = "\n".join(block for kind, block in blocks(page) if kind == "python")
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, str(page), "exec"), {"__name__": "page"})


@pytest.mark.parametrize("page", with_blocks("sh"), ids=lambda page: page.name)
def test_the_commands_of_a_page_run(page, clone):
    for kind, block in blocks(page):
        for line in block.splitlines() if kind == "sh" else ():
            run = subprocess.run(runnable(line), capture_output=True, text=True, check=False)
            assert run.returncode == 0, f"{line}\n{run.stdout}\n{run.stderr}"
            assert "Traceback" not in run.stderr


def runnable(line):
    """Turn a line of the docs into what runs here: this environment instead of a new one."""
    environment = [f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.demo"]
    if line in ONLY_SHOWN:
        return [*shlex.split(line), "--dry-run"]
    if line == "make demo":
        return ["make", "demo", *environment]
    if line in ('pip install ".[plot]"', 'pip install ".[fast]"'):
        offline = ["--no-deps", "--no-build-isolation", "--no-index", "--target", "site"]
        return [sys.executable, "-m", "pip", "install", "--quiet", *offline, "."]
    program, *arguments = shlex.split(line)
    assert program in {"handgrad", "python"}, f"say in this test how to run: {line}"
    return [sys.executable, *(["-m", "handgrad"] if program == "handgrad" else []), *arguments]


def test_the_demo_writes_a_model_and_a_report(clone):
    subprocess.run(runnable("make demo"), capture_output=True, check=True)
    written = {path.name for path in (clone / "demo").iterdir()}
    assert {"penguins.safetensors", "learning_curve.png", "confusion_matrix.png"} < written
    assert "report.html" in written


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_guide_names_every_command_and_option():
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    for name, command in main.commands.items():
        assert f"handgrad {name}" in guide
        assert command.help
        for option in command.params:
            if isinstance(option, click.Option):
                assert any(form in guide for form in option.opts), f"{name} {option.opts}"


def test_the_tree_in_the_readme_is_the_tree():
    tree = (ROOT / "README.md").read_text(encoding="utf-8").split("## The house")[1]
    named = set(re.findall(r"^  (\w+\.py) ", tree, re.MULTILINE))
    there = {path.name for path in (ROOT / "src" / "handgrad").glob("*.py")}
    assert named == there - {"__init__.py", "__main__.py"}


def test_every_dependency_has_its_reason():
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in set(
        re.findall(r'^    "([a-z-]+)[">\[]', text.split("[project.scripts]")[0], re.MULTILINE)
    ):
        assert name == "handgrad" or re.search(rf"\| {name} \| \S", reasons), name


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_knows_its_targets():
    for target in ("demo", "test", "check", "mutants", "clean"):
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)
