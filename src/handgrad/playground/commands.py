"""The commands of the page, a function for each; every other message is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handgrad.engines.blas import blas_on_one_thread
from handgrad.gradcheck import HEADINGS
from handgrad.playground.wide import look_at_pad

if TYPE_CHECKING:
    from collections.abc import Callable

    from handgrad.playground.player import Player

MOST_DRAWN = 200  # points in one message


Answer = dict[str, Any] | None


def obey(player: Player, message: dict[str, Any]) -> Answer:
    """Execute the command of a message, while nothing else moves the session.

    Raises
    ------
    ValueError
        If there is no such command, or it is not possible.
    """
    command = message.get("do")
    if not isinstance(command, str) or command not in COMMANDS:
        raise ValueError(f"a message must ask for one of {sorted(COMMANDS)}")
    with player.lock, blas_on_one_thread():
        return COMMANDS[command](player, message)


def _play(player: Player, message: dict[str, Any]) -> Answer:
    player.play(_text(message, "by"), _whole(message, "speed"))
    return None


def _pause(player: Player, message: dict[str, Any]) -> Answer:
    player.pause()
    return None


def _step(player: Player, message: dict[str, Any]) -> Answer:
    player.pause()
    player.runs.step(_text(message, "by"))
    return None


def _reset(player: Player, message: dict[str, Any]) -> Answer:
    player.pause()
    player.runs.reset()
    return None


def _rewind(player: Player, message: dict[str, Any]) -> Answer:
    player.pause()
    player.runs.rewind(_whole(message, "epoch"))
    return None


def _change(player: Player, message: dict[str, Any]) -> Answer:
    player.runs.change(message.get("settings"))
    return None


def _target(player: Player, message: dict[str, Any]) -> Answer:
    player.pause()
    target = _text(message, "target")
    player.runs.both(lambda run: run.choose_target(target))
    return None


def _sample(player: Player, message: dict[str, Any]) -> Answer:
    row = _whole(message, "row")
    player.runs.both(lambda run: run.look_at(row))
    return None


def _edit(player: Player, message: dict[str, Any]) -> Answer:
    player.session.edit(_whole(message, "place"), _real(message.get("value")))
    return None


def _draw(player: Player, message: dict[str, Any]) -> Answer:
    points = message.get("points")
    if not isinstance(points, list) or len(points) > MOST_DRAWN:
        raise ValueError(f"points must be a list of at most {MOST_DRAWN}")
    added = []
    for point in points:
        if not isinstance(point, list) or len(point) != 3 or not isinstance(point[2], int):
            raise ValueError("a point must be [x1, x2, class]")
        added.append((_real(point[0]), _real(point[1]), int(point[2])))
    wipe = message.get("wipe") is True
    player.runs.both(lambda run: run.draw(added, wipe=wipe))
    return None


def _rival(player: Player, message: dict[str, Any]) -> Answer:
    player.pause()
    player.runs.add_rival(message.get("settings"))
    return None


def _restore(player: Player, message: dict[str, Any]) -> Answer:
    player.pause()
    player.runs.restore(message.get("settings"), message.get("rival"))
    return None


def _remove(player: Player, message: dict[str, Any]) -> Answer:
    player.runs.remove(_whole(message, "run"))
    return None


def _choose(player: Player, message: dict[str, Any]) -> Answer:
    player.runs.choose(_whole(message, "run"))
    return None


def _pad(player: Player, message: dict[str, Any]) -> Answer:
    pixels = message.get("pixels")
    if not isinstance(pixels, list) or any(type(ink) is not int for ink in pixels):
        raise ValueError("pixels must be a list of whole numbers")
    look_at_pad(player.session, pixels)
    return None


def _check(player: Player, message: dict[str, Any]) -> Answer:
    check = player.session.check()
    answer = {"kind": "check", "passed": check.passed, "note": check.note}
    return {**answer, "headings": HEADINGS, "rows": check.rows()}


def _spell(player: Player, message: dict[str, Any]) -> Answer:
    name, at = _text(message, "name"), _whole(message, "at")
    return {"kind": "spelled", "name": name, "at": at, "text": player.session.spelled(name, at)}


COMMANDS: dict[str, Callable[[Player, dict[str, Any]], Answer]] = {
    "play": _play,
    "pause": _pause,
    "step": _step,
    "reset": _reset,
    "rewind": _rewind,
    "change": _change,
    "sample": _sample,
    "target": _target,
    "edit": _edit,
    "draw": _draw,
    "pad": _pad,
    "rival": _rival,
    "restore": _restore,
    "remove": _remove,
    "choose": _choose,
    "check": _check,
    "spell": _spell,
}


def _text(message: dict[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")
    return value


def _whole(message: dict[str, Any], name: str) -> int:
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**53:
        raise ValueError(f"{name} must be a whole number")
    return value


def _real(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"a number is needed; got {str(value)[:50]!r}")
    return float(value)
