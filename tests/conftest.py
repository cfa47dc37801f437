"""What tests share: a few fixtures, and how hypothesis draws.

It draws the same examples in every run. pytest --hypothesis-profile=explore draws new and more
of them; the fault drill (tests/mutants.py) uses a third profile, which reports a failure
without first making it small.
"""

import os
import signal

import numpy as np
import pytest
from hypothesis import Phase, settings

from browser import address, driver, page  # noqa: F401 -- fixtures
from handgrad.cli import run
from handgrad.engines.compiled import library
from handgrad.tables.table import read_table

# One of scikit-learn's checks asks for it, and SciPy looks once, when it is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# A shell tells what it starts in the background to ignore interrupts, which tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", max_examples=2000, deadline=None, database=None)
settings.register_profile(
    "drill", derandomize=True, deadline=None, database=None, phases=[Phase.generate]
)
settings.load_profile("ci")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def other_library(monkeypatch):
    """Forget which library of the compiled engine was found, now and afterwards."""
    monkeypatch.delenv(library.LEVEL, raising=False)
    known = [one for one in vars(library).values() if hasattr(one, "cache_clear")]
    for one in known:
        one.cache_clear()
    yield
    for one in known:
        one.cache_clear()


@pytest.fixture
def without_library(monkeypatch, tmp_path_factory, other_library):
    """Be where the compiled engine is not installed."""
    monkeypatch.setattr(library, "FOLDER", tmp_path_factory.mktemp("empty"))


@pytest.fixture
def read(tmp_path):
    """Read a table from a file of this content."""

    def read_content(content, name="table.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path, **options)

    return read_content


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run a command in a folder of its own, in this process; give exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call_with(*arguments):
        with pytest.raises(SystemExit) as left:
            run(list(map(str, arguments)))
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return left.value.code, out, err

    return call_with
