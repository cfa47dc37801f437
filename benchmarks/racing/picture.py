"""The race in one picture: microseconds a step on a log scale, a panel for each optimiser."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from racing.families import FAMILIES, best_of
from racing.workloads import OPTIMIZERS, TITLES

COLOURS = {
    "handgrad": "#c1121f",
    "sklearn": "#f4a261",
    "torch": "#6a4c93",
    "jax": "#1982c4",
    "keras": "#8ac926",
    "skorch": "#8d99ae",
}


def draw(folder: Path) -> None:
    """Draw race.png from the race.json beside it."""
    race = json.loads((folder / "race.json").read_text())
    raced = [o for o in OPTIMIZERS if any(f["optimizer"] == o for f in race["figures"])]
    figure, panels = plt.subplots(
        len(raced), 1, figsize=(10, 3.6 * len(raced) + 0.8), sharex=True, squeeze=False
    )
    for panel, optimizer in zip(panels[:, 0], raced, strict=True):
        draw_panel(panel, race, optimizer)
    panels[0, 0].legend(
        ncols=7, loc="lower center", bbox_to_anchor=(0.5, 1.1), frameon=False, fontsize=9
    )
    labels = [
        f"{name}\n{d['title'].replace(', ', chr(10))}" for name, d in race["workloads"].items()
    ]
    panels[-1, 0].set_xticks(range(len(labels)), labels, fontsize=9)
    figure.tight_layout()
    figure.savefig(folder / "race.png", dpi=130)
    plt.close(figure)


def draw_panel(panel, race, optimizer) -> None:
    """Draw a bar for the best of each library, its spread, and the floor across them."""
    workloads = list(race["workloads"])
    libraries = [library for library in FAMILIES if raced(race, library, optimizer)]
    width = 0.8 / max(1, len(libraries))
    for place, library in enumerate(libraries):
        for x, workload in enumerate(workloads):
            best = best_of(race, library, workload, optimizer)
            if best is None:
                continue
            middle = x - 0.4 + (place + 0.5) * width
            spread = [[best["median"] - best["min"]], [best["max"] - best["median"]]]
            panel.bar(middle, best["median"], width * 0.9, color=COLOURS[library])
            panel.errorbar(middle, best["median"], spread, color="#333333", linewidth=0.8)
        panel.bar(0, 0, color=COLOURS[library], label=FAMILIES[library])
    for x, workload in enumerate(workloads):
        floor = race["workloads"][workload]["floor"].get("floor", {}).get(optimizer)
        if floor:
            label = "floor" if x == 0 else None
            panel.hlines(floor, x - 0.45, x + 0.45, "black", linewidth=1.8, label=label)
    panel.set_yscale("log")
    panel.set_ylabel("µs a step")
    panel.set_title(f"{TITLES[optimizer]}: best setting of each library", loc="left", fontsize=11)
    panel.grid(axis="y", alpha=0.3)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def raced(race, library: str, optimizer: str) -> bool:
    return any(best_of(race, library, workload, optimizer) for workload in race["workloads"])
