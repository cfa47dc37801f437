"""What an estimator takes the columns of a table for, and what it says of them."""

from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError

from handgrad.errors import DataError, DriftWarning, TableWarning, warn
from handgrad.estimators.advice import ways
from handgrad.estimators.checks import said_of_columns
from handgrad.tables.encode import Encoded
from handgrad.tables.levels import Frequency
from handgrad.tables.plan import Plan
from handgrad.tables.recognition import planning
from handgrad.tables.recognition.numbers import EXACT, LOST_DIGITS
from handgrad.tables.recognition.wishes import AS_DECLARED, Wishes
from handgrad.text import listed

MOST_TOLD = 20  # columns, in one warning


def plan_of(estimator: Any, table: Any, *, is_stream: bool) -> Plan:
    """Make the plan of a table's columns as the parameters say, or take the one they hold.

    Raises
    ------
    DataError
        If a plan is of other columns, or a column cannot be what it was declared.
    """
    if isinstance(estimator.kinds, Plan):
        if estimator.kinds.names != tuple(table.column_names):
            raise DataError(
                f"the plan is of the columns {listed(list(estimator.kinds.names))}, the table has "
                f"{listed(table.column_names)}; fit without kinds, or on the same columns"
            )
        return estimator.kinds
    plan = planning.plan_of(table, wishes_of(estimator, is_stream=is_stream))
    warn_of_plan(plan)
    return plan


def wishes_of(estimator: Any, *, is_stream: bool = False) -> Wishes:
    """Read off the parameters what the user knows better of the columns."""
    categorical = () if estimator.categorical_features is None else estimator.categorical_features
    kinds = dict.fromkeys(map(_name, categorical), "category")
    return Wishes(
        kinds | {_name(column): kind for column, kind in (estimator.kinds or {}).items()},
        missing_words(estimator.missing_values),
        estimator.decimal,
        estimator.thousands,
        is_stream,
    )


def _name(column: Any) -> Any:
    """Name a column by the text of its number, as a frame with numbers for names does here."""
    return str(column) if isinstance(column, Integral) else column


def check_says_nothing(estimator: Any) -> None:
    """Refuse what the user says of columns where these are numbers that nobody looks at.

    Raises
    ------
    DataError
        If a parameter says something.
    """
    if said := said_of_columns(estimator):
        frame = ways(estimator, (" with preprocess='auto'", "preprocess"))
        raise DataError(
            f"{listed(said)} is for a data frame{frame}; the columns of other rows "
            "are plain numbers. Pass pandas.DataFrame(X), and NaN where a number is missing"
        )


def missing_words(given: Any) -> dict[str | None, tuple[str, ...]]:
    """Turn missing_values into the texts of each column; those of None are of all.

    Raises
    ------
    InvalidParameterError
        If a value is neither a text nor a number.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {_name(column): _texts(values) for column, values in given.items()}
    return {None: _texts(given)}


def _texts(values: Any) -> tuple[str, ...]:
    several = (
        list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    )
    for value in several:
        if not isinstance(value, str | Real) or isinstance(value, bool):
            raise InvalidParameterError(
                "The 'missing_values' parameter must be a text, a number, a list of these or a "
                f"dict of column to these. Got {value!r} instead."
            )
    if not several:
        return ("",)  # empty cells alone are missing
    return tuple(v.strip() if isinstance(v, str) else f"{v:.17g}" for v in several)


def frequency_of(estimator: Any) -> Frequency:
    """Read off the parameters which levels become inputs of their own."""
    return Frequency(int(estimator.min_frequency), int(estimator.max_levels))


def warn_of_plan(plan: Plan) -> None:
    """Say which columns were left out, and where a reading is doubtful or words stand in numbers.

    Doubts about what columns mean, such as whether numbers are ids, are for who asks the plan,
    unless the numbers lose digits.
    """
    told = [
        f"{column.name!r} is left out: {column.why}"
        for column in plan
        if not column.is_used and column.why != AS_DECLARED
    ]
    told += [
        f"column {column.name!r}: {doubt}"
        for column in plan
        for doubt in column.doubts
        if column.reads.says_its_doubts or not column.notation.is_plain or doubt == LOST_DIGITS
    ]
    if told:
        more = f"; and {len(told) - MOST_TOLD:,} more" if len(told) > MOST_TOLD else ""
        told_of = "; ".join(told[:MOST_TOLD])
        warn(f"{told_of}{more}. See columns_, and kinds to have it otherwise.", TableWarning)


def warn_of_lost_digits(X: Any) -> None:
    """Warn of an array of whole numbers that a float64 does not hold."""
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "iu" or not X.size:
        return
    if max(-int(X.min()), int(X.max())) >= EXACT:
        example = X[(X >= EXACT) | (X <= -EXACT)][0]
        warn(f"X holds {example}: {LOST_DIGITS}", TableWarning)


def warn_of_drift(encoded: Encoded) -> None:
    """Warn of columns of which no cell is known: no accident, and hardly the table meant."""
    for unknown in encoded.unknown:
        if unknown.is_drift:
            warn(f"{unknown}: is it the same column?", DriftWarning)
