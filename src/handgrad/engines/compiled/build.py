"""Compile the kernels into the shared library that ``library.py`` loads, for an installation.

    python -m handgrad.engines.compiled.build [TARGET ...]

A target is x86-64-v2, x86-64-v3 or x86-64-v4. Without one it is this machine, and nothing is done
where the engine for it is there already.

numba translates each function of the kernels into LLVM's language, llvmlite joins them in one
module for each target and precision and makes machine code of it, and the C compiler links. The
library names no other: memcpy, memset and sched_yield are looked up in the process, so it runs with
any C library. Two builds give the same bytes.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PRECISIONS = "float32", "float64"
C_COMPILERS = "cc", "gcc", "clang"  # as hatch_build.py looks for them

# Calls a function as numba passes arguments: first the places of a result and of an exception,
# which nobody reads; what it returns is 0, or the number of an exception.
WRAPPER = """
declare i32 @"{name}"({kinds})
define {result} @{symbol}({own}) {{
  %a0 = alloca ptr
  %a1 = alloca ptr
  store ptr null, ptr %a0
  store ptr null, ptr %a1
  %status = call i32 @"{name}"({passed})
  ret {back}
}}"""

# Arrays made of addresses own nothing: no reference count of theirs ever comes to 0.
NO_COUNTS = "define void @NRT_MemInfo_call_dtor(ptr %a) { ret void }"


def build(out: Path, targets: list[str]) -> None:
    """Compile for these targets, each precision in a process of its own, and link."""
    jobs = [(target, precision) for target in targets for precision in PRECISIONS]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = [Path(folder) / f"{'-'.join(job)}.o" for job in jobs]
        list(pool.map(compile_apart, objects, *zip(*jobs, strict=True)))
        link(out, objects)


def compile_apart(made: Path, target: str, precision: str) -> None:
    """Compile in another process: numba reads its target once."""
    environment = os.environ | for_target(target) | {"NUMBA_OPT": "0"}  # the module is, as a whole
    command = [sys.executable, __file__, "--object", str(made), target, precision]
    ran = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if ran.returncode:
        sys.stderr.write(ran.stderr)
        last = ran.stderr.strip().rpartition("\n")[2]
        raise RuntimeError(f"{precision} for {target} was not compiled: {last}")


def for_target(target: str) -> dict[str, str]:
    """Give the variables with which numba compiles for this processor."""
    return {
        "NUMBA_CPU_NAME": target,
        "NUMBA_CPU_FEATURES": "",  # empty, or this processor's are added
        "NUMBA_DISABLE_INTEL_SVML": "1",
        "NUMBA_DISABLE_JIT": "0",
        "HANDGRAD_TARGET": target,
    }


def link(out: Path, objects: list[Path]) -> None:
    """Make the library of these objects, there at once and whole."""
    level = Path(__file__).with_name("level.c")
    part = out.with_suffix(f".{os.getpid()}")
    options = ["-shared", "-fPIC", "-O2", "-nostdlib", "-s", "-Wl,--gc-sections", "-o", part]
    command = [*c_compiler(), *options, *objects, "-x", "c", level]
    try:
        subprocess.run(command, check=True)
        part.replace(out)  # who has the old file loaded keeps it
    finally:
        part.unlink(missing_ok=True)


def c_compiler() -> list[str]:
    """Give the command of the C compiler: $CC, this machine's, or that of the package ziglang."""
    if asked := shlex.split(os.environ.get("CC", "")):
        return asked
    here = next(filter(shutil.which, C_COMPILERS), None)
    return [here] if here else [sys.executable, "-m", "ziglang", "cc"]


