"""``handgrad evaluate``: a model judged by rows whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from handgrad.cli.checks import check_report
from handgrad.cli.columns import check_columns
from handgrad.cli.encoding import encoded_portions, note_extra_columns
from handgrad.cli.importance import OPTIONS as IMPORTANCE
from handgrad.cli.importance import check_importance, shuffles_of
from handgrad.cli.judge import judged, predict_for_judging
from handgrad.cli.libraries import TABLE_LIBRARIES, load
from handgrad.cli.options import (
    FILE,
    JSON,
    READING_OPTIONS,
    REPORT,
    TABLE,
    TARGETS,
    UNKNOWN,
    WEIGHT,
)
from handgrad.cli.outcome import model_facts, weightless, write_report
from handgrad.cli.reading import in_portions, name_of
from handgrad.cli.results import evaluation_json, print_evaluation, rows_text
from handgrad.cli.terminal import note, print_json, say
from handgrad.cli.truth import read_truths, targets_of, weighed
from handgrad.models.file import load_model
from handgrad.tables.rows import take
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.tables.files.portions import Portions


@click.command(params=[TARGETS, WEIGHT, UNKNOWN, *READING_OPTIONS, *IMPORTANCE, REPORT, JSON])
@click.argument("model", type=FILE)
@click.argument("tables", metavar="TABLE...", type=TABLE, nargs=-1, required=True)
def evaluate(
    model: Path,
    tables: tuple[Path, ...],
    targets: tuple[str, ...],
    weight: str | None,
    report: Path | None,
    as_json: bool,
    unknown: str,
    importance: bool,
    repeats: int | None,
    seed: int | None,
    **options: Any,
) -> None:
    """Judge MODEL by rows of TABLE whose truth is known.

    TABLE may be several files with the same columns. If the model predicts several labels or
    several numbers for each row, name the column of each with --target, in the order in which
    they were trained.
    """
    check_importance(importance=importance, repeats=repeats, seed=seed)
    check_report(report)
    load(*TABLE_LIBRARIES)
    trained = load_model(model)
    known = targets_of(trained, targets)
    # The pictures of a report show rows: they need the table itself.
    with in_portions(tables, options, whole=report is not None) as portions:
        columns = _columns_of_truth(portions, known, weight)
        truths = weighed(read_truths(trained, columns, known, unknown), columns, weight)
        shuffles = shuffles_of(trained, truths, importance=importance, repeats=repeats, seed=seed)
        encoded = encoded_portions(trained, portions, unknown)
        if shuffles is not None:
            encoded = shuffles.gathering(encoded)
        predicted = np.concatenate([predict_for_judging(trained, rows) for _, rows in encoded])
        evaluation = judged(trained, predicted, truths)
        used = known if weight is None else [*known, weight]
        note_extra_columns(trained, portions.head, used)
    if n_missing := int(truths.missing.sum()) - truths.n_strange:
        what = "label" if len(trained.classes) else "number"
        note(f"left out: {n_missing:,} rows without a {what}")
    if n_weightless := int((~truths.missing & ~truths.counted).sum()):
        note(weightless(n_weightless))
    measured = None if shuffles is None else shuffles.measured(trained, truths)
    rows_judged = rows_text(evaluation.n, "", weight)
    written = []
    if report is not None:
        labelled = np.flatnonzero(truths.counted)
        written = write_report(
            report,
            (trained, take(columns, labelled), truths.y_t[labelled]),
            evaluation,
            rows=rows_judged,
            known=[("table", name_of(tables)), *model_facts(trained, weight)],
            importances=[] if measured is None else measured.found,
        )
    if as_json:
        files = {"files": [str(path) for path in written]} if written else {}
        by_weight = {} if weight is None else {"weight": weight}
        shuffled = {} if measured is None else {"importance": measured.to_json()}
        print_json(evaluation_json(evaluation) | by_weight | shuffled | files)
        return
    print_evaluation(evaluation, rows_judged)
    if measured is not None:
        measured.print()
    for path in written:
        say(f"wrote {shown(path)}")


def _columns_of_truth(portions: Portions, known: list[str], weight: str | None) -> pa.Table:
    """Gather what is known of all rows; all else stays in the file, if that is a long one."""
    check_columns(portions.head, known, "--target")
    weights = [] if weight is None else [weight]
    check_columns(portions.head, weights, "--weight")
    return portions.whole(None if portions.is_one else list(dict.fromkeys([*known, *weights])))
