"""The circumstances of a measurement: date, command, processor, versions."""

import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from racing import environments
from racing.crew import REMOVED, is_removed

SHOWN = (
    "handgrad", "numpy", "scipy", "numba", "scikit-learn", "torch", "jax", "jaxlib", "keras",
    "skorch", "catboost", "pytabkit",
)  # fmt: skip
VECTOR_FLAGS = (
    "sse4_2", "avx", "fma", "avx2", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """Read the processor from /proc/cpuinfo, where there is one."""
    return {
        "processor": _field("model name") or platform.processor() or "unknown",
        "vector_flags": [flag for flag in VECTOR_FLAGS if flag in _field("flags").split()],
        "cores": os.cpu_count(),
        "gigabytes": _gigabytes(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _field(name: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _gigabytes() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (ValueError, OSError):
        return None


def circumstances(libraries: list[str]) -> dict[str, Any]:
    """Note date, command, machine, and the versions of the libraries that are installed."""
    program, *arguments = sys.argv
    shown = ["FOLDER" if Path(argument).is_dir() else argument for argument in arguments]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": shlex.join(["python", f"benchmarks/{Path(program).name}", *shown]),
        "machine": machine(),
        "versions": {
            name: _versions(name) for name in filter(environments.is_installed, libraries)
        },
        "variables_removed": list(REMOVED),
        "variables_that_were_set": sorted(name for name in os.environ if is_removed(name)),
    }


def _versions(library: str) -> dict[str, str]:
    """List the packages that matter in one environment."""
    found = environments.versions_of(library)
    return {name: version for name, version in found.items() if name in SHOWN}
