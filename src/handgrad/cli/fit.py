"""``handgrad fit``: from a table to a trained model."""

from pathlib import Path
from typing import Any

import click

from handgrad.cli.checks import check_engine, check_output, check_report
from handgrad.cli.columns import plan_json, print_dry_run, print_plan
from handgrad.cli.data import Labelled, read_labelled
from handgrad.cli.fit_options import FIT_OPTIONS
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import TABLE, InSections
from handgrad.cli.outcome import Outcome, outcome_of, print_outcome, write_outcome
from handgrad.cli.parts import partition
from handgrad.cli.piles import (
    files_of_tables,
    fitted_in_piles,
    recipe_for_piles,
    source_beyond_memory,
)
from handgrad.cli.settings import settle
from handgrad.cli.terminal import print_json
from handgrad.cli.training import train


@click.command(cls=InSections, params=[*FIT_OPTIONS])
@click.argument("tables", metavar="[TABLE]...", type=TABLE, nargs=-1)
def fit(
    tables: tuple[Path, ...],
    target: str | None,
    as_json: bool,
    quiet: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Train networks on a table.

    TABLE is a CSV file (also gzipped), a Parquet, JSON or Excel file, or - for the standard input;
    several files with the same columns are one table. Before it trains, fit says what it takes
    each column for; --dry-run prints only that. Without TABLE, fit trains on the 344 Palmer
    penguins that come with handgrad: on their species, or with --task regression on their weight.
    """
    options = settle(given)
    tables = files_of_tables(tables)
    check_output(options["model_path"], *tables)
    check_report(options.get("report"))
    check_engine(options["engine"])
    load(*TABLE_LIBRARIES, "handgrad.estimators", "rich.progress")
    if (source := source_beyond_memory(tables, target, options)) is not None:
        options = settle(given | {"recipe": recipe_for_piles(source, options)})
        outcome = fitted_in_piles(source, options, show=not quiet, dry_run=dry_run)
    else:
        outcome = _fitted(tables, target, options, show=not quiet, dry_run=dry_run)
    if isinstance(outcome, Labelled):
        print_dry_run(outcome.plan, outcome.name, as_json=as_json)
        return
    written = write_outcome(outcome, options["model_path"], options.get("report"))
    if as_json:
        plan = outcome.data.plan
        columns = {"columns": plan_json(plan), "notes": plan.doubts}
        print_json(outcome.to_json() | columns | {"files": [str(path) for path in written]})
    else:
        print_outcome(outcome, written, verbose=options["verbose"])


def _fitted(
    tables: tuple[Path, ...],
    target: str | None,
    options: dict[str, Any],
    *,
    show: bool,
    dry_run: bool,
) -> Outcome | Labelled:
    """Read a table, train on it and judge the result; for a dry run, only read it."""
    data = read_labelled(tables, target, options)
    if dry_run:
        return data
    parts = partition(data, options)
    if show:
        print_plan(data.plan)
    estimator, seconds = train(parts, data.plan, options, show=show)
    return outcome_of(data, parts, estimator, seconds, options)
