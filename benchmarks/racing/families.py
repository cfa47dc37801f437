"""Figures by library: the best setting of each, and the ratios between them."""

from typing import Any

from racing.workloads import OPTIMIZERS

FAMILIES = {
    "handgrad": "handgrad",
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
    "jax": "JAX",
    "keras": "Keras",
    "skorch": "skorch",
}

Race = dict[str, Any]
Cells = dict[tuple[str, str], float]  # {(workload, optimizer): value}


def best_of(race: Race, library: str, workload: str, optimizer: str) -> dict[str, Any] | None:
    """Find the fastest variant of a library; ours do not count where they differ in the check."""
    differing = {
        (c["workload"], c["contender"])
        for c in race["checks"]
        if c["fault"] and c["contender"].startswith("handgrad")
    }
    figures = [
        figure
        for figure in race["figures"]
        if figure["library"] == library
        and (figure["workload"], figure["optimizer"]) == (workload, optimizer)
        and "median" in figure
        and (workload, figure["contender"]) not in differing
    ]
    return min(figures, key=lambda figure: figure["median"], default=None)


def cells(race: Race) -> list[tuple[str, str]]:
    return [(workload, optimizer) for workload in race["workloads"] for optimizer in OPTIMIZERS]


def ratios(race: Race) -> dict[str, Cells]:
    """Divide the best of each other library by handgrad's best: {title: {cell: times faster}}."""
    found: dict[str, Cells] = {}
    for library, title in FAMILIES.items():
        if library == "handgrad":
            continue
        values = {}
        for cell in cells(race):
            theirs, ours = (best_of(race, name, *cell) for name in (library, "handgrad"))
            if theirs and ours:
                values[cell] = theirs["median"] / ours["median"]
        if values:
            found[title] = values
    return found


def multiples(race: Race) -> Cells:
    """Divide handgrad's best by the floor."""
    found = {}
    for workload, optimizer in cells(race):
        floor = race["workloads"][workload]["floor"].get("floor", {}).get(optimizer)
        ours = best_of(race, "handgrad", workload, optimizer)
        if floor and ours:
            found[workload, optimizer] = ours["median"] / floor
    return found
