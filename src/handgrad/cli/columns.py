"""What a command says of the columns of a table, and what the user says of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from numpy.typing import DTypeLike

from handgrad.cli.options import COLUMN, TABLES, Option
from handgrad.cli.terminal import note, print_json, print_table, say
from handgrad.errors import DataError
from handgrad.models.model import Model
from handgrad.tables.encode import Encoded, together
from handgrad.tables.files.portions import Portions
from handgrad.tables.kinds import KINDS, Unknown
from handgrad.tables.parts import column_to_json
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.wishes import Wishes
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table


MOST_DOUBTS = 20  # told before a training


def _pairs(_: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """Take COLUMN=KIND apart; a column's name may have an equals sign, a kind has none."""
    pairs = {}
    for text in texts:
        name, sign, kind = text.rpartition("=")
        if not (name and sign) or kind not in KINDS:
            raise click.UsageError(
                f"--kind must be COLUMN=KIND, the kind one of {', '.join(KINDS)}; got {shown(text)}"
            )
        pairs[name] = kind
    return pairs


PLAN_OPTIONS: tuple[Callable[[Any], Any], ...] = tuple(
    click.option(*names, cls=Option, section=TABLES, **settings)
    for names, settings in (
        (
            ("--kind", "kinds"),
            {
                "metavar": "COLUMN=KIND",
                "type": COLUMN,
                "multiple": True,
                "callback": _pairs,
                "help": f"Say what a column is: {', '.join(KINDS)} (repeatable).  "
                "[default: what it looks like]",
            },
        ),
        (
            ("--missing",),
            {
                "metavar": "[COLUMN=]TEXT",
                "type": COLUMN,
                "multiple": True,
                "help": "Read this text or number as a missing cell, in every column or in one "
                "(repeatable), as in --missing unknown --missing income=-999; --missing country= "
                "leaves only empty cells missing, so that NA is a level.",
            },
        ),
        (
            ("--decimal",),
            {
                "type": click.Choice([".", ","]),
                "help": "The sign before the fraction of numbers.  [default: each column decides]",
            },
        ),
        (
            ("--thousands",),
            {
                "metavar": "SIGN",
                "type": click.Choice([".", ",", "'", "_", "·", " "]),
                "help": "The sign between groups of three digits.  [default: each column decides]",
            },
        ),
        (
            ("--min-frequency",),
            {
                "metavar": "N",
                "type": click.IntRange(1),
                "default": 1,
                "show_default": True,
                "help": "Give a level of a category an input of its own if N training rows have "
                "it; rarer ones share one.",
            },
        ),
        (
            ("--max-levels",),
            {
                "metavar": "N",
                "type": click.IntRange(1),
                "default": 1000,
                "show_default": True,
                "help": "Give at most N levels of a category inputs of their own.",
            },
        ),
    )
)

UNKNOWN = click.option(
    "--unknown",
    type=click.Choice(["refuse", "allow"]),
    default="refuse",
    show_default=True,
    help="Refuse a table of which a whole column was never seen in training, and texts in columns "
    "of numbers; or allow both, as missing cells.",
)


def wishes_of(options: dict[str, Any], columns: "pa.Table") -> Wishes:
    """Read off the options what the user knows better of the columns that are predicted from."""
    names = set(columns.column_names)
    for name in options["kinds"]:
        if name not in names:
            raise click.UsageError(f"--kind {shown(name)}: there is no such column to predict from")
    declared = dict.fromkeys(options["categorical"], "category")
    missing = {n: w for n, w in missing_of(options, columns).items() if n is None or n in names}
    return Wishes(declared | options["kinds"], missing, options["decimal"], options["thousands"])


def missing_of(
    options: dict[str, Any], table: "pa.Table", *, told: bool = False
) -> dict[str | None, tuple[str, ...]]:
    """Tell the texts that mean missing: COLUMN=TEXT where there is such a column, else for all."""
    words: dict[str | None, tuple[str, ...]] = {}
    for text in options["missing"]:
        name, sign, word = text.partition("=")
        of_one = bool(sign) and name in table.column_names
        if told and sign and not of_one:
            note(
                f"--missing {shown(text)}: no column is called {shown(name)}, so the whole text "
                "means missing, in every column"
            )
        key, value = (name, word) if of_one else (None, text)
        words[key] = (*words.get(key, ()), value.strip())
    return words


