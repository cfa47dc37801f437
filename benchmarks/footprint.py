"""What a library costs beside its speed: import, disk, first fit, memory.

    python benchmarks/footprint.py [--quick]

Import: seconds from the start of a fresh process to its end, less those of one that imports
nothing; the median of seven. Disk: what site-packages of each library's own environment holds,
without pip, setuptools and byte code. First fit: a fresh process reads the Palmer penguins,
fits, and ends, as ``handgrad fit`` does, with the compile cache in an empty folder (cold) and
once more (warm); scikit-learn gets the same table through its own imputer, scaler and one-hot
encoder. Memory: by how much a fresh process grows at its highest, above what it holds after
the imports, while it makes 60,000 x 784 float32 rows and trains 784-800-10 for one epoch of
Adam in batches of 256; the rows alone are 188 MB. Nobody is told to use fewer threads, and
variables that pin the BLAS are removed.

Before it counts, each network must have learnt: more than half of its training rows are right.
"""

import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

IMPORTS = {  # contender: (kind, statement)
    "handgrad": ("handgrad", "import handgrad"),
    "handgrad.MLPClassifier": ("handgrad", "import handgrad; handgrad.MLPClassifier"),
    "sklearn.neural_network": ("sklearn", "import sklearn.neural_network"),
    "torch": ("torch", "import torch"),
    "jax": ("jax", "import jax, jax.numpy"),
    "keras on jax": ("keras", "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras"),
}
MEMORY = {
    "handgrad, compiled": "compiled",
    "handgrad, numpy": "numpy",
    "scikit-learn": "sklearn",
    "torch": "torch-2",
    "jax": "jax",
}
FIRST_FITS = {  # contender: (kind, is the cache cold)
    "handgrad, auto, cold cache": ("auto", True),
    "handgrad, auto, warm cache": ("auto", False),
    "handgrad, compiled, cold cache": ("compiled", True),
    "handgrad, compiled, warm cache": ("compiled", False),
    "scikit-learn": ("sklearn", True),
}
UNITS, BATCH, ROWS = (784, 800, 10), 256, 60_000
DATA_MB = ROWS * UNITS[0] * 4 / 1e6
PENGUINS = Path(__file__).parents[1] / "src" / "handgrad" / "data" / "penguins.csv"
SECONDS = 120  # no process may take longer


# -- fresh processes ---------------------------------------------------------------------------


def fresh(kind, *arguments, **environment):
    """Run a process of this contender; return its seconds and what it printed."""
    from prediction import interpreter, user_environment

    command = [interpreter(kind), *arguments]
    started = time.perf_counter()
    how = {"env": user_environment(**environment), "timeout": SECONDS}
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **how)
    return time.perf_counter() - started, run.stdout


def installed(table):
    from prediction import interpreter

    kinds = {name: what if isinstance(what, str) else what[0] for name, what in table.items()}
    return [name for name, kind in kinds.items() if interpreter(kind)]


def import_seconds(rounds):
    """Take turns; return the median of each, less that of a process that imports nothing."""
    names = installed(IMPORTS)
    seen = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names:
            kind, statement = IMPORTS[name]
            seconds = fresh(kind, "-c", statement)[0] - fresh(kind, "-c", "")[0]
            seen[name] += [seconds] if number else []  # the first brings files into memory
    return {name: statistics.median(values) for name, values in seen.items()}


def installed_megabytes():
    from racing.environments import PINS, python_of

    found = {name: python_of(name).parents[1].glob("lib/python*/site-packages") for name in PINS}
    return {
        name: sum(size_of(folder) for folder in folders) / 1e6 for name, folders in found.items()
    }


def size_of(folder):
    left_out = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "pip-", "setuptools-")
    files = (
        file
        for package in folder.iterdir()
        if package.name not in left_out and not package.name.startswith(left_out[-2:])
        for file in (package.rglob("*") if package.is_dir() else [package])
    )
    return sum(f.stat().st_size for f in files if f.is_file() and "__pycache__" not in f.parts)


