"""Clocks, turns and memory of the user-level programs.

Imported in the environments of the peers, too, so that only the standard library is needed.
"""

import statistics
import time
from pathlib import Path


def seconds_of(call):
    """Call; return the seconds that it took, and its result."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def median_seconds(call, times):
    """Call once untimed, then so often; return the median of the seconds."""
    call()
    return statistics.median(seconds_of(call)[0] for _ in range(times))


def in_turns(names, rounds, ask):
    """Ask each name in turn, round after round: ``{name: [ask(name, round), ...]}``."""
    answers = {name: [] for name in names}
    for number in range(rounds):
        for name, found in answers.items():
            found.append(ask(name, number))
    return answers


def medians(answers):
    return {name: statistics.median(values) for name, values in answers.items()}


def megabytes(field):
    """Read a field of this process's memory: VmRSS is held now, VmHWM was the most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1000
