"""The plan of the columns: what each was taken for, decided once (see ``recognition/``).

Training, prediction and explanation all read a table by its plan. It holds no statistics: means
and levels come from the training rows alone (``fitting.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from handgrad.errors import DataError
from handgrad.tables.kinds import KINDS, Category, Column, LeftOut


class Plan:
    """What the columns of a table were taken for; a sequence of `Column`.

    Parameters
    ----------
    columns : tuple of Column
        In the order of the table.
    """

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = columns

    @classmethod
    def of_matrix(cls, n_columns: int, names: Sequence[str] | None = None) -> Plan:
        """Make the plan of a matrix: numbers throughout, called x0, x1, ... unless they have names.

        Raises
        ------
        DataError
            If the names are not as many as the columns, or not all different.
        """
        if names is not None and not len(names) == len(set(names)) == n_columns:
            raise DataError(
                f"names must be {n_columns} different names, got {len(names)}: {names!r}"
            )
        return _MatrixPlan(n_columns if names is None else names)

    @property
    def is_nameless(self) -> bool:
        """Whether the columns are called as those of a matrix without names are."""
        return self.names == _names_of(len(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.columns == other.columns

    def __hash__(self) -> int:
        return hash(self.names)

    @property
    def is_plain(self) -> bool:
        """Whether all columns are plain numbers, as those of a matrix are."""
        return all(column == Column(column.name) for column in self.columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, those left out included."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def used(self) -> list[Column]:
        """The columns that become inputs."""
        return [column for column in self.columns if column.is_used]

    @cached_property
    def with_numbers(self) -> list[tuple[Column, int, int]]:
        """The columns that become numbers, and where the numbers of each begin and end."""
        found, at = [], 0
        for column in self.used:
            if n := len(column.reads.scaled(column)):
                found.append((column, at, at + n))
                at += n
        return found

    @cached_property
    def firsts(self) -> npt.NDArray[np.intp]:
        """The place of the first number of each column with numbers."""
        return np.array([first for _, first, _ in self.with_numbers], dtype=np.intp)

    @cached_property
    def first_of(self) -> dict[str, int]:
        """The place of the first number of each column with numbers, by name."""
        return {column.name: first for column, first, _ in self.with_numbers}

    @cached_property
    def with_levels(self) -> list[Column]:
        """The columns that have levels."""
        return [column for column in self.used if column.reads.has_levels]

    @cached_property
    def levels_beside(self) -> dict[int, int]:
        """Columns with numbers and levels: first place of the numbers -> place in `with_levels`."""
        at = {column.name: place for place, column in enumerate(self.with_levels)}
        return {first: at[c.name] for c, first, _ in self.with_numbers if c.name in at}

    @cached_property
    def scaled(self) -> npt.NDArray[np.bool_]:
        """Whether each of the K numbers is standardised."""
        return np.array(
            [is_scaled for c, _, _ in self.with_numbers for is_scaled in c.reads.scaled(c)], bool
        )

    @property
    def doubts(self) -> list[str]:
        """What may be an oversight, one sentence each."""
        return [f"column {c.name!r}: {doubt}" for c in self.columns for doubt in c.doubts]

    def summary(self) -> str:
        """Say in one line how many columns there are of each kind."""
        counts = []
        for name, kind in KINDS.items():
            some = [column for column in self.columns if column.kind == name]
            if not some:
                continue
            if name == LeftOut.name:
                why = [f"{column.name} ({column.why})" for column in some]
                counts.append(f"left out: {_some(why)}")
                continue
            detail = [
                f"{c.name} {c.n_levels}" for c in some if c.n_levels and name == Category.name
            ]
            more = f" ({_some(detail)})" if detail else ""
            counts.append(f"{len(some)} {name if len(some) == 1 else kind.plural}{more}")
        return ", ".join(counts)

    def rows(self) -> list[tuple[str, str, str]]:
        """Give a name, a kind and a reason for each column."""
        return [(column.name, column.kind, column.why) for column in self.columns]

    def __repr__(self) -> str:
        rows = [("column", "kind", "why"), *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
        lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c}".rstrip() for a, b, c in rows]
        return "\n".join([*lines, *(f"note: {doubt}" for doubt in self.doubts)])

    def _repr_html_(self) -> str:
        from handgrad.html import sentence
        from handgrad.html import table as html_table

        cells = [[sentence(cell) for cell in row] for row in self.rows()]
        notes = "".join(f"<p>{sentence(doubt)}</p>" for doubt in self.doubts)
        return html_table(("column", "kind", "why"), cells) + notes


class _MatrixPlan(Plan):
    """The plan of a matrix, which may have a million columns: made only where it is asked for."""

    def __init__(self, names: Sequence[str] | int) -> None:
        self._given = names

    @cached_property
    def names(self) -> tuple[str, ...]:
        if isinstance(self._given, int):
            return _names_of(self._given)
        return tuple(map(str, self._given))

    @cached_property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        return tuple(map(Column, self.names))

    @property
    def is_plain(self) -> bool:
        return True

    def __len__(self) -> int:
        return self._given if isinstance(self._given, int) else len(self._given)

    @cached_property
    def scaled(self) -> npt.NDArray[np.bool_]:
        return np.ones(len(self), dtype=bool)

    @cached_property
    def firsts(self) -> npt.NDArray[np.intp]:
        return np.arange(len(self))

    @cached_property
    def with_levels(self) -> list[Column]:
        return []


def _names_of(n_columns: int) -> tuple[str, ...]:
    return tuple(f"x{column}" for column in range(n_columns))


def _some(texts: list[str], most: int = 4) -> str:
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")
