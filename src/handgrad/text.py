"""Make names and cells short and safe enough for a message."""


def shown(text: object) -> str:
    """Make a label or a name safe to print, so that a terminal does not obey it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def quoted(value: object) -> str:
    told = value if isinstance(value, str | bytes) else str(value)
    return repr(told if len(told) <= 80 else told[:77]) + ("..." if len(told) > 80 else "")


def listed(names: list[str]) -> str:
    first = ", ".join(map(repr, names[:10]))
    return first if len(names) <= 10 else f"{first} and {len(names) - 10} more"
