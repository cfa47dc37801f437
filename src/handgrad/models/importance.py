"""How much a model leans on each column: how much worse it predicts where its cells are shuffled.

    importance of a column = how much worse the figure gets with the cells of the column shuffled:
                             the rise of a loss, the drop of an accuracy or R2

(Breiman, 2001, Random Forests, section 10; Fisher, Rudin and Dominici, 2019, equation 3, shuffle
by shuffle.) The rows are encoded once: a row's inputs of a column depend on its cell in this column
alone, so that shuffled inputs are the inputs of shuffled cells. Columns that say the same share
their importance: shuffle one, and the network still has the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handgrad.chance import order_for, share_for
from handgrad.errors import DataError
from handgrad.models.evaluation import worsening
from handgrad.tables.encode import Encoded

if TYPE_CHECKING:
    from handgrad.chance import Order
    from handgrad.models.evaluation import Judgement
    from handgrad.tables.encode import Encoder

MOST_ROWS = 10_000
MOST_CELLS = 1 << 25  # inputs held, twice: 256 MB of float32
FEWEST_ROWS = 2  # of one row there is nothing to shuffle


@dataclass(frozen=True, eq=False)
class Importance:
    """How much worse the figures are where a column is shuffled.

    Attributes
    ----------
    column : str
    worsening : dict of str to float array of shape (repeats,)
        For each figure, the most telling first, how much worse it is after each shuffle:
        "log_loss_rise" and "accuracy_drop"; for numbers "r2_drop" (NaN where the truth does not
        vary) and "root_mean_squared_error_rise", for quantiles "pinball_loss_rise".
    """

    column: str
    worsening: dict[str, NDArray[np.float64]]

    @cached_property
    def mean(self) -> dict[str, float]:
        """The mean over the shuffles of each figure."""
        with np.errstate(over="ignore"):
            return {name: float(np.mean(found)) for name, found in self.worsening.items()}

    @cached_property
    def std(self) -> dict[str, float]:
        """The standard deviation over the shuffles of each figure."""
        with np.errstate(over="ignore", invalid="ignore"):
            return {name: float(np.std(found)) for name, found in self.worsening.items()}


def rows_to_shuffle(encoder: Encoder, counted: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """Choose the rows that importance is measured on: all that count, or a sample of them.

    Parameters
    ----------
    encoder : Encoder
    counted : bool array of shape (n,)
        The rows that have a truth, and a weight above 0 if there are weights.
    seed : int

    Returns
    -------
    int array of shape (m,)
        Places of rows, ascending; at most ``MOST_ROWS``, fewer of very many inputs.

    Raises
    ------
    DataError
        If fewer than two rows count.
    """
    rows = np.flatnonzero(counted)
    if len(rows) < FEWEST_ROWS:
        raise DataError(
            f"importance is measured by shuffling cells among rows, and needs {FEWEST_ROWS} rows "
            f"or more that have their truth; there is {len(rows)}"
        )
    most = max(FEWEST_ROWS, min(MOST_ROWS, MOST_CELLS // max(1, encoder.n_inputs)))
    if len(rows) <= most:
        return rows
    return np.sort(rows[order_for(len(rows), seed)[:most]])


def importances(
    encoder: Encoder,
    x: NDArray[Any],
    judge: Callable[[Encoded], Judgement],
    weight: NDArray[Any] | None = None,
    *,
    repeats: int = 5,
    seed: int = 0,
) -> list[Importance]:
    """Measure how much worse a model predicts where the cells of one column are shuffled.

    Parameters
    ----------
    encoder : Encoder
    x : float array of shape (n, n_inputs)
        Rows that it encoded, n at least 2.
    judge : callable
        Predicts these rows, or shuffled ones, and compares them with the truth of the rows.
    weight : float array of shape (n,), optional
        How much each row counts, above 0; a cell is dealt out as often as its row counts.
    repeats : int
        How often each column is shuffled, at least 1.
    seed : int
        Decides the shuffles, with the place of the column in the encoder.

    Returns
    -------
    list of Importance
        One for each column that the model needs, the most important first: by the first figure,
        then by the others. The importance of a column that never varies is 0.
    """
    before = judge(Encoded(x))
    weight = np.ones(len(x)) if weight is None else weight / weight.max()
    shuffled = np.array(x)
    found = []
    for number, column in enumerate(encoder.needed):
        places = np.array(encoder.all_places[column], dtype=np.intp)
        own = x[:, places]
        changes = []
        for repeat in range(repeats if (own != own[0]).any() else 0):
            shuffled[:, places] = own[_givers(weight, seed, number, repeat)]
            changes.append(worsening(before, judge(Encoded(shuffled))))
        shuffled[:, places] = own
        changes = changes or [worsening(before, before)] * repeats
        found.append(Importance(column, _by_figure(changes)))
    return sorted(found, key=_rank)


def leading_figure(found: Sequence[Importance]) -> str:
    """Name the figure by which columns are compared: the first that is a number."""
    figures = found[0].mean
    return next((name for name, mean in figures.items() if not np.isnan(mean)), next(iter(figures)))


def _by_figure(changes: list[dict[str, float]]) -> dict[str, NDArray[np.float64]]:
    return {name: np.array([change[name] for change in changes]) for name in changes[0]}


def _rank(one: Importance) -> list[float]:
    return [-float(np.nan_to_num(mean)) for mean in one.mean.values()]


def _givers(weight: NDArray[np.float64], *place: int) -> Order:
    """Deal the cells of a column out anew: the row whose cell each row gets, shape (n,).

    The rows lie in two random orders along a circle, each as long as its weight, one order turned
    against the other by chance; a row gets the cell that lies at its middle. So each cell is dealt
    out as often as its row counts, and the cells of rows of equal weights once each.
    """
    takers, givers = (order_for(len(weight), *place, side) for side in (0, 1))
    ends = np.cumsum(weight[givers])
    middle = np.cumsum(weight[takers]) - weight[takers] / 2 + share_for(*place) * ends[-1]
    middle[middle >= ends[-1]] -= ends[-1]
    dealt = np.empty(len(weight), dtype=np.intp)
    dealt[takers] = givers[np.minimum(np.searchsorted(ends, middle), len(weight) - 1)]
    return dealt
