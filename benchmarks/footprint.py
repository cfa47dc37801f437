"""The costs of a library beside its speed: import, disk, first fit, memory.

    python benchmarks/footprint.py [--quick | --tables]

Import: seconds from the start of a fresh process to its end, less those of one that imports
nothing; the median of seven. Disk: the site-packages of each library's own environment,
without pip, setuptools and byte code. First fit: a fresh process reads the Palmer penguins,
fits, and ends, as ``handgrad fit`` does. It does so first with an empty folder in
XDG_CACHE_HOME, where compiled code is kept (cold), then once more with the code that the compiled
engine has left there (warm); scikit-learn gets the same table through its own imputer, scaler and
one-hot encoder. Memory: the growth of a fresh process, from its size after the imports to its
peak, while it makes 60,000 x 784 float32 rows and trains 784-800-10 for one epoch
of Adam in batches of 256 (W5 of the race, with MNIST's number of rows). Nobody's threads are
limited, and variables that pin the BLAS are removed. ``--quick`` is a trial of one round
that leaves no result.

The ratios compare the import of handgrad.MLPClassifier, the first fit with a cold cache and no
engine named, the memory of the compiled engine, and the disk with numba.

Before it counts, each network must have learnt: more than half of its training rows are right.
"""

import importlib
import json
import math
import sys
import tempfile
import warnings

import numpy as np
from racing import environments
from racing.measuring import in_turns, medians, megabytes, seconds_of
from racing.processes import fresh, interpreter, libraries_of
from racing.results import compared, run
from racing.training import drawn, train

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
    "PyTorch": "torch-2",
    "JAX": "jax-2",
}
FIRST_FITS = {  # in this order, in one cache folder, empty at first
    "handgrad, auto, cold cache": "auto",
    "handgrad, compiled, cold cache": "compiled",
    "handgrad, auto, warm cache": "auto",
    "handgrad, compiled, warm cache": "compiled",
    "scikit-learn": "sklearn",
}
COMPARED = {  # title, and the line of handgrad that counts
    "import": ("the import", "handgrad.MLPClassifier"),
    "first_fit": ("the first fit", "handgrad, auto, cold cache"),
    "memory": ("memory", "handgrad, compiled"),
    "disk": ("disk", "handgrad"),
}
UNITS, BATCH, ROWS = (784, 800, 10), 256, 60_000
PENGUINS = environments.REPOSITORY / "src" / "handgrad" / "data" / "penguins.csv"


# -- fresh processes ---------------------------------------------------------------------------


def import_seconds(rounds):
    """Take turns; return the median of each, less that of a process that imports nothing."""

    def one_round(name, _):
        kind, statement = IMPORTS[name]
        python = interpreter(kind)
        return fresh(python, "-c", statement)[0] - fresh(python, "-c", "")[0]

    installed = [name for name, (kind, _) in IMPORTS.items() if interpreter(kind)]
    in_turns(installed, 1, one_round)  # brings the files into memory
    return medians(in_turns(installed, rounds, one_round))


def installed_megabytes():
    return {
        name: sum(map(size_of, environments.python_of(name).parents[1].glob("lib/*/site-packages")))
        for name in environments.PINS
        if environments.is_installed(name)
    }


def size_of(folder):
    """Add up the files of a site-packages in MB."""
    left_out = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    files = (
        file
        for package in folder.iterdir()
        if package.name.split("-")[0] not in left_out
        for file in (package.rglob("*") if package.is_dir() else [package])
    )
    return (
        sum(f.stat().st_size for f in files if f.is_file() and "__pycache__" not in f.parts) / 1e6
    )


