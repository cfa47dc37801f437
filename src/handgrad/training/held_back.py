"""Hold rows back: a fair sample, or the last ones. This is the only place that splits rows.

All randomness comes from hashes of the rows' contents (``tables.rows.row_keys``), so a seed means
the same rows in ten years, and in any order.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.chance import GOLDEN, Keys, mixed

Rows = NDArray[np.intp]
Weight = NDArray[np.float64]

MOST_REPETITIONS = 3  # equal rows that may be a slip of the table's author
FEWEST_GROUPS = 10  # groups held back; fewer are not a sample
MOST_ROWS = 2**20  # rows that weights may stand for
ROUNDING = 1 + 1e-9  # the factor by which two sums of the same weights may differ


class Split(NamedTuple):
    """Rows in two parts.

    Attributes
    ----------
    kept, held_back : int arrays
        Ascending row numbers, together every row. Only a row whose weight is divided is in both.
    kept_weight, held_weight : float arrays or None
        The weights of the rows in their part; None if no weights were given.
    drawn_singly, patterns : int
        The number of rows drawn one by one although others equal them (a weight of 2 counts as
        two rows), and the number of different rows among them.
    """

    kept: Rows
    held_back: Rows
    kept_weight: Weight | None = None
    held_weight: Weight | None = None
    drawn_singly: int = 0
    patterns: int = 0


class _Units(NamedTuple):
    """The units that can be held back singly: rows, repeated as often as their weight says.

    Equal rows follow each other, with ascending labels.
    """

    row: Rows
    weight: Weight
    key: Keys
    group: Rows  # the number of its group of equal rows
    place: Rows  # its place within the group
    stratum: Rows
    differs: NDArray[np.bool_]  # whether its answer differs from the previous unit's in its group

    def sums(self, values: NDArray[Any] | None = None) -> NDArray[Any]:
        """Sum values over each group; without values, count its units."""
        return np.bincount(self.group, values)


def split(
    keys: Keys,
    strata: Rows,
    share: float,
    weight: Weight | None = None,
    y: NDArray[Any] | None = None,
) -> Split:
    """Divide rows into a part to learn from and a part to hold back, class by class.

    A row's key alone decides: in each class the rows with the lowest keys are held back until
    their weight is the given share of the class.

    Equal rows have equal keys and stay on one side together, whatever their labels, so that a
    repeated row does not validate itself. Treating each label separately would not be fair:
    where a pattern is too heavy to be held back with its usual label, its exceptions would still
    be held back, and most held-back rows would contradict those to learn from. A group with
    several labels counts as the class that most of it has.

    Where few rows differ, or a few of them make up most of the table, whole groups are not a
    sample of it. So rows are drawn one by one from a group of more than three

    - that weighs over a tenth of the amount to hold back of its class, if its labels differ, or
      if most repeated rows of the table are in groups whose labels differ. Equal rows with
      different labels are different cases, whereas those with one label may be one case that
      counts often: a repetition, an oversampled class, a weight;
    - that weighs over half of the amount to hold back of its class, where the share of all
      groups is fewer than ten;
    - that weighs over twice the amount to hold back of the table, and so could never be held
      back whole.

    A weight of 2 is split like two equal rows; a row may then be on both sides with parts of its
    weight. A factor on all weights changes nothing: one row is the largest weight of which all
    weights are multiples. If there is none, or the weights would be more than a million rows, no
    row is divided.

    Parameters
    ----------
    keys : uint64 array of shape (n,)
        Random keys of the rows, equal for equal rows (``rows.row_keys``).
    strata : int array of shape (n,)
        The class of each row, from 0; all 0 if there are no classes.
    share : float
        Part of each class to hold back, between 0 and 1 (both excluded).
    weight : float array of shape (n,), optional
        Weight of each row, above 0; 1 by default.
    y : array of shape (n,) or (n, N_y), optional
        The answer of each row, if it is not its class.

    Returns
    -------
    Split
        A class keeps at least one distinct row to learn from, so a class of one row is never
        held back.
    """
    units = _units(keys, strata, strata if y is None else y, weight)
    heavy, majority = _heavy_groups(units, share)
    alone = heavy[units.group]
    key = np.where(alone, _own_keys(units), units.key)
    stratum = np.where(alone, units.stratum, majority[units.group])
    held = np.zeros(len(key), dtype=bool)
    for k in np.unique(stratum):
        of_class = np.flatnonzero(stratum == k)
        held[of_class] = _lowest_share(key[of_class], units.weight[of_class], share)
    _give_back(held, key, units.stratum)
    parts = _parts(units.row, held, weight, len(keys))
    return parts._replace(drawn_singly=int(alone.sum()), patterns=int(heavy.sum()))


def split_last(n: int, share: float, weight: Weight | None = None) -> Split:
    """Hold back the last of n rows: as many as come nearest to the share, at least one, never all.

    A weight of 2 is split like two rows, as in ``split``.
    """
    relative, copies = _read_weights(weight, n)
    row = np.arange(n).repeat(copies)
    each = (relative / copies)[row][::-1]
    from_the_end = np.cumsum(each)
    wanted = share * relative.sum() * ROUNDING
    n_wanted = int(np.count_nonzero(from_the_end - each / 2 <= wanted))
    n_held = min(max(1, n_wanted), len(row) - 1)
    return _parts(row, np.arange(len(row)) >= len(row) - n_held, weight, n)


def _units(keys: Keys, strata: Rows, y: NDArray[Any], weight: Weight | None) -> _Units:
    relative, copies = _read_weights(weight, len(keys))
    answers = y[:, None] if y.ndim == 1 else y
    order = np.lexsort((*answers.T, strata, keys))
    row = order.repeat(copies[order])
    key, answer = keys[row], answers[row]
    is_first = np.ones(len(row), dtype=bool)
    is_first[1:] = key[1:] != key[:-1]
    differs = np.zeros(len(row), dtype=bool)
    differs[1:] = (answer[1:] != answer[:-1]).any(axis=1) & ~is_first[1:]
    group = np.cumsum(is_first) - 1
    place = np.arange(len(row)) - np.flatnonzero(is_first)[group]
    return _Units(row, (relative / copies)[row], key, group, place, strata[row], differs)


def _heavy_groups(units: _Units, share: float) -> tuple[NDArray[np.bool_], Rows]:
    """Find the groups to draw from row by row, and the class that most of each group has."""
    majority = _majority(units)
    weight, size, is_mixed = units.sums(units.weight), units.sums(), units.sums(units.differs) > 0
    by_class = np.bincount(units.stratum, units.weight)
    wanted = share * by_class[majority] * ROUNDING
    is_few, repeated = share * len(size) < FEWEST_GROUPS, weight * (size > 1)
    has_patterns = 2 * repeated[is_mixed].sum() > repeated.sum() * ROUNDING
    outweighs = (FEWEST_GROUPS * weight > wanted) & (is_mixed | has_patterns)
    misses = (2 * weight > wanted) & is_few | (weight > 2 * share * weight.sum() * ROUNDING)
    return (size > MOST_REPETITIONS) & (outweighs | misses), majority


def _majority(units: _Units) -> Rows:
    """Find the class that most of each group has; in a tie, the first."""
    begins = units.place == 0
    begins[1:] |= units.stratum[1:] != units.stratum[:-1]
    starts = np.flatnonzero(begins)
    weight, group = np.add.reduceat(units.weight, starts), units.group[starts]
    most = np.zeros(len(units.sums()))
    np.maximum.at(most, group, weight)
    among_most = starts[weight * ROUNDING >= most[group]]
    first = np.unique(units.group[among_most], return_index=True)[1]
    return units.stratum[among_most[first]]


def _own_keys(units: _Units) -> Keys:
    """Give each of equal rows its own key; the first keeps the group's."""
    own = mixed(units.key + units.place.astype(np.uint64) * np.uint64(GOLDEN))
    return np.where(units.place > 0, own, units.key)


