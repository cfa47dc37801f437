"""Functions that are compiled by themselves, once for each precision, and called by name.

What numba compiles is compiled again with each caller, and with each caller of that: for what
runs seldom, or long enough that a call costs nothing, seconds that nobody gets back.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba import cfunc
from numba.core import types
from numba.extending import overload

FUNCTIONS: list[tuple[Callable[..., Any], str]] = []
_loaded: list[Any] = []  # keeps the code in memory


def called_by_name(kinds: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make the decorator for a function whose arguments are of these kinds.

    p is a pointer to floats of the network's precision, k one to integers, i an integer, d a float.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        FUNCTIONS.append((function, kinds))

        def stub(*args: Any) -> None:
            raise NotImplementedError("only compiled code can call this")

        @overload(stub)
        def choose(*args: Any) -> Any:
            element = args[kinds.index("p")].dtype
            native = types.ExternalFunction(
                symbol_of(function, element), signature_of(kinds, element)
            )

            def call(*args: Any) -> None:
                native(*args)

            return call

        return stub

    return decorate


def load_called(element: types.Float) -> None:
    """Compile them for float32 or float64 in this process."""
    for function, kinds in FUNCTIONS:
        native = cfunc(signature_of(kinds, element), error_model="numpy")(function)
        _loaded.append(native)
        llvm.add_symbol(symbol_of(function, element), native.address)


def signature_of(kinds: str, element: types.Float) -> Any:
    of = {
        "p": types.CPointer(element),
        "k": types.CPointer(types.int64),
        "i": types.int64,
        "d": types.float64,
    }
    return types.void(*(of[kind] for kind in kinds))


def symbol_of(function: Callable[..., None], element: types.Float) -> str:
    return f"handgrad_{function.__name__}_{element}"
