"""What the page sees of a network of more than two inputs: images, weights by input, the pad.

Nothing here is cut without a word: of an array too large for the page the largest entries are
sent, as ``explain`` chooses them, and how many more there are.
"""

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.explain.equations import unit_name
from handgrad.explain.story import largest_entries, told_more
from handgrad.explain.trace import Trace
from handgrad.network import forward
from handgrad.playground.data import BLACK
from handgrad.playground.points import Points
from handgrad.playground.session import Session

Array = NDArray[Any]

MOST_ROWS, MOST_COLUMNS = 4, 8  # of an array's numbers that are shown in their places
MOST_UNITS = 10  # of a layer that are drawn
MOST_MISREAD = 200  # rows that are listed


# -- what stays from frame to frame ---------------------------------------------------------------


def told_points(points: Points) -> dict[str, Any]:
    """Tell the points: those of a plane by their places, images by their pixels, one byte each."""
    told: dict[str, Any] = {
        "is_plane": points.is_plane,
        "n": len(points.x),
        "picture": points.picture,
        "left_out": list(points.left_out),
        "points": np.round(points.x, 4).tolist() if points.is_plane else [],
    }
    if points.picture:
        pixels = np.round(points.x * BLACK).astype(np.uint8)
        told |= {"black": BLACK, "images": base64.b64encode(pixels.tobytes()).decode()}
    return told


# -- frames ---------------------------------------------------------------------------------------


def wide_parts(session: Session) -> tuple[bytes, bytes]:
    """Give the weights into the units of the first layer that are drawn, and the sample's inputs.

    float32, a row for each input; of a plane's network nothing, for its frame has all of it.
    """
    if session.points.is_plane:
        return b"", b""
    W1 = session.run.params.W[0][:, :MOST_UNITS]
    return W1.astype("<f4").tobytes(), session.points.x[session.sample].astype("<f4").tobytes()


def wide_numbers(session: Session, t: Trace) -> dict[str, Any]:
    """Tell how active the units drawn are, how long the weights into each, and what comes out."""
    if session.points.is_plane:
        return {}
    architecture = session.architecture
    hidden = range(1, len(architecture.layer_units) - 1)
    lengths = np.linalg.norm(session.run.params.W[0][:, :MOST_UNITS], axis=0)
    return {
        "h": [_listed(t[unit_name("h", k, architecture)][0, :MOST_UNITS]) for k in hidden],
        "lengths": _listed(lengths),
        "y": _listed(t["y"][0]),
        "misread": misread(session) if session.points.picture else [],
        "pad": None if session.pad is None else seen(session, session.pad),
    }


def misread(session: Session) -> list[int]:
    """List rows whose class is not what the network says: test rows, or training rows."""
    points = session.points
    chosen = points.test if len(points.test) else points.training
    score = forward(session.architecture, session.run.params, points.x[chosen]).score
    wrong = chosen[score.argmax(axis=1) != points.y_t[chosen]]
    rows: list[int] = wrong[:MOST_MISREAD].tolist()
    return rows


def seen(session: Session, image: Array) -> dict[str, Any]:
    """Say what the network makes of an image: a forward pass as of any other row."""
    with np.errstate(over="ignore", invalid="ignore"):
        y = forward(session.architecture, session.run.params, image[np.newaxis]).y[0]
    return {"pixels": np.round(image * BLACK).astype(int).tolist(), "y": _listed(y)}


def look_at_pad(session: Session, pixels: list[int]) -> None:
    """Take an image from the pad; an empty list takes it away.

    Raises
    ------
    ValueError
        If there are no images to be one of, or it is none.
    """
    points, n = session.points, session.points.x.shape[1]
    if points.picture is None:
        raise ValueError("the pad is for images; choose the digits first")
    if pixels and (len(pixels) != n or min(pixels) < 0 or max(pixels) > BLACK):
        raise ValueError(f"an image must be {n} whole numbers from 0 to {BLACK}, row by row")
    row = points.encoder.transform(np.array([pixels], np.float64)) if pixels else None
    session.pad = None if row is None else row[0]
    session.version += 1


def block(
    value: Array, moved_from: Array | None = None, *, is_named: bool = False
) -> dict[str, Any]:
    """Give an array's first numbers in their places or, of a wide one, its largest entries.

    Parameters
    ----------
    value : array of any shape of at most two axes
    moved_from : array, optional
        What it was before a step: then what moved most counts as largest.
    is_named : bool
        Give the largest entries in any case, for they are shown with their names.
    """
    table = np.atleast_2d(value)
    if table.shape[0] <= 2 * MOST_ROWS and table.shape[1] <= MOST_COLUMNS and not is_named:
        numbers = [_listed(row) for row in table[:MOST_ROWS]]
        return {"shape": list(value.shape), "numbers": numbers}
    flat = value.ravel()
    size = np.abs(flat if moved_from is None else flat - moved_from.ravel())
    chosen = largest_entries(size)
    more = told_more(flat, size, chosen, moved=moved_from is not None)
    largest = [[at, digits(float(flat[at]))] for at in sorted(chosen)]
    return {"shape": list(value.shape), "largest": largest, "more": more}


def _listed(values: Array) -> list[float | None]:
    return [digits(value) for value in values.tolist()]


def digits(number: float) -> float | None:
    return float(f"{number:.7g}") if math.isfinite(number) else None
