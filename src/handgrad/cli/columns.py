"""The columns of a table: their names, what the user says of them, what they are taken for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from handgrad.cli.terminal import listed, note, print_json, print_table, say
from handgrad.tables.parts import column_to_json
from handgrad.tables.recognition.wishes import Wishes
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table

    from handgrad.tables.plan import Plan

MOST_DOUBTS = 20  # in the notes before a training


def check_columns(table: pa.Table, wanted: Sequence[str], option: str) -> None:
    """Refuse names that the table does not have, all at once."""
    absent = [name for name in wanted if name not in table.column_names]
    if absent:
        guessed = listed(f"{shown(name)}{_guess(name, table)}" for name in absent)
        column = "column" if len(absent) == 1 else "columns"
        raise click.UsageError(
            f"{option} {guessed}: the table has no such {column}; it has "
            f"{listed(table.column_names)}"
        )


def _guess(name: str, table: pa.Table) -> str:
    from difflib import get_close_matches

    plain = {column.casefold(): column for column in table.column_names}
    near = get_close_matches(name.strip().casefold(), plain, n=1)
    return f" (did you mean {shown(plain[near[0]])}?)" if near else ""


def wishes_of(options: dict[str, Any], columns: pa.Table) -> Wishes:
    """Gather from the options what the user declares about the columns that are predicted from."""
    names = set(columns.column_names)
    for name in options["kinds"]:
        if name not in names:
            raise click.UsageError(f"--kind {shown(name)}: there is no such column to predict from")
    declared = dict.fromkeys(options["categorical"], "category")
    missing = {n: w for n, w in missing_of(options, columns).items() if n is None or n in names}
    return Wishes(declared | options["kinds"], missing, options["decimal"], options["thousands"])


def missing_of(
    options: dict[str, Any], table: pa.Table, *, notes: bool = False
) -> dict[str | None, tuple[str, ...]]:
    """Give the texts that mean missing in one column, for COLUMN=TEXT, or (None) in every one."""
    words: dict[str | None, tuple[str, ...]] = {}
    for text in options["missing"]:
        name, sign, word = text.partition("=")
        of_one = bool(sign) and name in table.column_names
        if notes and sign and not of_one:
            note(
                f"--missing {shown(text)}: no column is called {shown(name)}, so the whole text "
                "means missing, in every column"
            )
        key, value = (name, word) if of_one else (None, text)
        words[key] = (*words.get(key, ()), value.strip())
    return words


def print_plan(plan: Plan) -> None:
    """Note on stderr what the columns were taken for, and what is doubtful."""
    note(f"columns: {shown(plan.summary())}")
    doubts = plan.doubts
    for doubt in doubts[:MOST_DOUBTS]:
        note(f"  {shown(doubt)}")
    if len(doubts) > MOST_DOUBTS:
        note(f"  and {len(doubts) - MOST_DOUBTS:,} more notes of this kind")
    if doubts:
        note("  (--kind, --missing, --decimal and --drop change this; --dry-run shows all)")


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


def plan_table(plan: Plan) -> Table:
    """Make a table of names, kinds and reasons."""
    from rich.table import Table

    table = Table(title="columns", title_justify="left")
    for heading in ("column", "kind", "why"):
        table.add_column(heading, overflow="fold")
    for row in plan.rows():
        table.add_row(*map(shown, row))
    return table
