"""The engine, compiled while handgrad is installed or its wheel is made.

HANDGRAD_ENGINE=0 leaves it out. HANDGRAD_TARGETS="x86-64-v2 x86-64-v3 x86-64-v4" compiles for other
levels than this machine's, as a wheel for others needs. Where it cannot be compiled, handgrad is
installed without it: everything works, on NumPy alone.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "src/handgrad/engines/compiled"
NUMBA = "numba>=0.61"
ZIG = "ziglang"  # has a C compiler, for where there is none: 100 MB, fetched for the build alone
C_COMPILERS = "cc", "gcc", "clang"  # as build.py looks for them
NEWEST = (3, 14)  # of Python, for which numba has wheels: an installation must not break for want
PROCESSORS = "x86_64", "aarch64"  # likewise


def obstacle() -> str:
    """Say why this machine cannot compile the engine; "" where it can."""
    if os.environ.get("HANDGRAD_ENGINE") == "0":
        return "HANDGRAD_ENGINE=0"
    if sys.implementation.name != "cpython" or sys.version_info[:2] > NEWEST:
        return f"numba is not for {platform.python_implementation()} {platform.python_version()}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "compiling is not tried on a Python without its global lock"
    is_known = sys.platform == "linux" and platform.machine() in PROCESSORS
    if not is_known or platform.libc_ver()[0] != "glibc":
        return f"compiling is not tried on {platform.platform()}"
    asked = os.environ.get("CC", "").split()[:1]
    is_there = all(map(shutil.which, asked))  # where none is asked for, ziglang has one
    return "" if is_there else f"there is no C compiler {asked[0]!r}"


def needs() -> list[str]:
    """Name the packages that compiling takes; none where the engine is there, or cannot be."""
    if obstacle() or (not os.environ.get("HANDGRAD_TARGETS") and is_there()):
        return []
    has_compiler = os.environ.get("CC", "").split() or any(map(shutil.which, C_COMPILERS))
    return [NUMBA, "numpy>=2.0", *([] if has_compiler else [ZIG])]


def library() -> Any:
    """Import the module that knows the engine's file, without the package around it."""
    path = Path(__file__).parent / FOLDER / "library.py"
    spec = importlib.util.spec_from_file_location("library", path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def is_there() -> bool:
    """Tell whether the engine for this machine is in the source tree."""
    found = library()
    os.environ.pop(found.LEVEL, None)  # is for those who run it
    return found.is_for_here()


class CustomBuildHook(BuildHookInterface):
    """See https://hatch.pypa.io/latest/plugins/build-hook/custom/."""

    def dependencies(self) -> list[str]:
        return needs()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        reason = obstacle() or self._compile()
        if reason:
            self.app.display_warning(f"handgrad without its compiled engine: {reason}")
            return
        name = library().name_of_library(sys.platform)
        build_data["artifacts"].append(f"/{FOLDER}/{name}")  # ignored by git, and wanted
        build_data["pure_python"] = False
        tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{tag}"

    def _compile(self) -> str:
        """Compile into the source tree, unless it is there; say what failed, or ""."""
        paths = [str(Path(self.root) / "src"), *filter(None, sys.path)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        targets = os.environ.get("HANDGRAD_TARGETS", "").split()
        command = [sys.executable, str(Path(self.root) / FOLDER / "build.py"), *targets]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if ran.returncode:
            lines = ran.stderr.strip().splitlines() or ["no words"]
            return f"compiling it failed: {lines[-1]}"
        return ""