def _lowest_share(keys: Keys, weight: Weight, share: float) -> NDArray[np.bool_]:
    """Choose groups of equal rows by ascending key, skipping a group that is too heavy."""
    group = np.unique(keys, return_inverse=True)[1]  # (n,) numbers equal keys, in ascending order
    heaviness = np.bincount(group, weights=weight).tolist()  # (groups,)
    wanted = share * sum(heaviness) * ROUNDING
    chosen, held = np.zeros(len(heaviness), dtype=bool), 0.0
    for number, heavy in enumerate(heaviness):
        if held + heavy / 2 <= wanted:
            chosen[number] = True
            held += heavy
    is_chosen: NDArray[np.bool_] = chosen[group]
    return is_chosen


def _give_back(held: NDArray[np.bool_], keys: Keys, strata: Rows) -> None:
    """Return the last group of a class that would be held back whole, to be learnt from."""
    for k in np.setdiff1d(strata[held], strata[~held]):
        held &= keys != keys[strata == k].max()


def _parts(row: Rows, held: NDArray[np.bool_], weight: Weight | None, n: int) -> Split:
    """Merge units into rows again."""
    part = np.bincount(row, held, minlength=n) / np.bincount(row, minlength=n)
    kept, held_back = np.flatnonzero(part < 1), np.flatnonzero(part > 0)
    if weight is None:
        return Split(kept, held_back)
    return Split(kept, held_back, (weight * (1 - part))[kept], (weight * part)[held_back])


def _read_weights(weight: Weight | None, n: int) -> tuple[Weight, Rows]:
    """Divide weights by the largest, and count the equal rows that each one stands for."""
    once = np.ones(n, dtype=np.intp)
    if weight is None:
        return np.ones(n), once
    relative = weight / weight.max()
    times = relative / _unit(relative)
    copies = np.rint(times)
    if not 1 <= copies.min() <= copies.sum() <= MOST_ROWS or (np.abs(times - copies) > 1e-3).any():
        return relative, once
    return relative, copies.astype(np.intp)


def _unit(relative: Weight) -> float:
    """Find the largest weight of which all are multiples, by Euclid's algorithm, to 1e-9."""
    unit = 1.0
    for weight in np.unique(relative)[::-1]:
        divisor = float(weight)
        while divisor > 1e-9:
            unit, divisor = divisor, abs(math.remainder(unit, divisor))
        if unit * MOST_ROWS < 1:
            break
    return unit
