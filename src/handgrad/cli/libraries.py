"""Loading large libraries, which an interrupt must not break."""

import signal
import threading
from contextlib import suppress
from importlib import import_module

TABLE_LIBRARIES = ("pyarrow", "pyarrow.csv")  # whatever the table is


def load(*libraries: str) -> None:
    """Load libraries with Ctrl-C held back: amid one it may be swallowed, or break the library."""
    came: list[int] = []
    in_charge = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if in_charge and callable(before):
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        for library in libraries:
            with suppress(ImportError):  # whatever cannot do without it will say so
                import_module(library)
    finally:
        if in_charge and callable(before):
            signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
