"""How the user wants a file to be read."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from handgrad.errors import DataError

OPTIONS = {
    "separator": "--separator",
    "encoding": "--encoding",
    "skip": "--skip",
    "header": "--no-header",
}


class Reading(NamedTuple):
    separator: str | None = None
    encoding: str | None = None
    skip: int | None = None
    header: bool = True

    def checked(self) -> Reading:
        """Check the values, and give them back.

        Raises
        ------
        ValueError
            If a value is impossible.
        """
        if self.separator is not None and not is_separator(self.separator):
            raise ValueError(
                f"separator must be one ASCII character other than a quote, got {self.separator!r}"
            )
        if self.encoding is not None and not is_encoding(self.encoding):
            raise ValueError(
                "encoding must be one that Python knows, such as 'cp1252' or 'utf-16', "
                f"got {self.encoding!r}"
            )
        if self.skip is not None and self.skip < 0:
            raise ValueError(f"skip must be 0 or more lines, got {self.skip!r}")
        return self

    def check_only(self, kind: str, *allowed: str) -> None:
        """Refuse options that mean nothing for a kind of file, instead of ignoring them."""
        needless = [
            option
            for name, option in OPTIONS.items()
            if name not in allowed and getattr(self, name) is not getattr(PLAIN, name)
        ]
        if needless:
            raise DataError(f"{' and '.join(needless)} cannot be used with {kind}; leave it out")


def is_separator(sign: str) -> bool:
    return re.fullmatch(r"[\t !#-~]", sign) is not None


def is_encoding(name: str) -> bool:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return getattr(found, "_is_text_encoding", True) and found.name != "undefined"


PLAIN = Reading()
