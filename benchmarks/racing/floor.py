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

W1, W2 and W7 are held against the floor of one core, the larger workloads against half of it:
two cores, perfectly shared. Bias, ReLU, softmax, loss and shuffling are not in it, so a
multiple of exactly 1 cannot be reached.
"""

from statistics import median
from typing import Any

from racing.crew import FLOORS, Crew, WorkerError
from racing.workloads import OPTIMIZERS, Workload

PRODUCT_SECONDS = 0.004
PASSES = ("gather", "momentum", "adam")

Times = dict[str, dict[str, list[float]]]  # {library: {part: [microseconds]}}


def measure(crew: Crew, workload: Workload, times: Times) -> None:
    """Let each library time the products once more."""
    for entry in FLOORS:
        try:
            answer = crew.worker(entry).ask(
                "floor", batch_size=workload.batch_size, seconds=PRODUCT_SECONDS
            )
        except WorkerError:
            continue
        for part, value in answer["microseconds"].items():
            times.setdefault(entry.name, {}).setdefault(part, []).append(value)


def floor_of(workload: Workload, times: Times) -> dict[str, Any]:
    """Add up the parts; the floor is their sum on one core over the cores that count."""
    parts: dict[str, dict[str, Any]] = {}
    for library, found in times.items():
        for part, values in found.items():
            value = median(values)
            if part not in parts or value < parts[part]["microseconds"]:
                parts[part] = {"microseconds": value, "by": library.removeprefix("floor-")}
    if not all(name in parts for name in PASSES):
        return {}
    products = sum(part["microseconds"] for name, part in parts.items() if name not in PASSES)
    base = products + parts["gather"]["microseconds"]
    one_core = {
        optimizer: base + (0.0 if optimizer == "sgd" else parts[optimizer]["microseconds"])
        for optimizer in OPTIMIZERS
    }
    floor = {optimizer: value / workload.cores for optimizer, value in one_core.items()}
    return {
        "parts": parts,
        "one_core": one_core,
        "floor": floor,
        "cores": workload.cores,
        "not_measured": [entry.name for entry in FLOORS if entry.name not in times],
    }
