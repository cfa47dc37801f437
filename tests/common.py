"""What tests import from each other; fixtures are in conftest.py."""

import pytest

from handgrad.engines.choice import missing_packages

needs_compiled = pytest.mark.skipif(bool(missing_packages()), reason="numba is not installed")
ENGINES = ["numpy", pytest.param("compiled", marks=needs_compiled)]
