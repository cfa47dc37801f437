"""Where a table lies that may be longer than memory: a `Parquet` in the place of X and y."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from glob import glob, has_magic
from typing import TYPE_CHECKING

from handgrad.errors import DataError
from handgrad.tables.files.reading import PLAIN, Reading
from handgrad.text import listed

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from handgrad.tables.files.portions import Portions

    AnyPath = str | os.PathLike[str]

LEAST_MEMORY = 1 << 24
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
UNITS |= {f"{unit}I": 1024**power for power, unit in enumerate("KMGT", start=1)}

# What a fit takes in memory: of a cell its number as it is read, as it is described and as it is
# encoded, and rows set apart; of a file its texts, once as they are read and once as levels.
BYTES_A_CELL, TIMES_THE_FILE = 32, 2

UNLABELLED = ("refuse", "drop")


@dataclass(frozen=True)
class Parquet:
    """A table in files that need not fit into memory, to fit ``MLPClassifier`` or ``MLPRegressor``.

    ``fit`` takes it in the place of X and y. If all fits into `memory`, the table is read and
    trained on as usual. If not, it is looked through in portions, encoded once into a temporary
    file, and trained on in piles of as many rows as fit, whose rows are shuffled.

    Parameters
    ----------
    paths : str or path-like, or sequence of them
        Files with the same columns, whose rows follow each other: Parquet, or CSV, which is copied
        into a temporary Parquet file. A folder stands for all files in it, and a pattern such as
        ``train/*.parquet`` for all that fit it, each in the order of their names.
    target : str
        The column to predict.
    weight : str, optional
        A column of weights: 2 counts as the row twice, 0 as the row removed.
    memory : int or str, optional
        What the rows may take in memory, in bytes or as "500MB", "2GB" or "1.5GiB"; some 300 MB
        for Python and its libraries come on top. By default all rows are read.
    unlabelled : str, default="refuse"
        What is done where the target is missing: "refuse" the table, or "drop" the row.
    missing : tuple of str, default=()
        More texts that mean a missing target.
    drop : tuple of str, default=()
        Columns that are not looked at.
    reading : Reading, optional
        How CSV is read: separator, encoding, lines to skip, header.

    Raises
    ------
    ValueError
        If `memory` is no amount of memory, or less than 16 MiB, or `unlabelled` is unknown.

    Examples
    --------
    >>> from handgrad import MLPClassifier, Parquet
    >>> source = Parquet("train/*.parquet", target="y", memory="2GB")
    >>> MLPClassifier().fit(source)  # doctest: +SKIP
    """

    paths: AnyPath | Sequence[AnyPath]
    target: str
    weight: str | None = None
    memory: int | str | None = None
    unlabelled: str = "refuse"
    missing: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    reading: Reading = PLAIN

    def __post_init__(self) -> None:
        if self.memory is not None and bytes_of(self.memory) < LEAST_MEMORY:
            raise ValueError(
                f"memory must be at least {LEAST_MEMORY:,} bytes (16 MiB); got {self.memory!r}"
            )
        if self.unlabelled not in UNLABELLED:
            raise ValueError(
                f"unlabelled must be one of {', '.join(UNLABELLED)}; got {self.unlabelled!r}"
            )

    @property
    def names(self) -> list[str]:
        """The files, in the order of their rows.

        Raises
        ------
        OSError
            If there is no such file.
        """
        paths = self.paths
        given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        names = [name for path in given for name in files_of(os.fspath(path))]
        if not names:
            raise ValueError("there must be at least one path, got none")
        return names

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns to learn from."""
        head = self._portions()
        return head.n_rows, len(self.features(head.head).column_names)

    @property
    def needed(self) -> int:
        """An estimate of the bytes that a fit takes that reads all rows."""
        portions, names = self._portions(), self.names
        files = sum(os.stat(name).st_size for name in names)
        cells = portions.n_rows * len(portions.head.column_names)
        return BYTES_A_CELL * cells + TIMES_THE_FILE * files

    @property
    def fits(self) -> bool:
        """Whether all rows fit into memory."""
        return self.memory is None or self.needed <= bytes_of(self.memory)

    @property
    def head(self) -> pa.Table:
        """The first rows."""
        return self._portions().head

    def _portions(self) -> Portions:
        from handgrad.tables.stored import reopened

        return reopened(self.names, self.reading)

    def whole(self) -> pa.Table:
        """Read all rows."""
        from handgrad.tables.table import read

        return read(self.names, self.reading)

    @contextmanager
    def portions(self) -> Iterator[Portions]:
        """Look through the table in portions, again and again; CSV is parsed but once."""
        from handgrad.tables.stored import spooled

        with ExitStack() as stack:
            found = self._portions()
            self.check_columns(found.head)
            yield spooled(found, stack)

    def check_columns(self, table: pa.Table) -> None:
        """Refuse a table without the target, the weights, or a column beside them.

        Raises
        ------
        DataError
            The message names what is lacking.
        """
        wanted = [self.target, *([] if self.weight is None else [self.weight])]
        if lacking := [name for name in wanted if name not in table.column_names]:
            raise DataError(
                f"there is no column {listed(lacking)}; the table has {listed(table.column_names)}"
            )
        if self.weight == self.target:
            raise DataError(f"{self.weight!r} is the target; name another column of weights")
        if not self.features(table).num_columns:
            raise DataError(f"the table must have columns besides {self.target!r} to predict it")

    def features(self, table: pa.Table) -> pa.Table:
        """Give the columns to learn from."""
        others = {self.target, self.weight, *self.drop}
        return table.select([name for name in table.column_names if name not in others])

    def weights(self, table: pa.Table) -> NDArray[np.float64] | None:
        """Read the weights of rows, shape (n,), if they have any.

        Raises
        ------
        DataError
            If a cell is no finite number of at least 0.
        """
        from handgrad.tables.columns import numbers, place

        if self.weight is None:
            return None
        weight = numbers(table, self.weight)
        wrong = ~(weight >= 0)
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(
                f"{place(table, self.weight, row)}: a weight must be a number of at least 0, and 0 "
                f"leaves the row out; got {weight[row]:g}"
            )
        return weight

    def __fspath__(self) -> str:
        raise TypeError("a Parquet is no path; pass its paths")


def bytes_of(memory: int | str) -> int:
    """Read an amount of memory: bytes, or a text such as "500MB", "2 GB" or "1.5GiB".

    Raises
    ------
    ValueError
        If it is none.
    """
    if isinstance(memory, int) and not isinstance(memory, bool):
        return memory
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?I?)B?\s*", str(memory).upper())
    if not found or found[2] not in UNITS or isinstance(memory, bool):
        raise ValueError(
            f'memory must be bytes, or a text such as "500MB" or "2GB"; got {memory!r}'
        )
    return int(float(found[1]) * UNITS[found[2]])


def files_of(path: str) -> list[str]:
    """Give the files that a path stands for, in the order of their names."""
    if has_magic(path) and not os.path.exists(path):
        names = sorted(name for name in glob(path, recursive=True) if os.path.isfile(name))
        if not names:
            raise FileNotFoundError(f"no file fits the pattern {path!r}")
        return names
    if not os.path.isdir(path):
        return [path]
    names = [
        os.path.join(folder, name)
        for folder, _, files in os.walk(path)
        for name in files
        if not name.startswith((".", "_"))  # such as _SUCCESS, which Spark leaves
    ]
    if not names:
        raise FileNotFoundError(f"there are no files in the folder {path!r}")
    return sorted(names)
