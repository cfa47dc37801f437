"""``handgrad evaluate``: a model judged by rows whose truth is known."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.cli.checks import check_report
from handgrad.cli.data import note_extra_columns
from handgrad.cli.judge import judge, read_truths, targets_of
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import FILE, JSON, REPORT, TABLE, TARGETS, reading_options
from handgrad.cli.outcome import network_facts, no_warnings
from handgrad.cli.reading import name_of, read
from handgrad.evaluation import Judgement
from handgrad.history import History
from handgrad.model import Model
from handgrad.model_file import load_model
from handgrad.tables.rows import take
from handgrad.terminal import (
    evaluation_json,
    note,
    print_evaluation,
    print_json,
    say,
    shown,
)

if TYPE_CHECKING:
    import pyarrow as pa


@click.command("evaluate")
@click.argument("model", type=FILE)
@click.argument("tables", metavar="TABLE...", type=TABLE, nargs=-1, required=True)
@TARGETS
@reading_options
@REPORT
@JSON
def evaluate_command(
    model: Path,
    tables: tuple[Path, ...],
    targets: tuple[str, ...],
    report: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Judge MODEL by rows of TABLE whose truth is known.

    TABLE may be several files with the same columns. Where a row may have several labels, or
    several numbers are predicted, name the column of each with --target, in the order in which
    they were trained.
    """
    check_report(report)
    load(*TABLE_LIBRARIES)
    trained = load_model(model)
    columns = read(tables, options)
    known = targets_of(trained, targets)
    truths = read_truths(trained, columns, known)
    evaluation = judge(trained, columns, truths)
    note_extra_columns(trained, columns, known)
    if truths.missing.any():
        what = "label" if len(trained.classes) else "number"
        note(f"left out: {int(truths.missing.sum()):,} rows without a {what}")
    written = []
    if report is not None:
        labelled = np.flatnonzero(~truths.missing)
        rows, y_t = take(columns, labelled), truths.y_t[labelled]
        written = _report_of(trained, rows, y_t, evaluation, report, name_of(tables))
    if as_json:
        files = {"files": [str(path) for path in written]} if written else {}
        print_json(evaluation_json(evaluation) | files)
        return
    print_evaluation(evaluation, f"{evaluation.n:,} rows")
    for path in written:
        say(f"wrote {shown(path)}")


def _report_of(
    model: Model,
    columns: "pa.Table",
    y_t: NDArray[Any],
    evaluation: Judgement,
    folder: Path,
    name: str,
) -> list[Path]:
    from handgrad.report import Judged, write_report

    known = [("table", name), *network_facts(model)]
    folder.mkdir(parents=True, exist_ok=True)
    with no_warnings():
        return write_report(
            folder,
            History(()),
            evaluation,
            rows=f"{evaluation.n:,} rows",
            best=None,
            judged=Judged(model, columns, y_t),
            known=known,
        )
