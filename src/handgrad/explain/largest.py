"""Arrays too wide to show: their largest entries, and a text on the others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MOST_SHOWN = 10  # entries of an array


def largest_entries(size: Array) -> list[int]:
    """Find the entries to show: all of a small array, else the largest, the largest first."""
    if size.size <= MOST_SHOWN:
        return list(range(size.size))
    return [int(at) for at in np.argsort(-size, kind="stable")[:MOST_SHOWN]]


def remainder_text(size: Array, shown: list[int], *, moved: bool) -> str:
    """Describe the entries that are not shown; ``moved`` says that size is how far each moved."""
    rest = np.delete(size, shown)
    if not rest.size:
        return ""
    if not rest.any():
        return f"and {rest.size:,} more, all " + ("as before" if moved else "0")
    zeros = int(np.count_nonzero(rest == 0))
    what = "moved further" if moved else "larger in size"
    ending = f"; {zeros:,} of them " + ("stay" if moved else "are 0") if zeros else ""
    return f"and {rest.size:,} more, none {what} than {rest.max():.3g}{ending}"