def first_fits(rounds):
    """Return the run of each contender that has the median of the process's seconds."""
    seen = {name: [] for name, kind in FIRST_FITS.items() if interpreter(kind)}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            for name, runs in seen.items():
                runs.append(one_first_fit(FIRST_FITS[name], cache))
    return {
        name: sorted(runs, key=lambda run: run["process"])[len(runs) // 2]
        for name, runs in seen.items()
    }


def one_first_fit(kind, cache):
    folders = {"XDG_CACHE_HOME": cache, "NUMBA_CACHE_DIR": ""}  # numba's own would come first
    seconds, printed = fresh(interpreter(kind), __file__, "--first-fit", kind, **folders)
    return {"process": seconds, **json.loads(printed)}


def memory():
    """Measure each with its compile cache warm, and refuse one that has not learnt."""
    seen = {}
    for name, kind in MEMORY.items():
        for _ in range(2 if kind == "compiled" else bool(interpreter(kind))):
            figures = json.loads(fresh(interpreter(kind), __file__, "--epoch", kind)[1])
        if interpreter(kind):
            if figures["accuracy"] < 0.5:
                raise RuntimeError(f"{name} has not learnt: accuracy {figures['accuracy']:.2f}")
            seen[name] = figures["peak"]
    return seen


# -- the tasks of these processes ----------------------------------------------------------------


def first_fit(kind):
    """Read the penguins and fit, as ``handgrad fit`` does; print the seconds of the fit."""
    model, x, y = sklearn_pipeline() if kind == "sklearn" else handgrad_estimator(kind)
    seconds, _ = seconds_of(lambda: model.fit(x, y))
    engine = str(getattr(model, "engine_", ""))
    print(json.dumps({"fit": seconds, "accuracy": model.score(x, y), "engine": engine}))


SETTINGS = {"batch_size": 32, "early_stopping": True, "random_state": 0}


def handgrad_estimator(kind):
    from handgrad import MLPClassifier, read_table
    from handgrad.tables.columns import labels

    table = read_table(PENGUINS)
    y, _ = labels(table, "species")
    model = MLPClassifier(engine=kind, scoring="loss", dtype="float32", **SETTINGS)
    return model, table.drop_columns(["species"]), y


def sklearn_pipeline():
    import csv

    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    with open(PENGUINS, newline="") as file:
        names, *cells = csv.reader(file)
    target = names.index("species")
    y = np.array([row.pop(target) for row in cells])
    x = np.array(cells, object)
    numeric = [c for c in range(x.shape[1]) if all(is_number(v) for v in x[:, c])]
    texts = [c for c in range(x.shape[1]) if c not in numeric]
    x[:, numeric] = [[math.nan if v in MISSING else float(v) for v in row] for row in x[:, numeric]]
    scaled = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    encoded = make_column_transformer((scaled, numeric), (OneHotEncoder(), texts))
    return make_pipeline(encoded, MLPClassifier(**SETTINGS)), x, y


MISSING = ("", "NA")


def is_number(cell):
    return cell in MISSING or cell.replace(".", "", 1).isdigit()


def one_epoch(kind):
    """Train one epoch; print the peak memory above the imports, and the accuracy."""
    peers = {"sklearn": ["sklearn.neural_network"], "torch": ["torch"], "jax": ["jax"]}
    ours = ["handgrad.estimators"] + ["handgrad.engines.compiled.engine"] * (kind == "compiled")
    for name in peers.get(kind.split("-")[0], ours):
        importlib.import_module(name)
    before = megabytes("VmRSS")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, UNITS[0]), dtype=np.float32)
    y = np.argmax(x[:, : UNITS[-1]], axis=1)
    seen = {}

    def on_epoch(predict):
        seen["peak"] = megabytes("VmHWM") - before
        seen["accuracy"] = float(np.mean(np.argmax(predict(x[:1000]), axis=1) == y[:1000]))

    train(kind, drawn(UNITS), x, y, on_epoch, batch_size=BATCH, learning_rate=1e-3, max_iter=1)
    print(json.dumps(seen))


# -- the measurement ---------------------------------------------------------------------------


TITLES = {
    "sklearn.neural_network": "scikit-learn",
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
    "jax": "JAX",
    "keras on jax": "Keras",
    "keras": "Keras",
}


def measure(options):
    data = {
        "import": import_seconds(1 if options.quick else 7),
        "disk": installed_megabytes(),
        "first_fit": first_fits(1 if options.quick else 3),
        "memory": memory(),
    }
    return {**data, "ratios": ratios_of(data)}


def ratios_of(data):
    ratios, fits = {}, {name: fit["process"] for name, fit in data["first_fit"].items()}
    for what, of in (data | {"first_fit": fits}).items():
        title, ours = COMPARED[what]
        for name in of:
            if not name.startswith("handgrad"):
                ratios.setdefault(TITLES.get(name, name), {})[title] = of[name] / of[ours]
    return ratios


def tables(data):
    return [
        compared(data["ratios"], "times lighter than"),
        (["import of", "seconds"], [[n, f"{s:.2f}"] for n, s in data["import"].items()]),
        (
            ["first fit of the penguins", "engine", "process, s", "fit, s", "accuracy"],
            [
                [n, f["engine"], f"{f['process']:.2f}", f"{f['fit']:.2f}", f"{f['accuracy']:.3f}"]
                for n, f in data["first_fit"].items()
            ],
        ),
        (
            ["one epoch of 784-800-10", "peak above the imports, MB"],
            [[n, f"{peak:,.0f}"] for n, peak in data["memory"].items()],
        ),
        (["site-packages of", "MB"], [[n, f"{size:,.0f}"] for n, size in data["disk"].items()]),
    ]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    parts = {"--first-fit": first_fit, "--epoch": one_epoch}
    if len(sys.argv) == 3:
        parts[sys.argv[1]](sys.argv[2])
    else:
        run(measure, tables, libraries_of([*MEMORY.values(), "keras", "skorch"]))
