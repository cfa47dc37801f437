"""The types of options and arguments, and the options that several commands have."""

import math
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from handgrad.tables.files.reading import is_encoding, is_separator
from handgrad.text import seconds_of, shown

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

    def __init__(self, item: Any, word: str) -> None:
        self.item, self.name, self.word = item, item.name, word

    def get_metavar(self, *_: Any, **__: Any) -> str:
        return f"{self.word}[,{self.word}...]"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(self.item.convert(part.strip(), param, ctx) for part in value.split(","))


class PerLayer(Listed):
    """One value for all hidden layers, or one for each."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        values = super().convert(value, param, ctx)
        return values[0] if len(values) == 1 else values


class Count(click.IntRange):
    """A whole number within bounds."""

    def get_metavar(self, *_: Any, **__: Any) -> str:
        return "N"


class Number(click.FloatRange):
    """A number within bounds; NaN, which compares with nothing, is none."""

    def __init__(self, word: str, **bounds: Any) -> None:
        super().__init__(**bounds)
        self.word = word

    def get_metavar(self, *_: Any, **__: Any) -> str:
        return self.word

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class File(click.Path):
    """A path; an empty one would mean the folder we are in."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)
        self.name = "file"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value == "":
            self.fail(f"a {self.name} must have a name, not an empty text", param, ctx)
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


POSITIVE = partial(Number, min=0, min_open=True, max=1e30)
SHARE = Number("SHARE", min=0, max=1, max_open=True)


class Folder(File):
    """A folder, which need not be there yet."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.file_okay = "folder", False


class Every(click.ParamType[Any]):
    """A number of epochs, or a time."""

    name = "interval"

    def get_metavar(self, *_: Any, **__: Any) -> str:
        return "N|TIME"

    def convert(self, value: Any, _: Any, __: Any) -> Any:
        if len(value) < 10 and value.isascii() and value.isdigit() and int(value):
            return int(value)
        if seconds_of(value) is None:
            self.fail("must be a number of epochs, or a time such as 30s, 5min or 1h")
        return value


class Memory(TextType):
    """An amount of memory, such as 500MB."""

    name = "SIZE"

    def get_metavar(self, *_: Any, **__: Any) -> str:
        return self.name

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        from handgrad.estimators.source import LEAST_MEMORY, bytes_of

        try:
            n = bytes_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if n < LEAST_MEMORY:
            self.fail(f"must be at least {LEAST_MEMORY:,} bytes; got {value}", param, ctx)
        return n


MEMORY = Memory()
FILE = File()
FOLDER = Folder()
EVERY = Every()
TABLE = TableFile()
COLUMN = ColumnName()

TABLES, OUTPUT = "Rows and columns", "Output"


class Only(NamedTuple):
    """Another option, and those of its values with which an option means something."""

    option: str
    values: tuple[str, ...]


class Option(click.Option):
    """An option that knows its section of a help, and which parameter of an estimator it sets.

    It sets the one that it names, or those that a function makes of its value. If it describes a
    training as one recipe alone has it, it names the recipe; to give it chooses that recipe.
    """

    def __init__(
        self,
        *names: str,
        section: str = "",
        only: Only | None = None,
        recipe: str | None = None,
        sets: str | Callable[[Any], dict[str, Any]] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(names, **{"show_default": True, **settings})
        self.section, self.only, self.recipe, self.sets = section, only, recipe, sets

    def parameters(self, value: Any) -> dict[str, Any]:
        """Give the parameters of an estimator that a value sets."""
        if self.sets is None:
            return {}
        return {self.sets: value} if isinstance(self.sets, str) else self.sets(value)


class InSections(click.Command):
    """A command whose help shows its many options in sections, as they come."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if isinstance(option, click.Option) and record is not None:
                sections.setdefault(getattr(option, "section", OUTPUT), []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


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
            f"--encoding {shown(name)}: there is no such encoding; name one such as cp1252, "
            "latin-1 or utf-16"
        )
    return name


READING_OPTIONS = (
    Option(
        "--separator",
        section=TABLES,
        metavar="SIGN",
        callback=_separator,
        help="Read CSV with this sign between the cells.  [default: found in the header]",
    ),
    Option(
        "--encoding",
        section=TABLES,
        metavar="NAME",
        callback=_encoding,
        help="Read CSV in this encoding, such as cp1252 or utf-16.  [default: utf-8]",
    ),
    Option(
        "--skip",
        section=TABLES,
        type=Count(0),
        help="Skip N lines before the header, such as a title.",
    ),
    Option(
        "--no-header",
        section=TABLES,
        is_flag=True,
        help="Read the first row as data; the columns are called 'column 1', 'column 2', ...",
    ),
)
WEIGHT = Option(
    "--weight",
    section=TABLES,
    type=COLUMN,
    help="Weigh each row by this column: a weight of 2 counts as two rows, 0 as none. Nothing "
    "is predicted from it.",
)
TARGETS = Option(
    "--target",
    "targets",
    type=COLUMN,
    multiple=True,
    help="Column of the truth, one for each that is predicted (repeatable).  [default: as trained]",
)
UNKNOWN = Option(
    "--unknown",
    section=TABLES,
    type=click.Choice(["refuse", "allow"]),
    default="refuse",
    help="Refuse a table if no cell of some column was seen in training, or if a column of "
    "numbers holds texts; or allow both, and read these cells as missing.",
)
REPORT = Option(
    "--report",
    section=OUTPUT,
    metavar="FOLDER",
    type=FILE,
    help="Write report.html and its pictures to this folder.",
)
JSON = Option("--json", "as_json", section=OUTPUT, is_flag=True, help="Print the result as JSON.")
