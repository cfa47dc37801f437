"""Small dense neural networks whose every gradient is derived by hand.

``MLPClassifier`` is the estimator; ``read_table`` reads CSV and Parquet for it; the exceptions
say what went wrong. The derivation itself is ``handgrad.two_layer``.
"""

from typing import TYPE_CHECKING, Any

from handgrad.errors import DataError, DivergenceError, HandgradError, ModelFileError
from handgrad.table import read_table

if TYPE_CHECKING:
    from handgrad.estimators import MLPClassifier

__version__ = "0.1.0"
__all__ = [
    "DataError",
    "DivergenceError",
    "HandgradError",
    "MLPClassifier",
    "ModelFileError",
    "read_table",
]


def __getattr__(name: str) -> Any:
    # scikit-learn takes most of a second to import; only who asks for the estimator pays it.
    if name == "MLPClassifier":
        from handgrad.estimators import MLPClassifier

        return MLPClassifier
    raise AttributeError(f"module 'handgrad' has no attribute {name!r}")
