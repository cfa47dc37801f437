"""The costs of a library beside its speed: import, disk, first fit, memory.

    python benchmarks/footprint.py [--quick | --tables]

Import: seconds from the start of a fresh process to its end, less those of one that imports
nothing; the median of seven. Disk: the site-packages of each library's own environment,
without pip, setuptools and byte code. First fit: a fresh process with an empty home reads the
Palmer penguins, fits, and ends, as ``handgrad fit`` does; scikit-learn gets the same table
through its own imputer, scaler and one-hot encoder. A second one fits the digits, a matrix, with 64
units for 30 epochs in batches of 32. Memory: the growth of a fresh process, from its size after the
imports to its peak, while it makes 60,000 x 784 float32 rows and trains 784-800-10 for one epoch
of Adam in batches of 256 (W5 of the race, with MNIST's number of rows). Nobody's threads are
limited, and variables that pin the BLAS are removed. ``--quick`` is a trial of one round
that leaves no result.

The ratios compare the import of handgrad.MLPClassifier, the process of the penguins and the fit of
the digits with no engine named, the memory of the compiled engine, and the disk.

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
from racing.training import drawn, estimator, train

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
FIRST_FITS = {"handgrad": "auto", "handgrad, numpy": "numpy", "scikit-learn": "sklearn"}
COUNTED = {"penguins": "process", "digits": "fit"}  # the seconds of a first fit that are compared
COMPARED = {  # title, and the line of handgrad that counts
    "import": ("the import", "handgrad.MLPClassifier"),
    "penguins": ("the first fit", "handgrad"),
    "digits": ("the first fit of digits", "handgrad"),
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
        if name != environments.FLOOR and environments.is_installed(name)
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
    """Return {"data: contender": run}; the run has the median of the seconds that count."""
    cases = [
        (data, name) for data in COUNTED for name, kind in FIRST_FITS.items() if interpreter(kind)
    ]
    seen = in_turns(cases, rounds, lambda case, _: one_first_fit(case[0], FIRST_FITS[case[1]]))
    return {
        f"{data}: {name}": sorted(runs, key=lambda run, of=COUNTED[data]: run[of])[len(runs) // 2]
        for (data, name), runs in seen.items()
    }


def one_first_fit(data, kind):
    with tempfile.TemporaryDirectory() as home:
        folders = {"HOME": home, "XDG_CACHE_HOME": home}
        seconds, printed = fresh(interpreter(kind), __file__, "--first-fit", data, kind, **folders)
    return {"process": seconds, **json.loads(printed)}


def memory():
    """Measure each, and refuse one that has not learnt."""
    seen = {}
    for name, kind in MEMORY.items():
        if interpreter(kind):
            figures = json.loads(fresh(interpreter(kind), __file__, "--epoch", kind)[1])
            if figures["accuracy"] < 0.5:
                raise RuntimeError(f"{name} has not learnt: accuracy {figures['accuracy']:.2f}")
            seen[name] = figures["peak"]
    return seen


# -- the tasks of these processes ----------------------------------------------------------------


def first_fit(data, kind):
    """Read the data and fit; print the seconds of the fit."""
    if data == "digits":
        model, x, y = digits(kind)
    else:
        model, x, y = sklearn_pipeline() if kind == "sklearn" else handgrad_estimator(kind)
    seconds, _ = seconds_of(lambda: model.fit(x, y))
    engine = str(getattr(model, "engine_", ""))
    print(json.dumps({"fit": seconds, "accuracy": model.score(x, y), "engine": engine}))


def digits(kind):
    from sklearn.datasets import load_digits

    warnings.simplefilter("ignore")  # 30 epochs need not converge
    x, y = load_digits(return_X_y=True)
    settings = {"hidden_layer_sizes": (64,), "batch_size": 32, "max_iter": 30, "random_state": 0}
    return estimator(kind, **settings), x / 16, y


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
    ratios, figures = {}, {**data}
    for case, fit in data["first_fit"].items():
        task, _, name = case.partition(": ")
        figures.setdefault(task, {})[name] = fit[COUNTED[task]]
    for what, (title, ours) in COMPARED.items():
        of = figures[what]
        for name in of:
            if not name.startswith("handgrad"):
                ratios.setdefault(TITLES.get(name, name), {})[title] = of[name] / of[ours]
    return ratios


def tables(data):
    return [
        compared(data["ratios"], "times lighter than"),
        (["import of", "seconds"], [[n, f"{s:.2f}"] for n, s in data["import"].items()]),
        (
            ["first fit", "engine", "process, s", "fit, s", "accuracy"],
            [
                [n, f["engine"], f"{f['process']:.2f}", f"{f['fit']:.3f}", f"{f['accuracy']:.3f}"]
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
    if len(sys.argv) > 2:
        parts[sys.argv[1]](*sys.argv[2:])
    else:
        run(measure, tables, libraries_of([*MEMORY.values(), "keras", "skorch"]))
