"""Points drawn, moved and rubbed out by hand on the plane, and the way back.

The network continues from its present weights. Points that are moved keep the side, training or
test, of the place where they were first put.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from handgrad.playground.points import MOST_CLASSES, MOST_POINTS, Drawn

if TYPE_CHECKING:
    from handgrad.playground.points import Array, Points, RowNumbers
    from handgrad.playground.session import Session

LEAST_POINTS = 10  # that are left on the plane
PLACE_LIMIT = 10.0  # the farthest coordinate of a point put by hand
MOST_UNDONE = 50


class Board(NamedTuple):
    """The points before they were changed by hand."""

    data: str
    points: Points
    drawn: Drawn
    sample: int


def draw(
    session: Session, added: list[tuple[float, float, int]], *, wipe: bool, goes_on: bool
) -> None:
    """Add points to the present ones, or with ``wipe`` put them in their place."""
    before = _present(session)
    kept = slice(0) if wipe else slice(None)
    if len(before.x[kept]) + len(added) > MOST_POINTS:
        raise ValueError(f"there may be {MOST_POINTS} points at most; start with fewer")
    new = np.array([(a, b) for a, b, _ in added], np.float64).reshape(-1, 2)
    new_t = np.array([k for _, _, k in added], np.intp)
    if not _lies_near(new) or not ((new_t >= 0) & (new_t < MOST_CLASSES)).all():
        raise ValueError("a point must lie on the map and have a class")
    y_t = np.concatenate([before.y_t[kept], new_t])
    least = 0 if wipe else before.n_classes
    drawn = Drawn(
        np.concatenate([before.x[kept], new]),
        y_t,
        np.concatenate([before.first[kept], new]),
        max(least, int(y_t.max(initial=0)) + 1),
    )
    if wipe:
        _see_that_enough(drawn)
    _put(session, drawn, goes_on=goes_on)
    session.layout += 1


def move(session: Session, row: int, x1: float, x2: float, *, goes_on: bool) -> None:
    """Put a point at another place."""
    before, to = _present(session), np.array([x1, x2])
    if not 0 <= row < len(before.x) or not _lies_near(to):
        raise ValueError("a point must be one of the map's, and lie on the map")
    x = before.x.copy()
    x[row] = to
    was, moved = session.recipe.data, session.moved
    _put(session, before._replace(x=x), goes_on=goes_on and moved is not None and moved[0] == row)
    session.moved = row, x1, x2
    is_farthest = np.abs(x).max() != np.abs(before.x).max()  # the edges of the map move with it
    if is_farthest or was != session.recipe.data or moved is None or moved[0] != row:
        session.layout += 1


def erase(
    session: Session, places: list[tuple[float, float]], radius: float, *, goes_on: bool
) -> None:
    """Remove the points that are near some places."""
    before = _present(session)
    at = np.array(places, np.float64).reshape(-1, 1, 2)
    if not _lies_near(at) or not 0 < radius <= PLACE_LIMIT:
        raise ValueError("the eraser must touch the map, and have a radius above 0")
    stays = (np.linalg.norm(before.x - at, axis=2) > radius).all(axis=0)
    if stays.all():
        return
    drawn = Drawn(before.x[stays], before.y_t[stays], before.first[stays], before.n_classes)
    _see_that_enough(drawn)
    sample = int(np.count_nonzero(stays[: session.sample]))
    _put(session, drawn, goes_on=goes_on)
    session.sample = min(sample, len(drawn.x) - 1)
    session.layout += 1


def undo(session: Session) -> None:
    """Take the last change of the points back."""
    if not session.boards:
        raise ValueError("there is no drawing to undo")
    *rest, board = session.boards
    recipe = session.recipe.changed({"data": board.data})
    session.take_points(recipe, board.points, board.drawn)
    session.boards, session.sample, session.moved = tuple(rest), board.sample, None
    session.layout += 1


def _present(session: Session) -> Drawn:
    points = session.points
    if not points.is_plane:
        raise ValueError("points are drawn on a plane; choose data of two numbers first")
    if not points.head.classifies:
        raise ValueError("points are drawn with classes; choose data of classes first")
    first = session.drawn.first if session.recipe.data == "drawn" else points.x
    return Drawn(points.x, points.y_t, first, len(points.classes))


def _put(session: Session, drawn: Drawn, *, goes_on: bool) -> None:
    recipe = session.recipe.changed({"data": "drawn"})
    points = session.source.points(recipe, drawn)
    board = Board(session.recipe.data, session.points, session.drawn, session.sample)
    if not (goes_on and session.boards):
        session.boards = (*session.boards, board)[-MOST_UNDONE:]
    session.take_points(recipe, points, drawn)
    session.moved = None


def _lies_near(places: Array) -> bool:
    return bool((np.abs(places) <= PLACE_LIMIT).all())


def _see_that_enough(drawn: Drawn) -> None:
    n, classes = len(drawn.x), _classes(drawn.y_t)
    if n < LEAST_POINTS or classes < 2:
        raise ValueError(
            f"at least {LEAST_POINTS} points of two classes or more must stay on the map; there "
            f"would be {n} of {classes}; draw others first"
        )


def _classes(y_t: RowNumbers) -> int:
    return len(np.unique(y_t))
