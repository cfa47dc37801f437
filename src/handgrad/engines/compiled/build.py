"""Compile the kernels into the shared library that ``library.py`` loads, for an installation.

    python build.py [OUT [TARGET ...]]

A target is x86-64-v2, x86-64-v3 or x86-64-v4; without one, it is this machine. Without OUT, the
library of this source tree is made anew, if the sources have changed.

numba translates each function of the kernels into LLVM's language, llvmlite joins them in one
module for each target and precision and makes machine code of it, and the C compiler links. The
library names no other: memcpy, memset and sched_yield are looked up in the process, so it runs with
any C library. Two builds give the same bytes.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PRECISIONS = "float32", "float64"

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
        objects = [str(Path(folder) / f"{'-'.join(job)}.o") for job in jobs]
        list(pool.map(_compile_apart, objects, *zip(*jobs, strict=True)))
        linked = Path(folder) / out.name
        level = str(Path(__file__).with_name("level.c"))
        options = ["-shared", "-fPIC", "-O2", "-nostdlib", "-s", "-Wl,--gc-sections"]
        compiler = shlex.split(os.environ.get("CC", "cc"))
        subprocess.run(
            [*compiler, *options, "-o", str(linked), *objects, level, "-lgcc"], check=True
        )
        out.write_bytes(linked.read_bytes())


def _compile_apart(made: str, target: str, precision: str) -> None:
    """Compile in another process: numba reads its target once."""
    environment = os.environ | {
        "NUMBA_CPU_NAME": target,
        "NUMBA_CPU_FEATURES": "",  # empty, or this processor's are added
        "NUMBA_OPT": "0",  # the module is optimised once, as a whole
        "NUMBA_DISABLE_INTEL_SVML": "1",
        "HANDGRAD_TARGET": target,
    }
    command = [sys.executable, __file__, "--object", made, target, precision]
    subprocess.run(command, check=True, env=environment)


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
    from handgrad.engines.compiled.vectors import host

    if arguments[:1] == ["--object"]:
        made, target, precision = arguments[1:]
        compile_object(Path(made), target, precision)
        return
    out = (
        Path(arguments[0]) if arguments else library.FOLDER / library.name_of_library(sys.platform)
    )
    if arguments or not out.exists():
        for old in () if arguments else library.FOLDER.glob("engine-*"):
            old.unlink()
        build(out, arguments[1:] or [host()])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))  # pip hides a folder installed as editable
    main(sys.argv[1:])
