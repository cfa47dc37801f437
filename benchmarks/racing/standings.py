"""Who predicts better: counts, ratios, tables and the picture, from the figures of a group.

A group is {table: {"rows", "columns", "figures": {contender: [the figures of each seed]}}}. A
contender that did not run a table has no figures there; then its counts are of those that it ran,
its seconds are told beside ours on the same tables, and nothing is added up.
"""

import math
from typing import NamedTuple

import numpy as np

from racing.open_tables import CLASSIFICATION, REGRESSION
from racing.predictors import JUDGE, OURS
from racing.results import number

CLOCKS = ("wall", "cpu")
TIMES = (0.1, 0.3, 1, 3, 10, 30, 100)  # that the picture's axis names


class Scale(NamedTuple):
    """How a group is judged: its loss, and whether more of a figure (1) or less (-1) is better."""

    loss: str
    senses: dict


SCALES = {
    CLASSIFICATION: Scale("log-loss", {"log-loss": -1, "accuracy": 1, "auc": 1}),
    REGRESSION: Scale("RMSE", {"RMSE": -1, "R2": 1}),
}


def mean(runs, what):
    values = [one[what] for one in runs if what in one]
    return float(np.mean(values)) if values else None


def pairs(group, what, name, other=JUDGE):
    """Give {table: the figures of both} for the tables that have both."""
    found = {
        table: [mean(of["figures"].get(one, []), what) for one in (name, other)]
        for table, of in group.items()
    }
    return {table: pair for table, pair in found.items() if None not in pair}


def better(group, kind, what, name, other=JUDGE):
    """Name the tables on which a contender has the better figure."""
    sense = SCALES[kind].senses[what]
    return [t for t, (a, b) in pairs(group, what, name, other).items() if sense * (a - b) > 0]


def count(group, kind, what, name, other=JUDGE):
    """Say on how many tables a contender is better: "14 of 19"."""
    won = len(better(group, kind, what, name, other))
    return f"{won} of {len(pairs(group, what, name, other))}"


def ratio(group, kind, name, other=JUDGE):
    """Average log(loss / the other's loss) over the tables that both ran; None if there is none."""
    logs = [np.log(a / b) for a, b in pairs(group, SCALES[kind].loss, name, other).values()]
    return float(np.mean(logs)) if logs else None


def seconds(group, clock, name, other=JUDGE):
    """Add up the seconds of a fit of each table that both ran: one sum for each of the two."""
    both = pairs(group, clock, name, other).values()
    return [sum(times) for times in zip(*both, strict=True)] or [0, 0]


def names_of(group):
    return list(dict.fromkeys(name for of in group.values() for name in of["figures"]))


# -- tables ------------------------------------------------------------------------------------


def tables(data):
    """Lay out all groups: the summary, the duels, each figure on each table."""
    return [table for kind, group in data.items() for table in of_group(kind, group)]


def of_group(kind, group):
    singles = [single(group, what) for what in (*SCALES[kind].senses, "wall")]
    return [summary(kind, group), duels(kind, group), *(one for one in singles if one[1])]


def summary(kind, group):
    senses = list(SCALES[kind].senses)
    rows = [
        [
            name,
            *(count(group, kind, what, name) for what in senses),
            f"{ratio(group, kind, name):+.3f}",
            *(number(whole(group, clock, name)) for clock in CLOCKS),
        ]
        for name in names_of(group)
    ]
    header = [kind, *(f"{what} better" for what in senses), f"log ratio of {SCALES[kind].loss}"]
    return [*header, "wall, s", "cpu, s"], rows


def whole(group, clock, name):
    """Add up a contender's seconds, or give None where it did not run all tables."""
    ran_all = len(pairs(group, clock, name)) == len(group)
    return seconds(group, clock, name)[0] if ran_all else None


def duels(kind, group):
    """Set ours against each other contender, on the tables that both ran."""
    loss = SCALES[kind].loss
    rows = [
        [
            name,
            count(group, kind, loss, OURS, name),
            f"{ratio(group, kind, OURS, name):+.3f}",
            *(number(sum_) for clock in CLOCKS for sum_ in seconds(group, clock, OURS, name)),
        ]
        for name in names_of(group)
        if name != OURS and pairs(group, loss, OURS, name)
    ]
    header = [f"{OURS}, against", f"{loss} better", "log ratio"]
    return [*header, *(f"{whose} {c}, s" for c in CLOCKS for whose in ("our", "their"))], rows


def single(group, what):
    names = names_of(group)
    rows = [
        [
            table,
            f"{of['rows']:,}",
            *(text(mean(of["figures"].get(n, []), what), what) for n in names),
        ]
        for table, of in group.items()
        if any(what in one for runs in of["figures"].values() for one in runs)
    ]
    return [what, "rows", *names], rows


def text(value, what):
    """Write four decimals, one of seconds, five digits of an error in the target's unit."""
    if value is None:
        return "–"
    if what == "RMSE":
        return f"{value:,.{max(0, 4 - math.floor(math.log10(value)))}f}"
    return f"{value:.{1 if what in CLOCKS else 4}f}"


# -- the picture -------------------------------------------------------------------------------


def draw(group, kind, path):
    """Draw the share of tables won, and the mean log ratio, over the time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(11, 4), sharex=True)
    for name in names_of(group):
        draw_one(panels, group, kind, name)
    for panel, title in zip(panels, ("tables won, %", "mean log ratio of loss"), strict=True):
        panel.set_xscale("log")
        panel.set_xticks(TIMES, map(str, TIMES))
        panel.minorticks_off()
        panel.set_xlabel("processor time of the fits")
        panel.set_title(title, loc="left", fontsize=11)
        panel.grid(alpha=0.3)
        panel.margins(0.1)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"Against {JUDGE}, whose time is 1", x=0.01, ha="left", fontsize=12)
    panels[0].set_ylim(-5, 105)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.tight_layout(rect=(0, 0, 0.77, 1))
    figure.savefig(path, dpi=130)
    plt.close(figure)


def draw_one(panels, group, kind, name):
    loss = SCALES[kind].loss
    pair, (took, judges) = pairs(group, loss, name), seconds(group, "cpu", name)
    label = name if len(pair) == len(group) else f"{name} ({len(pair)} tables)"
    share = 100 * len(better(group, kind, loss, name)) / len(pair)
    look = {"marker": "o" if "handgrad" in name else "s", "linestyle": "", "label": label}
    for panel, y in zip(panels, (share, ratio(group, kind, name)), strict=True):
        panel.plot(took / judges, y, **look)
