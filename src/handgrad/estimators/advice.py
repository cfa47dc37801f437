"""What errors and warnings advise: nothing but what the estimator at work has."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from handgrad.errors import DataError, DivergenceError

AFTER_DIVERGENCE = "Look for extreme numbers in y and sample_weight."


def ways(estimator: Any, *known: tuple[str, str]) -> str:
    """Join the ways to mend something: those for which the estimator has what they take.

    Parameters
    ----------
    estimator : estimator of scikit-learn
    *known : (str, str)
        Words, and the parameter or method that they take; "" where they take none.

    Returns
    -------
    str
        "lower the learning rate, clip gradients, or scale the inputs"; "" where there is no way.
    """
    *first, last = [words for words, name in known if not name or has(estimator, name)] or [""]
    return f"{', '.join(first)}, or {last}" if first else last


def has(estimator: Any, name: str) -> bool:
    """Tell whether an estimator has a parameter, or its class a method, of this name."""
    return name in estimator.get_params(deep=False) or callable(
        getattr(type(estimator), name, None)
    )


@contextmanager
def advising(estimator: Any) -> Iterator[None]:
    """Keep of the advice of errors only what the estimator has.

    Raises
    ------
    DataError, DivergenceError
        As they came, with the advice mended.
    """
    try:
        yield
    except DataError as error:
        error.keep(lambda name: has(estimator, name))
        raise
    except DivergenceError as error:
        error.args = (f"{error.what} {AFTER_DIVERGENCE}",)
        raise
