"""The parameters of an estimator that go with its model into a file, for whoever trains on."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.errors import warn

if TYPE_CHECKING:
    from handgrad.estimators.state import Fit

# What is of this machine, of this process, or told by the columns' plan in the file.
OF_NO_MODEL = (
    "engine",
    "n_jobs",
    "verbose",
    "on_epoch",
    "checkpoint",
    "checkpoint_every",
    "resume",
    "comm",
    "kinds",
)
LOST = "not_kept"  # under this name stand those that cannot be written
LONGEST = 1000  # parts of a parameter
INFINITE = "inf"  # JSON has no word for it


def to_settings(estimator: Any, shown: Collection[str]) -> dict[str, Any]:
    """Write down the parameters that differ from their defaults and that the model does not show.

    Functions, generators, arrays and mappings cannot be written; their names are.
    """
    defaults = type(estimator)().get_params(deep=False)
    given = estimator.get_params(deep=False)
    named = [name for name in given if name not in shown and name not in OF_NO_MODEL]
    changed = [name for name in named if not _is_same(given[name], defaults[name])]
    values = {name: _plain(given[name]) for name in changed}
    kept = {name: value for name, value in values.items() if value is not NotImplemented}
    lost = sorted(set(values) - set(kept))
    return kept | ({LOST: lost} if lost else {})


def from_settings(settings: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Read the parameters that an estimator knows; those of another kind are passed over."""
    names = [name for name in settings if name in known and name not in OF_NO_MODEL]
    return {name: _value(settings[name]) for name in names}


def warn_of_lost(fit: Fit | None) -> None:
    """Warn before the first training of an estimator whose file could not keep all parameters."""
    if fit is None or fit.runs:  # not loaded
        return
    if isinstance(lost := fit.model.settings.get(LOST), list):
        warn(
            f"the model file could not keep {', '.join(map(str, lost))}: set these anew "
            "(set_params), or their defaults are taken",
            UserWarning,
        )


def _is_same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and not isinstance(value, np.ndarray) and value == default


def _plain(value: Any) -> Any:
    """Make what JSON can hold; NotImplemented if there is no such thing."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return INFINITE if value == math.inf else NotImplemented
    if value == INFINITE:  # a text that would come back as a number
        return NotImplemented
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple) and len(value) <= LONGEST:
        parts = [_plain(one) for one in value]
        is_flat = not any(one is NotImplemented or isinstance(one, list) for one in parts)
        return parts if is_flat else NotImplemented
    return NotImplemented


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_value, value))
    return math.inf if value == INFINITE else value
