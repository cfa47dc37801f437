"""Each example, run as a user runs it, in its short form."""

import ast
import gzip
import os
import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning

from handgrad import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


def run(cwd, *arguments, code=0):
    """Run a script in an empty folder; give what it printed, or why it ended."""
    command = [sys.executable, *map(str, arguments)]
    path = os.pathsep.join([str(EXAMPLES.parent / "src"), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_opens_with_how_to_run_it_and_stands_in_the_table(script):
    told = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    assert f"python examples/{script.name}" in told
    assert f"[{script.name}]({script.name})" in (EXAMPLES / "README.md").read_text("utf-8")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_uses_what_is_public(script):
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("handgrad"):
            assert node.module in ("handgrad", "handgrad.plots"), node.module
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_") or node.attr.startswith("__"), node.attr


def test_the_articles_notebook(tmp_path):
    assert run(tmp_path, EXAMPLES / "article_notebook.py").count("loss") == 11


def test_the_spiral_gives_the_courses_figures(tmp_path):
    printed = run(tmp_path, EXAMPLES / "spiral.py", "--steps", 300, "--picture", "plane.png")
    linear, two_layers, estimator = printed.splitlines()[1:4]
    assert re.search(r" 0\.786302 +49\.\d% +0\.786302, 49 %", linear)  # ours is theirs
    loss = float(two_layers.split()[-5])
    assert 0.2 < loss < 0.78  # below what is straight, well above the end
    assert float(estimator.split()[1]) == pytest.approx(loss, abs=2e-3)  # its loss, told otherwise
    assert (tmp_path / "plane.png").read_bytes().startswith(b"\x89PNG")


# -- MNIST: a stand-in of small digits in the files of the large ones ----------------------------


def idx(array):
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.astype(np.uint8).tobytes()


@pytest.fixture
def digits(tmp_path):
    """Write 8 x 8 digits in both forms: a folder of four files, one of them unpacked, and .npz."""
    x, y_t = load_digits(return_X_y=True)
    x = np.minimum(16 * x, 255).astype(np.uint8).reshape(-1, 8, 8)
    parts = {
        "train-images-idx3": x[:1200],
        "train-labels-idx1": y_t[:1200],
        "t10k-images-idx3": x[1200:],
        "t10k-labels-idx1": y_t[1200:],
    }
    folder = tmp_path / "digits"
    folder.mkdir()
    for name, part in parts.items():
        (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(idx(part)))
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(y_t[1200:]))
    names = ("X_train", "y_train", "X_test", "y_test")
    np.savez(tmp_path / "digits.npz", **dict(zip(names, parts.values(), strict=True)))
    return folder


def test_mnist_reads_both_forms_and_learns(digits):
    def accuracies(data, *more):
        printed = run(digits.parent, EXAMPLES / "mnist.py", data, *more)
        return [re.findall(r"([\d.]+)%", line) for line in printed.splitlines()[1:]]

    from_folder = accuracies(digits, "--epochs", 3)
    assert from_folder == accuracies(digits.with_suffix(".npz"), "--epochs", 3)
    assert [len(line) for line in from_folder] == [2, 2, 2, 2, 2]
    assert all(float(line[-1]) > 40 for line in from_folder)  # chance is 10
    assert float(from_folder[-1][-1]) > 80


def test_mnist_tells_what_is_no_such_file(digits, monkeypatch):
    def refuses(data, why):
        monkeypatch.setattr(sys, "argv", ["mnist.py", str(data)])
        with pytest.raises(SystemExit, match=why):
            runpy.run_path(str(EXAMPLES / "mnist.py"), run_name="__main__")

    refuses(digits.parent / "nowhere", "is missing")
    refuses(digits.parent / "nowhere.npz", "is missing")
    (digits / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"\x89PNG and more"))
    refuses(digits, "not a file of MNIST")


# -- tables and files ----------------------------------------------------------------------------


def test_the_messy_table(tmp_path):
    printed = run(tmp_path, EXAMPLES / "messy_table.py", "--rows", 1500, "--out", "kept")
    table = pd.read_csv(tmp_path / "kept" / "customers.csv")
    last = table["cancelled"][1200:] == "left"
    assert re.search(r"call everybody +10\.00", printed)  # a call each
    assert re.search(rf"call nobody +{120 * last.mean():.2f}", printed)
    assert "the same probabilities, to the bit" in printed
    model = MLPClassifier.load(tmp_path / "kept" / "cancelled.safetensors")
    assert list(model.classes_) == ["left", "stayed"]
    names = set(model.model_.encoder.names)
    assert {"plan", "age", "days_a_customer"} < names
    assert not names & {"customer_id", "billed_on", "customer_since", "cancelled"}


def test_ship_a_model(tmp_path):
    printed = run(tmp_path, EXAMPLES / "ship_a_model.py", "--out", "kept", "--epochs", 5)
    assert printed.count("same labels") == 2
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {
        "penguins.safetensors",
        "new.csv",
    }


