"""The planted faults of the drill (tests/mutants.py), a file for each area of the package."""

from typing import NamedTuple


class Fault(NamedTuple):
    """A text of the package that is put in place of the right one, and who must notice it."""

    file: str  # in src/handgrad
    right: str
    wrong: str
    name: str
    tests: str  # test files without test_ and .py, in order; "cli::test_separator" for one test
