"""One virtual environment a library, with the versions pinned in one table.

They stand under ``benchmarks/.environments/``, each made by ``python -m venv`` and pip, and are
made anew when their line in the table changes. A library that cannot be installed keeps its
reason, and the race goes on without it.
"""

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "benchmarks" / ".environments"
INSTALL_SECONDS = 900

NUMPY = "numpy==2.4.6"
SKLEARN = "scikit-learn==1.9.1"
TORCH = "torch==2.13.0"
JAX = "jax[cpu]==0.10.2"

OURS = ["--editable", str(REPOSITORY), NUMPY, SKLEARN, "scipy==1.17.1"]
FLOOR = "floor"  # not a library: handgrad with what measures the floor
HERE = "here"  # nor this: the Python that runs the program

PINS = {
    "handgrad": OURS,
    FLOOR: [*OURS, "numba==0.68.1"],
    "sklearn": [SKLEARN, NUMPY, "scipy==1.17.1", "threadpoolctl==3.8.0"],
    "torch": [TORCH, NUMPY],
    "jax": [JAX, NUMPY],
    "keras": ["keras==3.15.1", JAX, NUMPY],
    "skorch": ["skorch==1.4.0", TORCH, SKLEARN, NUMPY],
    "catboost": ["catboost==1.2.8", SKLEARN, NUMPY],
    "travel": [
        *OURS,
        "pandas==2.3.3",
        "joblib==1.5.3",
        "skops==0.16.0",
        "onnx==1.23.2",
        "onnxruntime==1.32.0",
    ],
    "realmlp": ["pytabkit==1.7.3", TORCH, SKLEARN, NUMPY],
}

LIST = """
import importlib.metadata, json
print(json.dumps([(d.metadata["Name"], d.version) for d in importlib.metadata.distributions()]))
"""


def python_of(library: str) -> Path:
    """Name the interpreter of a library's environment."""
    return Path(sys.executable) if library == HERE else FOLDER / library / "bin" / "python"


def install(library: str) -> str:
    """Make the environment unless it stands as pinned; return "" or why it cannot be."""
    stamp = FOLDER / library / "installed.json"
    wanted = [*PINS[library], *_ours(library)]
    if stamp.exists() and json.loads(stamp.read_text()) == wanted:
        return ""
    try:
        _run(sys.executable, "-m", "venv", "--clear", str(FOLDER / library))
        _run(
            str(python_of(library)), "-m", "pip", "install", "--quiet",
            "--disable-pip-version-check", *PINS[library],
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        return "cannot be installed: " + _last_line(error.stderr)
    except subprocess.TimeoutExpired:
        return f"cannot be installed within {INSTALL_SECONDS} s"
    stamp.write_text(json.dumps(wanted))
    return ""


def _ours(library: str) -> list[str]:
    """Give what makes handgrad's environment anew when it changes: dependencies, kernels."""
    if library not in ("handgrad", FLOOR):
        return []
    from handgrad.engines.compiled.library import name_of_library  # peers import this file, too

    return [(REPOSITORY / "pyproject.toml").read_text(), name_of_library(sys.platform)]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def is_installed(library: str) -> bool:
    """Tell whether the environment is there, whatever its versions."""
    return python_of(library).exists()


def versions_of(library: str) -> dict[str, str]:
    """Ask an environment for its packages: {package: version}."""
    listed = subprocess.run(
        [str(python_of(library)), "-P", "-c", LIST],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return dict(sorted((name.lower(), version) for name, version in json.loads(listed.stdout)))


def packages(library: str) -> list[str]:
    """Name the pinned packages, without their paths."""
    return [pin for pin in PINS[library] if "==" in pin]
