"""The drills strike, count and tell: a promise that breaks ends with 1."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from handgrad.errors import DataError
from handgrad.models.file import from_bytes
from handgrad.tables.table import read

ROOT = Path(__file__).parent.parent
DRILLS = ROOT / "drills"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the drills need Linux")


def drills(*arguments):
    command = [sys.executable, str(DRILLS), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def part(monkeypatch):
    """Load a file of the drills by name, as their programs do."""
    monkeypatch.syspath_prepend(DRILLS)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if (DRILLS / f"{name}.py").exists():
            del sys.modules[name]


def struck(part, name, tmp_path, count):
    tally = part("house").Tally(count, 60)
    told = part(name).drill(tally, tmp_path)
    return tally, told


def test_a_drill_prints_its_line_and_ends_with_0():
    run = drills("gradients", "--count", "4")
    assert run.returncode == 0, run.stderr
    assert re.fullmatch(r"gradients \| 4 random networks, .*e-1\d \| 0\n", run.stdout)


def test_a_drill_that_is_not_there_is_named():
    run = drills("no-such")
    assert run.returncode == 2
    assert "no_such" in run.stderr


def test_every_drill_is_promised_and_every_command_is_there():
    page = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    told = drills("--help").stdout
    named = set(re.findall(r"python drills ([a-z-]+)", page))
    there = {path.stem for path in DRILLS.glob("*.py") if "def drill(" in path.read_text()}
    assert {name.replace("-", "_") for name in named} == there
    assert all(re.search(rf"^  {name} ", told, re.MULTILINE) for name in there)
    for tests in re.findall(r"`pytest ([^`]+)`", page):
        assert all((ROOT / path).exists() for path in tests.split())
    for program in re.findall(r"`python (benchmarks/\w+\.py)", page):
        assert (ROOT / program).exists()


def test_a_wrong_gradient_is_a_failure(part, tmp_path, monkeypatch):
    from handgrad import gradcheck

    right = gradcheck.backward
    monkeypatch.setattr(gradcheck, "backward", lambda *given: doubled(right(*given)))
    tally, _ = struck(part, "gradients", tmp_path, 3)
    assert len(tally.failures) == 3


def doubled(gradients):
    gradients.flat[...] *= 2
    return gradients


def test_a_failing_disk_leaves_the_old_file_or_the_new(part, tmp_path):
    tally, told = struck(part, "failing_disk", tmp_path, 400)
    assert tally.failures == []
    assert "fsync" in told
    assert "replace" in told


def test_a_save_that_writes_in_place_is_a_failure(part, tmp_path, monkeypatch):
    from handgrad import atomic_file
    from handgrad.models import file as model_file

    def in_place(path, content):
        descriptor = atomic_file.os.open(path, 0o101)
        atomic_file.os.write(descriptor, content[:900])
        atomic_file.os.write(descriptor, content[900:])
        atomic_file.os.close(descriptor)

    monkeypatch.setattr(model_file, "write_atomically", in_place)
    tally, _ = struck(part, "failing_disk", tmp_path, 40)
    assert any("neither" in what for what in tally.failures)


def test_files_without_a_fitting_checksum_are_refused(part, tmp_path):
    tally, told = struck(part, "damage", tmp_path, 200)
    assert tally.failures == []
    assert told.startswith("200 files without")


def test_what_the_damage_makes_is_signed(part, tmp_path):
    damage, signing = part("damage"), part("signing")
    from handgrad.models.file import to_bytes

    for name, model in damage.models(tmp_path).items():
        content = to_bytes(model)
        assert damage.outcome(content) == "sound", name
        assert damage.outcome(signing.signed(*signing.parts_of(content))) == "sound", name


def test_every_seed_of_the_fuzzer_is_read(part, tmp_path):
    fuzz = part("fuzz")
    for name, target in fuzz.TARGETS.items():
        folder = tmp_path / name
        folder.mkdir()
        seeds = fuzz.seeds_of(name, folder)
        for seed in seeds.iterdir():
            target(seed.read_bytes())
            if name == "model":
                from_bytes(fuzz.model_file_of(seed.read_bytes()))
            else:
                assert read(seed).num_rows > 0
        assert fuzz.words_of(seeds, folder).read_bytes().count(b"\n") > 20


def test_the_fuzzer_lets_only_our_error_pass(part, monkeypatch):
    fuzz = part("fuzz")
    fuzz.read_table(b"a,b\n1\n")
    fuzz.read_model(b"{}\0{}\0")
    from handgrad.tables import table

    def raising(error):
        def broken(*given):
            raise error

        return broken

    monkeypatch.setattr(table, "read", raising(DataError("no table")))
    fuzz.read_table(b"a\n1\n")
    monkeypatch.setattr(table, "read", raising(KeyError("a")))
    with pytest.raises(KeyError):
        fuzz.read_table(b"a\n1\n")


def test_models_in_other_languages_are_compared_with_the_library(part, tmp_path):
    if not shutil.which("gcc"):
        pytest.skip("there is no gcc")
    tally, told = struck(part, "travel", tmp_path, 1)
    assert not tally.failures
    forms = ("python", "javascript", "onnx", "c")
    assert re.match("1 models; " + "; ".join(rf"{form}: .*e-\d\d.*" for form in forms), told)
