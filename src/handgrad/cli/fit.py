"""``handgrad fit``: from a table to a trained model."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from handgrad.cli.checks import check_engine, check_output, check_report
from handgrad.cli.columns import plan_json, print_dry_run, print_plan
from handgrad.cli.data import read_labelled
from handgrad.cli.fit_options import FIT_OPTIONS
from handgrad.cli.judge import judge_fit
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import TABLE, InSections
from handgrad.cli.outcome import Outcome, print_outcome, write_outcome
from handgrad.cli.parts import partition
from handgrad.cli.recipes import PLAIN
from handgrad.cli.settings import settings_json, settle
from handgrad.cli.terminal import print_json
from handgrad.cli.training import train
from handgrad.cli.workers import check_workers, in_one_voice, joined, start
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

    TABLE is a CSV file (also gzipped), a Parquet, JSON or Excel file, or - for the standard input;
    several files with the same columns are one table. Before it trains, fit says what it takes
    each column for; --dry-run prints only that. Without TABLE, fit trains on the 344 Palmer
    penguins that come with handgrad: on their species, or with --task regression on their weight.
    """
    options = settle(given)
    check_workers(options, tables)
    check_output(options["model_path"], *tables)
    check_report(options.get("report"))
    check_engine(options["engine"])
    if not dry_run:
        code = start(options["workers"], options["checkpoint"])
        if code is not None:
            return code
    comm = None if dry_run else joined(options["workers"])
    work = partial(_fit, tables, target, options, comm, as_json, quiet, dry_run)
    return in_one_voice(comm, work)


def _fit(
    tables: tuple[Path, ...],
    target: str | None,
    options: dict[str, Any],
    comm: Comm | None,
    as_json: bool,
    quiet: bool,
    dry_run: bool,
) -> None:
    load(*TABLE_LIBRARIES, "handgrad.estimators", "rich.progress")
    data = read_labelled(tables, target, options)
    if dry_run:
        print_dry_run(data.plan, data.name, as_json=as_json)
        return
    parts = partition(data, options)
    if not quiet:
        print_plan(data.plan)
    estimator, seconds = train(parts, data.plan, options, show=not quiet, comm=comm)
    if comm is not None and comm.rank:
        return
    fitted = estimator._now
    model = replace(estimator.model_with_settings(), target=data.target, truth=data.truth)
    outcome = Outcome(
        data,
        parts,
        model,
        fitted,
        judge_fit(model, parts, fitted),
        seconds,
        settings_json(options, len(parts.training.y)),
        estimator.learning_rate_init,
        options["because"] if options["recipe"] == PLAIN else "",
    )
    written = write_outcome(outcome, options["model_path"], options.get("report"))
    if as_json:
        columns = {"columns": plan_json(data.plan), "notes": data.plan.doubts}
        print_json(outcome.to_json() | columns | {"files": [str(path) for path in written]})
    else:
        print_outcome(outcome, written, verbose=options["verbose"])
