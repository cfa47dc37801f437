"""The settings of a training in a model file: parameters of an estimator by name, nothing else."""

from typing import Any

MOST, LONGEST_NAME = 100, 50
FIRST_VERSION = 5  # of the files that hold them


def settings_of(description: dict[str, Any]) -> dict[str, Any]:
    """Read the settings of a file's description.

    Raises
    ------
    ValueError
        If they are anything else.
    """
    if "settings" not in description:
        return {}
    if description["format_version"] < FIRST_VERSION or not description["settings"]:
        raise ValueError("settings need a later format version, and there must be some")
    return check_settings(description["settings"])


def check_settings(told: Any) -> dict[str, Any]:
    """Refuse what is no single value or list of values by the name of a parameter.

    Raises
    ------
    ValueError
        If there is anything else.
    """
    if not (isinstance(told, dict) and len(told) <= MOST and all(map(_is_name, told))):
        raise ValueError(f"settings must have at most {MOST} names of parameters")
    for value in told.values():
        for one in value if isinstance(value, list) else [value]:
            if not (one is None or isinstance(one, bool | int | float | str)):
                raise ValueError("settings must be single values or lists of them")
    return dict(told)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier() and len(name) <= LONGEST_NAME
