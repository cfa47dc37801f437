"""Then time: every contender of a workload in turn, round after round.

A round goes through all contenders, so that a busy minute of the machine hits all of them. Each
trains in it for about the same time, at least one epoch, with a number of epochs found
beforehand. Its figure is the time over the number of updates: shuffling, gathering, forward,
backward and update are all in it, as a user's epoch has them.
"""

import math
from collections.abc import Callable
from statistics import median
from typing import Any

from racing import floor
from racing.crew import Crew, Entry, WorkerError
from racing.workloads import Workload

WARM_UP_SECONDS = 240

Say = Callable[[str], None]


def prepare(crew: Crew, entry: Entry, workload: Workload, optimizer: str, seconds: float) -> int:
    """Start a contender on a rule and compile; return the epochs of one timing."""
    worker = crew.worker(entry)
    lr = workload.rate(optimizer)
    worker.ask("begin", WARM_UP_SECONDS, optimizer=optimizer, lr=lr, shuffles=workload.shuffles)
    return int(worker.ask("warm_up", WARM_UP_SECONDS, seconds=seconds)["count"])


def race(
    crew: Crew,
    starters: list[Entry],
    workload: Workload,
    optimizer: str,
    rounds: int,
    seconds: float,
    alone: floor.Times,
    together: floor.Times,
) -> list[dict[str, Any]]:
    """Race one workload with one update rule; return a figure for each starter."""
    counts, faults = {}, {}
    for entry in starters:
        try:
            counts[entry.name] = prepare(crew, entry, workload, optimizer, seconds)
        except WorkerError as error:
            faults[entry.name] = str(error)
    times: dict[str, list[float]] = {name: [] for name in counts}
    for _ in range(rounds):
        floor.measure(crew, workload, alone, together)
        for entry in starters:
            if entry.name in faults:
                continue
            try:
                times[entry.name].append(one_round(crew, entry, counts[entry.name], workload))
            except WorkerError as error:
                faults[entry.name] = str(error)
    return [
        figure(crew, entry, workload, optimizer, times.get(entry.name, []), faults)
        for entry in starters
    ]


def one_round(crew: Crew, entry: Entry, count: int, workload: Workload) -> float:
    """Train once; return microseconds a step."""
    answer = crew.worker(entry).ask("epochs", count=count)
    return float(answer["seconds"]) / (count * workload.steps) * 1e6


def figure(
    crew: Crew,
    entry: Entry,
    workload: Workload,
    optimizer: str,
    times: list[float],
    faults: dict[str, str],
) -> dict[str, Any]:
    """Sum up a contender's rounds; a loss that is not finite at the end is a fault."""
    found: dict[str, Any] = {
        "workload": workload.name,
        "optimizer": optimizer,
        "contender": entry.name,
        "library": entry.library,
        "variant": entry.variant,
        "threads": entry.threads,
        "fault": faults.get(entry.name, ""),
    }
    if found["fault"] or not times:
        return found
    found |= {"rounds": times, "median": median(times), "min": min(times), "max": max(times)}
    try:
        loss = crew.worker(entry).ask("loss")["loss"]
        found["final_loss"] = loss if math.isfinite(loss) else None
        if not math.isfinite(loss):
            found["remark"] = "its loss is not finite after the race"
    except WorkerError as error:
        found["remark"] = str(error)
    return found
