"""Small dense neural networks whose every gradient is derived by hand.

``TabularClassifier`` and ``TabularRegressor`` are strong on tables without tuning,
``MLPClassifier`` and ``MLPRegressor`` the networks that you shape yourself. ``read_table`` reads
CSV, Parquet and other tables for them; the exceptions say what went wrong. The derivation itself is
``handgrad.two_layer``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from handgrad.errors import (
    DataError,
    DivergenceError,
    DivergenceWarning,
    DriftWarning,
    HandgradError,
    ModelFileError,
    TableWarning,
    VersionError,
)

if TYPE_CHECKING:
    from handgrad.estimators import (
        MLPClassifier,
        MLPRegressor,
        Parquet,
        TabularClassifier,
        TabularRegressor,
    )
    from handgrad.tables.table import read_table

__version__ = "0.1.0"
__all__ = [
    "DataError",
    "DivergenceError",
    "DivergenceWarning",
    "DriftWarning",
    "HandgradError",
    "MLPClassifier",
    "MLPRegressor",
    "ModelFileError",
    "Parquet",
    "TableWarning",
    "TabularClassifier",
    "TabularRegressor",
    "VersionError",
    "read_table",
]


# Imported when asked for: scikit-learn alone takes most of a second.
_LAZY = {
    "MLPClassifier": "handgrad.estimators",
    "MLPRegressor": "handgrad.estimators",
    "Parquet": "handgrad.estimators",
    "TabularClassifier": "handgrad.estimators",
    "TabularRegressor": "handgrad.estimators",
    "read_table": "handgrad.tables.table",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'handgrad' has no attribute {name!r}")
