"""The commands of the page, by name; every other message is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from handgrad.engines.blas import blas_on_one_thread
from handgrad.gradcheck import HEADINGS
from handgrad.playground import drawing
from handgrad.playground.along import along
from handgrad.playground.wide import look_at_pad

if TYPE_CHECKING:
    from handgrad.playground.player import Player

MOST_DRAWN = 200  # points in one message

Message = dict[str, Any]


def obey(player: Player, message: Message) -> dict[str, Any] | None:
    """Execute the command of a message, while nothing else moves the runs; return its answer.

    Raises
    ------
    ValueError
        If there is no such command, or it is not possible.
    """
    command = message.get("do")
    if not isinstance(command, str) or command not in ACTIONS.keys() | QUESTIONS.keys():
        raise ValueError(f"a message must ask for one of {sorted([*ACTIONS, *QUESTIONS])}")
    with player.lock, blas_on_one_thread():
        if command in QUESTIONS:
            return QUESTIONS[command](player, message)
        if command in PAUSING:
            player.pause()
        ACTIONS[command](player, message)
        return None


def _choose_target(player: Player, message: Message) -> None:
    target = _text(message, "target")
    player.runs.both(lambda run: run.choose_target(target))


def _look_at(player: Player, message: Message) -> None:
    row = _whole(message, "row")
    player.runs.both(lambda run: run.look_at(row))


def _draw(player: Player, message: Message) -> None:
    points = message.get("points")
    if not isinstance(points, list) or len(points) > MOST_DRAWN:
        raise ValueError(f"points must be a list of at most {MOST_DRAWN}")
    added = []
    for point in points:
        if not isinstance(point, list) or len(point) != 3 or not isinstance(point[2], int):
            raise ValueError("a point must be [x1, x2, class]")
        added.append((_real(point[0]), _real(point[1]), int(point[2])))
    wipe, goes_on = message.get("wipe") is True, _goes_on(message)
    player.runs.both(lambda run: run.draw(added, wipe=wipe, goes_on=goes_on))


def _move(player: Player, message: Message) -> None:
    row, (x1, x2) = _whole(message, "row"), _place(message.get("to"))
    goes_on = _goes_on(message)
    player.runs.both(lambda run: drawing.move(run, row, x1, x2, goes_on=goes_on))


def _erase(player: Player, message: Message) -> None:
    places = message.get("places")
    if not isinstance(places, list) or len(places) > MOST_DRAWN:
        raise ValueError(f"places must be a list of at most {MOST_DRAWN}")
    at, radius = [_place(place) for place in places], _real(message.get("radius"))
    goes_on = _goes_on(message)
    player.runs.both(lambda run: drawing.erase(run, at, radius, goes_on=goes_on))


def _goes_on(message: Message) -> bool:
    """Tell whether a change of points belongs to the one before: one undo takes both back."""
    return message.get("goes_on") is True


def _place(place: Any) -> tuple[float, float]:
    if not isinstance(place, list) or len(place) != 2:
        raise ValueError("a place must be [x1, x2]")
    return _real(place[0]), _real(place[1])


def _pad(player: Player, message: Message) -> None:
    pixels = message.get("pixels")
    if not isinstance(pixels, list) or any(type(ink) is not int for ink in pixels):
        raise ValueError("pixels must be a list of whole numbers")
    look_at_pad(player.session, pixels)


ACTIONS: dict[str, Callable[[Player, Message], None]] = {
    "play": lambda player, m: player.play(_text(m, "by"), _whole(m, "speed")),
    "pause": lambda player, m: player.rest(),
    "step": lambda player, m: player.runs.step(_text(m, "by")),
    "reset": lambda player, m: player.runs.reset(),
    "rewind": lambda player, m: player.runs.rewind(_whole(m, "epoch")),
    "change": lambda player, m: player.runs.change(m.get("settings")),
    "plain": lambda player, m: player.runs.plain(),
    "sample": _look_at,
    "target": _choose_target,
    "edit": lambda player, m: player.session.edit(_whole(m, "place"), _real(m.get("value"))),
    "hold": lambda player, m: player.session.hold(_whole(m, "place")),
    "put_back": lambda player, m: player.session.put_back(),
    "draw": _draw,
    "move": _move,
    "erase": _erase,
    "undo": lambda player, m: player.runs.both(drawing.undo),
    "pad": _pad,
    "rival": lambda player, m: player.runs.add_rival(m.get("settings")),
    "restore": lambda player, m: player.runs.restore(m.get("settings"), m.get("rival")),
    "remove": lambda player, m: player.runs.remove(_whole(m, "run")),
    "choose": lambda player, m: player.runs.choose(_whole(m, "run")),
}
PAUSING = {"step", "reset", "rewind", "plain", "target", "rival", "restore"}  # they stop it first


def _check(player: Player, message: Message) -> dict[str, Any]:
    check = player.session.check()
    answer = {
        "kind": "check",
        "passed": check.passed,
        "is_wrong": check.is_wrong,
        "note": check.note,
    }
    return {**answer, "headings": HEADINGS, "rows": check.rows()}


def _spell(player: Player, message: Message) -> dict[str, Any]:
    name, at = _text(message, "name"), _whole(message, "at")
    return {"kind": "spelled", "name": name, "at": at, "text": player.session.spelled(name, at)}


def _along(player: Player, message: Message) -> dict[str, Any]:
    return along(player.session, _whole(message, "place")) | {"version": player.runs.version}


def _hidden(player: Player, message: Message) -> dict[str, Any]:
    return player.hidden.look(player.runs, _whole(message, "across"), _whole(message, "up"))


QUESTIONS = {"check": _check, "spell": _spell, "along": _along, "hidden": _hidden}


def _text(message: Message, name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")
    return value


def _whole(message: Message, name: str) -> int:
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**53:
        raise ValueError(f"{name} must be a whole number")
    return value


def _real(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"a number is needed; got {str(value)[:50]!r}")
    return float(value)
