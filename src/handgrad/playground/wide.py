"""The page's view of a network of more than two inputs: images, weights by input, the pad.

An array too large for the page is cut to its largest entries, as in ``explain``, and the page
says how many more there are.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.explain.equations import unit_name
from handgrad.explain.largest import largest_entries, remainder_text
from handgrad.network import forward
from handgrad.playground.judging import scores

if TYPE_CHECKING:
    from handgrad.explain.trace import Trace
    from handgrad.playground.points import Points
    from handgrad.playground.session import Session

Array = NDArray[Any]

MOST_ROWS, MOST_COLUMNS = 8, 8  # of an array whose numbers are shown in their places
MOST_CUT = 12  # rows of an array of which the first are shown; of more, the largest entries
MOST_UNITS = 10  # units of a layer that are drawn
MOST_MISREAD = 200  # rows that are listed


# -- the layout -----------------------------------------------------------------------------------


def points_layout(points: Points) -> dict[str, Any]:
    """Describe the points: on a plane by their places, images by their pixels, one byte each."""
    described: dict[str, Any] = {
        "is_plane": points.is_plane,
        "n": len(points.x),
        "is_curve": points.is_curve,
        "axes": points.axes if points.is_plane else [],
        "picture": points.picture,
        "left_out": list(points.left_out),
        "points": np.round(points.places, 4).tolist() if points.is_plane else [],
        "raw": _raw_units(points) if points.is_plane else [],
    }
    if points.picture:
        pixels = np.round(points.x * points.black).astype(np.uint8)
        images = base64.b64encode(pixels.tobytes()).decode()
        described |= {"black": points.black, "images": images}
    return described


def _raw_units(points: Points) -> list[list[float]]:
    """Give the mean and scale of each axis, by which it becomes a number of the table again.

    Robust scales bend the ends, so that no mean and scale lead back: such inputs stay as they are.
    """
    encoder = points.encoder
    if encoder.is_robust:
        return [[0.0, 1.0]] * 2
    inputs = zip(encoder.mean, encoder.scale, strict=True)
    units = [[float(mean), float(scale)] for mean, scale in inputs]
    units += [[0.0, 1.0]] * (points.x.shape[1] - len(units))  # flags and levels
    if points.is_curve:
        units.append(list(points.unit))
    return units


# -- frames ---------------------------------------------------------------------------------------


def wide_parts(session: Session) -> tuple[bytes, bytes]:
    """Return the weights into the drawn units of the first layer, and the sample's inputs.

    float32, a row for each input; empty for two inputs, whose frame holds all of it.
    """
    if session.points.is_plane:
        return b"", b""
    W1 = session.run.params.W[0][:, :MOST_UNITS]
    return W1.astype("<f4").tobytes(), session.points.x[session.sample].astype("<f4").tobytes()


def wide_numbers(session: Session, t: Trace) -> dict[str, Any]:
    """Describe the drawn units by their activity and the length of their weights, and the output.

    Empty for two inputs.
    """
    if session.points.is_plane:
        return {}
    architecture = session.architecture
    hidden = range(1, len(architecture.layer_units) - 1)
    lengths = np.linalg.norm(session.run.params.W[0][:, :MOST_UNITS], axis=0)
    return {
        "h": [listed(t[unit_name("h", k, architecture)][0, :MOST_UNITS]) for k in hidden],
        "lengths": listed(lengths),
        "y": listed(t["y"][0]),
        "misread": misread(session) if session.points.picture else [],
        "pad": None if session.pad is None else seen(session, session.pad),
    }


def misread(session: Session) -> list[int]:
    """List rows that the network takes for another class: test rows, or training rows."""
    points = session.points
    chosen = points.judging
    score = scores(session, chosen)
    wrong = chosen[score.argmax(axis=1) != points.y_t[chosen]]
    rows: list[int] = wrong[:MOST_MISREAD].tolist()
    return rows


def seen(session: Session, image: Array) -> dict[str, Any]:
    """Give an image's pixels and the network's probabilities for it."""
    with np.errstate(over="ignore", invalid="ignore"):
        x = session.points.fed(image[np.newaxis])
        y = forward(session.architecture, session.run.params, x).y[0]
    pixels = np.round(image * session.points.black).astype(int)
    return {"pixels": pixels.tolist(), "y": listed(y)}


def look_at_pad(session: Session, pixels: list[int]) -> None:
    """Take an image from the pad; an empty list removes it."""
    points, n = session.points, session.points.x.shape[1]
    black = points.black
    if points.picture is None:
        raise ValueError("the pad is for images; choose the digits first")
    if pixels and (len(pixels) != n or min(pixels) < 0 or max(pixels) > black):
        raise ValueError(f"an image must be {n} whole numbers from 0 to {black}, row by row")
    row = points.encoder.transform(np.array([pixels], np.float64)) if pixels else None
    session.pad = None if row is None else row[0, :n]
    session.version += 1


def block(
    value: Array, moved_from: Array | None = None, *, is_named: bool = False
) -> dict[str, Any]:
    """Give a small array's numbers in their places, a wide one's largest entries.

    Parameters
    ----------
    value : array of any shape of at most two axes
    moved_from : array, optional
        Its value before a step: then the entries that moved most count as largest.
    is_named : bool
        Whether to give the largest entries in any case, since each is shown with its name.
    """
    table = np.atleast_2d(value)
    if table.shape[0] <= MOST_CUT and table.shape[1] <= MOST_COLUMNS and not is_named:
        numbers = listed(table[:MOST_ROWS])
        return {"shape": list(value.shape), "numbers": numbers}
    flat = value.ravel()
    size = np.abs(flat if moved_from is None else flat - moved_from.ravel())
    chosen = largest_entries(size)
    more = remainder_text(size, chosen, moved=moved_from is not None)
    largest = [[at, rounded(float(flat[at]))] for at in sorted(chosen)]
    return {"shape": list(value.shape), "largest": largest, "more": more}


def listed(values: Array) -> list[Any]:
    """List the numbers of an array, row by row, rounded."""
    if values.ndim > 1:
        return [listed(row) for row in values]
    return [rounded(value) for value in values.tolist()]


def finite(number: float) -> float | None:
    """Return None for a number that JSON cannot hold."""
    return number if math.isfinite(number) else None


def rounded(number: float) -> float | None:
    """Round to seven digits; None for what JSON cannot hold."""
    return finite(float(f"{number:.7g}"))
