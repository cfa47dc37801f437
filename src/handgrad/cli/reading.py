"""How every command reads its tables: as the reading options say, with notes on stderr."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handgrad.cli.terminal import note
from handgrad.tables.files.portions import Portions
from handgrad.tables.files.reading import Reading
from handgrad.tables.marks import notes_of
from handgrad.tables.table import PORTION_BYTES
from handgrad.tables.table import in_portions as files_in_portions
from handgrad.tables.table import read as read_files
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa


def read(paths: Path | Sequence[Path], options: dict[str, Any]) -> "pa.Table":
    """Read one table from its files, and note what is doubtful about it.

    Raises
    ------
    DataError
        If they hold no table.
    OSError
        If the system cannot open or read one.
    """
    table = read_files(paths, reading_of(options))
    for remark in notes_of(table):
        note(shown(remark))
    return table


@contextmanager
def in_portions(
    paths: Sequence[Path], options: dict[str, Any], *, whole: bool = False
) -> Iterator[Portions]:
    """Read a table that may be longer than the memory; note what is doubtful about it.

    Raises
    ------
    DataError
        If the files hold no table.
    OSError
        If the system cannot open or read one.
    """
    most = None if whole else PORTION_BYTES
    with files_in_portions(paths, reading_of(options), most=most) as portions:
        for remark in notes_of(portions.head):
            note(shown(remark))
        yield portions


def reading_of(options: dict[str, Any]) -> Reading:
    return Reading(
        options["separator"], options["encoding"], options["skip"], not options["no_header"]
    )


def name_of(paths: Sequence[Path]) -> str:
    """Name a table by its files."""
    return ", ".join(map(str, paths))
