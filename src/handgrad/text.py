"""Make names and cells short and safe enough for a message; and read a time."""

import re

_SECONDS = {"s": 1, "min": 60, "h": 3600}
_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(s|min|h)")


def shown(text: object) -> str:
    """Make a label or a name safe to print, so that a terminal does not obey it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def quoted(value: object) -> str:
    told = value if isinstance(value, str | bytes) else str(value)
    return repr(told if len(told) <= 80 else told[:77]) + ("..." if len(told) > 80 else "")


def seconds_of(time: str) -> float | None:
    """Read a time such as "30s", "5min" or "1.5h"; None if it is none, or no time at all."""
    found = _TIME.fullmatch(time)
    return float(found[1]) * _SECONDS[found[2]] or None if found else None


def listed(names: list[str]) -> str:
    first = ", ".join(map(repr, names[:10]))
    return first if len(names) <= 10 else f"{first} and {len(names) - 10} more"
