"""What the house promises about itself: imports run one way, and the derivation stands alone."""

import ast
import runpy
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path

import pytest

import handgrad
from handgrad.activations import ACTIVATIONS
from handgrad.engines.choice import BACKENDS
from handgrad.optim import OPTIMIZERS, SOLVERS
from handgrad.outputs import BY_LOSS, OUTPUTS
from handgrad.schedules import SCHEDULES

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "handgrad"


def imported(path):
    """Name every module that a file imports, at the top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_run_one_way():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


DEEPEST, MOST_AT_ROOT, MOST_LINES = 12, 20, 500


def run_nodes(node):
    """Give the parts of a tree that Python runs, which what stands there for types is not."""
    if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
        yield node
        for part in ast.iter_child_nodes(node):
            yield from run_nodes(part)


def graph(nodes_of):
    """Map each file of the package to the others that these nodes of its tree import."""
    names = {
        path: ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        for path in SOURCE.rglob("*.py")
    }
    files = {name.removesuffix(".__init__"): path for path, name in names.items()}
    del files["handgrad"]  # it fetches names when they are asked for

    def ours(path):
        for node in nodes_of(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    yield full if full in files else node.module

    return {name: (set(ours(path)) & set(files)) - {name} for name, path in files.items()}


def test_imports_make_no_circle_even_inside_functions():
    TopologicalSorter(graph(run_nodes)).prepare()  # raises CycleError


def test_imports_are_not_deep():
    """Depth counts the files on the longest chain of imports at the top of files."""
    at_top, depth = graph(lambda tree: tree.body), {}
    for name in TopologicalSorter(at_top).static_order():
        depth[name] = 1 + max((depth[below] for below in at_top[name]), default=0)
    deepest = max(depth, key=depth.get)
    assert depth[deepest] <= DEEPEST, deepest


def test_files_are_short_and_few_at_the_root():
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in SOURCE.rglob("*.py")}
    longest = max(lines, key=lines.get)
    assert lines[longest] <= MOST_LINES, longest
    assert len(list(SOURCE.glob("*.py"))) <= MOST_AT_ROOT


def test_the_derivation_needs_numpy_alone():
    assert {name.split(".")[0] for name in imported(SOURCE / "two_layer.py")} == {"numpy", "typing"}


def test_nothing_leans_on_the_derivation():
    for path in SOURCE.rglob("*.py"):
        assert not any("two_layer" in name for name in imported(path)), path


def test_gradients_are_derived_by_hand():
    frameworks = {"torch", "jax", "tensorflow", "autograd", "keras", "theano"}
    for path in SOURCE.rglob("*.py"):
        assert not frameworks & {name.split(".")[0] for name in imported(path)}, path


def test_scikit_learn_is_met_by_the_estimators_the_plots_and_the_digits_alone():
    users = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if any(name.startswith("sklearn") for name in imported(path))
    }
    elsewhere = {path for path in users if path.split("/")[0] not in ("estimators", "plots")}
    assert elsewhere == {"playground/data.py"}
    names = {name for name in imported(SOURCE / "playground/data.py") if "sklearn" in name}
    assert all(name.startswith("sklearn.datasets") for name in names)


def test_every_planted_fault_still_finds_its_place():
    """The drill itself takes long: here only that each fault can be planted, and is looked for."""
    drill = runpy.run_path(str(ROOT / "tests" / "mutants.py"))
    faults = drill["FAULTS"]
    assert len({(fault.file, fault.right, fault.wrong) for fault in faults}) == len(faults)
    for fault in faults:
        source = (SOURCE / fault.file).read_text(encoding="utf-8")
        assert source.count(fault.right) == 1, f"{fault.file}: {fault.right}"
        assert fault.wrong != fault.right
        for named in fault.tests.split():
            name, _, test = named.partition("::")
            path = ROOT / "tests" / f"test_{name}.py"
            assert path.exists(), named
            assert not test or f"def {test}(" in path.read_text(encoding="utf-8"), named


# The files of these folders have three faults or more, all others one.
WELL_DRILLED = {"cli": 3, "estimators": 3}
WITHOUT_FAULTS = {  # no logic of their own
    "__main__.py",
    "cli/__init__.py",
    "engines/__init__.py",
    "engines/compiled/__init__.py",
    "engines/seam.py",
    "estimators/__init__.py",
    "estimators/task.py",
    "explain/__init__.py",
    "export/__init__.py",
    "export/c/__init__.py",
    "export/javascript/__init__.py",
    "export/onnx/__init__.py",
    "export/python/__init__.py",
    "models/__init__.py",
    "plots/__init__.py",
    "tables/__init__.py",
    "workers/__init__.py",
    "tables/files/__init__.py",
    "tables/recognition/__init__.py",
    "training/__init__.py",
}


def test_every_file_is_drilled():
    drill = runpy.run_path(str(ROOT / "tests" / "mutants.py"))
    faults = Counter(fault.file for fault in drill["FAULTS"])
    files = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*")
        if path.suffix in (".py", ".js")
    }
    assert files >= WITHOUT_FAULTS
    for file in sorted(files - WITHOUT_FAULTS):
        least = WELL_DRILLED.get(file.split("/")[0], 1)
        assert faults[file] >= least, f"{file} has {faults[file]} of {least} planted faults"


NAMES = {*ACTIVATIONS, *OUTPUTS, *BY_LOSS, *SCHEDULES, *OPTIMIZERS, *SOLVERS, "lbfgs", *BACKENDS}
# Those who own these names; the kernels have numbers of their own.
OWNERS = {
    "activations.py",
    "outputs.py",
    "optim.py",
    "schedules.py",
    "engines/compiled/activations.py",
    "engines/compiled/losses.py",
    "engines/compiled/rules.py",
}
OTHER_MEANINGS = {
    "engines/machine.py": {"numpy"},  # the package, by its version
    "estimators/exchange.py": {"adam", "lbfgs", "sgd"},  # of scikit-learn's estimators
    "estimators/parameters.py": {"momentum"},  # the parameter
    "export/javascript/bending.py": {"tanh"},  # the function
    "explain/formula.py": {"tanh", "softmax", "logistic"},  # functions of its language
    "export/onnx/graph.py": {"tanh"},  # a function of NumPy
    "export/c/functions.py": {"tanh", "softmax"},  # operations of NumPy, functions of C
    "tables/parts.py": {"identity"},  # of an encoder
}


def texts_in(node):
    """Give the texts that a side of a comparison names, in a tuple, list or set too."""
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}


def compared(tree):
    """Name every text that some code compares, matches, lists, or takes as a key."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                if not isinstance(side, ast.Call | ast.Subscript):
                    yield from texts_in(side)
        elif isinstance(node, ast.MatchValue):
            yield from texts_in(node.value)
        elif isinstance(node, ast.Dict) and len(node.keys) > 1:
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant))
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            listed = [part.value for part in node.elts if isinstance(part, ast.Constant)]
            yield from listed if len(listed) > 1 else []


