"""Nothing stands in the docs that a machine has not run."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from sklearn.exceptions import ConvergenceWarning

ROOT = Path(__file__).parent.parent
FOLDERS = (ROOT, ROOT / "docs", ROOT / "dev", ROOT / "examples")
PAGES = sorted(page for folder in FOLDERS for page in folder.glob("*.md"))
IN_BROWSERS = {"html", "javascript"}  # run by test_export_javascript.py
IMAGES = ROOT / "docs" / "images"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A block that runs, and what it prints if a block of text stands directly below it.
PROGRAM = re.compile(
    r"^```(python|sh)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")

# Targets of make that would run this very test, or the drill: make shows what it would do.
ONLY_SHOWN = {"make test", "make check", "make mutants", "make docs"}


def blocks(page):
    return FENCE.findall(page.read_text(encoding="utf-8"))


def with_blocks(*languages):
    return [page for page in PAGES if any(kind in languages for kind, _ in blocks(page))]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Stand in a folder that looks like a clone, in which a command may write."""
    folders = "src", "examples", "tests"
    files = "Makefile", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE"
    for name in (*folders, *files):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_of_a_kind_that_is_run_or_read(page):
    assert {kind for kind, _ in blocks(page)} <= {"python", "sh", "text", "math", *IN_BROWSERS}


@pytest.mark.parametrize("page", with_blocks("python", "sh"), ids=lambda page: page.name)
def test_the_code_of_a_page_runs_and_prints_what_is_shown(page, clone, call):
    text, namespace = page.read_text(encoding="utf-8"), {"__name__": "page"}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ConvergenceWarning)
        for kind, code, shown in PROGRAM.findall(text):
            printed = run_python(code, namespace) if kind == "python" else run_commands(code, call)
            if shown:
                assert_agree(shown, printed)
    for warning in told:  # it is no error if the page speaks of it
        assert str(warning.message) in " ".join(text.split())
    for name in re.findall(rf"\]\(images/{page.stem}_(\w+\.png)\)", text):
        assert (clone / name).stat().st_size > 5000, "the page must draw the picture that it shows"


def run_python(code, namespace):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, code, "exec"), namespace)
    return printed.getvalue()


def run_commands(lines, call):
    """Run them all; the command line, which takes a second to start, in this process."""
    printed = ""
    for line in lines.splitlines():
        command = runnable(line)
        if command[1:3] == ["-m", "handgrad"]:
            code, out, err = call(*command[3:])
        else:
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            code, out, err = run.returncode, run.stdout, run.stderr
        assert code == 0, f"{line}\n{out}\n{err}"
        assert "Traceback" not in err
        printed += out
    return printed


def assert_agree(shown, printed):
    """Hold words to what they are, numbers to one per cent; three dots leave out a line's end."""
    for ours, theirs in zip(shown.splitlines(), printed.strip("\n").splitlines(), strict=True):
        if ours.endswith("..."):
            assert theirs.startswith(ours[:-3])
        else:
            assert words(ours) == words(theirs)
            assert numbers(ours) == pytest.approx(numbers(theirs), rel=0.01)


def words(line):
    return NUMBER.sub("number", line).split()


def numbers(line):
    return [float(number.replace(",", "")) for number in NUMBER.findall(line)]


def runnable(line):
    """Turn a line of the docs into what runs here: this environment instead of a new one."""
    environment = [f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.demo"]
    if line in ONLY_SHOWN:
        return [*shlex.split(line), "--dry-run"]
    if line == "make demo":
        return ["make", "demo", *environment]
    if line == 'pip install ".[plot]"':
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


def shown_pictures():
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    return {name for text in texts for name in re.findall(r"\]\([\w/]*images/(\w+\.png)\)", text)}


def test_every_picture_is_small_and_made_by_a_script():
    made = (ROOT / "docs" / "pictures.py").read_text(encoding="utf-8")
    assert shown_pictures() == {path.name for path in IMAGES.iterdir()}
    for name in shown_pictures():
        assert (IMAGES / name).stat().st_size < 200_000
        assert f'"{name}"' in made


@pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="chromium and chromedriver are not installed (Debian: chromium, chromium-driver)",
)
def test_the_script_makes_pictures(tmp_path):
    script = [sys.executable, ROOT / "docs" / "pictures.py", "--into", tmp_path]
    names = ["explain.png", "confusion_matrix.png"]  # a screenshot, and what the demo draws
    subprocess.run([*script, *names], check=True, capture_output=True)
    for name in names:
        assert (tmp_path / name).stat().st_size > 10_000


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
    for target in ("demo", "engine", "test", "check", "mutants", "drills", "fuzz", "docs", "clean"):
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)