def print_plan(plan: Plan) -> None:
    """Say on stderr what the columns were taken for, and what is doubtful."""
    note(f"columns: {shown(plan.summary())}")
    doubts = plan.doubts
    for doubt in doubts[:MOST_DOUBTS]:
        note(f"  {shown(doubt)}")
    if len(doubts) > MOST_DOUBTS:
        note(f"  and {len(doubts) - MOST_DOUBTS:,} more such notes")
    if doubts:
        note("  (--kind, --missing, --decimal and --drop have it otherwise; --dry-run shows all)")


def print_dry_run(plan: Plan, name: str, *, as_json: bool) -> None:
    """Print what each column is taken for, and what is doubtful, to stdout."""
    if as_json:
        print_json({"table": name, "columns": plan_json(plan), "notes": plan.doubts})
        return
    say(f"{shown(name)}: {shown(plan.summary())}")
    print_table(plan_table(plan))
    for doubt in plan.doubts:
        say(f"note: {shown(doubt)}")
    say("Nothing was trained (--dry-run).")


def plan_json(plan: Plan) -> list[dict[str, Any]]:
    """Describe each column for a machine."""
    return [{"name": column.name, "kind": column.kind} | column_to_json(column) for column in plan]


def plan_table(plan: Plan) -> "Table":
    """Make a table of names, kinds and reasons."""
    from rich.table import Table

    table = Table(title="columns", title_justify="left")
    for heading in ("column", "kind", "why"):
        table.add_column(heading, overflow="fold")
    for row in plan.rows():
        table.add_row(*map(shown, row))
    return table


def encode(model: Model, columns: "pa.Table", unknown: str) -> Encoded:
    """Turn a table into inputs; say which cells the model does not know.

    Raises
    ------
    DataError
        If no cell of a column is known, or a text stands where only numbers did, unless unknown
        cells are allowed.
    """
    [(_, encoded)] = encoded_portions(model, Portions.of(columns), unknown)
    return encoded


def encoded_portions(
    model: Model, portions: Portions, unknown: str
) -> "Iterator[tuple[pa.Table, Encoded]]":
    """Turn a table into inputs, portion by portion; with the last say what is not known in any.

    Raises
    ------
    DataError
        As `encode` does; before the first portion, if no cell of a column is known in any.
    """
    if not portions.is_one and unknown != "allow":
        _check_for_drift(model, portions, unknown)
    found: tuple[Unknown, ...] = ()
    for table, is_last in _telling_the_last(portions.tables()):
        encoded = encode_some(model, table, unknown, is_part=not portions.is_one)
        found = together((*found, *encoded.unknown))
        if is_last:
            _account_for(found, unknown)
        yield table, encoded


def _check_for_drift(model: Model, portions: Portions, unknown: str) -> None:
    """Look on as long as all that has come of a column is unknown: seldom beyond one portion."""
    found: tuple[Unknown, ...] = ()
    for table in portions.tables():
        encoded = encode_some(model, table, unknown, is_part=True)
        found = together((*found, *encoded.unknown))
        if not any(one.is_drift for one in found):
            return
    _account_for(found, unknown)


def _telling_the_last(tables: "Iterator[pa.Table]") -> "Iterator[tuple[pa.Table, bool]]":
    ahead = next(tables)
    for table in tables:
        yield ahead, False
        ahead = table
    yield ahead, True


def _account_for(found: Sequence[Unknown], unknown: str) -> None:
    note_unknown(found)
    drifted = [one.column for one in found if one.is_drift]
    if drifted and unknown != "allow":
        raise DataError(
            f"no cell of {', '.join(map(repr, drifted))} was there when the model was fitted: is "
            "it the same table? --unknown allow predicts all the same"
        )


def encode_some(
    model: Model,
    rows: "pa.Table",
    unknown: str,
    dtype: DTypeLike | None = None,
    *,
    is_part: bool = False,
) -> Encoded:
    """Turn a few rows into inputs, of which no column can be said to have drifted.

    Raises
    ------
    DataError
        If a text stands where only numbers did, unless unknown cells are allowed.
    """
    try:
        dtype = model.params.flat.dtype if dtype is None else dtype
        return model.encoder.encode(rows, dtype, strict=unknown != "allow", is_part=is_part)
    except DataError as error:
        if "is not a" not in str(error):
            raise
        raise DataError(f"{error}; --unknown allow takes such cells for missing") from None


def note_unknown(unknown: Iterable[Unknown]) -> None:
    """Say on stderr which cells the model does not know, a line for each column."""
    for one in together(unknown):
        if one.n:
            note(shown(str(one)))
