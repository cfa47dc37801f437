"""``handgrad evaluate --importance``: which columns a model leans on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from handgrad.cli.judge import judged, predict_for_judging
from handgrad.cli.options import Count, Option
from handgrad.cli.results import finite
from handgrad.cli.terminal import note, print_table, say
from handgrad.models.evaluation import worsening_words
from handgrad.models.importance import importances, leading_figure, rows_to_shuffle
from handgrad.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.cli.truth import Truths
    from handgrad.models.importance import Importance
    from handgrad.models.model import Model
    from handgrad.tables.encode import Encoded

Array = NDArray[Any]

SECTION = "Importance"
REPEATS, SEED = 5, 0
OPTIONS = (
    Option(
        "--importance",
        section=SECTION,
        is_flag=True,
        help="Shuffle the cells of each column among the rows, and tell how much worse the model "
        "predicts. Columns that say the same share their importance: each may seem to matter "
        "little, since the model still has the other. Shuffled rows may be unlike any real one.",
    ),
    Option(
        "--repeats",
        section=SECTION,
        type=Count(1, 1000),
        help=f"Shuffle each column N times for --importance.  [default: {REPEATS}]",
    ),
    Option(
        "--seed",
        section=SECTION,
        type=Count(0, 2**32 - 1),
        help=f"Seed for the shuffles of --importance.  [default: {SEED}]",
    ),
)
MOST_LINES = 30  # columns
LONGEST_BAR = 20  # signs


@dataclass
class Shuffles:
    """The rows to shuffle, gathered as they come by, and how to shuffle them."""

    rows: NDArray[np.intp]
    repeats: int
    seed: int
    parts: list[Array] = field(default_factory=list)

    def gathering(
        self, portions: Iterator[tuple[pa.Table, Encoded]]
    ) -> Iterator[tuple[pa.Table, Encoded]]:
        """Keep the inputs of the rows; pass all on."""
        first = 0
        for table, encoded in portions:
            stop = first + len(encoded.x)
            low, high = np.searchsorted(self.rows, (first, stop))
            self.parts.append(encoded.x[self.rows[low:high] - first])
            first = stop
            yield table, encoded

    def measured(self, model: Model, truths: Truths) -> Measured:
        """Shuffle each column, and judge the model each time."""
        own = truths.of(self.rows)

        def judge(rows: Encoded) -> Any:
            return judged(model, predict_for_judging(model, rows), own)

        x = np.concatenate(self.parts)
        found = importances(
            model.encoder, x, judge, own.weight, repeats=self.repeats, seed=self.seed
        )
        return Measured(found, len(x), self.repeats, self.seed)


@dataclass(frozen=True)
class Measured:
    """The importance of each column, and what it was measured by."""

    found: list[Importance]
    n_rows: int
    repeats: int
    seed: int

    @property
    def heading(self) -> str:
        times = "once" if self.repeats == 1 else f"{self.repeats} times: mean ± standard deviation"
        return (
            f"importance: how much worse {self.n_rows:,} rows are predicted with the cells of one "
            f"column shuffled ({times})"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.n_rows,
            "repeats": self.repeats,
            "seed": self.seed,
            "columns": [{"column": one.column} | _figures_json(one) for one in self.found],
        }

    def print(self) -> None:
        from rich.table import Table

        say(self.heading)
        table = Table()
        table.add_column("column", overflow="fold")
        for name in self.decimals:
            table.add_column(worsening_words(name), justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
        for one in self.found[:MOST_LINES]:
            table.add_row(shown(one.column), *self._cells(one), self._bar(one))
        print_table(table)
        if len(self.found) > MOST_LINES:
            more = len(self.found) - MOST_LINES
            say(f"and {more:,} more columns, of less importance; --json tells all")

    @cached_property
    def decimals(self) -> dict[str, int]:
        """Say how many decimals each figure is written with: four digits of the largest."""
        sizes = {name: [abs(one.mean[name]) for one in self.found] for name in self._names}
        return {
            name: _decimals(max(filter(np.isfinite, of), default=0)) for name, of in sizes.items()
        }

    @property
    def _names(self) -> list[str]:
        return list(self.found[0].mean) if self.found else []

    def _cells(self, one: Importance) -> list[str]:
        return [
            "-" if np.isnan(one.mean[name]) else self._cell(one.mean[name], one.std[name], n)
            for name, n in self.decimals.items()
        ]

    def _cell(self, mean: float, std: float, n: int) -> str:
        written = f"{round(mean, n) + 0.0:,.{n}f}"  # no -0.000
        return written if self.repeats == 1 else f"{written} ± {std:,.{n}f}"

    def _bar(self, one: Importance) -> str:
        """Draw the leading figure, as long as its share of the largest one."""
        name = leading_figure(self.found)
        most, own = (each.mean[name] for each in (self.found[0], one))
        share = own / most if 0 < own <= most < np.inf else 0.0
        return "#" * round(LONGEST_BAR * share)


def shuffles_of(
    model: Model, truths: Truths, *, importance: bool, repeats: int | None, seed: int | None
) -> Shuffles | None:
    """Settle what to shuffle; None where importance is not asked for.

    Raises
    ------
    DataError
        If there are too few rows to shuffle.
    """
    if not importance:
        return None
    seed = SEED if seed is None else seed
    rows = rows_to_shuffle(model.encoder, truths.counted, seed)
    if len(rows) < (n := int(truths.counted.sum())):
        note(f"--importance: measured on {len(rows):,} of {n:,} rows, drawn by --seed {seed}")
    return Shuffles(rows, repeats or REPEATS, seed)


def check_importance(*, importance: bool, **others: int | None) -> None:
    """Refuse what means something with --importance only.

    Raises
    ------
    click.UsageError
        If it is given without.
    """
    for name, value in others.items():
        if value is not None and not importance:
            raise click.UsageError(f"--{name} is for --importance; add it, or leave --{name} out")


def _decimals(largest: float) -> int:
    return min(4, max(0, 3 - int(np.floor(np.log10(largest))))) if largest > 0 else 4


def _figures_json(one: Importance) -> dict[str, dict[str, float | None]]:
    return {
        name: dict(zip(("mean", "std"), finite((mean, one.std[name])), strict=True))
        for name, mean in one.mean.items()
    }
