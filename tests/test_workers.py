"""Workers: one training shared among processes, with the bits of one that does all the work."""

import pytest

pytestmark = [
    pytest.mark.filterwarnings("ignore::handgrad.errors.WorkersWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
