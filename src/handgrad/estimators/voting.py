"""Who predicts together, and by what shares: chosen by rows that the networks held back."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

IN_DOUBT = 2  # standard errors by which a contender may lose and yet go on
LEAST_FREEDOM = 1e-9
VOTES = 10


def unbeaten(losses: Sequence[Array], share: Array) -> list[int]:
    """Pick the winner, and whoever it does not beat beyond doubt.

    All have seen the same rows, so their losses are compared row by row: the mean of the
    differences must exceed twice its standard error.

    Parameters
    ----------
    losses : sequence of arrays of shape (m,)
        For each contender, the loss of each row.
    share : array of shape (m,)
        The share of each row in the mean; they sum to 1.

    Returns
    -------
    list of int
        The numbers of the contenders, the one with the least loss first.
    """
    means = [float(share @ loss) for loss in losses]
    first, *others = np.argsort(means, kind="stable").tolist()
    worse = {k: losses[k] - losses[first] for k in others}
    return [first] + [k for k in others if share @ worse[k] <= IN_DOUBT * _error(worse[k], share)]


def _error(values: Array, share: Array) -> float:
    """Estimate the standard error of a weighted mean; that of one row alone is infinite."""
    freedom = 1 - float(share @ share)
    if freedom < LEAST_FREEDOM:
        return np.inf
    return float(np.sqrt(np.sum((share * (values - share @ values)) ** 2) / freedom))


def votes(
    scores: Sequence[Array],
    mean_scores: Callable[[Array, Array], Array],
    mean_loss: Callable[[Array], float],
) -> list[int]:
    """Find how many of 10 votes each team should have, by adding one after the other.

    Each vote goes to the team with which the mean of all votes loses least; a team may have none.
    See Caruana et al. (2004), Ensemble selection from libraries of models, section 2.1.

    Parameters
    ----------
    scores : sequence of arrays of shape (m, N_y)
        The scores of each team for the same rows.
    mean_scores : callable
        Gives the scores of a mean of predictions: see ``Output.mean_scores``.
    mean_loss : callable
        Gives the loss of scores (m, N_y).
    """
    counts = [0] * len(scores)
    if len(scores) == 1:
        return [VOTES]
    mean = scores[0]
    for n in range(VOTES):
        shares = np.array([n, 1], mean.dtype) / (n + 1)
        means = [mean_scores(np.stack([mean, score]), shares) if n else score for score in scores]
        best = int(np.argmin([mean_loss(one) for one in means]))
        counts[best] += 1
        mean = means[best]
    return counts
