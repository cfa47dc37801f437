"""The steps of an activation, found by passing a symbol through its own function of NumPy.

So every language in which a model is written computes what activations.py computes, and none of
them holds a list of activations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

INPUT = -1  # the place of what comes in


class Number(NamedTuple):
    """A constant."""

    value: float


class Step(NamedTuple):
    """One operation on numbers."""

    name: str  # as NumPy or SciPy calls it: add, where, exp, erfc, ...
    operands: tuple[int | Number, ...]  # the place of an earlier step, INPUT, or a constant


class Formula(NamedTuple):
    """An activation as operations, one behind the other."""

    steps: tuple[Step, ...]
    result: int  # the place of the step that gives it, or INPUT


def traced(function: Callable[[Any], Any]) -> Formula:
    """Find the steps of a function of one array, each written once.

    Parameters
    ----------
    function : callable
        It uses operators, functions of NumPy that compute element by element, and ``np.where``.

    Raises
    ------
    TypeError
        If it uses anything else.
    """
    steps: dict[Step, int] = {}
    found = function(_Symbol(INPUT, steps))
    return Formula(tuple(steps), found.place)


def _operand(operand: Any) -> int | Number:
    if isinstance(operand, _Symbol):
        return operand.place
    if isinstance(operand, bool) or not isinstance(operand, int | float):
        raise TypeError(f"a traced function takes its array and numbers; got {operand!r}")
    return Number(float(operand))


class _Symbol(NDArrayOperatorsMixin):
    """A number that is not known yet."""

    def __init__(self, place: int, steps: dict[Step, int]) -> None:
        self.place, self.steps = place, steps

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **settings: Any) -> Any:
        if method != "__call__" or settings or ufunc.nout != 1:
            return NotImplemented
        return self._after(ufunc.__name__, operands)

    def __array_function__(self, function: Any, types: Any, operands: Any, settings: Any) -> Any:
        if function is not np.where or settings:
            return NotImplemented
        return self._after("where", operands)

    def _after(self, name: str, operands: Any) -> _Symbol:
        step = Step(name, tuple(map(_operand, operands)))
        return _Symbol(self.steps.setdefault(step, len(self.steps)), self.steps)
