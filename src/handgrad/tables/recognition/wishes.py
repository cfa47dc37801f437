"""Wishes: what the user says about the columns of a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from handgrad.errors import DataError
from handgrad.tables.kinds import KINDS
from handgrad.text import listed

AS_DECLARED = "as declared"  # why a column is of its kind, where the user said so


class Wishes(NamedTuple):
    """What the user says about the columns of a table.

    Attributes
    ----------
    kinds : mapping of str to str
        The kinds of some columns, by name.
    missing : mapping of str or None to sequence of str
        More texts that mean a missing cell, in one column or (None) in all.
    decimal, thousands : str or None
        The signs within numbers.
    is_stream : bool
        Whether more rows may come; then no column is left out because it does not vary yet.
    keeps_constants : bool
        Whether columns that are the same in every row are kept.
    """

    kinds: Mapping[str, str] = {}
    missing: Mapping[str | None, tuple[str, ...]] = {}
    decimal: str | None = None
    thousands: str | None = None
    is_stream: bool = False
    keeps_constants: bool = False

    @property
    def takes_constants(self) -> bool:
        """Whether a column that does not vary may be used."""
        return self.is_stream or self.keeps_constants

    def missing_of(self, name: str) -> tuple[str, ...]:
        """Give the additional words for a missing cell of one column."""
        return (*self.missing.get(None, ()), *self.missing.get(name, ()))

    def check(self, names: Collection[str]) -> None:
        """Check that the wishes are about columns of the table, and possible.

        Raises
        ------
        DataError
            If a column or a kind does not exist, or one sign has two meanings.
        """
        named = {*self.kinds, *(name for name in self.missing if name is not None)}
        if lacking := sorted(named - set(names)):
            raise DataError(
                f"there are no columns {listed(lacking)}, for which a kind or missing values are "
                f"given; the table has {listed(list(names))}"
            )
        if self.decimal is not None and self.decimal == self.thousands:
            raise DataError(
                f"decimal and thousands must be different signs; both are {self.decimal!r}"
            )
        for name, kind in self.kinds.items():
            if kind not in KINDS:
                raise DataError(
                    f"the kind of column {name!r} must be one of {', '.join(map(repr, KINDS))}; "
                    f"got {kind!r}"
                )


NO_WISHES = Wishes()
