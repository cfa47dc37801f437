"""The floor: the least that a step must cost on this machine, measured while the race runs.

A step of a net with layers l = 0, 1, ... cannot do without these matrix products:

    fwd_l    h W              for every layer
    dW_l     h^T d            for every layer; added to W, so that SGD's update is in it
    dh_l     d W^T            for every layer but the first

The floor is the sum over them of the least time that any library present needs at that very
shape on one core: SciPy's OpenBLAS (through its C address, weights stored either way round),
PyTorch's MKL, and handgrad's own kernels. To it come one pass over the batch (its rows,
picked at random, copied) and, for momentum and Adam, one fused pass over parameters,
gradient and slots.

Every part is the median of its times in all rounds of the race, so that a noisy minute hits
floor and contenders alike; the operands stay in the cache, which flatters the floor.

W1, W2 and W7 are held against the floor of one core. The larger workloads are held against two
cores, perfectly shared: half of what the parts take while both cores make them at once, in two
processes, since cores share caches, memory and power, and two are never twice as fast as one.
Bias, ReLU, softmax, loss and shuffling are not in it, so a multiple of exactly 1 cannot be reached.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import mean, median
from typing import Any

from racing.crew import FLOORS, Crew, Entry, WorkerError
from racing.workloads import OPTIMIZERS, Workload

PRODUCT_SECONDS = 0.004
PASSES = ("gather", "momentum", "adam")

Times = dict[str, dict[str, list[float]]]  # {library: {part: [microseconds]}}


def processes(workload: Workload) -> list[list[Entry]]:
    """List the processes that time the products of each library, one for each core that counts."""
    return [
        [replace(entry, name=f"{entry.name}{' beside' * core}") for core in range(workload.cores)]
        for entry in FLOORS
    ]


def measure(crew: Crew, workload: Workload, alone: Times, together: Times) -> None:
    """Let each library time the products once more, on one core and on all that count."""
    for entries in processes(workload):
        name = entries[0].name
        try:
            _add(alone, name, [_ask(crew, entries[0], workload)])
            if len(entries) > 1:
                with ThreadPoolExecutor(len(entries)) as threads:
                    asked = [threads.submit(_ask, crew, entry, workload) for entry in entries]
                    _add(together, name, [one.result() for one in asked])
        except WorkerError:
            continue


def _ask(crew: Crew, entry: Entry, workload: Workload) -> dict[str, float]:
    answer = crew.worker(entry).ask(
        "floor", batch_size=workload.batch_size, seconds=PRODUCT_SECONDS
    )
    found: dict[str, float] = answer["microseconds"]
    return found


def _add(times: Times, library: str, answers: list[dict[str, float]]) -> None:
    for part in answers[0]:
        value = mean(answer[part] for answer in answers)
        times.setdefault(library, {}).setdefault(part, []).append(value)


def floor_of(workload: Workload, alone: Times, together: Times) -> dict[str, Any]:
    """Add up the parts; the floor is their sum over the cores that count, all of them at work."""
    parts, shared = _least(alone), _least(together if workload.cores > 1 else alone)
    if not all(name in found for name in PASSES for found in (parts, shared)):
        return {}
    floor = {optimizer: value / workload.cores for optimizer, value in _sums(shared).items()}
    return {
        "parts": parts,
        "parts_together": shared,
        "one_core": _sums(parts),
        "floor": floor,
        "cores": workload.cores,
        "not_measured": [entry.name for entry in FLOORS if entry.name not in alone],
    }


def _least(times: Times) -> dict[str, dict[str, Any]]:
    """Find the library that makes each part in the least time."""
    parts: dict[str, dict[str, Any]] = {}
    for library, found in times.items():
        for part, values in found.items():
            value = median(values)
            if part not in parts or value < parts[part]["microseconds"]:
                parts[part] = {"microseconds": value, "by": library.removeprefix("floor-")}
    return parts


def _sums(parts: dict[str, dict[str, Any]]) -> dict[str, float]:
    products = sum(part["microseconds"] for name, part in parts.items() if name not in PASSES)
    base = products + parts["gather"]["microseconds"]
    return {
        optimizer: base + (0.0 if optimizer == "sgd" else parts[optimizer]["microseconds"])
        for optimizer in OPTIMIZERS
    }