def test_nobody_but_its_owner_asks_a_thing_for_its_name():
    """Neither an output or activation, nor a rule, schedule or engine."""
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        if file in OWNERS:
            continue
        found = NAMES & set(compared(ast.parse(path.read_text(encoding="utf-8"))))
        found -= OTHER_MEANINGS.get(file, set())
        assert not found, f"{file} compares {sorted(found)}: ask the object of that name"


@pytest.mark.parametrize(
    "line",
    [
        'output == "softmax"',
        '"huber" != loss',
        'name in ("relu", "tanh")',
        'name not in {"gelu"}',
        'KNOWN = ("identity", "logistic")',
        'START = {"elu": "he_uniform", "selu": "lecun_normal"}',
        'match name:\n    case "poisson": pass',
        'estimator.solver == "lbfgs"',
        'schedule != "adaptive"',
        'engine in ("auto", "compiled")',
    ],
)
def test_that_contract_sees_each_way_of_comparing(line):
    assert set(compared(ast.parse(line))) & NAMES


def test_files_hold_no_pickle():
    for path in SOURCE.rglob("*.py"):
        assert not {"pickle", "joblib", "marshal", "shelve"} & set(imported(path)), path


def test_every_public_name_is_there():
    assert sorted(handgrad.__all__) == handgrad.__all__
    for name in handgrad.__all__:
        assert getattr(handgrad, name).__doc__
    assert handgrad.__version__ == version("handgrad")


def test_every_file_opens_with_a_sentence():
    for path in [*SOURCE.rglob("*.py"), *(ROOT / "tests").glob("*.py"), *ROOT.glob("*/*.py")]:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
