"""What the options and arguments of several commands are: their types, and those all alike."""

import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from handgrad.tables.files.reading import is_encoding, is_separator
from handgrad.text import shown

if TYPE_CHECKING:
    UnitsType = click.ParamType[tuple[int, ...]]
    ListType = click.ParamType[tuple[Any, ...]]
    TextType = click.ParamType[str]
else:  # click before 8.4 has no types to name
    UnitsType = ListType = TextType = click.ParamType


class HiddenUnits(UnitsType):
    """Units of the hidden layers, as in 64,32; 0 or an empty text for no hidden layer."""

    name = "units"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        if value.strip() in ("", "0"):
            return ()
        parts = value.split(",")
        if not all(re.fullmatch(r"\s*[0-9]+\s*", part, re.ASCII) for part in parts):
            self.fail(f"{value!r} is not a list of whole numbers such as 64,32", param, ctx)
        if not all(len(part.strip()) <= 6 and 1 <= int(part) <= 100_000 for part in parts):
            self.fail(f"each layer needs 1 to 100000 units; got {value!r}", param, ctx)
        return tuple(int(part) for part in parts)


class Listed(ListType):
    """One value or several, parted by commas."""

    def __init__(self, item: Any) -> None:
        self.item, self.name = item, item.name

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(self.item.convert(part.strip(), param, ctx) for part in value.split(","))


class Number(click.FloatRange):
    """A number within bounds; NaN, which compares with nothing, is none."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class File(click.Path):
    """A path; an empty one would mean the folder we are in."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value == "":
            self.fail("the name of a file is needed, not an empty text", param, ctx)
        return super().convert(value, param, ctx)


class TableFile(File):
    """A path to read rows from; - is the standard input."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return super().convert("/dev/stdin" if value == "-" else value, param, ctx)


class ColumnName(TextType):
    """A column's name: UTF-8, as tables are, in whatever locale we were started."""

    name = "column"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        return os.fsencode(value).decode("utf-8", "surrogateescape")


POSITIVE = Number(min=0, min_open=True, max=1e30)
SHARE = Number(min=0, max=1, max_open=True)
FILE = File(path_type=Path)
TABLE = TableFile(path_type=Path)
COLUMN = ColumnName()


class Option(click.Option):
    """An option that knows in which section of a help it belongs."""

    def __init__(self, *arguments: Any, section: str = "", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.section = section


class InSections(click.Command):
    """A command with so many options that its help shows them in sections, as they come."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if isinstance(option, click.Option) and record is not None:
                sections.setdefault(getattr(option, "section", OUTPUT), []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


TABLES, OUTPUT = "Rows and columns", "Output"


def _separator(_: click.Context, __: click.Parameter, sign: str | None) -> str | None:
    if sign is None:
        return None
    sign = sign.replace("\\t", "\t")
    if not is_separator(sign):
        raise click.UsageError("--separator must be one ASCII character, such as ';' or '\\t'")
    return sign


def _encoding(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None and not is_encoding(name):
        raise click.UsageError(
            f"--encoding {shown(name)}: there is no such encoding; take one such as cp1252, "
            "latin-1 or utf-16"
        )
    return name


READING_OPTIONS = (
    click.option(
        "--separator",
        cls=Option,
        section=TABLES,
        metavar="SIGN",
        callback=_separator,
        help="The sign between the cells of a CSV file.  [default: from its header]",
    ),
    click.option(
        "--encoding",
        cls=Option,
        section=TABLES,
        metavar="NAME",
        callback=_encoding,
        help="The encoding of a CSV file, such as cp1252 or utf-16.  [default: utf-8]",
    ),
    click.option(
        "--skip",
        cls=Option,
        section=TABLES,
        metavar="N",
        type=click.IntRange(0),
        help="Skip N lines before the header, such as a title.",
    ),
    click.option(
        "--no-header",
        cls=Option,
        section=TABLES,
        is_flag=True,
        help="Take the first row as data; the columns are called 'column 1', 'column 2', ...",
    ),
)


def reading_options(command: Any) -> Any:
    """Give a command the options of how its table is to be read."""
    for option in reversed(READING_OPTIONS):
        command = option(command)
    return command


REPORT = click.option(
    "--report",
    cls=Option,
    section=OUTPUT,
    metavar="FOLDER",
    type=FILE,
    help="Write report.html and its pictures here.",
)
JSON = click.option(
    "--json",
    "as_json",
    cls=Option,
    section=OUTPUT,
    is_flag=True,
    help="Print the result as JSON.",
)
TARGETS = click.option(
    "--target",
    "targets",
    type=COLUMN,
    multiple=True,
    help="Column of the truth; one for each that is predicted.  [default: as trained]",
)