def compile_object(made: Path, target: str, precision: str) -> None:
    """Write the machine code of one precision for one target."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    whole, doors = _module(precision)
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=target, features="", opt=3, reloc="pic", codemodel="default"
    )
    _hide_all_but(whole, doors)
    tuning = llvm.create_pipeline_tuning_options(3)
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.add_strip_dead_prototype_pass()
    passes.run(whole, llvm.create_pass_builder(machine, tuning))
    tuning.loop_vectorization, tuning.slp_vectorization = True, False
    optimiser = llvm.create_pass_builder(machine, tuning)
    optimiser.getModulePassManager().run(whole, optimiser)
    suffix = target.rpartition("-")[2] if target.startswith("x86-64-") else "base"
    for door in doors:
        whole.get_function(door).name = f"{door}_{suffix}"
    made.write_bytes(machine.emit_object(whole))


def _module(precision: str) -> tuple[Any, list[str]]:
    """Join all kernels in one module, and name its doors."""
    import llvmlite.binding as llvm
    from numba import cfunc
    from numba.core import types

    from handgrad.engines.compiled import doors
    from handgrad.engines.compiled.called import FUNCTIONS, signature_of, symbol_of

    element = getattr(types, precision)
    modules, names = [], []
    for function, kinds in FUNCTIONS:
        native = cfunc(signature_of(kinds, element), error_model="numpy")(function)
        symbol = symbol_of(function, element)
        modules.append(_with_symbol(native, symbol, gives_status=False))
        modules[-1].get_function(symbol).add_function_attribute("noinline")  # copied to no caller
        llvm.add_symbol(symbol, native.address)  # those that call it ask for it
    for function, signature in doors.signatures(element).items():
        native = cfunc(signature, error_model="numpy")(function)
        names.append(f"handgrad_{function.__name__}_{precision}")
        modules.append(_with_symbol(native, names[-1], gives_status=True))
    whole = modules[0]
    for module in (*modules[1:], _parsed(NO_COUNTS, whole)):
        whole.link_in(module)
    whole.verify()
    return whole, names


def _with_symbol(native: Any, symbol: str, *, gives_status: bool) -> Any:
    """Give the module of a function of numba's, to be called by ``symbol``."""
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(native.inspect_llvm())
    name = native.native_name.removeprefix("cfunc.")
    kinds = [str(argument.type) for argument in module.get_function(name).arguments]
    numbered = [f"{kind} %a{place}" for place, kind in enumerate(kinds)]
    wrapper = WRAPPER.format(
        name=name,
        kinds=", ".join(kinds),
        result="i32" if gives_status else "void",
        symbol=symbol,
        own=", ".join(numbered[2:]),
        passed=", ".join(numbered),
        back="i32 %status" if gives_status else "void",
    )
    # numba's own wrapper, which would report exceptions to Python, is not wanted.
    module.get_function(native.native_name).linkage = "internal"
    module.link_in(_parsed(wrapper, module))
    for function in module.functions:
        if not function.is_declaration and function.name != symbol:
            function.linkage = "linkonce_odr"  # several modules have the same callees
    return module


def _parsed(text: str, like: Any) -> Any:
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = like.triple, like.data_layout
    return module


def _hide_all_but(module: Any, doors: list[str]) -> None:
    for function in module.functions:
        if not function.is_declaration and function.name not in doors:
            function.linkage = "internal"
    for variable in module.global_variables:  # numba's environments, which nobody reads
        if variable.name.startswith("_ZN08NumbaEnv"):
            variable.linkage = "internal"


def main(arguments: list[str]) -> None:
    from handgrad.engines.compiled import library

    if arguments[:1] == ["--object"]:
        made, target, precision = arguments[1:]
        compile_object(Path(made), target, precision)
        return
    os.environ.pop(library.LEVEL, None)
    if not arguments and library.is_for_here():
        return
    if find_spec("numba") is None:
        sys.exit("compiling the engine takes numba: pip install numba")
    from handgrad.engines.compiled.vectors import X86, host

    known = {f"x86-64-v{level}" for level in library.LEVELS}
    if X86 and not known.issuperset(arguments):
        sys.exit(f"a target must be one of {', '.join(sorted(known))}; got {' '.join(arguments)}")
    out = library.FOLDER / library.name_of_library(sys.platform)
    build(out, list(dict.fromkeys(arguments)) or [host()])
    for old in set(library.FOLDER.glob("engine-*")) - {out}:
        old.unlink()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))  # pip hides a folder installed as editable
    main(sys.argv[1:])
