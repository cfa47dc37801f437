"""How much worse predictions are where the cells of a column are shuffled: a bar for each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handgrad.models.evaluation import worsening_words
from handgrad.models.importance import leading_figure
from handgrad.plots.style import BLUE, GREY, new_figure, plain, quiet, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from handgrad.models.importance import Importance

MOST_BARS = 30
LARGEST = 1e100  # matplotlib's axes know no longer bars


def importance_bars(importances: Sequence["Importance"]) -> "Figure":
    """Draw the first figure of the most important columns, with its standard deviation.

    Parameters
    ----------
    importances : sequence of Importance
        One or more, the most important first.
    """
    some = importances[:MOST_BARS]
    name = leading_figure(some)
    means = np.clip([one.mean[name] for one in some], -LARGEST, LARGEST)
    spreads = np.nan_to_num([one.std[name] for one in some], posinf=LARGEST)
    figure = new_figure(8, 1.7 + 0.3 * len(some))
    ax = figure.subplots()
    places = np.arange(len(some))
    ax.barh(places, means, xerr=spreads, color=BLUE, error_kw={"ecolor": GREY, "elinewidth": 1.2})
    ax.set_yticks(places, [plain(one.column) for one in some])
    ax.invert_yaxis()
    ax.set(xlabel=worsening_words(name))
    title(ax, "Importance of the columns")
    quiet(ax)
    return figure
