"""``handgrad fit``: from a table to a trained model."""

from functools import partial
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
from handgrad.cli.workers import check_in_memory, check_workers, in_one_voice, joined, start
from handgrad.workers.seam import Comm


@click.command(cls=InSections, params=[*FIT_OPTIONS])
@click.argument("tables", metavar="[TABLE]...", type=TABLE, nargs=-1)
def fit(
    tables: tuple[Path, ...],
    target: str | None,
    as_json: bool,
    quiet: bool,
    dry_run: bool,
    **given: Any,
) -> int | None:
    """Train networks on a table.

    TABLE is a CSV file (also gzipped), a Parquet, JSON or Excel file, a folder of such files, or -
    for the standard input; several files with the same columns are one table. Before it trains, fit
    says what it takes each column for; --dry-run prints only that. Without TABLE, fit trains on the
    344 Palmer penguins that come with handgrad: on their species, or with --task regression on
    their weight.
    """
    options = settle(given)
    check_workers(options, tables)
    tables = files_of_tables(tables)
    check_output(options["model_path"], *tables)
    check_report(options.get("report"))
    check_engine(options["engine"])
    if not dry_run:
        code = start(options["workers"], options["checkpoint"])
        if code is not None:
            return code
    comm = joined(options["workers"])
    work = partial(_fit, tables, target, options, given, comm, as_json, quiet, dry_run)
    return in_one_voice(comm, work)


def _fit(
    tables: tuple[Path, ...],
    target: str | None,
    options: dict[str, Any],
    given: dict[str, Any],
    comm: Comm | None,
    as_json: bool,
    quiet: bool,
    dry_run: bool,
) -> None:
    load(*TABLE_LIBRARIES, "handgrad.estimators", "rich.progress")
    outcome: Outcome | Labelled | None
    if (source := source_beyond_memory(tables, target, options)) is not None:
        check_in_memory(comm)
        options = settle(given | {"recipe": recipe_for_piles(source, options)})
        outcome = fitted_in_piles(source, options, show=not quiet, dry_run=dry_run)
    else:
        outcome = _fitted(tables, target, options, comm, show=not quiet, dry_run=dry_run)
    if outcome is None:
        return
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
    comm: Comm | None,
    *,
    show: bool,
    dry_run: bool,
) -> Outcome | Labelled | None:
    """Read a table, train on it and judge the result; for a dry run, only read it.

    Workers share the training, and the first of them alone judges.
    """
    data = read_labelled(tables, target, options)
    if dry_run:
        return data
    parts = partition(data, options)
    if show:
        print_plan(data.plan)
    estimator, seconds = train(parts, data.plan, options, show=show, comm=comm)
    if comm is not None and comm.rank:
        return None
    return outcome_of(data, parts, estimator, seconds, options)