def first_fits(rounds):
    """Return the median of whole processes, with what it says of its fit."""
    seen = {}
    for name, (kind, is_cold) in FIRST_FITS.items():
        for _ in range(rounds if name in installed(FIRST_FITS) else 0):
            run = (kind, __file__, "--first-fit", kind)
            with tempfile.TemporaryDirectory() as cache:
                if not is_cold:
                    fresh(*run, XDG_CACHE_HOME=cache)
                seconds, printed = fresh(*run, XDG_CACHE_HOME=cache)
            seen.setdefault(name, []).append({"process": seconds, **json.loads(printed)})
    return {
        name: sorted(runs, key=lambda run: run["process"])[len(runs) // 2]
        for name, runs in seen.items()
    }


# -- what runs in them -------------------------------------------------------------------------


def first_fit(kind):
    """Read the penguins and fit, as ``handgrad fit`` does; print the seconds of the fit."""
    make, x, y = (sklearn_pipeline if kind == "sklearn" else handgrad_estimator)(kind)
    started = time.perf_counter()
    model = make.fit(x, y)
    seconds = time.perf_counter() - started
    engine = str(getattr(model, "engine_", ""))
    print(json.dumps({"fit": seconds, "accuracy": model.score(x, y), "engine": engine}))


SETTINGS = {"batch_size": 32, "early_stopping": True, "random_state": 0}


def handgrad_estimator(kind):
    from handgrad import MLPClassifier, read_table
    from handgrad.columns import labels

    table = read_table(PENGUINS)
    y, _ = labels(table, "species")
    settings = SETTINGS | {"scoring": "loss", "dtype": "float32"}
    try:
        model = MLPClassifier(engine=kind, **settings)
    except TypeError:
        model = MLPClassifier(**settings)
    return model, table.drop_columns(["species"]), y


def sklearn_pipeline(kind):
    import csv

    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    with open(PENGUINS, newline="") as file:
        names, *cells = csv.reader(file)
    y = np.array([row[names.index("species")] for row in cells])
    x = np.array(
        [[cell for n, cell in zip(names, row, strict=True) if n != "species"] for row in cells],
        object,
    )
    numeric = [c for c in range(x.shape[1]) if all(is_number(v) for v in x[:, c])]
    texts = [c for c in range(x.shape[1]) if c not in numeric]
    x[:, numeric] = [
        [float(v) if v not in MISSING else math.nan for v in row] for row in x[:, numeric]
    ]
    scaled = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    encoded = make_column_transformer((scaled, numeric), (OneHotEncoder(), texts))
    return make_pipeline(encoded, MLPClassifier(**SETTINGS)), x, y


MISSING = ("", "NA")


def is_number(cell):
    return cell in MISSING or cell.replace(".", "", 1).isdigit()


def one_epoch(kind):
    """Train one epoch; print peak memory above the imports, and the loss of the last rows."""
    from as_a_user import drawn
    from prediction import kilobytes
    from time_to_quality import train

    preload(kind)
    before = kilobytes("VmRSS")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, UNITS[0]), dtype=np.float32)
    y = np.argmax(x[:, : UNITS[-1]], axis=1)
    seen = {}

    def on_epoch(predict):
        seen["peak"] = (kilobytes("VmHWM") - before) / 1000
        seen["accuracy"] = float(np.mean(np.argmax(predict(x[:1000]), axis=1) == y[:1000]))

    how = {"batch_size": BATCH, "learning_rate": 1e-3, "max_iter": 1, "shuffle": True}
    train(kind, drawn(UNITS), x, y, on_epoch, random_state=0, **how)
    print(json.dumps(seen))


def preload(kind):
    import importlib

    ours = ["handgrad.estimators", "numba"]
    for name in {"sklearn": ["sklearn.neural_network"], "torch": ["torch"], "jax": ["jax"]}.get(
        kind.split("-")[0], ours
    ):
        importlib.import_module(name)


# -- the measurement ---------------------------------------------------------------------------


def memory():
    """Measure each with its compile cache warm; what does not learn is refused."""
    seen = {}
    for name in installed(MEMORY):
        for _ in range(2):
            _, printed = fresh(MEMORY[name], __file__, "--epoch", MEMORY[name])
        figures = json.loads(printed)
        if figures["accuracy"] < 0.5:
            raise RuntimeError(f"{name} has not learnt: accuracy {figures['accuracy']:.2f}")
        seen[name] = figures["peak"]
    return seen


def main():
    quick = "--quick" in sys.argv
    data = {
        "import": import_seconds(1 if quick else 7),
        "disk": installed_megabytes(),
        "first_fit": first_fits(1 if quick else 3),
        "memory": memory(),
    }
    report(data)


def report(data):
    from growth import publish

    imports, fits, peaks = data["import"], data["first_fit"], data["memory"]
    tables = [
        (["import", "seconds"], [[n, f"{s:.2f}"] for n, s in imports.items()]),
        (["site-packages of", "MB"], [[n, f"{size:,.0f}"] for n, size in data["disk"].items()]),
        (
            ["one epoch of 784-800-10", "peak above the imports, MB", "times the data"],
            [[n, f"{peak:,.0f}", f"{peak / DATA_MB:.2f}"] for n, peak in peaks.items()],
        ),
    ]
    rows = [
        [
            f"{n}, {f['engine']}" if "auto" in n and f["engine"] else n,
            f"{f['process']:.2f}",
            f"{f['fit']:.2f}",
            f"{f['accuracy']:.3f}",
        ]
        for n, f in fits.items()
    ]
    header = ["first fit of the penguins", "process s", "fit s", "accuracy"]
    costs = {
        "import": (imports, "handgrad.MLPClassifier"),
        "memory": (peaks, "handgrad, compiled"),
        "disk": (data["disk"], "handgrad"),
        "first fit": ({n: f["process"] for n, f in fits.items()}, "handgrad, auto, cold cache"),
    }
    lighter = [
        f"{what} of {n} ({of[ours] / cost:.1f} times)"
        for what, (of, ours) in costs.items()
        for n, cost in of.items()
        if not n.startswith("handgrad") and cost * 1.15 < of[ours]
    ]
    sentence = (
        f"Lighter than handgrad's: {', '.join(lighter) or 'nothing'}. Compared were the import of "
        "handgrad.MLPClassifier, disk with numba, the compiled engine's memory and a first fit "
        f"with nothing compiled. The rows alone are {DATA_MB:.0f} MB."
    )
    title = "Import, disk, first fit, memory"
    publish("footprint", title, 35, sentence, header, rows, data, *tables)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    parts = {"--first-fit": first_fit, "--epoch": one_epoch}
    if len(sys.argv) == 3:
        parts[sys.argv[1]](sys.argv[2])
    else:
        main()
