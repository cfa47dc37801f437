"""Names and cells made short enough to stand in a message."""


def quoted(value: object) -> str:
    told = value if isinstance(value, str | bytes) else str(value)
    return repr(told if len(told) <= 80 else told[:77]) + ("..." if len(told) > 80 else "")


def listed(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:10]))
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