def test_distil(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # where others are at work, threads of trees wait
    printed = run(tmp_path, EXAMPLES / "distil.py", "--out", "kept", "--epochs", 3)
    assert re.findall(r"^(teacher|student, [a-z]+)", printed, re.MULTILINE) == [
        "teacher",
        "student, labels",
        "student, probabilities",
        "student, probabilities",
    ]
    kilobytes = [float(size) for size in re.findall(r"([\d.]+) kB", printed)]
    assert kilobytes[0] > 20 * kilobytes[1] == 20 * kilobytes[3]
    model = MLPClassifier.load(tmp_path / "kept" / "student.safetensors")
    assert model.classes_.tolist() == [0, 1, 2]


BY_NUMPY = """
import runpy, sys
sys.modules |= dict.fromkeys({names!r})
runpy.run_path({path!r}, run_name="__main__")
"""


@pytest.mark.parametrize(
    ("way", "package"), [("dask", "dask.dataframe"), ("ray", "ray"), ("spark", "pyspark")]
)
def test_parts_of_a_table_have_the_bits_of_one_call(tmp_path, way, package):
    pytest.importorskip(package)
    printed = run(tmp_path, EXAMPLES / "many_rows.py", way, "--rows", 4000)
    assert printed == f"{way}: 4,000 rows, 8 parts, 0 rows differ\n"


def by_numpy(cwd, model, table, code=0):
    """Run predict_with_numpy.py where none of these can be imported."""
    names = ("handgrad", "sklearn", "scipy", "safetensors", "pandas", "pyarrow")
    program = BY_NUMPY.format(names=names, path=str(EXAMPLES / "predict_with_numpy.py"))
    return run(cwd, "-c", program, model, table, code=code)


@pytest.fixture
def flowers():
    """Iris with holes and a text column, some of whose cells are missing."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    X = X.rename(columns=lambda name: name.split(" (")[0])
    X.iloc[::7, 1] = np.nan
    X["soil"] = np.where(X.index % 3 == 0, "clay", "sand, wet")
    X.loc[::10, "soil"] = None
    return X, y.map({0: "setosa", 1: "versicolor", 2: "virginica"})


@pytest.mark.parametrize(
    ("settings", "classes"),
    [
        ({}, 3),
        ({"activation": ("tanh", "logistic"), "hidden_layer_sizes": (8, 4)}, 3),
        ({"hidden_layer_sizes": ()}, 2),
        ({"calibration": "temperature", "early_stopping": True}, 2),
    ],
)
def test_numpy_alone_predicts_the_same(settings, classes, flowers, tmp_path):
    X, y = (part[: 50 * classes] for part in flowers)
    model = MLPClassifier(**{"hidden_layer_sizes": (8,), **settings}, max_iter=30, batch_size=16)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        model.fit(X, y)
    model.save(tmp_path / "model.safetensors")
    X.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "out.csv").write_text(by_numpy(tmp_path, "model.safetensors", "table.csv"))
    out = pd.read_csv(tmp_path / "out.csv")
    assert out.iloc[:, 0].tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(out.iloc[:, 1:], model.predict_proba(X), rtol=1e-10, atol=1e-14)


def test_numpy_alone_reads_booleans_and_rare_levels(flowers, tmp_path):
    X, y = flowers
    X["is wet"] = np.where(X.index % 4 == 0, "yes", "no")
    X["field"] = np.where(X.index % 2 == 0, "12", np.where(X.index % 5 == 0, "north", "south"))
    X["name"] = [f"flower {row}" for row in X.index]
    model = MLPClassifier((8,), min_frequency=20, max_iter=30, batch_size=16)
    with warnings.catch_warnings(action="ignore"):
        model.fit(X, y)
    assert "field: other" in model.model_.encoder.input_names
    model.save(tmp_path / "model.safetensors")
    X.loc[5:9, "field"] = ["012", "west", None, "12.0", "north"]
    X.loc[5:9, "is wet"] = ["TRUE", "f", None, "maybe", "1"]
    X.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "out.csv").write_text(by_numpy(tmp_path, "model.safetensors", "table.csv"))
    out = pd.read_csv(tmp_path / "out.csv").iloc[:, 1:]
    np.testing.assert_allclose(out, model.predict_proba(X), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("column", ["dates", "prices", "doses"])
def test_numpy_alone_refuses_columns_it_cannot_read(column, flowers, tmp_path):
    X, y = flowers
    X["dates"] = [f"2024-0{1 + row % 9}-01" for row in X.index]
    X["prices"] = [f"{row}.50 EUR" for row in X.index]
    X["doses"] = [str(row) if row % 9 else "trace" for row in X.index]
    X = X[["petal length", column]]
    X.to_csv(tmp_path / "table.csv", index=False)
    with warnings.catch_warnings(action="ignore"):
        MLPClassifier((4,), max_iter=2).fit(X, y).save(tmp_path / "model.safetensors")
    told = by_numpy(tmp_path, "model.safetensors", "table.csv", code=1)
    assert f"column '{column}'" in told


@pytest.mark.parametrize(
    "settings",
    [
        {"skip": True},
        {"skip": True, "preprocess": "robust", "n_ensemble": 2},
        {"preprocess": "piecewise"},
        {"preprocess": "piecewise", "skip": True, "min_frequency": 20, "n_ensemble": 3},
        {"hidden_layer_sizes": (), "preprocess": "piecewise", "skip": True},
        {"n_ensemble": 2, "calibration": "temperature", "early_stopping": True},
    ],
    ids=lambda settings: " ".join(map(str, settings.values())),
)
@pytest.mark.parametrize("classes", [2, 3])
def test_numpy_alone_reads_bins_skips_and_several_networks(settings, classes, flowers, tmp_path):
    X, y = (part[: 50 * classes] for part in flowers)
    X = X.assign(
        wet=np.where(X.index % 4 == 0, "yes", "no"), same=np.where(X.index % 9, 7.0, np.nan)
    )
    X["field"] = np.where(X.index % 2 == 0, "12", np.where(X.index % 5 == 0, "north", "south"))
    model = MLPClassifier(**{"hidden_layer_sizes": (8,), **settings}, max_iter=20, batch_size=16)
    with warnings.catch_warnings(action="ignore"):
        model.fit(X, y)
    model.save(tmp_path / "model.safetensors")
    X.loc[5:9, "field"] = ["012", "west", None, "12.0", "north"]
    X.loc[10:12, "petal length"] = [1e6, -1e6, np.nan]
    X.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "out.csv").write_text(by_numpy(tmp_path, "model.safetensors", "table.csv"))
    out = pd.read_csv(tmp_path / "out.csv")
    assert out.iloc[:, 0].tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(out.iloc[:, 1:], model.predict_proba(X), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(
    ("networks", "updates"), [("smooth", 60), ("sharp", 60), ("auto", (40, 60))]
)
def test_numpy_alone_reads_the_tabular_estimators(networks, updates, flowers, tmp_path):
    X, y = flowers
    X.to_csv(tmp_path / "table.csv", index=False)
    how = {"networks": networks, "updates": updates, "n_networks": 2, "random_state": 0}
    model = TabularClassifier(**how).fit(X, y)
    model.save(tmp_path / "labels")
    (tmp_path / "out.csv").write_text(by_numpy(tmp_path, "labels", "table.csv"))
    out = pd.read_csv(tmp_path / "out.csv")
    assert out.iloc[:, 0].tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(out.iloc[:, 1:], model.predict_proba(X), rtol=1e-4, atol=1e-6)
    numbers = X.pop("petal length") ** 2
    for loss in ("squared_error", "poisson", "huber"):
        regressor = TabularRegressor(loss=loss, **how).fit(X, numbers)
        regressor.save(tmp_path / "numbers")
        far = pd.concat([X, 1000 * X.select_dtypes("number"), X], ignore_index=True)
        far.to_csv(tmp_path / "far.csv", index=False)
        (tmp_path / "out.csv").write_text(by_numpy(tmp_path, "numbers", "far.csv"))
        out = pd.read_csv(tmp_path / "out.csv")
        assert out.columns.tolist() == ["prediction"]
        np.testing.assert_allclose(out["prediction"], regressor.predict(far), rtol=1e-4, atol=1e-4)


def test_numpy_alone_predicts_several_numbers(flowers, tmp_path):
    X, _ = flowers
    X.to_csv(tmp_path / "table.csv", index=False)
    Y = X[["petal length", "sepal length"]].to_numpy()
    model = MLPRegressor(hidden_layer_sizes=(5,), n_ensemble=2)
    model.partial_fit(X, Y).save(tmp_path / "m")
    (tmp_path / "out.csv").write_text(by_numpy(tmp_path, "m", "table.csv"))
    out = pd.read_csv(tmp_path / "out.csv")
    assert out.columns.tolist() == ["prediction 1", "prediction 2"]
    np.testing.assert_allclose(out, model.predict(X), rtol=1e-9)


def test_numpy_alone_refuses_what_it_cannot_do(flowers, tmp_path):
    X, y = flowers
    X.to_csv(tmp_path / "table.csv", index=False)
    file = tmp_path / "model.safetensors"
    gelu = MLPClassifier((4,), "gelu").partial_fit(X, y, classes=sorted(set(y)))
    several = MLPClassifier((4,)).partial_fit(X, np.eye(150, 2, dtype=int), classes=[0, 1])
    quantile = MLPRegressor("quantile", (4,)).partial_fit(X, np.arange(150.0))
    for model in (gelu, several, quantile):
        model.save(file)
        told = by_numpy(tmp_path, file, "table.csv", code=1)
        assert "that predict one label or numbers, no quantiles" in told
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "damaged" in by_numpy(tmp_path, file, "table.csv", code=1)
