"""``handgrad fit --memory``: a table that stays in its files, and is trained on pile by pile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.cli.columns import check_columns, missing_of, print_plan, wishes_of
from handgrad.cli.data import (
    Labelled,
    check_classes,
    check_no_fractions,
    check_variety,
    features_of,
)
from handgrad.cli.outcome import Outcome, outcome_of
from handgrad.cli.parts import Part, Parts
from handgrad.cli.reading import name_of, reading_of
from handgrad.cli.recipes import PLAIN, RECIPES
from handgrad.cli.settings import parameters
from handgrad.cli.terminal import note
from handgrad.cli.training import run
from handgrad.tables import columns as raw
from handgrad.tables.kinds import MISSING_IN_NUMBERS, Column, words_for_missing
from handgrad.tables.plan import Plan
from handgrad.tables.recognition.digest import Digest
from handgrad.tables.recognition.wishes import Wishes
from handgrad.tables.rows import take
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.estimators.source import Parquet

Array = NDArray[Any]

# Options that look at all rows, and what to do instead.
NEED_ALL_ROWS = {
    "test": "judge the model by other files, with handgrad evaluate",
    "report": "write one of other files, with handgrad evaluate --report",
    "validation_last": "leave it out, to draw the rows at random",
}


def files_of_tables(tables: Sequence[Path]) -> tuple[Path, ...]:
    """Put the files in the place of the folders they are in."""
    from handgrad.estimators.source import files_of

    return tuple(
        Path(name)
        for table in tables
        for name in (files_of(str(table)) if table.is_dir() else [str(table)])
    )


def source_beyond_memory(
    tables: Sequence[Path], target: str | None, options: dict[str, Any]
) -> Parquet | None:
    """Give the table as one that stays in its files, if it does not fit into --memory.

    Raises
    ------
    click.UsageError
        If the files cannot be read again and again.
    """
    memory = options["memory"]
    if memory is None or not tables or target is None:
        return None
    if pipes := [table for table in tables if table.exists() and not table.is_file()]:
        raise click.UsageError(
            f"--memory is for files, which are read again and again, and {shown(pipes[0])} is a "
            "pipe; write it to a file first"
        )
    from handgrad.estimators import Parquet

    source = Parquet(
        tables,
        target,
        options["weight"],
        memory,
        unlabelled="drop",
        drop=tuple(options["drop"]),
        reading=reading_of(options),
    )
    head = source.head
    check_columns(head, [target], "--target")
    features_of(head, target, options)
    if source.fits:
        note(f"the table fits into --memory, at some {source.needed:,} bytes: it is read whole")
        return None
    return source


def recipe_for_piles(source: Parquet, options: dict[str, Any]) -> str:
    """Say which recipe trains in piles, or refuse the one that was asked for.

    Raises
    ------
    click.UsageError
        If an option needs all rows in memory.
    """
    need = f"needs all rows in memory, some {source.needed:,} bytes, more than --memory"
    context = click.get_current_context()
    of_command_line = click.core.ParameterSource.COMMANDLINE
    if options["recipe"] != PLAIN:
        if options["because"] or context.get_parameter_source("recipe") is of_command_line:
            asked = options["because"] or f"--recipe {options['recipe']}"
            raise click.UsageError(f"{asked} {need}; raise that, or take --recipe {PLAIN}")
        note(f"the table stays in its files: --recipe {PLAIN} trains on it pile by pile")
    for name, instead in NEED_ALL_ROWS.items():
        if options.get(name):
            option = "--" + name.replace("_", "-")
            raise click.UsageError(f"{option} {need}; raise that, or {instead}")
    if options.get("validation") == 0:
        raise click.UsageError("--validation 0 leaves no rows in memory to judge the model by")
    return PLAIN


def fitted_in_piles(
    source: Parquet, options: dict[str, Any], *, show: bool, dry_run: bool
) -> Outcome | Labelled:
    """Train on a table that stays in its files; for a dry run, only look at its columns."""
    from dataclasses import replace

    with source.portions() as portions:
        head = portions.head
        features = source.features(head)
        words = Wishes(missing=missing_of(options, head)).missing_of(source.target)
        source = replace(source, missing=words)
        digest = Digest(features, wishes_of(options, features))
        answers = _Answers(source, options, max(1, portions.n_rows))
        for table in portions.tables():
            digest.add(source.features(table))
            answers.add(table)
        plan = digest.plan()
    answers.check()
    data = _described(source, plan, options)
    if dry_run:
        return data
    if show:
        print_plan(plan)
    n = max(1, portions.n_rows)
    estimator = RECIPES[PLAIN].estimator(options["task"], parameters(options, n))
    estimator.set_params(validation_fraction=options["validation"])
    seconds = run(lambda: estimator.fit(source), estimator, plan, options, show=show)
    parts, n_unlabelled, n_weightless = _parts(source, estimator, portions.n_rows)
    data = data._replace(n_unlabelled=n_unlabelled, n_weightless=n_weightless)
    return outcome_of(data, parts, estimator, seconds, options)


class _Answers:
    """What there is to learn, looked at before a training is begun."""

    def __init__(self, source: Parquet, options: dict[str, Any], n_rows: int) -> None:
        self._target, self._n = source.target, 0
        self._extremes: list[float] = []
        self._is_of_labels = options["task"] == "classification"
        estimator = RECIPES[PLAIN].estimator(options["task"], parameters(options, n_rows))
        self._answers = estimator._task.answers(source.target, source.missing)

    def add(self, table: pa.Table) -> None:
        if self._is_of_labels and raw.value_kind_of(table, self._target) == "number":
            labels, missing = raw.labels(table, self._target)
            check_no_fractions(labels[~missing], self._target)
        kept, missing = self._answers.kept(table)
        self._n += int((~missing).sum())
        if not self._is_of_labels and not missing.all():
            known = kept[~missing]
            both = [*self._extremes, known.min(), known.max()]
            self._extremes = [min(both), max(both)]

    def check(self) -> None:
        """Refuse what is no choice, as for a table in memory."""
        if not self._n:
            return  # the fit says it
        if self._is_of_labels:
            check_classes(self._answers.labels, self._n, self._target)
        else:
            check_variety(np.array(self._extremes), self._target)


def _described(source: Parquet, plan: Plan, options: dict[str, Any]) -> Labelled:
    """Describe the table; its rows are not there."""
    is_labels = options["task"] == "classification"
    missing = source.missing if is_labels else words_for_missing(MISSING_IN_NUMBERS, source.missing)
    truth = Column(source.target, "category" if is_labels else "number", missing=missing)
    nothing: Any = None
    return Labelled(
        name_of([Path(name) for name in source.names]),
        nothing,
        nothing,
        source.target,
        0,
        options["task"],
        None,
        0,
        nothing,
        nothing,
        plan,
        truth,
    )


def _parts(source: Parquet, estimator: Any, n_rows: int) -> tuple[Parts, int, int]:
    """Gather the rows held back, and count the others: they are too many to be here."""
    import pyarrow as pa

    held = estimator.held_back_
    answers = estimator._task.answers(source.target, source.missing)
    tables: list[pa.Table] = []
    kept: list[Array] = []
    weights: list[Array] = []
    first = n_unlabelled = n_weightless = 0
    with source.portions() as portions:
        for table in portions.tables():
            y, missing = answers.kept(table)
            low, high = np.searchsorted(held, (first, first + table.num_rows))
            rows = held[low:high] - first
            tables.append(take(source.features(table), rows))
            kept.append(y[rows])
            n_unlabelled += int(missing.sum())
            if (weight := source.weights(table)) is not None:
                weights.append(weight[rows])
                n_weightless += int((~missing & (weight == 0)).sum())
            first += table.num_rows
    y = answers.given(np.concatenate(kept))
    weight = np.concatenate(weights) if weights else None
    validation = Part("validation", pa.concat_tables(tables), y, weight)
    n_training = n_rows - n_unlabelled - n_weightless - len(held)
    training: Any = range(n_training)  # as long as the answers would be
    nothing: Any = None
    return (
        Parts(Part("training", nothing, training), validation, None),
        n_unlabelled,
        n_weightless,
    )
